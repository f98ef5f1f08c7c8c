"""Questions that are asked only after certain answers: settled, frozen, exported and scored where they were asked."""

import json
from io import BytesIO
from typing import Any

import pytest

from annotation import adjudicating
from annotation import models as a
from annotation import schema as schemas
from evaluation import exporting, leaderboard
from evaluation import models as e
from tests.annotation.worlds import answer, lease
from tests.conftest import make_gold, make_items, make_project, set_schema
from tests.evaluation.worlds import board_of, freeze, gold_of, submit

pytestmark = pytest.mark.django_db
SCHEMA = schemas.check(
    {
        "questions": [
            {"name": "relevant", "labels": ["yes", "no"]},
            {"name": "tone", "labels": ["up", "down"], "when": {"question": "relevant", "labels": ["yes"]}},
        ]
    }
)


@pytest.fixture
def project(cast: Any) -> a.Project:
    project = make_project(cast)
    set_schema(project, SCHEMA)
    return project


@pytest.fixture
def version(project: a.Project) -> Any:
    """Sixty items, every third of them not relevant and so without a tone."""
    for place, item in enumerate(make_items(project, 60, slots=0)):
        relevant = "yes" if place % 3 else "no"
        make_gold(item, relevant, question="relevant")
        if relevant == "yes":
            make_gold(item, "up" if place % 2 else "down", question="tone")
    return freeze(project)


def test_an_item_is_complete_without_what_is_not_asked_of_it(version: Any) -> None:
    assert version.state == "done", version.message
    assert e.Example.objects.filter(version=version).count() == 60
    counts = [version.counts[split]["labels"]["tone"] for split in ("train", "dev", "test")]
    assert sum(sum(each.values()) for each in counts) == 40


def test_a_relevant_item_without_its_tone_stays_out(project: a.Project) -> None:
    first, second, third = make_items(project, 3, slots=0)
    make_gold(first, "yes", question="relevant")
    make_gold(second, "no", question="relevant")
    for question, value in (("relevant", "yes"), ("tone", "up")):
        make_gold(third, value, question=question)
    keys = e.Example.objects.filter(version=freeze(project, shares={"train": 1.0})).values_list("key", flat=True)
    assert set(keys) == {"d1", "d2"}


def test_a_board_asks_only_for_examples_that_the_question_is_asked_of(version: Any) -> None:
    board = board_of(version, "tone")
    asked = {key: gold for key, gold in _golds(board).items() if "tone" in gold}
    assert 0 < len(asked) < e.Example.objects.filter(version=version, split="test").count()
    submission = submit(board, "All up", [{"id": key, "label": "up"} for key in asked])
    assert submission.state == "done", submission.message
    [entry] = leaderboard.entries(board)
    assert entry["metrics"]["accuracy"]["n"] == len(asked)
    assert entry["coverage"] == 1.0
    assert leaderboard.benchmark_facts(board)["independent_examples"] == len(asked)


def _golds(board: e.Benchmark) -> dict[str, dict[str, Any]]:
    return dict(e.Example.objects.filter(version=board.version, split="test").values_list("key", "gold"))


def test_the_export_has_no_answer_to_what_was_not_asked(version: Any) -> None:
    file = BytesIO()
    exporting.single(version, with_test_gold=True, target=file)
    rows = [json.loads(line) for line in file.getvalue().splitlines()]
    assert {tuple(sorted(row["gold"])) for row in rows} == {("relevant",), ("relevant", "tone")}
    table = BytesIO()
    exporting.single(version, format="csv", with_test_gold=True, target=table)
    assert b"gold.tone" in table.getvalue()


def test_the_dependent_question_can_be_frozen_alone(project: a.Project, version: Any) -> None:
    alone = freeze(project, dataset_name="Tone", questions=["tone"])
    assert e.Example.objects.filter(version=alone).count() == 40
    assert set(gold_of(board_of(alone, "tone")).values()) <= {"up", "down"}


def test_people_who_agree_that_it_is_not_asked_open_no_case(project: a.Project, cast: Any) -> None:
    [item] = make_items(project, 1)
    for name in ("alice", "bob"):
        answer(project, cast[name], lease(item, cast[name]), answer={"relevant": "no"})
    assert dict(a.Gold.objects.current().values_list("question", "value")) == {"relevant": "no"}
    assert not a.Case.objects.exists()


@pytest.mark.parametrize(("decision", "left"), [("no", set()), ("yes", {"tone"})])
def test_people_who_differ_in_what_it_depends_on_have_both_decided(
    project: a.Project, cast: Any, decision: str, left: set[str]
) -> None:
    [item] = make_items(project, 1)
    answer(project, cast["alice"], lease(item, cast["alice"]), answer={"relevant": "no"})
    answer(project, cast["bob"], lease(item, cast["bob"]), answer={"relevant": "yes", "tone": "up"})
    assert set(a.Case.objects.open().values_list("question", flat=True)) == {"relevant", "tone"}
    assert not a.Gold.objects.exists()
    case = a.Case.objects.get(question="relevant")
    adjudicating.decide(case=case, value=decision, user=cast["carol"], reason="oversight")
    assert set(a.Case.objects.open().values_list("question", flat=True)) == left

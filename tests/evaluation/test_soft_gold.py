"""Ambiguous texts: their gold keeps how the answers spread, is frozen, hashed and exported with it, and scored by no metric."""

import io
import json
from typing import Any

import pytest
from django.utils import timezone

from annotation import adjudicating, settling, spreads
from annotation import models as a
from annotation import schema as schemas
from evaluation import exporting, exports, proof
from evaluation import models as e
from evaluation.canonical import canonical_example, example_digest
from evaluation.card import card
from evaluation.wanted import want
from tests.conftest import make_annotation, make_gold, make_items, make_project, set_schema
from tests.evaluation.worlds import bare_project as bare
from tests.evaluation.worlds import board_of, bring, freeze, gold_of, make_texts, submit

pytestmark = pytest.mark.django_db
SPREAD = [{"value": "positive", "n": 2}, {"value": "neutral", "n": 1}]


@pytest.fixture
def project(cast):
    return make_project(cast, slug="soft")


def soften(project: a.Project, keys: list[str], spread: Any = SPREAD) -> None:
    for row in list(a.Gold.objects.current().filter(project=project, item__document__external_id__in=keys)):
        a.Gold.objects.filter(pk=row.pk).update(superseded_at=timezone.now())
        make_gold(row.item, spread[0]["value"], distribution=spread, reason="ambiguous")


def one_file(version: Any, format: str, **options: Any) -> bytes:
    target = io.BytesIO()
    exporting.single(version, format=format, target=target, **{"with_test_gold": True, **options})
    return target.getvalue()


# Deciding


def test_a_decision_that_the_text_is_ambiguous_keeps_the_independent_answers(cast):
    project = make_project(cast, overlap=4)
    [item] = make_items(project, 1)
    make_annotation(item, cast["alice"], "neutral")
    make_annotation(item, cast["bob"], "positive")
    make_annotation(item, cast["erin"], "positive")
    # Not independent: it counts in no distribution.
    make_annotation(item, cast["carol"], "negative", independent=False)
    settling.settle_all(project=project)
    gold = adjudicating.decide(
        case=a.Case.objects.get(), value=None, user=cast["dave"], reason="ambiguous", ambiguous=True
    )
    assert gold.distribution == SPREAD
    assert (gold.value, gold.method, gold.settled_by) == ("positive", "adjudicated", cast["dave"])


def test_the_label_that_counts_where_one_must_can_be_chosen(cast):
    project = make_project(cast)
    [item] = make_items(project, 1)
    make_annotation(item, cast["alice"], "neutral")
    make_annotation(item, cast["bob"], "positive")
    settling.settle_all(project=project)
    gold = adjudicating.decide(
        case=a.Case.objects.get(), value="positive", user=cast["dave"], reason="ambiguous", ambiguous=True
    )
    assert gold.value == "positive"
    assert sum(one["n"] for one in gold.distribution) == 2


def test_without_an_independent_answer_there_is_no_distribution_to_keep(cast):
    project = make_project(cast)
    [item] = make_items(project, 1)
    case = a.Case.objects.create(project=project, item=item, question="sentiment")
    with pytest.raises(ValueError, match="no independent answer"):
        adjudicating.decide(case=case, value="positive", user=cast["dave"], reason="ambiguous", ambiguous=True)
    assert a.Case.objects.open().exists()


# Freezing, exporting, coming back


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_soft_gold_frozen_exported_and_imported_elsewhere_gives_the_same_hash(project, format):
    make_texts(project, 40)
    soften(project, ["d3", "d11"])
    version = freeze(project)
    assert version.message == ""
    soft = e.Example.objects.filter(version=version).exclude(soft=None)
    assert {row.key: row.soft for row in soft} == {"d3": {"sentiment": SPREAD}, "d11": {"sentiment": SPREAD}}
    assert proof.verify(version)["ok"]
    content = one_file(version, format)
    other = bare(f"copy-{format}")
    report = bring(other, content, f"all.{format}", labels="gold", create_schema=True, question="sentiment")
    assert (report["gold"], report["refused"], report["warnings"]) == (40, 0, [])
    assert a.Gold.objects.filter(project=other).exclude(distribution=None).count() == 2
    copy = freeze(other)
    assert copy.content_hash == version.content_hash
    assert one_file(copy, format) == content


def test_several_questions_with_soft_gold_come_back_too(cast):
    project = make_project(cast, slug="two")
    questions = [
        {"name": "tone", "kind": "choice", "labels": ["down", "up"]},
        {"name": "topics", "kind": "choices", "labels": ["rates", "credit"]},
    ]
    set_schema(project, schemas.check({"questions": questions}))
    spread = [{"value": ["rates"], "n": 1}, {"value": ["rates", "credit"], "n": 1}]
    for item in make_items(project, 30, slots=0):
        for question, value in (("tone", "up"), ("topics", ["rates"])):
            fields = {"project": project, "item": item, "question": question, "guideline_version": project.version}
            soft = spread if question == "topics" and item.document.external_id == "d7" else None
            a.Gold.objects.create(**fields, value=value, distribution=soft, method="adjudicated")
    version = freeze(project)
    for format in ("jsonl", "csv"):
        other = make_project(
            {name: a.User.objects.create_user(f"{format}-{name}") for name in cast}, slug=f"two-{format}"
        )
        set_schema(other, project.version.schema)
        report = bring(other, one_file(version, format), f"all.{format}", labels="gold")
        assert report["warnings"] == []
        assert freeze(other).content_hash == version.content_hash


def test_the_hash_covers_the_distribution_and_nothing_else_changes(project):
    make_texts(project, 30)
    hard = freeze(project)
    soften(project, ["d3"])
    soft = freeze(project)
    assert soft.number == "2.0.0"
    changed = [
        one.key
        for one, other in zip(hard.examples.order_by("key"), soft.examples.order_by("key"), strict=True)
        if one.digest != other.digest
    ]
    assert changed == ["d3"]


def test_the_order_in_a_file_is_not_part_of_the_hash():
    example = {"id": "x", "split": "test", "text": "t", "gold": {"label": "positive"}}
    assert example_digest({**example, "soft": {"label": SPREAD}}) == example_digest({**example, "soft": {"label": SPREAD[::-1]}})  # fmt: skip
    assert canonical_example({**example, "soft": {}}) == canonical_example(example)
    with pytest.raises(ValueError, match="soft"):
        canonical_example({**example, "soft": {"label": ["positive"]}})


def test_the_card_says_what_soft_gold_is_and_the_distribution_of_the_test_stays_behind_with_its_gold(project):
    make_texts(project, 30, given_split="test")
    a.Document.objects.filter(project=project, external_id__in=[f"d{n}" for n in range(10)]).update(given_split="train")
    soften(project, ["d3", "d20"])
    version = freeze(project, splits="given")
    rows = [json.loads(line) for line in one_file(version, "jsonl", with_test_gold=False).splitlines()]
    assert {row["id"]: row["distribution"] for row in rows if row["distribution"]} == {"d3": SPREAD}
    wanted = want(version, with_test_gold=True)
    text = card(version, exports.manifest(wanted, exports.release_of(wanted), {}))
    assert "## Ambiguous texts" in text
    assert "| sentiment | 1 | 0 | 1 |" in text


# Scoring


def test_metrics_leave_ambiguous_texts_out_and_tell_how_near_predictions_come_to_what_people_said(project):
    make_texts(project, 30, given_split="test")
    soften(project, ["d2", "d5"])
    version = freeze(project, splits="given")
    board = board_of(version)
    gold = gold_of(board)
    rows = [{"id": key, "label": label} for key, label in gold.items()]
    for row in rows:
        if row["id"] == "d5":
            row["label"] = "neutral"
    submission = submit(board, "near", rows)
    assert submission.scores.get(metric="accuracy").value == 1.0
    assert submission.scores.get(metric="accuracy").n == 28
    # d2 says positive (2 of 3 people), d5 neutral (1 of 3).
    assert submission.report["soft"] == {"n": 2, "closeness": pytest.approx((2 / 3 + 1 / 3) / 2)}
    assert submission.report["examples"] == 30


def test_closeness_is_the_share_of_people_who_say_the_same():
    assert spreads.closeness("positive", SPREAD, lambda one, other: float(one != other)) == pytest.approx(2 / 3)
    assert spreads.closeness(None, SPREAD, lambda one, other: 0.0) == 0.0


@pytest.mark.parametrize(
    ("cell", "taken"),
    [(json.dumps(SPREAD), True), ({"q": SPREAD}, True), ("retail", False), ([], False), ([{"value": "x", "n": 0}], False), ([{"value": "x"}], False), ("{", False)],
)  # fmt: skip
def test_only_what_is_a_distribution_is_taken_for_one(cell, taken):
    assert (spreads.read(cell) is not None) == taken


def test_a_column_that_is_called_so_and_holds_something_else_stays_a_column(cast):
    project = make_project(cast, slug="other")
    report = bring(project, json.dumps({"id": "x", "text": "Words.", "label": "positive", "distribution": "retail"}).encode(), "x.jsonl", labels="gold")  # fmt: skip
    assert report["gold"] == 1
    assert project.documents.get().metadata == {"distribution": "retail"}

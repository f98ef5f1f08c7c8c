"""Many cases settled at once: a file of decisions with a report row by row, or one annotator's answers."""

import json

import pytest

from annotation import adjudicating, deciding
from annotation import models as a
from tests.annotation.worlds import label
from tests.conftest import make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    """Five items: d0 to d2 differ, d3 agrees, d4 waits for answers."""
    project = make_project(cast)
    items = make_items(project, 5)
    for item in items[:3]:
        label(project, item, alice="positive", bob="negative")
    label(project, items[3], alice="neutral", bob="neutral")
    return project


def decide(project, tmp_path, content, name="decisions.csv", **options):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return deciding.by_file(project=project, question="sentiment", path=path, user=None, **options)


def settled(project):
    gold = a.Gold.objects.current().filter(project=project, method="adjudicated")
    return dict(gold.values_list("item__document__external_id", "value"))


def test_a_file_settles_the_cases_it_names(project, tmp_path, cast):
    path = tmp_path / "d.csv"
    path.write_text("id,label,reason,note\nd0,neutral,guideline,看第三条\nd1,positive,,\n", encoding="utf-8")
    outcome = deciding.by_file(project=project, question="sentiment", path=path, user=cast["carol"], reason="oversight")
    assert (outcome.settled, outcome.here, outcome.problems) == (2, 0, [])
    assert settled(project) == {"d0": "neutral", "d1": "positive"}
    first, second = a.Gold.objects.filter(method="adjudicated").order_by("item")
    assert (first.reason, first.note, first.settled_by) == ("guideline", "看第三条", cast["carol"])
    assert (second.reason, second.note) == ("oversight", "")
    assert a.Case.objects.open().count() == 1


def test_lines_of_json_do_too(project, tmp_path):
    rows = [{"id": "d0", "label": "neutral"}, {"id": "d1", "label": None}]
    outcome = decide(project, tmp_path, "\n".join(map(json.dumps, rows)), "d.jsonl")
    assert outcome.settled == 1
    assert [problem["problem"] for problem in outcome.problems] == ["Row 2: the label is empty."]


def test_each_row_that_cannot_be_is_told_with_its_reason_and_the_others_count(project, tmp_path):
    outcome = decide(
        project,
        tmp_path,
        "id,label,reason\nnope,neutral,\nd0,bullish,\nd1,neutral,mood\nd3,positive,\nd4,positive,\n,neutral,\nd2,neutral,\n",
    )
    problems = {problem["row"]: problem["problem"] for problem in outcome.problems}
    assert outcome.settled == 1
    assert settled(project) == {"d2": "neutral"}
    assert list(problems) == sorted(problems)
    assert "no item with the id “nope”" in problems[2]
    assert "“bullish” is no label" in problems[3]
    assert "Choose a reason" in problems[4]
    assert "no open case: it is settled already (unanimous)" in problems[5]
    assert "no open case: answers are still missing" in problems[6]
    assert "the id is empty" in problems[7]


def test_an_id_named_twice_settles_nothing(project, tmp_path):
    outcome = decide(project, tmp_path, "id,label\nd0,neutral\nd1,positive\nd0,positive\n")
    assert settled(project) == {"d1": "positive"}
    assert [problem["row"] for problem in outcome.problems] == [2, 4]
    assert all("named more than once (rows 2, 4)" in problem["problem"] for problem in outcome.problems)


def test_a_file_sent_twice_changes_nothing(project, tmp_path):
    content = "id,label\nd0,neutral\n"
    decide(project, tmp_path, content)
    again = decide(project, tmp_path, content)
    assert (again.settled, again.here, again.problems) == (0, 1, [])
    changed = decide(project, tmp_path, "id,label\nd0,positive\n")
    assert "settled already (adjudicated)" in changed.problems[0]["problem"]
    assert settled(project) == {"d0": "neutral"}


def test_a_file_without_the_columns_is_refused_as_a_whole(project, tmp_path):
    with pytest.raises(ValueError, match="no column “label”"):
        decide(project, tmp_path, "id,verdict\nd0,neutral\n")
    with pytest.raises(ValueError, match="empty"):
        decide(project, tmp_path, "", "d.csv")


def test_cases_of_another_project_are_out_of_reach(project, tmp_path, cast):
    other = make_project(cast, slug="other")
    outcome = deciding.by_file(
        project=other, question="sentiment", path=_write(tmp_path, "id,label\nd0,neutral\n"), user=None
    )
    assert outcome.settled == 0
    assert len(outcome.problems) == 1


def _write(tmp_path, content):
    path = tmp_path / "d.csv"
    path.write_text(content)
    return path


def test_one_annotators_answers_settle_what_they_answered(project, cast):
    [item] = make_items(project, ["Nobody knows."])
    label(project, item, alice=None, bob="negative")
    outcome = deciding.by_annotator(
        project=project,
        question="sentiment",
        annotator="alice",
        user=cast["carol"],
        reason="other",
        note="alice is senior",
    )
    assert outcome.settled == 3
    assert settled(project) == {"d0": "positive", "d1": "positive", "d2": "positive"}
    assert a.Gold.objects.filter(method="adjudicated", note="alice is senior", settled_by=cast["carol"]).count() == 3
    assert a.Case.objects.open().get().item == item


def test_an_annotator_who_is_unknown_is_told_who_there_is(project):
    with pytest.raises(ValueError, match=r"“zoe” names nobody .* They are: alice, bob"):
        deciding.by_annotator(project=project, question="sentiment", annotator="zoe", user=None)


def test_second_decisions_are_not_made_by_an_annotators_answers(project, cast):
    [item] = make_items(project, ["Nobody knows yet."])
    label(project, item, alice="positive", bob="negative")
    case = a.Case.objects.open().get(item=item)
    gold = adjudicating.decide(case=case, value="negative", user=cast["carol"], reason="other")
    second = a.Case.objects.create(project=project, item=item, question="sentiment", why=a.Case.Why.SECOND, first=gold)
    deciding.by_annotator(project=project, question="sentiment", annotator="alice", user=cast["dave"])
    second.refresh_from_db()
    assert second.closed_at is None
    assert not a.SecondOpinion.objects.exists()

"""Agreeing answers become gold, differing ones cases; people's decisions are never touched by a rule."""

import pytest

from annotation import assigning, settling
from annotation import models as a
from annotation.settling import judge
from tests.annotation.worlds import answer, correct, label, lease, take
from tests.conftest import make_gold, make_items, make_project, set_schema

pytestmark = pytest.mark.django_db
QUESTION = {"name": "sentiment", "kind": "choice", "required": True}


@pytest.fixture
def project(cast):
    return make_project(cast)


@pytest.fixture
def item(project):
    return make_items(project, ["营收同比增长 8％，好于预期 📈\r\nNet sales rose."])[0]


def gold(item):
    """(value, method) of the item's current gold, or None."""
    return a.Gold.objects.current().filter(item=item).values_list("value", "method").first()


def open_cases(item):
    return a.Case.objects.open().filter(item=item).count()


# The rule


@pytest.mark.parametrize(
    ("values", "skipped", "rule", "value", "method", "disagreement"),
    [
        (["x"], 0, "unanimous", "x", "single", 0),
        (["x", "x"], 0, "unanimous", "x", "unanimous", 0),
        (["x", "y"], 0, "unanimous", None, "", 1),
        (["x", "x", "y"], 0, "unanimous", None, "", 2 / 3),
        (["x", "x", "y"], 0, "majority", "x", "majority", 2 / 3),
        (["x", "x", "y", "y"], 0, "majority", None, "", 4 / 6),
        (["x", "y", "z"], 0, "majority", None, "", 1),
        (["x", "x"], 1, "unanimous", None, "", 2 / 3),
        (["x", "x"], 1, "majority", "x", "majority", 2 / 3),
        (["x"], 1, "majority", None, "", 1),
        (["x", "x"], 2, "majority", None, "", 4 / 6),
        (["x", "x"], 0, "never", None, "", 0),
        (["x", "y"], 0, "never", None, "", 1),
        ([], 1, "unanimous", None, "", 1),
        ([], 2, "majority", None, "", 1),
        ([], 0, "majority", None, "", 0),
    ],
)
def test_the_rule_on_answers_and_skips(values, skipped, rule, value, method, disagreement):
    verdict = judge(values, QUESTION, rule=rule, skipped=skipped)
    assert (verdict.value, verdict.method) == (value, method)
    assert verdict.disagreement == pytest.approx(disagreement)


# Settling as answers come in


def test_an_item_is_settled_with_its_last_answer_and_not_before(project, item):
    label(project, item, alice="positive")
    assert gold(item) is None
    label(project, item, bob="positive")
    assert gold(item) == ("positive", "unanimous")
    assert open_cases(item) == 0


def test_differing_answers_open_a_case(project, item):
    label(project, item, alice="positive", bob="negative")
    assert gold(item) is None
    case = a.Case.objects.get(item=item)
    assert (case.question, case.disagreement, case.closed_at) == ("sentiment", 1.0, None)


def test_a_single_answer_settles_where_one_is_asked_for(cast):
    project = make_project(cast, overlap=1)
    [item] = make_items(project, 1)
    label(project, item, alice="neutral")
    assert gold(item) == ("neutral", "single")


def test_a_majority_settles_where_the_project_says_so(cast):
    project = make_project(cast, overlap=3, settle="majority")
    a.Membership.objects.filter(user=cast["carol"]).update(labels=True)
    clear, tie = make_items(project, 2)
    label(project, clear, alice="neutral", bob="positive", carol="neutral")
    label(project, tie, alice="neutral", bob="positive", carol="negative")
    assert gold(clear) == ("neutral", "majority")
    assert (gold(tie), open_cases(tie)) == (None, 1)


def test_a_project_that_settles_nothing_sends_agreeing_items_to_the_adjudicator(cast):
    project = make_project(cast, settle="never")
    [item] = make_items(project, 1)
    label(project, item, alice="neutral", bob="neutral")
    assert (gold(item), open_cases(item)) == (None, 1)


def test_a_skip_beside_an_answer_opens_a_case(project, item):
    label(project, item, alice=None, bob="positive")
    assert (gold(item), open_cases(item)) == (None, 1)


def test_an_item_that_everybody_skipped_goes_to_the_adjudicator_as_fully_contested(project, item):
    label(project, item, alice=None, bob=None)
    assert a.Case.objects.get(item=item).disagreement == 1.0


# Corrections


def test_a_correction_that_ends_the_disagreement_closes_the_case_and_makes_gold(project, cast, item):
    label(project, item, alice="positive", bob="negative")
    correct(project, cast["bob"], item, "positive")
    assert gold(item) == ("positive", "unanimous")
    assert open_cases(item) == 0
    assert a.Case.objects.get(item=item).closed_at is not None


def test_a_correction_that_starts_a_disagreement_takes_the_gold_back_and_opens_a_case(project, cast, item):
    label(project, item, alice="positive", bob="positive")
    old = a.Gold.objects.get(item=item)
    correct(project, cast["bob"], item, "negative")
    old.refresh_from_db()
    assert old.superseded_at is not None
    assert (gold(item), open_cases(item)) == (None, 1)


def test_corrections_of_both_replace_the_gold(project, cast, item):
    label(project, item, alice="positive", bob="positive")
    correct(project, cast["alice"], item, "negative")
    correct(project, cast["bob"], item, "negative")
    assert gold(item) == ("negative", "unanimous")
    assert a.Gold.objects.filter(item=item).count() == 2
    assert open_cases(item) == 0


def test_a_correction_to_a_skip_takes_the_gold_back(project, cast, item):
    label(project, item, alice="positive", bob="positive")
    correct(project, cast["alice"], item, None)
    assert (gold(item), open_cases(item)) == (None, 1)


def test_a_correction_moves_the_disagreement_of_the_open_case(cast):
    project = make_project(cast, overlap=3)
    a.Membership.objects.filter(user=cast["carol"]).update(labels=True)
    [item] = make_items(project, 1)
    label(project, item, alice="neutral", bob="positive", carol="negative")
    assert a.Case.objects.get(item=item).disagreement == 1.0
    correct(project, cast["carol"], item, "neutral")
    case = a.Case.objects.get(item=item)
    assert case.closed_at is None
    assert case.disagreement == pytest.approx(2 / 3)


def test_a_correction_to_the_same_answer_leaves_the_gold_as_it_is(project, cast, item):
    label(project, item, alice="positive", bob="positive")
    before = a.Gold.objects.get(item=item)
    correct(project, cast["alice"], item, "positive")
    assert a.Gold.objects.get(item=item).settled_at == before.settled_at


@pytest.mark.parametrize("method", ["adjudicated", "imported"])
def test_gold_of_a_person_or_a_file_is_never_touched_by_settling(project, cast, item, method):
    make_gold(item, "neutral", method=method)
    label(project, item, alice="positive", bob="negative")
    correct(project, cast["bob"], item, "positive")
    settling.settle_all(project=project, rule="majority")
    assert gold(item) == ("neutral", method)
    assert a.Gold.objects.filter(item=item).count() == 1
    assert open_cases(item) == 0


# All at once


def test_settle_all_applies_a_rule_to_what_is_complete_and_unsettled(cast):
    project = make_project(cast, overlap=3, settle="never")
    a.Membership.objects.filter(user=cast["carol"]).update(labels=True)
    same, clear, tie, incomplete = make_items(project, 4)
    label(project, same, alice="neutral", bob="neutral", carol="neutral")
    label(project, clear, alice="neutral", bob="positive", carol="neutral")
    label(project, tie, alice="neutral", bob="positive", carol="negative")
    label(project, incomplete, alice="neutral", bob="neutral")
    assert a.Case.objects.open().count() == 3
    made = settling.settle_all(project=project, rule="unanimous")
    assert (made["gold"], made["cases"]) == (1, 0)
    assert gold(same) == ("neutral", "unanimous")
    made = settling.settle_all(project=project, rule="majority")
    assert made["gold"] == 1
    assert gold(clear) == ("neutral", "majority")
    assert [gold(tie), gold(incomplete)] == [None, None]
    assert a.Case.objects.open().get().item == tie


def test_settle_all_twice_changes_nothing(project, item):
    label(project, item, alice="positive", bob="negative")
    settling.settle_all(project=project)
    assert settling.settle_all(project=project) == {}
    assert a.Case.objects.count() == 1


def test_a_stricter_rule_does_not_take_settled_gold_away(cast):
    project = make_project(cast, overlap=3, settle="majority")
    a.Membership.objects.filter(user=cast["carol"]).update(labels=True)
    [item] = make_items(project, 1)
    label(project, item, alice="neutral", bob="positive", carol="neutral")
    a.Project.objects.update(settle="never")
    project.refresh_from_db()
    settling.settle_all(project=project)
    correct(project, cast["bob"], item, "negative")
    assert gold(item) == ("neutral", "majority")
    correct(project, cast["carol"], item, "positive")
    assert (gold(item), open_cases(item)) == (None, 1)


def test_settle_all_needs_a_guideline(project):
    a.Project.objects.update(version=None)
    project.refresh_from_db()
    with pytest.raises(ValueError, match="no published guideline"):
        settling.settle_all(project=project)


def test_settle_all_of_a_question_that_is_not_there(project):
    with pytest.raises(ValueError, match="no question “mood”"):
        settling.settle_all(project=project, question="mood")


# Several questions


def two_questions(cast):
    project = make_project(cast, slug="two")
    [asked] = project.version.schema["questions"]
    set_schema(project, {"questions": [asked, {**asked, "name": "topic", "title": "Topic", "required": False}]})
    return project


def test_each_question_is_settled_on_its_own(cast):
    project = two_questions(cast)
    [item] = make_items(project, 1)
    answer(project, cast["alice"], lease(item, cast["alice"]), answer={"sentiment": "neutral", "topic": "positive"})
    answer(project, cast["bob"], lease(item, cast["bob"]), answer={"sentiment": "neutral", "topic": "negative"})
    assert a.Gold.objects.get(item=item).question == "sentiment"
    assert a.Case.objects.get(item=item).question == "topic"


def test_an_optional_question_that_nobody_answered_is_neither_gold_nor_case(cast):
    project = two_questions(cast)
    [item] = make_items(project, 1)
    label(project, item, alice="neutral", bob="neutral")
    assert list(a.Gold.objects.values_list("question", flat=True)) == ["sentiment"]
    assert not a.Case.objects.exists()


def test_gold_of_an_optional_question_goes_where_its_answers_are_taken_back(cast):
    project = two_questions(cast)
    [item] = make_items(project, 1)
    both = {"sentiment": "neutral", "topic": "positive"}
    for name in ("alice", "bob"):
        answer(project, cast[name], lease(item, cast[name]), answer=both)
    for name in ("alice", "bob"):
        correct(project, cast[name], item, "neutral")
    assert list(a.Gold.objects.current().values_list("question", flat=True)) == ["sentiment"]


# People decide


def test_batches_are_whole_and_in_order():
    assert list(settling.batches(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(settling.batches([], 2)) == []


def test_an_item_that_is_being_labelled_is_not_settled(project, cast, item):
    take(project, cast["alice"])
    assert settling.settle(project=project, version=project.version, items=[item.pk]) == {}
    assigning.release(project=project)
    assert settling.settle_all(project=project) == {}

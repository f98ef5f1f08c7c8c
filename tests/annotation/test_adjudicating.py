"""A case is settled once, by a person with a reason; deciding anew keeps the old decision as history."""

import pytest

from annotation import adjudicating, caseload
from annotation import models as a
from tests.annotation.worlds import answer, correct, label, lease
from tests.conftest import make_annotation, make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


@pytest.fixture
def item(project):
    return make_items(project, ["营收同比增长 8％，好于预期 📈\r\nNet sales rose."])[0]


def gold(item):
    """(value, method) of the item's current gold, or None."""
    return a.Gold.objects.current().filter(item=item).values_list("value", "method").first()


def queue(project, user=None):
    return caseload.queue(project=project, wanted=caseload.Wanted(), user=user)


@pytest.fixture
def case(project, item):
    label(project, item, alice="positive", bob="negative")
    return a.Case.objects.select_related("project__version").get(item=item)


def test_a_decision_makes_gold_with_who_when_how_and_why(cast, case):
    made = adjudicating.decide(case=case, value="negative", user=cast["carol"], reason="guideline", note=" 见第三条 ")
    assert (made.value, made.method, made.reason, made.note) == ("negative", "adjudicated", "guideline", "见第三条")
    assert made.settled_by == cast["carol"]
    assert made.guideline_version == case.project.version
    assert not a.Case.objects.open().exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"value": "bullish"}, "is no label"),
        ({"reason": ""}, "Choose a reason"),
        ({"reason": "mood"}, "Choose a reason"),
        ({"note": "x" * 2001}, "at most 2000"),
    ],
)
def test_a_decision_that_cannot_be_is_refused_and_the_case_stays_open(cast, case, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        adjudicating.decide(**{"case": case, "value": "negative", "user": cast["carol"], "reason": "other", **changes})
    assert a.Case.objects.open().count() == 1
    assert not a.Gold.objects.exists()


def test_a_case_is_settled_once(cast, case):
    adjudicating.decide(case=case, value="negative", user=cast["carol"], reason="other")
    with pytest.raises(ValueError, match="settled already"):
        adjudicating.decide(case=case, value="positive", user=cast["dave"], reason="other")
    assert a.Gold.objects.get().value == "negative"


def test_a_correction_after_the_decision_changes_nothing(project, cast, case, item):
    adjudicating.decide(case=case, value="neutral", user=cast["carol"], reason="other")
    correct(project, cast["bob"], item, "positive")
    assert gold(item) == ("neutral", "adjudicated")
    assert not a.Case.objects.open().filter(item=item).exists()


def test_a_decision_can_be_taken_anew_and_the_old_one_stays_as_history(cast, case, item):
    old = adjudicating.decide(case=case, value="negative", user=cast["carol"], reason="other")
    new = adjudicating.redecide(gold=old, value="neutral", user=cast["dave"], reason="oversight", note="read again")
    old.refresh_from_db()
    assert old.superseded_at is not None
    assert gold(item) == ("neutral", "adjudicated")
    assert new.settled_by == cast["dave"]
    with pytest.raises(ValueError, match="replaced already"):
        adjudicating.redecide(gold=old, value="positive", user=cast["dave"], reason="other")
    with pytest.raises(ValueError, match="Choose a reason"):
        adjudicating.redecide(gold=new, value="positive", user=cast["dave"], reason="")


def test_automatic_gold_can_be_decided_anew_by_a_person(project, cast, item):
    label(project, item, alice="positive", bob="positive")
    adjudicating.redecide(gold=a.Gold.objects.get(), value="neutral", user=cast["carol"], reason="guideline")
    assert gold(item) == ("neutral", "adjudicated")


def test_the_adjudicator_sees_answers_skips_and_comments_but_no_drafts(project, cast, item):
    answer(project, cast["alice"], lease(item, cast["alice"]), "positive", comment="clear")
    answer(project, cast["bob"], lease(item, cast["bob"]), None)
    a.Annotation.objects.create(
        item=item,
        project=project,
        annotator=cast["carol"],
        guideline_version=project.version,
        status="draft",
        answer={"sentiment": "neutral"},
    )
    shown = adjudicating.answers(a.Case.objects.get(item=item))
    assert {(entry["value"], entry["skip_reason"], entry["comment"]) for entry in shown} == {
        ("positive", "", "clear"),
        (None, "unclear", ""),
    }


def test_the_order_of_answers_does_not_tell_who_came_first(project, cast):
    first = 0
    for item in make_items(project, 40):
        label(project, item, alice="positive", bob="negative")
        shown = adjudicating.answers(a.Case.objects.get(item=item))
        first += shown[0]["value"] == "positive"
    assert 5 < first < 35


def test_the_most_contested_comes_first(cast):
    project = make_project(cast, overlap=3)
    a.Membership.objects.filter(user=cast["carol"]).update(labels=True)
    mild, hard = make_items(project, 2)
    label(project, mild, alice="neutral", bob="positive", carol="neutral")
    label(project, hard, alice="neutral", bob="positive", carol="negative")
    assert queue(project).first().item == hard


def test_the_queue_of_a_person_leaves_out_what_they_may_still_be_asked_to_label(project, cast):
    asked, settled_for_all = make_items(project, 2, slots=3)
    for item in (asked, settled_for_all):
        make_annotation(item, cast["alice"])
        make_annotation(item, cast["bob"], "negative")
        a.Case.objects.create(project=project, item=item, question="sentiment", disagreement=1.0)
    a.Assignment.objects.filter(item=settled_for_all, state="open").delete()
    a.Membership.objects.filter(user=cast["carol"]).update(labels=True)
    assert queue(project).count() == 2
    [own] = queue(project, cast["carol"])
    assert own.item == settled_for_all
    wanted = caseload.Wanted()
    assert caseload.following(project=project, after=own, wanted=wanted, user=cast["carol"]) is None
    assert caseload.following(project=project, after=own, wanted=wanted, user=cast["dave"]).item == asked

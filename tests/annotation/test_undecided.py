"""“Cannot decide” as an answer, and how sure people are: where the project wants them, and what follows from them."""

import pytest

from annotation import adjudicating, annotating, inviting, progress
from annotation import models as a
from tests.annotation.worlds import answer, bring, correct, label, lease, lines, member, sent, take
from tests.conftest import make_items, make_project

pytestmark = pytest.mark.django_db
UNDECIDED = {"status": "undecided", "skip_reason": "guideline", "answer": {}}


@pytest.fixture
def project(cast):
    return make_project(cast, undecided=True, confidence="three")


def said(project, user, item, **changes):
    return answer(project, user, lease(item, user), **changes)


def test_who_cannot_decide_says_why_and_gives_no_label(project, cast):
    [item] = make_items(project, 1)
    given = said(project, cast["alice"], item, status="undecided", skip_reason="guideline", answer={})
    assert (given.status, given.skip_reason, given.answer) == ("undecided", "guideline", {})
    assert a.Revision.objects.get().status == "undecided"
    assert a.Assignment.objects.get(annotator=cast["alice"]).state == "skipped"


def test_a_project_that_does_not_want_it_takes_no_undecided_answer(cast):
    project = make_project(cast)
    [item] = make_items(project, 1)
    with pytest.raises(ValueError, match="does not take “cannot decide”"):
        said(project, cast["alice"], item, **UNDECIDED)
    assert not a.Annotation.objects.exists()


def test_an_undecided_answer_counts_as_a_full_disagreement(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive")
    said(project, cast["bob"], item, **UNDECIDED)
    case = a.Case.objects.get()
    assert case.disagreement == 1.0
    assert not a.Gold.objects.exists()
    shown = adjudicating.answers(case)
    assert {(row["status"], row["skip_reason"]) for row in shown} == {("submitted", ""), ("undecided", "guideline")}


def test_it_is_no_answer_in_agreement_and_can_be_corrected_into_one(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive")
    said(project, cast["bob"], item, **UNDECIDED)
    assert a.Annotation.objects.submitted().count() == 1
    correct(project, cast["bob"], item, "positive")
    assert a.Gold.objects.get().value == "positive"
    assert not a.Case.objects.open().exists()


def test_how_sure_somebody_was_is_kept_with_the_answer_and_in_its_history(project, cast):
    [item] = make_items(project, 1)
    said(project, cast["alice"], item, confidence=1)
    [slot] = a.Assignment.objects.filter(annotator=cast["alice"])
    answer(project, cast["alice"], slot, token=None, confidence=3)
    assert a.Annotation.objects.get().confidence == 3
    assert [row.confidence for row in a.Revision.objects.all()] == [1, 3]
    said(project, cast["bob"], item, value="negative")
    assert {row["sureness"] for row in adjudicating.answers(a.Case.objects.get())} == {"sure", ""}


def test_a_project_that_does_not_ask_keeps_no_confidence(cast):
    project = make_project(cast)
    [item] = make_items(project, 1)
    assert said(project, cast["alice"], item, confidence=2).confidence is None


def test_a_repeat_from_a_second_tab_is_the_same_answer_only_where_it_is_as_sure(project, cast):
    [slot] = (make_items(project, 1), take(project, cast["alice"]))[1]
    answer(project, cast["alice"], slot, confidence=2)
    assert answer(project, cast["alice"], slot, confidence=2).confidence == 2
    with pytest.raises(annotating.Conflict):
        answer(project, cast["alice"], slot, confidence=3)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"status": "undecided"}, "Choose why it cannot be decided: guideline, context, not_finance, duplicate, bad_text."),
        ({"status": "undecided", "skip_reason": "language"}, "Choose why it cannot be decided"),
        ({"status": "skipped", "skip_reason": "duplicate"}, "Choose a reason for the skip"),
        ({"status": ["undecided"]}, "status must be"),
        ({"confidence": 4}, "confidence must be 1"),
        ({"confidence": True}, "confidence must be 1"),
        ({"confidence": "sure"}, "confidence must be 1"),
    ],
)  # fmt: skip
def test_what_is_no_reason_and_no_level_is_refused_in_words(changes, sentence):
    good = {"client_id": "2b1f0d6e-5d0c-4f4e-9a55-0b8f6f6b7a10", "assignment": 1, "version": 1}
    with pytest.raises(ValueError, match=sentence):
        annotating.read({**good, **changes})


def test_a_skip_and_an_undecided_answer_have_no_confidence():
    good = {"client_id": "2b1f0d6e-5d0c-4f4e-9a55-0b8f6f6b7a10", "assignment": 1, "version": 1, "confidence": 3}
    assert annotating.read({**good, "status": "undecided", "skip_reason": "context"}).confidence is None
    assert annotating.read(good).confidence == 3


def test_undecided_answers_are_counted_by_project_and_person(project, cast):
    [item] = make_items(project, 1)
    said(project, cast["alice"], item, **UNDECIDED)
    assert progress.overview(project)["undecided"] == 1
    [row] = progress.people(project)
    assert (row["undecided"], row["skipped"], row["submitted"]) == (1, 0, 0)


def test_a_draft_keeps_how_sure_one_was(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    data = {"assignment": slot.pk, "answer": {"sentiment": "neutral"}, "confidence": 2}
    assert annotating.draft(membership=member(project, cast["alice"]), data=data)
    assert annotating.told(a.Annotation.objects.get())["confidence"] == 2


def test_both_come_in_with_a_file_of_answers(project, cast):
    make_items(project, 2)
    report = bring(
        project,
        lines(
            {"id": "d0", "annotations": [
                {"annotator": "ann", "status": "undecided", "skip_reason": "duplicate"},
                {"annotator": "ben", "label": "neutral", "confidence": 2},
            ]},
            {"id": "d1", "annotator": "ann", "status": "undecided"},
        ),
        what="annotations",
    )  # fmt: skip
    assert report["annotations"] == 3
    found = {(row.status, row.skip_reason, row.confidence) for row in a.Annotation.objects.all()}
    assert found == {("undecided", "duplicate", None), ("submitted", "", 2), ("undecided", "", None)}


def test_the_settings_are_off_until_a_manager_turns_them_on(cast):
    project = make_project(cast)
    assert (project.undecided, project.confidence) == (False, "none")
    inviting.configure(project=project, undecided=True, confidence="three")
    project.refresh_from_db()
    assert (project.undecided, project.confidence) == (True, "three")
    with pytest.raises(ValueError, match="confidence"):
        inviting.configure(project=project, confidence="ten")


def test_the_api_takes_and_tells_both(project, cast, caller_of):
    make_items(project, 2, slots=1)
    alice, root = caller_of("alice"), f"/api/v1/projects/{project.slug}"
    desk = alice.get(f"{root}/label/?count=2").json()
    for slot, given in zip(
        desk["items"], (UNDECIDED, {"answer": {"sentiment": "positive"}, "confidence": 1}), strict=True
    ):
        letter = sent(a.Assignment.objects.get(pk=slot["assignment"]))
        body = {"client_id": str(letter.client_id), "assignment": slot["assignment"], "token": slot["token"], "version": desk["version"]}  # fmt: skip
        assert alice.post(f"{root}/label/", {**body, **given}).status_code == 200
    rows = caller_of("dave").get(f"{root}/annotations/").json()["results"]
    assert {(row["status"], row["skip_reason"], row["confidence"]) for row in rows} == {
        ("undecided", "guideline", None),
        ("submitted", "", 1),
    }
    assert caller_of("dave").get(f"{root}/").json()["confidence"] == "three"

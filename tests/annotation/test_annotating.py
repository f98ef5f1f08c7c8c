"""Draft, submit, skip, correct: nothing is lost, nothing is doubled, a repeat is harmless."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.utils import timezone

from annotation import annotating, assigning, inviting, publishing
from annotation import models as a
from annotation.annotating import Conflict
from tests.annotation.worlds import answer, correct, label, lease, member, sent, take
from tests.conftest import make_annotation, make_gold, make_items, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


def submit(project, user, letter, **options):
    return annotating.submit(membership=member(project, user), sent=letter, **options)


def expire(*slots):
    a.Assignment.objects.filter(pk__in=[slot.pk for slot in slots]).update(
        lease_until=timezone.now() - timedelta(minutes=1)
    )


def hand_over(slot, user):
    """What a claim does to the one expired slot that is meant."""
    a.Assignment.objects.filter(pk=slot.pk).update(
        annotator=user,
        held_before=F("annotator"),
        token=uuid.uuid4(),
        lease_until=timezone.now() + timedelta(minutes=5),
    )


# Submitting


def test_an_answer_is_stored_with_its_history_and_the_next_item_comes_back(project, cast):
    make_items(project, 4)
    [slot] = take(project, cast["alice"])
    letter = sent(slot, "negative", flagged=True, comment="净利润下降 📉\r\nsecond line", seconds=3.5)
    annotation, following = submit(project, cast["alice"], letter)
    annotation.refresh_from_db()
    assert annotation.answer == {"sentiment": "negative"}
    assert (annotation.status, annotation.flagged, annotation.seconds) == ("submitted", True, 3.5)
    assert annotation.comment == "净利润下降 📉\r\nsecond line"
    assert annotation.guideline_version == project.version
    assert [row.client_id for row in annotation.revisions.all()] == [letter.client_id]
    slot.refresh_from_db()
    assert (slot.state, slot.token, slot.lease_until) == ("done", None, None)
    assert following.item_id != slot.item_id
    assert following.annotator_id == cast["alice"].pk


def test_a_skip_has_a_reason_and_closes_the_slot(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    annotation, following = submit(project, cast["alice"], sent(slot, None, comment="which company?"))
    assert (annotation.status, annotation.skip_reason, annotation.answer) == ("skipped", "unclear", {})
    slot.refresh_from_db()
    assert slot.state == "skipped"
    assert following is None


def test_an_answer_that_breaks_the_schema_is_refused_and_the_lease_stays(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    with pytest.raises(ValueError, match="“bullish” is no label of “sentiment”"):
        submit(project, cast["alice"], sent(slot, "bullish"))
    with pytest.raises(ValueError, match="has no answer yet"):
        submit(project, cast["alice"], sent(slot, answer={}))
    slot.refresh_from_db()
    assert slot.state == "leased"
    assert not a.Annotation.objects.exists()


def test_a_repeat_changes_nothing_and_gives_the_same_next_item(project, cast):
    make_items(project, 5)
    [slot, _second] = take(project, cast["alice"], count=2)
    letter = sent(slot)
    annotation, following = submit(project, cast["alice"], letter)
    again, repeated = submit(project, cast["alice"], letter)
    assert again.pk == annotation.pk
    assert repeated.pk == following.pk
    assert repeated.token == following.token
    assert a.Revision.objects.count() == 1
    assert a.Assignment.objects.filter(annotator=cast["alice"], state="leased").count() == 2


def test_a_repeat_that_comes_after_a_correction_does_not_undo_it(project, cast):
    [item] = make_items(project, 1)
    slot = lease(item, cast["alice"])
    letter = sent(slot, "positive")
    submit(project, cast["alice"], letter)
    correct(project, cast["alice"], item, "negative")
    annotation, _following = submit(project, cast["alice"], letter)
    assert annotation.answer == {"sentiment": "negative"}


def test_a_client_id_of_somebody_else_is_refused(project, cast):
    [item, other] = make_items(project, 2)
    letter = sent(lease(item, cast["alice"]))
    submit(project, cast["alice"], letter, more=False)
    with pytest.raises(Conflict, match="id is in use"):
        submit(project, cast["bob"], sent(lease(item, cast["bob"]), client_id=letter.client_id))
    with pytest.raises(Conflict, match="id is in use"):
        submit(project, cast["alice"], sent(lease(other, cast["alice"]), client_id=letter.client_id))
    assert a.Annotation.objects.count() == 1


def test_a_second_tab_with_the_same_answer_is_fine_and_with_another_one_is_told_both(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    first, _following = submit(project, cast["alice"], sent(slot, "positive"))
    same, _following = submit(project, cast["alice"], sent(slot, "positive"))
    assert same.pk == first.pk
    with pytest.raises(Conflict, match="in another window") as caught:
        submit(project, cast["alice"], sent(slot, "negative"))
    assert caught.value.kept.answer == {"sentiment": "positive"}
    assert a.Annotation.objects.get().answer == {"sentiment": "positive"}


def test_a_correction_replaces_the_answer_and_keeps_the_history(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    answer(project, cast["alice"], slot, "positive")
    corrected = answer(project, cast["alice"], slot, "negative", token=None)
    assert corrected.answer == {"sentiment": "negative"}
    assert a.Annotation.objects.count() == 1
    assert [row.answer["sentiment"] for row in a.Revision.objects.all()] == ["positive", "negative"]


def test_a_correction_may_turn_an_answer_into_a_skip_and_back(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    answer(project, cast["alice"], slot, "positive")
    answer(project, cast["alice"], slot, None, token=None)
    slot.refresh_from_db()
    assert slot.state == "skipped"
    answer(project, cast["alice"], slot, "neutral", token=None)
    slot.refresh_from_db()
    assert slot.state == "done"
    assert a.Annotation.objects.get().skip_reason == ""


def test_corrections_do_not_pile_up_leases(project, cast):
    make_items(project, 10)
    [slot, _behind] = take(project, cast["alice"], count=2)
    submit(project, cast["alice"], sent(slot))
    for value in ("negative", "neutral", "positive"):
        _annotation, following = submit(project, cast["alice"], sent(slot, value, token=None))
        assert following is None
    assert a.Assignment.objects.filter(annotator=cast["alice"], state="leased").count() == assigning.IN_HAND


def test_nobody_can_correct_an_answer_of_somebody_else(project, cast):
    make_items(project, 1, slots=1)
    [slot] = take(project, cast["alice"])
    answer(project, cast["alice"], slot, "positive")
    with pytest.raises(Conflict):
        answer(project, cast["bob"], slot, "negative", token=None)
    assert a.Annotation.objects.submitted().get().answer == {"sentiment": "positive"}


def test_a_slot_of_another_project_is_unknown(project, cast):
    other = make_project(cast, slug="other")
    make_items(other, 1)
    [slot] = take(other, cast["alice"])
    with pytest.raises(Conflict, match="No answer is asked for here"):
        submit(project, cast["alice"], sent(slot, version=project.version_id))
    assert not a.Annotation.objects.exists()


def test_someone_who_is_no_member_any_more_can_store_nothing(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    membership = member(project, cast["alice"])
    a.Membership.objects.filter(pk=membership.pk).delete()
    with pytest.raises(PermissionDenied):
        annotating.submit(membership=membership, sent=sent(slot))


# Late answers


def test_a_late_answer_counts_while_nobody_else_has_the_item(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    expire(slot)
    assert answer(project, cast["alice"], slot).status == "submitted"


def test_a_late_answer_takes_another_open_slot_of_the_item(project, cast):
    [item] = make_items(project, 1)
    [slot] = take(project, cast["alice"])
    expire(slot)
    hand_over(slot, cast["bob"])
    answer(project, cast["alice"], slot)
    assert dict(item.assignments.values_list("annotator", "state")) == {
        cast["alice"].pk: "done",
        cast["bob"].pk: "leased",
    }


def test_an_item_that_was_never_given_out_to_a_person_takes_no_answer_of_theirs(project, cast):
    chosen, _other = make_items(project, 2)
    slot = chosen.assignments.order_by("slot").first()
    for token in (None, uuid.uuid4()):
        letter = replace(sent(slot, "negative"), token=token)
        with pytest.raises(Conflict):
            submit(project, cast["alice"], letter)
    assert not chosen.annotations.submitted().exists()
    assert not chosen.assignments.exclude(state="open").exists()


def test_the_claim_remembers_who_had_the_slot_before(project, cast):
    make_items(project, 1, slots=1)
    [slot] = take(project, cast["alice"])
    expire(slot)
    [again] = take(project, cast["bob"])
    again.refresh_from_db()
    assert (again.pk, again.annotator, again.held_before) == (slot.pk, cast["bob"], cast["alice"])
    assigning.release(project=project, annotator=cast["bob"])
    again.refresh_from_db()
    assert (again.annotator, again.held_before) == (None, cast["bob"])


def test_a_late_answer_without_a_free_slot_is_kept_as_a_draft_and_told_so(project, cast):
    [item] = make_items(project, 1, slots=1)
    [slot] = take(project, cast["alice"])
    expire(slot)
    [bobs] = take(project, cast["bob"])
    with pytest.raises(Conflict, match="kept as a draft") as caught:
        answer(project, cast["alice"], slot, "negative", comment="虽然晚了")
    draft = a.Annotation.objects.get(annotator=cast["alice"])
    assert caught.value.kept == draft
    assert (draft.status, draft.answer, draft.comment) == ("draft", {"sentiment": "negative"}, "虽然晚了")
    answer(project, cast["bob"], bobs)
    assert item.assignments.get().annotator == cast["bob"]


def test_one_late_answer_does_not_take_the_right_to_a_late_answer_from_another(project, cast):
    [item] = make_items(project, 1)
    [alices] = take(project, cast["alice"])
    expire(alices)
    hand_over(alices, cast["bob"])
    expire(alices)
    answer(project, cast["alice"], alices)  # takes the slot back that bob has let run out
    answer(project, cast["bob"], alices, "negative")  # and bob the other one
    assert {row.annotator for row in item.annotations.submitted()} == {cast["alice"], cast["bob"]}


def test_what_an_adjudicator_changes_after_others_have_answered_is_no_independent_answer(project, cast):
    [item] = make_items(project, 1)
    a.Membership.objects.filter(project=project, user=cast["dave"]).update(labels=True)
    [daves] = take(project, cast["dave"])
    answer(project, cast["dave"], daves, "negative")
    correct(project, cast["dave"], item, "neutral")
    assert item.annotations.get(annotator=cast["dave"]).independent  # nobody else had answered
    [alices] = take(project, cast["alice"])
    answer(project, cast["alice"], alices, "positive")
    assert a.Case.objects.open().filter(item=item).exists()
    correct(project, cast["dave"], item, "positive")
    assert not item.annotations.get(annotator=cast["dave"]).independent
    assert a.Case.objects.open().filter(item=item).exists()  # a person decides
    assert not a.Gold.objects.exists()


def test_who_could_read_before_labelling_gives_no_independent_answer(project, cast):
    [item] = make_items(project, 1)
    dave = a.Membership.objects.get(project=project, user=cast["dave"])
    inviting.change_role(membership=dave, role="manager", labels=True)
    [alices] = take(project, cast["alice"])
    answer(project, cast["alice"], alices, "positive")
    for labels in (False, True):  # reads what alice said, then comes back to the desk
        dave.refresh_from_db()
        inviting.change_role(membership=dave, role="manager", labels=labels)
    [daves] = take(project, cast["dave"])
    answer(project, cast["dave"], daves, "positive")
    assert not item.annotations.get(annotator=cast["dave"]).independent
    assert a.Case.objects.open().filter(item=item).exists()


def test_who_has_read_and_becomes_annotator_is_still_known_to_have_read(project, cast):
    read, fresh = make_items(project, 2)
    make_annotation(read, cast["alice"], "positive")
    carol = a.Membership.objects.get(project=project, user=cast["carol"])
    inviting.change_role(membership=carol, role="annotator", labels=False)
    for _each in (read, fresh):
        [slot] = take(project, cast["carol"])
        answer(project, cast["carol"], slot, "positive")
    assert not read.annotations.get(annotator=cast["carol"]).independent
    assert fresh.annotations.get(annotator=cast["carol"]).independent


def test_who_read_as_adjudicator_and_comes_back_as_annotator_is_still_known_to_have_read(project, cast):
    read, fresh = make_items(project, 2, slots=3)
    make_annotation(read, cast["alice"], "positive")
    inviting.remove(membership=a.Membership.objects.get(project=project, user=cast["carol"]))
    inviting.remove(membership=a.Membership.objects.get(project=project, user=cast["bob"]))
    make_annotation(fresh, cast["alice"], "positive")
    for who in ("carol", "bob"):
        invitation, _token = inviting.invite(project=project, by=cast["dave"], role="annotator")
        inviting.accept(invitation=invitation, user=cast[who])
    label(project, read, carol="positive", bob="positive")
    label(project, fresh, carol="positive")
    given = a.Annotation.objects.exclude(annotator=cast["alice"])
    assert set(given.values_list("item", "annotator__username", "independent")) == {
        (read.pk, "carol", False),
        (read.pk, "bob", True),
        (fresh.pk, "carol", True),
    }


def test_who_labelled_beside_managing_and_only_labels_now_had_read_what_was_complete(project, cast):
    [item] = make_items(project, 1)
    dave = a.Membership.objects.get(project=project, user=cast["dave"])
    a.Membership.objects.create(project=project, user=make_user("frank"), role="manager")
    inviting.change_role(membership=dave, role="manager", labels=True)
    label(project, item, alice="positive", bob="positive")
    dave.refresh_from_db()
    inviting.change_role(membership=dave, role="annotator", labels=False)
    inviting.configure(project=project, overlap=3)
    label(project, item, dave="positive")
    assert not item.annotations.get(annotator=cast["dave"]).independent


def ask_all_again(project):
    publishing.save_draft(project=project, text="# Other rules", schema=project.version.schema, user=None)
    publishing.publish(project=project, user=None, change_note="x", earlier="ask")
    project.refresh_from_db()


def test_gold_that_was_replaced_when_all_was_asked_again_had_been_read(project, cast):
    a.Membership.objects.filter(user=cast["dave"]).update(labels=True)
    [settled, fresh] = make_items(project, 2)
    make_gold(settled)
    ask_all_again(project)
    assert not a.Gold.objects.current().exists()
    for item in (settled, fresh):
        answer(project, cast["dave"], lease(item, cast["dave"]))
        answer(project, cast["bob"], lease(item, cast["bob"]))
    assert not settled.annotations.get(annotator=cast["dave"]).independent
    assert fresh.annotations.get(annotator=cast["dave"]).independent
    assert settled.annotations.get(annotator=cast["bob"]).independent


def test_who_answered_alone_and_is_asked_again_stays_independent(cast):
    project = make_project(cast, slug="alone", overlap=1)
    a.Membership.objects.filter(project=project, user=cast["dave"]).update(labels=True)
    [item] = make_items(project, 1)
    answer(project, cast["dave"], lease(item, cast["dave"]))
    assert a.Gold.objects.current().exists()
    ask_all_again(project)
    answer(project, cast["dave"], lease(item, cast["dave"]))
    assert a.Annotation.objects.current().get().independent


def test_more_answers_to_a_settled_item_are_independent_of_those_alone_who_could_not_read_it(project, cast):
    [item] = make_items(project, 1)
    for name in ("alice", "bob"):
        [slot] = take(project, cast[name])
        answer(project, cast[name], slot, "positive")
    assert a.Gold.objects.current().filter(item=item).exists()
    a.Membership.objects.create(project=project, user=make_user("frank"), role="annotator")
    a.Membership.objects.filter(project=project, user=cast["dave"]).update(labels=True)
    inviting.configure(project=project, overlap=4)
    for user in (cast["dave"], a.User.objects.get(username="frank")):
        [slot] = take(project, user)
        answer(project, user, slot, "positive")
    assert not item.annotations.get(annotator=cast["dave"]).independent
    assert item.annotations.get(annotator__username="frank").independent


def test_one_who_labels_alone_may_correct_and_stays_independent(project, cast):
    project = inviting.configure(project=project, overlap=1)
    [item] = make_items(project, 1, slots=1)
    a.Membership.objects.filter(project=project, user=cast["dave"]).update(labels=True)
    [slot] = take(project, cast["dave"])
    answer(project, cast["dave"], slot, "positive")
    correct(project, cast["dave"], item, "negative")
    assert item.annotations.get(annotator=cast["dave"]).independent
    assert a.Gold.objects.current().get(item=item).value == "negative"


def test_what_an_annotator_changes_stays_independent_and_settles(project, cast):
    [item] = make_items(project, 1)
    slots = {name: take(project, cast[name])[0] for name in ("alice", "bob")}
    answer(project, cast["alice"], slots["alice"], "negative")
    answer(project, cast["bob"], slots["bob"], "positive")
    correct(project, cast["bob"], item, "negative")
    assert item.annotations.filter(independent=True).count() == 2
    assert a.Gold.objects.get(item=item).method == "unanimous"


def test_a_late_answer_takes_ones_own_newer_lease_of_the_same_item(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    expire(slot)
    [again] = take(project, cast["alice"])
    assert again.pk == slot.pk
    annotation = answer(project, cast["alice"], slot, "negative")
    assert annotation.answer == {"sentiment": "negative"}
    again.refresh_from_db()
    assert (again.state, again.annotator) == ("done", cast["alice"])


def test_a_late_answer_to_an_item_answered_through_another_slot_is_a_second_answer(project, cast):
    [item] = make_items(project, 1)
    [slot] = take(project, cast["alice"])
    expire(slot)
    hand_over(slot, cast["bob"])
    answer(project, cast["alice"], slot, "negative")
    with pytest.raises(Conflict, match="The first answer stands"):
        answer(project, cast["alice"], slot, "positive")
    assert item.annotations.get().answer == {"sentiment": "negative"}


def test_an_answer_to_a_slot_that_was_removed_is_told_so(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    a.Assignment.objects.filter(pk=slot.pk).delete()
    with pytest.raises(Conflict, match="No answer is asked for here any more"):
        submit(project, cast["alice"], sent(slot))


# Guideline versions


def publish(project, *, earlier="stand", **changes):
    publishing.save_draft(
        project=project, text="# New rules", schema=changes.get("schema", project.version.schema), user=None
    )
    return publishing.publish(project=project, user=None, change_note="clearer", earlier=earlier)


def test_an_answer_under_an_old_version_asks_for_a_reload_and_is_kept_as_a_draft(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    letter = sent(slot, "negative")
    version = publish(project)
    with pytest.raises(Conflict, match=r"new version \(2\)") as caught:
        submit(project, cast["alice"], letter)
    assert caught.value.reload
    draft = a.Annotation.objects.get()
    assert (draft.status, draft.guideline_version, draft.answer) == ("draft", version, {"sentiment": "negative"})
    slot.refresh_from_db()
    assert slot.state == "leased"


def test_a_membership_loaded_before_the_publication_cannot_slip_an_old_answer_in(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    membership, letter = member(project, cast["alice"]), sent(slot)
    publish(project)
    assert membership.project.version_id == letter.version
    with pytest.raises(Conflict, match="new version"):
        annotating.submit(membership=membership, sent=letter)
    assert not a.Annotation.objects.submitted().exists()


def test_a_repeat_of_an_answer_saved_before_a_publication_is_still_fine(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    letter = sent(slot)
    first, _following = submit(project, cast["alice"], letter)
    publish(project)
    again, _following = submit(project, cast["alice"], letter)
    assert again.pk == first.pk


def test_a_correction_under_a_new_version_sets_the_old_answer_aside(project, cast):
    [item] = make_items(project, 1)
    slot = lease(item, cast["alice"])
    old = answer(project, cast["alice"], slot, "positive")
    version = publish(project)
    new = correct(project, cast["alice"], item, "negative")
    old.refresh_from_db()
    assert old.superseded_at is not None
    assert new.guideline_version == version
    assert a.Annotation.objects.submitted().get() == new


def test_without_a_guideline_nothing_is_taken(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    letter = sent(slot)
    a.Project.objects.update(version=None)
    with pytest.raises(Conflict, match="no published guideline"):
        submit(project, cast["alice"], letter)


# Drafts


def draft(project, user, slot, **changes):
    data = {"assignment": slot.pk, "answer": {"sentiment": "neutral"}, **changes}
    annotating.draft(membership=member(project, user), data=data)


def test_a_draft_is_kept_counts_nowhere_and_becomes_the_answer(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    draft(project, cast["alice"], slot, comment="想一想 🤔")
    draft(project, cast["alice"], slot, answer={}, comment="still thinking")
    kept = a.Annotation.objects.get()
    assert (kept.status, kept.answer, kept.comment) == ("draft", {}, "still thinking")
    assert not a.Annotation.objects.submitted().exists()
    annotation = answer(project, cast["alice"], slot, "positive")
    assert annotation.pk == kept.pk
    assert a.Annotation.objects.get().status == "submitted"


def test_a_draft_never_replaces_a_submitted_answer(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    answer(project, cast["alice"], slot, "positive")
    draft(project, cast["alice"], slot)
    # Not even where the slot was given to the same person again.
    a.Assignment.objects.filter(pk=slot.pk).update(state="leased", lease_until=timezone.now() + timedelta(minutes=5))
    draft(project, cast["alice"], slot)
    assert (a.Annotation.objects.get().status, a.Annotation.objects.get().answer) == (
        "submitted",
        {"sentiment": "positive"},
    )


def test_a_draft_for_a_slot_of_somebody_else_is_ignored(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    draft(project, cast["bob"], slot)
    assert not a.Annotation.objects.exists()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ([], "sent as a JSON object"),
        ({"assignment": "x"}, "assignment must be a number"),
        ({"assignment": True}, "assignment must be a number"),
    ],
)
def test_a_draft_that_is_no_draft_is_refused(project, cast, data, sentence):
    with pytest.raises(ValueError, match=sentence):
        annotating.draft(membership=member(project, cast["alice"]), data=data)


def test_a_draft_may_not_hold_what_the_schema_does_not_know(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    with pytest.raises(ValueError, match="no question “mood”"):
        draft(project, cast["alice"], slot, answer={"mood": "good"})


# What the browser sends


def raw(**changes):
    return {
        "client_id": str(uuid.uuid4()),
        "assignment": 1,
        "token": str(uuid.uuid4()),
        "version": 1,
        "answer": {"sentiment": "positive"},
        **changes,
    }


def test_a_request_is_read_with_its_defaults():
    letter = annotating.read(raw(seconds=2))
    assert (letter.status, letter.flagged, letter.comment, letter.seconds) == ("submitted", False, "", 2.0)
    assert annotating.read(raw(token=None)).token is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"client_id": "x"}, "client_id must be a UUID"),
        ({"client_id": None}, "client_id must be a UUID"),
        ({"token": "x"}, "token must be a UUID"),
        ({"assignment": "1"}, "assignment must be a number"),
        ({"assignment": 2**63}, "assignment must be a number"),
        ({"version": 0}, "version must be a number"),
        ({"status": "draft"}, "status must be"),
        ({"status": "skipped"}, "Choose a reason"),
        ({"status": "skipped", "skip_reason": "bored"}, "Choose a reason"),
        ({"answer": []}, None),
        ({"answer": ["positive"]}, "answer must be an object"),
        ({"comment": "x" * 5001}, "at most 5000"),
        ({"comment": 7}, "at most 5000"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_by_field(changes, sentence):
    if sentence is None:
        assert annotating.read(raw(**changes)).answer == {}
        return
    with pytest.raises(ValueError, match=sentence):
        annotating.read(raw(**changes))


def test_a_comment_is_made_fit_to_store(project, cast):
    """Half an emoji (cut by a browser), NUL and CRLF would stop a database or the one who sends again and again."""
    make_items(project, 2)
    letter = annotating.read(raw(comment=" a\x00b\r\n好\ud83d "))
    assert letter.comment == "ab\n好\ufffd"
    [first, second] = take(project, cast["alice"], count=2)
    assert answer(project, cast["alice"], first, comment=letter.comment).comment == letter.comment
    draft(project, cast["alice"], second, comment="\ud83d\x00")
    assert a.Annotation.objects.get(status="draft").comment == "\ufffd"


def test_a_request_that_is_no_object_is_refused():
    with pytest.raises(ValueError, match="JSON object"):
        annotating.read("positive")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (1.26, 1.3),
        (-1, None),
        (float("nan"), None),
        (float("inf"), None),
        ("3", None),
        (True, None),
        (10**9, 4 * 3600.0),
        (10**400, 4 * 3600.0),
    ],
)
def test_a_broken_clock_says_nothing_and_a_huge_time_is_bounded(given, kept):
    assert annotating.read(raw(seconds=given)).seconds == kept

"""The next item: one guarded update over a partial index, leases that run out, overlap that is never exceeded."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation import annotating, assigning, settling
from annotation import models as a
from tests.annotation.worlds import answer, lease, member, sent, take
from tests.conftest import make_annotation, make_gold, make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


def expire(slot):
    a.Assignment.objects.filter(pk=slot.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_person_holds_two_items_and_a_reload_shows_the_same(project, cast):
    make_items(project, 5)
    first = take(project, cast["alice"], count=2)
    again = take(project, cast["alice"], count=2)
    assert [slot.pk for slot in first] == [slot.pk for slot in again]
    assert [slot.token for slot in first] == [slot.token for slot in again]
    assert a.Assignment.objects.filter(state="leased").count() == 2


def test_what_the_browser_holds_already_is_not_given_again(project, cast):
    make_items(project, 5)
    held = [slot.pk for slot in take(project, cast["alice"], count=2)]
    more = assigning.take(membership=member(project, cast["alice"]), held=held)
    assert len(more) == 2
    assert not {slot.pk for slot in more} & set(held)


def test_nobody_gets_an_item_twice_and_the_overlap_is_never_exceeded(project, cast):
    make_items(project, 3)
    seen = {name: {slot.item_id for slot in take(project, cast[name], count=10)} for name in ("alice", "bob")}
    assert len(seen["alice"]) == len(seen["bob"]) == 3
    carol = member(project, cast["carol"])
    a.Membership.objects.filter(pk=carol.pk).update(labels=True)
    assert take(project, cast["carol"], count=10) == []
    assert a.Assignment.objects.filter(project=project).count() == 6


def test_items_come_by_priority_then_by_their_random_key(project, cast):
    items = make_items(project, 6, slots=1)
    a.Assignment.objects.filter(item=items[4]).update(priority=-1)
    order = list(a.Assignment.objects.order_by("priority", "key").values_list("item", flat=True))
    assert [slot.item_id for slot in take(project, cast["alice"], count=6)] == order
    assert order[0] == items[4].pk


def test_a_lease_that_has_run_out_goes_to_the_next_person_without_any_write_before(project, cast):
    make_items(project, 1, slots=1)
    [slot] = take(project, cast["alice"])
    assert take(project, cast["bob"]) == []
    expire(slot)
    [given] = take(project, cast["bob"])
    assert given.pk == slot.pk
    assert given.token != slot.token


def test_ones_own_lease_that_has_run_out_can_be_taken_again(project, cast):
    make_items(project, 1, slots=2)
    [slot] = take(project, cast["alice"])
    expire(slot)
    [again] = take(project, cast["alice"])
    assert again.pk == slot.pk
    assert again.token != slot.token


def test_a_lease_lives_as_long_as_the_project_says(cast):
    project = make_project(cast, lease_minutes=7)
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    left = slot.lease_until - timezone.now()
    assert timedelta(minutes=6, seconds=50) < left <= timedelta(minutes=7)


def test_work_taken_back_behind_the_place_in_the_order_is_found_again(project, cast):
    make_items(project, 4, slots=1)
    order = list(a.Assignment.objects.order_by("priority", "key"))
    for slot in take(project, cast["alice"], count=4):
        if slot.pk != order[0].pk:
            answer(project, cast["alice"], slot)
    assigning.release(project=project, annotator=cast["alice"])
    # Alice's last answer stands behind the slot that came back, so only the second pass can find it.
    assert [slot.pk for slot in take(project, cast["alice"])] == [order[0].pk]


def test_slots_of_another_project_are_never_given(project, cast):
    other = make_project(cast, slug="other")
    make_items(other, 3)
    assert take(project, cast["alice"]) == []


def test_someone_without_the_right_to_label_gets_nothing(project, cast):
    make_items(project, 1)
    with pytest.raises(PermissionDenied):
        take(project, cast["erin"])


def test_someone_removed_in_the_meantime_gets_nothing(project, cast):
    make_items(project, 1)
    membership = member(project, cast["alice"])
    a.Membership.objects.filter(pk=membership.pk).delete()
    with pytest.raises(PermissionDenied):
        assigning.take(membership=membership)


def test_release_gives_leases_back_and_keeps_answers(project, cast):
    make_items(project, 3, slots=1)
    first, *_rest = take(project, cast["alice"], count=3)
    answer(project, cast["alice"], first)
    assert assigning.release(project=project, annotator=cast["alice"]) == 2
    assert a.Assignment.objects.filter(state="done", annotator=cast["alice"]).count() == 1
    assert a.Assignment.objects.filter(state="open", annotator=None, token=None).count() == 2


def test_release_of_one_person_leaves_the_others_alone(project, cast):
    make_items(project, 2)
    take(project, cast["alice"])
    take(project, cast["bob"])
    assigning.release(project=project, annotator=cast["alice"])
    assert a.Assignment.objects.filter(state="leased", annotator=cast["bob"]).count() == 1


def test_waiting_tells_whether_others_hold_something(project, cast):
    make_items(project, 1, slots=1)
    assert not assigning.waiting(member(project, cast["bob"]))
    take(project, cast["alice"])
    assert assigning.waiting(member(project, cast["bob"]))
    assert not assigning.waiting(member(project, cast["alice"]))


# Overlap


def test_a_higher_overlap_asks_for_one_more_answer_per_item(project, cast):
    items = make_items(project, 2)
    answer(project, cast["alice"], lease(items[0], cast["alice"]))
    assigning.set_overlap(project=project, overlap=3)
    assert [item.assignments.count() for item in items] == [3, 3]
    assert a.Assignment.objects.filter(state="done").count() == 1


def test_a_lower_overlap_drops_open_slots_whatever_their_number(project, cast):
    [item, untouched] = make_items(project, 2)
    # Bob stands on slot 1, slot 0 is open: the open one is surplus.
    a.Assignment.objects.filter(item=item, slot=1).update(state="done", annotator=cast["bob"])
    a.Annotation.objects.create(
        project=project,
        item=item,
        annotator=cast["bob"],
        guideline_version=project.version,
        status="submitted",
        answer={"sentiment": "neutral"},
    )
    assigning.set_overlap(project=project, overlap=1)
    assert list(item.assignments.values_list("slot", "annotator")) == [(1, cast["bob"].pk)]
    assert untouched.assignments.count() == 1
    # What is complete by that is settled.
    assert a.Gold.objects.get(item=item).value == "neutral"
    assert not a.Gold.objects.filter(item=untouched).exists()


def test_a_lower_overlap_leaves_leases_and_answers_alone(project, cast):
    [item] = make_items(project, 1)
    for name in ("alice", "bob"):
        lease(item, cast[name])
    assigning.set_overlap(project=project, overlap=1)
    assert item.assignments.filter(state="leased").count() == 2


def test_overlap_down_and_up_again_makes_exactly_the_missing_slots(project, cast):
    [item] = make_items(project, 1)
    a.Assignment.objects.filter(item=item, slot=1).update(state="done", annotator=cast["bob"])
    assigning.set_overlap(project=project, overlap=1)
    assigning.set_overlap(project=project, overlap=2)
    assert sorted(item.assignments.values_list("slot", flat=True)) == [0, 1]
    assigning.set_overlap(project=project, overlap=2)
    assert item.assignments.count() == 2


def test_items_that_came_with_gold_are_not_asked_for_by_a_higher_overlap(project):
    [settled, plain] = make_items(project, 2, slots=0)
    make_gold(settled, method="imported")
    assigning.set_overlap(project=project, overlap=3)
    assert settled.assignments.count() == 0
    assert plain.assignments.count() == 3


def test_items_with_more_imported_answers_than_overlap_keep_them(project, cast):
    [item] = make_items(project, 1, slots=3)
    for name in ("alice", "bob", "carol"):
        make_annotation(item, cast[name])
    assigning.set_overlap(project=project, overlap=1)
    assert item.assignments.filter(state="done").count() == 3


# The statement itself


def plan(project):
    """The database's plan for CLAIM's search, as text."""
    values = {
        "user": 1,
        "project": project.pk,
        "token": "0" * 32,
        "until": "2026-05-14",
        "now": "2026-05-14",
        "priority": 0,
        "key": 0,
        "behind": 1,
        "below": 2**31 - 1,
    }
    lock = "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE annotation_assignment")  # as autovacuum does
            # The table of a test is too small for an index to pay: is there one that gives the order without a sort?
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(
            f"{explain} {assigning.CLAIM.format(lock=lock, control=assigning.CONTROL.format(lock=lock))}", values
        )
        return "\n".join(str(row) for row in cursor.fetchall())


def test_the_search_for_the_next_item_walks_the_partial_index(project):
    make_items(project, 50)
    found = plan(project)
    assert "slots_to_give" in found, found
    # In index order: nothing is sorted.
    assert "TEMP B-TREE" not in found, found
    assert "Sort" not in found, found


def test_taking_costs_the_same_number_of_queries_at_50_and_at_2000_items(project, cast):
    counts = []
    for size in (50, 1950):
        make_items(project, size)
        with CaptureQueriesContext(connection) as seen:
            take(project, cast["alice"] if size == 50 else cast["bob"], count=2)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 12


def test_the_next_item_is_searched_for_behind_the_one_just_answered(project, cast):
    make_items(project, 10, slots=1)
    alice = member(project, cast["alice"])
    [slot] = assigning.take(membership=alice, count=1)
    _annotation, following = annotating.submit(membership=alice, sent=sent(slot))
    assert (following.priority, following.key) > (slot.priority, slot.key)


def _assigned(item: a.Item, person: a.User) -> a.Assignment:
    batch, _new = a.Batch.objects.get_or_create(project=item.project, name="monday")
    slot = item.assignments.filter(annotator=None).first()
    slot.annotator, slot.state, slot.batch = person, a.Assignment.State.ASSIGNED, batch
    slot.save()
    return slot


def test_what_is_assigned_to_a_person_comes_first_and_to_nobody_else(cast):
    project = make_project(cast, overlap=1)
    items = make_items(project, 3)
    kept = _assigned(items[2], cast["alice"])
    bob = assigning.take(membership=member(project, cast["bob"]), count=5)
    assert {slot.item_id for slot in bob} == {items[0].pk, items[1].pk}
    [alice] = assigning.take(membership=member(project, cast["alice"]), count=1)
    assert alice.pk == kept.pk


def test_a_lease_of_an_assigned_slot_that_ran_out_comes_back_to_its_person_alone(cast):
    project = make_project(cast, overlap=1)
    [item] = make_items(project, 1)
    kept = _assigned(item, cast["alice"])
    assigning.take(membership=member(project, cast["alice"]), count=1)
    a.Assignment.objects.filter(pk=kept.pk).update(lease_until=timezone.now() - timedelta(minutes=1))
    assert assigning.take(membership=member(project, cast["bob"]), count=1) == []
    [again] = assigning.take(membership=member(project, cast["alice"]), count=1)
    assert again.pk == kept.pk


def test_a_release_leaves_assigned_what_is_assigned_unless_it_is_given_to_all(cast):
    project = make_project(cast, overlap=1)
    [item] = make_items(project, 1)
    kept = _assigned(item, cast["alice"])
    assigning.take(membership=member(project, cast["alice"]), count=1)
    assert assigning.release(project=project, annotator=cast["alice"]) == 1
    kept.refresh_from_db()
    assert (kept.state, kept.annotator_id) == (a.Assignment.State.ASSIGNED, cast["alice"].pk)
    assert assigning.release(project=project, annotator=cast["alice"], assigned=True) == 1
    [bob] = assigning.take(membership=member(project, cast["bob"]), count=1)
    assert bob.pk == kept.pk


def test_an_item_with_an_assigned_slot_is_not_complete(cast):
    project = make_project(cast, overlap=2)
    [item] = make_items(project, 1)
    _assigned(item, cast["alice"])
    make_annotation(item, cast["bob"])
    settling.settle(project=project, version=project.version, items=[item.pk])
    assert not a.Gold.objects.exists()

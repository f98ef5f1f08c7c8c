"""Which item is next, for whom: one indexed guarded UPDATE on the slot table, and leases that run out by themselves."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, Exists, F, IntegerField, OuterRef, Q, When, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from annotation import adjudicating
from annotation.models import Annotation, Assignment, Gold, Item, Membership, Project

# How many items a person holds at once: the one on the screen and the one behind it.
IN_HAND = 2

# The inner SELECT walks the partial index (project, priority, key) of open and leased slots from the person's cursor.
# A slot whose lease has run out counts as open; nobody gets an item twice. On PostgreSQL rows locked by others are
# skipped; on SQLite the immediate transaction makes the statement the only writer.
CLAIM = """
UPDATE annotation_assignment SET state = 'leased', annotator_id = %(user)s, token = %(token)s, lease_until = %(until)s,
    held_before_id = COALESCE(annotator_id, held_before_id)
WHERE id = (
    SELECT slot.id FROM annotation_assignment slot
    WHERE slot.project_id = %(project)s AND slot.state IN ('open', 'leased')
      AND (slot.state = 'open' OR slot.lease_until < %(now)s)
      AND (slot.priority, slot.key) > (%(priority)s, %(key)s)
      AND NOT EXISTS (
          SELECT 1 FROM annotation_assignment mine
          WHERE mine.item_id = slot.item_id AND mine.annotator_id = %(user)s AND mine.id <> slot.id
      )
    ORDER BY slot.priority, slot.key LIMIT 1 {lock}
)
RETURNING id, item_id, priority, key
"""

# Closes a leased slot with its answer, provided that the guideline is still the one the answer was given under. The row
# it returns tells the item and where the search for the next goes on. On PostgreSQL the item is locked on the way: of
# two last answers at once the second then sees the first, and the item is settled.
CLOSE = """
UPDATE annotation_assignment SET state = %(state)s, token = NULL, lease_until = NULL
WHERE id = %(slot)s AND project_id = %(project)s AND annotator_id = %(user)s AND state = 'leased' AND token = %(token)s
  AND EXISTS (SELECT 1 FROM annotation_project WHERE id = %(project)s AND version_id = %(version)s) {lock}
RETURNING item_id, priority, key
"""
HOLD_ITEM = """AND item_id = (
    SELECT item.id FROM annotation_item item WHERE item.id = annotation_assignment.item_id FOR NO KEY UPDATE
)"""

Place = tuple[int, int]
START: Place = (-(2**31), -1)


def close(membership: Membership, slot: int, token: uuid.UUID, state: str, version: int) -> tuple[int, Place] | None:
    """Close this person's leased slot with an answer given under guideline `version`, and hold its item.

    Returns (item, place in the order), or None where the lease is not theirs any more or the guideline is a newer one.
    """
    values: dict[str, Any] = {
        "state": state,
        "slot": slot,
        "project": membership.project_id,
        "user": membership.user_id,
        "token": _uuid(token),
        "version": version,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLOSE.format(lock=HOLD_ITEM if _has_row_locks() else ""), values)
        row = cursor.fetchone()
    return None if row is None else (row[0], (row[1], row[2]))


def claim(membership: Membership, *, after: Place = START) -> Assignment | None:
    """Lease the next slot for this person; None where nothing is left for them.

    Must run inside a transaction that holds the membership's row (`Membership.objects.locked`). Costs the same at
    1,000 and at 100,000 items: the search goes on behind `after`, the place of the slot just answered. Slots before it
    (leases that ran out, work taken back) are found by a second pass, made only when the first comes to the end.
    """
    found = _claim_after(membership, after)
    if found is None and after != START:
        found = _claim_after(membership, START)
    return found


def _claim_after(membership: Membership, after: Place) -> Assignment | None:
    now, token = timezone.now(), uuid.uuid4()
    until = now + timedelta(minutes=membership.project.lease_minutes)
    values: dict[str, Any] = {
        "user": membership.user_id,
        "project": membership.project_id,
        "token": _uuid(token),
        "until": connection.ops.adapt_datetimefield_value(until),
        "now": connection.ops.adapt_datetimefield_value(now),
        "priority": after[0],
        "key": after[1],
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM.format(lock="FOR UPDATE SKIP LOCKED" if _has_row_locks() else ""), values)
        row = cursor.fetchone()
    if row is None:
        return None
    return Assignment(
        pk=row[0],
        item_id=row[1],
        priority=row[2],
        key=row[3],
        project=membership.project,
        annotator_id=membership.user_id,
        state=Assignment.State.LEASED,
        token=token,
        lease_until=until,
    )


def _has_row_locks() -> bool:
    """SQLite has one writer at a time instead."""
    return connection.features.has_select_for_update


def _uuid(value: uuid.UUID) -> Any:
    """A UUID as raw SQL wants it."""
    return value if connection.features.has_native_uuid_field else value.hex


def last_place(membership: Membership) -> Place:
    """Where this person's last answer stands in the order of slots."""
    last = (
        Annotation.objects.filter(project=membership.project_id, annotator=membership.user_id)
        .order_by("-updated_at")
        .values_list("item_id", flat=True)
        .first()
    )
    slots = Assignment.objects.filter(item=last, annotator=membership.user_id) if last else Assignment.objects.none()
    place = slots.values_list("priority", "key").first()
    return place if place is not None else START


def in_hand(membership: Membership, *, now: datetime | None = None) -> list[Assignment]:
    """The slots leased to this person now, oldest first, so that a reload shows the same items."""
    rows = Assignment.objects.filter(
        project=membership.project_id,
        annotator=membership.user_id,
        state=Assignment.State.LEASED,
        lease_until__gte=now or timezone.now(),
    )
    return list(rows.order_by("lease_until", "pk"))


@transaction.atomic
def take(*, membership: Membership, count: int = IN_HAND, held: Sequence[int] = ()) -> list[Assignment]:
    """Up to `count` slots for this person that are not among `held`: those in hand first, then newly claimed ones."""
    membership = Membership.objects.locked(membership)
    slots = [slot for slot in in_hand(membership) if slot.pk not in set(held)][:count]
    after = last_place(membership) if len(slots) < count else START
    while len(slots) < count and (slot := claim(membership, after=after)):
        slots.append(slot)
        after = (slot.priority, slot.key)
    return slots


def with_items(slots: Sequence[Assignment]) -> list[Assignment]:
    """The same slots with item and document loaded, in one query."""
    if slots:
        items = Item.objects.select_related("document").in_bulk([slot.item_id for slot in slots])
        for slot in slots:
            slot.item = items[slot.item_id]
    return list(slots)


def release(*, project: Project, annotator: Any = None) -> int:
    """Take leased slots back (of one person, or of all); answers that were given stay."""
    rows = Assignment.objects.filter(project=project, state=Assignment.State.LEASED)
    if annotator is not None:
        rows = rows.filter(annotator=annotator)
    return rows.update(
        state=Assignment.State.OPEN, held_before=F("annotator"), annotator=None, token=None, lease_until=None
    )


def open_slots(*, project: Project, items: Sequence[int]) -> None:
    """Make the slots that the project's overlap asks for and that these items do not have yet."""
    have: dict[int, set[int]] = {pk: set() for pk in items}
    for item, slot in Assignment.objects.filter(item__in=items).values_list("item_id", "slot"):
        have[item].add(slot)
    missing = [
        Assignment(project=project, item_id=item, slot=slot)
        for item, slots in have.items()
        for slot in _free(slots, project.overlap)
    ]
    Assignment.objects.bulk_create(missing, batch_size=2000, ignore_conflicts=True)


def _free(taken: set[int], overlap: int) -> list[int]:
    """Numbers for the slots that are missing; an item may have fewer than `overlap` slots and high numbers all the same."""
    return [slot for slot in range(overlap) if slot not in taken][: max(0, overlap - len(taken))]


@transaction.atomic
def set_overlap(*, project: Project, overlap: int) -> None:
    """Ask for more or fewer answers per item.

    Missing slots are added, except to items that came with their gold and were never given out. Surplus slots that
    nobody holds are removed, and what is complete by that is settled.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    project.overlap = overlap
    project.save(update_fields=["overlap"])
    complete = _drop_surplus(project)
    slots = Assignment.objects.filter(item=OuterRef("pk"))
    gold = Gold.objects.current().filter(item=OuterRef("pk"))
    wanting = Item.objects.filter(Exists(slots) | ~Exists(gold), project=project)
    for batch in adjudicating.batches(list(wanting.order_by("pk").values_list("pk", flat=True)), 2000):
        open_slots(project=project, items=batch)
    if project.version is not None:
        for batch in adjudicating.batches(complete, 1000):
            adjudicating.hold(batch)
            adjudicating.settle(project=project, version=project.version, items=batch)


def _drop_surplus(project: Project) -> list[int]:
    """Remove slots beyond the overlap that nobody holds, the answered ones counting first; returns their items."""
    now = timezone.now()
    idle = Q(state=Assignment.State.OPEN) | Q(state=Assignment.State.LEASED, lease_until__lt=now)
    spare = Case(When(idle, then=1), default=0, output_field=IntegerField())
    ranked = Assignment.objects.filter(project=project).annotate(
        spare=spare, place=Window(RowNumber(), partition_by="item_id", order_by=[spare, "slot"])
    )
    beyond = ranked.filter(place__gt=project.overlap).values_list("pk", "item_id", "spare")
    # Sifted here: a condition beside the one on the window would be applied before the ranking.
    surplus = {pk: item for pk, item, is_spare in beyond if is_spare}
    gone: set[int] = set()
    for batch in adjudicating.batches(surplus, 500):
        # Somebody may have claimed one in between: theirs it stays.
        rows = Assignment.objects.filter(idle, pk__in=batch)
        gone.update(rows.select_for_update().values_list("pk", flat=True))
        Assignment.objects.filter(pk__in=gone.intersection(batch)).delete()
    return sorted({surplus[pk] for pk in gone})


def waiting(membership: Membership) -> bool:
    """Whether other people hold items that this person may get once their leases end."""
    mine = Assignment.objects.filter(item=OuterRef("item"), annotator=membership.user_id)
    held = Assignment.objects.filter(project=membership.project_id, state=Assignment.State.LEASED)
    return held.exclude(annotator=membership.user_id).exclude(Exists(mine)).exists()

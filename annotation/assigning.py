"""Which item is next, for whom: one indexed guarded UPDATE on the slot table, and leases that run out by themselves."""

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, Exists, F, IntegerField, OuterRef, Q, QuerySet, When, Window
from django.db.models.functions import RowNumber
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import batching, controlling, overlaps, pooling, recording, returning, settling
from annotation.models import Annotation, Assignment, Gold, Item, Membership, Project, User

PRIORITIES = {"first": -1, "usual": 0, "last": 1}
# How many items a person holds at once: the one on the screen and the one behind it.
IN_HAND = 2

# What is assigned to the person comes first, then a control item where one is due. Behind it the inner SELECT walks the
# partial index (project, priority, key) of open and leased slots from the person's cursor; slots assigned to others are
# not in it.
# A control item takes the place behind the slot just answered, so that the walk goes on from where it was.
# A slot whose lease has run out counts as open, except of an item that is no work (any more): a control item is its
# person's alone, and one left out as a duplicate is nobody's. Nobody gets an item twice. On PostgreSQL rows locked by others are skipped; on SQLite the immediate
# transaction makes the statement the only writer.
CLAIM = """
UPDATE annotation_assignment SET state = 'leased', annotator_id = %(user)s, token = %(token)s, lease_until = %(until)s,
    held_before_id = COALESCE(annotator_id, held_before_id),
    priority = CASE WHEN state = 'assigned' AND batch_id IS NULL AND again = 0 THEN %(priority)s ELSE priority END,
    key = CASE WHEN state = 'assigned' AND batch_id IS NULL AND again = 0 THEN %(behind)s ELSE key END
WHERE id = COALESCE((
    SELECT slot.id FROM annotation_assignment slot
    WHERE slot.annotator_id = %(user)s AND slot.project_id = %(project)s
      AND slot.state IN ('assigned', 'leased') AND slot.batch_id IS NOT NULL AND slot.again = 0
      AND (slot.state = 'assigned' OR slot.lease_until < %(now)s)
    ORDER BY slot.priority, slot.key LIMIT 1 {lock}
), {control} (
    SELECT slot.id FROM annotation_assignment slot
    WHERE slot.project_id = %(project)s AND slot.state IN ('open', 'leased') AND slot.batch_id IS NULL
      AND slot.again = 0
      AND (slot.state = 'open' OR slot.lease_until < %(now)s AND 'work' = (
          SELECT item.role FROM annotation_item item WHERE item.id = slot.item_id AND item.left_out_id IS NULL
      ))
      AND (slot.priority, slot.key) > (%(priority)s, %(key)s) AND slot.priority < %(below)s
      AND NOT EXISTS (
          SELECT 1 FROM annotation_assignment mine
          WHERE mine.item_id = slot.item_id AND mine.annotator_id = %(user)s AND mine.id <> slot.id
      )
    ORDER BY slot.priority, slot.key LIMIT 1 {lock}
))
RETURNING id, item_id, priority, key, batch_id
"""

# For a person who labels only some languages or kinds of text: in place of the walk over all slots the first of each of
# their pools, and of these the first. Its cost follows from the number of pools, not of items. On PostgreSQL those that
# are not taken are skipped by others until the commit, some milliseconds later.
OF_POOLS = """
    SELECT slot.id FROM annotation_assignment slot WHERE slot.id IN (
        SELECT (
            SELECT one.id FROM annotation_assignment one
            WHERE one.pool_id = pool.id AND one.state IN ('open', 'leased') AND one.batch_id IS NULL AND one.again = 0
              AND (one.state = 'open' OR one.lease_until < %(now)s AND 'work' = (
                  SELECT item.role FROM annotation_item item WHERE item.id = one.item_id AND item.left_out_id IS NULL
              ))
              AND (one.priority, one.key) > (%(priority)s, %(key)s) AND one.priority < %(below)s
              AND NOT EXISTS (
                  SELECT 1 FROM annotation_assignment mine
                  WHERE mine.item_id = one.item_id AND mine.annotator_id = %(user)s AND mine.id <> one.id
              )
            ORDER BY one.priority, one.key LIMIT 1 {lock}
        ) FROM annotation_pool pool WHERE pool.id IN ({pools})
    ) ORDER BY slot.priority, slot.key LIMIT 1
"""
_WALK = CLAIM[CLAIM.rindex("    SELECT slot.id") : CLAIM.rindex("\n))")]
CLAIM_OF_POOLS = CLAIM.replace(_WALK, OF_POOLS)


# A control item that was made ready for the person (controlling.py).
CONTROL = """(
    SELECT slot.id FROM annotation_assignment slot
    WHERE slot.annotator_id = %(user)s AND slot.project_id = %(project)s AND slot.state = 'assigned'
      AND slot.batch_id IS NULL AND slot.again = 0
    ORDER BY slot.key LIMIT 1 {lock}
),"""

# Closes a leased slot with its answer, provided that the guideline is still the one the answer was given under. The row
# it returns tells the item and where the search for the next goes on. On PostgreSQL the item is locked on the way: of
# two last answers at once the second then sees the first, and the item is settled.
CLOSE = """
UPDATE annotation_assignment SET state = %(state)s, token = NULL, lease_until = NULL
WHERE id = %(slot)s AND project_id = %(project)s AND annotator_id = %(user)s AND state = 'leased' AND token = %(token)s
  AND EXISTS (SELECT 1 FROM annotation_project WHERE id = %(project)s AND version_id = %(version)s) {lock}
RETURNING item_id, priority, key, again, batch_id
"""
HOLD_ITEM = """AND item_id = (
    SELECT item.id FROM annotation_item item WHERE item.id = annotation_assignment.item_id FOR NO KEY UPDATE
)"""

Place = tuple[int, int]
START: Place = (-(2**31), -1)


def close(
    membership: Membership, slot: int, token: uuid.UUID, state: str, version: int
) -> tuple[int, Place, int, int | None] | None:
    """Close this person's leased slot with an answer given under guideline `version`, and hold its item.

    Returns (item, place in the order, whether it came back, its batch), or None where the lease is not theirs any more or the guideline is a newer one.
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
    return None if row is None else (row[0], (row[1], row[2]), row[3], row[4])


def claim(membership: Membership, *, after: Place = START) -> Assignment | None:
    """Lease the next slot for this person; None where nothing is left for them.

    Must run inside a transaction that holds the membership's row (`Membership.objects.locked`). Costs the same at
    1,000 and at 100,000 items: the search goes on behind `after`, the place of the slot just answered. Slots before it
    (leases that ran out, work taken back) are found by a second pass, made only when the first comes to the end.
    """
    if membership.daily_limit is not None and _given_and_held(membership) >= membership.daily_limit:
        return None
    if not membership.is_qualified:
        return None
    returns = membership.project.again_share > 0
    if returns and returning.is_turn() and (back := returning.claim(membership)):
        return back
    found = _claim(membership, after)
    return returning.claim(membership) if found is None and returns else found


def _claim(membership: Membership, after: Place) -> Assignment | None:
    """A control item comes, or does not, by the place of the slot just answered alone: that is asked once a claim."""
    if membership.project.raised and after[0] > START[0]:
        # What was raised lies before the place of somebody who is past it; there are few of them, if any.
        found = _claim_after(membership, START, below=after[0])
        if found is not None:
            return found
    found = _claim_after(membership, after, control=controlling.is_due(membership, after))
    if found is None and after != START:
        found = _claim_after(membership, START)
    if found is None and membership.is_restricted and pooling.sort(membership.project):
        # Slots that nobody had sorted yet.
        found = _claim_after(membership, START)
    return found


def limited(membership: Membership) -> bool:
    """Whether this person has given all the answers of a day that they may; asks nothing where there is no limit."""
    if membership.daily_limit is None:
        return False
    return Annotation.every.of_the_day(membership).count() >= membership.daily_limit


def _given_and_held(membership: Membership) -> int:
    """What this person has answered today and may still answer, because it is in their hand."""
    return Annotation.every.of_the_day(membership).count() + len(in_hand(membership))


def _claim_after(
    membership: Membership, after: Place, *, below: int = 2**31 - 1, control: bool = False
) -> Assignment | None:
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
        "behind": after[1] + 1,
        "below": below,
    }
    lock = "FOR UPDATE SKIP LOCKED" if _has_row_locks() else ""
    first = CONTROL.format(lock=lock) if control else ""
    statement = CLAIM.format(lock=lock, control=first)
    if membership.is_restricted:
        pools = pooling.pools_of(membership) or [0]
        statement = CLAIM_OF_POOLS.format(lock=lock, control=first, pools=", ".join(str(int(pool)) for pool in pools))
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    if row is None:
        return None
    return Assignment(
        pk=row[0],
        item_id=row[1],
        priority=row[2],
        key=row[3],
        batch_id=row[4],
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
    rows = Assignment.every.filter(
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
    if membership.is_qualified:
        controlling.prepare(membership)
    returning.plan(membership)
    slots = [slot for slot in in_hand(membership) if slot.pk not in set(held)][:count]
    after = last_place(membership) if len(slots) < count else START
    while len(slots) < count and (slot := claim(membership, after=after)):
        slots.append(slot)
        # What came back stands in no order of the others.
        after = (slot.priority, slot.key) if slot.again == Assignment.COUNTS else after
    return slots


def with_items(slots: Sequence[Assignment]) -> list[Assignment]:
    """The same slots with item and document loaded, in one query."""
    if slots:
        items = Item.objects.select_related("document").in_bulk([slot.item_id for slot in slots])
        for slot in slots:
            slot.item = items[slot.item_id]
    return list(slots)


@transaction.atomic
def release(*, project: Project, annotator: Any = None, assigned: bool = False, by: Any = None) -> int:
    """Take leased slots back (of one person, or of all); answers that were given stay.

    What is assigned to the person in a batch stays so, unless `assigned` gives that to everybody, too. A control item
    waits for its person again, or is gone.
    """
    rows = Assignment.objects.filter(project=project)
    if annotator is not None:
        rows = rows.filter(annotator=annotator)
    freed: dict[str, Any] = {"held_before": F("annotator"), "token": None, "lease_until": None}
    if assigned:
        returning.drop(project=project, annotator=_key(annotator))
        controlling.drop(project=project, annotator=_key(annotator))
        return batching.give_back(project=project, slots=rows, by=by, about=annotator)
    leased = rows.filter(state=Assignment.State.LEASED)
    count = leased.filter(item__role=Item.Role.WORK, batch=None).update(
        state=Assignment.State.OPEN, annotator=None, **freed
    )
    count += controlling.wait_again(leased)
    count += leased.filter(batch__isnull=False).update(state=Assignment.State.ASSIGNED, **freed)
    if count:
        recording.record(project=project, kind="released", by=by, about=annotator, count=count)
    return count


def _key(person: Any) -> int | None:
    return person.pk if isinstance(person, User) else person


@transaction.atomic
def prioritise(*, project: Project, items: QuerySet[Item], priority: str, by: Any = None) -> int:
    """Have the open slots of these items given out first, in the usual order or last; returns how many slots that are.

    Raises ValueError for another word. What somebody holds stays with them.
    """
    if priority not in PRIORITIES:
        raise ValueError(_("A priority is one of {names}; got “{value}”.").format(names=", ".join(PRIORITIES), value=str(priority)[:40]))  # fmt: skip
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    given_out_later = [Assignment.State.OPEN, Assignment.State.ASSIGNED]
    rows = Assignment.objects.filter(item__role=Item.Role.WORK, project=project, state__in=given_out_later)
    rows = rows.filter(item__in=items.order_by().values("pk"))
    changed = rows.update(priority=PRIORITIES[priority])
    waiting_first = Assignment.objects.filter(item__role=Item.Role.WORK, project=project, priority__lt=0).exclude(
        state__in=Assignment.CLOSED
    )
    project.raised = waiting_first.exists()
    project.save(update_fields=["raised"])
    recording.record(project=project, kind="prioritised", by=by, priority=priority, count=changed)
    return changed


def open_slots(*, project: Project, items: Sequence[int]) -> None:
    """Make the slots that the project's overlap and its rules ask for and that these items do not have yet.

    None for items that the guideline shows as examples: everybody knows their answer; nor for those left out as duplicates.
    """
    known = set(Item.objects.not_asked().filter(pk__in=items).values_list("pk", flat=True))
    items = [pk for pk in items if pk not in known]
    asked = wanted(project, items)
    have: dict[int, set[int]] = {pk: set() for pk in items}
    aside: Counter[int] = Counter()
    for item, slot, state in Assignment.objects.filter(item__in=items).values_list("item_id", "slot", "state"):
        have[item].add(slot)
        aside[item] += state == Assignment.State.ASIDE
    missing = [
        Assignment(project=project, item_id=item, slot=slot)
        for item, slots in have.items()
        for slot in free(slots, asked[item] - len(slots) + aside[item])
    ]
    Assignment.objects.bulk_create(missing, batch_size=2000, ignore_conflicts=True)
    pooling.sort(project, items)


def free(taken: set[int], count: int) -> list[int]:
    """Numbers for so many more slots of an item that has these; the lowest first."""
    return list(islice((slot for slot in range(len(taken) + max(0, count)) if slot not in taken), max(0, count)))


def wanted(project: Project, items: Sequence[int]) -> dict[int, int]:
    """item -> how many answers it is to have; one query where the project has rules, else none."""
    rules = overlaps.parse(project.overlap_rules)
    if not rules:
        return dict.fromkeys(items, project.overlap)
    columns = {"split": "given_split", **{name: name for name in overlaps.FIELDS if name != "split"}}
    rows = Item.objects.filter(pk__in=items).values_list("pk", "document__external_id", *(f"document__{column}" for column in columns.values()))  # fmt: skip
    return {
        pk: overlaps.wanted(project.overlap, rules, name=name, fields=dict(zip(columns, fields, strict=True)))
        for pk, name, *fields in rows
    }


@transaction.atomic
def set_overlap(*, project: Project, overlap: int) -> None:
    """Ask for more or fewer answers per item.

    Missing slots are added, except to items that came with their gold and were never given out, or are in the pool. Surplus slots that
    nobody holds are removed, and what is complete by that is settled.
    """
    # A version may have been published since the project was read; none is before the commit.
    project.version_id = Project.objects.select_for_update(no_key=True).get(pk=project.pk).version_id
    project.overlap = overlap
    project.save(update_fields=["overlap"])
    complete = _drop_surplus(project)
    slots = Assignment.objects.filter(item=OuterRef("pk"))
    gold = Gold.objects.current().filter(item=OuterRef("pk"))
    wanting = Item.objects.filter(Exists(slots) | ~Exists(gold), project=project, role=Item.Role.WORK, in_pool=False)
    for batch in settling.batches(list(wanting.order_by("pk").values_list("pk", flat=True)), 2000):
        open_slots(project=project, items=batch)
    if project.version is not None:
        for batch in settling.batches(complete, 1000):
            settling.hold(batch)
            settling.settle(project=project, version=project.version, items=batch)


def _drop_surplus(project: Project) -> list[int]:
    """Remove slots beyond the overlap that nobody holds, the answered ones counting first; returns their items."""
    now = timezone.now()
    idle = Q(state=Assignment.State.OPEN) | Q(state=Assignment.State.LEASED, lease_until__lt=now, batch=None)
    spare = Case(When(idle, then=1), default=0, output_field=IntegerField())
    counted = Assignment.objects.filter(project=project, item__role=Item.Role.WORK)
    ranked = counted.exclude(state=Assignment.State.ASIDE).annotate(
        spare=spare, place=Window(RowNumber(), partition_by="item_id", order_by=[spare, "slot"])
    )
    beyond = ranked.filter(place__gt=project.overlap).values_list("pk", "item_id", "spare", "place")
    # Sifted here: a condition beside the one on the window would be applied before the ranking.
    spares = [(pk, item, place) for pk, item, is_spare, place in beyond if is_spare]
    asked: dict[int, int] = {}
    for batch in settling.batches(sorted({item for _pk, item, _place in spares}), 2000):
        asked |= wanted(project, batch)
    surplus = {pk: item for pk, item, place in spares if place > asked[item]}
    gone: set[int] = set()
    for batch in settling.batches(surplus, 500):
        # Somebody may have claimed one in between: theirs it stays.
        rows = Assignment.objects.filter(idle, pk__in=batch)
        gone.update(rows.select_for_update().values_list("pk", flat=True))
        Assignment.objects.filter(pk__in=gone.intersection(batch)).delete()
    return sorted({surplus[pk] for pk in gone})


def waiting(membership: Membership) -> bool:
    """Whether other people hold items that this person may get once their leases end."""
    mine = Assignment.objects.filter(item=OuterRef("item"), annotator=membership.user_id)
    held = Assignment.objects.filter(
        item__role=Item.Role.WORK,
        item__left_out=None,
        project=membership.project_id,
        state=Assignment.State.LEASED,
        batch=None,
    )
    if membership.is_restricted:
        held = held.filter(pool__in=pooling.pools_of(membership))
    return held.exclude(annotator=membership.user_id).exclude(Exists(mine)).exists()

"""Items are left out as duplicates, and taken in again: one mark on the item, and the slots that follow from it.

Whoever has such an item on the screen may still answer it; answers, gold and cases stay. Nobody is asked about it any more
(`Item.objects.not_asked`), no progress counts it, and no version frozen from then on has it (`not_left_out`).
"""

from collections.abc import Collection, Mapping

from django.db.models import Exists, OuterRef, Q

from annotation import assigning, settling
from annotation.models import Assignment, Gold, Item, Project


def leave_out(*, project: Project, items: Mapping[int, int]) -> int:
    """Leave items of work out, item -> the verdict that says so; returns how many were not left out before.

    Control and training items stay, because they measure people; items of other projects are nobody's business here.
    """
    done = 0
    for batch in settling.batches(sorted(items), 500):
        rows = Item.objects.filter(pk__in=batch, project=project, role=Item.Role.WORK, left_out=None)
        fresh = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
        if len(verdicts := {items[pk] for pk in fresh}) == 1:
            Item.objects.filter(pk__in=fresh).update(left_out=verdicts.pop())
        else:
            Item.objects.bulk_update([Item(pk=pk, left_out_id=items[pk]) for pk in fresh], ["left_out"])
        # One in somebody's hand stays until it is answered or its lease ends; then nobody gets it (`assigning.CLAIM`).
        waiting = Q(state__in=[Assignment.State.OPEN, Assignment.State.ASSIGNED])
        Assignment.every.filter(waiting, item__in=fresh).delete()
        done += len(fresh)
    return done


def take_in(*, project: Project, verdicts: Collection[int]) -> int:
    """Take everything in again that these verdicts left out, with the slots that it lacks; returns how many items."""
    gone = Item.objects.filter(project=project, left_out__in=verdicts)
    items = list(gone.select_for_update().order_by("pk").values_list("pk", flat=True))
    for batch in settling.batches(items, 500):
        Item.objects.filter(pk__in=batch).update(left_out=None)
        # What came with its gold and was never given out needs no answers now either.
        slots = Assignment.objects.filter(item=OuterRef("pk"))
        gold = Gold.objects.current().filter(item=OuterRef("pk"))
        lacking = Item.objects.filter(Exists(slots) | ~Exists(gold), pk__in=batch)
        assigning.open_slots(project=project, items=list(lacking.values_list("pk", flat=True)))
    return len(items)

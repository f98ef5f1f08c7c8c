"""A case ends in one way: it is closed, nobody has it open, and nobody is asked again because of it."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from annotation.models import Annotation, Assignment, Batch, Case


def close(cases: QuerySet[Case]) -> int:
    """Close those of the cases that are open; returns how many. The caller holds their items."""
    open_ = cases.filter(closed_at=None)
    sent_back = _sent_back(open_)
    count = open_.update(closed_at=timezone.now(), held_by=None, held_until=None)
    _end(sent_back)
    return count


def stop_asking(cases: QuerySet[Case]) -> int:
    """Those to whom the cases were sent back and who have not answered again are asked no more; returns how many."""
    return _end(_sent_back(cases))


def _sent_back(cases: QuerySet[Case]) -> list[int]:
    return list(cases.filter(sent_back__isnull=False).values_list("sent_back", flat=True))


def _end(batches: list[int]) -> int:
    if not batches:
        return 0
    Batch.objects.filter(pk__in=batches, closed_at=None).update(closed_at=timezone.now())
    return put_back(Assignment.objects.filter(batch__in=batches))


def put_back(slots: QuerySet[Assignment]) -> int:
    """Slots that wait for a second answer of somebody whose first one stands: it goes on standing; returns how many."""
    stands = Annotation.objects.current().filter(item=OuterRef("item"), annotator=OuterRef("annotator"))
    freed: dict[str, Any] = {"token": None, "lease_until": None}
    waiting = slots.filter(state__in=Assignment.GIVEN)
    count = waiting.filter(Exists(stands.submitted())).update(state=Assignment.State.DONE, **freed)
    without = stands.exclude(status=Annotation.Status.DRAFT)
    return count + waiting.filter(Exists(without)).update(state=Assignment.State.SKIPPED, **freed)

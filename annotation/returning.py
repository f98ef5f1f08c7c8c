"""Own items come back: some that a person has answered are given to them once more, as if new, for the self-agreement.

They are slots beside those that count (`Assignment.RETURNED`), so no figure of the project knows of them.
"""

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from annotation import swapping
from annotation.models import Annotation, Assignment, Item, Membership, Project

# Of so many claims one looks for an item to come back first, so that they come in between and not in a row.
EVERY = 5
# How often a person's answers are looked through; each answer passes the day on which it may come back once.
PAUSE = timedelta(hours=1)


def comes_back(item: int, person: int, share: int) -> bool:
    """Whether the item is one of `share` percent that come back to this person; the same each time it is asked."""
    return int(hashlib.sha256(f"again/{item}/{person}".encode()).hexdigest()[:8], 16) % 100 < share


def plan(membership: Membership, *, now: datetime | None = None) -> int:
    """Set aside for the person what comes back to them by now; returns how many items that are.

    The caller holds the membership. Looks only at answers that have grown old enough since the last time, under the
    guideline in force. Who reads the others' answers gets none back: they would say what those say.
    """
    project = membership.project
    if not project.again_share or project.version_id is None or membership.can_see_boards:
        return 0
    until = (now or timezone.now()) - timedelta(days=project.again_days)
    since = membership.returned_until
    if since is not None and until - since < PAUSE:
        return 0
    rows = Annotation.objects.submitted().filter(
        project=project.pk, annotator=membership.user_id, guideline_version=project.version_id, updated_at__lte=until
    )
    rows = rows.filter(updated_at__gt=since) if since is not None else rows
    found = [item for item in rows.values_list("item", flat=True) if comes_back(item, membership.user_id, project.again_share)]  # fmt: skip
    there = Assignment.every.filter(item__in=found, annotator=membership.user_id).exclude(again=Assignment.COUNTS)
    known = set(there.values_list("item", flat=True))
    known |= set(Item.objects.not_asked().filter(pk__in=found).values_list("pk", flat=True))
    chosen = [item for item in found if item not in known]
    _assign(membership, chosen)
    Membership.objects.filter(pk=membership.pk).update(returned_until=until)
    membership.returned_until = until
    return len(chosen)


def _assign(membership: Membership, items: list[int]) -> None:
    """A slot for each item, under the number of one that was there from the start (see swapping.py)."""
    fresh = Assignment.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        project=membership.project_id, state=Assignment.State.OPEN, annotator=None, held_before=None, batch=None
    )
    swapped = list(fresh.order_by("key")[: len(items)]) if items else []
    mine = {"again": Assignment.RETURNED, "annotator_id": membership.user_id, "state": Assignment.State.ASSIGNED}
    swapping.swap(swapped, [{"item_id": item, "slot": 0, "priority": 0, **mine} for item in items[: len(swapped)]])
    rest = items[len(swapped) :]
    Assignment.every.bulk_create(
        [Assignment(project_id=membership.project_id, item_id=item, slot=0, **mine) for item in rest], batch_size=1000
    )


def is_turn() -> bool:
    """Whether a claim looks for an item to come back first."""
    return secrets.randbelow(EVERY) == 0


def claim(membership: Membership) -> Assignment | None:
    """Lease the next item that comes back to this person; the caller holds the membership."""
    now = timezone.now()
    due = Q(state=Assignment.State.ASSIGNED) | Q(state=Assignment.State.LEASED, lease_until__lt=now)
    rows = Assignment.every.filter(
        project=membership.project_id,
        annotator=membership.user_id,
        again=Assignment.RETURNED,
        state__in=Assignment.GIVEN,
    )
    slot = rows.filter(due).order_by("key").first()
    if slot is None:
        return None
    slot.state, slot.token = Assignment.State.LEASED, uuid.uuid4()
    slot.lease_until = now + timedelta(minutes=membership.project.lease_minutes)
    slot.save(update_fields=["state", "token", "lease_until"])
    slot.project = membership.project
    return slot


def drop(*, project: Project, annotator: int | None = None) -> int:
    """Forget what was to come back and has not been answered, of one person or of all; returns how many items."""
    rows = Assignment.every.filter(project=project, again=Assignment.RETURNED, state__in=Assignment.GIVEN)
    rows = rows.filter(annotator=annotator) if annotator is not None else rows
    return rows.delete()[0]


def begin_anew(project: Project) -> None:
    """After a change of the settings: what waits is forgotten, and everybody's answers are looked through again."""
    drop(project=project)
    Membership.objects.filter(project=project).update(returned_until=None)

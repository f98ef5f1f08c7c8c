"""Reads: what the batches of a project are, how far each person is with them, and whether they will be in time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from annotation.models import Assignment, Batch, Membership, Project, User
from annotation.pace import Pace
from annotation.pace import pace as pace_of


@dataclass
class Part:
    """One person's part of a batch."""

    user: User
    all: int = 0
    done: int = 0
    in_hand: int = 0
    # Answers a day of work in this project, see `pace`.
    pace: float = 0.0

    @property
    def left(self) -> int:
        """How many answers are missing."""
        return self.all - self.done

    @property
    def days(self) -> float | None:
        """Days of work that the rest takes at this pace; None without a pace."""
        return self.left / self.pace if self.pace else None


@dataclass
class Standing:
    """A batch and how far it is."""

    batch: Batch
    parts: list[Part] = field(default_factory=list)
    pace: Pace = field(default_factory=Pace)

    @property
    def all(self) -> int:
        """Answers assigned."""
        return sum(part.all for part in self.parts)

    @property
    def done(self) -> int:
        """Answers and skips given."""
        return sum(part.done for part in self.parts)

    @property
    def left(self) -> int:
        """Answers missing."""
        return self.all - self.done

    @property
    def percent(self) -> int:
        """Whole percent done."""
        return 100 * self.done // self.all if self.all else 0

    @property
    def is_late(self) -> bool:
        """Whether answers are missing although the batch was due."""
        return bool(self.left) and self.batch.closed_at is None and self.batch.due_at is not None and self.batch.due_at < timezone.now()  # fmt: skip

    @property
    def ready_at(self) -> datetime | None:
        """When the slowest will be through, at the pace of each; None where somebody has none."""
        days = [part.days for part in self.parts if part.left]
        if not days or any(one is None or one > 3650 for one in days):
            return None
        return self.pace.ready_at(max(one for one in days if one is not None))

    @property
    def will_be_late(self) -> bool:
        """Whether the forecast lies behind the due date."""
        ready = self.ready_at
        return bool(ready and self.batch.due_at and ready > self.batch.due_at and self.batch.closed_at is None)


def listed(project: Project) -> QuerySet[Batch]:
    """The batches of a project: open ones first, then the newest."""
    rows = Batch.objects.filter(project=project).select_related("created_by", "project")
    return rows.order_by(F("closed_at").desc(nulls_first=True), "-pk")


def standings(project: Project, batches: Sequence[Batch]) -> list[Standing]:
    """How far these batches are, person by person; a number of queries that grows with nothing."""
    found = {batch.pk: Standing(batch) for batch in batches}
    counted = (
        Assignment.objects.filter(batch__in=found, annotator__isnull=False)
        .order_by()
        .values("batch", "annotator")
        .annotate(
            all=Count("pk"),
            done=Count("pk", filter=Q(state__in=Assignment.ANSWERED)),
            held=Count("pk", filter=Q(state=Assignment.State.LEASED, lease_until__gte=timezone.now())),
        )
    )
    rows: list[Any] = list(counted)
    people = User.objects.in_bulk({row["annotator"] for row in rows})
    pace = pace_of(project) if rows else Pace()
    for row in rows:
        person = people[row["annotator"]]
        part = Part(person, row["all"], row["done"], row["held"], pace.people.get(person.pk, 0.0))
        found[row["batch"]].pace = pace
        found[row["batch"]].parts.append(part)
    for standing in found.values():
        standing.parts.sort(key=lambda part: (-part.left, str(part.user)))
    return list(found.values())


def mine(membership: Membership) -> list[dict[str, Any]]:
    """This person's open batches with what is left of each, the first due first; two queries at most."""
    rows = Assignment.objects.filter(
        project=membership.project_id,
        annotator=membership.user_id,
        state__in=Assignment.GIVEN,
        batch__isnull=False,
    )
    left = dict(rows.order_by().values_list("batch").annotate(Count("pk")))
    now = timezone.now()
    found = sorted(
        Batch.objects.in_bulk(left).values(), key=lambda row: (row.due_at is None, row.due_at or now, row.pk)
    )
    return [{"batch": row, "left": left[row.pk], "late": bool(row.due_at and row.due_at < now)} for row in found]


def told(batch: Batch, left: int) -> dict[str, Any]:
    """What the person it is assigned to reads of a batch, JSON-ready."""
    return {
        "name": batch.title,
        "note": batch.note,
        "due": timezone.localtime(batch.due_at).isoformat() if batch.due_at else None,
        "left": left,
    }


def of_slots(membership: Membership, slots: Sequence[Assignment]) -> dict[int, dict[str, Any]]:
    """slot -> what its person reads of its batch; no query where none of them is in one."""
    if not any(slot.batch_id and slot.state == Assignment.State.LEASED for slot in slots):
        return {}
    found = {row["batch"].pk: told(row["batch"], row["left"]) for row in mine(membership)}
    return {slot.pk: found[slot.batch_id] for slot in slots if slot.batch_id in found}

"""Reads: how many answers a day come in, the one way in which it is told, and what that means for what is missing.

The pace is the answers a day over the last ten days on which somebody worked. Answers are first answers, skips and
“cannot decide” to items of work, as far as people gave them here; control items, corrections and what files brought are
none. Today is left out unless it is the only day, because it is not over.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from annotation import finish
from annotation.models import Annotation, Item, Project, QualityReport, Revision, WorkDay

DAYS = 10
# Before the worker has made the first figures of a project its days are summed as they are asked for, those of so long.
WINDOW = timedelta(days=60)
BATCH = 5000


@dataclass(frozen=True)
class Pace:
    """The last days of work, the oldest first, what came on each of them, and each person's answers a day over them."""

    days: list[date] = field(default_factory=list)
    daily: list[int] = field(default_factory=list)
    people: dict[int, float] = field(default_factory=dict)

    @property
    def per_day(self) -> float:
        """Answers on a day of work; 0 where nobody has worked."""
        return sum(self.daily) / len(self.daily) if self.daily else 0.0

    @property
    def rest(self) -> float:
        """Days of the calendar for each day of work, at least 1: from the first of these days to the last."""
        return ((self.days[-1] - self.days[0]).days + 1) / len(self.days) if self.days else 1.0

    def ready_at(self, days: float) -> datetime:
        """When so many days of work will be over, if days without work are as frequent as they were."""
        return timezone.now() + timedelta(days=days * self.rest)


def day_of(moment: datetime) -> date:
    """The day by the site's clock."""
    return timezone.localtime(moment).date()


def start_of(day: date) -> datetime:
    """Its first moment."""
    return timezone.make_aware(datetime(day.year, day.month, day.day))


def summed(project: Project, since: datetime | None = None) -> list[WorkDay]:
    """What each person did on each day, from the revisions since that moment (None: all); the rows are not stored."""
    rows = Revision.objects.filter(project=project, mapped=False, annotation__again=0)
    rows = rows.filter(at__gte=since) if since is not None else rows
    measuring = Item.objects.filter(project=project).exclude(role=Item.Role.WORK)
    controls = set(measuring.values_list("pk", flat=True))
    days: dict[tuple[int, date], WorkDay] = {}
    here = timezone.get_current_timezone()
    values = rows.values_list("person_id", "at", "status", "corrects", "flagged", "seconds", "annotation__item_id")
    for person, at, status, corrects, flagged, seconds, item in values.iterator(chunk_size=BATCH):
        key = person, at.astimezone(here).date()
        day = days.get(key) or days.setdefault(key, WorkDay(project=project, person_id=person, day=key[1]))
        if corrects:
            day.corrected += 1
        elif item in controls:
            day.controls += 1
        else:
            name = "answered" if status == Annotation.Status.SUBMITTED else status
            setattr(day, name, getattr(day, name) + 1)
            day.flagged += flagged
        if seconds is not None:
            day.seconds += seconds
            day.timed += not corrects
    return list(days.values())


def pace(project: Project) -> Pace:
    """The pace of a project; three queries at most, of which none grows with the answers once there are figures."""
    today = day_of(timezone.now())
    rows: Iterable[WorkDay]
    if QualityReport.objects.filter(project=project, state="done").exists():
        known = WorkDay.objects.filter(project=project, day__lte=today)
        # One more than the days of work that are wanted, for today; corrections alone make no day of work.
        wanted = known.exclude(answered=0, skipped=0, undecided=0).order_by("-day").values_list("day", flat=True)
        rows = known.filter(day__in=list(wanted.distinct()[: DAYS + 1]))
    else:
        rows = summed(project, timezone.now() - WINDOW)
    return of_days(rows, today)


def of_days(rows: Iterable[WorkDay], today: date) -> Pace:
    """The pace of these days' rows."""
    given: dict[date, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        if count := row.answered + row.skipped + row.undecided:
            given[row.day][row.person_id] += count
    days = sorted(day for day in given if day != today) or sorted(given)
    days = days[-DAYS:]
    people: dict[int, float] = defaultdict(float)
    for day in days:
        for person, count in given[day].items():
            people[person] += count / len(days)
    return Pace(days, [sum(given[day].values()) for day in days], dict(people))


def ends(found: Pace, left: int) -> dict[str, Any]:
    """When `left` answers will be there: days of work, see `finish.finish`; `of_days`, `left`, and the date `ready`."""
    told = asdict(finish.finish(found.daily, left))
    days = told["days"]
    ready = found.ready_at(days) if days is not None and days < finish.FAR else None
    return {**told, "of_days": len(found.days), "left": left, "ready": ready.isoformat() if ready else None}

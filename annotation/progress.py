"""Reads: how far a project is, who did what, what waits."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from math import ceil
from statistics import median
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from annotation.models import Annotation, Assignment, Case, Gold, Item, Membership, Project, Revision, User


def overview(project: Project) -> dict[str, Any]:
    """Counts of items, answers, gold and cases; a fixed number of queries."""
    slots = Assignment.objects.filter(project=project).aggregate(
        all=Count("pk"),
        done=Count("pk", filter=Q(state=Assignment.State.DONE)),
        skipped=Count("pk", filter=Q(state=Assignment.State.SKIPPED)),
        leased=Count("pk", filter=Q(state=Assignment.State.LEASED, lease_until__gte=timezone.now())),
    )
    gold = dict(
        Gold.objects.current()
        .filter(project=project)
        .values_list("method")
        .annotate(n=Count("pk"))
        .values_list("method", "n")
    )
    cases = Case.objects.filter(project=project).aggregate(
        open=Count("pk", filter=Q(closed_at=None)), closed=Count("pk", filter=Q(closed_at__isnull=False))
    )
    closed = slots["done"] + slots["skipped"]
    return {
        "items": Item.objects.filter(project=project).count(),
        "slots": slots["all"],
        "done": slots["done"],
        "skipped": slots["skipped"],
        "leased": slots["leased"],
        "left": slots["all"] - closed,
        "percent": 100 * closed // slots["all"] if slots["all"] else 0,
        "gold": sum(gold.values()),
        "gold_by": gold,
        "cases_open": cases["open"],
        "cases_closed": cases["closed"],
        "undecided": Annotation.objects.current().filter(project=project, status=Annotation.Status.UNDECIDED).count(),
        "flagged": Annotation.objects.current().filter(project=project, flagged=True).count(),
    }


def people(project: Project) -> list[dict[str, Any]]:
    """What each person gave: answers, skips, flags, time; imported annotators too; two queries."""
    rows = (
        Annotation.objects.current()
        .filter(project=project)
        .exclude(status=Annotation.Status.DRAFT)
        .values("annotator")
        .annotate(
            submitted=Count("pk", filter=Q(status=Annotation.Status.SUBMITTED)),
            skipped=Count("pk", filter=Q(status=Annotation.Status.SKIPPED)),
            undecided=Count("pk", filter=Q(status=Annotation.Status.UNDECIDED)),
            flagged=Count("pk", filter=Q(flagged=True)),
            spent=Sum("seconds"),
            timed=Count("seconds"),
            last=Max("updated_at"),
        )
    )
    users = User.objects.in_bulk([row["annotator"] for row in rows])
    found = [
        {
            **row,
            "user": users[row["annotator"]],
            "imported": users[row["annotator"]].imported_for_id is not None,
            "seconds_each": row["spent"] / row["timed"] if row["timed"] else None,
        }
        for row in rows
    ]
    return sorted(found, key=lambda row: -row["submitted"])


def own(membership: Membership) -> QuerySet[Any]:
    """This person's answers and skips that stand, newest first; `assignment` is what a correction names."""
    slots = Assignment.objects.filter(item=OuterRef("item"), annotator=membership.user_id)
    rows = Annotation.objects.current().filter(project=membership.project_id, annotator=membership.user_id)
    rows = rows.exclude(status=Annotation.Status.DRAFT).annotate(assignment=Subquery(slots.values("pk")[:1]))
    return rows.select_related("item__document").order_by("-updated_at", "-pk")


def given(membership: Membership, slots: Sequence[Assignment]) -> dict[int, Annotation]:
    """item -> what this person has said of it so far, drafts included."""
    items = [slot.item_id for slot in slots]
    rows = Annotation.objects.current().filter(item__in=items, annotator=membership.user_id)
    return {row.item_id: row for row in rows} if items else {}


def done_today(membership: Membership) -> int:
    """Answers and skips of this person in the last 24 hours; an index scan over that day's work alone."""
    since = timezone.now() - timedelta(days=1)
    rows = Annotation.objects.filter(project=membership.project_id, annotator=membership.user_id, updated_at__gte=since)
    return rows.exclude(status=Annotation.Status.DRAFT).count()


def share(membership: Membership) -> dict[str, int]:
    """How many items this person has answered or skipped, and how many there are left for them.

    Left is what they hold and what is open on items that they are not on yet. It is counted once, as the labelling page
    is loaded: 0.1 s in a project of 100,000 items with three answers each.
    """
    slots = Assignment.objects.filter(project=membership.project_id)
    mine = slots.filter(annotator=membership.user_id)
    closed = Q(state__in=[Assignment.State.DONE, Assignment.State.SKIPPED])
    held = mine.aggregate(done=Count("pk", filter=closed), left=Count("pk", filter=~closed))
    free = Q(state=Assignment.State.OPEN) | Q(state=Assignment.State.LEASED, lease_until__lt=timezone.now())
    on_it = Assignment.objects.filter(item=OuterRef("item"), annotator=membership.user_id)
    open_to_me = slots.filter(free).exclude(Exists(on_it)).values("item").distinct().count()
    return {"done": held["done"], "left": held["left"] + open_to_me}


def forecast(project: Project, overview: dict[str, Any]) -> int | None:
    """Days until all slots are done at the pace of the last seven days; None without a pace."""
    since = timezone.now() - timedelta(days=7)
    recent = Annotation.objects.filter(project=project, updated_at__gte=since, annotator__imported_for=None)
    pace = recent.exclude(status=Annotation.Status.DRAFT).count() / 7
    return ceil(overview["left"] / pace) if pace >= 1 and overview["left"] else None


WORK_DAYS = 30


def work(membership: Membership) -> list[dict[str, Any]]:
    """What this person did on each of the last days, newest first, by the site's clock; one query.

    items: answered, skipped or undecided for the first time; corrections are none, but their time counts. hours: of
    attention, idle time left out by the page. median_seconds: of the items whose time is known, None without any.
    """
    since = timezone.now() - timedelta(days=WORK_DAYS)
    earlier = Revision.objects.filter(annotation=OuterRef("annotation"), pk__lt=OuterRef("pk"))
    # The annotation's own time is the one that the index knows; no revision is newer than that.
    rows = Revision.objects.filter(
        annotation__project=membership.project_id,
        annotation__annotator=membership.user_id,
        annotation__updated_at__gte=since,
        at__gte=since,
    ).annotate(again=Exists(earlier))
    days: dict[date, list[tuple[str, float | None, bool]]] = defaultdict(list)
    for at, status, seconds, again in rows.values_list("at", "status", "seconds", "again"):
        days[timezone.localtime(at).date()].append((status, seconds, again))
    return [_day(day, days[day]) for day in sorted(days, reverse=True)]


def _day(day: date, done: list[tuple[str, float | None, bool]]) -> dict[str, Any]:
    first = [(status, seconds) for status, seconds, again in done if not again]
    timed = [seconds for _status, seconds in first if seconds is not None]
    return {
        "day": day,
        "items": len(first),
        "skipped": sum(status == Annotation.Status.SKIPPED for status, _seconds in first),
        "undecided": sum(status == Annotation.Status.UNDECIDED for status, _seconds in first),
        "corrected": len(done) - len(first),
        "hours": sum(seconds or 0.0 for _status, seconds, _again in done) / 3600,
        "median_seconds": median(timed) if timed else None,
    }


def without_answer(membership: Membership) -> QuerySet[Any]:
    """This person's skips and undecided items that stand, newest first."""
    return own(membership).filter(status__in=[Annotation.Status.SKIPPED, Annotation.Status.UNDECIDED])

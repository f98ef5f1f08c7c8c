"""Reads: how far a project is, who did what, what waits."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, Q, Sum
from django.utils import timezone

from annotation.models import Annotation, Assignment, Case, Gold, Item, Membership, Project, User


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


def done_today(membership: Membership) -> int:
    """Answers and skips of this person in the last 24 hours; an index scan over that day's work alone."""
    since = timezone.now() - timedelta(days=1)
    rows = Annotation.objects.filter(project=membership.project_id, annotator=membership.user_id, updated_at__gte=since)
    return rows.exclude(status=Annotation.Status.DRAFT).count()


def forecast(project: Project, overview: dict[str, Any]) -> int | None:
    """Days until all slots are done at the pace of the last seven days; None without a pace."""
    since = timezone.now() - timedelta(days=7)
    recent = Annotation.objects.filter(project=project, updated_at__gte=since, annotator__imported_for=None)
    pace = recent.exclude(status=Annotation.Status.DRAFT).count() / 7
    return -(-overview["left"] // max(1, int(pace))) if pace >= 1 and overview["left"] else None

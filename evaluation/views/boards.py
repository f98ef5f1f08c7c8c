"""Leaderboards and submissions."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.access import member
from annotation.kinds import KINDS
from annotation.models import Membership
from annotation.views.errands import progress
from evaluation import leaderboard, submitting
from evaluation.forms import SubmitForm
from evaluation.models import Benchmark, Submission

BAR = 260
# How the confusion of kinds that mark a text sets gold beside what was predicted, and what stands where there is nothing.
MATCHED = {
    "spans": {
        "how": gettext_lazy("a mark stands with the one that has its ends, else with the one that shares most characters with it"),
        "none": gettext_lazy("not marked"),
    },
    "events": {
        "how": gettext_lazy("an event stands with the one that has its trigger; of several with the one of its type"),
        "none": gettext_lazy("no event"),
    },
}  # fmt: skip


def bars(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Coordinates of the interval bars on a common scale that spans all intervals of the board."""
    shown = [entry["primary"] for entry in entries if entry["primary"]["value"] is not None]
    ends = [value for one in shown for value in (one["low"], one["value"], one["high"]) if value is not None]
    least, most = min(ends, default=0.0), max(ends, default=1.0)
    room = 0.02 * max(1.0, most - least)
    # Shares end at 0 and 1; correlations and errors go beyond.
    low = max(0.0, least - room) if least >= 0 else min(-1.0, least)
    high = min(1.0, most + room) if most <= 1 else most + room

    def place(value: float | None) -> float | None:
        return None if value is None else round(6 + (value - low) / ((high - low) or 1) * (BAR - 12), 1)

    for entry in entries:
        one = entry["primary"]
        entry["bar"] = (
            {name: place(one[name]) for name in ("low", "value", "high")} if one["value"] is not None else None
        )
    return {"low": low, "high": high, "width": BAR}


def benchmark_of(membership: Membership, pk: int) -> Benchmark:
    """The board, if it belongs to the project."""
    rows = Benchmark.objects.select_related("version__dataset__project", "version__guideline_version")
    return get_object_or_404(rows, pk=pk, version__dataset__project=membership.project)


@require_safe
@never_cache
@member("boards")
def board(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The ranked view of a benchmark; ?sort=accuracy&dir=asc, ?all=1 shows every submission, ?format=json."""
    benchmark = benchmark_of(membership, pk)
    metrics = leaderboard.sortable(benchmark)
    sort = request.GET.get("sort") or benchmark.primary_metric
    sort = sort if sort in metrics else benchmark.primary_metric
    # Without a direction the better ones stand first: the larger shares, the smaller errors.
    better_first = leaderboard.metrics(benchmark)[sort].higher_is_better
    descending = {"asc": False, "desc": True}.get(request.GET.get("dir", ""), better_first)
    entries = leaderboard.entries(benchmark, sort=sort, descending=descending, every=request.GET.get("all") == "1")
    facts = leaderboard.benchmark_facts(benchmark)
    if request.GET.get("format") == "json":
        return JsonResponse({"benchmark": facts, "entries": entries})
    kind = leaderboard.kind(benchmark)
    # Some metrics stand beside the primary one; the others are behind a fold.
    others = [name for name in metrics if name not in (benchmark.primary_metric, "coverage")]
    beside = [name for name in others if name in kind.beside or name == sort]
    context = {
        "project": membership.project,
        "membership": membership,
        "benchmark": benchmark,
        "beside": beside,
        "more": [name for name in others if name not in beside],
        "bars": bars(entries),
        "entries": entries,
        "facts": facts,
        "sort": sort,
        "descending": descending,
        "turned": ("asc" if descending else "desc") if descending == better_first else "",
        "metrics": metrics,
        "every": request.GET.get("all") == "1",
        "per_label": kind.per_label,
    }
    return render(request, "evaluation/board.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("research")
def submit(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Upload predictions of an outside system."""
    benchmark = benchmark_of(membership, pk)
    form = SubmitForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            submission, created = submitting.submit_file(
                benchmark=benchmark,
                system_name=form.cleaned_data["system"],
                file=upload,
                filename=upload.name,
                user=request.user,
                description=form.cleaned_data["description"],
                partial=form.cleaned_data["partial"],
            )
        except ValueError as error:
            form.add_error("file", str(error))
        else:
            if not created:
                messages.info(request, _("These predictions were here already."))
            return redirect("evaluation:submission", membership.project.slug, submission.pk)
    context = {
        "project": membership.project,
        "membership": membership,
        "benchmark": benchmark,
        "form": form,
        "column": KINDS[benchmark.asked["kind"]].column,
    }
    return render(request, "evaluation/submit.html", context, status=400 if form.errors else 200)


def submission_of(membership: Membership, pk: int) -> Submission:
    """The submission, if it belongs to the project."""
    rows = Submission.objects.select_related("benchmark__version__dataset__project", "benchmark__version__guideline_version", "system", "created_by")  # fmt: skip
    return get_object_or_404(rows, pk=pk, benchmark__version__dataset__project=membership.project)


@require_safe
@never_cache
@member("boards")
def submission(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """A submission: state, report, scores with intervals, confusion."""
    row = submission_of(membership, pk)
    scores = list(row.scores.all())
    context: dict[str, Any] = {
        "project": membership.project,
        "membership": membership,
        "submission": row,
        "benchmark": row.benchmark,
        "job": row,
        "headline": [score for score in scores if not score.label],
        "per_label": leaderboard.per_label(row, scores),
        "confusion": leaderboard.confusion_rows(row),
        "matched": MATCHED.get(row.benchmark.asked["kind"]),
        "labels": row.benchmark.labels,
        "per_label_metrics": leaderboard.kind(row.benchmark).per_label,
    }
    return render(request, "evaluation/submission.html", context)


@require_safe
@never_cache
@member("boards")
def submission_progress(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The scoring's progress as a fragment."""
    row = submission_of(membership, pk)
    return progress(request, row)


@require_POST
@member("research")
def withdraw(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Take a submission off the board, or put it back; it is never deleted."""
    row = submission_of(membership, pk)
    try:
        submitting.withdraw(submission=row, user=request.user, withdrawn=request.POST.get("withdrawn") == "1")
    except PermissionDenied as refusal:
        messages.error(request, str(refusal))
    return redirect("evaluation:submission", membership.project.slug, pk)


@require_POST
@member("research")
def score_again(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Queue the scoring of a submission whose scoring failed."""
    row = submission_of(membership, pk)
    if not submitting.score_again(row):
        messages.info(request, _("It is scored, or about to be."))
    return redirect("evaluation:submission", membership.project.slug, pk)

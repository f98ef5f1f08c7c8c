"""Leaks of any dataset: upload its files, see what leaks; it belongs to whoever uploaded it."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import jobs
from annotation.views.errands import progress
from annotation.views.posted import text
from evaluation import checking
from evaluation.models import SPLITS, Check
from evaluation.views.checks import context_of, pairs_of


def find(request: HttpRequest, pk: int) -> Check:
    """One's own check of uploaded data."""
    return get_object_or_404(Check, pk=pk, what=Check.What.UPLOAD, created_by=request.user)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def uploads(request: HttpRequest) -> HttpResponseBase:
    """Upload files, and one's earlier ones."""
    error = ""
    if request.method == "POST":
        files = [(file, file.name or "", "") for file in request.FILES.getlist("file")]
        named = {name: request.FILES.get(name) for name in SPLITS}
        files += [(file, file.name or "", name) for name, file in named.items() if file]
        try:
            row = checking.ask_upload(
                files=files,
                user=request.user,
                split_column=text(request.POST, "split_column"),
                group_by=text(request.POST, "group_by").split(","),
            )
            return redirect("evaluation:upload", row.pk)
        except ValueError as problem:
            error = str(problem)
    rows = Check.objects.filter(what=Check.What.UPLOAD, created_by=request.user).prefetch_related("files")[:50]
    context: dict[str, Any] = {
        "rows": rows,
        "error": error,
        "days": checking.KEPT_DAYS,
        "asked": request.POST,
        "splits": SPLITS,
    }
    return render(request, "evaluation/uploads.html", context, status=400 if error else 200)


@require_safe
@never_cache
@login_required
def upload(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Progress, then the report."""
    row = find(request, pk)
    context = {
        "progress_url": reverse("evaluation:upload_progress", args=[pk]),
        "cancel_url": reverse("evaluation:upload_end", args=[pk]),
        "pairs_url": reverse("evaluation:upload_pairs", args=[pk]),
        **context_of(row),
    }
    return render(request, "evaluation/check_upload.html", context)


@require_safe
@never_cache
@login_required
def upload_progress(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The progress as a fragment."""
    return progress(request, find(request, pk))


@require_safe
@never_cache
@login_required
def upload_pairs(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The pairs of a finding; all that was uploaded is one's own."""
    row = find(request, pk)
    context = {"back": reverse("evaluation:upload", args=[pk]), **pairs_of(row, request, may=True)}
    return render(request, "evaluation/pairs.html", context)


@require_POST
@login_required
def upload_end(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Stop one that runs, or delete one that has ended."""
    row = find(request, pk)
    if not jobs.cancel(row):
        checking.forget(row)
    return redirect("evaluation:uploads")

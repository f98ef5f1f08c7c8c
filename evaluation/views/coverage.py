"""Coverage: text type by language by period, wanted against what is there; targets; the cells of a frozen version."""

import json
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from annotation import coverage as cells
from annotation import covering
from annotation.access import member
from annotation.models import Membership, Project
from annotation.views.posted import text, whole
from evaluation import covered
from evaluation.models import DatasetVersion

TARGET = "t:"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("adjudicate")
def coverage(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The table of a project; a POST of a manager sets targets."""
    project = membership.project
    error = ""
    if request.method == "POST":
        if not membership.is_manager:
            raise PermissionDenied
        try:
            _aim(request, membership)
            messages.success(request, _("Saved."))
            return redirect("evaluation:coverage", project.slug)
        except ValueError as problem:
            error = str(problem)
    by = request.GET.get("by", "")
    found = covered.of_project(project, by=by if by in Project.Period.values else "")
    for row in found["rows"]:
        row["field"] = TARGET + json.dumps([row[name] for name in covering.NAMES], ensure_ascii=False)
    context = {
        "project": project,
        "membership": membership,
        "found": found,
        "periods": Project.Period.choices,
        "draws": [("n:" + json.dumps(one["stratum"], ensure_ascii=False), one["size"]) for one in cells.to_draw(found)],
        "error": error,
    }
    return render(request, "evaluation/coverage.html", context, status=400 if error else 200)


def _aim(request: HttpRequest, membership: Membership) -> None:
    by, who = text(request.POST, "by"), membership.user
    if request.POST.get("do") == "share":
        total = whole(text(request.POST, "total"), _("The number of items"))
        covering.aim_by_share(project=membership.project, by=by, total=total, user=who)
        return
    targets: list[dict[str, Any]] = []
    for name, value in request.POST.items():
        if name.startswith(TARGET) and str(value).strip():
            try:
                cell = dict(zip(covering.NAMES, json.loads(name.removeprefix(TARGET)), strict=True))
            except (ValueError, TypeError, RecursionError):
                raise ValueError(_("This form is not as the page made it. Open the page anew.")) from None
            targets.append({**cell, "wanted": value})
    covering.aim(project=membership.project, by=by, targets=targets, user=who)


@require_safe
@never_cache
@member("boards")
def version_coverage(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The cells of one frozen version."""
    rows = DatasetVersion.objects.frozen().select_related("dataset__project")
    version = get_object_or_404(rows, pk=pk, dataset__project=membership.project)
    by = request.GET.get("by", "")
    context = {
        "project": membership.project,
        "membership": membership,
        "version": version,
        "found": covered.of_version(version, by=by if by in Project.Period.values else ""),
        "periods": Project.Period.choices,
    }
    return render(request, "evaluation/version_coverage.html", context)

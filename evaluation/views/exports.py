"""Exports of a project's versions: ask for one, see who took what and why, fetch it, make it again."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.access import member
from annotation.models import Membership
from annotation.text.words import _ as translated
from annotation.views.errands import progress
from config import downloads
from evaluation import exporting, rules
from evaluation.formats.release import LOSSES
from evaluation.forms import ExportForm
from evaluation.models import DatasetVersion, Export

PER_PAGE = 25


def versions_of(membership: Membership) -> QuerySet[DatasetVersion]:
    """The frozen versions of the project, the newest first."""
    rows = DatasetVersion.objects.frozen().filter(dataset__project=membership.project)
    return rows.select_related("dataset__project", "guideline_version").order_by("-pk")


def found(request: HttpRequest, membership: Membership, pk: int) -> Export:
    """The export, if it belongs to the project and this person may know of it."""
    rows = Export.objects.visible_to(request.user).select_related("version__dataset__project", "by")
    return get_object_or_404(rows, pk=pk, version__dataset__project=membership.project)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("boards")
def exports(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Who exported what, when and why; and the form to ask for one of the version in ?version=, else of the newest."""
    versions = versions_of(membership)
    asked = request.GET.get("version", "")
    version = versions.filter(pk=int(asked)).first() if asked.isdecimal() and len(asked) < 19 else None
    version = version or versions.first()
    form = ExportForm(request.POST or None, version=version, user=request.user) if version else None
    if request.method == "POST" and form and version and form.is_valid():
        try:
            row = exporting.ask(version=version, user=request.user, **form.options())
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            return redirect("evaluation:export", membership.project.slug, row.pk)
    rows = Export.objects.visible_to(request.user).filter(version__dataset__project=membership.project)
    page = Paginator(rows.select_related("version__dataset", "by"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "project": membership.project,
        "membership": membership,
        "form": form,
        "version": version,
        "versions": versions[:200],
        "page_obj": page,
    }
    return render(request, "evaluation/exports.html", context, status=400 if form and form.errors else 200)


@require_safe
@never_cache
@member("boards")
def export(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """One export: its progress, then its file with size and checksum, and what the format could not carry."""
    row = found(request, membership, pk)
    context: dict[str, Any] = {
        "project": membership.project,
        "membership": membership,
        "export": row,
        "job": row,
        "losses": [(count, translated(LOSSES[code])) for code, count in row.losses.items() if code in LOSSES],
        "may": may_fetch(request, membership, row),
    }
    return render(request, "evaluation/export.html", context)


def may_fetch(request: HttpRequest, membership: Membership, row: Export) -> bool:
    """Whether this person may ask for such an export today."""
    return rules.may_export(
        request.user, membership.project, with_test_gold=row.with_test_gold, annotations=row.with_annotations
    )


@require_safe
@never_cache
@member("boards")
def export_progress(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The progress as a fragment."""
    return progress(request, found(request, membership, pk))


@require_POST
@member("boards")
def cancel_export(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Stop it; nothing of it stays."""
    row = found(request, membership, pk)
    if not exporting.cancel(row):
        messages.info(request, _("It had ended already."))
    return redirect("evaluation:export", membership.project.slug, row.pk)


@require_POST
@member("boards")
def export_again(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The same once more."""
    row = found(request, membership, pk)
    try:
        made = exporting.again(row, user=request.user)
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("evaluation:export", membership.project.slug, row.pk)
    return redirect("evaluation:export", membership.project.slug, made.pk)


@require_POST
@member("boards")
def remove_export(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Remove the file; that somebody took it stays."""
    row = found(request, membership, pk)
    if not (membership.is_manager or row.by_id == membership.user_id):
        raise PermissionDenied
    exporting.remove(row)
    return redirect("evaluation:export", membership.project.slug, row.pk)


@require_safe
@member("boards")
def export_file(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The file; a download that broke off goes on."""
    row = found(request, membership, pk)
    try:
        file = exporting.fetch(row, user=request.user)
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("evaluation:export", membership.project.slug, row.pk)
    if request.method == "GET":
        exporting.fetched(row, user=request.user)
    return downloads.serve(
        request,
        file,
        size=row.size or 0,
        checksum=row.checksum,
        filename=row.filename,
        content_type="application/zip",
    )


@require_POST
@member("boards")
def export_now(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """A small version as a zip at once, JSONL without test gold; a large one by the worker."""
    row = get_object_or_404(versions_of(membership), pk=pk)
    asked = {"format": "jsonl", "with_test_gold": False}
    if not exporting.is_small(row):
        made = exporting.ask(version=row, user=request.user, **asked)
        return redirect("evaluation:export", membership.project.slug, made.pk)
    file, made = exporting.at_once(version=row, user=request.user, **asked)
    return FileResponse(file, as_attachment=True, filename=made.filename, content_type="application/zip")

"""Moving a project here from another tool: the upload, what was found in it, the start."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from annotation import moving
from annotation.kinds import KINDS
from annotation.models import Move, User
from annotation.views.posted import text


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def moves(request: HttpRequest) -> HttpResponseBase:
    """Upload what the other tool exported."""
    if not User.objects.can_create_projects(request.user):
        raise PermissionDenied
    error = ""
    if request.method == "POST":
        try:
            files = [(file.name or "", file) for file in request.FILES.getlist("files")]
            row = moving.prepare(files=files, user=request.user)
            return redirect("annotation:move", row.pk)
        except ValueError as problem:
            error = str(problem)
    waiting = Move.objects.filter(created_by=request.user, project=None)[:10]
    return render(request, "annotation/moves.html", {"error": error, "waiting": waiting}, status=400 if error else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def one_move(request: HttpRequest, pk: int) -> HttpResponseBase:
    """What was found; with a name for the project and for each annotator it is brought in."""
    row = get_object_or_404(Move.objects.filter(created_by=request.user), pk=pk)
    if row.project is not None:
        return redirect("annotation:imports", row.project.slug)
    if not User.objects.can_create_projects(request.user):
        raise PermissionDenied
    error, data = "", request.POST
    if request.method == "POST":
        try:
            found = moving.start(
                move=row,
                user=request.user,
                name=text(data, "name"),
                slug=text(data, "slug").strip(),
                overlap=_overlap(text(data, "overlap")),
                people={
                    one["name"]: text(data, f"person_{place}") for place, one in enumerate(row.found["annotators"])
                },
            )
            return redirect("annotation:import", found.project.slug, found.pk)
        except ValueError as problem:
            error = str(problem)
    return render(request, "annotation/move.html", _context(row, data, error), status=400 if error else 200)


def _overlap(given: str) -> int | None:
    given = given.strip()
    if given and not (given.isascii() and given.isdecimal() and 0 < int(given[:4]) <= moving.OVERLAP):
        raise ValueError(
            _("How many people label each item is a number from 1 to %(most)d.") % {"most": moving.OVERLAP}
        )
    return int(given) if given else None


def _context(row: Move, data: Any, error: str) -> dict[str, Any]:
    found = row.found
    people = [(place, one, text(data, f"person_{place}")) for place, one in enumerate(found["annotators"])]
    questions = [(entry, _(KINDS[entry["kind"]].title), entry.get("labels", [])) for entry in found["questions"]]
    return {
        "move": row,
        "found": found,
        "people": people,
        "questions": questions,
        "name": text(data, "name") or found["name"],
        "slug": text(data, "slug"),
        "overlap": text(data, "overlap") or found["overlap"],
        "most": moving.OVERLAP,
        "error": error or found["misfit"],
    }


@require_POST
@login_required
def discard(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Forget an upload that was not brought in."""
    moving.discard(get_object_or_404(Move.objects.filter(created_by=request.user, project=None), pk=pk))
    return redirect("annotation:moves")

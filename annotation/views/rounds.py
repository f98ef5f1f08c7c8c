"""Calibration rounds: starting one, how far it is, the discussion of what was contested, the curve over rounds."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import batching, calibrating
from annotation.access import member
from annotation.models import Membership, Round
from annotation.templatetags.words import why
from annotation.views.agreement import FIGURES
from annotation.views.posted import text, whole


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("calibrate")
def rounds(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The rounds one may read of, and the curve of each question; a manager's POST starts one."""
    project = membership.project
    error = ""
    if request.method == "POST":
        if not membership.is_manager:
            messages.error(request, _("Managers start rounds."))
            return redirect("annotation:rounds", project.slug)
        try:
            started = _start(request, membership)
        except ValueError as problem:
            error = str(problem)
        else:
            messages.success(request, _("The round has begun: its items come first for these people."))
            return redirect("annotation:round", project.slug, started.pk)
    found = calibrating.of_project(project, request.user)
    questions = project.version.schema["questions"] if project.version else []
    context = {
        "project": project,
        "membership": membership,
        "rounds": found,
        "charts": [chart for entry in questions if (chart := calibrating.curve(found, entry, _titles(), why))],
        "labellers": [row for row in project.memberships.select_related("user") if row.can_label],
        "given": request.POST,
        "chosen": request.POST.getlist("people"),
        "error": error,
        "waiting": calibrating.mine_to_do(membership) if membership.can_label else 0,
    }
    return render(request, "annotation/rounds.html", context, status=400 if error else 200)


def _titles() -> dict[str, Any]:
    return {name: title for name, (title, _meaning, _percent) in FIGURES.items()}


def _start(request: HttpRequest, membership: Membership) -> Round:
    data = request.POST
    ids = text(data, "ids")[:200_000].splitlines()
    named = any(line.strip() for line in ids)
    return calibrating.start(
        project=membership.project,
        people=batching.labellers(project=membership.project, names=data.getlist("people")[:500]),
        by=membership.user,
        count=None if named else whole(text(data, "count"), _("The number of items")),
        ids=ids if named else (),
        names_shown="names_shown" in data,
        note=text(data, "note"),
    )


def round_of(membership: Membership, pk: int) -> Round:
    """A round that this person may read of; Http404 else."""
    rows = Round.objects.visible_to(membership.user).filter(batch__project=membership.project)
    found = rows.select_related("batch__project", "guideline_version").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@require_safe
@never_cache
@member("calibrate")
def round(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """How far it is; once all are done or it was closed, the figures and what is contested, with a word to each item."""
    found = round_of(membership, pk)
    questions = found.guideline_version.schema["questions"]
    asked = request.GET.get("question") or questions[0]["name"]
    entry = next((one for one in questions if one["name"] == asked), None)
    if entry is None:
        raise Http404
    open_ = found.opened_at is not None
    context: dict[str, Any] = {
        "project": membership.project,
        "membership": membership,
        "round": found,
        "questions": questions,
        "entry": entry,
        "progress": calibrating.progress(found) if membership.can_adjudicate else [],
        "people": found.people.count(),
        "done": not open_ and calibrating.is_done(found),
        "figures": found.figures.get(asked) if open_ else None,
        "figure_name": _titles().get(found.figures.get(asked, {}).get("figure", ""), ""),
        "rows": calibrating.discussion(found, membership, asked) if open_ else [],
        "mine": calibrating.mine_to_do(membership) if membership.can_label and not open_ else 0,
    }
    response = render(request, "annotation/round.html", context)
    calibrating.visit(round=found, membership=membership)
    return response


@require_POST
@member("manager")
def open_round(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Close the answering and open the discussion."""
    calibrating.open_discussion(round=round_of(membership, pk), by=request.user)
    messages.success(request, _("The discussion is open to those who took part."))
    return redirect("annotation:round", membership.project.slug, pk)


@require_POST
@member("calibrate")
def discuss(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """A word about an item of the round."""
    found = round_of(membership, pk)
    try:
        item = whole(text(request.POST, "item"), _("The item"))
        calibrating.say(round=found, membership=membership, item=item, text=text(request.POST, "text"))
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("annotation:round", membership.project.slug, pk)
    question = text(request.POST, "question")[:60]
    known = {entry["name"] for entry in found.guideline_version.schema["questions"]}
    query = f"?question={question}" if question in known else ""
    return redirect(f"{reverse('annotation:round', args=[membership.project.slug, pk])}{query}#item-{item}")

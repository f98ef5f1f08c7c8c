"""The review of a draft: asked for, said, withdrawn."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation import differences, reviewing
from annotation.access import member
from annotation.markdown import to_html
from annotation.models import Guideline, Membership, ReviewRemark, User
from annotation.states import state_of
from annotation.views.posted import text


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("adjudicate")
def review(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The draft with what differs from the version in force, and what reviewers say of it."""
    project = membership.project
    error = ""
    if request.method == "POST":
        try:
            sentence = _do(request, membership)
        except ValueError as problem:
            error = str(problem)
        else:
            messages.success(request, sentence)
            return redirect("annotation:guideline_review", project.slug)
    draft = Guideline.objects.filter(project=project).select_related("project", "edited_by").first()
    before = project.version
    context: dict[str, Any] = {
        "project": project,
        "membership": membership,
        "draft": draft,
        "before": before,
        "standing": reviewing.standing(project),
        "reviewers": reviewing.reviewers(project, without=request.user),
        "verdicts": ReviewRemark.Verdict.choices,
        "earlier_reviews": project.reviews.exclude(closed_at=None).prefetch_related("remarks__author")[:5],
        "error": error,
        "said": text(request.POST, "text"),
    }
    if draft and draft.schema.get("questions"):
        found = differences.between(state_of(before), state_of(draft)) if before else None
        context |= {
            "found": {**found, "folded": differences.folded(found["prose"])} if found else None,
            "html": to_html(draft.text),
            "questions": draft.schema["questions"],
        }
    return render(request, "annotation/review.html", context, status=400 if error else 200)


def _do(request: HttpRequest, membership: Membership) -> str:
    """What the form asks for; returns what to say. Raises ValueError."""
    project, do = membership.project, request.POST.get("do", "")
    standing = reviewing.standing(project)
    if do in ("ask", "withdraw") and not membership.is_manager:
        raise ValueError(_("A manager asks for a review, and withdraws it."))
    if do == "ask":
        named = request.POST.get("reviewer", "")
        reviewer = User.objects.filter(pk=int(named)).first() if named.isdecimal() and len(named) < 18 else None
        reviewing.ask(project=project, user=request.user, reviewer=reviewer, note=text(request.POST, "note"))
        return _("The review is asked for. It is told on the page of the guideline.")
    if do == "withdraw":
        reviewing.close(project=project)
        return _("The review is withdrawn; what was said stays below.")
    if standing is None:
        raise ValueError(_("No review is under way."))
    reviewing.remark(
        review=standing.review,
        author=request.user,
        verdict=request.POST.get("verdict", ""),
        text=text(request.POST, "text"),
    )
    return _("Said.")

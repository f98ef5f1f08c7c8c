"""The qualification: its page for people who label, the desk with feedback, and what managers set up and see."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import annotating, controlling, inviting, qualifying
from annotation.access import member
from annotation.forms import QualificationForm
from annotation.models import Attempt, Gold, Item, Membership
from annotation.views.labelling import labeller, packet_item, page_of, read_json
from annotation.views.posted import text

# What has a key there: nothing that goes back, leaves an item, or asks somebody.
ACTIONS = ("guideline", "find", "help")


@require_safe
@never_cache
@member("label")
def qualification(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Where one stands: passed or not, what is asked, what is left; and the way to begin."""
    project = membership.project
    context = {
        "project": project,
        "membership": membership,
        "standing": qualifying.standing(membership),
        "attempts": [
            {"attempt": row, "right": row.answers.filter(right=True).count(), "of": len(row.items)}
            for row in qualifying.attempts(membership)[: 2 * project.attempts]
        ],
    }
    return render(request, "annotation/qualification.html", context)


@require_POST
@member("label")
def begin_qualification(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Begin an attempt, or go on with the one that is under way."""
    try:
        qualifying.begin(membership=membership)
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("annotation:qualification", membership.project.slug)
    return redirect("annotation:qualify", membership.project.slug)


@require_safe
@never_cache
@ensure_csrf_cookie
@member("label")
def qualify(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The desk of an attempt: the labelling page, with what is right and why after each answer."""
    project = membership.project
    attempt = qualifying.current(membership)
    if attempt is None:
        return redirect("annotation:qualification", project.slug)
    done = attempt.answers.count()
    here = reverse("annotation:qualify_next", args=[project.slug])
    desk = {
        # Nothing that the browser keeps of it meets what it keeps of the work.
        "project": f"{project.pk}-qualification",
        "packets": packets(membership, attempt),
        "done_today": done,
        "share": {"done": done, "left": len(attempt.items) - done},
        "goal": None,
        "asked": {"waiting": 0, "unseen": 0},
        "urls": {
            "submit": reverse("annotation:qualify_submit", args=[project.slug]),
            "next": here,
            "mine": here,
            "threads": here,
            "passed": reverse("annotation:label", args=[project.slug]),
            "failed": reverse("annotation:qualification", args=[project.slug]),
            "companies": reverse("annotation:label_companies", args=[project.slug]),
            "sign_in": reverse("annotation:sign_in"),
        },
    }
    version = attempt.guideline_version
    page = page_of(membership, version, desk, actions=ACTIONS, modules=["training"])
    context = {"project": project, "membership": membership, "version": version, "training": attempt}
    return render(request, "annotation/label.html", {**context, **page})


def packets(membership: Membership, attempt: Attempt) -> list[dict[str, Any]]:
    """The item on the screen, in the form of the labelling page; its number stands for the slot."""
    item = qualifying.following(attempt)
    if item is None:
        return []
    questions = attempt.guideline_version.schema["questions"]
    shown = packet_item(item, questions=questions, person=membership.user_id)
    said = {"answer": {}, "status": "", "comment": "", "flagged": False, "skip_reason": "", "confidence": None}
    return [{"assignment": item.pk, "token": None, "item": shown, **said, "correction": False}]


@require_POST
def qualify_submit(request: HttpRequest, slug: str) -> JsonResponse:
    """One answer in, what is right and the next item out."""
    membership, refusal = labeller(request, slug)
    if membership is None:
        return refusal
    try:
        row, told = qualifying.answer(membership=membership, sent=annotating.read(read_json(request)))
    except ValueError as error:
        return JsonResponse({"error": str(error)}, status=400)
    found = packets(membership, row.attempt) if row.attempt.ended_at is None else []
    return JsonResponse({"saved": True, "feedback": told, "next": found[0] if found else None})


@require_safe
@never_cache
def qualify_next(request: HttpRequest, slug: str) -> JsonResponse:
    """The item on the screen."""
    membership, refusal = labeller(request, slug)
    if membership is None:
        return refusal
    attempt = qualifying.current(membership)
    told = {"waiting": False, "limited": False, "unqualified": False, "threads": [], "items": []}
    return JsonResponse({"packets": packets(membership, attempt) if attempt else [], **told})


# -- Managers -------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def manage_qualification(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Who has to pass what, the training items with their explanations, and the results by person and item."""
    project = membership.project
    form = QualificationForm(request.POST or None, instance=project.__class__.objects.get(pk=project.pk))
    if request.method == "POST" and form.is_valid():
        try:
            inviting.configure(project=project, by=request.user, **form.cleaned_data)
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("annotation:manage_qualification", project.slug)
    items = list(qualifying.training_items(project))
    gold: dict[int, list[Gold]] = {}
    for row in Gold.objects.current().filter(item__in=items):
        gold.setdefault(row.item_id, []).append(row)
    told = qualifying.by_item(project, [item.pk for item in items])
    context = {
        "project": project,
        "membership": membership,
        "form": form,
        "rows": [
            (item, getattr(item, "explanation", None), gold.get(item.pk, []), told.get(item.pk)) for item in items
        ],
        "results": qualifying.results(project),
        "eligible": controlling.up_to(controlling.drawable(project)),
        "missing": max(0, project.pass_least - len(items)),
    }
    return render(request, "annotation/manage_qualification.html", context)


@require_POST
@member("manager")
def explain_item(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """What a training item teaches."""
    item = get_object_or_404(Item, pk=pk, project=membership.project)
    try:
        qualifying.explain(item=item, text=text(request.POST, "text"), rule=text(request.POST, "rule"))
    except ValueError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Saved."))
    return redirect("annotation:manage_qualification", membership.project.slug)


@require_POST
@member("manager")
def let_label(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Let a member label without the qualification, or give them another attempt."""
    rows = Membership.objects.select_related("project__version", "user")
    row = get_object_or_404(rows, pk=pk, project=membership.project)
    try:
        if request.POST.get("what") == "grant":
            qualifying.grant(membership=row)
            done = _("%(who)s has another attempt.")
        else:
            qualifying.waive(membership=row, by=request.user, note=text(request.POST, "note"))
            done = _("%(who)s may label.")
    except ValueError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done % {"who": row.user})
    return redirect("annotation:manage_qualification", membership.project.slug)

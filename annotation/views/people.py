"""One member, for managers: what they label, what they hold, what they gave; hand on, give back, ask again."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import batching, pooling, withdrawing
from annotation.access import member
from annotation.forms import RestrictForm
from annotation.models import Annotation, Assignment, Membership
from annotation.views.batches import say_given_back, say_handed_on
from annotation.views.posted import text

STATUSES = (Annotation.Status.SUBMITTED, Annotation.Status.SKIPPED, Annotation.Status.UNDECIDED)


def _row(membership: Membership, pk: int) -> Membership:
    rows = Membership.objects.select_related("user", "project")
    found: Membership = get_object_or_404(rows, pk=pk, project=membership.project)
    return found


@require_safe
@never_cache
@member("manager")
def person(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """What the person labels, holds and gave."""
    row = _row(membership, pk)
    rest = batching.rest(project=membership.project, person=row.user_id)
    others = [one for one in membership.project.memberships.select_related("user") if one.can_label and one.pk != pk]
    context = {
        "project": membership.project,
        "membership": membership,
        "row": row,
        "form": RestrictForm(initial={"languages": ", ".join(row.languages), "skills": ", ".join(row.skills)}),
        "in_hand": rest.filter(state=Assignment.State.LEASED).count(),
        "set_aside": rest.filter(state=Assignment.State.ASSIGNED).count(),
        "others": others,
        "answers": withdrawing.given(project=membership.project, person=row.user_id).count(),
        "statuses": [(status.value, status.label) for status in STATUSES],
    }
    return render(request, "annotation/member.html", context)


@require_POST
@member("manager")
def restrict(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Say which languages and kinds of text the person labels."""
    row, form = _row(membership, pk), RestrictForm(request.POST)
    try:
        if not form.is_valid():
            raise ValueError(" ".join(str(error) for found in form.errors.values() for error in found))
        pooling.restrict(membership=row, by=membership.user, **form.cleaned_data)
    except ValueError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Saved."))
    return redirect("annotation:member", membership.project.slug, pk)


@require_POST
@member("manager")
def hand_on(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Give all that the person holds and is assigned to somebody else."""
    row = _row(membership, pk)
    try:
        [to] = batching.labellers(project=membership.project, names=[text(request.POST, "to")])
        slots = batching.rest(project=membership.project, person=row.user_id)
        moved, left = batching.reassign(project=membership.project, slots=slots, to=to, by=membership.user)
    except ValueError as error:
        messages.error(request, str(error))
    else:
        say_handed_on(request, moved, left, to)
    return redirect("annotation:member", membership.project.slug, pk)


@require_POST
@member("manager")
def give_back(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Give all that the person holds and is assigned back to everybody."""
    row = _row(membership, pk)
    slots = batching.rest(project=membership.project, person=row.user_id)
    count = batching.give_back(project=membership.project, slots=slots, by=membership.user, about=row.user_id)
    say_given_back(request, count)
    return redirect("annotation:member", membership.project.slug, pk)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def ask_again(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """What asking the person's answers again would do; a POST does it."""
    row, data = _row(membership, pk), request.POST if request.method == "POST" else request.GET
    status = data.get("status", "") if data.get("status", "") in STATUSES else ""
    same = data.get("who") == "same"
    answers = withdrawing.given(project=membership.project, person=row.user_id, status=status)
    if request.method == "POST":
        try:
            counts = withdrawing.ask_again(project=membership.project, answers=answers, by=membership.user, same=same)
        except ValueError as error:
            messages.error(request, str(error))
        else:
            sentence = _("Asked again: %(answers)d. Gold that fell: %(gold)d; cases closed: %(cases)d.")
            messages.success(request, sentence % counts)
        return redirect("annotation:member", membership.project.slug, pk)
    context = {
        "project": membership.project,
        "membership": membership,
        "row": row,
        "status": status,
        "status_words": Annotation.Status(status).label if status else "",
        "same": same,
        "counts": withdrawing.preview(answers=answers),
    }
    return render(request, "annotation/ask_again.html", context)


@require_POST
@member("manager")
def slot(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Something about one answer wanted of an item: hand it on, give it back, ask it again."""
    project = membership.project
    raw = request.POST.get("slot", "")
    row = get_object_or_404(
        Assignment, pk=int(raw) if raw.isdecimal() and len(raw) < 19 else 0, item=pk, project=project
    )
    slots = Assignment.objects.filter(pk=row.pk)
    try:
        _act(request, membership, row, slots)
    except ValueError as error:
        messages.error(request, str(error))
    return redirect("annotation:item", project.slug, pk)


def _act(request: HttpRequest, membership: Membership, row: Assignment, slots: Any) -> None:
    project, what = membership.project, request.POST.get("what")
    if what == "hand_on":
        [to] = batching.labellers(project=project, names=[text(request.POST, "to")])
        moved, left = batching.reassign(project=project, slots=slots, to=to, by=membership.user)
        say_handed_on(request, moved, left, to)
    elif what == "give_back":
        say_given_back(request, batching.give_back(project=project, slots=slots, by=membership.user))
    elif what == "ask_again":
        answers = withdrawing.given(project=project, person=row.annotator_id).filter(item=row.item_id)
        withdrawing.ask_again(project=project, answers=answers, by=membership.user)
        messages.success(request, _("Asked again: others get the item; the answer is history."))
    else:
        raise ValueError(_("Choose what to do."))


@require_safe
@never_cache
@member("manager")
def reach(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """How many people there are for each language and kind of text."""
    context = {"project": membership.project, "membership": membership, **pooling.reach(membership.project)}
    return render(request, "annotation/reach.html", context)

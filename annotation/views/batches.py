"""Batches for managers: what is assigned to whom, how far it is; assign, hand on, give back, close."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import batches as reads
from annotation import batching
from annotation.access import member
from annotation.forms import BatchChangeForm, BatchForm
from annotation.models import Batch, Item, Membership
from annotation.views.items import FILTERS, STATES, filtered
from annotation.views.posted import text

PAGE = 20


@require_safe
@never_cache
@member("manager")
def batches(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """All batches with each person's progress, late ones marked."""
    project = membership.project
    page = Paginator(reads.listed(project), PAGE).get_page(request.GET.get("page"))
    rows = reads.standings(project, list(page.object_list))
    context = {"project": project, "membership": membership, "page_obj": page, "rows": rows}
    return render(request, "annotation/batches.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def new(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Assign items: those of a filter of the items page, some of them drawn, or those with certain ids."""
    project = membership.project
    asked = {name: text(request.GET, name).strip()[:200] for name in FILTERS}
    questions = project.version.schema["questions"] if project.version else []
    items = filtered(Item.objects.filter(project=project), asked, request.user, questions)
    form = BatchForm(request.POST or None, people=_people(membership))
    if request.method == "POST" and form.is_valid():
        try:
            outcome = _assign(membership, items, form.cleaned_data)
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            _say(request, outcome)
            return redirect("annotation:batch", project.slug, outcome.batch.pk)
    context = {
        "project": project,
        "membership": membership,
        "form": form,
        "count": items.count(),
        "asked": [(dict(STATES).get(value, value) if name == "state" else value) for name, value in asked.items() if value],
        "query": urlencode({name: value for name, value in asked.items() if value}),
    }  # fmt: skip
    return render(request, "annotation/new_batch.html", context)


def _people(membership: Membership) -> list[tuple[str, str]]:
    """Who can be given something: user name and what is read."""
    rows = membership.project.memberships.select_related("user").order_by("user__username")
    found = []
    for row in rows:
        if row.can_label:
            only = ", ".join([*row.languages, *row.skills])
            found.append((row.user.username, f"{row.user} ({only})" if only else str(row.user)))
    return found


def _assign(membership: Membership, items: Any, given: dict[str, Any]) -> batching.Outcome:
    project = membership.project
    if given["what"] == "ids":
        chosen = batching.named(project=project, ids=given["ids"].replace("\x00", "").splitlines())
    else:
        chosen = batching.drawn(items=items, count=given["count"] if given["what"] == "draw" else None)
    return batching.assign(
        project=project,
        items=chosen,
        people=batching.labellers(project=project, names=given["people"]),
        name=given["name"],
        note=given["note"],
        due_at=given["due_at"],
        by=membership.user,
        divided=given["sharing"] == "divided",
        extra=given["extra"],
    )


def _say(request: HttpRequest, outcome: batching.Outcome) -> None:
    sentence = ngettext("{count} answer is assigned.", "{count} answers are assigned.", outcome.places)
    parts = [sentence.format(count=outcome.places)]
    if outcome.there:
        parts.append(_("Left out because the person is on the item already: %(n)d.") % {"n": outcome.there})
    if outcome.full:
        parts.append(_("Left out because the item has no place left: %(n)d.") % {"n": outcome.full})
    if outcome.unable:
        parts.append(_("Left out because of the language or kind of text: %(n)d.") % {"n": outcome.unable})
    messages.success(request, " ".join(parts))


def _batch(membership: Membership, pk: int) -> Batch:
    batch: Batch = get_object_or_404(reads.listed(membership.project), pk=pk)
    return batch


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def batch(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """One batch: who did what; a POST changes name, note and due date."""
    row = _batch(membership, pk)
    initial = {"name": row.title, "note": row.note, "due_at": row.due_at}
    form = BatchChangeForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            batching.change(batch=row, **form.cleaned_data)
        except ValueError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("annotation:batch", membership.project.slug, pk)
    context = {
        "project": membership.project,
        "membership": membership,
        "standing": reads.standings(membership.project, [row])[0],
        "batch": row,
        "people": _people(membership),
        "form": form,
    }
    return render(request, "annotation/batch.html", context)


@require_POST
@member("manager")
def reassign(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Hand the rest of a batch, or of one person of it, on to somebody else."""
    row = _batch(membership, pk)
    try:
        [to] = batching.labellers(project=membership.project, names=[text(request.POST, "to")])
        slots = batching.rest(project=membership.project, batch=row, person=_person(request))
        moved, left = batching.reassign(project=membership.project, slots=slots, to=to, by=membership.user)
    except ValueError as error:
        messages.error(request, str(error))
    else:
        say_handed_on(request, moved, left, to)
    return redirect("annotation:batch", membership.project.slug, pk)


def say_handed_on(request: HttpRequest, moved: int, left: int, to: Membership) -> None:
    """How many items went to whom, and how many could not."""
    sentence = ngettext("{count} item goes to {who} now.", "{count} items go to {who} now.", moved)
    words = sentence.format(count=moved, who=to.user)
    if left:
        words += " " + _("Left where they are, because the person is on them already or does not label such: %(n)d.") % {"n": left}  # fmt: skip
    (messages.success if moved else messages.warning)(request, words)


def _person(request: HttpRequest) -> int | None:
    """The id of the person that the form is about; None for everybody."""
    raw = request.POST.get("person", "")
    return int(raw) if raw.isdecimal() and len(raw) < 19 else None


@require_POST
@member("manager")
def give_back(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Give the rest of a batch, or of one person of it, back to everybody."""
    person = _person(request)
    slots = batching.rest(project=membership.project, batch=_batch(membership, pk), person=person)
    about = person if slots.exists() else None  # a number that is nobody's
    count = batching.give_back(project=membership.project, slots=slots, by=membership.user, about=about)
    say_given_back(request, count)
    return redirect("annotation:batch", membership.project.slug, pk)


def say_given_back(request: HttpRequest, count: int) -> None:
    """How many items are everybody's again."""
    sentence = ngettext("{count} item went back to everybody.", "{count} items went back to everybody.", count)
    messages.success(request, sentence.format(count=count))


@require_POST
@member("manager")
def close(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """End a batch."""
    count = batching.close(batch=_batch(membership, pk), by=membership.user)
    messages.success(request, _("The batch is closed."))
    if count:
        say_given_back(request, count)
    return redirect("annotation:batch", membership.project.slug, pk)

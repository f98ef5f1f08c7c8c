"""The adjudicator's acts: a case decided, skipped, sent back or decided anew; the rule applied; an example made of a decision."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from annotation import adjudicating, caseload, guiding, referring, settling
from annotation import schema as schemas
from annotation.access import member, refuse_blind, refuse_second
from annotation.models import Case, Gold, Membership
from annotation.views.desk import desk
from annotation.views.desk import reason_keys as reason_keys
from annotation.views.posted import text

ROWS = ("item__document", "project__version", "first__settled_by", "sent_back", "held_by")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("adjudicate")
def case(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """One case: the text, who said what without names, and the decision by key with a reason."""
    project = membership.project
    row = get_object_or_404(Case.objects.select_related(*ROWS), pk=pk, project=project)
    refuse_blind(membership, row.item_id)
    wanted = caseload.Wanted.read(request.GET)
    error = ""
    if request.method == "POST":
        try:
            adjudicating.decide(
                case=row,
                value=_decision(request, membership, row.question),
                user=request.user,
                **_why(request),
            )
        except ValueError as problem:
            error = str(problem)
        else:
            return _on(request, membership, row, wanted, _("All cases are settled."))
    # Whoever opens it has it for some minutes; the others are told, and nobody is locked out.
    mine = row.closed_at is not None or request.method != "GET" or adjudicating.claim(row, membership.user)
    queue = caseload.queue(project=project, wanted=wanted, user=request.user)
    return desk(
        request,
        membership,
        row,
        error=error,
        left=queue.count(),
        wanted=wanted,
        held_by=None if mine else row.held_by,
        previous=caseload.previous(project=project, before=row, wanted=wanted, user=request.user),
        own_first=row.why == Case.Why.SECOND and row.first is not None and row.first.settled_by_id == request.user.pk,
    )


def _on(
    request: HttpRequest, membership: Membership, row: Case, wanted: caseload.Wanted, last: str
) -> HttpResponseBase:
    """To the next case that is asked for, or to the queue with these words where it was the last one."""
    project = membership.project
    after = caseload.following(project=project, after=row, wanted=wanted, user=request.user)
    if after:
        return redirect(reverse("annotation:case", args=[project.slug, after.pk]) + wanted.query)
    messages.success(request, last)
    return redirect("annotation:adjudicate", project.slug)


def _why(request: HttpRequest) -> dict[str, Any]:
    """The posted reason, rule and note, and whether the text is ambiguous."""
    ambiguous, number = bool(request.POST.get("ambiguous")), text(request.POST, "rule_number").strip()
    return {
        "reason": request.POST.get("reason", "") or ("ambiguous" if ambiguous else ""),
        "rule": f"{adjudicating.NUMBERED}{number}" if number else text(request.POST, "rule"),
        "note": text(request.POST, "note"),
        "ambiguous": ambiguous,
    }


def _decision(request: HttpRequest, membership: Membership, question: str) -> Any:
    """The posted value: a label by its name, anything with parts as JSON; raises ValueError."""
    given = text(request.POST, "value")
    ambiguous = bool(request.POST.get("ambiguous"))
    entry = schemas.question(settling.version_of(membership.project).schema, question)
    if entry["kind"] == "choice":
        return given or (None if ambiguous else given)
    try:
        value = json.loads(given or "null")
    except (ValueError, RecursionError):
        raise ValueError(_("The decision could not be read; choose again.")) from None
    if value is None and not ambiguous:
        raise ValueError(_("Decide first: there is no answer yet."))
    return value


@require_POST
@member("adjudicate")
def skip_case(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Look at another case first; this one stays open."""
    row = get_object_or_404(Case, pk=pk, project=membership.project)
    wanted = caseload.Wanted.read(request.GET)
    adjudicating.let_go(row, membership.user)
    after = caseload.following(project=membership.project, after=row, wanted=wanted, user=request.user)
    address = reverse("annotation:case", args=[membership.project.slug, after.pk if after else row.pk])
    return redirect(address + wanted.query)


@require_POST
@member("adjudicate")
def send_back(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Ask its people again, with a question; the case waits for them."""
    row = get_object_or_404(Case.objects.select_related(*ROWS), pk=pk, project=membership.project)
    refuse_blind(membership, row.item_id)
    days = request.POST.get("days", "")
    try:
        referring.send_back(
            case=row,
            question=text(request.POST, "question"),
            by=membership.user,
            letters=request.POST.getlist("letters"),
            days=int(days) if days.isdecimal() and len(days) < 4 else referring.DAYS,
        )
    except ValueError as problem:
        messages.error(request, str(problem))
        return redirect("annotation:case", membership.project.slug, row.pk)
    messages.success(request, _("Sent back. The case waits until they have answered, or until the time is over."))
    return _on(request, membership, row, caseload.Wanted.read(request.GET), _("No other case waits."))


@require_POST
@member("adjudicate")
def take_back(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Ask nobody any more; answers that were not revised stand."""
    row = get_object_or_404(Case, pk=pk, project=membership.project, closed_at=None)
    refuse_blind(membership, row.item_id)
    referring.take_back(case=row)
    messages.success(request, _("Nobody is asked any more; the answers stand as they are."))
    return redirect("annotation:case", membership.project.slug, row.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("adjudicate")
def redecide(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Settle a settled answer anew; the old one stays as history."""
    gold = get_object_or_404(
        Gold.objects.select_related("item__document", "project__version", "settled_by"),
        pk=pk,
        project=membership.project,
    )
    refuse_blind(membership, gold.item_id)
    refuse_second(membership, gold)
    error = ""
    if request.method == "POST":
        try:
            adjudicating.redecide(
                gold=gold,
                value=_decision(request, membership, gold.question),
                user=request.user,
                **_why(request),
            )
        except ValueError as problem:
            error = str(problem)
        else:
            messages.success(request, _("Settled anew; the earlier decision is kept in the item's history."))
            return redirect("annotation:item", membership.project.slug, gold.item_id)
    return desk(request, membership, adjudicating.case_of(gold), error=error, again=gold)


@require_POST
@member("adjudicate")
def make_example(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """A settled answer becomes an example in the guideline's draft, with its note as the explanation."""
    rows = Gold.objects.current().visible_to(request.user).select_related("item__document")
    gold = get_object_or_404(rows, pk=pk, project=membership.project)
    if gold.distribution is not None and not gold.note:
        # Bare, it would teach one reading of a text that was found to have several.
        words = _("This text was found ambiguous, and no note says why. Say here what the example shows, and put it into the draft.")  # fmt: skip
        messages.warning(request, words)
        return redirect(reverse("annotation:item", args=[membership.project.slug, gold.item_id]) + "?example=1#example-title")  # fmt: skip
    try:
        guiding.add_example(
            project=membership.project,
            item=gold.item,
            question=gold.question,
            value=gold.value,
            why=gold.note,
            user=membership.user,
        )
    except ValueError as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("It is an example in the draft of the guideline now."))
    return redirect(request.POST.get("next") if _is_here(request) else reverse("annotation:adjudicate", args=[membership.project.slug]))  # fmt: skip


def _is_here(request: HttpRequest) -> bool:
    """Whether the form names a page of this site to go back to."""
    return request.POST.get("next", "").startswith("/p/")


@require_POST
@member("manager")
def settle_all(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Apply the project's rule to every complete item; cases for the rest."""
    try:
        made = settling.settle_all(project=membership.project)
    except ValueError as problem:
        messages.error(request, str(problem))
    else:
        gold = ngettext("%(count)d answer became gold", "%(count)d answers became gold", made["gold"])
        cases = ngettext("%(count)d case was opened.", "%(count)d cases were opened.", made["cases"])
        sentence = f"{gold % {'count': made['gold']}}; {cases % {'count': made['cases']}}"
        messages.success(request, sentence)
    return redirect("annotation:adjudicate", membership.project.slug)

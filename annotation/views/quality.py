"""Agreement, and the adjudicator's desk."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotation import adjudicating, measuring
from annotation import schema as schemas
from annotation.access import member
from annotation.markdown import to_html
from annotation.models import Case, Gold, Item, Membership


@require_GET
@never_cache
@member("adjudicate")
def agreement(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The figures as the worker last made them, with their time; new ones are asked for where answers came since."""
    project = membership.project
    context: dict[str, Any] = {"project": project, "membership": membership}
    if project.version is None:
        return render(request, "annotation/agreement.html", context)
    names = [entry["name"] for entry in project.version.schema["questions"]]
    question = request.GET.get("question") or names[0]
    if question not in names:
        raise Http404
    done, at_work = measuring.latest(project=project, question=question)
    if at_work is None and measuring.is_stale(done, project):
        at_work = measuring.refresh(project=project, question=question)
    entry = schemas.question(project.version.schema, question)
    context |= {
        "names": names,
        "question": question,
        "entry": entry,
        "report": done,
        "job": at_work,
        "figures": shown(done.figures, entry) if done else None,
    }
    return render(request, "annotation/agreement.html", context)


def shown(figures: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """The figures with names of people and titles of labels, and the contested items with their words."""
    people = figures.get("raters", {})
    titles = {label["name"]: label["title"] for label in entry["labels"]}
    contested = figures.get("contested") or []
    items = Item.objects.select_related("document").in_bulk([int(row["unit"]) for row in contested])
    cohen = figures.get("cohen") or {}
    pairs = cohen.get("pairs", []) if isinstance(cohen, dict) else cohen
    return {
        **figures,
        "pairs": [
            {**pair, "a": people.get(pair["a"], pair["a"]), "b": people.get(pair["b"], pair["b"])} for pair in pairs
        ],
        "titles": titles,
        "contested": [{"item": items[int(row["unit"])], **row} for row in contested if int(row["unit"]) in items],
    }


@require_GET
@never_cache
@member("adjudicate")
def agreement_progress(request: HttpRequest, membership: Membership, question: str) -> HttpResponseBase:
    """A fragment while figures are made; the whole page is asked for when they are there."""
    _done, at_work = measuring.latest(project=membership.project, question=question)
    response = render(request, "_job.html", {"job": at_work, "project": membership.project})
    if at_work is None:
        response["HX-Refresh"] = "true"
    return response


@require_GET
@never_cache
@member("adjudicate")
def adjudicate(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The queue: open cases, most contested first, and what was settled lately."""
    project = membership.project
    cases = (
        Case.objects.open().filter(project=project).select_related("item__document").order_by("-disagreement", "key")
    )
    settled = Gold.objects.current().filter(project=project, method=Gold.Method.ADJUDICATED)
    context = {
        "project": project,
        "membership": membership,
        "page_obj": Paginator(cases, 50).get_page(request.GET.get("page")),
        "settled": settled.select_related("item__document", "settled_by").order_by("-settled_at")[:20],
        "settled_count": settled.count(),
    }
    return render(request, "annotation/adjudicate.html", context)


@require_http_methods(["GET", "POST"])
@never_cache
@member("adjudicate")
def case(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """One case: the text, who said what without names, and the decision by key with a reason."""
    project = membership.project
    row = get_object_or_404(Case.objects.select_related("item__document", "project__version"), pk=pk, project=project)
    error = ""
    if request.method == "POST":
        try:
            adjudicating.decide(
                case=row,
                value=request.POST.get("value", ""),
                user=request.user,
                reason=request.POST.get("reason", ""),
                note=request.POST.get("note", ""),
            )
        except ValueError as problem:
            error = str(problem)
        else:
            after = adjudicating.following(project=project)
            if after:
                return redirect("annotation:case", project.slug, after.pk)
            messages.success(request, _("All cases are settled."))
            return redirect("annotation:adjudicate", project.slug)
    assert row.project.version is not None
    context = {
        "project": project,
        "membership": membership,
        "case": row,
        "document": row.item.document,
        "entry": schemas.question(row.project.version.schema, row.question),
        "answers": adjudicating.answers(row),
        "gold": Gold.objects.current()
        .filter(item=row.item, question=row.question)
        .select_related("settled_by")
        .first(),
        "reasons": list(adjudicating.REASONS.items()),
        "guideline_html": to_html(row.project.version.text),
        "left": Case.objects.open().filter(project=project).count(),
        "error": error,
        "kept": request.POST,
    }
    return render(request, "annotation/case.html", context, status=400 if error else 200)


@require_POST
@member("adjudicate")
def skip_case(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Look at another case first; this one stays open."""
    row = get_object_or_404(Case, pk=pk, project=membership.project)
    after = adjudicating.following(project=membership.project, after=row)
    return redirect("annotation:case", membership.project.slug, after.pk if after else row.pk)


@require_http_methods(["GET", "POST"])
@never_cache
@member("adjudicate")
def redecide(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Settle a settled answer anew; the old one stays as history."""
    gold = get_object_or_404(
        Gold.objects.select_related("item__document", "project__version", "settled_by"),
        pk=pk,
        project=membership.project,
    )
    error = ""
    if request.method == "POST":
        try:
            adjudicating.redecide(
                gold=gold,
                value=request.POST.get("value", ""),
                user=request.user,
                reason=request.POST.get("reason", ""),
                note=request.POST.get("note", ""),
            )
        except ValueError as problem:
            error = str(problem)
        else:
            messages.success(request, _("Settled anew; the earlier decision is kept in the item's history."))
            return redirect("annotation:item", membership.project.slug, gold.item_id)
    assert gold.project.version is not None
    stand_in = Case(project=gold.project, item=gold.item, question=gold.question)
    context = {
        "project": membership.project,
        "membership": membership,
        "case": stand_in,
        "document": gold.item.document,
        "entry": schemas.question(gold.project.version.schema, gold.question),
        "answers": adjudicating.answers(stand_in),
        "gold": gold,
        "again": True,
        "reasons": list(adjudicating.REASONS.items()),
        "guideline_html": to_html(gold.project.version.text),
        "error": error,
        "kept": request.POST,
    }
    return render(request, "annotation/case.html", context, status=400 if error else 200)


@require_POST
@member("manager")
def settle_all(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Apply the project's rule to every complete item; cases for the rest."""
    try:
        made = adjudicating.settle_all(project=membership.project)
    except ValueError as problem:
        messages.error(request, str(problem))
    else:
        sentence = _("%(gold)d items became gold; %(cases)d cases were opened.")
        messages.success(request, sentence % {"gold": made["gold"], "cases": made["cases"]})
    return redirect("annotation:adjudicate", membership.project.slug)

"""The page “Who is right”: what the answers make likely, how far each person can be trusted, what adjudicating would bring."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation import believing
from annotation.access import member, refuse_blind
from annotation.agreement.aggregation import METHODS
from annotation.models import Belief, Case, Gold, Item, Membership
from annotation.views.cuts import asked_for
from annotation.views.items import with_excerpts

PAGE = 50
MOST_MATRICES = 12  # people whose matrices are shown
WIDEST = 12  # labels of a matrix that is shown


@require_safe
@never_cache
@member("adjudicate")
def who_is_right(request: HttpRequest, membership: Membership, question: str) -> HttpResponseBase:
    """Figures of the worker, and the least certain items; of one with an open case nobody is told what is proposed."""
    context = asked_for(request, membership, question)
    report = context["report"]
    figures = report.figures.get("right") if report else None
    rows = Belief.objects.visible_to(request.user).filter(project=membership.project, question=question)
    page = Paginator(rows.filter(error__gt=0).order_by("-error", "item"), PAGE).get_page(request.GET.get("page"))
    context |= {
        "is_known": report is not None and "right" in report.figures,
        "is_able": believing.is_able(context["entry"]),
        "right": _told(figures, report.figures.get("raters", {})) if figures else None,
        "page_obj": page,
        "rows": _least_certain(list(page.object_list), question),
        "query": f"version={context['version'].number}",
        "page": "right",
    }
    return render(request, "annotation/right.html", context)


def _told(figures: dict[str, Any], people: dict[str, str]) -> dict[str, Any]:
    """The figures with names of people and words for how gold was settled."""
    named = [{**row, "name": people.get(row["rater"], row["rater"])} for row in figures["people"]]
    named.sort(key=lambda row: (-(row["right"] or 0), row["name"]))
    shows = figures.get("is_set") or len(figures["categories"]) <= WIDEST
    most = figures["gain"][-1][1] if figures["gain"] else 0
    return {
        **figures,
        "people": named,
        "matrices": [_matrix(row, figures["categories"]) for row in named[:MOST_MATRICES]] if shows else [],
        "gold": [{**row, "title": Gold.Method(row["method"]).label} for row in figures["gold"]],
        "gain": [(k, removed, removed / most if most else None) for k, removed in figures["gain"]],
        "methods": [row for row in figures["methods"] if row["name"] in METHODS],
    }


def _matrix(person: dict[str, Any], categories: list[str]) -> dict[str, Any]:
    return {"name": person["name"], "answers": person["answers"], "rows": list(zip(categories, person["matrix"], strict=True))}  # fmt: skip


def _least_certain(rows: list[Belief], question: str) -> list[dict[str, Any]]:
    """Each with its item, its open case, and what is proposed where no case is open."""
    keys = [row.item_id for row in rows]
    items = {item.pk: item for item in with_excerpts(Item.objects.filter(pk__in=keys))}
    cases = dict(Case.objects.open().filter(item__in=keys, question=question).values_list("item_id", "pk"))
    golds = {row.item_id: row for row in Gold.objects.current().filter(item__in=keys, question=question)}
    return [
        {
            "belief": row,
            "item": items[row.item_id],
            "case": cases.get(row.item_id),
            "is_told": row.item_id not in cases,
            "gold": golds.get(row.item_id) if row.item_id not in cases else None,
        }
        for row in rows
    ]


@require_POST
@member("adjudicate")
def show_proposal(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Tell the adjudicator of an open case what the answers make likely, and note that they asked before deciding."""
    row = get_object_or_404(Case.objects.open(), pk=pk, project=membership.project)
    refuse_blind(membership, row.item_id)
    believing.reveal(case=row)
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    response = redirect("annotation:case", membership.project.slug, pk)
    response["Location"] += f"{query}#proposal"
    return response

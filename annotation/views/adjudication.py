"""What an adjudicator looks through: the queue, what was decided, and which rule causes which disagreement."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation import adjudicating, caseload, causes
from annotation.access import member
from annotation.models import Case, Gold, Item, Membership
from annotation.views.agreement import FIGURES
from annotation.views.items import with_excerpts

PAGE = 50
# Pairs of labels that the filter offers.
OFFERED = 60


@require_safe
@never_cache
@member("adjudicate")
def adjudicate(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The queue as it is filtered and sorted, and what was settled lately."""
    project = membership.project
    wanted = caseload.Wanted.read(request.GET)
    # Without the documents: the page shows the first words of each.
    cases = caseload.queue(project=project, wanted=wanted, user=request.user)
    settled = Gold.objects.current().visible_to(request.user)
    settled = settled.filter(project=project, method=Gold.Method.ADJUDICATED)
    page = Paginator(cases.select_related(None).select_related("held_by", "sent_back"), PAGE).get_page(request.GET.get("page"))  # fmt: skip
    lately = list(settled.select_related("settled_by").order_by("-settled_at", "-pk")[:20])
    wanted_items = {row.item_id for row in page.object_list} | {row.item_id for row in lately}
    items = {item.pk: item for item in with_excerpts(Item.objects.filter(pk__in=wanted_items))}
    counts = caseload.counts(project=project, user=request.user)
    everybody = Case.objects.open().filter(project=project).count()
    context = {
        "project": project,
        "membership": membership,
        "schema": project.version.schema if project.version else {"questions": []},
        "page_obj": page,
        "wanted": wanted,
        "query": wanted.query.removeprefix("?"),
        "counts": counts,
        "orders": caseload.ORDERS.items(),
        "states": caseload.STATES.items(),
        "whys": [(value, words, counts["why"].get(value, 0)) for value, words in Case.Why.choices],
        "pairs": [(pair, pair.split("\t"), count) for pair, count in counts["pairs"][:OFFERED]],
        "now": timezone.now(),
        "for_others": everybody - counts["all"] - counts["sent"],
        "cases": [(row, items[row.item_id]) for row in page.object_list],
        "settled": [(row, items[row.item_id]) for row in lately],
        "settled_count": settled.count(),
    }
    return render(request, "annotation/adjudicate.html", context)


@require_safe
@never_cache
@member("adjudicate")
def causes_report(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Which rule of the guideline causes which disagreement; with ?format=csv as a table."""
    project = membership.project
    asked = causes.Asked.read(request.GET)
    if request.GET.get("format") == "csv":
        table = causes.as_csv(project=project, asked=asked, user=request.user)
        response = HttpResponse(table, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{project.slug}-causes.csv"'
        return response
    found = causes.report(project=project, asked=asked, user=request.user)
    context = {
        "project": project,
        "membership": membership,
        "asked": asked,
        "found": found,
        "reasons": [(code, words) for code, words in adjudicating.REASONS.items() if found["by_reason"].get(code)],
        "rules": [_with_links(row, asked, found) for row in found["rules"]],
        "pairs": [{**row, "query": asked.query(pair=row["pair"]), "rules": [(rule, n, asked.query(pair=row["pair"], rule=rule or "-")) for rule, n in row["rules"].items()]} for row in found["pairs"]],
        "groups": {
            name: [(value, n, asked.query(**{name: value})) for value, n in found[f"by_{name}"].items() if value != ""]
            for name in ("reason", "question", "version", "why")
        },
        "whys": dict(Case.Why.choices),
        "csv": asked.query(format="csv"),
        "twice": [
            {**row, "figures": [(FIGURES[name][0] if name in FIGURES else name.replace("_", " "), each) for name, each in row["figures"].items() if name != "percent"]}
            for row in causes.two_adjudicators(project=project)
        ],
        "looked_at": causes.agreed_and_looked_at(project=project),
        "overturned": causes.Asked(overturned="1").query(),
        "all_agreed": causes.Asked(why=Case.Why.AGREED).query(),
    }  # fmt: skip
    return render(request, "annotation/causes.html", context)


def _with_links(row: dict[str, Any], asked: causes.Asked, found: dict[str, Any]) -> dict[str, Any]:
    """A rule with a cell for each reason that occurs, each number with its decisions behind it."""
    named = row["rule"] or "-"
    cells = [
        (row["reasons"].get(code, 0), asked.query(rule=named, reason=code))
        for code in adjudicating.REASONS
        if found["by_reason"].get(code)
    ]
    return {**row, "query": asked.query(rule=named), "cells": cells}


@require_safe
@never_cache
@member("adjudicate")
def decided(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The decisions behind a number of the report."""
    project = membership.project
    asked = causes.Asked.read(request.GET)
    rows = causes.decided(project=project, asked=asked, user=request.user)
    page = Paginator(rows.select_related("settled_by", "guideline_version"), PAGE).get_page(request.GET.get("page"))
    items = {item.pk: item for item in with_excerpts(Item.objects.filter(pk__in=[row.item_id for row in page.object_list]))}  # fmt: skip
    context = {
        "project": project,
        "membership": membership,
        "asked": asked,
        "query": asked.query().removeprefix("?"),
        "page_obj": page,
        "pair": asked.pair.split("\t") if asked.pair else None,
        "rows": [(row, items[row.item_id]) for row in page.object_list],
        # Of a part of them even the number would tell what was decided.
        "hidden": 0 if asked.query() else causes.decided(project=project, asked=asked, user=None).count() - page.paginator.count,
    }  # fmt: skip
    return render(request, "annotation/decided.html", context)

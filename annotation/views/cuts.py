"""The pages of cuts: agreement by source type, language, time, label, people, guideline version, batch and round, with the items."""

from collections import Counter
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation import cuts as cutting
from annotation import measuring
from annotation import schema as schemas
from annotation.access import member
from annotation.agreement.intervals import LEAST_UNITS
from annotation.models import AgreementReport, Annotation, GuidelineVersion, Item, Membership
from annotation.views.agreement import FIGURES, version_asked
from annotation.views.items import with_excerpts

PAGE = 50
# What figures of cuts are called, where the headline has no word for it.
TITLES = {"alpha": ("Krippendorff's alpha", False), "specific_agreement": (FIGURES["percent"][0], True)}


def asked_for(request: HttpRequest, membership: Membership, question: str) -> dict[str, Any]:
    """What the pages of one question share: version, its questions, the figures and whether new ones are being made."""
    project = membership.project
    if project.version is None:
        raise Http404
    version = version_asked(request, project)
    try:
        entry = schemas.question(version.schema, question)
    except ValueError:
        raise Http404 from None
    now = measuring.standing(version=version, question=question)
    return {
        "project": project,
        "membership": membership,
        "version": version,
        "versions": measuring.versions(project),
        "questions": version.schema["questions"],
        "entry": entry,
        "report": now.done,
        "job": now.at_work or now.failed,
    }


@require_safe
@never_cache
@member("adjudicate")
def agreement_cuts(request: HttpRequest, membership: Membership, question: str) -> HttpResponseBase:
    """Every cut of one question as a table: items, figure, interval; each row opens its items."""
    context = asked_for(request, membership, question)
    report: AgreementReport | None = context["report"]
    tables = report.figures.get("cuts") if report else None
    context |= {"tables": [_told(table) for table in tables or []], "is_known": tables is not None, "page": "cuts"}
    return render(request, "annotation/cuts.html", context)


def _told(table: dict[str, Any]) -> dict[str, Any]:
    """A cut with its words: titles of the figures, and whether a row is too small to read anything from."""
    columns = [_title(name) for name in table["names"]]
    shares = [is_share for _words, is_share in columns]
    rows = []
    for row in table["rows"]:
        cells = [row["figures"].get(name) or {} for name in table["names"]]
        rows.append({**row, "cells": list(zip(cells, shares, strict=True)), "is_small": row["n"] < LEAST_UNITS})
    return {**table, "title": cutting.BY[table["by"]], "columns": columns, "rows": rows}


def _title(name: str) -> tuple[Any, bool]:
    """(title, whether it is a share) of a figure."""
    if name in FIGURES:
        return FIGURES[name][0], FIGURES[name][2]
    return TITLES.get(name, (name, False))


@require_safe
@never_cache
@member("adjudicate")
def agreement_cut(request: HttpRequest, membership: Membership, question: str) -> HttpResponseBase:
    """The items of one part of a cut, the most contested first, with what was said of them."""
    context = asked_for(request, membership, question)
    by, value = request.GET.get("by", ""), request.GET.get("value", "").replace("\x00", "")[:200]
    version: GuidelineVersion = context["version"]
    if by not in cutting.BY:
        raise Http404
    try:
        since = measuring.Reigns(membership.project).asked_since(question, version)
        rows = cutting.items_of(version=version, question=context["entry"], by=by, value=value, since=since)
    except ValueError:
        raise Http404 from None
    # What the person may still be asked to label stays hidden from them.
    page = Paginator(rows.exclude(pk__in=Item.objects.blind_for(request.user).values("pk")), PAGE)
    found = page.get_page(request.GET.get("page"))
    items = {item.pk: item for item in with_excerpts(Item.objects.filter(pk__in=[item.pk for item in found]))}
    said = _said(version, question, list(items))
    context |= {
        "by": by,
        "title": cutting.BY[by],
        "name": _name(context["report"], by, value),
        "page_obj": found,
        # `apart` is an annotation of the query.
        "rows": [(items[item.pk], said.get(item.pk, []), item.apart) for item in found],  # type: ignore[attr-defined]
        "query": urlencode({"version": version.number, "by": by, "value": value}),
        "page": "cuts",
    }
    return render(request, "annotation/cut.html", context)


def _name(report: AgreementReport | None, by: str, value: str) -> str:
    """What the part is called in the figures."""
    tables = (report.figures.get("cuts") if report else None) or []
    rows = [row for table in tables if table["by"] == by for row in table["rows"] if row["value"] == value]
    return str(rows[0]["name"]) if rows else value


def _said(version: GuidelineVersion, question: str, items: list[int]) -> dict[int, list[dict[str, Any]]]:
    """item -> [{value, count}] of the answers that count; three queries for the page."""
    rows = Annotation.objects.standing_under(version).filter(item__in=items, independent=True)
    values: dict[int, list[Any]] = {}
    for item, answer in rows.values_list("item_id", "answer"):
        if answer.get(question) is not None:
            values.setdefault(item, []).append(answer[question])
    return {item: _counted(given) for item, given in values.items()}


def _counted(given: list[Any]) -> list[dict[str, Any]]:
    counts = Counter(map(repr, given))
    first = {repr(value): value for value in reversed(given)}
    return [{"value": first[name], "count": n} for name, n in counts.most_common()]

"""Items for managers and adjudicators: a list with filters, and one item with all that is known of it."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from annotation.access import member
from annotation.models import Annotation, Assignment, Case, Gold, Item, Membership

PAGE = 50


@require_GET
@never_cache
@member("adjudicate")
def items(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """A page of items, filtered by words, state, flag, label, source type or language."""
    project = membership.project
    asked = {name: request.GET.get(name, "").strip() for name in ("q", "state", "source_type", "language", "gold")}
    rows = filtered(Item.objects.filter(project=project), asked).select_related("document").order_by("pk")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    found = list(page.object_list)
    gold: dict[int, list[Gold]] = {}
    for row in Gold.objects.current().filter(item__in=found):
        gold.setdefault(row.item_id, []).append(row)
    answers: dict[int, int] = {}
    for item in Annotation.objects.submitted().filter(item__in=found).values_list("item_id", flat=True):
        answers[item] = answers.get(item, 0) + 1
    context = {
        "project": project,
        "membership": membership,
        "page_obj": page,
        "rows": [(item, answers.get(item.pk, 0), gold.get(item.pk, [])) for item in found],
        "asked": asked,
        "states": STATES,
        "source_types": distinct(project, "source_type"),
        "languages": distinct(project, "language"),
        "query": "&".join(f"{name}={value}" for name, value in asked.items() if value),
    }
    return render(request, "annotation/items.html", context)


STATES = ("open", "answered", "contested", "gold", "flagged", "skipped")


def distinct(project: Any, name: str) -> list[str]:
    """The values of a document field in the project."""
    return list(project.documents.exclude(**{name: ""}).order_by(name).values_list(name, flat=True).distinct()[:40])


def filtered(rows: QuerySet[Item], asked: dict[str, str]) -> QuerySet[Item]:
    """Items that match what was asked for."""
    here = OuterRef("pk")
    answers = Annotation.objects.current().filter(item=here)
    tests: dict[str, Any] = {
        "open": Exists(Assignment.objects.filter(item=here, state__in=["open", "leased"])),
        "answered": ~Exists(Assignment.objects.filter(item=here, state__in=["open", "leased"])),
        "contested": Exists(Case.objects.open().filter(item=here)),
        "gold": Exists(Gold.objects.current().filter(item=here)),
        "flagged": Exists(answers.filter(flagged=True)),
        "skipped": Exists(answers.filter(status=Annotation.Status.SKIPPED)),
    }
    if asked["state"] in tests:
        rows = rows.filter(tests[asked["state"]])
    if asked["q"]:
        words = asked["q"]
        match = Q(document__text__icontains=words) | Q(document__external_id=words) | Q(document__issuer__iexact=words)
        rows = rows.filter(match | Q(pk=int(words)) if words.isdecimal() and len(words) < 18 else match)
    for name in ("source_type", "language"):
        if asked[name]:
            rows = rows.filter(**{f"document__{name}": asked[name]})
    if asked["gold"]:
        rows = rows.filter(Exists(Gold.objects.current().filter(item=here, value=asked["gold"])))
    return rows


@require_GET
@never_cache
@member("adjudicate")
def item(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """One item: text, answers with their history, gold with its history. Names stay hidden while a case is open."""
    found = get_object_or_404(Item.objects.select_related("document"), pk=pk, project=membership.project)
    blind = Case.objects.open().filter(item=found).exists()
    answers = (
        Annotation.objects.filter(item=found)
        .exclude(status=Annotation.Status.DRAFT)
        .select_related("annotator", "guideline_version")
        .prefetch_related("revisions")
        .order_by("superseded_at", "pk")
    )
    context = {
        "project": membership.project,
        "membership": membership,
        "item": found,
        "document": found.document,
        "blind": blind,
        "answers": [] if blind else answers,
        "count": answers.count(),
        "gold": Gold.objects.filter(item=found).select_related("settled_by", "guideline_version").order_by("-pk"),
        "cases": Case.objects.open().filter(item=found),
        "slots": Assignment.objects.filter(item=found).order_by("slot"),
    }
    return render(request, "annotation/item.html", context)

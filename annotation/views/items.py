"""Items for managers and adjudicators: a list with filters, and one item with all that is known of it."""

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Least, Substr
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation import asking
from annotation.access import member
from annotation.models import Annotation, Assignment, Case, Gold, Item, Membership, Project

PAGE = 50
EXCERPT = 300
FILTERS = ("q", "state", "source_type", "language", "gold")


@require_safe
@never_cache
@member("adjudicate")
def items(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """A page of items, filtered by words, state, flag, label, source type or language."""
    project = membership.project
    # A NUL is no character that a database would search for.
    asked = {name: request.GET.get(name, "").replace("\x00", "").strip()[:200] for name in FILTERS}
    rows = filtered(Item.objects.filter(project=project), asked, request.user).order_by("pk")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    found = list(with_excerpts(page.object_list))
    gold: dict[int, list[Gold]] = {}
    for row in Gold.objects.current().visible_to(request.user).filter(item__in=found):
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
        "is_filtered": any(asked.values()),
        "query": urlencode({name: value for name, value in asked.items() if value}),
        "states": STATES,
        "source_types": distinct(project, "source_type"),
        "languages": distinct(project, "language"),
        "labels": known_labels(project),
    }
    return render(request, "annotation/items.html", context)


STATES = (
    ("open", gettext_lazy("waits for answers")),
    ("answered", gettext_lazy("all answers in")),
    ("contested", gettext_lazy("waits for a decision")),
    ("gold", gettext_lazy("has gold")),
    ("flagged", gettext_lazy("flagged")),
    ("skipped", gettext_lazy("skipped by someone")),
    ("undecided", gettext_lazy("somebody could not decide")),
)


def with_excerpts(rows: QuerySet[Item]) -> QuerySet[Item]:
    """Items with `excerpt`, the first characters of their text; long documents stay in the database."""
    start = Coalesce(F("start"), 0) + 1
    return (
        rows.select_related("document")
        .defer("document__text", "document__raw", "document__metadata")
        .annotate(excerpt=Substr("document__text", start, Least(Coalesce(F("end") - F("start"), EXCERPT), EXCERPT)))
    )


def known_labels(project: Project) -> list[tuple[str, str]]:
    """(name, title) of every label of the published schema."""
    questions = project.version.schema["questions"] if project.version else []
    found = {label["name"]: label["title"] for question in questions for label in question.get("labels", [])}
    return list(found.items())


def distinct(project: Any, name: str) -> list[str]:
    """The values of a document field in the project."""
    return list(project.documents.exclude(**{name: ""}).order_by(name).values_list(name, flat=True).distinct()[:40])


def filtered(rows: QuerySet[Item], asked: dict[str, str], user: Any) -> QuerySet[Item]:
    """Items that match what was asked for; what the user may not see of an item does not find it."""
    here = OuterRef("pk")
    answers = Annotation.objects.current().visible_to(user).filter(item=here)
    gold = Gold.objects.current().visible_to(user).filter(item=here)
    tests: dict[str, Any] = {
        "open": Exists(Assignment.objects.filter(item=here, state__in=["open", "leased"])),
        "answered": ~Exists(Assignment.objects.filter(item=here, state__in=["open", "leased"])),
        "contested": Exists(Case.objects.open().visible_to(user).filter(item=here)),
        "gold": Exists(gold),
        "flagged": Exists(answers.filter(flagged=True)),
        "skipped": Exists(answers.filter(status=Annotation.Status.SKIPPED)),
        "undecided": Exists(answers.filter(status=Annotation.Status.UNDECIDED)),
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
        rows = rows.filter(Exists(gold.filter(value=asked["gold"])))
    return rows


@require_safe
@never_cache
@member("adjudicate")
def item(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """One item: text, answers with their history, gold with its history. Names stay hidden while a case is open."""
    found = get_object_or_404(Item.objects.select_related("document"), pk=pk, project=membership.project)
    # Whoever labels reads nothing of the others before they have answered.
    unanswered = Item.objects.blind_for(request.user).filter(pk=pk).exists()
    # Until it is settled nobody reads who said what: an adjudicator decides without names.
    settled = Gold.objects.current().filter(item=found).exists()
    blind = unanswered or not settled or Case.objects.open().filter(item=found).exists()
    gold = Gold.objects.visible_to(request.user).filter(item=found)
    answers = (
        Annotation.objects.filter(item=found)
        .exclude(status=Annotation.Status.DRAFT)
        .select_related("annotator", "guideline_version")
        .prefetch_related("revisions")
        .order_by(F("superseded_at").desc(nulls_first=True), "pk")
    )
    context = {
        "project": membership.project,
        "membership": membership,
        "item": found,
        "document": found.document,
        # Which model wrote what is told once it is settled.
        "responses": [part if not blind else {**part, "model": ""} for part in found.document.candidates],
        "unanswered": unanswered,
        "blind": blind,
        "answers": [] if blind else answers,
        "count": answers.filter(superseded_at=None).count() if blind else None,
        "gold": gold.select_related("settled_by", "guideline_version").order_by("-pk"),
        "asked": [
            {"thread": row, "remarks": asking.told(row, request.user)}
            for row in asking.threads(project=membership.project, user=request.user).filter(item=found)
        ],
        "cases": Case.objects.open().visible_to(request.user).filter(item=found),
        "slots": Assignment.objects.filter(item=found).select_related("annotator").order_by("slot"),
        "now": timezone.now(),
    }
    return render(request, "annotation/item.html", context)

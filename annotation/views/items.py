"""Items for managers and adjudicators: a list with filters, and one item with all that is known of it."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Exists, F, OuterRef, Q, QuerySet, TextField
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Cast, Coalesce, Least, Substr
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation import asking, assigning, history
from annotation.access import member
from annotation.kinds import KINDS, labels
from annotation.models import (
    Annotation,
    Assignment,
    Case,
    Gold,
    Item,
    Membership,
    Project,
    Sample,
    Sampled,
    User,
    blind,
)
from annotation.views import examples
from annotation.views.history import with_schemas

PAGE = 50
EXCERPT = 300
FILTERS = (
    "q",
    "state",
    "source_type",
    "language",
    "gold",
    "question",
    "pair",
    "role",
    "person",
    "gave",
    "method",
    "period",
    "sample",
)


@require_safe
@never_cache
@member("adjudicate")
def items(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """A page of items, filtered by words, state, flag, label, source type or language."""
    project = membership.project
    asked = asked_for(request.GET)
    questions = project.version.schema["questions"] if project.version else []
    every = Item.objects.filter(project=project)
    rows = filtered(every, asked, request.user, questions).order_by("pk")
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
        "roles": Item.Role.choices,
        "person": User.objects.filter(pk=whole(asked["person"])).first() if asked["person"] else None,
        "sample": Sample.objects.filter(project=project, pk=whole(asked["sample"])).first()
        if asked["sample"]
        else None,
        "gave": dict(GAVE).get(asked["gave"], GAVE[0][1]),
        "left_out": matching(every, asked, request.user, questions).count() - page.paginator.count
        if asked["person"]
        else 0,
        "how": dict(Gold.Method.choices).get(asked["method"], ""),
    }
    return render(request, "annotation/items.html", context)


def asked_for(data: Any) -> dict[str, str]:
    """What the filters of the page ask for, by name."""
    # A NUL is no character that a database would search for.
    return {name: data.get(name, "").replace("\x00", "").strip()[:200] for name in FILTERS}


@require_POST
@member("manager")
def priority(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Give the open slots of all items that match the filters out first, as usual or last."""
    project = membership.project
    asked = asked_for(request.POST)
    questions = project.version.schema["questions"] if project.version else []
    rows = filtered(Item.objects.filter(project=project), asked, request.user, questions)
    try:
        count = assigning.prioritise(
            project=project, items=rows, priority=request.POST.get("priority", ""), by=request.user
        )
    except ValueError as error:
        messages.error(request, str(error))
    else:
        sentence = ngettext(
            "{count} open slot has that priority now.", "{count} open slots have that priority now.", count
        )
        messages.success(request, sentence.format(count=count))
    query = urlencode({name: value for name, value in asked.items() if value})
    return redirect(f"{reverse('annotation:items', args=[project.slug])}{'?' + query if query else ''}")


STATES = (
    ("open", gettext_lazy("waits for answers")),
    ("answered", gettext_lazy("all answers in")),
    ("given", gettext_lazy("somebody has answered")),
    ("contested", gettext_lazy("waits for a decision")),
    ("gold", gettext_lazy("has gold")),
    ("flagged", gettext_lazy("flagged")),
    ("skipped", gettext_lazy("skipped by someone")),
    ("undecided", gettext_lazy("somebody could not decide")),
    ("pool", gettext_lazy("in the pool")),
    ("asked", gettext_lazy("not in the pool")),
    ("sampled", gettext_lazy("drawn by a sample")),
)
# What one person gave of an item.
GAVE = (
    ("submitted", gettext_lazy("answered")),
    ("skipped", gettext_lazy("skipped")),
    ("undecided", gettext_lazy("could not decide")),
    ("flagged", gettext_lazy("flagged")),
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


def filtered(
    rows: QuerySet[Item], asked: dict[str, str], user: Any, questions: Sequence[dict[str, Any]]
) -> QuerySet[Item]:
    """Items that match what was asked for; what the user may not see of an item does not find it.

    Of items that one person skipped, flagged or differed in only settled ones: who decides does it without names.
    """
    found = matching(rows, asked, user, questions)
    told = asked["gave"] not in ("", Annotation.Status.SUBMITTED) or asked["pair"] or asked["state"] or asked["gold"]
    if not (asked["person"] and told):
        return found
    settled = Exists(Gold.objects.current().filter(item=OuterRef("pk")))
    return found.filter(settled, ~Exists(Case.objects.open().filter(item=OuterRef("pk"))))


def matching(
    rows: QuerySet[Item], asked: dict[str, str], user: Any, questions: Sequence[dict[str, Any]]
) -> QuerySet[Item]:
    """The same with unsettled ones, to be counted alone."""
    here = OuterRef("pk")
    answers = Annotation.objects.current().visible_to(user).filter(item=here).exclude(status=Annotation.Status.DRAFT)
    gold = Gold.objects.current().visible_to(user).filter(item=here)
    tests: dict[str, Any] = {
        "open": Exists(Assignment.objects.filter(item=here, state__in=Assignment.WAITING)),
        "answered": Q(~Exists(Assignment.objects.filter(item=here, state__in=Assignment.WAITING)), in_pool=False),
        "contested": Exists(Case.objects.open().visible_to(user).filter(item=here)),
        "given": Exists(answers.filter(status=Annotation.Status.SUBMITTED)),
        # That there is gold is told even where another adjudicator decides once more and may not know what it is.
        "gold": Exists(Gold.objects.current().filter(item=here)) & ~blind(user, "pk"),
        "flagged": Exists(answers.filter(flagged=True)),
        "skipped": Exists(answers.filter(status=Annotation.Status.SKIPPED)),
        "undecided": Exists(answers.filter(status=Annotation.Status.UNDECIDED)),
    }
    tests |= {"pool": Q(in_pool=True), "asked": Q(in_pool=False), "sampled": Exists(Sampled.objects.filter(item=here))}
    if asked["state"] in tests:
        rows = rows.filter(tests[asked["state"]])
    if asked["q"]:
        words = asked["q"]
        match = Q(document__text__icontains=words) | Q(document__external_id=words) | Q(document__issuer__iexact=words)
        rows = rows.filter(match | Q(pk=int(words)) if words.isdecimal() and len(words) < 18 else match)
    for name in ("source_type", "language"):
        if asked[name]:
            rows = rows.filter(**{f"document__{name}": "" if asked[name] == "none" else asked[name]})
    if asked.get("period"):
        rows = rows.filter(published_in(asked["period"]))
    if asked.get("sample"):
        rows = rows.filter(Exists(Sampled.objects.filter(item=here, sample=whole(asked["sample"]))))
    if asked.get("role") in Item.Role.values:
        rows = rows.filter(role=asked["role"])
    if asked.get("method") in Gold.Method.values:
        settled = Gold.objects.current().filter(item=here, method=asked["method"])
        settled = settled.filter(question=asked["question"]) if asked["question"] else settled
        rows = rows.filter(Exists(settled), ~blind(user, "pk"))
    if asked.get("person"):
        theirs = answers.filter(annotator=whole(asked["person"]))
        gave = asked["gave"] if asked["gave"] in dict(GAVE) else Annotation.Status.SUBMITTED
        if asked.get("role") == Item.Role.CONTROL and gave == Annotation.Status.SUBMITTED:
            # As `competence.answers`: what they said before it was a control item measures nothing.
            theirs = theirs.filter(independent=True, created_at__gte=OuterRef("role_since"))
        rows = rows.filter(Exists(theirs.filter(flagged=True) if gave == "flagged" else theirs.filter(status=gave)))
    if asked["gold"]:
        rows = rows.filter(Exists(naming(gold, asked["gold"], questions)))
    if asked.get("pair"):
        # Two labels with a tab between them that different people gave to the item.
        given = answers.filter(status=Annotation.Status.SUBMITTED).annotate(
            said=KeyTransform(asked["question"], "answer")
        )
        for label in asked["pair"].split("\t", 1):
            rows = rows.filter(Exists(given.filter(said=label)))
    return rows


def published_in(period: str) -> Q:
    """In a year, quarter or month, as 2024, 2024-Q1 or 2024-03; none: without a date."""
    if period == "none":
        return Q(document__published_at="")
    year, _dash, part = period.partition("-")
    if part[:1] == "Q" and part[1:] in "1234" and len(part) == 2:
        first = 3 * int(part[1:]) - 2
        months = [Q(document__published_at__startswith=f"{year}-{month:02}") for month in range(first, first + 3)]
        return months[0] | months[1] | months[2]
    return Q(document__published_at__startswith=period)


def whole(text: str) -> int:
    """A key; 0, which is nobody's, for what is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0


def naming(gold: QuerySet[Gold], label: str, questions: Sequence[dict[str, Any]]) -> QuerySet[Gold]:
    """Gold that names this label: as the whole of it, or by the text of its JSON as one thing of several."""
    found = Q(value=label)
    for entry in questions:
        if entry["kind"] != "choice" and label in labels.names(entry):
            # SQLite keeps JSON as it was written, other letters escaped; PostgreSQL does not.
            for plain in (False, True):
                part = KINDS[entry["kind"]].named.format(json.dumps(label, ensure_ascii=not plain))
                found |= Q(question=entry["name"], written__contains=part)
    return gold.annotate(written=Cast("value", TextField())).filter(found)


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
        "labellers": [one for one in membership.project.memberships.select_related("user") if one.can_label]
        if membership.is_manager
        else [],
        "roles": Item.Role.choices,
        "slots": Assignment.objects.filter(item=found).select_related("annotator").order_by("slot"),
        "now": timezone.now(),
        "happened": with_schemas(membership.project, history.of_item(item=found, user=request.user).entries),
        "mapped_from": set() if blind else {row.earlier_id for row in answers if row.mapped},
        **examples.on_item(found, blind=blind),
    }
    return render(request, "annotation/item.html", context)

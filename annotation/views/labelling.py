"""The labelling page and its few JSON requests: one per labelled item."""

import json
import unicodedata
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from annotation import (
    annotating,
    asking,
    assigning,
    batches,
    candidates,
    guiding,
    progress,
    referring,
    suggesting,
    telling,
)
from annotation import keys as page_keys
from annotation.access import member, membership_of
from annotation.kinds import KINDS
from annotation.labelling_strings import strings
from annotation.markdown import to_html
from annotation.models import Annotation, Assignment, GuidelineVersion, Item, Membership, Project

# Ten thousand marks with their words, at most.
BODY = 2 * 1024 * 1024
BACK = 50
RTL = {"R", "AL"}
# The page's script, one module for each subject; the script loads them by the addresses that name their content.
# What scripts of several kinds use, and the settings of a question that need more of it.
MARKING = ("spans", "events")
MODULES = (
    "asking",
    "clock",
    "conflicts",
    "drafts",
    "find",
    "guideline",
    "history",
    "item",
    "keys",
    "mine",
    "paper",
    "state",
    "sure",
    "tally",
)


@require_safe
@never_cache
@ensure_csrf_cookie
@member("label")
def label(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The page where analysts spend their hours."""
    project = membership.project
    version = project.version
    context: dict[str, Any] = {"project": project, "membership": membership, "version": version}
    if version is None:
        return render(request, "annotation/label.html", {**context, "desk": None})
    slots = assigning.take(membership=membership)
    if not slots and not membership.is_qualified:
        return render(request, "annotation/label.html", {**context, "desk": None, "unqualified": True})
    told_now = telling.news(membership)
    desk = {
        "packets": _packets(membership, slots),
        "number": version.number,
        "done_today": progress.done_today(membership),
        "share": progress.share(membership),
        "goal": {"count": membership.goal, "per": membership.goal_per} if membership.goal else None,
        "asked": asking.asked(membership),
        "urls": {
            "submit": reverse("annotation:label_submit", args=[project.slug]),
            "draft": reverse("annotation:label_draft", args=[project.slug]),
            "next": reverse("annotation:label_next", args=[project.slug]),
            "mine": reverse("annotation:label_mine", args=[project.slug]),
            "ask": reverse("annotation:label_ask", args=[project.slug]),
            "threads": reverse("annotation:label_threads", args=[project.slug]),
            "seen": reverse("annotation:label_seen", args=[project.slug]),
            "companies": reverse("annotation:label_companies", args=[project.slug]),
            "told": reverse("annotation:label_told", args=[project.slug]),
            "sign_in": reverse("annotation:sign_in"),
        },
    }
    page = page_of(membership, version, desk, modules=("told",) if told_now else ())
    return render(request, "annotation/label.html", {**context, **page, "told": told_now})


def page_of(
    membership: Membership,
    version: GuidelineVersion,
    desk: dict[str, Any],
    *,
    actions: Collection[str] | None = None,
    modules: Sequence[str] = (),
) -> dict[str, Any]:
    """What the template of a labelling page needs.

    desk: the packets, counts and addresses of this page; the rest is added. actions: those that have a key (None: all
    of the project); without "accept" no suggestions are shown. modules: further ones of the page.
    """
    project = membership.project
    questions = version.schema["questions"]
    keys = keys_of(membership, questions)
    keys = {action: key for action, key in keys.items() if actions is None or action in actions}
    asks_confidence = project.confidence != Project.Confidence.NONE and actions is None
    suggests = project.suggestions != Project.Suggestions.NEVER and "accept" in keys
    desk = {
        "user": membership.user_id,
        "project": project.pk,
        "version": version.pk,
        "questions": questions,
        "keys": {key: action for action, key in keys.items() if key},
        **desk,
        "modules": {
            "outbox": static("js/outbox.js"),
            **{name: static(f"js/label/{name}.js") for name in MODULES if asks_confidence or name != "sure"},
            **shared_modules(questions),
            **({"suggest": static("js/label/suggest.js")} if suggests else {}),
            **({"candidates": static("js/label/candidates.js")} if compares(questions) else {}),
            **{name: static(f"js/label/{name}.js") for name in modules},
        },
        "kinds": {kind: static(f"js/kinds/{kind}.js") for kind in sorted({entry["kind"] for entry in questions})},
        "strings": strings(),
    }
    return {
        "questions": [{**entry, "template": f"annotation/kinds/{entry['kind']}.html"} for entry in questions],
        "guideline_html": to_html(version.text),
        "shown": guiding.shown(version.examples, version.schema),
        "skip_reasons": list(annotating.SKIP_REASONS.items()),
        "undecided_reasons": list(annotating.UNDECIDED_REASONS.items()),
        "asks_confidence": asks_confidence,
        "suggests": suggests,
        "confidences": Annotation.Confidence.choices,
        "keys": {action: key.upper() for action, key in keys.items()},
        "key_rows": [
            (action, page_keys.WORDS[action], key.upper(), membership.user.keys.get(action, ""))
            for action, key in keys.items()
        ],
        "desk": desk,
        "compares": compares(questions),
        "marks": marks(questions),
    }


def keys_of(membership: Membership, questions: Sequence[dict[str, Any]]) -> dict[str, str]:
    """action -> key of this person's page, for the actions that the project has."""
    found = page_keys.effective(membership.user.keys, questions)
    project = membership.project
    wanted = {"undecided": project.undecided, "accept": project.suggestions != Project.Suggestions.NEVER}
    return {action: key for action, key in found.items() if wanted.get(action, True)}


@require_POST
def submit(request: HttpRequest, slug: str) -> JsonResponse:
    """One answer in, the next item out."""
    membership, refusal = labeller(request, slug)
    if membership is None:
        return refusal
    try:
        data = read_json(request)
        sent = annotating.read(data)
        # A correction asks for nothing, and a browser that holds enough gets no more: leases are not hoarded.
        held = data.get("held")
        more = sent.token is not None and not (isinstance(held, list) and len(held) >= assigning.IN_HAND)
        _annotation, following = annotating.submit(membership=membership, sent=sent, more=more)
    except annotating.Conflict as conflict:
        theirs = annotating.told(conflict.kept) if conflict.kept else None
        return JsonResponse(
            {"error": str(conflict), "theirs": theirs, "reload": conflict.reload, "next": None}, status=409
        )
    except ValueError as error:
        return JsonResponse({"error": str(error)}, status=400)
    packets = _packets(membership, [following] if following else [], fresh=True)
    return JsonResponse({"saved": True, "next": packets[0] if packets else None})


@require_POST
def draft(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep an unfinished answer."""
    membership, refusal = labeller(request, slug)
    if membership is None:
        return refusal
    try:
        annotating.draft(membership=membership, data=read_json(request))
    except ValueError as error:
        return JsonResponse({"error": str(error)}, status=400)
    return HttpResponse(status=204)


@require_safe
@never_cache
def following(request: HttpRequest, slug: str) -> JsonResponse:
    """Items for a browser that has none left: ?held=1,2 are the ones it has."""
    membership, refusal = labeller(request, slug)
    if membership is None:
        return refusal
    held = [int(part) for part in request.GET.get("held", "").split(",") if part.isdecimal() and len(part) < 19][:50]
    slots = assigning.take(membership=membership, held=held)
    limited = not slots and assigning.limited(membership)
    waits = {"waiting": assigning.waiting(membership), "limited": limited}
    if not slots and not membership.is_qualified:
        waits["unqualified"] = True
    return JsonResponse({"packets": _packets(membership, slots), **waits})


@require_safe
@never_cache
def mine(request: HttpRequest, slug: str) -> JsonResponse:
    """One's own answers, newest first, a page at a time; ?assignment=ID gives one of them to correct.

    Whoever labels is told the number of their assignment, never the item's: that would say how old an item is, and so
    which ones are control items.

    `older` is what to add to the address for the next page: the time and the id of the last row, so that a page costs
    the same however far back it is, and answers of the same moment are neither left out nor shown twice.
    """
    membership, refusal = labeller(request, slug)
    if membership is None:
        return refusal
    if wanted := request.GET.get("assignment", ""):
        return _one_of_mine(membership, _whole(wanted))
    rows = progress.own(membership)
    if before := _moment(request.GET.get("before", "")):
        # The outer bound is what the index is searched by; of the same moment come the rows with lower ids.
        beside = Q(updated_at=before, pk__lt=_whole(request.GET.get("row", "")))
        rows = rows.filter(Q(updated_at__lt=before) | beside, updated_at__lte=before)
    found = list(rows[: BACK + 1])
    found, more = found[:BACK], len(found) > BACK
    older = "?" + urlencode({"before": found[-1].updated_at.isoformat(), "row": found[-1].pk}) if more else ""
    items = [
        {
            "assignment": row.assignment,
            "excerpt": row.item.text[:160],
            "answer": row.answer,
            "status": row.status,
            "flagged": row.flagged,
            "at": row.updated_at.isoformat(),
        }
        for row in found
        if row.assignment
    ]
    return JsonResponse({"items": items, "older": older})


@require_POST
def ask(request: HttpRequest, slug: str) -> JsonResponse:
    """A question about the item on the screen; its client-made id makes a repeat harmless."""
    membership, refusal = labeller(request, slug)
    if membership is None:
        return refusal
    try:
        data = read_json(request)
        sent = data if isinstance(data, dict) else {}
        asking.ask(
            membership=membership,
            assignment=annotating.whole(sent.get("assignment"), "assignment"),
            text=sent.get("text", ""),
            client_id=annotating.identifier(sent.get("client_id"), "client_id"),
        )
    except ValueError as error:
        return JsonResponse({"error": str(error)}, status=400)
    return _threads(membership, int(sent["assignment"]))


@require_safe
@never_cache
def threads(request: HttpRequest, slug: str) -> JsonResponse:
    """What this person has asked about the item of ?assignment=, and answers that they have not seen yet."""
    membership, refusal = labeller(request, slug)
    if membership is None:
        return refusal
    return _threads(membership, _whole(request.GET.get("assignment", "")))


def _threads(membership: Membership, assignment: int) -> JsonResponse:
    here = Assignment.every.filter(pk=assignment, project=membership.project_id, annotator=membership.user_id)
    mine: Any = asking.threads(project=membership.project, user=membership.user).filter(asker=membership.user_id)
    about = Q(item__in=here.values("item")) | Q(answered_at__isnull=False, seen_at=None)
    found = [
        {
            "id": row.pk,
            "assignment": row.assignment,
            "unseen": row.answered_at is not None and row.seen_at is None,
            "remarks": asking.told(row, membership.user),
        }
        for row in mine.filter(about).order_by("-pk")[:BACK]
    ]
    return JsonResponse({"threads": found, "asked": asking.asked(membership)})


@require_POST
def seen(request: HttpRequest, slug: str) -> JsonResponse:
    """The answers in these threads of one's own were read."""
    membership, refusal = labeller(request, slug)
    if membership is None:
        return refusal
    try:
        data = read_json(request)
        listed = data.get("threads") if isinstance(data, dict) else None
        if not isinstance(listed, list):
            raise ValueError(_("Threads are sent as a list of their numbers."))
        asking.see(membership=membership, threads=[annotating.whole(one, "threads") for one in listed[:BACK]])
    except ValueError as error:
        return JsonResponse({"error": str(error)}, status=400)
    return JsonResponse({"asked": asking.asked(membership)})


@require_POST
def told(request: HttpRequest, slug: str) -> HttpResponse:
    """This person has read what changed in the guideline up to {"number"}."""
    membership, refusal = labeller(request, slug)
    if membership is None:
        return refusal
    try:
        data = read_json(request)
        number = annotating.whole(data.get("number") if isinstance(data, dict) else None, "number")
        telling.tell(membership=membership, number=min(number, 2**31 - 1))
    except ValueError as error:
        return JsonResponse({"error": str(error)}, status=400)
    return HttpResponse(status=204)


def _whole(text: str) -> int:
    """A number of this site, or 0."""
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text.replace(" ", "+"))
        return found.astimezone(UTC) if found else None
    except (ValueError, OverflowError):
        return None


def _one_of_mine(membership: Membership, pk: int) -> JsonResponse:
    slot = (
        Assignment.every.filter(project=membership.project_id, annotator=membership.user_id, again__gte=0, pk=pk)
        .filter(state__in=Assignment.ANSWERED)
        .select_related("item__document")
        .first()
    )
    if slot is None:
        return JsonResponse({"error": _("This is not one of your answers.")}, status=404)
    [packet] = _packets(membership, [slot])
    # A correction is sent without a token: that is how the server tells it from a second tab.
    return JsonResponse({**packet, "token": None, "correction": True})


def labeller(request: HttpRequest, slug: str) -> tuple[Membership | None, Any]:
    """The membership, or the refusal as JSON: signed out, a stranger, or without the right to label."""
    if not request.user.is_authenticated:
        sentence = _("You are signed out. Sign in again: your answer is kept.")
        return None, JsonResponse({"error": sentence, "sign_in": reverse("annotation:sign_in")}, status=401)
    # The page says whose it is: an answer that waited in a tab is never taken in the name of who signed in since.
    if request.headers.get("X-Assay-User", str(request.user.pk)) != str(request.user.pk):
        sentence = _("Someone else is signed in in this browser now. Your answers are kept here until you are back.")
        return None, JsonResponse({"error": sentence}, status=401)
    return membership_of(request.user, slug, "label"), None


def read_json(request: HttpRequest) -> Any:
    """The body of a request as JSON; raises ValueError with a sentence."""
    if len(request.body) > BODY:
        raise ValueError(_("This is too large for an answer."))
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        raise ValueError(_("The request is not valid JSON.")) from None


def _packets(membership: Membership, slots: list[Assignment], *, fresh: bool = False) -> list[dict[str, Any]]:
    """What the browser needs of each slot; a freshly claimed one has no earlier answer to look for."""
    slots = assigning.with_items(slots)
    sent_back = referring.questions(slots)
    given = {} if fresh and not sent_back else progress.given(membership, slots)
    questions = membership.project.version.schema["questions"] if membership.project.version else []
    proposed = suggesting.show(membership=membership, slots=slots)
    packets = [_packet(slot, given.get(slot.item_id), questions, sent_back.get(slot.pk, "")) for slot in slots]
    pushed = batches.of_slots(membership, slots)
    packets = [
        {**packet, "batch": pushed[slot.pk]} if slot.pk in pushed else packet
        for slot, packet in zip(slots, packets, strict=True)
    ]
    return [
        {**packet, "suggestions": proposed[slot.item_id]} if slot.item_id in proposed else packet
        for slot, packet in zip(slots, packets, strict=True)
    ]


def shared_modules(questions: Sequence[dict[str, Any]]) -> dict[str, str]:
    """What the scripts of these questions share: name -> address; only what they use is sent."""
    wanted = {
        "labels": True,
        "marking": marks(questions),
        "companies": any(entry.get("linked") for entry in questions),
        "numbers": any(entry.get("numbers") for entry in questions),
        "dates": any(entry["kind"] == "events" and entry.get("date") for entry in questions),
    }
    return {name: static(f"js/kinds/{name}.js") for name, used in wanted.items() if used}


def marks(questions: Sequence[dict[str, Any]]) -> bool:
    """Whether some question asks for places in the text."""
    return any(entry["kind"] in MARKING for entry in questions)


def compares(questions: Sequence[dict[str, Any]]) -> bool:
    """Whether some question is about the candidate responses of an item."""
    return any(KINDS[entry["kind"]].compares(entry) for entry in questions)


def packet_item(item: Item, *, questions: Sequence[dict[str, Any]] = (), person: int | None = None) -> dict[str, Any]:
    """What the browser needs of an item to show it; candidates, in this person's order, where a question needs them."""
    document, text = item.document, item.text
    before, after = item.around
    shown: dict[str, Any] = {"before": before, "after": after} if before or after else {}
    if compares(questions):
        shown["candidates"] = candidates.shuffled(document.candidates, item=item.pk, person=person)
        shown["reference"] = document.reference
    return {
        **shown,
        "text": text,
        "title": document.title,
        "source_type": document.source_type,
        "issuer": document.issuer,
        "published_at": document.published_at,
        "language": document.language,
        "url": document.url,
        "rtl": next((unicodedata.bidirectional(sign) in RTL for sign in text[:200] if sign.isalpha()), False),
    }


def _packet(
    slot: Assignment, given: Annotation | None, questions: Sequence[dict[str, Any]], asked: str = ""
) -> dict[str, Any]:
    """asked: what its person is to think about again; the earlier answer is then where they begin."""
    again = {"asked_again": asked, "status": ""} if asked else {}
    return {
        "assignment": slot.pk,
        "token": str(slot.token) if slot.token else None,
        "item": packet_item(slot.item, questions=questions, person=slot.annotator_id),
        **annotating.told(given or Annotation(status="")),
        **again,
        "correction": False,
    }

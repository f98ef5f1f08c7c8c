"""The adjudicator's desk: everything on the page where one case is decided, without a name until it is settled."""

import json
from string import ascii_lowercase
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation import adjudicating, asking, believing, caseload, discussing, guiding, passages, referring
from annotation import schema as schemas
from annotation.alignment import Aligned
from annotation.kinds import KINDS
from annotation.kinds.marks import extent
from annotation.labelling_strings import strings
from annotation.markdown import to_html
from annotation.models import Belief, Case, Gold, GuidelineVersion, Membership
from annotation.views.labelling import compares, marks, packet_item, shared_modules

# Rows of the comparison that a page bears; beyond it only those that differ are shown.
MOST_ROWS = 300
WORDS = {
    "missing": gettext_lazy("not everybody has it"),
    "label": gettext_lazy("different labels"),
    "boundary": gettext_lazy("different ends"),
    "value": gettext_lazy("different"),
    "detail": gettext_lazy("different details"),
}
# The page's own actions and the letters they would like to have.
ACTIONS = {"differs": "d", "merge": "m", "rule": "r", "ambiguous": "y", "back": "b", "talk": "q"}
FIXED = {"guideline": "g", "note": "n", "skip": "s"}
SCALE = 640
# Examples of a label that are shown beside the case.
EXAMPLES = 3


def desk(request: HttpRequest, membership: Membership, row: Case, *, error: str, **extra: Any) -> HttpResponseBase:
    """The page of one decision. Names are shown where the answer is settled already, and never before."""
    version = membership.project.version
    if version is None:
        raise Http404
    try:
        entry = schemas.question(version.schema, row.question)
    except ValueError:
        # The question was dropped by a later version: there is nothing to decide by.
        raise Http404 from None
    gold = Gold.objects.current().visible_to(membership.user).filter(item=row.item_id, question=row.question)
    item = packet_item(row.item, questions=[entry], person=membership.user_id)
    # Answers are told by the names of the responses, so here they stand beside them.
    item["named"] = True
    answers, aligned = caseload.lettered(row, entry)
    before = referring.first_answers(row)
    for answer in answers:
        answer["before"] = before.get(answer["annotator"].pk)
    context = {
        "project": membership.project,
        "membership": membership,
        "case": row,
        "item": row.item,
        "document": row.item.document,
        "before": item.get("before", ""),
        "after": item.get("after", ""),
        "compares": compares([entry]),
        "marks": marks([entry]),
        "responses": item.get("candidates", []),
        "entry": {**entry, "template": f"annotation/kinds/{entry['kind']}.html"},
        "desk": _widget(membership, entry, item, answers) if entry["kind"] != "choice" else None,
        "answers": answers,
        "asked": [
            {"thread": thread, "remarks": asking.told(thread, membership.user)}
            for thread in asking.threads(project=membership.project, user=membership.user).filter(item=row.item_id)
        ],
        "shows_names": not Case.objects.open().filter(item=row.item_id).exists(),
        "gold": gold.select_related("settled_by", "guideline_version").first(),
        "is_open": row.closed_at is None,
        "reasons": reason_keys(entry),
        "keys": action_keys(entry),
        "distribution": adjudicating.distribution_of(row, entry),
        # Marks and events are many: how often each whole answer was given says little there.
        "tells_spread": KINDS[entry["kind"]].pieces is None,
        "merged": _merged(answers, entry),
        "decisions": caseload.decisions(row),
        "belief": believing.proposal(row),
        "has_belief": Belief.objects.filter(item=row.item_id, question=row.question).exists(),
        "overlay": [] if row.closed_at is None or "again" in extra else _overlay(answers, entry),
        "case_query": f"?{request.GET.urlencode()}" if request.GET else "",
        "standing": referring.standing(row),
        "remarks": discussing.told(row, membership.user) if row.pk else [],
        "talks": row.pk is not None and row.why != Case.Why.SECOND,
        "may_send_back": row.pk is not None and row.closed_at is None and row.why != Case.Why.SECOND,
        "days": referring.DAYS,
        "guideline_html": to_html(version.text),
        "version": version,
        "error": error,
        "kept": request.POST or _standing(extra.get("again"), entry, version.text),
        **_compared(aligned, answers, entry),
        **_rules(version, entry, aligned),
        **extra,
    }
    response = render(request, "annotation/case.html", context, status=400 if error else 200)
    if context["remarks"]:
        discussing.visit(case=row, membership=membership)
    return response


def _widget(
    membership: Membership, entry: dict[str, Any], item: dict[str, Any], answers: list[dict[str, Any]]
) -> dict[str, Any]:
    """What has parts is answered with the widget of the labelling page; one label is a plain choice in a form."""
    given = [answer for answer in answers if answer["value"] is not None]
    return {
        "question": entry,
        "item": item,
        "strings": strings(),
        "module": static(f"js/kinds/{entry['kind']}.js"),
        "companies": reverse("annotation:label_companies", args=[membership.project.slug]),
        "others": [answer["value"] for answer in given],
        "letters": [answer["letter"] for answer in given],
        "modules": {"paper": static("js/label/paper.js"), **shared_modules([entry])},
    }


def _overlay(answers: list[dict[str, Any]], entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Who marked what, for the text of a settled case: pieces [[start, end)] in code points, color, title with letters, faint.

    Faint are marks that not everybody made; nothing where the question asks for no places.
    """
    if not marks([entry]):
        return []
    given = [answer for answer in answers if answer["value"] is not None]
    labels = {label["name"]: label for label in entry["labels"]}
    found: dict[tuple[Any, ...], list[str]] = {}
    for answer in given:
        for mark in answer["value"]:
            # An event is shown where its trigger stands.
            place, name = mark.get("trigger", mark), mark.get("type", mark.get("label"))
            if place and "start" in place:
                pieces = tuple(map(tuple, extent(place)))
                found.setdefault((pieces, name), []).append(answer["letter"])
    return [
        {
            "pieces": pieces,
            "color": labels.get(name, {}).get("color", 0),
            "title": f"{labels.get(name, {}).get('title', name)} {' '.join(letters)}",
            "faint": len(letters) < len(given),
        }
        for (pieces, name), letters in sorted(found.items())
    ]


def _compared(aligned: Aligned, answers: list[dict[str, Any]], entry: dict[str, Any]) -> dict[str, Any]:
    """The rows of the comparison with words for what differs, and the points of a scale."""
    rows = list(aligned.rows)
    left_out = 0
    if len(rows) > MOST_ROWS:
        differing = [row for row in rows if row.what]
        rows, left_out = differing[:MOST_ROWS], len(rows) - min(len(differing), MOST_ROWS)
    shown = [{"row": row, "what": [WORDS[code] for code in row.what]} for row in rows]
    return {
        "rows": shown,
        "rows_left_out": left_out,
        "differing": sum(bool(row.what) for row in aligned.rows),
        "letters": [answer["letter"] for answer in answers],
        "scale": _scale(aligned, answers, entry) if aligned.points else None,
    }


def _scale(aligned: Aligned, answers: list[dict[str, Any]], entry: dict[str, Any]) -> dict[str, Any]:
    """Places of the letters on a line from the lowest to the highest number, stacked where they coincide."""
    low, high = float(entry["min"]), float(entry["max"])
    points: list[dict[str, Any]] = []
    for place, value in sorted(aligned.points, key=lambda one: one[1]):
        x = round(20 + (SCALE - 40) * (value - low) / (high - low))
        level = sum(abs(point["x"] - x) < 22 for point in points)
        points.append({"x": x, "y": -24 * level, "letter": answers[place]["letter"], "value": value})
    height = 24 * (1 + max(-point["y"] for point in points) // 24)
    base = height + 8
    return {
        "points": [{**point, "y": base - 16 + point["y"], "text_y": base - 12 + point["y"]} for point in points],
        "width": SCALE,
        "right": SCALE - 20,
        "base": base,
        "height": base + 24,
        "words_y": base + 18,
        "low": entry["min"],
        "high": entry["max"],
        "told": ", ".join(f"{point['letter']} {point['value']:g}" for point in points),
    }


def _merged(answers: list[dict[str, Any]], entry: dict[str, Any]) -> Any:
    """What most people say, where that is an answer; None where a person must look."""
    given = [answer["value"] for answer in answers if answer["value"] is not None]
    try:
        found = KINDS[entry["kind"]].merge(given, entry) if len(given) > 1 else None
    except (KeyError, TypeError, ValueError):  # answers of an earlier form of the question
        return None
    return found[0] if found else None


def _rules(version: GuidelineVersion, entry: dict[str, Any], aligned: Aligned) -> dict[str, Any]:
    """The rules of the labels in dispute, the passages about them, and what of the guideline may be named as the cause."""
    labels = entry.get("labels", [])
    disputed = [label for label in labels if label["name"] in aligned.disputed]
    found = passages.about(version.text, disputed)
    headings = [passage.heading for passage in passages.sections(version.text) if passage.heading]
    first = [passage.heading for passage in found if passage.heading]
    named = {heading: _("section “%(heading)s”") % {"heading": heading} for heading in [*first, *headings]}
    options = [(f"label:{label['name']}", label["title"]) for label in [*disputed, *labels]]
    options += [(f"heading:{heading}"[: adjudicating.RULE], words) for heading, words in named.items()]
    numbered = passages.numbered(version.text).items()
    options += [(f"{adjudicating.NUMBERED}{number}", f"{number} {title}".strip()) for number, title in numbered]
    unique = list(dict(options).items())
    likely = {f"label:{label['name']}" for label in disputed} | {f"heading:{heading}"[: adjudicating.RULE] for heading in first}  # fmt: skip
    examples = guiding.shown(version.examples, version.schema).get(entry["name"], {})
    near_examples = [
        {"title": label["title"], "color": label["color"], "examples": examples[label["name"]][:EXAMPLES]}
        for label in disputed
        if label["name"] in examples
    ]
    told = found or near_examples or any(label["definition"] or label["examples"] for label in disputed)
    return {
        # Where nothing is said of these labels in particular, all of it is at hand.
        "opens_guideline": not told,
        "examples": near_examples,
        "disputed": {**entry, "labels": disputed},
        "passages": [{"heading": passage.heading, "html": to_html(passage.text)} for passage in found],
        "rules": sorted(unique, key=lambda one: one[0] not in likely),
        # A rule that the list has not, as one that stands in a table, is cited by its number.
        "cites": any(character.isdecimal() for character in version.text),
    }


def _standing(gold: Gold | None, entry: dict[str, Any], text: str) -> dict[str, str]:
    """A new decision begins with the one that stands, where the question still takes it; text: of the guideline."""
    if gold is None:
        return {}
    try:
        value = KINDS[entry["kind"]].clean(gold.value, entry)
    except ValueError:
        return {}
    kept = {"value": value if entry["kind"] == "choice" else json.dumps(value, ensure_ascii=False), "rule": gold.rule}
    number = gold.rule.removeprefix(adjudicating.NUMBERED)
    if number != gold.rule and number not in passages.numbered(text):
        kept["rule_number"] = number
    return {**kept, "ambiguous": "1"} if gold.distribution else kept


def reason_keys(entry: dict[str, Any]) -> list[tuple[str, Any, str]]:
    """(code, words, key) of each reason: a letter of its code that no label and no action of the page has taken."""
    taken = _taken(entry) | set(FIXED.values())
    found = []
    for code, words in adjudicating.REASONS.items():
        key = next((letter for letter in code + ascii_lowercase if letter not in taken), "")
        taken.add(key)
        found.append((code, words, key))
    return found


def action_keys(entry: dict[str, Any]) -> dict[str, str]:
    """action -> key: its own letter, or a free one where a label or a reason has it."""
    taken = _taken(entry) | {key for _code, _words, key in reason_keys(entry)}
    found = {}
    for action, wanted in {**FIXED, **ACTIONS}.items():
        key = next((letter for letter in wanted + ascii_lowercase if letter not in taken), "")
        taken.add(key)
        found[action] = key
    return found


def _taken(entry: dict[str, Any]) -> set[str]:
    return {label["key"] for label in entry.get("labels", [])} | {"?", *KINDS[entry["kind"]].keys}

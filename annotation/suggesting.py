"""What models propose: stored, shown to those who may see it, and compared with the answer that was given."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from annotation import schema as schemas
from annotation.companies import missing_from_file
from annotation.kinds import KINDS, About
from annotation.models import (
    Annotation,
    Assignment,
    GuidelineVersion,
    Item,
    Membership,
    Project,
    Showing,
    Suggestion,
)
from annotation.text.normal import clean

MOST = 1000
SOURCE = 150
# So many answers are looked at for the figures of a page.
LATEST = 5000


@dataclass(frozen=True)
class Proposal:
    """A checked suggestion: `item` is the row's number, `value` in stored form."""

    item: int
    question: str
    value: Any
    source: str
    score: float | None = None


def suggest(*, project: Project, entries: Any) -> dict[str, int]:
    """Store suggestions, {id, question, value, source, score} each; all of them or none.

    `id` is the id that the item came in with; `question` may be left out where there is one; `score` is a number or
    left out. Returns how many are new, were here, or were left out because their source had said something else of
    the item. Raises ValueError naming the entry.
    """
    if not isinstance(entries, list) or not 0 < len(entries) <= MOST:
        raise ValueError(_("Send a list of 1 to %(most)d suggestions.") % {"most": MOST})
    if project.version is None:
        raise ValueError(_("This project has no published guideline yet."))
    names = [str(entry.get("id") or "") for entry in entries if isinstance(entry, dict)]
    # No id has a NUL, and PostgreSQL cannot be asked for one.
    known = [name for name in names if "\x00" not in name]
    rows = Item.objects.filter(project=project, document__external_id__in=known).select_related("document")
    items: dict[str, list[Item]] = {}
    for row in rows:
        items.setdefault(row.document.external_id, []).append(row)
    proposals = []
    missing = missing_from_file(project.pk)
    for place, entry in enumerate(entries, 1):
        try:
            proposals.append(_proposal(entry, items, project.version, missing))
        except ValueError as error:
            raise ValueError(_("Suggestion %(place)d: %(problem)s") % {"place": place, "problem": error}) from None
    return dict(put(project=project, proposals=proposals))


def _proposal(entry: Any, items: dict[str, list[Item]], version: GuidelineVersion, missing: Any) -> Proposal:
    if not isinstance(entry, dict):
        raise ValueError(_("it must be an object with id, value and source."))
    found = items.get(str(entry.get("id") or ""), [])
    if len(found) != 1:
        sentence = (
            _("several items are passages of the document “%(id)s”.")
            if found
            else _("there is no item with the id “%(id)s” in this project.")
        )
        raise ValueError(sentence % {"id": str(entry.get("id") or "")[:60]})
    asked = version.schema["questions"]
    question = schemas.question(
        version.schema, str(entry.get("question") or (asked[0]["name"] if len(asked) == 1 else ""))
    )
    if entry.get("value") is None:
        raise ValueError(_("it has no value."))
    value = stored(entry["value"], question, replace(found[0].about, missing=missing))
    return Proposal(found[0].pk, question["name"], value, source(entry.get("source")), score(entry.get("score")))


def stored(value: Any, question: dict[str, Any], about: About) -> Any:
    """The value as gold of that question would be stored; raises ValueError."""
    kind = KINDS[question["kind"]]
    return kind.settled(kind.clean(value, question, about), question)


def source(value: Any) -> str:
    """The name of a model and its version; raises ValueError."""
    name = clean(value if isinstance(value, str) else "").text.strip()
    if not 0 < len(name) <= SOURCE:
        raise ValueError(
            _("source must name the model and its version, in at most %(most)d characters.") % {"most": SOURCE}
        )
    return name


def score(value: Any) -> float | None:
    """How sure the model is, by its own measure; None where it does not say. Raises ValueError."""
    if value in (None, ""):
        return None
    try:
        found = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = float("nan")
    if not isfinite(found):
        raise ValueError(_("score must be a number."))
    return found


@transaction.atomic
def put(*, project: Project, proposals: Sequence[Proposal]) -> Counter[str]:
    """Write what is new; what a source has said before stands, because people may have seen it."""
    rows = Suggestion.objects.filter(item__in={one.item for one in proposals})
    there = {(row.item_id, row.question, row.source): row.value for row in rows}
    counts = Counter(new=0, here=0, differing=0)
    fresh = []
    for one in proposals:
        place = one.item, one.question, one.source
        if place in there:
            counts["here" if there[place] == one.value else "differing"] += 1
            continue
        there[place] = one.value
        counts["new"] += 1
        fresh.append(
            Suggestion(
                project=project,
                item_id=one.item,
                question=one.question,
                value=one.value,
                source=one.source,
                score=one.score,
            )
        )
    # Somebody else may send the same at the same time.
    Suggestion.objects.bulk_create(fresh, batch_size=1000, ignore_conflicts=True)
    return counts


# Who sees what


def is_control(item: int, share: int) -> bool:
    """Whether the item is one of `share` percent that show no suggestion; the same each time."""
    return int(hashlib.sha256(f"suggestion/{item}".encode()).hexdigest()[:8], 16) % 100 < share


def may_show(project: Project, item: Item) -> bool:
    """Whether people may ever see a suggestion for this item: never for the test, nor for a control."""
    split = item.document.given_split
    divided = split in ("train", "dev") or (not split and project.suggest_undivided)
    return divided and not is_control(item.pk, project.suggestion_control)


def show(*, membership: Membership, slots: Sequence[Assignment]) -> dict[int, list[dict[str, Any]]]:
    """item -> what its page may show to this person, the newest of each question; written down as shown.

    `slots` are the person's own, with item and document. Nothing where the project shows none: then it costs no query.
    """
    project = membership.project
    if project.suggestions == Project.Suggestions.NEVER or project.version is None:
        return {}
    answered = {Assignment.State.DONE}
    shown_in = answered if project.suggestions == Project.Suggestions.AFTER else {*answered, Assignment.State.LEASED}
    items = {slot.item_id: slot.item for slot in slots if slot.state in shown_in and may_show(project, slot.item)}
    if not items:
        return {}
    newest = {(row.item_id, row.question): row for row in Suggestion.objects.filter(item__in=items).order_by("pk")}
    found: dict[int, list[dict[str, Any]]] = {}
    seen = []
    for question in project.version.schema["questions"]:
        for item in items.values():
            row = newest.get((item.pk, question["name"]))
            if row is None or not _stands(row, question, item):
                continue
            seen.append(Showing(suggestion=row, person_id=membership.user_id))
            told = {"question": row.question, "value": row.value, "source": row.source, "score": row.score}
            found.setdefault(item.pk, []).append(told)
    Showing.objects.bulk_create(seen, ignore_conflicts=True)
    return found


def _stands(row: Suggestion, question: dict[str, Any], item: Item) -> bool:
    """Whether the suggestion is still an answer under the guideline in force."""
    try:
        return bool(stored(row.value, question, item.about) == row.value)
    except ValueError:
        return False


# What came of it


def of_answer(
    *, membership: Membership, item: int, answer: dict[str, Any], version: GuidelineVersion
) -> dict[str, dict[str, Any]]:
    """What this person has seen of the item's suggestions, as Annotation.suggested; {} without a query where none ever
    was shown in the project.

    Known from what the server has sent, not from what the browser says.
    """
    project = membership.project
    if project.suggested_since is None and project.suggestions == Project.Suggestions.NEVER:
        return {}
    shown = Showing.objects.filter(suggestion__item=item, person=membership.user_id).select_related("suggestion")
    newest = {row.suggestion.question: row.suggestion for row in shown.order_by("suggestion")}
    if not newest:
        return {}
    mine = Annotation.objects.filter(item=item, annotator=membership.user_id, guideline_version=version)
    earlier = mine.exclude(status=Annotation.Status.DRAFT).values("status", "suggested").first()
    questions = {entry["name"]: entry for entry in version.schema["questions"]}
    return {
        name: {
            "suggestion": row.pk,
            "source": row.source,
            "moment": _moment(name, earlier),
            "outcome": outcome(answer.get(name), row.value, questions[name]),
        }
        for name, row in newest.items()
        if name in questions
    }


def _moment(question: str, earlier: Mapping[str, Any] | None) -> str:
    """before: it was in sight when the first answer was given; after: since then."""
    if earlier is None or earlier["status"] != Annotation.Status.SUBMITTED:
        return "before"
    moment: str = earlier["suggested"].get(question, {}).get("moment", "after")
    return moment


def outcome(answer: Any, value: Any, question: dict[str, Any]) -> str:
    """accepted: the answer says the same; changed: a part of it; rejected: nothing of it; none: there is no answer."""
    if answer is None:
        return "none"
    kind = KINDS[question["kind"]]
    try:
        apart = kind.distance(kind.settled(answer, question), kind.settled(value, question), question)
    except (ValueError, KeyError):  # a guideline since then may not know the label
        return "rejected"
    return "accepted" if apart == 0 else "changed" if apart < 1 else "rejected"


def proposed(items: Iterable[int], question: str) -> dict[int, Suggestion]:
    """item -> the newest suggestion for one question."""
    rows = Suggestion.objects.filter(item__in=items, question=question).order_by("pk")
    return {row.item_id: row for row in rows}


def figures(project: Project) -> dict[str, Any] | None:
    """How people and suggestions agree, of the latest 5,000 answers to items that have some; None where none was shown.

    shown: answers given with a suggestion in sight, by outcome; alone: answers without one in sight to items that have
    one (the control share, the test), how many there are and how many say what the model says. Where the accepted
    share is well above the second share, the suggestions sway. Two queries.
    """
    if project.suggested_since is None or project.version is None:
        return None
    has = Suggestion.objects.filter(item=OuterRef("item"))
    answers = Annotation.objects.submitted().filter(Exists(has), project=project).order_by("-pk")
    rows = list(answers.values_list("item", "answer", "suggested")[:LATEST])
    newest: dict[tuple[int, str], Any] = {}
    for row in Suggestion.objects.filter(item__in={item for item, _answer, _suggested in rows}).order_by("pk"):
        newest[row.item_id, row.question] = row.value
    shown: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    for item, answer, suggested in rows:
        for question in project.version.schema["questions"]:
            name = question["name"]
            if suggested.get(name, {}).get("moment") == "before":
                shown[suggested[name]["outcome"]] += 1
            elif name not in suggested and (item, name) in newest:
                alone[outcome(answer.get(name), newest[item, name], question)] += 1
    return {
        "shown": sum(shown.values()),
        "accepted": shown["accepted"],
        "changed": shown["changed"],
        "rejected": shown["rejected"] + shown["none"],
        "alone": sum(alone.values()),
        "equal": alone["accepted"],
    }

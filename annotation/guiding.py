"""Examples and counter-examples of the draft: items that show how a question is answered; a version gets a copy of them.

An example shows a text with its answer to everybody. So its item is known for good: it must have all its answers, is
never asked again, and neither dev nor test may hold it (the freeze sees to that).
"""

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import recording
from annotation import schema as schemas
from annotation.kinds import KINDS
from annotation.models import Assignment, Guideline, GuidelineExample, Item, Project, User
from annotation.text.normal import clean

MOST = 300
TESTS = ("dev", "test")
WHY = 2000
WORDS = 4000
# Characters of a text that a version copies; of a longer one it copies the marked words with what stands around them.
TEXT = 4000


@transaction.atomic
def add_example(
    *,
    project: Project,
    item: Item,
    question: str,
    value: Any,
    why: str = "",
    counter: bool = False,
    words: str = "",
    user: User | None,
) -> GuidelineExample:
    """Put an item into the draft as an example of an answer, or with `counter` of what is not such an answer.

    value: the name of a label of the question, or a whole answer. words: the part of the text that shows it; empty: all
    of it. Raises ValueError where the item still waits for answers or came in for dev or test, or a field is wrong.
    """
    if item.project_id != project.pk:
        raise ValueError(_("This item belongs to another project."))
    Item.objects.select_for_update(no_key=True).get(pk=item.pk)
    _refuse_unknown_items(item)
    Guideline.objects.get_or_create(project=project)
    drafted = GuidelineExample.objects.in_draft().filter(project=project)
    if drafted.count() >= MOST:
        raise ValueError(_("A guideline takes at most %(most)d examples.") % {"most": MOST})
    last = drafted.aggregate(last=Max("place"))["last"]
    fields = _fields(project, item, question, value, why, words)
    try:
        with transaction.atomic():
            row = GuidelineExample.objects.create(
                project=project,
                item=item,
                question=question,
                counter=counter,
                place=0 if last is None else last + 1,
                added_by=user,
                **fields,
            )
    except IntegrityError:
        sentence = _("Item %(item)d is an example for “%(question)s” in the draft already; change it there.")
        raise ValueError(sentence % {"item": item.pk, "question": question}) from None
    recording.record(project=project, kind="example_added", by=user, item=item.pk, question=question)
    return row


def _refuse_unknown_items(item: Item) -> None:
    """Raise ValueError where the item may still be asked about, or is to test somebody."""
    waiting = Assignment.every.filter(item=item, state__in=Assignment.WAITING).count()
    if waiting:
        sentence = _(
            "Item %(item)d still waits for answers (%(count)d). An example shows everybody what to answer: take an item whose answers are all in."
        )
        raise ValueError(sentence % {"item": item.pk, "count": waiting})
    if item.role != Item.Role.WORK:
        raise ValueError(
            _(
                "Item %(item)d is there to train or to test people, so that the guideline may not show it. Take another item."
            )
            % {"item": item.pk}
        )
    if item.document.given_split in TESTS:
        sentence = _(
            "Item %(item)d came in for the %(split)s split: what the guideline shows tests nobody. Take another item."
        )
        raise ValueError(sentence % {"item": item.pk, "split": item.document.given_split})


def _fields(project: Project, item: Item, question: str, value: Any, why: str, words: str) -> dict[str, Any]:
    why, words = clean(why).text.strip(), clean(words).text.strip()
    if len(why) > WHY:
        raise ValueError(_("The reason of an example has at most %(most)d characters.") % {"most": WHY})
    if len(words) > WORDS:
        raise ValueError(_("The words of an example have at most %(most)d characters.") % {"most": WORDS})
    if words not in item.text:
        raise ValueError(_("“%(words)s” does not stand in the text of the item.") % {"words": words[:60]})
    return {"value": fitting(_entry(project, question), value, item), "why": why, "words": words}


def _entry(project: Project, name: str) -> dict[str, Any]:
    """The question as the draft has it, else as the version in force has it; raises ValueError."""
    draft = Guideline.objects.filter(project=project).first()
    asked = {entry["name"]: entry for entry in (project.version.schema["questions"] if project.version else [])}
    asked |= {entry["name"]: entry for entry in (draft.schema.get("questions", []) if draft else [])}
    return schemas.question({"questions": list(asked.values())}, name)


def fitting(entry: dict[str, Any], value: Any, item: Item) -> Any:
    """A label's name as it is, anything else as an answer in stored form; raises ValueError."""
    if isinstance(value, str) and value in schemas.label_names(entry):
        return value
    return KINDS[entry["kind"]].clean(value, entry, item.about)


def labels_of(entry: dict[str, Any], value: Any) -> list[str]:
    """The labels under whose rule an example is shown; [] where its question has none."""
    if isinstance(value, str) and value in schemas.label_names(entry):
        return [value]
    try:
        return KINDS[entry["kind"]].used(value, entry)
    except (ValueError, TypeError, KeyError, AttributeError):  # an answer that this schema does not know
        return []


@transaction.atomic
def change_example(*, example: GuidelineExample, value: Any, why: str, words: str, counter: bool) -> GuidelineExample:
    """Say something else of an example of the draft; versions that have it stay as they are. Raises ValueError."""
    fields = _fields(example.project, example.item, example.question, value, why, words)
    for name, told in {**fields, "counter": counter}.items():
        setattr(example, name, told)
    example.save(update_fields=[*fields, "counter"])
    return example


@transaction.atomic
def move_example(*, example: GuidelineExample, by: int) -> None:
    """Move an example of the draft up (-1) or down (1) among those of its question; at the ends nothing happens."""
    rows = GuidelineExample.objects.in_draft().filter(project=example.project_id, question=example.question)
    order = list(rows.select_for_update())
    here = next(place for place, row in enumerate(order) if row.pk == example.pk)
    there = here + by
    if 0 <= there < len(order):
        order[here], order[there] = order[there], order[here]
        places = sorted(row.place for row in order)
        for row, place in zip(order, places, strict=True):
            row.place = place
        GuidelineExample.objects.bulk_update(order, ["place"])


@transaction.atomic
def remove_example(*, example: GuidelineExample, user: User | None = None) -> None:
    """Take an example out of the draft. One that a version has shown stays on record: its text is known for good."""
    rows = GuidelineExample.objects.filter(pk=example.pk)
    item, question = example.item_id, example.question
    recording.record(project=example.project_id, kind="example_removed", by=user, item=item, question=question)
    if example.published:
        rows.update(removed_at=timezone.now())
    else:
        rows.delete()


def drafted(project: Project) -> list[GuidelineExample]:
    """The examples of the draft in order, with their items; one query."""
    rows = GuidelineExample.objects.in_draft().filter(project=project)
    return list(rows.select_related("item__document", "added_by"))


def as_published(examples: Sequence[GuidelineExample], schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The draft's examples as a version keeps them; raises ValueError naming one that the schema does not fit."""
    found = []
    for example in examples:
        try:
            value = fitting(schemas.question(schema, example.question), example.value, example.item)
        except ValueError as error:
            sentence = _("The example of item %(item)d: %(problem)s Change it, or take it out of the draft.")
            raise ValueError(sentence % {"item": example.item_id, "problem": error}) from None
        found.append({**copied(example), "value": value})
    return found


def copied(example: GuidelineExample) -> dict[str, Any]:
    """An example as a version keeps it."""
    document = example.item.document
    return {
        "item": example.item_id,
        "id": document.external_id,
        "title": document.title,
        "language": document.language,
        "question": example.question,
        "value": example.value,
        "counter": example.counter,
        "why": example.why,
        "words": example.words,
        "text": excerpt(example.item.text, example.words),
    }


def excerpt(text: str, words: str) -> str:
    """The text, or of a long one the words with what stands around them."""
    if len(text) <= TEXT:
        return text
    start = max(0, text.index(words) - (TEXT - len(words)) // 2) if words in text else 0
    end = min(len(text), start + TEXT)
    return ("… " if start else "") + text[start:end] + (" …" if end < len(text) else "")


def shown(examples: Sequence[dict[str, Any]], schema: dict[str, Any], *, most: int = 400) -> dict[str, Any]:
    """question -> {label or "": examples}, as a version has them, for pages.

    Each with `before`, `words`, `after`: the marked words, or the beginning of the text, and what stands around them.
    """
    found: dict[str, Any] = {}
    for example in examples:
        entry = next((entry for entry in schema.get("questions", []) if entry["name"] == example["question"]), None)
        if entry is None:
            continue
        row = {**example, **_cut(example["text"], example["words"], most)}
        for label in labels_of(entry, example["value"]) or [""]:
            found.setdefault(entry["name"], {}).setdefault(label, []).append(row)
    return found


def _cut(text: str, words: str, most: int) -> dict[str, str]:
    """The marked words, with at most `most` characters of the text around them."""
    if not words or words == text:
        return {"before": "", "words": "", "after": text[:most] + (" …" if len(text) > most else "")}
    place = text.find(words)
    room = max(0, most - len(words)) // 2
    before, after = text[max(0, place - room) : place], text[place + len(words) : place + len(words) + room]
    return {
        "before": ("… " if place > room else "") + before,
        "words": words,
        "after": after + (" …" if len(text) > place + len(words) + room else ""),
    }

"""The texts of an import are cleaned anew, with other steps or with none; what people have worked on stays as it is."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from annotation import assigning, recording
from annotation.jobs import State
from annotation.models import (
    Annotation,
    Assignment,
    Case,
    Document,
    Gold,
    GuidelineExample,
    Import,
    Item,
    PrivateHit,
    Project,
    RoundComment,
    Suggestion,
    Thread,
    TrainingAnswer,
    User,
)
from annotation.records import document_key
from annotation.settling import batches
from annotation.text.cleaning import STEPS, Cleaner
from annotation.text.furniture import Repeats
from annotation.text.segments import SIZE, cut

BATCH = 500
# Documents that a page waits for.
AT_ONCE = 500
# Documents of which a page counts who has worked on them.
COUNTED = 5000
# Documents in which lines that repeat are looked for.
LOOKED_AT = 20_000

Tick = Callable[[int, int], None]


def checked(row: Import, steps: Sequence[str]) -> list[str]:
    """The steps in their order; raises ValueError where one is none, or where nothing has come in by this import."""
    if strange := [name for name in steps if name not in STEPS]:
        raise ValueError(
            _("“%(step)s” is no step of cleaning. Steps: %(all)s.") % {"step": strange[0][:40], "all": ", ".join(STEPS)}
        )
    if row.what != Import.What.ITEMS or row.is_live or row.state == State.PREPARED:
        raise ValueError(_("Texts can be cleaned anew once their import has ended."))
    return [name for name in STEPS if name in steps]


def held() -> Q:
    """Items that somebody has worked on, or works on: their text stands, because a changed text is a new item."""
    here = OuterRef("pk")
    known = [
        Annotation.objects.filter(item=here),
        Gold.objects.filter(item=here),
        Case.objects.filter(item=here),
        GuidelineExample.objects.filter(item=here),
        Suggestion.objects.filter(item=here),
        Thread.objects.filter(item=here),
        TrainingAnswer.objects.filter(item=here),
        RoundComment.objects.filter(item=here),
        Assignment.every.filter(item=here).exclude(state=Assignment.State.OPEN, batch=None),
        PrivateHit.objects.filter(document=OuterRef("document")).exclude(state=PrivateHit.State.OPEN),
    ]
    found = ~Q(role=Item.Role.WORK) | Q(held_out=True) | Q(left_out__isnull=False)
    for rows in known:
        found |= Q(Exists(rows))
    return found


def count(row: Import, *, most: int | None = None) -> dict[str, int | None]:
    """How many documents an import brought in, how many were changed by steps, and how many nobody has worked on.

    most: of more documents only their number is told, the rest is None.
    """
    documents = Document.objects.filter(imported_in=row)
    total = documents.count()
    if most is not None and total > most:
        return {"documents": total, "changed": None, "free": None}
    busy = Item.objects.filter(held(), document=OuterRef("pk"))
    return {
        "documents": total,
        "changed": documents.filter(cleaning__has_key="steps").count(),
        "free": documents.filter(~Exists(busy)).count(),
    }


@transaction.atomic
def reclean(*, row: Import, steps: Sequence[str], user: User | None, tick: Tick | None = None) -> dict[str, int]:
    """Make the texts of an import anew from what came, by these steps (none: the normal form alone).

    Returns how many were `changed`, are the `same`, and are `kept` because people have worked on them. Raises ValueError.
    """
    steps = checked(row, steps)
    Project.objects.select_for_update(no_key=True).get(pk=row.project_id)
    # Somebody who takes an item meanwhile waits, or goes on to another.
    documents = Document.objects.filter(imported_in=row).order_by("pk")
    cleaner = Cleaner(steps, repeated=_repeated(documents, steps))
    counts = {"changed": 0, "same": 0, "kept": 0}
    total, done = documents.count(), 0
    for batch in batches(documents.values_list("pk", flat=True).iterator(chunk_size=BATCH), BATCH):
        _clean_batch(row, batch, cleaner, counts)
        done += len(batch)
        if tick:
            tick(done, total)
    options = {**row.options, "clean": steps}
    Import.objects.filter(pk=row.pk).update(options=options)
    row.options = options
    recording.record(
        project=row.project_id,
        kind="cleaned_anew",
        by=user,
        file=row.filename,
        steps=steps,
        count=counts["changed"],
        kept=counts["kept"],
    )
    return counts


def _repeated(documents: QuerySet[Document], steps: Sequence[str]) -> frozenset[str]:
    if "boilerplate" not in steps:
        return frozenset()
    before, found = Cleaner([name for name in steps if name in ("mojibake", "html")]), Repeats()
    for text, raw in islice(documents.values_list("text", "raw").iterator(chunk_size=BATCH), LOOKED_AT):
        found.add(before.clean(raw if raw is not None else text).text)
    return found.common()


def _clean_batch(row: Import, pks: Iterable[int], cleaner: Cleaner, counts: dict[str, int]) -> None:
    items: dict[int, list[Item]] = {}
    slots = Assignment.objects.filter(item__document__in=pks, state=Assignment.State.OPEN)
    list(slots.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
    for item in Item.objects.filter(document__in=pks).annotate(busy=held_flag()).order_by("start", "pk"):
        items.setdefault(item.document_id, []).append(item)
    fresh: list[Document] = []
    for document in Document.objects.filter(pk__in=pks):
        if any(item.busy for item in items.get(document.pk, [])):  # type: ignore[attr-defined]
            counts["kept"] += 1
            continue
        raw = document.raw if document.raw is not None else document.text
        cleaned = cleaner.clean(raw)
        if not cleaned.text:
            counts["kept"] += 1
            continue
        told = {name: value for name, value in document.cleaning.items() if name != "steps"}
        told |= {"steps": cleaned.done} if cleaned.done else {}
        if cleaned.text == document.text:
            counts["same"] += 1
            continue
        document.raw = raw if cleaned.text != raw else None
        document.text, document.cleaning, document.screened = cleaned.text, told, 0
        document.text_key = document_key(cleaned.text, document.candidates)
        fresh.append(document)
    counts["changed"] += len(fresh)
    Document.objects.bulk_update(fresh, ["text", "raw", "cleaning", "text_key", "screened"], batch_size=BATCH)
    # What stood at these places stands there no more; a search finds it anew.
    PrivateHit.objects.filter(document__in=fresh).delete()
    _cut_anew(row, [(document, items.get(document.pk, [])) for document in fresh])


def held_flag() -> Any:
    """The same as a value of a query."""
    return Exists(Item.objects.filter(held(), pk=OuterRef("pk")))


def _cut_anew(row: Import, fresh: list[tuple[Document, list[Item]]]) -> None:
    """The passages of the new texts; items stay as far as there are as many, others are made or go."""
    how, size = row.options.get("segment") or "document", int(row.options.get("passage_size") or SIZE)
    moved: list[Item] = []
    made: list[Item] = []
    gone: list[int] = []
    for document, items in fresh:
        if not items or (how == "document" and all(item.start is None for item in items)) or document.candidates:
            continue
        parts: list[tuple[int | None, int | None]] = list(cut(document.text, how, size))
        places = parts if len(parts) > 1 else [(None, None)]
        for item, (start, end) in zip(items, places, strict=False):
            item.start, item.end = start, end
            moved.append(item)
        gone += [item.pk for item in items[len(places) :]]
        made += [
            Item(project_id=row.project_id, document=document, start=start, end=end, in_pool=items[0].in_pool)
            for start, end in places[len(items) :]
        ]
    Item.objects.bulk_update(moved, ["start", "end"], batch_size=BATCH)
    Item.objects.filter(pk__in=gone).delete()
    asked = [item.pk for item in Item.objects.bulk_create(made, batch_size=2000) if not item.in_pool]
    if asked:
        assigning.open_slots(project=row.project, items=asked)

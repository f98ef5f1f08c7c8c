"""What masked private data becomes: placeholders such as [EMAIL_1], and where the places of the text lie beside them.

A placeholder is the same for the same value in all of a project and all of its versions. A mark that lies partly in what is
masked grows to the whole placeholder.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django.db.models import Exists, OuterRef

from annotation.kinds import KINDS, About
from annotation.models import Document, Item, PrivateHit
from annotation.settling import batches
from annotation.text import privacy
from annotation.text.offsets import Edit, Moved, Step, moved

LONGEST_PART = 200
Row = tuple[str, int, int, str, int]


def parts(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(part, text) of all words of a document: its text (''), title, reference, responses and metadata."""
    yield "", fields["text"]
    yield "title", fields["title"]
    yield "reference", fields["reference"]
    for place, entry in enumerate(fields["candidates"]):
        yield f"candidates/{place}", str(entry.get("text", ""))
    for name, value in fields["metadata"].items():
        if isinstance(value, str):
            yield _metadata(name), value


def _metadata(name: str) -> str:
    if len(name) > LONGEST_PART:
        name = f"{name[:LONGEST_PART]}~{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
    return f"metadata/{name}"


class Masks:
    """What a person or a policy decided about private data in documents. documents: only these (None: the project's)."""

    def __init__(self, project: int, documents: Collection[int] | None = None) -> None:
        self.hidden: dict[int, list[Row]] = defaultdict(list)
        self.kept: dict[int, list[Row]] = defaultdict(list)
        rows = PrivateHit.objects.filter(project=project).exclude(state=PrivateHit.State.OPEN)
        columns = ("document", "state", "part", "start", "end", "kind", "number")
        for batch in [None] if documents is None else batches(sorted(documents), 500):
            some = rows if batch is None else rows.filter(document__in=batch)
            for document, state, *hit in some.order_by("pk").values_list(*columns).iterator(chunk_size=5000):
                told = self.hidden if state == PrivateHit.State.MASK else self.kept
                told[document].append((hit[0], hit[1], hit[2], hit[3], hit[4]))

    def edits(self, document: int, part: str = "", start: int = 0, end: int | None = None) -> list[Edit]:
        """What is replaced in a part of the document, or in the passage [start, end) of its text."""
        found = []
        for where, first, last, kind, number in sorted(self.hidden.get(document, ())):
            if where == part and last > start and (end is None or first < end):
                stop = last if end is None else min(last, end)
                found.append((max(first, start) - start, stop - start, privacy.placeholder(kind, number)))
        return found

    def text(self, document: int, part: str, words: str) -> str:
        """A part of the document with its placeholders."""
        edits = self.edits(document, part)
        return Step(edits).apply(words) if edits else words

    def moved(self, document: int, words: str, start: int = 0, end: int | None = None) -> Moved | None:
        """The document's text or a passage of it (`words`) masked and cleaned, with its places; None where nothing is masked."""
        edits = self.edits(document, "", start, end)
        return moved(words, [Step(edits)]) if edits else None

    def values(self, document: int, words: str, start: int = 0, end: int | None = None) -> dict[str, str]:
        """What is masked in the text or the passage -> its placeholder, for free words that repeat it."""
        return {words[first:last]: word for first, last, word in self.edits(document, "", start, end)}

    def fields(self, document: int, fields: dict[str, Any]) -> dict[str, Any]:
        """Title, reference, responses and metadata of a document with their placeholders; the others as they are."""
        if document not in self.hidden:
            return fields
        found = {**fields}
        for name in ("title", "reference"):
            if name in found:
                found[name] = self.text(document, name, found[name])
        if "candidates" in found:
            found["candidates"] = [
                {**entry, "text": self.text(document, f"candidates/{place}", str(entry.get("text", "")))}
                for place, entry in enumerate(found["candidates"])
            ]
        if "metadata" in found:
            found["metadata"] = {
                name: self.text(document, _metadata(name), value) if isinstance(value, str) else value
                for name, value in found["metadata"].items()
            }
        return found

    def counts(self, document: int, start: int = 0, end: int | None = None) -> tuple[list[str], list[str]]:
        """The kinds of what is masked and of what was kept, one for each hit, of a document or a passage of it."""
        hidden, kept = (
            [kind for part, first, last, kind, _n in rows.get(document, ()) if _is_in(part, first, last, start, end)]
            for rows in (self.hidden, self.kept)
        )
        return hidden, kept


def _is_in(part: str, first: int, last: int, start: int, end: int | None) -> bool:
    return bool(part) or (last > start and (end is None or first < end))


class Frozen:
    """Answers to items as they fit the texts that a version froze: moved, and without what was masked.

    texts: item -> its frozen text. Where what is decided today gives another text than was frozen, an answer that is about
    words is withheld: it would tell what was masked then, or point elsewhere.
    """

    def __init__(self, project: int, texts: Mapping[int, str]) -> None:
        hits = PrivateHit.objects.filter(document=OuterRef("document"))
        rows = Item.objects.filter(Exists(hits), pk__in=list(texts)).select_related("document")
        items = {item.pk: item for item in rows}
        masks = Masks(project, {item.document_id for item in items.values()})
        self.places: dict[int, Moved | None] = {}
        self.values: dict[int, dict[str, str]] = {}
        for pk, item in items.items():
            place = (item.document_id, item.text, item.start or 0, item.end)
            found = masks.moved(*place) or moved(item.text)
            self.places[pk] = found if found.text == texts[pk] else None
            self.values[pk] = masks.values(*place)

    def answer(self, item: int, question: Mapping[str, Any], value: Any) -> Any:
        """The value as it may be told; None where it is withheld."""
        kind = KINDS[question["kind"]]
        if item not in self.places or (kind.move is None and question["kind"] != "text"):
            return value
        places = self.places[item]
        if places is None:
            return None
        if kind.move is None:
            return self.words(item, value) if isinstance(value, str) else value
        if places.raw == places.text:
            return value
        try:
            return kind.clean(kind.move(value, places), dict(question), About(places.text))
        except ValueError:
            return None

    def words(self, item: int, words: str) -> str:
        """Free words, such as a comment, without what is masked in the text; empty where that is not known any more."""
        if item in self.places and self.places[item] is None:
            return ""
        for value in sorted(self.values.get(item, ()), key=len, reverse=True):
            words = words.replace(value, self.values[item][value])
        return words


def masked(unit: Document | Item) -> tuple[str, Moved]:
    """The words of a document or an item with placeholders, and where its places lie; as a version would have them now."""
    document = unit.document if isinstance(unit, Item) else unit
    start, end = (unit.start or 0, unit.end) if isinstance(unit, Item) else (0, None)
    words = unit.text
    masks = Masks(document.project_id, [document.pk])
    found = masks.moved(document.pk, words, start, end) or moved(words)
    return found.text, found

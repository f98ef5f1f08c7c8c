"""PURE. What of the answers to a whole document belongs to which of its passages: marks and events go with their words."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from annotation import schema as schemas
from annotation.kinds import KINDS
from annotation.kinds.places import short
from annotation.text.segments import Segment
from annotation.text.words import _

Answer = dict[str, Any]


def placed(schema: Mapping[str, Any], name: str) -> bool:
    """Whether the answers to a question stand at places of the text, so that they can be divided."""
    return any(entry["name"] == name and KINDS[entry["kind"]].move is not None for entry in schema["questions"])


def divide(answer: Answer, segments: Sequence[Segment], schema: dict[str, Any]) -> list[Answer]:
    """An answer in stored form, of placed questions alone, as one answer for each segment, counted from its start.

    Raises ValueError naming what crosses a border or lies between the segments.
    """
    found: list[Answer] = [{} for _segment in segments]
    for name, entries in answer.items():
        title = schemas.question(schema, name)["name"]
        where = [_where(entry, segments, title) for entry in entries]
        order: dict[int, list[int]] = {}
        for at, place in enumerate(where):
            order.setdefault(place, []).append(at)
        for place, (start, _end) in enumerate(segments):
            mine = order.get(place, [])
            renumbered = {old: new for new, old in enumerate(mine)}
            found[place][name] = [_moved(entries[at], -start, renumbered, title) for at in mine]
    return found


def _where(entry: Mapping[str, Any], segments: Sequence[Segment], title: str) -> int:
    """The segment that holds all places of a mark or event."""
    extents = list(_extents(entry))
    if not extents:
        raise ValueError(
            _("“{question}”: an event without words in the text belongs to no passage.").format(question=title)
        )
    low, high = min(start for start, _e, _t in extents), max(end for _s, end, _t in extents)
    place = bisect_right([start for start, _end in segments], low) - 1
    if place < 0 or high > segments[place][1]:
        sentence = _("“{question}”: “{words}” (from {start} to {end}) crosses the border of a passage. Import whole documents, or longer passages.")  # fmt: skip
        words = short(" … ".join(dict.fromkeys(text for _s, _e, text in extents if text)))
        raise ValueError(sentence.format(question=title, words=words, start=low, end=high))
    return place


def _extents(entry: Any) -> Iterator[tuple[int, int, str]]:
    if isinstance(entry, Mapping):
        if isinstance(entry.get("start"), int) and isinstance(entry.get("end"), int):
            yield entry["start"], entry["end"], str(entry.get("text") or "")
        for part in entry.values():
            yield from _extents(part)
    elif isinstance(entry, list):
        for part in entry:
            yield from _extents(part)


def _moved(entry: Any, by: int, order: Mapping[int, int], title: str) -> Any:
    """The entry with every offset moved, and its relations to others of the same segment."""
    if isinstance(entry, list):
        return [_moved(part, by, order, title) for part in entry]
    if not isinstance(entry, Mapping):
        return entry
    found: dict[str, Any] = {}
    for name, part in entry.items():
        if name in ("start", "end") and isinstance(part, int):
            found[name] = part + by
        elif name == "parts":
            found[name] = [[start + by, end + by] for start, end in part]
        elif name == "relations":
            if any(relation["to"] not in order for relation in part):
                raise ValueError(_("“{question}”: a relation connects two passages. Import whole documents, or longer passages.").format(question=title))  # fmt: skip
            found[name] = [{**relation, "to": order[relation["to"]]} for relation in part]
        else:
            found[name] = _moved(part, by, order, title)
    return found

"""PURE. Marks in a text: what they have in common, and the forms in which other tools write them."""

import ast
import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from annotation.kinds import places
from annotation.text.words import _

Mark = dict[str, Any]

WRITTEN = 100_000
# What other tools call the parts of a mark.
STARTS = ("start", "start_offset", "startOffset", "start_char", "begin")
ENDS = ("end", "end_offset", "endOffset", "end_char", "stop")
NAMES = ("label", "labels", "type", "tag", "entity", "entity_group", "entity_type", "category")
QUOTES = ("text", "quote", "word", "surface", "mention")
LISTS = ("spans", "entities", "label", "labels", "result", "marks")


def key(mark: Mark) -> tuple[int, int, str]:
    """What tells marks apart and sorts them: start, end and label."""
    return mark["start"], mark["end"], mark["label"]


def extent(mark: Mark) -> list[list[int]]:
    """Its parts, [start, end] each; one for most marks."""
    parts: list[list[int]] = mark.get("parts") or [[mark["start"], mark["end"]]]
    return parts


def place_of(mark: Mark) -> tuple[Any, ...]:
    """What exact comparisons compare beside the label: all of its parts."""
    return tuple(end for part in extent(mark) for end in part)


def shared(mark: Mark, other: Mark) -> int:
    """How many characters two marks have in common."""
    if mark["end"] <= other["start"] or other["end"] <= mark["start"]:
        return 0
    if "parts" not in mark and "parts" not in other:
        return int(min(mark["end"], other["end"]) - max(mark["start"], other["start"]))
    pairs = ((one, two) for one in extent(mark) for two in extent(other))
    return sum(max(0, min(one[1], two[1]) - max(one[0], two[0])) for one, two in pairs)


def union(marks: Iterable[Mark]) -> list[list[int]]:
    """The stretches that any of the marks covers; those that only touch each other stay two."""
    found: list[list[int]] = []
    for start, end in sorted(part for mark in marks for part in extent(mark)):
        if found and start < found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return found


def cover(marks: Iterable[Mark]) -> Callable[[Mark], bool]:
    """Whether a mark shares a character with any of these, without a look at each: answers may hold ten thousand."""
    stretches = union(marks)
    ends = [end for _start, end in stretches]

    def meets(mark: Mark) -> bool:
        places = ((bisect_right(ends, start), end) for start, end in extent(mark))
        return any(place < len(ends) and stretches[place][0] < end for place, end in places)

    return meets


def covers(marks: Iterable[Mark]) -> dict[str, Callable[[Mark], bool]]:
    """`cover` of the marks with each label."""
    by_label: dict[str, list[Mark]] = defaultdict(list)
    for mark in marks:
        by_label[mark["label"]].append(mark)
    return {label: cover(listed) for label, listed in by_label.items()}


def meets(mark: Mark, covered: Mapping[str, Callable[[Mark], bool]]) -> bool:
    """Whether some mark with its label shares a character with it."""
    return mark["label"] in covered and covered[mark["label"]](mark)


def numbered(place: int) -> str:
    """What sentences call the k-th mark, counted from 0."""
    return _("Mark {place}").format(place=place + 1)


def words_of(mark: Mark) -> str:
    """The beginning of its words, or its place where they are not known."""
    return places.short(mark.get("text") or f"{mark['start']}–{mark['end']}")


def parts_of(entry: Mark, place: int) -> list[list[int]]:
    """[[start, end], …] of the mark with this number, sorted and apart from each other; raises ValueError."""
    given = entry.get("parts") or [[entry.get("start"), entry.get("end")]]
    if not isinstance(given, list) or not all(isinstance(part, (list, tuple)) and len(part) == 2 for part in given):
        raise ValueError(_("Mark {place}: its parts must be a list of [start, end].").format(place=place))
    found: list[list[int]] = []
    name = numbered(place - 1)
    for part in sorted(list(places.stretch(start, end, name)) for start, end in given):
        if found and part[0] <= found[-1][1]:
            found[-1][1] = max(found[-1][1], part[1])
        else:
            found.append(part)
    for side, end in (("start", found[0][0]), ("end", found[-1][1])):
        if entry.get(side) is not None and places.offset(entry[side], name) != end:
            sentence = _("Mark {place}: its parts go from {start} to {end}, its own start and end do not.")
            raise ValueError(sentence.format(place=place, start=found[0][0], end=found[-1][1]))
    return found


# Forms of other tools


def listed(text: str) -> Any:
    """What a cell holds as JSON, or as Python writes it; None where it holds neither."""
    text = text.strip()
    for read_as in (json.loads, ast.literal_eval) if len(text) <= WRITTEN else (json.loads,):
        try:
            return read_as(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return None


def of_object(value: dict[str, Any]) -> Any:
    """The list in {"entities": [...], "relations": [...]}, relations as entries of it."""
    name = next((name for name in LISTS if isinstance(value.get(name), list)), None)
    if name is None:
        return None
    relations = value.get("relations")
    joined = [relation for relation in relations if _is_joint(relation)] if isinstance(relations, list) else []
    return [*value[name], *joined]


def _is_joint(entry: Any) -> bool:
    """Whether an entry joins two marks by their ids."""
    return isinstance(entry, dict) and "from_id" in entry and "to_id" in entry


def entries_of(value: Sequence[Any]) -> list[Mark]:
    """Marks of any tool under our names; raises ValueError for what is no mark. Relations point to places in the list."""
    found: list[Mark] = []
    by_id: dict[str, int] = {}
    joints = []
    for place, entry in enumerate(value, 1):
        if _is_joint(entry):
            joints.append(entry)
            continue
        for mark in _named(entry, place):
            if isinstance(entry, dict) and entry.get("id") is not None:
                by_id.setdefault(str(entry["id"]), len(found))
            found.append(mark)
    for entry in joints:
        ends = [by_id.get(str(entry[side])) for side in ("from_id", "to_id")]
        if None in ends:
            raise ValueError(_("A relation joins marks that are not there."))
        source = found[ends[0] or 0]
        name = entry.get("labels") or entry.get("type") or entry.get("label") or ""
        relation = {"type": name[0] if isinstance(name, list) else name, "to": ends[1]}
        source["relations"] = [*(source.get("relations") or []), relation]
    return found


def _named(entry: Any, place: int) -> Iterator[Mark]:
    """The marks that one entry stands for: one for each of its labels."""
    if isinstance(entry, (list, tuple)):
        if len(entry) != 3:
            raise ValueError(_("Mark {place} must be [start, end, label] or an object.").format(place=place))
        yield {"start": entry[0], "end": entry[1], "label": entry[2]}
        return
    if not isinstance(entry, dict):
        raise ValueError(_("Mark {place} must be [start, end, label] or an object.").format(place=place))
    inner = entry.get("value")
    if isinstance(inner, dict) and not any(name in entry for name in STARTS) and "parts" not in entry:
        if "start" not in inner:
            return  # a result of Label Studio that answers another question
        entry = inner
    name = _first(entry, NAMES)
    kept = {part: entry[part] for part in ("parts", "link", "value", "relations") if entry.get(part) is not None}
    for one in name if isinstance(name, list) and name else [name]:
        yield {
            "start": _first(entry, STARTS),
            "end": _first(entry, ENDS),
            "label": one[0] if isinstance(one, list) and one else one,
            "text": _first(entry, QUOTES),
            **kept,
        }


def _first(entry: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((entry[name] for name in names if entry.get(name) not in (None, "")), None)

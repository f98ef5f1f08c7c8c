"""PURE. Marks side by side: a row for every place that somebody marked, with the mark of each; differing ends are one row."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotation.alignment.rows import BOUNDARY, DETAIL, LABEL, MISSING, Aligned, Bit, Pair, row
from annotation.kinds import spans
from annotation.kinds.marks import Mark, place_of, shared, words_of


@dataclass
class Place:
    """Marks of several people that are about the same words, with what comparing it with another place needs.

    parts: the distinct words that are marked, one mark of each with all labels that they have. Nobody marks two of them,
    so there are no more of them than people, however many marks there are.
    """

    marks: list[tuple[int, Mark]] = field(default_factory=list)
    people: set[int] = field(default_factory=set)
    parts: dict[Any, tuple[Mark, set[str]]] = field(default_factory=dict)
    start: int = 0
    end: int = 0

    def add(self, person: int, mark: Mark) -> None:
        """One more mark."""
        self.start = min(self.start, int(mark["start"])) if self.marks else int(mark["start"])
        self.end = max(self.end, int(mark["end"]))
        self.marks.append((person, mark))
        self.people.add(person)
        self.parts.setdefault(place_of(mark), (mark, set()))[1].add(mark["label"])

    def join(self, other: "Place") -> None:
        """All marks of another place, too."""
        for person, mark in other.marks:
            self.add(person, mark)

    def of(self, person: int) -> list[Mark]:
        """The marks of one person."""
        return [mark for who, mark in self.marks if who == person]


def align(values: Sequence[Any], question: dict[str, Any]) -> Aligned:
    """Rows in the order of the text."""
    asked = [value is not None for value in values]
    labels = {label["name"]: label for label in question["labels"]}
    rows, disputed, pairs = [], set[str](), set[Pair]()
    for place in places(values):
        what = _what(place, asked)
        given = [place.of(one) for one in range(len(values))]
        bits = [tuple(_bit(mark, values[one] or [], labels) for mark in marks) if asked[one] else None for one, marks in enumerate(given)]  # fmt: skip
        names = [frozenset(mark["label"] for mark in marks) if asked[one] else None for one, marks in enumerate(given)]
        if what:
            disputed |= {name for each in names for name in each or ()}
            pairs |= _pairs(names, BOUNDARY in what)
        words = min((mark for _person, mark in place.marks), key=lambda mark: mark["start"] - mark["end"])
        first = labels.get(place.marks[0][1]["label"], {})
        keys = [json.dumps([{**mark, "relations": None} for mark in marks], sort_keys=True) for marks in given]
        rows.append(row(f"“{words_of(words)}”", bits, what=what, keys=keys, color=first.get("color", 0), place=(place.start, place.end)))  # fmt: skip
    return Aligned(tuple(rows), tuple(name for name in labels if name in disputed), tuple(sorted(pairs)))


def places(values: Sequence[Any]) -> list[Place]:
    """All marks, those of one place together: the same words first, then overlapping ones of different people."""
    exact: dict[Any, Place] = {}
    for person, marks in enumerate(values):
        for mark in marks or []:
            exact.setdefault(place_of(mark), Place()).add(person, mark)
    found: list[Place] = []
    for place in sorted(exact.values(), key=lambda one: (one.start, one.end)):
        twin = next((other for other in _before(found, place) if _are_one(other, place)), None)
        if twin:
            twin.join(place)
        else:
            found.append(place)
    return sorted(found, key=lambda one: (one.start, one.end))


def _before(found: Sequence[Place], place: Place) -> Iterator[Place]:
    """Those that were found lately and may reach into this place; far ones are not looked at."""
    for other in reversed(found[-50:]):
        if other.end > place.start:
            yield other


def _are_one(one: Place, other: Place) -> bool:
    """Whether no person has marked both, and the marks share most of the shorter one's words, or words and a label."""
    if one.people & other.people:
        return False
    for mark, labels in one.parts.values():
        for second, others in other.parts.values():
            common = shared(mark, second)
            shorter = min(mark["end"] - mark["start"], second["end"] - second["start"])
            if common and (2 * common >= shorter or labels & others):
                return True
    return False


def _what(place: Place, asked: Sequence[bool]) -> list[str]:
    found = []
    given = [place.of(person) for person in sorted(place.people)]
    if len(given) < sum(asked):
        found.append(MISSING)
    if len({frozenset(mark["label"] for mark in marks) for marks in given}) > 1:
        found.append(LABEL)
    if len({frozenset(place_of(mark) for mark in marks) for marks in given}) > 1:
        found.append(BOUNDARY)
    details = {
        json.dumps(
            [[mark.get(part) for part in ("link", "value")] + [len(mark.get("relations", []))] for mark in marks]
        )
        for marks in given
    }
    return [*found, DETAIL] if len(details) > 1 and not found else found


def _pairs(names: Sequence[frozenset[str] | None], boundary: bool) -> set[Pair]:
    given = [each for each in names if each is not None]
    found: set[Pair] = set()
    for place, one in enumerate(given):
        for other in given[place + 1 :]:
            left, right = sorted(one - other), sorted(other - one)
            found |= {(min(a, b), max(a, b)) for a in left or [""] for b in right or [""]} - {("", "")}
    if boundary and not found:
        found |= {(name, name) for each in given for name in each}
    return found


def _bit(mark: Mark, marks: Sequence[Mark], labels: dict[str, Any]) -> Bit:
    label = labels.get(mark["label"], {})
    return Bit(f"“{words_of(mark)}”", label.get("title", mark["label"]), label.get("color", 0), spans.more_of(mark, marks))  # fmt: skip

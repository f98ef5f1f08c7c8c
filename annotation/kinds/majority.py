"""PURE. How far answers of marks lie apart, and which marks most of several people gave."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from annotation.kinds.marks import Mark, extent, place_of


def _facts(marks: Sequence[Mark]) -> set[Any]:
    """All that an answer says: its marks, links, values and relations."""
    told: set[Any] = set()
    for mark in marks:
        name = (place_of(mark), mark["label"])
        told.add(name)
        told.update((name, part, json.dumps(mark[part], sort_keys=True)) for part in ("link", "value") if part in mark)
        for relation in mark.get("relations", []):
            other = marks[relation["to"]]
            told.add((name, "relation", relation["type"], place_of(other), other["label"]))
    return told


def _apart(one: set[Any], other: set[Any]) -> float:
    return 1 - 2 * len(one & other) / (len(one) + len(other)) if one or other else 0.0


def distance(a: Sequence[Mark], b: Sequence[Mark]) -> float:
    """1 - F1 over marks that are the same in extent and label; 0 where both have none.

    Where all marks are the same, 1 - F1 over links, values and relations too, so that 0 says that nothing differs.
    """
    exact = [{(place_of(mark), mark["label"]) for mark in marks} for marks in (a, b)]
    return _apart(*exact) or _apart(_facts(a), _facts(b))


def merge(values: Sequence[list[Mark]]) -> tuple[list[Mark], float] | None:
    """The marks that more than half gave, and the smallest majority that stands behind one of them or its absence.

    Of a mark that stays, link, value and relations are what more than half of those say who gave it (and the mark that
    it leads to). None where a person must look: something has exactly half, no link or value has a majority, or at
    least half marked something at a place (marks that overlap in a row) and no mark there has a majority, because they
    differ in its ends or label.
    """
    if not values:
        return None
    n = len(values)
    given = [{(place_of(mark), mark["label"]): mark for mark in value} for value in values]
    counts = Counter(name for marks in given for name in marks)
    kept = sorted(name for name, count in counts.items() if 2 * count > n)
    if any(2 * count == n for count in counts.values()) or _undecided(given, set(kept), n):
        return None
    shares = [max(count, n - count) / n for count in counts.values()]
    found = []
    for name in kept:
        marks = [(value, answer[name]) for value, answer in zip(values, given, strict=True) if name in answer]
        mark = {part: marks[0][1][part] for part in ("start", "end", "label", "text", "parts") if part in marks[0][1]}
        for part in ("link", "value"):
            told = Counter(json.dumps(other.get(part), sort_keys=True) for _value, other in marks)
            words, count = told.most_common(1)[0]
            if 2 * count <= len(marks):
                return None
            shares.append(count / len(marks))
            if words != "null":
                mark[part] = json.loads(words)
        found.append(mark)
    joined = _joined(values, given, kept)
    if joined is None:
        return None
    for source, relation, target, share in joined:
        found[source].setdefault("relations", []).append({"type": relation, "to": target})
        shares.append(share)
    return found, min(shares, default=1.0)


def _undecided(given: Sequence[Mapping[Any, Mark]], kept: set[Any], n: int) -> bool:
    """Whether at least half marked something at a place where no mark has a majority."""
    pieces = sorted(
        (start, end, name, person)
        for person, marks in enumerate(given)
        for name, mark in marks.items()
        for start, end in extent(mark)
    )
    reach, people, sure = -1, set[int](), True
    for start, end, name, person in pieces:
        if start >= reach:
            if 2 * len(people) >= n and not sure:
                return True
            people, sure = set(), False
        people.add(person)
        sure = sure or name in kept
        reach = max(reach, end)
    return 2 * len(people) >= n and not sure


def _joined(
    values: Sequence[list[Mark]], given: Sequence[Mapping[Any, Mark]], kept: Sequence[Any]
) -> list[tuple[int, str, int, float]] | None:
    """(mark, relation, mark, share) of relations that most of those gave who gave both marks; None for one of half."""
    counts: Counter[tuple[Any, str, Any]] = Counter()
    for value in values:
        for mark in value:
            for relation in mark.get("relations", []):
                other = value[relation["to"]]
                ends = (place_of(mark), mark["label"]), (place_of(other), other["label"])
                counts[ends[0], relation["type"], ends[1]] += 1
    rank = {name: place for place, name in enumerate(kept)}
    found = []
    for (source, name, target), count in sorted(counts.items()):
        if source not in rank or target not in rank:
            continue
        both = sum(source in marks and target in marks for marks in given)
        if 2 * count == both:
            return None
        if 2 * count > both:
            found.append((rank[source], name, rank[target], count / both))
    return found

"""Who said what about which unit: answers as sorted integer codes, and the counts every coefficient starts from."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

_ROOM = 2**62  # keys of distinct_rows stay below this, so that they fit into a signed 64-bit integer


@dataclass(frozen=True, eq=False)
class Ratings:
    """n answers as three parallel columns of codes, sorted by unit, then rater.

    unit, rater, value: int32[n], indices into units, raters and categories.
    group: int32[n_units] or None; units with the same number (passages of one document) are resampled together.
    Raises ValueError where the columns are not sorted or a rater answers a unit twice.
    """

    unit: Codes
    rater: Codes
    value: Codes
    units: list[str]
    raters: list[str]
    categories: list[str]
    group: Codes | None = None

    def __post_init__(self) -> None:
        if not self.unit.size == self.rater.size == self.value.size:
            raise ValueError("The columns unit, rater and value must be equally long.")
        if np.any(np.diff(_answer_key(self.unit, self.rater, len(self.raters))) <= 0):
            raise ValueError("Answers must be sorted by unit, then rater, one per unit and rater; use from_triples.")

    @cached_property
    def counts(self) -> Codes:
        """How often each category was given to each unit: int32[n_units, n_categories]."""
        shape = len(self.units), len(self.categories)
        cell = self.unit.astype(np.int64) * shape[1] + self.value
        return np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int32)

    @cached_property
    def patterns(self) -> tuple[Codes, NDArray[np.intp]]:
        """The distinct rows of counts, int32[p, n_categories], and which of them each unit has, intp[n_units].

        Units with the same counts are interchangeable, so a bootstrap over 100,000 units is one over a few dozen rows.
        """
        return distinct_rows(self.counts)

    @cached_property
    def answers_by_rater(self) -> list[NDArray[np.intp]]:
        """Indices of each rater's answers, in the order of raters; units ascend within a rater."""
        order = np.argsort(self.rater, kind="stable")
        ends = np.cumsum(np.bincount(self.rater, minlength=len(self.raters)))
        return np.split(order, ends[:-1]) if self.raters else []

    def only(self, answers: NDArray[np.intp]) -> "Ratings":
        """These answers alone, by their indices in ascending order: what from_triples makes of their triples."""
        units, unit = np.unique(self.unit[answers], return_inverse=True)
        raters, rater = np.unique(self.rater[answers], return_inverse=True)
        return Ratings(
            unit.astype(np.int32),
            rater.astype(np.int32),
            self.value[answers],
            [self.units[place] for place in units.tolist()],
            [self.raters[place] for place in raters.tolist()],
            self.categories,
            None if self.group is None else _as_met(self.group[units]),
        )

    def answers_of(self, rater: str) -> NDArray[np.intp]:
        """Indices of this rater's answers. Raises ValueError where nobody of that name answered."""
        if rater not in self.raters:
            raise ValueError(f"No answer comes from rater {rater!r}; raters are {', '.join(self.raters) or 'none'}.")
        return self.answers_by_rater[self.raters.index(rater)]


def from_triples(
    triples: Iterable[tuple[str, str, str]],
    *,
    categories: Sequence[str],
    groups: Mapping[str, str] | None = None,
) -> Ratings:
    """Ratings from (unit, rater, value) triples in any order; a missing answer is an absent triple.

    categories: the declared scale, in its order, used or not.
    groups: unit -> the name of its group; a unit that is not in it stands alone.
    Units and raters are sorted by name, so the order of the triples changes nothing, seeded intervals included.
    Raises ValueError where a category is declared twice, a value is not in categories, or a rater answers a unit twice.
    """
    if len(set(categories)) != len(categories):
        raise ValueError("A category is declared twice; every category needs its own name.")
    columns: list[tuple[str, ...]] = list(zip(*triples, strict=True)) or [(), (), ()]
    units, raters = sorted(set(columns[0])), sorted(set(columns[1]))
    unit, rater, value = _codes(columns[0], units), _codes(columns[1], raters), _codes(columns[2], categories)
    _refuse_unknown_values(columns, value, categories)
    key = _answer_key(unit, rater, len(raters))
    order = np.argsort(key)
    _refuse_second_answers(columns, key, order)
    group = None if groups is None else _group_codes(units, groups)
    return Ratings(unit[order], rater[order], value[order], units, raters, list(categories), group)


def distinct_rows(table: Codes) -> tuple[Codes, NDArray[np.intp]]:
    """The distinct rows of a table of counts and, for each row, which of them it is.

    table: int32[n, k], not negative. Returns int32[p, k] in a fixed order and intp[n]. Rows are folded into one integer
    each, column by column, renumbered whenever the next column would overflow it; np.unique by axis sorts whole rows.
    """
    key, room = np.zeros(len(table), dtype=np.int64), 1
    for column in table.T:
        base = int(column.max(initial=0)) + 1
        if room * base > _ROOM:
            key = np.unique(key, return_inverse=True)[1].astype(np.int64)
            room = int(key.max(initial=0)) + 1
        key, room = key * base + column, room * base
    _, first, which = np.unique(key, return_index=True, return_inverse=True)
    return table[first], which


def _codes(names: Sequence[str], known: Sequence[str]) -> Codes:
    """Position of each name in known, -1 where it is not there."""
    code = {name: position for position, name in enumerate(known)}
    return np.fromiter(map(code.get, names, repeat(-1)), dtype=np.int32, count=len(names))


def _as_met(group: Codes) -> Codes:
    """The same groups, numbered in the order in which they are met."""
    _, first, code = np.unique(group, return_index=True, return_inverse=True)
    rank = np.empty(first.size, dtype=np.int32)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[code]


def _answer_key(unit: Codes, rater: Codes, n_raters: int) -> Counts:
    """One number per (unit, rater), ascending by unit, then rater."""
    return unit.astype(np.int64) * max(n_raters, 1) + rater


def _group_codes(units: Sequence[str], groups: Mapping[str, str]) -> Codes:
    """A number per unit, the same for units of one group; a unit's own name never meets a group's name."""
    names: list[Hashable] = [("group", groups[unit]) if unit in groups else ("alone", unit) for unit in units]
    code = {name: position for position, name in enumerate(dict.fromkeys(names))}
    return np.array([code[name] for name in names], dtype=np.int32)


def _refuse_unknown_values(columns: list[tuple[str, ...]], value: Codes, categories: Sequence[str]) -> None:
    """Raise ValueError for the first answer outside the declared scale."""
    if value.size and value.min() < 0:
        unit, rater, name = (column[int(value.argmin())] for column in columns)
        declared = ", ".join(map(repr, categories)) or "none"
        raise ValueError(f"Unit {unit!r}: rater {rater!r} answered {name!r}, which is not declared ({declared}).")


def _refuse_second_answers(columns: list[tuple[str, ...]], key: Counts, order: NDArray[np.intp]) -> None:
    """Raise ValueError for the first unit that a rater answers twice."""
    again = np.flatnonzero(np.diff(key[order]) == 0)
    if again.size:
        unit, rater = (column[int(order[again[0]])] for column in columns[:2])
        raise ValueError(f"Unit {unit!r}: rater {rater!r} answered it more than once; keep one answer.")

"""PURE. What answers look like side by side: rows with one cell for each answer, and what differs in each row."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# How answers may differ in a row.
MISSING, LABEL, BOUNDARY, VALUE, DETAIL = "missing", "label", "boundary", "value", "detail"
# A pair of labels that are confused; an empty one stands for "not given".
Pair = tuple[str, str]


class Bit(NamedTuple):
    """One thing that an answer says in a row: words, the title and colour of its label, and what else it has."""

    words: str
    title: str = ""
    color: int = 0
    more: str = ""


@dataclass(frozen=True)
class Cell:
    """What one answer says in a row; `asked` is False where this person has no answer at all."""

    bits: tuple[Bit, ...] = ()
    asked: bool = True
    # Whether most of the others say something else here.
    apart: bool = False


@dataclass(frozen=True)
class Row:
    """One thing that the answers are compared in.

    title: what it is; color: of its label; what: how they differ, none where all say the same; depth: 1 for a part of the
    row before it; place: [start, end) of the text, code points.
    """

    title: str
    cells: tuple[Cell, ...]
    what: tuple[str, ...] = ()
    color: int = 0
    depth: int = 0
    place: tuple[int, int] | None = None


@dataclass(frozen=True)
class Aligned:
    """All rows, the labels that are in dispute and the pairs of labels that are confused."""

    rows: tuple[Row, ...] = ()
    disputed: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = ()
    # Of free words: for each answer [(same, gone or new, words)] against the one nearest to all; empty elsewhere.
    words: tuple[tuple[tuple[str, str], ...], ...] = ()
    # Of numbers: (place of the answer, its number) for each that was given.
    points: tuple[tuple[int, float], ...] = field(default=())


def row(title: str, said: Sequence[tuple[Bit, ...] | None], *, what: Sequence[str] = (), keys: Sequence[Hashable] | None = None, **more: Any) -> Row:  # fmt: skip
    """A row of what each answer says (None: no answer at all); `keys` are equal where two say the same.

    Without `what` it differs by value where the keys do. A cell stands apart where fewer than half say what it says.
    """
    keys = list(keys if keys is not None else said)
    given = [key for key, bits in zip(keys, said, strict=True) if bits is not None]
    differs = len(set(given)) > 1
    cells = tuple(
        Cell(bits or (), bits is not None, differs and 2 * given.count(key) <= len(given) and bits is not None)
        for bits, key in zip(said, keys, strict=True)
    )
    return Row(title, cells, tuple(what) if what else ((VALUE,) if differs else ()), **more)


def confused(sets: Sequence[frozenset[str] | None]) -> tuple[Pair, ...]:
    """(one, other) of labels where one answer has the one and another the other; ("", one) where another has none.

    Of each two answers the labels that only one of them has are paired with those that only the other has.
    """
    found: set[Pair] = set()
    different = list({one for one in sets if one is not None})
    for place, one in enumerate(different):
        for other in different[place + 1 :]:
            left, right = sorted(one - other), sorted(other - one)
            found.update((min(a, b), max(a, b)) for a in left or [""] for b in right or [""])
    return tuple(sorted(found - {("", "")}))

"""Krippendorff's alpha for unitizing: how far observers agree on where units of one category begin and end on a continuum."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, permutations

Stretch = tuple[int, int]  # [start, end)


def alpha_u(continua: Sequence[tuple[int, Sequence[Sequence[Stretch]]]]) -> float:
    """_uAlpha of one category (Krippendorff 1995; 2004, section 11.6); NaN where no observer has a unit.

    continua: (length, units of each observer, apart from each other and sorted), one for each text; all have the same
    number of observers, two or more. Several texts are one continuum, in which no unit or gap crosses from one to the
    next. Raises ValueError where the numbers of observers differ.
    """
    sizes = {len(observers) for _length, observers in continua}
    if len(sizes) > 1 or sizes & {0, 1}:
        raise ValueError("Unitizing needs the same number of observers, two or more, for every text.")
    lengths: list[int] = []
    gaps: list[int] = []
    apart = 0
    for length, observers in continua:
        if not any(observers):
            gaps += [length] * (len(observers) if length else 0)
            continue
        between = [_gaps(units, length) for units in observers]
        lengths += [end - start for units in observers for start, end in units]
        gaps += [end - start for empty in between for start, end in empty]
        for one, other in permutations(zip(observers, between, strict=True), 2):
            apart += _apart(*one, *other)
    if not lengths:
        return float("nan")
    m, total = sizes.pop(), sum(length for length, _observers in continua)
    observed = apart / (m * (m - 1) * total**2)
    return 1 - observed / _expected(lengths, sorted(gaps), m * total, total)


def _gaps(units: Sequence[Stretch], length: int) -> list[Stretch]:
    """What lies between the units, before the first and behind the last."""
    edges = [0, *(edge for unit in units for edge in unit), length]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


def _apart(
    units: Sequence[Stretch], gaps: Sequence[Stretch], others: Sequence[Stretch], empty: Sequence[Stretch]
) -> int:
    """Squared differences of the sections of one observer with those of another (Krippendorff 2004, p. 253).

    Units that overlap differ by the squares of their ends; a unit that lies in a gap by the square of its length.
    """
    both = sum((start - first) ** 2 + (end - last) ** 2 for (start, end), (first, last) in _overlapping(units, others))
    return both + _inside(units, empty) + _inside(others, gaps)


def _overlapping(units: Sequence[Stretch], others: Sequence[Stretch]) -> Iterator[tuple[Stretch, Stretch]]:
    """Pairs with a place in common, in one pass over both."""
    first = 0
    for start, end in units:
        while first < len(others) and others[first][1] <= start:
            first += 1
        for place in range(first, len(others)):
            if others[place][0] >= end:
                break
            yield (start, end), others[place]


def _inside(units: Sequence[Stretch], gaps: Sequence[Stretch]) -> int:
    """The sum of the squared lengths of the units that lie in one of the gaps, which are sorted and apart."""
    starts = [start for start, _end in gaps]
    return sum(
        (end - start) ** 2
        for start, end in units
        if (place := bisect_right(starts, start)) and end <= gaps[place - 1][1]
    )


def _expected(lengths: Sequence[int], gaps: Sequence[int], places: int, length: int) -> float:
    """What units of these lengths would differ by if they lay anywhere (Krippendorff 2004, p. 255)."""
    behind = [*accumulate(reversed(gaps), initial=0)][::-1]  # sum of the gaps from each place on
    found = 0.0
    for unit in lengths:
        first = bisect_left(gaps, unit)
        room = behind[first] + (len(gaps) - first) * (1 - unit)
        found += (len(lengths) - 1) / 3 * (2 * unit**3 - 3 * unit**2 + unit) + unit**2 * room
    return 2 / length * found / (places * (places - 1) - sum(unit * (unit - 1) for unit in lengths))

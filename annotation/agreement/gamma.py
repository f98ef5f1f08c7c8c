"""Gamma of Mathet, Widlöcher and Métivier (2015): agreement on units of text, aligned in the way that suits them best.

A unitary alignment takes at most one unit of each annotator; an alignment is a set of these in which every unit lies
once. The disorder of the best one is compared with that of continua in which the same units lie where chance put them.
"""

from collections.abc import Sequence
from itertools import combinations
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linear_sum_assignment, milp
from scipy.sparse import coo_array

from annotation.agreement.ratings import Floats

Unit = tuple[float, float, str]  # start, end, category
Continuum = Sequence[Sequence[Unit]]  # the units of each annotator

ALPHA, BETA, EMPTY = 3.0, 1.0, 1.0  # weights of place and category; what a unit without a partner costs
FIRST_SAMPLES, MOST_SAMPLES = 30, 1000
MOST_ALIGNMENTS = 50_000  # unitary alignments beyond which no best alignment is looked for


def dissimilarity(one: Unit, other: Unit) -> float:
    """alpha d_pos + beta d_cat (formulas 3 to 5): squared distance of the ends over the lengths, 1 for another category."""
    gap = abs(one[0] - other[0]) + abs(one[1] - other[1])
    place = (gap / ((one[1] - one[0]) + (other[1] - other[0]))) ** 2
    return (ALPHA * place + BETA * (one[2] != other[2])) * EMPTY


def disorder(continuum: Continuum) -> float:
    """The disorder of the best alignment, per mean number of units of an annotator; NaN where nobody has a unit.

    Raises ValueError for fewer than two annotators, or more than MOST_ALIGNMENTS unitary alignments that could be in it.
    """
    if len(continuum) < 2:
        raise ValueError("Gamma needs two annotators or more.")
    units = sum(map(len, continuum))
    if not units:
        return float("nan")
    best = _best_of_two(*continuum) if len(continuum) == 2 else _best_of_many(continuum)
    return best * len(continuum) / units


def _best_of_two(left: Sequence[Unit], right: Sequence[Unit]) -> float:
    """The least sum of disorders: an assignment, in which each unit may also be given to an empty one of its own."""
    n, m = len(left), len(right)
    cost = np.full((n + m, n + m), EMPTY)
    cost[n:, m:] = 0.0
    cost[:n, :m] = [[dissimilarity(one, other) for other in right] for one in left] if n and m else 0.0
    return float(cost[linear_sum_assignment(cost)].sum())


def _best_of_many(continuum: Continuum) -> float:
    """The least sum of disorders over partitions of all units into unitary alignments, by integer programming."""
    places, costs = _unitary(continuum)
    if len(costs) > MOST_ALIGNMENTS:
        raise ValueError("There are too many ways to align these units.")
    rows, columns, start = [], [], 0
    for who, units in enumerate(continuum):
        used = np.flatnonzero(places[:, who] < len(units))
        rows.append(start + places[used, who])
        columns.append(used)
        start += len(units)
    entries = np.concatenate(rows), np.concatenate(columns)
    covers = coo_array((np.ones(len(entries[0])), entries), shape=(start, len(costs))).tocsc()
    once = LinearConstraint(covers, 1, 1)
    found = milp(costs, integrality=np.ones(len(costs)), bounds=Bounds(0, 1), constraints=[once])
    return float(found.fun)


def _unitary(continuum: Continuum) -> tuple[NDArray[np.intp], Floats]:
    """Unitary alignments that can be in a best one: the place of each annotator's unit, intp[a, annotators], one past the
    last for none, and the disorders, float64[a], means over pairs of annotators.

    One that costs more than its units would cost alone is never better than these.
    """
    n, shape = len(continuum), [len(units) + 1 for units in continuum]
    if np.prod(shape, dtype=np.float64) > 100 * MOST_ALIGNMENTS:
        raise ValueError("There are too many ways to align these units.")
    cost, count = np.zeros(shape), np.zeros(shape)
    for who, units in enumerate(continuum):
        count += _along(np.arange(len(units) + 1) < len(units), n, who)
    for (i, left), (j, right) in combinations(enumerate(continuum), 2):
        apart = np.full((len(left) + 1, len(right) + 1), EMPTY)
        if left and right:
            apart[:-1, :-1] = [[dissimilarity(one, other) for other in right] for one in left]
        cost += _along(apart, n, i, j)
    cost /= n * (n - 1) / 2
    able = (count == 1) | ((count > 1) & (cost <= count * EMPTY))
    return np.argwhere(able), cost[able]


def _along(values: NDArray[Any], n: int, *axes: int) -> NDArray[Any]:
    """Values along these axes of n, to be broadcast over the others."""
    return values.reshape([values.shape[axes.index(axis)] if axis in axes else 1 for axis in range(n)])


def _shuffled(continuum: Continuum, rng: np.random.Generator) -> list[list[Unit]]:
    """As many annotators, each with the units of one drawn at random, moved by a random way around the continuum.

    The ways lie at least half a mean unit apart from each other (section 5.2 of the paper), while there is room.
    """
    every = [unit for units in continuum for unit in units]
    low, high = min(unit[0] for unit in every), max(unit[1] for unit in every)
    least = sum(unit[1] - unit[0] for unit in every) / len(every) / 2
    room = [(low, high)]
    found = []
    for _annotator in continuum:
        way = _drawn(room or [(low, high)], rng)
        room = [
            part for start, end in room for part in ((start, min(end, way - least)), (max(start, way + least), end))
        ]
        room = [(start, end) for start, end in room if start < end]
        units = continuum[int(rng.integers(len(continuum)))]
        moves = [way if unit[0] + way <= high else way + low - high for unit in units]
        found.append([(unit[0] + move, unit[1] + move, unit[2]) for unit, move in zip(units, moves, strict=True)])
    return found


def _drawn(room: Sequence[tuple[float, float]], rng: np.random.Generator) -> int:
    """A whole place somewhere in these stretches."""
    lengths = np.array([end - start for start, end in room])
    start, end = room[int(rng.choice(len(room), p=lengths / lengths.sum()))]
    return int(rng.uniform(start, end))


def expected(continuum: Continuum, *, seed: int, precision: float = 0.02) -> float:
    """Mean disorder of shuffled continua: as many as bring its error under `precision` of it, with 95 % certainty."""
    rng = np.random.default_rng(seed)
    found = [_sample(continuum, rng) for _ in range(FIRST_SAMPLES)]
    spread = float(np.std(found, ddof=1) / np.mean(found))
    needed = int(np.ceil((spread * NormalDist().inv_cdf(0.975) / precision) ** 2))
    found += [_sample(continuum, rng) for _ in range(min(needed, MOST_SAMPLES) - FIRST_SAMPLES)]
    return float(np.mean(found))


def _sample(continuum: Continuum, rng: np.random.Generator) -> float:
    """The disorder of one shuffled continuum that has units."""
    while True:
        shuffled = _shuffled(continuum, rng)
        if any(shuffled):
            return disorder(shuffled)


def gamma(continuum: Continuum, *, seed: int = 0, precision: float = 0.02) -> float:
    """1 - disorder / expected disorder; 1 is perfect, 0 what chance brings; NaN where there is no unit."""
    observed = disorder(continuum)
    return 1 - observed / expected(continuum, seed=seed, precision=precision) if observed == observed else observed

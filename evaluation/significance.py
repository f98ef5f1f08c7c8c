"""PURE. Intervals, paired tests, tie groups and power: how far a score can be trusted, and whether two differ.

A metric is here a `Statistic` of summed counts: each item gives a row of K numbers (right, predicted, ...), and the
metric of any set of items is a function of the column sums. Resampling the items is then a matrix product.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import bdtr, ndtri, stdtr

from annotation.agreement import intervals
from annotation.agreement.intervals import SAME, weights
from annotation.text.words import _

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
# A dense array or a scipy.sparse matrix, [items, K].
Counts: TypeAlias = Any
# Column sums [B, K] -> values [B] or [B, M].
Statistic: TypeAlias = Callable[[Floats], Floats]

DRAWS = 2000
# Sums held at once while resampling, 32 MB.
CHUNK = 2**22
# An interval over resamples of which more than this share is undefined would be an interval of something else.
UNDEFINED = 0.05


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds with the method that gave them (wilson, bca), or none with the reason in words."""

    low: float | None
    high: float | None
    method: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A's value minus B's on the same items, with its interval."""

    value: float
    interval: Interval


def no_interval(reason: str) -> Interval:
    """The answer where no honest interval exists."""
    return Interval(None, None, "none", reason)


def wilson(right: int, n: int, *, level: float = 0.95) -> Interval:
    """Score interval of a proportion, `right` of `n` (Wilson 1927); none where n is 0.

    Raises ValueError where `right` lies outside 0..n.
    """
    if not 0 <= right <= n:
        raise ValueError(f"{right} of {n} is no proportion.")
    if n == 0:
        return no_interval(_("There is nothing to count."))
    z = _quantile(level)
    centre = (right + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * sqrt(right * (n - right) / n + z * z / 4)
    # The bounds of none and of all are 0 and 1 exactly, not up to rounding: the value must lie within.
    return Interval(centre - half if right else 0.0, centre + half if right < n else 1.0, "wilson")


def _quantile(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"A confidence level lies between 0 and 1, such as 0.95; got {level}.")
    return float(ndtri((1 + level) / 2))


# -- Resampling ---------------------------------------------------------------------------------------------------


def by_group(counts: Counts, groups: Sequence[int] | Ints | None) -> Counts:
    """Rows of one group added up, [items, K] -> [groups, K], so that a group is drawn as a whole; None changes nothing.

    Raises ValueError where there is not one group per item.
    """
    if groups is None:
        return counts
    if len(groups) != counts.shape[0]:
        raise ValueError(f"There are {counts.shape[0]} items but {len(groups)} groups: give one group per item.")
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    shape = (len(names), len(member))
    return sparse.csr_array((np.ones(len(member)), (member, np.arange(len(member)))), shape=shape) @ counts


def bootstrap(
    counts: Counts, statistic: Statistic, *, times: Ints | None = None, draws: int = DRAWS, seed: int
) -> Floats:
    """The statistic on `draws` resamples of the units, [draws] or [draws, M] (Efron 1979).

    counts: [units, K]; times: int[units], how often each row occurs (rows that are alike need to be held only once).
    Equal to drawing sum(times) units with replacement and adding up their rows. Same seed, same draws.
    """
    times = _times(counts, times)
    # The weights come in chunks made for narrow counts; wide ones (a board has columns for every entry) need smaller.
    step = max(1, CHUNK // counts.shape[1])
    chunks = (
        w[start : start + step] for w in weights(times, draws=draws, seed=seed) for start in range(0, len(w), step)
    )
    return np.concatenate([statistic(_sums(chunk, counts)) for chunk in chunks])


def jackknife(counts: Counts, statistic: Statistic, *, times: Ints | None = None) -> Floats:
    """The statistic with one unit left out, [units] or [units, M]; alike units (`times`) are computed once."""
    total = totals(counts, times)
    step = max(1, CHUNK // counts.shape[1])
    parts = (counts[start : start + step] for start in range(0, counts.shape[0], step))
    return np.concatenate([statistic(total - _dense(part)) for part in parts])


def totals(counts: Counts, times: Ints | None = None) -> Floats:
    """Column sums over all units, [1, K]."""
    return _sums(_times(counts, times)[None, :], counts)


def _times(counts: Counts, times: Ints | None) -> Ints:
    if counts.shape[0] == 0:
        raise ValueError("There are no items to resample.")
    return np.ones(counts.shape[0], dtype=np.int64) if times is None else times


def _sums(rows: npt.NDArray[Any], counts: Counts) -> Floats:
    """[c, units] times [units, K]; transposed, because scipy's sparse product runs along the rows of its right side."""
    if not sparse.issparse(counts):
        return np.asarray(rows.astype(np.float64) @ counts)
    return np.asarray(counts.T @ np.ascontiguousarray(rows.T, dtype=np.float64)).T


def _dense(part: Counts) -> Floats:
    return np.asarray(part.toarray() if sparse.issparse(part) else part, dtype=np.float64)


def bca(draws: Floats, *, value: float, jackknife: Floats, times: Ints | None = None, level: float = 0.95) -> Interval:
    """Bias-corrected and accelerated interval (Efron 1987), from finished draws.

    draws: float[B]; value: the statistic on all units; jackknife: float[units], one unit left out, each standing for
    `times` units. Undefined (NaN) draws are left out up to 5 %. None, with the reason, where the value is undefined,
    the draws are so too often, or they do not vary.
    """
    known, left_out = np.isfinite(draws), np.isfinite(jackknife)
    if not isfinite(value):
        return no_interval(_("The value is undefined."))
    if known.mean() < 1 - UNDEFINED or not left_out.any():
        return no_interval(_("The value is undefined in too many of the resamples."))
    if np.ptp(draws[known]) < SAME:
        return no_interval(_("Every resample gives the same value."))
    counted = (np.ones(len(jackknife), dtype=np.int64) if times is None else times)[left_out]
    low, high = intervals.bca(value, draws[known], jackknife[left_out], counted, level=level)
    return Interval(low, high, "bca")


# -- Two systems on the same items --------------------------------------------------------------------------------


def mcnemar_exact(b: npt.ArrayLike, c: npt.ArrayLike) -> Floats:
    """Two-sided exact p of McNemar's test; b: items only A has right, c: only B; numbers or arrays of one shape.

    2 * P(X <= min(b, c)), X ~ Binomial(b + c, 1/2), at most 1.
    """
    fewer, differing = np.minimum(b, c), np.add(b, c).astype(np.int64)
    p: Floats = np.minimum(1.0, 2 * bdtr(fewer, differing, 0.5))
    return p


def paired_bootstrap(
    a: Counts,
    b: Counts,
    statistic: Statistic,
    *,
    groups: Sequence[int] | Ints | None = None,
    draws: int = DRAWS,
    seed: int,
    level: float = 0.95,
) -> Difference:
    """The statistic of A minus that of B with its BCa interval; both see the same resampled items, or whole groups.

    a, b: counts [items, K] in the same item order. Raises ValueError where their shapes differ.
    """
    _check_pair(a, b)
    columns = a.shape[1]
    pairs = by_group(sparse.hstack([a, b], format="csr"), groups)

    def gap(sums: Floats) -> Floats:
        return statistic(sums[:, :columns]) - statistic(sums[:, columns:])

    value = float(gap(totals(pairs))[0])
    drawn = bootstrap(pairs, gap, draws=draws, seed=seed)
    return Difference(value, bca(drawn, value=value, jackknife=jackknife(pairs, gap), level=level))


def approximate_randomization(
    a: Counts,
    b: Counts,
    statistic: Statistic,
    *,
    groups: Sequence[int] | Ints | None = None,
    draws: int = DRAWS,
    seed: int,
) -> float:
    """Two-sided p that A and B differ in the statistic: (1 + #) / (draws + 1) (Noreen 1989; Yeh 2000).

    In each draw the two systems' answers are swapped on half of the items (or whole groups), at random; # counts the
    draws whose difference is at least as large as the one seen. No p is below 1 / (draws + 1); it is NaN where the
    statistic is undefined.
    """
    _check_pair(a, b)
    mine, other = totals(a), totals(b)
    change = by_group(sparse.csr_array(b) - sparse.csr_array(a), groups)
    seen = abs(float((statistic(mine) - statistic(other))[0]))
    if not isfinite(seen):
        return float("nan")
    rng, extreme = np.random.default_rng(seed), 0
    step = max(1, CHUNK // max(change.shape))
    for start in range(0, draws, step):
        moved = _sums(rng.integers(2, size=(min(step, draws - start), change.shape[0]), dtype=np.int8), change)
        gaps = np.abs(statistic(mine + moved) - statistic(other - moved))
        # Swapping everything gives the difference seen; rounding must not let it count as smaller.
        extreme += int(np.count_nonzero(gaps >= seen - SAME))
    return (1 + extreme) / (draws + 1)


def _check_pair(a: Counts, b: Counts) -> None:
    if a.shape != b.shape:
        raise ValueError(f"The two systems were counted on different items: {a.shape} against {b.shape}.")


# -- Many systems on the same items -------------------------------------------------------------------------------


def mcnemar_pairs(correct: npt.NDArray[np.bool_]) -> Floats:
    """Exact McNemar p of every pair, [E, E], from which entry has which item right, bool[E, items]."""
    right = correct.astype(np.float64)
    both = right @ right.T
    only = np.diag(both)[:, None] - both
    return mcnemar_exact(only, only.T)


def bootstrap_pairs(values: Floats, draws: Floats, *, units: int) -> Floats:
    """Two-sided p of every pair, [E, E], for any statistic: t = difference / its bootstrap standard error.

    values: float[E]; draws: float[B, E] in which all entries saw the same resampled items; units: how many were
    resampled (units - 1 degrees of freedom). Counting draws could not go below 1 / B, and the correction for some
    thousand pairs needs less. No exchange of two systems' answers on `units` units can give less than 2 / 2**units,
    so p never does either. NaN where a value is.
    """
    gaps = np.abs(values[:, None] - values[None, :])
    # A draw in which some entry is undefined (no label of gold varies in it) compares nothing.
    drawn = draws[np.isfinite(draws[:, np.isfinite(values)]).all(axis=1)]
    if units < 2 or len(drawn) < 2:
        return np.where(np.isnan(gaps), np.nan, 1.0)
    error = np.stack([(drawn - drawn[:, [entry]]).std(axis=0) for entry in range(len(values))])
    error *= sqrt(units / (units - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.maximum(2 * stdtr(units - 1, -gaps / error), 2.0 ** (1 - units))
    return np.where(gaps == 0, 1.0, p)


def holm(p: npt.ArrayLike) -> Floats:
    """p values adjusted by Holm (1979) for testing all of them, in the given order; float[m] -> float[m]."""
    raw = np.asarray(p, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    stepped = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1))
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(1.0, stepped)
    return adjusted


def tie_ranks(
    values: Floats, p_values: Floats, *, alpha: float = 0.05, higher_is_better: bool = True
) -> list[int | None]:
    """Rank of each entry: 1 + the entries that are better and, after Holm over all pairs, significantly so.

    values: float[E], NaN where the entry has none (rank None, and it takes no part in the correction); p_values:
    float[E, E], symmetric. Entries that cannot be told apart from the best share rank 1.
    """
    present = np.flatnonzero(np.isfinite(values))
    first, second = np.triu_indices(len(present), k=1)
    adjusted = np.ones((len(present), len(present)))
    adjusted[first, second] = adjusted[second, first] = holm(p_values[present[first], present[second]])
    score = values[present] if higher_is_better else -values[present]
    beaten = (score[None, :] > score[:, None]) & (adjusted < alpha)
    ranks: list[int | None] = [None] * len(values)
    for place, count in zip(present, beaten.sum(axis=1), strict=True):
        ranks[place] = 1 + int(count)
    return ranks


def rank_intervals(draws: Floats, *, level: float = 0.95, higher_is_better: bool = True) -> Ints:
    """Between which ranks each entry lies, int[E, 2], from draws[B, E] that resampled the items once for all entries.

    The rank in a draw is 1 + the entries strictly better in it; NaN ranks last. Bounds are ranks that occurred.
    """
    score = draws if higher_is_better else -draws
    score = np.where(np.isnan(score), -np.inf, score)
    ranks = np.stack([1 + (score > score[:, [entry]]).sum(axis=1) for entry in range(score.shape[1])], axis=1)
    tail = (1 - level) / 2
    bounds: Ints = np.quantile(ranks, [tail, 1 - tail], axis=0, method="inverted_cdf").T.astype(np.int64)
    return bounds


def minimum_detectable_difference(
    n: int, discordance: float, *, power: float = 0.8, alpha: float = 0.05
) -> float | None:
    """The smallest true difference of two accuracies that n paired items show with this power, as a proportion.

    discordance: share of items on which exactly one of the two is right. Solves, for d,
    d * sqrt(n) = z(alpha/2) * sqrt(p) + z(power) * sqrt(p - d**2)  (Connor 1987, for McNemar's test).
    None where not even systems that differ in one direction only could be told apart (d would exceed p).
    Raises ValueError for n below 1 or a discordance outside (0, 1].
    """
    if n < 1 or not 0 < discordance <= 1:
        raise ValueError(f"Needs at least one item and a discordance above 0, at most 1; got {n} and {discordance}.")
    za, zb, p = _quantile(1 - alpha), float(ndtri(power)), discordance
    # The equation squared is a quadratic in d; its larger root is the one with both sides positive.
    root = za**2 * n * p - (n + zb**2) * p * (za**2 - zb**2)
    if root < 0:
        return None
    difference = (za * sqrt(n * p) + sqrt(root)) / (n + zb**2)
    return difference if difference <= p else None

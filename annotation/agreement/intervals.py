"""Bootstrap intervals of the coefficients over units, or the reason in words why none may be given.

BCa (Efron 1987; Efron and Tibshirani 1993, chapter 14). What is drawn are units, or groups of units that belong
together; all draws are one matrix product of multinomial weights and the sums each unit adds (nominal.Sums). Units that
add the same are drawn together, as one row with a multiplicity: the same distribution, at a fraction of the work.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotation.agreement.nominal import (
    LABEL_MEASURES,
    MEASURES,
    Measure,
    as_sums,
    cohen_of,
    common_answers,
    sums,
    unit_columns,
)
from annotation.agreement.ratings import Codes, Counts, Floats, Ratings, distinct_rows

LEAST_UNITS = 10  # below it no interval is given, for the data as for a label
MOST_UNDEFINED = 0.01  # share of draws that may be undefined; they are left out
SAME = 1e-12  # two values of a coefficient closer than this are equal: sums of the same terms differ by rounding only
LISTED = 5  # thin labels named in a note
CELLS = 8_000_000  # weights held at a time, 64 MB


@dataclass(frozen=True)
class Interval:
    """A coefficient with its interval; low and high are nan where there is none, and then reason and note say why.

    n: units behind the value. reason: a code for programs (no_pairs, no_variation, few_units, few_groups, thin_labels,
    no_spread, unstable), empty where there is an interval; note: the same as a sentence.
    """

    value: float
    low: float
    high: float
    n: int
    reason: str = ""
    note: str = ""


class Sample(NamedTuple):
    """What is resampled: rows float64[p, c] of sums, and how many units (or groups) add each row, int64[p]."""

    rows: Floats
    times: Counts


Statistic = Callable[[Floats], Floats]  # sums [..., c] -> values [..., v]
Refusal = tuple[str, str]  # reason code and sentence


def bootstrap(
    r: Ratings, names: Sequence[str], *, draws: int = 2000, seed: int, level: float = 0.95, least: int = LEAST_UNITS
) -> dict[str, Interval]:
    """Intervals of coefficients of the whole data, by name (keys of nominal.MEASURES).

    Each name is drawn on its own over the units that count in it, so its interval depends on nothing but r and seed.
    No interval: fewer than 10 pairable units or groups with one, no variation, or, where chance is corrected for, a
    declared label that was used in fewer than `least` units (0 allows all). Raises ValueError for an unknown name.
    """
    n, n_groups = _pairable(r)
    thin = thin_labels(r, least=least)
    found = {}
    for name in names:
        measure = _known(MEASURES, name)
        value = float(measure.of(sums(r)))
        refusal = _undefined(value, n) or _too_few(n, n_groups)
        if measure.corrects_for_chance:
            refusal = refusal or _thin(thin, least)
        if refusal:
            found[name] = _without(value, n, refusal)
        else:
            found[name] = _intervals(_sample(r, measure), _flat(measure), [n], draws=draws, seed=seed, level=level)[0]
    return found


def bootstrap_labels(
    r: Ratings, name: str, *, draws: int = 2000, seed: int, level: float = 0.95, least: int = LEAST_UNITS
) -> dict[str, Interval]:
    """Intervals of a coefficient of each label (name: a key of nominal.LABEL_MEASURES), by label.

    n is the number of pairable units where anyone used the label; a label below `least` gets no interval, others do.
    Raises ValueError for an unknown name.
    """
    measure = _known(LABEL_MEASURES, name)
    n, n_groups = _pairable(r)
    values, used = measure.of(sums(r)).tolist(), label_units(r).tolist()
    few = _too_few(n, n_groups)
    if few:
        return {label: _without(v, units, few) for label, v, units in zip(r.categories, values, used, strict=True)}
    drawn = _intervals(_sample(r, measure), _flat(measure), used, draws=draws, seed=seed, level=level)
    found = {}
    for label, value, units, interval in zip(r.categories, values, used, drawn, strict=True):
        refusal = _thin({label: units} if units < least else {}, least) or _undefined(value, n)
        found[label] = _without(value, units, refusal) if refusal else interval
    return found


def bootstrap_cohen(
    r: Ratings, *, draws: int = 2000, seed: int, level: float = 0.95, least: int = LEAST_UNITS
) -> dict[tuple[str, str], Interval]:
    """Interval of Cohen's kappa of every two raters with a unit in common, by their names.

    Drawn are the units both answered; the conditions of bootstrap hold for those units and those two raters.
    """
    found = {}
    for a, b in combinations(r.raters, 2):
        unit, left, right = common_answers(r, a, b)
        if unit.size:
            found[a, b] = _cohen_interval(r, unit, left, right, draws=draws, seed=seed, level=level, least=least)
    return found


def bootstrap_columns(
    r: Ratings, columns: Floats, statistic: Statistic, *, draws: int = 2000, seed: int, level: float = 0.95
) -> Interval:
    """The interval of a figure that is a function of sums over units with two or more answers.

    columns: float64[p, c], what a unit of each of r.patterns adds; statistic: sums [..., c] -> [..., 1]. No interval:
    fewer than 10 pairable units or groups with one, no variation, or draws that do not vary.
    """
    distinct, which = r.patterns
    n, n_groups = _pairable(r)
    counts_in = (distinct.sum(axis=1) > 1)[which]
    sample = _rows(which[counts_in], columns, None if r.group is None else r.group[counts_in])
    value = float(statistic(sample.times @ sample.rows)[0]) if n else float("nan")
    if refusal := _undefined(value, n) or _too_few(n, n_groups):
        return _without(value, n, refusal)
    return _intervals(sample, statistic, [n], draws=draws, seed=seed, level=level)[0]


def bootstrap_units(
    columns: Floats, group: Codes | None, statistic: Statistic, *, draws: int = 2000, seed: int, level: float = 0.95
) -> Interval:
    """The interval of a figure that is a function of sums over units, each with columns of its own: float64[n, c].

    group: int32[n] or None, units that are drawn together; else as bootstrap_columns.
    """
    n = len(columns)
    value = float(statistic(columns.sum(axis=0))[0]) if n else float("nan")
    n_groups = n if group is None else int(np.unique(group).size)
    if refusal := _undefined(value, n) or _too_few(n, n_groups):
        return _without(value, n, refusal)
    sample = _rows(np.arange(n), columns, group)
    return _intervals(sample, statistic, [n], draws=draws, seed=seed, level=level)[0]


def bootstrap_many(
    columns: Floats,
    group: Codes | None,
    statistic: Statistic,
    units: Sequence[int],
    *,
    draws: int = 2000,
    seed: int,
    level: float = 0.95,
) -> list[Interval]:
    """As bootstrap_units, of v figures of the same draws: sums [..., c] -> [..., v]; units: int[v], behind each figure.

    A figure with fewer than 10 units behind it has no interval.
    """
    n = len(columns)
    values = statistic(columns.sum(axis=0)).tolist() if n else [float("nan")] * len(units)
    few = _too_few(n, n if group is None else int(np.unique(group).size))
    found: list[Interval] = []
    for value, here in zip(values, units, strict=True):
        refusal = _undefined(value, n) or few or _too_few(max(here, 1), LEAST_UNITS)
        found.append(_without(value, here, refusal or ("", "")))
    if all(row.reason for row in found):
        return found
    drawn = _intervals(_rows(np.arange(n), columns, group), statistic, units, draws=draws, seed=seed, level=level)
    return [row if row.reason else other for row, other in zip(found, drawn, strict=True)]


def without(value: float, n: int, reason: str, note: str) -> Interval:
    """A figure without an interval: why, as a code and in words."""
    return _without(value, n, (reason, note))


def label_units(r: Ratings) -> Counts:
    """Pairable units where anyone used each category: int64[n_categories]."""
    pairable = r.counts.sum(axis=1) > 1
    return np.asarray(np.count_nonzero(r.counts[pairable], axis=0), dtype=np.int64)


def thin_labels(r: Ratings, *, least: int = LEAST_UNITS) -> dict[str, int]:
    """Declared labels that fewer than `least` pairable units carry, unused ones too, with the number of these units."""
    return {name: units for name, units in zip(r.categories, label_units(r).tolist(), strict=True) if units < least}


def weights(times: Counts, *, draws: int, seed: int) -> Iterator[Floats]:
    """Multinomial weights of p rows for each draw, in chunks float64[some draws, p]; a draw sums to times.sum().

    Few rows are drawn as a multinomial, many (more than an eighth of the units) unit by unit, which is then faster.
    The stream depends on times and seed alone, not on the size of the chunks.
    """
    rng = np.random.default_rng(seed)
    n, p = int(times.sum()), times.size
    owner = np.repeat(np.arange(p), times) if 8 * p > n else None
    chunk = max(1, CELLS // max(p, 1))
    for start in range(0, draws, chunk):
        size = min(chunk, draws - start)
        if owner is None:
            yield rng.multinomial(n, times / n, size=size).astype(np.float64)
        else:
            picks = (owner[rng.integers(n, size=n, dtype=np.int32)] for _ in range(size))
            yield np.array([np.bincount(pick, minlength=p) for pick in picks], dtype=np.float64)


def replicate(sample: Sample, statistic: Statistic, *, draws: int, seed: int) -> Floats:
    """The statistic of every draw: float64[draws, v]."""
    return np.concatenate([statistic(w @ sample.rows) for w in weights(sample.times, draws=draws, seed=seed)])


def leave_one_out(sample: Sample, statistic: Statistic) -> Floats:
    """The statistic without one unit of each row (the jackknife): float64[p, v]."""
    return statistic(sample.times @ sample.rows - sample.rows)


def bca(value: float, drawn: Floats, left_out: Floats, times: Counts, *, level: float) -> tuple[float, float]:
    """Bias-corrected and accelerated limits (Efron and Tibshirani 1993, 14.9 to 14.15).

    drawn: float64[draws]; left_out: float64[p], the jackknife, each value standing for times[p] units. Draws equal to
    the value count half below it; the share below is kept off 0 and 1 by half a draw, so that its quantile is finite.
    """
    normal = NormalDist()
    below = np.mean(drawn < value - SAME) + np.mean(np.abs(drawn - value) <= SAME) / 2
    bias = normal.inv_cdf(float(np.clip(below, 0.5 / drawn.size, 1 - 0.5 / drawn.size)))
    off = np.average(left_out, weights=times) - left_out
    spread = float(times @ off**2)
    acceleration = float(times @ off**3) / (6 * spread**1.5) if spread > SAME**2 else 0.0
    limits = []
    for share in ((1 - level) / 2, (1 + level) / 2):
        z = bias + normal.inv_cdf(share)
        room = 1 - acceleration * z  # not above zero: the limit lies beyond all draws
        limits.append(normal.cdf(bias + z / room) if room > 0 else float(z > 0))
    low, high = np.quantile(drawn, limits)
    return float(low), float(high)


def _intervals(
    sample: Sample, statistic: Statistic, n: Sequence[int], *, draws: int, seed: int, level: float
) -> list[Interval]:
    """One interval for each of the v values of the statistic; n says how many units are behind each."""
    values = statistic(sample.times @ sample.rows)
    drawn, left_out = replicate(sample, statistic, draws=draws, seed=seed), leave_one_out(sample, statistic)
    found = []
    for i, value in enumerate(values.tolist()):
        kept = drawn[:, i][np.isfinite(drawn[:, i])]
        refusal = _unsteady(kept, draws, left_out[:, i])
        if refusal:
            found.append(_without(value, n[i], refusal))
        else:
            found.append(Interval(value, *bca(value, kept, left_out[:, i], sample.times, level=level), n[i]))
    return found


def _cohen_interval(
    r: Ratings, unit: Codes, left: Codes, right: Codes, *, draws: int, seed: int, level: float, least: int
) -> Interval:
    """The interval of one pair of raters from the units both answered and their labels there."""
    k = len(r.categories)
    cells, which = distinct_rows(np.column_stack([left, right]))
    a, b = np.eye(k)[cells[:, 0]], np.eye(k)[cells[:, 1]]
    columns = np.column_stack([np.ones(len(cells)), cells[:, 0] == cells[:, 1], a, b])
    group = None if r.group is None else r.group[unit]
    sample = _rows(which, columns, group)

    def kappa(totals: Floats) -> Floats:
        return cohen_of(totals[..., 0], totals[..., 1], totals[..., 2 : 2 + k], totals[..., 2 + k :])[..., None]

    used = np.bincount(which, minlength=len(cells)) @ np.maximum(a, b)
    thin = {label: int(units) for label, units in zip(r.categories, used, strict=True) if units < least}
    value = float(kappa(sample.times @ sample.rows)[0])
    refusal = _undefined(value, unit.size) or _too_few(unit.size, _n_groups(unit, group)) or _thin(thin, least)
    if refusal:
        return _without(value, unit.size, refusal)
    return _intervals(sample, kappa, [unit.size], draws=draws, seed=seed, level=level)[0]


def _sample(r: Ratings, measure: Measure) -> Sample:
    """What is resampled for a coefficient: the units with enough answers, or their groups."""
    distinct, which = r.patterns
    counts_in = (distinct.sum(axis=1) >= measure.least_answers)[which]
    return _rows(which[counts_in], unit_columns(distinct), None if r.group is None else r.group[counts_in])


def _rows(which: NDArray[np.intp], columns: Floats, group: Codes | None) -> Sample:
    """Sample of n units with columns[which] each, float64[p, c], added up by group where there are groups."""
    if group is None or np.unique(group).size == group.size:
        times = np.bincount(which, minlength=len(columns))
        return Sample(columns[times > 0], times[times > 0])
    names, member = np.unique(group, return_inverse=True)
    rows = np.stack([np.bincount(member, weights=column[which]) for column in columns.T], axis=1)
    return Sample(rows.astype(np.float64), np.ones(names.size, dtype=np.int64))


def _flat(measure: Measure) -> Statistic:
    """The coefficient as a function of bare sums, its values along a last axis."""

    def statistic(totals: Floats) -> Floats:
        values = measure.of(as_sums(totals))
        return values if values.ndim == totals.ndim else values[..., None]

    return statistic


def _known(measures: dict[str, Measure], name: str) -> Measure:
    """The coefficient of this name, or ValueError."""
    if name not in measures:
        raise ValueError(f"No coefficient is called {name!r}; there are {', '.join(measures)}.")
    return measures[name]


def _pairable(r: Ratings) -> tuple[int, int]:
    """How many units have two or more answers, and how many groups they come from."""
    unit = np.flatnonzero(r.counts.sum(axis=1) > 1)
    return unit.size, _n_groups(unit, None if r.group is None else r.group[unit])


def _n_groups(unit: NDArray[np.integer], group: Codes | None) -> int:
    """How many independent draws these units make."""
    return unit.size if group is None else int(np.unique(group).size)


def _undefined(value: float, n: int) -> Refusal | None:
    """Why n units give no value, if there are units and they give none."""
    if n and np.isnan(value):
        return "no_variation", "The answers do not vary: without a second label in use there is nothing to measure."
    return None


def _too_few(n: int, n_groups: int) -> Refusal | None:
    """Why n units in n_groups groups cannot carry an interval, if they cannot."""
    if n == 0:
        return "no_pairs", "No unit has answers of two people yet, so agreement cannot be computed."
    if n < LEAST_UNITS:
        return "few_units", f"No interval: it needs {LEAST_UNITS} units with two or more answers, there are {n}."
    if n_groups < LEAST_UNITS:
        return "few_groups", (
            f"No interval: it needs units from {LEAST_UNITS} documents or other groups whose units belong together, "
            f"the {n} units come from {n_groups}."
        )
    return None


def _thin(thin: dict[str, int], least: int) -> Refusal | None:
    """Why these thin labels forbid an interval, if there are any."""
    if not thin:
        return None
    listed = ", ".join(f"{label!r} ({units})" for label, units in list(thin.items())[:LISTED])
    more = f" and {len(thin) - LISTED} more" if len(thin) > LISTED else ""
    return "thin_labels", f"No interval: it needs {least} units with each declared label; fewer carry {listed}{more}."


def _unsteady(kept: Floats, draws: int, left_out: Floats) -> Refusal | None:
    """Why the draws make no interval, if they do not."""
    if kept.size < (1 - MOST_UNDEFINED) * draws or not np.isfinite(left_out).all():
        return "unstable", "No interval: the figure rests on so few units or groups that it is undefined without them."
    if np.ptp(kept) <= SAME:
        return "no_spread", "No interval: every resample gives the same figure, which does not make it certain."
    return None


def _without(value: float, n: int, refusal: Refusal) -> Interval:
    """The figure without an interval, and why."""
    return Interval(value, float("nan"), float("nan"), n, *refusal)

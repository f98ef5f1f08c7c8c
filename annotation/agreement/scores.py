"""Agreement on numbers: alpha at the declared level, weighted kappa, ICC(A,1), mean difference; with intervals."""

import json
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

import numpy as np

from annotation.agreement import icc as intraclass
from annotation.agreement import metric, weighted
from annotation.agreement.distances import MOST_VALUES, alpha_interval
from annotation.agreement.intervals import Interval, bootstrap_columns, bootstrap_many, bootstrap_units, without
from annotation.agreement.metric import Level
from annotation.agreement.nominal import pair_confusion
from annotation.agreement.ratings import Codes, Floats, Ratings, from_triples
from annotation.agreement.report import Json, extent, figure, most_contested
from annotation.text.words import gettext_noop

Triples = Iterable[tuple[str, str, float]]
# Cells of what is resampled beyond which there is no interval, 160 MB.
MOST_CELLS = 20_000_000
MOST_LISTED = 21
MOST_PAIRS = 66
MOST_WEIGHED = 500  # different numbers beyond which no table of two people is made
SMALL = 1e-12


def coded(triples: Triples, *, groups: Mapping[str, str] | None = None) -> tuple[Ratings, Floats]:
    """Answers as Ratings over the numbers that occur, ascending, and these numbers: float64[k]."""
    rows = [(unit, rater, float(value)) for unit, rater, value in triples]
    values = sorted({value for *_who, value in rows})
    named = [(unit, rater, json.dumps(value)) for unit, rater, value in rows]
    return from_triples(named, categories=[json.dumps(value) for value in values], groups=groups), np.array(values)


def report(
    triples: Triples,
    *,
    level_of_measurement: Level,
    scale: tuple[int, float, float] | None = None,
    groups: Mapping[str, str] | None = None,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Json:
    """Agreement on one question of numbers, as report.report tells that on one label; see agreement.kinds.

    scale: (how many scores the schema declares, the lowest, the step); without it what was given. also: the other
    coefficients, by name: alpha at the other levels, kappas, Gwet's coefficients and intraclass correlations.
    """
    r, x = coded(triples, groups=groups)
    options: Any = {"draws": draws, "seed": seed, "level": level}
    found = main(r, x, level_of_measurement, **options)
    tables = [_given(r, x), _people(r, x), _pairs(r, x)]
    return {
        **extent(r),
        **{name: figure(interval) for name, interval in found.items()},
        "headline": list(found),
        "also": {name: figure(one) for name, one in also(r, x, level_of_measurement, scale, **options).items()},
        "contested": most_contested(r, _share_apart(x), [plain(value) for value in x]),
        "tables": [table for table in tables if table],
        "paradox": None,
        **options,
    }


def main(r: Ratings, x: Floats, at: Level, **options: Any) -> dict[str, Interval]:
    """alpha_LEVEL, then qwk (ordinal) or icc_a1, mean_difference and percent, with intervals."""
    second = {"qwk": qwk(r, x, **options)} if at == "ordinal" else {"icc_a1": icc(r, x, **options)}
    return {
        f"alpha_{at}": alpha(r, x, at, **options),
        **second,
        "mean_difference": mean_difference(r, x, **options),
        "percent": percent(r, **options),
    }


def plain(value: float) -> int | float:
    """As it was given: a whole number where it is one."""
    return int(value) if float(value).is_integer() else float(value)


# -- alpha --------------------------------------------------------------------------------------------------------


def alpha(r: Ratings, x: Floats, at: Level, **options: Any) -> Interval:
    """Krippendorff's alpha of the numbers x at that level, with its interval over units."""
    if at == "interval":
        return _interval_alpha(r, x, **options)
    if at == "ordinal":
        return _ordinal_alpha(r, **options)
    if len(x) > MOST_VALUES:
        return without(float("nan"), 0, "too_many_values", TOO_MANY)
    gap, size = x[:, None] - x, x[:, None] + x
    return alpha_interval(r, np.square(np.divide(gap, size, out=np.zeros_like(gap), where=size != 0)), **options)


TOO_MANY = gettext_noop("There are too many different numbers to compare each with each.")


def _interval_alpha(r: Ratings, x: Floats, **options: Any) -> Interval:
    """With squared differences the sums of n, x and x^2 are enough: sum_ck (c - k)^2 = 2 (n sum x^2 - (sum x)^2)."""
    x = x - x.mean() if len(x) else x
    counts, m, pairable = _pairable(r)
    once, twice = counts @ x, counts @ np.square(x)
    within = np.divide(2 * (m * twice - once**2), m - 1, out=np.zeros(len(m)), where=pairable)
    columns = np.column_stack([within, m * pairable, once * pairable, twice * pairable])
    least = SMALL * float(np.ptp(x)) ** 2 if len(x) else 0.0

    def statistic(sums: Floats) -> Floats:
        spread, n, once, twice = (sums[..., place] for place in range(4))
        expected = 2 * (n * twice - once**2)
        return _share(spread, n, np.where(expected > least * n**2, expected, 0.0))[..., None]

    return bootstrap_columns(r, columns, statistic, **options)


def _ordinal_alpha(r: Ratings, **options: Any) -> Interval:
    """Ranks are of the answers at hand (Krippendorff 2011, step F): each draw has ranks of its own."""
    counts, m, pairable = _pairable(r)
    i, j = np.nonzero(np.triu(metric.coincidences(r), 1))
    if len(counts) * (counts.shape[1] + len(i)) > MOST_CELLS:
        n = int((r.counts.sum(axis=1) > 1).sum())
        return without(metric.alpha(r, "ordinal"), n, "too_many_values", TOO_MANY)
    weight = np.divide(1.0, m - 1, out=np.zeros(len(m)), where=pairable)[:, None]
    columns = np.concatenate([counts * pairable[:, None], counts[:, i] * counts[:, j] * weight], axis=1)
    k = counts.shape[1]

    def statistic(sums: Floats) -> Floats:
        return ordinal_of(sums[..., :k], sums[..., k:], i, j)[..., None]

    return bootstrap_columns(r, columns, statistic, **options)


def ordinal_of(given: Floats, together: Floats, i: np.ndarray, j: np.ndarray) -> Floats:
    """Ordinal alpha, [...], from pairable answers by category [..., k] and coincidences [..., p] of the pairs i < j."""
    n = given.sum(axis=-1)
    rank = np.cumsum(given, axis=-1) - given / 2 - n[..., None] / 2
    spread = 2 * (together * np.square(rank[..., i] - rank[..., j])).sum(axis=-1)
    expected = 2 * (n * (given * rank**2).sum(axis=-1) - (given * rank).sum(axis=-1) ** 2)
    varies = (given > 0).sum(axis=-1) > 1
    return _share(spread, n, np.where(varies, expected, 0.0))


def _share(spread: Floats, n: Floats, expected: Floats) -> Floats:
    """1 - (n - 1) spread / expected; NaN where nothing is expected."""
    found = np.divide((n - 1) * spread, expected, out=np.full(np.shape(expected), np.nan), where=expected > 0)
    return np.asarray(1.0 - found)


def _pairable(r: Ratings) -> tuple[Floats, Floats, np.ndarray]:
    """The distinct patterns of counts, their answers, and whether there are two or more of them."""
    counts = r.patterns[0].astype(np.float64)
    m = counts.sum(axis=1)
    return counts, m, m > 1


# -- Means over units ---------------------------------------------------------------------------------------------


def mean_difference(r: Ratings, x: Floats, **options: Any) -> Interval:
    """Mean over units of the mean |a - b| of two answers to the unit, in points of the scale."""
    counts, m, _ = _pairable(r)
    before, sum_before = np.cumsum(counts, axis=1) - counts, np.cumsum(counts * x, axis=1) - counts * x
    return _mean_of_pairs(r, (counts * (x * before - sum_before)).sum(axis=1), m, **options)


def percent(r: Ratings, **options: Any) -> Interval:
    """Mean over units of the share of pairs of answers that are equal (Gwet 2014, p_a)."""
    counts, m, _ = _pairable(r)
    return _mean_of_pairs(r, (counts * (counts - 1)).sum(axis=1) / 2, m, **options)


def _mean_of_pairs(r: Ratings, total: Floats, m: Floats, **options: Any) -> Interval:
    """The mean over units of what their pairs of answers add up to, by pattern, over the number of pairs."""
    pairs = m * (m - 1) / 2
    each = np.divide(total, pairs, out=np.zeros(len(m)), where=pairs > 0)

    def statistic(sums: Floats) -> Floats:
        whole = sums[..., 1]
        return np.asarray(np.divide(sums[..., 0], whole, out=np.full(whole.shape, np.nan), where=whole > 0)[..., None])

    return bootstrap_columns(r, np.column_stack([each, pairs > 0]), statistic, **options)


# -- Raters -------------------------------------------------------------------------------------------------------


def table_of(r: Ratings, x: Floats) -> Floats:
    """Units down, raters across, NaN for no answer: float64[n_units, n_raters]."""
    table = np.full((len(r.units), len(r.raters)), np.nan)
    table[r.unit, r.rater] = x[r.value]
    return table


def complete(table: Floats) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the largest part without a gap that the busiest 2, 3, ... raters make: two arrays of places."""
    busiest = np.argsort(-np.isfinite(table).sum(axis=0), kind="stable")
    best: tuple[np.ndarray, np.ndarray] = np.array([], dtype=np.intp), busiest[:0]
    for size in range(2, len(busiest) + 1):
        columns = np.sort(busiest[:size])
        rows = np.flatnonzero(np.isfinite(table[:, columns]).all(axis=1))
        if rows.size * size > best[0].size * best[1].size:
            best = rows, columns
    return best


def icc_of(sums: Floats, k: int) -> Floats:
    """ICC(A,1) from sums [..., 3 + k]; see icc.forms_of."""
    return np.asarray(intraclass.forms_of(sums, k)[..., 1])


def icc(r: Ratings, x: Floats, **options: Any) -> Interval:
    """ICC(A,1) over the largest complete table of units and raters (see complete), with its interval over units."""
    table = table_of(r, x - x.mean() if len(x) else x)
    rows, raters = complete(table)
    if not rows.size:
        return without(float("nan"), 0, "no_complete", "No two people have answered the same items.")
    part = table[np.ix_(rows, raters)]
    k = len(raters)
    columns = intraclass.columns(part)
    return bootstrap_units(columns, _group(r, rows), lambda sums: icc_of(sums, k)[..., None], **options)


def icc_forms(r: Ratings, x: Floats, **options: Any) -> dict[str, Interval]:
    """All forms by name (icc.FORMS): icc_1 over all units with two answers, the others over the largest complete table."""
    table = table_of(r, x - x.mean() if len(x) else x)
    several = np.flatnonzero(np.isfinite(table).sum(axis=1) > 1)
    found = {}
    rows, raters = complete(table)
    if rows.size:
        part, k = table[np.ix_(rows, raters)], len(raters)
        forms = bootstrap_many(
            intraclass.columns(part),
            _group(r, rows),
            lambda sums: intraclass.forms_of(sums, k),
            [len(rows)] * len(intraclass.FORMS),
            **options,
        )
        found = dict(zip(intraclass.FORMS, forms, strict=True))
    one_way = intraclass.one_way_columns(table)
    if len(one_way):
        single = bootstrap_units(
            one_way, _group(r, several), lambda sums: intraclass.one_way_of(sums)[..., None], **options
        )
        found = {**found, "icc_1": single}
    return found


# -- What else is asked for ---------------------------------------------------------------------------------------


def also(
    r: Ratings, x: Floats, at: Level, scale: tuple[int, float, float] | None, **options: Any
) -> dict[str, Interval]:
    """The coefficients that are not in the headline, by name; those that the data do not allow are left out."""
    n = int((r.counts.sum(axis=1) > 1).sum())
    if not n:
        return {}
    found: dict[str, Interval] = {}
    levels: tuple[Level, ...] = ("nominal", "ordinal", "interval", "ratio")
    for other in levels if len(x) <= MOST_VALUES else ():
        if other != at and (other != "ratio" or x.min() >= 0):
            found[f"alpha_{other}"] = _bare(metric.alpha(r, other), n)
    if at != "ordinal":
        found["qwk"] = qwk(r, x, **options)
    found |= _linear(r, x)
    found |= _gwet(r, x, scale, **options)
    forms = icc_forms(r, x, **options)
    return {**found, **{name: one for name, one in forms.items() if name != "icc_a1" or at == "ordinal"}}


def _bare(value: float, n: int) -> Interval:
    return Interval(value, float("nan"), float("nan"), n)


def _linear(r: Ratings, x: Floats) -> dict[str, Interval]:
    """Linear weighted kappa, mean over the pairs of raters weighted by their common units."""
    pairs = list(combinations(r.raters, 2))
    if len(x) > MOST_WEIGHED or len(pairs) > MOST_PAIRS:
        return {}
    tables = [pair_confusion(r, *pair).astype(np.float64) for pair in pairs]
    kappas = np.array([metric.weighted_kappa(table, "linear", places=x) for table in tables])
    n = np.array([table.sum() for table in tables]) * np.isfinite(kappas)
    return {"lwk": _bare(float(np.nan_to_num(kappas) @ n / n.sum()), int(n.sum()))} if n.sum() else {}


def _gwet(r: Ratings, x: Floats, scale: tuple[int, float, float] | None, **options: Any) -> dict[str, Interval]:
    """AC1, and AC2 with linear and quadratic weights over the declared scale."""
    points, low, step = scale or (len(x), 0.0, 0.0)
    if len(x) > MOST_WEIGHED or points < 2:
        return {}
    places = np.rint((x - low) / step) if step else np.arange(len(x), dtype=np.float64)
    named: dict[str, weighted.Weights] = {"gwet_ac1": "nominal", "ac2_linear": "linear", "ac2_quadratic": "quadratic"}
    return {name: weighted.bootstrap_ac2(r, kind, places, points, **options) for name, kind in named.items()}


def _group(r: Ratings, rows: np.ndarray) -> Codes | None:
    return None if r.group is None else r.group[rows]


def kappa_of(sums: Floats) -> Floats:
    """Quadratic weighted kappa (Cohen 1968) of two raters, [...], from sums [..., 6]: n, a, b, a^2, b^2, ab.

    1 - sum (a - b)^2 / n over its expectation from each one's own distribution. NaN where neither varies.
    """
    n, a, b, aa, bb, ab = (sums[..., place] for place in range(6))
    observed, expected = n * (aa + bb - 2 * ab), n * (aa + bb) - 2 * a * b
    where = expected > SMALL * n * (aa + bb)
    share = np.divide(observed, expected, out=np.full(np.shape(expected), np.nan), where=where)
    return np.asarray(1 - share)


def _pair_columns(table: Floats, pairs: list[tuple[int, int]]) -> Floats:
    """What each unit adds to the sums of each pair: float64[n, pairs, 6]; nothing where one has no answer."""
    found = np.zeros((len(table), len(pairs), 6))
    for place, (i, j) in enumerate(pairs):
        both = np.isfinite(table[:, i]) & np.isfinite(table[:, j])
        a, b = np.where(both, table[:, i], 0.0), np.where(both, table[:, j], 0.0)
        found[:, place] = np.stack([both, a, b, a * a, b * b, a * b], axis=1)
    return found


def _mean_kappa(sums: Floats) -> Floats:
    """Mean over the pairs, [...], weighted by their common units, from sums [..., pairs, 6]."""
    kappa, n = kappa_of(sums), sums[..., 0]
    n = np.where(np.isfinite(kappa), n, 0.0)
    whole = n.sum(axis=-1)
    part = (np.nan_to_num(kappa) * n).sum(axis=-1)
    return np.asarray(np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0))


def qwk(r: Ratings, x: Floats, **options: Any) -> Interval:
    """Quadratic weighted kappa, mean over the pairs of raters weighted by their common units, with its interval."""
    pairs = list(combinations(range(len(r.raters)), 2))
    rows = np.flatnonzero(r.counts.sum(axis=1) > 1)
    if len(rows) * len(pairs) * 6 > MOST_CELLS:
        return without(
            float("nan"), len(rows), "too_many_pairs", gettext_noop("Too many people for a figure by pairs.")
        )
    table = table_of(r, x - x.mean() if len(x) else x)[rows]
    columns = _pair_columns(table, pairs).reshape(len(rows), 6 * len(pairs))

    def statistic(sums: Floats) -> Floats:
        return _mean_kappa(sums.reshape(*sums.shape[:-1], len(pairs), 6))[..., None]

    return bootstrap_units(columns, _group(r, rows), statistic, **options)


# -- Tables -------------------------------------------------------------------------------------------------------


def _share_apart(x: Floats) -> Floats:
    """|a - b| as a share of the span of the answers."""
    span = float(np.ptp(x)) if len(x) else 0.0
    apart: Floats = np.abs(x[:, None] - x) / (span or 1.0)
    return apart


def _given(r: Ratings, x: Floats) -> Json | None:
    """How often each number was given, where they are few."""
    if not 0 < len(x) <= MOST_LISTED:
        return None
    counts = np.bincount(r.value, minlength=len(x))
    rows = [[str(plain(value)), int(n), float(n / counts.sum())] for value, n in zip(x, counts, strict=True)]
    columns = [gettext_noop("Score"), gettext_noop("Answers"), gettext_noop("Share of answers")]
    return {"title": gettext_noop("How often each was given"), "note": "", "columns": columns, "rows": rows}


def _people(r: Ratings, x: Floats) -> Json | None:
    """Each person's answers, mean, and how much higher they answer than the others did on the same items."""
    if not r.raters:
        return None
    table = table_of(r, x)
    n, total = np.isfinite(table).sum(axis=1), np.nansum(table, axis=1)
    rows = []
    for place, rater in enumerate(r.raters):
        mine = table[:, place]
        shared = np.isfinite(mine) & (n > 1)
        others = (total[shared] - mine[shared]) / (n[shared] - 1)
        above = float((mine[shared] - others).mean()) if shared.any() else None
        rows.append([rater, int(np.isfinite(mine).sum()), float(np.nanmean(mine)), above])
    columns = [gettext_noop("Person"), gettext_noop("Answers"), gettext_noop("Mean"), gettext_noop("Above the others")]
    note = gettext_noop("Above the others: mean difference to the others' mean on the same items.")
    return {
        "title": gettext_noop("Each person's scores"),
        "note": note,
        "columns": columns,
        "rows": rows,
        "people": [0],
    }


def _pairs(r: Ratings, x: Floats) -> Json | None:
    """Weighted kappa and mean difference of every two people with items in common."""
    pairs = list(combinations(range(len(r.raters)), 2))
    if not 0 < len(pairs) <= MOST_PAIRS:
        return None
    table = table_of(r, x)
    centred = _pair_columns(table - (x.mean() if len(x) else 0.0), pairs).sum(axis=0)
    rows = []
    for (i, j), sums, kappa in zip(pairs, centred, kappa_of(centred), strict=True):
        if sums[0]:
            apart = float(np.nanmean(np.abs(table[:, i] - table[:, j])))
            rows.append([r.raters[i], r.raters[j], int(sums[0]), float(kappa) if np.isfinite(kappa) else None, apart])
    columns = [
        gettext_noop("Person"),
        gettext_noop("Person"),
        gettext_noop("Items in common"),
        gettext_noop("Weighted kappa"),
        gettext_noop("Mean difference"),
    ]
    note = gettext_noop(
        "Weighted kappa: with squared differences (Cohen 1968), of every two people with items in common."
    )
    found = {
        "title": gettext_noop("Person by person"),
        "note": note,
        "columns": columns,
        "rows": rows,
        "people": [0, 1],
    }
    return found if rows else None

"""Krippendorff's alpha for answers of any form: a matrix tells how far each value that occurs is from each other one."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from annotation.agreement.intervals import Interval, bootstrap_columns
from annotation.agreement.ratings import Floats, Ratings, from_triples

# alpha compares every value that occurs with every other one: beyond this many the matrix would not fit.
MOST_VALUES = 3000
MOST_CONTESTED = 50


def coded(
    triples: Iterable[tuple[str, str, Any]], *, groups: Mapping[str, str] | None = None
) -> tuple[Ratings, list[Any]]:
    """Answers of any JSON form as Ratings over the distinct values that occur, and these values.

    Values are told apart by their canonical JSON. Raises ValueError where a rater answers a unit twice.
    """
    rows = [(unit, rater, json.dumps(value, sort_keys=True, ensure_ascii=False)) for unit, rater, value in triples]
    names = sorted({name for _unit, _rater, name in rows})
    return from_triples(rows, categories=names, groups=groups), [json.loads(name) for name in names]


def matrix(values: Sequence[Any], distance: Callable[[Any, Any], float]) -> Floats:
    """The distance of every two values, float64[k, k]; it must be symmetric with a zero diagonal.

    Raises ValueError where there are more than MOST_VALUES.
    """
    if len(values) > MOST_VALUES:
        raise ValueError(f"{len(values)} different answers are too many to compare each with each.")
    apart = np.zeros((len(values), len(values)))
    for i, one in enumerate(values):
        for j in range(i):
            apart[i, j] = apart[j, i] = distance(one, values[j])
    return apart


def columns(counts: np.ndarray, apart: Floats) -> Floats:
    """What each unit adds to the sums of alpha: float64[n, 1 + k] from counts int32[n, k].

    The first is its distance within, sum over ordered pairs of delta / (m - 1); the others are its pairable answers.
    """
    m = counts.sum(axis=1)
    pairable = m > 1
    within = np.einsum("ij,jk,ik->i", counts, apart, counts, optimize=True)
    spread = np.divide(within, m - 1, out=np.zeros(len(counts)), where=pairable)
    return np.column_stack([spread, counts * pairable[:, None]])


def alpha_of(totals: Floats, apart: Floats) -> Floats:
    """alpha = 1 - (n - 1) sum_u delta_u / sum_ck n_c n_k delta_ck (Krippendorff 2011, step F), of sums [..., 1 + k].

    NaN where no unit has two answers or all pairable answers say the same.
    """
    n_c = totals[..., 1:]
    expected = np.asarray(((n_c @ apart) * n_c).sum(axis=-1))
    n = n_c.sum(axis=-1)
    share = np.divide((n - 1) * totals[..., 0], expected, out=np.full(expected.shape, np.nan), where=expected > 0)
    return np.asarray(1.0 - share)


def alpha(r: Ratings, apart: Floats) -> float:
    """alpha with these distances; NaN where it is undefined."""
    distinct, which = r.patterns
    return float(alpha_of(np.bincount(which, minlength=len(distinct)) @ columns(distinct, apart), apart))


def contested(
    r: Ratings, values: Sequence[Any], distance: Callable[[Any, Any], float], *, most: int | None = MOST_CONTESTED
) -> list[dict[str, Any]]:
    """As report.most_contested, for values too many to compare each with each: only answers to one unit are."""
    found: list[dict[str, Any]] = []
    ends = np.cumsum(np.bincount(r.unit, minlength=len(r.units)))
    for unit, given in enumerate(np.split(r.value, ends[:-1])):
        codes, times = np.unique(given, return_counts=True)
        m = len(given)
        pairs = [(i, j) for i in range(len(codes)) for j in range(i)]
        apart = sum(2 * times[i] * times[j] * distance(values[codes[i]], values[codes[j]]) for i, j in pairs)
        if apart > 0:
            answers = [{"value": values[code], "count": int(n)} for code, n in zip(codes, times, strict=True)]
            found.append({"unit": r.units[unit], "disagreement": float(apart / (m * (m - 1))), "answers": answers})
    found.sort(key=lambda entry: (-entry["disagreement"], -sum(answer["count"] for answer in entry["answers"])))
    return found[:most]


def alpha_interval(r: Ratings, apart: Floats, *, draws: int, seed: int, level: float = 0.95) -> Interval:
    """alpha with these distances and its BCa interval over units, or why there is none."""
    distinct, _which = r.patterns
    return bootstrap_columns(
        r,
        columns(distinct, apart),
        lambda totals: alpha_of(totals, apart)[..., None],
        draws=draws,
        seed=seed,
        level=level,
    )

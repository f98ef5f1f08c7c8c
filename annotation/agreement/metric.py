"""Coefficients for answers on a scale: Krippendorff's alpha with a distance between categories, and weighted kappa."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from annotation.agreement.ratings import Floats, Ratings

Level = Literal["nominal", "ordinal", "interval", "ratio"]


def coincidences(r: Ratings) -> Floats:
    """Krippendorff's coincidence matrix o_ck: float64[n_categories, n_categories], symmetric.

    Every unit with m >= 2 answers adds each ordered pair of answers of different raters, weighted 1 / (m - 1): a row
    sums to the number of pairable answers n_c, the whole to n (Krippendorff 2011, 'Computing Krippendorff's
    Alpha-Reliability', step C2). With two raters it is the table of the pairs plus its transpose.
    """
    distinct, which = r.patterns
    m = distinct.sum(axis=1)
    times = np.bincount(which, minlength=len(distinct))
    weighted = distinct * np.divide(times, m - 1, out=np.zeros(len(m)), where=m > 1)[:, None]
    table: Floats = weighted.T @ distinct - np.diag(weighted.sum(axis=0))
    return table


def distance(level: Level, categories: Sequence[str], totals: Floats) -> Floats:
    """Squared differences delta_ck between categories (Krippendorff 2011, step F): float64[k, k], zero diagonal.

    nominal: 1 apart. ordinal: ranks by declared order; totals[c] answers of each category say how wide it is.
    interval: (c - k)^2, ratio: ((c - k) / (c + k))^2, of the numbers that the categories name.
    Raises ValueError for an unknown level, or a category that is no number at interval or ratio level.
    """
    if level == "nominal":
        return 1.0 - np.eye(len(categories))
    if level == "ordinal":
        position = np.cumsum(totals) - totals / 2
    elif level in ("interval", "ratio"):
        position = numbers(categories)
    else:
        raise ValueError(f"Unknown level {level!r}; use nominal, ordinal, interval or ratio.")
    gap: Floats = position[:, None] - position
    if level == "ratio":
        size = position[:, None] + position
        gap = np.divide(gap, size, out=np.zeros_like(gap), where=size != 0)
    return np.square(gap)


def numbers(categories: Sequence[str]) -> Floats:
    """The categories as numbers: float64[k]. Raises ValueError where one of them is none."""
    found: list[float] = []
    for category in categories:
        try:
            found.append(float(category))
        except ValueError:
            message = f"Category {category!r} is not a number; interval and ratio alpha need numbers as categories."
            raise ValueError(message) from None
    return np.array(found)


def alpha(r: Ratings, level: Level) -> float:
    """alpha = 1 - D_o / D_e with the distance of this level; nan where no unit has two answers or nothing varies."""
    table = coincidences(r)
    totals = np.rint(table.sum(axis=1))  # whole numbers, but for the rounding of 1 / (m - 1)
    apart = distance(level, r.categories, totals)
    expected = float(totals @ apart @ totals)
    if expected <= 0:
        return float("nan")
    return 1.0 - (float(totals.sum()) - 1.0) * float((table * apart).sum()) / expected


def weighted_kappa(
    table: Floats, weights: Literal["linear", "quadratic"] | Floats = "quadratic", *, places: Floats | None = None
) -> float:
    """Cohen's weighted kappa (Cohen 1968) of two raters, by the declared order of the categories.

    table: float64[k, k], from nominal.pair_confusion. weights: disagreement weighs |i - j| or (i - j)^2, of the ranks i
    or of places float64[k]; or a table of disagreements float64[k, k] of one's own. nan where undefined.
    """
    if isinstance(weights, str):
        position = np.arange(len(table), dtype=np.float64) if places is None else places
        apart = np.abs(position[:, None] - position) ** (1 if weights == "linear" else 2)
    else:
        apart = weights
    expected = float(table.sum(axis=1) @ apart @ table.sum(axis=0))
    return 1.0 - float(table.sum()) * float((table * apart).sum()) / expected if expected > 0 else float("nan")

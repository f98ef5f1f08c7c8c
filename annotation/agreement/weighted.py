"""Coefficients in which near misses count in part: Gwet's AC2 and weighted kappas, with their asymptotic errors.

Weights are of agreement, 1 for the same category and 0 for the farthest two (Gwet 2014, chapter 3.5). With the weights
"nominal" AC2 is AC1, and so on.
"""

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from annotation.agreement.intervals import Interval, bootstrap_units
from annotation.agreement.ratings import Floats, Ratings

Weights = Literal["nominal", "linear", "quadratic", "ordinal"]
MOST_SHOWN = 2000  # categories that are in use, beyond which no table of weights is made


def weights(kind: Weights, places: Floats, extent: float) -> Floats:
    """Agreement of every two categories at these places of a scale that is `extent` long: float64[k, k].

    linear: 1 - |a - b| / extent; quadratic: its square is taken off; ordinal: by the number of pairs of categories from
    one to the other, where places are whole steps (Gwet 2014). Raises ValueError for an unknown kind.
    """
    gap = np.abs(places[:, None] - places)
    if kind == "nominal":
        return np.asarray(gap == 0, dtype=np.float64)
    if kind in ("linear", "quadratic"):
        share = gap / extent if extent else gap
        return np.asarray(1 - (share if kind == "linear" else np.square(share)))
    if kind == "ordinal":
        most = (extent + 1) * extent / 2
        return np.asarray(1 - (gap + 1) * gap / 2 / most) if most else np.ones_like(gap)
    raise ValueError(f"Unknown weights {kind!r}; use nominal, linear, quadratic or ordinal.")


def total_weight(kind: Weights, points: int) -> float:
    """The sum of the weights of all pairs of `points` categories that lie one step apart from the next."""
    away = np.arange(points, dtype=np.float64)
    one = weights(kind, away, points - 1)[0] if points <= MOST_SHOWN else _row(kind, away, points - 1)
    return float(one[0] * points + 2 * (one[1:] * (points - away[1:])).sum())


def _row(kind: Weights, away: Floats, extent: float) -> Floats:
    """Weights of one category with all others."""
    return np.asarray([float(weights(kind, np.array([0.0, gap]), extent)[0, 1]) for gap in away])


def columns(counts: np.ndarray, w: Floats) -> Floats:
    """What each unit adds, float64[n, 3 + k]: answered, pairable, weighted agreement of its pairs, shares."""
    c = counts.astype(np.float64)
    m = c.sum(axis=1)
    within = np.einsum("ij,jk,ik->i", c, w, c, optimize=True) - m
    agreeing = np.divide(within, m * (m - 1), out=np.zeros(len(c)), where=m > 1)
    share = np.divide(c, m[:, None], out=np.zeros_like(c), where=m[:, None] > 0)
    return np.column_stack([m > 0, m > 1, agreeing, share])


def ac2_of(sums: Floats, points: int, total: float) -> Floats:
    """AC2 (Gwet 2014) from sums [..., 3 + k]: chance is total / (q (q - 1)) times the sum of pi_k (1 - pi_k)."""
    share = _shares(sums)
    chance = total / (points * (points - 1)) * (share * (1 - share)).sum(axis=-1) if points > 1 else np.ones(())
    return _over(sums, np.asarray(chance))


def fleiss_of(sums: Floats, w: Floats) -> Floats:
    """Weighted kappa of Fleiss for any number of raters: chance is the weighted sum of pi_k pi_l."""
    share = _shares(sums)
    return _over(sums, np.asarray(((share @ w) * share).sum(axis=-1)))


def _shares(sums: Floats) -> Floats:
    n = sums[..., :1]
    return np.asarray(np.divide(sums[..., 3:], n, out=np.zeros_like(sums[..., 3:]), where=n > 0))


def _over(sums: Floats, chance: Floats) -> Floats:
    """(p_a - p_e) / (1 - p_e); NaN without pairs, or where all answers are one category."""
    n = sums[..., 1]
    seen = np.divide(sums[..., 2], n, out=np.full(n.shape, np.nan), where=n > 0)
    room = 1 - chance
    varies = (sums[..., 3:] > 0).sum(axis=-1) > 1
    found = np.divide(seen - chance, room, out=np.full(n.shape, np.nan), where=room > 1e-12)
    return np.asarray(np.where(varies, found, np.nan))


def gwet_ac2(r: Ratings, kind: Weights, places: Floats, points: int) -> float:
    """AC2 of all units, single answers included in the shares; see `bootstrap_ac2`."""
    w = weights(kind, places, points - 1)
    return float(ac2_of(columns(r.counts, w).sum(axis=0), points, total_weight(kind, points)))


def bootstrap_ac2(r: Ratings, kind: Weights, places: Floats, points: int, **options: Any) -> Interval:
    """AC2 with its interval over units.

    places: where r.categories lie on the declared scale, in steps from its lower end, float64[k]; points: how many
    steps that scale has, used or not. Units with a single answer count in the shares.
    """
    w, total = weights(kind, places, points - 1), total_weight(kind, points)
    table = columns(r.counts, w)
    found = bootstrap_units(table, r.group, lambda sums: ac2_of(sums, points, total)[..., None], **options)
    return replace(found, n=int(table[:, 1].sum()))


# -- Asymptotic errors: beside the bootstrap, for those who compare with other software -------------------------------


def kappa_error(table: Floats) -> float:
    """Standard error of Cohen's kappa of two raters (Fleiss, Cohen and Everitt 1969), from float64[k, k] counts."""
    p = table / table.sum()
    row, column = p.sum(axis=1), p.sum(axis=0)
    chance = float(row @ column)
    kappa = (float(np.trace(p)) - chance) / (1 - chance)
    pooled = row[None, :] + column[:, None]
    on = (np.diag(p) * np.square(1 - (row + column) * (1 - kappa))).sum()
    off = (1 - kappa) ** 2 * ((p * np.square(pooled)).sum() - (np.diag(p) * np.square(row + column)).sum())
    rest = (kappa - chance * (1 - kappa)) ** 2
    # Where one rater never varies the difference is zero, or below it by rounding.
    return float(np.sqrt(max(on + off - rest, 0.0) / table.sum()) / (1 - chance))


def ac1_error(counts: np.ndarray) -> tuple[float, float, int]:
    """(AC1, its standard error, units) by Gwet's (2008) linearisation over units with an answer: int[n, k] counts."""
    w = np.eye(counts.shape[1])
    table = columns(counts, w)
    n, pairable, q = len(table), table[:, 1] > 0, counts.shape[1]
    share = table[:, 3:].mean(axis=0)
    chance = float((share * (1 - share)).sum() / (q - 1))
    seen = float(table[pairable, 2].mean())
    kappa = (seen - chance) / (1 - chance)
    # A unit's own value: its agreement, scaled to all units, less what its shares add to chance.
    each = np.where(pairable, (n / pairable.sum()) * (table[:, 2] - chance * pairable) / (1 - chance), 0.0)
    own = ((1 - share) * table[:, 3:]).sum(axis=1) / (q - 1)
    star = each - 2 * (1 - kappa) * (own - chance) / (1 - chance)
    return kappa, float(np.sqrt(np.square(star - kappa).sum() / (n * (n - 1)))), n

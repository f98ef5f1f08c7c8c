"""Coefficients of agreement for one label per answer: percent, Cohen, Scott, Fleiss, Gwet, Krippendorff, per label.

Notation: a unit has m answers, c_k of them in category k; it is pairable with m >= 2. Every coefficient is a function
of Sums over units, so that the bootstrap applies the very same functions to resampled sums. Where a figure is undefined
(no pair of answers, or, but for percent, all pairable answers in one category) it is nan, never 1.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotation.agreement import metric
from annotation.agreement.ratings import Codes, Counts, Floats, Ratings


class Sums(NamedTuple):
    """Sums over units; leading axes, where there are any, are resamples; k is the number of declared categories."""

    units: Floats  # [...] units with an answer
    pairable: Floats  # [...] units with two or more
    agreeing: Floats  # [...] share of agreeing pairs, sum of c_k (c_k - 1) / (m (m - 1)) over pairable units
    shares: Floats  # [..., k] c_k / m over all units
    answers: Floats  # [..., k] c_k over pairable units: n_k
    matched: Floats  # [..., k] c_k (c_k - 1) / (m - 1) over pairable units: o_kk


class Measure(NamedTuple):
    """A coefficient of whole data or of each label, and how many answers a unit needs to count in it."""

    of: Callable[[Sums], Floats]
    least_answers: int
    corrects_for_chance: bool


def unit_columns(counts: Codes) -> Floats:
    """What each unit adds to Sums: float64[n, 3 + 3k] from counts int32[n, k]."""
    m = counts.sum(axis=1, keepdims=True)
    answered, pairable = m > 0, m > 1
    columns = np.zeros((len(counts), 3 + 3 * counts.shape[1]))
    head, (shares, answers, matched) = columns[:, :3], np.split(columns[:, 3:], 3, axis=1)  # views, filled in place
    np.divide(counts, m, out=shares, where=answered)
    np.multiply(counts, pairable, out=answers)
    np.divide(counts * (counts - 1), m - 1, out=matched, where=pairable)
    head[:, :2] = np.hstack([answered, pairable])
    np.divide(matched.sum(axis=1), m[:, 0], out=head[:, 2], where=answered[:, 0])
    return columns


def as_sums(totals: Floats) -> Sums:
    """Summed unit_columns, float64[..., 3 + 3k], by name."""
    shares, answers, matched = np.split(totals[..., 3:], 3, axis=-1)
    return Sums(totals[..., 0], totals[..., 1], totals[..., 2], shares, answers, matched)


def sums(r: Ratings) -> Sums:
    """Sums of all units."""
    distinct, which = r.patterns
    return as_sums(np.bincount(which, minlength=len(distinct)) @ unit_columns(distinct))


def percent_of(s: Sums) -> Floats:
    """See percent_agreement."""
    return _ratio(s.agreeing, s.pairable)


def fleiss_of(s: Sums) -> Floats:
    """See fleiss_kappa."""
    return _over_chance(s, np.square(_mean_shares(s)).sum(axis=-1))


def ac1_of(s: Sums) -> Floats:
    """See gwet_ac1."""
    share = _mean_shares(s)
    return _over_chance(s, (share * (1 - share)).sum(axis=-1) / max(share.shape[-1] - 1, 1))


def brennan_prediger_of(s: Sums) -> Floats:
    """See brennan_prediger."""
    return _over_chance(s, np.full(s.pairable.shape, 1 / max(s.answers.shape[-1], 1)))


def alpha_of(s: Sums) -> Floats:
    """See krippendorff_alpha."""
    n = s.answers.sum(axis=-1)
    observed, expected = n - s.matched.sum(axis=-1), n**2 - np.square(s.answers).sum(axis=-1)
    return 1 - _ratio((n - 1) * observed, expected)


def alpha_per_label_of(s: Sums) -> Floats:
    """See alpha_per_label."""
    n = s.answers.sum(axis=-1, keepdims=True)
    return 1 - _ratio((n - 1) * (s.answers - s.matched), s.answers * (n - s.answers))


def specific_agreement_of(s: Sums) -> Floats:
    """See positive_specific_agreement."""
    return _ratio(s.matched, s.answers)


MEASURES = {
    "percent": Measure(percent_of, least_answers=2, corrects_for_chance=False),
    "fleiss_kappa": Measure(fleiss_of, least_answers=1, corrects_for_chance=True),
    "krippendorff_alpha": Measure(alpha_of, least_answers=2, corrects_for_chance=True),
    "gwet_ac1": Measure(ac1_of, least_answers=1, corrects_for_chance=True),
    "brennan_prediger": Measure(brennan_prediger_of, least_answers=2, corrects_for_chance=True),
}
LABEL_MEASURES = {
    "alpha_per_label": Measure(alpha_per_label_of, least_answers=2, corrects_for_chance=True),
    "specific_agreement": Measure(specific_agreement_of, least_answers=2, corrects_for_chance=False),
}


def percent_agreement(r: Ratings) -> float:
    """Mean over pairable units of the share of agreeing pairs of answers in the unit: every unit weighs the same.

    Gwet 2014, p_a. (Krippendorff's 1 - D_o weighs a unit by its answers instead: trace of confusion over its sum.)
    """
    return float(percent_of(sums(r)))


def fleiss_kappa(r: Ratings) -> float:
    """Fleiss 1971 for any number of answers per unit (Gwet 2014): (p_a - p_e) / (1 - p_e), p_e = sum of pi_k^2.

    pi_k is the mean over all answered units, single answers too, of the share of k among the unit's answers.
    """
    return float(fleiss_of(sums(r)))


def gwet_ac1(r: Ratings) -> float:
    """Gwet 2008, AC1: p_e = sum of pi_k (1 - pi_k) / (q - 1), q the declared categories, pi_k as in fleiss_kappa."""
    return float(ac1_of(sums(r)))


def brennan_prediger(r: Ratings) -> float:
    """Brennan and Prediger 1981, p_e = 1 / q for q declared categories; Bennett's S, Randolph's free-marginal kappa."""
    return float(brennan_prediger_of(sums(r)))


def krippendorff_alpha(r: Ratings, level: metric.Level = "nominal") -> float:
    """1 - D_o / D_e over pairable units (Krippendorff 2011). Raises ValueError where the level needs numbers."""
    return float(alpha_of(sums(r))) if level == "nominal" else metric.alpha(r, level)


def alpha_per_label(r: Ratings) -> Floats:
    """Nominal alpha of each label against all others taken together: float64[n_categories]."""
    return alpha_per_label_of(sums(r))


def positive_specific_agreement(r: Ratings) -> Floats:
    """Of the answers k, the share that another answer to the unit confirms, o_kk / n_k: float64[n_categories].

    With two raters 2a / (2a + b + c) (Spitzer and Fleiss 1974). Not corrected for chance; fit for rare labels.
    """
    return specific_agreement_of(sums(r))


def fleiss_kappa_per_category(r: Ratings) -> Floats:
    """Fleiss 1971, formula 23, per category: 1 - mean of c (m - c) / (m (m - 1)) over p (1 - p): float64[n_categories].

    p is the mean share of the category, over pairable units here, since both sides look at the same units.
    """
    c = r.counts[r.counts.sum(axis=1) > 1].astype(np.float64)
    m = c.sum(axis=1, keepdims=True)
    apart, share = (c * (m - c) / (m * (m - 1))).sum(axis=0), (c / m).sum(axis=0)
    return 1 - _ratio(len(c) * apart, share * (len(c) - share))


def conger_kappa(r: Ratings) -> float:
    """Conger 1980, Cohen's kappa for many raters with missing answers (Gwet 2014): chance from each rater's own shares.

    p_e = sum over k of mean(p_gk)^2 - var(p_gk) / raters, p_gk being rater g's share of category k in all g's answers.
    """
    n, k = len(r.raters), len(r.categories)
    if n < 2 or not r.categories:
        return float("nan")
    cell = r.rater.astype(np.int64) * k + r.value
    given = np.bincount(cell, minlength=n * k).reshape(n, k)
    share = given / given.sum(axis=1, keepdims=True)
    chance = (share.mean(axis=0) ** 2 - share.var(axis=0, ddof=1) / n).sum()
    return float(_over_chance(sums(r), chance))


def common_answers(r: Ratings, a: str, b: str) -> tuple[Codes, Codes, Codes]:
    """Units that raters a and b both answered, a's values and b's values: three int32[n_common], units ascending.

    Raises ValueError for a rater without any answer.
    """
    mine, theirs = r.answers_of(a), r.answers_of(b)
    unit, i, j = np.intersect1d(r.unit[mine], r.unit[theirs], assume_unique=True, return_indices=True)
    return unit, r.value[mine[i]], r.value[theirs[j]]


def pair_confusion(r: Ratings, a: str, b: str) -> Counts:
    """Units that both raters answered, a's label down, b's across: int64[n_categories, n_categories]."""
    _, left, right = common_answers(r, a, b)
    k = len(r.categories)
    return np.bincount(left.astype(np.int64) * k + right, minlength=k * k).reshape(k, k)


def cohen_kappa(r: Ratings, a: str, b: str) -> float:
    """Cohen 1960: (p_o - p_e) / (1 - p_e) over the units both raters answered, p_e from each one's own shares there."""
    table = pair_confusion(r, a, b).astype(np.float64)
    return float(cohen_of(table.sum(), np.trace(table), table.sum(axis=1), table.sum(axis=0)))


def scott_pi(r: Ratings, a: str, b: str) -> float:
    """Scott 1955: as Cohen's kappa, but p_e from the shares of both raters pooled."""
    table = pair_confusion(r, a, b).astype(np.float64)
    pooled = (table.sum(axis=0) + table.sum(axis=1)) / 2
    return float(cohen_of(table.sum(), np.trace(table), pooled, pooled))


def cohen_of(n: Floats, same: Floats, left: Floats, right: Floats) -> Floats:
    """Kappa from n [...] common units, same [...] of them agreeing, label counts left and right [..., k]."""
    chance = (left * right).sum(axis=-1)
    return _ratio(n * same - chance, n**2 - chance)


def cohen_matrix(r: Ratings) -> tuple[Floats, Counts]:
    """Cohen's kappa of every two raters: (kappa float64[R, R], n_common int64[R, R]), both symmetric.

    The diagonal of kappa is nan (nobody is measured against themselves), that of n_common the rater's answers.
    """
    n, k = len(r.raters), len(r.categories)
    tally = [np.zeros(size, dtype=np.int64) for size in (n * n, n * n, n * n * k, n * n * k)]
    for i, j in _answer_pairs(r):
        pair = r.rater[i].astype(np.int64) * n + r.rater[j]
        keys = pair, pair[r.value[i] == r.value[j]], pair * k + r.value[i], pair * k + r.value[j]
        for total, key in zip(tally, keys, strict=True):
            total += np.bincount(key, minlength=total.size)
    both, same, left, right = (total.astype(np.float64) for total in tally)
    kappa = cohen_of(both, same, left.reshape(n * n, k), right.reshape(n * n, k)).reshape(n, n)
    common = tally[0].reshape(n, n)
    lower = np.tri(n, dtype=bool)
    return np.where(lower, kappa.T, kappa), common + common.T + np.diag(np.bincount(r.rater, minlength=n))


def light_kappa(r: Ratings) -> float:
    """Light 1971: the plain mean of the pairwise Cohen kappas that are defined."""
    kappa, _ = cohen_matrix(r)
    defined = kappa[np.isfinite(kappa)]
    return float(defined.mean()) if defined.size else float("nan")


def confusion(r: Ratings) -> Floats:
    """Which labels different raters gave to the same unit: float64[n_categories, n_categories], symmetric.

    Krippendorff's coincidence matrix (see metric.coincidences): rows sum to the pairable answers of each label.
    """
    return metric.coincidences(r)


def contested(r: Ratings) -> Floats:
    """Disagreement per unit, 1 - share of agreeing pairs: float64[n_units] in [0, 1], nan for a single answer."""
    distinct, which = r.patterns
    s = as_sums(unit_columns(distinct))
    share: Floats = 1 - _ratio(s.agreeing, s.pairable)
    return share[which]


def _answer_pairs(r: Ratings) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Indices (i, j) of every two answers to one unit, the smaller rater first, in lots of equal distance."""
    for step in range(1, r.unit.size):
        i = np.flatnonzero(r.unit[step:] == r.unit[:-step])
        if not i.size:  # answers of a unit lie side by side: none at this distance, none farther apart
            return
        yield i, i + step


def _mean_shares(s: Sums) -> Floats:
    """pi_k, the mean over units of the share of each category: [..., k]."""
    return _ratio(s.shares, s.units[..., None])


def _over_chance(s: Sums, chance: Floats) -> Floats:
    """(p_a - p_e) / (1 - p_e), nan where the pairable answers all lie in one category."""
    varies = (s.answers > 0).sum(axis=-1) > 1
    return np.where(varies, _ratio(percent_of(s) - chance, 1 - chance), np.nan)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """part / whole, nan where whole is not above zero."""
    part, whole = np.broadcast_arrays(part, whole)
    quotient: Floats = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return quotient

"""Who is right: what is true of each unit, and how far each rater can be trusted, from the answers alone.

Dawid and Skene (1979) by expectation and maximisation, smoothed by Dirichlet priors; the model of MACE (Hovy and others
2013), in which a rater knows the truth or guesses; and the majority, which trusts all alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotation.agreement.ratings import Codes, Floats, Ratings

SMOOTHING = 8.0  # answers that the prior is worth in each row of a rater's matrix, and in the shares of the labels
RIGHT = 0.75  # share of these on the diagonal: a rater of whom nothing is known is right three times in four
STEPS, TOLERANCE = 500, 1e-7


@dataclass(frozen=True)
class Votes:
    """Answers as three parallel columns of codes, int[n], and how many units, raters and categories there are.

    Unlike Ratings it may hold several answers of a rater to one unit, as in the data of Dawid and Skene.
    """

    unit: Codes
    rater: Codes
    value: Codes
    shape: tuple[int, int, int]


@dataclass(frozen=True)
class Belief:
    """What a method makes of the answers; n units, R raters, k categories.

    posterior: float64[n, k], the probability of each category for each unit. share: float64[k], how frequent each is.
    confusion: float64[R, k, k], what a rater answers (across) where the truth is (down). competence: float64[R], the
    probability that an answer of the rater is right. steps: iterations used; 0 where none were needed.
    """

    posterior: Floats
    share: Floats
    confusion: Floats
    competence: Floats
    steps: int


def votes(r: Ratings) -> Votes:
    """All answers, single ones too."""
    return Votes(r.unit, r.rater, r.value, (len(r.units), len(r.raters), len(r.categories)))


def shares(v: Votes) -> Floats:
    """The share of each category among the answers to each unit: float64[n, k] (Dawid and Skene 1979, formula 3.1)."""
    n, _raters, k = v.shape
    counts = np.bincount(v.unit.astype(np.int64) * k + v.value, minlength=n * k).reshape(n, k)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))


def majority(v: Votes) -> Belief:
    """The shares of the answers as they are; a rater's matrix is measured against them."""
    posterior = shares(v)
    confusion = _rows(_answered(v, posterior), 0.0)
    return _belief(posterior, _mean(posterior), confusion, 0)


def dawid_skene(v: Votes, *, smoothing: float = SMOOTHING) -> Belief:
    """Maximum a posteriori of Dawid and Skene (1979); with smoothing 0 it is their maximum likelihood.

    smoothing: how many made-up answers each row of a rater's matrix begins with, RIGHT of them on the diagonal. Without
    any, a rater with few answers is believed blindly, and rare labels vanish.
    """
    posterior = shares(v)
    prior = smoothing * _guess(v.shape[2])
    steps, moved = 0, np.inf
    while moved > TOLERANCE and steps < STEPS:
        share, confusion = _shares_of(posterior, smoothing), _rows(_answered(v, posterior) + prior, 1.0)
        found = _expected(v, share, confusion)
        posterior, moved, steps = found, float(np.abs(found - posterior).max(initial=0.0)), steps + 1
    share = _shares_of(posterior, smoothing)
    return _belief(posterior, share, _rows(_answered(v, posterior) + prior, 1.0), steps)


def mace(v: Votes, *, smoothing: float = SMOOTHING) -> Belief:
    """A rater knows the truth with a probability of their own, else answers by their own habit (Hovy and others 2013).

    Unlike the paper, which takes all categories for equally likely, it learns how frequent each is: labels of finance
    are skewed, and the rare ones would win too often. smoothing: what the shares and each rater begin with, in answers.
    """
    _n, raters, k = v.shape
    posterior, steps, moved = shares(v), 0, np.inf
    knows, habit = np.full(raters, RIGHT), np.full((raters, k), 1 / max(k, 1))
    given = np.bincount(v.rater, minlength=raters)
    while moved > TOLERANCE and steps < STEPS:
        found = _expected(v, _shares_of(posterior, smoothing), _known_or_guessed(knows, habit))
        posterior, moved, steps = found, float(np.abs(found - posterior).max(initial=0.0)), steps + 1
        # Of an answer that is the truth, how likely the rater knew it; of any other answer it was a guess.
        sure, luck = knows[v.rater], (1 - knows[v.rater]) * habit[v.rater, v.value]
        known = posterior[v.unit, v.value] * sure / (sure + luck)
        knows = (np.bincount(v.rater, known, raters) + smoothing * RIGHT) / (given + smoothing)
        guessed = np.bincount(v.rater.astype(np.int64) * k + v.value, 1 - known, raters * k).reshape(raters, k)
        habit = _rows(np.asarray(guessed + smoothing / k, dtype=np.float64), 1.0)
    return _belief(posterior, _shares_of(posterior, smoothing), _known_or_guessed(knows, habit), steps)


METHODS: dict[str, Callable[[Votes], Belief]] = {
    "dawid-skene": dawid_skene,
    "mace": mace,
    "majority": majority,
}


def _guess(k: int) -> Floats:
    """A row of a rater of whom nothing is known: RIGHT on the diagonal, the rest shared evenly; float64[k, k]."""
    off = (1 - RIGHT) / max(k - 1, 1)
    return np.full((k, k), off) + (RIGHT - off) * np.eye(k)


def _shares_of(posterior: Floats, smoothing: float) -> Floats:
    n, k = posterior.shape
    return np.asarray((posterior.sum(axis=0) + smoothing / max(k, 1)) / max(n + smoothing, 1))


def _mean(posterior: Floats) -> Floats:
    return np.asarray(posterior.mean(axis=0)) if len(posterior) else np.full(posterior.shape[1], np.nan)


def _answered(v: Votes, posterior: Floats) -> Floats:
    """How often each rater answered each category (across), by what is believed true (down): float64[R, k, k]."""
    _n, raters, k = v.shape
    cell = v.rater.astype(np.int64) * k + v.value
    by_truth = [np.bincount(cell, posterior[v.unit, truth], raters * k).reshape(raters, k) for truth in range(k)]
    return np.stack(by_truth, axis=1) if k else np.zeros((raters, 0, 0))


def _rows(table: Floats, empty: float) -> Floats:
    """Rows as shares of their sum; a row of nothing is filled evenly, or left at zero."""
    total = table.sum(axis=-1, keepdims=True)
    even = np.full(table.shape, empty / max(table.shape[-1], 1))
    return np.asarray(np.divide(table, total, out=even, where=total > 0))


def _expected(v: Votes, share: Floats, confusion: Floats) -> Floats:
    """The probability of each category for each unit (formula 2.5), summed in logarithms: float64[n, k]."""
    n, _raters, k = v.shape
    with np.errstate(divide="ignore"):
        told, known = np.log(confusion), np.log(share)
    log = np.stack([np.bincount(v.unit, told[v.rater, truth, v.value], n) for truth in range(k)], axis=1) + known
    top = log.max(axis=1, keepdims=True, initial=-np.inf)
    likely = np.exp(log - np.where(np.isfinite(top), top, 0.0))
    return _rows(likely, 1.0)


def _known_or_guessed(knows: Floats, habit: Floats) -> Floats:
    """float64[R, k, k] of a rater who knows the truth or follows a habit."""
    k = habit.shape[1]
    return np.asarray(knows[:, None, None] * np.eye(k) + (1 - knows)[:, None, None] * habit[:, None, :])


def _belief(posterior: Floats, share: Floats, confusion: Floats, steps: int) -> Belief:
    right = np.einsum("k,rkk->r", np.nan_to_num(share), confusion)
    return Belief(posterior, share, confusion, np.asarray(right), steps)


# -- What follows from it ------------------------------------------------------------------------------------------


def errors(posterior: Floats) -> Floats:
    """The probability that the likeliest category of a unit is not the truth: float64[n]."""
    return np.asarray(1 - posterior.max(axis=1, initial=0.0))


def entropy(posterior: Floats) -> Floats:
    """How undecided each unit is: entropy over that of equal chances, float64[n] in [0, 1]."""
    k = posterior.shape[1]
    safe = np.where(posterior > 0, posterior, 1.0)
    return np.asarray(np.maximum(-(safe * np.log(safe)).sum(axis=1), 0.0) / np.log(k)) if k > 1 else np.zeros(len(posterior))  # fmt: skip


def winners(posterior: Floats) -> NDArray[np.int64]:
    """The likeliest category of each unit, -1 where two are equally likely: int64[n]."""
    if not posterior.shape[1]:
        return np.full(len(posterior), -1)
    best = posterior.max(axis=1)
    tied = (posterior >= best[:, None] - 1e-9).sum(axis=1) > 1
    return np.where(tied, -1, posterior.argmax(axis=1))


def gain(posterior: Floats, steps: Sequence[int]) -> list[tuple[int, float]]:
    """(k, errors that adjudicating the k least certain units removes), for each k: a perfect adjudicator is assumed."""
    worst = np.sort(errors(posterior))[::-1]
    sums = np.concatenate([[0.0], np.cumsum(worst)])
    return [(k, float(sums[min(k, len(worst))])) for k in steps]

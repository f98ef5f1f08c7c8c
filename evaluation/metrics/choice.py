"""PURE. choice: exactly one label. Accuracy, F1, MCC and their intervals.

Labels are integer codes 0..L-1. A prediction of -1 is no answer (missing, refused, unparsable): it counts as wrong and
is never mapped to a label.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

from annotation.text.words import _, gettext_noop
from evaluation.metrics.sampled import FEWEST, UNDEFINED, dependent, ratio
from evaluation.metrics.values import Metric, MetricValue
from evaluation.significance import (
    DRAWS,
    Floats,
    Interval,
    Ints,
    Statistic,
    bca,
    bootstrap,
    bootstrap_pairs,
    by_group,
    jackknife,
    mcnemar_pairs,
    no_interval,
    rank_intervals,
    tie_ranks,
    totals,
    wilson,
)

Codes: TypeAlias = Sequence[int] | npt.NDArray[np.integer[Any]]

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", gettext_noop("Accuracy"), may_be_primary=True),
        Metric("macro_f1", gettext_noop("Macro F1"), may_be_primary=True),
        Metric("weighted_f1", gettext_noop("Weighted F1"), may_be_primary=True),
        Metric("mcc", gettext_noop("Matthews correlation"), may_be_primary=True),
        Metric("coverage", "Answered"),
        Metric("precision", "Precision", per_label=True),
        Metric("recall", "Recall", per_label=True),
        Metric("f1", "F1", per_label=True),
        Metric("support", "Gold items", per_label=True),
    )
}
PRIMARY = "macro_f1"
BESIDE = ("accuracy", "macro_f1")


class Margins(NamedTuple):
    """All that the metrics need of a confusion matrix: float[..., L] each.

    right: answers that equal the gold, by label; support: gold items; predicted: answers given. They add up over
    items, which a matrix of L * (L + 1) cells does too, at 26 times the memory for 77 labels.
    """

    right: Floats
    support: Floats
    predicted: Floats


class Standing(NamedTuple):
    """An entry's place on a board: its value, its rank (ties share one) and the ranks it may well have."""

    value: float
    rank: int | None
    rank_low: int
    rank_high: int


# -- Answers as they are stored -----------------------------------------------------------------------------------


def measure(
    gold: Sequence[str],
    predicted: Sequence[str | None],
    *,
    question: dict[str, Any],
    groups: Sequence[int] | None = None,
    draws: int = DRAWS,
    seed: int,
    level: float = 0.95,
) -> list[MetricValue]:
    """`report` of labels by name; the scale is the declared one of the question."""
    names = [label["name"] for label in question["labels"]]
    given, said = encode(gold, names), encode(predicted, names)
    return report(given, said, labels=names, groups=groups, draws=draws, seed=seed, level=level)


def detail(gold: Sequence[str], predicted: Sequence[str | None], question: dict[str, Any]) -> list[list[int]]:
    """The confusion of labels by name: gold in rows, predictions and 'no answer' in columns."""
    names = [label["name"] for label in question["labels"]]
    table: list[list[int]] = confusion(encode(gold, names), encode(predicted, names), len(names)).tolist()
    return table


# -- Codes, confusion, counts -------------------------------------------------------------------------------------


def encode(values: Sequence[str | None], labels: Sequence[str]) -> Ints:
    """The place of each value among the labels, int[n]; -1 for None and for whatever is no label."""
    places = {label: place for place, label in enumerate(labels)}
    return np.array([-1 if value is None else places.get(value, -1) for value in values], dtype=np.int64)


def _checked(gold: Codes, predicted: Codes, n_labels: int) -> tuple[Ints, Ints]:
    truth, answer = np.asarray(gold, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    if truth.ndim != 1 or truth.shape != answer.shape:
        raise ValueError(f"Gold has {truth.size} items and the predictions {answer.size}: they must be the same items.")
    for name, codes, lowest in (("Gold", truth, 0), ("Predicted", answer, -1)):
        outside = np.flatnonzero((codes < lowest) | (codes >= n_labels))
        if outside.size:
            row = int(outside[0])
            raise ValueError(f"{name} code {codes[row]} of item {row} is not between {lowest} and {n_labels - 1}.")
    return truth, answer


def confusion(gold: Codes, predicted: Codes, n_labels: int) -> Ints:
    """Items by gold label (row) and predicted label (column), int[L, L+1]; the last column is 'no answer'.

    Raises ValueError where the lengths differ or a code is out of range.
    """
    cells = _cells(*_checked(gold, predicted, n_labels), n_labels)
    return np.bincount(cells, minlength=n_labels * (n_labels + 1)).reshape(n_labels, n_labels + 1)


def _cells(gold: Ints, predicted: Ints, n_labels: int) -> Ints:
    return gold * (n_labels + 1) + np.where(predicted < 0, n_labels, predicted)


def counts(gold: Codes, predicted: Codes, n_labels: int) -> sparse.csr_array:
    """Each item's share in the margins, sparse float[n, 3 * L]: right, support, predicted; what is resampled."""
    truth, answer = _checked(gold, predicted, n_labels)
    item = np.arange(len(truth))
    hit, given = item[truth == answer], item[answer >= 0]
    rows = np.concatenate([hit, item, given])
    columns = np.concatenate([truth[hit], n_labels + truth, 2 * n_labels + answer[given]])
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(truth), 3 * n_labels))


def margins(confusion: npt.NDArray[Any]) -> Margins:
    """The margins of one confusion matrix or of a batch, [..., L, L+1] -> [..., L]."""
    table = np.asarray(confusion, dtype=np.float64)
    right = np.diagonal(table, axis1=-2, axis2=-1)
    return Margins(right, table.sum(axis=-1), table[..., :-1].sum(axis=-2))


def _margins_of_sums(sums: Floats) -> Margins:
    """From column sums of `counts`, [..., 3 * L]."""
    parts = sums.reshape(*sums.shape[:-1], 3, -1)
    return Margins(parts[..., 0, :], parts[..., 1, :], parts[..., 2, :])


# -- The metrics, of one set of margins [L] or of a batch [..., L] -------------------------------------------------


def accuracy(m: Margins) -> Floats:
    """Share of items answered right, [...]; NaN of no items."""
    return ratio(m.right.sum(axis=-1), m.support.sum(axis=-1), np.nan)


def precision(m: Margins) -> Floats:
    """Of the answers with this label, the share that is right, [..., L]; NaN for a label never predicted."""
    return ratio(m.right, m.predicted, np.nan)


def recall(m: Margins) -> Floats:
    """Of the gold items of this label, the share found, [..., L]; NaN for a label without gold items."""
    return ratio(m.right, m.support, np.nan)


def f1(m: Margins) -> Floats:
    """2 right / (support + predicted), [..., L]; NaN for a label that occurs neither in gold nor in predictions."""
    return ratio(2 * m.right, m.support + m.predicted, np.nan)


def macro_f1(m: Margins) -> Floats:
    """Mean F1 over the declared labels that occur in gold or predictions, [...].

    A label that was predicted but has no gold items counts, with F1 0. A declared label that occurs in neither is left
    out of the mean: it was not tested. (As sklearn's macro F1 over the labels present, with zero_division=0.)
    """
    present = m.support + m.predicted > 0
    return ratio(ratio(2 * m.right, m.support + m.predicted, 0.0).sum(axis=-1), present.sum(axis=-1), np.nan)


def weighted_f1(m: Margins) -> Floats:
    """Mean F1 weighted by the number of gold items of each label, [...]."""
    each = ratio(2 * m.right, m.support + m.predicted, 0.0)
    return ratio((each * m.support).sum(axis=-1), m.support.sum(axis=-1), np.nan)


def mcc(m: Margins) -> Floats:
    """Matthews correlation for many labels, R_K (Gorodkin 2004), [...]; 'no answer' is one more predicted label.

    0 where all predictions are the same, as in sklearn; NaN where all gold is, for then nothing can correlate.
    """
    n = m.support.sum(axis=-1)
    unanswered = n - m.predicted.sum(axis=-1)
    covariance = m.right.sum(axis=-1) * n - (m.support * m.predicted).sum(axis=-1)
    of_gold = n**2 - (m.support**2).sum(axis=-1)
    of_answers = n**2 - (m.predicted**2).sum(axis=-1) - unanswered**2
    found = ratio(covariance, np.sqrt(of_gold * of_answers), 0.0)
    return np.where(of_gold > 0, found, np.nan)


def coverage(m: Margins) -> Floats:
    """Share of items that got an answer at all, [...]; NaN of no items."""
    return ratio(m.predicted.sum(axis=-1), m.support.sum(axis=-1), np.nan)


_OVERALL: dict[str, Callable[[Margins], Floats]] = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "weighted_f1": weighted_f1,
    "mcc": mcc,
    "coverage": coverage,
}
_PER_LABEL: dict[str, Callable[[Margins], Floats]] = {"precision": precision, "recall": recall, "f1": f1}


def statistic(metric: str) -> Statistic:
    """The metric as a function of column sums of `counts`, [B, 3 * L] -> [B], for the tests in `significance`.

    Raises ValueError for a name that is no metric over all labels.
    """
    if metric not in _OVERALL:
        raise ValueError(f"“{metric}” is no metric over all labels. These are: {', '.join(_OVERALL)}.")
    return lambda sums: _OVERALL[metric](_margins_of_sums(sums))


# -- One system: every metric with its interval -------------------------------------------------------------------


class _Column(NamedTuple):
    """A metric, overall or of one label; n: what it rests on; right: where it is a proportion of n, how many."""

    metric: str
    label: str | None
    n: int
    right: int | None


@dataclass(frozen=True)
class _Sampled:
    """All columns: on all items, on each resample, and with each unit left out; `times` is None where grouped."""

    value: Floats
    drawn: Floats
    left_out: Floats
    times: Ints | None
    units: int

    def interval(self, place: int, level: float) -> Interval:
        if self.units < FEWEST:
            return no_interval(_("There are too few independent items to resample."))
        value, left_out = float(self.value[place]), self.left_out[:, place]
        return bca(self.drawn[:, place], value=value, jackknife=left_out, times=self.times, level=level)


def report(
    gold: Codes,
    predicted: Codes,
    *,
    labels: Sequence[str],
    groups: Sequence[int] | Ints | None = None,
    draws: int = DRAWS,
    seed: int,
    level: float = 0.95,
) -> list[MetricValue]:
    """Every metric of METRICS, those per label for each declared label, with intervals.

    gold: int[n] in 0..L-1; predicted: int[n], -1 where there is no answer; groups: int[n], items of one group are not
    independent and are resampled together. Accuracy and coverage have Wilson intervals where every item stands for
    itself, all else BCa over items or groups; precision and recall fall back on Wilson where the resamples do not vary
    or are too few. Raises ValueError for lengths that differ and codes out of range.
    """
    truth, answer = _checked(gold, predicted, len(labels))
    columns = _columns(margins(confusion(truth, answer, len(labels))), labels)
    support = [MetricValue("support", c.label, c.n, None, None, c.n, "count") for c in columns if c.metric == "recall"]
    if not truth.size:
        note = _("There are no items.")
        return [MetricValue(c.metric, c.label, None, None, None, 0, "none", note) for c in columns] + support
    sampled = _resample(truth, answer, len(labels), groups=dependent(groups, truth.size), draws=draws, seed=seed)
    return [_measure(column, place, sampled, level) for place, column in enumerate(columns)] + support


def _columns(table: Margins, labels: Sequence[str]) -> list[_Column]:
    """In the order of `_every_metric`."""
    items = int(table.support.sum())
    proportions = {"accuracy": int(table.right.sum()), "coverage": int(table.predicted.sum())}
    columns = [_Column(name, None, items, proportions.get(name)) for name in _OVERALL]
    for name in _PER_LABEL:
        n = table.predicted if name == "precision" else table.support
        right = None if name == "f1" else table.right
        for place, label in enumerate(labels):
            columns.append(_Column(name, label, int(n[place]), None if right is None else int(right[place])))
    return columns


def _every_metric(sums: Floats) -> Floats:
    m = _margins_of_sums(sums)
    overall = np.stack([of(m) for of in _OVERALL.values()], axis=-1)
    return np.concatenate([overall, *(of(m) for of in _PER_LABEL.values())], axis=-1)


def _resample(gold: Ints, predicted: Ints, n_labels: int, *, groups: Ints | None, draws: int, seed: int) -> _Sampled:
    times: Ints | None = None
    if groups is None:
        # Items with the same gold and the same answer are interchangeable: at most L * (L + 1) distinct rows.
        _rows, first, alike = np.unique(_cells(gold, predicted, n_labels), return_index=True, return_counts=True)
        rows, times = counts(gold[first], predicted[first], n_labels), alike.astype(np.int64)
    else:
        rows = by_group(counts(gold, predicted, n_labels), groups)
    return _Sampled(
        _every_metric(totals(rows, times))[0],
        bootstrap(rows, _every_metric, times=times, draws=draws, seed=seed),
        jackknife(rows, _every_metric, times=times),
        times,
        gold.size if groups is None else rows.shape[0],
    )


_UNDEFINED = {**UNDEFINED, "mcc": gettext_noop("Undefined: all gold items have the same label.")}


def _measure(column: _Column, place: int, sampled: _Sampled, level: float) -> MetricValue:
    name, label, n, right = column
    value = float(sampled.value[place])
    if np.isnan(value):
        return MetricValue(name, label, None, None, None, n, "none", _(_UNDEFINED[name]))
    exact = None if right is None or sampled.times is None else wilson(right, n, level=level)
    found = exact if exact and label is None else sampled.interval(place, level)
    if found.low is None and exact:
        found = exact
    return MetricValue(name, label, value, found.low, found.high, n, found.method, found.note)


# -- Many systems on the same items -------------------------------------------------------------------------------


def standings(
    gold: Codes,
    predictions: Sequence[Codes],
    *,
    metric: str,
    n_labels: int,
    groups: Sequence[int] | Ints | None = None,
    draws: int = DRAWS,
    seed: int,
    level: float = 0.95,
) -> list[Standing]:
    """The entries' places by one metric over all labels, in the order given; items are resampled once for all.

    Ties by Holm over all pairs: of exact McNemar tests for accuracy of independent items, else of paired bootstrap
    tests. Raises ValueError for an unknown metric, lengths that differ, codes out of range, or no items.
    """
    if not predictions:
        return []
    grouped = dependent(groups, len(gold))
    rows, of = _board(gold, predictions, metric, n_labels)
    rows = by_group(rows, grouped)
    values = of(totals(rows))[0]
    drawn = bootstrap(rows, of, draws=draws, seed=seed)
    if metric == "accuracy" and grouped is None:
        p_values = mcnemar_pairs(rows[:, :-1].T == 1)
    else:
        p_values = bootstrap_pairs(values, drawn, units=rows.shape[0])
    ranks = tie_ranks(values, p_values, alpha=1 - level)
    bounds = rank_intervals(drawn, level=level)
    return [
        Standing(float(value), rank, int(low), int(high))
        for value, rank, (low, high) in zip(values, ranks, bounds, strict=True)
    ]


def _board(gold: Codes, predictions: Sequence[Codes], metric: str, n_labels: int) -> tuple[Any, Statistic]:
    """Counts of all entries side by side, [n, columns], and the function of their sums, [B, columns] -> [B, E]."""
    if metric == "accuracy":
        # A dense product with one column an entry (and one that counts items) is many times faster than margins.
        checked = [_checked(gold, predicted, n_labels) for predicted in predictions]
        right = [truth == answer for truth, answer in checked] + [np.ones(len(gold), dtype=bool)]
        return np.stack(right, axis=1).astype(np.float64), lambda sums: sums[:, :-1] / sums[:, -1:]
    of = statistic(metric)
    rows = sparse.hstack([counts(gold, predicted, n_labels) for predicted in predictions], format="csr")
    return rows, lambda sums: of(sums.reshape(sums.shape[0], len(predictions), 3 * n_labels))

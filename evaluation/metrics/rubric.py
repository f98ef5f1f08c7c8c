"""PURE. rubric: a point for each criterion (of each response). Errors in points, weighted kappa, equal ratings; each criterion and the mean.

A criterion without an answer (missing, refused, unparsable) is taken as the point farthest from the gold, so that leaving
it out never pays. A criterion that the gold does not rate is not asked. The mean is over the criteria, each weighing the
same; kappa leaves out those on which the gold does not vary, for every system alike.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from annotation.kinds import rubric
from annotation.text.words import gettext_noop
from evaluation.metrics.sampled import Column, figures, ratio
from evaluation.metrics.values import Metric, MetricValue
from evaluation.significance import DRAWS, Floats

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("mae", gettext_noop("Mean absolute error"), higher_is_better=False, may_be_primary=True),
        Metric("qwk", gettext_noop("Quadratic weighted kappa"), may_be_primary=True),
        Metric("exact", gettext_noop("Equal ratings"), may_be_primary=True),
        Metric("exact_all", gettext_noop("All ratings equal"), may_be_primary=True),
        Metric("coverage", "Answered"),
        Metric("criterion_mae", gettext_noop("Mean absolute error"), higher_is_better=False, per_label=True),
        Metric("criterion_qwk", gettext_noop("Quadratic weighted kappa"), per_label=True),
        Metric("criterion_exact", gettext_noop("Equal ratings"), per_label=True),
        Metric("support", "Gold items", per_label=True),
    )
}
# In points of the scale, and defined also where the gold of a criterion does not vary.
PRIMARY = "mae"
BESIDE = ("qwk", "exact", "exact_all")
# What an item adds for each criterion: asked, given, |e|, e^2, g, p, g^2, p^2, equal.
WIDE = 9
SMALL = 1e-9


def rows_of(
    gold: Sequence[dict[str, Any]], predicted: Sequence[dict[str, Any] | None], question: dict[str, Any]
) -> Floats:
    """What each item adds, float64[n, 2 + WIDE C]: 1, whether all ratings are equal, then each criterion in turn."""
    if len(gold) != len(predicted):
        raise ValueError(
            f"Gold has {len(gold)} items and the predictions {len(predicted)}: they must be the same items."
        )
    last = len(question["points"]) - 1
    starts = {name: 2 + WIDE * place for place, name in enumerate(rubric.names(question))}
    found = np.zeros((len(gold), 2 + WIDE * len(starts)))
    for row, (wanted, given) in enumerate(zip(gold, predicted, strict=True)):
        truth, said = rubric.rated(wanted, question), rubric.rated(given or {}, question)
        found[row, :2] = 1, all(truth[key] == said.get(key) for key in truth)
        for key, g in truth.items():
            p = said.get(key, 0 if 2 * g >= last else last)
            start = starts[key[1]]
            found[row, start : start + WIDE] += 1, key in said, abs(g - p), (g - p) ** 2, g, p, g * g, p * p, g == p
    return found


def every_metric(sums: Floats) -> Floats:
    """From column sums: mae, qwk, exact, exact_all, coverage, then mae, qwk and exact by criterion."""
    items, whole = sums[:, 0], sums[:, 1]
    parts = sums[:, 2:].reshape(len(sums), -1, WIDE)
    n, given, absolute, squared, g, p, gg, pp, equal = (parts[..., place] for place in range(WIDE))
    mae, exact = ratio(absolute, n), ratio(equal, n)
    expected = n * (gg + pp) - 2 * g * p
    kappa = np.where(n * gg - g * g > SMALL, 1 - ratio(n * squared, np.where(expected > SMALL, expected, 0.0)), np.nan)
    overall = [_mean(mae), _mean(kappa), _mean(exact), ratio(whole, items), ratio(given.sum(axis=1), n.sum(axis=1))]
    return np.concatenate([np.stack(overall, axis=1), mae, kappa, exact], axis=1)


def _mean(values: Floats) -> Floats:
    """Mean over the criteria where it is defined, [B]."""
    defined = np.isfinite(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=1), defined.sum(axis=1))


def measure(
    gold: Sequence[dict[str, Any]],
    predicted: Sequence[dict[str, Any] | None],
    *,
    question: dict[str, Any],
    groups: Sequence[int] | None = None,
    draws: int = DRAWS,
    seed: int,
    level: float = 0.95,
) -> list[MetricValue]:
    """Every metric of METRICS, those by criterion for each, with intervals; see metrics.Kind."""
    names, rows = rubric.names(question), rows_of(gold, predicted, question)
    n = len(rows)
    asked = rows[:, 2::WIDE].sum(axis=0)
    columns = [Column(name, None, n) for name in ("mae", "qwk", "exact")]
    columns += [Column("exact_all", None, n, int(rows[:, 1].sum())), Column("coverage", None, n)]
    for metric in ("criterion_mae", "criterion_qwk", "criterion_exact"):
        columns += [Column(metric, name, int(count)) for name, count in zip(names, asked, strict=True)]
    found = figures(rows, every_metric, columns, groups=groups, draws=draws, seed=seed, level=level)
    support = zip(names, asked, strict=True)
    return found + [
        MetricValue("support", name, int(count), None, None, int(count), "count") for name, count in support
    ]


def detail(gold: list[Any], predicted: list[Any], question: dict[str, Any]) -> list[Any]:
    """Nothing more."""
    return []

"""PURE. score: a number. Mean errors, correlations, share within the tolerance, R2, and their intervals.

No answer (missing, refused, unparsable) is taken as the worst there is, so that leaving items out never pays: for errors
as the end of the scale that lies farthest from the gold, for correlations as the end on the other side of the gold's
mean; it lies within no tolerance.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from annotation.text.words import _, gettext_noop
from evaluation.metrics.sampled import FEWEST, Column, dependent, figures, ratio
from evaluation.metrics.values import Metric, MetricValue
from evaluation.significance import DRAWS, Floats, bca, bootstrap, by_group, jackknife, no_interval

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("mae", gettext_noop("Mean absolute error"), higher_is_better=False, may_be_primary=True),
        Metric("rmse", gettext_noop("Root mean squared error"), higher_is_better=False, may_be_primary=True),
        Metric("within", gettext_noop("Within the tolerance"), may_be_primary=True),
        Metric("pearson", gettext_noop("Pearson correlation"), may_be_primary=True),
        Metric("spearman", gettext_noop("Spearman correlation"), may_be_primary=True),
        Metric("r2", gettext_noop("R squared"), may_be_primary=True),
        Metric("coverage", "Answered"),
    )
}
# The mean error is in points of the scale, defined also where the gold does not vary, and one wild answer does not
# rule it; a correlation is blind to a system that is always two points too high.
PRIMARY = "mae"
BESIDE = ("rmse", "spearman", "within")
# A rank correlation is computed anew from all items for each item left out: beyond this that takes minutes.
MOST_RANKED = 20_000
SMALL = 1e-12


def filled(
    gold: Sequence[float], predicted: Sequence[float | None], low: float, high: float
) -> tuple[Floats, Floats, Floats]:
    """Gold, predictions for errors and predictions for correlations, float64[n] each, without gaps."""
    if len(gold) != len(predicted):
        raise ValueError(
            f"Gold has {len(gold)} items and the predictions {len(predicted)}: they must be the same items."
        )
    truth = np.array(gold, dtype=np.float64)
    mean = truth.mean() if len(truth) else 0.0
    said = np.array([np.nan if given is None else given for given in predicted], dtype=np.float64)
    farthest = np.where(truth - low >= high - truth, low, high)
    opposite = np.where(truth >= mean, low, high)
    return truth, np.where(np.isnan(said), farthest, said), np.where(np.isnan(said), opposite, said)


def rows_of(
    gold: Floats, said: Floats, against: Floats, answered: Floats, *, tolerance: float, middle: float
) -> Floats:
    """What each item adds, float64[n, 10]: 1, answered, |e|, e^2, within, and of g, p about the middle: g, p, gg, pp, gp."""
    error, g, p = said - gold, gold - middle, against - middle
    # Tenths have no exact form: 0.3 - 0.2 is a step of 0.1 all the same.
    near = (np.abs(error) <= tolerance + 1e-9) * answered
    return np.column_stack([np.ones(len(gold)), answered, np.abs(error), error**2, near, g, p, g * g, p * p, g * p])


def every_metric(sums: Floats) -> Floats:
    """From column sums [B, 10]: mae, rmse, within, pearson, r2, coverage."""
    n, answered, absolute, squared, near, g, p, gg, pp, gp = (sums[:, place] for place in range(10))
    of_gold, of_said = _spread(n, g, gg), _spread(n, p, pp)
    pearson = ratio(gp - ratio(g * p, n, 0.0), np.sqrt(of_gold * of_said), 0.0)
    varies = of_gold > 0
    found = [
        ratio(absolute, n),
        np.sqrt(ratio(squared, n)),
        ratio(near, n),
        np.where(varies, np.clip(pearson, -1, 1), np.nan),
        1 - ratio(squared, of_gold),
        ratio(answered, n),
    ]
    return np.stack(found, axis=1)


def _spread(n: Floats, once: Floats, twice: Floats) -> Floats:
    """Sum of squared deviations from the mean; rounding is no variation."""
    found = twice - ratio(once**2, n, 0.0)
    return np.where(found > SMALL * (np.abs(twice) + SMALL), found, 0.0)


def spearman_of(weights: Floats, gold: Floats, said: Floats) -> Floats:
    """Correlation of mid-ranks, [B], of items taken `weights` times, float64[B, n]; 0 where `said` does not vary."""
    one, other = (_ranks(weights, values) for values in (gold, said))
    n = weights.sum(axis=1, keepdims=True)
    one, other = one - n / 2, other - n / 2
    product, of_gold, of_said = ((weights * part).sum(axis=1) for part in (one * other, one**2, other**2))
    found = ratio(product, np.sqrt(of_gold * of_said), 0.0)
    return np.where(of_gold > SMALL * n[:, 0] ** 3, np.clip(found, -1, 1), np.nan)


def _ranks(weights: Floats, values: Floats) -> Floats:
    """The mid-rank of each item among the items as often as they are taken, minus one half: float64[B, n]."""
    distinct, which = np.unique(values, return_inverse=True)
    member = sparse.csr_array(
        (np.ones(len(values)), (np.arange(len(values)), which)), shape=(len(values), len(distinct))
    )
    counts = np.asarray((member.T @ weights.T).T)
    ranks: Floats = (np.cumsum(counts, axis=1) - counts / 2)[:, which]
    return ranks


def measure(
    gold: Sequence[float],
    predicted: Sequence[float | None],
    *,
    question: dict[str, Any],
    groups: Sequence[int] | None = None,
    draws: int = DRAWS,
    seed: int,
    level: float = 0.95,
) -> list[MetricValue]:
    """Every metric of METRICS with its interval; see metrics.Kind."""
    low, high = question["min"], question["max"]
    truth, said, against = filled(gold, predicted, low, high)
    answered = np.array([given is not None for given in predicted], dtype=np.float64)
    rows = rows_of(truth, said, against, answered, tolerance=question["tolerance"], middle=(low + high) / 2)
    n = len(rows)
    columns = [
        Column("mae", None, n),
        Column("rmse", None, n),
        Column("within", None, n, int(rows[:, 4].sum())),
        Column("pearson", None, n),
        Column("r2", None, n),
        Column("coverage", None, n, int(answered.sum())),
    ]
    found = figures(rows, every_metric, columns, groups=groups, draws=draws, seed=seed, level=level)
    found.insert(4, _spearman(truth, against, groups=groups, draws=draws, seed=seed, level=level))
    return found


def _spearman(
    gold: Floats, said: Floats, *, groups: Sequence[int] | None, draws: int, seed: int, level: float
) -> MetricValue:
    """Ranks depend on which items are drawn: what is resampled are the items themselves, each a column of its own."""
    n = len(gold)
    if not n:
        return MetricValue("spearman", None, None, None, None, 0, "none", _("There are no items."))
    grouped = dependent(groups, n)
    value = float(spearman_of(np.ones((1, n)), gold, said)[0])
    if np.isnan(value):
        return MetricValue("spearman", None, None, None, None, n, "none", _("Undefined on these items."))
    items = by_group(sparse.eye_array(n, format="csr"), grouped)
    if items.shape[0] < FEWEST:
        made = no_interval(_("There are too few independent items to resample."))
    elif n > MOST_RANKED:
        made = no_interval(_("There are too many items to rank anew for each resample."))
    else:

        def statistic(weights: Floats) -> Floats:
            return spearman_of(weights, gold, said)

        drawn = bootstrap(items, statistic, draws=draws, seed=seed)
        made = bca(drawn, value=value, jackknife=jackknife(items, statistic), level=level)
    return MetricValue("spearman", None, value, made.low, made.high, n, made.method, made.note)


def detail(gold: list[Any], predicted: list[Any], question: dict[str, Any]) -> list[Any]:
    """Nothing more: numbers have no confusion of labels."""
    return []

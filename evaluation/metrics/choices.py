"""PURE. choices: a set of labels. Exact sets, micro and macro F1, Jaccard, Hamming loss and their intervals.

No answer (missing, refused, unparsable) counts as wrong whatever the gold is, also where the gold is the empty set: no
label found, no set equal, nothing in common, every label wrong.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from annotation.text.words import gettext_noop
from evaluation.metrics.sampled import Column, figures, ratio
from evaluation.metrics.values import Metric, MetricValue
from evaluation.significance import DRAWS, Floats

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("exact_match", gettext_noop("Exact set"), may_be_primary=True),
        Metric("micro_f1", gettext_noop("Micro F1"), may_be_primary=True),
        Metric("macro_f1", gettext_noop("Macro F1"), may_be_primary=True),
        Metric("jaccard", gettext_noop("Mean Jaccard"), may_be_primary=True),
        Metric("hamming", gettext_noop("Hamming loss"), higher_is_better=False, may_be_primary=True),
        Metric("coverage", "Answered"),
        Metric("precision", "Precision", per_label=True),
        Metric("recall", "Recall", per_label=True),
        Metric("f1", "F1", per_label=True),
        Metric("support", "Gold items", per_label=True),
    )
}
PRIMARY = "macro_f1"
BESIDE = ("exact_match", "micro_f1", "macro_f1")
# Columns of what an item adds, before those of the labels.
HEAD = 5


def rows_of(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str] | None], names: Sequence[str]) -> Floats:
    """What each item adds, float64[n, 5 + 3 L]: 1, answered, exact, Jaccard, Hamming; by label: found, gold, predicted."""
    if len(gold) != len(predicted):
        raise ValueError(
            f"Gold has {len(gold)} items and the predictions {len(predicted)}: they must be the same items."
        )
    places = {name: place for place, name in enumerate(names)}
    truth, said = np.zeros((len(gold), len(names))), np.zeros((len(gold), len(names)))
    for row, (wanted, given) in enumerate(zip(gold, predicted, strict=True)):
        truth[row, [places[name] for name in wanted if name in places]] = 1
        said[row, [places[name] for name in given or () if name in places]] = 1
    answered = np.array([given is not None for given in predicted], dtype=np.float64)
    both, either = (truth * said).sum(axis=1), np.maximum(truth, said).sum(axis=1)
    wrong = np.abs(truth - said).sum(axis=1) / max(len(names), 1)
    head = np.column_stack([
        np.ones(len(gold)),
        answered,
        answered * (both == either),
        answered * ratio(both, either, 1.0),
        np.where(answered > 0, wrong, 1.0),
    ])  # fmt: skip
    return np.concatenate([head, truth * said, truth, said], axis=1)


def every_metric(sums: Floats) -> Floats:
    """From column sums [B, 5 + 3 L]: the overall metrics in the order of METRICS, then precision, recall, F1 by label."""
    n, answered, exact, jaccard, hamming = (sums[:, place] for place in range(HEAD))
    found, gold, said = np.split(sums[:, HEAD:], 3, axis=1)
    micro = ratio(2 * found.sum(axis=1), gold.sum(axis=1) + said.sum(axis=1))
    present = gold + said > 0
    macro = ratio(ratio(2 * found, gold + said, 0.0).sum(axis=1), present.sum(axis=1))
    overall = [ratio(exact, n), micro, macro, ratio(jaccard, n), ratio(hamming, n), ratio(answered, n)]
    by_label = [ratio(found, said), ratio(found, gold), ratio(2 * found, gold + said)]
    return np.concatenate([np.stack(overall, axis=1), *by_label], axis=1)


def measure(
    gold: Sequence[Sequence[str]],
    predicted: Sequence[Sequence[str] | None],
    *,
    question: dict[str, Any],
    groups: Sequence[int] | None = None,
    draws: int = DRAWS,
    seed: int,
    level: float = 0.95,
) -> list[MetricValue]:
    """Every metric of METRICS, those per label for each declared label, with intervals; see metrics.Kind."""
    names = [label["name"] for label in question["labels"]]
    rows = rows_of(gold, predicted, names)
    n, sums = len(rows), rows.sum(axis=0) if len(rows) else np.zeros(HEAD + 3 * len(names))
    _found, support, said = np.split(sums[HEAD:], 3)
    columns = [Column("exact_match", None, n, int(sums[2]))]
    columns += [Column(name, None, n) for name in ("micro_f1", "macro_f1", "jaccard", "hamming")]
    columns.append(Column("coverage", None, n, int(sums[1])))
    for metric, rests in (("precision", said), ("recall", support), ("f1", support)):
        columns += [Column(metric, name, int(count)) for name, count in zip(names, rests, strict=True)]
    values = figures(rows, every_metric, columns, groups=groups, draws=draws, seed=seed, level=level)
    return values + [
        MetricValue("support", name, int(count), None, None, int(count), "count")
        for name, count in zip(names, support, strict=True)
    ]


def detail(gold: list[Any], predicted: list[Any], question: dict[str, Any]) -> list[Any]:
    """Nothing more: sets have no confusion of one label with another."""
    return []

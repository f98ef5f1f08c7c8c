"""PURE. preference: which of two responses is better, or a ranking. Accuracy, kappa, F1; tau-b and the best one.

No answer (missing, refused, unparsable) counts as wrong: not equal to the gold, no correlation with it, not its best.
How much better one is, where a strength is asked, is told by agreement; what is scored is which.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from annotation.agreement.preference import tau_b
from annotation.kinds.preference import RANKING, TIE, classes, settled
from annotation.text.words import _, gettext_noop
from evaluation.metrics.sampled import Column, figures, ratio
from evaluation.metrics.values import Metric, MetricValue
from evaluation.significance import DRAWS, Floats

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", gettext_noop("Accuracy"), may_be_primary=True),
        Metric("agreement_no_ties", gettext_noop("Agreement without ties"), may_be_primary=True),
        Metric("kappa", gettext_noop("Cohen's kappa"), may_be_primary=True),
        Metric("macro_f1", gettext_noop("Macro F1"), may_be_primary=True),
        Metric("kendall_tau", gettext_noop("Kendall's tau-b"), may_be_primary=True),
        Metric("top1", gettext_noop("Best one found"), may_be_primary=True),
        Metric("coverage", "Answered"),
        Metric("precision", "Precision", per_label=True),
        Metric("recall", "Recall", per_label=True),
        Metric("f1", "F1", per_label=True),
        Metric("support", "Gold items", per_label=True),
    )
}
PRIMARY = "accuracy"
BESIDE = ("accuracy", "agreement_no_ties", "kappa", "kendall_tau", "top1")
PAIRWISE_METRICS = ("accuracy", "agreement_no_ties", "kappa", "macro_f1", "coverage")
RANKING_METRICS = ("accuracy", "kendall_tau", "top1", "coverage")
# Columns of what an item adds, before those of the classes.
HEAD = 5


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
    """Every metric of METRICS with its interval; those of the other mode are empty, and their notes say so."""
    if len(gold) != len(predicted):
        raise ValueError(
            f"Gold has {len(gold)} items and the predictions {len(predicted)}: they must be the same items."
        )
    options: dict[str, Any] = {"groups": groups, "draws": draws, "seed": seed, "level": level}
    ranks = question["mode"] == RANKING
    found = _ranking(gold, predicted, question, **options) if ranks else _pairwise(gold, predicted, question, **options)
    there = {value.metric for value in found}
    note = _("Only for rankings.") if not ranks else _("Only for comparisons of two.")
    missing = [metric for metric in METRICS.values() if metric.name not in there and not metric.per_label]
    return found + [MetricValue(metric.name, None, None, None, None, 0, "none", note) for metric in missing]


# -- Comparisons of two -------------------------------------------------------------------------------------------


def rows_of(gold: Sequence[dict[str, Any]], predicted: Sequence[dict[str, Any] | None], names: Sequence[str]) -> Floats:
    """What each item adds, float64[n, 5 + 3 L].

    1, answered, right, without ties (neither the gold nor an answer is one), of these right; by class: found, gold,
    predicted.
    """
    places = {name: place for place, name in enumerate(names)}
    truth, said = np.zeros((len(gold), len(names))), np.zeros((len(gold), len(names)))
    untied = np.ones(len(gold))
    for row, (wanted, given) in enumerate(zip(gold, predicted, strict=True)):
        truth[row, places[wanted["better"]]] = 1
        answer = given["better"] if given else None
        if answer in places:
            said[row, places[answer]] = 1
        untied[row] = wanted["better"] != TIE and answer != TIE
    both = truth * said
    right = both.sum(axis=1)
    head = np.column_stack([np.ones(len(gold)), said.sum(axis=1), right, untied, untied * right])
    return np.concatenate([head, both, truth, said], axis=1)


def every_metric(sums: Floats) -> Floats:
    """From column sums [B, 5 + 3 L]: PAIRWISE_METRICS, then precision, recall and F1 by class."""
    n, answered, right, untied, untied_right = (sums[:, place] for place in range(HEAD))
    found, gold, said = np.split(sums[:, HEAD:], 3, axis=1)
    chance = ratio((gold * said).sum(axis=1), n**2)
    # Cohen 1960, no answer being one more thing that a system may say and the gold never does.
    kappa = ratio(ratio(right, n) - chance, 1 - chance)
    present = gold + said > 0
    macro = ratio(ratio(2 * found, gold + said, 0.0).sum(axis=1), present.sum(axis=1))
    overall = [ratio(right, n), ratio(untied_right, untied), kappa, macro, ratio(answered, n)]
    by_class = [ratio(found, said), ratio(found, gold), ratio(2 * found, gold + said)]
    return np.concatenate([np.stack(overall, axis=1), *by_class], axis=1)


def _pairwise(
    gold: Sequence[dict[str, Any]],
    predicted: Sequence[dict[str, Any] | None],
    question: dict[str, Any],
    **options: Any,
) -> list[MetricValue]:
    names = classes(question)
    rows = rows_of(gold, predicted, names)
    sums = rows.sum(axis=0) if len(rows) else np.zeros(HEAD + 3 * len(names))
    n, answered, right, untied, untied_right = (int(sums[place]) for place in range(HEAD))
    _found, support, said = np.split(sums[HEAD:], 3)
    columns = [
        Column("accuracy", None, n, right),
        Column("agreement_no_ties", None, untied, untied_right if untied else None),
        Column("kappa", None, n),
        Column("macro_f1", None, n),
        Column("coverage", None, n, answered),
    ]
    for metric, rests in (("precision", said), ("recall", support), ("f1", support)):
        columns += [Column(metric, name, int(count)) for name, count in zip(names, rests, strict=True)]
    values = figures(rows, every_metric, columns, **options)
    return values + [
        MetricValue("support", name, int(count), None, None, int(count), "count")
        for name, count in zip(names, support, strict=True)
    ]


# -- Rankings -----------------------------------------------------------------------------------------------------


def ranking_rows(gold: Sequence[dict[str, Any]], predicted: Sequence[dict[str, Any] | None]) -> Floats:
    """What each item adds, float64[n, 6]: 1, answered, equal, tau-b, whether the gold has one, share of the best found.

    Gold that is one single tie has no tau-b; an answer that is one has none with anything, and counts 0.
    """
    rows = np.zeros((len(gold), 6))
    for row, (wanted, given) in enumerate(zip(gold, predicted, strict=True)):
        ordered = len(wanted["order"]) > 1
        rows[row, [0, 4]] = 1, ordered
        if given is None:
            continue
        tau = tau_b(wanted, given)
        best, named = set(wanted["order"][0]), set(given["order"][0])
        rows[row, 1:4] = 1, wanted["order"] == given["order"], tau if ordered and np.isfinite(tau) else 0.0
        rows[row, 5] = len(best & named) / len(named)
    return rows


def every_ranking_metric(sums: Floats) -> Floats:
    """From column sums [B, 6]: RANKING_METRICS."""
    n, answered, equal, tau, ordered, top = (sums[:, place] for place in range(6))
    return np.stack([ratio(equal, n), ratio(tau, ordered), ratio(top, n), ratio(answered, n)], axis=1)


def _ranking(
    gold: Sequence[dict[str, Any]],
    predicted: Sequence[dict[str, Any] | None],
    question: dict[str, Any],
    **options: Any,
) -> list[MetricValue]:
    rows = ranking_rows(gold, predicted)
    n, answered, equal, _tau, ordered, _top = (int(total) for total in rows.sum(axis=0)) if len(rows) else (0,) * 6
    columns = [
        Column("accuracy", None, n, equal),
        Column("kendall_tau", None, ordered),
        Column("top1", None, n),
        Column("coverage", None, n, answered),
    ]
    return figures(rows, every_ranking_metric, columns, **options)


def detail(gold: list[Any], predicted: list[Any], question: dict[str, Any]) -> list[Any]:
    """The confusion of what is better: gold in rows, predictions and 'no answer' in columns; nothing for rankings."""
    names = classes(question)
    if not names:
        return []
    table = np.zeros((len(names), len(names) + 1), dtype=int)
    for wanted, given in zip(gold, predicted, strict=True):
        said = settled(given, question)["better"] if given else None
        table[names.index(wanted["better"]), names.index(said) if said in names else len(names)] += 1
    found: list[list[int]] = table.tolist()
    return found

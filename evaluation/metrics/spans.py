"""PURE. spans: marks in the text. Precision, recall and F1 of whole marks, by overlap and of the ends alone, with intervals.

A mark is right where both its ends (all parts of it) and its label are those of a gold mark: scores are of marks, never
of words or characters, which flatter (CoNLL 2003, seqeval). No answer (missing, refused, unparsable) misses all gold
marks of its item, and counts as an item with an error even where there is nothing to mark.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from annotation.kinds.marks import Mark, covers, meets, place_of, shared
from annotation.text.words import gettext_noop
from evaluation.metrics.sampled import Column, figures, ratio
from evaluation.metrics.values import Metric, MetricValue
from evaluation.significance import DRAWS, Floats

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("micro_f1", gettext_noop("F1 of marks"), may_be_primary=True),
        Metric("micro_precision", gettext_noop("Precision of marks")),
        Metric("micro_recall", gettext_noop("Recall of marks")),
        Metric("macro_f1", gettext_noop("Macro F1"), may_be_primary=True),
        Metric("overlap_f1", gettext_noop("F1, overlapping"), may_be_primary=True),
        Metric("boundary_f1", gettext_noop("F1 of the ends"), may_be_primary=True),
        Metric("without_error", gettext_noop("Items without error"), may_be_primary=True),
        Metric("coverage", "Answered"),
        Metric("precision", "Precision", per_label=True),
        Metric("recall", "Recall", per_label=True),
        Metric("f1", "F1", per_label=True),
        Metric("support", gettext_noop("Gold marks"), per_label=True),
    )
}
PRIMARY = "micro_f1"
BESIDE = ("micro_f1", "overlap_f1", "boundary_f1")
# Columns of what an item adds, before those of the labels.
HEAD = 7


def rows_of(gold: Sequence[Sequence[Mark]], predicted: Sequence[Sequence[Mark] | None], names: Sequence[str]) -> Floats:
    """What each item adds, float64[n, 7 + 3 L].

    1, answered, without error, marks that meet one with their label (of both sides), all marks (of both sides), twice
    the ends that both have, all ends (of both sides); by label: right, gold, predicted.
    """
    if len(gold) != len(predicted):
        raise ValueError(
            f"Gold has {len(gold)} items and the predictions {len(predicted)}: they must be the same items."
        )
    places = {name: place for place, name in enumerate(names)}
    rows = np.zeros((len(gold), HEAD + 3 * len(names)))
    for row, wanted, given in zip(rows, gold, predicted, strict=True):
        truth, said = _exact(wanted), _exact(given or ())
        ends = {name[0] for name in truth}, {name[0] for name in said}
        row[:HEAD] = [
            1,
            given is not None,
            given is not None and truth == said,
            _met(wanted, given or ()) + _met(given or (), wanted),
            len(truth) + len(said),
            2 * len(ends[0] & ends[1]),
            len(ends[0]) + len(ends[1]),
        ]
        for block, marks in enumerate((truth & said, truth, said)):
            for _place, label in marks:
                if label in places:
                    row[HEAD + block * len(names) + places[label]] += 1
    return rows


def _exact(marks: Sequence[Mark]) -> set[tuple[tuple[Any, ...], str]]:
    return {_name(mark) for mark in marks}


def _met(marks: Sequence[Mark], others: Sequence[Mark]) -> int:
    """How many of the marks share a character and their label with one of the others."""
    covered = covers(others)
    return sum(meets(mark, covered) for mark in marks)


def every_metric(sums: Floats) -> Floats:
    """From column sums [B, 7 + 3 L]: the overall metrics in the order of METRICS, then precision, recall, F1 by label."""
    n, answered, right, met, both, ends, all_ends = (sums[:, place] for place in range(HEAD))
    found, gold, said = np.split(sums[:, HEAD:], 3, axis=1)
    present = gold + said > 0
    hits, wanted, given = found.sum(axis=1), gold.sum(axis=1), said.sum(axis=1)
    overall = [
        ratio(2 * hits, wanted + given),
        ratio(hits, given),
        ratio(hits, wanted),
        ratio(ratio(2 * found, gold + said, 0.0).sum(axis=1), present.sum(axis=1)),
        ratio(met, both),
        ratio(ends, all_ends),
        ratio(right, n),
        ratio(answered, n),
    ]
    by_label = [ratio(found, said), ratio(found, gold), ratio(2 * found, gold + said)]
    return np.concatenate([np.stack(overall, axis=1), *by_label], axis=1)


def measure(
    gold: Sequence[Sequence[Mark]],
    predicted: Sequence[Sequence[Mark] | None],
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
    overall = [name for name, metric in METRICS.items() if not metric.per_label]
    counts = {"without_error": int(sums[2]), "coverage": int(sums[1])}
    columns = [Column(name, None, n, counts.get(name)) for name in overall]
    for metric, rests in (("precision", said), ("recall", support), ("f1", support)):
        columns += [Column(metric, name, int(count)) for name, count in zip(names, rests, strict=True)]
    values = figures(rows, every_metric, columns, groups=groups, draws=draws, seed=seed, level=level)
    return values + [
        MetricValue("support", name, int(count), None, None, int(count), "count")
        for name, count in zip(names, support, strict=True)
    ]


def detail(
    gold: Sequence[Sequence[Mark]], predicted: Sequence[Sequence[Mark] | None], question: dict[str, Any]
) -> list[list[int]]:
    """Which label a gold mark (row) was given (column): int[L + 1, L + 1], the last ones being no mark there.

    A gold mark belongs to the predicted one with the same ends, else to that which shares most characters with it. The
    words themselves stay out: they are test gold.
    """
    places = {label["name"]: place for place, label in enumerate(question["labels"])}
    none = len(places)
    table = [[0] * (none + 1) for _row in range(none + 1)]
    for wanted, given in zip(gold, predicted, strict=True):
        for mark, other in _matched(wanted, given or ()):
            row, column = (places[one["label"]] if one else none for one in (mark, other))
            table[row][column] += 1
    return table


def _matched(gold: Sequence[Mark], predicted: Sequence[Mark]) -> Iterator[tuple[Mark | None, Mark | None]]:
    """Each gold mark with the predicted one that it belongs to, each once; None on the side that has none."""
    free = [True] * len(predicted)
    rest = list(gold)
    for nearest in (_alike(predicted, _name), _alike(predicted, place_of), _widest(predicted)):
        still = []
        for mark in rest:
            near = nearest(mark, free)
            if near is None:
                still.append(mark)
            else:
                free[near] = False
                yield mark, predicted[near]
        rest = still
    yield from ((mark, None) for mark in rest)
    yield from ((None, mark) for mark, left in zip(predicted, free, strict=True) if left)


Nearest = Callable[[Mark, list[bool]], int | None]


def _name(mark: Mark) -> tuple[tuple[Any, ...], str]:
    return place_of(mark), mark["label"]


def _alike(marks: Sequence[Mark], name: Callable[[Mark], Any]) -> Nearest:
    """The first free mark of the same name."""
    places: dict[Any, list[int]] = defaultdict(list)
    for place, mark in enumerate(marks):
        places[name(mark)].append(place)

    def nearest(mark: Mark, free: list[bool]) -> int | None:
        return next((place for place in places.get(name(mark), ()) if free[place]), None)

    return nearest


def _widest(marks: Sequence[Mark]) -> Nearest:
    """The free mark that shares most characters, the first of several; only those around the mark are compared."""
    starts, ends = (np.array([mark[side] for mark in marks], dtype=np.int64) for side in ("start", "end"))
    split = [place for place, mark in enumerate(marks) if "parts" in mark]

    def nearest(mark: Mark, free: list[bool]) -> int | None:
        common = np.minimum(ends, mark["end"]) - np.maximum(starts, mark["start"])
        common[(common <= 0) | ~np.array(free, dtype=bool)] = 0
        for place in np.flatnonzero(common).tolist() if "parts" in mark else split:
            common[place] = common[place] and shared(mark, marks[place])
        return int(common.argmax()) if common.any() else None

    return nearest

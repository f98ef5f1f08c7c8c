"""PURE. Figures that are functions of sums over items, each with its interval: what the metrics of several kinds share."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from annotation.text.words import _, gettext_noop
from evaluation.metrics.values import MetricValue
from evaluation.significance import (
    Floats,
    Interval,
    Ints,
    bca,
    bootstrap,
    by_group,
    jackknife,
    no_interval,
    totals,
    wilson,
)

# Fewer items or groups than this and a bootstrap says more about itself than about the system.
FEWEST = 10
UNDEFINED = {
    "precision": gettext_noop("Undefined: the label was never predicted."),
    "recall": gettext_noop("Undefined: no gold item has the label."),
    "f1": gettext_noop("Undefined: the label occurs neither in gold nor in the predictions."),
}


class Column(NamedTuple):
    """A metric, overall (label None) or of one label.

    n: what it rests on; right: where it is a proportion of n independent items, how many, else None.
    """

    metric: str
    label: str | None
    n: int
    right: int | None = None


def ratio(part: Floats, whole: Floats, empty: float = float("nan")) -> Floats:
    """part / whole, `empty` where the whole is 0."""
    part, whole = np.broadcast_arrays(np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64))
    out: Floats = np.full(part.shape, empty)
    return np.divide(part, whole, out=out, where=whole != 0)


def figures(
    rows: Floats,
    every: Callable[[Floats], Floats],
    columns: Sequence[Column],
    *,
    groups: Sequence[int] | Ints | None,
    draws: int,
    seed: int,
    level: float,
) -> list[MetricValue]:
    """A value with its interval for each of the columns.

    rows: float64[n, c], what each item adds; every: sums [B, c] -> values [B, v], in the order of the columns.
    Proportions of items that stand for themselves have Wilson intervals, all else BCa over items, or over groups of
    items that depend on each other. Raises ValueError where there is not one group per item.
    """
    if not len(rows):
        note = _("There are no items.")
        return [MetricValue(column.metric, column.label, None, None, None, 0, "none", note) for column in columns]
    grouped = dependent(groups, len(rows))
    units = rows if grouped is None else np.asarray(by_group(rows, grouped))
    value = every(totals(units))[0]
    drawn, left_out = bootstrap(units, every, draws=draws, seed=seed), jackknife(units, every)
    found = []
    for place, column in enumerate(columns):
        exact = column.right is not None and grouped is None
        made = (
            wilson(column.right or 0, column.n, level=level)
            if exact
            else _interval(float(value[place]), drawn[:, place], left_out[:, place], len(units), level)
        )
        found.append(_told(column, float(value[place]), made))
    return found


def _interval(value: float, drawn: Floats, left_out: Floats, units: int, level: float) -> Interval:
    if units < FEWEST:
        return no_interval(_("There are too few independent items to resample."))
    return bca(drawn, value=value, jackknife=left_out, level=level)


def _told(column: Column, value: float, made: Interval) -> MetricValue:
    metric, label, n, _right = column
    if np.isnan(value):
        note = UNDEFINED.get(metric, gettext_noop("Undefined on these items."))
        return MetricValue(metric, label, None, None, None, n, "none", _(note))
    return MetricValue(metric, label, value, made.low, made.high, n, made.method, made.note)


def dependent(groups: Sequence[int] | Ints | None, items: int) -> Ints | None:
    """The groups as int[items], or None where each item is its own and nothing depends on anything.

    Raises ValueError where there is not one group per item.
    """
    if groups is None:
        return None
    codes = np.asarray(groups, dtype=np.int64)
    if len(codes) != items:
        raise ValueError(f"There are {items} items but {len(codes)} groups: give one group per item.")
    return None if len(np.unique(codes)) == items else codes

"""PURE. What the metrics of every kind are described by and give back."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as a board shows it; `title` is English, `may_be_primary` says whether a benchmark may rank by it."""

    name: str
    title: str
    higher_is_better: bool = True
    may_be_primary: bool = False
    per_label: bool = False


@dataclass(frozen=True, slots=True)
class MetricValue:
    """One metric's value with its interval.

    metric: its name in the kind's METRICS; label: the label it is about, None where it is about all.
    value: None where it is undefined (the note says why): shown as empty, never as zero.
    low, high: the interval, None where there is none (the note says why).
    n: what the value rests on: items; for a label its gold items (recall, F1, support) or predictions (precision).
    method: wilson, bca, count (a plain number that has no interval) or none.
    note: in words, why a value or an interval is missing; empty where nothing is.
    """

    metric: str
    label: str | None
    value: float | None
    low: float | None
    high: float | None
    n: int
    method: str
    note: str = ""

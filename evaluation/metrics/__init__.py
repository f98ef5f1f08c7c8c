"""PURE. How answers of each kind are scored: one module per kind, registered here once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evaluation.metrics import choice
from evaluation.metrics.values import Metric, MetricValue


@dataclass(frozen=True)
class Kind:
    """What the platform asks of a kind's metrics.

    metrics: name -> Metric, in the order a board shows them.
    report(gold, predicted, *, labels, groups, draws, seed, level) -> every metric's value with its interval.
    """

    name: str
    metrics: Mapping[str, Metric]
    report: Callable[..., list[MetricValue]]


KINDS: dict[str, Kind] = {
    "choice": Kind("choice", choice.METRICS, choice.report),
}

"""PURE. How answers of each kind are scored: one module per kind, registered here once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from evaluation.metrics import choice, choices, events, preference, rubric, score, spans, text
from evaluation.metrics.values import Metric, MetricValue


@dataclass(frozen=True)
class Kind:
    """What the platform asks of a kind's metrics.

    metrics: name -> Metric, in the order a board shows them; primary: what ranks a board where nobody chose another.
    measure(gold, predicted, *, question, groups, draws, seed, level) -> every metric's value with its interval. gold
        and predicted are answers in stored form, item by item, None where there is no answer: it counts as wrong.
    detail(gold, predicted, question) -> more for a submission's page, JSON-ready: a confusion of labels, or [].
    beside: metrics that stand beside the primary one on a board.
    """

    name: str
    metrics: Mapping[str, Metric]
    primary: str
    measure: Callable[..., list[MetricValue]]
    detail: Callable[[list[Any], list[Any], dict[str, Any]], list[Any]]
    beside: tuple[str, ...]

    @property
    def per_label(self) -> tuple[str, ...]:
        """The metrics of single labels, but for their number of gold items."""
        return tuple(metric.name for metric in self.metrics.values() if metric.per_label and metric.name != "support")

    @property
    def may_be_primary(self) -> list[str]:
        """The metrics that may rank a board."""
        return [metric.name for metric in self.metrics.values() if metric.may_be_primary]


def _kind(module: ModuleType) -> Kind:
    name = module.__name__.rpartition(".")[2]
    return Kind(name, module.METRICS, module.PRIMARY, module.measure, module.detail, module.BESIDE)


KINDS: dict[str, Kind] = {
    kind.name: kind for kind in map(_kind, (choice, choices, score, preference, rubric, text, spans, events))
}

"""choice: exactly one label."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from annotation.kinds import labels
from annotation.kinds.about import About

# Settings beside the labels, and how many labels there must be.
OPTIONS: tuple[dict[str, Any], ...] = ()
LABELS = 2


def check_schema(question: dict[str, Any]) -> dict[str, Any]:
    """Its labels with defaults filled in; raises ValueError naming the label and the fix."""
    return {"labels": labels.check(question.get("labels"), least=LABELS)}


def clean(value: Any, question: dict[str, Any], about: About | None = None) -> str:
    """The label's name; raises ValueError where the value is no label of the question."""
    return labels.known(value, question)


def read(value: Any, question: dict[str, Any]) -> Any:
    """A cell of a file, as it is."""
    return value


def distance(a: str, b: str, question: dict[str, Any]) -> float:
    """Nominal: 0 where equal, else 1."""
    return 0.0 if a == b else 1.0


def relabel(value: str, names: Mapping[str, str | None], question: dict[str, Any]) -> str | None:
    """The label under its new name; None where it has none."""
    return names.get(value, value)


def merge(values: Sequence[str], question: dict[str, Any]) -> tuple[str, float] | None:
    """The label with more than half of the answers and its share; None where there is none."""
    if not values:
        return None
    value, count = Counter(values).most_common(1)[0]
    return (value, count / len(values)) if 2 * count > len(values) else None


def summarise(value: Any, question: dict[str, Any]) -> str:
    """The label's title."""
    return labels.title(value, question)


def used(value: str, question: dict[str, Any]) -> list[str]:
    """The one label."""
    return [value]


def stratum(value: str, question: dict[str, Any]) -> str:
    """The label: splits are stratified by it."""
    return value

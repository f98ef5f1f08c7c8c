"""PURE. How the answers to an ambiguous text spread, as files write it and as gold keeps it."""

import json
from collections.abc import Callable
from typing import Any

Spread = list[dict[str, Any]]


def read(cell: Any) -> Any:
    """A cell of a file: a list of {value, n}, an object question -> such a list, or the JSON of either; None for others."""
    if isinstance(cell, str):
        try:
            cell = json.loads(cell)
        except (ValueError, RecursionError):
            return None
    if isinstance(cell, dict):
        return cell if cell and all(is_spread(part) for part in cell.values()) else None
    return cell if is_spread(cell) else None


def is_spread(given: Any) -> bool:
    """Whether it is a list, not an empty one, of objects with a value and how often it was given."""
    return (
        isinstance(given, list)
        and bool(given)
        and all(
            isinstance(one, dict)
            and set(one) == {"value", "n"}
            and one["value"] is not None
            and isinstance(one["n"], int)
            and not isinstance(one["n"], bool)
            and 0 < one["n"] < 10**9
            for one in given
        )
    )


def clean(given: Spread, stored: Callable[[Any], Any]) -> Spread:
    """Every value in the form that `stored` gives it, equal ones together, the most frequent first; raises ValueError."""
    counts: dict[str, int] = {}
    for one in given:
        written = json.dumps(stored(one["value"]), sort_keys=True, ensure_ascii=True)
        counts[written] = counts.get(written, 0) + one["n"]
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [{"value": json.loads(written), "n": count} for written, count in ordered]


def closeness(value: Any, spread: Spread, distance: Callable[[Any, Any], float]) -> float:
    """How near an answer is to those that people gave: the mean of 1 - distance over them; 0 for no answer."""
    if value is None:
        return 0.0
    total = sum(one["n"] for one in spread)
    return float(sum(one["n"] * (1 - distance(value, one["value"])) for one in spread) / total)

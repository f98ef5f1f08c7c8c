"""PURE. Answers of labels side by side: a row for every label that somebody gave, with a tick for each who did."""

from collections.abc import Sequence
from typing import Any

from annotation.alignment.rows import MISSING, Aligned, Bit, confused, row

TICK = Bit("✓")


def align(values: Sequence[Any], question: dict[str, Any]) -> Aligned:
    """`values`: a label or a list of labels for each answer, None where there is none."""
    given = [None if value is None else frozenset([value] if isinstance(value, str) else value) for value in values]
    rows = []
    disputed = []
    for label in question["labels"]:
        name = label["name"]
        if not any(one and name in one for one in given):
            continue
        ticks = [None if one is None else (TICK,) if name in one else () for one in given]
        differs = len({name in one for one in given if one is not None}) > 1
        disputed += [name] if differs else []
        rows.append(row(label["title"], ticks, what=[MISSING] if differs else [], color=label["color"]))
    return Aligned(tuple(rows), tuple(disputed), confused(given))

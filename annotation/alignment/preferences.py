"""PURE. Preferences side by side, by the names of the responses: what each person saw on which side is undone."""

from collections.abc import Sequence
from typing import Any

from annotation.alignment.rows import Aligned, Bit, row
from annotation.text.words import _


def align(values: Sequence[Any], question: dict[str, Any]) -> Aligned:
    """What is better and by how much, or the rank of every response; and which response each person saw first."""
    rows = _ranks(values) if question["mode"] == "ranking" else _better(values, question)
    first = [None if value is None else tuple(Bit(name.upper()) for name in (value.get("shown") or [])[:1]) for value in values]  # fmt: skip
    if any(first):
        # Not a difference in what was said, so it marks none.
        rows.append(row(_("shown first"), first, keys=[None] * len(first)))
    better = [None if value is None else frozenset([_best(value)]) for value in values]
    found = sorted({(min(a, b), max(a, b)) for one in better for other in better if one and other for a in one for b in other if a != b})  # fmt: skip
    return Aligned(tuple(rows), (), tuple(found))


def _best(value: dict[str, Any]) -> str:
    return "=".join(value["order"][0]) if "order" in value else str(value["better"])


def _better(values: Sequence[Any], question: dict[str, Any]) -> list[Any]:
    levels = question.get("strength") or []
    tie = _("equally good")
    better = [None if value is None else (Bit(tie if value["better"] == "tie" else value["better"].upper()),) for value in values]  # fmt: skip
    rows = [row(_("better"), better)]
    if levels:
        strengths = [value and value.get("strength") for value in values]
        said = [None if value is None else (Bit(str(levels[level - 1])),) if level and level <= len(levels) else () for value, level in zip(values, strengths, strict=True)]  # fmt: skip
        rows.append(row(_("how much"), said))
    return rows


def _ranks(values: Sequence[Any]) -> list[Any]:
    ranks = [None if value is None else {name: place for place, group in enumerate(value["order"], 1) for name in group} for value in values]  # fmt: skip
    names = sorted({name for one in ranks for name in one or {}})
    return [
        row(
            name.upper(),
            [None if one is None else (Bit(str(one[name])),) if name in one else () for one in ranks],
        )
        for name in names
    ]

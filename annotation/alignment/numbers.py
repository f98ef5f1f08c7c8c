"""PURE. Numbers and ratings side by side: on a scale, and as a table of criteria."""

from collections.abc import Sequence
from typing import Any

from annotation.alignment.rows import VALUE, Aligned, Bit, row
from annotation.kinds import rubric


def align_scores(values: Sequence[Any], question: dict[str, Any]) -> Aligned:
    """One row of numbers, and the points of a scale."""
    said = [None if value is None else (Bit(str(value)),) for value in values]
    points = tuple((place, float(value)) for place, value in enumerate(values) if value is not None)
    return Aligned((row(question["title"], said),), points=points)


def align_ratings(values: Sequence[Any], question: dict[str, Any]) -> Aligned:
    """A row for each criterion (of each response); one that somebody left out says nothing there."""
    titles = {point["value"]: point["title"] for point in question["points"]}
    every = [None if value is None else rubric.ratings(value, question) for value in values]
    rows, confusing = [], []
    for response in sorted({name for given in every for name in given or {}} or {""}):
        for criterion in question["rows"]:
            said: list[tuple[Bit, ...] | None] = []
            for given in every:
                point = ((given or {}).get(response) or {}).get(criterion["name"])
                said.append(None if given is None else () if point is None else (Bit(str(point), titles.get(point, "")),))  # fmt: skip
            rows.append(row(" · ".join(filter(None, (response.upper(), criterion["title"]))), said))
            if VALUE in rows[-1].what:
                confusing.append(criterion["name"])
    return Aligned(tuple(rows), tuple(dict.fromkeys(confusing)))

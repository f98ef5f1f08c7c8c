"""PURE. A curve with intervals as coordinates for a small SVG; the template draws it and puts a table behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, FLOOR = 44, 628, 12, 184
# So many names fit under the axis.
NAMED = 12


@dataclass(frozen=True)
class Point:
    """One point: what it is called, its value (None: none), its interval, and words for the table."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


def curve(points: Sequence[Point], *, title: str, bottom: float = 0.0, top: float = 1.0) -> dict[str, Any]:
    """What templates/annotation/_curve.html needs; values below `bottom` stand on the floor."""
    step = (RIGHT - LEFT) / max(1, len(points))
    drawn = []
    for place, point in enumerate(points):
        if point.value is None:
            continue
        x = LEFT + step * (place + 0.5)
        low = point.value if point.low is None else point.low
        high = point.value if point.high is None else point.high
        drawn.append(
            {
                "x": round(x, 1),
                "y": _y(point.value, bottom, top),
                "low": _y(low, bottom, top),
                "high": _y(high, bottom, top),
            }
        )
    skip = -(-len(points) // NAMED)
    # From below 0 in halves, so that one line is that of 0.
    gap = 0.5 if bottom < 0 else (top - bottom) / 4
    ticks = [bottom + gap * part for part in range(round((top - bottom) / gap) + 1)]
    return {
        "title": title,
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": RIGHT,
        "floor": FLOOR,
        "y_ticks": [{"y": _y(tick, bottom, top), "value": tick} for tick in ticks],
        "x_ticks": [
            {"x": round(LEFT + step * (place + 0.5), 1), "text": point.name}
            for place, point in enumerate(points)
            if place % skip == 0
        ],
        "points": drawn,
        "line": " ".join(f"{dot['x']},{dot['y']}" for dot in drawn),
        "rows": list(points),
    }


def _y(value: float, bottom: float, top: float) -> float:
    part = (min(max(value, bottom), top) - bottom) / (top - bottom)
    return round(FLOOR - (FLOOR - TOP) * part, 1)

"""PURE. Points of a curve as the coordinates of an SVG polyline; the page draws it with its table behind."""

from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 560, 214, 46, 40, 10, 10


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    place: float
    text: str


@dataclass(frozen=True)
class Line:
    """One series: `points` is what a polyline takes; `dots` are its (x, y, words)."""

    name: str
    points: str
    dots: list[tuple[float, float, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Chart:
    """A drawing of WIDTH x HEIGHT units."""

    title: str
    x_title: str
    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    floor: int = HEIGHT - BOTTOM
    right: int = WIDTH - RIGHT


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers that span [low, high]."""
    span = (high - low) or abs(high) or 1.0
    rough = span / count
    size = 10.0 ** int(f"{rough:e}".split("e")[1])
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough)
    first = int(low / step - (low % step < 0)) * step
    found = [round(first + step * index, 10) for index in range(count + 4)]
    return [value for value in found if low - step / 2 <= value <= high + step / 2]


def chart(
    title: str,
    series: dict[str, Sequence[tuple[float, float]]],
    *,
    x_title: str,
    bounds: tuple[float, float] | None = None,
) -> Chart | None:
    """A chart of named series of (x, y); None where there is nothing to draw."""
    drawn = {name: list(points) for name, points in series.items() if points}
    if not drawn:
        return None
    xs = [x for points in drawn.values() for x, _y in points]
    ys = [y for points in drawn.values() for _x, y in points]
    low, high = bounds or (min(ys), max(ys))
    if low == high:
        low, high = low - 0.5, high + 0.5
    left, right = min(xs), max(xs) if max(xs) > min(xs) else min(xs) + 1

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (x - left) / (right - left) * (WIDTH - LEFT - RIGHT)
        down = TOP + (1 - (y - low) / (high - low)) * (HEIGHT - TOP - BOTTOM)
        return round(across, 1), round(min(max(down, 0), HEIGHT), 1)

    lines = [
        Line(
            name,
            " ".join(f"{x},{y}" for x, y in (place(*point) for point in points)),
            [(*place(*point), f"{point[1]:.4g}") for point in points] if len(points) <= 40 else [],
        )
        for name, points in drawn.items()
    ]
    return Chart(
        title,
        x_title,
        lines,
        [Tick(place(x, low)[0], f"{x:g}") for x in ticks(left, right) if left <= x <= right],
        [Tick(place(left, y)[1], f"{y:g}") for y in ticks(low, high) if low <= y <= high],
    )

"""PURE. When a number of answers will be there, from how many came on each of the last days of work; drawn, with its spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

DRAWS = 1000
SEED = 20260514
# Days behind which nobody plans: the rest is told as "more than".
FAR = 1000
# Fewer days with work than these say nothing about how days differ.
LEAST_DAYS = 5


@dataclass(frozen=True)
class Finish:
    """Days of work until the end: in the middle, and the eight draws of ten lie from low to high.

    low and high are None where too few days are known, days where there is no pace; FAR stands for FAR days or more.
    """

    pace: float
    days: int | None
    low: int | None = None
    high: int | None = None


def finish(daily: Sequence[int], left: int, *, draws: int = DRAWS, seed: int = SEED) -> Finish:
    """How long `left` answers take, where each coming day of work is like one of the days in `daily`, chosen at random."""
    pace = sum(daily) / len(daily) if daily else 0.0
    if left <= 0:
        return Finish(pace, 0, 0, 0)
    if pace <= 0:
        return Finish(pace, None)
    straight = min(FAR, ceil(left / pace))
    if sum(count > 0 for count in daily) < LEAST_DAYS:
        return Finish(pace, straight)
    rng = np.random.default_rng(seed)
    length = min(FAR, 3 * straight + 30)
    sums = rng.choice(np.asarray(daily, dtype=np.int64), size=(draws, length)).cumsum(axis=1)
    needed = np.where(sums[:, -1] >= left, (sums < left).sum(axis=1) + 1, FAR)
    low, middle, high = (int(np.ceil(part)) for part in np.quantile(needed, (0.1, 0.5, 0.9)))
    return Finish(pace, min(FAR, middle), min(FAR, low), min(FAR, high))

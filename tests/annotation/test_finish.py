"""When it will be finished: exact where all days are alike, honest where they differ or are few."""

import numpy as np
import pytest

from annotation.finish import FAR, finish


def test_days_that_are_all_alike_leave_no_doubt():
    for daily, left, days in (([10] * 14, 95, 10), ([7] * 5, 7, 1), ([3] * 20, 4, 2)):
        found = finish(daily, left)
        assert (found.days, found.low, found.high) == (days, days, days)
        assert found.pace == daily[0]


def test_days_that_differ_spread_around_the_straight_count():
    daily = [0, 0, 40, 55, 10, 60, 20, 0, 5, 50, 45, 30, 25, 15]
    left = 1000
    found = finish(daily, left)
    straight = left / np.mean(daily)
    assert found.low < straight < found.high
    assert found.low <= found.days <= found.high
    # the oracle: one day after another
    chance, lengths = np.random.default_rng(1), []
    for _ in range(4000):
        have = days = 0
        while have < left:
            have += int(chance.choice(daily))
            days += 1
        lengths.append(days)
    for mine, part in ((found.low, 0.1), (found.days, 0.5), (found.high, 0.9)):
        assert abs(mine - np.quantile(lengths, part)) <= 1.5


@pytest.mark.parametrize(
    ("daily", "left", "told"),
    [([], 5, (None, None, None)), ([0] * 14, 5, (None, None, None)), ([0] * 13 + [14], 5, (5, None, None)),
     ([5] * 14, 0, (0, 0, 0)), ([1] * 14, 10_000_000, (FAR, FAR, FAR))],
)  # fmt: skip
def test_without_pace_days_or_hope_nothing_is_made_up(daily, left, told):
    found = finish(daily, left)
    assert (found.days, found.low, found.high) == told

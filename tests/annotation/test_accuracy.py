"""The interval of a share against numbers from elsewhere and a naive integration."""

import math

import pytest

from annotation.agreement.accuracy import LEAST, accuracy, interval


def naive(right: int, wrong: int) -> tuple[float, float]:
    """The same by summing the posterior on a grid."""
    steps = 20_000
    density = [(n + 0.5) / steps for n in range(steps)]
    weights = [math.exp(right * math.log(p) + wrong * math.log1p(-p)) for p in density]
    total, seen, low, high = sum(weights), 0.0, None, None
    for p, weight in zip(density, weights, strict=True):
        seen += weight / total
        low = p if low is None and seen >= 0.025 else low
        high = p if high is None and seen >= 0.975 else high
    return low, high


@pytest.mark.parametrize(("right", "wrong"), [(0, 0), (20, 0), (17, 3), (0, 20), (90, 10)])
def test_the_interval_is_that_of_the_posterior(right, wrong):
    for found, told in zip(interval(right, wrong), naive(right, wrong), strict=True):
        assert found == pytest.approx(told, abs=2e-4)


def test_twenty_of_twenty_is_not_certain():
    low, high = interval(20, 0)
    # 0.025 ** (1 / 21), the closed form for no error
    assert low == pytest.approx(0.025 ** (1 / 21), abs=1e-9)
    assert high < 1


def test_nobody_is_judged_on_fewer_than_twenty():
    assert not accuracy([1.0] * (LEAST - 1)).judged
    assert accuracy([1.0] * LEAST).judged
    assert accuracy([]) is None


def test_right_is_a_distance_of_nought_and_the_score_is_beside_it():
    told = accuracy([1.0, 0.5, 1.0, 0.0])
    assert (told.n, told.right, told.score, told.share) == (4, 2, 0.625, 0.5)

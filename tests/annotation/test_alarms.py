"""Alarms: each function against cases made by hand and a naive version, and nothing on too little."""

import random
from statistics import median

import pytest

from annotation import alarms
from annotation.alarms import Given


def answers(values, seconds=8.0, length=200):
    """Answers one after the other."""
    return [Given(pk, value, seconds, length) for pk, value in enumerate(values, 1)]


def half(_value):
    return 0.5


# Control accuracy


def test_twelve_of_twenty_right_is_not_surely_too_little_and_eight_is():
    flags = [(pk, pk < 12) for pk in range(20)]
    assert alarms.control(flags) is None
    seen = alarms.control([(pk, pk < 8) for pk in range(20)])
    assert seen.numbers["right"] == 8
    assert seen.numbers["dropped"] is False
    assert seen.rows == list(range(8, 20))


def test_a_drop_is_seen_though_most_is_right_still():
    before = [(pk, True) for pk in range(60)]
    now = [(pk, pk >= 67) for pk in range(60, 80)]
    assert alarms.control(before + [(pk, True) for pk in range(60, 80)]) is None
    seen = alarms.control(before + now)
    assert seen.numbers["dropped"] is True
    assert (seen.numbers["right"], seen.numbers["before"], seen.numbers["before_n"]) == (13, 60, 60)


def test_nineteen_control_answers_say_nothing():
    assert alarms.control([(pk, False) for pk in range(19)]) is None


# Too fast


def naive_fast(given, others):
    """The same, answer by answer."""
    newest = []
    for one in reversed(given):
        like = [s for size, found in others.items() if size == alarms.bucket(one.length) for s in found]
        if one.seconds is not None and len(like) >= 10 and median(like) > 0:
            newest.append(one.seconds / median(like))
        if len(newest) == 30:
            return median(newest) < 1 / 3
    return False


@pytest.mark.parametrize("seed", range(6))
def test_too_fast_is_told_as_the_naive_version_tells_it(seed):
    chance = random.Random(seed)
    others = {alarms.bucket(n): [chance.uniform(5, 20) for _ in range(chance.choice([5, 30]))] for n in (50, 200, 900)}
    for pace in (1.0, 3.0, 4.5, 9.0):
        given = [
            Given(pk, "", chance.choice([None, chance.uniform(0.5, 1.5) * pace]), chance.choice([50, 200, 900]))
            for pk in range(80)
        ]
        assert (alarms.fast(given, others) is not None) == naive_fast(given, others)


def test_a_short_text_is_held_against_short_texts():
    others = {alarms.bucket(40): [2.0] * 20, alarms.bucket(4000): [60.0] * 20}
    assert alarms.fast(answers("a" * 30, seconds=1.9, length=40), others) is None
    seen = alarms.fast(answers("a" * 30, seconds=6.0, length=4000), others)
    assert seen.numbers["usual"] == 60.0
    assert len(seen.rows) == 30
    # Others of like length are needed, and thirty timed answers.
    assert alarms.fast(answers("a" * 30, seconds=1.0, length=300), others) is None
    assert alarms.fast(answers("a" * 29, seconds=1.0, length=4000), others) is None


# One label, and patterns


def test_one_label_is_an_alarm_only_where_it_is_unlikely():
    assert alarms.one_label(answers("x" * 19), half) is None
    assert alarms.one_label(answers("x" * 20), half).numbers["n"] == 20
    # Where nine of ten answers say it, a run of twenty is nothing; one of ninety is.
    common = lambda _value: 0.9  # noqa: E731
    assert alarms.one_label(answers("x" * 20), common) is None
    assert alarms.one_label(answers("x" * 90), common) is not None
    assert alarms.one_label(answers("x" * 40 + "y"), half) is None
    assert alarms.one_label(answers("ab" * 5 + "x" * 20), half).rows == list(range(11, 31))


@pytest.mark.parametrize(("values", "period"), [("xy" * 8, 2), ("xyz" * 6, 3), ("x" * 16, 1), ("qq" + "xy" * 8, 2)])
def test_rapid_answers_that_repeat_are_a_pattern(values, period):
    seen = alarms.mashing(answers(values, seconds=1.0), half)
    assert seen.numbers["period"] == period
    assert seen.numbers["n"] >= 16


def test_slow_answers_or_answers_without_a_period_are_no_pattern():
    assert alarms.mashing(answers("xy" * 10, seconds=4.0), half) is None
    assert alarms.mashing(answers("xyyxxyxyyyxxyxxyxyyx", seconds=1.0), half) is None
    assert alarms.mashing(answers("xy" * 7, seconds=1.0), half) is None
    # One slow answer among the newest ends the run.
    broken = answers("xy" * 10, seconds=1.0)
    broken[-3] = Given(broken[-3].pk, broken[-3].value, 9.0, 200)
    assert alarms.mashing(broken, half) is None
    assert alarms.mashing(answers("x" * 20, seconds=1.0), lambda _value: 0.95) is None


# Drift


def test_drift_needs_two_windows_and_a_sure_fall():
    good = [(pk, pk % 10 != 0) for pk in range(60)]
    assert alarms.drift(good) is None
    fallen = good + [(pk, pk % 2 == 0) for pk in range(60, 100)]
    seen = alarms.drift(fallen)
    assert (seen.numbers["same"], seen.numbers["n"], seen.numbers["before_n"]) == (20, 40, 60)
    assert alarms.drift(good + [(pk, pk % 7 != 0) for pk in range(60, 100)]) is None
    assert alarms.drift([(pk, False) for pk in range(79)]) is None

"""Splits by time: the test is the latest window, a gap before it is free, and nothing in train is later."""

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.splits import Unit, assign, latest_day
from evaluation.windows import ByTime, Windows, day_of

SHARES = {"train": 0.7, "dev": 0.1, "test": 0.2}
START = date(2026, 1, 1)


def units_on(days: list[int | None], groups: list[str] | None = None) -> list[Unit]:
    return [
        Unit(
            f"u{place:03}",
            f"t{place}",
            day=None if day is None else START + timedelta(days=day),
            groups=(groups[place],) if groups else (),
        )
        for place, day in enumerate(days)
    ]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-05-31", date(2026, 5, 31)),
        ("2026-05-31T10:00:00+08:00", date(2026, 5, 31)),
        ("2026-02", date(2026, 2, 28)),
        ("2026", date(2026, 12, 31)),
        ("2026-13-01", None),
        ("2026-02-30", None),
        ("0000", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_day_is_read_and_half_a_date_is_its_last_day(text: str, day: date | None) -> None:
    assert day_of(text) == day


def test_the_latest_go_into_the_test_and_days_are_not_divided() -> None:
    found = assign(units_on([day // 3 for day in range(100)]), shares=SHARES, seed=1, by_time=ByTime())
    days = {split: [n // 3 for n in range(100) if found.split[f"u{n:03}"] == split] for split in SHARES}
    assert max(days["train"]) < min(days["dev"]) <= max(days["dev"]) < min(days["test"])
    assert Counter(found.split.values())["test"] == pytest.approx(20, abs=2)


def test_the_gap_is_left_out_or_goes_to_train_as_asked() -> None:
    units = units_on(list(range(100)))
    left = assign(units, shares=SHARES, seed=1, by_time=ByTime(gap=5))
    assert len(left.gap) == 10
    assert set(left.gap).isdisjoint(left.split)
    kept = assign(units, shares=SHARES, seed=1, by_time=ByTime(gap=5, gap_to="train"))
    assert not kept.gap
    assert len(kept.split) == 100
    # Five days of what would be dev, before the test, are in train.
    assert Counter(kept.split.values()) == {"train": 75, "dev": 5, "test": 20}


def test_undated_are_told_and_left_out_or_put_into_train() -> None:
    units = units_on([*range(50), None, None])
    left = assign(units, shares=SHARES, seed=1, by_time=ByTime())
    assert left.undated == ["u050", "u051"]
    assert "u050" not in left.split
    kept = assign(units, shares=SHARES, seed=1, by_time=ByTime(undated="train"))
    assert (kept.undated, kept.split["u050"]) == (["u050", "u051"], "train")
    with pytest.raises(ValueError, match="No text has a date"):
        assign(units_on([None]), shares=SHARES, seed=1, by_time=ByTime())


def test_from_a_day_on_and_dev_that_begins_after_it_is_refused() -> None:
    by_time = ByTime(starts={"test": START + timedelta(days=90)})
    found = assign(units_on(list(range(100))), shares=SHARES, seed=1, by_time=by_time)
    assert Counter(found.split.values()) == {"train": 80, "dev": 10, "test": 10}
    assert found.windows == {"dev": START + timedelta(days=80), "test": START + timedelta(days=90)}
    late = ByTime(starts={"test": START, "dev": START + timedelta(days=3)})
    with pytest.raises(ValueError, match="Dev begins after test"):
        assign(units_on(list(range(9))), shares=SHARES, seed=1, by_time=late)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 15)), min_size=3, max_size=50),
    st.integers(0, 10),
    st.sampled_from([SHARES, {"train": 0.5, "test": 0.5}, {"train": 0.2, "dev": 0.3, "test": 0.5}]),
)
def test_nothing_in_train_is_later_than_the_test_less_the_gap(
    rows: list[tuple[int, int]], gap: int, shares: dict[str, float]
) -> None:
    shares = {"dev": 0.0, **shares}
    units = units_on([day for day, _group in rows], [f"g{group}" for _day, group in rows])
    found = assign(units, shares=shares, seed=1, by_time=ByTime(gap=gap))
    start = found.windows.get("test")
    groups: dict[str, list[Unit]] = {}
    for unit in units:
        groups.setdefault(unit.groups[0], []).append(unit)
    for members in groups.values():
        assert len({found.split.get(unit.key) for unit in members}) == 1
        split, latest = found.split.get(members[0].key), latest_day(members)
        if start and split == "train":
            assert latest < start - timedelta(days=gap)
        if split == "test":
            assert latest >= start
    assert set(found.split) | set(found.gap) == {unit.key for unit in units}


def test_a_window_without_a_start_takes_nothing() -> None:
    assert Windows(None, None).split_of(START) == "train"
    assert Windows(None, START, 3).split_of(START - timedelta(days=2)) is None

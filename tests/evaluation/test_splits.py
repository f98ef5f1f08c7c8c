"""Splits: components stay whole, settled examples stay put, strata are balanced, and leaks are found."""

import json
import os
import random
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.leaks import Placed, find_leaks
from evaluation.splits import Assignment, Unit, assign

ROOT = Path(__file__).resolve().parents[2]
SHARES = {"train": 0.7, "dev": 0.1, "test": 0.2}


def singles(strata: Sequence[str]) -> list[Unit]:
    return [Unit(f"u{place:05}", f"t{place}", stratum) for place, stratum in enumerate(strata)]


def naive_components(units: Sequence[Unit]) -> set[frozenset[str]]:
    """Merge until nothing shares anything."""
    parts = [
        ({unit.key}, {("t", unit.text_key)} - {("t", "")} | {("g", group) for group in unit.groups if group})
        for unit in units
    ]
    merged = True
    while merged:
        merged = False
        for place, (keys, links) in enumerate(parts):
            for other in parts[place + 1 :]:
                if links & other[1]:
                    keys |= other[0]
                    links |= other[1]
                    parts.remove(other)
                    merged = True
                    break
    return {frozenset(keys) for keys, _ in parts}


@st.composite
def corpora(draw: st.DrawFn) -> list[Unit]:
    """Up to 40 units that share few texts and groups, some with a split already."""
    size = draw(st.integers(0, 40))
    return [
        Unit(
            f"u{place}",
            draw(st.sampled_from(["", *(f"t{code}" for code in range(30))])),
            draw(st.sampled_from("abc")),
            tuple(draw(st.lists(st.sampled_from(["", *(f"g{code}" for code in range(30))]), max_size=2))),
            draw(st.sampled_from([None, None, None, None, "train", "test"])),
        )
        for place in range(size)
    ]


# -- Components ---------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=80)
@given(corpora())
def test_components_are_those_of_a_naive_merge(units: list[Unit]) -> None:
    found = assign(units, shares=SHARES, seed=1).components
    members = defaultdict(set)
    for key, component in found.items():
        members[component].add(key)
    assert {frozenset(keys) for keys in members.values()} == naive_components(units)


@settings(deadline=None, max_examples=80)
@given(corpora(), st.integers(0, 9))
def test_nothing_connected_is_divided_but_by_what_was_settled(units: list[Unit], seed: int) -> None:
    found = assign(units, shares=SHARES, seed=seed)
    given_splits = {unit.key: unit.given for unit in units if unit.given}
    assert given_splits.items() <= found.split.items()
    assert set(found.split) | set(found.quarantined) == {unit.key for unit in units}
    assert not set(found.split) & set(found.quarantined)
    for members in naive_components(units):
        settled = {given_splits[key] for key in members if key in given_splits}
        fresh = members - set(given_splits)
        if len(settled) > 1:
            assert fresh <= set(found.quarantined)
        else:
            assert len({found.split[key] for key in members}) == 1


@settings(deadline=None, max_examples=60)
@given(corpora(), st.randoms(use_true_random=False))
def test_the_order_of_units_and_shares_does_not_matter(units: list[Unit], shuffled: random.Random) -> None:
    first = assign(units, shares=SHARES, seed=3)
    again = shuffled.sample(units, len(units))
    assert assign(again, shares=dict(reversed(SHARES.items())), seed=3) == first


def test_the_hash_seed_of_python_does_not_matter() -> None:
    code = (
        "from evaluation.splits import Unit, assign\n"
        "units = [Unit(f'u{i}', f't{i % 150}', 'abc'[i % 3], (f'g{i % 170}',)) for i in range(200)]\n"
        "print(sorted(assign(units, shares={'train': .7, 'dev': .1, 'test': .2}, seed=1).split.items()))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "42")
    }
    assert len(outputs) == 1
    assert len(outputs.pop()) > 1000


def test_another_seed_gives_another_split() -> None:
    units = singles(["a", "b"] * 100)
    assert assign(units, shares=SHARES, seed=1).split == assign(units, shares=SHARES, seed=1).split
    assert assign(units, shares=SHARES, seed=1).split != assign(units, shares=SHARES, seed=2).split


# -- Balance ------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.sampled_from("aaaaaaaabbbcd"), min_size=1, max_size=150),
    st.sampled_from([SHARES, {"train": 0.8, "test": 0.2}, {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}, {"test": 1.0}]),
    st.integers(0, 9),
)
def test_single_units_are_within_one_of_their_share_for_every_label(
    strata: list[str], shares: dict[str, float], seed: int
) -> None:
    units = singles(strata)
    found = assign(units, shares=shares, seed=seed).split
    counts = Counter((unit.stratum, found[unit.key]) for unit in units)
    for stratum, total in Counter(strata).items():
        for split, share in shares.items():
            assert abs(counts[stratum, split] - share * total) < 1 + 1e-9


def test_many_rare_labels_do_not_all_go_to_the_largest_split() -> None:
    found = assign(singles([f"rare{place}" for place in range(1000)]), shares=SHARES, seed=1).split
    assert Counter(found.values()) == {"train": 700, "dev": 100, "test": 200}


def test_groups_of_all_sizes_still_come_close_to_the_shares() -> None:
    rng = random.Random(4)
    groups = [min(int(rng.paretovariate(1.1)), 60) for _ in range(600)]
    units = [
        Unit(f"u{group}-{place}", f"t{group}-{place}", rng.choice("aab"), (f"g{group}",))
        for group, size in enumerate(groups)
        for place in range(size)
    ]
    found = assign(units, shares=SHARES, seed=1)
    for stratum in "ab":
        total = sum(unit.stratum == stratum for unit in units)
        for split, share in SHARES.items():
            count = sum(unit.stratum == stratum and found.split[unit.key] == split for unit in units)
            assert count / total == pytest.approx(share, abs=0.01)
    assert len(set(found.components.values())) == len(groups)


def test_a_split_without_a_share_gets_nothing_new() -> None:
    found = assign(singles("ab" * 20), shares={"train": 1, "dev": 0, "test": 0}, seed=1)
    assert set(found.split.values()) == {"train"}


# -- What is settled ----------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(corpora(), corpora())
def test_what_was_placed_stays_when_units_are_added(before: list[Unit], more: list[Unit]) -> None:
    first = assign(before, shares=SHARES, seed=1)
    added = [Unit(f"new-{unit.key}", unit.text_key, unit.stratum, unit.groups) for unit in more]
    second = assign(before + added, shares=SHARES, seed=1, settled=first.split)
    assert first.split.items() <= second.split.items()
    # Whatever is new and was placed stands beside nothing of another split.
    of = {unit.key: unit for unit in before + added}
    for unit in added:
        if unit.key in second.split:
            component = second.components[unit.key]
            beside = {second.split[key] for key in of if second.components[key] == component and key in second.split}
            assert beside == {second.split[unit.key]}


def test_a_refresh_fills_what_each_split_lacks() -> None:
    first = assign(singles("aab" * 100), shares=SHARES, seed=1)
    second = assign(singles("aab" * 150), shares=SHARES, seed=1, settled=first.split)
    assert first.split.items() <= second.split.items()
    assert Counter(second.split.values()) == {"train": 315, "dev": 45, "test": 90}


def test_a_new_unit_joins_the_split_of_its_text_or_group() -> None:
    units = [Unit("old", "t1", groups=("issuer:1",)), Unit("twin", "t1"), Unit("kin", "t2", groups=("issuer:1",))]
    for split in SHARES:
        found = assign(units, shares=SHARES, seed=1, settled={"old": split})
        assert found.split == dict.fromkeys(["old", "twin", "kin"], split)


def test_a_unit_that_joins_two_splits_is_quarantined_with_the_reason_and_the_others_stay() -> None:
    units = [Unit("a", "t1"), Unit("b", "t2"), Unit("bridge", "t1", groups=("g",)), Unit("c", "t2", groups=("g",))]
    found = assign(units, shares=SHARES, seed=1, settled={"a": "train", "b": "test"})
    assert found.split == {"a": "train", "b": "test"}
    assert set(found.quarantined) == {"bridge", "c"}
    assert "“b” in test, “a” in train" in found.quarantined["bridge"]
    assert "left out" in found.quarantined["bridge"]


def test_quarantined_units_do_not_count_for_the_shares() -> None:
    bridges = [Unit(f"bridge{place}", f"b{place}", groups=("a", "b")) for place in range(100)]
    settled = {"a": "train", "b": "test"}
    units = [Unit("a", "ta", groups=("a",)), Unit("b", "tb", groups=("b",)), *singles([""] * 98), *bridges]
    found = assign(units, shares={"train": 0.5, "test": 0.5}, seed=1, settled=settled)
    assert len(found.quarantined) == 100
    assert Counter(found.split.values()) == {"train": 50, "test": 50}
    uneven = assign(units, shares={"train": 0.9, "test": 0.1}, seed=1, settled=settled)
    assert Counter(uneven.split.values()) == {"train": 90, "test": 10}


def test_what_earlier_versions_settled_wins_over_the_given_split() -> None:
    units = [Unit("a", "t1", given="train"), Unit("b", "t2", given="dev")]
    found = assign(units, shares=SHARES, seed=1, settled={"a": "test", "gone": "dev"})
    assert found.split == {"a": "test", "b": "dev"}


def test_empty_keys_connect_nothing() -> None:
    units = [Unit("a", "", groups=("",), given="train"), Unit("b", "", groups=("",), given="test"), Unit("c", "")]
    assert assign(units, shares=SHARES, seed=1).quarantined == {}


def test_nothing_to_assign_is_an_empty_assignment() -> None:
    assert assign([], shares=SHARES, seed=1) == Assignment()


# -- Refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ({}, "There are no splits"),
        ({"train": 0.7, "dev": 0.1, "test": 0.3}, "shares of dev, test and train add up to 1.1; they must add up to 1"),
        ({"train": 1.2, "test": -0.2}, "share of “train” is 1.2; it must lie between 0 and 1"),
        ({"train": float("nan"), "test": 0.5}, "share of “train” is nan"),
    ],
)
def test_shares_that_are_none_are_refused_in_words(shares: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        assign([], shares=shares, seed=1)


def test_unknown_splits_and_double_keys_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="“a” belongs to the split “valid”, which is none of dev, test and train"):
        assign([Unit("a", "t", given="valid")], shares=SHARES, seed=1)
    with pytest.raises(ValueError, match="Two examples have the id “a”"):
        assign([Unit("a", "t1"), Unit("b", "t"), Unit("a", "t2")], shares=SHARES, seed=1)


# -- Leaks --------------------------------------------------------------------------------------------------------


def test_leaks_name_the_text_the_group_and_the_gold_that_are_wrong() -> None:
    rows = [
        Placed("a", "train", "t1", ("g1",), "up"),
        Placed("b", "test", "t1", (), "up"),
        Placed("c", "test", "t2", ("g1", "g2"), "down"),
        Placed("d", "test", "t2", ("g2",), "up"),
        Placed("e", "dev", "t3", (), None),
    ]
    found = find_leaks(reversed(rows))
    assert [(leak.kind, leak.shared, leak.splits, leak.keys) for leak in found] == [
        ("gold", "t2", ("test",), ("c", "d")),
        ("group", "g1", ("test", "train"), ("a", "c")),
        ("text", "t1", ("test", "train"), ("a", "b")),
    ]
    assert "different gold (down, up): “c”, “d”" in found[0].sentence
    assert "“g1” stands in test and train" in found[1].sentence
    assert "The same text stands in test and train: “a”, “b”" in found[2].sentence


def test_empty_keys_missing_gold_and_clean_splits_are_no_leaks() -> None:
    rows = [Placed("a", "train", "", ("",), "x"), Placed("b", "test", "", ("",), "y"), Placed("c", "test", "t")]
    assert find_leaks([*rows, Placed("d", "test", "t", (), "x")]) == []


def test_a_long_list_of_leaking_examples_is_cut_in_the_sentence_only() -> None:
    found = find_leaks(Placed(f"k{place}", "train" if place else "test", "t") for place in range(9))
    assert len(found[0].keys) == 9
    assert "“k4” and 4 more" in found[0].sentence


@settings(deadline=None, max_examples=60)
@given(corpora())
def test_without_given_splits_an_assignment_never_leaks(units: list[Unit]) -> None:
    found = assign([Unit(u.key, u.text_key, u.stratum, u.groups) for u in units], shares=SHARES, seed=1)
    assert find_leaks(Placed(u.key, found.split[u.key], u.text_key, u.groups) for u in units) == []


def test_real_headlines_with_repeated_texts_are_split_without_a_leak(shared: Path) -> None:
    path = shared / "data" / "normalised" / "dev" / "financial_phrasebank.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    units = [Unit(row["id"], " ".join(row["text"].lower().split()), row["label"]) for row in rows]
    found = assign(units, shares=SHARES, seed=1)
    placed = [Placed(unit.key, found.split[unit.key], unit.text_key) for unit in units]
    assert find_leaks(placed) == []
    assert len({unit.text_key for unit in units}) < len(units)
    totals = Counter(unit.stratum for unit in units)
    counts = Counter((unit.stratum, found.split[unit.key]) for unit in units)
    for stratum, split in counts:
        assert counts[stratum, split] == pytest.approx(SHARES[split] * totals[stratum], abs=1.0001)

"""Iterative stratification against a plain version of it, and on real sets of labels."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.splits import Unit, assign
from evaluation.strata import Bag, Lacking, stratify

PARTS = {"dev": 1, "test": 2, "train": 7}
SHARES = {"train": 0.7, "dev": 0.1, "test": 0.2}


def lacking_of(bags: list[Bag]) -> Lacking:
    counts: Counter[str] = Counter()
    for bag in bags:
        counts.update(bag.labels)
    size = sum(bag.size for bag in bags)
    return Lacking(
        {label: {name: part * n for name, part in PARTS.items()} for label, n in counts.items()},
        {name: part * size for name, part in PARTS.items()},
        PARTS,
    )


def naive(bags: list[Bag]) -> list[str]:
    """The algorithm as the paper writes it: count everything anew before each label."""
    lacking, found = lacking_of(bags), dict[int, str]()
    while len(found) < len(bags):
        left: Counter[str] = Counter()
        for place, bag in enumerate(bags):
            if place not in found:
                left.update(bag.labels)
        label = min(left, key=lambda name: (left[name], name)) if left else ""
        waiting = [p for p, bag in enumerate(bags) if p not in found and (not label or label in bag.labels)]
        for place in sorted(waiting, key=lambda p: (-bags[p].size, bags[p].tie)):
            bag = bags[place]
            need, names = 10 * bag.labels.get(label, 0), sorted(PARTS)
            wants = {name: lacking.labels[label][name] if label else 0 for name in names}
            fits = bool(label) and max(wants.values()) >= need
            scores = {}
            for at, name in enumerate(names):
                others = sum(n * lacking.labels[each][name] for each, n in bag.labels.items() if each != label)
                free, tie = lacking.overall[name] / PARTS[name], bag.tie[at % len(bag.tie)]
                if fits and wants[name] >= need:
                    scores[name] = (wants[name], others, free, tie)
                elif not fits and (wants[name] > 0 or max(wants.values()) <= 0):
                    scores[name] = (free, wants[name], others, tie)
            found[place] = max(scores, key=lambda name: scores[name])
            lacking.take(found[place], bag.labels, bag.size)
    return [found[place] for place in range(len(bags))]


@st.composite
def sets_of_labels(draw: st.DrawFn) -> list[Bag]:
    sizes = draw(st.lists(st.integers(1, 4), max_size=25))
    found = []
    for place, size in enumerate(sizes):
        labels = draw(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, size), max_size=4))
        found.append(Bag(size, labels, bytes([place, 255 - place, place * 7 % 256])))
    return found


@settings(deadline=None, max_examples=200)
@given(sets_of_labels())
def test_it_is_the_papers_algorithm(bags: list[Bag]) -> None:
    assert stratify(bags, lacking_of(bags)) == naive(bags)


@pytest.mark.parametrize(
    ("name", "field"),
    [("gold_commodity_headlines", "labels"), ("fincuge_finnl_train", "labels"), ("fiqa_sentiment", "labels")],
)
def test_every_label_of_real_sets_keeps_its_share_in_every_split(shared: Path, name: str, field: str) -> None:
    path = shared / "data" / "normalised" / "dev" / f"{name}.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    units = [
        Unit(row["id"], " ".join(row["text"].lower().split()), labels=tuple(row.get(field) or [""])) for row in rows
    ]
    found = assign(units, shares=SHARES, seed=1)
    totals = Counter(label for unit in units for label in unit.labels)
    counts = Counter((label, found.split[unit.key]) for unit in units for label in unit.labels)
    sizes = Counter(found.split.values())
    for split, share in SHARES.items():
        assert sizes[split] == pytest.approx(share * len(units), rel=0.05, abs=2)
        for label, n in totals.items():
            # A rare label cannot be exact: it comes with others, and same texts stay together.
            assert counts[label, split] == pytest.approx(share * n, rel=0.12, abs=2.5), (label, split, n)


def test_groups_stay_whole_and_nothing_settled_moves() -> None:
    units = [Unit(f"u{n}", f"t{n}", labels=("a", "bc"[n % 2]), groups=(f"g{n // 3}",)) for n in range(90)]
    settled = {f"u{n}": "test" for n in range(6)}
    found = assign(units, shares=SHARES, seed=3, settled=settled)
    assert all(found.split[key] == "test" for key in settled)
    assert all(len({found.split[f"u{n}"] for n in range(3 * g, 3 * g + 3)}) == 1 for g in range(30))
    assert Counter(found.split.values())["test"] == pytest.approx(18, abs=3)

"""Designs: shares to the largest remainder, the same sample from the same seed, and every item's chance as it is told."""

import random
from collections import Counter

import pytest

from annotation import designs
from annotation.designs import Design, Unit


def units(**sizes: int) -> list[Unit]:
    return [Unit(n, f"{name}-{n}", (name,)) for name, size in sizes.items() for n in range(size)]


def renumbered(found: list[Unit]) -> list[Unit]:
    return [unit._replace(pk=place) for place, unit in enumerate(found)]


def design(**given) -> Design:
    return Design.read({"seed": 7, **given})


def got(drawn: designs.Draw) -> dict[str, int]:
    return {row["stratum"][0]: row["got"] for row in drawn.strata}


def test_shares_are_whole_numbers_that_add_up_and_lie_within_one_of_the_exact_ones():
    rng = random.Random(1)
    for _round in range(200):
        weights = {str(n): rng.randrange(0, 50) for n in range(rng.randrange(1, 12))}
        size, whole = rng.randrange(0, 300), sum(weights.values())
        found = designs.shared_out(size, weights)
        if not whole:
            assert set(found.values()) == {0}
            continue
        assert sum(found.values()) == size
        assert all(abs(found[key] - size * weights[key] / whole) < 1 for key in weights)


def test_the_largest_remainders_get_what_is_left():
    # Hamilton's own case: 26 seats by 1/2.6 each; quotas 5.6, 3.3, 1.1.
    assert designs.shared_out(10, {"a": 56, "b": 33, "c": 11}) == {"a": 6, "b": 3, "c": 1}


def test_a_proportional_sample_has_the_shares_of_its_frame():
    drawn = designs.draw(renumbered(units(a=60, b=30, c=10)), design(by=["language"], size=20))
    assert got(drawn) == {"a": 12, "b": 6, "c": 2}
    assert {chance for _pk, _place, chance in drawn.items} == {0.2}


def test_an_equal_sample_tells_what_it_lacks():
    drawn = designs.draw(renumbered(units(a=60, b=3)), design(by=["language"], method="equal", size=20))
    assert got(drawn) == {"a": 10, "b": 3}
    assert designs.shortages(drawn.strata) == ["b: 10 wanted, 3 there, 7 short."]


def test_counts_are_as_chosen_and_a_stratum_that_is_not_there_is_told():
    counts = [{"stratum": ["b"], "size": 4}, {"stratum": ["x"], "size": 2}]
    drawn = designs.draw(renumbered(units(a=5, b=9)), design(by=["language"], method="counts", counts=counts))
    assert got(drawn) == {"a": 0, "b": 4, "x": 0}
    assert len(designs.shortages(drawn.strata)) == 1


def test_the_same_seed_gives_the_same_items_in_any_order_of_rows_and_another_gives_others():
    frame = renumbered(units(a=50, b=50))
    mixed = random.Random(3).sample(frame, len(frame))
    one, same = (designs.draw(rows, design(by=["language"], size=20)) for rows in (frame, mixed))
    other = designs.draw(frame, design(by=["language"], size=20, seed=8))
    assert {pk for pk, *_rest in one.items} == {pk for pk, *_rest in same.items}
    assert {pk for pk, *_rest in one.items} != {pk for pk, *_rest in other.items}


def test_a_known_seed_gives_known_items_for_good():
    drawn = designs.draw([Unit(n, f"d{n}", ()) for n in range(10)], design(size=3, seed=42))
    assert sorted(pk for pk, *_rest in drawn.items) == KNOWN


KNOWN = [5, 7, 8]


def test_a_smaller_sample_is_inside_a_larger_one():
    frame = renumbered(units(a=100))
    small, large = (designs.draw(frame, design(by=["language"], size=size)) for size in (10, 30))
    assert {pk for pk, *_rest in small.items} < {pk for pk, *_rest in large.items}


@pytest.mark.parametrize("given", [{"size": 12}, {"size": 12, "per": "issuer", "most": 2}, {"size": 10, "per": "text"}])
def test_every_item_is_drawn_as_often_as_its_probability_says(given):
    # Groups of 1 to 5 items over two strata.
    frame, rng = [], random.Random(5)
    for group in range(15):
        for _one in range(1 + group % 5):
            frame.append(Unit(len(frame), f"n{len(frame)}", (rng.choice("ab"),), f"g{group}"))
    rounds, drawn, told = 3000, Counter(), {}
    for seed in range(rounds):
        found = designs.draw(frame, design(by=["language"], seed=seed, **given))
        drawn.update(pk for pk, *_rest in found.items)
        told |= {pk: chance for pk, _place, chance in found.items}
    assert set(told) == {unit.pk for unit in frame}
    for pk, chance in told.items():
        # Four standard errors: about one false alarm in 500 runs over all items, and the seeds are fixed.
        assert abs(drawn[pk] / rounds - chance) < 4 * (chance * (1 - chance) / rounds) ** 0.5 + 1e-9, pk


def test_of_a_group_at_most_so_many_are_drawn_and_a_text_only_once_over_all_strata():
    frame = [Unit(n, f"n{n}", ("a" if n % 2 else "b",), f"g{n // 6}") for n in range(60)]
    for seed in range(20):
        once = designs.draw(frame, design(by=["language"], size=10, per="text", seed=seed))
        groups = Counter(frame[pk].group for pk, *_rest in once.items)
        assert max(groups.values()) == 1
        two = designs.draw(frame, design(by=["language"], size=30, per="issuer", most=2, seed=seed))
        each = Counter((frame[pk].group, frame[pk].stratum) for pk, *_rest in two.items)
        assert max(each.values()) == 2


def test_items_without_a_group_are_not_limited():
    frame = [Unit(n, f"n{n}", (), "") for n in range(10)]
    assert len(designs.draw(frame, design(size=10, per="issuer")).items) == 10


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"size": 0}, "between 1"),
        ({"size": "many"}, "whole number"),
        ({"size": True}, "whole number"),
        ({"size": 5, "seed": -1}, "whole number"),
        ({"size": 5, "by": ["colour"]}, "makes no strata"),
        ({"size": 5, "by": ["year", "year"]}, "different"),
        ({"size": 5, "by": ["year", "language", "issuer", "length"]}, "at most 3"),
        ({"size": 5, "method": "simple", "by": ["year"]}, "no strata"),
        ({"size": 5, "method": "equal"}, "no strata"),
        ({"size": 5, "method": "best"}, "one of"),
        ({"size": 5, "per": "colour"}, "limits nothing"),
        ({"method": "counts", "by": ["year"], "counts": []}, "at least one stratum"),
        ({"method": "counts", "by": ["year"], "counts": [{"stratum": ["a", "b"], "size": 1}]}, "as many values"),
        ({"method": "counts", "by": ["year"], "counts": {"2024": 1}}, "list of objects"),
    ],
)
def test_a_design_that_cannot_be_is_refused_in_words(given, words):
    with pytest.raises(ValueError, match=words):
        design(**given)


def test_too_many_strata_are_refused():
    with pytest.raises(ValueError, match="1001 strata"):
        designs.draw([Unit(n, f"n{n}", (str(n),)) for n in range(1001)], design(by=["issuer"], size=5))


def test_a_design_tells_itself_and_is_read_again():
    for given in (
        {"size": 5},
        {"size": 9, "by": ["year", "metadata:desk"], "per": "issuer", "most": 3},
        {"method": "counts", "by": ["year"], "counts": [{"stratum": ["2024"], "size": 3}]},
    ):
        assert Design.read(design(**given).told) == design(**given)


def test_periods_and_bands():
    assert [designs.period("2024-05-14T09:30", unit) for unit in ("year", "quarter", "month")] == ["2024", "2024-Q2", "2024-05"]  # fmt: skip
    assert [designs.period(day, "month") for day in ("", "2024", "soon", "2024-13")] == ["", "", "", ""]
    assert [designs.band(n) for n in (0, 99, 100, 2999, 3000)] == ["0-99", "0-99", "100-299", "1000-2999", "3000+"]

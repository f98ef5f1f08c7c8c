"""Answers become sorted codes, or a sentence says which is wrong; with the made answers of all tests of agreement."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.agreement.ratings import Ratings, distinct_rows, from_triples

YES_NO = ["yes", "no"]


def ratings(matrix: Sequence[Sequence[int | None]], labels: Sequence[str] | None = None) -> Ratings:
    """Ratings of units x raters of label numbers, None for a missing answer; raters r0, r1 ...; units u000, u001 ..."""
    found = [code for row in matrix for code in row if code is not None]
    names = labels or [str(code) for code in range(max(found, default=0) + 1)]
    return from_triples(
        [
            (f"u{unit:03}", f"r{rater}", names[code])
            for unit, row in enumerate(matrix)
            for rater, code in enumerate(row)
            if code is not None
        ],
        categories=names,
    )


def made_matrix(
    *, units: int, raters: int, labels: int, missing: float = 0.0, seed: int = 0, right: float = 0.6
) -> list[list[int | None]]:
    """Units x raters who give the unit's true label with probability right, a random label else."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(labels, size=(units, 1))
    answers = np.where(rng.random((units, raters)) < right, truth, rng.integers(labels, size=(units, raters)))
    gone = rng.random((units, raters)) < missing
    return [[None if g else int(a) for a, g in zip(*row, strict=True)] for row in zip(answers, gone, strict=True)]


def reliability(matrix: Sequence[Sequence[int | None]]) -> np.ndarray:
    """float64[raters, units], nan for a missing answer, as the krippendorff package wants it."""
    return np.array([[np.nan if code is None else code for code in row] for row in matrix], dtype=float).T


def matrices(*, raters: int = 4, labels: int = 4, missing: bool = True) -> st.SearchStrategy[list[list[int | None]]]:
    """Up to 25 units x 2 to `raters` raters of label numbers."""
    code = st.integers(0, labels - 1)
    answer = st.none() | code if missing else code
    return st.integers(2, raters).flatmap(
        lambda n: st.lists(st.lists(answer, min_size=n, max_size=n), min_size=1, max_size=25)
    )


def test_triples_in_any_order_become_answers_sorted_by_unit_then_rater() -> None:
    r = from_triples([("u2", "bob", "no"), ("u1", "bob", "yes"), ("u1", "alice", "no")], categories=YES_NO)
    assert (r.units, r.raters, r.categories) == (["u1", "u2"], ["alice", "bob"], YES_NO)
    assert r.unit.tolist() == [0, 0, 1]
    assert r.rater.tolist() == [0, 1, 1]
    assert r.value.tolist() == [1, 0, 1]
    assert r.unit.dtype == r.rater.dtype == r.value.dtype == np.int32
    assert r.counts.tolist() == [[1, 1], [0, 1]]


def test_declared_categories_keep_their_order_and_stay_when_unused() -> None:
    r = from_triples([("u", "alice", "mid")], categories=["high", "mid", "low"])
    assert r.categories == ["high", "mid", "low"]
    assert r.counts.tolist() == [[0, 1, 0]]


def test_no_triples_are_no_answers() -> None:
    r = from_triples([], categories=YES_NO)
    assert (r.units, r.raters, r.counts.shape) == ([], [], (0, 2))


def test_an_undeclared_value_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="Unit 'u7': rater 'bob' answered 'maybe', which is not declared"):
        from_triples([("u1", "bob", "yes"), ("u7", "bob", "maybe"), ("u8", "bob", "never")], categories=YES_NO)


def test_a_second_answer_to_a_unit_is_refused_by_name() -> None:
    triples = [("u1", "bob", "yes"), ("u2", "bob", "no"), ("u2", "alice", "no"), ("u2", "bob", "no")]
    with pytest.raises(ValueError, match="Unit 'u2': rater 'bob' answered it more than once"):
        from_triples(triples, categories=YES_NO)


def test_a_category_declared_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        from_triples([], categories=["yes", "yes"])


def test_columns_that_are_not_sorted_are_refused() -> None:
    codes = np.array([1, 0], dtype=np.int32)
    with pytest.raises(ValueError, match="sorted by unit"):
        Ratings(codes, codes, codes, ["a", "b"], ["x", "y"], YES_NO)


def test_columns_of_different_length_are_refused() -> None:
    codes = np.array([0, 1], dtype=np.int32)
    with pytest.raises(ValueError, match="equally long"):
        Ratings(codes, codes, codes[:1], ["a", "b"], ["x", "y"], YES_NO)


def test_units_of_one_group_share_a_number_and_a_unit_without_group_stands_alone() -> None:
    triples = [(unit, "alice", "yes") for unit in ("a", "b", "c", "d")]
    r = from_triples(triples, categories=YES_NO, groups={"a": "report", "c": "report", "b": "d"})
    assert r.group is not None
    assert r.group[0] == r.group[2]
    assert len(set(r.group.tolist())) == 3  # the unit named d is not in the group named d


def test_answers_of_a_rater_are_found_and_a_stranger_is_refused() -> None:
    r = from_triples([("u1", "bob", "yes"), ("u1", "alice", "no"), ("u2", "bob", "no")], categories=YES_NO)
    assert r.unit[r.answers_of("bob")].tolist() == [0, 1]
    assert r.answers_of("alice").tolist() == [0]
    with pytest.raises(ValueError, match="No answer comes from rater 'eve'; raters are alice, bob"):
        r.answers_of("eve")


@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), max_size=30))
def test_distinct_rows_rebuild_the_table(table: list[list[int]]) -> None:
    counts = np.array(table, dtype=np.int32).reshape(-1, 4)
    distinct, which = distinct_rows(counts)
    assert np.array_equal(distinct[which], counts)
    assert len({tuple(row) for row in distinct.tolist()}) == len(distinct) == len({tuple(row) for row in table})


def test_distinct_rows_of_many_wide_columns_do_not_overflow() -> None:
    rng = np.random.default_rng(3)
    counts = rng.integers(1000, size=(300, 40), dtype=np.int32)  # 1000^40 patterns: far beyond 64 bits
    counts = counts[rng.integers(300, size=900)]
    distinct, which = distinct_rows(counts)
    assert np.array_equal(distinct[which], counts)
    assert len(distinct) == len(np.unique(counts, axis=0))


def test_half_a_million_triples_are_taken() -> None:
    triples = ((f"u{n // 5}", f"r{n % 5}", YES_NO[n % 2]) for n in range(500_000))
    r = from_triples(triples, categories=YES_NO)
    assert (len(r.units), len(r.raters), r.value.size) == (100_000, 5, 500_000)
    assert r.counts.sum() == 500_000


@pytest.mark.parametrize("grouped", [False, True])
def test_some_answers_alone_are_what_their_triples_would_make(grouped: bool) -> None:
    rng = np.random.default_rng(7)
    groups = {f"u{n}": f"d{rng.integers(12)}" for n in range(60)} if grouped else None
    triples = [(f"u{n}", f"r{r}", "abc"[rng.integers(3)]) for n in range(80) for r in range(5) if rng.random() < 0.6]
    whole = from_triples(triples, categories="abcd", groups=groups)
    rows = [
        (whole.units[unit], whole.raters[rater], whole.categories[value])
        for unit, rater, value in zip(whole.unit, whole.rater, whole.value, strict=True)
    ]
    for share in (0.0, 0.02, 0.3, 1.0):
        part = np.flatnonzero(rng.random(len(rows)) < share)
        alone = from_triples([rows[place] for place in part], categories="abcd", groups=groups)
        found = whole.only(part)
        assert (found.units, found.raters, found.categories) == (alone.units, alone.raters, alone.categories)
        for name in ("unit", "rater", "value", "group"):
            np.testing.assert_array_equal(getattr(found, name), getattr(alone, name), err_msg=name)

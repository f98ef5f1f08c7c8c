"""Intervals and tests against published values, scipy, statsmodels and plain enumeration."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from annotation.agreement.intervals import weights
from evaluation import significance
from evaluation.metrics import choice
from evaluation.significance import (
    approximate_randomization,
    bca,
    bootstrap,
    bootstrap_pairs,
    by_group,
    holm,
    jackknife,
    mcnemar_exact,
    mcnemar_pairs,
    minimum_detectable_difference,
    paired_bootstrap,
    rank_intervals,
    tie_ranks,
    totals,
    wilson,
)


@pytest.fixture
def published(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "reference" / "evaluation.json").read_text())


def mean(sums: np.ndarray) -> np.ndarray:
    """Of counts with the columns value and 1."""
    return sums[:, 0] / sums[:, 1]


def with_ones(values: Any) -> np.ndarray:
    return np.stack([np.asarray(values, dtype=float), np.ones(len(values))], axis=1)


def correlation_counts(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack([np.ones(len(x)), x, y, x * x, y * y, x * y], axis=1)


def correlation(sums: np.ndarray) -> np.ndarray:
    n, x, y, xx, yy, xy = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return (n * xy - x * y) / np.sqrt((n * xx - x * x) * (n * yy - y * y))


# -- Wilson -------------------------------------------------------------------------------------------------------


def test_wilson_gives_the_published_interval_of_81_of_263(published: dict[str, Any]) -> None:
    found = wilson(81, 263)
    assert (found.low, found.high) == pytest.approx(published["wilson_81_263"], abs=1e-6)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.95]))
def test_wilson_equals_statsmodels(case: tuple[int, int], level: float) -> None:
    found = wilson(*case, level=level)
    expected = proportion_confint(*case, alpha=1 - level, method="wilson")
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-12)


def test_wilson_of_nothing_is_no_interval_and_nonsense_is_refused() -> None:
    assert (wilson(0, 0).low, wilson(0, 0).note) == (None, "There is nothing to count.")
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)
    with pytest.raises(ValueError, match="got 95"):
        wilson(1, 2, level=95)


# -- Bootstrap ----------------------------------------------------------------------------------------------------


def test_bca_gives_the_published_interval_of_the_law_school_correlation(published: dict[str, Any]) -> None:
    case = published["law_school_corr"]
    counts = correlation_counts(np.array(case["LSAT"]) / 100, np.array(case["GPA"]))
    value = float(correlation(totals(counts))[0])
    assert value == pytest.approx(case["r"], abs=1e-6)
    drawn = bootstrap(counts, correlation, draws=100_000, seed=1)
    found = bca(drawn, value=value, jackknife=jackknife(counts, correlation), level=0.9)
    assert (found.low, found.high) == pytest.approx(case["bca90_scipy_20k_seed1"], abs=0.005)
    assert (found.low, found.high) == pytest.approx(case["bca90_published"], abs=0.01)


def test_bca_equals_scipy_on_the_same_draws() -> None:
    values = np.random.default_rng(3).exponential(size=40)
    expected = stats.bootstrap((values,), np.mean, method="BCa", n_resamples=999, rng=2)
    left_out = jackknife(with_ones(values), mean)
    found = bca(expected.bootstrap_distribution, value=values.mean(), jackknife=left_out)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval), abs=1e-12)


def test_bootstrap_equals_a_naive_loop_over_the_same_resamples() -> None:
    gold, predicted = np.arange(30) % 3, (np.arange(30) * 7) % 4 - 1
    found = bootstrap(choice.counts(gold, predicted, 3), choice.statistic("macro_f1"), draws=40, seed=9)
    drawn = np.concatenate(list(weights(np.ones(30, dtype=np.int64), draws=40, seed=9))).astype(int)
    picks = [np.repeat(np.arange(30), row) for row in drawn]
    assert all(len(pick) == 30 for pick in picks)
    tables = [choice.confusion(gold[pick], predicted[pick], 3) for pick in picks]
    np.testing.assert_allclose(found, [choice.macro_f1(choice.margins(table)) for table in tables], atol=1e-12)


def test_draws_do_not_depend_on_how_they_are_cut_into_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = choice.counts(np.arange(50) % 3, np.arange(50) % 4 - 1, 3)
    of = choice.statistic("macro_f1")
    times = np.arange(50) + 1
    whole = [bootstrap(counts, of, draws=30, seed=4), bootstrap(counts, of, times=times, draws=30, seed=4)]
    whole_jackknife = jackknife(counts, of)
    monkeypatch.setattr(significance, "CHUNK", 101)
    np.testing.assert_array_equal(bootstrap(counts, of, draws=30, seed=4), whole[0])
    np.testing.assert_array_equal(bootstrap(counts, of, times=times, draws=30, seed=4), whole[1])
    np.testing.assert_array_equal(jackknife(counts, of), whole_jackknife)


def test_sparse_and_dense_counts_give_the_same_draws() -> None:
    dense = choice.counts(np.arange(50) % 3, np.arange(50) % 4 - 1, 3).toarray()
    of = choice.statistic("mcc")
    same = bootstrap(sparse.csr_array(dense), of, draws=20, seed=4)
    np.testing.assert_allclose(bootstrap(dense, of, draws=20, seed=4), same, atol=1e-12)


def test_rows_held_once_with_their_number_give_what_all_rows_give() -> None:
    values, times = np.array([0.0, 1.0, 5.0]), np.array([30, 50, 20])
    every = with_ones(np.repeat(values, times))
    np.testing.assert_allclose(totals(with_ones(values), times), totals(every))
    once = jackknife(with_ones(values), mean, times=times)
    np.testing.assert_allclose(np.repeat(once, times), jackknife(every, mean))
    few = bootstrap(with_ones(values), mean, times=times, draws=20_000, seed=1)
    many = bootstrap(every, mean, draws=20_000, seed=2)
    assert few.mean() == pytest.approx(many.mean(), abs=0.01)
    assert few.std() == pytest.approx(many.std(), rel=0.03)
    a = bca(many, value=1.5, jackknife=jackknife(every, mean))
    b = bca(many, value=1.5, jackknife=once, times=times)
    assert (a.low, a.high) == pytest.approx((b.low, b.high), abs=1e-12)


def test_bca_says_why_there_is_no_interval() -> None:
    draws, left_out = np.linspace(0, 1, 100), np.linspace(0.4, 0.6, 10)
    assert bca(np.ones(100), value=1.0, jackknife=left_out).note == "Every resample gives the same value."
    assert "is undefined." in bca(draws, value=np.nan, jackknife=left_out).note
    often = np.where(np.arange(100) < 10, np.nan, draws)
    assert "undefined in too many of the resamples" in bca(often, value=0.5, jackknife=left_out).note
    seldom = np.where(np.arange(100) < 3, np.nan, draws)
    assert bca(seldom, value=0.5, jackknife=left_out).method == "bca"


def test_groups_are_added_up_and_need_one_per_item() -> None:
    counts = np.arange(8.0).reshape(4, 2)
    assert by_group(counts, [7, 3, 7, 3]).tolist() == [[8, 10], [4, 6]]
    assert by_group(counts, None) is counts
    with pytest.raises(ValueError, match="4 items but 3 groups"):
        by_group(counts, [1, 2, 3])


def test_resampling_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no items"):
        bootstrap(np.zeros((0, 2)), mean, seed=1)


# -- Pairs --------------------------------------------------------------------------------------------------------


def test_mcnemar_gives_the_published_p_of_agrestis_table(published: dict[str, Any]) -> None:
    case = published["mcnemar_agresti"]
    found = mcnemar_exact(case["table"][0][1], case["table"][1][0])
    assert found == pytest.approx(case["exact_p"], abs=1e-11)


@given(st.integers(0, 200), st.integers(0, 200))
def test_mcnemar_equals_statsmodels(b: int, c: int) -> None:
    expected = mcnemar(np.array([[5, b], [c, 7]]), exact=True).pvalue if b + c else 1.0
    assert mcnemar_exact(b, c) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_of_all_pairs_equals_each_pair_alone() -> None:
    correct = np.random.default_rng(1).random((6, 120)) < np.linspace(0.5, 0.9, 6)[:, None]
    found = mcnemar_pairs(correct)
    for first, second in itertools.product(range(6), repeat=2):
        b = int((correct[first] & ~correct[second]).sum())
        c = int((~correct[first] & correct[second]).sum())
        assert found[first, second] == pytest.approx(float(mcnemar_exact(b, c)))


def two_systems(seed: int, n: int, a: float, b: float) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    gold = rng.integers(3, size=n)
    return tuple(choice.counts(gold, np.where(rng.random(n) < p, gold, (gold + 1) % 3), 3) for p in (a, b))


def test_the_paired_bootstrap_of_an_accuracy_difference_equals_scipys_of_the_item_differences() -> None:
    a, b = two_systems(1, 200, 0.8, 0.7)
    gaps = a[:, :3].sum(axis=1) - b[:, :3].sum(axis=1)
    expected = stats.bootstrap((gaps,), np.mean, method="BCa", n_resamples=20_000, rng=1).confidence_interval
    found = paired_bootstrap(a, b, choice.statistic("accuracy"), draws=20_000, seed=2)
    assert found.value == pytest.approx(gaps.mean())
    assert (found.interval.low, found.interval.high) == pytest.approx((expected.low, expected.high), abs=0.006)


def test_the_paired_bootstrap_of_groups_keeps_their_items_together() -> None:
    a, b = two_systems(2, 100, 0.8, 0.6)
    copies = np.repeat(np.arange(100), 9)
    of = choice.statistic("macro_f1")
    alone = paired_bootstrap(a, b, of, draws=4000, seed=1).interval
    whole = paired_bootstrap(a[copies], b[copies], of, groups=copies, draws=4000, seed=1).interval
    assert (whole.low, whole.high) == pytest.approx((alone.low, alone.high), abs=1e-9)


def test_a_system_against_itself_has_difference_zero_and_no_interval() -> None:
    a, _ = two_systems(3, 50, 0.8, 0.6)
    found = paired_bootstrap(a, a, choice.statistic("macro_f1"), seed=1)
    assert (found.value, found.interval.low) == (0.0, None)
    assert approximate_randomization(a, a, choice.statistic("macro_f1"), draws=200, seed=1) == 1.0


def test_randomization_equals_the_enumeration_of_all_swaps() -> None:
    a, b = (counts.toarray() for counts in two_systems(4, 11, 0.9, 0.5))
    of = choice.statistic("macro_f1")
    seen = abs(of(totals(a)) - of(totals(b)))[0]
    gaps = []
    for swap in itertools.product([False, True], repeat=11):
        chosen = np.array(swap)[:, None]
        mine, other = np.where(chosen, b, a), np.where(chosen, a, b)
        gaps.append(abs(of(totals(mine)) - of(totals(other)))[0])
    exact = np.mean(np.array(gaps) >= seen - 1e-12)
    assert approximate_randomization(a, b, of, draws=20_000, seed=1) == pytest.approx(exact, abs=0.012)


def test_randomization_of_accuracy_equals_mcnemar_and_scipys_permutation_test() -> None:
    a, b = two_systems(5, 150, 0.8, 0.7)
    right = [counts[:, :3].sum(axis=1) for counts in (a, b)]
    exact = float(mcnemar_exact(np.sum(right[0] > right[1]), np.sum(right[0] < right[1])))
    expected = stats.permutation_test(
        tuple(right),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=9_999,
        rng=1,
    ).pvalue
    found = approximate_randomization(a, b, choice.statistic("accuracy"), draws=20_000, seed=1)
    assert found == pytest.approx(exact, abs=0.012)
    # scipy doubles the smaller tail, and with it the noise of 9,999 draws.
    assert found == pytest.approx(expected, abs=0.03)


def test_no_randomization_p_is_below_one_in_draws_plus_one() -> None:
    gold = np.arange(60) % 3
    a, b = choice.counts(gold, gold, 3), choice.counts(gold, (gold + 1) % 3, 3)
    assert approximate_randomization(a, b, choice.statistic("accuracy"), draws=99, seed=1) == 1 / 100


def test_randomization_swaps_groups_as_a_whole() -> None:
    a, b = two_systems(6, 40, 0.8, 0.65)
    copies = np.repeat(np.arange(40), 10)
    of = choice.statistic("accuracy")
    alone = approximate_randomization(a, b, of, draws=2000, seed=1)
    assert approximate_randomization(a[copies], b[copies], of, groups=copies, draws=2000, seed=1) == alone
    assert approximate_randomization(a[copies], b[copies], of, draws=2000, seed=1) < alone / 2


def test_an_undefined_statistic_gives_no_p_and_no_interval() -> None:
    a, b = choice.counts([0] * 20, [0] * 20, 2), choice.counts([0] * 20, [1] * 20, 2)
    assert np.isnan(approximate_randomization(a, b, choice.statistic("mcc"), draws=50, seed=1))
    assert paired_bootstrap(a, b, choice.statistic("mcc"), draws=50, seed=1).interval.note == "The value is undefined."


def test_systems_counted_on_different_items_are_refused() -> None:
    a, b = choice.counts([0, 1], [0, 1], 2), choice.counts([0], [0], 2)
    with pytest.raises(ValueError, match="different items"):
        paired_bootstrap(a, b, choice.statistic("accuracy"), seed=1)
    with pytest.raises(ValueError, match="different items"):
        approximate_randomization(a, b, choice.statistic("accuracy"), seed=1)


# -- Many ---------------------------------------------------------------------------------------------------------


def test_holm_gives_the_published_adjustment(published: dict[str, Any]) -> None:
    case = published["holm"]
    assert holm(case["p"]).tolist() == pytest.approx(case["adj"])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_equals_statsmodels(p: list[float]) -> None:
    assert holm(p).tolist() == pytest.approx(multipletests(p, method="holm")[1].tolist(), abs=1e-12)


def test_holm_of_nothing_is_nothing() -> None:
    assert holm([]).tolist() == []


def test_a_rank_is_one_plus_the_entries_significantly_better() -> None:
    values = np.array([0.70, 0.90, 0.80, np.nan])
    p = np.array([[1, 0.001, 0.2, 1], [0.001, 1, 0.02, 1], [0.2, 0.02, 1, 1], [1, 1, 1, 1.0]])
    # Holm over the three pairs of present entries: 0.003, 0.04, 0.2.
    assert tie_ranks(values, p) == [2, 1, 2, None]
    assert tie_ranks(values, p, alpha=0.03) == [2, 1, 1, None]
    assert tie_ranks(values, p, higher_is_better=False) == [1, 3, 1, None]


def test_one_more_pair_to_test_can_only_make_ties() -> None:
    values = np.array([0.9, 0.8])
    p = np.array([[1, 0.03], [0.03, 1]])
    assert tie_ranks(values, p) == [1, 2]
    assert tie_ranks(np.array([0.9, 0.8, 0.85]), np.pad(p, (0, 1), constant_values=0.9)) == [1, 1, 1]


@pytest.mark.parametrize("entries", [0, 1])
def test_boards_of_none_and_of_one_have_ranks(entries: int) -> None:
    assert tie_ranks(np.full(entries, 0.5), np.ones((entries, entries))) == [1] * entries


def test_bootstrap_pairs_agrees_with_the_paired_t_test_on_means() -> None:
    rng = np.random.default_rng(8)
    scores = rng.normal([0.0, 0.1, 0.5], 1.0, size=(300, 3))
    counts = np.column_stack([scores, np.ones(300)])

    def means(sums: np.ndarray) -> np.ndarray:
        return sums[:, :-1] / sums[:, -1:]

    found = bootstrap_pairs(means(totals(counts))[0], bootstrap(counts, means, draws=8000, seed=1), units=300)
    for first, second in itertools.combinations(range(3), 2):
        expected = stats.ttest_rel(scores[:, first], scores[:, second]).pvalue
        assert np.log(found[first, second]) == pytest.approx(np.log(expected), rel=0.08, abs=0.05)
    assert np.diag(found).tolist() == [1, 1, 1]


def test_bootstrap_pairs_refers_the_difference_to_a_t_distribution_over_the_units() -> None:
    draws = np.array([[0.6, 0.5], [0.7, 0.5], [0.5, 0.5], [0.6, 0.6]])
    # The differences 0.1, 0.2, 0, 0 have the standard deviation sqrt(0.006875).
    error = np.sqrt(0.006875 * 12 / 11)
    expected = 2 * stats.t.sf(0.15 / error, df=11)
    assert bootstrap_pairs(np.array([0.65, 0.5]), draws, units=12)[1, 0] == pytest.approx(expected, rel=1e-9)


def test_bootstrap_pairs_never_claims_more_than_the_number_of_units_allows() -> None:
    values, draws = np.array([1.0, 0.0, np.nan]), np.tile([1.0, 0.0, np.nan], (50, 1))
    found = bootstrap_pairs(values, draws, units=5)
    assert found[0, 1] == 2 / 2**5
    assert np.isnan(found[0, 2])
    assert bootstrap_pairs(values, draws, units=1)[0, 1] == 1.0


def test_bootstrap_pairs_passes_over_draws_in_which_a_value_is_undefined() -> None:
    draws = np.random.default_rng(1).normal([0.5, 0.6], 0.03, size=(400, 2))
    holes = np.vstack([draws, np.full((5, 2), np.nan)])
    values = np.array([0.5, 0.6])
    np.testing.assert_array_equal(bootstrap_pairs(values, holes, units=90), bootstrap_pairs(values, draws, units=90))


def test_rank_intervals_hold_the_ranks_that_occur_and_put_missing_values_last() -> None:
    draws = np.array([[0.9, 0.8, np.nan, 0.1]] * 90 + [[0.7, 0.8, np.nan, 0.1]] * 10)
    assert rank_intervals(draws).tolist() == [[1, 2], [1, 2], [4, 4], [3, 3]]
    assert rank_intervals(draws, level=0.5).tolist() == [[1, 1], [2, 2], [4, 4], [3, 3]]
    assert rank_intervals(draws, level=0.5, higher_is_better=False).tolist() == [[3, 3], [2, 2], [4, 4], [1, 1]]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.sampled_from([0.1, 0.2, 0.3]), min_size=4, max_size=4), min_size=1, max_size=1))
def test_the_rank_in_a_draw_equals_scipys_minimum_rank(rows: list[list[float]]) -> None:
    expected = stats.rankdata(-np.array(rows[0]), method="min")
    assert rank_intervals(np.array(rows))[:, 0].tolist() == expected.tolist()


# -- Power --------------------------------------------------------------------------------------------------------


def test_the_detectable_difference_gives_the_published_table(published: dict[str, Any]) -> None:
    for n, row in published["paired_mdd_points_power80_alpha05"].items():
        for discordance, points in row.items():
            found = minimum_detectable_difference(int(n), float(discordance))
            assert found is not None
            assert 100 * found == pytest.approx(points, abs=0.0051)


@given(st.integers(50, 20_000), st.floats(0.05, 1), st.floats(0.6, 0.95), st.sampled_from([0.01, 0.05]))
def test_the_detectable_difference_solves_connors_equation(n: int, p: float, power: float, alpha: float) -> None:
    found = minimum_detectable_difference(n, p, power=power, alpha=alpha)
    if found is not None:
        right = stats.norm.isf(alpha / 2) * np.sqrt(p) + stats.norm.ppf(power) * np.sqrt(p - found**2)
        assert found * np.sqrt(n) == pytest.approx(right, rel=1e-9)
        assert 0 < found <= p


def test_too_few_items_detect_nothing_and_nonsense_is_refused() -> None:
    assert minimum_detectable_difference(20, 0.05) is None
    with pytest.raises(ValueError, match="got 0 and"):
        minimum_detectable_difference(0, 0.1)
    with pytest.raises(ValueError, match=r"got 10 and 0\.0"):
        minimum_detectable_difference(10, 0.0)

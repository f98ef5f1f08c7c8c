"""Intervals equal a naive bootstrap and scipy's, and are withheld, with the reason, where the data cannot carry them."""

from functools import partial

import numpy as np
import pytest
import scipy.stats

from annotation.agreement import intervals, nominal
from annotation.agreement.intervals import bootstrap, bootstrap_cohen, bootstrap_labels, thin_labels
from annotation.agreement.ratings import Ratings, from_triples
from tests.annotation.test_agreement_ratings import made_matrix, ratings

POINT = {
    "percent": nominal.percent_agreement,
    "fleiss_kappa": nominal.fleiss_kappa,
    "krippendorff_alpha": nominal.krippendorff_alpha,
    "gwet_ac1": nominal.gwet_ac1,
    "brennan_prediger": nominal.brennan_prediger,
}
NAMES = list(POINT)


def triples(r: Ratings) -> list[tuple[str, str, str]]:
    return [
        (r.units[u], r.raters[g], r.categories[v])
        for u, g, v in zip(r.unit.tolist(), r.rater.tolist(), r.value.tolist(), strict=True)
    ]


def resampled(r: Ratings, picks: list[int]) -> Ratings:
    """The picked units, each as often as it was picked, under new names."""
    by_unit: dict[str, list[tuple[str, str]]] = {unit: [] for unit in r.units}
    for unit, rater, value in triples(r):
        by_unit[unit].append((rater, value))
    copies = [(f"{n:05}", *answer) for n, pick in enumerate(picks) for answer in by_unit[r.units[pick]]]
    return from_triples(copies, categories=r.categories)


def picks_of(which: np.ndarray, weights: np.ndarray) -> list[int]:
    """Units that stand for a draw: the first unit of each pattern, as often as the pattern was drawn."""
    first = [int(np.flatnonzero(which == pattern)[0]) for pattern in range(weights.size)]
    return [unit for unit, n in zip(first, weights.astype(int).tolist(), strict=True) for _ in range(n)]


@pytest.mark.parametrize("name", NAMES)
def test_draws_equal_those_of_a_naive_loop_with_the_same_weights(name: str) -> None:
    matrix = made_matrix(units=40, raters=3, labels=3, missing=0.1, seed=11)
    r = ratings([row for row in matrix if row.count(None) < 2])
    sample, statistic = intervals._sample(r, nominal.MEASURES[name]), intervals._flat(nominal.MEASURES[name])
    fast = intervals.replicate(sample, statistic, draws=25, seed=7)[:, 0]
    drawn = np.concatenate(list(intervals.weights(sample.times, draws=25, seed=7)))
    naive = [POINT[name](resampled(r, picks_of(r.patterns[1], weights))) for weights in drawn]
    assert fast.tolist() == pytest.approx(naive, abs=1e-12)


def test_cohen_draws_over_groups_equal_those_of_a_naive_loop_with_the_same_weights() -> None:
    r = grouped(made_matrix(units=60, raters=2, labels=2, seed=3), size=4)
    assert r.group is not None
    _, left, right = nominal.common_answers(r, "r0", "r1")
    columns = np.column_stack([np.ones(60), left == right, left == 0, left == 1, right == 0, right == 1])
    sample = intervals._rows(np.arange(60), columns, r.group)
    assert sample.rows.shape == (15, 6)
    for weights in np.concatenate(list(intervals.weights(sample.times, draws=10, seed=2))):
        picks = [
            u for group, n in enumerate(weights.astype(int)) for u in np.flatnonzero(r.group == group).tolist() * n
        ]
        n, same, *shares = weights @ sample.rows
        fast = nominal.cohen_of(n, same, np.array(shares[:2]), np.array(shares[2:]))
        assert fast == pytest.approx(nominal.cohen_kappa(resampled(r, picks), "r0", "r1"), abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_jackknife_leaves_out_one_unit_at_a_time(name: str) -> None:
    r = ratings(made_matrix(units=30, raters=3, labels=3, seed=1))
    sample, statistic = intervals._sample(r, nominal.MEASURES[name]), intervals._flat(nominal.MEASURES[name])
    fast = np.repeat(intervals.leave_one_out(sample, statistic)[:, 0], sample.times)
    naive = [POINT[name](resampled(r, [u for u in range(30) if u != out])) for out in range(30)]
    assert np.sort(fast).tolist() == pytest.approx(np.sort(naive).tolist(), abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_intervals_equal_those_of_scipy(name: str) -> None:
    r = ratings(made_matrix(units=60, raters=3, labels=3, seed=21))
    columns = nominal.unit_columns(r.counts)

    def statistic(units: np.ndarray, axis: int = -1) -> np.ndarray:
        return nominal.MEASURES[name].of(nominal.as_sums(columns[units.astype(int)].sum(axis=-2)))

    theirs = scipy.stats.bootstrap(
        (np.arange(60),), statistic, n_resamples=20_000, batch=1000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    ours = bootstrap(r, [name], draws=20_000, seed=2)[name]
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.012)  # the noise of 20,000 draws


def test_bca_equals_scipy_on_the_very_same_draws() -> None:
    data = np.random.default_rng(5).exponential(size=40)
    theirs = scipy.stats.bootstrap(
        (data,), np.mean, n_resamples=3000, method="BCa", confidence_level=0.9, rng=np.random.default_rng(1)
    )
    left_out = (data.sum() - data) / 39
    times = np.ones(40, dtype=np.int64)
    low, high = intervals.bca(data.mean(), theirs.bootstrap_distribution, left_out, times, level=0.9)
    assert (low, high) == pytest.approx(tuple(theirs.confidence_interval), abs=1e-12)


def test_bca_is_finite_where_all_draws_lie_on_one_side() -> None:
    drawn = np.linspace(0.2, 0.4, 100)
    low, high = intervals.bca(0.5, drawn, np.full(20, 0.5), np.ones(20, dtype=np.int64), level=0.95)
    assert 0.2 <= low <= high <= 0.4


def test_bca_keeps_to_the_draws_where_the_acceleration_is_extreme() -> None:
    drawn = np.linspace(0.2, 0.4, 1000)
    left_out = np.array([0.0, 0.5])
    low, high = intervals.bca(0.2, drawn, left_out, np.array([1, 10**6]), level=0.99999)
    assert 0.2 <= low <= high <= 0.4


@pytest.mark.parametrize("times", [[400, 300, 300], [1] * 50, [3, 1, 1, 5]])
def test_weights_are_multinomial(times: list[int]) -> None:
    counts = np.array(times)
    drawn = np.concatenate(list(intervals.weights(counts, draws=4000, seed=3)))
    assert (drawn.sum(axis=1) == counts.sum()).all()
    share = counts / counts.sum()
    deviation = np.sqrt(counts.sum() * share * (1 - share))
    assert np.abs(drawn.mean(axis=0) - counts).max() < 5 * deviation.max() / np.sqrt(4000)
    assert drawn.std(axis=0) == pytest.approx(deviation, rel=0.1)


@pytest.mark.parametrize("times", [[400, 300, 300], [1] * 50])
def test_weights_do_not_depend_on_the_size_of_the_chunks(times: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(intervals.weights(np.array(times), draws=100, seed=3))
    monkeypatch.setattr(intervals, "CELLS", 7 * len(times))
    parts = list(intervals.weights(np.array(times), draws=100, seed=3))
    assert (len(whole), len(parts)) == (1, 15)
    assert np.array_equal(whole[0], np.concatenate(parts))


def test_the_same_seed_gives_the_same_interval_whatever_the_order_of_the_answers() -> None:
    r = ratings(made_matrix(units=50, raters=3, labels=3, missing=0.2, seed=4))
    again = from_triples(triples(r)[::-1], categories=r.categories)
    one, two = (partial(bootstrap, names=NAMES, draws=300, seed=9)(each) for each in (r, again))
    assert one == two
    other = bootstrap(r, NAMES, draws=300, seed=10)
    assert all(other[name] != one[name] for name in NAMES)


def test_an_interval_does_not_depend_on_what_else_is_asked() -> None:
    r = ratings(made_matrix(units=50, raters=3, labels=3, missing=0.4, seed=4))
    together = bootstrap(r, NAMES, draws=200, seed=1)
    assert all(bootstrap(r, [name], draws=200, seed=1)[name] == together[name] for name in NAMES)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    # The truth is alpha of a large world of the same making; 95 % of 200 small worlds' intervals should hold it.
    make = partial(made_matrix, raters=3, labels=2, right=0.7)
    truth = nominal.krippendorff_alpha(ratings(make(units=60_000, seed=1)))
    worlds = [bootstrap(ratings(make(units=100, seed=s)), NAMES[2:3], draws=400, seed=s) for s in range(2, 202)]
    held = sum(w["krippendorff_alpha"].low <= truth <= w["krippendorff_alpha"].high for w in worlds)
    assert 178 <= held <= 199  # binomial(200, .95): outside once in more than 1,000 runs, were the seeds not fixed


def grouped(matrix: list[list[int | None]], *, size: int) -> Ratings:
    """Ratings whose units come in documents of this many."""
    r = ratings(matrix)
    return from_triples(triples(r), categories=r.categories, groups={u: f"d{n // size}" for n, u in enumerate(r.units)})


def test_groups_of_equal_units_widen_the_interval_by_the_root_of_their_size() -> None:
    matrix = [row for row in made_matrix(units=60, raters=2, labels=2, seed=8) for _ in range(4)]
    alone = bootstrap(ratings(matrix), ["percent"], draws=4000, seed=1)["percent"]
    together = bootstrap(grouped(matrix, size=4), ["percent"], draws=4000, seed=1)["percent"]
    assert together.value == alone.value
    assert (together.high - together.low) / (alone.high - alone.low) == pytest.approx(2, rel=0.1)


def test_groups_of_one_unit_change_nothing() -> None:
    matrix = made_matrix(units=60, raters=2, labels=2, seed=8)
    alone, grouped_alone = ratings(matrix), grouped(matrix, size=1)
    assert bootstrap(grouped_alone, NAMES, draws=200, seed=1) == bootstrap(alone, NAMES, draws=200, seed=1)


def test_nine_units_get_no_interval_and_ten_get_one() -> None:
    matrix: list[list[int | None]] = [[0, 0], [1, 1], [0, 1]] * 4
    few = bootstrap(ratings(matrix[:9]), ["percent"], draws=200, seed=1)["percent"]
    assert (few.reason, few.n, np.isnan(few.low)) == ("few_units", 9, True)
    assert few.value == pytest.approx(6 / 9)
    assert "needs 10 units with two or more answers, there are 9" in few.note
    enough = bootstrap(ratings(matrix[:10]), ["percent"], draws=200, seed=1)["percent"]
    assert (enough.reason, enough.note, enough.low < enough.value < enough.high) == ("", "", True)


def test_single_answers_do_not_count_as_units_for_an_interval() -> None:
    matrix: list[list[int | None]] = [[0, 0], [1, 1], [0, 1]] * 3 + [[0, None]] * 50
    found = bootstrap(ratings(matrix), ["fleiss_kappa"], draws=200, seed=1)["fleiss_kappa"]
    assert (found.reason, found.n) == ("few_units", 9)


def test_many_units_of_few_documents_get_no_interval() -> None:
    found = bootstrap(grouped(made_matrix(units=90, raters=2, labels=2), size=10), NAMES, draws=200, seed=1)
    assert {each.reason for each in found.values()} == {"few_groups"}
    assert "10 documents" in found["percent"].note


def test_without_pairs_the_reason_is_that_nobody_shared_a_unit() -> None:
    for matrix in ([], [[0, None], [None, 1]]):
        found = bootstrap(ratings(matrix), NAMES, draws=200, seed=1)
        assert {(each.reason, each.n) for each in found.values()} == {("no_pairs", 0)}


def test_without_variation_alpha_has_a_reason_and_percent_has_no_spread() -> None:
    found = bootstrap(ratings([[0, 0]] * 30, labels=["a", "b"]), NAMES, draws=200, seed=1)
    assert found["krippendorff_alpha"].reason == found["gwet_ac1"].reason == "no_variation"
    assert (found["percent"].value, found["percent"].reason) == (1.0, "no_spread")


def test_a_thin_label_forbids_intervals_of_what_corrects_for_chance() -> None:
    r = ratings([[0, 0], [1, 1], [0, 1]] * 20 + [[2, 2]] * 9, labels=["a", "b", "rare", "never"])
    assert thin_labels(r) == {"rare": 9, "never": 0}
    found = bootstrap(r, NAMES, draws=200, seed=1)
    assert found.pop("percent").reason == ""
    assert {each.reason for each in found.values()} == {"thin_labels"}
    assert "'rare' (9), 'never' (0)" in found["gwet_ac1"].note
    assert all(np.isfinite(each.value) for each in found.values())
    allowed = bootstrap(r, NAMES, draws=200, seed=1, least=0)
    assert {each.reason for each in allowed.values()} == {""}


def test_a_note_names_five_thin_labels_and_counts_the_rest() -> None:
    r = ratings([[0, 0], [1, 1], [0, 1]] * 20, labels=[f"l{n}" for n in range(10)])
    note = bootstrap(r, ["krippendorff_alpha"], draws=200, seed=1)["krippendorff_alpha"].note
    assert note.endswith("'l2' (0), 'l3' (0), 'l4' (0), 'l5' (0), 'l6' (0) and 3 more.")


def test_a_figure_that_rests_on_one_document_is_unstable() -> None:
    # Label 1 occurs in a single document: without it nothing varies.
    matrix: list[list[int | None]] = [[0, 0]] * 150 + [[1, 1]] * 15
    found = bootstrap(grouped(matrix, size=15), ["krippendorff_alpha"], draws=200, seed=1)["krippendorff_alpha"]
    assert (found.value, found.reason) == (1.0, "unstable")


def test_only_the_thin_label_lacks_an_interval_of_its_own() -> None:
    r = ratings([[0, 0], [1, 1], [0, 1]] * 20 + [[2, 0]] * 9, labels=["a", "b", "rare", "never"])
    found = bootstrap_labels(r, "alpha_per_label", draws=300, seed=1)
    assert [found[label].reason for label in r.categories] == ["", "", "thin_labels", "thin_labels"]
    assert [found[label].n for label in r.categories] == [49, 40, 9, 0]
    assert found["a"].low < found["a"].value < found["a"].high
    assert found["a"].value == pytest.approx(nominal.alpha_per_label(r)[0])
    assert np.isnan(found["never"].value)


def test_labels_of_few_units_all_say_so() -> None:
    found = bootstrap_labels(ratings([[0, 1]] * 5), "specific_agreement", draws=100, seed=1)
    assert {each.reason for each in found.values()} == {"few_units"}


def test_a_label_that_everybody_always_gives_has_no_alpha_of_its_own() -> None:
    found = bootstrap_labels(ratings([[0, 0]] * 20), "alpha_per_label", draws=100, seed=1)
    assert found["0"].reason == "no_variation"


def test_cohen_intervals_cover_each_pair_over_the_units_it_shares() -> None:
    matrix = [[a, b, None if n < 95 else c] for n, (a, b, c) in enumerate(made_matrix(units=100, raters=3, labels=2))]
    r = ratings(matrix)
    found = bootstrap_cohen(r, draws=500, seed=1)
    assert list(found) == [("r0", "r1"), ("r0", "r2"), ("r1", "r2")]
    assert [each.n for each in found.values()] == [100, 5, 5]
    assert [each.reason for each in found.values()] == ["", "few_units", "few_units"]
    first = found["r0", "r1"]
    assert first.value == pytest.approx(nominal.cohen_kappa(r, "r0", "r1"))
    assert first.low < first.value < first.high


def test_a_cohen_interval_equals_that_of_scipy() -> None:
    matrix = made_matrix(units=80, raters=2, labels=2, seed=14)
    r = ratings(matrix)
    pairs = np.array(matrix)

    def kappa(units: np.ndarray, axis: int = -1) -> np.ndarray:
        left, right = np.moveaxis(pairs[units.astype(int)], -1, 0)
        same, p, q = (left == right).mean(axis=-1), left.mean(axis=-1), right.mean(axis=-1)
        chance = p * q + (1 - p) * (1 - q)
        return (same - chance) / (1 - chance)

    theirs = scipy.stats.bootstrap(
        (np.arange(80),), kappa, n_resamples=20_000, batch=1000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    ours = bootstrap_cohen(r, draws=20_000, seed=2)["r0", "r1"]
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.012)


def test_raters_without_a_unit_in_common_have_no_cohen_entry() -> None:
    assert bootstrap_cohen(ratings([[0, None], [None, 1]]), draws=100, seed=1) == {}


def test_an_unknown_name_is_refused() -> None:
    r = ratings([[0, 1]])
    with pytest.raises(ValueError, match="No coefficient is called 'kappa'; there are percent, fleiss_kappa"):
        bootstrap(r, ["kappa"], draws=100, seed=1)
    with pytest.raises(ValueError, match="there are alpha_per_label, specific_agreement"):
        bootstrap_labels(r, "percent", draws=100, seed=1)


def test_weights_of_many_units_stay_within_their_bound() -> None:
    times = np.ones(100_000, dtype=np.int64)
    chunks = [chunk.size for chunk in intervals.weights(times, draws=170, seed=1)]
    assert max(chunks) <= intervals.CELLS
    assert sum(chunks) == 170 * 100_000

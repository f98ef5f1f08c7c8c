"""Choice metrics against scikit-learn, their intervals against scipy and naive loops, and the places on a board."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as oracle
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from evaluation import significance
from evaluation.metrics import KINDS, choice
from evaluation.metrics.values import MetricValue

LABELS = ["negative", "neutral", "positive", "mixed"]


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[int], list[int], int]:
    """Gold and predictions over up to 6 labels, some of which may occur nowhere."""
    n_labels = draw(st.integers(1, 6))
    n = draw(st.integers(1, 40))
    gold = draw(st.lists(st.integers(0, n_labels - 1), min_size=n, max_size=n))
    predicted = draw(st.lists(st.integers(-1, n_labels - 1), min_size=n, max_size=n))
    return gold, predicted, n_labels


def noisy(seed: int, n: int, n_labels: int, right: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    gold = rng.integers(n_labels, size=n)
    return gold, np.where(rng.random(n) < right, gold, rng.integers(-1, n_labels, size=n))


def find(report: Sequence[MetricValue], metric: str, label: str | None = None) -> MetricValue:
    return next(value for value in report if value.metric == metric and value.label == label)


def present(gold: Sequence[int], predicted: Sequence[int]) -> list[int]:
    return sorted(set(gold) | {code for code in predicted if code >= 0})


# -- Values -------------------------------------------------------------------------------------------------------


def test_confusion_counts_items_by_gold_and_answer_and_keeps_no_answer_apart() -> None:
    table = choice.confusion([0, 0, 1, 1, 2], [0, 1, 1, -1, -1], 3)
    assert table.tolist() == [[1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 1]]


@settings(deadline=None, max_examples=150)
@given(answers())
def test_every_metric_equals_scikit_learn(case: tuple[list[int], list[int], int]) -> None:
    gold, predicted, n_labels = case
    m = choice.margins(choice.confusion(gold, predicted, n_labels))
    labels = present(gold, predicted)
    assert choice.accuracy(m) == pytest.approx(oracle.accuracy_score(gold, predicted), abs=1e-12)
    assert choice.coverage(m) == pytest.approx(np.mean(np.array(predicted) >= 0))
    for average, found in (("macro", choice.macro_f1(m)), ("weighted", choice.weighted_f1(m))):
        expected = oracle.f1_score(gold, predicted, average=average, labels=labels, zero_division=0)
        assert found == pytest.approx(expected, abs=1e-12)
    expected_each = oracle.precision_recall_fscore_support(
        gold, predicted, labels=range(n_labels), average=None, zero_division=np.nan
    )
    for expected_label, of in zip(expected_each, (choice.precision, choice.recall, choice.f1), strict=False):
        np.testing.assert_allclose(of(m), expected_label, atol=1e-12)
    assert m.support.tolist() == expected_each[3].tolist()
    if len(set(gold)) > 1:
        assert choice.mcc(m) == pytest.approx(oracle.matthews_corrcoef(gold, predicted), abs=1e-12)
    else:
        assert np.isnan(choice.mcc(m))


@settings(deadline=None, max_examples=30)
@given(answers())
def test_counts_of_the_items_add_up_to_the_margins_of_the_confusion(case: tuple[list[int], list[int], int]) -> None:
    gold, predicted, n_labels = case
    m = choice.margins(choice.confusion(gold, predicted, n_labels))
    summed = choice.counts(gold, predicted, n_labels).toarray().sum(axis=0)
    assert summed.tolist() == np.concatenate(m).tolist()


def test_a_batch_of_confusions_gives_what_each_gives_alone() -> None:
    tables = np.stack([choice.confusion(*noisy(seed, 50, 4, 0.6), 4) for seed in range(7)])
    batch = choice.margins(tables)
    for of in (choice.accuracy, choice.macro_f1, choice.weighted_f1, choice.mcc, choice.precision, choice.f1):
        alone = np.stack([of(choice.margins(table)) for table in tables])
        np.testing.assert_array_equal(of(batch), alone)


def test_a_missing_answer_is_wrong_and_is_no_label() -> None:
    m = choice.margins(choice.confusion([0, 0, 1, 1], [0, -1, 1, -1], 2))
    assert choice.accuracy(m) == 0.5
    assert choice.precision(m).tolist() == [1, 1]
    assert choice.recall(m).tolist() == [0.5, 0.5]
    assert choice.macro_f1(m) == pytest.approx(2 / 3)


def test_macro_f1_leaves_out_a_label_that_occurs_nowhere_and_counts_one_that_was_only_predicted() -> None:
    assert choice.macro_f1(choice.margins(choice.confusion([0, 1], [0, 1], 5))) == 1.0
    assert choice.macro_f1(choice.margins(choice.confusion([0, 0], [0, 2], 5))) == pytest.approx((2 / 3 + 0) / 2)


def test_encode_gives_minus_one_for_what_is_no_label() -> None:
    assert choice.encode(["neutral", None, "Neutral", "", "mixed"], LABELS).tolist() == [1, -1, -1, -1, 3]


@pytest.mark.parametrize(
    ("gold", "predicted", "says"),
    [
        ([0, 1], [0], "Gold has 2 items and the predictions 1"),
        ([0, 4], [0, 1], "Gold code 4 of item 1 is not between 0 and 3"),
        ([0, -1], [0, 1], "Gold code -1 of item 1"),
        ([0, 1], [-2, 1], "Predicted code -2 of item 0 is not between -1 and 3"),
    ],
)
def test_wrong_codes_are_refused_with_the_place(gold: list[int], predicted: list[int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        choice.confusion(gold, predicted, 4)


def test_the_registry_names_every_metric_of_a_report_and_which_may_be_primary() -> None:
    gold, predicted = noisy(1, 60, 4, 0.7)
    said = [LABELS[code] if code >= 0 else None for code in predicted]
    asked = {"labels": [{"name": label} for label in LABELS]}
    report = KINDS["choice"].measure([LABELS[code] for code in gold], said, question=asked, seed=1, draws=50)
    assert report == choice.report(gold, predicted, labels=LABELS, seed=1, draws=50)
    assert KINDS["choice"].primary in KINDS["choice"].may_be_primary
    assert list(dict.fromkeys(value.metric for value in report)) == list(KINDS["choice"].metrics)
    assert {value.metric for value in report if value.label} == {m.name for m in choice.METRICS.values() if m.per_label}
    primary = [metric.name for metric in choice.METRICS.values() if metric.may_be_primary]
    assert primary == ["accuracy", "macro_f1", "weighted_f1", "mcc"]
    assert all(metric.title and metric.higher_is_better for metric in choice.METRICS.values())


# -- Intervals ----------------------------------------------------------------------------------------------------


def test_the_report_holds_the_values_of_the_metrics() -> None:
    gold, predicted = noisy(2, 300, 4, 0.7)
    report = choice.report(gold, predicted, labels=LABELS, seed=1, draws=100)
    assert find(report, "accuracy").value == pytest.approx(oracle.accuracy_score(gold, predicted))
    assert find(report, "mcc").value == pytest.approx(oracle.matthews_corrcoef(gold, predicted))
    each = oracle.precision_recall_fscore_support(gold, predicted, labels=range(4), zero_division=0)
    for place, label in enumerate(LABELS):
        values = [find(report, name, label).value for name in ("precision", "recall", "f1", "support")]
        assert values == pytest.approx([part[place] for part in each])
    assert find(report, "precision", "mixed").n == int((predicted == 3).sum())
    assert find(report, "recall", "mixed").n == int((gold == 3).sum())


def test_accuracy_without_groups_has_the_wilson_interval_of_statsmodels() -> None:
    gold, predicted = noisy(3, 263, 4, 0.4)
    found = find(choice.report(gold, predicted, labels=LABELS, seed=1, draws=20), "accuracy")
    right = int((gold == predicted).sum())
    assert (found.low, found.high) == pytest.approx(proportion_confint(right, 263, method="wilson"))
    assert (found.method, found.note) == ("wilson", "")


def test_macro_f1_has_the_bca_interval_of_scipy() -> None:
    gold, predicted = noisy(4, 150, 3, 0.7)

    def macro(truth: np.ndarray, answer: np.ndarray, axis: int = -1) -> np.ndarray:
        batch = zip(np.atleast_2d(truth), np.atleast_2d(answer), strict=True)
        return np.squeeze([choice.macro_f1(choice.margins(choice.confusion(g, p, 3))) for g, p in batch])

    expected = stats.bootstrap(
        (gold, predicted), macro, paired=True, vectorized=True, n_resamples=6000, method="BCa", rng=1
    ).confidence_interval
    found = find(choice.report(gold, predicted, labels=LABELS[:3], seed=1, draws=20000), "macro_f1")
    assert found.method == "bca"
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.006)


def test_groups_are_resampled_whole_so_that_copies_do_not_narrow_the_interval() -> None:
    gold, predicted = noisy(5, 120, 3, 0.7)
    alone = find(choice.report(gold, predicted, labels=LABELS[:3], seed=1, draws=4000), "macro_f1")
    copied = [np.repeat(codes, 8) for codes in (gold, predicted)]
    groups = np.repeat(np.arange(120), 8)
    whole = find(choice.report(*copied, labels=LABELS[:3], groups=groups, seed=1, draws=4000), "macro_f1")
    naive = find(choice.report(*copied, labels=LABELS[:3], seed=1, draws=4000), "macro_f1")
    assert whole.value == pytest.approx(alone.value)
    assert (whole.low, whole.high) == pytest.approx((alone.low, alone.high), abs=0.01)
    assert naive.high - naive.low < 0.5 * (whole.high - whole.low)


def test_accuracy_of_groups_is_bca_and_of_groups_of_one_is_wilson() -> None:
    gold, predicted = noisy(6, 100, 3, 0.7)
    paired = choice.report(gold, predicted, labels=LABELS[:3], groups=np.arange(100) // 2, seed=1, draws=500)
    single = choice.report(gold, predicted, labels=LABELS[:3], groups=np.arange(100), seed=1, draws=500)
    assert find(paired, "accuracy").method == "bca"
    assert single == choice.report(gold, predicted, labels=LABELS[:3], seed=1, draws=500)
    with pytest.raises(ValueError, match="There are 100 items but 99 groups"):
        choice.report(gold, predicted, labels=LABELS[:3], groups=[0] * 99, seed=1)


def test_the_report_depends_on_the_seed_alone() -> None:
    gold, predicted = noisy(7, 80, 3, 0.7)
    order = np.random.default_rng(1).permutation(80)
    first = choice.report(gold, predicted, labels=LABELS[:3], seed=5, draws=300)
    assert choice.report(gold[order], predicted[order], labels=LABELS[:3], seed=5, draws=300) == first
    assert choice.report(gold, predicted, labels=LABELS[:3], seed=6, draws=300) != first


def test_all_right_has_a_wilson_interval_where_there_is_one_and_a_reason_where_not() -> None:
    gold = [0, 1, 2] * 20
    report = choice.report(gold, gold, labels=LABELS[:3], seed=1)
    accuracy, macro, recall = find(report, "accuracy"), find(report, "macro_f1"), find(report, "recall", "neutral")
    assert (accuracy.value, accuracy.method, accuracy.high) == (1.0, "wilson", 1.0)
    assert (macro.value, macro.low, macro.high, macro.method) == (1.0, None, None, "none")
    assert macro.note == "Every resample gives the same value."
    assert (recall.value, recall.method) == (1.0, "wilson")
    assert (recall.low, recall.high) == pytest.approx(proportion_confint(20, 20, method="wilson"))
    grouped = choice.report(gold, gold, labels=LABELS[:3], groups=[place // 3 for place in range(60)], seed=1)
    assert (find(grouped, "accuracy").low, find(grouped, "accuracy").method) == (None, "none")


def test_one_item_has_a_wide_wilson_interval_and_nothing_that_was_resampled() -> None:
    report = choice.report([1], [1], labels=LABELS, seed=1)
    assert find(report, "accuracy").low == pytest.approx(proportion_confint(1, 1, method="wilson")[0])
    assert "too few independent items" in find(report, "macro_f1").note
    assert find(report, "macro_f1").value == 1.0


def test_one_gold_label_leaves_mcc_empty_and_says_why() -> None:
    report = choice.report([1] * 30, [1] * 20 + [0] * 10, labels=LABELS, seed=1)
    assert (find(report, "mcc").value, find(report, "mcc").low) == (None, None)
    assert "same label" in find(report, "mcc").note
    assert find(report, "accuracy").value == pytest.approx(2 / 3)


def test_undefined_label_metrics_are_empty_and_say_why() -> None:
    gold, predicted = [0, 1] * 20, [0, 2] * 20
    report = choice.report(gold, predicted, labels=LABELS, seed=1)
    assert find(report, "precision", "neutral").value is None
    assert "never predicted" in find(report, "precision", "neutral").note
    assert find(report, "recall", "positive").value is None
    assert "no gold item" in find(report, "recall", "positive").note
    assert find(report, "f1", "mixed").value is None
    assert find(report, "f1", "positive").value == 0.0
    assert find(report, "support", "mixed") == MetricValue("support", "mixed", 0.0, None, None, 0, "count")


def test_a_label_with_one_gold_item_has_no_bootstrap_interval() -> None:
    gold, predicted = [0] * 40 + [1], [0] * 39 + [1, 1]
    report = choice.report(gold, predicted, labels=LABELS[:2], seed=1)
    assert find(report, "recall", "neutral").method == "wilson"
    # Both the one gold and the one false neutral are missing in (1 - 2/41)^41 = 13 % of the resamples.
    assert find(report, "f1", "neutral").low is None
    assert "undefined in too many" in find(report, "f1", "neutral").note


def test_no_items_give_empty_values_for_every_metric() -> None:
    report = choice.report([], [], labels=LABELS, seed=1)
    assert len(report) == 5 + 4 * len(LABELS)
    assert {value.value for value in report} == {None, 0.0}
    assert all(value.n == 0 and value.low is None for value in report)


# -- Boards -------------------------------------------------------------------------------------------------------


def entries(seed: int, n: int = 400, *, right: Sequence[float]) -> tuple[np.ndarray, list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    gold = rng.integers(3, size=n)
    return gold, [np.where(rng.random(n) < share, gold, (gold + 1) % 3) for share in right]


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "mcc"])
def test_entries_that_cannot_be_told_apart_share_a_rank(metric: str) -> None:
    gold, predictions = entries(1, right=[0.5, 0.9, 0.91, 0.7])
    standings = choice.standings(gold, predictions, metric=metric, n_labels=3, seed=1)
    assert [standing.rank for standing in standings] == [4, 1, 1, 3]
    assert [(standing.rank_low, standing.rank_high) for standing in standings] == [(4, 4), (1, 2), (1, 2), (3, 3)]
    of = choice.statistic(metric)
    for standing, predicted in zip(standings, predictions, strict=True):
        assert standing.value == pytest.approx(of(significance.totals(choice.counts(gold, predicted, 3)))[0])


def test_ties_on_accuracy_are_decided_by_the_exact_mcnemar_test_of_statsmodels() -> None:
    gold, predictions = entries(2, n=200, right=[0.80, 0.86])
    standings = choice.standings(gold, predictions, metric="accuracy", n_labels=3, seed=1)
    correct = [predicted == gold for predicted in predictions]
    table = [[np.sum(a & b) for b in (correct[1], ~correct[1])] for a in (correct[0], ~correct[0])]
    p = mcnemar(np.array(table), exact=True).pvalue
    assert sorted(standing.rank for standing in standings) == ([1, 2] if p < 0.05 else [1, 1])


def test_copies_of_items_in_one_group_do_not_make_a_difference_significant() -> None:
    # Of 60 items, 9 only the first has right and 4 only the second: exact p = 0.27.
    gold = np.arange(60) % 3
    predictions = [np.where(np.isin(np.arange(60), wrong), (gold + 1) % 3, gold) for wrong in (range(4), range(4, 13))]
    copied = [np.repeat(codes, 20) for codes in (gold, *predictions)]
    groups = np.repeat(np.arange(60), 20)
    naive = choice.standings(copied[0], copied[1:], metric="accuracy", n_labels=3, seed=1)
    grouped = choice.standings(copied[0], copied[1:], metric="accuracy", n_labels=3, groups=groups, seed=1)
    assert {standing.rank for standing in naive} == {1, 2}
    assert {standing.rank for standing in grouped} == {1}


def test_a_board_without_entries_is_empty_and_a_metric_of_labels_is_refused() -> None:
    assert choice.standings([0, 1], [], metric="accuracy", n_labels=2, seed=1) == []
    with pytest.raises(ValueError, match="“precision” is no metric over all labels"):
        choice.standings([0, 1], [[0, 1]], metric="precision", n_labels=2, seed=1)

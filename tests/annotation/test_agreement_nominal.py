"""Nominal coefficients equal other libraries and naive versions, and are undefined where there is nothing to measure."""

import warnings
from itertools import combinations, permutations

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.metrics.agreement import AnnotationTask
from sklearn.metrics import cohen_kappa_score, confusion_matrix
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_fleiss

from annotation.agreement import nominal
from annotation.agreement.ratings import Ratings, from_triples
from tests.annotation.test_agreement_ratings import made_matrix, matrices, ratings, reliability

WHOLE = [
    nominal.percent_agreement,
    nominal.fleiss_kappa,
    nominal.gwet_ac1,
    nominal.brennan_prediger,
    nominal.krippendorff_alpha,
    nominal.conger_kappa,
    nominal.light_kappa,
]
CORRECTED = WHOLE[1:]


def pairs_in(r: Ratings) -> list[list[tuple[int, int]]]:
    """Each pairable unit's ordered pairs of answers, naively."""
    answers: list[list[int]] = [[] for _ in r.units]
    for unit, value in zip(r.unit.tolist(), r.value.tolist(), strict=True):
        answers[unit].append(value)
    return [list(permutations(given, 2)) for given in answers if len(given) > 1]


@given(matrices())
def test_percent_is_the_mean_over_units_of_the_share_of_agreeing_pairs(matrix: list[list[int | None]]) -> None:
    r = ratings(matrix)
    shares = [np.mean([a == b for a, b in pairs]) for pairs in pairs_in(r)]
    naive = np.mean(shares) if shares else np.nan
    assert nominal.percent_agreement(r) == pytest.approx(naive, nan_ok=True)


@given(matrices())
def test_alpha_equals_the_krippendorff_package(matrix: list[list[int | None]]) -> None:
    r = ratings(matrix)
    if any(pairs_in(r)) and len({code for pairs in pairs_in(r) for pair in pairs for code in pair}) > 1:
        theirs = krippendorff.alpha(reliability_data=reliability(matrix), level_of_measurement="nominal")
        assert nominal.krippendorff_alpha(r) == pytest.approx(theirs, abs=1e-9)
    else:
        assert np.isnan(nominal.krippendorff_alpha(r))


@given(matrices(labels=3))
def test_alpha_per_label_is_the_alpha_of_the_label_against_the_rest(matrix: list[list[int | None]]) -> None:
    ours = nominal.alpha_per_label(ratings(matrix, labels=["a", "b", "c"]))
    for code in range(3):
        binary = [[None if x is None else int(x == code) for x in row] for row in matrix]
        assert ours[code] == pytest.approx(nominal.krippendorff_alpha(ratings(binary)), abs=1e-9, nan_ok=True)


def test_alpha_equals_nltk_on_complete_answers() -> None:
    matrix = made_matrix(units=60, raters=3, labels=4, seed=5)
    task = AnnotationTask([(f"r{g}", f"u{u}", code) for u, row in enumerate(matrix) for g, code in enumerate(row)])
    assert nominal.krippendorff_alpha(ratings(matrix)) == pytest.approx(task.alpha(), abs=1e-9)


@given(matrices(missing=False))
def test_fleiss_equals_statsmodels_where_every_unit_has_as_many_answers(matrix: list[list[int | None]]) -> None:
    r = ratings(matrix)
    if len({code for row in matrix for code in row}) > 1:
        assert nominal.fleiss_kappa(r) == pytest.approx(statsmodels_fleiss(r.counts), abs=1e-9)
    else:
        assert np.isnan(nominal.fleiss_kappa(r))


def test_brennan_prediger_equals_statsmodels_free_marginal_kappa() -> None:
    r = ratings(made_matrix(units=40, raters=4, labels=3, seed=2))
    assert nominal.brennan_prediger(r) == pytest.approx(statsmodels_fleiss(r.counts, method="randolph"), abs=1e-12)


@given(matrices())
def test_cohen_equals_scikit_learn_for_every_pair(matrix: list[list[int | None]]) -> None:
    r = ratings(matrix)
    kappa, n_common = nominal.cohen_matrix(r)
    for (i, a), (j, b) in combinations(enumerate(r.raters), 2):
        rows = [(row[int(a[1:])], row[int(b[1:])]) for row in matrix]
        left, right = [list(side) for side in zip(*[p for p in rows if None not in p], strict=True)] or [[], []]
        assert n_common[i, j] == n_common[j, i] == len(left)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn warns where kappa is undefined
            theirs = cohen_kappa_score(left, right) if len(set(left + right)) > 1 else np.nan
        assert nominal.cohen_kappa(r, a, b) == pytest.approx(theirs, abs=1e-9, nan_ok=True)
        assert kappa[i, j] == kappa[j, i] == pytest.approx(theirs, abs=1e-9, nan_ok=True) or np.isnan(theirs)
        assert np.isnan(kappa[i, j]) == np.isnan(theirs)
    assert np.isnan(np.diag(kappa)).all()
    assert np.diag(n_common).tolist() == np.bincount(r.rater, minlength=len(r.raters)).tolist()


def test_pair_confusion_equals_scikit_learn_with_a_down_and_b_across() -> None:
    matrix = made_matrix(units=50, raters=2, labels=3, seed=8)
    left, right = zip(*matrix, strict=True)
    r = ratings(matrix)
    assert nominal.pair_confusion(r, "r0", "r1").tolist() == confusion_matrix(left, right).tolist()
    assert nominal.pair_confusion(r, "r1", "r0").tolist() == confusion_matrix(right, left).tolist()


def test_scott_pi_equals_nltk_and_conger_equals_cohen_for_two_raters() -> None:
    matrix = made_matrix(units=50, raters=2, labels=3, seed=9)
    r = ratings(matrix)
    task = AnnotationTask([(f"r{g}", f"u{u}", code) for u, row in enumerate(matrix) for g, code in enumerate(row)])
    assert nominal.scott_pi(r, "r0", "r1") == pytest.approx(task.pi(), abs=1e-9)
    assert nominal.conger_kappa(r) == pytest.approx(nominal.cohen_kappa(r, "r0", "r1"), abs=1e-9)


def test_ac1_of_a_table_worked_by_hand() -> None:
    # 2 raters, 4 units: aa aa aa ab. p_a = 3/4; pi = 7/8, 1/8; p_e = (2 * 7/64) / (2 - 1) = 14/64.
    r = ratings([[0, 0], [0, 0], [0, 0], [0, 1]])
    assert nominal.gwet_ac1(r) == pytest.approx((3 / 4 - 14 / 64) / (1 - 14 / 64))


def test_ac1_counts_the_declared_categories_not_those_seen() -> None:
    r = ratings([[0, 0], [0, 0], [0, 0], [0, 1]], labels=["a", "b", "c"])
    chance = 14 / 64 / 2
    assert nominal.gwet_ac1(r) == pytest.approx((3 / 4 - chance) / (1 - chance))


@given(matrices())
def test_confusion_is_the_naive_coincidence_matrix(matrix: list[list[int | None]]) -> None:
    r = ratings(matrix)
    naive = np.zeros((len(r.categories), len(r.categories)))
    for pairs in pairs_in(r):
        m = (1 + np.sqrt(1 + 4 * len(pairs))) / 2
        for a, b in pairs:
            naive[a, b] += 1 / (m - 1)
    assert nominal.confusion(r) == pytest.approx(naive)


def test_confusion_of_two_raters_is_their_table_plus_its_transpose() -> None:
    r = ratings(made_matrix(units=30, raters=2, labels=3, seed=4))
    table = nominal.pair_confusion(r, "r0", "r1")
    assert nominal.confusion(r).tolist() == (table + table.T).tolist()


def test_specific_agreement_of_two_raters_is_the_dice_of_their_table() -> None:
    r = ratings(made_matrix(units=80, raters=2, labels=2, seed=6))
    (d, b), (c, a) = nominal.pair_confusion(r, "r0", "r1").tolist()
    dice = [2 * d / (2 * d + b + c), 2 * a / (2 * a + b + c)]
    assert nominal.positive_specific_agreement(r).tolist() == pytest.approx(dice)


def test_specific_agreement_of_an_unused_label_is_undefined() -> None:
    shares = nominal.positive_specific_agreement(ratings([[0, 0], [0, 1]], labels=["a", "b", "c"]))
    assert shares[:2].tolist() == pytest.approx([2 / 3, 0])
    assert np.isnan(shares[2])


def test_contested_units_rank_by_the_share_of_pairs_that_differ() -> None:
    shares = nominal.contested(ratings([[0, 0, 0], [0, 0, 1], [0, 1, 2], [0, None, None], [1, None, 0]]))
    assert shares[[0, 1, 2, 4]].tolist() == pytest.approx([0, 2 / 3, 1, 1])
    assert np.isnan(shares[3])


def test_a_single_answer_counts_for_chance_in_fleiss_but_not_in_alpha() -> None:
    pairs: list[list[int | None]] = [[0, 0], [1, 1], [0, 1], [0, 0]]
    without, with_single = ratings(pairs), ratings([*pairs, [1, None]])
    assert nominal.krippendorff_alpha(without) == nominal.krippendorff_alpha(with_single)
    assert nominal.fleiss_kappa(without) != nominal.fleiss_kappa(with_single)


@pytest.mark.parametrize("measure", WHOLE)
@pytest.mark.parametrize("matrix", [[], [[None, None]], [[0, None], [1, None]], [[0, None], [None, 1]]])
def test_without_a_pair_of_answers_everything_is_undefined(measure, matrix) -> None:  # type: ignore[no-untyped-def]
    assert np.isnan(measure(ratings(matrix)))


@pytest.mark.parametrize("measure", CORRECTED)
def test_without_variation_what_corrects_for_chance_is_undefined(measure) -> None:  # type: ignore[no-untyped-def]
    assert np.isnan(measure(ratings([[0, 0]] * 20)))
    assert np.isnan(measure(ratings([[0, 0]] * 20, labels=["a", "b"])))


@pytest.mark.parametrize("measure", [nominal.fleiss_kappa, nominal.gwet_ac1, nominal.krippendorff_alpha])
def test_a_label_seen_only_in_single_answers_is_no_variation(measure) -> None:  # type: ignore[no-untyped-def]
    assert np.isnan(measure(ratings([[0, 0], [0, 0], [1, None]])))


def test_percent_without_variation_is_one() -> None:
    assert nominal.percent_agreement(ratings([[0, 0]] * 3)) == 1.0


def test_the_prevalence_paradox_shows() -> None:
    r = ratings([[0, 0]] * 80 + [[0, 1], [1, 0]])
    assert nominal.percent_agreement(r) == pytest.approx(80 / 82)
    assert nominal.krippendorff_alpha(r) < 0
    assert nominal.gwet_ac1(r) > 0.97


@pytest.mark.parametrize("measure", WHOLE[:5])
def test_one_unit_and_two_raters_are_no_exception(measure) -> None:  # type: ignore[no-untyped-def]
    assert np.isfinite(measure(ratings([[0, 1]])))


def test_a_single_rater_has_a_matrix_of_one_undefined_kappa() -> None:
    kappa, n_common = nominal.cohen_matrix(ratings([[0], [1]]))
    assert kappa.shape == (1, 1)
    assert np.isnan(kappa).all()
    assert n_common.tolist() == [[2]]


def test_an_unknown_rater_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="No answer comes from rater 'eve'"):
        nominal.cohen_kappa(ratings([[0, 1]]), "r0", "eve")


@given(matrices(), st.randoms(use_true_random=False))
def test_names_and_order_of_raters_units_and_labels_change_nothing(matrix, random) -> None:  # type: ignore[no-untyped-def]
    r = ratings(matrix)
    triples = [
        (r.units[u], r.raters[g], r.categories[v])
        for u, g, v in zip(r.unit.tolist(), r.rater.tolist(), r.value.tolist(), strict=True)
    ]
    names = [random.sample(sorted(each), len(each)) for each in (r.units, r.raters, r.categories)]
    unit, rater, label = (
        dict(zip(sorted(old), new, strict=True))
        for old, new in zip((r.units, r.raters, r.categories), names, strict=True)
    )
    renamed = [(unit[u], rater[g], label[v]) for u, g, v in triples]
    random.shuffle(renamed)
    other = from_triples(renamed, categories=names[2])
    for measure in WHOLE:
        assert measure(other) == pytest.approx(measure(r), abs=1e-9, nan_ok=True), measure.__name__
    per_label = dict(zip(other.categories, nominal.alpha_per_label(other), strict=True))
    for old, value in zip(r.categories, nominal.alpha_per_label(r), strict=True):
        assert per_label[label[old]] == pytest.approx(value, abs=1e-9, nan_ok=True)


def test_all_agree_is_one_where_labels_vary() -> None:
    r = ratings([[0, 0, 0], [1, 1, None], [2, 2, 2]])
    for measure in WHOLE:
        assert measure(r) == pytest.approx(1.0)

"""Alpha on a scale and weighted kappa equal other libraries, and refuse what is no scale."""

from itertools import product

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import cohen_kappa_score

from annotation.agreement import krippendorff_alpha, pair_confusion, weighted_kappa
from annotation.agreement.metric import alpha, distance
from tests.annotation.test_agreement_ratings import made_matrix, matrices, ratings, reliability

LEVELS = ["nominal", "ordinal", "interval", "ratio"]


@pytest.mark.parametrize("level", LEVELS)
@given(matrix=matrices(labels=5))
def test_alpha_equals_the_krippendorff_package_at_every_level(level, matrix) -> None:  # type: ignore[no-untyped-def]
    r = ratings(matrix, labels=list("01234"))
    used = {code for row in matrix if sum(x is not None for x in row) > 1 for code in row if code is not None}
    if len(used) > 1:
        theirs = krippendorff.alpha(reliability_data=reliability(matrix), level_of_measurement=level)
        assert alpha(r, level) == pytest.approx(theirs, abs=1e-9)
        assert krippendorff_alpha(r, level) == pytest.approx(theirs, abs=1e-9)
    else:
        assert np.isnan(alpha(r, level))


def test_ordinal_alpha_follows_the_declared_order() -> None:
    matrix = made_matrix(units=40, raters=3, labels=3, seed=1)
    straight = ratings(matrix, labels=["low", "mid", "high"])
    mixed = ratings(
        [[None if x is None else [1, 0, 2][x] for x in row] for row in matrix], labels=["mid", "low", "high"]
    )
    assert straight.counts[:, 0].tolist() == mixed.counts[:, 1].tolist()
    assert krippendorff_alpha(straight, "ordinal") != pytest.approx(krippendorff_alpha(mixed, "ordinal"))


def test_ordinal_distance_is_the_sum_of_the_answers_between() -> None:
    totals = np.array([9.0, 13.0, 5.0, 3.0])
    for c, k in product(range(4), repeat=2):
        between = totals[min(c, k) : max(c, k) + 1].sum() - (totals[c] + totals[k]) / 2
        assert distance("ordinal", list("abcd"), totals)[c, k] == pytest.approx(between**2)


def test_ratio_distance_of_two_zeros_is_zero() -> None:
    assert distance("ratio", ["0", "1", "3"], np.ones(3)) == pytest.approx(
        np.array([[0, 1, 1], [1, 0, 0.25], [1, 0.25, 0]])
    )


def test_a_category_that_is_no_number_is_refused_at_interval_level() -> None:
    with pytest.raises(ValueError, match="Category 'many' is not a number"):
        krippendorff_alpha(ratings([[0, 1], [1, 1]], labels=["1", "many"]), "interval")


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="Unknown level 'cardinal'"):
        krippendorff_alpha(ratings([[0, 1]]), "cardinal")  # type: ignore[arg-type]


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
@pytest.mark.parametrize("seed", range(5))
def test_weighted_kappa_equals_scikit_learn(weights, seed: int) -> None:  # type: ignore[no-untyped-def]
    matrix = made_matrix(units=60, raters=2, labels=5, seed=seed)
    left, right = zip(*matrix, strict=True)
    table = pair_confusion(ratings(matrix), "r0", "r1").astype(float)
    assert weighted_kappa(table, weights) == pytest.approx(cohen_kappa_score(left, right, weights=weights), abs=1e-12)


def test_weighted_kappa_without_variation_is_undefined() -> None:
    assert np.isnan(weighted_kappa(np.diag([7.0, 0.0])))
    assert np.isnan(weighted_kappa(np.zeros((2, 2))))

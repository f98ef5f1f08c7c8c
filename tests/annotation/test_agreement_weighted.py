"""Weighted coefficients and intraclass correlations against plain loops, statsmodels and an analysis of variance."""

from itertools import combinations, permutations

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from annotation import agreement
from annotation.agreement import icc, scores, weighted
from annotation.agreement.kinds import AGREEMENTS
from tests.annotation.test_agreement_ratings import made_matrix, ratings

LABELS = ["1", "2", "3", "4", "5"]
KINDS = ("nominal", "linear", "quadratic", "ordinal")


def naive_weight(kind, a, b, q):
    gap = abs(a - b)
    if kind == "nominal":
        return float(gap == 0)
    if kind == "ordinal":
        return 1 - (gap + 1) * gap / 2 / (q * (q - 1) / 2)
    return 1 - (gap / (q - 1)) ** (1 if kind == "linear" else 2)


def naive_ac2(matrix, kind, q):
    """Gwet 2014, by plain loops over units and pairs of answers."""
    shares, agreeing = [], []
    for row in matrix:
        said = [value for value in row if value is not None]
        if not said:
            continue
        shares.append([said.count(k) / len(said) for k in range(q)])
        pairs = list(permutations(said, 2))
        if pairs:
            agreeing.append(sum(naive_weight(kind, a, b, q) for a, b in pairs) / len(pairs))
    pi = [sum(row[k] for row in shares) / len(shares) for k in range(q)]
    total = sum(naive_weight(kind, a, b, q) for a in range(q) for b in range(q))
    chance = total / (q * (q - 1)) * sum(p * (1 - p) for p in pi)
    return (sum(agreeing) / len(agreeing) - chance) / (1 - chance)


@pytest.mark.parametrize("kind", KINDS)
def test_ac2_is_that_of_plain_loops_also_where_a_score_was_never_given(kind):
    matrix = made_matrix(units=80, raters=4, labels=4, missing=0.3, seed=4)
    r = ratings(matrix, labels=LABELS)
    assert weighted.gwet_ac2(r, kind, np.arange(5.0), 5) == pytest.approx(naive_ac2(matrix, kind, 5))


def test_ac2_with_nominal_weights_is_ac1():
    r = ratings(made_matrix(units=80, raters=4, labels=5, missing=0.3, seed=4), labels=LABELS)
    assert weighted.gwet_ac2(r, "nominal", np.arange(5.0), 5) == pytest.approx(agreement.gwet_ac1(r))


@pytest.mark.parametrize("kind", KINDS)
def test_the_total_weight_of_a_long_scale_is_that_of_all_its_pairs(kind, monkeypatch):
    whole = weighted.weights(kind, np.arange(30.0), 29).sum()
    assert weighted.total_weight(kind, 30) == pytest.approx(whole)
    monkeypatch.setattr(weighted, "MOST_SHOWN", 5)
    assert weighted.total_weight(kind, 30) == pytest.approx(whole)


def test_the_asymptotic_error_of_kappa_is_that_of_statsmodels():
    r = ratings(made_matrix(units=120, raters=2, labels=3, seed=8), labels=["a", "b", "c"])
    table = agreement.pair_confusion(r, *r.raters).astype(float)
    assert weighted.kappa_error(table) == pytest.approx(cohens_kappa(table).std_kappa)


def anova(table):
    """The six forms by their mean squares (McGraw and Wong 1996, table 4), in plain steps."""
    n, k = table.shape
    grand = table.mean()
    rows = k * sum((row.mean() - grand) ** 2 for row in table)
    columns = n * sum((column.mean() - grand) ** 2 for column in table.T)
    total = ((table - grand) ** 2).sum()
    r, c = rows / (n - 1), columns / (k - 1)
    w, e = (total - rows) / (n * (k - 1)), (total - rows - columns) / ((n - 1) * (k - 1))
    return [
        (r - w) / (r + (k - 1) * w),
        (r - e) / (r + (k - 1) * e + k / n * (c - e)),
        (r - e) / (r + (k - 1) * e),
        (r - w) / r,
        (r - e) / (r + (c - e) / n),
        (r - e) / r,
    ]


def test_the_forms_of_icc_are_those_of_the_mean_squares():
    rng = np.random.default_rng(3)
    table = rng.normal(size=(40, 1)) + 0.4 * rng.normal(size=(1, 4)) + 0.6 * rng.normal(size=(40, 4))
    assert icc.forms_of(icc.columns(table).sum(axis=0), 4) == pytest.approx(anova(table))
    assert icc.one_way_of(icc.one_way_columns(table).sum(axis=0)) == pytest.approx(anova(table)[0])


def test_one_way_icc_takes_units_with_different_numbers_of_answers():
    rng = np.random.default_rng(3)
    table = rng.normal(size=(60, 1)) + 0.5 * rng.normal(size=(60, 4))
    table[rng.random((60, 4)) < 0.3] = np.nan
    units = [row[np.isfinite(row)] for row in table if np.isfinite(row).sum() > 1]
    m = np.array([len(row) for row in units])
    grand = np.concatenate(units).mean()
    between = sum(len(row) * (row.mean() - grand) ** 2 for row in units) / (len(units) - 1)
    within = sum(((row - row.mean()) ** 2).sum() for row in units) / (m.sum() - len(units))
    size = (m.sum() - (m**2).sum() / m.sum()) / (len(units) - 1)
    expected = (between - within) / (between + (size - 1) * within)
    assert icc.one_way_of(icc.one_way_columns(table).sum(axis=0)) == pytest.approx(expected)


QUESTION = {"name": "score", "kind": "score", "min": 1, "max": 5, "step": 1, "level": "ordinal"}


def told(matrix, **question):
    rows = [
        (f"u{unit:03}", f"r{rater}", value + 1)
        for unit, row in enumerate(matrix)
        for rater, value in enumerate(row)
        if value is not None
    ]
    return rows, AGREEMENTS["score"].report(rows, question={**QUESTION, **question}, groups=None, draws=100, seed=1)


def test_a_report_on_scores_tells_every_other_coefficient_over_the_declared_scale():
    matrix = made_matrix(units=60, raters=3, labels=4, seed=6)
    rows, found = told(matrix)
    also = found["also"]
    assert also["ac2_quadratic"]["value"] == pytest.approx(naive_ac2(matrix, "quadratic", 5))
    assert also["ac2_quadratic"]["low"] < also["ac2_quadratic"]["value"] < also["ac2_quadratic"]["high"]
    table = np.array(matrix, dtype=float)
    for name, value in zip(icc.FORMS, anova(table), strict=True):
        assert also[name]["value"] == pytest.approx(value)
    r, _x = scores.coded(rows)
    for level in ("nominal", "interval", "ratio"):
        assert also[f"alpha_{level}"]["value"] == pytest.approx(agreement.krippendorff_alpha(r, level))
    assert "alpha_ordinal" not in also


def test_linear_weighted_kappa_weighs_by_the_numbers_and_not_by_their_ranks():
    matrix = [[0, 0], [0, 1], [4, 4], [1, 4], [0, 0], [4, 0], [1, 1], [1, 0]] * 3
    _rows, found = told(matrix)
    pairs = [(row[0], row[1]) for row in matrix]
    seen = np.mean([abs(a - b) for a, b in pairs])
    chance = np.mean([abs(a - b) for a, _ in pairs for _, b in pairs])
    assert found["also"]["lwk"]["value"] == pytest.approx(1 - seen / chance)


def test_scores_below_zero_have_no_ratio_alpha_beside():
    rows = [(f"u{unit}", f"r{rater}", (unit + rater) % 3 - 1) for unit in range(12) for rater in range(2)]
    question = {**QUESTION, "min": -1, "max": 1, "level": "interval"}
    found = AGREEMENTS["score"].report(rows, question=question, groups=None, draws=50, seed=1)
    assert "alpha_ratio" not in found["also"]


def test_a_report_on_labels_tells_scott_conger_light_and_brennan_prediger():
    matrix = made_matrix(units=60, raters=3, labels=3, missing=0.2, seed=6)
    rows = [
        (f"u{unit:03}", f"r{rater}", "abc"[value])
        for unit, row in enumerate(matrix)
        for rater, value in enumerate(row)
        if value is not None
    ]
    found = agreement.report(rows, categories=["a", "b", "c"], draws=100, seed=1)
    r = ratings(matrix, labels=["a", "b", "c"])
    assert found["also"]["conger_kappa"]["value"] == pytest.approx(agreement.conger_kappa(r))
    assert found["also"]["light_kappa"]["value"] == pytest.approx(agreement.light_kappa(r))
    assert found["also"]["brennan_prediger"]["value"] == pytest.approx(agreement.brennan_prediger(r))
    pairs = list(combinations(r.raters, 2))
    pis = [agreement.scott_pi(r, *pair) for pair in pairs]
    n = [agreement.pair_confusion(r, *pair).sum() for pair in pairs]
    assert found["also"]["scott_pi"]["value"] == pytest.approx(np.average(pis, weights=n))
    assert [pair["pi"] for pair in found["cohen"]] == pytest.approx(pis)

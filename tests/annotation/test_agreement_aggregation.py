"""Who is right: Dawid and Skene against plain loops, what smoothing is for, and what adjudicating would bring."""

import math
from pathlib import Path

import numpy as np
import pytest

from annotation.agreement import aggregation
from annotation.agreement.aggregation import METHODS, RIGHT, Votes, dawid_skene, mace, majority
from tests.annotation.test_agreement_published import ratings, triples


def made(units=60, raters=4, k=3, each=3, seed=0, skew=None, right=(0.5, 0.95)):
    """(votes, truth): raters who are right with a probability of their own, else answer anything."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(k, size=units, p=skew)
    able = rng.uniform(*right, size=raters)
    rows = []
    for unit in range(units):
        for rater in rng.choice(raters, size=each, replace=False):
            rows.append((unit, rater, truth[unit] if rng.random() < able[rater] else rng.integers(k)))
    unit, rater, value = np.array(rows, dtype=np.int32).T
    return Votes(unit, rater, value, (units, raters, k)), truth


def naive(v, smoothing, steps):
    """Dawid and Skene 1979 in plain loops: formulas 2.3 to 2.5, beginning with 3.1."""
    n, raters, k = v.shape
    rows = list(zip(v.unit.tolist(), v.rater.tolist(), v.value.tolist(), strict=True))
    belief = [[0.0] * k for _ in range(n)]
    for unit, _rater, value in rows:
        belief[unit][value] += 1
    belief = [[x / sum(row) for x in row] for row in belief]
    off = (1 - RIGHT) / (k - 1)
    for _ in range(steps):
        share = [(sum(row[j] for row in belief) + smoothing / k) / (n + smoothing) for j in range(k)]
        matrix = [
            [[smoothing * (RIGHT if j == told else off) for told in range(k)] for j in range(k)] for _ in range(raters)
        ]
        for unit, rater, value in rows:
            for j in range(k):
                matrix[rater][j][value] += belief[unit][j]
        for one in matrix:
            for row in one:
                total = sum(row)
                row[:] = [x / total for x in row]
        found = [[share[j] for j in range(k)] for _ in range(n)]
        for unit, rater, value in rows:
            for j in range(k):
                found[unit][j] *= matrix[rater][j][value]
        belief = [[x / sum(row) for x in row] for row in found]
    return np.array(belief)


@pytest.mark.parametrize(("smoothing", "k"), [(8.0, 3), (1.0, 2), (3.0, 4)])
def test_dawid_skene_is_that_of_plain_loops(smoothing, k):
    v, _truth = made(k=k, seed=k)
    found = dawid_skene(v, smoothing=smoothing)
    assert 1 < found.steps < aggregation.STEPS
    assert found.posterior == pytest.approx(naive(v, smoothing, found.steps), abs=1e-9)
    assert found.posterior.sum(axis=1) == pytest.approx(np.ones(60))
    assert found.confusion.sum(axis=2) == pytest.approx(np.ones((4, k)))


def test_with_smoothing_it_beats_both_the_majority_and_itself_without_on_small_skewed_data():
    plain = smoothed = voted = 0.0
    for seed in range(25):
        v, truth = made(units=120, raters=6, k=3, seed=seed, skew=[0.7, 0.2, 0.1], right=(0.3, 0.95))
        plain += np.mean(dawid_skene(v, smoothing=0.0).posterior.argmax(axis=1) == truth)
        smoothed += np.mean(dawid_skene(v).posterior.argmax(axis=1) == truth)
        voted += np.mean(majority(v).posterior.argmax(axis=1) == truth)
    assert smoothed > max(plain, voted)


def test_a_rater_who_knows_outweighs_two_who_guess():
    v, truth = made(units=300, raters=3, each=3, seed=5)
    rng = np.random.default_rng(1)
    value = v.value.copy()
    value[v.rater == 0] = truth[v.unit[v.rater == 0]]
    for rater, able in ((1, 0.2), (2, 0.2)):
        mine = v.rater == rater
        right = rng.random(mine.sum()) < able
        value[mine] = np.where(right, truth[v.unit[mine]], rng.integers(3, size=mine.sum()))
    votes = Votes(v.unit, v.rater, value, v.shape)
    share = {name: np.mean(method(votes).posterior.argmax(axis=1) == truth) for name, method in METHODS.items()}
    assert share["dawid-skene"] > share["majority"] + 0.05
    assert share["mace"] > share["majority"] + 0.05
    for method in (dawid_skene, mace):
        assert method(votes).competence.argmax() == 0


def test_a_habit_of_one_rater_is_found_in_their_matrix():
    v, truth = made(units=400, raters=3, each=3, k=2, seed=2, right=(0.9, 0.95))
    mine = v.rater == 1
    value = v.value.copy()
    value[mine] = np.where(truth[v.unit[mine]] == 1, 0, value[mine])  # never says 1
    found = dawid_skene(Votes(v.unit, v.rater, value, v.shape))
    assert found.confusion[1, 1, 0] > 0.9
    assert found.confusion[0, 1, 1] > 0.8


def test_the_majority_is_the_shares_of_the_answers_and_a_tie_has_no_winner():
    v = Votes(*np.array([[0, 0, 0, 1, 1], [0, 1, 2, 0, 1], [1, 1, 0, 0, 1]], dtype=np.int32), (2, 3, 2))
    found = majority(v)
    assert found.posterior.tolist() == [[pytest.approx(1 / 3), pytest.approx(2 / 3)], [0.5, 0.5]]
    assert aggregation.winners(found.posterior).tolist() == [1, -1]
    assert aggregation.errors(found.posterior) == pytest.approx([1 / 3, 0.5])
    assert aggregation.entropy(found.posterior)[1] == pytest.approx(1.0)


def test_adjudicating_the_least_certain_removes_their_expected_errors():
    posterior = np.array([[0.9, 0.1], [0.5, 0.5], [1.0, 0.0], [0.7, 0.3]])
    assert aggregation.gain(posterior, [0, 1, 2, 10]) == [(0, 0.0), (1, pytest.approx(0.5)), (2, pytest.approx(0.8)), (10, pytest.approx(0.9))]  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_no_answers_and_a_single_answer_are_no_error(name):
    empty = Votes(*(np.array([], dtype=np.int32) for _ in range(3)), (0, 0, 3))
    assert METHODS[name](empty).posterior.shape == (0, 3)
    one = Votes(*(np.array([0], dtype=np.int32) for _ in range(3)), (1, 1, 3))
    found = METHODS[name](one)
    assert found.posterior.argmax() == 0
    assert math.isclose(found.posterior.sum(), 1.0)


@pytest.mark.parametrize("name", ["climate_fever_votes", "pandalm_pairs_a", "numclaim_two_raters", "ocnli_dev"])
def test_on_real_votes_it_follows_clear_majorities_and_loses_no_rare_label(shared: Path, name: str):
    r = ratings(triples(shared, name))
    v = aggregation.votes(r)
    voted, found = majority(v), dawid_skene(v)
    clear = (voted.posterior.max(axis=1) == 1.0) & (r.counts.sum(axis=1) > 2)
    if clear.any():
        assert np.mean(found.posterior.argmax(axis=1)[clear] == voted.posterior.argmax(axis=1)[clear]) > 0.99
    # A label that some unit has by a majority of its answers is still the likeliest of some unit, however rare.
    voted_for = {int(code) for code in aggregation.winners(voted.posterior) if code >= 0}
    assert voted_for <= set(found.posterior.argmax(axis=1).tolist())
    assert found.steps < aggregation.STEPS
    tied = aggregation.winners(voted.posterior) < 0
    if tied.any():
        assert aggregation.errors(found.posterior)[tied].mean() > aggregation.errors(found.posterior)[~tied].mean()

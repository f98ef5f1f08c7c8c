"""Rubric metrics, criterion by criterion against scikit-learn, and what a missing rating costs."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, mean_absolute_error

from annotation import schema as schemas
from evaluation.metrics import rubric

SCHEMA = {"name": "q", "kind": "rubric", "criteria": ["a", "b"], "scale": ["1", "2", "3", "4"], "required": False}
QUESTION = schemas.check({"questions": [SCHEMA]})["questions"][0]


def measured(gold, predicted, **options):
    found = rubric.measure(gold, predicted, question=QUESTION, draws=100, seed=1, **options)
    return {(each.metric, each.label): each for each in found}


def made(seed=0, n=60):
    rng = np.random.default_rng(seed)
    gold = rng.integers(1, 5, (n, 2))
    said = np.clip(gold + rng.integers(-1, 2, (n, 2)), 1, 4)
    return [[dict(zip("ab", row, strict=True)) for row in part.tolist()] for part in (gold, said)]


def test_every_criterion_equals_the_reference_and_the_headline_is_their_mean():
    gold, said = made()
    found = measured(gold, said)
    for metric in ("mae", "qwk", "exact"):
        each = [found[f"criterion_{metric}", name].value for name in "ab"]
        assert found[metric, None].value == pytest.approx(np.mean(each))
        assert found[metric, None].low < found[metric, None].value < found[metric, None].high
    for name in "ab":
        truth, given = [row[name] for row in gold], [row[name] for row in said]
        kappa = cohen_kappa_score(truth, given, labels=[1, 2, 3, 4], weights="quadratic")
        assert found["criterion_mae", name].value == pytest.approx(mean_absolute_error(truth, given))
        assert found["criterion_qwk", name].value == pytest.approx(kappa)
        assert found["criterion_exact", name].value == np.mean(np.equal(truth, given))
    assert found["exact_all", None].value == np.mean([one == other for one, other in zip(gold, said, strict=True)])
    assert (found["coverage", None].value, found["support", "a"].value) == (1, 60)
    assert {name for name, _label in found} == set(rubric.METRICS)


def test_a_missing_rating_is_the_point_farthest_from_the_gold():
    gold = [{"a": 1, "b": 4}, {"a": 2, "b": 2}]
    full, gap = measured(gold, gold), measured(gold, [{"a": 1, "b": 4}, {"a": 2}])
    assert full["mae", None].value == 0
    assert gap["mae", None].value == pytest.approx((0 + 1) / 2)
    assert gap["coverage", None].value == 0.75
    assert gap["exact_all", None].value == 0.5
    none = measured(gold, [None, None])
    assert (none["mae", None].value, none["exact", None].value, none["coverage", None].value) == (2.5, 0, 0)


def test_what_the_gold_does_not_rate_is_not_asked():
    found = measured([{"a": 1}, {"a": 3}], [{"a": 1, "b": 4}, {"a": 3}])
    assert (found["mae", None].value, found["exact_all", None].value, found["coverage", None].value) == (0, 1, 1)
    assert found["criterion_mae", "b"].value is None
    assert found["support", "b"].value == 0


def test_kappa_leaves_out_criteria_whose_gold_does_not_vary():
    gold = [{"a": 1 + n % 4, "b": 2} for n in range(12)]
    found = measured(gold, gold)
    assert found["qwk", None].value == found["criterion_qwk", "a"].value == 1
    assert found["criterion_qwk", "b"].value is None
    assert found["criterion_qwk", "b"].note


def test_no_items_and_other_lengths_are_told():
    assert {found.value for found in measured([], []).values()} <= {None, 0}
    with pytest.raises(ValueError, match="must be the same items"):
        measured([{"a": 1}], [])


def test_ratings_of_responses_are_scored_as_if_each_were_an_item():
    each = schemas.check({"questions": [{**SCHEMA, "each": True}]})["questions"][0]
    gold = [{"a": {"a": 1, "b": 4}, "b": {"a": 2, "b": 2}}, {"a": {"a": 3, "b": 3}, "b": {"a": 4}}]
    said = [{"a": {"a": 2, "b": 4}, "b": {"a": 2, "b": 1}}, {"a": {"a": 3}}]
    flat_gold = [given[name] for given in gold for name in "ab"]
    flat_said = [given.get(name) for given in said for name in "ab"]
    options = {"draws": 50, "seed": 1}
    found = {(row.metric, row.label): row.value for row in rubric.measure(gold, said, question=each, **options)}
    flat = {(row.metric, row.label): row.value for row in rubric.measure(flat_gold, flat_said, question=QUESTION, **options)}  # fmt: skip
    assert {key: value for key, value in found.items() if key[0] != "exact_all"} == pytest.approx({key: value for key, value in flat.items() if key[0] != "exact_all"})  # fmt: skip
    assert found["exact_all", None] == 0

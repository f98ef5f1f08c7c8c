"""The metrics of label sets against scikit-learn's, with intervals, missing answers and groups."""

import numpy as np
import pytest
from sklearn import metrics as oracle

from evaluation.metrics import KINDS, choices

NAMES = ["a", "b", "c", "d"]
QUESTION = {"name": "topics", "kind": "choices", "labels": [{"name": name} for name in NAMES]}


def noisy(seed, n, *, missing=0):
    rng = np.random.default_rng(seed)
    truth = rng.random((n, 4)) < [0.5, 0.3, 0.2, 0.1]
    said = truth ^ (rng.random((n, 4)) < 0.2)
    gold = [[NAMES[k] for k in np.flatnonzero(row)] for row in truth]
    predicted = [[NAMES[k] for k in np.flatnonzero(row)] for row in said]
    for place in range(missing):
        predicted[place], said[place] = None, False
    return gold, predicted, truth, said


def measured(gold, predicted, **options):
    found = choices.measure(gold, predicted, question=QUESTION, **{"draws": 200, "seed": 1, **options})
    return {(value.metric, value.label): value for value in found}


def test_the_values_are_those_of_scikit_learn():
    gold, predicted, truth, said = noisy(1, 300)
    found = measured(gold, predicted)
    value = {name: found[name, None].value for name in ("exact_match", "micro_f1", "macro_f1", "jaccard", "hamming")}
    assert value["exact_match"] == pytest.approx(oracle.accuracy_score(truth, said))
    assert value["micro_f1"] == pytest.approx(oracle.f1_score(truth, said, average="micro"))
    assert value["macro_f1"] == pytest.approx(oracle.f1_score(truth, said, average="macro", zero_division=0))
    assert value["hamming"] == pytest.approx(oracle.hamming_loss(truth, said))
    both_empty = (~truth.any(axis=1) & ~said.any(axis=1)).mean()
    jaccard = oracle.jaccard_score(truth, said, average="samples", zero_division=0)
    assert value["jaccard"] == pytest.approx(jaccard + both_empty)  # empty against empty is right here
    precision, recall, f1, support = oracle.precision_recall_fscore_support(truth, said)
    for place, name in enumerate(NAMES):
        assert found["precision", name].value == pytest.approx(precision[place])
        assert found["recall", name].value == pytest.approx(recall[place])
        assert found["f1", name].value == pytest.approx(f1[place])
        assert found["support", name].value == support[place]


def test_every_metric_of_the_registry_is_there_with_its_interval():
    gold, predicted, _truth, _said = noisy(2, 200)
    found = measured(gold, predicted)
    kind = KINDS["choices"]
    assert list(dict.fromkeys(metric for metric, _label in found)) == list(kind.metrics)
    assert kind.primary in kind.may_be_primary
    for (metric, _label), value in found.items():
        if metric != "support":
            assert value.low <= value.value <= value.high
            assert value.method == ("wilson" if metric in ("exact_match", "coverage") else "bca")
    assert not kind.metrics["hamming"].higher_is_better


def test_no_answer_never_helps():
    gold, predicted, *_tables = noisy(3, 200)
    gold[0] = []
    predicted[0] = []
    whole, missing = measured(gold, predicted), measured(gold, [None, *predicted[1:]])
    for metric in ("exact_match", "jaccard"):
        assert missing[metric, None].value < whole[metric, None].value
    assert missing["hamming", None].value > whole["hamming", None].value
    assert missing["coverage", None].value == pytest.approx(199 / 200)


def test_items_that_depend_on_each_other_are_resampled_together():
    gold, predicted, *_tables = noisy(4, 60)
    alone = measured(gold * 2, predicted * 2)
    paired = measured(gold * 2, predicted * 2, groups=[*range(60), *range(60)])
    assert paired["micro_f1", None].value == alone["micro_f1", None].value
    width = {
        name: found["micro_f1", None].high - found["micro_f1", None].low
        for name, found in (("alone", alone), ("paired", paired))
    }
    assert width["paired"] > 1.15 * width["alone"]
    assert paired["exact_match", None].method == "bca"


@pytest.mark.parametrize(("n", "note"), [(0, "no items"), (5, "too few independent items")])
def test_where_there_is_no_interval_the_reason_is_given(n, note):
    gold, predicted, *_tables = noisy(5, n) if n else ([], [], None, None)
    value = measured(gold, predicted)["micro_f1", None]
    assert value.low is None
    assert note in value.note


def test_a_label_that_occurs_nowhere_is_undefined_and_left_out_of_the_mean():
    found = measured([["a"]] * 12, [["a"]] * 12)
    assert found["macro_f1", None].value == 1.0
    assert found["f1", "b"].value is None
    assert "neither in gold nor in the predictions" in found["f1", "b"].note


def test_other_items_and_other_groups_are_refused():
    with pytest.raises(ValueError, match="Gold has 2 items and the predictions 1"):
        measured([["a"], ["b"]], [["a"]])
    with pytest.raises(ValueError, match="3 items but 2 groups"):
        measured([["a"]] * 3, [["a"]] * 3, groups=[0, 1])

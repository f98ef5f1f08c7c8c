"""Metrics of preferences against scikit-learn, scipy and plain loops; no answer counts as wrong."""

import json

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as oracle
from statsmodels.stats.proportion import proportion_confint

from annotation import schema as schemas
from annotation.kinds import preference as kind
from evaluation import exporting
from evaluation.metrics import KINDS, preference
from evaluation.models import Example
from tests.annotation.worlds import bring, lines
from tests.conftest import make_project, set_schema
from tests.evaluation.worlds import freeze

PAIR = {"name": "pick", **kind.check_schema({})}
RANKS = {"name": "pick", **kind.check_schema({"mode": "ranking"})}


def made(seed, n=120, right=0.6, missing=0.1):
    rng = np.random.default_rng(seed)
    gold = [{"better": str(value)} for value in rng.choice(["a", "b", "tie"], n, p=[0.45, 0.4, 0.15])]
    said = []
    for value in gold:
        guess = value if rng.random() < right else {"better": str(rng.choice(["a", "b", "tie"]))}
        said.append(None if rng.random() < missing else {**guess, "shown": ["b", "a"]})
    return gold, said


def measured(gold, said, question=PAIR, **options):
    found = preference.measure(gold, said, question=question, draws=300, seed=1, **options)
    return {(value.metric, value.label): value for value in found}


@pytest.mark.parametrize("seed", range(4))
def test_comparisons_equal_scikit_learn(seed):
    gold, said = made(seed)
    found = measured(gold, said)
    truth = [value["better"] for value in gold]
    answer = [value["better"] if value else "none" for value in said]
    assert found["accuracy", None].value == pytest.approx(oracle.accuracy_score(truth, answer))
    assert found["kappa", None].value == pytest.approx(oracle.cohen_kappa_score(truth, answer))
    classes = ["a", "b", "tie"]
    wanted = oracle.precision_recall_fscore_support(truth, answer, labels=classes, zero_division=np.nan)
    for metric, row in zip(("precision", "recall", "f1", "support"), wanted, strict=True):
        assert [found[metric, name].value for name in classes] == pytest.approx(list(row))
    macro = oracle.f1_score(truth, answer, labels=classes, average="macro")
    assert found["macro_f1", None].value == pytest.approx(macro)
    untied = [(one, other) for one, other in zip(truth, answer, strict=True) if "tie" not in (one, other)]
    assert found["agreement_no_ties", None].value == pytest.approx(np.mean([one == other for one, other in untied]))
    assert found["agreement_no_ties", None].n == len(untied)
    assert found["coverage", None].value == pytest.approx(np.mean([value is not None for value in said]))


def test_accuracy_has_wilsons_interval_and_all_else_a_bootstrap():
    gold, said = made(1)
    found = measured(gold, said)
    right = round(found["accuracy", None].value * len(gold))
    low, high = proportion_confint(right, len(gold), method="wilson")
    assert (found["accuracy", None].low, found["accuracy", None].high) == pytest.approx((low, high))
    assert found["kappa", None].method == "bca"
    assert found["kappa", None].low < found["kappa", None].value < found["kappa", None].high


def test_how_much_better_changes_no_score():
    asked = {"name": "pick", **kind.check_schema({"strength": ["slightly", "much"]})}
    gold, said = [{"better": "a", "strength": 1}], [{"better": "a", "strength": 2}]
    assert measured(gold, said, asked)["accuracy", None].value == 1


def test_prompts_with_several_comparisons_are_drawn_together():
    gold, said = made(2)
    grouped = measured(gold, said, groups=[n // 4 for n in range(len(gold))])
    assert grouped["accuracy", None].method == "bca"
    assert grouped["accuracy", None].value == measured(gold, said)["accuracy", None].value


def test_without_ties_in_the_question_there_are_two_classes():
    asked = {"name": "pick", **kind.check_schema({"tie": False})}
    found = measured([{"better": "a"}] * 6 + [{"better": "b"}] * 6, [{"better": "a"}] * 12, asked)
    assert ("recall", "tie") not in found
    assert found["kappa", None].value == 0
    assert found["agreement_no_ties", None].value == 0.5


def test_each_mode_leaves_the_others_metrics_empty_with_a_note():
    gold, said = made(3)
    found = measured(gold, said)
    assert (found["kendall_tau", None].value, found["kendall_tau", None].note) == (None, "Only for rankings.")
    ranks = measured([{"order": [["a"], ["b"]]}], [None], RANKS)
    assert (ranks["kappa", None].value, ranks["kappa", None].note) == (None, "Only for comparisons of two.")
    overall = {name for name, metric in KINDS["preference"].metrics.items() if not metric.per_label}
    assert {metric for metric, label in found if label is None} == overall == {m for m, label in ranks if label is None}


def order(rng):
    places = rng.integers(0, 3, size=4)
    return {
        "order": [[n for n, at in zip("abcd", places, strict=True) if at == place] for place in sorted(set(places))]
    }


def test_rankings_equal_scipy_and_a_plain_loop():
    rng = np.random.default_rng(6)
    gold = [order(rng) for _ in range(60)]
    said = [None if rng.random() < 0.1 else value if rng.random() < 0.3 else order(rng) for value in gold]
    found = measured(gold, said, RANKS)
    taus, tops = [], []
    for wanted, given in zip(gold, said, strict=True):
        tops.append(len(set(wanted["order"][0]) & set(given["order"][0])) / len(given["order"][0]) if given else 0)
        if len(wanted["order"]) == 1:
            continue
        tau = 0.0
        if given and len(given["order"]) > 1:
            numbers = [[kind.ranks(value)[name] for name in "abcd"] for value in (wanted, given)]
            tau = stats.kendalltau(*numbers, variant="b").statistic
        taus.append(tau)
    assert found["kendall_tau", None].value == pytest.approx(np.mean(taus))
    assert found["kendall_tau", None].n == len(taus)
    assert found["top1", None].value == pytest.approx(np.mean(tops))
    assert found["accuracy", None].value == np.mean([one == other for one, other in zip(gold, said, strict=True)])
    assert found["kendall_tau", None].low < found["kendall_tau", None].value < found["kendall_tau", None].high


def test_no_items_and_lengths_that_differ():
    assert measured([], [])["accuracy", None].note == "There are no items."
    assert measured([], [], RANKS)["top1", None].value is None
    with pytest.raises(ValueError, match="must be the same items"):
        measured([{"better": "a"}], [])


def test_the_confusion_keeps_no_answer_apart():
    gold = [{"better": "a"}, {"better": "a"}, {"better": "tie"}]
    assert preference.detail(gold, [{"better": "b"}, None, {"better": "tie"}], PAIR) == [
        [0, 1, 0, 1],
        [0, 0, 0, 0],
        [0, 0, 1, 0],
    ]
    assert preference.detail([{"order": [["a"], ["b"]]}], [None], RANKS) == []


@pytest.mark.django_db
def test_a_prompt_that_is_compared_often_stays_in_one_split_and_its_responses_are_exported(cast, tmp_path):
    project = make_project(cast)
    set_schema(project, schemas.check({"questions": [{"name": "pick", "kind": "preference"}]}))
    rows = [
        {
            "id": f"{prompt}-{n}",
            "text": f"Prompt {prompt}?",
            "candidates": [f"one {n}", "two"],
            "preference": "ab"[n % 2],
        }
        for prompt in range(10)
        for n in range(3)
    ]
    assert bring(project, lines(*rows), labels="gold")["gold"] == 30
    version = freeze(project)
    assert version.state == "done", version.message
    splits = {prompt: set() for prompt in range(10)}
    for key, split in Example.objects.filter(version=version).values_list("key", "split"):
        splits[int(key.partition("-")[0])].add(split)
    assert all(len(found) == 1 for found in splits.values())
    exporting.write(version, with_test_gold=False, target=tmp_path / "out")
    assert json.loads((tmp_path / "out/manifest.json").read_text())["compares"] is True
    assert "preference, candidates, reference, title" in (tmp_path / "out/README.md").read_text()
    assert '"candidates": [{"name": "a", "text": "one' in (tmp_path / "out/data/test.jsonl").read_text()

"""The engine's own scores against scikit-learn's."""

import random
import warnings

import pytest
from sklearn import metrics

from training.ml.learned import class_weights
from training.ml.scores import answers, cross_entropy, score


@pytest.mark.parametrize("seed", range(20))
def test_scores_agree_with_scikit_learn(seed: int) -> None:
    chance = random.Random(seed)
    labels = chance.randint(2, 6)
    gold = [chance.randrange(labels) for _ in range(chance.randint(1, 60))]
    given = [label if chance.random() < 0.6 else chance.randrange(labels) for label in gold]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {
            "accuracy": metrics.accuracy_score(gold, given),
            "macro_f1": metrics.f1_score(gold, given, average="macro", zero_division=0),
            "weighted_f1": metrics.f1_score(gold, given, average="weighted", zero_division=0),
            "mcc": metrics.matthews_corrcoef(gold, given),
        }
    assert score(gold, given) == pytest.approx(expected)


def test_scores_of_nothing_are_zero_and_unequal_lengths_are_refused() -> None:
    assert set(score([], []).values()) == {0.0}
    with pytest.raises(ValueError, match="2 gold labels and 1 answers"):
        score([1, 0], [1])


def test_cross_entropy_agrees_with_scikit_learn() -> None:
    gold, shares = [0, 2, 1], [[0.7, 0.2, 0.1], [0.2, 0.2, 0.6], [0.5, 0.25, 0.25]]
    assert cross_entropy(gold, shares) == pytest.approx(metrics.log_loss(gold, shares, labels=[0, 1, 2]))
    assert cross_entropy([0], [[0.0, 1.0]]) < 30


def test_the_first_of_equal_labels_is_the_answer() -> None:
    assert answers([[0.4, 0.4, 0.2], [0.1, 0.2, 0.7]]) == [0, 2]


def test_class_weights_run_from_equal_texts_to_equal_labels() -> None:
    gold = [0] * 6 + [1] * 2
    assert class_weights(gold, 3, 0.0) == [1.0, 1.0, 1.0]
    assert class_weights(gold, 3, 1.0) == pytest.approx([8 / 12, 2.0, 1.0])
    assert class_weights(gold, 3, 0.5) == pytest.approx([(8 / 12) ** 0.5, 2**0.5, 1.0])

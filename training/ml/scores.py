"""Scores of one label per text, with the standard library alone; macro F1 is over labels in gold or answers."""

import math
from collections import Counter
from collections.abc import Sequence


def score(gold: Sequence[int], answers: Sequence[int]) -> dict[str, float]:
    """Accuracy, macro F1, weighted F1 and Matthews correlation (Gorodkin 2004), each between 0 (-1) and 1.

    A label in neither gold nor answers was not tested and is left out of the means. Without texts every score is 0.
    """
    if len(gold) != len(answers):
        raise ValueError(f"There are {len(gold)} gold labels and {len(answers)} answers; the numbers must agree.")
    support, given = Counter(gold), Counter(answers)
    right = Counter(label for label, answer in zip(gold, answers, strict=True) if label == answer)
    f1 = {label: 2 * right[label] / (support[label] + given[label]) for label in support | given}
    total = max(1, len(gold))
    return {
        "accuracy": right.total() / total,
        "macro_f1": sum(f1.values()) / max(1, len(f1)),
        "weighted_f1": sum(f1[label] * count for label, count in support.items()) / total,
        "mcc": _mcc(right.total(), support, given, total),
    }


def _mcc(right: int, support: Counter[int], given: Counter[int], total: int) -> float:
    together = sum(support[label] * given[label] for label in support)
    spread = (total**2 - sum(n * n for n in given.values())) * (total**2 - sum(n * n for n in support.values()))
    return (right * total - together) / math.sqrt(spread) if spread else 0.0


def answers(probabilities: Sequence[Sequence[float]]) -> list[int]:
    """The likeliest label of each text, the first of equals."""
    return [max(range(len(shares)), key=shares.__getitem__) for shares in probabilities]


def cross_entropy(gold: Sequence[int], probabilities: Sequence[Sequence[float]]) -> float:
    """The mean negative log probability of the gold labels, in nats."""
    logs = [-math.log(max(shares[label], 1e-12)) for label, shares in zip(gold, probabilities, strict=True)]
    return sum(logs) / max(1, len(logs))

"""Multinomial logistic regression whose coefficients are plain arrays, over any features."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from .learned import class_weights
from .words import gettext_noop, said

Floats = npt.NDArray[np.float32]
MOST_ITERATIONS = 1000


@dataclass
class Logistic:
    """Multinomial logistic regression: `weights` [labels, features], `bias` [labels]; -inf for a label never seen."""

    weights: Floats
    bias: Floats

    def arrays(self) -> dict[str, Floats]:
        """Both by name, for a safetensors file."""
        return {"weights": self.weights, "bias": self.bias}

    def probabilities(self, features: Any) -> list[list[float]]:
        """Softmax of features @ weights.T + bias, [texts, labels]."""
        scores = np.asarray(features @ self.weights.T, dtype=np.float64) + self.bias
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (powers / powers.sum(axis=1, keepdims=True)).tolist()  # type: ignore[no-any-return]


def fit(
    features: Any, gold: Sequence[int], labels: int, *, strength: float, balance: float
) -> tuple[Logistic, list[str]]:
    """Fit to convergence and spread the result over all labels, seen or not; with a sentence where it did not converge."""
    weights = class_weights(gold, labels, balance)
    seen = sorted(set(gold))
    model = LogisticRegression(
        C=strength, max_iter=MOST_ITERATIONS, class_weight={label: weights[label] for label in seen}
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(features, gold)
    coefficients, bias = np.asarray(model.coef_), np.asarray(model.intercept_)
    if len(seen) == 2:  # scikit-learn keeps one row for two labels: the log odds of the second
        coefficients, bias = np.vstack([-coefficients, coefficients]) / 2, np.concatenate([-bias, bias]) / 2
    full = np.zeros((labels, coefficients.shape[1]), dtype=np.float32)
    full_bias = np.full(labels, -np.inf, dtype=np.float32)
    full[seen], full_bias[seen] = coefficients, bias
    slow = gettext_noop("The regression did not settle within %(most)d iterations; lower its strength.")
    notes: list[str] = [said(slow, most=MOST_ITERATIONS)] if caught else []
    return Logistic(full, full_bias), notes

"""Majority: every text gets the most frequent label; what every other system must beat."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .learned import Facts, Work
from .process import Stop


class Majority:
    """The shares of the labels in the train texts."""

    def __init__(self, shares: list[float]) -> None:
        self.shares = shares
        self.facts = Facts(parameters=len(shares), trained_parameters=len(shares))

    def probabilities(self, texts: Sequence[str], stop: Stop) -> list[list[float]]:
        """The same shares for each text."""
        return [self.shares for _ in texts]

    def save(self, folder: Path) -> dict[str, Any]:
        """Nothing but the shares."""
        return {"shares": self.shares}


def learn(work: Work) -> Majority:
    """Count the labels."""
    gold = [row.label for row in work.data.train]
    return Majority([gold.count(label) / len(gold) for label in range(len(work.job.labels))])


def load(folder: Path, facts: dict[str, Any]) -> Majority:
    """The model that `save` wrote."""
    return Majority(facts["shares"])

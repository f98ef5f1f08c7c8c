"""What every recipe shares: the work it is given and the learned model it gives back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from .job import Data, Job
from .process import Stop
from .progress import Progress


@dataclass(frozen=True)
class Work:
    """One job with its texts, and the ways to tell of it and to be stopped."""

    job: Job
    data: Data
    fingerprint: str
    progress: Progress
    stop: Stop


@dataclass
class Facts:
    """What result.json tells about how a model was learned."""

    parameters: int
    trained_parameters: int
    device: str = "cpu"
    best_step: int | None = None
    base_model_sha256: str | None = None
    warnings: list[str] = field(default_factory=list)
    earlier: dict[str, float] = field(default_factory=lambda: {"seconds": 0.0, "cpu_seconds": 0.0})


class Learned(Protocol):
    """A model that answers a choice question."""

    facts: Facts

    def probabilities(self, texts: Sequence[str], stop: Stop) -> list[list[float]]:
        """The probability of each label for each text; rows sum to 1."""
        ...

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the model's own files into the folder; returns what else is needed to load it again."""
        ...


def class_weights(gold: Sequence[int], labels: int, balance: float) -> list[float]:
    """How much a text of each label counts: (texts / (labels * texts of it)) ** balance; 1 for a label without texts."""
    counts = [gold.count(label) for label in range(labels)]
    present = sum(count > 0 for count in counts)
    return [(len(gold) / (present * count)) ** balance if count else 1.0 for count in counts]

"""PURE. How right somebody is on items with known answers: the posterior of a share under a uniform prior."""

from dataclasses import dataclass

from scipy.stats import beta

# Nobody is judged on fewer answers.
LEAST = 20
LEVEL = 0.95


def interval(right: int, wrong: int, *, level: float = LEVEL) -> tuple[float, float]:
    """The central interval of Beta(1 + right, 1 + wrong), the posterior of a share under a uniform prior (Bayes 1763)."""
    tail = (1 - level) / 2
    low, high = beta.ppf([tail, 1 - tail], 1 + right, 1 + wrong)
    return float(low), float(high)


@dataclass(frozen=True)
class Accuracy:
    """right of n answers; score: mean of 1 less the distance to the gold; low, high: the interval of right / n."""

    n: int
    right: int
    score: float
    low: float
    high: float

    @property
    def share(self) -> float:
        """right / n; NaN without an answer."""
        return self.right / self.n if self.n else float("nan")

    @property
    def judged(self) -> bool:
        """Whether there is enough to say anything of a person; then `low` is what is judged."""
        return self.n >= LEAST


def accuracy(scores: list[float]) -> Accuracy | None:
    """Of one score per answer, 1 less its distance to the gold; right is a distance of 0. None without an answer."""
    if not scores:
        return None
    right = sum(score == 1 for score in scores)
    low, high = interval(right, len(scores) - right)
    return Accuracy(len(scores), right, sum(scores) / len(scores), low, high)

"""PURE. What changed between two versions: what an example's change is called, the number it calls for, label shift."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import chi2_contingency

# What can have happened to an example; several of the last five at once.
ADDED, RETIRED, MOVED, TEXT, RELABELLED, OTHER = "added", "retired", "moved", "text", "relabelled", "fields"
CHANGES = (ADDED, RETIRED, MOVED, TEXT, RELABELLED, OTHER)
DRAWS = 2000
SEED = 20260514
# Below this expected count the chi-square distribution is no good guide (Cochran), and the test is by permutation.
EXPECTED = 5


class Side(NamedTuple):
    """An example in one of two versions."""

    split: str
    text: str
    gold: Any
    fields: Any
    soft: Any = None


def changes(before: Side, after: Side) -> list[str]:
    """What happened to an example that is in both; empty where nothing did."""
    found = {
        MOVED: before.split != after.split,
        TEXT: before.text != after.text,
        RELABELLED: (before.gold, before.soft or None) != (after.gold, after.soft or None),
        OTHER: before.fields != after.fields,
    }
    return [name for name, is_so in found.items() if is_so]


def bump(number: tuple[int, int, int] | None, counts: Mapping[str, int], *, same: bool) -> tuple[int, int, int]:
    """The next semantic version: MAJOR where something changed, went or moved, MINOR where it was added, else PATCH.

    number: that of the version before, None for the first; same: whether the content is the same.
    """
    if number is None:
        return 1, 0, 0
    major, minor, patch = number
    if same:
        return major, minor, patch + 1
    if any(counts.get(name) for name in CHANGES if name != ADDED):
        return major + 1, 0, 0
    return major, minor + 1, 0


class Shift(NamedTuple):
    """Whether two groups of examples have other shares of labels.

    p: of the chi-square test, by permutation of labels where some expected count is below 5; None where nothing can be
    tested, because a side is empty or there is one label alone. n: examples of each side.
    """

    p: float | None
    statistic: float | None
    n: tuple[int, int]
    method: str


def shift(before: Mapping[str, int], after: Mapping[str, int], *, draws: int = DRAWS, seed: int = SEED) -> Shift:
    """The test of before against after; labels that neither has are passed over.

    The sides must be different examples: what two versions share would make any difference seem small.
    """
    labels = sorted({label for side in (before, after) for label, n in side.items() if n})
    table = np.array([[side.get(label, 0) for label in labels] for side in (before, after)], dtype=np.int64)
    n = (int(table[0].sum()) if labels else 0, int(table[1].sum()) if labels else 0)
    if len(labels) < 2 or not all(n):
        return Shift(None, None, n, "")
    result = chi2_contingency(table, correction=False)
    if result.expected_freq.min() >= EXPECTED:
        return Shift(float(result.pvalue), float(result.statistic), n, "chi-square")
    return Shift(_permuted(table, float(result.statistic), draws, seed), float(result.statistic), n, "permutation")


def _permuted(table: np.ndarray[Any, Any], seen: float, draws: int, seed: int) -> float:
    """(1 + tables at least as far from independence) / (1 + draws), with the margins kept."""
    random = np.random.default_rng(seed)
    columns = table.sum(axis=0)
    drawn = random.multivariate_hypergeometric(columns, int(table[0].sum()), size=draws)
    share = table.sum(axis=1) / table.sum()
    found = np.zeros(draws)
    for row, part in ((drawn, share[0]), (columns - drawn, share[1])):
        expected = columns * part
        found += ((row - expected) ** 2 / expected).sum(axis=1)
    return float((1 + (found >= seen - 1e-9).sum()) / (1 + draws))


def total(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Counts of labels added up."""
    found: dict[str, int] = {}
    for part in counts:
        for label, n in part.items():
            found[label] = found.get(label, 0) + n
    return found

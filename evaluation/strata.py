"""PURE. Iterative stratification: sets of labels spread so that each label keeps its share in every split.

After Sechidis, Tsoumakas and Vlahavas, “On the Stratification of Multi-Label Data” (2011), for groups in place of single
examples: the label that fewest of the groups left have is spread first, because it has the fewest ways to be balanced.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heappush
from typing import NamedTuple


class Bag(NamedTuple):
    """What goes into one split as a whole. size: how many units; labels: label -> units that have it; tie: random bytes."""

    size: int
    labels: Mapping[str, int]
    tie: bytes


@dataclass
class Lacking:
    """How much each split still lacks, of each label and over all, in parts of `whole` to a unit, so that it is exact.

    parts: the share of each split, of `whole`.
    """

    labels: dict[str, dict[str, int]]
    overall: dict[str, int]
    parts: Mapping[str, int]

    @property
    def whole(self) -> int:
        """All shares together."""
        return sum(self.parts.values())

    def take(self, split: str, labels: Mapping[str, int], size: int) -> None:
        """A split got units: so many in all, and so many of each label."""
        for label, count in labels.items():
            self.labels[label][split] -= count * self.whole
        self.overall[split] -= size * self.whole


def stratify(bags: Sequence[Bag], lacking: Lacking) -> list[str]:
    """The split of each bag, in their order; `lacking` says afterwards what is still missing.

    Each goes to the split that lacks most of the rarest label that is left; where several lack the same, to the one that
    lacks most of its other labels, then of units over all, then by its tie. Where every split lacks less of the label
    than the bag has, what is left of each share is a fraction, and the split that is filled least takes it; the paper's
    rule would give what is rare always to the largest. Big bags go first, as they fit hardest.
    The result depends on the bags' ties and not on their order.
    """
    found: dict[int, str] = {}
    holders: dict[str, list[int]] = defaultdict(list)
    for place, bag in enumerate(bags):
        for label in bag.labels:
            holders[label].append(place)
    left = Counter({label: sum(bags[place].labels[label] for place in places) for label, places in holders.items()})
    # Counts only fall: an entry of the heap whose count is not that of now is passed over.
    heap = [(count, label) for label, count in left.items()]
    heapify(heap)

    def put(place: int, by: str) -> None:
        bag = bags[place]
        split = _best(bag, by, lacking)
        found[place] = split
        lacking.take(split, bag.labels, bag.size)
        for label, count in bag.labels.items():
            left[label] -= count
            if left[label] and label != by:
                heappush(heap, (left[label], label))

    while heap:
        count, label = heappop(heap)
        if count != left[label] or not count:
            continue
        waiting = [place for place in holders[label] if place not in found]
        for place in sorted(waiting, key=lambda place: (-bags[place].size, bags[place].tie)):
            put(place, label)
    rest = [place for place in range(len(bags)) if place not in found]
    for place in sorted(rest, key=lambda place: (-bags[place].size, bags[place].tie)):
        put(place, "")
    return [found[place] for place in range(len(bags))]


def _best(bag: Bag, label: str, lacking: Lacking) -> str:
    """The split that the bag goes to; one without a share gets nothing."""
    splits = [split for split in sorted(lacking.parts) if lacking.parts[split]]
    first = lacking.labels.get(label, {})
    roomy = [split for split in splits if first.get(split, 0) >= bag.labels.get(label, 0) * lacking.whole]

    def filled(split: str) -> Fraction:
        return Fraction(lacking.overall[split], lacking.parts[split])

    def others(split: str) -> int:
        return sum(count * lacking.labels[name][split] for name, count in bag.labels.items() if name != label)

    def tie(split: str) -> int:
        return bag.tie[splits.index(split) % len(bag.tie)]

    if label and roomy:
        return max(roomy, key=lambda split: (first[split], others(split), filled(split), tie(split)))
    some = [split for split in splits if first.get(split, 0) > 0] or splits
    return max(some, key=lambda split: (filled(split), first.get(split, 0), others(split), tie(split)))

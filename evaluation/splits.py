"""PURE. Which example goes into which split: grouped, stratified by label or set of labels, by time; sticky."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from hashlib import sha256
from itertools import pairwise
from math import isfinite, lcm

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from annotation.text.words import _
from evaluation.leaks import listed
from evaluation.strata import Bag, Lacking, stratify
from evaluation.windows import ByTime


@dataclass(frozen=True, slots=True)
class Unit:
    """One example to place.

    text_key: the same for texts that are the same (a hash of the normal form); groups: ids of whatever must stay
    together (issuer, document, event, near-duplicates), each with its type in front where types could collide.
    Empty keys and ids connect nothing. stratum: what the splits are balanced by, usually the label; labels: several of
    which each is to be balanced, where units have sets of them. given: the split that came with the data; day: the date
    that it is from, None where nobody knows.
    """

    key: str
    text_key: str
    stratum: str = ""
    groups: tuple[str, ...] = ()
    given: str | None = None
    labels: tuple[str, ...] = ()
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """Each unit's key -> its split, or the reason in words why it has none; and -> its component (16 hex digits).

    By time: gap and undated: keys that were left out for it; moved: keys of units that stand in a later window than
    their own date, because what they belong with is newer; windows: from which day on dev and test begin.
    """

    split: dict[str, str] = field(default_factory=dict)
    quarantined: dict[str, str] = field(default_factory=dict)
    components: dict[str, str] = field(default_factory=dict)
    gap: list[str] = field(default_factory=list)
    undated: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    windows: dict[str, date] = field(default_factory=dict)


def assign(
    units: Iterable[Unit],
    *,
    shares: Mapping[str, float],
    seed: int,
    settled: Mapping[str, str] | None = None,
    by_time: ByTime | None = None,
) -> Assignment:
    """A split for every unit, so that nothing connected is divided and nothing settled moves.

    shares: split -> its share of the units, together 1; settled: key -> split of earlier versions (it wins over
    `given`; keys that are no unit here are passed over). Units connected by a text key or a group form a component:
    - where a part of it has a split already, the rest joins it;
    - where its parts already stand in several splits, they stay there, and the rest is quarantined;
    - where it is all new, it goes to the split that lacks most of its strata; big components first, ties by a hash
      of seed and component. With single units every count of a stratum and split is within 1 of its share (where
      what was settled before allows it). Where units have `labels`, each label is balanced by iterative stratification
      (strata.py) instead.
    - with by_time, it goes by its latest date into the window that this falls into (windows.py).
    The result depends on neither the order of the units nor that of the shares.
    Raises ValueError for shares that are none, a key twice, or a split without a share.
    """
    parts = _parts(shares)
    ordered = sorted(units, key=lambda unit: unit.key)
    pins = _pins(ordered, settled or {}, parts)
    result, new = Assignment(), []
    for members in _components(ordered):
        component = sha256(members[0].key.encode()).hexdigest()[:16]
        result.components.update((unit.key, component) for unit in members)
        fixed = {unit.key: pins[unit.key] for unit in members if unit.key in pins}
        result.split.update(fixed)
        splits, rest = sorted(set(fixed.values())), [unit for unit in members if unit.key not in fixed]
        if len(splits) == 1:
            result.split.update((unit.key, splits[0]) for unit in rest)
        elif splits:
            result.quarantined.update((unit.key, _reason(fixed, splits)) for unit in rest)
        else:
            new.append(members)
    if by_time:
        _place_by_time(new, ordered, shares, by_time, result)
    elif any(unit.labels for unit in ordered):
        _place_sets(new, ordered, parts, seed, result)
    else:
        _place(new, ordered, parts, seed, result)
    return result


def _parts(shares: Mapping[str, float]) -> dict[str, int]:
    """The shares as whole numbers with the same proportions, by name, so that deficits are exact."""
    if not shares:
        raise ValueError(_("There are no splits: give each its share, such as train 0.7, dev 0.1, test 0.2."))
    for name, share in shares.items():
        if not isfinite(share) or not 0 <= share <= 1:
            sentence = _("The share of “{name}” is {share}; it must lie between 0 and 1.")
            raise ValueError(sentence.format(name=name, share=share))
    total = sum(shares.values())
    if abs(total - 1) > 1e-6:
        sentence = _("The shares of {splits} add up to {total}; they must add up to 1.")
        raise ValueError(sentence.format(splits=listed(sorted(shares)), total=f"{total:g}"))
    exact = {name: Fraction(shares[name]).limit_denominator(1_000_000) for name in sorted(shares)}
    scale = lcm(*(share.denominator for share in exact.values()))
    return {name: int(share * scale) for name, share in exact.items()}


def _pins(units: Sequence[Unit], settled: Mapping[str, str], parts: Mapping[str, int]) -> dict[str, str]:
    pins: dict[str, str] = {}
    if double := next((unit.key for unit, after in pairwise(units) if unit.key == after.key), None):
        raise ValueError(_("Two examples have the id “{id}”: each needs its own.").format(id=double))
    for unit in units:
        split = settled.get(unit.key, unit.given)
        if split is None:
            continue
        if split not in parts:
            sentence = _("“{id}” belongs to the split “{split}”, which is none of {splits}.")
            raise ValueError(sentence.format(id=unit.key, split=split, splits=listed(list(parts))))
        pins[unit.key] = split
    return pins


def _components(units: Sequence[Unit]) -> list[list[Unit]]:
    """Units connected through text keys and groups; members in the order of `units`, components by their first."""
    links: dict[tuple[str, str], int] = {}
    rows, columns = [], []
    for row, unit in enumerate(units):
        for link in (("text", unit.text_key), *(("group", group) for group in unit.groups)):
            if link[1]:
                rows.append(row)
                columns.append(len(units) + links.setdefault(link, len(links)))
    size = len(units) + len(links)
    graph = sparse.coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(size, size))
    _count, names = connected_components(graph, directed=False)
    found: dict[int, list[Unit]] = defaultdict(list)
    for unit, name in zip(units, names[: len(units)].tolist(), strict=True):
        found[name].append(unit)
    return list(found.values())


def _place(
    components: list[list[Unit]], units: Sequence[Unit], parts: Mapping[str, int], seed: int, result: Assignment
) -> None:
    """Each new component into the split that lacks most; writes into `result.split`."""
    names, whole = list(parts), sum(parts.values())
    wanted: Counter[str] = Counter(unit.stratum for unit in units if unit.key not in result.quarantined)
    lacking = {stratum: [parts[name] * count for name in names] for stratum, count in wanted.items()}
    overall = [parts[name] * wanted.total() for name in names]
    place = {name: index for index, name in enumerate(names)}
    for unit in units:
        if unit.key in result.split:
            lacking[unit.stratum][place[result.split[unit.key]]] -= whole
            overall[place[result.split[unit.key]]] -= whole
    digests = {members[0].key: sha256(f"{seed}\0{members[0].key}".encode()).digest() for members in components}
    for members in sorted(components, key=lambda members: (-len(members), digests[members[0].key])):
        strata = Counter(unit.stratum for unit in members)
        best = _lacking_most(strata, lacking, overall, whole, digests[members[0].key])
        for stratum, count in strata.items():
            lacking[stratum][best] -= count * whole
        overall[best] -= len(members) * whole
        result.split.update((unit.key, names[best]) for unit in members)


def _place_sets(
    components: list[list[Unit]], units: Sequence[Unit], parts: Mapping[str, int], seed: int, result: Assignment
) -> None:
    """Each new component by iterative stratification over its units' labels; writes into `result.split`."""
    standing = [unit for unit in units if unit.key not in result.quarantined]
    lacking = Lacking(
        labels={
            label: {name: part * count for name, part in parts.items()}
            for label, count in Counter(label for unit in standing for label in unit.labels).items()
        },
        overall={name: part * len(standing) for name, part in parts.items()},
        parts=parts,
    )
    for unit in standing:
        if unit.key in result.split:
            lacking.take(result.split[unit.key], Counter(unit.labels), 1)
    bags = [
        Bag(
            size=len(members),
            labels=Counter(label for unit in members for label in unit.labels),
            tie=sha256(f"{seed}\0{members[0].key}".encode()).digest(),
        )
        for members in components
    ]
    for members, split in zip(components, stratify(bags, lacking), strict=True):
        result.split.update((unit.key, split) for unit in members)


def _place_by_time(
    components: list[list[Unit]],
    units: Sequence[Unit],
    shares: Mapping[str, float],
    by_time: ByTime,
    result: Assignment,
) -> None:
    """Each new component into the window of its latest date; writes into `result`."""
    latest = {unit.key: day for members in components if (day := latest_day(members)) for unit in members}
    days = [latest.get(unit.key, unit.day) for unit in units if unit.key not in result.quarantined]
    windows = by_time.windows([day for day in days if day], shares)
    result.windows.update(windows.starts())
    for members in components:
        day = latest_day(members)
        if day is None:
            result.undated.extend(unit.key for unit in members)
            if by_time.undated != "train":
                continue
            split: str | None = "train"
        else:
            split = windows.split_of(day)
        if split is None:
            result.gap.extend(unit.key for unit in members)
            continue
        result.split.update((unit.key, split) for unit in members)
        result.moved.extend(unit.key for unit in members if unit.day and windows.split_of(unit.day) != split)


def latest_day(units: Iterable[Unit]) -> date | None:
    """The latest date among units that stay together; None where none of them has one."""
    return max((unit.day for unit in units if unit.day), default=None)


def _lacking_most(
    strata: Counter[str], lacking: Mapping[str, list[int]], overall: Sequence[int], whole: int, digest: bytes
) -> int:
    """The split to put a component into.

    Among splits that lack at least as much as the component has (weighted by its strata), the one that lacks most of
    these strata. Where all have less room than that, what is left of each share is a fraction, and the one that lacks
    most over all strata takes it: so rounding does not always favour the same split.
    """
    size, splits = strata.total(), range(len(overall))
    room = [sum(count * lacking[stratum][split] for stratum, count in strata.items()) for split in splits]
    roomy = [split for split in splits if room[split] >= size * size * whole]
    if roomy:
        return max(roomy, key=lambda split: (room[split], overall[split], digest[split % 32]))
    # Units not yet placed are lacking somewhere, so at least one split has room.
    some = [split for split in splits if room[split] > 0]
    return max(some, key=lambda split: (overall[split], room[split], digest[split % 32]))


def _reason(fixed: Mapping[str, str], splits: Sequence[str]) -> str:
    first = {split: next(key for key in sorted(fixed) if fixed[key] == split) for split in splits}
    examples = [_("“{id}” in {split}").format(id=key, split=split) for split, key in first.items()]
    return _(
        "It shares its text or a group with examples that already stand in different splits ({examples}). "
        "In any split it would leak into another, so it is left out."
    ).format(examples=", ".join(examples))

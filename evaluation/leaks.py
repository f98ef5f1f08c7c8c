"""PURE. What leaks between splits: texts, templates, groups, time, conflicting labels; and the pairs that show it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from annotation.text.duplicates import Found
from annotation.text.words import _

NEAR = "near:"
TEMPLATE = "template:"
ISSUER = "issuer:"
# The order in which a model could have seen what it is tested on.
BEFORE = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class Placed:
    """One example as it stands in a version; `gold` in any text form that is equal where the gold is equal.

    groups: ids of whatever should stay together, each with what it is in front (`issuer:`, `meta.event:`, NEAR for
    texts that are nearly the same, TEMPLATE for those that are so once their numbers are masked).
    """

    key: str
    split: str
    text_key: str
    groups: tuple[str, ...] = ()
    gold: str | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Leak:
    """One finding. kind: text, near, template or group (shared across splits) or gold (one text, different gold).

    shared: the text key or group; splits and keys: sorted, all that are concerned; sentence: for a person.
    """

    kind: str
    shared: str
    splits: tuple[str, ...]
    keys: tuple[str, ...]
    sentence: str


def find_leaks(rows: Iterable[Placed]) -> list[Leak]:
    """What makes these splits dishonest, sorted by kind and shared key; empty where nothing does."""
    texts: dict[str, list[Placed]] = defaultdict(list)
    groups: dict[str, list[Placed]] = defaultdict(list)
    for row in rows:
        texts[row.text_key].append(row)
        for group in set(row.groups):
            groups[group].append(row)
    found = [
        *(_leak("gold", key, same) for key, same in texts.items() if key and len(_golds(same)) > 1),
        *(_leak(_kind(key), key, same) for key, same in groups.items() if key and len(_splits(same)) > 1),
        *(_leak("text", key, same) for key, same in texts.items() if key and len(_splits(same)) > 1),
    ]
    return sorted(found, key=lambda leak: (leak.kind, leak.shared))


def _kind(group: str) -> str:
    if group.startswith(NEAR):
        return "near"
    return "template" if group.startswith(TEMPLATE) else "group"


def _splits(rows: Sequence[Placed]) -> set[str]:
    return {row.split for row in rows}


def _golds(rows: Sequence[Placed]) -> set[str]:
    return {row.gold for row in rows if row.gold is not None}


def _leak(kind: str, shared: str, rows: Sequence[Placed]) -> Leak:
    keys, splits = tuple(sorted(row.key for row in rows)), tuple(sorted(_splits(rows)))
    named = ", ".join(f"“{key}”" for key in keys[:5])
    if len(keys) > 5:
        named = _("{first} and {count} more").format(first=named, count=len(keys) - 5)
    says = {
        "text": _("The same text stands in {splits}: {keys}. Keep it in one split."),
        "near": _("Nearly the same text stands in {splits}: {keys}. Keep it in one split."),
        "template": _("Texts that differ in their numbers alone stand in {splits}: {keys}. Keep them in one split."),
        "group": _("The group “{group}” stands in {splits}: {keys}. Keep it in one split."),
        "gold": _("The same text has different gold ({gold}): {keys}. Settle it first."),
    }
    golds = ", ".join(sorted(_golds(rows))[:5])
    return Leak(
        kind, shared, splits, keys, says[kind].format(splits=listed(splits), keys=named, group=shared, gold=golds)
    )


def listed(words: Sequence[str]) -> str:
    """'train, dev and test'."""
    if len(words) == 1:
        return words[0]
    return _("{first} and {last}").format(first=", ".join(words[:-1]), last=words[-1])


# -- Likeness -----------------------------------------------------------------------------------------------------


def alike(found: Found, keys: Sequence[str], *, names: Sequence[str] = ("near", "template")) -> dict[str, list[str]]:
    """key -> groups of texts that are like it, from a search over the texts of `keys` with templates.

    A template's group is one more than that of nearly the same texts only where it holds more of them.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    near = _joined([(edge.a, edge.b) for edge in found.edges if edge.kind != "template"])
    if "near" in names:
        for first, members in near.items():
            for place in members:
                groups[keys[place]].append(NEAR + keys[first])
    if "template" in names:
        for members in found.clusters:
            if len(near.get(members[0], ())) < len(members):
                for place in members:
                    groups[keys[place]].append(TEMPLATE + keys[members[0]])
    return groups


def _joined(edges: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """The first of each connected component -> its members in rising order."""
    parent: dict[int, int] = {}

    def root(place: int) -> int:
        while parent.setdefault(place, place) != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for a, b in edges:
        one, other = root(a), root(b)
        parent[max(one, other)] = min(one, other)
    members: dict[int, list[int]] = defaultdict(list)
    for place in sorted(parent):
        members[root(place)].append(place)
    return dict(members)


# -- Pairs --------------------------------------------------------------------------------------------------------


def pairs(leak: Leak, split: Mapping[str, str], gold: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    """(key, key) of two examples each that show the leak: what a model is trained on, then what it is tested on.

    Each example of a later split appears once, beside the first of an earlier one; where gold conflicts, the first of
    each other gold beside the first.
    """
    if leak.kind == "gold":
        first = leak.keys[0]
        told = {gold.get(first)}
        for key in leak.keys[1:]:
            if gold.get(key) not in told:
                told.add(gold.get(key))
                yield first, key
        return
    ordered = sorted(leak.keys, key=lambda key: (BEFORE.index(split[key]) if split[key] in BEFORE else 3, key))
    first = ordered[0]
    for key in ordered:
        if split[key] != split[first]:
            yield first, key


def concerned(leaks: Iterable[Leak], split: Mapping[str, str], kind: str) -> set[str]:
    """Keys of test examples that leak in this way."""
    return {key for leak in leaks if leak.kind == kind for key in leak.keys if split.get(key) == "test"}


# -- Time ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Travel:
    """Test examples that are older than something in train. pairs: (the train example, the test example)."""

    tested: int
    dated: int
    pairs: list[tuple[str, str]]


def time_travel(rows: Iterable[Placed], *, within: str = "") -> Travel:
    """Test examples with a train example that is later; within: only of one group that begins so, such as ISSUER.

    tested: how many test examples are so; dated: of how many with a date. One pair each, with the latest of train.
    """
    latest: dict[str, tuple[date, str]] = {}
    tests: list[tuple[str, date, str]] = []
    for row in rows:
        if row.day is None:
            continue
        names = [""] if not within else [group for group in row.groups if group.startswith(within)]
        for name in names:
            if row.split == "train":
                latest[name] = max(latest.get(name, (row.day, row.key)), (row.day, row.key))
            elif row.split == "test":
                tests.append((row.key, row.day, name))
    late = [(latest[name][1], key) for key, day, name in tests if name in latest and latest[name][0] > day]
    return Travel(len({key for _first, key in late}), len({key for key, _day, _name in tests}), sorted(set(late)))

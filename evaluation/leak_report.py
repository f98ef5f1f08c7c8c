"""What leaks in a dataset, whatever it came from: findings with counts and shares of the test, and the pairs behind them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from django.utils.translation import gettext_noop

from annotation.text import duplicates
from evaluation import findings
from evaluation.findings import Finding
from evaluation.giveaways import Giveaways, Teller, Word
from evaluation.leaks import ISSUER, Leak, Placed, alike, concerned, find_leaks, pairs, time_travel

# Pairs that are kept of each finding; the counts are of all.
KEPT = 1000
# Within a large cluster not all are compared for the nearest one.
COMPARED = 20

TOLD = {
    "text": ("error", gettext_noop("The same text stands in several splits: %(texts)d texts, %(tested)d of the test (%(share).1f %%).")),
    "near": ("error", gettext_noop("Nearly the same text stands in several splits: %(texts)d clusters, %(tested)d of the test (%(share).1f %%).")),
    "template": (
        "warning",
        gettext_noop("Texts that differ in their numbers alone stand in several splits: %(texts)d templates, %(tested)d of the test (%(share).1f %%)."),
    ),
    "group": ("error", gettext_noop("The same “%(column)s” stands in several splits: %(texts)d groups, %(tested)d of the test (%(share).1f %%).")),
    "gold": ("error", gettext_noop("Texts that have different labels in different examples: %(texts)d, %(tested)d of the test (%(share).1f %%).")),
}  # fmt: skip


class Row(NamedTuple):
    """An example as the report sees it. labels: question -> its labels; columns: what else is known of it, as text."""

    placed: Placed
    labels: Mapping[str, Sequence[str]]
    columns: Mapping[str, str]


class Kept(NamedTuple):
    """A pair of keys that shows a finding."""

    kind: str
    left: str
    right: str
    shared: str
    similarity: float | None


@dataclass
class Report:
    """findings: for a person, those that matter most first; pairs: at most KEPT of each kind; n: examples per split."""

    findings: list[Finding] = field(default_factory=list)
    pairs: list[Kept] = field(default_factory=list)
    n: Counter[str] = field(default_factory=Counter)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found that makes the splits dishonest."""
        return not any(entry["level"] == "error" for entry in self.findings)


def report(
    rows: Iterable[Row],
    texts: Sequence[str],
    *,
    terms: Mapping[str, Mapping[str, Sequence[str]]],
    by_time: bool = False,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """The leaks among rows whose texts, in the same order, are `texts`; they are read several times.

    terms: question -> label -> words that would give it away; by_time: the splits are meant to go by time.
    """
    total = 3 * len(texts)
    given, found = Giveaways(terms), Report()
    placed: list[Placed] = []
    for at, (row, text) in enumerate(zip(rows, texts, strict=True)):
        given.look(row.placed.key, text, row.labels, row.columns)
        placed.append(row.placed)
        found.n[row.placed.split] += 1
        if at % 1000 == 0:
            tick(at, total)
    tick(len(texts), total)
    like = alike(duplicates.find(texts), [row.key for row in placed])
    tick(2 * len(texts), total)
    place = {row.key: at for at, row in enumerate(placed)}
    everything = [replace(row, groups=(*row.groups, *like.get(row.key, ()))) for row in placed]
    leaks = find_leaks(everything)
    _tell_leaks(found, leaks, everything, texts, place)
    _tell_time(found, everything, by_time=by_time)
    for word in given.words():
        found.findings.append(_of_word(word))
    for teller in given.tellers():
        found.findings.append(_of_teller(teller))
    order = {"error": 0, "warning": 1, "note": 2}
    found.findings.sort(key=lambda entry: order[entry["level"]])
    return found


def _tell_leaks(
    found: Report, leaks: Sequence[Leak], rows: Sequence[Placed], texts: Sequence[str], place: Mapping[str, int]
) -> None:
    split = {row.key: row.split for row in rows}
    gold = {row.key: row.gold for row in rows}
    # What is the same is near as well, and what is near is one template: each is told as the strongest that it is.
    same = {key: leak.shared for leak in leaks if leak.kind == "text" for key in leak.keys}
    kinds: dict[tuple[str, str], list[Leak]] = defaultdict(list)
    for leak in leaks:
        if leak.kind in ("near", "template") and len({same.get(key, key) for key in leak.keys}) == 1:
            continue
        kinds[leak.kind, leak.shared.partition(":")[0] if leak.kind == "group" else ""].append(leak)
    told: set[str] = set()
    for kind in ("text", "near", "template", "gold", "group"):
        for (name, column), several in sorted(kinds.items()):
            if name != kind:
                continue
            tested = concerned(several, split, kind)
            fresh = tested if kind in ("text", "group", "gold") else tested - told
            told |= tested if kind in ("text", "near", "template") else set()
            if kind in ("near", "template") and not fresh and tested:
                continue
            code = f"{kind}:{column}" if column else kind
            keys = {key for leak in several for key in leak.keys}
            level, text = TOLD[kind]
            values = {"texts": len(several), "tested": len(fresh), "share": _share(found, len(fresh)), "column": column}
            entry = findings.finding(code, level, text, values, fresh or keys)
            found.findings.append({**entry, "share": values["share"], "pairs": True})
            found.pairs += _kept(code, kind, several, split, gold, texts, place)


def _kept(
    code: str,
    kind: str,
    leaks: Sequence[Leak],
    split: Mapping[str, str],
    gold: Mapping[str, str | None],
    texts: Sequence[str],
    place: Mapping[str, int],
) -> Iterator[Kept]:
    count = 0
    for leak in leaks:
        for left, right in pairs(leak, split, gold):
            value = None
            if kind in ("near", "template"):
                left, value = _nearest(leak, left, right, split, texts, place, masked=kind == "template")
            shared = leak.shared.partition(":")[2] if kind == "group" else ""
            yield Kept(code, left, right, shared[:300], value)
            count += 1
            if count >= KEPT:
                return


def _nearest(
    leak: Leak,
    left: str,
    right: str,
    split: Mapping[str, str],
    texts: Sequence[str],
    place: Mapping[str, int],
    *,
    masked: bool,
) -> tuple[str, float]:
    """The member of the cluster in the first one's split that is most like the other, and how like it is."""
    others = [key for key in leak.keys if split[key] == split[left]][:COMPARED]
    words = texts[place[right]]
    value, best = max((duplicates.similarity(texts[place[key]], words, masked=masked), key) for key in others)
    return best, value


def _tell_time(found: Report, rows: Sequence[Placed], *, by_time: bool) -> None:
    for kind, within, level, text in (
        (
            "time",
            "",
            "error" if by_time else "note",
            gettext_noop(
                "Older than something in train: %(tested)d of the test (%(share).1f %%). A model could have known what came after; splits by time would not."
            ),
        ),
        (
            "issuer_time",
            ISSUER,
            "error" if by_time else "warning",
            gettext_noop(
                "Older than a text of the same issuer in train: %(tested)d of the test (%(share).1f %%). What came later tells what was asked."
            ),
        ),
    ):
        travel = time_travel(rows, within=within)
        if not travel.tested:
            continue
        share = _share(found, travel.tested)
        keys = [key for _first, key in travel.pairs]
        entry = findings.finding(kind, level, text, {"tested": travel.tested, "share": share}, keys)
        found.findings.append({**entry, "count": travel.tested, "share": share, "pairs": True})
        found.pairs += [Kept(kind, left, right, "", None) for left, right in travel.pairs[:KEPT]]


def _of_word(word: Word) -> Finding:
    text = gettext_noop(
        "“%(word)s” stands in %(inside)d of %(labelled)d texts labelled “%(label)s” and in %(outside)d of %(others)d others: %(lift).1f times as often (p = %(p).1g). The text gives its label away."
    )
    entry = findings.finding("words", "warning", text, word._asdict())
    return {**entry, "count": word.inside, "share": None, "pairs": False}


def _of_teller(teller: Teller) -> Finding:
    says = {
        "id": gettext_noop(
            "The letters of the id tell the label of %(right)d of %(n)d rows (by guessing %(guessed).0f %%, p = %(p).1g). Give new ids."
        ),
        "order": gettext_noop(
            "Rows stand in the order of their labels: %(right)d of %(n)d have the label of the row before (by guessing %(guessed).0f %%, p = %(p).1g). Shuffle them."
        ),
    }
    text = says.get(
        teller.what,
        gettext_noop(
            "The column “%(what)s” tells the label of %(right)d of %(n)d rows (by guessing %(guessed).0f %%, p = %(p).1g). Keep it out of what a model reads."
        ),
    )
    entry = findings.finding("tells", "warning", text, {**teller._asdict(), "guessed": 100 * teller.guess})
    return {**entry, "count": teller.right, "share": None, "pairs": False}


def _share(found: Report, tested: int) -> float:
    return 100 * tested / found.n["test"] if found.n["test"] else 0.0


def columns_of(fields: Mapping[str, Any]) -> dict[str, str]:
    """What is known of an example beside its text and gold, as columns that might give it away."""
    told = {name: str(fields[name]) for name in ("source_type", "language", "issuer") if fields.get(name)}
    return {**told, **{f"meta.{name}": str(value) for name, value in (fields.get("metadata") or {}).items()}}

"""Agreement on marks in the text: pairwise F1, exact and by overlap, ends and labels apart, and alpha by character.

F1 over pairs of answers to one item: twice the marks that both have, over all marks of both, summed over all pairs. That
is the mean of the pairs of annotators weighted by their marks; positive specific agreement, which needs no count of what
nobody marked (Hripcsak and Rothschild 2005).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, permutations
from typing import Any

import numpy as np

from annotation.agreement import gamma
from annotation.agreement.intervals import Interval, bootstrap, bootstrap_many, thin_labels
from annotation.agreement.nominal import confusion
from annotation.agreement.ratings import Floats, Ratings, from_triples
from annotation.agreement.report import MOST_CONTESTED, Json, figure
from annotation.agreement.unitizing import alpha_u
from annotation.kinds.majority import distance
from annotation.kinds.marks import Mark, cover, covers, extent, meets, place_of, union
from annotation.text.words import gettext_noop

Triples = Iterable[tuple[str, str, Sequence[Mark]]]

FIGURES = ("exact_f1", "overlap_f1", "boundary_f1", "partial_f1", "token_f1", "percent")
# Kinds of difference between a mark of one person and what another has there.
SAME, RELABELLED, SHIFTED, CROSSED, ALONE = range(5)
DIFFERENCES = (
    gettext_noop("same ends, same label"),
    gettext_noop("same ends, another label"),
    gettext_noop("other ends, same label"),
    gettext_noop("other ends, another label"),
    gettext_noop("nothing there"),
)
LABELS_NOTE = gettext_noop(
    "Alpha is over characters, inside or outside of such a mark; “confirmed by another” is exact F1, whole marks with the same ends."
)
CONFUSION_NOTE = gettext_noop("Of words that two or more people marked with the same ends, each with one label.")
MOST_PEOPLE = 20  # beyond it no table of all pairs of people
MOST_GAMMA = 50  # items whose marks are aligned, because every one takes many alignments of shuffled marks
MOST_ALIGNED = 60  # marks of all people together in such an item
# A word, or a single character of a script that is written without blanks.
TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]|[^\W_]+(?:[.,'’-][^\W_]+)*|[^\w\s]")


@dataclass(frozen=True)
class Unit:
    """An item with the answers to it, by rater in the order of their names; size: characters of its text."""

    name: str
    raters: list[str]
    answers: list[Sequence[Mark]]
    size: int


def units_of(triples: Triples, sizes: Mapping[str, int]) -> list[Unit]:
    """The answers by item, sorted; an item whose size is unknown ends with its last mark.

    Raises ValueError where a rater answers a unit twice.
    """
    found = []
    rows = sorted(triples, key=lambda row: row[:2])
    for name, given in groupby(rows, key=lambda row: row[0]):
        listed = list(given)
        raters = [rater for _unit, rater, _value in listed]
        if len(set(raters)) < len(raters):
            raise ValueError(f"Unit {name!r}: a rater answered it more than once; keep one answer.")
        answers = [value for _unit, _rater, value in listed]
        last = max((mark["end"] for value in answers for mark in value), default=0)
        found.append(Unit(name, raters, answers, max(sizes.get(name, 0), last)))
    return found


def report(
    triples: Triples,
    *,
    question: Mapping[str, Any],
    groups: Mapping[str, str] | None = None,
    sizes: Mapping[str, int] | None = None,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Json:
    """Agreement on one question of marks, as report.report tells that on one label; see agreement.kinds.

    sizes: unit -> characters of its text, for the alpha by character. labels, of each declared label: units where
    anyone used it, alpha (characters in or out of such a mark, of all answers) and specific_agreement (exact F1 of its
    marks), with intervals. label_alpha is nominal alpha over stretches that two or more people marked with the same
    ends, one label each; categories, confusion and thin_labels are of these. tables: how marks differ, alpha for
    unitizing of each label, and F1 of every two people.
    """
    units = units_of(triples, sizes or {})
    names = [label["name"] for label in question["labels"]]
    options: Any = {"draws": draws, "seed": seed, "level": level}
    compared = [unit for unit in units if len(unit.answers) > 1]
    found = main(compared, groups, **options)
    stretches = _stretches(compared, names, groups)
    differing = _contested(compared)
    answers = Counter(len(unit.answers) for unit in units)
    n_ratings = sum(len(unit.answers) for unit in units)
    raters = sorted({rater for unit in units for rater in unit.raters})
    return {
        "n_units": len(units),
        "n_units_2plus": len(compared),
        "n_units_differing": len(differing),
        "n_raters": len(raters),
        "n_ratings": n_ratings,
        "ratings_histogram": {str(many): answers[many] for many in sorted(answers)},
        **{name: figure(interval) for name, interval in found.items()},
        "label_alpha": figure(bootstrap(stretches, ("krippendorff_alpha",), **options)["krippendorff_alpha"]),
        "headline": ["exact_f1", "overlap_f1", "partial_f1", "token_f1", "boundary_f1", "label_alpha", "percent"],
        "prevalence": _prevalence(units, names, n_ratings),
        "labels": _labels(compared, names, groups, options),
        "labels_note": LABELS_NOTE,
        "confusion_note": CONFUSION_NOTE,
        "categories": stretches.categories,
        "confusion": confusion(stretches).tolist(),
        "thin_labels": thin_labels(stretches),
        "tables": [
            *_differences(compared),
            *_unitizing(compared, question["labels"]),
            *_aligned(compared, seed),
            *(_pairs(compared) if len(raters) <= MOST_PEOPLE else []),
        ],
        "contested": differing[:MOST_CONTESTED],
        "paradox": None,
        **options,
    }


def main(units: Sequence[Unit], groups: Mapping[str, str] | None, **options: Any) -> dict[str, Interval]:
    """The FIGURES of units with two or more answers, with intervals.

    overlap_f1 counts a mark as found where the other person has one with the same label that shares a character with
    it; boundary_f1 compares ends and forgets labels; partial_f1 forgets them too, and counts a mark that only shares a
    character with one of the other by half (SemEval 2013, task 9.1); token_f1 is of the words that are marked, each
    with its label; percent is the share of pairs of answers that are the same.
    """
    columns = np.array([_columns(unit) for unit in units], dtype=np.float64).reshape(len(units), 2 * len(FIGURES))
    found = bootstrap_many(columns, _group(units, groups), ratios, [len(units)] * len(FIGURES), **options)
    return dict(zip(FIGURES, found, strict=True))


def ratios(sums: Floats) -> Floats:
    """Columns two by two: the second of each two over which the first is a share, [..., 2 v] -> [..., v]; NaN of 0."""
    part, whole = sums[..., 0::2], sums[..., 1::2]
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0))


def _group(units: Sequence[Unit], groups: Mapping[str, str] | None) -> Any:
    """A number per unit, the same for units of one group; None where nothing belongs together."""
    if groups is None:
        return None
    code: dict[tuple[bool, str], int] = {}
    names = [(unit.name in groups, groups.get(unit.name, unit.name)) for unit in units]
    return np.array([code.setdefault(name, len(code)) for name in names], dtype=np.int32)


def _name(mark: Mark) -> tuple[Any, ...]:
    return place_of(mark), mark["label"]


def _columns(unit: Unit) -> list[float]:
    """What a unit adds: shared and all, for exact marks, by overlap, for ends alone, and equal answers of pairs."""
    exact = [{_name(mark) for mark in answer} for answer in unit.answers]
    ends = [{name[0] for name in names} for names in exact]
    covered = [covers(answer) for answer in unit.answers]
    anything = [cover(answer) for answer in unit.answers]
    found, met, touched = 0, 0, 0.0
    for said, theirs in permutations(range(len(exact)), 2):
        found += len(exact[said])
        met += sum(meets(mark, covered[theirs]) for mark in unit.answers[said])
        # 1 for the same ends, a half for a character in common, whatever the label.
        places, there = ends[theirs], anything[theirs]
        touched += sum(1.0 if place_of(mark) in places else 0.5 * there(mark) for mark in unit.answers[said])
    pairs = list(combinations(unit.answers, 2))
    equal = sum(one == other for one, other in pairs)
    tokens = [tokens_of(answer) for answer in unit.answers]
    return [*_shared(exact), met, found, *_shared(ends), touched, found, *_shared(tokens), equal, len(pairs)]


def _shared(answers: Sequence[set[Any]]) -> tuple[int, int]:
    """(twice what two answers share, what they have), summed over all pairs of answers."""
    times = Counter(one for answer in answers for one in answer)
    return sum(n * (n - 1) for n in times.values()), (len(answers) - 1) * sum(map(len, answers))


def tokens_of(answer: Sequence[Mark]) -> set[tuple[int, str]]:
    """The words that its marks cover, by where they begin in the text, each with its label.

    A mark that quotes no text counts character by character; one that begins within a word counts what it has of it.
    """
    found: set[tuple[int, str]] = set()
    for mark in answer:
        parts, words = extent(mark), mark.get("text") or "字" * (mark["end"] - mark["start"])
        for token in TOKEN.finditer(words):
            start = mark["start"] + token.start()
            if any(first <= start < last for first, last in parts):
                found.add((start, mark["label"]))
    return found


# Labels


def _prevalence(units: Sequence[Unit], names: Sequence[str], n: int) -> dict[str, float | None]:
    """The share of all answers that use each label."""
    used = Counter(label for unit in units for answer in unit.answers for label in {mark["label"] for mark in answer})
    return {name: used[name] / n if n else None for name in names}


def _labels(units: Sequence[Unit], names: Sequence[str], groups: Mapping[str, str] | None, options: Any) -> list[Json]:
    """Each label: alpha of its characters, and exact F1 of its marks."""
    places = {name: place for place, name in enumerate(names)}
    table = np.zeros((len(units), 1 + 4 * len(names)))
    used = np.zeros(len(names), dtype=np.int64)
    for row, unit in zip(table, units, strict=True):
        row[0] = unit.size * len(unit.answers)
        by_label: dict[str, list[list[Mark]]] = defaultdict(lambda: [[] for _answer in unit.answers])  # noqa: B023
        for person, answer in enumerate(unit.answers):
            for mark in answer:
                by_label[mark["label"]][person].append(mark)
        for label, answers in by_label.items():
            if label not in places:
                continue
            place = places[label]
            used[place] += 1
            exact = _shared([{place_of(mark) for mark in answer} for answer in answers])
            row[1 + 4 * place : 5 + 4 * place] = [*exact, *_characters(answers)]

    def statistic(sums: Floats) -> Floats:
        parts = sums[..., 1:].reshape(*sums.shape[:-1], len(names), 4)
        return np.concatenate([alpha_of(parts[..., 2], parts[..., 3], sums[..., :1]), ratios_of(parts)], axis=-1)

    found = bootstrap_many(table, _group(units, groups), statistic, [*used.tolist(), *used.tolist()], **options)
    return [
        {
            "label": name,
            "units": int(used[place]),
            "alpha": figure(found[place]),
            "specific_agreement": figure(found[len(names) + place]),
        }
        for place, name in enumerate(names)
    ]


def ratios_of(parts: Floats) -> Floats:
    """The first of four columns as a share of the second, [..., 4] -> [...]."""
    return ratios(parts[..., :2])[..., 0]


def alpha_of(apart: Floats, marked: Floats, n: Floats) -> Floats:
    """Krippendorff's alpha of yes and no: 1 - (n - 1) apart / (2 marked (n - marked)); NaN where all say the same.

    apart: the coincidences of one yes and one no, both ways; marked: yes, n: all answers. All of these are sums over
    characters.
    """
    expected = 2 * marked * (n - marked)
    share = np.divide((n - 1) * apart, expected, out=np.full(np.broadcast(apart, expected).shape, np.nan), where=expected > 0)  # fmt: skip
    return np.asarray(1.0 - share)


def _characters(answers: Sequence[Sequence[Mark]]) -> tuple[float, float]:
    """(apart, marked) of `alpha_of` for the characters of one item and the marks with one label of each person."""
    steps: Counter[int] = Counter()
    for answer in answers:
        for start, end in union(answer):
            steps[start] += 1
            steps[end] -= 1
    m, last, k, apart, marked = len(answers), 0, 0, 0, 0
    for place in sorted(steps):
        apart += (place - last) * k * (m - k)
        marked += (place - last) * k
        last, k = place, k + steps[place]
    return 2 * apart / (m - 1), marked


def _stretches(units: Sequence[Unit], names: Sequence[str], groups: Mapping[str, str] | None) -> Ratings:
    """Who called a stretch what, where two or more marked it with the same ends and each with one label."""
    rows: list[tuple[str, str, str]] = []
    belong: dict[str, str] = {}
    known = set(names)
    for unit in units:
        said: dict[Any, list[tuple[str, str]]] = defaultdict(list)
        for rater, answer in zip(unit.raters, unit.answers, strict=True):
            for place, given in _by_place(answer).items():
                if len(given) == 1 and given[0] in known:
                    said[place].append((rater, given[0]))
        for place, told in said.items():
            if len(told) > 1:
                name = f"{unit.name} {place}"
                belong[name] = (groups or {}).get(unit.name, unit.name)
                rows += [(name, rater, label) for rater, label in told]
    return from_triples(rows, categories=names, groups=belong)


def _by_place(answer: Sequence[Mark]) -> dict[Any, list[str]]:
    found: dict[Any, list[str]] = defaultdict(list)
    for mark in answer:
        found[place_of(mark)].append(mark["label"])
    return found


# Where people differ


def _differences(units: Sequence[Unit]) -> list[Json]:
    """A table of what another person has where one has a mark."""
    counts = [0] * len(DIFFERENCES)
    for unit in units:
        told = [_teller(answer) for answer in unit.answers]
        for one, other in permutations(range(len(told)), 2):
            for mark in unit.answers[one]:
                counts[told[other](mark)] += 1
    total = sum(counts)
    if not total:
        return []
    rows = [[name, n, n / total] for name, n in zip(DIFFERENCES, counts, strict=True)]
    return [
        {
            "title": gettext_noop("How marks differ"),
            "note": gettext_noop("What another person has where one has a mark, for all pairs of answers to an item."),
            "columns": [gettext_noop("The other has"), gettext_noop("Marks"), gettext_noop("Share")],
            "rows": rows,
            "words": True,
        }
    ]


def _unitizing(units: Sequence[Unit], labels: Sequence[Mapping[str, Any]]) -> list[Json]:
    """A table of alpha for unitizing of each label, over the items with the most common number of answers."""
    many = Counter(len(unit.answers) for unit in units).most_common(1)
    same = [unit for unit in units if len(unit.answers) == many[0][0]]
    rows = []
    for label in labels:
        marked = [[[mark for mark in said if mark["label"] == label["name"]] for said in unit.answers] for unit in same]
        n = sum(len(said) for answers in marked for said in answers)
        if n:
            stretches = [[[(start, end) for start, end in union(said)] for said in answers] for answers in marked]
            found = alpha_u([(unit.size, given) for unit, given in zip(same, stretches, strict=True)])
            rows.append([label["title"], n, found])
    if not rows:
        return []
    return [
        {
            "title": gettext_noop("Alpha for unitizing"),
            "note": gettext_noop(
                "Krippendorff's alpha (2004) of where marks with the label begin and end: near misses cost little, far ones much. Over the items with the most common number of answers; without an interval."
            ),
            "columns": [gettext_noop("Label"), gettext_noop("Marks"), gettext_noop("Alpha for unitizing")],
            "rows": rows,
        }
    ]


def _aligned(units: Sequence[Unit], seed: int) -> list[Json]:
    """A table of gamma over items where two or more marked something, drawn with the seed where there are many."""
    able = [unit for unit in units if sum(map(bool, unit.answers)) > 1]
    fits = [unit for unit in able if sum(map(len, unit.answers)) <= MOST_ALIGNED]
    drawn = np.random.default_rng(seed).permutation(len(fits))[:MOST_GAMMA]
    found, disorder, expected = [], 0.0, 0.0
    for place in sorted(drawn.tolist()):
        unit = fits[place]
        text = [[(mark["start"], mark["end"], mark["label"]) for mark in answer] for answer in unit.answers]
        try:
            by_chance = gamma.expected(text, seed=seed + place, precision=0.2)
            here = gamma.disorder(text)
        except ValueError:
            continue
        found.append(1 - here / by_chance)
        disorder, expected = disorder + here, expected + by_chance
    if not found:
        return []
    row = [gettext_noop("gamma, mean of the items"), len(found), len(able), float(np.mean(found)), disorder / len(found), expected / len(found)]  # fmt: skip
    return [
        {
            "title": gettext_noop("Gamma"),
            "note": gettext_noop(
                "Mathet, Widlöcher and Métivier (2015): marks are aligned in the way that suits them best; where they lie and what they are called count together. Of items drawn by chance, with the seed of the intervals, among those that two or more marked something in; items with more than sixty marks are left out. Without an interval, because chance is sampled, too."
            ),
            "columns": [
                "",
                gettext_noop("Items"),
                gettext_noop("of so many"),
                gettext_noop("Gamma"),
                gettext_noop("Disorder"),
                gettext_noop("Disorder by chance"),
            ],
            "rows": [row],
            "words": True,
        }
    ]


def _teller(answer: Sequence[Mark]) -> Callable[[Mark], int]:
    """What this answer has where somebody else has a mark, as a place in DIFFERENCES."""
    names = {_name(mark) for mark in answer}
    places = {place for place, _label in names}
    alike, there = covers(answer), cover(answer)

    def difference(mark: Mark) -> int:
        if _name(mark) in names:
            return SAME
        if place_of(mark) in places:
            return RELABELLED
        if meets(mark, alike):
            return SHIFTED
        return CROSSED if there(mark) else ALONE

    return difference


def _pairs(units: Sequence[Unit]) -> list[Json]:
    """A table of every two people with items in common."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for unit in units:
        exact = [{_name(mark) for mark in answer} for answer in unit.answers]
        ends = [{name[0] for name in names} for names in exact]
        for i, j in combinations(range(len(exact)), 2):
            row = sums[unit.raters[i], unit.raters[j]]
            for column, added in enumerate([1, *_shared([exact[i], exact[j]]), *_shared([ends[i], ends[j]])]):
                row[column] += added
    rows = [
        [*who, n, shared / all_ if all_ else None, same / placed if placed else None]
        for who, (n, shared, all_, same, placed) in sorted(sums.items())
    ]
    if not rows:
        return []
    return [
        {
            "title": gettext_noop("Person by person"),
            "note": gettext_noop("F1 of the marks of every two people with items in common."),
            "columns": [
                gettext_noop("Person"),
                gettext_noop("Person"),
                gettext_noop("Items in common"),
                gettext_noop("Exact F1"),
                gettext_noop("F1 of the ends"),
            ],
            "rows": rows,
            "people": [0, 1],
        }
    ]


def _contested(units: Sequence[Unit]) -> list[Json]:
    """The units whose answers differ, the worst first: mean distance of two answers, with the answers."""
    found: list[Json] = []
    for unit in units:
        apart = [distance(one, other) for one, other in _different(unit.answers)]
        if not any(apart):
            continue
        m = len(unit.answers)
        said: list[Json] = []
        for answer in unit.answers:
            known = next((row for row in said if row["value"] == answer), None)
            if known:
                known["count"] += 1
            else:
                said.append({"value": answer, "count": 1})
        found.append({"unit": unit.name, "disagreement": 2 * sum(apart) / (m * (m - 1)), "answers": said})
    found.sort(key=lambda row: (-row["disagreement"], -sum(answer["count"] for answer in row["answers"]), row["unit"]))
    return found


def _different(answers: Sequence[Sequence[Mark]]) -> Iterator[tuple[Sequence[Mark], Sequence[Mark]]]:
    return ((one, other) for one, other in combinations(answers, 2) if one != other)

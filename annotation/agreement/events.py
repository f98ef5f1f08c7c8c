"""Agreement on events: F1 of triggers, with and without their types, of arguments, and alpha of the types of shared triggers.

F1 over pairs of answers to one item, as in agreement.spans: twice what both have over what each has, summed over pairs.
An argument is shared where both have an event of this type with this trigger and these words in this role of it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from annotation.agreement.intervals import Interval, bootstrap, bootstrap_many, thin_labels
from annotation.agreement.nominal import confusion
from annotation.agreement.ratings import Floats, Ratings, from_triples
from annotation.agreement.report import MOST_CONTESTED, Json, figure
from annotation.kinds import events
from annotation.text.words import gettext_noop

Event = dict[str, Any]
Answer = Sequence[Event]
Triples = Iterable[tuple[str, str, Answer]]
Unit = tuple[str, list[str], list[Answer]]

FIGURES = ("trigger_f1", "type_f1", "argument_f1", "percent")
MOST_UNMATCHED = 100
LABELS_NOTE = gettext_noop("“Confirmed by another” is F1 of the triggers of such events, with the same words.")
CONFUSION_NOTE = gettext_noop("Of triggers that two or more people have, each with one type.")


def units_of(triples: Triples) -> list[Unit]:
    """(item, raters by name, their answers), sorted; raises ValueError where a rater answers a unit twice."""
    found: dict[str, dict[str, Answer]] = defaultdict(dict)
    for unit, rater, value in triples:
        if rater in found[unit]:
            raise ValueError(f"Unit {unit!r}: a rater answered it more than once; keep one answer.")
        found[unit][rater] = value
    return [(unit, sorted(given), [given[rater] for rater in sorted(given)]) for unit, given in sorted(found.items())]


def report(
    triples: Triples,
    *,
    question: Mapping[str, Any],
    groups: Mapping[str, str] | None = None,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Json:
    """Agreement on one question of events, as report.report tells that on one label; see agreement.kinds.

    trigger_f1: of triggers, whatever their type; type_f1: of triggers with their types; argument_f1; percent: pairs of
    answers that are wholly the same. label_alpha is nominal alpha of the types over triggers that two or more people
    share; categories, confusion and thin_labels are of these. tables: F1 by role, and triggers that one person alone has.
    """
    units = units_of(triples)
    names = [label["name"] for label in question["labels"]]
    options: Any = {"draws": draws, "seed": seed, "level": level}
    compared = [unit for unit in units if len(unit[2]) > 1]
    shared = _types(compared, names, groups)
    differing = _contested(compared, dict(question))
    answers = Counter(len(given) for _unit, _raters, given in units)
    n_ratings = sum(len(given) for _unit, _raters, given in units)
    return {
        "n_units": len(units),
        "n_units_2plus": len(compared),
        "n_units_differing": len(differing),
        "n_raters": len({rater for _unit, raters, _given in units for rater in raters}),
        "n_ratings": n_ratings,
        "ratings_histogram": {str(many): answers[many] for many in sorted(answers)},
        **{name: figure(interval) for name, interval in main(compared, groups, **options).items()},
        "label_alpha": figure(bootstrap(shared, ("krippendorff_alpha",), **options)["krippendorff_alpha"]),
        "headline": ["type_f1", "trigger_f1", "argument_f1", "label_alpha", "percent"],
        "prevalence": _prevalence(units, names, n_ratings),
        "labels": _labels(compared, names, groups, options),
        "labels_note": LABELS_NOTE,
        "confusion_note": CONFUSION_NOTE,
        "categories": shared.categories,
        "confusion": confusion(shared).tolist(),
        "thin_labels": thin_labels(shared),
        "tables": [*_roles(compared), *_unmatched(compared)],
        "contested": differing[:MOST_CONTESTED],
        "paradox": None,
        **options,
    }


def main(units: Sequence[Unit], groups: Mapping[str, str] | None, **options: Any) -> dict[str, Interval]:
    """The FIGURES of units with two or more answers, with BCa intervals over units, or over groups of units."""
    columns = np.array([_columns(given) for _unit, _raters, given in units], dtype=np.float64).reshape(len(units), 8)
    found = bootstrap_many(columns, _group(units, groups), ratios, [len(units)] * len(FIGURES), **options)
    return dict(zip(FIGURES, found, strict=True))


def ratios(sums: Floats) -> Floats:
    """Columns two by two: the second of each two over which the first is a share, [..., 2 v] -> [..., v]; NaN of 0."""
    part, whole = sums[..., 0::2], sums[..., 1::2]
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0))


def _group(units: Sequence[Unit], groups: Mapping[str, str] | None) -> Any:
    if groups is None:
        return None
    code: dict[tuple[bool, str], int] = {}
    names = [(unit in groups, groups.get(unit, unit)) for unit, _raters, _given in units]
    return np.array([code.setdefault(name, len(code)) for name in names], dtype=np.int32)


def triggers_of(answer: Answer) -> set[Any]:
    """Where its triggers stand, whatever their type; an event without one is named by its type."""
    return {events.trigger_of(event) or event["type"] for event in answer}


def names_of(answer: Answer) -> set[Any]:
    """Triggers with their types."""
    return {events.name_of(event) for event in answer}


def arguments_of(answer: Answer) -> set[Any]:
    """What fills the roles of its events."""
    return {part for event in answer for part in events.arguments_of(event)}


def _columns(given: Sequence[Answer]) -> list[float]:
    equal = sum(one == other for one, other in combinations(given, 2))
    found = [end for kind in (triggers_of, names_of, arguments_of) for end in _shared(list(map(kind, given)))]
    return [*found, equal, len(given) * (len(given) - 1) / 2]


def _shared(answers: Sequence[set[Any]]) -> tuple[int, int]:
    """(twice what two answers share, what they have), summed over all pairs of answers."""
    times = Counter(one for answer in answers for one in answer)
    return sum(n * (n - 1) for n in times.values()), (len(answers) - 1) * sum(map(len, answers))


def _prevalence(units: Sequence[Unit], names: Sequence[str], n: int) -> dict[str, float | None]:
    """The share of all answers that have an event of each type."""
    used = Counter(name for _unit, _raters, given in units for answer in given for name in {one["type"] for one in answer})  # fmt: skip
    return {name: used[name] / n if n else None for name in names}


def _labels(units: Sequence[Unit], names: Sequence[str], groups: Mapping[str, str] | None, options: Any) -> list[Json]:
    """Each type: the units where anyone has such an event, and F1 of its triggers."""
    table = np.zeros((len(units), 2 * len(names)))
    used = [0] * len(names)
    for row, (_unit, _raters, given) in zip(table, units, strict=True):
        for place, name in enumerate(names):
            sets = [{events.trigger_of(event) for event in answer if event["type"] == name} for answer in given]
            if any(sets):
                used[place] += 1
                row[2 * place : 2 * place + 2] = _shared(sets)
    found = bootstrap_many(table, _group(units, groups), ratios, used, **options)
    return [
        {"label": name, "units": units_, "specific_agreement": figure(interval)}
        for name, units_, interval in zip(names, used, found, strict=True)
    ]


def _types(units: Sequence[Unit], names: Sequence[str], groups: Mapping[str, str] | None) -> Ratings:
    """Who gave a trigger which type, where two or more have it and each with one type."""
    rows: list[tuple[str, str, str]] = []
    belong: dict[str, str] = {}
    known = set(names)
    for unit, raters, given in units:
        said: dict[Any, list[tuple[str, str]]] = defaultdict(list)
        for rater, answer in zip(raters, given, strict=True):
            types: dict[Any, set[str]] = defaultdict(set)
            for event in answer:
                types[events.trigger_of(event)].add(event["type"])
            for trigger, one in types.items():
                if trigger is not None and len(one) == 1 and one <= known:
                    said[trigger].append((rater, next(iter(one))))
        for trigger, told in said.items():
            if len(told) > 1:
                name = f"{unit} {trigger}"
                belong[name] = (groups or {}).get(unit, unit)
                rows += [(name, rater, label) for rater, label in told]
    return from_triples(rows, categories=names, groups=belong)


def _roles(units: Sequence[Unit]) -> list[Json]:
    """A table of F1 by role, over events that both have."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for _unit, _raters, given in units:
        for one, other in combinations(given, 2):
            both = names_of(one) & names_of(other)
            sides = [{part for part in arguments_of(answer) if part[:2] in both} for answer in (one, other)]
            for role in {part[2] for side in sides for part in side}:
                mine, theirs = ({part for part in side if part[2] == role} for side in sides)
                sums[role][0] += 2 * len(mine & theirs)
                sums[role][1] += len(mine) + len(theirs)
    if not sums:
        return []
    return [
        {
            "title": gettext_noop("Role by role"),
            "note": gettext_noop("F1 of what fills each role, in events that both people have."),
            "columns": [gettext_noop("Role"), gettext_noop("Filled, by both sides together"), "F1"],
            "rows": [[role, whole, shared / whole] for role, (shared, whole) in sorted(sums.items())],
        }
    ]


def _unmatched(units: Sequence[Unit]) -> list[Json]:
    """A table of events that one person alone has, with the item."""
    rows = []
    for unit, _raters, given in units:
        for answer, others in _each(given):
            theirs = set().union(*map(triggers_of, others))
            alone = [event for event in answer if (events.trigger_of(event) or event["type"]) not in theirs]
            rows += [[unit, [event]] for event in alone]
    if not rows:
        return []
    return [
        {
            "title": gettext_noop("Events that one person alone has"),
            "note": gettext_noop("Nobody else has an event with this trigger. The first hundred are shown."),
            "columns": [gettext_noop("Item"), gettext_noop("Event")],
            "rows": rows[:MOST_UNMATCHED],
            "answers": [1],
            "linked": True,
        }
    ]


def _each(given: Sequence[Answer]) -> Iterable[tuple[Answer, list[Answer]]]:
    return ((answer, [other for at, other in enumerate(given) if at != place]) for place, answer in enumerate(given))


def _contested(units: Sequence[Unit], question: dict[str, Any]) -> list[Json]:
    """The units whose answers differ, the worst first: mean distance of two answers, with the answers."""
    found: list[Json] = []
    apart: Callable[[Answer, Answer], float] = lambda one, other: events.distance(one, other, question)  # noqa: E731
    for unit, _raters, given in units:
        total = sum(apart(one, other) for one, other in combinations(given, 2) if one != other)
        if not total:
            continue
        said: list[Json] = []
        for answer in given:
            known = next((row for row in said if row["value"] == answer), None)
            if known:
                known["count"] += 1
            else:
                said.append({"value": answer, "count": 1})
        m = len(given)
        found.append({"unit": unit, "disagreement": 2 * total / (m * (m - 1)), "answers": said})
    found.sort(key=lambda row: (-row["disagreement"], -sum(answer["count"] for answer in row["answers"]), row["unit"]))
    return found

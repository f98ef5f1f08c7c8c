"""PURE. events: triggers found, triggers with their type, arguments with their role; each precision, recall and F1.

Trigger identification, trigger classification and argument classification as the event-extraction literature has them
(ACE 2005; Li, Ji and Huang 2013): a trigger is identified where its words are those of a gold trigger, classified where
the type is right too. An argument is right where role and words are, in the event with this type and this trigger: the
stricter count (argument classification with attachment; Huang et al. 2024, TextEE), because a text that has two mergers
is not read right where their buyers are swapped. No answer misses all of its item.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from annotation.kinds import events
from annotation.text.words import gettext_noop
from evaluation.metrics.sampled import Column, figures, ratio
from evaluation.metrics.values import Metric, MetricValue
from evaluation.significance import DRAWS, Floats

Event = dict[str, Any]

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("argument_f1", gettext_noop("F1 of arguments"), may_be_primary=True),
        Metric("argument_precision", gettext_noop("Precision of arguments")),
        Metric("argument_recall", gettext_noop("Recall of arguments")),
        Metric("type_f1", gettext_noop("F1 of triggers with type"), may_be_primary=True),
        Metric("trigger_f1", gettext_noop("F1 of triggers"), may_be_primary=True),
        Metric("status_accuracy", gettext_noop("Status right, of events found")),
        Metric("date_accuracy", gettext_noop("Date right, of events found")),
        Metric("without_error", gettext_noop("Items without error"), may_be_primary=True),
        Metric("coverage", "Answered"),
        Metric("precision", "Precision", per_label=True),
        Metric("recall", "Recall", per_label=True),
        Metric("f1", "F1", per_label=True),
        Metric("support", gettext_noop("Gold events"), per_label=True),
    )
}
# Arguments are right only in the right event: the figure that nothing else hides behind. A question without roles has
# no arguments, and its boards are ranked by triggers with type.
PRIMARY = "argument_f1"
BESIDE = ("argument_f1", "type_f1", "trigger_f1")
# Columns of what an item adds, before those of the types.
HEAD = 16
CHUNK = 1 << 16  # pairs of events that are looked at together


def rows_of(gold: Sequence[Sequence[Event]], predicted: Sequence[Sequence[Event] | None], names: Sequence[str]) -> Floats:  # fmt: skip
    """What each item adds, float64[n, 16 + 3 L].

    1, answered, without error; right, gold and predicted of arguments, of triggers with type, of triggers; of events
    that both have: how many, status right, how many have a gold date, date right; by type: right, gold, predicted.
    """
    if len(gold) != len(predicted):
        raise ValueError(
            f"Gold has {len(gold)} items and the predictions {len(predicted)}: they must be the same items."
        )
    places = {name: place for place, name in enumerate(names)}
    rows = np.zeros((len(gold), HEAD + 3 * len(names)))
    for row, wanted, given in zip(rows, gold, predicted, strict=True):
        said = given or ()
        row[:3] = [1, given is not None, given is not None and _facts(wanted) == _facts(said)]
        for block, kind in enumerate((_arguments, _names, _triggers)):
            truth, guess = kind(wanted), kind(said)
            row[3 + 3 * block : 6 + 3 * block] = [len(truth & guess), len(truth), len(guess)]
        row[12:16] = _matched(wanted, said)
        truth, guess = _names(wanted), _names(said)
        for block, found in enumerate((truth & guess, truth, guess)):
            for label, _trigger in found:
                if label in places:
                    row[HEAD + block * len(names) + places[label]] += 1
    return rows


def _triggers(answer: Sequence[Event]) -> set[Any]:
    return {events.trigger_of(event) or event["type"] for event in answer}


def _names(answer: Sequence[Event]) -> set[Any]:
    return {events.name_of(event) for event in answer}


def _arguments(answer: Sequence[Event]) -> set[Any]:
    return {part for event in answer for part in events.arguments_of(event)}


def _date(event: Event) -> Any:
    """The normalised date, or the words where it has none."""
    when = event.get("date") or {}
    return when.get("value") or (when.get("start"), when.get("end"))


def _facts(answer: Sequence[Event]) -> set[Any]:
    """All that an answer says: its events, each with arguments, status and date."""
    return {
        (events.name_of(event), event.get("status"), _date(event), frozenset(events.arguments_of(event)))
        for event in answer
    }


def _matched(gold: Sequence[Event], predicted: Sequence[Event]) -> list[int]:
    """Of events that both have, by type and trigger: how many, status right, with a gold date, date right."""
    pairs = list(_pairs(gold, predicted))
    dated = [(one, other) for one, other in pairs if one.get("date")]
    return [
        len(pairs),
        sum(one.get("status") == other.get("status") for one, other in pairs),
        len(dated),
        sum(_date(one) == _date(other) for one, other in dated),
    ]


def _pairs(gold: Sequence[Event], predicted: Sequence[Event]) -> Iterator[tuple[Event, Event]]:
    """Gold events with predicted ones of the same type and trigger, each once; of several of them those most alike first."""
    ours, theirs = _by_name(gold), _by_name(predicted)
    for name, places in ours.items():
        others = theirs.get(name, [])
        if len(places) == len(others) == 1:
            yield gold[places[0]], predicted[others[0]]
        elif others:
            pairs = _most_alike([gold[place] for place in places], [predicted[place] for place in others])
            yield from ((gold[places[one]], predicted[others[other]]) for one, other in pairs)


def _by_name(answer: Sequence[Event]) -> dict[Any, list[int]]:
    found = defaultdict(list)
    for place, event in enumerate(answer):
        found[events.name_of(event)].append(place)
    return found


def _most_alike(gold: Sequence[Event], predicted: Sequence[Event]) -> Iterator[tuple[int, int]]:
    """Places of pairs, each place once, by falling likeness, then place; a table of numbers, whatever events hold."""
    n, m = len(gold), len(predicted)
    # Stable: at equal likeness by gold's place, then the other's.
    order = np.argsort(-likeness(gold, predicted), axis=None, kind="stable")
    free = np.ones(n, dtype=bool), np.ones(m, dtype=bool)
    left = min(n, m)
    for start in range(0, n * m, CHUNK):
        ones, others = np.divmod(order[start : start + CHUNK], m)
        able = free[0][ones] & free[1][others]
        for one, other in zip(ones[able].tolist(), others[able].tolist(), strict=True):
            if free[0][one] and free[1][other]:
                free[0][one] = free[1][other] = False
                left -= 1
                yield one, other
        if not left:
            return


def likeness(gold: Sequence[Event], predicted: Sequence[Event]) -> Floats:
    """F1 of arguments, and one each for date and status: float64[gold, predicted] of events of one name."""
    every = [*gold, *predicted]
    parts = [events.arguments_of(event) for event in every]
    places = {part: place for place, part in enumerate(dict.fromkeys(part for given in parts for part in given))}
    rows = np.repeat(np.arange(len(every)), [len(given) for given in parts])
    columns = np.array([places[part] for given in parts for part in given], dtype=np.intp)
    has = csr_array((np.ones(len(columns)), (rows, columns)), shape=(len(every), max(len(places), 1)))
    common = (has[: len(gold)] @ has[len(gold) :].T).toarray()
    size = np.array([len(given) for given in parts], dtype=np.float64)
    total = size[: len(gold), None] + size[None, len(gold) :]
    filled = np.divide(2 * common, total, out=np.ones(total.shape), where=total > 0)
    for of in (_date, lambda event: event.get("status")):
        said = [of(event) for event in every]
        code = {value: place for place, value in enumerate(dict.fromkeys(said))}
        told = np.array([code[value] for value in said])
        filled = filled + (told[: len(gold), None] == told[None, len(gold) :])
    return np.asarray(filled)


def every_metric(sums: Floats) -> Floats:
    """From column sums [B, 16 + 3 L]: the overall metrics in the order of METRICS, then precision, recall, F1 by type."""
    n, answered, right = sums[:, 0], sums[:, 1], sums[:, 2]
    blocks = [(sums[:, at], sums[:, at + 1], sums[:, at + 2]) for at in (3, 6, 9)]
    (hits, wanted, given), *_others = blocks
    overall = [
        ratio(2 * hits, wanted + given),
        ratio(hits, given),
        ratio(hits, wanted),
        *(ratio(2 * found, gold + said) for found, gold, said in blocks[1:]),
        ratio(sums[:, 13], sums[:, 12]),
        ratio(sums[:, 15], sums[:, 14]),
        ratio(right, n),
        ratio(answered, n),
    ]
    found, gold, said = np.split(sums[:, HEAD:], 3, axis=1)
    by_label = [ratio(found, said), ratio(found, gold), ratio(2 * found, gold + said)]
    return np.concatenate([np.stack(overall, axis=1), *by_label], axis=1)


def measure(
    gold: Sequence[Sequence[Event]],
    predicted: Sequence[Sequence[Event] | None],
    *,
    question: dict[str, Any],
    groups: Sequence[int] | None = None,
    draws: int = DRAWS,
    seed: int,
    level: float = 0.95,
) -> list[MetricValue]:
    """Every metric of METRICS, those per label for each declared type, with intervals; see metrics.Kind."""
    names = [label["name"] for label in question["labels"]]
    rows = rows_of(gold, predicted, names)
    n, sums = len(rows), rows.sum(axis=0) if len(rows) else np.zeros(HEAD + 3 * len(names))
    _found, support, said = np.split(sums[HEAD:], 3)
    overall = [name for name, metric in METRICS.items() if not metric.per_label]
    counts = {"without_error": int(sums[2]), "coverage": int(sums[1])}
    rests = {"status_accuracy": int(sums[12]), "date_accuracy": int(sums[14])}
    columns = [Column(name, None, rests.get(name, n), counts.get(name)) for name in overall]
    for metric, behind in (("precision", said), ("recall", support), ("f1", support)):
        columns += [Column(metric, name, int(count)) for name, count in zip(names, behind, strict=True)]
    values = figures(rows, every_metric, columns, groups=groups, draws=draws, seed=seed, level=level)
    return values + [
        MetricValue("support", name, int(count), None, None, int(count), "count")
        for name, count in zip(names, support, strict=True)
    ]


def detail(
    gold: Sequence[Sequence[Event]], predicted: Sequence[Sequence[Event] | None], question: dict[str, Any]
) -> list[list[int]]:
    """Which type a gold trigger (row) was given (column): int[L + 1, L + 1], the last ones being no trigger there."""
    places = {label["name"]: place for place, label in enumerate(question["labels"])}
    none = len(places)
    table = [[0] * (none + 1) for _row in range(none + 1)]
    for wanted, given in zip(gold, predicted, strict=True):
        left: dict[Any, _Types] = defaultdict(_Types)
        for event in given or ():
            left[events.trigger_of(event)].add(event["type"])
        names = _names(given or ())
        for event in sorted(wanted, key=lambda one: events.name_of(one) not in names):
            best = left[events.trigger_of(event)].take(event["type"])
            table[places[event["type"]]][none if best is None else places[best]] += 1
        for types in left.values():
            for label in types.rest():
                table[none][places[label]] += 1
    return table


class _Types:
    """The types of the predicted events with one trigger, of which each is taken once: the wanted one, else the first."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.free: Counter[str] = Counter()
        self.gone: Counter[str] = Counter()
        self.at = 0

    def add(self, label: str) -> None:
        self.order.append(label)
        self.free[label] += 1

    def take(self, label: str) -> str | None:
        """This type where one is left, else that of the first that is left; None where none is."""
        if not self.free[label]:
            first = self._first()
            if first is None:
                return None
            label = first
        self.free[label] -= 1
        self.gone[label] += 1
        return label

    def _first(self) -> str | None:
        # Of a type those that came first were taken.
        while self.at < len(self.order) and self.gone[self.order[self.at]]:
            self.gone[self.order[self.at]] -= 1
            self.at += 1
        return self.order[self.at] if self.at < len(self.order) else None

    def rest(self) -> Iterator[str]:
        """The types of those that are left."""
        return self.free.elements()

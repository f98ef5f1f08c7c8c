"""PURE. Events side by side: a row for each event that somebody found, and under it its trigger, roles, status and date."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotation.alignment.rows import BOUNDARY, LABEL, MISSING, Aligned, Bit, Pair, Row, row
from annotation.kinds import places
from annotation.kinds.events import STATUSES, Event, trigger_of
from annotation.text.words import _


@dataclass
class Found:
    """What several people found, one event of each at most."""

    events: dict[int, Event] = field(default_factory=dict)

    def place(self) -> tuple[int, int] | None:
        """From the first to the last word of the triggers."""
        triggers = [place for event in self.events.values() if (place := trigger_of(event))]
        return (min(start for start, _end in triggers), max(end for _start, end in triggers)) if triggers else None


def align(values: Sequence[Any], question: dict[str, Any]) -> Aligned:
    """Events in the order of their triggers, those without one first."""
    labels = {label["name"]: label for label in question["labels"]}
    asked = [value is not None for value in values]
    rows: list[Row] = []
    disputed, pairs = set[str](), set[Pair]()
    for found in matched(values):
        types = [{found.events[one]["type"]} if one in found.events else set() for one in range(len(values))]
        head, parts = _head(found, asked, labels), _parts(found, asked, question)
        rows += [head, *parts]
        if head.what or any(part.what for part in parts):
            disputed |= set().union(*types)
        given = [one for place, one in enumerate(types) if asked[place]]
        if MISSING in head.what or LABEL in head.what:
            pairs |= {(min(a, b), max(a, b)) for one in given for other in given for a in one - other or {""} for b in other - one or {""} if a != b}  # fmt: skip
    return Aligned(tuple(rows), tuple(name for name in labels if name in disputed), tuple(sorted(pairs)))


def matched(values: Sequence[Any]) -> list[Found]:
    """Each event with those of other people that are meant by it: of the same type and trigger, then of triggers that overlap.

    Of events without a trigger those of one type are taken together, in their order.
    """
    exact: list[Found] = []
    for person, events in enumerate(values):
        for event in events or []:
            twin = next((one for one in exact if person not in one.events and _have(one, event, _same)), None)
            if twin:
                twin.events[person] = event
            else:
                exact.append(Found({person: event}))
    found: list[Found] = []
    for one in sorted(exact, key=lambda one: (one.place() or (-1, -1), -len(one.events))):
        others = (other for other in found if not other.events.keys() & one.events.keys())
        twin = next((other for other in others if any(_have(other, event, _near) for event in one.events.values())), None)  # fmt: skip
        if twin:
            twin.events.update(one.events)
        else:
            found.append(one)
    return found


def _have(found: Found, event: Event, matches: Callable[[Event, Event], bool]) -> bool:
    return any(matches(event, other) for other in found.events.values())


def _same(one: Event, other: Event) -> bool:
    return one["type"] == other["type"] and trigger_of(one) == trigger_of(other)


def _near(one: Event, other: Event) -> bool:
    """Triggers with words in common, or without triggers the same type."""
    left, right = trigger_of(one), trigger_of(other)
    if left is None or right is None:
        return one["type"] == other["type"] and left is right
    return left[0] < right[1] and right[0] < left[1]


def _head(found: Found, asked: Sequence[bool], labels: dict[str, Any]) -> Row:
    said: list[tuple[Bit, ...] | None] = []
    for person, given in enumerate(asked):
        event = found.events.get(person)
        bits: tuple[Bit, ...] = ()
        if event:
            label: dict[str, Any] = labels.get(event["type"], {})
            words = f"“{_quote(event['trigger'])}”" if event.get("trigger") else ""
            bits = (Bit(words, str(label.get("title", event["type"])), label.get("color", 0)),)
        said.append(bits if given else None)
    what = [MISSING] if len(found.events) < sum(asked) else []
    what += [LABEL] if len({event["type"] for event in found.events.values()}) > 1 else []
    what += [BOUNDARY] if len({trigger_of(event) for event in found.events.values()}) > 1 else []
    first = next(iter(found.events.values()))
    title = f"“{_quote(first['trigger'])}”" if first.get("trigger") else labels.get(first["type"], {}).get("title", first["type"])  # fmt: skip
    color = labels.get(first["type"], {}).get("color", 0)
    return row(title, said, what=what, color=color, place=found.place())


def _parts(found: Found, asked: Sequence[bool], question: dict[str, Any]) -> list[Row]:
    """The roles that somebody has filled, status and date, of those who have the event."""
    roles = [role["name"] for role in question["roles"]]
    filled = [role for role in roles if any(part["role"] == role for event in found.events.values() for part in event["arguments"])]  # fmt: skip
    rows = []
    for role in filled:
        said, keys = [], []
        for person in range(len(asked)):
            event = found.events.get(person)
            parts = [part for part in event["arguments"] if part["role"] == role] if event else []
            said.append(tuple(Bit(f"“{_quote(part)}”") for part in parts) if event else None)
            keys.append(tuple((part["start"], part["end"]) for part in parts))
        rows.append(row(role, said, keys=keys, depth=1))
    if question["status"]:
        rows.append(_part(_("status"), found, asked, lambda event: _(STATUSES[event["status"]]) if event.get("status") else ""))  # fmt: skip
    if question["date"] and any(event.get("date") for event in found.events.values()):
        rows.append(_part(_("date"), found, asked, _date))
    return rows


def _part(title: str, found: Found, asked: Sequence[bool], words: Any) -> Row:
    said: list[tuple[Bit, ...] | None] = []
    for person in range(len(asked)):
        event = found.events.get(person)
        told = words(event) if event else ""
        said.append(((Bit(told),) if told else ()) if event else None)
    return row(title, said, depth=1)


def _date(event: Event) -> str:
    when = event.get("date") or {}
    return " ".join(filter(None, [when.get("value", ""), f"“{_quote(when)}”" if "start" in when else ""]))


def _quote(place: dict[str, Any]) -> str:
    return places.short(place.get("text") or f"{place['start']}–{place['end']}")

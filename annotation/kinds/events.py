"""events: what happened, in the words of the text: a trigger with its type, who and what fills its roles, and when."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from annotation.kinds import labels, places
from annotation.kinds.about import About, Piece, always
from annotation.text import dates
from annotation.text.normal import check_name
from annotation.text.offsets import Moved
from annotation.text.words import _, gettext_noop

Event = dict[str, Any]

LABELS = 1
# What its script takes beside digits: next and previous place, the other end; trigger, date and status of the event.
KEYS = ".,-twx"
needs_item = always
ACTUAL = "actual"
STATUSES = {
    ACTUAL: gettext_noop("happened"),
    "expected": gettext_noop("expected"),
    "negated": gettext_noop("did not happen"),
}
OPTIONS: tuple[dict[str, Any], ...] = (
    {
        "name": "roles",
        "title": gettext_noop("Roles, one a line"),
        "form": "lines",
        "help": gettext_noop("buyer, or buyer: merger, investment with the types of events that have it."),
    },
    {
        "name": "trigger",
        "title": gettext_noop("Every event has words that tell of it (a trigger)"),
        "form": "check",
        "default": True,
    },
    {
        "name": "status",
        "title": gettext_noop("Ask whether it happened, is expected or did not happen"),
        "form": "check",
        "default": True,
    },
    {
        "name": "date",
        "title": gettext_noop("Ask for the date"),
        "form": "check",
        "default": True,
    },
)
MOST = 1_000
MOST_ROLES = 60
SHOWN = 8  # events told in words
DATE_ROLE = "date"


# The question


def check_schema(question: dict[str, Any]) -> dict[str, Any]:
    """Its types, roles and what is asked of an event; raises ValueError naming the type, line or setting."""
    declared = labels.check(question.get("labels"), least=LABELS)
    names = [label["name"] for label in declared]
    roles = [_role(entry, names) for entry in _lines(question.get("roles"))]
    given = [role["name"] for role in roles]
    if double := next((name for name in given if given.count(name) > 1), None):
        raise ValueError(_("“{double}” stands there twice.").format(double=double))
    if len(roles) > MOST_ROLES:
        raise ValueError(_("It takes at most {most} roles; here are {count}.").format(most=MOST_ROLES, count=len(roles)))  # fmt: skip
    asked = {name: _yes(question.get(name), True) for name in ("trigger", "status", "date")}
    return {"labels": declared, "roles": roles, **asked}


def _yes(given: Any, default: bool) -> bool:
    return default if given is None or given == "" else given not in (False, "false", "0", 0, "off", "no")


def _lines(given: Any) -> list[Any]:
    if isinstance(given, str):
        given = given.splitlines()
    if not isinstance(given or [], list) or not all(isinstance(line, (str, dict)) for line in given or []):
        raise ValueError(_("“{name}” takes a list of lines.").format(name="roles"))
    lines = [line.strip() if isinstance(line, str) else line for line in given or []]
    return [line for line in lines if line]


def _role(entry: Any, types: Sequence[str]) -> dict[str, Any]:
    """“buyer: merger, investment”, or the same taken apart, as {name, types}."""
    if isinstance(entry, str):
        name, _sign, listed = re.sub("：", ":", entry).partition(":")
        entry = {"name": name, "types": [part for part in re.split("[,，、]", listed) if part.strip()]}
    name = str(entry.get("name") or "").strip()
    if not labels.NAME.fullmatch(name):
        raise ValueError(_("A role needs a name of 1 to 60 characters on one line."))
    check_name(name)
    wanted = [str(part).strip() for part in entry.get("types") or []]
    if strange := next((part for part in wanted if part not in types), None):
        sentence = _("The role “{role}” names the type “{name}”, which the question does not have.")
        raise ValueError(sentence.format(role=name, name=strange[:60]))
    return {"name": name, "types": [part for part in types if part in wanted]}


def line(entry: Any) -> str:
    """An entry of a setting that takes lines, as the line that it is written as."""
    if not isinstance(entry, dict):
        return str(entry)
    return f"{entry['name']}: {', '.join(entry['types'])}" if entry["types"] else str(entry["name"])


# An answer in stored form


def clean(value: Any, question: dict[str, Any], about: About | None = None) -> list[Event]:
    """The events in stored form (docs/kinds.md), sorted, each once; raises ValueError naming the event and what is wrong.

    A date that is marked and has no value gets the one that its words say, counted from the item's publication; where
    they say none that can be known, it stays words. With `about` every trigger, argument and date is held against the words of the item. An argument with the role
    “date” is the event's date where the question asks for dates and has no such role.
    """
    if not isinstance(value, list):
        raise ValueError(_("“{question}” takes a list of events.").format(question=question["name"]))
    if len(value) > MOST:
        sentence = _("“{question}” takes at most {most} events; here are {count}.")
        raise ValueError(sentence.format(question=question["name"], most=MOST, count=len(value)))
    published_at = about.published_at[:10] if about else ""
    events = [_event(entry, number, question, published_at) for number, entry in enumerate(value, 1)]
    if about is not None:
        _hold_against(events, about.text)
        for event in events:
            _normalise(event.get("date"), about)
    found: dict[str, Event] = {}
    for event in events:
        event["arguments"] = [dict(part) for part in _once(sorted(event["arguments"], key=_argument_key))]
        found.setdefault(json.dumps(event, sort_keys=True), event)
    return sorted(found.values(), key=_event_key)


def relabel(value: Sequence[Event], names: Mapping[str, str | None], question: dict[str, Any]) -> list[Event]:
    """The events under their new types, without those that have none; arguments that a new type has no role for go."""
    found = []
    for event in value:
        name = names.get(event["type"], event["type"])
        if name is None:
            continue
        roles = {one["name"] for one in question["roles"] if not one["types"] or name in one["types"]}
        parts = [part for part in event["arguments"] if name == event["type"] or part["role"] in roles]
        found.append({**event, "type": name, "arguments": parts})
    return found


def _once(parts: Sequence[Event]) -> list[Event]:
    return [part for k, part in enumerate(parts) if not k or _argument_key(part) != _argument_key(parts[k - 1])]


def _argument_key(part: Event) -> tuple[str, int, int]:
    return part["role"], part["start"], part["end"]


def _event_key(event: Event) -> tuple[Any, ...]:
    start, end = trigger_of(event) or (-1, -1)
    return start, end, event["type"], [_argument_key(part) for part in event["arguments"]], json.dumps(event, sort_keys=True)  # fmt: skip


def _event(entry: Any, number: int, question: dict[str, Any], published_at: str) -> Event:
    """type, trigger, arguments, status and date as they are given; places are not held against a text yet."""
    told = _event_words(number)
    if not isinstance(entry, dict):
        raise ValueError(_("{event} must be an object with type, trigger and arguments.").format(event=told))
    event: Event = {"type": _type(entry, question, told), "arguments": []}
    trigger = entry.get("trigger")
    if trigger:
        event["trigger"] = _place(trigger, _("{event}, trigger").format(event=told))
    elif question["trigger"] and not question.get("draft"):
        raise ValueError(_("{event} has no trigger: the words that tell of it.").format(event=told))
    when = entry.get("date")
    if isinstance(when, str) and not dates.check(when):
        # In words, as other tools write it; words that say no date give way to a place in the text.
        when = dates.parse(when, published_at) or {"words": when}
    for role, part in _arguments(entry.get("arguments"), told):
        known = next((one for one in question["roles"] if one["name"] == role), None)
        if known is None and role == DATE_ROLE and question["date"]:
            # The place of what is said already, or the date itself.
            said = {"value": when} if isinstance(when, str) else {}
            when = {**said, **part} if not isinstance(when, dict) or "words" in when else when
            continue
        if known is None or (known["types"] and event["type"] not in known["types"]):
            names = [one["name"] for one in question["roles"] if not one["types"] or event["type"] in one["types"]]
            sentence = _("{event}: “{role}” is no role of “{type}”. Its roles are: {names}.")
            listed = ", ".join(names) or _("none")
            raise ValueError(sentence.format(event=told, role=role[:60], type=event["type"], names=listed))
        event["arguments"].append({"role": role, **_place(part, f"{told}, {role}")})
    if question["status"]:
        event["status"] = _status(entry.get("status"), told)
    if when and question["date"] and (found := _when(when, told)):
        event["date"] = found
    return event


def _event_words(number: int) -> str:
    return _("Event {number}").format(number=number)


def _type(entry: Event, question: dict[str, Any], told: str) -> str:
    given = entry.get("type") or entry.get("label") or entry.get("event_type")
    titled = [label["name"] for label in question["labels"] if given == label["title"]]
    names = labels.names(question)
    if given in names or not titled:
        try:
            return labels.known(given, question)
        except ValueError as error:
            raise ValueError(f"{told}: {error}") from None
    return str(titled[0])


def _arguments(given: Any, told: str) -> Iterator[tuple[str, Any]]:
    """(role, place) of a list of arguments, or of an object that has a place or several under each role."""
    if isinstance(given, dict):
        given = [
            {"role": role, **part} if isinstance(part, dict) else part
            for role, parts in given.items()
            for part in (parts if isinstance(parts, list) else [parts])
        ]
    if not isinstance(given or [], list) or not all(isinstance(part, dict) for part in given or []):
        raise ValueError(_("{event}: its arguments must be a list of objects with role, start and end.").format(event=told))  # fmt: skip
    for part in given or []:
        yield str(part.get("role") or "").strip(), part


def _place(given: Any, told: str) -> Event:
    if not isinstance(given, dict):
        raise ValueError(_("{event} must be an object with start, end and text.").format(event=told))
    start, end = places.stretch(given.get("start"), given.get("end"), told)
    quoted = given.get("text")
    return {"start": start, "end": end, **({"text": str(quoted)} if quoted not in (None, "") else {})}


def _status(given: Any, told: str) -> str:
    if given in (None, ""):
        return ACTUAL
    if not isinstance(given, str) or given not in STATUSES:
        sentence = _("{event}: “{value}” is no status. It takes: {names}.")
        raise ValueError(sentence.format(event=told, value=str(given)[:60], names=", ".join(STATUSES)))
    return str(given)


def _when(given: Any, told: str) -> Event:
    """{value, start, end, text}: a normalised date, the words that say it, or both."""
    given = {"value": given} if isinstance(given, str) else given
    if isinstance(given, dict) and "words" in given:
        given = {"value": given["words"]}
    if not isinstance(given, dict):
        raise ValueError(_("{event}: its date must be an object with value, or with start and end.").format(event=told))
    value = given.get("value")
    found: Event = {}
    if value not in (None, ""):
        if not isinstance(value, str) or not dates.check(value):
            sentence = _("{event}: “{value}” is no date. Write 2024, 2024-05, 2024-05-31, 2024-Q3, 2024-H1, 2024-W07 or two of them with / between.")  # fmt: skip
            raise ValueError(sentence.format(event=told, value=str(value)[:60]))
        found["value"] = value
    if given.get("start") is not None:
        found |= _place(given, _("{event}, date").format(event=told))
    return found


def _normalise(when: Event | None, about: About) -> None:
    if when and "value" not in when and (value := dates.parse(when["text"], about.published_at[:10])):
        when["value"] = value


def _hold_against(events: Sequence[Event], text: str) -> None:
    """Every place of every event with its words from the text."""
    named = list(_named_places(events))
    for (_told, place), found in zip(named, places.against([place for _told, place in named], text, lambda k: named[k][0]), strict=True):  # fmt: skip
        place.update(found)


def _named_places(events: Sequence[Event]) -> Iterator[tuple[str, Event]]:
    """All places of the events with what sentences call them."""
    for number, event in enumerate(events, 1):
        told = _event_words(number)
        if event.get("trigger"):
            yield _("{event}, trigger").format(event=told), event["trigger"]
        for part in event["arguments"]:
            yield f"{told}, {part['role']}", part
        if "start" in event.get("date", {}):
            yield _("{event}, date").format(event=told), event["date"]


# Forms of other tools


def read(value: Any, question: dict[str, Any]) -> list[Any]:
    """A list of events, an object that holds one as `events`, or the JSON of either; raises ValueError for others."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if isinstance(value, dict):
        value = value.get("events")
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ValueError(_("“{question}” takes a list of events.").format(question=question["name"]))
    return value


def gather(value: Any, seen: dict[str, set[Any]]) -> bool:
    """Whether this is a list of events, not an empty one; their types and roles go into `seen`."""
    try:
        found = read(value, {"name": ""})
        for number, event in enumerate(found, 1):
            told = _event_words(number)
            if not isinstance(event.get("type"), str) or not (event.get("trigger") or event.get("arguments")):
                return False
            if event.get("trigger"):
                _place(event["trigger"], told)
            for role, part in _arguments(event.get("arguments"), told):
                _place(part, told)
                seen.setdefault("roles", set()).update([role] if role != DATE_ROLE else [])
    except ValueError:
        return False
    for event in found:
        seen.setdefault("labels", set()).add(event["type"].strip())
        seen.setdefault("untriggered", set()).update([] if event.get("trigger") else [True])
    return bool(found)


def propose(seen: dict[str, set[Any]]) -> dict[str, Any]:
    """The settings of a question that takes all events that were gathered."""
    lists = {name: sorted(seen.get(name, ())) for name in ("labels", "roles")}
    return {**lists, "trigger": not seen.get("untriggered")}


def move(value: Any, moved: Moved) -> Any:
    """Events of a text as it came as events of the text as it is stored; raises ValueError naming a place that is lost."""
    found = json.loads(json.dumps(read(value, {"name": ""})))
    named: list[tuple[str, Event]] = []
    for number, event in enumerate(found, 1):
        told = _event_words(number)
        parts = [(role, part) for role, part in _arguments(event.get("arguments"), told)]
        event["arguments"] = [part | {"role": role} for role, part in parts]
        given = [(_("{event}, trigger").format(event=told), event.get("trigger"))]
        given += [(f"{told}, {part['role']}", part) for part in event["arguments"]]
        given += [(_("{event}, date").format(event=told), event.get("date"))]
        named += [(words, part) for words, part in given if isinstance(part, dict) and part.get("start") is not None]
    before = [_place(part, words) for words, part in named]
    after = places.move(before, moved, lambda k: named[k][0])
    for (_words, part), new in zip(named, after or before, strict=True):
        part.update({name: new[name] for name in ("start", "end", "text") if name in new})
    return found


# What events have in common


def trigger_of(event: Event) -> tuple[int, int] | None:
    """Where its trigger stands."""
    trigger = event.get("trigger")
    return (trigger["start"], trigger["end"]) if trigger else None


def name_of(event: Event) -> tuple[str, tuple[int, int] | None]:
    """What events are matched by: type and place of the trigger."""
    return event["type"], trigger_of(event)


def arguments_of(event: Event) -> set[tuple[Any, ...]]:
    """(type, trigger, role, start, end) of what fills its roles: an argument is right only in the right event."""
    return {(*name_of(event), part["role"], part["start"], part["end"]) for part in event["arguments"]}


def f1(one: set[Any], other: set[Any]) -> float:
    """2 |both| / (|one| + |other|); 1 where both are empty."""
    return 2 * len(one & other) / (len(one) + len(other)) if one or other else 1.0


def distance(a: Sequence[Event], b: Sequence[Event], question: dict[str, Any]) -> float:
    """1 - the mean of two F1: of triggers with their types, and of arguments in their events (without any: of triggers).

    Both count alike, because an event that is found and filled wrongly is half an event. Where nothing differs so far,
    1 - F1 over whole events, with status and date, so that 0 says that nothing differs.
    """
    triggers = f1({name_of(event) for event in a}, {name_of(event) for event in b})
    filled = [set().union(*map(arguments_of, events)) if events else set() for events in (a, b)]
    apart = 1 - (triggers + f1(*filled)) / 2 if any(filled) else 1 - triggers
    return apart or 1 - f1(_facts(a), _facts(b))


def _facts(events: Sequence[Event]) -> set[Any]:
    told: set[Any] = set()
    for event in events:
        told.add(name_of(event))
        told.add(json.dumps(event, sort_keys=True))
    return told


def merge(values: Sequence[list[Event]], question: dict[str, Any]) -> tuple[list[Event], float] | None:
    """The events that more than half found, each filled by what more than half of those say, and the smallest majority.

    Events are the same by type and trigger. None where a person must look: exactly half found an event or filled a
    role so, a status or date has no majority, somebody has two events of one name, or half found something and no event
    has a majority.
    """
    n = len(values)
    if n and all(value == values[0] for value in values):
        return list(values[0]), 1.0
    given = [{name_of(event): event for event in value} for value in values]
    if not n or any(len(events) < len(value) for events, value in zip(given, values, strict=True)):
        return None
    counts = Counter(name for events in given for name in events)
    kept = [name for name, count in counts.items() if 2 * count > n]
    found_something = sum(bool(events) for events in given)
    if any(2 * count == n for count in counts.values()) or (not kept and 2 * found_something >= n):
        return None
    shares = [max(count, n - count) / n for count in counts.values()]
    merged = []
    for name in kept:
        told = [events[name] for events in given if name in events]
        event = _agreed(told, shares)
        if event is None:
            return None
        merged.append(event)
    return sorted(merged, key=_event_key), min(shares, default=1.0)


def _agreed(told: Sequence[Event], shares: list[float]) -> Event | None:
    """One event of what more than half of these say; None where something has no majority. Adds the majorities."""
    n = len(told)
    event: Event = {part: told[0][part] for part in ("type", "trigger") if part in told[0]}
    parts = Counter(json.dumps(part, sort_keys=True) for one in told for part in one["arguments"])
    if any(2 * count == n for count in parts.values()):
        return None
    shares += [max(count, n - count) / n for count in parts.values()]
    agreed = [json.loads(part) for part, count in parts.items() if 2 * count > n]
    event["arguments"] = sorted(agreed, key=_argument_key)
    for part in ("status", "date"):
        words, count = Counter(json.dumps(one.get(part), sort_keys=True) for one in told).most_common(1)[0]
        if 2 * count <= n:
            return None
        shares.append(count / n)
        if words != "null":
            event[part] = json.loads(words)
    return event


def summarise(value: Any, question: dict[str, Any]) -> str:
    """Merger “buys” (buyer “Acme”, 2024-06-04, expected); the first of very many."""
    events = list(value or [])
    if not events:
        return _("no event")
    told = [_told(event, question) for event in events[:SHOWN]]
    more = [_("and {count} more").format(count=len(events) - SHOWN)] if len(events) > SHOWN else []
    return "; ".join([*told, *more])


def _told(event: Event, question: dict[str, Any]) -> str:
    words = labels.title(event["type"], question)
    if event.get("trigger"):
        words += f" “{_quote(event['trigger'])}”"
    filled = _filled(event)
    return f"{words} ({filled})" if filled else words


def pieces(value: Any, question: dict[str, Any]) -> list[Piece]:
    """Each event by itself: the words of its trigger, its type, and what fills it."""
    titles = {label["name"]: label["title"] for label in question["labels"]}
    found = []
    for event in value or []:
        words = f"“{_quote(event['trigger'])}”" if event.get("trigger") else ""
        said = json.dumps(event, sort_keys=True)
        found.append(Piece(words, event["type"], titles.get(event["type"], event["type"]), _filled(event), said))
    return found


def _filled(event: Event) -> str:
    """What fills its roles, when, and whether it happened."""
    parts = [f"{part['role']} “{_quote(part)}”" for part in event["arguments"]]
    if when := event.get("date"):
        parts.append(when.get("value") or f"“{_quote(when)}”")
    if event.get("status", ACTUAL) != ACTUAL:
        parts.append(_(STATUSES[event["status"]]))
    return ", ".join(parts)


def _quote(place: Mapping[str, Any]) -> str:
    return places.short(place.get("text") or f"{place['start']}–{place['end']}")


def used(value: list[Event], question: dict[str, Any]) -> list[str]:
    """The types of its events, in the order of the question."""
    given = {event["type"] for event in value}
    return [name for name in labels.names(question) if name in given]


def stratum(value: list[Event], question: dict[str, Any]) -> str:
    """The set of its types: which kinds of events an item has, not how many."""
    return "\x1e".join(sorted({event["type"] for event in value}))

"""spans: marks in the text, each with a label; nested, overlapping, in parts, related, linked or with a number's value."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from annotation.kinds import labels, majority, places
from annotation.kinds.about import About, Piece, always
from annotation.kinds.marks import (
    Mark,
    entries_of,
    extent,
    key,
    listed,
    numbered,
    of_object,
    parts_of,
    place_of,
    words_of,
)
from annotation.text import numbers
from annotation.text.normal import check_name
from annotation.text.offsets import Moved
from annotation.text.words import _, gettext_noop

LABELS = 1
# What its script takes beside letters: next and previous mark, the other end, a further part.
KEYS = ".,-+"
needs_item = always
SNAPS = ("words", "characters")
OPTIONS: tuple[dict[str, Any], ...] = (
    {
        "name": "overlap",
        "title": gettext_noop("Marks may overlap"),
        "form": "check",
        "default": True,
    },
    {
        "name": "discontinuous",
        "title": gettext_noop("A mark may have several parts"),
        "form": "check",
        "default": False,
    },
    {
        "name": "relations",
        "title": gettext_noop("Relations between marks, one a line"),
        "form": "lines",
        "help": gettext_noop("owns, or owns: ORG, PER > ORG with the labels that it goes from and to."),
    },
    {
        "name": "linked",
        "title": gettext_noop("Labels whose marks may be linked with a company, one a line"),
        "form": "lines",
    },
    {
        "name": "numbers",
        "title": gettext_noop("Labels whose marks are numbers, one a line"),
        "form": "lines",
        "help": gettext_noop("Such a mark carries its value, unit and period, read from its words."),
    },
    {
        "name": "snap",
        "title": gettext_noop("A selection grows to"),
        "form": "select",
        "default": SNAPS[0],
        "choices": (
            (SNAPS[0], gettext_noop("whole words, in Chinese characters")),
            (SNAPS[1], gettext_noop("nothing, it is taken to the character")),
        ),
    },
)
MOST = 10_000
SHOWN = 20  # marks told in words
NUMBER = re.compile(r"-?\d+(\.\d+)?")
NAMED = '"label": {}'
# Columns of files that hold marks, beside `spans`.
ALSO = ("entities",)
# The question


def check_schema(question: dict[str, Any]) -> dict[str, Any]:
    """Its labels and settings, relations taken apart; raises ValueError naming the label, line or setting."""
    declared = labels.check(question.get("labels"), least=LABELS)
    names = [label["name"] for label in declared]
    relations = [_relation(entry, names) for entry in _lines(question.get("relations"), "relations")]
    given = [relation["name"] for relation in relations]
    if double := next((name for name in given if given.count(name) > 1), None):
        raise ValueError(_("“{double}” stands there twice.").format(double=double))
    snap = str(question.get("snap") or SNAPS[0])
    if snap not in SNAPS:
        raise ValueError(_("“snap” is words or characters; got “{value}”.").format(value=snap[:40]))
    return {
        "labels": declared,
        "overlap": _yes(question.get("overlap"), True),
        "discontinuous": _yes(question.get("discontinuous"), False),
        "relations": relations,
        **{name: _declared(question.get(name), name, names) for name in ("linked", "numbers")},
        "snap": snap,
    }


def _yes(given: Any, default: bool) -> bool:
    return default if given is None or given == "" else given not in (False, "false", "0", 0, "off", "no")


def _lines(given: Any, name: str) -> list[Any]:
    if isinstance(given, str):
        given = given.splitlines()
    if not isinstance(given or [], list) or not all(isinstance(line, (str, dict)) for line in given or []):
        raise ValueError(_("“{name}” takes a list of lines.").format(name=name))
    lines = [line.strip() if isinstance(line, str) else line for line in given or []]
    return [line for line in lines if line]


def _declared(given: Any, setting: str, names: Sequence[str]) -> list[str]:
    """Names of labels in the order of the question, each once."""
    lines = _lines(given, setting)
    if strange := next((line for line in lines if line not in names), None):
        sentence = _("“{setting}” names the label “{name}”, which the question does not have.")
        raise ValueError(sentence.format(setting=setting, name=str(strange)[:60]))
    return [name for name in names if name in lines]


def _relation(entry: Any, names: Sequence[str]) -> dict[str, Any]:
    """“owns: ORG, PER > ORG”, or the same taken apart, as {name, from, to}."""
    if isinstance(entry, str):
        name, _sign, told = re.sub("：", ":", entry).partition(":")
        source, _sign, target = re.sub("[＞→]", ">", told).partition(">")
        entry = {"name": name, "from": re.split("[,，、]", source), "to": re.split("[,，、]", target)}
    name = str(entry.get("name") or "").strip()
    if not labels.NAME.fullmatch(name):
        raise ValueError(_("A relation needs a name of 1 to 60 characters on one line."))
    check_name(name)
    ends = {}
    for side in ("from", "to"):
        given = entry.get(side) or []
        listed = given if isinstance(given, list) else [given]
        wanted = [str(label).strip() for label in listed if str(label).strip()]
        ends[side] = _declared(wanted, name, names)
    return {"name": name, **ends}


def line(entry: Any) -> str:
    """An entry of a setting that takes lines, as the line that it is written as."""
    if not isinstance(entry, dict):
        return str(entry)
    source, target = ", ".join(entry["from"]), ", ".join(entry["to"])
    return f"{entry['name']}: {source} > {target}" if source or target else str(entry["name"])


# An answer in stored form


def clean(value: Any, question: dict[str, Any], about: About | None = None) -> list[Mark]:
    """The marks in stored form (docs/kinds.md), sorted, each once; raises ValueError naming the mark and what is wrong.

    It takes the forms that `read` takes. With `about` each mark is held against the words of the item: where a file
    counts in UTF-16, as its quotes show, the offsets are converted. Words and number values that are missing are filled
    in; without `about` only what can be known is.
    """
    if not isinstance(value, list):
        raise ValueError(_("“{question}” takes a list of marks.").format(question=question["name"]))
    entries = entries_of(value)
    if len(entries) > MOST:
        sentence = _("“{question}” takes at most {most} marks; here are {count}.")
        raise ValueError(sentence.format(question=question["name"], most=MOST, count=len(entries)))
    marks = [_mark(entry, place, question) for place, entry in enumerate(entries, 1)]
    if about is not None:
        marks = places.against(marks, about.text, numbered)
        _refuse_unknown(marks, about)
    for mark in marks:
        _put_value(mark, question, about.language if about else "")
    found = _sorted(marks, entries, question)
    if not question["overlap"]:
        _refuse_overlap(found)
    return found


def relabel(value: Sequence[Mark], names: Mapping[str, str | None], question: dict[str, Any]) -> list[Mark]:
    """The marks under their new labels; those without one are left out, with the relations from and to them.

    What a new label's marks do not have, a link or the value of a number, is left out, too.
    """
    kept = [place for place, mark in enumerate(value) if names.get(mark["label"], mark["label"]) is not None]
    moved = {old: new for new, old in enumerate(kept)}
    found = []
    for mark in (value[place] for place in kept):
        label = names.get(mark["label"], mark["label"])
        said = {"link": label in question.get("linked", []), "value": label in question.get("numbers", [])}
        told = {name: part for name, part in mark.items() if said.get(name, True) and name != "relations"}
        relations = [{**one, "to": moved[one["to"]]} for one in mark.get("relations", []) if one["to"] in moved]
        found.append({**told, "label": label, **({"relations": relations} if relations else {})})
    return found


def _mark(entry: Mark, place: int, question: dict[str, Any]) -> Mark:
    """start, end, label and what else a mark has, but for its relations; offsets are not held against a text yet."""
    parts = parts_of(entry, place)
    if len(parts) > 1 and not question["discontinuous"]:
        sentence = _("Mark {place} has {count} parts, and “{question}” takes marks of one part.")
        raise ValueError(sentence.format(place=place, count=len(parts), question=question["name"]))
    try:
        name = _known(entry.get("label"), question)
    except ValueError as error:
        raise ValueError(_("Mark {place}: {problem}").format(place=place, problem=error)) from None
    mark: Mark = {"start": parts[0][0], "end": parts[-1][1], "label": name}
    if entry.get("text") not in (None, ""):
        mark["text"] = str(entry["text"])
    if len(parts) > 1:
        mark["parts"] = parts
    link = entry.get("link")
    if link not in (None, ""):
        if name not in question["linked"]:
            sentence = _("Mark {place} is linked with a company, and marks of “{label}” are not linked.")
            raise ValueError(sentence.format(place=place, label=name))
        if not isinstance(link, (str, int)) or isinstance(link, bool) or len(str(link)) > 200:
            raise ValueError(_("Mark {place}: the link must be the key of a company.").format(place=place))
        mark["link"] = _plain(str(link), place)
    if entry.get("value") not in (None, "", {}):
        mark["value"] = _value(entry["value"], name, place, question)
    return mark


def _known(value: Any, question: dict[str, Any]) -> str:
    """The name of the label that is meant, by its name or title."""
    for label in question["labels"]:
        if value == label["name"]:
            return str(value)
    titled = [label["name"] for label in question["labels"] if value == label["title"]]
    return str(titled[0]) if titled else labels.known(value, question)


def _value(given: Any, label: str, place: int, question: dict[str, Any]) -> dict[str, str]:
    """{number, unit, per} of a number, as far as they are given."""
    if label not in question["numbers"]:
        sentence = _("Mark {place} has a value, and marks of “{label}” are no numbers.")
        raise ValueError(sentence.format(place=place, label=label))
    part = given if isinstance(given, dict) else {"number": given}
    number = part.get("number")
    words = str(number).strip().removeprefix("+")
    if isinstance(number, bool) or not NUMBER.fullmatch(words) or len(words) > 60:
        sentence = _("Mark {place}: “{value}” is no number in plain digits, such as 1250000000 or -0.5.")
        raise ValueError(sentence.format(place=place, value=str(number)[:60]))
    found = {"number": words}
    for name in ("unit", "per"):
        told = part.get(name)
        if told in (None, ""):
            continue
        if not isinstance(told, str) or not labels.NAME.fullmatch(told.strip()):
            sentence = _("Mark {place}: unit and period of its value are short words.")
            raise ValueError(sentence.format(place=place))
        found[name] = _plain(told.strip(), place)
    return found


def _plain(words: str, place: int) -> str:
    """The words, which no text says; raises ValueError where they hold what no database takes."""
    try:
        return check_name(words)
    except ValueError as error:
        raise ValueError(_("Mark {place}: {problem}").format(place=place, problem=error)) from None


def _put_value(mark: Mark, question: dict[str, Any], language: str) -> None:
    """The value of a number as its words say it, where none is given."""
    if mark["label"] in question["numbers"] and "value" not in mark and "text" in mark:
        value = numbers.parse(mark["text"], language)
        if value is not None:
            mark["value"] = value


def _refuse_unknown(marks: Sequence[Mark], about: About) -> None:
    """Raise ValueError for a link to a company that the project does not have."""
    linked = {mark["link"] for mark in marks if "link" in mark}
    if not linked or about.missing is None:
        return
    missing = about.missing(linked)
    for place, mark in enumerate(marks):
        if mark.get("link") in missing:
            sentence = _(
                "{mark}: the project has no company with the key “{key}”. Bring in the list of companies first."
            )
            raise ValueError(sentence.format(mark=numbered(place), key=mark["link"]))


def _sorted(marks: list[Mark], entries: list[Mark], question: dict[str, Any]) -> list[Mark]:
    """Sorted, doubles made one, relations pointing to the new places."""
    order = sorted(range(len(marks)), key=lambda place: key(marks[place]))
    found: list[Mark] = []
    moved: dict[int, int] = {}
    for place in order:
        mark = marks[place]
        if found and key(found[-1]) == key(mark):
            if found[-1].get("parts") != mark.get("parts"):
                sentence = _("Two marks of “{label}” go from {start} to {end} and have other parts; take one of them out.")  # fmt: skip
                raise ValueError(sentence.format(**{name: mark[name] for name in ("label", "start", "end")}))
            found[-1] = {**mark, **found[-1]}
        else:
            found.append(dict(mark))
        moved[place] = len(found) - 1
    joined: dict[int, set[tuple[str, int]]] = {}
    for place, entry in enumerate(entries):
        for relation in _relations(entry, place, len(marks)):
            name, source, target = relation["type"], moved[place], moved[relation["to"]]
            _check_relation(name, found[source], found[target], source == target, place + 1, question)
            joined.setdefault(source, set()).add((name, target))
    for source, told in joined.items():
        found[source]["relations"] = [{"type": name, "to": target} for name, target in sorted(told)]
    return found


def _relations(entry: Mark, place: int, count: int) -> list[dict[str, Any]]:
    given = entry.get("relations") or []
    if not isinstance(given, list) or not all(isinstance(relation, dict) for relation in given):
        raise ValueError(_("Mark {place}: its relations must be a list of objects.").format(place=place + 1))
    for relation in given:
        to = relation.get("to")
        if isinstance(to, bool) or not isinstance(to, int) or not 0 <= to < count:
            sentence = _("Mark {place} has a relation to mark {to}, which does not exist; marks are counted from 0 there.")  # fmt: skip
            raise ValueError(sentence.format(place=place + 1, to=str(to)[:20]))
    return [{"type": str(relation.get("type") or "").strip(), "to": relation["to"]} for relation in given]


def _check_relation(name: str, source: Mark, target: Mark, itself: bool, place: int, question: dict[str, Any]) -> None:
    known = {relation["name"]: relation for relation in question["relations"]}
    if name not in known:
        sentence = _("Mark {place}: “{name}” is no relation of “{question}”. The relations are: {names}.")
        names = ", ".join(known) or _("none")
        raise ValueError(sentence.format(place=place, name=name[:60], question=question["name"], names=names))
    if itself:
        raise ValueError(_("Mark {place} has a relation to itself.").format(place=place))
    allowed = known[name]
    for side, mark in (("from", source), ("to", target)):
        if allowed[side] and mark["label"] not in allowed[side]:
            sentence = _("Mark {place}: “{name}” goes {line}; here is “{label}”.")
            raise ValueError(
                sentence.format(place=place, name=name, line=line(allowed).partition(": ")[2], label=mark["label"])
            )


def _refuse_overlap(marks: list[Mark]) -> None:
    pieces = sorted((start, end, place) for place, mark in enumerate(marks) for start, end in extent(mark))
    reach, last = 0, 0
    for start, end, place in pieces:
        if start < reach and place != last:
            sentence = _("Marks may not overlap here: “{one}” ({first}) and “{other}” ({second}) do.")
            one, other = marks[last], marks[place]
            told = {"one": words_of(one), "other": words_of(other), "first": one["label"], "second": other["label"]}
            raise ValueError(sentence.format(**told))
        if end > reach:
            reach, last = end, place


# Forms of other tools


def read(value: Any, question: dict[str, Any]) -> list[Any]:
    """A list of marks, or the JSON of one, as our own files and other tools write them; raises ValueError for others.

    Marks: our own; [start, end, label] (doccano, spaCy); objects whose names differ (start_offset, labels, entity …);
    results of Label Studio, with their relations; an object that holds such a list as spans, entities or result.
    """
    if isinstance(value, str):
        value = listed(value)
    if isinstance(value, dict):
        value = of_object(value)
    if not isinstance(value, list) or not all(isinstance(entry, (dict, list, tuple)) for entry in value):
        raise ValueError(_("“{question}” takes a list of marks.").format(question=question["name"]))
    return entries_of(value)


def gather(value: Any, seen: dict[str, set[Any]]) -> bool:
    """Whether this is a list of marks, not an empty one; their labels and what else they have go into `seen`."""
    if isinstance(value, str):
        value = listed(value) if value.lstrip()[:1] in ("[", "{") else None
    value = of_object(value) if isinstance(value, dict) else value
    joined: set[str] = set()
    try:
        entries = entries_of(value) if isinstance(value, list) else []
        for place, entry in enumerate(entries, 1):
            parts_of(entry, place)
            joined |= {relation["type"] for relation in _relations(entry, place - 1, len(entries))}
    except ValueError:
        return False
    if not entries or not all(isinstance(entry["label"], str) for entry in entries):
        return False
    seen.setdefault("relations", set()).update(joined)
    for entry in entries:
        name = entry["label"].strip()
        seen.setdefault("labels", set()).add(name)
        seen.setdefault("discontinuous", set()).update([True] if len(entry.get("parts") or []) > 1 else [])
        seen.setdefault("linked", set()).update([name] if entry.get("link") else [])
        seen.setdefault("numbers", set()).update([name] if entry.get("value") else [])
    return True


def propose(seen: dict[str, set[Any]]) -> dict[str, Any]:
    """The settings of a question that takes all marks that were gathered."""
    lists = {name: sorted(seen.get(name, ())) for name in ("labels", "relations", "linked", "numbers")}
    return {**lists, "discontinuous": bool(seen.get("discontinuous"))}


def move(value: Any, moved: Moved) -> Any:
    """Marks of a text as it came, in any form that `read` takes, as marks of the text as it is stored.

    Raises ValueError naming a mark that quotes other words, lies outside, or of which nothing is left.
    """
    entries = entries_of(value)
    marks: list[Mark] = []
    for place, entry in enumerate(entries, 1):
        parts = parts_of(entry, place)
        quote = {"text": str(entry["text"])} if entry.get("text") not in (None, "") else {}
        split = {"parts": parts} if len(parts) > 1 else {}
        marks.append({"start": parts[0][0], "end": parts[-1][1], **quote, **split})
    found = places.move(marks, moved, numbered)
    return entries if found is None else [{**entry, **mark} for entry, mark in zip(entries, found, strict=True)]


def distance(a: Sequence[Mark], b: Sequence[Mark], question: dict[str, Any]) -> float:
    """1 - F1 over marks that are the same in extent and label, or where these are all the same, over what else is said."""
    return majority.distance(a, b)


def merge(values: Sequence[list[Mark]], question: dict[str, Any]) -> tuple[list[Mark], float] | None:
    """The marks that more than half gave, and the smallest majority behind them; None where a person must look.

    What that means is told in `majority.merge`.
    """
    found = majority.merge(values)
    if found is None:
        return None
    try:
        return clean(found[0], question), found[1]
    except ValueError:
        return None


def summarise(value: Any, question: dict[str, Any]) -> str:
    """“Apple” ORG, link, value and relations with it; the first of very many."""
    told = pieces(value, question)
    if not told:
        return _("nothing marked")
    more = [_("and {count} more").format(count=len(told) - SHOWN)] if len(told) > SHOWN else []
    return "; ".join(
        [*(" ".join(filter(None, (piece.words, piece.title, piece.more))) for piece in told[:SHOWN]), *more]
    )


def pieces(value: Any, question: dict[str, Any]) -> list[Piece]:
    """Each mark by itself: its words, its label, and what else it has."""
    marks = list(value or [])
    titles = {label["name"]: label["title"] for label in question["labels"]}
    return [
        Piece(
            f"“{words_of(mark)}”", mark["label"], titles.get(mark["label"], mark["label"]), more_of(mark, marks),
            (place_of(mark), mark["label"]),
        )
        for mark in marks
    ]  # fmt: skip


def more_of(mark: Mark, marks: Sequence[Mark]) -> str:
    """What a mark has beside its words and label: value, link, relations."""
    told = []
    if value := mark.get("value"):
        told.append("= " + number_in_words(value))
    if mark.get("link"):
        told.append(f"[{mark['link']}]")
    told += [f"{relation['type']} “{words_of(marks[relation['to']])}”" for relation in mark.get("relations", [])]
    return " ".join(told)


def number_in_words(value: Mapping[str, str]) -> str:
    """1250000000 CNY / year."""
    words = " ".join(filter(None, [value["number"], value.get("unit")]))
    return f"{words} / {value['per']}" if value.get("per") else words


def used(value: list[Mark], question: dict[str, Any]) -> list[str]:
    """The labels of its marks, in the order of the question."""
    given = {mark["label"] for mark in value}
    return [name for name in labels.names(question) if name in given]


def stratum(value: list[Mark], question: dict[str, Any]) -> str:
    """The set of its labels: which kinds of marks an item has, not how many."""
    return "\x1e".join(sorted({mark["label"] for mark in value}))

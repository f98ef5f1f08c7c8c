"""PURE. brat standoff: a text and its annotations as two files for each example, and the types as annotation.conf."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from annotation.text.words import _
from evaluation.formats.release import File, Question, Release, Row, Rows, answer, label_names

# Two files each; more than this no folder is opened with pleasure, and the import takes no archive of.
MOST = 10_000
_STRANGE = re.compile(r"[^A-Za-z0-9_-]+")
# What these programs take for devices, whatever stands behind the point.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def write(release: Release, rows: Rows) -> Iterator[File]:
    """SPLIT/NAME.txt and SPLIT/NAME.ann for each example, then the types. Offsets count code points.

    Raises ValueError for more examples than such a folder holds.
    """
    (question,) = release.asked
    if sum(release.counts.values()) > MOST:
        sentence = _(
            "brat keeps two files for each text; at most {most} examples are written so. Choose fewer splits, or another format."
        )
        raise ValueError(sentence.format(most=f"{MOST:,}"))
    names = Names(release, question)
    for split in release.counts:
        taken: set[str] = set()
        for row in rows(split):
            stem = f"data/{split}/{file_name(row['id'], taken)}"
            yield File(f"{stem}.txt", [row["text"].encode()])
            # Without an .ann file brat shows no text; of a text without its gold nothing is said.
            yield File(f"{stem}.ann", [_annotations(release, question, names, row).encode()])
    yield File("annotation.conf", [_configuration(question, names).encode()])
    yield File("visual.conf", [_titles(names).encode()])


def file_name(key: str, taken: set[str]) -> str:
    """The id as the name of a file, percent signs for what no file system takes everywhere; never a path.

    Unquoted it is the id again, but for names that differ only in case or are too long: these get a number behind.
    """
    name = quote(key, safe=" ,;=@+()&")[:150]
    name = re.sub(r"^\.|^ |[. ]$", lambda found: f"%{ord(found[0]):02X}", name)
    if _DEVICES.fullmatch(name):
        name = f"%{ord(name[0]):02X}{name[1:]}"
    found, number = name, 1
    while found.lower() in taken:
        number += 1
        found = f"{name}~{number}"
    taken.add(found.lower())
    return found


class Names:
    """The types of the question in letters that brat takes, each once."""

    def __init__(self, release: Release, question: Question) -> None:
        self.plain: dict[tuple[str, str], str] = {}
        self.titles: dict[str, str] = {}
        given = [("type", name) for name in label_names(question)]
        given += [("role", role["name"]) for role in question.get("roles", [])]
        given += [("relation", relation["name"]) for relation in question.get("relations", [])]
        used: set[str] = set()
        for sort, name in given:
            wanted = _STRANGE.sub("_", name).strip("_") or "type"
            found, number = wanted, 1
            while found.lower() in used:
                number += 1
                found = f"{wanted}_{number}"
            used.add(found.lower())
            self.plain[sort, name] = found
            if found != name:
                self.titles[found] = name
        release.lost("renamed", len(self.titles))

    def of(self, sort: str, name: str) -> str:
        """The type of this sort (type, role, relation) as brat has it."""
        return self.plain.get((sort, name)) or _STRANGE.sub("_", name) or "type"


def _annotations(release: Release, question: Question, names: Names, row: Row) -> str:
    value = answer(row, question)
    if value is None:
        return ""
    lines = _marks(names, value, row["text"]) if question["kind"] == "spans" else _events(release, names, value, row["text"])  # fmt: skip
    return "".join(f"{line}\n" for line in lines)


def _place(text: str, parts: list[list[int]]) -> str:
    """`0 5;9 14` and the words, blanks for line ends; a part over a line end is two for brat."""
    found = [part for start, end in parts for part in _lines_of(text, start, end)]
    words = " ".join(text[start:end] for start, end in found)
    return f"{';'.join(f'{start} {end}' for start, end in found)}\t{words}"


def _lines_of(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The stretch without its line ends."""
    found = [(start + one.start(), start + one.end()) for one in re.finditer(r"[^\n]+", text[start:end])]
    return found or [(start, end)]


def _marks(names: Names, marks: list[dict[str, Any]], text: str) -> Iterator[str]:
    notes = relations = 0
    for number, mark in enumerate(marks, 1):
        parts = mark.get("parts") or [[mark["start"], mark["end"]]]
        head, _tab, words = _place(text, parts).partition("\t")
        yield f"T{number}\t{names.of('type', mark['label'])} {head}\t{words}"
        if "link" in mark:
            notes += 1
            yield f"N{notes}\tReference T{number} company:{mark['link']}\t{words}"
        if "value" in mark:
            notes += 1
            yield f"#{notes}\tAnnotatorNotes T{number}\t{_value(mark['value'])}"
    for number, mark in enumerate(marks, 1):
        for each in mark.get("relations", []):
            relations += 1
            yield f"R{relations}\t{names.of('relation', each['type'])} Arg1:T{number} Arg2:T{each['to'] + 1}"


def _value(value: dict[str, str]) -> str:
    return " ".join(f"{name}={value[name]}" for name in ("number", "unit", "per") if value.get(name))


def _events(release: Release, names: Names, events: list[dict[str, Any]], text: str) -> Iterator[str]:
    spots: dict[tuple[str, int, int], int] = {}
    notes = attributes = 0
    lines: list[str] = []

    def spot(type_: str, place: dict[str, Any]) -> int:
        """The text-bound annotation of this type and place; a new one where there is none yet."""
        key = (type_, place["start"], place["end"])
        if key not in spots:
            spots[key] = len(spots) + 1
            head, _tab, words = _place(text, [[place["start"], place["end"]]]).partition("\t")
            lines.append(f"T{spots[key]}\t{type_} {head}\t{words}")
        return spots[key]

    number = 0
    for event in events:
        if "trigger" not in event:
            release.lost("untriggered")
            continue
        number += 1
        type_ = names.of("type", event["type"])
        trigger = spot(type_, event["trigger"])
        arguments: list[tuple[str, int]] = []
        for part in event["arguments"]:
            arguments.append((names.of("role", part["role"]), spot("Argument", part)))
        date = event.get("date") or {}
        if "start" in date:
            arguments.append(("Date", spot("When", date)))
        told = [f"{type_}:T{trigger}"]
        seen: dict[str, int] = {}
        for role, place in arguments:
            # A role that stands several times is numbered from its second on.
            seen[role] = seen.get(role, 0) + 1
            told.append(f"{role}{seen[role] if seen[role] > 1 else ''}:T{place}")
        lines.append(f"E{number}\t{' '.join(told)}")
        if "status" in event:
            attributes += 1
            lines.append(f"A{attributes}\tStatus E{number} {event['status']}")
        if "value" in date:
            notes += 1
            lines.append(f"#{notes}\tAnnotatorNotes E{number}\tdate={date['value']}")
            release.lost("dates", "start" not in date)
    yield from lines


def _configuration(question: Question, names: Names) -> str:
    types = [names.of("type", name) for name in label_names(question)]
    if question["kind"] == "events":
        roles = [(names.of("role", role["name"]), role["types"]) for role in question.get("roles", [])]
        events = []
        for name in label_names(question):
            asked = [f"{role}*:Argument" for role, only in roles if not only or name in only]
            events.append("\t".join([names.of("type", name), ", ".join([*asked, "Date?:When"])]))
        status = "Status\tArg:<EVENT>, Value:actual|expected|negated"
        return _sections(entities=["Argument", "When"], relations=[], events=events, attributes=[status])
    joints = [
        f"{names.of('relation', one['name'])}\tArg1:{_ends(names, one['from'])}, Arg2:{_ends(names, one['to'])}"
        for one in question.get("relations", [])
    ]
    return _sections(entities=types, relations=[*joints, "<OVERLAP>\tArg1:<ENTITY>, Arg2:<ENTITY>, <OVL-TYPE>:<ANY>"], events=[], attributes=[])  # fmt: skip


def _ends(names: Names, given: list[str]) -> str:
    return "|".join(names.of("type", name) for name in given) or "<ENTITY>"


def _sections(**sections: list[str]) -> str:
    return "\n".join(f"[{name}]\n" + "".join(f"{line}\n" for line in lines) for name, lines in sections.items())


def _titles(names: Names) -> str:
    """What brat shows in place of the types whose names it does not take."""
    shown = "".join(f"{plain} | {title.replace('|', ' ')}\n" for plain, title in names.titles.items())
    return f"[labels]\n{shown}\n[drawing]\n"

"""Reads an archive of brat: texts (.txt) with their standoff annotations (.ann), perhaps in a folder for each annotator.

Form: https://brat.nlplab.org/standoff.html. Offsets count characters of the file, line ends as they stand in it.
"""

from __future__ import annotations

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from annotation.reading import limits, ours
from annotation.reading.encodings import fits
from annotation.reading.members import in_file, is_link, member_name, members_of
from annotation.reading.opening import ARCHIVE_ERRORS, open_archive
from annotation.reading.row import Options, Row, Unreadable
from annotation.reading.told import Told
from annotation.text.words import _

MOST_LINES = 200_000  # of the annotations of one text
SECTION = re.compile(r"\[(\w+)\]")
BOUND = re.compile(r"(\S+) (\d+ \d+(?:;\d+ \d+)*)")
ARGUMENT = re.compile(r"(\S+?):(\S+)")
# What attributes of events say of what happened here.
SPLITS = {"train": "train", "dev": "dev", "validation": "dev", "test": "test"}
# What our own export calls a date, its words, and the attribute with the status.
DATE, STATUS = "Date", ("actual", "expected", "negated")
STATUSES = {"negation": "negated", "negated": "negated", "speculation": "expected", "speculated": "expected"}


@dataclass
class _Standoff:
    """The lines of one .ann file, taken apart. marks: id -> {start, end, label, parts?, text?}."""

    marks: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    relations: list[tuple[str, str, str]] = field(default_factory=list)
    statuses: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    dates: dict[str, str] = field(default_factory=dict)


def rows(path: Path, options: Options) -> Iterator[Row]:
    """A row {id, text, annotations} for each text; annotators are the folders where several hold the same text."""
    options.told.tool = "brat"
    with open_archive(path) as (archive, _file):
        ours.questions(archive, options.told)
        members = {member_name(one): one for one in members_of(archive) if not is_link(one)}
        for name, one in members.items():
            if PurePosixPath(name).name == "annotation.conf" and one.file_size < limits.CHUNK:
                _configure(_text_of(archive, one), options.told)
        stems = sorted(name[:-4] for name in members if name.endswith(".ann") or name.endswith(".txt"))
        texts = [stem for stem in dict.fromkeys(stems) if f"{stem}.txt" in members]
        if not texts:
            raise Unreadable(_("The archive holds .ann files without their .txt files; pack both."))
        number = 0
        for folders in _by_document(texts).values():
            for stems_ in _of_one_text(archive, members, folders):
                number += 1
                row = _row(number, archive, members, stems_, options.told)
                yield row if row.values is None else row._replace(values=ours.answered(row.values, options.told))
        for name in members:
            if name.endswith(".ann") and f"{name[:-4]}.txt" not in members:
                number += 1
                yield Row(number, None, in_file(name, _("its .txt file is not in the archive.")))


def _by_document(texts: list[str]) -> dict[str, list[str]]:
    """Texts of one name in several folders."""
    found: dict[str, list[str]] = defaultdict(list)
    for stem in texts:
        found[PurePosixPath(stem).name].append(stem)
    return found


def _of_one_text(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], stems: list[str]
) -> Iterator[list[str]]:
    """Those of the same words together, as annotators' folders have them."""
    groups: dict[str, list[str]] = defaultdict(list)
    for stem in stems:
        member = members[f"{stem}.txt"]
        groups[f"{member.CRC}:{member.file_size}"].append(stem)
    yield from groups.values()


def _row(
    number: int, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], stems: list[str], told: Told
) -> Row:
    name = f"{stems[0]}.txt"
    several = len(stems) > 1
    try:
        text = _text_of(archive, members[name])
        found = []
        for stem in stems:
            name = f"{stem}.ann"
            lines = _text_of(archive, members[name]).splitlines() if name in members else None
            if lines is not None:
                found.append((stem, _read(lines, text, told)))
    except ARCHIVE_ERRORS as error:
        wrong = str(error) if isinstance(error, _Wrong) else _("damaged in the archive. Pack it again.")
        return Row(number, None, in_file(name, wrong))
    if not text.strip():
        return Row(number, None, in_file(name, _("empty. Leave it out.")))
    values: dict[str, Any] = {**_named(stems[0], several=several), "text": text}
    if several:
        return Row(number, {**values, "annotations": [_annotation(stem, one, told) for stem, one in found]}, None)
    answers, notes = (_answers(found[0][1], told), found[0][1].notes) if found else ({}, [])
    return Row(number, {**values, "label": answers or None, **({"notes": "\n".join(notes)} if notes else {})}, None)


def _named(stem: str, *, several: bool) -> dict[str, Any]:
    """The id of a text, and its split where it lies in a folder that is called so."""
    path = PurePosixPath(stem)
    split = next((SPLITS[part.lower()] for part in path.parent.parts[::-1] if part.lower() in SPLITS), "")
    name = unquote(path.name) if split or several else stem
    return {"id": name[-200:], **({"split": split} if split else {})}


def _annotation(stem: str, one: _Standoff, told: Told) -> dict[str, Any]:
    folder = PurePosixPath(stem).parent.name or _("unknown")
    return {"annotator": folder, "label": _answers(one, told), "comment": "\n".join(one.notes)}


class _Wrong(ValueError):
    """A sentence about a line of an .ann file."""


def _text_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
    """A member's text with the line ends that it has; raises what zipfile raises, or ValueError."""
    if member.file_size > limits.MAX_LINE:
        raise _Wrong(_("too long. Split it before importing it."))
    if member.flag_bits & 1:
        raise _Wrong(_("locked by a password. Pack it again without one."))
    with archive.open(member) as file:
        data = file.read(limits.MAX_LINE + 1)
    if b"\x00" in data:
        raise _Wrong(_("it holds NUL characters, which no text has."))
    codec = next((name for name in ("utf-8", "gb18030", "cp1252") if fits(data, name)), "latin-1")
    return data.decode(codec, "replace")


# One .ann file


def _read(lines: list[str], text: str, told: Told) -> _Standoff:
    """Its lines; raises _Wrong naming the line that is none."""
    if len(lines) > MOST_LINES:
        raise _Wrong(_("it has more than {most} lines.").format(most=f"{MOST_LINES:,}"))
    found = _Standoff()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, _tab, rest = line.partition("\t")
        try:
            _take(name, rest, text, found, told)
        except ValueError as error:
            raise _Wrong(_("line {number}: {problem}").format(number=number, problem=error)) from None
    return found


def _take(name: str, rest: str, text: str, found: _Standoff, told: Told) -> None:
    kind, words = name[:1], rest.split("\t")[0].split()
    if kind == "T":
        found.marks[name] = _bound(rest, text)
    elif kind == "E":
        parts = [ARGUMENT.fullmatch(word) for word in words]
        if not parts or None in parts:
            raise ValueError(_("an event needs its type and its arguments, as in “E1	Merger:T1 Buyer:T2”."))
        told_ = [(one[1], one[2]) for one in parts if one]
        found.events[name] = {"type": told_[0][0], "trigger": told_[0][1], "arguments": told_[1:]}
    elif kind == "R":
        ends = [word.partition(":")[2] for word in words[1:3]]
        if len(ends) != 2 or not all(ends):
            raise ValueError(_("a relation needs its type and two arguments, as in “R1	Owns Arg1:T1 Arg2:T2”."))
        found.relations.append((words[0], ends[0], ends[1]))
    elif kind in "AM" and len(words) > 1:
        if words[0] == "Status" and words[2:3] and words[2] in STATUS:
            found.statuses[words[1]] = words[2]
        elif len(words) == 2 and words[0].lower() in STATUSES:
            found.statuses[words[1]] = STATUSES[words[0].lower()]
        else:
            told.lose(_("attributes other than negation and speculation were left out"))
    elif kind == "#":
        note = rest.partition("\t")[2].strip()
        if note.startswith("date=") and words[1:] and words[1].startswith("E"):
            found.dates[words[1]] = note.removeprefix("date=")
        else:
            found.notes.append(note)
    elif kind == "N":
        told.lose(_("links to entries of databases were left out"))
    elif kind == "*":
        told.lose(_("groups of equal marks were left out"))
    else:
        raise ValueError(_("it begins with none of T, E, R, A, M, N, * and #."))


def _bound(rest: str, text: str) -> dict[str, Any]:
    """A mark, its words held against the text."""
    place, _tab, words = rest.partition("\t")
    fits_ = BOUND.fullmatch(place)
    if not fits_:
        raise ValueError(_("a mark needs a label and its places, as in “T1	ORG 0 5	Apple”."))
    parts = [[int(end) for end in part.split(" ")] for part in fits_[2].split(";")]
    if any(not 0 <= start < end <= len(text) for start, end in parts):
        raise ValueError(_("the place {place} lies outside of the text, which has {size} characters.").format(place=fits_[2], size=len(text)))  # fmt: skip
    there = " ".join(text[start:end] for start, end in parts)
    if words and _plain(words) != _plain(there):
        sentence = _("at {place} the text says “{there}”, not “{given}”. Offsets count characters from 0.")
        raise ValueError(sentence.format(place=fits_[2], there=there[:40], given=words[:40]))
    parts.sort()
    mark: dict[str, Any] = {"start": parts[0][0], "end": parts[-1][1], "label": fits_[1]}
    return {**mark, "parts": parts} if len(parts) > 1 else {**mark, "text": text[mark["start"] : mark["end"]]}


def _plain(words: str) -> str:
    """Words without the difference of line ends and blanks; brat writes its marks on one line."""
    return re.sub(r"\s+", " ", words).strip()


def _answers(one: _Standoff, told: Told) -> dict[str, Any]:
    """The questions `spans` and `events` that the file answers."""
    used = {event["trigger"] for event in one.events.values()}
    # Words that only fill a role are no marks of their own, in an export of ours.
    used |= {name for event in one.events.values() for _role, name in event["arguments"] if _is_filler(one, name)}
    places = [name for name in one.marks if name not in used]
    if not places and one.events and "spans" not in told.questions:
        return {"events": _events(one, told)}
    asked = told.ask("spans", "spans", [one.marks[name]["label"] for name in places])
    if any("parts" in one.marks[name] for name in places):
        asked.settings["discontinuous"] = True
    joined = []
    for name, source, target in one.relations:
        if source in places and target in places:
            asked.relations.setdefault(name)
            joined.append({"from_id": source, "to_id": target, "type": name})
        else:
            told.lose(_("relations with events were left out"))
    found: dict[str, Any] = {"spans": [*({"id": name, **one.marks[name]} for name in places), *joined]}
    if one.events or "events" in told.questions:
        found["events"] = _events(one, told)
    return found


def _is_filler(one: _Standoff, name: str) -> bool:
    return one.marks.get(name, {}).get("label") in ("Argument", "When")


def _events(one: _Standoff, told: Told) -> list[dict[str, Any]]:
    asked = told.ask("events", "events", [event["type"] for event in one.events.values()], status=True, date=False)
    found = []
    for name, event in one.events.items():
        trigger = _place(one, event["trigger"])
        if trigger is None:
            told.lose(_("events without words that tell of them were left out"))
            continue
        arguments = []
        date: dict[str, Any] = {"value": one.dates[name]} if name in one.dates else {}
        for role, target in event["arguments"]:
            if target in one.events:
                told.lose(_("events as arguments of events became the words that tell of them"))
                target = one.events[target]["trigger"]
            place = _place(one, target)
            if place is not None and role == DATE and one.marks[target]["label"] == "When":
                date |= place
            elif place is not None:
                role = re.sub(r"(?<=\D)\d+$", "", role)
                asked.roles.setdefault(role, {}).setdefault(event["type"])
                arguments.append({"role": role, **place})
        told_ = {"date": date} if date else {}
        asked.settings["date"] = asked.settings.get("date", False) or bool(date)
        found.append({"type": event["type"], "trigger": trigger, "arguments": arguments, "status": one.statuses.get(name, "actual"), **told_})  # fmt: skip
    return found


def _place(one: _Standoff, name: str) -> dict[str, Any] | None:
    mark = one.marks.get(name)
    return None if mark is None else {part: mark[part] for part in ("start", "end", "parts", "text") if part in mark}


def _configure(text: str, told: Told) -> None:
    """Labels, relations, types of events and roles in the order of annotation.conf."""
    section = ""
    for line in text.splitlines()[:10_000]:
        line = line.split("#")[0].strip() if not line.lstrip().startswith("#") else ""
        if found := SECTION.fullmatch(line):
            section = found[1].lower()
            continue
        name, _blank, rest = line.lstrip("\t -!").partition("\t")
        name = name.split(" ")[0]
        if not name or name.startswith("<"):
            continue
        if section == "entities":
            if name not in ("Argument", "When"):
                told.ask("spans", "spans", [name])
        elif section == "relations":
            told.ask("spans", "spans").relations.setdefault(name)
        elif section == "events":
            asked = told.ask("events", "events", [name], status=True, date=False)
            for role, _types in ARGUMENT.findall(rest.replace(",", " ")):
                asked.roles.setdefault(role.rstrip("?*+").split("{")[0], {}).setdefault(name)

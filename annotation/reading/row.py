"""What every reader is told and gives back: options, rows, and what is wrong with a row or a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from annotation.reading.limits import Work
from annotation.reading.told import Told
from annotation.text.words import _, gettext_noop


class Unreadable(ValueError):
    """A file that cannot be read as a whole; the message is a sentence for the person who uploaded it."""


class Broken(Unreadable):
    """A file that cannot be read further than here: fatal at its start, later a problem of one row."""


class Row(NamedTuple):
    """One record, or what is wrong with it.

    `number` is the line (csv, tsv, jsonl, txt: the first of the record), the sheet row (xlsx), the record (json) or the
    member (zip), counted from 1. Exactly one of `values` and `problem` is None.
    """

    number: int
    values: dict[str, Any] | None
    problem: str | None


@dataclass(frozen=True)
class Options:
    """What a reader is told; `work` is what it may do, counted down."""

    encoding: str = "utf-8"
    delimiter: str | None = None
    header: bool = True
    columns: tuple[str, ...] = ()
    sheet: str | None = None
    document_per: str = "line"
    root: str | None = None
    # What tags of tokens stand for that say nothing by themselves: 1 -> B-PER.
    tags: Mapping[str, str] = field(default_factory=dict)
    work: Work = field(default_factory=Work)
    # What the file says beside its rows is put in here.
    told: Told = field(default_factory=Told)


_PLACES = {
    "Line": gettext_noop("Line {number}: {problem}"),
    "Row": gettext_noop("Row {number}: {problem}"),
    "Record": gettext_noop("Record {number}: {problem}"),
    "Record, line": gettext_noop("Record {number} (line {line}): {problem}"),
}


def at(place: str, number: int, problem: str, *, line: int = 0) -> str:
    """What is wrong where: a sentence that begins with the place."""
    return _(_PLACES[place]).format(number=number, problem=problem, line=line)

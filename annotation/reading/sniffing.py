"""Tells what a file seems to be and reads its first rows, for the person who is about to import it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotation.reading import limits
from annotation.reading.limits import Enough, Work
from annotation.reading.readers import given, read
from annotation.reading.recognising import recognise
from annotation.reading.row import Options, Row
from annotation.reading.separators import find_delimiter, find_tail_delimiter
from annotation.reading.single import TABLES
from annotation.reading.tables import column_names
from annotation.reading.workbooks import survey
from annotation.text.words import _


@dataclass(frozen=True)
class Sniffed:
    """What a file seems to be: the arguments that `rows` needs, the first rows, and what was guessed, in sentences."""

    format: str
    encoding: str | None
    delimiter: str | None
    columns: list[str]
    preview: list[dict[str, Any]]
    warnings: list[str]
    sheets: list[str] = field(default_factory=list)


def sniff(
    path: str | Path,
    *,
    filename: str | None = None,
    format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool = True,
    columns: Sequence[str] | None = None,
    sheet: str | None = None,
    document_per: str = "line",
    root: str | None = None,
) -> Sniffed:
    """Tell format, encoding and delimiter of a file and read its first rows; what is given is not guessed.

    `filename` is the name the file was uploaded under, `path` where it lies. `preview` holds at most 10 rows. Raises
    Unreadable for an empty file or one of an unknown kind.
    """
    path = Path(path)
    said: list[str] = []
    found, text, codec = recognise(path, filename or path.name, format, encoding, said)
    if found in ("csv", "tsv") and not delimiter:
        delimiter = find_delimiter(text, found, said)
    if found == "txt" and document_per == "line" and not delimiter and not columns:
        delimiter = find_tail_delimiter(text, said)
    names = given(columns) or (("text", "label") if found == "txt" and delimiter else ())
    options = Options(codec or "", delimiter, header, names, sheet, document_per, root, work=_work())
    sheets = survey(path, options, said) if found == "xlsx" else []
    seen, preview = _look(read(path, found, options), said)
    if not seen and found in TABLES:
        seen = _header(path, found, options, said)
    return Sniffed(found, codec, delimiter, seen, preview, said, sheets)


def _look(stream: Iterator[Row], said: list[str]) -> tuple[list[str], list[dict[str, Any]]]:
    """Columns of the first rows in order of appearance, and the preview; ends early where the work is used up."""
    columns: dict[str, None] = {}
    preview: list[dict[str, Any]] = []
    problems: list[str] = []
    count = 0
    try:
        for row in itertools.islice(stream, limits.PREVIEW_ROWS):
            count += 1
            if row.values is None:
                problems.append(row.problem or "")
                continue
            columns.update(dict.fromkeys(row.values))
            if len(preview) < limits.PREVIEW:
                preview.append(row.values)
    except Enough:
        if len(preview) < limits.PREVIEW:
            sentence = _("The preview looks at a part of the file only and found this many rows there: {count}.")
            said.append(sentence.format(count=count))
    if problems:
        sentence = _("{bad} of the first {count} rows cannot be read. {problem}")
        said.append(sentence.format(bad=len(problems), count=count, problem=problems[0]))
    return list(columns), preview


def _header(path: Path, format: str, options: Options, said: list[str]) -> list[str]:
    """The columns of a table that has no row to show."""
    columns = list(options.columns)
    with suppress(Enough):
        records = TABLES[format](path, dataclasses.replace(options, work=_work()))
        columns = columns or column_names(next(records).cells, header=options.header)
        if not any(record.problem or any(record.cells) for record in records):
            said.append(_("The file has a header but no rows."))
    return columns


def _work() -> Work:
    return Work(limits.PREVIEW_WORK, record=limits.PREVIEW_RECORD)

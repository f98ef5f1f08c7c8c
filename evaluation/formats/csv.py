"""PURE. CSV: cells that a spreadsheet would run as formulas have an apostrophe; the column `_assay` says that it comes off."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from annotation.reading import MARKER_COLUMN, neutralise
from evaluation.formats.release import FIELDS, File, Release, Row, Rows, answer

LINES = 500


def write(release: Release, rows: Rows) -> Iterator[File]:
    """A table for each split, with a header each."""
    for split in release.counts:
        yield File(f"data/{split}.csv", table(release, rows(split)))


def table(release: Release, rows: Iterable[Row]) -> Iterator[bytes]:
    """The header, then a line for each row."""
    gold = release.gold_columns()
    compared = [*(["distribution"] if release.spreads else []), *(["candidates", "reference"] if release.compares else [])]  # fmt: skip
    head = ["id", "text", "split", *(column for column, _question in gold), *compared, *FIELDS]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*head, *(f"meta.{name}" for name in release.meta), MARKER_COLUMN])
    for place, row in enumerate(rows, 1):
        cells = [row["id"], row["text"], row["split"]]
        cells += [_in_cell(answer(row, question)) for _column, question in gold]
        cells += [_in_cell(row[name] or None) for name in compared]
        cells += [row[name] for name in FIELDS]
        cells += [row["meta"].get(name, "") for name in release.meta]
        writer.writerow([*(neutralise(str(cell)) for cell in cells), "1"])
        if not place % LINES or text.tell() > 1_000_000:
            yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    """What was written so far, out of the buffer."""
    found = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return found


def _in_cell(value: Any) -> str:
    """An answer in a cell: a label as it is, anything with parts as JSON, nothing as nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

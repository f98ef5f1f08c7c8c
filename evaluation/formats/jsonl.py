"""PURE. JSON Lines: an object for each example with every column; carries everything, and the import reads it back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from evaluation.formats.release import FIELDS, File, Release, Row, Rows

# Lines that go out together.
LINES = 500


def write(release: Release, rows: Rows) -> Iterator[File]:
    """A file for each split."""
    for split in release.counts:
        yield File(f"data/{split}.jsonl", lines(shaped(release, row) for row in rows(split)))


def shaped(release: Release, row: Row) -> Row:
    """The columns of an example; every row has all of them, but a test row without its gold has none for it.

    The gold is a column named by its kind (`label`) where one question is frozen, else `gold` with the value of each.
    """
    gold: Row = {}
    if row["gold"] is not None:
        gold = {release.single: next(iter(row["gold"].values()), None)} if release.single else {"gold": row["gold"]}
    return {
        **{name: row[name] for name in ("id", "text", "split")},
        **gold,
        **({"distribution": row["distribution"]} if release.spreads else {}),
        **({name: row[name] for name in ("candidates", "reference")} if release.compares else {}),
        **{name: row[name] for name in FIELDS},
        "meta": row["meta"],
    }


def lines(rows: Iterable[Any]) -> Iterator[bytes]:
    """Each row as JSON on a line."""
    held: list[str] = []
    dump = json.JSONEncoder(ensure_ascii=False).encode
    size = 0
    for row in rows:
        line = dump(row)
        held.append(line)
        size += len(line)
        if len(held) == LINES or size > 1_000_000:
            yield ("\n".join(held) + "\n").encode()
            held, size = [], 0
    if held:
        yield ("\n".join(held) + "\n").encode()

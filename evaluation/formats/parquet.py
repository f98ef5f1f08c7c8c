"""PURE. Parquet in bounded memory: row groups of a few thousand rows, the same bytes each time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evaluation.formats.release import ELSEWHERE, FIELDS, File, Release, Row, Rows, answer

GROUP_ROWS = 10_000
GROUP_BYTES = 16_000_000  # characters of texts in a row group
SHARD_ROWS = 250_000  # examples in a file of the Hugging Face layout

_PLACE = [("start", pa.int64()), ("end", pa.int64()), ("text", pa.string())]
_SPAN = pa.struct([
    *_PLACE,
    ("label", pa.string()),
    ("parts", pa.list_(pa.list_(pa.int64()))),
    ("link", pa.string()),
    ("value", pa.struct([("number", pa.string()), ("unit", pa.string()), ("per", pa.string())])),
    ("relations", pa.list_(pa.struct([("type", pa.string()), ("to", pa.int64())]))),
])  # fmt: skip
_EVENT = pa.struct([
    ("type", pa.string()),
    ("trigger", pa.struct(_PLACE)),
    ("arguments", pa.list_(pa.struct([("role", pa.string()), *_PLACE]))),
    ("status", pa.string()),
    ("date", pa.struct([("value", pa.string()), *_PLACE])),
])  # fmt: skip
# What an answer of a kind is in a column; others are JSON in a text.
TYPES: dict[str, pa.DataType] = {
    "choice": pa.string(),
    "choices": pa.list_(pa.string()),
    "score": pa.float64(),
    "text": pa.string(),
    "spans": pa.list_(_SPAN),
    "events": pa.list_(_EVENT),
}


def write(release: Release, rows: Rows) -> Iterator[File]:
    """A file for each split."""
    schema = schema_of(release)
    for split in release.counts:
        yield File(f"data/{split}.parquet", table((shaped(release, row) for row in rows(split)), schema))


def write_layout(release: Release, rows: Rows) -> Iterator[File]:
    """The files of a Hugging Face data set: data/validation-00000-of-00001.parquet …, in parts of so many rows."""
    schema = schema_of(release)
    for split, count in release.counts.items():
        found = (shaped(release, row) for row in rows(split))
        names = layout_names(split, count)
        for place, name in enumerate(names):
            last = place == len(names) - 1
            yield File(name, table(_first(found, None if last else SHARD_ROWS), schema))


def layout_names(split: str, count: int) -> list[str]:
    """The files of a split with so many examples."""
    parts = max(1, -(-count // SHARD_ROWS))
    return [f"data/{ELSEWHERE[split]}-{part:05d}-of-{parts:05d}.parquet" for part in range(parts)]


def _first(rows: Iterator[Row], count: int | None) -> Iterator[Row]:
    """So many of the rows, or all; the others stay for the next file."""
    if count is None:
        yield from rows
        return
    for _place in range(count):
        yield next(rows)


def schema_of(release: Release) -> pa.Schema:
    """The columns: gold in a type of its own where its kind has one, JSON in a text for what has any form."""
    return pa.schema([
        *((name, pa.string()) for name in ("id", "text", "split")),
        *((column, TYPES.get(question["kind"], pa.string())) for column, question in release.gold_columns()),
        *([("distribution", pa.string())] if release.spreads else []),
        *([("candidates", pa.string()), ("reference", pa.string())] if release.compares else []),
        *((name, pa.string()) for name in FIELDS),
        ("meta", pa.string()),
    ])  # fmt: skip


def shaped(release: Release, row: Row) -> Row:
    """The cells of an example; nothing is null, which the import takes for absent."""
    found: Row = {name: row[name] for name in ("id", "text", "split")}
    for column, question in release.gold_columns():
        value = answer(row, question)
        found[column] = value if question["kind"] in TYPES else in_json(value)
    if release.spreads:
        found["distribution"] = in_json(row["distribution"])
    if release.compares:
        found |= {"candidates": in_json(row["candidates"]), "reference": row["reference"] or None}
    return found | {name: row[name] or None for name in FIELDS} | {"meta": in_json(row["meta"])}


def in_json(value: Any) -> str | None:
    """JSON for what has parts, null for nothing."""
    return None if value in (None, [], {}, "") else json.dumps(value, ensure_ascii=False)


class _Sink:
    """A file that hands its bytes on: what the writer has written since the last look."""

    def __init__(self) -> None:
        self.held: list[bytes] = []
        self.written = 0
        self.closed = False

    def write(self, data: Any) -> int:
        """Keep the bytes until they are taken."""
        self.held.append(bytes(data))
        self.written += len(data)
        return len(data)

    def tell(self) -> int:
        """How many bytes were written."""
        return self.written

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """The writer is done."""
        self.closed = True

    def taken(self) -> bytes:
        """What was written since the last look."""
        found = b"".join(self.held)
        self.held.clear()
        return found

    def readable(self) -> bool:
        """It only takes."""
        return False

    def seekable(self) -> bool:
        """It only goes forward."""
        return False

    def writable(self) -> bool:
        """It takes."""
        return True


def table(rows: Iterable[Row], schema: pa.Schema) -> Iterator[bytes]:
    """The bytes of a Parquet file, row group by row group. The rows must have the columns of the schema."""
    sink = _Sink()
    with pq.ParquetWriter(sink, schema, compression="zstd", store_schema=True) as writer:
        for group in _groups(rows):
            writer.write_batch(pa.RecordBatch.from_pylist(group, schema=schema))
            yield sink.taken()
    yield sink.taken()


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    held: list[Row] = []
    size = 0
    for row in rows:
        held.append(row)
        size += sum(len(cell) for cell in row.values() if isinstance(cell, str))
        if len(held) >= GROUP_ROWS or size > GROUP_BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held

"""The reader of each format that is one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from annotation.reading import (
    archives,
    columnar,
    delimited,
    docbin,
    doccano,
    fasttext,
    json_lines,
    json_records,
    labelstudio,
    plain,
    prodigy,
    tokens,
    workbooks,
)
from annotation.reading.row import Options, Row
from annotation.reading.tables import Record

TABLES: dict[str, Callable[[Path, Options], Iterator[Record]]] = {
    "csv": delimited.records,
    "tsv": delimited.records,
    "xlsx": workbooks.records,
}
READERS: dict[str, Callable[[Path, Options], Iterator[Row]]] = {
    "csv": delimited.rows,
    "tsv": delimited.rows,
    "xlsx": workbooks.rows,
    "json": json_records.rows,
    "jsonl": json_lines.rows,
    "txt": plain.rows,
    "conll": tokens.rows,
    "zip": archives.rows,
    "parquet": columnar.parquet,
    "arrow": columnar.arrow,
    "fasttext": fasttext.rows,
    "spacy": docbin.rows,
    "labelstudio": labelstudio.rows,
    "doccano": doccano.rows,
    "prodigy": prodigy.rows,
}
# Bytes that are no text, so that no encoding is looked for.
BINARY = ("xlsx", "parquet", "arrow", "spacy")

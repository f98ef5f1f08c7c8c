"""The child process that reads a Parquet or Arrow file: its path in, JSON lines out. Run as a script; knows no Assay.

A damaged file can make the reader allocate what it likes, or crash it: here that ends one child with bounded memory.
The first line is {"columns": [...]}; each other one {"row": {...}}, {"bad": code, "column": name} for a row that cannot
be read, {"stop": code, ...} where reading ends before the end, or {"end": true}.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import json
import math
import os
import resource
import sys
from collections.abc import Iterator
from typing import Any

BATCH = 128
FOOTER = 64 * 1024**2  # bytes of a Parquet footer
CONTAINERS = 1_000_000  # entries of a list in a Parquet footer
WORDS = 32 * 1024**2  # bytes of a text in it
# What Hugging Face calls a column of lists.
LISTS = ("Sequence", "List", "LargeList")


class Stop(Exception):
    """Reading ends here; args: the code and what it is told with."""


def tell(**line: Any) -> None:
    """One line to the parent."""
    sys.stdout.write(json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n")


def main(path: str, form: str, memory: int, seconds: int, columns: int, longest: int) -> None:
    """Read the file and tell its rows."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        schema, batches = (parquet if form == "parquet" else arrow)(path, columns)
        features = features_of(schema)
        tell(columns=list(schema.names))
        for batch in batches:
            for told in rows_of(batch, features):
                line = json.dumps(told, ensure_ascii=True, separators=(",", ":"))
                sys.stdout.write((line if len(line) <= longest else json.dumps({"bad": "long"})) + "\n")
        tell(end=True)
    except Stop as stop:
        tell(stop=stop.args[0], **stop.args[1])
    except MemoryError:
        tell(stop="memory")
    except Exception as error:  # whatever a damaged file makes of pyarrow
        import pyarrow  # noqa: PLC0415 - it may be what failed

        tell(stop="memory" if isinstance(error, pyarrow.ArrowMemoryError) else "damaged", why=str(error)[:200])
    sys.stdout.flush()


def parquet(path: str, most: int) -> tuple[Any, Iterator[Any]]:
    """Schema and batches of a Parquet file."""
    from pyarrow import parquet as pq  # noqa: PLC0415 - the limits are set first

    size = os.path.getsize(path)
    with open(path, "rb") as file:
        if file.read(4) != b"PAR1" or size < 12:
            raise Stop("no_parquet", {})
        file.seek(-8, os.SEEK_END)
        footer, magic = int.from_bytes(file.read(4), "little"), file.read(4)
    if magic != b"PAR1" or footer > size - 12:
        raise Stop("cut_off", {})
    if footer > FOOTER:
        raise Stop("footer", {"size": footer})
    limits = {"thrift_string_size_limit": WORDS, "thrift_container_size_limit": CONTAINERS}
    file = pq.ParquetFile(path, memory_map=False, **limits)
    if file.metadata.num_columns > most:
        raise Stop("columns", {"count": file.metadata.num_columns})
    return file.schema_arrow, file.iter_batches(batch_size=BATCH, use_threads=False)


def arrow(path: str, most: int) -> tuple[Any, Iterator[Any]]:
    """Schema and batches of an Arrow stream, as `save_to_disk` of datasets writes it, or of an Arrow file (Feather)."""
    from pyarrow import ipc  # noqa: PLC0415

    with open(path, "rb") as start:
        is_file = start.read(6) == b"ARROW1"
    reader = ipc.open_file(path) if is_file else ipc.open_stream(open(path, "rb"))  # noqa: SIM115 - read to the end
    if len(reader.schema.names) > most:
        raise Stop("columns", {"count": len(reader.schema.names)})
    batches = (reader.get_batch(k) for k in range(reader.num_record_batches)) if is_file else iter(reader)
    return reader.schema, (part for batch in batches for part in parts_of(batch))


def parts_of(batch: Any) -> Iterator[Any]:
    """A batch in small parts, once its offsets are known to be right."""
    batch.validate(full=False)
    for start in range(0, batch.num_rows, BATCH):
        part = batch.slice(start, BATCH)
        yield part


def features_of(schema: Any) -> dict[str, Any]:
    """What Hugging Face's datasets notes of the columns: names of classes."""
    try:
        noted = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = noted["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return features if isinstance(features, dict) else {}


def rows_of(batch: Any, features: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """{"row"} or {"bad"} for each row; a cell that cannot be read costs its row alone."""
    names = batch.schema.names
    cells = [cells_of(batch.column(place)) for place in range(len(names))]
    for values in zip(*cells, strict=True):
        row: dict[str, Any] = {}
        bad = next((name for name, value in zip(names, values, strict=True) if isinstance(value, Exception)), None)
        if bad is not None:
            yield {"bad": "bytes", "column": bad}
            continue
        for name, value in zip(names, values, strict=True):
            row[name] = plain(value, features.get(name))
        yield {"row": row}


def cells_of(column: Any) -> list[Any]:
    """The cells as Python's values, an exception in place of one that has none."""
    try:
        found: list[Any] = column.to_pylist()
        return found
    except MemoryError:
        raise
    except Exception:
        return [cell_of(cell) for cell in column]


def cell_of(cell: Any) -> Any:
    """One cell."""
    try:
        return cell.as_py()
    except MemoryError:
        raise
    except Exception as error:
        return error


def plain(value: Any, feature: Any = None) -> Any:
    """The value as JSON has it: classes by name, times in ISO, no NaN."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        names = feature.get("names") if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" else None
        if isinstance(names, list):
            return names[value] if 0 <= value < len(names) else None
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        inner = feature if isinstance(feature, dict) and "_type" not in feature else {}
        return {str(key): plain(part, inner.get(key)) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        one = feature.get("feature") if isinstance(feature, dict) and feature.get("_type") in LISTS else None
        one = feature[0] if isinstance(feature, list) and feature else one
        return [plain(part, one) for part in value]
    return other(value)


def other(value: Any) -> Any:
    """What JSON has no form of."""
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"bytes": base64.b64encode(value[:1000]).decode(), "size": len(value)}
    return str(value)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:7]))

"""Reads Parquet and Arrow files, in a child process with bounded memory, as rows; classes come by their names."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from annotation.reading import limits
from annotation.reading.datasets import adapted
from annotation.reading.json_values import settled
from annotation.reading.opening import chunks_of, is_packed
from annotation.reading.row import Broken, Options, Row, Unreadable, at
from annotation.text.words import _, gettext_noop

CHILD = Path(__file__).with_name("arrow_child.py")
MEMORY = 2 * 1024**3  # address space of the child, of which it needs a fifth for nothing
SECONDS, PREVIEW_SECONDS = 3600, 15  # of its processor time
# A line of the child holds a row, in ASCII.
LINE = 6 * limits.MAX_LINE

_STOPS = {
    "no_parquet": gettext_noop("The file is no Parquet file."),
    "cut_off": gettext_noop("The Parquet file is cut off; upload it again."),
    "footer": gettext_noop("The Parquet file's list of contents takes {size}, which is too much; save it as .jsonl."),
    "columns": gettext_noop("The file has {count} columns; at most {most} are taken."),
    "memory": gettext_noop("The file unpacks to more than there is memory for; save it in smaller row groups, or as .jsonl."),
    "damaged": gettext_noop("The file is damaged; make it again and upload it again."),
}  # fmt: skip
_BAD = {
    "bytes": gettext_noop("column “{column}” holds bytes that are no text."),
    "long": gettext_noop("it is longer than {most} characters. Split it before importing it."),
}


def parquet(path: Path, options: Options) -> Iterator[Row]:
    """A row for each row of a Parquet file."""
    return _rows(path, "parquet", options)


def arrow(path: Path, options: Options) -> Iterator[Row]:
    """A row for each row of an Arrow stream or file."""
    return _rows(path, "arrow", options)


def _rows(path: Path, form: str, options: Options) -> Iterator[Row]:
    number = total = 0
    with _plain(path) as plain, _told(plain, form, quick=math.isfinite(options.work.left)) as lines:
        columns: list[str] = []
        for line in lines:
            total += len(line)
            if total > limits.MAX_UNPACKED:
                sentence = _("The file unpacks to more than {size}; import it in parts.")
                raise Broken(sentence.format(size=limits.size(limits.MAX_UNPACKED)))
            options.work.spend(len(line) + limits.STEP)
            told = json.loads(line)
            if "columns" in told:
                columns = told["columns"]
            elif "stop" in told:
                raise Broken(_stopped(told))
            elif "end" in told:
                if not number:
                    raise Unreadable(_("The file holds no rows."))
                return
            else:
                number += 1
                yield _row(number, told, line, columns, options)
        raise Broken(_(_STOPS["damaged"]))


def _row(number: int, told: dict[str, Any], line: str, columns: list[str], options: Options) -> Row:
    if "bad" in told:
        problem = _(_BAD[told["bad"]]).format(column=told.get("column", ""), most=f"{limits.MAX_LINE:,}")
        return Row(number, None, at("Row", number, problem))
    value, problem_ = settled(told["row"], line, "utf-8")
    if problem_:
        return Row(number, None, at("Row", number, problem_))
    return Row(number, adapted(value, options.told), None)


def _stopped(told: dict[str, Any]) -> str:
    size, count = told.get("size", 0), told.get("count", 0)
    sentence = _(_STOPS[told["stop"]])
    return sentence.format(size=limits.size(size), count=f"{count:,}", most=f"{limits.MAX_COLUMNS:,}")


@contextmanager
def _told(path: Path, form: str, *, quick: bool) -> Iterator[Iterator[str]]:
    """The lines that the child says; it is gone afterwards, however far it was read."""
    seconds = PREVIEW_SECONDS if quick else SECONDS
    numbers = map(str, (MEMORY, seconds, limits.MAX_COLUMNS, LINE))
    # One thread and the plain allocator: what the file asks for is bounded, not multiplied.
    environment = {"PATH": os.environ.get("PATH", ""), "ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen(
        [sys.executable, "-I", str(CHILD), str(path), form, *numbers],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        encoding="ascii",
    )
    try:
        assert child.stdout is not None
        yield iter(child.stdout)
    finally:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


@contextmanager
def _plain(path: Path) -> Iterator[Path]:
    """The file without gzip."""
    if not is_packed(path):
        yield path
        return
    with tempfile.NamedTemporaryFile() as copy:
        for chunk in chunks_of(path):
            copy.write(chunk)
        copy.flush()
        yield Path(copy.name)

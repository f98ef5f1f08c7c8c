"""An archive that Assay has exported, read back as the one table that it was."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from annotation.reading import limits
from annotation.reading.opening import open_archive

_PARTS = ("train", "dev", "test")


@contextmanager
def exported(path: Path) -> Iterator[tuple[str, Iterator[bytes]] | None]:
    """(format, bytes of its splits as one file) of an export of Assay; None for any other file."""
    if not zipfile.is_zipfile(path):
        yield None
        return
    with open_archive(path) as (archive, _file):
        names = set(archive.namelist())
        found = {suffix: [f"data/{part}.{suffix}" for part in _PARTS] for suffix in ("jsonl", "csv")}
        whole = [
            suffix
            for suffix, members in found.items()
            if {"manifest.json", *members} <= names and "labels.json" not in names
        ]
        yield (whole[0], _joined(archive, found[whole[0]])) if whole else None


def _joined(archive: zipfile.ZipFile, members: list[str]) -> Iterator[bytes]:
    """The members one after the other; of tables only the first keeps its header."""
    header = b""
    for place, name in enumerate(members):
        with archive.open(name) as file:
            if name.endswith(".csv"):
                line = file.readline(limits.CHUNK)
                if not place:
                    header = line
                if not place or line != header:
                    yield line
            while chunk := file.read(limits.CHUNK):
                yield chunk

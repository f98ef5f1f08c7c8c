"""PURE. Files into a folder or a zip, the same bytes each time, with their checksums as the last of them."""

import hashlib
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any, NamedTuple

from annotation.text.words import _
from evaluation.formats.release import File

# The earliest time that a zip can state: the same content is the same bytes, whenever it is exported.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
SUMS = "SHA256SUMS"
# What is packed already, and would only cost time.
PACKED = (".parquet", ".spacy")


class Written(NamedTuple):
    """What became of a file: its SHA-256 in hexadecimal, and its bytes."""

    digest: str
    size: int


# name -> what became of it; it grows while the files are written, so that the last of them can tell of the others.
Sums = dict[str, Written]


def into_folder(folder: Path, files: Iterable[File], sums: Sums) -> None:
    """Raises ValueError for a folder that holds files already."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(_("The folder {folder} holds files already; name a new one.").format(folder=folder))
    for name, chunks in files:
        path = folder / _checked(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            sums[name] = _pour(chunks, file.write)
    (folder / SUMS).write_bytes(_listed(sums))


def into_zip(target: IO[bytes], files: Iterable[File], sums: Sums) -> None:
    """A zip into an open binary file."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, chunks in files:
            with archive.open(_entry(_checked(name)), "w", force_zip64=True) as file:
                sums[name] = _pour(chunks, file.write)
        archive.writestr(_entry(SUMS), _listed(sums))


def _checked(name: str) -> str:
    """A name that leads nowhere else: whatever the writers make of ids, no file lands outside of its folder."""
    parts = name.split("/")
    assert not any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts), name
    return name


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, ZIP_TIME)
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(PACKED) else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    return entry


def _pour(chunks: Iterable[bytes], write: Callable[[bytes], Any]) -> Written:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        write(chunk)
    return Written(digest.hexdigest(), size)


def _listed(sums: Sums) -> bytes:
    """As sha256sum writes it."""
    return "".join(f"{written.digest}  {name}\n" for name, written in sums.items()).encode()

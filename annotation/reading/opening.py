"""Opens a file: its bytes without gzip, and archives that unpack to a bearable size."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from annotation.reading import limits
from annotation.reading.row import Broken, Unreadable
from annotation.text.words import _, gettext_noop


def is_packed(path: Path) -> bool:
    """Whether it is packed with gzip."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def chunks_of(path: Path) -> Iterator[bytes]:
    """Bytes of the file, unpacked, CHUNK at most each."""
    total, packed = 0, is_packed(path)
    with gzip.open(path) if packed else path.open("rb") as file:
        while True:
            try:
                chunk = file.read1(limits.CHUNK)
            except (EOFError, OSError, zlib.error) as error:
                if not packed:
                    raise
                raise Broken(_("The compressed file is damaged or cut off; upload it again.")) from error
            if not chunk:
                return
            total += len(chunk)
            if packed and total > limits.MAX_UNPACKED:
                sentence = _("The file unpacks to more than {size}; unpack it and import it in parts.")
                raise Broken(sentence.format(size=limits.size(limits.MAX_UNPACKED)))
            yield chunk


def beginning(chunks: Iterable[bytes], size: int) -> bytes:
    """At least so many bytes where there are, and no more chunks than that takes."""
    parts = []
    for chunk in chunks:
        parts.append(chunk)
        size -= len(chunk)
        if size <= 0:
            break
    return b"".join(parts)


@contextmanager
def _seekable(path: Path) -> Iterator[IO[bytes]]:
    """The file for readers that jump in it: archives and workbooks; a .gz of one is unpacked to a temporary file."""
    if not is_packed(path):
        with path.open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as copy:
        for chunk in chunks_of(path):
            copy.write(chunk)
            if copy.tell() > limits.MAX_ARCHIVE:
                sentence = _("The file unpacks to more than {size}; import it in parts.")
                raise Unreadable(sentence.format(size=limits.size(limits.MAX_ARCHIVE)))
        copy.seek(0)
        yield copy


_NOT_WHOLE = gettext_noop("The file is not a whole .xlsx or .zip file; make it again and upload it again.")
# What zipfile and the decompressors below it raise on damaged bytes.
ARCHIVE_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, RuntimeError, ValueError, IndexError, OverflowError),
)


@contextmanager
def open_archive(path: Path) -> Iterator[tuple[zipfile.ZipFile, IO[bytes]]]:
    """An opened zip whose members, by its own directory, unpack to a bearable size; zipfile reads no more than that."""
    with _seekable(path) as file:
        packed = file.seek(0, io.SEEK_END)
        _refuse_large_directory(file, packed)
        try:
            archive = zipfile.ZipFile(file)
        except ARCHIVE_ERRORS as error:
            raise Unreadable(_(_NOT_WHOLE)) from error
        total = sum(member.file_size for member in archive.infolist())
        if total > limits.MAX_ARCHIVE or (total > limits.RATIO_FROM and total > limits.MAX_RATIO * packed):
            sentence = _(
                "The archive of {packed} says that it unpacks to {total}, which is too much; import its files in parts."
            )
            raise Unreadable(sentence.format(packed=limits.size(packed), total=limits.size(total)))
        yield archive, file


def _refuse_large_directory(file: IO[bytes], size: int) -> None:
    """zipfile loads the whole directory, and a small archive can list millions of members: their number is read first."""
    file.seek(max(0, size - 65_557))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise Unreadable(_(_NOT_WHOLE))
    members = int.from_bytes(tail[at + 10 : at + 12], "little")
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    if members > limits.MAX_MEMBERS or directory > limits.MAX_MEMBERS * 1000:
        sentence = _("The archive holds more than {most} files; split it, or put one text on a line.")
        raise Unreadable(sentence.format(most=f"{limits.MAX_MEMBERS:,}"))
    file.seek(0)

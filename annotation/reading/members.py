"""The files of an archive: their names, those that count, and sentences about them."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from annotation.reading.encodings import fits
from annotation.reading.fasttext import PREFIX
from annotation.reading.opening import ARCHIVE_ERRORS, open_archive
from annotation.reading.row import Unreadable
from annotation.text.words import _


def members_of(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Files of the archive but folders and what macOS puts in."""
    found = [member for member in archive.infolist() if not member.filename.endswith("/")]
    return [member for member in found if "__MACOSX/" not in member.filename and PurePosixPath(member.filename).name[:1] != "."]  # fmt: skip


def contents(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """(name, content to be read at once) of each file of an archive but links and locked ones; raises Unreadable."""
    with open_archive(path) as (archive, _file):
        for member in members_of(archive):
            if is_link(member) or member.flag_bits & 1:
                continue
            try:
                with archive.open(member) as content:
                    yield member_name(member), content
            except ARCHIVE_ERRORS as error:
                raise Unreadable(in_file(member_name(member), _("damaged in the archive. Pack it again."))) from error


def begins_with_label(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """Whether it is a .txt file of fastText."""
    if not member.filename.lower().endswith(".txt") or is_link(member) or member.flag_bits & 1:
        return False
    try:
        with archive.open(member) as file:
            return file.read(len(PREFIX)) == PREFIX.encode()
    except ARCHIVE_ERRORS:
        return False


def is_link(member: zipfile.ZipInfo) -> bool:
    """Whether it is a symbolic link; its content is where it points to, and no text."""
    return stat.S_ISLNK(member.external_attr >> 16)


def in_file(name: str, problem: str) -> str:
    """What is wrong with a file of the archive."""
    return _('File "{name}": {problem}').format(name=name, problem=problem)


def member_name(member: zipfile.ZipInfo) -> str:
    """The name; archives made on Chinese Windows hold it in the local encoding, which zipfile takes for cp437."""
    if member.flag_bits & 0x800 or member.filename.isascii():
        return member.filename
    try:
        raw = member.filename.encode("cp437")
    except UnicodeEncodeError:
        return member.filename
    codec = next((name for name in ("utf-8", "gb18030") if fits(raw, name)), "cp437")
    return raw.decode(codec, "replace")

"""The files of an archive: their names, those that count, and sentences about them."""

from __future__ import annotations

import stat
import zipfile
from pathlib import PurePosixPath

from annotation.reading.encodings import fits
from annotation.text.words import _


def members_of(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Files of the archive but folders and what macOS puts in."""
    found = [member for member in archive.infolist() if not member.filename.endswith("/")]
    return [member for member in found if "__MACOSX/" not in member.filename and PurePosixPath(member.filename).name[:1] != "."]  # fmt: skip


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

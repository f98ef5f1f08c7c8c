"""Reads archives: each text file in a .zip is a document."""

from __future__ import annotations

import dataclasses
import itertools
import zipfile
from collections.abc import Iterator
from pathlib import Path

from annotation.reading import limits
from annotation.reading.encodings import bom, fits
from annotation.reading.formats import EXTENSIONS
from annotation.reading.opening import ARCHIVE_ERRORS, open_archive
from annotation.reading.plain import whole_text
from annotation.reading.row import Options, Row, Unreadable
from annotation.text.words import _


def _members_of(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Files of the archive but folders and what macOS puts in."""
    found = [member for member in archive.infolist() if not member.filename.endswith("/")]
    return [member for member in found if "__MACOSX/" not in member.filename and Path(member.filename).name[:1] != "."]


def _is_text(member: zipfile.ZipInfo) -> bool:
    return EXTENSIONS.get(member.filename.lower().rpartition(".")[2]) == "txt"


def text_chunks(path: Path) -> Iterator[bytes]:
    """Bytes of all texts of an archive, one after the other, for finding the encoding; damaged ones are passed over."""
    with open_archive(path) as (archive, _file):
        for member in filter(_is_text, _members_of(archive)):
            try:
                with archive.open(member) as file:
                    while chunk := file.read(limits.CHUNK):
                        yield chunk
            except ARCHIVE_ERRORS:
                continue


def rows(path: Path, options: Options) -> Iterator[Row]:
    """A row for each file of the archive."""
    with open_archive(path) as (archive, _file):
        members = _members_of(archive)
        if not any(map(_is_text, members)):
            raise Unreadable(_("The archive holds no .txt file; unpack it and import its files one by one."))
        for number, member in enumerate(members, 1):
            yield _member_row(archive, number, member, options)


def _member_row(archive: zipfile.ZipFile, number: int, member: zipfile.ZipInfo, options: Options) -> Row:
    name = _member_name(member)
    if not _is_text(member):
        return Row(number, None, _in_file(name, _("not a .txt file. Import it on its own.")))
    if member.flag_bits & 1:
        return Row(number, None, _in_file(name, _("locked by a password. Pack it again without one.")))
    try:
        with archive.open(member) as file:
            head = file.read(4)
            chunks = itertools.chain((head,) if head else (), iter(lambda: file.read(limits.CHUNK), b""))
            own = dataclasses.replace(options, encoding=bom(head) or options.encoding)
            text, problem = whole_text(chunks, own)
    except ARCHIVE_ERRORS:
        text, problem = "", _("damaged in the archive. Pack it again.")
    if not problem and not text.strip():
        problem = _("empty. Leave it out.")
    return Row(number, None, _in_file(name, problem)) if problem else Row(number, {"file": name, "text": text}, None)


def _in_file(name: str, problem: str) -> str:
    return _('File "{name}": {problem}').format(name=name, problem=problem)


def _member_name(member: zipfile.ZipInfo) -> str:
    """The name; archives made on Chinese Windows hold it in the local encoding, which zipfile takes for cp437."""
    if member.flag_bits & 0x800 or member.filename.isascii():
        return member.filename
    try:
        raw = member.filename.encode("cp437")
    except UnicodeEncodeError:
        return member.filename
    codec = next((name for name in ("utf-8", "gb18030") if fits(raw, name)), "cp437")
    return raw.decode(codec, "replace")

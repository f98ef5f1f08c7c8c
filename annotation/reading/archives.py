"""Reads archives: each text file in a .zip is a document."""

from __future__ import annotations

import dataclasses
import itertools
import zipfile
from collections.abc import Iterator
from pathlib import Path

from annotation.reading import limits
from annotation.reading.encodings import bom
from annotation.reading.formats import EXTENSIONS
from annotation.reading.members import in_file, is_link, member_name, members_of
from annotation.reading.opening import ARCHIVE_ERRORS, open_archive
from annotation.reading.plain import whole_text
from annotation.reading.row import Options, Row, Unreadable
from annotation.text.words import _


def _is_text(member: zipfile.ZipInfo) -> bool:
    return EXTENSIONS.get(member.filename.lower().rpartition(".")[2]) == "txt"


def text_chunks(path: Path) -> Iterator[bytes]:
    """Bytes of all texts of an archive, one after the other, for finding the encoding; damaged ones are passed over."""
    with open_archive(path) as (archive, _file):
        for member in filter(_is_text, members_of(archive)):
            try:
                with archive.open(member) as file:
                    while chunk := file.read(limits.CHUNK):
                        yield chunk
            except ARCHIVE_ERRORS:
                continue


def rows(path: Path, options: Options) -> Iterator[Row]:
    """A row for each file of the archive."""
    with open_archive(path) as (archive, _file):
        members = members_of(archive)
        if not any(map(_is_text, members)):
            raise Unreadable(_("The archive holds no .txt file; unpack it and import its files one by one."))
        for number, member in enumerate(members, 1):
            yield _member_row(archive, number, member, options)


def _member_row(archive: zipfile.ZipFile, number: int, member: zipfile.ZipInfo, options: Options) -> Row:
    name = member_name(member)
    if not _is_text(member):
        return Row(number, None, in_file(name, _("not a .txt file. Import it on its own.")))
    if is_link(member):
        return Row(number, None, in_file(name, _("a link to another file. Pack the file itself.")))
    if member.flag_bits & 1:
        return Row(number, None, in_file(name, _("locked by a password. Pack it again without one.")))
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
    return Row(number, None, in_file(name, problem)) if problem else Row(number, {"file": name, "text": text}, None)

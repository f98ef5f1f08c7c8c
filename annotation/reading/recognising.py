"""Tells a file's format by its first bytes rather than by its name, and refuses other kinds in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Set
from pathlib import Path
from typing import Any

from annotation.reading import doccano, fasttext, labelstudio, limits, prodigy, tokens
from annotation.reading.archives import text_chunks
from annotation.reading.encodings import codec_for, decoded
from annotation.reading.formats import EXTENSIONS, FORMATS
from annotation.reading.json_values import DECODER
from annotation.reading.members import begins_with_label
from annotation.reading.opening import beginning, chunks_of, open_archive
from annotation.reading.row import Options, Unreadable
from annotation.reading.separators import best_delimiter
from annotation.text.words import _, gettext_noop

_FOREIGN_KINDS = (
    (
        b"\xd0\xcf\x11\xe0",
        gettext_noop("This is an old Excel or Word file, or one with a password; save it as .xlsx without a password."),
    ),
    (b"%PDF-", gettext_noop("This is a PDF; export its text or table as .txt, .csv or .xlsx.")),
    (b"\x89PNG", gettext_noop("This is an image; upload texts.")),
    (b"\xff\xd8\xff", gettext_noop("This is an image; upload texts.")),
    (b"7z\xbc\xaf", gettext_noop("This is a 7z archive; unpack it, or pack it as .zip.")),
    (b"Rar!", gettext_noop("This is a RAR archive; unpack it, or pack it as .zip.")),
    (b"SQLite format 3", gettext_noop("This is an SQLite database; export its table as .csv.")),
    (b"{\\rtf", gettext_noop("This is a rich text file; save it as plain text (.txt).")),
)


_TOOLS: tuple[tuple[str, str, Callable[[Any], bool]], ...] = (
    ("labelstudio", "Label Studio", labelstudio.looks_like),
    ("prodigy", "Prodigy", prodigy.looks_like),
    ("doccano", "doccano", doccano.looks_like),
)
BINARY = ("xlsx", "zip", "parquet", "arrow", "spacy", "brat", "folder")
# Files of an archive by which it is told.
LOOKED = 50
# Ends of names of data files in an archive.
TABLES = ("jsonl", "ndjson", "json", "csv", "tsv", "spacy", "conll", "bio", "iob", "bioes", "bmes")


def recognise(
    path: Path, filename: str, format: str | None, encoding: str | None, said: list[str]
) -> tuple[str, str, str | None]:
    """Format, beginning of the text (empty for archives) and codec (None for workbooks)."""
    head = beginning(chunks_of(path), limits.HEAD)
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"):
        raise Unreadable(_("The file is empty."))
    named = EXTENSIONS.get(re.sub(r"\.gz$", "", filename.lower()).rpartition(".")[2])
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _recognise_archive(path, format, encoding, said)
    if binary := _binary(head, named):
        return _as_given(binary, format), "", None
    for magic, sentence in _FOREIGN_KINDS:
        if head.startswith(magic):
            raise Unreadable(_(sentence))
    if named in BINARY or format in BINARY:
        if format:
            sentence = _("The file is not {format} file; choose the format it has.")
            raise Unreadable(sentence.format(format=_article(format)))
        said.append(_("The file is named .{ending} but is plain text; it was read as text.").format(ending=named))
        named = None
    codec, warning = codec_for(chunks_of(path), encoding)
    if warning:
        said.append(warning)
    text = "".join(decoded((head,), Options(encoding=codec)))
    _refuse_binary(text)
    return format or _text_format(text, named, said), text, codec


def _recognise_archive(
    path: Path, format: str | None, encoding: str | None, said: list[str]
) -> tuple[str, str, str | None]:
    with open_archive(path) as (archive, _file):
        names = set(archive.namelist())
        labelled = any(begins_with_label(archive, member) for member in archive.infolist()[:LOOKED])
    if "word/document.xml" in names or "ppt/presentation.xml" in names or "mimetype" in names:
        raise Unreadable(_("This is a text, slide or OpenDocument file; save it as .xlsx, .csv or .txt."))
    found = (
        "xlsx"
        if "[Content_Types].xml" in names or "xl/workbook.xml" in names
        else _archive_of(names, labelled=labelled)
    )
    if format and format != found and not (format == "zip" and found != "xlsx"):
        sentence = _("The file is {found} file, not {format} file; choose {right}.")
        raise Unreadable(sentence.format(found=_article(found), format=_article(format), right=found))
    found = format or found
    if found != "zip":
        return found, "", None
    codec, warning = codec_for(text_chunks(path), encoding)
    if warning:
        said.append(warning)
    return found, "", codec


def _archive_of(names: Set[str], *, labelled: bool) -> str:
    """brat where there are annotations beside texts, a folder where there are data files and no texts alone, or zip."""
    endings = Counter(re.sub(r"\.gz$", "", name.lower()).rpartition(".")[2] for name in names if "__MACOSX" not in name)
    if endings["ann"] and endings["txt"]:
        return "brat"
    tables = sum(endings[name] for name in TABLES)
    return "folder" if labelled or endings["parquet"] or endings["arrow"] or (tables and not endings["txt"]) else "zip"


def _binary(head: bytes, named: str | None) -> str:
    """The format of bytes that are no text; '' for others."""
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"ARROW1") or (head.startswith(b"\xff\xff\xff\xff") and named == "arrow"):
        return "arrow"
    is_zlib = head[:1] == b"\x78" and int.from_bytes(head[:2], "big") % 31 == 0
    return (
        "spacy"
        if is_zlib and (named == "spacy" or head[1:2] in (b"\x9c", b"\xda")) and not head[:200].isascii()
        else ""
    )


def _as_given(found: str, format: str | None) -> str:
    if format and format != found:
        sentence = _("The file is {found} file, not {format} file; choose {right}.")
        raise Unreadable(sentence.format(found=_article(found), format=_article(format), right=found))
    return found


def _article(format: str) -> str:
    return _("an .{ending}").format(ending=format) if format == "xlsx" else _("a .{ending}").format(ending=format)


def _refuse_binary(text: str) -> None:
    sample = text[:20_000]
    odd = sum(letter < "\x20" and letter not in "\t\n\r\f\x0b\x1b" for letter in sample)
    if odd > 0.05 * len(sample):
        raise Unreadable(_("This is not a text file; upload one of {formats}.").format(formats=", ".join(FORMATS)))


def _text_format(text: str, named: str | None, said: list[str]) -> str:
    if text.lstrip()[:1] in ("{", "[") and named in (None, "json", "jsonl"):
        found = _json_or_jsonl(text.lstrip(), named)
        if named and named != found:
            sentence = _("The file is named .{ending} but is written as {found}; it was read as {found}.")
            said.append(sentence.format(ending=named, found=found))
        return _foreign(text.lstrip(), found, said)
    if named in (None, "txt", "csv", "tsv") and tokens.looks_like(text):
        said.append(_("The file has a token and its tag on each line; it was read as sentences with marks (conll)."))
        return "conll"
    if named in (None, "txt") and fasttext.looks_like(text):
        said.append(_("Each line begins with {prefix}; it was read as fastText.").format(prefix=fasttext.PREFIX))
        return "fasttext"
    if named:
        return named
    best, share = best_delimiter(text, "\t,;")
    return "txt" if share < 0.9 else "tsv" if best == "\t" else "csv"


def _foreign(text: str, found: str, said: list[str]) -> str:
    """The tool that the first record is written by; the format itself where it is none that is known."""
    record = _first_record(text, found)
    for name, tool, looks_like in _TOOLS:
        if (found == "jsonl" or name == "labelstudio") and looks_like(record):
            said.append(_("It is an export of {tool} and was read as such.").format(tool=tool))
            return name
    return found


def _first_record(text: str, found: str) -> Any:
    """The first record as far as the beginning of the file holds it whole; None where it does not."""
    try:
        return DECODER.raw_decode(text[1:].lstrip() if found == "json" and text[0] == "[" else text)[0]
    except (ValueError, RecursionError):
        return None


def _json_or_jsonl(text: str, named: str | None) -> str:
    """JSON Lines when a second value follows the first without a comma."""
    try:
        value, end = DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return "json" if text[0] == "[" else named or "json"
    if text[end:].lstrip()[:1] in ("{", "["):
        return "jsonl"
    one_line = isinstance(value, dict) and "\n" not in text[:end]
    return "jsonl" if named == "jsonl" and one_line else "json"

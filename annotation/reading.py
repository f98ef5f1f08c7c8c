"""Reads an uploaded file of any format as a stream of rows, and says in a sentence what is wrong with a row."""

from __future__ import annotations

import codecs
import csv
import datetime
import functools
import gzip
import io
import itertools
import json
import lzma
import math
import re
import struct
import tempfile
import unicodedata
import warnings as python_warnings
import zipfile
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

import openpyxl
from charset_normalizer import from_bytes

from annotation.text.words import _, gettext_noop

CHUNK = 256 * 1024  # bytes read at once
HEAD = 1024 * 1024  # bytes looked at to tell the format
SCAN = 64 * 1024 * 1024  # bytes looked at to tell the encoding
MAX_LINE = 20_000_000  # characters of one line, record or document
MAX_WHOLE = 64_000_000  # characters of a JSON table written column by column, which must be held in memory
MAX_DEPTH = 100  # lists and objects inside each other
MAX_BROKEN = 10_000  # records of one JSON list that may be no JSON; finding the next one is slow
MAX_UNPACKED = 2 * 1024**3  # bytes that a .gz may unpack to; it is streamed, so this bounds time, not memory
MAX_ARCHIVE = 512 * 1024**2  # bytes that the members of a .zip or .xlsx may unpack to together
MAX_STRINGS = 128 * 1024**2  # bytes of a workbook's table of texts, which is held in memory
MAX_MEMBERS = 20_000
MAX_RATIO = 200  # unpacked to packed, looked at above RATIO_FROM bytes
RATIO_FROM = 16 * 1024**2
MAX_SHEET_ROWS = 1_048_576
MAX_COLUMNS = 16_384
PREVIEW = 10
SNIFFED_ROWS = 200

FORMATS = ("csv", "tsv", "json", "jsonl", "xlsx", "txt", "zip")
EXTENSIONS = {
    **{name: name for name in FORMATS},
    "tab": "tsv",
    "ndjson": "jsonl",
    "jsonlines": "jsonl",
    "xlsm": "xlsx",
    "text": "txt",
    "md": "txt",
}
MARKER_COLUMN = "_assay"

# The csv module refuses cells over 128 kB, and a filing is longer. The limit belongs to the process; it is only raised.
csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE))


class Unreadable(ValueError):
    """A file that cannot be read as a whole; the message is a sentence for the person who uploaded it."""


class _Broken(Unreadable):
    """A file that cannot be read further than here: fatal at its start, later a problem of one row."""


class Row(NamedTuple):
    """One record, or what is wrong with it.

    `number` is the line (csv, tsv, jsonl, txt: the first of the record), the sheet row (xlsx), the record (json) or the
    member (zip), counted from 1. Exactly one of `values` and `problem` is None.
    """

    number: int
    values: dict[str, Any] | None
    problem: str | None


@dataclass(frozen=True)
class Sniffed:
    """What a file seems to be: the arguments that `rows` needs, the first rows, and what was guessed, in sentences."""

    format: str
    encoding: str | None
    delimiter: str | None
    columns: list[str]
    preview: list[dict[str, Any]]
    warnings: list[str]
    sheets: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Options:
    encoding: str = "utf-8"
    delimiter: str | None = None
    header: bool = True
    columns: tuple[str, ...] = ()
    sheet: str | None = None
    document_per: str = "line"
    root: str | None = None


class _Line(NamedTuple):
    number: int
    text: str
    problem: str | None


class _Record(NamedTuple):
    number: int
    cells: list[str]
    problem: str | None


def rows(
    path: str | Path,
    *,
    format: str,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool = True,
    columns: Sequence[str] | None = None,
    sheet: str | None = None,
    document_per: str = "line",
    root: str | None = None,
) -> Iterator[Row]:
    """Stream the rows of a file; a broken record becomes a Row with a problem and reading goes on.

    `format` is one of FORMATS; a .gz of each is unpacked on the way. `encoding` None is found out. `columns` replaces
    the header, or names the cells where `header` is False or the format is txt (with `delimiter`, which then splits
    from the right: `sentence@label`). `sheet` names a worksheet, `document_per` is 'line' or 'file' (txt), `root` is
    the dotted name of the list inside a JSON object. Raises Unreadable at once for options that cannot be, at the first
    row for a file that is empty or not of this format. Memory is bounded except for a workbook's texts (MAX_STRINGS).
    """
    if format not in _READERS:
        sentence = _('"{format}" is not a format that can be read; choose one of {formats}.')
        raise Unreadable(sentence.format(format=format, formats=", ".join(FORMATS)))
    if document_per not in ("line", "file"):
        raise Unreadable(_('A document can be a "line" or a "file", not "{given}".').format(given=document_per))
    path = Path(path)
    options = _Options(
        encoding="" if format == "xlsx" else _codec(path, format, encoding)[0],
        delimiter=_one_delimiter(format, delimiter),
        header=header,
        columns=_given(columns),
        sheet=sheet or None,
        document_per=document_per,
        root=root or None,
    )
    return _until_broken(_READERS[format](path, options))


def sniff(
    path: str | Path,
    *,
    filename: str | None = None,
    format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool = True,
    columns: Sequence[str] | None = None,
    sheet: str | None = None,
    document_per: str = "line",
    root: str | None = None,
) -> Sniffed:
    """Tell format, encoding and delimiter of a file and read its first rows; what is given is not guessed.

    `filename` is the name the file was uploaded under, `path` where it lies. `preview` holds at most 10 rows. Raises
    Unreadable for an empty file or one of an unknown kind.
    """
    path = Path(path)
    said: list[str] = []
    found, text, codec = _recognise(path, filename or path.name, format, encoding, said)
    if found in ("csv", "tsv") and not delimiter:
        delimiter = _delimiter(text, found, said)
    if found == "txt" and document_per == "line" and not delimiter and not columns:
        delimiter = _tail_delimiter(text, said)
    names = list(_given(columns)) or (["text", "label"] if found == "txt" and delimiter else [])
    sheets = _survey(path, sheet, said) if found == "xlsx" else []
    stream = rows(
        path,
        format=found,
        encoding=codec,
        delimiter=delimiter,
        header=header,
        columns=names,
        sheet=sheet,
        document_per=document_per,
        root=root,
    )
    seen, preview = _look(stream, said)
    if not seen and found in _TABLES:
        seen = names or _names(next(_TABLES[found](path, _Options(codec or "", delimiter, sheet=sheet))).cells)
        said.append(_("The file has a header but no rows."))
    return Sniffed(found, codec, delimiter, seen, preview, said, sheets)


def _look(stream: Iterator[Row], said: list[str]) -> tuple[list[str], list[dict[str, Any]]]:
    """Columns of the first rows in order of appearance, and the preview; holds few rows, however long they are."""
    columns: dict[str, None] = {}
    preview: list[dict[str, Any]] = []
    problems: list[str] = []
    count = size = 0
    for row in itertools.islice(stream, SNIFFED_ROWS):
        count += 1
        if row.values is None:
            problems.append(row.problem or "")
            continue
        columns.update(dict.fromkeys(row.values))
        if len(preview) < PREVIEW:
            preview.append(row.values)
        size += sum(len(value) for value in row.values.values() if isinstance(value, str))
        if size > MAX_LINE and len(preview) == PREVIEW:
            break
    if problems:
        sentence = _("{bad} of the first {count} rows cannot be read. {problem}")
        said.append(sentence.format(bad=len(problems), count=count, problem=problems[0]))
    return list(columns), preview


def _until_broken(found: Iterator[Row]) -> Iterator[Row]:
    last = 0
    try:
        for row in found:
            last = row.number
            yield row
    except _Broken as error:
        if not last:
            raise
        yield Row(last + 1, None, _("{problem} The rows before this place were read.").format(problem=error))


def _one_delimiter(format: str, delimiter: str | None) -> str | None:
    if format not in ("csv", "tsv"):
        return delimiter or None
    delimiter = delimiter or ("\t" if format == "tsv" else ",")
    if len(delimiter) > 1 or delimiter in '"\r\n':
        sentence = _("The separator of a table is one character and no quote or line end, not {given}.")
        raise Unreadable(sentence.format(given=repr(delimiter)))
    return delimiter


def _given(columns: Sequence[str] | None) -> tuple[str, ...]:
    names = tuple(name.strip() for name in columns or ())
    if len(set(names)) < len(names) or not all(names):
        raise Unreadable(_("The given column names must be different from each other and not empty."))
    return names


_PLACES = {
    "Line": gettext_noop("Line {number}: {problem}"),
    "Row": gettext_noop("Row {number}: {problem}"),
    "Record": gettext_noop("Record {number}: {problem}"),
    "Record, line": gettext_noop("Record {number} (line {line}): {problem}"),
}


def _at(place: str, number: int, problem: str, *, line: int = 0) -> str:
    """What is wrong where: a sentence that begins with the place."""
    return _(_PLACES[place]).format(number=number, problem=problem, line=line)


# --- bytes ------------------------------------------------------------------------------------------------------------


@contextmanager
def _opened(path: Path) -> Iterator[tuple[io.BufferedReader | gzip.GzipFile, bool]]:
    """The file, unpacked where it is gzip, and whether it is."""
    with path.open("rb") as plain:
        packed = plain.read(2) == b"\x1f\x8b"
        plain.seek(0)
        if packed:
            with gzip.open(plain) as unpacked:
                yield unpacked, True
        else:
            yield plain, False


def _chunks(path: Path) -> Iterator[bytes]:
    """Bytes of the file, unpacked, CHUNK at most each."""
    total = 0
    with _opened(path) as (file, packed):
        while True:
            try:
                chunk = file.read1(CHUNK)
            except (EOFError, OSError, zlib.error) as error:
                if not packed:
                    raise
                raise _Broken(_("The compressed file is damaged or cut off; upload it again.")) from error
            if not chunk:
                return
            total += len(chunk)
            if packed and total > MAX_UNPACKED:
                sentence = _("The file unpacks to more than {size}; unpack it and import it in parts.")
                raise _Broken(sentence.format(size=_size(MAX_UNPACKED)))
            yield chunk


def _head(chunks: Iterable[bytes], size: int) -> bytes:
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
    with _opened(path) as (_file, packed):
        pass
    if not packed:
        with path.open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as copy:
        for chunk in _chunks(path):
            copy.write(chunk)
            if copy.tell() > MAX_ARCHIVE:
                sentence = _("The file unpacks to more than {size}; import it in parts.")
                raise Unreadable(sentence.format(size=_size(MAX_ARCHIVE)))
        copy.seek(0)
        yield copy


NOT_WHOLE = gettext_noop("The file is not a whole .xlsx or .zip file; make it again and upload it again.")
# What zipfile and the decompressors below it raise on damaged bytes.
_ARCHIVE_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, RuntimeError, ValueError, IndexError, OverflowError),
)


@contextmanager
def _archive(path: Path) -> Iterator[tuple[zipfile.ZipFile, IO[bytes]]]:
    """An opened zip whose members, by its own directory, unpack to a bearable size; zipfile reads no more than that."""
    with _seekable(path) as file:
        packed = file.seek(0, io.SEEK_END)
        _refuse_large_directory(file, packed)
        try:
            archive = zipfile.ZipFile(file)
        except _ARCHIVE_ERRORS as error:
            raise Unreadable(_(NOT_WHOLE)) from error
        total = sum(member.file_size for member in archive.infolist())
        if total > MAX_ARCHIVE or (total > RATIO_FROM and total > MAX_RATIO * packed):
            sentence = _(
                "The archive of {packed} says that it unpacks to {total}, which is too much; import its files in parts."
            )
            raise Unreadable(sentence.format(packed=_size(packed), total=_size(total)))
        yield archive, file


def _refuse_large_directory(file: IO[bytes], size: int) -> None:
    """zipfile loads the whole directory, and a small archive can list millions of members: their number is read first."""
    file.seek(max(0, size - 65_557))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise Unreadable(_(NOT_WHOLE))
    members = int.from_bytes(tail[at + 10 : at + 12], "little")
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    if members > MAX_MEMBERS or directory > MAX_MEMBERS * 1000:
        sentence = _("The archive holds more than {most} files; split it, or put one text on a line.")
        raise Unreadable(sentence.format(most=f"{MAX_MEMBERS:,}"))
    file.seek(0)


def _size(count: int) -> str:
    return f"{count / 1e6:,.0f} MB" if count >= 1e6 else _("{count} bytes").format(count=f"{count:,}")


# --- encodings --------------------------------------------------------------------------------------------------------

_BAD, _END = "\udc00", "\udc01"  # decoders never make lone surrogates, so these can mark a place and carry its offset
_MARKS = re.compile(f"{_BAD}([0-9]+){_END}")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Of each kind the first that fits: the second adds characters of Windows to the first.
_CANDIDATES = (("gb18030",), ("big5", "cp950"), ("shift_jis", "cp932"), ("cp1252", "latin-1"))
_SELDOM = frozenset(range(0x81, 0x91)) - {0x85}  # seldom in Western text, common in Japanese
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "utf-8-sig": "utf-8"}
_NOT_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined"})


def _mark_bytes(error: UnicodeError) -> tuple[str, int]:
    """Error handler of codecs: a mark with the distance of the undecodable bytes from the end of what was decoded."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return f"{_BAD}{len(error.object) - error.start}{_END}", error.end


codecs.register_error("assay.mark", _mark_bytes)


def _decoded(chunks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Text of the chunks without BOM; undecodable bytes become a mark with their offset in the file."""
    decoder = codecs.getincrementaldecoder(encoding)("assay.mark")
    fed, start = 0, True
    for chunk in itertools.chain(chunks, (b"",)):
        fed += len(chunk)
        text = decoder.decode(chunk, not chunk)
        if _BAD in text:
            text = _MARKS.sub(functools.partial(_absolute, fed), text)
        if text and start:
            text, start = text.removeprefix("\ufeff"), False
        if text:
            yield text


def _absolute(fed: int, mark: re.Match[str]) -> str:
    return f"{_BAD}{fed - int(mark[1])}{_END}"


def _byte_problem(text: str, encoding: str) -> str | None:
    """What is wrong with the characters of a piece of text, or None; the sentence goes on from a place and a colon."""
    if _BAD in text:
        found = _MARKS.search(text)
        if not found:
            sentence = _("not valid {encoding}. Choose the encoding of the file, or correct this place.")
            return sentence.format(encoding=encoding)
        sentence = _(
            "not valid {encoding} at byte {byte} of the file. Choose the encoding of the file, or correct this place."
        )
        return sentence.format(encoding=encoding, byte=f"{int(found[1]):,}")
    if "\0" in text:
        return _("holds a NUL character, which no text has. Remove it.")
    return None


def _codec(path: Path, format: str, name: str | None) -> tuple[str, str | None]:
    """Name of the codec to use, and a sentence where it was guessed."""
    source = _text_members(path) if format == "zip" else _chunks(path)
    if not name:
        return _detect(source)
    try:
        codec = codecs.lookup(name).name.lower()
        "\n".encode(codec)
    except (LookupError, ValueError, UnicodeError) as error:
        raise _unknown_encoding(name) from error
    if codec.replace("_", "-") in _NOT_CHARSETS:
        raise _unknown_encoding(name)
    if codec in ("utf-16", "utf-32"):
        return _bom(_head(source, 4)) or f"{codec}-le", None
    return _WIDER.get(codec, codec), None


def _unknown_encoding(name: str) -> Unreadable:
    sentence = _('"{name}" is not the name of an encoding; use for example utf-8, gb18030, big5 or cp1252.')
    return Unreadable(sentence.format(name=name))


def _bom(head: bytes) -> str | None:
    return next((codec for mark, codec in _BOMS if head.startswith(mark)), None)


def _detect(chunks: Iterator[bytes]) -> tuple[str, str | None]:
    """BOM, then UTF-8, then UTF-16 by its zero bytes, then a guess among the plausible old encodings."""
    decoder = codecs.getincrementaldecoder("utf-8")("assay.mark")
    head = _head(chunks, CHUNK)
    if marked := _bom(head):
        return marked, None
    right = wrong = seen = 0
    foreign: list[bytes] = []
    for chunk in itertools.chain((head,), chunks):
        text = decoder.decode(chunk)
        if not text.isascii():
            bad = text.count(_BAD)
            wrong += bad
            right += len(text) - len(text.encode("ascii", "ignore")) - 2 * bad
            if sum(map(len, foreign)) < CHUNK:
                foreign.append(_foreign_lines(chunk, first=not foreign))
        seen += len(chunk)
        if seen > SCAN or wrong > max(10_000, right):
            break
    wide = _utf16(head, valid_utf8=not wrong) if b"\0" in head else None
    if wide:
        return wide, _guessed(wide, _("sure"))
    if not wrong:
        return "utf-8", None
    if right > 4 * wrong:
        sentence = _("The file is UTF-8 but for {count} places; rows with such a place are refused.")
        return "utf-8", sentence.format(count=wrong)
    return _guess(b"\n".join(foreign))


def _foreign_lines(chunk: bytes, *, first: bool) -> bytes:
    """The lines that are not plain ASCII, without those cut at the ends of the chunk, perhaps inside a character.

    Before the first such chunk all is ASCII, so its beginning is sound.
    """
    lines = chunk.split(b"\n")[0 if first else 1 : -1]
    return b"\n".join(line for line in lines if not line.isascii()) or (chunk if first else b"")


def _utf16(head: bytes, *, valid_utf8: bool) -> str | None:
    """UTF-16 without BOM: the zero bytes of its ASCII characters stand all at odd or all at even places."""
    zeros = (head[0::2].count(0), head[1::2].count(0))
    if valid_utf8 and sum(zeros) < len(head) / 10:
        return None
    for codec, high, low in (("utf-16-le", 1, 0), ("utf-16-be", 0, 1)):
        if zeros[high] <= 9 * zeros[low]:
            continue
        text = codecs.getincrementaldecoder(codec)("assay.mark").decode(head)
        odd = sum(unicodedata.category(letter) in ("Cn", "Co", "Cs") for letter in text[:4000])
        if odd <= 0.02 * min(len(text), 4000):
            return codec
    return None


def _guess(sample: bytes) -> tuple[str, str]:
    """One of the old encodings, and how sure. Single high bytes among ASCII are Western; CJK bytes come in rows."""
    runs = re.findall(rb"[\x80-\xff]+", sample)
    odd = sum(byte in _SELDOM for run in runs for byte in run)
    western = sum(len(run) == 1 for run in runs) >= 0.8 * len(runs) and odd <= 0.1 * sum(map(len, runs))
    fitting = [name for names in _CANDIDATES if (name := next(filter(lambda n: _fits(sample, n), names), None))]
    if western or len(fitting) == 1:
        return fitting[-1], _guessed(fitting[-1], _("fairly sure") if len(runs) > 4 else _("not sure"))
    matches = from_bytes(sample, cp_isolation=fitting, enable_fallback=False)
    best = matches.best()
    if best is None:
        return fitting[-1], _guessed(fitting[-1], _("not sure"))
    codec = next((name for name in fitting if codecs.lookup(name) == codecs.lookup(best.encoding)), fitting[-1])
    rivals = sum(match.chaos - best.chaos < 0.05 and match.coherence >= best.coherence for match in matches) - 1
    return codec, _guessed(codec, _("not sure") if rivals or sum(map(len, runs)) < 20 else _("fairly sure"))


def _fits(sample: bytes, codec: str) -> bool:
    try:
        codecs.getincrementaldecoder(codec)().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _guessed(codec: str, how: str) -> str:
    return _(
        "The file does not say its encoding; {codec} was guessed ({how}). "
        "Choose another encoding if the preview looks wrong."
    ).format(codec=codec, how=how)


# --- recognising ------------------------------------------------------------------------------------------------------

_FOREIGN_KINDS = (
    (
        b"\xd0\xcf\x11\xe0",
        gettext_noop("This is an old Excel or Word file, or one with a password; save it as .xlsx without a password."),
    ),
    (b"%PDF-", gettext_noop("This is a PDF; export its text or table as .txt, .csv or .xlsx.")),
    (b"PAR1", gettext_noop("This is a Parquet file; export it as .jsonl or .csv.")),
    (b"\x89PNG", gettext_noop("This is an image; upload texts.")),
    (b"\xff\xd8\xff", gettext_noop("This is an image; upload texts.")),
    (b"7z\xbc\xaf", gettext_noop("This is a 7z archive; unpack it, or pack it as .zip.")),
    (b"Rar!", gettext_noop("This is a RAR archive; unpack it, or pack it as .zip.")),
    (b"SQLite format 3", gettext_noop("This is an SQLite database; export its table as .csv.")),
    (b"{\\rtf", gettext_noop("This is a rich text file; save it as plain text (.txt).")),
)


def _recognise(
    path: Path, filename: str, format: str | None, encoding: str | None, said: list[str]
) -> tuple[str, str, str | None]:
    """Format, beginning of the text (empty for archives) and codec (None for workbooks)."""
    head = _head(_chunks(path), HEAD)
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"):
        raise Unreadable(_("The file is empty."))
    named = EXTENSIONS.get(re.sub(r"\.gz$", "", filename.lower()).rpartition(".")[2])
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _recognise_archive(path, format, encoding, said)
    for magic, sentence in _FOREIGN_KINDS:
        if head.startswith(magic):
            raise Unreadable(_(sentence))
    if named in ("xlsx", "zip") or format in ("xlsx", "zip"):
        if format:
            sentence = _("The file is not {format} file; choose the format it has.")
            raise Unreadable(sentence.format(format=_article(format)))
        said.append(_("The file is named .{ending} but is plain text; it was read as text.").format(ending=named))
        named = None
    codec, warning = _codec(path, "txt", encoding)
    if warning:
        said.append(warning)
    text = "".join(_decoded((head,), codec))
    _refuse_binary(text)
    return format or _text_format(text, named, said), text, codec


def _recognise_archive(
    path: Path, format: str | None, encoding: str | None, said: list[str]
) -> tuple[str, str, str | None]:
    with _archive(path) as (archive, _file):
        names = set(archive.namelist())
    if "word/document.xml" in names or "ppt/presentation.xml" in names or "mimetype" in names:
        raise Unreadable(_("This is a text, slide or OpenDocument file; save it as .xlsx, .csv or .txt."))
    found = "xlsx" if "[Content_Types].xml" in names or "xl/workbook.xml" in names else "zip"
    if format and format != found:
        sentence = _("The file is {found} file, not {format} file; choose {right}.")
        raise Unreadable(sentence.format(found=_article(found), format=_article(format), right=found))
    if found == "xlsx":
        return found, "", None
    codec, warning = _codec(path, "zip", encoding)
    if warning:
        said.append(warning)
    return found, "", codec


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
        return found
    if named:
        return named
    best, share, _width = _best_delimiter(text, "\t,;")
    return "txt" if share < 0.9 else "tsv" if best == "\t" else "csv"


def _json_or_jsonl(text: str, named: str | None) -> str:
    """JSON Lines when a second value follows the first without a comma."""
    try:
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return "json" if text[0] == "[" else named or "json"
    if text[end:].lstrip()[:1] in ("{", "["):
        return "jsonl"
    one_line = isinstance(value, dict) and "\n" not in text[:end]
    return "jsonl" if named == "jsonl" and one_line else "json"


def _delimiter(text: str, format: str, said: list[str]) -> str:
    usual = "\t" if format == "tsv" else ","
    best, share, _cells = _best_delimiter(text, "\t" if format == "tsv" and "\t" in text else ",;\t|")
    if best == usual or share < 0.6:
        return usual
    said.append(_("The cells seem to be separated by {separator}.").format(separator=_name_of(best)))
    return best


def _name_of(delimiter: str) -> str:
    return {"\t": _("a tab"), ";": _("a semicolon"), ",": _("a comma")}.get(delimiter, f'"{delimiter}"')


def _best_delimiter(text: str, candidates: str) -> tuple[str, float, int]:
    """The delimiter that gives most rows the same number of cells (two or more), the share of such rows, the number."""
    whole = text if len(text) < HEAD // 4 else text[: HEAD // 4].rpartition("\n")[0]
    scores = []
    for delimiter in candidates:
        try:
            widths = [
                len(cells)
                for cells in itertools.islice(csv.reader(io.StringIO(whole, newline=None), delimiter=delimiter), 100)
            ]
        except csv.Error:
            continue
        widths = [width for width in widths if width]
        usual = max(set(widths), key=widths.count, default=0)
        if usual > 1 and len(widths) > 1:
            scores.append((delimiter, widths.count(usual) / len(widths), usual))
    return max(scores, key=lambda score: score[1:], default=(",", 0.0, 0))


def _tail_delimiter(text: str, said: list[str]) -> str | None:
    """The character before a short, often repeated last part of every line, as in `sentence@label`."""
    lines = [line.strip() for line in text[: HEAD // 4].rpartition("\n")[0].split("\n") if line.strip()][:500]
    for delimiter in "\t@|":
        tails = [line.rpartition(delimiter)[2].strip() for line in lines if delimiter in line]
        short = all(0 < len(tail) <= 40 for tail in tails)
        if len(lines) >= 4 and len(tails) == len(lines) and short and len(set(tails)) <= min(50, len(lines) / 2):
            sentence = _("Every line seems to end in {separator} and a label; clear the separator if not.")
            said.append(sentence.format(separator=_name_of(delimiter)))
            return delimiter
    return None


# --- lines ------------------------------------------------------------------------------------------------------------


def _lines(path: Path, options: _Options) -> Iterator[_Line]:
    """Lines without their end; one over MAX_LINE is passed over without being held, and reported."""
    held: list[str] = []
    size, number, end = 0, 1, ""
    for text in _decoded(_chunks(path), options.encoding):
        end = end or ("\r" if "\r" in text[:-1] and "\n" not in text else "\n")
        for index, part in enumerate(text.split(end)):
            if index:
                yield _line(number, held, size, options.encoding)
                held, size, number = [], 0, number + 1
            size += len(part)
            if size <= MAX_LINE:
                held.append(part)
            else:
                held.clear()
    if size:
        yield _line(number, held, size, options.encoding)


def _line(number: int, parts: list[str], size: int, encoding: str) -> _Line:
    if size > MAX_LINE:
        problem = _("longer than {most} characters. Split the text before importing it.").format(most=f"{MAX_LINE:,}")
        return _Line(number, "", _at("Line", number, problem))
    text = "".join(parts).removesuffix("\r")
    wrong = _byte_problem(text, encoding)
    return _Line(number, text, _at("Line", number, wrong) if wrong else None)


def _text_rows(path: Path, options: _Options) -> Iterator[Row]:
    if options.document_per == "file":
        text, problem = _whole_text(_chunks(path), options.encoding)
        if not text.strip() and not problem:
            raise Unreadable(_("The file is empty."))
        told = _("The file: {problem}").format(problem=problem)
        yield Row(1, None, told) if problem else Row(1, {"text": text}, None)
        return
    names = options.columns or (("text", "label") if options.delimiter else ("text",))
    if len(names) > 1 and not options.delimiter:
        raise Unreadable(_("Say which separator stands between the columns of a line, for example @."))
    empty = True
    for line in _lines(path, options):
        if line.problem:
            yield Row(line.number, None, line.problem)
        elif line.text.strip():
            yield _split(line, names, options.delimiter)
        else:
            continue
        empty = False
    if empty:
        raise Unreadable(_("The file is empty."))


def _split(line: _Line, names: Sequence[str], delimiter: str | None) -> Row:
    """Split at the last delimiters, because the text may hold one and a label does not."""
    parts = line.text.rsplit(delimiter, len(names) - 1) if delimiter and len(names) > 1 else [line.text]
    if len(parts) == len(names):
        return Row(line.number, dict(zip(names, (part.strip() for part in parts), strict=True)), None)
    none = _('no "{separator}" before the {column}. Add it, or leave the line out.')
    few = _('too few "{separator}" before the {column}. Add it, or leave the line out.')
    problem = (none if len(parts) == 1 else few).format(separator=delimiter, column=names[-1])
    return Row(line.number, None, _at("Line", line.number, problem))


def _whole_text(chunks: Iterable[bytes], encoding: str) -> tuple[str, str | None]:
    """One text of many chunks, and what is wrong with it; the sentence goes on from a place and a colon."""
    parts: list[str] = []
    size = 0
    for text in _decoded(chunks, encoding):
        parts.append(text)
        size += len(text)
        if size > MAX_LINE:
            return "", _("longer than {most} characters. Split it before importing it.").format(most=f"{MAX_LINE:,}")
    text = "".join(parts)
    return text, _byte_problem(text, encoding)


# --- tables -----------------------------------------------------------------------------------------------------------


class _Feed:
    """Lines for csv.reader, which remembers those of the present record, so that an unclosed quote can be undone."""

    def __init__(self, lines: Iterator[_Line]) -> None:
        self.lines = lines
        self.again: deque[_Line] = deque()
        self.taken: list[_Line] = []
        self.size = 0

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = self.again.popleft() if self.again else next(self.lines)
        self.taken.append(line)
        self.size += len(line.text)
        if self.size > MAX_LINE:
            raise csv.Error("record too long")
        return line.text + "\n"

    def begin(self) -> None:
        self.taken, self.size = [], 0

    def rewind(self) -> None:
        self.again.extendleft(reversed(self.taken[1:]))


def _csv_records(path: Path, options: _Options) -> Iterator[_Record]:
    """Records with their first line's number. After an unclosed quote reading goes on at the line that follows it."""
    feed = _Feed(_lines(path, options))
    reader = csv.reader(feed, delimiter=options.delimiter or ",", strict=True)
    width = suspect = 0
    while True:
        feed.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            first = feed.taken[0]
            feed.rewind()
            plain = first.text.split("\t") if options.delimiter == "\t" else []
            if width and len(plain) == width and not first.problem:
                yield _Record(first.number, plain, None)  # tab-separated files are often written without quoting
                continue
            suspect = first.number
            yield _Record(first.number, [], first.problem or _quote_problem(feed.taken, error))
            continue
        first, problem = feed.taken[0], next((line.problem for line in feed.taken if line.problem), None)
        stray = suspect and len(feed.taken) == 1 and _stray_quotes(first.text, options.delimiter or ",")
        if stray:
            told = _("seems to belong to the cell whose quote opens in line {line}.").format(line=suspect)
            problem = problem or _at("Line", first.number, told)
            suspect = suspect if stray % 2 == 0 else 0
        if problem or len(cells) > 1 or "".join(cells).strip():
            yield _Record(first.number, cells, problem)
            width = width or (0 if problem else len(cells))


def _stray_quotes(text: str, delimiter: str) -> int:
    """How many quotes of a line stand outside properly quoted cells; an odd number of them opens or closes one."""
    ends = re.escape(delimiter)
    return re.sub(f'(?:^|(?<={ends}))"[^"]*(?:""[^"]*)*"(?={ends}|$)', "", text).count('"')


def _quote_problem(taken: list[_Line], error: csv.Error) -> str:
    first, last = taken[0].number, taken[-1].number
    if "new-line character" in str(error):
        problem = _("a carriage return stands alone. Save the file with ordinary line ends.")
    elif last == first and "unexpected end" not in str(error):
        problem = _('a double quote inside a quoted cell is not doubled. Write "" for each quote inside the cell.')
    else:
        problem = _(
            "a double quote opens a cell and is not closed as it should be (looked for up to line {last}). "
            'Close it, or write "" for a quote inside the cell. Reading goes on in the next line.'
        ).format(last=last)
    return _at("Line", first, problem)


def _table_rows(path: Path, options: _Options, *, format: str, place: str) -> Iterator[Row]:
    """Rows of a table: header, duplicate names, ragged rows, and the undoing of our own export's apostrophes."""
    records = _TABLES[format](path, options)
    first = next(records, None)
    if first is None:
        raise Unreadable(_("The file is empty.") if format != "xlsx" else _("The sheet is empty."))
    if options.header and first.problem:
        raise Unreadable(_("The header cannot be read. {problem}").format(problem=first.problem))
    names = list(options.columns) or _names(first.cells, header=options.header)
    if options.header:
        yield from _double_names(first, options, place)
    else:
        records = itertools.chain((first,), records)
    if options.columns and options.header and len(names) != _width(first.cells):
        sentence = _("{count} column names were given, but the header has {cells} cells.")
        raise Unreadable(sentence.format(count=len(names), cells=_width(first.cells)))
    ours = MARKER_COLUMN in names
    for record in records:
        row = _table_row(record, names, pad=format == "xlsx", place=place)
        if row is not None and ours and row.values is not None:
            row = row._replace(values={k: restore(v) for k, v in row.values.items() if k != MARKER_COLUMN})
        if row is not None:
            yield row


def _table_row(record: _Record, names: list[str], *, pad: bool, place: str) -> Row | None:
    cells, number, width = record.cells, record.number, len(names)
    if record.problem:
        return Row(number, None, record.problem)
    if not any(cells):
        return None
    if len(cells) > width and not any(cells[width:]):
        cells = cells[:width]
    if pad and len(cells) < width:
        cells = cells + [""] * (width - len(cells))
    if len(cells) == width:
        return Row(number, dict(zip(names, cells, strict=True)), None)
    fix = (
        _("Name every column in the header, or clear the cells beyond it.")
        if pad
        else _("Put a cell that holds the separator in double quotes, or add the missing cells.")
    )
    problem = _("{cells} cells, but there are {columns} columns. {fix}").format(
        cells=len(cells), columns=width, fix=fix
    )
    return Row(number, None, _at(place, number, problem))


def _width(cells: list[str]) -> int:
    """Number of cells up to the last that is not empty."""
    return max((index for index, cell in enumerate(cells, 1) if cell.strip()), default=len(cells))


def _names(cells: list[str], *, header: bool = True) -> list[str]:
    """Column names: a nameless one is called column_3, the second `label` becomes `label (2)`."""
    cells = cells[: _width(cells)] if header else cells
    if len(cells) > MAX_COLUMNS:
        sentence = _("The file is not a table: its first row has {count} cells.")
        raise Unreadable(sentence.format(count=f"{len(cells):,}"))
    names: dict[str, None] = {}
    count: Counter[str] = Counter()
    for index, cell in enumerate(cells, 1):
        name = (cell.strip() if header else "") or f"column_{index}"
        unique = name
        while unique in names:
            count[name] += 1
            unique = f"{name} ({count[name] + 1})"
        names[unique] = None
    return list(names)


def _double_names(header: _Record, options: _Options, place: str) -> Iterator[Row]:
    names = Counter(cell.strip() for cell in header.cells if cell.strip())
    double = [name for name, count in names.items() if count > 1]
    if double and not options.columns:
        listed = ", ".join(f'"{name}"' for name in double[:10])
        problem = _(
            'the header names {columns} more than once. The later ones are read as "{first} (2)" and so on; '
            "rename them to be sure."
        ).format(columns=listed, first=double[0])
        yield Row(header.number, None, _at(place, header.number, problem))


_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NEUTRALISED = re.compile(r"'+[=+\-@\t\r]")


def neutralise(cell: str) -> str:
    """Put an apostrophe before a cell that a spreadsheet would run as a formula; `restore` takes it away again."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restore(cell: str) -> str:
    """Undo `neutralise`: restore(neutralise(cell)) == cell for every cell."""
    return cell[1:] if _NEUTRALISED.match(cell) else cell


# --- workbooks --------------------------------------------------------------------------------------------------------


@contextmanager
def _workbook(path: Path) -> Iterator[Any]:
    """An openpyxl workbook of values, not formulas; its XML goes through defusedxml, which refuses entities."""
    with _archive(path) as (archive, file):
        largest = max((member.file_size for member in archive.infolist() if _is_held(member)), default=0)
        if largest > MAX_STRINGS:
            sentence = _("The workbook holds {size} of text, which is too much; save it as .csv.")
            raise Unreadable(sentence.format(size=_size(largest)))
        file.seek(0)
        with _workbook_errors(), python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        try:
            yield book
        finally:
            book.close()


def _is_held(member: zipfile.ZipInfo) -> bool:
    """Whether openpyxl would hold the part in memory as a whole, as it does with the table of texts."""
    return not member.filename.startswith(("xl/worksheets/", "xl/media/"))


@contextmanager
def _workbook_errors() -> Iterator[None]:
    try:
        yield
    except Unreadable:
        raise
    except Exception as error:  # openpyxl raises whatever its parsers stumble over in a damaged file
        raise _Broken(
            _("The workbook is damaged or not an .xlsx workbook; open it in Excel and save it again.")
        ) from error


def _sheet_records(path: Path, options: _Options) -> Iterator[_Record]:
    with _workbook(path) as book, _workbook_errors():
        sheet = _sheet(book, options.sheet)
        for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
            if number > MAX_SHEET_ROWS:
                sentence = _("The sheet has more than {most} rows; save it as .csv.")
                raise _Broken(sentence.format(most=f"{MAX_SHEET_ROWS:,}"))
            cells = [_cell_text(value) for value in values]
            if any(cells):
                yield _Record(number, cells[: _width(cells)], None)


def _sheet(book: Any, name: str | None) -> Any:
    """The named sheet, or the first that holds anything; its own statement of its size is not believed."""
    sheets = book.worksheets
    for sheet in sheets:
        sheet.reset_dimensions()
        if sheet.title == name or (name is None and _has_cells(sheet)):
            return sheet
    if not name:
        raise Unreadable(_("The workbook is empty."))
    listed = ", ".join(f'"{sheet.title}"' for sheet in sheets) or _("none")
    raise Unreadable(_('There is no sheet "{name}" in the workbook; it has {sheets}.').format(name=name, sheets=listed))


def _has_cells(sheet: Any) -> bool:
    first = itertools.islice(sheet.iter_rows(values_only=True), MAX_SHEET_ROWS)
    return any(value not in (None, "") for values in first for value in values)


def _cell_text(value: object) -> str:
    """What a person sees in the cell: 3, not 3.0; 15 digits as Excel shows; dates in ISO."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value:.15g}" if not value.is_integer() or abs(value) >= 1e15 else str(int(value))
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(timespec="seconds")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return value.isoformat(timespec="seconds")
    return str(value)


_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s")
_UNCOMPUTED = re.compile(rb"</(?:\w+:)?f>\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>")


def _survey(path: Path, sheet: str | None, said: list[str]) -> list[str]:
    """Names of the sheets; says which one is read and what cannot be seen from its values."""
    with _workbook(path) as book, _workbook_errors():
        sheets = [found.title for found in book.worksheets]
        chosen = _sheet(book, sheet).title
        if len(sheets) > 1:
            said.append(_('The workbook has {count} sheets; "{name}" is read.').format(count=len(sheets), name=chosen))
    with _archive(path) as (archive, _file), _workbook_errors():
        merged, uncomputed = _sheet_signs(archive)
    if merged:
        said.append(
            _("The workbook has merged cells; only the first cell of each has the value, the others are empty.")
        )
    if uncomputed:
        said.append(_("Some formulas have no stored result and are read as empty; open the file in Excel and save it."))
    return sheets


def _sheet_signs(archive: zipfile.ZipFile) -> tuple[bool, bool]:
    merged = uncomputed = False
    for member in archive.infolist():
        if not member.filename.startswith("xl/worksheets/") or not member.filename.endswith(".xml"):
            continue
        with archive.open(member) as file:
            tail = b""
            while chunk := file.read(CHUNK):
                merged = merged or _MERGED.search(tail + chunk) is not None
                uncomputed = uncomputed or _UNCOMPUTED.search(tail + chunk) is not None
                tail = chunk[-200:]
    return merged, uncomputed


# --- JSON -------------------------------------------------------------------------------------------------------------

_BLANK = re.compile(r"[ \t\r\n]*")
_STRUCTURE = re.compile(r'\\.|["\n\[\]{},]', re.DOTALL)
_LIST_OF_RECORDS = re.compile(r"\[[ \t\r\n]*(.?)", re.DOTALL)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(_("the number {number} is too large").format(number=digits))
    return value


def _constant(name: str) -> None:
    """NaN is how some writers say that nothing is there; an infinite number can be stored nowhere."""
    if name != "NaN":
        raise ValueError(_("{name} is not a number that can be stored").format(name=name))


_DECODER = json.JSONDecoder(parse_float=_float, parse_constant=_constant)


def _json_problem(error: Exception) -> str:
    """The sentence goes on from a place and a colon."""
    if isinstance(error, RecursionError):
        return _("lists and objects are nested more than {most} deep. Flatten the record.").format(most=MAX_DEPTH)
    if isinstance(error, json.JSONDecodeError):
        near = error.doc[max(0, error.pos - 10) : error.pos + 10].strip()
        sentence = _("not valid JSON ({problem}) near {near}. Correct the record.")
        return sentence.format(problem=error.msg, near=repr(near))
    return _("{problem}. Correct the record.").format(problem=str(error)[:100])


def _settled(value: Any, raw: str, encoding: str) -> tuple[Any, str | None]:
    """The value, fit to be stored, or what is wrong with it."""
    if problem := _byte_problem(raw, encoding):
        return None, problem
    if raw.count("[") + raw.count("{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        return None, _json_problem(RecursionError())
    if "\\u" in raw:
        text = json.dumps(value, ensure_ascii=False)
        if re.search(r"(?<!\\)(?:\\\\)*\\u0000", text):
            return None, _("holds a NUL character (\\u0000), which no text has. Remove it.")
        if _LONE_SURROGATE.search(text):
            return json.loads(_LONE_SURROGATE.sub("\ufffd", text)), None
    return value, None


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level := [item for item in level if isinstance(item, (dict, list))]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def _jsonl_rows(path: Path, options: _Options) -> Iterator[Row]:
    empty = True
    for line in _lines(path, options):
        if line.problem:
            yield Row(line.number, None, line.problem)
        elif line.text.strip():
            yield _jsonl_row(line, options.encoding)
        else:
            continue
        empty = False
    if empty:
        raise Unreadable(_("The file is empty."))


def _jsonl_row(line: _Line, encoding: str) -> Row:
    try:
        value, problem = _settled(_DECODER.decode(line.text), line.text, encoding)
    except (ValueError, RecursionError) as error:
        value, problem = None, _json_problem(error)
    if not problem and not isinstance(value, dict):
        problem = _('not an object. Write each record as {"text": ...} on a line of its own.')
    return Row(line.number, None, _at("Line", line.number, problem)) if problem else Row(line.number, value, None)


class _TooLong(ValueError):
    """A JSON value that is longer than may be held."""


class _Stream:
    """Decoded text looked at from its front: values are taken off one by one, and more is read when one is cut off."""

    def __init__(self, texts: Iterator[str]) -> None:
        self.texts = texts
        self.buffer = ""
        self.at = 0
        self.passed = 0  # line ends before the buffer
        self.broken = 0  # values passed over

    def grow(self) -> bool:
        """Drop what was taken and at least double the rest, so that a long value is not decoded too often."""
        self.passed += self.buffer.count("\n", 0, self.at)
        parts = [self.buffer[self.at :]]
        wanted, got = max(CHUNK, len(parts[0])), 0
        while got < wanted and (text := next(self.texts, None)):
            parts.append(text)
            got += len(text)
        self.buffer, self.at = "".join(parts), 0
        return got > 0

    def line(self) -> int:
        return self.passed + self.buffer.count("\n", 0, self.at) + 1

    def peek(self) -> str:
        """Move to the next character that is not blank and return it; '' at the end."""
        while True:
            blank = _BLANK.match(self.buffer, self.at)
            self.at = blank.end() if blank else self.at
            if self.at < len(self.buffer):
                return self.buffer[self.at]
            if not self.grow():
                return ""

    def value(self, limit: int) -> tuple[Any, str]:
        """Take off one value; return it with its raw text. Raises ValueError or RecursionError and stays before it."""
        self.peek()
        while True:
            failure = None
            try:
                value, end = _DECODER.raw_decode(self.buffer, self.at)
            except json.JSONDecodeError as error:
                if not error.msg.startswith("Unterminated") and error.pos < len(self.buffer) - 16:
                    raise
                value, end, failure = None, len(self.buffer), error  # perhaps only cut off by the end of the buffer
            if end - self.at > limit:
                raise _TooLong(_("longer than {most} characters").format(most=f"{limit:,}"))
            if end == len(self.buffer):
                if self.grow():
                    continue
                end = len(self.buffer)
            if failure:
                raise failure
            raw = self.buffer[self.at : end]
            self.at = end
            return value, raw

    def skip(self) -> None:
        """Move past a value without decoding or holding it, to the comma or bracket after it, or to the end."""
        depth, quoted = 0, False
        while True:
            end = self.at
            for found in _STRUCTURE.finditer(self.buffer, self.at):
                mark, end = found[0], found.end()
                if quoted:
                    quoted = mark not in ('"', "\n")  # a string cannot hold a line end: there a broken one is over
                elif mark == '"':
                    quoted = True
                elif depth == 0 and mark in ",]}":
                    self.at = found.start()
                    return
                else:
                    depth += (mark in "[{") - (mark in "]}")
            # A backslash at the very end belongs to the character that comes next.
            self.at = len(self.buffer) - (end < len(self.buffer) and self.buffer.endswith("\\"))
            if not self.grow():
                self.at = len(self.buffer)
                return

    def opens_records(self) -> bool:
        """Whether a list of objects or of lists begins here."""
        while (found := _LIST_OF_RECORDS.match(self.buffer, self.at)) and not found[1] and self.grow():
            pass
        return bool(found and found[1] and found[1] in "[{")


class _Element(NamedTuple):
    number: int
    value: Any
    problem: str | None


def _json_rows(path: Path, options: _Options) -> Iterator[Row]:
    stream = _Stream(_decoded(_chunks(path), options.encoding))
    start = stream.peek()
    if start == "[":
        elements = _elements(stream, options.encoding)
    elif start == "{":
        elements = _members(stream, options.encoding, options.root)
    else:
        foreign = _("The file is not JSON: it begins with neither [ nor {.")
        raise Unreadable(_("The file is empty.") if not start else foreign)
    names = list(options.columns)
    count = 0
    for element in elements:
        count = element.number
        if not names and isinstance(element.value, list):
            names = [f"column_{index}" for index in range(1, len(element.value) + 1)]
        yield _json_row(element, names)
    if not count:
        raise Unreadable(_("The file holds an empty list: there is no record in it."))
    if start == "[" and stream.peek():
        problem = _at("Line", stream.line(), _("more text follows the end of the list. It was not read."))
        yield Row(count + 1, None, problem)


def _json_row(element: _Element, names: list[str]) -> Row:
    number, value, problem = element
    if problem:
        return Row(number, None, problem)
    if isinstance(value, dict):
        return Row(number, value, None)
    if isinstance(value, str):
        return Row(number, {"text": value}, None)
    if isinstance(value, list) and len(value) == len(names):
        return Row(number, dict(zip(names, value, strict=True)), None)
    if isinstance(value, list):
        told = _("{values} values, but there are {columns} columns.").format(values=len(value), columns=len(names))
        return Row(number, None, _at("Record", number, told))
    return Row(number, None, _at("Record", number, _('neither an object nor a text. Write it as {"text": ...}.')))


def _elements(stream: _Stream, encoding: str) -> Iterator[_Element]:
    """Elements of the list at the front; a broken one is passed over by its brackets."""
    stream.at += 1
    number = 0
    while (mark := stream.peek()) not in ("]", ""):
        number += 1
        yield _element(stream, number, encoding)
        mark = stream.peek()
        if mark == ",":
            stream.at += 1
        elif mark and mark not in "[{]":
            problem = _("no comma after record {record}. The rest was not read.").format(record=number)
            yield _Element(number + 1, None, _at("Line", stream.line(), problem))
            stream.at, stream.texts = len(stream.buffer), iter(())
            return
    if mark:
        stream.at += 1
    else:
        problem = _("the file is cut off before the end of the list.")
        yield _Element(number + 1, None, _at("Record", number + 1, problem))


def _element(stream: _Stream, number: int, encoding: str) -> _Element:
    place, line = "Record", 0
    try:
        value, problem = _settled(*stream.value(MAX_LINE), encoding)
    except (ValueError, RecursionError) as error:
        value, problem, place, line = None, _json_problem(error), "Record, line", stream.line()
        stream.skip()
        stream.broken += 1
        if stream.broken > MAX_BROKEN:
            told = _("more than {most} records are broken; the rest was not read.").format(most=f"{MAX_BROKEN:,}")
            raise _Broken(_at(place, number, told, line=line)) from error
    return _Element(number, value, _at(place, number, problem, line=line) if problem else None)


def _members(stream: _Stream, encoding: str, root: str | None) -> Iterator[_Element]:
    """Records inside the object at the front: a list in it, objects by their id, or a table column by column.

    The first list of objects is taken unless `root` names another. Objects by id are streamed with their id as `key`.
    A table by columns is held in memory up to MAX_WHOLE characters.
    """
    held: dict[str, Any] = {}
    size = number = 0
    wanted, _dot, deeper = (root or "").partition(".")
    for key in _keys(stream, encoding):
        if root:
            if key == root and stream.peek() == "[":
                yield from _elements(stream, encoding)
                return
            if key == wanted and deeper and stream.peek() == "{":
                yield from _members(stream, encoding, deeper)
                return
            stream.skip()
        elif stream.opens_records():
            yield from _elements(stream, encoding)
            return
        elif number:
            number += 1
            yield _keyed(key, _element(stream, number, encoding))
        else:
            held[key], raw = _value(stream, encoding)
            size += len(raw)
            if _by_id(held):
                for number, (name, value) in enumerate(held.items(), 1):
                    yield _keyed(name, _Element(number, value, None))
            elif size > MAX_WHOLE:
                sentence = _("A JSON table by columns over {size} cannot be read; save it as JSONL.")
                raise Unreadable(sentence.format(size=_size(MAX_WHOLE)))
    if root:
        raise Unreadable(_('There is no list named "{name}" in the file.').format(name=root))
    if not number:
        if stream.peek() in ("{", "["):
            raise Unreadable(_("A second value follows the first; the file seems to be JSON Lines: choose jsonl."))
        yield from _held_records(held)


def _keys(stream: _Stream, encoding: str) -> Iterator[str]:
    """Keys of the object at the front; after each the caller takes the value."""
    stream.at += 1
    while stream.peek() == '"':
        key, _raw = _value(stream, encoding)
        if stream.peek() != ":":
            break
        stream.at += 1
        stream.peek()
        yield key
        if stream.peek() != ",":
            break
        stream.at += 1
    if stream.peek() != "}":
        problem = _("the JSON breaks here; it is cut off or a comma or quote is missing.")
        raise _Broken(_at("Line", stream.line(), problem))
    stream.at += 1


def _value(stream: _Stream, encoding: str) -> tuple[Any, str]:
    """A value that the rest hangs on, and its raw text."""
    try:
        value, raw = stream.value(MAX_WHOLE)
        value, problem = _settled(value, raw, encoding)
    except (ValueError, RecursionError) as error:
        raw, problem = "", _json_problem(error)
    if problem:
        raise _Broken(_at("Line", stream.line(), problem))
    return value, raw


def _by_id(held: dict[str, Any]) -> bool:
    """Whether the first two members are objects with a common, worded field, which makes their keys ids."""
    if len(held) != 2 or not all(isinstance(value, dict) for value in held.values()):
        return False
    first, second = held.values()
    return any(not name.isdecimal() for name in first.keys() & second.keys())


def _keyed(key: str, element: _Element) -> _Element:
    if isinstance(element.value, dict):
        return element._replace(value={"key": key, **element.value})
    return element


def _held_records(held: dict[str, Any]) -> Iterator[_Element]:
    """Records of an object that was read whole."""
    columns = list(held.values())
    if held and all(isinstance(column, list) for column in columns) and len({len(column) for column in columns}) == 1:
        for number, values in enumerate(zip(*columns, strict=True), 1):
            yield _Element(number, dict(zip(held, values, strict=True)), None)
    elif held and all(isinstance(column, dict) and all(map(str.isdecimal, column)) for column in columns):
        for number, index in enumerate(dict.fromkeys(itertools.chain(*columns)), 1):
            yield _Element(number, {name: column.get(index) for name, column in held.items()}, None)
    elif len(held) == 1 and isinstance(columns[0], dict):
        yield _keyed(next(iter(held)), _Element(1, columns[0], None))
    elif held and not any(isinstance(column, (dict, list)) for column in columns):
        yield _Element(1, held, None)
    else:
        listed = ", ".join(f'"{name}"' for name in itertools.islice(held, 20)) or _("none")
        sentence = _("There is no list of records in the file; the names in it are {names}. Save it as JSONL.")
        raise Unreadable(sentence.format(names=listed))


# --- archives ---------------------------------------------------------------------------------------------------------


def _members_of(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Files of the archive but folders and what macOS puts in."""
    found = [member for member in archive.infolist() if not member.filename.endswith("/")]
    return [member for member in found if "__MACOSX/" not in member.filename and Path(member.filename).name[:1] != "."]


def _is_text(member: zipfile.ZipInfo) -> bool:
    return EXTENSIONS.get(member.filename.lower().rpartition(".")[2]) == "txt"


def _text_members(path: Path) -> Iterator[bytes]:
    """Bytes of all texts of an archive, one after the other, for finding the encoding; damaged ones are passed over."""
    with _archive(path) as (archive, _file):
        for member in filter(_is_text, _members_of(archive)):
            try:
                with archive.open(member) as file:
                    while chunk := file.read(CHUNK):
                        yield chunk
            except _ARCHIVE_ERRORS:
                continue


def _archive_rows(path: Path, options: _Options) -> Iterator[Row]:
    with _archive(path) as (archive, _file):
        members = _members_of(archive)
        if not any(map(_is_text, members)):
            raise Unreadable(_("The archive holds no .txt file; unpack it and import its files one by one."))
        for number, member in enumerate(members, 1):
            yield _member_row(archive, number, member, options.encoding)


def _member_row(archive: zipfile.ZipFile, number: int, member: zipfile.ZipInfo, encoding: str) -> Row:
    name = _member_name(member)
    if not _is_text(member):
        return Row(number, None, _in_file(name, _("not a .txt file. Import it on its own.")))
    if member.flag_bits & 1:
        return Row(number, None, _in_file(name, _("locked by a password. Pack it again without one.")))
    try:
        with archive.open(member) as file:
            head = file.read(4)
            chunks = itertools.chain((head,) if head else (), iter(lambda: file.read(CHUNK), b""))
            text, problem = _whole_text(chunks, _bom(head) or encoding)
    except _ARCHIVE_ERRORS:
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
    codec = next((name for name in ("utf-8", "gb18030") if _fits(raw, name)), "cp437")
    return raw.decode(codec, "replace")


# --- what the columns hold --------------------------------------------------------------------------------------------

# The earlier name wins; a column is used once.
_FIELD_NAMES = {
    "text": "text sentence sentences content body document review comment message narrative post tweet"
    " 正文 文本 内容 句子 评论 原文",
    "id": "id doc_id document_id item_id text_id uid uuid guid 编号 序号 key index idx file",
    "title": "title headline subject 标题 题目",
    "label": "label labels sentiment class category gold gold_label target 标签 类别 情感 分类 rating stars",
    "annotations": "annotations annotation votes 标注",
    "split": "split subset fold partition 划分",
    "published_at": "published_at published publish_date pub_date pubdate date dates datetime time timestamp created_at"
    " filing_date 发布时间 发布日期 日期 时间",
    "source_type": "source_type type source 来源类型 类型 来源 渠道",
    "language": "language lang locale 语言 语种",
    "issuer": "issuer company company_name ticker symbol bank 发行人 公司 公司名称 股票代码",
    "url": "url link href uri 链接 网址",
}
_BY_WORD = ("text", "label", "published_at")  # fields also known by one word of a longer name, as in `our_true_label`


def guess_mapping(columns: Sequence[str], preview: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Guess which column holds which field, by common English and Chinese names; fields without a column are left out.

    Fields: id, text, title, source_type, language, published_at, issuer, url, label, annotations, split. Where no name
    tells the text, it is the column with the longest strings in `preview`, a title too if it is the longest.
    """
    plain = {column: re.sub(r"[\s\-.]+", "_", column.strip().casefold()) for column in columns}
    mapping: dict[str, str] = {}
    for by_word in (False, True):
        for name, known in _FIELD_NAMES.items():
            free = [column for column in columns if column not in mapping.values()]
            if name not in mapping and (not by_word or name in _BY_WORD):
                found = _named(free, plain, known.split(), by_word=by_word)
                mapping.update({name: found} if found else {})
    if "text" not in mapping:
        free = [column for column in columns if column not in mapping.values() or column == mapping.get("title")]
        longest = max(free, key=lambda column: _mean_length(column, preview), default=None)
        if longest is not None and longest == mapping.get("title"):
            del mapping["title"]
        mapping.update({"text": longest} if longest is not None else {})
    return mapping


def _named(columns: list[str], plain: dict[str, str], known: list[str], *, by_word: bool) -> str | None:
    for word in known:
        for column in columns:
            if plain[column] == word or (by_word and word in plain[column].split("_")):
                return column
    return None


def _mean_length(column: str, preview: Sequence[dict[str, Any]]) -> float:
    lengths = [len(value) for row in preview if isinstance(value := row.get(column), str)]
    return sum(lengths) / len(lengths) if lengths else 0.0


# --- the formats ------------------------------------------------------------------------------------------------------

_TABLES: dict[str, Callable[[Path, _Options], Iterator[_Record]]] = {
    "csv": _csv_records,
    "tsv": _csv_records,
    "xlsx": _sheet_records,
}
_READERS: dict[str, Callable[[Path, _Options], Iterator[Row]]] = {
    "csv": functools.partial(_table_rows, format="csv", place="Line"),
    "tsv": functools.partial(_table_rows, format="tsv", place="Line"),
    "xlsx": functools.partial(_table_rows, format="xlsx", place="Row"),
    "json": _json_rows,
    "jsonl": _jsonl_rows,
    "txt": _text_rows,
    "zip": _archive_rows,
}

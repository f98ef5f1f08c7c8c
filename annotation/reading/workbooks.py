"""Reads Excel workbooks: one sheet's cells as a person sees them."""

from __future__ import annotations

import datetime
import itertools
import re
import warnings as python_warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from openpyxl.reader.excel import ExcelReader
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.xml.constants import ARC_STYLE, SHARED_STRINGS, SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

from annotation.reading import limits
from annotation.reading.opening import open_archive
from annotation.reading.row import Broken, Options, Row, Unreadable
from annotation.reading.tables import Record, filled_width, table_rows
from annotation.text.words import _

# Where the head of a sheet does not say its size, openpyxl parses all of the sheet for it, at the opening of the book.
# Nothing here believes the size; an openpyxl without this method would only be slow.
ReadOnlyWorksheet._get_size = lambda sheet: None


_ITEM, _PLAIN, _RICH = (f"{{{SHEET_MAIN_NS}}}{name}" for name in ("si", "t", "r"))


class _Texts:
    """A workbook's table of texts, read as far as the cells ask for it: the first rows seldom need all of it."""

    def __init__(self, source: IO[bytes], work: limits.Work) -> None:
        self.known: list[str] = []
        self.rest = _texts(source, work)

    def __getitem__(self, place: int) -> str:
        while len(self.known) <= place:
            text = next(self.rest, None)
            if text is None:
                raise IndexError(place)
            self.known.append(text)
        return self.known[place]


def _texts(source: IO[bytes], work: limits.Work) -> Iterator[str]:
    """The texts as openpyxl joins them: what is plain or rich, without phonetic hints. What was read is let go."""
    table, depth = None, 0
    for event, node in iterparse(source, events=("start", "end")):
        if event == "start":
            table, depth = node if table is None else table, depth + 1
            continue
        depth -= 1
        work.spend(limits.TAG)
        if depth == 1 and table is not None:
            if node.tag == _ITEM:
                yield "".join(_parts(node)).replace("x005F_", "")
            table.clear()


def _parts(node: Any) -> Iterator[str]:
    for part in node:
        if part.tag == _PLAIN:
            yield part.text or ""
        elif part.tag == _RICH:
            yield from (run.text or "" for run in part if run.tag == _PLAIN)


def _load(file: IO[bytes], work: limits.Work) -> Any:
    """openpyxl's load_workbook, but for the table of texts, which it would make objects of as a whole."""
    reader = ExcelReader(file, read_only=True, data_only=True, keep_links=False)

    def read_strings() -> None:
        part = reader.package.find(SHARED_STRINGS)
        if part is not None:
            reader.shared_strings = _Texts(reader.archive.open(part.PartName[1:]), work)

    reader.read_strings = read_strings
    reader.read()
    return reader.wb


@contextmanager
def _workbook(path: Path, work: limits.Work) -> Iterator[Any]:
    """An openpyxl workbook of values, not formulas; its XML goes through defusedxml, which refuses entities."""
    with open_archive(path) as (archive, file):
        largest = max((member.file_size for member in archive.infolist() if _is_held(member)), default=0)
        if largest > limits.MAX_STRINGS:
            sentence = _("The workbook holds {size} of text, which is too much; save it as .csv.")
            raise Unreadable(sentence.format(size=limits.size(largest)))
        styles = max((member.file_size for member in archive.infolist() if member.filename == ARC_STYLE), default=0)
        if styles > limits.MAX_STYLES:
            sentence = _("The workbook holds {size} of cell styles, which is too much; save it as .csv.")
            raise Unreadable(sentence.format(size=limits.size(styles)))
        file.seek(0)
        with _workbook_errors(), python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            book = _load(file, work)
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
    except (Unreadable, limits.Enough):
        raise
    except Exception as error:  # openpyxl raises whatever its parsers stumble over in a damaged file
        raise Broken(
            _("The workbook is damaged or not an .xlsx workbook; open it in Excel and save it again.")
        ) from error


def rows(path: Path, options: Options) -> Iterator[Row]:
    """A row for each row of the sheet below the header that holds anything."""
    return table_rows(records(path, options), options, in_sheet=True)


def records(path: Path, options: Options) -> Iterator[Record]:
    """The rows of the sheet that hold anything, with their numbers in it."""
    with _workbook(path, options.work) as book, _workbook_errors():
        sheet = _sheet(book, options)
        for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
            if number > limits.MAX_SHEET_ROWS:
                sentence = _("The sheet has more than {most} rows; save it as .csv.")
                raise Broken(sentence.format(most=f"{limits.MAX_SHEET_ROWS:,}"))
            options.work.spend(limits.STEP * (1 + len(values)))
            cells = [_cell_text(value) for value in values]
            if any(cells):
                yield Record(number, cells[: filled_width(cells)], None)


def _sheet(book: Any, options: Options) -> Any:
    """The named sheet, or the first that holds anything; its own statement of its size is not believed."""
    name, sheets = options.sheet, book.worksheets
    for sheet in sheets:
        sheet.reset_dimensions()
        if sheet.title == name or (not name and _has_cells(sheet, options.work)):
            return sheet
    if not name:
        raise Unreadable(_("The workbook is empty."))
    listed = ", ".join(f'"{sheet.title}"' for sheet in sheets) or _("none")
    raise Unreadable(_('There is no sheet "{name}" in the workbook; it has {sheets}.').format(name=name, sheets=listed))


def _has_cells(sheet: Any, work: limits.Work) -> bool:
    for values in itertools.islice(sheet.iter_rows(values_only=True), limits.MAX_SHEET_ROWS):
        work.spend(limits.STEP * (1 + len(values)))
        if any(value not in (None, "") for value in values):
            return True
    return False


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


def survey(path: Path, options: Options, said: list[str]) -> list[str]:
    """Names of the sheets; says which one is read and what cannot be seen from its values."""
    with _workbook(path, options.work) as book, _workbook_errors():
        sheets = [found.title for found in book.worksheets]
        with suppress(limits.Enough):
            chosen = _sheet(book, options).title
            if len(sheets) > 1:
                sentence = _('The workbook has {count} sheets; "{name}" is read.')
                said.append(sentence.format(count=len(sheets), name=chosen))
    with open_archive(path) as (archive, _file), _workbook_errors():
        merged, uncomputed = _sheet_signs(archive)
    if merged:
        said.append(
            _("The workbook has merged cells; only the first cell of each has the value, the others are empty.")
        )
    if uncomputed:
        said.append(_("Some formulas have no stored result and are read as empty; open the file in Excel and save it."))
    return sheets


def _sheet_signs(archive: zipfile.ZipFile) -> tuple[bool, bool]:
    """Whether the sheets have merged cells, and formulas without a result, as far as the first SCAN bytes show."""
    merged = uncomputed = False
    for part in itertools.islice(_sheet_parts(archive), limits.SCAN // limits.CHUNK):
        merged = merged or _MERGED.search(part) is not None
        uncomputed = uncomputed or _UNCOMPUTED.search(part) is not None
    return merged, uncomputed


def _sheet_parts(archive: zipfile.ZipFile) -> Iterator[bytes]:
    """The XML of all sheets piece by piece, each with the end of the one before it."""
    for member in archive.infolist():
        if member.filename.startswith("xl/worksheets/") and member.filename.endswith(".xml"):
            with archive.open(member) as file:
                tail = b""
                while chunk := file.read(limits.CHUNK):
                    yield tail + chunk
                    tail = chunk[-200:]

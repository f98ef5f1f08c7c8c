"""Turns the records of a table into rows: header, double names, ragged rows, our own export's apostrophes."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from annotation.reading import limits
from annotation.reading.formulas import MARKER_COLUMN, restore
from annotation.reading.row import Options, Row, Unreadable, at
from annotation.text.words import _


class Record(NamedTuple):
    """The cells of a record, or what is wrong with it."""

    number: int
    cells: list[str]
    problem: str | None


def table_rows(records: Iterator[Record], options: Options, *, in_sheet: bool) -> Iterator[Row]:
    """Rows of a table; cells missing at the end of a record are empty ones in a sheet, and a fault elsewhere."""
    first = next(records, None)
    if first is None:
        raise Unreadable(_("The sheet is empty.") if in_sheet else _("The file is empty."))
    if options.header and first.problem:
        raise Unreadable(_("The header cannot be read. {problem}").format(problem=first.problem))
    names = list(options.columns) or column_names(first.cells, header=options.header)
    if options.header:
        yield from _double_names(first, options, in_sheet=in_sheet)
    else:
        records = itertools.chain((first,), records)
    if options.columns and options.header and len(names) != filled_width(first.cells):
        sentence = _("{count} column names were given, but the header has {cells} cells.")
        raise Unreadable(sentence.format(count=len(names), cells=filled_width(first.cells)))
    ours = MARKER_COLUMN in names
    for record in records:
        row = _row(record, names, in_sheet=in_sheet)
        if row and row.values and ours:
            row = row._replace(values={k: restore(v) for k, v in row.values.items() if k != MARKER_COLUMN})
        if row:
            yield row


def _row(record: Record, names: list[str], *, in_sheet: bool) -> Row | None:
    cells, number, width = record.cells, record.number, len(names)
    if record.problem:
        return Row(number, None, record.problem)
    if not any(cells):
        return None
    if len(cells) > width and not any(cells[width:]):
        cells = cells[:width]
    if in_sheet and len(cells) < width:
        cells = cells + [""] * (width - len(cells))
    if len(cells) == width:
        return Row(number, dict(zip(names, cells, strict=True)), None)
    fix = (
        _("Name every column in the header, or clear the cells beyond it.")
        if in_sheet
        else _("Put a cell that holds the separator in double quotes, or add the missing cells.")
    )
    problem = _("{cells} cells, but there are {columns} columns. {fix}").format(
        cells=len(cells), columns=width, fix=fix
    )
    return Row(number, None, at(_place(in_sheet), number, problem))


def filled_width(cells: list[str]) -> int:
    """Number of cells up to the last that is not empty."""
    return max((index for index, cell in enumerate(cells, 1) if cell.strip()), default=len(cells))


def column_names(cells: list[str], *, header: bool = True) -> list[str]:
    """Column names: a nameless one is called column_3, the second `label` becomes `label (2)`.

    In a file of our own they are names again, without the apostrophes that disarm them for spreadsheets.
    """
    cells = [cell.strip() for cell in cells[: filled_width(cells)]] if header else cells
    if header and MARKER_COLUMN in cells:
        cells = [restore(cell) for cell in cells]
    if len(cells) > limits.MAX_COLUMNS:
        sentence = _("The file is not a table: its first row has {count} cells.")
        raise Unreadable(sentence.format(count=f"{len(cells):,}"))
    names: dict[str, None] = {}
    count: Counter[str] = Counter()
    for index, cell in enumerate(cells, 1):
        name = (cell if header else "") or f"column_{index}"
        unique = name
        while unique in names:
            count[name] += 1
            unique = f"{name} ({count[name] + 1})"
        names[unique] = None
    return list(names)


def _double_names(header: Record, options: Options, *, in_sheet: bool) -> Iterator[Row]:
    names = Counter(cell.strip() for cell in header.cells if cell.strip())
    double = [name for name, count in names.items() if count > 1]
    if double and not options.columns:
        listed = ", ".join(f'"{name}"' for name in double[:10])
        problem = _(
            'the header names {columns} more than once. The later ones are read as "{first} (2)" and so on; '
            "rename them to be sure."
        ).format(columns=listed, first=double[0])
        yield Row(header.number, None, at(_place(in_sheet), header.number, problem))


def _place(in_sheet: bool) -> str:
    return "Row" if in_sheet else "Line"

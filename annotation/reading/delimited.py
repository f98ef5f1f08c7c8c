"""Reads tables whose cells stand between separators (csv, tsv), and goes on after an unclosed quote."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from annotation.reading import limits
from annotation.reading.lines import Line, lines_of
from annotation.reading.row import Options, Row, at
from annotation.reading.tables import Record, table_rows
from annotation.text.words import _

_PREVIEW_ENDS = "the preview looks no further"
_FILE_ENDS = "unexpected end"  # as the csv module says it


def rows(path: Path, options: Options) -> Iterator[Row]:
    """A row for each record below the header."""
    return table_rows(records(path, options), options, in_sheet=False)


class _Known(csv.Error):
    """The end of a cell was looked for from an earlier line on already, over the same lines."""


class _Feed:
    """Lines for csv.reader, which remembers those of the present record, so that an unclosed quote can be undone.

    A line inside a quoted cell leads on to the next line or not, in whatever line the cell opened. So where no end was
    found up to line `until`, none is found by a record that begins before it, and the lines are not read again for it.
    Otherwise a file with a quote in each line would take time in the square of its length. (After a cell of MAX_LINE a
    record from a later line might look further; it is given up where the first one was.)
    """

    def __init__(self, lines: Iterator[Line], work: limits.Work) -> None:
        self.lines = lines
        self.work = work
        self.again: deque[Line] = deque()
        self.taken: list[Line] = []
        self.size = 0
        self.until = self.looked = 0
        self.why = ""

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if self.taken and self.taken[0].number < self.until:
            raise _Known(self.why)
        if self.again:
            line = self.again.popleft()
            self.work.spend(len(line.text) + limits.STEP)
        else:
            line = next(self.lines)
        self.taken.append(line)
        self.size += len(line.text)
        if self.size > limits.MAX_LINE:
            raise csv.Error("record too long")
        if self.size + limits.STEP * len(self.taken) > self.work.record:
            raise csv.Error(_PREVIEW_ENDS)
        return line.text + "\n"

    def begin(self) -> None:
        self.taken, self.size = [], 0

    def rewind(self, error: csv.Error) -> int:
        """Read on behind the record's first line; the number of the last line that its end was looked for in."""
        if len(self.taken) > 1:
            self.looked, self.why = self.taken[-1].number, str(error)
            # At the end of the file the last line has been passed, too.
            self.until = self.looked + (_FILE_ENDS in self.why)
        self.again.extendleft(reversed(self.taken[1:]))
        return self.looked if isinstance(error, _Known) else self.taken[-1].number


def records(path: Path, options: Options) -> Iterator[Record]:
    """Records with their first line's number. After an unclosed quote reading goes on at the line that follows it."""
    feed = _Feed(lines_of(path, options), options.work)
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
            last = feed.rewind(error)
            plain = first.text.split("\t") if options.delimiter == "\t" else []
            if width and len(plain) == width and not first.problem:
                yield Record(first.number, plain, None)  # tab-separated files are often written without quoting
                continue
            suspect = first.number
            yield Record(first.number, [], first.problem or _quote_problem(first.number, last, error))
            continue
        first, problem = feed.taken[0], next((line.problem for line in feed.taken if line.problem), None)
        stray = suspect and len(feed.taken) == 1 and _stray_quotes(first.text, options.delimiter or ",")
        if stray:
            told = _("seems to belong to the cell whose quote opens in line {line}.").format(line=suspect)
            problem = problem or at("Line", first.number, told)
            suspect = suspect if stray % 2 == 0 else 0
        if problem or len(cells) > 1 or "".join(cells).strip():
            yield Record(first.number, cells, problem)
            width = width or (0 if problem else len(cells))


def _stray_quotes(text: str, delimiter: str) -> int:
    """How many quotes of a line stand outside properly quoted cells; an odd number of them opens or closes one."""
    ends = re.escape(delimiter)
    return re.sub(f'(?:^|(?<={ends}))"[^"]*(?:""[^"]*)*"(?={ends}|$)', "", text).count('"')


def _quote_problem(first: int, last: int, error: csv.Error) -> str:
    if "new-line character" in str(error):
        problem = _("a carriage return stands alone. Save the file with ordinary line ends.")
    elif last == first and _FILE_ENDS not in str(error):
        problem = _('a double quote inside a quoted cell is not doubled. Write "" for each quote inside the cell.')
    elif str(error) == _PREVIEW_ENDS:
        problem = _(
            "a double quote opens a cell that does not end up to line {last}, and the preview looks no further. "
            'If the cell should end before, close it, or write "" for a quote inside the cell.'
        ).format(last=last)
    else:
        problem = _(
            "a double quote opens a cell and is not closed as it should be (looked for up to line {last}). "
            'Close it, or write "" for a quote inside the cell. Reading goes on in the next line.'
        ).format(last=last)
    return at("Line", first, problem)

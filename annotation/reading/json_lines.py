"""Reads JSON Lines: an object on each line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from annotation.reading.json_values import DECODER, json_problem, settled
from annotation.reading.lines import Line, filled_lines
from annotation.reading.row import Options, Row, at
from annotation.text.words import _


def rows(path: Path, options: Options) -> Iterator[Row]:
    """A row for each line that is not blank."""
    for line in filled_lines(path, options):
        yield Row(line.number, None, line.problem) if line.problem else _row(line, options.encoding)


def _row(line: Line, encoding: str) -> Row:
    try:
        value, problem = settled(DECODER.decode(line.text), line.text, encoding)
    except (ValueError, RecursionError) as error:
        value, problem = None, json_problem(error)
    if not problem and not isinstance(value, dict):
        problem = _('not an object. Write each record as {"text": ...} on a line of its own.')
    return Row(line.number, None, at("Line", line.number, problem)) if problem else Row(line.number, value, None)

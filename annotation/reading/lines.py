"""A file as lines, each with its number and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from annotation.reading import limits
from annotation.reading.encodings import byte_problem, decoded
from annotation.reading.opening import chunks_of
from annotation.reading.row import Options, Unreadable, at
from annotation.text.words import _


class Line(NamedTuple):
    """A line, or what is wrong with it."""

    number: int
    text: str
    problem: str | None


def lines_of(path: Path, options: Options) -> Iterator[Line]:
    """Lines without their end; one over MAX_LINE is passed over without being held, and reported."""
    held: list[str] = []
    size, number, end = 0, 1, ""
    for text in decoded(chunks_of(path), options):
        end = end or ("\r" if "\r" in text[:-1] and "\n" not in text else "\n")
        for index, part in enumerate(text.split(end)):
            if index:
                options.work.spend(limits.STEP)
                yield _line(number, held, size, options.encoding)
                held, size, number = [], 0, number + 1
            size += len(part)
            if size <= limits.MAX_LINE:
                held.append(part)
            else:
                held.clear()
    if size:
        yield _line(number, held, size, options.encoding)


def _line(number: int, parts: list[str], size: int, encoding: str) -> Line:
    if size > limits.MAX_LINE:
        problem = _("longer than {most} characters. Split the text before importing it.").format(
            most=f"{limits.MAX_LINE:,}"
        )
        return Line(number, "", at("Line", number, problem))
    text = "".join(parts).removesuffix("\r")
    wrong = byte_problem(text, encoding)
    return Line(number, text, at("Line", number, wrong) if wrong else None)


def filled_lines(path: Path, options: Options) -> Iterator[Line]:
    """The lines that hold more than blanks; a file without any is refused."""
    empty = True
    for line in lines_of(path, options):
        if line.problem or line.text.strip():
            empty = False
            yield line
    if empty:
        raise Unreadable(_("The file is empty."))

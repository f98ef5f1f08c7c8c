"""Reads plain text: a document is a line, perhaps with its label, or the whole file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from annotation.reading import limits
from annotation.reading.encodings import byte_problem, decoded
from annotation.reading.lines import Line, filled_lines
from annotation.reading.opening import chunks_of
from annotation.reading.row import Options, Row, Unreadable, at
from annotation.text.words import _


def rows(path: Path, options: Options) -> Iterator[Row]:
    """A row for each line that is not blank, or one for the file."""
    if options.document_per == "file":
        text, problem = whole_text(chunks_of(path), options)
        if not text.strip() and not problem:
            raise Unreadable(_("The file is empty."))
        told = _("The file: {problem}").format(problem=problem)
        yield Row(1, None, told) if problem else Row(1, {"text": text}, None)
        return
    names = options.columns or (("text", "label") if options.delimiter else ("text",))
    if len(names) > 1 and not options.delimiter:
        raise Unreadable(_("Say which separator stands between the columns of a line, for example @."))
    for line in filled_lines(path, options):
        yield Row(line.number, None, line.problem) if line.problem else _split(line, names, options.delimiter)


def _split(line: Line, names: Sequence[str], delimiter: str | None) -> Row:
    """Split at the last delimiters, because the text may hold one and a label does not."""
    parts = line.text.rsplit(delimiter, len(names) - 1) if delimiter and len(names) > 1 else [line.text]
    if len(parts) == len(names):
        return Row(line.number, dict(zip(names, (part.strip() for part in parts), strict=True)), None)
    none = _('no "{separator}" before the {column}. Add it, or leave the line out.')
    few = _('too few "{separator}" before the {column}. Add it, or leave the line out.')
    problem = (none if len(parts) == 1 else few).format(separator=delimiter, column=names[-1])
    return Row(line.number, None, at("Line", line.number, problem))


def whole_text(chunks: Iterable[bytes], options: Options) -> tuple[str, str | None]:
    """One text of many chunks, and what is wrong with it; the sentence goes on from a place and a colon."""
    parts: list[str] = []
    size = 0
    for text in decoded(chunks, options):
        parts.append(text)
        size += len(text)
        if size > limits.MAX_LINE:
            return "", _("longer than {most} characters. Split it before importing it.").format(
                most=f"{limits.MAX_LINE:,}"
            )
    text = "".join(parts)
    return text, byte_problem(text, options.encoding)

"""PURE. fastText: `__label__positive text`, a line for each example; labels without blanks, texts without line ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

from evaluation.formats.conll import plain
from evaluation.formats.release import File, Question, Release, Row, Rows, answer

PREFIX = "__label__"
HELD = 500
# What ends a line in some program or other.
_ENDS = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")


def write(release: Release, rows: Rows) -> Iterator[File]:
    """A file for each split."""
    (question,) = release.asked
    for split in release.counts:
        yield File(f"data/{split}.txt", _lines(release, question, rows(split)))


def _lines(release: Release, question: Question, rows: Iterator[Row]) -> Iterator[bytes]:
    held = []
    for row in rows:
        if (line := _line(release, question, row)) is not None:
            held.append(line)
        if len(held) == HELD:
            yield "".join(held).encode()
            held = []
    yield "".join(held).encode()


def _line(release: Release, question: Question, row: Row) -> str | None:
    value = answer(row, question)
    if value is None and row["gold"] is not None:
        release.lost("unanswered")
        return None
    text = _ENDS.sub(" ", row["text"])
    release.lost("line_ends", text != row["text"])
    # A word of the text that begins as a label does would be one.
    said = re.sub(rf"(?<!\S){PREFIX}", "_label_", text)
    release.lost("label_words", said != text)
    labels = [] if value is None else value if isinstance(value, list) else [value]
    return " ".join([*(PREFIX + plain(release, label) for label in labels), said]) + "\n"

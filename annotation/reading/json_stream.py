"""Takes one JSON value after the other off a text that is never held whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from annotation.reading import limits
from annotation.reading.json_values import DECODER
from annotation.text.words import _

_BLANK = re.compile(r"[ \t\r\n]*")
_STRUCTURE = re.compile(r'\\.|["\n\[\]{},]', re.DOTALL)
_LIST_OF_RECORDS = re.compile(r"\[[ \t\r\n]*(.?)", re.DOTALL)


class Stream:
    """Decoded text looked at from its front: values are taken off one by one, and more is read when one is cut off."""

    def __init__(self, texts: Iterator[str], work: limits.Work) -> None:
        self.texts = texts
        self.work = work
        self.buffer = ""
        self.at = 0
        self.passed = 0  # line ends before the buffer
        self.broken = 0  # values passed over

    def grow(self) -> bool:
        """Drop what was taken and at least double the rest, so that a long value is not decoded too often."""
        self.passed += self.buffer.count("\n", 0, self.at)
        parts = [self.buffer[self.at :]]
        wanted, got = max(limits.CHUNK, len(parts[0])), 0
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
                value, end = DECODER.raw_decode(self.buffer, self.at)
            except json.JSONDecodeError as error:
                if not error.msg.startswith("Unterminated") and error.pos < len(self.buffer) - 16:
                    raise
                value, end, failure = None, len(self.buffer), error  # perhaps only cut off by the end of the buffer
            if end - self.at > limit:
                raise ValueError(_("longer than {most} characters").format(most=f"{limit:,}"))
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
            end, marks = self.at, 0
            for found in _STRUCTURE.finditer(self.buffer, self.at):
                mark, end, marks = found[0], found.end(), marks + 1
                if quoted:
                    quoted = mark not in ('"', "\n")  # a string cannot hold a line end: there a broken one is over
                elif mark == '"':
                    quoted = True
                elif depth == 0 and mark in ",]}":
                    self.at = found.start()
                    return
                else:
                    depth += (mark in "[{") - (mark in "]}")
            self.work.spend(limits.MARK * marks)
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

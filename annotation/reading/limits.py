"""How large a file, a line and an archive may be, and how far a preview looks."""

from __future__ import annotations

import csv
import math

from annotation.text.words import _

CHUNK = 256 * 1024  # bytes read at once
HEAD = 1024 * 1024  # bytes looked at to tell the format
SCAN = 64 * 1024 * 1024  # bytes looked at to tell the encoding, and what the sheets of a workbook hide
MAX_LINE = 20_000_000  # characters of one line, record or document
MAX_WHOLE = 64_000_000  # characters of a JSON table written column by column, which must be held in memory
MAX_DEPTH = 100  # lists and objects inside each other
MAX_BROKEN = 10_000  # records of one JSON list that may be no JSON; finding the next one is slow
MAX_UNPACKED = 2 * 1024**3  # bytes that a .gz may unpack to; it is streamed, so this bounds time, not memory
MAX_ARCHIVE = 512 * 1024**2  # bytes that the members of a .zip or .xlsx may unpack to together
MAX_STRINGS = 128 * 1024**2  # bytes of a workbook's table of texts, which is held in memory
MAX_STYLES = 16 * 1024**2  # bytes of its cell styles, which openpyxl makes objects of at the opening
MAX_MEMBERS = 20_000
MAX_RATIO = 200  # unpacked to packed, looked at above RATIO_FROM bytes
RATIO_FROM = 16 * 1024**2
MAX_SHEET_ROWS = 1_048_576
MAX_COLUMNS = 16_384
PREVIEW = 10  # rows shown
PREVIEW_ROWS = 200  # rows looked at
# Work is counted in characters read, those read again included. The preview is made while a person waits.
PREVIEW_WORK = 80_000_000  # enough for a table of MAX_WHOLE
PREVIEW_RECORD = 24_000_000  # for one record, so that a quote which nobody closes leaves some for the rows after it
STEP = 400  # what a line, a cell or a name costs beside its characters
TAG = 40  # what an element costs in a workbook's table of texts
MARK = 50  # what a bracket, comma or quote costs in JSON that is passed over

# The csv module refuses cells over 128 kB, and a filing is longer. The limit belongs to the process; it is only raised.
csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE))


class Enough(Exception):
    """A preview has looked as far as it may; no fault of the file."""


class Work:
    """What a reading may still do: a preview little, an import all."""

    def __init__(self, left: float = math.inf, *, record: float = math.inf) -> None:
        self.left = left
        self.record = record

    def spend(self, characters: int) -> None:
        self.left -= characters
        if self.left < 0:
            raise Enough


def size(count: int) -> str:
    """A number of bytes as a person reads it."""
    return f"{count / 1e6:,.0f} MB" if count >= 1e6 else _("{count} bytes").format(count=f"{count:,}")

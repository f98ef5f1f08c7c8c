"""Reads an uploaded file of any format as a stream of rows, and says in a sentence what is wrong with a row; pure."""

from annotation.reading.columns import guess_mapping
from annotation.reading.exports import exported
from annotation.reading.formats import EXTENSIONS, FORMATS
from annotation.reading.formulas import MARKER_COLUMN, neutralise, restore
from annotation.reading.readers import rows
from annotation.reading.row import Row, Unreadable
from annotation.reading.sniffing import Sniffed, sniff

__all__ = [
    "EXTENSIONS",
    "FORMATS",
    "MARKER_COLUMN",
    "Row",
    "Sniffed",
    "Unreadable",
    "exported",
    "guess_mapping",
    "neutralise",
    "restore",
    "rows",
    "sniff",
]

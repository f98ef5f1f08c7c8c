"""Reads an uploaded file of any format as a stream of rows, and says in a sentence what is wrong with a row; pure."""

from annotation.reading.columns import guess_mapping
from annotation.reading.exports import exported
from annotation.reading.formats import EXTENSIONS, FOREIGN, FORMATS
from annotation.reading.formulas import MARKER_COLUMN, neutralise, restore
from annotation.reading.members import contents as members
from annotation.reading.overview import Overview, overview
from annotation.reading.readers import rows
from annotation.reading.row import Row, Unreadable
from annotation.reading.sniffing import Sniffed, sniff
from annotation.reading.told import Asked, Told

__all__ = [
    "EXTENSIONS",
    "FOREIGN",
    "FORMATS",
    "MARKER_COLUMN",
    "Asked",
    "Overview",
    "Row",
    "Sniffed",
    "Told",
    "Unreadable",
    "exported",
    "guess_mapping",
    "members",
    "neutralise",
    "overview",
    "restore",
    "rows",
    "sniff",
]

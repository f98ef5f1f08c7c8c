"""Cells that a spreadsheet would run: disarmed on their way out, restored on their way in."""

from __future__ import annotations

import re

MARKER_COLUMN = "_assay"  # the column that tells our own export, whose cells are restored
# Chinese and Japanese spreadsheets run the wide signs as well.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_NEUTRALISED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")


def neutralise(cell: str) -> str:
    """Put an apostrophe before a cell that a spreadsheet would run as a formula; `restore` takes it away again."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restore(cell: str) -> str:
    """Undo `neutralise`: restore(neutralise(cell)) == cell for every cell."""
    return cell[1:] if _NEUTRALISED.match(cell) else cell

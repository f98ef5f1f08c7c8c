"""PURE. Mojibake (“â€™” for “’”) set right where ftfy is sure of it, as edits of the text, so that places follow."""

import re
from collections.abc import Iterator

import ftfy
from ftfy.badness import is_bad

from annotation.text.offsets import Edit, trimmed

# Nothing that is no mojibake: quotes, ligatures, full width and line ends stay as somebody wrote them.
CONFIG = ftfy.TextFixerConfig(
    unescape_html=False,
    remove_terminal_escapes=False,
    fix_latin_ligatures=False,
    fix_character_width=False,
    uncurl_quotes=False,
    fix_line_breaks=False,
    fix_surrogates=False,
    remove_control_chars=False,
    normalization=None,
)
_LINE = re.compile("[^\n]+")
# Only what is not ASCII changes, and a blank after it, which may have been U+00A0.
_PIECE = re.compile("(?:[^\x00-\x7f]+ ?)+")
# Signs that one sign became, at most: three times read wrongly.
MOST = 24


def edits(text: str) -> Iterator[Edit]:
    """What is mojibake and what it was, line by line: a line that is sound is no reason to touch its neighbour."""
    if text.isascii():
        return
    for found in _LINE.finditer(text):
        line = found[0]
        if not line.isascii() and is_bad(line):
            for start, end, new in _of_line(line):
                yield found.start() + start, found.start() + end, new


def _of_line(line: str) -> list[Edit]:
    fixed, plan = ftfy.fix_encoding_and_explain(line, CONFIG)
    if fixed == line or not plan:
        return []
    return _by_sign(line, fixed, [(step.action, step.parameter) for step in plan]) or [trimmed(0, line, fixed)]


def _by_sign(line: str, fixed: str, plan: list[tuple[str, str]]) -> list[Edit]:
    """The edits sign by sign; [] where the way of the whole line is not that of its pieces."""
    found: list[Edit] = []
    done = at = 0
    for piece in _PIECE.finditer(line):
        copied = line[done : piece.start()]
        if not fixed.startswith(copied, at):
            return []
        at += len(copied)
        place = piece.start()
        while place < piece.end():
            step = _sign(line[place : min(place + MOST, piece.end())], fixed, at, plan)
            if step is None:
                return []
            size, new = step
            if line[place : place + size] != new:
                found.append((place, place + size, new))
            place, at = place + size, at + len(new)
        done = piece.end()
    return found if fixed[at:] == line[done:] else []


def _sign(rest: str, fixed: str, at: int, plan: list[tuple[str, str]]) -> tuple[int, str] | None:
    """How many signs at the beginning of `rest` become which at `at` of the fixed line."""
    for size in range(1, len(rest) + 1):
        try:
            new = ftfy.apply_plan(rest[:size], plan)
        except UnicodeError:
            continue
        if new and fixed.startswith(new, at):
            return size, new
    return None

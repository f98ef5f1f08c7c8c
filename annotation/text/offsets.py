"""PURE. Where places in a text lie after it was rewritten, and places counted in UTF-16 in code points.

A rewriting is a list of edits; what cleans texts says its edits, and places follow.
"""

import functools
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import accumulate

from annotation.text import normal

LAST_DECOMPOSED = 0x30000
# Hangul vowels and final consonants compose by rule, not by the tables.
HANGUL = "".join(map(chr, [*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)]))

Edit = tuple[int, int, str]


class Step:
    """One rewriting of a text: stretches of it, sorted and apart, and what stands there afterwards."""

    def __init__(self, edits: Iterable[Edit]) -> None:
        self.edits = list(edits)
        self.starts = [start for start, _end, _new in self.edits]
        grown = (len(new) - (end - start) for start, end, new in self.edits)
        self.before = list(accumulate(grown, initial=0))

    def apply(self, text: str) -> str:
        pieces, done = [], 0
        for start, end, new in self.edits:
            pieces += [text[done:start], new]
            done = end
        return "".join([*pieces, text[done:]])

    def place(self, offset: int, *, is_end: bool) -> int:
        """Inside a stretch that was replaced a start goes to its beginning and an end to its end."""
        last = bisect_right(self.starts, offset) - 1
        if last < 0:
            return offset
        start, end, new = self.edits[last]
        if offset >= end and not (is_end and start == end == offset):
            return offset + self.before[last + 1]
        inside = len(new) if is_end and offset > start else 0
        return start + self.before[last] + inside


@dataclass(frozen=True)
class Moved:
    """A text as it came and as it is stored, and the way from places in one to places in the other."""

    raw: str
    text: str
    steps: tuple[Step, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The stretch [start, end) of `raw` in `text`, code points; start >= end where nothing of it is left.

        A character that was composed of several, or a line end of two characters, is taken whole.
        """
        low, high = start, end
        for step in self.steps:
            low, high = step.place(low, is_end=False), step.place(high, is_end=True)
        # Blanks that a tag became belong to no words.
        while start < end and low < high and self.text[low].isspace() and not self.raw[start].isspace():
            low += 1
        while start < end and low < high and self.text[high - 1].isspace() and not self.raw[end - 1].isspace():
            high -= 1
        return low, high


def moved(raw: str, before: Iterable[Step] = ()) -> Moved:
    """How the places of a text move when it is rewritten by `before`, in order, and then put into its normal form."""
    text, steps = raw, list(before)
    for earlier in steps:
        text = earlier.apply(text)

    def do(edits: Iterable[Edit]) -> None:
        nonlocal text
        step = Step(edits)
        if step.edits:
            steps.append(step)
            text = step.apply(text)

    for pattern, replacement in normal.rewritings():
        do((found.start(), found.end(), replacement) for found in pattern.finditer(text))
    do(_joiners(text))
    do(_composed(text))
    do(_joiners(text))
    left, right = len(text) - len(text.lstrip()), len(text.rstrip())
    do([(start, end, "") for start, end in ((0, min(left, right)), (right, len(text))) if start < end])
    return Moved(raw, text, tuple(steps))


def _joiners(text: str) -> Iterable[Edit]:
    """What breaks up very long runs of combining marks."""
    return [(place, place, normal.JOINER) for place in normal.breaks(text)]


def _composed(text: str) -> Iterable[Edit]:
    """The stretches that NFC changes, each between two characters that nothing before them composes with, or less."""
    if unicodedata.is_normalized("NFC", text):
        return
    start = 0
    for place in range(1, len(text) + 1):
        if place < len(text) and not _is_free(text[place]):
            continue
        piece = text[start:place]
        if (new := normal.normalised("NFC", piece)) != piece:
            yield trimmed(start, piece, new)
        start = place


def trimmed(start: int, old: str, new: str) -> Edit:
    """The edit that makes `new` of `old`, which begins at `start`, without what stays the same at its ends."""
    shorter = min(len(old), len(new))
    left = next((place for place in range(shorter) if old[place] != new[place]), shorter)
    right = next((place for place in range(shorter - left) if old[-1 - place] != new[-1 - place]), shorter - left)
    return start + left, start + len(old) - right, new[left : len(new) - right]


@functools.lru_cache(maxsize=20_000)
def _is_free(sign: str) -> bool:
    """Whether the character never changes with what stands before it under NFC."""
    first = normal.normalised("NFD", sign)[0]
    return unicodedata.combining(first) == 0 and first not in _seconds()


@functools.cache
def _seconds() -> frozenset[str]:
    """The characters that come second in a canonical decomposition of two, as the tables of this Python have them."""
    found = set(HANGUL)
    for code in range(0xC0, LAST_DECOMPOSED):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            found.add(chr(int(parts[1], 16)))
    return frozenset(found)


def from_utf16(text: str) -> Callable[[int], int | None] | None:
    """A function from offsets in UTF-16 units to code points of `text`, None for one inside a character or outside.

    None in place of the function where the two are the same, because the text has no character beyond U+FFFF.
    """
    if not text or max(text) <= "\uffff":
        return None
    beyond = [place for place, sign in enumerate(text) if sign > "\uffff"]
    units = [place + earlier for earlier, place in enumerate(beyond)]

    def place(offset: int) -> int | None:
        earlier = bisect_left(units, offset)
        inside = earlier > 0 and offset == units[earlier - 1] + 1
        found = offset - earlier
        return None if inside or not 0 <= found <= len(text) else found

    return place

"""PURE. A text as tokens with offsets: words and numbers whole, Chinese and Japanese by character, signs alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from evaluation.formats.release import Release

# Han, kana and bopomofo: every character is a token of its own.
_DENSE = "\u2e80-\u2fdf\u3005-\u3007\u3021-\u302d\u3040-\u30ff\u3100-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_LETTER = rf"(?:(?![{_DENSE}_\d])\w)"
_TOKEN = re.compile(
    rf"\d+(?:[.,:/]\d+)*"  # 1,250.5  10:30  2026/05/14
    rf"|{_LETTER}(?:{_LETTER}|\d)*(?:['’.&-]{_LETTER}(?:{_LETTER}|\d)*)*"  # don't  U.S  AT&T  well-known  Q3
    rf"|\S"
)


class Token(NamedTuple):
    """A token at [start, end) of the text, in code points."""

    start: int
    end: int


class Tagged(NamedTuple):
    """A mark as the tokens [first, last] that it covers."""

    first: int
    last: int
    mark: dict[str, Any]


def tokens_of(text: str) -> list[Token]:
    """All that is not blank, in order."""
    return [Token(*found.span()) for found in _TOKEN.finditer(text)]


def cut_at(tokens: Sequence[Token], marks: Iterable[dict[str, Any]]) -> tuple[list[Token], int]:
    """The tokens, those cut in two in which a mark begins or ends; and how many those were."""
    ends = sorted({end for mark in marks for end in (mark["start"], mark["end"])})
    found: list[Token] = []
    cuts = place = 0
    for token in tokens:
        start = token.start
        while place < len(ends) and ends[place] <= token.start:
            place += 1
        while place < len(ends) and ends[place] < token.end:
            found.append(Token(start, ends[place]))
            start = ends[place]
            place += 1
        cuts += start != token.start
        found.append(Token(start, token.end))
    return found, cuts


def covered(tokens: Sequence[Token], marks: Iterable[dict[str, Any]]) -> list[Tagged]:
    """The marks as the tokens that they cover; a mark of blanks alone covers none and is left out."""
    starts = {token.start: place for place, token in enumerate(tokens)}
    found = []
    for mark in marks:
        inside = _first_at(starts, tokens, mark["start"])
        last = inside
        while last < len(tokens) and tokens[last].end <= mark["end"]:
            last += 1
        if last > inside:
            found.append(Tagged(inside, last - 1, mark))
    return found


def _first_at(starts: dict[int, int], tokens: Sequence[Token], start: int) -> int:
    if start in starts:
        return starts[start]
    low, high = 0, len(tokens)
    while low < high:
        middle = (low + high) // 2
        if tokens[middle].start < start:
            low = middle + 1
        else:
            high = middle
    return low


def flat(tagged: Sequence[Tagged]) -> list[Tagged]:
    """Marks of which no two share a token: of those that do, the longest stays, of equally long ones the first."""
    taken: set[int] = set()
    found = []
    for one in sorted(tagged, key=lambda one: (one.first - one.last, one.first, one.mark["label"])):
        places = range(one.first, one.last + 1)
        if taken.isdisjoint(places):
            taken.update(places)
            found.append(one)
    return sorted(found, key=lambda one: one.first)


def note_losses(
    release: Release, marks: Sequence[dict[str, Any]], *, relations: bool = True, links: bool = True
) -> None:
    """Count what marks have beside their place and label, and a format leaves out."""
    release.lost("discontinuous", sum("parts" in mark for mark in marks))
    release.lost("values", sum("value" in mark for mark in marks))
    if relations:
        release.lost("relations", sum(len(mark.get("relations", [])) for mark in marks))
    if links:
        release.lost("links", sum("link" in mark for mark in marks))

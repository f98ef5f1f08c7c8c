"""text: free words."""

import difflib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.kinds.about import About
from annotation.text import normal
from annotation.text.words import _, gettext_noop

OPTIONS: tuple[dict[str, Any], ...] = (
    {
        "name": "longest",
        "title": gettext_noop("At most this many characters"),
        "form": "number",
        "default": 1000,
    },
    {
        "name": "multiline",
        "title": gettext_noop("Several lines may be written"),
        "form": "check",
        "default": False,
    },
)
LABELS = None
KEYS = "w"
Codes = NDArray[np.int32]
LONGEST, MOST = 1000, 20_000
# Comparing takes time in the square of the length; beyond this the beginnings are compared.
COMPARED = 2000
# Parts with so few pairs of signs are left to difflib, which is quicker at short ones.
FEW = 10_000


def check_schema(question: dict[str, Any]) -> dict[str, Any]:
    """How long an answer may be, and whether it may have lines; raises ValueError naming the setting."""
    given = question.get("longest")
    given = LONGEST if given is None or given == "" else given
    if isinstance(given, bool) or not re.fullmatch(r"[1-9]\d{0,5}", str(given).strip()) or int(given) > MOST:
        sentence = _("The longest answer has 1 to {most} characters; got “{value}”.")
        raise ValueError(sentence.format(most=MOST, value=str(given)[:60]))
    return {"longest": int(given), "multiline": bool(question.get("multiline", False))}


def clean(value: Any, question: dict[str, Any], about: About | None = None) -> str:
    """The words as a text is stored: NFC, LF, no control characters; raises ValueError where none are left or too many.

    Where one line is asked for, line breaks become blanks.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(_("“{question}” takes words.").format(question=question["name"]))
    words = normal.clean(str(value)).text
    if not question["multiline"]:
        words = re.sub(r"[ \t]*[\n\u2028\u2029]+[ \t]*", " ", words)
    if not words:
        raise ValueError(_("“{question}” has no visible characters.").format(question=question["name"]))
    if len(words) > question["longest"] and not question.get("draft"):
        sentence = _("“{question}” takes at most {most} characters; here are {count}.")
        raise ValueError(sentence.format(question=question["name"], most=question["longest"], count=len(words)))
    return words


def read(value: Any, question: dict[str, Any]) -> Any:
    """A cell as it is; of an object its words, of a list of one its entry."""
    if isinstance(value, dict):
        value = next((value[name] for name in ("text", "value", "answer") if name in value), value)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, (dict, list, bool)):
        raise ValueError(_("“{question}” takes words.").format(question=question["name"]))
    return value


def similarity(a: str, b: str) -> float:
    """2 M / T, M the characters of the matching blocks (Ratcliff and Obershelp, as difflib has it); symmetric.

    Beyond 2,000 characters the beginnings are compared.
    """
    first, second = sorted((a[:COMPARED], b[:COMPARED]))
    if not first or not second:
        return float(first == second)
    return 2 * _matching(first, second) / (len(first) + len(second))


def _matching(a: str, b: str) -> int:
    """The characters of difflib's matching blocks: the longest one, and so on to its left and to its right.

    All blocks of the greatest length are found together, so that what is left between them has shorter ones only, and
    no text is walked over more often than there are lengths; difflib begins anew at each block.
    """
    one, other = (np.array([ord(sign) for sign in text], dtype=np.int32) for text in (a, b))
    found = 0
    waiting = [(0, len(a), 0, len(b))]
    while waiting:
        low, high, left, right = waiting.pop()
        if (high - low) * (right - left) <= FEW:
            matcher = difflib.SequenceMatcher(None, a[low:high], b[left:right], autojunk=False)
            found += sum(block.size for block in matcher.get_matching_blocks())
            continue
        size, starts = longest(one[low:high], other[left:right])
        place, at = 0, 0
        for row, columns in starts:
            # The next block to the right is the first in a, then in b, that lies behind the last one in both.
            if row < place or (behind := int(np.searchsorted(columns, at))) == len(columns):
                continue
            column = int(columns[behind])
            waiting.append((low + place, low + row, left + at, left + column))
            found, place, at = found + size, row + size, column + size
        if place:
            waiting.append((low + place, high, left + at, right))
    return found


def longest(a: Codes, b: Codes) -> tuple[int, list[tuple[int, NDArray[np.intp]]]]:
    """The length of the longest common stretches, and where they start: (place in a, places in b) by place in a.

    a, b: int32[n], int32[m] of signs. A row of the table of common ends at a time, so n m steps whatever they hold.
    """
    best = 0
    starts: list[tuple[int, NDArray[np.intp]]] = []
    ends = np.zeros(len(b) + 1, dtype=np.int32)
    for place, sign in enumerate(a.tolist()):
        ends[1:] = np.where(b == sign, ends[:-1] + 1, 0)
        size = int(ends.max())
        if size > best:
            best, starts = size, []
        if size and size == best:
            starts.append((place - size + 1, np.flatnonzero(ends == size) - size))
    return best, starts


def same(a: str, b: str) -> bool:
    """Whether the two differ at most in width, case, white space and marks that nobody sees."""
    return a == b or normal.text_key(a) == normal.text_key(b)


def distance(a: str, b: str, question: dict[str, Any]) -> float:
    """1 - similarity of the characters; 0 only where the two are the same, and never quite 0 where they are not."""
    return 0.0 if same(a, b) else max(1 - similarity(a, b), 1e-6)


def merge(values: Sequence[str], question: dict[str, Any]) -> tuple[str, float] | None:
    """The words, where all answers are the same, in the form that the first has."""
    if not values or not all(same(values[0], other) for other in values[1:]):
        return None
    return values[0], 1.0


def summarise(value: Any, question: dict[str, Any]) -> str:
    """The words."""
    return str(value)


def used(value: str, question: dict[str, Any]) -> list[str]:
    """No labels."""
    return []


def stratum(value: str, question: dict[str, Any]) -> str:
    """Nothing to balance by."""
    return ""

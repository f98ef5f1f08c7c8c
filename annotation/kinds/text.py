"""text: free words."""

import difflib
import re
from collections.abc import Sequence
from typing import Any

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
LONGEST, MOST = 1000, 20_000
# difflib takes time in the square of the length; beyond this the beginnings are compared.
COMPARED = 2000


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
    if len(words) > question["longest"]:
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
    return difflib.SequenceMatcher(None, first, second, autojunk=False).ratio()


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

"""choices: a set of labels, none included where the question allows it."""

import ast
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from annotation.kinds import labels
from annotation.kinds.about import About
from annotation.text.words import _, gettext_noop

OPTIONS: tuple[dict[str, Any], ...] = (
    {
        "name": "least",
        "title": gettext_noop("At least this many labels"),
        "form": "number",
        "default": 1,
        "help": gettext_noop("0 where “none of them” is an answer."),
    },
    {
        "name": "most",
        "title": gettext_noop("At most this many labels"),
        "form": "number",
        "help": gettext_noop("Empty for no limit."),
    },
)
LABELS = 2
# The longest cell that is read as a list of Python.
WRITTEN = 10_000
# What stands between labels in a cell; the first that leaves nothing but labels is taken.
SEPARATORS = ("|", ";", "；", "\n", ",", "，", "、")
SUBSET, OVERLAP = 2 / 3, 1 / 3


def check_schema(question: dict[str, Any]) -> dict[str, Any]:
    """Its labels, and how many may be given; raises ValueError naming the label or the setting."""
    declared = labels.check(question.get("labels"), least=LABELS)
    least, most = _number(question.get("least"), 1), _number(question.get("most"), None)
    if least is None or least > len(declared):
        raise ValueError(
            _("It asks for at least {least} labels and has {count}.").format(least=least, count=len(declared))
        )
    if most is not None and most < max(least, 1):
        raise ValueError(_("At most {most} labels are fewer than at least {least}.").format(most=most, least=least))
    return {"labels": declared, "least": least, "most": most}


def _number(value: Any, default: int | None) -> int | None:
    if value is None or value == "":
        return default
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,3}", str(value).strip()):
        raise ValueError(_("How many labels may be given is a whole number; got “{value}”.").format(value=value))
    return int(str(value))


def clean(value: Any, question: dict[str, Any], about: About | None = None) -> list[str]:
    """The labels in the order of the question, each once; raises ValueError for strange ones, too few or too many."""
    if not isinstance(value, list):
        raise ValueError(_("“{question}” takes a list of labels.").format(question=question["name"]))
    given = {labels.known(label, question) for label in value}
    found = [name for name in labels.names(question) if name in given]
    if len(found) < question["least"] and not question.get("draft"):
        sentence = _("“{question}” asks for at least {least} labels; here are {count}.")
        raise ValueError(sentence.format(question=question["name"], least=question["least"], count=len(found)))
    if question["most"] is not None and len(found) > question["most"]:
        sentence = _("“{question}” takes at most {most} labels; here are {count}.")
        raise ValueError(sentence.format(question=question["name"], most=question["most"], count=len(found)))
    return found


def relabel(value: Sequence[str], names: Mapping[str, str | None], question: dict[str, Any]) -> list[str]:
    """The labels under their new names, without those that have none."""
    return [new for label in value if (new := names.get(label, label)) is not None]


def read(value: Any, question: dict[str, Any]) -> list[Any]:
    """A list, the JSON of one, one label, or labels with |, ; or , between them."""
    if isinstance(value, list):
        return value
    text = str(value).strip()
    found = listed(text)
    if found is not None:
        return found
    names = set(labels.names(question))
    if text in names:
        return [text]
    splits = [[part.strip() for part in text.split(sign) if part.strip()] for sign in SEPARATORS if sign in text]
    return next((parts for parts in splits if set(parts) <= names), splits[0] if splits else [text])


def listed(text: str) -> list[Any] | None:
    """The list that a cell holds as JSON, or as Python writes it: ['a', 'b']; None where it holds none."""
    text = text.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    for read_as in (json.loads, ast.literal_eval) if len(text) <= WRITTEN else (json.loads,):
        try:
            found = read_as(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, list):
            return found
    return None


def jaccard(a: Sequence[str], b: Sequence[str]) -> float:
    """1 - |A and B| / |A or B|; 0 where both are empty."""
    one, other = set(a), set(b)
    union = one | other
    return 1 - len(one & other) / len(union) if union else 0.0


def distance(a: Sequence[str], b: Sequence[str], question: dict[str, Any]) -> float:
    """MASI (Passonneau 2006): 1 - Jaccard * M, M being 1 for equal sets, 2/3 for a subset, 1/3 for an overlap, else 0."""
    one, other = set(a), set(b)
    if one == other:
        return 0.0
    if not one & other:
        return 1.0
    monotone = SUBSET if one < other or other < one else OVERLAP
    return 1 - (1 - jaccard(a, b)) * monotone


def merge(values: Sequence[list[str]], question: dict[str, Any]) -> tuple[list[str], float] | None:
    """The labels that more than half gave, and the smallest majority that stands behind one of them or its absence.

    None where a label has exactly half of the answers, or what is left breaks the question's own bounds.
    """
    if not values:
        return None
    counts = Counter(label for value in values for label in set(value))
    if any(2 * count == len(values) for count in counts.values()):
        return None
    try:
        found = clean([label for label, count in counts.items() if 2 * count > len(values)], question)
    except ValueError:
        return None
    sure = [max(count, len(values) - count) for count in counts.values()]
    return found, min(sure, default=len(values)) / len(values)


def summarise(value: Any, question: dict[str, Any]) -> str:
    """The labels' titles."""
    titles = [labels.title(name, question) for name in value or []]
    return ", ".join(titles) if titles else _("none of them")


def used(value: list[str], question: dict[str, Any]) -> list[str]:
    """The labels."""
    return list(value)


def stratum(value: list[str], question: dict[str, Any]) -> str:
    """The set itself."""
    return "\x1e".join(value)

"""choice: exactly one label."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from annotation.text.words import _

NAME = re.compile(r"[^\x00-\x1f\x7f]{1,60}")
# Keys that the labelling page uses for itself (save, undo, back, skip, flag, comment, guideline, pause, help).
TAKEN = set("ubsfcgp?")
FREE = [key for key in "123456789" + "qwertyadhjklzxvnmio" + "0" if key not in TAKEN]
COLOURS = 8


def check_schema(question: dict[str, Any]) -> dict[str, Any]:
    """Labels with name, title, key, colour, definition and examples; raises ValueError naming the label and the fix."""
    raw = question.get("labels")
    if not isinstance(raw, list) or len(raw) < 2:
        raise ValueError(_("A choice needs at least two labels."))
    if len(raw) > 500:
        raise ValueError(_("A choice takes at most 500 labels; here are {count}.").format(count=len(raw)))
    labels = [_label(entry, place) for place, entry in enumerate(raw, 1)]
    for field, sentence in (
        ("name", _("Two labels have the name “{double}”: each needs its own.")),
        ("key", _("Two labels have the key “{double}”: each needs its own.")),
    ):
        counts = Counter(label[field] for label in labels if label[field])
        if double := next((value for value, count in counts.items() if count > 1), None):
            raise ValueError(sentence.format(double=double))
    spare = iter([key for key in FREE if key not in {label["key"] for label in labels}])
    for place, label in enumerate(labels):
        label["key"] = label["key"] or next(spare, "")
        label["color"] = label["color"] or place % COLOURS + 1
    return {"labels": labels}


def _label(entry: Any, place: int) -> dict[str, Any]:
    if isinstance(entry, str):
        entry = {"name": entry}
    if not isinstance(entry, dict):
        raise ValueError(_("Label {place} must be an object with a name.").format(place=place))
    name = str(entry.get("name") or "").strip()
    if not NAME.fullmatch(name):
        sentence = _("Label {place} needs a name of 1 to 60 characters without line breaks.")
        raise ValueError(sentence.format(place=place))
    key = str(entry.get("key") or "").strip().lower()
    if len(key) > 1 or (key and key in TAKEN):
        sentence = _("Label “{name}”: “{key}” cannot be its key. Use one digit or letter other than {taken}.")
        raise ValueError(sentence.format(name=name, key=key, taken=", ".join(sorted(TAKEN))))
    examples = entry.get("examples") or []
    if isinstance(examples, str):
        examples = [line.strip() for line in examples.splitlines() if line.strip()]
    if not isinstance(examples, list) or not all(isinstance(example, str) for example in examples):
        raise ValueError(_("Label “{name}”: the examples must be a list of texts.").format(name=name))
    color = entry.get("color") or 0
    if not isinstance(color, int) or isinstance(color, bool) or not 0 <= color <= COLOURS:
        sentence = _("Label “{name}”: the colour must be a number from 1 to {most}.")
        raise ValueError(sentence.format(name=name, most=COLOURS))
    return {
        "name": name,
        "title": str(entry.get("title") or "").strip()[:120] or name,
        "key": key,
        "color": color,
        "definition": str(entry.get("definition") or "").strip(),
        "examples": examples,
    }


def clean(value: Any, question: dict[str, Any]) -> str:
    """The label's name; raises ValueError where the value is no label of the question."""
    names = [label["name"] for label in question["labels"]]
    if isinstance(value, str) and value.strip() in names:
        return value.strip()
    if isinstance(value, (int, float)) and not isinstance(value, bool) and str(value) in names:
        return str(value)
    shown = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
    sentence = _("“{value}” is no label of “{question}”. The labels are: {labels}.")
    raise ValueError(sentence.format(value=str(value)[:60], question=question["name"], labels=shown))


def distance(a: str, b: str, question: dict[str, Any]) -> float:
    """Nominal: 0 where equal, else 1."""
    return 0.0 if a == b else 1.0


def merge(values: Sequence[str], question: dict[str, Any]) -> tuple[str, float] | None:
    """The label with more than half of the answers and its share; None where there is none."""
    if not values:
        return None
    value, count = Counter(values).most_common(1)[0]
    return (value, count / len(values)) if 2 * count > len(values) else None


def summarise(value: Any, question: dict[str, Any]) -> str:
    """The label's title."""
    return next((str(label["title"]) for label in question["labels"] if label["name"] == value), str(value))

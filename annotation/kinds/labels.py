"""PURE. The labels of a question: names, titles, keys, colours, definitions; what choice, choices, spans and events share."""

import re
from collections import Counter
from typing import Any

from annotation.text.normal import check_name
from annotation.text.words import _

NAME = re.compile(r"[^\x00-\x1f\x7f]{1,60}")
# Keys that the labelling page uses for itself (save, undo, back, skip, flag, comment, guideline, pause, help).
TAKEN = set("ubsfcgp?")
FREE = [key for key in "123456789" + "qwertyadhjklzxvnmio" + "0" if key not in TAKEN]
COLOURS = 8
MOST = 500


def check(raw: Any, *, least: int) -> list[dict[str, Any]]:
    """Labels with name, title, key, colour, definition and examples; raises ValueError naming the label and the fix."""
    if not isinstance(raw, list) or len(raw) < least:
        raise ValueError(_("It needs at least two labels.") if least > 1 else _("It needs at least one label."))
    if len(raw) > MOST:
        raise ValueError(_("It takes at most {most} labels; here are {count}.").format(most=MOST, count=len(raw)))
    labels = [_label(entry, place) for place, entry in enumerate(raw, 1)]
    for field, sentence in (
        ("name", _("Two labels have the name “{double}”: each needs its own.")),
        ("key", _("Two labels have the key “{double}”: each needs its own.")),
    ):
        counts = Counter(label[field] for label in labels if label[field])
        if double := next((value for value, count in counts.items() if count > 1), None):
            raise ValueError(sentence.format(double=double))
    labels = _in_tree(labels)
    spare = iter([key for key in FREE if key not in {label["key"] for label in labels}])
    for place, label in enumerate(labels):
        label["key"] = label["key"] or next(spare, "")
        label["color"] = label["color"] or place % COLOURS + 1
    return labels


def _in_tree(labels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each label behind its parent and what stands under that already; raises ValueError for a parent that is not earlier."""
    earlier: set[str] = set()
    under: dict[str, list[dict[str, Any]]] = {}
    for label in labels:
        parent = label.get("parent", "")
        if parent and parent not in earlier:
            sentence = _("Label “{name}”: its parent “{parent}” must be a label before it.")
            raise ValueError(sentence.format(name=label["name"], parent=parent))
        earlier.add(label["name"])
        under.setdefault(parent, []).append(label)
    found: list[dict[str, Any]] = []
    waiting = under.get("", [])[::-1]
    while waiting:
        label = waiting.pop()
        found.append(label)
        waiting += under.get(label["name"], [])[::-1]
    return found


def _label(entry: Any, place: int) -> dict[str, Any]:
    if isinstance(entry, str):
        entry = {"name": entry}
    if not isinstance(entry, dict):
        raise ValueError(_("Label {place} must be an object with a name.").format(place=place))
    name = str(entry.get("name") or "").strip()
    if not NAME.fullmatch(name):
        sentence = _("Label {place} needs a name of 1 to 60 characters without line breaks.")
        raise ValueError(sentence.format(place=place))
    title = str(entry.get("title") or "").strip()[:120] or name
    try:
        check_name(name)
        check_name(title)
    except ValueError as error:
        raise ValueError(_("Label {place}: {problem}").format(place=place, problem=error)) from None
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
        "title": title,
        "key": key,
        "color": color,
        "definition": str(entry.get("definition") or "").strip(),
        "examples": examples,
        **({"parent": parent} if (parent := str(entry.get("parent") or "").strip()) else {}),
    }


def names(question: dict[str, Any]) -> list[str]:
    """The declared labels of a question, in order."""
    return [label["name"] for label in question.get("labels", [])]


def tree(question: dict[str, Any]) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each label with those above it, the topmost first."""
    above: dict[str, list[dict[str, Any]]] = {}
    found = []
    by_name = {}
    for label in question.get("labels", []):
        by_name[label["name"]] = label
        parent = by_name.get(label.get("parent"))
        above[label["name"]] = [*above[parent["name"]], parent] if parent else []
        found.append((label, above[label["name"]]))
    return found


def known(value: Any, question: dict[str, Any]) -> str:
    """The name of the label that is meant; raises ValueError where the value is no label of the question."""
    declared = names(question)
    if isinstance(value, str) and value.strip() in declared:
        return value.strip()
    if isinstance(value, (int, float)) and not isinstance(value, bool) and str(value) in declared:
        return str(value)
    shown = ", ".join(declared[:8]) + (" …" if len(declared) > 8 else "")
    sentence = _("“{value}” is no label of “{question}”. The labels are: {labels}.")
    raise ValueError(sentence.format(value=str(value)[:60], question=question["name"], labels=shown))


def title(name: Any, question: dict[str, Any]) -> str:
    """The label's title, or the name itself where it is gone."""
    return next((str(label["title"]) for label in question.get("labels", []) if label["name"] == name), str(name))

"""The keys of the labelling page: what each does as it comes, and which one does it for a person in a project."""

from collections.abc import Iterable, Mapping, Sequence
from string import ascii_lowercase
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.kinds import KINDS

# action -> its key where nobody has changed it. Redo is the key of undo with Shift.
ACTIONS = {
    "undo": "u",
    "back": "b",
    "skip": "s",
    "undecided": "d",
    "accept": "a",
    "flag": "f",
    "comment": "c",
    "ask": "q",
    "guideline": "g",
    "find": "l",
    "pause": "p",
    "help": "?",
}
WORDS = {
    "undo": gettext_lazy("undo the last change; without one, open the last answer again"),
    "back": gettext_lazy("your last answers; O shows older ones"),
    "skip": gettext_lazy("skip with a reason"),
    "undecided": gettext_lazy("cannot decide, with a reason"),
    "accept": gettext_lazy("take what the model proposes"),
    "flag": gettext_lazy("flag as doubtful"),
    "comment": gettext_lazy("write a comment; Esc leaves it"),
    "ask": gettext_lazy("ask those who keep the guideline, and read what they say"),
    "guideline": gettext_lazy("the guideline"),
    "find": gettext_lazy("find words in the text"),
    "pause": gettext_lazy("pause the clock"),
    "help": gettext_lazy("this sheet"),
}
# Digits belong to the labels, "/" finds one among many.
ALLOWED = set(ascii_lowercase) | set("?,.;-")


def check(chosen: Mapping[str, Any]) -> dict[str, str]:
    """A person's own keys, {action: key}, without those that are as they come; raises ValueError in words."""
    kept: dict[str, str] = {}
    for action, raw in chosen.items():
        if action not in ACTIONS:
            raise ValueError(_("There is no action “%(name)s”.") % {"name": str(action)[:40]})
        key = str(raw or "").strip().lower()
        if key and key not in ALLOWED:
            sentence = _("“%(key)s” cannot be a key: use one letter, or one of ? , . ; -")
            raise ValueError(sentence % {"key": key[:20]})
        if key and key != ACTIONS[action]:
            kept[action] = key
    holders: dict[str, str] = {}
    for action, key in {**ACTIONS, **kept}.items():
        if key in holders:
            sentence = _("“%(key)s” would do two things: “%(one)s” and “%(other)s”.")
            raise ValueError(sentence % {"key": key.upper(), "one": WORDS[holders[key]], "other": WORDS[action]})
        holders[key] = action
    return kept


def of_labels(questions: Iterable[dict[str, Any]]) -> dict[str, str]:
    """key -> what has it: the labels of the questions, and what the scripts of their kinds listen to."""
    found: dict[str, str] = {}
    for question in questions:
        found |= {key: str(question["title"]) for key in KINDS[question["kind"]].keys}
        found |= {label["key"]: str(label["title"]) for label in question.get("labels", []) if label["key"]}
    return found


def effective(chosen: Mapping[str, str], questions: Sequence[dict[str, Any]]) -> dict[str, str]:
    """action -> its key on a page with these questions.

    A label keeps its key in any case, because it is the same for everybody. An action whose key it has gets its own
    one back or, where a label has that too, a free letter.
    """
    taken = set(of_labels(questions))
    found = {action: chosen[action] for action in ACTIONS if chosen.get(action, "") not in taken | {""}}
    for action, default in ACTIONS.items():
        if action not in found and default not in taken | set(found.values()):
            found[action] = default
    for action in ACTIONS:
        if action not in found:
            spare = [key for key in action + ascii_lowercase if key not in taken | set(found.values())]
            found[action] = spare[0] if spare else ""
    return {action: found[action] for action in ACTIONS}

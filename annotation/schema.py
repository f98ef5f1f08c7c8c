"""PURE. A schema is a list of questions; this checks one, and answers against one."""

import re
from typing import Any

from annotation.kinds import KINDS
from annotation.text.words import _

QUESTION = re.compile(r"[a-z][a-z0-9_]{0,59}")


def check(schema: Any) -> dict[str, Any]:
    """The schema with defaults filled in; raises ValueError with a sentence that names the question and the fix."""
    questions = schema.get("questions") if isinstance(schema, dict) else None
    if not isinstance(questions, list) or not questions:
        raise ValueError(_("A schema needs at least one question."))
    checked = [_question(entry, place) for place, entry in enumerate(questions, 1)]
    names = [question["name"] for question in checked]
    if double := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(_("Two questions are named “{name}”: each needs its own name.").format(name=double))
    return {"questions": checked}


def _question(entry: Any, place: int) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise ValueError(_("Question {place} must be an object with name, kind and labels.").format(place=place))
    name = str(entry.get("name") or "").strip()
    if not QUESTION.fullmatch(name):
        raise ValueError(
            _(
                "Question {place} needs a name of small letters, digits and _ that starts with a letter; got “{name}”."
            ).format(place=place, name=name[:60])
        )
    kind = str(entry.get("kind") or "choice")
    if kind not in KINDS:
        sentence = _("Question “{name}”: the kind “{kind}” is unknown. Known kinds: {kinds}.")
        raise ValueError(sentence.format(name=name, kind=kind, kinds=", ".join(KINDS)))
    common = {
        "name": name,
        "kind": kind,
        "title": str(entry.get("title") or "").strip()[:200] or name.replace("_", " ").capitalize(),
        "help": str(entry.get("help") or "").strip(),
        "required": bool(entry.get("required", True)),
    }
    try:
        return {**common, **KINDS[kind].check_schema(entry)}
    except ValueError as error:
        raise ValueError(_("Question “{name}”: {problem}").format(name=name, problem=error)) from None


def question(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """The question of that name; raises ValueError that lists the names there are."""
    for entry in schema.get("questions", []):
        if entry["name"] == name:
            found: dict[str, Any] = entry
            return found
    names = ", ".join(entry["name"] for entry in schema.get("questions", [])) or _("none")
    raise ValueError(_("There is no question “{name}”. The questions are: {names}.").format(name=name, names=names))


def clean(answer: Any, schema: dict[str, Any], *, partial: bool = False) -> dict[str, Any]:
    """An answer in stored form; raises ValueError. With `partial` (drafts) unanswered questions are fine."""
    if not isinstance(answer, dict):
        raise ValueError(_("An answer is an object of question names and values."))
    known = {entry["name"]: entry for entry in schema["questions"]}
    if strange := next((name for name in answer if name not in known), None):
        sentence = _("There is no question “{name}”. The questions are: {names}.")
        raise ValueError(sentence.format(name=str(strange)[:60], names=", ".join(known)))
    cleaned: dict[str, Any] = {}
    for name, entry in known.items():
        value = answer.get(name)
        if value is None or value == "":
            if entry["required"] and not partial:
                raise ValueError(_("“{title}” has no answer yet.").format(title=entry["title"]))
            continue
        cleaned[name] = KINDS[entry["kind"]].clean(value, entry)
    return cleaned


def label_names(entry: dict[str, Any]) -> list[str]:
    """The declared labels of a question, in order."""
    return [label["name"] for label in entry.get("labels", [])]


def from_labels(name: str, labels: list[str], *, title: str = "") -> dict[str, Any]:
    """A schema of one choice question over these labels."""
    return check({"questions": [{"name": name, "kind": "choice", "title": title, "labels": labels}]})

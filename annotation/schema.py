"""PURE. A schema is a list of questions; this checks one, and answers against one."""

import re
from typing import Any

from annotation.kinds import KINDS, About
from annotation.kinds import labels as of_labels
from annotation.text.normal import check_name
from annotation.text.words import _

QUESTION = re.compile(r"[a-z][a-z0-9_]{0,59}")


def check(schema: Any) -> dict[str, Any]:
    """The schema with defaults filled in; raises ValueError with a sentence that names the question and the fix."""
    questions = schema.get("questions") if isinstance(schema, dict) else None
    if not isinstance(questions, list) or not questions:
        raise ValueError(_("A schema needs at least one question."))
    checked: list[dict[str, Any]] = []
    for place, entry in enumerate(questions, 1):
        checked.append(_question(entry, place, earlier=checked))
    names = [question["name"] for question in checked]
    if double := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(_("Two questions are named “{name}”: each needs its own name.").format(name=double))
    return {"questions": checked}


def _question(entry: Any, place: int, *, earlier: list[dict[str, Any]]) -> dict[str, Any]:
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
    common: dict[str, Any] = {
        "name": name,
        "kind": kind,
        "title": str(entry.get("title") or "").strip()[:200] or name.replace("_", " ").capitalize(),
        "help": str(entry.get("help") or "").strip(),
        "required": bool(entry.get("required", True)),
    }
    try:
        check_name(common["title"])
        when = _condition(entry.get("when"), earlier)
        return {**common, **({"when": when} if when else {}), **KINDS[kind].check_schema(entry)}
    except ValueError as error:
        raise ValueError(_("Question “{name}”: {problem}").format(name=name, problem=error)) from None


def _condition(when: Any, earlier: list[dict[str, Any]]) -> dict[str, Any]:
    """{"question": an earlier one with labels, "labels": the answers that open this one}; {} for always."""
    if not when:
        return {}
    if not isinstance(when, dict) or not isinstance(when.get("labels"), list):
        raise ValueError(_("“when” must name a question and a list of its labels."))
    asked = next((entry for entry in earlier if entry["name"] == when.get("question") and entry.get("labels")), None)
    if asked is None:
        names = ", ".join(entry["name"] for entry in earlier if entry.get("labels")) or _("none")
        sentence = _("it can depend only on an earlier question that has labels ({names}), not on “{name}”.")
        raise ValueError(sentence.format(names=names, name=str(when.get("question"))[:60]))
    chosen = [of_labels.known(label, asked) for label in when["labels"]]
    if not chosen:
        raise ValueError(_("name at least one label of “{name}” that opens it.").format(name=asked["name"]))
    return {"question": asked["name"], "labels": list(dict.fromkeys(chosen))}


def applies(entry: dict[str, Any], answer: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Whether the question is asked of somebody who has answered the earlier ones like this."""
    when = entry.get("when")
    if not when:
        return True
    asked = question(schema, when["question"])
    value = answer.get(asked["name"])
    return value is not None and not set(when["labels"]).isdisjoint(KINDS[asked["kind"]].used(value, asked))


def needs_item(answer: Any, schema: dict[str, Any]) -> bool:
    """Whether something in the answer can be checked only against the item itself."""
    asked = [entry["name"] for entry in schema["questions"] if KINDS[entry["kind"]].needs_item(entry)]
    return isinstance(answer, dict) and any(name in answer for name in asked)


def question(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """The question of that name; raises ValueError that lists the names there are."""
    for entry in schema.get("questions", []):
        if entry["name"] == name:
            found: dict[str, Any] = entry
            return found
    names = ", ".join(entry["name"] for entry in schema.get("questions", [])) or _("none")
    raise ValueError(_("There is no question “{name}”. The questions are: {names}.").format(name=name, names=names))


def clean(
    answer: Any, schema: dict[str, Any], *, about: About | None = None, partial: bool = False, draft: bool = False
) -> dict[str, Any]:
    """An answer in stored form; raises ValueError. With `partial` (drafts, files) unanswered questions are fine.

    With `draft` an answer may have gaps, such as a criterion that is not rated yet or an event without its trigger:
    a kind finds `draft` in its question then, and what is there must be right all the same.
    Answers to questions that the others do not open are left out. `about` is the item, where it is at hand.
    """
    if not isinstance(answer, dict):
        raise ValueError(_("An answer is an object of question names and values."))
    known = {entry["name"]: entry for entry in schema["questions"]}
    if strange := next((name for name in answer if name not in known), None):
        sentence = _("There is no question “{name}”. The questions are: {names}.")
        raise ValueError(sentence.format(name=str(strange)[:60], names=", ".join(known)))
    cleaned: dict[str, Any] = {}
    for name, entry in known.items():
        value = answer.get(name)
        if not applies(entry, cleaned, schema):
            continue
        if value is None or value == "":
            if entry["required"] and not partial:
                raise ValueError(_("“{title}” has no answer yet.").format(title=entry["title"]))
            continue
        asked = {**entry, "required": False, "draft": True} if draft else entry
        cleaned[name] = KINDS[entry["kind"]].clean(value, asked, about)
    return cleaned


def label_names(entry: dict[str, Any]) -> list[str]:
    """The declared labels of a question, in order."""
    return of_labels.names(entry)


def from_labels(name: str, labels: list[str], *, title: str = "") -> dict[str, Any]:
    """A schema of one choice question over these labels."""
    return check({"questions": [{"name": name, "kind": "choice", "title": title, "labels": labels}]})

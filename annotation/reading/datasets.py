"""A row of a dataset as Hugging Face's tools and Argilla write it, as a row of ours; pure."""

from __future__ import annotations

import json
from typing import Any

from annotation.reading.tokens import is_tag, marked
from annotation.reading.told import Told
from annotation.text.words import _

TOKENS = ("tokens", "words")
TAGS = ("ner_tags", "tags", "ner", "labels", "label")
META = ("meta", "metadata")
ENDS = (".responses", ".responses.users", ".responses.status", ".suggestion", ".suggestion.score", ".suggestion.agent")
RESPONSES = ".responses"


def adapted(values: dict[str, Any], told: Told) -> dict[str, Any]:
    """The row with tokens and tags as text with marks, JSON of metadata as an object, Argilla's responses as answers."""
    values = _with_meta(values)
    if any(name.endswith(RESPONSES) for name in values):
        return _responses(values, told)
    return _tagged(values)


def _with_meta(values: dict[str, Any]) -> dict[str, Any]:
    for name in META:
        if isinstance(values.get(name), str) and values[name].startswith("{"):
            try:
                found = json.loads(values[name])
            except (ValueError, RecursionError):
                continue
            values = {**values, name: found} if isinstance(found, dict) else values
    return values


def _tagged(values: dict[str, Any]) -> dict[str, Any]:
    """Tokens with a tag each make a text with marks, where there is no text and the tags are B-ORG and the like."""
    tokens = next((name for name in TOKENS if _texts(values.get(name))), "")
    if not tokens or isinstance(values.get("text"), str):
        return values
    tags = next((name for name in TAGS if _texts(values.get(name)) and len(values[name]) == len(values[tokens])), "")
    if not tags or not any(map(is_tag, values[tags])):
        return values
    rest = {name: value for name, value in values.items() if name not in (tokens, tags)}
    return {**marked(list(zip(values[tokens], values[tags], strict=True))), **rest}


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(part, str) for part in value)


# Argilla


def _responses(values: dict[str, Any], told: Told) -> dict[str, Any]:
    """Columns `question.responses`, `.users` and `.status` as the answers of annotators."""
    told.tool = "Argilla"
    asked = [name.removesuffix(RESPONSES) for name in values if name.endswith(RESPONSES)]
    taken = {f"{name}{end}" for name in asked for end in ENDS} | {"status", "_server_id"}
    rest = {name: value for name, value in values.items() if name not in taken}
    people: dict[str, dict[str, Any]] = {}
    for name in asked:
        given = values[f"{name}{RESPONSES}"] or []
        users = values.get(f"{name}{RESPONSES}.users") or []
        states = values.get(f"{name}{RESPONSES}.status") or []
        for place, value in enumerate(given):
            user = str(users[place]) if place < len(users) else _("unknown")
            state = states[place] if place < len(states) else "submitted"
            if state == "draft":
                told.lose(_("drafts were left out"))
                continue
            one = people.setdefault(user, {"annotator": user, "label": {}})
            if state == "discarded":
                one["status"] = "skipped"
            elif value is not None:
                _answer(one["label"], name, value, told)
        if values.get(f"{name}.suggestion") is not None:
            told.lose(_("suggestions of models were left out"))
    return {**rest, "annotations": list(people.values())}


def _answer(given: dict[str, Any], name: str, value: Any, told: Told) -> None:
    if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        if all("rank" in part for part in value):
            told.lose(_("rankings of Argilla were left out: they name no responses that an item has"))
            return
        asked = told.ask(name, "spans", [str(part.get("label")) for part in value])
    elif isinstance(value, list):
        asked = told.ask(name, "choices", map(str, value))
    elif isinstance(value, str):
        asked = told.ask(name, "choice", [value])
    elif isinstance(value, (int, float)):
        asked = told.ask(name, "score")
        asked.count(value)
    else:
        return
    given[asked.name] = value

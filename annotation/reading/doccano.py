"""Reads what doccano exports as JSON Lines: categories, spans, relations, texts and comments of one annotator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from annotation.reading import json_lines
from annotation.reading.row import Options, Row
from annotation.reading.told import Told
from annotation.text.words import _

COMMENTS = ("Comments", "comments")
OFFSETS = {"start_offset", "end_offset"}


def looks_like(value: Any) -> bool:
    """Whether a record is one of doccano: with its comments, or with spans by its offsets."""
    if not isinstance(value, dict) or not isinstance(value.get("text"), str) or "annotations" in value:
        return False
    if "Comments" in value and ("label" in value or "entities" in value or "cats" in value):
        return True
    spans = value.get("entities")
    return isinstance(spans, list) and bool(spans) and "relations" in value and _is_span(spans[0])


def _is_span(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.keys() >= OFFSETS


def rows(path: Path, options: Options) -> Iterator[Row]:
    """A row {id, text, label} for each record; label is an object question -> answer, or the one answer there is."""
    options.told.tool = "doccano"
    for row in json_lines.rows(path, options):
        if row.values is None:
            yield row
            continue
        values = adapted(row.values, options.told)
        if "comments" in values:
            options.told.lose(_("comments name no author; they are kept as metadata"))
        yield Row(row.number, values, None)


def adapted(values: dict[str, Any], told: Told) -> dict[str, Any]:
    """A record as a row of ours."""
    answers: dict[str, Any] = {}
    rest = {name: value for name, value in values.items() if name not in ("label", "entities", "relations", "cats", *COMMENTS)}  # fmt: skip
    if isinstance(values.get("cats"), list):
        _categories("cats", values["cats"], answers, told)
    given = values.get("label")
    if isinstance(given, list) and given and all(isinstance(one, list) for one in given):
        _spans("spans", given, [], answers, told)
    elif isinstance(given, list):
        _categories("label", given, answers, told)
    if isinstance(values.get("entities"), list):
        relations = values.get("relations")
        _spans("spans", values["entities"], relations if isinstance(relations, list) else [], answers, told)
    comments: list[Any] = next((values[name] for name in COMMENTS if values.get(name)), [])
    words = [str(one.get("comment", one.get("text", ""))) if isinstance(one, dict) else str(one) for one in comments]
    if any(words):
        rest["comments"] = "\n".join(filter(None, words))
    return {**rest, "label": answers or None}


def _categories(name: str, given: list[Any], answers: dict[str, Any], told: Told) -> None:
    labels = [one for one in given if isinstance(one, str)]
    if labels:
        asked = told.ask(name, "choice", labels)
        asked.several = asked.several or len(labels) > 1
        answers[asked.name] = labels[0] if len(labels) == 1 else labels


def _spans(name: str, given: list[Any], relations: list[Any], answers: dict[str, Any], told: Told) -> None:
    spans = [one for one in given if _is_span(one) or (isinstance(one, list) and len(one) == 3)]
    labels = [str(one["label"] if isinstance(one, dict) else one[2]) for one in spans if not isinstance(one, dict) or "label" in one]  # fmt: skip
    asked = told.ask(name, "spans", labels)
    joined = [one for one in relations if isinstance(one, dict) and "from_id" in one and "to_id" in one]
    asked.relations.update(dict.fromkeys(str(one.get("type")) for one in joined))
    answers[asked.name] = [*spans, *joined]

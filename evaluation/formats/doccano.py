"""PURE. doccano's JSON Lines, as its own export of a project has them, with its label types beside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from evaluation.formats.jsonl import lines
from evaluation.formats.release import FIELDS, File, Question, Release, Row, Rows, answer
from evaluation.formats.words import note_losses

# Colours of labels in the order of the question; doccano asks for one each.
COLOURS = ("#7c4d8b", "#2b6c8f", "#3f7d4f", "#a15c1f", "#8f3240", "#5a5f9e", "#6d7526", "#1f7a78")


def write(release: Release, rows: Rows) -> Iterator[File]:
    """A file for each split, and the labels as doccano imports them."""
    (question,) = release.asked
    for split in release.counts:
        yield File(f"data/{split}.jsonl", lines(_records(release, question, rows(split))))
    yield File("labels.json", [_labels(question)])
    if question["kind"] == "spans" and question.get("relations"):
        types = [{"text": _name(one)} for one in question["relations"]]
        yield File("relations.json", [(json.dumps(types, ensure_ascii=False, indent=2) + "\n").encode()])


def _name(relation: Any) -> str:
    return str(relation["name"] if isinstance(relation, dict) else relation)


def _labels(question: Question) -> bytes:
    """doccano's label configuration: names with colours; no suffix keys, which people choose."""
    found = [
        {"text": label["name"], "background_color": COLOURS[place % len(COLOURS)], "text_color": "#ffffff"}
        for place, label in enumerate(question.get("labels", []))
    ]
    return (json.dumps(found, ensure_ascii=False, indent=2) + "\n").encode()


def _records(release: Release, question: Question, rows: Iterator[Row]) -> Iterator[Row]:
    joint = 0
    for row in rows:
        value = answer(row, question)
        found: Row = {"id": row["id"], "text": row["text"], "split": row["split"]}
        if question["kind"] == "spans":
            note_losses(release, value or [], relations=False)
            found |= _marks(value or [], joint) if value is not None else {}
            joint += len(value or [])
        elif value is not None:
            found["label"] = value if isinstance(value, list) else [value]
        # doccano keeps every other column as metadata of the example.
        yield found | {name: row[name] for name in FIELDS if row[name]} | ({"meta": row["meta"]} if row["meta"] else {})


def _marks(marks: list[dict[str, Any]], before: int) -> Row:
    """Marks and relations with ids that are unique over the file."""
    entities = [
        {"id": before + place, "label": mark["label"], "start_offset": mark["start"], "end_offset": mark["end"]}
        for place, mark in enumerate(marks, 1)
    ]
    pairs = [(place, each) for place, mark in enumerate(marks, 1) for each in mark.get("relations", [])]
    relations = [
        {"id": number, "from_id": before + place, "to_id": before + each["to"] + 1, "type": each["type"]}
        for number, (place, each) in enumerate(pairs, 1)
    ]
    return {"entities": entities, "relations": relations}

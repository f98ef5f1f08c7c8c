"""PURE. Label Studio's JSON of tasks with annotations, and the labelling interface (config.xml) that it opens with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import quoteattr

from evaluation.formats.release import FIELDS, File, Question, Release, Row, Rows, answer, label_names
from evaluation.formats.words import note_losses

_ALLOWED = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
HELD = 250


def write(release: Release, rows: Rows) -> Iterator[File]:
    """A list of tasks for each split, and config.xml."""
    for split in release.counts:
        yield File(f"data/{split}.json", _listed(_task(release, row) for row in rows(split)))
    yield File("config.xml", [configuration(release.asked).encode()])


def _listed(tasks: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """A JSON list, a task on each line."""
    held: list[str] = []
    sign = "[\n"
    for task in tasks:
        held.append(sign + json.dumps(task, ensure_ascii=False))
        sign = ",\n"
        if len(held) == HELD:
            yield "".join(held).encode()
            held = []
    yield ("".join(held) + ("[]\n" if sign == "[\n" else "\n]\n")).encode()


def _task(release: Release, row: Row) -> dict[str, Any]:
    data = {name: row[name] for name in ("text", "id", "split")} | {name: row[name] for name in FIELDS if row[name]}
    found: dict[str, Any] = {"data": data | ({"meta": row["meta"]} if row["meta"] else {})}
    result = []
    for question in release.asked:
        value = answer(row, question)
        if value is not None:
            result += _result(release, question, value, row["text"])
    if row["gold"] is not None:
        # Gold is the one annotation of the task, and its ground truth.
        found["annotations"] = [{"result": result, "ground_truth": True, "was_cancelled": False}]
    return found


def _result(release: Release, question: Question, value: Any, text: str) -> list[dict[str, Any]]:
    name, kind = tag_name(question), question["kind"]
    if kind == "spans":
        note_losses(release, value, relations=False)
        return list(_marks(name, value, text))
    told: dict[str, Any] = {"from_name": name, "to_name": "text"}
    if kind in ("choice", "choices"):
        return [{**told, "type": "choices", "value": {"choices": [value] if kind == "choice" else value}}]
    if kind == "score":
        return [{**told, "type": "number", "value": {"number": value}}]
    return [{**told, "type": "textarea", "value": {"text": [value]}}]


def _marks(name: str, marks: list[dict[str, Any]], text: str) -> Iterator[dict[str, Any]]:
    """Regions and relations; Label Studio counts in UTF-16 units, as JavaScript does."""
    units = _Units(text)
    for place, mark in enumerate(marks):
        value = {
            "start": units.of(mark["start"]),
            "end": units.of(mark["end"]),
            "text": text[mark["start"] : mark["end"]],
            "labels": [mark["label"]],
        }
        yield {"id": f"m{place}", "from_name": name, "to_name": "text", "type": "labels", "value": value}
    for place, mark in enumerate(marks):
        for each in mark.get("relations", []):
            yield {
                "type": "relation",
                "from_id": f"m{place}",
                "to_id": f"m{each['to']}",
                "direction": "right",
                "labels": [each["type"]],
            }


class _Units:
    """UTF-16 units of places that are given in code points."""

    def __init__(self, text: str) -> None:
        self.wide = [place for place, sign in enumerate(text) if sign > "\uffff"] if not text.isascii() else []

    def of(self, point: int) -> int:
        """Units before this code point."""
        return point + sum(place < point for place in self.wide)


def tag_name(question: Question) -> str:
    """A name that the interface takes; `text` is the text's own."""
    name: str = question["name"]
    return f"{name}_" if name == "text" else name


def configuration(questions: list[Question]) -> str:
    """The labelling interface: the text, and a control for each question."""
    lines = ["<View>"]
    for question in questions:
        if question["kind"] == "spans":
            lines += _labels(question)
    lines.append('  <Text name="text" value="$text" granularity="symbol"/>')
    for question in questions:
        if question["kind"] != "spans":
            lines += [f"  <Header value={_quoted(question.get('title') or question['name'])}/>", *_control(question)]
    return "\n".join([*lines, "</View>"]) + "\n"


def _quoted(text: Any) -> str:
    """The text as an attribute, without what XML does not have."""
    return quoteattr(_ALLOWED.sub("", str(text)), {"\n": "&#10;"})


def _labels(question: Question) -> Iterator[str]:
    yield f'  <Labels name={_quoted(tag_name(question))} toName="text">'
    for name in label_names(question):
        yield f"    <Label value={_quoted(name)}/>"
    yield "  </Labels>"
    if question.get("relations"):
        yield "  <Relations>"
        for relation in question["relations"]:
            yield f"    <Relation value={_quoted(relation['name'])}/>"
        yield "  </Relations>"


def _control(question: Question) -> Iterator[str]:
    name = _quoted(tag_name(question))
    if question["kind"] in ("choice", "choices"):
        several = "multiple" if question["kind"] == "choices" else "single"
        yield f'  <Choices name={name} toName="text" choice="{several}">'
        for label in label_names(question):
            yield f"    <Choice value={_quoted(label)}/>"
        yield "  </Choices>"
    elif question["kind"] == "score":
        ends = " ".join(f"{end}={_quoted(question[end])}" for end in ("min", "max", "step"))
        yield f'  <Number name={name} toName="text" {ends}/>'
    else:
        rows = 4 if question.get("multiline") else 1
        yield f'  <TextArea name={name} toName="text" rows="{rows}" maxSubmissions="1"/>'

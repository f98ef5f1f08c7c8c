"""Reads what Prodigy exports (db-out): a record for each decision of an annotator, with options, spans or a label."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from annotation.reading import json_lines
from annotation.reading.row import Options, Row
from annotation.reading.told import Told
from annotation.text.words import _

DECISIONS = ("accept", "reject", "ignore")
WHO = ("_annotator_id", "_session_id")
# What the tool notes for itself.
OWN = ("_input_hash", "_task_hash", "_view_id", "_timestamp", "_is_binary", "answer", "tokens", "options", "accept",
       "spans", "relations", "label", "config", "html", "style", *WHO)  # fmt: skip


def looks_like(value: Any) -> bool:
    """Whether a record is a decision of Prodigy."""
    return isinstance(value, dict) and "_input_hash" in value and value.get("answer", "accept") in DECISIONS


def rows(path: Path, options: Options) -> Iterator[Row]:
    """A row {id, text, annotations} for each record."""
    options.told.tool = "Prodigy"
    for row in json_lines.rows(path, options):
        yield row if row.values is None else Row(row.number, adapted(row.values, options.told), None)


def adapted(values: dict[str, Any], told: Told) -> dict[str, Any]:
    """A record as a row of ours: one annotator's answer, a skip where the task was ignored."""
    who = next((str(values[name]) for name in WHO if values.get(name)), "") or _("unknown")
    one: dict[str, Any] = {"annotator": who}
    decision = values.get("answer")
    answers: dict[str, Any] = {}
    if decision == "ignore":
        one |= {"status": "skipped", "label": {}}
    else:
        answers = _answers(values, decision == "accept", told)
        one["label"] = answers
    rest = {name: value for name, value in values.items() if name not in OWN}
    return {
        "id": str(values["_input_hash"]) if "_input_hash" in values else None,
        **rest,
        "annotations": [one] if decision in DECISIONS else [],
    }


def _answers(values: dict[str, Any], accepted: bool, told: Told) -> dict[str, Any]:
    found: dict[str, Any] = {}
    options, label = values.get("options"), values.get("label")
    if isinstance(options, list):
        names = [str(one.get("id")) for one in options if isinstance(one, dict)]
        chosen = [str(one) for one in values.get("accept") or []] if accepted else []
        asked = told.ask("choice", "choice", names)
        asked.several = asked.several or len(chosen) > 1
        if chosen:
            found[asked.name] = chosen[0] if len(chosen) == 1 else chosen
    elif isinstance(label, str) and not isinstance(values.get("spans"), list):
        # A yes or no to one label.
        asked = told.ask(label, "choice", ["accept", "reject"])
        found[asked.name] = "accept" if accepted else "reject"
    if isinstance(values.get("spans"), list):
        if accepted:
            _spans(values, found, told)
        else:
            told.lose(_("spans that were rejected as a whole were left out"))
    return found


def _spans(values: dict[str, Any], found: dict[str, Any], told: Told) -> None:
    marks = [
        {name: one[name] for name in ("start", "end", "label")}
        for one in values["spans"]
        if isinstance(one, dict) and {"start", "end", "label"} <= one.keys()
    ]
    asked = told.ask("spans", "spans", [str(mark["label"]) for mark in marks])
    places = {(mark["start"], mark["end"]): place for place, mark in enumerate(marks)}
    for one in values.get("relations") or []:
        ends = [one.get(side) for side in ("child_span", "head_span")] if isinstance(one, dict) else []
        known = [places.get((end.get("start"), end.get("end"))) for end in ends if isinstance(end, dict)]
        if len(known) != 2 or None in known:
            told.lose(_("relations between words that are no spans were left out"))
            continue
        name = str(one.get("label"))
        asked.relations.setdefault(name)
        marks[known[0] or 0].setdefault("relations", []).append({"type": name, "to": known[1]})
    found[asked.name] = marks

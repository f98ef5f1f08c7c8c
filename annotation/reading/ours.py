"""Archives that Assay itself has exported in a form of another tool: their questions, and rows that answer those."""

from __future__ import annotations

import json
import zipfile
from typing import Any

from annotation.reading.opening import ARCHIVE_ERRORS
from annotation.reading.told import Told

MOST = 4_000_000  # bytes of the questions
FILES = ("manifest.json", "schema.json")
# What answers of a kind are called in files; see annotation.kinds.
COLUMNS = {"choice": "label", "choices": "labels", "score": "score", "rubric": "ratings", "text": "answer",
           "preference": "preference", "spans": "spans", "events": "events"}  # fmt: skip


def questions(archive: zipfile.ZipFile, told: Told) -> None:
    """Take the questions and the guideline of an export of ours into `told`; nothing of another archive."""
    names = set(archive.namelist())
    if not names.issuperset(FILES):
        return
    try:
        with archive.open("schema.json") as file:
            found = json.loads(file.read(MOST))["questions"]
        with archive.open("guideline.md") as file:
            told.text = file.read(MOST).decode("utf-8", "replace").strip()
    except (*ARCHIVE_ERRORS, KeyError, TypeError, RecursionError):
        return
    if isinstance(found, list) and all(isinstance(one, dict) and "name" in one for one in found):
        told.given = found


def answered(values: dict[str, Any], told: Told) -> dict[str, Any]:
    """The row with its gold under the name of the one question that was exported."""
    if len(told.given) != 1 or values.get("gold"):
        return values
    question = told.given[0]
    kind, label = str(question.get("kind")), values.get("label")
    column = COLUMNS.get(kind, "label")
    if isinstance(label, dict) and len(label) == 1:
        (value,) = label.values()
    else:
        value = values.get(column, label)
    if kind == "choice" and isinstance(value, list):
        value = value[0] if len(value) == 1 else None
    rest = {name: cell for name, cell in values.items() if name not in ("label", column)}
    return rest if value is None else {**rest, "label": {question["name"]: value}}

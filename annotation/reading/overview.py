"""What is in a file of another tool, told before anything is written: items, people, questions, losses."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotation.reading import limits
from annotation.reading.limits import Enough, Work
from annotation.reading.readers import read
from annotation.reading.recognising import recognise
from annotation.reading.row import Options
from annotation.reading.separators import find_delimiter
from annotation.reading.told import Told

SHOWN = 10
LOOKED = 20_000_000  # characters that are looked through while a person waits
# Items whose answers are counted one by one.
COUNTED = 200_000


@dataclass
class Overview:
    """`whole` is False where the file is so long that only its beginning was looked at. `overlap`: answers an item has."""

    format: str
    tool: str = ""
    name: str = ""
    text: str = ""
    rows: int = 0
    items: int = 0
    whole: bool = True
    annotators: Counter[str] = field(default_factory=Counter)
    overlap: int = 0
    questions: list[dict[str, Any]] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    refused: int = 0
    said: list[str] = field(default_factory=list)


def overview(path: Path, filename: str) -> Overview:
    """Look through a file as far as a person waits for it; raises Unreadable for one that cannot be read at all."""
    said: list[str] = []
    found, text, codec = recognise(path, filename, None, None, said)
    delimiter = find_delimiter(text, found, said) if found in ("csv", "tsv") else None
    told = Told()
    options = Options(codec or "", delimiter, work=Work(LOOKED, record=limits.PREVIEW_RECORD), told=told)
    seen = Overview(found, said=said)
    answers: Counter[str] = Counter()
    try:
        for row in itertools.chain(read(path, found, options)):
            seen.rows += 1
            if row.values is None:
                seen.refused += 1
                seen.problems += [row.problem or ""] if len(seen.problems) < SHOWN else []
                continue
            names = _people(row.values)
            seen.annotators.update(names)
            key = str(row.values.get("id") or row.values.get("text"))[:200]
            if key in answers or len(answers) < COUNTED:
                answers[key] += len(names)
    except Enough:
        seen.whole = False
    seen.items, seen.overlap = len(answers), max(answers.values(), default=0)
    seen.tool, seen.name, seen.text = told.tool, told.name, told.text
    seen.questions, seen.lost = told.schema(), told.lost
    return seen


def _people(values: dict[str, Any]) -> list[str]:
    listed = values.get("annotations")
    entries = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [str(one["annotator"]) for one in entries if one.get("annotator")]

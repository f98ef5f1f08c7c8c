"""Reads fastText's lines: labels with a prefix, then the text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from annotation.reading import limits
from annotation.reading.lines import filled_lines
from annotation.reading.row import Options, Row, at
from annotation.text.words import _

PREFIX = "__label__"
LOOKED, SURE = 200, 0.5


def looks_like(text: str) -> bool:
    """Whether most of the first lines begin with a label."""
    lines = [line for line in text[: limits.HEAD // 4].splitlines()[:LOOKED] if line.strip()]
    return bool(lines) and sum(line.startswith(PREFIX) for line in lines) >= SURE * len(lines)


def rows(path: Path, options: Options) -> Iterator[Row]:
    """A row {text, label} for each line; several labels, or none, are a list."""
    options.told.tool = "fastText"
    for line in filled_lines(path, options):
        if line.problem:
            yield Row(line.number, None, line.problem)
            continue
        labels, text = [], line.text.strip()
        while text.startswith(PREFIX):
            label, _blank, text = text.partition(" ")
            labels.append(label.removeprefix(PREFIX))
            text = text.lstrip()
        labels = [label for label in labels if label]
        if not text:
            yield Row(line.number, None, at("Line", line.number, _("no text stands behind its labels.")))
            continue
        yield Row(line.number, {"text": text, "label": labels[0] if len(labels) == 1 else labels}, None)

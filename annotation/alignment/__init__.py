"""PURE. Answers of every kind side by side, with what differs marked: one function a kind, registered here once."""

from collections.abc import Callable, Sequence
from typing import Any

from annotation.alignment import events, labels, numbers, preferences, spans, texts
from annotation.alignment.rows import Aligned as Aligned
from annotation.alignment.rows import Row as Row

ALIGN: dict[str, Callable[[Sequence[Any], dict[str, Any]], Aligned]] = {
    "choice": labels.align,
    "choices": labels.align,
    "score": numbers.align_scores,
    "rubric": numbers.align_ratings,
    "preference": preferences.align,
    "text": texts.align,
    "spans": spans.align,
    "events": events.align,
}


def align(values: Sequence[Any], question: dict[str, Any]) -> Aligned:
    """The answers in stored form side by side, in their order; None where somebody gave none."""
    return ALIGN[question["kind"]](values, question)


def letter(place: int) -> str:
    """What the answer at this place is called: A, B, … Z, AA, AB."""
    return (letter(place // 26 - 1) if place >= 26 else "") + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[place % 26]

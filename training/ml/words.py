"""Sentences of the engine that others can translate: each knows the template and the values that it was made of."""

from collections.abc import Iterable
from typing import Any


class Said(str):
    """An English sentence; `message` is its template with %(places)s, `values` what fills them."""

    message: str
    values: dict[str, Any]


def gettext_noop(message: str) -> str:
    """The template as it is, marked for the translators."""
    return message


def said(message: str, **values: Any) -> Said:
    """The sentence of a template that gettext_noop has marked."""
    sentence = Said(message % values)
    sentence.message, sentence.values = message, values
    return sentence


def templates(sentences: Iterable[str]) -> dict[str, list[Any]]:
    """sentence -> [template, values], of those that have one; for result.json."""
    return {str(one): [one.message, one.values] for one in sentences if isinstance(one, Said)}

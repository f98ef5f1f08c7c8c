"""Decodes one JSON value into what can be stored, or says what is wrong with it."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from annotation.reading import limits
from annotation.reading.encodings import byte_problem
from annotation.text.words import _

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(_("the number {number} is too large").format(number=digits))
    return value


def _constant(name: str) -> None:
    """NaN is how some writers say that nothing is there; an infinite number can be stored nowhere."""
    if name != "NaN":
        raise ValueError(_("{name} is not a number that can be stored").format(name=name))


DECODER = json.JSONDecoder(parse_float=_float, parse_constant=_constant)


def json_problem(error: Exception) -> str:
    """The sentence goes on from a place and a colon."""
    if isinstance(error, RecursionError):
        return _("lists and objects are nested more than {most} deep. Flatten the record.").format(
            most=limits.MAX_DEPTH
        )
    if isinstance(error, json.JSONDecodeError):
        near = error.doc[max(0, error.pos - 10) : error.pos + 10].strip()
        sentence = _("not valid JSON ({problem}) near {near}. Correct the record.")
        return sentence.format(problem=error.msg, near=repr(near))
    return _("{problem}. Correct the record.").format(problem=str(error)[:100])


def settled(value: Any, raw: str, encoding: str) -> tuple[Any, str | None]:
    """The value, fit to be stored, or what is wrong with it."""
    if problem := byte_problem(raw, encoding):
        return None, problem
    if raw.count("[") + raw.count("{") > limits.MAX_DEPTH and _depth(value) > limits.MAX_DEPTH:
        return None, json_problem(RecursionError())
    if "\\u" in raw:
        text = json.dumps(value, ensure_ascii=False)
        if re.search(r"(?<!\\)(?:\\\\)*\\u0000", text):
            return None, _("holds a NUL character (\\u0000), which no text has. Remove it.")
        if _LONE_SURROGATE.search(text):
            return json.loads(_LONE_SURROGATE.sub("\ufffd", text)), None
    return value, None


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level := [item for item in level if isinstance(item, (dict, list))]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth

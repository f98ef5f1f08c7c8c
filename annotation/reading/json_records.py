"""Reads JSON: the records of a list, of a list in an object, of objects by id, of a table column by column."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from annotation.reading import limits
from annotation.reading.encodings import decoded
from annotation.reading.json_stream import Stream
from annotation.reading.json_values import json_problem, settled
from annotation.reading.opening import chunks_of
from annotation.reading.row import Broken, Options, Row, Unreadable, at
from annotation.text.words import _


class _Element(NamedTuple):
    number: int
    value: Any
    problem: str | None


def rows(path: Path, options: Options) -> Iterator[Row]:
    """A row for each record, in whichever of the usual shapes they stand."""
    stream = Stream(decoded(chunks_of(path), options), options.work)
    start = stream.peek()
    if start == "[":
        elements = _elements(stream, options.encoding)
    elif start == "{":
        elements = _members(stream, options.encoding, options.root)
    else:
        foreign = _("The file is not JSON: it begins with neither [ nor {.")
        raise Unreadable(_("The file is empty.") if not start else foreign)
    names = list(options.columns)
    count = 0
    for element in elements:
        count = element.number
        if not names and isinstance(element.value, list):
            names = [f"column_{index}" for index in range(1, len(element.value) + 1)]
        yield _json_row(element, names)
    if not count:
        raise Unreadable(_("The file holds an empty list: there is no record in it."))
    if start == "[" and stream.peek():
        problem = at("Line", stream.line(), _("more text follows the end of the list. It was not read."))
        yield Row(count + 1, None, problem)


def _json_row(element: _Element, names: list[str]) -> Row:
    number, value, problem = element
    if problem:
        return Row(number, None, problem)
    if isinstance(value, dict):
        return Row(number, value, None)
    if isinstance(value, str):
        return Row(number, {"text": value}, None)
    if isinstance(value, list) and len(value) == len(names):
        return Row(number, dict(zip(names, value, strict=True)), None)
    if isinstance(value, list):
        told = _("{values} values, but there are {columns} columns.").format(values=len(value), columns=len(names))
        return Row(number, None, at("Record", number, told))
    return Row(number, None, at("Record", number, _('neither an object nor a text. Write it as {"text": ...}.')))


def _elements(stream: Stream, encoding: str) -> Iterator[_Element]:
    """Elements of the list at the front; a broken one is passed over by its brackets."""
    stream.at += 1
    number = 0
    while (mark := stream.peek()) not in ("]", ""):
        number += 1
        yield _element(stream, number, encoding)
        mark = stream.peek()
        if mark == ",":
            stream.at += 1
        elif mark and mark not in "[{]":
            problem = _("no comma after record {record}. The rest was not read.").format(record=number)
            yield _Element(number + 1, None, at("Line", stream.line(), problem))
            stream.at, stream.texts = len(stream.buffer), iter(())
            return
    if mark:
        stream.at += 1
    else:
        problem = _("the file is cut off before the end of the list.")
        yield _Element(number + 1, None, at("Record", number + 1, problem))


def _element(stream: Stream, number: int, encoding: str) -> _Element:
    place, line = "Record", 0
    try:
        value, problem = settled(*stream.value(limits.MAX_LINE), encoding)
    except (ValueError, RecursionError) as error:
        value, problem, place, line = None, json_problem(error), "Record, line", stream.line()
        stream.skip()
        stream.broken += 1
        if stream.broken > limits.MAX_BROKEN:
            told = _("more than {most} records are broken; the rest was not read.").format(
                most=f"{limits.MAX_BROKEN:,}"
            )
            raise Broken(at(place, number, told, line=line)) from error
    return _Element(number, value, at(place, number, problem, line=line) if problem else None)


def _members(stream: Stream, encoding: str, root: str | None) -> Iterator[_Element]:
    """Records inside the object at the front: a list in it, objects by their id, or a table column by column.

    The first list of objects is taken unless `root` names another. Objects by id are streamed with their id as `key`.
    A table by columns is held in memory up to limits.MAX_WHOLE characters.
    """
    held: dict[str, Any] = {}
    size = number = 0
    wanted, _dot, deeper = (root or "").partition(".")
    for key in _keys(stream, encoding):
        if root:
            if key == root and stream.peek() == "[":
                yield from _elements(stream, encoding)
                return
            if key == wanted and deeper and stream.peek() == "{":
                yield from _members(stream, encoding, deeper)
                return
            stream.skip()
        elif stream.opens_records():
            yield from _elements(stream, encoding)
            return
        elif number:
            number += 1
            yield _keyed(key, _element(stream, number, encoding))
        else:
            held[key], raw = _value(stream, encoding)
            size += len(raw)
            if _by_id(held):
                for number, (name, value) in enumerate(held.items(), 1):
                    yield _keyed(name, _Element(number, value, None))
            elif size > limits.MAX_WHOLE:
                sentence = _("A JSON table by columns over {size} cannot be read; save it as JSONL.")
                raise Unreadable(sentence.format(size=limits.size(limits.MAX_WHOLE)))
    if root:
        raise Unreadable(_('There is no list named "{name}" in the file.').format(name=root))
    if not number:
        if stream.peek() in ("{", "["):
            raise Unreadable(_("A second value follows the first; the file seems to be JSON Lines: choose jsonl."))
        yield from _held_records(held)


def _keys(stream: Stream, encoding: str) -> Iterator[str]:
    """Keys of the object at the front; after each the caller takes the value."""
    stream.at += 1
    while stream.peek() == '"':
        stream.work.spend(limits.STEP)
        key, _raw = _value(stream, encoding)
        if stream.peek() != ":":
            break
        stream.at += 1
        stream.peek()
        yield key
        if stream.peek() != ",":
            break
        stream.at += 1
    if stream.peek() != "}":
        problem = _("the JSON breaks here; it is cut off or a comma or quote is missing.")
        raise Broken(at("Line", stream.line(), problem))
    stream.at += 1


def _value(stream: Stream, encoding: str) -> tuple[Any, str]:
    """A value that the rest hangs on, and its raw text."""
    try:
        value, raw = stream.value(limits.MAX_WHOLE)
        value, problem = settled(value, raw, encoding)
    except (ValueError, RecursionError) as error:
        raw, problem = "", json_problem(error)
    if problem:
        raise Broken(at("Line", stream.line(), problem))
    return value, raw


def _by_id(held: dict[str, Any]) -> bool:
    """Whether the first two members are objects with a common, worded field, which makes their keys ids."""
    if len(held) != 2 or not all(isinstance(value, dict) for value in held.values()):
        return False
    first, second = held.values()
    return any(not name.isdecimal() for name in first.keys() & second.keys())


def _keyed(key: str, element: _Element) -> _Element:
    if isinstance(element.value, dict):
        return element._replace(value={"key": key, **element.value})
    return element


def _held_records(held: dict[str, Any]) -> Iterator[_Element]:
    """Records of an object that was read whole."""
    columns = list(held.values())
    if held and all(isinstance(column, list) for column in columns) and len({len(column) for column in columns}) == 1:
        for number, values in enumerate(zip(*columns, strict=True), 1):
            yield _Element(number, dict(zip(held, values, strict=True)), None)
    elif held and all(isinstance(column, dict) and all(map(str.isdecimal, column)) for column in columns):
        for number, index in enumerate(dict.fromkeys(itertools.chain(*columns)), 1):
            yield _Element(number, {name: column.get(index) for name, column in held.items()}, None)
    elif len(held) == 1 and isinstance(columns[0], dict):
        yield _keyed(next(iter(held)), _Element(1, columns[0], None))
    elif held and not any(isinstance(column, (dict, list)) for column in columns):
        yield _Element(1, held, None)
    else:
        listed = ", ".join(f'"{name}"' for name in itertools.islice(held, 20)) or _("none")
        sentence = _("There is no list of records in the file; the names in it are {names}. Save it as JSONL.")
        raise Unreadable(sentence.format(names=listed))

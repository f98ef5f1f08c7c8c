"""What a project of another tool asks, from its own file: Label Studio's XML, doccano's labels, brat's annotation.conf."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from annotation.reading.labelstudio import path_name
from annotation.reading.row import Unreadable
from annotation.reading.told import Asked, Told, name_of, short
from annotation.text.words import _

MOST = 2_000_000  # characters of a configuration
COLOURS = 8
# Keys that the labelling page uses for itself.
TAKEN = set("ubsfcgp?")
SPANS = ("Labels", "HyperTextLabels", "ParagraphLabels")
# Controls that are read, and the type that their results have.
CONTROLS = {"Choices": "choices", "Taxonomy": "taxonomy", "Rating": "rating", "Number": "number", "TextArea": "textarea",
            "DateTime": "datetime", "Pairwise": "pairwise", "Ranker": "ranker", **dict.fromkeys(SPANS, "labels")}  # fmt: skip
OBJECTS = ("Text", "HyperText", "Paragraphs")
PICTURES = ("Image", "Audio", "AudioPlus", "Video", "TimeSeries", "Pdf", "RectangleLabels", "PolygonLabels", "BrushLabels",
            "KeyPointLabels", "EllipseLabels", "VideoRectangle", "TimeSeriesLabels")  # fmt: skip


def read(text: str, told: Told) -> bool:
    """Take what a configuration says into `told`; False where the text is none. Raises Unreadable for a broken one."""
    start = text.lstrip("\ufeff \t\r\n")
    if len(text) > MOST:
        return False
    if start.startswith("<"):
        _of_xml(start, told)
        return True
    if start[:1] in ("[", "{"):
        try:
            found = json.loads(start)
        except (ValueError, RecursionError):
            return False
        return of_value(found, told)
    return False


def of_value(found: Any, told: Told) -> bool:
    """As `read`, for JSON: a project of Label Studio with its label_config, or doccano's list of labels."""
    if isinstance(found, dict) and isinstance(found.get("label_config"), str):
        if found["label_config"].strip():
            _of_xml(found["label_config"], told)
        told.name = str(found.get("title") or "")
        told.text = "\n\n".join(
            str(found[name]).strip() for name in ("description", "expert_instruction") if found.get(name)
        )
        return True
    if isinstance(found, list) and found and all(_is_label(one) for one in found):
        _of_doccano(found, told)
        return True
    return False


def _is_label(one: Any) -> bool:
    keys = {"suffix_key", "suffixKey", "background_color", "backgroundColor"}
    return isinstance(one, dict) and isinstance(one.get("text"), str) and bool(keys & one.keys())


class _Keys:
    """Keys and colours of the labels of one question: each key once, a number for each colour in the order they come."""

    def __init__(self) -> None:
        self.used: set[str] = set()
        self.colours: dict[str, int] = {}

    def of(self, key: Any, colour: Any) -> dict[str, Any]:
        key = str(key or "").strip().lower()
        free = len(key) == 1 and key.isalnum() and key.isascii() and key not in TAKEN | self.used
        self.used |= {key} if free else set()
        colour = str(colour or "").strip().lower()
        number = self.colours.setdefault(colour, len(self.colours) % COLOURS + 1) if colour else 0
        return {**({"key": key} if free else {}), **({"color": number} if number else {})}


def _of_doccano(found: list[dict[str, Any]], told: Told) -> None:
    """The labels; of what kind their question is tells the data, and without it they are categories."""
    told.tool = told.tool or "doccano"
    keys = _Keys()
    for one in found:
        key, colour = one.get("suffix_key", one.get("suffixKey")), one.get("background_color", one.get("backgroundColor"))  # fmt: skip
        told.labels[one["text"]] = {"name": one["text"], **keys.of(key, colour)}


# Label Studio


def _of_xml(text: str, told: Told) -> None:
    try:
        root = fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, RecursionError) as error:
        raise Unreadable(_("The labelling configuration is no well-formed XML: {why}.").format(why=str(error)[:100])) from None  # fmt: skip
    told.tool = "Label Studio"
    places: dict[str, str] = {}
    title = ""
    conditions: list[tuple[Asked, Element]] = []
    for node, depth in _walk(root):
        if depth > 100:
            raise Unreadable(_("The labelling configuration is nested too deep."))
        name = node.get("name", "")
        value = node.get("value", "")
        if node.tag in (*OBJECTS, "List") and value.startswith("$"):
            places[name] = value[1:]
            told.texts += [value[1:]] if node.tag in OBJECTS else []
            told.markup |= {value[1:]} if node.tag == "HyperText" else set()
            told.listed = value[1:] if node.tag == "List" else told.listed
        elif node.tag == "Header" and value and not value.startswith("$"):
            title = value
            told.headers.append(value)
        elif node.tag in CONTROLS and name:
            asked = _control(node, told, places)
            asked.title, title = (title or name)[:200], ""
            conditions.append((asked, node))
        elif node.tag in PICTURES:
            told.lose(_("“{tag}” of the configuration was left out: only texts are labelled here").format(tag=node.tag))
    relations = [one.get("value", "") for one in root.iter("Relation") if one.get("value")]
    for asked in told.questions.values():
        if asked.kind == "spans" and asked.declared:
            asked.relations.update(dict.fromkeys(relations))
    _pair(root, places, told)
    for asked, node in conditions:
        _condition(asked, node, told)


def _walk(root: Element) -> Iterator[tuple[Element, int]]:
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting += [(child, depth + 1) for child in reversed(list(node))]


def _control(node: Element, told: Told, places: dict[str, str]) -> Asked:
    name, kind = node.get("name", ""), CONTROLS[node.tag]
    told.sources[name] = kind
    several = node.get("choice") == "multiple"
    kinds = {"choices": "choices" if several else "choice", "taxonomy": "choices", "rating": "score", "number": "score",
             "textarea": "text", "datetime": "text", "pairwise": "preference", "ranker": "preference", "labels": "spans"}  # fmt: skip
    asked = told.ask(name, kinds[kind])
    asked.kind, asked.declared, asked.several = kinds[kind], True, several or kind == "taxonomy"
    asked.required = node.get("required") == "true"
    asked.help = node.get("hint") or node.get("placeholder") or ""
    if kind == "choices" and several and not asked.required:
        asked.settings["least"] = 0
    elif kind == "taxonomy":
        _tree(node, asked)
        return asked
    elif kind == "rating":
        asked.settings |= {"min": 1, "max": _whole(node.get("maxRating"), 5)}
    elif kind == "number" and node.get("min") and node.get("max"):
        asked.settings |= {name: node.get(name) for name in ("min", "max", "step") if node.get(name)}
    elif kind == "ranker":
        asked.settings["mode"] = "ranking"
    elif kind == "labels":
        asked.settings["overlap"] = True
    if node.get("perRegion") == "true":
        told.lose(_("answers about single marks were left out"))
        del told.questions[asked.name]
    keys = _Keys()
    for one in node.iter("Choice" if kind == "choices" else "Label"):
        value = one.get("alias") or one.get("value") or ""
        if value:
            more = keys.of(one.get("hotkey"), one.get("background"))
            value = short(value)
            asked.labels[value] = {"name": value, "title": one.get("value") or value, "definition": one.get("hint") or "", **more}  # fmt: skip
    return asked


def _whole(given: str | None, default: int) -> int:
    return int(given) if given and re.fullmatch(r"[1-9]\d?", given) else default


def _tree(node: Element, asked: Asked) -> None:
    """The choices of a taxonomy, each named by its path."""
    waiting: list[tuple[Element, list[str]]] = [(child, []) for child in reversed(node.findall("Choice"))]
    while waiting:
        one, above = waiting.pop()
        path = [*above, one.get("alias") or one.get("value") or ""]
        label = {"name": path_name(path), "title": one.get("value") or path[-1], "definition": one.get("hint") or ""}
        asked.labels[label["name"]] = {**label, **({"parent": path_name(above)} if above else {})}
        waiting += [(child, path) for child in reversed(one.findall("Choice"))]


def _pair(root: Element, places: dict[str, str], told: Told) -> None:
    pair = next(iter(root.iter("Pairwise")), None)
    if pair is None:
        return
    ends = [places.get(name.strip(), "") for name in pair.get("toName", "").split(",")]
    if len(ends) == 2 and all(ends):
        told.pair = ends
        told.texts = [place for place in told.texts if place not in ends]


def _condition(asked: Asked, node: Element, told: Told) -> None:
    """“Only when that was chosen” of a control."""
    if node.get("visibleWhen") != "choice-selected" or not node.get("whenTagName"):
        return
    other = told.questions.get(name_of(node.get("whenTagName", "")))
    wanted = [part.strip() for part in node.get("whenChoiceValue", "").split(",") if part.strip()]
    known = list(other.labels) if other else []
    opened = [label for label in wanted or known if label in known]
    order = list(told.questions)
    if other and opened and asked.name in order and order.index(other.name) < order.index(asked.name):
        asked.settings["when"] = {"question": other.name, "labels": opened}
    else:
        told.lose(_("a condition of the configuration could not be kept"))

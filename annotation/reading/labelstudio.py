"""Reads what Label Studio exports: tasks with annotations (JSON), or a record for each annotation (JSON_MIN)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from annotation.reading import json_lines, json_records
from annotation.reading.markup import words_of
from annotation.reading.row import Options, Row
from annotation.reading.told import Asked, Told, short
from annotation.text.offsets import from_utf16
from annotation.text.words import _

# Types of results that mark words; of the others that are read see _READ.
SPANS = ("labels", "hypertextlabels", "paragraphlabels")
LETTERS = "abcdef"
# What JSON_MIN writes about an annotation, behind its answers.
MIN = ("annotator", "annotation_id")
NOTED = ("annotator", "annotation_id", "created_at", "updated_at", "lead_time", "history", "agreement")
# What the tool notes of a task for itself.
OWN = ("annotations", "completions", "predictions", "drafts", "data", "meta", "id", "project", "file_upload", "inner_id",
       "total_annotations", "cancelled_annotations", "total_predictions", "comment_count", "unresolved_comment_count",
       "last_comment_updated_at", "updated_by", "comment_authors", "created_at", "updated_at", "is_labeled", "overlap",
       "allow_skip", "state", "storage_filename", "avg_lead_time", "agreement", "annotators", "reviewers", "precomputed_agreement")  # fmt: skip
UNKNOWN = "unknown"
# Data that is called as fields are here, as our own export has it.
FIELDS = ("title", "source_type", "language", "published_at", "issuer", "url", "split")


def looks_like(value: Any) -> bool:
    """Whether a record is a task with annotations, or an annotation of JSON_MIN."""
    return is_task(value) or is_min(value)


def is_task(value: Any) -> bool:
    """Whether it has data and annotations or predictions that name their results."""
    if not isinstance(value, dict) or not isinstance(value.get("data"), dict):
        return False
    listed = [*_list(value, "annotations"), *_list(value, "completions"), *_list(value, "predictions")]
    if listed:
        return all(isinstance(one, dict) and ("result" in one or "was_cancelled" in one) for one in listed)
    return "annotations" in value or "predictions" in value


def is_min(value: Any) -> bool:
    """Whether it has what JSON_MIN says of an annotation."""
    return isinstance(value, dict) and all(name in value for name in (*MIN, "lead_time"))


def _list(value: dict[str, Any], name: str) -> list[Any]:
    return value[name] if isinstance(value.get(name), list) else []


def rows(path: Path, options: Options) -> Iterator[Row]:
    """A row {id, text, annotations, gold, suggestions, meta} for each task; of JSON_MIN for each annotation."""
    options.told.tool = "Label Studio"
    with path.open("rb") as file:
        start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    source = json_lines.rows if start == b"{" else json_records.rows
    for row in source(path, options):
        yield row if row.values is None else Row(row.number, adapted(row.values, options.told), None)


def adapted(task: dict[str, Any], told: Told) -> dict[str, Any]:
    """A task, or an annotation of JSON_MIN, as a row of ours."""
    if is_min(task) and "data" not in task:
        return _of_min(task, told)
    data = task["data"] if isinstance(task.get("data"), dict) else {}
    given = [one for one in (*_list(task, "annotations"), *_list(task, "completions")) if isinstance(one, dict)]
    predictions = [one for one in _list(task, "predictions") if isinstance(one, dict)]
    place = text_place(data, told, given)
    text = data.get(place)
    meta = {name: value for name, value in data.items() if name not in (place, "id")}
    for inner in (data.get("meta"), task.get("meta")):
        meta |= inner if isinstance(inner, dict) else {}
    if isinstance(data.get("meta"), dict) and meta.get("meta") is data["meta"]:
        del meta["meta"]
    meta |= {name: value for name, value in task.items() if name not in OWN}
    if isinstance(text, str) and (place in told.markup or _marks_markup(given)):
        meta["html"], text = text, words_of(text)
    compared = _candidates(data, told, given)
    for name in compared[1]:
        meta.pop(name, None)
    if task.get("drafts"):
        told.lose(_("drafts were left out"))
    fields = {name: meta.pop(name) for name in FIELDS if isinstance(meta.get(name), str)}
    row: dict[str, Any] = {
        **fields,
        "id": data["id"] if isinstance(data.get("id"), (str, int)) else task.get("id"),
        "text": text,
        "annotations": [],
        "gold": None,
        "suggestions": None,
        "meta": meta,
        "candidates": compared[0] or None,
    }
    suggestions: list[dict[str, Any]] = []
    for one in _last_of_each(given, told):
        answers = _in_points(_answers(one.get("result"), told, compared), text)
        is_gold = one.get("ground_truth") is True
        if not is_gold or one.get("completed_by") is not None:
            row["annotations"].append(_annotation(one, answers))
        if is_gold:
            row["gold"] = {
                **{asked.name: [] for asked in told.questions.values() if asked.may_be_empty},
                **answers,
            } or None
    for one in predictions:
        answers = _in_points(_answers(one.get("result"), told, compared), text)
        source = str(one.get("model_version") or _("model"))
        suggestions += [
            {"question": name, "value": value, "source": source, "score": one.get("score")}
            for name, value in answers.items()
        ]
    row["suggestions"], row["annotations"] = suggestions or None, row["annotations"] or None
    return row


def _in_points(answers: dict[str, Any], text: Any) -> dict[str, Any]:
    """Marks with offsets in code points; Label Studio counts UTF-16 units, unless its quotes say otherwise."""
    convert = from_utf16(text) if isinstance(text, str) else None
    if convert is None:
        return answers
    return {
        name: _converted(value, text, convert) if isinstance(value, list) else value for name, value in answers.items()
    }


def _converted(value: list[Any], text: str, convert: Callable[[int], int | None]) -> list[Any]:
    found = []
    for one in value:
        if isinstance(one, dict) and isinstance(one.get("start"), int) and isinstance(one.get("end"), int):
            start, end = convert(one["start"]), convert(one["end"])
            if start is None or end is None or one.get("text", text[start:end]) != text[start:end]:
                return value
            one = {**one, "start": start, "end": end}
        found.append(one)
    return found


def _last_of_each(given: list[dict[str, Any]], told: Told) -> list[dict[str, Any]]:
    """One annotation of each annotator: the last one that is no skip, as nobody answers an item twice here."""
    chosen: dict[str, dict[str, Any]] = {}
    for one in sorted(given, key=lambda one: (one.get("was_cancelled") is not True, str(one.get("updated_at") or ""))):
        name = who(one.get("completed_by"))
        if name in chosen:
            told.lose(_("an annotator's second answer to an item was left out; the last one counts"))
        chosen[name] = one
    return [one for one in given if any(one is kept for kept in chosen.values())]


def text_place(data: dict[str, Any], told: Told, given: list[dict[str, Any]]) -> str:
    """Where the words of a task stand: as the configuration says, `text`, or else the longest text of its data."""
    known = next((name for name in told.texts if isinstance(data.get(name), str)), "")
    if known or isinstance(data.get("text"), str):
        return known or "text"
    return max((name for name in data if isinstance(data[name], str)), key=lambda name: len(data[name]), default="text")


def _marks_markup(given: list[dict[str, Any]]) -> bool:
    results = (one for entry in given for one in _list(entry, "result") if isinstance(one, dict))
    return any(one.get("type") == "hypertextlabels" for one in results)


def _annotation(one: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
    # `whole`: what it does not mark, it says has no marks.
    found: dict[str, Any] = {"annotator": who(one.get("completed_by")), "label": answers, "whole": True}
    if one.get("was_cancelled") is True:
        found |= {"status": "skipped", "label": {}, "whole": False}
    if isinstance(one.get("lead_time"), (int, float)):
        found["seconds"] = one["lead_time"]
    return found


def who(given: Any) -> str:
    """An annotator by address or name, or as a number where the export says no more."""
    if isinstance(given, dict):
        name = " ".join(str(given[part]) for part in ("first_name", "last_name") if given.get(part))
        given = given.get("email") or given.get("username") or name or given.get("id")
    return str(given) if given not in (None, "") else UNKNOWN


# What an annotation says


def _answers(results: Any, told: Told, compared: tuple[list[Any], list[str]]) -> dict[str, Any]:
    """question -> answer of the results of one annotation."""
    listed = [one for one in results if isinstance(one, dict)] if isinstance(results, list) else []
    regions: dict[str, str] = {}
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in listed:
        if one.get("type") == "relation":
            continue
        groups[str(one.get("from_name") or one.get("type") or "label")].append(one)
        if one.get("type") in SPANS and one.get("id") is not None:
            regions[str(one["id"])] = str(one.get("from_name") or "")
    found: dict[str, Any] = {}
    for name, group in groups.items():
        kind, values = str(group[0].get("type")), [one["value"] for one in group if isinstance(one.get("value"), dict)]
        if kind in SPANS:
            _put(found, *_spans(name, group, _joints(listed, regions, name, told), told))
        elif kind not in _READ:
            told.lose(_("results of the type “{type}” were left out").format(type=kind[:40]))
        elif any(str(one.get("id")) in regions for one in group):
            told.lose(_("answers about single marks were left out"))
        elif values:
            _put(found, *_READ[kind](name, values, told, compared))
    return found


def _put(found: dict[str, Any], asked: Asked | None, value: Any) -> None:
    if asked is not None and value not in (None, ""):
        found[asked.name] = value


def _joints(listed: list[dict[str, Any]], regions: dict[str, str], name: str, told: Told) -> list[dict[str, Any]]:
    """The relations between marks of one question; others have no place here."""
    found = []
    for one in listed:
        if one.get("type") != "relation":
            continue
        ends = [regions.get(str(one.get(side))) for side in ("from_id", "to_id")]
        if ends == [name, name]:
            names = [str(label) for label in one.get("labels") or [] if label] or ["related"]
            source, target = (one["to_id"], one["from_id"]) if one.get("direction") == "left" else (one["from_id"], one["to_id"])  # fmt: skip
            found += [{"from_id": source, "to_id": target, "type": label} for label in names]
            if one.get("direction") == "bi":
                found += [{"from_id": target, "to_id": source, "type": label} for label in names]
        elif name == next(iter(filter(None, ends)), None):
            told.lose(_("relations between marks of two questions were left out"))
    return found


def _spans(name: str, group: list[dict[str, Any]], joints: list[dict[str, Any]], told: Told) -> tuple[Asked, Any]:
    asked = told.ask(name, "spans")
    marks: list[dict[str, Any]] = []
    for one in group:
        value = one.get("value")
        if not isinstance(value, dict):
            continue
        given = value.get(str(one.get("type"))) or value.get("labels") or []
        labels = [asked.known(str(label)) for label in given] if isinstance(given, list) else []
        place = value["globalOffsets"] if isinstance(value.get("globalOffsets"), dict) else value
        if not isinstance(place.get("start"), (int, float)) or not isinstance(place.get("end"), (int, float)):
            told.lose(_("marks without offsets in the whole text were left out"))
            continue
        asked.add(labels)
        if len(labels) > 1:
            told.lose(_("marks with several labels became one mark for each"))
        quote = {"text": value["text"]} if isinstance(value.get("text"), str) and value["text"] else {}
        mark = {"start": place["start"], "end": place["end"], **quote}
        marks += [{"id": one.get("id"), **mark, "label": label} for label in labels]
    known = {str(mark["id"]) for mark in marks}
    joined = [one for one in joints if {str(one["from_id"]), str(one["to_id"])} <= known]
    asked.relations.update(dict.fromkeys(one["type"] for one in joined))
    return asked, [*marks, *joined]


Compared = tuple[list[Any], list[str]]
Found = tuple[Asked | None, Any]


def _choices(name: str, values: list[dict[str, Any]], told: Told, compared: Compared) -> Found:
    chosen = [label for value in values for label in value.get("choices") or []]
    labels = [str(label[-1]) if isinstance(label, list) and label else str(label) for label in chosen]
    asked = told.ask(name, "choice")
    asked.sure = True
    asked.add(label for label in labels if asked.known(label) not in asked.labels)
    labels = [asked.known(label) for label in labels]
    asked.several = asked.several or len(labels) > 1
    return asked, labels[0] if len(labels) == 1 else labels or None


def path_name(path: list[Any]) -> str:
    """What a label of a tree is called: all its names, because two branches may end alike."""
    return short(" / ".join(map(str, path)))


def _taxonomy(name: str, values: list[dict[str, Any]], told: Told, compared: Compared) -> Found:
    paths = [path for value in values for path in value.get("taxonomy") or [] if isinstance(path, list) and path]
    asked = told.ask(name, "choices")
    for path in paths:
        for depth in range(1, len(path) + 1):
            parent = {"parent": path_name(path[: depth - 1])} if depth > 1 else {}
            label = {"name": path_name(path[:depth]), "title": str(path[depth - 1]), **parent}
            asked.labels.setdefault(label["name"], label)
    return asked, [path_name(path) for path in paths] or None


def _rating(name: str, values: list[dict[str, Any]], told: Told, compared: Compared) -> Found:
    return told.ask(name, "score", min=1, max=5), values[0].get("rating")


def _number(name: str, values: list[dict[str, Any]], told: Told, compared: Compared) -> Found:
    asked, value = told.ask(name, "score"), values[0].get("number")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        asked.count(value)
    return asked, value


def _textarea(name: str, values: list[dict[str, Any]], told: Told, compared: Compared) -> Found:
    given = [value.get("text") for value in values]
    lines = [str(line) for text in given for line in (text if isinstance(text, list) else [text]) if line]
    return told.ask(name, "text"), "\n".join(lines)


def _datetime(name: str, values: list[dict[str, Any]], told: Told, compared: Compared) -> Found:
    return told.ask(name, "text"), values[0].get("datetime")


def _pairwise(name: str, values: list[dict[str, Any]], told: Told, compared: Compared) -> Found:
    sides = {"left": "a", "right": "b"}
    return told.ask(name, "preference", tie=True), _better(sides.get(str(values[0].get("selected"))))


def _better(side: str | None) -> dict[str, str] | None:
    return {"better": side} if side else None


def _ranker(name: str, values: list[dict[str, Any]], told: Told, compared: Compared) -> Found:
    order, entries = values[0].get("ranker"), compared[0]
    ids = [str(entry.get("id")) for entry in entries if isinstance(entry, dict)]
    if not isinstance(order, list) or sorted(map(str, order)) != sorted(ids):
        told.lose(_("rankings into buckets, or of items that the task does not list, were left out"))
        return None, None
    return told.ask(name, "preference", mode="ranking"), {"order": [[LETTERS[ids.index(str(one))]] for one in order]}


_READ = {
    "choices": _choices,
    "taxonomy": _taxonomy,
    "rating": _rating,
    "number": _number,
    "textarea": _textarea,
    "datetime": _datetime,
    "pairwise": _pairwise,
    "ranker": _ranker,
}


def _candidates(data: dict[str, Any], told: Told, given: list[dict[str, Any]]) -> Compared:
    """What is compared, and the columns it was taken from: two texts side by side, or a list of items."""
    kinds = {one.get("type") for entry in given for one in _list(entry, "result") if isinstance(one, dict)}
    if told.listed or "ranker" in kinds:
        names = [told.listed] if told.listed else [name for name, value in data.items() if isinstance(value, list)]
        for name in names:
            entries = [entry for entry in data.get(name) or [] if isinstance(entry, dict)]
            if 2 <= len(entries) <= len(LETTERS):
                texts = [{**entry, "text": entry.get("body") or entry.get("title") or ""} for entry in entries]
                return [{key: one[key] for key in ("id", "text") if key in one} for one in texts], [name]
    if told.pair or "pairwise" in kinds:
        sides = pairwise(name for name in data if isinstance(data[name], str))
        ends: list[str] = told.pair or next(([one, two] for one, two in sides if one[:-1] == two[:-1]), [])
        if len(ends) == 2 and all(isinstance(data.get(name), str) for name in ends):
            return [{"text": data[name]} for name in ends], list(ends)
    return [], []


# JSON_MIN


def _of_min(record: dict[str, Any], told: Told) -> dict[str, Any]:
    """Answers stand between the task's id and the annotator; what stands before is data."""
    names = list(record)
    end = names.index("annotator")
    start = names.index("id") + 1 if "id" in names[:end] else end
    said = [name for name in names[start:end] if not told.questions or name in told.sources or not told.sources]
    data = {name: record[name] for name in names[: start - 1 if start else 0] if name not in NOTED}
    place = text_place(data, told, [])
    answers: dict[str, Any] = {}
    for name in said:
        _put(answers, *_short(name, record[name], told))
    text = data.pop(place, None)
    one = {
        "annotator": who(record["annotator"]),
        "label": _in_points(answers, text),
        "seconds": record.get("lead_time"),
        "whole": True,
    }
    return {
        "id": data.pop("id", record.get("id")),
        "text": text,
        "annotations": [one],
        "gold": None,
        "suggestions": None,
        "meta": data,
        "candidates": None,
    }


def _short(name: str, value: Any, told: Told) -> Found:
    """An answer of JSON_MIN: a list of marks or of objects, {"choices": [...]}, or the one choice or text itself."""
    none: Compared = ([], [])
    known = told.sources.get(name, "")
    if isinstance(value, dict):
        kind = next((kind for kind in _READ if kind in value), "")
        kind = kind or ("textarea" if "text" in value else "")
        return _READ[kind](name, [value], told, none) if kind else (None, None)
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        marks = next((kind for kind in SPANS if kind in value[0]), "")
        if marks:
            return _spans(name, [{"id": k, "type": marks, "value": one} for k, one in enumerate(value)], [], told)
        return _short(name, value[0], told)
    if isinstance(value, list) and value and all(isinstance(one, list) for one in value):
        return _taxonomy(name, [{"taxonomy": value}], told, none)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _READ["rating" if known == "rating" else "number"](name, [{known or "number": value}], told, none)
    if isinstance(value, str):
        if known == "textarea":
            return _textarea(name, [{"text": value}], told, none)
        return _choices(name, [{"choices": [value]}], told, none)
    if isinstance(value, list) and value:
        return _textarea(name, [{"text": value}], told, none)
    return None, None

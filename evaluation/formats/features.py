"""PURE. The columns of Parquet files as Hugging Face's `datasets` declares them in a card, labels as classes with names."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from evaluation.formats.parquet import schema_of
from evaluation.formats.release import Release, label_names


def features(release: Release) -> list[dict[str, Any]]:
    """`dataset_info.features` of the card, for the default configuration."""
    found = [{"name": field.name, **declared(field.type)} for field in schema_of(release)]
    classes = {column: label_names(question) for column, question in release.gold_columns() if question["kind"] == "choice"}  # fmt: skip
    for entry in found:
        if entry["name"] in classes:
            names = {str(place): name for place, name in enumerate(classes[entry["name"]])}
            entry["dtype"] = {"class_label": {"names": names}}
    return found


def declared(type_: pa.DataType) -> dict[str, Any]:
    """{"dtype": …}, {"list": …} or {"struct": […]}."""
    if pa.types.is_list(type_):
        inner = declared(type_.value_type)
        return {"list": inner.get("dtype") or inner.get("struct") or inner}
    if pa.types.is_struct(type_):
        return {"struct": [{"name": field.name, **declared(field.type)} for field in type_]}
    return {"dtype": {pa.string(): "string", pa.int64(): "int64", pa.float64(): "float64", pa.bool_(): "bool"}[type_]}


def in_yaml(value: Any) -> str:
    """A value as YAML on one line: JSON, with escapes for the characters that YAML does not take as they are."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" if ord(sign) < 65536 else f"\\U{ord(sign):08x}" for sign in text)  # fmt: skip

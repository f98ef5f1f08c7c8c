"""A frozen version as files: data, card, guideline, manifest and checksums; test gold only for those who may have it."""

import csv
import hashlib
import io
import json
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from annotation import schema as schemas
from annotation.kinds import KINDS
from annotation.models import User
from annotation.reading import MARKER_COLUMN, neutralise
from evaluation.card import card
from evaluation.models import SPLITS, DatasetVersion, Example, Export
from evaluation.rules import may_have_test_gold as may_have_test_gold

FORMATS = ("jsonl", "csv")
FIELDS = ("title", "source_type", "language", "published_at", "issuer", "url")
CHUNK = 1000
# The earliest time that a zip can state: the same content is the same bytes, whenever it is exported.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)


class Wanted(NamedTuple):
    """What is exported, and how."""

    version: DatasetVersion
    format: str
    with_test_gold: bool
    # Whether candidate responses or reference answers are among the examples.
    compares: bool = False
    # Whether some gold is soft: then every row tells how the answers to its text spread.
    spreads: bool = False


class File(NamedTuple):
    """A file of the export; its bytes come in chunks, so that no version has to fit into memory."""

    name: str
    chunks: Iterable[bytes]


# -- Rights and records -------------------------------------------------------------------------------------------


def record(version: DatasetVersion, *, format: str, with_test_gold: bool, user: User | None) -> Export:
    """Note who took the version out."""
    return Export.objects.create(version=version, format=format, with_test_gold=with_test_gold, by=user)


# -- Ways out -----------------------------------------------------------------------------------------------------


def write(
    version: DatasetVersion, *, format: str = "jsonl", with_test_gold: bool, target: Path | IO[bytes]
) -> dict[str, Any]:
    """All files into an empty folder, or as a zip into an open binary file; returns the manifest.

    The bytes depend on nothing but the version and the options. Raises ValueError for a version that is not frozen, an
    unknown format, or a folder that holds files already.
    """
    wanted = _wanted(version, format, with_test_gold)
    facts = manifest(wanted)
    if isinstance(target, Path):
        _into_folder(target, _files(wanted, facts))
    else:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            _into_zip(archive, _files(wanted, facts))
    return facts


def archive(version: DatasetVersion, *, format: str = "jsonl", with_test_gold: bool) -> IO[bytes]:
    """The zip as a temporary file, at its start; it is gone when it is closed. Raises ValueError as `write` does."""
    file = _temporary()
    try:
        write(version, format=format, with_test_gold=with_test_gold, target=file)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def single(version: DatasetVersion, *, format: str = "jsonl", with_test_gold: bool, target: IO[bytes]) -> int:
    """All splits as one file that the import reads back to the same content; returns the number of rows."""
    wanted = _wanted(version, format, with_test_gold)
    for chunk in _data(wanted, _examples(version)):
        target.write(chunk)
    return int(_examples(version).count())


def _wanted(version: DatasetVersion, format: str, with_test_gold: bool) -> Wanted:
    if version.frozen_at is None:
        raise ValueError(_("This version is not frozen yet, so there is nothing to export."))
    if format not in FORMATS:
        raise ValueError(
            _("“%(format)s” is no format of an export; choose %(all)s.")
            % {"format": format, "all": " or ".join(FORMATS)}
        )
    rows = Example.objects.filter(version=version)
    compares = rows.filter(Q(fields__has_key="candidates") | Q(fields__has_key="reference")).exists()
    soft = rows.exclude(soft=None)
    soft = soft if with_test_gold else soft.exclude(split="test")
    return Wanted(version, format, with_test_gold, compares, soft.exists())


def _temporary() -> IO[bytes]:
    return tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # type: ignore[no-any-return]


def _into_folder(folder: Path, files: Iterable[File]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(_("The folder %(folder)s holds files already; name a new one.") % {"folder": folder})
    sums = []
    for name, chunks in files:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            sums.append((name, _pour(chunks, file.write)))
    (folder / "SHA256SUMS").write_bytes(_checksums(sums))


def _into_zip(archive: zipfile.ZipFile, files: Iterable[File]) -> None:
    sums = []
    for name, chunks in files:
        with archive.open(_entry(name), "w", force_zip64=True) as file:
            sums.append((name, _pour(chunks, file.write)))
    archive.writestr(_entry("SHA256SUMS"), _checksums(sums))


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, ZIP_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _pour(chunks: Iterable[bytes], write: Callable[[bytes], Any]) -> str:
    """Write the chunks; returns their SHA-256."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
        write(chunk)
    return digest.hexdigest()


def _checksums(sums: Iterable[tuple[str, str]]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in sums).encode()


# -- Files --------------------------------------------------------------------------------------------------------


def manifest(wanted: Wanted) -> dict[str, Any]:
    """Everything about the version that is not in the rows; nothing in it depends on the day of the export."""
    version, guideline = wanted.version, wanted.version.guideline_version
    examples = Example.objects.filter(version=version)
    methods: Counter[tuple[str, str]] = Counter()
    for entry in examples.values_list("methods", flat=True).iterator(chunk_size=CHUNK):
        methods.update(entry.items())
    present = set(examples.values_list("split", flat=True).distinct())
    return {
        "format": "assay-dataset/1",
        "project": version.project.slug,
        "dataset": version.dataset.name,
        "version": version.number,
        "previous": version.previous.number if version.previous else None,
        "change_note": version.change_note,
        "frozen_at": version.frozen_at.isoformat() if version.frozen_at else None,
        "content_hash": version.content_hash,
        "split_hashes": version.split_hashes,
        "counts": version.counts,
        "options": version.options,
        "guideline_version": guideline.number,
        "questions": [
            {
                "name": entry["name"],
                "kind": entry["kind"],
                "column": KINDS[entry["kind"]].column,
                "labels": schemas.label_names(entry),
            }
            for entry in version.questions
        ],
        "agreement": version.agreement,
        "settled": _settled(methods),
        "findings": version.findings,
        "data_format": wanted.format,
        "with_test_gold": wanted.with_test_gold,
        "compares": wanted.compares,
        "spreads": wanted.spreads,
        "data": {split: f"data/{split}.{wanted.format}" for split in SPLITS if split in present},
    }


def _settled(methods: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (question, method), count in sorted(methods.items()):
        found.setdefault(question, {})[method] = count
    return found


def _files(wanted: Wanted, facts: dict[str, Any]) -> Iterator[File]:
    version = wanted.version
    yield File("README.md", [card(version, facts).encode()])
    for split, name in facts["data"].items():
        yield File(name, _data(wanted, _examples(version).filter(split=split)))
    yield File("guideline.md", [f"{version.guideline_version.text.rstrip()}\n".encode()])
    yield File("schema.json", [_json({"questions": version.questions})])
    yield File("manifest.json", [_json(facts)])


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def _examples(version: DatasetVersion) -> QuerySet[Example]:
    """In the order of keys by code point, which is the order they were written in, whatever the database sorts by."""
    return Example.objects.filter(version=version).order_by("pk")


# -- Rows ---------------------------------------------------------------------------------------------------------


def _data(wanted: Wanted, examples: QuerySet[Example]) -> Iterator[bytes]:
    rows = (_row(wanted, example) for example in examples.iterator(chunk_size=CHUNK))
    return _csv(wanted, rows) if wanted.format == "csv" else _jsonl(rows)


def _row(wanted: Wanted, example: Example) -> dict[str, Any]:
    """The columns of an example; every row has all of them, but a test row without its gold has none for it.

    The metadata stays behind with the gold: a column of the imported file may well have held the label.
    """
    shown = wanted.with_test_gold or example.split != "test"
    fields: dict[str, Any] = example.fields
    return {
        "id": example.key,
        "text": example.text,
        "split": example.split,
        **(_gold(wanted.version, example) if shown else {}),
        **({"distribution": _spread(wanted.version, example) if shown else None} if wanted.spreads else {}),
        **(
            {"candidates": fields.get("candidates", []), "reference": fields.get("reference", "")}
            if wanted.compares
            else {}
        ),
        **{name: fields.get(name, "") for name in FIELDS},
        # PostgreSQL keeps the names of an object in an order of its own.
        "meta": dict(sorted(fields.get("metadata", {}).items())) if shown else {},
    }


def _gold(version: DatasetVersion, example: Example) -> dict[str, Any]:
    """A column named by its kind (`label`) where one question is frozen, else `gold` with the value of each question."""
    names = version.options["questions"]
    if len(names) == 1:
        return {gold_column(version): example.gold[names[0]]}
    return {"gold": {name: example.gold[name] for name in names if name in example.gold}}


def _spread(version: DatasetVersion, example: Example) -> Any:
    """How the answers to an ambiguous text spread: a list, or an object of lists where several questions are frozen."""
    soft = example.soft or {}
    # PostgreSQL keeps the names of an object in an order of its own.
    told = {name: [{"value": one["value"], "n": one["n"]} for one in part] for name, part in sorted(soft.items())}
    return (next(iter(told.values()), None) if len(version.options["questions"]) == 1 else told) or None


def gold_column(version: DatasetVersion) -> str:
    """What the gold of a single question is called in files: label, labels, spans, score …"""
    return KINDS[version.questions[0]["kind"]].column


def _jsonl(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    for row in rows:
        yield (json.dumps(row, ensure_ascii=False) + "\n").encode()


def _csv(wanted: Wanted, rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Cells that a spreadsheet would run as formulas have an apostrophe; the column `_assay` says that it comes off."""
    questions = wanted.version.options["questions"]
    single = gold_column(wanted.version) if len(questions) == 1 else ""
    gold = [single] if single else [f"gold.{name}" for name in questions]
    meta = _meta_names(wanted)
    compared = [
        *(["distribution"] if wanted.spreads else []),
        *(["candidates", "reference"] if wanted.compares else []),
    ]
    columns = ["id", "text", "split", *gold, *compared, *FIELDS, *(f"meta.{name}" for name in meta), MARKER_COLUMN]
    yield _line(columns)
    for row in rows:
        given = [row.get(single)] if single else [row.get("gold", {}).get(name) for name in questions]
        given += [row[name] or None for name in compared]
        cells = [row["id"], row["text"], row["split"], *map(_in_cell, given), *(row[name] for name in FIELDS)]
        cells += [row["meta"].get(name, "") for name in meta]
        yield _line([*(neutralise(str(cell)) for cell in cells), "1"])


def _in_cell(value: Any) -> str:
    """An answer in a cell: a label as it is, anything with parts as JSON, nothing as nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _line(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _meta_names(wanted: Wanted) -> list[str]:
    """The union of the metadata names, sorted."""
    examples = Example.objects.filter(version=wanted.version)
    if not wanted.with_test_gold:
        examples = examples.exclude(split="test")
    names: set[str] = set()
    for fields in examples.values_list("fields", flat=True).iterator(chunk_size=CHUNK):
        names.update(fields.get("metadata", {}))
    return sorted(names)

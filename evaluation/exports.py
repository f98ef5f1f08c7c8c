"""Reads: a frozen version as files: data in some format, card, guideline, manifest; test gold only where it is wanted."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Count, Max, Min
from django.db.models.fields.json import KT

from annotation import schema as schemas
from annotation.kinds import KINDS
from evaluation import citations, croissant, datasheet, formats, raw
from evaluation.archives import Sums
from evaluation.card import card
from evaluation.formats.features import features
from evaluation.formats.release import ELSEWHERE, FIELDS, File, Release, Row
from evaluation.wanted import Wanted

CHUNK = 1000
# What has no answer in these formats is told by a program that reads them; only they are loaded by their card.
LOADED = ("jsonl", "csv", "parquet", "huggingface")
Tick = Callable[[int], None]


# -- Rows ---------------------------------------------------------------------------------------------------------


def release_of(wanted: Wanted) -> Release:
    """What the writers are told."""
    version = wanted.version
    counted = Counter(wanted.examples.order_by().values_list("split", flat=True).iterator(chunk_size=10_000))
    return Release(
        questions=version.questions,
        asked=formats.asked(wanted.format, version.questions, wanted.question),
        counts={split: counted[split] for split in wanted.splits},
        columns={name: kind.column for name, kind in KINDS.items()},
        meta=_meta_names(wanted) if wanted.format.name == "csv" else [],
        compares=wanted.compares,
        spreads=wanted.spreads,
        scheme=wanted.scheme,
    )


def _meta_names(wanted: Wanted) -> list[str]:
    """The union of the metadata names, sorted."""
    names: set[str] = set()
    for fields in wanted.shown.order_by().values_list("fields", flat=True).iterator(chunk_size=CHUNK):
        names.update(fields.get("metadata", {}))
    return sorted(names)


def rows_of(wanted: Wanted, tick: Tick = lambda done: None) -> Callable[[str], Iterator[Row]]:
    """split -> its examples, as the writers take them; '' -> all, in the order of their ids.

    The metadata stays behind with the gold: a column of the imported file may well have held the label.
    """
    done = 0
    several = len(wanted.version.options["questions"]) > 1
    names = wanted.version.options["questions"]

    def rows(split: str) -> Iterator[Row]:
        nonlocal done
        found = wanted.examples.filter(split=split) if split else wanted.examples
        columns = ("key", "text", "split", "gold", "soft", "fields")
        for key, text, place, gold, soft, fields in found.values_list(*columns).iterator(chunk_size=CHUNK):
            shown = wanted.with_test_gold or place != "test"
            row: Row = {"id": key, "text": text, "split": place}
            row["gold"] = {name: gold[name] for name in names if name in gold} if shown else None
            row["distribution"] = _spread(soft, several=several) if shown else None
            row["candidates"] = fields.get("candidates", [])
            row["reference"] = fields.get("reference", "")
            for name in FIELDS:
                row[name] = fields.get(name, "")
            # PostgreSQL keeps the names of an object in an order of its own.
            row["meta"] = dict(sorted(fields.get("metadata", {}).items())) if shown else {}
            done += 1
            if not done % CHUNK:
                tick(done)
            yield row

    return rows


def _spread(soft: dict[str, Any] | None, *, several: bool) -> Any:
    """How the answers to an ambiguous text spread: a list, or an object of lists where several questions are frozen."""
    told = {name: [{"value": one["value"], "n": one["n"]} for one in part] for name, part in sorted((soft or {}).items())}  # fmt: skip
    return (told if several else next(iter(told.values()), None)) or None


# -- Files --------------------------------------------------------------------------------------------------------


def files(wanted: Wanted, sums: Sums, losses: Counter[str], tick: Tick = lambda done: None) -> Iterator[File]:
    """All files, the data first; what tells of them is made when they are written, from `sums` and `losses`.

    The writer counts into `losses` what the format cannot carry.
    """
    version, release = wanted.version, release_of(wanted)
    release.losses = losses
    yield from wanted.format.write(release, rows_of(wanted, tick))
    if wanted.annotations:
        yield from raw.files(wanted)
    facts = manifest(wanted, release, sums)
    about = version.dataset.about
    yield File("LICENSE", [citations.licence_file(about["licence"]).encode()])
    yield File("CITATION.cff", [citations.citation_file(facts, about).encode()])
    yield File("datasheet.md", [datasheet.datasheet(facts, about).encode()])
    if facts["files"]:
        yield File("croissant.json", [_json(croissant.croissant(facts, about))])
    yield File("guideline.md", [f"{version.guideline_version.text.rstrip()}\n".encode()])
    yield File("schema.json", [_json({"questions": version.questions})])
    yield File("README.md", [card(version, facts).encode()])
    yield File("manifest.json", [_json(facts)])


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def manifest(wanted: Wanted, release: Release, sums: Sums) -> dict[str, Any]:
    """Everything about the version that is not in the rows; nothing in it depends on the day of the export."""
    version, guideline = wanted.version, wanted.version.guideline_version
    methods: Counter[tuple[str, str]] = Counter()
    answers = 0
    for entry, votes in wanted.examples.order_by().values_list("methods", "votes").iterator(chunk_size=CHUNK):
        methods.update(entry.items())
        answers += max((total for _agreed, total in votes.values()), default=0)
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
        "data_format": wanted.format.name,
        "with_test_gold": wanted.with_test_gold,
        "splits": list(wanted.splits),
        "written": release.counts,
        "asked": [question["name"] for question in release.asked],
        "scheme": wanted.scheme if wanted.format.schemes else None,
        "losses": dict(sorted(release.losses.items())),
        "with_annotations": wanted.annotations,
        "with_comments": wanted.comments,
        "features": features(release) if wanted.format.name in ("parquet", "huggingface") else [],
        "licence": version.dataset.licence,
        "answers_per_example": round(answers / max(1, sum(release.counts.values())), 4),
        "annotators": max((figures.get("n_raters", 0) for figures in version.agreement.values()), default=0),
        **_documents(wanted),
        "compares": wanted.compares,
        "spreads": wanted.spreads,
        "data": {split: _data(wanted, split, sums) for split in wanted.splits},
        "files": {name: {"sha256": written.digest, "bytes": written.size} for name, written in sums.items()}
        if wanted.format.name in LOADED
        else {},
    }


def _documents(wanted: Wanted) -> dict[str, Any]:
    """Languages, kinds and times of the texts."""
    rows = wanted.examples.order_by()
    kinds = rows.values_list(KT("fields__source_type")).annotate(n=Count("pk"))
    languages = rows.values_list(KT("fields__language")).annotate(n=Count("pk"))
    days = rows.exclude(fields__published_at=None).exclude(fields__published_at="")
    first, last = days.aggregate(first=Min(KT("fields__published_at")), last=Max(KT("fields__published_at"))).values()
    return {
        "languages": sorted(name for name, _count in languages if name),
        "source_types": {name or "": count for name, count in sorted((name or "", count) for name, count in kinds)},
        "published": [first[:10], last[:10]] if first and last else None,
    }


def _data(wanted: Wanted, split: str, sums: Sums) -> Any:
    """The file of a split, or the files; nothing for formats of many small ones."""
    if wanted.format.name == "huggingface":
        return [name for name in sums if name.startswith(f"data/{ELSEWHERE[split]}-")]
    if wanted.format.name == "brat":
        return f"data/{split}/"
    found = [name for name in sums if name.startswith((f"data/{split}.", f"data/{split}/"))]
    return found[0] if len(found) == 1 else found


def _settled(methods: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (question, method), count in sorted(methods.items()):
        found.setdefault(question, {})[method] = count
    return found

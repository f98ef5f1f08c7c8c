"""Reads: the answers behind a version's gold, as they stood at the freeze, with names that mean nothing elsewhere."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

import pyarrow as pa
from django.db.models import Q
from django.utils.crypto import salted_hmac

from annotation import masking
from annotation.models import Annotation, Gold, Revision
from evaluation.formats import jsonl, parquet
from evaluation.formats.release import File, Row
from evaluation.models import DatasetVersion
from evaluation.wanted import Wanted

# Examples in memory at once, with all their answers.
CHUNK = 500
SALT = "assay.export.annotators"


def files(wanted: Wanted) -> Iterator[File]:
    """annotations/ and adjudications/, each as JSON Lines and as Parquet.

    Of test examples nothing is told where their gold is withheld: their answers would give it away.
    """
    for name, rows, columns in (
        ("annotations", _annotations, _ANNOTATION),
        ("adjudications", _adjudications, _ADJUDICATION),
    ):
        schema = pa.schema([*columns, *([(_WORDS[name], pa.string())] if wanted.comments else [])])
        yield File(f"{name}/{name}.jsonl", jsonl.lines(rows(wanted)))
        yield File(f"{name}/{name}.parquet", parquet.table(map(_flat, rows(wanted)), schema))


_ANNOTATION = [
    *((name, pa.string()) for name in ("id", "split", "annotator", "status", "skip_reason")),
    ("answer", pa.string()),
    ("guideline_version", pa.int64()),
    ("confidence", pa.int64()),
    ("flagged", pa.bool_()),
    ("independent", pa.bool_()),
    ("suggested", pa.list_(pa.string())),
    ("seconds", pa.float64()),
    ("day", pa.string()),
]
_ADJUDICATION = [
    *((name, pa.string()) for name in ("id", "split", "question", "value", "decided_by", "reason", "rule")),
    ("ambiguous", pa.bool_()),
    ("guideline_version", pa.int64()),
    ("day", pa.string()),
]
_WORDS = {"annotations": "comment", "adjudications": "note"}


def _flat(row: Row) -> Row:
    """Answers of any form as JSON."""
    found = dict(row)
    for name in ("answer", "value"):
        if name in found:
            found[name] = parquet.in_json(found[name])
    return found


def pseudonyms(version: DatasetVersion) -> Callable[[int | None], str]:
    """Whoever it is, under a name of this version: the same in every export of it, another one in every other version.

    An HMAC of the account under the server's secret key; nobody without the key can tell who it is, or guess it.
    """
    known: dict[int | None, str] = {None: ""}

    def name(person: int | None) -> str:
        if person not in known:
            digest = salted_hmac(SALT, f"{version.pk}:{person}", algorithm="sha256").hexdigest()
            known[person] = f"p-{digest[:16]}"
        return known[person]

    return name


def _masked(wanted: Wanted, examples: dict[int, tuple[str, str]]) -> masking.Frozen:
    """What of the answers to these examples may be told, beside the private data that is masked in their texts."""
    texts = dict(wanted.shown.filter(item__in=list(examples)).values_list("item_id", "text"))
    return masking.Frozen(wanted.version.dataset.project_id, texts)


def _until(version: DatasetVersion) -> datetime:
    """The moment up to which answers and gold were looked at."""
    moment = version.gold_until or version.frozen_at
    assert moment is not None, "only frozen versions are exported"
    return moment


def _chunks(wanted: Wanted) -> Iterator[dict[int, tuple[str, str]]]:
    """item -> (key, split) of some examples at a time, in their order."""
    rows = wanted.shown.exclude(item=None).values_list("item_id", "key", "split").iterator(chunk_size=CHUNK)
    while found := {item: (key, split) for item, key, split in islice(rows, CHUNK)}:
        yield found


def _annotations(wanted: Wanted) -> Iterator[Row]:
    """Every answer, skip and “cannot decide” that counted at the freeze, by example and then by annotator."""
    until, name = _until(wanted.version), pseudonyms(wanted.version)
    counted = Q(superseded_at=None) | Q(superseded_at__gt=until)
    aside = Q(set_aside=None) | Q(set_aside__made_at__gt=until)
    questions = {entry["name"]: entry for entry in wanted.version.questions}
    for examples in _chunks(wanted):
        found = Annotation.objects.filter(counted, aside, item__in=list(examples), created_at__lte=until)
        found = found.exclude(status=Annotation.Status.DRAFT).select_related("guideline_version")
        rows = list(found)
        earlier = _earlier([row.pk for row in rows if row.updated_at > until], until)
        told = []
        for row in rows:
            said = earlier.get(row.pk) if row.updated_at > until else row
            if said is not None:
                told.append((row, said))
        masked = _masked(wanted, examples)
        order = {item: place for place, item in enumerate(examples)}
        told.sort(
            key=lambda pair: (order[pair[0].item_id], name(pair[0].annotator_id), pair[0].guideline_version.number)
        )
        for row, said in told:
            key, split = examples[row.item_id]
            moment = said.at if isinstance(said, Revision) else said.updated_at
            shown: Row = {
                "id": key,
                "split": split,
                "annotator": name(row.annotator_id),
                "status": said.status,
                "skip_reason": said.skip_reason,
                "answer": {
                    question: value
                    for question, given in sorted(said.answer.items())
                    if question in questions
                    and (value := masked.answer(row.item_id, questions[question], given)) is not None
                },
                "guideline_version": row.guideline_version.number,
                "confidence": said.confidence,
                "flagged": said.flagged,
                "independent": row.independent,
                "suggested": sorted(said.suggested),
                "seconds": said.seconds,
                "day": moment.date().isoformat(),
            }
            yield shown | ({"comment": masked.words(row.item_id, said.comment)} if wanted.comments else {})


def _earlier(changed: list[int], until: datetime) -> dict[int, Revision]:
    """What annotations said then that were changed since."""
    rows = Revision.objects.filter(annotation__in=changed, at__lte=until).order_by("at", "pk") if changed else ()
    return {row.annotation_id: row for row in rows}


def _adjudications(wanted: Wanted) -> Iterator[Row]:
    """What people decided, by example and question."""
    until, name = _until(wanted.version), pseudonyms(wanted.version)
    counted = Q(superseded_at=None) | Q(superseded_at__gt=until)
    questions = {entry["name"]: entry for entry in wanted.version.questions}
    for examples in _chunks(wanted):
        masked = _masked(wanted, examples)
        found = Gold.objects.filter(
            counted,
            item__in=list(examples),
            settled_at__lte=until,
            method=Gold.Method.ADJUDICATED,
            question__in=wanted.version.options["questions"],
        ).select_related("guideline_version")
        order = {item: place for place, item in enumerate(examples)}
        for row in sorted(found, key=lambda row: (order[row.item_id], row.question, row.pk)):
            key, split = examples[row.item_id]
            shown: dict[str, Any] = {
                "id": key,
                "split": split,
                "question": row.question,
                "value": masked.answer(row.item_id, questions[row.question], row.value),
                "decided_by": name(row.settled_by_id),
                "reason": row.reason,
                "rule": row.rule,
                "ambiguous": row.distribution is not None,
                "guideline_version": row.guideline_version.number,
                "day": row.settled_at.date().isoformat(),
            }
            yield shown | ({"note": masked.words(row.item_id, row.note)} if wanted.comments else {})

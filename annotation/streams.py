"""The rows that tell what happened in a project, one stream for each sort of row, each in the order of time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy

from annotation import recording
from annotation.models import (
    Act,
    Annotation,
    Assignment,
    Case,
    Gold,
    GuidelineVersion,
    Import,
    Project,
    Remark,
    Revision,
)

# What an entry of the history tells: code -> words. Acts add their own.
ANSWERED, SKIPPED, CORRECTED, MAPPED = "answered", "skipped", "corrected", "mapped"
WORDS = {
    ANSWERED: gettext_lazy("answered or skipped"),
    SKIPPED: gettext_lazy("skipped or could not decide"),
    CORRECTED: gettext_lazy("corrected an answer"),
    MAPPED: gettext_lazy("an answer was carried over to new labels"),
    "superseded": gettext_lazy("an answer counts no more"),
    "gold": gettext_lazy("gold was settled"),
    "gold_replaced": gettext_lazy("gold was replaced"),
    "case_opened": gettext_lazy("a case was opened"),
    "case_closed": gettext_lazy("a case was closed"),
    "remark": gettext_lazy("asked or answered a question"),
    "published": gettext_lazy("published the guideline"),
    "imported": gettext_lazy("imported a file"),
}


def kinds() -> dict[str, Any]:
    """Every kind of entry that there can be, with its words."""
    return {**WORDS, **recording.KINDS}


@dataclass(frozen=True)
class Asked:
    """What of the history is wanted; nothing given: all of it. `until` and `since` are moments, both within."""

    project: Project
    person: int | None = None
    item: int | None = None
    question: str = ""
    kind: str = ""
    version: GuidelineVersion | None = None
    since: datetime | None = None
    until: datetime | None = None
    # A person's own: without what others did with it, and without items that came back to them.
    own: bool = False

    @cached_property
    def annotations(self) -> list[int]:
        """The answers to the item that is asked for."""
        return list(Annotation.every.filter(item=self.item).values_list("pk", flat=True))


@dataclass(frozen=True)
class Stream:
    """Rows of one sort: which (`rows`), by which field they stand in time, and what of a row is told (`fields`)."""

    code: str
    kinds: tuple[str, ...]
    at: str
    rows: Callable[[Asked], "QuerySet[Any] | None"]
    # name in the entry -> field of the row
    fields: dict[str, str]
    # Whether it tells what people did with an item, which an adjudicator decides without knowing.
    told: tuple[str, ...] = field(default=())


def _answers(asked: Asked) -> QuerySet[Any]:
    rows = Revision.objects.filter(project=asked.project)
    if asked.item is not None:
        rows = Revision.objects.filter(annotation__in=asked.annotations)
    if asked.person is not None:
        rows = rows.filter(person=asked.person)
    if asked.own:
        rows = rows.filter(annotation__again=0)
    if asked.question:
        rows = rows.filter(answer__has_key=asked.question)
    if asked.version:
        rows = rows.filter(annotation__guideline_version=asked.version, at__gte=asked.version.published_at)
    if asked.kind == SKIPPED:
        rows = rows.exclude(status=Annotation.Status.SUBMITTED)
    elif asked.kind in (ANSWERED, CORRECTED, MAPPED):
        rows = rows.filter(corrects=asked.kind == CORRECTED, mapped=asked.kind == MAPPED)
    return rows


def _set_aside(asked: Asked) -> QuerySet[Any] | None:
    # Nobody is told that a manager has set their work aside.
    if asked.own:
        return None
    rows = Annotation.every.filter(project=asked.project).exclude(again=Assignment.RETURNED)
    rows = rows.exclude(status=Annotation.Status.DRAFT)
    rows = rows.filter(superseded_at__isnull=False)
    if asked.item is not None:
        rows = rows.filter(pk__in=asked.annotations)
    if asked.person is not None:
        rows = rows.filter(annotator=asked.person)
    if asked.question:
        rows = rows.filter(answer__has_key=asked.question)
    return rows.filter(guideline_version=asked.version) if asked.version else rows


def _gold(asked: Asked, *, replaced: bool) -> QuerySet[Any] | None:
    if asked.own:
        return None
    rows = Gold.objects.filter(item=asked.item) if asked.item else Gold.objects.filter(project=asked.project)
    rows = rows.filter(superseded_at__isnull=False) if replaced else rows
    if asked.person is not None:
        rows = rows.filter(settled_by=asked.person)
    if asked.question:
        rows = rows.filter(question=asked.question)
    return rows.filter(guideline_version=asked.version) if asked.version else rows


def _cases(asked: Asked, *, closed: bool) -> QuerySet[Any] | None:
    if asked.own or asked.person is not None or asked.version:
        return None
    rows = Case.objects.filter(item=asked.item) if asked.item else Case.objects.filter(project=asked.project)
    rows = rows.filter(closed_at__isnull=False) if closed else rows
    return rows.filter(question=asked.question) if asked.question else rows


def _remarks(asked: Asked) -> QuerySet[Any] | None:
    if asked.question:
        return None
    rows = Remark.objects.filter(thread__project=asked.project)
    if asked.item is not None:
        rows = rows.filter(thread__item=asked.item)
    if asked.person is not None:
        rows = rows.filter(author=asked.person)
    return rows.filter(guideline_version=asked.version) if asked.version else rows


def _versions(asked: Asked) -> QuerySet[Any] | None:
    if asked.own or asked.item is not None or asked.question:
        return None
    rows = GuidelineVersion.objects.filter(project=asked.project)
    if asked.person is not None:
        rows = rows.filter(published_by=asked.person)
    return rows.filter(pk=asked.version.pk) if asked.version else rows


def _imports(asked: Asked) -> QuerySet[Any] | None:
    if asked.own or asked.item is not None or asked.question or asked.version:
        return None
    rows = Import.objects.filter(project=asked.project, state="done", ended_at__isnull=False)
    return rows.filter(created_by=asked.person) if asked.person is not None else rows


def _acts(asked: Asked) -> QuerySet[Any]:
    rows = Act.objects.filter(project=asked.project)
    if asked.item is not None:
        rows = Act.objects.filter(item=asked.item)
    if asked.person is not None:
        rows = rows.filter(by=asked.person) if asked.own else rows.filter(Q(by=asked.person) | Q(about=asked.person))
    if asked.question:
        rows = rows.filter(question=asked.question)
    if asked.version:
        rows = rows.filter(guideline_version=asked.version)
    return rows.filter(kind=asked.kind) if asked.kind else rows


GOLD_FIELDS = {
    "item": "item_id", "question": "question", "version": "guideline_version_id", "value": "value", "method": "method",
    "reason": "reason", "comment": "note",
}  # fmt: skip
ANSWER_FIELDS = {
    "answer": "answer", "status": "status", "skip_reason": "skip_reason", "comment": "comment", "flagged": "flagged",
    "confidence": "confidence",
}  # fmt: skip
HIDDEN = tuple(ANSWER_FIELDS)

# The order is that of entries of the same moment, the last first.
STREAMS = (
    Stream("act", tuple(recording.KINDS), "at", _acts,
           {"kind": "kind", "person": "by_id", "about": "about_id", "item": "item_id", "question": "question",
            "version": "guideline_version_id", "details": "details"}),
    Stream("version", ("published",), "published_at", _versions,
           {"person": "published_by_id", "version": "id", "comment": "change_note"}),
    Stream("import", ("imported",), "ended_at", _imports, {"person": "created_by_id", "comment": "filename"}),
    Stream("replaced", ("gold_replaced",), "superseded_at", lambda asked: _gold(asked, replaced=True), GOLD_FIELDS),
    Stream("gold", ("gold",), "settled_at", lambda asked: _gold(asked, replaced=False),
           {"person": "settled_by_id", **GOLD_FIELDS}),
    Stream("closed", ("case_closed",), "closed_at", lambda asked: _cases(asked, closed=True),
           {"item": "item_id", "question": "question"}),
    Stream("opened", ("case_opened",), "opened_at", lambda asked: _cases(asked, closed=False),
           {"item": "item_id", "question": "question"}),
    Stream("remark", ("remark",), "at", _remarks,
           {"person": "author_id", "item": "thread__item_id", "version": "guideline_version_id"}, told=("person",)),
    Stream("aside", ("superseded",), "superseded_at", _set_aside,
           {"person": "annotator_id", "item": "item_id", "version": "guideline_version_id", **ANSWER_FIELDS}, told=HIDDEN),
    Stream("answer", (ANSWERED, SKIPPED, CORRECTED, MAPPED), "at", _answers,
           {"person": "person_id", "item": "annotation__item_id", "version": "annotation__guideline_version_id",
            "seconds": "seconds", "corrects": "corrects", "mapped": "mapped", "returned": "annotation__again",
            **ANSWER_FIELDS}, told=HIDDEN),
)  # fmt: skip

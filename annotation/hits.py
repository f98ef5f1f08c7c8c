"""Reads: private data in a project's texts, counted, and in its context for those who decide about it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Count, F, QuerySet, TextField, Value
from django.db.models.functions import Greatest, Substr
from django.utils.translation import gettext as _

from annotation import masking
from annotation.models import Document, Item, PrivateHit, Project
from annotation.text import privacy

AROUND = 90
State = PrivateHit.State


def summary(project: Project) -> dict[str, Any]:
    """kinds: {kind, title, policy, open, mask, keep} of each; open: how many wait; unscreened: documents not looked at."""
    rows = PrivateHit.objects.filter(project=project).order_by().values_list("kind", "state")
    found = {(kind, state): n for kind, state, n in rows.annotate(n=Count("pk"))}
    kinds = [
        {
            "kind": kind,
            "title": _(entry.title),
            "policy": project.private_policy.get(kind, "review"),
            **{state: found.get((kind, state), 0) for state in State.values},
        }
        for kind, entry in privacy.KINDS.items()
    ]
    documents = Document.objects.filter(project=project)
    return {
        "kinds": kinds,
        **{state: sum(row[state] for row in kinds) for state in State.values},
        "documents": documents.count(),
        "unscreened": documents.filter(screened__lt=privacy.VERSION).count(),
    }


def waiting(projects: Sequence[int]) -> QuerySet[PrivateHit]:
    """What waits for a look."""
    return PrivateHit.objects.open().filter(project__in=projects)


def filtered(project: Project, asked: Mapping[str, str]) -> QuerySet[PrivateHit]:
    """Hits by kind and state, those of one document together."""
    rows = PrivateHit.objects.filter(project=project)
    if asked.get("kind") in privacy.KINDS:
        rows = rows.filter(kind=asked["kind"])
    if asked.get("state") in State.values:
        rows = rows.filter(state=asked["state"])
    return rows.order_by("document", "part", "start")


def in_context(rows: QuerySet[PrivateHit]) -> list[dict[str, Any]]:
    """Each with what stands before, at and behind it, and what would stand in its place; two queries, no whole text."""
    begin = Greatest(F("start") - AROUND, Value(0))
    found = list(
        rows.select_related("document", "by")
        .defer("document__text", "document__raw")
        .annotate(
            around=Substr("document__text", begin + 1, F("end") - F("start") + 2 * AROUND, output_field=TextField())
        )
    )
    items = dict(Item.objects.filter(document__in={row.document_id for row in found}).values_list("document", "pk"))
    return [{"hit": row, "item": items.get(row.document_id), **_around(row)} for row in found]


def _around(row: Any) -> dict[str, Any]:
    if row.part:
        fields = {name: getattr(row.document, name) for name in ("title", "reference", "candidates", "metadata")}
        words = dict(masking.parts({**fields, "text": ""})).get(row.part, "")
        first = max(row.start - AROUND, 0)
        words = words[first : row.end + AROUND]
    else:
        words, first = row.around, max(row.start - AROUND, 0)
    start, end = row.start - first, row.end - first
    return {
        "before": ("…" if first else "") + words[:start],
        "value": words[start:end],
        "after": words[end : end + AROUND],
        "placeholder": privacy.placeholder(row.kind, row.number),
        "title": _(privacy.KINDS[row.kind].title),
    }


def open_among(project: Project, items: Iterable[int]) -> dict[str, int]:
    """kind -> how many places wait for a look in these items; of a passage those that reach into it."""
    rows = PrivateHit.objects.open().filter(project=project)
    hits: dict[int, list[tuple[str, int, int, str]]] = {}
    for document, part, start, end, kind in rows.values_list("document", "part", "start", "end", "kind").iterator():
        hits.setdefault(document, []).append((part, start, end, kind))
    if not hits:
        return {}
    wanted, found = set(items), dict[tuple[int, str, int], str]()
    of = Item.objects.filter(document__in=rows.values("document")).values_list("pk", "document", "start", "end")
    for pk, document, first, last in of.iterator(chunk_size=2000):
        for part, start, end, kind in hits.get(document, []) if pk in wanted else []:
            if part or first is None or last is None or (start < last and end > first):
                found[document, part, start] = kind
    counts: dict[str, int] = {}
    for kind in found.values():
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def in_words(counts: Mapping[str, int]) -> str:
    """Counts by kind as a list."""
    return ", ".join(f"{_(privacy.KINDS[kind].title)}: {n}" for kind, n in sorted(counts.items()))

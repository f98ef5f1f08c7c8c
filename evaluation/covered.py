"""Reads: what frozen versions cover: a project's cells beside its latest version, and the cells of one version."""

from collections import Counter, defaultdict
from typing import Any

from django.db.models import Exists, OuterRef

from annotation import coverage
from annotation.designs import period
from annotation.models import Project
from evaluation.models import SPLITS, DatasetVersion, Example


def of_project(project: Project, *, by: str = "", version: DatasetVersion | None = None) -> dict[str, Any]:
    """`coverage.table` with what stands in a version, the one frozen last where none is named; a fixed number of queries."""
    frozen = DatasetVersion.objects.frozen().filter(dataset__project=project).select_related("dataset")
    version = version or frozen.order_by("-frozen_at", "-pk").first()
    inside = Exists(Example.objects.filter(version=version, item=OuterRef("pk"))) if version else None
    found = coverage.table(project, by=by, frozen=inside)
    return {**found, "version": {"id": version.pk, "name": str(version)} if version else None}


def of_version(version: DatasetVersion, *, by: str = "") -> dict[str, Any]:
    """The cells of a frozen version with their examples in each split; the texts' own fields, so it holds for good."""
    by = by or version.project.coverage_by
    found: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    rows = Example.objects.filter(version=version).order_by().values_list("fields", "split")
    for fields, split in rows.iterator(chunk_size=5000):
        when = period(str(fields.get("published_at") or ""), by)
        found[str(fields.get("source_type") or ""), str(fields.get("language") or ""), when][split] += 1
    cells = [
        {"source_type": cell[0], "language": cell[1], "period": cell[2], **{split: counts[split] for split in SPLITS}, "all": counts.total()}
        for cell, counts in sorted(found.items())
    ]  # fmt: skip
    sums = {name: sum(row[name] for row in cells) for name in (*SPLITS, "all")}
    return {"by": by, "rows": cells, "sums": sums, "version": {"id": version.pk, "name": str(version)}}

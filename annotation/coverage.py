"""Reads: what a project covers, cell by cell: text type, language and period, wanted against what is there and labelled."""

from collections import Counter, defaultdict
from typing import Any

from django.db.models import Count, Exists, OuterRef, Value
from django.db.models.functions import Substr

from annotation.designs import period
from annotation.models import Gold, Item, Project

# source type, language, period
Cell = tuple[str, str, str]
COUNTS = ("pool", "asked", "labelled", "frozen")


def table(project: Project, *, by: str = "", frozen: Any = None) -> dict[str, Any]:
    """The cells that have items or a target; two queries.

    by: year, quarter or month, else as the project has it. frozen: a condition on items, which of them a frozen version
    has. Of each cell: wanted (None without a target), in the pool, asked (out of it), labelled (has gold), frozen,
    `lacking`, how many labelled items are missing to the target, and `to_draw`, how many have to be drawn for it.
    Items of work alone; what is left out as a duplicate counts nowhere.
    """
    by = by or project.coverage_by
    counts = _counts(project, by, frozen)
    targets: dict[Cell, int] = {}
    if by == project.coverage_by:
        told = project.coverage_targets.values_list("source_type", "language", "period", "wanted")
        targets = {(source_type, language, when): wanted for source_type, language, when, wanted in told}
    rows = [_row(cell, counts[cell], targets.get(cell)) for cell in sorted({*counts, *targets})]
    sums = {name: sum(row[name] or 0 for row in rows) for name in ("wanted", *COUNTS, "lacking", "to_draw")}
    return {"by": by, "rows": rows, "sums": sums, "is_frozen": frozen is not None}


def _row(cell: Cell, found: Counter[str], wanted: int | None) -> dict[str, Any]:
    source_type, language, when = cell
    to_draw = min(max(0, (wanted or 0) - found["asked"]), found["pool"])
    return {
        "source_type": source_type,
        "language": language,
        "period": when,
        "wanted": wanted,
        **{name: found[name] for name in COUNTS},
        "lacking": max(0, (wanted or 0) - found["labelled"]),
        "to_draw": to_draw,
    }


def _counts(project: Project, by: str, frozen: Any) -> dict[Cell, Counter[str]]:
    rows = Item.objects.not_left_out().filter(project=project, role=Item.Role.WORK).order_by()
    rows = rows.annotate(
        month=Substr("document__published_at", 1, 7),
        labelled=Exists(Gold.objects.current().filter(item=OuterRef("pk"))),
        frozen=Value(False) if frozen is None else frozen,
    )
    groups = ("document__source_type", "document__language", "month", "in_pool", "labelled", "frozen")
    found: dict[Cell, Counter[str]] = defaultdict(Counter)
    for source_type, language, month, in_pool, labelled, is_frozen, n in rows.values_list(*groups).annotate(
        n=Count("pk")
    ):
        cell = found[source_type, language, period(month, by)]
        cell["pool" if in_pool else "asked"] += n
        cell["labelled"] += n if labelled else 0
        cell["frozen"] += n if is_frozen else 0
    return found


def to_draw(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The strata of a sample that would bring every cell up to its target, as `designs.Design` reads its counts."""
    return [
        {"stratum": [row["source_type"], row["language"], row["period"]], "size": row["to_draw"]}
        for row in found["rows"]
        if row["to_draw"]
    ]

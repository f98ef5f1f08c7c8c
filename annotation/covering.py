"""A manager says what a project is to cover: how many labelled items of each cell, one by one or by share of the frame."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from annotation import coverage, recording
from annotation.coverage import Cell
from annotation.designs import shared_out
from annotation.models import CoverageTarget, Project, User

MOST_CELLS = 5000
LARGEST = 1_000_000
NAMES = ("source_type", "language", "period")


@transaction.atomic
def aim(*, project: Project, by: str, targets: Sequence[Any], user: User | None = None) -> int:
    """Set the targets, {source_type, language, period, wanted} each, in place of all that stood; returns how many.

    by: year, quarter or month. Raises ValueError with a sentence.
    """
    if by not in Project.Period.values:
        raise ValueError(_("Periods are one of %(all)s.") % {"all": ", ".join(Project.Period.values)})
    if len(targets) > MOST_CELLS:
        raise ValueError(_("At most %(most)d targets; here are %(count)d.") % {"most": MOST_CELLS, "count": len(targets)})  # fmt: skip
    wanted: dict[Cell, int] = {}
    for place, entry in enumerate(targets, 1):
        cell, count = _checked(place, entry)
        wanted[cell] = count
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    project.coverage_by = by
    project.save(update_fields=["coverage_by"])
    project.coverage_targets.all().delete()
    CoverageTarget.objects.bulk_create(
        CoverageTarget(project=project, source_type=cell[0], language=cell[1], period=cell[2], wanted=count)
        for cell, count in wanted.items()
        if count
    )
    recording.record(project=project, kind="coverage_aimed", by=user, count=sum(wanted.values()))
    return len(wanted)


def aim_by_share(*, project: Project, by: str, total: int, user: User | None = None) -> int:
    """Spread `total` over the cells by how many items each has, in the pool or out of it, to the largest remainders."""
    if by not in Project.Period.values:
        raise ValueError(_("Periods are one of %(all)s.") % {"all": ", ".join(Project.Period.values)})
    if not 1 <= total <= LARGEST:
        raise ValueError(_("The number of items must lie between 1 and %(most)d.") % {"most": LARGEST})
    rows = coverage.table(project, by=by)["rows"]
    frame = {(row["source_type"], row["language"], row["period"]): row["pool"] + row["asked"] for row in rows}
    if not sum(frame.values()):
        raise ValueError(_("There are no items yet whose shares could be taken."))
    found = shared_out(total, frame)
    targets = [{**dict(zip(NAMES, cell, strict=True)), "wanted": count} for cell, count in found.items()]
    return aim(project=project, by=by, targets=targets, user=user)


def _checked(place: int, entry: Any) -> tuple[Cell, int]:
    if not isinstance(entry, dict):
        raise ValueError(_("Target %(place)d is no object.") % {"place": place})
    texts = [str(entry.get(name) or "").replace("\x00", "") for name in NAMES]
    most = {"source_type": 40, "language": 20, "period": 7}
    if any(len(words) > most[name] for name, words in zip(NAMES, texts, strict=True)):
        raise ValueError(_("Target %(place)d names a cell that cannot be.") % {"place": place})
    given = str(entry.get("wanted")).strip()
    if not (given.isascii() and given.isdecimal() and len(given) < 8 and int(given) <= LARGEST):
        raise ValueError(_("Target %(place)d: wanted must be a whole number up to %(most)d.") % {"place": place, "most": LARGEST})  # fmt: skip
    return (texts[0], texts[1], texts[2]), int(given)

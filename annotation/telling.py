"""What changed in the guideline is told to who labels, once per person and version, before they go on."""

from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from annotation import differences
from annotation.models import Annotation, Assignment, Batch, GuidelineVersion, Membership
from annotation.states import state_of


def news(membership: Membership) -> dict[str, Any] | None:
    """What this person has not been told yet: {"notes": versions since, newest first, "found": differences, "asked": items}.

    None where they know the version in force or have never labelled by another one. One query where there is nothing.
    """
    version, last = membership.project.version, _untold_since(membership)
    if version is None or last is None:
        return None
    known = max(last, membership.told or 0)
    rows = list(GuidelineVersion.objects.filter(project=membership.project_id, number__gte=known).order_by("-number"))
    before = rows.pop()
    asked = Assignment.objects.filter(
        project=membership.project_id,
        annotator=membership.user_id,
        state__in=Assignment.WAITING,
        batch__purpose=Batch.Purpose.AGAIN,
    )
    return {
        "notes": [{"number": row.number, "change_note": row.change_note} for row in rows],
        "found": _between(before, version),
        "asked": asked.count(),
    }


def _untold_since(membership: Membership) -> int | None:
    """The number of the version that this person last labelled by, where they know of no later one; None else."""
    version = membership.project.version
    if version is None or version.number == 1 or (membership.told or 0) >= version.number:
        return None
    given = Annotation.objects.filter(project=membership.project_id, annotator=membership.user_id)
    given = given.filter(guideline_version__number__lt=version.number).exclude(status=Annotation.Status.DRAFT)
    number: int | None = given.aggregate(number=Max("guideline_version__number"))["number"]
    return number


def is_told(membership: Membership) -> bool:
    """Whether this person knows what changed up to the version in force; where there is nothing to be told it is noted.

    No query where they know it, so that an answer costs the same.
    """
    version = membership.project.version
    if version is None or version.number == 1 or (membership.told or 0) >= version.number:
        return True
    if _untold_since(membership) is not None:
        return False
    tell(membership=membership, number=version.number)
    return True


def _between(before: GuidelineVersion, version: GuidelineVersion) -> dict[str, Any]:
    plan = version.plan if version.number == before.number + 1 else {}
    found = differences.between(state_of(before), state_of(version), plan)
    return {**found, "folded": differences.folded(found["prose"], around=0)}


def tell(*, membership: Membership, number: int) -> None:
    """Remember that this person knows the version of that number; raises ValueError where there is none."""
    if not GuidelineVersion.objects.filter(project=membership.project_id, number=number).exists():
        raise ValueError(_("There is no version %(number)d of this guideline.") % {"number": number})
    rows = Membership.objects.filter(pk=membership.pk)
    (rows.filter(told=None) | rows.filter(told__lt=number)).update(told=number)

"""Two states of a guideline side by side, with what differs marked."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.access import member
from annotation.models import Membership
from annotation.states import DRAFT, found_between


@require_safe
@never_cache
@member()
def compare(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """?old=1&new=2, or new=draft for those who manage or adjudicate; without them the last two versions, or what there is."""
    project = membership.project
    numbers = [str(number) for number in project.versions.values_list("number", flat=True)]
    names = [*([DRAFT] if membership.can_adjudicate else []), *numbers]
    # With a single version there is only the draft to compare it with.
    usual = DRAFT if membership.can_adjudicate and len(numbers) == 1 else "".join(numbers[:1])
    new = request.GET.get("new") or usual
    old = request.GET.get("old") or _before(new, numbers)
    if DRAFT in (old, new) and not membership.can_adjudicate:
        raise PermissionDenied
    context = {
        "project": project,
        "membership": membership,
        "names": names,
        "old": old,
        "new": new,
        "found": found_between(project, old, new) if old and new and old != new else None,
    }
    return render(request, "annotation/compare.html", context)


def _before(new: str, numbers: list[str]) -> str:
    """The version before this one; of the draft, the newest."""
    if new not in numbers:
        return numbers[0] if numbers else ""
    place = numbers.index(new) + 1
    return numbers[place] if place < len(numbers) else ""

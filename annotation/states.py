"""Reads: a version of a guideline or its draft as one state, and what differs between two of them."""

from typing import Any

from django.http import Http404

from annotation import differences, guiding
from annotation.models import Guideline, GuidelineVersion, Project

DRAFT = "draft"


def state_of(state: Guideline | GuidelineVersion) -> dict[str, Any]:
    """text, schema and examples of a version, or of the draft as it is now."""
    if isinstance(state, GuidelineVersion):
        return {"text": state.text, "schema": state.schema, "examples": state.examples}
    rows = guiding.drafted(state.project)
    return {"text": state.text, "schema": state.schema, "examples": [guiding.copied(row) for row in rows]}


def found_between(project: Project, old: str, new: str) -> dict[str, Any]:
    """The differences of two states named by number or “draft”; Http404 where one is not there."""
    states = [_state(project, name) for name in (old, new)]
    plan = states[1].plan if _follows(*states) else {}
    told = differences.between(state_of(states[0]), state_of(states[1]), plan)
    return {**told, "folded": differences.folded(told["prose"]), "states": states}


def _follows(old: Any, new: Any) -> bool:
    """Whether the plan of the newer one tells what was renamed between the two."""
    versions = isinstance(old, GuidelineVersion) and isinstance(new, GuidelineVersion)
    return versions and new.number == old.number + 1


def _state(project: Project, name: str) -> Any:
    if name == DRAFT:
        found: Any = Guideline.objects.filter(project=project).select_related("project").first()
    else:
        number = int(name) if name.isdecimal() and len(name) < 9 else 0
        found = GuidelineVersion.objects.filter(project=project, number=number).first()
    if found is None:
        raise Http404
    return found

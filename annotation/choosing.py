"""What people choose for themselves: the keys of the labelling page, and how much they want to do."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from annotation import keys
from annotation.models import Membership, Project, User

MOST = 10_000


def choose_keys(*, user: User, chosen: Mapping[str, Any]) -> dict[str, str]:
    """Keep a person's own keys of the labelling page, {action: key}; an empty key is the one that it comes with.

    Raises ValueError where a key would do two things on the page, or is a label's in a project that they label in.
    """
    kept = keys.check(chosen)
    for project in Project.objects.labelled_by(user).exclude(version=None).select_related("version"):
        labels = keys.of_labels(project.version.schema["questions"] if project.version else [])
        if taken := next((key for key in kept.values() if key in labels), None):
            sentence = _("“%(key)s” is the key of “%(label)s” in the project “%(project)s”.")
            raise ValueError(sentence % {"key": taken.upper(), "label": labels[taken], "project": project.name})
    user.keys = kept
    user.save(update_fields=["keys"])
    return kept


def set_goal(*, membership: Membership, goal: int | None, per: str = Membership.GoalPer.DAY) -> Membership:
    """How many items of a project a person wants to do in 24 hours or in a session; None takes the goal away."""
    if goal is not None and not 0 < goal <= MOST:
        raise ValueError(_("A goal is a number of items from 1 to %(most)d.") % {"most": MOST})
    if per not in Membership.GoalPer.values:
        raise ValueError(_("A goal is set for 24 hours (day) or for a session (session)."))
    membership.goal, membership.goal_per = goal, per
    membership.save(update_fields=["goal", "goal_per"])
    return membership

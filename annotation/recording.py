"""What is done in a project and leaves no row of its own is written down for good: one function, called by what acts.

Answers have their revisions, decisions their gold, guidelines their versions; the rest has an `Act`. It is written in the
transaction of what it tells of, and a trigger refuses that it is changed or goes.
"""

from typing import Any

from django.utils.translation import gettext_lazy

from annotation.models import Act, GuidelineVersion, Project

# code -> what was done. What it was done with is in the details: counts, words, names of settings; never an answer, a
# label of gold or which items are control items, because adjudicators who label read the history, too.
KINDS = {
    "invited": gettext_lazy("invited somebody"),
    "invitation_withdrawn": gettext_lazy("withdrew an invitation"),
    "joined": gettext_lazy("became a member"),
    "role_changed": gettext_lazy("changed a role"),
    "removed": gettext_lazy("took a member out"),
    "released": gettext_lazy("took back what a person held"),
    "configured": gettext_lazy("changed the settings"),
    "prioritised": gettext_lazy("changed the order of items"),
    "coverage_aimed": gettext_lazy("set targets of the coverage"),
    "sampled": gettext_lazy("drew a sample from the pool"),
    "sample_taken_back": gettext_lazy("took a sample back"),
    "asked_again": gettext_lazy("had items asked again"),
    "mapped": gettext_lazy("mapped labels"),
    "set_aside": gettext_lazy("set a person's work aside"),
    "restored": gettext_lazy("took work back in that was set aside"),
    "batch_made": gettext_lazy("assigned a batch"),
    "batch_closed": gettext_lazy("closed a batch"),
    "reassigned": gettext_lazy("gave items to somebody else"),
    "sent_back": gettext_lazy("sent an item back"),
    "control_changed": gettext_lazy("changed the control items"),
    "qualified": gettext_lazy("passed the qualification"),
    "not_qualified": gettext_lazy("did not pass the qualification"),
    "example_added": gettext_lazy("put an example into the draft"),
    "example_removed": gettext_lazy("took an example out of the draft"),
    "review_asked": gettext_lazy("asked for a review of the draft"),
    "review_approved": gettext_lazy("approved of the draft"),
    "review_changes": gettext_lazy("asked for changes of the draft"),
    "round_opened": gettext_lazy("began a calibration round"),
    "round_closed": gettext_lazy("closed a calibration round and opened its discussion"),
    "alarm_dismissed": gettext_lazy("dismissed an alarm"),
    "frozen": gettext_lazy("froze a version of a data set"),
    "described": gettext_lazy("described a data set"),
    "exported": gettext_lazy("exported a version of a data set"),
    "export_fetched": gettext_lazy("downloaded an export"),
    "examples_retired": gettext_lazy("retired examples of a data set"),
    "examples_back": gettext_lazy("brought retired examples back"),
    "settled_by_rule": gettext_lazy("settled items by rule"),
    "duplicates_decided": gettext_lazy("decided about duplicates"),
    "duplicates_undone": gettext_lazy("took back what was decided about duplicates"),
    "cleaned_anew": gettext_lazy("cleaned the texts of an import anew"),
    "private_decided": gettext_lazy("decided about private data in texts"),
}


def record(
    *,
    project: Project | int,
    kind: str,
    by: Any = None,
    about: Any = None,
    item: int | None = None,
    question: str = "",
    version: GuidelineVersion | None = None,
    **details: Any,
) -> Act:
    """Write down that `by` (None: the site) did something, to `about` or with an item; one query.

    by, about: a User or its id. details: numbers and words of JSON, such as count=12. Raises ValueError for a kind that has no words.
    """
    if kind not in KINDS:
        raise ValueError(f"recording.KINDS has no words for “{kind}”.")
    return Act.objects.create(
        project_id=project if isinstance(project, int) else project.pk,
        kind=kind,
        by_id=_key(by),
        about_id=_key(about),
        item_id=item,
        question=question,
        guideline_version=version,
        details=details,
    )


def _key(person: Any) -> int | None:
    return person if person is None or isinstance(person, int) else person.pk

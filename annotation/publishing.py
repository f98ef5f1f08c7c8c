"""A guideline draft becomes an immutable GuidelineVersion, and earlier answers stand or are asked again."""

from typing import Any

from django.db import transaction
from django.db.models.fields.json import KeyTransform
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import assigning
from annotation import schema as schemas
from annotation.models import (
    Annotation,
    Assignment,
    Case,
    Gold,
    Guideline,
    GuidelineVersion,
    Membership,
    Project,
    User,
)
from annotation.text.normal import clean

TEXT = 200_000


class EditedMeanwhile(ValueError):
    """Somebody else saved the draft after this person had opened it."""


@transaction.atomic
def save_draft(
    *, project: Project, text: str, schema: dict[str, Any], user: User | None, opened_at: str | None = None
) -> Guideline:
    """Store the draft. Raises ValueError where the schema is broken or somebody saved in between."""
    if len(text) > TEXT:
        raise ValueError(_("A guideline has at most %(most)d characters.") % {"most": TEXT})
    try:
        checked = schemas.check(_clean(schema))
    except RecursionError:
        raise ValueError(_("The JSON is nested too deeply.")) from None
    draft = Guideline.objects.select_for_update().filter(project=project).first() or Guideline(project=project)
    if draft.pk and opened_at and draft.edited_at.isoformat() != opened_at:
        raise EditedMeanwhile(
            _("%(who)s has saved this draft since you opened it. Copy your text, reload and merge.")
            % {"who": draft.edited_by or "?"}
        )
    draft.text = clean(text).text
    draft.schema = checked
    draft.edited_at = timezone.now()
    draft.edited_by = user
    draft.save()
    return draft


def _clean(value: Any) -> Any:
    """Every text of a schema in the form that labels of files are compared with, and that a database takes."""
    if isinstance(value, dict):
        return {name: _clean(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_clean(part) for part in value]
    return clean(value).text if isinstance(value, str) else value


@transaction.atomic
def publish(
    *, project: Project, user: User | None, change_note: str = "", earlier: str = GuidelineVersion.Earlier.STAND
) -> GuidelineVersion:
    """The draft as the next version. With `earlier='ask'` every item is asked again; nothing given is deleted."""
    # Everybody's membership first: an answer is then wholly under the version before, or under this one.
    list(Membership.objects.select_for_update(no_key=True).filter(project=project).order_by("pk"))
    project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    draft = Guideline.objects.filter(project=project).first()
    if draft is None:
        raise ValueError(_("There is no draft yet: write the guideline and its labels first."))
    schema = schemas.check(draft.schema)
    before = project.version
    if before and before.text == draft.text and before.schema == schema:
        raise ValueError(_("The draft is the same as version %(number)d.") % {"number": before.number})
    if before and not change_note.strip():
        raise ValueError(_("Say in a sentence what changed; the annotators read it before they go on."))
    if earlier not in GuidelineVersion.Earlier.values:
        raise ValueError(_("Choose what becomes of earlier answers: stand or ask."))
    if before and earlier == GuidelineVersion.Earlier.STAND:
        _refuse_lost_labels(project, before.schema, schema)
        _refuse_unasked_questions(project, before.schema, schema)
    version = GuidelineVersion.objects.create(
        project=project,
        number=before.number + 1 if before else 1,
        text=draft.text,
        schema=schema,
        change_note=change_note.strip(),
        earlier=earlier,
        published_by=user,
    )
    project.version = version
    project.save(update_fields=["version"])
    if before and earlier == GuidelineVersion.Earlier.ASK:
        _ask_again(project)
    elif before:
        _close_cases_without_question(project, schema)
    return version


def _refuse_lost_labels(project: Project, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Answers and gold can stand only where every label that was used still exists."""
    kept = {entry["name"]: set(schemas.label_names(entry)) for entry in new["questions"]}
    gone = {
        (entry["name"], label)
        for entry in old["questions"]
        for label in schemas.label_names(entry)
        if label not in kept.get(entry["name"], set())
    }
    for question, label in sorted(gone):
        # Not `answer__<question>`: a question may be called like a lookup, "in" or "contains".
        given = Annotation.objects.submitted().annotate(value=KeyTransform(question, "answer"))
        used = given.filter(project=project, value=label).count()
        settled = Gold.objects.current().filter(project=project, question=question, value=label).count()
        if used or settled:
            raise ValueError(
                _(
                    "The label “%(label)s” is used (answers: %(count)d, gold: %(gold)d), but this draft no longer has it. Keep the label, or ask all items again."
                )
                % {"count": used, "gold": settled, "label": label}
            )


def _refuse_unasked_questions(project: Project, old: dict[str, Any], new: dict[str, Any]) -> None:
    """An answer cannot stand for a question that must be answered and that nobody was asked."""
    known = {entry["name"] for entry in old["questions"]}
    added = [entry["title"] for entry in new["questions"] if entry["required"] and entry["name"] not in known]
    if added and Annotation.objects.submitted().filter(project=project).exists():
        raise ValueError(
            _("Nobody was asked “%(question)s” yet: ask all items again, or do not require an answer to it.")
            % {"question": added[0]}
        )


def _close_cases_without_question(project: Project, schema: dict[str, Any]) -> None:
    """Nobody can settle a case of a question that is no longer asked."""
    names = [entry["name"] for entry in schema["questions"]]
    cases = Case.objects.open().filter(project=project).exclude(question__in=names)
    cases.update(closed_at=timezone.now())


def _ask_again(project: Project) -> None:
    """Set every earlier answer, gold and case aside as history and open all slots that the overlap asks for."""
    now = timezone.now()
    slots = Assignment.objects.filter(project=project)
    slots.filter(slot__gte=project.overlap).delete()
    slots.update(state=Assignment.State.OPEN, annotator=None, token=None, lease_until=None)
    Annotation.objects.current().filter(project=project).update(superseded_at=now)
    Gold.objects.current().filter(project=project).update(superseded_at=now)
    Case.objects.open().filter(project=project).update(closed_at=now)
    # Items whose gold was imported have no slots yet.
    assigning.set_overlap(project=project, overlap=project.overlap)


@transaction.atomic
def publish_schema(*, project: Project, schema: dict[str, Any], user: User | None, text: str = "") -> GuidelineVersion:
    """Version 1 over the questions that a file brings along; raises ValueError where there is a draft to be lost."""
    if project.version is not None:
        raise ValueError(_("This project has a published guideline already."))
    draft = Guideline.objects.filter(project=project).first()
    if draft and (draft.text.strip() or draft.schema.get("questions")):
        raise ValueError(
            _("This project has a draft of its guideline: publish that first, so that nothing in it is lost.")
        )
    save_draft(project=project, text=text, schema=schema, user=user)
    return publish(project=project, user=user)


def publish_labels(
    *, project: Project, question: str, labels: list[str], user: User | None, text: str = ""
) -> GuidelineVersion:
    """Version 1 with one choice question over these labels."""
    return publish_schema(project=project, schema=schemas.from_labels(question, labels), user=user, text=text)

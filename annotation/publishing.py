"""A guideline draft becomes an immutable GuidelineVersion, and earlier answers stand or are asked again."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.fields.json import KeyTransform
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from annotation import (
    assigning,
    carrying,
    closing,
    controlling,
    guiding,
    jobs,
    plans,
    recording,
    returning,
    reviewing,
)
from annotation import schema as schemas
from annotation.jobs import Grip, JobFailed, State
from annotation.models import (
    Annotation,
    Assignment,
    Case,
    Gold,
    Guideline,
    GuidelineExample,
    GuidelineVersion,
    Item,
    Membership,
    Project,
    Publication,
    User,
)
from annotation.text.normal import clean

TEXT = 200_000
# Of what changed: everybody who labels reads it, and a version keeps it for good.
NOTE = 2000


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


# How many rows a publication may touch while somebody waits for the page.
AT_ONCE = 3000


def publish(
    *,
    project: Project,
    user: User | None,
    change_note: str = "",
    earlier: str = "",
    plan: Any = None,
) -> GuidelineVersion:
    """The draft as the next version, here and now; nothing given is deleted.

    earlier: 'stand' keeps the answers, 'ask' asks for all of them again, 'plan' does what `plan` says question by
    question (see plans.py). Raises ValueError with a sentence; then nothing has changed.
    """
    with transaction.atomic():
        row = _prepared(project=project, user=user, change_note=change_note, earlier=earlier, plan=plan)
        row.state = State.DONE
        row.save()
        version = _carry_out(row, lambda done, total: None)
        Publication.objects.filter(pk=row.pk).update(version=version, figures=row.figures, ended_at=timezone.now())
    return version


def ask(
    *, project: Project, user: User | None, change_note: str = "", earlier: str = "", plan: Any = None
) -> Publication:
    """As `publish`, but a worker does it where that would keep the person waiting; the row tells how it goes."""
    row = _prepared(project=project, user=user, change_note=change_note, earlier=earlier, plan=plan)
    if not _is_long(row):
        publish(project=project, user=user, change_note=change_note, earlier=earlier, plan=plan)
        return Publication.objects.select_related("version").filter(project=project, state=State.DONE)[0]
    try:
        with transaction.atomic():
            row.language = get_language() or ""
            row.save()
    except IntegrityError:
        raise _at_work() from None
    jobs.enqueue(row)
    return row


def _is_long(row: Publication) -> bool:
    """Whether more answers and gold are to be looked at than a request has time for."""
    if row.before is None or (
        row.earlier == GuidelineVersion.Earlier.STAND and plans.stands(row.before.schema, row.schema)
    ):
        return False
    return is_large(row.project)


def is_large(project: Project) -> bool:
    """Whether there are more answers and gold than are looked through while somebody waits for the page."""
    answers = Annotation.objects.filter(project=project, superseded_at=None)
    gold = Gold.objects.current().filter(project=project)
    return bool(answers[: AT_ONCE + 1].count() + gold[: AT_ONCE + 1].count() > AT_ONCE)


def work(row: Publication, grip: Grip) -> dict[str, Any]:
    """Do a publication that waits in the queue: all of it in one transaction, or nothing."""
    row = Publication.objects.select_related("project", "before", "created_by").get(pk=row.pk)
    if row.version_id is not None:
        return {}
    try:
        with transaction.atomic():
            version = _carry_out(row, lambda done, total: grip.tick(done, total, _("carrying answers over")))
            grip.hold(version=version, figures=row.figures)
    except ValueError as error:
        raise JobFailed(str(error)) from error
    return {}


def _prepared(*, project: Project, user: User | None, change_note: str, earlier: str, plan: Any) -> Publication:
    """What is asked for, checked against the draft, not stored yet; raises ValueError."""
    if Publication.objects.live().filter(project=project).exists():
        raise _at_work()
    draft = Guideline.objects.filter(project=project).first()
    if draft is None:
        raise ValueError(_("There is no draft yet: write the guideline and its labels first."))
    schema = schemas.check(draft.schema)
    examples = guiding.as_published(guiding.drafted(project), schema)
    before = GuidelineVersion.objects.filter(project=project).first()
    if before and (before.text, before.schema, before.examples) == (draft.text, schema, examples):
        raise ValueError(_("The draft is the same as version %(number)d.") % {"number": before.number})
    change_note = clean(change_note).text.strip()
    if before and not change_note:
        raise ValueError(_("Say in a sentence what changed; the annotators read it before they go on."))
    if len(change_note) > NOTE:
        raise ValueError(_("This takes at most %(most)d characters.") % {"most": NOTE})
    earlier = earlier or (GuidelineVersion.Earlier.PLAN if plan else GuidelineVersion.Earlier.STAND)
    if earlier not in GuidelineVersion.Earlier.values:
        raise ValueError(
            _("Choose what becomes of earlier answers: stand or ask, or give a plan question by question.")
        )
    checked: plans.Plan = {}
    if before and earlier == GuidelineVersion.Earlier.PLAN:
        checked = plans.check(plan or {}, before.schema, schema)
    return Publication(
        project=project,
        created_by=user,
        text=draft.text,
        schema=schema,
        examples=examples,
        reviews=reviewing.told(project),
        change_note=change_note,
        earlier=earlier,
        plan=checked,
        before=before,
    )


def _at_work() -> ValueError:
    return ValueError(_("A version of this guideline is being published right now. Wait until that is done."))


def _carry_out(row: Publication, tick: Callable[[int, int], None]) -> GuidelineVersion:
    """The version, and what becomes of the answers before it; inside a transaction. Raises ValueError."""
    # Everybody's membership first: an answer is then wholly under the version before, or under this one.
    list(Membership.objects.select_for_update(no_key=True).filter(project=row.project_id).order_by("pk"))
    project = Project.objects.select_for_update(no_key=True).get(pk=row.project_id)
    before = project.version
    if (before.pk if before else None) != row.before_id:
        raise ValueError(_("Another version was published in the meantime. Look at the draft again, then publish."))
    effects = _effects(project, row) if before else None
    is_asked = before is not None and row.earlier == GuidelineVersion.Earlier.ASK
    unfit = plans.unfit_gold(project, row.schema) if is_asked else {}
    version = GuidelineVersion.objects.create(
        project=project,
        number=before.number + 1 if before else 1,
        text=row.text,
        schema=row.schema,
        examples=row.examples,
        reviews=row.reviews,
        change_note=row.change_note,
        earlier=row.earlier,
        plan=row.plan,
        published_by=row.created_by,
    )
    shown = [(example["item"], example["question"]) for example in row.examples]
    examples = GuidelineExample.objects.filter(project=project, item__in=[item for item, _question in shown])
    examples.filter(question__in={question for _item, question in shown}).update(published=True)
    reviewing.close(project=project)
    project.version = version
    project.save(update_fields=["version"])
    returning.drop(project=project)
    if is_asked:
        row.figures = _ask_again(project, unfit, row.created_by)
    elif before and effects is not None:
        row.figures = effects.figures()
        carrying.carry(
            version=version,
            plan=row.plan,
            effects=effects,
            user=row.created_by,
            tick=lambda done: tick(done, effects.size),
        )
    if before:
        _record(row, version)
    return version


def _record(row: Publication, version: GuidelineVersion) -> None:
    """The history of the project tells what became of earlier answers."""
    told: dict[str, Any] = {"by": row.created_by_id, "version": version}
    if row.figures.get("mapped") or row.figures.get("gold_mapped"):
        count, gold = row.figures["mapped"], row.figures["gold_mapped"]
        recording.record(project=row.project_id, kind="mapped", count=count, gold=gold, **told)
    if row.figures.get("answers") or row.figures.get("items"):
        recording.record(project=row.project_id, kind="asked_again", count=row.figures["answers"], **told)


def _effects(project: Project, row: Publication) -> plans.Effects | None:
    """What the publication does to earlier answers, None where it sets them all aside; raises ValueError."""
    assert project.version is not None
    if row.earlier == GuidelineVersion.Earlier.ASK:
        return None
    old = project.version.schema
    if row.earlier == GuidelineVersion.Earlier.STAND:
        _refuse_lost_labels(project, old, row.schema)
    _refuse_unasked_questions(project, old, row.schema, row.plan)
    if not row.plan and plans.stands(old, row.schema):
        return plans.Effects()
    effects = plans.effects(project=project, schema=row.schema, plan=row.plan, seed=seed_of(project))
    if problem := plans.misfit(effects):
        raise ValueError(problem)
    return effects


def seed_of(project: Project) -> str:
    """What the samples of the next publication are drawn by, so that a preview draws the same."""
    return f"{project.pk}:{project.version.number + 1 if project.version else 1}"


def preview(
    *, project: Project, plan: Any, tick: Callable[[int, int], None] = lambda done, total: None
) -> plans.Effects:
    """What publishing the draft with this plan would do; writes nothing. Raises ValueError."""
    draft, checked = planned(project=project, plan=plan)
    return plans.effects(project=project, schema=schemas.check(draft.schema), plan=checked, seed=seed_of(project), tick=tick)  # fmt: skip


def planned(*, project: Project, plan: Any) -> tuple[Guideline, plans.Plan]:
    """The draft and a plan for it, checked; raises ValueError."""
    draft = Guideline.objects.filter(project=project).first()
    if draft is None or project.version is None:
        raise ValueError(_("There is no draft yet: write the guideline and its labels first."))
    return draft, plans.check(plan, project.version.schema, schemas.check(draft.schema))


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


def _refuse_unasked_questions(project: Project, old: dict[str, Any], new: dict[str, Any], plan: plans.Plan) -> None:
    """An answer cannot stand for a question that must be answered and that nobody was asked."""
    known = (
        {entry["name"] for entry in old["questions"]}
        | {told["to"] for told in plan.values() if "to" in told}
        | {name for name, told in plan.items() if told.get("ask") == {}}
    )
    added = [entry["title"] for entry in new["questions"] if entry["required"] and entry["name"] not in known]
    if added and Annotation.objects.submitted().filter(project=project).exists():
        raise ValueError(
            _("Nobody was asked “%(question)s” yet: ask all items again, or do not require an answer to it.")
            % {"question": added[0]}
        )


def _ask_again(project: Project, unfit: Mapping[int, int], user: User | None) -> dict[str, Any]:
    """Make every earlier answer, gold and case history and open all slots that the overlap asks for.

    Tells in numbers what that was. But those of items that the guideline shows as examples: everybody knows their
    answer; nor those of control and training items, whose gold measures people under the new version, too. unfit: gold of
    such items that the new version does not take: that falls, and control and training items are work again.
    """
    now = timezone.now()
    Gold.objects.filter(pk__in=list(unfit)).update(superseded_at=now)
    roles = (
        Item.objects.filter(pk__in=set(unfit.values())).exclude(role=Item.Role.WORK).exclude(pk__in=controlling.told())
    )
    released = list(roles.values_list("pk", flat=True))
    controlling.release(project=project, items=released, user=user)
    known = Item.objects.filter(
        Q(pk__in=Item.objects.shown_as_examples().filter(project=project)) | ~Q(role=Item.Role.WORK), project=project
    ).values("pk")
    slots = Assignment.objects.filter(project=project).exclude(item__in=known)
    slots.filter(slot__gte=project.overlap).delete()
    Assignment.every.filter(project=project).exclude(again=Assignment.COUNTS).delete()
    slots.update(state=Assignment.State.OPEN, annotator=None, token=None, lease_until=None, batch=None)
    slots.filter(item__left_out__isnull=False).delete()
    earlier = Annotation.objects.filter(project=project, superseded_at=None).exclude(item__in=known)
    answers = earlier.filter(set_aside=None).update(superseded_at=now)
    earlier.update(superseded_at=now)
    gold = Gold.objects.current().filter(project=project).exclude(item__in=known).update(superseded_at=now)
    closing.close(Case.objects.filter(project=project).exclude(item__in=known))
    # Items whose gold was imported have no slots yet.
    assigning.set_overlap(project=project, overlap=project.overlap)
    return {"answers": answers, "gold_dropped": gold + len(unfit), "released": len(released)}


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

"""Looks and acts of a manager that are too long for a page go to a worker; what is short is done at once."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import get_language, gettext_lazy

from annotation import deciding_duplicates, jobs, plans, publishing, recleaning, sampling, setting_aside
from annotation.jobs import Grip, JobFailed
from annotation.models import Document, Errand, Import, Project, Sample, SetAside, User, Verdict
from annotation.setting_aside import Tick

What = Errand.What
NOTES = {
    What.PREVIEW: gettext_lazy("counting"),
    What.LOOK: gettext_lazy("trying it out"),
    What.ASIDE: gettext_lazy("setting aside"),
    What.RESTORE: gettext_lazy("taking back"),
    What.RULE: gettext_lazy("deciding"),
    What.UNDO: gettext_lazy("taking back"),
    What.FRAME: gettext_lazy("reading the pool"),
    What.SAMPLE: gettext_lazy("drawing"),
    What.CLEAN: gettext_lazy("cleaning"),
}


def ask(*, project: Project, what: str, asked: dict[str, Any], user: User | None) -> Errand:
    """Give it to a worker; the row tells how it goes."""
    row = Errand.objects.create(project=project, what=what, asked=asked, created_by=user, language=get_language() or "")
    jobs.enqueue(row)
    return row


def work(row: Errand, grip: Grip) -> dict[str, Any]:
    """Do what an errand asks for; an act is written in one transaction with its result, or not at all."""
    row = Errand.objects.select_related("project__version", "created_by").get(pk=row.pk)
    if row.result:  # an act that was done, and whose worker was lost before it could say so
        return {}

    def tick(done: int, total: int) -> None:
        grip.tick(done, total, NOTES[What(row.what)])

    try:
        if row.what == What.PREVIEW:
            return {"result": _preview(row.project, row.asked["plan"], tick)}
        if row.what == What.LOOK:
            return {"result": setting_aside.preview(_wanted(row), tick=tick)}
        if row.what == What.FRAME:
            return {"result": sampling.preview(project=row.project, asked=row.asked)}
        with transaction.atomic():
            if row.what in (What.RULE, What.UNDO):
                grip.hold(result=_about_duplicates(row, tick))
            elif row.what == What.SAMPLE:
                drawn = sampling.draw(project=row.project, asked=row.asked, by=row.created_by, tick=tick)
                grip.hold(result={"sample": drawn.pk})
            elif row.what == What.CLEAN:
                file = Import.objects.select_related("project").get(pk=row.asked["import"], project=row.project)
                steps = row.asked["steps"]
                grip.hold(result=recleaning.reclean(row=file, steps=steps, user=row.created_by, tick=tick))
            else:
                grip.hold(result={"act": _act(row, tick).pk})
    except ValueError as error:
        raise JobFailed(str(error)) from error
    return {}


def _act(row: Errand, tick: Tick) -> SetAside:
    if row.what == What.ASIDE:
        return setting_aside.set_aside(_wanted(row), reason=row.asked["reason"], user=row.created_by, tick=tick)
    act = SetAside.objects.select_related("project", "person").get(pk=row.asked["act"])
    return setting_aside.revert(act=act, user=row.created_by, tick=tick)


def _about_duplicates(row: Errand, tick: Tick) -> dict[str, Any]:
    if row.what == What.RULE:
        rule = deciding_duplicates.Rule.read(row.asked)
        reason = row.asked["reason"]
        return deciding_duplicates.apply(project=row.project, rule=rule, reason=reason, user=row.created_by, tick=tick)
    verdicts = Verdict.objects.filter(act=row.asked["act"])
    return deciding_duplicates.undo(project=row.project, verdicts=verdicts, user=row.created_by)


def _wanted(row: Errand) -> setting_aside.Wanted:
    return setting_aside.Wanted.read(row.project, row.asked)


# -- What publishing would do -------------------------------------------------------------------------------------


def preview(
    *, project: Project, plan: Any, user: User | None, form: dict[str, str] | None = None
) -> dict[str, Any] | Errand:
    """What publishing the draft with this plan would do, in numbers (`plans.Effects.figures`) with its `problem`.

    An Errand where there is too much to be counted; form: what its page was sent, so that it can be shown again. Raises
    ValueError where draft or plan are wrong.
    """
    if not publishing.is_large(project):
        return _preview(project, plan, lambda done, total: None)
    draft, checked = publishing.planned(project=project, plan=plan)
    asked = {"plan": checked, "edited_at": draft.edited_at.isoformat(), "form": form or {}}
    return ask(project=project, what=What.PREVIEW, asked=asked, user=user)


def _preview(project: Project, plan: Any, tick: Tick) -> dict[str, Any]:
    found = publishing.preview(project=project, plan=plan, tick=tick)
    told = {name: value for name, value in found.figures().items() if name != "chosen"}
    return {**told, "problem": plans.misfit(found)}


# -- Work set aside -------------------------------------------------------------------------------------------------


def look(asked: setting_aside.Wanted, *, user: User | None) -> dict[str, Any] | Errand:
    """What setting aside would change, see `setting_aside.preview`; an Errand where there is much of it."""
    if setting_aside.size(asked) > setting_aside.AT_ONCE or setting_aside.is_much_to_measure(asked):
        return ask(project=asked.project, what=What.LOOK, asked=asked.told, user=user)
    return setting_aside.preview(asked)


def set_aside(asked: setting_aside.Wanted, *, reason: str, user: User | None) -> SetAside | Errand:
    """Set work aside, see `setting_aside.set_aside`; an Errand where there is much of it."""
    if setting_aside.size(asked) <= setting_aside.AT_ONCE:
        return setting_aside.set_aside(asked, reason=reason, user=user)
    told = {**asked.told, "reason": setting_aside.checked_reason(reason)}
    return ask(project=asked.project, what=What.ASIDE, asked=told, user=user)


def revert(*, act: SetAside, user: User | None) -> SetAside | Errand:
    """Take back what was set aside, see `setting_aside.revert`; an Errand where there is much of it."""
    if act.reverted_at is not None or act.effect.get("answers", 0) <= setting_aside.AT_ONCE:
        return setting_aside.revert(act=act, user=user)
    return ask(project=act.project, what=What.RESTORE, asked={"act": act.pk}, user=user)


# -- Duplicates -----------------------------------------------------------------------------------------------------


def decide_by_rule(
    *, project: Project, rule: deciding_duplicates.Rule, reason: str, user: User | None
) -> dict[str, Any] | Errand:
    """Decide all clusters that wait, see `deciding_duplicates.apply`; an Errand where there are many."""
    if deciding_duplicates.size(project=project, rule=rule) <= deciding_duplicates.AT_ONCE:
        return deciding_duplicates.apply(project=project, rule=rule, reason=reason, user=user)
    told = {**rule.told, "reason": deciding_duplicates.checked_reason(reason)}
    return ask(project=project, what=What.RULE, asked=told, user=user)


def undo_act(*, project: Project, act: str, user: User | None) -> dict[str, Any] | Errand:
    """Take back what a rule decided; an Errand where that was much."""
    verdicts = Verdict.objects.standing().filter(project=project, act=act)
    if verdicts.count() <= deciding_duplicates.AT_ONCE:
        return deciding_duplicates.undo(project=project, verdicts=verdicts, user=user)
    return ask(project=project, what=What.UNDO, asked={"act": str(act)}, user=user)


# -- Samples --------------------------------------------------------------------------------------------------------


def look_at_sample(*, project: Project, asked: dict[str, Any], user: User | None) -> dict[str, Any] | Errand:
    """What a sample would draw, see `sampling.preview`; an Errand where the pool is large."""
    if sampling.is_large(project):
        return ask(project=project, what=What.FRAME, asked=asked, user=user)
    return sampling.preview(project=project, asked=asked)


def draw_sample(*, project: Project, asked: dict[str, Any], user: User | None) -> Sample | Errand:
    """Draw a sample, see `sampling.draw`; an Errand where the pool is large."""
    if sampling.is_large(project):
        return ask(project=project, what=What.SAMPLE, asked=asked, user=user)
    return sampling.draw(project=project, asked=asked, by=user)


# -- Texts ----------------------------------------------------------------------------------------------------------


def reclean(*, row: Import, steps: Sequence[str], user: User | None) -> dict[str, int] | Errand:
    """Clean the texts of an import anew, see `recleaning.reclean`; an Errand where there are many."""
    steps = recleaning.checked(row, steps)
    if Document.objects.filter(imported_in=row).count() <= recleaning.AT_ONCE:
        return recleaning.reclean(row=row, steps=steps, user=user)
    return ask(project=row.project, what=What.CLEAN, asked={"import": row.pk, "steps": steps}, user=user)

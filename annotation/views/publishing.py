"""Publishing a guideline: what becomes of earlier answers, a preview of it, its progress, and what came of it."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import delegating, differences, effects, jobs, plans, publishing, reviewing
from annotation.access import member
from annotation.markdown import to_html
from annotation.models import (
    Annotation,
    Case,
    Errand,
    Gold,
    Guideline,
    GuidelineVersion,
    Membership,
    Project,
    Publication,
)
from annotation.states import state_of
from annotation.views import errands, posted
from annotation.views.errands import progress
from annotation.views.items import distinct

ASK, DROP = "?", "-"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def publish(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """What publishing will do, a preview of it, and doing it."""
    project = membership.project
    draft = Guideline.objects.filter(project=project).select_related("edited_by").first()
    before = project.version
    error, told = "", None
    errand = errands.asked_for(request, project, Errand.What.PREVIEW)
    if errand is not None and draft and errand.asked["edited_at"] != draft.edited_at.isoformat():
        errand, error = None, _("The draft has changed since this was counted. Look again.")
    # A preview that a worker has made is shown with the form that it was asked for by.
    data = request.POST if request.method == "POST" else errand.asked["form"] if errand else {}
    earlier = posted.text(data, "earlier") or _usual(before, draft)
    if request.method == "POST":
        try:
            plan = read_plan(data, before, draft) if earlier == GuidelineVersion.Earlier.PLAN else None
            if data.get("do") != "preview":
                return _done(request, project, earlier, plan)
            form = {name: data[name] for name in data if name != "csrfmiddlewaretoken"}
            found = delegating.preview(project=project, plan=plan or {}, user=request.user, form=form)
            if isinstance(found, Errand):
                return redirect(f"{request.path}?errand={found.pk}#plan-preview")
            told = found
        except ValueError as problem:
            error = str(problem)
    elif errand is not None:
        told = errand.result or None
    live = Publication.objects.live().filter(project=project).first()
    if live is not None:
        return redirect("annotation:publication", project.slug, live.pk)
    context = {
        "project": project,
        "membership": membership,
        "draft": draft,
        "questions": draft.schema.get("questions", []) if draft else [],
        "html": to_html(draft.text) if draft else "",
        "before": before,
        "number": before.number + 1 if before else 1,
        "answers": Annotation.objects.submitted().filter(project=project).count(),
        "gold": Gold.objects.current().filter(project=project).count(),
        "cases": Case.objects.open().filter(project=project).count(),
        "earlier": earlier,
        "change_note": posted.text(data, "change_note"),
        "error": error,
        "errand": errand if errand is not None and not errand.result else None,
        "review": reviewing.standing(project),
    }
    if draft and before:
        context |= _of_the_change(data, project, before, draft, told)
    return render(request, "annotation/publish.html", context, status=400 if error else 200)


def _done(request: HttpRequest, project: Project, earlier: str, plan: Any) -> HttpResponseBase:
    row = publishing.ask(
        project=project,
        user=request.user,
        change_note=posted.text(request.POST, "change_note"),
        earlier=earlier,
        plan=plan,
    )
    if row.version is None:
        return redirect("annotation:publication", project.slug, row.pk)
    messages.success(request, _("Version %(number)d is published.") % {"number": row.version.number})
    if row.figures.get("mapped") or row.figures.get("answers"):
        return redirect("annotation:publication", project.slug, row.pk)
    return redirect("annotation:guideline", project.slug)


def _usual(before: GuidelineVersion | None, draft: Guideline | None) -> str:
    """The choice that the page begins with: answers stand where the draft takes them all."""
    fits = (
        before is None or draft is None or plans.stands(before.schema, {"questions": draft.schema.get("questions", [])})
    )
    return GuidelineVersion.Earlier.STAND if fits else GuidelineVersion.Earlier.PLAN


def _of_the_change(
    data: Mapping[str, Any], project: Project, before: GuidelineVersion, draft: Guideline, told: dict[str, Any] | None
) -> dict[str, Any]:
    """What differs, and the form of the plan with its counts; told: of a preview. Much is not counted unasked."""
    old, new = state_of(before), state_of(draft)
    found = differences.between(old, new)
    counted = told["questions"] if told else None
    if counted is None and draft.schema.get("questions") and not publishing.is_large(project):
        counted = plans.effects(project=project, schema=draft.schema, plan={}, seed="").figures()["questions"]
    return {
        "found": {**found, "folded": differences.folded(found["prose"])},
        "plan_rows": plan_rows(before.schema, draft.schema, data, counted),
        "source_types": distinct(project, "source_type"),
        "languages": distinct(project, "language"),
        "preview": told,
        "preview_rows": preview_rows(told["questions"], before.schema, draft.schema) if told else [],
        "misfit": told["problem"] if told else "",
    }


def plan_rows(
    old: Mapping[str, Any], new: Mapping[str, Any], data: Mapping[str, Any], counted: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """One row a question, as the form shows it: what was posted, or what seems to be meant.

    counted: question -> its numbers, see `plans.Effects.figures`; None where nothing was counted.
    """
    guessed = differences.guesses(old, new)
    after = {entry["name"]: entry for entry in new.get("questions", [])}
    before = {entry["name"]: entry for entry in old["questions"]}
    found = []
    for place, entry in enumerate([*before.values(), *(one for name, one in after.items() if name not in before)]):
        name, base = entry["name"], f"plan-{place}"
        told = counted.get(name) if counted else None
        isnew = name not in before
        become = [one for one in after.values() if one["kind"] == entry["kind"] and one["name"] not in before]
        to = data.get(f"{base}-to", guessed.get(name, {}).get("to", ""))
        target = after.get(to or name)
        same_kind = bool(target and target["kind"] == entry["kind"])
        found.append(
            {
                "entry": entry,
                "base": base,
                "new": isnew,
                "gone": not isnew and name not in after,
                "become": [] if isnew or name in after else become,
                "to": to,
                "kind_changed": not isnew and name in after and not same_kind,
                "ask": data.get(f"{base}-ask", "all" if name in after and not isnew and not same_kind else ""),
                **{
                    part: data.get(f"{base}-{part}", "")
                    for part in ("source_type", "language", "since", "until", "sample")
                },
                "answers": sum(told["answers"].values()) if told else None,
                "gold": sum(told["gold"].values()) if told else None,
                "labels": []
                if isnew or not same_kind
                else _label_rows(entry, target or {}, base, data, guessed.get(name, {}).get("labels", {}), told),
                "targets": target.get("labels", []) if target else [],
                "drops": entry["kind"] != "choice",
            }
        )
    return found


def _label_rows(
    entry: Mapping[str, Any],
    target: Mapping[str, Any],
    base: str,
    data: Mapping[str, Any],
    guessed: Mapping[str, str],
    told: Mapping[str, Any] | None,
) -> list[dict[str, Any]]:
    names = {label["name"] for label in target.get("labels", [])}
    rows = []
    for place, label in enumerate(entry.get("labels", [])):
        meant = f"={guessed[label['name']]}" if label["name"] in guessed else "" if label["name"] in names else ASK
        counts = told["labels"].get(label["name"], {}) if told else None
        rows.append(
            {
                "label": label,
                "field": f"{base}-label-{place}",
                "value": data.get(f"{base}-label-{place}", meant),
                "stays": label["name"] in names,
                "answers": counts.get("answers", 0) if counts is not None else None,
                "gold": counts.get("gold", 0) if counts is not None else None,
            }
        )
    return rows


def read_plan(data: Mapping[str, Any], before: GuidelineVersion | None, draft: Guideline | None) -> dict[str, Any]:
    """The plan of the form's fields; what is wrong with it is left to `plans.check` to say."""
    if before is None or draft is None:
        return {}
    plan: dict[str, Any] = {}
    for row in plan_rows(before.schema, draft.schema, data, None):
        told: dict[str, Any] = {"to": row["to"]} if row["to"] else {}
        names: dict[str, str | None] = {}
        again: list[str] = []
        for one in row["labels"]:
            value = one["value"]
            if value == ASK:
                again.append(one["label"]["name"])
            elif value == DROP:
                names[one["label"]["name"]] = None
            elif value.startswith("="):
                names[one["label"]["name"]] = value[1:]
        if names:
            told["labels"] = names
        if row["ask"] == "all":
            told["ask"] = {}
        elif row["ask"] == "some" or again:
            parts = ("source_type", "language", "since", "until", "sample") if row["ask"] == "some" else ()
            where = {part: posted.text(row, part).strip() for part in parts if row[part]}
            told["ask"] = {**where, **({"labels": again} if again else {})}
        if told:
            plan[row["entry"]["name"]] = told
    return plan


def preview_rows(told: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a question: how many answers and gold are kept, mapped, asked again or cannot stand."""
    titles = {entry["name"]: entry["title"] for entry in [*new.get("questions", []), *old["questions"]]}
    parts = ("kept", "mapped", "asked", "lost")
    return [
        {
            "title": titles.get(name, name),
            "answers": [row["answers"].get(part, 0) for part in parts],
            "gold": [row["gold"].get(part, 0) for part in parts],
            "items": row["items"],
            "shown": row["shown"],
            "released": row.get("released", 0),
            "past": row["answers"].get("past", 0) + row["gold"].get("past", 0),
        }
        for name, row in told.items()
    ]


@require_safe
@never_cache
@member("manager")
def publication(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """How a publication goes, and once it is done what came of it, with the effect of what was asked again."""
    project = membership.project
    row = get_object_or_404(
        Publication.objects.select_related("version", "before", "created_by"), pk=pk, project=project
    )
    context = {
        "project": project,
        "membership": membership,
        "publication": row,
        "job": row,
        "progress_url": reverse("annotation:publication_progress", args=[project.slug, row.pk]),
        "version": row.version,
        "titles": {entry["name"]: entry["title"] for entry in row.schema["questions"]},
        "effects": effects.of_version(row.version) if row.version else [],
        "anybody": effects.of_anybody(row.version) if row.version else None,
    }
    return render(request, "annotation/publication.html", context)


@require_safe
@never_cache
@member("manager")
def publication_progress(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The progress as a fragment; asks for the whole page when the job has ended."""
    row = get_object_or_404(Publication, pk=pk, project=membership.project)
    return progress(request, row)


@require_POST
@member("manager")
def publication_cancel(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Stop a publication that is not done yet; nothing of it is left."""
    row = get_object_or_404(Publication, pk=pk, project=membership.project)
    if not jobs.cancel(row):
        messages.info(request, _("It had ended already."))
    return redirect("annotation:publication", membership.project.slug, row.pk)

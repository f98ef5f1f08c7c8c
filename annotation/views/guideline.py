"""The guideline: read a version, edit the draft with its schema."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import differences, guiding, publishing, reviewing
from annotation.access import member
from annotation.kinds import KINDS
from annotation.kinds.labels import COLOURS, TAKEN
from annotation.markdown import to_html
from annotation.models import Guideline, GuidelineVersion, Membership, Project
from annotation.states import state_of
from annotation.views import posted

SPARE_LABELS = 2


@require_safe
@never_cache
@member()
def guideline(request: HttpRequest, membership: Membership, number: int | None = None) -> HttpResponseBase:
    """The current version, or the one of that number; every member may read it."""
    project = membership.project
    version = project.version
    if number is not None:
        version = get_object_or_404(GuidelineVersion, project=project, number=number)
    context = {
        "project": project,
        "membership": membership,
        "version": version,
        "html": to_html(version.text) if version else "",
        "versions": project.versions.select_related("published_by"),
        "questions": version.schema["questions"] if version else [],
        "has_draft": membership.is_manager and _is_ahead(project),
        "found": _since_before(version) if version else None,
        "shown": guiding.shown(version.examples, version.schema) if version else {},
        "drafted": project.examples.in_draft().count() if membership.can_adjudicate else 0,
        "review": reviewing.standing(project) if membership.can_adjudicate else None,
        "publication": _publication(version) if version and membership.is_manager else None,
    }
    return render(request, "annotation/guideline.html", context)


def _is_ahead(project: Project) -> bool:
    """Whether the draft says something that is not published yet."""
    draft = Guideline.objects.filter(project=project).select_related("project").first()
    if draft is None or not (draft.text or draft.schema):
        return False
    if project.version is None:
        return True
    old, new = state_of(project.version), state_of(draft)
    return any(old[part] != new[part] for part in old)


def _publication(version: GuidelineVersion) -> int | None:
    """The record of a publication that moved earlier answers."""
    row = version.publications.first()
    told = row and (row.figures.get("mapped") or row.figures.get("answers") or row.figures.get("gold_mapped"))
    return row.pk if row and told else None


def _since_before(version: GuidelineVersion) -> dict[str, Any] | None:
    """What differs from the version before, if there is one."""
    before = GuidelineVersion.objects.filter(project=version.project_id, number__lt=version.number).first()
    return differences.between(state_of(before), state_of(version), version.plan) if before else None


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def edit(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The draft: Markdown and questions with their labels; 'add' buttons work without script."""
    project = membership.project
    draft, _new = Guideline.objects.get_or_create(project=project)
    questions = [shown(entry) for entry in draft.schema.get("questions") or [blank_question()]]
    text, opened_at, error = draft.text, draft.edited_at.isoformat(), ""
    if request.method == "POST":
        text, opened_at = posted.text(request.POST, "text"), posted.text(request.POST, "opened_at")
        questions = [shown(entry) for entry in read_questions(request.POST)]
        do = request.POST.get("do", "save")
        if do == "add_question":
            questions.append(blank_question())
        elif do == "kind":
            pass  # the page is drawn anew, with the settings of the kinds that are chosen by now
        elif do.startswith("add_label-"):
            place = int(do.rpartition("-")[2]) if do.rpartition("-")[2].isdecimal() else 0
            if place < len(questions):
                questions[place]["labels"] += [{"name": ""} for _spare in range(SPARE_LABELS)]
        else:
            try:
                publishing.save_draft(
                    project=project, text=text, schema=drop_blanks(questions), user=request.user, opened_at=opened_at
                )
            except ValueError as problem:
                error = str(problem)
            else:
                messages.success(request, _("The draft is saved. It counts when you publish it."))
                return redirect("annotation:publish" if do == "publish" else "annotation:guideline_edit", project.slug)
    context = {
        "project": project,
        "membership": membership,
        "text": text,
        "questions": questions,
        "opened_at": opened_at,
        "html": to_html(text),
        "error": error,
        "colours": range(1, COLOURS + 1),
        "kinds": [(kind.name, kind.title) for kind in KINDS.values()],
        "keys_taken": sorted(TAKEN),
        "most_text": publishing.TEXT,
    }
    return render(request, "annotation/guideline_edit.html", context, status=400 if error else 200)


def blank_question() -> dict[str, Any]:
    """An empty question with room for three labels."""
    return shown(
        {"name": "", "kind": "choice", "title": "", "help": "", "required": True, "labels": [{"name": ""}] * 3}
    )


def shown(question: dict[str, Any]) -> dict[str, Any]:
    """The question with what its editor needs: its kind's settings with their values, and its condition as a line."""
    kind = KINDS.get(question["kind"]) or KINDS["choice"]
    settings = []
    for option in kind.options:
        value = question.get(option.name, option.default)
        value = "\n".join(map(kind.line, value)) if option.form == "lines" and isinstance(value, list) else value
        settings.append({"option": option, "value": value})
    labels = question.get("labels") or []
    if kind.labels is not None and not labels:
        labels = [{"name": ""}] * 3
    when = question.get("when") or ""
    if isinstance(when, dict):
        when = f"{when['question']} = {', '.join(when['labels'])}"
    return {
        **question,
        "labels": labels,
        "has_labels": kind.labels is not None,
        "settings": settings,
        "condition": when,
    }


def _condition(line: str) -> Any:
    """“relevant = yes, maybe” as a condition; what cannot be one is left to the schema's check to say."""
    name, sign, labels = line.partition("=")
    if not line.strip():
        return None
    given = [label.strip() for label in labels.split(",") if label.strip()] if sign else []
    return {"question": name.strip(), "labels": given}


def _settings(data: Any, base: str, kind: str) -> dict[str, Any]:
    """The values of the kind's own settings; empty ones are left out, so that their defaults hold."""
    found: dict[str, Any] = {}
    for option in KINDS[kind].options if kind in KINDS else ():
        field = f"{base}-opt-{option.name}"
        words = posted.text(data, field)
        if option.form == "check":
            found[option.name] = data.get(field) == "on"
        elif option.form == "lines":
            found[option.name] = [line.strip() for line in words.splitlines() if line.strip()]
        elif words.strip():
            found[option.name] = words.strip()
    return found


def read_questions(data: Any) -> list[dict[str, Any]]:
    """Questions and labels from the form's numbered fields q-0-name, q-0-label-2-title ..."""
    questions = []
    for place in range(min(50, _number(data.get("questions")))):
        base = f"q-{place}"
        if f"{base}-name" not in data or data.get(f"{base}-remove"):
            continue
        labels = []
        for index in range(min(500, _number(data.get(f"{base}-labels")))):
            prefix = f"{base}-label-{index}"
            if data.get(f"{prefix}-remove"):
                continue
            label: dict[str, Any] = {
                part: posted.text(data, f"{prefix}-{part}").strip()
                for part in ("name", "title", "key", "definition", "parent")
            }
            examples = posted.text(data, f"{prefix}-examples").splitlines()
            label["examples"] = [line.strip() for line in examples if line.strip()]
            labels.append({**label, "color": _number(data.get(f"{prefix}-color"))})
        kind = posted.text(data, f"{base}-kind", "choice")
        # The settings that were on the page belong to the kind it was made for.
        shown_kind = posted.text(data, f"{base}-shown-kind", kind)
        settings = _settings(data, base, kind) if shown_kind == kind else {}
        when = _condition(posted.text(data, f"{base}-when"))
        questions.append(
            {
                **settings,
                **({"when": when} if when else {}),
                "name": posted.text(data, f"{base}-name").strip(),
                "kind": kind,
                "title": posted.text(data, f"{base}-title").strip(),
                "help": posted.text(data, f"{base}-help").strip(),
                "required": data.get(f"{base}-required") == "on",
                "labels": labels,
            }
        )
    return questions or [blank_question()]


def _number(value: Any) -> int:
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 6 else 0


def drop_blanks(questions: list[dict[str, Any]]) -> dict[str, Any]:
    """The schema without the rows that were left empty; a row with any word in it stays, for the check to see."""
    words = ("name", "title", "key", "definition", "examples", "parent")
    ours = ("has_labels", "settings", "condition")
    kept = [
        {
            **{name: value for name, value in entry.items() if name not in ours},
            "labels": [label for label in entry["labels"] if any(label.get(word) for word in words)],
        }
        for entry in questions
    ]
    filled = [entry for entry in kept if entry["name"] or entry["title"] or entry["labels"]]
    return {"questions": filled or kept[:1]}


@require_POST
@member("manager")
def preview(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The Markdown of the request as HTML, for the editor."""
    return render(
        request, "annotation/_preview.html", {"html": to_html(posted.text(request.POST, "text")[: publishing.TEXT])}
    )

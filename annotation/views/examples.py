"""The examples of the draft: added from the page of an item, changed and put in order here."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation import guiding
from annotation import schema as schemas
from annotation.access import member, refuse_blind
from annotation.models import Gold, Guideline, GuidelineExample, Item, Membership, Project
from annotation.views.posted import text

STEPS = {"up": -1, "down": 1}


def questions_of(project: Project) -> list[dict[str, Any]]:
    """The questions that an example may be of: those of the draft, and those in force that it does not have."""
    draft = Guideline.objects.filter(project=project).first()
    found = {entry["name"]: entry for entry in (project.version.schema["questions"] if project.version else [])}
    return list(
        (found | {entry["name"]: entry for entry in (draft.schema.get("questions", []) if draft else [])}).values()
    )


def value_of(given: str) -> Any:
    """A label as it is; what looks like JSON as JSON, because an answer with parts has no other form."""
    if given[:1] in "[{":
        try:
            return json.loads(given)
        except (ValueError, RecursionError):
            raise ValueError(_("The answer could not be read: it is no valid JSON.")) from None
    return given


def written(value: Any) -> str:
    """The value as its field shows it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@require_safe
@never_cache
@member("adjudicate")
def examples(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The draft's examples, question by question."""
    project = membership.project
    asked = {entry["name"]: entry for entry in questions_of(project)}
    rows = [
        {
            "example": row,
            "entry": asked.get(row.question),
            "labels": asked.get(row.question, {}).get("labels", []),
            "value": written(row.value),
            "schema": {"questions": list(asked.values())},
            "shown": guiding.copied(row),
        }
        for row in guiding.drafted(project)
    ]
    groups = [(entry, [row for row in rows if row["example"].question == name]) for name, entry in asked.items()]
    context = {
        "project": project,
        "membership": membership,
        "groups": [(entry, found) for entry, found in groups if found],
        "strays": [row for row in rows if row["entry"] is None],
        "count": len(rows),
    }
    return render(request, "annotation/examples.html", context)


@require_POST
@member("adjudicate")
def add_example(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Put this item into the draft as an example; goes back to where it was asked for."""
    project = membership.project
    item = get_object_or_404(Item.objects.select_related("document"), pk=pk, project=project)
    refuse_blind(membership, item.pk)
    question, _sign, value = text(request.POST, "answer").partition("=")
    try:
        guiding.add_example(
            project=project,
            item=item,
            question=question or text(request.POST, "question"),
            value=value_of(value or text(request.POST, "value")),
            why=text(request.POST, "why"),
            words=text(request.POST, "words"),
            counter=request.POST.get("counter") == "on",
            user=request.user,
        )
    except ValueError as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("It is an example in the draft now; everybody sees it once that is published."))
    return redirect("annotation:item", project.slug, item.pk)


@require_POST
@member("manager")
def change_example(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Change an example of the draft, move it up or down, or take it out."""
    project = membership.project
    rows = (
        GuidelineExample.objects.in_draft().filter(project=project).select_related("item__document", "project__version")
    )
    example = get_object_or_404(rows, pk=pk)
    do = request.POST.get("do", "")
    try:
        if do in STEPS:
            guiding.move_example(example=example, by=STEPS[do])
        elif do == "remove":
            guiding.remove_example(example=example, user=request.user)
            messages.success(request, _("It is no example in the draft any more."))
        else:
            guiding.change_example(
                example=example,
                value=value_of(text(request.POST, "value")),
                why=text(request.POST, "why"),
                words=text(request.POST, "words"),
                counter=request.POST.get("counter") == "on",
            )
            messages.success(request, _("The example is saved."))
    except ValueError as problem:
        messages.error(request, str(problem))
    return redirect("annotation:guideline_examples", project.slug)


def on_item(item: Item, *, blind: bool) -> dict[str, Any]:
    """What the page of an item needs to offer it as an example; nothing while people may still be asked about it."""
    rows = GuidelineExample.objects.in_draft().filter(item=item)
    found: dict[str, Any] = {"example_of": list(rows.values_list("question", flat=True))}
    if blind or item.role != Item.Role.WORK or item.document.given_split in guiding.TESTS:
        return found
    gold = {row.question: row.value for row in Gold.objects.current().filter(item=item)}
    offers = []
    for entry in questions_of(item.project):
        value = gold.get(entry["name"])
        labelled = [
            (f"{entry['name']}={label['name']}", label["title"], label["name"] == value)
            for label in entry.get("labels", [])
        ]
        whole = value is not None and value not in schemas.label_names(entry)
        settled = [(f"{entry['name']}={written(value)}", _("as it is settled"), True)] if whole else []
        if (labelled or settled) and entry["name"] not in found["example_of"]:
            offers.append((entry, [*settled, *labelled]))
    return {**found, "offers": offers}

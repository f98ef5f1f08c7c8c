"""Datasets and their frozen versions: freeze and look."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import jobs
from annotation.access import member
from annotation.models import Gold, Membership, Project
from annotation.views.errands import progress
from evaluation import checking, findings, freezing, retirements, rules
from evaluation.forms import FreezeForm
from evaluation.models import SPLITS, Benchmark, Check, DatasetVersion, Example, Export


@require_safe
@never_cache
@member("boards")
def datasets(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The datasets of a project with their versions and boards."""
    project = membership.project
    versions = DatasetVersion.objects.filter(dataset__project=project).select_related("dataset", "guideline_version")
    boards = Benchmark.objects.filter(version__dataset__project=project).select_related("version__dataset")
    context = {
        "project": project,
        "membership": membership,
        "versions": versions.order_by("dataset__name", "-pk"),
        "boards": boards,
        "gold": Gold.objects.current().filter(project=project).count(),
    }
    return render(request, "evaluation/datasets.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def freeze(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Ask for a new version."""
    project = membership.project
    questions = project.version.schema["questions"] if project.version else []
    first = project.datasets.first()
    form = FreezeForm(
        request.POST or None,
        questions=questions,
        columns=rules.columns(project),
        initial={"dataset": first.name if first else project.name, "splits": "auto", **_asked_before(request, project)},
    )
    if request.method == "POST" and form.is_valid():
        try:
            if request.POST.get("do") == "preview":
                name = form.cleaned_data["dataset"]
                check = checking.ask_preview(project=project, dataset_name=name, user=request.user, **form.wanted())
                return redirect("evaluation:check", project.slug, check.pk)
            version = freezing.ask(project=project, user=request.user, **form.options())
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            return redirect("evaluation:version", project.slug, version.pk)
    current = Gold.objects.current().filter(project=project)
    settled = dict(current.values_list("question").annotate(n=Count("pk")).order_by())
    # Only a label can be grouped by the database; of other kinds it is told how many there are.
    labelled = current.filter(question__in=[entry["name"] for entry in questions if entry["kind"] == "choice"])
    by_label = labelled.values_list("question", "value").annotate(n=Count("pk")).order_by()
    counts = [
        {
            "question": entry,
            "settled": settled.get(entry["name"], 0),
            "labels": {str(value): n for question, value, n in by_label if question == entry["name"]},
        }
        for entry in questions
    ]
    share = form["test"].value()
    context = {
        "project": project,
        "membership": membership,
        "form": form,
        "counts": counts,
        "outlook": outlook(max(settled.values(), default=0), share),
    }
    return render(request, "evaluation/freeze.html", context, status=400 if form.errors else 200)


def _asked_before(request: HttpRequest, project: Project) -> dict[str, Any]:
    """What the preview of ?preview= was made with, for the fields of the form."""
    number = request.GET.get("preview", "")
    pk = int(number) if number.isdecimal() and len(number) < 19 else 0
    row = Check.objects.filter(project=project, what=Check.What.PREVIEW, pk=pk).first()
    if row is None:
        return {}
    options = row.asked["options"]
    kept = {name: value for name, value in options.items() if name not in ("shares", "counts")}
    shares = {name: round(100 * share, 4) for name, share in options["shares"].items()}
    counts = {f"{name}_n": n for name, n in options["counts"].items()}
    return {**kept, **shares, **counts, "dataset": row.asked["dataset_name"]}


def outlook(items: int, share: Any) -> str:
    """What a test split of that share (in percent) will be able to tell, in words; empty where nothing can be said."""
    try:
        n = round(items * float(share) / 100)
    except (TypeError, ValueError, OverflowError):
        return ""
    return " ".join(findings.in_words(entry) for entry in findings.of_test(n)) if n > 0 else ""


def found(membership: Membership, pk: int) -> DatasetVersion:
    """The version, if it belongs to the project."""
    rows = DatasetVersion.objects.select_related("dataset__project", "guideline_version", "previous", "created_by")
    return get_object_or_404(rows, pk=pk, dataset__project=membership.project)


@require_safe
@never_cache
@member("boards")
def version(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """A version: counts, label balance, guideline, agreement at the freeze, findings, hash, boards, exports."""
    row = found(membership, pk)
    context: dict[str, Any] = {"project": membership.project, "membership": membership, "version": row, "job": row}
    if row.frozen_at:
        context |= {
            "boards": row.benchmarks.all(),
            "splits": SPLITS,
            "balance": balance(row),
            "exports": Export.objects.visible_to(request.user).filter(version=row).select_related("by")[:5],
            "others": row.dataset.versions.frozen().exclude(pk=row.pk).order_by("-pk")[:50],
            "verified": row.checks.filter(what=Check.What.VERIFY, state=jobs.State.DONE).select_related("created_by")[
                :5
            ],
            "gone": retirements.gone(row).count(),
        }
    return render(request, "evaluation/version.html", context)


def balance(row: DatasetVersion) -> list[dict[str, Any]]:
    """Per question a table label x split: count and share of the split."""
    tables = []
    for question in row.questions:
        lines = []
        for label in question.get("labels", []):
            cells = []
            for split in SPLITS:
                part = row.counts.get(split, {})
                count = part.get("labels", {}).get(question["name"], {}).get(label["name"], 0)
                cells.append((count, 100 * count / part["n"] if part.get("n") else None))
            lines.append({"label": label, "cells": cells})
        if lines:
            tables.append({"question": question, "lines": lines})
    return tables


@require_safe
@never_cache
@member("boards")
def version_progress(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The freeze's progress as a fragment."""
    row = found(membership, pk)
    return progress(request, row)


@require_POST
@member("manager")
def cancel_freeze(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Stop a freeze; nothing of it stays."""
    if not jobs.cancel(found(membership, pk)):
        messages.info(request, _("It had ended already."))
    return redirect("evaluation:version", membership.project.slug, pk)


@require_safe
@never_cache
@member("boards")
def examples(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The frozen examples; test gold is shown only to those who may have it."""
    row = found(membership, pk)
    may = rules.may_have_test_gold(request.user, membership.project)
    split = request.GET.get("split", "")
    rows = Example.objects.filter(version=row).order_by("pk")
    if split in SPLITS:
        rows = rows.filter(split=split)
    page = Paginator(rows, 50).get_page(request.GET.get("page"))
    later = retirements.retired_in(row.dataset, [entry.key for entry in page.object_list], since=row)
    context = {
        "later": later,
        "retired": retirements.retired(row.dataset),
        "gone": retirements.gone(row)[:200],
        "query": f"split={split}" if split in SPLITS else "",
        "project": membership.project,
        "membership": membership,
        "version": row,
        "page_obj": page,
        "rows": [(entry, entry.gold if may or entry.split != "test" else None) for entry in page.object_list],
        "split": split,
        "splits": SPLITS,
    }
    return render(request, "evaluation/examples.html", context)

"""Bringing files in: upload, mapping with a preview, progress, report, refused rows."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import candidates, delegating, hygiene, importing, jobs, reading, recleaning
from annotation.access import member
from annotation.jobs import State
from annotation.models import Errand, Import, Membership
from annotation.records import OF
from annotation.text import segments
from annotation.text.cleaning import STEPS
from annotation.views.errands import asked_for, progress
from annotation.views.posted import text

PREVIEW = 10
READING = ("format", "encoding", "delimiter", "header", "columns", "sheet", "document_per")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def imports(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Upload a file, and the list of earlier imports."""
    project = membership.project
    error = ""
    if request.method == "POST":
        upload = request.FILES.get("file")
        what = request.POST.get("what", Import.What.ITEMS)
        if upload is None:
            error = _("Choose a file first.")
        elif what not in Import.What.values:
            error = _("Choose what the rows are.")
        else:
            try:
                row = importing.prepare(
                    project=project,
                    file=upload,
                    filename=upload.name or "",
                    user=request.user,
                    what=what,
                    remember=True,
                )
                return redirect("annotation:import", project.slug, row.pk)
            except ValueError as problem:
                error = str(problem)
    rows = project.imports.select_related("created_by")
    context = {
        "project": project,
        "membership": membership,
        "page_obj": Paginator(rows, 25).get_page(request.GET.get("page")),
        "whats": Import.What.choices,
        "error": error,
    }
    return render(request, "annotation/imports.html", context, status=400 if error else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def one_import(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Before the start: the mapping with a preview; afterwards: progress and report."""
    row = get_object_or_404(Import.objects.select_related("project__version"), pk=pk, project=membership.project)
    context: dict[str, Any] = {"project": membership.project, "membership": membership, "import": row}
    if row.state != State.PREPARED:
        context |= {
            "job": row,
            "progress_url": reverse("annotation:import_progress", args=[membership.project.slug, row.pk]),
            "facts": facts(row.report),
        }
        if not row.is_live and row.what == Import.What.ITEMS:
            context |= {
                "steps": STEPS.items(),
                "texts": recleaning.count(row, most=recleaning.COUNTED),
                "errand": asked_for(request, membership.project, Errand.What.CLEAN),
            }
        return render(request, "annotation/import.html", context)
    error = ""
    if request.method == "POST":
        try:
            read_anew = read_options(row, request.POST)
            preview = importing.look(row)
            if request.POST.get("do") == "start" and not read_anew:
                importing.start(row)
                return redirect("annotation:import", membership.project.slug, row.pk)
            row.save(update_fields=["options"])
            context["read_anew"] = read_anew
        except ValueError as problem:
            error = str(problem)
    if request.method == "GET" or error:
        try:
            preview = importing.look(row)
        except ValueError as problem:
            error = error or str(problem)
            preview = {"columns": row.options.get("seen_columns", []), "rows": [], "warnings": []}
    context |= {"error": error, "preview": preview, "table": table(preview), **choices(row)}
    if row.what == Import.What.ITEMS:
        context |= cleaning(row)
    if error and request.method == "POST":
        context["label_map"] = request.POST.get("label_map", "")
    return render(request, "annotation/import_mapping.html", context, status=400 if error else 200)


def table(preview: dict[str, Any]) -> list[list[Any]]:
    """The first rows as cells in the order of the columns."""
    return [
        [entry.get(column) for column in preview["columns"]]
        for entry in preview["rows"][:PREVIEW]
        if isinstance(entry, dict)
    ]


def facts(report: dict[str, Any]) -> list[tuple[int, Any]]:
    """The counts of a report that are worth a place at the top: the first and the last two always, others if not 0."""
    always = {"rows", "new", "refused"}
    told = {**report, "items": 0} if report and report.get("items") == report["new"] else report
    return [(told[name], word) for name, word in COUNTS if told and (name in always or told.get(name))]


def choices(row: Import) -> dict[str, Any]:
    """What the mapping page offers."""
    answers = row.what == Import.What.ANNOTATIONS
    names = (
        ("id", "annotator", "label", "annotations", "status")
        if answers
        else (
            *importing.FIELDS,
            "label",
            "annotator",
            "annotations",
            "gold",
            "split",
            "candidates",
            "reference",
            "role",
            "explanation",
            "rule",
            "distribution",
            "suggestions",
        )
    )
    mapping = row.options["mapping"]
    fields = [(name, FIELD_NAMES[name], mapping.get(name, "")) for name in names]
    for name in further(row):
        fields.append(
            (name, _("answer to “%(question)s”") % {"question": name.removeprefix(OF)}, mapping.get(name, ""))
        )
    return {
        "fields": fields,
        "responses": candidates.words(row.options.get("seen_columns") or []),
        "needed": "id" if answers else "text",
        "formats": reading.FORMATS,
        "label_uses": LABEL_USES,
        "questions": [entry["name"] for entry in row.project.version.schema["questions"]]
        if row.project.version
        else [],
        "delimiter": (row.options["delimiter"] or "").replace("\t", "\\t"),
        "given_columns": ", ".join(row.options["columns"]),
        "is_table": row.options["format"] in ("csv", "tsv", "xlsx"),
        "label_map": "\n".join(f"{key} = {value}" for key, value in row.options["label_map"].items()),
    }


def cleaning(row: Import) -> dict[str, Any]:
    """What cleaning and cutting would do to the first rows, and what of it is chosen.

    Nothing is, but for languages, which change no text: they are proposed until somebody has chosen.
    """
    found = hygiene.look(row) if row.options["mapping"].get("text") else None
    return {
        "look": found,
        "detects": row.options["detect_language"] if row.options.get("chosen") else bool(found and found.languages),
        "segments": SEGMENTS,
        "passage": segments.SIZE,
    }


def further(row: Import) -> list[str]:
    """The fields of the questions beside the one that a plain label answers: label:topic.

    Before there are questions those that were found in the file.
    """
    if row.project.version is None:
        return [name for name in row.options["mapping"] if name.startswith(OF)]
    asked = [entry["name"] for entry in row.project.version.schema["questions"]]
    plain = row.options["question"] or next(iter(asked), "")
    return [f"{OF}{name}" for name in asked if name != plain]


def read_options(row: Import, data: Any) -> bool:
    """Take the form's choices into the row's options; raises ValueError for what cannot be.

    Returns whether the file is read in another way than in the preview before, so that its columns are guessed anew.
    """
    options = row.options
    before = {name: options[name] for name in READING}
    for name in ("format", "encoding", "delimiter", "sheet", "question", "labels", "annotator", "duplicates", "source_type", "language", "document_per", "segment", "passage_size"):  # fmt: skip
        if name in data:
            options[name] = text(data, name) if name == "delimiter" else text(data, name).strip()
    options["delimiter"] = {"\\t": "\t", "tab": "\t"}.get(options["delimiter"], options["delimiter"])
    options["header"] = data.get("header") == "on"
    if options["format"] != before["format"]:
        # What was found out about the file belongs to the format it was read as; what was chosen just now stays.
        for name in ("encoding", "delimiter"):
            options[name] = "" if options[name] == before[name] else options[name]
    options["create_schema"] = data.get("create_schema") == "on"
    options["clean"] = [name for name in STEPS if name in data.getlist("clean")]
    options["detect_language"] = data.get("detect_language") == "on"
    options["chosen"] = True
    options["pool"] = data.get("pool") == "on"
    options["columns"] = [part.strip() for part in text(data, "columns").split(",") if part.strip()]
    options["annotator_columns"] = [value.replace("\x00", "") for value in data.getlist("annotator_columns") if value]
    options["label_map"] = read_label_map(text(data, "label_map"))
    read_anew = any((options[name] or "") != (before[name] or "") for name in READING)
    names = (*importing.FIELDS, *importing.EXTRAS, *further(row))
    options["mapping"] = {}
    if not read_anew:
        chosen = {name: text(data, f"map_{name}") for name in names}
        options["mapping"] = {name: column for name, column in chosen.items() if column}
    return read_anew


def read_label_map(lines: str) -> dict[str, str]:
    """Lines of 'value in the file = label'; raises ValueError naming the line."""
    found: dict[str, str] = {}
    for number, line in enumerate(lines.splitlines(), 1):
        if not line.strip():
            continue
        left, sign, right = line.partition("=")
        if not sign or not left.strip() or not right.strip():
            raise ValueError(_("Line %(line)d of the label map: write “value in the file = label”.") % {"line": number})
        found[left.strip()] = right.strip()
    return found


@require_safe
@never_cache
@member("manager")
def import_progress(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The progress as a fragment; asks for the whole page when the job has ended."""
    row = get_object_or_404(Import, pk=pk, project=membership.project)
    return progress(request, row)


@require_POST
@member("manager")
def import_cancel(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Stop an import; what has come in stays. A prepared one is thrown away."""
    row = get_object_or_404(Import, pk=pk, project=membership.project)
    if row.state == State.PREPARED:
        importing.discard(row)
        return redirect("annotation:imports", membership.project.slug)
    if not jobs.cancel(row):
        messages.info(request, _("It had ended already."))
    return redirect("annotation:import", membership.project.slug, row.pk)


@require_POST
@member("manager")
def import_clean(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Clean the texts of an import anew with other steps, or take their cleaning back."""
    project = membership.project
    row = get_object_or_404(Import.objects.select_related("project"), pk=pk, project=project)
    page = reverse("annotation:import", args=[project.slug, row.pk])
    try:
        outcome = delegating.reclean(row=row, steps=request.POST.getlist("clean"), user=request.user)
    except ValueError as error:
        messages.error(request, str(error))
        return redirect(page)
    if isinstance(outcome, Errand):
        return redirect(f"{page}?errand={outcome.pk}")
    sentence = _("%(changed)d texts were changed, %(same)d are as they were, %(kept)d stay because people have worked on them.")  # fmt: skip
    messages.success(request, sentence % outcome)
    return redirect(page)


@require_safe
@member("manager")
def import_refused(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The refused rows with the reasons, to be mended and sent again."""
    row = get_object_or_404(Import, pk=pk, project=membership.project)
    if not row.refused:
        raise Http404
    ending = "csv" if row.options.get("format") in ("csv", "tsv", "xlsx") else "jsonl"
    return FileResponse(row.refused.open("rb"), as_attachment=True, filename=f"refused-{row.pk}.{ending}")


COUNTS = [
    ("rows", gettext_lazy("rows read")),
    ("new", gettext_lazy("new items")),
    ("items", gettext_lazy("passages or sentences")),
    ("here", gettext_lazy("were here already")),
    ("same_text", gettext_lazy("texts seen before")),
    ("annotations", gettext_lazy("answers")),
    ("gold", gettext_lazy("gold")),
    ("suggestions", gettext_lazy("suggestions")),
    ("cases", gettext_lazy("cases to settle")),
    ("refused", gettext_lazy("refused")),
]
FIELD_NAMES = {
    "id": gettext_lazy("id"),
    "text": gettext_lazy("text"),
    "title": gettext_lazy("title"),
    "source_type": gettext_lazy("source type"),
    "language": gettext_lazy("language"),
    "published_at": gettext_lazy("published at"),
    "issuer": gettext_lazy("issuer"),
    "url": gettext_lazy("link"),
    "label": gettext_lazy("label"),
    "annotations": gettext_lazy("annotations (a list)"),
    "gold": gettext_lazy("gold (an object)"),
    "split": gettext_lazy("split"),
    "candidates": gettext_lazy("candidate responses"),
    "reference": gettext_lazy("reference answer"),
    "role": gettext_lazy("role: work, control or training"),
    "explanation": gettext_lazy("explanation of a training item"),
    "rule": gettext_lazy("rule of the guideline for it"),
    "distribution": gettext_lazy("how answers spread (ambiguous texts)"),
    "suggestions": gettext_lazy("suggestions of models"),
    "annotator": gettext_lazy("annotator"),
    "status": gettext_lazy("status"),
}
SEGMENTS = [
    ("document", gettext_lazy("the whole document")),
    ("passage", gettext_lazy("a passage of it")),
    ("sentence", gettext_lazy("a sentence of it")),
]
LABEL_USES = [
    ("auto", gettext_lazy("as it fits: an annotator's answer, or left out where annotators' answers are there too")),
    ("annotation", gettext_lazy("the answer of one annotator")),
    ("gold", gettext_lazy("gold: settled, nobody is asked")),
    ("ignore", gettext_lazy("leave out (kept as metadata)")),
]

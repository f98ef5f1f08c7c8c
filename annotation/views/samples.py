"""Samples for managers: what is in the pool, what a design would draw, the draw, and a sample taken back."""

import json
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import delegating, designs, progress, samples, sampling
from annotation.access import member
from annotation.designs import METADATA
from annotation.models import Errand, Import, Membership, Project, Sample
from annotation.views import errands
from annotation.views.items import distinct
from annotation.views.posted import text

FIELDS = ("name", "method", "size", "seed", "by1", "by2", "by3", "column", "per", "most", "since", "until", "shortest", "longest", "imported_in", "issuers", "metadata", "question", "source", "labels", "least_score", "most_score")  # fmt: skip
LISTS = ("source_type", "language")
METHODS = (
    ("simple", gettext_lazy("simple random: every item is as likely")),
    ("proportional", gettext_lazy("by strata, in proportion to the frame")),
    ("equal", gettext_lazy("by strata, as many of each")),
    ("counts", gettext_lazy("by strata, numbers that I choose")),
)
VARIABLES = (
    ("source_type", gettext_lazy("source type")),
    ("language", gettext_lazy("language")),
    ("year", gettext_lazy("year")),
    ("quarter", gettext_lazy("quarter")),
    ("month", gettext_lazy("month")),
    ("issuer", gettext_lazy("issuer")),
    ("length", gettext_lazy("length")),
    ("proposal", gettext_lazy("what a model proposes")),
    ("column", gettext_lazy("a column of the metadata")),
)
GROUPS = (
    ("text", gettext_lazy("text")),
    ("document", gettext_lazy("document")),
    ("issuer", gettext_lazy("issuer, within a stratum")),
    ("column", gettext_lazy("value of the column, within a stratum")),
)
COUNT = "n:"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def samples_page(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """What was drawn, and a form: a POST looks what would be drawn, and with do=draw draws it."""
    project = membership.project
    found: dict[str, Any] | None = None
    error, status = "", 200
    given = _given(request.POST if request.method == "POST" else request.GET)
    errand = errands.asked_for(request, project, Errand.What.FRAME, Errand.What.SAMPLE)
    try:
        if request.method == "POST":
            asked = sampling.asked_for(_asked(given))
            given["seed"] = str(asked["design"]["seed"])
            if request.POST.get("do") == "draw":
                return _followed(request, project, delegating.draw_sample(project=project, asked=asked, user=request.user))  # fmt: skip
            told = delegating.look_at_sample(project=project, asked=asked, user=request.user)
            if isinstance(told, Errand):
                query = urlencode({"errand": told.pk, **{name: value for name, value in given.items() if value}}, doseq=True)  # fmt: skip
                return redirect(f"{reverse('annotation:samples', args=[project.slug])}?{query}")
            found = told
        elif errand is not None and errand.what == Errand.What.FRAME and errand.result:
            found = errand.result
            given["seed"] = str(found["design"]["seed"])
        elif errand is not None and errand.result:
            return redirect("annotation:sample", project.slug, errand.result["sample"])
    except ValueError as problem:
        error, status = str(problem), 400
    context = {
        "project": project,
        "membership": membership,
        "pool": progress.items(project)["pool"],
        "rows": samples.listed(project),
        "given": given,
        "error": error,
        "errand": None if found else errand,
        "found": _readable(found) if found else None,
        "methods": METHODS,
        "variables": VARIABLES,
        "groups": GROUPS,
        "source_types": distinct(project, "source_type"),
        "languages": distinct(project, "language"),
        "imports": Import.objects.filter(project=project, what="items", options__pool=True)[:50],
        "questions": project.version.schema["questions"] if project.version else [],
        "hidden": _hidden(given),
    }
    return render(request, "annotation/samples.html", context, status=status)


def _given(data: Any) -> dict[str, Any]:
    """What the form was sent, field by field."""
    given: dict[str, Any] = {name: text(data, name).strip()[:500] for name in FIELDS}
    given |= {name: [value.replace("\x00", "") for value in data.getlist(name) if value][:100] for name in LISTS}
    counts = {name: text(data, name).strip()[:9] for name in data if name.startswith(COUNT)}
    return {**given, "counts": {name.removeprefix(COUNT): value for name, value in counts.items() if value}}


def _hidden(given: dict[str, Any]) -> list[tuple[str, str]]:
    """The same fields for the form that draws; the counts stand there as fields of their own."""
    plain = [(name, given[name]) for name in FIELDS if given[name]]
    return plain + [(name, value) for name in LISTS for value in given[name]]


def _asked(given: dict[str, Any]) -> dict[str, Any]:
    """name, frame and design of what the form was sent."""
    column = f"{METADATA}{given['column']}" if given["column"] else ""
    chosen = [given[name] for name in ("by1", "by2", "by3") if given[name]]
    if "column" in [*chosen, given["per"]] and not column:
        raise ValueError(_("Name the column of the metadata."))
    method = given["method"] or "simple"
    by = [] if method == "simple" else [column if name == "column" else name for name in chosen]
    design = {
        "method": method,
        "by": by,
        "seed": given["seed"],
        "size": given["size"] or "0",
        "most": given["most"] or 1,
    }
    design["per"] = column if given["per"] == "column" else given["per"]
    if method == "counts" and given["counts"]:
        design["counts"] = [{"stratum": _stratum(name), "size": size} for name, size in given["counts"].items()]
    elif method == "counts":
        # To begin with, so that there is something to change.
        design["method"] = "proportional"
    plain = ("since", "until", "shortest", "longest", "imported_in", "question", "source", "least_score", "most_score")
    frame = {name: given[name] for name in (*plain, *LISTS) if given[name]}
    frame |= {name: _words(given[f"{name}s"]) for name in ("issuer", "label") if given[f"{name}s"]}
    if not (given["labels"] or given["least_score"] or given["most_score"] or given["source"]):
        # The question alone filters nothing; it says whose proposals make strata.
        frame = frame if "proposal" in by else {name: value for name, value in frame.items() if name != "question"}
    if given["metadata"]:
        frame["metadata"] = dict(_pair(line) for line in given["metadata"].split(";") if line.strip())
    return {"name": given["name"], "frame": frame, "design": design}


def _stratum(name: str) -> Any:
    try:
        return json.loads(name)
    except (ValueError, RecursionError):
        raise ValueError(_("This form is not as the page made it. Open the page anew.")) from None


def _words(words: str) -> list[str]:
    return [part.strip() for part in words.replace("；", ";").split(";") if part.strip()]


def _pair(words: str) -> tuple[str, str]:
    name, sign, value = words.partition("=")
    if not sign or not name.strip():
        raise ValueError(_("Write a column of the metadata as column = value."))
    return name.strip(), value.strip()


def _readable(found: dict[str, Any]) -> dict[str, Any]:
    rows = [
        {**row, "title": designs.named(row["stratum"]), "field": COUNT + json.dumps(row["stratum"], ensure_ascii=False)}
        for row in found["strata"]
    ]
    return {**found, "rows": rows}


def _followed(request: HttpRequest, project: Project, done: Sample | Errand) -> HttpResponseBase:
    if isinstance(done, Errand):
        return redirect(f"{reverse('annotation:samples', args=[project.slug])}?errand={done.pk}")
    sentence = ngettext("{count} item is drawn and will be asked.", "{count} items are drawn and will be asked.", done.size)  # fmt: skip
    messages.success(request, sentence.format(count=done.size))
    return redirect("annotation:sample", project.slug, done.pk)


@require_safe
@never_cache
@member("manager")
def sample(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """One sample: its frame, its strata with their rates, and how far it is."""
    row = get_object_or_404(samples.listed(membership.project), pk=pk)
    context = {
        "project": membership.project,
        "membership": membership,
        "sample": row,
        "strata": samples.rates(row),
        "frame": [
            (name, value if not isinstance(value, list) else ", ".join(value)) for name, value in row.frame.items()
        ],
        "by": [dict(VARIABLES).get(name, name) for name in row.design["by"]],
        "method": dict(METHODS)[row.design["method"]],
        "shortages": designs.shortages(row.strata),
    }
    return render(request, "annotation/sample.html", context)


@require_POST
@member("manager")
def take_back(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Put its items back into the pool."""
    row = get_object_or_404(Sample, pk=pk, project=membership.project)
    try:
        count = sampling.take_back(sample=row, by=membership.user)
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("annotation:sample", membership.project.slug, pk)
    sentence = ngettext("{count} item is in the pool again.", "{count} items are in the pool again.", count)
    messages.success(request, sentence.format(count=count))
    return redirect("annotation:samples", membership.project.slug)

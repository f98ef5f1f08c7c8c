"""The page of a project's history, and the history as a file."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation import history as histories
from annotation.access import member
from annotation.models import Membership, Project
from annotation.streams import kinds

FILES = {"csv": (histories.as_csv, "text/csv; charset=utf-8"), "jsonl": (histories.as_jsonl, "application/x-ndjson")}


@require_safe
@never_cache
@member("adjudicate")
def history(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Who did what and when, the newest first, by filters."""
    project = membership.project
    given = {name: request.GET.get(name, "").replace("\x00", "").strip()[:100] for name in histories.FILTERS}
    try:
        asked, after = histories.read(project, given), histories.place_of(request.GET.get("after", ""))
    except ValueError as problem:
        messages.error(request, str(problem))
        asked, after = None, None
    found = histories.page(asked=asked, user=request.user, after=after) if asked else None
    context = {
        "project": project,
        "membership": membership,
        "given": given,
        "is_filtered": any(given.values()),
        "is_first": after is None,
        "query": urlencode({name: value for name, value in given.items() if value}),
        "found": found,
        "rows": with_schemas(project, found.entries) if found else [],
        "people": histories.people(project),
        "kinds": sorted(kinds().items(), key=lambda row: str(row[1])),
        "versions": project.versions.order_by("-number"),
        "questions": project.version.schema["questions"] if project.version else [],
    }
    return render(request, "annotation/history.html", context, status=200 if asked else 400)


def with_schemas(project: Project, entries: list[histories.Entry]) -> list[tuple[histories.Entry, Any]]:
    """Each entry with the schema that its answer was given under, which has the titles of its labels."""
    schemas = dict(project.versions.values_list("number", "schema"))
    return [(entry, schemas.get(entry.version or 0)) for entry in entries]


@require_safe
@never_cache
@member("adjudicate")
def history_file(request: HttpRequest, membership: Membership, form: str) -> HttpResponseBase:
    """The same entries as CSV or JSONL, as they are read from the database."""
    if form not in FILES:
        raise Http404
    return as_file(membership.project, request.GET, request.user, form)


def as_file(project: Project, given: Mapping[str, str], user: Any, form: str) -> StreamingHttpResponse:
    """A download of what is asked for; Http404 where a filter names what is not there."""
    try:
        asked = histories.read(project, {name: given.get(name, "").strip()[:100] for name in histories.FILTERS})
    except ValueError:
        raise Http404 from None
    write, content_type = FILES[form]
    response = StreamingHttpResponse(write(histories.everything(asked=asked, user=user)), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{project.slug}-history.{form}"'
    return response

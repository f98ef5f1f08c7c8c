"""Private data in a project's texts: each place in its context, and what a manager decides about it."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from annotation import hits, scanning, screening
from annotation.access import member
from annotation.models import Membership, PrivateHit, Scan
from annotation.text.privacy import KINDS
from annotation.views.posted import text

PAGE = 25
FILTERS = ("kind", "state")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def private_data(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The places, filtered, in their contexts; a POST has the worker look through what was not looked through yet."""
    project = membership.project
    if request.method == "POST":
        scanning.ask(project=project, what=Scan.What.PRIVATE, user=request.user)
        return redirect("annotation:private_data", project.slug)
    asked = {name: text(request.GET, name)[:20] for name in FILTERS}
    page = Paginator(hits.filtered(project, asked), PAGE).get_page(request.GET.get("page"))
    summary = hits.summary(project)
    context: dict[str, Any] = {
        "project": project,
        "membership": membership,
        "scan": scanning.last(project, Scan.What.PRIVATE),
        "summary": summary,
        "found": [row for row in summary["kinds"] if row["open"] or row["mask"] or row["keep"]],
        "page_obj": page,
        "rows": hits.in_context(page.object_list),
        "asked": asked,
        "is_filtered": any(asked.values()),
        "query": urlencode({name: value for name, value in asked.items() if value}),
        "states": PrivateHit.State.choices,
        "policies": screening.POLICIES,
    }
    return render(request, "annotation/private_data.html", context)


@require_POST
@member("manager")
def decide(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Mask, keep or reopen one place, those of a page, all of a value, all of a kind that wait, or all that wait."""
    project, posted = membership.project, request.POST
    numbers = [int(value) for value in posted.getlist("hits") if value.isdecimal() and len(value) < 19]
    # A button says what becomes of which: “mask these” of all on the page, “mask these:7” of one place.
    state, _blank, scope = text(posted, "decision").partition(" ")
    scope, _colon, one = scope.partition(":")
    kind = text(posted, "kind")
    if text(posted, "scope") == "many":
        state, scope = text(posted, "state"), "kind" if kind else "all"
    if one.isdecimal() and len(one) < 19:
        numbers = [int(one)]
    try:
        counts = screening.decide(
            project=project,
            asked={"scope": scope, "kind": kind, "hits": numbers},
            state=state,
            reason=text(posted, "reason"),
            user=request.user,
        )
    except ValueError as error:
        messages.error(request, str(error))
    else:
        count = sum(counts.values())
        said = ngettext("%(count)d place was decided.", "%(count)d places were decided.", count)
        messages.success(request, said % {"count": count})
    query = urlencode({name: value for name in ("kind", "state", "page") if (value := text(posted, f"at_{name}"))})
    return redirect(f"{reverse('annotation:private_data', args=[project.slug])}{'?' + query if query else ''}")


@require_POST
@member("manager")
def policy(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """What becomes of each kind without a look."""
    project = membership.project
    asked = {kind: text(request.POST, kind) for kind in KINDS if kind in request.POST}
    try:
        screening.set_policy(project=project, policy=asked, user=request.user)
    except ValueError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Saved."))
    return redirect("annotation:private_data", project.slug)

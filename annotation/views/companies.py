"""The list of companies: its page, and what the labelling page offers while one types."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import companies as lists
from annotation.access import member
from annotation.models import Company, Membership

PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member()
def companies(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The entries with a search; a manager brings in a file."""
    project = membership.project
    outcome, error = None, ""
    if request.method == "POST":
        if not membership.is_manager:
            return redirect("annotation:companies", project.slug)
        upload = request.FILES.get("file")
        try:
            if upload is None:
                raise ValueError(_("Choose a file first."))
            outcome = lists.bring(project=project, file=upload, filename=upload.name or "")
        except ValueError as problem:
            error = str(problem)
        else:
            said = ngettext("{count} new company", "{count} new companies", outcome.new).format(count=outcome.new)
            changed = _("{changed} changed, {same} as they were, {refused} rows refused")
            counts = changed.format(changed=outcome.changed, same=outcome.same, refused=outcome.refused)
            messages.success(request, f"{said}, {counts}.")
            if not outcome.refused:
                return redirect("annotation:companies", project.slug)
    words = request.GET.get("q", "").replace("\x00", "")[:200]
    rows = lists.matching(project, words) if words else Company.objects.filter(project=project)
    counted = lists.counts(project)
    context = {
        "project": project,
        "membership": membership,
        "page": Paginator(rows.order_by("retired", "name", "pk"), PAGE).get_page(request.GET.get("page")),
        "words": words,
        "query": urlencode({"q": words}) if words else "",
        "offered": counted[False],
        "retired": counted[True],
        "outcome": outcome,
        "error": error,
        "megabytes": lists.UPLOAD >> 20,
    }
    return render(request, "annotation/companies.html", context, status=400 if error else 200)


@require_POST
@member("manager")
def retire(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Take an entry out of the offers, or put it back."""
    company = get_object_or_404(Company, pk=pk, project=membership.project)
    lists.retire(company=company, retired=not company.retired)
    said = _("“{name}” is not offered any more.") if company.retired else _("“{name}” is offered again.")
    messages.success(request, said.format(name=company.name))
    return redirect("annotation:companies", membership.project.slug)


@require_safe
@never_cache
@member()
def offer(request: HttpRequest, membership: Membership) -> JsonResponse:
    """?q= what is typed, or ?keys=a,b of entries whose names are wanted."""
    keys = [key for key in request.GET.get("keys", "").replace("\x00", "").split(",") if key]
    words = request.GET.get("q", "").replace("\x00", "")
    rows = lists.named(membership.project, keys) if keys else lists.search(membership.project, words)
    return JsonResponse({"companies": [lists.told(row) for row in rows]})

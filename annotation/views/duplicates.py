"""The duplicates of a project: what a search found, side by side, and what a manager decides about it."""

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import clusters, deciding_duplicates, delegating, jobs, scanning
from annotation.access import member
from annotation.models import Cluster, Errand, Membership, Scan, Verdict
from annotation.views.errands import asked_for, progress
from annotation.views.posted import text

PAGE, MEMBERS = 10, 40
FILTERS = ("kind", "state", "having")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def duplicates(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The clusters, filtered; a POST has the worker search."""
    project = membership.project
    if request.method == "POST":
        try:
            scanning.ask(
                project=project,
                what=Scan.What.DUPLICATES,
                across=[slug.replace("\x00", "") for slug in request.POST.getlist("across")],
                user=request.user,
            )
        except ValueError as error:
            messages.error(request, str(error))
        return redirect("annotation:duplicates", project.slug)
    return _list(request, membership)


def _list(request: HttpRequest, membership: Membership, **extra: Any) -> HttpResponseBase:
    project = membership.project
    asked = {name: text(request.GET, name)[:20] for name in FILTERS}
    page = Paginator(clusters.filtered(project, asked).order_by("-size", "pk"), PAGE).get_page(request.GET.get("page"))
    found = list(page.object_list)
    conflicting = set(
        Cluster.objects.filter(clusters.conflicting(), pk__in=[row.pk for row in found]).values_list("pk", flat=True)
    )
    members = clusters.members(found, request.user)
    context = {
        "project": project,
        "membership": membership,
        "scan": scanning.last(project, Scan.What.DUPLICATES),
        "others": clusters.projects(request.user).exclude(pk=project.pk).filter(archived_at=None)[:50],
        "summary": clusters.summary(project),
        "acts": clusters.acts(project),
        "page_obj": page,
        "rows": [(row, members.get(row.pk, []), row.pk in conflicting) for row in found],
        "asked": asked,
        "is_filtered": any(asked.values()),
        "query": urlencode({name: value for name, value in asked.items() if value}),
        "kinds": Cluster.Kind.choices,
        "states": clusters.STATES,
        "having": clusters.HAVING,
        "rules": deciding_duplicates.RULES,
        "errand": asked_for(request, project, Errand.What.RULE, Errand.What.UNDO),
        **extra,
    }
    return render(request, "annotation/duplicates.html", context, status=400 if extra.get("error") else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def cluster(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """All members of one cluster, page by page; a POST decides about it."""
    project = membership.project
    rows = Cluster.objects.filter(project=project).select_related("verdict__made_by", "verdict__kept__document")
    row = get_object_or_404(rows, pk=pk)
    if request.method == "POST":
        return _decide(request, row)
    page = Paginator(range(row.size), MEMBERS).get_page(request.GET.get("page"))
    start = (page.number - 1) * MEMBERS
    context = {
        "project": project,
        "membership": membership,
        "cluster": row,
        "members": clusters.members([row], request.user, start=start, most=MEMBERS).get(row.pk, []),
        "conflicting": Cluster.objects.filter(clusters.conflicting(), pk=row.pk).exists(),
        "page_obj": page,
    }
    return render(request, "annotation/cluster.html", context)


def _decide(request: HttpRequest, row: Cluster) -> HttpResponseBase:
    posted = request.POST
    numbers = {name: int(value) for name in ("kept", "before") if (value := posted.get(name, "")).isdecimal() and len(value) < 19}  # fmt: skip
    try:
        deciding_duplicates.decide(
            cluster=row,
            what=text(posted, "what"),
            kept=numbers.get("kept"),
            before=numbers.get("before"),
            reason=text(posted, "reason"),
            user=request.user,
        )
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("annotation:cluster", row.project.slug, row.pk)
    messages.success(request, _("Decided."))
    return redirect("annotation:duplicates", row.project.slug)


@require_POST
@never_cache
@member("manager")
def by_rule(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """What a rule would do to all clusters that wait, in numbers; or, with its reason, do it."""
    project = membership.project
    asked = {name: text(request.POST, name) for name in ("rule", "source", "reason")}
    kinds = [kind.replace("\x00", "") for kind in request.POST.getlist("kinds")]
    try:
        rule = deciding_duplicates.Rule.read({**asked, "kinds": kinds})
        if request.POST.get("apply") != "on":
            told = deciding_duplicates.preview(project=project, rule=rule)
            return _list(request, membership, preview=told, rule=rule, rule_words=deciding_duplicates.RULES[rule.name])
        outcome = delegating.decide_by_rule(project=project, rule=rule, reason=asked["reason"], user=request.user)
    except ValueError as error:
        return _list(request, membership, error=str(error))
    if isinstance(outcome, Errand):
        return redirect(f"{reverse('annotation:duplicates', args=[project.slug])}?errand={outcome.pk}")
    said = ngettext("%(count)d cluster was decided.", "%(count)d clusters were decided.", outcome["clusters"])
    messages.success(request, said % {"count": outcome["clusters"]})
    return redirect("annotation:duplicates", project.slug)


@require_POST
@member("manager")
def undo(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Take back one decision, or all that a rule decided at once."""
    project = membership.project
    number, act = request.POST.get("verdict", ""), request.POST.get("act", "")
    try:
        if number.isdecimal() and len(number) < 19:
            verdicts = Verdict.objects.filter(project=project, pk=int(number))
            deciding_duplicates.undo(project=project, verdicts=verdicts, user=request.user)
            outcome = None
        else:
            outcome = delegating.undo_act(project=project, act=_act(act), user=request.user)
    except ValueError as error:
        messages.error(request, str(error))
    else:
        if isinstance(outcome, Errand):
            return redirect(f"{reverse('annotation:duplicates', args=[project.slug])}?errand={outcome.pk}")
        messages.success(request, _("Taken back."))
    return redirect("annotation:duplicates", project.slug)


def _act(given: str) -> str:
    try:
        return str(uuid.UUID(given))
    except ValueError:
        raise ValueError(_("There is no such act.")) from None


@require_safe
@never_cache
@member("manager")
def scan_progress(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """How a search goes, as a fragment."""
    return progress(request, get_object_or_404(Scan, pk=pk, project=membership.project))


@require_POST
@member("manager")
def scan_cancel(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Stop a search; what an earlier one found stays."""
    row = get_object_or_404(Scan, pk=pk, project=membership.project)
    if not jobs.cancel(row):
        messages.info(request, _("It had ended already."))
    page = "annotation:duplicates" if row.what == Scan.What.DUPLICATES else "annotation:private_data"
    return redirect(page, membership.project.slug)

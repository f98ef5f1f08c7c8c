"""The refresh: its schedule, its history, and one turn of it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import jobs
from annotation.access import member
from annotation.models import Membership
from annotation.views.errands import progress
from evaluation import refreshing
from evaluation.forms import ScheduleForm
from evaluation.models import Dataset, Refresh


@require_safe
@never_cache
@member("boards")
def refreshes(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Every dataset of the project with its schedule, what waits for the next version, and what happened."""
    project = membership.project
    rows = Refresh.objects.filter(dataset__project=project).select_related("dataset", "version", "asked_by")
    context = {
        "project": project,
        "membership": membership,
        "datasets": [refreshing.standing(dataset) for dataset in project.datasets.all()],
        "refreshes": rows[:50],
    }
    return render(request, "evaluation/refreshes.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def schedule(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Edit a dataset's schedule."""
    dataset = get_object_or_404(Dataset, pk=pk, project=membership.project)
    current = refreshing.schedule_of(dataset)
    initial = {name: getattr(current, name) for name in ("cron", "timezone", "enabled", "minimum", "rerun")}
    form = ScheduleForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            refreshing.set_schedule(dataset=dataset, user=request.user, **form.cleaned_data)
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The schedule is saved."))
            return redirect("evaluation:refreshes", membership.project.slug)
    context = {"project": membership.project, "membership": membership, "dataset": dataset, "form": form}
    return render(request, "evaluation/schedule.html", context, status=400 if form.errors else 200)


@require_POST
@member("manager")
def refresh_now(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """One turn now; with `forced` also where too little new gold has come in."""
    dataset = get_object_or_404(Dataset, pk=pk, project=membership.project)
    try:
        row = refreshing.ask(dataset=dataset, user=request.user, forced=request.POST.get("forced") == "1")
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("evaluation:refreshes", membership.project.slug)
    return redirect("evaluation:refresh", membership.project.slug, row.pk)


@require_safe
@never_cache
@member("boards")
def refresh(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """What happened in one turn."""
    rows = Refresh.objects.select_related("dataset", "version__dataset", "asked_by")
    row = get_object_or_404(rows, pk=pk, dataset__project=membership.project)
    context = {"project": membership.project, "membership": membership, "refresh": row, "job": row}
    return render(request, "evaluation/refresh.html", context)


@require_safe
@never_cache
@member("boards")
def refresh_progress(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The progress as a fragment."""
    row = get_object_or_404(Refresh, pk=pk, dataset__project=membership.project)
    return progress(request, row)


@require_POST
@member("manager")
def cancel_refresh(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Stop a turn."""
    row = get_object_or_404(Refresh, pk=pk, dataset__project=membership.project)
    if not jobs.cancel(row):
        messages.info(request, _("It had ended already."))
    return redirect("evaluation:refresh", membership.project.slug, pk)

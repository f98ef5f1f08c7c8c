"""What a worker does for a manager: how it goes, and a way to stop it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation import jobs
from annotation.access import member
from annotation.jobs import Job
from annotation.models import Errand, Membership, Project


def progress(request: HttpRequest, row: Job) -> HttpResponse:
    """How a job goes, as a fragment; it asks for the whole page when the job has ended."""
    response = render(request, "_job.html", {"job": row, "progress_url": request.path})
    if not row.is_live:
        response["HX-Refresh"] = "true"
    return response


def asked_for(request: HttpRequest, project: Project, *what: str) -> Errand | None:
    """The errand of ?errand=, where the project has it and it is of this sort."""
    number = request.GET.get("errand", "")
    pk = int(number) if number.isdecimal() and len(number) < 19 else 0
    return Errand.objects.filter(project=project, what__in=what, pk=pk).first()


@require_safe
@never_cache
@member("manager")
def errand_progress(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The progress as a fragment; asks for the whole page when the errand has ended."""
    row = get_object_or_404(Errand, pk=pk, project=membership.project)
    return progress(request, row)


@require_POST
@member("manager")
def errand_cancel(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Stop it; nothing of it is left."""
    row = get_object_or_404(Errand, pk=pk, project=membership.project)
    if not jobs.cancel(row):
        messages.info(request, _("It had ended already."))
    pages = {
        Errand.What.PREVIEW: "annotation:publish",
        Errand.What.RULE: "annotation:duplicates",
        Errand.What.FRAME: "annotation:samples",
        Errand.What.SAMPLE: "annotation:samples",
        Errand.What.UNDO: "annotation:duplicates",
    }
    if row.what == Errand.What.CLEAN:
        return redirect("annotation:import", membership.project.slug, row.asked["import"])
    return redirect(pages.get(Errand.What(row.what), "annotation:set_aside"), membership.project.slug)

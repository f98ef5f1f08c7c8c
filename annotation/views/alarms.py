"""Alarms about people's work: what was seen, the answers behind it, and putting one away with a note."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from annotation import watching
from annotation.access import member
from annotation.jobs import State
from annotation.models import Alarm, Annotation, Membership, Watch
from annotation.views.posted import text

PAST = 50


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def alarms(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """What waits for a manager's eyes, and what was dismissed; a POST has the worker look at once."""
    project = membership.project
    if request.method == "POST":
        if watching.ask(project) is None:
            messages.success(request, _("No answer has come in since the last look."))
        else:
            messages.success(request, _("The worker looks now; reload the page in a moment."))
        return redirect("annotation:alarms", project.slug)
    open_ = watching.open_alarms(project)
    past = Alarm.objects.filter(project=project, dismissed_at__isnull=False)
    shown = {pk for row in open_ for pk in row.rows}
    items = dict(Annotation.objects.filter(pk__in=shown).values_list("pk", "item_id"))
    context = {
        "project": project,
        "membership": membership,
        "rows": [
            {
                "alarm": row,
                "words": watching.words(row),
                "items": list(dict.fromkeys(items[pk] for pk in row.rows if pk in items)),
            }
            for row in open_
        ],
        "past": [
            (row, watching.words(row))
            for row in past.select_related("person", "dismissed_by").order_by("-dismissed_at")[:PAST]
        ],
        "last": Watch.objects.filter(project=project, state=State.DONE).first(),
    }
    return render(request, "annotation/alarms.html", context)


@require_POST
@member("manager")
def dismiss_alarm(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Put one away."""
    alarm = get_object_or_404(Alarm, pk=pk, project=membership.project)
    try:
        watching.dismiss(alarm=alarm, user=request.user, note=text(request.POST, "note"))
    except ValueError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Dismissed."))
    return redirect("annotation:alarms", membership.project.slug)

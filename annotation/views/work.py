"""My work: what one has done day by day, one's goal, skips and questions; shown to nobody else."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation import asking, choosing, history, progress, quality
from annotation.access import member
from annotation.models import Membership
from annotation.views.consistency import titled
from annotation.views.history import with_schemas
from annotation.views.inbox import with_words

SHOWN = 50


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("label")
def work(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The page; a POST sets the goal. Answers to one's questions count as seen once it was shown."""
    if request.method == "POST":
        wanted = request.POST.get("goal", "").strip()
        try:
            if wanted and not (wanted.isdecimal() and len(wanted) < 9):
                raise ValueError(_("A goal is a number of items from 1 to %(most)d.") % {"most": choosing.MOST})
            choosing.set_goal(
                membership=membership, goal=int(wanted) if wanted else None, per=request.POST.get("per", "")
            )
        except ValueError as problem:
            messages.error(request, str(problem))
        else:
            messages.success(request, _("Saved."))
        return redirect("annotation:work", membership.project.slug)
    try:
        after = history.place_of(request.GET.get("after", ""))
    except ValueError:
        after = None
    found = history.own(membership=membership, after=after, size=SHOWN)
    days = progress.work(membership)
    threads = asking.threads(project=membership.project, user=request.user)
    mine = list(threads.filter(asker=request.user).order_by("-pk")[:SHOWN])
    context = {
        "project": membership.project,
        "membership": membership,
        "days": days,
        "hours": sum(day["hours"] for day in days),
        "items": sum(day["items"] for day in days),
        "done_today": progress.done_today(membership),
        "skips": progress.without_answer(membership)[:SHOWN],
        "asked": with_words(mine, request.user),
        "consistency": titled(quality.self_agreement(membership.project, membership.user_id)),
        "happened": with_schemas(membership.project, found.entries),
        "after": found.after,
        "is_first": after is None,
    }
    response = render(request, "annotation/work.html", context)
    asking.see(membership=membership, threads=[row.pk for row in mine])
    return response

"""Questions from those who label: the inbox of those who keep the guideline, and what is written in a thread."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation import asking
from annotation.access import member
from annotation.models import Item, Membership
from annotation.views.items import with_excerpts
from annotation.views.posted import text

PAGE = 30


@require_safe
@never_cache
@member("adjudicate")
def inbox(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """What waits for an answer, the oldest first; with ?answered=1 what has one, the newest first."""
    answered = bool(request.GET.get("answered"))
    rows = asking.threads(project=membership.project, user=request.user)
    waiting = rows.waiting()
    shown = rows.exclude(answered_at=None).order_by("-answered_at", "-pk") if answered else waiting.order_by("pk")
    page = Paginator(shown, PAGE).get_page(request.GET.get("page"))
    context = {
        "project": membership.project,
        "membership": membership,
        "page_obj": page,
        "query": "answered=1" if answered else "",
        "rows": with_words(list(page.object_list), request.user),
        "answered": answered,
        "waiting": page.paginator.count if not answered else waiting.count(),
    }
    return render(request, "annotation/inbox.html", context)


def with_words(threads: list[Any], user: Any) -> list[dict[str, Any]]:
    """Threads with the beginning of their item's text, and what was said in them as this person may read it."""
    items = {item.pk: item for item in with_excerpts(Item.objects.filter(pk__in=[row.item_id for row in threads]))}
    return [{"thread": row, "item": items[row.item_id], "remarks": asking.told(row, user)} for row in threads]


@require_POST
@member()
def reply(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Write into a thread: the answer, or whoever asked asks on."""
    row = get_object_or_404(asking.threads(project=membership.project, user=request.user), pk=pk)
    try:
        asking.reply(membership=membership, thread=row, text=text(request.POST, "text"))
    except ValueError as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("Sent."))
    if row.asker_id == request.user.pk:
        return redirect("annotation:work", membership.project.slug)
    return redirect("annotation:inbox", membership.project.slug)

"""Discussions of cases: those that concern a person who labels, one of them, and what is said."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation import caseload, discussing
from annotation import schema as schemas
from annotation.access import member
from annotation.models import Case, Item, Membership
from annotation.views.items import with_excerpts
from annotation.views.posted import text

SHOWN = 100


@require_safe
@never_cache
@member("label")
def discussions(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The cases under discussion on whose items this person has said something."""
    rows = list(discussing.about_me(membership)[:SHOWN])
    items = {item.pk: item for item in with_excerpts(Item.objects.filter(pk__in=[row.item_id for row in rows]))}
    context = {
        "project": membership.project,
        "membership": membership,
        "rows": [(row, items[row.item_id]) for row in rows],
        "unread": set(discussing.unread(membership).values_list("pk", flat=True)),
    }
    return render(request, "annotation/discussions.html", context)


@require_safe
@never_cache
@member()
def discussion(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """One case as its people see it: the text, the answers by letters, and what is said."""
    row = _readable(membership, pk)
    if membership.can_adjudicate:
        return redirect("annotation:case", membership.project.slug, row.pk)
    version = membership.project.version
    try:
        entry = schemas.question(version.schema if version else {}, row.question)
    except ValueError:
        raise Http404 from None
    answers, aligned = caseload.lettered(row, entry)
    letters = discussing.letters_of(row)
    context: dict[str, Any] = {
        "project": membership.project,
        "membership": membership,
        "case": row,
        "item": row.item,
        "document": row.item.document,
        "entry": entry,
        "answers": answers,
        "mine": letters.get(membership.user_id, ""),
        "aligned": [{"row": one, "what": one.what} for one in aligned.rows],
        "remarks": discussing.told(row, membership.user),
        "is_open": row.closed_at is None,
        "assignment": discussing.about_me(membership).values_list("assignment", flat=True).filter(pk=row.pk).first(),
    }
    response = render(request, "annotation/discussion.html", context)
    discussing.visit(case=row, membership=membership)
    return response


def _readable(membership: Membership, pk: int) -> Case:
    rows = Case.objects.select_related("item__document", "project", "sent_back")
    row = get_object_or_404(rows, pk=pk, project=membership.project)
    if not discussing.may_read(row, membership):
        raise PermissionDenied
    return row


@require_POST
@member()
def discuss(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Say something to a case; an adjudicator may open it to its people with it."""
    row = _readable(membership, pk)
    opens = bool(request.POST.get("open"))
    words = text(request.POST, "text")
    try:
        if opens:
            discussing.open_to_its_people(case=row, membership=membership)
        if words.strip() or not opens:
            discussing.say(case=row, membership=membership, text=words)
    except ValueError as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("Its people read and write here from now on.") if opens else _("Sent."))
    page = "annotation:case" if membership.can_adjudicate else "annotation:discussion"
    return redirect(page, membership.project.slug, row.pk)

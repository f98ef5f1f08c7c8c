"""Control items: which they are, how right people are on them, and how items become them."""

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
from django.views.decorators.http import require_POST, require_safe

from annotation import competence, controlling, inviting
from annotation.access import member
from annotation.models import Gold, Item, Membership, Project
from annotation.views.items import asked_for, filtered, with_excerpts
from annotation.views.posted import whole

PAGE = 50


@require_safe
@never_cache
@member("manager")
def controls(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The share, everybody's accuracy with its interval, and the items with how many were right on each."""
    project = membership.project
    rows = Item.objects.filter(project=project, role=Item.Role.CONTROL).order_by("pk")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    found = list(with_excerpts(page.object_list))
    gold: dict[int, list[Gold]] = {}
    for row in Gold.objects.current().filter(item__in=found):
        gold.setdefault(row.item_id, []).append(row)
    checks = competence.checks(project)
    facts = controlling.of_project(project)
    left = controlling.left(project).values()
    told = competence.of_items(checks, [item.pk for item in found])
    context = {
        "project": project,
        "membership": membership,
        "facts": facts,
        "eligible": controlling.up_to(facts["eligible"]),
        "people": competence.of_people(checks),
        "least": competence.LEAST,
        "left": (min(left), max(left)) if left else None,
        "page_obj": page,
        "rows": [(item, gold.get(item.pk, []), sorted(told.get(item.pk, {}).items())) for item in found],
    }
    return render(request, "annotation/controls.html", context)


@require_POST
@member("manager")
def draw_controls(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Draw settled items at random, or set the share."""
    project = membership.project
    try:
        if "share" in request.POST:
            share = whole(request.POST.get("share", ""), _("The share"))
            inviting.configure(project=project, by=request.user, control_share=share)
            messages.success(request, _("Saved."))
        else:
            count = whole(request.POST.get("count", ""), _("The number of items"))
            say(request, controlling.draw(project=project, count=count, user=request.user))
    except ValueError as error:
        messages.error(request, str(error))
    return redirect("annotation:controls", project.slug)


@require_POST
@member("manager")
def items_role(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Give all items that match the filters a role."""
    project = membership.project
    asked = asked_for(request.POST)
    questions = project.version.schema["questions"] if project.version else []
    rows = filtered(Item.objects.filter(project=project), asked, request.user, questions)
    change(request, project, rows)
    query = urlencode({name: value for name, value in asked.items() if value})
    return redirect(f"{reverse('annotation:items', args=[project.slug])}{'?' + query if query else ''}")


@require_POST
@member("manager")
def item_role(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Give one item a role."""
    found = get_object_or_404(Item, pk=pk, project=membership.project)
    change(request, membership.project, Item.objects.filter(pk=found.pk))
    back = {"controls": "annotation:controls", "qualification": "annotation:manage_qualification"}
    if page := back.get(request.POST.get("back", "")):
        return redirect(page, membership.project.slug)
    return redirect("annotation:item", membership.project.slug, pk)


def change(request: HttpRequest, project: Project, rows: Any) -> None:
    """Do it and say so, or say why not."""
    try:
        role = request.POST.get("role", "")
        say(request, controlling.mark(project=project, items=rows, role=role, user=request.user))
    except ValueError as error:
        messages.error(request, str(error))


def say(request: HttpRequest, counts: dict[str, int]) -> None:
    """How many were changed, and how many not and why."""
    count = counts["marked"]
    messages.success(request, ngettext("{count} item was changed.", "{count} items were changed.", count).format(count=count))  # fmt: skip
    for reason, left in counts.items():
        if reason != "marked" and left:
            sentence = ngettext("{count} item was left as it was: {why}.", "{count} items were left as they were: {why}.", left)  # fmt: skip
            messages.warning(request, sentence.format(count=left, why=controlling.sentence(reason)))

"""The list of projects, a project's home, its settings and its people."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotation import assigning, inviting, progress
from annotation.access import member
from annotation.forms import InvitationForm, MembershipForm, ProjectForm, ProjectSettingsForm
from annotation.models import Invitation, Membership, User


@require_GET
@login_required
def projects(request: HttpRequest) -> HttpResponseBase:
    """The projects that this person is a member of."""
    memberships = Membership.objects.filter(user=request.user, project__archived_at=None).select_related("project")
    context = {
        "memberships": memberships.order_by("project__name"),
        "can_create": User.objects.can_create_projects(request.user),
    }
    return render(request, "annotation/projects.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def new_project(request: HttpRequest) -> HttpResponseBase:
    """A new project; whoever makes it manages it."""
    if not User.objects.can_create_projects(request.user):
        raise PermissionDenied
    form = ProjectForm(request.POST or None)
    form.fields["slug"].required = False
    if request.method == "POST" and form.is_valid():
        try:
            project = inviting.create_project(user=request.user, **form.cleaned_data)
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            return redirect("annotation:project", project.slug)
    return render(request, "annotation/new_project.html", {"form": form})


@require_GET
@never_cache
@member()
def project(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """A project's home: what to do next, and for those who may see it, how far it is."""
    context: dict[str, Any] = {"project": membership.project, "membership": membership}
    if membership.can_label:
        context["done_today"] = progress.done_today(membership)
    if membership.can_adjudicate:
        overview = progress.overview(membership.project)
        context |= {
            "overview": overview,
            "people": progress.people(membership.project),
            "days_left": progress.forecast(membership.project, overview),
            "imports": membership.project.imports.exclude(state="prepared").select_related("created_by")[:3],
        }
    return render(request, "annotation/project.html", context)


@require_http_methods(["GET", "POST"])
@member("manager")
def settings(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Name, overlap, settling, lease."""
    project = membership.project
    form = ProjectSettingsForm(request.POST or None, instance=project)
    if request.method == "POST" and form.is_valid():
        changed = form.save(commit=False)
        changed.save(update_fields=["name", "description", "settle", "lease_minutes"])
        if "overlap" in form.changed_data:
            assigning.set_overlap(project=changed, overlap=form.cleaned_data["overlap"])
        messages.success(request, _("Saved."))
        return redirect("annotation:settings", project.slug)
    return render(request, "annotation/settings.html", {"project": project, "membership": membership, "form": form})


@require_GET
@never_cache
@member("manager")
def members(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Who is in, who is invited."""
    return _members(request, membership)


def _members(request: HttpRequest, membership: Membership, **extra: Any) -> HttpResponseBase:
    project = membership.project
    rows = project.memberships.select_related("user").order_by("role", "user__username")
    context = {
        "project": project,
        "membership": membership,
        "members": [(row, MembershipForm(instance=row, prefix=str(row.pk))) for row in rows],
        "invitations": [row for row in project.invitations.select_related("invited_by")[:50] if row.is_open],
        "form": InvitationForm(),
        **extra,
    }
    return render(request, "annotation/members.html", context)


@require_POST
@never_cache
@member("manager")
def invite(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """A secret link, shown once and mailed where an address is given."""
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return _members(request, membership, form=form)
    invitation, token = inviting.invite(project=membership.project, by=request.user, **form.cleaned_data)
    link = request.build_absolute_uri(reverse("annotation:join", args=[token]))
    sent = inviting.send(invitation, link=link)
    return _members(request, membership, link=link, sent_to=invitation.email if sent else "")


@require_POST
@member("manager")
def withdraw(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Close an invitation."""
    inviting.withdraw(get_object_or_404(Invitation, pk=pk, project=membership.project))
    messages.success(request, _("The invitation is closed."))
    return redirect("annotation:members", membership.project.slug)


@require_POST
@member("manager")
def change_role(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Give a member another role."""
    row = get_object_or_404(Membership, pk=pk, project=membership.project)
    form = MembershipForm(request.POST, prefix=str(row.pk))
    if form.is_valid():
        _say(request, lambda: inviting.change_role(membership=row, **form.cleaned_data), _("Saved."))
    else:
        messages.error(request, _("Choose one of the roles."))
    return redirect("annotation:members", membership.project.slug)


@require_POST
@member("manager")
def remove(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Take a member out; their answers stay."""
    row = get_object_or_404(Membership.objects.select_related("project", "user"), pk=pk, project=membership.project)
    _say(request, lambda: inviting.remove(membership=row), _("%(who)s is no longer a member.") % {"who": row.user})
    if row.user_id == request.user.pk and not Membership.objects.filter(pk=pk).exists():
        return redirect("annotation:projects")
    return redirect("annotation:members", membership.project.slug)


@require_POST
@member("manager")
def release(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Take the items back that a member holds but has not answered."""
    row = get_object_or_404(Membership, pk=pk, project=membership.project)
    count = assigning.release(project=membership.project, annotator=row.user)
    messages.success(request, _("%(count)d items were taken back.") % {"count": count})
    return redirect("annotation:members", membership.project.slug)


def _say(request: HttpRequest, act: Any, done: str) -> None:
    """Do it and say so, or say why not."""
    try:
        act()
    except ValueError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)

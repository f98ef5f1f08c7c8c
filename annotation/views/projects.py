"""The list of projects, a project's home, its settings and its people."""

from copy import copy
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import assigning, batches, inviting, pace, progress, quality, suggesting
from annotation.access import member
from annotation.awaited import Awaited, awaited, counts
from annotation.forms import InvitationForm, MembershipForm, ProjectForm, ProjectSettingsForm
from annotation.jobs import State
from annotation.models import Assignment, Gold, Invitation, Membership, Project, User


@require_safe
@login_required
def projects(request: HttpRequest) -> HttpResponseBase:
    """The projects that this person is a member of."""
    memberships = Membership.objects.filter(user=request.user, project__archived_at=None).select_related(
        "project__version", "user"
    )
    rows = list(memberships.order_by("project__name", "pk"))
    how_far = _how_far([row.project_id for row in rows if row.can_adjudicate])
    waits = counts(rows)
    context = {
        "rows": [(row, how_far.get(row.project_id), waits[row.project_id]) for row in rows],
        "can_create": User.objects.can_create_projects(request.user),
    }
    return render(request, "annotation/projects.html", context)


def _how_far(projects: list[int]) -> dict[int, dict[str, int]]:
    """Answers wanted and in per project, and percent closed, in one query; projects without items are left out."""
    closed = Q(state__in=Assignment.ANSWERED)
    counts = (
        progress.counted(Assignment.objects.filter(project__in=projects))
        .values("project")
        .annotate(all=Count("pk"), closed=Count("pk", filter=closed), done=Count("pk", filter=Q(state="done")))
    )
    return {
        row["project"]: {"all": row["all"], "done": row["done"], "percent": 100 * row["closed"] // row["all"]}
        for row in counts
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_project(request: HttpRequest) -> HttpResponseBase:
    """A new project; whoever makes it manages it."""
    if not User.objects.can_create_projects(request.user):
        raise PermissionDenied
    form = ProjectForm(request.POST or None)
    form.fields["slug"].required = False
    form.fields["slug"].help_text = _("Small letters, digits and hyphens; left empty it is made from the name.")
    if request.method == "POST" and form.is_valid():
        try:
            project = inviting.create_project(user=request.user, **form.cleaned_data)
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            return redirect("annotation:project", project.slug)
    return render(request, "annotation/new_project.html", {"form": form})


@require_safe
@never_cache
@member()
def project(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """A project's home: what to do next, and for those who may see it, how far it is."""
    context: dict[str, Any] = {
        "project": membership.project,
        "membership": membership,
        "awaited": [(row, _leads_to(row, membership.project)) for row in awaited(membership)],
    }
    if membership.can_label:
        context["done_today"] = progress.done_today(membership)
        context["pushed"] = batches.mine(membership)
    if membership.can_adjudicate:
        overview, found = progress.overview(membership.project), pace.pace(membership.project)
        context |= {
            "overview": overview,
            "gold_by": [(label, overview["gold_by"].get(name, 0)) for name, label in Gold.Method.choices],
            "people": quality.people(membership.project),
            "pace": found,
            "finish": pace.ends(found, overview["left"]),
            "imports": membership.project.imports.exclude(state=State.PREPARED).select_related("created_by")[:3],
        }
    if membership.is_manager:
        context["suggested"] = suggesting.figures(membership.project)
        context["steps"] = next_steps(membership.project, context["overview"])
    return render(request, "annotation/project.html", context)


def _leads_to(row: Awaited, project: Project) -> str:
    return reverse(row.page, args=[project.slug, row.pk] if row.pk else [project.slug]) + row.query


def next_steps(project: Project, overview: dict[str, Any]) -> list[dict[str, Any]]:
    """The way from a file to a frozen version: each step's title, address, sentence and state (done, now, later)."""
    labellers = sum(row.can_label for row in project.memberships.all())
    labelled = bool(overview["items"]) and not overview["left"]
    steps: list[tuple[bool, str, Any, str]] = [
        (bool(overview["items"]), "annotation:imports", gettext_lazy("Import items"), _imported(overview)),
        (project.version is not None, "annotation:guideline", gettext_lazy("Publish the guideline"), _rules(project)),
        (labellers >= project.overlap or labelled, "annotation:members", gettext_lazy("Invite annotators"), _invited(project, labellers)),
        (labelled, "annotation:items", pgettext_lazy("verb", "Label"), _labelled(overview)),
        (labelled and not overview["cases_open"], "annotation:adjudicate", gettext_lazy("Adjudicate"), _settled(overview)),
        (False, "evaluation:datasets", gettext_lazy("Freeze a version"), _("Gold becomes a dataset version with train, dev and test.")),
        (False, "training:runs", gettext_lazy("Run systems"), _("Systems are trained on a frozen version and meet on its board; others can hand in predictions.")),
        (False, "evaluation:refreshes", gettext_lazy("Refresh on a schedule"), _("New gold becomes the next version, and every system is scored again.")),
    ]  # fmt: skip
    now = next(place for place, step in enumerate(steps) if not step[0])
    return [
        {
            "title": title,
            "url": _address(name, project),
            "sentence": sentence,
            "state": "done" if done else "now" if place == now else "later",
        }
        for place, (done, name, title, sentence) in enumerate(steps)
    ]


def _address(name: str, project: Project) -> str:
    """The address of a page that another app may bring; empty where it does not."""
    try:
        return reverse(name, args=[project.slug])
    except NoReverseMatch:
        return ""


def _imported(overview: dict[str, Any]) -> str:
    count = overview["items"]
    if not count:
        return _("Bring in CSV, JSON, XLSX or plain text, with or without labels.")
    return ngettext("%(count)d item is here.", "%(count)d items are here.", count) % {"count": count}


def _rules(project: Project) -> str:
    if project.version is None:
        return _("Write the rules and the labels, then publish them as version 1.")
    return _("Version %(number)d is in force.") % {"number": project.version.number}


def _invited(project: Project, labellers: int) -> str:
    return ngettext(
        "%(count)d person labels; answers wanted per item: %(overlap)d.",
        "%(count)d people label; answers wanted per item: %(overlap)d.",
        labellers,
    ) % {"count": labellers, "overlap": project.overlap}


def _labelled(overview: dict[str, Any]) -> str:
    if not overview["slots"]:
        return _("No answers are asked for yet.")
    told = {name: overview[key] for name, key in (("done", "done"), ("skipped", "skipped"), ("all", "slots"))}
    if not overview["skipped"]:
        return _("%(done)s answers of %(all)s wanted") % told
    return _("%(done)s answers of %(all)s wanted are in; closed without an answer: %(skipped)s") % told


def _settled(overview: dict[str, Any]) -> str:
    return _("Cases that wait: %(open)d. Items with gold: %(gold)d.") % {
        "open": overview["cases_open"],
        "gold": overview["gold"],
    }


@require_http_methods(["GET", "HEAD", "POST"])
@member("manager")
def settings(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Name, overlap, settling, lease."""
    project = membership.project
    # A copy, so that a refused form does not change the name above the page.
    form = ProjectSettingsForm(request.POST or None, instance=copy(project))
    if request.method == "POST" and form.is_valid():
        try:
            inviting.configure(project=project, by=request.user, **form.cleaned_data)
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("annotation:settings", project.slug)
    return render(request, "annotation/settings.html", {"project": project, "membership": membership, "form": form})


@require_safe
@never_cache
@member("manager")
def members(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Who is in, who is invited."""
    return _members(request, membership)


def _members(request: HttpRequest, membership: Membership, **extra: Any) -> HttpResponseBase:
    project = membership.project
    context = {
        "project": project,
        "membership": membership,
        "members": [
            (row, MembershipForm(instance=row, prefix=str(row.pk)), row.held) for row in inviting.people(project)
        ],
        "invitations": inviting.waiting(project),
        "form": InvitationForm(),
        **extra,
    }
    return render(request, "annotation/members.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def invite(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """A secret link, shown once and mailed where an address is given; to look at it again leads to the members."""
    if request.method != "POST":
        return redirect("annotation:members", membership.project.slug)
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return _members(request, membership, form=form)
    invitation, token = inviting.invite(project=membership.project, by=request.user, **form.cleaned_data)
    link = request.build_absolute_uri(reverse("annotation:join", args=[token]))
    sent = inviting.send(invitation, link=link)
    return _members(request, membership, link=link, secret=True, sent_to=invitation.email if sent else "")


@require_POST
@member("manager")
def withdraw(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Close an invitation."""
    inviting.withdraw(get_object_or_404(Invitation, pk=pk, project=membership.project), by=request.user)
    messages.success(request, _("The invitation is closed."))
    return redirect("annotation:members", membership.project.slug)


@require_POST
@member("manager")
def change_role(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Give a member another role."""
    row = get_object_or_404(Membership, pk=pk, project=membership.project)
    form = MembershipForm(request.POST, prefix=str(row.pk))
    if form.is_valid():
        _say(request, lambda: inviting.change_role(membership=row, by=request.user, **form.cleaned_data), _("Saved."))
    else:
        sentences = [str(error) for found in form.errors.values() for error in found]
        messages.error(request, " ".join(sentences) or _("Choose one of the roles."))
    return redirect("annotation:members", membership.project.slug)


@require_POST
@member("manager")
def remove(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Take a member out; their answers stay."""
    row = get_object_or_404(Membership.objects.select_related("project", "user"), pk=pk, project=membership.project)
    _say(
        request,
        lambda: inviting.remove(membership=row, by=request.user),
        _("%(who)s is no longer a member.") % {"who": row.user},
    )
    if row.user_id == request.user.pk and not Membership.objects.filter(pk=pk).exists():
        return redirect("annotation:projects")
    return redirect("annotation:members", membership.project.slug)


@require_POST
@member("manager")
def release(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Take the items back that a member holds but has not answered."""
    row = get_object_or_404(Membership, pk=pk, project=membership.project)
    count = assigning.release(project=membership.project, annotator=row.user_id, by=request.user)
    sentence = ngettext("%(count)d item was taken back.", "%(count)d items were taken back.", count)
    messages.success(request, sentence % {"count": count})
    return redirect("annotation:members", membership.project.slug)


def _say(request: HttpRequest, act: Any, done: str) -> None:
    """Do it and say so, or say why not."""
    try:
        act()
    except ValueError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)

"""Projects come to be and are set up, people come and go: create, configure, invite, accept, change a role, remove."""

import secrets
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from annotation import assigning, overlaps, recording, returning
from annotation.models import Act, Assignment, Guideline, Invitation, Membership, Project, User, token_digest

SLUGS_TAKEN = {"new", "api", "admin", "static", "p"}


@transaction.atomic
def create_project(
    *, name: str, user: User | None, slug: str = "", description: str = "", overlap: int = 2, **fields: Any
) -> Project:
    """A project whose maker is its first manager. Raises ValueError where the address is taken."""
    name = name.strip()
    if not name:
        raise ValueError(_("A project needs a name."))
    wanted = slugify((slug or name)[:200])[:60]
    if slug and not wanted:
        raise ValueError(_("The address “%(slug)s” needs letters a to z or digits.") % {"slug": slug})
    wanted = wanted or f"project-{secrets.token_hex(3)}"
    if wanted in SLUGS_TAKEN or Project.objects.filter(slug=wanted).exists():
        if slug:
            raise ValueError(_("The address “%(slug)s” is taken; choose another.") % {"slug": wanted})
        wanted = f"{wanted[:50]}-{secrets.token_hex(3)}"
    project = Project(slug=wanted, name=name, description=description, overlap=overlap, created_by=user, **fields)
    try:
        project.full_clean(exclude=["created_by", "version"])
    except ValidationError as error:
        raise ValueError(_in_words(error)) from None
    project.save()
    Guideline.objects.create(project=project, edited_by=user)
    if user is not None:
        Membership.objects.create(project=project, user=user, role=Membership.Role.MANAGER)
    return project


SETTINGS = ("name", "description", "overlap", "overlap_rules", "overlap_most", "settle", "agreed_percent", "second_percent",
            "discussion_names", "lease_minutes", "undecided", "confidence",
            "suggestions", "suggest_undivided", "suggestion_control", "again_share", "again_days", "control_share",
            "qualification", "pass_mark", "pass_least", "attempts")  # fmt: skip


@transaction.atomic
def configure(*, project: Project, by: User | None = None, **changes: Any) -> Project:
    """Change some or all of SETTINGS together, or nothing; the project as it then is. The address stays.

    Another overlap makes or removes slots and settles what is complete by that, by the rule that is given beside it.
    Raises ValueError where a value cannot be.
    """
    if unknown := sorted(set(changes) - set(SETTINGS)):
        raise ValueError(_("There is no setting “%(name)s”.") % {"name": unknown[0]})
    project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    before = project.overlap, project.overlap_rules
    old = {name: getattr(project, name) for name in changes}
    if "overlap_rules" in changes:
        lines = str(changes["overlap_rules"]).splitlines()
        changes["overlap_rules"] = "\n".join(line.strip() for line in lines if line.strip())
    for name, value in changes.items():
        setattr(project, name, value)
    try:
        project.full_clean(exclude=["slug", "created_by", "version"])
        overlaps.parse(project.overlap_rules)
    except ValidationError as error:
        raise ValueError(_in_words(error)) from None
    if project.suggested_since is None and project.suggestions != Project.Suggestions.NEVER:
        project.suggested_since = timezone.now()
    project.save(update_fields=[*changes, "suggested_since"])
    if any(name in changes and changes[name] != old[name] for name in ("again_share", "again_days")):
        returning.begin_anew(project)
    if changed := {name: [old[name], changes[name]] for name in changes if old[name] != changes[name]}:
        recording.record(project=project, kind="configured", by=by, changed=changed)
    if (project.overlap, project.overlap_rules) != before:
        assigning.set_overlap(project=project, overlap=project.overlap)
    return project


def _in_words(error: ValidationError) -> str:
    """“field: sentence” for each thing that is wrong."""
    return " ".join(f"{name}: {sentence}" for name, found in error.message_dict.items() for sentence in found)


@transaction.atomic
def invite(*, project: Project, by: User, role: str, email: str = "", labels: bool = False) -> tuple[Invitation, str]:
    """An invitation and its secret token, which is shown once and never stored."""
    if role not in Membership.Role.values:
        raise ValueError(_("There is no role “%(role)s”.") % {"role": role})
    if email:
        try:
            validate_email(email)
        except ValidationError:
            raise ValueError(_("“%(email)s” is no e-mail address.") % {"email": email}) from None
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        project=project, email=email, role=role, labels=labels, digest=token_digest(token), invited_by=by
    )
    recording.record(project=project, kind="invited", by=by, role=role, labels=labels)
    return invitation, token


def send(invitation: Invitation, *, link: str) -> bool:
    """Mail the link where an address was given; False where no mail could be sent."""
    # The default backend sends nothing: then nothing is said to have been sent.
    if not invitation.email or settings.EMAIL_BACKEND.endswith("dummy.EmailBackend"):
        return False
    subject = _("%(who)s invites you to “%(project)s”") % {
        "who": invitation.invited_by,
        "project": invitation.project.name,
    }
    body = _("Open this link to join the project as %(role)s:\n\n%(link)s\n\nIt works once, for two weeks.") % {
        "role": invitation.get_role_display(),
        "link": link,
    }
    try:
        return bool(send_mail(" ".join(subject.split()), body, None, [invitation.email]))
    except (OSError, ValueError):  # no server, or an address that no mail can have
        return False


def find(token: str) -> Invitation | None:
    """The open invitation behind a secret link."""
    return _usable().filter(digest=token_digest(token)).select_related("project", "invited_by").first()


def accepted(token: str, user: Any) -> Project | None:
    """The project that this person joined by this link, which is used up now."""
    rows = Invitation.objects.filter(digest=token_digest(token), accepted_by=user.pk or 0)
    found = rows.select_related("project").first()
    return found.project if found and Project.objects.visible_to(user).filter(pk=found.project_id).exists() else None


def waiting(project: Project) -> QuerySet[Invitation]:
    """The invitations to a project that can still be accepted, newest first."""
    return _usable().filter(project=project).select_related("invited_by")


def people(project: Project) -> QuerySet[Any]:
    """The members of a project; `held` is how many items each has in hand without an answer."""
    leases = Assignment.objects.filter(
        project=OuterRef("project"), annotator=OuterRef("user"), state=Assignment.State.LEASED
    )
    counted = leases.order_by().values("annotator").annotate(count=Count("pk")).values("count")
    rows = project.memberships.select_related("user", "project").order_by("role", "user__username")
    return rows.annotate(held=Coalesce(Subquery(counted, output_field=IntegerField()), 0))


def _usable() -> QuerySet[Invitation]:
    """Open invitations whose maker still manages the project, however they may have ceased to."""
    makers = Membership.objects.filter(
        project=OuterRef("project"), user=OuterRef("invited_by"), role=Membership.Role.MANAGER
    )
    return Invitation.objects.filter(Exists(makers), accepted_at=None, expires_at__gt=timezone.now())


@transaction.atomic
def accept(*, invitation: Invitation, user: User) -> Membership:
    """Make the bearer a member, once. A member who opens a second link keeps the role they have."""
    taken = _usable().filter(pk=invitation.pk).update(accepted_at=timezone.now(), accepted_by=user)
    if not taken:
        raise ValueError(_("This invitation has been used or has run out. Ask for a new one."))
    membership, new = Membership.objects.get_or_create(
        project=invitation.project,
        user=user,
        defaults={
            "role": invitation.role,
            "labels": invitation.labels,
            "read_until": _read_until(invitation.project, user),
        },
    )
    if new:
        role: dict[str, Any] = {"role": membership.role, "labels": membership.labels}
        recording.record(project=invitation.project_id, kind="joined", by=user, about=user, **role)
    return membership


def _read_until(project: Project, user: User) -> datetime | None:
    """When this person was last taken out of the project, where they could read others' answers before; else None.

    The membership that said so is gone, and the history remembers every role.
    """
    acts = Act.objects.filter(project=project, about=user, kind__in=("joined", "role_changed", "removed"))
    left: datetime | None = None
    roles: set[str] = set()
    for kind, at, details in acts.order_by("pk").values_list("kind", "at", "details"):
        roles.update(details["changed"].get("role", []) if kind == "role_changed" else [details["role"]])
        left = at if kind == "removed" else left
    return left if roles - {Membership.Role.ANNOTATOR} else None


@transaction.atomic
def withdraw(invitation: Invitation, *, by: User | None = None) -> None:
    """Close an open invitation."""
    now = timezone.now()
    if Invitation.objects.filter(pk=invitation.pk, accepted_at=None, expires_at__gt=now).update(expires_at=now):
        recording.record(project=invitation.project_id, kind="invitation_withdrawn", by=by, role=invitation.role)


@transaction.atomic
def change_role(
    *, membership: Membership, role: str, labels: bool, daily_limit: int | None = None, by: User | None = None
) -> None:
    """Give a member another role and limit; the last manager cannot be demoted."""
    if daily_limit is not None and not 1 <= daily_limit <= 100_000:
        raise ValueError(_("The limit lies between 1 and 100,000 answers, or is left empty."))
    if role not in Membership.Role.values:
        raise ValueError(_("There is no role “%(role)s”.") % {"role": role})
    if role != Membership.Role.MANAGER:
        _keep_a_manager(membership)
    # Who labels beside such a role reads what was complete before more answers to it are wanted.
    if membership.can_see_boards:
        membership.read_until = timezone.now()
    old = {"role": membership.role, "labels": membership.labels, "daily_limit": membership.daily_limit}
    new = {"role": role, "labels": labels, "daily_limit": daily_limit}
    if changed := {name: [old[name], new[name]] for name in old if old[name] != new[name]}:
        about = membership.user_id
        recording.record(project=membership.project_id, kind="role_changed", by=by, about=about, changed=changed)
    membership.role, membership.labels, membership.daily_limit = role, labels, daily_limit
    membership.save(update_fields=["role", "labels", "daily_limit", "read_until"])
    if not membership.is_manager:
        _close_invitations(membership)
    if not membership.can_label:
        assigning.release(project=membership.project, annotator=membership.user, assigned=True, by=by)


@transaction.atomic
def remove(*, membership: Membership, by: User | None = None) -> None:
    """Take a member out; what they labelled stays, what they hold goes back to the others."""
    _keep_a_manager(membership)
    assigning.release(project=membership.project, annotator=membership.user, assigned=True, by=by)
    _close_invitations(membership)
    about = membership.user_id
    recording.record(project=membership.project_id, kind="removed", by=by, about=about, role=membership.role)
    membership.delete()


def _close_invitations(membership: Membership) -> None:
    """Who is no longer manager must not come back, or bring others, by a link made before."""
    made = Invitation.objects.filter(project=membership.project, invited_by=membership.user, accepted_at=None)
    made.filter(expires_at__gt=timezone.now()).update(expires_at=timezone.now())


def _keep_a_manager(membership: Membership) -> None:
    managers = Membership.objects.select_for_update().filter(project=membership.project, role=Membership.Role.MANAGER)
    if {row.pk for row in managers} == {membership.pk}:
        raise ValueError(_("A project needs a manager: make someone else manager first."))

"""A case is talked over: among adjudicators, and with the people whose answers it is about once it is opened to them."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import adjudicating, settling
from annotation.alignment import letter
from annotation.models import Assignment, Case, CaseRemark, Item, Membership, User, Visit
from annotation.text.normal import clean

LONGEST = 5000


def may_read(case: Case, membership: Membership) -> bool:
    """Whoever adjudicates and need not answer the item first; of those who label it the people of the case, once it is opened.

    A second decision is made alone: until it is made, what was said of the first is told to nobody.
    """
    waiting = Case.objects.open().filter(item=case.item_id, question=case.question, why=Case.Why.SECOND)
    if case.why == Case.Why.SECOND or waiting.exists():
        return False
    if membership.can_adjudicate:
        return not Item.objects.blind_for(membership.user).filter(pk=case.item_id).exists()
    return case.discussed_at is not None and membership.can_label and _mine(membership.user_id, case).exists()


def _mine(user: int, case: Case) -> QuerySet[Assignment]:
    return Assignment.objects.filter(item=case.item_id, annotator=user, state__in=Assignment.ANSWERED)


def about_me(membership: Membership) -> QuerySet[Case]:
    """Cases under discussion on whose items this person has said something, those last spoken of first."""
    rows = _about(membership.user_id, [membership.project_id])
    rows = rows.annotate(said=Count("remarks"), last=Max("remarks__at"))
    rows = rows.annotate(assignment=Assignment.every.number_of(membership.user))
    return rows.order_by("closed_at", "-last", "-pk")


def _about(person: int, projects: Sequence[int]) -> QuerySet[Case]:
    mine = Assignment.objects.filter(item=OuterRef("item"), annotator=person, state__in=Assignment.ANSWERED)
    rows = Case.objects.filter(Exists(mine), project__in=projects, discussed_at__isnull=False)
    return rows.exclude(why=Case.Why.SECOND)


@transaction.atomic
def open_to_its_people(*, case: Case, membership: Membership) -> None:
    """Let those whose answers it is about read the answers and write; what they answer from then on is not independent.

    Raises PermissionDenied, or ValueError where the case is closed or is a second decision.
    """
    if not membership.can_adjudicate:
        raise PermissionDenied(_("A case is opened for discussion by those who adjudicate."))
    if case.why == Case.Why.SECOND:
        raise ValueError(
            _("A second decision is made alone; where it differs from the first, a case for discussion opens.")
        )
    rows = Case.objects.open().filter(pk=case.pk)
    if not rows.exists():
        raise ValueError(_("This case has been settled already, perhaps in another window. Nothing was changed."))
    rows.filter(discussed_at=None).update(discussed_at=timezone.now())


@transaction.atomic
def say(*, case: Case, membership: Membership, text: str, client_id: uuid.UUID | None = None) -> CaseRemark:
    """Write into the discussion of an open case; a repeat of the client id changes nothing.

    Raises PermissionDenied where this person may not read it, ValueError where nothing is said or the case is closed.
    """
    if not may_read(case, membership):
        raise PermissionDenied(
            _("This case is discussed by those who adjudicate and by the people whose answers it is about.")
        )
    words = clean(text).text.strip() if isinstance(text, str) else ""
    if not words:
        raise ValueError(_("Write down what you want to say."))
    if len(words) > LONGEST:
        raise ValueError(_("A remark has at most %(most)d characters.") % {"most": LONGEST})
    if not Case.objects.open().filter(pk=case.pk).exists():
        raise ValueError(_("The case is settled; nothing more is said to it here."))
    remark, _new = CaseRemark.objects.get_or_create(
        client_id=client_id or uuid.uuid4(),
        defaults={
            "case": case,
            "author": membership.user,
            "guideline_version": settling.version_of(membership.project),
            "text": words,
        },
    )
    return remark


def told(case: Case, user: Any) -> list[dict[str, Any]]:
    """What was said, in order: mine, by (a name where the project shows names, else a letter or a role), text, at."""
    remarks = list(case.remarks.select_related("author", "guideline_version"))
    if not remarks:
        return []
    letters = letters_of(case)
    roles = [Membership.Role.MANAGER, Membership.Role.ADJUDICATOR]
    deciding = set(Membership.objects.filter(project=case.project_id, role__in=roles).values_list("user", flat=True))
    return [
        {
            "mine": remark.author_id == user.pk,
            "by": _called(case, remark.author, letters, deciding, user),
            "text": remark.text,
            "guideline_version": remark.guideline_version.number,
            "at": remark.at,
        }
        for remark in remarks
    ]


def visit(*, case: Case, membership: Membership) -> None:
    """This person has read the discussion up to now; one query where nothing new was said since they last did."""
    if unread(membership).filter(pk=case.pk).exists():
        Visit.objects.update_or_create(person=membership.user, case=case, defaults={"at": timezone.now()})


def unread(*memberships: Membership) -> QuerySet[Case]:
    """Open cases whose discussion has something new for this person: what others said, and for its people that it opened."""
    person = memberships[0].user
    decides = [row.project_id for row in memberships if row.can_adjudicate]
    labels = [row.project_id for row in memberships if not row.can_adjudicate]
    visits = Visit.objects.filter(person=person)
    read = visits.filter(case=OuterRef("case"), at__gte=OuterRef("at"))
    said = CaseRemark.objects.filter(case=OuterRef("pk")).exclude(author=person)
    new = Exists(said.exclude(Exists(read)))
    opened = ~Exists(visits.filter(case=OuterRef("pk"), at__gte=OuterRef("discussed_at")))
    theirs = Case.objects.visible_to(person).filter(new, project__in=decides).values("pk")
    mine = _about(person.pk, labels).filter(new | opened).values("pk")
    return Case.objects.open().exclude(why=Case.Why.SECOND).filter(Q(pk__in=theirs) | Q(pk__in=mine))


def letters_of(case: Case) -> dict[int, str]:
    """person -> the letter of their answer."""
    return {answer["annotator"].pk: letter(place) for place, answer in enumerate(adjudicating.answers(case))}


def _called(case: Case, author: User, letters: dict[int, str], deciding: set[int], user: Any) -> str:
    if author.pk == user.pk or case.project.discussion_names:
        return str(author)
    return letters.get(author.pk) or (
        _("adjudicator") if author.pk in deciding else _("somebody whose answer counts no more")
    )

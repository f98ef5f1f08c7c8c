"""Questions about an item to those who keep the guideline: ask, answer, see the answer."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Prefetch, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import settling
from annotation.models import Assignment, Case, Gold, Membership, Project, Remark, Thread, ThreadQuerySet
from annotation.text.normal import clean

LONGEST = 5000


@transaction.atomic
def ask(*, membership: Membership, assignment: int, text: str, client_id: uuid.UUID | None = None) -> Thread:
    """A question about an item that this person holds or has answered; one thread per person and item.

    Raises ValueError where nothing is asked or the item is not theirs. A repeat of the client id changes nothing.
    """
    words = _words(text)
    slots = Assignment.every.filter(project=membership.project_id, annotator=membership.user_id, again__gte=0)
    slot = slots.filter(pk=assignment).first()
    if slot is None:
        raise ValueError(_("This item is not in your hands: you can ask about what you label."))
    thread, _new = Thread.objects.get_or_create(
        item_id=slot.item_id, asker_id=membership.user_id, defaults={"project_id": membership.project_id}
    )
    return _say(membership, thread, words, client_id)


@transaction.atomic
def reply(*, membership: Membership, thread: Thread, text: str, client_id: uuid.UUID | None = None) -> Thread:
    """What an adjudicator or manager answers, or the asker asks on. Others read at most: PermissionDenied."""
    words = _words(text)
    mine = thread.asker_id == membership.user_id
    if not mine and not membership.can_adjudicate:
        raise PermissionDenied(_("Only who asked and those who adjudicate write here."))
    return _say(membership, thread, words, client_id)


def _say(membership: Membership, thread: Thread, words: str, client_id: uuid.UUID | None) -> Thread:
    thread = Thread.objects.select_for_update(no_key=True).get(pk=thread.pk)
    version = settling.version_of(membership.project)
    _remark, new = Remark.objects.get_or_create(
        client_id=client_id or uuid.uuid4(),
        defaults={"thread": thread, "author": membership.user, "guideline_version": version, "text": words},
    )
    if new:
        thread.answered_at = None if thread.asker_id == membership.user_id else timezone.now()
        thread.seen_at = None
        thread.save(update_fields=["answered_at", "seen_at"])
    return thread


def _words(text: Any) -> str:
    words = clean(text).text.strip() if isinstance(text, str) else ""
    if not words:
        raise ValueError(_("Write down what you want to say."))
    if len(words) > LONGEST:
        raise ValueError(_("A question or an answer has at most %(most)d characters.") % {"most": LONGEST})
    return words


def see(*, membership: Membership, threads: Iterable[int]) -> int:
    """The asker has seen the answers in these threads; how many of them were new."""
    rows = Thread.objects.filter(project=membership.project_id, pk__in=list(threads)).unseen(membership.user)
    return rows.update(seen_at=timezone.now())


def threads(*, project: Project, user: Any) -> ThreadQuerySet:
    """The threads that this person may read, those that wait first, then the newest.

    settled: names may be told; assignment: the reader's own of the item.
    """
    here = OuterRef("item")
    settled = Exists(Gold.objects.current().filter(item=here)) & ~Exists(Case.objects.open().filter(item=here))
    remarks = Remark.objects.select_related("author", "guideline_version")
    rows = Thread.objects.filter(project=project).visible_to(user)
    rows = rows.annotate(settled=settled, assignment=Assignment.every.number_of(user))
    return rows.select_related("asker").prefetch_related(Prefetch("remarks", remarks))


def told(thread: Any, user: Any) -> list[dict[str, Any]]:
    """What was said in a thread: by whom (None while the asker's name is hidden), in which words, when.

    Who asked is not told before the item is settled, because an adjudicator decides without names.
    """
    return [
        {
            "mine": remark.author_id == user.pk,
            "asked": remark.author_id == thread.asker_id,
            "by": str(remark.author)
            if thread.settled or remark.author_id != thread.asker_id or thread.asker_id == user.pk
            else None,
            "text": remark.text,
            "guideline_version": remark.guideline_version.number,
            "at": remark.at,
        }
        for remark in thread.remarks.all()
    ]


def asked(membership: Membership) -> dict[str, int]:
    """How many of one's own questions wait for an answer, and how many answers one has not seen yet; one query."""
    rows = Thread.objects.filter(project=membership.project_id, asker=membership.user_id)
    unseen = Q(answered_at__isnull=False, seen_at=None)
    return rows.aggregate(waiting=Count("pk", filter=Q(answered_at=None)), unseen=Count("pk", filter=unseen))

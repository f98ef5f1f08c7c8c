"""A case goes back to its people with a question: they may revise their answers, and it waits until they have or are overdue."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import adjudicating, closing, recording, settling
from annotation.alignment import letter
from annotation.models import Annotation, Assignment, Batch, Case, Membership, User
from annotation.text.normal import clean

LONGEST = 2000
DAYS, MOST_DAYS = 3, 90


@transaction.atomic
def send_back(*, case: Case, question: str, by: User | None, letters: Collection[str] = (), days: int = DAYS) -> Batch:
    """Ask the people of an open case again: all, or those whose answers have these letters.

    Each finds the item on their labelling page with their own answer and the question, and nothing of the others. What
    they then say is not independent. Raises ValueError where nothing is asked, a letter is unknown, the case waits
    already or is closed, or nobody can be asked.
    """
    words = clean(question).text.strip()
    if not words:
        raise ValueError(_("Write down what you ask them."))
    if len(words) > LONGEST:
        raise ValueError(_("A question has at most %(most)d characters.") % {"most": LONGEST})
    if not 1 <= days <= MOST_DAYS:
        raise ValueError(_("They get between 1 and %(most)d days.") % {"most": MOST_DAYS})
    settling.hold([case.item_id])
    case = Case.objects.select_related("project", "item").get(pk=case.pk)
    if case.closed_at is not None:
        raise ValueError(_("This case has been settled already, perhaps in another window. Nothing was changed."))
    if case.why == Case.Why.SECOND:
        raise ValueError(_("A second decision is made on what is there; it is not sent back."))
    if waiting(case):
        raise ValueError(_("This case was sent back already. Choose “Ask no more” first to ask again."))
    others = Case.objects.open().filter(item=case.item_id, sent_back__isnull=False).exclude(pk=case.pk)
    if at_it := next((other for other in others if waiting(other)), None):
        sentence = _(
            "They are thinking about this item already, because of the question “%(question)s”: wait for that, or choose “Ask no more” there."
        )
        raise ValueError(sentence % {"question": at_it.question})
    slots = _slots(case, _people(case, letters))
    batch = Batch.objects.create(
        project=case.project,
        about={"item": case.item_id},
        purpose=Batch.Purpose.AGAIN,
        note=words,
        due_at=timezone.now() + timedelta(days=days),
        created_by=by,
    )
    freed: dict[str, Any] = {"token": None, "lease_until": None, "held_before": None}
    count = slots.update(state=Assignment.State.ASSIGNED, batch=batch, **freed)
    if not count:
        raise ValueError(
            _("None of them can be asked: their answers came in with a file, or they do not label here any more.")
        )
    Case.objects.filter(pk=case.pk).update(sent_back=batch, held_by=None, held_until=None)
    recording.record(
        project=case.project, kind="sent_back", by=by, item=case.item_id, question=case.question, count=count
    )
    return batch


def _people(case: Case, letters: Collection[str]) -> list[int]:
    """The people behind the letters, or all; raises ValueError for a letter that no answer has."""
    answers = adjudicating.answers(case)
    named = {letter(place): answer["annotator"].pk for place, answer in enumerate(answers)}
    if strange := sorted(set(letters) - set(named)):
        raise ValueError(
            _("There is no answer “%(letter)s”; there are: %(all)s.")
            % {"letter": strange[0][:20], "all": ", ".join(named)}
        )
    return [pk for name, pk in named.items() if not letters or name in letters]


def _slots(case: Case, people: Collection[int]) -> QuerySet[Assignment]:
    """What these people have answered or skipped of the item, as far as they still label here."""
    labels = Membership.objects.filter(project=case.project_id, user=OuterRef("annotator"))
    able = labels.filter(role=Membership.Role.ANNOTATOR) | labels.filter(labels=True)
    rows = Assignment.objects.filter(item=case.item_id, annotator__in=people, state__in=Assignment.ANSWERED)
    return rows.filter(Exists(able), annotator__is_active=True, annotator__imported_for=None)


def waiting(case: Case) -> bool:
    """Whether somebody to whom the case was sent back may still answer, in time or late."""
    return case.sent_back_id is not None and _open(case).exists()


def _open(case: Case) -> QuerySet[Assignment]:
    return Assignment.objects.filter(item=case.item_id, batch=case.sent_back_id, state__in=Assignment.WAITING)


@transaction.atomic
def take_back(*, case: Case) -> int:
    """Ask nobody any more: answers that were not revised stand as they were; returns how many those are."""
    if case.sent_back_id is None:
        return 0
    settling.hold([case.item_id])
    return closing.stop_asking(Case.objects.filter(pk=case.pk))


def standing(case: Case) -> dict[str, Any] | None:
    """How far a case that was sent back has come: question, due_at, overdue, asked, answered; None of others."""
    batch = case.sent_back
    if batch is None:
        return None
    slots = Assignment.objects.filter(item=case.item_id, batch=batch)
    asked, left = slots.count(), slots.filter(state__in=Assignment.WAITING).count()
    return {
        "question": batch.note,
        "at": batch.created_at,
        "due_at": batch.due_at,
        "overdue": batch.due_at is not None and batch.due_at <= timezone.now(),
        "asked": asked,
        "answered": asked - left,
        "waiting": left > 0 and batch.closed_at is None,
    }


def questions(slots: Collection[Assignment]) -> dict[int, str]:
    """slot -> what its person is asked, of slots that were sent back; one query, none without a batch."""
    batches = {slot.batch_id for slot in slots if slot.batch_id}
    if not batches:
        return {}
    notes = dict(Batch.objects.filter(pk__in=batches, cases__isnull=False).values_list("pk", "note"))
    return {slot.pk: notes[slot.batch_id] for slot in slots if slot.batch_id in notes}


def is_of_a_case(batch: int | None) -> bool:
    """Whether an answer in this batch is a revision of one that was sent back."""
    return batch is not None and Case.objects.filter(sent_back=batch).exists()


def first_answers(case: Case) -> dict[int, Any]:
    """annotator -> what they said before the case was sent back, of those who have said something else since."""
    if case.sent_back is None:
        return {}
    rows = Annotation.objects.current().filter(item=case.item_id, updated_at__gt=case.sent_back.created_at)
    found = {}
    for row in rows.prefetch_related("revisions"):
        before = [old for old in row.revisions.all() if old.at <= case.sent_back.created_at]
        if before:
            found[row.annotator_id] = before[-1].answer.get(case.question)
    return found

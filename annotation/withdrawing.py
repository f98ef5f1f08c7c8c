"""A person's answers are asked again: they become history, and their places are open to others, or to the same person."""

from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import closing, recording, settling
from annotation.models import Annotation, Assignment, Batch, Case, Gold, Item, Membership, Project, User

MOST = 20_000


def given(*, project: Project, person: Any, status: str = "") -> QuerySet[Annotation]:
    """What a person has said that counts: answers, skips and what they could not decide, or one of these.

    Not of items that the guideline shows as examples: everybody knows their answer.
    """
    known = Item.objects.not_asked().filter(project=project)
    answers: QuerySet[Annotation] = (
        Annotation.objects.current()
        .filter(project=project, annotator=person, item__role=Item.Role.WORK)
        .exclude(item__in=known.values("pk"))
    )
    rows = answers.exclude(status=Annotation.Status.DRAFT)
    return rows.filter(status=status) if status else rows


def preview(*, answers: QuerySet[Annotation]) -> dict[str, int]:
    """What asking these again would do: answers that become history, gold that falls, cases that close; three queries."""
    items = answers.values("item")
    return {
        "answers": answers.count(),
        "gold": Gold.objects.current().filter(item__in=items, method__in=Gold.BY_ANSWERS).count(),
        "cases": Case.objects.open().filter(item__in=items).count(),
    }


@transaction.atomic
def ask_again(
    *, project: Project, answers: QuerySet[Annotation], by: User | None = None, same: bool = False
) -> dict[str, int]:
    """Make answers of one person history and ask for others in their place; counts as `preview` does.

    Others are asked, never the same person; with `same` that person is, who gets the items as a batch. Gold that rests
    on such an answer by itself is replaced once the new ones are in; what a person decided or a file brought stands.
    Raises ValueError where there are none, or too many at once.
    """
    people = set(answers.order_by().values_list("annotator", flat=True).distinct()[:2])
    if len(people) != 1:
        raise ValueError(_("There is no answer to be asked again.") if not people else _("One person at a time."))
    [person] = people
    member = Membership.objects.select_for_update(no_key=True).filter(project=project, user=person).first()
    if same and (member is None or not member.can_label):
        raise ValueError(_("This person does not label here any more: ask others."))
    rows = list(answers.order_by("item").values_list("pk", "item")[: MOST + 1])
    if len(rows) > MOST:
        raise ValueError(_("At most %(most)d answers at once.") % {"most": MOST})
    batch = None
    if same:
        about = {"day": timezone.localdate().isoformat()}
        batch = Batch.objects.create(project=project, about=about, purpose=Batch.Purpose.AGAIN, created_by=by)
    counts: dict[str, Any] = {"answers": 0, "gold": 0, "cases": 0}
    for chunk in settling.batches(rows, 500):
        for name, count in _chunk(project, person, chunk, batch).items():
            counts[name] += count
    recording.record(project=project, kind="asked_again", by=by, about=person, same=same, **counts)
    return counts


def _chunk(project: Project, person: int, rows: list[tuple[int, int]], batch: Batch | None) -> dict[str, int]:
    items = [item for _pk, item in rows]
    now = timezone.now()
    settling.hold(items)
    # Whoever was to think about an answer again is asked for another in its place.
    closing.stop_asking(Case.objects.open().filter(item__in=items))
    current = Annotation.objects.current().filter(pk__in=[pk for pk, _item in rows])
    counts = {"answers": current.update(superseded_at=now)}
    slots = Assignment.objects.filter(item__in=items, annotator=person, state__in=Assignment.ANSWERED)
    if batch is None:
        _reopen(person, list(slots))
    else:
        slots.update(state=Assignment.State.ASSIGNED, batch=batch, token=None, lease_until=None)
    # What came back is compared with an answer that is history now.
    second = Assignment.every.filter(item__in=items, annotator=person, again=Assignment.RETURNED)
    second.filter(state__in=Assignment.GIVEN).delete()
    # Only items that wait for somebody now: where the overlap has no place, nothing changes but the answer.
    waits = Exists(Assignment.objects.filter(item=OuterRef("item"), state__in=Assignment.WAITING))
    gold = Gold.objects.current().filter(waits, item__in=items, method__in=Gold.BY_ANSWERS)
    counts["gold"] = gold.update(superseded_at=now)
    # A second decision, and what two adjudicators differ in, is not about the answers but about gold that stands.
    cases = Case.objects.open().filter(waits, item__in=items, first=None)
    counts["cases"] = closing.close(cases)
    return counts


def _reopen(person: int, slots: list[Assignment]) -> None:
    """An open slot for each of these, which stay beside it, so that the person is not asked once more."""
    items = [slot.item_id for slot in slots]
    Assignment.every.filter(item__in=items, annotator=person, again=Assignment.WITHDRAWN).delete()
    Assignment.objects.filter(pk__in=[slot.pk for slot in slots]).update(again=Assignment.WITHDRAWN, batch=None)
    Assignment.objects.bulk_create([row.afresh() for row in slots], batch_size=1000)

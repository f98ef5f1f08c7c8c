"""Work is pushed: items are assigned to certain people as a batch, handed on, given back to everybody, closed."""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import closing, pooling, recording, settling
from annotation.models import (
    Annotation,
    Assignment,
    Batch,
    GuidelineVersion,
    Item,
    Membership,
    Project,
    User,
)
from annotation.text.normal import check_name

# More at once would hold the one writer of SQLite for too long.
MOST = 20_000
CHUNK = 500


@dataclass
class Outcome:
    """What came of it: places assigned by person, and why some were not to be had."""

    batch: Batch
    given: Counter[int] = field(default_factory=Counter)
    # The person is on the item already.
    there: int = 0
    # No open slot of the item was left.
    full: int = 0
    # Not the person's language or kind of text.
    unable: int = 0

    @property
    def places(self) -> int:
        """How many answers are assigned in all."""
        return self.given.total()


def named(*, project: Project, ids: Iterable[str]) -> list[int]:
    """The items of documents with these ids; raises ValueError that names those which are not in the project."""
    wanted = list(dict.fromkeys(text for text in (str(entry).strip() for entry in ids) if text))
    _refuse_too_many(len(wanted))
    found: dict[str, list[int]] = {}
    for chunk in settling.batches(wanted, CHUNK):
        rows = Item.objects.filter(project=project, document__external_id__in=chunk)
        for name, item in rows.order_by("pk").values_list("document__external_id", "pk"):
            found.setdefault(name, []).append(item)
    if strange := [name for name in wanted if name not in found]:
        sentence = _("Not in this project: %(ids)s. Use the ids that the items came in with, one a line.")
        listed = ", ".join(name[:60] for name in strange[:5]) + (" …" if len(strange) > 5 else "")
        raise ValueError(sentence % {"ids": listed})
    return [item for name in wanted for item in found[name]]


def drawn(*, items: QuerySet[Item], count: int | None = None) -> list[int]:
    """`count` of these items that wait for somebody, at random; None: all of the items, in their order."""
    if count is None:
        found = list(items.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
        _refuse_too_many(len(found))
        return found
    if not 1 <= count <= MOST:
        raise ValueError(_("Between 1 and %(most)d items can be drawn at once.") % {"most": MOST})
    slots = Assignment.objects.filter(item=OuterRef("pk"), state=Assignment.State.OPEN)
    open_ = list(items.filter(Exists(slots)).order_by("pk").values_list("pk", flat=True))
    return random.SystemRandom().sample(open_, min(count, len(open_)))


def _refuse_too_many(count: int) -> None:
    if count > MOST:
        sentence = _("More than %(most)d items at once: narrow the filter, or assign them in several batches.")
        raise ValueError(sentence % {"most": MOST})


def labellers(*, project: Project, names: Sequence[str]) -> list[Membership]:
    """The members with these user names who label; raises ValueError that names who does not."""
    rows = project.memberships.select_related("user").filter(user__username__in=names)
    found = {row.user.username: row for row in rows if row.can_label}
    if strange := [name for name in names if name not in found]:
        raise ValueError(_("Nobody who labels here is called %(names)s.") % {"names": ", ".join(strange)})
    return [found[name] for name in dict.fromkeys(names)]


@transaction.atomic
def assign(
    *,
    project: Project,
    items: Sequence[int],
    people: Sequence[Membership],
    name: str = "",
    note: str = "",
    due_at: datetime | None = None,
    by: User | None = None,
    about: Mapping[str, Any] | None = None,
    divided: bool = False,
    extra: bool = False,
    purpose: str = Batch.Purpose.WORK,
) -> Outcome:
    """Assign items to people as one batch: each item for each of them, or `divided` evenly, one person an item.

    Open slots are taken; where an item has none left, one more is made only with `extra`. Nobody gets an item twice,
    nor one in a language or of a kind that they do not label. Raises ValueError where nothing could be assigned.
    """
    _refuse_too_many(len(items))
    people = _hold(project, people)
    batch = _new(project, name, note, due_at, by, purpose, about or {})
    outcome = Outcome(batch)
    for chunk in settling.batches(dict.fromkeys(items), CHUNK):
        _share_out(outcome, chunk, people, divided=divided, extra=extra)
    if not outcome.places:
        raise ValueError(_nothing(outcome))
    recording.record(
        project=project, kind="batch_made", by=by, people=len(people), count=outcome.places, **_called(batch)
    )
    return outcome


def _hold(project: Project, people: Sequence[Membership]) -> list[Membership]:
    """These memberships, locked so that the people claim nothing meanwhile; raises ValueError for who may not label."""
    if not people:
        raise ValueError(_("Choose at least one person."))
    wanted = [person.pk for person in people]
    rows = Membership.objects.select_for_update(no_key=True).filter(pk__in=wanted, project=project)
    locked = {row.pk: row for row in rows.order_by("pk")}
    for person in people:
        if person.pk not in locked or not locked[person.pk].can_label:
            raise ValueError(_("%(who)s does not label in this project.") % {"who": person.user})
    return [locked[pk] for pk in dict.fromkeys(wanted)]


def _called(batch: Batch) -> dict[str, Any]:
    """How the history names a batch."""
    return {"name": batch.name} if batch.name else dict(batch.about)


def _new(
    project: Project,
    name: str,
    note: str,
    due_at: datetime | None,
    by: User | None,
    purpose: str,
    about: Mapping[str, Any],
) -> Batch:
    name, note = name.strip(), note.strip()
    if not (name or about) or len(name) > 120:
        raise ValueError(_("A batch needs a name of at most 120 characters."))
    check_name(name)
    if len(note) > 2000:
        raise ValueError(_("A note has at most %(most)d characters.") % {"most": 2000})
    if due_at is not None and due_at <= timezone.now():
        raise ValueError(_("The due date lies in the past."))
    return Batch.objects.create(
        project=project, name=name, about=about, note=note, due_at=due_at, created_by=by, purpose=purpose
    )


def _nothing(outcome: Outcome) -> str:
    """Why not a single place could be assigned."""
    reasons = {
        _("these people are on the items already: %(count)d"): outcome.there,
        _("no answer is asked for any more: %(count)d (extra answers would make room)"): outcome.full,
        _("not a language or kind of text of theirs: %(count)d"): outcome.unable,
    }
    told = "; ".join(sentence % {"count": count} for sentence, count in reasons.items() if count)
    return _("Nothing could be assigned. %(why)s") % {"why": told or _("No item fits.")}


def _share_out(
    outcome: Outcome, items: Sequence[int], people: Sequence[Membership], *, divided: bool, extra: bool
) -> None:
    """The places of some items: a statement for each person, one for the new slots."""
    project = outcome.batch.project
    settling.hold(items)
    sorts = pooling.sorts(project, items) if any(person.is_restricted for person in people) else {}
    rows: list[Any] = list(
        Assignment.every.filter(item__in=items).values("item", "slot", "annotator", "again", "priority", "pool")
    )
    here: dict[int, list[dict[str, Any]]] = {item: [] for item in items}
    for row in rows:
        here[row["item"]].append(row)
    taken: dict[int, list[int]] = {}
    made: list[Assignment] = []
    free = _free(items)
    # Rows of another project have no slot here, and get none; nor do control and training items, and examples.
    askable = Item.objects.filter(project=project, pk__in=items, role=Item.Role.WORK)
    askable = askable.exclude(pk__in=Item.objects.not_asked().filter(pk__in=items).values("pk"))
    known = set(askable.values_list("pk", flat=True))
    for item in (item for item in items if item in known):
        on_it = {row["annotator"] for row in here[item]}
        able = [person for person in people if pooling.takes(person, sorts.get(item))]
        fit = [person for person in able if person.user_id not in on_it]
        fit.sort(key=lambda person: outcome.given[person.user_id])
        if not divided or not fit:
            outcome.unable += len(people) - len(able)
            outcome.there += len(able) - len(fit)
        for person in fit[: 1 if divided else None]:
            if free.get(item):
                taken.setdefault(person.user_id, []).append(free[item].pop())
            elif extra:
                made.append(_one_more(outcome.batch, item, here[item], person))
            else:
                outcome.full += 1
                continue
            outcome.given[person.user_id] += 1
    for user, slots in taken.items():
        Assignment.objects.filter(pk__in=slots).update(
            annotator=user, state=Assignment.State.ASSIGNED, batch=outcome.batch, token=None, lease_until=None
        )
    Assignment.objects.bulk_create(made, batch_size=1000)


def _free(items: Sequence[int]) -> dict[int, list[int]]:
    """item -> slots that nobody stands on, locked; what somebody is claiming at this moment is left to them."""
    waits = Q(state=Assignment.State.OPEN) | Q(
        state=Assignment.State.LEASED, batch=None, lease_until__lt=timezone.now()
    )
    rows = Assignment.objects.select_for_update(skip_locked=True, of=("self",)).filter(waits, item__in=items)
    found: dict[int, list[int]] = {}
    for item, slot in rows.order_by("-slot").values_list("item", "pk"):
        found.setdefault(item, []).append(slot)
    return found


def _one_more(batch: Batch, item: int, here: list[dict[str, Any]], person: Membership) -> Assignment:
    """A slot beyond what is asked for; it is noted in `here`."""
    row = {
        "slot": 1 + max((row["slot"] for row in here), default=-1),
        "priority": min((row["priority"] for row in here), default=0),
        "pool": next((row["pool"] for row in here if row["pool"]), None),
        "annotator": person.user_id,
    }
    here.append(row)
    return Assignment(
        project_id=batch.project_id,
        item_id=item,
        slot=row["slot"],
        priority=row["priority"],
        pool_id=row["pool"],
        annotator_id=person.user_id,
        state=Assignment.State.ASSIGNED,
        batch=batch,
        extra=True,
    )


def rest(*, project: Project, batch: Batch | None = None, person: Any = None) -> QuerySet[Assignment]:
    """What still waits for an answer of the person it was given to: of a batch, of a person, or of both.

    Control items that are ready for somebody are not among it: they go to nobody else.
    """
    rows = Assignment.objects.filter(item__role=Item.Role.WORK, project=project, state__in=Assignment.GIVEN)
    rows = rows.filter(batch=batch) if batch is not None else rows
    return rows.filter(annotator=person) if person is not None else rows


@transaction.atomic
def reassign(
    *, project: Project, slots: QuerySet[Assignment], to: Membership, by: User | None = None
) -> tuple[int, int]:
    """Hand slots on to somebody else, those in hand too; returns (handed on, left: items that are not for this person).

    `slots` may be open, assigned or leased. Nobody can think again about another's answer: those stay. What is in no
    batch comes into one of its own.
    """
    [to] = _hold(project, [to])
    stands = Annotation.objects.current().exclude(status=Annotation.Status.DRAFT)
    stands = stands.filter(item=OuterRef("item"), annotator=OuterRef("annotator"))
    waiting = slots.filter(item__role=Item.Role.WORK, project=project, state__in=Assignment.WAITING).exclude(
        annotator=to.user_id
    )
    rows = list(
        waiting.select_for_update(skip_locked=True, of=("self",)).order_by("pk").values_list("pk", "item", "batch", Exists(stands))[: MOST + 1]
    )  # fmt: skip
    _refuse_too_many(len(rows))
    own: Batch | None = None
    moved = 0
    for chunk in settling.batches(rows, CHUNK):
        items = [item for _pk, item, _batch, _said in chunk]
        on_it = set(Assignment.every.filter(item__in=items, annotator=to.user_id).values_list("item", flat=True))
        sorts = pooling.sorts(project, items) if to.is_restricted else {}
        fit: dict[int, tuple[int, int | None]] = {}
        for pk, item, batch, said in chunk:
            if not said and item not in on_it and pooling.takes(to, sorts.get(item)):
                on_it.add(item)
                fit[pk] = item, batch
        loose = [pk for pk, (_item, batch) in fit.items() if batch is None]
        if loose and own is None:
            day = timezone.localdate().isoformat()
            own = _new(project, "", "", None, by, Batch.Purpose.WORK, {"handed": day})
        handed: dict[str, Any] = {"state": Assignment.State.ASSIGNED, "token": None, "lease_until": None}
        handed |= {"annotator": to.user_id, "held_before": F("annotator")}
        still = Assignment.objects.filter(pk__in=fit, state__in=Assignment.WAITING)
        moved += still.filter(batch__isnull=False).update(**handed)
        moved += still.filter(batch=None).update(batch=own, **handed) if loose else 0
    if moved:
        recording.record(project=project, kind="reassigned", by=by, about=to.user, count=moved)
    return moved, len(rows) - moved


@transaction.atomic
def give_back(*, project: Project, slots: QuerySet[Assignment], by: User | None = None, about: Any = None) -> int:
    """Give slots back to everybody, those in hand too; what was made beyond the overlap is gone. Returns how many.

    Whoever was asked to think again about an answer is asked no more, and it stands.
    """
    waiting = slots.filter(item__role=Item.Role.WORK, project=project, state__in=Assignment.GIVEN)
    back = closing.put_back(waiting)
    rows = list(waiting.select_for_update(of=("self",)).order_by("pk").values_list("pk", "item", "extra"))
    spare: set[int] = set()
    for chunk in settling.batches(rows, CHUNK):
        beyond = [pk for pk, _item, extra in chunk if extra]
        Assignment.objects.filter(pk__in=beyond).delete()
        spare.update(item for _pk, item, extra in chunk if extra)
        Assignment.objects.filter(pk__in=[pk for pk, _item, extra in chunk if not extra]).update(
            state=Assignment.State.OPEN, annotator=None, batch=None, token=None, lease_until=None,
            held_before=F("annotator"),
        )  # fmt: skip
    # An item that waited for nothing but what is gone has all its answers now.
    # Read anew, because a version may have been published since.
    version = GuidelineVersion.objects.filter(project=project).first() if spare else None
    if version is not None:
        for items in settling.batches(sorted(spare), CHUNK):
            settling.hold(items)
            settling.settle(project=project, version=version, items=items)
    if count := back + len(rows):
        recording.record(project=project, kind="released", by=by, about=about, count=count)
    return count


@transaction.atomic
def close(*, batch: Batch, by: User | None = None) -> int:
    """End a batch: what waits goes back to everybody; what was answered keeps the batch. Returns how many went back."""
    if not Batch.objects.filter(pk=batch.pk, closed_at=None).update(closed_at=timezone.now()):
        return 0
    recording.record(project=batch.project, kind="batch_closed", by=by, **_called(batch))
    return give_back(project=batch.project, slots=rest(project=batch.project, batch=batch), by=by)


def change(*, batch: Batch, name: str, note: str, due_at: datetime | None) -> None:
    """Another name, note or due date; raises ValueError."""
    name = name.strip()
    if not name or len(name) > 120:
        raise ValueError(_("A batch needs a name of at most 120 characters."))
    if len(note) > 2000:
        raise ValueError(_("A note has at most %(most)d characters.") % {"most": 2000})
    check_name(name)
    # A name that the site gave stays one that each reader reads in their language.
    name = batch.name if name == batch.title else name
    Batch.objects.filter(pk=batch.pk).update(name=name, note=note.strip(), due_at=due_at)

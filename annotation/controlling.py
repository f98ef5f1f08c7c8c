"""Control items: which items measure people, how they come among the others, and how right people are on them."""

import hashlib
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import competence, pooling, recording, settling, swapping
from annotation.models import (
    Annotation,
    Assignment,
    Case,
    Document,
    Gold,
    Item,
    Membership,
    Project,
    TrainingAnswer,
    User,
    random_key,
)

# So many control items are made ready for a person at a time, and again when so few are left.
READY, LOW = 20, 6
HELD_OUT = ("dev", "test")
MOST = 20_000
# More are not counted where it is told how many items could become control items.
COUNTED = 1000


# -- Which items ----------------------------------------------------------------------------------------------------


def refusals(project: Project) -> dict[str, QuerySet[Item]]:
    """Items of the project that cannot measure people, by the reason; an item may be under several.

    held_out: it, or an item of the same text, came for dev or test, or stands there in a frozen version: whoever labels
    it would be measured on what systems are tested by, and who is told its gold would know a test.
    """
    items = Item.objects.filter(project=project)
    gold = Gold.objects.current().filter(item=OuterRef("pk"))
    cases = Case.objects.open().filter(item=OuterRef("pk"))
    twins = Document.objects.filter(project=project, text_key=OuterRef("document__text_key"))
    tested = twins.filter(Q(given_split__in=HELD_OUT) | Q(items__held_out=True))
    return {
        "held_out": items.filter(Exists(tested)),
        "without_gold": items.filter(~Exists(gold)),
        "contested": items.filter(Exists(cases)),
        "left_out": items.filter(left_out__isnull=False),
        "example": items.filter(pk__in=Item.objects.shown_as_examples().filter(project=project).values("pk")),
    }


def sentence(reason: str) -> str:
    """Why an item cannot measure people."""
    return {
        "held_out": _("it, or an item with the same text, belongs to dev or test"),
        "without_gold": _("it has no gold yet"),
        "contested": _("it waits for a decision"),
        "left_out": _("it is left out as a duplicate"),
        "example": _("the guideline shows it as an example"),
        "other_role": _("it has another role already"),
        "told": _("somebody was told its gold while training, so that it can measure nobody and test nothing any more"),
    }[reason]


def eligible(project: Project) -> QuerySet[Item]:
    """Items of work that can become control or training items."""
    rows = Item.objects.filter(project=project, role=Item.Role.WORK)
    for refused in refusals(project).values():
        rows = rows.exclude(pk__in=refused.values("pk"))
    return rows


def drawable(project: Project) -> int:
    """How many items could become control or training items, counted up to COUNTED."""
    return len(eligible(project).values_list("pk", flat=True)[:COUNTED])


def up_to(count: int) -> str:
    """The count of `drawable` as it is shown."""
    return f"{count}+" if count >= COUNTED else str(count)


@transaction.atomic
def mark(*, project: Project, items: QuerySet[Item], role: str, user: User | None = None) -> dict[str, int]:
    """Make these items control or training items, or items of work again; how many, and how many could not be and why.

    What was open of them is asked of nobody any more; answers that were given stay. A training item whose gold somebody
    was told stays one. Raises ValueError with a sentence where none of them can be.
    """
    if role not in Item.Role.values:
        raise ValueError(_("A role is one of %(roles)s.") % {"roles": ", ".join(Item.Role.values)})
    asked = list(items.filter(project=project).order_by("pk").values_list("pk", flat=True)[: MOST + 1])
    if not asked:
        raise ValueError(_("There is no such item in this project."))
    if len(asked) > MOST:
        raise ValueError(_("At most %(most)d items at a time. Filter for fewer.") % {"most": MOST})
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    counts = Counter(marked=0)
    for batch in settling.batches(asked, 2000):
        settling.hold(batch)
        counts += _mark(project, batch, role)
    found = {"marked": 0, **counts}
    if not found["marked"]:
        reason = next(iter(counts), "other_role")
        raise ValueError(_("No item was changed: %(why)s.") % {"why": sentence(reason)})
    recount(project)
    recording.record(project=project, kind="control_changed", by=user, role=role, count=found["marked"])
    return found


def recount(project: Project) -> None:
    """Say that there are control items (or none any more), and that figures from before are old."""
    has_any = Item.objects.filter(project=project, role=Item.Role.CONTROL).exists()
    project.controlled, project.recounted_at = has_any, timezone.now()
    project.save(update_fields=["controlled", "recounted_at"])


def _mark(project: Project, asked: Sequence[int], role: str) -> Counter[str]:
    rows = Item.objects.filter(pk__in=asked)
    refused = refusals(project) if role != Item.Role.WORK else {"told": told()}
    if role == Item.Role.WORK:
        fit = rows.exclude(role=Item.Role.WORK).exclude(pk__in=told().values("pk"))
    else:
        fit = rows.filter(pk__in=eligible(project).filter(pk__in=asked).values("pk"))
    chosen = list(fit.values_list("pk", flat=True))
    left = set(asked) - set(chosen)
    counts = Counter(marked=len(chosen))
    for reason, found in refused.items():
        here = set(found.filter(pk__in=left).values_list("pk", flat=True))
        counts[reason] += len(here)
        left -= here
    counts["other_role"] += len(left)
    Item.objects.filter(pk__in=chosen).update(role=role, role_since=timezone.now())
    unanswered = Assignment.objects.filter(item__in=chosen)
    unanswered.filter(state__in=[Assignment.State.OPEN, Assignment.State.ASSIGNED]).delete()
    return +counts


def told() -> QuerySet[Item]:
    """Training items whose gold somebody has been told."""
    return Item.objects.filter(Exists(TrainingAnswer.objects.filter(item=OuterRef("pk"))))


def release(*, project: Project, items: Iterable[int], user: User | None) -> None:
    """Items whose gold a new guideline does not take are work again; what waited of them is asked of nobody in its old role."""
    known = sorted(items)
    if not known:
        return
    for batch in settling.batches(known, 2000):
        _mark(project, batch, Item.Role.WORK)
    recount(project)
    recording.record(project=project, kind="control_changed", by=user, role=Item.Role.WORK, count=len(known))


def draw(*, project: Project, count: int, role: str = Item.Role.CONTROL, user: User | None = None) -> dict[str, int]:
    """Make so many settled items, drawn at random, control items; as `mark`."""
    if not 0 < count <= MOST:
        raise ValueError(_("Draw between 1 and %(most)d items.") % {"most": MOST})
    rows = eligible(project)
    drawn = list(rows.order_by("?").values_list("pk", flat=True)[:count])
    if not drawn:
        raise ValueError(
            _("No settled item can be drawn: items of dev and test are never taken, and the others need gold first.")
        )
    return mark(project=project, items=Item.objects.filter(pk__in=drawn), role=role, user=user)


# -- How they come --------------------------------------------------------------------------------------------------


def mixes(membership: Membership) -> bool:
    """Whether this person gets control items at all; whoever may read gold would know them."""
    project = membership.project
    return project.controlled and project.control_share > 0 and not membership.can_see_boards


def is_due(membership: Membership, after: tuple[int, int]) -> bool:
    """Whether a control item comes after the slot at this place, always the same for this person and place.

    Asks nothing of the database, so that the answer before a control item costs what every answer costs.
    """
    if not mixes(membership):
        return False
    digest = hashlib.sha256(f"control/{membership.pk}/{after[0]}/{after[1]}".encode()).digest()
    return int.from_bytes(digest[:4]) % 10_000 < 100 * membership.project.control_share


def prepare(membership: Membership) -> int:
    """Have some control items ready for this person, each of which they never had; how many were made.

    The caller holds the membership's row. Called where items are asked for, not where one is answered. A slot that
    is made ready takes over the number of an open one that nobody ever held, and that gets a new number: so neither
    number nor time of a control item differ from those of the others. Costs nothing where there are no control items.
    """
    if not mixes(membership):
        return 0
    held = Assignment.objects.filter(project=membership.project_id, annotator=membership.user_id)
    wait_again(held.filter(state=Assignment.State.LEASED, lease_until__lt=timezone.now()))
    ready = held.filter(state=Assignment.State.ASSIGNED, batch=None).count()
    if ready > LOW:
        return 0
    known = Annotation.objects.filter(item=OuterRef("pk"), annotator=membership.user_id)
    had = Assignment.objects.filter(item=OuterRef("pk"), annotator=membership.user_id)
    rows = Item.objects.filter(project=membership.project_id, role=Item.Role.CONTROL)
    # What has lost its gold measures nobody.
    rows = rows.filter(Exists(Gold.objects.current().filter(item=OuterRef("pk"))))
    fresh = list(rows.exclude(Exists(had)).exclude(Exists(known)).values_list("pk", flat=True))
    if membership.is_restricted:
        sorts = pooling.sorts(membership.project, fresh)
        fresh = [pk for pk in fresh if pooling.takes(membership, sorts.get(pk))]
    chosen = secrets.SystemRandom().sample(fresh, min(READY - ready, len(fresh)))
    places = _places(membership.project, len(chosen))
    if not places:
        return 0
    chosen = sorted(chosen[: len(places)])
    settling.hold(chosen)
    last = dict(Assignment.objects.filter(item__in=chosen).values_list("item").annotate(Max("slot")))
    mine = {"annotator_id": membership.user_id, "state": Assignment.State.ASSIGNED, "priority": 0}
    made = [{"item_id": pk, "slot": last.get(pk, -1) + 1, "key": random_key(), **mine} for pk in chosen]
    swapping.swap(places[: len(chosen)], made)
    return len(chosen)


def wait_again(leased: QuerySet[Assignment]) -> int:
    """Have control items that somebody held without an answer wait for the same person; how many those are.

    What has become a training item meanwhile is asked of nobody.
    """
    rows = leased.filter(batch=None)
    rows.filter(item__role=Item.Role.TRAINING).delete()
    return rows.filter(item__role=Item.Role.CONTROL).update(
        state=Assignment.State.ASSIGNED, token=None, lease_until=None, held_before=F("annotator")
    )


def drop(*, project: Project, annotator: int | None = None) -> int:
    """Forget the control items that one person, or anybody, has not answered yet; how many those are."""
    rows = Assignment.objects.filter(project=project, item__role=Item.Role.CONTROL, state__in=Assignment.WAITING)
    rows = rows.filter(annotator=annotator) if annotator is not None else rows
    return rows.delete()[0]


def _places(project: Project, count: int) -> list[Assignment]:
    """Open slots of items of work that nobody has or had, from a random place on, held until the commit."""
    rows = Assignment.objects.filter(
        project=project, state=Assignment.State.OPEN, batch=None, annotator=None, held_before=None
    )
    rows = rows.filter(item__role=Item.Role.WORK).select_for_update(of=("self",), skip_locked=True)
    behind = list(rows.filter(priority=0, key__gte=random_key()).order_by("priority", "key")[:count])
    if len(behind) < count:
        known = [row.pk for row in behind]
        behind += rows.exclude(pk__in=known).order_by("priority", "key")[: count - len(behind)]
    return behind


def left(project: Project) -> dict[int, int]:
    """user -> control items that this person has not answered yet, of everybody who gets them; three queries."""
    sort = ("document__language", "document__source_type")
    items = Item.objects.filter(project=project, role=Item.Role.CONTROL)
    items = items.filter(Exists(Gold.objects.current().filter(item=OuterRef("pk")))).order_by()
    counts = {tuple(of): n for *of, n in items.values_list(*sort).annotate(Count("pk"))}
    given = Annotation.objects.filter(project=project, item__in=items.values("pk")).order_by()
    known: dict[int, Counter[tuple[str, str]]] = defaultdict(Counter)
    columns = ("annotator_id", *(f"item__{name}" for name in sort))
    for person, language, source_type, count in given.values_list(*columns).annotate(Count("item", distinct=True)):
        known[person][language, source_type] = count
    people = project.memberships.filter(user__is_active=True).select_related("user")
    return {
        person.user_id: sum(
            count - known[person.user_id][of]
            for of, count in counts.items()
            if pooling.takes(person, (pooling.language_of(of[0]), of[1]))
        )
        for person in people
        if person.can_label and not person.can_see_boards
    }


def of_project(project: Project) -> dict[str, Any]:
    """How many control items there are, how many answers to them measure people, and how many items could become some.

    Three queries.
    """
    items = Item.objects.filter(project=project, role=Item.Role.CONTROL)
    return {"items": items.count(), "answers": competence.answers(project).count(), "eligible": drawable(project)}

"""Reads: how far a project is, who did what, what waits."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from statistics import median
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from annotation import competence, pooling
from annotation.models import Annotation, Assignment, Case, Gold, Item, Membership, Project, Revision, User


def overview(project: Project) -> dict[str, Any]:
    """Counts of items of work, of answers to them, of gold and cases; a fixed number of queries.

    Control and training items measure people: they are counted by themselves, and nothing here counts them otherwise.
    """
    slots, settled, there = wanted(project), gold(project), items(project)
    return {
        "items": there[Item.Role.WORK],
        "controls": there[Item.Role.CONTROL],
        "training": there[Item.Role.TRAINING],
        "left_out": there["left_out"],
        "pool": there["pool"],
        "slots": slots["all"],
        **{name: slots[name] for name in ("done", "skipped", "leased", "left", "percent")},
        "gold": settled["items"],
        "gold_by": methods(settled["by"]),
        **{f"cases_{name}": count for name, count in cases(project).items()},
        "per_gold": cost_of_gold(project)["answers"],
        **marked(project),
    }


def items(project: Project) -> dict[str, int]:
    """role -> how many items have it; in no other count: left_out as duplicates, and how many wait in the pool."""
    rows = Item.objects.filter(project=project).order_by().values_list("role", "in_pool")
    found = {**dict.fromkeys(Item.Role.values, 0), "left_out": 0, "pool": 0}
    for role, in_pool, n, out in rows.annotate(n=Count("pk"), out=Count("left_out")):
        found["pool" if in_pool else role] += n - out
        found["left_out"] += out
    return found


def wanted(project: Project) -> dict[str, int]:
    """Answers wanted of items of work: all, done, skipped (closed without an answer), leased (in hand now), left, percent."""
    slots = counted(Assignment.objects.filter(project=project)).aggregate(
        all=Count("pk"),
        done=Count("pk", filter=Q(state=Assignment.State.DONE)),
        skipped=Count("pk", filter=Q(state=Assignment.State.SKIPPED)),
        leased=Count("pk", filter=Q(state=Assignment.State.LEASED, lease_until__gte=timezone.now())),
    )
    closed = slots["done"] + slots["skipped"]
    percent = 100 * closed // slots["all"] if slots["all"] else 0
    return {**slots, "left": slots["all"] - closed, "percent": percent}


def counted(slots: QuerySet[Assignment]) -> QuerySet[Assignment]:
    """Slots of items of work whose answers count, or will: work set aside is asked anew beside its slot.

    Not those of items left out as duplicates: their answers stand, but nothing is wanted of them.
    """
    apart = Q(role__in=[Item.Role.CONTROL, Item.Role.TRAINING]) | Q(left_out__isnull=False)
    measuring = Item.objects.filter(apart, pk=OuterRef("item"))
    return slots.exclude(state=Assignment.State.ASIDE).exclude(Exists(measuring))


def standing(project: Project) -> QuerySet[Any]:
    """Answers, skips and undecided ones to items of work that stand; as the list of items finds them."""
    rows: QuerySet[Any] = Annotation.objects.current().filter(project=project, item__role=Item.Role.WORK)
    return rows.exclude(status=Annotation.Status.DRAFT)


def marked(project: Project) -> dict[str, int]:
    """Items of work that somebody has skipped, could not decide (undecided) or flagged: as many as such a list is long."""
    rows = standing(project)
    wanted = {
        "skips": rows.filter(status=Annotation.Status.SKIPPED),
        "undecided": rows.filter(status=Annotation.Status.UNDECIDED),
        "flagged": rows.filter(flagged=True),
    }
    return {name: found.aggregate(n=Count("item", distinct=True))["n"] for name, found in wanted.items()}


def gold(project: Project) -> dict[str, Any]:
    """Gold of items of work: by {question: {method: answers}}, and how many items have any; apart: other items that have."""
    rows = Gold.objects.current().filter(project=project).order_by()
    work = Q(item__role=Item.Role.WORK)
    by: dict[str, dict[str, int]] = defaultdict(dict)
    for question, method, n in rows.filter(work).values_list("question", "method").annotate(n=Count("pk")):
        by[question][method] = n
    found = rows.aggregate(
        items=Count("item", distinct=True, filter=work), apart=Count("item", distinct=True, filter=~work)
    )
    return {"by": dict(by), **found}


def methods(by: dict[str, dict[str, int]]) -> dict[str, int]:
    """method -> answers that were settled by it, over all questions."""
    sums: Counter[str] = Counter()
    for of_question in by.values():
        sums.update(of_question)
    return dict(sums)


def cases(project: Project) -> dict[str, int]:
    """How many cases are open and closed, and how many decisions were made: some cases fall without one."""
    rows = Case.objects.filter(project=project)
    found = rows.aggregate(open=Count("pk", filter=Q(closed_at=None)), closed=Count("pk", filter=~Q(closed_at=None)))
    return {**found, "decided": Gold.objects.decisions().filter(project=project).count()}


def cost_of_gold(project: Project) -> dict[str, Any]:
    """What an item of gold costs, of the items of work that have gold and answers.

    items: how many those are; answers: answers that stand to each of them; seconds: of attention on each of them, at the
    mean of the answers whose time is known. None where there is nothing to divide.
    """
    rows = standing(project).filter(
        Exists(Gold.objects.current().filter(item=OuterRef("item"))), status=Annotation.Status.SUBMITTED
    )
    found = rows.aggregate(
        answers=Count("pk"), items=Count("item", distinct=True), spent=Sum("seconds"), timed=Count("seconds")
    )
    each = found["answers"] / found["items"] if found["items"] else None
    return {
        "items": found["items"],
        "answers": each,
        "seconds": each * found["spent"] / found["timed"] if each and found["timed"] else None,
    }


SUMS = ("submitted", "skipped", "undecided", "flagged", "spent", "timed")


def people(project: Project, among: Collection[int] | None = None) -> list[dict[str, Any]]:
    """What stands of each person (of these alone), imported annotators too; JSON-ready, five queries.

    id, name, imported; submitted, skipped, undecided, flagged of items of work; controls: answers to control items while they were that;
    spent: seconds, over the timed ones; seconds_each; last: when they last answered.
    """
    rows = Annotation.objects.current().filter(project=project).exclude(status=Annotation.Status.DRAFT)
    rows = rows if among is None else rows.filter(annotator__in=list(among))
    every = _sums(rows)
    # By themselves, so that the walk over all answers looks up no item.
    roles = (Item.Role.CONTROL, Item.Role.TRAINING)
    apart = [
        _sums(rows.filter(item__in=Item.objects.filter(project=project, role=role).values("pk"))) for role in roles
    ]
    users = User.objects.in_bulk(every)
    checked = competence.answers(project).order_by().values_list("annotator").annotate(n=Count("pk"))
    checks = dict(checked if among is None else checked.filter(annotator__in=list(among)))
    found = [
        _person(users[pk], row, [sums.get(pk, {}) for sums in apart], checks.get(pk, 0)) for pk, row in every.items()
    ]
    return sorted(found, key=lambda row: (-row["submitted"], row["name"]))


def _sums(rows: QuerySet[Any]) -> dict[int, dict[str, Any]]:
    told = rows.order_by().values("annotator").annotate(
        submitted=Count("pk", filter=Q(status=Annotation.Status.SUBMITTED)),
        skipped=Count("pk", filter=Q(status=Annotation.Status.SKIPPED)),
        undecided=Count("pk", filter=Q(status=Annotation.Status.UNDECIDED)),
        flagged=Count("pk", filter=Q(flagged=True)),
        spent=Sum("seconds"),
        timed=Count("seconds"),
        last=Max("updated_at"),
    )  # fmt: skip
    return {row["annotator"]: row for row in told}


def _person(user: User, every: dict[str, Any], apart: Sequence[dict[str, Any]], checks: int) -> dict[str, Any]:
    sums = {name: (every[name] or 0) - sum(row.get(name) or 0 for row in apart) for name in SUMS}
    return {
        "id": user.pk,
        "name": str(user),
        "imported": user.imported_for_id is not None,
        **sums,
        "controls": checks,
        "seconds_each": sums["spent"] / sums["timed"] if sums["timed"] else None,
        "last": every["last"].isoformat(),
    }


def own(membership: Membership) -> QuerySet[Any]:
    """This person's answers and skips that stand, newest first; `assignment` is what a correction names."""
    slots = Assignment.every.filter(item=OuterRef("item"), annotator=membership.user_id, again=OuterRef("again"))
    rows = Annotation.every.current().filter(project=membership.project_id, annotator=membership.user_id)
    rows = rows.exclude(status=Annotation.Status.DRAFT).annotate(assignment=Subquery(slots.values("pk")[:1]))
    return rows.select_related("item__document").order_by("-updated_at", "-pk")


def given(membership: Membership, slots: Sequence[Assignment]) -> dict[int, Annotation]:
    """item -> what this person has said of it so far, drafts included."""
    items = {slot.item_id: slot.again for slot in slots}
    rows = Annotation.every.current().filter(item__in=items, annotator=membership.user_id)
    # Nothing of a first answer is told with an item that came back.
    return {row.item_id: row for row in rows if row.again == items[row.item_id]} if items else {}


def done_today(membership: Membership) -> int:
    """Answers and skips of this person in the last 24 hours; an index scan over that day's work alone."""
    return Annotation.every.of_the_day(membership).count()


def share(membership: Membership) -> dict[str, int]:
    """How many items this person has answered or skipped, and how many there are left for them.

    Left is what they hold and what is open on items that they are not on yet. It is counted once, as the labelling page
    is loaded: 0.1 s in a project of 100,000 items with three answers each.
    """
    slots = Assignment.objects.filter(project=membership.project_id)
    mine = Assignment.every.filter(project=membership.project_id, annotator=membership.user_id, again__gte=0)
    closed = Q(state__in=Assignment.CLOSED)
    # A control item that is ready counts as any other, unless nothing else is left that it could hide among.
    ready = Q(state=Assignment.State.ASSIGNED, batch=None)
    held = mine.aggregate(
        done=Count("pk", filter=closed), left=Count("pk", filter=~closed & ~ready), ready=Count("pk", filter=ready)
    )
    theirs = Assignment.objects.filter(pk=OuterRef("pk"), item__role=Item.Role.CONTROL)
    run_out = Q(
        ~Exists(theirs), item__left_out=None, state=Assignment.State.LEASED, lease_until__lt=timezone.now(), batch=None
    )
    free = Q(state=Assignment.State.OPEN) | run_out
    on_it = Assignment.objects.filter(item=OuterRef("item"), annotator=membership.user_id)
    if membership.is_restricted:
        slots = slots.filter(pool__in=pooling.pools_of(membership))
    open_to_me = slots.filter(free).exclude(Exists(on_it)).values("item").distinct().count()
    left = held["left"] + open_to_me
    return {"done": held["done"], "left": left + held["ready"] if left else 0}


WORK_DAYS = 30


def work(membership: Membership) -> list[dict[str, Any]]:
    """What this person did on each of the last days, newest first, by the site's clock; one query.

    items: answered, skipped or undecided for the first time; corrections are none, but their time counts. hours: of
    attention, idle time left out by the page. median_seconds: of the items whose time is known, None without any.
    """
    since = timezone.now() - timedelta(days=WORK_DAYS)
    earlier = Revision.objects.filter(annotation=OuterRef("annotation"), pk__lt=OuterRef("pk"))
    # The annotation's own time is the one that the index knows; no revision is newer than that.
    rows = Revision.objects.filter(
        annotation__project=membership.project_id,
        annotation__annotator=membership.user_id,
        annotation__updated_at__gte=since,
        at__gte=since,
        mapped=False,
    ).annotate(again=Exists(earlier))
    days: dict[date, list[tuple[str, float | None, bool]]] = defaultdict(list)
    for at, status, seconds, again in rows.values_list("at", "status", "seconds", "again"):
        days[timezone.localtime(at).date()].append((status, seconds, again))
    return [_day(day, days[day]) for day in sorted(days, reverse=True)]


def _day(day: date, done: list[tuple[str, float | None, bool]]) -> dict[str, Any]:
    first = [(status, seconds) for status, seconds, again in done if not again]
    timed = [seconds for _status, seconds in first if seconds is not None]
    return {
        "day": day,
        "items": len(first),
        "skipped": sum(status == Annotation.Status.SKIPPED for status, _seconds in first),
        "undecided": sum(status == Annotation.Status.UNDECIDED for status, _seconds in first),
        "corrected": len(done) - len(first),
        "hours": sum(seconds or 0.0 for _status, seconds, _again in done) / 3600,
        "median_seconds": median(timed) if timed else None,
    }


def without_answer(membership: Membership) -> QuerySet[Any]:
    """This person's skips and undecided items that stand, newest first."""
    return own(membership).filter(status__in=[Annotation.Status.SKIPPED, Annotation.Status.UNDECIDED])

"""A person's work of a time is set aside in one act, seen before it is done, and taken back in one act."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import assigning, closing, measuring, recording, settling
from annotation import schema as schemas
from annotation.agreement.kinds import AGREEMENTS
from annotation.models import (
    Annotation,
    Assignment,
    Case,
    Gold,
    GuidelineVersion,
    Item,
    Project,
    SetAside,
    User,
)

MOST = 50_000
# So many answers are set aside while somebody waits for the page, and so many of the project measured.
AT_ONCE, MEASURED = 500, 10_000
BATCH = 500
REASON = 2000
# Of the figures that are shown before it is done; they are looked at, not published.
DRAWS = 200


@dataclass(frozen=True)
class Wanted:
    """Whose work, of which time ([since, until)), of one question or version only where one is named."""

    project: Project
    person: User
    since: datetime
    until: datetime
    question: str = ""
    version: GuidelineVersion | None = None

    @property
    def told(self) -> dict[str, Any]:
        """As JSON, for a worker."""
        return {
            "person": self.person.pk,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "question": self.question,
            "version": self.version.number if self.version else None,
        }

    @classmethod
    def read(cls, project: Project, told: dict[str, Any]) -> "Wanted":
        """What `told` has written."""
        return wanted(
            project=project,
            person=User.objects.get(pk=told["person"]),
            since=datetime.fromisoformat(told["since"]),
            until=datetime.fromisoformat(told["until"]),
            question=told["question"],
            version=told["version"],
        )

    @property
    def rows(self) -> QuerySet[Annotation]:
        """The answers that would be set aside: those given in that time that count, skips included."""
        rows: QuerySet[Annotation] = Annotation.objects.current().filter(
            project=self.project, annotator=self.person, updated_at__gte=self.since, updated_at__lt=self.until
        )
        rows = rows.exclude(status=Annotation.Status.DRAFT)
        if self.version is not None:
            rows = rows.filter(guideline_version=self.version)
        if self.question:
            rows = rows.filter(status=Annotation.Status.SUBMITTED, answer__has_key=self.question)
        return rows


def wanted(
    *,
    project: Project,
    person: User,
    since: datetime,
    until: datetime | None = None,
    question: str = "",
    version: int | None = None,
) -> Wanted:
    """What is to be set aside, checked; raises ValueError with a sentence. until: None means now."""
    end = until or timezone.now()
    if since >= end:
        raise ValueError(_("The time must end after it begins."))
    of_version = None
    if version is not None:
        of_version = GuidelineVersion.objects.filter(project=project, number=version).first()
        if of_version is None:
            raise ValueError(_("There is no guideline version %(number)d.") % {"number": version})
    if question:
        schemas.question((of_version or settling.version_of(project)).schema, question)
    return Wanted(project, person, since, end, question, of_version)


Tick = Callable[[int, int], None]


def _silent(done: int, total: int) -> None:
    """Nobody waits to be told how far it is."""


def size(asked: Wanted) -> int:
    """How many answers would be set aside; raises ValueError where there are none, or too many at a time."""
    count = asked.rows[: MOST + 1].count()
    if not count:
        raise ValueError(_("There is no answer of this person in that time that counts."))
    if count > MOST:
        raise ValueError(_("At most %(most)d answers at a time. Choose a shorter time.") % {"most": MOST})
    return count


def is_much_to_measure(asked: Wanted) -> bool:
    """Whether agreement before and after takes longer than somebody waits for a page."""
    return bool(Annotation.objects.submitted().filter(project=asked.project)[: MEASURED + 1].count() > MEASURED)


def checked_reason(reason: str) -> str:
    """Without blanks at its ends; raises ValueError where it says nothing, or too much."""
    reason = reason.strip()
    if not reason or len(reason) > REASON:
        raise ValueError(
            _("Say why, in at most %(most)d characters: whoever reads this later must understand it.")
            % {"most": REASON}
        )
    return reason


class _Undo(Exception):
    """Ends a preview: what it did is taken back by the database."""


def preview(asked: Wanted, *, tick: Tick = _silent) -> dict[str, Any]:
    """What it would change, found by doing it and taking that back: see `_Effect.told`; with agreement before and after.

    tick(answers done so far, of so many) is told after each batch and may raise. Raises ValueError where there is
    nothing to set aside.
    """
    found: dict[str, Any] = {}
    keys = set(asked.rows.values_list("pk", flat=True)[: MOST + 1])
    try:
        with transaction.atomic():
            found = _do(asked, reason="", user=None, tick=tick).effect
            raise _Undo
    except _Undo:
        pass
    return {**found, "agreement": agreement(asked, keys)}


@transaction.atomic
def set_aside(asked: Wanted, *, reason: str, user: User | None, tick: Tick = _silent) -> SetAside:
    """Do it. Raises ValueError where nothing would change, or no reason is given. tick: as in `preview`.

    The answers stay in the history and count in nothing. Gold that they made falls where too few answers are left, and
    is settled anew where enough are; what a person or a file settled stands, and nobody is asked in place of an answer
    beside it. Elsewhere one slot per answer opens for others.
    """
    act = _do(asked, reason=checked_reason(reason), user=user, tick=tick)
    _record(act, "set_aside", user)
    return act


def _record(act: SetAside, kind: str, user: User | None) -> None:
    told = {name: act.effect.get(name) for name in ("answers", "gold_fell", "gold_changed", "slots")}
    recording.record(
        project=act.project_id,
        kind=kind,
        by=user,
        about=act.person_id,
        question=act.question,
        version=act.guideline_version,
        since=act.since.isoformat(),
        until=act.until.isoformat(),
        reason=act.reason,
        **told,
    )


def _do(asked: Wanted, *, reason: str, user: User | None, tick: Tick) -> SetAside:
    # As publishing does: an answer comes wholly before this, or wholly after.
    project = settling.keep_version(asked.project, asked.person)
    size(asked)
    rows = list(asked.rows.select_related("item").order_by("pk"))
    act = SetAside.objects.create(
        project=project,
        person=asked.person,
        question=asked.question,
        guideline_version=asked.version,
        since=asked.since,
        until=asked.until,
        reason=reason,
        made_by=user,
    )
    effect = _Effect(answers=len(rows))
    for batch in settling.batches(rows, BATCH):
        settling.hold([row.item_id for row in batch])
        gone = _questions(act, batch)
        _take_out(act, batch)
        effect.add(_follow(act, gone))
        effect.items += len(batch)
        tick(effect.items, len(rows))
    act.effect = effect.told
    act.save(update_fields=["effect"])
    _recount(project)
    return act


@dataclass
class _Effect:
    """What setting aside did."""

    answers: int = 0
    items: int = 0
    fell: int = 0
    changed: int = 0
    cases_closed: int = 0
    cases_opened: int = 0
    slots: int = 0
    kept: int = 0
    shown: list[int] = field(default_factory=list)

    def add(self, other: "_Effect") -> None:
        """Sum up."""
        for name in ("fell", "changed", "cases_closed", "cases_opened", "slots", "kept"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.shown = (self.shown + other.shown)[:20]

    @property
    def told(self) -> dict[str, Any]:
        """answers, items; gold_fell, gold_changed, gold_kept (settled by people or files); cases; slots opened anew."""
        return {
            "answers": self.answers,
            "items": self.items,
            "gold_fell": self.fell,
            "gold_changed": self.changed,
            "gold_kept": self.kept,
            "cases_closed": self.cases_closed,
            "cases_opened": self.cases_opened,
            "slots": self.slots,
            "examples": self.shown,
        }


def _take_out(act: SetAside, rows: list[Annotation]) -> None:
    """The answers out of everything that counts; of one question only that part."""
    if act.question:
        for row in rows:
            row.withheld = {**row.withheld, act.question: {"value": row.answer[act.question], "set_aside": act.pk}}
            row.answer = {name: value for name, value in row.answer.items() if name != act.question}
        Annotation.objects.bulk_update(rows, ["answer", "withheld"], batch_size=500)
        return
    Annotation.objects.filter(pk__in=[row.pk for row in rows]).update(set_aside=act)
    slots = Assignment.objects.filter(item__in=[row.item_id for row in rows], annotator=act.person)
    closed = slots.filter(state__in=Assignment.ANSWERED)
    closed.update(state=Assignment.State.ASIDE)


def _questions(act: SetAside, rows: list[Annotation]) -> dict[int, set[str]]:
    """item of work -> the questions that its answer is taken out of; of a skip those of the guideline."""
    every = _names(act.project)
    work = [row for row in rows if row.item.role == Item.Role.WORK]
    return {row.item_id: {act.question} if act.question else set(row.answer) or every for row in work}


def _follow(act: SetAside, gone_from: dict[int, set[str]]) -> _Effect:
    """What gold, cases and slots of these items follow, whose questions lose an answer; the caller holds them."""
    effect, items = _Effect(), list(gone_from)
    before = _gold(act, items)
    cases = _cases(act, items)
    decided = {place for place, row in before.items() if row.method not in Gold.BY_ANSWERS}
    asked = [item for item, questions in gone_from.items() if any((item, name) not in decided for name in questions)]
    effect.slots = _open(act, asked)
    waiting = set(
        Assignment.objects.filter(item__in=asked, state__in=Assignment.WAITING).values_list("item_id", flat=True)
    )
    gone = [row.pk for place, row in before.items() if place[0] in waiting and place not in decided]
    Gold.objects.filter(pk__in=gone).update(superseded_at=timezone.now())
    # A case of a question that a person has decided is about that decision, and not about the answers.
    over = [pk for place, pk in cases.items() if place[0] in waiting and place not in decided]
    closing.close(Case.objects.filter(pk__in=over))
    _settle(act, [item for item in asked if item not in waiting])
    _compare(effect, before, cases, _gold(act, items), _cases(act, items))
    return effect


def _compare(
    effect: _Effect,
    before: dict[tuple[int, str], Gold],
    cases: dict[tuple[int, str], int],
    after: dict[tuple[int, str], Gold],
    now: dict[tuple[int, str], int],
) -> None:
    for place, row in before.items():
        found = after.get(place)
        if found is None:
            effect.fell += 1
            effect.shown.append(place[0])
        elif found.value != row.value:
            effect.changed += 1
            effect.shown.append(place[0])
        elif row.method not in Gold.BY_ANSWERS:
            effect.kept += 1
    effect.cases_closed += len(set(cases) - set(now))
    effect.cases_opened += len(set(now) - set(cases))
    effect.shown = list(dict.fromkeys(effect.shown))[:20]


def _gold(act: SetAside, items: list[int]) -> dict[tuple[int, str], Gold]:
    rows = Gold.objects.current().filter(item__in=items)
    rows = rows.filter(question=act.question) if act.question else rows
    return {(row.item_id, row.question): row for row in rows}


def _cases(act: SetAside, items: list[int]) -> dict[tuple[int, str], int]:
    rows = Case.objects.open().filter(item__in=items)
    rows = rows.filter(question=act.question) if act.question else rows
    return {(item, question): pk for pk, item, question in rows.values_list("pk", "item_id", "question")}


def _open(act: SetAside, items: list[int]) -> int:
    """A slot for others on each item that has fewer answers than it is to have; how many.

    None for items that the guideline shows as examples: everybody knows their answer.
    """
    known = set(Item.objects.not_asked().filter(pk__in=items).values_list("pk", flat=True)) if items else set()
    items = [pk for pk in items if pk not in known]
    if not items:
        return 0
    asked = assigning.wanted(act.project, items)
    taken: dict[int, set[int]] = defaultdict(set)
    have: Counter[int] = Counter()
    place: dict[int, int] = {}
    without = Annotation.objects.none()
    if act.question:
        without = Annotation.objects.current().filter(item__in=items, withheld__has_key=act.question)
    withheld = set(without.values_list("item_id", "annotator_id"))
    rows = Assignment.objects.filter(item__in=items)
    for item, slot, state, who, priority in rows.values_list("item_id", "slot", "state", "annotator_id", "priority"):
        taken[item].add(slot)
        have[item] += state != Assignment.State.ASIDE and (item, who) not in withheld
        place[item] = min(priority, place.get(item, priority))
    missing = [
        Assignment(project=act.project, item_id=item, slot=slot, priority=max(place.get(item, 0), -1), instead=act)
        for item in items
        # At most one in place of the one answer that was taken out.
        for slot in assigning.free(taken[item], min(1, asked[item] - have[item]))
    ]
    Assignment.objects.bulk_create(missing, batch_size=2000)
    return len(missing)


def _settle(act: SetAside, items: list[int]) -> None:
    """Settle anew what still has its answers; where no answer is left, its gold and case go."""
    if not items or act.project.version is None:
        return
    answered = Annotation.objects.submitted().filter(item=OuterRef("item"))
    if act.question:
        answered = answered.filter(answer__has_key=act.question)
    bare = Gold.objects.current().filter(~Exists(answered), item__in=items, method__in=Gold.BY_ANSWERS)
    bare = bare.filter(question=act.question) if act.question else bare
    bare.update(superseded_at=timezone.now())
    asked = act.question if act.question in _names(act.project) else None
    settling.settle(project=act.project, version=act.project.version, items=items, question=asked)


def _names(project: Project) -> set[str]:
    """The questions of the guideline in force."""
    return {entry["name"] for entry in project.version.schema["questions"]} if project.version else set()


def _recount(project: Project) -> None:
    project.recounted_at = timezone.now()
    project.save(update_fields=["recounted_at"])


@transaction.atomic
def revert(*, act: SetAside, user: User | None, tick: Tick = _silent) -> SetAside:
    """Take it back: the answers count again.

    A slot that was opened in their place goes where nobody has begun with it; an answer that others gave in between
    stays and counts beside, and items are settled anew by all their answers. Gold that a person decided meanwhile
    stands. A later guideline has renamed these answers with the others; what it asked again comes back as history only.
    Raises ValueError where it was taken back before.
    """
    project = settling.keep_version(act.project, act.person)
    now = timezone.now()
    if not SetAside.objects.standing().filter(pk=act.pk).update(reverted_by=user, reverted_at=now):
        raise ValueError(_("This was taken back already."))
    act.refresh_from_db()
    act.project = project
    rows = _put_back_rows(act)
    for number, batch in enumerate(settling.batches(rows, BATCH)):
        tick(number * BATCH, len(rows))
        items = [row.item_id for row in batch]
        settling.hold(items)
        question = _put_back(act, batch)
        _close_unused(act, items)
        work = list(Item.objects.filter(pk__in=items, role=Item.Role.WORK).values_list("pk", flat=True))
        if project.version is not None:
            asked = question if question in _names(project) else None
            settling.settle(project=project, version=project.version, items=work, question=asked)
    _recount(project)
    _record(act, "restored", user)
    return act


def _put_back_rows(act: SetAside) -> list[Annotation]:
    """The answers as they were set aside, and what a publication has made of them since under other names."""
    if act.question:
        mine = Annotation.objects.filter(project=act.project_id, annotator=act.person).exclude(withheld={})
        return [row for row in mine.order_by("pk") if _withheld(row, act)]
    return list(Annotation.objects.filter(set_aside=act).order_by("pk"))


def _withheld(row: Annotation, act: SetAside) -> dict[str, Any]:
    """question -> value of what this act withholds of an answer."""
    return {name: told["value"] for name, told in row.withheld.items() if told["set_aside"] == act.pk}


def _put_back(act: SetAside, rows: list[Annotation]) -> str:
    """The answers count again; returns the question that this is about, by its name of today, or "" for all."""
    if act.question:
        names: set[str] = set()
        for row in rows:
            found = _withheld(row, act)
            # A correction since then stands.
            row.answer = {**found, **row.answer}
            row.withheld = {name: told for name, told in row.withheld.items() if name not in found}
            names |= set(found) if row.superseded_at is None else set()
        Annotation.objects.bulk_update(rows, ["answer", "withheld"], batch_size=500)
        return names.pop() if len(names) == 1 else ""
    counting = [row for row in rows if row.superseded_at is None]
    slots = Assignment.objects.filter(
        item__in=[row.item_id for row in counting], annotator=act.person, state=Assignment.State.ASIDE
    )
    theirs = set(slots.values_list("item_id", flat=True))
    answered = {row.item_id for row in counting if row.status == Annotation.Status.SUBMITTED}
    slots.filter(item__in=theirs & answered).update(state=Assignment.State.DONE)
    slots.filter(item__in=theirs - answered).update(state=Assignment.State.SKIPPED)
    Annotation.objects.filter(pk__in=[row.pk for row in rows]).update(set_aside=None)
    return ""


def _close_unused(act: SetAside, items: list[int]) -> None:
    """Slots opened in place of these answers, where nobody has begun with them."""
    run_out = Q(state=Assignment.State.LEASED, lease_until__lt=timezone.now(), batch=None)
    idle = Q(state=Assignment.State.OPEN) | run_out
    rows = Assignment.objects.filter(idle, item__in=items, instead=act)
    keys = list(rows.select_for_update().values_list("pk", flat=True))
    Assignment.objects.filter(pk__in=keys).delete()


# -- Reads ----------------------------------------------------------------------------------------------------------


def agreement(asked: Wanted, gone: Iterable[int]) -> list[dict[str, Any]]:
    """question, title, figure ("" where no two people have an item in common), before, after (each {value, low, high}, or
    None) of the answers that stand under the version, with and without these."""
    version = asked.version or asked.project.version
    if version is None:
        return []
    out = set(Annotation.objects.filter(pk__in=list(gone)).values_list("item_id", flat=True))
    who = str(asked.person.pk)
    found = []
    for entry in version.schema["questions"]:
        if asked.question and entry["name"] != asked.question:
            continue
        rows = list(measuring.triples(project=asked.project, question=entry["name"], version=version))
        left = [row for row in rows if not (row[1] == who and int(row[0]) in out)]
        kind = AGREEMENTS[entry["kind"]]
        figures = [_brief(kind, part, entry) for part in (rows, left)]
        name = next(iter(figures[0] or figures[1]), "")
        found.append(
            {
                "question": entry["name"],
                "title": entry["title"],
                "figure": name,
                "before": figures[0].get(name),
                "after": figures[1].get(name),
            }
        )
    return found


def _brief(kind: Any, rows: list[tuple[str, str, Any]], entry: dict[str, Any]) -> dict[str, Any]:
    """The main figures of the answers, {} where no two people have an item in common."""
    people: dict[str, set[str]] = defaultdict(set)
    for item, who, _value in rows:
        people[item].add(who)
    if not any(len(names) > 1 for names in people.values()):
        return {}
    return dict(kind.brief(iter(rows), question=entry, draws=DRAWS, seed=measuring.SEED))

"""Complete items become gold where their answers agree, and cases where they differ."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, Min, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import closing, pooling
from annotation import schema as schemas
from annotation.alignment import align
from annotation.kinds import KINDS
from annotation.models import (
    Annotation,
    Assignment,
    Case,
    Gold,
    GuidelineVersion,
    Item,
    Membership,
    Project,
    User,
)

# Characters of the pairs of a case that are kept.
PAIRS = 4000


@dataclass(frozen=True)
class Verdict:
    """What the answers to one question say: a value with the way it was reached, or a disagreement in [0, 1]."""

    value: Any = None
    method: str = ""
    disagreement: float = 0.0


def judge(values: Sequence[Any], question: dict[str, Any], *, rule: str, skipped: int = 0) -> Verdict:
    """Apply the project's rule to the answers; an empty method means that a person must decide.

    disagreement: mean distance over the pairs of answers; a skip (and "cannot decide", which closes a slot in the same
    way) counts as a full disagreement with every answer, and an item that everybody skipped as a full disagreement.
    """
    kind = KINDS[question["kind"]]
    total = len(values) + skipped
    pairs = total * (total - 1) / 2
    apart = sum(kind.distance(a, b, question) for i, a in enumerate(values) for b in values[i + 1 :])
    apart += skipped * len(values)
    disagreement = apart / pairs if values and pairs else float(bool(skipped))
    if values and not apart and rule != Project.Settle.NEVER:
        method = Gold.Method.SINGLE if len(values) == 1 else Gold.Method.UNANIMOUS
        return Verdict(kind.settled(values[0], question), method, 0.0)
    merged = kind.merge(values, question) if values else None
    if rule == Project.Settle.MAJORITY and merged and 2 * merged[1] * len(values) > total:
        return Verdict(merged[0], Gold.Method.MAJORITY, disagreement)
    return Verdict(disagreement=disagreement)


def hold(items: Sequence[int]) -> None:
    """Lock these items until the commit, so that two last answers at once do not each take the other for missing."""
    list(Item.objects.select_for_update(no_key=True).filter(pk__in=items).order_by("pk").values_list("pk"))


def keep_version(project: Project, user: User | None = None) -> Project:
    """The project with the guideline in force, read anew: until the commit no other one is published.

    Publishing waits for everybody's membership. This holds the one of `user`, or all where that is nobody of the project;
    it comes before items are held.
    """
    rows = Membership.objects.select_for_update(no_key=True).filter(project=project).order_by("pk")
    if user is None or not list(rows.filter(user=user)):
        list(rows)
    return Project.objects.select_related("version").get(pk=project.pk)


def version_of(project: Project) -> GuidelineVersion:
    """The guideline in force; raises ValueError where none is published."""
    if project.version is None:
        raise ValueError(_("This project has no published guideline yet."))
    return project.version


def settle(
    *,
    project: Project,
    version: GuidelineVersion,
    items: Sequence[int],
    rule: str | None = None,
    question: str | None = None,
) -> Counter[str]:
    """Gold or cases for those of `items` that have all their answers; counts what it made. The caller holds the items.

    Gold that came from a person or a file is never touched. Gold made by an earlier settling stays while the answers
    still say the same, and is replaced (by other gold, or by a case) where they changed. A case that the answers have
    settled in the meantime is closed. One query for the answers; known gold and cases are read only where there are any.
    """
    complete = _complete(items)
    if not complete:
        return Counter()
    asked = [entry for entry in version.schema["questions"] if question in (None, entry["name"])]
    if project.overlap_most:
        for item in _widened(project, complete, asked, rule or project.settle):
            del complete[item]
    return _apply(project, version, complete, asked, rule or project.settle)


@dataclass
class _Complete:
    """The answers of an item that waits for nobody, and whether something was settled or contested before."""

    answers: list[dict[str, Any]] = field(default_factory=list)
    skipped: int = 0
    known: bool = False
    # Whether somebody may have seen the others' answers before giving this one: then a person decides.
    dependent: bool = False


def _widened(project: Project, complete: dict[int, _Complete], questions: list[dict[str, Any]], rule: str) -> list[int]:
    """Items that get one more slot, because people differ or somebody doubts and more may be asked; makes the slots.

    A doubt (a flag, “unsure”) asks for one answer beyond the overlap, a difference for as many as may be asked.
    Not those that a person has settled or has a case of, nor those with an answer that was not given blind.
    """
    open_ = {
        item: entry
        for item, entry in complete.items()
        if not entry.known and not entry.dependent and len(entry.answers) + entry.skipped < project.overlap_most
    }
    if not open_:
        return []
    doubts = Q(flagged=True) | Q(confidence=Annotation.Confidence.UNSURE)
    doubted = set(Annotation.objects.current().filter(doubts, item__in=open_).values_list("item", flat=True))
    found = [
        item
        for item, entry in open_.items()
        if (item in doubted and len(entry.answers) + entry.skipped <= project.overlap)
        or _needs_another(entry, questions, rule)
    ]
    if found:
        known = set(Item.objects.not_asked().filter(pk__in=found).values_list("pk", flat=True))
        found = [item for item in found if item not in known]
    last = Assignment.objects.filter(item__in=found).values_list("item").annotate(Max("slot"), Min("priority"))
    Assignment.objects.bulk_create(
        Assignment(project=project, item_id=item, slot=slot + 1, priority=priority) for item, slot, priority in last
    )
    pooling.sort(project, found)
    return found


def _needs_another(entry: _Complete, questions: list[dict[str, Any]], rule: str) -> bool:
    """Whether people differ on a question and the rule does not settle it."""
    for question in questions:
        given = [answer[question["name"]] for answer in entry.answers if question["name"] in answer]
        verdict = judge(given, question, rule=rule, skipped=entry.skipped)
        if given and not verdict.method and verdict.disagreement > 0:
            return True
    return False


def _complete(items: Sequence[int]) -> dict[int, _Complete]:
    """item -> its answers, for items without an open or leased slot; one query."""
    mine = Annotation.objects.submitted().filter(item=OuterRef("item"), annotator=OuterRef("annotator"))
    here = OuterRef("item")
    # An answer to a control or training item settles nothing.
    rows = Assignment.objects.filter(item__in=items, item__role=Item.Role.WORK).annotate(
        given=Subquery(mine.order_by("-pk").values("answer")[:1]),
        free=Subquery(mine.order_by("-pk").values("independent")[:1]),
        known=Exists(Gold.objects.current().filter(item=here)) | Exists(Case.objects.open().filter(item=here)),
    )
    found: dict[int, _Complete] = defaultdict(_Complete)
    waiting: set[int] = set()
    for item, state, given, free, known in rows.values_list("item_id", "state", "given", "free", "known"):
        entry = found[item]
        entry.known = entry.known or known
        entry.skipped += state == Assignment.State.SKIPPED
        if state in Assignment.WAITING:
            waiting.add(item)
        elif given:
            entry.answers.append(given)
            entry.dependent = entry.dependent or not free
    return {item: entry for item, entry in found.items() if item not in waiting}


@dataclass
class _Changes:
    """What a settling writes, collected over its items."""

    gold: list[Gold] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    moved: list[Case] = field(default_factory=list)
    outdated: list[int] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)

    def look_at(self, project: Project, item: int, question: str, case: Case | None, verdict: Verdict) -> None:
        """A person looks at what agrees: in a case of its own, or in the one that was open while people differed."""
        fields = {"why": Case.Why.AGREED, "agreed": verdict.value, "disagreement": verdict.disagreement, "pairs": ""}
        if case is None:
            self.cases.append(Case(project=project, item_id=item, question=question, **fields))
        elif (case.why, case.agreed) != (Case.Why.AGREED, verdict.value):
            for name, value in fields.items():
                setattr(case, name, value)
            self.moved.append(case)

    def store(self) -> Counter[str]:
        """Write it, the old out before the new in."""
        now = timezone.now()
        if self.outdated:
            Gold.objects.filter(pk__in=self.outdated).update(superseded_at=now)
        if self.closed:
            closing.close(Case.objects.filter(pk__in=self.closed))
        if self.moved:
            Case.objects.bulk_update(self.moved, ["disagreement", "why", "agreed", "pairs"])
        if self.gold:
            Gold.objects.bulk_create(self.gold)
        if self.cases:
            Case.objects.bulk_create(self.cases)
        return Counter(gold=len(self.gold), cases=len(self.cases), closed=len(self.closed))


def _apply(
    project: Project,
    version: GuidelineVersion,
    complete: dict[int, _Complete],
    questions: list[dict[str, Any]],
    rule: str,
) -> Counter[str]:
    known = [item for item, entry in complete.items() if entry.known]
    gold = {(row.item_id, row.question): row for row in Gold.objects.current().filter(item__in=known)} if known else {}
    cases = {(row.item_id, row.question): row for row in Case.objects.open().filter(item__in=known)} if known else {}
    changes = _Changes()
    looked_at = _looked_at(project, complete)
    for item, entry in complete.items():
        for question in questions:
            name = question["name"]
            given = [answer[name] for answer in entry.answers if name in answer]
            old, case = gold.get((item, name)), cases.get((item, name))
            if old and _stands(old, given, entry.skipped, question):
                continue
            if old:
                changes.outdated.append(old.pk)
            # A question that only some were asked hangs on one that they differ in: a person decides both.
            partly = bool(question.get("when")) and len(given) < len(entry.answers)
            how = Project.Settle.NEVER if entry.dependent or partly else rule
            verdict = judge(given, question, rule=how, skipped=entry.skipped)
            if verdict.method and item in looked_at:
                changes.look_at(project, item, name, case, verdict)
            elif verdict.method:
                changes.gold.append(_gold(project, version, item, name, verdict))
                changes.closed += [case.pk] if case else []
            elif case and _has_moved(case, verdict, entry):
                case.disagreement = verdict.disagreement
                # Who was asked again says nothing new of whether people agreed by themselves.
                if not entry.dependent:
                    case.why, case.agreed = Case.Why.DIFFER, None
                case.pairs = pairs_of(given, question)
                changes.moved.append(case)
            elif not case and (given or (question["required"] and not question.get("when"))):
                pairs = pairs_of(given, question)
                changes.cases.append(
                    Case(project=project, item_id=item, question=name, disagreement=verdict.disagreement, pairs=pairs)
                )
    return changes.store()


def _has_moved(case: Case, verdict: Verdict, entry: _Complete) -> bool:
    return case.disagreement != verdict.disagreement or (case.why != Case.Why.DIFFER and not entry.dependent)


def _looked_at(project: Project, items: Iterable[int]) -> set[int]:
    """Those of the items that go to the adjudicator even where people agree; asks nothing where none do."""
    if not project.agreed_percent:
        return set()
    rows = Item.objects.filter(pk__in=items).select_related("document").only("start", "document__external_id")
    return {item.pk for item in rows if sampled(item, project.agreed_percent, "agreed")}


# The rule under which gold of each automatic method was settled.
_RULES = {
    Gold.Method.SINGLE: Project.Settle.UNANIMOUS,
    Gold.Method.UNANIMOUS: Project.Settle.UNANIMOUS,
    Gold.Method.MAJORITY: Project.Settle.MAJORITY,
}


def _stands(gold: Gold, given: list[Any], skipped: int, question: dict[str, Any]) -> bool:
    """Whether people settled it, or the answers still say the same in the way it was settled."""
    rule = _RULES.get(Gold.Method(gold.method))
    if rule is None:
        return True
    verdict = judge(given, question, rule=rule, skipped=skipped)
    return bool(verdict.method) and bool(verdict.value == gold.value)


def _gold(project: Project, version: GuidelineVersion, item: int, question: str, verdict: Verdict) -> Gold:
    return Gold(
        project=project,
        item_id=item,
        question=question,
        value=verdict.value,
        method=verdict.method,
        guideline_version=version,
    )


def settle_all(*, project: Project, rule: str | None = None, question: str | None = None) -> Counter[str]:
    """Settle every complete item of the project that lacks gold for some question; in batches.

    Items whose questions all have gold are left alone, whatever the rule is by now.
    """
    version = version_of(project)
    asked = [schemas.question(version.schema, question)] if question else version.schema["questions"]
    lacking = Q()
    for entry in asked:
        lacking |= Q(~Exists(Gold.objects.current().filter(item=OuterRef("pk"), question=entry["name"])))
    waiting = Item.objects.filter(lacking, project=project, role=Item.Role.WORK).exclude(
        Exists(Assignment.objects.filter(item=OuterRef("pk"), state__in=Assignment.WAITING))
    )
    made: Counter[str] = Counter()
    # The keys are read before anything is written: a cursor over rows that change under it may miss some.
    for batch in batches(list(waiting.order_by("pk").values_list("pk", flat=True)), 1000):
        with transaction.atomic():
            # A version may have been published since the last batch.
            version = version_of(keep_version(project))
            hold(batch)
            made += settle(project=project, version=version, items=batch, rule=rule, question=question)
    return made


def sampled(item: Item, percent: int, salt: str) -> bool:
    """Whether the item is among so many percent: always the same ones, and a larger share has all of a smaller one."""
    if not percent:
        return False
    name = f"{salt}:{item.document.external_id}:{item.start}"
    place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:6]) / 2**48
    return place < percent / 100


def pairs_of(values: Sequence[Any], question: dict[str, Any]) -> str:
    """The labels that are confused in these answers, as a case keeps them."""
    found = align(values, question).pairs
    return "".join(f"\n{one}\t{other}\n" for one, other in found)[:PAIRS]


def batches(values: Iterable[Any], size: int) -> Iterable[list[Any]]:
    """Lists of up to `size` of the values, in order."""
    batch: list[Any] = []
    for value in values:
        batch.append(value)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch

"""Complete items become gold where answers agree, and cases where they differ; people settle cases with a reason."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation import schema as schemas
from annotation.kinds import KINDS
from annotation.models import Annotation, Assignment, Case, Gold, GuidelineVersion, Item, Project, User

REASONS = {
    "guideline": gettext_lazy("the guideline is unclear"),
    "oversight": gettext_lazy("an oversight"),
    "ambiguous": gettext_lazy("the text is ambiguous"),
    "context": gettext_lazy("context was missing"),
    "scope": gettext_lazy("out of scope"),
    "other": gettext_lazy("other"),
}
NOTE = 2000


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
    return _apply(project, version, complete, asked, rule or project.settle)


@dataclass
class _Complete:
    """The answers of an item that waits for nobody, and whether something was settled or contested before."""

    answers: list[dict[str, Any]] = field(default_factory=list)
    skipped: int = 0
    known: bool = False
    # Whether somebody may have seen the others' answers before giving this one: then a person decides.
    dependent: bool = False


def _complete(items: Sequence[int]) -> dict[int, _Complete]:
    """item -> its answers, for items without an open or leased slot; one query."""
    mine = Annotation.objects.submitted().filter(item=OuterRef("item"), annotator=OuterRef("annotator"))
    here = OuterRef("item")
    rows = Assignment.objects.filter(item__in=items).annotate(
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
        if state in (Assignment.State.OPEN, Assignment.State.LEASED):
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

    def store(self) -> Counter[str]:
        """Write it, the old out before the new in."""
        now = timezone.now()
        if self.outdated:
            Gold.objects.filter(pk__in=self.outdated).update(superseded_at=now)
        if self.closed:
            close_cases(self.closed)
        if self.moved:
            Case.objects.bulk_update(self.moved, ["disagreement"])
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
            if verdict.method:
                changes.gold.append(_gold(project, version, item, name, verdict))
                changes.closed += [case.pk] if case else []
            elif case and case.disagreement != verdict.disagreement:
                case.disagreement = verdict.disagreement
                changes.moved.append(case)
            elif not case and (given or (question["required"] and not question.get("when"))):
                changes.cases.append(
                    Case(project=project, item_id=item, question=name, disagreement=verdict.disagreement)
                )
    return changes.store()


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
    waiting = Item.objects.filter(lacking, project=project).exclude(
        Exists(Assignment.objects.filter(item=OuterRef("pk"), state__in=["open", "leased"]))
    )
    made: Counter[str] = Counter()
    # The keys are read before anything is written: a cursor over rows that change under it may miss some.
    for batch in batches(list(waiting.order_by("pk").values_list("pk", flat=True)), 1000):
        with transaction.atomic():
            hold(batch)
            made += settle(project=project, version=version, items=batch, rule=rule, question=question)
    return made


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


@transaction.atomic
def decide(*, case: Case, value: Any, user: User | None, reason: str, note: str = "") -> Gold:
    """Settle an open case. Raises ValueError where the value is no answer, the reason unknown or the case closed."""
    if reason not in REASONS:
        raise ValueError(_("Choose a reason: %(reasons)s.") % {"reasons": ", ".join(REASONS)})
    version = version_of(case.project)
    question = schemas.question(version.schema, case.question)
    value = _decided(value, question, case.item)
    hold([case.item_id])
    if not Case.objects.open().filter(pk=case.pk).update(closed_at=timezone.now()):
        raise ValueError(_("This case has been settled already, perhaps in another window. Nothing was changed."))
    return _replace(case, version, value, user, reason, note)


@transaction.atomic
def redecide(*, gold: Gold, value: Any, user: User | None, reason: str, note: str = "") -> Gold:
    """Settle a settled answer anew; the old gold stays as history."""
    hold([gold.item_id])
    if not Gold.objects.current().filter(pk=gold.pk).exists():
        raise ValueError(_("This answer has been replaced already. Reload the page."))
    if reason not in REASONS:
        raise ValueError(_("Choose a reason: %(reasons)s.") % {"reasons": ", ".join(REASONS)})
    version = version_of(gold.project)
    question = schemas.question(version.schema, gold.question)
    value = _decided(value, question, gold.item)
    Case.objects.open().filter(item=gold.item_id, question=gold.question).update(closed_at=timezone.now())
    return _replace(case_of(gold), version, value, user, reason, note)


def _decided(value: Any, question: dict[str, Any], item: Item) -> Any:
    """A decision in the form that gold has; raises ValueError where it is no answer."""
    kind = KINDS[question["kind"]]
    return kind.settled(kind.clean(value, question, item.about), question)


def case_of(gold: Gold) -> Case:
    """A closed case, never stored, of a settled answer: what was said is looked up and decided anew by it."""
    return Case(project=gold.project, item=gold.item, question=gold.question, key=0, closed_at=gold.settled_at)


def close_cases(keys: Iterable[int]) -> None:
    """Close open cases that something else has settled."""
    Case.objects.open().filter(pk__in=list(keys)).update(closed_at=timezone.now())


def version_of(project: Project) -> GuidelineVersion:
    """The guideline in force; raises ValueError where none is published."""
    if project.version is None:
        raise ValueError(_("This project has no published guideline yet."))
    return project.version


def _replace(case: Case, version: GuidelineVersion, value: Any, user: User | None, reason: str, note: str) -> Gold:
    if len(note) > NOTE:
        raise ValueError(_("A note has at most %(most)d characters.") % {"most": NOTE})
    current = Gold.objects.current().filter(item=case.item_id, question=case.question)
    current.update(superseded_at=timezone.now())
    _drop_unasked(case, version, value)
    return Gold.objects.create(
        project=case.project,
        item_id=case.item_id,
        question=case.question,
        value=value,
        method=Gold.Method.ADJUDICATED,
        reason=reason,
        note=note.strip(),
        settled_by=user,
        guideline_version=version,
    )


def _drop_unasked(case: Case, version: GuidelineVersion, value: Any) -> None:
    """What the decision makes a question that nobody is asked has neither a case nor gold any more."""
    closed: set[str] = set()
    for entry in version.schema["questions"]:
        when = entry.get("when")
        if when and (
            when["question"] in closed
            or (
                when["question"] == case.question and not schemas.applies(entry, {case.question: value}, version.schema)
            )
        ):
            closed.add(entry["name"])
    if closed:
        now = timezone.now()
        Case.objects.open().filter(item=case.item_id, question__in=closed).update(closed_at=now)
        Gold.objects.current().filter(item=case.item_id, question__in=closed).update(superseded_at=now)


def answers(case: Case) -> list[dict[str, Any]]:
    """The answers to a case without names, in an order that says nothing about who gave them."""
    rows = Annotation.objects.current().filter(item=case.item_id).exclude(status=Annotation.Status.DRAFT)
    given = [
        {
            "value": row.answer.get(case.question),
            "status": row.status,
            "skip_reason": row.skip_reason,
            "confidence": row.confidence,
            "sureness": row.get_confidence_display() if row.confidence else "",
            "comment": row.comment,
            "flagged": row.flagged,
            "annotator": row.annotator,
            "shuffle": hashlib.sha256(f"{case.key}:{row.pk}".encode()).digest(),
        }
        for row in rows.select_related("annotator")
    ]
    return sorted(given, key=lambda entry: entry["shuffle"])


def queue(*, project: Project, question: str | None = None, user: User | None = None) -> QuerySet[Case]:
    """The open cases, the most contested first; with `user`, without those that this person may not see yet."""
    rows = Case.objects.open().filter(project=project).order_by("-disagreement", "key").select_related("item__document")
    rows = rows.filter(question=question) if question else rows
    return rows.visible_to(user) if user else rows


def following(*, project: Project, after: Case | None = None, user: User | None = None) -> Case | None:
    """The next open case; with `after`, the one behind it in the queue, and the first again at its end.

    So whoever skips case after case meets them all.
    """
    rows = queue(project=project, user=user)
    if after is None:
        return rows.first()
    behind = Q(disagreement__lt=after.disagreement) | Q(disagreement=after.disagreement, key__gt=after.key)
    return rows.filter(behind).first() or rows.exclude(pk=after.pk).first()

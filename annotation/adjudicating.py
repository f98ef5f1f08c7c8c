"""Complete items become gold where answers agree, and cases where they differ; people settle cases with a reason."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery
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

    disagreement: mean distance over the pairs of answers; a skip counts as a full disagreement with every answer.
    """
    kind = KINDS[question["kind"]]
    total = len(values) + skipped
    pairs = total * (total - 1) / 2
    apart = sum(kind.distance(a, b, question) for i, a in enumerate(values) for b in values[i + 1 :])
    apart += skipped * len(values)
    disagreement = apart / pairs if pairs else float(bool(skipped))
    if values and not apart and rule != Project.Settle.NEVER:
        method = Gold.Method.SINGLE if len(values) == 1 else Gold.Method.UNANIMOUS
        return Verdict(values[0], method, 0.0)
    merged = kind.merge(values, question) if values else None
    if rule == Project.Settle.MAJORITY and merged and 2 * merged[1] * len(values) > total:
        return Verdict(merged[0], Gold.Method.MAJORITY, disagreement)
    return Verdict(disagreement=disagreement)


def settle(
    *, project: Project, version: GuidelineVersion, items: Sequence[int], rule: str | None = None
) -> Counter[str]:
    """Gold or cases for those of `items` that have all their answers; counts what it made.

    Gold that came from a person or a file is never touched. Gold made by an earlier settling is replaced where the
    answers changed. One query for the answers, one for existing gold and cases only where something is complete.
    """
    answers = _complete(items)
    if not answers:
        return Counter()
    return _apply(project, version, answers, rule or project.settle)


def _complete(items: Sequence[int]) -> dict[int, list[tuple[int, str, Any]]]:
    """item -> [(annotator, slot state, answer)] for items without an open or leased slot; one query."""
    rows = Assignment.objects.filter(item__in=items).values_list("item_id", "annotator_id", "state")
    mine = Annotation.objects.submitted().filter(item=OuterRef("item"), annotator=OuterRef("annotator"))
    slots: dict[int, list[tuple[int, str, Any]]] = defaultdict(list)
    answered = rows.annotate(given=Subquery(mine.order_by("-pk").values("answer")[:1]))
    for item, annotator, state, given in answered:
        slots[item].append((annotator, state, given))
    closed = {Assignment.State.DONE, Assignment.State.SKIPPED}
    return {item: entries for item, entries in slots.items() if all(state in closed for _a, state, _g in entries)}


def _apply(
    project: Project, version: GuidelineVersion, answers: dict[int, list[tuple[int, str, Any]]], rule: str
) -> Counter[str]:
    known = Gold.objects.current().filter(item__in=answers)
    gold = {(row.item_id, row.question): row for row in known}
    new_gold: list[Gold] = []
    new_cases: list[Case] = []
    outdated: list[int] = []
    for item, entries in answers.items():
        for question in version.schema["questions"]:
            name = question["name"]
            given = [answer[name] for _who, _state, answer in entries if answer and name in answer]
            verdict = judge(given, question, rule=rule, skipped=sum(1 for entry in entries if entry[1] == "skipped"))
            old = gold.get((item, name))
            if old and old.method in (Gold.Method.ADJUDICATED, Gold.Method.IMPORTED):
                continue
            if old and verdict.method and old.value == verdict.value:
                continue
            if old:
                outdated.append(old.pk)
            if verdict.method:
                new_gold.append(_gold(project, version, item, name, verdict.value, verdict.method))
            elif given or question["required"]:
                case = Case(project=project, item_id=item, question=name, disagreement=verdict.disagreement)
                new_cases.append(case)
    return _store(new_gold, new_cases, outdated)


def _gold(project: Project, version: GuidelineVersion, item: int, question: str, value: Any, method: str) -> Gold:
    return Gold(project=project, item_id=item, question=question, value=value, method=method, guideline_version=version)


def _store(gold: list[Gold], cases: list[Case], outdated: list[int]) -> Counter[str]:
    if outdated:
        Gold.objects.filter(pk__in=outdated).update(superseded_at=timezone.now())
    if gold:
        Gold.objects.bulk_create(gold, ignore_conflicts=True)
    if cases:
        Case.objects.bulk_create(cases, ignore_conflicts=True)
    return Counter(gold=len(gold), cases=len(cases))


def settle_all(*, project: Project, rule: str | None = None) -> Counter[str]:
    """Settle every complete item of the project that has neither gold nor an open case; in batches."""
    if project.version is None:
        raise ValueError(_("This project has no published guideline yet."))
    waiting = Item.objects.filter(project=project).exclude(
        Exists(Assignment.objects.filter(item=OuterRef("pk"), state__in=["open", "leased"]))
    )
    made: Counter[str] = Counter()
    for batch in batches(waiting.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=1000), 1000):
        with transaction.atomic():
            made += settle(project=project, version=project.version, items=batch, rule=rule)
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
    version = _version(case.project)
    question = schemas.question(version.schema, case.question)
    value = KINDS[question["kind"]].clean(value, question)
    if not Case.objects.open().filter(pk=case.pk).update(closed_at=timezone.now()):
        raise ValueError(_("This case has been settled already, perhaps in another window. Nothing was changed."))
    return _replace(case, version, value, user, reason, note)


@transaction.atomic
def redecide(*, gold: Gold, value: Any, user: User | None, reason: str, note: str = "") -> Gold:
    """Settle a settled answer anew; the old gold stays as history."""
    if gold.superseded_at is not None:
        raise ValueError(_("This answer has been replaced already. Reload the page."))
    if reason not in REASONS:
        raise ValueError(_("Choose a reason: %(reasons)s.") % {"reasons": ", ".join(REASONS)})
    version = _version(gold.project)
    question = schemas.question(version.schema, gold.question)
    value = KINDS[question["kind"]].clean(value, question)
    Case.objects.open().filter(item=gold.item_id, question=gold.question).update(closed_at=timezone.now())
    case = Case(project=gold.project, item_id=gold.item_id, question=gold.question)
    return _replace(case, version, value, user, reason, note)


def _version(project: Project) -> GuidelineVersion:
    if project.version is None:
        raise ValueError(_("This project has no published guideline yet."))
    return project.version


def _replace(case: Case, version: GuidelineVersion, value: Any, user: User | None, reason: str, note: str) -> Gold:
    if len(note) > NOTE:
        raise ValueError(_("A note has at most %(most)d characters.") % {"most": NOTE})
    current = Gold.objects.current().filter(item=case.item_id, question=case.question)
    current.update(superseded_at=timezone.now())
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


def answers(case: Case) -> list[dict[str, Any]]:
    """The answers to a case without names, in an order that says nothing about who gave them."""
    rows = Annotation.objects.current().filter(item=case.item_id).exclude(status=Annotation.Status.DRAFT)
    given = [
        {
            "value": row.answer.get(case.question),
            "skip_reason": row.skip_reason,
            "comment": row.comment,
            "flagged": row.flagged,
            "annotator": row.annotator,
            "shuffle": (row.pk * 2654435761 + case.key) % 4294967291,
        }
        for row in rows.select_related("annotator")
    ]
    return sorted(given, key=lambda entry: entry["shuffle"])


def following(*, project: Project, after: Case | None = None) -> Case | None:
    """The next open case: the most contested first."""
    rows = Case.objects.open().filter(project=project).order_by("-disagreement", "key")
    if after is not None:
        rows = rows.exclude(pk=after.pk)
    return rows.select_related("item__document").first()

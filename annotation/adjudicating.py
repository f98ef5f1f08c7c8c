"""People settle cases with a reason, and decide anew what was settled; a share of the cases is decided twice."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation import closing, passages, settling, spreads
from annotation import schema as schemas
from annotation.kinds import KINDS
from annotation.models import (
    Annotation,
    Case,
    Gold,
    GuidelineVersion,
    Membership,
    Project,
    SecondOpinion,
    User,
    was_swayed,
)

REASONS = {
    "guideline": gettext_lazy("the guideline is unclear"),
    "oversight": gettext_lazy("an oversight"),
    "ambiguous": gettext_lazy("the text is ambiguous"),
    "context": gettext_lazy("context was missing"),
    "scope": gettext_lazy("out of scope"),
    "other": gettext_lazy("other"),
}
NOTE = 2000
RULE = 200
NUMBERED = "rule:"
RULES = ("label:", "heading:", NUMBERED)
# Minutes for which a case that somebody has open is passed over for others.
HELD = 10


@dataclass(frozen=True)
class Decision:
    """What a person decided of a case, checked; `distribution` where the text is ambiguous."""

    value: Any
    distribution: list[dict[str, Any]] | None
    reason: str
    rule: str
    note: str


@transaction.atomic
def decide(
    *,
    case: Case,
    value: Any,
    user: User | None,
    reason: str,
    note: str = "",
    rule: str = "",
    ambiguous: bool = False,
) -> Gold:
    """Settle an open case; returns the gold that then stands.

    rule: what of the guideline is at issue, "label:NAME", "heading:WORDS" or "rule:NUMBER". ambiguous: the text is; gold
    then keeps the distribution of the independent answers, and `value` (None: the most frequent answer) is what counts
    where one label must. reason: one of REASONS; empty only where the answers agree. A second decision is written down
    beside the first, and where they differ a case for discussion opens. Raises ValueError where the value is no answer,
    the reason unknown, the case closed, the second person the first, or where a version of the guideline was published
    since the case was read.
    """
    version = _still_in_force(case.project, user)
    question = schemas.question(version.schema, case.question)
    decision = _checked(case, question, value, reason, note, rule, ambiguous)
    settling.hold([case.item_id])
    if not closing.close(Case.objects.filter(pk=case.pk)):
        raise ValueError(_("This case has been settled already, perhaps in another window. Nothing was changed."))
    if case.why == Case.Why.SECOND and case.first is not None:
        return _second(case, case.first, version, question, decision, user)
    gold = _replace(case, version, decision, user)
    if case.why in (Case.Why.DIFFER, Case.Why.AGREED):
        _ask_second(case, gold)
    return gold


@transaction.atomic
def redecide(
    *,
    gold: Gold,
    value: Any,
    user: User | None,
    reason: str,
    note: str = "",
    rule: str = "",
    ambiguous: bool = False,
) -> Gold:
    """Settle a settled answer anew; the old gold stays as history. Raises ValueError as `decide` does."""
    version = _still_in_force(gold.project, user)
    settling.hold([gold.item_id])
    if not Gold.objects.current().filter(pk=gold.pk).exists():
        raise ValueError(_("This answer has been replaced already. Reload the page."))
    question = schemas.question(version.schema, gold.question)
    decision = _checked(case_of(gold), question, value, reason, note, rule, ambiguous)
    closing.close(Case.objects.filter(item=gold.item_id, question=gold.question))
    return _replace(case_of(gold), version, decision, user)


def _checked(
    case: Case, question: dict[str, Any], value: Any, reason: str, note: str, rule: str, ambiguous: bool
) -> Decision:
    """A decision in the form that gold has; raises ValueError with a sentence."""
    if reason not in REASONS and (reason or not case.is_agreed):
        raise ValueError(_("Choose a reason: %(reasons)s.") % {"reasons": ", ".join(REASONS)})
    if len(note) > NOTE:
        raise ValueError(_("A note has at most %(most)d characters.") % {"most": NOTE})
    if len(rule) > RULE or (rule and not rule.startswith(RULES)):
        raise ValueError(_("The rule at issue is named as label:NAME, heading:WORDS or rule:NUMBER."))
    if rule.startswith(NUMBERED):
        words = rule.removeprefix(NUMBERED).strip()
        number = passages.cited(settling.version_of(case.project).text, words)
        if not number:
            raise ValueError(_("The guideline has no rule “%(words)s”: name one by its number, such as 4.2.") % {"words": words[:40]})  # fmt: skip
        rule = f"{NUMBERED}{number}"
    distribution = distribution_of(case, question) if ambiguous else None
    if distribution == []:
        raise ValueError(
            _(
                "There is no independent answer whose distribution could be kept. Decide for one answer, or send it back."
            )
        )
    if distribution and value in (None, ""):
        value = distribution[0]["value"]
    kind = KINDS[question["kind"]]
    found = kind.settled(kind.clean(value, question, case.item.about), question)
    return Decision(found, distribution, reason, rule, note.strip())


def _still_in_force(project: Project, user: User | None) -> GuidelineVersion:
    """The guideline that the project was read with, kept until the commit; ValueError where there is a newer one."""
    now = settling.keep_version(project, user)
    if now.version_id != project.version_id:
        raise ValueError(
            _("A new version of the guideline was published in the meantime. Reload the page and decide by it.")
        )
    return settling.version_of(now)


def distribution_of(case: Case, question: dict[str, Any]) -> list[dict[str, Any]]:
    """[{"value", "n"}]: how often each answer was given independently, the most frequent first."""
    rows = Annotation.objects.submitted().filter(item=case.item_id, independent=True)
    kind, about = KINDS[question["kind"]], case.item.about
    given = []
    for answer, suggested in rows.values_list("answer", "suggested"):
        if question["name"] not in answer or was_swayed(suggested, question["name"]):
            continue
        with suppress(ValueError):  # an answer under an earlier guideline may be none any more
            given.append(kind.settled(kind.clean(answer[question["name"]], question, about), question))
    return spreads.clean([{"value": value, "n": 1} for value in given], lambda value: value)


def claim(case: Case, user: User) -> bool:
    """Note that this person has the case open, for some minutes; False where somebody else has it, who keeps it."""
    now = timezone.now()
    free = Q(held_by=None) | Q(held_by=user) | Q(held_until__lt=now)
    until = now + timedelta(minutes=HELD)
    return bool(Case.objects.open().filter(free, pk=case.pk).update(held_by=user, held_until=until))


def let_go(case: Case, user: User) -> None:
    """This person looks at something else: the case is free for everybody."""
    Case.objects.filter(pk=case.pk, held_by=user).update(held_by=None, held_until=None)


# -- Two adjudicators ---------------------------------------------------------------------------------------------


def _ask_second(case: Case, gold: Gold) -> None:
    """A case for somebody else, where there is somebody and this one is in the sample that is decided twice."""
    if not settling.sampled(case.item, case.project.second_percent, "second"):
        return
    others = Membership.objects.filter(project=case.project, user__is_active=True).exclude(user=gold.settled_by)
    if not others.filter(role__in=[Membership.Role.MANAGER, Membership.Role.ADJUDICATOR]).exists():
        return
    Case.objects.create(
        project=case.project,
        item_id=case.item_id,
        question=case.question,
        why=Case.Why.SECOND,
        first=gold,
        disagreement=case.disagreement,
        pairs=case.pairs,
        agreed=case.agreed,
    )


def _second(
    case: Case, first: Gold, version: GuidelineVersion, question: dict[str, Any], decision: Decision, user: User | None
) -> Gold:
    """Write the second decision down; the first stands, and where the two differ a case for discussion opens."""
    if user is not None and first.settled_by_id == user.pk:
        raise ValueError(_("You made the first decision; the second is somebody else's."))
    apart = float(KINDS[question["kind"]].distance(first.value, decision.value, question))
    if (first.distribution is None) != (decision.distribution is None):
        apart = 1.0
    SecondOpinion.objects.create(
        project=case.project,
        case=case,
        gold=first,
        value=decision.value,
        ambiguous=decision.distribution is not None,
        distance=apart,
        reason=decision.reason,
        rule=decision.rule,
        note=decision.note,
        by=user,
        guideline_version=version,
    )
    if apart:
        Case.objects.create(
            project=case.project,
            item_id=case.item_id,
            question=case.question,
            why=Case.Why.DISCUSS,
            first=first,
            disagreement=apart,
            pairs=settling.pairs_of([first.value, decision.value], question),
        )
    return first


def case_of(gold: Gold) -> Case:
    """A closed case, never stored, of a settled answer: what was said is looked up and decided anew by it."""
    return Case(project=gold.project, item=gold.item, question=gold.question, key=0, closed_at=gold.settled_at)


def _replace(case: Case, version: GuidelineVersion, decision: Decision, user: User | None) -> Gold:
    current = Gold.objects.current().filter(item=case.item_id, question=case.question)
    current.update(superseded_at=timezone.now())
    _drop_unasked(case, version, decision.value)
    here = Case.objects.filter(item=case.item_id, question=case.question)
    return Gold.objects.create(
        project=case.project,
        item_id=case.item_id,
        question=case.question,
        value=decision.value,
        distribution=decision.distribution,
        method=Gold.Method.ADJUDICATED,
        reason=decision.reason,
        rule=decision.rule,
        note=decision.note,
        settled_by=user,
        guideline_version=version,
        case=case if case.pk else here.order_by("-pk").first(),
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
        closing.close(Case.objects.filter(item=case.item_id, question__in=closed))
        gold = Gold.objects.current().filter(item=case.item_id, question__in=closed)
        gold.update(superseded_at=timezone.now())


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
            "independent": row.independent,
            "annotator": row.annotator,
            "shuffle": hashlib.sha256(f"{case.key}:{row.pk}".encode()).digest(),
        }
        for row in rows.select_related("annotator")
    ]
    return sorted(given, key=lambda entry: entry["shuffle"])

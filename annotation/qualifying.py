"""The qualification: training items with gold and explanations, attempts with feedback, who may label, what misleads."""

import random
import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import competence, recording, settling
from annotation import schema as schemas
from annotation.annotating import Sent
from annotation.models import (
    Attempt,
    Explanation,
    Gold,
    GuidelineVersion,
    Item,
    Membership,
    Project,
    TrainingAnswer,
    User,
)
from annotation.text.normal import clean

LONGEST = 5000


# -- Training items -------------------------------------------------------------------------------------------------


def training_items(project: Project) -> QuerySet[Item]:
    """The training items that have gold, in the order that the manager gave them."""
    gold = Gold.objects.current().filter(item=OuterRef("pk"))
    rows = Item.objects.filter(Exists(gold), project=project, role=Item.Role.TRAINING)
    return rows.select_related("document", "explanation").order_by("explanation__place", "pk")


def explain(*, item: Item, text: str, rule: str = "", place: int | None = None) -> Explanation:
    """What a training item teaches. Raises ValueError where the item is none, or the words are too long."""
    if item.role != Item.Role.TRAINING:
        raise ValueError(_("Only a training item has an explanation: give it that role first."))
    told = {"text": clean(text).text.strip(), "rule": clean(rule).text.strip()}
    if any(len(words) > LONGEST for words in told.values()):
        raise ValueError(_("An explanation and a rule have at most %(most)d characters.") % {"most": LONGEST})
    order = {} if place is None else {"place": place}
    return Explanation.objects.update_or_create(item=item, defaults={**told, **order})[0]


# -- A person's way through it --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """Where a person stands: whether they may label, what is left to them, and the attempt that is under way."""

    required: bool
    qualified: bool
    items: int
    used: int
    left: int
    current: Attempt | None
    done: int
    last: Attempt | None

    @property
    def can_begin(self) -> bool:
        """Whether a new attempt may begin now."""
        return not self.qualified and self.current is None and self.left > 0 and self.items > 0


def attempts(membership: Membership) -> QuerySet[Attempt]:
    """This person's attempts that count now, the last first: under the version in force, where that is asked."""
    project = membership.project
    rows = Attempt.objects.filter(project=project, person=membership.user_id, waived_by=None)
    if project.qualification == Project.Qualification.VERSION and project.version is not None:
        rows = rows.filter(guideline_version=project.version)
    return rows


def standing(membership: Membership) -> Standing:
    """Where this person stands; a few queries."""
    project = membership.project
    rows = list(attempts(membership))
    current = next((row for row in rows if row.ended_at is None), None)
    used = sum(not row.forgiven for row in rows)
    return Standing(
        required=project.qualification != Project.Qualification.NONE,
        qualified=membership.is_qualified,
        items=training_items(project).count(),
        used=used,
        left=max(0, project.attempts - used),
        current=current,
        done=current.answers.count() if current else 0,
        last=next((row for row in rows if row.ended_at is not None), None),
    )


@transaction.atomic
def begin(*, membership: Membership) -> Attempt:
    """A new attempt over items drawn at random, or the one that is under way. Raises ValueError where there is none."""
    membership = Membership.objects.locked(membership)
    project = membership.project
    version = settling.version_of(project)
    now = standing(membership)
    if now.current is not None:
        return now.current
    if not now.required:
        raise ValueError(_("This project asks for no qualification."))
    if now.qualified:
        raise ValueError(_("You have passed the qualification."))
    if not now.left:
        raise ValueError(_("You have used all your attempts. Ask a manager for another one."))
    known = [item.pk for item in training_items(project) if _gold(item.pk, version)]
    if len(known) < project.pass_least:
        raise ValueError(
            _("The qualification is not ready: it needs %(least)d training items and has %(count)d. Ask a manager.")
            % {"least": project.pass_least, "count": len(known)}
        )
    drawn = random.Random(secrets.randbits(64)).sample(known, project.pass_least)
    return Attempt.objects.create(
        project=project,
        person_id=membership.user_id,
        guideline_version=version,
        items=drawn,
        pass_mark=project.pass_mark,
    )


def current(membership: Membership) -> Attempt | None:
    """The attempt under way."""
    rows = attempts(membership).filter(ended_at=None)
    return rows.select_related("guideline_version").first()


def following(attempt: Attempt) -> Item | None:
    """The next item of an attempt; None behind the last."""
    done = set(attempt.answers.values_list("item_id", flat=True))
    left = [pk for pk in attempt.items if pk not in done]
    rows = Item.objects.select_related("document").in_bulk(left[:1])
    return rows.get(left[0]) if left else None


@transaction.atomic
def answer(*, membership: Membership, sent: Sent) -> tuple[TrainingAnswer, dict[str, Any]]:
    """Take an answer to the item on the screen (`sent.assignment` is its number); with the feedback.

    feedback: {right, questions [{name, title, given, gold, right}], explanation, rule, done, of, passed}; passed is
    None before the last item. Raises ValueError; a repeat of the client id changes nothing.
    """
    membership = Membership.objects.locked(membership)
    repeat = TrainingAnswer.objects.filter(client_id=sent.client_id, attempt__person=membership.user_id).first()
    if repeat is not None:
        return repeat, feedback(repeat)
    attempt = current(membership)
    if attempt is None:
        raise ValueError(_("No attempt is under way. Begin one on the page of the qualification."))
    item = following(attempt)
    if item is None or item.pk != sent.assignment:
        raise ValueError(_("This item was answered in another window. Reload the page."))
    if sent.status != "submitted":
        raise ValueError(_("A training item is answered, not skipped: say what seems right to you."))
    version = attempt.guideline_version
    given = schemas.clean(sent.answer, version.schema, about=item.about)
    scores = _scores(given, _gold(item.pk, version), version)
    try:
        with transaction.atomic():
            row = TrainingAnswer.objects.create(
                attempt=attempt,
                item=item,
                client_id=sent.client_id,
                answer=given,
                right=all(score == 1 for score in scores.values()),
                score=mean(scores.values()) if scores else 1.0,
                seconds=sent.seconds,
            )
    except IntegrityError:
        raise ValueError(_("This answer's id is in use. Reload the page.")) from None
    if attempt.answers.count() >= len(attempt.items):
        _end(membership, attempt)
    return row, feedback(row)


def _end(membership: Membership, attempt: Attempt) -> None:
    right = attempt.answers.filter(right=True).count()
    attempt.passed = 100 * right >= attempt.pass_mark * len(attempt.items)
    attempt.ended_at = timezone.now()
    attempt.save(update_fields=["passed", "ended_at"])
    if attempt.passed:
        _qualify(membership, attempt.guideline_version, by=membership.user, right=right, of=len(attempt.items))
    else:
        recording.record(
            project=membership.project_id,
            kind="not_qualified",
            by=membership.user_id,
            about=membership.user_id,
            version=attempt.guideline_version,
            right=right,
            of=len(attempt.items),
        )


def _qualify(membership: Membership, version: GuidelineVersion, *, by: User | None, **details: Any) -> None:
    membership.qualified = version.number
    membership.save(update_fields=["qualified"])
    recording.record(
        project=membership.project_id, kind="qualified", by=by, about=membership.user_id, version=version, **details
    )


def _gold(item: int, version: GuidelineVersion) -> dict[str, Any]:
    """question -> gold of the questions that the version asks."""
    names = {entry["name"] for entry in version.schema["questions"]}
    rows = Gold.objects.current().filter(item=item, question__in=names)
    return dict(rows.values_list("question", "value"))


def _scores(given: dict[str, Any], gold: dict[str, Any], version: GuidelineVersion) -> dict[str, float]:
    """question -> 1 less the distance to the gold; 0 for one that was not answered."""
    return {
        name: competence.score(given[name], value, schemas.question(version.schema, name)) if name in given else 0.0
        for name, value in gold.items()
    }


def feedback(row: TrainingAnswer) -> dict[str, Any]:
    """What is told after an answer, as `answer` says it."""
    attempt, version = row.attempt, row.attempt.guideline_version
    gold = _gold(row.item_id, version)
    scores = _scores(row.answer, gold, version)
    told = Explanation.objects.filter(item=row.item_id).first()
    return {
        "right": row.right,
        "questions": [
            {
                "name": name,
                "title": schemas.question(version.schema, name)["title"],
                "given": row.answer.get(name),
                "gold": value,
                "right": scores[name] == 1,
            }
            for name, value in gold.items()
        ],
        "explanation": told.text if told else "",
        "rule": told.rule if told else "",
        "done": attempt.answers.filter(pk__lte=row.pk).count(),
        "of": len(attempt.items),
        "passed": attempt.passed,
    }


# -- What managers do and see ---------------------------------------------------------------------------------------


@transaction.atomic
def waive(*, membership: Membership, by: User | None, note: str = "") -> Attempt:
    """Let a person label without the qualification. Raises ValueError where no guideline is published."""
    version = settling.version_of(membership.project)
    now = timezone.now()
    Attempt.objects.filter(project=membership.project, person=membership.user, ended_at=None).update(
        ended_at=now, passed=False
    )
    row = Attempt.objects.create(
        project=membership.project,
        person=membership.user,
        guideline_version=version,
        ended_at=now,
        passed=True,
        waived_by=by,
        note=note.strip()[:LONGEST],
    )
    _qualify(membership, version, by=by, waived=True)
    return row


@transaction.atomic
def grant(*, membership: Membership) -> Attempt:
    """One more attempt: the last one that failed is not counted. Raises ValueError where none failed."""
    row = attempts(membership).filter(passed=False, forgiven=False, ended_at__isnull=False).first()
    if row is None:
        raise ValueError(_("This person has no failed attempt that counts."))
    row.forgiven = True
    row.save(update_fields=["forgiven"])
    return row


def results(project: Project) -> list[dict[str, Any]]:
    """{membership, qualified, attempts [{attempt, right, of}]} of everybody who labels; three queries."""
    members = [row for row in project.memberships.select_related("user", "project__version") if row.can_label]
    right: dict[int, list[bool]] = defaultdict(list)
    given = TrainingAnswer.objects.filter(attempt__project=project)
    for attempt, was in given.values_list("attempt_id", "right"):
        right[attempt].append(was)
    rows: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in Attempt.objects.filter(project=project).select_related("guideline_version", "waived_by"):
        rows[row.person_id].append({"attempt": row, "right": sum(right[row.pk]), "of": len(row.items)})
    return [
        {"membership": row, "qualified": row.is_qualified, "attempts": rows.get(row.user_id, [])} for row in members
    ]


def by_item(project: Project, items: Sequence[int]) -> dict[int, dict[str, Any]]:
    """item -> {n, right, score, given} of all answers to it: what most people miss misleads; `given` are wrong ones."""
    found: dict[int, list[TrainingAnswer]] = defaultdict(list)
    for row in TrainingAnswer.objects.filter(item__in=items, attempt__project=project):
        found[row.item_id].append(row)
    return {
        item: {
            "n": len(rows),
            "right": sum(row.right for row in rows),
            "score": mean(row.score for row in rows),
        }
        for item, rows in found.items()
    }

"""Reads: how right people are on control items, by question and guideline version, and how that went over time."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet

from annotation.agreement.accuracy import LEAST as LEAST
from annotation.agreement.accuracy import Accuracy as Accuracy
from annotation.agreement.accuracy import accuracy
from annotation.kinds import KINDS
from annotation.models import Annotation, Gold, GuidelineVersion, Item, Project, User


@dataclass(frozen=True)
class Check:
    """One answer to one question of a control item beside its gold; score is 1 less the distance."""

    annotation: int
    person: int
    item: int
    question: str
    version: int
    at: datetime
    given: Any
    gold: Any
    score: float


def answers(project: Project, *, person: int | None = None) -> QuerySet[Annotation]:
    """Answers that were given to control items while they were that, blind."""
    rows: QuerySet[Annotation] = Annotation.objects.submitted().filter(
        project=project, item__role=Item.Role.CONTROL, independent=True, created_at__gte=F("item__role_since")
    )
    return rows if person is None else rows.filter(annotator=person)


def checks(project: Project, *, person: int | None = None) -> list[Check]:
    """Every such answer, question by question, in the order in which they were given; three queries."""
    rows = answers(project, person=person).order_by("created_at", "pk")
    given = list(rows.values_list("pk", "annotator_id", "item_id", "guideline_version", "created_at", "answer"))
    versions = GuidelineVersion.objects.filter(pk__in={row[3] for row in given})
    questions = {pk: schema["questions"] for pk, schema in versions.values_list("pk", "schema")}
    items = {row[2] for row in given}
    gold: dict[tuple[int, str], Any] = {}
    known = Gold.objects.current().filter(Q(item__role=Item.Role.CONTROL), project=project)
    for item, question, value in known.values_list("item_id", "question", "value"):
        if item in items:
            gold[item, question] = value
    found = []
    for pk, who, item, version, at, answer in given:
        for entry in questions[version]:
            name = entry["name"]
            if (item, name) in gold and name in answer:
                told = score(answer[name], gold[item, name], entry)
                found.append(Check(pk, who, item, name, version, at, answer[name], gold[item, name], told))
    return found


def score(given: Any, gold: Any, question: dict[str, Any]) -> float:
    """1 less the distance of an answer to the gold, as the question's kind measures it; 0 where they cannot be compared."""
    kind = KINDS[question["kind"]]
    try:
        return 1 - float(kind.distance(kind.settled(given, question), kind.settled(gold, question), question))
    except (ValueError, KeyError, TypeError):  # a guideline since then may not know the label
        return 0.0


def by(found: Iterable[Check], *names: str) -> dict[tuple[Any, ...], Accuracy]:
    """The accuracy of each group of checks, by these of their fields."""
    scores: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for check in found:
        scores[tuple(getattr(check, name) for name in names)].append(check.score)
    return {key: told for key, given in scores.items() if (told := accuracy(given))}


def trend(found: Sequence[Check], *, size: int = LEAST) -> list[tuple[datetime, Accuracy]]:
    """Accuracy in consecutive windows of `size` checks, each with the time of its last; a smaller rest is left out."""
    windows = [found[start : start + size] for start in range(0, len(found) - size + 1, size)]
    told = [(window[-1].at, accuracy([check.score for check in window])) for window in windows]
    return [(at, figures) for at, figures in told if figures is not None]


def of_people(found: Iterable[Check]) -> list[dict[str, Any]]:
    """{person, question, accuracy} of everybody with an answer to a control item, the least sure first; one query."""
    figures = by(found, "person", "question")
    users = User.objects.in_bulk({person for person, _question in figures})
    rows = [
        {"person": users[person], "question": question, "accuracy": told}
        for (person, question), told in figures.items()
    ]
    return sorted(rows, key=lambda row: (not row["accuracy"].judged, row["accuracy"].low))


def of_items(found: Iterable[Check], items: Iterable[int]) -> dict[int, dict[str, Accuracy]]:
    """item -> question -> how many were right: gold that most people miss may be wrong."""
    wanted = set(items)
    figures = by((check for check in found if check.item in wanted), "item", "question")
    told: dict[int, dict[str, Accuracy]] = defaultdict(dict)
    for (item, question), one in figures.items():
        told[item][question] = one
    return dict(told)

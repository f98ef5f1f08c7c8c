"""Reads: agreement cut by source type, language, time, people, guideline version, batch and round; and the items behind a cut."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, TextField
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Cast, Coalesce, TruncMonth
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from numpy.typing import NDArray

from annotation.agreement.kinds import AGREEMENTS, nominal
from annotation.agreement.ratings import Ratings
from annotation.kinds import KINDS
from annotation.kinds import labels as declared
from annotation.models import Annotation, Assignment, Batch, Case, GuidelineVersion, Item, Project, Round, User

BY = {
    "source_type": _("Source type"),
    "language": _("Language"),
    "published": _("Month of publication"),
    "answered": _("Month of the answers"),
    "label": _("Label"),
    "pair": _("Two people"),
    "guideline_version": _("Guideline version"),
    "batch": _("Batch"),
    "round": _("Calibration round"),
}
MOST_ROWS = 60  # of one cut: those with the most items
BATCHES = ("batch", "round")  # parts are named by the number of the batch, which a round is, too
SEPARATOR = "~"  # between two people
QUARTER = 900  # seconds
SEVERAL = 2  # answers to an item that make it one of agreement

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Answer:
    """One answer that counts in agreement: item, annotator, value, when and under which version (number) it was given."""

    item: str
    annotator: str
    value: Any
    at: datetime
    under: int

    @property
    def triple(self) -> tuple[str, str, Any]:
        """As the maths takes it."""
        return self.item, self.annotator, self.value


@dataclass(frozen=True, eq=False)
class Given:
    """All answers to one question, sorted by item and annotator, as names: coded once, however often they are parted.

    groups: item -> what it belongs to, or None where every item stands alone.
    """

    project: Project
    question: Mapping[str, Any]
    answers: Sequence[Answer]
    groups: Mapping[str, str] | None

    @classmethod
    def of(
        cls,
        answers: Iterable[Answer],
        *,
        project: Project,
        question: Mapping[str, Any],
        groups: Mapping[str, str] | None,
    ) -> "Given":
        """The answers in any order."""
        return cls(project, question, sorted(answers, key=lambda one: (one.item, one.annotator)), groups)

    @cached_property
    def items(self) -> list[str]:
        """The items that were answered, sorted by name."""
        return sorted({one.item for one in self.answers})

    @cached_property
    def unit(self) -> NDArray[np.int64]:
        """The place in items of each answer's: int64[n], ascending."""
        place = {item: number for number, item in enumerate(self.items)}
        return np.fromiter((place[one.item] for one in self.answers), np.int64, len(self.answers))

    @cached_property
    def ratings(self) -> Ratings | None:
        """The answers as Ratings in the same order; None where figures of the kind need more, or a label is unknown."""
        of = AGREEMENTS[str(self.question["kind"])].ratings
        found: Ratings | None = of(self.triples(), question=self.question, groups=self.groups)
        return found if found is not None and found.value.size == len(self.answers) else None

    @cached_property
    def documents(self) -> dict[str, tuple[str, str, str]]:
        """item -> source type, language, day of publication; one query for all cuts by them."""
        fields = ("document__source_type", "document__language", "document__published_at")
        rows = self.project.items.values_list("pk", *fields).iterator(chunk_size=5000)
        return {str(item): (source, language, published) for item, source, language, published in rows}

    def triples(self) -> Iterator[tuple[str, str, Any]]:
        """As the maths takes them."""
        return (one.triple for one in self.answers)

    def units(self, part: Places) -> int:
        """Items with two or more of these answers; part: intp[m], their places."""
        return int((np.bincount(self.unit[part]) >= SEVERAL).sum())

    def figures(self, part: Places, *, draws: int, seed: int) -> dict[str, Any]:
        """The main figures of these answers alone, see `Agreement.brief`; part: intp[m], their places, ascending."""
        if self.ratings is not None:
            return nominal(self.ratings.only(part), draws=draws, seed=seed)
        brief = AGREEMENTS[str(self.question["kind"])].brief
        rows = [self.answers[place].triple for place in part.tolist()]
        return dict(brief(rows, question=self.question, draws=draws, seed=seed, groups=self.groups))


def table(by: str, given: Given, *, draws: int, seed: int) -> dict[str, Any]:
    """One cut: {by, names: of its figures, rows: [{value, name, n, figures {name: figure}}]}, the most items first.

    n: items with two or more answers. Not by label or guideline version: see `of_labels` and `of_versions`.
    """
    counted = {value: (given.units(part), part) for value, part in _parted(by, given).items()}
    parts = sorted((-n, value, part) for value, (n, part) in counted.items() if n)
    names = _names(by, given.project, [value for _n, value, _part in parts])
    rows: list[dict[str, Any]] = []
    for n, value, part in parts[:MOST_ROWS]:
        figures = given.figures(part, draws=draws, seed=seed)
        rows.append({"value": value, "name": names.get(value, value), "n": -n, "figures": figures})
    return {"by": by, "names": list(rows[0]["figures"]) if rows else [], "rows": rows, "left_out": max(0, len(parts) - MOST_ROWS)}  # fmt: skip


def of_labels(figures: Mapping[str, Any], question: Mapping[str, Any]) -> dict[str, Any]:
    """The cut by label: what the report says of each declared label against all others."""
    rows: list[dict[str, Any]] = []
    for row in figures.get("labels", []):
        told = {name: row[name] for name in ("alpha", "specific_agreement") if row.get(name)}
        rows.append({"value": row["label"], "name": declared.title(row["label"], dict(question)), "n": row["units"], "figures": told})  # fmt: skip
    return {"by": "label", "names": list(rows[0]["figures"]) if rows else [], "rows": rows, "left_out": 0}


def of_versions(found: Iterable[tuple[GuidelineVersion, Given]], *, draws: int, seed: int) -> dict[str, Any]:
    """The cut by guideline version, of (version, its answers), the newest first."""
    rows: list[dict[str, Any]] = []
    for version, given in found:
        every = np.arange(len(given.answers))
        told = given.figures(every, draws=draws, seed=seed)
        rows.append({"value": str(version.number), "name": f"v{version.number}", "n": given.units(every), "figures": told})  # fmt: skip
    names = list(rows[0]["figures"]) if rows else []
    return {"by": "guideline_version", "names": names, "rows": rows, "left_out": 0}


def _parted(by: str, given: Given) -> dict[str, Places]:
    """The places of the answers of each part, ascending."""
    if by == "pair":
        return _pairs(given)
    if by in BATCHES:
        return _batches(by, given)
    of_item = _answered(given) if by == "answered" else _told(by, given)
    names = sorted(set(of_item))
    code = {name: place for place, name in enumerate(names)}
    codes = np.fromiter((code[value] for value in of_item), np.int64, len(of_item))
    return _split(codes[given.unit], np.arange(given.unit.size), names)


def _split(codes: NDArray[np.int64], places: Places, names: Sequence[str]) -> dict[str, Places]:
    """name -> the places that have its code; of codes and places side by side, the places of a code ascending."""
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(names)))
    return dict(zip(names, np.split(places[order], ends[:-1]), strict=True)) if names else {}


def _told(by: str, given: Given) -> list[str]:
    """What is known of the document of each item."""
    place, length = {"source_type": (0, None), "language": (1, None), "published": (2, 7)}[by]
    known = given.documents
    return [known[item][place][:length] if item in known else "" for item in given.items]


def _answered(given: Given) -> list[str]:
    """The month in which the last answer to each item came."""
    seconds = np.fromiter((one.at.timestamp() for one in given.answers), np.float64, len(given.answers))
    last = np.full(len(given.items), -np.inf)
    np.maximum.at(last, given.unit, seconds)
    # No month begins within a quarter of an hour, in any time zone.
    quarters, which = np.unique(np.floor(last / QUARTER), return_inverse=True)
    moments = [timezone.localtime(datetime.fromtimestamp(QUARTER * quarter, UTC)) for quarter in quarters.tolist()]
    months = [moment.strftime("%Y-%m") for moment in moments]
    return [months[place] for place in which.tolist()]


def _batches(by: str, given: Given) -> dict[str, Places]:
    """By the batch of the slot that an answer filled; answers of no batch, or of none that is a round, are in no part."""
    slots = Assignment.objects.filter(project=given.project, batch__isnull=False, annotator__isnull=False)
    slots = slots.filter(batch__round__isnull=False) if by == "round" else slots
    batches = {
        (str(item), str(person)): str(batch)
        for item, person, batch in slots.values_list("item_id", "annotator_id", "batch_id")
    }
    found: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(given.answers if batches else ()):
        if batch := batches.get((one.item, one.annotator)):
            found[batch].append(place)
    return {batch: np.array(places) for batch, places in found.items()}


def _pairs(given: Given) -> dict[str, Places]:
    """The answers of every two people to the items that both answered."""
    people = sorted({one.annotator for one in given.answers}, key=int)
    place = {person: number for number, person in enumerate(people)}
    who = np.fromiter((place[one.annotator] for one in given.answers), np.int64, len(given.answers))
    lots = [_apart(given.unit, step) for step in range(1, int(np.bincount(given.unit).max(initial=1)))]
    one, other = np.concatenate([np.zeros((2, 0), dtype=np.intp), *lots], axis=1)
    low, high = np.minimum(who[one], who[other]), np.maximum(who[one], who[other])
    pairs, code = np.unique(low * len(people) + high, return_inverse=True)
    names = [SEPARATOR.join(people[side] for side in divmod(pair, len(people))) for pair in pairs.tolist()]
    both = np.concatenate([one, other])
    order = np.argsort(both)
    return _split(np.concatenate([code, code])[order], both[order], names)


def _apart(unit: NDArray[np.int64], step: int) -> NDArray[np.intp]:
    """Two answers to one item that lie this far from each other: intp[2, pairs]."""
    first = np.flatnonzero(unit[step:] == unit[:-step])
    return np.stack([first, first + step])


def _names(by: str, project: Project, parts: Iterable[str]) -> dict[str, str]:
    """value -> what the part is called, where that is something else."""
    if by == "batch":
        return {str(batch.pk): batch.title for batch in Batch.objects.filter(project=project)}
    if by == "round":
        rounds = Round.objects.filter(batch__project=project).select_related("guideline_version")
        return {str(row.batch_id): f"{row.number} · {row.guideline_version}" for row in rounds}
    if by == "pair":
        people = {person for pair in parts for person in pair.split(SEPARATOR)}
        rows = User.objects.filter(pk__in=people).values_list("pk", "name", "username")
        called = {str(pk): name or username for pk, name, username in rows}
        return {pair: " · ".join(called.get(one, one) for one in pair.split(SEPARATOR)) for pair in parts}
    return {}


def items_of(
    *, version: GuidelineVersion, question: Mapping[str, Any], by: str, value: str, since: int = 0
) -> QuerySet[Item]:
    """The items of one part of a cut, as many as the cut says: those that two or more people answered in that part.

    The most contested first. since: the number of the version that first asked the question, see `Reigns.asked_since`.
    Raises ValueError.
    """
    name = question["name"]
    given = Annotation.objects.standing_under(version).filter(item=OuterRef("pk"), independent=True)
    given = given.filter(guideline_version__number__gte=since)
    # Not where a model's proposal was in sight, see `was_swayed`.
    seen = KeyTransform("moment", KeyTransform(name, "suggested"))
    answered = given.annotate(told=KeyTransform(name, "answer"), seen=seen).filter(told__isnull=False)
    answered = answered.filter(Q(seen__isnull=True) | ~Q(seen="before"))
    if by in BATCHES:
        slots = Assignment.objects.filter(item=OuterRef("item"), annotator=OuterRef("annotator"), batch=_whole(value))
        answered = answered.filter(Exists(slots))
    rows: QuerySet[Item] = Item.objects.filter(project=version.project_id, role=Item.Role.WORK)
    several = answered.order_by().values("item").annotate(n=Count("pk")).filter(n__gte=SEVERAL)
    rows = rows.filter(Exists(several))
    rows = _within(rows, by, value, answered=answered, question=question)
    cases = Case.objects.filter(item=OuterRef("pk"), question=name).order_by("-disagreement")
    return rows.annotate(apart=Coalesce(cases.values("disagreement")[:1], 0.0)).order_by("-apart", "pk")


def _within(
    rows: QuerySet[Item], by: str, value: str, *, answered: QuerySet[Annotation], question: Mapping[str, Any]
) -> QuerySet[Item]:
    if by in ("source_type", "language"):
        return rows.filter(**{f"document__{by}": value})
    if by == "published":
        return (
            rows.filter(document__published_at__startswith=value) if value else rows.filter(document__published_at="")
        )
    if by == "answered":
        month = answered.order_by().values("item").annotate(month=TruncMonth(Max("updated_at"))).values("month")
        year, _dash, number = value.partition("-")
        return rows.annotate(month=month).filter(month__year=_whole(year), month__month=_whole(number))
    if by == "label":
        return rows.filter(Exists(_naming(answered, value, question)))
    if by == "pair":
        one, _sign, other = value.partition(SEPARATOR)
        return rows.filter(*(Exists(answered.filter(annotator=_whole(person))) for person in (one, other)))
    if by in ("guideline_version", *BATCHES):
        return rows
    raise ValueError(f"There is no cut by {by!r}; there are {', '.join(BY)}.")


def _whole(text: str) -> int:
    """A key or a number of a month; raises ValueError."""
    if not text.isdecimal() or len(text) > 18:
        raise ValueError(f"{text!r} is no number.")
    return int(text)


def _naming(answered: QuerySet[Annotation], label: str, question: Mapping[str, Any]) -> QuerySet[Annotation]:
    """Answers that name this label."""
    if question["kind"] == "choice":
        return answered.filter(told=label)
    found = Q()
    for plain in (False, True):
        part = KINDS[str(question["kind"])].named.format(json.dumps(label, ensure_ascii=not plain))
        found |= Q(written__contains=part)
    return answered.annotate(written=Cast(KeyTransform(question["name"], "answer"), TextField())).filter(found)

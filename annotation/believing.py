"""Who is right: the answers to one question become beliefs about its items, and figures of the people who gave them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from numpy.typing import NDArray

from annotation.agreement import aggregation
from annotation.agreement.aggregation import METHODS
from annotation.agreement.aggregation import Belief as Believed
from annotation.agreement.distances import coded
from annotation.agreement.ratings import Floats, Ratings, from_triples
from annotation.kinds import choices, preference
from annotation.models import Belief, Case, Gold, GuidelineVersion

USED = "dawid-skene"  # what proposals rest on
STEPS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
BATCH = 2000
DIGITS = 6
# What all say and is nearly sure is kept for no item: there is nothing to look at.
DOUBT = 0.01

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Listed:
    """Answers of a short list: the names of what can be said, the name that an answer has, the answer of a name."""

    names: list[str]
    name_of: Callable[[Any], str]
    answer_of: Callable[[str], Any]


def listed(question: Mapping[str, Any]) -> Listed | None:
    """How answers to the question are taken for one of a short list; None where they are no such thing."""
    if question["kind"] == "choice":
        return Listed([label["name"] for label in question["labels"]], str, str)
    if question["kind"] == "preference" and question["mode"] != preference.RANKING:
        names = preference.classes(dict(question))
        return Listed(names, lambda value: str(value["better"]), lambda name: {"better": name})
    return None


def is_able(question: Mapping[str, Any]) -> bool:
    """Whether it can be told who is right: of one of a short list, or of a set of labels, label by label."""
    return question["kind"] == "choices" or listed(question) is not None


@dataclass(frozen=True)
class View:
    """What one method makes of the answers to n units by R raters, L labels.

    likely: float64[n, L], the probability that each label is (part of) the truth. taken: bool[n, L], the labels of the
    likeliest answer, none where two are equally likely. wrong: float64[n], the probability that this answer is wrong.
    right: float64[R], that an answer is right; of sets that a label is rightly given or left out, on the mean of labels.
    matrix: float64[R, L, m], of what is true (down) what a rater answers: each label; of sets how often the label is
    given where it is true and where it is not. shares: float64[L], how frequent each label is.
    """

    likely: Floats
    taken: Flags
    wrong: Floats
    right: Floats
    matrix: Floats
    shares: Floats
    steps: int


@dataclass(frozen=True)
class Found:
    """The answers as ratings, and what each method makes of them; differing: bool[n], units where not all say the same."""

    ratings: Ratings
    labels: list[str]
    is_set: bool
    differing: Flags
    by_method: dict[str, View]


def aggregate(
    triples: Iterable[tuple[str, str, Any]], question: Mapping[str, Any], ratings: Ratings | None = None
) -> Found | None:
    """What every method makes of the answers; None where the question takes neither one of a short list nor a set.

    ratings: the answers of a short list, where they are coded already.
    """
    if question["kind"] == "choices":
        return _of_sets(triples, [label["name"] for label in question["labels"]])
    kind = listed(question)
    if kind is None:
        return None
    if ratings is None or ratings.categories != kind.names:
        known = set(kind.names)
        named = ((unit, rater, kind.name_of(value)) for unit, rater, value in triples)
        ratings = from_triples([row for row in named if row[2] in known], categories=kind.names)
    votes = aggregation.votes(ratings)
    views = {name: _of_one(method(votes)) for name, method in METHODS.items()}
    differing = np.count_nonzero(ratings.counts, axis=1) > 1
    return Found(ratings, kind.names, False, differing, views)


def _of_one(belief: Believed) -> View:
    winners = aggregation.winners(belief.posterior)
    taken = np.arange(belief.posterior.shape[1]) == winners[:, None]
    wrong = aggregation.errors(belief.posterior)
    return View(belief.posterior, taken, wrong, belief.competence, belief.confusion, belief.share, belief.steps)


def _of_sets(triples: Iterable[tuple[str, str, Any]], labels: list[str]) -> Found:
    """Each label by itself, given or left out, as one of two; an answer is right where it is in all labels."""
    r, sets = coded(triples)
    given = np.array([[label in value for label in labels] for value in sets], dtype=bool).reshape(len(sets), len(labels))  # fmt: skip
    said = given[r.value]
    shape = len(r.units), len(r.raters), 2
    votes = [aggregation.Votes(r.unit, r.rater, said[:, place].astype(np.int32), shape) for place in range(len(labels))]
    views = {name: _joined([method(one) for one in votes], shape) for name, method in METHODS.items()}
    return Found(r, labels, True, np.count_nonzero(r.counts, axis=1) > 1, views)


def _joined(parts: Sequence[Believed], shape: tuple[int, int, int]) -> View:
    """One binary belief per label as one view of the sets; the labels are taken for independent of each other."""
    n, raters, _two = shape
    likely = np.stack([part.posterior[:, 1] for part in parts], axis=1) if parts else np.zeros((n, 0))
    tied = np.asarray((np.abs(likely - 0.5) < 1e-9).any(axis=1))
    sure = np.maximum(likely, 1 - likely).prod(axis=1)
    right = np.mean([part.competence for part in parts], axis=0) if parts else np.full(raters, np.nan)
    # P(given | true), P(given | not true)
    matrix = np.stack([part.confusion[:, ::-1, 1] for part in parts], axis=1) if parts else np.zeros((raters, 0, 2))
    shares = np.array([part.share[1] for part in parts])
    steps = max((part.steps for part in parts), default=0)
    return View(likely, (likely > 0.5) & ~tied[:, None], 1 - sure, right, matrix, shares, steps)


def _chance(found: Found, view: View, place: int, value: Any, question: Mapping[str, Any]) -> float | None:
    """The probability that this is the truth of a unit; None for what is no answer of the question any more."""
    row = view.likely[place]
    if found.is_set:
        if not set(value) <= set(found.labels):
            return None
        here = np.array([label in value for label in found.labels], dtype=bool)
        return float(np.where(here, row, 1 - row).prod())
    kind = listed(question)
    name = kind.name_of(value) if kind else ""
    return float(row[found.labels.index(name)]) if name in found.labels else None


# -- Figures ------------------------------------------------------------------------------------------------------


def figures(
    found: Found, question: Mapping[str, Any], *, gold: Mapping[str, Mapping[str, Any]], method: str = USED
) -> dict[str, Any]:
    """What the page and the command tell, JSON-ready.

    gold: how it was settled -> {item: answer}. Keys: method; is_set, whether labels were told one by one; categories;
    n_units; n_answers; errors, those that are expected if the likeliest answer of every item is taken, and their share;
    methods [{name, steps, differs: items where it and the majority do not say the same, errors}]; shares {label: how
    frequent it is believed}; labels [{label, share, recall, majority_recall, precision}]; people [{rater, answers, right,
    mace, agreed, matrix, see View}]; gain [[k, errors removed]]; gold [{method, n, error}], the mean probability that such
    gold is not what the answers make true.
    """
    r, view = found.ratings, found.by_method[method]
    n = len(r.units)
    worst = np.sort(view.wrong)[::-1]
    sums = np.concatenate([[0.0], np.cumsum(worst)])
    return {
        "method": method,
        "is_set": found.is_set,
        "categories": found.labels,
        "n_units": n,
        "n_answers": int(r.value.size),
        "errors": _rounded(view.wrong.sum()),
        "error_share": _rounded(view.wrong.mean()) if n else None,
        "methods": [_method(name, found) for name in METHODS],
        "shares": {label: _rounded(share) for label, share in zip(found.labels, view.shares, strict=True)},
        "labels": _labels(found, view),
        "people": _people(found, method),
        "gain": [[k, _rounded(sums[k])] for k in _steps(n)],
        "gold": _gold(found, view, gold, question),
    }


def _rounded(value: Any) -> float | None:
    return round(float(value), DIGITS) if np.isfinite(value) else None


def _steps(n: int) -> list[int]:
    return [k for k in STEPS if k < n] + ([n] if n else [])


def _method(name: str, found: Found) -> dict[str, Any]:
    view, voted = found.by_method[name], found.by_method["majority"]
    differs = (view.taken != voted.taken).any(axis=1).sum()
    return {"name": name, "steps": view.steps, "differs": int(differs), "errors": _rounded(view.wrong.sum())}


def _labels(found: Found, view: View) -> list[dict[str, Any]]:
    """How much of what is truly a label the likeliest answers find, and how much the majority does; on rare ones it shows."""
    taken, voted = (found.by_method[name].taken for name in (USED, "majority"))
    rows = []
    for place, label in enumerate(found.labels):
        truly, chosen = view.likely[:, place], taken[:, place]
        total = truly.sum()
        share = total / len(truly) if len(truly) else np.nan
        rows.append(
            {
                "label": label,
                "share": _rounded(share),
                "items": _rounded(total),
                "recall": _rounded(truly[chosen].sum() / total) if total > 0 else None,
                "majority_recall": _rounded(truly[voted[:, place]].sum() / total) if total > 0 else None,
                "precision": _rounded(truly[chosen].mean()) if chosen.any() else None,
            }
        )
    return rows


def _people(found: Found, method: str) -> list[dict[str, Any]]:
    """Each rater with the share of right answers by the two models, and with the majority, and their matrix."""
    r = found.ratings
    view, other, voted = (found.by_method[name] for name in (method, "mace", "majority"))
    answers = np.bincount(r.rater, minlength=len(r.raters))
    return [
        {
            "rater": rater,
            "answers": int(answers[place]),
            "right": _rounded(view.right[place]),
            "mace": _rounded(other.right[place]),
            "agreed": _rounded(voted.right[place]),
            "matrix": [[_rounded(cell) for cell in row] for row in view.matrix[place]],
        }
        for place, rater in enumerate(r.raters)
    ]


def _gold(
    found: Found, view: View, gold: Mapping[str, Mapping[str, Any]], question: Mapping[str, Any]
) -> list[dict[str, Any]]:
    units = {unit: place for place, unit in enumerate(found.ratings.units)}
    rows = []
    for method, settled in gold.items():
        told = (_chance(found, view, units[item], value, question) for item, value in settled.items() if item in units)
        chances = [chance for chance in told if chance is not None]
        if chances:
            rows.append({"method": method, "n": len(chances), "error": _rounded(1 - np.mean(chances))})
    return rows


# -- Rows ---------------------------------------------------------------------------------------------------------


def gold_of(version: GuidelineVersion, question: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """How it was settled -> {item: answer}, of the gold that counts; what is ambiguous has no one answer."""
    found: dict[str, dict[str, Any]] = {method: {} for method in Gold.Method.values}
    rows = Gold.objects.current().filter(
        project=version.project_id, question=question["name"], distribution__isnull=True
    )
    for item, method, value in rows.values_list("item_id", "method", "value").iterator(chunk_size=BATCH):
        if value is not None:
            found[method][str(item)] = value
    return found


def store(found: Found, *, version: GuidelineVersion, question: Mapping[str, Any], method: str = USED) -> int:
    """Replace what was believed of the question's items, and tell the open cases how doubtful they are; returns rows.

    Kept are items on which people differ, or whose likeliest answer is wrong with a probability of DOUBT or more.
    """
    name, view = question["name"], found.by_method[method]
    kept = np.flatnonzero(found.differing | (view.wrong >= DOUBT))
    units = [int(found.ratings.units[place]) for place in kept.tolist()]
    items = version.project.items
    known = set(items.filter(pk__gte=min(units), pk__lte=max(units)).values_list("pk", flat=True)) if units else set()
    rows = [
        Belief(
            project_id=version.project_id,
            item_id=item,
            question=name,
            guideline_version_id=version.pk,
            value=value,
            posterior=posterior,
            error=error,
        )
        for item, (value, posterior, error) in zip(units, _told(found, view, kept, question), strict=True)
        if item in known
    ]
    with transaction.atomic():
        Belief.objects.filter(project=version.project_id, question=name).delete()
        Belief.objects.bulk_create(rows, batch_size=BATCH)
        cases = Case.objects.open().filter(project=version.project_id, question=name)
        error = Belief.objects.filter(item=OuterRef("item"), question=name).values("error")
        cases.update(doubt=Coalesce(Subquery(error), 0.0))
    return len(rows)


def _told(
    found: Found, view: View, kept: NDArray[np.intp], question: Mapping[str, Any]
) -> Iterator[tuple[Any, dict[str, float], float]]:
    """The likeliest answer, label -> probability with the likeliest first, the probability that it is wrong, of each."""
    kind = listed(question)
    order = np.argsort(-view.likely[kept], axis=1, kind="stable")
    for likely, taken, first, wrong in zip(view.likely[kept].tolist(), view.taken[kept].tolist(), order.tolist(), view.wrong[kept].tolist(), strict=True):  # fmt: skip
        labels = [label for label, is_in in zip(found.labels, taken, strict=True) if is_in]
        value = _set_of(labels, likely, question) if kind is None else kind.answer_of(labels[0]) if labels else None
        yield value, {found.labels[code]: round(likely[code], DIGITS) for code in first}, wrong


def _set_of(labels: list[str], likely: Sequence[float], question: Mapping[str, Any]) -> list[str] | None:
    """The set, where every label is likelier in or out and the question takes so many of them."""
    if any(abs(chance - 0.5) < 1e-9 for chance in likely):
        return None
    try:
        return choices.clean(labels, dict(question))
    except ValueError:
        return None


# -- The proposal of a case ---------------------------------------------------------------------------------------


def reveal(*, case: Case) -> Belief | None:
    """The proposal of an open case, told before its decision: the case keeps that it was. None where there is none."""
    belief = Belief.objects.filter(item=case.item_id, question=case.question).first()
    if belief is not None:
        Case.objects.open().filter(pk=case.pk, proposed_at=None).update(proposed_at=timezone.now())
    return belief


def proposal(case: Case) -> Belief | None:
    """What the answers make likely, where the case is decided already or an adjudicator has asked for it; else None."""
    if case.closed_at is None and case.proposed_at is None:
        return None
    return Belief.objects.filter(item=case.item_id, question=case.question).first()

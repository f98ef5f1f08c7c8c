"""How agreement on answers of each kind is told: one report a kind, registered here once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from annotation.agreement import sets
from annotation.agreement.distances import coded
from annotation.agreement.intervals import bootstrap
from annotation.agreement.ratings import from_triples
from annotation.agreement.report import COEFFICIENTS, Json, figure, report
from annotation.kinds import choices

Triples = Iterable[tuple[str, str, Any]]


@dataclass(frozen=True)
class Agreement:
    """What the platform asks of a kind's agreement; answers come as (unit, rater, value in stored form) triples.

    report(triples, *, question, groups, draws, seed) -> everything that the page shows, JSON-ready: see
        `report.report`. Every kind gives n_units, n_units_2plus, n_units_differing, n_raters, n_ratings,
        ratings_histogram, headline (names of figures, the main one first), a figure for each of them, contested
        [{unit, disagreement, answers [{value, count}]}], draws, seed and level; and what else it has of: prevalence,
        labels, confusion with categories, cohen and cohen_mean, thin_labels, paradox, tables [{title, note, columns,
        rows}] of any other figures.
    brief(triples, *, question, draws, seed) -> {name: figure} of the main ones, the first being the headline.
    level: what the main figure is called after its name in a card: nominal, interval, MASI ...
    """

    report: Callable[..., Json]
    brief: Callable[..., dict[str, Json]]
    level: str


def _labels(question: Mapping[str, Any]) -> list[str]:
    return [label["name"] for label in question["labels"]]


def _choice(triples: Triples, *, question: Mapping[str, Any], **options: Any) -> Json:
    return {**report(triples, categories=_labels(question), **options), "headline": list(HEADLINE)}


def _choice_brief(triples: Triples, *, question: Mapping[str, Any], draws: int, seed: int) -> dict[str, Json]:
    known = _labels(question)
    ratings = from_triples((row for row in triples if row[2] in known), categories=known)
    found = bootstrap(ratings, ("krippendorff_alpha", "percent"), draws=draws, seed=seed)
    return {name: figure(interval) for name, interval in found.items()}


def _sets(question: Mapping[str, Any]) -> dict[str, Any]:
    def masi(one: Any, other: Any) -> float:
        return choices.distance(one, other, dict(question))

    return {"masi": masi, "jaccard": choices.jaccard}


def _choices(triples: Triples, *, question: Mapping[str, Any], **options: Any) -> Json:
    return sets.report(triples, labels=_labels(question), **_sets(question), **options)


def _choices_brief(triples: Triples, *, question: Mapping[str, Any], draws: int, seed: int) -> dict[str, Json]:
    r, values = coded(triples)
    found = sets.main(r, values, **_sets(question), draws=draws, seed=seed)
    return {name: figure(interval) for name, interval in found.items() if name != "alpha_jaccard"}


HEADLINE = ("krippendorff_alpha", *(name for name in COEFFICIENTS if name != "krippendorff_alpha"))
AGREEMENTS: dict[str, Agreement] = {
    "choice": Agreement(_choice, _choice_brief, "nominal"),
    "choices": Agreement(_choices, _choices_brief, "MASI"),
}

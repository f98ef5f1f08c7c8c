"""How agreement on answers of each kind is told: one report a kind, registered here once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from annotation.agreement import preference, rubrics, scores, sets, texts
from annotation.agreement.distances import coded
from annotation.agreement.intervals import bootstrap
from annotation.agreement.ratings import from_triples
from annotation.agreement.report import COEFFICIENTS, Json, figure, report
from annotation.kinds import choices
from annotation.kinds import preference as compared

Triples = Iterable[tuple[str, str, Any]]


@dataclass(frozen=True)
class Agreement:
    """What the platform asks of a kind's agreement; answers come as (unit, rater, value in stored form) triples.

    report(triples, *, question, groups, draws, seed) -> everything that the page shows, JSON-ready: see
        `report.report`. Every kind gives n_units, n_units_2plus, n_units_differing, n_raters, n_ratings,
        ratings_histogram, headline (names of figures, the main one first), a figure for each of them, contested
        [{unit, disagreement, answers [{value, count}]}], draws, seed and level; and what else it has of: prevalence,
        labels, confusion with categories, cohen and cohen_mean, thin_labels, paradox, tables [{title, note, columns,
        rows, people: places of cells that hold a rater}] of any other figures.
    brief(triples, *, question, draws, seed) -> {name: figure} of the main ones, the first being the headline.
    models: whether `report` also takes models, unit -> {name of a response: model}, of the settled items.
    level: what the main figure is called after its name in a card: nominal, interval, MASI ...; a question whose
        setting `level` declares another is told by that.
    """

    report: Callable[..., Json]
    brief: Callable[..., dict[str, Json]]
    level: str
    models: bool = False

    def level_of(self, question: Mapping[str, Any]) -> str:
        """The level of one question."""
        return str(question.get("level") or self.level)


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


def _score(triples: Triples, *, question: Mapping[str, Any], **options: Any) -> Json:
    return scores.report(triples, level_of_measurement=question["level"], **options)


def _score_brief(triples: Triples, *, question: Mapping[str, Any], draws: int, seed: int) -> dict[str, Json]:
    r, x = scores.coded(triples)
    found = scores.main(r, x, question["level"], draws=draws, seed=seed)
    return {name: figure(interval) for name, interval in found.items()}


def _preference(triples: Triples, *, question: Mapping[str, Any], **options: Any) -> Json:
    if question["mode"] == compared.RANKING:
        return preference.ranking(triples, question=question, **options)
    return preference.pairwise(triples, question=question, headline=HEADLINE, **options)


def _preference_brief(triples: Triples, *, question: Mapping[str, Any], draws: int, seed: int) -> dict[str, Json]:
    if question["mode"] == compared.RANKING:
        r, values = preference.coded_rankings(triples, question)
        found = preference.ranking_figures(r, values, draws=draws, seed=seed)
        return {name: figure(found[name]) for name in ("kendall_tau", "percent")}
    better = [(unit, rater, value["better"]) for unit, rater, value in triples]
    ratings = from_triples(better, categories=compared.classes(dict(question)))
    found = bootstrap(ratings, ("krippendorff_alpha", "percent"), draws=draws, seed=seed)
    return {name: figure(interval) for name, interval in found.items()}


def _rubric_brief(triples: Triples, *, question: Mapping[str, Any], draws: int, seed: int) -> dict[str, Json]:
    rows = list(triples)
    r, _values = coded(rows)
    found = rubrics.main(rows, r, dict(question), draws=draws, seed=seed)
    return {name: figure(interval) for name, interval in found.items()}


def _text(triples: Triples, *, question: Mapping[str, Any], **options: Any) -> Json:
    return texts.report(triples, **options)


def _text_brief(triples: Triples, *, question: Mapping[str, Any], draws: int, seed: int) -> dict[str, Json]:
    found = texts.main(*coded(triples), draws=draws, seed=seed)
    return {name: figure(interval) for name, interval in found.items()}


HEADLINE = ("krippendorff_alpha", *(name for name in COEFFICIENTS if name != "krippendorff_alpha"))
AGREEMENTS: dict[str, Agreement] = {
    "choice": Agreement(_choice, _choice_brief, "nominal"),
    "choices": Agreement(_choices, _choices_brief, "MASI"),
    "score": Agreement(_score, _score_brief, "interval"),
    "rubric": Agreement(rubrics.report, _rubric_brief, "ordinal"),
    "text": Agreement(_text, _text_brief, "equal"),
    "preference": Agreement(_preference, _preference_brief, "nominal", models=True),
}

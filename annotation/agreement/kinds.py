"""How agreement on answers of each kind is told: one report a kind, registered here once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from annotation.agreement import events, preference, rubrics, scores, sets, spans, texts
from annotation.agreement.distances import coded
from annotation.agreement.intervals import bootstrap
from annotation.agreement.ratings import Ratings, from_triples
from annotation.agreement.report import COEFFICIENTS, Json, figure, report
from annotation.kinds import choices
from annotation.kinds import preference as compared
from annotation.kinds.score import points

Triples = Iterable[tuple[str, str, Any]]
Groups = Mapping[str, str] | None  # unit -> what it belongs to; units of one are drawn together


@dataclass(frozen=True)
class Agreement:
    """What the platform asks of a kind's agreement; answers come as (unit, rater, value in stored form) triples.

    report(triples, *, question, groups, draws, seed) -> everything that the page shows, JSON-ready: see
        `report.report`. Every kind gives n_units, n_units_2plus, n_units_differing, n_raters, n_ratings,
        ratings_histogram, headline (names of figures, the main one first), a figure for each of them, contested
        [{unit, disagreement, answers [{value, count}]}], draws, seed and level; and what else it has of: prevalence,
        labels (and labels_note), confusion (and confusion_note) with categories, cohen and cohen_mean, thin_labels, paradox, tables [{title, note, columns,
        rows, people: places of cells that hold a rater, words: whether the first cells are words of ours, answers: places
        of cells that hold an answer, linked: whether the first cells are units}] of any other figures.
    brief(triples, *, question, draws, seed, groups=None) -> {name: figure} of the main ones, the first being the headline.
    ratings(triples, *, question, groups=None) -> the same answers as Ratings, where brief rests on nothing else: then
        `nominal` of some of them is the brief of these, and the answers are coded once for many parts; else None.
    models: whether `report` also takes models, unit -> {name of a response: model}, of the settled items.
    codes: whether `report` also takes ratings, the same answers as `ratings` made of them, and leaves the triples alone.
    sizes: whether `report` also takes sizes, unit -> number of characters of its text.
    level: what the main figure is called after its name in a card: nominal, interval, MASI ...; a question whose
        setting `level` declares another is told by that.
    """

    report: Callable[..., Json]
    brief: Callable[..., dict[str, Json]]
    level: str
    ratings: Callable[..., Ratings | None] = lambda _triples, **_options: None
    codes: bool = False
    models: bool = False
    sizes: bool = False

    def level_of(self, question: Mapping[str, Any]) -> str:
        """The level of one question."""
        return str(question.get("level") or self.level)


def _labels(question: Mapping[str, Any]) -> list[str]:
    return [label["name"] for label in question["labels"]]


def _choice(triples: Triples, *, question: Mapping[str, Any], **options: Any) -> Json:
    return {**report(triples, categories=_labels(question), **options), "headline": list(HEADLINE)}


def nominal(r: Ratings, *, draws: int, seed: int) -> dict[str, Json]:
    """The main figures of answers of a short list, the headline first."""
    found = bootstrap(r, ("krippendorff_alpha", "percent"), draws=draws, seed=seed)
    return {name: figure(interval) for name, interval in found.items()}


def _choice_ratings(triples: Triples, *, question: Mapping[str, Any], groups: Groups = None) -> Ratings:
    known = _labels(question)
    return from_triples((row for row in triples if row[2] in known), categories=known, groups=groups)


def _choice_brief(
    triples: Triples, *, question: Mapping[str, Any], draws: int, seed: int, groups: Groups = None
) -> dict[str, Json]:
    return nominal(_choice_ratings(triples, question=question, groups=groups), draws=draws, seed=seed)


def _sets(question: Mapping[str, Any]) -> dict[str, Any]:
    def masi(one: Any, other: Any) -> float:
        return choices.distance(one, other, dict(question))

    return {"masi": masi, "jaccard": choices.jaccard}


def _choices(triples: Triples, *, question: Mapping[str, Any], **options: Any) -> Json:
    return sets.report(triples, labels=_labels(question), **_sets(question), **options)


def _choices_brief(
    triples: Triples, *, question: Mapping[str, Any], draws: int, seed: int, groups: Groups = None
) -> dict[str, Json]:
    r, values = coded(triples, groups=groups)
    found = sets.main(r, values, **_sets(question), draws=draws, seed=seed)
    return {name: figure(interval) for name, interval in found.items() if name != "alpha_jaccard"}


def _score(triples: Triples, *, question: Mapping[str, Any], **options: Any) -> Json:
    step = float(question["step"]) if "step" in question else 0.0
    scale = (points(dict(question)), float(question["min"]), step) if step else None
    return scores.report(triples, level_of_measurement=question["level"], scale=scale, **options)


def _score_brief(
    triples: Triples, *, question: Mapping[str, Any], draws: int, seed: int, groups: Groups = None
) -> dict[str, Json]:
    r, x = scores.coded(triples, groups=groups)
    found = scores.main(r, x, question["level"], draws=draws, seed=seed)
    return {name: figure(interval) for name, interval in found.items()}


def _preference(triples: Triples, *, question: Mapping[str, Any], **options: Any) -> Json:
    if question["mode"] == compared.RANKING:
        return preference.ranking(triples, question=question, **options)
    return preference.pairwise(triples, question=question, headline=HEADLINE, **options)


def _preference_ratings(triples: Triples, *, question: Mapping[str, Any], groups: Groups = None) -> Ratings | None:
    if question["mode"] == compared.RANKING:
        return None
    better = [(unit, rater, value["better"]) for unit, rater, value in triples]
    return from_triples(better, categories=compared.classes(dict(question)), groups=groups)


def _preference_brief(
    triples: Triples, *, question: Mapping[str, Any], draws: int, seed: int, groups: Groups = None
) -> dict[str, Json]:
    ratings = _preference_ratings(triples, question=question, groups=groups)
    if ratings is not None:
        return nominal(ratings, draws=draws, seed=seed)
    r, values = preference.coded_rankings(triples, question, groups=groups)
    found = preference.ranking_figures(r, values, draws=draws, seed=seed)
    return {name: figure(found[name]) for name in ("kendall_tau", "percent")}


def _rubric_brief(
    triples: Triples, *, question: Mapping[str, Any], draws: int, seed: int, groups: Groups = None
) -> dict[str, Json]:
    found = rubrics.main(triples, dict(question), groups=groups, draws=draws, seed=seed)
    return {name: figure(interval) for name, interval in found.items()}


def _text(triples: Triples, *, question: Mapping[str, Any], **options: Any) -> Json:
    return texts.report(triples, **options)


def _text_brief(
    triples: Triples, *, question: Mapping[str, Any], draws: int, seed: int, groups: Groups = None
) -> dict[str, Json]:
    found = texts.main(*coded(triples, groups=groups), draws=draws, seed=seed)
    return {name: figure(interval) for name, interval in found.items()}


def _spans_brief(
    triples: Triples, *, question: Mapping[str, Any], draws: int, seed: int, groups: Groups = None
) -> dict[str, Json]:
    units = [unit for unit in spans.units_of(triples, {}) if len(unit.answers) > 1]
    found = spans.main(units, groups, draws=draws, seed=seed)
    return {name: figure(found[name]) for name in ("exact_f1", "overlap_f1")}


def _events_brief(
    triples: Triples, *, question: Mapping[str, Any], draws: int, seed: int, groups: Groups = None
) -> dict[str, Json]:
    units = [unit for unit in events.units_of(triples) if len(unit[2]) > 1]
    found = events.main(units, groups, draws=draws, seed=seed)
    return {name: figure(found[name]) for name in ("type_f1", "argument_f1")}


HEADLINE = ("krippendorff_alpha", *(name for name in COEFFICIENTS if name != "krippendorff_alpha"))
AGREEMENTS: dict[str, Agreement] = {
    "choice": Agreement(_choice, _choice_brief, "nominal", _choice_ratings, codes=True),
    "choices": Agreement(_choices, _choices_brief, "MASI"),
    "score": Agreement(_score, _score_brief, "interval"),
    "rubric": Agreement(rubrics.report, _rubric_brief, "ordinal"),
    "text": Agreement(_text, _text_brief, "equal"),
    "preference": Agreement(_preference, _preference_brief, "nominal", _preference_ratings, models=True),
    "events": Agreement(events.report, _events_brief, "exact"),
    "spans": Agreement(spans.report, _spans_brief, "exact", sizes=True),
}

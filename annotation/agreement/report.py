"""One question's agreement as a dictionary that JSON can hold: every figure with its interval or why it has none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from math import isfinite
from typing import Any

import numpy as np

from annotation.agreement import weighted
from annotation.agreement.intervals import (
    LEAST_UNITS,
    Interval,
    bootstrap,
    bootstrap_cohen,
    bootstrap_labels,
    label_units,
    thin_labels,
)
from annotation.agreement.nominal import (
    common_answers,
    confusion,
    conger_kappa,
    contested,
    light_kappa,
    pair_confusion,
    scott_pi,
)
from annotation.agreement.ratings import Floats, Ratings, from_triples

COEFFICIENTS = ("percent", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1")
MOST_CONTESTED = 50
MOST_PEOPLE = 60
HIGH_PERCENT, LOW_ALPHA = 0.8, 0.4  # from here to there the two tell opposite stories, and the page must say why

Json = dict[str, Any]


def report(
    triples: Iterable[tuple[str, str, str]],
    *,
    categories: Sequence[str],
    groups: Mapping[str, str] | None = None,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
    least: int = LEAST_UNITS,
    ratings: Ratings | None = None,
) -> Json:
    """Agreement on one choice question from (unit, rater, value) triples; strings, numbers, lists, dicts and None only.

    Keys: n_units, n_units_2plus, n_units_differing, n_raters, n_ratings, ratings_histogram {answers: units},
    categories, prevalence {label: share of all answers}; percent, fleiss_kappa, krippendorff_alpha, gwet_ac1, each
    {value, low, high, n, reason, note}; cohen [{a, b, kappa, low, high, n, reason, note}] for pairs with common units,
    pi and se beside (Scott's pi, and the asymptotic error of kappa); cohen_mean (weighted by n); also {name: figure} of
    scott_pi (mean of the pairs, weighted by n), conger_kappa, light_kappa and brennan_prediger; confusion [label][label]; labels [{label, units, alpha, specific_agreement}];
    thin_labels {label: units}; contested, the most contested units [{unit, disagreement, answers [{value, count}]}];
    paradox, a sentence or None; draws, seed, level. What is undefined is None, and then reason and note say why.
    categories, groups: see ratings.from_triples, also for the ValueError. least: see intervals.bootstrap.
    ratings: what from_triples makes of the triples, where it is known.
    """
    r = ratings or from_triples(triples, categories=categories, groups=groups)
    options: Any = {"draws": draws, "seed": seed, "level": level, "least": least}
    figures = bootstrap(r, COEFFICIENTS, **options)
    pairs = bootstrap_cohen(r, **options)
    return {
        **extent(r),
        "categories": r.categories,
        "prevalence": _prevalence(r),
        **{name: figure(interval) for name, interval in figures.items()},
        "cohen": [_pair(r, a, b, interval) for (a, b), interval in pairs.items()],
        "also": {name: figure(interval) for name, interval in _also(r, **options).items()},
        "cohen_mean": _mean(list(pairs.values())),
        "confusion": confusion(r).tolist(),
        "labels": _labels(r, options),
        "thin_labels": thin_labels(r, least=least),
        "contested": _most_contested(r),
        "paradox": _paradox(r, figures["percent"].value, figures["krippendorff_alpha"].value),
        "draws": draws,
        "seed": seed,
        "level": level,
    }


def extent(r: Ratings) -> Json:
    """How much was answered, and by how many."""
    per_unit = np.bincount(r.unit, minlength=len(r.units))
    many, units = np.unique(per_unit, return_counts=True)
    return {
        "n_units": len(r.units),
        "n_units_2plus": int((per_unit > 1).sum()),
        "n_units_differing": int((np.count_nonzero(r.counts, axis=1) > 1).sum()),
        "n_raters": len(r.raters),
        "n_ratings": int(r.value.size),
        "ratings_histogram": {str(answers): n for answers, n in zip(many.tolist(), units.tolist(), strict=True)},
    }


def _prevalence(r: Ratings) -> dict[str, float | None]:
    """Each label's share of all answers, single ones too; None without answers."""
    given = np.bincount(r.value, minlength=len(r.categories)).tolist()
    return {label: n / r.value.size if r.value.size else None for label, n in zip(r.categories, given, strict=True)}


def figure(interval: Interval) -> Json:
    """An interval as a dictionary for JSON: value, low, high, n, reason, note, with None for nan."""
    return {key: _number(each) if isinstance(each, float) else each for key, each in asdict(interval).items()}


def _pair(r: Ratings, a: str, b: str, interval: Interval) -> Json:
    """Cohen's kappa of one pair of raters, with its asymptotic error, and Scott's pi."""
    found, table = figure(interval), pair_confusion(r, a, b).astype(np.float64)
    se = weighted.kappa_error(table) if isfinite(interval.value) and interval.value < 1 else float("nan")
    return {"a": a, "b": b, "kappa": found.pop("value"), **found, "pi": _number(scott_pi(r, a, b)), "se": _number(se)}


def _also(r: Ratings, **options: Any) -> dict[str, Interval]:
    """Coefficients that are asked for by those who compare with other studies."""
    n = int((r.counts.sum(axis=1) > 1).sum())
    if not n:
        return {}
    pairs = [(a, b) for a, b in combinations(r.raters, 2)] if len(r.raters) <= MOST_PEOPLE else []
    pis = np.array([scott_pi(r, a, b) for a, b in pairs])
    common = np.array([len(common_answers(r, a, b)[0]) for a, b in pairs]) * np.isfinite(pis)
    bare = {"conger_kappa": conger_kappa(r)}
    if common.sum():
        bare |= {"scott_pi": float(np.nan_to_num(pis) @ common / common.sum()), "light_kappa": light_kappa(r)}
    found = bootstrap(r, ("brennan_prediger",), **options)
    return {**found, **{name: Interval(value, np.nan, np.nan, n) for name, value in bare.items()}}


def _mean(intervals: list[Interval]) -> float | None:
    """Mean of the defined values, weighted by the units behind them."""
    defined = [each for each in intervals if isfinite(each.value)]
    return float(np.average([x.value for x in defined], weights=[x.n for x in defined])) if defined else None


def _labels(r: Ratings, options: Any) -> list[Json]:
    """Each declared label with the pairable units it was used in and its own agreement."""
    alpha = bootstrap_labels(r, "alpha_per_label", **options)
    specific = bootstrap_labels(r, "specific_agreement", **options)
    return [
        {"label": label, "units": units, "alpha": figure(alpha[label]), "specific_agreement": figure(specific[label])}
        for label, units in zip(r.categories, label_units(r).tolist(), strict=True)
    ]


def _most_contested(r: Ratings) -> list[Json]:
    """Units whose labels differ, the worst first."""
    return _listed(r, np.nan_to_num(contested(r)), r.categories)


def most_contested(r: Ratings, apart: Floats, values: Sequence[Any]) -> list[Json]:
    """As `_most_contested`, by the mean distance of two answers; values are what the categories stand for."""
    counts = r.counts.astype(float)
    m = counts.sum(axis=1)
    within = np.einsum("ij,jk,ik->i", counts, apart, counts, optimize=True)
    return _listed(r, np.divide(within, m * (m - 1), out=np.zeros(len(m)), where=m > 1), values)


def _listed(r: Ratings, disagreement: Floats, values: Sequence[Any]) -> list[Json]:
    """The worst units with what was answered; at equal disagreement those with more answers, then by name."""
    order = np.lexsort((np.arange(disagreement.size), -r.counts.sum(axis=1), -disagreement))
    worst = [int(unit) for unit in order[:MOST_CONTESTED] if disagreement[unit] > 0]
    return [
        {
            "unit": r.units[unit],
            "disagreement": float(disagreement[unit]),
            "answers": [
                {"value": values[int(code)], "count": int(r.counts[unit, code])}
                for code in np.flatnonzero(r.counts[unit])
            ],
        }
        for unit in worst
    ]


def _paradox(r: Ratings, percent: float, alpha: float) -> str | None:
    """Why agreement in percent is high and alpha is low, where that is so."""
    if not (percent >= HIGH_PERCENT and alpha < LOW_ALPHA):
        return None
    given = np.bincount(r.value, minlength=len(r.categories))
    return (
        f"Pairs agree in {percent:.1%}, yet alpha is {alpha:.3f}: {given.max() / given.sum():.1%} of all answers are "
        f"{r.categories[int(given.argmax())]!r}, so most agreement would come by chance. Look at the rarer labels."
    )


def _number(value: float) -> float | None:
    """None for nan."""
    return value if isfinite(value) else None

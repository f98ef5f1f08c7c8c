"""Agreement on rubrics: ordinal alpha of each criterion with its interval, and their mean."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from annotation.agreement import scores
from annotation.agreement.distances import coded, contested
from annotation.agreement.intervals import Interval, bootstrap_units
from annotation.agreement.ratings import Floats, Ratings, from_triples
from annotation.agreement.report import Json, extent, figure
from annotation.kinds import rubric
from annotation.text.words import gettext_noop

Triples = Iterable[tuple[str, str, dict[str, Any]]]


def report(
    triples: Triples,
    *,
    question: Mapping[str, Any],
    groups: Mapping[str, str] | None = None,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Json:
    """Agreement on one rubric, as report.report tells that on one label; see agreement.kinds."""
    asked = dict(question)
    rows = [(unit, rater, rubric.settled(value, asked)) for unit, rater, value in triples]
    r, values = coded(rows, groups=groups)
    options: Any = {"draws": draws, "seed": seed, "level": level}
    found = main(rows, asked, groups=groups, **options)
    parts, p = apart_by_response(rows, asked, groups)

    def apart(one: Any, other: Any) -> float:
        return rubric.distance(one, other, asked)

    return {
        **extent(r),
        **{name: figure(interval) for name, interval in found.items()},
        "headline": list(found),
        "contested": contested(r, values, apart),
        "tables": [_criteria(parts, p, asked, options)],
        "paradox": None,
        **options,
    }


def main(
    triples: Triples, question: dict[str, Any], *, groups: Mapping[str, str] | None = None, **options: Any
) -> dict[str, Interval]:
    """alpha_mean, the mean over the criteria, and percent, rubrics that are equal in all of them; with intervals."""
    rows = [(unit, rater, rubric.settled(value, question)) for unit, rater, value in triples]
    parts, p = apart_by_response(rows, question, groups)
    whole, _values = coded(rows, groups=groups)
    return {"alpha_mean": alpha_mean(parts, p, question, **options), "percent": scores.percent(whole, **options)}


def apart_by_response(
    rows: Sequence[Any], question: dict[str, Any], groups: Mapping[str, str] | None
) -> tuple[Sequence[Any], Ratings]:
    """Where each response is rated, it is a unit of its own; those of an item are drawn together."""
    if not rubric.compares(question):
        return rows, coded(rows, groups=groups)[0]
    parts, together = [], {}
    for unit, rater, value in rows:
        for response, given in rubric.ratings(value, question).items():
            parts.append((f"{unit}/{response}", rater, given))
            together[f"{unit}/{response}"] = unit if groups is None else groups.get(unit, unit)
    return parts, coded(parts, groups=together)[0]


def _counts(rows: Sequence[Any], r: Ratings, question: dict[str, Any]) -> Floats:
    """How often each point was given to each unit on each criterion: float64[n_units, C, k]."""
    units = {unit: place for place, unit in enumerate(r.units)}
    names = {name: place for place, name in enumerate(rubric.names(question))}
    found = np.zeros((len(units), len(names), len(question["points"])))
    for unit, _rater, value in rows:
        for name, point in rubric.places(value, question).items():
            found[units[unit], names[name], point] += 1
    return found


def alpha_mean(rows: Sequence[Any], r: Ratings, question: dict[str, Any], **options: Any) -> Interval:
    """Mean ordinal alpha over the criteria where it is defined; all criteria of a unit are drawn together."""
    counts = _counts(rows, r, question)
    pairable = np.flatnonzero((counts.sum(axis=2) > 1).any(axis=1))
    counts = counts[pairable]
    k = counts.shape[2]
    i, j = np.triu_indices(k, 1)
    m = counts.sum(axis=2)
    several = m > 1
    weight = np.divide(1.0, m - 1, out=np.zeros(m.shape), where=several)[..., None]
    columns = np.concatenate([counts * several[..., None], counts[..., i] * counts[..., j] * weight], axis=2)

    def statistic(sums: Floats) -> Floats:
        parts = sums.reshape(*sums.shape[:-1], columns.shape[1], columns.shape[2])
        alpha = scores.ordinal_of(parts[..., :k], parts[..., k:], i, j)
        defined = np.isfinite(alpha)
        n = defined.sum(axis=-1)
        total = np.where(defined, alpha, 0.0).sum(axis=-1)
        return np.asarray(np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0)[..., None])

    group = None if r.group is None else r.group[pairable]
    flat = columns.reshape(len(columns), columns.shape[1] * columns.shape[2])
    return bootstrap_units(flat, group, statistic, **options)


def _criteria(rows: Sequence[Any], r: Ratings, question: dict[str, Any], options: Any) -> Json:
    """Each criterion's own figures."""
    groups = None if r.group is None else {unit: str(code) for unit, code in zip(r.units, r.group, strict=True)}
    order = [str(place) for place in range(len(question["points"]))]
    x = np.arange(len(order), dtype=np.float64)
    told = []
    for row in question["rows"]:
        name = row["name"]
        places = ((unit, rater, rubric.places(value, question).get(name)) for unit, rater, value in rows)
        mine = from_triples(
            ((unit, rater, str(place)) for unit, rater, place in places if place is not None),
            categories=order,
            groups=groups,
        )
        alpha = figure(scores.alpha(mine, x, "ordinal", **options))
        equal, apart = scores.percent(mine, **options), scores.mean_difference(mine, x, **options)
        numbers = [alpha["value"], alpha["low"], alpha["high"], *(figure(one)["value"] for one in (equal, apart))]
        told.append([row["title"], alpha["n"], *numbers])
    columns = [
        gettext_noop("Criterion"),
        gettext_noop("Items"),
        gettext_noop("Alpha (ordinal)"),
        gettext_noop("from"),
        gettext_noop("to"),
        gettext_noop("Equal"),
        gettext_noop("Mean difference"),
    ]
    note = gettext_noop("Items with two or more ratings; the bounds are of the interval; the difference is in points.")
    return {"title": gettext_noop("By criterion"), "note": note, "columns": columns, "rows": told}

"""Agreement on free words: equal after normal form, and how alike. No alpha: there is no chance to correct for."""

from collections.abc import Iterable, Mapping
from itertools import combinations, groupby
from typing import Any

import numpy as np

from annotation.agreement.distances import coded, contested
from annotation.agreement.intervals import Interval, bootstrap_units
from annotation.agreement.ratings import Ratings
from annotation.agreement.report import Json, figure
from annotation.kinds import text

Triples = Iterable[tuple[str, str, str]]


def report(
    triples: Triples,
    *,
    groups: Mapping[str, str] | None = None,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Json:
    """Agreement on one question of words, as report.report tells that on one label; see agreement.kinds."""
    r, values = coded(triples, groups=groups)
    options: Any = {"draws": draws, "seed": seed, "level": level}
    found = main(r, values, **options)
    per_unit = np.bincount(r.unit, minlength=len(r.units))
    many, units = np.unique(per_unit, return_counts=True)

    def apart(one: str, other: str) -> float:
        return text.distance(one, other, {})

    differing = contested(r, values, apart, most=None)
    return {
        "n_units": len(r.units),
        "n_units_2plus": int((per_unit > 1).sum()),
        "n_units_differing": len(differing),
        "n_raters": len(r.raters),
        "n_ratings": int(r.value.size),
        "ratings_histogram": {str(answers): n for answers, n in zip(many.tolist(), units.tolist(), strict=True)},
        **{name: figure(interval) for name, interval in found.items()},
        "headline": list(found),
        "contested": differing[:50],
        "no_alpha": True,
        "paradox": None,
        **options,
    }


def main(r: Ratings, values: list[str], **options: Any) -> dict[str, Interval]:
    """equal and similarity, means over units of the pairs of answers to the unit, with intervals."""
    rows, places = [], []
    answers = zip(r.unit.tolist(), r.value.tolist(), strict=True)
    for unit, given in groupby(answers, key=lambda row: row[0]):
        said = [values[code] for _unit, code in given]
        pairs = list(combinations(said, 2))
        if pairs:
            equal = [text.same(one, other) for one, other in pairs]
            alike = [1.0 if known else text.similarity(*pair) for known, pair in zip(equal, pairs, strict=True)]
            rows.append([1.0, float(np.mean(equal)), float(np.mean(alike))])
            places.append(unit)
    columns = np.array(rows).reshape(len(rows), 3)
    group = None if r.group is None else r.group[places]

    def mean(place: int) -> Interval:
        def statistic(sums: Any) -> Any:
            n = sums[..., 0]
            return np.divide(sums[..., place], n, out=np.full(n.shape, np.nan), where=n > 0)[..., None]

        return bootstrap_units(columns, group, statistic, **options)

    return {"equal": mean(1), "similarity": mean(2)}

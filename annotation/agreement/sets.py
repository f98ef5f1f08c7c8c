"""Agreement on sets of labels: alpha with MASI and Jaccard distances, exactly equal sets, and each label for itself."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from annotation.agreement.distances import alpha_interval, coded, matrix
from annotation.agreement.intervals import Interval, bootstrap
from annotation.agreement.ratings import Ratings, from_triples
from annotation.agreement.report import Json, extent, figure, most_contested

Distance = Callable[[Any, Any], float]
YES, NO = "1", "0"


def report(
    triples: Iterable[tuple[str, str, Sequence[str]]],
    *,
    labels: Sequence[str],
    masi: Distance,
    jaccard: Distance,
    groups: Mapping[str, str] | None = None,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Json:
    """Agreement on one question of label sets, as report.report tells that on one label; see agreement.kinds.

    masi, jaccard: distances of two sets in [0, 1]. labels, of each declared label: units, its alpha as a yes-or-no
    question, specific_agreement (given that one person gave it, the share of the others who did), both with intervals.
    """
    rows = list(triples)
    r, values = coded(rows, groups=groups)
    apart = matrix(values, masi)
    options: Any = {"draws": draws, "seed": seed, "level": level}
    found = main(r, values, masi=masi, jaccard=jaccard, **options)
    return {
        **extent(r),
        **{name: figure(interval) for name, interval in found.items()},
        "headline": list(found),
        "prevalence": _prevalence(rows, labels),
        "labels": [_label(name, rows, groups, options) for name in labels],
        "contested": most_contested(r, apart, values),
        "paradox": None,
        **options,
    }


def main(
    r: Ratings, values: Sequence[Any], *, masi: Distance, jaccard: Distance, **options: Any
) -> dict[str, Interval]:
    """alpha_masi, alpha_jaccard and percent, with intervals."""
    exact = bootstrap(r, ("percent",), **options)
    return {
        "alpha_masi": alpha_interval(r, matrix(values, masi), **options),
        "alpha_jaccard": alpha_interval(r, matrix(values, jaccard), **options),
        "percent": exact["percent"],
    }


def _prevalence(rows: Sequence[tuple[str, str, Sequence[str]]], labels: Sequence[str]) -> dict[str, float | None]:
    """The share of all answers that name each label."""
    return {name: sum(name in value for *_who, value in rows) / len(rows) if rows else None for name in labels}


def _label(
    name: str, rows: Sequence[tuple[str, str, Sequence[str]]], groups: Mapping[str, str] | None, options: Any
) -> Json:
    """One label as a yes-or-no question."""
    binary = ((unit, rater, YES if name in value else NO) for unit, rater, value in rows)
    r = from_triples(binary, categories=[NO, YES], groups=groups)
    found = bootstrap(r, ("krippendorff_alpha",), **options)["krippendorff_alpha"]
    pairable = r.counts.sum(axis=1) > 1
    yes, m = r.counts[pairable, 1].astype(float), r.counts[pairable].sum(axis=1)
    matched, given = (yes * (yes - 1) / (m - 1)).sum(), yes.sum()
    share = Interval(float(matched / given) if given else float("nan"), np.nan, np.nan, int((yes > 0).sum()))
    return {"label": name, "units": share.n, "alpha": figure(found), "specific_agreement": figure(share)}

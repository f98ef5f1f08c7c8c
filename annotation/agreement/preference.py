"""Agreement on preferences: alpha on what is better, Kendall's tau and W of rankings, position bias, Bradley-Terry."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from annotation.agreement.distances import alpha_interval, coded, matrix
from annotation.agreement.intervals import Interval, bootstrap, bootstrap_columns
from annotation.agreement.ratings import Floats, Ratings
from annotation.agreement.report import Json, extent, figure, most_contested
from annotation.agreement.report import report as nominal
from annotation.kinds import preference
from annotation.text.words import gettext_noop

Rows = list[tuple[str, str, Any]]
Models = Mapping[str, Mapping[str, str]]
STEPS = 100
# Draws in which a model wins or loses everything have no finite strengths; with more of them there is no interval.
MOST_UNDEFINED = 0.01


def pairwise(
    triples: Iterable[tuple[str, str, Any]],
    *,
    question: Mapping[str, Any],
    headline: Sequence[str],
    groups: Mapping[str, str] | None = None,
    models: Models | None = None,
    draws: int = 2000,
    seed: int = 0,
) -> Json:
    """Agreement on which of two is better, as report.report tells that on one label: the answers are a, b and tie.

    They are names of the document, so that the sides on the screens are undone. alpha_strength, where a strength is
    asked: alpha with squared distances (interval) on the line from “b, much” over the tie to “a, much”.
    """
    rows = list(triples)
    better = [(unit, rater, value["better"]) for unit, rater, value in rows]
    found = nominal(better, categories=preference.classes(dict(question)), groups=groups, draws=draws, seed=seed)
    for row in found["contested"]:
        row["answers"] = [{**answer, "value": {"better": answer["value"]}} for answer in row["answers"]]
    shown = list(headline)
    if levels := len(question["strength"]):
        found["alpha_strength"] = figure(_alpha_strength(rows, levels, groups, draws=draws, seed=seed))
        shown.insert(1, "alpha_strength")
    tables = [_positions(rows), *_strengths(rows, models or {}, draws=draws, seed=seed)]
    return {**found, "headline": shown, "tables": [table for table in tables if table["rows"]]}


def _alpha_strength(rows: Rows, levels: int, groups: Mapping[str, str] | None, *, draws: int, seed: int) -> Interval:
    points = [(unit, rater, preference.position(value, levels)) for unit, rater, value in rows]
    r, values = coded(points, groups=groups)
    return alpha_interval(r, matrix(values, lambda one, other: float((one - other) ** 2)), draws=draws, seed=seed)


def ranking(
    triples: Iterable[tuple[str, str, Any]],
    *,
    question: Mapping[str, Any],
    groups: Mapping[str, str] | None = None,
    models: Models | None = None,
    draws: int = 2000,
    seed: int = 0,
) -> Json:
    """Agreement on rankings: kendall_tau, kendall_w and percent with intervals over items; see `ranking_figures`."""
    rows = list(triples)
    r, values = coded_rankings(rows, question, groups=groups)
    found = ranking_figures(r, values, draws=draws, seed=seed)
    apart = matrix(values, lambda one, other: preference.distance(one, other, dict(question)))
    tables = [_positions(rows), _circles(rows), *_strengths(rows, models or {}, draws=draws, seed=seed)]
    return {
        **extent(r),
        **{name: figure(interval) for name, interval in found.items()},
        "headline": list(found),
        "contested": most_contested(r, apart, values),
        "paradox": None,
        "tables": [table for table in tables if table["rows"]],
        "draws": draws,
        "seed": seed,
        "level": 0.95,
    }


def coded_rankings(
    triples: Iterable[tuple[str, str, Any]], question: Mapping[str, Any], *, groups: Mapping[str, str] | None = None
) -> tuple[Ratings, list[Any]]:
    """Rankings as Ratings over those that occur, and these; where a response stood on a screen is no part of them."""
    rows = [(unit, rater, preference.settled(value, dict(question))) for unit, rater, value in triples]
    return coded(rows, groups=groups)


def ranking_figures(r: Ratings, values: Sequence[Any], *, draws: int, seed: int) -> dict[str, Interval]:
    """kendall_tau, kendall_w and percent, with intervals over items.

    kendall_tau: the mean over items of the mean tau-b (Kendall 1945) of two people's rankings; kendall_w: the mean over
    items of the coefficient of concordance, corrected for ties (Kendall and Smith 1939); percent: pairs of people
    with the very same ranking. Items where it is undefined (all that people said was one tie) are left out of a mean.
    """
    taus = np.array([[tau_b(one, other) for other in values] for one in values]).reshape(len(values), len(values))
    distinct, _which = r.patterns
    by_tau = np.array([_mean_tau(counts, taus) for counts in distinct])
    by_w = np.array([concordance([value for value, times in zip(values, counts, strict=True) for _ in range(times)]) for counts in distinct])  # fmt: skip
    return {
        "kendall_tau": _mean_interval(r, by_tau, draws=draws, seed=seed),
        "kendall_w": _mean_interval(r, by_w, draws=draws, seed=seed),
        "percent": bootstrap(r, ("percent",), draws=draws, seed=seed)["percent"],
    }


def _mean_interval(r: Ratings, by_pattern: Floats, *, draws: int, seed: int) -> Interval:
    known = np.isfinite(by_pattern)
    columns = np.column_stack([np.where(known, by_pattern, 0.0), known])

    def mean(totals: Floats) -> Floats:
        value: Floats = np.divide(totals[..., :1], totals[..., 1:], out=np.full(totals[..., :1].shape, np.nan), where=totals[..., 1:] > 0)  # fmt: skip
        return value

    return bootstrap_columns(r, columns, mean, draws=draws, seed=seed)


def _mean_tau(counts: Any, taus: Floats) -> float:
    """The mean tau-b over pairs of answers to one item; NaN where no pair has one."""
    codes = np.repeat(np.arange(len(counts)), counts)
    found = [taus[one, other] for one, other in combinations(codes, 2) if np.isfinite(taus[one, other])]
    return float(np.mean(found)) if found else math.nan


def tau_b(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Kendall's tau-b of two rankings; NaN where one of them is a single tie or they rank different responses."""
    left, right = preference.relations(dict(one)), preference.relations(dict(other))
    if set(left) != set(right):
        return math.nan
    both = sum(left[pair] * right[pair] for pair in left)
    scale = sum(map(abs, left.values())) * sum(map(abs, right.values()))
    return both / math.sqrt(scale) if scale else math.nan


def concordance(rankings: Sequence[Mapping[str, Any]]) -> float:
    """Kendall's W of several rankings of the same responses, corrected for ties; NaN where it is undefined."""
    if len(rankings) < 2 or any(set(preference.ranks(dict(each))) != set(preference.ranks(dict(rankings[0]))) for each in rankings):  # fmt: skip
        return math.nan
    m, ties = len(rankings), 0.0
    totals: dict[str, float] = defaultdict(float)
    for each in rankings:
        before = 0
        for group in each["order"]:
            for name in group:
                totals[name] += before + (len(group) + 1) / 2
            before += len(group)
            ties += len(group) ** 3 - len(group)
    n = len(totals)
    spread = sum((total - m * (n + 1) / 2) ** 2 for total in totals.values())
    most = m * m * (n**3 - n) - m * ties
    return 12 * spread / most if most > 0 else math.nan


# -- Where it stood on the screen -----------------------------------------------------------------------------------


def _positions(rows: Rows) -> Json:
    """How often the response that was shown first is preferred, over all and by person."""
    firsts: dict[str, list[bool]] = defaultdict(list)
    chance: dict[str, set[int]] = defaultdict(set)
    for _unit, rater, value in rows:
        for first in preference.shown_first([value]):
            for who in ("Σ", rater):
                firsts[who].append(first)
                chance[who].add(len(value["shown"]))
    table = []
    for who in sorted(firsts, key=lambda name: (name != "Σ", name)):
        k, n = sum(firsts[who]), len(firsts[who])
        # Items with different numbers of responses have no common chance to test against.
        p = binomial_test(k, n, 1 / min(chance[who])) if len(chance[who]) == 1 else None
        table.append([who, n, k, k / n, p])
    return {
        "title": gettext_noop("What was shown first"),
        "note": gettext_noop(
            "Where one response is preferred: how often it was the first on that person's screen. The sides are shuffled, "
            "so a small p (exact binomial test) means that the place on the screen had a say."
        ),
        "columns": [
            gettext_noop("Person"),
            gettext_noop("preferences"),
            gettext_noop("for the first"),
            gettext_noop("share"),
            gettext_noop("p"),
        ],
        "rows": table,
        "people": [0],
    }


def binomial_test(k: int, n: int, p: float = 0.5) -> float:
    """Exact two-sided binomial test: the probability of all outcomes that are no likelier than k of n."""
    of = [math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * math.log(p) + (n - i) * math.log1p(-p) for i in range(n + 1)]  # fmt: skip
    likely = np.exp(of)
    return float(min(1.0, likely[likely <= likely[k] * (1 + 1e-7)].sum()))


def _circles(rows: Rows) -> Json:
    """How often the majorities of an item's rankings contradict each other."""
    by_unit: dict[str, list[Any]] = defaultdict(list)
    for unit, _rater, value in rows:
        by_unit[unit].append(value)
    able = [each for each in by_unit.values() if len(each) > 2 and len(preference.ranks(each[0])) > 2]
    able = [each for each in able if len({frozenset(preference.ranks(value)) for value in each}) == 1]
    circles = sum(map(preference.majority_cycle, able))
    return {
        "title": gettext_noop("Transitivity"),
        "note": gettext_noop(
            "Items with three or more rankings of three or more responses, and those whose majorities go in a circle: one "
            "is preferred to another, that to a third, and the third to the first."
        ),
        "columns": ["", gettext_noop("items"), gettext_noop("in a circle"), gettext_noop("share")],
        "rows": [["Σ", len(able), circles, circles / len(able)]] if able else [],
    }


# -- Models ---------------------------------------------------------------------------------------------------------


def wins_of(rows: Rows, models: Models) -> tuple[list[str], Floats, Floats]:
    """Models, wins float64[units, k, k] (row beat column; a tie is half a win for each) and ties float64[k]."""
    known = sorted({model for names in models.values() for model in names.values()})
    place = {model: at for at, model in enumerate(known)}
    units = sorted({unit for unit, _rater, _value in rows if unit in models})
    wins, ties = np.zeros((len(units), len(known), len(known))), np.zeros(len(known))
    at = {unit: row for row, unit in enumerate(units)}
    for unit, _rater, value in rows:
        names = models.get(unit)
        for (one, other), sign in _signs(value).items() if names else ():
            left, right = place.get((names or {}).get(one, "")), place.get((names or {}).get(other, ""))
            if left is None or right is None or left == right:
                continue
            wins[at[unit], left, right] += (sign + 1) / 2
            wins[at[unit], right, left] += (1 - sign) / 2
            ties[[left, right]] += sign == 0
    return known, wins, ties


def _signs(value: Mapping[str, Any]) -> dict[tuple[str, str], int]:
    if "order" in value:
        return preference.relations(dict(value))
    return {("a", "b"): {"a": 1, "b": -1}.get(value["better"], 0)}


def _strengths(rows: Rows, models: Models, *, draws: int, seed: int) -> list[Json]:
    """Wins and Bradley-Terry strengths by model, and circles among the models; nothing where no model is known."""
    known, wins, ties = wins_of(rows, models)
    total = wins.sum(axis=0)
    used = np.flatnonzero(total.sum(axis=0) + total.sum(axis=1) > 0)
    if len(used) < 2:
        return []
    known, wins, ties, total = (
        [known[at] for at in used],
        wins[:, used][:, :, used],
        ties[used],
        total[np.ix_(used, used)],
    )
    value = bradley_terry(total)
    low, high = (
        _interval(wins, draws=draws, seed=seed) if np.isfinite(value).all() else (np.full(len(used), np.nan),) * 2
    )
    table = []
    for at in np.argsort(-np.nan_to_num(value, nan=-np.inf), kind="stable"):
        won, lost = total[at].sum() - ties[at] / 2, total[:, at].sum() - ties[at] / 2
        share = total[at].sum() / (total[at].sum() + total[:, at].sum())
        table.append([known[at], int(won), int(ties[at]), int(lost), float(share), *map(_number, (value[at], low[at], high[at]))])  # fmt: skip
    found = {
        "title": gettext_noop("Models"),
        "note": gettext_noop(
            "Settled items whose models are known. Strength: Bradley-Terry, a tie counting half a win for each; the "
            "natural logarithm, 0 the mean, so that a lead of 1 wins 73% of the time. Interval: 95%, percentile bootstrap "
            "over items. Empty where a group of models never lost to, or never beat, the rest."
        ),
        "columns": [
            gettext_noop("Model"), gettext_noop("wins"), gettext_noop("ties"), gettext_noop("losses"),
            gettext_noop("share of wins"), gettext_noop("strength"), gettext_noop("from"), gettext_noop("to"),
        ],
        "rows": table,
    }  # fmt: skip
    return [found, _triads(known, total)]


def _triads(known: Sequence[str], total: Floats) -> Json:
    """Among the models: threes of which each beats the next one by majority."""
    beats = total > total.T
    compared = (total + total.T) > 0
    threes = [t for t in combinations(range(len(known)), 3) if all(compared[i, j] for i, j in combinations(t, 2))]
    circles = [
        t for t in threes for i, j, k in [t] if (beats[i, j] and beats[j, k] and beats[k, i]) or (beats[j, i] and beats[k, j] and beats[i, k])
    ]  # fmt: skip
    told = [" > ".join(known[at] for at in three) for three in circles]
    return {
        "title": gettext_noop("Transitivity of the models"),
        "note": gettext_noop(
            "Threes of models that were all compared, and those in which each beats the next one in a circle."
        ),
        "columns": ["", gettext_noop("threes"), gettext_noop("in a circle"), gettext_noop("which")],
        "rows": [["Σ", len(threes), len(circles), "; ".join(told[:3])]] if threes else [],
    }


def bradley_terry(wins: Floats) -> Floats:
    """Strengths that make the wins likeliest (Bradley and Terry 1952): log scale, mean 0, float64[..., k].

    wins: float64[..., k, k], row beat column. By Newton's method. NaN where they are infinite or not comparable: some
    group of models never beat, or never lost to, the rest (Ford 1957).
    """
    k = wins.shape[-1]
    games = wins + np.swapaxes(wins, -1, -2)
    beta = np.zeros(wins.shape[:-1])
    for _step in range(STEPS):
        chance = 1 / (1 + np.exp(np.clip(beta[..., None, :] - beta[..., :, None], -50, 50)))
        gradient = wins.sum(axis=-1) - (games * chance).sum(axis=-1)
        weight = games * chance * (1 - chance)
        hessian = -weight
        hessian[..., np.arange(k), np.arange(k)] = weight.sum(axis=-1) - np.diagonal(weight, axis1=-2, axis2=-1)
        # The added constant fixes the mean, which the wins leave open.
        step = np.linalg.solve(hessian + 1 / k + 1e-12 * np.eye(k), gradient[..., None])[..., 0]
        largest = np.abs(step).max(axis=-1, keepdims=True)
        beta = beta + step / np.maximum(1.0, largest / 2)
        beta = np.clip(beta - beta.mean(axis=-1, keepdims=True), -40, 40)
        if largest.max(initial=0.0) < 1e-10:
            break
    return np.where(_connected(wins > 0)[..., None], beta, np.nan)


def _connected(beats: Any) -> Any:
    """Whether every model can be reached from every other one along wins: bool[...]."""
    k = beats.shape[-1]
    reach = (beats | np.eye(k, dtype=bool)).astype(np.float64)
    for _step in range(max(1, math.ceil(math.log2(max(k, 2))))):
        reach = (reach @ reach > 0).astype(np.float64)
    return (reach > 0).all(axis=(-1, -2))


def _interval(wins: Floats, *, draws: int, seed: int) -> tuple[Floats, Floats]:
    """95% percentile limits of the strengths over items: two of float64[k]; NaN where too many draws have none."""
    units, k = wins.shape[0], wins.shape[1]
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(units, np.full(units, 1 / units), size=draws).astype(np.float64)
    drawn = bradley_terry((weights @ wins.reshape(units, k * k)).reshape(draws, k, k))
    kept = drawn[np.isfinite(drawn).all(axis=1)]
    if units < 10 or len(kept) < (1 - MOST_UNDEFINED) * draws:
        return np.full(k, np.nan), np.full(k, np.nan)
    low, high = np.quantile(kept, [0.025, 0.975], axis=0)
    return low, high


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None

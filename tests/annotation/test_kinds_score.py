"""score: a number on a step between two ends, in every form that files have it in, and how far people agree on it."""

import json
from itertools import combinations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from annotation import measuring
from annotation import models as a
from annotation import schema as schemas
from annotation.agreement import metric, scores
from annotation.agreement.kinds import AGREEMENTS
from annotation.kinds import score
from tests.annotation.worlds import bare, bring
from tests.conftest import make_project, set_schema

OPTIONS = {"draws": 300, "seed": 3, "level": 0.95}


def asked(**settings):
    return schemas.check({"questions": [{"name": "tone", "kind": "score", **settings}]})["questions"][0]


FIVE, TENTHS = asked(), asked(min=-1, max=1, step="0.1")


# The schema


def test_the_settings_have_defaults_and_checking_again_changes_nothing():
    settings = {name: FIVE[name] for name in ("min", "max", "step", "level", "tolerance", "low", "high")}
    assert settings == {"min": 1, "max": 5, "step": 1, "level": "interval", "tolerance": 1, "low": "", "high": ""}
    assert (TENTHS["step"], TENTHS["tolerance"]) == (0.1, 0.1)
    for question in (FIVE, TENTHS):
        assert schemas.check({"questions": [question]})["questions"][0] == question
    assert isinstance(asked(min="0", max="10.0", step="1.0")["max"], int)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"min": 5, "max": 5}, "The highest number, 5, must lie above the lowest, 5"),
        ({"min": 0, "max": 1, "step": 0.3}, "is no whole number of steps of 0.3"),
        ({"step": 0}, "is no whole number of steps of 0"),
        ({"step": -1}, "is no whole number of steps"),
        ({"min": 0, "max": 1, "step": "0.000001"}, "too many steps"),
        ({"min": "low"}, "“min” must be a number; got “low”"),
        ({"max": True}, "“max” must be a number"),
        ({"max": float("inf")}, "“max” must be a number"),
        ({"step": "1e-999999999"}, "“step” must be a number"),
        ({"max": "1e400"}, "“max” must be a number"),
        ({"level": "nominal"}, "The level “nominal” is unknown"),
        ({"min": -1, "max": 1, "level": "ratio"}, "cannot start at -1"),
        ({"tolerance": -1}, "cannot lie less than 0 apart"),
        ({"low": "a\u202eb"}, "invisible control characters"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_sentence(settings, sentence):
    with pytest.raises(ValueError, match=f"Question “tone”: .*{sentence}"):
        asked(**settings)


# Answers


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (0.3, 0.3), ("0.30", 0.3), ("−0,5", -0.5), ("１", 1), (1.0, 1), (0.1 + 0.2, 0.3), (-1, -1), ("+.5", 0.5), (0, 0), (-0.0, 0),
    ],
)  # fmt: skip
def test_an_answer_is_stored_exactly_on_its_step(value, stored):
    found = score.clean(score.read(value, TENTHS), TENTHS)
    assert (found, type(found)) == (stored, type(stored))
    assert "e" not in json.dumps(found)
    assert json.dumps(found) != "-0"


def test_every_point_of_a_scale_is_stored_as_it_is_written():
    for place in range(-10, 11):
        assert score.clean(f"{place / 10:.1f}", TENTHS) == place / 10
    thousandths = asked(min=-1, max=1, step=0.001)
    assert score.clean(-0.374, thousandths) == -0.374
    assert score.points(thousandths) == 2001


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (0.35, "lies between two of them"),
        (1.1, "takes numbers from -1 to 1; got 1.1"),
        ("good", "takes a number; got “good”"),
        (True, "takes a number"),
        (float("nan"), "takes a number"),
        (None, "takes a number"),
        ([0.1], "takes a number"),
        ("9" * 400, "takes a number"),
        ("1e999999999999", "takes a number"),
        ("-1E+1000000", "takes a number"),
        ("1" + "\u0300\u0316" * 5000, "takes a number"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_in_a_sentence(value, sentence):
    with pytest.raises(ValueError, match=sentence):
        score.clean(value, TENTHS)


@pytest.mark.parametrize(
    ("cell", "stored"),
    [("4/5", 4), ("4 / 5", 4), ("3 out of 5", 3), ({"Tone": 2}, 2), ({"score": "2"}, 2), ({"rating": 5, "x": 1}, 5)],
)
def test_scores_of_other_tools_are_read(cell, stored):
    assert score.clean(score.read(cell, FIVE), FIVE) == stored


@pytest.mark.parametrize("cell", ["4/10", {"other": 3}, [3], False])
def test_what_is_no_score_of_this_scale_is_not_read_as_one(cell):
    with pytest.raises(ValueError, match="takes a number"):
        score.clean(score.read(cell, FIVE), FIVE)


def test_the_distance_is_a_share_of_the_scale():
    assert score.distance(1, 5, FIVE) == 1
    assert score.distance(2, 3, FIVE) == 0.25
    assert score.distance(-1, 1, TENTHS) == 1


def test_answers_that_lie_close_become_their_median():
    assert score.merge([3, 4, 4], FIVE) == (4, 1.0)
    assert score.merge([3, 4], FIVE) == (3, 1.0)
    assert score.merge([2, 4], FIVE) is None
    assert score.merge([0.3, 0.2], TENTHS) == (0.2, 1.0)
    wide = asked(tolerance=2)
    assert score.merge([2, 4], wide) == (3, 1.0)
    assert score.merge([2, 4, 5], wide) is None
    assert score.merge([], FIVE) is None


def test_words_of_the_ends_stand_beside_them():
    named = asked(low="bad", high="good")
    assert [score.summarise(value, named) for value in (1, 2, 5)] == ["1 (bad)", "2", "5 (good)"]


def test_strata_are_points_of_a_short_scale_and_fifths_of_a_long_one():
    assert [score.stratum(value, FIVE) for value in (1, 5)] == ["1", "5"]
    long = asked(min=0, max=100)
    assert [score.stratum(value, long) for value in (0, 19, 20, 100)] == ["bin 0", "bin 0", "bin 1", "bin 4"]


# Agreement


def made(seed=0, units=60, raters=4, gaps=0.2, top=7):
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, top + 1, units)
    rows = []
    for unit in range(units):
        for rater in range(raters):
            if rng.random() > gaps:
                rows.append((f"u{unit}", f"r{rater}", int(np.clip(truth[unit] + rng.integers(-1, 2), 1, top))))
    return rows


@pytest.mark.parametrize("level", ["interval", "ordinal", "ratio"])
def test_alpha_equals_the_coincidence_matrix(level):
    for seed in range(5):
        r, x = scores.coded(made(seed))
        assert scores.alpha(r, x, level, **OPTIONS).value == pytest.approx(metric.alpha(r, level), abs=1e-12)


@pytest.mark.parametrize("level", ["interval", "ordinal"])
def test_a_draw_of_the_bootstrap_is_alpha_of_the_units_drawn(level, monkeypatch):
    """Ordinal ranks too are those of the draw, not of the whole data."""
    taken = {}

    def take(_r, columns, statistic, **_options):
        taken.update(columns=columns, statistic=statistic)

    monkeypatch.setattr(scores, "bootstrap_columns", take)
    rows = made(1, units=30)
    r, x = scores.coded(rows)
    scores.alpha(r, x, level, **OPTIONS)
    rng = np.random.default_rng(5)
    for _draw in range(20):
        picked = rng.integers(0, len(r.units), len(r.units))
        drawn = [
            (f"{place}", rater, value)
            for place, unit in enumerate(picked)
            for name, rater, value in rows
            if name == r.units[unit]
        ]
        found = taken["statistic"](taken["columns"][r.patterns[1][picked]].sum(axis=0))
        assert found[0] == pytest.approx(metric.alpha(scores.coded(drawn)[0], level), abs=1e-12)


# Shrout and Fleiss 1979, table 2: six targets, four judges; ICC(2,1) = .29 (table 4).
SHROUT = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def triples_of(table):
    return [(f"u{unit}", f"r{rater}", value) for unit, row in enumerate(table) for rater, value in enumerate(row)]


def naive_icc(table):
    """Two-way analysis of variance, cell by cell (McGraw and Wong 1996, table 4)."""
    table = np.array(table, dtype=float)
    n, k = table.shape
    mean = table.mean()
    ms_r = k * sum((row.mean() - mean) ** 2 for row in table) / (n - 1)
    ms_c = n * sum((column.mean() - mean) ** 2 for column in table.T) / (k - 1)
    rest = sum((table[i, j] - table[i].mean() - table[:, j].mean() + mean) ** 2 for i in range(n) for j in range(k))
    ms_e = rest / ((n - 1) * (k - 1))
    return (ms_r - ms_e) / (ms_r + (k - 1) * ms_e + k / n * (ms_c - ms_e))


def test_icc_gives_the_published_value_and_that_of_the_analysis_of_variance():
    r, x = scores.coded(triples_of(SHROUT))
    found = scores.icc(r, x, **OPTIONS)
    assert round(found.value, 2) == 0.29
    assert found.value == pytest.approx(naive_icc(SHROUT), abs=1e-12)
    assert (found.n, found.reason) == (6, "few_units")
    rng = np.random.default_rng(0)
    for _case in range(20):
        table = rng.integers(1, 9, (12, 1))[:, [0, 0, 0]] + rng.integers(-2, 3, (12, 3))
        r, x = scores.coded(triples_of(table))
        assert scores.icc(r, x, **OPTIONS).value == pytest.approx(naive_icc(table), abs=1e-10)


def test_icc_is_over_the_largest_table_without_a_gap():
    rows = triples_of(SHROUT * 3)
    with_a_guest = [*rows, ("u0", "guest", 3), ("alone", "r0", 5)]
    r, x = scores.coded(with_a_guest)
    units, raters = scores.complete(scores.table_of(r, x))
    assert (len(units), len(raters)) == (18, 4)
    r, x = scores.coded([("u1", "a", 1), ("u2", "b", 2)])
    assert scores.icc(r, x, **OPTIONS).reason == "no_complete"


def test_weighted_kappa_is_the_mean_of_the_pairs():
    rows = made(2)
    r, x = scores.coded(rows)
    said = {(unit, rater): value for unit, rater, value in rows}
    kappas, weights = [], []
    for one, other in combinations(r.raters, 2):
        common = [unit for unit in r.units if (unit, one) in said and (unit, other) in said]
        left, right = [said[unit, one] for unit in common], [said[unit, other] for unit in common]
        kappas.append(cohen_kappa_score(left, right, labels=range(1, 8), weights="quadratic"))
        weights.append(len(common))
    assert scores.qwk(r, x, **OPTIONS).value == pytest.approx(np.average(kappas, weights=weights), abs=1e-12)


def test_differences_and_equal_answers_are_means_over_units():
    rows = [("u1", "a", 1), ("u1", "b", 3), ("u1", "c", 3), ("u2", "a", 5), ("u2", "b", 5), ("u3", "a", 4)]
    r, x = scores.coded(rows)
    assert scores.mean_difference(r, x, **OPTIONS).value == pytest.approx((4 / 3 + 0) / 2)
    assert scores.percent(r, **OPTIONS).value == pytest.approx((1 / 3 + 1) / 2)


@pytest.mark.parametrize("level", ["interval", "ordinal", "ratio"])
def test_without_variation_or_pairs_there_is_a_reason_and_no_figure(level):
    report = AGREEMENTS["score"].report
    same = [(f"u{n}", rater, 3) for n in range(20) for rater in "ab"]
    figures = report(same, question=asked(level=level), draws=50, seed=1)
    assert figures[f"alpha_{level}"]["value"] is None
    assert figures[f"alpha_{level}"]["reason"] == "no_variation"
    assert figures["percent"]["value"] == 1
    nobody = report([], question=asked(level=level), draws=50, seed=1)
    assert {nobody[name]["value"] for name in nobody["headline"]} == {None}
    json.dumps([figures, nobody], allow_nan=False)


def test_the_headline_follows_the_declared_level():
    for level, names in {"ordinal": ["alpha_ordinal", "qwk"], "ratio": ["alpha_ratio", "icc_a1"]}.items():
        figures = AGREEMENTS["score"].report(made(), question=asked(max=7, level=level), draws=50, seed=1)
        assert figures["headline"] == [*names, "mean_difference", "percent"]
        assert figures[names[0]]["low"] < figures[names[0]]["value"] < figures[names[0]]["high"]
        assert AGREEMENTS["score"].level_of(asked(level=level)) == level


# Real data


@pytest.mark.django_db
@pytest.mark.parametrize("asked", [True, False])
def test_emobank_by_five_people_has_the_published_agreement(cast, shared, asked):
    project = make_project(cast) if asked else bare(cast)
    if asked:
        questions = [{"name": name, "kind": "score"} for name in "vad"]
        set_schema(project, schemas.check({"questions": questions}))
    report = bring(project, (shared / "data/normalised/dev/emobank_news.jsonl").read_bytes(), create_schema=not asked)
    assert (report["new"], report["refused"]) == (1200, 0)
    expected = json.loads((shared / "data/expected_agreement.dev.json").read_text())["dev/emobank_news"]
    project.refresh_from_db()
    for name in "vad":
        figures = measuring.measure(project=project, question=name, draws=100)
        assert figures["alpha_interval"]["value"] == pytest.approx(expected[f"alpha_interval_{name.upper()}"], abs=1e-6)
        assert figures["ratings_histogram"] == expected["ratings_histogram"]
        assert figures["alpha_interval"]["low"] < figures["alpha_interval"]["value"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "settings", "column"),
    [
        ("fiqa_sentiment", {"min": -1, "max": 1, "step": 0.001}, "score"),
        ("bank_app_reviews", {"level": "ordinal"}, "label"),
    ],
)
def test_real_scores_come_in_as_they_are_written(cast, shared, name, settings, column):
    project = make_project(cast)
    set_schema(project, schemas.check({"questions": [{"name": "tone", "kind": "score", **settings}]}))
    content = (shared / f"data/normalised/dev/{name}.jsonl").read_bytes()
    report = bring(project, content, labels="gold")
    rows = [json.loads(line) for line in content.decode().splitlines()]
    assert (report["new"], report["refused"], report["gold"]) == (len(rows), 0, len(rows))
    stored = dict(a.Gold.objects.values_list("item__document__external_id", "value"))
    assert stored == {row["id"]: float(row[column]) for row in rows}


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([1, 3, 5], {"min": 1, "max": 5, "step": 1}),
        ([-0.374, 0.5], {"min": -0.374, "max": 0.5, "step": 0.001}),
        ([2], {"min": 2, "max": 3, "step": 1}),
        ([0.25], {"min": 0.25, "max": 0.26, "step": 0.01}),
        ([10, 1000], {"min": 10, "max": 1000, "step": 1}),
    ],
)
def test_a_scale_is_made_from_the_numbers_of_a_file(values, wanted):
    found = score.scale(values)
    assert {name: float(value) for name, value in found.items()} == wanted
    question = {"name": "tone", **score.check_schema(found)}
    assert [float(score.clean(value, question)) for value in values] == values
    with pytest.raises(ValueError, match="too many steps"):
        score.scale([0.0000001, 99.5])


@pytest.mark.django_db
def test_numbers_beside_names_make_scores_and_class_numbers_make_labels(cast):
    rows = [
        {"id": n, "text": f"Text {n}.", "label": n % 2, "annotations": [{"annotator": who, "label": {"Tone": n % 5 + 1, "topic": "a" if n % 3 else "b"}} for who in "xy"]}
        for n in range(12)
    ]  # fmt: skip
    project = bare(cast)
    report = bring(project, "\n".join(map(json.dumps, rows)).encode(), create_schema=True)
    assert (report["new"], report["refused"], report["annotations"]) == (12, 0, 24)
    project.refresh_from_db()
    kinds = {entry["name"]: entry["kind"] for entry in project.version.schema["questions"]}
    assert kinds == {"tone": "score", "topic": "choice"}
    rows = [{"id": f"n{n}", "text": f"Other {n}.", "annotations": [{"annotator": who, "score": n / 2} for who in "xy"]} for n in range(9)]  # fmt: skip
    other = bare(cast, "other")
    report = bring(other, "\n".join(map(json.dumps, rows)).encode(), create_schema=True)
    assert (report["annotations"], report["refused"]) == (18, 0)
    other.refresh_from_db()
    [entry] = other.version.schema["questions"]
    assert (entry["kind"], float(entry["max"]), float(entry["step"])) == ("score", 4.0, 0.1)

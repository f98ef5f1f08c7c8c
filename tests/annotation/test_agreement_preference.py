"""Agreement on preferences equals published values, other libraries and naive loops; sides and models are undone."""

import json
from itertools import combinations

import numpy as np
import pytest
from scipy import optimize, stats

from annotation import candidates as responses
from annotation import measuring
from annotation import models as a
from annotation import schema as schemas
from annotation.agreement import preference as agreement
from annotation.agreement.kinds import AGREEMENTS
from annotation.kinds import preference
from tests.annotation.worlds import bring, lines
from tests.conftest import make_project, set_schema

PAIR = {"name": "pick", **preference.check_schema({})}
RANKS = {"name": "pick", **preference.check_schema({"mode": "ranking"})}


def report(triples, question=PAIR, **options):
    found = AGREEMENTS["preference"].report(triples, question=question, groups=None, draws=200, seed=1, **options)
    json.dumps(found, allow_nan=False)
    return found


def table(found, title):
    return next((table["rows"] for table in found["tables"] if table["title"] == title), None)


def order(*groups):
    return {"order": [list(group) for group in groups]}


def votes(seed, units=60, raters=3, lean=0.7):
    rng = np.random.default_rng(seed)
    for unit in range(units):
        truth = rng.choice(["a", "b", "tie"])
        for rater in range(raters):
            better = truth if rng.random() < lean else rng.choice(["a", "b", "tie"])
            shown = ["a", "b"] if rng.random() < 0.5 else ["b", "a"]
            yield f"u{unit}", f"r{rater}", {"better": str(better), "shown": shown}


def random_order(rng, names="abcd"):
    places = rng.integers(0, 3, size=len(names))
    return order(
        *([name for name, at in zip(names, places, strict=True) if at == place] for place in sorted(set(places)))
    )


# -- Comparisons of two ---------------------------------------------------------------------------------------------


def test_three_people_on_real_pairs_agree_as_was_published(shared):
    expected = json.loads((shared / "data/expected_agreement.dev.json").read_text())["dev/pandalm_pairs_a"]
    path = shared / "data/normalised/dev/pandalm_pairs_a.jsonl"
    rng = np.random.default_rng(0)
    triples = []
    for line in path.read_text().splitlines():
        row = json.loads(line)
        for one in row["annotations"]:
            value = preference.clean(preference.read(one["label"], PAIR), PAIR)
            shown = ["a", "b"] if rng.random() < 0.5 else ["b", "a"]
            triples.append((row["id"], one["annotator"], {**value, "shown": shown}))
    found = report(triples)
    assert found["n_units_2plus"] == expected["n"]
    assert found["n_units_differing"] == expected["items_with_disagreement"]
    assert found["krippendorff_alpha"]["value"] == pytest.approx(expected["alpha_nominal"], abs=1e-6)
    assert found["fleiss_kappa"]["value"] == pytest.approx(expected["fleiss_kappa"], abs=1e-6)
    assert found["krippendorff_alpha"]["low"] < expected["alpha_nominal"] < found["krippendorff_alpha"]["high"]
    kappas = {f"{pair['a'][-1]}-{pair['b'][-1]}": pair["kappa"] for pair in found["cohen"]}
    assert kappas == pytest.approx(expected["cohen_pairs"], abs=1e-6)


def test_the_sides_of_a_screen_change_no_figure():
    seen = list(votes(1))
    turned = [(unit, rater, {**value, "shown": value["shown"][::-1]}) for unit, rater, value in seen]
    one, other = report(seen), report(turned)
    for name in one["headline"]:
        assert one[name] == other[name]


def test_contested_items_name_answers_in_stored_form():
    found = report([("u", "x", {"better": "a"}), ("u", "y", {"better": "tie"})])
    assert [answer["value"] for answer in found["contested"][0]["answers"]] == [{"better": "a"}, {"better": "tie"}]


def test_strengths_have_an_alpha_with_squared_distances():
    asked = {"name": "pick", **preference.check_schema({"strength": ["slightly", "much"]})}
    rng = np.random.default_rng(4)
    triples, x = [], []
    for unit in range(30):
        middle = rng.integers(-2, 3)
        row = [int(np.clip(middle + rng.integers(-1, 2), -2, 2)) for _ in range(3)]
        x.append(row)
        for rater, at in enumerate(row):
            value = {"better": "tie"} if at == 0 else {"better": "a" if at > 0 else "b", "strength": abs(at)}
            triples.append((f"u{unit}", f"r{rater}", value))
    found = report(triples, asked)
    values = np.array(x, dtype=float)
    within = np.mean([(p - q) ** 2 for row in values for p, q in combinations(row, 2)])
    flat = values.ravel()
    between = np.mean([(p - q) ** 2 for p, q in combinations(flat, 2)])
    assert found["headline"][:2] == ["krippendorff_alpha", "alpha_strength"]
    assert found["alpha_strength"]["value"] == pytest.approx(1 - within / between)


# -- Where it stood -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("k", "n", "p"), [(8, 10, 0.5), (0, 7, 0.5), (5, 5, 0.5), (61, 100, 0.5), (3, 20, 1 / 3), (420, 800, 0.5)]
)
def test_the_binomial_test_is_exact(k, n, p):
    assert agreement.binomial_test(k, n, p) == pytest.approx(stats.binomtest(k, n, p).pvalue, rel=1e-9)


def test_who_always_takes_the_first_is_found_out():
    biased = [(f"u{n}", "x", {"better": "ab"[n % 2], "shown": ["ab"[n % 2], "ba"[n % 2]]}) for n in range(20)]
    fair = [(f"u{n}", "y", {"better": "a", "shown": ["ab"[n % 2], "ba"[n % 2]]}) for n in range(20)]
    ties = [(f"u{n}", "z", {"better": "tie", "shown": ["a", "b"]}) for n in range(20)]
    unknown = [(f"u{n}", "w", {"better": "a"}) for n in range(20)]
    rows = table(report(biased + fair + ties + unknown), "What was shown first")
    assert [row[:4] for row in rows] == [["Σ", 40, 30, 0.75], ["x", 20, 20, 1.0], ["y", 20, 10, 0.5]]
    assert rows[1][4] == pytest.approx(2 * 0.5**20)
    assert rows[2][4] == pytest.approx(1)


# -- Models ---------------------------------------------------------------------------------------------------------


def likeliest(wins):
    def loss(beta):
        gap = beta[None, :] - beta[:, None]
        return float((wins * np.log1p(np.exp(gap))).sum()) + beta.mean() ** 2

    found = optimize.minimize(loss, np.zeros(len(wins)), method="BFGS", options={"gtol": 1e-9}).x
    return found - found.mean()


@pytest.mark.parametrize("seed", range(5))
def test_bradley_terry_is_the_likeliest(seed):
    rng = np.random.default_rng(seed)
    wins = rng.integers(1, 30, size=(5, 5)).astype(float)
    np.fill_diagonal(wins, 0)
    assert agreement.bradley_terry(wins) == pytest.approx(likeliest(wins), abs=1e-5)
    batch = np.stack([wins, wins.T])
    assert agreement.bradley_terry(batch)[1] == pytest.approx(-agreement.bradley_terry(wins), abs=1e-6)


def test_two_models_have_the_logarithm_of_their_odds():
    assert np.ptp(agreement.bradley_terry(np.array([[0, 30.0], [10, 0]]))) == pytest.approx(np.log(3))


def test_a_model_that_never_loses_has_no_finite_strength():
    assert np.isnan(agreement.bradley_terry(np.array([[0, 3.0, 3], [0, 0, 2], [0, 2, 0]]))).all()
    apart = np.zeros((4, 4))
    apart[0, 1] = apart[1, 0] = apart[2, 3] = apart[3, 2] = 2
    assert np.isnan(agreement.bradley_terry(apart)).all()


def test_models_are_counted_and_ranked_with_intervals():
    rng = np.random.default_rng(7)
    true, names = {"weak": -1.0, "mid": 0.0, "strong": 1.0}, ["weak", "mid", "strong"]
    triples, models = [], {}
    for unit in range(300):
        one, other = rng.choice(names, 2, replace=False)
        models[f"u{unit}"] = {"a": str(one), "b": str(other)}
        chance = 1 / (1 + np.exp(true[other] - true[one]))
        triples.append((f"u{unit}", "x", {"better": "a" if rng.random() < chance else "b"}))
    triples.append(("unknown", "x", {"better": "a"}))
    found = report(triples, models=models)
    rows = table(found, "Models")
    assert [row[0] for row in rows] == ["strong", "mid", "weak"]
    for name, wins, ties, losses, share, strength, low, high in rows:
        assert share == pytest.approx(wins / (wins + losses))
        assert ties == 0
        assert low < strength < high
        assert low < true[name] < high
    assert sum(row[1] for row in rows) == 300
    assert table(found, "Transitivity of the models") == [["Σ", 1, 0, ""]]


def test_a_circle_of_models_is_named():
    wins = [("x", "y"), ("y", "z"), ("z", "x")]
    models = {f"u{n}": {"a": one, "b": other} for n, (one, other) in enumerate(wins)}
    found = report([(unit, "r", {"better": "a"}) for unit in models], models=models)
    assert table(found, "Transitivity of the models") == [["Σ", 1, 1, "x > y > z"]]


def test_ties_count_half_a_win_for_each():
    rows = [("u", "r", {"better": "tie"}), ("u", "s", {"better": "a"})]
    known, wins, ties = agreement.wins_of(rows, {"u": {"a": "m", "b": "n"}})
    assert (known, wins.tolist(), ties.tolist()) == (["m", "n"], [[[0, 1.5], [0.5, 0]]], [1, 1])


# -- Rankings -------------------------------------------------------------------------------------------------------


def numbers(value, names):
    place = preference.ranks(value)
    return [place[name] for name in names]


@pytest.mark.parametrize("seed", range(20))
def test_tau_is_kendalls_tau_b(seed):
    rng = np.random.default_rng(seed)
    one, other = random_order(rng), random_order(rng)
    wanted = stats.kendalltau(numbers(one, "abcd"), numbers(other, "abcd"), variant="b").statistic
    assert agreement.tau_b(one, other) == pytest.approx(wanted, nan_ok=True)


def test_w_is_the_friedman_statistic_over_its_largest_value():
    rng = np.random.default_rng(5)
    for _round in range(20):
        ratings = [random_order(rng) for _ in range(4)]
        if all(len(each["order"]) == 1 for each in ratings):
            continue
        chi = stats.friedmanchisquare(*np.array([numbers(each, "abcd") for each in ratings]).T).statistic
        assert agreement.concordance(ratings) == pytest.approx(chi / (4 * 3))


def test_figures_of_rankings_are_means_over_items():
    rng = np.random.default_rng(8)
    triples = [
        (f"u{unit}", f"r{rater}", {**random_order(rng), "shown": list("dcba")})
        for unit in range(40)
        for rater in range(3)
    ]
    found = report(triples, RANKS)
    by_unit = [[value for unit, _r, value in triples if unit == f"u{n}"] for n in range(40)]
    taus = [
        np.nanmean([agreement.tau_b(p, q) for p, q in combinations(each, 2)])
        for each in by_unit
        if any(np.isfinite(agreement.tau_b(p, q)) for p, q in combinations(each, 2))
    ]
    assert found["kendall_tau"]["value"] == pytest.approx(np.mean(taus))
    assert found["kendall_tau"]["low"] < found["kendall_tau"]["value"] < found["kendall_tau"]["high"]
    assert found["kendall_w"]["value"] == pytest.approx(np.nanmean([agreement.concordance(each) for each in by_unit]))
    assert found["headline"] == ["kendall_tau", "kendall_w", "percent"]
    [(_all, items, circles, share)] = table(found, "Transitivity")
    assert (items, circles) == (40, sum(preference.majority_cycle(each) for each in by_unit))
    assert share == circles / 40
    assert set(AGREEMENTS["preference"].brief(triples, question=RANKS, draws=50, seed=1)) == {"kendall_tau", "percent"}


def test_the_first_of_a_ranking_is_tested_against_its_share_of_places():
    rows = [(f"u{n}", "x", {**order("a", "b", "c"), "shown": ["a", "b", "c"]}) for n in range(5)]
    [everyone, _x] = table(report(rows, RANKS), "What was shown first")
    assert everyone[4] == pytest.approx(stats.binomtest(5, 5, 1 / 3).pvalue)


# -- From the rows --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_models_are_told_of_settled_items_alone(cast):
    project = make_project(cast)
    set_schema(project, schemas.check({"questions": [{"name": "pick", "kind": "preference"}]}))
    pair = {"response_a": "x", "response_b": "y", "model_a": "m", "model_b": "n"}
    said = {"annotations": [{"annotator": "p", "label": "a"}, {"annotator": "q", "label": "a"}]}
    torn = {"annotations": [{"annotator": "p", "label": "a"}, {"annotator": "q", "label": "b"}]}
    bring(
        project,
        lines({"id": "1", "text": "One.", "pair": pair, **said}, {"id": "2", "text": "Two.", "pair": pair, **torn}),
    )
    known = measuring.models(project, "pick")
    assert list(known.values()) == [{"a": "m", "b": "n"}]
    assert a.Document.objects.filter(candidates=responses.read(pair)).count() == 2
    assert measuring.measure(project=project, question="pick", draws=20)["n_units_2plus"] == 2


@pytest.mark.django_db
def test_real_pairs_come_in_with_their_answers_and_leave_no_model_behind(cast, shared):
    project = make_project(cast, settle="majority")
    set_schema(project, schemas.check({"questions": [{"name": "pick", "kind": "preference"}]}))
    path = shared / "data/normalised/dev/pandalm_pairs_a.jsonl"
    told = bring(project, path.read_bytes(), path.name)
    assert (told["new"], told["annotations"], told["refused"]) == (500, 1500, 0)
    assert not a.Document.objects.filter(metadata__has_key="pair").exists()
    found = measuring.measure(project=project, question="pick", draws=200)
    expected = json.loads((shared / "data/expected_agreement.dev.json").read_text())["dev/pandalm_pairs_a"]
    assert found["krippendorff_alpha"]["value"] == pytest.approx(expected["alpha_nominal"], abs=1e-6)
    models = table(found, "Models")
    assert len(models) > 3
    assert all(row[6] < row[5] < row[7] for row in models)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    golds = dict(a.Gold.objects.values_list("item__document__external_id", "value__better"))
    assert all(golds[row["id"]] == row["label"] for row in rows if row["id"] in golds)


@pytest.mark.django_db
def test_the_page_shows_sides_and_models(cast, client_of):
    project = make_project(cast)
    set_schema(project, schemas.check({"questions": [{"name": "pick", "kind": "preference"}]}))
    pair = {"response_a": "x", "response_b": "y", "model_a": "mistral", "model_b": "llama"}
    bring(
        project,
        lines(
            *(
                {
                    "id": str(n),
                    "text": f"{n}.",
                    "pair": pair,
                    "annotations": [
                        {"annotator": who, "label": {"better": "ab"[n % 2], "shown": ["b", "a"]}} for who in "pq"
                    ],
                }
                for n in range(12)
            )
        ),
    )
    row = measuring.refresh(version=project.version, question="pick")
    from annotation import jobs

    jobs.run(a.AgreementReport, row.pk, measuring.work)
    page = client_of("dave").get(f"/p/{project.slug}/agreement/").content.decode()
    for words in ("What was shown first", "Models", "mistral", "Krippendorff"):
        assert words in page

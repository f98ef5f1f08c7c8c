"""Score metrics against scikit-learn and scipy, what a missing answer costs, and who stands first on a board of errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from annotation import schema as schemas
from evaluation import leaderboard
from evaluation.metrics import KINDS, score
from evaluation.views.boards import bars
from tests.annotation.worlds import bring, lines
from tests.conftest import make_project, set_schema
from tests.evaluation.worlds import board_of, freeze, gold_of, submit

QUESTION = schemas.check({"questions": [{"name": "tone", "kind": "score", "min": 0, "max": 10, "tolerance": 2}]})
ASKED = QUESTION["questions"][0]


def measured(gold, predicted, **options):
    settings = {"question": ASKED, "draws": 100, "seed": 1, **options}
    return {found.metric: found for found in score.measure(gold, predicted, **settings)}


def values(gold, predicted):
    return {name: found.value for name, found in measured(gold, predicted).items()}


def made(seed=0, n=80):
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 11, n)
    return gold.tolist(), np.clip(gold + rng.integers(-3, 4, n), 0, 10).tolist()


def test_every_metric_equals_the_reference():
    for seed in range(5):
        gold, said = made(seed)
        found = values(gold, said)
        assert found["mae"] == pytest.approx(mean_absolute_error(gold, said))
        assert found["rmse"] == pytest.approx(root_mean_squared_error(gold, said))
        assert found["r2"] == pytest.approx(r2_score(gold, said))
        assert found["pearson"] == pytest.approx(pearsonr(gold, said).statistic)
        assert found["spearman"] == pytest.approx(spearmanr(gold, said).statistic)
        assert found["within"] == np.mean([abs(one - other) <= 2 for one, other in zip(gold, said, strict=True)])
        assert found["coverage"] == 1
        assert list(found) == list(score.METRICS)


def test_a_draw_ranks_what_is_drawn():
    gold, said = (np.array(part, dtype=float) for part in made(3))
    rng = np.random.default_rng(1)
    for _draw in range(10):
        picked = rng.integers(0, len(gold), len(gold))
        weights = np.bincount(picked, minlength=len(gold)).astype(float)[None, :]
        expected = spearmanr(gold[picked], said[picked]).statistic
        assert score.spearman_of(weights, gold, said)[0] == pytest.approx(expected)


def test_every_metric_has_an_interval_around_it():
    gold, said = made(4)
    for name, found in measured(gold, said, draws=500).items():
        assert found.low <= found.value <= found.high, name
        assert found.method == ("wilson" if name in ("within", "coverage") else "bca")
    together = measured(gold, said, groups=[place // 2 for place in range(len(gold))])
    assert {found.method for found in together.values()} <= {"bca", "none"}


ANSWERS = st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=2, max_size=12)


@given(ANSWERS, st.integers(0, 11))
def test_leaving_an_item_out_never_makes_an_error_smaller(pairs, place):
    gold, said = [one for one, _ in pairs], [other for _, other in pairs]
    without = list(said)
    without[place % len(said)] = None
    truth = [np.array(part) for part in score.filled(gold, said, 0, 10)]
    gaps = [np.array(part) for part in score.filled(gold, without, 0, 10)]
    full, less = values_of(truth, said), values_of(gaps, without)
    assert less["mae"] >= full["mae"] - 1e-12
    assert less["rmse"] >= full["rmse"] - 1e-12
    assert less["within"] <= full["within"]
    assert np.isnan(full["r2"]) or less["r2"] <= full["r2"] + 1e-12
    assert less["coverage"] < full["coverage"]


def values_of(parts, said):
    """The metrics without their intervals."""
    answered = np.array([one is not None for one in said], dtype=float)
    rows = score.rows_of(*parts, answered, tolerance=2, middle=5)
    names = ("mae", "rmse", "within", "pearson", "r2", "coverage")
    return dict(zip(names, score.every_metric(rows.sum(axis=0)[None, :])[0], strict=True))


def test_a_missing_answer_is_the_worst_there_is():
    gold = [0, 10, 5, 8]
    assert values(gold, [0, 10, 5, None])["mae"] == 2
    assert values(gold, [None] * 4)["mae"] == (10 + 10 + 5 + 8) / 4
    assert values(gold, [None] * 4)["within"] == 0
    good, gap = values([1, 2, 3, 9], [1, 2, 3, 9]), values([1, 2, 3, 9], [1, 2, 3, None])
    assert gap["pearson"] < 0 < good["pearson"]
    assert gap["spearman"] < good["spearman"] == 1


def test_what_cannot_be_measured_is_empty_with_a_reason():
    same = measured([3, 3, 3], [1, 2, 3])
    assert {name for name, found in same.items() if found.value is None} == {"pearson", "spearman", "r2"}
    assert all(found.note for found in same.values() if found.value is None)
    assert values([1, 2, 3], [2, 2, 2])["pearson"] == 0
    assert values([1, 2, 3], [2, 2, 2])["spearman"] == 0
    nothing = measured([], [])
    assert {found.value for found in nothing.values()} == {None}
    with pytest.raises(ValueError, match="must be the same items"):
        measured([1], [])


@pytest.mark.django_db
def test_the_smallest_error_stands_first_and_has_the_first_rank(cast, client_of):
    project = make_project(cast)
    set_schema(project, QUESTION)
    bring(
        project, lines(*({"id": f"d{n}", "text": f"Text {n} of it", "score": n % 11} for n in range(40))), labels="gold"
    )
    board = board_of(freeze(project, shares={"train": 0.3, "test": 0.7}), "tone")
    assert board.primary_metric == "mae"
    gold = gold_of(board)
    for name, shift in (("far", 4), ("near", 1), ("near too", 1), ("exact", 0)):
        rows = [{"id": key, "score": value - shift if value > 5 else value + shift} for key, value in gold.items()]
        assert submit(board, name, rows).state == "done"
    half = [{"id": key, "score": value} for place, (key, value) in enumerate(gold.items()) if place % 2]
    assert submit(board, "half", half, partial=True).state == "done"
    entries = leaderboard.entries(board)
    assert [(entry["rank"], entry["system"]) for entry in entries][:3] == [(1, "exact"), (2, "near"), (2, "near too")]
    assert [entry["system"] for entry in leaderboard.entries(board, descending=True)][-1] == "exact"
    assert leaderboard.entries(board, sort="within")[0]["system"] == "exact"
    assert next(entry for entry in entries if entry["system"] == "half")["rank"] > 2
    assert bars(entries)["low"] <= 0 <= entries[0]["bar"]["value"]
    page = f"/p/{project.slug}/boards/{board.pk}/"
    shown = client_of("dave").get(page)
    assert (shown.status_code, shown.context["descending"], shown.context["turned"]) == (200, False, "desc")
    assert b"smallest accuracy difference" not in shown.content
    assert client_of("dave").get(f"{page}?sort=mae&dir=desc").context["descending"] is True
    assert client_of("dave").get(f"{page}?sort=within").context["descending"] is True


def test_a_primary_metric_may_be_any_of_them_but_the_coverage():
    assert KINDS["score"].may_be_primary == ["mae", "rmse", "within", "pearson", "spearman", "r2"]

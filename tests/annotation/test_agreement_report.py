"""A report holds every figure with its interval or reason, and survives JSON."""

import json

import numpy as np
import pytest

from annotation import agreement
from tests.annotation.test_agreement_intervals import triples
from tests.annotation.test_agreement_ratings import made_matrix, ratings

LABELS = ["a", "b", "c"]


def made_report(matrix: list[list[int | None]], **options: object) -> dict:
    return agreement.report(triples(ratings(matrix, labels=LABELS)), categories=LABELS, draws=200, **options)


def test_a_report_survives_json_unchanged() -> None:
    for matrix in (made_matrix(units=60, raters=3, labels=3, missing=0.3), [[0, 0]] * 12, [[0, None]], []):
        found = made_report(matrix)
        assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_extent_counts_units_raters_and_answers() -> None:
    found = made_report([[0, 0, None], [0, 1, 2], [1, None, None], [2, 2, None]])
    names = ("n_units", "n_units_2plus", "n_units_differing", "n_raters", "n_ratings")
    assert [found[name] for name in names] == [4, 3, 1, 3, 8]
    assert found["ratings_histogram"] == {"1": 1, "2": 2, "3": 1}
    assert found["prevalence"] == {"a": 3 / 8, "b": 2 / 8, "c": 3 / 8}


def test_figures_are_those_of_the_functions() -> None:
    matrix = made_matrix(units=80, raters=4, labels=3, missing=0.2, seed=3)
    r, found = ratings(matrix, labels=LABELS), made_report(matrix, seed=5)
    assert found["percent"]["value"] == agreement.percent_agreement(r)
    assert found["fleiss_kappa"]["value"] == pytest.approx(agreement.fleiss_kappa(r))
    assert found["gwet_ac1"]["value"] == pytest.approx(agreement.gwet_ac1(r))
    interval = agreement.bootstrap(r, ["krippendorff_alpha"], draws=200, seed=5)["krippendorff_alpha"]
    assert found["krippendorff_alpha"] == {
        "value": interval.value, "low": interval.low, "high": interval.high, "n": interval.n, "reason": "", "note": "",
    }  # fmt: skip
    assert found["confusion"] == agreement.confusion(r).tolist()
    assert [each["alpha"]["value"] for each in found["labels"]] == pytest.approx(agreement.alpha_per_label(r).tolist())
    assert [each["label"] for each in found["labels"]] == LABELS
    assert (found["seed"], found["draws"], found["level"]) == (5, 200, 0.95)


def test_cohen_lists_each_pair_and_its_mean_weighs_by_common_units() -> None:
    matrix = [[a, b, c if n < 20 else None] for n, (a, b, c) in enumerate(made_matrix(units=60, raters=3, labels=3))]
    found = made_report(matrix)
    kappa, n_common = agreement.cohen_matrix(ratings(matrix, labels=LABELS))
    assert [(p["a"], p["b"], p["n"]) for p in found["cohen"]] == [("r0", "r1", 60), ("r0", "r2", 20), ("r1", "r2", 20)]
    upper = np.triu_indices(3, 1)
    assert [pair["kappa"] for pair in found["cohen"]] == pytest.approx(kappa[upper].tolist())
    assert found["cohen_mean"] == pytest.approx(np.average(kappa[upper], weights=n_common[upper]))
    assert found["cohen"][0]["low"] < found["cohen"][0]["kappa"] < found["cohen"][0]["high"]


def test_nothing_answered_gives_empty_figures_with_a_reason() -> None:
    found = made_report([])
    assert found["percent"] == {
        "value": None, "low": None, "high": None, "n": 0, "reason": "no_pairs",
        "note": "No unit has answers of two people yet, so agreement cannot be computed.",
    }  # fmt: skip
    assert (found["cohen"], found["cohen_mean"], found["contested"], found["paradox"]) == ([], None, [], None)
    assert found["prevalence"] == {"a": None, "b": None, "c": None}


def test_the_most_contested_units_come_first_with_what_was_answered() -> None:
    found = made_report([[0, 0, 0], [0, 0, 1], [0, 1, None], [0, 1, 2], [0, None, None]])["contested"]
    assert [each["unit"] for each in found] == ["u003", "u002", "u001"]
    assert found[0] == {
        "unit": "u003",
        "disagreement": 1.0,
        "answers": [{"value": label, "count": 1} for label in "abc"],
    }
    assert found[2]["disagreement"] == pytest.approx(2 / 3)
    assert found[2]["answers"] == [{"value": "a", "count": 2}, {"value": "b", "count": 1}]


def test_at_most_fifty_contested_units_are_listed() -> None:
    found = made_report([[0, 1]] * 60)
    assert [each["unit"] for each in found["contested"]] == [f"u{n:03}" for n in range(50)]
    assert found["n_units_differing"] == 60


def test_high_percent_with_low_alpha_is_explained_by_prevalence() -> None:
    found = made_report([[0, 0]] * 80 + [[0, 1], [1, 0]])
    assert found["paradox"].startswith("Pairs agree in 97.6%, yet alpha is -0.006: 98.8% of all answers are 'a'")
    assert found["percent"]["low"] > 0.8


def test_balanced_answers_have_no_paradox() -> None:
    assert made_report([[0, 0], [1, 1], [2, 2]] * 20 + [[0, 1]])["paradox"] is None


def test_thin_labels_are_listed_with_their_units() -> None:
    found = made_report([[0, 0], [1, 1], [0, 1]] * 20 + [[2, 0]] * 3)
    assert found["thin_labels"] == {"c": 3}
    assert found["krippendorff_alpha"]["reason"] == "thin_labels"
    assert made_report([[0, 0], [1, 1], [0, 1]] * 20 + [[2, 0]] * 3, least=3)["krippendorff_alpha"]["reason"] == ""


def test_units_of_one_document_are_drawn_together() -> None:
    matrix = [row for row in made_matrix(units=40, raters=2, labels=3, seed=2) for _ in range(5)]
    r = ratings(matrix, labels=LABELS)
    documents = {unit: f"d{n // 5}" for n, unit in enumerate(r.units)}
    alone, together = (made_report(matrix, groups=groups)["krippendorff_alpha"] for groups in (None, documents))
    assert alone["value"] == together["value"]
    assert together["high"] - together["low"] > 1.8 * (alone["high"] - alone["low"])

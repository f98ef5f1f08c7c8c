"""Agreement reproduces published values and those computed elsewhere on real data."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotation import agreement
from annotation.agreement import gamma, metric
from benchmarks import published

SHARED = Path(os.environ.get("ASSAY_SHARED") or Path(__file__).resolve().parents[3] / "shared")
REFERENCE = SHARED / "reference" / "agreement.json"
CASES = json.loads(REFERENCE.read_text(encoding="utf-8")) if REFERENCE.is_file() else []


@pytest.mark.skipif(not CASES, reason="the published values are not on this machine")
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_published_value_is_reproduced(case: dict[str, Any]) -> None:
    found = published.ours(case, CASES)
    assert published.holds(case, found), f"published {case['expected']}, ours {found}"


SHROUT_FLEISS = [[9, 6, 8, 7, 10, 6], [2, 1, 4, 1, 5, 2], [5, 3, 6, 2, 6, 4], [8, 2, 8, 6, 9, 7]]


@pytest.mark.parametrize(
    ("measure", "expected"),
    [("icc1", 0.17), ("icc2", 0.29), ("icc3", 0.71), ("icc1k", 0.44), ("icc2k", 0.62), ("icc3k", 0.91)],
)
def test_the_six_forms_of_shrout_and_fleiss_1979_are_reproduced(measure: str, expected: float) -> None:
    case = {"name": measure, "measure": measure, "matrix": SHROUT_FLEISS, "expected": expected, "tolerance": 0.005}
    assert published.holds(case, published.ours(case, []))


def test_weighted_kappa_of_cohen_1968_is_reproduced() -> None:
    table = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]], dtype=float)
    apart = np.array([[0, 1, 3], [1, 0, 6], [3, 6, 0]], dtype=float)
    assert metric.weighted_kappa(table, apart) == pytest.approx(0.348, abs=5e-4)


def test_gamma_of_mathet_2015_rests_on_the_disorder_of_the_best_alignment() -> None:
    alex = [(2, 9, "1"), (11, 17, "2"), (24, 30, "5"), (32, 36, "6"), (36, 44, "6"), (44, 60, "7")]
    paul = [(2, 9, "1"), (11, 17, "3"), (19, 25, "5"), (32, 44, "6")]
    suzan = [(2, 9, "1"), (11, 17, "4"), (21, 27, "5"), (32, 36, "6"), (36, 40, "6"), (40, 44, "6")]
    assert gamma.disorder([alex, paul, suzan]) == pytest.approx(0.96, abs=0.005)


def rows(shared: Path, name: str) -> list[dict[str, Any]]:
    lines = (shared / "data" / "normalised" / "dev" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def triples(shared: Path, name: str, key: str | None = None) -> list[tuple[str, str, str]]:
    return [
        (row["id"], answer["annotator"], str(answer["label"] if key is None else answer["label"][key]))
        for row in rows(shared, name)
        for answer in row["annotations"]
    ]


def ratings(answers: list[tuple[str, str, str]]) -> agreement.Ratings:
    return agreement.from_triples(answers, categories=sorted({value for _, _, value in answers}))


def expected(shared: Path, name: str) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads((shared / "data" / "expected_agreement.dev.json").read_text(encoding="utf-8"))
    return figures[f"dev/{name}"]


def close(value: float) -> Any:
    return pytest.approx(value, abs=5.1e-7, rel=0)  # the expected figures are rounded to six decimals


@pytest.mark.parametrize("part", ["three_categories_incl_doubt", "doubt_excluded"])
def test_numclaim_agrees_as_expected_with_and_without_doubt(shared: Path, part: str) -> None:
    answers = triples(shared, "numclaim_two_raters")
    if part == "doubt_excluded":
        answers = [answer for answer in answers if answer[2] != "doubt"]
    r, figures = ratings(answers), expected(shared, "numclaim_two_raters")[part]
    assert np.count_nonzero(r.counts.sum(axis=1) > 1) == figures["n"]
    assert agreement.percent_agreement(r) == close(figures["percent_agreement"])
    assert agreement.cohen_kappa(r, "author", "non_author") == close(figures["cohen_kappa"])
    assert agreement.cohen_matrix(r)[0][0, 1] == close(figures["cohen_kappa"])
    assert agreement.krippendorff_alpha(r) == close(figures["alpha_nominal"])


def test_numclaim_has_as_many_items_to_adjudicate_as_expected(shared: Path) -> None:
    r = ratings(triples(shared, "numclaim_two_raters"))
    assert (
        np.count_nonzero(agreement.contested(r) > 0) == expected(shared, "numclaim_two_raters")["items_to_adjudicate"]
    )


def test_ocnli_agrees_as_expected(shared: Path) -> None:
    r, figures = ratings(triples(shared, "ocnli_dev")), expected(shared, "ocnli_dev")
    assert agreement.fleiss_kappa(r) == close(figures["fleiss_kappa"])
    assert agreement.krippendorff_alpha(r) == close(figures["alpha_nominal"])
    votes, units = np.unique(r.counts.max(axis=1), return_counts=True)
    assert {str(v): n for v, n in zip(votes, units, strict=True)} == figures["largest_vote_count_histogram"]


def test_climate_fever_agrees_as_expected_with_missing_votes(shared: Path) -> None:
    answers, figures = triples(shared, "climate_fever_votes"), expected(shared, "climate_fever_votes")
    found = agreement.report(answers, categories=sorted({value for _, _, value in answers}), draws=200, seed=1)
    assert found["ratings_histogram"] == figures["ratings_histogram"]
    assert found["n_units_2plus"] == figures["units_with_2plus"]
    assert found["krippendorff_alpha"]["value"] == close(figures["alpha_nominal"])
    assert found["krippendorff_alpha"]["low"] < figures["alpha_nominal"] < found["krippendorff_alpha"]["high"]


@pytest.mark.parametrize("dimension", ["V", "A", "D"])
def test_emobank_agrees_as_expected_at_interval_level(shared: Path, dimension: str) -> None:
    r = ratings(triples(shared, "emobank_news", dimension))
    figures = expected(shared, "emobank_news")
    assert agreement.krippendorff_alpha(r, "interval") == close(figures[f"alpha_interval_{dimension}"])


def test_pandalm_agrees_as_expected(shared: Path) -> None:
    r, figures = ratings(triples(shared, "pandalm_pairs_a")), expected(shared, "pandalm_pairs_a")
    assert agreement.fleiss_kappa(r) == close(figures["fleiss_kappa"])
    assert agreement.krippendorff_alpha(r) == close(figures["alpha_nominal"])
    for pair, kappa in figures["cohen_pairs"].items():
        a, b = (f"annotator{number}" for number in pair.split("-"))
        assert agreement.cohen_kappa(r, a, b) == close(kappa)
    assert np.count_nonzero(agreement.contested(r) > 0) == figures["items_with_disagreement"]

"""Agreement reproduces published values and those computed elsewhere on real data."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotation import agreement

SHARED = Path(os.environ.get("ASSAY_SHARED") or Path(__file__).resolve().parents[3] / "shared")
REFERENCE = SHARED / "reference" / "agreement.json"
CASES = json.loads(REFERENCE.read_text(encoding="utf-8")) if REFERENCE.is_file() else []

LATER = {  # what other kinds of question will measure
    "icc1",
    "icc2",
    "icc2k",
    "masi_distance",
    "alpha_u_unitizing",
    "gamma",
    "span_f1_strict",
    "span_f1_ent_type",
    "dawid_skene_marginals",
    "dawid_skene_confusion",
    "cohen_kappa_ase",  # asymptotic errors and intervals: the bootstrap takes their place
    "gwet_ac1_ci95",
}
LATER_LEVELS = {"set_jaccard", "set_masi"}


def of_first_two(measure: Callable[..., float]) -> Callable[[agreement.Ratings, str], float]:
    """The measure of the first two rows of a matrix."""
    return lambda r, _: measure(r, "0", "1")


COVERED: dict[str, Callable[[agreement.Ratings, Any], Any]] = {
    "krippendorff_alpha": lambda r, level: agreement.krippendorff_alpha(r, level),
    "cohen_kappa": of_first_two(agreement.cohen_kappa),
    "scott_pi": of_first_two(agreement.scott_pi),
    "light_kappa": lambda r, _: agreement.light_kappa(r),
    "fleiss_kappa": lambda r, _: agreement.fleiss_kappa(r),
    "fleiss_kappa_missing": lambda r, _: agreement.fleiss_kappa(r),
    "fleiss_kappa_per_category": lambda r, _: agreement.fleiss_kappa_per_category(r),
    "gwet_ac1": lambda r, _: agreement.gwet_ac1(r),
    "brennan_prediger": lambda r, _: agreement.brennan_prediger(r),
    "bennett_s": lambda r, _: agreement.brennan_prediger(r),
    "randolph_kappa_free": lambda r, _: agreement.brennan_prediger(r),
    "conger_kappa": lambda r, _: agreement.conger_kappa(r),
    "percent_agreement": lambda r, _: agreement.percent_agreement(r),
    "percent_agreement_value_weighted": lambda r, _: np.trace(agreement.confusion(r)) / agreement.confusion(r).sum(),
}


def from_matrix(matrix: list[list[Any]]) -> agreement.Ratings:
    """Ratings from raters x units, None for a missing answer; raters are named by their row."""
    seen = sorted({value for row in matrix for value in row if value is not None})
    triples = [
        (f"{unit:04}", str(rater), str(value))
        for rater, row in enumerate(matrix)
        for unit, value in enumerate(row)
        if value is not None
    ]
    return agreement.from_triples(triples, categories=[str(value) for value in seen])


@pytest.mark.skipif(not CASES, reason="the published values are not on this machine")
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_published_value_is_reproduced(case: dict[str, Any]) -> None:
    if case["measure"] in LATER or case["level"] in LATER_LEVELS:
        pytest.skip(f"{case['measure']} ({case['level']}) belongs to another kind of question")
    found = COVERED[case["measure"]](from_matrix(case["matrix"]), case["level"])
    assert found == pytest.approx(case["expected"], abs=case["tolerance"], rel=0)


@pytest.mark.skipif(not CASES, reason="the published values are not on this machine")
def test_every_published_value_is_covered_or_left_to_another_kind() -> None:
    later = [case["name"] for case in CASES if case["measure"] in LATER or case["level"] in LATER_LEVELS]
    assert {case["measure"] for case in CASES if case["name"] not in later} == set(COVERED)
    assert (len(CASES) - len(later), len(later)) == (39, 17)


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

"""Figures, intervals and durations in words."""

from typing import Any

import pytest
from django.utils.translation import override

from annotation import schema as schemas
from annotation.agreement.intervals import LEAST_UNITS
from annotation.templatetags import words

ENTRY = schemas.from_labels("q", ["up", "down"])["questions"][0]


@pytest.mark.parametrize(
    ("number", "places", "expected"),
    [
        (2 / 3, 3, "0.667"),
        (0.9996, 3, "1.000"),
        (-0.0001, 3, "0.000"),
        (-0.1234, 2, "-0.12"),
        (None, 3, "–"),
        (1, 1, "1.0"),
    ],
)
def test_a_figure_is_rounded_and_not_cut_off(number, places, expected):
    assert words.figure(number, places) == expected


def test_a_cell_is_rounded_where_it_is_a_figure():
    assert [words.cell(given) for given in (2 / 3, 3, "a", None)] == ["0.667", "3", "a", "–"]


@pytest.mark.parametrize(
    ("number", "places", "expected"), [(2 / 3, 0, "67%"), (0.005, 1, "0.5%"), (1.0, 1, "100.0%"), (None, 1, "–")]
)
def test_a_share_is_in_percent(number, places, expected):
    assert words.share(number, places) == expected


@pytest.mark.parametrize(
    ("number", "step"), [(-0.3, "0"), (0.0, "0"), (0.55, "6"), (1.0, "10"), (1.2, "10"), (None, "")]
)
def test_a_shade_is_a_step_from_0_to_10(number, step):
    assert words.level(number) == step


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, ""),
        (0.4, "0 seconds"),
        (1, "1 second"),
        (89, "89 seconds"),
        (90, "2 minutes"),
        (3600, "60 minutes"),
        (5400, "2 hours"),
    ],
)
def test_a_duration_is_told_to_the_unit_that_matters(seconds, expected):
    assert words.duration(seconds) == expected


def found(**fields: Any) -> dict[str, Any]:
    return {"value": 0.5, "low": None, "high": None, "n": 7, "reason": "", "note": "", **fields}


def test_an_interval_is_told_with_its_level():
    assert words.interval(found(low=0.4, high=0.61), level=0.9) == "90% interval 0.400 to 0.610"
    assert words.interval(found(low=0.4, high=0.61), percent=True) == "95% interval 40.0% to 61.0%"
    assert words.interval(found(reason="few_units")) == ""


@pytest.mark.parametrize(
    "reason", ["no_pairs", "no_variation", "few_units", "few_groups", "thin_labels", "no_spread", "unstable"]
)
def test_every_reason_of_a_missing_interval_is_a_sentence(reason):
    sentence = words.why(found(reason=reason))
    assert sentence.endswith(".")
    assert reason not in sentence
    assert "%(" not in sentence


def test_reasons_name_their_numbers_and_labels():
    assert f"needs {LEAST_UNITS} items" in words.why(found(reason="few_units"))
    assert "there are 7" in words.why(found(reason="few_units"))
    assert words.why(found(reason="thin_labels"), thin={"up": 3}, entry=ENTRY).endswith("Too few: up (3).")
    assert words.why(found()) == ""
    assert words.why(found(reason="a new one")) == "a new one"


def test_the_strength_of_an_alpha_is_judged_by_its_lower_limit():
    assert words.strength(found(value=0.95, low=0.7, high=0.99)).startswith("By the lower end")
    assert words.strength(found(value=0.95, low=0.9, high=0.99)).startswith("Reliable")
    assert words.strength(found(value=0.8, low=0.5, high=0.95)).startswith("The figure is fair, but")
    assert words.strength(found(value=0.95)) == ""  # without an interval no verdict
    assert words.strength(found(value=0.4, low=0.3, high=0.5)).startswith("Too low")
    assert words.strength(found(value=None)) == ""


def test_answers_are_shown_by_title_and_unknown_ones_as_they_are():
    schema = {"questions": [ENTRY]}
    assert words.value(schema, "q", "up") == {"title": "up", "color": 1}
    assert words.value(schema, "q", "gone") == {"title": "gone", "color": 0}
    assert words.value(schema, "other", {"a": [1]}) == {"title": '{"a": [1]}', "color": 0}
    assert words.value(None, "q", None) == {"title": "", "color": 0}
    assert words.title_in("gone", ENTRY) == "gone"


def test_codes_of_reasons_are_words_and_unknown_ones_stay():
    assert words.reason("oversight") == "an oversight"
    assert words.skip_reason("language") == "a language I do not read"
    assert (words.reason("x"), words.skip_reason("")) == ("x", "")


def test_numbers_follow_the_readers_language():
    with override("zh-hans"):
        assert words.figure(0.5) == "0.500"
    with override("de"):
        assert words.figure(0.5) == "0,500"


def test_a_rate_is_whole_where_it_is_whole():
    assert [words.rate(number) for number in (1200.0, 4.5, 2.04, None)] == ["1200", "4.5", "2", "–"]

"""text: free words, cleaned as texts are; equal answers and how alike the others are."""

import json
import random
from difflib import SequenceMatcher

import pytest

from annotation import schema as schemas
from annotation.agreement.kinds import AGREEMENTS
from annotation.kinds import text


def asked(**settings):
    return schemas.check({"questions": [{"name": "why", "kind": "text", **settings}]})["questions"][0]


LINE, LINES = asked(), asked(multiline=True, longest=20)


def test_the_settings_have_defaults_and_checking_again_changes_nothing():
    assert (LINE["longest"], LINE["multiline"]) == (1000, False)
    assert schemas.check({"questions": [LINES]})["questions"][0] == LINES


@pytest.mark.parametrize("longest", [0, -1, "many", 1.5, True, 20_001])
def test_a_length_that_cannot_be_is_refused_in_a_sentence(longest):
    with pytest.raises(ValueError, match="Question “why”: The longest answer has 1 to 20000 characters"):
        asked(longest=longest)


def test_words_are_stored_as_texts_are():
    assert text.clean(" e\u0301té\r\n\x00 好 ", LINES) == "été\n 好"
    assert text.clean("one \r\n two\u2028three", LINE) == "one two three"
    assert text.clean(3, LINE) == "3"
    assert text.clean("😀" * 20, LINES) == "😀" * 20
    assert text.clean("<b>&amp;", LINE) == "<b>&amp;"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("😀" * 21, "at most 20 characters; here are 21"),
        (" \x00", "no visible"),
        ([1], "takes words"),
        (True, "takes words"),
    ],
)
def test_words_that_cannot_be_are_refused_in_a_sentence(value, sentence):
    with pytest.raises(ValueError, match=sentence):
        text.clean(value, LINES)


def test_words_of_other_tools_are_read():
    assert [text.read(cell, LINE) for cell in ("a", {"text": "b"}, ["c"], {"value": "d"})] == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="takes words"):
        text.read(["a", "b"], LINE)


def test_width_case_and_blanks_make_no_difference_and_anything_else_does():
    assert text.distance("Profit  ROSE", "profit rose", LINE) == 0
    assert text.distance("ＡＢ", "ab", LINE) == 0
    assert text.distance("profit rose", "profits rose", LINE) == pytest.approx(1 - 22 / 23)
    assert text.distance("abc", "xyz", LINE) == 1
    assert text.distance("x" * 5000, "x" * 4999 + "y", LINE) > 0


def test_similarity_is_difflibs_and_symmetric():
    for one, other in (("利润增长", "利润大增"), ("tide", "diet"), ("", "a")):
        assert text.similarity(one, other) == text.similarity(other, one)
        assert text.similarity(one, other) == SequenceMatcher(None, *sorted((one, other)), autojunk=False).ratio()


def test_only_equal_words_become_gold():
    assert text.merge(["Up", "up", "UP "], LINE) == ("Up", 1.0)
    assert text.merge(["up", "ups"], LINE) is None
    assert text.merge([], LINE) is None


def test_agreement_tells_equal_pairs_and_similarity_by_unit():
    rows = [
        ("u1", "a", "up"),
        ("u1", "b", "UP"),
        ("u1", "c", "down"),
        ("u2", "a", "flat"),
        ("u2", "b", "flat"),
        ("u3", "a", "x"),
    ]
    figures = AGREEMENTS["text"].report(rows, question=LINE, draws=50, seed=1)
    assert figures["headline"] == ["equal", "similarity"]
    assert figures["equal"]["value"] == pytest.approx((1 / 3 + 1) / 2)
    unlike = (1 + text.similarity("up", "down") + text.similarity("UP", "down")) / 3
    assert figures["similarity"]["value"] == pytest.approx((unlike + 1) / 2)
    assert (figures["n_units"], figures["n_units_2plus"], figures["n_units_differing"]) == (3, 2, 1)
    assert figures["equal"]["reason"] == "few_units"
    assert figures["contested"][0]["unit"] == "u1"
    nobody = AGREEMENTS["text"].report([], question=LINE, draws=50, seed=1)
    assert nobody["equal"]["reason"] == "no_pairs"
    json.dumps([figures, nobody], allow_nan=False)


def test_many_items_have_an_interval():
    rows = [(f"u{n}", rater, "same" if n % 3 else f"{rater}{n}") for n in range(30) for rater in "ab"]
    found = AGREEMENTS["text"].brief(rows, question=LINE, draws=200, seed=1)["equal"]
    assert found["value"] == pytest.approx(2 / 3)
    assert found["low"] < found["value"] < found["high"]


def alike(a, b):
    """As difflib has it, the whole way."""
    return SequenceMatcher(None, *sorted((a, b)), autojunk=False).ratio()


@pytest.mark.parametrize("few", [0, 60, text.FEW])
def test_the_quick_way_to_the_similarity_is_that_of_difflib(monkeypatch, few):
    monkeypatch.setattr(text, "FEW", few)
    chance = random.Random(few)
    for signs, length in (("ab", 40), ("abc", 30), ("a", 12), ("abcdefgh", 60), ("净利润增长8％", 50), ("aab b", 90)):
        for _ in range(60):
            one, other = ("".join(chance.choice(signs) for _ in range(chance.randrange(length))) for _ in range(2))
            assert text.similarity(one, other) == alike(one, other), (one, other)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("a" * 2000, "ab" * 1000, 0.5), ("aab" * 667, "abb" * 667, 2 / 3), ("ab" * 1000, "ba" * 1000, 0.9995),
     ("".join(f"a{chr(1000 + n)}" for n in range(1000)), "".join(f"a{chr(5000 + n)}" for n in range(1000)), 0.5)],
)  # fmt: skip
def test_texts_that_are_made_to_be_slow_take_a_few_walks(monkeypatch, one, other, expected):
    walks = []
    walk = text.longest
    monkeypatch.setattr(text, "longest", lambda a, b: walks.append(len(a) * len(b)) or walk(a, b))
    assert text.similarity(one, other) == pytest.approx(expected, abs=2e-3)
    # difflib begins anew at each of up to a thousand blocks, over all of the rest.
    assert sum(walks) < 10 * text.COMPARED**2

"""choice: exactly one label, with keys and colours that never collide."""

import pytest

from annotation.kinds import choice
from annotation.kinds import labels as of_labels


def question(*labels):
    return {"name": "tone", **choice.check_schema({"labels": list(labels)})}


def test_labels_get_keys_colours_and_titles():
    up, down = question("up", {"name": "down", "title": "Down", "definition": " falls ", "examples": "one\n\n two "})[
        "labels"
    ]
    assert up == {"name": "up", "title": "up", "key": "1", "color": 1, "definition": "", "examples": []}
    assert down == {
        "name": "down",
        "title": "Down",
        "key": "2",
        "color": 2,
        "definition": "falls",
        "examples": ["one", "two"],
    }


def test_free_keys_go_round_those_that_were_chosen_and_those_of_the_page():
    labels = question(*(f"l{n}" for n in range(40)), {"name": "x", "key": "1"})["labels"]
    keys = [label["key"] for label in labels if label["key"]]
    assert len(keys) == len(set(keys))
    assert not set(keys) & of_labels.TAKEN
    assert labels[0]["key"] == "2"
    assert labels[39]["key"] == ""


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (None, "at least two labels"),
        (["one"], "at least two labels"),
        ([f"l{n}" for n in range(501)], "at most 500 labels; here are 501"),
        (["a", "a"], "Two labels have the name “a”"),
        (["a", " a "], "Two labels have the name “a”"),
        ([{"name": "a", "key": "x"}, {"name": "b", "key": "X"}], "Two labels have the key “x”"),
        (["a", ""], "Label 2 needs a name"),
        (["a", "x" * 61], "Label 2 needs a name of 1 to 60 characters"),
        (["a", "b\nc"], "without line breaks"),
        (["a", "b\u202ec"], r"Label 2: A name stands on one line .* U\+202E"),
        (["a", {"name": "b", "title": "B\nC"}], r"Label 2: A name stands on one line .* U\+000A"),
        (["a", 3], "Label 2 must be an object"),
        (["a", {"name": "b", "key": "ab"}], "Label “b”: “ab” cannot be its key"),
        (["a", {"name": "b", "key": "s"}], "Label “b”: “s” cannot be its key"),
        (["a", {"name": "b", "color": 9}], "colour must be a number from 1 to 8"),
        (["a", {"name": "b", "color": True}], "colour must be a number"),
        (["a", {"name": "b", "examples": [1]}], "examples must be a list of texts"),
    ],
)
def test_what_is_wrong_with_labels_is_said(labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        choice.check_schema({"labels": labels})


def test_a_value_is_a_label_by_name():
    asked = question("看涨", "0", "1")
    assert choice.clean(" 看涨 ", asked) == "看涨"
    assert choice.clean(0, asked) == "0"
    for strange in ("up", 2, True, None, ["0"], {"0": 1}):
        with pytest.raises(ValueError, match=r"is no label of “tone”\. The labels are: 看涨, 0, 1"):
            choice.clean(strange, asked)


def test_many_labels_are_not_all_listed():
    with pytest.raises(ValueError, match="l7 …"):
        choice.clean("x", question(*(f"l{n}" for n in range(20))))


def test_distance_is_nominal():
    assert [choice.distance("a", "a", {}), choice.distance("a", "b", {})] == [0.0, 1.0]


@pytest.mark.parametrize(
    ("values", "merged"),
    [
        ([], None),
        (["a"], ("a", 1.0)),
        (["a", "b"], None),
        (["a", "a", "b"], ("a", 2 / 3)),
        (["a", "a", "b", "b"], None),
        (["a", "b", "c", "a"], None),
    ],
)
def test_merging_needs_more_than_half(values, merged):
    assert choice.merge(values, {}) == merged


def test_a_value_in_words_is_its_title():
    asked = question({"name": "up", "title": "看涨"}, "down")
    assert choice.summarise("up", asked) == "看涨"
    assert choice.summarise("gone", asked) == "gone"

"""What differs between two states of a guideline: prose word by word, questions and labels fact by fact."""

import pytest

from annotation import differences
from annotation import schema as schemas


def schema(*questions):
    return schemas.check({"questions": list(questions)})


def facts(old, new, plan=None):
    """(question, what, label, old words, new words) of every change."""
    found = differences.schema(old, new, plan or {})
    return [
        (row["name"], change["what"], change["label"], _text(change["old"]), _text(change["new"]))
        for row in found
        for change in row["changes"]
    ]


def _text(pieces):
    return "".join(text for _differs, text in pieces)


def _marked(pieces):
    return [text for differs, text in pieces if differs]


def test_a_changed_paragraph_is_marked_word_by_word_and_the_others_stay():
    old = "# Rules\n\nA rise of profit is good news for holders.\n\nThe end."
    new = "# Rules\n\nA fall of profit is bad news for holders.\n\nThe end."
    rows = differences.prose(old, new)
    assert [row["sign"] for row in rows] == ["same", "changed", "same"]
    assert (_marked(rows[1]["old"]), _marked(rows[1]["new"])) == (["rise", "good"], ["fall", "bad"])
    assert _text(rows[1]["new"]) == "A fall of profit is bad news for holders."


def test_a_phrase_is_marked_as_one():
    old, new = differences.words("one two three four", "one 2 3 four")
    assert (_marked(old), _marked(new)) == (["two three"], ["2 3"])


def test_chinese_is_compared_character_by_character():
    old, new = differences.words("利润上升是好消息。", "利润下降是坏消息。")
    assert (_marked(old), _marked(new)) == (["上升", "好"], ["下降", "坏"])


def test_paragraphs_that_came_and_went_are_told_apart_from_those_that_changed():
    old = "First rule about profit and loss.\n\nSecond rule about ratings of banks."
    new = "A wholly new sentence, which stands alone here.\n\nFirst rule about profit and gain.\n\nThird."
    rows = differences.prose(old, new)
    assert [row["sign"] for row in rows] == ["added", "changed", "removed", "added"]


def test_long_runs_of_equal_paragraphs_are_folded():
    old = "\n\n".join(f"Paragraph number {n}." for n in range(9))
    rows = differences.folded(differences.prose(old, old.replace("number 4", "no 4")))
    assert [row["sign"] for row in rows] == ["folded", "same", "changed", "same", "folded"]
    assert [len(row["rows"]) for row in (rows[0], rows[-1])] == [3, 3]


def test_equal_states_differ_in_nothing():
    state = {"text": "# A\n\nb", "schema": schema({"name": "q", "labels": ["a", "b"]}), "examples": []}
    assert differences.between(state, state) == {"prose": [], "schema": [], "examples": []}


def test_labels_that_come_go_change_their_name_key_and_rule_are_told():
    old = schema({"name": "q", "labels": [{"name": "a", "title": "Good", "definition": "rises"}, "b", {"name": "c", "key": "x"}]})  # fmt: skip
    new = schema({"name": "q", "labels": [{"name": "good", "title": "Good", "definition": "rises a lot"}, {"name": "c", "key": "y"}, "d"]})  # fmt: skip
    found = facts(old, new)
    assert ("q", "label renamed", "Good", "a", "good") in found
    assert ("q", "rule", "Good", "rises", "rises a lot") in found
    assert ("q", "key", "c", "x", "y") in found
    assert ("q", "new label", "d", "", "d") in found
    assert ("q", "label removed", "b", "b", "") in found


def test_merged_labels_are_known_from_the_plan():
    old, new = schema({"name": "q", "labels": ["a", "b", "c"]}), schema({"name": "q", "labels": ["a", "other"]})
    found = facts(old, new, {"q": {"labels": {"b": "other", "c": "other"}}})
    assert [row[1:4] for row in found if "merged" in row[1]] == [("labels merged", "other", "b"), ("labels merged", "other", "c")]  # fmt: skip
    assert not any(row[1] in ("label removed", "new label") for row in found)


@pytest.mark.parametrize(
    ("before", "after", "what", "words"),
    [
        ({}, {"title": "Tone"}, "title", ("Q", "Tone")),
        ({}, {"help": "Look twice."}, "help", ("", "Look twice.")),
        ({}, {"required": False}, "answer", ("must be answered", "may stay open")),
        ({"kind": "choices"}, {"kind": "choices", "least": 2}, "At least so many labels", ("", "2")),
        ({}, {"kind": "choices"}, "kind", ("one label", "several labels")),
    ],
)
def test_what_else_is_said_of_a_question_is_told(before, after, what, words):
    base = {"name": "q", "labels": ["a", "b", "c"]}
    found = {row[1]: row[3:] for row in facts(schema({**base, **before}), schema({**base, **after}))}
    assert found.get(what) == words or any(told == words for told in found.values()), found


def test_questions_that_come_go_and_change_their_name_are_told():
    old = schema({"name": "mood", "labels": ["a", "b"]}, {"name": "gone", "labels": ["x", "y"]})
    new = schema({"name": "tone", "title": "Mood", "labels": ["a", "b"]}, {"name": "come", "kind": "text"})
    found = {(row["name"], row["sign"], row["was"]) for row in differences.schema(old, new, {})}
    assert found == {("tone", "renamed", "mood"), ("come", "added", ""), ("gone", "removed", "")}


def test_a_form_begins_with_what_seems_to_be_renamed():
    old = schema({"name": "mood", "labels": [{"name": "a", "title": "Good"}, "b"]})
    new = schema({"name": "tone", "title": "Mood", "labels": [{"name": "good", "title": "Good"}, "b"]})
    assert differences.guesses(old, new) == {"mood": {"to": "tone", "labels": {"a": "good"}}}
    assert differences.guesses(old, old) == {}


def test_examples_that_come_go_and_change_are_told():
    one = {"item": 1, "question": "q", "value": "a", "counter": False, "words": "", "text": "Sales rose.", "why": "up"}
    other, third = {**one, "item": 2}, {**one, "item": 3}
    found = differences.examples([one, other], [{**one, "why": "up a lot"}, third])
    assert [(row["sign"], row["example"]["item"]) for row in found] == [("changed", 1), ("removed", 2), ("added", 3)]
    assert _marked(found[0]["new"]) == [" a lot"]


def test_a_guideline_of_two_hundred_thousand_characters_is_compared_in_no_time():
    old = "\n\n".join(f"Rule {n}: say {n % 7} of it, and then {n % 11} more words." for n in range(4000))
    rows = differences.prose(old, old.replace("Rule 17:", "Rule seventeen:"))
    assert [row["sign"] for row in rows].count("changed") == 1

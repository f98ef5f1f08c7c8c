"""A schema is a list of questions: checked with its defaults, and answers checked against it."""

import pytest

from annotation import schema as schemas
from annotation.kinds import KINDS

ONE = {"name": "tone", "labels": ["up", "down"]}
TWO = {"questions": [ONE, {"name": "topic", "labels": ["a", "b"], "required": False, "title": "主题"}]}


def test_defaults_are_filled_in():
    [question] = schemas.check({"questions": [ONE]})["questions"]
    assert {key: question[key] for key in ("name", "kind", "title", "help", "required")} == {
        "name": "tone", "kind": "choice", "title": "Tone", "help": "", "required": True,
    }  # fmt: skip


def test_checking_a_checked_schema_changes_nothing():
    checked = schemas.check(TWO)
    assert schemas.check(checked) == checked


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        (None, "at least one question"),
        ([], "at least one question"),
        ({"questions": []}, "at least one question"),
        ({"questions": {"tone": ONE}}, "at least one question"),
        ({"questions": ["tone"]}, "Question 1 must be an object"),
        ({"questions": [{**ONE, "name": ""}]}, "Question 1 needs a name"),
        ({"questions": [{**ONE, "name": "Tone"}]}, "got “Tone”"),
        ({"questions": [{**ONE, "name": "1st"}]}, "starts with a letter"),
        ({"questions": [{**ONE, "name": "情绪"}]}, "Question 1 needs a name"),
        ({"questions": [ONE, ONE]}, "Two questions are named “tone”"),
        ({"questions": [{**ONE, "title": "To\u202ene"}]}, r"Question “tone”: A name stands on one line .* U\+202E"),
        ({"questions": [{**ONE, "kind": "mood"}]}, "the kind “mood” is unknown"),
        ({"questions": [{**ONE, "labels": ["up"]}]}, "Question “tone”: It needs at least two labels"),
    ],
)
def test_what_is_wrong_with_a_schema_is_said_by_question(schema, sentence):
    with pytest.raises(ValueError, match=sentence):
        schemas.check(schema)


def test_an_answer_is_cleaned_question_by_question():
    schema = schemas.check(TWO)
    assert schemas.clean({"tone": " up ", "topic": None}, schema) == {"tone": "up"}
    assert schemas.clean({"tone": "down", "topic": "b"}, schema) == {"tone": "down", "topic": "b"}
    assert schemas.clean({}, schema, partial=True) == {}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("up", "An answer is an object"),
        ({}, "“Tone” has no answer yet"),
        ({"tone": ""}, "“Tone” has no answer yet"),
        ({"topic": "a"}, "“Tone” has no answer yet"),
        ({"tone": "up", "mood": "x"}, "no question “mood”. The questions are: tone, topic"),
        ({"tone": "sideways"}, "“sideways” is no label of “tone”"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(answer, sentence):
    with pytest.raises(ValueError, match=sentence):
        schemas.clean(answer, schemas.check(TWO))


def test_a_question_is_found_by_name_or_the_names_are_told():
    schema = schemas.check(TWO)
    assert schemas.question(schema, "topic")["title"] == "主题"
    with pytest.raises(ValueError, match="The questions are: tone, topic"):
        schemas.question(schema, "mood")
    with pytest.raises(ValueError, match="The questions are: none"):
        schemas.question({}, "mood")


def test_a_schema_from_labels_alone():
    schema = schemas.from_labels("tone", ["看涨", "看跌"], title="情绪")
    assert schemas.label_names(schema["questions"][0]) == ["看涨", "看跌"]
    assert schema["questions"][0]["title"] == "情绪"


def test_every_kind_is_registered_under_its_own_name():
    assert all(kind.name == name for name, kind in KINDS.items())

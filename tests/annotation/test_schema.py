"""A schema is a list of questions: checked with its defaults, and answers checked against it."""

import pytest

from annotation import schema as schemas
from annotation.kinds import KINDS, About

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


# Questions that depend on another

RELEVANT = {"name": "relevant", "labels": ["yes", "no", "maybe"]}
TONE = {"name": "tone", "labels": ["up", "down"], "when": {"question": "relevant", "labels": ["yes", "maybe", "yes"]}}
CHAIN = {"questions": [RELEVANT, TONE, {**ONE, "name": "how", "when": {"question": "tone", "labels": ["up"]}}]}


def test_a_condition_is_kept_without_repeats_and_checking_again_changes_nothing():
    checked = schemas.check(CHAIN)
    assert checked["questions"][1]["when"] == {"question": "relevant", "labels": ["yes", "maybe"]}
    assert "when" not in checked["questions"][0]
    assert schemas.check(checked) == checked


@pytest.mark.parametrize(
    ("when", "sentence"),
    [
        ("relevant", "“when” must name a question and a list of its labels"),
        ({"question": "relevant"}, "“when” must name a question"),
        (
            {"question": "tone", "labels": ["up"]},
            "only on an earlier question that has labels .relevant., not on “tone”",
        ),
        ({"question": "later", "labels": ["up"]}, "not on “later”"),
        ({"question": "relevant", "labels": ["perhaps"]}, "“perhaps” is no label of “relevant”"),
        ({"question": "relevant", "labels": []}, "name at least one label of “relevant”"),
    ],
)
def test_a_condition_that_cannot_be_is_refused_with_the_question(when, sentence):
    with pytest.raises(ValueError, match=f"Question “tone”: .*{sentence}"):
        schemas.check({"questions": [RELEVANT, {**TONE, "when": when}]})


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"relevant": "no"}, {"relevant": "no"}),
        ({"relevant": "no", "tone": "up", "how": "up"}, {"relevant": "no"}),
        ({"relevant": "yes", "tone": "down", "how": "up"}, {"relevant": "yes", "tone": "down"}),
        ({"relevant": "maybe", "tone": "up", "how": "down"}, {"relevant": "maybe", "tone": "up", "how": "down"}),
    ],
)
def test_answers_that_the_others_do_not_open_are_left_out(given, kept):
    assert schemas.clean(given, schemas.check(CHAIN)) == kept


def test_a_required_question_must_be_answered_only_where_it_is_asked():
    schema = schemas.check(CHAIN)
    with pytest.raises(ValueError, match="“Tone” has no answer yet"):
        schemas.clean({"relevant": "yes"}, schema)
    assert schemas.clean({"relevant": "yes"}, schema, partial=True) == {"relevant": "yes"}


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        ({"kind": "preference", "strength": ["slightly", "much"]}, {"better": "b"}),
        ({"kind": "preference", "mode": "ranking"}, {"order": [["b"]], "shown": ["b", "a", "c"]}),
        ({"kind": "choices", "labels": ["x", "y", "z"], "least": 2}, ["y"]),
        ({"kind": "text", "longest": 5}, "longer than that"),
        ({"kind": "rubric", "criteria": ["one", "two"]}, {"two": 1}),
        ({"kind": "rubric", "criteria": ["one", "two"], "each": True}, {"b": {"two": 1}, "shown": ["a", "b"]}),
        ({"kind": "events", "labels": ["rise"]}, [{"type": "rise", "arguments": [], "status": "actual"}]),
    ],
)
def test_a_half_answer_of_any_kind_can_be_a_draft_and_no_answer(settings, value):
    asked = schemas.check({"questions": [{"name": "q", **settings}]})
    names = ("a", "b", "c") if settings.get("mode") == "ranking" else ("a", "b")
    about = About("Profit rose.", candidates=names)
    assert schemas.clean({"q": value}, asked, about=about, partial=True, draft=True) == {"q": value}
    with pytest.raises(ValueError, match=r"\S"):
        schemas.clean({"q": value}, asked, about=about)

"""The kind `spans`: its settings, stored form, the forms of other tools, distance, majority, words."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from annotation import schema as schemas
from annotation.kinds import KINDS, About, spans
from annotation.kinds.marks import cover, covers, key, meets, shared
from annotation.text.offsets import moved

TEXT = "Apple 😀 paid $1.2bn to Beats of Apple.\n𠀀𠀁公司同比增长3.5%。"
ABOUT = About(text=TEXT)


def asked(**settings):
    declared = {"labels": [{"name": "ORG", "title": "Company"}, "PER", "MONEY"], **settings}
    return schemas.check({"questions": [{"name": "marks", "kind": "spans", **declared}]})["questions"][0]


QUESTION = asked()
RICH = asked(discontinuous=True, relations=["owns: ORG, PER > ORG", "pays"], linked=["ORG"], numbers=["MONEY"])
APPLE = {"start": 0, "end": 5, "label": "ORG", "text": "Apple"}
PAID = {"start": 13, "end": 19, "label": "MONEY", "text": "$1.2bn"}
BEATS = {"start": 23, "end": 28, "label": "ORG", "text": "Beats"}


def bare(*marks):
    return [{"start": start, "end": end, "label": label} for start, end, label in marks]


# The question


def test_settings_have_defaults():
    names = ("overlap", "discontinuous", "relations", "linked", "numbers", "snap")
    assert {name: QUESTION[name] for name in names} == {
        "overlap": True, "discontinuous": False, "relations": [], "linked": [], "numbers": [], "snap": "words",
    }  # fmt: skip


def test_relations_are_lines_and_come_back_as_such():
    lines = ["owns: ORG, PER > ORG", "pays", "names：ORG＞", "of: > PER"]
    found = asked(relations=lines)["relations"]
    assert found[0] == {"name": "owns", "from": ["ORG", "PER"], "to": ["ORG"]}
    assert found[1] == {"name": "pays", "from": [], "to": []}
    assert found[2] == {"name": "names", "from": ["ORG"], "to": []}
    assert asked(relations=found)["relations"] == found
    assert asked(relations=[spans.line(entry) for entry in found])["relations"] == found
    assert asked(relations="owns\npays")["relations"][1]["name"] == "pays"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"labels": []}, "at least one label"),
        ({"relations": ["owns: FIRM > ORG"]}, "“owns” names the label “FIRM”"),
        ({"relations": ["owns", "owns"]}, "“owns” stands there twice"),
        ({"relations": [": ORG"]}, "A relation needs a name"),
        ({"relations": 5}, "“relations” takes a list of lines"),
        ({"linked": ["Company"]}, "“linked” names the label “Company”"),
        ({"numbers": "EUR"}, "“numbers” names the label “EUR”"),
        ({"snap": "tokens"}, "“snap” is words or characters; got “tokens”"),
    ],
)
def test_a_setting_that_cannot_be_is_named(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        asked(**settings)


# The stored form


def test_marks_are_sorted_each_once_with_their_words():
    value = bare((23, 28, "ORG"), (0, 5, "ORG"), (0, 5, "PER"), (0, 5, "ORG"), (13, 19, "MONEY"))
    found = spans.clean(value, QUESTION, ABOUT)
    assert found == [APPLE, {**APPLE, "label": "PER"}, PAID, BEATS]
    assert spans.clean(found, QUESTION, ABOUT) == found
    assert spans.clean([], QUESTION, ABOUT) == []


def test_labels_may_be_named_by_their_title():
    assert spans.clean(bare((0, 5, "Company")), QUESTION, ABOUT) == [APPLE]


def test_without_the_item_only_what_can_be_known_is_filled_in():
    assert spans.clean(bare((0, 5, "ORG")), QUESTION) == bare((0, 5, "ORG"))
    assert spans.clean([APPLE], QUESTION) == [APPLE]


def test_relations_follow_their_marks_through_sorting_and_doubles():
    value = [
        {**BEATS, "relations": [{"type": "pays", "to": 2}]},
        dict(BEATS),
        {**APPLE, "relations": [{"type": "owns", "to": 1}, {"type": "owns", "to": 0}, {"type": "pays", "to": 3}]},
        {**PAID, "value": {"number": "1200000000", "unit": "USD"}},
    ]
    found = spans.clean(value, RICH, ABOUT)
    assert [mark["text"] for mark in found] == ["Apple", "$1.2bn", "Beats"]
    assert found[0]["relations"] == [{"type": "owns", "to": 2}, {"type": "pays", "to": 1}]
    assert found[2]["relations"] == [{"type": "pays", "to": 0}]
    assert spans.clean(found, RICH, ABOUT) == found


def test_parts_are_sorted_joined_where_they_touch_and_one_part_is_none():
    value = [{"label": "ORG", "parts": [[33, 38], [0, 3], [3, 5]]}]
    [mark] = spans.clean(value, RICH, ABOUT)
    assert mark == {"start": 0, "end": 38, "label": "ORG", "text": TEXT[:38], "parts": [[0, 5], [33, 38]]}
    assert spans.clean([{"label": "ORG", "parts": [[0, 3], [3, 5]]}], QUESTION, ABOUT) == [APPLE]


def test_links_and_values_are_kept_in_their_form():
    value = [{**APPLE, "link": "AAPL"}, {**PAID, "value": {"number": "+1200000000", "unit": "USD", "per": ""}}]
    found = spans.clean(value, RICH, ABOUT)
    assert found[0] == {**APPLE, "link": "AAPL"}
    assert found[1] == {**PAID, "value": {"number": "1200000000", "unit": "USD"}}
    assert spans.clean([{**PAID, "value": 5}], RICH, ABOUT)[0]["value"] == {"number": "5"}


def test_the_value_of_a_number_is_read_from_its_words_where_none_is_given():
    [paid] = spans.clean([[13, 19, "MONEY"]], RICH, ABOUT)
    assert paid == {**PAID, "value": {"number": "1200000000", "unit": "USD"}}
    assert spans.clean([{**PAID, "value": {"number": "7"}}], RICH, ABOUT)[0]["value"] == {"number": "7"}
    [apple] = spans.clean([[0, 5, "MONEY"]], RICH, ABOUT)
    assert "value" not in apple
    [german] = spans.clean([[0, 7, "MONEY"]], RICH, About("1.234,5", language="de"))
    assert german["value"] == {"number": "1234.5"}
    [english] = spans.clean([[0, 7, "MONEY"]], RICH, About("1.234,5", language="en"))
    assert "value" not in english
    assert "value" not in spans.clean([[13, 19, "MONEY"]], QUESTION, ABOUT)[0]


@pytest.mark.parametrize(
    ("value", "question", "sentence"),
    [
        ("Apple", QUESTION, "“marks” takes a list of marks"),
        (["Apple"], QUESTION, "Mark 1 must be"),
        ([[0, 5]], QUESTION, "Mark 1 must be"),
        (bare((0, 5, "FIRM")), QUESTION, "Mark 1: “FIRM” is no label of “marks”. The labels are: ORG, PER, MONEY"),
        ([APPLE, {"start": 3, "label": "ORG"}], QUESTION, "Mark 2 needs a start and an end"),
        (bare((True, 5, "ORG")), QUESTION, "Mark 1 needs a start and an end"),
        (bare((1.5, 5, "ORG")), QUESTION, "Mark 1 needs a start and an end"),
        (bare((5, 5, "ORG")), QUESTION, "Mark 1 goes from 5 to 5"),
        (bare((-2, 5, "ORG")), QUESTION, "Mark 1 goes from -2 to 5"),
        (bare((0, 500, "ORG")), QUESTION, "Mark 1 ends at 500, and the text has 52 characters"),
        ([{**APPLE, "start": 1, "end": 6}], QUESTION, "Mark 1: from 1 to 6 the text says “pple ”, not “Apple”"),
        ([{"label": "ORG", "parts": [[0, 3], [4, 5]]}], QUESTION, "Mark 1 has 2 parts"),
        ([{"label": "ORG", "parts": [[0, 3, 4]]}], RICH, "Mark 1: its parts must be a list"),
        ([{"label": "ORG", "start": 1, "parts": [[0, 3], [4, 5]]}], RICH, "its parts go from 0 to 5"),
        ([{**APPLE, "link": "AAPL"}], QUESTION, "Mark 1 is linked with a company, and marks of “ORG” are not"),
        ([{**APPLE, "link": ["AAPL"]}], RICH, "the link must be the key of a company"),
        ([{**APPLE, "value": {"number": "1"}}], RICH, "Mark 1 has a value, and marks of “ORG” are no numbers"),
        ([{**PAID, "value": {"number": "1,2"}}], RICH, "Mark 1: “1,2” is no number in plain digits"),
        ([{**PAID, "value": {"number": "1", "unit": 3}}], RICH, "unit and period of its value are short words"),
        ([{**APPLE, "relations": [{"type": "owns", "to": 0}]}], QUESTION, "“owns” is no relation of “marks”"),
        ([{**APPLE, "relations": [{"type": "owns", "to": 0}]}], RICH, "Mark 1 has a relation to itself"),
        ([{**APPLE, "relations": [{"type": "owns", "to": 1}]}], RICH, "a relation to mark 1, which does not exist"),
        ([{**APPLE, "relations": "owns"}], RICH, "its relations must be a list"),
        ([{**APPLE, "relations": [{"type": "owns", "to": 1}]}, PAID], RICH, "goes ORG, PER > ORG; here is “MONEY”"),
    ],
)
def test_a_mark_that_cannot_be_is_named_in_a_sentence(value, question, sentence):
    with pytest.raises(ValueError, match=sentence):
        spans.clean(value, question, ABOUT)


def test_marks_may_nest_or_overlap_unless_the_question_says_no():
    nested = bare((0, 5, "ORG"), (0, 12, "PER"), (13, 19, "MONEY"))
    assert len(spans.clean(nested, QUESTION, ABOUT)) == 3
    with pytest.raises(ValueError, match=r"“Apple” .ORG. and “Apple 😀 paid” .PER. do"):
        spans.clean(nested, asked(overlap=False), ABOUT)
    touching = bare((0, 5, "ORG"), (5, 7, "ORG"), (13, 19, "MONEY"))
    assert len(spans.clean(touching, asked(overlap=False), ABOUT)) == 3
    around = [{"label": "ORG", "parts": [[0, 3], [10, 12]]}, {"label": "PER", "start": 5, "end": 7}]
    assert len(spans.clean(around, asked(overlap=False, discontinuous=True), ABOUT)) == 2


def test_marks_with_the_same_ends_and_label_but_other_parts_are_refused():
    value = [{"label": "ORG", "parts": [[0, 3], [10, 12]]}, {"label": "ORG", "start": 0, "end": 12}]
    with pytest.raises(ValueError, match="have other parts"):
        spans.clean(value, RICH, ABOUT)


# Forms of other tools


@pytest.mark.parametrize(
    "value",
    [
        [[0, 5, "ORG"], [13, 19, "MONEY"]],
        json.dumps([[0, 5, "ORG"], [13, 19, "MONEY"]]),
        "[(0, 5, 'ORG'), (13, 19, 'MONEY')]",
        {"entities": [[0, 5, "ORG"], [13, 19, "MONEY"]]},
        {"label": [[0, 5, "ORG"], [13, 19, "MONEY"]]},
        [
            {"start": 0, "end": 5, "text": "Apple", "labels": ["ORG"]},
            {"start": 13, "end": 19, "text": "$1.2bn", "labels": ["MONEY"]},
        ],
        [
            {"id": 1, "label": "ORG", "start_offset": 0, "end_offset": 5},
            {"id": 2, "label": "MONEY", "start_offset": 13, "end_offset": 19},
        ],
        [
            {"entity_group": "ORG", "start": "0", "end": "5", "word": "Apple", "score": 0.9},
            {"entity_group": "MONEY", "start": 13.0, "end": 19, "word": "$1.2bn"},
        ],
        {
            "result": [
                {
                    "id": "x",
                    "type": "labels",
                    "from_name": "label",
                    "value": {"start": 0, "end": 5, "text": "Apple", "labels": ["ORG"]},
                },
                {"id": "y", "type": "choices", "value": {"choices": ["up"]}},
                {"id": "z", "type": "labels", "value": {"start": 13, "end": 19, "labels": ["MONEY"]}},
            ]
        },
    ],
)
def test_the_forms_of_other_tools_say_the_same(value):
    assert spans.clean(spans.read(value, QUESTION), QUESTION, ABOUT) == [APPLE, PAID]


@pytest.mark.parametrize(
    "value",
    [
        {
            "entities": [
                {"id": 7, "label": "ORG", "start_offset": 0, "end_offset": 5},
                {"id": 3, "label": "ORG", "start_offset": 23, "end_offset": 28},
            ],
            "relations": [{"id": 1, "from_id": 7, "to_id": 3, "type": "owns"}],
        },
        [
            {"type": "relation", "from_id": "a", "to_id": "b", "labels": ["owns"], "direction": "right"},
            {"id": "b", "type": "labels", "value": {"start": 23, "end": 28, "labels": ["ORG"]}},
            {"id": "a", "type": "labels", "value": {"start": 0, "end": 5, "labels": ["ORG"]}},
        ],
    ],
)
def test_relations_of_other_tools_are_taken_by_their_ids(value):
    found = spans.clean(spans.read(value, RICH), RICH, ABOUT)
    assert found == [{**APPLE, "relations": [{"type": "owns", "to": 1}]}, BEATS]


def test_a_mark_with_two_labels_is_two_marks():
    found = spans.clean([{"start": 0, "end": 5, "labels": ["ORG", "PER"]}], QUESTION, ABOUT)
    assert [mark["label"] for mark in found] == ["ORG", "PER"]


@pytest.mark.parametrize("value", ["Apple", "[broken", '["ORG"]', 5, {"ORG": 3}, [["a"], "b"]])
def test_what_holds_no_marks_is_refused(value):
    with pytest.raises(ValueError, match=r"“marks” takes a list of marks|Mark 1"):
        spans.read(value, QUESTION)


def test_offsets_of_a_tool_that_counts_in_utf_16_are_converted_where_the_quotes_show_it():
    def units(place):
        return len(TEXT[:place].encode("utf-16-le")) // 2

    wanted = [(0, 5, "ORG"), (13, 19, "MONEY"), (39, 43, "ORG")]
    value = [
        {"start": units(start), "end": units(end), "label": label, "text": TEXT[start:end]}
        for start, end, label in wanted
    ]
    found = spans.clean(value, QUESTION, ABOUT)
    assert [key(mark) for mark in found] == wanted
    assert found[2]["text"] == "𠀀𠀁公司"
    with pytest.raises(ValueError, match="Mark 2: from 14 to 20 the text says"):
        spans.clean([*value[:2], {**value[2], "text": "公司"}], QUESTION, ABOUT)


OFFSETS = st.integers(0, 40) | st.sampled_from([0, 5, 13, 19, "5", 5.0, None, -1])
NEARLY = st.fixed_dictionaries(
    {
        "start": OFFSETS,
        "end": OFFSETS,
        "label": st.sampled_from(["ORG", "PER", "MONEY", "Company", "x", None, ["ORG", "PER"]]),
    },
    optional={
        "parts": st.lists(st.lists(st.integers(0, 40), min_size=2, max_size=2), max_size=3),
        "link": st.sampled_from(["AAPL", 5, "", []]),
        "value": st.sampled_from([5, "-0.5", {"number": "1", "unit": "USD"}, {}, "x"]),
        "relations": st.lists(
            st.fixed_dictionaries({"type": st.sampled_from(["owns", "pays"]), "to": st.integers(-1, 4)}), max_size=3
        ),
        "id": st.integers(0, 3),
    },
) | st.fixed_dictionaries(
    {"from_id": st.integers(0, 3), "to_id": st.integers(0, 3), "type": st.sampled_from(["pays", ["owns"], 3])}
)
ODD = st.lists(NEARLY, max_size=5) | st.recursive(
    st.none() | st.booleans() | st.integers(-3, 60) | st.floats() | st.sampled_from(["", "ORG", "Apple", "owns", "1.5"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from([
            "start", "end", "label", "labels", "text", "parts", "value", "link", "relations", "type", "to", "id", "from_id",
            "to_id", "entities", "number", "unit", "start_offset",
        ]),
        inner,
        max_size=6,
    ),
    max_leaves=25,
)  # fmt: skip


@given(ODD)
@example([{"start": 0, "end": 5, "label": "ORG", "relations": [{"type": "pays", "to": 1}]}, [13, 19, "MONEY"]])
def test_whatever_comes_is_an_answer_or_a_sentence(value):
    for told in (value, json.dumps(value)):
        try:
            found = spans.clean(spans.read(told, RICH), RICH, ABOUT)
        except ValueError:
            continue
        assert spans.clean(found, RICH, ABOUT) == found
        assert spans.merge([found], RICH) == (found, 1.0)
        assert spans.distance(found, found, RICH) == 0
        assert all(TEXT[mark["start"] : mark["end"]] == mark["text"] for mark in found)
        assert spans.gather(told, {}) in (True, False)


def test_what_marks_have_makes_the_settings_of_their_question():
    seen = {}
    marks = [
        {**APPLE, "link": "AAPL", "relations": [{"type": "pays", "to": 1}]},
        {**PAID, "value": {"number": "5"}},
        {"label": "PER", "parts": [[0, 2], [4, 6]]},
    ]
    assert spans.gather(marks, seen)
    assert spans.gather(json.dumps([[0, 5, "LOC"]]), seen)
    assert spans.propose(seen) == {
        "labels": ["LOC", "MONEY", "ORG", "PER"], "relations": ["pays"], "linked": ["ORG"], "numbers": ["MONEY"],
        "discontinuous": True,
    }  # fmt: skip
    for other in (
        [],
        ["ORG"],
        [[1, 2]],
        "text",
        [{"text": "Apple", "sentiment": "up"}],
        [{"start": 1, "end": 2}],
        5,
        None,
    ):
        assert not spans.gather(other, {})


# Distance and majority


def test_distance_is_one_less_f1():
    one, other = [APPLE, PAID, BEATS], [APPLE, {**PAID, "label": "ORG"}]
    assert spans.distance(one, other, QUESTION) == pytest.approx(1 - 2 / 5)
    assert spans.distance(one, one, QUESTION) == spans.distance([], [], QUESTION) == 0.0
    assert spans.distance([], one, QUESTION) == spans.distance([APPLE], [BEATS], QUESTION) == 1.0
    whole = {"start": 0, "end": 38, "label": "ORG"}
    assert spans.distance([whole], [{**whole, "parts": [[0, 5], [33, 38]]}], RICH) == 1.0


def test_where_the_marks_are_the_same_links_values_and_relations_count():
    linked = [{**APPLE, "link": "AAPL"}, BEATS]
    related = [{**APPLE, "relations": [{"type": "owns", "to": 1}]}, BEATS]
    assert spans.distance(linked, [APPLE, BEATS], RICH) == pytest.approx(1 - 4 / 5)
    assert spans.distance(linked, related, RICH) == pytest.approx(1 - 4 / 6)
    assert 0 < spans.distance([{**PAID, "value": {"number": "1"}}], [{**PAID, "value": {"number": "2"}}], RICH) < 1
    assert spans.distance(related, related, RICH) == 0.0


LONG = {"start": 0, "end": 7, "label": "ORG", "text": TEXT[:7]}
SHORT = {"start": 1, "end": 5, "label": "ORG", "text": TEXT[1:5]}


@pytest.mark.parametrize(
    ("values", "merged"),
    [
        ([[APPLE, PAID], [APPLE, PAID], [APPLE]], ([APPLE, PAID], 2 / 3)),
        ([[APPLE, PAID], [APPLE], [APPLE]], ([APPLE], 2 / 3)),
        ([[APPLE], []], None),  # half and half
        ([[APPLE, PAID], [APPLE, BEATS]], None),
        ([[APPLE], [APPLE], [PAID], [PAID]], None),
        ([[APPLE], [LONG], [SHORT]], None),  # all marked something there, and differ in its ends
        ([[APPLE], [LONG], []], None),  # two of three did
        ([[APPLE], [{**APPLE, "label": "PER"}], []], None),
        ([[APPLE, PAID], [LONG, PAID], [SHORT, PAID]], None),
        ([[APPLE], [APPLE], [LONG]], ([APPLE], 2 / 3)),
        ([[APPLE], [BEATS], [PAID]], ([], 2 / 3)),  # most marked nothing at any of the places
        ([[], []], ([], 1.0)),
        ([[APPLE, PAID]], ([APPLE, PAID], 1.0)),
        ([], None),
    ],
)
def test_a_mark_stays_where_more_than_half_gave_it(values, merged):
    found = spans.merge(values, QUESTION)
    assert found == (merged and (merged[0], pytest.approx(merged[1])))


def test_links_values_and_relations_go_by_majority_among_those_who_gave_the_mark():
    def said(link=None, owns=False):
        first = {**APPLE, **({"link": link} if link else {})}
        return [{**first, **({"relations": [{"type": "owns", "to": 1}]} if owns else {})}, BEATS]

    assert spans.merge([said("AAPL", True), said("AAPL", True), said()], RICH) == (said("AAPL", True), 2 / 3)
    assert spans.merge([said("AAPL", True), said(), said()], RICH) == (said(), 2 / 3)
    assert spans.merge([said("AAPL"), said("APLE"), said()], RICH) is None
    assert spans.merge([said(owns=True), said(), []], RICH) is None
    value = [{**PAID, "value": {"number": number}} for number in ("1", "1", "2")]
    assert spans.merge([[mark] for mark in value], RICH) == ([value[0]], 2 / 3)


def test_relations_point_to_the_new_places_after_a_merge():
    paid = {**PAID, "value": {"number": "1200000000", "unit": "USD"}}
    first = [paid, {**BEATS, "relations": [{"type": "pays", "to": 0}]}]
    more = [APPLE, paid, {**BEATS, "relations": [{"type": "pays", "to": 1}]}]
    assert spans.merge([first, more, first], RICH) == (first, 2 / 3)


# Words, counts, splits


def test_answers_in_words_and_for_counts_and_splits():
    value = [
        {**APPLE, "link": "AAPL", "relations": [{"type": "owns", "to": 1}]},
        {**BEATS},
        {**PAID, "value": {"number": "1.2", "unit": "USD", "per": "year"}},
    ]
    told = spans.summarise(value, RICH)
    assert told == "“Apple” Company [AAPL] owns “Beats”; “Beats” Company; “$1.2bn” MONEY = 1.2 USD / year"
    assert spans.summarise([], RICH) == "nothing marked"
    assert spans.summarise([APPLE] * 23, RICH).endswith("and 3 more")
    assert spans.used(value, RICH) == ["ORG", "MONEY"]
    assert spans.stratum(value, RICH) == "MONEY\x1eORG"
    assert spans.stratum([], RICH) == ""


# Texts that were cleaned


def test_marks_follow_their_words_into_the_stored_text():
    raw = "\ufeff  Cafe\u0301 😀\r\nSocie\u0301te\u0301 paid\r\n"
    about = moved(raw)
    at = raw.index("Socie")
    for mark in ([at, at + 9, "ORG"], {"start": at, "end": at + 9, "label": "ORG", "text": raw[at : at + 9]}):
        found = spans.clean(spans.move([mark], about), QUESTION, About(text=about.text))
        assert [(one["text"], one["label"]) for one in found] == [("Société", "ORG")]
    stored = about.text.index("Soci")
    value = [{"start": stored, "end": stored + 7, "label": "ORG", "text": "Société"}]
    assert spans.move(value, about)[0]["start"] == stored  # counted in the stored text already
    with pytest.raises(ValueError, match="Mark 1: nothing of “  ” is left"):
        spans.move([[1, 3, "ORG"]], about)
    with pytest.raises(ValueError, match="Mark 1: from 3 to 5 the text says “Ca”, not “Co”"):
        spans.move([{"start": 3, "end": 5, "label": "ORG", "text": "Co"}], about)


def test_the_kind_is_registered():
    kind = KINDS["spans"]
    assert (kind.title, kind.column, kind.needs_item({}), kind.labels) == ("marks in the text", "spans", True, 1)
    assert kind.move is spans.move


@pytest.mark.parametrize(
    "relations", ["owns", {"type": "owns"}, 3, ["owns"], [{}], [{"type": []}], [{"type": "owns", "to": 9}]]
)
def test_relations_in_no_known_form_are_no_marks_to_the_look_at_a_file(relations):
    assert not spans.gather([{**APPLE, "relations": relations}], {})


@pytest.mark.parametrize("odd", ["\ud800", "a\x00", "C\x85Y", "‮"])
def test_what_no_database_takes_stands_in_no_mark(odd):
    for mark in ({**APPLE, "link": odd}, {**PAID, "value": {"number": "1", "unit": odd}}, {**PAID, "value": {"number": "1", "per": odd}}):  # fmt: skip
        with pytest.raises(ValueError, match="Mark 1: "):
            spans.clean([mark], RICH, ABOUT)


def test_long_marks_over_each_other_make_no_answer_much_larger_than_what_was_sent():
    about = About(text="word " * 2000)
    many = bare(*((start, 10_000 - end, "ORG") for start in range(20) for end in range(20)))
    with pytest.raises(ValueError, match="All marked words together have 3992400 characters"):
        spans.clean(many, QUESTION, about)
    assert len(spans.clean(many[:90], QUESTION, about)) == 90


@st.composite
def places_in_parts(draw):
    ends = sorted(draw(st.sets(st.integers(0, 30), min_size=2, max_size=6)))
    parts = [list(part) for part in zip(ends[::2], ends[1::2], strict=False)]
    split = {"parts": parts} if len(parts) > 1 else {}
    return {"start": parts[0][0], "end": parts[-1][1], "label": draw(st.sampled_from("AB")), **split}


@given(st.lists(places_in_parts(), max_size=8), places_in_parts())
def test_whether_any_mark_meets_another_is_known_without_a_look_at_each(listed, mark):
    assert cover(listed)(mark) == any(shared(mark, other) > 0 for other in listed)
    alike = [other for other in listed if other["label"] == mark["label"]]
    assert meets(mark, covers(listed)) == any(shared(mark, other) > 0 for other in alike)

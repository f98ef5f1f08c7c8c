"""The kind `events`: its settings, stored form, the forms of other tools, distance, majority, words."""

import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation import schema as schemas
from annotation.kinds import KINDS, About, events
from annotation.text.offsets import moved

TEXT = "Acme 😀 buys Beta next Tuesday for $5m.\n2017年10月公司收购乙公司。"
ABOUT = About(text=TEXT, published_at="2024-05-31T09:00:00Z", language="en")


def asked(**settings):
    declared = {"labels": [{"name": "merger", "title": "Merger"}, "default", "减持"], "roles": ["buyer: merger", "target", "date_of_pay: default"], **settings}  # fmt: skip
    return schemas.check({"questions": [{"name": "what", "kind": "events", **declared}]})["questions"][0]


QUESTION = asked()


def place(words, start=None):
    start = TEXT.index(words) if start is None else start
    return {"start": start, "end": start + len(words), "text": words}


def made(kind="merger", trigger="buys", status="actual", date=None, **roles):
    event = {"type": kind, "arguments": [{"role": role, **place(words)} for role, words in sorted(roles.items())]}
    return event | ({"trigger": place(trigger)} if trigger else {}) | ({"status": status} if status else {}) | ({"date": date} if date else {})  # fmt: skip


def clean(*found, question=QUESTION, about=ABOUT):
    return events.clean(list(found), question, about)


MERGER = made(buyer="Acme", target="Beta")


# The question


def test_settings_have_defaults_and_roles_are_lines():
    assert {name: QUESTION[name] for name in ("trigger", "status", "date")} == {"trigger": True, "status": True, "date": True}  # fmt: skip
    assert QUESTION["roles"][:2] == [{"name": "buyer", "types": ["merger"]}, {"name": "target", "types": []}]
    assert asked(roles=[events.line(role) for role in QUESTION["roles"]])["roles"] == QUESTION["roles"]
    assert asked(roles=QUESTION["roles"])["roles"] == QUESTION["roles"]
    assert asked(roles="买方：merger，减持\n\n target ")["roles"] == [{"name": "买方", "types": ["merger", "减持"]}, {"name": "target", "types": []}]  # fmt: skip
    assert asked(trigger="off", status=False, date="")["trigger"] is False


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"labels": []}, "at least one label"),
        ({"roles": ["buyer", "buyer: merger"]}, "“buyer” stands there twice"),
        ({"roles": ["buyer: sale"]}, "The role “buyer” names the type “sale”"),
        ({"roles": [" : merger"]}, "A role needs a name"),
        ({"roles": [3]}, "“roles” takes a list of lines"),
        ({"roles": [f"r{n}" for n in range(61)]}, "at most 60 roles; here are 61"),
    ],
)
def test_bad_settings_get_a_sentence(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        asked(**settings)


# The stored form


def test_an_answer_in_stored_form_stays_as_it_is():
    full = made(buyer="Acme", target="Beta", status="expected", date={"value": "2024-06-04", **place("next Tuesday")})
    stored = clean(full, made("default", "2017年10月", status="negated"))
    assert stored == clean(*stored) == json.loads(json.dumps(stored))
    assert stored[0] == full


def test_events_are_sorted_and_each_is_there_once():
    several = [made(buyer="Acme"), made(target="Beta"), made("default"), made("减持", "收购"), made(buyer="Acme")]
    for order in permutations(several):
        assert clean(*order) == clean(*several)
    found = clean(*several)
    assert len(found) == 4
    assert [event["type"] for event in found] == ["default", "merger", "merger", "减持"]
    doubled = {**made(buyer="Acme"), "arguments": [{"role": "buyer", **place("Acme")}] * 2}
    assert clean(doubled) == clean(made(buyer="Acme"))


def test_words_come_from_the_text_and_utf16_is_converted():
    bare = {"type": "Merger", "trigger": {"start": 7, "end": 11}, "arguments": [{"role": "target", "start": 12.0, "end": "16"}]}  # fmt: skip
    assert clean(bare) == [made(target="Beta")]
    wide = json.loads(json.dumps(MERGER))
    for part in (wide["trigger"], wide["arguments"][1]):
        part["start"], part["end"] = part["start"] + 1, part["end"] + 1
    assert clean(wide) == [MERGER]


def test_a_marked_date_gets_the_value_that_its_words_say():
    said = [clean({**made(), "date": place(words)})[0]["date"] for words in ("next Tuesday", "2017年10月", "for $5m")]
    assert [one.get("value") for one in said] == ["2024-06-04", "2017-10", None]
    assert clean({**made(), "date": "2024-Q3"})[0]["date"] == {"value": "2024-Q3"}
    own = {**made(), "date": {"value": "2024", **place("next Tuesday")}}
    assert clean(own)[0]["date"]["value"] == "2024"
    [unknown] = clean({**made(), "date": place("next Tuesday")}, about=About(text=TEXT))
    assert "value" not in unknown["date"]


def test_a_date_among_arguments_is_the_date_where_no_role_has_that_name():
    argument = {"role": "date", **place("2017年10月")}
    given = {"type": "merger", "trigger": {"role": "trigger", **place("收购")}, "arguments": [argument], "date": None}
    assert clean(given)[0] == made(trigger="收购", date={"value": "2017-10", **place("2017年10月")})
    own = asked(roles=["date"])
    assert clean({**given, "date": "2017"}, question=own)[0]["arguments"] == [argument]
    with pytest.raises(ValueError, match="“date” is no role"):
        clean(given, question=asked(date=False))


def test_what_is_not_asked_is_left_out():
    short = asked(status=False, date=False, trigger=False)
    [event] = clean({**MERGER, "date": "2024", "trigger": None}, question=short)
    assert event == made(trigger="", status="", buyer="Acme", target="Beta")
    assert clean(question=short) == []


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ("merger", "takes a list of events"),
        ([3], "Event 1 must be an object"),
        ([made(), {"type": "sale"}], "Event 2: .*sale"),
        ([{"type": ["merger"], "trigger": place("buys")}], "Event 1: "),
        ([{"type": "merger"}], "Event 1 has no trigger"),
        ([{**made(), "trigger": "buys"}], "Event 1, trigger must be an object"),
        ([{**made(), "trigger": {"start": 7}}], "Event 1, trigger needs a start and an end"),
        ([{**made(), "trigger": {"start": 7, "end": 7}}], "Event 1, trigger goes from 7 to 7"),
        ([{**made(), "trigger": {"start": 7, "end": 900}}], "Event 1, trigger ends at 900, and the text has"),
        ([{**made(), "arguments": [{"role": "target", "start": 0, "end": 4, "text": "Beta"}]}], "Event 1, target: from 0 to 4 the text says “Acme”, not “Beta”"),
        ([{**made(), "arguments": [{"role": "seller", **place("Beta")}]}], "Event 1: “seller” is no role of “merger”. Its roles are: buyer, target"),
        ([made("default", buyer="Acme")], "“buyer” is no role of “default”. Its roles are: target, date_of_pay"),
        ([{**made(), "arguments": "Acme"}], "Event 1: its arguments must be a list"),
        ([{**made(), "arguments": {"buyer": "Acme"}}], "Event 1: its arguments must be a list"),
        ([{**made(), "status": "maybe"}], "“maybe” is no status. It takes: actual, expected, negated"),
        ([{**made(), "status": ["actual"]}], "is no status"),
        ([{**made(), "date": "2017-11-31"}], "“2017-11-31” is no date"),
        ([{**made(), "date": 2017}], "its date must be an object"),
        ([{**made(), "date": {"start": 1, "end": 0}}], "Event 1, date goes from 1 to 0"),
        ([made()] * 1001, "at most 1000 events; here are 1001"),
    ],
)  # fmt: skip
def test_a_bad_event_gets_a_sentence_that_names_the_place(found, sentence):
    with pytest.raises(ValueError, match=sentence):
        events.clean(found, QUESTION, ABOUT)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 60) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "start", "end", "text", "value", "buyer"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
parts = st.fixed_dictionaries({}, optional={"type": anything | st.just("merger"), "trigger": anything | st.just(place("buys")), "arguments": anything, "status": anything, "date": anything})  # fmt: skip


@given(st.lists(parts | anything, max_size=3) | anything)
def test_whatever_comes_is_an_answer_or_a_sentence(value):
    for work in (
        lambda: events.clean(value, QUESTION, ABOUT),
        lambda: events.clean(events.read(value, QUESTION), QUESTION, ABOUT),
        lambda: events.move(value, moved(TEXT)),
        lambda: events.gather(value, {}),
    ):
        try:
            found = work()
        except ValueError:
            continue
        if isinstance(found, list):
            json.dumps(found)


# Forms of files


def test_files_bring_lists_json_and_arguments_under_their_roles():
    for cell in ([MERGER], json.dumps([MERGER]), {"events": [MERGER]}):
        assert clean(*events.read(cell, QUESTION)) == [MERGER]
    under = {"buyer": place("Acme"), "target": [place("Beta")]}
    assert clean({**MERGER, "arguments": under}) == [MERGER]
    for cell in ("[", "none", 3, {"a": 1}, [1]):
        with pytest.raises(ValueError, match="takes a list of events"):
            events.read(cell, QUESTION)


def test_a_file_proposes_the_question_that_takes_it():
    seen = {}
    assert events.gather([MERGER, {"type": "x", "arguments": [{"role": "date", **place("Acme")}]}], seen)
    assert events.propose(seen) == {"labels": ["merger", "x"], "roles": ["buyer", "target"], "trigger": False}
    assert not events.gather([], {})
    assert not events.gather([{"type": "x"}], {})
    assert KINDS["events"].column == "events"
    assert KINDS["events"].needs_item({})


def test_places_follow_a_text_that_was_cleaned():
    raw = TEXT.replace("Acme", "Acme\u0301").replace("\n", "\r\n")
    quoted = {**made("merger", trigger=""), "arguments": [{"role": "target", "start": raw.index("乙公司"), "end": raw.index("乙公司") + 3, "text": "乙公司"}]}  # fmt: skip
    quoted["trigger"] = {"start": raw.index("收购"), "end": raw.index("收购") + 2, "text": "收购"}
    quoted["date"] = {"start": raw.index("2017"), "end": raw.index("2017") + 8, "text": "2017年10月"}
    stored = moved(raw)
    [event] = events.clean(events.move([quoted], stored), QUESTION, About(text=stored.text))
    assert [stored.text[part["start"] : part["end"]] for part in (event["trigger"], event["arguments"][0], event["date"])] == ["收购", "乙公司", "2017年10月"]  # fmt: skip
    assert event["trigger"]["start"] < quoted["trigger"]["start"]
    with pytest.raises(ValueError, match="Event 1, trigger"):
        events.move([{**quoted, "trigger": {"start": 0, "end": 4, "text": "Beta"}}], stored)


# Distance and majority

POOL = [
    made(), made(buyer="Acme"), made(target="Beta"), MERGER, made(status="expected"), made(date={"value": "2024"}),
    made("default"), made("default", "收购", target="Beta"), made("减持", "收购"),
]  # fmt: skip
answers = st.lists(st.sampled_from(POOL), max_size=4).map(lambda found: clean(*found))


@given(answers, answers)
def test_distance_is_one_less_the_mean_of_two_f1_and_0_only_for_the_same(a, b):
    apart = events.distance(a, b, QUESTION)
    assert 0 <= apart <= 1
    assert apart == events.distance(b, a, QUESTION)
    assert (apart == 0) == (a == b)
    names = [{(one["type"], one["trigger"]["start"]) for one in side} for side in (a, b)]
    filled = [{(one["type"], one["trigger"]["start"], part["role"], part["text"]) for one in side for part in one["arguments"]} for side in (a, b)]  # fmt: skip
    scores = [2 * len(x & y) / (len(x) + len(y)) for x, y in (names, filled) if x or y]
    naive = 1 - sum(scores) / len(scores) if scores else 0
    if any(filled) and naive:
        assert apart == pytest.approx(naive)


def test_swapped_roles_of_two_events_of_one_name_differ():
    one = clean(made(buyer="Acme", target="Beta"), made(buyer="公司", target="乙公司"))
    other = clean(made(buyer="Acme", target="乙公司"), made(buyer="公司", target="Beta"))
    assert events.distance(one, other, QUESTION) > 0


def test_the_majority_is_taken_event_by_event_and_role_by_role():
    two = [clean(MERGER, made("default")), clean(made(buyer="Acme", date={"value": "2024"})), clean(MERGER)]
    merged, share = events.merge(two, QUESTION)
    assert merged == [MERGER]
    assert share == pytest.approx(2 / 3)
    assert events.merge([clean(MERGER)] * 2, QUESTION) == ([MERGER], 1.0)
    twins = clean(made(buyer="Acme"), made(target="Beta"))
    assert events.merge([twins, twins], QUESTION) == (twins, 1.0)
    assert events.merge([[], [], clean(MERGER)], QUESTION) == ([], pytest.approx(2 / 3))


@pytest.mark.parametrize(
    "given_",
    [
        [[MERGER], []],
        [[MERGER], [made(buyer="Acme")]],
        [[made(status="expected")], [made()]],
        [[made(status=status)] for status in ("actual", "expected", "negated")],
        [[made()], [made("default")], [made("减持", "收购")]],
        [clean(made(buyer="Acme"), made(target="Beta")), [MERGER], [MERGER]],
        [],
    ],
)
def test_without_a_majority_a_person_must_look(given_):
    assert events.merge(given_, QUESTION) is None


@given(st.lists(answers, min_size=1, max_size=5))
def test_a_majority_is_itself_an_answer(values):
    found = events.merge(values, QUESTION)
    if found:
        merged, share = found
        assert clean(*merged) == merged
        assert 0.5 < share <= 1


def test_words_labels_and_strata():
    found = clean(made(buyer="Acme", status="expected", date={"value": "2024-06"}), made("default"))
    assert events.summarise(found, QUESTION) == "default “buys”; Merger “buys” (buyer “Acme”, 2024-06, expected)"
    assert events.summarise([], QUESTION) == "no event"
    assert "and 4 more" in events.summarise([made()] * 12, QUESTION)
    assert events.used(found, QUESTION) == ["merger", "default"]
    assert events.stratum(found, QUESTION) == "default\x1emerger"
    assert [(piece.words, piece.title) for piece in events.pieces(found, QUESTION)] == [("“buys”", "default"), ("“buys”", "Merger")]  # fmt: skip

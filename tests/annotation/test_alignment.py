"""Answers of every kind side by side: what is one row, how its cells differ, and which labels are confused."""

import random
from typing import Any

import pytest

from annotation import schema as schemas
from annotation.alignment import ALIGN, align, letter, spans
from annotation.alignment.rows import confused
from annotation.kinds import KINDS
from annotation.kinds.marks import shared

TEXT = "Acme Corp. bought Beta in Paris."


def ask(kind: str, **settings: Any) -> dict[str, Any]:
    question: dict[str, Any] = schemas.check({"questions": [{"name": "q", "kind": kind, **settings}]})["questions"][0]
    return question


def mark(words: str, label: str) -> dict[str, Any]:
    start = TEXT.index(words)
    return {"start": start, "end": start + len(words), "label": label, "text": words}


def told(found: Any) -> list[tuple[str, list[str], tuple[str, ...]]]:
    """(title, what each cell says, how it differs) of each row."""
    said = [["-" if not cell.asked else " ".join(" ".join(filter(None, (bit.words, bit.title))) for bit in cell.bits) for cell in row.cells] for row in found.rows]  # fmt: skip
    return [(row.title, cells, row.what) for row, cells in zip(found.rows, said, strict=True)]


def test_every_kind_is_aligned():
    assert set(ALIGN) == set(KINDS)


def test_letters_go_on_behind_z():
    assert [letter(place) for place in (0, 25, 26, 51, 52)] == ["A", "Z", "AA", "AZ", "BA"]


def test_labels_are_ticked_by_those_who_gave_them():
    found = align(["up", "down", None, "up"], ask("choice", labels=["down", "flat", "up"]))
    assert told(found) == [("down", ["", "✓", "-", ""], ("missing",)), ("up", ["✓", "", "-", "✓"], ("missing",))]
    assert (found.disputed, found.pairs) == (("down", "up"), (("down", "up"),))
    # The minority stands apart.
    assert [[cell.apart for cell in row.cells] for row in found.rows] == [[False, True, False, False]] * 2


def test_of_sets_only_the_labels_that_differ_are_in_dispute():
    found = align([["a", "b"], ["a", "c"], ["a"]], ask("choices", labels=["a", "b", "c"]))
    assert [(title, what) for title, _cells, what in told(found)] == [
        ("a", ()),
        ("b", ("missing",)),
        ("c", ("missing",)),
    ]
    assert found.disputed == ("b", "c")
    assert found.pairs == (("", "b"), ("", "c"), ("b", "c"))


@pytest.mark.parametrize(
    ("sets", "pairs"),
    [([{"x"}, {"x"}], ()), ([{"x"}, set()], (("", "x"),)), ([{"x", "y"}, {"y", "z"}], (("x", "z"),)), ([{"x"}, None], ())],
)  # fmt: skip
def test_labels_are_confused_with_what_the_other_has_instead(sets, pairs):
    assert confused([None if one is None else frozenset(one) for one in sets]) == pairs


def test_scores_are_points_of_a_scale():
    found = align([0.5, None, -1], ask("score", min=-1, max=1, step=0.5))
    assert told(found) == [("Q", ["0.5", "-", "-1"], ("value",))]
    assert found.points == ((0, 0.5), (2, -1.0))


def test_ratings_are_a_table_of_criteria():
    question = ask("rubric", criteria=["clear", "true"], scale=["1 | poor", "2 | good"])
    found = align([{"clear": 1, "true": 2}, {"clear": 2, "true": 2}], question)
    assert told(found) == [("clear", ["1 poor", "2 good"], ("value",)), ("true", ["2 good", "2 good"], ())]
    assert found.disputed == ("clear",)


def test_ratings_of_each_response_are_told_response_by_response():
    question = ask("rubric", criteria=["clear", "true"], scale=["1", "2"], each=True)
    one = {"b": {"clear": 1, "true": 2}, "a": {"clear": 2, "true": 2}, "shown": ["b", "a"]}
    found = align([one, {"a": {"clear": 2, "true": 1}, "shown": ["a", "b"]}, None], question)
    assert told(found) == [
        ("A · clear", ["2", "2", "-"], ()), ("A · true", ["2", "1", "-"], ("value",)),
        ("B · clear", ["1", "", "-"], ("value",)), ("B · true", ["2", "", "-"], ("value",)),
    ]  # fmt: skip
    assert found.disputed == ("true", "clear")


def test_preferences_are_told_by_the_responses_whatever_side_they_were_on():
    question = ask("preference", strength=["slightly", "much"])
    values = [{"better": "a", "strength": 1, "shown": ["a", "b"]}, {"better": "a", "strength": 1, "shown": ["b", "a"]}]
    assert told(align(values, question)) == [
        ("better", ["A", "A"], ()), ("how much", ["slightly", "slightly"], ()), ("shown first", ["A", "B"], ()),
    ]  # fmt: skip
    ranked = align(
        [{"order": [["b"], ["a", "c"]]}, {"order": [["a"], ["b"], ["c"]]}], ask("preference", mode="ranking")
    )
    assert told(ranked) == [("A", ["2", "1"], ("value",)), ("B", ["1", "2"], ("value",)), ("C", ["2", "3"], ("value",))]
    assert ranked.pairs == (("a", "b"),)


def test_words_are_compared_with_the_answer_nearest_to_all():
    found = align(["Profit rose.", "Profit rose a lot.", None, "Profit rose."], ask("text"))
    assert found.words[0] == (("same", "Profit rose."),)
    assert found.words[2] == ()
    assert "".join(words for what, words in found.words[1] if what != "gone") == "Profit rose a lot."
    assert [what for what, _words in found.words[1]].count("new") >= 1
    chinese = align(["利润上升", "利润大幅上升"], ask("text")).words
    assert ("new", "大幅") in chinese[1] or ("gone", "大幅") in chinese[0]


def test_marks_of_one_place_are_one_row():
    values = [
        [mark("Acme Corp.", "ORG"), mark("Beta", "ORG"), mark("Paris", "LOC")],
        [mark("Acme Corp", "ORG"), mark("Beta", "PER"), mark("Paris", "LOC")],
        [mark("Acme Corp.", "ORG"), mark("Paris", "LOC")],
        None,
    ]
    found = align(values, ask("spans", labels=["ORG", "PER", "LOC"]))
    assert told(found) == [
        ("“Acme Corp.”", ["“Acme Corp.” ORG", "“Acme Corp” ORG", "“Acme Corp.” ORG", "-"], ("boundary",)),
        ("“Beta”", ["“Beta” ORG", "“Beta” PER", "", "-"], ("missing", "label")),
        ("“Paris”", ["“Paris” LOC"] * 3 + ["-"], ()),
    ]
    assert found.disputed == ("ORG", "PER")
    assert found.pairs == (("", "ORG"), ("", "PER"), ("ORG", "ORG"), ("ORG", "PER"))
    assert found.rows[0].place == (0, 10)


def test_two_marks_of_one_person_stay_two_rows_and_nested_ones_too():
    values = [[mark("Acme Corp. bought Beta", "DEAL"), mark("Beta", "ORG")], [mark("Beta", "ORG")]]
    found = align(values, ask("spans", labels=["ORG", "DEAL"]))
    assert [(title, what) for title, _cells, what in told(found)] == [("“Acme Corp. bought Beta”", ("missing",)), ("“Beta”", ())]  # fmt: skip


def event(type_: str, trigger: str, **roles: str) -> dict[str, Any]:
    start = TEXT.index(trigger)
    arguments = [{"role": role, **{k: v for k, v in mark(words, "x").items() if k != "label"}} for role, words in roles.items()]  # fmt: skip
    return {"type": type_, "trigger": {"start": start, "end": start + len(trigger), "text": trigger}, "arguments": arguments, "status": "actual"}  # fmt: skip


def test_the_arguments_of_one_event_stand_side_by_side():
    question = ask("events", labels=["merger", "loan"], roles=["buyer", "target"])
    values = [
        [event("merger", "bought", buyer="Acme Corp.", target="Beta")],
        [event("loan", "bought", buyer="Acme")],
        [],
    ]
    found = align(values, question)
    assert told(found) == [
        ("“bought”", ["“bought” merger", "“bought” loan", ""], ("missing", "label")),
        ("buyer", ["“Acme Corp.”", "“Acme”", "-"], ("value",)),
        ("target", ["“Beta”", "", "-"], ("value",)),
        ("status", ["happened", "happened", "-"], ()),
    ]
    assert [row.depth for row in found.rows] == [0, 1, 1, 1]
    assert found.disputed == ("merger", "loan")
    assert ("loan", "merger") in found.pairs


def test_events_with_triggers_that_overlap_are_one_and_others_are_two():
    question = ask("events", labels=["merger"], roles=["buyer"])
    one = align([[event("merger", "bought")], [event("merger", "bought Beta")]], question)
    assert [row.what for row in one.rows if not row.depth] == [("boundary",)]
    two = align([[event("merger", "bought")], [event("merger", "Paris")]], question)
    assert [row.what for row in two.rows if not row.depth] == [("missing",), ("missing",)]


def test_ten_people_and_six_hundred_marks_are_aligned_without_losing_one():
    text = "word " * 700
    made = [{"start": 5 * n, "end": 5 * n + 4, "label": "ORG", "text": text[5 * n : 5 * n + 4]} for n in range(600)]
    values = [made[person:] for person in range(10)]
    found = align(values, ask("spans", labels=["ORG"]))
    assert len(found.rows) == 600
    assert sum(bool(row.what) for row in found.rows) == 9


def naive_places(values: list[list[dict[str, Any]]]) -> list[frozenset[tuple[int, int, int, str]]]:
    """As `spans.places`, every mark of a place held against every mark of the other."""
    exact: dict[Any, list[tuple[int, Any]]] = {}
    for person, marks in enumerate(values):
        for one in marks:
            exact.setdefault((one["start"], one["end"]), []).append((person, one))
    found: list[list[tuple[int, Any]]] = []
    for place in sorted(exact.values(), key=lambda marks: (marks[0][1]["start"], marks[0][1]["end"])):
        for other in reversed(found[-50:]):
            if max(m["end"] for _p, m in other) <= place[0][1]["start"] or {p for p, _m in other} & {
                p for p, _m in place
            }:
                continue
            common = [
                (min(m["end"], n["end"]) - max(m["start"], n["start"]), m, n) for _p, m in other for _q, n in place
            ]
            if any(size > 0 and (m["label"] == n["label"] or 2 * size >= min(m["end"] - m["start"], n["end"] - n["start"])) for size, m, n in common):  # fmt: skip
                other += place
                break
        else:
            found.append(place)
    return sorted((frozenset((p, m["start"], m["end"], m["label"]) for p, m in place) for place in found), key=sorted)


def test_places_are_those_of_plain_loops_over_all_marks():
    chance = random.Random(2)
    for _turn in range(80):
        values = []
        for _person in range(chance.randint(1, 5)):
            spots = {(start := chance.randrange(30), start + chance.randint(1, 8), chance.choice("ABC")) for _ in range(chance.randrange(8))}  # fmt: skip
            values.append([{"start": s, "end": e, "label": label} for s, e, label in sorted(spots)])
        found = [frozenset((p, m["start"], m["end"], m["label"]) for p, m in place.marks) for place in spans.places(values)]  # fmt: skip
        assert sorted(found, key=sorted) == naive_places(values)


def test_many_labels_on_the_same_words_are_compared_once(monkeypatch):
    values = [[{"start": 2 * n + person, "end": 2 * n + 9, "label": f"L{k}"} for n in range(20) for k in range(100)] for person in range(2)]  # fmt: skip
    calls = []
    monkeypatch.setattr(spans, "shared", lambda *pair: calls.append(1) or shared(*pair))
    places = spans.places(values)
    assert sum(len(place.marks) for place in places) == 4000
    # 40 places, each against at most 50 before it and never label by label.
    assert len(calls) <= 40 * 50

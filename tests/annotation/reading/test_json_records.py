"""The usual shapes of JSON give the same rows, and JSON without records is unreadable."""

import json

import pytest

from annotation.reading import Row, Unreadable, limits, sniff
from tests.annotation.reading.files import problems, read, values


@pytest.mark.parametrize(
    "content",
    [
        '[{"text": "a", "n": 1}, {"text": "b", "n": 2}]',
        '{"data": [{"text": "a", "n": 1}, {"text": "b", "n": 2}], "more": {"x": []}}',
        '{"meta": {"x": [1]}, "tags": ["t"], "items": [{"text": "a", "n": 1}, {"text": "b", "n": 2}]}',
        '{"text": {"0": "a", "1": "b"}, "n": {"0": 1, "1": 2}}',
        '{"text": ["a", "b"], "n": [1, 2]}',
    ],
)
def test_the_usual_shapes_of_json_give_the_same_rows(make, content):
    expected = [{"text": "a", "n": 1}, {"text": "b", "n": 2}]
    assert read(make("a.json", content), "json") == [Row(1, expected[0], None), Row(2, expected[1], None)]
    assert sniff(make("a.json", content)).preview == expected


def test_json_by_id_keeps_the_id_and_lists_get_numbered_columns(make):
    by_id = make("a.json", '{"645": {"sentence": "a"}, "651": {"sentence": "b"}, "7": {"sentence": "c"}}')
    assert values(read(by_id, "json"))[2] == {"key": "7", "sentence": "c"}
    lists = make("b.json", '[["a", 1], ["b", 2], ["c"]]')
    assert values(read(lists, "json")) == [{"column_1": "a", "column_2": 1}, {"column_1": "b", "column_2": 2}]
    assert problems(read(lists, "json")) == [(3, "Record 3: 1 values, but there are 2 columns.")]
    assert values(read(lists, "json", columns=["text", "label"]))[0] == {"text": "a", "label": 1}
    assert values(read(make("c.json", '["a", "b"]'), "json")) == [{"text": "a"}, {"text": "b"}]


def test_the_list_inside_an_object_can_be_named(make):
    path = make("a.json", '{"old": [{"t": 1}], "new": {"rows": [{"t": 2}]}, "n": 3}')
    assert values(read(path, "json")) == [{"t": 1}]
    assert values(read(path, "json", root="new.rows")) == [{"t": 2}]
    with pytest.raises(Unreadable, match='no list named "gone"'):
        read(path, "json", root="gone")


def test_a_broken_record_in_a_json_list_is_named_and_the_next_are_read(make):
    content = '[{"text": "a"},\n {"text": "b", "n": },\n {"text": "c]"},\n {"text": "d\n},\n 7, {"text": "e"}]'
    found = read(make("a.json", content), "json")
    assert [row["text"] for row in values(found)] == ["a", "c]", "e"]
    assert [number for number, _ in problems(found)] == [2, 4, 5]
    assert problems(found)[0][1].startswith("Record 2 (line 2): not valid JSON (Expecting value)")


def test_a_json_list_with_too_many_broken_records_is_given_up(make, monkeypatch):
    monkeypatch.setattr(limits, "MAX_BROKEN", 3)
    found = read(make("a.json", '[{"text": "a"}, {1}, {2}, {3}, {4}, {"text": "b"}]'), "json")
    assert values(found) == [{"text": "a"}]
    assert [number for number, _ in problems(found)] == [2, 3, 4, 5]
    assert "more than 3 records are broken" in problems(found)[-1][1]


def test_json_that_is_cut_off_keeps_what_came_before(make):
    whole = json.dumps([{"text": f"text {i}"} for i in range(50)])
    found = read(make("a.json", whole[:700]), "json")
    assert len(values(found)) == 33
    assert len(problems(found)) >= 1
    assert "cut off" in problems(found)[-1][1]


def test_a_record_of_a_json_list_that_is_too_long_is_passed_over(make, monkeypatch):
    monkeypatch.setattr(limits, "MAX_LINE", 1_000_000)
    path = make("a.json", '[{"text": "a"}, {"text": "' + 'x\\" ]},{' * 400_000 + '"}, {"text": "b"}]')
    found = read(path, "json")
    assert values(found) == [{"text": "a"}, {"text": "b"}]
    assert "longer than 1,000,000 characters" in problems(found)[0][1]


@pytest.mark.parametrize(
    "content", ["42", '"text"', "true", "{}", '{"a": {"b": 1}, "c": [1, 2]}', "[]", "not json", '{"a": 1', "{]"]
)
def test_json_that_holds_no_records_is_unreadable(make, content):
    with pytest.raises(Unreadable):
        read(make("a.json", content), "json")


def test_json_lines_read_as_json_point_to_jsonl(make):
    with pytest.raises(Unreadable, match="choose jsonl"):
        read(make("a.json", '{"text": "a"}\n{"text": "b"}\n'), "json")

"""A line of JSON that is broken, or no object, is named and passed over."""

from tests.annotation.reading.files import problems, read, values


def test_lines_of_json_that_are_broken_or_no_object_are_named(make):
    lines = [
        '{"text": "a"}',
        '{"text": "b"',
        '["list"]',
        '{"n": 1e999}',
        '{"n": ' + "9" * 5000 + "}",
        '{"t": "\\u0000"}',
        '{"text": NaN, "pair": "\\ud83d\\ude00", "lone": "\\ud83d", "path": "\\\\u0000"}',
    ]
    found = read(make("a.jsonl", "\n".join(lines)), "jsonl")
    assert values(found) == [{"text": "a"}, {"text": None, "pair": "😀", "lone": "\ufffd", "path": "\\u0000"}]
    said = dict(problems(found))
    assert said[2].startswith("Line 2: not valid JSON (Expecting ',' delimiter)")
    assert "not an object" in said[3]
    assert "too large" in said[4]
    assert sorted(said) == [2, 3, 4, 5, 6]
    assert "NUL" in said[6]

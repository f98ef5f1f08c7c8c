"""Lines are numbered as a person counts them, whatever ends them, and one that is too long is not held."""

import tracemalloc

import pytest

from annotation.reading import limits
from tests.annotation.reading.files import problems, read, values


def test_numbers_are_those_a_person_counts_in_the_file(make):
    path = make("a.csv", 'text,label\n"two\nlines",up\n\nthree,down\n')
    assert [row.number for row in read(path, "csv")] == [2, 5]
    assert [row.number for row in read(make("a.jsonl", '{"a":1}\n\n{"a":2}'), "jsonl")] == [1, 3]
    assert [row.number for row in read(make("a.txt", "one\r\n\r\nthree"), "txt")] == [1, 3]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("format", ["csv", "txt", "jsonl"])
def test_unix_windows_and_old_mac_line_ends_are_read(make, end, format):
    lines = {"csv": ["text,n", "one,1", "two,2"], "txt": ["one", "two"], "jsonl": ['{"text":"one"}', '{"text":"two"}']}
    found = read(make("a", end.join(lines[format]) + end), format)
    assert [row["text"] for row in values(found)] == ["one", "two"]
    assert not problems(found)


@pytest.mark.parametrize("format", ["csv", "txt", "jsonl"])
def test_a_line_that_is_too_long_is_passed_over_without_being_held(make, monkeypatch, format):
    monkeypatch.setattr(limits, "MAX_LINE", 1_000_000)
    first, last = {
        "csv": ("text,n\na,1\n", "b,2\n"),
        "txt": ("a\n", "b\n"),
        "jsonl": ('{"text":"a"}\n', '{"text":"b"}\n'),
    }[format]
    path = make("a", first.encode() + b"x" * 30_000_000 + b"\n" + last.encode())
    tracemalloc.start()
    found = read(path, format, encoding="utf-8")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [row["text"] for row in values(found)] == ["a", "b"]
    assert "longer than 1,000,000 characters" in problems(found)[0][1]
    assert problems(found)[0][0] == (3 if format == "csv" else 2)
    assert peak < 10_000_000

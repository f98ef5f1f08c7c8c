"""Headers, double names and ragged rows."""

import pytest

from annotation.reading import Unreadable
from tests.annotation.reading.files import problems, read, values


def test_a_file_without_header_gets_names_or_numbered_columns(make):
    path = make("a.csv", "one,up\ntwo,down\n")
    assert values(read(path, "csv", header=False))[0] == {"column_1": "one", "column_2": "up"}
    assert values(read(path, "csv", header=False, columns=["text", "label"]))[1] == {"text": "two", "label": "down"}
    assert values(read(path, "csv", columns=["text", "label"])) == [{"text": "two", "label": "down"}]
    with pytest.raises(Unreadable, match="3 column names were given, but the header has 2"):
        read(path, "csv", columns=["a", "b", "c"])


def test_ragged_rows_are_named_and_trailing_separators_forgiven(make):
    found = read(make("a.csv", "text,label\na,1\nb\nc,3,4\nd,4,,\n,\ne,5\n"), "csv")
    assert [row["text"] for row in values(found)] == ["a", "d", "e"]
    assert [number for number, _ in problems(found)] == [3, 4]
    assert problems(found)[1][1].startswith("Line 4: 3 cells, but there are 2 columns.")


def test_double_and_missing_header_names_are_told_apart_and_said(make):
    found = read(make("a.csv", ",label,text,label\n1,a,b,c\n"), "csv")
    assert values(found) == [{"column_1": "1", "label": "a", "text": "b", "label (2)": "c"}]
    assert problems(found) == [
        (
            1,
            'Line 1: the header names "label" more than once. The later ones are read as "label (2)" and so on; rename them to be sure.',
        )
    ]


def test_a_first_row_with_too_many_cells_is_no_header(make):
    with pytest.raises(Unreadable, match="not a table: its first row has 100,000 cells"):
        read(make("a.csv", ",".join(["x"] * 100_000) + "\n"), "csv")
    found = read(make("a.csv", ",".join(["x"] * 16_384) + "\n" + ",".join(map(str, range(16_384)))), "csv")
    assert values(found)[0]["x (16384)"] == "16383"

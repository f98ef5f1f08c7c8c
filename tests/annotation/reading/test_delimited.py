"""Whatever the csv module writes is read back, and no broken quote swallows the rows after it."""

import csv

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation.reading import delimited, limits
from annotation.reading.row import Options
from tests.annotation.reading.files import problems, read, values


def test_an_unclosed_quote_swallows_nothing(make):
    lines = ["id,text", '1,"first"', '2,"never closed', *(f"{i},text {i}" for i in range(3, 2000))]
    found = read(make("a.csv", "\n".join(lines)), "csv")
    assert [row["id"] for row in values(found)] == ["1", *map(str, range(3, 2000))]
    assert [number for number, _ in problems(found)] == [3]
    assert "opens a cell and is not closed" in problems(found)[0][1]


def test_an_unclosed_quote_before_other_quotes_swallows_nothing(make):
    lines = ["id,text", '2,"never closed', "3,three", '4,"four, with comma"', '5,"five ""quoted"""', '6,"six\nlines"']
    found = read(make("a.csv", "\n".join(lines)), "csv")
    assert [row["id"] for row in values(found)] == ["3", "4", "5", "6"]
    assert [number for number, _ in problems(found)] == [2]


def test_a_quote_that_is_not_doubled_gives_no_invented_row(make):
    found = read(make("a.csv", 'text,label\n"para one\npara "two", here\npara three",pos\nlast,neg\n'), "csv")
    assert values(found) == [{"text": "last", "label": "neg"}]
    assert [number for number, _ in problems(found)] == [2, 3, 4]
    single = read(make("b.csv", 'text,label\n"say "hello" now",pos\nlast,neg\n'), "csv")
    assert values(single) == [{"text": "last", "label": "neg"}]
    assert problems(single)[0][1].startswith("Line 2: a double quote inside a quoted cell is not doubled")


def test_a_quote_in_every_line_is_not_looked_for_again_from_every_line(make):
    path, lines = make("a.csv", "text,label\n" + 'a","b\n' * 3000), 3001
    found = list(delimited.records(path, Options(delimiter=",", work=limits.Work(4 * lines * limits.STEP))))
    assert len(found) == lines
    assert "looked for up to line 3001" in found[-1].problem


class Naive(delimited._Feed):
    """Looks for the end of a quoted cell anew from every line."""

    def rewind(self, error):
        last = super().rewind(error)
        self.until = 0
        return last


@given(
    st.lists(st.sampled_from(["a", "b", '"', '"', '""', ",", "\t", "\n", "\n", 'a","b\n', '"x\n', "\r"]), max_size=40)
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_broken_quotes_are_told_as_if_each_line_was_looked_at_by_itself(tmp_path, pieces):
    path = tmp_path / "a.csv"
    path.write_bytes("".join(pieces).encode())
    for delimiter in ",\t":
        found = list(delimited.records(path, Options(delimiter=delimiter)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(delimited, "_Feed", Naive)
            assert list(delimited.records(path, Options(delimiter=delimiter))) == found


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"])), min_size=2, max_size=2),
        min_size=1,
    ),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from([1, 4, 262_144]),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_csv_module_writes_is_read_back(tmp_path, monkeypatch, table, delimiter, quoting, size):
    monkeypatch.setattr(limits, "CHUNK", size)
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, quoting=quoting).writerows(
            [["n", "a", "b"], *(["1", *cells] for cells in table)]
        )
    found = read(path, "csv", encoding="utf-8", delimiter=delimiter)
    assert [[row["a"], row["b"]] for row in values(found)] == table
    assert not problems(found)


def test_a_tab_separated_file_without_quoting_is_read_as_it_stands(make):
    found = read(make("a.tsv", 'text\tlabel\nplain\t1\n"Best" ever\t2\n"open\t3\nend\t4\n'), "tsv")
    assert [row["text"] for row in values(found)] == ["plain", '"Best" ever', '"open', "end"]


def test_quotes_inside_unquoted_cells_and_very_long_cells_are_read(make):
    long = "word " * 200_000
    found = read(make("a.csv", f'text,label\n5" pipe,1\n"{long}",2\n'), "csv")
    assert [row["text"] for row in values(found)] == ['5" pipe', long]


def test_a_bare_carriage_return_is_named(make):
    found = read(make("a.csv", "text,label\na\rb,1\nc,2\n"), "csv")
    assert [row["text"] for row in values(found)] == ["c"]
    assert "carriage return stands alone" in problems(found)[0][1]


def test_an_unclosed_quote_is_given_up_after_the_longest_record(make, monkeypatch):
    monkeypatch.setattr(limits, "MAX_LINE", 10_000)
    lines = ["id,text", '1,"open', *(f"{i},text number {i}" for i in range(2, 5000))]
    found = read(make("a.csv", "\n".join(lines)), "csv")
    assert len(values(found)) == 4998
    assert [number for number, _ in problems(found)] == [2]

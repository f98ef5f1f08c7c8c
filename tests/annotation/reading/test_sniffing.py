"""A preview says what it saw, and does a bounded work however broken or large the file is."""

import gzip
import re
import zipfile

import openpyxl
import pytest

from annotation.reading import delimited, limits, rows, sniff
from tests.annotation.reading.files import edit_member, make_sheet, problems, read, values

PART = "The preview looks at a part of the file only and found this many rows there: {}."
NO_ROW = PART.format(0)
OPENS_ANOTHER = 'a","b and so on'  # closes the cell that is open and opens the next, so that a cell begins in each line


@pytest.fixture
def small(monkeypatch):
    """A preview that may handle 5,000 short lines, and 1,500 for one record."""
    monkeypatch.setattr(limits, "PREVIEW_WORK", 5_000 * (limits.STEP + 20))
    monkeypatch.setattr(limits, "PREVIEW_RECORD", 1_500 * (limits.STEP + 20))


@pytest.fixture
def fed(monkeypatch):
    """The lines that the csv module was given, those given again included."""
    lines = []
    plain = delimited._Feed.__next__

    def counted(feed):
        lines.append(plain(feed))
        return lines[-1]

    monkeypatch.setattr(delimited._Feed, "__next__", counted)
    return lines


@pytest.fixture
def unpacked(monkeypatch):
    """The chunks that came out of gzip."""
    chunks = []
    plain = gzip.GzipFile.read1

    def counted(file, size=-1):
        chunks.append(plain(file, size))
        return chunks[-1]

    monkeypatch.setattr(gzip.GzipFile, "read1", counted)
    return chunks


def test_a_header_alone_gives_no_rows_and_says_so(make, tmp_path):
    for path in (make("a.csv", "id,text,label\n"), make_sheet(tmp_path / "a.xlsx", [["id", "text", "label"]])):
        sniffed = sniff(path)
        assert (sniffed.columns, sniffed.preview) == (["id", "text", "label"], [])
        assert sniffed.warnings == ["The file has a header but no rows."]
        assert read(path, sniffed.format) == []


def test_rows_without_a_cell_are_no_rows_and_broken_ones_are(make):
    assert sniff(make("a.csv", "a,b\n,\n,\n")).warnings == ["The file has a header but no rows."]
    sniffed = sniff(make("b.csv", "a,b\n1\n2\n"))
    assert sniffed.columns == ["a", "b"]
    assert [warning[:40] for warning in sniffed.warnings] == ["2 of the first 2 rows cannot be read. Li"]


def test_problems_among_the_first_rows_are_said_by_sniff(make):
    sniffed = sniff(make("a.csv", "a,b\n1,2\n3\n4,5\n"))
    assert sniffed.warnings[0].startswith("1 of the first 3 rows cannot be read. Line 3:")
    assert sniffed.preview == [{"a": "1", "b": "2"}, {"a": "4", "b": "5"}]


# --- work -------------------------------------------------------------------------------------------------------------


def test_a_table_that_opens_a_quote_in_every_line_is_fed_a_bounded_number_of_times(make, small, fed):
    path = make("a.csv", "\n".join(["id,text", *[OPENS_ANOTHER] * 4_000]))
    sniffed = sniff(path)
    assert len(fed) < 2 * 2_000  # once for the rows, once for the header; no line is given for each record before it
    assert sniffed.columns == ["id", "text"]
    assert sniffed.preview == []
    [warning] = sniffed.warnings
    assert warning.startswith("200 of the first 200 rows cannot be read. Line 2: a double quote opens a cell that does")
    assert "not end up to line 15" in warning
    assert "the preview looks no further" in warning


def test_rows_after_an_unclosed_quote_are_previewed_without_looking_for_its_end_in_all_the_file(make, small, fed):
    path = make("a.csv", "\n".join(["id,text", '1,"open', *(f"{i},text" for i in range(2, 9_000))]))
    sniffed = sniff(path)
    assert len(fed) < 2_000
    assert [row["id"] for row in sniffed.preview] == [str(i) for i in range(2, 12)]
    assert sniffed.warnings[0].startswith(
        "1 of the first 200 rows cannot be read. Line 2: a double quote opens a cell that does not end up to line 15"
    )


def test_the_import_looks_for_the_end_of_a_quote_as_far_as_ever(make, small):
    path = make("a.csv", "\n".join(["id,text", *[OPENS_ANOTHER] * 300, *(f"{i},text" for i in range(4_000))]))
    found = read(path, "csv")
    assert [row["id"] for row in values(found)] == [str(i) for i in range(4_000)]
    assert [number for number, _ in problems(found)] == list(range(2, 302))
    assert "is not closed as it should be (looked for up to line 4301)" in problems(found)[0][1]


def test_a_long_document_with_many_lines_is_previewed(make):
    text = "a line of a long filing\n" * 10_000
    assert sniff(make("a.csv", f'id,text\n1,"{text}"\n')).preview == [{"id": "1", "text": text}]


@pytest.mark.parametrize(
    ("name", "first", "last", "columns", "seen"),
    [
        ("a.csv.gz", "id,text\n", "1,late", ["id", "text"], 0),
        ("a.tsv.gz", "id\ttext\n", "1\tlate", ["id", "text"], 0),
        ("a.jsonl.gz", '{"text": "early"}\n', '{"text": "late"}', ["text"], 1),
        ("a.txt.gz", "early\n", "late", ["text"], 1),
    ],
)
def test_a_preview_reads_no_endless_blanks_and_the_import_reads_over_them(
    make, small, unpacked, name, first, last, columns, seen
):
    path = make(name, gzip.compress(f"{first}{chr(10) * 6_000_000}{last}".encode()))
    sniffed = sniff(path, encoding="utf-8")
    assert sum(map(len, unpacked)) < 3_000_000
    assert (sniffed.columns, len(sniffed.preview)) == (columns, seen)
    assert sniffed.warnings == [PART.format(seen)]


def test_rows_after_endless_blanks_are_imported(make, small):
    path = make("a.csv", "id,text\n" + "\n" * 20_000 + "1,late")
    assert sniff(path).warnings == [NO_ROW]
    assert read(path, "csv") == [(20_002, {"id": "1", "text": "late"}, None)]


def test_a_preview_passes_over_little_json_before_the_list_and_the_import_over_all(make, small, unpacked):
    content = '{"meta": [' + "[]," * 1_000_000 + '[]], "data": [{"text": "late"}]}'
    path = make("a.json.gz", gzip.compress(content.encode()))
    sniffed = sniff(path, encoding="utf-8", root="data")
    assert sum(map(len, unpacked)) < 2_000_000
    assert (sniffed.columns, sniffed.preview, sniffed.warnings) == ([], [], [NO_ROW])
    assert values(read(path, "json", root="data")) == [{"text": "late"}]


def test_a_preview_looks_at_few_names_of_an_object_that_is_no_table(make, small, unpacked):
    path = make("a.json.gz", gzip.compress(("{" + ",".join(f'"{i}":{i}' for i in range(300_000)) + "}").encode()))
    assert sniff(path, encoding="utf-8").warnings == [NO_ROW]
    assert sum(map(len, unpacked)) < 3_000_000


def test_a_preview_passes_over_few_empty_rows_of_a_sheet_and_the_import_over_all(tmp_path, small):
    book = openpyxl.Workbook()
    book.active.append(["text"])
    book.active["A9000"] = "late"
    book.create_sheet("Late")["A9000"] = "late"
    book.save(tmp_path / "a.xlsx")
    for sheet in ("Sheet", "Late"):
        sniffed = sniff(tmp_path / "a.xlsx", sheet=sheet)
        assert (sniffed.sheets, sniffed.preview) == (["Sheet", "Late"], [])
        assert sniffed.warnings[-1] == NO_ROW
        assert list(rows(tmp_path / "a.xlsx", format="xlsx", sheet=sheet, header=False))[-1].number == 9_000


def test_sheets_are_named_even_where_none_is_seen_to_hold_anything(tmp_path, small):
    book = openpyxl.Workbook()
    book.active["A9000"] = "late"
    book.create_sheet("Second").append(["text"])
    book.save(tmp_path / "a.xlsx")
    sniffed = sniff(tmp_path / "a.xlsx")
    assert (sniffed.sheets, sniffed.columns, sniffed.warnings) == (["Sheet", "Second"], [], [NO_ROW])


def test_a_sheet_that_does_not_say_its_size_is_not_read_to_its_end(tmp_path, monkeypatch):
    book = openpyxl.Workbook()
    for number in range(20_000):
        book.active.append([f"text {number}"])
    book.save(tmp_path / "a.xlsx")
    edit_member(tmp_path / "a.xlsx", "xl/worksheets/sheet1.xml", lambda xml: re.sub(rb"<dimension[^>]*>", b"", xml))
    read_of_it = []
    plain = zipfile.ZipExtFile.read

    def counted(file, size=-1):
        part = plain(file, size)
        read_of_it.append(len(part) if file.name.startswith("xl/worksheets/") else 0)
        return part

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counted)
    assert len(sniff(tmp_path / "a.xlsx").preview) == 10
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        whole = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    assert whole > 1_000_000
    assert sum(read_of_it) < 1.5 * whole  # once through for signs of merged cells and formulas, and the first rows


def test_a_preview_has_work_enough_for_the_longest_record_and_the_largest_table_by_columns():
    assert limits.PREVIEW_RECORD > limits.MAX_LINE
    assert limits.PREVIEW_WORK > limits.MAX_WHOLE

"""Every format and encoding is read, every broken record is named and passed over, and no bytes do harm."""

import contextlib
import csv
import datetime
import gzip
import io
import itertools
import json
import tracemalloc
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation import reading
from annotation.reading import Row, Unreadable, guess_mapping, neutralise, restore, rows, sniff

ENGLISH = ["Net sales rose 5 %.", "The outlook is unchanged.", "Orders fell sharply in March."]
CHINESE = ["公司净利润同比增长百分之八。", "市场预期下调，股价大幅下跌。", "管理层维持全年业绩指引不变。"]
TAIWAN = ["台灣積體電路製造公司今日公布財報。", "市場預期聯準會將升息一碼。", "投資人對未來景氣感到樂觀，買盤湧入。"]
JAPANESE = ["売上高は前年同期比で増加しました。", "株価が大きく上昇した。", "業績予想を下方修正すると発表した。"]
FRENCH = ["Le bénéfice net a progressé de 3 %.", "La société prévoit une année stable.", "Le marché a reculé à Paris."]


@pytest.fixture
def make(tmp_path):
    """Write bytes or text to a file and return its path."""

    def write(name, content, encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
        return path

    return write


def read(path, format, **options):
    return list(rows(path, format=format, **options))


def values(found):
    return [row.values for row in found if row.values is not None]


def problems(found):
    return [(row.number, row.problem) for row in found if row.problem is not None]


def as_csv(texts):
    return "id,text,label\n" + "".join(f"{i},{text},neutral\n" for i, text in enumerate(texts, 1))


def make_sheet(path, *tables, titles=()):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, table in itertools.zip_longest(titles, tables):
        sheet = book.create_sheet(title)
        for record in table:
            sheet.append(record)
    book.save(path)
    return path


# --- formats ----------------------------------------------------------------------------------------------------------

RECORDS = [
    {"id": "1", "text": 'She said "up", twice', "label": "positive"},
    {"id": "2", "text": "平\n静", "label": "neutral"},
]


def in_format(format, path):
    if format in ("csv", "tsv"):
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, ["id", "text", "label"], delimiter="\t" if format == "tsv" else ",")
        writer.writeheader()
        writer.writerows(RECORDS)
        path.write_text(buffer.getvalue(), "utf-8", newline="")
    elif format == "json":
        path.write_text(json.dumps(RECORDS, ensure_ascii=False, indent=1), "utf-8")
    elif format == "jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in RECORDS), "utf-8")
    else:
        make_sheet(path, [list(RECORDS[0]), *(list(record.values()) for record in RECORDS)])
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("format", ["csv", "tsv", "json", "jsonl", "xlsx"])
def test_a_table_is_the_same_in_every_format_packed_or_not(tmp_path, format, packed):
    path = in_format(format, tmp_path / f"table.{format}")
    if packed:
        path = tmp_path / f"table.{format}.gz"
        path.write_bytes(gzip.compress((tmp_path / f"table.{format}").read_bytes()))
    sniffed = sniff(path)
    assert (sniffed.format, sniffed.columns, sniffed.preview, sniffed.warnings) == (
        format,
        list(RECORDS[0]),
        RECORDS,
        [],
    )
    found = read(path, format, encoding=sniffed.encoding, delimiter=sniffed.delimiter)
    assert values(found) == RECORDS
    assert not problems(found)


@pytest.mark.parametrize("format", ["csv", "tsv", "json", "jsonl", "xlsx"])
def test_the_content_tells_the_format_where_the_name_does_not(tmp_path, format):
    path = in_format(format, tmp_path / f"table.{format}")
    assert sniff(path, filename="upload").format == format


@pytest.mark.parametrize(
    ("name", "content", "format", "words"),
    [
        ("a.json", '{"text": "one"}\n{"text": "two"}\n', "jsonl", "written as jsonl"),
        ("a.jsonl", '[\n{"text": "one"},\n{"text": "two"}\n]', "json", "written as json"),
        ("a.xlsx", "text,label\none,up\ntwo,down\n", "csv", "is plain text"),
    ],
)
def test_a_wrong_name_is_noticed_and_said(make, name, content, format, words):
    sniffed = sniff(make(name, content))
    assert sniffed.format == format
    assert [row["text"] for row in sniffed.preview] == ["one", "two"]
    assert words in sniffed.warnings[0]


@pytest.mark.parametrize("delimiter", [";", "|", "\t"])
def test_another_separator_than_a_comma_is_found(make, delimiter):
    path = make("a.csv", "\n".join(delimiter.join(cells) for cells in [("id", "text"), ("1", "a, b"), ("2", "c")]))
    sniffed = sniff(path)
    assert sniffed.delimiter == delimiter
    assert sniffed.preview == [{"id": "1", "text": "a, b"}, {"id": "2", "text": "c"}]
    assert "separated by" in sniffed.warnings[0]


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


def test_sniff_reads_old_mac_line_ends_too(make):
    sniffed = sniff(make("a.csv", "text;label\ra, b;up\rc;down\r"))
    assert (sniffed.delimiter, sniffed.preview) == (
        ";",
        [{"text": "a, b", "label": "up"}, {"text": "c", "label": "down"}],
    )


def test_a_text_file_is_a_document_a_line_or_one_document(make):
    path = make("a.txt", "first line\n\nsecond line\n")
    assert values(read(path, "txt")) == [{"text": "first line"}, {"text": "second line"}]
    assert values(read(path, "txt", document_per="file")) == [{"text": "first line\n\nsecond line\n"}]


def test_a_line_is_split_at_the_last_separator(make):
    path = make("a.txt", "write to ir@firm.com today@neutral\nno label here\n")
    found = read(path, "txt", delimiter="@", columns=["text", "label"])
    assert values(found) == [{"text": "write to ir@firm.com today", "label": "neutral"}]
    assert problems(found) == [(2, 'Line 2: no "@" before the label. Add it, or leave the line out.')]


def test_sniff_sees_that_every_line_ends_in_a_label(make):
    lines = "".join(f"Sentence {i} of a@b.com@{['up', 'down'][i % 2]}\n" for i in range(10))
    sniffed = sniff(make("a.txt", lines))
    assert (sniffed.delimiter, sniffed.columns) == ("@", ["text", "label"])
    assert sniffed.preview[1] == {"text": "Sentence 1 of a@b.com", "label": "down"}
    assert sniff(make("b.txt", "Plain prose.\nWith an address a@b.com\nin it.\n\nMore.\n")).delimiter is None


def test_a_file_without_header_gets_names_or_numbered_columns(make):
    path = make("a.csv", "one,up\ntwo,down\n")
    assert values(read(path, "csv", header=False))[0] == {"column_1": "one", "column_2": "up"}
    assert values(read(path, "csv", header=False, columns=["text", "label"]))[1] == {"text": "two", "label": "down"}
    assert values(read(path, "csv", columns=["text", "label"])) == [{"text": "two", "label": "down"}]
    with pytest.raises(Unreadable, match="3 column names were given, but the header has 2"):
        read(path, "csv", columns=["a", "b", "c"])


# --- JSON -------------------------------------------------------------------------------------------------------------


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


@given(st.integers(1, 40), st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_json_read_in_pieces_of_any_size_equals_json_read_whole(tmp_path, monkeypatch, size, data):
    leaf = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=8)
    )
    value = st.recursive(
        leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    )
    records = data.draw(st.lists(st.dictionaries(st.text(max_size=4), value, max_size=4), min_size=1, max_size=5))
    content = json.dumps(records, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 1])))
    if "\\u0000" in content:
        return
    path = tmp_path / "a.json"
    path.write_text(content, "utf-8", newline="")
    monkeypatch.setattr(reading, "CHUNK", size)
    assert values(read(path, "json", encoding="utf-8")) == records


def test_a_broken_record_in_a_json_list_is_named_and_the_next_are_read(make):
    content = '[{"text": "a"},\n {"text": "b", "n": },\n {"text": "c]"},\n {"text": "d\n},\n 7, {"text": "e"}]'
    found = read(make("a.json", content), "json")
    assert [row["text"] for row in values(found)] == ["a", "c]", "e"]
    assert [number for number, _ in problems(found)] == [2, 4, 5]
    assert problems(found)[0][1].startswith("Record 2 (line 2): not valid JSON (Expecting value)")


def test_a_json_list_with_too_many_broken_records_is_given_up(make, monkeypatch):
    monkeypatch.setattr(reading, "MAX_BROKEN", 3)
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


@pytest.mark.parametrize("depth", [100, 101, 5_000, 200_000])
def test_nesting_over_a_hundred_is_refused_and_a_hundred_is_not(make, depth):
    record = '{"a":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"
    for format, content in (("jsonl", f'{record}\n{{"text": "next"}}'), ("json", f'[{record}, {{"text": "next"}}]')):
        found = read(make("a", content), format)
        assert values(found)[-1] == {"text": "next"}
        assert len(values(found)) == (2 if depth == 100 else 1)
        assert all("more than 100 deep" in problem for _, problem in problems(found))


@pytest.mark.parametrize(
    "content", ["42", '"text"', "true", "{}", '{"a": {"b": 1}, "c": [1, 2]}', "[]", "not json", '{"a": 1', "{]"]
)
def test_json_that_holds_no_records_is_unreadable(make, content):
    with pytest.raises(Unreadable):
        read(make("a.json", content), "json")


def test_json_lines_read_as_json_point_to_jsonl(make):
    with pytest.raises(Unreadable, match="choose jsonl"):
        read(make("a.json", '{"text": "a"}\n{"text": "b"}\n'), "json")


# --- encodings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "written", "found"),
    [
        (ENGLISH, "ascii", "utf-8"),
        (CHINESE, "utf-8", "utf-8"),
        (CHINESE, "utf-8-sig", "utf-8"),
        (CHINESE, "utf-16", "utf-16-le"),
        (CHINESE, "utf-32", "utf-32-le"),
        (CHINESE, "utf-16-le", "utf-16-le"),
        (CHINESE, "utf-16-be", "utf-16-be"),
        (ENGLISH, "utf-16-le", "utf-16-le"),
        (CHINESE, "gb18030", "gb18030"),
        (CHINESE, "gbk", "gb18030"),
        (TAIWAN, "big5", "big5"),
        (JAPANESE, "shift_jis", "shift_jis"),
        (FRENCH, "latin-1", "cp1252"),
    ],
)
@pytest.mark.parametrize("format", ["csv", "txt", "json", "jsonl"])
def test_each_encoding_is_found_and_a_guess_is_said(make, texts, written, found, format):
    content = {
        "csv": as_csv(texts),
        "txt": "\n".join(texts),
        "json": json.dumps([{"text": text} for text in texts], ensure_ascii=False),
        "jsonl": "\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in texts),
    }[format]
    path = make(f"a.{format}", content, written)
    sniffed = sniff(path)
    assert sniffed.encoding == found
    assert [row["text"] for row in sniffed.preview] == texts
    marked = written in ("ascii", "utf-8", "utf-8-sig", "utf-16", "utf-32")
    assert any("was guessed" in warning for warning in sniffed.warnings) != marked
    assert [row["text"] for row in values(read(path, format, encoding=written))] == texts


def test_the_first_foreign_letter_may_come_late(make):
    plain = "".join(f"{i},Plain ASCII sentence number {i}.,neutral\n" for i in range(20_000))
    path = make("a.csv", as_csv([]) + plain + as_csv(CHINESE).partition("\n")[2], "gb18030")
    assert path.stat().st_size > 2 * reading.CHUNK
    assert sniff(path).encoding == "gb18030"
    assert [row["text"] for row in values(read(path, "csv"))[-3:]] == CHINESE


def test_a_wrong_guess_can_be_overridden(make):
    path = make("a.txt", "Ąžuolas\nšalis\n", "cp1257")
    assert [row["text"] for row in sniff(path, encoding="cp1257").preview] == ["Ąžuolas", "šalis"]


@pytest.mark.parametrize("name", ["klingon", "hex", "zlib", "idna", "unicode_escape", "a\0b", "x" * 500])
def test_an_unknown_encoding_is_refused_at_once(make, name):
    with pytest.raises(Unreadable, match="not the name of an encoding"):
        rows(make("a.txt", "text"), format="txt", encoding=name)


@pytest.mark.parametrize(
    ("encoding", "bad"), [("utf-8", b"\xff"), ("gb18030", b"\xff"), ("big5", b"\xff"), ("cp1252", b"\x81")]
)
@pytest.mark.parametrize("format", ["csv", "txt", "jsonl", "json"])
def test_an_undecodable_row_is_named_with_its_byte_and_the_others_are_read(make, monkeypatch, format, encoding, bad):
    lines = {
        "csv": ["text,label", "a,é1", "b,@", "c,é2"],
        "txt": ["a é1", "b @", "c é2"],
        "jsonl": ['{"text": "a é"}', '{"text": "b@"}', '{"text": "c"}'],
        "json": ['[{"text": "a é"}', ',{"text": "b@"}', ',{"text": "c"}]'],
    }[format]
    accent = "é" if encoding in ("utf-8", "cp1252") else "中"
    content = "\n".join(lines).replace("é", accent).encode(encoding).replace(b"@", bad)
    offset = content.index(bad)
    for size in (3, 7, reading.CHUNK):
        monkeypatch.setattr(reading, "CHUNK", size)
        found = read(make("a", content), format, encoding=encoding)
        assert [row["text"][0] for row in values(found)] == ["a", "c"]
        assert len(problems(found)) == 1
        assert f"not valid {encoding} at byte {offset} of the file" in problems(found)[0][1]


def test_one_bad_byte_does_not_turn_a_utf8_file_into_another_encoding(make):
    path = make("a.csv", as_csv(CHINESE * 5).encode() + b"99,\xff,neutral\n")
    sniffed = sniff(path)
    assert sniffed.encoding == "utf-8"
    assert "UTF-8 but for 1 places" in sniffed.warnings[0]
    assert len(values(read(path, "csv"))) == 15


def test_a_nul_byte_is_a_problem_of_its_row_only(make):
    path = make("a.csv", "text,label\na,1\nb\0,2\nc,3\n")
    found = read(path, "csv")
    assert [row["text"] for row in values(found)] == ["a", "c"]
    assert problems(found) == [(3, "Line 3: holds a NUL character, which no text has. Remove it.")]


# --- broken tables ----------------------------------------------------------------------------------------------------


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
    monkeypatch.setattr(reading, "CHUNK", size)
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


@pytest.mark.parametrize("format", ["csv", "txt", "jsonl"])
def test_a_line_that_is_too_long_is_passed_over_without_being_held(make, monkeypatch, format):
    monkeypatch.setattr(reading, "MAX_LINE", 1_000_000)
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


def test_a_record_of_a_json_list_that_is_too_long_is_passed_over(make, monkeypatch):
    monkeypatch.setattr(reading, "MAX_LINE", 1_000_000)
    path = make("a.json", '[{"text": "a"}, {"text": "' + 'x\\" ]},{' * 400_000 + '"}, {"text": "b"}]')
    found = read(path, "json")
    assert values(found) == [{"text": "a"}, {"text": "b"}]
    assert "longer than 1,000,000 characters" in problems(found)[0][1]


def test_an_unclosed_quote_is_given_up_after_the_longest_record(make, monkeypatch):
    monkeypatch.setattr(reading, "MAX_LINE", 10_000)
    lines = ["id,text", '1,"open', *(f"{i},text number {i}" for i in range(2, 5000))]
    found = read(make("a.csv", "\n".join(lines)), "csv")
    assert len(values(found)) == 4998
    assert [number for number, _ in problems(found)] == [2]


@pytest.mark.parametrize("content", [b"", b"   \n\n\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n", b"\xff\xfe", b"\0\0\0"])
def test_an_empty_file_is_unreadable(make, content):
    path = make("a.csv", content)
    with pytest.raises(Unreadable, match="empty"):
        sniff(path)
    if b"\0" not in content:
        for format in ("csv", "tsv", "json", "jsonl", "txt"):
            with pytest.raises(Unreadable, match="empty"):
                read(path, format)
        with pytest.raises(Unreadable, match="empty"):
            read(path, "txt", document_per="file")


def test_a_header_alone_gives_no_rows_and_says_so(make, tmp_path):
    for path in (make("a.csv", "id,text,label\n"), make_sheet(tmp_path / "a.xlsx", [["id", "text", "label"]])):
        sniffed = sniff(path)
        assert (sniffed.columns, sniffed.preview) == (["id", "text", "label"], [])
        assert sniffed.warnings == ["The file has a header but no rows."]
        assert read(path, sniffed.format) == []


def test_options_that_cannot_be_are_refused_at_once(make):
    path = make("a.csv", "a,b\n1,2\n")
    for wrong in (
        {"format": "parquet"},
        {"format": "csv", "delimiter": "||"},
        {"format": "csv", "delimiter": '"'},
        {"format": "csv", "columns": ["a", "a"]},
        {"format": "txt", "document_per": "page"},
    ):
        with pytest.raises(Unreadable):
            rows(path, **wrong)
    with pytest.raises(Unreadable, match="separator"):
        read(path, "txt", columns=["text", "label"])


def test_problems_among_the_first_rows_are_said_by_sniff(make):
    sniffed = sniff(make("a.csv", "a,b\n1,2\n3\n4,5\n"))
    assert sniffed.warnings[0].startswith("1 of the first 3 rows cannot be read. Line 3:")
    assert sniffed.preview == [{"a": "1", "b": "2"}, {"a": "4", "b": "5"}]


# --- workbooks --------------------------------------------------------------------------------------------------------


def test_cells_become_the_text_that_a_person_sees(tmp_path):
    day, moment = datetime.date(2024, 3, 5), datetime.datetime(2024, 3, 5, 14, 30)
    table = [
        ["text", "whole", "part", "sum", "flag", "day", "moment", "time", "none"],
        ["a", 3.0, 2.5, 0.1 + 0.2, True, day, moment, datetime.time(9, 30), None],
        ["b", 7, 1e20, -0.0, False, None, None, None, None],
    ]
    found = values(read(make_sheet(tmp_path / "a.xlsx", table), "xlsx"))
    assert list(found[0].values()) == [
        "a",
        "3",
        "2.5",
        "0.3",
        "TRUE",
        "2024-03-05",
        "2024-03-05T14:30:00",
        "09:30:00",
        "",
    ]
    assert list(found[1].values())[:5] == ["b", "7", "1e+20", "0", "FALSE"]


def test_rows_of_a_sheet_keep_their_numbers_and_empty_ones_are_left_out(tmp_path):
    path = make_sheet(tmp_path / "a.xlsx", [[], ["text", "label"], ["a", "up"], [], ["b"], ["c", "down", "extra"]])
    found = read(path, "xlsx")
    assert [(row.number, row.values) for row in found[:2]] == [
        (3, {"text": "a", "label": "up"}),
        (5, {"text": "b", "label": ""}),
    ]
    assert found[2].problem.startswith("Row 6: 3 cells, but there are 2 columns.")


def test_the_first_filled_sheet_is_read_and_another_can_be_named(tmp_path):
    path = make_sheet(
        tmp_path / "a.xlsx", [], [["text"], ["one"]], [["text"], ["two"]], titles=("Empty", "First", "其他")
    )
    sniffed = sniff(path)
    assert (sniffed.sheets, sniffed.preview) == (["Empty", "First", "其他"], [{"text": "one"}])
    assert sniffed.warnings == ['The workbook has 3 sheets; "First" is read.']
    assert sniff(path, sheet="其他").preview == [{"text": "two"}]
    with pytest.raises(Unreadable, match='no sheet "Gone" in the workbook; it has "Empty", "First", "其他"'):
        read(path, "xlsx", sheet="Gone")
    with pytest.raises(Unreadable, match="empty"):
        read(path, "xlsx", sheet="Empty")


def test_formulas_give_their_stored_value_and_merged_cells_are_said(tmp_path):
    book = openpyxl.Workbook()
    for record in (["text", "n"], ["a", "=1+1"], ["b", 2], ["", 3]):
        book.active.append(record)
    book.active.merge_cells("A3:A4")
    book.save(tmp_path / "a.xlsx")
    sniffed = sniff(tmp_path / "a.xlsx")
    assert sniffed.preview == [{"text": "a", "n": ""}, {"text": "b", "n": "2"}, {"text": "", "n": "3"}]
    assert any("merged cells" in warning for warning in sniffed.warnings)
    assert any("no stored result" in warning for warning in sniffed.warnings)
    edit_member(
        tmp_path / "a.xlsx",
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace(b"<v />", b"<v>2</v>").replace(b"<v></v>", b"<v>2</v>"),
    )
    assert sniff(tmp_path / "a.xlsx").preview[0] == {"text": "a", "n": "2"}


def edit_member(path, name, change):
    with zipfile.ZipFile(path) as old:
        members = {member: old.read(member) for member in old.namelist()}
    assert change(members[name]) != members[name]
    members[name] = change(members[name])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for member, content in members.items():
            new.writestr(member, content)


def test_a_wrong_statement_of_the_size_of_a_sheet_hides_no_rows(tmp_path):
    path = make_sheet(tmp_path / "a.xlsx", [["text", "n"], ["a", 1], ["b", 2]])
    edit_member(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b'ref="A1:B3"', b'ref="A1"'))
    assert values(read(path, "xlsx")) == [{"text": "a", "n": "1"}, {"text": "b", "n": "2"}]


def test_entities_in_a_workbook_are_refused(tmp_path):
    path = make_sheet(tmp_path / "a.xlsx", [["text"], ["a"]])
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    edit_member(path, "xl/worksheets/sheet1.xml", lambda xml: bomb + xml.replace(b"<v>0</v>", b"<v>&b;</v>"))
    with pytest.raises(Unreadable, match="damaged"):
        read(path, "xlsx")


def test_a_row_number_beyond_any_sheet_ends_the_reading(tmp_path):
    path = make_sheet(tmp_path / "a.xlsx", [["text"], ["a"], ["b"]])
    edit_member(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b'<row r="3"', b'<row r="99999999999"'))
    found = read(path, "xlsx")
    assert values(found) == [{"text": "a"}]
    assert "more than 1,048,576 rows" in found[-1].problem


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (bytes(range(256)) * 50, "not a text file"),
        (b"PK\x03\x04 cut off", "not a whole .xlsx or .zip"),
    ],
)
def test_files_of_other_kinds_are_told_in_words(make, content, words):
    for name in ("a.csv", "a.xlsx"):
        with pytest.raises(Unreadable, match=words):
            sniff(make(name, content))


def test_text_read_as_a_workbook_is_unreadable(make):
    with pytest.raises(Unreadable):
        read(make("a.csv", "text\na\n"), "xlsx")
    with pytest.raises(Unreadable, match=r"not an \.xlsx file"):
        sniff(make("a.csv", "text\na\n"), format="xlsx")


# --- archives ---------------------------------------------------------------------------------------------------------


def make_zip(path, members, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_an_archive_gives_a_document_per_text_file(tmp_path):
    members = {
        "a.txt": "one\ntwo",
        "folder/b.txt": "三\n",
        "__MACOSX/a.txt": "x",
        ".hidden.txt": "x",
        "c.csv": "x",
        "empty.txt": "",
    }
    path = make_zip(tmp_path / "a.zip", members)
    sniffed = sniff(path)
    assert (sniffed.format, sniffed.columns, sniffed.encoding) == ("zip", ["file", "text"], "utf-8")
    found = read(path, "zip", encoding="utf-8")
    assert values(found) == [{"file": "a.txt", "text": "one\ntwo"}, {"file": "folder/b.txt", "text": "三\n"}]
    assert problems(found) == [
        (3, 'File "c.csv": not a .txt file. Import it on its own.'),
        (4, 'File "empty.txt": empty. Leave it out.'),
    ]
    assert guess_mapping(sniffed.columns, sniffed.preview) == {"text": "text", "id": "file"}


def test_an_archive_from_a_chinese_windows_keeps_names_and_texts(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"AAAA.txt": "\n".join(CHINESE).encode("gb18030")})
    path.write_bytes(path.read_bytes().replace(b"AAAA", "年报".encode("gb18030")))
    sniffed = sniff(path)
    assert sniffed.encoding == "gb18030"
    assert sniffed.preview == [{"file": "年报.txt", "text": "\n".join(CHINESE)}]


def test_archives_that_unpack_to_too_much_are_refused(tmp_path, monkeypatch):
    bomb = make_zip(tmp_path / "a.zip", {"a.txt": b"0" * 20_000_000})
    with pytest.raises(Unreadable, match="unpacks to 20 MB, which is too much"):
        sniff(bomb)
    with pytest.raises(Unreadable, match="too much"):
        read(bomb, "xlsx")
    monkeypatch.setattr(reading, "MAX_ARCHIVE", 1000)
    with pytest.raises(Unreadable, match="too much"):
        read(make_zip(tmp_path / "b.zip", {"a.txt": b"0" * 2000}), "zip")
    monkeypatch.setattr(reading, "MAX_MEMBERS", 2)
    with pytest.raises(Unreadable, match="more than 2 files"):
        read(make_zip(tmp_path / "c.zip", {f"{i}.txt": b"0" for i in range(3)}), "zip")


def test_a_member_that_is_larger_than_its_archive_says_is_damaged(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"a.txt": b"0" * 5_000_000, "b.txt": b"fine"})
    content = path.read_bytes()
    path.write_bytes(content.replace((5_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    found = read(path, "zip", encoding="utf-8")
    assert values(found) == [{"file": "b.txt", "text": "fine"}]
    assert problems(found) == [(1, 'File "a.txt": damaged in the archive. Pack it again.')]


def test_a_workbook_with_too_much_text_is_refused(tmp_path, monkeypatch):
    path = make_sheet(tmp_path / "a.xlsx", [["text"], ["a"]])
    monkeypatch.setattr(reading, "MAX_STRINGS", 10_000)  # the theme that every workbook carries is a little longer
    with pytest.raises(Unreadable, match="which is too much; save it as"):
        read(path, "xlsx")


def test_a_packed_file_that_is_cut_off_or_too_large_keeps_what_came_before(make, monkeypatch):
    content = as_csv([f"sentence {i * 7919 % 10_007}" for i in range(30_000)])
    packed = gzip.compress(content.encode())
    found = read(make("a.csv.gz", packed[: len(packed) // 2]), "csv", encoding="utf-8")
    assert len(values(found)) > 5_000
    assert "damaged or cut off" in problems(found)[-1][1]
    monkeypatch.setattr(reading, "MAX_UNPACKED", 300_000)
    found = read(make("b.csv.gz", packed), "csv", encoding="utf-8")
    assert len(values(found)) > 5_000
    assert "unpacks to more than" in problems(found)[-1][1]


def test_a_file_that_is_no_gzip_after_its_first_bytes_is_unreadable(make):
    with pytest.raises(Unreadable, match="damaged"):
        sniff(make("a.csv.gz", b"\x1f\x8b not really"))


# --- formulas, mapping ------------------------------------------------------------------------------------------------


@given(st.text() | st.text(st.sampled_from("'=+-@\t\rab")))
def test_what_was_neutralised_is_restored(cell):
    assert restore(neutralise(cell)) == cell
    assert not neutralise(cell).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_only_our_own_export_loses_its_apostrophes(make):
    cells = ["=1+1", "'quoted'", "'=x", "-5 %", "plain"]
    ours = io.StringIO()
    writer = csv.writer(ours)
    writer.writerow(["text", "_assay"])
    writer.writerows([neutralise(cell), "1"] for cell in cells)
    assert values(read(make("a.csv", ours.getvalue()), "csv")) == [{"text": cell} for cell in cells]
    foreign = make("b.csv", "text,n\n'=1+1,1\n")
    assert values(read(foreign, "csv")) == [{"text": "'=1+1", "n": "1"}]


@pytest.mark.parametrize(
    ("columns", "mapping"),
    [
        (["id", "text", "label"], {"id": "id", "text": "text", "label": "label"}),
        (["编号", "标题", "正文", "类别", "日期", "来源", "公司", "链接", "语言"],
         {"id": "编号", "title": "标题", "text": "正文", "label": "类别", "published_at": "日期",
          "source_type": "来源", "issuer": "公司", "url": "链接", "language": "语言"}),
        (["Headline", "Link", "Pub Date", "Ticker"],
         {"text": "Headline", "url": "Link", "published_at": "Pub Date", "issuer": "Ticker"}),
        (["our_true_label", "text", "split", "annotations"],
         {"label": "our_true_label", "text": "text", "split": "split", "annotations": "annotations"}),
        (["doc_id", "Sentiment", "Sentence", "type", "lang", "time", "company", "url"],
         {"id": "doc_id", "label": "Sentiment", "text": "Sentence", "source_type": "type", "language": "lang",
          "published_at": "time", "issuer": "company", "url": "url"}),
        ([], {}),
    ],
)  # fmt: skip
def test_columns_are_guessed_by_their_names(columns, mapping):
    assert guess_mapping(columns, [dict.fromkeys(columns, "x")]) == mapping


def test_the_longest_column_is_the_text_where_no_name_says_so():
    preview = [{"a": "1", "Q": "What is the dividend policy of the firm?", "title": "Dividends", "n": 5}]
    assert guess_mapping(["a", "Q", "title", "n"], preview) == {"text": "Q", "title": "title"}
    assert guess_mapping(["a", "title"], preview) == {"text": "title"}


# --- size and hostility -----------------------------------------------------------------------------------------------


def peak_of(path, format, limit):
    """Peak of traced memory in bytes while the rows are counted."""
    tracemalloc.start()
    count = sum(row.problem is None for row in rows(path, format=format, encoding="utf-8"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == limit
    return peak


@pytest.mark.parametrize("format", ["csv", "jsonl", "json", "txt"])
def test_memory_does_not_grow_with_the_file(tmp_path, format):
    text = "Net sales rose 5 % to EUR 13.1 mn. " * 8
    record = {
        "csv": f"7,{text},up\n",
        "jsonl": json.dumps({"text": text}) + "\n",
        "txt": text + "\n",
        "json": json.dumps({"text": text}) + ",",
    }
    path = tmp_path / "a"
    with path.open("w") as file:
        file.write({"csv": "id,text,label\n", "json": "["}.get(format, ""))
        for _ in range(1000):
            file.write(record[format] * 100)
        file.write('{"text": "last"}]' if format == "json" else "")
    assert path.stat().st_size > 25_000_000
    assert peak_of(path, format, 100_000 + (format == "json")) < 5_000_000


FORMATS_AND_OPTIONS = st.fixed_dictionaries(
    {"format": st.sampled_from(reading.FORMATS), "header": st.booleans(), "document_per": st.sampled_from(["line", "file"])},
    optional={
        "encoding": st.sampled_from(["utf-8", "utf-16", "gb18030", "big5", "shift_jis", "cp1252", "utf-7", "iso2022_jp", "hz"]),
        "delimiter": st.sampled_from([",", "\t", "@", "||"]),
        "columns": st.sampled_from([["text"], ["text", "label"]]),
        "root": st.sampled_from(["data", "a.b"]),
        "sheet": st.just("Sheet1"),
    },
)  # fmt: skip
PIECES = st.sampled_from(
    [b'"', b"\n", b"\r", b",", b"{", b"}", b"[", b"]", b":", b"\\", b"\\u", b"\0", b"@", b"\t", b"text", b"\xff", b"\xfe", b"\x81",
     "中".encode(), "中".encode("gb18030"), b'{"a":1}', b"null", b"1e9", b"'=", b"_assay", b"\x1b$B", b"~{", b"+AG"]
)  # fmt: skip
HOSTILE = st.binary(max_size=400) | st.lists(PIECES, max_size=60).map(b"".join)


def read_everything(path, **options):
    """All that reading may raise is Unreadable, and each row has either values that can be stored or a problem."""
    with contextlib.suppress(Unreadable):
        for row in rows(path, **options):
            assert (row.values is None) != (row.problem is None)
            assert row.number >= 1
            json.dumps(row.values, allow_nan=False, ensure_ascii=False).encode("utf-8")


@given(HOSTILE, FORMATS_AND_OPTIONS, st.sampled_from([1, 5, 262_144]))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_make_reading_fail(tmp_path, monkeypatch, content, options, size):
    monkeypatch.setattr(reading, "CHUNK", size)
    path = tmp_path / "a"
    path.write_bytes(content)
    read_everything(path, **options)


@given(HOSTILE, st.sampled_from(["a", "a.csv", "a.tsv.gz", "a.json", "a.jsonl", "a.xlsx", "a.zip", "a.txt", ".", ""]))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_make_sniffing_fail_and_what_it_finds_can_be_read(tmp_path, content, name):
    path = tmp_path / "a"
    path.write_bytes(content)
    try:
        sniffed = sniff(path, filename=name)
    except Unreadable:
        return
    assert len(sniffed.preview) <= 10
    read_everything(path, format=sniffed.format, encoding=sniffed.encoding, delimiter=sniffed.delimiter)


PLACE = st.floats(0, 1, exclude_max=True)


@given(
    st.sampled_from(["xlsx", "zip", "csv"]),
    st.lists(st.tuples(PLACE, st.integers(0, 255)), max_size=4),
    st.just(1.0) | PLACE,
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_to_a_packed_file_makes_reading_fail(tmp_path, format, damage, end):
    whole, path = tmp_path / f"whole.{format}", tmp_path / "damaged"
    if not whole.exists():
        make_sheet(tmp_path / "whole.xlsx", [["text", "n"], ["a", 1], ["b", datetime.date(2024, 1, 1)]])
        make_zip(tmp_path / "whole.zip", {"a.txt": "one", "b.txt": "two"})
        (tmp_path / "whole.csv").write_bytes(gzip.compress(as_csv(CHINESE).encode()))
    content = bytearray(whole.read_bytes())
    for place, byte in damage:
        content[int(place * len(content))] = byte
    path.write_bytes(bytes(content[: int(end * len(content))]))
    read_everything(path, format=format)


# --- real files -------------------------------------------------------------------------------------------------------


def real(shared, *parts) -> Path:
    path = shared.joinpath("data", *parts)
    if not path.exists():
        pytest.skip(f"{parts[-1]} is not on this machine")
    return path


def test_the_raw_phrasebank_is_read_as_it_was_published(shared):
    path = real(shared, "files", "financial_phrasebank", "Sentences_AllAgree.txt")
    sniffed = sniff(path)
    assert (sniffed.format, sniffed.encoding, sniffed.delimiter) == ("txt", "cp1252", "@")
    for encoding in (sniffed.encoding, "latin-1"):
        found = read(path, "txt", encoding=encoding, delimiter="@", columns=["text", "label"])
        assert len(found) == len(values(found)) == 2264
        counts = {
            label: sum(row["label"] == label for row in values(found)) for label in ("positive", "neutral", "negative")
        }
        assert counts == {"positive": 570, "neutral": 1391, "negative": 303}
    assert any("ä" in row["text"] for row in values(found))


def test_the_workbook_of_two_raters_is_read(shared):
    path = real(shared, "files", "numclaim_two_raters", "gold_arpts_non_author_annotation.xlsx")
    sniffed = sniff(path)
    assert guess_mapping(sniffed.columns, sniffed.preview) == {"text": "text", "label": "our_true_label"}
    found = read(path, "xlsx")
    assert len(values(found)) == len(found) == 1345
    assert sum(row["our_true_label"] == "1" for row in values(found)) == 257
    assert {row["label_non_author"] for row in values(found)} == {"0", "1", "DBT"}


def test_the_chinese_workbook_is_read(shared):
    path = real(shared, "files", "esg_zh", "esgdata.xlsx")
    assert sniff(path).sheets == ["Sheet1", "Sheet2", "Sheet3"]
    found = read(path, "xlsx")
    assert len(values(found)) == len(found) == 8471
    assert list(found[0].values) == ["sentences", "label", "quality"]


def test_an_old_workbook_under_a_new_name_is_refused_in_words(shared):
    with pytest.raises(Unreadable, match="old Excel"):
        sniff(real(shared, "files", "esg_zh", "esgtree.xlsx"))


def test_the_app_reviews_are_read_with_all_their_scripts(shared):
    path = real(shared, "files", "bank_app_reviews", "clean_bank_reviews.csv")
    sniffed = sniff(path)
    assert (sniffed.format, sniffed.encoding, sniffed.delimiter, sniffed.warnings) == ("csv", "utf-8", ",", [])
    found = read(path, "csv")
    with path.open(encoding="utf-8", newline="") as file:
        assert [list(row.values.values()) for row in found] == list(csv.reader(file))[1:]
    assert any("\u1200" <= letter <= "\u137f" for row in values(found) for letter in row["review"])


@pytest.mark.parametrize("name", ["climate_fever_votes", "edgar_filings_a_10k", "bank_app_reviews"])
def test_normalised_lines_are_read_to_the_letter(shared, name):
    path = real(shared, "normalised", "dev", f"{name}.jsonl")
    lines = path.read_text("utf-8").split("\n")
    assert values(read(path, "jsonl")) == [json.loads(line) for line in lines if line]


@pytest.mark.parametrize(
    ("parts", "format", "count"),
    [
        (("fiqa_sentiment", "test.json"), "json", 230),
        (("fincuge_finfe_train", "train_list.json.gz"), "json", 16_157),
        (("ocnli_dev", "dev.json.gz"), "jsonl", 3_000),
        (("thucnews_titles", "test.txt.gz"), "txt", 10_000),
        (("gold_commodity_headlines", "gold-dataset-sinha-khandait.csv.gz"), "csv", 10_570),
        (("cfpb_complaints_a", "complaints_sample.csv.gz"), "csv", 2_085),
    ],
)
def test_real_files_of_other_shapes_give_all_their_rows(shared, parts, format, count):
    path = real(shared, "files", *parts)
    sniffed = sniff(path)
    assert sniffed.format == format
    columns = sniffed.columns if format == "txt" else None
    found = read(path, format, encoding=sniffed.encoding, delimiter=sniffed.delimiter, columns=columns)
    assert len(values(found)) == len(found) == count

"""The first bytes tell the format where the name does not, and other kinds of file are told in words."""

import pytest

from annotation.reading import Unreadable, sniff
from tests.annotation.reading.files import in_format, read


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

"""A table is the same in every format, and options that cannot be are refused at once."""

import gzip

import pytest

from annotation.reading import Unreadable, rows, sniff
from tests.annotation.reading.files import RECORDS, in_format, problems, read, values


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


def test_options_that_cannot_be_are_refused_at_once(make):
    path = make("a.csv", "a,b\n1,2\n")
    for wrong in (
        {"format": "pickle"},
        {"format": "csv", "delimiter": "||"},
        {"format": "csv", "delimiter": '"'},
        {"format": "csv", "columns": ["a", "a"]},
        {"format": "txt", "document_per": "page"},
    ):
        with pytest.raises(Unreadable):
            rows(path, **wrong)
    with pytest.raises(Unreadable, match="separator"):
        read(path, "txt", columns=["text", "label"])

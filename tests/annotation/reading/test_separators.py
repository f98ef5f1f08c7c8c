"""Separators are found by what most rows agree on, and said."""

import pytest

from annotation.reading import sniff


@pytest.mark.parametrize("delimiter", [";", "|", "\t"])
def test_another_separator_than_a_comma_is_found(make, delimiter):
    path = make("a.csv", "\n".join(delimiter.join(cells) for cells in [("id", "text"), ("1", "a, b"), ("2", "c")]))
    sniffed = sniff(path)
    assert sniffed.delimiter == delimiter
    assert sniffed.preview == [{"id": "1", "text": "a, b"}, {"id": "2", "text": "c"}]
    assert "separated by" in sniffed.warnings[0]


def test_sniff_reads_old_mac_line_ends_too(make):
    sniffed = sniff(make("a.csv", "text;label\ra, b;up\rc;down\r"))
    assert (sniffed.delimiter, sniffed.preview) == (
        ";",
        [{"text": "a, b", "label": "up"}, {"text": "c", "label": "down"}],
    )


def test_sniff_sees_that_every_line_ends_in_a_label(make):
    lines = "".join(f"Sentence {i} of a@b.com@{['up', 'down'][i % 2]}\n" for i in range(10))
    sniffed = sniff(make("a.txt", lines))
    assert (sniffed.delimiter, sniffed.columns) == ("@", ["text", "label"])
    assert sniffed.preview[1] == {"text": "Sentence 1 of a@b.com", "label": "down"}
    assert sniff(make("b.txt", "Plain prose.\nWith an address a@b.com\nin it.\n\nMore.\n")).delimiter is None

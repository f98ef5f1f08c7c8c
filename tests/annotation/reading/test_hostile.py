"""No bytes make reading fail: all it may raise is a refusal."""

import contextlib
import datetime
import gzip
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation.reading import FORMATS, Unreadable, limits, rows, sniff
from tests.annotation.reading.files import CHINESE, as_csv, make_sheet, make_zip

FORMATS_AND_OPTIONS = st.fixed_dictionaries(
    {"format": st.sampled_from(FORMATS), "header": st.booleans(), "document_per": st.sampled_from(["line", "file"])},
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
     "中".encode(), "中".encode("gb18030"), b'{"a":1}', b"null", b"1e9", b"'=", b"_assay", b"\x1b$B", b"~{", b"+AG",
     b" O\n", b"a B-X\n", b"word,tag,sentence\n", b"# a = b\n", b"-DOCSTART-"]
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
    monkeypatch.setattr(limits, "CHUNK", size)
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

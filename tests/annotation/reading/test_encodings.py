"""Every encoding is found, a guess is said, and bytes that are no text are a problem of their row."""

import json

import pytest

from annotation.reading import Unreadable, limits, rows, sniff
from tests.annotation.reading.files import CHINESE, ENGLISH, FRENCH, JAPANESE, TAIWAN, as_csv, problems, read, values


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
    assert path.stat().st_size > 2 * limits.CHUNK
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
    for size in (3, 7, limits.CHUNK):
        monkeypatch.setattr(limits, "CHUNK", size)
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

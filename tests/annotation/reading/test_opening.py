"""Packed files that are too large or cut off are refused, or give what came before."""

import gzip

import pytest

from annotation.reading import Unreadable, limits, sniff
from tests.annotation.reading.files import as_csv, make_zip, problems, read, values


def test_archives_that_unpack_to_too_much_are_refused(tmp_path, monkeypatch):
    bomb = make_zip(tmp_path / "a.zip", {"a.txt": b"0" * 20_000_000})
    with pytest.raises(Unreadable, match="unpacks to 20 MB, which is too much"):
        sniff(bomb)
    with pytest.raises(Unreadable, match="too much"):
        read(bomb, "xlsx")
    monkeypatch.setattr(limits, "MAX_ARCHIVE", 1000)
    with pytest.raises(Unreadable, match="too much"):
        read(make_zip(tmp_path / "b.zip", {"a.txt": b"0" * 2000}), "zip")
    monkeypatch.setattr(limits, "MAX_MEMBERS", 2)
    with pytest.raises(Unreadable, match="more than 2 files"):
        read(make_zip(tmp_path / "c.zip", {f"{i}.txt": b"0" for i in range(3)}), "zip")


def test_a_packed_file_that_is_cut_off_or_too_large_keeps_what_came_before(make, monkeypatch):
    content = as_csv([f"sentence {i * 7919 % 10_007}" for i in range(30_000)])
    packed = gzip.compress(content.encode())
    found = read(make("a.csv.gz", packed[: len(packed) // 2]), "csv", encoding="utf-8")
    assert len(values(found)) > 5_000
    assert "damaged or cut off" in problems(found)[-1][1]
    monkeypatch.setattr(limits, "MAX_UNPACKED", 300_000)
    found = read(make("b.csv.gz", packed), "csv", encoding="utf-8")
    assert len(values(found)) > 5_000
    assert "unpacks to more than" in problems(found)[-1][1]


def test_a_file_that_is_no_gzip_after_its_first_bytes_is_unreadable(make):
    with pytest.raises(Unreadable, match="damaged"):
        sniff(make("a.csv.gz", b"\x1f\x8b not really"))

"""Archives of data files: layouts, splits, classes; and archives that are hostile or broken."""

import json
import stat
import zipfile

import pytest

from annotation.reading import Unreadable, limits, rows, sniff
from tests.annotation.reading.files import problems, read, values
from tests.annotation.reading.test_tools import pack

CARD = """---
license: mit
configs:
- config_name: default
  data_files:
  - split: validation
    path: "parts/one-*.jsonl"
dataset_info:
  features:
  - name: label
    dtype:
      class_label:
        names:
          '0': neg
          '1': pos
---
# Data
"""


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records)


def test_the_card_tells_splits_and_classes(tmp_path):
    path = pack(tmp_path / "a.zip", {
        "README.md": CARD, "parts/one-0.jsonl": lines({"text": "a", "label": 1}), "parts/test-0.csv": "text,label\nb,0\n", "manifest.json": "{}"})  # fmt: skip
    assert sniff(path).format == "folder"
    assert values(read(path, "folder")) == [{"text": "a", "label": "pos", "split": "validation"}, {"text": "b", "label": "neg", "split": "test"}]  # fmt: skip


def test_a_file_that_cannot_be_read_costs_itself_alone(tmp_path):
    path = pack(tmp_path / "a.zip", {"a.jsonl": lines({"text": "a"}), "b.parquet": "PAR1 lies", "c.json": "", "d.jsonl": '{"text": "d"}\n{"broken\n'})  # fmt: skip
    found = read(path, "folder")
    assert [row["text"] for row in values(found)] == ["a", "d"]
    assert [problem.partition(":")[0] for _number, problem in problems(found)] == ['File "b.parquet"', 'File "c.json"', 'File "d.jsonl"']  # fmt: skip


def test_archives_in_archives_links_and_locked_files_are_told(tmp_path):
    inner = pack(tmp_path / "inner.zip", {"x.jsonl": lines({"text": "x"})})
    path = pack(tmp_path / "a.zip", {"a.jsonl": lines({"text": "a"}), "inner.json": inner.read_bytes()})
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("link.jsonl")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    found = read(path, "folder")
    assert [row["text"] for row in values(found)] == ["a"]
    told = [problem for _number, problem in problems(found)]
    assert "an archive in an archive" in told[0]
    assert "a link to another file" in told[1]


def test_names_that_climb_out_of_the_archive_are_only_names(tmp_path):
    path = pack(tmp_path / "a.zip", {"../../climbed.jsonl": lines({"text": "a"}), "/etc/x.jsonl": lines({"text": "b"})})
    before = set(tmp_path.parent.parent.iterdir())
    assert len(values(read(path, "folder"))) == 2
    assert set(tmp_path.parent.parent.iterdir()) == before


def test_bombs_and_swarms_are_refused_before_they_are_unpacked(tmp_path, monkeypatch):
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", b"0" * 40_000_000)
    with pytest.raises(Unreadable, match="too much"):
        sniff(bomb)
    swarm = tmp_path / "swarm.zip"
    with zipfile.ZipFile(swarm, "w") as archive:
        for number in range(limits.MAX_MEMBERS + 1):
            archive.writestr(f"{number}.jsonl", "")
    with pytest.raises(Unreadable, match="more than 20,000 files"):
        sniff(swarm)


def test_a_card_that_is_no_yaml_or_a_bomb_of_aliases_is_passed_over(tmp_path):
    bomb = "---\na: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)) + "---\n"  # fmt: skip
    for card in (bomb, "---\n: : [\n---\n", "---\n!!python/object/apply:os.system ['true']\n---\n", "---\n- 1\n---\n"):
        path = pack(tmp_path / "a.zip", {"README.md": card, "train.jsonl": lines({"text": "a"})})
        assert values(rows(path, format="folder")) == [{"text": "a", "split": "train"}]

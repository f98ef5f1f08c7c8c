"""Parquet and Arrow: classes by name, tokens as marks, and files that lie, each with a sentence and bounded memory."""

import contextlib
import gzip
import io
import os
import resource
import zipfile
from datetime import date
from pathlib import Path

import datasets
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from annotation.reading import Told, Unreadable, columnar, limits, rows, sniff
from tests.annotation.reading.files import problems, read, values

CLASSES = datasets.Features(
    {
        "text": datasets.Value("string"),
        "label": datasets.ClassLabel(names=["neg", "pos"]),
        "at": datasets.Value("date32"),
    }
)


@pytest.fixture
def labelled(tmp_path):
    table = datasets.Dataset.from_dict({"text": ["up", "净利润", "flat"], "label": [1, 0, -1], "at": [date(1970, 1, 2), date(1970, 1, 3), None]}, features=CLASSES)  # fmt: skip
    table.to_parquet(str(tmp_path / "a.parquet"))
    return tmp_path / "a.parquet"


def write(path, columns, **options):
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_classes_come_by_their_names_and_days_in_iso(labelled):
    assert sniff(labelled).format == "parquet"
    assert sniff(labelled).columns == ["text", "label", "at"]
    assert values(read(labelled, "parquet")) == [
        {"text": "up", "label": "pos", "at": "1970-01-02"},
        {"text": "净利润", "label": "neg", "at": "1970-01-03"},
        {"text": "flat", "label": None, "at": None},
    ]


def test_a_packed_file_is_unpacked(labelled, tmp_path):
    packed = tmp_path / "a.parquet.gz"
    packed.write_bytes(gzip.compress(labelled.read_bytes()))
    assert sniff(packed).format == "parquet"
    assert len(values(read(packed, "parquet"))) == 3


def test_tokens_with_tags_are_a_text_with_marks(tmp_path):
    features = datasets.Features({"tokens": datasets.List(datasets.Value("string")), "ner_tags": datasets.List(datasets.ClassLabel(names=["O", "B-ORG", "I-ORG"]))})  # fmt: skip
    table = datasets.Dataset.from_dict({"tokens": [["Apple", "Inc", "rose"], ["茅", "台", "涨"]], "ner_tags": [[1, 2, 0], [1, 2, 0]]}, features=features)  # fmt: skip
    table.to_parquet(str(tmp_path / "a.parquet"))
    found = values(read(tmp_path / "a.parquet", "parquet"))
    assert [row["text"] for row in found] == ["Apple Inc rose", "茅台涨"]
    assert [[mark["text"] for mark in row["spans"]] for row in found] == [["Apple Inc"], ["茅台"]]


def test_argillas_responses_are_answers_of_their_users(tmp_path):
    path = write(tmp_path / "a.parquet", {
        "id": ["1"], "text": ["Profit rose."], "_server_id": ["x"],
        "tone.responses": [["good", "bad", "good"]],
        "tone.responses.users": [["u1", "u2", "u3"]],
        "tone.responses.status": [["submitted", "discarded", "draft"]],
    })  # fmt: skip
    told = Told()
    [row] = rows(path, format="parquet", told=told)
    assert row.values == {"id": "1", "text": "Profit rose.", "annotations": [
        {"annotator": "u1", "label": {"tone": "good"}}, {"annotator": "u2", "label": {}, "status": "skipped"}]}  # fmt: skip
    assert told.tool == "Argilla"
    assert told.lost == {"drafts were left out": 1}


def test_a_saved_dataset_is_read_with_the_splits_of_its_folders(labelled, tmp_path):
    table = datasets.Dataset.from_parquet(str(labelled))
    datasets.DatasetDict({"train": table, "validation": table.select([1])}).save_to_disk(str(tmp_path / "saved"))
    with zipfile.ZipFile(tmp_path / "saved.zip", "w") as archive:
        for folder, _names, files in os.walk(tmp_path / "saved"):
            for name in files:
                whole = os.path.join(folder, name)
                archive.write(whole, os.path.relpath(whole, tmp_path))
    assert sniff(tmp_path / "saved.zip").format == "folder"
    found = values(read(tmp_path / "saved.zip", "folder"))
    assert [(row["text"], row["label"], row["split"]) for row in found] == [
        ("up", "pos", "train"), ("净利润", "neg", "train"), ("flat", None, "train"), ("净利润", "neg", "validation")]  # fmt: skip


# Files that lie


def test_bytes_that_are_no_text_cost_their_row_alone(tmp_path):
    raw = pa.array([b"fine", b"\xff\xfe broken", b"fine too"]).cast(pa.binary())
    text = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    found = read(write(tmp_path / "a.parquet", {"text": text}), "parquet")
    assert [row["text"] for row in values(found)] == ["fine", "fine too"]
    assert problems(found) == [(2, "Row 2: column “text” holds bytes that are no text.")]


@pytest.mark.parametrize("cut", [4, 8, 11, 60, 200])
def test_a_file_that_is_cut_off_gets_a_sentence(labelled, cut):
    labelled.write_bytes(labelled.read_bytes()[:cut])
    with pytest.raises(Unreadable, match=r"cut off|no Parquet"):
        read(labelled, "parquet")


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_file_gets_a_sentence_whatever_is_wrong(labelled, seed):
    data = bytearray(labelled.read_bytes())
    for place in range(4 + seed, len(data) - 8, 37 + 11 * seed):
        data[place] ^= 0xFF
    labelled.write_bytes(data)
    with contextlib.suppress(Unreadable):
        assert len(read(labelled, "parquet")) <= 4


def test_a_footer_that_claims_more_than_there_is(labelled):
    data = labelled.read_bytes()
    labelled.write_bytes(data[:-8] + (2**31 - 1).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(Unreadable, match="cut off"):
        read(labelled, "parquet")


def test_too_many_columns_are_refused(tmp_path):
    path = write(tmp_path / "a.parquet", {f"c{k}": ["x"] for k in range(limits.MAX_COLUMNS + 1)})
    with pytest.raises(Unreadable, match="16,385 columns; at most 16,384"):
        read(path, "parquet")


def test_a_bomb_of_rows_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNPACKED", 5_000_000)
    path = write(tmp_path / "a.parquet", {"text": ["the same words again " * 50] * 100_000})
    assert path.stat().st_size < 100_000
    last = read(path, "parquet")[-1]
    assert "unpacks to more than 5 MB" in last.problem


def test_a_cell_of_a_gigabyte_ends_the_child_and_not_the_reader(tmp_path, monkeypatch):
    monkeypatch.setattr(columnar, "MEMORY", 420 * 1024**2)
    path = write(tmp_path / "a.parquet", {"text": [b"x" * 150_000_000]}, compression="zstd")
    assert path.stat().st_size < 1_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Unreadable, match="more than there is memory for"):
        read(path, "parquet")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_an_arrow_stream_with_wrong_offsets_ends_the_child_alone(tmp_path):
    buffer = io.BytesIO()
    with pa.ipc.new_stream(buffer, pa.schema({"text": pa.string()})) as stream:
        stream.write_batch(pa.record_batch([pa.array(["short"])], names=["text"]))
    right, wild = ((0).to_bytes(4, "little") + end.to_bytes(4, "little") for end in (5, 2**30))
    place = buffer.getvalue().rindex(right)
    (tmp_path / "a.arrow").write_bytes(buffer.getvalue()[:place] + wild + buffer.getvalue()[place + 8 :])
    with pytest.raises(Unreadable, match="damaged"):
        read(tmp_path / "a.arrow", "arrow")


def children() -> set[str]:
    """The processes that this one has started, on any of its threads."""
    return {pid for told in Path("/proc/self/task").glob("*/children") for pid in told.read_text().split()}


def test_the_child_is_gone_when_the_reader_looks_no_further(labelled, tmp_path):
    path = write(tmp_path / "b.parquet", {"text": ["words"] * 50_000})
    before = children()
    stream = rows(path, format="parquet")
    next(stream)
    assert children() - before
    stream.close()
    assert children() - before == set()

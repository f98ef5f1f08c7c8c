"""Each format by its own reader: what a writer makes of marks, labels and hostile words, and what it says it lost."""

import csv
import io
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import defusedxml.ElementTree as XML
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.kinds import KINDS
from evaluation import formats
from evaluation.archives import into_folder
from evaluation.formats import brat, parquet, spacy, words
from evaluation.formats.release import FIELDS, LOSSES, Release
from tests.conftest import ROOT

LABELS = [{"name": name, "title": name} for name in ("ORG", "PER", "big place")]
SPANS = {"name": "names", "kind": "spans", "labels": LABELS, "relations": [{"name": "owns", "from": [], "to": []}]}
CHOICE = {
    "name": "tone",
    "kind": "choice",
    "labels": [{"name": "good news", "title": "x"}, {"name": "bad", "title": "y"}],
}
TEXT = "Acme Corp. buys 中国银行🎯 of New York-based Öl AG."


def mark(words: str, label: str = "ORG", text: str = TEXT, **more: Any) -> dict[str, Any]:
    start = text.index(words)
    return {"start": start, "end": start + len(words), "label": label, "text": words, **more}


def row(key: str, text: str, gold: Any, split: str = "train", **more: Any) -> dict[str, Any]:
    empty = {"distribution": None, "candidates": [], "reference": "", "meta": {}, **dict.fromkeys(FIELDS, "")}
    return {**empty, "id": key, "text": text, "split": split, "gold": gold, **more}


def release_of(question: dict[str, Any], rows: list[dict[str, Any]], **more: Any) -> Release:
    counts = {split: sum(each["split"] == split for each in rows) for split in ("train", "dev", "test")}
    columns = {name: kind.column for name, kind in KINDS.items()}
    return Release([question], [question], {split: n for split, n in counts.items() if n}, columns, **more)


def written(
    name: str, question: dict[str, Any], rows: list[dict[str, Any]], **more: Any
) -> tuple[dict[str, bytes], Any]:
    release = release_of(question, rows, **more)

    def of(split: str) -> Iterator[dict[str, Any]]:
        return iter([each for each in rows if not split or each["split"] == split])

    found = {file.name: b"".join(file.chunks) for file in formats.FORMATS[name].write(release, of)}
    return found, dict(release.losses)


MARKED = [
    row("d/1", TEXT, {"names": [
        mark("Acme Corp.", relations=[{"type": "owns", "to": 1}]),
        mark("中国银行", link="BoC"),
        mark("银行", "PER"),
        mark("New York", "big place"),
        mark("Öl AG"),
    ]}),
    row("d2", "Nothing here.", {"names": []}),
]  # fmt: skip


# -- Tokens -------------------------------------------------------------------------------------------------------


def tokens(text: str) -> list[str]:
    return [text[start:end] for start, end in words.tokens_of(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Profit rose 1,250.5% in Q3.", ["Profit", "rose", "1,250.5", "%", "in", "Q3", "."]),
        ("AT&T doesn’t pay U.S. taxes", ["AT&T", "doesn’t", "pay", "U.S", ".", "taxes"]),
        ("净利润增长12%,同比。", ["净", "利", "润", "增", "长", "12", "%", ",", "同", "比", "。"]),
        ("a_b 🎯🎯\t$5m", ["a", "_", "b", "🎯", "🎯", "$", "5", "m"]),
        (" \n ", []),
    ],
)
def test_words_are_whole_and_chinese_goes_by_character(text, expected):
    assert tokens(text) == expected


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=6))
@settings(max_examples=200, deadline=None)
def test_tokens_cover_all_that_is_not_blank_and_end_where_marks_do(text, ends):
    marks = [{"start": a, "end": b, "label": "X"} for a, b in ends if a < b <= len(text)]
    found, _cuts = words.cut_at(words.tokens_of(text), marks)
    assert "".join("".join(text[start:end] for start, end in found).split()) == "".join(text.split())
    assert all(one.end <= two.start for one, two in itertools.pairwise(found))
    for tagged in words.covered(found, marks):
        first, last = found[tagged.first], found[tagged.last]
        outside = text[tagged.mark["start"] : first.start] + text[last.end : tagged.mark["end"]]
        assert not outside.strip()


# -- CoNLL --------------------------------------------------------------------------------------------------------


def test_conll_tags_tokens_and_tells_what_it_left_out():
    files, losses = written("conll", SPANS, MARKED)
    lines = files["data/train.conll"].decode().splitlines()
    assert lines[:2] == ["# id = d/1", "# split = train"]
    tagged = [tuple(line.split("\t")) for line in lines[2:] if "\t" in line]
    assert tagged[:7] == [("Acme", "B-ORG"), ("Corp", "I-ORG"), (".", "I-ORG"), ("buys", "O"), ("中", "B-ORG"), ("国", "I-ORG"), ("银", "I-ORG")]  # fmt: skip
    assert ("York", "I-big_place") in tagged
    assert ("-based", "O") in tagged or ("-", "O") in tagged
    assert losses == {"overlapping": 1, "relations": 1, "links": 1, "cut_token": 1, "renamed": 1}
    assert set(losses) <= set(LOSSES)


def test_bioes_tells_single_tokens_and_ends():
    files, _losses = written("conll", SPANS, MARKED, scheme="BIOES")
    tags = [line.split("\t")[1] for line in files["data/train.conll"].decode().splitlines() if "\t" in line]
    assert tags[:3] == ["B-ORG", "I-ORG", "E-ORG"]
    files, _losses = written("conll", SPANS, [row("a", "Acme", {"names": [mark("Acme", text="Acme")]})], scheme="BIOES")
    assert b"Acme\tS-ORG" in files["data/train.conll"]


def test_withheld_gold_is_no_tag_at_all():
    files, _losses = written("conll", SPANS, [row("a", "Acme sold", None, "test")])
    assert files["data/test.conll"].decode().endswith("Acme\t_\nsold\t_\n\n")


# -- brat ---------------------------------------------------------------------------------------------------------


def test_brat_stands_off_by_code_points_with_relations_and_parts():
    text = "Öl 🎯 und\nGas AG"
    parts = [[0, 2], [9, 12]]
    marks = [
        {"start": 0, "end": 12, "label": "ORG", "parts": parts, "text": text[0:12], "relations": [{"type": "owns", "to": 1}]},
        {"start": 3, "end": 12, "label": "big place", "text": text[3:12]},
    ]  # fmt: skip
    files, losses = written("brat", SPANS, [row("../../etc/passwd", text, {"names": marks})])
    assert (
        files[
            "data/train/..%2F..%2Fetc%2Fpasswd.txt" if False else next(name for name in files if name.endswith(".txt"))
        ]
        == text.encode()
    )
    ann = next(files[name] for name in files if name.endswith(".ann")).decode().splitlines()
    assert ann == [
        "T1\tORG 0 2;9 12\tÖl Gas",
        "T2\tbig_place 3 8;9 12\t🎯 und Gas",
        "R1\towns Arg1:T1 Arg2:T2",
    ]
    assert losses == {"renamed": 1}
    assert b"owns\tArg1:<ENTITY>, Arg2:<ENTITY>" in files["annotation.conf"]
    assert b"big_place | big place" in files["visual.conf"]


def test_brat_writes_events_with_triggers_roles_status_and_dates():
    question = {
        "name": "e", "kind": "events", "labels": [{"name": "merger", "title": "m"}],
        "roles": [{"name": "buyer", "types": []}, {"name": "target", "types": ["merger"]}],
    }  # fmt: skip
    text = "Acme buys Bolt and Nut on Tuesday"
    place = lambda words: {"start": text.index(words), "end": text.index(words) + len(words), "text": words}  # noqa: E731
    event = {
        "type": "merger", "trigger": place("buys"), "status": "expected",
        "arguments": [{"role": "buyer", **place("Acme")}, {"role": "target", **place("Bolt")}, {"role": "target", **place("Nut")}],
        "date": {"value": "2024-06-04", **place("Tuesday")},
    }  # fmt: skip
    files, losses = written("brat", question, [row("a", text, {"e": [event, {"type": "merger", "arguments": []}]})])
    ann = files["data/train/a.ann"].decode().splitlines()
    assert "E1\tmerger:T1 buyer:T2 target:T3 target2:T4 Date:T5" in ann
    assert "A1\tStatus E1 expected" in ann
    assert "#1\tAnnotatorNotes E1\tdate=2024-06-04" in ann
    assert losses == {"untriggered": 1}


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=12, unique=True))
@settings(max_examples=300, deadline=None)
def test_hostile_ids_are_names_of_files_and_never_paths(keys):
    taken: set[str] = set()
    names = [brat.file_name(key, taken) for key in keys]
    assert len({name.lower() for name in names}) == len(names)
    for name in names:
        assert "/" not in name
        assert "\\" not in name
        assert "\0" not in name
        assert not name.startswith(".")
        assert len(name) < 200


def test_no_file_is_written_outside_of_its_folder(tmp_path):
    rows = [row(key, "x", {"names": []}) for key in ("../x", "/etc/x", "..", "con", "a\\..\\b", "é" * 190, "A", "a")]
    release = release_of(SPANS, rows)
    into_folder(tmp_path / "out", formats.FORMATS["brat"].write(release, lambda split: iter(rows)), {})
    assert len(list((tmp_path / "out/data/train").glob("*.txt"))) == 8
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_brat_is_refused_beyond_what_a_folder_holds():
    release = release_of(SPANS, [])
    release.counts = {"train": 10_001}
    with pytest.raises(ValueError, match="at most 10,000"):
        next(brat.write(release, lambda split: iter(())))


# -- spaCy --------------------------------------------------------------------------------------------------------

ORACLE = """
import json, sys
import spacy
from spacy.tokens import DocBin
docs = DocBin().from_disk(sys.argv[1]).get_docs(spacy.blank("en").vocab)
from spacy.symbols import IDS
from annotation.reading.docbin import SYMBOLS
assert SYMBOLS == IDS
print(json.dumps([{
    "text": doc.text, "id": doc.user_data["id"], "cats": doc.cats, "known": doc.has_annotation("ENT_IOB"),
    "ents": [[e.start_char, e.end_char, e.label_, e.kb_id_] for e in doc.ents],
    "spans": [[s.start_char, s.end_char, s.label_, s.kb_id_] for s in doc.spans.get("sc", [])],
} for doc in docs]))
"""


def through_spacy(tmp_path, data: bytes) -> list[dict[str, Any]]:
    """The documents as spaCy reads them, in a process of its own: it brings torch along."""
    path = tmp_path / "x.spacy"
    path.write_bytes(data)
    child = subprocess.run(
        [sys.executable, "-c", ORACLE, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(child.stdout.splitlines()[-1])


def test_spacy_reads_our_docbin(tmp_path):
    odd = "  two  blanks\n\nfirst , 国 行 "
    rows = [*MARKED, row("odd", odd, {"names": [mark("blanks", text=odd)]}), row("t", "Held back det NOUN", None)]
    files, losses = written("spacy", SPANS, rows)
    docs = through_spacy(tmp_path, files["data/train/00000.spacy"])
    assert [doc["text"] for doc in docs] == [each["text"] for each in rows]
    assert [doc["id"] for doc in docs] == [each["id"] for each in rows]
    wanted = [[m["start"], m["end"], m["label"], m.get("link", "")] for m in MARKED[0]["gold"]["names"]]
    assert docs[0]["spans"] == wanted
    assert docs[0]["ents"] == [each for each in wanted if each[2] != "PER"]
    assert [doc["known"] for doc in docs] == [True, True, True, False]
    assert losses == {"relations": 1, "cut_token": 1}


def test_spacy_gets_labels_as_categories(tmp_path):
    files, _losses = written("spacy", CHOICE, [row("a", "Profit rose", {"tone": "bad"}), row("b", "x", None)])
    docs = through_spacy(tmp_path, files["data/train/00000.spacy"])
    assert [doc["cats"] for doc in docs] == [{"good news": 0.0, "bad": 1.0}, {}]


def test_a_string_has_the_hash_that_spacy_gives_it():
    # From spacy.strings.hash_string.
    assert spacy.string_hash("coffee") == 3197928453018144401
    assert spacy.string_hash("") == 0


# -- Others -------------------------------------------------------------------------------------------------------


def test_fasttext_has_one_line_and_no_label_that_a_text_makes_up():
    text = "Good\nnews __label__bad x__label__y\u2028end"
    files, losses = written(
        "fasttext", CHOICE, [row("a", text, {"tone": "good news"}), row("b", "x", {}), row("c", "y", None)]
    )
    assert files["data/train.txt"].decode() == "__label__good_news Good news _label_bad x__label__y end\ny\n"
    assert losses == {"unanswered": 1, "line_ends": 1, "label_words": 1, "renamed": 1}


def test_doccano_gets_entities_and_relations_with_ids_of_their_own():
    files, losses = written("doccano", SPANS, [*MARKED, row("z", TEXT, {"names": [mark("buys")]}), row("t", "x", None)])
    rows = [json.loads(line) for line in files["data/train.jsonl"].splitlines()]
    assert rows[0]["entities"][0] == {"id": 1, "label": "ORG", "start_offset": 0, "end_offset": 10}
    assert rows[0]["relations"] == [{"id": 1, "from_id": 1, "to_id": 2, "type": "owns"}]
    assert rows[2]["entities"][0]["id"] == 6
    assert "entities" not in rows[3]
    assert [label["text"] for label in json.loads(files["labels.json"])] == ["ORG", "PER", "big place"]
    assert losses == {"links": 1}


def test_label_studio_counts_in_javascript_units_and_opens_with_its_config():
    files, _losses = written("labelstudio", SPANS, MARKED)
    tasks = json.loads(files["data/train.json"])
    result = tasks[0]["annotations"][0]["result"]
    last = next(each["value"] for each in result if each.get("value", {}).get("text") == "Öl AG")
    units = TEXT.encode("utf-16-le")
    assert units[2 * last["start"] : 2 * last["end"]].decode("utf-16-le") == "Öl AG"
    assert {"type": "relation", "from_id": "m0", "to_id": "m1", "direction": "right", "labels": ["owns"]} in result
    view = XML.fromstring(files["config.xml"])
    assert [label.get("value") for label in view.iter("Label")] == ["ORG", "PER", "big place"]
    assert [one.get("value") for one in view.iter("Relation")] == ["owns"]


def test_label_studio_config_is_xml_whatever_labels_are_called():
    labels = [{"name": '<a> & "b" \x02', "title": "x"}, {"name": "'", "title": "y"}]
    files, _losses = written("labelstudio", {"name": "text", "kind": "choice", "labels": labels}, [])
    view = XML.fromstring(files["config.xml"])
    assert [one.get("value") for one in view.iter("Choice")] == ['<a> & "b" ', "'"]
    assert json.loads(files.get("data/train.json", b"[]")) == []


def test_parquet_holds_typed_columns_in_row_groups_and_is_the_same_each_time(monkeypatch):
    monkeypatch.setattr(parquet, "GROUP_ROWS", 100)
    rows = [row(f"d{n}", TEXT, MARKED[0]["gold"], meta={"n": str(n)}) for n in range(250)]
    files, _losses = written("parquet", SPANS, rows)
    data = files["data/train.parquet"]
    assert data == written("parquet", SPANS, rows)[0]["data/train.parquet"]
    table = pq.ParquetFile(io.BytesIO(data))
    assert table.num_row_groups == 3
    first = table.read_row_group(0).to_pylist()[0]
    assert first["spans"][0]["relations"] == [{"type": "owns", "to": 1}]
    assert first["spans"][1]["link"] == "BoC"
    assert json.loads(first["meta"]) == {"n": "0"}


def test_the_layout_of_hugging_face_goes_in_parts(monkeypatch):
    monkeypatch.setattr(parquet, "SHARD_ROWS", 100)
    rows = [row(f"d{n}", "x", {"tone": "bad"}, "dev") for n in range(250)]
    files, _losses = written("huggingface", CHOICE, rows)
    names = [f"data/validation-0000{part}-of-00003.parquet" for part in range(3)]
    assert list(files) == names
    assert [pq.ParquetFile(io.BytesIO(files[name])).metadata.num_rows for name in names] == [100, 100, 50]


def test_csv_disarms_formulas_in_every_column():
    rows = [row("=1", "@x", {"tone": "bad"}, title="+1", meta={"-k": "\t=2"})]
    files, _losses = written("csv", CHOICE, rows, meta=["-k"])
    _head, cells = csv.reader(io.StringIO(files["data/train.csv"].decode(), newline=""))
    assert cells[:3] == ["'=1", "'@x", "train"]
    assert "'+1" in cells
    assert "'\t=2" in cells


# -- Which format carries what ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(formats.FORMATS))
@pytest.mark.parametrize("kind", list(KINDS))
def test_a_format_refuses_kinds_that_it_cannot_carry_and_names_those_that_can(name, kind):
    entry, question = formats.FORMATS[name], {"name": "q", "kind": kind}
    if kind in entry.kinds:
        assert formats.asked(entry, [question]) == [question]
        return
    with pytest.raises(ValueError, match="These can: jsonl, csv, parquet, huggingface"):
        formats.asked(entry, [question])


def test_one_of_several_questions_is_chosen_where_a_format_carries_one():
    with pytest.raises(ValueError, match="Choose one of: names, tone"):
        formats.asked(formats.FORMATS["doccano"], [SPANS, CHOICE])
    assert formats.asked(formats.FORMATS["doccano"], [SPANS, CHOICE], "tone") == [CHOICE]
    assert formats.asked(formats.FORMATS["fasttext"], [SPANS, CHOICE]) == [CHOICE]
    assert formats.asked(formats.FORMATS["jsonl"], [SPANS, CHOICE]) == [SPANS, CHOICE]
    with pytest.raises(ValueError, match="no question “x”"):
        formats.asked(formats.FORMATS["brat"], [SPANS], "x")

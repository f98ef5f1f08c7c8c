"""Files of a frozen version: the same bytes each time, the same content back, and no test gold for those without the right."""

import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from annotation import models as a
from annotation import schema as schemas
from evaluation import exporting, rules
from evaluation import models as e
from tests.conftest import LABELS, make_annotation, make_gold, make_items, set_schema
from tests.evaluation.worlds import bare_project, bring, freeze, make_texts, queue

NASTY = [
    '=HYPERLINK("http://evil","x")',
    "'=already quoted",
    "-1.5 % against last year",
    '"Quoted", with; commas\nand a second line',
    "营业收入同比增长12%，净利润下降。",
    "Café société – naïve “quotes” ½",
    "tab\there and 𝟙𝟚 emoji 🎯",
    "@mention +plus",
    "a,b;c|d",
    "\\n is no line end, \\u0041 neither",
]
METADATA: list[dict[str, Any]] = [
    {"page": 3, "confidential": False, "share": 0.5, "big": 12345678901234567890},
    {"note": " outer blanks \r\n and line ends \r", "date": "2020-13-45", "=formula": "=1+1"},
    {"tags": ["a", {"b": None}], "label": "positive", "published_at": "some day", "url": "ftp://x"},
    {"": "nameless", "a.b": "dotted", " key ": "one", "key": "two", "quote'd": "'", "empty": "", "none": None},
    {"备注": "中文", "text": "not the text", "id": "not the id", "split": "maybe", "_row": "7"},
]


@pytest.fixture
def version(project: a.Project, cast: dict[str, a.User]) -> Any:
    """60 examples: nasty texts, every kind of metadata, fields, answers of two annotators."""
    texts = [*NASTY, *(f"Profit of company {n} rose by {n} %." for n in range(50))]
    items = make_texts(project, texts)
    for place, item in enumerate(items):
        document = a.Document.objects.filter(pk=item.document_id)
        document.update(
            metadata=METADATA[place] if place < len(METADATA) else {},
            title=f"=Title {place}" if place % 2 else "",
            issuer="Nokia Oyj" if place % 3 else "",
            published_at="2026-05-14" if place % 4 else "2026-05-14T10:30:00+02:00",
            language="zh" if place == 4 else "en",
            url=f"https://example.org/{place}" if place % 5 else "",
        )
        make_annotation(item, cast["alice"], LABELS[place % 3])
        make_annotation(item, cast["bob"], LABELS[place % 3 if place % 7 else 0])
    return freeze(project, change_note="The first.")


def one_file(version: Any, format: str, **options: Any) -> bytes:
    target = io.BytesIO()
    rows = exporting.single(version, format=format, target=target, **{"with_test_gold": True, **options})
    assert rows == 60
    return target.getvalue()


def members(version: Any, format: str = "jsonl", **options: Any) -> dict[str, bytes]:
    with (
        exporting.archive(version, format=format, **{"with_test_gold": True, **options}) as file,
        zipfile.ZipFile(file) as z,
    ):
        return {name: z.read(name) for name in z.namelist()}


# -- There and back -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_an_export_imported_into_a_new_project_freezes_to_the_same_hash(version: Any, format: str) -> None:
    other = bare_project("copy")
    content = one_file(version, format)
    report = bring(other, content, f"all.{format}", labels="gold", create_schema=True, question="sentiment")
    assert (report["new"], report["gold"], report["refused"], report["warnings"]) == (60, 60, 0, [])
    copy = freeze(other)
    assert copy.message == ""
    differing = [
        (mine.text, mine.fields, its.fields)
        for mine, its in zip(version.examples.order_by("pk"), copy.examples.order_by("pk"), strict=True)
        if mine.digest != its.digest
    ]
    assert differing == []
    assert (copy.content_hash, copy.split_hashes) == (version.content_hash, version.split_hashes)
    assert one_file(copy, format) == content


def test_jsonl_and_csv_bring_the_same_content(version: Any) -> None:
    hashes = set()
    for format in ("jsonl", "csv"):
        other = bare_project(f"copy-{format}")
        bring(
            other, one_file(version, format), f"all.{format}", labels="gold", create_schema=True, question="sentiment"
        )
        hashes.add(freeze(other).content_hash)
    assert hashes == {version.content_hash}


def test_passages_come_back_as_documents_of_their_own(project: a.Project) -> None:
    make_texts(project, 20)
    document = a.Document.objects.create(
        project=project, external_id="long", text="First one.  Second, =3.", text_key="k"
    )
    for start, end in ((0, 11), (11, 23)):
        make_gold(a.Item.objects.create(project=project, document=document, start=start, end=end))
    version = freeze(project)
    for format in ("jsonl", "csv"):
        target = io.BytesIO()
        exporting.single(version, format=format, with_test_gold=True, target=target)
        other = bare_project(f"passages-{format}")
        bring(other, target.getvalue(), f"x.{format}", labels="gold", create_schema=True, question="sentiment")
        assert freeze(other).content_hash == version.content_hash


@pytest.mark.parametrize("name", ["numclaim_two_raters", "fincuge_finfe_train", "climate_fever_votes"])
def test_real_texts_come_back_the_same(project: a.Project, shared: Path, name: str) -> None:
    lines = (shared / "data" / "normalised" / "dev" / f"{name}.jsonl").read_bytes().splitlines(keepends=True)
    mine = bare_project("mine")
    bring(mine, b"".join(lines[:300]), f"{name}.jsonl", labels="gold", create_schema=True, question="answer")
    # One of them has the same text twice with different labels.
    version = freeze(mine, allow_leaks="as published")
    for format in ("jsonl", "csv"):
        target = io.BytesIO()
        exporting.single(version, format=format, with_test_gold=True, target=target)
        other = bare_project(f"other-{format}")
        bring(other, target.getvalue(), f"x.{format}", labels="gold", create_schema=True, question="answer")
        assert freeze(other, allow_leaks="as published").content_hash == version.content_hash


# -- The files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_an_archive_holds_data_card_guideline_manifest_and_right_checksums(version: Any, format: str) -> None:
    files = members(version, format)
    data = {f"data/{split}.{format}" for split in e.SPLITS}
    told = {"README.md", "croissant.json", "datasheet.md", "LICENSE", "CITATION.cff"}
    assert set(files) == data | told | {"guideline.md", "schema.json", "manifest.json", "SHA256SUMS"}
    for line in files["SHA256SUMS"].decode().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256(files[name]).hexdigest() == digest
    assert len(files["SHA256SUMS"].decode().splitlines()) == len(files) - 1
    facts = json.loads(files["manifest.json"])
    assert (facts["version"], facts["content_hash"]) == ("1.0.0", version.content_hash)
    assert facts["split_hashes"] == version.split_hashes
    assert facts["settled"] == {"sentiment": {"adjudicated": 60}}
    schema = json.loads(files["schema.json"])
    assert schemas.check(schema) == {"questions": version.questions}
    assert files["guideline.md"] == b"# Rules\n"


def test_the_card_tells_counts_balance_hash_agreement_and_warnings(version: Any) -> None:
    card = members(version)["README.md"].decode()
    assert "# Main 1.0.0" in card
    assert "The first." in card
    assert version.content_hash in card
    test = version.counts["test"]
    assert f"| test | {test['n']} |" in card
    [line] = [line for line in card.splitlines() if line.startswith("| negative |")]
    assert f"{test['labels']['sentiment']['negative']} (" in line
    alpha = version.agreement["sentiment"]["alpha"]
    assert f"{alpha['value']:.3f} [{alpha['low']:.3f}, {alpha['high']:.3f}]" in card
    assert "an adjudicator: 60" in card
    assert all(finding["text"] in card for finding in version.findings)
    assert "seed: 13" in card
    assert "\nconfigs:\n- config_name: default\n" in card.split("---")[1]


def test_the_same_version_gives_the_same_bytes(version: Any) -> None:
    def digest() -> str:
        with exporting.archive(version, format="csv", with_test_gold=True) as file:
            return hashlib.sha256(file.read()).hexdigest()

    assert digest() == digest()


def test_rows_of_jsonl_have_every_column_in_the_order_of_ids(version: Any) -> None:
    rows = [json.loads(line) for line in one_file(version, "jsonl").decode().splitlines()]
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    columns = [
        "id",
        "text",
        "split",
        "label",
        "title",
        "source_type",
        "language",
        "published_at",
        "issuer",
        "url",
        "meta",
    ]
    assert all(list(row) == columns for row in rows)
    by_id = {row["id"]: row for row in rows}
    assert by_id["d0"]["meta"] == {"page": "3", "confidential": "false", "share": "0.5", "big": "12345678901234567890"}
    assert by_id["d3"]["meta"]["key"] in ("one", "two")


def test_formulas_are_harmless_in_csv(version: Any) -> None:
    rows = list(csv.reader(io.StringIO(one_file(version, "csv").decode(), newline="")))
    head, *body = rows
    assert head[:4] == ["id", "text", "split", "label"]
    assert head[-1] == "_assay"
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in body for cell in row)
    texts = {row[0]: row[1] for row in body}
    assert (texts["d0"], texts["d1"]) == ("'" + NASTY[0], "'" + NASTY[1])


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_the_archive_itself_can_be_imported_again_and_freezes_to_the_same_hash(project: a.Project, format: str) -> None:
    make_texts(project, [f"Profit, “up” {place} %.\nSecond line 🚀" for place in range(30)], issuer="Orlo, Bank")
    version = freeze(project)
    packed = exporting.archive(version, format=format, with_test_gold=True).read()
    again = bare_project("again")
    report = bring(again, packed, f"main-1.0.0-{format}.zip", create_schema=True)
    assert (report["rows"], report["new"], report["refused"]) == (30, 30, 0)
    assert freeze(again).content_hash == version.content_hash  # whatever the question is called there
    assert a.Import.objects.get(project=again).filename == f"main-1.0.0-{format}.{format}"


def test_several_questions_are_told_apart(project: a.Project) -> None:
    questions = [{"name": "topic", "labels": ["b", "a"]}, {"name": "sentiment", "labels": LABELS}]
    set_schema(project, schemas.check({"questions": questions}))
    for item in make_texts(project, 12):
        make_gold(item, "a", question="topic")
    version = freeze(project)
    target = io.BytesIO()
    exporting.single(version, format="jsonl", with_test_gold=True, target=target)
    row = json.loads(target.getvalue().splitlines()[0])
    assert row["gold"] == {"topic": "a", "sentiment": "negative"}
    assert "label" not in row
    target = io.BytesIO()
    exporting.single(version, format="csv", with_test_gold=True, target=target)
    assert target.getvalue().splitlines()[0].startswith(b"id,text,split,gold.topic,gold.sentiment,")


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet", "huggingface", "fasttext", "spacy", "doccano"])
def test_the_bytes_depend_neither_on_the_day_nor_on_the_order_of_the_rows(
    project: a.Project, format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"Profit of company {n} rose by {n} %." for n in range(30)]
    make_texts(project, texts, language="en")
    first = freeze(project, splits="random")
    # The same texts under the same ids, put into the database from the last to the first.
    other = bare_project("reversed")
    other.version = a.GuidelineVersion.objects.create(project=other, number=1, schema=project.version.schema)
    other.save()
    rows = [
        {"id": f"d{n}", "text": text, "language": "en", "label": LABELS[n % 3]}
        for n, text in reversed([*enumerate(texts)])
    ]
    bring(other, "".join(json.dumps(row) + "\n" for row in rows).encode(), "x.jsonl", labels="gold")
    second = freeze(other, splits="random")
    assert second.content_hash == first.content_hash
    data = [
        {name: content for name, content in members(each, format).items() if name.startswith("data/")}
        for each in (first, second)
    ]
    assert data[0] == data[1]
    with exporting.archive(first, format=format, with_test_gold=True) as file:
        before = file.read()
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    with exporting.archive(first, format=format, with_test_gold=True) as file:
        assert file.read() == before


# -- Test gold ----------------------------------------------------------------------------------------------------


def test_only_managers_and_adjudicators_may_have_test_gold(version: Any, cast: dict[str, a.User]) -> None:
    project = version.dataset.project
    may = {name for name, user in cast.items() if rules.may_have_test_gold(user, project)}
    assert may == {"carol", "dave"}


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_without_the_right_test_rows_tell_neither_gold_nor_metadata(version: Any, format: str) -> None:
    files = members(version, format, with_test_gold=False)
    test = files[f"data/test.{format}"].decode()
    gold = {row.key: row.gold["sentiment"] for row in e.Example.objects.filter(version=version, split="test")}
    if format == "jsonl":
        rows = [json.loads(line) for line in test.splitlines()]
        assert not any({"label", "gold"} & set(row) or row["meta"] for row in rows)
    else:
        rows = list(csv.DictReader(io.StringIO(test, newline="")))
        assert not any(row["label"] or value for row in rows for name, value in row.items() if name.startswith("meta."))
    assert {row["id"] for row in rows} == set(gold)
    assert b'"label": "' in files["data/train.jsonl"] if format == "jsonl" else b"negative" in files["data/train.csv"]
    assert "withheld" in files["README.md"].decode()
    assert json.loads(files["manifest.json"])["with_test_gold"] is False
    single = one_file(version, format, with_test_gold=False)
    assert hashlib.sha256(single).hexdigest() != hashlib.sha256(one_file(version, format)).hexdigest()


def test_a_column_with_the_label_in_it_does_not_betray_the_test_gold(project: a.Project) -> None:
    items = make_texts(project, 60)
    for item in items:
        secret = {"original": f"SECRET-{item.document.external_id}"}
        a.Document.objects.filter(pk=item.document_id).update(metadata=secret)
    version = freeze(project)
    keys = e.Example.objects.filter(version=version, split="test").values_list("key", flat=True)
    for format in ("jsonl", "csv"):
        everything = b"".join(members(version, format, with_test_gold=False).values())
        assert not any(f"SECRET-{key}".encode() in everything.replace(b",", b"\n").split() for key in keys)
        assert b"SECRET-" in everything


# -- Ways out -----------------------------------------------------------------------------------------------------


def test_a_folder_holds_the_same_files_as_the_archive(version: Any, tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder"
    exporting.write(version, with_test_gold=True, target=target)
    found = {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    assert found == members(version)
    with pytest.raises(ValueError, match="holds files already"):
        exporting.write(version, with_test_gold=True, target=target)


def test_only_frozen_versions_and_known_formats_are_exported(version: Any, project: a.Project) -> None:
    with pytest.raises(ValueError, match="jsonl, csv, parquet"):
        exporting.archive(version, format="xlsx", with_test_gold=True)
    make_items(project, 1)
    waiting = queue(project, dataset_name="Waiting")
    with pytest.raises(ValueError, match="not frozen yet"):
        exporting.archive(waiting, with_test_gold=True)


def test_who_took_it_is_recorded(version: Any, cast: dict[str, a.User]) -> None:
    exporting.record(version, format="csv", with_test_gold=False, user=cast["erin"])
    row = version.exports.get()
    assert (row.by, row.format, row.with_test_gold) == (cast["erin"], "csv", False)


def test_queries_do_not_grow_with_the_examples(version: Any, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(12), exporting.archive(version, format="csv", with_test_gold=True) as file:
        assert file.read(2) == b"PK"

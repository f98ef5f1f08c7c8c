"""Files that are broken or hostile: each gets a sentence, and nothing else is lost."""

import gzip
import io
import json
import zipfile

import pytest

from annotation import importing, publishing
from annotation import models as a
from tests.annotation.worlds import bare, bring, documents, lines, upload
from tests.conftest import make_project

pytestmark = pytest.mark.django_db
EVERY = {"clean": ["mojibake", "html", "boilerplate", "private"], "detect_language": True, "segment": "sentence"}


@pytest.fixture
def project(cast):
    return make_project(cast)


def told(report):
    return " ".join(problem["problem"] for problem in report["problems"])


@pytest.mark.parametrize("options", [{}, EVERY])
def test_broken_utf_8_refuses_its_row_alone(project, options):
    content = b'{"id": "a", "text": "one"}\n{"id": "b", "text": "t\xff\xfewo"}\n{"id": "c", "text": "three"}\n'
    report = bring(project, content, encoding="utf-8", **options)
    assert documents(project) == {"a": "one", "c": "three"}
    assert report["refused"] == 1
    assert "Line 2" in told(report)


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(project, codec):
    content = "id,text\na,one\nb,二\n".encode(codec)
    content = b"\xff\xfe" + content if codec == "utf-16-le" else content
    bring(project, content, "x.csv")
    assert documents(project) == {"a": "one", "b": "二"}


def test_a_line_without_end_gets_a_sentence_and_its_neighbours_come_in(project):
    long = json.dumps({"id": "long", "text": "x" * 21_000_000})
    content = "\n".join([json.dumps({"id": "a", "text": "one"}), long, json.dumps({"id": "c", "text": "three"})])
    report = bring(project, content)
    assert documents(project) == {"a": "one", "c": "three"}
    assert report["refused"] == 1
    assert told(report)


@pytest.mark.parametrize("options", [{}, EVERY])
def test_a_text_too_long_refuses_its_row_alone(project, options):
    rows = [{"id": "a", "text": "one"}, {"id": "b", "text": "<p>" * 700_000}, {"id": "c", "text": "three"}]
    report = bring(project, lines(*rows), **options)
    assert documents(project) == {"a": "one", "c": "three"}
    assert "at most 2000000" in told(report).replace(",", "")


def test_a_zip_bomb_is_refused_with_a_sentence(project):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(9):
            archive.writestr(f"{number}.txt", b"0" * (64 << 20))
    with pytest.raises(ValueError, match=r"\d"):
        upload(project, packed.getvalue(), "bomb.zip")
    assert not a.Import.objects.exists()


def test_a_packed_line_of_zeros_is_not_unpacked_into_memory(project):
    packed = gzip.compress(b'{"id": "a", "text": "' + b"0" * (64 << 20), compresslevel=1)
    report = bring(project, packed, "bomb.jsonl.gz", mapping={"text": "text", "id": "id"}, format="jsonl")
    assert report["refused"] == 1
    assert told(report)
    assert not documents(project)


def test_ragged_rows_are_refused_or_filled_and_the_others_come_in(project):
    report = bring(project, "id,text,issuer\na,one,X\nb\nc,three,Y,extra,more\nd,four,Z\n", "x.csv")
    assert {"a", "d"} <= set(documents(project))
    assert report["rows"] == report["new"] + report["refused"]


@pytest.mark.parametrize("options", [{}, EVERY])
def test_duplicate_ids_with_other_texts_are_refused_with_a_sentence(project, options):
    rows = [{"id": "a", "text": "One."}, {"id": "a", "text": "Another."}, {"id": "a", "text": "One."}]
    report = bring(project, lines(*rows), **options)
    assert documents(project) == {"a": "One."}
    assert (report["new"], report["here"], report["refused"]) == (1, 1, 1)
    assert "is taken by another text" in told(report)


@pytest.mark.parametrize("options", [{}, EVERY])
def test_nul_bytes_refuse_their_row_alone(project, options):
    report = bring(project, lines({"id": "a", "text": "one"}, {"id": "b", "text": "t\x00wo"}), **options)
    assert documents(project) == {"a": "one"}
    assert "NUL character" in told(report)
    bring(project, b"id,text\nc,three\nd,f\x00our\ne,five\n", "x.csv", **options)
    assert {"c", "e"} <= set(documents(project))
    assert not any("\x00" in text for text in documents(project).values())


def test_wrong_offsets_get_a_sentence_each(cast):
    project = bare(cast)
    schema = {"questions": [{"name": "entities", "kind": "spans", "labels": ["ORG"], "required": True}]}
    publishing.publish_schema(project=project, schema=schema, user=None)
    project.refresh_from_db()
    text = "<p>Acme rose.</p>"
    marks = [(3, 700), (-1, 4), (7, 3), ("x", 4), (3, 7)]
    rows = [{"id": str(n), "text": f"{text}{n}", "entities": [{"start": s, "end": e, "label": "ORG"}]} for n, (s, e) in enumerate(marks)]  # fmt: skip
    report = bring(project, lines(*rows), labels="gold", clean=["html"])
    assert report["new"] + report["refused"] == 5
    assert "4" in documents(project)
    assert a.Gold.objects.get(item__document__external_id="4").value[0]["text"] == "Acme"


def test_json_ten_thousand_deep_gets_a_sentence(project):
    deep = "[" * 10_000 + "]" * 10_000
    content = "\n".join([json.dumps({"id": "a", "text": "one"}), f'{{"id": "b", "text": "two", "x": {deep}}}', json.dumps({"id": "c", "text": "three"})])  # fmt: skip
    report = bring(project, content)
    assert documents(project) == {"a": "one", "c": "three"}
    assert report["refused"] == 1
    with pytest.raises(ValueError, match=r"\w"):
        importing.check(upload(project, f'{{"items": {deep}}}', "deep.json"))


def test_hostile_html_and_marks_come_in_with_every_step(project):
    hostile = ["<" * 50_000, "<p " * 30_000, "&amp;" * 20_000 + "x", "Â" * 20_000, "a" + "\u0301" * 50_000, "<![CDATA[" * 9_000, "\n".join(map(str, range(20_000)))]  # fmt: skip
    report = bring(project, lines(*({"id": str(n), "text": text} for n, text in enumerate(hostile))), clean=EVERY["clean"], detect_language=True)  # fmt: skip
    assert report["new"] + report["refused"] == len(hostile)

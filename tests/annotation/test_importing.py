"""Files on their way in: read in every form, mapped by their first rows, refused where the options cannot work."""

import io
from collections import Counter

import openpyxl
import pytest

from annotation import importing, loading
from annotation import models as a
from annotation.text.normal import text_key
from tests.annotation.worlds import TEXTS, bare, bring, documents, lines, three, upload
from tests.conftest import make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


# Formats


def test_lines_of_json_become_documents_items_and_open_slots(project):
    report = bring(project, three(source_type="news", year=2020))
    assert documents(project) == {"d0": TEXTS[0], "d1": "Sales fell 📉 in the\nthird quarter.", "d2": TEXTS[2]}
    assert (report["rows"], report["new"], report["refused"], report["here"]) == (3, 3, 0, 0)
    document = a.Document.objects.get(external_id="d1")
    assert document.raw == TEXTS[1]
    assert document.text_key == text_key(TEXTS[1])
    assert (document.source_type, document.metadata) == ("news", {"year": 2020})
    assert document.imported_in_id == a.Import.objects.get().pk
    assert set(a.Assignment.objects.values_list("state", "annotator")) == {("open", None)}
    assert Counter(a.Assignment.objects.values_list("item", flat=True)) == dict.fromkeys(
        a.Item.objects.values_list("pk", flat=True), 2
    )


def test_a_table_with_crlf_quotes_and_chinese_headers_is_read(project):
    content = '编号,正文,语言\r\n1,"净利润，同比\r\n增长",zh\r\n2,Second.,en\r\n'
    report = bring(project, content.encode("gb18030"), "表.csv", encoding="gb18030")
    assert documents(project) == {"1": "净利润，同比\n增长", "2": "Second."}
    assert report["new"] == 2
    assert a.Document.objects.get(external_id="1").language == "zh"


def test_a_workbook_is_read(project):
    book = openpyxl.Workbook()
    for row in (["id", "text", "label"], [1, "利润下降", "negative"], [2, "Up.", None]):
        book.active.append(row)
    raw = io.BytesIO()
    book.save(raw)
    report = bring(project, raw.getvalue(), "book.xlsx", annotator="alice")
    assert documents(project) == {"1": "利润下降", "2": "Up."}
    assert (report["annotations"], report["annotators"]) == (1, ["alice"])


def test_a_text_file_is_a_document_per_line_or_one_document(project):
    bring(project, "first line\n\nsecond line\n", "lines.txt")
    assert sorted(documents(project).values()) == ["first line", "second line"]
    bring(project, "a whole\nreport", "report.txt", document_per="file")
    assert "a whole\nreport" in documents(project).values()


def test_sentence_at_label_in_latin_1_is_read_without_being_told(project):
    content = "\n".join(
        f"Net sales in Jyväskylä rose {n} % .@{value}" for n, value in enumerate(["positive", "neutral"] * 4)
    )
    report = bring(project, content.encode("latin-1"), "sentences.txt", labels="gold", annotator="bank")
    assert report["gold"] == 8
    assert "Net sales in Jyväskylä rose 0 % ." in documents(project).values()


def test_a_file_that_cannot_be_read_is_refused_at_once_and_not_kept(project):
    for content, name in ((b"", "empty.csv"), (b"\x89PNG\r\n\x1a\n\x00\x00", "picture.png")):
        with pytest.raises(ValueError, match=r"\w"):
            upload(project, content, name)
    assert not a.Import.objects.exists()


def test_a_file_that_breaks_off_keeps_what_was_read_and_tells_the_rest(project):
    report = bring(project, '[{"id": "a", "text": "one"}, {"id": "b", "text": "tw', "cut.json")
    assert documents(project) == {"a": "one"}
    assert report["refused"] == len(report["problems"]) > 0


def test_an_upload_over_the_limit_is_refused(project, settings):
    settings.UPLOAD_LIMIT = 10

    class Sized(io.BytesIO):
        size = 11

    with pytest.raises(ValueError, match="Split it, or use the command"):
        importing.prepare(project=project, file=Sized(b"id,text\n1,2\n"), filename="big.csv", user=None)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"colour": "red"}, "Unknown option: colour"),
        ({"mapping": ["text"]}, "mapping must be an object of texts"),
        ({"mapping": {"text": 3}}, "mapping must be an object of texts"),
        ({"columns": "a,b"}, "columns must be a list of texts"),
        ({"annotator_columns": [1]}, "annotator_columns must be a list of texts"),
        ({"header": "no"}, "header must be true or false"),
        ({"labels": 5}, "labels must be a text"),
        ({"annotator": "a\x00"}, "annotator holds characters that no text has"),
        ({"label_map": {"\ud800": "x"}}, "label_map holds characters that no text has"),
    ],
)
def test_options_of_the_wrong_kind_are_named(project, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        upload(project, three(), **options)


def test_the_name_of_an_upload_is_only_shown(project):
    row = upload(project, three(), "C:\\Users\\x\\..\\ü 表.jsonl")
    assert row.filename == "ü 表.jsonl"
    assert ".." not in row.file.name
    assert "表" not in row.file.name


# Mapping


def test_the_mapping_is_guessed_and_shown_with_a_preview(project):
    row = upload(project, "headline,sentence,sentiment\nA,Profit fell sharply in May.,negative\n", "t.csv")
    assert row.options["mapping"] == {"title": "headline", "text": "sentence", "label": "sentiment"}
    shown = importing.look(row)
    assert shown["columns"] == ["headline", "sentence", "sentiment"]
    assert shown["rows"] == [{"headline": "A", "sentence": "Profit fell sharply in May.", "sentiment": "negative"}]


def test_a_column_called_annotation_that_holds_labels_is_the_label(project):
    row = upload(project, "id,text,annotation\n1,Profit fell.,negative\n", "t.csv")
    assert row.options["mapping"] == {"id": "id", "text": "text", "label": "annotation"}


def test_a_column_of_votes_that_holds_numbers_stays_metadata(project):
    row = upload(project, lines({"id": "1", "text": "x", "label": "negative", "votes": 3}))
    assert "annotations" not in row.options["mapping"]
    importing.bring_in(row)
    assert a.Document.objects.get().metadata == {"votes": 3}


def test_the_mapping_of_an_answers_file_knows_item_annotator_and_label(project):
    row = upload(project, "id,rater,label,status\nd0,alice,neutral,\n", "a.csv", what="annotations")
    assert row.options["mapping"] == {"id": "id", "annotator": "rater", "label": "label", "status": "status"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mapping": {"id": "id"}}, "No column is chosen for “text”. The columns are: id, text, label"),
        ({"mapping": {"text": "body"}}, "There is no column “body” .chosen for “text”."),
        ({"mapping": {"text": "text", "mood": "label"}}, "“mood” is no field"),
        ({"annotator_columns": ["Rater 9"]}, "There is no column “Rater 9”"),
        ({"labels": "silver"}, "labels is one of"),
        ({"duplicates": "drop"}, "duplicates is keep or skip"),
        ({"question": "mood"}, "no question “mood”"),
    ],
)
def test_options_that_cannot_work_are_refused_before_the_start(project, changes, sentence):
    row = upload(project, "id,text,label\n1,x,neutral\n", "t.csv")
    row.options |= changes
    with pytest.raises(ValueError, match=sentence):
        importing.check(row)


def test_answers_need_a_guideline_or_the_wish_to_make_one(cast):
    project = bare(cast)
    row = upload(project, "id,label\nd0,x\n", "a.csv", what="annotations")
    with pytest.raises(ValueError, match="Publish a guideline first"):
        importing.check(row)
    row.options["create_schema"] = True
    importing.check(row)


def test_starting_puts_the_import_into_the_queue(project):
    row = upload(project, three())
    assert row.state == "prepared"
    importing.start(row)
    row.refresh_from_db()
    assert row.state == "queued"


# The same file again


def test_a_file_with_the_columns_of_an_earlier_one_is_read_as_that_was(project):
    table = "Ticket,Verbatim\nT-1,Fees rose.\nT-2,Fees fell.\n"
    mapping = {"id": "Ticket", "text": "Verbatim"}
    importing.bring_in(upload(project, table, "odd.csv", mapping=mapping, source_type="feedback"))
    again = upload(project, table, "odd-again.csv", remember=True)
    assert again.options["mapping"] == mapping
    assert (again.options["source_type"], again.options["as_before"]) == ("feedback", "odd.csv")
    row = importing.bring_in(again)
    assert (row.report["new"], row.report["here"]) == (0, 2)


def test_what_was_chosen_for_other_columns_or_in_another_project_is_not_remembered(project, cast):
    table = "Ticket,Verbatim\nT-1,Fees rose.\n"
    importing.bring_in(upload(project, table, "odd.csv", mapping={"id": "Ticket", "text": "Verbatim"}))
    assert "as_before" not in upload(project, "Ticket,Words\nT-1,Fees rose.\n", "other.csv", remember=True).options
    assert "as_before" not in upload(bare(cast), table, "odd.csv", remember=True).options
    assert "as_before" not in upload(project, table, "odd.csv").options


def test_the_refused_rows_come_back_by_the_mapping_of_their_file(project):
    table = "Ticket,Verbatim\nT-1,Fees rose.\nT-2,\n"
    row = importing.bring_in(upload(project, table, "odd.csv", mapping={"id": "Ticket", "text": "Verbatim"}))
    refused = row.refused.read()
    again = upload(project, refused, "refused.csv", remember=True)
    assert again.options["mapping"] == {"id": "Ticket", "text": "Verbatim"}


LONG = "item_id,text,annotator,label\n" + "".join(
    f"{n},Sentence {n} on rates.,{who},{('up', 'down')[(n + place) % (2 if n % 3 else 1)]}\n"
    for place, who in enumerate(("u1", "u2", "u3"))
    for n in range(40)
)


def test_a_file_with_a_row_per_answer_brings_the_answers_of_all_its_people(cast, monkeypatch):
    monkeypatch.setattr(loading, "BATCH", 7)
    project = bare(cast)
    report = bring(project, LONG, "long.csv", create_schema=True)
    assert (report["rows"], report["new"], report["annotations"], report["refused"]) == (120, 40, 120, 0)
    assert report["annotators"] == ["u1", "u2", "u3"]
    assert report["warnings"] == []
    given = set(a.Annotation.objects.submitted().values_list("item__document__external_id", "annotator__name", "answer__label"))  # fmt: skip
    rows = [line.split(",") for line in LONG.splitlines()[1:]]
    assert given == {(item, who, label) for item, _text, who, label in rows}
    # The same file again adds nothing; another answer of the same person is told, and the first stands.
    again = bring(project, LONG, "again.csv")
    assert (again["new"], again["annotations"]) == (0, 0)
    two = bring(project, "item_id,text,annotator,label\nx,Other text.,u1,up\nx,Other text.,u1,down\nx,Other text.,u2,up\n", "two.csv")  # fmt: skip
    assert (two["new"], two["annotations"], len(two["warnings"])) == (1, 2, 1)


@pytest.mark.parametrize(
    ("rows", "who"),
    [
        ("id,text,user,label\n1,A,ann,up\n2,B,ben,down\n3,C,cat,up\n", None),
        ("id,text,user,label\n1,A,ann,up\n1,A,ben,down\n2,B,ann,up\n", "user"),
        ("id,text,Annotator,label\n1,A,ann,up\n2,B,ben,down\n", "Annotator"),
        ("id,text,annotator\n1,A,ann\n2,B,ben\n", None),
    ],
)
def test_who_gave_a_label_is_told_from_who_wrote_the_text(cast, rows, who):
    row = upload(bare(cast), rows, "file.csv")
    assert row.options["mapping"].get("annotator") == who

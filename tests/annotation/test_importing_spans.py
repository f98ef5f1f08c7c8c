"""Marks in the text on their way in: from our own columns, doccano and Label Studio, by annotators, into cleaned texts."""

import json

import pytest

from annotation import models as a
from annotation import schema as schemas
from annotation.kinds.marks import key
from tests.annotation.worlds import bare, bring, lines
from tests.conftest import make_project, set_schema

pytestmark = pytest.mark.django_db

TEXT = "Apple 😀 paid Beats."
APPLE = {"start": 0, "end": 5, "label": "ORG", "text": "Apple"}
BEATS = {"start": 13, "end": 18, "label": "ORG", "text": "Beats"}
SMILE = {"start": 6, "end": 7, "label": "SIGN", "text": "😀"}
RAW = "\ufeff  Cafe\u0301 𠀀公司\r\nSocie\u0301te\u0301 paid\r\n"


@pytest.fixture
def project(cast):
    project = make_project(cast)
    set_schema(project, asked())
    return project


def asked(*more, **settings):
    question = {"name": "marks", "kind": "spans", "labels": ["ORG", "SIGN"], "relations": ["pays"], **settings}
    return schemas.check({"questions": [question, *more]})


def stored(project):
    rows = project.items.order_by("pk").values_list("document__external_id", "annotations__answer")
    return dict(rows)


def test_a_column_spans_answers_the_question_of_that_kind(project):
    report = bring(project, lines({"id": "1", "text": TEXT, "spans": [APPLE]}, {"id": "2", "text": "x", "spans": []}))
    assert (report["annotations"], report["refused"]) == (2, 0)
    assert stored(project) == {"1": {"marks": [APPLE]}, "2": {"marks": []}}


@pytest.mark.parametrize(
    "row",
    [
        {"text": TEXT, "label": [[0, 5, "ORG"], [13, 18, "ORG"]]},
        {"text": TEXT, "labels": [[0, 5, "ORG"], [13, 18, "ORG"]]},
        {"text": TEXT, "entities": [{"id": 1, "start_offset": 0, "end_offset": 5, "label": "ORG"}, [13, 18, "ORG"]]},
        {"data": {"text": TEXT}, "annotations": [{"id": 3, "completed_by": 7, "result": [
            {"id": "x", "type": "labels", "value": {"start": 0, "end": 5, "text": "Apple", "labels": ["ORG"]}},
            {"id": "y", "type": "labels", "value": {"start": 14, "end": 19, "text": "Beats", "labels": ["ORG"]}},
        ]}]},
        {"text": TEXT, "label": [
            {"start": 0, "end": 5, "text": "Apple", "labels": ["ORG"]},
            {"start": 13, "end": 18, "text": "Beats", "labels": ["ORG"]},
        ]},
    ],
)  # fmt: skip
@pytest.mark.parametrize("known", [True, False])
def test_files_of_other_tools_come_in_with_or_without_a_guideline(cast, row, known):
    project = bare(cast)
    if known:
        set_schema(project, asked())
    report = bring(project, json.dumps([{"id": 1, **row}]), "export.json", create_schema=True)
    assert (report["annotations"], report["refused"]) == (1, 0), report
    [answer] = stored(project).values()
    assert list(answer.values()) == [[APPLE, BEATS]]
    assert project.version.schema["questions"][0]["kind"] == "spans"


def test_a_table_holds_marks_as_json_and_names_the_question(project):
    cell = json.dumps([APPLE]).replace('"', '""')
    report = bring(project, f'id,text,x\n1,{TEXT},"{cell}"\n', "t.csv", mapping={"id": "id", "text": "text", "label:marks": "x"})  # fmt: skip
    assert report["refused"] == 0
    assert stored(project) == {"1": {"marks": [APPLE]}}


def test_labels_may_be_renamed(project):
    bring(project, lines({"id": "1", "text": TEXT, "spans": [[0, 5, "Firm"]]}), label_map={"Firm": "ORG"})
    assert stored(project) == {"1": {"marks": [APPLE]}}


def test_annotators_answers_come_in_and_relations_with_them(project):
    related = [{**APPLE, "relations": [{"type": "pays", "to": 1}]}, BEATS]
    listed = [{"annotator": "ann", "spans": related}, {"annotator": "ben", "spans": [APPLE]}, {"annotator": "cy", "spans": []}]  # fmt: skip
    report = bring(project, lines({"id": "1", "text": TEXT, "annotations": listed}))
    assert (report["annotations"], report["annotators"], report["refused"]) == (3, ["ann", "ben", "cy"], 0)
    answers = a.Annotation.objects.order_by("annotator__name").values_list("annotator__name", "answer")
    assert [answer["marks"] for _name, answer in answers] == [related, [APPLE], []]


def test_beside_another_question_a_column_spans_goes_to_the_marks(cast):
    project = make_project(cast)
    tone = {"name": "tone", "kind": "choice", "labels": ["up", "down"]}
    set_schema(project, {"questions": [*schemas.check({"questions": [tone]})["questions"], *asked()["questions"]]})
    bring(project, lines({"id": "1", "text": TEXT, "label": "up", "spans": [APPLE]}))
    bring(project, lines({"id": "2", "text": "Other", "annotations": [{"annotator": "ann", "spans": [[0, 5, "ORG"]]}]}))
    both = [{"annotator": "ann", "label": "down", "spans": [BEATS]}]
    bring(project, lines({"id": "3", "text": TEXT + " Again.", "annotations": both}))
    found = stored(project)
    assert found["1"] == {"tone": "up", "marks": [APPLE]}
    assert found["3"] == {"tone": "down", "marks": [BEATS]}
    assert found["2"] == {"marks": [{**APPLE, "text": "Other"}]}


def test_a_guideline_is_made_of_the_labels_relations_and_values_that_marks_have(cast):
    project = bare(cast)
    marks = [
        {**APPLE, "relations": [{"type": "pays", "to": 1}]},
        {**BEATS, "label": "SUM", "value": {"number": "5"}},
    ]
    report = bring(project, lines({"id": "1", "text": TEXT, "spans": marks}), create_schema=True)
    assert (report["annotations"], report["refused"]) == (1, 0)
    [question] = project.version.schema["questions"]
    assert [label["name"] for label in question["labels"]] == ["ORG", "SUM"]
    assert (question["name"], question["kind"], question["required"]) == ("spans", "spans", True)
    assert (question["linked"], question["numbers"]) == ([], ["SUM"])
    assert question["relations"] == [{"name": "pays", "from": [], "to": []}]
    assert stored(project) == {"1": {"spans": marks}}


def test_labels_and_marks_together_make_two_questions(cast):
    project = bare(cast)
    rows = [{"id": str(n), "text": f"{TEXT} {n}", "label": "ab"[n % 2], "spans": [APPLE]} for n in range(4)]
    bring(project, lines(*rows), create_schema=True)
    kinds = {entry["name"]: (entry["kind"], entry["required"]) for entry in project.version.schema["questions"]}
    assert kinds == {"label": ("choice", True), "spans": ("spans", False)}
    assert stored(project)["1"] == {"label": "b", "spans": [APPLE]}


def test_annotators_marks_alone_make_a_question_of_their_name(cast):
    project = bare(cast)
    bring(
        project,
        lines({"id": "1", "text": TEXT, "annotations": [{"annotator": "ann", "spans": [APPLE]}]}),
        create_schema=True,
    )
    assert stored(project) == {"1": {"spans": [APPLE]}}
    assert project.version.schema["questions"][0]["required"]


def test_without_a_guideline_marks_are_metadata(cast):
    project = bare(cast)
    bring(project, lines({"id": "1", "text": TEXT, "spans": [APPLE]}))
    assert project.documents.get().metadata == {"spans": [APPLE]}


def test_marks_follow_their_words_into_a_text_that_is_cleaned(project):
    start, end = RAW.index("𠀀"), RAW.index(" paid")
    marks = [[start, start + 3, "ORG"], {"start": end - 9, "end": end, "label": "ORG", "text": RAW[end - 9 : end]}]
    for name in ("spans", "annotations"):
        given = marks if name == "spans" else [{"annotator": "ann", "spans": marks}]
        bring(project, lines({"id": name, "text": RAW, name: given}), annotator="zoe")
    text = project.documents.first().text
    assert text == "Café 𠀀公司\nSociété paid"
    for answer in stored(project).values():
        assert [mark["text"] for mark in answer["marks"]] == ["𠀀公司", "Société"]
        assert all(text[mark["start"] : mark["end"]] == mark["text"] for mark in answer["marks"])


def test_offsets_that_count_in_utf_16_are_converted_in_a_cleaned_text_too(project):
    at = len(RAW[: RAW.index("Socie")].encode("utf-16-le")) // 2
    mark = {"start": at, "end": at + 9, "label": "ORG", "text": "Socie\u0301te\u0301"}
    bring(project, lines({"id": "1", "text": RAW, "spans": [mark]}))
    assert stored(project)["1"]["marks"] == [{"start": 9, "end": 16, "label": "ORG", "text": "Société"}]


@pytest.mark.parametrize(
    ("text", "marks", "sentence"),
    [
        (TEXT, [{**APPLE, "start": 1, "end": 6}], "Row 1: Mark 1: from 1 to 6 the text says “pple ”, not “Apple”"),
        (TEXT, [[0, 5, "ORG"], [0, 99, "ORG"]], "Row 1: Mark 2 ends at 99, and the text has 19 characters"),
        (TEXT, [[0, 5, "FIRM"]], "Row 1: Mark 1: “FIRM” is no label of “marks”"),
        (RAW, [[1, 3, "ORG"]], "Row 1: Mark 1: nothing of “  ” is left in the text as it is stored"),
    ],
)
def test_a_row_whose_marks_cannot_be_is_refused_by_name(project, text, marks, sentence):
    report = bring(project, lines({"id": "1", "text": text, "spans": marks}, {"id": "2", "text": "x", "spans": []}))
    assert (report["new"], report["refused"]) == (1, 1)
    assert report["problems"][0]["problem"].startswith(sentence)


def test_a_file_of_answers_is_held_against_the_items_that_are_here(project):
    bring(project, lines({"id": "1", "text": TEXT}, {"id": "2", "text": "short"}))
    rows = lines(
        {"id": "1", "annotator": "ann", "spans": [[13, 18, "ORG"]]}, {"id": "2", "annotator": "ann", "spans": [[0, 9, "ORG"]]}
    )  # fmt: skip
    report = bring(project, rows, what="annotations")
    assert (report["annotations"], report["refused"]) == (1, 1)
    assert stored(project)["1"] == {"marks": [BEATS]}
    assert "Mark 1 ends at 9" in report["problems"][0]["problem"]


@pytest.mark.parametrize("name", ["finer_ord", "resume_ner_zh", "sentfin_entity_sentiment"])
def test_real_marks_come_in_as_they_are(cast, shared, name):
    project = bare(cast)
    content = (shared / "data" / "normalised" / "dev" / f"{name}.jsonl").read_bytes()
    rows = [json.loads(line) for line in content.splitlines()]
    report = bring(project, content, f"{name}.jsonl", create_schema=True)
    assert (report["annotations"], report["refused"]) == (len(rows), 0)
    wanted = {row["id"]: sorted(row["spans"], key=key) for row in rows}
    assert {key: answer["spans"] for key, answer in stored(project).items()} == wanted


def test_files_of_tokens_come_in_and_make_their_guideline(cast):
    project = bare(cast)
    content = "gold_label,gold_token,doc_idx,sent_idx\n5,Apple,0,0\n6,Inc,0,0\n0,paid,0,0\n1,Cook,0,1\n"
    names = {"1": "PER_B", "5": "ORG_B", "6": "ORG_I", "PER": "Person"}
    report = bring(project, content, "test.csv", create_schema=True, label_map=names)
    assert (report["new"], report["annotations"], report["refused"]) == (2, 2, 0)
    [question] = project.version.schema["questions"]
    assert [label["name"] for label in question["labels"]] == ["ORG", "Person"]
    answers = project.items.order_by("pk").values_list("document__text", "annotations__answer")
    assert dict(answers) == {
        "Apple Inc paid": {"spans": [{"start": 0, "end": 9, "label": "ORG", "text": "Apple Inc"}]},
        "Cook": {"spans": [{"start": 0, "end": 4, "label": "Person", "text": "Cook"}]},
    }
    assert project.documents.last().metadata == {"document": "0", "sentence": "1"}


def test_labels_may_be_renamed_where_the_file_makes_the_guideline(cast):
    project = bare(cast)
    marks = [[0, 5, "Firm"], [13, 18, "Org"]]
    bring(
        project,
        lines({"id": "1", "text": TEXT, "spans": marks}),
        create_schema=True,
        label_map={"Firm": "ORG", "Org": "ORG"},
    )
    assert stored(project) == {"1": {"spans": [APPLE, BEATS]}}

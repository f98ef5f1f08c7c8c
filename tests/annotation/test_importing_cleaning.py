"""Cleaning, languages and cutting at the import: only what was chosen, told per document, marks go with their words."""

import json

import pytest

from annotation import importing, publishing
from annotation import models as a
from tests.annotation.worlds import bare, bring, documents, lines, upload
from tests.conftest import make_project

pytestmark = pytest.mark.django_db
HTML = "<p>The <b>Acme&nbsp;Corp.</b> rose.</p><p>Itâ€™s &amp; more.</p>"
SPANS = {"questions": [{"name": "entities", "kind": "spans", "labels": ["ORG"], "required": True}]}


@pytest.fixture
def project(cast):
    return make_project(cast)


@pytest.fixture
def marked(cast):
    project = bare(cast)
    publishing.publish_schema(project=project, schema=SPANS, user=None)
    project.refresh_from_db()
    return project


def test_nothing_but_the_normal_form_is_applied_unless_chosen(project):
    bring(project, lines({"id": "h", "text": HTML}))
    document = a.Document.objects.get()
    assert (document.text, document.raw, document.cleaning, document.language) == (HTML, None, {}, "")


def test_chosen_steps_are_done_told_per_document_and_counted(project):
    rows = [{"id": "h", "text": HTML}, {"id": "p", "text": "Plain words that the analyst said about this company."}]
    report = bring(project, lines(*rows), clean=["html", "mojibake"], detect_language=True)
    assert documents(project)["h"] == "The Acme Corp. rose.\n\nIt’s & more."
    html, plain = a.Document.objects.order_by("external_id")
    assert html.raw == HTML
    assert html.cleaning["steps"] == {"mojibake": 1, "html": 7}
    assert (plain.raw, plain.cleaning, plain.language) == (None, {"language": "detected"}, "en")
    assert report["cleaned"] == {"html": 1, "mojibake": 1}
    assert sum(report["languages"].values()) == 2
    assert any("HTML" in warning["text"] and warning["count"] == 1 for warning in report["warnings"])


def test_a_language_that_a_row_says_stays_and_an_unclear_one_is_left_out(project):
    rows = [{"id": "a", "text": "净利润同比增长", "language": "en"}, {"id": "b", "text": "AAPL"}]
    report = bring(project, lines(*rows), detect_language=True)
    assert dict(a.Document.objects.values_list("external_id", "language")) == {"a": "en", "b": ""}
    assert report["languages"] == {"unknown": 1}


def test_a_text_of_tags_alone_is_refused(project):
    report = bring(project, lines({"id": "x", "text": "<p> </p><br>"}, {"id": "y", "text": "words"}), clean=["html"])
    assert (report["new"], report["refused"]) == (1, 1)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"clean": ["polish"]}, "“polish” is no step of cleaning"),
        ({"clean": "html"}, "clean must be a list of texts"),
        ({"segment": "word"}, "segment is one of document, passage, sentence"),
        ({"passage_size": "9"}, "A passage has 100 to 20000 characters"),
        ({"passage_size": "many"}, "A passage has 100 to 20000 characters"),
        ({"detect_language": "yes"}, "detect_language must be true or false"),
    ],
)
def test_options_that_cannot_be_are_refused_with_a_sentence(project, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        importing.check(upload(project, lines({"text": "x"}), **options))


def test_marks_follow_through_all_steps(marked):
    start = HTML.index("Acme")
    mark = {"start": start, "end": HTML.index("</b>"), "label": "ORG"}
    bring(marked, lines({"id": "h", "text": HTML, "entities": [mark]}), labels="gold", clean=["html", "mojibake"])
    (found,) = a.Gold.objects.get().value
    text = documents(marked)["h"]
    assert found["text"] == "Acme Corp." == text[found["start"] : found["end"]]


def test_a_mark_of_which_nothing_is_left_is_refused_with_a_sentence(marked):
    mark = {"start": HTML.index("<b>"), "end": HTML.index("Acme"), "label": "ORG"}
    report = bring(marked, lines({"id": "h", "text": HTML, "entities": [mark]}), labels="gold", clean=["html"])
    assert report["refused"] == 1
    assert "nothing of “<b>” is left" in report["problems"][0]["problem"]


TEXT = "Acme rose 3.5 %. Beta Inc. fell! 净利润增长。"


def test_a_document_cut_into_sentences_has_an_item_for_each_with_its_place(project):
    report = bring(project, lines({"id": "d", "text": TEXT}), segment="sentence")
    items = a.Item.objects.order_by("start")
    assert [item.text for item in items] == ["Acme rose 3.5 %.", "Beta Inc. fell!", "净利润增长。"]
    assert (report["new"], report["items"]) == (1, 3)
    assert a.Assignment.objects.count() == 3 * project.overlap


def test_marks_go_to_the_sentence_that_holds_them(marked):
    marks = [{"start": 0, "end": 4, "label": "ORG"}, {"start": 17, "end": 26, "label": "ORG"}]
    row = {"id": "d", "text": TEXT, "annotations": [{"annotator": "ann", "entities": marks}]}
    bring(marked, lines(row), segment="sentence")
    found = {item.text: item.annotations.get().answer["entities"] for item in a.Item.objects.all()}
    assert [(mark["start"], mark["text"]) for mark in found["Acme rose 3.5 %."]] == [(0, "Acme")]
    assert [(mark["start"], mark["text"]) for mark in found["Beta Inc. fell!"]] == [(0, "Beta Inc.")]
    assert found["净利润增长。"] == []


def test_what_crosses_a_border_is_refused_with_a_sentence_and_the_rest_comes_in(marked):
    rows = [
        {"id": "d", "text": TEXT, "entities": [{"start": 10, "end": 21, "label": "ORG"}]},
        {"id": "e", "text": TEXT + " More.", "entities": [{"start": 0, "end": 4, "label": "ORG"}]},
    ]
    report = bring(marked, lines(*rows), labels="gold", segment="sentence")
    assert (report["new"], report["refused"]) == (1, 1)
    assert "crosses the border of a passage" in report["problems"][0]["problem"]


def test_a_label_of_a_whole_document_is_kept_as_metadata_where_it_is_cut(project):
    bring(project, lines({"id": "d", "text": TEXT, "label": "positive"}), labels="gold", segment="sentence")
    assert not a.Gold.objects.exists()
    assert "positive" in json.dumps(a.Document.objects.get().metadata)


def test_answers_that_come_later_find_their_passage(marked):
    bring(marked, lines({"id": "d", "text": TEXT}), segment="sentence")
    later = {"id": "d", "annotator": "ann", "entities": [{"start": 17, "end": 26, "label": "ORG"}]}
    report = bring(marked, lines(later), what="annotations")
    assert report["annotations"] == 3
    item = a.Item.objects.get(start=17)
    assert item.annotations.get().answer["entities"][0]["text"] == "Beta Inc."
    crossing = {"id": "d", "annotator": "bea", "entities": [{"start": 10, "end": 21, "label": "ORG"}]}
    assert bring(marked, lines(crossing), what="annotations")["refused"] == 1


def test_lines_that_repeat_over_the_file_are_cut(project):
    rows = [
        {"id": str(n), "text": f"ACME Newswire\nNews {n} of the day\nand {'x' * n}\nFor media: call"} for n in range(20)
    ]
    bring(project, lines(*rows), clean=["boilerplate"])
    assert documents(project)["3"] == "News 3 of the day\nand xxx"


def test_the_same_file_cleaned_alike_again_adds_nothing(project):
    options = {"clean": ["html"], "segment": "sentence"}
    bring(project, lines({"id": "h", "text": HTML}), **options)
    report = bring(project, lines({"id": "h", "text": HTML}), **options)
    assert (report["new"], report["here"]) == (0, 1)

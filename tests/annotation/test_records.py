"""A row becomes a checked record or is refused; what finds no place is kept as metadata, and nothing is lost."""

import pytest

from annotation import schema as schemas
from annotation.reading import Row
from annotation.records import Desk, Refused, looks_like_annotations, read_date

LISTED = {"annotations": "annotations"}
SCHEMA = schemas.from_labels("sentiment", ["negative", "neutral", "positive"])


def desk(mapping=None, *, schema=SCHEMA, filename="rows.jsonl", **options):
    mapping = {"text": "text", "id": "id", "label": "label", **(mapping or {})}
    return Desk({"mapping": mapping, **options}, schema=schema, filename=filename)


def document(values, *, number=7, mapping=None, **options):
    return desk(mapping, **options).document(Row(number, values, None))


def refusal(values, **options):
    with pytest.raises(Refused) as caught:
        document(values, **options)
    return str(caught.value)


# The document


def test_a_text_is_stored_in_normal_form_and_its_raw_form_is_kept_where_it_differs():
    record = document({"id": "a", "text": "  净利润同比增长\r\n８％ 📈 cafe\u0301 "})
    assert record.text == "净利润同比增长\n８％ 📈 café"
    assert record.raw == "  净利润同比增长\r\n８％ 📈 cafe\u0301 "
    assert document({"id": "a", "text": "Plain."}).raw is None


def test_what_was_changed_in_texts_is_counted():
    reader = desk()
    for text in ("a\r\nb", "c\r\nd", "e"):
        reader.document(Row(1, {"text": text}, None))
    assert reader.warnings["line ends made LF"] == 2


def test_a_row_without_an_id_gets_one_from_its_text():
    first, again, other = (document({"text": text}) for text in ("Sales rose.", " Sales rose.\r\n", "Sales fell."))
    assert first.external_id == again.external_id != other.external_id
    assert first.external_id.startswith("t-")


def test_numbers_are_ids_too():
    assert document({"id": 5, "text": "x"}).external_id == "5"
    assert document({"id": 5.0, "text": "x"}).external_id == "5"
    assert document({"id": 0, "text": "x"}).external_id == "0"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"text": ""}, "Row 7: the text (column “text”) is empty."),
        ({"text": " \r\n\t"}, "Row 7: the text (column “text”) is empty."),
        ({"text": None}, "Row 7: the text (column “text”) is empty."),
        ({}, "Row 7: the text (column “text”) is empty."),
        ({"text": "\x00\x07"}, "Row 7: the text (column “text”) has no visible characters."),
        ({"text": ["a"]}, "Row 7: the text (column “text”) is a list or an object, not words."),
        ({"text": "x" * 2_000_001}, "Row 7: the text has 2000001 characters; at most 2000000 are taken. Split it."),
        ({"text": "x", "id": "i" * 201}, "Row 7: the id has 201 characters; at most 200 are taken."),
    ],
)
def test_a_row_that_cannot_be_a_document_says_why(values, sentence):
    assert refusal(values) == sentence


def test_known_fields_find_their_place_and_all_other_columns_are_metadata():
    record = document(
        {"id": "a", "text": "x", "kind": "news", "lang": "zh", "co": "招商银行", "link": "https://example.org/a", "year": 2020,
         "empty": "", "none": None, "_row": 3, "_problem": "old"},
        mapping={"source_type": "kind", "language": "lang", "issuer": "co", "url": "link"},
    )  # fmt: skip
    assert record.fields == {
        "title": "", "source_type": "news", "language": "zh", "issuer": "招商银行", "url": "https://example.org/a", "published_at": "",
    }  # fmt: skip
    assert record.metadata == {"year": 2020}


def test_nested_metadata_is_unpacked_and_its_parts_can_be_mapped():
    values = {
        "text": "x",
        "meta": {"split": "test", "agreement": "all", "gone": ""},
        "meta.bank": "A",
        "metadata": {"k": [1]},
    }
    record = document(values, mapping={"split": "meta.split"})
    assert record.split == "test"
    assert record.metadata == {"agreement": "all", "bank": "A", "k": [1]}


def test_defaults_of_the_import_fill_empty_fields():
    record = document({"text": "x", "lang": ""}, mapping={"language": "lang"}, language="en", source_type="report")
    assert (record.fields["language"], record.fields["source_type"]) == ("en", "report")


def test_values_too_long_for_a_field_and_addresses_that_are_none_become_metadata():
    reader = desk({"issuer": "co", "url": "url"})
    record = reader.document(Row(1, {"text": "x", "co": "c" * 201, "url": "javascript:alert(1)"}, None))
    assert (record.fields["issuer"], record.fields["url"]) == ("", "")
    assert record.metadata == {"co": "c" * 201, "url": "javascript:alert(1)"}
    assert sum(reader.warnings.values()) == 2


@pytest.mark.parametrize(
    ("value", "split"),
    [("train", "train"), ("Training", "train"), ("validation", "dev"), (" VAL ", "dev"), ("test", "test")],
)
def test_splits_are_known_by_their_usual_names(value, split):
    assert document({"text": "x", "fold": value}, mapping={"split": "fold"}).split == split


def test_a_split_that_is_none_is_kept_as_metadata():
    record = document({"text": "x", "fold": "3"}, mapping={"split": "fold"})
    assert (record.split, record.metadata) == ("", {"fold": "3"})


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("2026-05-14", "2026-05-14"),
        ("20260514", "2026-05-14"),
        ("2026/5/4", "2026-05-04"),
        ("2026.5.4", "2026-05-04"),
        ("2026年5月14日", "2026-05-14"),
        ("2026年5月14日 09:30", "2026-05-14T09:30:00"),
        ("2026-05-14T09:30:00Z", "2026-05-14T09:30:00+00:00"),
        ("2026/5/14 09:30+08:00", "2026-05-14T09:30:00+08:00"),
        ("Mon, 20 Jul 2020 17:13:40 GMT", "2020-07-20T17:13:40+00:00"),
        (20260514, "2026-05-14"),
        ("202605", None),
        ("2020", None),
        (2020, None),
        ("1589414400", None),
        ("2026-02-30", None),
        ("2026/13/1", None),
        ("05/14/2026", None),
        ("yesterday", None),
        ("Mon, 99 Jul 2020 17:13:40 GMT", None),
    ],
)
def test_dates_are_read_in_the_usual_forms_and_never_guessed(value, read):
    assert read_date(value) == read


def test_a_date_that_cannot_be_read_is_kept_as_metadata():
    record = document({"text": "x", "date": "spring"}, mapping={"published_at": "date"})
    assert (record.fields["published_at"], record.metadata) == ("", {"date": "spring"})


# Labels


def said(record):
    return [(answer.annotator, answer.answer, answer.skipped) for answer in record.answers]


def test_a_label_is_the_answer_of_the_annotator_named_after_the_file():
    assert said(document({"text": "x", "label": "neutral"})) == [("rows", {"sentiment": "neutral"}, False)]
    named = document({"text": "x", "label": "neutral"}, annotator="phrasebank")
    assert said(named) == [("phrasebank", {"sentiment": "neutral"}, False)]


def test_a_label_may_be_gold_or_left_out():
    gold = document({"text": "x", "label": "neutral"}, labels="gold")
    assert (gold.gold, gold.answers) == ({"sentiment": "neutral"}, [])
    out = document({"text": "x", "label": "neutral"}, labels="ignore")
    assert (out.gold, out.answers, out.metadata) == ({}, [], {"label": "neutral"})


def test_left_out_labels_take_the_annotators_answers_with_them():
    values = {"text": "x", "label": "neutral", "A": "neutral", "annotations": [{"annotator": "a", "label": "neutral"}]}
    record = document(values, mapping=LISTED, labels="ignore", annotator_columns=["A"])
    assert (record.answers, record.gold) == ([], {})
    assert record.metadata == {name: value for name, value in values.items() if name != "text"}


@pytest.mark.parametrize("value", [None, "", "  ", [], {}])
def test_an_empty_label_is_no_label(value):
    record = document({"text": "x", "label": value})
    assert (record.answers, record.gold, record.metadata) == ([], {}, {})


@pytest.mark.parametrize(("value", "name"), [(1, "1"), (1.0, "1"), ("1", "1"), (" 1 ", "1"), (True, "true"), (0, "0")])
def test_labels_may_be_numbers(value, name):
    schema = schemas.from_labels("claim", ["0", "1", "true"])
    assert document({"text": "x", "label": value}, schema=schema).answers[0].answer == {"claim": name}


def test_labels_are_renamed_by_the_label_map():
    record = document({"text": "x", "label": 2}, label_map={"2": "positive"})
    assert record.answers[0].answer == {"sentiment": "positive"}


def test_a_label_that_the_schema_does_not_know_refuses_the_row_and_names_the_labels():
    assert refusal({"text": "x", "label": "bullish"}) == (
        "Row 7: “bullish” is no label of “sentiment”. The labels are: negative, neutral, positive."
    )


def test_labels_of_another_kind_are_kept_as_metadata():
    reader = desk({"label": "labels"})
    record = reader.document(Row(1, {"text": "x", "labels": ["up", "past"]}, None))
    assert (record.answers, record.metadata) == ([], {"labels": ["up", "past"]})
    assert reader.warnings["labels of another kind than the question asks for were kept as metadata"] == 1


def test_an_object_of_questions_and_values_is_an_answer_to_each():
    schema = schemas.check(
        {
            "questions": [
                {"name": "topic", "kind": "choice", "labels": ["a", "b"]},
                {"name": "tone", "kind": "choice", "labels": ["c", "d"]},
            ]
        }
    )
    record = document({"text": "x", "label": {"topic": "a", "tone": "d"}}, schema=schema, labels="gold")
    assert record.gold == {"topic": "a", "tone": "d"}
    partial = document({"text": "x", "label": {"tone": "c"}}, schema=schema)
    assert partial.answers[0].answer == {"tone": "c"}
    strange = document({"text": "x", "label": {"mood": "c"}}, schema=schema)
    assert (strange.answers, strange.metadata) == ([], {"label": {"mood": "c"}})


def test_gold_has_a_column_of_its_own_beside_a_label():
    record = document({"text": "x", "label": "neutral", "truth": "positive"}, mapping={"gold": "truth"})
    assert record.gold == {"sentiment": "positive"}
    assert said(record) == [("rows", {"sentiment": "neutral"}, False)]


def test_gold_of_several_questions_may_stand_in_a_column_each():
    schema = schemas.from_labels("tone", ["c", "d"])
    record = document({"text": "x", "gold.tone": "d", "gold.topic": ""}, mapping={"gold": "gold"}, schema=schema)
    assert (record.gold, record.metadata) == ({"tone": "d"}, {})


def test_the_chosen_question_is_the_one_that_is_answered():
    schema = schemas.check(
        {
            "questions": [
                {"name": "topic", "kind": "choice", "labels": ["a", "b"]},
                {"name": "tone", "kind": "choice", "labels": ["c", "d"]},
            ]
        }
    )
    assert document({"text": "x", "label": "c"}, schema=schema, question="tone").answers[0].answer == {"tone": "c"}


# Annotators


def test_a_list_of_annotations_gives_each_annotator_an_answer():
    given = [
        {"annotator": "slot1", "label": "neutral", "seconds": 3, "comment": "好的\r\nok"},
        {"annotator": "slot2", "label": None},
        {"annotator": "slot3", "status": "skipped", "skip_reason": "unclear"},
        {"annotator": 4, "value": "positive", "status": "submitted", "seconds": "fast"},
        {"annotator": "slot5", "label": "negative", "status": "draft"},
    ]
    record = document({"text": "x", "annotations": given}, mapping=LISTED)
    assert said(record) == [
        ("slot1", {"sentiment": "neutral"}, False),
        ("slot3", {}, True),
        ("4", {"sentiment": "positive"}, False),
    ]
    assert [(answer.seconds, answer.comment, answer.skip_reason) for answer in record.answers] == [
        (3.0, "好的\nok", ""),
        (None, "", "unclear"),
        (None, "", ""),
    ]


def test_a_label_beside_annotations_is_a_summary_and_stays_out():
    values = {"text": "x", "label": "positive", "annotations": [{"annotator": "a", "label": "neutral"}]}
    record = document(values, mapping=LISTED)
    assert said(record) == [("a", {"sentiment": "neutral"}, False)]
    assert record.metadata == {"label": "positive"}
    assert document({"text": "x", "label": "positive", "annotations": []}, mapping=LISTED).answers == []
    both = document(values, mapping=LISTED, labels="gold")
    assert both.gold == {"sentiment": "positive"}
    assert len(both.answers) == 1


def test_a_label_beside_annotations_is_an_answer_only_where_its_annotator_is_named():
    values = {"text": "x", "label": "positive", "annotations": [{"annotator": "a", "label": "neutral"}]}
    record = document(values, mapping=LISTED, labels="annotation")
    assert said(record) == [("a", {"sentiment": "neutral"}, False)]
    assert record.metadata == {"label": "positive"}
    named = document(values, mapping=LISTED, labels="annotation", annotator="judge")
    assert said(named) == [("a", {"sentiment": "neutral"}, False), ("judge", {"sentiment": "positive"}, False)]


def test_a_label_beside_a_split_is_the_gold_of_a_finished_dataset_unless_it_is_said_otherwise():
    values = {"text": "x", "label": "positive", "split": "test", "who": "alice"}
    mapping = {"text": "text", "label": "label", "split": "split"}
    record = document(values, mapping=mapping)
    assert (record.gold, record.answers, record.split) == ({"sentiment": "positive"}, [], "test")
    assert said(document(values, mapping=mapping, labels="annotation", annotator="alice")) == [
        ("alice", {"sentiment": "positive"}, False)
    ]
    assert said(document(values, mapping={**mapping, "annotator": "who"})) == [
        ("alice", {"sentiment": "positive"}, False)
    ]


def test_a_list_may_come_as_json_in_a_cell():
    record = document({"text": "x", "annotations": '[{"annotator": "a", "label": "neutral"}]'}, mapping=LISTED)
    assert said(record) == [("a", {"sentiment": "neutral"}, False)]


@pytest.mark.parametrize(
    "value",
    [
        [{"annotator": "a", "spans": [{"start": 0, "end": 1, "label": "ORG"}]}],
        [{"annotator": "a", "label": {"V": 1, "A": 2}}],
        [{"annotator": "a", "label": ["up", "down"]}],
        {"SUPPORTS": 3, "REFUTES": 1},
        "three votes",
        "[broken",
        3,
        ["neutral", "positive"],
    ],
)
def test_answers_of_another_kind_are_kept_as_metadata(value):
    reader = desk(LISTED)
    record = reader.document(Row(1, {"text": "x", "annotations": value}, None))
    assert (record.answers, record.metadata) == ([], {"annotations": value})
    assert reader.warnings["answers of another kind than the question asks for were kept as metadata"] == 1


def test_an_annotation_without_an_annotator_refuses_the_row():
    assert "needs an annotator and a label" in refusal(
        {"text": "x", "annotations": [{"label": "neutral"}]}, mapping=LISTED
    )
    assert "needs an annotator" in refusal(
        {"text": "x", "annotations": [{"annotator": " ", "label": "neutral"}]}, mapping=LISTED
    )


def test_an_annotator_who_answers_twice_refuses_the_row():
    given = [{"annotator": "a", "label": "neutral"}, {"annotator": " a ", "label": "positive"}]
    assert refusal({"text": "x", "annotations": given}, mapping=LISTED) == "Row 7: the annotator “a” answers twice."


def test_a_column_per_annotator_gives_each_an_answer():
    values = {"text": "x", "Rater 1": "neutral", "Rater 2": "", "label": "positive"}
    record = document(values, annotator_columns=["Rater 1", "Rater 2"])
    assert said(record) == [("Rater 1", {"sentiment": "neutral"}, False)]
    assert record.metadata == {"label": "positive"}


def test_a_column_that_is_an_annotators_is_not_the_label_too():
    record = document({"text": "x", "label": "neutral"}, annotator_columns=["label"])
    assert said(record) == [("label", {"sentiment": "neutral"}, False)]


# Without a guideline


def test_without_a_schema_labels_and_answers_are_kept_as_metadata():
    values = {"text": "x", "label": "neutral", "annotations": [{"annotator": "a", "label": "neutral"}]}
    record = document(values, mapping=LISTED, schema=None)
    assert record.answers == []
    assert record.metadata == {"label": "neutral", "annotations": values["annotations"]}


@pytest.mark.parametrize("labels", ["gold", "annotation"])
def test_without_a_schema_labels_that_must_count_refuse_the_row(labels):
    assert "the project has no published guideline" in refusal(
        {"text": "x", "label": "neutral"}, schema=None, labels=labels
    )


def test_labels_of_rows_are_collected_for_a_schema():
    reader = desk(LISTED, schema=None)
    values = {
        "annotations": [{"annotator": "a", "label": 1}, {"annotator": "b", "status": "skipped"}],
        "label": "summary",
    }
    assert list(reader.labels(values)) == [("label", "1")]
    plain = desk(schema=None, question="tone", label_map={"x": "y"})
    assert list(plain.labels({"label": "x"})) == [("tone", "y")]
    assert list(plain.labels({"label": {"topic": "a", "mood": "b"}})) == [("topic", "a"), ("mood", "b")]
    assert list(plain.labels({"label": ["a", 2]})) == [("tone", ["a", "2"])]
    assert list(plain.labels({"label": '["a", "x"]'})) == [("tone", ["a", "y"])]
    assert list(plain.labels({"label": [{"start": 1}]})) == []
    assert list(desk(schema=None, labels="ignore").labels({"label": "x"})) == []


# Files of answers


ANSWERS = {"annotator": "who", "status": "status", "annotations": "annotations"}


def answers(values, **options):
    return desk(ANSWERS, **options).answers(Row(3, values, None))


def test_a_row_of_an_answers_file_names_item_annotator_and_label():
    record = answers({"id": 12, "who": "alice", "label": "neutral"}, labels="annotation")
    assert record.external_id == "12"
    assert said(record) == [("alice", {"sentiment": "neutral"}, False)]


def test_a_row_may_be_a_skip_gold_or_a_list():
    assert said(answers({"id": "a", "who": "bob", "status": "Skipped"})) == [("bob", {}, True)]
    assert answers({"id": "a", "label": "neutral"}, labels="gold").gold == {"sentiment": "neutral"}
    listed = answers({"id": "a", "annotations": [{"annotator": "x", "label": "positive"}]})
    assert said(listed) == [("x", {"sentiment": "positive"}, False)]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"id": "", "label": "neutral"}, "the id .column “id”. is empty"),
        ({"id": "a", "who": "bob"}, "neither a label nor annotations"),
        ({"id": "a", "who": "bob", "label": "bullish"}, "is no label"),
    ],
)
def test_a_row_of_an_answers_file_that_says_nothing_is_refused(values, sentence):
    with pytest.raises(Refused, match=sentence):
        answers(values, labels="annotation")


def test_what_looks_like_annotations():
    assert looks_like_annotations([{"annotator": "a", "label": "x"}])
    assert looks_like_annotations('[{"annotator": "a"}]')
    assert not looks_like_annotations("positive")
    assert not looks_like_annotations([])
    assert not looks_like_annotations([{"label": "x"}])
    assert not looks_like_annotations(3)

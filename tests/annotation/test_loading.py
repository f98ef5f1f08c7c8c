"""A file comes in batch by batch: what is new, here, refused; a repeat and a kill in the middle add nothing twice."""

import json
from collections import Counter

import pytest

from annotation import importing, jobs, loading, publishing
from annotation import models as a
from tests.annotation.worlds import TEXTS, bare, bring, documents, label, lease, lines, take, three, upload
from tests.conftest import make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


def world():
    """Everything that an import writes, as counts."""
    return {
        model.__name__: model.objects.count()
        for model in (a.Document, a.Item, a.Assignment, a.Annotation, a.Gold, a.Case, a.User)
    }


# Repeats


def test_the_same_file_again_adds_nothing(project):
    content = three(label="neutral")
    bring(project, content)
    before = world()
    report = bring(project, content)
    assert world() == before
    assert (report["new"], report["here"], report["annotations"], report["cases"]) == (0, 3, 0, 0)


def test_the_same_file_without_ids_again_adds_nothing(project):
    content = "text,label\nProfit fell.,negative\nProfit rose.,positive\n"
    for new in (2, 0):
        assert bring(project, content, "t.csv", labels="gold")["new"] == new
    assert a.Gold.objects.count() == 2


def test_the_same_id_with_another_text_is_refused(project):
    bring(project, three())
    report = bring(project, lines({"id": "d0", "text": "Something else."}))
    assert (report["new"], report["refused"]) == (0, 1)
    assert report["problems"][0]["problem"] == (
        "Row 1: the id “d0” is taken by another text. Changed text is a new item: give it a new id."
    )
    assert documents(project)["d0"] == TEXTS[0]


def test_the_same_id_twice_in_a_file_counts_once(project):
    report = bring(project, lines({"id": "d", "text": "A."}, {"id": "d", "text": "A."}, {"id": "d", "text": "B."}))
    assert (report["new"], report["here"], report["refused"]) == (1, 1, 1)


def test_text_that_differs_in_case_and_width_only_is_the_same_text(project):
    bring(project, lines({"id": "d", "text": "Net Sales ８％"}))
    assert bring(project, lines({"id": "d", "text": "net sales 8%"}))["here"] == 1


@pytest.mark.parametrize(("policy", "new"), [("keep", 2), ("skip", 1)])
def test_the_same_text_under_another_id_is_kept_or_skipped_as_the_manager_says(project, policy, new):
    bring(project, lines({"id": "a", "text": "Same text."}))
    report = bring(project, lines({"id": "b", "text": "SAME  text."}, {"id": "c", "text": "New."}), duplicates=policy)
    assert (report["new"], report["same_text"]) == (new, 1)


def test_rows_that_repeat_a_row_with_another_label_are_told(project):
    report = bring(project, "text,label\nSame.,negative\nSame.,positive\n", "t.csv", labels="gold")
    assert a.Gold.objects.get().value == "negative"
    assert report["here"] == 1
    assert any("rows repeat an item with other labels" in warning["text"] for warning in report["warnings"])


# Labels and answers


def test_labels_are_answers_of_an_annotator_named_after_the_file(project):
    report = bring(project, three(label="neutral"), "phrasebank.jsonl")
    assert (report["annotations"], report["annotators"]) == (3, ["phrasebank"])
    annotator = a.User.objects.get(imported_for=project)
    assert (annotator.name, annotator.is_active, annotator.has_usable_password()) == ("phrasebank", False, False)
    annotation = a.Annotation.objects.first()
    assert (annotation.status, annotation.answer, annotation.guideline_version) == (
        "submitted",
        {"sentiment": "neutral"},
        project.version,
    )
    # One of the two answers is here; the other is still asked for.
    assert Counter(a.Assignment.objects.values_list("state", flat=True)) == {"done": 3, "open": 3}


def test_labels_as_gold_are_settled_and_nobody_is_asked(project):
    report = bring(project, three(label="neutral"), "phrasebank.jsonl", labels="gold", annotator="PhraseBank")
    assert (report["gold"], report["annotations"], report["annotators"]) == (3, 0, ["PhraseBank"])
    assert not a.Assignment.objects.exists()
    gold = a.Gold.objects.first()
    assert (gold.value, gold.method, gold.settled_by.name, gold.note) == (
        "neutral",
        "imported",
        "PhraseBank",
        "phrasebank.jsonl",
    )


def test_answers_of_several_annotators_settle_or_open_cases(project):
    rows = [
        {
            "id": "same",
            "text": "A.",
            "annotations": [{"annotator": "x", "label": "neutral"}, {"annotator": "y", "label": "neutral"}],
        },
        {
            "id": "apart",
            "text": "B.",
            "annotations": [{"annotator": "x", "label": "neutral"}, {"annotator": "y", "label": "positive"}],
        },
        {
            "id": "skip",
            "text": "C.",
            "annotations": [{"annotator": "x", "label": "neutral"}, {"annotator": "y", "status": "skipped"}],
        },
        {"id": "half", "text": "D.", "annotations": [{"annotator": "x", "label": "neutral"}]},
        {"id": "many", "text": "E.", "annotations": [{"annotator": name, "label": "neutral"} for name in "xyz"]},
    ]
    report = bring(project, lines(*rows))
    assert (report["annotations"], report["gold"], report["cases"]) == (10, 2, 2)
    slots = {
        name: sorted(a.Assignment.objects.filter(item__document__external_id=name).values_list("state", flat=True))
        for name in ("same", "skip", "half", "many")
    }
    assert slots == {
        "same": ["done", "done"],
        "skip": ["done", "skipped"],
        "half": ["done", "open"],
        "many": ["done"] * 3,
    }


def test_wide_columns_are_annotators(project):
    content = "id,text,Rater A,评审员 B\n1,A.,neutral,neutral\n2,B.,neutral,positive\n3,C.,,neutral\n"
    report = bring(project, content, "wide.csv", annotator_columns=["Rater A", "评审员 B"])
    assert (report["annotations"], report["gold"], report["cases"]) == (5, 1, 1)
    assert report["annotators"] == ["Rater A", "评审员 B"]


def test_an_imported_annotator_belongs_to_one_project_and_is_found_again(project, cast):
    bring(project, three(label="neutral"), annotator="x")
    bring(project, lines({"id": "n", "text": "New.", "label": "neutral"}), annotator="x")
    other = make_project(cast, slug="other")
    bring(other, three(label="neutral"), annotator="x")
    assert a.User.objects.filter(name="x").count() == 2


def test_what_somebody_answered_stands_and_a_difference_is_told(project):
    bring(project, three(label="neutral"), annotator="x")
    report = bring(project, three(label="positive"), annotator="x")
    assert report["annotations"] == 0
    assert {row.answer["sentiment"] for row in a.Annotation.objects.all()} == {"neutral"}
    assert {"text": "answers differ from those that were here already, which stand", "count": 3} in report["warnings"]


def test_answers_are_not_doubled_under_a_newer_guideline_while_the_old_ones_stand(project):
    bring(project, three(label="neutral"), annotator="x")
    publishing.save_draft(project=project, text="clearer", schema=project.version.schema, user=None)
    publishing.publish(project=project, user=None, change_note="clearer")
    bring(project, three(label="neutral"), annotator="x")
    assert a.Annotation.objects.current().count() == 3


def test_imported_answers_leave_the_slots_in_peoples_hands_alone(project, cast):
    bring(project, three())
    [slot] = take(project, cast["alice"])
    bring(project, three(annotations=[{"annotator": "x", "label": "neutral"}, {"annotator": "y", "label": "neutral"}]))
    slot.refresh_from_db()
    assert (slot.state, slot.annotator) == ("leased", cast["alice"])
    assert slot.item.assignments.count() == 3
    assert not a.Gold.objects.filter(item=slot.item).exists()
    assert a.Gold.objects.count() == 2


def test_imported_gold_never_replaces_gold_and_closes_the_case_it_settles(project):
    bring(project, three())
    first, second, _third = a.Item.objects.order_by("pk")
    label(project, first, alice="positive", bob="positive")
    label(project, second, alice="positive", bob="negative")
    bring(project, three(label="neutral"), labels="gold")
    assert a.Gold.objects.current().get(item=first).method == "unanimous"
    assert a.Gold.objects.current().get(item=second).value == "neutral"
    assert not a.Case.objects.open().exists()


def test_labels_are_renamed_by_the_map(project):
    bring(project, lines({"id": "a", "text": "A.", "label": 0}), label_map={"0": "negative"})
    assert a.Annotation.objects.get().answer == {"sentiment": "negative"}


def test_a_split_column_is_kept_for_the_freeze(project):
    bring(project, "id,text,split\n1,A.,validation\n2,B.,TEST\n3,C.,\n", "t.csv")
    assert dict(a.Document.objects.values_list("external_id", "given_split")) == {"1": "dev", "2": "test", "3": ""}


def test_dates_are_stored_as_iso(project):
    bring(project, "id,text,date\n1,A.,2026年5月14日\n2,B.,soon\n", "t.csv")
    first, second = a.Document.objects.order_by("external_id")
    assert (first.published_at, second.published_at, second.metadata) == ("2026-05-14", "", {"date": "soon"})


# Files of answers


def test_an_answers_file_adds_answers_to_items_that_are_here(project):
    bring(project, three())
    content = "id,annotator,label\nd0,x,neutral\nd0,y,neutral\nd1,x,positive\nd1,y,negative\nnope,x,neutral\n"
    report = bring(project, content, "answers.csv", what="annotations")
    assert (report["annotations"], report["gold"], report["cases"], report["refused"]) == (4, 1, 1, 1)
    assert "no item with the id “nope”" in report["problems"][0]["problem"]
    again = bring(project, content, "answers.csv", what="annotations")
    assert (again["annotations"], again["gold"], again["cases"]) == (0, 0, 0)


def test_an_answers_file_may_bring_gold_skips_and_wide_columns(project):
    bring(project, three())
    bring(project, "id,label\nd0,neutral\n", "g.csv", what="annotations", labels="gold")
    assert a.Gold.objects.get().method == "imported"
    bring(project, "id,annotator,label,status\nd1,x,,skipped\n", "s.csv", what="annotations")
    assert a.Annotation.objects.get().status == "skipped"
    bring(project, "id,A,B\nd2,neutral,neutral\n", "w.csv", what="annotations", annotator_columns=["A", "B"])
    assert a.Gold.objects.filter(method="unanimous").count() == 1


# The schema that a file brings along


def test_the_labels_of_a_file_make_version_1_where_there_is_none(cast):
    project = bare(cast)
    report = bring(
        project, three(label="上涨") + "\n" + lines({"id": "x", "text": "X.", "label": "下跌"}), create_schema=True
    )
    assert (report["new"], report["annotations"], report["guideline_version"]) == (4, 4, 1)
    [question] = project.version.schema["questions"]
    assert (question["name"], [entry["name"] for entry in question["labels"]]) == ("label", ["上涨", "下跌"])
    assert "file.jsonl" in project.version.text
    assert project.guideline.schema == project.version.schema


def test_numbers_as_labels_are_in_their_order(cast):
    project = bare(cast)
    bring(
        project,
        lines(*({"id": n, "text": f"t{n}", "label": n} for n in (10, 9, 1))),
        create_schema=True,
        question="stars",
    )
    [question] = project.version.schema["questions"]
    assert (question["name"], [entry["name"] for entry in question["labels"]]) == ("stars", ["1", "9", "10"])


def test_gold_of_several_questions_makes_a_schema_of_them(cast):
    project = bare(cast)
    rows = [{"id": n, "text": f"t{n}", "gold": {"topic": "ab"[n % 2], "tone": "cd"[n // 2]}} for n in range(4)]
    bring(project, lines(*rows), create_schema=True, labels="gold")
    assert {entry["name"] for entry in project.version.schema["questions"]} == {"topic", "tone"}
    assert a.Gold.objects.count() == 8


@pytest.mark.parametrize("written", [lambda given: given, json.dumps, str], ids=["list", "json", "python"])
def test_lists_of_labels_make_a_question_that_takes_several(written, cast):
    project = bare(cast)
    given = [["fx, spot", "rates"], ["credit"], [], ["rates"]]
    rows = [{"id": n, "text": f"t{n}", "labels": written(labels)} for n, labels in enumerate(given)]
    report = bring(project, lines(*rows), create_schema=True, labels="gold", mapping={"id": "id", "text": "text", "label": "labels"})  # fmt: skip
    [question] = project.version.schema["questions"]
    assert (question["kind"], question["least"]) == ("choices", 0)
    assert [entry["name"] for entry in question["labels"]] == ["credit", "fx, spot", "rates"]
    assert report["refused"] == 0
    gold = a.Gold.objects.order_by("item__document__external_id").values_list("value", flat=True)
    assert list(gold) == given


def test_lists_that_repeat_a_label_are_no_sets_and_make_no_question(cast):
    project = bare(cast)
    rows = [{"id": n, "text": f"t{n}", "labels": tags} for n, tags in enumerate((["O", "B", "O"], ["B"], ["O"]))]
    mapping = {"id": "id", "text": "text", "label": "labels"}
    report = bring(project, lines(*rows), create_schema=True, mapping=mapping)
    assert (project.version, report["new"], report["annotations"]) == (None, 3, 0)
    assert a.Document.objects.get(external_id="0").metadata["labels"] == ["O", "B", "O"]


def test_annotators_who_gave_lists_and_single_labels_are_asked_for_several(cast):
    project = bare(cast)
    given = [{"annotator": "x", "label": ["a", "b"]}, {"annotator": "y", "label": "a"}]
    rows = [{"id": n, "text": f"t{n}", "annotations": given} for n in range(3)]
    report = bring(project, lines(*rows), create_schema=True)
    assert (project.version.schema["questions"][0]["kind"], report["annotations"]) == ("choices", 6)
    assert a.Annotation.objects.filter(answer={"label": ["a"]}).count() == 3


def test_a_file_without_labels_makes_no_schema(cast):
    project = bare(cast)
    report = bring(project, three(), create_schema=True)
    assert (project.version, report["new"], report["warnings"][0]["text"]) == (None, 3, "line ends made LF")


def test_one_label_or_too_many_make_no_schema_and_the_texts_come_in_all_the_same(cast):
    for slug, rows in (("one", 3), ("many", 501)):
        project = bare(cast, slug)
        content = lines(
            *({"id": n, "text": f"text {n}", "label": "same" if slug == "one" else f"l{n}"} for n in range(rows))
        )
        report = bring(project, content, create_schema=True)
        assert (project.version, report["new"], report["refused"]) == (None, rows, 0)
        assert any("no guideline was made from the labels" in warning["text"] for warning in report["warnings"])
        assert a.Document.objects.filter(project=project, metadata__has_key="label").count() == rows


def test_labels_that_must_be_gold_but_make_no_question_fail_the_import(cast):
    row = upload(bare(cast), three(label="same"), create_schema=True, labels="gold")
    importing.bring_in(row)
    assert (row.state, row.message) == ("failed", "The file holds only one label, and a question needs two.")


def test_a_draft_is_never_overwritten_by_a_files_labels(cast):
    project = bare(cast)
    a.Guideline.objects.create(project=project, text="# My rules", schema={"questions": []})
    content = lines({"id": 1, "text": "a", "label": "x"}, {"id": 2, "text": "b", "label": "y"})
    row = importing.bring_in(upload(project, content, create_schema=True, labels="gold"))
    assert row.state == "failed"
    assert "publish that first" in row.message
    assert project.guideline.text == "# My rules"


def test_without_a_guideline_answers_wait_as_metadata_and_come_in_later(cast):
    project = bare(cast)
    content = lines(
        *({"id": n, "text": f"t{n}", "annotations": [{"annotator": "x", "label": "ab"[n % 2]}]} for n in range(4))
    )
    report = bring(project, content)
    assert (report["new"], report["annotations"]) == (4, 0)
    report = bring(project, content, create_schema=True)
    assert (report["here"], report["annotations"]) == (4, 4)


# Killed in the middle


class Killed(Exception):
    """Stands for kill -9."""


def kill_after(monkeypatch, batches):
    """The process dies behind this many batches, so that even the failure is not written."""
    store, done = loading.Loader._store, []

    def dying(self, *args):
        if len(done) == batches:
            raise Killed
        done.append(1)
        return store(self, *args)

    monkeypatch.setattr(loading.Loader, "_store", dying)
    monkeypatch.setattr(jobs.Grip, "finish", lambda self, state, **changes: False)


@pytest.mark.parametrize("policy", ["keep", "skip"])
def test_an_import_killed_between_batches_goes_on_and_reports_as_if_nothing_had_been(project, monkeypatch, policy):
    monkeypatch.setattr(loading, "BATCH", 2)
    rows = [
        {"id": f"d{n}", "text": f"Text {n}." if n != 4 else "Text 0.", "label": ["neutral", "positive"][n % 2]}
        for n in range(7)
    ]
    rows.insert(2, {"id": "bad", "text": ""})
    content = lines(*rows, {"id": "d0", "text": "Text 0.", "label": "neutral"})
    row = upload(project, content, labels="gold", duplicates=policy)
    importing.check(row)
    row.state = "queued"
    row.save()
    with monkeypatch.context() as patch:
        kill_after(patch, 2)
        assert jobs.run(a.Import, row.pk, importing.work)
    row.refresh_from_db()
    assert row.state == "running"
    assert (a.Document.objects.count(), row.report["rows"], row.report["new"]) == (3, 4, 3)

    a.Import.objects.update(lease_until="2020-01-01T00:00:00Z")
    assert a.Import.objects.all().reap() == (1, 0)
    assert jobs.run(a.Import, row.pk, importing.work)
    row.refresh_from_db()
    kept = 7 if policy == "keep" else 6
    assert (row.state, row.attempt) == ("done", 2)
    assert a.Document.objects.count() == a.Item.objects.count() == a.Gold.objects.count() == kept
    counted = {name: row.report[name] for name in ("rows", "new", "here", "same_text", "gold", "refused")}
    assert counted == {"rows": 9, "new": kept, "here": 1, "same_text": 1, "gold": kept, "refused": 1}


def test_an_exception_in_a_batch_leaves_nothing_of_it_behind(project, monkeypatch):
    monkeypatch.setattr(loading, "BATCH", 2)
    monkeypatch.setattr(loading.Loader, "_put_answers", _fail)
    row = importing.bring_in(upload(project, three(label="neutral")))
    assert (row.state, row.reason) == ("failed", "error")
    assert not a.Document.objects.exists()


def _fail(self, records):
    raise RuntimeError("no disk")


def test_an_attempt_that_lost_its_row_writes_nothing_more(project, monkeypatch):
    monkeypatch.setattr(loading, "BATCH", 1)
    row = upload(project, three())
    store = loading.Loader._store

    def lose(self, *args):
        store(self, *args)
        if self.counts["rows"] == 2:
            a.Import.objects.update(token=None)

    monkeypatch.setattr(loading.Loader, "_store", lose)
    importing.bring_in(row)
    assert a.Document.objects.count() == 1


def test_a_cancelled_import_keeps_what_has_come_in(project, monkeypatch):
    monkeypatch.setattr(loading, "BATCH", 1)
    tick = jobs.Grip.tick

    def cancel(self, *args):
        self.cancelled.set()
        tick(self, *args)

    monkeypatch.setattr(jobs.Grip, "tick", cancel)
    row = importing.bring_in(upload(project, three()))
    assert (row.state, a.Document.objects.count()) == ("cancelled", 1)


def test_a_guideline_published_meanwhile_stops_the_import_with_a_sentence(project, monkeypatch):
    row = upload(project, three(label="neutral"))
    make = loading.Loader._desk

    def publish(self):
        version = a.GuidelineVersion.objects.create(project=project, number=2, schema=project.version.schema)
        a.Project.objects.update(version=version)
        return make(self)

    monkeypatch.setattr(loading.Loader, "_desk", publish)
    importing.bring_in(row)
    assert row.state == "failed"
    assert "published anew while this file came in" in row.message
    assert not a.Document.objects.exists()


def test_a_file_that_vanished_is_told_as_a_failure(project):
    row = upload(project, three())
    row.file.storage.delete(row.file.name)
    importing.bring_in(row)
    assert row.state == "failed"


def test_memory_does_not_grow_with_the_file(project, monkeypatch):
    """No more than a batch of records is alive at a time."""
    monkeypatch.setattr(loading, "BATCH", 50)
    alive = []
    store = loading.Loader._store
    monkeypatch.setattr(
        loading.Loader, "_store", lambda self, found, refused: (alive.append(len(found)), store(self, found, refused))
    )
    bring(project, "\n".join(json.dumps({"id": n, "text": f"Text {n}."}) for n in range(205)))
    assert alive == [50, 50, 50, 50, 5]


def test_labels_in_order():
    assert loading.in_order({"10", "9", "-1"}) == ["-1", "9", "10"]
    assert loading.in_order({"b", "a", "1"}) == ["1", "a", "b"]


def test_people_answer_what_an_import_left_open(project, cast):
    bring(project, lines({"id": "a", "text": "A.", "annotations": [{"annotator": "x", "label": "neutral"}]}))
    item = a.Item.objects.get()
    label(project, item, alice="neutral")
    assert a.Gold.objects.get().method == "unanimous"
    with pytest.raises(IndexError):
        lease(item, cast["bob"])

"""The database itself refuses every change of a frozen version, whichever way it is asked."""

import uuid
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from annotation import models as a
from evaluation import models as e
from tests.evaluation.worlds import freeze, make_texts


@pytest.fixture
def version(project: a.Project) -> Any:
    make_texts(project, 30)
    return freeze(project)


def refused(change: Any) -> None:
    with pytest.raises(IntegrityError, match="frozen version cannot be changed"), transaction.atomic():
        change()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", "Other words."),
        ("gold", {"sentiment": "positive"}),
        ("split", "train"),
        ("key", "other"),
        ("fields", {"title": "x"}),
        ("votes", {}),
        ("methods", {}),
        ("component", ""),
        ("digest", ""),
        ("added_in", ""),
        ("soft", {"sentiment": [{"value": "positive", "n": 1}]}),
    ],
)
def test_no_column_of_a_frozen_example_can_be_changed(version: Any, name: str, value: Any) -> None:
    examples = e.Example.objects.filter(version=version)
    before = list(examples.order_by("pk").values_list(name, flat=True))
    refused(lambda: examples.update(**{name: value}))
    example = examples.first()
    setattr(example, name, value)
    refused(example.save)
    assert list(examples.order_by("pk").values_list(name, flat=True)) == before


def test_every_column_but_the_link_to_the_item_is_tried_above() -> None:
    [tried] = [mark.args[1] for mark in test_no_column_of_a_frozen_example_can_be_changed.pytestmark if mark.name == "parametrize"]  # fmt: skip
    columns = {field.name for field in e.Example._meta.concrete_fields}
    assert columns - {name for name, _value in tried} == {"id", "version", "item"}


def test_a_frozen_example_cannot_be_deleted_added_or_moved(version: Any, project: a.Project) -> None:
    example = e.Example.objects.filter(version=version).first()
    refused(example.delete)
    refused(lambda: e.Example.objects.filter(version=version).delete())
    refused(lambda: e.Example.objects.create(version=version, key="new", split="test", text="x", gold={}, digest=""))
    refused(
        lambda: e.Example.objects.bulk_create(
            [e.Example(version=version, key="new", split="test", text="x", gold={}, digest="")], ignore_conflicts=True
        )
    )
    open_version = e.DatasetVersion.objects.create(dataset=version.dataset, guideline_version=project.version)
    loose = e.Example.objects.create(version=open_version, key="new", split="test", text="x", gold={}, digest="")
    refused(lambda: e.Example.objects.filter(pk=loose.pk).update(version=version))
    assert e.Example.objects.filter(version=version).count() == 30


def test_raw_sql_is_refused_too(version: Any) -> None:
    def change(statement: str) -> Any:
        def run() -> None:
            with connection.cursor() as cursor:
                cursor.execute(statement)

        return run

    refused(change("UPDATE evaluation_example SET text = 'x'"))
    refused(change("DELETE FROM evaluation_example"))
    refused(change(f"UPDATE evaluation_datasetversion SET frozen_at = NULL WHERE id = {version.pk}"))
    refused(change(f"UPDATE evaluation_datasetversion SET content_hash = 'x' WHERE id = {version.pk}"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content_hash", "sha256:0"),
        ("split_hashes", {}),
        ("counts", {}),
        ("options", {}),
        ("agreement", {"x": 1}),
        ("findings", []),
        ("major", 2),
        ("minor", 5),
        ("patch", 7),
        ("frozen_at", None),
        ("gold_until", None),
        ("change_note", "Better said."),
        ("created_at", timezone.now()),
        ("created_by", None),
        ("state", "failed"),
    ],
)
def test_no_content_of_a_frozen_version_can_be_changed(version: Any, name: str, value: Any) -> None:
    refused(lambda: e.DatasetVersion.objects.filter(pk=version.pk).update(**{name: value}))
    setattr(version, name, value)
    refused(version.save)


def test_a_frozen_version_keeps_its_dataset_and_guideline(version: Any, project: a.Project) -> None:
    other = e.Dataset.objects.create(project=project, name="Other", slug="other")
    refused(lambda: e.DatasetVersion.objects.filter(pk=version.pk).update(dataset=other))
    guideline = a.GuidelineVersion.objects.create(project=project, number=9, schema=project.version.schema)
    refused(lambda: e.DatasetVersion.objects.filter(pk=version.pk).update(guideline_version=guideline))


def test_a_frozen_version_cannot_be_deleted_nor_its_project(version: Any, project: a.Project) -> None:
    with pytest.raises(ProtectedError):
        version.delete()
    with pytest.raises(ProtectedError):
        project.delete()

    def by_force() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM evaluation_datasetversion WHERE id = {version.pk}")

    with pytest.raises(DatabaseError), transaction.atomic():
        by_force()


def test_what_is_no_content_may_still_change(version: Any) -> None:
    e.DatasetVersion.objects.filter(pk=version.pk).update(note="")
    version.refresh_from_db()
    version.message = "seen"
    version.save(update_fields=["message"])
    assert e.DatasetVersion.objects.get(pk=version.pk).message == "seen"


def test_a_board_that_is_open_cannot_be_changed(version: Any) -> None:
    for change in ({"primary_metric": "accuracy"}, {"split": "dev"}, {"question": "topic"}):
        with pytest.raises(IntegrityError, match="board that is open"), transaction.atomic():
            e.Benchmark.objects.filter(version=version).update(**change)


def test_predictions_cannot_be_changed_once_they_are_in(version: Any, project: a.Project) -> None:
    board = e.Benchmark.objects.get(version=version)
    system = e.System.objects.create(project=project, name="S")
    submission = e.Submission.objects.create(benchmark=board, system=system, content_hash="x")
    example = e.Example.objects.filter(version=version).first()
    assert example is not None
    row = e.Prediction.objects.create(submission=submission, example=example, value="positive")
    with pytest.raises(IntegrityError, match="Predictions cannot be changed"), transaction.atomic():
        e.Prediction.objects.filter(pk=row.pk).update(value="negative")


def test_a_published_guideline_cannot_be_changed(project: a.Project) -> None:
    for change in ({"text": "Other rules."}, {"schema": {"questions": []}}, {"number": 7}):
        with pytest.raises(IntegrityError, match="published guideline cannot be changed"), transaction.atomic():
            a.GuidelineVersion.objects.filter(project=project).update(**change)
    version = a.GuidelineVersion.objects.get(project=project)
    version.change_note = "Other reasons."
    with pytest.raises(IntegrityError, match="published guideline cannot be changed"), transaction.atomic():
        version.save()


def test_the_history_of_an_answer_cannot_be_changed(project: a.Project, cast: dict[str, a.User]) -> None:
    make_texts(project, 1)
    item = a.Item.objects.filter(project=project).first()
    assert item is not None
    version = project.version
    answer, _new = a.Annotation.objects.get_or_create(
        project=project, item=item, annotator=cast["alice"], guideline_version=version
    )
    row = a.Revision.objects.create(
        annotation=answer, project=project, person=cast["alice"], client_id=uuid.uuid4(), status="submitted", answer={}
    )
    with pytest.raises(IntegrityError, match="history of an answer"), transaction.atomic():
        a.Revision.objects.filter(pk=row.pk).update(comment="never said")


def test_an_item_whose_gold_was_frozen_stays(version: Any) -> None:
    example = e.Example.objects.filter(version=version).first()
    with pytest.raises(IntegrityError, match="Gold stays"), transaction.atomic():
        a.Item.objects.get(pk=example.item_id).delete()
    assert a.Item.objects.filter(pk=example.item_id).exists()


def test_a_version_that_is_not_frozen_can_go(project: a.Project) -> None:
    dataset = e.Dataset.objects.create(project=project, name="Main", slug="main")
    version = e.DatasetVersion.objects.create(dataset=dataset, guideline_version=project.version)
    row = e.Example.objects.create(version=version, key="k", split="test", text="x", gold={}, digest="")
    e.Example.objects.filter(pk=row.pk).update(text="y")
    e.Example.objects.filter(pk=row.pk).delete()
    version.delete()
    assert not e.DatasetVersion.objects.exists()


def test_the_freeze_itself_can_be_written_once(project: a.Project) -> None:
    dataset = e.Dataset.objects.create(project=project, name="Main", slug="main")
    version = e.DatasetVersion.objects.create(dataset=dataset, guideline_version=project.version)
    rows = e.DatasetVersion.objects.filter(pk=version.pk)
    assert rows.update(content_hash="sha256:1", frozen_at=timezone.now()) == 1
    refused(lambda: rows.update(content_hash="sha256:2"))

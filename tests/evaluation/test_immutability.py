"""The database itself refuses every change of a frozen version, whichever way it is asked."""

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
    e.DatasetVersion.objects.filter(pk=version.pk).update(change_note="Better said.", note="")
    version.refresh_from_db()
    version.message = "seen"
    version.save()
    assert e.DatasetVersion.objects.get(pk=version.pk).change_note == "Better said."


def test_an_item_may_go_and_its_example_stays(version: Any) -> None:
    example = e.Example.objects.filter(version=version).first()
    item = a.Item.objects.get(pk=example.item_id)
    item.delete()
    example.refresh_from_db()
    assert example.item_id is None
    assert example.text


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

"""Small worlds of evaluation: items with gold, frozen versions, boards with predictions, and frozen tables cleared."""

from collections.abc import Iterable
from importlib import import_module
from io import BytesIO
from types import SimpleNamespace
from typing import Any

from django.db import connection

from annotation import importing, jobs
from annotation import models as a
from annotation.text.normal import text_key
from evaluation import freezing, scoring, submitting
from evaluation import models as e
from tests.conftest import LABELS, make_gold, make_items, make_user


def make_texts(
    project: a.Project, texts: Iterable[str] | int, *, labels: list[str] | None = None, **fields: Any
) -> list[a.Item]:
    """Items with gold (the labels in turn) whose text keys are those of the import."""
    items = make_items(project, texts if isinstance(texts, int) else list(texts), slots=0, **fields)
    labels = labels or LABELS
    for place, item in enumerate(items):
        a.Document.objects.filter(pk=item.document_id).update(text_key=text_key(item.document.text))
        make_gold(item, labels[place % len(labels)])
    return items


def queue(project: a.Project, **options: Any) -> e.DatasetVersion:
    """A queued freeze of the dataset 'Main'."""
    return freezing.ask(**{"project": project, "dataset_name": "Main", **options})


def freeze(project: a.Project, **options: Any) -> Any:
    """A freeze of the dataset 'Main', done or failed."""
    version = queue(project, **options)
    assert jobs.run(e.DatasetVersion, version.pk, freezing.freeze)
    return e.DatasetVersion.objects.select_related("dataset__project", "guideline_version", "previous").get(
        pk=version.pk
    )


def board_of(version: Any, question: str = "sentiment") -> e.Benchmark:
    """The version's board as pages read it."""
    rows = e.Benchmark.objects.select_related("version__dataset__project", "version__guideline_version")
    return rows.get(version=version, question=question)


def gold_of(board: e.Benchmark) -> dict[str, str]:
    """key -> gold label of the test split."""
    rows = e.Example.objects.filter(version=board.version, split="test").order_by("key")
    return {key: gold[board.question] for key, gold in rows.values_list("key", "gold")}


def predictions(board: e.Benchmark, *, wrong: int = 0, labels: list[str] | None = None) -> list[dict[str, Any]]:
    """Right predictions but for the first `wrong` ones."""
    labels = labels or LABELS
    rows = []
    for place, (key, label) in enumerate(gold_of(board).items()):
        other = next(name for name in labels if name != label)
        rows.append({"id": key, "label": other if place < wrong else label})
    return rows


def submit(board: e.Benchmark, name: str, rows: Any, **options: Any) -> Any:
    """A scored submission."""
    submission, _created = submitting.submit(benchmark=board, system_name=name, rows=rows, **{"user": None, **options})
    jobs.run(e.Submission, submission.pk, scoring.score)
    submission.refresh_from_db()
    return submission


def bare_project(slug: str) -> a.Project:
    """A project without people or guideline, as before a first import."""
    maker = a.User.objects.filter(username="maker").first() or make_user("maker")
    return a.Project.objects.create(slug=slug, name=slug, created_by=maker)


def bring(project: a.Project, content: bytes, filename: str, **options: Any) -> dict[str, Any]:
    """Import a file as the command does; returns the report."""
    row = importing.prepare(project=project, file=BytesIO(content), filename=filename, user=None, **options)
    importing.start(row)
    jobs.run(a.Import, row.pk, importing.work)
    row.refresh_from_db()
    assert row.state == "done", row.message
    project.refresh_from_db()
    return row.report


def thaw() -> None:
    """Take every freeze back, so that a transactional test can clear the tables (SQLite deletes row by row)."""
    migration = import_module("evaluation.migrations.0002_immutability")
    with connection.cursor() as cursor:
        editor = SimpleNamespace(connection=connection, execute=cursor.execute)
        migration.drop(None, editor)
        e.DatasetVersion.objects.update(frozen_at=None)
        migration.create(None, editor)

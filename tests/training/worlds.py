"""Small worlds of training: a frozen version with a board, and the fake trainer as the one that TRAINER names."""

import sys
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.db import connection
from django.utils import timezone

from annotation.models import Project
from evaluation import models as e

FAKE = Path(__file__).with_name("fake_trainer.py")
SIZES = {"train": 12, "dev": 6, "test": 9}


def trainer(mode: str, *more: Any) -> str:
    """The value of TRAINER for a mode of the fake trainer."""
    return " ".join([sys.executable, str(FAKE), "{folder}", mode, *map(str, more)])


def make_version(
    project: Project,
    *,
    number: str = "1.0.0",
    sizes: dict[str, int] | None = None,
    metric: str = "macro_f1",
    **fields: Any,
) -> Any:
    """A frozen version of the dataset 'main' whose texts tell their label, and its open board (none where `metric` is empty)."""
    dataset, _ = e.Dataset.objects.get_or_create(project=project, slug="main", defaults={"name": "Main"})
    labels = [label["name"] for label in project.version.schema["questions"][0]["labels"]]
    major, minor, patch = (int(part) for part in number.split("."))
    version = e.DatasetVersion.objects.create(
        **{
            "dataset": dataset,
            "guideline_version": project.version,
            "options": {"questions": ["sentiment"]},
            "state": "done",
            "major": major,
            "minor": minor,
            "patch": patch,
            "content_hash": f"sha256:{number}",
            "split_hashes": {"train": "sha256:train", "test": "sha256:test"},
            **fields,
        }
    )
    for split, size in (sizes or SIZES).items():
        for place in range(size):
            label = labels[place % len(labels)]
            e.Example.objects.create(
                version=version,
                key=f"{split}-{place}",
                split=split,
                text=f"{split} text {place} sounds {label.upper()}",
                gold={"sentiment": label},
                votes={"sentiment": {"secret-of": split}},
                fields={"issuer": f"issuer-of-{split}"},
                digest=sha256(f"{split}-{place}".encode()).hexdigest(),
            )
    e.DatasetVersion.objects.filter(pk=version.pk).update(frozen_at=timezone.now())
    if metric:
        e.Benchmark.objects.create(version=version, question="sentiment", primary_metric=metric)
    version.refresh_from_db()
    return version


def thaw(*, only: Any = None) -> None:
    """Take the freeze back against the triggers' will, so that a test can change a version, or clear the tables."""
    migration = import_module("evaluation.migrations.0002_immutability")
    versions = e.DatasetVersion.objects.filter(pk=only.pk) if only else e.DatasetVersion.objects.all()
    with connection.cursor() as cursor:
        editor = SimpleNamespace(connection=connection, execute=cursor.execute)
        migration.drop(None, editor)
        versions.update(frozen_at=None)
        migration.create(None, editor)

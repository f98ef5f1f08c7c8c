"""The cast, the same everywhere, and the small worlds that tests build."""

import os
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.test import Client
from django.utils import timezone, translation
from knox.models import AuthToken

from annotation import models as a
from annotation import schema as schemas
from annotation.jobs import Grip

ROOT = Path(__file__).resolve().parent.parent
LABELS = ["negative", "neutral", "positive"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what touches a database: only that runs a second time, on PostgreSQL. What takes long begins first."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if item.get_closest_marker("django_db") or {"db", "transactional_db", "live_server"} & fixtures:
            item.add_marker("database")
    # Files are handed out in this order, so that at the end no core waits for one file of the other.
    items.sort(key=lambda item: not (item.get_closest_marker("browser") or item.get_closest_marker("slow")))


@pytest.fixture(autouse=True)
def english() -> None:
    """A request in Chinese leaves its language in the thread; the next test starts in English."""
    translation.deactivate()


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs beat no heart."""
    monkeypatch.setattr(Grip, "beating", lambda self: nullcontext())


@pytest.fixture(autouse=True)
def still_in_a_transaction(request: pytest.FixtureRequest) -> None:
    """A heart beats on a second connection, which cannot see into a test's transaction and takes its row for lost."""
    marker = request.node.get_closest_marker("django_db")
    commits = marker is not None and bool(marker.kwargs.get("transaction"))
    if not commits and not {"transactional_db", "live_server"} & set(request.fixturenames):
        request.getfixturevalue("still")


@pytest.fixture(scope="session", autouse=True)
def history_goes_with_its_test() -> Iterator[None]:
    """Between tests that commit, SQLite's tables are emptied by DELETE, which triggers refuse; they are away meanwhile."""
    operations = DatabaseWrapper.ops_class
    empty = operations.sql_flush

    def sql_flush(self: Any, *arguments: Any, **options: Any) -> list[str]:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%BEFORE DELETE%'")
            triggers = cursor.fetchall()
        gone = [f"DROP TRIGGER {name}" for name, _sql in triggers]
        return [*gone, *empty(self, *arguments, **options), *(sql for _name, sql in triggers)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "sql_flush", sql_flush)
        yield


@pytest.fixture
def shared() -> Path:
    """The folder of real data and published values; tests that need it skip where there is none."""
    folder = Path(os.environ.get("ASSAY_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip("the shared data is not on this machine")
    return folder


def make_user(username: str, **fields: Any) -> a.User:
    """A person whose password is their name and 'Pass-1234'."""
    return a.User.objects.create_user(username, f"{username}@example.org", f"{username}-Pass-1234", **fields)


@pytest.fixture
def cast(db: None) -> dict[str, a.User]:
    """alice and bob (annotators), carol (adjudicator), dave (manager), erin (researcher), eve (stranger)."""
    return {name: make_user(name) for name in ("alice", "bob", "carol", "dave", "erin", "eve")}


ROLES = {
    "alice": a.Membership.Role.ANNOTATOR,
    "bob": a.Membership.Role.ANNOTATOR,
    "carol": a.Membership.Role.ADJUDICATOR,
    "dave": a.Membership.Role.MANAGER,
    "erin": a.Membership.Role.RESEARCHER,
}


def make_project(
    cast: dict[str, a.User], *, slug: str = "sentiment", labels: list[str] | None = None, **fields: Any
) -> a.Project:
    """A project with the cast in their roles and guideline version 1 (one choice question 'sentiment')."""
    # Nothing is looked at twice unless a test asks for it.
    fields = {"agreed_percent": 0, "second_percent": 0, **fields}
    project = a.Project.objects.create(slug=slug, name=slug.capitalize(), created_by=cast["dave"], **fields)
    for name, role in ROLES.items():
        a.Membership.objects.create(project=project, user=cast[name], role=role)
    schema = schemas.from_labels("sentiment", labels or LABELS)
    a.Guideline.objects.create(project=project, text="# Rules", schema=schema)
    project.version = a.GuidelineVersion.objects.create(
        project=project, number=1, text="# Rules", schema=schema, published_by=cast["dave"]
    )
    project.save()
    return project


def set_schema(project: a.Project, schema: dict[str, Any]) -> None:
    """Another guideline version with this schema, in force at once."""
    number = project.versions.count() + 1
    project.version = a.GuidelineVersion.objects.create(project=project, number=number, text="# Rules", schema=schema)
    project.save(update_fields=["version"])


def make_items(project: a.Project, texts: list[str] | int, *, slots: int | None = None, **fields: Any) -> list[a.Item]:
    """Documents with one item each and their open slots."""
    if isinstance(texts, int):
        texts = [f"Profit of company {n} rose by {n} %." for n in range(texts)]
    start = project.documents.count()
    items = []
    for place, text in enumerate(texts, start):
        document = a.Document.objects.create(
            project=project,
            external_id=f"d{place}",
            text=text,
            text_key=uuid.uuid5(uuid.NAMESPACE_OID, text).hex,
            **fields,
        )
        items.append(a.Item.objects.create(project=project, document=document))
    a.Assignment.objects.bulk_create(
        a.Assignment(project=project, item=item, slot=slot)
        for item in items
        for slot in range(project.overlap if slots is None else slots)
    )
    return items


def make_annotation(item: a.Item, annotator: a.User, value: str = "positive", **fields: Any) -> a.Annotation:
    """A submitted answer to the question 'sentiment' that fills one of the item's slots."""
    slot = item.assignments.filter(annotator=None).order_by("slot").first()
    if slot:
        slot.annotator, slot.state = annotator, a.Assignment.State.DONE
        slot.save()
    return a.Annotation.objects.create(
        **{
            "project": item.project,
            "item": item,
            "annotator": annotator,
            "guideline_version": item.project.version,
            "status": a.Annotation.Status.SUBMITTED,
            "answer": {"sentiment": value},
            **fields,
        }
    )


def make_gold(item: a.Item, value: str = "positive", **fields: Any) -> a.Gold:
    """Current gold of the question 'sentiment'."""
    return a.Gold.objects.create(
        **{
            "project": item.project,
            "item": item,
            "question": "sentiment",
            "value": value,
            "method": a.Gold.Method.ADJUDICATED,
            "guideline_version": item.project.version,
            **fields,
        }
    )


def replace_gold(item: a.Item, value: str) -> a.Gold:
    """Other gold of the question 'sentiment' in place of what stands."""
    old = a.Gold.objects.current().get(item=item, question="sentiment")
    a.Gold.objects.filter(pk=old.pk).update(superseded_at=timezone.now())
    return make_gold(item, value, method=old.method, guideline_version=old.guideline_version)


@pytest.fixture
def client_of(cast: dict[str, a.User]) -> Any:
    """client_of('alice') is a signed-in test client; client_of(None) a stranger without a session."""

    def sign_in(name: str | None) -> Client:
        client = Client()
        if name:
            client.force_login(cast[name])
        return client

    return sign_in


class Caller(Client):
    """A program with a person's API token; bodies are JSON."""

    def __init__(self, user: a.User) -> None:
        _row, token = AuthToken.objects.create(user=user, expiry=timedelta(days=1))
        super().__init__(headers={"Authorization": f"Token {token}"})

    def send(self, path: str, fields: dict[str, Any]) -> Any:
        """A form with files."""
        return super().post(path, fields)

    def post(self, path: str, data: Any = None, content_type: str = "application/json", **extra: Any) -> Any:
        return super().post(path, data, content_type, **extra)

    def put(self, path: str, data: Any = None, content_type: str = "application/json", **extra: Any) -> Any:
        return super().put(path, data, content_type, **extra)

    def patch(self, path: str, data: Any = None, content_type: str = "application/json", **extra: Any) -> Any:
        return super().patch(path, data, content_type, **extra)


@pytest.fixture
def caller_of(cast: dict[str, a.User]) -> Any:
    """caller_of('alice') calls the API with a token of hers."""
    return lambda name: Caller(cast[name])

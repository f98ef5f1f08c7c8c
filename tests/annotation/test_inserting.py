"""Many rows past Django's objects are the same rows, and no column is forgotten."""

import pytest
from django.utils import timezone

from annotation import models as a
from annotation.inserting import insert
from tests.conftest import make_project

pytestmark = pytest.mark.django_db


def test_rows_are_those_that_bulk_create_would_write(cast):
    project = make_project(cast)
    now = timezone.now()
    fields = {"external_id": "x", "text": "中文 😀", "text_key": "k", "metadata": {"a": [1, None, "é"]}, "raw": None}
    insert(a.Document, list(fields), [tuple(fields.values())], project_id=project.pk)
    a.Document.objects.bulk_create([a.Document(project=project, **{**fields, "external_id": "y"})])
    one, other = (a.Document.objects.filter(external_id=name).values().get() for name in ("x", "y"))
    assert {**one, "id": 0, "external_id": ""} == {**other, "id": 0, "external_id": ""}
    insert(a.Item, ("start",), [(0,), (None,)], project_id=project.pk, document_id=one["id"], end=None, created_at=now)
    assert list(a.Item.objects.filter(document=one["id"]).values_list("start", "role", "in_pool", "created_at")) == [
        (0, "work", False, now),
        (None, "work", False, now),
    ]


def test_a_default_that_is_made_anew_must_be_given_and_a_strange_name_is_refused(cast):
    project = make_project(cast)
    with pytest.raises(ValueError, match="created_at"):
        insert(a.Item, ("document_id",), [(1,)], project_id=project.pk)
    with pytest.raises(ValueError, match="colour"):
        insert(a.Document, ("external_id", "colour"), [], project_id=project.pk)

"""The tasks that the queue knows do the work of their row, once."""

import pytest
from celery import current_app

from annotation import importing, measuring, tasks
from annotation import models as a
from tests.annotation.worlds import upload
from tests.conftest import make_project

pytestmark = pytest.mark.django_db


def test_the_names_that_jobs_send_are_those_that_workers_know():
    for name in (a.Import.TASK, a.AgreementReport.TASK, "annotation.reap"):
        assert name in current_app.tasks


def test_an_import_is_done_once(cast):
    project = make_project(cast)
    row = upload(project, '{"id": "a", "text": "A."}')
    importing.start(row)
    assert tasks.run_import(row.pk)
    assert not tasks.run_import(row.pk)
    row.refresh_from_db()
    assert (row.state, a.Document.objects.count()) == ("done", 1)


def test_a_report_is_done_once(cast):
    row = measuring.refresh(version=make_project(cast).version, question="sentiment")
    assert tasks.run_agreement(row.pk)
    assert not tasks.run_agreement(row.pk)


def test_a_message_for_a_row_that_is_gone_is_harmless(db):
    assert not tasks.run_import(12345)
    assert not tasks.run_agreement(12345)


def test_the_reaper_counts(db):
    assert tasks.reap() == {"requeued": 0, "failed": 0, "woken": 0}

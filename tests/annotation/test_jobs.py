"""Long jobs: the row is the truth; claimed once, alive by a lease, ended by whoever owns them, and never stuck."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection, transaction
from django.utils import timezone

from annotation import jobs
from annotation.jobs import Grip, JobCancelled, JobFailed, JobLost, State
from annotation.models import AgreementReport, Import
from tests.conftest import make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


@pytest.fixture
def sent(monkeypatch):
    """The wake-up messages that reached the queue."""
    found = []
    queue = SimpleNamespace(send_task=lambda name, args, **options: found.append((name, args[0])))
    monkeypatch.setattr(jobs, "current_app", queue)
    return found


@pytest.fixture
def broken_broker(monkeypatch):
    def refuse(*args, **options):
        raise ConnectionError("no broker")

    monkeypatch.setattr(jobs, "current_app", SimpleNamespace(send_task=refuse))


def make_job(project, **fields):
    return Import.objects.create(project=project, filename="file.csv", **fields)


def running(project, **fields):
    job = make_job(project)
    claimed = Import.objects.claim(job.pk)
    Import.objects.filter(pk=job.pk).update(**fields)
    claimed.refresh_from_db()
    return claimed


def past(minutes=5):
    return timezone.now() - timedelta(minutes=minutes)


# Claiming


def test_a_queued_job_is_claimed_once(project):
    job = make_job(project)
    claimed = Import.objects.claim(job.pk)
    assert (claimed.state, claimed.attempt) == ("running", 1)
    assert claimed.token is not None
    assert claimed.lease_until > timezone.now()
    assert Import.objects.claim(job.pk) is None


@pytest.mark.parametrize("state", [State.RUNNING, State.DONE, State.FAILED, State.CANCELLED, State.PREPARED])
def test_only_a_queued_job_can_be_claimed(project, state):
    assert Import.objects.claim(make_job(project, state=state).pk) is None


@pytest.mark.django_db(transaction=True)
def test_of_eight_workers_one_gets_the_job(project):
    job = make_job(project)

    def claim(_worker):
        try:
            return Import.objects.claim(job.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        found = [claimed for claimed in pool.map(claim, range(8)) if claimed]
    assert len(found) == 1
    assert found[0].attempt == 1


# Running


@pytest.mark.usefixtures("still")
def test_the_result_of_the_work_is_written_with_the_end(project):
    job = make_job(project)
    assert jobs.run(Import, job.pk, lambda row, grip: {"report": {"rows": 3}})
    job.refresh_from_db()
    assert (job.state, job.report, job.token, job.lease_until) == ("done", {"rows": 3}, None, None)
    assert job.ended_at is not None
    assert job.percent == 100
    assert not jobs.run(Import, job.pk, lambda row, grip: pytest.fail("it was done already"))


def fail(error):
    def work(row, grip):
        raise error

    return work


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize(
    ("error", "state", "reason", "words"),
    [
        (JobFailed("Row 3 is broken."), "failed", "bad_input", "Row 3 is broken."),
        (JobFailed("Too slow.", reason="timeout"), "failed", "timeout", "Too slow."),
        (MemoryError(), "failed", "out_of_memory", "There was not enough memory."),
        (KeyError("x"), "failed", "error", "KeyError: 'x'"),
        (JobCancelled(), "cancelled", "", "Cancelled."),
    ],
)
def test_every_end_is_told_in_a_sentence(project, error, state, reason, words):
    job = make_job(project)
    assert jobs.run(Import, job.pk, fail(error))
    job.refresh_from_db()
    assert (job.state, job.reason) == (state, reason)
    assert words in job.message
    assert job.token is None


@pytest.mark.usefixtures("still")
def test_sentences_are_in_the_language_of_the_person_who_asked(project, monkeypatch):
    seen = []
    monkeypatch.setattr(jobs, "override", lambda language: seen.append(language) or jobs.contextlib.nullcontext())
    job = make_job(project, language="zh-hans")
    jobs.run(Import, job.pk, lambda row, grip: None)
    assert seen == ["zh-hans"]


@pytest.mark.usefixtures("still")
def test_a_lost_attempt_writes_nothing_over_the_one_that_came_after(project):
    job = make_job(project)

    def lose(row, grip):
        Import.objects.filter(pk=row.pk).update(state=State.QUEUED, token=None)
        assert jobs.run(Import, row.pk, lambda row, grip: {"report": {"by": "the second"}})
        return {"report": {"by": "the first"}}

    jobs.run(Import, job.pk, lose)
    job.refresh_from_db()
    assert (job.state, job.report, job.attempt) == ("done", {"by": "the second"}, 2)


# The grip


def test_progress_is_written_by_the_heartbeat_and_not_by_each_step(project, django_assert_num_queries):
    grip = Grip(running(project, lease_until=past()))
    with django_assert_num_queries(0):
        grip.tick(3, 10, "reading")
    grip.beat()
    job = Import.objects.get()
    assert (job.done_steps, job.all_steps, job.note, job.percent) == (3, 10, "reading", 30)
    assert job.lease_until > timezone.now()


def test_a_cancel_is_noticed_at_the_next_beat(project):
    grip = Grip(running(project))
    assert jobs.cancel(grip.job)
    grip.check()
    grip.beat()
    with pytest.raises(JobCancelled):
        grip.check()


def test_the_loss_of_the_row_is_noticed_at_the_next_beat(project):
    grip = Grip(running(project))
    Import.objects.update(token=None, state=State.QUEUED)
    grip.beat()
    with pytest.raises(JobLost):
        grip.tick(1, 2)


def test_holding_writes_with_the_row_or_not_at_all(project):
    grip = Grip(running(project, lease_until=past()))
    with transaction.atomic():
        grip.hold(report={"so": "far"})
    job = Import.objects.get()
    assert job.report == {"so": "far"}
    assert job.lease_until > timezone.now()
    Import.objects.update(token=None)
    with pytest.raises(JobLost), transaction.atomic():
        grip.hold(report={"late": True})
    assert Import.objects.get().report == {"so": "far"}


def test_the_last_write_of_a_lost_attempt_is_refused(project):
    grip = Grip(running(project))
    Import.objects.update(token=None, state=State.QUEUED)
    assert not grip.finish(State.DONE, report={"late": True})
    assert (Import.objects.get().state, Import.objects.get().report) == ("queued", {})


@pytest.mark.django_db(transaction=True)
def test_the_heart_beats_while_the_work_runs_and_stops_with_it(project, settings):
    settings.JOB_HEARTBEAT = 0.05
    job = make_job(project)

    def work(row, grip):
        grip.tick(1, 2, "half")
        deadline = time.monotonic() + 20
        while Import.objects.get(pk=row.pk).done_steps != 1:
            assert time.monotonic() < deadline, "no heartbeat came"
            time.sleep(0.05)
        assert jobs.cancel(row)
        while not grip.cancelled.is_set():
            assert time.monotonic() < deadline, "the cancel was not noticed"
            time.sleep(0.05)
        grip.check()

    jobs.run(Import, job.pk, work)
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert not [thread for thread in threading.enumerate() if thread.name == f"heartbeat-{job.pk}"]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_for_a_moment_does_not_stop_the_heart(project, settings, monkeypatch):
    settings.JOB_HEARTBEAT = 0.02
    beats, beat = [], Grip.beat

    def sometimes(self):
        beats.append(1)
        if len(beats) == 1:
            raise OSError("away")
        beat(self)

    monkeypatch.setattr(Grip, "beat", sometimes)

    def work(row, grip):
        deadline = time.monotonic() + 20
        while len(beats) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    job = make_job(project)
    jobs.run(Import, job.pk, work)
    job.refresh_from_db()
    assert job.state == "done"


# Waking


@pytest.mark.django_db(transaction=True)
def test_the_wake_up_goes_out_after_the_commit(project, sent):
    job = make_job(project)
    with transaction.atomic():
        jobs.enqueue(job)
        assert sent == []
    assert sent == [("annotation.import", job.pk)]
    job.refresh_from_db()
    assert job.woken_at is not None


@pytest.mark.django_db(transaction=True)
def test_a_dead_broker_loses_nothing(project, broken_broker, caplog):
    job = make_job(project)
    with caplog.at_level("WARNING", logger="assay.jobs"):
        jobs.enqueue(job)
    job.refresh_from_db()
    assert (job.state, job.woken_at) == ("queued", None)
    assert "the reaper will ask again" in caplog.text


def test_the_reaper_wakes_what_waits_unheard(project, sent):
    now = timezone.now()
    fresh = make_job(project)
    unheard = make_job(project, queued_at=past())
    stale = make_job(project, queued_at=past(), woken_at=now - jobs.WAKE_AGAIN * 2)
    heard = make_job(project, queued_at=past(), woken_at=now)
    prepared = make_job(project, queued_at=past(), state=State.PREPARED)
    assert jobs.reap() == {"requeued": 0, "failed": 0, "woken": 2}
    assert {pk for _task, pk in sent} == {unheard.pk, stale.pk}
    assert not {fresh.pk, heard.pk, prepared.pk} & {pk for _task, pk in sent}


def test_a_reaper_without_a_broker_does_not_fail(project, broken_broker):
    make_job(project, queued_at=past())
    assert jobs.reap()["woken"] == 1


def test_a_prepared_job_begins_once(project):
    job = make_job(project, state=State.PREPARED)
    assert jobs.begin(job)
    assert not jobs.begin(job)
    job.refresh_from_db()
    assert job.state == "queued"


# Reaping


def test_a_job_whose_worker_died_is_queued_again_and_woken(project, sent):
    job = running(project, lease_until=past(), queued_at=past(), woken_at=timezone.now())
    assert jobs.reap() == {"requeued": 1, "failed": 0, "woken": 1}
    job.refresh_from_db()
    assert (job.state, job.token, job.attempt) == ("queued", None, 1)
    assert Import.objects.claim(job.pk).attempt == 2


def test_a_job_that_is_alive_is_left_alone(project, sent):
    job = running(project)
    assert jobs.reap() == {"requeued": 0, "failed": 0, "woken": 0}
    job.refresh_from_db()
    assert job.state == "running"


def test_after_the_third_lost_worker_the_job_fails_with_a_reason(project, sent):
    job = running(project, lease_until=past(), attempt=jobs.ATTEMPTS)
    assert jobs.reap() == {"requeued": 0, "failed": 1, "woken": 0}
    job.refresh_from_db()
    assert (job.state, job.reason) == ("failed", "lost_worker")
    assert "3 times in a row" in job.message
    assert job.ended_at is not None


def test_a_lost_job_that_was_to_be_cancelled_is_cancelled(project, sent):
    job = running(project, lease_until=past(), cancel_requested=True)
    jobs.reap()
    job.refresh_from_db()
    assert (job.state, job.message) == ("cancelled", "Cancelled.")


def test_every_kind_of_job_is_reaped(project, sent):
    assert {Import, AgreementReport} <= set(jobs.kinds())
    report = AgreementReport.objects.create(
        project=project, question="sentiment", guideline_version=project.version, queued_at=past()
    )
    jobs.reap()
    assert ("annotation.agreement", report.pk) in sent


# Cancelling


def test_a_queued_job_is_cancelled_at_once_and_an_ended_one_not_at_all(project):
    job = make_job(project)
    assert jobs.cancel(job)
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert not jobs.cancel(job)
    assert Import.objects.claim(job.pk) is None


# What the page shows


def test_percent_and_forecast(project):
    job = make_job(project)
    assert (job.percent, job.seconds_left, job.seconds_spent, job.is_live) == (0, None, None, True)
    job.state, job.done_steps, job.all_steps = State.RUNNING, 50, 200
    job.started_at = timezone.now() - timedelta(seconds=30)
    assert job.percent == 25
    assert 89 <= job.seconds_left <= 91
    assert 29 <= job.seconds_spent <= 32
    job.done_steps = 500
    assert job.percent == 99
    job.state = State.DONE
    assert (job.percent, job.seconds_left, job.is_live) == (100, None, False)

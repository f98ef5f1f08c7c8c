"""Life of every long job: the row is the truth, a lease and a heartbeat prove life, every state has a way out."""

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self, TypeVar

from celery import current_app
from django.apps import apps
from django.conf import settings
from django.db import close_old_connections, connection, models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _

log = logging.getLogger("assay.jobs")

ATTEMPTS = 3
# How long a queued job may wait before its wake-up message counts as lost and is sent again.
WAKE_AGAIN = timedelta(seconds=90)


class State(models.TextChoices):
    """States of a long job; the first two are the live ones, the last is before the start."""

    QUEUED = "queued", gettext_lazy("queued")
    RUNNING = "running", gettext_lazy("running")
    DONE = "done", gettext_lazy("done")
    FAILED = "failed", gettext_lazy("failed")
    CANCELLED = "cancelled", gettext_lazy("cancelled")
    # Not a job yet: the person is still choosing its options.
    PREPARED = "prepared", gettext_lazy("being prepared")


LIVE = (State.QUEUED, State.RUNNING)


class JobFailed(Exception):
    """Ends a job as failed. `reason` is a code, the message a sentence for the person who reads the page."""

    def __init__(self, message: str, *, reason: str = "bad_input") -> None:
        super().__init__(message)
        self.reason = reason


class JobCancelled(Exception):
    """The person asked for the job to stop."""


class JobLost(Exception):
    """Another attempt owns the row now; this one must stop and write nothing more."""


J = TypeVar("J", bound="Job")


class JobQuerySet(models.QuerySet[J]):
    """Guarded updates: each succeeds for exactly one caller."""

    def live(self) -> Self:
        """Jobs that are not at an end."""
        return self.filter(state__in=LIVE)

    def claim(self, pk: int) -> J | None:
        """Take a queued job for this process; None where somebody else was faster or it is no longer queued."""
        now, token = timezone.now(), uuid.uuid4()
        taken = self.filter(pk=pk, state=State.QUEUED).update(
            state=State.RUNNING,
            attempt=F("attempt") + 1,
            token=token,
            lease_until=now + timedelta(seconds=settings.JOB_LEASE),
            started_at=now,
        )
        return self.get(pk=pk) if taken else None

    def reap(self, now: datetime | None = None) -> tuple[int, int]:
        """Requeue jobs whose lease has run out (or end them after the last attempt); returns (requeued, ended)."""
        now = now or timezone.now()
        requeued = ended = 0
        for job in self.filter(state=State.RUNNING, lease_until__lt=now):
            # A heartbeat that comes in between wins: the lease is looked at again in the update.
            rows = self.filter(pk=job.pk, state=State.RUNNING, token=job.token, lease_until__lt=now)
            if job.cancel_requested or job.attempt >= ATTEMPTS:
                ended += rows.update(token=None, ended_at=now, lease_until=None, **_given_up(job))
            else:
                requeued += rows.update(state=State.QUEUED, token=None, lease_until=None, woken_at=None)
        return requeued, ended


def _given_up(job: "Job") -> dict[str, Any]:
    """How a lost job ends, in the language of the person who asked for it."""
    with override(job.language or None):
        if job.cancel_requested:
            return {"state": State.CANCELLED, "message": _("Cancelled.")}
        sentence = _("The worker was lost %(times)d times in a row, so this was given up. Start it again.")
        return {"state": State.FAILED, "reason": "lost_worker", "message": sentence % {"times": ATTEMPTS}}


class Job(models.Model):
    """A long piece of work as a row; subclasses name the Celery task that does it."""

    TASK: ClassVar[str]

    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    token = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    queued_at = models.DateTimeField(default=timezone.now, editable=False)
    woken_at = models.DateTimeField(null=True, editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    done_steps = models.PositiveBigIntegerField(default=0)
    all_steps = models.PositiveBigIntegerField(default=0)
    note = models.CharField(max_length=300, blank=True)
    cancel_requested = models.BooleanField(default=False)
    reason = models.CharField(max_length=30, blank=True)
    message = models.TextField(blank=True)
    # Sentences are written by the worker in the language of the person who asked.
    language = models.CharField(max_length=10, default=get_language, editable=False)

    objects = JobQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def is_live(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in LIVE

    @property
    def percent(self) -> int:
        """Whole percent done, 0 to 100."""
        if self.state == State.DONE:
            return 100
        return min(99, 100 * self.done_steps // self.all_steps) if self.all_steps else 0

    @property
    def seconds_left(self) -> int | None:
        """A straight-line forecast from the share done; None before there is enough to go by."""
        if self.state != State.RUNNING or not self.started_at or self.percent < 3:
            return None
        spent = (timezone.now() - self.started_at).total_seconds()
        return int(spent * (self.all_steps - self.done_steps) / max(1, self.done_steps))

    @property
    def seconds_spent(self) -> float | None:
        """Wall seconds of the last attempt."""
        if not self.started_at:
            return None
        return ((self.ended_at or timezone.now()) - self.started_at).total_seconds()


class Grip:
    """A running job's hold on its row: progress, cancel and the proof that the row is still ours."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.rows = type(job)._default_manager.filter(pk=job.pk, token=job.token, state=State.RUNNING)
        self.cancelled = threading.Event()
        self.lost = threading.Event()
        self._stop = threading.Event()
        self._steps: tuple[int, int, str] | None = None
        self._written: tuple[int, int, str] | None = None
        self._beat_at = 0.0  # when the lease is to be extended next, on the clock of time.monotonic

    def tick(self, done: int, total: int, note: str | Promise = "") -> None:
        """Say how far the work is; raises JobCancelled or JobLost where it must stop. Cheap: no query here."""
        self._steps = (done, total, str(note)[:300])
        self.check()

    def check(self) -> None:
        """Raise JobCancelled or JobLost where the work must stop."""
        if self.lost.is_set():
            raise JobLost
        if self.cancelled.is_set():
            raise JobCancelled

    def beat(self) -> None:
        """Extend the lease and write the progress where either is due; notices a cancel and the loss of the row.

        A look that finds nothing due only reads, so that a live job does not compete for the one writer of SQLite.
        """
        due, steps = time.monotonic() >= self._beat_at, self._steps
        if due or steps != self._written:
            changes: dict[str, Any] = {"lease_until": timezone.now() + timedelta(seconds=settings.JOB_LEASE)}
            if steps:
                changes["done_steps"], changes["all_steps"], changes["note"] = steps
            if not self.rows.update(**changes):
                self.lost.set()
                return
            self._written, self._beat_at = steps, time.monotonic() + settings.JOB_HEARTBEAT
        asked = self.rows.values_list("cancel_requested", flat=True).first()
        if asked is None:
            self.lost.set()
        elif asked:
            self.cancelled.set()

    def hold(self, **changes: Any) -> None:
        """Inside a transaction: fail unless the row is still ours, lock it until the commit, and write `changes`."""
        if not self.rows.update(lease_until=timezone.now() + timedelta(seconds=settings.JOB_LEASE), **changes):
            raise JobLost

    def finish(self, state: str, **changes: Any) -> bool:
        """The last write of this attempt; False where the row belongs to another attempt by now."""
        return bool(self.rows.update(state=state, token=None, ended_at=timezone.now(), lease_until=None, **changes))

    def _heart(self) -> None:
        # Often enough to notice a cancel soon.
        while not self._stop.wait(min(2.0, settings.JOB_HEARTBEAT)):
            try:
                self.beat()
            except Exception:  # the database may be away for a moment; the lease decides, not one failed beat
                log.exception("heartbeat of %s failed", self.job)
                close_old_connections()
        connection.close()

    @contextlib.contextmanager
    def beating(self) -> Iterator[None]:
        """Beat in a thread while the body runs."""
        thread = threading.Thread(target=self._heart, name=f"heartbeat-{self.job.pk}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(timeout=10)


def run(model: type[Job], pk: int, work: Callable[[Any, Grip], dict[str, Any] | None]) -> bool:
    """Claim job `pk` and do `work(job, grip)`; its result is written to the row with the end state.

    Returns whether this call did the work. A JobFailed becomes the sentence on the page; any other exception is
    logged with its trace and told in one sentence.
    """
    job = model._default_manager.claim(pk)  # type: ignore[attr-defined]
    if job is None:
        return False
    grip = Grip(job)
    try:
        with override(job.language or None), grip.beating():
            changes = work(job, grip) or {}
        grip.finish(State.DONE, **{"reason": "", "message": "", "note": "", **changes})
    except JobLost:
        log.warning("%s attempt %s lost its row", job, job.attempt)
    except JobCancelled:
        with override(job.language or None):
            grip.finish(State.CANCELLED, message=_("Cancelled."))
    except JobFailed as failure:
        grip.finish(State.FAILED, reason=failure.reason, message=str(failure))
    except MemoryError:
        grip.finish(State.FAILED, reason="out_of_memory", message=_("There was not enough memory."))
    except Exception as error:
        log.exception("%s failed", job)
        sentence = _("An unexpected error stopped this: %(error)s. The log of the worker has the details.")
        grip.finish(
            State.FAILED, reason="error", message=sentence % {"error": f"{type(error).__name__}: {error}"[:500]}
        )
    return True


def enqueue(job: Job) -> None:
    """Wake a worker after the commit. A broker that is away loses nothing: the reaper asks again."""
    transaction.on_commit(lambda: _wake(type(job), job.pk))


def _wake(model: type[Job], pk: int) -> None:
    try:
        current_app.send_task(model.TASK, args=[pk], retry=False)
    except Exception as error:
        log.warning("the queue did not take %s %s (%s); the reaper will ask again", model.__name__, pk, error)
        return
    model._default_manager.filter(pk=pk).update(woken_at=timezone.now())


def cancel(job: Job) -> bool:
    """Ask a live job to stop; a queued one stops at once. False where it has ended already."""
    rows = type(job)._default_manager.filter(pk=job.pk)
    if rows.filter(state=State.QUEUED).update(
        state=State.CANCELLED, cancel_requested=True, ended_at=timezone.now(), message=_("Cancelled.")
    ):
        return True
    return bool(rows.filter(state=State.RUNNING).update(cancel_requested=True))


def kinds() -> list[type[Job]]:
    """All concrete job models of the installed apps."""
    return [model for model in apps.get_models() if issubclass(model, Job)]


def reap() -> dict[str, int]:
    """Every minute: requeue or fail what lost its worker, wake what waits and was not woken lately."""
    counts = {"requeued": 0, "failed": 0, "woken": 0}
    now = timezone.now()
    for model in kinds():
        requeued, failed = model._default_manager.all().reap(now)  # type: ignore[attr-defined]
        counts["requeued"] += requeued
        counts["failed"] += failed
        stale = Q(woken_at=None) | Q(woken_at__lt=now - WAKE_AGAIN)
        waiting = model._default_manager.filter(stale, state=State.QUEUED, queued_at__lt=now - timedelta(seconds=5))
        for pk in waiting.values_list("pk", flat=True):
            _wake(model, pk)
            counts["woken"] += 1
    return counts


def begin(job: Job) -> bool:
    """Move a prepared job into the queue; False where that has happened already."""
    moved = (
        type(job)
        ._default_manager.filter(pk=job.pk, state=State.PREPARED)
        .update(state=State.QUEUED, queued_at=timezone.now(), language=get_language() or "", woken_at=None)
    )
    if moved:
        job.state = State.QUEUED
        enqueue(job)
    return bool(moved)

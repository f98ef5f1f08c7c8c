"""The cycle: on schedule or on demand, new gold becomes the next version, and the systems are run on it again."""

import json
import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from celery import current_app
from celery.schedules import ParseException
from django.db import IntegrityError, transaction
from django.utils import timezone as clock
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django_celery_beat.models import CrontabSchedule, PeriodicTask
from django_celery_beat.tzcrontab import TzAwareCrontab

from annotation import jobs
from annotation.jobs import LIVE, Grip, JobFailed, State
from annotation.models import Gold, Project, User
from evaluation import freezing, rules
from evaluation.models import Dataset, DatasetVersion, Refresh, Schedule, Submission, System

log = logging.getLogger("assay.refreshing")

DUE = "evaluation.refresh_due"
# The floor above runs systems; it is known here by the name of its task alone.
RERUN = "training.rerun"
POLL = 0.5


# -- The schedule -------------------------------------------------------------------------------------------------


def schedule_of(dataset: Dataset) -> Schedule:
    """The dataset's schedule, or an unsaved one with the defaults."""
    return Schedule.objects.filter(dataset=dataset).first() or Schedule(dataset=dataset)


@transaction.atomic
def set_schedule(
    *,
    dataset: Dataset,
    cron: str,
    timezone: str,
    enabled: bool,
    minimum: int,
    rerun: bool,
    user: User | None = None,
) -> Schedule:
    """Save the schedule and keep the periodic task in step with it.

    cron: minute, hour, day of month, month and day of week; timezone: a name such as Asia/Shanghai. Raises ValueError
    for what celery beat could not run.
    """
    fields = _cron(cron, timezone)
    if minimum < 1:
        raise ValueError(_("At least 1 new gold item must be needed."))
    schedule = Schedule.objects.select_for_update().filter(dataset=dataset).first() or Schedule(dataset=dataset)
    schedule.cron, schedule.timezone = " ".join(fields), timezone
    schedule.enabled, schedule.minimum, schedule.rerun = enabled, minimum, rerun
    schedule.save()
    beat = schedule.periodic or PeriodicTask(name=f"refresh of dataset {dataset.pk}")
    beat.task, beat.args, beat.enabled = DUE, json.dumps([schedule.pk]), enabled
    beat.crontab = _crontab(fields, timezone)
    # Only save() tells beat that something changed.
    beat.save()
    if schedule.periodic_id != beat.pk:
        Schedule.objects.filter(pk=schedule.pk).update(periodic=beat)
        schedule.periodic = beat
    log.info("%s set the schedule of dataset %s: %s", user, dataset.pk, schedule)
    return schedule


def _cron(cron: str, timezone: str) -> list[str]:
    """The five fields; raises ValueError."""
    if timezone not in available_timezones():
        raise ValueError(
            _("“%(zone)s” is no time zone. Use a name such as UTC, Europe/Berlin or Asia/Shanghai.")
            % {"zone": timezone}
        )
    fields = cron.split()
    if len(fields) != 5:
        raise ValueError(
            _("A schedule has five fields: minute, hour, day of month, month, day of week. “%(cron)s” has %(count)d.")
            % {"cron": cron, "count": len(fields)}
        )
    if len(" ".join(fields)) > 100:
        raise ValueError(_("A schedule has at most 100 characters."))
    try:
        _next(" ".join(fields), timezone)
    except (ValueError, ParseException, RuntimeError) as error:
        raise ValueError(
            _("“%(cron)s” cannot be a schedule: %(problem)s") % {"cron": cron, "problem": error}
        ) from error
    return fields


def _next(cron: str, timezone: str) -> datetime:
    """When the schedule fires next."""
    zone = ZoneInfo(timezone)
    now = clock.now().astimezone(zone)
    minute, hour, day, month, weekday = cron.split()
    # The class that beat itself goes by: celery's own thinks in the time zone of the application.
    plan = TzAwareCrontab(minute, hour, weekday, day, month, tz=zone, app=current_app)
    plan.nowfun = lambda: now
    moment: datetime = now + plan.remaining_estimate(now)
    return moment


def _crontab(fields: list[str], timezone: str) -> CrontabSchedule:
    names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    wanted = {**dict(zip(names, fields, strict=True)), "timezone": ZoneInfo(timezone)}
    return CrontabSchedule.objects.filter(**wanted).first() or CrontabSchedule.objects.create(**wanted)


def new_gold(version: DatasetVersion) -> int:
    """Items with gold that was settled after the version had read its gold."""
    questions = version.options["questions"]
    rows = Gold.objects.current().filter(project=version.dataset.project_id, question__in=questions)
    since = version.gold_until or version.frozen_at
    return rows.filter(settled_at__gt=since).values("item").distinct().count()


def standing(dataset: Dataset) -> dict[str, Any]:
    """What a page tells of a dataset: its schedule and next time, its latest version, what has come in, what runs."""
    schedule, latest = schedule_of(dataset), dataset.latest
    return {
        "dataset": dataset,
        "schedule": schedule,
        "next_at": _next(schedule.cron, schedule.timezone) if schedule.enabled else None,
        "latest": latest,
        "new_gold": new_gold(latest) if latest else 0,
        "needed": schedule.minimum,
        "live": dataset.refreshes.filter(state__in=LIVE).first(),
    }


# -- Asking -------------------------------------------------------------------------------------------------------


def due(schedule_id: int) -> Refresh | None:
    """The schedule has fired: ask for a refresh, unless it was switched off or removed meanwhile."""
    schedule = Schedule.objects.select_related("dataset").filter(pk=schedule_id, enabled=True).first()
    if schedule is None:
        return None
    try:
        return ask(dataset=schedule.dataset)
    except ValueError as error:
        log.warning("the refresh of dataset %s was due but cannot be: %s", schedule.dataset_id, error)
        return None


def ask(*, dataset: Dataset, user: User | None = None, forced: bool = False, wake: bool = True) -> Refresh:
    """Queue a refresh; where one waits or runs already, that one is returned. forced: freeze however little is new.

    Raises ValueError for a dataset without a frozen version. wake=False leaves the work to the caller.
    """
    if dataset.latest is None:
        raise ValueError(
            _("“%(name)s” has no frozen version yet. Freeze the first one; refreshes make the next ones.")
            % {"name": dataset}
        )
    try:
        with transaction.atomic():
            row = Refresh.objects.create(dataset=dataset, asked_by=user, forced=forced, language=get_language() or "")
    except IntegrityError:
        live = Refresh.objects.filter(dataset=dataset, state__in=LIVE).first()
        if live is None:
            raise
        return live
    if wake:
        jobs.enqueue(row)
    return row


# -- One turn -----------------------------------------------------------------------------------------------------


def refresh(row: Refresh, grip: Grip) -> dict[str, Any]:
    """One turn of the cycle. Safe to repeat: a version that an earlier attempt made is found through the row.

    Raises JobFailed with a sentence where the next version cannot be frozen.
    """
    turn = _Turn(row, grip)
    if not turn.begin():
        return turn.outcome(Refresh.Outcome.TOO_LITTLE)
    if not turn.freeze():
        return turn.outcome(Refresh.Outcome.UNCHANGED)
    turn.rerun()
    return turn.outcome(Refresh.Outcome.FROZEN)


class _Turn:
    """What one attempt of a refresh knows."""

    def __init__(self, row: Refresh, grip: Grip) -> None:
        self.row = Refresh.objects.select_related("dataset", "version").get(pk=row.pk)
        self.grip = grip
        self.dataset = self.row.dataset
        self.schedule = schedule_of(self.dataset)

    def say(self, text: str, **more: Any) -> None:
        """Add an event; the row keeps it at once, so that a later attempt knows what was done."""
        self.row.events.append({"at": clock.now().isoformat(), "text": text, **more})
        self.grip.rows.update(events=self.row.events)

    def outcome(self, outcome: str) -> dict[str, Any]:
        """The changes for the end of the row."""
        return {"outcome": outcome, "events": self.row.events}

    def begin(self) -> bool:
        """Count what is new and queue the next version; False where it is too little."""
        while self.row.version is None:
            self._await_others()
            base = self.dataset.latest
            if base is None:
                raise JobFailed(_("The dataset has no frozen version any more."))
            found, needed = new_gold(base), self.schedule.minimum
            self.grip.rows.update(new_gold=found, needed=needed)
            text = ngettext(
                "%(count)d item has new gold since %(number)s; %(needed)d are needed.",
                "%(count)d items have new gold since %(number)s; %(needed)d are needed.",
                found,
            )
            self.say(text % {"count": found, "number": base.number, "needed": needed})
            if found < needed and not self.row.forced:
                return False
            self._queue(base)
        return True

    def _await_others(self) -> None:
        """A freeze that a person asked for goes first."""
        live = DatasetVersion.objects.filter(dataset=self.dataset, state__in=LIVE).first()
        if live is not None:
            self._finish(live)

    def _queue(self, base: DatasetVersion) -> None:
        """The next version with the options of the last one; version and refresh know of each other or neither is."""
        project = Project.objects.select_related("version").get(pk=self.dataset.project_id)
        assert project.version is not None
        try:
            options = rules.check(project.version.schema, **base.options)
            with transaction.atomic():
                self.grip.hold()
                version = freezing.queue(
                    dataset=self.dataset,
                    guideline=project.version,
                    options=options,
                    change_note=_("Refresh of %(number)s.") % {"number": base.number},
                    user=self.row.asked_by,
                    wake=False,
                )
                self.grip.rows.update(version=version)
        except ValueError as error:
            if DatasetVersion.objects.filter(dataset=self.dataset, state__in=LIVE).exists():
                return  # somebody was faster; the next round waits for them
            raise JobFailed(_("The next version cannot be frozen: %(problem)s") % {"problem": error}) from error
        self.row.version = version

    def _finish(self, version: DatasetVersion) -> DatasetVersion:
        """Freeze it here, or wait for the worker that has it."""
        while version.is_live:
            if version.state != State.QUEUED or not jobs.run(DatasetVersion, version.pk, freezing.freeze):
                time.sleep(POLL)
            self.grip.check()
            version.refresh_from_db()
        return version

    def freeze(self) -> bool:
        """Freeze the queued version; False where nothing had changed, and then no version is left behind."""
        assert self.row.version is not None
        version = self._finish(self.row.version)
        if version.frozen_at is not None:
            if not any(event.get("version") == version.pk for event in self.row.events):
                text = _("Version %(number)s was frozen and its board opened.")
                self.say(text % {"number": version.number}, version=version.pk)
            return True
        if version.reason != "unchanged":
            raise JobFailed(version.message or _("The freeze was stopped."), reason=version.reason or "error")
        self.say(version.message)
        with transaction.atomic():
            self.grip.rows.update(version=None)
            version.delete()
        return False

    def rerun(self) -> None:
        """Ask for every system of the last board that can run again; each once, whatever the attempt."""
        assert self.row.version is not None
        if not self.schedule.rerun:
            self.say(_("The systems are not run again: the schedule says so."))
            return
        asked = {event.get("system") for event in self.row.events}
        systems = _systems_before(self.row.version)
        for system in systems:
            if system.pk not in asked:
                self._send(system, self.row.version)
        if not systems:
            self.say(_("No system of the earlier boards can be run again."))

    def _send(self, system: System, version: DatasetVersion) -> None:
        """The event is what asks; the message only wakes. What it does not wake is found there by training's beat."""
        self.grip.check()
        self.say(_("“%(system)s” was asked to run again.") % {"system": system}, system=system.pk)
        try:
            current_app.send_task(RERUN, args=[system.pk, version.pk], retry=False)
        except Exception as error:  # whatever the broker's library raises
            log.warning("the queue did not take the rerun of system %s (%s); it is asked again", system.pk, error)


def asked_lately(days: int = 7) -> Iterator[tuple[DatasetVersion, set[int]]]:
    """Versions that a refresh of the last days froze, each with the systems that it asked to run again."""
    since = clock.now() - timedelta(days=days)
    rows = Refresh.objects.filter(outcome=Refresh.Outcome.FROZEN, ended_at__gte=since, version__isnull=False)
    for row in rows.select_related("version__dataset"):
        assert row.version is not None
        yield row.version, {event["system"] for event in row.events if "system" in event}


def _systems_before(version: DatasetVersion) -> list[System]:
    """Systems that can run again, of any earlier board of the dataset: one that failed once is not forgotten.

    A system all of whose submissions were withdrawn stays away.
    """
    standing = Submission.objects.filter(state=State.DONE, withdrawn_at=None)
    standing = standing.filter(benchmark__version__dataset=version.dataset_id).exclude(benchmark__version=version)
    return list(System.objects.filter(pk__in=standing.values("system")).exclude(rerun={}).order_by("name"))

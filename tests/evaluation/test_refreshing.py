"""The cycle: schedules that beat can run, enough new gold, the next version, and the systems asked once."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from celery import current_app
from django.utils import timezone
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from annotation import jobs
from annotation import models as a
from annotation.jobs import JobCancelled
from evaluation import freezing, refreshing, tasks
from evaluation import models as e
from tests.conftest import make_gold, set_schema
from tests.evaluation.worlds import board_of, freeze, make_texts, predictions, queue, submit


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Messages to the queue, which takes them all."""
    taken: list[Any] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: taken.append((name, args)))
    return taken


@pytest.fixture
def dataset(project: a.Project, sent: list[Any]) -> e.Dataset:
    """A dataset with version 1.0.0 of 100 examples."""
    make_texts(project, 100)
    return freeze(project).dataset


def plan(dataset: e.Dataset, **options: Any) -> e.Schedule:
    defaults = {"cron": "0 6 * * 1", "timezone": "UTC", "enabled": True, "minimum": 5, "rerun": True}
    return refreshing.set_schedule(**{"dataset": dataset, "user": None, **defaults, **options})


def turn(dataset: e.Dataset, **options: Any) -> Any:
    """A refresh, done or failed."""
    row = refreshing.ask(dataset=dataset, **options)
    assert jobs.run(e.Refresh, row.pk, refreshing.refresh)
    return e.Refresh.objects.select_related("version__dataset").get(pk=row.pk)


def more(project: a.Project, count: int) -> list[a.Item]:
    place = project.documents.count()
    return make_texts(project, [f"New text number {place + n}." for n in range(count)])


def texts(row: Any) -> str:
    return " ".join(event["text"] for event in row.events)


# -- The schedule -----------------------------------------------------------------------------------------------------


def test_a_schedule_is_kept_in_step_with_beat(dataset: e.Dataset) -> None:
    schedule = plan(dataset, cron="*/15  8-18 * * mon-fri", timezone="Asia/Shanghai")
    beat = PeriodicTask.objects.get(pk=schedule.periodic_id)
    assert (beat.task, json.loads(beat.args), beat.enabled) == ("evaluation.refresh_due", [schedule.pk], True)
    assert (beat.crontab.minute, beat.crontab.hour, beat.crontab.day_of_week) == ("*/15", "8-18", "mon-fri")
    assert str(beat.crontab.timezone) == "Asia/Shanghai"
    assert schedule.cron == "*/15 8-18 * * mon-fri"
    changed = PeriodicTasks.last_change()
    again = plan(dataset, enabled=False, minimum=7)
    assert (again.pk, again.periodic_id) == (schedule.pk, schedule.periodic_id)
    beat.refresh_from_db()
    assert (beat.enabled, beat.crontab.minute) == (False, "0")
    assert PeriodicTasks.last_change() > changed
    assert PeriodicTask.objects.filter(task="evaluation.refresh_due").count() == 1


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"cron": "0 6 * *"}, "five fields"),
        ({"cron": "@daily"}, "five fields"),
        ({"cron": "61 6 * * 1"}, "61"),
        ({"cron": "0 6 31 2 *"}, "never occurs"),
        ({"cron": "a b c d e"}, "cannot be a schedule"),
        ({"cron": "0 6 * * " + "1," * 60 + "1"}, "at most 100"),
        ({"timezone": "Mars/Olympus"}, "no time zone"),
        ({"timezone": ""}, "no time zone"),
        ({"minimum": 0}, "At least 1"),
    ],
)
def test_what_beat_could_not_run_is_refused(dataset: e.Dataset, options: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        plan(dataset, **options)
    assert not e.Schedule.objects.exists()
    assert not PeriodicTask.objects.filter(task="evaluation.refresh_due").exists()


def test_the_next_time_is_told_in_the_zone_of_the_schedule(dataset: e.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    plan(dataset, timezone="Asia/Shanghai")
    now = datetime(2026, 5, 13, 12, 0, tzinfo=UTC)
    monkeypatch.setattr(refreshing.clock, "now", lambda: now)
    standing = refreshing.standing(dataset)
    assert standing["next_at"] == datetime(2026, 5, 18, 6, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert (standing["latest"].number, standing["needed"], standing["live"]) == ("1.0.0", 5, None)


def test_standing_without_a_schedule_has_the_defaults(dataset: e.Dataset, project: a.Project) -> None:
    more(project, 3)
    standing = refreshing.standing(dataset)
    assert (standing["new_gold"], standing["needed"], standing["next_at"]) == (3, 50, None)
    assert not standing["schedule"].enabled


# -- Asking -----------------------------------------------------------------------------------------------------------


def test_there_is_one_refresh_at_a_time(dataset: e.Dataset) -> None:
    first = refreshing.ask(dataset=dataset)
    assert refreshing.ask(dataset=dataset, forced=True) == first
    assert e.Refresh.objects.count() == 1


def test_a_dataset_without_a_version_is_frozen_by_a_person_first(project: a.Project) -> None:
    dataset = e.Dataset.objects.create(project=project, name="Empty", slug="empty")
    with pytest.raises(ValueError, match="Freeze the first one"):
        refreshing.ask(dataset=dataset)


def test_a_schedule_that_fires_asks_unless_it_is_off(dataset: e.Dataset, project: a.Project) -> None:
    schedule = plan(dataset)
    assert tasks.refresh_due(schedule.pk) == e.Refresh.objects.get().pk
    assert tasks.refresh_due(schedule.pk) == e.Refresh.objects.get().pk
    plan(dataset, enabled=False)
    assert tasks.refresh_due(schedule.pk) is None
    assert tasks.refresh_due(10**6) is None
    empty = e.Dataset.objects.create(project=project, name="Empty", slug="empty")
    assert tasks.refresh_due(plan(empty).pk) is None


# -- One turn ---------------------------------------------------------------------------------------------------------


def test_too_little_new_gold_freezes_nothing(dataset: e.Dataset, project: a.Project) -> None:
    plan(dataset)
    more(project, 4)
    row = turn(dataset)
    assert (row.state, row.outcome, row.new_gold, row.needed, row.version) == ("done", "too_little", 4, 5, None)
    assert "4 items" in texts(row)
    assert e.DatasetVersion.objects.count() == 1


def test_enough_new_gold_freezes_the_next_version_and_nothing_old_moves(
    dataset: e.Dataset, project: a.Project, cast: dict[str, a.User]
) -> None:
    plan(dataset)
    before = dict(e.Example.objects.values_list("key", "split"))
    more(project, 5)
    row = turn(dataset, user=cast["dave"])
    assert (row.state, row.outcome, row.version.number) == ("done", "frozen", "1.1.0")
    after = dict(e.Example.objects.filter(version=row.version).values_list("key", "split"))
    assert {key: after[key] for key in before} == before
    assert len(after) == 105
    assert row.version.options == dataset.versions.get(minor=0).options
    assert row.version.created_by == cast["dave"]
    assert board_of(row.version).primary_metric == "macro_f1"
    assert "1.1.0" in texts(row)
    assert all(datetime.fromisoformat(event["at"]) <= timezone.now() for event in row.events)
    # What is in the version now is no longer new.
    assert turn(dataset).outcome == "too_little"


def test_gold_that_was_changed_counts_as_new(dataset: e.Dataset, project: a.Project) -> None:
    plan(dataset, minimum=1)
    gold = a.Gold.objects.first()
    a.Gold.objects.filter(pk=gold.pk).update(superseded_at=timezone.now())
    make_gold(gold.item, "neutral")
    row = turn(dataset)
    assert (row.new_gold, row.version.number) == (1, "2.0.0")


def test_forced_it_freezes_however_little_is_new(dataset: e.Dataset, project: a.Project) -> None:
    more(project, 1)
    row = turn(dataset, forced=True)
    assert (row.outcome, row.version.number, row.needed) == ("frozen", "1.1.0", 50)


def test_forced_without_any_change_no_version_is_made(dataset: e.Dataset) -> None:
    row = turn(dataset, forced=True)
    assert (row.state, row.outcome, row.version) == ("done", "unchanged", None)
    assert "Nothing has changed since 1.0.0" in texts(row)
    assert e.DatasetVersion.objects.count() == 1


def test_a_freeze_that_fails_fails_the_refresh_with_its_sentence(dataset: e.Dataset, project: a.Project) -> None:
    a.Gold.objects.update(superseded_at=timezone.now())
    row = turn(dataset, forced=True)
    assert (row.state, row.outcome) == ("failed", "")
    assert "No item has gold" in row.message


def test_a_question_that_is_gone_fails_the_refresh_with_a_sentence(dataset: e.Dataset, project: a.Project) -> None:
    [asked] = project.version.schema["questions"]
    set_schema(project, {"questions": [{**asked, "name": "mood"}]})
    row = turn(dataset, forced=True)
    assert (row.state, row.version) == ("failed", None)
    assert "There is no question “sentiment”" in row.message


def test_a_freeze_under_way_is_finished_first(dataset: e.Dataset, project: a.Project) -> None:
    more(project, 60)
    theirs = queue(project)
    row = turn(dataset)
    theirs.refresh_from_db()
    assert theirs.number == "1.1.0"
    assert (row.outcome, row.new_gold) == ("too_little", 0)


# -- The systems ------------------------------------------------------------------------------------------------------


@pytest.fixture
def systems(dataset: e.Dataset) -> dict[str, e.System]:
    """On the board of 1.0.0: probe and majority, which run here, an upload, and a run that was withdrawn."""
    board = board_of(dataset.latest)
    for place, name in enumerate(("probe", "majority", "withdrawn")):
        submit(board, name, predictions(board, wrong=place), rerun={"recipe": name}, origin={"run": place})
    submit(board, "upload", predictions(board, wrong=5))
    e.Submission.objects.filter(system__name="withdrawn").update(withdrawn_at=timezone.now())
    return {system.name: system for system in e.System.objects.all()}


def test_the_systems_of_the_last_board_are_asked_to_run_again(
    dataset: e.Dataset, project: a.Project, systems: dict[str, e.System], sent: list[Any]
) -> None:
    more(project, 1)
    row = turn(dataset, forced=True)
    asked = {systems["probe"].pk, systems["majority"].pk}
    assert sorted(sent) == sorted(("training.rerun", [pk, row.version_id]) for pk in asked)
    assert {event["system"] for event in row.events if "system" in event} == asked
    assert "“probe” was asked" in texts(row)


def test_a_system_that_failed_on_the_last_board_runs_on_the_next_one(
    dataset: e.Dataset, project: a.Project, systems: dict[str, e.System], sent: list[Any]
) -> None:
    more(project, 1)
    second = freeze(project)
    submit(
        board_of(second), "majority", predictions(board_of(second)), rerun=systems["majority"].rerun, origin={"run": 9}
    )
    sent.clear()
    more(project, 1)
    row = turn(dataset, forced=True)
    asked = {args[0] for name, args in sent if name == "training.rerun"}
    assert asked == {systems["probe"].pk, systems["majority"].pk}
    assert row.outcome == "frozen"


def test_a_board_without_submissions_in_between_breaks_no_chain(
    dataset: e.Dataset, project: a.Project, systems: dict[str, e.System], sent: list[Any]
) -> None:
    more(project, 1)
    freeze(project)
    more(project, 1)
    row = turn(dataset, forced=True)
    assert row.version.number == "1.2.0"
    assert {args[0] for _name, args in sent} == {systems["probe"].pk, systems["majority"].pk}


def test_nothing_runs_again_where_the_schedule_says_so(
    dataset: e.Dataset, project: a.Project, systems: dict[str, e.System], sent: list[Any]
) -> None:
    plan(dataset, rerun=False, minimum=1)
    more(project, 1)
    row = turn(dataset)
    assert row.outcome == "frozen"
    assert sent == []
    assert "not run again" in texts(row)


def test_a_queue_that_does_not_answer_loses_no_rerun(
    dataset: e.Dataset, project: a.Project, systems: dict[str, e.System], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(name: str, **options: Any) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(current_app, "send_task", away)
    more(project, 1)
    row = turn(dataset, forced=True)
    assert (row.state, row.outcome) == ("done", "frozen")
    # The events are what asks: training finds there what no message has woken.
    [(version, systems_asked)] = refreshing.asked_lately()
    assert (version, len(systems_asked)) == (row.version, 2)


# -- Again after a loss -----------------------------------------------------------------------------------------------


class Killed(BaseException):
    """As if the process had ended here."""


def attempt(row: Any) -> None:
    """One attempt whose worker dies somewhere; the reaper then finds the lease run out."""
    with pytest.raises(Killed):
        jobs.run(e.Refresh, row.pk, refreshing.refresh)
    e.Refresh.objects.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert e.Refresh.objects.all().reap() == (1, 0)


@pytest.mark.parametrize("place", ["_queue", "freeze", "rerun"])
def test_an_attempt_lost_anywhere_is_made_good(
    dataset: e.Dataset,
    project: a.Project,
    systems: dict[str, e.System],
    sent: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    more(project, 3)
    row = refreshing.ask(dataset=dataset, forced=True)
    whole = getattr(refreshing._Turn, place)

    def dying(self: Any, *args: Any) -> Any:
        whole(self, *args)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(refreshing._Turn, place, dying)
        attempt(row)
    assert jobs.run(e.Refresh, row.pk, refreshing.refresh)
    row.refresh_from_db()
    assert (row.state, row.outcome, row.version.number) == ("done", "frozen", "1.1.0")
    assert e.DatasetVersion.objects.count() == 2
    assert sorted(sent) == sorted(
        ("training.rerun", [systems[name].pk, row.version_id]) for name in ("probe", "majority")
    )
    assert texts(row).count("was frozen") == 1


def test_a_system_asked_before_the_loss_is_not_asked_again(
    dataset: e.Dataset,
    project: a.Project,
    systems: dict[str, e.System],
    sent: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    more(project, 1)
    row = refreshing.ask(dataset=dataset, forced=True)
    whole = refreshing._Turn._send

    def once(self: Any, system: Any, version: Any) -> None:
        whole(self, system, version)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(refreshing._Turn, "_send", once)
        attempt(row)
    assert len(sent) == 1
    assert jobs.run(e.Refresh, row.pk, refreshing.refresh)
    assert {args[0] for _name, args in sent} == {systems["probe"].pk, systems["majority"].pk}
    assert len(sent) == 2


def test_the_version_of_a_lost_attempt_may_be_finished_by_another_worker(
    dataset: e.Dataset, project: a.Project, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    more(project, 1)
    row = refreshing.ask(dataset=dataset, forced=True)

    def dying(version: Any, grip: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(freezing, "freeze", dying)
        attempt(row)
    row.refresh_from_db()
    e.DatasetVersion.objects.filter(pk=row.version_id).update(state="queued", token=None)
    assert tasks.run_freeze(row.version_id)
    assert tasks.run_refresh(row.pk)
    row.refresh_from_db()
    assert (row.outcome, row.version.number) == ("frozen", "1.1.0")


def test_a_cancelled_refresh_asks_no_system(
    dataset: e.Dataset,
    project: a.Project,
    systems: dict[str, e.System],
    sent: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    more(project, 1)
    whole = refreshing._Turn.freeze

    def cancelled(self: Any) -> bool:
        whole(self)
        raise JobCancelled

    monkeypatch.setattr(refreshing._Turn, "freeze", cancelled)
    row = turn(dataset, forced=True)
    assert (row.state, row.outcome, sent) == ("cancelled", "", [])

"""The train command: what it starts, how it waits, what it prints and how it ends."""

import json
import threading
import time
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from annotation import jobs
from annotation.jobs import State
from evaluation.models import Dataset
from tests.conftest import make_project
from tests.training.worlds import SIZES, make_version, thaw, trainer
from training import running
from training.management.commands import train
from training.models import Run


@pytest.fixture(autouse=True)
def quick(tmp_path, settings, monkeypatch) -> None:
    settings.RUNS_ROOT = tmp_path / "runs"
    settings.JOB_HEARTBEAT = 0.1
    settings.TRAINER = trainer("ok")
    monkeypatch.setattr(train, "PATIENCE", 0.2)
    monkeypatch.setattr(train, "POLL", 0.05)


@pytest.fixture
def version(cast):
    return make_version(make_project(cast))


@pytest.fixture
def live(transactional_db, cast):
    yield make_version(make_project(cast))
    thaw()


def command(*arguments: str, recipe: str = "majority") -> tuple[str, str]:
    """What the command prints on stdout and stderr."""
    out, err = StringIO(), StringIO()
    call_command("train", "--project", "sentiment", "--recipe", recipe, *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


# -- Which version and question ---------------------------------------------------------------------------------------


def test_without_wait_the_run_is_queued_and_named(version):
    out, _ = command()
    run = Run.objects.get()
    assert out.strip() == f"Run {run.pk} is queued: {run.system} on Main 1.0.0."
    assert (run.state, run.version, run.question, run.seed) == (State.QUEUED, version, "sentiment", 13)


def test_with_json_the_queued_run_is_told_as_json(version):
    told = json.loads(command("--json")[0])
    run = Run.objects.get()
    expected = {
        "run": run.pk,
        "state": "queued",
        "dataset": "Main",
        "version": "1.0.0",
        "recipe": "majority",
        "seed": 13,
    }
    assert told.items() >= expected.items()
    assert "scores" not in told


def test_options_seed_and_name_reach_the_run(version):
    command("--option", "strength=2.5", "--seed", "7", "--name", "Words", recipe="tfidf_logreg")
    run = Run.objects.get()
    assert (run.options["strength"], run.seed, run.system.name) == (2.5, 7, "Words")


def test_a_run_is_started_in_the_name_of_who_asked_for_it(version, cast):
    command("--user", "erin")
    assert Run.objects.get().created_by == cast["erin"]


def test_the_latest_version_is_taken_unless_another_is_named(version):
    make_version(version.project, number="1.10.0")
    make_version(version.project, number="1.9.0")
    command()
    command("--version", "1.9.0")
    command("--version", "latest", "--dataset", "main", "--question", "sentiment")
    assert [run.version.number for run in Run.objects.order_by("pk")] == ["1.10.0", "1.9.0", "1.10.0"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--dataset", "main", "--version", "9.9.9"],
            "There is no frozen version 9.9.9. There are: 1.0.0.",
        ),
        (["--dataset", "other"], "Name one of the project's datasets with --dataset. There are: “Empty”, “Main”."),
        ([], "Name one of the project's datasets with --dataset. There are: “Empty”, “Main”."),
        (["--dataset", "empty"], "There is no frozen version yet. Freeze one first."),
        (["--dataset", "main", "--question", "topic"], "with --question. There are: sentiment."),
        (["--dataset", "main", "--user", "nobody"], "There is no user “nobody”."),
        (["--dataset", "main", "--option", "strength"], "--option strength: write it as name=value."),
        (["--dataset", "main", "--option", "magic=1"], "magic"),
        (["--dataset", "main", "--seed", "-1"], "The seed must be a whole number"),
    ],
)
def test_what_cannot_be_found_is_said_with_what_there_is(version, arguments, sentence):
    Dataset.objects.create(project=version.project, slug="empty", name="Empty")
    with pytest.raises(CommandError) as refusal:
        command(*arguments)
    assert sentence in str(refusal.value)
    assert refusal.value.returncode == 1
    assert not Run.objects.exists()


def test_an_unknown_project_is_said(db):
    with pytest.raises(CommandError, match="There is no project “sentiment”"):
        command()


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("epochs=3", ("epochs", 3)),
        ("rate=1e-4", ("rate", 1e-4)),
        ("features=word", ("features", "word")),
        ("on=true", ("on", True)),
        ("odd=a=b", ("odd", "a=b")),
        ("empty=", ("empty", "")),
    ],
)
def test_option_values_are_json_where_they_can_be(text, pair):
    assert train.parse_option(text) == pair


# -- Waiting ----------------------------------------------------------------------------------------------------------


def test_with_wait_and_no_worker_the_work_is_done_here_and_the_scores_are_printed(live, settings):
    settings.TRAINER = trainer("slow", 1)
    out, err = command("--wait")
    told, run = json.loads(out), Run.objects.get()
    assert (run.state, run.attempt) == (State.DONE, 1)
    assert (told["run"], told["state"], told["submission"]) == (run.pk, "done", run.submission.pk)
    accuracy = next(score for score in told["scores"] if score["metric"] == "accuracy")
    assert (accuracy["n"], accuracy["label"]) == (SIZES["test"], "")
    assert accuracy["value"] == pytest.approx(1 / 3)
    assert told["dev"] == {"macro_f1": 0.25}
    assert "%" in err
    assert "step" in err


def test_with_wait_a_worker_that_takes_the_run_is_followed(live, monkeypatch):
    monkeypatch.setattr(train, "PATIENCE", 60)
    monkeypatch.setattr(train, "_work", lambda pk: pytest.fail("the command did the work itself"))

    def worker() -> None:
        try:
            deadline = time.monotonic() + 20
            while not (run := Run.objects.first()) and time.monotonic() < deadline:
                time.sleep(0.05)
            jobs.run(Run, run.pk, running.execute)
        finally:
            connection.close()

    thread = threading.Thread(target=worker)
    thread.start()
    out, _ = command("--wait")
    thread.join()
    assert json.loads(out)["state"] == "done"


def test_with_wait_a_run_whose_worker_was_lost_is_taken_over(live, monkeypatch):
    """The row says that a worker runs it; the worker is gone and the reaper puts the row back into the queue."""
    real = running.start

    def start(**fields: Any) -> Run:
        run = real(**fields)
        Run.objects.claim(run.pk)
        timer = threading.Timer(0.5, reaped, [run.pk])
        timer.start()
        return Run.objects.get(pk=run.pk)

    def reaped(pk: int) -> None:
        try:
            Run.objects.filter(pk=pk).update(state=State.QUEUED, token=None)
        finally:
            connection.close()

    monkeypatch.setattr(running, "start", start)
    told = json.loads(command("--wait")[0])
    assert (told["state"], Run.objects.get().attempt) == ("done", 2)


def test_a_failed_run_exits_with_one_and_its_sentence(live, settings):
    settings.TRAINER = trainer("failed")
    with pytest.raises(CommandError) as failure:
        command("--wait")
    assert str(failure.value) == "Batches of 64 do not fit; halve batch_size."
    assert failure.value.returncode == 1


def test_a_failed_run_is_told_as_json_too_where_that_was_asked_for(live, settings):
    settings.TRAINER = trainer("failed")
    out = StringIO()
    with pytest.raises(CommandError):
        call_command(
            *("train", "--project", "sentiment", "--recipe", "majority", "--wait", "--json"),
            stdout=out,
            stderr=StringIO(),
        )
    told = json.loads(out.getvalue())
    assert (told["state"], told["reason"]) == ("failed", "out_of_memory")
    assert told["message"] == "Batches of 64 do not fit; halve batch_size."


def test_ctrl_c_cancels_the_run_and_waits_for_its_end(live, settings, monkeypatch):
    settings.TRAINER = trainer("slow", 600)
    real, pressed = time.sleep, []

    def sleep(seconds: float) -> None:
        here = threading.current_thread() is threading.main_thread()
        if here and not pressed and Run.objects.filter(phase="train").exists():
            pressed.append(True)
            raise KeyboardInterrupt
        real(seconds)

    monkeypatch.setattr(train.time, "sleep", sleep)
    with pytest.raises(CommandError, match="Cancelled"):
        command("--wait")
    assert pressed
    assert Run.objects.get().state == State.CANCELLED

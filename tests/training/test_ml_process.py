"""The child as a real process: SIGTERM, kill -9, a dead parent, too little memory, and what it says of itself."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.training.jobs import ROOT, lines, make_base_model, make_job, make_rows, result, run, start, steps, wait_for
from training.ml import process
from training.ml.process import Cancelled, Stop, is_out_of_memory
from training.ml.progress import Progress

TIMEOUT = 300
OPTIONS = {"epochs": 40, "batch_size": 8, "learning_rate": 1e-4}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return make_base_model(tmp_path_factory.mktemp("base") / "tiny")


def weights(folder: Path) -> bytes:
    return (folder / "checkpoint" / "model.safetensors").read_bytes()


@pytest.mark.slow
def test_stopped_by_sigterm_and_then_by_kill_9_a_run_started_again_ends_with_the_same_bits(
    base: dict[str, str], tmp_path: Path
) -> None:
    folder = make_job(tmp_path / "disturbed", "finetune_top2", base_model=base, options=OPTIONS)
    child = start(folder)
    wait_for(lambda: steps(folder))
    child.send_signal(signal.SIGTERM)
    assert child.wait(TIMEOUT) == 0
    stopped = result(folder)
    assert (stopped["state"], stopped["reason"]) == ("cancelled", "cancelled")
    assert not (folder / "checkpoint").exists()

    state, told = folder / "state" / "run.safetensors", len(lines(folder / "progress.jsonl"))
    saved, reached = state.stat().st_mtime_ns, max(steps(folder))
    child = start(folder)
    wait_for(lambda: state.stat().st_mtime_ns != saved)
    child.kill()
    child.wait(TIMEOUT)
    assert not (folder / "result.json").exists()
    with (folder / "progress.jsonl").open("a") as file:
        file.write('{"time": 1, "pha')

    assert start(folder).wait(TIMEOUT) == 0
    assert result(folder)["state"] == "done"
    assert min(line["step"] for line in lines(folder / "progress.jsonl")[told:] if line.get("epoch")) > reached
    straight = make_job(tmp_path / "straight", "finetune_top2", base_model=base, options=OPTIONS)
    assert run(straight)["state"] == "done"
    assert weights(folder) == weights(straight)


def test_the_child_stops_when_the_process_that_started_it_is_gone(base: dict[str, str], tmp_path: Path) -> None:
    options = OPTIONS | {"epochs": 5000}
    folder = make_job(tmp_path, "finetune_full", base_model=base, options=options)
    code = (
        "import os, subprocess, sys, time\n"
        f"command = [sys.executable, '-m', 'training.ml', {str(folder)!r}, '--parent', str(os.getpid())]\n"
        "child = subprocess.Popen(command, start_new_session=True)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(120)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    try:
        wait_for(lambda: steps(folder))
        parent.kill()
        parent.wait(TIMEOUT)
        wait_for((folder / "result.json").exists)
    finally:
        parent.kill()
        if not (folder / "result.json").exists():
            os.kill(child, signal.SIGKILL)
    ended = result(folder)
    assert ended["state"] == "cancelled"
    assert ended["message"].startswith("The process that started the run ended, so the run stopped. Its state is kept")
    assert (folder / "state" / "run.safetensors").exists()


def test_a_parent_that_is_gone_before_the_start_stops_the_child_at_once() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait(TIMEOUT)
    assert not process._alive(gone.pid)
    assert process._alive(os.getpid())
    assert process._alive(1)


@pytest.mark.parametrize("memory_mb", [120, 800])
def test_too_little_memory_is_a_result_and_not_a_crash(base: dict[str, str], tmp_path: Path, memory_mb: int) -> None:
    rows = [row | {"text": " ".join([row["text"]] * 40)} for row in make_rows(1000)]
    folder = make_job(
        tmp_path,
        "finetune_full",
        base_model=base,
        options={"batch_size": 1000},
        limits={"memory_mb": memory_mb},
        splits={"train": rows, "dev": [], "test": []},
    )
    assert start(folder).wait(TIMEOUT) == 1
    ended = result(folder)
    assert (ended["state"], ended["reason"]) == ("failed", "out_of_memory"), ended["message"]
    assert ended["message"].startswith("The run needed more memory than it may use.")


def test_a_missing_folder_and_broken_input_end_with_their_exit_codes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training.ml", str(tmp_path / "none")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no folder" in done.stderr
    folder = make_job(tmp_path / "job", splits={"train": []})
    child = start(folder)
    assert child.wait(TIMEOUT) == 1
    assert result(folder)["reason"] == "bad_input"
    assert "failed: train.jsonl holds no texts" in (folder / "log.txt").read_text()


def _signal_myself_and_wait() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)
    pytest.fail("the signal did not interrupt")


def test_a_wish_to_stop_is_raised_where_asked_for_and_at_once_inside_a_long_fit() -> None:
    stop = Stop()
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    stop.listen()
    try:
        stop.check()
        with pytest.raises(Cancelled), stop.at_once():
            _signal_myself_and_wait()
        with pytest.raises(Cancelled):
            stop.check()
        with pytest.raises(Cancelled), stop.at_once():
            pytest.fail("a stop asked for earlier was overlooked")
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])


def test_want_of_memory_is_told_from_other_errors_also_as_their_cause() -> None:
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(OSError(12, "Cannot allocate memory"))
    assert is_out_of_memory(
        RuntimeError("[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory")
    )
    assert is_out_of_memory(RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    wrapped = ImportError("no")
    wrapped.__cause__ = ImportError("x.so: failed to map segment from shared object")
    assert is_out_of_memory(wrapped)
    assert not is_out_of_memory(ValueError("bad"))
    assert not is_out_of_memory(None)


def test_what_is_used_is_this_process_alone_and_grows(tmp_path: Path) -> None:
    code = "from training.ml.process import used; import json; print(json.dumps(used()))"
    ballast = bytearray(300 * 2**20)
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    child = json.loads(out.stdout)
    assert 5 < child["peak_memory_mb"] < 150, "the parent's memory was counted"
    assert 0 < child["cpu_seconds"] < 5
    assert process.used()["peak_memory_mb"] > len(ballast) / 2**20


def test_threads_are_told_to_every_numeric_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"OMP_NUM_THREADS": "64"})
    process.prepare_environment(3)
    assert os.environ["OMP_NUM_THREADS"] == os.environ["OPENBLAS_NUM_THREADS"] == "3"
    assert os.environ["TOKENIZERS_PARALLELISM"] == "false"


def test_progress_is_throttled_but_new_phases_and_scores_pass(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    progress = Progress(path, every=3600)
    progress.write("load")
    for step in range(1, 50):
        progress.write("train", step=step, steps=50, loss=0.5)
    progress.write("train", step=50, steps=50, loss=0.5, dev={"macro_f1": 0.9})
    progress.write("predict", step=0, steps=4)
    assert [(line["phase"], line.get("step")) for line in lines(path)] == [
        ("load", None),
        ("train", 1),
        ("train", 50),
        ("predict", 0),
    ]


def test_a_torn_last_line_of_progress_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    path.write_text('{"time": 1, "phase": "load"}\n{"time": 2, "ph')
    Progress(path).write("train")
    assert [line["phase"] for line in lines(path)] == ["load", "train"]


def test_a_watched_parent_that_lives_stops_nothing() -> None:
    stop, threads = Stop(), threading.active_count()
    stop.watch_parent(os.getppid(), every=0.01)
    time.sleep(0.1)
    assert threading.active_count() == threads + 1
    assert not stop.requested

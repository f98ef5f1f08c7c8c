"""The child process: its command and environment, the lock on its folder, its end, its log and its lines."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from training import launching
from training.launching import Busy, Child

SLEEPER = "import time; print('here', flush=True); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
# A leader that starts a second process in its group and waits for it, or does not.
HELPER = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STUBBORN!r}], close_fds=False); "
FAMILY, DESERTER = HELPER + SLEEPER, HELPER + "import time; time.sleep(1)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def start(folder: Path, settings, code: str) -> Child:
    """A trainer that runs this Python code, ready once it has printed its first line."""
    script = folder / "trainer.py"
    script.write_text(code)
    settings.TRAINER = f"{sys.executable} {script} {{folder}}"
    with launching.lock(folder) as held:
        child = Child(folder, held=held)
    wait_for(lambda: b"here" in (folder / "log.txt").read_bytes())
    return child


def wait_for(question, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs; a dead one that nobody has collected yet does not."""
    stat = launching._stat(pid)
    return bool(stat) and stat[0] != "Z"


def group(pid: int) -> list[int]:
    found = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [one for one in found if (stat := launching._stat(one)) and stat[2] == str(pid) and stat[0] != "Z"]


# -- Starting ---------------------------------------------------------------------------------------------------------


def test_the_engine_is_started_with_the_folder_and_our_process_id(folder, settings):
    settings.TRAINER = ""
    assert launching.command(folder) == [
        *(sys.executable, "-m", "training.ml", str(folder)),
        *("--parent", str(os.getpid())),
    ]


def test_a_foreign_trainer_gets_the_folder_where_its_command_says_so(folder, settings):
    settings.TRAINER = "sbatch --wait 'my job.sh' --in={folder}/in {folder}"
    assert launching.command(folder) == ["sbatch", "--wait", "my job.sh", f"--in={folder}/in", str(folder)]


def test_the_trainer_sees_no_secret_of_ours(folder, settings, monkeypatch):
    secrets = {
        "SECRET_KEY": "key",
        "DATABASE_URL": "postgresql://user:pass@host/name",
        "CELERY_BROKER_URL": "redis://:pass@host",
        "CACHE_URL": "redis://:pass@host",
        "EMAIL_HOST_PASSWORD": "pass",
        "AWS_SECRET_ACCESS_KEY": "key",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    code = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1] + '/seen.json', 'w')); print('here')"
    with start(folder, settings, code) as child:
        wait_for(lambda: child.poll() is not None)
    seen = json.loads((folder / "seen.json").read_text())
    assert not set(secrets) & set(seen)
    assert seen["PATH"] == os.environ["PATH"]
    assert seen["OMP_NUM_THREADS"] == seen["MKL_NUM_THREADS"] == str(launching.manifest.threads())
    assert (seen["TOKENIZERS_PARALLELISM"], seen["HF_HUB_OFFLINE"]) == ("false", os.environ.get("HF_HUB_OFFLINE", "1"))


def test_the_hub_is_reached_only_where_the_environment_says_so(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert launching.environment()["HF_HUB_OFFLINE"] == "1"
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    assert launching.environment()["HF_HUB_OFFLINE"] == "0"


def test_the_trainer_runs_in_a_session_of_its_own_and_is_on_record(folder, settings):
    with start(folder, settings, SLEEPER) as child:
        assert os.getsid(child.pid) == os.getpgid(child.pid) == child.pid
        record = json.loads((folder / "child.json").read_text())
        assert record == {"pid": child.pid, "started": launching.identity(child.pid)}
        assert record["started"]
    assert not is_alive(child.pid)


def test_a_command_that_is_not_there_is_an_error_and_leaves_the_folder_free(folder, settings):
    settings.TRAINER = str(folder / "no-such-trainer")
    with pytest.raises(FileNotFoundError), launching.lock(folder) as held:
        Child(folder, held=held)
    with launching.lock(folder):
        pass


# -- Ending -----------------------------------------------------------------------------------------------------------


def test_stop_asks_first_and_the_trainer_may_tidy_up(folder, settings):
    code = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); " + SLEEPER
    child = start(folder, settings, code)
    child.stop()
    assert (child.poll(), child.killed) == (7, False)


def test_stop_kills_what_does_not_listen_with_its_whole_group(folder, settings):
    child = start(folder, settings, FAMILY)
    wait_for(lambda: (folder / "log.txt").read_bytes().count(b"here") == 2)
    assert len(group(child.pid)) == 2
    child.stop(grace=0.3)
    wait_for(lambda: not group(child.pid))
    assert child.poll() == -15  # the leader listened, its helper had to be killed


def test_stop_kills_a_leader_that_ignores_the_wish(folder, settings):
    child = start(folder, settings, STUBBORN)
    child.stop(grace=0.3)
    assert (child.poll(), child.killed) == (-9, True)


def test_leaving_the_block_by_an_error_ends_the_trainer_at_once(folder, settings):
    with pytest.raises(ZeroDivisionError), start(folder, settings, STUBBORN) as child:
        raise ZeroDivisionError
    assert not is_alive(child.pid)


def test_helpers_that_outlive_their_leader_are_ended_too(folder, settings):
    with start(folder, settings, DESERTER) as child:
        wait_for(lambda: child.poll() is not None)
        assert group(child.pid)
    wait_for(lambda: not group(child.pid))


def test_memory_is_that_of_the_whole_group(folder, settings):
    eater = "block = bytearray(b'x') * (60 * 2**20); "
    with start(folder, settings, eater + FAMILY) as child:
        wait_for(lambda: (folder / "log.txt").read_bytes().count(b"here") == 2)
        both = child.memory_mb()
        assert 65 < both < 200
    # The helper was killed with the group, but nobody waits for it: the kernel may take a moment.
    wait_for(lambda: child.memory_mb() == 0)


# -- One trainer per folder -------------------------------------------------------------------------------------------


def test_the_trainer_holds_the_folder_until_it_ends(folder, settings):
    child = start(folder, settings, SLEEPER)
    with (folder / "lock").open() as file:
        assert not launching._locked(file)
        child.kill()
        assert launching._locked(file)


def test_a_trainer_left_behind_is_ended_before_another_one_starts(folder, settings, monkeypatch):
    monkeypatch.setattr(launching, "LEFTOVER_GRACE", 0.3)
    child = start(folder, settings, STUBBORN)
    asked = []
    with launching.lock(folder, waiting=lambda: asked.append(is_alive(child.pid))):
        assert not is_alive(child.pid)
    assert asked[0]
    child.kill()


def test_waiting_for_the_folder_can_be_called_off(folder, settings):
    def lost() -> None:
        raise ZeroDivisionError

    with start(folder, settings, SLEEPER), pytest.raises(ZeroDivisionError), launching.lock(folder, waiting=lost):
        pass


def test_a_stranger_with_the_process_id_of_an_old_trainer_is_left_alone(folder, settings, monkeypatch):
    monkeypatch.setattr(launching, "LEFTOVER_GRACE", 0.1)
    monkeypatch.setattr(launching, "LEFTOVER_PATIENCE", 0.5)
    stranger = subprocess.Popen([sys.executable, "-c", SLEEPER], stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        record = {"pid": stranger.pid, "started": launching.identity(os.getpid())}
        (folder / "child.json").write_text(json.dumps(record))
        with launching.lock(folder), pytest.raises(Busy), launching.lock(folder):
            pass
        assert is_alive(stranger.pid)
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("record", ["", "{", "[]", "{}", '{"pid": "x", "started": "y"}', '{"pid": 1, "started": ""}'])
def test_a_record_that_says_nothing_useful_harms_nobody(folder, record, monkeypatch):
    monkeypatch.setattr(os, "killpg", lambda *_: pytest.fail("something was signalled"))
    (folder / "child.json").write_text(record)
    launching._signal_leftover(folder, launching.signal.SIGKILL)


def test_a_process_that_does_not_exist_has_no_identity():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert launching.identity(gone.pid) == ""
    assert launching.identity(os.getpid()) == launching.identity(os.getpid()) != ""


# -- The log ----------------------------------------------------------------------------------------------------------


def test_a_log_that_grows_too_long_keeps_its_end_and_goes_on(folder, settings, monkeypatch):
    monkeypatch.setattr(launching, "LOG_LIMIT", 100_000)
    monkeypatch.setattr(launching, "LOG_KEPT", 10_000)
    code = "import time; print('here', flush=True)\nfor n in range(30_000): print('line', n, flush=n % 100 == 0)\nprint('last')"
    with start(folder, settings, code) as child:
        while child.poll() is None:
            child.trim_log()
            time.sleep(0.01)
    child.trim_log()
    content = (folder / "log.txt").read_bytes()
    assert len(content) < 120_000
    assert b"[the beginning of this log was cut]" in content
    assert content.endswith(b"last\n")
    assert b"\0" not in content

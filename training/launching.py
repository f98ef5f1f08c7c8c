"""Start, follow and stop the child process that trains; the job folder is all that the two share."""

import contextlib
import fcntl
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from django.conf import settings

from training import manifest
from training.folder import tail_of, write_json

# Seconds between SIGTERM, at which the engine saves its state, and SIGKILL.
GRACE = 60.0
# The same for a trainer that a lost worker left behind, and how long to wait for it to be gone.
LEFTOVER_GRACE, LEFTOVER_PATIENCE = 5.0, 30.0
POLL = 0.2
# A log longer than the limit is cut to its last part.
LOG_LIMIT, LOG_KEPT = 8 * 2**20, 2 * 2**20
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20

# What a trainer may know of our environment: where things are, never what opens the database or the queue.
PASSED = {
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "SHELL", "PYTHONPATH", "VIRTUAL_ENV",
    "LD_LIBRARY_PATH", "LD_PRELOAD", "XDG_CACHE_HOME", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HTTP_PROXY",
    "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
}  # fmt: skip
PASSED_PREFIXES = ("LC_", "HF_", "TRANSFORMERS_", "TORCH_", "PYTORCH_", "CUDA_", "NVIDIA_", "NCCL_", "HIP_", "ROCR_")
NUMERIC = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class Busy(Exception):
    """Another process works in the folder and cannot be made to leave it."""


# ---------------------------------------------------------------- one trainer per folder


@contextlib.contextmanager
def lock(folder: Path, *, waiting: Callable[[], None] = lambda: None) -> Iterator[IO[bytes]]:
    """Hold the folder alone; the trainer inherits the lock and holds it as long as any of its processes lives.

    A trainer that a lost worker left behind is ended first: SIGTERM, then SIGKILL to its group. `waiting` is called
    while that goes on and may raise. Raises Busy where the folder does not become free.
    """
    with (folder / "lock").open("ab") as file:
        begun, signals = time.monotonic(), [(0.0, signal.SIGTERM), (LEFTOVER_GRACE, signal.SIGKILL)]
        while not _locked(file):
            waiting()
            spent = time.monotonic() - begun
            if signals and spent >= signals[0][0]:
                _signal_leftover(folder, signals.pop(0)[1])
            elif spent > LEFTOVER_PATIENCE:
                raise Busy
            time.sleep(POLL / 2)
        yield file


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _signal_leftover(folder: Path, number: signal.Signals) -> None:
    """Signal the group that child.json names, if the process with that id is still the one that was started."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        record = json.loads((folder / "child.json").read_text())
        if record["started"] and identity(record["pid"]) == record["started"]:
            os.killpg(record["pid"], number)


def identity(pid: int) -> str:
    """What tells a process from a later one with the same id: boot and start time; '' where nobody can say."""
    stat = _stat(pid)
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    return f"{boot}/{stat[19]}" if stat else ""


def _stat(pid: int | str) -> list[str]:
    """The fields of /proc/PID/stat from the third (state) on; empty where there is no such process, or no /proc."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def oom_kills() -> int | None:
    """How many processes the kernel has killed for want of memory since it started; None where it does not tell."""
    try:
        lines = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    return int(lines["oom_kill"]) if "oom_kill" in lines else None


# ---------------------------------------------------------------- the child


def command(folder: Path) -> list[str]:
    """How the trainer is started: the engine, or the command that TRAINER names, with '{folder}' replaced."""
    if settings.TRAINER:
        return [part.replace("{folder}", str(folder)) for part in shlex.split(settings.TRAINER)]
    return [sys.executable, "-m", "training.ml", str(folder), "--parent", str(os.getpid())]


def environment() -> dict[str, str]:
    """The trainer's environment: what PASSED names, thread counts, and no hub unless HF_HUB_OFFLINE says 0."""
    passed = {name: value for name, value in os.environ.items() if name in PASSED or name.startswith(PASSED_PREFIXES)}
    threads = {name: str(manifest.threads()) for name in NUMERIC}
    fixed = {"TOKENIZERS_PARALLELISM": "false", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    return {"HF_HUB_OFFLINE": "1", **passed, **threads, **fixed}


class Child:
    """A trainer at work in a job folder, in a session of its own; leaving the `with` block ends all of it."""

    def __init__(self, folder: Path, *, held: IO[bytes]) -> None:
        """Start it; it inherits the lock `held`. Raises OSError where the command cannot be started."""
        self.folder = folder
        self.killed = False
        self._oom_kills = oom_kills()
        with (folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                command(folder),
                cwd=settings.BASE_DIR,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[held.fileno()],
            )
        self.pid = self._process.pid
        try:
            write_json(folder / "child.json", {"pid": self.pid, "started": identity(self.pid)})
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def stop(self, grace: float | None = None) -> None:
        """SIGTERM once; SIGKILL to the group when it has not ended after the grace."""
        if self.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE if grace is None else grace)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to whatever is left of the group, and wait for the end."""
        self.killed = self.killed or self.poll() is None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def starved(self) -> bool:
        """Whether a SIGKILL that nobody here sent may have come from a machine without memory, for all that is known."""
        return oom_kills() is None or oom_kills() != self._oom_kills

    def memory_mb(self) -> float:
        """Resident memory of the whole group in MiB; 0 where there is no /proc to tell."""
        group = str(self.pid)
        stats = (_stat(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
        return sum(int(stat[21]) for stat in stats if stat and stat[2] == group) * PAGE_MB

    def trim_log(self) -> None:
        """Cut a log that grew too long to its last part; the trainer goes on writing at its end."""
        path = self.folder / "log.txt"
        if not path.is_symlink() and path.is_file() and path.stat().st_size > LOG_LIMIT:
            kept = tail_of(path, LOG_KEPT)
            os.truncate(path, 0)
            with path.open("ab") as log:
                log.write(b"[the beginning of this log was cut]\n" + kept)

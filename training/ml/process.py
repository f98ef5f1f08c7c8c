"""What the child process knows of itself: its threads, its memory limit, when to stop and what it has used."""

import errno
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from types import FrameType

from .job import Job

PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "scikit-learn", "numpy")
MEMORY_SIGNS = ("out of memory", "can't allocate memory", "cannot allocate memory", "unable to allocate", "bad_alloc")


class Cancelled(BaseException):
    """The run was asked to stop. Not an Exception, so that no library takes it for an error of its own."""


class Stop:
    """A wish to stop, by signal or because the parent died. The run looks at it between two steps."""

    def __init__(self) -> None:
        self.requested = False
        self.why = "The run was cancelled."
        self._at_once = False

    def listen(self) -> None:
        """Take SIGTERM and SIGINT as the wish to stop."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def watch_parent(self, parent: int, *, every: float = 0.5) -> None:
        """Stop when the process `parent` is gone: a run nobody follows must not hold the machine."""
        at_start = os.getppid()
        threading.Thread(target=self._watch, args=(parent, at_start, every), daemon=True).start()

    def check(self) -> None:
        """Raise Cancelled when a stop was asked for."""
        if self.requested:
            raise Cancelled

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Inside, a signal raises Cancelled wherever the code is: for imports and fits that have no steps."""
        self.check()
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False
        self.check()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        if self._at_once:
            raise Cancelled

    def _watch(self, parent: int, at_start: int, every: float) -> None:
        while os.getppid() == at_start and (at_start == parent or _alive(parent)):
            time.sleep(every)
        self.why = "The process that started the run ended, so the run stopped."
        os.kill(os.getpid(), signal.SIGTERM)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def prepare_environment(threads: int) -> None:
    """Set what the numeric libraries read when they are imported; call it before the first such import."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


def limit_memory(job: Job) -> None:
    """Cap the address space, so that a run that needs too much fails by itself instead of taking the machine along.

    A CUDA context reserves far more addresses than memory; where a GPU can be used the limit is left to the launcher.
    """
    if job.memory_mb is None or os.path.exists("/dev/nvidiactl"):
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = job.memory_mb * 1024**2
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def lift_memory_limit() -> None:
    """Take the limit back, so that the result can be written after memory ran out."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether the error, or one it came from, says that memory ran out."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return True
        text = str(error).lower()
        if any(sign in text for sign in MEMORY_SIGNS) or "failed to map segment" in text:
            return True
        error = error.__cause__ or error.__context__
    return False


def used() -> dict[str, float]:
    """Processor seconds of all threads and the peak of resident memory in MiB."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_memory_mb": round(_peak_bytes(usage.ru_maxrss) / 1024**2, 1),
    }


def _peak_bytes(maxrss: int) -> int:
    """Linux hands ru_maxrss down from the parent through exec, so its own figure in /proc comes first."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return maxrss if sys.platform == "darwin" else maxrss * 1024
    peak = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "")
    return int(peak.split()[1]) * 1024 if peak else maxrss * 1024


def packages() -> dict[str, str]:
    """Versions of Python and of the installed packages that results depend on."""
    found = {"python": sys.version.split()[0]}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found

"""Real processes for the worker tests: a data folder with its database and queue, workers, and one process that asks.

Run as a module it is that process: it makes a frozen version, then answers one JSON line on stdin with one on stdout.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
DATABASE = "assay.sqlite3"
LEASE = 5
TIMEOUT = 60


def sessions() -> dict[int, list[int]]:
    """Session id -> the processes in it that are not zombies."""
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                if stat[0] != "Z":
                    found.setdefault(int(stat[3]), []).append(int(entry.name))
    return found


def environment(folder: Path) -> dict[str, str]:
    """What the processes of a house see; nothing that the tests themselves were started with gets in."""
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ},
        "DJANGO_SETTINGS_MODULE": "tests.training.worker_settings",
        "ASSAY_DATA": str(folder),
        "SECRET_KEY": "tests-only-" + "x" * 40,
        "JOB_LEASE_SECONDS": str(LEASE),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        "LOG_LEVEL": "INFO",
    }


def migrate(folder: Path) -> None:
    """Make the database of a data folder."""
    command = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment(folder), check=True, timeout=2 * TIMEOUT)


class House:
    """A data folder of its own, migrated, with a frozen version in it; every process it started ends with it."""

    def __init__(self, folder: Path, database: Path, *, broker: str = "") -> None:
        """`database` is a migrated one, of which a copy is used."""
        self.folder = folder
        self.broker = broker
        self.prefix = f"assay-tests-{uuid.uuid4().hex}:" if broker else ""
        self.workers: list[Worker] = []
        self.environment = environment(folder)
        if broker:
            self.environment |= {"CELERY_BROKER_URL": broker, "TEST_KEY_PREFIX": self.prefix}
        shutil.copy(database, folder / DATABASE)
        self._errors = (folder / "asker.log").open("wb")
        self._asker = subprocess.Popen(
            [sys.executable, "-m", "tests.training.processes"],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,
        )

    def ask(self, what: str, **arguments: Any) -> Any:
        """Have the asking process do `what` in this house's database."""
        assert self._asker.stdin
        assert self._asker.stdout
        self._asker.stdin.write(json.dumps({"what": what, **arguments}) + "\n")
        self._asker.stdin.flush()
        too_long = threading.Timer(TIMEOUT, self._asker.kill)
        too_long.start()
        line = self._asker.stdout.readline()
        too_long.cancel()
        assert line, f"the asking process ended\n{self.logs()}"
        return json.loads(line)

    def worker(self, trainer: str) -> "Worker":
        """A Celery worker on both queues whose runs are done by that trainer."""
        self.workers.append(Worker(self, trainer))
        return self.workers[-1]

    def wait(self, pk: int, question: Callable[[dict[str, Any]], bool], *, seconds: float = TIMEOUT) -> dict[str, Any]:
        """The run's row as soon as it answers the question with yes; fails where it has ended with a no."""
        deadline = time.monotonic() + seconds
        while not question(row := self.ask("row", pk=pk)):
            vain = time.monotonic() > deadline or row["state"] in ("done", "failed", "cancelled")
            assert not vain, f"waited up to {seconds} s in vain; the row is {row}\n{self.logs()}"
            time.sleep(0.1)
        return dict(row)

    def run_folder(self, pk: int) -> Path:
        """The job folder of a run."""
        return self.folder / "runs" / f"{pk:08d}"

    def child(self, pk: int) -> int:
        """The process id of the run's trainer, the latest one."""
        return int(json.loads((self.run_folder(pk) / "child.json").read_text())["pid"])

    def lose_messages(self) -> int:
        """Throw away everything that waits in the broker; how much that was."""
        if not self.broker:
            messages = list((self.folder / "queue").glob("*.msg"))
            for message in messages:
                message.unlink()
            return len(messages)
        from redis import Redis

        with contextlib.closing(Redis.from_url(self.broker)) as redis:
            lost = 0
            for queue in ("default", "gpu"):
                lost += redis.llen(f"{self.prefix}{queue}")
                redis.delete(f"{self.prefix}{queue}")
            return lost

    def logs(self) -> str:
        """The end of everything that was logged here."""
        paths = [*sorted(self.folder.glob("*.log")), *sorted(self.folder.glob("runs/*/log.txt"))]
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in paths)

    def close(self) -> None:
        """End all processes and remove what they left in Redis."""
        for worker in self.workers:
            worker.kill()
        self._asker.kill()
        self._asker.wait()
        for pipe in (self._asker.stdin, self._asker.stdout, self._errors):
            if pipe:
                pipe.close()
        for path in self.folder.glob("runs/*/child.json"):
            for pid in sessions().get(json.loads(path.read_text())["pid"], []):
                os.kill(pid, signal.SIGKILL)
        if self.broker:
            from redis import Redis

            with contextlib.closing(Redis.from_url(self.broker)) as redis:
                for key in redis.scan_iter(match=f"{self.prefix}*"):
                    redis.delete(key)
        shutil.rmtree(self.folder, ignore_errors=True)


class Worker:
    """A Celery worker in a session of its own, so that all of it can be killed at one blow."""

    def __init__(self, house: House, trainer: str) -> None:
        self.log = house.folder / f"worker-{len(house.workers)}.log"
        options = ["-Q", "default,gpu", "-c", "1", "-l", "INFO", "-n", f"{self.log.stem}@%h"]
        options += ["-P", "prefork" if house.broker else "threads"]  # the one as `make run` has it, the other as usual
        options += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "config", "worker", *options],
                cwd=ROOT,
                env={**house.environment, "TRAINER": trainer},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """SIGKILL to the worker and its pool; the trainers have sessions of their own and live on."""
        for pid in sessions().get(self._process.pid, []):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(TIMEOUT)


def answer() -> None:
    """Be the asking process: a version to train on, then questions until stdin ends."""
    import django

    django.setup()

    from datetime import timedelta

    from django.utils import timezone

    from annotation import jobs
    from tests.conftest import make_project, make_user
    from tests.training.worlds import make_version
    from training import running
    from training.models import Run

    names = ("alice", "bob", "carol", "dave", "erin")
    version = make_version(make_project({name: make_user(name) for name in names}))

    def begin(recipe: str = "majority", **options: Any) -> int:
        return running.start(version=version, question="sentiment", recipe=recipe, options=options, user=None).pk

    def row(pk: int) -> dict[str, Any]:
        fields = ("state", "attempt", "reason", "message", "phase", "done_steps", "woken_at", "submission__state")
        return Run.objects.values(*fields).get(pk=pk)

    def age(pk: int, field: str) -> int:
        return Run.objects.filter(pk=pk).update(**{field: timezone.now() - timedelta(minutes=10)})

    answers = {
        "begin": begin,
        "row": row,
        "age": age,
        "reap": jobs.reap,
        "cancel": lambda pk: running.cancel(Run.objects.get(pk=pk), None),
    }
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(answers[asked.pop("what")](**asked), default=str), flush=True)


if __name__ == "__main__":
    answer()

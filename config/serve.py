"""One parent for the whole site: prepares it, starts web server, workers and beat, and stops all of them together."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config import env, prepare

HERE = prepare.HERE
STOP_SECONDS = 8
DEMO_ON_FIRST_START = {"1", "true", "yes", "on"}
CELERY = [sys.executable, "-m", "celery", "-A", "config"]
QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"]


class CannotStart(Exception):
    """Something is in the way; the message says what to do."""


@dataclass
class Part:
    """One child process and its log."""

    name: str
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    falls: list[float] = field(default_factory=list)
    waits_until: float = 0.0

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches the parent alone."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > 20_000_000:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=HERE,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        self.started = time.monotonic()

    def running(self) -> bool:
        """Whether it is alive."""
        return self.process is not None and self.process.poll() is None


def _die_with_parent() -> None:
    """On Linux a killed parent takes its children along (PR_SET_PDEATHSIG)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def port_number() -> int:
    """PORT, or 8000."""
    raw = os.environ.get("PORT") or "8000"
    if not raw.isdecimal() or not 0 < int(raw) < 65536:
        raise CannotStart(f"PORT={raw!r} is no port number; use one from 1024 to 65535.")
    return int(raw)


def check_port(host: str, port: int) -> None:
    """Raise CannotStart where the port is taken or not allowed."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise CannotStart(
                f"Port {port} needs more rights; choose one above 1023, e.g. PORT=8001 make run."
            ) from None
        except OSError as error:
            raise CannotStart(
                f"Port {port} on {host} cannot be used ({error.strerror}). Something else runs there? Try PORT={port + 1} make run."
            ) from None


def manage(*arguments: str) -> None:
    """Run a management command in a process of its own."""
    done = subprocess.run([sys.executable, "manage.py", *arguments], cwd=HERE, check=False)
    if done.returncode:
        raise CannotStart(f"`manage.py {' '.join(arguments)}` failed; what it said stands above.")


def static_stamp() -> str:
    """Changes whenever a static file, the settings or the packages do."""
    files = [*(HERE / "static").rglob("*"), HERE / "config/settings.py", HERE / "requirements.txt"]
    return f"{len(files)} {max(file.stat().st_mtime_ns for file in files)}"


def get_ready(data: Path) -> None:
    """Secret key, database, static files and, on the first start, the demo."""
    if prepare.main():
        raise CannotStart("The data folder cannot be used.")
    manage("migrate", "--no-input", "--verbosity", "0")
    stamp, kept = static_stamp(), data / "static.stamp"
    if not (data / "static").is_dir() or not kept.exists() or kept.read_text() != stamp:
        manage("collectstatic", "--no-input", "--clear", "--verbosity", "0")
        kept.write_text(stamp)
    wanted = os.environ.get("ASSAY_DEMO", "").lower() in DEMO_ON_FIRST_START
    if wanted and not (data / "demo_login").exists():
        print("Making the demo …", flush=True)
        manage("demo")


def parts(host: str, port: int, data: Path) -> list[Part]:
    """Web server, a worker for each queue, and beat."""
    logs = data / "log"
    try:
        threads = env.integer("WEB_THREADS", 4, least=1, most=256)
        workers = env.integer("WEB_WORKERS", 1, least=1, most=64)
        slots = env.integer("GPU_SLOTS", 1, least=1, most=64)
    except ImproperlyConfigured as problem:
        raise CannotStart(str(problem)) from None
    web = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)]
    web += ["--workers", str(workers), "--blocking-threads", str(threads), "--backpressure", "64"]
    web += ["--no-ws", "--no-access-log"]
    web += ["--log-level", "warning", "--respawn-failed-workers", "config.wsgi:application"]
    return [
        Part("web", web, logs / "web.log"),
        Part("worker", [*CELERY, "worker", "-Q", "default", "-P", "threads", "-c", "2", "-n", "default@%h", *QUIET], logs / "worker.log"),
        Part("runs", [*CELERY, "worker", "-Q", "gpu", "-P", "threads", "-c", str(slots), "-n", "gpu@%h", *QUIET], logs / "runs.log"),
        Part("clock", [*CELERY, "worker", "-Q", "clock", "-P", "solo", "-n", "clock@%h", *QUIET], logs / "clock.log"),
        Part("beat", [*CELERY, "beat", "--pidfile=", "-l", "WARNING"], logs / "beat.log"),
    ]  # fmt: skip


def clear_broken_messages() -> None:
    """Messages without content, as a full disk leaves them in the queue's folder, end every worker that reads them."""
    folder = Path(os.environ.get("ASSAY_QUEUE") or prepare.data_folder() / "queue")
    for message in folder.glob("*.msg"):
        with contextlib.suppress(OSError):
            if not message.stat().st_size:
                message.unlink()


def watch(all_parts: list[Part]) -> None:
    """Start a part again when it falls; give up when it falls five times within a minute."""
    while True:
        for part in all_parts:
            if part.running():
                continue
            now = time.monotonic()
            if now < part.waits_until:
                continue
            part.falls = [moment for moment in part.falls if now - moment < 60] + [now]
            if len(part.falls) >= 5:
                if part.name == "web":
                    raise CannotStart(f"The web process keeps ending. Its log: {part.log}")
                # The site goes on without it; what it should do waits in its rows.
                part.falls, part.waits_until = [], now + 60
                print(
                    f"The {part.name} process keeps ending; next try in a minute. Its log: {part.log}",
                    file=sys.stderr,
                    flush=True,
                )
                continue
            clear_broken_messages()
            print(
                f"The {part.name} process ended; it is started again. Its log: {part.log}", file=sys.stderr, flush=True
            )
            part.start()
        time.sleep(1)


def stop(all_parts: list[Part]) -> None:
    """Ask all to end, wait, then insist. A run that is stopped here goes on at the next start."""
    for signal_number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5)):
        alive = [part for part in all_parts if part.running()]
        for part in alive:
            with contextlib.suppress(ProcessLookupError):
                assert part.process is not None
                os.killpg(part.process.pid, signal_number)
        deadline = time.monotonic() + seconds
        while any(part.running() for part in alive) and time.monotonic() < deadline:
            time.sleep(0.1)


def wait_for(host: str, port: int, seconds: float = 60) -> None:
    """Until the web server takes connections."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
            return
        time.sleep(0.2)
    raise CannotStart("The web server did not come up within a minute; see var/log/web.log.")


def greet(host: str, port: int, data: Path) -> None:
    """Where the site is and how to get in."""
    print(f"\nAssay runs at http://{host}:{port}/   (Ctrl-C stops it; logs in {data / 'log'})", flush=True)
    login = data / "demo_login"
    if login.exists():
        print(login.read_text(), flush=True)
    else:
        print("Make the first account with: .venv/bin/python manage.py createsuperuser", flush=True)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Serve until Ctrl-C or SIGTERM."""
    # Both, because a shell starts background jobs with SIGINT ignored, and Python then leaves it so.
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _interrupt)
    # Database, logs and job folders hold gold and password hashes: nobody else on this machine reads them.
    os.umask(0o077)
    running: list[Part] = []
    host, data = os.environ.get("HOST") or "127.0.0.1", prepare.data_folder()
    os.environ["ASSAY_DATA"] = str(data)
    try:
        port = port_number()
        check_port(host, port)
        get_ready(data)
        clear_broken_messages()
        running = parts(host, port, data)
        for part in running:
            part.start()
        wait_for(host, port)
        greet(host, port, data)
        watch(running)
    except CannotStart as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopping …", flush=True)
    finally:
        stop(running)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make test` and `make check`: every guard and every test in order, with one closing summary."""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
POSTGRES = os.environ.get("TEST_DATABASE_URL") or "postgresql://postgres@127.0.0.1:5432/postgres"
REDIS = os.environ.get("TEST_REDIS_URL") or "redis://127.0.0.1:6379/15"


def answers(port: int) -> bool:
    """Whether something listens there on this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def environment(**extra: str) -> dict[str, str]:
    """The tests' environment: nothing of the caller's installation leaks in."""
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "CELERY_BROKER_URL", "ASSAY_DATA", "SECRET_KEY", "ASSAY_DEMO"}}  # fmt: skip
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**kept, **threads, "SECRET_KEY": "tests-only-" + "x" * 40, "PYTHONDONTWRITEBYTECODE": "1", **extra}


Result = tuple[str, float, bool]


def step(name: str, command: list[str], **extra: str) -> Result:
    """Run one step; its output goes straight to the terminal."""
    print(f"\n── {name}: {' '.join(command)}", flush=True)
    start = time.monotonic()
    code = subprocess.run(command, cwd=ROOT, env=environment(**extra), check=False).returncode
    return name, time.monotonic() - start, code == 0


def beside(name: str, command: list[str]) -> Callable[[], Result]:
    """Begin a step that needs one core for minutes; call the result to wait for it and print what it said."""
    start, output = time.monotonic(), tempfile.TemporaryFile()  # noqa: SIM115 - open until it is printed
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=output, stderr=subprocess.STDOUT)
    ends: list[float] = []

    def watch() -> None:
        process.wait()
        ends.append(time.monotonic())

    watcher = threading.Thread(target=watch)
    watcher.start()

    def ended() -> Result:
        watcher.join()
        code, seconds = process.returncode, ends[0] - start
        output.seek(0)
        print(f"\n── {name}: {' '.join(command)}\n{output.read().decode(errors='replace')}", flush=True)
        output.close()
        return name, seconds, code == 0

    return ended


def guards() -> list[tuple[str, list[str]]]:
    """What reads the code without running it."""
    python = str(BIN / "python")
    found = [
        ("format", [str(BIN / "ruff"), "format", "--check", "."]),
        ("lint", [str(BIN / "ruff"), "check", "."]),
        ("import rules", [str(BIN / "lint-imports"), "--no-cache"]),
        ("templates", [str(BIN / "djlint"), "templates", "--lint", "--quiet"]),
        ("migrations", [python, "manage.py", "makemigrations", "--check", "--dry-run", "--settings=tests.settings"]),
        ("OpenAPI", [python, "manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", os.devnull, "--settings=tests.settings"]),
    ]  # fmt: skip
    if shutil.which("node") or os.environ.get("REQUIRE_SERVICES") == "1":
        files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "static/js").rglob("*.js"))
        script = 'for f in "$@"; do node --check --input-type=module < "$f" || { echo "$f"; exit 1; }; done'
        found.append(("JavaScript", ["sh", "-c", script, "sh", *files]))
    else:
        print("\nnode is missing (Debian: apt-get install nodejs): the JavaScript is not checked.")
    return found


def main() -> int:
    """All steps; a failed one does not hide the later ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without browser, worker and databases")
    quick = parser.parse_args().quick
    required = os.environ.get("REQUIRE_SERVICES") == "1"
    pytest = [str(BIN / "pytest"), "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    types = beside("types", [str(BIN / "mypy"), "config", "annotation", "evaluation", "training"])
    results = [step(name, command) for name, command in guards()]
    if quick:
        results.append(step("tests without a database", [*pytest, "-m", "not database and not browser and not slow"]))
        return close([*results, types()])
    redis = answers(6379)
    results.append(step("tests on SQLite", [*pytest, *([] if chromium() or required else ["-m", "not browser"])], **({"TEST_REDIS_URL": REDIS} if redis else {})))  # fmt: skip
    if answers(5432) or required:
        results.append(step("tests on PostgreSQL", [*pytest, "-m", "database and not browser and not slow"], DATABASE_URL=POSTGRES))  # fmt: skip
    else:
        print("\nPostgreSQL does not answer on 127.0.0.1:5432: its half of the tests is left out.")
    if required and not redis:
        results.append(("Redis on 127.0.0.1:6379", 0.0, False))
    return close([*results, types()])


def chromium() -> bool:
    """Whether the browser tests can run."""
    if shutil.which("chromium") and shutil.which("chromedriver"):
        return True
    print("\nChromium or its driver is missing (Debian: apt-get install chromium chromium-driver): no browser tests.")
    return False


def close(results: list[Result]) -> int:
    """The summary, and 0 only where all went well."""
    print("\n── summary")
    for name, seconds, good in results:
        print(f"{'ok    ' if good else 'FAILED'} {seconds:7.1f} s  {name}")
    failed = sum(not good for _name, _seconds, good in results)
    print(f"steps: {len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

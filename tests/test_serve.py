"""The parent process: what it refuses to start with, in a sentence that names the variable and the fix."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from config import serve


@pytest.mark.parametrize("raw", ["eighty", "0", "65536", "-1", "8 000"])
def test_a_port_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv("PORT", raw)
    with pytest.raises(serve.CannotStart, match="PORT="):
        serve.port_number()


@pytest.mark.parametrize("name", ["WEB_THREADS", "WEB_WORKERS", "GPU_SLOTS"])
@pytest.mark.parametrize("raw", ["many", "0", "-3", "100000"])
def test_a_count_of_processes_that_cannot_be_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, raw: str
) -> None:
    monkeypatch.setenv(name, raw)
    with pytest.raises(serve.CannotStart, match=f"{name}="):
        serve.parts("127.0.0.1", 8000, tmp_path)


def test_the_counts_reach_the_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, count in (("WEB_THREADS", "7"), ("WEB_WORKERS", "3"), ("GPU_SLOTS", "2")):
        monkeypatch.setenv(name, count)
    found = {part.name: part.command for part in serve.parts("127.0.0.1", 8000, tmp_path)}

    def after(command: list[str], option: str) -> Any:
        return command[command.index(option) + 1]

    assert (after(found["web"], "--workers"), after(found["web"], "--blocking-threads")) == ("3", "7")
    assert after(found["runs"], "-c") == "2"


def test_the_reaper_has_a_worker_that_no_long_job_occupies(tmp_path: Path) -> None:
    queues = {
        part.command[part.command.index("-Q") + 1] for part in serve.parts("h", 1, tmp_path) if "-Q" in part.command
    }
    assert queues == {"default", "gpu", "clock"}
    entries = [entry for entry in settings.CELERY_BEAT_SCHEDULE.values() if entry["task"] == "annotation.reap"]
    assert {entry["options"].get("queue", "default") for entry in entries} == {"clock", "default"}
    assert all(entry["options"]["expires"] < 60 for entry in entries)

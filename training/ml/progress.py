"""progress.jsonl and the log: what the run is doing, for the one who follows it."""

import json
import os
import time
from pathlib import Path
from typing import Any


class Progress:
    """Appends to progress.jsonl, about one line a second at most; lines with dev scores and new phases always pass."""

    def __init__(self, path: Path, *, every: float = 1.0) -> None:
        self._path = path
        self._every = every
        self._last = 0.0
        self._phase = ""
        _drop_torn_line(path)

    def write(self, phase: str, *, force: bool = False, **values: Any) -> None:
        """One line with the time, the phase and the values that are known (see the job folder's description)."""
        now = time.time()
        if not (force or phase != self._phase or values.get("dev") or now - self._last >= self._every):
            return
        if phase != self._phase or values.get("dev"):
            print(_readable(phase, values), flush=True)
        self._last, self._phase = now, phase
        line = {"time": round(now, 3), "phase": phase} | {
            key: value for key, value in values.items() if value is not None
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")


def _drop_torn_line(path: Path) -> None:
    """A killed process may leave half a line at the end; cut it off, so that what follows can be read."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


def _readable(phase: str, values: dict[str, Any]) -> str:
    parts = [phase]
    if values.get("steps"):
        parts.append(f"step {values.get('step', 0)} of {values['steps']}")
    if values.get("loss") is not None:
        parts.append(f"loss {values['loss']:.4f}")
    parts += [f"dev {name} {value:.4f}" for name, value in (values.get("dev") or {}).items()]
    return ", ".join(parts)

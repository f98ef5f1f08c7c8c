"""The resumable state of a training run: one safetensors file, replaced whole, and beside it the weights kept so far."""

import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from .process import used


class Store:
    """The folder `state/` of a job. State of another job (by fingerprint) is not taken up; broken state neither."""

    def __init__(self, folder: Path, fingerprint: str, *, every: float = 30.0) -> None:
        self.folder = folder
        self.earlier = {"seconds": 0.0, "cpu_seconds": 0.0}
        self._fingerprint = fingerprint
        self._every = every
        self._started = self._saved = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether the last save is long enough ago."""
        return time.monotonic() - self._saved >= self._every

    def save(self, tensors: Mapping[str, Tensor], **facts: Any) -> None:
        """Replace the state."""
        spent = {
            "seconds": self.earlier["seconds"] + time.monotonic() - self._started,
            "cpu_seconds": self.earlier["cpu_seconds"] + used()["cpu_seconds"],
        }
        self._write("run.safetensors", tensors, {**facts, "spent": spent})
        self._saved = time.monotonic()

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Tensors and facts of the last save, or None where there is nothing to go on from."""
        found = self._read("run.safetensors")
        if found is not None:
            self.earlier = found[1]["spent"]
        return found

    def save_best(self, tensors: Mapping[str, Tensor], **facts: Any) -> None:
        """Replace the kept weights. They may be newer than the state: a resumed run makes the same ones again."""
        self._write("best.safetensors", tensors, facts)

    def load_best(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Weights and facts of the evaluation that is kept so far, or None."""
        return self._read("best.safetensors")

    def clear(self) -> None:
        """Drop everything: the run is done."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, name: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        self.folder.mkdir(exist_ok=True)
        temporary = self.folder / (name + ".tmp")
        metadata = {"fingerprint": self._fingerprint, "facts": json.dumps(facts)}
        save_file({key: value.detach().cpu().contiguous() for key, value in tensors.items()}, temporary, metadata)
        os.replace(temporary, self.folder / name)  # without fsync: after a power cut the run begins anew

    def _read(self, name: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        path = self.folder / name
        if not path.exists():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("fingerprint") != self._fingerprint:
                    return None
                return {key: file.get_tensor(key) for key in file.keys()}, json.loads(metadata["facts"])  # noqa: SIM118
        except (SafetensorError, OSError, ValueError):
            return None


def random_state() -> dict[str, Tensor]:
    """The random state of the CPU and, where there is one, of the GPU."""
    state = {"random.cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["random.cuda"] = torch.cuda.get_rng_state()
    return state


def restore_random(tensors: Mapping[str, Tensor]) -> None:
    """Set the random state that `random_state` took."""
    torch.set_rng_state(tensors["random.cpu"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])

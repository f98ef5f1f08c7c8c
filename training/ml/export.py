"""Checkpoints: a learned model written to a folder, read back, and asked; no pickle anywhere."""

import json
import os
import shutil
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from .job import BadInput, Job, write_json
from .learned import Learned
from .process import Stop

FORMAT = "assay-checkpoint/1"
# Which file learns and loads each recipe's models.
MODULES = {
    "majority": "majority",
    "tfidf_logreg": "linear",
    "probe": "probe",
    "finetune_top2": "finetune",
    "finetune_full": "finetune",
}


def module_of(recipe: str) -> Any:
    """The recipe's file, imported now: a baseline that counts labels need not wait for torch."""
    return import_module(f".{MODULES[recipe]}", __package__)


def save(folder: Path, model: Learned, job: Job) -> None:
    """Put the model at `folder`, whole or not at all."""
    temporary = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    facts = model.save(temporary)
    about = {"format": FORMAT, "recipe": job.recipe, "question": job.question, "labels": list(job.labels)}
    write_json(temporary / "assay.json", about | facts)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(temporary, folder)


def load(folder: Path) -> tuple[Learned, list[str]]:
    """The model in a checkpoint folder and its labels. Raises BadInput when it is no such folder."""
    try:
        about = json.loads((folder / "assay.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{folder.name!r} is not a checkpoint folder: its assay.json cannot be read.") from error
    if about.get("format") != FORMAT or about.get("recipe") not in MODULES:
        raise BadInput(f"{folder.name!r} was written in another format; this engine reads {FORMAT!r}.")
    return cast(Learned, module_of(about["recipe"]).load(folder, about)), list(about["labels"])


def predict(folder: Path, texts: Sequence[str]) -> list[dict[str, float]]:
    """The probability of each label by name for each text, by the model in a checkpoint folder."""
    model, labels = load(folder)
    rows = model.probabilities(list(texts), Stop())
    return [dict(zip(labels, shares, strict=True)) for shares in rows]

"""The kind `choice`, exactly one label per text: learn by the recipe, answer dev and test, keep the model."""

from dataclasses import dataclass
from typing import Any

from .export import module_of, save
from .job import write_predictions
from .learned import Learned, Work
from .scores import answers, cross_entropy, score


@dataclass(frozen=True)
class Outcome:
    """What result.json tells of a run that came to its end."""

    dev: dict[str, float]
    facts: dict[str, Any]
    warnings: list[str]
    earlier: dict[str, float]


def run(work: Work) -> Outcome:
    """Write predictions.jsonl, dev_predictions.jsonl and checkpoint/. Raises BadInput, Cancelled, Diverged."""
    job = work.job
    model: Learned = module_of(job.recipe).learn(work)
    dev = _answer(work, model, "dev")
    gold = [row.label for row in work.data.dev]
    scores = score(gold, answers(dev)) | {"loss": cross_entropy(gold, dev)}
    scores = {name: round(value, 6) for name, value in scores.items()}
    work.progress.write("evaluate", dev=scores)
    _answer(work, model, "test")
    save(job.folder / "checkpoint", model, job)
    facts = model.facts
    return Outcome(
        dev=scores,
        facts={
            "best_step": facts.best_step,
            "parameters": facts.parameters,
            "trained_parameters": facts.trained_parameters,
            "device": facts.device,
            "base_model_sha256": facts.base_model_sha256,
        },
        warnings=[*work.data.warnings, *facts.warnings],
        earlier=facts.earlier,
    )


def _answer(work: Work, model: Learned, split: str) -> list[list[float]]:
    """Ask the model about one split and write its answers down."""
    rows = work.data.dev if split == "dev" else work.data.test
    work.progress.write("predict" if split == "test" else "evaluate", step=0, steps=len(rows))
    shares = model.probabilities([row.text for row in rows], work.stop)
    name = "predictions.jsonl" if split == "test" else "dev_predictions.jsonl"
    write_predictions(work.job.folder / name, rows, work.job.labels, shares)
    return shares

"""Probe: logistic regression over the frozen encoder's mean-pooled embedding."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file, save_file
from torch import nn

from . import model as models
from .data import warnings_of
from .learned import Facts, Work
from .logistic import Logistic, fit
from .process import Stop


class Probe:
    """An encoder that was not trained, and a regression over its embeddings."""

    def __init__(
        self, encoder: nn.Module, tokenizer: Any, logistic: Logistic, *, max_length: int, device: models.Device
    ) -> None:
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.logistic = logistic
        self.max_length = max_length
        self.device = device
        trained = logistic.weights.size + logistic.bias.size
        frozen = sum(parameter.numel() for parameter in encoder.parameters())
        self.facts = Facts(parameters=frozen + trained, trained_parameters=trained, device=device.target.type)

    def probabilities(self, texts: Sequence[str], stop: Stop) -> list[list[float]]:
        """The probability of each label for each text."""
        if not texts:
            return []
        inputs, _ = models.tokens(self.encoder, self.tokenizer, texts, max_length=self.max_length)
        return self.logistic.probabilities(models.mean_pooled(self.encoder, inputs, self.device, stop).numpy())

    def save(self, folder: Path) -> dict[str, Any]:
        """The encoder as a Hugging Face folder, the regression as safetensors beside it."""
        encoder: Any = self.encoder
        encoder.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        (folder / "head").mkdir()
        save_file(self.logistic.arrays(), folder / "head" / "linear.safetensors")
        return {"max_length": self.max_length}


def learn(work: Work) -> Probe:
    """Embed the train texts once and fit the regression."""
    job, device = work.job, models.find_device()
    work.progress.write("load")
    with work.stop.at_once():
        base = models.find_base(job.base_model)
        tokenizer = models.load_tokenizer(base, name=job.base_model.name)
        encoder = models.load_encoder(base, name=job.base_model.name).to(device.target)
    work.progress.write("prepare")
    max_length = models.longest(encoder, tokenizer, job.options["max_length"])
    inputs, encoded = models.tokens(encoder, tokenizer, [row.text for row in work.data.train], max_length=max_length)
    work.progress.write("cache", step=0, steps=len(inputs.lengths))
    embeddings = models.mean_pooled(encoder, inputs, device, work.stop).numpy()
    work.progress.write("train", step=0, steps=1)
    gold = [row.label for row in work.data.train]
    with work.stop.at_once():
        logistic, notes = fit(
            embeddings, gold, len(job.labels), strength=job.options["strength"], balance=job.options["balance"]
        )
    model = Probe(encoder, tokenizer, logistic, max_length=max_length, device=device)
    model.facts.base_model_sha256 = models.sha256(base)
    model.facts.warnings += notes + warnings_of(encoded, max_length=max_length, model=job.base_model.name)
    return model


def load(folder: Path, facts: dict[str, Any]) -> Probe:
    """The model that `save` wrote."""
    device = models.find_device()
    arrays = load_file(folder / "head" / "linear.safetensors")
    return Probe(
        models.load_encoder(folder, name=folder.name).to(device.target),
        models.load_tokenizer(folder, name=folder.name),
        Logistic(arrays["weights"], arrays["bias"]),
        max_length=facts["max_length"],
        device=device,
    )

"""Fine-tuning an encoder: all of it, or its top layers on what the frozen lower ones made of each text, kept."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from . import model as models
from .data import Hidden, Inputs, Tokens, warnings_of
from .learned import Facts, Work, class_weights
from .loop import Best, Plan, train
from .process import Stop
from .resume import Store
from .scores import answers, cross_entropy, score


class Finetuned:
    """A sequence classifier and its tokenizer."""

    def __init__(self, model: nn.Module, tokenizer: Any, *, max_length: int, device: models.Device) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.device = device
        parameters = list(model.parameters())
        self.facts = Facts(
            parameters=sum(parameter.numel() for parameter in parameters),
            trained_parameters=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
            device=device.target.type,
        )

    def probabilities(self, texts: Sequence[str], stop: Stop) -> list[list[float]]:
        """The probability of each label for each text."""
        if not texts:
            return []
        inputs, _ = models.tokens(self.model, self.tokenizer, texts, max_length=self.max_length)
        return _softmax(models.logits(self.model, inputs, self.device, stop))

    def save(self, folder: Path) -> dict[str, Any]:
        """A Hugging Face folder: config with the labels' names, safetensors, tokenizer."""
        model: Any = self.model
        model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        return {"max_length": self.max_length}


def load(folder: Path, facts: dict[str, Any]) -> Finetuned:
    """The model that `save` wrote."""
    device = models.find_device()
    model = models.load_classifier(folder, labels=facts["labels"], name=folder.name).to(device.target)
    tokenizer = models.load_tokenizer(folder, name=folder.name)
    return Finetuned(model, tokenizer, max_length=facts["max_length"], device=device)


def learn(work: Work) -> Finetuned:
    """Load, prepare, train; the model that comes back has the weights that were kept by dev."""
    job, device = work.job, models.find_device()
    name, texts = job.base_model.name, [row.text for row in work.data.train]
    work.progress.write("load")
    with work.stop.at_once():
        base = models.find_base(job.base_model)
        tokenizer = models.load_tokenizer(base, name=name)
        torch.manual_seed(job.seed)  # the new head's weights and every dropout come from here
        model = models.load_classifier(base, labels=job.labels, name=name).to(device.target)
    work.progress.write("prepare")
    max_length = models.longest(model, tokenizer, job.options["max_length"])
    inputs, encoded = models.tokens(model, tokenizer, texts, max_length=max_length)
    dev_inputs, _ = models.tokens(model, tokenizer, [row.text for row in work.data.dev], max_length=max_length)
    store = Store(job.folder / "state", work.fingerprint)
    best = _train(work, model, inputs, dev_inputs, device, store)
    learned = Finetuned(model, tokenizer, max_length=max_length, device=device)
    learned.facts.best_step = best.step
    learned.facts.base_model_sha256 = models.sha256(base)
    learned.facts.earlier = store.earlier
    learned.facts.warnings += warnings_of(encoded, max_length=max_length, model=name)
    return learned


def _train(
    work: Work, model: nn.Module, inputs: Tokens, dev_inputs: Tokens, device: models.Device, store: Store
) -> Best:
    """Cut the model and keep the frozen part's output where the recipe says so; then the one loop for both."""
    job = work.job
    layers = job.options.get("layers")
    texts: Inputs = inputs
    dev_texts: Inputs = dev_inputs
    whole: Any = nullcontext()
    if layers is not None:
        cut = models.Cut(model, top=layers, name=job.base_model.name)
        cut.freeze()
        texts, dev_texts = _cached(work, cut, inputs, dev_inputs, device)
        cut.check(inputs, texts, device)
        whole = cut.upper()
    gold = torch.tensor([row.label for row in work.data.train])
    with whole:
        return train(
            model,
            texts,
            gold,
            _plan(work),
            device,
            judge=_judge(work, model, dev_texts, device),
            store=store,
            progress=work.progress,
            stop=work.stop,
        )


def _cached(
    work: Work, cut: models.Cut, inputs: Tokens, dev_inputs: Tokens, device: models.Device
) -> tuple[Hidden, Hidden]:
    total = len(inputs.lengths) + len(dev_inputs.lengths)

    def one(part: Tokens, name: str, before: int) -> Hidden:
        spill = work.job.folder / "state" / f"{name}.hidden"
        return models.cache(
            cut,
            part,
            device,
            work.stop,
            spill=spill,
            report=lambda done: work.progress.write("cache", step=before + done, steps=total),
        )

    return one(inputs, "train", 0), one(dev_inputs, "dev", len(inputs.lengths))


def _plan(work: Work) -> Plan:
    options = work.job.options
    gold = [row.label for row in work.data.train]
    weights = class_weights(gold, len(work.job.labels), options["balance"])
    return Plan(
        epochs=options["epochs"],
        min_steps=options["min_steps"],
        batch_size=options["batch_size"],
        learning_rate=options["learning_rate"],
        warmup=options["warmup"],
        weight_decay=options["weight_decay"],
        label_smoothing=options["label_smoothing"],
        average_from=options["average_from"],
        class_weights=torch.tensor(weights),
        seed=work.job.seed,
        metric=work.job.primary_metric,
        dev_texts=len(work.data.dev),
    )


def _judge(work: Work, model: nn.Module, texts: Inputs, device: models.Device) -> Callable[[], dict[str, float]]:
    gold = [row.label for row in work.data.dev]

    def judge() -> dict[str, float]:
        shares = _softmax(models.logits(model, texts, device, work.stop))
        scores = score(gold, answers(shares)) | {"loss": cross_entropy(gold, shares)}
        return {name: round(value, 6) for name, value in scores.items()}

    return judge


def _softmax(logits: Tensor) -> list[list[float]]:
    return logits.double().softmax(dim=1).tolist()  # type: ignore[no-any-return]

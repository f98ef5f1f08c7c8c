"""The training loop, read from top to bottom: batches by length, a warm-up, averaged weights, the last good by dev."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .data import Inputs, shuffled
from .model import Device
from .process import Cancelled, Stop
from .progress import Progress
from .resume import Store, random_state, restore_random


class Diverged(ArithmeticError):
    """The loss stopped being a number."""


@dataclass(frozen=True)
class Plan:
    """How to train. `average_from`: the share of all steps after which weights are averaged (1 or more: never).

    `epochs` is a wish: where it makes fewer steps than `min_steps`, there are more epochs.
    """

    epochs: int
    min_steps: int
    batch_size: int
    learning_rate: float
    warmup: float
    weight_decay: float
    label_smoothing: float
    average_from: float
    class_weights: Tensor
    seed: int
    metric: str
    dev_texts: int


@dataclass(frozen=True)
class Best:
    """The evaluation that was kept, whose weights are in the model when training ends."""

    step: int
    dev: dict[str, float]


def train(
    model: nn.Module,
    texts: Inputs,
    gold: Tensor,
    plan: Plan,
    device: Device,
    *,
    judge: Callable[[], dict[str, float]],
    store: Store,
    progress: Progress,
    stop: Stop,
) -> Best:
    """Train what requires a gradient; `judge` scores the model on dev, about as often as the plan has epochs.

    Interrupted and started again it goes on from `store` and ends, on a CPU, with the same bits.
    Raises Cancelled after saving, and Diverged.
    """
    named = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    parameters = list(named.values())
    optimizer = torch.optim.AdamW(_groups(parameters, plan.weight_decay), lr=plan.learning_rate, fused=True)
    loss_of = nn.CrossEntropyLoss(plan.class_weights.to(device.target), label_smoothing=plan.label_smoothing)
    per_epoch = math.ceil(len(texts.lengths) / plan.batch_size)
    epochs = max(plan.epochs, math.ceil(plan.min_steps / per_epoch))
    between = epochs // plan.epochs  # many epochs of few texts need no evaluation each
    steps = epochs * per_epoch
    average = Average(parameters, start=min(steps - 1, int(plan.average_from * steps)), on=plan.average_from < 1)
    step, judged = _restore(store, named, optimizer, average)
    speed = Speed()

    def save(judged: int) -> None:
        _save(store, named, optimizer, average, step=step, judged=judged)

    for epoch in range(judged, epochs):
        now: dict[str, Any] = {"step": step, "steps": steps, "epoch": round(step / per_epoch, 3)}
        batches = shuffled(texts.lengths, plan.batch_size, seed=plan.seed, epoch=epoch)
        for indices in batches[step - epoch * per_epoch :]:
            stopping = stop.requested
            if stopping or store.due:
                save(judged=epoch)
            if stopping:
                raise Cancelled
            model.train()
            rate = rate_at(step, steps, plan)
            _set_rate(optimizer, rate)
            with device.precision():
                scores = model(**texts.batch(indices, device.target)).logits
            loss = loss_of(scores.float(), gold[indices].to(device.target))
            if not torch.isfinite(loss):
                raise Diverged(f"The loss was not a number at step {step + 1} of {steps}.")
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            step += 1
            average.add(step)
            speed.add(len(indices))
            now = {"step": step, "steps": steps, "epoch": round(step / per_epoch, 3), "loss": round(loss.item(), 5)}
            now |= {"learning_rate": rate, "examples_per_second": speed.rate}
            progress.write("train", **now)
        if (epoch + 1) % between and epoch + 1 < epochs:
            continue
        try:
            with average.swapped():
                dev = judge()
                _keep_if_good(store, step, dev, named, plan)
        except Cancelled:
            save(judged=epoch)
            raise
        progress.write("evaluate", **now, dev=dev)
        save(judged=epoch + 1)
    return _load_best(store, named)


class Average:
    """The running mean of the weights after each step past `start` (Polyak; Izmailov et al. 2018, equation 1)."""

    def __init__(self, parameters: Sequence[Tensor], *, start: int, on: bool) -> None:
        self._parameters = parameters
        self._start = start
        self._on = on
        self.tensors: list[Tensor] = []

    def add(self, step: int) -> None:
        """Take up the weights after `step`."""
        if not self._on or step <= self._start:
            return
        current = [parameter.detach() for parameter in self._parameters]
        if not self.tensors:
            self.tensors = [tensor.clone() for tensor in current]
        torch._foreach_lerp_(self.tensors, current, 1 / (step - self._start))

    @contextmanager
    def swapped(self) -> Iterator[None]:
        """Inside, the model has the mean weights, once there are any."""
        if not self.tensors:
            yield
            return
        raw = [parameter.detach().clone() for parameter in self._parameters]
        _copy(self._parameters, self.tensors)
        try:
            yield
        finally:
            _copy(self._parameters, raw)


class Speed:
    """Texts per second since the first was added."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._texts = 0

    def add(self, texts: int) -> None:
        """Count texts that were trained on."""
        self._texts += texts

    @property
    def rate(self) -> float:
        """Texts per second."""
        return round(self._texts / max(1e-6, time.monotonic() - self._started), 2)


@torch.no_grad()
def _copy(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)


def _groups(parameters: Sequence[Tensor], weight_decay: float) -> list[dict[str, Any]]:
    """Matrices decay; biases and norms do not."""
    return [
        {"params": [tensor for tensor in parameters if tensor.ndim > 1], "weight_decay": weight_decay},
        {"params": [tensor for tensor in parameters if tensor.ndim <= 1], "weight_decay": 0.0},
    ]


def rate_at(step: int, steps: int, plan: Plan) -> float:
    """Up in a line to the plan's rate; then level where weights are averaged, else down in a line towards zero.

    The mean of weights does what the decay is for, and gains from weights that still move (Izmailov et al. 2018).
    """
    rising = max(1, round(plan.warmup * steps))
    if step < rising:
        return plan.learning_rate * (step + 1) / rising
    if plan.average_from < 1:
        return plan.learning_rate
    return plan.learning_rate * (steps - step) / max(1, steps - rising)


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


# ---------------------------------------------------------------- what is kept


def _keep_if_good(store: Store, step: int, dev: dict[str, float], named: Mapping[str, Tensor], plan: Plan) -> None:
    """Keep the newest weights unless an evaluation before them was better by more than chance explains.

    The mean of more weights is the better model; a few dev texts are too noisy to say otherwise, but they do tell when
    training goes wrong. Chance is one standard error, as in Breiman et al. (1984), section 3.4.3.
    """
    best = store.load_best()
    now = dev[plan.metric]
    highest = now if best is None else max(now, best[1]["highest"])
    if now >= highest - standard_error(highest, plan.dev_texts):
        store.save_best(named, step=step, dev=dev, highest=highest)


def standard_error(share: float, texts: int) -> float:
    """Of a share of so many texts; for macro F1 a rough one."""
    return math.sqrt(max(0.0, share * (1 - share)) / max(1, texts))


def _load_best(store: Store, named: Mapping[str, Tensor]) -> Best:
    best = store.load_best()
    assert best is not None, "the best weights are kept at each evaluation, and the last epoch ends with one"
    tensors, facts = best
    _copy(list(named.values()), [tensors[name] for name in named])
    return Best(facts["step"], facts["dev"])


def _save(
    store: Store,
    named: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
    average: Average,
    **counts: int,
) -> None:
    tensors = {f"weight.{name}": tensor for name, tensor in named.items()} | random_state()
    tensors |= {f"average.{index}": tensor for index, tensor in enumerate(average.tensors)}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": tensor for key, tensor in moments.items()}
    store.save(tensors, **counts)


def _restore(
    store: Store, named: Mapping[str, Tensor], optimizer: torch.optim.Optimizer, average: Average
) -> tuple[int, int]:
    """Put weights, moments, means and random state back; the steps done and the epochs judged, 0 on a fresh start."""
    found = store.load()
    if found is None:
        return 0, 0
    tensors, facts = found
    _copy(list(named.values()), [tensors[f"weight.{name}"] for name in named])
    device = next(iter(named.values())).device
    average.tensors = [tensors[f"average.{index}"].to(device) for index in range(_count(tensors, "average."))]
    moments: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".")
            moments.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    restore_random(tensors)
    return facts["step"], facts["judged"]


def _count(tensors: Mapping[str, Tensor], prefix: str) -> int:
    return sum(key.startswith(prefix) for key in tensors)

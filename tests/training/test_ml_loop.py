"""The training loop: interrupted anywhere it ends with the same bits, its means and rates are the formulas', the last good is kept."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from tests.training.jobs import lines, make_base_model, make_job, run, steps
from training.ml import loop, resume
from training.ml.process import Stop
from training.ml.resume import Store

OPTIONS = {"epochs": 3, "min_steps": 1, "batch_size": 8, "learning_rate": 1e-3}
PLAN = loop.Plan(
    epochs=1,
    min_steps=1,
    batch_size=1,
    learning_rate=1.0,
    warmup=0.2,
    weight_decay=0,
    label_smoothing=0,
    average_from=0.4,
    class_weights=torch.ones(2),
    seed=1,
    metric="macro_f1",
    dev_texts=100,
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return make_base_model(tmp_path_factory.mktemp("base") / "tiny")


class StopAt(Stop):
    """A wish to stop that comes up when it has been looked at so many times."""

    def __init__(self, looks: int) -> None:
        self._left = looks
        super().__init__()

    @property
    def requested(self) -> bool:
        self._left -= 1
        return self._left < 0

    @requested.setter
    def requested(self, value: bool) -> None:
        assert not value


def weights(folder: Path) -> bytes:
    return (folder / "checkpoint" / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def straight(base: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One uninterrupted run of each recipe."""
    folders = {}
    for recipe in ("finetune_top2", "finetune_full"):
        folders[recipe] = make_job(tmp_path_factory.mktemp("straight"), recipe, base_model=base, options=OPTIONS)
        assert run(folders[recipe])["state"] == "done"
    return folders


@pytest.mark.parametrize("recipe", ["finetune_top2", "finetune_full"])
def test_a_run_stopped_again_and_again_ends_with_the_same_bits(
    base: dict[str, str], straight: dict[str, Path], tmp_path: Path, recipe: str
) -> None:
    folder = make_job(tmp_path, recipe, base_model=base, options=OPTIONS)
    stopped, result = 0, run(folder, stop=StopAt(9))
    while result["state"] == "cancelled":
        assert result["reason"] == "cancelled"
        stopped += 1
        assert stopped < 30
        result = run(folder, stop=StopAt(9 + stopped))
    assert stopped >= 3
    assert result["state"] == "done"
    assert weights(folder) == weights(straight[recipe])
    assert (folder / "predictions.jsonl").read_bytes() == (straight[recipe] / "predictions.jsonl").read_bytes()
    assert result["best_step"] == json.loads((straight[recipe] / "result.json").read_text())["best_step"]
    assert not (folder / "state").exists()


def test_a_stop_says_that_the_run_can_go_on_and_progress_goes_on_from_there(
    base: dict[str, str], tmp_path: Path
) -> None:
    folder = make_job(tmp_path, "finetune_full", base_model=base, options=OPTIONS)
    result = run(folder, stop=StopAt(16))
    assert (
        result["message"]
        == "The run was cancelled. Its state is kept; started again in the same folder it goes on from there."
    )
    assert result["dev"] == {}
    reached = load_file(folder / "state" / "run.safetensors")["optimizer.0.step"].item()
    before = len(lines(folder / "progress.jsonl"))
    spent = result["cpu_seconds"]
    again = run(folder)
    assert min(line["step"] for line in lines(folder / "progress.jsonl")[before:] if line.get("epoch")) > reached > 0
    assert again["cpu_seconds"] > spent


def test_state_of_another_job_is_not_taken_up(base: dict[str, str], straight: dict[str, Path], tmp_path: Path) -> None:
    folder = make_job(tmp_path, "finetune_full", base_model=base, options=OPTIONS, seed=99)
    assert run(folder, stop=StopAt(20))["state"] == "cancelled"
    make_job(tmp_path, "finetune_full", base_model=base, options=OPTIONS)
    assert run(folder)["state"] == "done"
    assert weights(folder) == weights(straight["finetune_full"])


@pytest.mark.parametrize("name", ["run.safetensors", "best.safetensors"])
def test_half_a_state_file_is_as_good_as_none(
    base: dict[str, str], straight: dict[str, Path], tmp_path: Path, name: str
) -> None:
    folder = make_job(tmp_path, "finetune_full", base_model=base, options=OPTIONS)
    run(folder, stop=StopAt(20))
    path = folder / "state" / name
    path.write_bytes(path.read_bytes()[:-100])
    (folder / "state" / "run.safetensors").unlink()
    assert run(folder)["state"] == "done"
    assert weights(folder) == weights(straight["finetune_full"])


def test_the_store_forgets_nothing_it_was_told_and_refuses_what_is_not_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path / "state", "mine", every=3600)
    assert store.load() is None
    store.save({"a": torch.arange(3)}, step=7)
    tensors, facts = Store(tmp_path / "state", "mine").load() or ({}, {})
    assert tensors["a"].tolist() == [0, 1, 2]
    assert facts["step"] == 7
    assert Store(tmp_path / "state", "other").load() is None
    save_file({"a": torch.zeros(1)}, tmp_path / "state" / "run.safetensors")
    assert Store(tmp_path / "state", "mine").load() is None
    assert not store.due
    assert Store(tmp_path / "state", "mine", every=0).due
    store.clear()
    assert not (tmp_path / "state").exists()


def test_the_random_state_comes_back() -> None:
    state = resume.random_state()
    first = torch.rand(3)
    resume.restore_random(state)
    assert torch.equal(torch.rand(3), first)


def test_the_mean_of_the_weights_is_their_plain_mean_since_its_start() -> None:
    parameter = nn.Parameter(torch.zeros(2))
    average = loop.Average([parameter], start=2, on=True)
    seen = []
    for step in range(1, 7):
        with torch.no_grad():
            parameter.copy_(torch.tensor([float(step), float(step**2)]))
        seen.append(parameter.detach().clone())
        average.add(step)
    with average.swapped():
        assert torch.allclose(parameter, torch.stack(seen[2:]).mean(0))
    assert torch.equal(parameter, seen[-1])


def test_before_its_start_or_switched_off_the_mean_leaves_the_weights_alone() -> None:
    parameter = nn.Parameter(torch.ones(2))
    for average in (loop.Average([parameter], start=9, on=True), loop.Average([parameter], start=0, on=False)):
        average.add(1)
        with average.swapped():
            assert parameter.tolist() == [1.0, 1.0]


def test_a_loss_that_is_no_number_ends_the_run_with_a_sentence(tmp_path: Path) -> None:
    def spoil(model: Any) -> None:
        model.embeddings.word_embeddings.weight[7] = math.nan

    base = make_base_model(tmp_path / "spoilt", spoil=spoil)
    for recipe in ("finetune_top2", "finetune_full"):
        result = run(make_job(tmp_path / recipe, recipe, base_model=base, options=OPTIONS))
        assert (result["state"], result["reason"]) == ("failed", "error")
        assert "The loss was not a number at step 1 of 18. Lower the learning rate" in result["message"]


def test_the_last_good_epoch_by_dev_is_what_answers_the_test(
    base: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_job(tmp_path, "finetune_full", base_model=base, options=OPTIONS)
    kept: list[bytes] = []
    real = loop._keep_if_good

    def watch(store: Store, step: int, dev: dict[str, float], named: Any, plan: loop.Plan) -> None:
        assert plan.dev_texts == 12
        kept.append(named["classifier.weight"].detach().numpy().tobytes())
        invented = {6: 0.5, 12: 0.9, 18: 0.7}[step]
        real(store, step, dev | {plan.metric: invented}, named, plan)

    monkeypatch.setattr(loop, "_keep_if_good", watch)
    result = run(folder)
    assert result["best_step"] == 12
    final = load_file(folder / "checkpoint" / "model.safetensors")["classifier.weight"]
    assert final.numpy().tobytes() == kept[1]
    assert kept[1] != kept[2]


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ([0.5, 0.6, 0.7], 3),
        ([0.7, 0.9, 0.88], 3),  # the standard error of 0.9 over 100 texts is 0.03
        ([0.7, 0.9, 0.86], 2),
        ([0.9, 0.88, 0.86], 2),  # small losses do not add up: what counts is the highest so far
        ([0.9, 0.86, 0.88], 3),
        ([1.0, 0.99, 1.0], 3),
        ([0.0, 0.0, 0.0], 3),
    ],
)
def test_the_newest_weights_are_kept_unless_dev_was_better_by_more_than_one_standard_error(
    tmp_path: Path, scores: list[float], kept: int
) -> None:
    store = Store(tmp_path / "state", "mine")
    for step, value in enumerate(scores, start=1):
        loop._keep_if_good(store, step, {"macro_f1": value, "loss": 1.0}, {"w": torch.full((1,), step)}, PLAN)
    tensors, facts = store.load_best() or ({}, {})
    assert (facts["step"], facts["dev"]["macro_f1"], tensors["w"].item()) == (kept, scores[kept - 1], kept)


def test_the_standard_error_is_the_binomial_one() -> None:
    assert loop.standard_error(0.9, 100) == pytest.approx(0.03)
    assert loop.standard_error(-0.2, 100) == loop.standard_error(1.0, 100) == 0
    assert loop.standard_error(0.5, 0) == 0.5


def test_few_texts_are_seen_more_often_and_judged_as_often_as_there_are_epochs(
    base: dict[str, str], tmp_path: Path
) -> None:
    options = OPTIONS | {"epochs": 3, "min_steps": 50}
    run(make_job(tmp_path, "finetune_top2", base_model=base, options=options))
    told = [line for line in lines(tmp_path / "progress.jsonl") if "dev" in line and "step" in line]
    assert [line["step"] for line in told] == [18, 36, 54]
    assert [line["epoch"] for line in told] == [3, 6, 9]
    assert {line["steps"] for line in told} == {54}


def test_a_run_with_epochs_that_are_not_judged_goes_on_where_it_was_stopped(
    base: dict[str, str], tmp_path: Path
) -> None:
    options = OPTIONS | {"epochs": 2, "min_steps": 40}
    straight, stopped = (
        make_job(tmp_path / name, "finetune_top2", base_model=base, options=options) for name in ("one", "two")
    )
    assert run(straight)["state"] == "done"
    result, attempts = run(stopped, stop=StopAt(19)), 1
    while result["state"] == "cancelled":
        result, attempts = run(stopped, stop=StopAt(19 + attempts)), attempts + 1
        assert attempts < 30
    assert attempts > 2
    assert weights(stopped) == weights(straight)


def test_progress_tells_steps_loss_rate_speed_and_dev(straight: dict[str, Path]) -> None:
    told = lines(straight["finetune_top2"] / "progress.jsonl")
    phases = [line["phase"] for line in told]
    assert list(dict.fromkeys(phases)) == ["load", "prepare", "cache", "train", "evaluate", "predict"]
    dev = [line for line in told if "dev" in line and "step" in line]
    assert [line["step"] for line in dev] == [6, 12, 18]
    assert [line["epoch"] for line in dev] == [1, 2, 3]
    for line in dev:
        assert {"time", "steps", "loss", "learning_rate", "examples_per_second"} < set(line)
        assert 0 <= line["dev"]["macro_f1"] <= 1
    assert steps(straight["finetune_top2"]) == sorted(steps(straight["finetune_top2"]))


@pytest.mark.parametrize(("average_from", "late"), [(0.4, [1.0, 1.0, 1.0]), (1.0, [1.0, 0.5, 0.125])])
def test_the_rate_rises_and_then_stays_where_weights_are_averaged_and_else_falls(
    average_from: float, late: list[float]
) -> None:
    plan = dataclasses.replace(PLAN, average_from=average_from)
    assert [loop.rate_at(step, 10, plan) for step in (0, 1)] == [0.5, 1.0]
    assert [loop.rate_at(step, 10, plan) for step in (2, 6, 9)] == late

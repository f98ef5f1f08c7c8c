"""Batches: every text once, little padding, the same for the same seed; unknown tokens and cut texts are told."""

import random
from pathlib import Path

import pytest
import torch

from tests.training.jobs import make_base_model
from training.ml import data
from training.ml.data import Encoded, Hidden, Tokens, by_length, encode, shuffled, warnings_of
from training.ml.model import load_tokenizer

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def lengths() -> list[int]:
    chance = random.Random(5)
    return [chance.randint(3, 200) for _ in range(1003)]


def test_an_epoch_has_every_text_once_and_epochs_and_seeds_differ(lengths: list[int]) -> None:
    first = shuffled(lengths, 16, seed=1, epoch=0)
    assert sorted(index for batch in first for index in batch) == list(range(1003))
    assert len(first) == 63
    assert first == shuffled(lengths, 16, seed=1, epoch=0)
    assert first != shuffled(lengths, 16, seed=1, epoch=1)
    assert first != shuffled(lengths, 16, seed=2, epoch=0)


def padding(lengths: list[int], batches: list[list[int]]) -> float:
    room = sum(max(lengths[index] for index in batch) * len(batch) for batch in batches)
    return 1 - sum(lengths) / room


def test_grouping_by_length_saves_most_of_the_padding(lengths: list[int]) -> None:
    order = torch.randperm(1003, generator=torch.Generator().manual_seed(1)).tolist()
    at_random = [order[start : start + 16] for start in range(0, 1003, 16)]
    assert padding(lengths, shuffled(lengths, 16, seed=1, epoch=0)) < padding(lengths, at_random) / 5


def test_passes_that_learn_nothing_begin_with_the_longest(lengths: list[int]) -> None:
    batches = by_length(lengths, 32)
    assert lengths[batches[0][0]] == max(lengths)
    assert sorted(index for batch in batches for index in batch) == list(range(1003))
    assert padding(lengths, batches) < 0.03


def test_a_batch_of_tokens_is_padded_and_masked() -> None:
    batch = Tokens([[5, 6, 7], [8], [9, 9]], pad=1).batch([1, 0], CPU)
    assert batch["input_ids"].tolist() == [[8, 1, 1], [5, 6, 7]]
    assert batch["attention_mask"].tolist() == [[1, 0, 0], [1, 1, 1]]


@pytest.mark.parametrize("threshold", [data.MEMORY_MAP_ABOVE, 0])
def test_hidden_states_come_back_as_they_went_in_from_memory_and_from_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threshold: int
) -> None:
    monkeypatch.setattr(data, "MEMORY_MAP_ABOVE", threshold)
    spill = tmp_path / "state" / "train.hidden"
    hidden = Hidden([2, 1, 3], width=4, spill=spill)
    states = torch.arange(36.0).view(3, 3, 4)
    hidden.put([2, 0, 1], states)
    batch = hidden.batch([0, 2], CPU)
    assert batch["inputs_embeds"].shape == (2, 3, 4)
    assert torch.equal(batch["inputs_embeds"][1], states[0])
    assert torch.equal(batch["inputs_embeds"][0, :2], states[1, :2])
    assert batch["inputs_embeds"][0, 2].tolist() == [0, 0, 0, 0]
    assert batch["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1]]
    assert spill.exists() == (threshold == 0)
    assert threshold or spill.stat().st_size == 6 * 4 * 4


def test_texts_that_are_cut_and_tokens_that_are_unknown_are_counted(tmp_path: Path) -> None:
    base = make_base_model(tmp_path / "tiny")
    tokenizer = load_tokenizer(Path(base["path"]), name="tiny")
    encoded = encode(tokenizer, ["profit rose", "the sales rose strong", "利润 rose"], max_length=6)
    assert [len(text) for text in encoded.ids] == [4, 6, 5]
    assert encoded.truncated == 0
    assert encoded.unknown_share == pytest.approx(2 / 9)
    assert encode(tokenizer, ["the sales rose strong year", "rose"], max_length=6).truncated == 1


def test_warnings_begin_above_five_per_cent_unknown_tokens_and_at_the_first_cut_text() -> None:
    fine = Encoded([[1]] * 40, truncated=0, unknown_share=0.05)
    assert warnings_of(fine, max_length=256, model="tiny") == []
    poor = Encoded([[1]] * 40, truncated=3, unknown_share=0.51)
    unknown, cut = warnings_of(poor, max_length=256, model="tiny")
    assert unknown.startswith("51% of the tokens of the train texts are unknown to tiny;")
    assert cut == "Train texts longer than 256 tokens: 3 of 40; what comes after was not read."

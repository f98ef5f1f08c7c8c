"""Texts as a model reads them: tokenised once, put together by length, handed out in batches."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from .words import gettext_noop, said

MEMORY_MAP_ABOVE = 1024**3
UNKNOWN_SHARE = 0.05
# How many batches are drawn together and cut by length: enough to save most padding, few enough to keep epochs mixed.
POOL = 25
# Texts tokenised at once: the tokenizer keeps offsets and cut-off parts of each, many times the ids that stay.
CHUNK = 256


@dataclass(frozen=True)
class Encoded:
    """Token ids of each text, and how well the tokenizer took them."""

    ids: list[Sequence[int]]
    truncated: int
    unknown_share: float


def encode(tokenizer: Any, texts: Sequence[str], *, max_length: int) -> Encoded:
    """Token ids, cut at `max_length` including the special tokens, counted for unknown tokens and cut texts."""
    ids: list[Sequence[int]] = []
    truncated = 0
    for start in range(0, len(texts), CHUNK):
        batch = tokenizer(list(texts[start : start + CHUNK]), truncation=True, max_length=max_length)
        ids += [array("i", text) for text in batch["input_ids"]]
        truncated += sum(bool(text.overflowing) for text in batch.encodings or ())
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    words = sum(token not in special for text in ids for token in text)
    unknown = sum(token == tokenizer.unk_token_id for text in ids for token in text)
    return Encoded(ids, truncated, unknown / max(1, words))


def warnings_of(encoded: Encoded, *, max_length: int, model: str) -> list[str]:
    """Sentences about train texts that the tokenizer cannot read well."""
    found: list[str] = []
    if encoded.unknown_share > UNKNOWN_SHARE:
        found.append(
            said(
                gettext_noop(
                    "%(percent)d%% of the tokens of the train texts are unknown to %(model)s; choose a base model for this language, or TF-IDF."
                ),
                percent=round(100 * encoded.unknown_share),
                model=model,
            )
        )
    if encoded.truncated:
        found.append(
            said(
                gettext_noop(
                    "Train texts longer than %(most)d tokens: %(count)d of %(all)d; what comes after was not read."
                ),
                most=max_length,
                count=encoded.truncated,
                all=len(encoded.ids),
            )
        )
    return found


class Inputs(Protocol):
    """What the training loop needs of texts: their lengths in tokens, and a padded batch of some of them."""

    @property
    def lengths(self) -> Sequence[int]:
        """Tokens of each text."""
        ...

    def batch(self, indices: Sequence[int], device: torch.device) -> dict[str, Tensor]:
        """Keyword arguments of the model's forward call for these texts."""
        ...


class Tokens:
    """Texts as token ids, for a model that runs from its embeddings up."""

    def __init__(self, ids: Sequence[Sequence[int]], *, pad: int) -> None:
        self.lengths: Sequence[int] = [len(text) for text in ids]
        self._ids = ids
        self._pad = pad

    def batch(self, indices: Sequence[int], device: torch.device) -> dict[str, Tensor]:
        """`input_ids` and `attention_mask`, both [texts, longest] of int64."""
        width = max(self.lengths[index] for index in indices)
        rows = [list(self._ids[index]) + [self._pad] * (width - self.lengths[index]) for index in indices]
        mask = _mask([self.lengths[index] for index in indices], width)
        return {"input_ids": torch.tensor(rows).to(device), "attention_mask": mask.to(device)}


class Hidden:
    """Texts as what the frozen lower layers made of them: float32, unpadded, one row per token, on disk above 1 GB."""

    def __init__(self, lengths: Sequence[int], *, width: int, spill: Path) -> None:
        self.lengths = lengths
        ends = torch.tensor(lengths).cumsum(0).tolist()
        self._starts = [end - length for end, length in zip(ends, lengths, strict=True)]
        self._states = _room(ends[-1], width, spill)

    def put(self, indices: Sequence[int], states: Tensor) -> None:
        """Keep [texts, longest, width] without its padding."""
        for row, index in enumerate(indices):
            start, length = self._starts[index], self.lengths[index]
            self._states[start : start + length] = states[row, :length]

    def batch(self, indices: Sequence[int], device: torch.device) -> dict[str, Tensor]:
        """`inputs_embeds` [texts, longest, width] and `attention_mask` [texts, longest]."""
        lengths = [self.lengths[index] for index in indices]
        starts = [self._starts[index] for index in indices]
        texts = [self._states[start : start + length] for start, length in zip(starts, lengths, strict=True)]
        padded = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True)
        return {"inputs_embeds": padded.to(device), "attention_mask": _mask(lengths, max(lengths)).to(device)}


def _room(tokens: int, width: int, spill: Path) -> Tensor:
    if tokens * width * 4 <= MEMORY_MAP_ABOVE:
        return torch.empty(tokens, width)
    spill.parent.mkdir(parents=True, exist_ok=True)
    return torch.from_file(str(spill), shared=True, size=tokens * width).view(tokens, width)


def _mask(lengths: Sequence[int], width: int) -> Tensor:
    return (torch.arange(width)[None, :] < torch.tensor(lengths)[:, None]).long()


def by_length(lengths: Sequence[int], size: int) -> list[list[int]]:
    """All indices, longest first, cut into batches of `size`: for passes that learn nothing. Longest first fails first."""
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    return [order[start : start + size] for start in range(0, len(order), size)]


def shuffled(lengths: Sequence[int], size: int, *, seed: int, epoch: int) -> list[list[int]]:
    """An epoch's batches: drawn at random, grouped by length inside pools. The same for the same seed and epoch."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    order = torch.randperm(len(lengths), generator=generator).tolist()
    batches = []
    for start in range(0, len(order), size * POOL):
        pool = sorted(order[start : start + size * POOL], key=lambda index: lengths[index])
        batches += [pool[cut : cut + size] for cut in range(0, len(pool), size)]
    return [batches[index] for index in torch.randperm(len(batches), generator=generator).tolist()]

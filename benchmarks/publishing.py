"""What publishing costs in a large project: the preview of a plan, and carrying every answer over to another label.

    .venv/bin/python benchmarks/publishing.py --items 50000

Two answers an item, gold of each; a database of its own in a temporary folder. Prints seconds of CPU and of the wall.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
parser = argparse.ArgumentParser()
parser.add_argument("--items", type=int, default=50_000)
options = parser.parse_args()
os.environ.setdefault("ASSAY_DATA", tempfile.mkdtemp(prefix="assay-bench-"))
os.environ.setdefault("SECRET_KEY", "x" * 64)
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402

from annotation import models as a  # noqa: E402
from annotation import publishing  # noqa: E402


def timed(words, work):
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    print(f"{words}: {time.process_time() - cpu:.1f} CPU s, {time.perf_counter() - wall:.1f} s", flush=True)
    return found


def build(items):
    """A project with two answers and gold of each item."""
    call_command("migrate", verbosity=0)
    people = [a.User.objects.create_user(name) for name in ("ann", "ben")]
    project = a.Project.objects.create(slug="many", name="Many")
    for person in people:
        a.Membership.objects.create(project=project, user=person, role="annotator")
    publishing.publish_labels(project=project, question="tone", labels=["bad", "flat", "fine"], user=None)
    project.refresh_from_db()
    documents = a.Document.objects.bulk_create(
        (a.Document(project=project, external_id=f"d{n}", text=f"Text {n}.", text_key=f"{n:032x}") for n in range(items)), batch_size=2000
    )  # fmt: skip
    rows = a.Item.objects.bulk_create((a.Item(project=project, document=one) for one in documents), batch_size=2000)
    said = ["bad", "flat", "fine"]
    a.Assignment.objects.bulk_create(
        (a.Assignment(project=project, item=item, slot=k, annotator=people[k], state="done") for item in rows for k in (0, 1)), batch_size=2000
    )  # fmt: skip
    a.Annotation.objects.bulk_create(
        (a.Annotation(project=project, item=item, annotator=people[k], guideline_version=project.version, status="submitted", answer={"tone": said[n % 3]}, seconds=5.0)
         for n, item in enumerate(rows) for k in (0, 1)), batch_size=2000
    )  # fmt: skip
    a.Gold.objects.bulk_create(
        (a.Gold(project=project, item=item, question="tone", value=said[n % 3], method="unanimous", guideline_version=project.version) for n, item in enumerate(rows)), batch_size=2000
    )  # fmt: skip
    publishing.save_draft(
        project=project,
        text="",
        schema={"questions": [{"name": "tone", "labels": ["poor", "even", "good"]}]},
        user=None,
    )
    return project


project = timed("the project", lambda: build(options.items))
plan = {"tone": {"labels": {"bad": "poor", "flat": "even", "fine": "good"}}}
print(f"{2 * options.items} answers, {options.items} gold")
timed("preview", lambda: publishing.preview(project=project, plan=plan))
timed(
    "every answer and gold mapped",
    lambda: publishing.publish(project=project, user=None, change_note="Renamed.", plan=plan),
)
publishing.save_draft(
    project=project,
    text="Again.",
    schema={"questions": [{"name": "tone", "labels": ["poor", "even", "good"]}]},
    user=None,
)
project.refresh_from_db()
timed(
    "every item asked again of the same people",
    lambda: publishing.publish(project=project, user=None, change_note="Again.", plan={"tone": {"ask": {}}}),
)

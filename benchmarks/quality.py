"""What the quality page and the history cost in a project of 100,000 items and 300,000 answers.

    .venv/bin/python benchmarks/quality.py [--items 100000] [--overlap 3] [--postgres postgresql://postgres@127.0.0.1:5432/bench]

Builds the project in a scratch folder (or in the empty database that is named), has the worker's part make the figures
in full and after 500 more answers, and prints CPU milliseconds of this process; with SQLite that is the database's, too.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
LABELS = ("negative", "neutral", "positive")
PEOPLE, DAYS, BASE = 12, 4, 5000


def measured(what: str, work: Callable[[], Any], times: int = 1) -> Any:
    """Print the CPU milliseconds of the work, the median of some times, and the wall's."""
    spent, walls, result = [], [], None
    for _ in range(times):
        start, wall = time.process_time(), time.perf_counter()
        result = work()
        spent.append(1000 * (time.process_time() - start))
        walls.append(1000 * (time.perf_counter() - wall))
    print(f"{what:<60} {sorted(spent)[times // 2]:9.0f} CPU ms {sorted(walls)[times // 2]:9.0f} ms", flush=True)
    return result


def build(items: int, overlap: int) -> Any:
    """A project with all its answers, gold where they agree, cases where they do not: 5,000 items of the last four days,
    and copies of them, each four days older than the one before."""
    from django.utils import timezone

    from annotation import models as a
    from annotation import schema as schemas

    chance = random.Random(5)
    now = timezone.now()
    dave = a.User.objects.create_user("dave", password="x")
    people = a.User.objects.bulk_create(a.User(username=f"p{number}") for number in range(PEOPLE))
    project = a.Project.objects.create(slug="bench", name="Bench", overlap=overlap, created_by=dave)
    a.Membership.objects.create(project=project, user=dave, role="manager")
    a.Membership.objects.bulk_create(a.Membership(project=project, user=one, role="annotator") for one in people)
    schema = schemas.from_labels("sentiment", list(LABELS))
    version = a.GuidelineVersion.objects.create(
        project=project,
        number=1,
        schema=schema,
        text="#",
        published_at=now - timedelta(days=DAYS * (items // BASE + 2)),
    )
    project.version = version
    project.save()
    count = min(BASE, items)
    documents = a.Document.objects.bulk_create(
        a.Document(project=project, external_id=f"d{n}", text=f"Company {n} said so.", text_key=uuid.uuid4().hex)
        for n in range(count)
    )
    made = a.Item.objects.bulk_create(a.Item(project=project, document=document) for document in documents)
    slots, answers, gold, cases = [], [], [], []
    for place, item in enumerate(made):
        at = now - timedelta(days=DAYS) * (1 - place / count) - timedelta(hours=1)
        truth = chance.choice(LABELS)
        said = [truth if chance.random() < 0.85 else chance.choice(LABELS) for _ in range(overlap)]
        for slot, (who, value) in enumerate(zip(chance.sample(people, overlap), said, strict=True)):
            moment = at + timedelta(minutes=7 * slot)
            slots.append(a.Assignment(project=project, item=item, slot=slot, annotator=who, state="done"))
            answers.append(
                a.Annotation(project=project, item=item, annotator=who, guideline_version=version, status="submitted", answer={"sentiment": value}, seconds=chance.uniform(4, 40), flagged=chance.random() < 0.01, created_at=moment, updated_at=moment)
            )  # fmt: skip
        last = at + timedelta(minutes=7 * overlap)
        if len(set(said)) == 1:
            gold.append(a.Gold(project=project, item=item, question="sentiment", value=said[0], method="unanimous", guideline_version=version, settled_at=last))  # fmt: skip
        else:
            cases.append(a.Case(project=project, item=item, question="sentiment", disagreement=0.5, opened_at=last))
    a.Assignment.objects.bulk_create(slots)
    answers = a.Annotation.objects.bulk_create(answers)
    a.Revision.objects.bulk_create(
        a.Revision(annotation=row, project=project, person_id=row.annotator_id, client_id=uuid.uuid4(), status=row.status, answer=row.answer, seconds=row.seconds, flagged=row.flagged, at=row.updated_at)
        for row in answers
    )  # fmt: skip
    a.Gold.objects.bulk_create(gold)
    a.Case.objects.bulk_create(cases)
    for copy in range(1, items // BASE):
        for model in (a.Document, a.Item, a.Assignment, a.Annotation, a.Revision, a.Gold, a.Case):
            repeat(model, copy)
    return project


# What tells the rows of a copy from those of the first.
SHIFTED = {"document_id": "annotation_document", "item_id": "annotation_item", "annotation_id": "annotation_annotation"}
SIZES: dict[str, tuple[int, int]] = {}


def repeat(model: Any, copy: int) -> None:
    """The base's rows of a table once more: other keys, other names, four days earlier for each copy."""
    from django.db import connection

    table, sqlite = model._meta.db_table, connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        if table not in SIZES:
            cursor.execute(f"SELECT MIN(id), MAX(id) FROM {table}")
            low, high = cursor.fetchone()
            SIZES[table] = low, high
        low, high = SIZES[table]
        wanted = []
        for field in model._meta.concrete_fields:
            name = field.column
            if name == "id" or name in SHIFTED:
                first, last = SIZES[SHIFTED.get(name, table)]
                wanted.append(f'"{name}" + {(last - first + 1) * copy}')
            elif name == "external_id":
                wanted.append(f"'c{copy}-' || external_id")
            elif name == "client_id":
                wanted.append("lower(hex(randomblob(16)))" if sqlite else "gen_random_uuid()")
            elif field.get_internal_type() == "DateTimeField":
                earlier = f"-{DAYS * copy} days"
                wanted.append(
                    f"strftime('%Y-%m-%d %H:%M:%f', \"{name}\", '{earlier}')"
                    if sqlite
                    else f"\"{name}\" + interval '{earlier}'"
                )
            else:
                wanted.append(f'"{name}"')
        columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
        statement = (
            f"INSERT INTO {table} ({columns}) SELECT {', '.join(wanted)} FROM {table} WHERE id BETWEEN {low} AND {high}"
        )
        cursor.execute(statement.replace("%", "%%"), [])
        if not sqlite:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT MAX(id) FROM {table}))")


def answer_more(project: Any, count: int) -> None:
    """Slots of new items answered now, as the labelling page would have written it."""
    from django.utils import timezone

    from annotation import models as a

    chance, now = random.Random(6), timezone.now()
    people = list(a.User.objects.filter(username__startswith="p"))
    for n in range(count // 2):
        document = a.Document.objects.create(project=project, external_id=f"more{n}", text="More.", text_key="m")
        item = a.Item.objects.create(project=project, document=document)
        for slot, who in enumerate(chance.sample(people, 2)):
            value = {"sentiment": chance.choice(LABELS)}
            a.Assignment.objects.create(project=project, item=item, slot=slot, annotator=who, state="done")
            row = a.Annotation.objects.create(project=project, item=item, annotator=who, guideline_version=project.version, status="submitted", answer=value, seconds=9, created_at=now, updated_at=now)  # fmt: skip
            a.Revision.objects.create(annotation=row, project=project, person=who, client_id=uuid.uuid4(), status="submitted", answer=value, seconds=9, at=now)  # fmt: skip


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--overlap", type=int, default=3)
    parser.add_argument("--postgres", default="", metavar="URL", help="an empty database; SQLite where left out")
    asked = parser.parse_args()
    scratch = tempfile.mkdtemp(prefix="assay-quality-")
    os.environ.update(ASSAY_DATA=scratch, DJANGO_SETTINGS_MODULE="tests.settings", ASSAY_TEST_DATA=scratch)
    if asked.postgres:
        os.environ["DATABASE_URL"] = asked.postgres
    try:
        measure(asked.items, asked.overlap)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def measure(items: int, overlap: int) -> None:
    """The figures of one size."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client

    from annotation import history, measuring, models, surveying
    from annotation.streams import Asked
    from annotation.tasks import run_agreement, run_quality

    call_command("migrate", verbosity=0)
    project = measured(f"build {items:,} items x {overlap} answers", lambda: build(items, overlap))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    dave = models.User.objects.get(username="dave")
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(dave)

    def refreshed(**options: Any) -> None:
        row = surveying.refresh(project, **options)
        run_quality(row.pk)
        row.refresh_from_db()
        assert row.state == "done", row.message
        print("    " + ", ".join(f"{name} {cost:.0f}" for name, cost in row.figures["cost"].items()))

    report = measuring.refresh(version=project.version, question="sentiment")
    measured("agreement of one question (worker)", lambda: run_agreement(report.pk))
    measured("figures, everything counted (worker)", lambda: refreshed(full=True))
    answer_more(project, 500)
    measured("figures, 500 answers more (worker)", lambda: refreshed(rest=surveying.BEHIND))
    measured("figures, nothing done since (worker)", lambda: refreshed(rest=surveying.BEHIND))
    address = f"/p/{project.slug}/"
    for page in (
        "quality/",
        "quality/report/",
        "quality.csv",
        "history/",
        "history/?person=3",
        "history/?kind=corrected",
    ):
        answers = measured(f"GET {page}", lambda page=page: client.get(address + page), times=5)
        assert answers.status_code == 200, answers.status_code
    measured("GET /api/v1/.../quality/", lambda: client.get(f"/api/v1/projects/{project.slug}/quality/"), times=5)
    asked = Asked(project)
    measured("history, page 1", lambda: history.page(asked=asked, user=dave), times=5)
    # Three of five entries are answers here.
    row = models.Revision.objects.filter(project=project).order_by("-at", "-pk")[600 * history.PAGE]
    after = history.Place(row.at, "answer", row.pk)
    measured("history, page 1,000", lambda: history.page(asked=asked, user=dave, after=after), times=5)


if __name__ == "__main__":
    main()

"""The demo: a written corpus, four annotators who differ in believable ways, gold, a frozen version, first runs."""

import json
import os
import random
import secrets
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.files import File

from annotation import adjudicating, annotating, assigning, importing, inviting, jobs, measuring, publishing
from annotation.jobs import State
from annotation.models import AgreementReport, Case, Import, Membership, Project, User
from evaluation import freezing, refreshing
from evaluation.models import Dataset, DatasetVersion
from training import running
from training.models import Run

SLUG = "market-sentiment"
CORPUS = Path(settings.BASE_DIR) / "annotation" / "demo"
# The rest of the corpus comes in as a second batch and is the work to do.
FIRST_BATCH, BEFORE_FREEZE = 400, 360
OPEN_CASES = 12
RECIPES = ("majority", "tfidf_logreg", "probe", "finetune_top2")
LABELS = [
    {
        "name": "positive",
        "key": "1",
        "color": 3,
        "definition": "Good news for whoever holds or lends to the issuer; in feedback: the customer is content.",
        "examples": ["Orders rose by a fifth and the outlook was lifted.", "全年净利润同比增长三成，公司上调分红。"],
    },
    {
        "name": "neutral",
        "key": "2",
        "color": 8,
        "definition": "No direction, or good and bad that cancel out and nothing that decides.",
        "examples": ["The annual meeting takes place on 12 May in Bergen.", "公司将于下周三召开股东大会。"],
    },
    {
        "name": "negative",
        "key": "3",
        "color": 2,
        "definition": "Bad news for whoever holds or lends to the issuer; in feedback: the customer complains.",
        "examples": ["Profit rose, but the full-year outlook was cut.", "评级机构将其展望下调至负面。"],
    },
]
PEOPLE = {
    "dave": ("Dave Moreau", Membership.Role.MANAGER),
    "carol": ("Carol Lindqvist", Membership.Role.ADJUDICATOR),
    "erin": ("Erin Okafor", Membership.Role.RESEARCHER),
    "alice": ("Alice Brandt", Membership.Role.ANNOTATOR),
    "bob": ("Bob Castellan", Membership.Role.ANNOTATOR),
    "mei": ("Mei Zhang 张梅", Membership.Role.ANNOTATOR),
    "tom": ("Tom Adeyemi", Membership.Role.ANNOTATOR),
}
# What share of easy, medium and hard texts each gets wrong, and the label that they lean to when unsure.
HABITS: dict[str, tuple[dict[str, float], str]] = {
    "alice": ({"easy": 0.01, "medium": 0.08, "hard": 0.25}, ""),
    "bob": ({"easy": 0.03, "medium": 0.18, "hard": 0.40}, "positive"),
    "mei": ({"easy": 0.02, "medium": 0.15, "hard": 0.35}, "neutral"),
    "tom": ({"easy": 0.07, "medium": 0.25, "hard": 0.45}, ""),
}

# The last step but the runs: where it is in, an interrupted demo goes on behind it.
LAST_FILE = "october.jsonl"

Say = Callable[[str], None]


def corpus() -> list[dict[str, Any]]:
    """The texts in the order of their dates."""
    with (CORPUS / "corpus.jsonl").open(encoding="utf-8") as file:
        return sorted((json.loads(line) for line in file), key=lambda row: (row["published_at"], row["id"]))


def make(say: Say = lambda words: None) -> str:
    """Make the demo, or finish one that was interrupted; returns the words with the log-ins. Every step can be repeated."""
    texts = corpus()
    if (log_ins := Path(settings.DATA) / "demo_login").exists():
        return log_ins.read_text(encoding="utf-8").strip()
    _begin(Path(settings.DATA) / "demo_begun")
    people = _people()
    project = _project(people)
    if project.imports.filter(filename=LAST_FILE, state=State.DONE).exists():
        version = project.datasets.get().versions.frozen().get()
    else:
        version = _work(project, people, texts, say)
    say("measuring agreement")
    _measure(project)
    _schedule(version.dataset, people["dave"])
    say("queueing the first runs")
    _start_runs(version, people["erin"])
    return _log_ins(people)


def _work(project: Project, people: dict[str, User], texts: list[dict[str, Any]], say: Say) -> DatasetVersion:
    """The first texts labelled and decided, most of them frozen; then the last texts, which are left to do."""
    known = {row["id"]: row for row in texts}
    say("bringing the texts in")
    _bring_in(project, texts[:FIRST_BATCH], "corpus.jsonl", people["dave"])
    say("four annotators label")
    _label(project, people, known, leave=FIRST_BATCH - BEFORE_FREEZE)
    _adjudicate(project, people["carol"], known, leave=OPEN_CASES)
    say("freezing the first version")
    version = _freeze(project, people["dave"])
    _label(project, people, known, leave=0)
    _adjudicate(project, people["carol"], known, leave=OPEN_CASES)
    _bring_in(project, texts[FIRST_BATCH:], LAST_FILE, people["dave"])
    return version


def _begin(mark: Path) -> None:
    """Raise ValueError for accounts or a project that the demo did not make, else note that it makes them from here on.

    Its people share a password: that must never be given to somebody else's account.
    """
    if mark.exists():
        return
    taken = sorted(User.objects.filter(username__in=PEOPLE).values_list("username", flat=True))
    if taken:
        raise ValueError(
            f"The demo makes accounts of its own, but these are here already: {', '.join(taken)}. "
            "Make it in an installation without them: ASSAY_DATA=another-folder make run."
        )
    if Project.objects.filter(slug=SLUG).exists():
        raise ValueError(f"The demo makes the project “{SLUG}”, but there is one already. Use another installation.")
    mark.touch()


def _people() -> dict[str, User]:
    people = {}
    for username, (name, _role) in PEOPLE.items():
        user, new = User.objects.get_or_create(username=username, defaults={"name": name})
        if new:
            user.set_unusable_password()
            user.save()
        people[username] = user
    people["dave"].user_permissions.add(
        Permission.objects.get(content_type__app_label="annotation", codename="add_project")
    )
    return people


def _project(people: dict[str, User]) -> Project:
    project = Project.objects.filter(slug=SLUG).first()
    if project is None:
        project = inviting.create_project(
            name="Market sentiment",
            slug=SLUG,
            description="News, reports and customer feedback in English and Chinese: good or bad for whoever is exposed?",
            overlap=3,
            user=people["dave"],
        )
    for username, (_name, role) in PEOPLE.items():
        Membership.objects.get_or_create(project=project, user=people[username], defaults={"role": role})
    if project.version is None:
        question = {
            "name": "sentiment",
            "kind": "choice",
            "title": "Sentiment",
            "help": "For somebody who holds, lends to or depends on the issuer; in feedback, the customer's own.",
            "labels": LABELS,
        }
        parts = [(CORPUS / f"guideline.{language}.md").read_text(encoding="utf-8") for language in ("en", "zh")]
        text = "\n".join(parts)
        publishing.save_draft(project=project, text=text, schema={"questions": [question]}, user=people["dave"])
        publishing.publish(project=project, user=people["dave"])
        project.refresh_from_db()
    return project


def _bring_in(project: Project, rows: list[dict[str, Any]], name: str, user: User) -> None:
    """Through the same door as any upload, without the columns that would give answers away."""
    public = ("id", "text", "title", "source_type", "language", "published_at", "issuer", "topic")
    with tempfile.TemporaryFile() as file:
        for row in rows:
            line = {field: row[field] for field in public if field in row}
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        file.seek(0)
        job = importing.prepare(project=project, file=File(file, name), filename=name, user=user)
    importing.check(job)
    job.state = State.QUEUED
    job.save()
    jobs.run(Import, job.pk, importing.work)


def _label(project: Project, people: dict[str, User], known: dict[str, dict[str, Any]], *, leave: int) -> None:
    """Each annotator in turn takes a handful of items, as real ones would, until about `leave` items are open."""
    members = [
        Membership.objects.select_related("project__version", "user").get(project=project, user=people[name])
        for name in HABITS
    ]
    wanted = leave * project.overlap
    busy = True
    while busy and project.assignments.filter(state__in=["open", "assigned", "leased"]).count() > wanted:
        busy = False
        for member in members:
            for slot in assigning.with_items(assigning.take(membership=member, count=10)):
                row = known[slot.item.document.external_id]
                annotating.submit(membership=member, sent=_answer(slot, row, member), more=False)
                busy = True


def _answer(slot: Any, row: dict[str, Any], member: Membership) -> annotating.Sent:
    """What this person makes of this text: mostly right, wrong in their own way; the same at every repeat."""
    name = member.user.username
    chance = random.Random(f"{name} {row['id']}")
    wrong, leaning = HABITS[name]
    value = row["label"]
    if chance.random() < wrong[row["difficulty"]]:
        others = [label for label in ("positive", "neutral", "negative") if label != value]
        value = leaning if leaning in others and chance.random() < 0.6 else row.get("rival") or chance.choice(others)
    unsure = row["difficulty"] == "hard" and chance.random() < 0.12
    skipped = row["difficulty"] == "hard" and chance.random() < 0.03
    return annotating.Sent(
        client_id=uuid.uuid4(),
        assignment=slot.pk,
        token=slot.token,
        version=member.project.version_id or 0,
        status="skipped" if skipped else "submitted",
        answer={} if skipped else {"sentiment": value},
        skip_reason="context" if skipped else "",
        flagged=unsure,
        comment="Could be read either way." if unsure else "",
        seconds=round(2.5 + len(row["text"]) / chance.uniform(18, 40), 1),
    )


def _adjudicate(project: Project, carol: User, known: dict[str, dict[str, Any]], *, leave: int) -> None:
    """Carol settles all but a few cases."""
    # Second decisions are left to others.
    mine = Case.objects.open().filter(project=project).exclude(why=Case.Why.SECOND)
    cases = list(mine.select_related("item__document", "project__version"))
    cases.sort(key=lambda case: case.item.document.external_id)
    for case in cases[: max(0, len(cases) - leave)]:
        row = known[case.item.document.external_id]
        reason = {"easy": "oversight", "medium": "guideline", "hard": "ambiguous"}[row["difficulty"]]
        adjudicating.decide(case=case, value=row["label"], user=carol, reason=reason, note=row.get("why", ""))


def _freeze(project: Project, dave: User) -> DatasetVersion:
    done = DatasetVersion.objects.frozen().filter(dataset__project=project).order_by("pk").first()
    if done:
        return done
    version = freezing.ask(
        project=project, dataset_name="Market sentiment", user=dave, change_note="The first version."
    )
    jobs.run(DatasetVersion, version.pk, freezing.freeze)
    version.refresh_from_db()
    if not version.frozen_at:
        raise RuntimeError(version.message)
    return version


def _measure(project: Project) -> None:
    row = measuring.refresh(version=measuring.chosen(project), question="sentiment")
    jobs.run(AgreementReport, row.pk, measuring.work)


def _schedule(dataset: Dataset, dave: User) -> None:
    refreshing.set_schedule(
        dataset=dataset, cron="0 6 * * 1", timezone="Europe/Oslo", enabled=True, minimum=30, rerun=True, user=dave
    )


def _start_runs(version: DatasetVersion, erin: User) -> None:
    have = set(Run.objects.filter(version=version).values_list("recipe", flat=True))
    for recipe in RECIPES:
        if recipe not in have:
            running.start(version=version, question="sentiment", recipe=recipe, user=erin)


def _log_ins(people: dict[str, User]) -> str:
    """One random password for the demo's people, told in a file that only this user can read."""
    password = f"gold-{secrets.token_hex(4)}"
    for user in people.values():
        user.set_password(password)
        user.save(update_fields=["password"])
    lines = [f"  {username:<6} {role.label:<12} {name}" for username, (name, role) in PEOPLE.items()]
    words = "\n".join([f"Demo log-ins, all with the password  {password}", *lines])
    path = Path(settings.DATA) / "demo_login"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(words + "\n")
    return words

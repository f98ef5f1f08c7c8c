"""Gold becomes an immutable, hashed dataset version with its boards; all that is scored or exported is read from it."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from annotation import hits, jobs, recording, screening
from annotation import schema as schemas
from annotation.jobs import LIVE, Grip, JobFailed
from annotation.models import Document, Gold, GuidelineVersion, Item, Project, User
from annotation.settling import batches
from annotation.text.normal import check_name
from evaluation import rules
from evaluation.drafts import Draft
from evaluation.models import Benchmark, Dataset, DatasetVersion, Example, Tombstone

BATCH = 1000


# -- Asking -------------------------------------------------------------------------------------------------------


def ask(
    *,
    project: Project,
    dataset: Dataset | None = None,
    dataset_name: str = "",
    questions: Sequence[str] | None = None,
    change_note: str = "",
    user: User | None = None,
    wake: bool = True,
    **wanted: Any,
) -> DatasetVersion:
    """Put the freeze of a new version into the queue; a dataset of a new name is made.

    questions: which to freeze (None: all); wanted: how to split, as rules.check takes it. splits: 'given' takes the split
    that each document came with, 'column' that of a column of the metadata, 'random' makes them, 'time' cuts by date,
    'auto' is 'given' where every item with gold has one. What an earlier version placed stays where it is.
    wake=False leaves the work to the caller. Raises ValueError with a sentence for everything that cannot be.
    """
    guideline, options = checked(project, questions=questions, **wanted)
    if dataset is None:
        dataset = _dataset(project, dataset_name)
    if dataset.project_id != project.pk:
        raise ValueError(_("The dataset “%(name)s” belongs to another project.") % {"name": dataset})
    return queue(dataset=dataset, guideline=guideline, options=options, change_note=change_note, user=user, wake=wake)


def checked(project: Project, **wanted: Any) -> tuple[GuidelineVersion, dict[str, Any]]:
    """The guideline in force, and the options of a freeze in stored form; raises ValueError where it cannot be."""
    guideline = project.version
    if guideline is None:
        raise ValueError(_("This project has no published guideline yet, so there is no gold to freeze."))
    options = rules.check(guideline.schema, **wanted)
    rules.need_columns(project, options)
    _need_gold(project, guideline, options["questions"])
    return guideline, options


def queue(
    *,
    dataset: Dataset,
    guideline: GuidelineVersion,
    options: dict[str, Any],
    change_note: str = "",
    user: User | None = None,
    wake: bool = True,
) -> DatasetVersion:
    """The row of a freeze with checked options; raises ValueError where the dataset is being frozen already."""
    try:
        with transaction.atomic():
            version = DatasetVersion.objects.create(
                dataset=dataset,
                guideline_version=guideline,
                options=options,
                change_note=change_note.strip()[:2000],
                created_by=user,
                language=get_language() or "",
            )
    except IntegrityError:
        if not DatasetVersion.objects.filter(dataset=dataset, state__in=LIVE).exists():
            raise
        raise ValueError(
            _("A version of “%(name)s” is being frozen right now. Wait until it is done.") % {"name": dataset}
        ) from None
    if wake:
        jobs.enqueue(version)
    return version


def _need_gold(project: Project, guideline: GuidelineVersion, names: Sequence[str]) -> None:
    items = Item.objects.not_left_out().filter(project=project)
    always = [name for name in names if not schemas.question(guideline.schema, name).get("when")]
    for name in always or names:
        items = items.filter(pk__in=Gold.objects.current().filter(project=project, question=name).values("item"))
    if not items.exists():
        raise ValueError(
            _("No item has gold for %(questions)s yet. Settle or adjudicate answers, or import gold, then freeze.")
            % {"questions": ", ".join(always or names)}
        )


def _dataset(project: Project, name: str) -> Dataset:
    """The project's dataset of that name, made where there is none."""
    name = " ".join(name.split())
    if not name:
        raise ValueError(_("Give the dataset a name."))
    if len(name) > 120:
        raise ValueError(_("The name of a dataset has at most 120 characters."))
    datasets = Dataset.objects.filter(project=project)
    if found := datasets.filter(name=name).first() or datasets.filter(slug=name).first():
        return found
    check_name(name)
    slug = slugify(name)[:60].strip("-") or f"set-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    taken = set(datasets.values_list("slug", flat=True))
    number = 2
    base = slug
    while slug in taken:
        slug, number = f"{base[:56]}-{number}", number + 1
    return Dataset.objects.get_or_create(project=project, slug=slug, defaults={"name": name})[0]


# -- Freezing -----------------------------------------------------------------------------------------------------


def freeze(version: DatasetVersion, grip: Grip) -> dict[str, Any]:
    """Do the work of a queued version. Everything is written in one last transaction, or nothing is.

    Safe to repeat: a version that is frozen already is left as it is. Raises JobFailed with a sentence; with the
    reason `unchanged` where a refresh asked for it and nothing changed since the version before.
    """
    rows = DatasetVersion.objects.select_related("dataset__project", "guideline_version")
    version = rows.get(pk=version.pk)
    if version.frozen_at is not None:
        return {}
    with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as spool:
        version.gold_until = timezone.now()
        draft = Draft(version, spool, grip.tick)
        _screen(draft, grip)
        draft.read()
        draft.place()
        draft.placement.refuse()
        _need_a_look(draft)
        draft.hash()
        _store(draft, grip)
    return {}


def _screen(draft: Draft, grip: Grip) -> None:
    """No text is frozen that nothing has looked through for private data."""
    golden = Gold.objects.current().filter(project=draft.project).values("item")
    documents = Document.objects.filter(items__in=golden).distinct()
    screening.screen(project=draft.project, documents=documents, tick=grip.tick)


def _need_a_look(draft: Draft) -> None:
    """Raise JobFailed while private data in an example waits for somebody to decide about it."""
    items = [item for item, key in draft.gathered.item_keys.items() if key in draft.split]
    if counts := hits.open_among(draft.project, items):
        text = _(
            "Private data in the texts waits for a look: %(count)d (%(kinds)s). Decide on the page “Private data” what is masked and what stays, then freeze again."
        )
        told = {"count": sum(counts.values()), "kinds": hits.in_words(counts)}
        raise JobFailed(text % told, reason="private")


def _store(draft: Draft, grip: Grip) -> None:
    """Examples, version and boards in one transaction, at the end of which the row must still be ours."""
    version, windows = draft.version, draft.placement.windows
    with transaction.atomic():
        for batch in batches(_examples(draft, grip), BATCH):
            Example.objects.bulk_create(batch)
        _hold_out(draft)
        grip.hold()
        DatasetVersion.objects.filter(pk=version.pk).update(
            major=version.major,
            minor=version.minor,
            patch=version.patch,
            previous=draft.placement.previous,
            options={**version.options, **({"windows": windows} if windows else {})},
            content_hash=version.content_hash,
            split_hashes=version.split_hashes,
            counts=draft.counts,
            agreement=version.agreement,
            findings=draft.findings,
            gold_until=version.gold_until,
            frozen_at=timezone.now(),
        )
        if draft.counts["test"]["n"]:
            _open_boards(draft)
        for stones in batches(_tombstones(draft), BATCH):
            Tombstone.objects.bulk_create(stones)
        recording.record(
            project=draft.project,
            kind="frozen",
            by=version.created_by_id,
            version=version.guideline_version,
            name=f"{version.dataset.name} {version.number}",
            count=len(draft.split),
        )


def _hold_out(draft: Draft) -> None:
    """Items of dev and test are marked, so that none is shown with its gold; one that was made so meanwhile fails."""
    held = [pk for pk, key in draft.gathered.item_keys.items() if draft.split.get(key, "train") != "train"]
    for batch in batches(held, BATCH):
        rows = Item.objects.filter(pk__in=batch)
        rows.filter(held_out=False).update(held_out=True)
        if rows.exclude(role=Item.Role.WORK).exists():
            raise JobFailed(_("An item of dev or test was made a control or training item meanwhile. Freeze again."))


def _examples(draft: Draft, grip: Grip) -> Iterator[Example]:
    total, placement = len(draft.split), draft.placement
    for done, (key, row) in enumerate(draft.gathered.spooled(draft.split)):
        if done % BATCH == 0:
            grip.tick(2 * total + done, 3 * total, _("writing examples"))
        known = placement.before.get(key)
        yield Example(
            version=draft.version,
            item_id=row["item"],
            key=key,
            split=draft.split[key],
            text=row["text"],
            gold=row["gold"],
            soft=row["soft"],
            votes=row["votes"],
            methods=row["methods"],
            fields=row["fields"],
            component=placement.components[key],
            digest=draft.digests[key],
            added_in=known.added_in if known else draft.version.number,
        )


def _tombstones(draft: Draft) -> Iterator[Tombstone]:
    """What the version before had and this one has not."""
    placement = draft.placement
    for key, known in placement.before.items():
        if key not in draft.split:
            yield Tombstone(
                dataset=draft.version.dataset,
                key=key,
                version=draft.version,
                last=placement.previous,
                added_in=known.added_in,
                split=known.split,
                reason=placement.retired.get(key, ""),
            )


def _open_boards(draft: Draft) -> None:
    Benchmark.objects.bulk_create(
        Benchmark(
            version=draft.version,
            question=question["name"],
            primary_metric=rules.primary(question["kind"], draft.options["primary_metric"]),
        )
        for question in draft.questions
        if draft.tested[question["name"]]
    )

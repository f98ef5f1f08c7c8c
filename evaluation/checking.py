"""Looks that are too long for a page: what a freeze would give, leaks, the hash again, two versions compared."""

import contextlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from annotation import jobs
from annotation.jobs import Grip, JobFailed
from annotation.models import Project, User
from annotation.settling import batches
from evaluation import differing, freezing, previewing, proof
from evaluation.giveaways import terms
from evaluation.leak_report import Report, report
from evaluation.models import SPLITS, Check, CheckFile, Dataset, DatasetVersion, Pair
from evaluation.uploads import Source, Uploaded, unpacked
from evaluation.version_leaks import of_version

What = Check.What
# Uploaded data and previews are kept for so long; looks at frozen versions stay, as their versions do.
KEPT_DAYS = 14
BATCH = 500
NOTES = {
    What.PREVIEW: gettext_lazy("trying it out"),
    What.LEAKS: gettext_lazy("looking for leaks"),
    What.UPLOAD: gettext_lazy("looking for leaks"),
    What.VERIFY: gettext_lazy("hashing"),
    What.COMPARE: gettext_lazy("comparing"),
}


# -- Asking -------------------------------------------------------------------------------------------------------


def ask_preview(*, project: Project, dataset_name: str, user: User | None, wake: bool = True, **wanted: Any) -> Check:
    """What a freeze with these options would give; nothing is frozen. Raises ValueError as freezing.ask does."""
    _guideline, options = freezing.checked(project, **wanted)
    found = Dataset.objects.filter(project=project)
    dataset = found.filter(name=dataset_name).first() or found.filter(slug=dataset_name).first()
    asked = {"options": options, "dataset_name": dataset_name}
    return _ask(What.PREVIEW, project=project, dataset=dataset, asked=asked, user=user, wake=wake)


def ask_leaks(*, version: DatasetVersion, user: User | None, wake: bool = True) -> Check:
    """The leaks of a frozen version."""
    return _ask(What.LEAKS, project=version.project, version=_frozen(version), user=user, wake=wake)


def ask_verify(*, version: DatasetVersion, user: User | None, wake: bool = True) -> Check:
    """The hash of a frozen version again, from its rows."""
    return _ask(What.VERIFY, project=version.project, version=_frozen(version), user=user, wake=wake)


def ask_compare(*, before: DatasetVersion, after: DatasetVersion, user: User | None, wake: bool = True) -> Check:
    """What changed between two versions of a dataset; what was found once is found again."""
    if before.dataset_id != after.dataset_id:
        raise ValueError(_("The two versions belong to different datasets."))
    if before.pk == after.pk:
        raise ValueError(_("Choose two different versions."))
    known = Check.objects.filter(what=What.COMPARE, version=before, other=_frozen(after))
    if found := known.filter(state__in=(*jobs.LIVE, jobs.State.DONE)).first():
        return found
    return _ask(What.COMPARE, project=before.project, version=_frozen(before), other=after, user=user, wake=wake)


def ask_upload(
    *,
    files: Sequence[tuple[IO[bytes], str, str]],
    user: User,
    split_column: str = "",
    group_by: Sequence[str] = (),
    wake: bool = True,
) -> Check:
    """Leaks of uploaded files: (file, name, its split or ''). Raises ValueError for none, too many or too large ones."""
    if not files:
        raise ValueError(_("Choose a file first."))
    if len(files) > 10:
        raise ValueError(_("At most 10 files are taken at once; pack them into a zip."))
    size = sum(getattr(file, "size", 0) or 0 for file, _name, _split in files)
    if size > settings.UPLOAD_LIMIT:
        raise ValueError(
            _("The files have %(size)d MB; at most %(most)d MB are taken here. Use the command “leaks” for more.")
            % {"size": size // 2**20, "most": settings.UPLOAD_LIMIT // 2**20}
        )
    asked = {
        "split_column": split_column.strip()[:200],
        "group_by": [name.strip()[:200] for name in group_by if name.strip()][:10],
    }
    with transaction.atomic():
        row = _ask(What.UPLOAD, asked=asked, user=user, wake=wake)
        for file, name, split in files:
            kept = CheckFile(
                check_of=row,
                name=Path(name.replace("\\", "/")).name[:255] or "file",
                split=split if split in SPLITS else "",
            )
            kept.file.save(kept.name, File(file), save=True)
    return row


def _ask(what: str, *, user: User | None, wake: bool, **fields: Any) -> Check:
    row = Check.objects.create(what=what, created_by=user, language=get_language() or "", **fields)
    if wake:
        jobs.enqueue(row)
    return row


def _frozen(version: DatasetVersion) -> DatasetVersion:
    if version.frozen_at is None:
        raise ValueError(_("This version is not frozen."))
    return version


# -- Work ---------------------------------------------------------------------------------------------------------


def work(row: Check, grip: Grip) -> dict[str, Any]:
    """Do what was asked for; the pairs and the result are written together. Raises JobFailed with a sentence."""
    row = Check.objects.select_related("project__version", "dataset", "version__dataset", "other", "created_by").get(
        pk=row.pk
    )
    note = NOTES[What(row.what)]
    doing = {
        What.PREVIEW: _preview,
        What.LEAKS: _leaks,
        What.UPLOAD: _upload,
        What.VERIFY: _verify,
        What.COMPARE: _compare,
    }

    def tick(done: int, total: int, said: str = "") -> None:
        grip.tick(done, total, said or note)

    try:
        with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as spool, contextlib.ExitStack() as stack:
            result, pairs = doing[What(row.what)](row, spool, stack, tick)
            with transaction.atomic():
                Pair.objects.filter(check_of=row).delete()
                for batch in batches(_numbered(row, pairs), BATCH):
                    Pair.objects.bulk_create(batch)
                grip.hold(result=result)
    except ValueError as error:
        raise JobFailed(str(error)) from error
    if row.what == What.UPLOAD:
        _forget_files(row)
    return {}


Tick = Callable[..., None]
Found = tuple[dict[str, Any], Iterable[dict[str, Any]]]


def _numbered(row: Check, pairs: Iterable[dict[str, Any]]) -> Iterator[Pair]:
    numbers: Counter[str] = Counter()
    for pair in pairs:
        numbers[pair["kind"]] += 1
        yield Pair(check_of=row, number=numbers[pair["kind"]], **pair)


def _preview(row: Check, spool: IO[bytes], stack: contextlib.ExitStack, tick: Tick) -> Found:
    assert row.project is not None
    return previewing.preview(row.project, row.dataset, row.asked["dataset_name"], row.asked["options"], spool, tick)


def _leaks(row: Check, spool: IO[bytes], stack: contextlib.ExitStack, tick: Tick) -> Found:
    assert row.version is not None
    found, content = of_version(row.version, spool, lambda done, total: tick(done, total))
    return told(found), sides(found, content)


def _upload(row: Check, spool: IO[bytes], stack: contextlib.ExitStack, tick: Tick) -> Found:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR)))
    sources = []
    for number, kept in enumerate(row.files.order_by("pk")):
        path = folder / f"upload-{number}"
        with kept.file.open("rb") as given, path.open("wb") as out:
            for chunk in given.chunks():
                out.write(chunk)
        sources.append(Source(path, kept.name, kept.split))
    found, uploaded = of_files(sources, spool, folder=folder, **row.asked, tick=tick)
    return {**told(found), "files": [source.name for source in sources], **_of_upload(uploaded)}, sides(
        found, uploaded.content
    )


def _verify(row: Check, spool: IO[bytes], stack: contextlib.ExitStack, tick: Tick) -> Found:
    assert row.version is not None
    total = sum(part["n"] for name, part in row.version.counts.items() if name in SPLITS)
    return proof.verify(row.version, tick=lambda done: tick(done, total)), ()


def _compare(row: Check, spool: IO[bytes], stack: contextlib.ExitStack, tick: Tick) -> Found:
    assert row.version is not None
    assert row.other is not None
    return differing.compare(row.version, row.other, tick)


# -- Files --------------------------------------------------------------------------------------------------------


def of_files(
    sources: Sequence[Source],
    spool: IO[bytes],
    *,
    folder: Path,
    split_column: str = "",
    group_by: Sequence[str] = (),
    mapping: Mapping[str, str] | None = None,
    tick: Tick = lambda *_args: None,
) -> tuple[Report, Uploaded]:
    """The leaks of files, archives among them; raises ValueError where they cannot be read or have no splits."""
    uploaded = Uploaded(spool)
    flat = [inner for source in sources for inner in unpacked(source, folder)]
    uploaded.read(flat, split_column=split_column, group_by=group_by, mapping=mapping, tick=lambda done: tick(done, 0))
    found = report(
        uploaded.rows,
        uploaded.texts(),
        terms={"label": terms(uploaded.terms())},
        tick=lambda done, total: tick(done, total),
    )
    return found, uploaded


def _of_upload(uploaded: Uploaded) -> dict[str, Any]:
    return {"problems": uploaded.problems, "without_split": uploaded.without_split}


def told(found: Report) -> dict[str, Any]:
    """A report as it is kept and printed."""
    return {"clean": found.is_clean, "n": {name: found.n[name] for name in SPLITS}, "findings": found.findings}


def sides(found: Report, content: Callable[[str], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The pairs of a report with both their examples."""
    for pair in found.pairs:
        yield {
            "kind": pair.kind,
            "left": content(pair.left),
            "right": content(pair.right),
            "shared": pair.shared,
            "similarity": pair.similarity,
        }


# -- Keeping ------------------------------------------------------------------------------------------------------


def forget_old() -> int:
    """Every night: uploaded data and previews of more than 14 days go; returns how many."""
    old = Check.objects.filter(
        what__in=(What.UPLOAD, What.PREVIEW), created_at__lt=timezone.now() - timedelta(days=KEPT_DAYS)
    ).exclude(state__in=jobs.LIVE)
    rows = list(old[:1000])
    for row in rows:
        forget(row)
    return len(rows)


def forget(row: Check) -> None:
    """A check goes, with its pairs and files."""
    _forget_files(row)
    with transaction.atomic():
        Pair.objects.filter(check_of=row).delete()
        row.delete()


def _forget_files(row: Check) -> None:
    for kept in row.files.all():
        kept.file.delete(save=False)
        kept.delete()

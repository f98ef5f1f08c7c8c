"""Versions go out as files: asked for, written by the worker into private storage, fetched with the same right, removed."""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, cast

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import jobs, recording
from annotation.jobs import Grip, JobFailed, State
from annotation.models import Act, User
from annotation.text.normal import clean
from evaluation import archives, exports, formats, rules
from evaluation.models import DatasetVersion, Export, export_path
from evaluation.wanted import Wanted, want

# Up to so many examples a download may be made while somebody waits; it takes about a second.
AT_ONCE = 10_000
LONGEST_REASON = 2000


# -- Asking -------------------------------------------------------------------------------------------------------


def ask(
    *,
    version: DatasetVersion,
    user: User | None,
    format: str = "jsonl",
    with_test_gold: bool = False,
    why: str = "",
    **options: Any,
) -> Export:
    """Have the worker write a version; options are those of `want`.

    Raises PermissionDenied where this person may not take it out so, ValueError for what cannot be written, and where
    test gold or annotators' answers are wanted without a reason.
    """
    row = _row(version, format, with_test_gold, why, user, options)
    with transaction.atomic():
        row.save()
        _note(row, "exported", user)
        jobs.enqueue(row)
    return row


def _note(row: Export, kind: str, user: User | None) -> None:
    told: dict[str, Any] = {"dataset": row.version.dataset.name, "number": row.version.number, "format": row.format}
    told |= {"with_test_gold": row.with_test_gold, "with_annotations": row.with_annotations, "export": row.pk}
    recording.record(project=row.version.project, kind=kind, by=user, **told)


def again(export: Export, *, user: User) -> Export:
    """The same once more, on record as another one: the file of a version is the same bytes each time."""
    return ask(
        version=export.version,
        user=user,
        format=export.format,
        with_test_gold=export.with_test_gold,
        why=export.why,
        **export.options,
    )


def record(
    version: DatasetVersion,
    *,
    format: str,
    with_test_gold: bool,
    user: User | None,
    why: str = "",
    checksum: str = "",
    size: int | None = None,
    **options: Any,
) -> Export:
    """Note who took the version out at once, without the worker."""
    row = _row(version, format, with_test_gold, why, user, options)
    now = timezone.now()
    row.state, row.started_at, row.ended_at, row.checksum, row.size = State.DONE, now, now, checksum, size
    with transaction.atomic():
        row.save()
        _note(row, "exported", user)
    return row


def check(
    version: DatasetVersion,
    *,
    user: User | None,
    format: str,
    with_test_gold: bool,
    why: str,
    **options: Any,
) -> Wanted:
    """What is asked for, if it can be written and this person may have it; raises as `ask` does. Nobody may have all."""
    annotations = bool(options.get("annotations"))
    if user is not None and not rules.may_export(
        user, version.project, with_test_gold=with_test_gold, annotations=annotations
    ):
        raise PermissionDenied(_refusal(annotations, with_test_gold))
    wanted = want(version, format=format, with_test_gold=with_test_gold, **options)
    if user is not None and (with_test_gold or annotations) and not why.strip():
        raise ValueError(
            _("Say why the annotators' answers leave: a reason is needed.")
            if annotations
            else _("Say why the gold of the test split leaves: a reason is needed.")
        )
    return wanted


def _refusal(annotations: bool, with_test_gold: bool) -> str:
    if annotations:
        return _("Only managers may take the answers of the annotators.")
    if with_test_gold:
        return _("Only managers and adjudicators may take the gold of the test split.")
    return _("You may not take this version out.")


def _row(
    version: DatasetVersion, format: str, with_test_gold: bool, why: str, user: User | None, options: dict[str, Any]
) -> Export:
    check(version, user=user, format=format, with_test_gold=with_test_gold, why=why, **options)
    kept = {name: value for name, value in sorted(options.items()) if value}
    return Export(
        version=version,
        format=format,
        with_test_gold=with_test_gold,
        options=kept,
        why=clean(why).text[:LONGEST_REASON],
        by=user,
    )


# -- Writing ------------------------------------------------------------------------------------------------------


def write(version: DatasetVersion, *, target: Path | IO[bytes], **asked: Any) -> dict[str, Any]:
    """All files into an empty folder, or as a zip into an open binary file; returns the losses, code -> how often.

    The bytes depend on nothing but the version and the options. Raises ValueError as `want` does, and for a folder that
    holds files already.
    """
    return _write(want(version, **asked), target)


def _write(wanted: Wanted, target: Path | IO[bytes], tick: exports.Tick = lambda done: None) -> dict[str, Any]:
    sums: archives.Sums = {}
    losses: Counter[str] = Counter()
    files = exports.files(wanted, sums, losses, tick)
    if isinstance(target, Path):
        archives.into_folder(target, files, sums)
    else:
        archives.into_zip(target, files, sums)
    return dict(sorted(losses.items()))


def archive(version: DatasetVersion, **asked: Any) -> IO[bytes]:
    """The zip as a temporary file, at its start; it is gone when it is closed. Raises ValueError as `write` does."""
    file = _temporary()
    try:
        write(version, target=file, **asked)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _temporary() -> IO[bytes]:
    return cast(IO[bytes], tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR))


def at_once(
    *, version: DatasetVersion, user: User | None, format: str, with_test_gold: bool, why: str = "", **options: Any
) -> tuple[IO[bytes], Export]:
    """The zip of a small version while somebody waits, and the record of it; raises as `ask` does."""
    check(version, user=user, format=format, with_test_gold=with_test_gold, why=why, **options)
    file = archive(version, format=format, with_test_gold=with_test_gold, **options)
    checksum, size = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()  # type: ignore[arg-type]
    file.seek(0)
    asked = {"format": format, "with_test_gold": with_test_gold, "why": why, **options}
    return file, record(version, user=user, checksum=checksum, size=size, **asked)


def single(version: DatasetVersion, *, target: IO[bytes], **asked: Any) -> int:
    """All splits as one file that the import reads back to the same content; returns the number of rows."""
    wanted = want(version, **asked)
    release = exports.release_of(wanted)
    for chunk in formats.single(wanted.format, release, exports.rows_of(wanted)):
        target.write(chunk)
    return sum(release.counts.values())


# -- The worker ---------------------------------------------------------------------------------------------------


def work(export: Export, grip: Grip) -> dict[str, Any]:
    """Write the zip beside, then move it into its place, and name it in the row with its size and checksum.

    A worker that is killed leaves a part of a file that no row names; the next attempt clears it away and writes the
    same bytes.
    """
    export.version = DatasetVersion.objects.select_related("dataset__project", "guideline_version", "previous").get(
        pk=export.version_id
    )
    try:
        wanted = want(export.version, format=export.format, with_test_gold=export.with_test_gold, **export.options)
    except ValueError as error:
        raise JobFailed(str(error)) from error
    total, before = wanted.examples.count(), str(export.file.name or "")
    folder = Path(settings.FILE_UPLOAD_TEMP_DIR)
    for left in folder.glob(f"export-{export.pk}-*.part"):
        left.unlink(missing_ok=True)
    path = folder / f"export-{export.pk}-{export.attempt}.part"
    try:
        with path.open("w+b") as file:
            try:
                losses = _write(wanted, file, lambda done: grip.tick(done, total, _("writing")))
            except ValueError as error:
                raise JobFailed(str(error)) from error
            grip.check()
            size = file.seek(0, 2)
            file.seek(0)
            checksum = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            name = export.file.storage.save(export_path(export, ""), _Moved(file, name=str(path)))
    finally:
        path.unlink(missing_ok=True)
    kept_until = timezone.now() + timedelta(days=settings.EXPORT_DAYS)
    try:
        with transaction.atomic():
            grip.hold(file=name, size=size, checksum=checksum, losses=losses, kept_until=kept_until)
    except BaseException:
        export.file.storage.delete(name)
        raise
    if before and before != name:
        export.file.storage.delete(before)
    return {"done_steps": total, "all_steps": total}


class _Moved(File):
    """A file that the storage may move into its place, where that is on the same disk: it is there whole, or not at all."""

    def temporary_file_path(self) -> str:
        """Where it is now."""
        return cast(str, self.name)


def cancel(export: Export) -> bool:
    """Stop it; False where it has ended already."""
    return jobs.cancel(export)


def remove_old() -> int:
    """Remove the files whose time is over; returns how many. What they were stays in their rows."""
    removed = 0
    for row in Export.objects.filter(kept_until__lt=timezone.now()).exclude(file=""):
        removed += remove(row)
    return removed


def remove(export: Export) -> bool:
    """Remove the file; who took what, and its checksum, stay. False where there was none."""
    name = str(export.file.name)
    if not name or not Export.objects.filter(pk=export.pk, file=name).update(file="", kept_until=None):
        return False
    export.file.storage.delete(name)
    export.file, export.kept_until = "", None
    return True


# -- Fetching -----------------------------------------------------------------------------------------------------


def fetched(export: Export, *, user: User) -> None:
    """Note that somebody took the file, or went on with it; once an hour, because a download may come in many parts."""
    lately = Act.objects.filter(project=export.version.project, kind="export_fetched", by=user)
    since = timezone.now() - timedelta(hours=1)
    if not lately.filter(at__gte=since, details__export=export.pk).exists():
        _note(export, "export_fetched", user)


def fetch(export: Export, *, user: User) -> IO[bytes]:
    """The file, opened. Raises PermissionDenied where this person may not ask for such an export any more, ValueError
    where there is no file.
    """
    if not rules.may_export(
        user, export.version.project, with_test_gold=export.with_test_gold, annotations=export.with_annotations
    ):
        raise PermissionDenied(_refusal(export.with_annotations, export.with_test_gold))
    try:
        if not export.file:
            raise FileNotFoundError
        return cast(IO[bytes], export.file.open("rb"))
    except FileNotFoundError:
        raise ValueError(_("This file is not kept any more. Make it again: it will be the same.")) from None


def is_small(version: DatasetVersion, *, splits: Iterable[str] | None = None) -> bool:
    """Whether it may be written while somebody waits."""
    count: int = sum(version.counts.get(split, {}).get("n", 0) for split in splits or version.counts)
    return count <= AT_ONCE

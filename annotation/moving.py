"""A project of another tool moves here: its export is looked at, then becomes a project, a guideline and an import."""

import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import importing, inviting, reading
from annotation import schema as schemas
from annotation.models import Import, Move, User

# Annotators whose names are shown, and files that are sent together.
MOST_PEOPLE, MOST_FILES = 500, 50
# How long a look that nobody went on from is kept.
KEPT = timedelta(days=2)
OVERLAP = 10

Upload = tuple[str, IO[bytes]]


def prepare(*, files: Sequence[Upload], user: User | None) -> Move:
    """Store what was exported and look at it; nothing else is written. Raises ValueError where it cannot be read.

    Several files (tasks and their configuration, a file for each annotator) are taken as one export.
    """
    if not files:
        raise ValueError(_("Choose a file first."))
    if len(files) > MOST_FILES:
        raise ValueError(_("At most %(most)d files are taken at once; pack them as a .zip.") % {"most": MOST_FILES})
    size = sum(getattr(file, "size", 0) or 0 for _name, file in files)
    if size > settings.UPLOAD_LIMIT:
        raise ValueError(
            _("The file has %(size)d MB; at most %(most)d MB are taken here. Split it, or use the command.")
            % {"size": size // 2**20, "most": settings.UPLOAD_LIMIT // 2**20}
        )
    _forget(user)
    name = Path(files[0][0].replace("\\", "/")).name[:255] or "export"
    row = Move(filename=name if len(files) == 1 else f"{Path(name).stem[:240]}.zip", created_by=user)
    with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as packed:
        if len(files) > 1:
            _pack(files, packed)
        row.file.save(row.filename, File(packed if len(files) > 1 else files[0][1]), save=False)
    try:
        row.found = look(row)
    except ValueError:
        row.file.delete(save=False)
        raise
    row.save()
    return row


def _forget(user: User | None) -> None:
    """Earlier looks of this person that came to nothing."""
    for row in Move.objects.filter(created_by=user, project=None, created_at__lt=timezone.now() - KEPT):
        discard(row)


def discard(move: Move) -> None:
    """Forget a look and its upload."""
    move.file.delete(save=False)
    move.delete()


def _pack(files: Sequence[Upload], packed: IO[bytes]) -> None:
    """Several files as one archive; what is in archives among them lies beside the others."""
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        taken: set[str] = set()
        for name, file in files:
            name = Path(name.replace("\\", "/")).name or "file"
            if name.lower().endswith(".zip"):
                _unpack_into(archive, file, name, taken)
                continue
            with archive.open(_free(name, taken), "w", force_zip64=True) as copy:
                shutil.copyfileobj(file, copy)


def _unpack_into(archive: zipfile.ZipFile, file: IO[bytes], name: str, taken: set[str]) -> None:
    with tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as whole:
        shutil.copyfileobj(file, whole)
        whole.flush()
        for inner, content in reading.members(Path(whole.name)):
            with archive.open(_free(inner, taken), "w", force_zip64=True) as copy:
                shutil.copyfileobj(content, copy)


def _free(name: str, taken: set[str]) -> str:
    free = next(one for one in (name, *(f"{k}-{name}" for k in range(2, 10_000))) if one not in taken)
    taken.add(free)
    return free


def look(move: Move) -> dict[str, Any]:
    """What was found: tool, items, annotators, questions, losses and problems, in JSON; raises ValueError."""
    seen = reading.overview(Path(move.file.path), move.filename)
    if not seen.items:
        problem = seen.problems[0] if seen.problems else _("The file holds no rows.")
        raise ValueError(_("No item could be read. %(problem)s") % {"problem": problem})
    if not seen.tool and seen.format == "txt":
        raise ValueError(_("It is no export of another tool. Make a project, and bring plain text in there."))
    return {
        "format": seen.format,
        "tool": seen.tool,
        "name": seen.name[:200],
        "text": seen.text,
        "items": seen.items,
        "rows": seen.rows,
        "whole": seen.whole,
        "annotators": [{"name": name, "answers": count} for name, count in seen.annotators.most_common(MOST_PEOPLE)],
        "more_annotators": max(0, len(seen.annotators) - MOST_PEOPLE),
        "overlap": min(OVERLAP, max(1, seen.overlap)),
        **_questions(seen),
        "lost": [{"text": text, "count": count} for text, count in seen.lost.most_common()],
        "refused": seen.refused,
        "problems": seen.problems,
        "said": seen.said,
    }


def _questions(seen: reading.Overview) -> dict[str, Any]:
    """The questions as they will be asked, and what is wrong with them where they cannot."""
    if not seen.questions:
        return {"questions": [], "misfit": ""}
    try:
        return {"questions": schemas.check({"questions": seen.questions})["questions"], "misfit": ""}
    except ValueError as error:
        return {"questions": [], "misfit": str(error)}


def start(
    *,
    move: Move,
    user: User | None,
    name: str,
    slug: str = "",
    overlap: int | None = None,
    people: dict[str, str] | None = None,
    at_once: bool = False,
) -> Import:
    """Make the project, and give the file to the worker, which publishes the guideline and brings everything in.

    people: annotators of the file -> names here; each stays an imported annotator, who cannot sign in. Raises ValueError
    where the name or address cannot be, two people would become one, or the export came in already.
    """
    renamed = _renamed(move, people or {})
    if move.found.get("misfit"):
        raise ValueError(move.found["misfit"])
    with transaction.atomic():
        # Who presses twice makes one project.
        row = Move.objects.select_for_update().get(pk=move.pk)
        if row.project_id is not None or not row.file:
            raise ValueError(_("This export has been brought in already."))
        project = inviting.create_project(
            name=name, slug=slug, user=user, overlap=overlap or int(move.found["overlap"]), agreed_percent=0, second_percent=0
        )  # fmt: skip
        with Path(row.file.path).open("rb") as file:
            found = importing.prepare(project=project, file=file, filename=row.filename, user=user, create_schema=True, people=renamed)  # fmt: skip
        try:
            importing.check(found)
        except ValueError:
            found.file.delete(save=False)
            raise
        row.project = project
        row.save(update_fields=["project"])
    row.file.delete(save=False)
    Move.objects.filter(pk=row.pk).update(file="")
    if at_once:
        return importing.bring_in(found)
    importing.start(found)
    return found


def _renamed(move: Move, people: dict[str, str]) -> dict[str, str]:
    """Those who get another name; raises ValueError where two would become one."""
    names = [str(one["name"]) for one in move.found.get("annotators", [])]
    if strange := sorted(set(people) - set(names)):
        raise ValueError(_("The file names no annotator “%(name)s”.") % {"name": strange[0][:80]})
    called = Counter(people.get(name, "").strip() or name for name in names)
    if double := next((name for name, count in called.items() if count > 1), ""):
        raise ValueError(
            _("Two annotators would be called “%(name)s”, and nobody answers an item twice: give each a name of their own.")
            % {"name": double[:80]}
        )  # fmt: skip
    return {name: new.strip() for name, new in people.items() if new.strip() and new.strip() != name}

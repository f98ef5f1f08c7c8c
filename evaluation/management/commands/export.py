"""export: a frozen version as a folder, a zip or a single file."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotation.management.command import find_project, find_user
from evaluation import export
from evaluation.management.command import VersionCommand, find_version
from evaluation.models import DatasetVersion


class Command(VersionCommand):
    """Write the files of a version and record who took it."""

    help = "Export a frozen version: a folder, a .zip, or one .jsonl or .csv with all splits."

    def options(self, parser: CommandParser) -> None:
        """What to export, and where to."""
        self.version_options(parser)
        parser.add_argument("--format", choices=export.FORMATS, default="jsonl")
        parser.add_argument("--out", required=True, metavar="PATH", help="new folder, or a file .zip, .jsonl or .csv")
        parser.add_argument("--without-test-gold", action="store_true", help="leave the labels of the test split out")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Check the right, write, record."""
        project = find_project(options["project"])
        user = find_user(options["user"])
        with_gold = not options["without_test_gold"]
        if user and with_gold and not export.may_have_test_gold(user, project):
            raise ValueError(f"“{user}” may not have the test gold. Use --without-test-gold.")
        version = find_version(project, options["dataset"], options["number"])
        path = Path(options["out"])
        form = path.suffix[1:] if path.suffix in (".jsonl", ".csv") else options["format"]
        write(version, form, path, with_test_gold=with_gold)
        export.record(version, format=form, with_test_gold=with_gold, user=user)
        return {
            "dataset": version.dataset.name,
            "version": version.number,
            "content_hash": version.content_hash,
            "format": form,
            "with_test_gold": with_gold,
            "path": str(path),
        }

    def told(self, result: dict[str, Any]) -> list[str]:
        """Where it went."""
        return [f"{result['dataset']} {result['version']} → {result['path']}", result["content_hash"]]


def write(version: DatasetVersion, form: str, path: Path, *, with_test_gold: bool) -> None:
    """A folder, a zip or a single file, as the name says; raises ValueError for a file that is there already."""
    if path.suffix not in (".zip", ".jsonl", ".csv"):
        export.write(version, format=form, with_test_gold=with_test_gold, target=path)
        return
    try:
        file = path.open("xb")
    except FileExistsError:
        raise ValueError(f"{path} is there already; name a new file.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror}.") from None
    with file:
        if path.suffix == ".zip":
            export.write(version, format=form, with_test_gold=with_test_gold, target=file)
        else:
            export.single(version, format=form, with_test_gold=with_test_gold, target=file)

"""export: a frozen version as a folder, a zip or a single file."""

from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import CommandParser

from annotation.management.command import find_project, find_user
from evaluation import exporting, formats
from evaluation.formats.release import SCHEMES
from evaluation.management.command import VersionCommand, find_version
from evaluation.models import SPLITS, DatasetVersion


class Command(VersionCommand):
    """Write the files of a version and record who took it."""

    help = "Export a frozen version: a folder, a .zip, or one .jsonl, .csv or .parquet with all splits."

    def options(self, parser: CommandParser) -> None:
        """What to export, and where to."""
        self.version_options(parser)
        parser.add_argument("--format", choices=list(formats.FORMATS), default="")
        parser.add_argument(
            "--out", required=True, metavar="PATH", help="new folder, or a file .zip, .jsonl, .csv or .parquet"
        )
        parser.add_argument("--split", action="append", choices=SPLITS, help="only this one; may be given again")
        parser.add_argument("--question", default="", metavar="NAME", help="for formats that carry one question")
        parser.add_argument("--scheme", choices=SCHEMES, default="BIO", help="how CoNLL writes its tags")
        parser.add_argument("--without-test-gold", action="store_true", help="leave the labels of the test split out")
        parser.add_argument(
            "--with-annotations", action="store_true", help="the annotators' answers too, under other names"
        )
        parser.add_argument("--with-comments", action="store_true", help="what they wrote beside their answers as well")
        parser.add_argument(
            "--reason", default="", metavar="WORDS", help="why; needed in somebody's name for test gold or answers"
        )

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Check the right, write, record."""
        project = find_project(options["project"])
        user = find_user(options["user"])
        version = find_version(project, options["dataset"], options["number"])
        path = Path(options["out"])
        asked: dict[str, Any] = {
            "format": options["format"] or (path.suffix[1:] if path.suffix in SINGLE else "jsonl"),
            "with_test_gold": not options["without_test_gold"],
            "splits": options["split"] or [],
            "question": options["question"],
            "scheme": options["scheme"],
            "annotations": options["with_annotations"],
            "comments": options["with_comments"],
        }
        try:
            exporting.check(version, user=user, why=options["reason"], **asked)
        except PermissionDenied as refusal:
            hint = " Use --without-test-gold." if asked["with_test_gold"] and not asked["annotations"] else ""
            raise ValueError(f"“{user}”: {refusal}{hint}") from None
        losses = write(version, path, **asked)
        exporting.record(version, user=user, why=options["reason"], **asked)
        return {
            "dataset": version.dataset.name,
            "version": version.number,
            "content_hash": version.content_hash,
            "format": asked["format"],
            "with_test_gold": asked["with_test_gold"],
            "with_annotations": asked["annotations"],
            "losses": losses,
            "path": str(path),
        }

    def told(self, result: dict[str, Any]) -> list[str]:
        """Where it went, and what was left behind."""
        lines = [f"{result['dataset']} {result['version']} → {result['path']}", result["content_hash"]]
        return [*lines, *(f"{count} × {formats.LOSSES[code]}" for code, count in result["losses"].items())]


SINGLE = (".jsonl", ".csv", ".parquet")


def write(version: DatasetVersion, path: Path, **asked: Any) -> dict[str, int]:
    """A folder, a zip or a single file, as the name says; raises ValueError for a file that is there already.

    Of a single file that could not be written nothing is left.
    """
    if path.suffix not in (".zip", *SINGLE):
        return exporting.write(version, target=path, **asked)
    if path.suffix in SINGLE and (path.suffix != f".{asked['format']}" or asked["annotations"]):
        raise ValueError(f"{path} would be one file of {path.suffix[1:]} alone; name a folder or a .zip.")
    try:
        file = path.open("xb")
    except FileExistsError:
        raise ValueError(f"{path} is there already; name a new file.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror}.") from None
    try:
        with file:
            if path.suffix == ".zip":
                return exporting.write(version, target=file, **asked)
            exporting.single(
                version, target=file, **{name: asked[name] for name in ("format", "with_test_gold", "splits")}
            )
            return {}
    except BaseException:
        path.unlink(missing_ok=True)
        raise

"""What the two import commands share: options of reading and mapping, the import done here and now, its report."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from annotation import importing
from annotation.jobs import State
from annotation.management.command import ProjectCommand, pairs, plain
from annotation.models import Import, Project, User
from annotation.reading import FORMATS
from annotation.records import EXTRAS, FIELDS

SHOWN = 10
COUNTS = ("rows", "new", "here", "same_text", "annotations", "gold", "cases", "refused")


class ImportCommand(ProjectCommand):
    """Brings files in by the same functions as the page; `what` says what their rows are."""

    what = Import.What.ITEMS

    def options(self, parser: CommandParser) -> None:
        """How to read the file, and which column is what."""
        parser.add_argument("--format", default="", choices=["", *FORMATS], help="found out where left out")
        parser.add_argument(
            "--encoding", default="", metavar="NAME", help="latin-1, gb18030 …; found out where left out"
        )
        parser.add_argument("--delimiter", default="", metavar="SIGN", help="tab for a tabulator")
        parser.add_argument("--columns", default="", metavar="A,B", help="names of the columns, instead of a header")
        parser.add_argument("--no-header", action="store_true", help="the first row holds data already")
        parser.add_argument("--sheet", default="", metavar="NAME", help="worksheet of an .xlsx file")
        parser.add_argument(
            "--root", default="", metavar="NAME", help="where the list of records is inside a JSON object"
        )
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="FIELD=COLUMN",
            help=f"fields: {', '.join(FIELDS + EXTRAS)}; may be repeated; the others are guessed",
        )
        parser.add_argument("--question", default="", metavar="NAME", help="the question that plain labels answer")
        parser.add_argument(
            "--annotator", default="", metavar="NAME", help="whose labels they are where no row says it"
        )
        parser.add_argument(
            "--annotator-column",
            action="append",
            default=[],
            metavar="COLUMN",
            help="one annotator's labels; repeat it",
        )
        parser.add_argument(
            "--map-label", action="append", default=[], metavar="FROM=TO", help="rename a label of the file; repeat it"
        )

    def chosen(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options of the import."""
        return {
            "format": options["format"],
            "encoding": options["encoding"],
            "delimiter": {"tab": "\t", "\\t": "\t"}.get(options["delimiter"], options["delimiter"]),
            "columns": [name.strip() for name in options["columns"].split(",") if name.strip()],
            "header": not options["no_header"],
            "sheet": options["sheet"],
            "root": options["root"],
            "question": options["question"],
            "annotator": options["annotator"],
            "annotator_columns": options["annotator_column"],
            "label_map": pairs(options["map_label"], "--map-label"),
        }

    def bring(
        self, project: Project, path: Path, user: User | None, mapping: dict[str, str], chosen: dict[str, Any]
    ) -> dict[str, Any]:
        """Import one file; a file that cannot be read is told like one that failed."""
        try:
            with plain(path).open("rb") as file:
                row = importing.prepare(
                    project=project, file=file, filename=path.name, user=user, what=self.what, **chosen
                )
            row.options["mapping"] |= mapping
            importing.bring_in(row)
        except OSError as error:
            return {"file": str(path), "state": State.FAILED, "message": f"{path}: {error.strerror}."}
        except ValueError as error:
            return {"file": str(path), "state": State.FAILED, "message": str(error)}
        return summary(path, row)

    def told(self, result: dict[str, Any]) -> list[str]:
        """Each file with its counts, warnings and first refused rows."""
        return [line for entry in result["files"] for line in told(entry)]

    def failure(self, result: dict[str, Any]) -> str:
        """A file that could not be read, or of which nothing could."""
        failed = [entry for entry in result["files"] if entry["state"] != State.DONE]
        if failed:
            return " ".join(entry["message"] or f"{entry['file']}: {entry['state']}" for entry in failed)
        empty = [entry["file"] for entry in result["files"] if entry["refused"] and entry["refused"] == entry["rows"]]
        return _("Nothing could be read from %(files)s.") % {"files": ", ".join(empty)} if empty else ""


def summary(path: Path, row: Import) -> dict[str, Any]:
    """What came of one file."""
    if row.state != State.DONE:
        return {"file": str(path), "import": row.pk, "state": row.state, "message": row.message}
    report = row.report
    return {
        "file": str(path),
        "import": row.pk,
        "state": row.state,
        "mapping": row.options["mapping"],
        **{name: report[name] for name in (*COUNTS, "items", "cleaned", "languages")},
        "annotators": report["annotators"],
        "guideline_version": report["guideline_version"],
        "warnings": [*row.options.get("warnings", []), *(f"{w['text']} ({w['count']})" for w in report["warnings"])],
        "problems": report["problems"],
        "refused_file": row.refused.path if row.refused else None,
    }


def told(entry: dict[str, Any]) -> list[str]:
    """One file's report for a person."""
    if entry["state"] != State.DONE:
        return [f"{entry['file']}: {entry['state']}"]
    counts = ", ".join(f"{entry[name]} {WORDS[name]}" for name in COUNTS if entry[name] or name in ("rows", "new"))
    if entry["items"] != entry["new"]:
        counts += f", cut into {entry['items']} passages or sentences"
    lines = [f"{entry['file']}: {counts}"]
    if entry["languages"]:
        lines.append(f"  languages: {', '.join(f'{name} {count}' for name, count in entry['languages'].items())}")
    lines += [f"  note: {warning}" for warning in entry["warnings"]]
    lines += [f"  refused: {problem['problem']}" for problem in entry["problems"][:SHOWN]]
    if entry["refused"] > SHOWN:
        lines.append(f"  … and {entry['refused'] - SHOWN} more")
    if entry["refused_file"]:
        lines.append(f"  refused rows, to be mended and imported again: {entry['refused_file']}")
    return lines


WORDS = {
    "rows": "rows read",
    "new": "new items",
    "here": "here already",
    "same_text": "with a text seen before",
    "annotations": "answers",
    "gold": "gold",
    "cases": "cases to settle",
    "refused": "refused",
}

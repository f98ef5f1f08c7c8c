"""import_items: files of documents, with or without labels, become items of a project."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotation import inviting
from annotation.management.command import find_project, find_user, pairs
from annotation.management.importing import ImportCommand
from annotation.models import Project, User
from annotation.records import LABELS
from annotation.text.cleaning import STEPS
from annotation.text.segments import HOWS


class Command(ImportCommand):
    """Import files and print the report; a project without guideline gets version 1 from the labels in the file."""

    help = "Import documents (CSV, TSV, JSON, JSONL, XLSX, TXT, ZIP; .gz of each) with or without labels."

    def options(self, parser: CommandParser) -> None:
        """The files, the project to make where there is none, and what the labels are."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--create", action="store_true", help="make the project where there is none")
        parser.add_argument("--name", default="", help="name of the project that is made; default: its address")
        parser.add_argument("--overlap", type=int, default=2, help="how many people label each item of a new project")
        parser.add_argument("--settle", choices=Project.Settle.values, default=Project.Settle.UNANIMOUS)
        super().options(parser)
        parser.add_argument("--labels", choices=LABELS, default="auto", help="what the column of labels is")
        parser.add_argument(
            "--duplicates", choices=["keep", "skip"], default="keep", help="texts seen under another id"
        )
        parser.add_argument("--document-per", choices=["line", "file"], default="line", help="of a .txt file")
        parser.add_argument("--source-type", default="", help="of rows that do not say it")
        parser.add_argument("--language", default="", help="of rows that do not say it")
        parser.add_argument(
            "--pool", action="store_true", help="into the pool: nobody is asked until a sample draws it"
        )

        parser.add_argument("--clean", default="", metavar="A,B", help=f"steps of cleaning: {', '.join(STEPS)}")
        parser.add_argument("--detect-language", action="store_true", help="of rows that do not say it")
        parser.add_argument("--segment", choices=HOWS, default="document", help="what an item is")
        parser.add_argument("--passage-size", default="", metavar="N", help="characters of a passage, about")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Each file in turn."""
        user, mapping = find_user(options["user"]), pairs(options["map"], "--map")
        chosen = {
            **self.chosen(options),
            "labels": options["labels"],
            "duplicates": options["duplicates"],
            "document_per": options["document_per"],
            "source_type": options["source_type"],
            "language": options["language"],
            "pool": options["pool"],
            "create_schema": True,
            "clean": [name.strip() for name in options["clean"].split(",") if name.strip()],
            "detect_language": options["detect_language"],
            "segment": options["segment"],
            "passage_size": options["passage_size"],
        }
        project, created = find_or_create(options, user)
        found = []
        for path in options["files"]:
            # Anew for each file: the first may have published the guideline.
            found.append(self.bring(find_project(project.slug), path, user, mapping, chosen))
        return {"project": project.slug, "created": created, "files": found}


def find_or_create(options: dict[str, Any], user: User | None) -> tuple[Project, bool]:
    """The project, and whether it was made now; raises ValueError where there is none and --create was not given."""
    slug = options["project"]
    try:
        return find_project(slug), False
    except ValueError as error:
        if not options["create"]:
            raise ValueError(f"{error} Add --create to make it.") from None
    name = options["name"] or slug
    project = inviting.create_project(
        name=name,
        slug=slug,
        user=user,
        overlap=options["overlap"],
        settle=options["settle"],
        # What --settle says holds for all of the file; there may be nobody yet who could look twice.
        agreed_percent=0,
        second_percent=0,
    )
    return project, True

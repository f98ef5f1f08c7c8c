"""import_annotations: a file of answers (id of the item, annotator, label) for items that are here already."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotation.management.command import find_project, find_user, pairs
from annotation.management.importing import ImportCommand
from annotation.models import Import


class Command(ImportCommand):
    """Import answers as those of named annotators, or labels as gold, and print the report."""

    help = "Import answers of named annotators, or gold, for items of a project."
    what = Import.What.ANNOTATIONS

    def options(self, parser: CommandParser) -> None:
        """The files, and what the labels are."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        super().options(parser)
        parser.add_argument("--labels", choices=["annotation", "gold"], default="annotation")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Each file in turn."""
        user, mapping = find_user(options["user"]), pairs(options["map"], "--map")
        chosen = {**self.chosen(options), "labels": options["labels"], "create_schema": True}
        project = find_project(options["project"])
        found = []
        for path in options["files"]:
            found.append(self.bring(find_project(project.slug), path, user, mapping, chosen))
        return {"project": project.slug, "files": found}

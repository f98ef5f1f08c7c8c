"""move_project: what another tool exported becomes a project here, with its guideline, items and answers."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotation import moving
from annotation.jobs import State
from annotation.management.command import ProjectCommand, find_user, pairs, plain
from annotation.management.importing import summary
from annotation.management.importing import told as told_of_import


class Command(ProjectCommand):
    """Look at the files, say what was found, and bring it in."""

    help = "Move a project of Label Studio, doccano, Argilla, brat or Prodigy here, from the files that it exported."

    def options(self, parser: CommandParser) -> None:
        """The files, the project that is made, and who is called how."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="the export, and its configuration")
        parser.add_argument("--name", default="", help="name of the project; default: the export's, or its address")
        parser.add_argument("--overlap", type=int, help="how many people label each item; default: as in the export")
        parser.add_argument("--person", action="append", default=[], metavar="FROM=TO", help="rename an annotator; repeat it")  # fmt: skip
        parser.add_argument("--look", action="store_true", help="say what was found and write nothing")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Look, then make the project and import here and now."""
        user, people = find_user(options["user"]), pairs(options["person"], "--person")
        with ExitStack() as stack:
            files = [(path.name, stack.enter_context(plain(path).open("rb"))) for path in options["files"]]
            move = moving.prepare(files=files, user=user)
        if options["look"]:
            moving.discard(move)
            return {"found": move.found}
        try:
            row = moving.start(
                move=move,
                user=user,
                name=options["name"] or move.found["name"] or options["project"],
                slug=options["project"],
                overlap=options["overlap"],
                people=people,
                at_once=True,
            )
        except ValueError:
            moving.discard(move)
            raise
        return {"found": move.found, "project": row.project.slug, "import": summary(options["files"][0], row)}

    def told(self, result: dict[str, Any]) -> list[str]:
        """What was found, and what came of it."""
        found = result["found"]
        lines = [f"{found['tool'] or found['format']}: {found['items']} items, {len(found['annotators'])} annotators"]
        lines += [f"  question: {entry['name']} ({entry['kind']})" for entry in found["questions"]]
        lines += [f"  annotator: {one['name']} ({one['answers']} answers)" for one in found["annotators"][:20]]
        if "import" not in result:
            lines += [f"  {entry['text']} ({entry['count']})" for entry in found["lost"]]
            lines += [f"  {problem}" for problem in [found["misfit"], *found["problems"]] if problem]
            return lines
        return [*lines, *told_of_import(result["import"])]

    def failure(self, result: dict[str, Any]) -> str:
        """An import that did not end well."""
        entry = result.get("import")
        return "" if entry is None or entry["state"] == State.DONE else str(entry["message"] or entry["state"])

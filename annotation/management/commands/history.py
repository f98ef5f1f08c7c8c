"""history: who did what and when in a project, by filters, as text, JSON, JSONL or CSV; nothing of it can be changed."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.core.management.base import CommandParser

from annotation import history
from annotation.management.command import ProjectCommand, find_person, find_project, find_user
from annotation.models import Item, Project
from annotation.streams import kinds

LINES = 50
FORMS = {"csv": history.as_csv, "jsonl": history.as_jsonl}


class Command(ProjectCommand):
    """Print what happened, the newest first."""

    help = "The history of a project: answers, decisions, publications, imports and acts, the newest first."

    def options(self, parser: CommandParser) -> None:
        """Which entries, how many, how written."""
        parser.add_argument(
            "--person", default="", metavar="NAME", help="what this person did, or what was done to them"
        )
        parser.add_argument("--item", default="", metavar="ID", help="of this item, by the id that it came in with")
        parser.add_argument("--question", default="", metavar="NAME", help="about this question")
        parser.add_argument("--kind", default="", choices=["", *sorted(kinds())], metavar="KIND", help="of this kind")
        parser.add_argument("--guideline-version", default="", metavar="N", help="under this version")
        parser.add_argument("--since", default="", metavar="DAY", help="from this day on, such as 2026-05-14")
        parser.add_argument("--until", default="", metavar="DAY", help="up to this day")
        parser.add_argument("--lines", type=int, default=LINES, metavar="N", help="at most so many; 0 for all of them")
        parser.add_argument("--format", choices=list(FORMS), help="print as a file of the history page has it")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """The entries; `--user`: as that person may read them."""
        project = find_project(options["project"])
        names = ("question", "kind", "since", "until")
        given = {**{name: options[name] for name in names}, "version": options["guideline_version"]}
        given["person"] = str(find_person(project, options["person"]).pk) if options["person"] else ""
        given["item"] = str(item_of(project, options["item"])) if options["item"] else ""
        found = history.everything(asked=history.read(project, given), user=find_user(options["user"]))
        entries: Iterable[history.Entry] = islice(found, options["lines"]) if options["lines"] else found
        if options["format"] and not options["json"]:
            return {"written": (part.decode() for part in FORMS[options["format"]](entries))}
        return {"project": project.slug, "entries": [{**history.row(one), "words": str(one.words)} for one in entries]}

    def told(self, result: dict[str, Any]) -> Iterator[str]:  # type: ignore[override]
        """A line for each entry, written as they are read."""
        if "written" in result:
            yield from (line.rstrip("\n") for line in result["written"])
            return
        for row in result["entries"]:
            about = [
                row["external_id"],
                row["question"],
                f"v{row['guideline_version']}" if row["guideline_version"] else "",
            ]
            said = row["answer"] if row["answer"] is not None else row["reason"]
            parts = [row["at"][:19], row["person"] or "–", row["words"], *filter(None, about), "" if said is None else str(said)]  # fmt: skip
            yield "  ".join(part for part in parts if part)


def item_of(project: Project, name: str) -> int:
    """The number of the item that came in with this id, the first of its passages; raises ValueError."""
    found = Item.objects.filter(project=project, document__external_id=name).order_by("pk").first()
    if found is None:
        raise ValueError(f"There is no item with the id “{name}” in this project.")
    return found.pk

"""retire: the next versions of a dataset leave examples out, for a reason that is kept; --back takes that back."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotation.management.command import find_project, find_user, plain
from evaluation import retiring
from evaluation.management.command import VersionCommand, find_dataset
from evaluation.retirements import retired


class Command(VersionCommand):
    """Say which examples, and why; without ids, list what is retired."""

    help = "Retire examples of a dataset: the next version leaves them out, and their ids are never used again."

    def options(self, parser: CommandParser) -> None:
        """Which, and why."""
        parser.add_argument("keys", nargs="*", metavar="ID")
        parser.add_argument("--file", default="", metavar="PATH", help="ids, one a line")
        parser.add_argument("--dataset", default="", metavar="NAME", help="needed where the project has more than one")
        parser.add_argument("--reason", default="", metavar="TEXT")
        parser.add_argument("--back", action="store_true", help="they come back with the next version")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Say it, and tell what is retired now."""
        dataset = find_dataset(find_project(options["project"]), options["dataset"])
        keys = list(options["keys"])
        if options["file"]:
            keys += plain(Path(options["file"])).read_text(encoding="utf-8-sig").splitlines()
        said = 0
        if keys or options["reason"]:
            act = retiring.bring_back if options["back"] else retiring.retire
            said = act(dataset=dataset, keys=keys, reason=options["reason"], user=find_user(options["user"]))
        return {"dataset": dataset.name, "said": said, "retired": retired(dataset)}

    def told(self, result: dict[str, Any]) -> list[str]:
        """How many, and all that are."""
        head = f"{result['dataset']}: {result['said']} said now, {len(result['retired'])} retired for the next version"
        return [head, *(f"  {key}: {reason}" for key, reason in result["retired"].items())]

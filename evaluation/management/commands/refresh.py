"""refresh: one turn of the cycle, in the queue or here and now."""

from typing import Any

from django.core.management.base import CommandParser

from annotation.management.command import ProjectCommand, find_project, find_user
from evaluation import refreshing
from evaluation.management.command import find_dataset, finish


class Command(ProjectCommand):
    """Ask for a refresh; with --now do it in this process and print what happened."""

    help = "Freeze the next version where enough new gold has come in, and run the systems again."

    def options(self, parser: CommandParser) -> None:
        """Which dataset, and how."""
        parser.add_argument("--dataset", default="", metavar="NAME", help="needed where the project has more than one")
        parser.add_argument("--now", action="store_true", help="do it here instead of waiting for a worker")
        parser.add_argument("--force", action="store_true", help="freeze however little new gold there is")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Ask, and with --now see it through."""
        row = refreshing.ask(
            dataset=find_dataset(find_project(options["project"]), options["dataset"]),
            user=find_user(options["user"]),
            forced=options["force"],
            wake=not options["now"],
        )
        if options["now"]:
            finish(row, refreshing.refresh)
        return {
            "refresh": row.pk,
            "dataset": row.dataset.name,
            "state": row.state,
            "outcome": row.outcome,
            "new_gold": row.new_gold,
            "needed": row.needed,
            "version": row.version.number if row.version else None,
            "content_hash": row.version.content_hash if row.version else None,
            "events": row.events,
        }

    def told(self, result: dict[str, Any]) -> list[str]:
        """What happened."""
        queued = (
            [] if result["events"] else [f"Refresh {result['refresh']} of {result['dataset']} is {result['state']}."]
        )
        return [*queued, *(event["text"] for event in result["events"])]

"""leaderboard: the ranked view of a board."""

from typing import Any

from django.core.management.base import CommandParser

from annotation.management.command import find_project
from evaluation import leaderboard
from evaluation.management.command import VersionCommand, find_benchmark, find_version
from evaluation.management.commands.submit import interval


class Command(VersionCommand):
    """Print a board."""

    help = "Print the leaderboard of a frozen version."

    def options(self, parser: CommandParser) -> None:
        """Which board, in which order."""
        self.board_options(parser)
        parser.add_argument("--sort", default=None, metavar="METRIC", help="default: the primary metric")
        parser.add_argument("--ascending", action="store_true")
        parser.add_argument("--all", action="store_true", help="every submission, not only the newest of each system")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Facts and entries."""
        version = find_version(find_project(options["project"]), options["dataset"], options["number"])
        board = find_benchmark(version, options["question"])
        entries = leaderboard.entries(
            board, sort=options["sort"], descending=False if options["ascending"] else None, every=options["all"]
        )
        return {"benchmark": leaderboard.benchmark_facts(board), "entries": entries}

    def told(self, result: dict[str, Any]) -> list[str]:
        """One line an entry."""
        facts = result["benchmark"]
        head = f"{facts['dataset']} {facts['version']} · {facts['question']} · {facts['examples']} examples"
        lines = [
            f"{entry['rank'] or '–':>3}  {entry['system']:<30} {interval(entry['primary']):<22} {entry['state']}"
            for entry in result["entries"]
        ]
        return [head, f"ranked by {facts['primary_metric']}", *(lines or ["No submission yet."])]

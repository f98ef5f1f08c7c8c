"""coverage: what a project covers, cell by cell, and its targets."""

from typing import Any

from django.core.management.base import CommandParser

from annotation import covering
from annotation.designs import named
from annotation.management.command import ProjectCommand, find_project, find_user
from annotation.models import Project
from evaluation import covered


class Command(ProjectCommand):
    """Text type by language by period: wanted, in the pool, asked, labelled, in the latest frozen version."""

    help = __doc__

    def options(self, parser: CommandParser) -> None:
        """How long a period is; targets."""
        parser.add_argument("--by", default="", choices=["", *Project.Period.values], help="how long a period is")
        parser.add_argument(
            "--total",
            type=int,
            metavar="N",
            help="set targets: so many labelled items, by each cell's share of the items",
        )

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """The table."""
        project = find_project(options["project"])
        if options["total"] is not None:
            by = options["by"] or project.coverage_by
            covering.aim_by_share(project=project, by=by, total=options["total"], user=find_user(options["user"]))
        return covered.of_project(project, by=options["by"])

    def told(self, result: dict[str, Any]) -> list[str]:
        """One line a cell."""
        return [
            self._line(named([row["source_type"], row["language"], row["period"]]), row) for row in result["rows"]
        ] + [self._line("together", result["sums"])]

    def _line(self, title: str, row: dict[str, Any]) -> str:
        wanted = "no target" if row["wanted"] is None else f"{row['wanted']} wanted"
        short = f", {row['lacking']} short" if row["lacking"] else ""
        return f"{title}: {wanted}, {row['pool']} in the pool, {row['asked']} asked, {row['labelled']} labelled, {row['frozen']} frozen{short}"

"""submit: predictions of a system to a board, scored here and now."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotation.management.command import find_project, find_user
from evaluation import scoring, submitting
from evaluation.management.command import VersionCommand, find_benchmark, find_version, finish
from evaluation.models import Score


class Command(VersionCommand):
    """Check, store and score a file of predictions, and print its report and scores."""

    help = "Submit predictions (JSONL or CSV with id and label) of a system to a board."

    def options(self, parser: CommandParser) -> None:
        """Which board, which system, which file."""
        self.board_options(parser)
        parser.add_argument("--system", required=True, metavar="NAME", help="what made the predictions")
        parser.add_argument("--description", default="", metavar="TEXT")
        parser.add_argument("--file", required=True, metavar="PATH")
        parser.add_argument("--partial", action="store_true", help="count faulty rows as not answered")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Submit and see the scoring through."""
        path = Path(options["file"])
        if not path.is_file():
            raise ValueError(f"There is no file {path}.")
        version = find_version(find_project(options["project"]), options["dataset"], options["number"])
        submission, created = submitting.submit(
            benchmark=find_benchmark(version, options["question"]),
            system_name=options["system"],
            path=path,
            user=find_user(options["user"]),
            description=options["description"],
            partial=options["partial"],
            wake=False,
        )
        finish(submission, scoring.score)
        scores = Score.objects.filter(submission=submission, label="").order_by("pk")
        return {
            "submission": submission.pk,
            "created": created,
            "system": options["system"],
            "version": version.number,
            "content_hash": submission.content_hash,
            "report": submission.report,
            "scores": {each.metric: {"value": each.value, "low": each.low, "high": each.high} for each in scores},
        }

    def told(self, result: dict[str, Any]) -> list[str]:
        """The scores over all labels, and what is to be known of the file."""
        new = "" if result["created"] else " (these predictions were here already)"
        return [
            f"{result['system']} on {result['version']}: submission {result['submission']}{new}",
            *(f"{name:>12}: {interval(figure)}" for name, figure in result["scores"].items()),
            *result["report"]["warnings"],
        ]


def interval(figure: dict[str, Any]) -> str:
    """A value with its interval, in words of numbers."""
    if figure["value"] is None:
        return "–"
    if figure["low"] is None:
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"

"""What the commands of evaluation share: how things are named on a command line, and work done in this process."""

import time
from collections.abc import Callable
from typing import Any, cast

from django.core.management.base import CommandParser

from annotation import jobs
from annotation.jobs import Grip, Job, State
from annotation.management.command import ProjectCommand
from annotation.models import Project
from evaluation.models import Benchmark, Dataset, DatasetVersion

POLL = 0.5


class VersionCommand(ProjectCommand):
    """A command with a --version of its own: Django's makes room for that of a dataset."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The option given last stands."""
        return super().create_parser(prog_name, subcommand, **{"conflict_handler": "resolve", **kwargs})

    def version_options(self, parser: CommandParser) -> None:
        """Which version."""
        parser.add_argument("--dataset", default="", metavar="NAME", help="needed where the project has more than one")
        parser.add_argument("--version", dest="number", default="latest", metavar="1.0.0|latest")

    def board_options(self, parser: CommandParser) -> None:
        """Which version, and which question of it."""
        self.version_options(parser)
        parser.add_argument("--question", default="", metavar="NAME", help="needed where the version has more than one")


# -- Names --------------------------------------------------------------------------------------------------------


def find_dataset(project: Project, name: str) -> Dataset:
    """The dataset of that name or slug, or the only one; raises ValueError."""
    datasets = list(Dataset.objects.filter(project=project))
    found = [entry for entry in datasets if name in (entry.name, entry.slug)] if name else datasets
    if len(found) != 1:
        names = ", ".join(f"“{entry.name}”" for entry in datasets) or "none"
        raise ValueError(f"Name one of the project's datasets with --dataset. There are: {names}.")
    return found[0]


def find_version(project: Project, dataset: str, number: str) -> DatasetVersion:
    """The frozen version of that number, or the latest; raises ValueError."""
    rows = DatasetVersion.objects.frozen().filter(dataset=find_dataset(project, dataset))
    rows = rows.select_related("dataset__project", "guideline_version", "previous")
    versions = cast(list[DatasetVersion], list(rows.order_by("-major", "-minor", "-patch")))
    found = [version for version in versions if number in ("latest", version.number)]
    if not versions:
        raise ValueError("There is no frozen version yet. Freeze one first.")
    if not found:
        numbers = ", ".join(version.number for version in versions)
        raise ValueError(f"There is no frozen version {number}. There are: {numbers}.")
    return found[0]


def find_question(version: DatasetVersion, name: str) -> str:
    """The version's question of that name, or its only one; raises ValueError that lists them."""
    names = [str(entry["name"]) for entry in version.questions]
    if not name and len(names) == 1:
        return names[0]
    if name not in names:
        raise ValueError(f"Name one of the version's questions with --question. There are: {', '.join(names)}.")
    return name


def find_benchmark(version: DatasetVersion, question: str) -> Benchmark:
    """The version's board for the question, or its only one; raises ValueError."""
    rows = Benchmark.objects.select_related("version__dataset__project", "version__guideline_version")
    boards = {board.question: board for board in rows.filter(version=version)}
    if not question and len(boards) == 1:
        return next(iter(boards.values()))
    if question not in boards:
        raise ValueError(
            f"Name the board's question with --question. There are: {', '.join(sorted(boards)) or 'none'}."
        )
    return boards[question]


# -- Work ---------------------------------------------------------------------------------------------------------


def finish(job: Job, work: Callable[[Any, Grip], dict[str, Any] | None]) -> None:
    """Do the job in this process, or wait for the worker that has it; raises ValueError where it did not succeed."""
    while job.is_live:
        if job.state != State.QUEUED or not jobs.run(type(job), job.pk, work):
            time.sleep(POLL)
        job.refresh_from_db()
    if job.state != State.DONE:
        raise ValueError(job.message or f"This ended as {job.state}.")

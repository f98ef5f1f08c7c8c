"""What the commands of evaluation share: how things are named on a command line, and work done in this process."""

import json
import time
from collections.abc import Callable
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation import jobs
from annotation.jobs import Grip, Job, State
from annotation.models import Project, User
from evaluation.models import Benchmark, Dataset, DatasetVersion

POLL = 0.5


class ProjectCommand(BaseCommand):
    """A command about one project; subclasses define `options` and `work`, whose result is printed.

    ValueErrors of the domain become one sentence on stderr and exit code 1.
    """

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Django's own --version makes room for the version of a dataset."""
        return super().create_parser(prog_name, subcommand, **{"conflict_handler": "resolve", **kwargs})

    def add_arguments(self, parser: CommandParser) -> None:
        """--project, --user and --json, then those of the command."""
        parser.add_argument("--project", required=True, metavar="SLUG", help="address of the project")
        parser.add_argument("--user", default="", metavar="NAME", help="in whose name; nobody's where left out")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
        self.options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the work and print what came out."""
        try:
            result = self.work(options)
        except ValueError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(result, ensure_ascii=False, indent=2))
        else:
            for line in self.told(result):
                self.stdout.write(line)

    def options(self, parser: CommandParser) -> None:
        """Add the command's own arguments."""
        raise NotImplementedError

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Call the domain; returns a JSON-ready result."""
        raise NotImplementedError

    def told(self, result: dict[str, Any]) -> list[str]:
        """The result as lines for a person."""
        raise NotImplementedError


# -- Names --------------------------------------------------------------------------------------------------------


def find_project(slug: str) -> Project:
    """The project; raises ValueError."""
    found = Project.objects.select_related("version").filter(slug=slug).first()
    if found is None:
        raise ValueError(f"There is no project “{slug}”.")
    return found


def find_user(name: str) -> User | None:
    """The person, or None for nobody; raises ValueError."""
    if not name:
        return None
    found = User.objects.filter(username=name).first()
    if found is None:
        raise ValueError(f"There is no user “{name}”.")
    return found


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
    if not found:
        numbers = ", ".join(version.number for version in versions) or "none"
        raise ValueError(f"There is no frozen version {number}. There are: {numbers}.")
    return found[0]


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

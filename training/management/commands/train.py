"""train: start a run from the shell, and with --wait see it through."""

import json
import threading
import time
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from annotation import jobs
from annotation.jobs import State
from annotation.models import Project
from evaluation.models import DatasetVersion
from training import recipes, running
from training.models import Run

# Seconds that a worker has to claim the run before --wait does the work in its own process.
PATIENCE = 3.0
POLL = 0.5


class Command(BaseCommand):
    """Queue a run; with --wait follow it, print its scores as JSON, and exit 1 with the sentence where it failed."""

    help = "Train a system on a frozen version and score it on the version's board."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """--version is the dataset's here, not Django's."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        """The run's inputs, and how to wait for it."""
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--dataset", metavar="SLUG", help="needed where the project has more than one")
        parser.add_argument("--version", dest="number", default="latest", metavar="1.0.0|latest")
        parser.add_argument("--question", metavar="NAME", help="needed where the version has more than one")
        parser.add_argument("--recipe", required=True, metavar="NAME", help=", ".join(recipes.RECIPES))
        parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="may be repeated")
        parser.add_argument("--seed", type=int, default=13)
        parser.add_argument("--name", default="", metavar="SYSTEM", help="the system's name; default: the recipe's")
        parser.add_argument("--wait", action="store_true", help="wait for the end, working here if no worker does")
        parser.add_argument("--json", action="store_true", help="print JSON also without --wait and on failure")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start, and wait where asked to."""
        run = self._start(options)
        if not options["wait"]:
            self._say_queued(run, as_json=options["json"])
            return
        follow(run, self.stderr)
        if run.state != State.DONE:
            if options["json"]:
                self.stdout.write(json.dumps(summary(run), ensure_ascii=False, indent=1))
            raise CommandError(run.message or f"The run ended as {run.state}.")
        self.stdout.write(json.dumps(summary(run), ensure_ascii=False, indent=1))

    def _start(self, options: dict[str, Any]) -> Run:
        try:
            version = find_version(options["project"], options["dataset"], options["number"])
            return running.start(
                version=version,
                question=options["question"] or only_question(version),
                recipe=options["recipe"],
                options=dict(parse_option(text) for text in options["option"]),
                seed=options["seed"],
                name=options["name"],
                user=None,
            )
        except ValueError as error:
            raise CommandError(str(error)) from error

    def _say_queued(self, run: Run, *, as_json: bool) -> None:
        said = f"Run {run.pk} is queued: {run.system} on {run.version}."
        self.stdout.write(json.dumps(summary(run), ensure_ascii=False, indent=1) if as_json else said)


def find_version(project: str, dataset: str | None, number: str) -> DatasetVersion:
    """The frozen version of that number, or the latest. Raises ValueError that lists what there is."""
    found = Project.objects.filter(slug=project).first()
    if found is None:
        raise ValueError(f"There is no project “{project}”.")
    datasets = {entry.slug: entry for entry in found.datasets.all()}
    if dataset is None and len(datasets) == 1:
        dataset = next(iter(datasets))
    if dataset not in datasets:
        names = ", ".join(sorted(datasets)) or "none"
        raise ValueError(f"Name one of the project's datasets with --dataset. The datasets are: {names}.")
    rows = datasets[dataset].versions.frozen().order_by("-major", "-minor", "-patch")
    versions = cast(list[DatasetVersion], list(rows))
    if not versions:
        raise ValueError(f"“{dataset}” has no frozen version yet. Freeze one first.")
    chosen = [version for version in versions if number in ("latest", version.number)]
    if not chosen:
        numbers = ", ".join(version.number for version in versions)
        raise ValueError(f"There is no frozen version {number} of “{dataset}”. The versions are: {numbers}.")
    return chosen[0]


def only_question(version: DatasetVersion) -> str:
    """The version's question, where there is one only. Raises ValueError that lists them."""
    names = [str(entry["name"]) for entry in version.questions]
    if len(names) != 1:
        raise ValueError(f"Name one of the questions with --question: {', '.join(names)}.")
    return names[0]


def parse_option(text: str) -> tuple[str, Any]:
    """'epochs=3' as ('epochs', 3); a value that is not JSON is text. Raises ValueError where there is no '='."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ValueError(f"--option {text}: write it as name=value.")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value


def follow(run: Run, out: Any) -> None:
    """Wait for the end of a run; where no worker takes it soon, a thread here does. Ctrl-C cancels it."""
    said, since = "", time.monotonic()
    helper: threading.Thread | None = None
    while run.is_live:
        try:
            if run.state == State.QUEUED and time.monotonic() - since > PATIENCE and not (helper and helper.is_alive()):
                helper = threading.Thread(target=_work, args=(run.pk,), daemon=True)
                helper.start()
            time.sleep(POLL)
            run.refresh_from_db()
        except KeyboardInterrupt:
            out.write("Stopping the run …")
            running.cancel(run, None)
            continue
        line = f"{run.percent:3d} %  {run.note or run.get_state_display()}"
        if line != said and run.is_live:
            out.write(line)
            said = line
    if helper:
        helper.join()


def _work(pk: int) -> None:
    try:
        jobs.run(Run, pk, running.execute)
    finally:
        connection.close()


def summary(run: Run) -> dict[str, Any]:
    """What a machine wants to know of a run: where it stands, and its scores once it is done."""
    told: dict[str, Any] = {
        "run": run.pk,
        "state": run.state,
        "system": run.system.name,
        "dataset": run.version.dataset.slug,
        "version": run.version.number,
        "content_hash": run.version.content_hash,
        "question": run.question,
        "recipe": run.recipe,
        "options": run.options,
        "seed": run.seed,
    }
    if run.state in (State.FAILED, State.CANCELLED):
        return {**told, "reason": run.reason, "message": run.message}
    if run.submission is None:
        return told
    scores = run.submission.scores.order_by("label", "metric").values("metric", "label", "value", "low", "high", "n")
    return {
        **told,
        "seconds": run.seconds_spent,
        "dev": run.result.get("dev"),
        "submission": run.submission.pk,
        "scores": list(scores),
    }

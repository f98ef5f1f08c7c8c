"""train: start a run from the shell, and with --wait see it through."""

import json
import threading
import time
from typing import Any

from django.core.management.base import CommandParser
from django.db import connection

from annotation import jobs
from annotation.jobs import LIVE, State
from annotation.management.command import find_project, find_user
from evaluation.management.command import VersionCommand, find_question, find_version
from training import recipes, running
from training.models import Run

# Seconds that a worker has to claim the run before --wait does the work in its own process.
PATIENCE = 3.0
POLL = 0.5


class Command(VersionCommand):
    """Queue a run; with --wait follow it, print its scores as JSON, and exit 1 with the sentence where it failed."""

    help = "Train a system on a frozen version and score it on the version's board."

    def options(self, parser: CommandParser) -> None:
        """The run's inputs, and whether to wait for it."""
        self.board_options(parser)
        parser.add_argument("--recipe", required=True, metavar="NAME", help=", ".join(recipes.RECIPES))
        parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="may be repeated")
        parser.add_argument("--seed", type=int, default=13)
        parser.add_argument("--name", default="", metavar="SYSTEM", help="the system's name; default: the recipe's")
        parser.add_argument("--wait", action="store_true", help="wait for the end, working here if no worker does")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Start, and wait where asked to."""
        version = find_version(find_project(options["project"]), options["dataset"], options["number"])
        run = running.start(
            version=version,
            question=find_question(version, options["question"]),
            recipe=options["recipe"],
            options=dict(parse_option(text) for text in options["option"]),
            seed=options["seed"],
            name=options["name"],
            user=find_user(options["user"]),
        )
        if options["wait"]:
            follow(run, self.stderr)
        return summary(run)

    def told(self, result: dict[str, Any]) -> list[str]:
        """That it is queued, or all that came of it; of a failure the sentence alone."""
        if result["state"] in LIVE:
            return [f"Run {result['run']} is queued: {result['system']} on {result['dataset']} {result['version']}."]
        return [] if self.failure(result) else [json.dumps(result, ensure_ascii=False, indent=1)]

    def failure(self, result: dict[str, Any]) -> str:
        """Why a run that was waited for did not come to its end."""
        if result["state"] in (*LIVE, State.DONE):
            return ""
        return str(result["message"] or f"The run ended as {result['state']}.")


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
        "dataset": run.version.dataset.name,
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

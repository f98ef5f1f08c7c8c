"""publish: the draft of a guideline becomes its next version, and earlier answers stand, are mapped or asked again."""

import json
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotation import plans, publishing
from annotation.management.command import ProjectCommand, find_project, find_user
from annotation.models import GuidelineVersion, Publication


def plan_of(given: str) -> Any:
    """A plan as JSON, or the file that holds it."""
    try:
        return json.loads(given if given.lstrip().startswith("{") else Path(given).read_text(encoding="utf-8"))
    except OSError as error:
        raise ArgumentTypeError(f"the plan {given} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise ArgumentTypeError("the plan is no valid JSON") from None


class Command(ProjectCommand):
    """Publish the draft here and now, or say what a plan would do; prints what became of earlier answers."""

    help = "Publish the draft as the next version; earlier answers stand, are mapped or asked again by a plan."

    def options(self, parser: CommandParser) -> None:
        """What is said of it, and what becomes of earlier answers."""
        parser.add_argument("--note", default="", help="what changed, in a sentence; annotators read it")
        how = parser.add_mutually_exclusive_group()
        how.add_argument(
            "--earlier",
            choices=[GuidelineVersion.Earlier.STAND, GuidelineVersion.Earlier.ASK],
            default="",
            help="all earlier answers stand (the default), or all items are asked again",
        )
        how.add_argument("--plan", type=plan_of, metavar="JSON", help="question by question: JSON, or a file with it")
        parser.add_argument("--preview", action="store_true", help="say what the plan would do, and do nothing")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Publish, or count."""
        project = find_project(options["project"])
        about = {"project": project.slug}
        if options["preview"]:
            found = publishing.preview(project=project, plan=options["plan"] or {})
            return {**about, "preview": True, **_numbers(found.figures()), "problem": plans.misfit(found)}
        version = publishing.publish(
            project=project,
            user=find_user(options["user"]),
            change_note=options["note"],
            earlier=options["earlier"],
            plan=options["plan"],
        )
        row = Publication.objects.filter(version=version).first()
        return {**about, "version": version.number, **_numbers(row.figures if row else {})}

    def told(self, result: dict[str, Any]) -> list[str]:
        """One line of what was done, one of what became of the answers."""
        done = f"version {result['version']} is published" if "version" in result else "nothing was done"
        lines = [
            f"{result['project']}: {done}",
            f"{result.get('mapped', 0)} answers and {result.get('gold_mapped', 0)} gold mapped, "
            f"{result.get('items', 0)} items and {result.get('answers', 0)} answers asked again",
        ]
        return lines + ([result["problem"]] if result.get("problem") else [])


def _numbers(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if name != "chosen"}

"""competence: how right people are on control items, who has passed the qualification, and which alarms are open."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from annotation import competence, qualifying, watching
from annotation.management.command import ProjectCommand, find_person, find_project
from annotation.models import User


class Command(ProjectCommand):
    """Print what is known of how well people label."""

    help = "Accuracy on control items with intervals, the qualification and open alarms, by person."

    def options(self, parser: CommandParser) -> None:
        """Of whom."""
        parser.add_argument(
            "--person", default="", metavar="NAME", help="of this person alone, by guideline version too"
        )

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """The figures, JSON-ready."""
        project = find_project(options["project"])
        only = find_person(project, options["person"]) if options["person"] else None
        checks = competence.checks(project, person=only.pk if only else None)
        names = {person.pk: str(person) for person in _people(checks)}
        numbers = dict(project.versions.values_list("pk", "number"))
        alarms = [row for row in watching.open_alarms(project) if only in (None, row.person)]
        return {
            "project": project.slug,
            "least": competence.LEAST,
            "control_items": [
                {"person": names[person], "question": question, **_accuracy(told)}
                for (person, question), told in competence.by(checks, "person", "question").items()
            ],
            "by_version": [
                {"person": names[person], "question": question, "guideline_version": numbers[version], **_accuracy(told)}
                for (person, question, version), told in competence.by(checks, "person", "question", "version").items()
            ],
            "qualification": {
                "required": project.qualification,
                "people": [_qualified(row) for row in qualifying.results(project) if only in (None, row["membership"].user)],
            },
            "alarms": [
                {"person": str(row.person), "kind": row.kind, "question": row.question, "since": row.since, "until": row.until, "words": " ".join(watching.words(row))}
                for row in alarms
            ],
        }  # fmt: skip

    def told(self, result: dict[str, Any]) -> list[str]:
        """A line for each person and question, each person's qualification, each alarm."""
        lines = []
        for row in result["control_items"]:
            few = "" if row["judged"] else f", too few to judge ({result['least']} are needed)"
            lines.append(f"{row['person']}, {row['question']}: {row['right']} of {row['n']} right, {row['share']:.4f} [{row['low']:.4f}, {row['high']:.4f}]{few}")  # fmt: skip
        lines = lines or ["Nobody has answered a control item yet."]
        asked = result["qualification"]
        for row in asked["people"] if asked["required"] != "none" else []:
            tries = ", ".join(f"{one['right']} of {one['of']}" for one in row["attempts"] if not one["waived"])
            lines.append(f"qualification, {row['person']}: {'passed' if row['qualified'] else 'not passed'}{f' ({tries})' if tries else ''}")  # fmt: skip
        return [*lines, *(f"alarm, {row['person']}: {row['words']}" for row in result["alarms"])]


def _people(checks: list[competence.Check]) -> Any:
    return User.objects.filter(pk__in={check.person for check in checks})


def _accuracy(told: competence.Accuracy) -> dict[str, Any]:
    return {**asdict(told), "share": told.share, "judged": told.judged}


def _qualified(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "person": str(row["membership"].user),
        "qualified": row["qualified"],
        "attempts": [
            {
                "guideline_version": one["attempt"].guideline_version.number,
                "right": one["right"],
                "of": one["of"],
                "passed": one["attempt"].passed,
                "ended_at": one["attempt"].ended_at,
                "waived": one["attempt"].waived_by_id is not None,
            }
            for one in row["attempts"]
        ],
    }

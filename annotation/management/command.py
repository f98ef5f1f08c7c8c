"""What the commands share: how projects and people are named on a command line, how results are told, exit codes."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.text import slugify

from annotation import history
from annotation.models import Project, User


class ProjectCommand(BaseCommand):
    """A command about one project; subclasses define `options` and `work`, whose result is printed.

    ValueErrors of the domain become one sentence on stderr and exit code 1; so does what `failure` says of a result.
    """

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
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        lines = [as_json(result)] if options["json"] else self.told(result)
        try:
            for line in lines:
                self.stdout.write(line)
            self.stdout.flush()
        except BrokenPipeError:
            # Whoever reads it (head, less) has seen enough; what Python still holds back goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if sentence := self.failure(result):
            raise CommandError(sentence)

    def options(self, parser: CommandParser) -> None:
        """Add the command's own arguments."""
        raise NotImplementedError

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Call the domain; returns a JSON-ready result."""
        raise NotImplementedError

    def told(self, result: dict[str, Any]) -> list[str]:
        """The result as lines for a person."""
        raise NotImplementedError

    def failure(self, result: dict[str, Any]) -> str:
        """A sentence where the result, once it is printed, still means that the command has failed."""
        return ""


def as_json(result: Any) -> str:
    """JSON for a program, moments and dates as ISO 8601."""
    return json.dumps(result, ensure_ascii=False, indent=2, cls=DjangoJSONEncoder)


def find_project(slug: str) -> Project:
    """The project; raises ValueError."""
    rows = Project.objects.select_related("version")
    found = rows.filter(slug=slug).first() or rows.filter(slug=slugify(slug)).first()
    if found is None:
        raise ValueError(f"There is no project “{slug}”.")
    return found


def find_user(name: str) -> User | None:
    """The person, or None for nobody; raises ValueError."""
    if not name:
        return None
    found = User.objects.filter(username=name, imported_for=None).first()
    if found is None:
        raise ValueError(f"There is no user “{name}”.")
    return found


def find_person(project: Project, name: str) -> User:
    """Somebody whose acts a project knows, by user name, or by the name that they came with in a file; raises ValueError."""
    people = {one.name if one.imported_for_id else one.username: one for one in history.people(project)}
    if name not in people:
        raise ValueError(f"Nobody here is called “{name}”. There are: {', '.join(sorted(people)) or 'none yet'}.")
    return people[name]


def find_question(project: Project, name: str) -> str:
    """The question of that name, or the project's only one; raises ValueError that lists them."""
    if project.version is None:
        raise ValueError(f"“{project}” has no published guideline yet.")
    names = [str(entry["name"]) for entry in project.version.schema["questions"]]
    if not name and len(names) == 1:
        return names[0]
    if name not in names:
        raise ValueError(f"Name one of the questions with --question: {', '.join(names)}.")
    return name


def plain(path: Path) -> Path:
    """The path where it leads to a file or to nothing yet; raises ValueError for what would be read without an end.

    A file is read more than once, which no pipe allows; a device never ends.
    """
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is a folder, a pipe or a device. Name a file; save what a pipe gives as one first.")
    return path


def pairs(entries: list[str], option: str) -> dict[str, str]:
    """['a=b', 'c=d'] as a dictionary; raises ValueError naming the option and the entry."""
    found: dict[str, str] = {}
    for entry in entries:
        left, sign, right = entry.partition("=")
        if not sign or not left.strip() or not right.strip():
            raise ValueError(f"{option} {entry}: write it as name=value.")
        found[left.strip()] = right.strip()
    return found

"""verify: the hashes of frozen versions again, from their rows; exit code 1 where one is not what it was."""

from typing import Any

from django.core.management.base import CommandParser

from annotation.management.command import find_project, find_user
from evaluation import checking
from evaluation.management.command import VersionCommand, find_version, finish
from evaluation.models import DatasetVersion


class Command(VersionCommand):
    """Recompute and compare; who asked and what came out is kept with the version."""

    help = "Recompute the content hash of a frozen version from its rows and compare."

    def options(self, parser: CommandParser) -> None:
        """Which versions."""
        self.version_options(parser)
        parser.add_argument("--all", action="store_true", help="every frozen version of the project")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """One result a version."""
        project, user = find_project(options["project"]), find_user(options["user"])
        if options["all"]:
            rows = DatasetVersion.objects.frozen().filter(dataset__project=project).select_related("dataset__project")
            versions = list(rows.order_by("pk"))
        else:
            versions = [find_version(project, options["dataset"], options["number"])]
        found = []
        for version in versions:
            check = checking.ask_verify(version=version, user=user, wake=False)
            finish(check, checking.work)
            found.append({"dataset": version.dataset.name, "version": version.number, **check.result})
        return {"ok": all(each["ok"] for each in found), "versions": found}

    def told(self, result: dict[str, Any]) -> list[str]:
        """One line a version."""
        lines = []
        for each in result["versions"]:
            state = "ok" if each["ok"] else f"CHANGED: {', '.join(each['changed'][:5]) or 'rows are missing or new'}"
            lines.append(f"{each['dataset']} {each['version']}  {each['expected']['content'][:19]}…  {state}")
        return lines or ["There is no frozen version yet."]

    def failure(self, result: dict[str, Any]) -> str:
        """What is not what it was."""
        return "" if result["ok"] else "A version is not what its hash says."

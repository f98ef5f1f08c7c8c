"""load_companies: a file of companies becomes entries that marks in the text may be linked with."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotation import companies
from annotation.management.command import ProjectCommand, find_project


class Command(ProjectCommand):
    """Bring in a list of companies and print what came of it."""

    help = "Bring in companies (CSV, TSV, JSON, JSONL, XLSX) with the columns name, key, ticker, lei and aliases."

    def options(self, parser: CommandParser) -> None:
        """The file."""
        parser.add_argument("file", type=Path, metavar="FILE")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """As the page does, without its limit of size."""
        path: Path = options["file"]
        if not path.is_file():
            raise ValueError(f"There is no file {path}.")
        project = find_project(options["project"])
        return asdict(companies.load(project=project, rows=companies.read(path, path.name)))

    def told(self, result: dict[str, Any]) -> list[str]:
        """Counts, and the first problems."""
        counts = "{new} new, {changed} changed, {same} as they were, {refused} refused".format(**result)
        return [counts, *result["problems"]]

    def failure(self, result: dict[str, Any]) -> str:
        """A file of which nothing could be used."""
        used = result["new"] + result["changed"] + result["same"]
        return "" if used else "No row of the file could be used."

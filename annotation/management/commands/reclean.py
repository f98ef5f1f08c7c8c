"""reclean: the texts of an import are cleaned anew, or their cleaning is taken back."""

from typing import Any

from django.core.management.base import CommandParser

from annotation import recleaning
from annotation.management.command import ProjectCommand, find_project, find_user
from annotation.models import Import, Project
from annotation.text.cleaning import STEPS


class Command(ProjectCommand):
    """Make the texts of an import anew from what came; those that people have worked on stay."""

    help = "Clean the texts of an import anew with other steps, or with none; answered items stay as they are."

    def options(self, parser: CommandParser) -> None:
        """Which import, and the steps."""
        parser.add_argument("--import", dest="number", type=int, metavar="N", help="its number; default: the last one")
        parser.add_argument(
            "--steps", default=None, metavar="A,B", help=f"{', '.join(STEPS)}; “none” takes the cleaning back"
        )

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Without --steps it is only told how the texts are cleaned."""
        project, user = find_project(options["project"]), find_user(options["user"])
        row = _import(project, options["number"])
        told = {"project": project.slug, "import": row.pk, "file": row.filename}
        if options["steps"] is None:
            return {**told, "steps": row.options.get("clean", []), **recleaning.count(row)}
        steps = [name.strip() for name in options["steps"].split(",") if name.strip() not in ("", "none")]
        counts = recleaning.reclean(row=row, steps=steps, user=user)
        return {**told, "steps": row.options["clean"], **counts}

    def told(self, result: dict[str, Any]) -> list[str]:
        """What was done, or could be."""
        steps = ", ".join(result["steps"]) or "none"
        if "free" in result:
            sentence = "{file}: {documents} texts, {changed} changed by steps, nobody has worked on {free}; steps: "
        else:
            sentence = "{file}: {changed} texts changed, {same} as they were, {kept} stay; steps: "
        return [sentence.format(**result) + steps]


def _import(project: Project, number: int | None) -> Import:
    rows = Import.objects.select_related("project").filter(project=project, what=Import.What.ITEMS)
    row = rows.filter(pk=number).first() if number else rows.exclude(state="prepared").first()
    if row is None:
        raise ValueError(f"“{project}” has no such import.")
    return row

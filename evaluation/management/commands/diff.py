"""diff: what changed between two versions of a dataset."""

from typing import Any

from django.core.management.base import CommandParser

from annotation.management.command import find_project, find_user
from evaluation import checking, rules
from evaluation.differing import sentence
from evaluation.management.command import VersionCommand, find_version, finish
from evaluation.models import Pair


class Command(VersionCommand):
    """Compare, and print counts, label shift, agreement; with --rows the examples."""

    help = "Compare two frozen versions of a dataset: added, retired, moved, relabelled, text changed, label shift."

    def options(self, parser: CommandParser) -> None:
        """Which two."""
        parser.add_argument("before", metavar="A", help="number of a version, such as 1.0.0")
        parser.add_argument("after", metavar="B", help="number of another, or latest")
        parser.add_argument("--dataset", default="", metavar="NAME", help="needed where the project has more than one")
        parser.add_argument("--rows", action="store_true", help="also the examples that changed, with both sides")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """What was found once is found again."""
        project, user = find_project(options["project"]), find_user(options["user"])
        before, after = (find_version(project, options["dataset"], options[name]) for name in ("before", "after"))
        check = checking.ask_compare(before=before, after=after, user=user, wake=False)
        finish(check, checking.work)
        check.refresh_from_db()
        rows = {}
        if options["rows"]:
            may = user is None or rules.may_have_test_gold(user, project)
            columns = ("kind", "left", "right", "shared")
            rows["rows"] = [
                dict(zip(columns, (kind, *rules.shown((left, right), may), shared), strict=True))
                for kind, left, right, shared in Pair.objects.filter(check_of=check).values_list(*columns)
            ]
        return {**check.result, **rows}

    def told(self, result: dict[str, Any]) -> list[str]:
        """Counts first, then each question."""
        before, after = result["before"], result["after"]
        lines = [
            f"{before['version']} → {after['version']}: {sentence(result['counts'])}; same: {result['same']}",
        ]
        if result["guideline_changed"]:
            lines.append(f"guideline: v{before['guideline_version']} → v{after['guideline_version']}")
        for entry in result["questions"]:
            labels = ", ".join(f"{each['label']} {each['before']} → {each['after']}" for each in entry["labels"])
            lines.append(f"{entry['question']}: {labels}")
            if told := entry["shift"]:
                lines.append(
                    f"  labels of what was added against before: {told['method']}, n = {told['n'][1]} against {told['n'][0]}, p = {told['p']:.3g}"
                )
        return lines

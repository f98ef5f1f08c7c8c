"""duplicates: search a project's texts for duplicates, and decide about them by a rule."""

import uuid
from typing import Any

from django.core.management.base import CommandParser

from annotation import clusters, deciding_duplicates, scanning
from annotation.management.command import ProjectCommand, find_project, find_user
from annotation.models import Cluster, Scan, Verdict


class Command(ProjectCommand):
    """Search here and now and count what was found; with a rule say what it would do, or do it."""

    help = "Search for duplicates, also across projects; decide about them by a rule, or take such decisions back."

    def options(self, parser: CommandParser) -> None:
        """What to compare with, and what to do."""
        parser.add_argument(
            "--across", action="append", default=[], metavar="SLUG", help="compare with this project, too"
        )
        parser.add_argument("--no-search", action="store_true", help="take what the last search found")
        parser.add_argument(
            "--rule", choices=list(deciding_duplicates.RULES), help="what to do with clusters that wait"
        )
        parser.add_argument("--source", default="", metavar="TYPE", help="the source type that the rule “source” keeps")
        parser.add_argument("--kind", action="append", default=[], choices=Cluster.Kind.values, help="only clusters of this kind")  # fmt: skip
        parser.add_argument(
            "--apply", action="store_true", help="do it; without, it is only told what the rule would do"
        )
        parser.add_argument("--reason", default="", help="why, in a few words; --apply needs it")
        parser.add_argument("--undo", metavar="ACT", help="take back what an act by rule decided")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Search, then the rule."""
        project, user = find_project(options["project"]), find_user(options["user"])
        result: dict[str, Any] = {"project": project.slug}
        if options["undo"]:
            verdicts = Verdict.objects.filter(act=_act(options["undo"]))
            return {**result, "undone": deciding_duplicates.undo(project=project, verdicts=verdicts, user=user)}
        asked = {"rule": options["rule"], "source": options["source"], "kinds": options["kind"]}
        rule = deciding_duplicates.Rule.read(asked) if options["rule"] else None
        if not options["no_search"]:
            row = scanning.at_once(project=project, what=Scan.What.DUPLICATES, across=options["across"], user=user)
            result["search"] = row.figures
        if rule is not None and options["apply"]:
            result["rule"] = deciding_duplicates.apply(project=project, rule=rule, reason=options["reason"], user=user)
        elif rule is not None:
            result["would"] = deciding_duplicates.preview(project=project, rule=rule)
        summary = clusters.summary(project)
        kinds = {row["kind"]: row["clusters"] for row in summary["kinds"]}
        return {**result, **{name: n for name, n in summary.items() if name != "kinds"}, "kinds": kinds}

    def told(self, result: dict[str, Any]) -> list[str]:
        """Clusters by kind, then what the rule did."""
        if "undone" in result:
            return ["{clusters} decisions taken back, {items} items in again".format(**result["undone"])]
        lines = [f"{kind}: {n} clusters" for kind, n in result["kinds"].items()]
        lines.append("{waiting} wait for a decision, {conflicting} have different gold, {left_out} items are left out".format(**result))  # fmt: skip
        words = "{clusters} clusters, {kept} items kept, {left_out} left out; {conflicting} with different gold and {unfit} others not"
        if "would" in result:
            lines.append("the rule would decide " + words.format(**result["would"]))
        if "rule" in result:
            lines.append("decided " + words.format(**result["rule"]))
            lines.append(f"to take it back: --undo {result['rule']['act']}")
        return lines


def _act(given: str) -> uuid.UUID:
    try:
        return uuid.UUID(given)
    except ValueError:
        raise ValueError(f"--undo {given[:60]}: that is no act. The command names it when a rule is applied.") from None

"""private_data: look through a project's texts for private data, and decide what is masked and what stays."""

from typing import Any

from django.core.management.base import CommandParser

from annotation import hits, scanning, screening
from annotation.management.command import ProjectCommand, find_project, find_user, pairs
from annotation.models import Scan
from annotation.text.privacy import KINDS


class Command(ProjectCommand):
    """Look here and now, decide by kind, and count; what stands at a place is never printed."""

    help = "Find private data in the texts (counted by kind, never printed) and have kinds masked or kept."

    def options(self, parser: CommandParser) -> None:
        """What to decide."""
        parser.add_argument("--mask", action="append", default=[], choices=[*KINDS, "all"], help="mask what waits of this kind")  # fmt: skip
        parser.add_argument("--keep", action="append", default=[], choices=[*KINDS, "all"], help="keep what waits of this kind")  # fmt: skip
        parser.add_argument("--reason", default="", help="why; --keep needs it")
        parser.add_argument("--policy", action="append", default=[], metavar="KIND=WHAT", help="review, mask or allow for all that waits and comes of a kind")  # fmt: skip
        parser.add_argument("--no-search", action="store_true", help="take what the last search found")
        parser.add_argument("--list", action="store_true", help="tell each place that waits: document, part, from, to, kind")  # fmt: skip

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """The policy, the search, the decisions, the counts."""
        project, user = find_project(options["project"]), find_user(options["user"])
        if options["policy"]:
            screening.set_policy(project=project, policy=pairs(options["policy"], "--policy"), user=user)
        if not options["no_search"]:
            scanning.at_once(project=project, what=Scan.What.PRIVATE, user=user)
        for state in ("mask", "keep"):
            for kind in options[state]:
                asked = {"scope": "all"} if kind == "all" else {"scope": "kind", "kind": kind}
                screening.decide(project=project, asked=asked, state=state, reason=options["reason"], user=user)
        result = {"project": project.slug, **hits.summary(project)}
        if options["list"]:
            rows = hits.filtered(project, {"state": "open"})
            columns = ("document__external_id", "part", "start", "end", "kind")
            result["places"] = [list(row) for row in rows.values_list(*columns)]
        return result

    def told(self, result: dict[str, Any]) -> list[str]:
        """A line for each kind that there is, then what waits."""
        lines = [
            f"{row['kind']}: {row['open']} wait, {row['mask']} masked, {row['keep']} kept ({row['policy']})"
            for row in result["kinds"]
            if row["open"] or row["mask"] or row["keep"]
        ]
        lines += [f"{name}{' ' + part if part else ''} [{start}, {end}) {kind}" for name, part, start, end, kind in result.get("places", [])]  # fmt: skip
        looked = result["documents"] - result["unscreened"]
        return [
            *lines,
            f"{looked} of {result['documents']} documents were looked through, {result['open']} places wait for a look",
        ]

"""causes: which rule of the guideline causes which disagreement, by what people have decided, and how decisions agree."""

from typing import Any

from django.core.management.base import CommandParser

from annotation import adjudicating, causes
from annotation.management.command import ProjectCommand, find_project, find_user
from annotation.models import Case


class Command(ProjectCommand):
    """Count decisions by reason, rule and pair of labels, and tell how far adjudicators agree."""

    help = "The report of causes: decisions by reason, rule of the guideline and pair of labels; adjudication itself."

    def options(self, parser: CommandParser) -> None:
        """Which decisions."""
        parser.add_argument("--question", default="", metavar="NAME", help="about this question")
        parser.add_argument("--reason", default="", choices=["", *adjudicating.REASONS], metavar="WORD", help="with this reason")  # fmt: skip
        parser.add_argument(
            "--rule", default="", metavar="RULE", help="by this rule, as the report names it; - for none"
        )
        parser.add_argument("--pair", default="", metavar="ONE,OTHER", help="where these two labels stood against each other")  # fmt: skip
        parser.add_argument("--guideline-version", default="", metavar="N", help="under this version")
        parser.add_argument("--why", default="", choices=["", *Case.Why.values], metavar="WHY", help="of cases that came for this reason")  # fmt: skip
        parser.add_argument("--csv", action="store_true", help="print the counts as the page's file has them")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """The report; `--user`: of what that person may see."""
        project, user = find_project(options["project"]), find_user(options["user"])
        pair = "\t".join(sorted(part.strip() for part in options["pair"].split(",")))
        names = ("question", "reason", "rule", "why")
        given = {name: options[name] for name in names} | {"version": options["guideline_version"], "pair": pair}
        asked = causes.Asked.read(given)
        self.csv = causes.as_csv(project=project, asked=asked, user=user) if options["csv"] else ""
        return {
            "project": project.slug,
            **causes.report(project=project, asked=asked, user=user),
            "two_adjudicators": causes.two_adjudicators(project=project),
            "agreed_and_looked_at": causes.agreed_and_looked_at(project=project),
        }

    def told(self, result: dict[str, Any]) -> list[str]:
        """Rules and pairs, the most frequent first, or the CSV."""
        if self.csv:
            return [self.csv.rstrip("\n")]
        lines = [f"{result['project']}: {result['total']} decisions"]
        lines += [f"reason {reason or 'none'}: {n}" for reason, n in result["by_reason"].items()]
        for row in result["rules"]:
            told = ", ".join(f"{reason or 'none'} {n}" for reason, n in row["reasons"].items())
            lines.append(f"rule {row['rule'] or 'not named'}: {row['n']} ({told})")
        lines += [f"{row['one'] or 'not given'} / {row['other'] or 'not given'}: {row['n']}" for row in result["pairs"]]
        for row in result["two_adjudicators"]:
            lines.append(f"decided twice, {row['question']}: {row['n']}, the same {row['agree']}")
        seen = result["agreed_and_looked_at"]
        lines.append(f"agreeing items looked at: {seen['n']}, decided otherwise {seen['overturned']}")
        return lines

"""adjudicate: open cases settled from the shell, by a rule, by a file of decisions or by one annotator's answers."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotation import adjudicating, caseload, deciding, settling
from annotation.management.command import ProjectCommand, find_project, find_question, find_user, plain
from annotation.models import Case, Project

SHOWN = 10


class Command(ProjectCommand):
    """Settle open cases, or list them; says how many were settled and how many stay open."""

    help = "Settle open cases by a rule, a file (id, label, reason, note) or one annotator's answers; or list them."

    def options(self, parser: CommandParser) -> None:
        """Which cases, and how."""
        parser.add_argument("--question", default="", metavar="NAME", help="needed where there is more than one")
        how = parser.add_mutually_exclusive_group(required=True)
        how.add_argument("--rule", choices=[Project.Settle.UNANIMOUS, Project.Settle.MAJORITY])
        how.add_argument("--file", type=Path, metavar="DECISIONS", help="rows with id, label, reason, note")
        how.add_argument("--annotator", metavar="NAME", help="take this annotator's answer")
        how.add_argument("--list", action="store_true", help="print the open cases, the most contested first")
        parser.add_argument(
            "--reason", choices=list(adjudicating.REASONS), default="other", help="of decisions that give none"
        )
        parser.add_argument("--note", default="", help="written beside each decision made by --annotator")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Settle and count."""
        project = find_project(options["project"])
        question = find_question(project, options["question"])
        about = {"project": project.slug, "question": question}
        waiting = Case.objects.open().filter(project=project, question=question)
        if options["list"]:
            return {
                **about,
                "cases": [
                    shown(case)
                    for case in caseload.queue(project=project, wanted=caseload.Wanted(question=question or ""))
                ],
            }
        if options["rule"]:
            made = settling.settle_all(project=project, question=question, rule=options["rule"])
            return {**about, "settled": made["gold"], "opened": made["cases"], "open": waiting.count()}
        user, reason = find_user(options["user"]), options["reason"]
        if options["file"]:
            outcome = deciding.by_file(
                project=project, question=question, path=plain(options["file"]), user=user, reason=reason
            )
        else:
            outcome = deciding.by_annotator(
                project=project,
                question=question,
                annotator=options["annotator"],
                user=user,
                reason=reason,
                note=options["note"],
            )
        counts = {"settled": outcome.settled, "here": outcome.here, "refused": len(outcome.problems)}
        return {**about, **counts, "open": waiting.count(), "problems": outcome.problems}

    def told(self, result: dict[str, Any]) -> list[str]:
        """One line, then what was refused; or the list of cases."""
        if "cases" in result:
            return [
                f"{case['id']}  disagreement {case['disagreement']:.2f}  {case['text']}" for case in result["cases"]
            ] or ["No case is open."]
        lines = [f"{result['settled']} settled, {result['open']} cases stay open"]
        problems = result.get("problems", [])
        lines += [f"  refused: {problem['problem']}" for problem in problems[:SHOWN]]
        return lines + ([f"  … and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else [])

    def failure(self, result: dict[str, Any]) -> str:
        """A file of which no row could be used."""
        useless = result.get("refused") and not result["settled"] and not result["here"]
        return "No row of the file could be used." if useless else ""


def shown(case: Case) -> dict[str, Any]:
    """A case with what was said, without names."""
    answers = adjudicating.answers(case)
    return {
        "case": case.pk,
        "id": case.item.document.external_id,
        "disagreement": case.disagreement,
        "answers": [entry["value"] for entry in answers],
        "text": " ".join(case.item.text[:160].split()),
    }

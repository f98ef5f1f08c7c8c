"""agreement: how far the annotators of a project agree on a question, as it is now."""

from typing import Any

from django.core.management.base import CommandParser

from annotation import measuring
from annotation.management.command import ProjectCommand, find_project, find_question
from annotation.models import Case


class Command(ProjectCommand):
    """Compute the agreement of one question and print it."""

    help = "Agreement of a question: percent, Cohen, Fleiss, Krippendorff, Gwet, with bootstrap intervals."

    def options(self, parser: CommandParser) -> None:
        """Which question, which labels, how many draws."""
        parser.add_argument("--question", default="", metavar="NAME", help="needed where there is more than one")
        parser.add_argument("--guideline-version", type=int, metavar="N", help="default: the newest with answers")
        parser.add_argument("--without", action="append", default=[], metavar="LABEL", help="leave its answers out")
        parser.add_argument("--draws", type=int, default=measuring.DRAWS, help="of the bootstrap")
        parser.add_argument("--seed", type=int, default=measuring.SEED, help="of the bootstrap")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Measure."""
        project = find_project(options["project"])
        question = find_question(project, options["question"])
        figures = measuring.measure(
            project=project,
            question=question,
            version=measuring.chosen(project, options["guideline_version"]),
            without=frozenset(options["without"]),
            draws=options["draws"],
            seed=options["seed"],
        )
        return {
            "project": project.slug,
            "question": question,
            "without": options["without"],
            "cases_open": Case.objects.open().filter(project=project, question=question).count(),
            **figures,
        }

    def told(self, result: dict[str, Any]) -> list[str]:
        """The figures as a short table."""
        people = result["raters"]
        lines = [
            f"{result['project']} / {result['question']}: {result['n_units_2plus']} items with two or more answers, "
            f"{result['n_units_differing']} of them differing, {result['n_raters']} annotators, "
            f"{result['cases_open']} cases to settle",
            *(f"{FIGURES.get(name, name):<22} {interval(result[name], 'value')}" for name in result["headline"]),
        ]
        for pair in result.get("cohen", []):
            who = f"{people.get(pair['a'], pair['a'])} · {people.get(pair['b'], pair['b'])}"
            lines.append(f"Cohen's kappa          {interval(pair, 'kappa')}  {who} (n = {pair['n']})")
        return [*lines, *([result["paradox"]] if result.get("paradox") else [])]


FIGURES = {
    "krippendorff_alpha": "Krippendorff's alpha",
    "alpha_masi": "alpha (MASI)",
    "alpha_jaccard": "alpha (Jaccard)",
    "alpha_interval": "alpha (interval)",
    "alpha_ordinal": "alpha (ordinal)",
    "alpha_ratio": "alpha (ratio)",
    "qwk": "weighted kappa",
    "icc_a1": "ICC(A,1)",
    "mean_difference": "mean difference",
    "alpha_mean": "alpha (ordinal, mean)",
    "equal": "equal answers",
    "similarity": "mean similarity",
    "percent": "percent agreement",
    "fleiss_kappa": "Fleiss' kappa",
    "gwet_ac1": "Gwet's AC1",
}


def interval(figure: dict[str, Any], name: str) -> str:
    """0.7953 [0.7600, 0.8290], or why there is none."""
    if figure[name] is None:
        return f"–  {figure.get('note') or figure.get('reason') or ''}".rstrip()
    if figure["low"] is None:
        return f"{figure[name]:.4f}"
    return f"{figure[name]:.4f} [{figure['low']:.4f}, {figure['high']:.4f}]"

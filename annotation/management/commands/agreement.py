"""agreement: how far the annotators of a project agree on a question, as it is now."""

from typing import Any

from django.core.management.base import CommandParser

from annotation import cuts, measuring
from annotation.agreement.aggregation import METHODS
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
        parser.add_argument("--by", action="append", default=[], metavar="CUT", help=f"cut by: {', '.join(cuts.BY)}")
        parser.add_argument("--aggregate", default="", metavar="METHOD", help=f"who is right: {', '.join(METHODS)}")
        parser.add_argument("--all", action="store_true", help="print every coefficient; --json has them anyway")
        parser.add_argument("--draws", type=int, default=measuring.DRAWS, help="of the bootstrap")
        parser.add_argument("--seed", type=int, default=measuring.SEED, help="of the bootstrap")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Measure."""
        self.all = options["all"]
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
        version = measuring.chosen(project, options["guideline_version"])
        more: dict[str, Any] = {}
        if options["by"]:
            bootstrap = {"draws": options["draws"], "seed": options["seed"]}
            more["cuts"] = [
                measuring.cut(by, version=version, question=question, figures=figures, **bootstrap)
                for by in options["by"]
            ]
        if options["aggregate"]:
            more["right"] = measuring.right(version=version, question=question, method=options["aggregate"])
        return {
            **more,
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
        for name, found in (result.get("also") or {}).items() if self.all else ():
            lines.append(f"{FIGURES.get(name, name):<22} {interval(found, 'value')}")
        for pair in result.get("cohen", []):
            who = f"{people.get(pair['a'], pair['a'])} · {people.get(pair['b'], pair['b'])}"
            lines.append(f"Cohen's kappa          {interval(pair, 'kappa')}  {who} (n = {pair['n']})")
        lines += [result["paradox"]] if result.get("paradox") else []
        return [*lines, *_cuts(result.get("cuts", [])), *(_right(result) if "right" in result else [])]


def _cuts(tables: list[dict[str, Any]]) -> list[str]:
    """Each cut as lines: the part, its items, its main figure."""
    lines = []
    for table in tables:
        lines.append(f"by {table['by']}: {', '.join(FIGURES.get(name, name) for name in table['names'])}")
        for row in table["rows"]:
            told = "  ".join(interval(found, "value") for found in row["figures"].values())
            lines.append(f"  {row['name'] or '-':<24} n = {row['n']:<6} {told}")
    return lines


def _right(result: dict[str, Any]) -> list[str]:
    """Who is right as lines."""
    right = result["right"]
    if right is None:
        return ["Who is right can be computed for one label, for sets of labels and for preferences alone."]
    lines = [
        f"{right['method']}: {right['errors']:.2f} errors expected in {right['n_units']} items",
        *(f"  {one['name']:<12} {one['differs']} items unlike the majority" for one in right["methods"]),
    ]
    for one in right["people"]:
        who = result["raters"].get(one["rater"], one["rater"])
        lines.append(f"  {who}: right {one['right']:.3f} (n = {one['answers']})")
    lines += [f"  adjudicating the {k} least certain removes {removed:.2f} errors" for k, removed in right["gain"]]
    return [*lines, *(f"  gold, {one['method']}: error {one['error']:.4f} (n = {one['n']})" for one in right["gold"])]


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
    "exact_f1": "pairwise F1, exact",
    "overlap_f1": "pairwise F1, overlap",
    "partial_f1": "pairwise F1, partial",
    "token_f1": "F1 of words",
    "boundary_f1": "F1 of the ends",
    "label_alpha": "alpha of the labels",
    "trigger_f1": "F1 of triggers",
    "type_f1": "F1 with type",
    "argument_f1": "F1 of arguments",
    "alpha_nominal": "alpha (nominal)",
    "scott_pi": "Scott's pi",
    "conger_kappa": "Conger's kappa",
    "light_kappa": "Light's kappa",
    "brennan_prediger": "Brennan-Prediger",
    "lwk": "linear weighted kappa",
    "ac2_linear": "Gwet's AC2, linear",
    "ac2_quadratic": "Gwet's AC2, quadratic",
    "icc_1": "ICC(1)",
    "icc_c1": "ICC(C,1)",
    "icc_1k": "ICC(k)",
    "icc_ak": "ICC(A,k)",
    "icc_ck": "ICC(C,k)",
}


def interval(figure: dict[str, Any], name: str) -> str:
    """0.7953 [0.7600, 0.8290], or why there is none."""
    if figure[name] is None:
        return f"–  {figure.get('note') or figure.get('reason') or ''}".rstrip()
    if figure["low"] is None:
        return f"{figure[name]:.4f}"
    return f"{figure[name]:.4f} [{figure['low']:.4f}, {figure['high']:.4f}]"

"""freeze: the project's gold becomes the next version of a dataset, here and now."""

from typing import Any

from django.core.management.base import CommandParser

from annotation.management.command import ProjectCommand, find_project, find_user
from annotation.models import Project
from evaluation import checking, freezing
from evaluation.management.command import finish
from evaluation.models import SPLITS, Benchmark, Dataset, DatasetVersion
from evaluation.rules import GROUPS, MODES, SIDES


class Command(ProjectCommand):
    """Freeze a version and print its number, hash, counts and findings."""

    help = "Freeze the project's gold as an immutable dataset version with train, dev and test."

    def options(self, parser: CommandParser) -> None:
        """How to freeze."""
        parser.add_argument("--dataset", default="", metavar="NAME", help="made where it is new; default: the only one")
        parser.add_argument("--question", action="append", metavar="NAME", help="may be repeated; default: all")
        parser.add_argument("--split", default="70/10/20", metavar="TRAIN/DEV/TEST", help="shares in percent")
        parser.add_argument("--seed", type=int, default=13)
        parser.add_argument(
            "--splits",
            choices=MODES,
            default="auto",
            help="given: as imported; auto: given if all are; time: latest last",
        )
        parser.add_argument("--test-count", type=int, default=None, metavar="N", help="examples in test, for a share")
        parser.add_argument("--dev-count", type=int, default=None, metavar="N", help="examples in dev, for a share")
        parser.add_argument("--split-column", default="", metavar="meta.NAME", help="the column, for --splits column")
        parser.add_argument("--test-from", default="", metavar="DATE", help="first day of test, for --splits time")
        parser.add_argument("--dev-from", default="", metavar="DATE", help="first day of dev")
        parser.add_argument("--gap-days", type=int, default=0, metavar="N", help="days left free before dev and test")
        parser.add_argument("--gap-to", choices=SIDES, default="leave", help="what becomes of the texts of these days")
        parser.add_argument("--undated", choices=SIDES, default="leave", help="what becomes of texts without a date")
        parser.add_argument(
            "--group-by",
            action="append",
            metavar="GROUP",
            help=f"keep together: {', '.join(GROUPS)}, meta.NAME or nothing; may be repeated; default: near",
        )
        parser.add_argument("--divide-documents", action="store_true", help="passages of a document may be parted")
        parser.add_argument(
            "--primary-metric",
            default="",
            metavar="NAME",
            help="what the boards rank by (left out: the usual one of the kind)",
        )
        parser.add_argument("--allow-leaks", default="", metavar="REASON", help="why leaks are allowed")
        parser.add_argument("--dry-run", action="store_true", help="tell what it would give, and freeze nothing")
        parser.add_argument("--note", default="", metavar="TEXT", help="what changed")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Ask and see it through."""
        project = find_project(options["project"])
        if options["dry_run"]:
            check = checking.ask_preview(
                project=project,
                dataset_name=options["dataset"] or _default(project),
                user=find_user(options["user"]),
                wake=False,
                **wanted(options),
            )
            finish(check, checking.work)
            check.refresh_from_db()
            return dict(check.result)
        version = freezing.ask(
            project=project,
            dataset_name=options["dataset"] or _default(project),
            **wanted(options),
            change_note=options["note"],
            user=find_user(options["user"]),
            wake=False,
        )
        finish(version, freezing.freeze)
        return summary(version)

    def told(self, result: dict[str, Any]) -> list[str]:
        """Number, hash, counts, findings."""
        if "content_hash" not in result:
            return foretold(result)
        return [
            f"{result['dataset']} {result['version']}",
            result["content_hash"],
            *(f"{split:>5}: {result['counts'][split]['n']}" for split in SPLITS),
            *(f"{finding['level']}: {finding['text']}" for finding in result["findings"]),
        ]


def foretold(result: dict[str, Any]) -> list[str]:
    """What a freeze would give, as lines."""
    change = ", ".join(f"{name} {n}" for name, n in result["change"].items() if n) or "nothing"
    lines = [
        f"{result['dataset']} {result['version']} would be frozen; against {result['previous'] or 'nothing'}: {change}"
    ]
    for split, part in result["splits"].items():
        least = part["smallest_class"]
        points = part["detectable_points"]
        lines.append(
            f"{split:>5}: {part['n']} ({part['share']:.0%}), {part['groups']} groups, the largest {part['largest_group']}"
            + (f"; fewest: {least['label']} {least['n']}" if least else "")
            + (f"; differences from {points:.1f} points on" if points is not None and split == "test" else "")
        )
    lines += [f"{entry['level']}: {entry['text']}" for entry in (*result["findings"], *result["leaks"])]
    lines += [
        f"{'allowed' if entry['allowed'] else 'STOPS THE FREEZE'}: {entry['sentence']}" for entry in result["blocking"]
    ]
    return lines


def summary(version: DatasetVersion) -> dict[str, Any]:
    """A frozen version, JSON-ready."""
    return {
        "dataset": version.dataset.name,
        "version": version.number,
        "version_id": version.pk,
        "content_hash": version.content_hash,
        "split_hashes": version.split_hashes,
        "counts": version.counts,
        "agreement": version.agreement,
        "findings": version.findings,
        "guideline_version": version.guideline_version.number,
        "benchmarks": dict(Benchmark.objects.filter(version=version).values_list("question", "pk")),
    }


def wanted(options: dict[str, Any]) -> dict[str, Any]:
    """How to split, as rules.check takes it."""
    names = ("seed", "splits", "split_column", "test_from", "dev_from", "gap_days", "gap_to", "undated")
    return {
        "questions": options["question"],
        "shares": shares(options["split"]),
        "counts": {name: n for name in ("dev", "test") if (n := options[f"{name}_count"]) is not None},
        "group_by": [name for name in options["group_by"] or ["near"] if name != "nothing"],
        "divide_documents": options["divide_documents"],
        "primary_metric": options["primary_metric"],
        "allow_leaks": options["allow_leaks"],
        **{name: options[name] for name in names},
    }


def shares(text: str) -> dict[str, float]:
    """'70/10/20' or '0.7/0.1/0.2' as shares; raises ValueError."""
    try:
        numbers = [float(part) for part in text.split("/")]
    except ValueError:
        numbers = []
    if len(numbers) != len(SPLITS):
        raise ValueError(f"--split {text}: write three numbers, such as 70/10/20.")
    whole = 1 if sum(numbers) <= 1.5 else 100
    return {name: number / whole for name, number in zip(SPLITS, numbers, strict=True)}


def _default(project: Project) -> str:
    names = list(Dataset.objects.filter(project=project).values_list("name", flat=True))
    if len(names) > 1:
        raise ValueError(f"Name a dataset with --dataset. There are: {', '.join(names)}.")
    return names[0] if names else project.name

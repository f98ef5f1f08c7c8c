"""leaks: what leaks between the splits of any files, without a project; exit code 1 where something does."""

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from annotation.management.command import ProjectCommand, plain
from evaluation import checking
from evaluation.models import SPLITS
from evaluation.uploads import Source

SHOWN = 5


class Command(ProjectCommand):
    """Look for leaks in files of rows: one with a column that says the split, or one for each split."""

    help = (
        "Find what leaks between the splits of a dataset in files (CSV, JSONL, JSON, XLSX, Parquet, or a zip of them)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """No project: the files, and where the split and the label stand."""
        parser.add_argument("files", nargs="+", metavar="FILE", help="also SPLIT=FILE: train=a.csv test=b.csv")
        parser.add_argument("--split-column", default="", metavar="C", help="default: guessed, as split or meta.split")
        parser.add_argument("--label-column", default="", metavar="C", help="default: guessed")
        parser.add_argument("--text-column", default="", metavar="C", help="default: guessed")
        parser.add_argument(
            "--group-by", action="append", default=[], metavar="C", help="what should not be divided; may be repeated"
        )
        parser.add_argument("--pairs", type=int, default=0, metavar="N", help="print the first N pairs of each finding")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Read, look, tell."""
        named = {"text": options["text_column"], "label": options["label_column"]}
        with (
            tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as spool,
            tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder,
        ):
            found, uploaded = checking.of_files(
                [_source(entry) for entry in options["files"]],
                spool,
                folder=Path(folder),
                split_column=options["split_column"],
                group_by=options["group_by"],
                mapping={name: column for name, column in named.items() if column},
            )
            shown: dict[str, list[dict[str, Any]]] = {}
            for pair in checking.sides(found, uploaded.content) if options["pairs"] else ():
                if len(shown.setdefault(pair["kind"], [])) < options["pairs"]:
                    shown[pair["kind"]].append(pair)
            return {
                **checking.told(found),
                "problems": uploaded.problems,
                "without_split": uploaded.without_split,
                **({"pairs": shown} if options["pairs"] else {}),
            }

    def told(self, result: dict[str, Any]) -> list[str]:
        """Sizes, findings, pairs."""
        lines = [", ".join(f"{split} {result['n'][split]}" for split in SPLITS)]
        lines += [f"{entry['level']}: {entry['text']}" for entry in result["findings"]]
        if not result["findings"]:
            lines.append("Nothing was found.")
        for kind, pairs in result.get("pairs", {}).items():
            for pair in pairs:
                lines += [f"  {kind}:", *(f"    {_shown(pair[side])}" for side in ("left", "right"))]
        if result["problems"]:
            lines.append(f"{len(result['problems'])} rows could not be read: {result['problems'][0]}")
        if result["without_split"]:
            lines.append(f"{result['without_split']} rows say no split and were passed over.")
        return lines

    def failure(self, result: dict[str, Any]) -> str:
        """Leaks are a failure, so that a script can stop."""
        return "" if result["clean"] else "These splits leak."


def _source(entry: str) -> Source:
    """FILE or SPLIT=FILE; raises ValueError."""
    split, sign, path = entry.partition("=")
    if not sign or split not in SPLITS:
        split, path = "", entry
    file = plain(Path(path))
    if not file.is_file():
        raise ValueError(f"There is no file {path}.")
    return Source(file, file.name, split)


def _shown(side: dict[str, Any]) -> str:
    return f"{side['key']} ({side['split']}): {side['text'][:100]!r} {', '.join(side['gold'])}"

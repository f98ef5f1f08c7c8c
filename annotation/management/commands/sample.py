"""Draw a sample of items to label from the pool, look what it would be, or take one back."""

from typing import Any

from django.core.management.base import CommandParser

from annotation import designs, samples, sampling
from annotation.management.command import ProjectCommand, find_project, find_user, pairs
from annotation.models import Sample

# --filter name=value: what is no list of values there.
PLAIN = ("since", "until", "shortest", "longest", "imported_in", "question", "source", "least_score", "most_score")


def frame(entries: list[str]) -> dict[str, Any]:
    """['source_type=news', 'metadata:desk=rates'] as a frame."""
    found: dict[str, Any] = {}
    for entry in entries:
        [(name, value)] = pairs([entry], "--filter").items()
        if name.startswith(designs.METADATA):
            found.setdefault("metadata", {})[name.removeprefix(designs.METADATA)] = value
        elif name in PLAIN:
            found[name] = value
        else:
            found.setdefault(name, []).append(value)
    return found


class Command(ProjectCommand):
    """The same frame and seed give the same sample."""

    help = __doc__

    def options(self, parser: CommandParser) -> None:
        """Size, strata, seed, filter."""
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--size", type=int, metavar="N", help="how many items")
        which.add_argument(
            "--count",
            action="append",
            metavar="STRATUM=N",
            help="so many of one stratum, its values with | between them; repeat it",
        )
        which.add_argument("--take-back", type=int, metavar="ID", help="put a sample's items back into the pool")
        parser.add_argument("--name", default="", help="name of the sample")
        parser.add_argument(
            "--by", default="", metavar="A,B", help=f"strata: {', '.join(designs.VARIABLES)} or metadata:COLUMN"
        )
        parser.add_argument("--equal", action="store_true", help="as many of each stratum, instead of by its share")
        parser.add_argument("--seed", default="", metavar="N", help="a number; made up and told where left out")
        parser.add_argument("--per", default="", help=f"limit per {', '.join(designs.GROUPS)} or metadata:COLUMN")
        parser.add_argument("--most", type=int, default=1, metavar="N", help="that limit; 1 where left out")
        parser.add_argument(
            "--filter",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help=f"source_type, language, issuer, label (repeat it for several values), {', '.join(PLAIN)}, metadata:COLUMN",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be drawn, and draw nothing")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """The preview, the sample, or what went back."""
        project, user = find_project(options["project"]), find_user(options["user"])
        if options["take_back"] is not None:
            row = Sample.objects.filter(project=project, pk=options["take_back"]).first()
            if row is None:
                raise ValueError(f"“{project}” has no sample {options['take_back']}.")
            return {"sample": row.pk, "taken_back": sampling.take_back(sample=row, by=user)}
        asked = sampling.asked_for(
            {"name": options["name"], "frame": frame(options["filter"]), "design": self._design(options)}
        )
        if options["dry_run"]:
            return sampling.preview(project=project, asked=asked)
        asked["name"] = asked["name"] or f"seed {asked['design']['seed']}"
        row = sampling.draw(project=project, asked=asked, by=user)
        return {**samples.told(row), "shortages": designs.shortages(row.strata)}

    def _design(self, options: dict[str, Any]) -> dict[str, Any]:
        by = [name.strip() for name in options["by"].split(",") if name.strip()]
        design = {"by": by, "seed": options["seed"], "per": options["per"], "most": options["most"]}
        if options["count"]:
            told = pairs(options["count"], "--count")
            counts = [
                {"stratum": [part.strip() for part in key.split("|")], "size": size} for key, size in told.items()
            ]
            return {**design, "method": "counts", "counts": counts}
        return {**design, "size": options["size"], "method": "equal" if options["equal"] else ""}

    def told(self, result: dict[str, Any]) -> list[str]:
        """Each stratum with its numbers."""
        if "taken_back" in result:
            return [f"Sample {result['sample']}: {result['taken_back']} items are in the pool again."]
        strata = result["strata"]
        got, whole = sum(row["got"] for row in strata), sum(row["frame"] for row in strata)
        head = f"Sample {result['id']}: {got}" if "id" in result else f"Would draw {got}"
        lines = [f"{head} of {whole} items, seed {result['design']['seed']}."]
        lines += [
            f"  {designs.named(row['stratum'])}: {row['got']} of {row['frame']}"
            + (f" ({row['wanted']} wanted)" if row["wanted"] != row["got"] else "")
            for row in strata
        ]
        return lines + [f"  note: {sentence}" for sentence in [*result["shortages"], *result.get("warnings", [])]]

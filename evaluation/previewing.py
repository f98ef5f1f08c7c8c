"""What a freeze with these options would give: sizes, balance, groups, leaks, what changes; nothing is written."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import IO, Any

from django.utils.translation import gettext as _

from annotation.jobs import JobFailed
from annotation.models import Project
from evaluation.drafts import Draft
from evaluation.findings import DISCORDANCE
from evaluation.gold import Tick
from evaluation.leak_report import Report, report
from evaluation.models import SPLITS, Dataset, DatasetVersion
from evaluation.significance import minimum_detectable_difference
from evaluation.version_leaks import row_of, words_of


def preview(
    project: Project, dataset: Dataset | None, name: str, options: dict[str, Any], spool: IO[bytes], tick: Tick
) -> tuple[dict[str, Any], Iterable[dict[str, Any]]]:
    """The figures of a freeze and the pairs of what leaks; what would stop it is told and not raised.

    Raises JobFailed where not even splits can be made.
    """
    if project.version is None:
        raise JobFailed(_("This project has no published guideline yet, so there is no gold to freeze."))
    version = DatasetVersion(
        dataset=dataset or Dataset(project=project, name=name), guideline_version=project.version, options=options
    )
    draft = Draft(version, spool, tick)
    draft.read()
    draft.place()
    draft.hash()
    found = _leaks(draft, tick)
    placement = draft.placement
    allowed = bool(options["allow_leaks"])
    return {
        "dataset": name,
        "version": version.number,
        "previous": placement.previous.number if placement.previous else None,
        "change": draft.change,
        "n": {split: draft.counts[split]["n"] for split in SPLITS},
        "splits": {split: _split(draft, split) for split in SPLITS},
        "windows": placement.windows,
        "findings": draft.findings,
        "leaks": found.findings,
        "clean": found.is_clean,
        "blocking": [
            {"kind": entry.kind, "sentence": entry.sentence, "allowed": allowed and not entry.final}
            for entry in placement.blocking
        ],
        "can_freeze": all(allowed and not entry.final for entry in placement.blocking),
        "options": options,
    }, _sides(draft, found)


def _split(draft: Draft, split: str) -> dict[str, Any]:
    """n, share, labels, groups and largest group, smallest class, detectable difference, dates of one split."""
    part = draft.counts[split]
    total = sum(draft.counts[name]["n"] for name in SPLITS)
    sizes = Counter(draft.placement.components[key] for key, name in draft.split.items() if name == split)
    days = [unit.day for unit in draft.placement.units if unit.day and draft.split.get(unit.key) == split]
    classes = [(n, question, label) for question, labels in part["labels"].items() for label, n in labels.items()]
    smallest = min(classes, default=None)
    difference = minimum_detectable_difference(len(sizes), DISCORDANCE) if sizes else None
    return {
        "n": part["n"],
        "share": part["n"] / total if total else 0,
        "labels": part["labels"],
        "groups": len(sizes),
        "largest_group": max(sizes.values(), default=0),
        "smallest_class": dict(zip(("n", "question", "label"), smallest, strict=True)) if smallest else None,
        "detectable_points": None if difference is None else 100 * difference,
        "from": min(days).isoformat() if days else None,
        "to": max(days).isoformat() if days else None,
    }


def _leaks(draft: Draft, tick: Tick) -> Report:
    rows = (
        row_of(
            key, draft.split[key], row["text"], row["gold"], row["fields"], draft.questions, draft.options["group_by"]
        )
        for key, row in draft.gathered.spooled(draft.split)
    )
    keys = sorted(draft.split)
    texts = draft.gathered.texts_of(keys)
    by_time = draft.options["splits"] == "time"
    note = _("looking for leaks")
    return report(
        rows, texts, terms=words_of(draft.questions), by_time=by_time, tick=lambda done, total: tick(done, total, note)
    )


def _sides(draft: Draft, found: Report) -> Iterator[dict[str, Any]]:
    def content(key: str) -> dict[str, Any]:
        row = next(iter(draft.gathered.spooled([key])))[1]
        return {
            "key": key,
            "split": draft.split[key],
            "text": row["text"],
            "gold": row["gold"],
            "fields": row["fields"],
        }

    for pair in found.pairs:
        yield {
            "kind": pair.kind,
            "left": content(pair.left),
            "right": content(pair.right),
            "shared": pair.shared,
            "similarity": pair.similarity,
        }

"""What changed between two versions of a dataset, example by example, and in their labels and agreement."""

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from annotation import schema as schemas
from annotation.kinds import KINDS
from annotation.settling import batches
from evaluation.comparison import ADDED, CHANGES, RETIRED, Side, changes, shift, total
from evaluation.models import SPLITS, DatasetVersion, Example, Tombstone

BATCH = 500
# Rows of each kind that are kept to be opened; the counts are of all.
KEPT = 5000


class _Mark(NamedTuple):
    digest: str
    pk: int


def compare(
    before: DatasetVersion, after: DatasetVersion, tick: Callable[..., None]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Counts of each change with its keys, the labels of both and of what was added, agreement and guideline of each.

    Also rows of (kind, left, right) to open. An example may have changed in several ways and then stands under each.
    """
    old, new = _marks(before), _marks(after)
    added, retired = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    changed = sorted(key for key in old.keys() & new.keys() if old[key].digest != new[key].digest)
    found: dict[str, list[str]] = {name: [] for name in CHANGES}
    found[ADDED], found[RETIRED] = added, retired
    rows: list[dict[str, Any]] = []
    for done, keys in enumerate(batches(changed, BATCH)):
        tick(done * BATCH, len(changed))
        left, right = _sides(before, keys), _sides(after, keys)
        for key in keys:
            for name in changes(_side(left[key]), _side(right[key])):
                found[name].append(key)
                if len(found[name]) <= KEPT:
                    rows.append({"kind": name, "left": left[key], "right": right[key]})
    for keys in batches(added[:KEPT], BATCH):
        rows += [{"kind": ADDED, "left": None, "right": side} for side in _sides(after, keys).values()]
    reasons = dict(
        Tombstone.objects.filter(dataset=after.dataset_id, version__pk__lte=after.pk).values_list("key", "reason")
    )
    for keys in batches(retired[:KEPT], BATCH):
        rows += [
            {"kind": RETIRED, "left": side, "right": None, "shared": reasons.get(key, "")[:300]}
            for key, side in _sides(before, keys).items()
        ]
    return {
        "before": _facts(before),
        "after": _facts(after),
        "counts": {name: len(keys) for name, keys in found.items()},
        "same": len(old.keys() & new.keys()) - len(changed),
        "guideline_changed": before.guideline_version_id != after.guideline_version_id,
        "questions": _questions(before, after, set(added)),
    }, rows


def _marks(version: DatasetVersion) -> dict[str, _Mark]:
    rows = Example.objects.filter(version=version).order_by("pk").values_list("key", "digest", "pk")
    return {key: _Mark(digest, pk) for key, digest, pk in rows.iterator(chunk_size=5000)}


def _sides(version: DatasetVersion, keys: list[str]) -> dict[str, dict[str, Any]]:
    columns = ("key", "split", "text", "gold", "fields", "soft")
    rows = Example.objects.filter(version=version, key__in=keys).order_by("pk").values(*columns)
    return {row["key"]: dict(row) for row in rows}


def _side(row: dict[str, Any]) -> Side:
    return Side(row["split"], row["text"], row["gold"], row["fields"], row["soft"])


def _facts(version: DatasetVersion) -> dict[str, Any]:
    return {
        "id": version.pk,
        "version": version.number,
        "guideline_version": version.guideline_version.number,
        "content_hash": version.content_hash,
        "n": {split: version.counts.get(split, {}).get("n", 0) for split in SPLITS},
    }


def _questions(before: DatasetVersion, after: DatasetVersion, added: set[str]) -> list[dict[str, Any]]:
    """Per question of either: labels of each version, of what was added, the test of that against before, agreement."""
    fresh = _labels_of(after, added)
    found = []
    for entry in after.questions:
        name = entry["name"]
        sides = [
            total([version.counts.get(split, {}).get("labels", {}).get(name, {}) for split in SPLITS])
            for version in (before, after)
        ]
        told = shift(sides[0], fresh[name])
        found.append(
            {
                "question": name,
                "labels": [
                    {
                        "label": label,
                        "before": sides[0].get(label, 0),
                        "after": sides[1].get(label, 0),
                        "added": fresh[name][label],
                    }
                    for label in schemas.label_names(entry)
                ],
                "shift": told._asdict() if told.p is not None else None,
                "agreement": {"before": _agreement(before, name), "after": _agreement(after, name)},
            }
        )
    return found


def _labels_of(version: DatasetVersion, keys: set[str]) -> dict[str, Counter[str]]:
    """question -> label -> how many of these examples have it."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    by_name = {entry["name"]: entry for entry in version.questions}
    for part in batches(sorted(keys), BATCH):
        for gold in Example.objects.filter(version=version, key__in=part).values_list("gold", flat=True):
            for name, value in gold.items():
                found[name].update(KINDS[by_name[name]["kind"]].used(value, by_name[name]))
    return found


def _agreement(version: DatasetVersion, question: str) -> dict[str, Any] | None:
    figures = version.agreement.get(question) or {}
    main = figures.get("alpha")
    return (
        {"name": figures.get("main"), **{part: main.get(part) for part in ("value", "low", "high")}} if main else None
    )


def guideline_path(before: DatasetVersion, after: DatasetVersion) -> tuple[int, int] | None:
    """The numbers of two guideline versions that differ; None where it is one."""
    numbers = before.guideline_version.number, after.guideline_version.number
    return None if numbers[0] == numbers[1] else numbers


def sentence(counts: dict[str, int]) -> str:
    """What changed in words."""
    says = {
        "added": _("added: %(n)d"),
        "retired": _("retired: %(n)d"),
        "moved": _("moved: %(n)d"),
        "text": _("text changed: %(n)d"),
        "relabelled": _("relabelled: %(n)d"),
        "fields": _("other fields changed: %(n)d"),
    }
    return ", ".join(says[name] % {"n": n} for name, n in counts.items() if n) or _("nothing")

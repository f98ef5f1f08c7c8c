"""Reads: what asking again has changed: the answers of the same people to the same items, before and after a version."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from annotation import schema as schemas
from annotation.agreement.shares import wilson
from annotation.kinds import KINDS
from annotation.models import Annotation, GuidelineVersion

LABELS = 50


def of_version(version: GuidelineVersion) -> list[dict[str, Any]]:
    """One row for each question that the version asked again; three queries whatever its size.

    asked: people's answers that were asked for again; answered: those that are in; changed: of these, how many say
    something else, as a share with its 95 % interval (Wilson; None without any); labels: the same by the label that was
    given before, where the question has labels, with what it became.
    """
    asked = {name: told for name, told in version.plan.items() if "ask" in told}
    if not asked:
        return []
    before = GuidelineVersion.objects.filter(project=version.project_id, number__lt=version.number).first()
    if before is None:
        return []
    pairs, chosen = _pairs(version), _chosen(version)
    found = []
    for name, told in asked.items():
        try:
            old, new = schemas.question(before.schema, name), schemas.question(version.schema, told.get("to", name))
        except ValueError:  # a question that nobody was asked before: nothing can have changed
            continue
        if old["kind"] == new["kind"]:
            ours = [pair for pair in pairs if name not in chosen or pair[2] in chosen[name]]
            found.append(_row(name, old, new, told, ours))
    return found


def of_anybody(version: GuidelineVersion) -> dict[str, int] | None:
    """asked: answers that anybody was asked for because their people are gone; answered: so many are in. None without any.

    What changed is not told: other people than before have answered.
    """
    asked = (version.publications.values_list("figures", flat=True).first() or {}).get("to_pool")
    if not asked:
        return None
    since = Annotation.objects.filter(guideline_version=version, mapped=False)
    left = Annotation.objects.filter(
        project=version.project_id,
        superseded_at__gte=version.published_at,
        guideline_version__number__lt=version.number,
    ).exclude(pk__in=since.filter(earlier__isnull=False).values("earlier_id"))
    given = since.filter(earlier=None, status=Annotation.Status.SUBMITTED, item__in=left.values("item_id"))
    return {"asked": asked, "answered": min(asked, given.count())}


def _chosen(version: GuidelineVersion) -> dict[str, set[int]]:
    """question -> the items that were asked again for it, where these differ from question to question."""
    figures = version.publications.values_list("figures", flat=True).first() or {}
    return {name: set(items) for name, items in figures.get("chosen", {}).items()}


Pair = tuple[dict[str, Any], dict[str, Any] | None, int]


def _pairs(version: GuidelineVersion) -> list[Pair]:
    """(answer before, answer since or None while it waits, item) of everybody who was asked again."""
    rows = Annotation.objects.filter(guideline_version=version, earlier__isnull=False, mapped=False)
    columns = ("earlier_id", "status", "answer", "item_id")
    since = {key: (status, answer, item) for key, status, answer, item in rows.values_list(*columns)}
    first = Annotation.objects.filter(pk__in=rows.values("earlier_id"), status=Annotation.Status.SUBMITTED)
    found: list[Pair] = []
    for key, answer in first.values_list("pk", "answer").iterator(chunk_size=5000):
        status, now, item = since[key]
        found.append((answer, now if status == Annotation.Status.SUBMITTED else None, item))
    return found


def _row(
    name: str, old: Mapping[str, Any], new: Mapping[str, Any], told: Mapping[str, Any], pairs: list[Pair]
) -> dict[str, Any]:
    kind, to, names = KINDS[new["kind"]], new["name"], told.get("labels") or {}
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    counts: Counter[str] = Counter()
    for before, since, _item in pairs:
        if name not in before:
            continue
        counts["asked"] += 1
        if since is None:
            continue
        value = kind.relabel(before[name], names, dict(new)) if names and kind.relabel else before[name]
        now = since.get(to)
        changed = now is None or value is None or _apart(kind, value, now, dict(new))
        counts["answered"] += 1
        counts["changed"] += changed
        for label in kind.used(before[name], dict(old)):
            labels[label]["answered"] += 1
            labels[label]["changed"] += changed
    return {
        "question": to,
        "title": new["title"],
        "asked": counts["asked"],
        "answered": counts["answered"],
        "changed": _share(counts["changed"], counts["answered"]),
        "labels": [
            {"label": label, "answered": n["answered"], "changed": _share(n["changed"], n["answered"])}
            for label, n in sorted(labels.items(), key=lambda row: -row[1]["answered"])[:LABELS]
        ],
    }


def _apart(kind: Any, one: Any, other: Any, question: dict[str, Any]) -> bool:
    try:
        return bool(kind.distance(one, other, question) > 0)
    except (ValueError, KeyError, TypeError):  # an old answer in a form that the new question does not know
        return True


def _share(count: int, of: int) -> dict[str, float | int] | None:
    """count, value, low, high; None of nothing."""
    if not of:
        return None
    low, high = wilson(count, of)
    return {"count": count, "value": count / of, "low": low, "high": high}

"""Which examples of a dataset are retired, which ids have left it, and since which version."""

from collections.abc import Iterable

from django.db.models import OuterRef, QuerySet, Subquery

from evaluation.models import Dataset, DatasetVersion, Retirement, Tombstone


def retired(dataset: Dataset) -> dict[str, str]:
    """key -> why, of the examples that the next version leaves out."""
    newest = Retirement.objects.filter(dataset=dataset, key=OuterRef("key")).order_by("-pk").values("pk")[:1]
    rows = Retirement.objects.filter(dataset=dataset, pk=Subquery(newest), act=Retirement.Act.RETIRED)
    return dict(rows.values_list("key", "reason"))


def gone(version: DatasetVersion) -> QuerySet[Tombstone]:
    """The ids that stood in earlier versions of the dataset and are not in this one, with what is known of them.

    Each by its last tombstone up to this version: version is the first without it (its `retired_in`), last the last with
    it, reason why it was retired (empty where its gold or item went). One that came back is not among them.
    """
    rows = Tombstone.objects.filter(dataset=version.dataset_id, version__pk__lte=version.pk)
    newest = rows.filter(key=OuterRef("key")).order_by("-pk").values("pk")[:1]
    inside = version.examples.values("key")
    return rows.filter(pk=Subquery(newest)).exclude(key__in=inside).select_related("version", "last").order_by("key")


def retired_in(dataset: Dataset, keys: Iterable[str], *, since: DatasetVersion) -> dict[str, str]:
    """key -> the number of the first version after `since` that leaves it out, for the examples of a page."""
    rows = Tombstone.objects.filter(dataset=dataset, key__in=list(keys), version__pk__gt=since.pk)
    found: dict[str, str] = {}
    for row in rows.select_related("version").order_by("pk"):
        found.setdefault(row.key, row.version.number)
    return found

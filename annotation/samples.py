"""Reads: the samples of a project, how far each is, and the design weight of every item that one drew."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from annotation.designs import named
from annotation.models import Gold, Project, Sample, Sampled
from annotation.settling import batches

CHUNK = 5000


def listed(project: Project) -> QuerySet[Sample]:
    """The newest first, with `labelled`, how many of its items have gold."""
    gold = Exists(Gold.objects.current().filter(item=OuterRef("drawn__item")))
    rows = Sample.objects.filter(project=project).select_related("made_by", "reverted_by")
    return rows.annotate(labelled=Count("drawn", filter=Q(gold)))


def told(sample: Sample) -> dict[str, Any]:
    """A sample as JSON, with the rate of each stratum: how many of its items were drawn."""
    return {
        "id": sample.pk,
        "name": sample.name,
        "frame": sample.frame,
        "design": sample.design,
        "seed": sample.seed,
        "size": sample.size,
        "framed": sample.framed,
        "strata": rates(sample),
        "made_by": str(sample.made_by) if sample.made_by else None,
        "made_at": sample.made_at.isoformat(),
        "reverted_at": sample.reverted_at.isoformat() if sample.reverted_at else None,
    }


def rates(sample: Sample) -> list[dict[str, Any]]:
    """The strata with `rate`, the share of the frame that was drawn, and `title`."""
    return [
        {**row, "rate": row["got"] / row["frame"] if row["frame"] else None, "title": named(row["stratum"])}
        for row in sample.strata
    ]


def weights(items: Iterable[int]) -> dict[int, float]:
    """item -> its design weight, 1 by the probability that it was drawn; items that no sample drew are left out.

    Sums of values times weights estimate the totals of the sample's frame (Horvitz and Thompson 1952).
    """
    found: dict[int, float] = {}
    for chunk in batches(items, CHUNK):
        told = Sampled.objects.filter(item__in=chunk).values_list("item", "probability")
        found |= {item: 1 / probability for item, probability in told}
    return found

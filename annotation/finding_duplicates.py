"""The search for duplicates among a project's items, and across other projects: clusters in place of those found before.

What was decided is kept where its items still hang together; what joined them since is marked as new.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import IO, Any, overload

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, TextField, When
from django.db.models.functions import Substr
from django.utils.translation import gettext as _

from annotation.jobs import Grip
from annotation.models import Cluster, ClusterMember, Item, Project, Scan, Verdict
from annotation.settling import batches
from annotation.text import duplicates
from annotation.text.normal import text_key

Kind = Cluster.Kind
ORDER = list(Kind.values)
BATCH = 1000


def work(row: Scan, grip: Grip) -> dict[str, Any]:
    """Compare all texts and write the clusters in one transaction; returns what was found, in numbers."""
    with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as spool:
        texts = _Texts(spool, grip)
        items = _Items(row.project_id)
        for pk, project, text in words([row.project_id, *row.across]):
            items.add(pk, project)
            texts.add(text)
        found = duplicates.find(texts)
        clusters = list(_clusters(found, texts, items))
    with transaction.atomic():
        # Whoever decides about a cluster waits for the new ones, and the other way round.
        Project.objects.select_for_update(no_key=True).get(pk=row.project_id)
        carried = _store(row.project_id, clusters)
        figures = {"items": len(items.pks), "clusters": len(clusters), "carried": carried, **_counts(clusters)}
        grip.hold(figures=figures)
    return {}


def words(projects: Sequence[int]) -> Iterator[tuple[int, int, str]]:
    """(item, project, its words) of all items, those of the first project first; responses that are compared count, too."""
    whole = F("document__text")
    passage = Substr("document__text", F("start") + 1, F("end") - F("start"))
    text = Case(When(start__isnull=True, then=whole), default=passage, output_field=TextField())
    for project in projects:
        rows = Item.objects.filter(project=project).annotate(words=text).order_by("pk")
        columns = ("pk", "words", "document__candidates")
        for pk, said, responses in rows.values_list(*columns).iterator(chunk_size=BATCH):
            yield pk, project, "\n".join([said, *(entry.get("text", "") for entry in responses)])


class _Texts(Sequence[str]):
    """Texts in a temporary file, read when they are looked at; each look asks whether the work is still wanted."""

    def __init__(self, spool: IO[bytes], grip: Grip) -> None:
        self.spool, self.grip = spool, grip
        self.offsets: list[int] = []
        self.looks = 0

    def add(self, text: str) -> None:
        """One more, at the end."""
        self.offsets.append(self.spool.tell())
        self.spool.write(json.dumps(text).encode() + b"\n")
        if len(self.offsets) % BATCH == 0:
            self.grip.tick(0, 4 * len(self.offsets), _("reading texts"))

    def __len__(self) -> int:
        return len(self.offsets)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        self.looks += 1
        if self.looks % BATCH == 0:
            # Each text is looked at once for each comparison: keys, words, and words with numbers masked.
            self.grip.tick(min(self.looks, 4 * len(self) - 1), 4 * len(self), _("comparing texts"))
        self.spool.seek(self.offsets[place])
        return str(json.loads(self.spool.readline()))


class _Items:
    """Which item stands at which place, and whether it is one of the project's own."""

    def __init__(self, project: int) -> None:
        self.project = project
        self.pks: list[int] = []
        self.own = 0

    def add(self, pk: int, project: int) -> None:
        """One more; the project's own come first."""
        self.pks.append(pk)
        self.own += project == self.project


@dataclass(frozen=True, slots=True)
class _Found:
    """A cluster on its way into the database: kind, least similarity, and (item, kind, similarity) of its members."""

    kind: str
    similarity: float
    members: list[tuple[int, str, float]]


def _clusters(found: duplicates.Found, texts: _Texts, items: _Items) -> Iterator[_Found]:
    """Those that an item of the project is in; the first member is its oldest."""
    loosest = _loosest(found)
    for places in found.clusters:
        if places[0] < items.own:
            yield _cluster(places, loosest[places[0]], texts, items)


def _loosest(found: duplicates.Found) -> dict[int, str]:
    """First place of a cluster -> the loosest kind among its links."""
    first = {place: places[0] for places in found.clusters for place in places}
    kinds: dict[int, str] = {}
    for edge in found.edges:
        cluster = first[edge.a]
        kind = Kind.NORMALISED if edge.kind == "same" else Kind(edge.kind)
        kinds[cluster] = max(kinds.get(cluster, Kind.EXACT), kind, key=ORDER.index)
    return kinds


def _cluster(places: Sequence[int], loosest: str, texts: _Texts, items: _Items) -> _Found:
    first = texts[places[0]]
    digest, key = _digest(first), text_key(first)
    grams = [set[str](), set[str]()]
    if loosest in (Kind.NEAR, Kind.TEMPLATE):
        grams = [set(duplicates.grams(first)), set(duplicates.grams(first, masked=True))]
    members: list[tuple[int, str, float]] = [(items.pks[places[0]], "", 1.0)]
    for place in places[1:]:
        text = texts[place]
        if _digest(text) == digest:
            kind, alike = str(Kind.EXACT), 1.0
        elif loosest == Kind.NORMALISED or text_key(text) == key:
            kind, alike = Kind.NORMALISED, 1.0
        else:
            kind, alike = _near(text, grams, with_templates=loosest == Kind.TEMPLATE)
        members.append((items.pks[place], kind, alike))
    kinds = {kind for _item, kind, _alike in members if kind}
    # All are the same to the letter, though what found them looks away from case and white space.
    kind = str(Kind.EXACT) if kinds == {Kind.EXACT} else loosest
    return _Found(kind, min(alike for _item, _kind, alike in members), members)


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _near(text: str, first: list[set[str]], *, with_templates: bool) -> tuple[str, float]:
    """How like the first it is; one that is like another member only may be less like the first than the threshold."""
    plain = _jaccard(set(duplicates.grams(text)), first[0])
    if plain >= duplicates.THRESHOLD or not with_templates:
        return Kind.NEAR, plain
    masked = _jaccard(set(duplicates.grams(text, masked=True)), first[1])
    return (Kind.TEMPLATE, masked) if masked > plain else (Kind.NEAR, plain)


def _jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0


# -- In the database ----------------------------------------------------------------------------------------------


def _store(project: int, found: Iterable[_Found]) -> int:
    """The clusters in place of the earlier ones, with what was decided; how many decisions came along."""
    ClusterMember.objects.filter(cluster__project=project).delete()
    Cluster.objects.filter(project=project).delete()
    verdicts = _Verdicts(project)
    for batch in batches(found, BATCH):
        decided = [verdicts.of(entry) for entry in batch]
        rows = Cluster.objects.bulk_create(
            Cluster(
                project_id=project,
                kind=entry.kind,
                size=len(entry.members),
                similarity=entry.similarity,
                verdict_id=verdict,
            )
            for entry, verdict in zip(batch, decided, strict=True)
        )
        ClusterMember.objects.bulk_create(
            (
                ClusterMember(
                    cluster=row,
                    item_id=item,
                    place=place,
                    kind=kind,
                    similarity=alike,
                    fresh=verdict is not None and verdicts.by_item.get(item) != verdict,
                )
                for row, entry, verdict in zip(rows, batch, decided, strict=True)
                for place, (item, kind, alike) in enumerate(entry.members)
            ),
            batch_size=2000,
        )
    return verdicts.carried


class _Verdicts:
    """What stands decided about which items."""

    def __init__(self, project: int) -> None:
        self.by_item: dict[int, int] = {}
        self.kept: dict[int, int | None] = {}
        self.carried = 0
        rows = Verdict.objects.standing().filter(project=project).order_by("pk")
        for pk, what, kept, items in rows.values_list("pk", "what", "kept", "items").iterator(chunk_size=BATCH):
            self.by_item |= dict.fromkeys(items, pk)
            if what == Verdict.What.KEEP:
                self.kept[pk] = kept

    def of(self, found: _Found) -> int | None:
        """The decision that two or more of the cluster's items fall under, and the kept one with them; the largest, the newest."""
        members = {item for item, _kind, _alike in found.members}
        told = Counter(self.by_item[item] for item in members if item in self.by_item)
        fit = [
            (count, verdict)
            for verdict, count in told.items()
            if count > 1 and (verdict not in self.kept or self.kept[verdict] in members)
        ]
        if not fit:
            return None
        self.carried += 1
        return max(fit)[1]


def _counts(found: Sequence[_Found]) -> dict[str, Any]:
    """kind -> clusters, and how many items stand beside the first of theirs."""
    kinds = Counter(entry.kind for entry in found)
    return {"kinds": dict(kinds), "surplus": sum(len(entry.members) - 1 for entry in found)}

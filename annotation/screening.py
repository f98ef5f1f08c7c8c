"""Private data in a project's documents: found by recognisers, decided by people or by the project's policy.

A hit is a place and a kind. What stands there is read from the document when it is needed, and never stored, logged or
told in a result.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation import masking, recording
from annotation.jobs import Grip
from annotation.models import Document, PrivateHit, Project, Scan, User
from annotation.settling import batches
from annotation.text import privacy

State = PrivateHit.State
POLICIES = {
    "review": gettext_lazy("waits for a look"),
    "mask": gettext_lazy("is masked at once"),
    "allow": gettext_lazy("stays as it is"),
}
REASON = 500
BATCH, AT_A_TIME = 500, 50
FIELDS = ("text", "title", "reference", "candidates", "metadata")

Tick = Callable[[int, int, str], None]


# -- Finding ------------------------------------------------------------------------------------------------------


def work(row: Scan, grip: Grip) -> dict[str, Any]:
    """Look through the documents that nothing has looked through yet; returns counts by kind, never a value."""
    project = Project.objects.get(pk=row.project_id)
    found = screen(project=project, documents=Document.objects.filter(project=project), tick=grip.tick)
    return {"figures": found}


def unscreened(project: Project) -> QuerySet[Document]:
    """Documents that the recognisers of today have not looked through."""
    return Document.objects.filter(project=project, screened__lt=privacy.VERSION)


def screen(*, project: Project, documents: QuerySet[Document], tick: Tick) -> dict[str, Any]:
    """Look through those of these documents that were not looked through yet, by their ids in order of code points.

    What is found waits for a look, unless the policy decides it at once; what was decided earlier stands. Safe to repeat
    and to do twice at a time. Returns {documents, hits: {kind: n}}.
    """
    todo = sorted(documents.filter(project=project, screened__lt=privacy.VERSION).values_list("external_id", "pk"))
    numbers = _Numbers(project)
    counts: Counter[str] = Counter()
    done = 0
    for batch in batches([pk for _id, pk in todo], BATCH):
        rows = Document.objects.filter(pk__in=batch).values("pk", "text_key", "cleaning", *FIELDS)
        found, states = dict[int, list[Found]](), dict[int, Stamp]()
        for row in rows.iterator(chunk_size=AT_A_TIME):
            found[row["pk"]], states[row["pk"]] = _hits(row), (row["text_key"], row["cleaning"])
        counts += _write(project, {pk: states[pk] for pk in batch if pk in states}, found, numbers)
        done += len(batch)
        tick(done, len(todo), _("looking for private data"))
    return {"documents": done, "hits": dict(counts)}


Found = tuple[str, privacy.Hit, str]
# What tells that a document is as it was when it was read: a cleaning changes one or the other.
Stamp = tuple[str, Any]


def _hits(row: Mapping[str, Any]) -> list[Found]:
    """(part, hit, what makes its value the same as another) of a document."""
    return [
        (part, hit, privacy.same(hit.kind, text[hit.start : hit.end]))
        for part, text in masking.parts(row)
        for hit in privacy.find(text)
    ]


@transaction.atomic
def _write(
    project: Project, states: Mapping[int, Stamp], found: Mapping[int, list[Found]], numbers: "_Numbers"
) -> Counter[str]:
    """The hits of some documents, with numbers that nobody else gives at the same time."""
    policy = Project.objects.select_for_update(no_key=True).get(pk=project.pk).private_policy
    waiting = Document.objects.filter(pk__in=states, screened__lt=privacy.VERSION)
    # One that was cleaned anew meanwhile has other places, and is looked through the next time.
    told = waiting.values_list("pk", "text_key", "cleaning")
    fresh = {pk for pk, *stamp in told if tuple(stamp) == states[pk]}
    hits = PrivateHit.objects.filter(document__in=fresh)
    hits.open().delete()
    decided: dict[int, list[tuple[str, int, int]]] = {}
    for pk, part, start, end in hits.values_list("document", "part", "start", "end"):
        decided.setdefault(pk, []).append((part, start, end))
    numbers.catch_up()
    now = timezone.now()
    rows = []
    for pk in states:
        for part, hit, value in found.get(pk, []) if pk in fresh else []:
            if any(where == part and start < hit.end and end > hit.start for where, start, end in decided.get(pk, [])):
                continue
            state = {"mask": State.MASK, "allow": State.KEEP}.get(policy.get(hit.kind, ""), State.OPEN)
            rows.append(
                PrivateHit(
                    project=project,
                    document_id=pk,
                    part=part,
                    start=hit.start,
                    end=hit.end,
                    kind=hit.kind,
                    number=numbers.of(hit.kind, value),
                    state=state,
                    at=None if state == State.OPEN else now,
                )
            )
    PrivateHit.objects.bulk_create(rows, batch_size=1000)
    numbers.wrote(rows)
    Document.objects.filter(pk__in=fresh).update(screened=privacy.VERSION)
    return Counter(row.kind for row in rows)


class _Numbers:
    """Which number a value has in the project. In memory a value is a keyed hash, by a key that goes with the process."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.key = secrets.token_bytes(16)
        self.known: dict[tuple[str, bytes], int] = {}
        self.last: Counter[str] = Counter()
        self.seen = 0

    def of(self, kind: str, value: str) -> int:
        """The number that the value has, or the next one."""
        place = self._place(kind, value)
        if place not in self.known:
            self._take(place, self.last[place[0]] + 1)
        return self.known[place]

    def catch_up(self) -> None:
        """Learn what was written by others since."""
        rows = PrivateHit.objects.filter(project=self.project, pk__gt=self.seen).order_by("pk")
        told = list(rows.values_list("pk", "document", "part", "start", "end", "kind", "number"))
        for batch in batches(told, BATCH):
            of: dict[int, list[Any]] = {}
            for row in batch:
                of.setdefault(row[1], []).append(row)
            for fields in Document.objects.filter(pk__in=of).values("pk", *FIELDS).iterator(chunk_size=AT_A_TIME):
                words = dict(masking.parts(fields))
                for _pk, _document, part, start, end, kind, number in of[fields["pk"]]:
                    value = words.get(part, "")[start:end]
                    self._take(self._place(kind, privacy.same(kind, value)), number)
        if told:
            self.seen = told[-1][0]

    def wrote(self, rows: Sequence[PrivateHit]) -> None:
        """These are known already."""
        self.seen = max([self.seen, *(row.pk for row in rows)])

    def _place(self, kind: str, value: str) -> tuple[str, bytes]:
        digest = blake2b(value.encode("utf-8", "surrogatepass"), key=self.key, digest_size=16).digest()
        return privacy.KINDS[kind].placeholder, digest

    def _take(self, place: tuple[str, bytes], number: int) -> None:
        self.known.setdefault(place, number)
        self.last[place[0]] = max(self.last[place[0]], number)


# -- Deciding -----------------------------------------------------------------------------------------------------


def chosen(project: Project, asked: Mapping[str, Any]) -> QuerySet[PrivateHit]:
    """Which hits are meant. scope: 'these' (`hits`, numbers), 'value' (all with the value of the one in `hits`), 'kind' (all of `kind` that wait), 'all' (all that wait).

    Raises ValueError for others.
    """
    rows = PrivateHit.objects.filter(project=project)
    scope, kind = asked.get("scope"), asked.get("kind")
    if scope in ("these", "value"):
        these = rows.filter(pk__in=list(asked.get("hits") or [])[:1000])
        if scope == "these":
            return these
        first = these.first()
        if first is None:
            raise ValueError(_("Say which place is meant."))
        sort = privacy.KINDS[first.kind].placeholder
        alike = [name for name, one in privacy.KINDS.items() if one.placeholder == sort]
        return rows.filter(kind__in=alike, number=first.number)
    if scope == "all":
        return rows.open()
    if scope != "kind" or kind not in privacy.KINDS:
        sentence = _("Say what is meant: these, value, kind (one of %(kinds)s) or all.")
        raise ValueError(sentence % {"kinds": ", ".join(privacy.KINDS)})
    return rows.open().filter(kind=kind)


@transaction.atomic
def decide(
    *, project: Project, asked: Mapping[str, Any], state: str, reason: str = "", user: User | None
) -> dict[str, int]:
    """Have private data masked or kept (or let it wait again); returns counts by kind.

    asked: see `chosen`. Raises ValueError where many are kept without a reason, or nothing is chosen.
    """
    reason = reason.replace("\x00", "").strip()
    if state not in State.values:
        raise ValueError(_("Private data is masked (mask), kept (keep) or waits (open)."))
    if len(reason) > REASON:
        raise ValueError(_("A reason has at most %(most)d characters.") % {"most": REASON})
    if state == State.KEEP and asked.get("scope") in ("kind", "all") and not reason:
        raise ValueError(_("Say why all of these may stay, in a few words."))
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    rows = chosen(project, asked).exclude(state=state)
    counts = Counter(rows.order_by().values_list("kind", flat=True))
    decided = state != State.OPEN
    rows.update(state=state, by=user if decided else None, at=timezone.now() if decided else None)
    if counts:
        recording.record(
            project=project, kind="private_decided", by=user, state=state, kinds=dict(counts), reason=reason,
            scope=str(asked.get("scope")),
        )  # fmt: skip
    return dict(counts)


@transaction.atomic
def set_policy(*, project: Project, policy: Mapping[str, str], user: User | None) -> dict[str, str]:
    """Say of kinds whether they wait for a look (review), are masked or allowed; what waits of them is decided at once.

    Kinds that are not named stay as they are. Returns the whole policy, without those that wait. Raises ValueError for
    others.
    """
    for kind, what in policy.items():
        if kind not in privacy.KINDS or what not in POLICIES:
            sentence = _("A policy names a kind (%(kinds)s) and review, mask or allow; got “%(given)s”.")
            raise ValueError(sentence % {"kinds": ", ".join(privacy.KINDS), "given": f"{kind}={what}"[:80]})
    locked = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    old = locked.private_policy
    new = {kind: what for kind, what in {**old, **policy}.items() if what != "review"}
    if new == old:
        return new
    Project.objects.filter(pk=project.pk).update(private_policy=new)
    project.private_policy = new
    changed = {
        kind: [old.get(kind, "review"), new.get(kind, "review")]
        for kind in privacy.KINDS
        if old.get(kind) != new.get(kind)
    }
    recording.record(project=project, kind="configured", by=user, changed={"private_policy": changed})
    for kind, (_before, now) in changed.items():
        if now != "review":
            state = State.MASK if now == "mask" else State.KEEP
            asked = {"scope": "kind", "kind": kind}
            decide(project=project, asked=asked, state=state, reason=str(_("by the project's policy")), user=user)
    return new

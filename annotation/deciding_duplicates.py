"""Decisions about duplicates: keep one and leave the others out, keep all together, or let them be; one by one or by rule.

A decision stands until it is taken back. It never changes a text, an answer or a frozen version.
"""

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Length
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation import clusters, leaving_out, recording
from annotation.models import Annotation, Cluster, ClusterMember, Gold, Item, Project, User, Verdict
from annotation.settling import batches

What = Verdict.What
REASON = 500
# A rule that has more clusters to decide is followed by a worker.
AT_ONCE = 300
RULES = {
    "earliest": gettext_lazy("keep the one that came first"),
    "longest": gettext_lazy("keep the longest"),
    "gold": gettext_lazy("keep the one with gold"),
    "answers": gettext_lazy("keep the one with the most answers"),
    "source": gettext_lazy("keep the one of a source type"),
    "group": gettext_lazy("keep all as a group"),
}


# -- One cluster --------------------------------------------------------------------------------------------------


@transaction.atomic
def decide(
    *,
    cluster: Cluster,
    what: str,
    kept: int | None = None,
    before: int | None = None,
    reason: str = "",
    user: User | None,
) -> Verdict:
    """Decide about a cluster. kept: the item that stays, where one is kept; before: the decision that the person saw.

    An earlier decision about it is taken back first. Raises ValueError where somebody else was faster, a reason is missing
    (for what is left out or let be), or the item to keep is none of the cluster's that this person sees.
    """
    reason = checked_reason(reason)
    if what not in What.values:
        raise ValueError(_("A decision is one of: %(all)s.") % {"all": ", ".join(What.values)})
    if what != What.GROUP and not reason:
        raise ValueError(_("Say why, in a few words: others will want to know."))
    project = _hold(cluster.project_id)
    now = Cluster.objects.select_related("verdict__made_by").filter(pk=cluster.pk).first()
    if now is None:
        raise ValueError(_("The duplicates were searched anew meanwhile. Look at the new list."))
    if now.verdict_id != before:
        who = now.verdict.made_by if now.verdict else None
        raise ValueError(
            _("Somebody else has decided about these meanwhile (%(who)s). Look again.") % {"who": who or "–"}
            if now.verdict
            else _("The earlier decision about these was taken back meanwhile. Look again.")
        )
    if now.verdict_id:
        _undo(project, Verdict.objects.filter(pk=now.verdict_id), user)
    members = list(ClusterMember.objects.filter(cluster=now).order_by("place").values_list("item", flat=True))
    if what == What.KEEP:
        _check_kept(now, kept, user)
    verdict = Verdict.objects.create(
        project=project,
        what=what,
        kept_id=kept if what == What.KEEP else None,
        items=members,
        reason=reason,
        made_by=user,
    )
    Cluster.objects.filter(pk=now.pk).update(verdict=verdict)
    ClusterMember.objects.filter(cluster=now, fresh=True).update(fresh=False)
    out = dict.fromkeys(set(members) - {kept}, verdict.pk) if what == What.KEEP else {}
    left = leaving_out.leave_out(project=project, items=out)
    recording.record(
        project=project, kind="duplicates_decided", by=user, what=what, count=len(members), left_out=left, reason=reason
    )
    return verdict


def checked_reason(reason: str) -> str:
    """Without blanks around it; raises ValueError where it is too long."""
    reason = reason.replace("\x00", "").strip()
    if len(reason) > REASON:
        raise ValueError(_("A reason has at most %(most)d characters.") % {"most": REASON})
    return reason


def _check_kept(cluster: Cluster, kept: int | None, user: User | None) -> None:
    members = ClusterMember.objects.filter(cluster=cluster, item=kept or 0)
    if user is not None:
        members = members.filter(item__in=Item.objects.filter(project__in=clusters.projects(user)))
    member = members.select_related("item").first()
    if member is None:
        raise ValueError(_("Choose which one is kept: one of these items."))
    if member.item.left_out_id is not None:
        raise ValueError(
            _("The one to keep is left out by another decision. Take that back first, or keep another one.")
        )


def _hold(project: int) -> Project:
    """The project's row: decisions and the storing of a search come one after another."""
    return Project.objects.select_for_update(no_key=True).get(pk=project)


@transaction.atomic
def undo(*, project: Project, verdicts: QuerySet[Verdict], user: User | None) -> dict[str, int]:
    """Take decisions back: what they left out is in again; counts. Raises ValueError where none of them stands."""
    _hold(project.pk)
    counts = _undo(project, verdicts, user)
    if not counts["clusters"]:
        raise ValueError(_("That was taken back already."))
    return counts


def _undo(project: Project, verdicts: QuerySet[Verdict], user: User | None) -> dict[str, int]:
    rows = list(verdicts.filter(project=project, undone_at=None).values_list("pk", flat=True))
    taken = 0
    for batch in batches(rows, 500):
        taken += leaving_out.take_in(project=project, verdicts=batch)
        ClusterMember.objects.filter(cluster__verdict__in=batch, fresh=True).update(fresh=False)
        Cluster.objects.filter(verdict__in=batch).update(verdict=None)
        Verdict.objects.filter(pk__in=batch).update(undone_at=timezone.now(), undone_by=user)
    if rows:
        recording.record(project=project, kind="duplicates_undone", by=user, count=len(rows), taken_in=taken)
    return {"clusters": len(rows), "items": taken}


# -- Many by a rule -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """What is to be done with many clusters: which rule, of which source type, for clusters of which kinds."""

    name: str
    source: str = ""
    kinds: tuple[str, ...] = ()

    @classmethod
    def read(cls, asked: dict[str, Any]) -> "Rule":
        """From {"rule", "source", "kinds"}; raises ValueError for others."""
        name, source = str(asked.get("rule", "")), str(asked.get("source", "")).replace("\x00", "").strip()[:40]
        kinds = tuple(asked.get("kinds") or ())
        if name not in RULES:
            raise ValueError(_("A rule is one of: %(all)s.") % {"all": ", ".join(RULES)})
        if strange := [kind for kind in kinds if kind not in Cluster.Kind.values]:
            raise ValueError(
                _("There is no kind “%(kind)s”; there are: %(all)s.")
                % {"kind": str(strange[0])[:40], "all": ", ".join(Cluster.Kind.values)}
            )
        if name == "source" and not source:
            raise ValueError(_("Say which source type is kept."))
        return cls(name, source, kinds)

    @property
    def told(self) -> dict[str, Any]:
        """As `read` takes it."""
        return {"rule": self.name, "source": self.source, "kinds": list(self.kinds)}

    @property
    def words(self) -> str:
        """As it stands with each decision."""
        return f"{self.name}: {self.source}" if self.source and self.name == "source" else self.name


def preview(*, project: Project, rule: Rule) -> dict[str, int]:
    """What the rule would do: clusters, items kept and left out; conflicting and unfit clusters, which it lets be."""
    counts: Counter[str] = Counter(dict.fromkeys(("clusters", "kept", "left_out", "conflicting", "unfit"), 0))
    counts["conflicting"] = _asked(project, rule).filter(clusters.conflicting()).count()
    for _cluster, members, kept in _chosen(project, rule):
        if kept == 0:
            counts["unfit"] += 1
            continue
        out = [entry for entry in members if entry["item"] != kept and _goes(entry, project)] if kept else []
        counts["clusters"] += 1
        counts["left_out"] += len(out)
        counts["kept"] += len(members) - len(out)
    return dict(counts)


def size(*, project: Project, rule: Rule) -> int:
    """How many clusters it is about."""
    return _asked(project, rule).count()


@transaction.atomic
def apply(*, project: Project, rule: Rule, reason: str, user: User | None, tick: Any = None) -> dict[str, Any]:
    """Decide every cluster that waits by the rule, in one transaction; counts as `preview`, and the act to take it back.

    Clusters with different gold are left to people. Raises ValueError where a reason is missing or nothing waits.
    """
    reason = checked_reason(reason)
    if not reason:
        raise ValueError(_("Say why, in a few words: others will want to know."))
    project = _hold(project.pk)
    act, counts = uuid.uuid4(), preview(project=project, rule=rule)
    if not counts["clusters"]:
        raise ValueError(_("There is nothing that this rule could decide."))
    what = What.GROUP if rule.name == "group" else What.KEEP
    fit = (row for row in _chosen(project, rule) if row[2] != 0)
    done = 0
    for batch in batches(fit, 500):
        verdicts = Verdict.objects.bulk_create(
            Verdict(
                project=project,
                what=what,
                kept_id=kept,
                items=[entry["item"] for entry in members],
                rule=rule.words,
                act=act,
                reason=reason,
                made_by=user,
            )
            for _cluster, members, kept in batch
        )
        rows = [Cluster(pk=row[0], verdict=verdict) for row, verdict in zip(batch, verdicts, strict=True)]
        Cluster.objects.bulk_update(rows, ["verdict"], batch_size=500)
        if what == What.KEEP:
            out = {
                entry["item"]: verdict.pk
                for (_cluster, members, kept), verdict in zip(batch, verdicts, strict=True)
                for entry in members
                if entry["item"] != kept
            }
            leaving_out.leave_out(project=project, items=out)
        done += len(batch)
        if tick:
            tick(done, counts["clusters"])
    recording.record(
        project=project, kind="duplicates_decided", by=user, what=what, rule=rule.words, reason=reason,
        count=counts["clusters"], left_out=counts["left_out"],
    )  # fmt: skip
    return {**counts, "act": str(act)}


def _asked(project: Project, rule: Rule) -> QuerySet[Cluster]:
    rows = Cluster.objects.filter(project=project, verdict=None)
    return rows.filter(kind__in=rule.kinds) if rule.kinds else rows


def _chosen(project: Project, rule: Rule) -> Iterator[tuple[int, list[dict[str, Any]], int | None]]:
    """(cluster, its members, the item to keep) of each that waits without different gold; 0: the rule fits none of them."""
    waiting = _asked(project, rule).exclude(clusters.conflicting()).order_by("pk").values_list("pk", flat=True)
    gold = Gold.objects.current().filter(item=OuterRef("item"))
    answers = Annotation.objects.submitted().filter(item=OuterRef("item")).order_by().values("item")
    whole = Length("item__document__text")
    for batch in batches(list(waiting), 500):
        rows = ClusterMember.objects.filter(cluster__in=batch).order_by("cluster", "place")
        told = rows.annotate(
            gold=Exists(gold),
            answers=Coalesce(Subquery(answers.annotate(n=Count("pk")).values("n"), output_field=IntegerField()), 0),
            length=Coalesce(F("item__end") - F("item__start"), whole, output_field=IntegerField()),
            source=F("item__document__source_type"),
            project=F("item__project"),
            role=F("item__role"),
            out=F("item__left_out"),
        ).values("cluster", "item", "gold", "answers", "length", "source", "project", "role", "out")
        grouped: dict[int, list[dict[str, Any]]] = {}
        for entry in told:
            grouped.setdefault(entry["cluster"], []).append(dict(entry))
        for cluster, members in grouped.items():
            yield cluster, members, _kept(members, rule, project)


def _kept(members: Sequence[dict[str, Any]], rule: Rule, project: Project) -> int | None:
    """The item that the rule keeps; None where it keeps all together, 0 where it fits none. Of equals the first counts."""
    if rule.name == "group":
        return None
    fit = [entry for entry in members if entry["out"] is None and entry["project"] == project.pk]
    if rule.name == "gold":
        fit = [entry for entry in fit if entry["gold"]]
    elif rule.name == "source":
        fit = [entry for entry in fit if entry["source"] == rule.source]
    if not fit:
        return 0
    by = {"longest": "length", "answers": "answers"}.get(rule.name)
    best = max(fit, key=lambda entry: entry[by]) if by else min(fit, key=lambda entry: entry["item"])
    return int(best["item"])


def _goes(entry: dict[str, Any], project: Project) -> bool:
    return entry["project"] == project.pk and entry["role"] == Item.Role.WORK and entry["out"] is None

"""Reads: the clusters of duplicates of a project, what is known of their items, and what was decided about them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Least, Substr
from django.utils.translation import gettext_lazy

from annotation import differences
from annotation.models import Annotation, Cluster, ClusterMember, Gold, Item, Membership, Project, Verdict

# Members of a cluster in the list, and characters of each text that are compared on the page.
SHOWN, EXCERPT = 6, 800
STATES = {
    "waiting": gettext_lazy("waiting for a decision"),
    "fresh": gettext_lazy("decided, with new items since"),
    "keep": gettext_lazy("decided: one is kept"),
    "group": gettext_lazy("decided: kept as a group"),
    "apart": gettext_lazy("decided: not duplicates"),
}
HAVING = {
    "answers": gettext_lazy("with answers"),
    "gold": gettext_lazy("with gold"),
    "conflict": gettext_lazy("with different gold"),
    "across": gettext_lazy("across projects"),
}


def projects(user: Any) -> QuerySet[Project]:
    """Those whose items a person may see among duplicates: the ones they manage."""
    return Project.objects.with_role(user, Membership.Role.MANAGER)


def conflicting() -> Exists:
    """Whether a cluster's items have different gold for one question."""
    rows = Gold.objects.current().filter(item__memberships_in_clusters__cluster=OuterRef("pk")).order_by()
    return Exists(rows.values("question").annotate(n=Count("value", distinct=True)).filter(n__gt=1))


def _fresh() -> Exists:
    return Exists(ClusterMember.objects.filter(cluster=OuterRef("pk"), fresh=True))


def waiting(projects: Sequence[int]) -> QuerySet[Cluster]:
    """What nobody has decided about yet, or what has new items since."""
    return Cluster.objects.filter(Q(verdict=None) | _fresh(), project__in=projects)


def filtered(project: Project, asked: Mapping[str, str]) -> QuerySet[Cluster]:
    """Clusters by kind, state and what their items have; words that are none of these choose nothing out."""
    rows = Cluster.objects.filter(project=project).select_related("verdict__made_by")
    members = ClusterMember.objects.filter(cluster=OuterRef("pk"))
    if asked.get("kind") in Cluster.Kind.values:
        rows = rows.filter(kind=asked["kind"])
    state = asked.get("state")
    if state == "waiting":
        rows = rows.filter(verdict=None)
    elif state == "fresh":
        rows = rows.filter(_fresh())
    elif state in Verdict.What.values:
        rows = rows.filter(verdict__what=state)
    having = asked.get("having")
    if having == "answers":
        rows = rows.filter(Exists(members.filter(Exists(Annotation.objects.submitted().filter(item=OuterRef("item"))))))
    elif having == "gold":
        rows = rows.filter(Exists(members.filter(Exists(Gold.objects.current().filter(item=OuterRef("item"))))))
    elif having == "conflict":
        rows = rows.filter(conflicting())
    elif having == "across":
        rows = rows.filter(Exists(members.exclude(item__project=project.pk)))
    return rows


def summary(project: Project) -> dict[str, Any]:
    """kinds: {kind, title, clusters, items, waiting} of each; clusters, waiting, conflicting, left_out: together."""
    rows = Cluster.objects.filter(project=project).order_by()
    told = rows.values("kind").annotate(
        clusters=Count("pk"), items=Sum("size"), waiting=Count("pk", filter=Q(verdict=None))
    )
    found: dict[str, dict[str, Any]] = {row["kind"]: dict(row) for row in told}
    kinds = [
        {
            "kind": kind,
            "title": title,
            **{name: found.get(kind, {}).get(name, 0) for name in ("clusters", "items", "waiting")},
        }
        for kind, title in Cluster.Kind.choices
    ]
    return {
        "kinds": kinds,
        "clusters": sum(row["clusters"] for row in kinds),
        "waiting": sum(row["waiting"] for row in kinds),
        "fresh": rows.filter(_fresh()).count(),
        "conflicting": rows.filter(conflicting()).count(),
        "left_out": Item.objects.filter(project=project, left_out__isnull=False).count(),
    }


def acts(project: Project, most: int = 10) -> list[dict[str, Any]]:
    """The newest acts by rule that still stand: {act, rule, reason, at, made_by, decided}."""
    rows = Verdict.objects.standing().filter(project=project).exclude(rule="").order_by()
    told = rows.values("act", "rule", "reason", "made_by__name", "made_by__username").annotate(
        decided=Count("pk"), at=Min("made_at")
    )
    return [
        {**row, "made_by": row["made_by__name"] or row["made_by__username"] or ""}
        for row in told.order_by("-at")[:most]
    ]


def together(project: Project) -> dict[int, list[str]]:
    """item -> names of the groups that stay in one split at every freeze, as was decided about duplicates."""
    found: dict[int, list[str]] = {}
    rows = Verdict.objects.standing().filter(project=project, what=Verdict.What.GROUP).order_by("pk")
    for pk, items in rows.values_list("pk", "items").iterator(chunk_size=1000):
        for item in items:
            found.setdefault(item, []).append(f"together:{pk}")
    return found


# -- Side by side -------------------------------------------------------------------------------------------------


def members(
    found: Sequence[Cluster], user: Any, *, start: int = 0, most: int = SHOWN
) -> dict[int, list[dict[str, Any]]]:
    """cluster -> its members from `start` on, the first of all always among them; a fixed number of queries.

    Each: member, item, text (pieces with the differences from the first), answers, gold, cut (whether the text goes on),
    own (whether this person may see it; of others only that they are there).
    """
    begin = Coalesce(F("item__start"), 0) + 1
    length = Least(Coalesce(F("item__end") - F("item__start"), EXCERPT + 1), EXCERPT + 1)
    wanted = Q(place=0) | Q(place__gte=start, place__lt=start + most)
    rows = list(
        ClusterMember.objects.filter(wanted, cluster__in=found)
        .select_related("item__document", "item__project", "item__left_out", "cluster")
        .defer("item__document__text", "item__document__raw", "item__document__metadata", "item__document__candidates")
        .annotate(excerpt=Substr("item__document__text", begin, length))
        .order_by("cluster", "place")
    )
    visible = set(projects(user).filter(pk__in={row.item.project_id for row in rows}).values_list("pk", flat=True))
    items = [row.item_id for row in rows if row.item.project_id in visible]
    answers = Counter(Annotation.objects.submitted().filter(item__in=items).values_list("item", flat=True))
    gold: dict[int, list[Gold]] = {}
    for entry in Gold.objects.current().visible_to(user).filter(item__in=items):
        gold.setdefault(entry.item_id, []).append(entry)
    told: dict[int, list[dict[str, Any]]] = {}
    first: dict[int, str] = {}
    for row in rows:
        own = row.item.project_id in visible
        text = row.excerpt[:EXCERPT] if own else ""
        if row.place == 0:
            first[row.cluster_id] = text
        against = first.get(row.cluster_id, "")
        same = row.place == 0 or not own or not against
        marked = [("same", text)] if same else differences.inline(against, text)
        told.setdefault(row.cluster_id, []).append(
            {
                "member": row,
                "item": row.item,
                "own": own,
                "pieces": marked,
                "cut": len(row.excerpt) > EXCERPT,
                "answers": answers[row.item_id],
                "gold": gold.get(row.item_id, []),
            }
        )
    return told

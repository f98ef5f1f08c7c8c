"""Reads: how often a person says the same of an item that came back to them; the self-agreement."""

from collections import defaultdict
from typing import Any

from django.db.models import JSONField, OuterRef, Subquery
from django.db.models.functions import Coalesce

from annotation.agreement.kinds import AGREEMENTS
from annotation.models import Annotation, Assignment, Project, Revision, User

# More would tell little that these do not, and the figures are drawn while the page waits.
LATEST = 500
DRAWS, SEED = 500, 20261130
FIRST, SECOND = "first", "second"


def pairs(project: Project, person: int | None = None) -> dict[int, list[tuple[int, dict[str, Any], dict[str, Any]]]]:
    """person -> (item, what they said first, what they said when it came back), the latest of each; one query.

    Both under the guideline in force, and both as they were said at that time: a correction made since, perhaps after
    looking back at the other answer, changes nothing here. A skip is no answer.
    """
    first = Annotation.objects.submitted().filter(
        item=OuterRef("item"), annotator=OuterRef("annotator"), guideline_version=OuterRef("guideline_version")
    )
    before = Revision.objects.filter(
        annotation__item=OuterRef("item"),
        annotation__annotator=OuterRef("annotator"),
        annotation__guideline_version=OuterRef("guideline_version"),
        annotation__again=Assignment.COUNTS,
        status=Annotation.Status.SUBMITTED,
        at__lt=OuterRef("created_at"),
    )
    said = Revision.objects.filter(annotation=OuterRef("pk"), status=Annotation.Status.SUBMITTED)
    rows = Annotation.every.submitted().filter(
        project=project.pk, again=Assignment.RETURNED, guideline_version=project.version_id
    )
    rows = rows.filter(annotator=person) if person is not None else rows
    rows = rows.annotate(
        stands=Subquery(first.values("pk")[:1]),
        once=Coalesce(
            Subquery(before.order_by("-pk").values("answer")[:1]), Subquery(first.values("answer")[:1]), output_field=JSONField()
        ),
        then=Coalesce(Subquery(said.order_by("pk").values("answer")[:1]), "answer", output_field=JSONField()),
    )  # fmt: skip
    found: dict[int, list[tuple[int, dict[str, Any], dict[str, Any]]]] = defaultdict(list)
    chosen = rows.exclude(stands=None).order_by("-pk")
    for who, item, once, then in chosen.values_list("annotator_id", "item_id", "once", "then"):
        if len(found[who]) < LATEST:
            found[who].append((item, once, then))
    return dict(found)


def of_people(project: Project, person: int | None = None) -> list[dict[str, Any]]:
    """Each person's self-agreement, question by question: [{user, n, questions: [{name, title, n, level, figures}]}].

    n: pairs of answers. figures: {name: {value, low, high, n, reason, note}}, the coefficient of the question's kind
    first, with 95 % intervals of a bootstrap over items.
    """
    if project.version is None:
        return []
    given = pairs(project, person)
    users = User.objects.in_bulk(given)
    rows = [
        {
            "user": users[who],
            "n": len(said),
            "questions": [_figures(entry, said) for entry in project.version.schema["questions"]],
        }
        for who, said in given.items()
    ]
    return sorted(rows, key=lambda row: str(row["user"]))


def _figures(entry: dict[str, Any], said: list[tuple[int, dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    name = entry["name"]
    both = [(item, once[name], then[name]) for item, once, then in said if name in once and name in then]
    triples = [(str(item), rater, value) for item, once, then in both for rater, value in ((FIRST, once), (SECOND, then))]  # fmt: skip
    agreement = AGREEMENTS[entry["kind"]]
    figures = agreement.brief(triples, question=entry, draws=DRAWS, seed=SEED) if both else {}
    same = sum(once == then for _item, once, then in both)
    return {
        "name": name,
        "title": entry["title"],
        "n": len(both),
        # The share of answers that are the same to the letter, whatever the kind.
        "same": same / len(both) if both else None,
        "level": agreement.level_of(entry),
        "figures": figures,
    }

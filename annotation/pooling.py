"""Who labels what: a person's languages and kinds of text, and the pools that slots are sorted into by them.

An item's kind of text is the source type of its document. People who name nothing label everything.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from annotation import recording
from annotation.models import Assignment, Item, Membership, Pool, Project, User

# (language, source type) of an item, as pools have them.
Sort = tuple[str, str]
MOST_NAMES = 30


def language_of(text: str) -> str:
    """A language as people name it: the part before the script or the country, zh of zh-Hans-CN."""
    return text.strip().lower().replace("_", "-").partition("-")[0][:20]


def names(given: str | Iterable[str], *, languages: bool) -> list[str]:
    """What somebody wrote, by commas or as a list, in one form; raises ValueError for too many or too long ones."""
    parts = given.replace("，", ",").replace("、", ",").split(",") if isinstance(given, str) else list(given)
    found = sorted({str(part).strip() for part in parts} - {""})
    if len(found) > MOST_NAMES or any(len(name) > 40 or "\x00" in name for name in found):
        raise ValueError(_("At most %(most)d languages or source types, each of at most 40 characters.") % {"most": MOST_NAMES})  # fmt: skip
    return sorted({language_of(name) for name in found} - {""}) if languages else found


def takes(membership: Membership, sort: Sort | None) -> bool:
    """Whether the person labels such items. An item without a language or source type is for everybody."""
    if sort is None or not membership.is_restricted:
        return True
    language, source_type = sort
    fits = not membership.languages or not language or language in membership.languages
    return fits and (not membership.skills or not source_type or source_type in membership.skills)


def sorts(project: Project, items: Sequence[int]) -> dict[int, Sort]:
    """item -> its language and source type; one query."""
    rows = Item.objects.filter(project=project, pk__in=items)
    found = rows.values_list("pk", "document__language", "document__source_type")
    return {pk: (language_of(language), source_type) for pk, language, source_type in found}


@transaction.atomic
def restrict(
    *, membership: Membership, languages: str | Iterable[str], skills: str | Iterable[str], by: User | None = None
) -> None:
    """Say what the person labels; what they hold or are assigned stays. Raises ValueError."""
    old = {"languages": membership.languages, "skills": membership.skills}
    new = {"languages": names(languages, languages=True), "skills": names(skills, languages=False)}
    if changed := {name: [old[name], new[name]] for name in old if old[name] != new[name]}:
        about = membership.user_id
        recording.record(project=membership.project_id, kind="role_changed", by=by, about=about, changed=changed)
    membership.languages, membership.skills = new["languages"], new["skills"]
    membership.save(update_fields=["languages", "skills"])
    project = Project.objects.select_for_update(no_key=True).get(pk=membership.project_id)
    if membership.is_restricted and not project.pooled:
        project.pooled = True
        project.save(update_fields=["pooled"])
        sort(project)


def sort(project: Project, items: Sequence[int] | None = None) -> int:
    """Put the slots that are in no pool yet into theirs, of all items or of some; returns how many those were.

    Nothing where nobody in the project is restricted: then no pool is needed.
    """
    if not project.pooled:
        return 0
    here = Assignment.objects.filter(project=project, pool=None, state__in=Assignment.WAITING)
    here = here if items is None else here.filter(item__in=items)
    kinds = set(here.order_by().values_list("item__document__language", "item__document__source_type").distinct())
    count = 0
    for language, source_type in sorted(kinds):
        pool, _new = Pool.objects.get_or_create(
            project=project, language=language_of(language), source_type=source_type
        )
        inside = Item.objects.filter(project=project, document__language=language, document__source_type=source_type)
        inside = inside if items is None else inside.filter(pk__in=items)
        count += here.filter(item__in=inside.values("pk")).update(pool=pool)
    return count


def pools_of(membership: Membership) -> list[int]:
    """The pools that a person draws from; one query."""
    rows = Pool.objects.filter(project=membership.project_id).values_list("pk", "language", "source_type")
    return [pk for pk, language, source_type in rows if takes(membership, (language, source_type))]


def reach(project: Project) -> dict[str, Any]:
    """How many people there are for each language and source type, and the items that nobody can label.

    rows: [{language, source_type, items, waiting, people}], the largest first; unreachable: items that wait, in rows
    without people. Two queries.
    """
    waiting = Assignment.objects.filter(project=project, state__in=Assignment.WAITING).order_by().values("item")
    rows = (
        Item.objects.filter(project=project)
        .order_by()
        .values("document__language", "document__source_type")
        .annotate(items=Count("pk"), waiting=Count("pk", filter=Q(pk__in=waiting)))
    )
    people = [row for row in project.memberships.all() if row.can_label]
    found: dict[Sort, dict[str, Any]] = {}
    for row in rows:
        sort_ = language_of(row["document__language"]), row["document__source_type"]
        entry = found.setdefault(
            sort_,
            {
                "language": sort_[0],
                "source_type": sort_[1],
                "items": 0,
                "waiting": 0,
                "people": sum(takes(person, sort_) for person in people),
            },
        )
        entry["items"] += row["items"]
        entry["waiting"] += row["waiting"]
    listed = sorted(found.values(), key=lambda entry: (-entry["items"], entry["language"], entry["source_type"]))
    return {"rows": listed, "unreachable": sum(entry["waiting"] for entry in listed if not entry["people"])}

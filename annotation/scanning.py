"""Searches of a project's texts, for duplicates or private data, are asked for here and done by a worker."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from annotation import finding_duplicates, jobs, screening
from annotation.jobs import LIVE, Grip, State
from annotation.models import Membership, Project, Scan, User

WORKS: dict[str, Callable[[Scan, Grip], dict[str, Any]]] = {
    Scan.What.DUPLICATES: finding_duplicates.work,
    Scan.What.PRIVATE: screening.work,
}
# Other projects that are compared with at once.
MOST = 20


def ask(
    *, project: Project, what: str, across: Iterable[str] = (), user: User | None = None, wake: bool = True
) -> Scan:
    """Have a worker search; the one that is waiting or under way already where there is one.

    across: slugs of other projects to compare with, all of which the person manages (a command in nobody's name may name
    any). Raises ValueError for others. wake=False leaves the work to the caller.
    """
    others = _others(project, across, user)
    try:
        with transaction.atomic():
            row = Scan.objects.create(
                project=project, what=what, across=others, created_by=user, language=get_language() or ""
            )
    except IntegrityError:
        row_ = Scan.objects.filter(project=project, what=what, state__in=LIVE).first()
        if row_ is None:
            raise
        if others and row_.across != others:
            raise ValueError(_("A search of this project is under way. Wait until it is done.")) from None
        return row_
    if wake:
        jobs.enqueue(row)
    return row


def at_once(*, project: Project, what: str, across: Iterable[str] = (), user: User | None = None) -> Scan:
    """Search here and now, without the queue (for commands); returns the row as it ended."""
    row = ask(project=project, what=what, across=across, user=user, wake=False)
    jobs.run(Scan, row.pk, work)
    row.refresh_from_db()
    if row.state != State.DONE:
        raise ValueError(row.message or _("A search of this project is under way. Wait until it is done."))
    return row


def work(row: Scan, grip: Grip) -> dict[str, Any]:
    """Do the search that the row asks for."""
    return WORKS[row.what](row, grip)


def last(project: Project, what: str) -> Scan | None:
    """The newest search that was asked for."""
    return Scan.objects.filter(project=project, what=what).first()


def _others(project: Project, across: Iterable[str], user: User | None) -> list[int]:
    slugs = {slug.strip() for slug in across if slug.strip()} - {project.slug}
    if len(slugs) > MOST:
        raise ValueError(_("At most %(most)d other projects at once.") % {"most": MOST})
    rows = Project.objects.filter(slug__in=slugs)
    if user is not None:
        rows = rows.with_role(user, Membership.Role.MANAGER)
    found = dict(rows.values_list("slug", "pk"))
    if strange := slugs - set(found):
        sentence = _("You manage no project with the address “%(slug)s”.")
        raise ValueError(sentence % {"slug": sorted(strange)[0]})
    return sorted(found.values())

"""Reads: what waits for one person in a project beside the items to label and the cases, each with the page it leads to."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotation import calibrating, clusters, discussing, hits, reviewing
from annotation.models import Alarm, Membership, Project, Review, ReviewRemark, Thread


@dataclass(frozen=True)
class Awaited:
    """One thing: a sentence with its number, and a page's name with the number of its object, or its query."""

    sentence: str
    page: str
    pk: int | None = None
    query: str = ""


Found = Iterator[tuple[int, Awaited]]


def awaited(membership: Membership) -> list[Awaited]:
    """All of it, what others wait for first; a fixed number of queries for each role, at most twelve."""
    parts = (_questions, _reviews, _reviewed, _discussions, _rounds, _answers, _alarms, _duplicates, _private)
    return [row for part in parts for _project, row in part([membership])]


def counts(memberships: Sequence[Membership]) -> Counter[int]:
    """project -> how many things wait there for the person whose memberships these are; at most ten queries."""
    parts = (_questions, _reviews, _verdicts, _discussions, _rounds, _answers, _alarms, _duplicates, _private)
    return Counter(project for part in parts for project, _row in part(memberships)) if memberships else Counter()


def _per_project(rows: QuerySet[Any]) -> Iterator[tuple[int, int]]:
    """(project, rows) of each project that has any; one query."""
    return iter(rows.order_by().values_list("project").annotate(Count("pk", distinct=True)))


def _questions(memberships: Sequence[Membership]) -> Found:
    """What those who label have asked, for those who answer."""
    projects = [row.project_id for row in memberships if row.can_adjudicate]
    if not projects:
        return
    rows = Thread.objects.filter(project__in=projects).visible_to(memberships[0].user).waiting()
    for project, count in _per_project(rows):
        words = ngettext(
            "%(count)d question from labelling waits for an answer",
            "%(count)d questions from labelling wait for an answer",
            count,
        )
        yield project, Awaited(words % {"count": count}, "annotation:inbox")


def _reviews(memberships: Sequence[Membership]) -> Found:
    """A review of the draft that somebody else asked for, until this person has said what they think of it."""
    projects = [row.project_id for row in memberships if row.can_adjudicate]
    if not projects:
        return
    me = memberships[0].user_id
    said = ReviewRemark.objects.filter(author=me).exclude(verdict=ReviewRemark.Verdict.COMMENT)
    rows = Review.objects.filter(Q(reviewer=None) | Q(reviewer=me), project__in=projects, closed_at=None)
    rows = rows.exclude(asked_by=me).exclude(Exists(said.filter(review=OuterRef("pk"))))
    for project in rows.values_list("project", flat=True):
        words = _("The draft of the guideline waits for your review")
        yield project, Awaited(words, "annotation:guideline_review")


def _verdicts(memberships: Sequence[Membership]) -> Found:
    """Drafts that somebody has approved of or wants changed, for managers, who publish or write on."""
    projects = [row.project_id for row in memberships if row.is_manager]
    if not projects:
        return
    given = ReviewRemark.objects.filter(review__project__in=projects, review__closed_at=None)
    given = given.exclude(verdict=ReviewRemark.Verdict.COMMENT).exclude(author=memberships[0].user_id)
    for project in given.order_by().values_list("review__project", flat=True).distinct():
        yield project, Awaited("", "annotation:guideline_review")


def _reviewed(memberships: Sequence[Membership]) -> Found:
    """The same in words, which takes reading the draft: whether the approval is of what is there now."""
    for project, row in _verdicts(memberships):
        standing = reviewing.standing(Project(pk=project))
        if standing is None:
            continue
        if standing.changes:
            words = _("The reviewer of the draft asks for changes")
        elif standing.approved:
            words = _("The draft of the guideline is approved and can be published")
        else:
            words = _("The draft was edited after its review, so the approval is of an earlier state")
        yield project, replace(row, sentence=words)


def _discussions(memberships: Sequence[Membership]) -> Found:
    """Cases whose discussion says something new."""
    known = {row.project_id: row for row in memberships if row.can_calibrate}
    if not known:
        return
    unread: dict[int, list[int]] = defaultdict(list)
    rows = discussing.unread(*known.values()).order_by("-pk")
    for project, case in rows.values_list("project", "pk")[:1000]:
        unread[project].append(case)
    for project, cases in unread.items():
        words = ngettext(
            "Something new was said in %(count)d discussion",
            "Something new was said in %(count)d discussions",
            len(cases),
        ) % {"count": len(cases)}
        decides = known[project].can_adjudicate
        if len(cases) == 1:
            yield project, Awaited(words, "annotation:case" if decides else "annotation:discussion", cases[0])
        elif decides:
            yield project, Awaited(words, "annotation:adjudicate", query="?state=discussed")
        else:
            yield project, Awaited(words, "annotation:discussions")


def _rounds(memberships: Sequence[Membership]) -> Found:
    """Calibration rounds whose discussion has opened, or says something new."""
    known = [row for row in memberships if row.can_calibrate]
    if not known:
        return
    rows = calibrating.unread(*known).order_by("number")
    for project, number, pk in rows.values_list("batch__project", "number", "pk")[:1000]:
        words = _("The discussion of calibration round %(number)d is open, with something you have not read")
        yield project, Awaited(words % {"number": number}, "annotation:round", pk)


def _answers(memberships: Sequence[Membership]) -> Found:
    """Answers to this person's own questions."""
    projects = [row.project_id for row in memberships if row.can_label]
    if not projects:
        return
    for project, count in _per_project(Thread.objects.filter(project__in=projects).unseen(memberships[0].user)):
        words = ngettext("%(count)d new answer to what you asked", "%(count)d new answers to what you asked", count)
        yield project, Awaited(words % {"count": count}, "annotation:work")


def _alarms(memberships: Sequence[Membership]) -> Found:
    """Alarms that no manager has looked at."""
    projects = [row.project_id for row in memberships if row.is_manager]
    if not projects:
        return
    for project, count in _per_project(Alarm.objects.filter(project__in=projects, dismissed_at=None)):
        words = ngettext(
            "%(count)d alarm about somebody's work waits for a look",
            "%(count)d alarms about people's work wait for a look",
            count,
        )
        yield project, Awaited(words % {"count": count}, "annotation:alarms")


def _duplicates(memberships: Sequence[Membership]) -> Found:
    """Clusters of duplicates that nobody has decided about."""
    projects = [row.project_id for row in memberships if row.is_manager]
    if not projects:
        return
    for project, count in _per_project(clusters.waiting(projects)):
        words = ngettext(
            "%(count)d cluster of duplicates waits for a decision",
            "%(count)d clusters of duplicates wait for a decision",
            count,
        )
        yield project, Awaited(words % {"count": count}, "annotation:duplicates")


def _private(memberships: Sequence[Membership]) -> Found:
    """Private data in texts that nobody has decided about; no version is frozen before."""
    projects = [row.project_id for row in memberships if row.is_manager]
    if not projects:
        return
    for project, count in _per_project(hits.waiting(projects)):
        words = ngettext(
            "%(count)d place with private data waits for a look",
            "%(count)d places with private data wait for a look",
            count,
        )
        yield project, Awaited(words % {"count": count}, "annotation:private_data", query="?state=open")

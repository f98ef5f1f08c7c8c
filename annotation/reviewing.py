"""A draft of the guideline goes through other eyes: ask for a review, comment, approve or ask for changes, withdraw."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import guiding, recording
from annotation.models import Guideline, Membership, Project, Review, ReviewRemark, User
from annotation.text.normal import clean

WORDS = 5000
REVIEWERS = (Membership.Role.MANAGER, Membership.Role.ADJUDICATOR)
Verdict = ReviewRemark.Verdict


@dataclass(frozen=True)
class Standing:
    """An open review: what was said, of which state of the draft, and what follows from it."""

    review: Review
    # (remark, whether the draft is still as it was then), in order
    remarks: list[tuple[ReviewRemark, bool]]

    @property
    def verdicts(self) -> list[tuple[ReviewRemark, bool]]:
        """The last approval or wish for changes of each person."""
        last = {remark.author_id: (remark, same) for remark, same in self.remarks if remark.verdict != Verdict.COMMENT}
        return list(last.values())

    @property
    def approved(self) -> bool:
        """Whether somebody approves of the draft as it is now, and nobody wants it changed."""
        said = {(remark.verdict, same) for remark, same in self.verdicts}
        return (Verdict.APPROVE, True) in said and not self.changes

    @property
    def changes(self) -> bool:
        """Whether somebody's last word is that it must change."""
        return any(remark.verdict == Verdict.CHANGE for remark, _same in self.verdicts)


def digest(project: Project) -> str:
    """Names the state of the draft: its words, its schema and its examples."""
    draft = Guideline.objects.filter(project=project).first()
    examples = [
        [row.item_id, row.question, row.value, row.words, row.why, row.counter] for row in guiding.drafted(project)
    ]
    told = [draft.text, draft.schema, examples] if draft else []
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def reviewers(project: Project, *, without: Any = None) -> list[User]:
    """Who may review a draft of the project."""
    rows = Membership.objects.filter(project=project, role__in=REVIEWERS, user__is_active=True)
    return [row.user for row in rows.exclude(user=without).select_related("user").order_by("user__username")]


@transaction.atomic
def ask(*, project: Project, user: User, reviewer: User | None = None, note: str = "") -> Review:
    """Ask one reviewer, or without one any manager or adjudicator, to look at the draft; raises ValueError."""
    draft = Guideline.objects.select_for_update().filter(project=project).first()
    if draft is None or not draft.schema.get("questions"):
        raise ValueError(_("There is no draft yet: write the guideline and its labels first."))
    if reviewer is not None and reviewer.pk not in {one.pk for one in reviewers(project, without=user)}:
        raise ValueError(_("A review is done by another manager or adjudicator of the project."))
    if not reviewers(project, without=user):
        raise ValueError(_("Nobody else could review it: invite another manager or an adjudicator first."))
    try:
        with transaction.atomic():
            review = Review.objects.create(project=project, asked_by=user, reviewer=reviewer, note=_words(note))
    except IntegrityError:
        raise ValueError(_("A review of this draft is under way already. Withdraw it to ask anew.")) from None
    recording.record(project=project, kind="review_asked", by=user, about=reviewer)
    return review


@transaction.atomic
def remark(*, review: Review, author: User, verdict: str, text: str = "") -> ReviewRemark:
    """Comment, approve or ask for changes; raises ValueError. Whoever asked, or wrote the draft last, only comments."""
    if verdict not in Verdict.values:
        raise ValueError(_("verdict must be comment, approve or change."))
    if not Review.objects.select_for_update(no_key=True).filter(pk=review.pk, closed_at=None).exists():
        raise ValueError(_("This review is over: the draft was published, or the review withdrawn."))
    text = _words(text)
    if verdict != Verdict.APPROVE and not text:
        raise ValueError(_("Say what you mean in a sentence."))
    if verdict != Verdict.COMMENT and author.pk == review.asked_by_id:
        raise ValueError(_("You have asked for this review, so somebody else decides about it."))
    draft = Guideline.objects.filter(project=review.project_id).first()
    if verdict != Verdict.COMMENT and draft is not None and author.pk == draft.edited_by_id:
        raise ValueError(_("You wrote the draft last, so somebody else decides about it."))
    if verdict != Verdict.COMMENT and review.reviewer_id not in (None, author.pk):
        raise ValueError(_("%(who)s was asked to review this; you can comment.") % {"who": review.reviewer})
    if verdict != Verdict.COMMENT:
        kind = "review_approved" if verdict == Verdict.APPROVE else "review_changes"
        recording.record(project=review.project_id, kind=kind, by=author, about=review.asked_by_id)
    return ReviewRemark.objects.create(
        review=review, author=author, verdict=verdict, text=text, digest=digest(review.project)
    )


def _words(text: str) -> str:
    text = clean(text).text.strip()
    if len(text) > WORDS:
        raise ValueError(_("This takes at most %(most)d characters.") % {"most": WORDS})
    return text


def close(*, project: Project) -> int:
    """Withdraw the open review, or end it because its draft is published; what was said stays. Returns how many."""
    return Review.objects.filter(project=project, closed_at=None).update(closed_at=timezone.now())


def standing(project: Project) -> Standing | None:
    """The open review with what was said; None without one."""
    review = Review.objects.filter(project=project, closed_at=None).select_related("asked_by", "reviewer").first()
    if review is None:
        return None
    now = digest(project)
    rows = review.remarks.select_related("author")
    return Standing(review, [(row, row.digest == now) for row in rows])


def told(project: Project) -> list[dict[str, Any]]:
    """What a version records of its review: each person's last verdict, and whether the draft was still the same."""
    found = standing(project)
    return [
        {
            "user": row.author_id,
            "name": str(row.author),
            "verdict": row.verdict,
            "at": row.at.isoformat(),
            "same": same,
        }
        for row, same in (found.verdicts if found else [])
    ]

"""Draft, submit, skip, flag, correct: one request, one transaction, repeats are harmless."""

import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation import assigning, referring, schema, settling, suggesting, telling
from annotation.kinds import About
from annotation.models import (
    Annotation,
    Assignment,
    Case,
    Gold,
    GuidelineExample,
    GuidelineVersion,
    Item,
    Membership,
    Project,
    Revision,
    Round,
    Thread,
)
from annotation.text.normal import clean

SKIP_REASONS = {
    "unclear": gettext_lazy("the guideline does not tell"),
    "context": gettext_lazy("needs more context"),
    "off_topic": gettext_lazy("not about this subject"),
    "bad_text": gettext_lazy("broken or empty text"),
    "language": gettext_lazy("a language I do not read"),
    "other": gettext_lazy("other (say it in the comment)"),
}
# Why no label can be given to an item that was read and understood as far as it goes.
UNDECIDED_REASONS = {
    "guideline": gettext_lazy("a gap in the guideline"),
    "context": gettext_lazy("needs more context"),
    "not_finance": gettext_lazy("not about finance"),
    "duplicate": gettext_lazy("a duplicate of another item"),
    "bad_text": gettext_lazy("broken or empty text"),
}
# What stands in place of an answer, and its reasons.
WITHOUT_ANSWER = {"skipped": SKIP_REASONS, "undecided": UNDECIDED_REASONS}
COMMENT = 5000
# Nobody reads one item for longer than this in one go; the browser leaves idle time out, this bounds a broken clock.
SECONDS = 4 * 3600.0


class Conflict(Exception):
    """The answer cannot be taken as it stands; `kept` is what the server holds, `reload` asks for a fresh page."""

    def __init__(self, message: str, *, kept: Annotation | None = None, reload: bool = False) -> None:
        super().__init__(message)
        self.kept = kept
        self.reload = reload
        # (item, guideline version, values) of an answer to be kept as a draft once the transaction is undone.
        self.draft: tuple[int, GuidelineVersion, dict[str, Any]] | None = None


class Untold(Conflict):
    """The person has not been told what the version of this number changed."""

    def __init__(self, number: int) -> None:
        sentence = _("You have not read yet what version %(number)d of the guideline changed. Read that first, then send your answer again.")  # fmt: skip
        super().__init__(sentence % {"number": number}, reload=True)
        self.number = number


def told(annotation: Annotation) -> dict[str, Any]:
    """What was said, as pages and programs show it to the person who said it."""
    names = ("answer", "status", "comment", "flagged", "skip_reason", "confidence")
    return {name: getattr(annotation, name) for name in names}


@dataclass(frozen=True)
class Sent:
    """What the browser sent, checked for form but not yet against the database."""

    client_id: uuid.UUID
    assignment: int
    token: uuid.UUID | None
    version: int
    status: str
    answer: dict[str, Any] = field(default_factory=dict)
    skip_reason: str = ""
    confidence: int | None = None
    flagged: bool = False
    comment: str = ""
    seconds: float | None = None


def read(data: Any) -> Sent:
    """The request's JSON as a Sent; raises ValueError with a sentence naming the field."""
    if not isinstance(data, dict):
        raise ValueError(_("An answer is sent as a JSON object."))
    status = data.get("status", "submitted")
    if not isinstance(status, str) or status not in {"submitted", *WITHOUT_ANSWER}:
        raise ValueError(_("status must be “submitted”, “skipped” or “undecided”."))
    reason, reasons = str(data.get("skip_reason") or ""), WITHOUT_ANSWER.get(status)
    if reasons and reason not in reasons:
        sentence = (
            _("Choose a reason for the skip: %(reasons)s.")
            if status == "skipped"
            else _("Choose why it cannot be decided: %(reasons)s.")
        )
        raise ValueError(sentence % {"reasons": ", ".join(reasons)})
    comment = data.get("comment") or ""
    if not isinstance(comment, str) or len(comment) > COMMENT:
        raise ValueError(_("A comment is a text of at most %(most)d characters.") % {"most": COMMENT})
    answer = data.get("answer") or {}
    if not isinstance(answer, dict):
        raise ValueError(_("answer must be an object of question names and values."))
    return Sent(
        client_id=identifier(data.get("client_id"), "client_id"),
        assignment=whole(data.get("assignment"), "assignment"),
        token=identifier(data["token"], "token") if data.get("token") else None,
        version=whole(data.get("version"), "version"),
        status=status,
        answer=answer,
        skip_reason=reason if reasons else "",
        confidence=None if reasons else _level(data.get("confidence")),
        flagged=data.get("flagged") is True,
        # A browser may cut an emoji in half; no database takes the half.
        comment=clean(comment).text,
        seconds=_seconds(data.get("seconds")),
    )


def identifier(value: Any, name: str) -> uuid.UUID:
    """A UUID that a client has sent; raises ValueError naming the field."""
    try:
        return uuid.UUID(str(value))
    except ValueError:
        raise ValueError(_("%(field)s must be a UUID.") % {"field": name}) from None


def whole(value: Any, name: str) -> int:
    """The number of a row that a client has sent; raises ValueError naming the field."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise ValueError(_("%(field)s must be a number of this site.") % {"field": name})
    return int(value)


def _level(value: Any) -> int | None:
    """How sure the person is; raises ValueError where it is no level."""
    if value in (None, ""):
        return None
    if isinstance(value, bool) or value not in Annotation.Confidence.values:
        raise ValueError(_("confidence must be 1 (unsure), 2 (fairly sure) or 3 (sure)."))
    return int(value)


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        return None
    return round(float(min(value, SECONDS)), 1)


def submit(*, membership: Membership, sent: Sent, more: bool = True) -> tuple[Annotation, Assignment | None]:
    """Store an answer or a skip and, with `more`, lease the next item.

    Raises ValueError (the answer breaks the schema) or Conflict (another answer is there; the lease went to someone
    else; the guideline has a newer version, or one of which the person has not been told what changed). A repeat of the
    same client id changes nothing and returns the same.
    """
    try:
        with transaction.atomic():
            return _submit(Membership.objects.locked(membership), sent, more)
    except Conflict as conflict:
        if conflict.draft:
            conflict.kept = _keep_draft(membership, *conflict.draft)
        raise
    except IntegrityError:
        if Revision.objects.filter(client_id=sent.client_id).exists():
            raise _id_in_use() from None
        raise


def _submit(membership: Membership, sent: Sent, more: bool) -> tuple[Annotation, Assignment | None]:
    version = membership.project.version
    if version and version.pk == sent.version and not telling.is_told(membership):
        raise _kept(Untold(version.number), membership, sent, version)
    if sent.token and version and version.pk == sent.version:
        answer = _clean(membership, sent, version)
        closed = assigning.close(membership, sent.assignment, sent.token, _slot_state(sent), version.pk)
        if closed:
            item, place, again, batch = closed
            # Who revises an answer that was sent back knows that something was wrong with it.
            revised = referring.is_of_a_case(batch)
            told = revised or _was_told(membership, item, batch)
            annotation = _write(
                membership, sent, answer, version, item,
                independent=False if told else None, corrects=revised, again=again,
            )  # fmt: skip
            if again and more:  # it stands in no order of the others
                place = assigning.last_place(membership)
            return annotation, assigning.claim(membership, after=place) if more else None
    repeat = _repeat(membership, sent)
    annotation = repeat or _not_leased(membership, sent)
    return annotation, _refill(membership, again=repeat is not None) if more else None


def _clean(membership: Membership, sent: Sent, version: GuidelineVersion) -> dict[str, Any]:
    if sent.status == Annotation.Status.UNDECIDED and not membership.project.undecided:
        raise ValueError(_("This project does not take “cannot decide”: answer the item or skip it."))
    if sent.status != "submitted":
        return {}
    return schema.clean(sent.answer, version.schema, about=_about(membership, sent.assignment, sent.answer, version))


def _about(membership: Membership, assignment: int, answer: Any, version: GuidelineVersion) -> About | None:
    """The item of a slot that this person has or had, read only where something in the answer is about its words."""
    if not schema.needs_item(answer, version.schema):
        return None
    mine = Q(annotator=membership.user_id) | Q(held_before=membership.user_id)
    slots = Assignment.every.filter(mine, pk=assignment, project=membership.project_id)
    item = Item.objects.filter(pk__in=slots.values("item")).select_related("document").first()
    return item.about if item else None


def _confidence(membership: Membership, sent: Sent) -> int | None:
    """As it is stored: nothing where the project does not ask (any more)."""
    return sent.confidence if membership.project.confidence != Project.Confidence.NONE else None


def _slot_state(sent: Sent) -> str:
    """Without an answer a slot is skipped, whether the person skipped the item or could not decide."""
    return Assignment.State.DONE if sent.status == "submitted" else Assignment.State.SKIPPED


def _refill(membership: Membership, *, again: bool) -> Assignment | None:
    """The next item after a repeat, a correction or a late answer, none of which has freed a place in the person's hand.

    A repeat means that the first response was lost, and the item in it with it: the newest in hand is given again.
    """
    held = assigning.in_hand(membership)
    if len(held) < assigning.IN_HAND:
        places = [(slot.priority, slot.key) for slot in held if slot.again == Assignment.COUNTS]
        return assigning.claim(membership, after=max(places, default=assigning.START))
    return held[-1] if again else None


def _repeat(membership: Membership, sent: Sent) -> Annotation | None:
    """The annotation that this client id has made already."""
    found = Revision.objects.filter(client_id=sent.client_id).select_related("annotation").first()
    if found is None:
        return None
    mine = found.annotation
    if mine.annotator_id != membership.user_id or mine.project_id != membership.project_id:
        raise _id_in_use()
    return mine


def _id_in_use() -> Conflict:
    return Conflict(_("This answer's id is in use. Reload the page."), reload=True)


def _current_version(membership: Membership, sent: Sent) -> GuidelineVersion:
    """The version in force, read anew: it may have been published since the request began."""
    project = Project.objects.select_related("version").get(pk=membership.project_id)
    version = project.version
    if version is None:
        raise Conflict(_("This project has no published guideline yet."), reload=True)
    if version.pk == sent.version:
        return version
    sentence = _(
        "The guideline has a new version (%(number)d). Your answer is kept; read what changed, then send it again."
    )
    raise _kept(Conflict(sentence % {"number": version.number}, reload=True), membership, sent, version)


def _kept(conflict: Conflict, membership: Membership, sent: Sent, version: GuidelineVersion) -> Conflict:
    """The conflict with the answer, to be kept as a draft of what this person holds."""
    slot = Assignment.every.filter(pk=sent.assignment, project=membership.project_id).first()
    if slot and (slot.annotator_id, slot.state) == (membership.user_id, Assignment.State.LEASED):
        with suppress(ValueError):  # what the new schema does not know stays in the browser alone
            about = _about(membership, sent.assignment, sent.answer, version)
            answer = schema.clean(sent.answer, version.schema, about=about, partial=True)
            conflict.draft = slot.item_id, version, {"answer": answer, "comment": sent.comment, "again": slot.again}
    return conflict


def _not_leased(membership: Membership, sent: Sent) -> Annotation:
    """A correction of one's own answer, or an answer whose lease has run out."""
    version = _current_version(membership, sent)
    answer = _clean(membership, sent, version)
    slot = Assignment.every.filter(pk=sent.assignment, project=membership.project_id).first()
    if slot is None or slot.again == Assignment.WITHDRAWN:
        raise Conflict(_("No answer is asked for here any more: the item or its place was removed."))
    settling.hold([slot.item_id])
    mine = Assignment.every.filter(item=slot.item_id, annotator=membership.user_id, again=slot.again).first()
    if mine and mine.state == Assignment.State.ASIDE:
        raise Conflict(_("A manager has set this answer aside; it cannot be changed."))
    if mine and mine.state in Assignment.ANSWERED:
        return _second_answer(membership, sent, answer, version, mine)
    return _late(membership, sent, answer, version, slot)


def _second_answer(
    membership: Membership, sent: Sent, answer: dict[str, Any], version: GuidelineVersion, slot: Assignment
) -> Annotation:
    """Without a token it is a correction; with one it is a second tab that answered the same lease."""
    said = Annotation.every.current().filter(item=slot.item_id, annotator=membership.user_id, again=slot.again)
    mine = said.first()
    # What a manager has set aside of the answer is not given back by answering once more.
    withheld = mine.withheld if mine else {}
    answer = {name: value for name, value in answer.items() if name not in withheld}
    if sent.token is not None:
        given = {
            "answer": answer,
            "status": sent.status,
            "comment": sent.comment,
            "flagged": sent.flagged,
            "skip_reason": sent.skip_reason,
            "confidence": _confidence(membership, sent),
        }
        if mine and told(mine) == given:
            return mine
        raise Conflict(
            _(
                "You have answered this item already, in another window. The first answer stands; press B to correct it."
            ),
            kept=mine,
        )
    # What others asked about a settled item is open to those who answered it: looked up while that is still so.
    # So is the answer of an item that the guideline shows as an example.
    asked = Thread.objects.visible_to(membership.user).filter(item=slot.item_id).exclude(asker=membership.user_id)
    shown = GuidelineExample.objects.filter(item=slot.item_id, published=True)
    # And what was said of it where its case is discussed.
    discussed = Case.objects.filter(item=slot.item_id, discussed_at__isnull=False)
    has_read = asked.exists() or shown.exists() or discussed.exists()
    slot.state = _slot_state(sent)
    slot.save(update_fields=["state"])
    if mine and mine.guideline_version_id != version.pk:
        Annotation.objects.filter(pk=mine.pk).update(superseded_at=timezone.now())
    # Whoever adjudicates can read the others' answers once their own is given: a change is no independent answer then.
    others = Annotation.objects.submitted().filter(item=slot.item_id).exclude(annotator=membership.user_id)
    has_seen = has_read or (membership.can_adjudicate and others.exists()) or _was_discussed(slot)
    independent = not has_seen and (mine is None or mine.independent)
    return _write(
        membership,
        sent,
        answer,
        version,
        slot.item_id,
        independent=independent,
        corrects=mine is not None,
        again=slot.again,
        withheld=withheld,
    )


def _was_discussed(slot: Assignment) -> bool:
    """Whether the discussion of a calibration round has shown this person the others' answers; asks only of a batch."""
    return slot.batch_id is not None and Round.objects.filter(batch=slot.batch_id, opened_at__isnull=False).exists()


def _late(
    membership: Membership, sent: Sent, answer: dict[str, Any], version: GuidelineVersion, slot: Assignment
) -> Annotation:
    """The lease ran out: take one's newer lease of the item or a free slot of it, else keep the answer as a draft.

    Only from the person who had the slot last or before the one who has it now: nobody chooses what to label.
    """
    item = slot.item_id
    had_it = membership.user_id in (slot.annotator_id, slot.held_before_id)
    slots = Assignment.every.filter(item=item, again=slot.again) if had_it else Assignment.every.none()
    if slot.again != Assignment.COUNTS:  # nobody else can have it
        slots = slots.filter(annotator=membership.user_id)
    idle = Q(state=Assignment.State.OPEN) | Q(state=Assignment.State.LEASED, lease_until__lt=timezone.now(), batch=None)
    mine = Q(state__in=Assignment.GIVEN, annotator=membership.user_id)
    # One's own slot comes first, because nobody may stand on two slots of an item.
    wanted = slots.filter(mine).first() or slots.filter(idle).order_by("slot").first()
    changes = {
        "state": _slot_state(sent),
        "held_before": F("annotator"),
        "annotator": membership.user_id,
        "token": None,
        "lease_until": None,
    }
    if wanted and slots.filter(mine | idle, pk=wanted.pk).update(**changes):
        revised = referring.is_of_a_case(wanted.batch_id)
        told = revised or _was_told(membership, item, wanted.batch_id)
        return _write(
            membership, sent, answer, version, item,
            independent=False if told else None, corrects=revised, again=slot.again,
        )  # fmt: skip
    if not had_it:
        raise Conflict(_("This item is not in your hands. Reload the page; you are given the next one."), reload=True)
    conflict = Conflict(
        _("Your time for this item had run out and it was given to someone else. Your answer is kept as a draft.")
    )
    conflict.draft = item, version, {"answer": answer, "comment": sent.comment, "again": slot.again}
    raise conflict


def _keep_draft(membership: Membership, item: int, version: GuidelineVersion, values: dict[str, Any]) -> Annotation:
    """A draft beside what is there; a submitted answer is never replaced by one."""
    again = values.pop("again", Assignment.COUNTS)
    kept, new = Annotation.every.get_or_create(
        item_id=item,
        annotator_id=membership.user_id,
        guideline_version=version,
        again=again,
        defaults={**values, "project_id": membership.project_id},
    )
    if not new:
        Annotation.every.filter(pk=kept.pk, status=Annotation.Status.DRAFT).update(**values, updated_at=timezone.now())
    return kept


def _write(
    membership: Membership,
    sent: Sent,
    answer: dict[str, Any],
    version: GuidelineVersion,
    item: int,
    *,
    independent: bool | None = None,
    corrects: bool = False,
    again: int = Assignment.COUNTS,
    withheld: dict[str, Any] | None = None,
) -> Annotation:
    """The annotation as it now stands, one line of history, and what the item's settling follows from it.

    An answer to an item that came back settles nothing.
    """
    seen = {} if again else suggesting.of_answer(membership=membership, item=item, answer=answer, version=version)
    given: dict[str, Any] = {
        "status": sent.status,
        "answer": answer,
        "skip_reason": sent.skip_reason,
        "confidence": _confidence(membership, sent),
        "flagged": sent.flagged,
        "comment": sent.comment,
        "seconds": sent.seconds,
        "suggested": seen,
    }
    now = timezone.now()
    if independent is None:  # a first answer
        independent = not _has_read(membership, item)
    annotation = Annotation(
        project_id=membership.project_id,
        item_id=item,
        annotator_id=membership.user_id,
        guideline_version=version,
        updated_at=now,
        independent=independent,
        again=again,
        withheld=withheld or {},
        **given,
    )
    stored: list[Annotation] = Annotation.objects.bulk_create(
        [annotation],
        update_conflicts=True,
        unique_fields=["item", "annotator", "guideline_version", "again"],
        update_fields=[*given, "independent", "mapped", "updated_at", "superseded_at"],
    )
    [annotation] = stored
    Revision.objects.create(
        annotation=annotation,
        project_id=membership.project_id,
        person_id=membership.user_id,
        corrects=corrects,
        client_id=sent.client_id,
        at=now,
        **given,
    )
    if not again:
        settling.settle(project=membership.project, version=version, items=[item])
    return annotation


def _has_read(membership: Membership, item: int) -> bool:
    """Whether this person may have read the others' answers, a case or gold of the item before answering it.

    Who has only ever been annotator has not, and costs no query. The others are blind while they are asked, but not
    before: where more answers are wanted of a complete item, or where they did not label then.
    """
    if not membership.can_see_boards and membership.read_until is None:
        return False
    # What was set aside by a new version of the guideline could be read before it was asked again.
    given = Annotation.objects.filter(item=item, status=Annotation.Status.SUBMITTED)
    others = given.exclude(annotator=membership.user_id)
    if membership.can_see_boards and given.filter(annotator=membership.user_id).exists() and others.exists():
        return True
    # Gold that was replaced and cases that are closed could be read while they stood.
    gold, cases = Gold.objects.filter(item=item), Case.objects.filter(item=item)
    if not others.exists():  # gold of one's own answer alone tells nothing of the others
        gold = gold.exclude(method__in=Gold.BY_ANSWERS)
    until = membership.read_until
    if not membership.can_see_boards:
        gold, cases = gold.filter(settled_at__lt=until), cases.filter(opened_at__lt=until)
    if gold.exists() or cases.exists():
        return True
    asked = Thread.objects.filter(item=item).exclude(asker=membership.user_id)
    return until is not None and (
        others.filter(created_at__lt=until).exists() or asked.filter(opened_at__lt=until).exists()
    )


def _was_told(membership: Membership, item: int, batch: int | None) -> bool:
    """Whether this person, who is asked once more, has read others' answers where their earlier one was talked over.

    Only a later guideline or a batch asks once more: elsewhere it costs no query.
    """
    version = membership.project.version
    if batch is None and (version is None or version.number == 1):
        return False
    discussed = Case.objects.filter(item=item, discussed_at__isnull=False)
    # What others asked is open to those who have answered, once the item is settled.
    asked = Exists(Thread.objects.filter(item=item).exclude(asker=membership.user_id))
    settled = Exists(Gold.objects.filter(item=item))
    mine = Annotation.objects.filter(item=item, annotator=membership.user_id).exclude(status=Annotation.Status.DRAFT)
    found = mine.values_list(Exists(discussed), asked, settled).first()
    if found is None:
        return False
    was_discussed, was_asked, was_settled = found
    rounds = Round.objects.filter(batch__project=membership.project_id, people=membership.user_id)
    opened = rounds.filter(opened_at__isnull=False).values_list("items", flat=True)
    return was_discussed or (was_asked and was_settled) or any(item in items for items in opened)


@transaction.atomic
def draft(*, membership: Membership, data: Any) -> bool:
    """Keep an unfinished answer on the server; it counts nowhere and never replaces a submitted one.

    False, and nothing is kept, where this person does not hold the item (any more).
    """
    if not isinstance(data, dict):
        raise ValueError(_("A draft is sent as a JSON object."))
    version = membership.project.version
    slot = Assignment.every.filter(
        pk=whole(data.get("assignment"), "assignment"),
        project=membership.project_id,
        annotator=membership.user_id,
        state=Assignment.State.LEASED,
    ).first()
    if slot is None or version is None:
        return False
    given = data.get("answer") or {}
    about = _about(membership, slot.pk, given, version)
    values = {
        "again": slot.again,
        "answer": schema.clean(given, version.schema, about=about, partial=True, draft=True),
        "comment": clean(str(data.get("comment") or "")[:COMMENT]).text,
        "flagged": data.get("flagged") is True,
        "confidence": _level(data.get("confidence")),
    }
    _keep_draft(membership, slot.item_id, version, values)
    return True

"""Calibration rounds: all label the same items blind, then see and discuss where they differ; the curve over rounds."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import assigning, batching, charts, measuring, recording, settling
from annotation.agreement.kinds import AGREEMENTS
from annotation.models import (
    Annotation,
    Assignment,
    Batch,
    Item,
    Membership,
    Project,
    Round,
    RoundComment,
    User,
    Visit,
)
from annotation.text.normal import clean

MOST_ITEMS = 500
COMMENT = 5000
SHOWN = 50
DRAWS = 1000


# -- Acting ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def start(
    *,
    project: Project,
    people: Sequence[Membership],
    by: User | None,
    count: int | None = None,
    ids: Sequence[str] = (),
    names_shown: bool = False,
    note: str = "",
) -> Round:
    """A round: `count` items that nobody has answered, drawn at random, or those with these ids, for all these people.

    Raises ValueError with a sentence, also where somebody could not get one of the items: all label the same.
    """
    # Everybody's membership: no version is published meanwhile, and of two rounds that begin at once one waits.
    project = settling.keep_version(project)
    version = settling.version_of(project)
    if len({person.user_id for person in people}) < 2:
        raise ValueError(_("A round takes at least two people."))
    items = _items(project, count, ids)
    number = Round.objects.filter(batch__project=project).count() + 1
    outcome = batching.assign(
        project=project,
        items=items,
        people=people,
        about={"round": number},
        note=note,
        by=by,
        extra=True,
        purpose=Batch.Purpose.CALIBRATION,
    )
    if outcome.places < len(items) * len(people):
        raise ValueError(
            _("Somebody is on one of these items already, or does not label its language or kind: in a round all label the same. Choose other items or people.")
        )  # fmt: skip
    row = Round.objects.create(
        batch=outcome.batch, number=number, guideline_version=version, names_shown=names_shown, items=items
    )
    row.people.set([person.user_id for person in people])
    told: dict[str, Any] = {"round": number, "count": len(items), "people": len(people)}
    recording.record(project=project, kind="round_opened", by=by, version=version, **told)
    return row


def _items(project: Project, count: int | None, ids: Sequence[str]) -> list[int]:
    touched = Assignment.objects.filter(item=OuterRef("pk")).exclude(state=Assignment.State.OPEN)
    fresh = Item.objects.filter(project=project, role=Item.Role.WORK, in_pool=False).exclude(Exists(touched))
    named = list(dict.fromkeys(name.strip() for name in ids if name.strip()))
    if named:
        items = batching.named(project=project, ids=named)
        if strange := set(items) - set(fresh.filter(pk__in=items).values_list("pk", flat=True)):
            raise ValueError(
                _("Somebody has answered or holds %(count)d of these items, or they are no items of work: a round needs fresh ones.")
                % {"count": len(strange)}
            )  # fmt: skip
    else:
        if count is None or not 2 <= count <= MOST_ITEMS:
            raise ValueError(_("A round has between 2 and %(most)d items.") % {"most": MOST_ITEMS})
        items = batching.drawn(items=fresh, count=count)
    if not 2 <= len(items) <= MOST_ITEMS:
        raise ValueError(
            _("A round has between 2 and %(most)d items, and needs ones that nobody has begun with; here are %(count)d.")
            % {"most": MOST_ITEMS, "count": len(items)}
        )  # fmt: skip
    return items


@transaction.atomic
def open_discussion(*, round: Round, by: User | None) -> Round:
    """Close the round: its figures stay as they are now, and those who took part see each other's answers.

    What was not answered goes back to everybody. Does nothing where it is open already.
    """
    project = settling.keep_version(round.batch.project)
    # The figures are of the answers that were given before anybody could see another's.
    figures = measure(round)
    now = timezone.now()
    rows = Round.objects.filter(pk=round.pk, opened_at=None)
    if rows.update(opened_at=now, opened_by=by, figures=figures):
        round.batch.project = project
        batching.close(batch=round.batch, by=by)
        _drop_surplus(project, round.items)
        version = round.guideline_version
        recording.record(project=project, kind="round_closed", by=by, version=version, round=round.number)
    round.refresh_from_db()
    return round


def _drop_surplus(project: Project, items: Sequence[int]) -> None:
    """Slots that went back though the others of the round have given all the answers that are wanted."""
    settling.hold(items)
    asked = assigning.wanted(project, items)
    rows = Assignment.objects.filter(item__in=items)
    done = Counter(rows.filter(state__in=Assignment.ANSWERED).values_list("item_id", flat=True))
    full = [item for item in items if done[item] >= asked[item]]
    rows.filter(item__in=full, state=Assignment.State.OPEN).delete()
    if project.version is not None:
        settling.settle(project=project, version=project.version, items=full)


def open_finished() -> int:
    """Open the discussion of the rounds in which all are done; returns how many those are."""
    waiting = Assignment.objects.filter(batch=OuterRef("batch"), state__in=Assignment.WAITING)
    rows = Round.objects.filter(~Exists(waiting), opened_at=None).select_related("batch__project", "guideline_version")
    return len([open_discussion(round=row, by=None) for row in rows])


def visit(*, round: Round, membership: Membership) -> None:
    """This person has read the discussion up to now; one query where nothing in it was new to them."""
    if unread(membership).filter(pk=round.pk).exists():
        Visit.objects.update_or_create(person=membership.user, round=round, defaults={"at": timezone.now()})


def unread(*memberships: Membership) -> QuerySet[Round]:
    """Rounds of this person's whose discussion they have not read since it opened or since others last wrote in it."""
    person = memberships[0].user_id
    rows = Round.objects.filter(batch__project__in=[row.project_id for row in memberships], opened_at__isnull=False)
    mine = Q(Exists(Round.people.through.objects.filter(round=OuterRef("pk"), user=person)))
    mine |= Q(batch__project__in=[row.project_id for row in memberships if row.can_adjudicate])
    visits = Visit.objects.filter(round=OuterRef("pk"), person=person)
    read = Visit.objects.filter(round=OuterRef("round"), person=person, at__gte=OuterRef("at"))
    said = RoundComment.objects.filter(round=OuterRef("pk")).exclude(author=person)
    new = ~Exists(visits.filter(at__gte=OuterRef("opened_at"))) | Exists(said.exclude(Exists(read)))
    return rows.filter(mine, new)


@transaction.atomic
def say(*, round: Round, membership: Membership, item: int, text: str) -> RoundComment:
    """A word in the discussion. Raises ValueError before it is open, or where the item is not in this person's sight."""
    words = clean(text).text.strip() if isinstance(text, str) else ""
    if not words or len(words) > COMMENT:
        raise ValueError(_("Say something, in at most %(most)d characters.") % {"most": COMMENT})
    if round.opened_at is None:
        raise ValueError(_("The discussion has not begun: somebody is still answering."))
    if item not in in_sight(round, membership):
        raise ValueError(_("You discuss the items of the round that you have answered."))
    return RoundComment.objects.create(round=round, item_id=item, author=membership.user, text=words)


# -- Reading --------------------------------------------------------------------------------------------------------


def answers(round: Round) -> list[Annotation]:
    """The answers that people of the round gave to its items since it began, each person's last; set aside ones not."""
    rows = Annotation.objects.filter(
        item__in=round.items,
        annotator__in=round.people.all(),
        created_at__gte=round.batch.created_at,
        set_aside=None,
    ).exclude(status=Annotation.Status.DRAFT)
    last = {(row.item_id, row.annotator_id): row for row in rows.select_related("annotator").order_by("pk")}
    return list(last.values())


def progress(round: Round) -> list[dict[str, Any]]:
    """{person, done, of} of everybody in the round."""
    done: dict[int, int] = defaultdict(int)
    for row in answers(round):
        done[row.annotator_id] += 1
    return [{"person": who, "done": done[who.pk], "of": len(round.items)} for who in round.people.order_by("username")]


def is_done(round: Round) -> bool:
    """Whether everybody has answered everything."""
    return not Assignment.objects.filter(batch=round.batch_id, state__in=Assignment.WAITING).exists()


def measure(round: Round) -> dict[str, Any]:
    """question -> {figure, value, low, high, reason, n, items, people} of the independent answers of the round."""
    given = [row for row in answers(round) if row.independent and row.status == Annotation.Status.SUBMITTED]
    found = {}
    for entry in round.guideline_version.schema["questions"]:
        name = entry["name"]
        rows = [(str(row.item_id), str(row.annotator_id), row.answer[name]) for row in given if name in row.answer]
        people = {who for _item, who, _value in rows}
        if len(people) < 2:
            continue
        figures = AGREEMENTS[entry["kind"]].brief(iter(rows), question=entry, draws=DRAWS, seed=measuring.SEED)
        figure, told = next(iter(figures.items()))
        found[name] = {
            "figure": figure,
            "value": told.get("value"),
            "low": told.get("low"),
            "high": told.get("high"),
            "reason": told.get("reason"),
            "n": told.get("n", 0),
            "items": len({item for item, _who, _value in rows}),
            "people": len(people),
        }
    return found


def in_sight(round: Round, membership: Membership) -> set[int]:
    """The items of a round whose answers this person may read: once it is open, those that they have answered.

    Who adjudicates reads all, but for those that they may still be asked to label.
    """
    rows = Item.objects.filter(pk__in=round.items)
    if membership.can_adjudicate:
        blind = Item.objects.blind_for(membership.user).filter(pk__in=round.items)
        return set(rows.exclude(pk__in=blind.values("pk")).values_list("pk", flat=True))
    if round.opened_at is None or not round.people.filter(pk=membership.user_id).exists():
        return set()
    mine = Annotation.objects.filter(item__in=round.items, annotator=membership.user_id)
    mine = mine.filter(created_at__gte=round.batch.created_at).exclude(status=Annotation.Status.DRAFT)
    return set(mine.values_list("item_id", flat=True))


def discussion(round: Round, membership: Membership, question: str) -> list[dict[str, Any]]:
    """The items in this person's sight, the most contested first: {item, disagreement, answers, comments}.

    answers: [{who, mine, value, status, comment}], who being a letter where names are hidden; comments likewise.
    """
    entry = next(one for one in round.guideline_version.schema["questions"] if one["name"] == question)
    seen = in_sight(round, membership)
    given: dict[int, list[Annotation]] = defaultdict(list)
    for row in answers(round):
        if row.item_id in seen:
            given[row.item_id].append(row)
    names = called(round, membership)
    said: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for comment in round.comments.filter(item__in=seen).select_related("author"):
        said[comment.item_id].append(
            {"who": names.get(comment.author_id, str(comment.author)), "text": comment.text, "at": comment.at}
        )
    items = Item.objects.select_related("document").in_bulk(list(given))
    found: list[dict[str, Any]] = []
    for item, rows in given.items():
        values = [row.answer[question] for row in rows if question in row.answer]
        skipped = sum(row.status != Annotation.Status.SUBMITTED for row in rows)
        verdict = settling.judge(values, entry, rule=Project.Settle.NEVER, skipped=skipped)
        told = [
            {
                "who": names[row.annotator_id],
                "mine": row.annotator_id == membership.user_id,
                "value": row.answer.get(question),
                "status": row.get_status_display(),
                "comment": row.comment,
            }
            for row in sorted(rows, key=lambda row: names[row.annotator_id])
        ]
        found.append(
            {"item": items[item], "disagreement": verdict.disagreement, "answers": told, "comments": said[item]}
        )
    return sorted(found, key=lambda row: (-row["disagreement"], row["item"].pk))[:SHOWN]


def called(round: Round, membership: Membership) -> dict[int, str]:
    """person -> name, or a letter in an order that says nothing, where names are hidden from this member."""
    people = list(round.people.all())
    if round.names_shown:
        return {who.pk: str(who) for who in people}
    people.sort(key=lambda who: hashlib.sha256(f"round/{round.pk}/{who.pk}".encode()).digest())
    return {
        who.pk: _("you") if who.pk == membership.user_id else _("person %(letter)s") % {"letter": _letter(place)}
        for place, who in enumerate(people)
    }


def _letter(place: int) -> str:
    return chr(ord("A") + place % 26) * (1 + place // 26)


def of_project(project: Project, user: Any) -> list[Round]:
    """The rounds that this person may read of, the first first."""
    rows = Round.objects.visible_to(user).filter(batch__project=project)
    return list(rows.select_related("batch__project", "guideline_version").order_by("number"))


def curve(
    rounds: Sequence[Round], question: dict[str, Any], titles: Mapping[str, Any], why: Callable[[dict[str, Any]], str]
) -> dict[str, Any]:
    """Agreement on one question over the rounds whose discussion is open, each with its guideline version; {} for none.

    titles: figure -> its name for readers; why: what a figure has no value or interval for, in words, "" for nothing.
    """
    points = []
    figure = ""
    for row in rounds:
        told = row.figures.get(question["name"])
        if row.opened_at is None or not told:
            continue
        figure = told["figure"]
        note = _("%(items)d items, %(people)d people") % {"items": told["items"], "people": told["people"]}
        name = f"{row.number} · {row.guideline_version}"
        points.append(
            charts.Point(name, told["value"], told["low"], told["high"], ". ".join(filter(None, [note, why(told)])))
        )
    if not points:
        return {}
    low = min((point.low if point.low is not None else point.value or 0.0) for point in points)
    title = _("%(question)s: %(figure)s over the rounds, with the guideline version") % {
        "question": question["title"],
        "figure": titles.get(figure, figure),
    }
    return charts.curve(points, title=title, bottom=min(0.0, -1.0 if low < -0.5 else -0.5 if low < 0 else 0.0))


def mine_to_do(membership: Membership) -> int:
    """How many items of rounds wait for this person; one query."""
    rows = Assignment.objects.filter(annotator=membership.user_id, project=membership.project_id)
    waiting = Q(state__in=Assignment.GIVEN)
    return rows.filter(waiting, batch__purpose=Batch.Purpose.CALIBRATION).count()

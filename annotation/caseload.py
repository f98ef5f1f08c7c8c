"""Reads: the adjudicator's queue as it is filtered and sorted, who has which case open, and a case's answers side by side."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy

from annotation import adjudicating
from annotation.alignment import Aligned, align, letter
from annotation.kinds import KINDS
from annotation.models import Annotation, Assignment, Case, CaseRemark, Project, SecondOpinion

ORDERS = {
    "disagreement": gettext_lazy("the most contested first"),
    "doubt": gettext_lazy("the least certain first"),
    "oldest": gettext_lazy("the oldest first"),
    "newest": gettext_lazy("the newest first"),
}
STATES = {
    "back": gettext_lazy("back from its people"),
    "flagged": gettext_lazy("flagged by somebody"),
    "skipped": gettext_lazy("skipped by somebody"),
    "undecided": gettext_lazy("somebody could not decide"),
    "discussed": gettext_lazy("talked over"),
}
# order -> the columns that it sorts by, a minus for the highest first; the last one tells all cases apart.
COLUMNS = {
    "disagreement": ("-disagreement", "key"),
    "doubt": ("-doubt", "key"),
    "oldest": ("opened_at", "pk"),
    "newest": ("-opened_at", "-pk"),
}


AGE = re.compile(r"[0-9]{1,4}-[0-9]{0,4}")


@dataclass(frozen=True)
class Wanted:
    """Which open cases are looked through, and in which order.

    pair: two labels with a tab between them, an empty one for "not given"; sent: those that wait for their people; age:
    how many days they have been open, such as 3-7, both whole and the second one no more, or 30- for so long or longer.
    """

    question: str = ""
    pair: str = ""
    why: str = ""
    sent: bool = False
    state: str = ""
    age: str = ""
    order: str = "disagreement"

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Wanted":
        """From the query of an address; what is unknown asks for nothing."""
        why, order = given.get("why", ""), given.get("order", "")
        pair = given.get("pair", "")
        return cls(
            question=given.get("question", "")[:60],
            pair=pair if pair.count("\t") == 1 else "",
            why=why if why in Case.Why.values else "",
            state=given.get("state", "") if given.get("state", "") in STATES else "",
            sent=given.get("sent", "") not in ("", "0", "false"),
            age=given.get("age", "") if AGE.fullmatch(given.get("age", "")) else "",
            order=order if order in ORDERS else "disagreement",
        )

    @property
    def query(self) -> str:
        """For an address: only what is not as usual, with a question mark where there is anything."""
        usual = asdict(Wanted())
        told = {name: "1" if value is True else value for name, value in asdict(self).items() if value != usual[name]}
        return f"?{urlencode(told)}" if told else ""

    @property
    def filters(self) -> bool:
        """Whether some open cases are left out by it."""
        return bool(self.question or self.pair or self.why or self.sent or self.state or self.age)


def queue(*, project: Project, wanted: Wanted, user: Any = None) -> QuerySet[Case]:
    """The open cases that are asked for, in that order; with `user`, without those that this person may not see yet."""
    rows = Case.objects.open().filter(project=project).select_related("item__document", "held_by", "sent_back")
    rows = rows.filter(~waits() if not wanted.sent else waits()).order_by(*COLUMNS[wanted.order])
    if wanted.question:
        rows = rows.filter(question=wanted.question)
    if wanted.pair:
        rows = rows.filter(pairs__contains=f"\n{wanted.pair}\n")
    if wanted.why:
        rows = rows.filter(why=wanted.why)
    if wanted.state:
        rows = rows.filter(_said(wanted.state))
    if wanted.age:
        rows = rows.filter(_as_old(wanted.age))
    # The second decision is somebody else's.
    mine = Q(why=Case.Why.SECOND, first__settled_by=user.pk or 0) if user else Q()
    return rows.visible_to(user).exclude(mine) if user else rows


def _said(state: str) -> Q:
    """What somebody said beside or in place of an answer."""
    given = Annotation.objects.current().filter(item=OuterRef("item"))
    if state == "back":
        return Q(sent_back__isnull=False)
    if state == "discussed":
        return Q(Exists(CaseRemark.objects.filter(case=OuterRef("pk"))))
    return Q(Exists(given.filter(flagged=True) if state == "flagged" else given.filter(status=state)))


def _as_old(age: str) -> Q:
    """Whether a case has been open for so many days, see `Wanted`."""
    low, _dash, high = age.partition("-")
    now = timezone.now()
    younger = Q(opened_at__gt=now - timedelta(days=int(high))) if high else Q()
    return Q(opened_at__lte=now - timedelta(days=int(low))) & younger


def waits() -> Q:
    """Whether a case was sent back to its people and some of them may still answer in time."""
    slots = Assignment.objects.filter(batch=OuterRef("sent_back"), item=OuterRef("item"), state__in=Assignment.WAITING)
    in_time = Q(sent_back__due_at=None) | Q(sent_back__due_at__gt=timezone.now())
    return Q(sent_back__isnull=False, sent_back__closed_at=None) & in_time & Q(Exists(slots))


def following(*, project: Project, after: Case, wanted: Wanted, user: Any) -> Case | None:
    """The next of the queue behind this one that nobody else has open, and at its end the first again."""
    rows = queue(project=project, wanted=wanted, user=user).exclude(held_by_others(user))
    return rows.filter(_beyond(after, COLUMNS[wanted.order])).first() or rows.exclude(pk=after.pk).first()


def previous(*, project: Project, before: Case, wanted: Wanted, user: Any) -> Case | None:
    """The one before it in the queue; None where it is the first."""
    first, second = (name.removeprefix("-") if name.startswith("-") else f"-{name}" for name in COLUMNS[wanted.order])
    turned = (first, second)
    rows = queue(project=project, wanted=wanted, user=user).order_by(*turned)
    return rows.filter(_beyond(before, turned)).first()


def _beyond(case: Case, columns: tuple[str, str]) -> Q:
    """Behind this case in the order of the two columns."""
    first, second = (name.removeprefix("-") for name in columns)
    over = ["lt" if name.startswith("-") else "gt" for name in columns]
    return Q(**{f"{first}__{over[0]}": getattr(case, first)}) | Q(
        **{first: getattr(case, first), f"{second}__{over[1]}": getattr(case, second)}
    )


def held_by_others(user: Any) -> Q:
    """Whether somebody else has the case open now."""
    return Q(held_until__gt=timezone.now(), held_by__isnull=False) & ~Q(held_by=user.pk or 0)


def counts(*, project: Project, user: Any) -> dict[str, Any]:
    """How many open cases there are: in all, by question, why and pair of labels, and how many wait for their people.

    pairs: [(pair, n)], the most frequent first.
    """
    rows = queue(project=project, wanted=Wanted(), user=user).order_by().select_related(None)
    pairs: dict[str, int] = {}
    for told, count in rows.exclude(pairs="").values_list("pairs").annotate(n=Count("pk")):
        for pair in filter(None, told.split("\n")):
            pairs[pair] = pairs.get(pair, 0) + count
    return {
        "all": rows.count(),
        "question": dict(rows.values_list("question").annotate(n=Count("pk"))),
        "why": dict(rows.values_list("why").annotate(n=Count("pk"))),
        "pairs": sorted(pairs.items(), key=lambda one: (-one[1], one[0])),
        "sent": queue(project=project, wanted=Wanted(sent=True), user=user).count(),
    }


# -- One case -----------------------------------------------------------------------------------------------------


def lettered(case: Case, entry: dict[str, Any]) -> tuple[list[dict[str, Any]], Aligned]:
    """The answers with their letters, and side by side; what is no answer under this guideline stands beside them."""
    answers = adjudicating.answers(case)
    values = []
    for place, answer in enumerate(answers):
        answer["letter"] = letter(place)
        try:
            values.append(None if answer["value"] is None else KINDS[entry["kind"]].clean(answer["value"], entry))
        except ValueError:
            values.append(None)
    aligned = align(values, entry)
    for place, words in enumerate(aligned.words):
        answers[place]["words"] = words
    return answers, aligned


def decisions(case: Case) -> list[dict[str, Any]]:
    """The two decisions that a case for discussion is about, without names; none of other cases."""
    if case.why != Case.Why.DISCUSS or case.first is None:
        return []
    second = SecondOpinion.objects.filter(gold=case.first).order_by("-pk").first()
    first = {name: getattr(case.first, name) for name in ("value", "reason", "rule", "note")}
    found = [{**first, "ambiguous": case.first.distribution is not None}]
    if second:
        found.append({name: getattr(second, name) for name in ("value", "reason", "rule", "note", "ambiguous")})
    return found

"""Alarms about people's work: the worker looks for them where answers came since it last did; managers dismiss them."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, Max, OuterRef, QuerySet
from django.db.models.functions import Coalesce, Length
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import alarms, competence, jobs, recording
from annotation.jobs import LIVE, Grip, State
from annotation.kinds import KINDS
from annotation.models import Alarm, Annotation, Item, Project, User, Watch

# Of one person so many of the newest answers are looked at, and of all together for what is usual.
OWN, ALL = 600, 20_000
NOTE = 2000
ROWS = 60


# -- When -----------------------------------------------------------------------------------------------------------


def newest(project: Project) -> datetime | None:
    """When an answer of somebody who signs in last changed."""
    rows = Annotation.objects.filter(project=project, annotator__imported_for=None)
    moment: datetime | None = rows.exclude(status=Annotation.Status.DRAFT).aggregate(at=Max("updated_at"))["at"]
    return moment


def ask(project: Project) -> Watch | None:
    """Have the worker look, where answers came since it last did; the job under way, or None where nothing is new."""
    last = Watch.objects.filter(project=project, state=State.DONE).first()
    if last is not None and last.as_of == newest(project):
        return None
    try:
        with transaction.atomic():
            row = Watch.objects.create(project=project)
    except IntegrityError:
        return Watch.objects.filter(project=project, state__in=LIVE).first()
    jobs.enqueue(row)
    return row


def ask_all() -> int:
    """Every now and then: projects with answers that nobody looked at yet; how many."""
    fresh = Annotation.objects.filter(project=OuterRef("pk"), status=Annotation.Status.SUBMITTED)
    rows = Project.objects.filter(Exists(fresh), archived_at=None)
    return sum(ask(project) is not None for project in rows)


def work(row: Watch, grip: Grip) -> dict[str, Any]:
    """Look through the answers of everybody who gave some since the last time."""
    project = Project.objects.select_related("version").get(pk=row.project_id)
    before = Watch.objects.filter(project=project, state=State.DONE).first()
    as_of = newest(project)
    for_all = _Usual(project)
    people = _changed(project, before.as_of if before else None)
    for place, person in enumerate(people):
        grip.tick(place, len(people), "")
        _look(project, person, for_all)
    Watch.objects.filter(project=project, pk__lt=row.pk).exclude(state__in=LIVE).delete()
    return {"as_of": as_of}


def _changed(project: Project, since: datetime | None) -> list[int]:
    rows = Annotation.objects.filter(project=project, annotator__imported_for=None, status=Annotation.Status.SUBMITTED)
    rows = rows.filter(updated_at__gt=since) if since else rows
    return sorted(set(rows.values_list("annotator_id", flat=True)))


# -- What -----------------------------------------------------------------------------------------------------------


def _key(value: Any) -> str:
    """What was said, so that it can be compared and counted."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


class _Usual:
    """What is usual in a project: seconds by length of text and person, values by question and person."""

    def __init__(self, project: Project) -> None:
        self.seconds: dict[int, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
        self.values: dict[str, dict[int, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        whole = Coalesce(F("item__end"), Length("item__document__text")) - Coalesce(F("item__start"), 0)
        rows = Annotation.objects.submitted().filter(project=project).annotate(size=whole).order_by("-pk")
        for person, answer, seconds, size in rows.values_list("annotator_id", "answer", "seconds", "size")[:ALL]:
            if seconds is not None:
                self.seconds[alarms.bucket(size)][person].append(seconds)
            for question, value in answer.items():
                self.values[question][person][_key(value)] += 1

    def seconds_of_others(self, person: int) -> dict[int, list[float]]:
        """bucket -> seconds of everybody else's answers."""
        return {
            size: [second for who, found in people.items() if who != person for second in found]
            for size, people in self.seconds.items()
        }

    def share_of_others(self, person: int, question: str) -> Callable[[str], float]:
        """value -> the share of everybody else's answers that say it, drawn to a half where there are few."""
        total: Counter[str] = Counter()
        for who, found in self.values[question].items():
            if who != person:
                total += found
        n = total.total()
        return lambda value: (total[value] + 1) / (n + 2)


def _look(project: Project, person: int, usual: _Usual) -> None:
    whole = Coalesce(F("item__end"), Length("item__document__text")) - Coalesce(F("item__start"), 0)
    rows = Annotation.objects.submitted().filter(project=project, annotator=person).annotate(size=whole)
    names = ("pk", "item_id", "answer", "seconds", "size", "updated_at", "item__role")
    mine = list(rows.order_by("-updated_at", "-pk").values_list(*names)[:OWN])[::-1]
    if not mine:
        return
    at = {row[0]: row[5] for row in mine}
    past = _dismissed(project, person)
    times = _Book(project, person, at, past)
    given = [alarms.Given(row[0], "", row[3], row[4]) for row in mine]
    times.note(
        Alarm.Kind.FAST, "", alarms.fast(times.since(given, Alarm.Kind.FAST, ""), usual.seconds_of_others(person))
    )
    for entry in project.version.schema["questions"] if project.version else []:
        name = entry["name"]
        said = [alarms.Given(row[0], _key(row[2][name]), row[3], row[4]) for row in mine if name in row[2]]
        share = usual.share_of_others(person, name)
        kind = Alarm.Kind.MASHING
        pattern = alarms.mashing(times.since(said, kind, name), share)
        times.note(kind, name, pattern)
        if pattern is None:
            kind = Alarm.Kind.ONE_LABEL
            times.note(kind, name, alarms.one_label(times.since(said, kind, name), share))
        agreed = _agreed(person, [row for row in mine if name in row[2] and row[6] == Item.Role.WORK], entry)
        kind = Alarm.Kind.DRIFT
        times.note(kind, name, alarms.drift([one for one in agreed if times.counts(one[0], kind, name)]))
    _look_at_controls(project, person, times)


def _look_at_controls(project: Project, person: int, times: "_Book") -> None:
    found: dict[str, list[competence.Check]] = defaultdict(list)
    for check in competence.checks(project, person=person):
        found[check.question].append(check)
        times.at.setdefault(check.annotation, check.at)
    for question, checks in found.items():
        kind = Alarm.Kind.CONTROL
        flags = [(one.annotation, one.score == 1) for one in checks if times.counts(one.annotation, kind, question)]
        times.note(kind, question, alarms.control(flags))


def _agreed(person: int, mine: Sequence[tuple[Any, ...]], entry: dict[str, Any]) -> list[tuple[int, bool]]:
    """(row, whether this answer is nearer than halfway to the others' on the mean) where others have answered; one query."""
    name, kind = entry["name"], KINDS[entry["kind"]]
    others: dict[int, list[Any]] = defaultdict(list)
    rows = Annotation.objects.submitted().filter(item__in=[row[1] for row in mine], independent=True)
    for item, answer in rows.exclude(annotator=person).values_list("item_id", "answer"):
        if name in answer:
            others[item].append(answer[name])
    found = []
    for pk, item, answer, *_rest in mine:
        if others[item]:
            apart = [kind.distance(answer[name], other, entry) for other in others[item]]
            found.append((pk, 2 * sum(apart) < len(apart)))
    return found


def _dismissed(project: Project, person: int) -> dict[tuple[str, str], datetime]:
    """(kind, question) -> up to when a manager has looked at it and dismissed what was there."""
    rows = Alarm.objects.filter(project=project, person=person, dismissed_at__isnull=False)
    found = rows.values_list("kind", "question").annotate(until=Max("until"))
    return {(kind, question): until for kind, question, until in found}


class _Book:
    """The alarms of one person: what was dismissed before counts no more, what is there already is brought up to date."""

    def __init__(
        self, project: Project, person: int, at: dict[int, datetime], past: dict[tuple[str, str], datetime]
    ) -> None:
        self.project, self.person, self.at, self.past = project, person, at, past

    def counts(self, pk: int, kind: str, question: str) -> bool:
        """Whether the answer came after what a manager has dismissed."""
        until = self.past.get((kind, question))
        return until is None or self.at[pk] > until

    def since(self, given: Iterable[alarms.Given], kind: str, question: str) -> list[alarms.Given]:
        """The answers that count."""
        return [one for one in given if self.counts(one.pk, kind, question)]

    def note(self, kind: str, question: str, seen: alarms.Seen | None) -> None:
        """Raise an alarm, or bring the open one of that kind up to date."""
        if seen is None:
            return
        times = [self.at[pk] for pk in seen.rows] or [timezone.now()]
        told = {"seen": seen.numbers, "rows": seen.rows[-ROWS:], "since": min(times), "until": max(self.at.values())}
        rows = Alarm.objects.filter(
            project=self.project, person=self.person, kind=kind, question=question, dismissed_at=None
        )
        if not rows.update(**told):
            Alarm.objects.create(project=self.project, person_id=self.person, kind=kind, question=question, **told)


# -- What managers do and read --------------------------------------------------------------------------------------


@transaction.atomic
def dismiss(*, alarm: Alarm, user: User | None, note: str) -> Alarm:
    """Put an alarm away, with a note on what it was; later answers may raise it again. Raises ValueError."""
    words = note.strip()
    if not words or len(words) > NOTE:
        raise ValueError(_("Say what it was, in at most %(most)d characters.") % {"most": NOTE})
    now = timezone.now()
    changed = Alarm.objects.filter(pk=alarm.pk, dismissed_at=None).update(
        dismissed_at=now, dismissed_by=user, note=words
    )
    if not changed:
        raise ValueError(_("This alarm was dismissed already."))
    recording.record(
        project=alarm.project_id, kind="alarm_dismissed", by=user, about=alarm.person_id, question=alarm.question
    )
    alarm.refresh_from_db()
    return alarm


def words(alarm: Alarm) -> tuple[str, str]:
    """What was seen, with how many answers it rests on, and what to do about it."""
    seen = alarm.seen
    of = {**seen, "question": alarm.question, "percent": round(100 * seen.get("part", seen.get("share", 0)))}
    if alarm.kind == Alarm.Kind.CONTROL:
        said = _("%(right)d of the last %(n)d control answers to “%(question)s” were right.") % of
        if seen.get("dropped"):
            said += " " + _("Before it was %(before)d of %(before_n)d.") % of
        return said, _("Look at the wrong answers with this person; set the work since then aside if it cannot stand.")
    if alarm.kind == Alarm.Kind.FAST:
        of |= {"seconds": f"{seen['seconds']:.1f}", "usual": f"{seen['usual']:.1f}"}
        said = _("The last %(n)d answers took %(seconds)s seconds each (the median), where others take %(usual)s on texts of like length.")  # fmt: skip
        return said % of, _("Compare with the control answers: somebody may simply be quick.")
    if alarm.kind == Alarm.Kind.ONE_LABEL:
        said = _("The last %(n)d answers to “%(question)s” all say the same; %(percent)d %% of the others' answers do.")
        return said % of, _("Look at some of them: the items may be alike, or nobody reads them.")
    if alarm.kind == Alarm.Kind.MASHING:
        said = _("The last %(n)d answers to “%(question)s” came within seconds and repeat every %(period)d answers.")
        if seen["period"] == 1:
            said = _("The last %(n)d answers to “%(question)s” came within seconds and repeat the same label.")
        return said % of, _("Look at some of them, and talk to this person before more is labelled.")
    said = _("Of the last %(n)d answers to “%(question)s” %(same)d agreed with most others; before it was %(before)d of %(before_n)d.")  # fmt: skip
    return said % of, _("Look at the answers that differ: the rule may be read in another way since then.")


def open_alarms(project: Project) -> QuerySet[Alarm]:
    """Those that nobody has dismissed, the newest first."""
    return Alarm.objects.filter(project=project, dismissed_at=None).select_related("person")

"""The figures of the quality page, made by the worker: only what changed since the last time is counted again.

What can be long lies in rows of its own: a person's day (`WorkDay`), the agreement of a period (`AgreementPoint`).
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Avg, Count, Max, Min, Q, Sum
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy

from annotation import caseload, competence, consistency, jobs, measuring, pace, progress, settling
from annotation.agreement.kinds import AGREEMENTS
from annotation.jobs import LIVE, Grip, State
from annotation.models import (
    Act,
    AgreementPoint,
    AgreementReport,
    Alarm,
    Annotation,
    Assignment,
    Gold,
    GuidelineVersion,
    Import,
    Item,
    Project,
    QualityReport,
    Revision,
    Thread,
    WorkDay,
    was_swayed,
)
from annotation.pace import day_of, start_of

# Figures that are older than this are made anew where something was done since.
STALE = timedelta(minutes=10)
# A commit may take so long after the moment that its rows name.
MARGIN = timedelta(minutes=2)
# Until so many days after the first answer a period is a day, then a week.
DAYS_SHOWN = 28
# Agreement is computed from all answers: where nobody asks for figures it is measured once an hour at most.
BEHIND = timedelta(hours=1)
# Seconds between two looks at a measurement that another worker is at.
WAIT = 1.0
DRAWS = 200
BATCH = 5000
AGES = (1, 3, 7, 14, 30)
# Acts after which what counted may count no more, or again: then everything is counted anew.
SWEEPING = ("asked_again", "mapped", "set_aside", "restored", "control_changed")


def refresh(project: Project, *, full: bool = False, rest: timedelta = timedelta()) -> QualityReport:
    """Ask the worker for new figures; where that is under way already, the same job is returned.

    Agreement is asked for with them where answers changed, unless it was measured within `rest`.
    """
    _ask_agreement(project, rest)
    try:
        with transaction.atomic():
            row = QualityReport.objects.create(project=project, full=full, language=get_language() or "")
    except IntegrityError:
        live = QualityReport.objects.filter(project=project, state__in=LIVE).first()
        return live or refresh(project, full=full, rest=rest)
    jobs.enqueue(row)
    return row


def _ask_agreement(project: Project, rest: timedelta) -> None:
    if project.version is None:
        return
    version, lately = measuring.chosen(project), timezone.now() - rest
    for entry in version.schema["questions"]:
        known = _report(version, entry["name"])
        if known is None or known.ended_at is None or known.ended_at <= lately:
            measuring.standing(version=version, question=entry["name"])


def _await_agreement(project: Project, grip: Grip) -> None:
    """Measure what agreement was asked for; what another worker is at is waited for."""
    live = AgreementReport.objects.filter(project=project, state__in=LIVE)
    for pk in list(live.values_list("pk", flat=True)):
        while not jobs.run(AgreementReport, pk, measuring.work) and live.filter(pk=pk).exists():
            # A worker that is lost loses its row, too: then the next try gets it.
            grip.tick(0, 1, gettext_lazy("measuring agreement"))
            time.sleep(WAIT)


def done(project: Project) -> QualityReport | None:
    """The newest finished figures."""
    return QualityReport.objects.filter(project=project, state=State.DONE).first()


def is_stale(report: QualityReport | None, project: Project) -> bool:
    """Whether something was done since the figures were made; four looks at an index."""
    if report is None or report.as_of is None:
        return True
    if report.figures.get("behind") and report.as_of < timezone.now() - BEHIND:
        return True
    return bool(report.as_of < (newest(project) or report.as_of))


def newest(project: Project) -> datetime | None:
    """When something that the figures know of was last done."""
    moments = [
        Revision.objects.filter(project=project).aggregate(at=Max("at"))["at"],
        Gold.objects.filter(project=project).aggregate(at=Max("settled_at"))["at"],
        Act.objects.filter(project=project).aggregate(at=Max("at"))["at"],
        Import.objects.filter(project=project, state=State.DONE).aggregate(at=Max("ended_at"))["at"],
        *Alarm.objects.filter(project=project).aggregate(a=Max("raised_at"), b=Max("dismissed_at")).values(),
        AgreementReport.objects.filter(project=project, state=State.DONE).aggregate(at=Max("ended_at"))["at"],
    ]
    return max((moment for moment in moments if moment), default=None)


def sweep() -> int:
    """Every ten minutes: ask for new figures of the projects in which something was done since their last ones."""
    asked = 0
    now = timezone.now()
    for project in Project.objects.filter(archived_at=None).exclude(version=None):
        if QualityReport.objects.filter(project=project, state__in=LIVE).exists():
            continue
        report = done(project)
        last = QualityReport.objects.filter(project=project).first()
        if last is not None and last.queued_at > now - STALE:
            continue
        if is_stale(report, project) and newest(project) is not None:
            refresh(project, rest=BEHIND)
            asked += 1
    return asked


def work(row: QualityReport, grip: Grip) -> dict[str, Any]:
    """Make the figures; older finished ones of the project are dropped. A failure leaves those that stand."""
    project = Project.objects.select_related("version").get(pk=row.project_id)
    _await_agreement(project, grip)
    as_of = timezone.now()
    before = None if row.full else done(project)
    figures = survey(project, before, as_of, grip.tick)
    earlier = QualityReport.objects.filter(project=project, pk__lt=row.pk)
    earlier.exclude(state__in=LIVE).delete()
    return {"figures": figures, "as_of": as_of}


def survey(
    project: Project, before: QualityReport | None, as_of: datetime, tick: Callable[[int, int], None]
) -> dict[str, Any]:
    """All figures of a project, JSON-ready: see the keys below. `before` None: everything is counted anew.

    `cost` tells the CPU milliseconds of each part, `counted` what was counted anew.
    """
    since = _since(project, before)
    known = before.figures if before is not None and since is not None else None
    settled = known is None or _settled_since(project, since)
    given = known is None or _given_since(project, since)

    def anew(name: str, changed: bool, make: Callable[[Project], Any]) -> Callable[[], Any]:
        return lambda: make(project) if known is None or changed else known[name]

    parts: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("days", lambda: _days(project, since)),
        ("trend", lambda: _trend(project, since, before.figures.get("period") if before else None)),
        ("slots", anew("slots", settled or given or _acted_since(project, since), _slots)),
        ("gold", anew("gold", settled, progress.gold)),
        ("cost_of_gold", anew("cost_of_gold", settled or given, progress.cost_of_gold)),
        ("cases", lambda: _cases(project, as_of)),
        ("open", lambda: _open(project)),
        ("questions", lambda: _questions(project)),
        ("people", lambda: _people(project, since, before)),
        ("controls", lambda: _controls(project)),
        ("alarms", lambda: _alarms(project)),
        ("self_agreement", anew("self_agreement", given, _self_agreement)),
    )
    figures: dict[str, Any] = {"cost": {}, "counted": "all" if since is None else "changes"}
    for place, (name, make) in enumerate(parts):
        tick(place, len(parts))
        start = time.process_time()
        figures[name] = make()
        figures["cost"][name] = round(1000 * (time.process_time() - start), 1)
    figures["period"] = figures.pop("trend")
    figures["behind"] = any(question["behind"] for question in figures["questions"])
    return figures


def _settled_since(project: Project, since: datetime | None) -> bool:
    """Whether gold was settled or replaced."""
    rows = Gold.objects.filter(project=project)
    return (
        since is None or rows.filter(settled_at__gte=since).exists() or rows.filter(superseded_at__gte=since).exists()
    )


def _acted_since(project: Project, since: datetime | None) -> bool:
    """Whether something was done that may ask for answers, or for none any more."""
    return since is None or bool(Act.objects.filter(project=project, at__gte=since).exists())


def _given_since(project: Project, since: datetime | None) -> bool:
    """Whether somebody answered, or answers were taken out."""
    if since is None or Revision.objects.filter(project=project, at__gte=since).exists():
        return True
    return bool(Annotation.objects.filter(project=project, superseded_at__gte=since).exists())


def _since(project: Project, before: QualityReport | None) -> datetime | None:
    """From when on rows may be unknown to the figures before; None: everything is to be counted."""
    if before is None or before.as_of is None or not before.figures:
        return None
    since: datetime = before.as_of - MARGIN
    swept = Act.objects.filter(project=project, at__gte=since, kind__in=SWEEPING).exists()
    came = Import.objects.filter(project=project, state=State.DONE, ended_at__gte=since).exists()
    return None if swept or came else since


def _days(project: Project, since: datetime | None) -> int:
    """Sum the revisions of the days that may have changed; how many rows of days that made."""
    known = WorkDay.objects.filter(project=project)
    first = day_of(since) if since is not None else None
    rows = pace.summed(project, start_of(first) if first else None)
    with transaction.atomic():
        (known.filter(day__gte=first) if first else known).delete()
        WorkDay.objects.bulk_create(rows, batch_size=1000)
    return len(rows)


def _trend(project: Project, since: datetime | None, period: str | None) -> str:
    """The agreement of every period with items that changed; how long a period is: day or week."""
    first = Annotation.objects.filter(project=project).aggregate(at=Min("created_at"))["at"] if since is None else None
    if since is not None:
        point = AgreementPoint.objects.filter(project=project).order_by("period").first()
        first = start_of(point.period) if point else None
    wanted = "week" if first and timezone.now() - first > timedelta(days=DAYS_SHOWN) else "day"
    if since is None or wanted != period:
        items = None
        AgreementPoint.objects.filter(project=project).delete()
    else:
        items = _changed(project, since)
        if not items:
            return wanted
    begun = _begun(project, items)
    touched = {_period(at, wanted) for at in begun.values()}
    if items is not None:
        begun = {item: at for start in touched for item, at in _of_period(project, start, wanted).items()}
    _measure_periods(project, begun, touched, wanted)
    return wanted


def _period(moment: datetime, size: str) -> date:
    day = day_of(moment)
    return day - timedelta(days=day.weekday()) if size == "week" else day


def _changed(project: Project, since: datetime) -> list[int]:
    """Items that somebody answered anew, or whose answers were taken out, since then."""
    given = Revision.objects.filter(project=project, at__gte=since).values_list("annotation__item", flat=True)
    aside = Annotation.objects.filter(project=project, superseded_at__gte=since).values_list("item", flat=True)
    return sorted({*given, *aside})


def _begun(project: Project, items: list[int] | None) -> dict[int, datetime]:
    """item -> when it was first answered; of all items where `items` is None."""
    rows = Annotation.objects.filter(project=project).exclude(status=Annotation.Status.DRAFT).order_by()
    if items is None:
        return dict(rows.values_list("item").annotate(at=Min("created_at")))
    found: dict[int, datetime] = {}
    for batch in settling.batches(items, BATCH):
        found |= dict(rows.filter(item__in=batch).values_list("item").annotate(at=Min("created_at")))
    return found


def _of_period(project: Project, start: date, size: str) -> dict[int, datetime]:
    """The items that were first answered in the period, with that moment."""
    low = start_of(start)
    high = start_of(start + timedelta(days=7 if size == "week" else 1))
    rows = Annotation.objects.filter(project=project, created_at__gte=low, created_at__lt=high)
    begun = _begun(project, sorted(set(rows.values_list("item", flat=True))))
    return {item: at for item, at in begun.items() if low <= at < high}


def _measure_periods(project: Project, begun: dict[int, datetime], touched: set[date], size: str) -> None:
    """Replace the points of these periods by what the answers to their items say.

    All answers that stand count, whichever version they were given under; a point names the version that was in force
    when its items were begun.
    """
    reigns = measuring.Reigns(project)
    # item -> (number of the version, period)
    groups_of = {item: (reigns.at(at), _period(at, size)) for item, at in begun.items()}
    version = project.version
    questions = version.schema["questions"] if version else []
    asked = {entry["name"]: reigns.asked_since(entry["name"], version) for entry in questions} if version else {}
    # (version, period) -> (item, person, answer)
    groups: dict[tuple[int, date], list[tuple[str, str, Any]]] = defaultdict(list)
    # As in `measuring.triples`: control and training items say nothing of how far people agree on the work.
    rows = Annotation.objects.submitted().filter(project=project, independent=True, item__role=Item.Role.WORK)
    proposed = rows.exclude(suggested={}).exists()
    # Where most items are wanted anyway, one walk over all answers is cheaper than looking each one up.
    whole = 3 * len(groups_of) > Item.objects.filter(project=project).count()
    batches: Iterable[list[int] | None] = [None] if whole else settling.batches(sorted(groups_of), BATCH)
    for batch in batches:
        some = rows if batch is None else rows.filter(item__in=batch)
        columns = ("item_id", "annotator_id", "guideline_version_id", "answer", *(["suggested"] if proposed else []))
        for item, person, version, answer, *suggested in some.values_list(*columns).iterator(chunk_size=BATCH):
            if item in groups_of:
                alone = {
                    name: value
                    for name, value in answer.items()
                    if name in asked
                    and not (suggested and was_swayed(suggested[0], name))
                    and reigns.numbers[version] >= asked[name]
                }
                groups[groups_of[item]].append((str(item), str(person), alone))
    points = [
        point
        for (number, period), answers in groups.items()
        for entry in questions
        if (point := _point(project, reigns.keys[number], period, answers, entry)) is not None
    ]
    with transaction.atomic():
        AgreementPoint.objects.filter(project=project, period__in=touched).delete()
        AgreementPoint.objects.bulk_create(points, batch_size=1000)


def _point(
    project: Project, version: int, period: date, answers: list[tuple[str, str, Any]], entry: dict[str, Any]
) -> AgreementPoint | None:
    """The main figure of a question in a period; None where no item has two answers to it."""
    name = entry["name"]
    triples = [(item, person, answer[name]) for item, person, answer in answers if answer.get(name) is not None]
    per_item: dict[str, int] = defaultdict(int)
    for item, _person, _value in triples:
        per_item[item] += 1
    n = sum(count > 1 for count in per_item.values())
    if not n:
        return None
    told = brief(triples, entry)
    figure, found = next(iter(told.items()))
    return AgreementPoint(
        project=project,
        question=name,
        guideline_version_id=version,
        period=period,
        figure=figure,
        value=found["value"],
        low=found["low"],
        high=found["high"],
        n=n,
    )


def brief(triples: list[tuple[str, str, Any]], entry: dict[str, Any]) -> dict[str, Any]:
    """The main figures of a question, the first being the headline."""
    return AGREEMENTS[entry["kind"]].brief(triples, question=entry, draws=DRAWS, seed=measuring.SEED)


def _slots(project: Project) -> dict[str, Any]:
    """Answers wanted and given of items of work, see `progress.wanted`; how many items wait, have an answer, and how many
    answers are wanted of an item that is to be answered: the fewest, the most, the mean."""
    slots = progress.counted(Assignment.objects.filter(project=project)).order_by()
    per_item = slots.values("item").annotate(
        n=Count("pk"),
        waits=Count("pk", filter=Q(state__in=Assignment.WAITING)),
        done=Count("pk", filter=Q(state=Assignment.State.DONE)),
    )
    found = progress.wanted(project)
    del found["leased"]  # of the moment alone
    there = progress.items(project)
    return {
        **found,
        "items": there[Item.Role.WORK],
        "controls": there[Item.Role.CONTROL],
        "training": there[Item.Role.TRAINING],
        **per_item.aggregate(
            waiting=Count("item", filter=Q(waits__gt=0)),
            answered=Count("item", filter=Q(done__gt=0)),
            fewest=Min("n"),
            most=Max("n"),
            mean=Avg("n"),
        ),
    }


def _people(project: Project, since: datetime | None, before: QualityReport | None) -> list[dict[str, Any]]:
    """Each person's answers that stand, see `progress.people`, with what they did on all their days.

    Only those are counted again who answered since, or whose answers were taken out.
    """
    if since is None or before is None:
        found = progress.people(project)
    else:
        given = Revision.objects.filter(project=project, at__gte=since).order_by().values_list("person", flat=True)
        aside = Annotation.objects.filter(project=project, superseded_at__gte=since).order_by()
        changed = {*given.distinct(), *aside.values_list("annotator", flat=True).distinct()}
        told = [row for row in before.figures["people"] if row["id"] not in changed]
        found = [*told, *progress.people(project, changed)] if changed else told
    names = ("corrected", "seconds", "days")
    none = dict.fromkeys(names, 0)
    days = WorkDay.objects.filter(project=project).order_by().values("person")
    sums = days.annotate(corrected=Sum("corrected"), seconds=Sum("seconds"), days=Count("pk"))
    done = {pk: dict(zip(names, told, strict=True)) for pk, *told in sums.values_list("person", *names)}
    rows = [{**row, **done.get(row["id"], none)} for row in found]
    return sorted(rows, key=lambda row: (-row["submitted"], row["name"]))


def _controls(project: Project) -> list[dict[str, Any]]:
    """How right each person is on control items, question by question, see `competence.of_people`."""
    return [
        {
            "id": row["person"].pk,
            "name": str(row["person"]),
            "question": row["question"],
            **{name: getattr(row["accuracy"], name) for name in ("n", "right", "share", "low", "high", "judged")},
        }
        for row in competence.of_people(competence.checks(project))
    ]


def _self_agreement(project: Project) -> list[dict[str, Any]]:
    """How often each person says the same again, see `consistency.of_people`; by the person's number."""
    return [{"id": row.pop("user").pk, **row} for row in consistency.of_people(project)]


def _alarms(project: Project) -> dict[str, int]:
    """kind -> how many alarms are open."""
    rows = Alarm.objects.filter(project=project, dismissed_at=None).order_by()
    return dict(rows.values_list("kind").annotate(n=Count("pk")))


def _cases(project: Project, as_of: datetime) -> dict[str, Any]:
    """How many cases are open, closed and decided, see `progress.cases`; of the open ones how many are to be decided, by question and by age, and how
    many wait for the people that they were sent back to."""
    wanted = caseload.queue(project=project, wanted=caseload.Wanted()).order_by().select_related(None)
    rows = list(wanted.values_list("question", "opened_at"))
    ages = [0] * (len(AGES) + 1)
    by: dict[str, int] = defaultdict(int)
    for question, opened in rows:
        ages[sum((as_of - opened).days >= days for days in AGES)] += 1
        by[question] += 1
    oldest = min((opened for _question, opened in rows), default=None)
    every = progress.cases(project)
    return {
        **every,
        "to_decide": len(rows),
        "sent": every["open"] - len(rows),
        "by": dict(by),
        "ages": ages,
        "oldest": oldest.isoformat() if oldest else None,
    }


def _open(project: Project) -> dict[str, int]:
    """What waits beside cases: questions from labelling, items that were flagged, skipped or could not be decided."""
    return {"questions": Thread.objects.filter(project=project).waiting().count(), **progress.marked(project)}


def _questions(project: Project) -> list[dict[str, Any]]:
    """Each question's agreement as the worker last computed it, and which labels are confused.

    behind: whether answers changed since; `as_of`, up to when they are in it.
    """
    if project.version is None:
        return []
    version = measuring.chosen(project)
    found = []
    for entry in version.schema["questions"]:
        report = _report(version, entry["name"])
        told: dict[str, Any] = {
            "name": entry["name"],
            "title": entry["title"],
            "kind": entry["kind"],
            "version": version.number,
            "behind": measuring.is_stale(report, version),
        }
        found.append(told if report is None else {**told, **_told(report, entry)})
    return found


def _report(version: GuidelineVersion, question: str) -> AgreementReport | None:
    """The newest figures of a question."""
    rows = AgreementReport.objects.filter(guideline_version=version, question=question)
    return rows.filter(state=State.DONE).first()


def _told(report: AgreementReport, entry: dict[str, Any]) -> dict[str, Any]:
    figures = report.figures
    name = figures["headline"][0]
    return {
        "figure": name,
        "agreement": figures[name],
        "thin_labels": figures.get("thin_labels", {}),
        "percent": (figures.get("percent") or {}).get("value"),
        "items": figures["n_units_2plus"],
        "differing": figures["n_units_differing"],
        "raters": figures["n_raters"],
        "ratings": figures["n_ratings"],
        "given_under": figures.get("given_under", {}),
        "histogram": figures["ratings_histogram"],
        "as_of": report.as_of.isoformat() if report.as_of else None,
        "level": AGREEMENTS[entry["kind"]].level_of(entry),
        "confused": confused(figures),
        "kappa": _kappas(figures),
    }


def confused(figures: dict[str, Any], most: int = 12) -> list[dict[str, Any]]:
    """Pairs of labels that were given to the same item, the most frequent first: {a, b, pairs, share}.

    pairs: of answers, one of which is a and the other b; share: of all pairs of answers in which there is one of the two.
    """
    labels, matrix = figures.get("categories") or [], figures.get("confusion") or []
    found = []
    for a, row in enumerate(matrix):
        for b in range(a):
            apart = row[b]
            either = sum(row) - row[a] / 2 + sum(matrix[b]) - matrix[b][b] / 2 - apart
            if apart:
                found.append({"a": labels[b], "b": labels[a], "pairs": apart, "share": apart / either})
    return sorted(found, key=lambda pair: -pair["pairs"])[:most]


def _kappas(figures: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """person -> mean of Cohen's kappa with each other person, weighted by the items in common."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for pair in figures.get("cohen") or []:
        if pair["kappa"] is None:
            continue
        for side in ("a", "b"):
            sums[pair[side]][0] += pair["kappa"] * pair["n"]
            sums[pair[side]][1] += pair["n"]
    return {person: {"value": total / n, "n": int(n)} for person, (total, n) in sums.items() if n}

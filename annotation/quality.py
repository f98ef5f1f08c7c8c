"""Reads: the quality page's figures as the worker last made them, with the rows behind them, and as a table for a file."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from annotation import consistency, pace, progress, surveying
from annotation.history import cell, line
from annotation.models import AgreementPoint, Alarm, Gold, Project, QualityReport, SecondOpinion, User, WorkDay
from annotation.reading.formulas import MARKER_COLUMN

COLUMNS = ("section", "about", "figure", "value", "low", "high", "n")


def trends(project: Project) -> dict[str, list[AgreementPoint]]:
    """question -> its points in the order of time, those of the newest version where a period has several."""
    found: dict[str, dict[Any, AgreementPoint]] = defaultdict(dict)
    rows = AgreementPoint.objects.filter(project=project).select_related("guideline_version")
    for point in rows.order_by("period", "guideline_version__number"):
        found[point.question][point.period, point.guideline_version_id] = point
    return {question: list(points.values()) for question, points in found.items()}


def names(points: list[AgreementPoint]) -> dict[int, str]:
    """point -> its period, with the guideline version where several of a question have the same."""
    often = Counter(point.period for point in points)
    return {
        point.pk: f"{point.period.isoformat()} v{point.guideline_version.number}"
        if often[point.period] > 1
        else point.period.isoformat()
        for point in points
    }


def figures(project: Project, report: QualityReport) -> dict[str, Any]:
    """The figures as the worker made them, with the pace and what it means for what was missing then.

    pace: {per_day, days: of work that it rests on, first and last of them}, see `pace`; finish: see `pace.ends`. Each of
    the people has a_day, their part of the pace; their sum is the project's. Both are of the moment, as on every page.
    """
    found = pace.pace(project)
    told = report.figures
    days = {"first": found.days[0].isoformat(), "last": found.days[-1].isoformat()} if found.days else {}
    return {
        **told,
        "people": [{**row, "a_day": found.people.get(row["id"], 0.0)} for row in told["people"]],
        "pace": {"per_day": found.per_day, "days": len(found.days), **days},
        "finish": pace.ends(found, told["slots"]["left"]),
    }


def told(project: Project) -> dict[str, Any] | None:
    """The figures as a program reads them, with the trend; None before the first were made."""
    report = surveying.done(project)
    if report is None:
        return None
    points = {
        question: [
            {"period": point.period, "guideline_version": point.guideline_version.number, "figure": point.figure,
             "value": point.value, "low": point.low, "high": point.high, "items": point.n}
            for point in found
        ]
        for question, found in trends(project).items()
    }  # fmt: skip
    about = {"as_of": report.as_of, "stale": surveying.is_stale(report, project)}
    return {**about, **figures(project, report), "trend": points, "data_section": data_section(project, report)}


def people(project: Project) -> list[dict[str, Any]]:
    """What stands of each person, see `progress.people`, with `user`: as the worker last counted it, or counted now where
    it never has; `as_of` is None then."""
    report = surveying.done(project)
    rows = report.figures["people"] if report else progress.people(project)
    users = User.objects.in_bulk([row["id"] for row in rows])
    as_of = report.as_of if report else None
    moments = [datetime.fromisoformat(row["last"]) for row in rows]
    told = zip(rows, moments, strict=True)
    return [{**row, "user": users[row["id"]], "last": last, "as_of": as_of} for row, last in told if row["id"] in users]


def self_agreement(project: Project, person: int | None = None) -> list[dict[str, Any]]:
    """How often people (or this one) say the same again, see `consistency.of_people`: as the worker last measured it, or
    measured now where it never has."""
    report = surveying.done(project)
    if report is None:
        return consistency.of_people(project, person)
    rows = [row for row in report.figures["self_agreement"] if person in (None, row["id"])]
    users = User.objects.in_bulk([row["id"] for row in rows])
    return [{**row, "user": users[row["id"]]} for row in rows if row["id"] in users]


ANSWERS = ("all", "done", "skipped", "left", "percent", "items", "controls", "training", "waiting", "answered", "fewest", "most", "mean")  # fmt: skip
OF_PEOPLE = ("submitted", "skipped", "undecided", "flagged", "controls", "corrected", "seconds_each", "seconds", "days", "a_day")  # fmt: skip


def rows(project: Project, report: QualityReport) -> Iterator[tuple[Any, ...]]:
    """(section, about, figure, value, low, high, n) of every figure."""
    found = figures(project, report)
    for question in found["questions"]:
        if agreement := question.get("agreement"):
            yield "agreement", question["name"], question["figure"], agreement["value"], agreement["low"], agreement["high"], question["items"]  # fmt: skip
            yield "agreement", question["name"], "answers changed since", int(question["behind"]), None, None, None
            yield "agreement", question["name"], "differing", question["differing"], None, None, question["items"]
            if agreement.get("reason") == "thin_labels":
                for label, items in question.get("thin_labels", {}).items():
                    yield "too few for an interval", question["name"], label, None, None, None, items
        for pair in question.get("confused", []):
            yield "confused", question["name"], f"{pair['a']} / {pair['b']}", pair["share"], None, None, pair["pairs"]
    for name, points in trends(project).items():
        called = names(points)
        for point in points:
            yield "trend", name, called[point.pk], point.value, point.low, point.high, point.n
    for person in found["people"]:
        for name in OF_PEOPLE:
            yield "person", person["name"], name, person[name], None, None, None
    for row in found["controls"]:
        yield "control", row["name"], row["question"], row["share"], row["low"], row["high"], row["n"]
    for kind, label in Alarm.Kind.choices:
        yield "alarm", "", str(label), found["alarms"].get(kind, 0), None, None, None
    yield "gold", "", "items", found["gold"]["items"], None, None, None
    yield "gold", "", "control and training items", found["gold"]["apart"], None, None, None
    for name, by in found["gold"]["by"].items():
        for method, count in by.items():
            yield "gold", name, method, count, None, None, None
    for name in ANSWERS:
        yield "answers", "", name, found["slots"][name], None, None, None
    for name in ("open", "to_decide", "sent", "closed", "decided"):
        yield "cases", "", name, found["cases"].get(name), None, None, None
    for name, count in found["open"].items():
        yield "waiting", "", name, count, None, None, None
    ahead = found["finish"]
    yield "pace", "", "answers a day", found["pace"]["per_day"], None, None, found["pace"]["days"]
    yield "finish", "", "days of work", ahead["days"], ahead["low"], ahead["high"], ahead["of_days"]
    for name in ("answers", "seconds"):
        yield "cost of gold", "", name, found["cost_of_gold"][name], None, None, found["cost_of_gold"]["items"]


def as_csv(project: Project, report: QualityReport) -> Iterator[bytes]:
    """Every figure as a line; cells that a spreadsheet would run are disarmed."""
    yield line([*COLUMNS, MARKER_COLUMN])
    for row in rows(project, report):
        yield line([*(cell(_whole(value)) for value in row), "1"])


def _whole(value: Any) -> Any:
    """A whole number without a decimal point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def data_section(project: Project, report: QualityReport) -> dict[str, Any]:
    """What the data section of a paper needs beyond the figures: days, people, how gold was made."""
    days = WorkDay.objects.filter(project=project).order_by("day").values_list("day", flat=True)
    by = progress.methods(report.figures["gold"]["by"])
    gold = sum(by.values())
    answered = [row for row in report.figures["people"] if row["submitted"]]
    seconds = SecondOpinion.objects.filter(project=project)
    return {
        "first": days.first(),
        "last": days.last(),
        "people": len(answered),
        "imported": sum(row["imported"] for row in answered),
        "answers": sum(row["submitted"] for row in answered),
        "gold": gold,
        "gold_by": [{"method": name, "n": by[name], "share": by[name] / gold} for name in Gold.Method.values if by.get(name)],
        "adjudicated": by.get(Gold.Method.ADJUDICATED, 0) / gold if gold else None,
        "second": {"n": seconds.count(), "same": seconds.filter(distance=0).count()},
    }  # fmt: skip

"""quality: the figures of a project as the quality page shows them, as text, JSON or CSV."""

from typing import Any

from django.core.management.base import CommandParser

from annotation import quality, surveying
from annotation.management.command import ProjectCommand, find_project
from annotation.tasks import run_quality
from annotation.templatetags.words import rate


class Command(ProjectCommand):
    """Print the figures of quality; made here and now where something was done since they were last made."""

    help = "Figures of a project's quality: progress, agreement, people, control items, gold, cases, pace and finish."

    def options(self, parser: CommandParser) -> None:
        """How, and whether anew."""
        parser.add_argument("--csv", action="store_true", help="print every figure as a line of CSV")
        parser.add_argument("--full", action="store_true", help="count everything anew, not only what changed")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """The figures, new ones where there are none or they are stale."""
        project = find_project(options["project"])
        if options["full"] or surveying.is_stale(surveying.done(project), project):
            run_quality(surveying.refresh(project, full=options["full"]).pk)
        told = quality.told(project)
        if told is None:
            raise ValueError("The figures could not be made; the page of the project's quality says why.")
        report = surveying.done(project)
        assert report is not None
        self.csv = b"".join(quality.as_csv(project, report)).decode() if options["csv"] else ""
        return {"project": project.slug, **told}

    def told(self, result: dict[str, Any]) -> list[str]:
        """The figures in sentences and tables, or the CSV."""
        return [self.csv.rstrip("\n")] if self.csv else [*_far(result), *_agreement(result), *_people(result)]


def _number(value: float | None, places: int = 2) -> str:
    return "–" if value is None else f"{value:.{places}f}"


def _far(told: dict[str, Any]) -> list[str]:
    slots, gold, cases, ahead = (told[name] for name in ("slots", "gold", "cases", "finish"))
    apart = f", beside {slots['controls']} control and {slots['training']} training items"
    lines = [
        f"{told['project']}: {slots['items']} items of work{apart if slots['controls'] or slots['training'] else ''}",
        f"answers: {slots['done']} of {slots['all']}, {slots['skipped']} closed without one, {slots['left']} missing",
        f"gold: {gold['items']} items; cases: {cases['open']} open, {cases['closed']} closed",
        f"waiting: {told['open']['questions']} questions; items: {told['open']['flagged']} flagged, {told['open']['skips']} skipped, {told['open']['undecided']} undecided",
        f"cost of an item of gold: {_number(told['cost_of_gold']['answers'])} answers (n = {told['cost_of_gold']['items']})",
    ]  # fmt: skip
    if told["pace"]["days"]:
        lines.append(
            f"pace: {rate(told['pace']['per_day'])} answers a day over the last {told['pace']['days']} days of work"
        )
    if ahead["left"] and ahead["days"] is not None:
        span = "" if ahead["low"] is None else f" ({ahead['low']} to {ahead['high']} in eight of ten draws)"
        lines.append(f"finish: after {ahead['days']} days of work{span}")
    return lines


def _agreement(told: dict[str, Any]) -> list[str]:
    lines = []
    for question in told["questions"]:
        if found := question.get("agreement"):
            span = "" if found["low"] is None else f" [{found['low']:.4f}, {found['high']:.4f}]"
            value = _number(found["value"], 4)
            lines.append(
                f"{question['name']}: {question['figure']} {value}{span}, {question['items']} items with two or more answers, {question['differing']} differing, v{question['version']}{', answers changed since' if question['behind'] else ''}"
            )  # fmt: skip
    return lines


def _people(told: dict[str, Any]) -> list[str]:
    lines = ["person                answers  skips  flags  control  seconds  a day"] if told["people"] else []
    for row in told["people"]:
        each, a_day = _number(row["seconds_each"], 1), "–" if row["imported"] else f"{row['a_day']:.1f}"
        lines.append(
            f"{row['name']:<20} {row['submitted']:>8} {row['skipped']:>6} {row['flagged']:>6} {row['controls']:>8} {each:>8} {a_day:>6}"
        )  # fmt: skip
    for row in told["controls"]:
        lines.append(
            f"control items: {row['name']}, {row['question']}: {row['right']} of {row['n']} right [{row['low']:.4f}, {row['high']:.4f}]{'' if row['judged'] else ', too few to judge'}"
        )  # fmt: skip
    return [*lines, *(f"alarms open, {kind}: {count}" for kind, count in told["alarms"].items())]

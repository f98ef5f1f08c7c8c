"""Assign items to people as a batch."""

from argparse import ArgumentTypeError
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from annotation import batching
from annotation.management.command import ProjectCommand, find_project, find_user, plain
from annotation.models import Item


def moment(text: str) -> datetime:
    """A day or a moment by the site's clock."""
    try:
        found = parse_datetime(text)
        day = parse_date(text) if found is None else None
    except ValueError:
        found = day = None
    if found is None and day is not None:
        found = datetime(day.year, day.month, day.day, 23, 59)
    if found is None:
        raise ArgumentTypeError(f"“{text}” is no date: write 2026-12-31 or 2026-12-31T18:00.")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


class Command(ProjectCommand):
    """Give certain items to certain people: by their ids, or so many open ones drawn at random."""

    help = __doc__

    def options(self, parser: CommandParser) -> None:
        """Which items, for whom, until when."""
        parser.add_argument("people", nargs="+", metavar="NAME", help="user names of those who get them")
        parser.add_argument("--name", required=True, help="name of the batch")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--ids", type=Path, metavar="FILE", help="a file with the ids of the items, one a line")
        which.add_argument("--draw", type=int, metavar="N", help="so many open items at random")
        parser.add_argument("--divided", action="store_true", help="one person an item, divided evenly")
        parser.add_argument("--extra", action="store_true", help="more answers where an item has no place left")
        parser.add_argument("--note", default="", help="what these people are to know")
        parser.add_argument("--due", type=moment, metavar="WHEN", help="until when: a day, or a day and an hour")

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """The batch and what came of it."""
        project = find_project(options["project"])
        if not options["ids"] and options["draw"] is None:
            raise ValueError("Say which items: --ids FILE, or --draw N.")
        if options["ids"]:
            items = batching.named(project=project, ids=plain(options["ids"]).read_text("utf-8-sig").splitlines())
        else:
            items = batching.drawn(items=Item.objects.filter(project=project), count=options["draw"])
        outcome = batching.assign(
            project=project,
            items=items,
            people=batching.labellers(project=project, names=options["people"]),
            name=options["name"],
            note=options["note"],
            due_at=options["due"],
            by=find_user(options["user"]),
            divided=options["divided"],
            extra=options["extra"],
        )
        counts = {name: getattr(outcome, name) for name in ("places", "there", "full", "unable")}
        return {"batch": outcome.batch.pk, **counts}

    def told(self, result: dict[str, Any]) -> list[str]:
        """What is assigned, and what could not be."""
        lines = [f"Batch {result['batch']}: {result['places']} answers are assigned."]
        reasons = {"there": "on the item already", "full": "no place left", "unable": "language or kind of text"}
        return lines + [f"  left out, {words}: {result[name]}" for name, words in reasons.items() if result[name]]

"""`demo`: make the demo project with its people, gold, frozen version and first runs."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from training import demo


class Command(BaseCommand):
    """Accounts with a random password exist from then on; the site says so on every page."""

    help = "Make the demo: a project with work to do, agreement, adjudications, a frozen version and runs."

    def add_arguments(self, parser: CommandParser) -> None:
        """--json for machines."""
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, or finish an interrupted one."""
        try:
            words = demo.make(say=lambda step: self.stderr.write(f"  {step} …"))
        except (ValueError, RuntimeError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps({"project": demo.SLUG, "log_ins": words}) if options["json"] else words)

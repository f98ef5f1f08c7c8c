"""Which API tokens people have, and the end of one; secrets are stored nowhere."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation import granting, tokens
from annotation.management.command import as_json, find_user


class Command(BaseCommand):
    """List tokens, of one person or of all, or revoke one by its id."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose, and which to end."""
        parser.add_argument("--user", default="", metavar="NAME", help="whose tokens; everybody's where left out")
        parser.add_argument("--revoke", default="", metavar="ID", help="end the token with this id at once")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """List or revoke."""
        try:
            user = find_user(options["user"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        if options["revoke"]:
            row = tokens.found(options["revoke"], user)
            if row is None:
                raise CommandError(f"There is no token “{options['revoke']}”.")
            result: Any = {"revoked": tokens.told(row)}
            granting.revoke(token=row)
            lines = [f"Revoked: {self._line(result['revoked'])}"]
        else:
            result = [tokens.told(row) for row in tokens.listed(user)]
            lines = [self._line(row) for row in result] or ["No tokens."]
        for line in [as_json(result)] if options["json"] else lines:
            self.stdout.write(line)

    def _line(self, row: dict[str, Any]) -> str:
        ends = f"ends {row['expires']:%Y-%m-%d}" if row["expires"] else "never ends"
        used = f"used {row['used']:%Y-%m-%d}" if row["used"] else "not used yet"
        where = f" in {row['project']}" if row["project"] else ""
        state = " (ended)" if row["ended"] else ""
        return f"{row['id']} {row['user']} “{row['name']}”: {', '.join(row['scopes'])}{where}; {ends}{state}, {used}"

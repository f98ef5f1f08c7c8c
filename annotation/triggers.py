"""Database triggers that refuse the change of rows which stand for good, whatever program asks; used by migrations.

A later migration that lets SQLite rebuild such a table drops its trigger with it: `repeat` the operation there. The tests
of immutability notice where that was forgotten.
"""

from dataclasses import dataclass
from typing import Any

from django.db import migrations


@dataclass(frozen=True)
class Refusal:
    """Refuses an UPDATE of `columns` (empty: of any) of `table`, where `when` (SQL over OLD and NEW) holds.

    With `delete` it refuses that a row goes.
    """

    name: str
    table: str
    says: str
    columns: tuple[str, ...] = ()
    when: str = ""
    delete: bool = False

    def sqlite(self) -> list[str]:
        """The statements that make the trigger on SQLite."""
        when = f"WHEN {self.when} " if self.when else ""
        return [
            f"CREATE TRIGGER {self.name} BEFORE {self._event()} ON {self.table} FOR EACH ROW {when}"
            f"BEGIN SELECT RAISE(ABORT, '{self.says}'); END"
        ]

    def postgresql(self) -> list[str]:
        """The statements that make the trigger and its function on PostgreSQL."""
        when = f"WHEN ({self.when}) " if self.when else ""
        return [
            f"CREATE FUNCTION {self.name}_refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"RAISE EXCEPTION '{self.says}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
            f"CREATE TRIGGER {self.name} BEFORE {self._event()} ON {self.table} FOR EACH ROW {when}"
            f"EXECUTE FUNCTION {self.name}_refuses()",
        ]

    def _event(self) -> str:
        if self.delete:
            return "DELETE"
        return "UPDATE OF " + ", ".join(f'"{column}"' for column in self.columns) if self.columns else "UPDATE"


def refuse(*refusals: Refusal) -> migrations.RunPython:
    """A migration's operation that makes the triggers; undone, it drops them."""

    def create(apps: Any, schema_editor: Any) -> None:
        vendor = schema_editor.connection.vendor
        if vendor not in ("sqlite", "postgresql"):
            raise NotImplementedError(f"What stands for good is not protected on {vendor}. Use PostgreSQL or SQLite.")
        for refusal in refusals:
            for statement in getattr(refusal, vendor)():
                schema_editor.execute(statement, params=None)

    def drop(apps: Any, schema_editor: Any) -> None:
        on_postgresql = schema_editor.connection.vendor == "postgresql"
        for refusal in refusals:
            table = f" ON {refusal.table}" if on_postgresql else ""
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {refusal.name}{table}", params=None)
            if on_postgresql:
                schema_editor.execute(f"DROP FUNCTION IF EXISTS {refusal.name}_refuses()", params=None)

    return migrations.RunPython(create, drop)


def repeat(*refusals: Refusal) -> migrations.RunPython:
    """A migration's operation that makes the triggers again which SQLite has dropped with the table it rebuilt."""

    def create(apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor != "sqlite":
            return
        for refusal in refusals:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {refusal.name}", params=None)
            for statement in refusal.sqlite():
                schema_editor.execute(statement, params=None)

    return migrations.RunPython(create, migrations.RunPython.noop)

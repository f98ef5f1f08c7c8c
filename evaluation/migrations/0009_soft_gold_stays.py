"""How the answers to an ambiguous text spread is content of a frozen example, too: its trigger names that column."""

from typing import Any

from django.db import migrations

EXAMPLE, VERSION = "evaluation_example", "evaluation_datasetversion"
SAYS = "A frozen version cannot be changed: its examples stay as they are. Freeze a new version."


def create(apps: Any, schema_editor: Any) -> None:
    frozen = f"(SELECT frozen_at FROM {VERSION} WHERE id = OLD.version_id) IS NOT NULL"
    trigger = f'CREATE TRIGGER frozen_example_soft BEFORE UPDATE OF "soft" ON {EXAMPLE} FOR EACH ROW'
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"CREATE FUNCTION frozen_example_soft_refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {frozen} THEN "
            f"RAISE EXCEPTION '{SAYS}' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$",
            params=None,
        )
        schema_editor.execute(f"{trigger} EXECUTE FUNCTION frozen_example_soft_refuses()", params=None)
    else:
        schema_editor.execute(f"{trigger} WHEN {frozen} BEGIN SELECT RAISE(ABORT, '{SAYS}'); END", params=None)


def drop(apps: Any, schema_editor: Any) -> None:
    on_postgresql = schema_editor.connection.vendor == "postgresql"
    schema_editor.execute(
        f"DROP TRIGGER IF EXISTS frozen_example_soft{f' ON {EXAMPLE}' if on_postgresql else ''}", params=None
    )
    if on_postgresql:
        schema_editor.execute("DROP FUNCTION IF EXISTS frozen_example_soft_refuses()", params=None)


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0008_checks_and_retirements")]

    operations = [migrations.RunPython(create, drop)]

"""Triggers that refuse every change of a frozen version and its examples, whatever program asks for it.

A later migration that lets SQLite rebuild one of the two tables drops its triggers with it: repeat RunPython(create)
there. tests/evaluation/test_immutability.py notices where that was forgotten.
"""

from django.db import migrations

VERSION, EXAMPLE = "evaluation_datasetversion", "evaluation_example"
# Not item_id: the link to the item is no content, and it is emptied where the item goes.
EXAMPLE_COLUMNS = (
    "id", "version_id", "key", "split", "text", "gold", "votes", "methods", "fields", "component", "digest", "added_in",
)
VERSION_COLUMNS = (
    "id", "dataset_id", "major", "minor", "patch", "previous_id", "guideline_version_id", "options", "content_hash",
    "split_hashes", "counts", "agreement", "findings", "gold_until", "frozen_at",
)
SAYS = {
    "example": "A frozen version cannot be changed: its examples stay as they are. Freeze a new version.",
    "version": "A frozen version cannot be changed or deleted. Freeze a new version.",
}
TRIGGERS = {
    "frozen_example_insert": EXAMPLE,
    "frozen_example_update": EXAMPLE,
    "frozen_example_delete": EXAMPLE,
    "frozen_version_update": VERSION,
    "frozen_version_delete": VERSION,
}


def sqlite():
    names = ", ".join(f'"{column}"' for column in EXAMPLE_COLUMNS)
    changed = " OR ".join(f'NEW."{column}" IS NOT OLD."{column}"' for column in VERSION_COLUMNS)

    def frozen(row):
        return f"(SELECT frozen_at FROM {VERSION} WHERE id = {row}.version_id) IS NOT NULL"

    def refuse(name, event, condition, says):
        table = TRIGGERS[name]
        return (
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
        )

    return [
        refuse("frozen_example_insert", "INSERT", frozen("NEW"), SAYS["example"]),
        refuse("frozen_example_update", f"UPDATE OF {names}", f"{frozen('OLD')} OR {frozen('NEW')}", SAYS["example"]),
        refuse("frozen_example_delete", "DELETE", frozen("OLD"), SAYS["example"]),
        refuse("frozen_version_update", "UPDATE", f"OLD.frozen_at IS NOT NULL AND ({changed})", SAYS["version"]),
        refuse("frozen_version_delete", "DELETE", "OLD.frozen_at IS NOT NULL", SAYS["version"]),
    ]


def postgresql():
    names = ", ".join(f'"{column}"' for column in EXAMPLE_COLUMNS)
    changed = " OR ".join(f'NEW."{column}" IS DISTINCT FROM OLD."{column}"' for column in VERSION_COLUMNS)

    def refuse(name, event, when=""):
        condition = f"WHEN ({when}) " if when else ""
        function = f"assay_refuse_{'example' if TRIGGERS[name] == EXAMPLE else 'version'}"
        return (
            f"CREATE TRIGGER {name} BEFORE {event} ON {TRIGGERS[name]} FOR EACH ROW {condition}"
            f"EXECUTE FUNCTION {function}()"
        )

    return [
        f"""
        CREATE FUNCTION assay_refuse_example() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP <> 'INSERT' THEN
                PERFORM 1 FROM {VERSION} WHERE id = OLD.version_id AND frozen_at IS NOT NULL;
                IF FOUND THEN
                    RAISE EXCEPTION '{SAYS["example"]}' USING ERRCODE = 'integrity_constraint_violation';
                END IF;
            END IF;
            IF TG_OP = 'DELETE' THEN
                RETURN OLD;
            END IF;
            PERFORM 1 FROM {VERSION} WHERE id = NEW.version_id AND frozen_at IS NOT NULL;
            IF FOUND THEN
                RAISE EXCEPTION '{SAYS["example"]}' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """,
        f"""
        CREATE FUNCTION assay_refuse_version() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '{SAYS["version"]}' USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """,
        refuse("frozen_example_insert", "INSERT"),
        refuse("frozen_example_update", f"UPDATE OF {names}"),
        refuse("frozen_example_delete", "DELETE"),
        refuse("frozen_version_update", "UPDATE", f"OLD.frozen_at IS NOT NULL AND ({changed})"),
        refuse("frozen_version_delete", "DELETE", "OLD.frozen_at IS NOT NULL"),
    ]


def create(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    if vendor not in ("sqlite", "postgresql"):
        raise NotImplementedError(f"Frozen versions are not protected on {vendor}. Use PostgreSQL or SQLite.")
    for statement in {"sqlite": sqlite, "postgresql": postgresql}[vendor]():
        schema_editor.execute(statement, params=None)


def drop(apps, schema_editor):
    postgres = schema_editor.connection.vendor == "postgresql"
    for name, table in TRIGGERS.items():
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table}" if postgres else ""), params=None)
    if postgres:
        for name in ("example", "version"):
            schema_editor.execute(f"DROP FUNCTION IF EXISTS assay_refuse_{name}()", params=None)


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0001_initial")]

    operations = [migrations.RunPython(create, drop)]

"""Rows made of rows of the same table: the database copies them, and only what differs is sent to it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, models

from annotation.settling import batches

# Rows a statement: as many as every database takes, with a few values each.
ROWS = 500


def copy(
    model: type[models.Model],
    rows: Iterable[tuple[Any, ...]],
    *,
    differs: Sequence[str],
    same_for_all: Mapping[str, Any],
) -> None:
    """Insert a copy of each row, one statement for each ROWS of them.

    rows: (key of the row that is copied, values of the fields in `differs` in their order); same_for_all: field -> value
    of all copies. What is named in neither is as it was. "earlier" may be left out of both: it is then the key.
    """
    fields: dict[str, Any] = {field.name: field for field in model._meta.concrete_fields if not field.primary_key}
    quote, table = connection.ops.quote_name, connection.ops.quote_name(model._meta.db_table)
    picked: list[str] = []
    fixed: list[Any] = []
    for name, field in fields.items():
        if name in differs:
            picked.append(_typed(field, f"made.value{list(differs).index(name)}"))
        elif name in same_for_all:
            picked.append(_typed(field, "%s"))
            fixed.append(field.get_db_prep_save(same_for_all[name], connection))
        else:
            picked.append(f"{table}.id" if name == "earlier" else f"{table}.{quote(field.column)}")
    names = ", ".join(quote(field.column) for field in fields.values())
    made = ", ".join(["key", *(f"value{place}" for place in range(len(differs)))])
    told = [fields[name] for name in differs]
    with connection.cursor() as cursor:
        for batch in batches(rows, ROWS):
            line = f"({', '.join(['%s'] * (1 + len(differs)))})"
            values: list[Any] = []
            for key, *given in batch:
                values.append(key)
                values += [field.get_db_prep_save(value, connection) for field, value in zip(told, given, strict=True)]
            cursor.execute(
                f"WITH made ({made}) AS (VALUES {', '.join([line] * len(batch))}) "  # noqa: S608 (names of columns)
                f"INSERT INTO {table} ({names}) SELECT {', '.join(picked)} FROM made JOIN {table} ON {table}.id = made.key",
                [*values, *fixed],
            )


def _typed(field: "models.Field[Any, Any]", words: str) -> str:
    """PostgreSQL does not guess the type of a value in a list."""
    return f"CAST({words} AS {field.db_type(connection)})" if connection.vendor == "postgresql" else words


def new_uuid() -> str:
    """SQL of a random UUID, as this database keeps it."""
    return "gen_random_uuid()" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"

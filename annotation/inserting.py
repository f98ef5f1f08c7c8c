"""Many new rows by one statement each, past Django's objects: making these is most of what a bulk_create costs."""

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models

# Rows that are handed to the database at a time.
BATCH = 1000


def insert(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]], **same: Any) -> None:
    """Write rows of a model: `names` are the attributes of what differs, in the order of a row's values, `same` of what does not.

    Foreign keys go by their numbers (item_id); a column that is not named gets its default. Raises ValueError where that is
    made anew for each row, or where a name is none, and IntegrityError as any INSERT does.
    """
    fields = {field.attname: field for field in model._meta.concrete_fields if not field.primary_key}
    rest = {name: field for name, field in fields.items() if name not in names and name not in same}
    made = sorted(
        name
        for name, field in rest.items()
        if field.has_default() and callable(field.default) and field.default not in (dict, list)
    )
    if made or (strange := sorted({*names, *same} - set(fields))):
        raise ValueError(f"{model.__name__}: {made or strange} must be a column, and be named.")
    same |= {name: field.get_default() for name, field in rest.items()}
    told = [*names, *same]
    constants = tuple(_form(fields[name])(value) for name, value in same.items())
    forms = [_form(fields[name]) for name in names]
    quoted = connection.ops.quote_name
    columns = ", ".join(quoted(str(fields[name].column)) for name in told)
    places = ", ".join(["%s"] * len(told))
    sql = f"INSERT INTO {quoted(model._meta.db_table)} ({columns}) VALUES ({places})"  # noqa: S608 - names of columns
    values = ((*(form(value) for form, value in zip(forms, row, strict=True)), *constants) for row in rows)
    with connection.cursor() as cursor:
        while batch := list(islice(values, BATCH)):
            cursor.executemany(sql, batch)


def _form(field: "models.Field[Any, Any]") -> Callable[[Any], Any]:
    """How a value of the field is handed to the database."""
    if isinstance(field, models.JSONField):
        return _json
    if isinstance(field, models.DateTimeField):
        return lambda value: field.get_db_prep_save(value, connection)
    return lambda value: value


def _json(value: Any) -> Any:
    # Most are empty.
    text = "{}" if value == {} else "[]" if value == [] else json.dumps(value, cls=DjangoJSONEncoder)
    return text

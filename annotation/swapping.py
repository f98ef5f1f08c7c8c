"""A slot that is made later than the others takes over the number of one that nobody ever held, which gets a new one.

So nobody can tell by the number of an assignment that it is a control item, or an item that came back.
"""

from collections.abc import Sequence
from typing import Any

from annotation.models import Assignment

# What a slot is beside its number and its lease.
FIELDS = ["item", "slot", "again", "annotator", "state", "priority", "key", "instead", "pool", "extra"]


def swap(places: Sequence[Assignment], made: Sequence[dict[str, Any]]) -> None:
    """Make each place, an open slot that the caller has locked, the slot of `made`; what it was goes on as a new row.

    made: item_id, slot and what else of FIELDS is not blank, one for each place.
    """
    moved = [place.afresh(key=place.key) for place in places]
    for place, values in zip(places, made, strict=True):
        for name, value in {"instead_id": None, "pool_id": None, "extra": False, **values}.items():
            setattr(place, name, value)
    Assignment.every.bulk_update(places, FIELDS, batch_size=500)
    Assignment.every.bulk_create(moved, batch_size=1000)

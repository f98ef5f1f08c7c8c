"""Where the numbers of the coverage table lead: the items of a cell."""

from typing import Any
from urllib.parse import urlencode

from django import template

register = template.Library()


@register.simple_tag
def cell_query(row: dict[str, Any]) -> str:
    """The filters of the list of items that find the items of this cell."""
    asked = {name: row[name] or "none" for name in ("source_type", "language", "period")}
    return urlencode({"role": "work", **asked})

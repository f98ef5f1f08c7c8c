"""What a trainer said, in the reader's language."""

from typing import Any

from django import template

from training.folder import in_words

register = template.Library()


@register.filter
def warnings(result: dict[str, Any]) -> list[str]:
    """The trainer's warnings as sentences; whatever else stands there is left out."""
    found = result.get("warnings")
    return [in_words(one, result) for one in found if isinstance(one, str)] if isinstance(found, list) else []

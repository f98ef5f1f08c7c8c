"""Labels under labels, for the templates."""

from typing import Any

from django import template

from annotation.kinds import labels

register = template.Library()


@register.filter
def tree(question: dict[str, Any]) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each label of a question with those above it, the topmost first."""
    return labels.tree(question)

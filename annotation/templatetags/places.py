"""The project's navigation, for the base page."""

from typing import Any

from django import template

from annotation import navigation
from annotation.models import Membership

register = template.Library()


@register.inclusion_tag("annotation/_navigation.html", takes_context=True)
def places(context: Any, membership: Membership) -> dict[str, Any]:
    """The sections of a project and the places of the one on the screen."""
    match = context["request"].resolver_match
    found = navigation.sections(membership, match.view_name if match else "")
    inner: list[Any] = next((section["places"] for section in found if section["places"]), [])
    return {"sections": found, "inner": inner, "slug": membership.project.slug}

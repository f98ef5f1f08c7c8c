"""What every page knows about the site."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """`demo`: whether demo accounts exist here; `assay_version`: the version in the footer."""
    return {"demo": settings.DEMO, "assay_version": settings.VERSION}

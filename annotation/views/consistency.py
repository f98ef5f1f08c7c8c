"""How often each person says the same of items that came back to them."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation import quality
from annotation.access import member
from annotation.models import Membership
from annotation.views.agreement import FIGURES


@require_safe
@never_cache
@member("adjudicate")
def self_agreement(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Everybody's self-agreement."""
    project = membership.project
    context = {"project": project, "membership": membership, "rows": titled(quality.self_agreement(project))}
    return render(request, "annotation/self_agreement.html", context)


def titled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows with the coefficient of each question in the reader's words."""
    for row in rows:
        for question in row["questions"]:
            name = next(iter(question["figures"]), "")
            question["coefficient"] = FIGURES[name][0] if name in FIGURES else name
    return rows

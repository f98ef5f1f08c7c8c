"""Metrics, states and coordinates in the form that templates of boards, versions and runs need."""

from datetime import datetime
from typing import Any

from django import template
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

register = template.Library()

METRICS = {
    "accuracy": gettext_lazy("accuracy"),
    "macro_f1": gettext_lazy("macro F1"),
    "weighted_f1": gettext_lazy("weighted F1"),
    "mcc": gettext_lazy("MCC"),
    "coverage": gettext_lazy("coverage"),
    "precision": gettext_lazy("precision"),
    "recall": gettext_lazy("recall"),
    "f1": gettext_lazy("F1"),
    "loss": gettext_lazy("loss"),
}
STATES = {
    "done": gettext_lazy("scored"),
    "waiting": gettext_lazy("waits for its score"),
    "failed": gettext_lazy("failed"),
    "withdrawn": gettext_lazy("withdrawn"),
}


@register.filter
def get(holder: Any, name: str) -> Any:
    """The entry of that name, or None."""
    return holder.get(name) if hasattr(holder, "get") else None


@register.filter
def metric_name(name: str) -> str:
    """A metric as people call it."""
    return str(METRICS.get(name, name))


@register.filter
def entry_state(name: str) -> str:
    """The state of a board's entry in words."""
    return str(STATES.get(name, name))


@register.filter
def points(share: float | None, places: int = 1) -> str:
    """A share as points of a hundred."""
    return "–" if share is None else number_format(100 * share, places)


@register.filter
def coordinate(number: float) -> str:
    """A number as SVG wants it: with a dot in every language."""
    return f"{number:g}"


@register.filter
def tenths(share: float | None) -> int:
    """0 to 10, for the shade of a cell."""
    return round(10 * share) if share else 0


@register.filter
def moment(text: str) -> str:
    """An ISO time of a stored event in the reader's form."""
    found: datetime | None = parse_datetime(text) if text else None
    return date_format(localtime(found), "SHORT_DATETIME_FORMAT") if found and found.tzinfo else text


@register.filter
def thousands(number: int | None) -> str:
    """A whole number with its groups."""
    return _("none") if number is None else number_format(number, 0, force_grouping=True)

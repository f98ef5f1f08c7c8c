"""Metrics, states and coordinates in the form that templates of boards, versions and runs need."""

from datetime import datetime
from typing import Any

from django import template
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evaluation.findings import in_words

register = template.Library()

METRICS = {
    "accuracy": gettext_lazy("accuracy"),
    "macro_f1": gettext_lazy("macro F1"),
    "weighted_f1": gettext_lazy("weighted F1"),
    "mcc": gettext_lazy("MCC"),
    "exact_match": gettext_lazy("exact set"),
    "micro_f1": gettext_lazy("micro F1"),
    "micro_precision": gettext_lazy("micro precision"),
    "micro_recall": gettext_lazy("micro recall"),
    "overlap_f1": gettext_lazy("F1, overlapping"),
    "boundary_f1": gettext_lazy("F1 of the ends"),
    "without_error": gettext_lazy("items without error"),
    "argument_f1": gettext_lazy("F1 of arguments"),
    "argument_precision": gettext_lazy("precision of arguments"),
    "argument_recall": gettext_lazy("recall of arguments"),
    "type_f1": gettext_lazy("F1 of triggers with type"),
    "trigger_f1": gettext_lazy("F1 of triggers"),
    "status_accuracy": gettext_lazy("status right, of events found"),
    "date_accuracy": gettext_lazy("date right, of events found"),
    "jaccard": gettext_lazy("mean Jaccard"),
    "hamming": gettext_lazy("Hamming loss"),
    "mae": gettext_lazy("mean absolute error"),
    "rmse": gettext_lazy("root mean squared error"),
    "within": gettext_lazy("within the tolerance"),
    "pearson": gettext_lazy("Pearson correlation"),
    "spearman": gettext_lazy("Spearman correlation"),
    "r2": gettext_lazy("R squared"),
    "agreement_no_ties": gettext_lazy("agreement without ties"),
    "kappa": gettext_lazy("Cohen's kappa"),
    "kendall_tau": gettext_lazy("Kendall's tau-b"),
    "top1": gettext_lazy("best one found"),
    "qwk": gettext_lazy("quadratic weighted kappa"),
    "exact": gettext_lazy("equal ratings"),
    "exact_all": gettext_lazy("all ratings equal"),
    "criterion_mae": gettext_lazy("mean absolute error"),
    "criterion_qwk": gettext_lazy("quadratic weighted kappa"),
    "criterion_exact": gettext_lazy("equal ratings"),
    "exact_words": gettext_lazy("exact match"),
    "token_f1": gettext_lazy("token F1"),
    "chrf": gettext_lazy("chrF"),
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


register.filter(in_words)


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
    """A share as points of a hundred; rounded first, because number_format cuts off."""
    return "–" if share is None else number_format(round(100 * share, places), places)


FAULTS = {
    "unknown": gettext_lazy("ids that the board does not have"),
    "double": gettext_lazy("ids that occur twice"),
    "bad_labels": gettext_lazy("labels that the question does not have"),
    "bad_rows": gettext_lazy("rows that could not be read"),
    "missing": gettext_lazy("examples without a prediction"),
}


@register.filter
def report_lines(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(what, how many, the first ones) of a submission's report, in words; what did not occur is left out."""
    answered = f"{thousands(report.get('answered', 0))} / {thousands(report.get('examples', 0))}"
    found = [
        (_("rows read"), thousands(report.get("rows", 0)), ""),
        (_("examples answered"), answered, ""),
    ]
    for name, title in FAULTS.items():
        fault = report.get(name) or {}
        if fault.get("count"):
            found.append((str(title), thousands(fault["count"]), "; ".join(map(_first, fault.get("first", [])))))
    if report.get("empty_labels"):
        found.append((_("rows without a label"), thousands(report["empty_labels"]), ""))
    for status, count in (report.get("statuses") or {}).items():
        if status != "ok":
            found.append((_("answers with the status “%(status)s”") % {"status": status}, thousands(count), ""))
    if soft := report.get("soft"):
        near = _("not in the metrics; closeness to what people said: %(closeness)s") % {
            "closeness": f"{soft['closeness']:.3f}"
        }
        found.append((_("examples of ambiguous texts"), thousands(soft["n"]), near))
    if ignored := report.get("ignored_columns"):
        found.append((_("columns that were ignored"), thousands(len(ignored)), ", ".join(ignored)))
    return found


def _first(entry: Any) -> str:
    """'12: id, label' of a faulty row, or the id alone."""
    if not isinstance(entry, dict):
        return str(entry)
    rest = ", ".join(str(value) for name, value in entry.items() if name != "row" and value not in (None, ""))
    return f"{entry['row']}: {rest}" if "row" in entry else rest


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
    """An ISO time of a stored event as the pages show times."""
    found: datetime | None = parse_datetime(text) if text else None
    return date_format(localtime(found), "Y-m-d H:i") if found and found.tzinfo else text


@register.filter
def thousands(number: int | None) -> str:
    """A whole number with its groups."""
    return _("none") if number is None else number_format(number, 0, force_grouping=True)


CHANGE_NAMES = {
    "added": gettext_lazy("added"),
    "retired": gettext_lazy("retired or left"),
    "moved": gettext_lazy("moved to another split"),
    "text": gettext_lazy("text changed"),
    "relabelled": gettext_lazy("relabelled"),
    "fields": gettext_lazy("other fields changed"),
}


@register.filter
def change_name(name: str) -> Any:
    """What happened to examples between two versions, in words."""
    return CHANGE_NAMES.get(name, name)

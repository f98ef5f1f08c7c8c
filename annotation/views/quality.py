"""The quality page: figures with the rows behind them, as a table and as a report to print."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from annotation import competence, surveying
from annotation import quality as figures_of
from annotation.access import member
from annotation.charts import Point, curve
from annotation.finish import FAR
from annotation.jobs import LIVE
from annotation.models import Alarm, Gold, Membership, Project, QualityReport
from annotation.schema import label_names
from annotation.views.agreement import FIGURES


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("adjudicate")
def quality(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The figures as the worker last made them, with their time; a POST asks for new ones."""
    project = membership.project
    if request.method == "POST":
        surveying.refresh(project, full="full" in request.POST)
        return redirect("annotation:quality", project.slug)
    report = surveying.done(project)
    job = QualityReport.objects.filter(project=project, state__in=LIVE).first()
    if report is None and job is None and surveying.newest(project) is not None:
        job = surveying.refresh(project)
    last = None if job else QualityReport.objects.filter(project=project).first()
    context: dict[str, Any] = {
        "project": project,
        "membership": membership,
        "report": report,
        "job": job or (last if last and last != report else None),
        "progress_url": reverse("annotation:quality_progress", args=[project.slug]) if job else "",
        "is_stale": report is not None and surveying.is_stale(report, project),
    }
    if report is not None:
        context |= shown(project, report)
    return render(request, "annotation/quality.html", context)


@require_safe
@never_cache
@member("adjudicate")
def quality_progress(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """How far the figures are; the page is loaded anew once they are there."""
    job = QualityReport.objects.filter(project=membership.project).first()
    if job is None:
        raise Http404
    context = {"job": job, "progress_url": reverse("annotation:quality_progress", args=[membership.project.slug])}
    response = render(request, "_job.html", context)
    if not job.is_live:
        response["HX-Refresh"] = "true"
    return response


@require_safe
@never_cache
@member("adjudicate")
def quality_file(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Every figure as a line of CSV."""
    report = surveying.done(membership.project)
    if report is None:
        raise Http404
    rows = figures_of.as_csv(membership.project, report)
    response = StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{membership.project.slug}-quality.csv"'
    return response


@require_safe
@never_cache
@member("adjudicate")
def quality_report(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """What the data section of a paper needs, to be printed."""
    project = membership.project
    report = surveying.done(project)
    context: dict[str, Any] = {"project": project, "membership": membership, "report": report}
    if report is not None:
        section = figures_of.data_section(project, report)
        titles = dict(Gold.Method.choices)
        section["gold_by"] = [(titles[row["method"]], row["n"], row["share"]) for row in section["gold_by"]]
        context |= {**shown(project, report), "section": section, "versions": project.versions.order_by("number")}
    return render(request, "annotation/quality_report.html", context)


def shown(project: Project, report: QualityReport) -> dict[str, Any]:
    """The figures with titles, drawings and the addresses of the rows behind them."""
    figures = figures_of.figures(project, report)
    entries = {entry["name"]: entry for entry in (project.version.schema["questions"] if project.version else [])}
    points = figures_of.trends(project)
    weeks = figures.get("period") == "week"
    finish = figures["finish"]
    return {
        "figures": figures,
        "slots": figures["slots"],
        "questions": [
            _question(project, question, entries.get(question["name"]), points.get(question["name"], []), weeks)
            for question in figures["questions"]
        ],
        "people": [_person(project, row, figures) for row in figures["people"]],
        "kappa_of": next((question["title"] for question in figures["questions"] if question.get("kappa")), ""),
        "alarms": [(kind, label, figures["alarms"][kind]) for kind, label in Alarm.Kind.choices if kind in figures["alarms"]],
        "alarms_open": sum(figures["alarms"].values()),
        "least": competence.LEAST,
        "ages": _ages(figures["cases"]["ages"]),
        "oldest": _oldest(figures["cases"]["oldest"], report),
        "pace": figures["pace"],
        "finish": finish,
        "ready": datetime.fromisoformat(finish["ready"]) if finish["ready"] else None,
        "far": finish["days"] is not None and finish["days"] >= FAR,
        "cost": figures["cost_of_gold"],
        "gold_by": _methods(figures["gold"]["by"]),
    }  # fmt: skip


def _question(
    project: Project, question: dict[str, Any], entry: dict[str, Any] | None, points: list[Any], weeks: bool
) -> dict[str, Any]:
    title, _meaning, percent = FIGURES.get(question.get("figure", ""), (question.get("figure", ""), "", False))
    called = figures_of.names(points)
    drawn = [
        Point(called[point.pk], point.value, point.low, point.high, f"v{point.guideline_version.number}, n = {point.n}")
        for point in points
    ]  # fmt: skip
    name = {"question": question["title"], "figure": title}
    words = _("%(figure)s of “%(question)s” by week of the first answer") if weeks else _("%(figure)s of “%(question)s” by day of the first answer")  # fmt: skip
    values = [value for point in points for value in (point.value, point.low) if value is not None]
    bottom = -1.0 if min(values, default=0.0) < -0.05 else 0.0
    linked = entry is not None and entry["kind"] == "choice"
    return {
        **question,
        "entry": entry,
        "figure_title": title,
        "is_percent": percent,
        "as_of": datetime.fromisoformat(question["as_of"]) if question.get("as_of") else None,
        "chart": curve(drawn, title=words % name, bottom=bottom) if len(drawn) > 1 else None,
        "pairs": [
            {**pair, **(_behind(project, question["name"], pair) if linked and entry and {pair["a"], pair["b"]} <= set(label_names(entry)) else {})}
            for pair in question.get("confused", [])
        ],
    }  # fmt: skip


def _behind(project: Project, question: str, pair: dict[str, Any]) -> dict[str, str]:
    """The open cases and the items in which two labels stand against each other."""
    both = "\t".join(sorted((pair["a"], pair["b"])))
    query = urlencode({"question": question, "pair": both})
    return {
        "cases": f"{reverse('annotation:adjudicate', args=[project.slug])}?{query}",
        "items": f"{reverse('annotation:items', args=[project.slug])}?{query}",
    }


def _person(project: Project, row: dict[str, Any], figures: dict[str, Any]) -> dict[str, Any]:
    kappas = [question["kappa"] for question in figures["questions"] if question.get("kappa")]
    return {
        **row,
        "hours": row["seconds"] / 3600,
        "kappa": kappas[0].get(str(row["id"])) if kappas else None,
        "accuracy": [told for told in figures["controls"] if told["id"] == row["id"]],
        "history": f"{reverse('annotation:history', args=[project.slug])}?person={row['id']}",
        "items": f"{reverse('annotation:items', args=[project.slug])}?person={row['id']}",
        "last": datetime.fromisoformat(row["last"]),
    }


def _methods(by: dict[str, dict[str, int]]) -> list[tuple[str, str, Any, int]]:
    """(question, code, how, how many answers)."""
    return [
        (question, name, label, methods[name])
        for question, methods in by.items()
        for name, label in Gold.Method.choices
        if methods.get(name)
    ]


def _ages(counts: list[int]) -> list[tuple[str, str, int]]:
    """(how old, the filter of the queue that says so, how many) of the cases that are to be decided."""
    bounds = list(zip((0, *surveying.AGES), (*surveying.AGES, None), strict=True))
    names = [_("less than %(days)d day old") % {"days": surveying.AGES[0]}]
    names += [_("%(low)d to %(high)d days") % {"low": low, "high": high} for low, high in bounds[1:-1]]
    names.append(pgettext("age", "%(days)d days or more") % {"days": surveying.AGES[-1]})
    ages = [f"{low}-{'' if high is None else high}" for low, high in bounds]
    return list(zip(names, ages, counts, strict=True))


def _oldest(moment: str | None, report: QualityReport) -> int | None:
    """How many days the oldest open case has waited, at the time of the figures."""
    if moment is None or report.as_of is None:
        return None
    return int((report.as_of - datetime.fromisoformat(moment)).days)

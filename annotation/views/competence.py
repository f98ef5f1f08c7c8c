"""People and quality: how each person does on control items, what was seen of their work, and what was set aside of it."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import charts, competence, delegating, quality, setting_aside
from annotation.access import member
from annotation.models import Annotation, Errand, GuidelineVersion, Membership, Project, SetAside, User
from annotation.views import errands
from annotation.views.agreement import FIGURES
from annotation.views.posted import text, whole


@require_safe
@never_cache
@member("manager")
def people(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Everybody who has given answers, with what there is to know of them."""
    project = membership.project
    told: dict[int, list[dict[str, Any]]] = {}
    for row in competence.of_people(competence.checks(project)):
        told.setdefault(row["person"].pk, []).append(row)
    members = {row.user_id: row for row in project.memberships.select_related("user") if row.can_label}
    known = quality.people(project)
    seen = {row["user"].pk for row in known}
    waiting = [{"user": row.user, "submitted": 0} for pk, row in members.items() if pk not in seen]
    aside = set(SetAside.objects.standing().filter(project=project).values_list("person", flat=True))
    context = {
        "project": project,
        "membership": membership,
        "rows": [
            {
                **row,
                "accuracy": told.get(row["user"].pk, []),
                "aside": row["user"].pk in aside,
                "member": members.get(row["user"].pk),
            }
            for row in [*known, *waiting]
        ],
        "least": competence.LEAST,
    }
    return render(request, "annotation/people.html", context)


@require_safe
@never_cache
@member("manager")
def person(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """One person: accuracy by question and guideline version, its course, the answers behind it, what was set aside."""
    project = membership.project
    who = person_of(project, pk)
    found = competence.checks(project, person=who.pk)
    versions = GuidelineVersion.objects.in_bulk({check.version for check in found})
    questions = list(dict.fromkeys(check.question for check in found))
    context = {
        "project": project,
        "membership": membership,
        "person": who,
        "least": competence.LEAST,
        "figures": [
            {"question": question, "version": versions[version], "accuracy": told}
            for (question, version), told in competence.by(found, "question", "version").items()
        ],
        "charts": [_course(question, [c for c in found if c.question == question]) for question in questions],
        "wrong": [{"check": check, "version": versions[check.version]} for check in reversed(found) if check.score < 1][
            :50
        ],
        "acts": SetAside.objects.filter(project=project, person=who).select_related("made_by", "reverted_by"),
    }
    return render(request, "annotation/person.html", context)


def person_of(project: Project, pk: int) -> User:
    """Somebody who is a member or has given answers; Http404 else."""
    found = User.objects.filter(pk=pk)
    known = found.filter(memberships__project=project) | found.filter(annotations__project=project)
    who = known.distinct().first()
    if who is None:
        raise Http404
    return who


def _course(question: str, found: list[competence.Check]) -> dict[str, Any]:
    points = [
        charts.Point(at.strftime("%Y-%m-%d"), told.share, told.low, told.high, f"{told.right}/{told.n}")
        for at, told in competence.trend(found)
    ]
    title = _("Accuracy on “%(question)s”, %(size)d control answers at a time") % {
        "question": question,
        "size": competence.LEAST,
    }
    return charts.curve(points, title=title) if len(points) > 1 else {}


# -- Setting aside --------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def set_aside(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """What was set aside; with ?person= what would change, and a POST does it."""
    project = membership.project
    data = request.POST if request.method == "POST" else request.GET
    questions = project.version.schema["questions"] if project.version else []
    answers = Annotation.objects.filter(project=project, annotator=OuterRef("pk"))
    context: dict[str, Any] = {
        "project": project,
        "membership": membership,
        "acts": project.set_aside.select_related("person", "made_by", "reverted_by", "guideline_version"),
        "people": User.objects.filter(Exists(answers)).order_by("username"),
        "questions": questions,
        "versions": GuidelineVersion.objects.filter(project=project).order_by("-number"),
        "given": {name: text(data, name)[:200] for name in ("person", "since", "until", "question", "version")},
        "reason": text(data, "reason"),
    }
    status = 200
    errand = errands.asked_for(request, project, Errand.What.LOOK, Errand.What.ASIDE, Errand.What.RESTORE)
    try:
        if data.get("person"):
            asked = _wanted(project, data)
            if request.method == "POST":
                act = delegating.set_aside(asked, reason=text(data, "reason"), user=request.user)
                return _followed(request, project, act, _("Set aside. It can be taken back below."))
            found = delegating.look(asked, user=request.user)
            if isinstance(found, Errand):
                return _followed(request, project, found, "")
            context |= _looked_at(asked, found)
        elif errand is not None and errand.what == Errand.What.LOOK and errand.result:
            context |= _looked_at(setting_aside.Wanted.read(project, errand.asked), errand.result)
        elif errand is not None:
            context["errand"] = errand
    except ValueError as error:
        context["error"], status = str(error), 400
    return render(request, "annotation/set_aside.html", context, status=status)


def _followed(request: HttpRequest, project: Project, done: SetAside | Errand, words: str) -> HttpResponseBase:
    """To the list of what was set aside, or to where it is told how far a worker is."""
    address = reverse("annotation:set_aside", args=[project.slug])
    if isinstance(done, Errand):
        return redirect(f"{address}?errand={done.pk}")
    messages.success(request, words)
    return redirect(address)


def _looked_at(asked: setting_aside.Wanted, effect: dict[str, Any]) -> dict[str, Any]:
    # What was looked at is what is done, though answers come in meanwhile.
    told = {**asked.told, "version": asked.told["version"] or ""}
    return {"asked": asked, "effect": _named(effect), "given": {name: str(value) for name, value in told.items()}}


def _named(effect: dict[str, Any]) -> dict[str, Any]:
    """The effect with the name of each coefficient as people know it."""
    rows = []
    for row in effect["agreement"]:
        name, _meaning, is_percent = FIGURES.get(row["figure"], (row["figure"].replace("_", " "), "", False))
        rows.append({**row, "name": name, "is_percent": is_percent})
    return {**effect, "agreement": rows}


def _wanted(project: Project, data: Any) -> setting_aside.Wanted:
    pk = text(data, "person")
    if not (pk.isdecimal() and len(pk) < 19):
        raise ValueError(_("Choose a person."))
    who = person_of(project, int(pk))
    since = moment(text(data, "since"))
    if since is None:
        raise ValueError(_("Say from which time on, such as 2026-05-14 or 2026-05-14T09:30."))
    number = text(data, "version")
    return setting_aside.wanted(
        project=project,
        person=who,
        since=since,
        until=moment(text(data, "until"), end=True),
        question=text(data, "question"),
        version=whole(number, _("The version")) if number else None,
    )


def moment(words: str, *, end: bool = False) -> datetime | None:
    """A time as somebody types it, by the site's clock; a day alone is its beginning, or its end. None for nothing."""
    if not words.strip():
        return None
    plain = words.strip().replace(" ", "T")
    try:
        day = len(plain) == 10
        found = parse_datetime(f"{plain}T23:59:59.999999" if day and end else f"{plain}T00:00" if day else plain)
        if found is None:
            raise ValueError
        return found if timezone.is_aware(found) else timezone.make_aware(found)
    except (ValueError, OverflowError):
        raise ValueError(_("“%(words)s” is no time such as 2026-05-14 or 2026-05-14T09:30.") % {"words": words[:40]}) from None  # fmt: skip


@require_POST
@member("manager")
def revert_set_aside(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Take it back."""
    act = get_object_or_404(SetAside.objects.select_related("project", "person"), pk=pk, project=membership.project)
    try:
        done = delegating.revert(act=act, user=request.user)
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("annotation:set_aside", membership.project.slug)
    return _followed(request, membership.project, done, _("Taken back: the answers count again."))

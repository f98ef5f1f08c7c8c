"""Agreement, and the adjudicator's desk."""

import json
from string import ascii_lowercase
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import adjudicating, asking, measuring
from annotation import schema as schemas
from annotation.access import member, refuse_blind
from annotation.kinds import KINDS
from annotation.labelling_strings import strings
from annotation.markdown import to_html
from annotation.models import AgreementReport, Case, Gold, GuidelineVersion, Item, Membership, Project
from annotation.views.items import with_excerpts
from annotation.views.labelling import compares, packet_item, shared_modules
from annotation.views.posted import text


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("adjudicate")
def agreement(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The figures as the worker last made them, with their time; new ones are asked for where answers came since."""
    project = membership.project
    context: dict[str, Any] = {"project": project, "membership": membership}
    if project.version is None:
        return render(request, "annotation/agreement.html", context)
    version = version_asked(request, project)
    questions = version.schema["questions"]
    asked = request.GET.get("question") or questions[0]["name"]
    entry = next((entry for entry in questions if entry["name"] == asked), None)
    if entry is None:
        raise Http404
    if request.method == "POST":
        measuring.refresh(version=version, question=asked)
        return redirect(f"{request.path}?{urlencode({'question': asked, 'version': version.number})}")
    now = measuring.standing(version=version, question=asked)
    progress = reverse("annotation:agreement_progress", args=[project.slug, asked])
    context |= {
        "questions": questions,
        "entry": entry,
        "version": version,
        "versions": measuring.versions(project),
        "report": now.done,
        "job": now.at_work or now.failed,
        "progress_url": f"{progress}?version={version.number}" if now.at_work else "",
        "figures": shown(measuring.shown_to(request.user, now.done.figures), entry) if now.done else None,
    }
    return render(request, "annotation/agreement.html", context)


def version_asked(request: HttpRequest, project: Project) -> GuidelineVersion:
    """The guideline version of ?version=, or the newest with answers; Http404 where there is no such one."""
    number = request.GET.get("version", "")
    try:
        return measuring.chosen(project, int(number) if number else None)
    except ValueError:
        raise Http404 from None


# name -> title, what it means, whether it is a share that is shown in percent.
FIGURES: dict[str, tuple[Any, Any, bool]] = {
    "krippendorff_alpha": (
        gettext_lazy("Krippendorff's alpha"),
        gettext_lazy("corrected for chance; copes with missing answers. 1 is perfect, 0 is chance"),
        False,
    ),
    "alpha_masi": (
        gettext_lazy("Krippendorff's alpha (MASI)"),
        gettext_lazy("corrected for chance; sets that overlap agree in part. 1 is perfect, 0 is chance"),
        False,
    ),
    "alpha_jaccard": (
        gettext_lazy("alpha (Jaccard)"),
        gettext_lazy("the same with another distance: the share of labels that only one of two people gave"),
        False,
    ),
    "alpha_interval": (
        gettext_lazy("Krippendorff's alpha (interval)"),
        gettext_lazy("corrected for chance; a difference counts with its square. 1 is perfect, 0 is chance"),
        False,
    ),
    "alpha_ordinal": (
        gettext_lazy("Krippendorff's alpha (ordinal)"),
        gettext_lazy(
            "corrected for chance; a difference counts by the answers that lie between. 1 is perfect, 0 is chance"
        ),
        False,
    ),
    "alpha_ratio": (
        gettext_lazy("Krippendorff's alpha (ratio)"),
        gettext_lazy("corrected for chance; a difference counts by its share of the sum. 1 is perfect, 0 is chance"),
        False,
    ),
    "qwk": (
        gettext_lazy("quadratic weighted kappa"),
        gettext_lazy("mean over the pairs of people, each corrected for how the two of them answer"),
        False,
    ),
    "icc_a1": (
        gettext_lazy("ICC(A,1)"),
        gettext_lazy(
            "intraclass correlation of single answers, absolute agreement, two-way random (McGraw and Wong 1996); over the largest table of people and items without a gap"
        ),
        False,
    ),
    "mean_difference": (
        gettext_lazy("mean difference"),
        gettext_lazy("how far two answers to one item lie apart on average, in points of the scale"),
        False,
    ),
    "alpha_mean": (
        gettext_lazy("Krippendorff's alpha (ordinal, mean)"),
        gettext_lazy(
            "mean over the criteria of the alpha of each, which the table below tells. 1 is perfect, 0 is chance"
        ),
        False,
    ),
    "equal": (
        gettext_lazy("equal answers"),
        gettext_lazy(
            "share of pairs of answers that differ in nothing but case, width and blanks. Free words have no alpha: there is no chance to correct for"
        ),
        True,
    ),
    "similarity": (
        gettext_lazy("mean similarity"),
        gettext_lazy(
            "of the characters of two answers to one item: 2 M / T by matching blocks (Ratcliff and Obershelp). 1 is the same"
        ),
        False,
    ),
    "percent": (
        gettext_lazy("percent agreement"),
        gettext_lazy("share of pairs of answers that agree, chance included"),
        True,
    ),
    "alpha_strength": (
        gettext_lazy("alpha with strength (interval)"),
        gettext_lazy(
            "on the line from one response much better over the tie to the other; a difference counts squared"
        ),
        False,
    ),
    "kendall_tau": (
        gettext_lazy("Kendall's tau-b"),
        gettext_lazy("mean over items of the rankings of every two people. 1 is the same order, -1 the opposite"),
        False,
    ),
    "kendall_w": (
        gettext_lazy("Kendall's W"),
        gettext_lazy(
            "concordance of all rankings of an item, corrected for ties, mean over items. 1 is the same order"
        ),
        False,
    ),
    "fleiss_kappa": (
        gettext_lazy("Fleiss' kappa"),
        gettext_lazy("corrected for chance by how often each label is used"),
        False,
    ),
    "gwet_ac1": (
        gettext_lazy("Gwet's AC1"),
        gettext_lazy("corrected for chance; steady where one label is rare"),
        False,
    ),
}
MOST_IN_MATRIX = 12


def shown(figures: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """The figures as the page shows them: names of people, titles of labels, contested items with their words."""
    people = figures.get("raters", {})
    pairs = [
        {**pair, "a_name": people.get(pair["a"], pair["a"]), "b_name": people.get(pair["b"], pair["b"])}
        for pair in figures.get("cohen", [])
    ]
    headline = []
    for name in figures.get("headline") or FIGURES:
        title, meaning, percent = FIGURES[name]
        headline.append((title, figures[name], percent, meaning))
    return {
        **figures,
        "headline": headline,
        "main": headline[0][1],
        # Thresholds are Krippendorff's, so a verdict is given on an alpha alone.
        "judged": headline[0][1] if "alpha" in (figures.get("headline") or list(FIGURES))[0] else None,
        "entry": entry,
        "pairs": pairs,
        "matrix": _matrix(pairs),
        "confusion_rows": _confusion(figures),
        "label_rows": _label_rows(figures, entry),
        "is_paradox": bool(figures.get("paradox")),
        "most_used": max(figures.get("prevalence", {}).items(), key=lambda row: row[1] or 0, default=("", None)),
        "contested": _contested(figures.get("contested") or []),
    }


def _label_rows(figures: dict[str, Any], entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Each label's figures with its title, colour and share of all answers."""
    labels = {label["name"]: label for label in entry.get("labels", [])}
    rows = []
    for row in figures.get("labels", []):
        label = labels.get(row["label"], {})
        words = {"title": label.get("title", row["label"]), "color": label.get("color", 0)}
        rows.append({**row, **words, "prevalence": figures["prevalence"].get(row["label"])})
    return rows


def _matrix(pairs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Kappa of everyone with everyone; None where there are too many people for a square, or too few."""
    names = {pair[side]: pair[f"{side}_name"] for pair in pairs for side in ("a", "b")}
    people = sorted(names, key=lambda who: (names[who], who))
    if not 3 <= len(people) <= MOST_IN_MATRIX:
        return None
    kappa = {frozenset((pair["a"], pair["b"])): pair for pair in pairs}
    rows = [
        (names[left], [None if left == right else kappa.get(frozenset((left, right)), {}) for right in people])
        for left in people
    ]
    return {"people": [names[who] for who in people], "rows": rows}


def _confusion(figures: dict[str, Any]) -> list[tuple[str, list[tuple[float, float | None]], float]]:
    """(label, [(pairs, share of the row)], sum of the row) for every label down."""
    return [
        (label, [(cell, cell / total if total else None) for cell in row], total)
        for label, row in zip(figures.get("categories", []), figures.get("confusion", []), strict=False)
        for total in [sum(row)]
    ]


def _contested(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The contested items that still exist, with the beginning of their text."""
    items = {item.pk: item for item in with_excerpts(Item.objects.filter(pk__in=[int(row["unit"]) for row in rows]))}
    return [{**row, "item": items[int(row["unit"])]} for row in rows if int(row["unit"]) in items]


@require_safe
@never_cache
@member("adjudicate")
def agreement_progress(request: HttpRequest, membership: Membership, question: str) -> HttpResponseBase:
    """A fragment while figures are made; the whole page is asked for when they are there."""
    version = version_asked(request, membership.project)
    at_work = AgreementReport.objects.live().filter(guideline_version=version, question=question).first()
    response = render(request, "_job.html", {"job": at_work, "progress_url": request.get_full_path()})
    if at_work is None:
        response["HX-Refresh"] = "true"
    return response


@require_safe
@never_cache
@member("adjudicate")
def adjudicate(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The queue: open cases, most contested first, and what was settled lately."""
    project = membership.project
    # Without the documents: the page shows the first words of each.
    cases = adjudicating.queue(project=project, user=request.user).select_related(None)
    settled = Gold.objects.current().visible_to(request.user)
    settled = settled.filter(project=project, method=Gold.Method.ADJUDICATED)
    page = Paginator(cases, 50).get_page(request.GET.get("page"))
    lately = list(settled.select_related("settled_by").order_by("-settled_at", "-pk")[:20])
    wanted = {row.item_id for row in page.object_list} | {row.item_id for row in lately}
    items = {item.pk: item for item in with_excerpts(Item.objects.filter(pk__in=wanted))}
    context = {
        "project": project,
        "membership": membership,
        "schema": project.version.schema if project.version else {"questions": []},
        "page_obj": page,
        "for_others": adjudicating.queue(project=project).count() - page.paginator.count,
        "cases": [(row, items[row.item_id]) for row in page.object_list],
        "settled": [(row, items[row.item_id]) for row in lately],
        "settled_count": settled.count(),
    }
    return render(request, "annotation/adjudicate.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("adjudicate")
def case(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """One case: the text, who said what without names, and the decision by key with a reason."""
    project = membership.project
    row = get_object_or_404(Case.objects.select_related("item__document", "project__version"), pk=pk, project=project)
    refuse_blind(membership, row.item_id)
    error = ""
    if request.method == "POST":
        try:
            adjudicating.decide(
                case=row,
                value=_decision(request, membership, row.question),
                user=request.user,
                reason=request.POST.get("reason", ""),
                note=text(request.POST, "note"),
            )
        except ValueError as problem:
            error = str(problem)
        else:
            after = adjudicating.following(project=project, after=row, user=request.user)
            if after:
                return redirect("annotation:case", project.slug, after.pk)
            messages.success(request, _("All cases are settled."))
            return redirect("annotation:adjudicate", project.slug)
    open_cases = adjudicating.queue(project=project, user=request.user).count()
    return _desk(request, membership, row, error=error, left=open_cases)


def _desk(request: HttpRequest, membership: Membership, row: Case, *, error: str, **extra: Any) -> HttpResponseBase:
    """The page of one decision. Names are shown where the answer is settled already, and never before."""
    version = membership.project.version
    if version is None:
        raise Http404
    try:
        entry = schemas.question(version.schema, row.question)
    except ValueError:
        # The question was dropped by a later version: there is nothing to decide by.
        raise Http404 from None
    gold = Gold.objects.current().filter(item=row.item_id, question=row.question)
    item = packet_item(row.item, questions=[entry], person=membership.user_id)
    # Answers are told by the names of the responses, so here they stand beside them.
    item["named"] = True
    asked = {**entry, "template": f"annotation/kinds/{entry['kind']}.html"}
    # One label is a plain choice in a form; what has parts is answered with the widget of the labelling page.
    desk = {
        "question": entry,
        "item": item,
        "strings": strings(),
        "module": static(f"js/kinds/{entry['kind']}.js"),
        "modules": shared_modules(),
    }
    context = {
        "project": membership.project,
        "membership": membership,
        "case": row,
        "item": row.item,
        "document": row.item.document,
        "compares": compares([entry]),
        "responses": item.get("candidates", []),
        "entry": asked,
        "desk": desk if entry["kind"] != "choice" else None,
        "answers": adjudicating.answers(row),
        "asked": [
            {"thread": thread, "remarks": asking.told(thread, membership.user)}
            for thread in asking.threads(project=membership.project, user=membership.user).filter(item=row.item_id)
        ],
        "shows_names": not Case.objects.open().filter(item=row.item_id).exists(),
        "gold": gold.select_related("settled_by", "guideline_version").first(),
        "is_open": row.closed_at is None,
        "reasons": reason_keys(entry),
        "guideline_html": to_html(version.text),
        "version": version,
        "error": error,
        "kept": request.POST,
        **extra,
    }
    return render(request, "annotation/case.html", context, status=400 if error else 200)


def _decision(request: HttpRequest, membership: Membership, question: str) -> Any:
    """The posted value: a label by its name, anything with parts as JSON; raises ValueError."""
    given = text(request.POST, "value")
    entry = schemas.question(adjudicating.version_of(membership.project).schema, question)
    if entry["kind"] == "choice":
        return given
    try:
        value = json.loads(given or "null")
    except (ValueError, RecursionError):
        raise ValueError(_("The decision could not be read; choose again.")) from None
    if value is None:
        raise ValueError(_("Decide first: there is no answer yet."))
    return value


def reason_keys(entry: dict[str, Any]) -> list[tuple[str, Any, str]]:
    """(code, words, key) of each reason: a letter of its code that no label and no action of the page has taken."""
    taken = {label["key"] for label in entry.get("labels", [])} | {"g", "n", "s", "?", *KINDS[entry["kind"]].keys}
    found = []
    for code, words in adjudicating.REASONS.items():
        key = next((letter for letter in code + ascii_lowercase if letter not in taken), "")
        taken.add(key)
        found.append((code, words, key))
    return found


@require_POST
@member("adjudicate")
def skip_case(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Look at another case first; this one stays open."""
    row = get_object_or_404(Case, pk=pk, project=membership.project)
    after = adjudicating.following(project=membership.project, after=row, user=request.user)
    return redirect("annotation:case", membership.project.slug, after.pk if after else row.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("adjudicate")
def redecide(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Settle a settled answer anew; the old one stays as history."""
    gold = get_object_or_404(
        Gold.objects.select_related("item__document", "project__version", "settled_by"),
        pk=pk,
        project=membership.project,
    )
    refuse_blind(membership, gold.item_id)
    error = ""
    if request.method == "POST":
        try:
            adjudicating.redecide(
                gold=gold,
                value=_decision(request, membership, gold.question),
                user=request.user,
                reason=request.POST.get("reason", ""),
                note=text(request.POST, "note"),
            )
        except ValueError as problem:
            error = str(problem)
        else:
            messages.success(request, _("Settled anew; the earlier decision is kept in the item's history."))
            return redirect("annotation:item", membership.project.slug, gold.item_id)
    return _desk(request, membership, adjudicating.case_of(gold), error=error, again=gold)


@require_POST
@member("manager")
def settle_all(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Apply the project's rule to every complete item; cases for the rest."""
    try:
        made = adjudicating.settle_all(project=membership.project)
    except ValueError as problem:
        messages.error(request, str(problem))
    else:
        gold = ngettext("%(count)d answer became gold", "%(count)d answers became gold", made["gold"])
        cases = ngettext("%(count)d case was opened.", "%(count)d cases were opened.", made["cases"])
        sentence = f"{gold % {'count': made['gold']}}; {cases % {'count': made['cases']}}"
        messages.success(request, sentence)
    return redirect("annotation:adjudicate", membership.project.slug)

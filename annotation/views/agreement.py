"""The page of agreement: figures of one question, as the worker last computed them."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from annotation import measuring
from annotation.access import member
from annotation.models import AgreementReport, GuidelineVersion, Item, Membership, Project
from annotation.views.items import with_excerpts


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
        "page": "figures",
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
        gettext_lazy("mean over the items of the share of pairs of answers that agree, chance included"),
        True,
    ),
    "exact_f1": (
        gettext_lazy("pairwise F1, exact"),
        gettext_lazy(
            "of the marks of every two people those that both have, with the same ends and label; pairs weigh by their marks. Chance hardly ever marks alike, so it is not corrected for"
        ),
        False,
    ),
    "overlap_f1": (
        gettext_lazy("pairwise F1, overlapping"),
        gettext_lazy("the same, where a mark counts that shares a character and the label with one of the other"),
        False,
    ),
    "boundary_f1": (
        gettext_lazy("pairwise F1 of the ends"),
        gettext_lazy("whether the same words are marked, whatever the label"),
        False,
    ),
    "partial_f1": (
        gettext_lazy("pairwise F1, partial"),
        gettext_lazy("whatever the label: 1 for the same ends, a half for a character in common (SemEval 2013)"),
        False,
    ),
    "token_f1": (
        gettext_lazy("F1 of words"),
        gettext_lazy("of the words, or characters of Chinese, that the marks cover, each with its label"),
        False,
    ),
    "type_f1": (
        gettext_lazy("F1 of triggers with type"),
        gettext_lazy("of the events of every two people those that both have, with the same trigger and type"),
        False,
    ),
    "trigger_f1": (
        gettext_lazy("F1 of triggers"),
        gettext_lazy("whether the same words tell of an event, whatever its type"),
        False,
    ),
    "argument_f1": (
        gettext_lazy("F1 of arguments"),
        gettext_lazy("of what fills the roles of every two people that which both have, in the same event and role"),
        False,
    ),
    "label_alpha": (
        gettext_lazy("alpha of the labels"),
        gettext_lazy("Krippendorff's alpha (nominal) of the labels of words that two or more people marked alike"),
        False,
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
# The other coefficients of a report, for those who compare with another study: name -> title, what it is.
ALSO: dict[str, tuple[Any, Any]] = {
    "scott_pi": (gettext_lazy("Scott's pi"), gettext_lazy("mean of the pairs of people; chance from both together")),
    "conger_kappa": (
        gettext_lazy("Conger's kappa"),
        gettext_lazy("Cohen's for many people: chance from what each of them answers"),
    ),
    "light_kappa": (gettext_lazy("Light's kappa"), gettext_lazy("plain mean of Cohen's kappas of all pairs")),
    "brennan_prediger": (
        gettext_lazy("Brennan and Prediger"),
        gettext_lazy("chance is the same for every label; also Bennett's S, Randolph's free-marginal kappa"),
    ),
    "alpha_nominal": (gettext_lazy("alpha (nominal)"), gettext_lazy("any two different scores are equally far apart")),
    "alpha_ordinal": (gettext_lazy("alpha (ordinal)"), gettext_lazy("by the answers that lie between")),
    "alpha_interval": (gettext_lazy("alpha (interval)"), gettext_lazy("by the squared difference")),
    "alpha_ratio": (gettext_lazy("alpha (ratio)"), gettext_lazy("by the difference as a share of the sum")),
    "lwk": (gettext_lazy("linear weighted kappa"), gettext_lazy("mean over the pairs of people")),
    "qwk": (gettext_lazy("quadratic weighted kappa"), gettext_lazy("mean over the pairs of people")),
    "gwet_ac1": (gettext_lazy("Gwet's AC1"), gettext_lazy("over all scores of the scale, used or not")),
    "ac2_linear": (gettext_lazy("Gwet's AC2, linear weights"), gettext_lazy("over all scores of the scale")),
    "ac2_quadratic": (gettext_lazy("Gwet's AC2, quadratic weights"), gettext_lazy("over all scores of the scale")),
    "icc_1": ("ICC(1)", gettext_lazy("one-way; whoever answers; ICC(1,1) of Shrout and Fleiss")),
    "icc_a1": ("ICC(A,1)", gettext_lazy("two-way, absolute agreement; their ICC(2,1)")),
    "icc_c1": ("ICC(C,1)", gettext_lazy("two-way, consistency: a constant difference is forgiven; their ICC(3,1)")),
    "icc_1k": ("ICC(k)", gettext_lazy("of the mean of all people, one-way; their ICC(1,k)")),
    "icc_ak": ("ICC(A,k)", gettext_lazy("of the mean of all people, absolute agreement; their ICC(2,k)")),
    "icc_ck": ("ICC(C,k)", gettext_lazy("of the mean of all people, consistency; their ICC(3,k)")),
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
        "also_rows": [(*ALSO[name], found) for name, found in (figures.get("also") or {}).items() if name in ALSO],
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

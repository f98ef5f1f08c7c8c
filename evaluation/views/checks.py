"""What was looked at for long: a preview, leaks, the hash again, two versions compared; and the pairs behind it."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation import differences, jobs
from annotation.access import member
from annotation.models import Membership
from annotation.views.errands import progress
from annotation.views.posted import text
from evaluation import checking, findings, retiring, rules
from evaluation.comparison import CHANGES
from evaluation.models import SPLITS, Check, DatasetVersion, Pair
from evaluation.views.versions import found as find_version

PAGE = 10
# A pair of filings would be a page of its own.
CUT = 4000


def find(membership: Membership, pk: int) -> Check:
    """The check, if it belongs to the project; what a freeze would give is for managers."""
    rows = Check.objects.select_related("version__dataset", "other", "created_by", "dataset")
    row = get_object_or_404(rows, pk=pk, project=membership.project)
    if row.what == Check.What.PREVIEW and not membership.is_manager:
        raise PermissionDenied
    return row


@require_safe
@never_cache
@member("boards")
def check(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Progress, then the result."""
    row = find(membership, pk)
    slug = membership.project.slug
    context = {
        "project": membership.project,
        "membership": membership,
        "progress_url": reverse("evaluation:check_progress", args=[slug, pk]),
        "cancel_url": reverse("evaluation:check_cancel", args=[slug, pk]) if membership.is_manager else "",
        "pairs_url": reverse("evaluation:check_pairs", args=[slug, pk]),
        **context_of(row),
    }
    if row.what == Check.What.COMPARE and row.result:
        context["rows"] = [(name, row.result["counts"][name]) for name in CHANGES]
        context["splits"] = SPLITS
    return render(request, f"evaluation/check_{row.what}.html", context)


def context_of(row: Check) -> dict[str, Any]:
    """What a page tells of a check."""
    told = [(entry, findings.in_words(entry)) for entry in row.result.get("leaks", row.result.get("findings", []))]
    context: dict[str, Any] = {"job": row, "check": row, "result": row.result, "told": told}
    if row.what == Check.What.PREVIEW and row.result:
        context["advice"] = [(entry, findings.in_words(entry)) for entry in row.result["findings"]]
        context["parts"] = [(split, row.result["splits"][split]) for split in SPLITS]
        context["balance"] = [
            (name, [(label, [part["labels"][name][label] for _s, part in context["parts"]]) for label in labels])
            for name, labels in row.result["splits"]["train"]["labels"].items()
        ]
    return context


@require_safe
@never_cache
@member("boards")
def check_progress(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The progress as a fragment."""
    return progress(request, find(membership, pk))


@require_POST
@member("manager")
def check_cancel(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Stop it; nothing of it stays."""
    if not jobs.cancel(find(membership, pk)):
        messages.info(request, _("It had ended already."))
    return redirect("evaluation:check", membership.project.slug, pk)


@require_safe
@never_cache
@member("boards")
def check_pairs(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The pairs of a finding, both texts side by side."""
    row = find(membership, pk)
    may = rules.may_have_test_gold(request.user, membership.project)
    context = {
        "project": membership.project,
        "membership": membership,
        "back": reverse("evaluation:check", args=[membership.project.slug, pk]),
        **pairs_of(row, request, may=may),
    }
    return render(request, "evaluation/pairs.html", context)


def pairs_of(row: Check, request: HttpRequest, *, may: bool) -> dict[str, Any]:
    """A page of pairs with their differences marked; test gold only with the right."""
    kind = text(request.GET, "kind")[:200]
    rows = Pair.objects.filter(check_of=row, kind=kind).order_by("number")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return {
        "check": row,
        "kind": kind,
        "page_obj": page,
        "pairs": [_side_by_side(pair, may) for pair in page.object_list],
        "query": urlencode({"kind": kind}),
        "compared": row.what == Check.What.COMPARE,
    }


def _side_by_side(pair: Pair, may: bool) -> dict[str, Any]:
    left, right = rules.shown((pair.left, pair.right), may)
    words = [(side["text"][:CUT] if side else "") for side in (left, right)]
    marked = differences.words(*words) if left and right else ([(False, words[0])], [(False, words[1])])
    return {
        "pair": pair,
        "sides": [
            {
                "side": side,
                "pieces": pieces,
                "cut": side is not None and len(side["text"]) > CUT,
                "tag": tag,
                "gold": _gold(side),
            }
            for side, pieces, tag in zip((left, right), marked, ("del", "ins"), strict=True)
        ],
    }


def _gold(side: dict[str, Any] | None) -> list[tuple[str, Any]]:
    gold = side.get("gold") if side else None
    if isinstance(gold, dict):
        return list(gold.items())
    return [("", label) for label in gold or []]


# -- Of versions --------------------------------------------------------------------------------------------------


@require_POST
@member("boards")
def verify(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The hash again, by a worker; who asked and what came out is kept."""
    return _ask(request, membership, pk, checking.ask_verify)


@require_POST
@member("boards")
def leaks(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The leak report of a version, by a worker."""
    return _ask(request, membership, pk, checking.ask_leaks)


def _ask(request: HttpRequest, membership: Membership, pk: int, ask: Any) -> HttpResponseBase:
    try:
        row = ask(version=find_version(membership, pk), user=request.user)
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("evaluation:version", membership.project.slug, pk)
    return redirect("evaluation:check", membership.project.slug, row.pk)


@require_POST
@member("boards")
def compare(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """This version beside another one of its dataset; the earlier one is the side before."""
    version = find_version(membership, pk)
    number = text(request.POST, "with")
    rows = DatasetVersion.objects.select_related("dataset__project").filter(dataset=version.dataset)
    other = get_object_or_404(rows, pk=int(number) if number.isdecimal() and len(number) < 19 else 0)
    before, after = sorted((version, other), key=lambda each: each.pk)
    try:
        row = checking.ask_compare(before=before, after=after, user=request.user)
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("evaluation:version", membership.project.slug, pk)
    return redirect("evaluation:check", membership.project.slug, row.pk)


@require_POST
@member("manager")
def retire(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The next version leaves these examples out, or has them again."""
    version = find_version(membership, pk)
    keys = [key.replace("\x00", "") for key in request.POST.getlist("key")] + text(request.POST, "keys").splitlines()
    back = request.POST.get("do") == "back"
    act = retiring.bring_back if back else retiring.retire
    try:
        n = act(dataset=version.dataset, keys=keys, reason=text(request.POST, "reason"), user=request.user)
    except ValueError as error:
        messages.error(request, str(error))
    else:
        said = _("Brought back: %(n)d.") if back else _("Retired: %(n)d. The next version leaves them out.")
        messages.success(request, said % {"n": n})
    return redirect("evaluation:examples", membership.project.slug, pk)

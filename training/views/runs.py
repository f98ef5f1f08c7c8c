"""Runs: start one, follow it live, cancel it, do it again."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.access import member
from annotation.models import Membership
from evaluation.models import DatasetVersion
from training import folder, running
from training.forms import RunForm, options_sent
from training.ml.job import KINDS as TRAINED
from training.models import Run
from training.recipes import RECIPES
from training.views.charts import chart


@require_safe
@never_cache
@member("boards")
def runs(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """The project's runs, newest first."""
    rows = Run.objects.filter(version__dataset__project=membership.project)
    rows = rows.select_related("system", "version__dataset", "created_by", "submission")
    versions = DatasetVersion.objects.frozen().filter(dataset__project=membership.project).select_related("dataset")
    context = {
        "project": membership.project,
        "membership": membership,
        "page_obj": Paginator(rows, 50).get_page(request.GET.get("page")),
        "versions": versions.order_by("-pk")[:20],
    }
    return render(request, "training/runs.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("research")
def start(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Choose a recipe for a version and start it."""
    rows = DatasetVersion.objects.frozen().select_related("dataset__project", "guideline_version")
    version = get_object_or_404(rows, pk=pk, dataset__project=membership.project)
    questions = [entry["name"] for entry in version.questions if entry["kind"] in TRAINED]
    choices = [(name, _(recipe.title)) for name, recipe in RECIPES.items()]
    first = request.GET.get("recipe", "finetune_top2")
    form = RunForm(
        request.POST or None,
        recipes=choices,
        questions=questions,
        initial={"recipe": first, "question": (questions or [""])[0]},
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            run = running.start(
                version=version,
                question=data["question"],
                recipe=data["recipe"],
                options=options_sent(request.POST, data["recipe"]),
                seed=data["seed"],
                name=data["name"],
                user=request.user,
            )
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            return redirect("training:run", membership.project.slug, run.pk)
    context = {
        "project": membership.project,
        "membership": membership,
        "version": version,
        "form": form if questions else None,
        "recipes": RECIPES,
        "sent": request.POST,
    }
    return render(request, "training/start.html", context, status=400 if form.errors else 200)


def found(membership: Membership, pk: int) -> Run:
    """The run, if it belongs to the project."""
    rows = Run.objects.select_related(
        "system",
        "version__dataset__project",
        "version__guideline_version",
        "created_by",
        "submission__benchmark",
        "parent",
    )
    return get_object_or_404(rows, pk=pk, version__dataset__project=membership.project)


@require_safe
@never_cache
@member("boards")
def run(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """A run: progress, curves, result, manifest, log."""
    row = found(membership, pk)
    return render(request, "training/run.html", {"project": membership.project, "membership": membership, **shown(row)})


def shown(row: Run) -> dict[str, Any]:
    """What the page and its live fragment show."""
    points = folder.curve(row)
    loss = [(point["step"], point["loss"]) for point in points if point.get("loss") is not None]
    dev = [point for point in points if point.get("dev")]
    curves = {
        name: [(point["step"], point["dev"][name]) for point in dev if point["dev"].get(name) is not None]
        for name in ("macro_f1", "accuracy")
    }
    return {
        "run": row,
        "job": row,
        "loss_chart": chart(_("Training loss"), {"loss": loss}, x_title=_("step")),
        "dev_chart": chart(_("Dev split"), curves, x_title=_("step"), bounds=(0.0, 1.0)),
        "dev_points": dev,
        "log": folder.log_tail(row, 8000),
        "children": row.children.all(),
    }


@require_safe
@never_cache
@member("boards")
def run_progress(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The live part of the page as a fragment."""
    row = found(membership, pk)
    context = {"project": membership.project, "membership": membership, **shown(row)}
    response = render(request, "training/_live.html", context)
    if not row.is_live:
        response["HX-Refresh"] = "true"
    return response


@require_POST
@member("research")
def cancel(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Stop a run; its log and checkpoints stay."""
    if not running.cancel(run=found(membership, pk), user=request.user):
        messages.info(request, _("It had ended already."))
    return redirect("training:run", membership.project.slug, pk)


@require_POST
@member("research")
def again(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The same again as a run of its own; nothing is overwritten."""
    try:
        child = running.again(run=found(membership, pk), user=request.user)
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("training:run", membership.project.slug, pk)
    return redirect("training:run", membership.project.slug, child.pk)


@require_safe
@member("boards")
def log(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """The end of the log as text."""
    words = folder.log_tail(found(membership, pk), 1_000_000)
    return HttpResponse(words, content_type="text/plain; charset=utf-8")


@require_safe
@member("boards")
def manifest(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Everything that made the result, as JSON."""
    row = found(membership, pk)
    if not row.manifest:
        raise Http404
    return JsonResponse(row.manifest, json_dumps_params={"indent": 2, "ensure_ascii": False})

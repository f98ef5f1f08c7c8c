"""A data set: what people say of it, the questions of its datasheet, and which of them nobody has answered."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation.access import member
from annotation.models import Membership
from evaluation import citations, datasheet, describing
from evaluation.forms import DescribeForm
from evaluation.models import Dataset


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member("manager")
def dataset(request: HttpRequest, membership: Membership, pk: int) -> HttpResponseBase:
    """Describe it, for its exports."""
    row = get_object_or_404(Dataset, pk=pk, project=membership.project)
    form = DescribeForm(request.POST or None, dataset=row)
    if request.method == "POST" and form.is_valid():
        try:
            describing.describe(dataset=row, user=request.user, **form.said())
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved. Exports made from now on tell it."))
            return redirect("evaluation:dataset", membership.project.slug, row.pk)
    context = {
        "project": membership.project,
        "membership": membership,
        "dataset": row,
        "form": form,
        "missing": datasheet.missing(row.datasheet),
        "asked": len(datasheet.ASKED),
        "licences": citations.LICENCES,
    }
    return render(request, "evaluation/dataset.html", context, status=400 if form.errors else 200)

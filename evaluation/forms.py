"""Forms of evaluation: they check fields and leave the rules to the domain functions."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from evaluation.metrics import KINDS
from evaluation.models import SPLITS


def primaries(kinds: set[str]) -> list[tuple[str, Any]]:
    """The metrics that boards of these kinds may rank by; the first choice leaves it to each kind."""
    found = {
        metric.name: _(metric.title)
        for kind in sorted(kinds)
        for metric in KINDS[kind].metrics.values()
        if metric.may_be_primary
    }
    return [("", _("the usual one of each question")), *found.items()]


class FreezeForm(forms.Form):
    """How to freeze the next version."""

    dataset = forms.CharField(label=_("data set"), max_length=120)
    questions = forms.MultipleChoiceField(label=_("questions"), widget=forms.CheckboxSelectMultiple)
    train = forms.FloatField(label=_("train, %"), min_value=0, max_value=100, initial=70)
    dev = forms.FloatField(label=_("dev, %"), min_value=0, max_value=100, initial=10)
    test = forms.FloatField(label=_("test, %"), min_value=0, max_value=100, initial=20)
    splits = forms.ChoiceField(
        label=_("splits"),
        choices=[
            ("auto", _("as the documents say where all of them do, else by seed")),
            ("random", _("by seed, stratified by label")),
            ("given", _("as the documents say")),
        ],
    )
    group_by = forms.MultipleChoiceField(
        label=_("keep together"),
        choices=[
            ("near", _("texts that are nearly the same")),
            ("template", _("texts that differ in their numbers alone")),
            ("document", _("passages of one document")),
            ("issuer", _("texts of one issuer")),
        ],
        initial=["near"],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("Same texts always stay in one split."),
    )
    seed = forms.IntegerField(label=_("seed"), min_value=0, max_value=2**31 - 1, initial=13)
    primary_metric = forms.ChoiceField(
        label=_("primary metric"),
        required=False,
        help_text=_("Fixed before anyone looks at the test split."),
    )
    allow_leaks = forms.CharField(
        label=_("why splits may share texts"),
        required=False,
        max_length=500,
        help_text=_(
            "Only where the documents say their splits: texts or groups in two splits stop the freeze, unless a reason is given. It is recorded."
        ),
    )
    change_note = forms.CharField(label=_("what changed"), required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, questions: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [entry["name"] for entry in questions]
        self.fields["questions"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]
        self.fields["questions"].initial = names
        self.fields["primary_metric"].choices = primaries({entry["kind"] for entry in questions})  # type: ignore[attr-defined]

    def options(self) -> dict[str, Any]:
        """Keyword arguments for freezing.ask."""
        data = self.cleaned_data
        return {
            "dataset_name": data["dataset"],
            "questions": data["questions"],
            "shares": {name: data[name] / 100 for name in SPLITS},
            "splits": data["splits"],
            "group_by": tuple(data["group_by"]),
            "seed": data["seed"],
            "primary_metric": data["primary_metric"],
            "allow_leaks": data["allow_leaks"],
            "change_note": data["change_note"],
        }


class SubmitForm(forms.Form):
    """Predictions of an outside system."""

    system = forms.CharField(
        label=_("system"), max_length=120, help_text=_("What made the predictions, with its version.")
    )
    description = forms.CharField(
        label=_("description"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )
    partial = forms.BooleanField(
        label=_("take it with faults"),
        required=False,
        help_text=_("Rows with faults count as not answered, instead of refusing the whole file."),
    )
    file = forms.FileField(
        label=_("file"),
        help_text=_("JSONL or CSV with the columns id and label (score.<label> and status if there are any)."),
    )


class ScheduleForm(forms.Form):
    """When to refresh."""

    cron = forms.CharField(
        label=_("schedule"),
        max_length=100,
        help_text=_("minute hour day-of-month month day-of-week; “0 6 * * 1” is Mondays at six"),
    )
    timezone = forms.CharField(label=_("time zone"), max_length=60)
    enabled = forms.BooleanField(label=_("enabled"), required=False)
    minimum = forms.IntegerField(label=_("new gold items needed"), min_value=1, max_value=10_000_000)
    rerun = forms.BooleanField(label=_("run the systems again on the new version"), required=False)

"""Forms of evaluation: they check fields and leave the rules to the domain functions."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from evaluation import datasheet, formats, rules
from evaluation.metrics import KINDS
from evaluation.models import SPLITS, Dataset, DatasetVersion


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
            ("time", _("by time: the latest are the test")),
            ("given", _("as the documents say")),
            ("column", _("as a column of the metadata says")),
        ],
    )
    test_n = forms.IntegerField(
        label=_("test, as a number"),
        required=False,
        min_value=0,
        max_value=10_000_000,
        help_text=_("A number of examples counts in place of the share; the rest is train."),
    )
    dev_n = forms.IntegerField(label=_("dev, as a number"), required=False, min_value=0, max_value=10_000_000)
    split_column = forms.ChoiceField(label=_("column that says the split"), required=False)
    test_from = forms.DateField(
        label=_("test begins on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Left empty, the windows follow from the shares, or go on where those of the last version ended."),
    )
    dev_from = forms.DateField(label=_("dev begins on"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    gap_days = forms.IntegerField(
        label=_("days left free before dev and test"), required=False, min_value=0, max_value=rules.LONGEST_GAP
    )
    gap_to = forms.ChoiceField(
        label=_("texts of these days"),
        required=False,
        choices=[("leave", _("are left out")), ("train", _("go into train"))],
    )
    undated = forms.ChoiceField(
        label=_("texts without a date"),
        required=False,
        choices=[("leave", _("are left out")), ("train", _("go into train"))],
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
    divide_documents = forms.BooleanField(
        label=_("passages of one document may stand in different splits"), required=False
    )
    seed = forms.IntegerField(label=_("seed"), min_value=0, max_value=2**31 - 1, initial=13)
    primary_metric = forms.ChoiceField(
        label=_("primary metric"),
        required=False,
        help_text=_("Fixed before anyone looks at the test split."),
    )
    allow_leaks = forms.CharField(
        label=_("why leaks are allowed"),
        required=False,
        max_length=500,
        help_text=_(
            "Texts or groups in two splits, and texts with different gold, stop the freeze, unless a reason is given. It is recorded."
        ),
    )
    change_note = forms.CharField(label=_("what changed"), required=False, widget=forms.Textarea(attrs={"rows": 2}))

    # What is needed by some splits alone stands apart.
    PARTS = (
        (_("Sizes as numbers"), ("test_n", "dev_n")),
        (_("By time"), ("test_from", "dev_from", "gap_days", "gap_to", "undated")),
        (_("By a column"), ("split_column",)),
    )

    def __init__(self, *args: Any, questions: list[dict[str, Any]], columns: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        meta = [(f"meta.{name}", name) for name in columns]
        self.fields["group_by"].choices += [(value, _("the same “%(name)s”") % {"name": name}) for value, name in meta]  # type: ignore[attr-defined]
        self.fields["split_column"].choices = [("", "–"), *meta]  # type: ignore[attr-defined]
        names = [entry["name"] for entry in questions]
        self.fields["questions"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]
        self.fields["questions"].initial = names
        self.fields["primary_metric"].choices = primaries({entry["kind"] for entry in questions})  # type: ignore[attr-defined]

    @property
    def main(self) -> list[forms.BoundField]:
        """The fields that every freeze looks at."""
        apart = {name for _title, names in self.PARTS for name in names}
        return [field for field in self if field.name not in apart]

    @property
    def parts(self) -> list[dict[str, Any]]:
        """The others, in parts; one in which something was said is open."""
        found = []
        for title, names in self.PARTS:
            fields = [self[name] for name in names]
            said = any(field.errors or field.data not in (None, "", "leave", "0") for field in fields)
            found.append({"title": title, "fields": fields, "open": said})
        return found

    def wanted(self) -> dict[str, Any]:
        """How to split, as rules.check takes it."""
        data = self.cleaned_data
        days = {name: data[name].isoformat() if data[name] else "" for name in ("test_from", "dev_from")}
        return {
            "questions": data["questions"],
            "shares": {name: data[name] / 100 for name in SPLITS},
            "counts": {name: n for name in ("dev", "test") if (n := data[f"{name}_n"]) is not None},
            "splits": data["splits"],
            "group_by": tuple(data["group_by"]),
            "divide_documents": data["divide_documents"],
            "split_column": data["split_column"],
            **days,
            "gap_days": data["gap_days"] or 0,
            "gap_to": data["gap_to"] or "leave",
            "undated": data["undated"] or "leave",
            "seed": data["seed"],
            "primary_metric": data["primary_metric"],
            "allow_leaks": data["allow_leaks"],
        }

    def options(self) -> dict[str, Any]:
        """Keyword arguments for freezing.ask."""
        data = self.cleaned_data
        return {"dataset_name": data["dataset"], "change_note": data["change_note"], **self.wanted()}


class DescribeForm(forms.Form):
    """What people say of a data set, and the questions of its datasheet."""

    description = forms.CharField(
        label=_("description"), required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 4})
    )
    licence = forms.CharField(
        label=_("licence"),
        required=False,
        max_length=200,
        help_text=_("An SPDX identifier such as CC-BY-4.0, or the terms in a sentence."),
        widget=forms.TextInput(attrs={"list": "licences"}),
    )
    creators = forms.CharField(
        label=_("made by"),
        required=False,
        max_length=5_000,
        help_text=_("A person or an institution on each line."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    contact = forms.CharField(label=_("contact"), required=False, max_length=200)
    citation = forms.CharField(
        label=_("citation"), required=False, max_length=5_000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, dataset: Dataset, **kwargs: Any) -> None:
        answers = {f"answer-{name}": words for name, words in dataset.datasheet.items()}
        super().__init__(*args, initial={**dataset.about, **answers}, **kwargs)
        for entry in datasheet.ASKED:
            self.fields[f"answer-{entry.name}"] = forms.CharField(
                label=_(entry.words), required=False, max_length=datasheet.LONGEST, widget=forms.Textarea(attrs={"rows": 2})
            )  # fmt: skip

    def sections(self) -> list[tuple[str, list[Any]]]:
        """The questions under their headings."""
        return [
            (
                _(title),
                [self[f"answer-{entry.name}"] for entry in datasheet.ASKED if entry.section == section],
            )
            for section, title in datasheet.SECTIONS.items()
        ]

    def about(self) -> list[Any]:
        """The fields before the questions."""
        return [self[name] for name in ("description", "licence", "creators", "contact", "citation")]

    def said(self) -> dict[str, Any]:
        """Keyword arguments for describing.describe."""
        data = self.cleaned_data
        return {
            **{name: data[name] for name in ("description", "licence", "creators", "contact", "citation")},
            "answers": {entry.name: data[f"answer-{entry.name}"] for entry in datasheet.ASKED},
        }


class ExportForm(forms.Form):
    """How a version goes out."""

    format = forms.ChoiceField(label=_("format"), widget=forms.RadioSelect)
    question = forms.ChoiceField(
        label=_("question"), required=False, help_text=_("For formats that carry one question.")
    )
    splits = forms.MultipleChoiceField(label=_("splits"), widget=forms.CheckboxSelectMultiple)
    scheme = forms.ChoiceField(
        label=_("tags"), choices=[(name, name) for name in formats.SCHEMES], initial="BIO", required=False,
        help_text=_("For CoNLL: BIOES also says where a mark ends."),
    )  # fmt: skip
    test_gold = forms.BooleanField(label=_("with the gold of the test split"), required=False)
    annotations = forms.BooleanField(
        label=_("with the answers of the annotators and what was adjudicated"),
        required=False,
        help_text=_("Under names that mean nothing elsewhere, others in each version."),
    )
    comments = forms.BooleanField(
        label=_("with what they wrote beside their answers"),
        required=False,
        help_text=_("Comments may name people."),
    )
    why = forms.CharField(
        label=_("reason"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Needed for test gold and for annotators' answers. It is recorded."),
    )

    def __init__(self, *args: Any, version: DatasetVersion, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fitting = formats.fitting(version.questions)
        self.fields["format"].choices = [  # type: ignore[attr-defined]
            (entry.name, format_html("<b>{}</b> {}", entry.title, _(entry.about))) for entry in fitting
        ]
        self.fields["format"].initial = fitting[0].name
        present = [split for split in SPLITS if version.counts.get(split, {}).get("n")]
        self.fields["splits"].choices = [(name, _(name)) for name in present]  # type: ignore[attr-defined]
        self.fields["splits"].initial = present
        names = [question["name"] for question in version.questions]
        self.fields["question"].choices = [("", "–"), *((name, name) for name in names)]  # type: ignore[attr-defined]
        if len(names) < 2:
            del self.fields["question"]
        if not any(entry.schemes for entry in fitting):
            del self.fields["scheme"]
        if not rules.may_export(user, version.project, with_test_gold=True, annotations=False) or "test" not in present:
            del self.fields["test_gold"]
        if not rules.may_export(user, version.project, with_test_gold=False, annotations=True):
            del self.fields["annotations"], self.fields["comments"]
            if "test_gold" not in self.fields:
                self.fields["why"].help_text = _("It is recorded.")

    def options(self) -> dict[str, Any]:
        """Keyword arguments for exporting.ask."""
        data = self.cleaned_data
        return {
            "format": data["format"],
            "splits": [split for split in SPLITS if split in data["splits"]],
            "question": data.get("question", ""),
            "scheme": data.get("scheme") or "BIO",
            "with_test_gold": data.get("test_gold", False),
            "annotations": data.get("annotations", False),
            "comments": data.get("comments", False),
            "why": data["why"],
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

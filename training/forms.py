"""Forms of training: the fields of a recipe come from the recipe."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class RunForm(forms.Form):
    """Which recipe on which question, under which name."""

    recipe = forms.ChoiceField(label=_("recipe"), widget=forms.RadioSelect)
    question = forms.ChoiceField(label=_("question"))
    name = forms.CharField(
        label=_("system name"), max_length=120, required=False, help_text=_("Empty: the recipe's name.")
    )
    seed = forms.IntegerField(label=_("seed"), min_value=0, max_value=2**31 - 1, initial=13)

    def __init__(self, *args: Any, recipes: list[tuple[str, str]], questions: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["recipe"].choices = recipes  # type: ignore[attr-defined]
        self.fields["question"].choices = [(name, name) for name in questions]  # type: ignore[attr-defined]


def options_sent(data: Any, recipe: str) -> dict[str, str]:
    """The options of the chosen recipe that were filled in: fields named '<recipe>.<option>'."""
    prefix = f"{recipe}."
    return {name[len(prefix) :]: data[name].strip() for name in data if name.startswith(prefix) and data[name].strip()}

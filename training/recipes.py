"""Recipes: named ways to learn, with the options each takes, their defaults and ranges, and the check of a choice of them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotation.text.words import _, gettext_noop

Value = int | float | bool | str


@dataclass(frozen=True)
class Field:
    """One option of a recipe. `low` and `high` bound a number, both inclusive; `choices` lists what a text may be."""

    name: str
    type: type
    default: Value
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    def clean(self, value: Any) -> Value:
        """The value in the field's type; form input as text is read. Raises ValueError with a sentence naming the field."""
        if self.type is str:
            return self._text(value)
        number = self._number(value)
        if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
            sentence = _("“{name}” is {value}; it must be between {low} and {high}.")
            raise ValueError(sentence.format(name=self.name, value=value, low=f"{self.low:g}", high=f"{self.high:g}"))
        return number

    def _text(self, value: Any) -> str:
        if value not in self.choices:
            sentence = _("“{name}” is {value}; choose one of {choices}.")
            raise ValueError(sentence.format(name=self.name, value=repr(value), choices=", ".join(self.choices)))
        return str(value)

    def _number(self, value: Any) -> int | float:
        whole, other = (
            _("“{name}” is {value}; it must be a whole number."),
            _("“{name}” is {value}; it must be a number."),
        )
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if isinstance(value, bool) or not math.isfinite(number) or (self.type is int and number != int(number)):
            raise ValueError((whole if self.type is int else other).format(name=self.name, value=repr(value)))
        return int(number) if self.type is int else number


@dataclass(frozen=True)
class Recipe:
    """A named way to learn."""

    name: str
    title: str
    description: str
    needs_base_model: bool
    fields: tuple[Field, ...] = ()

    @property
    def defaults(self) -> dict[str, Value]:
        """The option values that hold where nothing else is said."""
        return {field.name: field.default for field in self.fields}


BALANCE = Field(
    "balance",
    float,
    0.5,
    gettext_noop("How far rare labels weigh more: 0 counts every text once, 1 makes all labels weigh the same."),
    low=0,
    high=1,
)
MAX_LENGTH = Field(
    "max_length",
    int,
    256,
    gettext_noop("How many tokens of a text are read, counted from its start."),
    low=8,
    high=8192,
)
STRENGTH = gettext_noop("How closely the regression follows the train texts; lower values keep the weights smaller.")
FINETUNE = (
    Field("epochs", int, 6, gettext_noop("How many times every train text is seen."), low=1, high=100),
    Field(
        "min_steps",
        int,
        300,
        gettext_noop("The fewest training steps; few texts are seen more often until there are as many."),
        low=1,
        high=100_000,
    ),
    Field(
        "learning_rate", float, 1e-4, gettext_noop("The size of a training step at its largest."), low=1e-7, high=1e-2
    ),
    Field("batch_size", int, 16, gettext_noop("How many texts make one training step."), low=1, high=1024),
    MAX_LENGTH,
    Field(
        "warmup", float, 0.1, gettext_noop("The share of all steps over which the learning rate rises."), low=0, high=1
    ),
    Field("weight_decay", float, 0.01, gettext_noop("How strongly weights are pulled towards zero."), low=0, high=1),
    Field(
        "label_smoothing", float, 0.0, gettext_noop("The share of each target spread over all labels."), low=0, high=0.9
    ),
    BALANCE,
    Field(
        "average_from",
        float,
        0.4,
        gettext_noop(
            "The share of all steps after which the weights are averaged; 1 lets the learning rate fall to 0 instead."
        ),
        low=0,
        high=1,
    ),
)

_ALL = (
    Recipe(
        "majority",
        gettext_noop("Majority"),
        gettext_noop("Gives every text the most frequent label of the train texts: what every other system must beat."),
        needs_base_model=False,
    ),
    Recipe(
        "tfidf_logreg",
        gettext_noop("TF-IDF + logistic regression"),
        gettext_noop(
            "Counts words and pieces of words (in Chinese: characters) and weighs them by logistic regression."
        ),
        needs_base_model=False,
        fields=(
            Field("strength", float, 30.0, STRENGTH, low=0.001, high=10_000),
            Field(
                "features",
                str,
                "auto",
                gettext_noop(
                    "What is counted: words with their pieces, characters alone, or as the script of the texts suggests."
                ),
                choices=("auto", "words", "characters"),
            ),
            Field(
                "max_features",
                int,
                200_000,
                gettext_noop("How many terms of each sort are kept."),
                low=100,
                high=5_000_000,
            ),
            BALANCE,
        ),
    ),
    Recipe(
        "probe",
        gettext_noop("Probe"),
        gettext_noop("Leaves the base model as it is and fits logistic regression over its sentence embedding."),
        needs_base_model=True,
        fields=(Field("strength", float, 10.0, STRENGTH, low=0.001, high=10_000), MAX_LENGTH, BALANCE),
    ),
    Recipe(
        "finetune_top2",
        gettext_noop("Fine-tuning, top layers"),
        gettext_noop(
            "Trains the top layers on what the frozen lower ones made of each text once: most of the quality, little time."
        ),
        needs_base_model=True,
        fields=(
            Field("layers", int, 2, gettext_noop("How many layers are trained, from the top."), low=1, high=48),
            *FINETUNE,
        ),
    ),
    Recipe(
        "finetune_full",
        gettext_noop("Fine-tuning, all layers"),
        gettext_noop("Trains the whole base model; slower, and best with many texts or a GPU."),
        needs_base_model=True,
        fields=FINETUNE,
    ),
)
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}


def check(recipe_name: str, options: Mapping[str, Any]) -> dict[str, Value]:
    """All options of the recipe, those given in the place of their defaults.

    Raises ValueError with a sentence that names the recipe or the field and says what it may be.
    """
    if recipe_name not in RECIPES:
        sentence = _("There is no recipe “{name}”; choose one of {recipes}.")
        raise ValueError(sentence.format(name=recipe_name, recipes=", ".join(RECIPES)))
    recipe = RECIPES[recipe_name]
    fields = {field.name: field for field in recipe.fields}
    for name in options:
        if name not in fields:
            sentence = _("“{name}” is no option of the recipe “{recipe}”; its options: {known}.")
            known = ", ".join(fields) or _("none")
            raise ValueError(sentence.format(name=name, recipe=_(recipe.title), known=known))
    return recipe.defaults | {name: fields[name].clean(value) for name, value in options.items()}

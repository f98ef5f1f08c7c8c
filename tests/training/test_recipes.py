"""Recipes: complete, described, in step with the engine's own defaults, and strict about what they are given."""

import dataclasses
import json

import pytest

from training import recipes
from training.ml import export
from training.ml import job as jobs
from training.recipes import RECIPES, check


def test_recipes_and_engine_agree_on_names_defaults_and_types() -> None:
    assert {name: recipe.defaults for name, recipe in RECIPES.items()} == jobs.DEFAULTS
    assert list(RECIPES) == list(export.MODULES)
    for recipe in RECIPES.values():
        assert all(type(field.default) is field.type for field in recipe.fields)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_explains_itself_and_its_defaults_pass_its_own_check(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.name == name
    assert recipe.title
    assert recipe.description.endswith(".")
    assert all(field.help.endswith(".") for field in recipe.fields)
    assert check(name, {}) == check(name, recipe.defaults) == recipe.defaults
    assert json.loads(json.dumps(recipe.defaults)) == recipe.defaults
    for field in recipe.fields:
        assert field.choices if field.type is str else field.low <= field.default <= field.high


def test_recipes_cannot_be_changed_in_passing() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RECIPES["probe"].title = "Other"
    RECIPES["probe"].defaults["strength"] = 1.0
    assert check("probe", {})["strength"] == 10.0


def test_only_recipes_over_an_encoder_need_a_base_model() -> None:
    assert {name for name, recipe in RECIPES.items() if recipe.needs_base_model} == {
        "probe",
        "finetune_top2",
        "finetune_full",
    }


def test_given_options_take_the_place_of_defaults_and_text_from_a_form_is_read() -> None:
    options = check("finetune_top2", {"epochs": "3", "learning_rate": "2e-4", "batch_size": 32.0})
    assert (options["epochs"], options["learning_rate"], options["batch_size"]) == (3, 2e-4, 32)
    assert type(options["epochs"]) is int
    assert type(options["batch_size"]) is int
    assert options["layers"] == 2
    assert check("tfidf_logreg", {"features": "characters"})["features"] == "characters"
    assert type(check("probe", {"strength": 3})["strength"]) is float


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("magic", {}, "There is no recipe “magic”; choose one of majority, tfidf_logreg"),
        ("majority", {"epochs": 3}, "“epochs” is no option of the recipe “Majority”; its options: none."),
        ("probe", {"epochs": 3}, "its options: strength, max_length, balance."),
        ("finetune_full", {"layers": 2}, "“layers” is no option"),
        ("finetune_top2", {"epochs": 0}, "“epochs” is 0; it must be between 1 and 100."),
        ("finetune_top2", {"epochs": 101}, "“epochs” is 101"),
        ("finetune_top2", {"epochs": 2.5}, "“epochs” is 2.5; it must be a whole number."),
        ("finetune_top2", {"epochs": "many"}, "“epochs” is 'many'; it must be a whole number."),
        ("finetune_top2", {"epochs": None}, "“epochs” is None"),
        ("finetune_top2", {"epochs": True}, "“epochs” is True"),
        ("finetune_top2", {"epochs": float("inf")}, "“epochs” is inf"),
        ("finetune_top2", {"learning_rate": float("nan")}, "“learning_rate” is nan; it must be a number."),
        ("finetune_top2", {"learning_rate": 0}, "“learning_rate” is 0; it must be between 1e-07 and 0.01."),
        ("finetune_top2", {"learning_rate": [1]}, r"“learning_rate” is \[1\]"),
        ("tfidf_logreg", {"features": "emoji"}, "“features” is 'emoji'; choose one of auto, words, characters."),
        ("tfidf_logreg", {"features": ["auto"]}, "“features” is"),
    ],
)
def test_a_wrong_recipe_or_option_is_named(name: str, options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check(name, options)


def test_a_field_without_bounds_or_with_one_only_takes_what_is_left() -> None:
    free = recipes.Field("n", int, 1, "Any number.")
    assert free.clean(-5) == -5

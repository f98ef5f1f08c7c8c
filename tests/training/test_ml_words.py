"""Sentences of the engine, and how the pages read them in other languages."""

from typing import Any

import pytest
from django.utils.translation import override

from training.folder import in_words
from training.ml.words import said, templates
from training.templatetags.runs import warnings

TEMPLATE = "No text of train.jsonl has the label %(labels)s; the model cannot learn it."


def test_a_sentence_knows_its_template_and_is_read_in_the_readers_language() -> None:
    sentence = said(TEMPLATE, labels="up")
    assert sentence == "No text of train.jsonl has the label up; the model cannot learn it."
    result = {"warnings": [str(sentence), "plain"], "templates": templates([sentence, "plain"])}
    assert result["templates"] == {str(sentence): [TEMPLATE, {"labels": "up"}]}
    with override("zh-hans"):
        first, second = warnings(result)
    assert "up" in first
    assert first != str(sentence)
    assert second == "plain"


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        "x",
        {"s": None},
        {"s": []},
        {"s": ["%(a)s", {}]},
        {"s": ["%d", {"a": 1}]},
        {"s": [1, 2, 3]},
        {"s": ["", {}]},
    ],
)
def test_a_foreign_trainers_templates_do_no_harm(told: Any) -> None:
    assert in_words("s", {"templates": told}) == "s"
    assert warnings({"warnings": ["s", 5, None], "templates": told}) == ["s"]
    assert warnings({"warnings": "s"}) == []

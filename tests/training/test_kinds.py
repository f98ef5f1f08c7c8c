"""Which questions a run can learn: kinds that have a recipe, and of a dependent question only the texts it is asked of."""

import json

import pytest

from annotation import schema as schemas
from evaluation import models as e
from tests.conftest import make_gold, make_items, make_project, set_schema
from tests.evaluation.worlds import freeze
from training import running

pytestmark = pytest.mark.django_db


def version_of(cast, *questions, gold):
    project = make_project(cast)
    set_schema(project, schemas.check({"questions": list(questions)}))
    for place, item in enumerate(make_items(project, 60, slots=0)):
        for question, value in gold(place).items():
            make_gold(item, value, question=question)
    return freeze(project)


def test_a_kind_without_a_recipe_is_refused_in_a_sentence_and_its_page_says_so(cast, client_of):
    topics = {"name": "topics", "kind": "choices", "labels": ["a", "b"]}
    version = version_of(cast, topics, gold=lambda place: {"topics": ["a", "b"][: 1 + place % 2]})
    with pytest.raises(ValueError, match="No recipe learns questions of the kind “choices” yet"):
        running.start(version=version, question="topics", recipe="majority", user=None)
    page = client_of("erin").get(f"/p/sentiment/versions/{version.pk}/run/").content.decode()
    assert "No recipe learns the questions of this version yet" in page
    assert '<form method="post" class="form">' not in page


def test_a_dependent_question_is_learned_from_the_texts_it_is_asked_of(cast, settings, tmp_path):
    settings.RUNS_ROOT = tmp_path
    relevant = {"name": "relevant", "labels": ["yes", "no"]}
    tone = {"name": "tone", "labels": ["up", "down"], "when": {"question": "relevant", "labels": ["yes"]}}
    version = version_of(
        cast, relevant, tone,
        gold=lambda place: {"relevant": "yes", "tone": ["up", "down"][place % 2]} if place % 3 else {"relevant": "no"},
    )  # fmt: skip
    run = running.start(version=version, question="tone", recipe="majority", user=None)
    running.prepare(run)
    lines = [
        json.loads(line)
        for name in ("train", "dev", "test")
        for line in (run.folder / f"{name}.jsonl").read_text().splitlines()
    ]
    assert len(lines) == 40 < e.Example.objects.filter(version=version).count()
    assert {line.get("label") for line in lines} == {"up", "down", None}

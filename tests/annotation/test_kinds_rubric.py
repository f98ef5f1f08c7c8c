"""rubric: several ratings on one scale, in every form that files have them in, and how far people agree on each."""

import json

import numpy as np
import pytest

from annotation import annotating, measuring
from annotation import models as a
from annotation import schema as schemas
from annotation.agreement import metric
from annotation.agreement.kinds import AGREEMENTS
from annotation.agreement.ratings import from_triples
from annotation.kinds import rubric
from tests.annotation.worlds import bring, lines, member, take
from tests.conftest import make_items, make_project, set_schema

pytestmark = pytest.mark.usefixtures("still")

CRITERIA = ["clear | Clarity | can be understood", "relevant", "文笔 | 文笔"]
SCALE = ["0 | no", "1 | partly", "2 | yes"]


def asked(**settings):
    given = {"name": "quality", "kind": "rubric", "criteria": CRITERIA, "scale": SCALE, **settings}
    return schemas.check({"questions": [given]})["questions"][0]


QUESTION = asked()
FULL = {"clear": 2, "relevant": 0, "文笔": 1}


# The schema


def test_lines_are_taken_apart_and_checking_again_changes_nothing():
    assert QUESTION["rows"][0] == {"name": "clear", "title": "Clarity", "definition": "can be understood"}
    assert QUESTION["rows"][1] == {"name": "relevant", "title": "relevant", "definition": ""}
    assert QUESTION["points"] == [
        {"value": 0, "title": "no"},
        {"value": 1, "title": "partly"},
        {"value": 2, "title": "yes"},
    ]
    assert schemas.check({"questions": [QUESTION]})["questions"][0] == QUESTION
    assert rubric.values(asked(scale=None)) == [1, 2, 3, 4, 5]
    assert rubric.values(asked(scale="low\nhigh")) == ["low", "high"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"criteria": []}, "1 to 30 criteria; here are 0"),
        ({"criteria": None}, "1 to 30 criteria; here are 0"),
        ({"criteria": ["a", "a | A"]}, "“a” stands there twice"),
        ({"criteria": [{"name": "a"}]}, "“criteria” takes a list of lines"),
        ({"criteria": ["| A"]}, "Line 1 needs a name"),
        ({"scale": ["1"]}, "2 to 11 points; here are 1"),
        ({"scale": [str(n) for n in range(12)]}, "2 to 11 points; here are 12"),
        ({"scale": ["2", "1"]}, "from the lowest to the highest"),
        ({"scale": ["1", "1.0"]}, "“1” stands there twice"),
        ({"tolerance": 0.5}, "a whole number; got “0.5”"),
        ({"tolerance": -1}, "a whole number"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_sentence(settings, sentence):
    with pytest.raises(ValueError, match=f"Question “quality”: .*{sentence}"):
        asked(**settings)


# Answers


@pytest.mark.parametrize(
    "cell",
    [
        FULL,
        {"文笔": "1", "Relevant": "no", "CLARITY": 2.0},
        json.dumps(FULL),
        "clear: 2; relevant: 0; 文笔：1",
        [{"criterion": "clear", "rating": 2}, {"name": "relevant", "score": "0"}, {"id": "文笔", "value": "partly"}],
    ],
)
def test_ratings_of_every_form_are_stored_in_the_order_of_the_question(cell):
    found = rubric.clean(rubric.read(cell, QUESTION), QUESTION)
    assert list(found.items()) == list(FULL.items())
    assert all(type(point) is int for point in found.values())


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"clear": 2, "relevant": 0}, "文笔 has no rating yet"),
        ({}, "Clarity, relevant, 文笔 has no rating yet"),
        ({**FULL, "clear": 3}, "“3” is no point of “clear”. The points are: 0, 1, 2"),
        ({**FULL, "clear": True}, "“True” is no point"),
        ({**FULL, "clear": [2]}, "is no point"),
        ({**FULL, "style": 2}, "“style” is no criterion of “quality”"),
        ("good", "takes an object"),
        ("{broken", "no JSON"),
        (3, "takes an object"),
    ],
)
def test_ratings_that_cannot_be_are_refused_in_a_sentence(value, sentence):
    with pytest.raises(ValueError, match=sentence):
        rubric.clean(rubric.read(value, QUESTION), QUESTION)


def test_gaps_are_fine_only_where_the_question_need_not_be_answered():
    assert rubric.clean({"clear": 1}, asked(required=False)) == {"clear": 1}
    with pytest.raises(ValueError, match="has no rating yet"):
        rubric.clean({}, asked(required=False))


def test_the_distance_is_the_mean_over_the_criteria():
    assert rubric.distance(FULL, FULL, QUESTION) == 0
    assert rubric.distance(FULL, {**FULL, "clear": 1}, QUESTION) == pytest.approx(0.5 / 3)
    assert rubric.distance({"clear": 0}, {"clear": 2}, QUESTION) == 1
    assert rubric.distance({"clear": 0}, {"relevant": 0}, QUESTION) == 1


def test_ratings_that_lie_close_become_their_median():
    near = {**FULL, "clear": 1}
    assert rubric.merge([FULL, near, near], QUESTION) == (near, 1.0)
    assert rubric.merge([FULL, {**FULL, "clear": 0}], QUESTION) is None
    assert rubric.merge([FULL, near], asked(tolerance=0)) is None
    assert rubric.merge([{"clear": 1}, {"relevant": 1}], asked(required=False)) is None


@pytest.mark.django_db
def test_a_draft_may_have_gaps_and_an_answer_may_not(cast):
    project = make_project(cast)
    set_schema(project, {"questions": [QUESTION]})
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    data = {"assignment": slot.pk, "token": str(slot.token), "answer": {"quality": {"clear": 1}}}
    assert annotating.draft(membership=member(project, cast["alice"]), data=data)
    assert a.Annotation.objects.get().answer == {"quality": {"clear": 1}}
    report = bring(project, lines({"id": "x", "text": "Words", "ratings": {"clear": 1}}), labels="gold")
    assert report["refused"] == 1


# Agreement


def made(seed=0, units=40):
    rng = np.random.default_rng(seed)
    rows = []
    for unit in range(units):
        truth = rng.integers(0, 3, 3)
        for rater in range(3):
            said = np.clip(truth + rng.integers(-1, 2, 3) * [0, 1, 1], 0, 2).tolist()
            rows.append((f"u{unit}", f"r{rater}", dict(zip(rubric.names(QUESTION), said, strict=True))))
    return rows


def test_each_criterion_has_its_ordinal_alpha_and_the_headline_is_their_mean():
    rows = made()
    figures = AGREEMENTS["rubric"].report(rows, question=QUESTION, draws=200, seed=1)
    alphas = []
    for name in rubric.names(QUESTION):
        triples = [(unit, rater, str(value[name])) for unit, rater, value in rows]
        alphas.append(metric.alpha(from_triples(triples, categories=["0", "1", "2"]), "ordinal"))
    [table] = figures["tables"]
    assert [row[0] for row in table["rows"]] == ["Clarity", "relevant", "文笔"]
    assert [row[2] for row in table["rows"]] == pytest.approx(alphas, abs=1e-12)
    assert alphas[0] == 1
    assert figures["headline"] == ["alpha_mean", "percent"]
    assert figures["alpha_mean"]["value"] == pytest.approx(np.mean(alphas), abs=1e-12)
    assert figures["alpha_mean"]["low"] < figures["alpha_mean"]["value"] < figures["alpha_mean"]["high"]
    json.dumps(figures, allow_nan=False)


def test_without_answers_or_variation_there_is_a_reason():
    nobody = AGREEMENTS["rubric"].report([], question=QUESTION, draws=50, seed=1)
    assert nobody["alpha_mean"]["reason"] == "no_pairs"
    same = [(f"u{n}", rater, FULL) for n in range(20) for rater in "ab"]
    figures = AGREEMENTS["rubric"].report(same, question=QUESTION, draws=50, seed=1)
    assert (figures["alpha_mean"]["value"], figures["alpha_mean"]["reason"]) == (None, "no_variation")
    json.dumps([nobody, figures], allow_nan=False)


@pytest.mark.django_db
def test_ratings_published_for_answers_of_earnings_calls_come_in_as_gold(cast, shared):
    project = make_project(cast)
    names = ["clear", "assertive", "cautious", "optimistic", "specific", "relevant"]
    set_schema(project, {"questions": [asked(criteria=names)]})
    content = (shared / "data/normalised/dev/subjective_qa.jsonl").read_bytes()
    mapping = {"id": "id", "text": "text", "label": "meta.ratings"}
    report = bring(project, content, labels="gold", mapping=mapping)
    rows = [json.loads(line) for line in content.decode().splitlines()]
    assert (report["new"], report["refused"], report["gold"]) == (len(rows), 0, len(rows))
    stored = dict(a.Gold.objects.values_list("item__document__external_id", "value"))
    assert stored == {row["id"]: row["meta"]["ratings"] for row in rows}
    assert measuring.measure(project=project, question="quality", draws=20)["n_ratings"] == 0

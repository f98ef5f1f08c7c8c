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
from annotation.kinds.about import About
from tests.annotation.worlds import bring, lines, member, take
from tests.conftest import make_items, make_project, set_schema

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


# Ratings of each candidate response

EACH = asked(each=True, criteria=["clear | Clarity", "relevant"])
ITEM = About("Why?", candidates=("a", "b"))
BOTH = {"a": {"clear": 2, "relevant": 0}, "b": {"clear": 1, "relevant": 1}}


@pytest.mark.parametrize(
    "cell",
    [
        BOTH,
        {"B": {"relevant": "1", "CLARITY": "partly"}, "a": "clear: 2; relevant: no"},
        json.dumps(BOTH),
        [BOTH["a"], BOTH["b"]],
        {**BOTH, "shown": None},
    ],
)
def test_each_response_gets_all_the_ratings_in_the_order_of_the_document(cell):
    found = rubric.clean(rubric.read(cell, EACH), EACH, ITEM)
    assert (found, list(found), list(found["a"])) == (BOTH, ["a", "b"], ["clear", "relevant"])
    assert rubric.summarise(found, EACH) == "A: Clarity 2, relevant 0; B: Clarity 1, relevant 1"


def test_the_order_on_the_screen_is_kept_with_an_answer_and_is_no_part_of_gold():
    found = rubric.clean({**BOTH, "shown": ["b", "a"]}, EACH, ITEM)
    assert found == {**BOTH, "shown": ["b", "a"]}
    assert rubric.settled(found, EACH) == BOTH
    assert rubric.distance(found, BOTH, EACH) == 0
    with pytest.raises(ValueError, match="“shown” must list the responses"):
        rubric.clean({**BOTH, "shown": ["a"]}, EACH, ITEM)


@pytest.mark.parametrize(
    ("value", "about", "sentence"),
    [
        ({"a": BOTH["a"]}, ITEM, "B: Clarity, relevant has no rating yet"),
        ({**BOTH, "b": {"clear": 1}}, ITEM, "B: relevant has no rating yet"),
        ({**BOTH, "c": BOTH["a"]}, ITEM, "“c” is no response of the item. “quality” rates these: a, b"),
        ({**BOTH, "m-one": BOTH["a"]}, None, "“m-one” is no response of the item"),
        ({"a": 2, "b": 1}, ITEM, "takes an object of criteria and points"),
        ({"clear": 2}, ITEM, "takes an object of criteria and points|is no response"),
        (BOTH, About("Why?"), "rates each response; the item has none"),
        ({}, ITEM, "has no rating yet"),
        ({"a": {"deep": 1}, "b": BOTH["b"]}, ITEM, "“deep” is no criterion"),
        ([1], ITEM, "takes an object of criteria and points"),
    ],
)
def test_ratings_that_do_not_fit_the_responses_are_refused_in_a_sentence(value, about, sentence):
    with pytest.raises(ValueError, match=sentence):
        rubric.clean(rubric.read(value, EACH), EACH, about)


def test_responses_may_be_left_out_where_the_question_need_not_be_answered():
    free = {**EACH, "required": False}
    assert rubric.clean({"a": {}, "b": {"clear": 1}}, free, ITEM) == {"b": {"clear": 1}}
    with pytest.raises(ValueError, match="no response is rated"):
        rubric.clean({"shown": ["a", "b"]}, free, ITEM)


def test_distance_and_median_are_taken_rating_by_rating():
    other = {"a": {"clear": 2, "relevant": 1}, "b": {"clear": 1, "relevant": 1}}
    assert rubric.distance(BOTH, other, EACH) == pytest.approx(0.5 / 4)
    assert rubric.merge([BOTH, other, other], EACH) == (other, 1.0)
    assert rubric.merge([BOTH, {**BOTH, "b": {"clear": 1, "relevant": 1}, "a": {"clear": 0, "relevant": 0}}], EACH) is None  # fmt: skip
    assert rubric.merge([{"a": BOTH["a"]}, {"b": BOTH["b"]}], EACH) is None


def test_alpha_takes_each_response_for_a_unit_and_draws_those_of_an_item_together():
    rng = np.random.default_rng(3)
    rows, flat = [], []
    for item in range(30):
        for rater in range(3):
            said = {name: {row: int(rng.integers(0, 3)) for row in ("clear", "relevant")} for name in "ab"}
            rows.append((f"i{item}", f"r{rater}", {**said, "shown": ["b", "a"] if rater else ["a", "b"]}))
            flat += [(f"i{item}/{name}", f"r{rater}", said[name]) for name in "ab"]
    figures = AGREEMENTS["rubric"].report(rows, question=EACH, draws=200, seed=1)
    alphas = [
        metric.alpha(from_triples([(u, r, str(v[name])) for u, r, v in flat], categories=["0", "1", "2"]), "ordinal")
        for name in ("clear", "relevant")
    ]
    assert [row[2] for row in figures["tables"][0]["rows"]] == pytest.approx(alphas, abs=1e-12)
    assert figures["alpha_mean"]["value"] == pytest.approx(np.mean(alphas), abs=1e-12)
    assert figures["n_units"] == 30
    together = {f"i{item}/{name}": f"i{item}" for item in range(30) for name in "ab"}
    grouped = AGREEMENTS["rubric"].report(flat, question={**EACH, "each": False}, groups=together, draws=200, seed=1)
    assert (figures["alpha_mean"]["low"], figures["alpha_mean"]["high"]) == pytest.approx(
        (grouped["alpha_mean"]["low"], grouped["alpha_mean"]["high"])
    )
    brief = AGREEMENTS["rubric"].brief(rows, question=EACH, draws=50, seed=1)
    assert brief["alpha_mean"]["value"] == pytest.approx(np.mean(alphas), abs=1e-12)


@pytest.mark.django_db
def test_an_item_without_responses_is_refused_where_each_is_rated(cast):
    project = make_project(cast)
    set_schema(project, {"questions": [EACH]})
    report = bring(project, lines({"id": "x", "text": "Words"}), labels="ignore")
    assert report["refused"] == 1


@pytest.mark.django_db
@pytest.mark.parametrize("responses", ["Because.", ["Because."], [{"text": "Because.", "model": "m-one"}]])
def test_a_single_response_can_be_rated_where_none_are_compared(cast, responses):
    project = make_project(cast)
    set_schema(project, {"questions": [EACH]})
    row = {"id": "x", "text": "Why?", "candidates": responses, "reference": "So.", "ratings": {"a": BOTH["a"]}}
    report = bring(project, lines(row), labels="gold", mapping={"id": "id", "text": "text", "candidates": "candidates", "reference": "reference", "label": "ratings"})  # fmt: skip
    assert (report["new"], report["gold"], report["refused"]) == (1, 1, 0), report
    document = a.Document.objects.get()
    assert [(one["name"], one["text"]) for one in document.candidates] == [("a", "Because.")]
    assert a.Gold.objects.get().value == {"a": BOTH["a"]}
    better = schemas.check({"questions": [{"name": "better", "kind": "preference"}]})["questions"]
    set_schema(project, {"questions": [EACH, *better]})
    report = bring(project, lines({**row, "id": "y", "text": "Where?"}), labels="ignore", mapping={"id": "id", "text": "text", "candidates": "candidates"})  # fmt: skip
    assert report["refused"] == 1


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


def test_a_criterion_that_is_no_word_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"\['clear'\]"):
        rubric.clean(rubric.read([{"criterion": ["clear"], "rating": 1}], QUESTION), QUESTION)

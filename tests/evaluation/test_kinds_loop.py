"""Every kind through the whole loop: imported, answered, measured, settled, frozen, exported, read back, predicted, scored."""

import json
from io import BytesIO
from itertools import cycle, islice
from typing import Any

import pytest

from annotation import adjudicating, measuring
from annotation import models as a
from annotation import schema as schemas
from annotation.kinds import KINDS as REGISTRY
from evaluation import exporting, leaderboard
from tests.annotation.worlds import answer, bring, lease
from tests.conftest import make_items, make_project, set_schema
from tests.evaluation.worlds import board_of, freeze, gold_of, submit

pytestmark = pytest.mark.django_db

# kind -> settings of the question, and answers that differ from each other, the second one near the first.
KINDS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "choice": ({"labels": ["up", "down", "平"]}, ["up", "down", "平"]),
    "choices": (
        {"labels": ["rates", "fx, spot", "信用"], "least": 0},
        [["rates"], ["rates", "fx, spot"], ["信用"], []],
    ),
    "preference": (
        {"strength": ["slightly", "much"]},
        [{"better": "a", "strength": 1}, {"better": "tie"}, {"better": "b", "strength": 2}],
    ),
    "rubric": (
        {
            "criteria": ["clear | Clarity", "相关 | Relevance | stays with the question"],
            "scale": ["0 | no", "1", "2 | yes"],
            "tolerance": 0,
        },
        [{"clear": 0, "相关": 2}, {"clear": 1, "相关": 2}, {"clear": 2, "相关": 0}],
    ),
    "text": ({"multiline": True}, ["Profit rose 😀", "=SUM(A1)\nprofits rose", "利润增长。"]),
    "spans": (
        {"labels": ["ORG", "数"], "discontinuous": True, "relations": ["of"], "numbers": ["数"]},
        [
            [{"start": 0, "end": 6, "label": "ORG", "text": "Profit"}],
            [
                {"start": 0, "end": 6, "label": "ORG", "text": "Profit", "relations": [{"type": "of", "to": 1}]},
                {"start": 3, "end": 6, "label": "数", "text": "fit", "value": {"number": "-1.5", "unit": "%"}},
            ],
            [],
            [{"start": 0, "end": 6, "label": "ORG", "text": "Profit", "parts": [[0, 2], [4, 6]]}],
        ],
    ),
    "events": (
        {"labels": ["rise", "跌"], "roles": ["who", "much: rise"], "trigger": False},
        [
            [
                {
                    "type": "rise",
                    "trigger": {"start": 0, "end": 6, "text": "Profit"},
                    "arguments": [{"role": "who", "start": 7, "end": 9, "text": "of"}],
                    "status": "actual",
                    "date": {"value": "2024-Q3"},
                }
            ],
            [
                {
                    "type": "rise",
                    "trigger": {"start": 0, "end": 6, "text": "Profit"},
                    "arguments": [],
                    "status": "expected",
                    "date": {"start": 7, "end": 9, "text": "of"},
                }
            ],
            [],
            [
                {"type": "跌", "arguments": [], "status": "negated"},
                {"type": "rise", "trigger": {"start": 0, "end": 3, "text": "Pro"}, "arguments": [], "status": "actual"},
            ],
        ],
    ),
    "score": ({"min": -1, "max": 1, "step": 0.1, "level": "interval"}, [0.3, 0.6, -1, 1, 0]),
}
# Settings that make another form of answer.
VARIANTS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "responses": (
        {
            "kind": "rubric",
            "each": True,
            "criteria": ["clear | Clarity", "相关"],
            "scale": ["0", "1", "2"],
            "tolerance": 0,
        },
        [
            {"a": {"clear": 0, "相关": 2}, "b": {"clear": 1, "相关": 1}},
            {"a": {"clear": 0, "相关": 2}, "b": {"clear": 1, "相关": 2}},
            {"a": {"clear": 2, "相关": 0}, "b": {"clear": 0, "相关": 0}},
        ],
    ),
}
EVERY = {**KINDS, **VARIANTS}
# What items bring along beside their text, where a kind asks of it.
WITH: dict[str, dict[str, Any]] = {
    name: {"candidates": [{"name": "a", "text": "=SUM(1) 😀\n好"}, {"name": "b", "text": "", "model": "m2"}]}
    for name in ("preference", "responses")
}
# They begin as the texts of `make_items` do, so that a mark fits both.
TEXTS = [f"Profit of 第 {n} 家公司 😀 rose by {n} %.\r\nSecond line e\u0301." for n in range(30)]


def test_every_kind_goes_through_the_loop() -> None:
    assert set(KINDS) == set(REGISTRY)


@pytest.fixture(params=sorted(EVERY))
def kind(request: Any) -> str:
    return str(request.param)


@pytest.fixture
def values(kind: str) -> list[Any]:
    return EVERY[kind][1]


def schema_of(kind: str) -> dict[str, Any]:
    return schemas.check({"questions": [{"name": "asked", "kind": kind, **EVERY[kind][0]}]})


@pytest.fixture
def project(cast: Any, kind: str) -> a.Project:
    project = make_project(cast)
    set_schema(project, schema_of(kind))
    return project


def column(kind: str) -> str:
    return REGISTRY[EVERY[kind][0].get("kind", kind)].column


def rows(kind: str, values: list[Any], key: str) -> str:
    given = enumerate(zip(TEXTS, cycle(values), strict=False))
    more = WITH.get(kind, {})
    return "\n".join(json.dumps({"id": f"d{n}", "text": text, key: value, **more}) for n, (text, value) in given)


def test_answers_come_in_and_are_stored_in_their_form(project: a.Project, kind: str, values: list[Any]) -> None:
    report = bring(project, rows(kind, values, column(kind)), annotator="zoe")
    assert (report["new"], report["refused"], report["annotations"]) == (30, 0, 30)
    stored = a.Annotation.objects.order_by("item_id").values_list("answer", flat=True)
    assert [row["asked"] for row in stored] == list(islice(cycle(values), 30))


def test_gold_goes_round_and_comes_back_with_the_same_hash(
    project: a.Project, cast: Any, kind: str, values: list[Any]
) -> None:
    report = bring(project, rows(kind, values, column(kind)), labels="gold")
    assert report["gold"] == 30
    version = freeze(project)
    assert version.state == "done", version.message
    for name in ("jsonl", "csv"):
        file = BytesIO()
        exporting.single(version, format=name, with_test_gold=True, target=file)
        other = make_project(cast, slug=f"back-{name}")
        set_schema(other, schema_of(kind))
        report = bring(other, file.getvalue(), f"back.{name}")
        assert (report["new"], report["refused"], report["gold"]) == (30, 0, 30)
        assert freeze(other).content_hash == version.content_hash


def test_people_agree_settle_and_have_the_rest_decided(
    project: a.Project, cast: Any, kind: str, values: list[Any]
) -> None:
    same, other = make_items(project, 2, **WITH.get(kind, {}))
    for name, value in (("alice", values[0]), ("bob", values[0])):
        answer(project, cast[name], lease(same, cast[name]), answer={"asked": value})
    for name, value in (("alice", values[0]), ("bob", values[1])):
        answer(project, cast[name], lease(other, cast[name]), answer={"asked": value})
    assert a.Gold.objects.get(item=same).value == values[0]
    case = a.Case.objects.get(item=other)
    assert 0 < case.disagreement <= 1
    gold = adjudicating.decide(case=case, value=values[1], user=cast["carol"], reason="oversight")
    assert gold.value == values[1]
    figures = measuring.measure(project=project, question="asked", draws=50)
    assert (figures["n_units_2plus"], figures["n_units_differing"]) == (2, 1)
    assert all(name in figures for name in figures["headline"])
    json.dumps(figures, allow_nan=False)


def test_predictions_are_checked_scored_and_ranked(project: a.Project, kind: str, values: list[Any]) -> None:
    bring(project, rows(kind, values, column(kind)), labels="gold")
    board = board_of(freeze(project, shares={"train": 0.3, "test": 0.7}), "asked")
    gold = gold_of(board)
    right = [{"id": key, column(kind): value} for key, value in gold.items()]
    wrong = [
        {"id": key, column(kind): next(other for other in values if other != value)} for key, value in gold.items()
    ]
    best, worst = submit(board, "Right", right), submit(board, "Wrong", wrong)
    assert (best.state, worst.state) == ("done", "done"), (best.message, worst.message)
    first, second = leaderboard.entries(board)
    assert (first["system"], first["rank"], second["rank"]) == ("Right", 1, 2)
    assert first["coverage"] == 1.0


def test_the_pages_of_it_can_be_seen(
    project: a.Project, cast: Any, kind: str, values: list[Any], client_of: Any
) -> None:
    bring(project, rows(kind, values, column(kind)), labels="gold")
    board = board_of(freeze(project, shares={"train": 0.3, "test": 0.7}), "asked")
    submission = submit(board, "Right", [{"id": key, column(kind): value} for key, value in gold_of(board).items()])
    [item] = make_items(project, 1, **WITH.get(kind, {}))
    for name, value in (("alice", values[0]), ("bob", values[1])):
        answer(project, cast[name], lease(item, cast[name]), answer={"asked": value})
    case = a.Case.objects.get(item=item)
    client, here = client_of("dave"), f"/p/{project.slug}/"
    pages = [
        "", "guideline/", "guideline/edit/", "items/", f"items/{item.pk}/", "agreement/", "adjudicate/",
        f"adjudicate/{case.pk}/", "datasets/", "datasets/freeze/", f"boards/{board.pk}/", f"boards/{board.pk}/submit/",
        f"submissions/{submission.pk}/", f"versions/{board.version_id}/", f"versions/{board.version_id}/examples/",
    ]  # fmt: skip
    found = {page: client.get(here + page).status_code for page in pages}
    assert {page: status for page, status in found.items() if status != 200} == {}
    assert client_of("alice").get(here + "label/").status_code == 200

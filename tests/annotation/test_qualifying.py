"""The qualification: who has not passed gets nothing, each answer is told about, and training answers count nowhere."""

import json
import re
import uuid

import pytest

from annotation import annotating, assigning, controlling, measuring, qualifying
from annotation import models as a
from annotation import schema as schemas
from tests.annotation.worlds import member, take
from tests.conftest import make_gold, make_items, make_project, set_schema


@pytest.fixture
def project(cast):
    return make_project(cast, overlap=1, qualification="once", pass_mark=75, pass_least=4, attempts=2)


def training(project, count=6):
    """So many training items with the gold 'positive' and an explanation."""
    items = make_items(project, [f"Training text {n}." for n in range(count)], slots=0)
    for item in items:
        make_gold(item)
    rows = a.Item.objects.filter(pk__in=[item.pk for item in items])
    controlling.mark(project=project, items=rows, role="training")
    for item in rows:
        qualifying.explain(item=item, text=f"Because of {item.pk}.", rule="Profit is good news.")
    return items


def sent(item, value="positive", **fields):
    given = {"client_id": uuid.uuid4(), "assignment": item.pk, "token": None, "version": 0, "status": "submitted"}
    return annotating.Sent(**{**given, "answer": {"sentiment": value}, **fields})


def go_through(project, user, values):
    """An attempt with these answers; the feedback to the last."""
    attempt = qualifying.begin(membership=member(project, user))
    told = None
    for value in values:
        item = qualifying.following(attempt)
        _row, told = qualifying.answer(membership=member(project, user), sent=sent(item, value))
    return told


def test_who_has_not_passed_gets_no_items_and_is_told_where_to_go(project, cast, client_of, caller_of):
    make_items(project, 5)
    training(project)
    assert take(project, cast["alice"]) == []
    page = client_of("alice").get("/p/sentiment/label/").content.decode()
    assert "/p/sentiment/qualification/" in page
    assert client_of("alice").get("/p/sentiment/label/next/").json()["unqualified"] is True
    assert caller_of("alice").get("/api/v1/projects/sentiment/label/").json()["unqualified"] is True


def test_after_each_answer_one_is_told_what_is_right_and_why(project, cast):
    training(project)
    attempt = qualifying.begin(membership=member(project, cast["alice"]))
    item = qualifying.following(attempt)
    _row, told = qualifying.answer(membership=member(project, cast["alice"]), sent=sent(item, "negative"))
    assert told == {
        "right": False,
        "questions": [
            {"name": "sentiment", "title": "Sentiment", "given": "negative", "gold": "positive", "right": False}
        ],
        "explanation": f"Because of {item.pk}.",
        "rule": "Profit is good news.",
        "done": 1,
        "of": 4,
        "passed": None,
    }


def test_with_the_pass_mark_one_labels(project, cast):
    make_items(project, 5)
    training(project)
    told = go_through(project, cast["alice"], ["positive", "negative", "positive", "positive"])
    assert told["passed"] is True
    assert a.Membership.objects.get(user=cast["alice"]).qualified == 1
    assert len(take(project, cast["alice"], count=2)) == 2
    with pytest.raises(ValueError, match="have passed"):
        qualifying.begin(membership=member(project, cast["alice"]))


def test_below_it_there_is_another_attempt_until_none_is_left_and_a_manager_gives_one_more(project, cast, client_of):
    training(project)
    page = f"/p/{project.slug}/qualification/"
    for words in ("2 attempts left", "1 attempt left"):
        assert words in client_of("alice").get(page).content.decode()
        assert go_through(project, cast["alice"], ["negative"] * 4)["passed"] is False
    with pytest.raises(ValueError, match="used all"):
        qualifying.begin(membership=member(project, cast["alice"]))
    qualifying.grant(membership=member(project, cast["alice"]))
    assert go_through(project, cast["alice"], ["positive"] * 4)["passed"] is True
    acts = a.Act.objects.filter(project=project, about=cast["alice"]).values_list("kind", "details")
    failed, passed = {"right": 0, "of": 4}, {"right": 4, "of": 4}
    assert [act for act in acts if "qualified" in act[0]] == [("not_qualified", failed)] * 2 + [("qualified", passed)]


def test_a_manager_can_let_somebody_label_without(project, cast):
    make_items(project, 2)
    qualifying.waive(membership=member(project, cast["bob"]), by=cast["dave"], note="wrote the guideline")
    assert len(take(project, cast["bob"])) == 1
    assert a.Attempt.objects.get().waived_by == cast["dave"]
    assert a.Act.objects.filter(kind="qualified", about=cast["bob"]).count() == 1


def test_under_a_new_guideline_it_is_asked_again_where_the_manager_wants_so(project, cast):
    make_items(project, 3)
    training(project)
    go_through(project, cast["alice"], ["positive"] * 4)
    set_schema(project, project.version.schema)
    assert member(project, cast["alice"]).is_qualified
    a.Project.objects.update(qualification="version")
    assert not member(project, cast["alice"]).is_qualified
    assert assigning.take(membership=member(project, cast["alice"])) == []
    assert qualifying.standing(member(project, cast["alice"])).left == 2
    go_through(project, cast["alice"], ["positive"] * 4)
    assert member(project, cast["alice"]).is_qualified


def test_training_answers_count_nowhere(project, cast):
    training(project)
    go_through(project, cast["alice"], ["negative"] * 4)
    assert not a.Annotation.objects.exists()
    assert not list(measuring.triples(project=project, question="sentiment"))
    assert not a.Case.objects.exists()
    assert set(a.Gold.objects.current().values_list("value", flat=True)) == {"positive"}


def test_a_repeat_changes_nothing_and_another_window_is_refused(project, cast):
    training(project)
    attempt = qualifying.begin(membership=member(project, cast["alice"]))
    item = qualifying.following(attempt)
    once = sent(item)
    first, told = qualifying.answer(membership=member(project, cast["alice"]), sent=once)
    again, same = qualifying.answer(membership=member(project, cast["alice"]), sent=once)
    assert (first, told) == (again, same)
    with pytest.raises(ValueError, match="another window"):
        qualifying.answer(membership=member(project, cast["alice"]), sent=sent(item))
    nxt = qualifying.following(attempt)
    with pytest.raises(ValueError, match="not skipped"):
        qualifying.answer(membership=member(project, cast["alice"]), sent=sent(nxt, status="skipped"))


def test_too_few_training_items_are_no_qualification(project, cast):
    training(project, 3)
    with pytest.raises(ValueError, match="not ready"):
        qualifying.begin(membership=member(project, cast["alice"]))


def test_what_is_right_is_not_in_the_page_before_the_answer(project, cast, client_of):
    training(project)
    alice = client_of("alice")
    assert alice.post("/p/sentiment/qualification/begin/").status_code == 302
    page = alice.get("/p/sentiment/qualification/label/").content.decode()
    desk = json.loads(re.search(r'<script id="desk" type="application/json">(.*?)</script>', page, re.DOTALL)[1])
    [packet] = desk["packets"]
    assert not re.search(r"positive|Because of|Profit is good", json.dumps(packet))
    assert "Because of" not in page
    answer = alice.post(
        "/p/sentiment/qualification/submit/",
        {"client_id": str(uuid.uuid4()), "assignment": packet["assignment"], "version": desk["version"], "answer": {"sentiment": "positive"}},
        content_type="application/json",
    )  # fmt: skip
    assert answer.status_code == 200, answer.content
    assert answer.json()["feedback"]["right"] is True
    assert answer.json()["next"]["assignment"] != packet["assignment"]


def test_the_manager_sees_which_items_mislead(project, cast, client_of):
    items = training(project, 4)
    go_through(project, cast["alice"], ["negative"] * 4)
    told = qualifying.by_item(project, [item.pk for item in items])
    assert {row["n"] for row in told.values()} == {1}
    page = client_of("dave").get("/p/sentiment/qualification/manage/").content.decode()
    assert "0 of 1 right" in page
    assert "not passed" in page


def test_training_items_come_in_with_a_file(project, cast):
    from tests.annotation.worlds import bring, lines

    report = bring(
        project,
        lines(
            {"id": "t1", "text": "Profit rose.", "label": "positive", "role": "training", "explanation": "It rose.", "rule": "R1"},
            {"id": "c1", "text": "Profit fell.", "label": "negative", "role": "control"},
            {"id": "w1", "text": "Nothing changed.", "role": ""},
            {"id": "x1", "text": "Without gold.", "role": "control"},
            {"id": "x2", "text": "For the test.", "label": "positive", "role": "training", "split": "test"},
        ),
    )  # fmt: skip
    roles = dict(project.items.values_list("document__external_id", "role"))
    assert roles == {"t1": "training", "c1": "control", "w1": "work"}
    assert report["refused"] == 2
    told = a.Explanation.objects.get()
    assert (told.text, told.rule) == ("It rose.", "R1")
    project.refresh_from_db()
    assert project.controlled
    assert not a.Assignment.objects.filter(item__role__in=["control", "training"]).exists()


@pytest.mark.parametrize(("least", "words"), [(1, "you answer 1 training item."), (3, "you answer 3 training items.")])
def test_the_page_tells_one_item_and_several_apart(cast, client_of, least, words):
    project = make_project(cast, qualification="once", pass_least=least)
    assert words in client_of("alice").get(f"/p/{project.slug}/qualification/").content.decode()


def test_by_program_a_preference_is_trained_with_its_responses_and_without_its_gold(cast, caller_of):
    project = make_project(cast, qualification="once", pass_least=1)
    set_schema(project, schemas.check({"questions": [{"name": "pick", "kind": "preference"}]}))
    responses = [{"name": "a", "text": "One.", "model": "SECRET"}, {"name": "b", "text": "Two.", "model": "SECRET"}]
    [item] = make_items(project, ["Which is better?"], slots=0, candidates=responses, reference="A reference.", metadata={"gold": "SECRET"})  # fmt: skip
    make_gold(item, {"better": "a"}, question="pick", note="SECRET")
    controlling.mark(project=project, items=a.Item.objects.filter(pk=item.pk), role="training")
    here = f"/api/v1/projects/{project.slug}/qualification/"
    told = caller_of("alice").post(here).json()["item"]
    assert {row["text"] for row in told["candidates"]} == {"One.", "Two."}
    assert (told["text"], told["reference"], told["before"], told["after"]) == (item.text, "A reference.", "", "")
    assert "SECRET" not in json.dumps(told)
    assert "better" not in json.dumps({name: value for name, value in told.items() if name != "text"})
    sent = {
        "item": told["id"],
        "answer": {"pick": {"better": "a", "shown": [row["name"] for row in told["candidates"]]}},
    }
    reply = caller_of("alice").post(f"{here}answer/", sent, format="json")
    assert (reply.status_code, reply.json()["right"], reply.json()["passed"]) == (200, True, True)


def test_an_item_of_training_is_told_as_labelling_tells_one(cast, caller_of):
    project = make_project(cast, qualification="once", pass_least=1)
    [item] = make_items(project, ["Profit rose."], slots=0)
    make_gold(item)
    controlling.mark(project=project, items=a.Item.objects.filter(pk=item.pk), role="training")
    trained = caller_of("alice").post(f"/api/v1/projects/{project.slug}/qualification/").json()["item"]
    a.Membership.objects.filter(user=cast["alice"]).update(qualified=1)
    make_items(project, ["Sales fell."])
    [labelled] = caller_of("alice").get(f"/api/v1/projects/{project.slug}/label/").json()["items"]
    assert set(trained) == {"id", *labelled["item"]}

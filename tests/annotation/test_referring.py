"""A case goes back to its people: who is asked, what they see, what their second answer counts for, and when it comes back."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from annotation import (
    adjudicating,
    assigning,
    batching,
    caseload,
    closing,
    measuring,
    publishing,
    referring,
    withdrawing,
)
from annotation import models as a
from tests.annotation.worlds import answer, label, member, take
from tests.conftest import make_gold, make_items, make_project, set_schema

pytestmark = pytest.mark.django_db
QUESTION = "Is the outlook part of the claim?"


@pytest.fixture
def project(cast):
    return make_project(cast)


@pytest.fixture
def case(project):
    [item] = make_items(project, ["Profit rose; the outlook is grim."])
    label(project, item, alice="positive", bob="negative")
    return a.Case.objects.get()


def letter_of(case, name):
    return next(
        chr(65 + place) for place, row in enumerate(adjudicating.answers(case)) if row["annotator"].username == name
    )


def in_queue(project, user, **asked):
    return list(caseload.queue(project=project, wanted=caseload.Wanted(**asked), user=user))


def test_everybody_is_asked_and_the_case_waits(project, case, cast):
    referring.send_back(case=case, question=QUESTION, by=cast["carol"])
    assert in_queue(project, cast["carol"]) == []
    assert in_queue(project, cast["carol"], sent=True) == [case]
    slots = a.Assignment.objects.filter(item=case.item)
    assert {slot.state for slot in slots} == {"assigned"}
    assert {slot.batch.purpose for slot in slots} == {"again"}
    assert a.Act.objects.get(kind="sent_back").by == cast["carol"]


def test_only_those_whose_letters_are_named_are_asked(project, case, cast):
    referring.send_back(case=case, question=QUESTION, by=cast["carol"], letters=[letter_of(case, "bob")])
    assert a.Assignment.objects.get(state="assigned").annotator == cast["bob"]


def test_they_find_their_own_answer_and_the_question_and_nothing_of_the_others(
    project, case, cast, client_of, caller_of
):
    case.refresh_from_db()
    referring.send_back(case=case, question=QUESTION, by=cast["carol"])
    page = client_of("bob").get(f"/p/{project.slug}/label/").content.decode()
    desk = json.loads(page.split('<script id="desk" type="application/json">')[1].split("</script>")[0])
    [packet] = desk["packets"]
    assert (packet["asked_again"], packet["answer"], packet["status"]) == (QUESTION, {"sentiment": "negative"}, "")
    assert '"positive"' not in json.dumps(packet)
    for name in ("alice", "carol"):
        assert name not in json.dumps(packet)
    [item] = caller_of("bob").get(f"/api/v1/projects/{project.slug}/label/").json()["items"]
    assert (item["asked_again"], item["draft"]["answer"]) == (QUESTION, {"sentiment": "negative"})


def test_a_revised_answer_is_not_independent_and_the_first_stays_in_the_history(project, case, cast):
    referring.send_back(case=case, question=QUESTION, by=cast["carol"])
    [slot] = take(project, cast["bob"])
    given = answer(project, cast["bob"], slot, "positive")
    assert given.independent is False
    assert [row.answer["sentiment"] for row in given.revisions.all()] == ["negative", "positive"]
    assert [who for _item, who, _value in measuring.triples(project=project, question="sentiment")] == [
        str(cast["alice"].pk)
    ]
    case.refresh_from_db()
    assert in_queue(project, cast["carol"]) == []
    [slot] = take(project, cast["alice"])
    answer(project, cast["alice"], slot, "positive")
    # All have answered: the case is back, for a person to decide although they say the same now.
    [back] = in_queue(project, cast["carol"])
    assert (back, back.disagreement) == (case, 0.0)
    assert a.Gold.objects.count() == 0
    assert referring.standing(back)["answered"] == 2
    assert referring.first_answers(back) == {cast["bob"].pk: "negative", cast["alice"].pk: "positive"}


def test_it_comes_back_when_the_time_is_over_and_earlier_answers_stand(project, case, cast):
    batch = referring.send_back(case=case, question=QUESTION, by=cast["carol"])
    a.Batch.objects.filter(pk=batch.pk).update(due_at=timezone.now() - timedelta(minutes=1))
    [back] = in_queue(project, cast["carol"])
    adjudicating.decide(case=back, value="negative", user=cast["carol"], reason="guideline")
    assert {slot.state for slot in a.Assignment.objects.filter(item=case.item)} == {"done"}
    assert take(project, cast["bob"]) == []
    assert {row.independent for row in a.Annotation.objects.all()} == {True}


def test_taking_it_back_asks_nobody_any_more(project, case, cast):
    referring.send_back(case=case, question=QUESTION, by=cast["carol"])
    case.refresh_from_db()
    assert referring.take_back(case=case) == 2
    assert in_queue(project, cast["carol"]) == [case]
    assert take(project, cast["alice"]) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [({"question": "  "}, "Write down"), ({"question": "x" * 2001}, "at most"), ({"letters": ["Q"]}, "no answer “Q”"), ({"days": 0}, "between 1")],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_with_a_sentence(case, cast, changes, problem):
    with pytest.raises(ValueError, match=problem):
        referring.send_back(**{"case": case, "question": QUESTION, "by": cast["carol"], **changes})
    assert a.Batch.objects.count() == 0


def test_a_case_is_sent_back_once_at_a_time_and_only_while_it_is_open(case, cast):
    referring.send_back(case=case, question=QUESTION, by=cast["carol"])
    with pytest.raises(ValueError, match="already"):
        referring.send_back(case=case, question=QUESTION, by=cast["dave"])
    case.refresh_from_db()
    adjudicating.decide(case=case, value="negative", user=cast["carol"], reason="guideline")
    with pytest.raises(ValueError, match="settled already"):
        referring.send_back(case=case, question=QUESTION, by=cast["carol"])


def test_nobody_is_asked_who_does_not_label_here_any_more(project, case, cast):
    a.Membership.objects.filter(user__in=[cast["alice"], cast["bob"]]).delete()
    with pytest.raises(ValueError, match="None of them can be asked"):
        referring.send_back(case=case, question=QUESTION, by=cast["carol"])
    assert a.Batch.objects.count() == 0


def test_page_and_api_send_back_and_take_back(project, case, cast, client_of, caller_of):
    here = f"/p/{project.slug}/adjudicate/{case.pk}/"
    carol = client_of("carol")
    assert client_of("alice").post(f"{here}send-back/", {"question": QUESTION}).status_code == 403
    carol.post(f"{here}send-back/", {"question": QUESTION, "letters": [letter_of(case, "bob")], "days": "5"})
    page = carol.get(here).content.decode()
    assert QUESTION in page
    assert "0 of 1 have answered again" in page
    assert "bob" not in page
    carol.post(f"{here}take-back/")
    api = f"/api/v1/projects/{project.slug}/cases/{case.pk}/send-back/"
    assert caller_of("alice").post(api, {"question": QUESTION}).status_code == 403
    made = caller_of("carol").post(api, {"question": QUESTION})
    assert (made.status_code, made.json()["asked"]) == (201, 2)
    assert caller_of("carol").get(f"/api/v1/projects/{project.slug}/cases/").json()["results"] == []
    assert caller_of("carol").delete(api).status_code == 204
    assert len(caller_of("carol").get(f"/api/v1/projects/{project.slug}/cases/").json()["results"]) == 1


# However it ends, the answers that stand go on standing and nobody is asked again


def given_back(project, case, cast):
    batching.give_back(project=project, slots=batching.rest(project=project))


def batch_closed(project, case, cast):
    batching.close(batch=a.Batch.objects.get())


def handed_on(project, case, cast):
    a.Membership.objects.filter(user=cast["carol"]).update(labels=True)
    to = member(project, cast["carol"])
    assert batching.reassign(project=project, slots=batching.rest(project=project), to=to) == (0, 2)
    given_back(project, case, cast)


def released(project, case, cast):
    for name in ("alice", "bob"):
        assigning.release(project=project, annotator=cast[name], assigned=True)


def decided(project, case, cast):
    adjudicating.decide(case=case, value="negative", user=cast["carol"], reason="guideline")


def decided_anew(project, case, cast):
    gold = make_gold(case.item)
    adjudicating.redecide(gold=gold, value="negative", user=cast["carol"], reason="guideline")


def closed(project, case, cast):
    assert closing.close(a.Case.objects.all()) == 1
    assert closing.close(a.Case.objects.all()) == 0


@pytest.mark.parametrize("end", [given_back, batch_closed, handed_on, released, decided, decided_anew, closed])
def test_however_sending_back_ends_what_people_said_stands_and_nobody_is_asked(project, case, cast, end):
    referring.send_back(case=case, question=QUESTION, by=cast["carol"])
    take(project, cast["alice"])
    case.refresh_from_db()
    end(project, case, cast)
    rows = a.Assignment.objects.filter(item=case.item).order_by("slot").values_list("annotator__username", "state")
    assert list(rows) == [("alice", "done"), ("bob", "done")]
    assert a.Annotation.objects.submitted().count() == 2
    for name in ("alice", "bob"):
        assert take(project, cast[name]) == []


def test_a_question_that_is_asked_no_more_after_a_decision_ends_the_asking_about_it(cast):
    project = make_project(cast)
    first = project.version.schema["questions"][0]
    when = {"question": "sentiment", "labels": ["positive"]}
    set_schema(project, {"questions": [first, {**first, "name": "why", "required": False, "when": when}]})
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="negative")
    outer = a.Case.objects.get(question="sentiment")
    inner, _new = a.Case.objects.get_or_create(project=project, item=item, question="why")
    referring.send_back(case=inner, question=QUESTION, by=cast["carol"])
    adjudicating.decide(case=outer, value="negative", user=cast["carol"], reason="guideline")
    inner.refresh_from_db()
    assert inner.closed_at is not None
    assert {slot.state for slot in item.assignments.all()} == {"done"}


def test_answers_asked_again_while_a_case_is_back_are_asked_of_others(project, case, cast):
    referring.send_back(case=case, question=QUESTION, by=cast["carol"])
    answers = withdrawing.given(project=project, person=cast["bob"])
    withdrawing.ask_again(project=project, answers=answers)
    states = dict(a.Assignment.objects.filter(item=case.item).values_list("annotator__username", "state"))
    assert states == {"alice": "done", None: "open"}
    assert not a.Case.objects.open().exists()


def test_a_new_version_that_asks_all_again_asks_those_who_were_asked_to_think_again_too(project, case, cast):
    referring.send_back(case=case, question=QUESTION, by=cast["carol"])
    a.Guideline.objects.update_or_create(project=project, defaults={"text": "New.", "schema": project.version.schema})
    publishing.publish(project=project, user=cast["dave"], change_note="New.", earlier="ask")
    assert {slot.state for slot in a.Assignment.objects.filter(item=case.item)} == {"open"}
    assert not a.Case.objects.open().exists()


def test_a_skip_that_was_sent_back_is_a_skip_again(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob=None)
    case = a.Case.objects.get()
    referring.send_back(case=case, question=QUESTION, by=cast["carol"])
    case.refresh_from_db()
    assert referring.take_back(case=case) == 2
    states = dict(item.assignments.values_list("annotator__username", "state"))
    assert states == {"alice": "done", "bob": "skipped"}


def test_a_second_case_of_an_item_that_is_back_already_is_refused_with_the_true_reason(project, case, cast):
    other = a.Case.objects.create(project=project, item=case.item, question="topic")
    referring.send_back(case=case, question=QUESTION, by=cast["carol"])
    with pytest.raises(ValueError, match="because of the question “sentiment”"):
        referring.send_back(case=other, question=QUESTION, by=cast["carol"])

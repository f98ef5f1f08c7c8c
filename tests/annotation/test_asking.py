"""Questions to those who keep the guideline: asked once, answered, seen; and read by nobody who has yet to answer."""

import json
import uuid

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from annotation import asking
from annotation import models as a
from tests.annotation.worlds import answer, correct, label, lease, member, take
from tests.conftest import make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


def ask(project, user, item=None, text="Does a one-off gain count?", **extra):
    [slot] = [lease(item, user)] if item else take(project, user)
    return asking.ask(membership=member(project, user), assignment=slot.pk, text=text, **extra)


def readers(thread, cast):
    return {name for name, user in cast.items() if a.Thread.objects.visible_to(user).filter(pk=thread.pk).exists()}


def url(name, project, *more):
    return reverse(f"annotation:{name}", args=[project.slug, *more])


def post(client, address, data):
    return client.post(address, json.dumps(data), content_type="application/json")


# Asking and answering


def test_a_question_waits_until_it_is_answered_and_its_answer_until_it_is_seen(project, cast):
    [item] = make_items(project, 1)
    thread = ask(project, cast["alice"], item)
    assert (thread.item, thread.asker, thread.answered_at) == (item, cast["alice"], None)
    assert thread.remarks.get().guideline_version == project.version
    asked = asking.asked(member(project, cast["alice"]))
    assert asked == {"waiting": 1, "unseen": 0}
    asking.reply(membership=member(project, cast["carol"]), thread=thread, text="Yes, see rule 3.")
    assert asking.asked(member(project, cast["alice"])) == {"waiting": 0, "unseen": 1}
    assert asking.see(membership=member(project, cast["bob"]), threads=[thread.pk]) == 0
    assert asking.see(membership=member(project, cast["alice"]), threads=[thread.pk]) == 1
    assert asking.asked(member(project, cast["alice"])) == {"waiting": 0, "unseen": 0}
    asking.reply(membership=member(project, cast["alice"]), thread=thread, text="And a loss?")
    assert asking.asked(member(project, cast["alice"])) == {"waiting": 1, "unseen": 0}


def test_the_same_question_sent_twice_is_one(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    sent = {"assignment": slot.pk, "text": "Why?", "client_id": uuid.uuid4()}
    for _time in range(2):
        asking.ask(membership=member(project, cast["alice"]), **sent)
    assert a.Remark.objects.count() == 1
    asking.ask(membership=member(project, cast["alice"]), **{**sent, "client_id": uuid.uuid4()})
    assert (a.Thread.objects.count(), a.Remark.objects.count()) == (1, 2)


def test_nobody_asks_about_an_item_that_is_not_theirs(project, cast):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    with pytest.raises(ValueError, match="not in your hands"):
        asking.ask(membership=member(project, cast["bob"]), assignment=slot.pk, text="May I?")


@pytest.mark.parametrize("text", ["", "  \n", None, 3, "x" * 5001])
def test_nothing_and_too_much_are_refused_in_words(project, cast, text):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    with pytest.raises(ValueError, match=r"\.$"):
        asking.ask(membership=member(project, cast["alice"]), assignment=slot.pk, text=text)
    assert not a.Thread.objects.exists()


# Who reads it


def test_before_an_item_is_settled_only_the_asker_and_those_who_adjudicate_read_a_question(project, cast):
    [item] = make_items(project, 1)
    thread = ask(project, cast["alice"], item)
    assert readers(thread, cast) == {"alice", "carol", "dave"}
    a.Membership.objects.filter(user=cast["carol"]).update(labels=True)
    assert readers(thread, cast) == {"alice", "dave"}


def test_who_has_answered_a_settled_item_reads_what_others_asked_about_it(project, cast):
    [item, other] = make_items(project, 2)
    thread = ask(project, cast["alice"], item)
    slot = a.Assignment.objects.get(annotator=cast["alice"])
    answer(project, cast["alice"], slot)
    label(project, item, bob="negative")
    assert readers(thread, cast) == {"alice", "carol", "dave"}, "a case is open"
    correct(project, cast["bob"], item, "positive")
    assert a.Gold.objects.filter(item=item).exists()
    assert readers(thread, cast) == {"alice", "bob", "carol", "dave"}
    with pytest.raises(PermissionDenied):
        asking.reply(membership=member(project, cast["bob"]), thread=thread, text="I know!")
    untouched = ask(project, cast["alice"], other)
    assert "bob" not in readers(untouched, cast)


def test_who_read_what_others_asked_gives_no_independent_answer_afterwards(project, cast):
    [item] = make_items(project, 1)
    ask(project, cast["alice"], item)
    answer(project, cast["alice"], a.Assignment.objects.get(annotator=cast["alice"]))
    label(project, item, bob="positive")
    assert correct(project, cast["alice"], item, "positive").independent
    assert not correct(project, cast["bob"], item, "neutral").independent


def test_names_of_askers_are_hidden_from_adjudicators_until_the_item_is_settled(project, cast):
    [item] = make_items(project, 1)
    ask(project, cast["alice"], item)
    seen_by = {}
    for name in ("alice", "carol"):
        [row] = asking.threads(project=project, user=cast[name])
        seen_by[name] = asking.told(row, cast[name])[0]["by"]
    assert seen_by == {"alice": "alice", "carol": None}
    answer(project, cast["alice"], a.Assignment.objects.get(annotator=cast["alice"]))
    label(project, item, bob="positive")
    [row] = asking.threads(project=project, user=cast["carol"])
    assert asking.told(row, cast["carol"])[0]["by"] == "alice"


# Pages and programs


def test_the_labelling_page_asks_reads_the_answer_and_says_that_it_was_seen(project, cast, client_of):
    make_items(project, 1)
    [slot] = take(project, cast["alice"])
    alice = client_of("alice")
    sent = {"assignment": slot.pk, "text": "行吗？ <b>", "client_id": str(uuid.uuid4())}
    reply = post(alice, url("label_ask", project), sent)
    assert reply.json()["asked"] == {"waiting": 1, "unseen": 0}
    assert reply.json()["threads"][0]["remarks"][0]["text"] == "行吗？ <b>"
    thread = a.Thread.objects.get()
    asking.reply(membership=member(project, cast["dave"]), thread=thread, text="Yes.")
    assert alice.get(url("label", project)).context["desk"]["asked"]["unseen"] == 1
    found = alice.get(url("label_threads", project)).json()["threads"]
    assert [(one["unseen"], one["remarks"][1]["by"]) for one in found] == [(True, "dave")]
    assert post(alice, url("label_seen", project), {"threads": [thread.pk]}).json()["asked"]["unseen"] == 0
    assert alice.get(url("label_threads", project)).json()["threads"] == []
    assert len(alice.get(url("label_threads", project), {"assignment": slot.pk}).json()["threads"]) == 1
    assert client_of("bob").get(url("label_threads", project), {"assignment": slot.pk}).json()["threads"] == []


@pytest.mark.parametrize("data", [{}, [], {"assignment": "x"}, {"assignment": 1, "client_id": "x", "text": "?"}])
def test_what_is_no_question_is_refused_with_a_sentence(project, client_of, data):
    for name in ("label_ask", "label_seen"):
        reply = post(client_of("alice"), url(name, project), data)
        assert reply.status_code == 400
        assert reply.json()["error"].endswith(".")


def test_the_inbox_shows_what_waits_and_takes_the_answer(project, cast, client_of):
    [item] = make_items(project, ["<script>alert(1)</script>"])
    thread = ask(project, cast["alice"], item, text="Is <i>this</i> positive?")
    carol = client_of("carol")
    page = carol.get(url("inbox", project)).content.decode()
    assert "Is &lt;i&gt;this&lt;/i&gt; positive?" in page
    assert "alice" not in page
    assert carol.post(url("reply", project, thread.pk), {"text": "By rule 2."})["Location"] == url("inbox", project)
    assert "positive?" not in carol.get(url("inbox", project)).content.decode()
    assert "By rule 2." in carol.get(url("inbox", project), {"answered": 1}).content.decode()
    assert client_of("bob").post(url("reply", project, thread.pk), {"text": "x"}).status_code == 404
    mine = client_of("alice").get(url("work", project)).content.decode()
    assert "By rule 2." in mine
    assert "new answer" in mine
    assert "new answer" not in client_of("alice").get(url("work", project)).content.decode()
    again = client_of("alice").post(url("reply", project, thread.pk), {"text": "And rule 3?"})
    assert again["Location"] == url("work", project)


def test_what_was_asked_stands_on_the_page_of_its_case(project, cast, client_of):
    [item] = make_items(project, 1)
    ask(project, cast["alice"], item, text="Half good, half bad?")
    answer(project, cast["alice"], a.Assignment.objects.get(annotator=cast["alice"]))
    label(project, item, bob="negative")
    page = client_of("carol").get(url("case", project, a.Case.objects.get().pk)).content.decode()
    assert "Half good, half bad?" in page
    assert "alice" not in page
    assert "Half good" in client_of("carol").get(url("item", project, item.pk)).content.decode()


def test_a_program_asks_and_answers(project, cast, caller_of):
    make_items(project, 1)
    root = f"/api/v1/projects/{project.slug}/threads/"
    [slot] = take(project, cast["alice"])
    made = caller_of("alice").post(root, {"assignment": slot.pk, "text": "Why?"})
    assert made.status_code == 201
    assert caller_of("bob").get(root).json()["results"] == []
    [row] = caller_of("carol").get(f"{root}?waiting=true").json()["results"]
    assert (row["item"], row["remarks"][0]["by"], row["remarks"][0]["text"]) == (slot.item_id, None, "Why?")
    told = caller_of("carol").post(f"{root}{row['id']}/", {"text": "Because."}).json()
    assert [one["text"] for one in told["remarks"]] == ["Why?", "Because."]
    assert caller_of("carol").get(f"{root}?waiting=true").json()["results"] == []
    assert caller_of("bob").post(f"{root}{row['id']}/", {"text": "x"}).status_code == 404
    assert caller_of("alice").post(root, {"assignment": slot.pk, "text": " "}).status_code == 400

"""What people choose for themselves: keys of the labelling page that do one thing each."""

import pytest
from django.urls import reverse

from annotation import choosing, keys
from annotation import models as a
from annotation import schema as schemas
from tests.conftest import make_project, set_schema

pytestmark = pytest.mark.django_db
QUESTION = [{"name": "tone", "title": "tone", "kind": "choice", "labels": []}]


def labels(*taken):
    return [{**QUESTION[0], "labels": [{"name": key, "title": key, "key": key} for key in taken]}]


def test_as_they_come_every_action_has_a_key_of_its_own():
    assert len(set(keys.ACTIONS.values())) == len(keys.ACTIONS)
    assert keys.effective({}, QUESTION) == keys.ACTIONS
    assert set(keys.WORDS) == set(keys.ACTIONS)


def test_a_chosen_key_is_kept_and_one_that_is_as_it_comes_is_not(cast):
    kept = choosing.choose_keys(user=cast["alice"], chosen={"skip": "K", "flag": "f", "back": " "})
    assert kept == a.User.objects.get(username="alice").keys == {"skip": "k"}
    assert keys.effective(kept, QUESTION)["skip"] == "k"
    assert choosing.choose_keys(user=cast["alice"], chosen={}) == {}


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"skip": "b"}, "“B” would do two things: “your last answers"),
        ({"skip": "x", "flag": "x"}, "“X” would do two things"),
        ({"skip": "7"}, "“7” cannot be a key"),
        ({"skip": "xy"}, "“xy” cannot be a key"),
        ({"skip": "键"}, "cannot be a key"),
        ({"skip": ["x"]}, "cannot be a key"),
        ({"dance": "x"}, "There is no action “dance”"),
    ],
)
def test_a_key_that_would_do_two_things_or_none_is_refused_in_words(cast, chosen, sentence):
    with pytest.raises(ValueError, match=sentence):
        choosing.choose_keys(user=cast["alice"], chosen=chosen)
    assert a.User.objects.get(username="alice").keys == {}


def test_two_actions_may_change_places(cast):
    swapped = {"skip": "b", "back": "s"}
    assert choosing.choose_keys(user=cast["alice"], chosen=swapped) == swapped


def test_a_labels_key_is_refused_where_one_labels_and_only_there(cast):
    project = make_project(cast)
    schema = schemas.from_labels("sentiment", [{"name": "up", "key": "x"}, "down"])
    set_schema(project, schema)
    with pytest.raises(ValueError, match="“X” is the key of “up” in the project “Sentiment”"):
        choosing.choose_keys(user=cast["alice"], chosen={"skip": "x"})
    assert choosing.choose_keys(user=cast["erin"], chosen={"skip": "x"}) == {"skip": "x"}


def test_a_label_that_comes_later_keeps_its_key_and_the_action_gets_another():
    found = keys.effective({"skip": "x"}, labels("x"))
    assert found["skip"] == "s"
    found = keys.effective({"skip": "x", "flag": "s"}, labels("x", "d"))
    assert found["flag"] == "s"
    assert found["skip"] not in {"x", "s", ""}
    assert found["undecided"] not in {"x", "d", ""}
    assert len(set(found.values())) == len(found)


def test_where_labels_have_every_letter_an_action_has_no_key_rather_than_two_meanings():
    found = keys.effective({}, labels(*"abcdefghijklmnopqrstuvwxyz"))
    assert found["help"] == "?"
    assert {key for action, key in found.items() if action != "help"} == {""}


def test_the_page_of_keys_saves_refuses_and_resets(cast, client_of):
    client = client_of("alice")
    url = reverse("annotation:keys")
    assert b"Keys of the labelling page" in client.get(url).content
    reply = client.post(url, {"skip": "k", "next": "/p/sentiment/label/"})
    assert (reply.status_code, reply["Location"]) == (302, "/p/sentiment/label/")
    refused = client.post(url, {"skip": "b", "next": "//elsewhere.example/"})
    assert refused.status_code == 400
    assert "would do two things" in refused.content.decode()
    assert "elsewhere" not in refused.content.decode()
    assert a.User.objects.get(username="alice").keys == {"skip": "k"}
    assert client.post(url, {"reset": "1", "skip": "k"}).status_code == 302
    assert a.User.objects.get(username="alice").keys == {}


def test_a_program_reads_and_changes_the_keys_of_its_person(cast, caller_of):
    alice = caller_of("alice")
    assert alice.get("/api/v1/me/").json()["keys"] == {}
    assert alice.patch("/api/v1/me/", {"keys": {"skip": "k"}}).json()["keys"] == {"skip": "k"}
    assert alice.patch("/api/v1/me/", {"keys": {"skip": "b"}}).status_code == 400
    assert alice.patch("/api/v1/me/", {"username": "mallory"}).json()["username"] == "alice"
    assert a.User.objects.get(username="alice").keys == {"skip": "k"}

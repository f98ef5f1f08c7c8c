"""Suggestions: what is stored, who is shown what, what no page and no address gives away, and what an answer says of it."""

import json

import pytest
from django.urls import reverse
from django.utils import timezone

from annotation import inviting, suggesting
from annotation import models as a
from tests.annotation.worlds import answer, correct, lease, member, sent, take
from tests.conftest import make_items, make_project, set_schema

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(cast):
    """A project that shows suggestions at once, without controls."""
    project = make_project(cast)
    return inviting.configure(project=project, suggestions="at_once", suggestion_control=0)


def propose(project, item, value="negative", source="finbert v1", **more):
    """Store one suggestion for an item."""
    entry = {"id": item.document.external_id, "value": value, "source": source, **more}
    return suggesting.suggest(project=a.Project.objects.select_related("version").get(pk=project.pk), entries=[entry])


def shown(project, user, slot):
    """What the page of the slot shows to the person."""
    slot = a.Assignment.objects.select_related("item__document").get(pk=slot.pk)
    found = suggesting.show(membership=member(project, user), slots=[slot])
    return [(one["question"], one["value"], one["source"]) for one in found.get(slot.item_id, [])]


def test_a_suggestion_is_stored_once_and_never_changed(world):
    [item] = make_items(world, 1, given_split="train")
    assert propose(world, item, score=0.9) == {"new": 1, "here": 0, "differing": 0}
    assert propose(world, item) == {"new": 0, "here": 1, "differing": 0}
    assert propose(world, item, "positive") == {"new": 0, "here": 0, "differing": 1}
    assert propose(world, item, "positive", source="finbert v2")["new"] == 1
    assert list(a.Suggestion.objects.order_by("pk").values_list("value", "source", "score")) == [
        ("negative", "finbert v1", 0.9),
        ("positive", "finbert v2", None),
    ]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"id": "d0", "value": "wonderful", "source": "m"}, "wonderful"),
        ({"id": "d9", "value": "negative", "source": "m"}, "d9"),
        ({"id": "\x00", "value": "negative", "source": "m"}, "no item"),
        ({"id": "d0", "value": "negative"}, "source"),
        ({"id": "d0", "value": "negative", "source": "m", "score": "high"}, "score"),
        ({"id": "d0", "value": "negative", "source": "m", "score": float("inf")}, "score"),
        ({"id": "d0", "value": "negative", "source": "m", "question": "tone"}, "tone"),
        ({"id": "d0", "source": "m"}, "value"),
        ("negative", "object"),
    ],
)
def test_what_cannot_be_is_refused_by_its_place_and_nothing_is_stored(world, entry, words):
    make_items(world, 1, given_split="train")
    good = {"id": "d0", "value": "negative", "source": "m"}
    with pytest.raises(ValueError, match="Suggestion 2") as told:
        suggesting.suggest(project=world, entries=[good, entry])
    assert words in str(told.value)
    assert not a.Suggestion.objects.exists()


def test_only_the_newest_source_is_shown_and_only_while_the_guideline_knows_its_label(world, cast):
    [item] = make_items(world, 1, given_split="train")
    propose(world, item)
    propose(world, item, "positive", source="finbert v2")
    slot = lease(item, cast["alice"])
    assert shown(world, cast["alice"], slot) == [("sentiment", "positive", "finbert v2")]
    set_schema(world, {"questions": [{**world.version.schema["questions"][0], "labels": world.version.schema["questions"][0]["labels"][:1]}]})  # fmt: skip
    known = world.version.schema["questions"][0]["labels"][0]["name"]
    assert shown(world, cast["alice"], slot) == (
        [("sentiment", "positive", "finbert v2")] if known == "positive" else []
    )


@pytest.mark.parametrize(
    ("split", "undivided", "expected"),
    [("train", False, True), ("dev", False, True), ("test", False, False), ("test", True, False), ("", False, False), ("", True, True)],
)  # fmt: skip
def test_items_for_the_test_never_show_one_and_undivided_ones_where_the_manager_says_so(
    world, cast, split, undivided, expected
):
    inviting.configure(project=world, suggest_undivided=undivided)
    [item] = make_items(world, 1, given_split=split)
    propose(world, item)
    assert bool(shown(world, cast["alice"], lease(item, cast["alice"]))) is expected
    assert a.Showing.objects.exists() is expected


def test_never_is_the_default_and_costs_no_query(cast, django_assert_num_queries):
    project = make_project(cast)
    [item] = make_items(project, 1, given_split="train")
    propose(project, item)
    slot = a.Assignment.objects.select_related("item__document").get(pk=lease(item, cast["alice"]).pk)
    membership = member(project, cast["alice"])
    with django_assert_num_queries(0):
        assert suggesting.show(membership=membership, slots=[slot]) == {}
        assert suggesting.of_answer(membership=membership, item=item.pk, answer={}, version=project.version) == {}


def test_showing_costs_two_queries_however_many_items(world, cast, django_assert_num_queries):
    items = make_items(world, 9, given_split="train")
    for item in items:
        propose(world, item)
    slots = take(world, cast["alice"], 9)
    membership = member(world, cast["alice"])
    with django_assert_num_queries(2):
        assert len(suggesting.show(membership=membership, slots=slots)) == 9
    with django_assert_num_queries(2):
        suggesting.show(membership=membership, slots=slots)
    assert a.Showing.objects.count() == 9


def test_the_control_share_is_drawn_alike_each_time_and_is_about_as_large_as_asked():
    drawn = [item for item in range(10_000) if suggesting.is_control(item, 20)]
    assert drawn == [item for item in range(10_000) if suggesting.is_control(item, 20)]
    assert 1850 < len(drawn) < 2150
    assert not any(suggesting.is_control(item, 0) for item in range(1000))
    assert set(drawn) < {item for item in range(10_000) if suggesting.is_control(item, 30)}


@pytest.mark.parametrize(("given", "outcome"), [("negative", "accepted"), ("positive", "rejected"), (None, "none")])
def test_what_was_shown_and_what_came_of_it_stands_beside_the_answer(world, cast, given, outcome):
    [item] = make_items(world, 1, given_split="train")
    propose(world, item)
    slot = lease(item, cast["alice"])
    shown(world, cast["alice"], slot)
    made = answer(world, cast["alice"], slot, given)
    expected = {
        "sentiment": {
            "suggestion": a.Suggestion.objects.get().pk,
            "source": "finbert v1",
            "moment": "before",
            "outcome": outcome,
        }
    }
    made.refresh_from_db()
    assert made.suggested == expected
    assert made.revisions.get().suggested == expected


def test_a_part_of_a_suggestion_is_a_change():
    entry = {"name": "topics", "kind": "choices", "labels": [{"name": name} for name in ("a", "b", "c")]}
    assert suggesting.outcome(["a", "b"], ["a", "b"], entry) == "accepted"
    assert suggesting.outcome(["a"], ["a", "b"], entry) == "changed"
    assert suggesting.outcome(["c"], ["a", "b"], entry) == "rejected"


def test_who_was_shown_nothing_has_nothing_beside_the_answer(world, cast):
    [item] = make_items(world, 1, given_split="train")
    propose(world, item)
    assert answer(world, cast["bob"], lease(item, cast["bob"])).suggested == {}


def test_after_ones_own_answer_it_is_shown_and_a_change_is_marked_so(world, cast):
    project = inviting.configure(project=world, suggestions="after")
    [item] = make_items(project, 1, given_split="train")
    propose(project, item)
    slot = lease(item, cast["alice"])
    assert shown(project, cast["alice"], slot) == []
    assert answer(project, cast["alice"], slot).suggested == {}
    assert shown(project, cast["alice"], slot) == [("sentiment", "negative", "finbert v1")]
    changed = correct(project, cast["alice"], item, "negative")
    assert (changed.suggested["sentiment"]["moment"], changed.suggested["sentiment"]["outcome"]) == (
        "after",
        "accepted",
    )
    assert [row.suggested.get("sentiment", {}).get("moment") for row in changed.revisions.all()] == [None, "after"]


def test_a_skip_can_still_become_an_answer_and_shows_nothing(world, cast):
    project = inviting.configure(project=world, suggestions="after")
    [item] = make_items(project, 1, given_split="train")
    propose(project, item)
    slot = lease(item, cast["alice"])
    answer(project, cast["alice"], slot, None)
    assert shown(project, cast["alice"], slot) == []


def test_a_correction_of_what_was_answered_with_it_in_sight_stays_before(world, cast):
    [item] = make_items(world, 1, given_split="train")
    propose(world, item)
    slot = lease(item, cast["alice"])
    shown(world, cast["alice"], slot)
    answer(world, cast["alice"], slot, "negative")
    inviting.configure(project=world, suggestions="never")  # what was seen is not unseen
    again = correct(world, cast["alice"], item, "positive")
    assert (again.suggested["sentiment"]["moment"], again.suggested["sentiment"]["outcome"]) == ("before", "rejected")


def test_the_server_knows_what_it_has_shown_whatever_the_browser_says(world, cast, client_of):
    [item] = make_items(world, 1, given_split="train")
    propose(world, item)
    slot = lease(item, cast["alice"])
    letter = sent(slot)
    body = {
        "client_id": str(letter.client_id), "assignment": slot.pk, "token": str(slot.token), "version": letter.version,
        "answer": {"sentiment": "negative"}, "suggested": {"sentiment": {"outcome": "accepted", "moment": "before"}},
    }  # fmt: skip
    address = reverse("annotation:label_submit", args=[world.slug])
    assert client_of("alice").post(address, json.dumps(body), content_type="application/json").status_code == 200
    assert a.Annotation.objects.get().suggested == {}


# Nothing gives it away


@pytest.mark.parametrize("setting", ["never", "after"])
def test_no_page_and_no_address_of_an_annotator_gives_a_suggestion_away(world, cast, client_of, setting):
    project = inviting.configure(project=world, suggestions=setting, suggest_undivided=True)
    for item in make_items(project, 8, given_split="train") + make_items(project, 4, given_split="test"):
        propose(project, item, "negative", source="SECRET-MODEL")
    client = client_of("alice")
    page = client.get(reverse("annotation:label", args=[project.slug]))
    held = a.Assignment.objects.filter(annotator=cast["alice"]).first()
    draft = {"assignment": held.pk, "answer": {"sentiment": "positive"}}
    replies = [
        page,
        client.post(reverse("annotation:label_draft", args=[project.slug]), json.dumps(draft), "application/json"),
        client.get(reverse("annotation:label_next", args=[project.slug])),
        client.get(reverse("annotation:label_mine", args=[project.slug])),
        client.get(reverse("annotation:label_mine", args=[project.slug]), {"assignment": held.pk}),
        client.get(f"/api/v1/projects/{project.slug}/label/?count=3"),
        client.get(f"/api/v1/projects/{project.slug}/label/mine/"),
        client.get(f"/api/v1/projects/{project.slug}/annotations/"),
        client.get(f"/api/v1/projects/{project.slug}/suggestions/"),
        client.get(f"/api/v1/projects/{project.slug}/items/"),
    ]
    assert replies[0].status_code == 200
    assert replies[8].status_code == 403
    assert not any(b"SECRET-MODEL" in reply.content for reply in replies)
    assert b"suggest.js" in page.content if setting == "after" else b"suggest.js" not in page.content
    assert not a.Showing.objects.exists()


def test_after_the_answer_the_page_of_that_item_alone_shows_it(world, cast, client_of):
    project = inviting.configure(project=world, suggestions="after")
    one, other = make_items(project, 2, given_split="train")
    propose(project, one, source="SEEN")
    propose(project, other, source="UNSEEN")
    answer(project, cast["alice"], lease(one, cast["alice"]))
    slot = a.Assignment.objects.get(item=one, annotator=cast["alice"])
    client = client_of("alice")
    packet = client.get(reverse("annotation:label_mine", args=[project.slug]), {"assignment": slot.pk}).json()
    assert [found["source"] for found in packet["suggestions"]] == ["SEEN"]
    assert b"UNSEEN" not in client.get(reverse("annotation:label", args=[project.slug])).content


# The API


@pytest.mark.parametrize(
    ("who", "status"), [("dave", 201), ("carol", 403), ("alice", 403), ("erin", 403), ("eve", 404), (None, 401)]
)
def test_managers_alone_load_and_read_suggestions(world, client_of, who, status):
    make_items(world, 1, given_split="train")
    address = f"/api/v1/projects/{world.slug}/suggestions/"
    client = client_of(who)
    entries = [{"id": "d0", "value": "negative", "source": "m", "score": 0.5}]
    reply = client.post(address, json.dumps(entries), content_type="application/json")
    assert reply.status_code == status, reply.content
    assert client.get(address).status_code == (200 if status == 201 else status)
    if status == 201:
        assert reply.json() == {"new": 1, "here": 0, "differing": 0}
        assert client.post(address, '[{"id": "d0"}]', content_type="application/json").status_code == 400
        assert client.post(address, "{}", content_type="application/json").status_code == 400
    else:
        assert not a.Suggestion.objects.exists()


def test_a_manager_who_labels_reads_no_suggestion_of_what_waits_for_them(world, cast, client_of):
    a.Membership.objects.filter(user=cast["dave"]).update(labels=True)
    [item] = make_items(world, 1, given_split="train")
    propose(world, item)
    address = f"/api/v1/projects/{world.slug}/suggestions/"
    assert client_of("dave").get(address).json()["results"] == []
    a.Assignment.objects.update(annotator=None, state="skipped", lease_until=timezone.now())
    assert len(client_of("dave").get(address).json()["results"]) == 1


def test_the_figures_compare_answers_with_and_without_a_suggestion_in_sight(world, cast, client_of, django_assert_num_queries):  # fmt: skip
    items = make_items(world, 4, given_split="train")
    for item in items:
        propose(world, item)
    for place, value in enumerate(("negative", "positive")):
        slot = lease(items[place], cast["alice"])
        assert shown(world, cast["alice"], slot)
        answer(world, cast["alice"], slot, value)
    # Bob never gets to see them.
    for place, value in enumerate(("negative", "negative", "positive")):
        answer(world, cast["bob"], lease(items[place], cast["bob"]), value)
    world = a.Project.objects.select_related("version").get(pk=world.pk)
    with django_assert_num_queries(2):
        found = suggesting.figures(world)
    assert found == {"shown": 2, "accepted": 1, "changed": 0, "rejected": 1, "alone": 3, "equal": 2}
    page = client_of("dave").get(reverse("annotation:project", args=[world.slug])).content.decode()
    assert "Answers with a suggestion in sight: 2, of which 1 say the same" in page
    assert "in sight: 3, of which 2 say what the model says" in page


def test_there_are_no_figures_where_none_was_ever_shown(cast):
    assert suggesting.figures(make_project(cast)) is None

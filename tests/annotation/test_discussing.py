"""A case is talked over: who reads and writes, under which name, and what it does to later answers."""

import uuid

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from annotation import adjudicating, discussing, publishing
from annotation import models as a
from tests.annotation.worlds import correct, label, member
from tests.conftest import make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    a.User.objects.create_user("frank")
    project = make_project(cast)
    a.Membership.objects.create(project=project, user=a.User.objects.get(username="frank"), role="annotator")
    return project


@pytest.fixture
def case(project):
    [item] = make_items(project, ["Profit rose; the outlook is grim."])
    label(project, item, alice="positive", bob="negative")
    return a.Case.objects.get()


def test_before_it_is_opened_those_who_adjudicate_talk_alone(project, case, cast):
    carol = member(project, cast["carol"])
    discussing.say(case=case, membership=carol, text="What does the outlook count for?")
    assert not discussing.may_read(case, member(project, cast["alice"]))
    with pytest.raises(PermissionDenied):
        discussing.say(case=case, membership=member(project, cast["alice"]), text="I marked the profit.")
    with pytest.raises(PermissionDenied):
        discussing.open_to_its_people(case=case, membership=member(project, cast["alice"]))


def test_its_people_read_and_write_once_it_is_opened_and_nobody_else(project, case, cast, client_of):
    discussing.open_to_its_people(case=case, membership=member(project, cast["carol"]))
    case.refresh_from_db()
    assert discussing.may_read(case, member(project, cast["alice"]))
    for stranger in ("erin", "frank"):
        user = a.User.objects.get(username=stranger)
        assert not discussing.may_read(case, member(project, user))
    assert client_of("erin").get(f"/p/{project.slug}/discussions/{case.pk}/").status_code == 403
    assert client_of("eve").get(f"/p/{project.slug}/discussions/{case.pk}/").status_code == 404
    assert [row.pk for row in discussing.about_me(member(project, cast["bob"]))] == [case.pk]


def test_names_are_letters_unless_the_project_wants_names(project, case, cast, client_of):
    carol, alice = member(project, cast["carol"]), member(project, cast["alice"])
    discussing.open_to_its_people(case=case, membership=carol)
    case = a.Case.objects.select_related("project").get()
    discussing.say(case=case, membership=alice, text="The profit is the claim.")
    discussing.say(case=case, membership=carol, text="So the outlook counts for nothing?")
    letter = discussing.letters_of(case)[cast["alice"].pk]
    assert [row["by"] for row in discussing.told(case, cast["bob"])] == [letter, "adjudicator"]
    page = client_of("bob").get(f"/p/{project.slug}/discussions/{case.pk}/").content.decode()
    assert "The profit is the claim." in page
    for name in ("alice", "carol"):
        assert name not in page
    assert "alice" not in client_of("carol").get(f"/p/{project.slug}/adjudicate/{case.pk}/").content.decode()
    a.Project.objects.update(discussion_names=True)
    assert "alice" in client_of("bob").get(f"/p/{project.slug}/discussions/{case.pk}/").content.decode()


def test_what_is_answered_after_a_discussion_is_not_independent(project, case, cast):
    discussing.open_to_its_people(case=case, membership=member(project, cast["carol"]))
    given = correct(project, cast["bob"], case.item, "positive")
    assert given.independent is False
    # All say the same now, and a person decides all the same.
    assert a.Gold.objects.count() == 0
    assert a.Case.objects.open().get() == case


def test_without_a_discussion_a_correction_is_as_independent_as_before(project, case, cast):
    assert correct(project, cast["bob"], case.item, "neutral").independent is True


def test_a_repeat_says_nothing_twice_and_a_settled_case_takes_nothing_more(project, case, cast):
    carol, name = member(project, cast["carol"]), uuid.uuid4()
    for _time in range(2):
        discussing.say(case=case, membership=carol, text="Once.", client_id=name)
    assert a.CaseRemark.objects.count() == 1
    with pytest.raises(ValueError, match="Write down"):
        discussing.say(case=case, membership=carol, text=" \n")
    adjudicating.decide(case=case, value="positive", user=cast["carol"], reason="guideline")
    with pytest.raises(ValueError, match="settled"):
        discussing.say(case=case, membership=carol, text="Too late.")


def test_a_second_decision_is_made_alone(project, case, cast):
    a.Case.objects.filter(pk=case.pk).update(why="second")
    case.refresh_from_db()
    assert not discussing.may_read(case, member(project, cast["dave"]))
    with pytest.raises(ValueError, match="made alone"):
        discussing.open_to_its_people(case=case, membership=member(project, cast["dave"]))


def test_page_and_api_say_and_open(project, case, cast, client_of, caller_of):
    here = f"/p/{project.slug}/adjudicate/{case.pk}/discuss/"
    assert client_of("alice").post(here, {"text": "May I?"}).status_code == 403
    client_of("carol").post(here, {"text": "Look at the outlook.", "open": "1"})
    assert (
        "Look at the outlook." in client_of("alice").get(f"/p/{project.slug}/discussions/{case.pk}/").content.decode()
    )
    assert f"/discussions/{case.pk}/" in client_of("alice").get(f"/p/{project.slug}/discussions/").content.decode()
    api = f"/api/v1/projects/{project.slug}/cases/{case.pk}/discussion/"
    assert caller_of("bob").post(api, {"text": "I did."}).status_code == 201
    assert [row["text"] for row in caller_of("carol").get(api).json()] == ["Look at the outlook.", "I did."]
    assert caller_of("alice").get(f"/api/v1/projects/{project.slug}/discussions/").json()["results"][0]["id"] == case.pk
    assert caller_of("erin").get(api).status_code == 403


def test_who_has_no_answer_any_more_is_not_taken_for_an_adjudicator(project, case, cast):
    discussing.open_to_its_people(case=case, membership=member(project, cast["carol"]))
    case = a.Case.objects.select_related("project").get()
    discussing.say(case=case, membership=member(project, cast["alice"]), text="The profit is the claim.")
    a.Annotation.objects.filter(annotator=cast["alice"]).update(superseded_at=timezone.now())
    assert [row["by"] for row in discussing.told(case, cast["bob"])] == ["somebody whose answer counts no more"]


def _ask_all_again(project):
    publishing.save_draft(project=project, text="# Other rules", schema=project.version.schema, user=None)
    publishing.publish(project=project, user=None, change_note="By other rules.", earlier="ask")
    project.refresh_from_db()


def test_who_read_the_others_in_a_discussion_is_not_independent_under_the_next_guideline_either(project, case, cast):
    [undisputed] = make_items(project, ["Sales fell."])
    label(project, undisputed, alice="negative", bob="negative")
    discussing.open_to_its_people(case=case, membership=member(project, cast["carol"]))
    _ask_all_again(project)
    label(project, case.item, alice="negative", frank="negative")
    label(project, undisputed, alice="negative", bob="negative")
    rows = a.Annotation.objects.submitted().values_list("item", "annotator__username", "independent")
    assert set(rows) == {
        (case.item_id, "alice", False),
        (case.item_id, "frank", True),
        (undisputed.pk, "alice", True),
        (undisputed.pk, "bob", True),
    }
    assert a.Gold.objects.current().get().item == undisputed

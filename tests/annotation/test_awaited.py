"""What waits for a person is announced on their overview, leads to its page, and is gone once they have seen it."""

import pytest
from django.utils import timezone
from django.utils.translation import override

from annotation import asking, calibrating, discussing, publishing, reviewing
from annotation import models as a
from annotation.awaited import awaited, counts
from tests.annotation.worlds import answer, label, member, take
from tests.conftest import make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


def pages(project, user):
    """The pages that the overview of this person leads to."""
    return [row.page.removeprefix("annotation:") for row in awaited(member(project, user))]


def contested(project, *texts):
    items = make_items(project, list(texts))
    for item in items:
        label(project, item, alice="positive", bob="negative")
    return list(a.Case.objects.order_by("pk"))


def test_a_discussion_that_opens_waits_for_its_people_until_they_read_it(project, cast, client_of):
    [case] = contested(project, "Profit rose; the outlook is grim.")
    assert pages(project, cast["alice"]) == []
    discussing.open_to_its_people(case=case, membership=member(project, cast["carol"]))
    assert pages(project, cast["alice"]) == ["discussion"]
    assert pages(project, cast["carol"]) == pages(project, cast["erin"]) == []
    alice = client_of("alice")
    address = f"/p/{project.slug}/discussions/{case.pk}/"
    assert address in alice.get(f"/p/{project.slug}/").content.decode()
    alice.get(address)
    assert pages(project, cast["alice"]) == []
    assert pages(project, cast["bob"]) == ["discussion"]


def test_what_others_say_is_new_and_what_one_says_oneself_is_not(project, cast, client_of):
    [case] = contested(project, "Profit rose; the outlook is grim.")
    carol, alice = member(project, cast["carol"]), member(project, cast["alice"])
    discussing.open_to_its_people(case=case, membership=carol)
    case.refresh_from_db()
    for name in ("alice", "bob"):
        client_of(name).get(f"/p/{project.slug}/discussions/{case.pk}/")
    discussing.say(case=case, membership=alice, text="The profit is the claim.")
    assert pages(project, cast["alice"]) == []
    assert pages(project, cast["bob"]) == ["discussion"]
    assert pages(project, cast["carol"]) == ["case"]
    client_of("carol").get(f"/p/{project.slug}/adjudicate/{case.pk}/")
    assert pages(project, cast["carol"]) == []
    a.Case.objects.update(closed_at=timezone.now())
    assert pages(project, cast["bob"]) == []


def test_several_discussions_lead_to_their_list(project, cast, client_of):
    cases = contested(project, "One.", "Two.", "Three.")
    carol = member(project, cast["carol"])
    for case in cases[:2]:
        discussing.open_to_its_people(case=case, membership=carol)
        discussing.say(case=case, membership=carol, text="What do you read here?")
    assert pages(project, cast["alice"]) == ["discussions"]
    listed = client_of("alice").get(f"/p/{project.slug}/discussions/").content.decode()
    assert listed.count('class="badge info">new<') == 2
    [row] = awaited(member(project, cast["dave"]))
    assert (row.page, row.query) == ("annotation:adjudicate", "?state=discussed")
    queue = client_of("dave").get(f"/p/{project.slug}/adjudicate/{row.query}").context["cases"]
    assert {case.pk for case, _item in queue} == {case.pk for case in cases[:2]}


def test_the_discussion_of_a_round_waits_for_those_who_took_part_and_for_those_who_lead(project, cast, client_of):
    make_items(project, 2)
    people = [member(project, cast[name]) for name in ("alice", "bob")]
    round_ = calibrating.start(project=project, people=people, by=cast["dave"], count=2)
    assert pages(project, cast["alice"]) == []
    for name, values in (("alice", ["positive", "positive"]), ("bob", ["positive", "negative"])):
        for value in values:
            [slot] = take(project, cast[name])
            answer(project, cast[name], slot, value)
    assert calibrating.open_finished() == 1
    for name in ("alice", "bob", "dave", "carol"):
        assert pages(project, cast[name]) == ["round"], name
    client_of("alice").get(f"/p/{project.slug}/rounds/{round_.pk}/")
    assert pages(project, cast["alice"]) == []
    calibrating.say(round=a.Round.objects.get(), membership=people[1], item=round_.items[0], text="The outlook counts.")
    assert pages(project, cast["alice"]) == ["round"]


def test_questions_answers_reviews_and_alarms_wait_for_whom_they_concern(project, cast):
    make_items(project, 1)
    alice = member(project, cast["alice"])
    [slot] = take(project, cast["alice"])
    thread = asking.ask(membership=alice, assignment=slot.pk, text="Is this positive?")
    assert pages(project, cast["carol"]) == ["inbox"]
    thread.answered_at = timezone.now()
    thread.save()
    assert pages(project, cast["carol"]) == []
    assert pages(project, cast["alice"]) == ["work"]
    reviewing.ask(project=project, user=cast["dave"])
    assert pages(project, cast["carol"]) == ["guideline_review"]
    assert pages(project, cast["dave"]) == []
    now = timezone.now()
    a.Alarm.objects.create(project=project, person=cast["bob"], kind="fast", seen={"n": 30}, since=now, until=now)
    assert pages(project, cast["dave"]) == ["alarms"]
    assert pages(project, cast["bob"]) == []


def test_the_manager_is_told_of_a_review_and_that_editing_undid_it(project, cast, client_of):
    def told():
        return [str(row.sentence) for row in awaited(member(project, cast["dave"]))]

    draft = {"project": project, "schema": project.version.schema, "user": cast["dave"]}
    publishing.save_draft(text="More rules.", **draft)
    review = reviewing.ask(project=project, user=cast["dave"])
    reviewing.remark(review=review, author=cast["carol"], verdict="comment", text="I read it tomorrow.")
    assert told() == []
    for verdict, words in (("change", "asks for changes"), ("approve", "is approved")):
        reviewing.remark(review=review, author=cast["carol"], verdict=verdict, text="So it is.")
        [sentence] = told()
        assert words in sentence
    publishing.save_draft(text="Even more rules.", **draft)
    [sentence] = told()
    assert "edited after its review" in sentence
    assert sentence in client_of("dave").get(f"/p/{project.slug}/").content.decode()


def test_the_list_of_projects_counts_what_each_overview_names(project, cast, client_of, django_assert_num_queries):
    projects = [project, *(make_project(cast, slug=f"other{number}") for number in range(3))]
    now = timezone.now()
    for place, one in enumerate(projects[:3]):
        publishing.save_draft(project=one, text="More.", schema=one.version.schema, user=None)
        review = reviewing.ask(project=one, user=cast["dave"])
        for case in [
            case for case in contested(one, *(f"Text {place} {n}." for n in range(place))) if case.project == one
        ]:
            discussing.open_to_its_people(case=case, membership=member(one, cast["carol"]))
            discussing.say(case=case, membership=member(one, cast["carol"]), text="What do you read here?")
        if place:
            a.Alarm.objects.create(project=one, person=cast["bob"], kind="fast", seen={}, since=now, until=now)
            reviewing.remark(review=review, author=cast["carol"], verdict="approve")
    # In one project an annotator decides.
    a.Membership.objects.filter(project=projects[2], user=cast["bob"]).update(role="adjudicator", labels=True)
    for name in ("alice", "bob", "carol", "dave", "erin"):
        rows = list(a.Membership.objects.filter(user=cast[name]).select_related("project", "user"))
        wanted = {row.project_id: len(found) for row in rows if (found := awaited(row))}
        assert dict(counts(rows)) == wanted, name
    rows = list(a.Membership.objects.filter(user=cast["dave"]).select_related("project", "user"))
    assert sorted(counts(rows).values()) == [3, 3]
    with django_assert_num_queries(8):
        counts(rows)
    page = client_of("dave").get("/").content.decode()
    assert page.count("3 things wait for you") == 2


def test_the_number_of_queries_does_not_grow(project, cast, django_assert_max_num_queries):
    carol = member(project, cast["carol"])
    for case in contested(project, *(f"Text {number}." for number in range(8))):
        discussing.open_to_its_people(case=case, membership=carol)
        discussing.say(case=case, membership=carol, text="What do you read here?")
    for name, most in (("alice", 3), ("carol", 4), ("dave", 8), ("erin", 0)):
        membership = member(project, cast[name])
        with django_assert_max_num_queries(most):
            awaited(membership)


def test_a_batch_that_the_site_made_is_named_in_the_language_of_whoever_reads(project, cast):
    batch = a.Batch(project=project, about={"version": 3})
    assert batch.title == "Guideline version 3 asks again"
    with override("zh-hans"):
        assert "3" in batch.title
    assert a.Batch(project=project, name="Monday", about={"version": 3}).title == "Monday"
    assert {what: a.Batch(about={what: 7}).title for what in a.Batch.MADE} == {
        "version": "Guideline version 7 asks again",
        "round": "Calibration round 7",
        "item": "Item 7: a question",
        "day": "asked again, 7",
        "handed": "handed to you, 7",
    }

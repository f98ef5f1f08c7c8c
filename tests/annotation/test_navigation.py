"""The navigation of a project: each role sees the places it may go to, and where it is."""

import pytest
from django.urls import reverse

from annotation import models as a
from annotation import navigation
from tests.conftest import make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


def reached(project, user):
    """Every page that the navigation offers this person anywhere."""
    member = a.Membership.objects.get(project=project, user=user)
    pages = {section["page"] for section in navigation.sections(member, "")}
    for section in navigation.SECTIONS:
        for place in section.places:
            pages |= {entry["page"] for one in navigation.sections(member, place.page) for entry in one["places"]}
    return pages


@pytest.mark.parametrize("name", ["alice", "carol", "dave", "erin"])
def test_every_place_that_is_offered_opens(cast, client_of, project, name):
    pages = reached(project, cast[name])
    assert pages
    for page in pages:
        answer = client_of(name).get(reverse(page, args=[project.slug]), follow=True)
        assert answer.status_code == 200, page


def test_every_place_is_offered_to_the_manager_but_the_labelling(cast, project):
    offered = reached(project, cast["dave"])
    everything = {place.page for section in navigation.SECTIONS for place in section.places}
    assert everything - offered == {
        "annotation:label",
        "annotation:work",
        "annotation:discussions",
        "annotation:qualification",
    }


def test_who_has_to_qualify_is_led_there_by_the_navigation_and_the_overview(cast, client_of, project):
    there = reverse("annotation:qualification", args=[project.slug])
    assert there not in client_of("alice").get(reverse("annotation:project", args=[project.slug])).content.decode()
    a.Project.objects.filter(pk=project.pk).update(qualification="once")
    assert "annotation:qualification" in reached(project, cast["alice"])
    assert "annotation:qualification" not in reached(project, cast["erin"])
    page = client_of("alice").get(reverse("annotation:project", args=[project.slug])).content.decode()
    navigation_, overview = page.split("<main")
    assert there in navigation_
    assert there in overview
    assert "once you have passed the qualification" in overview
    a.Membership.objects.filter(user=cast["alice"]).update(qualified=1)
    assert "annotation:qualification" not in reached(project, cast["alice"])


def test_an_annotator_is_not_offered_what_shows_others_answers(cast, project):
    offered = reached(project, cast["alice"])
    # Of calibration rounds one reads what one took part in, once all are done; of discussions those on one's own answers.
    places = ("project", "label", "work", "discussions", "guideline", "rounds")
    assert offered == {f"annotation:{page}" for page in places}


def test_the_place_on_the_screen_is_marked_and_its_section_opened(cast, client_of, project):
    page = client_of("dave").get(reverse("annotation:agreement", args=[project.slug])).content.decode()
    here = reverse("annotation:agreement", args=[project.slug])
    assert f'<a href="{here}" aria-current="page">' in page
    assert reverse("annotation:inbox", args=[project.slug]) in page
    assert reverse("annotation:settings", args=[project.slug]) not in page.split("<main")[0]


def test_a_page_knows_its_place_by_its_app_too(cast, project):
    member = a.Membership.objects.get(project=project, user=cast["dave"])
    current = [section["page"] for section in navigation.sections(member, "training:run") if section["current"]]
    assert current == ["evaluation:datasets"]

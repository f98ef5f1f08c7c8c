"""How far a project is, who did what: counts that a person can check, in a fixed number of queries."""

from datetime import timedelta

import pytest
from django.utils import timezone

from annotation import models as a
from annotation import pace, progress
from tests.annotation.worlds import answer, bring, label, lease, member, take
from tests.conftest import make_annotation, make_gold, make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


def test_the_overview_counts_what_there_is(project, cast):
    same, apart, skipped, open_, given = make_items(project, 5)
    label(project, same, alice="neutral", bob="neutral")
    label(project, apart, alice="neutral", bob="positive")
    label(project, skipped, alice=None)
    answer(project, cast["bob"], lease(open_, cast["bob"]), "neutral", flagged=True)
    given.assignments.all().delete()
    make_gold(given, method="imported")
    take(project, cast["alice"])
    found = progress.overview(project)
    assert found == {
        "items": 5, "controls": 0, "training": 0, "left_out": 0, "pool": 0, "slots": 8, "done": 5, "skipped": 1, "leased": 1, "left": 2, "percent": 75,
        "gold": 2, "per_gold": 2.0, "gold_by": {"unanimous": 1, "imported": 1}, "cases_open": 1, "cases_closed": 0, "cases_decided": 0,
        "skips": 1, "undecided": 0, "flagged": 1,
    }  # fmt: skip


def test_an_empty_project_has_an_overview_too(project):
    found = progress.overview(project)
    assert (found["items"], found["percent"], found["left"]) == (0, 0, 0)
    assert progress.people(project) == []
    assert pace.ends(pace.pace(project), 5)["days"] is None


def test_a_lease_that_has_run_out_is_not_counted_as_held(project, cast):
    make_items(project, 1)
    take(project, cast["alice"])
    a.Assignment.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    assert progress.overview(project)["leased"] == 0


def test_people_are_listed_by_what_they_gave(project, cast):
    items = make_items(project, 3)
    for item in items:
        answer(project, cast["bob"], lease(item, cast["bob"]), seconds=4.0)
    answer(project, cast["alice"], lease(items[0], cast["alice"]), None, flagged=True)
    bring(project, '{"id": "n", "text": "New.", "label": "neutral"}', annotator="bank")
    bob, bank, alice = progress.people(project)
    assert (bob["id"], bob["submitted"], bob["seconds_each"], bob["imported"]) == (cast["bob"].pk, 3, 4.0, False)
    assert (bank["name"], bank["submitted"], bank["seconds_each"], bank["imported"]) == ("bank", 1, None, True)
    assert (alice["submitted"], alice["skipped"], alice["flagged"]) == (0, 1, 1)


def test_done_today_counts_ones_own_answers_and_skips_of_a_day(project, cast):
    first, second, third = make_items(project, 3)
    label(project, first, alice="neutral", bob="neutral")
    label(project, second, alice=None)
    label(project, third, alice="neutral")
    a.Annotation.objects.filter(item=third).update(updated_at=timezone.now() - timedelta(days=2))
    assert progress.done_today(member(project, cast["alice"])) == 2


def test_ones_own_share_counts_what_is_done_and_what_is_left_for_oneself(cast):
    project = make_project(cast, slug="share", overlap=2)
    a.Membership.objects.filter(project=project, user=cast["carol"]).update(role=a.Membership.Role.ANNOTATOR)
    done, skipped, held, both_gone, one_gone, open_, lapsed = make_items(project, 7)
    label(project, done, alice="neutral")
    label(project, skipped, alice=None)
    lease(held, cast["alice"])
    label(project, both_gone, bob="neutral", carol="neutral")
    label(project, one_gone, bob="neutral")
    for user in ("bob", "carol"):
        slot = lease(lapsed, cast[user])
        a.Assignment.objects.filter(pk=slot.pk).update(lease_until=timezone.now() - timedelta(minutes=1))
    assert open_.assignments.filter(state="open").count() == 2
    assert progress.share(member(project, cast["alice"])) == {"done": 2, "left": 4}
    assert progress.share(member(project, cast["bob"])) == {"done": 2, "left": 5}


def test_what_somebody_else_holds_is_not_left_for_oneself(project, cast):
    [item] = make_items(project, 1, slots=1)
    lease(item, cast["bob"])
    assert progress.share(member(project, cast["alice"])) == {"done": 0, "left": 0}
    assert progress.share(member(project, cast["bob"])) == {"done": 0, "left": 1}


def test_the_number_of_queries_is_fixed(project, cast, django_assert_max_num_queries):
    for item in make_items(project, 30):
        label(project, item, alice="neutral", bob="neutral")
    with django_assert_max_num_queries(15):
        progress.overview(project)
        progress.people(project)


def test_what_a_publication_carried_over_is_no_work_of_the_day(cast):
    project = make_project(cast)
    mine, mapped = make_items(project, 2)
    make_annotation(mine, cast["alice"])
    make_annotation(mapped, cast["alice"], mapped=True)
    membership = a.Membership.objects.get(project=project, user=cast["alice"])
    assert progress.done_today(membership) == 1


def test_one_number_of_answers_is_told_wherever_one_is(project, cast, client_of):
    items = make_items(project, 3)
    label(project, items[0], alice="neutral", bob=None)
    label(project, items[1], alice="neutral")
    dave = client_of("dave")
    home = dave.get(f"/p/{project.slug}/").content.decode()
    assert home.count("2 answers of 6 wanted are in; closed without an answer: 1") == 2
    assert "2 of 6" in dave.get("/").content.decode()

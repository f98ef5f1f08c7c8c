"""My work: items, hours and pace by day as they were, a goal, and nobody else's."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from annotation import choosing, progress
from tests.annotation.worlds import answer, correct, lease, member
from tests.conftest import make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast, undecided=True)


def test_a_day_counts_items_time_and_skips_and_a_correction_is_no_further_item(project, cast):
    items = make_items(project, 4)
    alice = cast["alice"]
    for item, seconds in zip(items, (10, 20, 90, None), strict=True):
        answer(project, alice, lease(item, alice), seconds=seconds)
    correct(project, alice, items[0], None)
    answer(project, cast["bob"], lease(items[0], cast["bob"]), seconds=1000)
    [day] = progress.work(member(project, alice))
    assert day["day"] == timezone.localdate()
    assert (day["items"], day["skipped"], day["corrected"]) == (4, 0, 1)
    assert (day["median_seconds"], round(day["hours"] * 3600)) == (20, 120)


def test_skips_and_undecided_items_are_counted_and_listed(project, cast):
    first, second = make_items(project, 2)
    answer(project, cast["alice"], lease(first, cast["alice"]), None, seconds=4)
    answer(project, cast["alice"], lease(second, cast["alice"]), status="undecided", skip_reason="context", answer={})
    [day] = progress.work(member(project, cast["alice"]))
    assert (day["items"], day["skipped"], day["undecided"]) == (2, 1, 1)
    listed = progress.without_answer(member(project, cast["alice"]))
    assert [row.item for row in listed] == [second, first]


def test_days_are_kept_apart_and_old_ones_are_left_out(project, cast, monkeypatch):
    items, now = make_items(project, 3), timezone.now()
    for item, days in zip(items, (31, 2, 0), strict=True):
        monkeypatch.setattr(timezone, "now", lambda days=days: now - timedelta(days=days))
        answer(project, cast["alice"], lease(item, cast["alice"]), seconds=6)
    found = progress.work(member(project, cast["alice"]))
    assert [day["items"] for day in found] == [1, 1]
    assert found[0]["day"] - found[1]["day"] == timedelta(days=2)


def test_it_costs_one_query(project, cast, django_assert_num_queries):
    for item in make_items(project, 5):
        answer(project, cast["alice"], lease(item, cast["alice"]), seconds=3)
    membership = member(project, cast["alice"])
    with django_assert_num_queries(1):
        progress.work(membership)


@pytest.mark.parametrize(("goal", "per"), [(0, "day"), (-3, "day"), (10_001, "day"), (5, "year")])
def test_a_goal_that_is_none_is_refused_in_words(project, cast, goal, per):
    with pytest.raises(ValueError, match=r"^A goal is"):
        choosing.set_goal(membership=member(project, cast["alice"]), goal=goal, per=per)


def test_the_page_sets_a_goal_and_shows_it_where_one_labels(project, cast, client_of):
    make_items(project, 1)
    alice = client_of("alice")
    url = reverse("annotation:work", args=[project.slug])
    assert alice.post(url, {"goal": "40", "per": "session"}).status_code == 302
    page = alice.get(reverse("annotation:label", args=[project.slug]))
    assert page.context["desk"]["goal"] == {"count": 40, "per": "session"}
    for wrong in ("many", "0", "99999"):
        alice.post(url, {"goal": wrong, "per": "day"})
    assert member(project, cast["alice"]).goal == 40
    alice.post(url, {"goal": "", "per": "day"})
    assert member(project, cast["alice"]).goal is None


def test_the_page_shows_ones_own_days_and_skips_alone(project, cast, client_of):
    first, second = make_items(project, ["Skipped by alice.", "Skipped by bob."])
    answer(project, cast["alice"], lease(first, cast["alice"]), None, seconds=7200)
    answer(project, cast["bob"], lease(second, cast["bob"]), None)
    page = client_of("alice").get(reverse("annotation:work", args=[project.slug])).content.decode()
    assert "Skipped by alice." in page
    assert "Skipped by bob." not in page
    assert "2.0 hours" in page


def test_a_program_reads_ones_work_and_sets_the_goal(project, cast, caller_of):
    [item] = make_items(project, 1)
    answer(project, cast["alice"], lease(item, cast["alice"]), seconds=36)
    alice, root = caller_of("alice"), f"/api/v1/projects/{project.slug}/my-work/"
    told = alice.get(root).json()
    assert (told["goal"], told["done_today"], told["days"][0]["hours"]) == (None, 1, 0.01)
    assert alice.patch(root, {"goal": 25}).json()["goal"] == 25
    assert alice.patch(root, {"goal": 0}).status_code == 400
    assert alice.patch(root, {"goal": None}).json()["goal"] is None
    assert caller_of("carol").get(root).status_code == 403

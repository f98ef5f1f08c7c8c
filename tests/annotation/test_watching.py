"""The worker looks for alarms where answers came; managers see what is behind each and put it away with a note."""

from datetime import timedelta

import pytest
from django.utils import timezone

from annotation import jobs, watching
from annotation import models as a
from tests.conftest import make_annotation, make_items, make_project


@pytest.fixture
def project(cast):
    project = make_project(cast, overlap=2)
    items = make_items(project, 60)
    start = timezone.now() - timedelta(hours=2)
    for place, item in enumerate(items):
        when = start + timedelta(minutes=place)
        make_annotation(item, cast["bob"], ["negative", "neutral", "positive"][place * 7 % 3], seconds=12.0, updated_at=when, created_at=when)  # fmt: skip
    return project


def mash(project, user, count=40):
    """Answers of alice within a second each, by turns."""
    start = timezone.now() - timedelta(hours=1)
    for place, item in enumerate(project.items.order_by("pk")[:count]):
        when = start + timedelta(seconds=place)
        make_annotation(item, user, ["negative", "positive"][place % 2], seconds=1.0, updated_at=when, created_at=when)


def look(project):
    row = watching.ask(project)
    assert row is not None
    assert jobs.run(a.Watch, row.pk, watching.work)
    row.refresh_from_db()
    assert row.state == "done", row.message


def test_the_worker_raises_what_it_sees_once_with_the_answers_behind_it(project, cast):
    mash(project, cast["alice"])
    look(project)
    found = {row.kind: row for row in a.Alarm.objects.all()}
    assert set(found) == {"fast", "mashing"}
    assert {row.person for row in found.values()} == {cast["alice"]}
    rows = a.Annotation.objects.filter(pk__in=found["mashing"].rows)
    assert rows.count() == 40
    said, todo = watching.words(found["mashing"])
    assert "last 40 answers" in said
    assert "every 2 answers" in said
    assert todo
    assert "1.0 seconds" in watching.words(found["fast"])[0]
    # Nothing new, nothing to look at; more of the same brings the alarm up to date.
    assert watching.ask(project) is None
    a.Annotation.objects.filter(annotator=cast["alice"]).update(updated_at=timezone.now())
    look(project)
    assert a.Alarm.objects.count() == 2


def test_too_little_is_no_alarm(project, cast):
    mash(project, cast["alice"], 10)
    look(project)
    assert not a.Alarm.objects.exists()


def test_a_dismissed_alarm_comes_back_only_with_newer_answers(project, cast, client_of):
    mash(project, cast["alice"])
    look(project)
    page = client_of("dave").get("/p/sentiment/alarms/").content.decode()
    assert "a pattern of keys" in page
    for row in a.Alarm.objects.all():
        assert client_of("dave").post(f"/p/sentiment/alarms/{row.pk}/dismiss/", {"note": ""}).status_code == 302
        row.refresh_from_db()
        assert row.dismissed_at is None
        client_of("dave").post(f"/p/sentiment/alarms/{row.pk}/dismiss/", {"note": "a demonstration"})
    assert not watching.open_alarms(project)
    item = project.items.order_by("pk")[45]
    make_annotation(item, cast["alice"], "neutral", seconds=9.0)
    look(project)
    assert not watching.open_alarms(project)
    assert "a demonstration" in client_of("dave").get("/p/sentiment/alarms/").content.decode()


def test_only_projects_with_answers_are_asked_and_set_aside_work_is_not_looked_at(project, cast):
    make_project(cast, slug="empty")
    assert watching.ask_all() == 1
    assert watching.ask_all() == 1  # the same job, still under way
    assert a.Watch.objects.count() == 1
    mash(project, cast["alice"])
    act = a.SetAside.objects.create(
        project=project, person=cast["alice"], since=timezone.now(), until=timezone.now(), reason="x"
    )
    a.Annotation.objects.filter(annotator=cast["alice"]).update(set_aside=act)
    jobs.run(a.Watch, a.Watch.objects.get().pk, watching.work)
    assert not a.Alarm.objects.exists()


def test_answers_that_drift_from_the_others_are_seen(cast):
    project = make_project(cast, slug="drift", overlap=2)
    items = make_items(project, 100)
    start = timezone.now() - timedelta(days=1)
    for place, item in enumerate(items):
        when = start + timedelta(minutes=place)
        value = ["negative", "neutral", "positive"][place * 7 % 3]
        make_annotation(item, cast["bob"], value, seconds=9.0, updated_at=when, created_at=when)
        other = value if place < 60 else ["neutral", "positive", "negative"][place * 7 % 3]
        make_annotation(item, cast["alice"], other, seconds=9.0, updated_at=when, created_at=when)
    look(project)
    assert {row.kind for row in a.Alarm.objects.all()} == {"drift"}
    assert {row.person for row in a.Alarm.objects.all()} == {cast["alice"], cast["bob"]}


def test_by_program_alarms_come_page_by_page(project, cast, caller_of):
    now, seen = timezone.now(), {"n": 30, "seconds": 1.0, "usual": 9.0, "part": 0.1}
    for name in ("alice", "bob", "carol"):
        a.Alarm.objects.create(project=project, person=cast[name], kind="fast", seen=seen, since=now, until=now)
    first = caller_of("dave").get(f"/api/v1/projects/{project.slug}/alarms/?page_size=2").json()
    second = caller_of("dave").get(first["next"]).json()
    people = [row["person"] for row in [*first["results"], *second["results"]]]
    assert (people, second["next"]) == (["carol", "bob", "alice"], None)

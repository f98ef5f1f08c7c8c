"""The pace: answers a day over the last ten days on which somebody worked, one number for every page."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from annotation import batches, batching, pace, quality
from annotation import models as a
from tests.annotation.test_surveying import figures
from tests.annotation.worlds import bring, correct, label, member
from tests.conftest import make_items, make_project

pytestmark = pytest.mark.django_db
TODAY = date(2026, 5, 14)


@pytest.fixture
def project(cast):
    return make_project(cast)


def day(ago, person, **counts):
    return a.WorkDay(person_id=person, day=TODAY - timedelta(days=ago), **counts)


def test_days_without_work_count_for_nothing_and_today_is_not_over():
    rows = [day(0, 1, answered=50), day(1, 1, answered=8, skipped=1, undecided=1), day(1, 2, answered=20), day(9, 1, answered=10)]  # fmt: skip
    found = pace.of_days(rows, TODAY)
    assert (found.daily, found.per_day) == ([10, 30], 20.0)
    assert found.people == {1: 10.0, 2: 10.0}
    assert sum(found.people.values()) == found.per_day
    # nine days of the calendar with two of work
    assert found.rest == 4.5


def test_the_first_day_of_all_counts_although_it_is_not_over():
    assert pace.of_days([day(0, 1, answered=7)], TODAY).per_day == 7.0
    nothing = pace.of_days([], TODAY)
    assert (nothing.per_day, nothing.days, nothing.rest) == (0.0, [], 1.0)


def test_corrections_and_control_items_make_no_day_of_work():
    found = pace.of_days([day(1, 1, corrected=5), day(2, 1, controls=9), day(3, 1, answered=4, controls=1)], TODAY)
    assert (found.daily, found.days) == ([4], [TODAY - timedelta(days=3)])


def test_only_the_last_ten_days_of_work_count():
    rows = [day(2 * n, 1, answered=n) for n in range(1, 15)]
    found = pace.of_days(rows, TODAY)
    assert found.daily == list(range(10, 0, -1))


def at(monkeypatch, days):
    moment = timezone.now() - timedelta(days=days)
    monkeypatch.setattr(timezone, "now", lambda: moment)


@pytest.mark.parametrize("stored", [False, True])
def test_it_is_the_same_before_and_after_the_worker_has_summed_the_days(project, cast, monkeypatch, stored):
    items = make_items(project, 12)
    for ago, some in ((5, items[:4]), (2, items[4:6])):
        with monkeypatch.context() as patch:
            at(patch, ago)
            for item in some:
                label(project, item, alice="positive", bob=None)
    correct(project, cast["alice"], items[0], "negative")
    bring(project, '{"id": "n", "text": "New.", "label": "neutral"}', annotator="bank")
    if stored:
        figures(project)
    found = pace.pace(project)
    assert (found.daily, found.per_day, found.rest) == ([8, 4], 6.0, 2.0)
    assert found.people == {cast["alice"].pk: 3.0, cast["bob"].pk: 3.0}


def test_every_page_tells_it(project, cast, monkeypatch, client_of, caller_of):
    items = make_items(project, 30)
    for ago, some in ((6, items[:2]), (3, items[2:9])):
        with monkeypatch.context() as patch:
            at(patch, ago)
            for item in some:
                label(project, item, alice="positive", bob="positive")
    for item in items[9:14]:
        label(project, item, alice="positive")
    batch = batching.assign(project=project, items=[item.pk for item in items[20:]], people=[member(project, cast["bob"])], name="b", by=cast["dave"], divided=False, extra=False).batch  # fmt: skip
    figures(project)
    told = quality.told(project)
    # 4 and 14 on the two days before today; 42 - 5 are missing
    assert (told["pace"]["per_day"], told["pace"]["days"]) == (9.0, 2)
    assert {row["name"]: row["a_day"] for row in told["people"]} == {"alice": 4.5, "bob": 4.5}
    left = 60 - 18 - 5
    assert (told["finish"]["left"], told["finish"]["days"]) == (left, 5)
    progress = caller_of("dave").get(f"/api/v1/projects/{project.slug}/progress/").json()
    assert (progress["pace"], progress["days_left"]) == (9.0, 5)
    [standing] = batches.standings(project, [batch])
    [part] = standing.parts
    assert (part.pace, part.left) == (4.5, 10)
    assert part.days == pytest.approx(10 / 4.5)
    assert standing.ready_at == pytest.approx(timezone.now() + timedelta(days=part.days * 2), abs=timedelta(minutes=1))
    home = client_of("dave").get(f"/p/{project.slug}/").content.decode()
    assert "days of work left, at 9 answers a day" in home

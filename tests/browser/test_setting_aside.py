"""A manager answers for people's work in a browser: work set aside after a preview and taken back; an alarm looked at and closed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from annotation import jobs, settling, watching
from annotation import models as a
from tests.browser.pages import Keys, Window
from tests.browser.test_people_quality import pictures
from tests.conftest import make_annotation, make_items, make_project

pytestmark = pytest.mark.browser


def test_work_is_set_aside_after_a_preview_and_taken_back(window: Window, cast: dict[str, a.User], site: str) -> None:
    project = make_project(cast, overlap=2)
    for item in make_items(project, ["Profit rose.", "Sales were flat.", "The board met."]):
        for name in ("alice", "bob"):
            make_annotation(item, cast[name], "positive")
    settling.settle_all(project=project)
    assert a.Gold.objects.current().count() == 3

    window.sign_in(cast["dave"])
    window.open(f"/p/{project.slug}/people/")
    window.follow(f"a[href='/p/{project.slug}/set-aside/?for={cast['bob'].pk}#form']")
    assert window.js("return document.getElementById('person').selectedOptions[0].textContent") == "bob"
    yesterday = timezone.localtime() - timedelta(days=1)
    window.js("document.getElementById('since').value = arguments[0]", f"{yesterday:%Y-%m-%dT%H:%M}")
    window.follow("#form button")

    assert window.js("return document.getElementById('since').value") == f"{yesterday:%Y-%m-%dT%H:%M}"
    # Everything is told before anything is done.
    words = window.words()
    assert "What it would change: answers of bob" in words
    assert "answers that would not count any more\n3" in words
    assert "gold that would fall, until others have answered\n3" in words
    assert "answers that others would be asked for\n3" in words
    assert window.faults() == []
    pictures(window, "set-aside-preview")
    assert not a.SetAside.objects.exists()
    assert a.Gold.objects.current().count() == 3

    # A reason must be given, and the question is asked once more.
    window.type("#reason", "Bob read the rule of the year before.")
    window.click("form[data-confirm] button.primary")
    window.until(lambda: window.shown("dialog"), "it does not ask")
    window.press(Keys.ESCAPE)
    assert not a.SetAside.objects.exists()
    window.click("form[data-confirm] button.primary")
    window.until(lambda: window.shown("dialog"), "it does not ask")
    window.js("window.left = true")
    window.click("dialog button[value=yes]")
    window.loaded()
    act = a.SetAside.objects.get()
    assert (act.person, act.made_by, act.reason) == (cast["bob"], cast["dave"], "Bob read the rule of the year before.")
    assert not a.Gold.objects.current().exists()
    assert set(a.Annotation.objects.current().values_list("annotator__username", flat=True)) == {"alice"}
    assert "Bob read the rule of the year before." in window.words()
    assert window.faults() == []
    pictures(window, "set-aside-done")
    window.open(f"/p/{project.slug}/people/")
    assert "work set aside" in window.words()

    # One press takes it back.
    window.open(f"/p/{project.slug}/set-aside/")
    window.click("main table form button")
    window.until(lambda: window.shown("dialog"), "it does not ask")
    window.js("window.left = true")
    window.click("dialog button[value=yes]")
    window.loaded()
    assert a.SetAside.objects.get().reverted_at is not None
    assert a.Gold.objects.current().count() == 3
    assert "taken back" in window.words()
    assert not window.all("main table form")
    assert window.faults() == []
    window.phone()
    window.open(f"/p/{project.slug}/set-aside/")
    assert window.faults() == []


def test_an_alarm_is_raised_looked_at_and_closed(window: Window, project: a.Project, cast: dict[str, a.User]) -> None:
    start = timezone.now() - timedelta(hours=1)
    for place, item in enumerate(make_items(project, 60)):
        when = start + timedelta(seconds=place)
        value = ("positive", "negative", "neutral")[place % 3]
        make_annotation(item, cast["alice"], value, seconds=0.4, updated_at=when, created_at=when)
        make_annotation(item, cast["bob"], value, seconds=9.0, updated_at=when, created_at=when)
    window.sign_in(cast["dave"])
    window.open(f"/p/{project.slug}/alarms/")
    assert "No alarm is open." in window.words()
    assert window.faults() == []
    # The manager asks, the worker looks.
    window.follow("main form.row-form button")
    assert jobs.run(a.Watch, a.Watch.objects.get().pk, watching.work)
    alarms = list(a.Alarm.objects.filter(person=cast["alice"]))
    assert {alarm.kind for alarm in alarms} >= {"fast", "mashing"}
    window.open(f"/p/{project.slug}/")
    assert "waits for a look" in window.words() or "wait for a look" in window.words()
    window.follow(f"#content a[href='/p/{project.slug}/alarms/']")
    words = window.words()
    assert "alice: too fast" in words
    assert "took 0.4 seconds each" in words
    window.js("for (const one of document.querySelectorAll('main details')) one.open = true")
    assert window.faults() == []
    pictures(window, "alarms-open")

    # Each leads to the items behind it and to setting the work since then aside.
    fast = next(alarm for alarm in alarms if alarm.kind == "fast")
    card = f"[aria-labelledby=alarm-{fast.pk}]"
    behind = window.js("return document.querySelector(arguments[0]).pathname", f"{card} details a")
    assert behind.startswith(f"/p/{project.slug}/items/")
    window.follow(f"{card} a.quiet")
    assert window.js("return document.getElementById('person').selectedOptions[0].textContent") == "alice"
    assert window.js("return document.getElementById('since').value") == f"{timezone.localtime(fast.since):%Y-%m-%dT%H:%M}"  # fmt: skip

    # It is closed with what it was, and then stands below with it.
    window.open(f"/p/{project.slug}/alarms/")
    window.type(f"#note-{fast.pk}", "She knew these texts by heart.")
    window.follow(f"{card} .actions button")
    fast.refresh_from_db()
    assert (fast.dismissed_by, fast.note) == (cast["dave"], "She knew these texts by heart.")
    assert not window.all(card)
    assert "She knew these texts by heart." in window.words()
    assert window.faults() == []
    window.phone()
    window.open(f"/p/{project.slug}/alarms/")
    assert window.faults() == []

"""The quality of people in a browser: a qualification by keys, a calibration round from its start to its discussion."""

import os
from typing import Any

import pytest

from annotation import calibrating, controlling, qualifying
from annotation import models as a
from tests.annotation.worlds import answer, member, take
from tests.browser.pages import Keys, Window
from tests.conftest import make_gold, make_items

pytestmark = pytest.mark.browser


def pictures(window: Window, name: str) -> None:
    """At both widths, light and dark, where SHOTS names a folder; nothing sticks out and nothing is at fault."""
    folder = os.environ.get("SHOTS")
    for size in ("wide", "phone"):
        getattr(window, size)()
        assert window.sticks_out() == [], (name, size)
        for dark in (False, True) if folder else ():
            window.dark(on=dark)
            window.driver.save_screenshot(f"{folder}/{name}-{size}-{'dark' if dark else 'light'}.png")
        window.dark(on=False)
    window.wide()


def test_a_person_passes_the_qualification_by_keys_and_then_labels(
    window: Window, project: a.Project, cast: dict[str, a.User]
) -> None:
    a.Project.objects.update(qualification="once", pass_mark=50, pass_least=2)
    training = make_items(project, ["Profit rose.", "Profit grew."], slots=0)
    for item in training:
        make_gold(item)
    controlling.mark(project=project, items=a.Item.objects.filter(pk__in=[row.pk for row in training]), role="training")
    for item in a.Item.objects.filter(role="training"):
        qualifying.explain(item=item, text="Higher profit is good for holders.", rule="Good news is positive.")
    make_items(project, ["Sales fell."])
    window.sign_in(cast["alice"])
    window.open(f"/p/{project.slug}/label/")
    assert "First the qualification" in window.words()
    pictures(window, "unqualified")
    window.follow("main a.primary")
    pictures(window, "qualification")
    window.follow("main form button.primary")
    window.ready()
    window.press("1")
    window.until(lambda: window.shown("#feedback"), "no feedback")
    assert "Not right" in window.text("#feedback")
    assert "Good news is positive." in window.text("#feedback")
    assert window.shown("#text")
    # One button for the key.
    assert window.shown("#feedback-next")
    assert not window.shown(".do button")
    pictures(window, "feedback")
    first = window.text("#text")
    # A key of a label does nothing meanwhile; Enter goes on.
    window.press("3")
    assert a.TrainingAnswer.objects.count() == 1
    window.press(Keys.ENTER)
    window.until(lambda: window.text("#text") not in ("", first), "no next item")
    window.rest()
    window.press("3")
    window.until(lambda: window.shown("#feedback-end"), "no end")
    assert "You have passed" in window.text("#feedback-end")
    assert "To labelling" in window.text("#feedback-next")
    window.press(Keys.ENTER)
    window.until(lambda: window.path.endswith("/label/"), "not at the work")
    window.ready()
    assert window.item() == "Sales fell."
    assert not a.Annotation.objects.exists()
    window.sign_in(cast["dave"])
    for page in ("qualification/manage", "controls", "people", f"people/{cast['alice'].pk}", "set-aside", "alarms"):
        window.open(f"/p/{project.slug}/{page}/")
        pictures(window, page.replace("/", "-"))


def test_a_calibration_round_from_its_start_to_its_discussion(
    window: Window, project: a.Project, cast: dict[str, a.User]
) -> None:
    make_items(project, 6)
    window.sign_in(cast["dave"])
    window.open(f"/p/{project.slug}/rounds/")
    pictures(window, "rounds-empty")
    window.js("document.querySelector('#count').value = '3'")
    window.follow("main form.form button.primary")
    round_ = a.Round.objects.get()
    assert "being answered" in window.words()
    answer_all(project, cast["alice"], ["positive", "negative", "neutral"])
    answer_all(project, cast["bob"], ["positive", "positive", "neutral"])
    assert calibrating.open_finished() == 1
    window.sign_in(cast["alice"])
    window.open(f"/p/{project.slug}/rounds/{round_.pk}/")
    assert "The most contested first" in window.words()
    pictures(window, "round")
    item = min(round_.items)
    window.js(f"document.querySelector('#item-{item} details').open = true")
    window.type(f"#text-{item}", "The outlook counts, too.")
    window.follow(f"#item-{item} form button")
    assert "The outlook counts, too." in window.words()
    window.open(f"/p/{project.slug}/rounds/")
    assert window.shown("svg[role=img]")
    pictures(window, "rounds")


def answer_all(project: a.Project, user: a.User, values: list[str]) -> Any:
    """The items of the round, in one order for everybody."""
    slots = {slot.item_id: slot for slot in take(project, user, count=len(values))}
    for value, item in zip(values, sorted(slots), strict=True):
        answer(project, user, slots[item], value)
    assert member(project, user).can_label

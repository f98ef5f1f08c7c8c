"""Scores in a browser: nothing is chosen beforehand; keys, slider, field and buttons; by keyboard alone and on a telephone."""

from typing import Any

import pytest

from annotation import models as a
from annotation import schema as schemas
from tests.browser.pages import Keys, Window
from tests.conftest import make_items, set_schema

pytestmark = pytest.mark.browser

POINTS = {"name": "stars", "kind": "score", "low": "poor", "high": "excellent"}
TENTHS = {"name": "tone", "kind": "score", "min": -1, "max": 1, "step": 0.1, "low": "negative", "high": "positive"}


def desk(window: Window, project: a.Project, user: a.User, *questions: dict[str, Any]) -> None:
    set_schema(project, schemas.check({"questions": list(questions)}))
    make_items(project, 4)
    window.sign_in(user)
    window.label(project)
    window.rest()


def stored(text: str) -> dict[str, Any]:
    return dict(a.Annotation.objects.get(item__document__text=text).answer)


def tone(window: Window) -> str:
    return str(window.js("return document.querySelector('[data-question=tone] .number').value"))


def test_digits_are_the_points_of_a_short_scale_and_move_on(window, project, cast):
    desk(window, project, cast["alice"], POINTS, TENTHS)
    first = window.item()
    assert not window.all("[data-question=stars] [aria-checked=true]")
    assert window.all("[data-question=tone].unset")
    window.press("4")
    assert window.text("[data-question=stars] [aria-checked=true]") == "4"
    # The slider is next: a digit begins a number in its field, Enter sends.
    window.press("-")
    window.press(".", "5", Keys.ENTER)
    window.next_item(first)
    window.saved()
    assert stored(first) == {"stars": 4, "tone": -0.5}


def test_arrows_move_by_a_step_and_with_shift_by_ten(window, project, cast):
    desk(window, project, cast["alice"], TENTHS)
    first = window.item()
    window.js("document.querySelector('[data-question=tone] .slider').focus()")
    window.press(Keys.ARROW_RIGHT)
    assert tone(window) == "0"
    window.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert tone(window) == "0.3"
    window.js(
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'ArrowLeft', shiftKey: true, bubbles: true, cancelable: true}))"
    )
    assert tone(window) == "-0.7"
    window.press("u")
    assert tone(window) == ""
    assert window.all(".unset")
    window.press("U")
    assert tone(window) == "-0.7"
    window.press(Keys.ENTER)
    window.next_item(first)
    window.saved()
    assert stored(first) == {"tone": -0.7}


def test_what_is_no_number_of_the_scale_is_not_sent(window, project, cast):
    desk(window, project, cast["alice"], {**TENTHS, "required": False})
    first = window.item()
    window.press("7", Keys.ENTER)
    window.js("document.querySelector('[data-do=save]').click()")
    window.until(lambda: window.shown("#notice"), "nothing is said")
    assert "goes from -1 to 1 in steps of 0.1" in window.text("#notice")
    assert window.item() == first
    window.type("[data-question=tone] .number", "0,4")
    assert tone(window) == "0,4"
    window.press(Keys.ENTER)
    window.next_item(first)
    window.saved()
    assert stored(first) == {"tone": 0.4}


def test_a_draft_comes_back_and_an_optional_one_can_be_cleared(window, project, cast):
    desk(window, project, cast["alice"], {**POINTS, "required": False})
    first = window.item()
    window.press("2")
    assert window.item() == first
    window.label(project)
    assert window.text("[aria-checked=true]") == "2"
    window.click(".clear")
    assert not window.all("[aria-checked=true]")
    window.press(Keys.ESCAPE)
    window.click("[data-do=save]")
    window.next_item(first)
    window.saved()
    assert stored(first) == {}


def test_a_finger_on_a_telephone(window, project, cast):
    window.phone()
    desk(window, project, cast["alice"], POINTS, TENTHS)
    first = window.item()
    window.js("document.querySelector('[data-question=stars]').scrollIntoView()")
    window.tap("[data-question=stars] [data-value='5']")
    window.until(lambda: window.text("[data-question=stars] [aria-checked=true]") == "5")
    window.js("document.querySelector('[data-question=tone] .slider').scrollIntoView({block: 'center'})")
    window.tap("[data-question=tone] .slider")
    window.until(lambda: tone(window) == "0", "a press on the unset handle is no answer")
    assert window.faults() == []
    window.js("document.querySelector('[data-do=save]').click()")
    window.next_item(first)
    window.saved()
    assert stored(first) == {"stars": 5, "tone": 0}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_page_has_no_faults(window, project, cast, language):
    cast["alice"].language = language
    desk(window, project, cast["alice"], POINTS, TENTHS)
    assert window.faults() == []
    window.dark(on=True)
    window.press("3")
    assert window.faults() == []


def test_a_case_is_decided_with_the_same_widget(window, project, cast):
    set_schema(project, schemas.check({"questions": [TENTHS]}))
    [item] = make_items(project, 1)
    case = a.Case.objects.create(project=project, item=item, question="tone", disagreement=0.5)
    for name, value in (("alice", 0.2), ("bob", -0.4)):
        a.Annotation.objects.create(
            project=project, item=item, annotator=cast[name], guideline_version=project.version,
            status="submitted", answer={"tone": value},
        )  # fmt: skip
    window.sign_in(cast["carol"])
    window.open(f"/p/{project.slug}/adjudicate/{case.pk}/")
    window.click("[data-take='-0.4']")
    assert tone(window) == "-0.4"
    window.js("document.querySelector('[name=reason]').checked = true")
    window.js("document.querySelector('#decision .number').focus()")
    window.js("window.left = true")
    window.press(Keys.BACKSPACE * 4, "0.1", Keys.ENTER)
    window.loaded()
    assert a.Gold.objects.current().get(item=item).value == 0.1

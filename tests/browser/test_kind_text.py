"""Free words in a browser: written, sent and left by keyboard; a run of typing is one step of undo."""

from typing import Any

import pytest

from annotation import models as a
from annotation import schema as schemas
from tests.browser.pages import Keys, Window
from tests.conftest import make_items, set_schema

pytestmark = pytest.mark.browser

WHY = {"name": "why", "kind": "text", "longest": 30, "multiline": True}


def desk(window: Window, project: a.Project, user: a.User, *questions: dict[str, Any]) -> None:
    set_schema(project, schemas.check({"questions": list(questions)}))
    make_items(project, 3)
    window.sign_in(user)
    window.label(project)
    window.rest()


def stored(text: str) -> Any:
    return dict(a.Annotation.objects.get(item__document__text=text).answer).get("why")


def words(window: Window) -> str:
    return str(window.js("return document.querySelector('[data-question=why] textarea').value"))


def send(window: Window, *, control: bool) -> None:
    """Enter, perhaps with Ctrl, in the field."""
    window.js(
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'Enter', ctrlKey: arguments[0], bubbles: true, cancelable: true}))",
        control,
    )


def test_words_are_written_and_sent_by_keyboard_alone(window, project, cast):
    desk(window, project, cast["alice"], WHY)
    first = window.item()
    window.press("w")
    window.press("Sales ", "rose 好")
    window.press(Keys.ENTER, "<b>us</b>")
    assert words(window) == "Sales rose 好\n<b>us</b>"
    window.press(Keys.ESCAPE)
    assert window.js("return document.activeElement.id") == "text"
    window.press("w")
    send(window, control=True)
    window.next_item(first)
    window.saved()
    assert stored(first) == "Sales rose 好\n<b>us</b>"
    assert words(window) == ""


def test_a_run_of_typing_is_one_step_of_undo_and_a_draft_comes_back(window, project, cast):
    desk(window, project, cast["alice"], WHY)
    window.press("w")
    window.press("one run")
    window.press(Keys.ESCAPE)
    window.press("w")
    window.press(" more")
    window.press(Keys.ESCAPE)
    assert words(window) == "one run more"
    window.press("u")
    assert words(window) == "one run"
    window.press("u")
    assert words(window) == ""
    window.press("U", "U")
    assert words(window) == "one run more"
    window.label(project)
    assert words(window) == "one run more"


def test_too_many_characters_are_not_sent(window, project, cast):
    desk(window, project, cast["alice"], WHY)
    first = window.item()
    window.press("w")
    window.press("x" * 31)
    assert window.text(".words .left") == "31 of 30 characters"
    send(window, control=True)
    window.until(lambda: window.shown("#notice"), "nothing is said")
    assert "takes at most 30 characters; here are 31" in window.text("#notice")
    assert window.item() == first


def test_on_one_line_enter_goes_on_to_the_next_question(window, project, cast):
    label = {"name": "sure", "kind": "choice", "labels": ["yes", "no"]}
    desk(window, project, cast["alice"], {**WHY, "multiline": False}, label)
    first = window.item()
    window.press("w")
    window.press("because", Keys.ENTER)
    assert window.js("return document.activeElement.closest('[data-question]').dataset.question") == "sure"
    window.press("2", Keys.ENTER)
    window.next_item(first)
    window.saved()
    assert stored(first) == "because"


def test_it_has_no_faults_on_a_telephone_and_in_the_dark(window, project, cast):
    desk(window, project, cast["alice"], WHY)
    assert window.faults() == []
    window.phone()
    window.dark(on=True)
    assert window.faults() == []

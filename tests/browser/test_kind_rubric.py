"""Rubrics in a browser: a digit rates and moves on, arrows go through the grid; by keyboard alone and on a telephone."""

import os
from typing import Any

import pytest

from annotation import models as a
from annotation import schema as schemas
from tests.browser.pages import Keys, Window
from tests.conftest import make_items, set_schema

pytestmark = pytest.mark.browser

RUBRIC = {
    "name": "quality", "kind": "rubric",
    "criteria": ["clear | Clarity | can be understood without the question", "relevant | Relevance", "tone | <b>Tone</b>"],
    "scale": ["0 | no", "1 | partly", "2 | yes"],
}  # fmt: skip


def desk(window: Window, project: a.Project, user: a.User, **settings: Any) -> None:
    set_schema(project, schemas.check({"questions": [{**RUBRIC, **settings}]}))
    make_items(project, 3)
    window.sign_in(user)
    window.label(project)
    window.rest()


def stored(text: str) -> Any:
    return dict(a.Annotation.objects.get(item__document__text=text).answer).get("quality")


def ratings(window: Window) -> list[str]:
    """What is chosen, criterion by criterion."""
    script = "return [...document.querySelectorAll('[data-criterion]')].map((row) => row.querySelector('[aria-checked=true]')?.dataset.value ?? '')"
    return list(window.js(script))


def shot(window: Window, name: str) -> None:
    """A screenshot where SHOTS names a folder."""
    if folder := os.environ.get("SHOTS"):
        window.driver.save_screenshot(f"{folder}/{name}.png")


def test_three_digits_and_enter_are_an_answer(window, project, cast):
    desk(window, project, cast["alice"])
    first = window.item()
    assert ratings(window) == ["", "", ""]
    window.press("2")
    window.press("0")
    assert ratings(window) == ["2", "0", ""]
    window.press(Keys.ENTER)
    window.until(lambda: window.shown("#notice"), "nothing is said")
    assert "“Quality” has no rating yet: <b>Tone</b>." in window.text("#notice")
    window.press("1")
    shot(window, "rubric")
    window.press(Keys.ENTER)
    window.next_item(first)
    window.saved()
    assert stored(first) == {"clear": 2, "relevant": 0, "tone": 1}


def test_arrows_rate_and_go_from_one_criterion_to_the_next_and_undo_takes_back(window, project, cast):
    desk(window, project, cast["alice"])
    first = window.item()
    window.js("document.querySelector('[data-criterion=relevant] [tabindex=\"0\"]').focus()")
    window.press(Keys.ARROW_RIGHT)
    assert ratings(window) == ["", "0", ""]
    window.press(Keys.ARROW_RIGHT, Keys.ARROW_UP, "2")
    assert ratings(window) == ["2", "1", ""]
    window.press("u")
    assert ratings(window) == ["", "1", ""]
    window.press("U")
    assert ratings(window) == ["2", "1", ""]
    window.label(project)
    assert ratings(window) == ["2", "1", ""]
    window.rest()
    window.press("1", Keys.ENTER)
    window.next_item(first)
    window.saved()
    assert stored(first) == {"clear": 2, "relevant": 1, "tone": 1}


def test_a_finger_on_a_telephone_may_leave_criteria_of_an_optional_rubric_out(window, project, cast):
    window.phone()
    desk(window, project, cast["alice"], required=False)
    first = window.item()
    window.js("document.querySelector('[data-criterion=relevant]').scrollIntoView({block: 'center'})")
    window.tap("[data-criterion=relevant] [data-value='1']")
    window.until(lambda: ratings(window) == ["", "1", ""], "a tap does not rate")
    assert window.faults() == []
    shot(window, "rubric-phone")
    window.js("document.querySelector('[data-do=save]').click()")
    window.next_item(first)
    window.saved()
    assert stored(first) == {"relevant": 1}


def test_many_points_with_words_have_no_faults_in_either_colour(window, project, cast):
    desk(window, project, cast["alice"], scale=[f"{n} | word {n}" for n in range(11)])
    window.press("9")
    assert window.faults() == []
    window.dark(on=True)
    assert window.faults() == []
    shot(window, "rubric-dark")
    window.phone()
    assert window.faults() == []
    shot(window, "rubric-phone-dark")


def test_a_case_is_decided_with_the_same_widget(window, project, cast):
    set_schema(project, schemas.check({"questions": [RUBRIC]}))
    [item] = make_items(project, 1)
    case = a.Case.objects.create(project=project, item=item, question="quality", disagreement=0.5)
    said = {"clear": 2, "relevant": 0, "tone": 1}
    a.Annotation.objects.create(
        project=project, item=item, annotator=cast["alice"], guideline_version=project.version,
        status="submitted", answer={"quality": said},
    )  # fmt: skip
    window.sign_in(cast["carol"])
    window.open(f"/p/{project.slug}/adjudicate/{case.pk}/")
    window.click("[data-take]")
    assert ratings(window) == ["2", "0", "1"]
    window.js("document.querySelector('[data-criterion=tone] [tabindex=\"0\"]').focus()")
    window.press("2")
    window.js("document.querySelector('[name=reason]').checked = true")
    assert window.faults() == []
    window.follow("#decision [type=submit]")
    assert a.Gold.objects.current().get(item=item).value == {**said, "tone": 2}


# Ratings of each candidate response

PAIR = [
    {"name": "a", "text": "Rates stay.\nSo does <i>the</i> bank. 🚀", "model": "m-one"},
    {"name": "b", "text": "长期利率" * 40},
]
EACH = {**RUBRIC, "each": True, "criteria": ["clear | Clarity", "relevant | Relevance"]}


def rate_responses(window: Window, project: a.Project, user: a.User, **settings: Any) -> list[str]:
    """The labelling page with three items of two responses; their order on the screen."""
    set_schema(project, schemas.check({"questions": [{**EACH, **settings}]}))
    make_items(project, 3, candidates=PAIR, reference="Rates stay where they are.")
    window.sign_in(user)
    window.label(project)
    window.rest()
    return list(
        window.js(
            "return [...document.querySelectorAll('#candidates [data-candidate]')].map((card) => card.dataset.candidate)"
        )
    )


def test_each_response_is_rated_by_keyboard_alone(window, project, cast):
    order = rate_responses(window, project, cast["alice"])
    first = window.item()
    assert window.text("#candidates .reference .text") == "Rates stay where they are."
    assert "m-one" not in window.driver.page_source
    assert [window.text(f"[data-response={name}] h3") for name in order] == ["Response 1", "Response 2"]
    assert ratings(window) == ["", "", "", ""]
    hand = "return document.querySelector('#candidates [data-hand]').dataset.candidate"
    assert window.js(hand) == order[0]
    window.press("2", "1", "0")
    assert window.js(hand) == order[1]
    window.press(Keys.ENTER)
    window.until(lambda: window.shown("#notice"), "nothing is said")
    assert "“Quality” has no rating yet: Response 2, Relevance." in window.text("#notice")
    window.press("2")
    assert ratings(window) == ["2", "1", "0", "2"]
    shot(window, "rubric-each")
    assert window.faults() == []
    window.press("u")
    assert ratings(window) == ["2", "1", "0", ""]
    window.label(project)
    window.rest()
    assert ratings(window) == ["2", "1", "0", ""]
    window.press("1", Keys.ENTER)
    window.next_item(first)
    window.saved()
    said = {order[0]: {"clear": 2, "relevant": 1}, order[1]: {"clear": 0, "relevant": 1}}
    assert stored(first) == {**said, "shown": order}
    assert ratings(window) == ["", "", "", ""]
    window.press("b")
    window.until(lambda: "Response 1: Clarity 2, Relevance 1; Response 2" in window.text("#mine"), "it is not listed")


def test_responses_are_rated_on_a_telephone_in_the_dark(window, project, cast):
    window.phone()
    window.dark(on=True)
    order = rate_responses(window, project, cast["alice"], required=False)
    first = window.item()
    button = f"[data-response={order[1]}] [data-criterion=relevant] [data-value='1']"
    window.js("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", button)
    window.tap(button)
    window.until(lambda: ratings(window) == ["", "", "", "1"], "a tap does not rate")
    shot(window, "rubric-each-phone")
    assert window.faults() == []
    window.js("document.querySelector('[data-do=save]').click()")
    window.next_item(first)
    window.saved()
    assert stored(first) == {order[1]: {"relevant": 1}, "shown": order}


def test_a_case_of_responses_is_decided_with_the_same_widget(window, project, cast):
    set_schema(project, schemas.check({"questions": [EACH]}))
    [item] = make_items(project, 1, candidates=PAIR)
    case = a.Case.objects.create(project=project, item=item, question="quality", disagreement=0.5)
    said = {"a": {"clear": 2, "relevant": 0}, "b": {"clear": 1, "relevant": 1}}
    a.Annotation.objects.create(
        project=project, item=item, annotator=cast["alice"], guideline_version=project.version,
        status="submitted", answer={"quality": {**said, "shown": ["b", "a"]}},
    )  # fmt: skip
    window.sign_in(cast["carol"])
    window.open(f"/p/{project.slug}/adjudicate/{case.pk}/")
    assert [window.text(f".answers .chip:nth-of-type({n})") for n in range(1, 5)] == ["A · Clarity 2", "A · Relevance 0", "B · Clarity 1", "B · Relevance 1"]  # fmt: skip
    window.ready()
    window.click("[data-take]")
    window.js("document.querySelector('[data-response=b] [data-criterion=relevant] [tabindex=\"0\"]').focus()")
    window.press("2")
    window.js("document.querySelector('[name=reason]').checked = true")
    shot(window, "rubric-each-case")
    assert window.faults() == []
    window.follow("#decision [type=submit]")
    assert a.Gold.objects.current().get(item=item).value == {**said, "b": {"clear": 1, "relevant": 2}}

"""Events in a browser: made and filled by keys alone, by mouse, with dates in words, and back as they were stored."""

from typing import Any

import pytest

from annotation import models as a
from annotation import schema as schemas
from tests.browser.pages import Keys, Window
from tests.browser.test_kind_spans import chord, drag, save
from tests.conftest import make_items, make_project, set_schema

pytestmark = pytest.mark.browser
RIGHT, SHIFT, ALT = Keys.ARROW_RIGHT, Keys.SHIFT, Keys.ALT
EVENTS = {
    "name": "events",
    "kind": "events",
    "labels": [{"name": "merger", "title": "Merger"}, {"name": "results", "title": "Results"}],
    "roles": ["buyer: merger", "target: merger", "company: results"],
}


@pytest.fixture
def project(cast: dict[str, a.User]) -> a.Project:
    return make_project(cast)


def open_as_alice(window: Window, project: a.Project, cast: dict[str, a.User], text: str, *questions: Any, **fields: Any) -> Window:  # fmt: skip
    set_schema(project, schemas.check({"questions": list(questions or [EVENTS])}))
    make_items(project, [text], **fields)
    window.sign_in(cast["alice"])
    window.label(project)
    return window


def stored() -> Any:
    return a.Annotation.objects.get(status="submitted").answer


def place(text: str, quote: str) -> dict[str, Any]:
    start = text.index(quote)
    return {"start": start, "end": start + len(quote), "text": quote}


def said(window: Window, focus: str) -> str:
    return str(window.js("return document.querySelector(`[data-focus='${arguments[0]}']`)?.textContent ?? ''", focus))


def test_an_event_is_made_and_filled_by_keys_alone(window, project, cast):
    text = "Acme buys Beta next Tuesday."
    alice = open_as_alice(window, project, cast, text, language="en", published_at="2024-05-31")
    alice.press(RIGHT, RIGHT, "1")  # “buys” is the trigger of a merger
    assert said(alice, "trigger") == "buys"
    alice.press(Keys.ARROW_LEFT, "1")  # its buyer
    alice.press(RIGHT, RIGHT, "2")  # its target
    assert said(alice, "role/0") == "Acme"
    assert said(alice, "role/1") == "Beta"
    alice.press(RIGHT)
    chord(alice, RIGHT, SHIFT)
    alice.press("w", "x")
    assert alice.js("return document.querySelector('[data-focus=date]').value") == "2024-06-04"
    save(alice)
    assert stored() == {
        "events": [
            {
                "type": "merger",
                "trigger": place(text, "buys"),
                "arguments": [{"role": "buyer", **place(text, "Acme")}, {"role": "target", **place(text, "Beta")}],
                "status": "expected",
                "date": {"value": "2024-06-04", **place(text, "next Tuesday")},
            }
        ]
    }


def test_the_mouse_makes_events_and_fills_roles(window, project, cast):
    text = "2017年10月，百度收购了🚀辣妹子食品。"
    alice = open_as_alice(window, project, cast, text, language="zh", published_at="2018-01-02")
    units = lambda words: len(text[: text.index(words)].encode("utf-16-le")) // 2  # noqa: E731
    alice.click("[data-value=merger]")
    drag(alice, units("收购"), units("收购") + 2)
    alice.click("[data-focus='fill/buyer']")
    drag(alice, units("百度"), units("百度") + 2)
    drag(alice, units("辣妹子"), units("辣妹子") + 5)
    alice.click("[data-focus='fill/target']")
    alice.click("[data-focus='fill/date']")
    drag(alice, 0, 8)
    assert alice.js("return document.querySelector('[data-focus=date]').value") == "2017-10"
    # One role is taken back, and comes back by undo.
    alice.click("[data-focus='role/1/drop']")
    assert said(alice, "role/1") == ""
    alice.press("u")
    alice.press(".")
    save(alice)
    [event] = stored()["events"]
    assert event["trigger"] == place(text, "收购")
    assert event["arguments"] == [{"role": "buyer", **place(text, "百度")}, {"role": "target", **place(text, "辣妹子食品")}]  # fmt: skip
    assert event["date"] == {"value": "2017-10", **place(text, "2017年10月")}
    assert event["status"] == "actual"


def test_a_date_is_taken_whole(window, project, cast):
    text = "🚀 Acme merged on October 3, 2017 at last."
    alice = open_as_alice(window, project, cast, text, language="en")
    alice.press(RIGHT, RIGHT, RIGHT, "1")
    place_of = text.index("3,") + 1  # the rocket has two UTF-16 units
    drag(alice, place_of, place_of + 1)
    alice.press("w")
    save(alice)
    assert stored()["events"][0]["date"] == {"value": "2017-10-03", **place(text, "October 3, 2017")}


def test_words_that_say_no_date_may_be_given_one(window, project, cast):
    text = "Acme merged some time ago."
    alice = open_as_alice(window, project, cast, text, language="en", published_at="2024-05-31")
    alice.press(RIGHT, RIGHT, "1")
    drag(alice, text.index("some"), text.index("some") + 9)
    alice.press("w")
    assert "says no date" in alice.text(".marking-help")
    alice.type("[data-focus=date]", "Q3 2021")
    alice.press(Keys.ENTER)
    save(alice)
    assert stored()["events"][0]["date"] == {"value": "2021-Q3", **place(text, "some time")}


def test_no_event_is_an_answer_and_events_open_with_relevance(window, project, cast):
    relevant = {"name": "relevant", "labels": ["yes", "no"]}
    asked = {**EVENTS, "when": {"question": "relevant", "labels": ["yes"]}}
    alice = open_as_alice(window, project, cast, "Acme buys Beta.", relevant, asked)
    hidden = "return document.querySelector('[data-question=events]').hidden"
    assert alice.js(hidden) is True
    alice.press("1")
    assert alice.js(hidden) is False
    alice.js("document.getElementById('text').focus()")
    save(alice)
    assert stored() == {"relevant": "yes", "events": []}


def test_events_and_marks_share_the_text(window, project, cast):
    text = "Acme buys Beta."
    names = {"name": "names", "kind": "spans", "labels": [{"name": "ORG", "key": "o"}]}
    alice = open_as_alice(window, project, cast, text, names, EVENTS)
    alice.press(RIGHT, "o", RIGHT, "1", RIGHT, "2")
    chips = alice.js("return [...document.querySelectorAll('.marked')].map((one) => one.dataset.titles ?? '')")
    assert chips == ["ORG", "Merger", "target"]
    alice.press(Keys.ESCAPE, Keys.ESCAPE, ",", ",")
    assert alice.js("return document.querySelectorAll('.mine-marks li.hot').length") == 1
    save(alice)
    answer = stored()
    assert answer["names"] == [{"label": "ORG", **place(text, "Acme")}]
    assert answer["events"][0]["arguments"] == [{"role": "target", **place(text, "Beta")}]

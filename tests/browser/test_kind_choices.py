"""Several labels in a browser: by keys alone, by mouse, one among seventy-seven by typing, with another question beside."""

import pytest

from annotation import models as a
from annotation import schema as schemas
from tests.browser.pages import Keys, Window
from tests.conftest import make_items, make_project, set_schema

pytestmark = pytest.mark.browser
MANY = [f"topic_{n:02}" for n in range(76)] + ["外汇储备"]


@pytest.fixture
def project(cast: dict[str, a.User]) -> a.Project:
    return make_project(cast)


def ask(project: a.Project, *questions: dict) -> None:
    set_schema(project, schemas.check({"questions": list(questions)}))


def open_as_alice(window: Window, project: a.Project, cast: dict[str, a.User]) -> Window:
    make_items(project, 4)
    window.sign_in(cast["alice"])
    window.label(project)
    return window


TOPICS = {"name": "topics", "kind": "choices", "labels": ["rates", "credit", "fx"], "most": 2}
TONE = {"name": "tone", "labels": ["up", "down"], "when": {"question": "topics", "labels": ["rates"]}}


def stored() -> list[dict]:
    return list(a.Annotation.objects.filter(status="submitted").order_by("pk").values_list("answer", flat=True))


def checked(window: Window) -> list[str]:
    return window.js("return [...document.querySelectorAll('[aria-checked=true]')].map((one) => one.dataset.value)")


def test_keys_choose_take_back_undo_and_save(window, project, cast):
    ask(project, TOPICS)
    alice = open_as_alice(window, project, cast)
    first = alice.item()
    alice.press("1", "3")
    assert checked(alice) == ["rates", "fx"]
    alice.press("2")  # a third one is too many
    assert checked(alice) == ["rates", "fx"]
    alice.press("1")
    assert checked(alice) == ["fx"]
    alice.press("u")
    assert checked(alice) == ["rates", "fx"]
    alice.press("u", "u")
    assert checked(alice) == []
    alice.press(Keys.ENTER)
    assert "has no answer yet" in alice.text("#notice")
    alice.js("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'y', ctrlKey: true, bubbles: true}))")
    assert checked(alice) == ["rates"]
    alice.press(Keys.ENTER)
    alice.next_item(first)
    alice.saved()
    assert stored() == [{"topics": ["rates"]}]


def test_a_question_opens_by_the_answer_to_another_and_closes_again(window, project, cast):
    ask(project, TOPICS, TONE)
    alice = open_as_alice(window, project, cast)
    tone = "return !document.querySelector('[data-question=tone]').hidden"
    assert alice.js(tone) is False
    first = alice.item()
    alice.press("1")
    assert alice.js(tone) is True
    alice.press(Keys.ENTER)
    assert "“Tone” has no answer yet" in alice.text("#notice")
    alice.click("[data-question=tone] [data-value=down]")
    alice.click("[data-question=topics] [data-value=rates]")
    alice.click("[data-question=topics] [data-value=credit]")
    assert alice.js(tone) is False
    alice.press(Keys.ENTER)
    alice.next_item(first)
    alice.saved()
    assert stored() == [{"topics": ["credit"]}]


@pytest.mark.parametrize("kind", ["choice", "choices"])
def test_one_label_among_many_is_found_by_typing(window, project, cast, kind):
    ask(project, {"name": "topics", "kind": kind, "labels": MANY})
    alice = open_as_alice(window, project, cast)
    first = alice.item()
    alice.press("/")
    assert alice.js("return document.activeElement.matches('.find input')")
    alice.type(".find input", "_4 7")
    shown = "return [...document.querySelectorAll('[data-value]:not([hidden])')].map((one) => one.dataset.value)"
    assert alice.js(shown) == ["topic_47"]
    alice.press(Keys.ENTER)
    if kind == "choices":
        assert checked(alice) == ["topic_47"]
        alice.press(Keys.ESCAPE)
        alice.press("/")
        alice.type(".find input", "外汇")
        alice.press(Keys.ENTER, Keys.ESCAPE, Keys.ENTER)
    alice.next_item(first)
    alice.saved()
    assert stored() == [{"topics": ["topic_47", "外汇储备"] if kind == "choices" else "topic_47"}]


@pytest.mark.parametrize("kind", ["choice", "choices"])
def test_labels_under_a_label_are_found_by_its_name_and_chosen_alone(window, project, cast, kind):
    topics = [{"name": f"topic_{n:02}", "title": f"Topic {n}"} for n in range(12)]
    topics += [{"name": "up_07", "title": "Up", "parent": "topic_07"}, {"name": "fast", "parent": "up_07"}]
    ask(project, {"name": "topics", "kind": kind, "labels": topics})
    alice = open_as_alice(window, project, cast)
    first = alice.item()
    shown = "return [...document.querySelectorAll('[data-value]:not([hidden])')].map((one) => one.dataset.value)"
    places = alice.js(shown)
    assert places[places.index("topic_07") :][:4] == ["topic_07", "up_07", "fast", "topic_08"]
    left = "return document.querySelector('[data-value={}]').getBoundingClientRect().left"
    assert alice.js(left.format("topic_07")) < alice.js(left.format("up_07")) < alice.js(left.format("fast"))
    right = "const one = document.querySelector('[data-value={}]'); return one.getBoundingClientRect().right"
    assert alice.js(right.format("topic_07")) == pytest.approx(alice.js(right.format("fast")), abs=1)
    alice.press("/")
    alice.type(".find input", "topic 7")
    assert alice.js(shown) == ["topic_07", "up_07", "fast"]
    assert alice.js("return document.querySelector('[data-value=fast]').innerText.includes('Topic 7 › Up ›')")
    alice.type(".find input", " fast")
    assert alice.js(shown) == ["fast"]
    alice.press(Keys.ENTER)
    if kind == "choices":
        assert checked(alice) == ["fast"]
        alice.press(Keys.ESCAPE, Keys.ENTER)
    alice.next_item(first)
    alice.saved()
    assert stored() == [{"topics": ["fast"] if kind == "choices" else "fast"}]


def test_where_none_may_be_given_enter_says_none(window, project, cast):
    ask(project, {**TOPICS, "least": 0})
    alice = open_as_alice(window, project, cast)
    first = alice.item()
    alice.press(Keys.ENTER)
    alice.next_item(first)
    alice.saved()
    assert stored() == [{"topics": []}]


def test_the_adjudicator_takes_an_answer_and_changes_it(window, project, cast):
    ask(project, TOPICS)
    [item] = make_items(project, 1, slots=0)
    for name, value in (("alice", ["rates"]), ("bob", ["credit", "fx"])):
        a.Annotation.objects.create(
            project=project,
            item=item,
            annotator=cast[name],
            guideline_version=project.version,
            status="submitted",
            answer={"topics": value},
        )
    case = a.Case.objects.create(project=project, item=item, question="topics", disagreement=1.0)
    window.sign_in(cast["carol"])
    window.open(f"/p/{project.slug}/adjudicate/{case.pk}/")
    window.click("[data-take]")
    taken = checked(window)
    assert taken in (["rates"], ["credit", "fx"])
    window.click("[data-value=credit]")
    now = checked(window)
    window.click("[name=reason]")
    window.click("#decision button[type=submit]")
    window.until(lambda: a.Gold.objects.exists(), "nothing was settled")
    assert a.Gold.objects.get().value == now
    assert now != taken

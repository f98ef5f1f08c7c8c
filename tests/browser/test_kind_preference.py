"""Preferences in a browser: keys alone, mouse and touch, sides that stay, strengths, rankings, hostile and long responses."""

import os
import uuid

import pytest

from annotation import models as a
from annotation import schema as schemas
from tests.browser.pages import Keys, Window
from tests.conftest import make_items, make_project, set_schema

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=alert(1)><script>document.title='hacked'</script> 𠮷 🙂"
PAIR = [{"name": "a", "text": "Short. 好", "model": "m-one"}, {"name": "b", "text": HOSTILE, "model": "m-two"}]
LONG = [{"name": name, "text": f"{name} " + "Net sales rose by a fifth, ahead of plan. " * 140} for name in "ab"]
FOUR = [{"name": name, "text": f"Response text {name}."} for name in "abcd"]
WORDS = ["slightly", "clearly", "much"]


@pytest.fixture
def project(site: str, cast: dict[str, a.User]) -> a.Project:
    return make_project(cast)


def ask(project: a.Project, *questions: dict) -> None:
    set_schema(project, schemas.check({"questions": list(questions)}))


def open_as_alice(
    window: Window, project: a.Project, cast: dict[str, a.User], candidates: list[dict], **fields
) -> Window:
    make_items(project, 4, candidates=candidates, **fields)
    window.sign_in(cast["alice"])
    window.label(project)
    return window


PICK = {"name": "pick", "kind": "preference", "title": "Which is better?"}
TONE = {"name": "tone", "labels": ["fine", "rude"]}


def stored() -> list[dict]:
    return list(a.Annotation.objects.filter(status="submitted").order_by("pk").values_list("answer", flat=True))


def shown(window: Window) -> list[str]:
    """The names of the responses in the order of the screen."""
    return window.js(
        "return [...document.querySelectorAll('#candidates [data-candidate]')].map((card) => card.dataset.candidate)"
    )


def checked(window: Window) -> list[str]:
    return window.js(
        "return [...document.querySelectorAll('[aria-checked=true]')].map((one) => one.dataset.strength ?? one.dataset.value)"
    )


def send(window: Window, *keys: str) -> list[str]:
    """Press keys that end in the next item; returns the order that was on the screen."""
    before, order = window.item(), shown(window)
    window.press(*keys)
    window.next_item(before)
    window.saved()
    return order


def picture(window: Window, name: str) -> None:
    """A screenshot where SHOTS names a folder."""
    if folder := os.environ.get("SHOTS"):
        window.driver.save_screenshot(f"{folder}/{name}.png")


def test_one_key_answers_saves_and_goes_on(window, project, cast):
    ask(project, PICK)
    alice = open_as_alice(window, project, cast, PAIR)
    orders = [send(alice, key) for key in ("1", Keys.ARROW_RIGHT, "t")]
    picks = [answer["pick"] for answer in stored()]
    assert [pick["shown"] for pick in picks] == orders
    assert [pick["better"] for pick in picks] == [orders[0][0], orders[1][1], "tie"]


def test_sides_stay_after_a_reload_and_an_answer_can_be_taken_back(window, project, cast):
    ask(project, PICK)
    alice = open_as_alice(window, project, cast, PAIR)
    order = shown(alice)
    alice.label(project)
    assert shown(alice) == order
    send(alice, "2")
    alice.press("u")
    alice.until(lambda: checked(alice) == ["1"], "the earlier answer does not come back")
    assert shown(alice) == order
    alice.rest()
    send(alice, Keys.ARROW_LEFT)
    assert stored() == [{"pick": {"better": order[0], "shown": order}}]


def test_responses_are_words_and_no_model_is_told(window, project, cast):
    ask(project, PICK)
    alice = open_as_alice(window, project, cast, PAIR, reference="<b>A reference</b>")
    assert HOSTILE in alice.js(
        "return [...document.querySelectorAll('.candidate .text')].map((one) => one.textContent)"
    )
    assert (
        alice.js("return document.querySelectorAll('#candidates img, #candidates script, #candidates b').length") == 0
    )
    assert alice.driver.title != "hacked"
    assert "<b>A reference</b>" in alice.words()
    source = alice.driver.page_source
    assert "m-one" not in source
    assert "m-two" not in source
    assert alice.faults() == []


def test_a_strength_is_a_second_key(window, project, cast):
    ask(project, {**PICK, "strength": WORDS})
    alice = open_as_alice(window, project, cast, PAIR)
    assert not alice.shown(".strength")
    first = alice.item()
    order = shown(alice)
    alice.press("2")
    assert alice.shown(".strength")
    alice.press(Keys.ENTER)
    assert "also asks how much better" in alice.text("#notice")
    alice.press(Keys.ARROW_LEFT)
    assert checked(alice) == ["0"]
    assert alice.item() == first
    send(alice, "3")
    other = send(alice, "t")
    assert [answer["pick"] for answer in stored()] == [
        {"better": order[0], "strength": 3, "shown": order},
        {"better": "tie", "shown": other},
    ]


def test_beside_another_question_everything_goes_by_keys_with_undo_and_draft(window, project, cast):
    ask(project, {**PICK, "strength": WORDS}, TONE)
    alice = open_as_alice(window, project, cast, PAIR)
    order = shown(alice)
    alice.press("1", "2")
    assert checked(alice) == ["0", "2"]
    alice.press("u")
    assert checked(alice) == ["0"]
    alice.press("u")
    assert checked(alice) == []
    alice.press("U", "U")
    alice.until(lambda: checked(alice) == ["0", "2"], "redo does not bring it back")
    alice.label(project)
    assert checked(alice) == ["0", "2"]
    alice.rest()
    alice.js("document.querySelector('[data-question=tone] [tabindex=\"0\"]').focus()")
    alice.press("1")
    send(alice, Keys.ENTER)
    assert stored() == [{"pick": {"better": order[0], "strength": 2, "shown": order}, "tone": "fine"}]


def test_a_ranking_by_keys_alone(window, project, cast):
    ask(project, {**PICK, "mode": "ranking"})
    alice = open_as_alice(window, project, cast, FOUR)
    order = shown(alice)
    assert sorted(order) == list("abcd")
    alice.press("2", "1")
    alice.press(Keys.ENTER)
    assert "asks for a rank of every response" in alice.text("#notice")
    alice.press("2", "4")
    assert alice.faults() == []
    send(alice, Keys.ENTER)
    best, rest, last = order[1], sorted([order[0], order[2]]), order[3]
    assert stored() == [{"pick": {"order": [[best], rest, [last]], "shown": order}}]


def test_without_ties_a_rank_is_given_once(window, project, cast):
    ask(project, {**PICK, "mode": "ranking", "tie": False})
    alice = open_as_alice(window, project, cast, FOUR)
    order = shown(alice)
    alice.press("1", "2", "3", "4")
    alice.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_LEFT, "4")  # the first one gets the rank of the last
    alice.until(lambda: len(checked(alice)) == 3, "the rank was given twice")
    alice.press("1")  # which waits for one of its own
    send(alice, Keys.ENTER)
    assert stored()[0]["pick"]["order"] == [[order[3]], [order[1]], [order[2]], [order[0]]]


@pytest.mark.parametrize("mode", ["pairwise", "ranking"])
def test_a_finger_is_enough_on_a_telephone(window, project, cast, mode):
    ask(project, {**PICK, "mode": mode}, TONE)
    window.phone()
    alice = open_as_alice(window, project, cast, LONG)
    order = shown(alice)
    tops = alice.js("return [...document.querySelectorAll('.candidate')].map((one) => one.getBoundingClientRect().top)")
    assert tops[1] - tops[0] > 400, "they stand one above the other"
    if mode == "pairwise":
        alice.tap("[data-question=pick] [data-value='1']")
    else:
        alice.tap("[data-side='0'] [data-value='2']")
        alice.tap("[data-side='1'] [data-value='1']")
    picture(alice, f"phone-{mode}")
    assert alice.faults() == []
    alice.tap("[data-question=tone] [data-value=fine]")
    first = alice.item()
    alice.tap("[data-do=save]")
    alice.next_item(first)
    alice.saved()
    given = stored()[0]["pick"]
    assert given == (
        {"better": order[1], "shown": order}
        if mode == "pairwise"
        else {"order": [[order[1]], [order[0]]], "shown": order}
    )


@pytest.mark.parametrize("dark", [False, True])
def test_two_long_responses_stand_side_by_side(window, project, cast, dark):
    ask(project, {**PICK, "strength": WORDS}, TONE)
    window.dark(on=dark)
    alice = open_as_alice(window, project, cast, LONG, reference="Sales rose by 20 %. 好于预期。", title="Shorten it")
    boxes = alice.js(
        "return [...document.querySelectorAll('.candidate')].map((one) => [one.getBoundingClientRect().left, one.getBoundingClientRect().top])"
    )
    assert boxes[0][1] == boxes[1][1]
    assert boxes[1][0] - boxes[0][0] > 200
    alice.press("1")
    picture(alice, f"pair-{'dark' if dark else 'light'}")
    alice.js("document.querySelector('.read').scrollTop = 700")
    head = alice.js(
        "const box = document.querySelector('.candidate h2').getBoundingClientRect(); return [box.top, box.bottom]"
    )
    assert head[0] < 120, "the headings stay in sight"
    assert alice.faults() == []


def test_an_item_without_responses_says_so(window, project, cast):
    ask(project, PICK)
    alice = open_as_alice(window, project, cast, [])
    assert "no responses to compare" in alice.words()
    first = alice.item()
    alice.press("1")
    assert alice.item() == first
    assert alice.text("#notice") == ""


def two_answers(project: a.Project, cast: dict[str, a.User], candidates: list[dict], *values: dict) -> a.Case:
    [item] = make_items(project, 1, slots=0, candidates=candidates)
    for name, value in zip(("alice", "bob"), values, strict=True):
        a.Annotation.objects.create(
            project=project, item=item, annotator=cast[name], guideline_version=project.version, status="submitted",
            answer={"pick": value},
        )  # fmt: skip
    return a.Case.objects.create(project=project, item=item, question="pick", disagreement=1.0)


def test_the_adjudicator_takes_an_answer_and_changes_it_by_key(window, project, cast):
    ask(project, PICK)
    case = two_answers(
        project, cast, PAIR, {"better": "a", "shown": ["b", "a"]}, {"better": "tie", "shown": ["a", "b"]}
    )
    window.sign_in(cast["carol"])
    window.open(f"/p/{project.slug}/adjudicate/{case.pk}/")
    assert "A is better" in window.words()
    assert "m-one" not in window.driver.page_source
    window.click("[data-take]")
    assert checked(window)
    picture(window, "case")
    assert window.faults() == []
    window.press("t")
    assert checked(window) == ["tie"]
    window.press("1")
    [name] = window.js("return [...document.querySelectorAll('[data-value=\"0\"] bdi')].map((one) => one.textContent)")
    window.click("[name=reason]")
    window.press(Keys.ENTER)
    window.until(lambda: a.Gold.objects.exists(), "nothing was settled")
    assert a.Gold.objects.get().value == {"better": name.lower()}


def test_two_windows_with_two_answers_are_asked_which_stands(window, project, cast):
    ask(project, PICK)
    alice = open_as_alice(window, project, cast, PAIR)
    order = shown(alice)
    slot = a.Assignment.objects.get(item__document__text=alice.item(), annotator=cast["alice"], state="leased")
    from annotation import annotating
    from tests.annotation.worlds import member

    sent = annotating.Sent(
        uuid.uuid4(),
        slot.pk,
        slot.token,
        project.version.pk,
        "submitted",
        {"pick": {"better": order[1], "shown": order}},
    )
    annotating.submit(membership=member(project, cast["alice"]), sent=sent, more=False)
    alice.expected.append("409")
    alice.press("1")
    alice.asked()
    assert alice.text("#conflict-kept dd") == "Response 2 is better"
    assert alice.text("#conflict-mine dd") == "Response 1 is better"
    alice.press("m")
    alice.until(
        lambda: a.Annotation.objects.get(item=slot.item_id).answer["pick"]["better"] == order[0], "mine does not stand"
    )

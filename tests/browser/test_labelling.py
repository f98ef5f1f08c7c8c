"""The labelling page in a browser: keys, mouse, one request per item, and what is seen of it."""

import pytest
from selenium.webdriver.common.action_chains import ActionChains

from annotation import models as a
from tests.browser.conftest import Gate
from tests.browser.pages import Keys, Window
from tests.conftest import make_annotation, make_items, make_project

pytestmark = pytest.mark.browser


@pytest.fixture
def alice(window: Window, project: a.Project, cast: dict[str, a.User]) -> Window:
    """Alice's window on the project with six items to label."""
    make_items(project, 6)
    window.sign_in(cast["alice"])
    window.label(project)
    return window


def answer_to(text: str) -> a.Annotation:
    """The one annotation of the item with that text."""
    return a.Annotation.objects.get(item__document__text=text)


def value(text: str) -> str:
    """The label it was given."""
    return answer_to(text).answer.get("sentiment", "")


def test_a_key_answers_saves_and_shows_the_next_item(alice, cast):
    first = alice.item()
    alice.press("3")
    second = alice.next_item(first)
    alice.saved()
    assert second
    [annotation] = a.Annotation.objects.all()
    assert (annotation.item.text, annotation.answer) == (first, {"sentiment": "positive"})
    assert (annotation.annotator, annotation.status) == (cast["alice"], "submitted")
    assert 0 <= annotation.seconds < 60
    assert alice.text("#done") == "1"


def test_an_item_costs_exactly_one_request(alice, project):
    alice.requests()
    for key in "1231":
        text = alice.item()
        alice.press(key)
        alice.next_item(text)
        alice.saved()
    assert alice.requests() == [f"POST /p/{project.slug}/label/submit/"] * 4
    assert a.Annotation.objects.count() == 4


def test_a_person_faster_than_the_server_still_costs_one_request_per_item(alice, project, gate: Gate):
    gate.passable.clear()
    alice.requests()
    first = alice.item()
    alice.press("1")
    second = alice.next_item(first)
    alice.press("2")
    alice.until(lambda: alice.find("#desk-area").get_attribute("aria-busy"), "it looks as if it could be answered")
    gate.passable.set()
    third = alice.until(lambda: alice.item() not in (first, second) and alice.item(), "the third does not come")
    alice.saved()
    assert alice.shown("#text")
    assert alice.requests() == [f"POST /p/{project.slug}/label/submit/"] * 2
    assert (value(first), value(second)) == ("negative", "neutral")
    assert third


def test_saved_is_said_only_after_the_server_has_said_so(alice, gate: Gate):
    gate.passable.clear()
    first = alice.item()
    alice.press("1")
    alice.next_item(first)
    alice.until(lambda: alice.state() == "saving", "the way of the answer is not shown")
    assert a.Annotation.objects.count() == 0
    assert alice.text("#state") == "saving"
    gate.passable.set()
    alice.saved()
    assert alice.text("#state") == "saved"
    assert a.Annotation.objects.count() == 1


def test_the_mouse_answers_too(alice):
    first = alice.item()
    alice.click("[data-value=neutral]")
    alice.next_item(first)
    alice.saved()
    assert value(first) == "neutral"


def test_arrows_choose_and_enter_saves(alice):
    first = alice.item()
    alice.js("document.querySelector('[role=radio][tabindex=\"0\"]').focus()")
    alice.press(Keys.ARROW_DOWN)
    assert alice.item() == first
    assert alice.find("[data-value=neutral]").get_attribute("aria-checked") == "true"
    alice.press(Keys.ENTER)
    alice.next_item(first)
    alice.saved()
    assert value(first) == "neutral"


def test_enter_without_an_answer_says_what_is_missing(alice):
    first = alice.item()
    alice.press(Keys.ENTER)
    alice.until(lambda: alice.shown("#notice"), "nothing is said")
    assert "has no answer yet" in alice.text("#notice")
    assert alice.item() == first
    assert a.Annotation.objects.count() == 0


def test_skipping_asks_for_a_reason_and_takes_it_by_number(alice):
    first = alice.item()
    alice.press("s")
    alice.until(lambda: alice.shown("#skip-dialog"), "the dialog does not open")
    alice.press("2")
    alice.next_item(first)
    alice.saved()
    annotation = answer_to(first)
    assert (annotation.status, annotation.skip_reason, annotation.answer) == ("skipped", "context", {})
    assert not alice.shown("#skip-dialog")


def test_escape_leaves_the_skip_dialog_without_a_skip(alice):
    first = alice.item()
    alice.press("s")
    alice.until(lambda: alice.shown("#skip-dialog"))
    alice.press(Keys.ESCAPE)
    alice.until(lambda: not alice.shown("#skip-dialog"), "it stays open")
    assert alice.item() == first
    assert a.Annotation.objects.count() == 0


def test_a_flag_and_a_comment_go_with_the_answer(alice):
    first = alice.item()
    alice.press("f")
    alice.until(lambda: alice.shown("#flagged"), "the flag is not shown")
    alice.press("c")
    alice.until(lambda: alice.shown("#comment"))
    alice.press(*"which 1 of them?", Keys.ESCAPE)
    assert alice.item() == first
    alice.press("2")
    second = alice.next_item(first)
    alice.saved()
    annotation = answer_to(first)
    assert (annotation.flagged, annotation.comment) == (True, "which 1 of them?")
    assert not alice.shown("#flagged")
    alice.press("2")
    alice.next_item(second)
    alice.saved()
    assert (answer_to(second).flagged, answer_to(second).comment) == (False, "")


def test_undo_opens_the_saved_answer_again_and_corrects_it(alice):
    first = alice.item()
    alice.press("1")
    second = alice.next_item(first)
    alice.saved()
    alice.press("u")
    alice.until(lambda: alice.item() == first, "it is not opened again")
    assert "correcting" in alice.text("#prov")
    assert alice.find("[data-value=negative]").get_attribute("aria-checked") == "true"
    alice.rest()
    alice.press("3")
    alice.until(lambda: alice.item() == second, "the interrupted item does not come back")
    alice.until(lambda: value(first) == "positive", "it is not corrected")
    assert a.Annotation.objects.count() == 1
    assert answer_to(first).revisions.count() == 2
    assert alice.text("#done") == "1"


def test_undo_takes_an_unsent_answer_back_before_it_leaves(alice, gate: Gate):
    gate.passable.clear()
    first = alice.item()
    alice.press("1")
    second = alice.next_item(first)
    alice.press("1")
    alice.until(lambda: alice.find("#desk-area").get_attribute("aria-busy"), "it looks as if it could be answered")
    alice.press("u")
    alice.until(lambda: not alice.find("#desk-area").get_attribute("aria-busy"), "it is not opened again")
    assert alice.item() == second
    assert alice.find("[data-value=negative]").get_attribute("aria-checked") == "true"
    assert alice.text("#done") == "1"
    alice.rest()
    alice.press("2")
    gate.passable.set()
    alice.until(lambda: a.Annotation.objects.count() == 2, "they do not arrive")
    alice.saved()
    assert (value(first), value(second)) == ("negative", "neutral")
    assert answer_to(second).revisions.count() == 1
    assert alice.text("#done") == "2"


def test_the_list_of_last_answers_opens_one_to_correct(alice):
    texts = []
    for key in "12":
        texts.append(alice.item())
        alice.press(key)
        alice.next_item(texts[-1])
        alice.saved()
    third = alice.item()
    alice.press("b")
    alice.until(lambda: len(alice.all("#mine button")) == 2, "the list is not there")
    assert [row.text for row in alice.all("#mine button span:nth-child(2)")] == ["neutral", "negative"]
    alice.press(Keys.ARROW_DOWN)
    alice.all("#mine button")[1].click()
    alice.until(lambda: alice.item() == texts[0], "it is not opened")
    alice.rest()
    alice.press("3")
    alice.until(lambda: alice.item() == third, "the interrupted item does not come back")
    alice.until(lambda: value(texts[0]) == "positive")
    assert a.Annotation.objects.count() == 2


def test_older_answers_come_a_page_at_a_time_and_can_be_corrected_too(window, project, cast):
    rows = [make_annotation(item, cast["alice"]) for item in make_items(project, 60)]
    make_items(project, ["One more."])
    window.sign_in(cast["alice"])
    window.label(project)
    window.press("b")
    window.until(lambda: len(window.all("#mine button")) == 50, "the list is not there")
    window.requests()
    window.rest()
    window.press("o")
    window.until(lambda: len(window.all("#mine button")) == 60, "the older ones do not come")
    [request] = window.requests()
    assert request.startswith("GET /p/sentiment/label/mine/?before=")
    assert not window.shown("#older")
    assert [row.text for row in window.all("#mine kbd")] == list("123456789")
    excerpts = window.js(
        "return [...document.querySelectorAll('#mine button span:first-child')].map((one) => one.textContent)"
    )
    assert excerpts == [row.item.text for row in reversed(rows)]
    assert window.js("return [...document.querySelectorAll('#mine button')].indexOf(document.activeElement)") == 50
    window.press(Keys.ARROW_DOWN, Keys.ENTER)
    window.until(lambda: window.item() == rows[8].item.text, "it is not opened")
    window.rest()
    window.press("1")
    window.until(lambda: value(rows[8].item.text) == "negative", "it is not corrected")


def test_a_list_that_cannot_be_continued_says_so_and_can_be_tried_again(window, project, cast):
    for item in make_items(project, 51):
        make_annotation(item, cast["alice"])
    window.sign_in(cast["alice"])
    window.label(project)
    window.press("b")
    window.until(lambda: window.shown("#older"), "there is nothing to press")
    window.connection(on=False)
    window.press("o")
    window.until(lambda: "There is no connection." in window.text("#mine-words"), "nothing is said")
    window.connection(on=True)
    window.press("o")
    window.until(lambda: len(window.all("#mine button")) == 51, "it does not go on")
    assert window.text("#mine-words") == ""


def test_the_bar_shows_ones_own_share_and_moves_with_each_answer(window, cast):
    project = make_project(cast, slug="share", overlap=2)
    items = make_items(project, 5)
    make_annotation(items[0], cast["alice"])
    make_annotation(items[1], cast["bob"])
    window.sign_in(cast["alice"])
    window.label(project)
    bar = "return [share.value, share.max]"
    assert window.js(bar) == [1, 5]
    window.requests()
    first = window.item()
    window.press("1")
    second = window.next_item(first)
    assert window.js(bar) == [2, 5]
    assert window.text("#share-words") == "2 of 5 done ·"
    assert window.js("return share.getAttribute('aria-valuetext')") == "2 of 5 done"
    window.saved()
    window.press("u")
    window.until(lambda: window.item() == first)
    window.rest()
    window.press("2")
    window.until(lambda: window.item() == second)
    window.saved()
    assert window.js(bar) == [2, 5], "a correction was counted"
    for n in range(3):
        window.rest()
        before = window.item()
        window.press("s" if n == 0 else "3")
        if n == 0:
            window.until(lambda: window.shown("#skip-dialog"))
            window.press("1")
        window.until(lambda before=before: window.item() != before or window.shown("#end"))
    window.until(lambda: window.shown("#end"))
    assert window.js(bar) == [5, 5]
    window.saved()
    window.label(project)
    assert window.js(bar) == [5, 5]


def test_what_is_undone_before_it_leaves_moves_the_bar_back(alice, gate: Gate):
    gate.passable.clear()
    first = alice.item()
    alice.press("1")
    second = alice.next_item(first)
    alice.press("2")
    alice.until(lambda: alice.js("return share.value") == 2, "it is not counted")
    alice.press("u")
    alice.until(lambda: alice.item() == second)
    assert alice.js("return [share.value, share.max]") == [1, 6]
    gate.passable.set()
    alice.saved()


def test_what_was_being_written_survives_a_look_back(alice):
    first = alice.item()
    alice.press("1")
    second = alice.next_item(first)
    alice.saved()
    alice.press("c", *"half a thought", Keys.ESCAPE, "u")
    alice.until(lambda: alice.item() == first)
    alice.rest()
    alice.press("2")
    alice.until(lambda: alice.item() == second)
    assert alice.js("return document.getElementById('comment').value") == "half a thought"


def test_the_guideline_is_one_key_away_and_back(alice):
    alice.press("g")
    alice.until(lambda: alice.shown("#guideline-dialog"), "the drawer does not open")
    assert alice.text("#guideline-dialog .prose h2") == "Rules"
    assert "negative" in alice.text("#guideline-dialog .definitions")
    alice.press("1")
    assert a.Annotation.objects.count() == 0
    alice.press("g")
    alice.until(lambda: not alice.shown("#guideline-dialog"), "the drawer stays open")


def test_the_sheet_of_keys_opens_with_a_question_mark(alice):
    alice.press("?")
    alice.until(lambda: alice.shown("#help-dialog"), "the sheet does not open")
    alice.press(Keys.ESCAPE)
    alice.until(lambda: not alice.shown("#help-dialog"), "the sheet stays open")


def test_a_pause_hides_the_item_and_takes_no_answer(alice):
    first = alice.item()
    alice.press("p")
    alice.until(lambda: alice.shown("#paused"), "it does not pause")
    assert not alice.shown("#item")
    alice.press("1")
    alice.press("p")
    alice.until(lambda: alice.shown("#item"), "it does not go on")
    assert alice.item() == first
    assert not alice.shown("#paused")
    assert a.Annotation.objects.count() == 0


def test_what_comes_in_a_pause_is_there_after_it(alice, gate: Gate):
    gate.passable.clear()
    first = alice.item()
    alice.press("1")
    second = alice.next_item(first)
    alice.press("1")
    alice.until(lambda: alice.find("#desk-area").get_attribute("aria-busy"), "it looks as if it could be answered")
    alice.press("p")
    alice.until(lambda: alice.shown("#paused"))
    gate.passable.set()
    alice.saved()
    assert alice.shown("#paused")
    assert not alice.shown("#item")
    alice.press("p")
    alice.until(lambda: alice.shown("#item"), "the item that has come is not shown")
    assert alice.item() not in (first, second)
    assert not alice.shown("#end")


def test_the_end_of_the_work_is_told_and_looked_at_again(window, project, cast):
    make_items(project, 1)
    window.sign_in(cast["alice"])
    window.label(project)
    window.press("1")
    window.until(lambda: window.shown("#end"), "the end is not told")
    window.saved()
    assert "You have answered every item that is meant for you. 1 in this session, in 1 minute." in window.text(
        "#end-words"
    )
    assert window.js("return [share.value, share.max]") == [1, 1]
    make_items(project, ["One more came in."])
    window.click("[data-do=look]")
    window.until(lambda: window.shown("#item") and window.item() == "One more came in.", "the new item does not come")


def test_two_presses_within_milliseconds_label_one_item(alice):
    first = alice.item()
    alice.js(
        "for (const n of [1, 2]) window.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: '1', code: 'Digit1', bubbles: true, cancelable: true}))"
    )
    second = alice.next_item(first)
    alice.saved()
    assert alice.item() == second
    assert [row.item.text for row in a.Annotation.objects.all()] == [first]
    assert a.Revision.objects.count() == 1


def test_a_double_click_labels_one_item(alice):
    first = alice.item()
    ActionChains(alice.driver, duration=0).double_click(alice.find("[data-value=positive]")).perform()
    second = alice.next_item(first)
    alice.saved()
    assert alice.item() == second
    assert a.Annotation.objects.count() == 1
    alice.click("[data-value=negative]")
    alice.next_item(second)
    alice.saved()
    assert (value(first), value(second)) == ("positive", "negative")


def test_a_key_held_down_labels_one_item(alice):
    first = alice.item()
    for repeat in (False, True, True, True):
        alice.cdp("Input.dispatchKeyEvent", type="keyDown", key="2", code="Digit2", text="2", autoRepeat=repeat)
    alice.cdp("Input.dispatchKeyEvent", type="keyUp", key="2", code="Digit2")
    second = alice.next_item(first)
    alice.saved()
    alice.rest()
    assert alice.item() == second
    assert a.Annotation.objects.count() == 1


def test_a_hostile_text_is_shown_as_it_is(window, project, cast):
    text = "<script>window.hurt = 1</script><img src=x onerror='window.hurt = 1'> \u202eevil\u202c 🧾👩🏽‍💻 &amp; ﷽"
    [item] = make_items(
        project, [text], title="</script><b>title</b>", issuer="<i>issuer</i>", url="javascript:alert(1)"
    )
    window.sign_in(cast["alice"])
    window.label(project)
    assert window.item() == text
    assert window.text("#title") == "</script><b>title</b>"
    assert "<i>issuer</i>" in window.text("#prov")
    assert not window.shown("#link")
    assert window.js("return window.hurt ?? null") is None
    assert window.js("return document.querySelectorAll('#text :not(.block), #title *').length") == 0
    assert window.js("return getComputedStyle(document.getElementById('text')).unicodeBidi") == "isolate"
    window.press("1")
    window.until(lambda: a.Annotation.objects.filter(item=item).exists(), "it is not saved")


def test_a_text_of_a_hundred_thousand_characters_is_shown_and_labelled(window, project, cast):
    text = "The margin fell, and so did the outlook for the year. 利润下降。" * 1700
    assert len(text) > 100_000
    make_items(project, [text, text[::-1]])
    window.sign_in(cast["alice"])
    window.label(project)
    first = window.item()
    assert len(first) == len(text)
    assert window.js("return document.querySelector('.read').scrollHeight") > 10_000
    window.press("2")
    second = window.next_item(first)
    window.saved()
    assert {first, second} == {text, text[::-1]}
    assert window.js("return document.querySelector('.read').scrollTop") == 0
    assert value(first) == "neutral"


def test_alice_is_never_sent_what_bob_said(window, cast):
    project = make_project(cast, slug="overlap", overlap=2)
    items = make_items(project, 3)
    for item in items:
        make_annotation(item, cast["bob"], "negative", comment="BOB-SAYS", flagged=True)
    window.sign_in(cast["alice"])
    window.label(project)
    packets = window.js("return JSON.parse(document.getElementById('desk').textContent).packets")
    assert [(one["answer"], one["comment"], one["flagged"]) for one in packets] == [({}, "", False)] * 2
    sources = [window.js("return fetch(location.href).then((reply) => reply.text())")]
    for _ in items:
        window.rest()
        sources.append(window.driver.page_source)
        window.press("3")
        window.until(lambda: window.state() == "saved")
    window.until(lambda: window.shown("#end"), "the work does not end")
    for path in ("next/", "mine/"):
        sources.append(window.js(f"return fetch('/p/overlap/label/{path}').then((reply) => reply.text())"))
    assert len(sources) == 6
    assert all("BOB-SAYS" not in source and "bob" not in source for source in sources)
    assert a.Annotation.objects.filter(annotator=cast["alice"]).count() == 3


def test_the_way_from_key_to_next_item_is_measured(alice, capsys):
    for key in "123":
        text = alice.item()
        alice.press(key)
        alice.next_item(text)
        alice.saved()
    spans = alice.until(
        lambda: alice.js("return performance.getEntriesByName('assay:next').map((one) => one.duration)")
    )
    with capsys.disabled():
        print(f" [assay:next {', '.join(f'{span:.0f}' for span in spans)} ms]", end="")
    assert len(spans) == 3
    assert all(span > 0 for span in spans)


def test_a_half_written_comment_survives_a_reload(alice):
    first = alice.item()
    alice.press("c", *"so far", Keys.ESCAPE)
    alice.js("window.left = true")
    alice.driver.refresh()
    alice.loaded()
    alice.ready()
    assert alice.item() == first
    assert alice.js("return document.getElementById('comment').value") == "so far"

"""The flow of labelling in a browser: cannot decide, how sure one is, jumps, keys of one's own, questions, goals."""

import pytest
from selenium.webdriver.common.action_chains import ActionChains

from annotation import asking
from annotation import models as a
from annotation import schema as schemas
from tests.browser.pages import Keys, Window
from tests.conftest import make_items, set_schema

pytestmark = pytest.mark.browser


@pytest.fixture
def alice(window: Window, project: a.Project, cast: dict[str, a.User]) -> Window:
    """Alice's window on a project that wants to know what cannot be decided and how sure people are."""
    a.Project.objects.update(undecided=True, confidence="three")
    make_items(project, 6)
    window.sign_in(cast["alice"])
    window.label(project)
    return window


def answer_to(text: str) -> a.Annotation:
    """The one annotation of the item with that text."""
    return a.Annotation.objects.get(item__document__text=text)


def with_shift(window: Window, key: str) -> None:
    """Press a key with Shift held."""
    ActionChains(window.driver, duration=0).key_down(Keys.SHIFT).send_keys(key).key_up(Keys.SHIFT).perform()


def test_what_cannot_be_decided_is_said_with_two_keys(alice):
    first = alice.item()
    alice.press("d")
    alice.until(lambda: alice.shown("#undecided-dialog"), "the dialog does not open")
    assert alice.faults() == []
    alice.press("4")
    alice.next_item(first)
    alice.saved()
    given = answer_to(first)
    assert (given.status, given.skip_reason, given.answer) == ("undecided", "duplicate", {})
    alice.press("b")
    alice.until(lambda: alice.all("#mine button"), "the list stays empty")
    assert "cannot decide" in alice.text("#mine")


def test_a_plain_key_still_answers_saves_and_goes_on_without_asking_how_sure(alice, project):
    alice.requests()
    first = alice.item()
    alice.press("3")
    alice.next_item(first)
    alice.saved()
    assert answer_to(first).confidence is None
    assert alice.requests() == [f"POST /p/{project.slug}/label/submit/"]


def test_with_shift_the_label_waits_for_how_sure_one_is(alice):
    first = alice.item()
    with_shift(alice, "2")
    alice.until(lambda: alice.js("return document.activeElement.dataset.sure"), "the row does not get the focus")
    assert alice.item() == first
    assert alice.faults() == []
    alice.press("1")
    second = alice.next_item(first)
    alice.saved()
    assert (answer_to(first).answer, answer_to(first).confidence) == ({"sentiment": "neutral"}, 1)
    alice.press("1")
    alice.next_item(second)
    alice.saved()
    assert answer_to(second).confidence is None


def test_a_finger_says_how_sure_before_the_label_and_undo_brings_both_back(alice, project):
    alice.phone()
    alice.label(project)
    first = alice.item()
    alice.tap("[data-sure='3']")
    alice.until(lambda: alice.all("[data-sure='3'][aria-checked=true]"), "the level is not shown")
    assert alice.item() == first
    alice.tap("[data-value=positive]")
    alice.next_item(first)
    alice.saved()
    assert answer_to(first).confidence == 3
    alice.press("u")
    alice.until(lambda: alice.item() == first, "it does not come back")
    assert alice.find("[data-sure='3']").get_attribute("aria-checked") == "true"


def test_how_sure_one_was_survives_a_reload(alice):
    first = alice.item()
    alice.click("[data-sure='2']")
    alice.driver.refresh()
    alice.ready()
    assert alice.item() == first
    assert alice.find("[data-sure='2']").get_attribute("aria-checked") == "true"


def test_an_item_is_jumped_to_by_its_number(alice):
    first = alice.item()
    alice.press("1")
    second = alice.next_item(first)
    alice.press("2")
    alice.next_item(second)
    alice.saved()
    number = a.Assignment.objects.get(annotator__username="alice", item=answer_to(first).item_id).pk
    alice.press("b")
    alice.until(lambda: alice.all("#mine button"))
    alice.expected.append("404")
    alice.type("#jump-item", "999999")
    alice.press(Keys.ENTER)
    alice.until(lambda: "not one of your answers" in alice.text("#mine-words"), "nothing is said")
    alice.type("#jump-item", str(number))
    alice.press(Keys.ENTER)
    alice.until(lambda: alice.item() == first, "the item does not come")
    assert not alice.shown("#back-dialog")
    assert alice.find("[data-value=negative]").get_attribute("aria-checked") == "true"


def test_a_key_is_changed_on_the_sheet_works_at_once_and_is_reset(alice):
    alice.press("?")
    alice.until(lambda: alice.shown("#help-dialog"))
    alice.click("#help-dialog summary")
    alice.type("#help-dialog [name=skip]", "k")
    alice.follow("#help-dialog .own-keys .button")
    alice.ready()
    assert "/label/" in alice.path
    assert alice.text("[data-do=skip] kbd") == "K"
    alice.press("s")
    alice.rest()
    assert not alice.shown("#skip-dialog")
    alice.press("k")
    alice.until(lambda: alice.shown("#skip-dialog"), "the new key does nothing")
    alice.press(Keys.ESCAPE)
    alice.press("?")
    alice.click("#help-dialog summary")
    alice.expected.append("400")
    alice.type("#help-dialog [name=flag]", "b")
    alice.follow("#help-dialog .own-keys .button")
    assert "would do two things" in alice.words()
    alice.follow("[name=reset]")
    alice.ready()
    assert alice.text("[data-do=skip] kbd") == "S"


def test_a_question_is_asked_with_one_key_and_its_answer_is_found_where_one_labels(alice, project, cast):
    first = alice.item()
    alice.press("q")
    alice.until(lambda: alice.js("return document.activeElement.id") == "ask-text", "there is no field to write into")
    assert alice.faults() == []
    alice.press("Does ", "s ", "3 count?")
    ActionChains(alice.driver, duration=0).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    alice.until(lambda: "Does s 3 count?" in alice.text("#ask-threads"), "what was asked is not shown")
    alice.press(Keys.ESCAPE)
    alice.until(lambda: not alice.shown("#ask-dialog"))
    assert alice.item() == first
    thread = a.Thread.objects.get()
    assert thread.item.document.text == first
    carol = a.Membership.objects.of(cast["carol"], project.slug)
    asking.reply(membership=carol, thread=thread, text="Yes: rule 3.")
    alice.label(project)
    assert alice.text("#ask-new") == "1"
    alice.press("1")
    alice.next_item(first)
    alice.press("q")
    alice.until(lambda: "Yes: rule 3." in alice.text("#ask-threads"), "the answer is not shown")
    alice.until(lambda: not alice.shown("#ask-new"), "it stays new")
    assert a.Thread.objects.get().seen_at is not None


def test_a_question_that_does_not_arrive_stays_written_and_is_sent_once(alice):
    alice.press("q")
    alice.until(lambda: alice.shown("#ask-threads") or alice.shown("#ask-form"))
    alice.type("#ask-text", "Is this finance?")
    alice.connection(on=False)
    alice.click("#ask-form .primary")
    alice.until(lambda: "no connection" in alice.text("#ask-words"), "nothing is said")
    assert alice.find("#ask-text").get_attribute("value") == "Is this finance?"
    alice.connection(on=True)
    alice.click("#ask-form .primary")
    alice.until(lambda: "Asked." in alice.text("#ask-words"), "it is not sent")
    assert a.Remark.objects.count() == 1


def test_a_goal_is_counted_on_the_page_and_set_on_the_page_of_ones_work(alice, project):
    alice.open(f"/p/{project.slug}/my-work/")
    assert alice.faults() == []
    alice.type("#goal", "2")
    alice.choose("[name=per]", "session")
    alice.follow(".row-form .button")
    alice.label(project)
    assert alice.text("#goal") == "goal: 0 of 2 in this session ·"
    for key in "12":
        text = alice.item()
        alice.press(key)
        alice.next_item(text)
    assert alice.text("#goal") == "goal reached: 2 of 2 ·"


def test_a_skipped_item_is_opened_from_the_page_of_ones_work(alice, project):
    first = alice.item()
    alice.press("s")
    alice.until(lambda: alice.shown("#skip-dialog"))
    alice.press("2")
    alice.next_item(first)
    alice.saved()
    alice.open(f"/p/{project.slug}/my-work/")
    alice.follow("a[href*='#assignment=']")
    alice.ready()
    alice.until(lambda: alice.item() == first, "the item does not come")


def test_the_inbox_is_answered_in_the_browser(alice, project, cast):
    alice.press("q")
    alice.type("#ask-text", "Is this finance?")
    alice.click("#ask-form .primary")
    alice.until(lambda: "Asked." in alice.text("#ask-words"))
    alice.sign_in(cast["carol"])
    alice.open(f"/p/{project.slug}/inbox/")
    assert alice.faults() == []
    alice.type("textarea", "It is.")
    alice.follow(".card .button")
    assert "No question waits" in alice.words()
    assert [row.text for row in a.Remark.objects.all()] == ["Is this finance?", "It is."]


def test_undo_and_redo_take_back_the_flag_and_how_sure_one_is(alice):
    flagged = "return !document.getElementById('flagged').hidden"
    sure = "return document.querySelector('#sure [aria-checked=true]')?.dataset.sure ?? ''"
    first = alice.item()
    alice.press("f")
    assert alice.js(flagged) is True
    alice.js("document.querySelector('[data-sure=\"2\"]').click()")
    assert alice.js(sure) == "2"
    alice.press("u")
    assert (alice.js(flagged), alice.js(sure)) == (True, "")
    alice.press("u")
    assert (alice.js(flagged), alice.js(sure)) == (False, "")
    with_shift(alice, "u")
    with_shift(alice, "u")
    assert (alice.js(flagged), alice.js(sure)) == (True, "2")
    alice.press("3")
    alice.next_item(first)
    alice.saved()
    assert (answer_to(first).flagged, answer_to(first).confidence) == (True, 2)


def test_the_guideline_opens_at_the_rule_of_what_has_the_focus(window, project, cast):
    schema = {"questions": [
        {"name": "tone", "labels": [{"name": "neg", "title": "Negative"}, {"name": "pos", "title": "Positive"}]},
        {"name": "names", "kind": "spans", "labels": [{"name": "ORG", "title": "Organisation"}, "PER"], "required": False},
        {"name": "quality", "kind": "rubric", "criteria": ["clear | Clarity | can be read", "true"], "required": False},
    ]}  # fmt: skip
    set_schema(project, schemas.check(schema))
    text = "# Rules\n\n## Positive\n\nBetter off.\n\n## Organisation\n\nBanks too.\n\n## Negative\n\nWorse off."
    # A published version stands for good, so the words come with the next one.
    project.version = a.GuidelineVersion.objects.create(
        project=project, number=9, text=text, schema=project.version.schema
    )
    project.save()
    make_items(project, 1)
    window.sign_in(cast["alice"])
    window.label(project)
    window.rest()
    near = "return document.querySelector('#guideline-dialog .near')?.textContent ?? ''"
    for css, rule in (("[data-value=neg]", "Negative"), ("[data-value=pos]", "Positive"), ("[data-value=ORG]", "Organisation"), ("[data-criterion=clear] [tabindex='0']", "Clarity")):  # fmt: skip
        window.js("document.querySelector(arguments[0]).focus()", css)
        window.press("g")
        window.until(lambda: window.shown("#guideline-dialog"), "the drawer does not open")
        assert window.js(near) == rule
        window.press(Keys.ESCAPE)
    window.js("document.getElementById('text').focus()")
    window.press(Keys.ARROW_RIGHT, "1")
    window.press("g")
    assert window.js(near) == "Organisation"

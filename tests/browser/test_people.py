"""People in a browser: sign in and out, language and appearance, invitations, and the question before a dangerous step."""

import re

import pytest

from annotation import models as a
from tests.browser.pages import Keys, Window
from tests.conftest import make_items

pytestmark = pytest.mark.browser


def test_one_signs_in_where_one_wanted_to_go_and_out_again(window: Window, project, cast):
    window.open(f"/p/{project.slug}/")
    assert window.path.startswith("/sign-in/")
    window.type("[name=username]", "alice")
    window.type("[name=password]", "not-the-password")
    window.follow("main form button")
    assert "do not match" in window.words()
    assert window.path.startswith("/sign-in/")
    window.type("[name=username]", "alice")
    window.type("[name=password]", "alice-Pass-1234")
    window.js("window.left = true")
    window.press(Keys.ENTER)
    window.loaded()
    assert window.path == f"/p/{project.slug}/"
    window.click("details.menu summary")
    window.follow("details.menu form button")
    assert window.path == "/sign-in/"
    window.open(f"/p/{project.slug}/")
    assert window.path.startswith("/sign-in/")


def test_the_language_changes_to_chinese_and_back_and_the_page_stays(window, project, cast):
    make_items(project, 3)
    window.sign_in(cast["alice"])
    window.label(project)
    text = window.item()
    window.follow("button[name=language][value=zh-hans]")
    window.ready()
    assert window.js("return document.documentElement.lang") == "zh-hans"
    assert re.search("[\u4e00-\u9fff]", window.text("nav.keys"))
    assert window.item() == text
    window.press("1")
    window.next_item(text)
    window.saved()
    assert re.search("[\u4e00-\u9fff]", window.text("#state"))
    window.follow("button[name=language][value=en]")
    window.ready()
    assert window.js("return document.documentElement.lang") == "en"
    assert "undo" in window.text("nav.keys")
    assert window.path == f"/p/{project.slug}/label/"


def test_the_dark_appearance_is_kept_and_given_back(window, project, cast):
    window.sign_in(cast["alice"])
    ground = "return getComputedStyle(document.body).backgroundColor"
    window.open(f"/p/{project.slug}/")
    light = window.js(ground)
    window.click("details.menu summary")
    window.click("#theme option[value=dark]")
    dark = window.until(lambda: window.js(ground) != light and window.js(ground), "it stays light")
    window.open("/account/")
    assert window.js(ground) == dark
    assert window.js("return document.getElementById('theme').value") == "dark"
    window.click("details.menu summary")
    window.click("#theme option[value=auto]")
    window.until(lambda: window.js(ground) == light, "it stays dark")
    window.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    window.until(lambda: window.js(ground) == dark, "it does not follow the system")


def test_an_invitation_link_is_opened_by_a_newcomer_in_a_browser_of_their_own(window, project, cast):
    window.sign_in(cast["dave"])
    window.open(f"/p/{project.slug}/members/")
    window.click("#id_role option[value=annotator]")
    window.follow("section[aria-labelledby=invite-title] form .primary")
    link = window.find("#invitation-link").get_attribute("value")
    assert link.startswith(f"{window.base}/join/")
    window.click("[data-copy='#invitation-link']")
    window.until(lambda: window.text("[data-copy]") == "copied", "it is not copied")
    window.stranger()
    window.driver.get(link)
    assert "Join “Sentiment”" in window.text("h1")
    window.type("[name=username]", "frida")
    for field in window.all("main input[type=password]"):
        field.send_keys("a-Long-enough-1")
    window.follow("main form .primary")
    assert window.path == f"/p/{project.slug}/"
    assert "frida" in window.text("header.bar")
    member = a.Membership.objects.get(user__username="frida")
    assert (member.project, member.role) == (project, "annotator")
    window.stranger()
    window.expected.append("404 (Not Found)")
    window.driver.get(link)
    assert "This invitation is not open" in window.text("h1")


@pytest.mark.parametrize("lacking", [(), ("navigator.clipboard",)], ids=["with a clipboard", "on plain http"])
def test_a_token_is_shown_once_and_copied(window, cast, lacking):
    window.sign_in(cast["erin"])
    window.open("/account/")
    with window.without(*lacking):
        window.type("#token_name", "nightly")
        window.click("#token_scopes_0")
        window.follow("form[action$='/account/tokens/'] button")
    token = window.text("#new-token")
    assert len(token) > 40
    window.click("[data-copy='#new-token']")
    window.until(lambda: window.text("[data-copy]") == "copied", "it is not copied")
    field = window.find("#id_name")
    field.clear()
    field.send_keys(Keys.CONTROL, "v")
    assert field.get_attribute("value") == token
    window.open("/account/")
    assert token not in window.driver.page_source


def test_a_dangerous_step_asks_first_and_cancel_is_the_first_choice(window, project, cast):
    window.sign_in(cast["dave"])
    window.open(f"/p/{project.slug}/members/")
    row = a.Membership.objects.get(project=project, user=cast["bob"])
    button = f"form[action$='/members/{row.pk}/remove/'] button"
    window.click(button)
    window.until(lambda: window.shown("dialog[open]"), "nothing asks")
    assert "Remove bob from this project? The answers given stay" in window.text("dialog[open]")
    assert window.js("return document.activeElement.textContent") == "Cancel"
    window.press(Keys.ENTER)
    window.until(lambda: not window.all("dialog"), "it stays open")
    assert window.path == f"/p/{project.slug}/members/"
    assert a.Membership.objects.filter(pk=row.pk).exists()
    window.click(button)
    window.until(lambda: window.shown("dialog[open]"))
    window.follow("dialog[open] .danger")
    assert not a.Membership.objects.filter(pk=row.pk).exists()
    assert cast["bob"].username not in window.text("table.members")


def test_the_guard_of_these_tests_sees_a_violation_of_the_policy_and_an_error(window, cast):
    window.open("/sign-in/")
    window.js(
        "const inline = document.createElement('script'); inline.textContent = 'window.hurt = 1';"
        "document.body.append(inline); setTimeout(() => { throw new Error('on purpose'); })"
    )
    window.js("return fetch('/nowhere/')")
    heard = window.until(lambda: len(heard_so_far(window)) >= 3 and heard_so_far(window), "the console is not heard")
    assert any("Content Security Policy" in line for line in heard)
    assert any("on purpose" in line for line in heard)
    assert any("404" in line for line in heard)
    assert window.js("return window.hurt ?? null") is None


def heard_so_far(window: Window, heard: list[str] = []) -> list[str]:  # noqa: B006
    """All complaints of the console until now; reading empties it, so they are kept here."""
    heard += window.complaints()
    return heard

"""Lost connections, lost replies, a killed server, an expired session, two tabs: nothing is lost, nothing is doubled."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone
from selenium.common.exceptions import WebDriverException

from annotation import assigning
from annotation import models as a
from tests.annotation import worlds
from tests.browser.conftest import Gate
from tests.browser.pages import OFFLINE, Keys, Window
from tests.conftest import ROOT, make_items, make_project

pytestmark = pytest.mark.browser


@pytest.fixture
def alice(window: Window, project: a.Project, cast: dict[str, a.User]) -> Window:
    """Alice's window on the project with eight items to label."""
    make_items(project, 8)
    window.sign_in(cast["alice"])
    window.label(project)
    return window


def answers() -> list[tuple[str, str]]:
    """(text, label) of all answers in the order in which they came in, one line of history each."""
    rows = a.Revision.objects.order_by("pk").select_related("annotation__item__document")
    assert len({row.annotation_id for row in rows}) == len(rows)
    return [(row.annotation.item.text, row.answer.get("sentiment", "")) for row in rows]


def label_all_in_hand(window: Window) -> list[tuple[str, str]]:
    """Answer everything that the browser holds, without a reply from the server."""
    given = []
    for key, label in list(zip("123", ("negative", "neutral", "positive"), strict=True)) * 3:
        before = window.item()
        window.press(key)
        given.append((before, label))
        if window.until(lambda before=before: window.item() != before or window.shown("#end")) and window.shown("#end"):
            return given
        window.rest()
    raise AssertionError("the browser holds more than anyone would give it")


def test_answers_given_without_a_connection_arrive_once_and_in_order(alice):
    alice.connection(on=False)
    given = label_all_in_hand(alice)
    assert len(given) >= assigning.IN_HAND
    alice.until(lambda: alice.state() == "waiting", "nothing says that they wait")
    assert f"({len(given)} not sent yet)" in alice.text("#state")
    assert "There is no connection." in alice.text("#end-words")
    assert answers() == []
    alice.connection(on=True)
    alice.saved()
    alice.until(lambda: alice.shown("#item"), "the work does not go on")
    assert answers() == given
    assert alice.item() not in [text for text, _label in given]


def test_a_reload_with_unsent_answers_loses_none_and_shows_none_again(alice, project):
    alice.connection(on=False)
    given = label_all_in_hand(alice)
    alice.until(lambda: alice.state() == "waiting")
    with pytest.raises(WebDriverException, match=OFFLINE):
        alice.open(f"/p/{project.slug}/label/")
    alice.connection(on=True)
    alice.label(project)
    alice.saved()
    alice.until(lambda: alice.shown("#item"), "the work does not go on")
    assert answers() == given
    assert alice.item() not in [text for text, _label in given]
    alice.press("1")
    alice.until(lambda: a.Annotation.objects.count() == len(given) + 1, "the next answer does not arrive")


def test_an_answer_whose_reply_is_lost_is_sent_again_and_counted_once(alice, gate: Gate):
    alice.expected.append("500 (Internal Server Error)")
    gate.lost_replies = 1
    first = alice.item()
    alice.press("1")
    second = alice.next_item(first)
    alice.until(lambda: alice.state() == "waiting", "it does not see that the reply is lost")
    assert answers() == [(first, "negative")]
    alice.saved()
    assert answers() == [(first, "negative")]
    alice.press("2")
    alice.next_item(second)
    alice.saved()
    assert answers() == [(first, "negative"), (second, "neutral")]


def test_on_a_plain_http_network_each_answer_still_goes_once(window, project, cast, gate: Gate):
    make_items(project, 6)
    window.sign_in(cast["alice"])
    with window.without("navigator.locks", "crypto.randomUUID", "navigator.clipboard"):
        window.label(project)
    assert window.js("return [navigator.locks, crypto.randomUUID, navigator.clipboard]") == [None, None, None]
    gate.passable.clear()
    window.requests()
    first = window.item()
    window.press("1")
    second = window.next_item(first)
    window.press("2")
    window.until(lambda: window.find("#desk-area").get_attribute("aria-busy"))
    window.js("for (let n = 0; n < 3; n += 1) window.dispatchEvent(new Event('focus'))")
    gate.passable.set()
    window.saved()
    window.until(lambda: window.item() not in (first, second), "the work does not go on")
    assert window.requests() == [f"POST /p/{project.slug}/label/submit/"] * 2
    assert answers() == [(first, "negative"), (second, "neutral")]


def test_an_expired_session_keeps_the_answer_until_one_has_signed_in_again(alice, cast):
    alice.expected.append("401 (Unauthorized)")
    first = alice.item()
    Session.objects.all().delete()
    alice.press("3")
    alice.until(lambda: alice.state() == "out", "it does not notice")
    assert "You are signed out. Sign in again: your answer is kept." in alice.text("#state")
    assert answers() == []
    [desk] = alice.driver.window_handles
    alice.click("#state a")
    alice.until(lambda: len(alice.driver.window_handles) == 2, "no second tab opens")
    [other] = [handle for handle in alice.driver.window_handles if handle != desk]
    alice.driver.switch_to.window(other)
    alice.type("[name=username]", "alice")
    alice.type("[name=password]", "alice-Pass-1234")
    alice.follow("main form button")
    alice.driver.close()
    alice.driver.switch_to.window(desk)
    alice.cdp("Page.bringToFront")
    alice.until(lambda: answers() == [(first, "positive")], "the answer does not arrive")
    # The tab in which one signed in may have been the faster to send it: then this one claims nothing.
    alice.until(lambda: alice.state() in ("saved", "idle"), "it does not settle")
    alice.press("1")
    alice.until(lambda: len(answers()) == 2, "the work does not go on")


def test_an_expired_session_is_not_taken_for_the_end_of_the_work(alice, cast):
    alice.expected.append("401 (Unauthorized)")
    Session.objects.all().delete()
    given = label_all_in_hand(alice)
    alice.until(lambda: alice.state() == "out", "it does not notice")
    assert "You are signed out." in alice.text("#end-words")
    assert "every item" not in alice.text("#end-words")
    alice.sign_in(cast["alice"])
    alice.js("window.dispatchEvent(new Event('focus'))")
    alice.until(lambda: alice.shown("#item"), "the work does not go on")
    alice.saved()
    assert answers() == given


def test_an_answer_is_never_taken_in_the_name_of_who_signed_in_since(window, cast):
    project = make_project(cast, slug="overlap", overlap=2)
    make_items(project, 4)
    window.expected.append("401 (Unauthorized)")
    window.sign_in(cast["alice"])
    window.label(project)
    first = window.item()
    window.sign_in(cast["bob"])
    window.press("3")
    window.until(lambda: window.state() == "out", "the answer was taken")
    assert "Someone else is signed in" in window.text("#state")
    assert answers() == []
    window.label(project)
    assert answers() == []
    window.sign_in(cast["alice"])
    window.label(project)
    window.saved()
    assert answers() == [(first, "positive")]
    assert a.Annotation.objects.get().annotator == cast["alice"]


def test_who_is_no_member_any_more_is_told_so_and_keeps_the_answer(alice, project, cast):
    alice.expected.append("404 (Not Found)")
    row = a.Membership.objects.get(project=project, user=cast["alice"])
    row.delete()
    alice.press("1")
    alice.until(lambda: alice.state() == "lost", "it does not notice")
    assert "takes no answers from this page" in alice.text("#state")
    row.save(force_insert=True)
    alice.label(project)
    alice.saved()
    assert len(answers()) == 1


@pytest.fixture
def two(alice: Window, project: a.Project) -> tuple[Window, str, str, str]:
    """(window, its first item, handles): the first tab has answered it, the second has answered it otherwise."""
    alice.expected.append("409 (Conflict)")
    first = alice.item()
    one, other = alice.another_tab(project)
    assert alice.item() == first
    alice.driver.switch_to.window(one)
    alice.press("1")
    alice.until(lambda: alice.item() != first)
    alice.saved()
    alice.driver.switch_to.window(other)
    alice.press("3")
    alice.until(lambda: alice.shown("#conflict-dialog"), "it does not ask which answer stands")
    return alice, first, one, other


def now_says(text: str) -> str:
    """The label that the item has by now."""
    return a.Annotation.objects.get(item__document__text=text).answer["sentiment"]


def refused(window: Window) -> int:
    """How many refused answers without a decision the browser keeps."""
    return window.js("return Object.keys(localStorage).filter((key) => key.startsWith('assay-refused-')).length")


def test_of_two_answers_to_one_item_both_are_shown_with_the_text_and_neither_is_called_saved(two):
    window, first, _one, _other = two
    assert window.text("#conflict-text") == first
    assert window.text("#conflict-kept .differs") == "negative"
    assert window.text("#conflict-mine .differs") == "positive"
    assert (window.state(), window.text("#state")) == ("idle", "")
    assert window.text("#done") == "0"
    assert window.js("return [share.value, share.max]") == [1, 8]
    assert window.js("return document.activeElement.dataset.decide") == "first"
    assert window.faults() == []
    assert answers() == [(first, "negative")]
    window.phone()
    assert window.faults() == []


@pytest.mark.parametrize("key", [Keys.ESCAPE, Keys.ENTER])
def test_the_first_answer_stands_by_escape_and_by_enter(two, key):
    window, first, _one, _other = two
    second = window.item()
    window.rest(550)
    window.press(key)
    window.until(lambda: not window.shown("#conflict-dialog"), "the question stays")
    assert refused(window) == 0
    window.press("2")
    window.next_item(second)
    window.saved()
    assert answers() == [(first, "negative"), (second, "neutral")]


def test_the_second_answer_goes_as_a_correction_by_its_key(two):
    window, first, _one, _other = two
    window.requests()
    window.rest(550)
    window.press("m")
    window.saved()
    assert now_says(first) == "positive"
    assert a.Revision.objects.filter(annotation__item__document__text=first).count() == 2
    assert window.requests() == ["POST /p/sentiment/label/submit/"]
    assert refused(window) == 0
    assert window.text("#done") == "0"


def test_what_was_meant_for_the_item_below_decides_nothing(two, project):
    window, first, _one, _other = two
    source = """addEventListener("DOMContentLoaded", () => new MutationObserver(([change]) => {
        if (!change.target.open) return;
        window.surprised = true;
        const key = { key: "m", code: "KeyM", bubbles: true, cancelable: true };
        document.activeElement.dispatchEvent(new KeyboardEvent("keydown", key));
        document.querySelector("[data-decide=mine]").click();
    }).observe(document.getElementById("conflict-dialog"), { attributeFilter: ["open"] }))"""
    script = window.cdp("Page.addScriptToEvaluateOnNewDocument", source=source)
    window.label(project)
    window.cdp("Page.removeScriptToEvaluateOnNewDocument", **script)
    window.asked()
    assert window.js("return window.surprised")
    assert refused(window) == 1
    assert answers() == [(first, "negative")]
    window.press("m")
    window.until(lambda: now_says(first) == "positive", "the key is dead")
    window.saved()


def test_a_page_closed_before_the_decision_asks_again(two, project):
    window, first, _one, _other = two
    assert refused(window) == 1
    window.label(project)
    window.asked()
    assert (window.text("#conflict-kept .differs"), window.text("#conflict-mine .differs")) == ("negative", "positive")
    window.click("[data-decide=mine]")
    window.saved()
    assert now_says(first) == "positive"
    window.label(project)
    assert not window.shown("#conflict-dialog")


def test_what_was_corrected_meanwhile_is_shown_as_it_stands_or_not_asked_about(two, project):
    window, first, _one, _other = two
    row = a.Annotation.objects.get(item__document__text=first)
    for answer, label in (({"sentiment": "neutral"}, "neutral"), ({"sentiment": "positive"}, None)):
        a.Annotation.objects.filter(pk=row.pk).update(answer=answer)
        window.label(project)
        if label:
            window.asked()
            assert window.text("#conflict-kept .differs") == label
    window.rest(550)
    assert not window.shown("#conflict-dialog")
    assert refused(window) == 0


def test_a_decision_in_one_window_ends_the_question_in_the_other(two, project):
    window, first, one, other = two
    window.driver.switch_to.window(one)
    window.label(project)
    window.asked()
    window.press("m")
    window.saved()
    window.driver.switch_to.window(other)
    window.until(lambda: not window.shown("#conflict-dialog"), "it still asks")
    assert now_says(first) == "positive"
    assert a.Revision.objects.filter(annotation__item__document__text=first).count() == 2


def test_a_comment_that_is_being_written_is_not_interrupted_by_the_question(alice, project, gate: Gate):
    alice.expected.append("409 (Conflict)")
    first = alice.item()
    one, other = alice.another_tab(project)
    alice.driver.switch_to.window(one)
    alice.press("1")
    alice.until(lambda: alice.item() != first)
    alice.saved()
    alice.driver.switch_to.window(other)
    gate.passable.clear()
    alice.press("3")
    second = alice.next_item(first)
    alice.press("c", *"may be")
    gate.passable.set()
    alice.until(lambda: refused(alice) == 1, "the answer is not refused")
    alice.rest()
    assert not alice.shown("#conflict-dialog")
    alice.press(*" m", Keys.ESCAPE)
    alice.asked()
    alice.press(Keys.ESCAPE)
    alice.until(lambda: not alice.shown("#conflict-dialog"))
    assert alice.item() == second
    assert alice.js("return document.getElementById('comment').value") == "may be m"
    assert now_says(first) == "negative"


def test_what_the_page_cannot_be_sent_for_stays_as_a_draft(alice, project):
    """Refused, and not because of an answer that stands: the item's place was taken away and given back."""
    alice.expected.append("409 (Conflict)")
    first = alice.item()
    slot = a.Assignment.objects.get(item__document__text=first)
    a.Assignment.objects.filter(pk=slot.pk).update(state="done", annotator=None, token=None)
    alice.press("3")
    alice.until(lambda: alice.shown("#notice"), "nothing is said")
    assert alice.state() == "idle"
    a.Assignment.objects.filter(pk=slot.pk).update(state="open", priority=-1)
    a.Assignment.objects.filter(state="leased").update(state="done")
    alice.label(project)
    assert alice.item() == first
    assert alice.find("[data-value=positive]").get_attribute("aria-checked") == "true"


def test_an_answer_after_its_lease_counts_where_nobody_has_taken_the_item(alice):
    """A laptop that was closed for longer than the lease: the item is still there, and so is the answer."""
    first = alice.item()
    a.Assignment.objects.filter(state="leased").update(lease_until=timezone.now() - timedelta(hours=9))
    alice.press("3")
    alice.next_item(first)
    alice.saved()
    assert a.Annotation.objects.get(status="submitted").item.text == first


def test_an_answer_after_its_lease_is_kept_where_somebody_else_has_answered(alice, project, cast):
    alice.expected.append("409 (Conflict)")
    first = alice.item()
    slot = a.Assignment.objects.select_related("item").get(item__document__text=first)
    slot.annotator, slot.token, slot.lease_until = cast["bob"], uuid.uuid4(), timezone.now() + timedelta(hours=1)
    slot.save()
    worlds.answer(project, cast["bob"], slot, "negative")
    alice.press("3")
    alice.next_item(first)
    alice.until(lambda: alice.shown("#notice"), "nothing is said")
    said = a.Annotation.objects.filter(item=slot.item_id).order_by("annotator__username").values_list("annotator__username", "status", "answer__sentiment")  # fmt: skip
    assert ("bob", "submitted", "negative") in set(said)
    assert not [row for row in said if row[0] == "alice" and row[1] == "submitted"]
    assert alice.js("return Object.values(localStorage).some((one) => one.includes('positive'))") or ("alice", "draft", "positive") in set(said)  # fmt: skip


def test_two_tabs_keep_each_others_unsent_answers(alice, project):
    one = alice.driver.current_window_handle
    first = alice.item()
    alice.driver.switch_to.new_window("tab")
    two = alice.driver.current_window_handle
    alice.label(project)
    alice.connection(on=False)
    alice.driver.switch_to.window(one)
    alice.connection(on=False)
    alice.press("1")
    second = alice.next_item(first)
    alice.driver.switch_to.window(two)
    alice.press("2")
    alice.next_item(first)
    alice.press("3")
    alice.until(lambda: alice.shown("#end"))
    stored = alice.js("return Object.keys(localStorage).filter((key) => key.startsWith('assay-outbox-')).length")
    assert stored == 3
    alice.expected.append("409 (Conflict)")
    alice.connection(on=True)
    alice.driver.switch_to.window(one)
    alice.connection(on=True)
    alice.until(lambda: len(answers()) == 2, "they do not all arrive")
    assert answers() == [(first, "negative"), (second, "positive")]
    shown = []
    for handle in (one, two):
        alice.driver.switch_to.window(handle)
        alice.until(lambda: alice.state() in ("idle", "saved"), "it is still sending")
        shown.append(alice.shown("#conflict-dialog"))
    assert sorted(shown) == [False, True]


class Server:
    """A real web server process on the tests' database, to be killed."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "web.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; `is_up` says when it answers."""
        command = [
            sys.executable,
            "-m",
            "granian",
            "--interface",
            "wsgi",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]
        command += [
            "--workers",
            "1",
            "--blocking-threads",
            "2",
            "--backpressure",
            "16",
            "--no-ws",
            "config.wsgi:application",
        ]
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.browser.served",
            "ASSAY_TEST_DATA": str(settings.DATA),
            "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
            "PYTHONPATH": str(ROOT),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def is_up(self) -> bool:
        """Whether it takes connections."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """Without a warning, the whole family."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)


@pytest.fixture(scope="module", autouse=True)
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A web server of its own for the last test; it comes up while the others run."""
    server = Server(tmp_path_factory.mktemp("server"))
    if connection.vendor == "sqlite":
        server.start()
    yield server
    server.kill()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the server process opens the tests' SQLite file")
def test_a_killed_server_loses_no_answer_and_takes_up_the_work_when_it_is_back(driver, server, transactional_db, cast):
    project = make_project(cast)
    make_items(project, 6)
    window = Window(driver, server.url)
    driver.get_log("browser")
    window.expected += ["ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE"]
    window.until(server.is_up, "the server does not start")
    window.sign_in(cast["alice"])
    window.label(project)
    first = window.item()
    window.press("1")
    second = window.next_item(first)
    window.saved()
    server.kill()
    window.press("2")
    third = window.next_item(second)
    window.until(lambda: window.state() == "waiting", "it does not notice")
    server.start()
    window.until(lambda: len(answers()) == 2, "the answer does not arrive")
    window.saved()
    window.press("3")
    window.next_item(third)
    window.saved()
    assert answers() == [(first, "negative"), (second, "neutral"), (third, "positive")]
    complaints = window.complaints()
    window.sweep()
    assert complaints == []

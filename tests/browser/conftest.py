"""One browser for all tests of a process, a clean window on the running site for each."""

import shutil
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from annotation import annotating
from annotation import models as a
from evaluation import models as e
from tests.browser.pages import FLAGS, Window
from tests.conftest import make_project
from tests.training.worlds import thaw


@pytest.fixture(scope="session")
def driver() -> Iterator[Any]:
    """Chromium with a profile of its own, without a screen."""
    program, helper = shutil.which("chromium"), shutil.which("chromedriver")
    if not program or not helper:
        pytest.skip("Chromium or its driver is not on this machine")
    profile = tempfile.mkdtemp(prefix="assay-browser-")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.add_experimental_option("perfLoggingPrefs", {"enableNetwork": True, "enablePage": False})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(helper))
    chrome.set_page_load_timeout(60)
    yield chrome
    chrome.quit()
    shutil.rmtree(profile, ignore_errors=True)


@pytest.fixture
def site(live_server: Any) -> Iterator[str]:
    """The address of the running site; what a test has frozen is thawed afterwards, so that the tables can be cleared."""
    yield live_server.url
    if e.DatasetVersion.objects.exclude(frozen_at=None).exists():
        thaw()


@pytest.fixture
def window(driver: Any, site: str) -> Iterator[Window]:
    """A clean window; the test fails where the browser complained of anything that it did not expect."""
    window = Window(driver, site)
    driver.get_log("browser")
    driver.get_log("performance")
    yield window
    complaints = window.complaints()
    window.sweep()
    assert complaints == []


@pytest.fixture
def project(site: str, cast: dict[str, a.User]) -> a.Project:
    """The sentiment project with its cast."""
    return make_project(cast, overlap=1)


class Gate:
    """The server's door for answers: open, shut (they wait in it), or letting them in but no reply out."""

    def __init__(self, submit: Any) -> None:
        self.real = submit
        self.passable = threading.Event()
        self.passable.set()
        self.lost_replies = 0

    def __call__(self, **arguments: Any) -> Any:
        """Stands in for `annotating.submit`."""
        assert self.passable.wait(30), "the test left the gate shut"
        outcome = self.real(**arguments)
        if self.lost_replies:
            self.lost_replies -= 1
            raise ConnectionError("the reply is lost on its way")
        return outcome


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Hold answers back at the server, or lose its replies."""
    gate = Gate(annotating.submit)
    monkeypatch.setattr(annotating, "submit", gate)
    yield gate
    gate.passable.set()

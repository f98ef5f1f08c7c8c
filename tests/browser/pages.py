"""A browser window as the tests drive it: find, press, wait, and what its console and its network said."""

import contextlib
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import websocket
from django.conf import settings
from django.test import Client
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

PATIENCE = 20.0  # seconds; reached only where the awaited thing never comes
POLL = 0.03
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--lang=en", "--window-size=1280,900",
)  # fmt: skip
CHECKS = (Path(__file__).parent / "checks.js").read_text()
# Roles of the accessibility tree that are of no use without a name.
NAMED = {
    "button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "spinbutton", "listbox", "slider",
    "progressbar", "dialog", "image", "heading",
}  # fmt: skip
OFFLINE = "ERR_INTERNET_DISCONNECTED"


def command(browser: websocket.WebSocket, method: str, **arguments: Any) -> dict[str, Any]:
    """A command to the browser as a whole, which WebDriver does not pass on."""
    browser.send(json.dumps({"id": 1, "method": method, "params": arguments}))
    while "result" not in (reply := json.loads(browser.recv())):
        assert "error" not in reply, reply
    return dict(reply["result"])


class Window:
    """One person's window on the site; `expected` lists what the console may say without failing the test."""

    def __init__(self, driver: Any, base: str) -> None:
        self.driver = driver
        self.base = base
        self.expected: list[str] = []

    # Going places
    def sign_in(self, user: Any) -> None:
        """Put the cookie of a fresh session of this person into the browser; the sign-in page has tests of its own."""
        client = Client()
        client.force_login(user)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.cdp("Network.setCookie", name=settings.SESSION_COOKIE_NAME, value=session, url=self.base, httpOnly=True)

    def open(self, path: str) -> None:
        """Load a page of the site."""
        self.driver.get(self.base + path)

    def label(self, project: Any) -> None:
        """Open the labelling page and wait until its script has taken over."""
        self.open(f"/p/{project.slug}/label/")
        self.ready()

    def ready(self) -> None:
        """Wait until the labelling page's script has taken over."""
        self.until(lambda: self.js("return document.documentElement.dataset.ready") == "1", "the page is not ready")

    @property
    def path(self) -> str:
        """The address without the host."""
        return str(self.driver.current_url).removeprefix(self.base)

    # Looking
    def find(self, css: str) -> WebElement:
        """The first element of that kind, as soon as there is one."""
        found = self.until(lambda: self.driver.find_elements(By.CSS_SELECTOR, css), f"there is no {css}")
        return found[0]

    def all(self, css: str) -> list[WebElement]:
        """All elements of that kind that are there now."""
        return list(self.driver.find_elements(By.CSS_SELECTOR, css))

    def text(self, css: str) -> str:
        """The words of the first such element, as the page holds them."""
        return str(self.js("return document.querySelector(arguments[0])?.textContent ?? ''", css)).strip()

    def shown(self, css: str) -> bool:
        """Whether such an element is there and visible."""
        return any(element.is_displayed() for element in self.all(css))

    def words(self) -> str:
        """All visible words of the page."""
        return str(self.js("return document.body.innerText"))

    def js(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def cdp(self, method: str, **arguments: Any) -> Any:
        """A command of the browser's own protocol."""
        return self.driver.execute_cdp_cmd(method, arguments)

    # Doing
    def press(self, *keys: str) -> None:
        """Press keys one after another, wherever the focus is."""
        actions = ActionChains(self.driver, duration=0)
        for key in keys:
            actions.send_keys(key)
        actions.perform()

    def click(self, css: str) -> None:
        """Click the first such element."""
        self.find(css).click()

    def follow(self, css: str) -> None:
        """Click something that loads another page, and wait for that page."""
        self.js("window.left = true")
        self.click(css)
        self.loaded()

    def loaded(self) -> None:
        """Wait until the document that `window.left` was written into is gone and the next one is complete."""

        def arrived() -> bool:
            try:
                return bool(self.js("return !window.left && document.readyState === 'complete'"))
            except WebDriverException:
                return False

        self.until(arrived, "no new page came")

    def type(self, css: str, words: str) -> None:
        """Write into a field what was not in it before."""
        field = self.find(css)
        field.clear()
        field.send_keys(words)

    def choose(self, css: str, value: str) -> None:
        """Choose an entry of a list."""
        Select(self.find(css)).select_by_value(value)

    def until(self, condition: Callable[[], Any], complaint: str = "", *, seconds: float = PATIENCE) -> Any:
        """What the condition says as soon as it is true; fails with the complaint."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if found := condition():
                    return found
            except StaleElementReferenceException:
                pass
            if time.monotonic() > deadline:
                raise AssertionError(f"{complaint or 'waited in vain'} at {self.path}\n{self.words()[:1500]}")
            time.sleep(POLL)

    # The labelling page
    def item(self) -> str:
        """The text to be labelled."""
        return str(self.js("return document.getElementById('text').textContent"))

    def next_item(self, before: str) -> str:
        """Wait until another text is there, look at it for a moment, and return it."""
        self.until(lambda: self.item() != before, "the next item does not come")
        self.rest()
        return self.item()

    def rest(self, milliseconds: int = 130) -> None:
        """Look at the item for a moment: a key that comes with the item itself is taken for a bounce."""
        start = self.js("return performance.now()")
        self.until(lambda: self.js("return performance.now()") - start > milliseconds)

    def asked(self) -> None:
        """Wait until the page asks which of two answers stands, and be over the surprise."""
        self.until(lambda: self.shown("#conflict-dialog"), "it does not ask which answer stands")
        self.rest(550)

    def another_tab(self, project: Any) -> tuple[str, str]:
        """Open the labelling page in a second tab, and stay there; returns the handles of both."""
        one = self.driver.current_window_handle
        self.driver.switch_to.new_window("tab")
        self.label(project)
        return one, self.driver.current_window_handle

    def state(self) -> str:
        """What the page says about the way of the answers: idle, saving, saved, waiting, out, lost."""
        return str(self.js("return document.getElementById('state').dataset.state"))

    def saved(self) -> None:
        """Wait for the mark that the server has everything."""
        self.until(lambda: self.state() == "saved", "it is not saved")

    # The network
    def connection(self, *, on: bool) -> None:
        """Pull the plug of this window, or put it back."""
        self.expected.append(OFFLINE)
        self.cdp("Network.enable")
        self.cdp("Network.emulateNetworkConditions", offline=not on, latency=0, downloadThroughput=-1, uploadThroughput=-1)  # fmt: skip
        self.until(lambda: self.js("return navigator.onLine") is on, "the browser did not notice")

    @contextlib.contextmanager
    def without(self, *names: str) -> Iterator[None]:
        """Pages that are loaded meanwhile find that the browser lacks these, as it does on a plain http network."""
        source = "".join(
            f"Object.defineProperty({owner}, '{name}', {{ value: undefined }});"
            for owner, name in (whole.split(".") for whole in names)
        )
        script = self.cdp("Page.addScriptToEvaluateOnNewDocument", source=source)
        yield
        self.cdp("Page.removeScriptToEvaluateOnNewDocument", **script)

    def requests(self) -> list[str]:
        """'VERB /path' of everything that the browser has asked the site for since the last look."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [one["params"]["request"] for one in messages if one["method"] == "Network.requestWillBeSent"]
        return [
            f"{one['method']} {one['url'].removeprefix(self.base)}" for one in sent if one["url"].startswith(self.base)
        ]

    # The screen
    def phone(self) -> None:
        """A telephone's screen, with a finger instead of a mouse."""
        self.cdp("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)
        self.cdp("Emulation.setTouchEmulationEnabled", enabled=True)

    def wide(self) -> None:
        """A desk's screen."""
        self.cdp("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
        self.cdp("Emulation.setTouchEmulationEnabled", enabled=False)

    def dark(self, *, on: bool) -> None:
        """What the system prefers."""
        wanted = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
        self.cdp("Emulation.setEmulatedMedia", features=[wanted])

    def tap(self, css: str) -> None:
        """Put a finger on the middle of the first such element."""
        self.find(css)
        box = "const box = document.querySelector(arguments[0]).getBoundingClientRect();"
        x, y = self.js(f"{box} return [box.x + box.width / 2, box.y + box.height / 2]", css)
        self.cdp("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.cdp("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    # What every page must hold
    def faults(self) -> list[str]:
        """What is wrong with the page as it stands, a sentence each; checks.js says what is looked at."""
        nodes = self.cdp("Accessibility.getFullAXTree")["nodes"]
        unnamed = [
            f"a {node['role']['value']} has no name"
            for node in nodes
            if not node.get("ignored")
            and node["role"]["value"] in NAMED
            and not node.get("name", {}).get("value", "").strip()
        ]
        return [*self.js(CHECKS), *unnamed, *self.sticks_out()]

    def sticks_out(self) -> list[str]:
        """Whether the page can be pushed sideways."""
        width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        pixels = self.js(f"return {width}")
        return [f"{pixels} pixels stick out"] if pixels > 0 else []

    # Afterwards
    def complaints(self) -> list[str]:
        """Violations of the content security policy, errors and failed requests since the last look."""
        lines = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return [line for line in lines if not any(words in line for words in self.expected)]

    def stranger(self) -> None:
        """Go on in a browser profile that knows nothing of this one: no cookies, no storage."""
        before = set(self.driver.window_handles)
        address = self.driver.capabilities["goog:chromeOptions"]["debuggerAddress"]
        with urllib.request.urlopen(f"http://{address}/json/version", timeout=10) as reply:
            browser = websocket.create_connection(
                json.load(reply)["webSocketDebuggerUrl"], timeout=10, suppress_origin=True
            )
        profile = command(browser, "Target.createBrowserContext")["browserContextId"]
        command(browser, "Target.createTarget", url="about:blank", browserContextId=profile)
        browser.close()
        self.until(lambda: set(self.driver.window_handles) - before, "no window opens")
        [new] = set(self.driver.window_handles) - before
        self.driver.switch_to.window(new)

    def sweep(self) -> None:
        """Leave nothing to the next test: one empty tab, no cookie, no storage, no borrowed telephone."""
        first, *others = self.driver.window_handles
        for handle in others:
            self.driver.switch_to.window(handle)
            self.driver.close()
        self.driver.switch_to.window(first)
        self.cdp("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1)  # fmt: skip
        self.cdp("Emulation.clearDeviceMetricsOverride")
        self.cdp("Emulation.setTouchEmulationEnabled", enabled=False)
        self.cdp("Emulation.setEmulatedMedia", features=[])
        self.driver.get("about:blank")
        self.cdp("Network.clearBrowserCookies")
        self.cdp("Storage.clearDataForOrigin", origin=self.base, storageTypes="all")


__all__ = ["FLAGS", "Keys", "Window"]

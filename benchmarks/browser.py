"""What the labelling page weighs in a real browser, and how soon the next item is there after the key.

    .venv/bin/python benchmarks/browser.py [--items 50] [--texts 2000]

Prints the bytes that Chromium received for the first labelling page with all its assets (nothing cached, compressed as
served), the bytes received and sent for each further item, and the median time from the key press to the first frame
with the next item, which the page measures itself as 'assay:next'. A real server process serves hashed static files.
"""

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loop import PASSWORD, Server, World, texts
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,900")  # fmt: skip
SLUG = "bench-page"


class Wire:
    """What went over the wire since the last look, by request."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def look(self) -> dict[str, dict[str, Any]]:
        """Request id -> {path, sent: bytes of the body, received: bytes with the headers, whole: whether it has ended}."""
        found: dict[str, dict[str, Any]] = {}
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            about = message["params"]
            if message["method"] == "Network.requestWillBeSent":
                path = about["request"]["url"].split("/", 3)[-1].partition("?")[0]
                sent = len(about["request"].get("postData", "").encode())
                found[about["requestId"]] = {"path": "/" + path, "sent": sent, "received": 0, "whole": False}
            elif message["method"] == "Network.loadingFinished" and about["requestId"] in found:
                found[about["requestId"]] |= {"received": int(about["encodedDataLength"]), "whole": True}
        return found


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """What the condition says as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise SystemExit("the page did not do what it should within a minute")
        time.sleep(0.02)
    return found


def chromium(profile: str) -> Any:
    """A browser with an empty profile that tells what its network does."""
    program, helper = shutil.which("chromium"), shutil.which("chromedriver")
    if not program or not helper:
        raise SystemExit(
            "This benchmark needs Chromium and its driver (Debian: apt-get install chromium chromium-driver)."
        )
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(helper))


def sign_in(driver: Any, base: str) -> None:
    """As one of the benchmark's annotators."""
    driver.get(f"{base}/sign-in/")
    driver.find_element(By.NAME, "username").send_keys("bench0")
    driver.find_element(By.NAME, "password").send_keys(PASSWORD, Keys.ENTER)
    until(lambda: "/sign-in/" not in driver.current_url)


def first_page(driver: Any, base: str, wire: Wire) -> None:
    """Open the labelling page with an empty cache and print what came, the heaviest first."""
    driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    wire.look()
    driver.get(f"{base}/p/{SLUG}/label/")
    until(lambda: driver.execute_script("return document.documentElement.dataset.ready") == "1")
    time.sleep(1)  # late ones, as the icon, belong to it
    parts = sorted(wire.look().values(), key=lambda part: -part["received"])
    print(f"first labelling page: {sum(part['received'] for part in parts):,} bytes in {len(parts)} requests")
    for part in parts:
        print(f"  {part['received']:>7,}  {part['path']}")


def label(driver: Any, items: int, wire: Wire) -> None:
    """Answer that many items by key, one at a time, and print what each costs."""
    state = "return [document.getElementById('text').textContent, document.getElementById('state').dataset.state]"
    wire.look()
    for place in range(items):
        before, _state = driver.execute_script(state)
        ActionChains(driver, duration=0).send_keys("123"[place % 3]).perform()
        until(lambda before=before: (now := driver.execute_script(state))[0] != before and now[1] == "saved")
        time.sleep(0.15)  # nobody reads faster; the page takes an earlier key for a bounce
    asked = [part for part in wire.look().values() if part["path"].startswith("/p/")]
    spans = driver.execute_script("return performance.getEntriesByName('assay:next').map((one) => one.duration)")
    received = [part["received"] for part in asked]
    print(f"{items} further items: {len(asked)} requests, {statistics.median(received):,.0f} bytes received each in the median ({max(received):,} at most), {statistics.median(part['sent'] for part in asked):,.0f} bytes of answer sent")  # fmt: skip
    print(f"key to next item ('assay:next'): median {statistics.median(spans):.1f} ms, 95th percentile {sorted(spans)[int(0.95 * (len(spans) - 1))]:.1f} ms, {len(spans)} measured")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=50)
    parser.add_argument("--texts", type=int, default=2000)
    asked = parser.parse_args()
    profile = tempfile.mkdtemp(prefix="assay-bench-browser-")
    driver = chromium(profile)
    world = World("sqlite", "")
    try:
        world.people(SLUG)
        path = Path(world.folder) / "texts.jsonl"
        texts(path, asked.texts)
        world.manage("import_items", str(path), "--project", SLUG, "--json")
        server = Server(world)
        try:
            base = f"http://127.0.0.1:{server.port}"
            wire = Wire(driver)
            sign_in(driver, base)
            first_page(driver, base, wire)
            label(driver, asked.items, wire)
        finally:
            server.stop()
    finally:
        driver.quit()
        world.close()
        shutil.rmtree(profile, ignore_errors=True)


if __name__ == "__main__":
    main()

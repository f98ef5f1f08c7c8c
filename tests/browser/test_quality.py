"""The quality page and its report at both widths: nothing sticks out, long names and all, and the tables are cards on a phone."""

import os
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotation import batching
from annotation import models as a
from tests.annotation.test_figures import world  # noqa: F401
from tests.annotation.test_surveying import figures
from tests.annotation.worlds import label, member
from tests.browser.pages import Window
from tests.conftest import make_items

pytestmark = pytest.mark.browser
LONG = "Krippendorff-Mayerhofer-von-Hohenstein und Partner, Abteilung Wertpapierprospekte"


def pictures(window: Window, name: str) -> None:
    """At both widths, light and dark, the whole page where SHOTS names a folder; nothing sticks out."""
    folder = os.environ.get("SHOTS")
    for width, scale, mobile in ((1280, 1, False), (390, 2, True)):
        for dark in (False, True):
            window.dark(on=dark)
            window.cdp("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=scale, mobile=mobile)  # fmt: skip
            assert window.sticks_out() == [], (name, width)
            height = window.js("return document.documentElement.scrollHeight")
            window.cdp("Emulation.setDeviceMetricsOverride", width=width, height=min(height + 20, 9000), deviceScaleFactor=1, mobile=mobile)  # fmt: skip
            if folder:
                window.driver.save_screenshot(f"{folder}/{name}-{width}-{'dark' if dark else 'light'}.png")
    window.dark(on=False)
    window.wide()


def test_the_quality_page_the_report_and_the_batch_fit_a_phone(
    window: Window,
    world: Any,  # noqa: F811
    cast: dict[str, a.User],
) -> None:
    project, batch = world
    a.User.objects.filter(pk=cast["bob"].pk).update(name=LONG)
    a.Alarm.objects.create(project=project, person=cast["alice"], kind="control", question="sentiment", since=timezone.now() - timedelta(days=3), until=timezone.now())  # fmt: skip
    for item in make_items(project, 12):
        label(project, item, alice="positive", bob="positive" if item.pk % 3 else "negative")
    figures(project, full=True)
    window.sign_in(cast["dave"])
    for name, address in (("quality", "quality/"), ("report", "quality/report/"), ("batch", f"batches/{batch.pk}/"), ("home", ""), ("people", "people/"), ("cuts", "agreement/sentiment/cuts/"), ("right", "agreement/sentiment/right/"), ("items", f"items/?person={cast['alice'].pk}&role=work&gave=skipped")):  # fmt: skip
        window.open(f"/p/{project.slug}/{address}")
        pictures(window, name)
    # On a phone a row of people is a card: each number has its name before it.
    window.open(f"/p/{project.slug}/quality/")
    window.phone()
    shown = window.js("""return [...document.querySelectorAll("section[aria-labelledby=people-title] tbody td")]
        .map((cell) => [getComputedStyle(cell).display, getComputedStyle(cell, "::before").content])""")
    assert shown
    assert all(display == "block" and content not in ("none", '""') for display, content in shown)
    assert batching.labellers(project=project, names=["bob"]) == [member(project, cast["bob"])]

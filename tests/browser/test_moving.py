"""A manager drops another tool's export, sees what was found, renames an annotator and gets a project."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from annotation import models as a
from annotation import tasks
from tests.annotation.test_moving import CONFIG
from tests.annotation.test_moving import tasks as exported
from tests.browser.pages import Window
from tests.conftest import make_project

pytestmark = pytest.mark.browser


def pictures(window: Window, name: str) -> None:
    """At both widths, light and dark, where SHOTS names a folder; nothing sticks out and nothing is at fault."""
    folder = os.environ.get("SHOTS")
    for size in ("wide", "phone"):
        getattr(window, size)()
        assert window.sticks_out() == [], (name, size)
        assert window.faults() == [], (name, size)
        for dark in (False, True) if folder else ():
            window.dark(on=dark)
            window.driver.save_screenshot(f"{folder}/{name}-{size}-{'dark' if dark else 'light'}.png")
        window.dark(on=False)
    window.wide()


def test_an_export_is_dropped_looked_at_and_brought_in(window: Window, cast: dict[str, a.User], tmp_path: Path) -> None:
    make_project(cast)
    for name, content in (("tasks.json", json.dumps(exported())), ("config.xml", CONFIG)):
        (tmp_path / name).write_text(content)
    window.sign_in(cast["dave"])
    window.open("/projects/new/")
    window.follow("a[href='/moves/']")
    pictures(window, "moves")
    field: Any = window.find("#files")
    field.send_keys(f"{tmp_path / 'tasks.json'}\n{tmp_path / 'config.xml'}")
    window.follow("form .primary")
    assert "What was found" in window.find("h1").text
    assert window.path.startswith("/moves/")
    pictures(window, "move")
    window.find("#name").send_keys("News")
    window.find("[name=person_0]").send_keys("Ann")
    window.follow("form .primary")
    row = a.Import.objects.get(project__name="News")
    assert tasks.run_import(row.pk)
    row.refresh_from_db()
    assert (row.state, row.report["annotators"]) == ("done", ["Ann", "ben@x.org", "tasks"])

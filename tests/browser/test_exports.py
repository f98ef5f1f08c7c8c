"""Exports in the browser: choose, export, wait for the worker, download what was promised; and the page of a data set."""

import hashlib
from typing import Any

import pytest
from django.test import Client

from annotation import models as a
from evaluation import models as e
from evaluation import tasks
from tests.browser.pages import Window
from tests.browser.test_quality import pictures
from tests.conftest import LABELS
from tests.evaluation.worlds import freeze, make_texts

pytestmark = pytest.mark.browser


def see(window: Window, words: str) -> None:
    """Wait until the page says this."""
    window.until(lambda: words in window.words(), words)


def test_a_manager_exports_with_test_gold_and_downloads_the_file(
    window: Window, project: a.Project, cast: dict[str, a.User], settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    make_texts(project, 30, labels=LABELS)
    version = freeze(project, change_note="The first.")
    assert version.state == "done", version.message
    window.sign_in(cast["dave"])
    window.open(f"/p/{project.slug}/exports/?version={version.pk}")
    pictures(window, "exports-empty")
    window.click("input[name=format][value=huggingface]")
    window.click("input[name=test_gold]")
    window.follow("main form.form button.primary")
    see(window, "a reason is needed")
    window.expected.append("400 (Bad Request)")
    window.type("textarea[name=why]", "For the paper of the spring")
    window.follow("main form.form button.primary")
    see(window, "waits for a free worker")
    row = e.Export.objects.get()
    pictures(window, "export-queued")
    assert tasks.run_export(row.pk)
    see(window, "Download")
    pictures(window, "export-done")
    row.refresh_from_db()
    see(window, row.checksum)
    # The browser's own download goes to a folder of its own; the same request with the same right gives the bytes.
    href = window.js("return document.querySelector('a[download]').getAttribute('href')")
    client = Client()
    client.force_login(cast["dave"])
    data = b"".join(client.get(href).streaming_content)
    assert hashlib.sha256(data).hexdigest() == row.checksum
    window.open(f"/p/{project.slug}/exports/")
    see(window, "For the paper of the spring")
    pictures(window, "exports")
    window.open(f"/p/{project.slug}/datasets/{version.dataset_id}/")
    see(window, "questions of the datasheet are not answered")
    window.type("input[name=licence]", "CC-BY-4.0")
    window.follow("main form.form button.primary")
    see(window, "Saved.")
    assert e.Dataset.objects.get().licence == "CC-BY-4.0"
    pictures(window, "dataset")
    window.open(f"/p/{project.slug}/versions/{version.pk}/")
    pictures(window, "version-export")

"""What the labelling page weighs over the wire, compressed, with all that it loads; and what a further item adds."""

import gzip
import json
import re
from pathlib import Path

import brotli
import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse

from annotation import schema as schemas
from tests.annotation.worlds import sent, take
from tests.conftest import make_items, make_project, set_schema
from tests.evaluation.test_kinds_loop import KINDS, WITH

pytestmark = pytest.mark.django_db

LONG = "Net sales rose 21 % to EUR 412.5 million, well ahead of what analysts had pencilled in. 净利润同比增长。" * 8


def loaded(html: str, url: str = "/static/") -> set[str]:
    """Static files that the page and its modules name."""
    found, new = set(), set(re.findall(rf"{re.escape(url)}([\w./-]+\.(?:js|css|svg|woff2))", html))
    while new:
        found |= new
        texts = [Path(finders.find(name)).read_text(encoding="utf-8") for name in new if name.endswith((".js", ".css"))]
        new = {name for text in texts for name in re.findall(rf"{re.escape(url)}([\w./-]+)", text)} - found
    return found


def test_the_first_labelling_page_is_under_60_kb_and_a_further_item_under_10(cast, client_of):
    project = make_project(cast)
    make_items(project, [f"{place} {LONG}" for place in range(6)])
    client = client_of("alice")
    page = client.get(reverse("annotation:label", args=[project.slug]), headers={"Accept-Encoding": "gzip"})
    assert page["Content-Encoding"] == "gzip"
    files = loaded(gzip.decompress(page.content).decode())
    assert {"js/label.js", "js/outbox.js", "css/tokens.css"} <= files
    weight = len(page.content) + sum(len(gzip.compress(Path(finders.find(name)).read_bytes())) for name in files)
    assert weight < 60_000

    [slot] = take(project, cast["alice"])
    letter = sent(slot)
    body = {
        "client_id": str(letter.client_id),
        "assignment": slot.pk,
        "token": str(slot.token),
        "version": project.version.pk,
        "status": "submitted",
        "answer": {"sentiment": "positive"},
    }
    reply = client.post(
        reverse("annotation:label_submit", args=[project.slug]),
        json.dumps(body),
        content_type="application/json",
        headers={"Accept-Encoding": "gzip"},
    )
    assert reply.status_code == 200
    assert len(reply.content) < 10_000


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_page_of_every_kind_is_under_60_kb_with_all_its_parts(kind, cast, client_of):
    project = make_project(cast)
    set_schema(project, schemas.check({"questions": [{"name": "asked", "kind": kind, **KINDS[kind][0]}]}))
    make_items(project, [f"{place} {LONG}" for place in range(6)], **WITH.get(kind, {}))
    page = client_of("alice").get(reverse("annotation:label", args=[project.slug]), headers={"Accept-Encoding": "gzip"})
    files = loaded(gzip.decompress(page.content).decode())
    assert f"js/kinds/{kind}.js" in files
    others = {f"js/kinds/{other}.js" for other in KINDS} - {f"js/kinds/{kind}.js"}
    assert not files & others
    weight = len(page.content) + sum(len(brotli.compress(Path(finders.find(name)).read_bytes())) for name in files)
    assert weight < 60_000

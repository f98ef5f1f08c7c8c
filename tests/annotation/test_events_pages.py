"""Events on the pages: event by event where answers are read, agreement and submissions in words, also in Chinese."""

import re

import pytest

from annotation import jobs, measuring
from annotation import models as a
from annotation import schema as schemas
from tests.annotation.worlds import answer, bring, lease, lines
from tests.conftest import make_items, make_project, set_schema
from tests.evaluation.worlds import board_of, freeze, gold_of, submit

pytestmark = pytest.mark.django_db

HERE = "/p/sentiment/"
QUESTION = {"name": "what", "kind": "events", "title": "Events", "labels": [{"name": "merger", "title": "Merger"}, "default"], "roles": ["buyer", "target"]}  # fmt: skip
TEXT = "Acme 😀 buys <b>Beta</b> on 3 May 2024; Gamma defaulted."


def place(words):
    start = TEXT.index(words)
    return {"start": start, "end": start + len(words), "text": words}


MERGER = {
    "type": "merger", "trigger": place("buys"), "status": "expected", "date": place("3 May 2024"),
    "arguments": [{"role": "buyer", **place("Acme 😀")}, {"role": "target", **place("<b>Beta</b>")}],
}  # fmt: skip
DEFAULT = {"type": "default", "trigger": place("defaulted"), "arguments": [], "status": "negated"}


@pytest.fixture
def project(cast):
    project = make_project(cast, overlap=2)
    set_schema(project, schemas.check({"questions": [QUESTION]}))
    return project


def words(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def annotated(project, cast, *answers):
    items = make_items(project, [f"{TEXT}{' ' * n}." for n in range(len(answers))])
    for item, given in zip(items, answers, strict=True):
        for name, value in zip(("alice", "bob"), given, strict=True):
            answer(project, cast[name], lease(item, cast[name]), answer={"what": value})
    return items


def test_a_case_shows_event_by_event_and_what_not_everybody_has(project, cast, client_of):
    [item] = annotated(project, cast, ([MERGER, DEFAULT], [MERGER]))
    page = client_of("carol").get(f"{HERE}adjudicate/{a.Case.objects.get(item=item).pk}/").content.decode()
    told = "“buys” Merger buyer “Acme 😀”, target “&lt;b&gt;Beta&lt;/b&gt;”, 2024-05-03, expected"
    assert words(page).count(told) == 2
    assert "“defaulted” default did not happen not everybody" in words(page)
    assert "<b>Beta" not in page


def test_the_page_of_agreement_tells_it_in_words(project, cast, client_of):
    items = annotated(project, cast, ([MERGER, DEFAULT], [MERGER]), ([MERGER], [{**MERGER, "type": "default"}]), ([], []))  # fmt: skip
    report = measuring.refresh(version=project.version, question="what")
    jobs.run(a.AgreementReport, report.pk, measuring.work)
    response = client_of("dave").get(f"{HERE}agreement/")
    assert response.status_code == 200
    page = response.content.decode()
    for told in ("F1 of triggers with type", "F1 of arguments", "Role by role", "F1 of the triggers of such events", "Of triggers that two or more people have"):  # fmt: skip
        assert told in words(page)
    assert "<th scope=\"col\" class=\"num\">Alpha</th>" not in page  # fmt: skip
    assert f'<a href="{HERE}items/{items[0].pk}/">{items[0].pk}</a></th><td>' in page
    assert "Item Event" in words(page)
    assert f"{items[0].pk} “defaulted” default did not happen" in words(page)
    chinese = client_of("dave")
    chinese.cookies["django_language"] = "zh-hans"
    assert f"{items[0].pk} “defaulted” default 未发生" in words(chinese.get(f"{HERE}agreement/").content.decode())
    assert '<th scope="row"><bdi>buyer</bdi></th><td class="num">2</td><td class="num">1.000</td>' in page


def test_a_submission_names_its_metrics_and_what_its_confusion_sets_side_by_side(project, cast, client_of):
    rows = [{"id": f"d{n}", "text": f"{TEXT} {n}", "events": [MERGER]} for n in range(20)]
    bring(project, lines(*rows), labels="gold")
    board = board_of(freeze(project, shares={"train": 0.3, "test": 0.7}), "what")
    found = submit(board, "Tool", [{"id": key, "events": []} for key in gold_of(board)])
    for address, told, never in (
        (f"{HERE}submissions/{found.pk}/", ["F1 of arguments", "status right, of events found", "items without error", "no event", "an event stands with the one that has its trigger"], "a mark stands"),
        (f"{HERE}boards/{board.pk}/", ["F1 of arguments is the primary metric", "F1 of triggers with type"], "exact set"),
    ):  # fmt: skip
        page = words(client_of("dave").get(address).content.decode())
        for sentence in told:
            assert sentence in page
        assert never not in page
        assert "_f1" not in page
    chinese = client_of("dave")
    chinese.cookies["django_language"] = "zh-hans"
    page = words(chinese.get(f"{HERE}submissions/{found.pk}/").content.decode())
    assert "论元 F1" in page
    assert "无事件" in page

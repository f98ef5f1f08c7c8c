"""The adjudicator's desk in a browser: marks of several people laid over the text, merged, decided and sent back by keys."""

import os
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains

from annotation import adjudicating, settling
from annotation import models as a
from annotation import schema as schemas
from tests.browser.pages import Keys, Window
from tests.conftest import make_annotation, make_items, make_project, set_schema

pytestmark = pytest.mark.browser
TEXT = "Acme Corp. bought Beta in Paris. Analysts of Gamma Bank expect more deals."
RULES = "# Names\n\nMark every name once.\n\n## Organisations (ORG)\n\nBanks and firms are ORG, with the legal form: “Acme Corp.”, not “Acme”.\n\n## People\n\nNames of persons, without titles."


def mark(words: str, label: str) -> dict[str, Any]:
    start = TEXT.index(words)
    return {"start": start, "end": start + len(words), "label": label, "text": words}


def picture(window: Window, name: str) -> None:
    """Screenshots where SHOTS names a folder: a desk and a telephone, light and dark."""
    folder = os.environ.get("SHOTS")
    if not folder:
        return
    for size in ("wide", "phone"):
        getattr(window, size)()
        for dark in (False, True):
            window.dark(on=dark)
            height = window.js("return document.documentElement.scrollHeight")
            width, scale = (1440, 1) if size == "wide" else (390, 2)
            window.cdp("Emulation.setDeviceMetricsOverride", width=width, height=min(height + 20, 2600), deviceScaleFactor=scale, mobile=size == "phone")  # fmt: skip
            window.driver.save_screenshot(f"{folder}/{name}-{size}-{'dark' if dark else 'light'}.png")
    window.wide()
    window.dark(on=False)


def shift(window: Window, key: str) -> None:
    ActionChains(window.driver, duration=0).key_down(Keys.SHIFT).send_keys(key).key_up(Keys.SHIFT).perform()


def listed(window: Window) -> list[tuple[str, str]]:
    """(label, words) of the marks of the decision."""
    found = window.js(
        "return [...document.querySelectorAll('.mine-marks .entry')]"
        ".map((one) => [one.querySelector('.chip').textContent, one.querySelector('.quote').textContent])"
    )
    return [(label, words) for label, words in found]


@pytest.fixture
def project(cast: dict[str, a.User]) -> a.Project:
    project = make_project(cast, overlap=3)
    labels = [
        {"name": "ORG", "title": "Organisation", "definition": "Firms, banks, authorities; with the legal form.", "examples": ["Acme Corp."]},
        {"name": "PER", "title": "Person", "definition": "A person's name, without title."},
        {"name": "LOC", "title": "Place", "definition": "A place on a map."},
    ]  # fmt: skip
    set_schema(project, schemas.check({"questions": [{"name": "names", "kind": "spans", "labels": labels}]}))
    version = project.version
    assert version is not None
    a.GuidelineVersion.objects.filter(pk=version.pk)
    project.version = a.GuidelineVersion.objects.create(project=project, number=9, text=RULES, schema=version.schema)
    project.save()
    return project


def three_answers(project: a.Project, cast: dict[str, a.User], count: int = 1) -> list[a.Case]:
    """Cases of the same text (numbered) on which alice, bob and erin differ in ends, label and what they have."""
    items = make_items(project, [TEXT + " " * n + "." * n for n in range(count)])
    for item in items:
        given = {
            "alice": [mark("Acme Corp.", "ORG"), mark("Beta", "ORG"), mark("Paris", "LOC"), mark("Gamma Bank", "ORG")],
            "bob": [mark("Acme", "ORG"), mark("Beta", "PER"), mark("Paris", "LOC")],
            "erin": [mark("Acme Corp.", "ORG"), mark("Paris", "LOC"), mark("Gamma Bank", "ORG")],
        }
        for name, marks in given.items():
            make_annotation(item, cast[name], answer={"names": marks})
        settling.settle(project=project, version=project.version, items=[item.pk])
    return list(a.Case.objects.open().order_by("-disagreement", "key"))


def open_case(window: Window, project: a.Project, case: a.Case) -> None:
    window.open(f"/p/{project.slug}/adjudicate/{case.pk}/")
    window.ready()


def titles(window: Window) -> list[str]:
    """What stands behind the marks in the text."""
    return [str(one) for one in window.js("return [...document.querySelectorAll('#text [data-titles]')].map((one) => one.dataset.titles)")]  # fmt: skip


def test_marks_are_laid_over_each_other_merged_decided_and_the_next_case_comes_all_by_keys(window, project, cast):
    first, second = three_answers(project, cast, 2)
    window.sign_in(cast["carol"])
    open_case(window, project, first)
    # Who marked what, by letters: names are nowhere on the page.
    letters = {answer["annotator"].username: letter for answer, letter in zip(adjudicating.answers(first), "ABC", strict=True)}  # fmt: skip
    shown = titles(window)
    assert any(f"Person {letters['bob']}" in title for title in shown)
    assert any(title.startswith("Organisation ") and letters["bob"] in title for title in shown)
    assert not any(name in window.driver.page_source for name in ("alice", "bob", "erin"))
    # The rule of what is in dispute is open, without a press.
    assert "Banks and firms are ORG" in window.words()
    assert "A person's name, without title." in window.words()
    assert "A place on a map." not in window.words()
    picture(window, "case-spans")
    # Only what differs.
    assert len([row for row in window.all(".aligned tbody tr") if row.is_displayed()]) == 4
    window.press("d")
    assert len([row for row in window.all(".aligned tbody tr") if row.is_displayed()]) == 3
    window.press("d")
    assert window.faults() == []
    # Bob's whole, then what most marked, then one mark more.
    shift(window, letters["bob"].lower())
    assert listed(window) == [("Organisation", "Acme"), ("Person", "Beta"), ("Place", "Paris")]
    window.press("m")
    assert listed(window) == [("Organisation", "Acme Corp."), ("Place", "Paris"), ("Organisation", "Gamma Bank")]
    window.press("r")
    window.press(Keys.DOWN)
    assert window.js("return document.getElementById('rule').value") == "label:ORG"
    window.press(Keys.ESCAPE)
    window.press("o")
    window.js("window.left = true")
    window.press(Keys.ENTER)
    window.loaded()
    assert window.path.endswith(f"/adjudicate/{second.pk}/")
    gold = a.Gold.objects.get(item=first.item)
    assert [one["text"] for one in gold.value] == ["Acme Corp.", "Paris", "Gamma Bank"]
    assert (gold.reason, gold.rule, gold.settled_by, gold.case) == ("oversight", "label:ORG", cast["carol"], first)
    # The settled case still shows who marked what; nothing of it is edited.
    open_case(window, project, first)
    assert set(titles(window)) == set(shown)
    assert not window.all("#decision")
    assert window.faults() == []


def test_the_page_has_one_scroll_and_the_decision_stays_in_sight(window, project, cast):
    [case] = three_answers(project, cast)
    text = "\n\n".join(f"## ORG, rule {number}\n\nBanks and firms are ORG." for number in range(60))
    project.version = a.GuidelineVersion.objects.create(project=project, number=10, text=text, schema=project.version.schema)  # fmt: skip
    project.save()
    window.sign_in(cast["carol"])
    scrolls = """return [...document.querySelectorAll(".case, .decide, .rules")]
        .filter((one) => one.scrollHeight > one.clientHeight + 1 && getComputedStyle(one).overflowY !== "visible").length"""
    settle = "const box = document.querySelector('#decision .primary').getBoundingClientRect(); return box.top > 0 && box.bottom < innerHeight"
    for width, height in ((1440, 900), (1200, 900), (1440, 560)):
        window.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        open_case(window, project, case)
        assert window.js(scrolls) == 0
        window.js("scrollTo(0, 1100)")
        window.until(lambda: window.js(settle), f"the decision is out of sight at {width} x {height}")
    window.phone()
    open_case(window, project, case)
    assert window.faults() == []


def test_where_the_answers_agree_no_reason_is_asked_for(window, cast):
    project = make_project(cast, agreed_percent=100)
    [item] = make_items(project, 1)
    for name in ("alice", "bob"):
        make_annotation(item, cast[name], "positive")
    settling.settle_all(project=project)
    [case] = a.Case.objects.open()
    window.sign_in(cast["carol"])
    open_case(window, project, case)
    assert window.faults() == []
    window.press("1")
    window.js("window.left = true")
    window.press(Keys.ENTER)
    window.loaded()
    assert a.Gold.objects.get().reason == ""


def test_an_ambiguous_text_keeps_how_the_answers_spread(window, cast):
    project = make_project(cast, overlap=3)
    [item] = make_items(project, 1)
    for name, value in (("alice", "positive"), ("bob", "neutral"), ("erin", "positive")):
        make_annotation(item, cast[name], value)
    settling.settle_all(project=project)
    case = a.Case.objects.get()
    window.sign_in(cast["carol"])
    open_case(window, project, case)
    picture(window, "case-choice")
    window.press("y")
    window.js("window.left = true")
    window.press(Keys.ENTER)
    window.loaded()
    gold = a.Gold.objects.get()
    assert (gold.value, gold.reason) == ("positive", "ambiguous")
    assert gold.distribution == [{"value": "positive", "n": 2}, {"value": "neutral", "n": 1}]


def test_a_case_is_sent_back_by_keys_and_its_people_revise(window, cast):
    project = make_project(cast)
    [item] = make_items(project, ["Profit rose; the outlook is grim."])
    for name, value in (("alice", "positive"), ("bob", "negative")):
        make_annotation(item, cast[name], value)
    settling.settle_all(project=project)
    case = a.Case.objects.get()
    window.sign_in(cast["carol"])
    open_case(window, project, case)
    window.press("b")
    window.until(lambda: window.shown("#back-dialog"), "no dialog opens")
    assert window.faults() == []
    picture(window, "send-back")
    window.press("Does the outlook count?")
    window.js("window.left = true")
    ActionChains(window.driver, duration=0).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    window.loaded()
    assert "Sent back." in window.words()
    assert "No case waits" in window.words()
    # Bob finds his own answer and the question, and changes it with one key.
    window.stranger()
    window.sign_in(cast["bob"])
    window.label(project)
    assert "Does the outlook count?" in window.text("#again")
    assert window.js("return document.querySelector('[aria-checked=true]')?.dataset.value") == "negative"
    assert "positive" not in window.text("#back-dialog")
    picture(window, "asked-again")
    window.press("2")
    window.saved()
    row = a.Annotation.objects.get(annotator=cast["bob"])
    assert (row.answer, row.independent) == ({"sentiment": "neutral"}, False)
    assert [old.answer["sentiment"] for old in row.revisions.all()][-1:] == ["neutral"]


def test_a_rule_is_named_and_a_remark_sent_by_keys_and_neither_decides(window, cast):
    project = make_project(cast)
    schema = schemas.check({"questions": [{"name": "sentiment", "kind": "choice", "labels": [{"name": name} for name in "abcd"]}]})  # fmt: skip
    project.version = a.GuidelineVersion.objects.create(project=project, number=9, text="# Rules\n\n4.2 Firms first.", schema=schema)  # fmt: skip
    project.save()
    [item] = make_items(project, ["Profit rose; the outlook is grim."])
    for name, value in (("alice", "a"), ("bob", "b")):
        make_annotation(item, cast[name], value)
    settling.settle_all(project=project)
    case = a.Case.objects.get()
    window.sign_in(cast["carol"])
    open_case(window, project, case)
    window.press("q")
    window.press("Which rule is it?")
    window.js("window.left = true")
    ActionChains(window.driver, duration=0).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    window.loaded()
    window.ready()
    assert a.CaseRemark.objects.get().text == "Which rule is it?"
    window.press("2")
    window.press("o")
    window.press("r")
    window.press("4.2")
    assert window.js("return document.querySelector('input[name=value]:checked').value") == "b"
    assert window.js("return document.getElementById('rule-number').value") == "4.2"
    window.press(Keys.ENTER)
    assert not a.Gold.objects.exists()
    window.js("window.left = true")
    window.press(Keys.ENTER)
    window.loaded()
    gold = a.Gold.objects.get()
    assert (gold.value, gold.rule) == ("b", "rule:4.2")


def test_events_that_differ_in_their_status_alone_are_told_whole_and_apart(window, cast):
    project = make_project(cast)
    roles = ["buyer: merger", "target: merger"]
    set_schema(project, schemas.check({"questions": [{"name": "events", "kind": "events", "labels": ["merger"], "roles": roles}]}))  # fmt: skip
    [item] = make_items(project, [TEXT])
    filled = [{"role": role, "start": one["start"], "end": one["end"], "text": one["text"]} for role, one in (("buyer", mark("Acme Corp.", "")), ("target", mark("Beta in Paris. Analysts of Gamma Bank", "")))]  # fmt: skip
    trigger = {name: value for name, value in mark("bought", "").items() if name != "label"}
    for name, status in (("alice", "actual"), ("bob", "expected")):
        make_annotation(item, cast[name], answer={"events": [{"type": "merger", "trigger": trigger, "arguments": filled, "status": status}]})  # fmt: skip
    settling.settle_all(project=project)
    window.sign_in(cast["carol"])
    open_case(window, project, a.Case.objects.get())
    told = [entry.text for entry in window.all(".said .quote")]
    assert sorted(line.rsplit(" · ", 1)[1] for line in told) == ["expected", "happened"]
    assert window.js(
        "return [...document.querySelectorAll('.said .quote')].every((one) => one.scrollWidth <= one.clientWidth)"
    )
    assert window.faults() == []


def test_the_report_and_the_queue_are_looked_at(window, cast):
    project = make_project(cast, second_percent=100)
    for item in make_items(project, 4):
        make_annotation(item, cast["alice"], "positive")
        make_annotation(item, cast["bob"], "negative")
    settling.settle_all(project=project)
    for case in list(a.Case.objects.open())[:3]:
        adjudicating.decide(
            case=case,
            value="positive",
            user=cast["carol"],
            reason="guideline",
            rule="label:positive",
            note="A rise is good.",
        )
    for case in a.Case.objects.open().filter(why="second")[:2]:
        adjudicating.decide(case=case, value="positive", user=cast["dave"], reason="oversight")
    window.sign_in(cast["carol"])
    for path in ("adjudicate/", "adjudicate/causes/", "adjudicate/decided/?rule=label:positive"):
        window.open(f"/p/{project.slug}/{path}")
        assert window.faults() == []
        picture(window, path.split("?")[0].strip("/").replace("/", "-"))
    assert "A rise is good." in window.words()

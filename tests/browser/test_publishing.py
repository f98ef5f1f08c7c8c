"""A guideline is published and people label again: the plan on the page, what changed told, kept answers filled in."""

import pytest

from annotation import measuring
from annotation import models as a
from annotation import publishing as domain
from tests.annotation.worlds import answer, lease
from tests.browser.pages import Keys, Window
from tests.conftest import make_items, make_project

pytestmark = pytest.mark.browser

TONE = {"name": "tone", "title": "Tone", "labels": ["calm", "loud"]}
OLD = {"name": "sentiment", "title": "Sentiment", "labels": ["negative", "neutral", "positive"]}
NEW = {"name": "sentiment", "title": "Sentiment", "labels": [{"name": "negative"}, {"name": "good", "definition": "Good for holders."}, {"name": "mixed"}]}  # fmt: skip


@pytest.fixture
def two(site: str, cast: dict[str, a.User]) -> a.Project:
    """Alice and bob have labelled three items under version 2; a draft renames one label and drops another."""
    project = make_project(cast, slug="two", overlap=2)
    _save(project, "# Rules\n\nJudge the price.", OLD, TONE)
    domain.publish(project=project, user=cast["dave"], change_note="Two questions.")
    project.refresh_from_db()
    a.Membership.objects.filter(project=project).update(told=2)
    items = make_items(project, ["Profit of Acme rose.", "Sales of Acme were flat.", "The board met in May."])
    for item, said in zip(items, ("positive", "neutral", "positive"), strict=True):
        for name in ("alice", "bob"):
            answer(project, cast[name], lease(item, cast[name]), answer={"sentiment": said, "tone": "calm"})
    _save(project, "# Rules\n\nJudge the news for holders.", NEW, TONE)
    return project


def _save(project: a.Project, text: str, *questions: dict) -> None:
    domain.save_draft(project=project, text=text, schema={"questions": list(questions)}, user=None)


def test_publish_with_map_and_ask_again_then_label_again(window: Window, two: a.Project, cast: dict[str, a.User]):
    window.sign_in(cast["dave"])
    window.open(f"/p/{two.slug}/guideline/publish/")
    assert window.faults() == []
    # Both labels are gone from the draft; what becomes of one is said, the other's items are asked again.
    window.choose("select[name=plan-0-label-2]", "=good")
    window.type("#change_note", "Good is what is good for holders.")
    window.follow("button[value=preview]")
    words = window.words()
    assert "4\nanswers go on under new labels" in words
    assert "1\nitems are asked again" in words
    assert window.faults() == []
    window.click("button[value=publish]")
    window.js("window.left = true")
    window.click("dialog button[value=yes]")
    window.loaded()
    two.refresh_from_db()
    assert two.version is not None
    assert two.version.number == 3
    [asked] = a.Item.objects.filter(assignments__state="assigned").distinct()
    assert asked.text == "Sales of Acme were flat."

    for name in ("alice", "bob"):
        window.sign_in(cast[name])
        window.label(two)
        window.until(lambda: window.shown("#told-dialog"), "what changed is not told")
        told = window.text("#told-dialog")
        assert "Good is what is good for holders." in told
        assert "asked again" in told
        assert window.faults() == []
        window.press(Keys.ESCAPE)
        assert window.shown("#told-dialog")
        window.press(Keys.ENTER)
        window.until(lambda: not window.shown("#told-dialog"), "it does not close")
        assert window.item() == "Sales of Acme were flat."
        # That key was the dialog's alone.
        assert "has no answer yet" not in window.words()
        # The tone is filled in from before; the sentiment is asked anew.
        assert window.shown("[data-question=tone] [aria-checked=true][data-value=calm]")
        assert not window.all("[data-question=sentiment] [aria-checked=true]")
        window.rest()
        window.click("[data-question=sentiment] [data-value=mixed]")
        window.press(Keys.ENTER)
        window.saved()
        window.label(two)
        assert not window.all("#told-dialog")

    rows = a.Annotation.objects.submitted().filter(item=asked)
    assert {(row.answer["sentiment"], row.answer["tone"], row.guideline_version) for row in rows} == {("mixed", "calm", two.version)}  # fmt: skip
    figures = measuring.measure(project=two, question="sentiment", version=two.version, draws=50)
    assert (figures["guideline_version"], figures["n_units"]) == (3, 3)
    window.sign_in(cast["dave"])
    window.open(f"/p/{two.slug}/guideline/")
    window.follow(f"a[href='/p/{two.slug}/guideline/published/{two.version.publications.get().pk}/']")
    assert "2 of 2 are in; 2 say something else." in window.words()
    assert window.faults() == []


@pytest.mark.parametrize("phone", [False, True])
def test_versions_are_read_side_by_side_and_on_a_phone(window: Window, two: a.Project, cast: dict[str, a.User], phone):
    if phone:
        window.phone()
    window.sign_in(cast["dave"])
    window.open(f"/p/{two.slug}/guideline/compare/?old=2&new=draft")
    assert window.faults() == []
    words = window.words()
    assert "Good for holders." in words
    boxes = window.js("return [...document.querySelectorAll('.prose-apart .apart-row:last-child > .side')].map(one => one.getBoundingClientRect().top)")  # fmt: skip
    assert (boxes[0] == boxes[1]) is not phone

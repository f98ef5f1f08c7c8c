"""Hostile words in every place of the labelling page, and words that run from right to left: only shown, never acted on."""

from typing import Any

import pytest

from annotation import models as a
from annotation import schema as schemas
from tests.browser.pages import Keys, Window
from tests.conftest import make_items, set_schema

pytestmark = pytest.mark.browser
SCRIPT = "</button><script>window.hurt = 1</script><img src=x onerror='window.hurt = 1'>"
# Blanks, a bell and an escape, a bidi override that is never closed, and five thousand characters without a place to break.
TEXT = f"{SCRIPT} \a\x1b[31m \u202eevil \u2066 {{{{ 7*7 }}}} " + "W" * 5000 + " &lt;b&gt; 𠮷é👩🏽‍💻"
LONG = "长" * 30 + "W" * 30
QUESTIONS: list[dict[str, Any]] = [
    {"name": "one", "title": f"{SCRIPT} {LONG}", "labels": [{"name": SCRIPT[:60], "title": SCRIPT}, {"name": LONG, "title": LONG * 2, "definition": SCRIPT}]},
    {"name": "several", "kind": "choices", "labels": [{"name": "</li><script>hurt()</script>"}, LONG]},
    {"name": "number", "kind": "score", "min": 0, "max": 100, "low": SCRIPT[:60], "high": LONG},
    {"name": "ratings", "kind": "rubric", "each": True, "criteria": [f"a | {SCRIPT} | {SCRIPT}", f"b | {LONG}"], "scale": [f"1 | {SCRIPT[:60]}", f"2 | {LONG}"]},
    {"name": "better", "kind": "preference", "strength": [SCRIPT[:60], LONG]},
    {"name": "words", "kind": "text", "required": False},
    {"name": "names", "kind": "spans", "labels": [SCRIPT[:60], LONG], "required": False},
]  # fmt: skip


def unhurt(window: Window) -> None:
    """Nothing ran, nothing was taken for markup, nothing sticks out."""
    assert window.js("return window.hurt ?? null") is None
    assert (
        window.js("return document.querySelectorAll('main script:not([type=\"application/json\"]), main img').length")
        == 0
    )
    assert window.sticks_out() == []


def test_hostile_words_change_nothing_but_their_own_display(window, project, cast):
    set_schema(project, schemas.check({"questions": QUESTIONS}))
    candidates = [{"name": "a", "text": TEXT, "model": SCRIPT}, {"name": "b", "text": "\u202e" + "W" * 5000}]
    more = {"title": SCRIPT, "issuer": "\u202e" + LONG, "source_type": SCRIPT[:40], "reference": TEXT}
    first, _second = make_items(project, [TEXT, f"{TEXT} again"], candidates=candidates, **more)
    window.sign_in(cast["alice"])
    window.open("/")
    window.label(project)
    window.rest()
    shown = window.item()
    assert shown in (TEXT, f"{TEXT} again")
    unhurt(window)
    for key in "g?b":
        window.press(key)
        window.until(lambda: window.all("dialog[open]"), "no dialog opens")
        unhurt(window)
        window.press(Keys.ESCAPE)
    window.js("""
        for (const css of ["[data-question=one] [data-value]", "[data-question=several] [data-value]", "[data-question=better] [data-value]", "[data-strength]"]) document.querySelector(css).click();
        for (const line of document.querySelectorAll("[data-criterion]")) line.querySelector("[data-value]").click();
    """)  # fmt: skip
    window.type("[data-question=number] .number", "40")
    window.type("[data-question=words] textarea", SCRIPT)
    unhurt(window)
    window.phone()
    unhurt(window)
    window.wide()
    window.js("document.querySelector('[data-do=save]').click()")
    window.until(lambda: window.item() != shown, "the next item does not come")
    window.saved()
    given = a.Annotation.objects.get(status="submitted")
    assert given.item.text == shown
    assert given.answer["one"] == SCRIPT[:60]
    assert given.answer["words"] == SCRIPT
    window.rest()
    window.press("b")
    window.until(lambda: window.all("#mine button"), "the list stays empty")
    unhurt(window)
    window.sign_in(cast["dave"])
    for path in ("guideline/", "guideline/edit/", "items/", f"items/{first.pk}/"):
        window.open(f"/p/{project.slug}/{path}")
        assert window.js("return window.hurt ?? null") is None
        assert window.sticks_out() == [], path


def test_words_from_right_to_left_are_shown_so_and_marked_where_they_stand(window, project, cast):
    set_schema(project, schemas.check({"questions": [{"name": "names", "kind": "spans", "labels": ["ORG", "NUM"]}]}))
    text = "أعلنت شركة Acme Corp أرباحا بلغت 12.5 مليون دولار.\nSecond line in English (and a number, 7)."
    make_items(project, [text], language="ar", title="شركة Acme")
    window.sign_in(cast["alice"])
    window.label(project)
    window.rest()
    look = "const one = getComputedStyle(document.querySelector(arguments[0])); return [one.direction, one.unicodeBidi]"
    assert window.js(look, "#text")[0] == "rtl"
    assert window.js("return document.getElementById('text').lang") == "ar"
    assert window.js("return document.getElementById('title').dir") == "auto"
    # The labels beside it stay in the direction of the page.
    assert window.js(look, "#answers")[0] == "ltr"
    window.js("document.getElementById('text').focus()")
    # Where words run from right to left, the next one stands on the left.
    window.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert window.js("return getSelection().toString()") == "Acme"
    window.press("1", Keys.ESCAPE)
    window.press(Keys.ENTER)
    window.saved()
    [mark] = a.Annotation.objects.get(status="submitted").answer["names"]
    assert (mark["text"], text[mark["start"] : mark["end"]]) == ("Acme", "Acme")

"""Marks in the text in a browser: by keys, mouse and finger, exact with emoji, Chinese and long texts."""

from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains

from annotation import companies, settling
from annotation import models as a
from annotation import schema as schemas
from tests.browser.pages import Keys, Window
from tests.conftest import make_items, make_project, set_schema

pytestmark = pytest.mark.browser
SHIFT, ALT, RIGHT, LEFT = Keys.SHIFT, Keys.ALT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT
SPANS = {"name": "names", "kind": "spans", "labels": ["ORG", "PER", "LOC"]}


@pytest.fixture
def project(cast: dict[str, a.User]) -> a.Project:
    return make_project(cast)


def ask(project: a.Project, **settings: Any) -> None:
    set_schema(project, schemas.check({"questions": [{**SPANS, **settings}]}))


def open_as_alice(window: Window, project: a.Project, cast: dict[str, a.User], *texts: str, **fields: Any) -> Window:
    # Items come in any order; with one text there is one to see, and the second that follows is known.
    make_items(project, list(texts), **fields)
    window.sign_in(cast["alice"])
    window.label(project)
    return window


def chord(window: Window, key: str, *held: str) -> None:
    """A key with others held down."""
    actions = ActionChains(window.driver, duration=0)
    for one in held:
        actions.key_down(one)
    actions.send_keys(key)
    for one in held:
        actions.key_up(one)
    actions.perform()


def selected(window: Window) -> str:
    return str(window.js("return getSelection().toString()"))


def listed(window: Window) -> list[tuple[str, str]]:
    """(label, words) of the marks as the list beside the text has them."""
    found = window.js(
        "return [...document.querySelectorAll('.mine-marks .entry')]"
        ".map((one) => [one.querySelector('.chip').textContent, one.querySelector('.quote').textContent])"
    )
    return [(label, words) for label, words in found]


def drag(window: Window, start: int, end: int) -> None:
    """With the mouse from one place of the text to another, in UTF-16 units."""
    box = """
        const walker = document.createTreeWalker(document.getElementById('text'), NodeFilter.SHOW_TEXT);
        let left = arguments[0];
        for (let node; (node = walker.nextNode());) {
          if (left <= node.length) {
            const range = document.createRange();
            const last = arguments[1];
            const at = last ? Math.max(0, left - 1) : Math.min(left, node.length - 1);
            range.setStart(node, at); range.setEnd(node, Math.min(node.length, at + 1));
            const rects = range.getClientRects();
            const rect = rects[rects.length - 1];
            return [last ? rect.right - 1 : rect.left + 1, rect.top + rect.height / 2];
          }
          left -= node.length;
        }
    """
    (x, y), (to_x, to_y) = window.js(box, start, False), window.js(box, end, True)
    for kind, px, py in (("mousePressed", x, y), ("mouseMoved", to_x, to_y), ("mouseReleased", to_x, to_y)):
        window.cdp("Input.dispatchMouseEvent", type=kind, x=px, y=py, button="left", buttons=0 if kind == "mouseReleased" else 1, clickCount=1)  # fmt: skip


def stored() -> list[Any]:
    rows = a.Annotation.objects.filter(status="submitted").order_by("pk")
    return [row.answer["names"] for row in rows]


def save(window: Window) -> None:
    window.press(Keys.ENTER)
    window.saved()


def mark(text: str, quote: str, label: str, **more: Any) -> dict[str, Any]:
    start = text.index(quote)
    return {"start": start, "end": start + len(quote), "label": label, "text": quote, **more}


def test_words_are_marked_by_keys_alone(window, project, cast):
    ask(project)
    text = "Acme Corp. bought Beta in Paris."
    alice = open_as_alice(window, project, cast, text)
    alice.press(RIGHT)
    assert selected(alice) == "Acme"
    chord(alice, RIGHT, SHIFT)
    chord(alice, RIGHT, SHIFT)
    assert selected(alice) == "Acme Corp."
    alice.press("1")
    assert listed(alice) == [("ORG", "Acme Corp.")]
    # One word less, and by a character.
    chord(alice, LEFT, SHIFT)
    assert listed(alice) == [("ORG", "Acme Corp")]
    alice.press(RIGHT, RIGHT, RIGHT)
    assert selected(alice) == "Beta"
    alice.press("2", "1")  # the label is put right while the mark is in hand
    assert listed(alice) == [("ORG", "Acme Corp"), ("ORG", "Beta")]
    alice.press(RIGHT, RIGHT, "3", RIGHT, "2")
    assert listed(alice)[2:] == [("LOC", "Paris"), ("PER", ".")]
    alice.press(Keys.DELETE)
    assert len(listed(alice)) == 3
    alice.press("u")
    assert len(listed(alice)) == 4
    chord(alice, "u", SHIFT)
    assert len(listed(alice)) == 3
    alice.press(",", Keys.DELETE)
    save(alice)
    assert stored() == [[mark(text, "Acme Corp", "ORG"), mark(text, "Beta", "ORG")]]


def test_an_untouched_item_says_that_nothing_is_to_be_marked(window, project, cast):
    ask(project)
    alice = open_as_alice(window, project, cast, "Nothing here.")
    save(alice)
    assert stored() == [[]]


def test_the_mouse_snaps_to_words_and_a_brush_marks_at_once(window, project, cast):
    ask(project)
    text = "Deutsche Bank met Goldman Sachs in New York."
    alice = open_as_alice(window, project, cast, text)
    drag(alice, 2, 11)
    assert selected(alice) == "Deutsche Bank"
    alice.click("[data-value=ORG]")
    alice.press(Keys.ESCAPE)
    alice.click("[data-value=ORG]")
    assert "Draw over the words" in alice.text(".marking-help")
    drag(alice, text.index("oldman"), text.index("achs") + 2)
    assert listed(alice) == [("ORG", "Deutsche Bank"), ("ORG", "Goldman Sachs")]
    # A click on a mark takes it in hand; the next larger one by the next click.
    alice.click("[data-value=ORG]")
    alice.press("3")
    drag(alice, text.index("New"), text.index("York") + 3)
    alice.press(Keys.ESCAPE)
    save(alice)
    assert stored() == [
        [mark(text, "Deutsche Bank", "ORG"), mark(text, "Goldman Sachs", "ORG"), mark(text, "New York", "LOC")]
    ]


def test_offsets_are_code_points_with_emoji_rare_characters_and_line_ends(window, project, cast):
    ask(project)
    text = "🚀🚀 𠮷野家 opened in 東京 👩‍👩‍👧.\nZoë Müller e\u0301 left 🇨🇳 Bank."
    text = a.Document(text=text).text
    alice = open_as_alice(window, project, cast, text, language="ja")
    units = len("🚀🚀 ".encode("utf-16-le")) // 2
    drag(alice, units, units + len("𠮷野家".encode("utf-16-le")) // 2)
    assert selected(alice) == "𠮷野家"
    alice.press("1")
    start = len(text[: text.index("Zoë")].encode("utf-16-le")) // 2
    drag(alice, start - 4, start + 10)  # over the line end
    assert selected(alice).replace("\r", "").replace("\n", "").endswith("Zoë Müller")
    alice.press("2")
    start = len(text[: text.index("Bank")].encode("utf-16-le")) // 2
    drag(alice, start, start + 4)
    alice.press("1")
    save(alice)
    [marks] = stored()
    assert [text[one["start"] : one["end"]] for one in marks] == [one["text"] for one in marks]
    assert marks[0]["text"] == "𠮷野家"
    assert marks[2]["text"] == "Bank"


def test_chinese_goes_by_characters_and_by_words_with_alt(window, project, cast):
    ask(project)
    text = "携程曾发公告称百度抛售持股。"
    alice = open_as_alice(window, project, cast, text, language="zh")
    alice.press(RIGHT)
    assert selected(alice) == "携"
    chord(alice, RIGHT, SHIFT)
    assert selected(alice) == "携程"
    alice.press("1")
    for _n in range(5):
        alice.press(RIGHT)
    chord(alice, RIGHT, ALT)
    assert selected(alice) == "百度"
    alice.press("1")
    save(alice)
    assert stored() == [[mark(text, "携程", "ORG"), mark(text, "百度", "ORG")]]


def test_marks_nest_overlap_and_come_back(window, project, cast):
    ask(project)
    text = "The Bank of New York Mellon said so."
    alice = open_as_alice(window, project, cast, text, "Another item.")
    if alice.item() != text:
        alice.press(Keys.ENTER)
        alice.next_item("Another item.")
    drag(alice, 4, 27)
    alice.press("1", Keys.ESCAPE)
    drag(alice, 12, 20)
    alice.press("3", Keys.ESCAPE)
    lanes = alice.js("return [...document.querySelectorAll('.marked')].map((one) => [one.firstChild.data, getComputedStyle(one).backgroundImage.split('gradient').length - 1])")  # fmt: skip
    assert [[words, layers] for words, layers in lanes] == [["Bank of ", 1], ["New York", 2], [" Mellon", 1]]
    save(alice)
    alice.rest()
    both = [mark(text, "Bank of New York Mellon", "ORG"), mark(text, "New York", "LOC")]
    assert both in stored()
    # The last answer again, as it was stored.
    alice.press("b")
    alice.until(lambda: alice.shown("#mine button"))
    buttons = alice.all("#mine button")
    next(one for one in buttons if "Mellon" in one.text).click()
    alice.until(lambda: listed(alice) == [("ORG", "Bank of New York Mellon"), ("LOC", "New York")])


def test_overlap_can_be_refused_in_words(window, project, cast):
    ask(project, overlap=False)
    alice = open_as_alice(window, project, cast, "Bank of New York")
    drag(alice, 0, 16)
    alice.press("1", Keys.ESCAPE)
    drag(alice, 8, 16)
    alice.press("3")
    assert "may not overlap" in alice.text(".marking-help")
    assert listed(alice) == [("ORG", "Bank of New York")]


def test_parts_and_relations(window, project, cast):
    ask(project, discontinuous=True, relations=["works for: PER > ORG"])
    text = "High and low earners of Acme: Ann."
    alice = open_as_alice(window, project, cast, text)
    alice.press(RIGHT, "2", "+")
    drag(alice, text.index("earners"), text.index("earners") + 7)
    assert listed(alice) == [("PER", "High … earners")]
    drag(alice, text.index("Acme"), text.index("Acme") + 4)
    alice.press("1")
    alice.press(",")
    alice.choose("[data-focus=relation]", "works for")
    alice.js("const to = document.querySelector('[data-focus=relation-to]'); to.selectedIndex = 1; to.dispatchEvent(new Event('change'))")  # fmt: skip
    assert "works for → Acme" in alice.text(".mine-marks .more")
    alice.js("document.getElementById('text').focus()")
    save(alice)
    earners = text.index("earners")
    assert stored() == [
        [
            {"start": 0, "end": earners + 7, "label": "PER", "text": "High and low earners", "parts": [[0, 4], [earners, earners + 7]], "relations": [{"type": "works for", "to": 1}]},
            mark(text, "Acme", "ORG"),
        ]
    ]  # fmt: skip


def test_keys_go_to_the_marks_while_words_are_selected_and_to_the_other_question_else(window, project, cast):
    tone = {"name": "tone", "labels": ["up", "down"]}
    set_schema(project, schemas.check({"questions": [SPANS, tone]}))
    text = "Acme bought Beta."
    alice = open_as_alice(window, project, cast, text)
    alice.press(RIGHT, "1", RIGHT, RIGHT, "1")  # both are marks, though the other question has no answer yet
    assert listed(alice) == [("ORG", "Acme"), ("ORG", "Beta")]
    alice.press(Keys.ESCAPE, "2")
    assert alice.js("return document.querySelector('[data-question=tone] [aria-checked=true]').dataset.value") == "down"
    assert len(listed(alice)) == 2
    save(alice)
    assert a.Annotation.objects.get(status="submitted").answer == {
        "names": [mark(text, "Acme", "ORG"), mark(text, "Beta", "ORG")], "tone": "down",
    }  # fmt: skip


def test_a_mark_is_linked_with_a_company_by_typing(window, project, cast):
    ask(project, linked=["ORG"])
    rows = [{"key": key, "name": name, "ticker": key.upper(), "lei": "", "aliases": []} for key, name in (("aapl", "Apple Inc."), ("apx", "Apex Corp"), ("db", "Deutsche Bank"))]  # fmt: skip
    companies.load(project=project, rows=list(enumerate(rows)))
    text = "Apple met Deutsche Bank."
    alice = open_as_alice(window, project, cast, text)
    alice.press(RIGHT, "1")
    alice.js("document.querySelector('[data-focus=company]').focus()")
    alice.press("a", "p")
    alice.until(lambda: len(alice.all("[role=option]")) == 2, "nothing is offered")
    assert alice.faults() == []
    alice.press(Keys.ARROW_DOWN, Keys.ARROW_UP, Keys.ENTER)
    chosen = alice.text(".mine-marks .more")
    assert chosen in ("Apple Inc.", "Apex Corp")
    alice.press("u")
    assert alice.text(".mine-marks .more") == ""
    chord(alice, "u", SHIFT)
    save(alice)
    [[one]] = stored()
    assert one["link"] in ("aapl", "apx")
    alice.press("b")
    alice.until(lambda: alice.shown("#mine button"))
    alice.click("#mine button")
    alice.until(lambda: alice.text(".mine-marks .more") == chosen, "the name of the company is not shown")


def test_a_number_is_taken_whole_and_carries_its_value(window, project, cast):
    ask(project, numbers=["PER"])
    text = "🚀 Sales rose to $1.2 billion, 净利润 12.5亿元人民币。"
    alice = open_as_alice(window, project, cast, text)
    place = text.index("1.2") + 1  # the rocket has two UTF-16 units
    drag(alice, place, place + 3)
    alice.press("2")
    assert listed(alice) == [("PER", "$1.2 billion")]
    assert alice.text(".mine-marks .more") == "1200000000 USD"
    place = text.index("12.5") + 1
    drag(alice, place, place + 2)
    alice.press("2")
    alice.type("[data-focus=per]", "year")
    alice.press(Keys.ENTER)
    save(alice)
    assert stored() == [
        [
            mark(text, "$1.2 billion", "PER", value={"number": "1200000000", "unit": "USD"}),
            mark(text, "12.5亿元人民币", "PER", value={"number": "1250000000", "unit": "CNY", "per": "year"}),
        ]
    ]


def test_a_long_text_is_drawn_where_it_is_seen_and_searched(window, project, cast):
    ask(project)
    line = "The company said that profit of the third quarter rose by a tenth against the year before. "
    text = (line * 8 + "\n") * 150 + "At last the Needle GmbH was named."
    assert len(text) > 100_000
    alice = open_as_alice(window, project, cast, text.strip())
    assert alice.item() == text.strip()
    alice.press("l")
    alice.type("#find input", "needle gmbh")
    assert alice.text("#find output") == "1 of 1"
    alice.press(Keys.ESCAPE)
    assert selected(alice) == "Needle GmbH"
    alice.press("1")
    assert listed(alice) == [("ORG", "Needle GmbH")]
    save(alice)
    assert stored() == [[mark(text, "Needle GmbH", "ORG")]]


def test_a_finger_marks_words(window, project, cast):
    ask(project)
    window.phone()
    text = "Acme bought Beta."
    alice = open_as_alice(window, project, cast, text)
    alice.tap("[data-value=ORG]")
    place = alice.js("""
        const node = document.createTreeWalker(document.getElementById('text'), NodeFilter.SHOW_TEXT).nextNode();
        const range = document.createRange(); range.setStart(node, 13); range.setEnd(node, 14);
        const box = range.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2];
    """)
    alice.cdp("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": place[0], "y": place[1]}])
    alice.cdp("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    alice.until(lambda: listed(alice) == [("ORG", "Beta")], "the tap marks nothing")
    assert alice.faults() == []
    alice.tap("[data-do=save]")
    alice.saved()
    assert stored() == [[mark(text, "Beta", "ORG")]]


def test_hostile_words_and_labels_are_only_shown(window, project, cast):
    ask(project, labels=["<img src=x onerror=hurt()>", "b\u00ad" + "x" * 50])
    text = "<script>window.hurt = 1</script> " + "w" * 4000 + " \u202eevil\u202c <b>bold</b>"
    alice = open_as_alice(window, project, cast, text)
    alice.press(RIGHT, RIGHT)
    assert selected(alice) == "script"
    alice.press("1")
    drag(alice, 0, 5)
    alice.press("2", Keys.ESCAPE)
    assert alice.js("return window.hurt ?? null") is None
    assert alice.js("return document.querySelectorAll('#text :not(.block, .marked)').length") == 0
    assert alice.item() == text
    assert alice.sticks_out() == []
    save(alice)


def test_the_adjudicator_sees_who_marked_what_and_starts_from_the_majority(window, project, cast):
    ask(project)
    project.overlap = 3
    project.save()
    text = "Acme bought Beta in Paris."
    [item] = make_items(project, [text])
    given = {
        "alice": [mark(text, "Acme", "ORG"), mark(text, "Paris", "LOC")],
        "bob": [mark(text, "Acme", "ORG"), mark(text, "Beta", "ORG")],
        "erin": [mark(text, "Acme", "ORG"), mark(text, "Beta", "PER")],
    }
    for place, (name, marks) in enumerate(given.items()):
        slot = item.assignments.get(slot=place)
        slot.annotator, slot.state = cast[name], a.Assignment.State.DONE
        slot.save()
        a.Annotation.objects.create(
            project=project, item=item, annotator=cast[name], guideline_version=project.version,
            status="submitted", answer={"names": marks},
        )  # fmt: skip
    settling.settle(project=project, version=project.version, items=[item.pk])
    case = a.Case.objects.get()
    window.sign_in(cast["carol"])
    window.open(f"/p/{project.slug}/adjudicate/{case.pk}/")
    window.until(lambda: listed(window) == [("ORG", "Acme")], "the majority is not there")
    said = [entry.text.split("\n") for entry in window.all(".said .entry")]
    assert [row[0] for row in said] == ["✓", "+", "+", "+"]
    assert window.faults() == []
    window.click(".said li:nth-child(2) .entry")
    assert len(listed(window)) == 2
    window.click("input[name=reason]")
    window.follow("button[type=submit].primary")
    gold = a.Gold.objects.get()
    assert [one["text"] for one in gold.value] == ["Acme", "Beta"]

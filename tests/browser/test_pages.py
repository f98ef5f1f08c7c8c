"""Every page in a browser, wide and as on a telephone: nothing sticks out, nothing is unnamed, all words can be read."""

from typing import Any

import pytest
from django.test import Client

from annotation import models as a
from evaluation import models as e
from tests.browser.pages import CHECKS, Keys, Window
from tests.conftest import make_annotation, make_items
from tests.test_permissions import ALL, address, world

pytestmark = pytest.mark.browser
# Colours of words, what they stand on, and marks that are seen beside words (borders of controls, the focus, labels).
WORDS = ("ink", "muted", "gold", "good", "bad", "warn", "info")
GROUNDS = ("paper", "surface", "sunk")
MARKS = ("edge", "focus", *(f"l{number}" for number in range(9)))
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"


def pages_of(user: Any, there: dict[str, Any]) -> list[str]:
    """The addresses of all whole pages that open for this person."""
    client = Client()
    client.force_login(user)
    found = []
    for name, pattern in ALL:
        if name.startswith(("api", "schema")):  # the documents of the interface are drawn by another project's script
            continue
        path = address(name, pattern, there, there["project"].slug)
        answer = client.get(path)
        if (
            answer.status_code == 200
            and not answer.streaming
            and answer.content.lstrip()[:15].lower() == b"<!doctype html>"
        ):
            found.append(path)
    return found


@pytest.fixture
def there(site, cast) -> dict[str, Any]:
    """One of everything, with the longest words; dave, its manager, labels too."""
    there = world(cast, "first")
    project = there["project"]
    project.name = f"Sentiment {LONG}"
    project.description = f"{LONG} {LONG}"
    project.save()
    project.memberships.filter(user=cast["dave"]).update(labels=True)
    a.User.objects.filter(pk=cast["bob"].pk).update(name=LONG)
    [item, *_] = make_items(project, [f"{LONG} https://example.org/{'x' * 150} 利润{'下降' * 80}", "Short."], issuer=LONG, title=LONG)  # fmt: skip
    make_annotation(item, cast["bob"], comment=LONG * 2, flagged=True)
    a.Import.objects.filter(pk=there["import"]).update(filename=f"{LONG}.csv", report={"rows": 3, "new": 2, "refused": 1, "problems": [{"row": 2, "problem": LONG * 2}]})  # fmt: skip
    e.System.objects.update(name=LONG, description=LONG * 2)
    return there


def test_every_page_is_whole_named_and_legible_wide_and_narrow_light_and_dark(window: Window, cast, there):
    paths = pages_of(cast["dave"], there)
    assert len(paths) > 30
    window.sign_in(cast["dave"])
    faults = []
    for path in paths:
        window.wide()
        window.dark(on=False)
        window.open(path)
        if path.endswith("/label/"):
            window.ready()
        found = window.faults()
        window.dark(on=True)
        found += [f"dark: {fault}" for fault in window.js(CHECKS) if fault.startswith("contrast")]
        window.phone()
        found += [f"at 390: {fault}" for fault in window.sticks_out()]
        faults += [f"{path}: {fault}" for fault in found]
    assert not faults, "\n".join(faults)


def test_in_chinese_no_page_sticks_out_on_a_telephone(window, cast, there):
    paths = pages_of(cast["dave"], there)
    window.sign_in(cast["dave"])
    window.phone()
    window.cdp("Network.setCookie", name="django_language", value="zh-hans", url=window.base)
    faults = []
    for path in paths:
        window.open(path)
        assert window.js("return document.documentElement.lang") == "zh-hans"
        faults += [f"{path}: {fault}" for fault in window.sticks_out()]
    assert not faults, "\n".join(faults)


def test_the_doors_are_whole_named_and_legible(window, cast):
    window.phone()
    window.expected.append("404 (Not Found)")
    for path in ("/sign-in/", "/join/no-such-invitation/", "/nowhere/"):
        window.open(path)
        assert [path, *window.faults()] == [path]


def luminance(colour: str) -> float:
    """Relative luminance of #rgb or #rrggbb (WCAG 2.2)."""
    digits = colour.strip().removeprefix("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    """Contrast ratio of two colours (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(two)))
    return (light + 0.05) / (dark + 0.05)


def test_the_tokens_for_words_stand_out_from_every_ground_in_light_and_dark(window, cast):
    window.open("/sign-in/")
    names = [*WORDS, *GROUNDS, *MARKS]
    read = "const style = getComputedStyle(document.documentElement); return arguments[0].map((name) => style.getPropertyValue(`--${name}`))"
    seen = {}
    for look in ("light", "dark", "the system's dark"):
        window.dark(on=look.startswith("the system"))
        window.js("document.documentElement.dataset.theme = arguments[0]", look)
        seen[look] = dict(zip(names, window.js(read, names), strict=True))
    assert seen["dark"] == seen["the system's dark"] != seen["light"]
    faults = []
    for look, colours in seen.items():
        for ground in GROUNDS:
            for name, least in [(name, 4.5) for name in WORDS] + [(name, 3) for name in MARKS]:
                if (found := contrast(colours[name], colours[ground])) < least:
                    faults.append(f"{look}: {name} on {ground} {found:.2f}")
    assert faults == []


def test_the_focus_is_seen_wherever_the_tabulator_goes(window, cast, there):
    window.sign_in(cast["dave"])
    outlined = """
      const at = document.activeElement;
      if (at === document.body) return null;
      const marked = [at, at.closest('.choice')].some((one) => one && getComputedStyle(one).outlineStyle !== 'none' && parseFloat(getComputedStyle(one).outlineWidth) >= 2);
      return (marked ? 'seen ' : 'UNSEEN ') + at.outerHTML.slice(0, 120);
    """
    for path in ("label/", f"adjudicate/{there['case']}/", "datasets/freeze/", "members/"):
        window.open(f"/p/first/{path}")
        stops = []
        for _ in range(25):
            window.press(Keys.TAB)
            if stop := window.js(outlined):
                stops.append(stop)
        assert len(set(stops)) > 10
        assert [stop for stop in stops if stop.startswith("UNSEEN")] == []


def test_labelling_on_a_telephone_works_by_tapping(window, project, cast):
    make_items(project, 3, title=LONG)
    window.sign_in(cast["alice"])
    window.phone()
    window.label(project)
    first = window.item()
    window.tap("[data-value=neutral]")
    second = window.next_item(first)
    window.saved()
    window.tap("[data-do=skip]")
    window.until(lambda: window.shown("#skip-dialog"), "the dialog does not open")
    window.tap("[data-skip=off_topic]")
    window.next_item(second)
    window.saved()
    rows = a.Annotation.objects.order_by("pk").values_list("item__document__text", "status", "skip_reason")
    assert list(rows) == [(first, "submitted", ""), (second, "skipped", "off_topic")]
    heights = window.js("return [...document.querySelectorAll('.label[data-value]')].map((one) => one.offsetHeight)")
    assert min(heights) >= 44
    bottom = window.js("return document.querySelector('nav.keys').getBoundingClientRect().bottom")
    assert bottom <= window.js("return innerHeight") + 1

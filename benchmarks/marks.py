"""How long the browser works over texts with marks: the next item, a mark, a step of the keys, a search.

    .venv/bin/python benchmarks/marks.py [--rounds 10]

For a text of 5,000 characters with 60 marks and one of 100,000 with 600: the median and the worst time from Enter to the
next item of the same size ('assay:next', which the page measures itself, up to the frame that shows it), and from the key
to the next paint for a mark made by key, for a word further and for a word more (the browser's own event timing, in steps
of 8 ms), and to the first place found by a search. A real server process, Chromium, one thread each.
"""

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from browser import chromium, sign_in, until
from loop import Server, World
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

SIZES = {"5,000 characters, 60 marks": (5_000, 60), "100,000 characters, 600 marks": (100_000, 600)}
WORDS = "profit rose fell Acme Beta shares of the third quarter, a record; analysts of Gamma Bank said 12.5 % more.".split()  # fmt: skip
QUESTION = {"name": "names", "kind": "spans", "labels": ["ORG", "PER", "LOC", "NUM"]}
TIMING = """
window.timed = {};
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) (window.timed[entry.name] ??= []).push(entry.duration);
}).observe({ type: "event", durationThreshold: 16, buffered: false });
"""


def text_of(size: int, number: int) -> str:
    """Invented words in lines of some hundred characters."""
    parts, length, place = [f"Item {number}."], 10, number
    while length < size:
        place += 7
        word = WORDS[place % len(WORDS)]
        parts.append(word if place % 61 else word + "\n")
        length += len(parts[-1]) + 1
    return " ".join(parts)[:size].strip()


def marks_of(text: str, count: int) -> list[dict[str, Any]]:
    """That many marks over the text, every third inside the one before it."""
    step = len(text) // count
    found = {}
    for place in range(count):
        start = place * step + (3 if place % 3 == 2 else 0)
        end = start + (24 if place % 3 == 1 else 8)
        if place % 3 == 2:
            start, end = start - step, start - step + 5
        found[start, end] = {"start": start, "end": end, "label": QUESTION["labels"][place % 4], "text": text[start:end]}  # fmt: skip
    return [found[key] for key in sorted(found)]


def prepare(world: World, slug: str, size: int, count: int) -> None:
    """A project with four items of that size, each with a draft of bench0 that has the marks."""
    path = Path(world.folder) / f"{slug}.jsonl"
    texts = [text_of(size, number) for number in range(4)]
    path.write_text("".join(json.dumps({"id": str(n), "text": text}) + "\n" for n, text in enumerate(texts)))
    schema = {"questions": [QUESTION]}
    world.manage(
        "shell",
        "-c",
        f"""
from annotation import inviting, schema
from annotation.models import Guideline, GuidelineVersion, Membership, User
project = inviting.create_project(name={slug!r}, slug={slug!r}, user=None, overlap=1)
checked = schema.check({schema!r})
Guideline.objects.update_or_create(project=project, defaults=dict(text='#', schema=checked))
project.version = GuidelineVersion.objects.create(project=project, number=1, text='#', schema=checked)
project.save()
user = User.objects.filter(username='bench0').first()
Membership.objects.create(project=project, user=user, role='annotator')
""",
    )
    world.manage("import_items", str(path), "--project", slug, "--json")
    drafts = {str(n): marks_of(text, count) for n, text in enumerate(texts)}
    kept = Path(world.folder) / f"{slug}.marks.json"
    kept.write_text(json.dumps(drafts))
    world.manage(
        "shell",
        "-c",
        f"""
import json
from annotation.models import Annotation, Item, User
marks = json.load(open({str(kept)!r}))
for item in Item.objects.filter(project__slug={slug!r}).select_related('document', 'project__version'):
    Annotation.objects.create(project=item.project, item=item, annotator=User.objects.get(username='bench0'),
        guideline_version=item.project.version, status='draft', answer={{'names': marks[item.document.external_id]}})
""",
    )


def press(driver: Any, key: str, *held: str) -> None:
    actions = ActionChains(driver, duration=0)
    for one in held:
        actions.key_down(one)
    actions.send_keys(key)
    for one in held:
        actions.key_up(one)
    actions.perform()
    time.sleep(0.12)


def opened(driver: Any, base: str, slug: str) -> None:
    driver.get(f"{base}/p/{slug}/label/")
    until(lambda: driver.execute_script("return document.documentElement.dataset.ready") == "1")
    driver.execute_script(TIMING)
    time.sleep(0.3)


def told(name: str, values: list[float]) -> None:
    if values:
        print(
            f"  {name}: median {statistics.median(values):.1f} ms, worst {max(values):.1f} ms ({len(values)} measured)"
        )
    else:
        print(f"  {name}: always painted within 16 ms")


def timed(driver: Any, *keys: tuple[str, ...]) -> list[float]:
    """Time to the next paint of each of these key presses; those under the browser's least of 16 ms are left out."""
    driver.execute_script("window.timed = {}")
    for key in keys:
        press(driver, *key)
    time.sleep(0.2)
    return list(driver.execute_script("return window.timed.keydown ?? []"))


def measure(driver: Any, base: str, slug: str, rounds: int) -> None:
    nexts, marks, steps, more = [], [], [], []
    for _round in range(rounds):
        opened(driver, base, slug)
        # The answer does not go out, so that the same two items are in hand the next time.
        driver.execute_script("window.fetch = () => new Promise(() => {})")
        steps += timed(driver, *[(Keys.ARROW_RIGHT,)] * 4)
        more += timed(driver, *[(Keys.ARROW_RIGHT, Keys.SHIFT)] * 4)
        marks += timed(driver, ("1",))
        before = driver.execute_script("return document.getElementById('prov').textContent")
        press(driver, Keys.ENTER)
        until(
            lambda before=before: driver.execute_script("return document.getElementById('prov').textContent") != before
        )
        time.sleep(0.2)
        nexts += driver.execute_script("return performance.getEntriesByName('assay:next').map((one) => one.duration)")
        drawn = driver.execute_script("return document.querySelectorAll('.marked').length")
        assert drawn > 50, drawn
        driver.execute_script("localStorage.clear()")
    told("Enter to the next item", nexts)
    told("a label over the selection", marks)
    told("the next word", steps)
    told("a word more", more)
    press(driver, "l")
    found = timed(driver, ("G",), ("a",), ("m",))
    told("searching as one types", found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    asked = parser.parse_args()
    profile = tempfile.mkdtemp(prefix="assay-bench-marks-")
    driver = chromium(profile)
    world = World("sqlite", "")
    try:
        world.people("bench-people")
        for place, (size, count) in enumerate(SIZES.values()):
            prepare(world, f"marks-{place}", size, count)
        server = Server(world)
        try:
            base = f"http://127.0.0.1:{server.port}"
            sign_in(driver, base)
            for place, name in enumerate(SIZES):
                print(name)
                measure(driver, base, f"marks-{place}", asked.rounds)
        finally:
            server.stop()
    finally:
        driver.quit()
        world.close()
        shutil.rmtree(profile, ignore_errors=True)


if __name__ == "__main__":
    main()

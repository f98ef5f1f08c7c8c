"""Published sets of every kind: imported, shown and edited in the browser, exported, and equal to the character."""

import json
import unicodedata
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from annotation import models as a
from annotation import schema as schemas
from evaluation import exporting
from tests.annotation.worlds import bring
from tests.browser.pages import Keys, Window
from tests.browser.test_kind_spans import drag
from tests.conftest import make_project, set_schema
from tests.evaluation.worlds import freeze

pytestmark = pytest.mark.browser
# Emoji with joiners, a rare character of two UTF-16 units, a letter that is composed when stored, both line ends.
ODD = "🚀 e\u0301té 𠮷野家\r\n👩‍👩‍👧 Second line. "
ROWS = 6


class Set(NamedTuple):
    """file: of the real data; question: what is asked; column: where a file has the answer; value(row) -> the answer."""

    file: str
    question: dict[str, Any]
    column: str
    value: Callable[[dict[str, Any]], Any]
    edit: Callable[[Window, Any, str], None]


def click_and_back(window: Window, value: Any, _text: str) -> None:
    """A label is taken out or put in and the other way round; of one label another is chosen and the first again."""
    first = value[0] if isinstance(value, list) else value
    if isinstance(value, list):
        window.js("for (const turn of [1, 2]) document.querySelector(`[data-value=${CSS.escape(arguments[0])}]`).click()", first)  # fmt: skip
        return
    window.js("document.querySelectorAll('input[name=value]:not(:checked)')[0].click()")
    window.js("document.querySelector(`input[name=value][value=${CSS.escape(arguments[0])}]`).click()", first)


def number_and_back(window: Window, value: Any, _text: str) -> None:
    for number in ("0.5", str(value)):
        window.type(".number", number)
        window.press(Keys.TAB)


def rating_and_back(window: Window, value: Any, _text: str) -> None:
    name, given = next(iter(value.items()))
    for point in (0 if given else 1, given):
        window.js(
            "document.querySelector(`[data-criterion=${arguments[0]}] [data-value='${arguments[1]}']`).click()", name, point
        )  # fmt: skip


def side_and_back(window: Window, _value: Any, _text: str) -> None:
    window.js("""
        const [was, other] = ["true", "false"].map((on) => document.querySelector(`[data-question] [data-value][aria-checked=${on}]`));
        other.click(); was.click();
    """)


def mark_and_back(window: Window, value: Any, text: str) -> None:
    """The first mark is removed and made again by mouse and label."""
    first = value[0]
    window.js("document.getElementById('text').focus()")
    window.press(".")
    window.press(Keys.DELETE)
    units = [len(text[: first[end]].encode("utf-16-le")) // 2 for end in ("start", "end")]
    drag(window, *units)
    window.js("document.querySelector(`.brushes [data-value='${arguments[0]}']`).click()", first["label"])


def event_and_back(window: Window, _value: Any, _text: str) -> None:
    """Once round all that an event can be."""
    window.click(".mine-marks .entry")
    window.js("document.getElementById('text').focus()")
    window.press("x", "x", "x")


def labels_of(column: str) -> Callable[[list[dict[str, Any]]], list[str]]:
    return lambda rows: sorted({label for row in rows for label in ([row[column]] if isinstance(row[column], str) else row[column])})  # fmt: skip


def sides(row: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name, "text": row["pair"][f"response_{name}"]} for name in "ab"]


def marked(row: dict[str, Any]) -> Any:
    return row["spans"]


def happened(row: dict[str, Any]) -> Any:
    """As stored: in order, with the status that nobody gave, an argument called date staying what it is."""
    events = [
        {
            "type": event["type"],
            "trigger": {part: event["trigger"][part] for part in ("start", "end", "text")},
            "arguments": sorted(event["arguments"], key=lambda one: (one["role"], one["start"], one["end"])),
            "status": "actual",
        }
        for event in row["events"]
    ]
    return sorted(events, key=lambda event: (event["trigger"]["start"], event["type"]))


SETS = {
    "finer_ord": Set("finer_ord", {"kind": "spans"}, "spans", marked, mark_and_back),
    "resume_ner_zh": Set("resume_ner_zh", {"kind": "spans"}, "spans", marked, mark_and_back),
    "sentfin": Set("sentfin_entity_sentiment", {"kind": "spans"}, "spans", marked, mark_and_back),
    "fewfc": Set("fewfc_events_train", {"kind": "events", "date": False}, "events", happened, event_and_back),
    "esg_zh": Set("esg_zh", {"kind": "choice"}, "label", lambda row: row["label"], click_and_back),
    "banking77": Set("banking77", {"kind": "choice"}, "label", lambda row: row["label"], click_and_back),
    "gold": Set("gold_commodity_headlines", {"kind": "choices", "least": 0}, "labels", lambda row: sorted(row["labels"]), click_and_back),
    "fiqa": Set("fiqa_sentiment", {"kind": "score", "min": -1, "max": 1, "step": 0.001}, "score", lambda row: row["score"], number_and_back),
    "subjective_qa": Set("subjective_qa", {"kind": "rubric", "scale": ["0", "1", "2"], "criteria": ["assertive", "cautious", "clear", "optimistic", "relevant", "specific"]}, "ratings", lambda row: row["meta"]["ratings"], rating_and_back),
    "pandalm": Set("pandalm_pairs_a", {"kind": "preference"}, "preference", lambda row: {"better": row["label"]}, side_and_back),
}  # fmt: skip


def named(rows: list[dict[str, Any]], one: Set) -> dict[str, Any]:
    """What the question still needs to know of the set: its labels, its roles."""
    if one.question["kind"] in ("choice", "choices"):
        return {"labels": labels_of(one.column)(rows)}
    if one.question["kind"] == "spans":
        return {"labels": sorted({mark["label"] for row in rows for mark in row["spans"]})}
    if one.question["kind"] == "events":
        roles = sorted({part["role"] for row in rows for event in row["events"] for part in event["arguments"]})
        return {"labels": sorted({event["type"] for row in rows for event in row["events"]}), "roles": roles}
    return {}


def moved(value: Any, by: int) -> Any:
    """The answer with all its offsets further on."""
    if isinstance(value, list):
        return [moved(each, by) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: each + by if key in ("start", "end") else moved(each, by) for key, each in value.items()}


@pytest.mark.parametrize("name", sorted(SETS))
def test_a_published_set_comes_back_equal(name: str, window: Window, cast: dict[str, a.User], shared: Path) -> None:
    one = SETS[name]
    file = next((shared / "data/normalised/dev").glob(f"{one.file}*.jsonl"))
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    settings = named(rows, one)
    rows = [row for row in rows if one.value(row)][:ROWS]
    project = make_project(cast, slug=name.replace("_", "-"))
    set_schema(project, schemas.check({"questions": [{"name": "asked", **one.question, **settings}]}))
    # The first row once more, behind characters on which programs stumble.
    odd = {**rows[0], "id": "odd", "text": ODD + rows[0]["text"]}
    stored_odd = unicodedata.normalize("NFC", ODD.replace("\r\n", "\n"))
    expected = {row["id"]: (unicodedata.normalize("NFC", row["text"].strip()), one.value(row)) for row in rows}
    expected["odd"] = (stored_odd + expected[rows[0]["id"]][0], moved(one.value(odd), len(stored_odd)))
    sent = [
        {
            "id": row["id"],
            "text": row["text"],
            one.column: moved(one.value(row), len(ODD)) if row is odd else one.value(row),
            **({"candidates": sides(row)} if "pair" in row else {}),
        }
        for row in (*rows, odd)
    ]
    report = bring(project, "\n".join(json.dumps(row, ensure_ascii=False) for row in sent), labels="gold")
    assert (report["gold"], report["refused"]) == (len(rows) + 1, 0), report
    window.sign_in(cast["carol"])
    for key in ("odd", rows[1]["id"]):
        gold = a.Gold.objects.current().get(item__document__external_id=key)
        text, value = expected[key]
        window.open(f"/p/{project.slug}/gold/{gold.pk}/again/")
        if one.question["kind"] == "choice":
            shown = "return document.querySelector('input[name=value]:checked')?.value"
        else:
            shown = "const { value } = document.getElementById('value'); return value && JSON.parse(value)"
        window.ready()
        window.until(lambda shown=shown: window.js(shown), "the answer is not shown")
        assert window.js(shown) == value
        assert window.js("return document.getElementById('text').textContent") == text
        one.edit(window, value, text)
        after = window.js(shown)
        # The side on which a response stood is told by whoever answers; gold does not keep it.
        if isinstance(after, dict):
            after = {part: given for part, given in after.items() if part != "shown"}
        assert after == value
        window.click("input[name=reason]")
        window.follow("#decision button[type=submit].primary")
        assert a.Gold.objects.current().get(item__document__external_id=key).pk != gold.pk
    version = freeze(project)
    assert version.state == "done", version.message
    target = BytesIO()
    exporting.single(version, format="jsonl", with_test_gold=True, target=target)
    found = [json.loads(line) for line in target.getvalue().decode().splitlines()]
    assert {row["id"]: (row["text"], row[one.column]) for row in found} == expected

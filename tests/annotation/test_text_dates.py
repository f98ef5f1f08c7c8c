"""Dates in words: a table that the Python and its twin in the browser both follow; hostile words; what a value may be."""

import json
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from annotation.text import dates

HERE = Path(__file__).parent
CASES = json.loads((HERE / "dates.json").read_text())
TWIN = HERE.parent.parent / "static/js/kinds/dates.js"
VALUES = {
    "2017": True, "2017-10": True, "2017-10-31": True, "2024-Q3": True, "2024-H1": True, "2024-W07": True, "2020-W53": True,
    "2017/2019": True, "2024-Q1/2024-Q3": True, "2024-05-31/2024-06": True, "2017-11-31": False, "2017-13": False,
    "2024-Q5": False, "2024-W54": False, "2023-W53": False, "2019/2017": False, "2017/": False, "": False, "17": False,
    "2017-1": False, "２０１７": False, "2017/2018/2019": False, "0000": False, "2017\n": False,
}  # fmt: skip


# A text with the date between two bars: any place in it gives the whole of it.
WHOLE = [
    "on |Oct. 3, 2017|, it", "自|2017年10月至2018年3月|期间", "see you |next Tuesday|!", "in |Sept. 30|. But", "将于|2019 年 8 月|完成", "for |FY2023| it",
    "between |Q1 and Q3 2024| it", "🚀🚀 |去年第三季度|，", "至|２０１８年１０月|止", "公司|10月15日|公告", "was |the third quarter of 2024| then", "on |Tuesday| it",
]  # fmt: skip


@pytest.mark.parametrize(("words", "published", "value"), CASES, ids=[f"{row[0]}@{row[1]}" for row in CASES])
def test_dates_in_words(words: str, published: str, value: str | None) -> None:
    assert dates.parse(words, published) == value
    assert value is None or dates.check(value)


def test_what_a_value_may_be() -> None:
    assert {value: dates.check(value) for value in VALUES} == VALUES


def test_hostile_words_cost_nothing() -> None:
    start = time.process_time()
    for words in (
        "1" * 100_000,
        "年" * 100_000,
        "the " * 30_000,
        " " * 100_000 + "x",
        "2017年" * 24,
        "-".join("1" * 60),
    ):
        dates.find(words, len(words) // 2)
        assert dates.parse(words, "2024-05-31") is None
    assert time.process_time() - start < 5  # seconds where it is quadratic are minutes


def split(marked: str) -> tuple[str, int, int]:
    before, inside, after = marked.split("|")
    return before + inside + after, len(before), len(before) + len(inside)


@pytest.mark.parametrize("marked", WHOLE)
def test_a_date_is_taken_whole(marked: str) -> None:
    text, start, end = split(marked)
    assert {dates.find(text, place) for place in range(start, end + 1)} == {(start, end)}


def test_words_without_a_date_have_none() -> None:
    assert dates.find("the mayor may not", 6) is None
    assert dates.find("", 0) is None
    assert dates.find("in October 2017 it rose by a lot", 24) is None


def units(text: str, place: int) -> int:
    """The place in UTF-16, which the browser counts in."""
    return len(text[:place].encode("utf-16-le")) // 2


def drawn(many: int) -> list[tuple[str, int]]:
    """Texts of what dates are made of, in any order, with a place in each."""
    signs = [*"0123456789年月日上下初末至到-/,. 十二三本周😀１", "2017", "去年", "第三季度", "半年", "oct", "october ", "May", "last ", "week", "Q3", "FY", "3Q", "first half", " of ", " to ", "tomorrow", "截至", "晚"]  # fmt: skip
    rng = random.Random(7)
    texts = ["".join(rng.choices(signs, k=rng.randint(1, 7))) for _text in range(many)]
    return [(text, rng.randint(0, len(text))) for text in texts]


def test_the_twin_in_the_browser_says_the_same() -> None:
    if not (node := shutil.which("node")):
        pytest.skip("node is not on this machine")
    script = f"""
        import {{ check, find, parse }} from {json.dumps(TWIN.as_uri())};
        const {{ words, values, places }} = JSON.parse(await new Promise((done) => {{ let all = ""; process.stdin.on("data", (part) => all += part).on("end", () => done(all)); }}));
        console.log(JSON.stringify([words.map(([one, day]) => parse(one, day)), values.map(check), places.map(([text, place]) => find(text, place))]));
    """
    texts = drawn(3000)
    words = [row[:2] for row in CASES] + [[text, day] for text, _place in texts for day in ("", "2019-05-31")]
    places = [(text, place) for text, start, end in map(split, WHOLE) for place in range(start, end + 1)] + texts
    asked = {"words": words, "values": list(VALUES), "places": [[text, units(text, place)] for text, place in places]}
    ran = subprocess.run(
        [node, "--input-type=module", "-e", script], input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    said, checked, found = json.loads(ran.stdout)
    assert [row for row in zip(words, said, strict=True) if row[1] != dates.parse(*row[0])] == []
    assert dict(zip(VALUES, checked, strict=True)) == VALUES
    extents = [dates.find(text, place) for text, place in places]
    here = [extent and [units(text, at) for at in extent] for (text, _place), extent in zip(places, extents, strict=True)]  # fmt: skip
    assert [row for row in zip(places, here, found, strict=True) if row[1] != row[2]] == []

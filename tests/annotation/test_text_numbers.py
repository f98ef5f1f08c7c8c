"""Numbers in words: a table that the Python and its twin in the browser both follow, whole expressions, hostile text."""

import json
import random
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from annotation.text import numbers

HERE = Path(__file__).parent
CASES = json.loads((HERE / "numbers.json").read_text())
TWIN = HERE.parent.parent / "static/js/kinds/numbers.js"
# A text with the expression between two bars: any place in it, or at its ends, gives the whole of it.
WHOLE = [
    "Revenue rose to |$1.2 billion| in the year.", "涉及金额约|12.5亿元人民币|。", "同比增长 |38.2%|，环比", "下降 |4 个百分点|。", "a loss of |-$5m|, it said",
    "yields fell |25 basis points| to", "pays |$1.25 per share| now", "🚀 profit |+3.2 %| up", "增持|500万股|公司", "净利|三千二百万元|左右", "was |(1,234)| before", "in (|2017|) already", "up (|38.2%|) since",
    "between |5|-6%", "between 5-|6%| of", "约|３.５亿元|；", "每桶油|每桶60美元|，", "上涨了|五个百分点|。", "共|3亿2千万元|，", "另|百分之三点五|为", "was |€1.234,5| in Berlin", "a |$3.5-billion| deal",
]  # fmt: skip


@pytest.mark.parametrize(("words", "language", "value"), CASES, ids=[row[0][:40] or "nothing" for row in CASES])
def test_values(words: str, language: str, value: Any) -> None:
    assert numbers.parse(words, language) == value


def split(marked: str) -> tuple[str, int, int]:
    before, inside, after = marked.split("|")
    return before + inside + after, len(before), len(before) + len(inside)


@pytest.mark.parametrize("marked", WHOLE)
def test_an_expression_is_taken_whole(marked: str) -> None:
    text, start, end = split(marked)
    assert {numbers.find(text, place) for place in range(start, end + 1)} == {(start, end)}


def test_words_without_numbers_have_none() -> None:
    assert numbers.find("nothing at all here", 5) is None
    assert numbers.find("", 0) is None
    assert numbers.find("Revenue rose to $1.2 billion", 3) is None


def test_hostile_text_costs_nothing() -> None:
    start = time.process_time()
    for text in ("1" * 200_000, "1," * 100_000, "$" * 100_000, "一" * 200_000, "(-$ " * 50_000, "1 million " * 20_000):
        numbers.find(text, 100_000)
        assert numbers.parse(text) is None
    assert time.process_time() - start < 5  # seconds where it is quadratic are minutes


def units(text: str, place: int) -> int:
    """The place in UTF-16, which the browser counts in."""
    return len(text[:place].encode("utf-16-le")) // 2


def drawn(many: int) -> list[tuple[str, int]]:
    """Texts of the signs that numbers are made of, in any order, with a place in each."""
    signs = [*"0123456789,.,.%$(-+−負负) 万亿千百十一二三点元股每/x年１，😀±", "bn", "million", " per share", "个百分点", "US$", "Rs ", "lakh ", "百分之", "to "]  # fmt: skip
    rng = random.Random(5)
    texts = ["".join(rng.choices(signs, k=rng.randint(1, 14))) for _text in range(many)]
    return [(text, rng.randint(0, len(text))) for text in texts]


def test_the_twin_in_the_browser_says_the_same() -> None:
    if not (node := shutil.which("node")):
        pytest.skip("node is not on this machine")
    script = f"""
        import {{ find, parse }} from {json.dumps(TWIN.as_uri())};
        const {{ values, places }} = JSON.parse(await new Promise((done) => {{ let all = ""; process.stdin.on("data", (part) => all += part).on("end", () => done(all)); }}));
        console.log(JSON.stringify([values.map(([words, language]) => parse(words, language)), places.map(([text, place]) => find(text, place))]));
    """
    texts = drawn(4000)
    values = [row[:2] for row in CASES] + [[text, language] for text, _place in texts for language in ("", "de")]
    places = [(text, place) for text, start, end in map(split, WHOLE) for place in range(start, end + 1)] + texts
    asked = {"values": values, "places": [[text, units(text, place)] for text, place in places]}
    ran = subprocess.run(
        [node, "--input-type=module", "-e", script], input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    parsed, found = json.loads(ran.stdout)
    extents = [numbers.find(text, place) for text, place in places]
    here = [extent and [units(text, at) for at in extent] for (text, _place), extent in zip(places, extents, strict=True)]  # fmt: skip
    assert [row for row in zip(values, parsed, strict=True) if row[1] != numbers.parse(*row[0])] == []
    assert [row for row in zip(places, here, found, strict=True) if row[1] != row[2]] == []

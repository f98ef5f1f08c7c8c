"""A guideline cut into sections, and its numbered rules found and cited."""

from pathlib import Path

import pytest

from annotation import passages

DEMO = Path(__file__).parents[2] / "annotation" / "demo"
TEXT = """# Rules of 2024

**Rule 1.1. News and reports.** Ask yourself.
- **Rule 1.2** Feedback
In 2023 profit rose by 4.5 %.
规则 2.1：没有发行人。其余从略
3.2.1 Deeper rules
§ 7 Silence
3.5% of all texts are short.

```
Rule 9.9. Not in code.
```

| no | rule |
|---|---|
| 8.4 | stands in a table |
"""


def test_rules_that_begin_a_line_with_their_number_are_found_with_their_names():
    assert passages.numbered(TEXT) == {
        "1.1": "News and reports", "1.2": "Feedback", "2.1": "没有发行人", "3.2.1": "Deeper rules", "7": "Silence",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["guideline.en.md", "guideline.zh.md"])
def test_every_rule_of_the_demo_is_found(name):
    text = (DEMO / name).read_text(encoding="utf-8")
    found = passages.numbered(text)
    written = {line.split("**")[1].split()[1].rstrip(".") for line in text.splitlines() if line.startswith(("**Rule ", "**规则 "))}  # fmt: skip
    assert written <= set(found)
    assert "4.2" in written
    assert all(found[number] for number in written)


@pytest.mark.parametrize(
    ("words", "number"),
    [("Rule 1.1", "1.1"), ("1.1.", "1.1"), ("规则 2.1", "2.1"), ("8.4", "8.4"), ("1.3", ""), ("1", ""), ("2.1.1", ""), ("none", ""), ("", "")],
)  # fmt: skip
def test_a_rule_is_cited_by_a_number_that_stands_in_the_text_by_itself(words, number):
    assert passages.cited(TEXT, words) == number

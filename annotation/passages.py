"""PURE. A guideline cut into its sections, and those that are about certain labels."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
FENCE = re.compile(r"^ {0,3}(```|~~~)")
MOST = 4
# “**Rule 4.2. Pilots are neutral.** …”, “规则 4.2 …”, “4.2 …” at the beginning of a line, with what it is called.
NUMBERED = re.compile(
    r"^ {0,3}(?:#{1,6} |[-*+] |\d+[.)] |> ?)*(?:\*\*|__)?"
    r"(?:(?:Rule|规则|規則|§)\s*(?P<named>\d+(?:\.\d+)*)|(?P<bare>\d+(?:\.\d+)+))(?![\w%])[.:：、)]?(?:\*\*|__)?\s*(?P<title>[^*_\n.。]{0,80})",
    re.IGNORECASE,
)
NUMBER = re.compile(r"\d+(?:\.\d+)*")


class Passage(NamedTuple):
    """A heading without its signs, and the Markdown under it up to the next heading of any level."""

    heading: str
    text: str


def sections(text: str) -> list[Passage]:
    """The guideline's sections in order; what stands before the first heading has an empty one."""
    found: list[tuple[str, list[str]]] = [("", [])]
    fenced = False
    for line in text.splitlines():
        fenced ^= bool(FENCE.match(line))
        heading = None if fenced else HEADING.match(line)
        if heading:
            found.append((re.sub(r"[*_`]", "", heading[2]).strip(), []))
        else:
            found[-1][1].append(line)
    return [Passage(heading, "\n".join(lines).strip()) for heading, lines in found if heading or "".join(lines).strip()]


def numbered(text: str) -> dict[str, str]:
    """number -> what it is called ("" for nothing) of the rules that begin a line with their number, in order."""
    found: dict[str, str] = {}
    fenced = False
    for line in text.splitlines():
        fenced ^= bool(FENCE.match(line))
        rule = None if fenced else NUMBERED.match(line)
        if rule:
            found.setdefault(rule["named"] or rule["bare"], rule["title"].strip(" :：`"))
    return found


def cited(text: str, words: str) -> str:
    """The number in “4.2” or “Rule 4.2”, where it stands in the guideline by itself; "" where there is no such one."""
    number = NUMBER.search(words)
    if number is None:
        return ""
    stands = re.search(rf"(?<![\d.]){re.escape(number[0])}(?!\.?\d)", text)
    return number[0] if stands else ""


def about(text: str, labels: Iterable[dict[str, Any]], *, most: int = MOST) -> list[Passage]:
    """The sections that name one of the labels, by name or title: those that do so in their heading first."""
    names = {str(label[part]) for label in labels for part in ("name", "title")}
    patterns = [_pattern(name) for name in names if name]
    rated = [(_rank(passage, patterns), place, passage) for place, passage in enumerate(sections(text))]
    return [passage for rank, _place, passage in sorted(rated)[: max(most, 0)] if rank < 2]


def _rank(passage: Passage, patterns: Sequence[re.Pattern[str]]) -> int:
    """0 where the heading names a label, 1 where the text does, 2 for neither."""
    if any(pattern.search(passage.heading) for pattern in patterns):
        return 0
    return 1 if any(pattern.search(passage.text) for pattern in patterns) else 2


def _pattern(name: str) -> re.Pattern[str]:
    """The name as a word of its own where it is one; in Chinese words have no ends to look for."""
    written = re.escape(name).replace("_", "[_ ]")
    left = r"(?<![A-Za-z0-9])" if re.match(r"[A-Za-z0-9]", name) else ""
    right = r"(?![A-Za-z0-9])" if re.search(r"[A-Za-z0-9]$", name) else ""
    return re.compile(left + written + right, re.IGNORECASE)

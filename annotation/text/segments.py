"""PURE. A long text cut into passages or sentences, English and Chinese: places [start, end) in it, in code points.

Segments lie in order and apart, and hold every character but the white space between them.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

Segment = tuple[int, int]

HOWS = ("document", "passage", "sentence")
# Characters of a passage, about; a paragraph is divided only where it alone is longer than that.
SIZE, SMALLEST, LARGEST = 1000, 100, 20_000

# Where a sentence may end: terminators, then closing quotes and brackets.
_END = re.compile(
    r"(?P<western>[.!?]+|…+)(?P<closing>[\"'”’»)\]]*)(?=\s|$|[\u3400-\u9fff“‘「『《（])"
    r"|(?P<eastern>[。！？｡]+|…{2,}|\.{6})[”’」』）)】》〉\"']*"
)
_BREAK = re.compile(r"\s*\n\s*")
_PARAGRAPH = re.compile(r"\s*\n[ \t\f\v\r\u3000\u00a0]*\n\s*")
_WORD_BEFORE = re.compile(r"[^\s\"'“‘(\[（]*$")
_ACRONYM = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]?$")
_NUMBERED = re.compile(r"(?:^|\n)\s*[(（]?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5})$")
# Never the last word of a sentence, or hardly ever.
_ABBREVIATIONS = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "hon",
        "rev",
        "gen",
        "sen",
        "rep",
        "gov",
        "pres",
        "st",
        "mt",
        "ft",
        "vs",
        "v",
        "cf",
        "viz",
        "approx",
        "appr",
        "est",
        "incl",
        "excl",
        "no",
        "nos",
        "nr",
        "art",
        "sec",
        "par",
        "fig",
        "figs",
        "tab",
        "eq",
        "vol",
        "pp",
        "p",
        "ch",
        "ed",
        "eds",
        "e.g",
        "i.e",
        "al",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sept",
        "sep",
        "oct",
        "nov",
        "dec",
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
        "sat",
        "sun",
        "ave",
        "blvd",
        "rd",
        "dept",
        "univ",
        "assn",
        "bros",
        "intl",
        "natl",
        "tel",
        "ext",
        "ca",
        "resp",
        "bzw",
        "usw",
        "z.b",
        "u.a",
        "d.h",
        "mio",
        "mrd",
        "ref",
        "adj",
    ]
)
# Names end so, and sentences too: what comes next decides.
_ENDINGS = frozenset(
    [
        "inc",
        "corp",
        "co",
        "cos",
        "ltd",
        "llc",
        "plc",
        "lp",
        "llp",
        "sa",
        "s.a",
        "n.v",
        "b.v",
        "ag",
        "a.g",
        "pty",
        "bhd",
        "jr",
        "sr",
        "etc",
        "u.s",
        "u.k",
        "u.n",
        "e.u",
        "u.s.a",
        "a.m",
        "p.m",
        "ph.d",
        "d.c",
        "bancorp",
        "hldgs",
        "mfg",
    ]
)
_STARTERS = frozenset(
    [
        "the",
        "a",
        "an",
        "it",
        "its",
        "in",
        "on",
        "at",
        "for",
        "to",
        "by",
        "as",
        "if",
        "but",
        "and",
        "or",
        "so",
        "we",
        "our",
        "they",
        "their",
        "he",
        "his",
        "she",
        "her",
        "this",
        "that",
        "these",
        "those",
        "there",
        "however",
        "while",
        "when",
        "since",
        "after",
        "before",
        "during",
        "with",
        "from",
        "under",
        "over",
        "among",
        "although",
        "according",
        "shares",
        "sales",
        "net",
        "total",
        "earlier",
        "last",
        "management",
        "analysts",
        "both",
        "each",
        "all",
        "some",
        "no",
        "not",
        "one",
        "two",
        "such",
        "other",
        "also",
        "then",
        "now",
        "here",
        "what",
        "who",
        "why",
        "how",
        "i",
        "you",
        "my",
        "your",
        "may",
    ]
)
_NEXT_WORD = re.compile(r"[\s\"'“‘(\[]*([A-Za-z']+)")
_CLAUSE = re.compile(r"[,;:，；：、]\s*|\s+")


def cut(text: str, how: str, size: int = SIZE) -> list[Segment]:
    """The segments of a text; how: one of HOWS. A text without any character that shows has none."""
    if how == "sentence":
        return list(sentences(text))
    if how == "passage":
        return list(passages(text, size))
    return list(_trim(text, 0, len(text)))


def _trim(text: str, start: int, end: int) -> Iterator[Segment]:
    """The stretch without the white space around it, where anything is left."""
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    if left < len(piece):
        yield start + left, start + len(piece.rstrip())


def sentences(text: str, start: int = 0, end: int | None = None) -> Iterator[Segment]:
    """The sentences of text[start:end]: ended by . ! ? 。！？ with closing quotes, and by ends of lines that end something.

    Abbreviations (Inc., U.S., approx.), decimals and numbered points end none; a line that only wraps goes on.
    """
    end = len(text) if end is None else end
    for low, high in _lines(text, start, end):
        done = low
        for found in _END.finditer(text, low, high):
            if found.end() < high and (found["eastern"] or _ends(text, low, high, found)):
                yield from _trim(text, done, found.end())
                done = found.end()
        yield from _trim(text, done, high)


def _lines(text: str, start: int, end: int) -> Iterator[Segment]:
    """The stretches between line ends that are more than wrapping."""
    done = start
    for found in _BREAK.finditer(text, start, end):
        if found[0].count("\n") > 1 or not _wraps(
            text[done : found.start()], text[found.end() : min(found.end() + 40, end)]
        ):
            yield done, found.start()
            done = found.end()
    yield done, end


def _wraps(before: str, after: str) -> bool:
    """Whether a sentence goes on over the end of a line."""
    if not before or not after:
        return False
    if after[0].islower() or before[-1] in ",-–;，、；":
        return True
    line = before[before.rfind("\n") + 1 :]
    return (
        len(line) >= 50 and before[-1].isalnum() and before[-1].isascii() and after[0].isalnum() and after[0].isascii()
    )


def _ends(text: str, low: int, high: int, found: re.Match[str]) -> bool:
    """Whether . ! ? … ends a sentence here."""
    after = text[found.end() : min(found.end() + 40, high)].lstrip()
    if after[:1].islower():
        return False
    if found["western"] != "." or found["closing"]:
        return True
    word_ = _WORD_BEFORE.search(text, max(low, found.start() - 30), found.start())
    word = word_[0] if word_ else ""
    plain = word.lower().strip(".")
    if _NUMBERED.search(text, max(0, low - 1, found.start() - 12), found.start()) and found.start() - low <= 6:
        return False
    if plain in _ABBREVIATIONS:
        return False
    if plain in _ENDINGS or (len(word) > 1 and _ACRONYM.fullmatch(word)):
        follows = _NEXT_WORD.match(after)
        return follows is not None and follows[1].lower() in _STARTERS and follows[1][0].isupper()
    return not (len(word) == 1 and word.isalpha() and word.isascii() and word.isupper() and word != "I")


def passages(text: str, size: int = SIZE) -> Iterator[Segment]:
    """Neighbouring paragraphs together up to `size` characters; a longer one at its sentences, a longer sentence at a pause."""
    parts: list[Segment] = []
    for low, high in _paragraphs(text):
        if high - low <= size:
            parts.append((low, high))
            continue
        yield from _packed(parts, size)
        pieces = [piece for sentence in sentences(text, low, high) for piece in _pieces(text, *sentence, size)]
        yield from _packed(pieces, size)
        parts = []
    yield from _packed(parts, size)


def _paragraphs(text: str) -> Iterator[Segment]:
    """Between blank lines; where a text has none, its lines."""
    border = _PARAGRAPH if _PARAGRAPH.search(text.strip()) else _BREAK
    ends = [found.span() for found in border.finditer(text)]
    for (_a, low), (high, _b) in pairwise([(0, 0), *ends, (len(text), len(text))]):
        yield from _trim(text, low, high)


def _packed(parts: list[Segment], size: int) -> Iterator[Segment]:
    """Neighbours joined as long as they fit."""
    if not parts:
        return
    low, high = parts[0]
    for start, end in parts[1:]:
        if end - low > size:
            yield low, high
            low = start
        high = end
    yield low, high


def _pieces(text: str, low: int, high: int, size: int) -> Iterator[Segment]:
    """A sentence longer than a passage, at the last pause that fits, or anywhere."""
    while high - low > size:
        pauses = [found.end() for found in _CLAUSE.finditer(text, low + size // 2, low + size)]
        end = pauses[-1] if pauses else low + size
        yield from _trim(text, low, end)
        low = end
    yield from _trim(text, low, high)

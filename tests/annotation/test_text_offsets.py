"""Places in a text as it came lead to the same words in the text that is stored; UTF-16 units to code points."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.text.normal import clean
from annotation.text.offsets import _is_free, from_utf16, moved

# Emoji, CJK extension B, Hangul in parts, marks that compose, reorder or stay, line ends, BOM, controls, blanks.
SIGNS = [
    "a", "b", "é", "\u0301", "\u0323", "\u0327", "e", "o", "s", "\u1100", "\u1161", "\u11a8", "가", "中", "文", "𠀀", "😀",
    "👩\u200d👦", "\u2126", "\ufb1f", "\u0958", "\r", "\n", "\r\n", "\ufeff", "\x00", "\x0b", "\x0c", "\x85", "\x1b", "\ud800",
    " ", "\t", "\u3000", "\u00a0", "\u034f", "\u0f73", "\u0b47", "\u0b3e",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(SIGNS), max_size=40).map("".join)


@given(TEXTS)
def test_it_ends_in_the_text_that_is_stored(raw):
    about = moved(raw)
    assert about.text == clean(raw).text
    start, end = about.span(0, len(raw))
    assert about.text[start:end] == about.text


@given(TEXTS, st.data())
def test_a_quote_cleaned_is_what_stands_there_afterwards(raw, data):
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, len(raw)))
    about = moved(raw)
    low, high = about.span(start, end)
    found = about.text[low:high] if low < high else ""
    # Where the quote ends inside a character that was composed, or a line end, all of it is taken.
    cuts = [place for place in (start, end) if 0 < place < len(raw) and not is_whole(raw, place)]
    if not cuts:
        assert clean(found).text == clean(raw[start:end]).text
    else:
        assert len(found) >= len(clean(raw[start:end]).text) - 2


def is_whole(raw, place):
    """Whether cutting the text here changes nothing of what either side becomes, and parts no mark from its character."""
    if unicodedata.combining(unicodedata.normalize("NFD", raw[place])[0]):
        return False
    left, right = rewritten(raw[:place]), rewritten(raw[place:])
    return left + right == rewritten(raw)


def rewritten(raw):
    """Cleaned, with its outer white space."""
    return clean(f"|\n{raw}\n|").text[2:-2] if not raw.endswith("\r") else clean(f"|\n{raw}-\n|").text[2:-3]


@given(TEXTS)
def test_neighbours_stay_in_order(raw):
    about = moved(raw)
    spans = [about.span(place, place + 1) for place in range(len(raw))]
    assert all(0 <= low <= len(about.text) and 0 <= high <= len(about.text) for low, high in spans)
    assert all(one[0] <= other[0] and one[1] <= other[1] for one, other in pairwise(spans))
    taken = {place for low, high in spans for place in range(low, high)}
    assert taken == set(range(len(about.text)))


@pytest.mark.parametrize(
    ("raw", "start", "end", "words"),
    [
        ("\ufeff  Profit\r\nrose", 3, 9, "Profit"),
        ("\ufeff  Profit\r\nrose", 9, 15, "\nrose"),
        ("\ufeff  Profit\r\nrose", 10, 15, "\nrose"),
        ("cafe\u0301 😀 𠀀", 3, 4, "é"),
        ("cafe\u0301 😀 𠀀", 4, 5, "é"),
        ("cafe\u0301 😀 𠀀", 6, 7, "😀"),
        ("cafe\u0301 😀 𠀀", 8, 9, "𠀀"),
        ("a\x00b", 1, 2, ""),
        ("a\x00b", 0, 3, "ab"),
        ("a  ", 0, 3, "a"),
        ("   ", 0, 3, ""),
        ("\u1112\u1161\u11ab 한", 0, 3, "한"),
    ],
)
def test_single_places(raw, start, end, words):
    about = moved(raw)
    low, high = about.span(start, end)
    assert about.text[low : max(low, high)] == words


def test_runs_of_marks_that_are_broken_up_keep_what_stands_around_them():
    raw = "x\r\na" + "\u0301" * 95 + "bc"
    about = moved(raw)
    assert about.text == clean(raw).text
    low, high = about.span(len(raw) - 2, len(raw))
    assert about.text[low:high] == "bc"
    low, high = about.span(0, 3)
    assert about.text[low:high] == "x\n"


@given(st.text(alphabet="ab中é😀𠀀👦", max_size=20))
def test_utf_16_units_lead_to_the_characters_they_count(text):
    place = from_utf16(text)
    units = [len(text[:end].encode("utf-16-le")) // 2 for end in range(len(text) + 1)]
    if place is None:
        assert units == list(range(len(text) + 1))
        return
    assert [place(unit) for unit in units] == list(range(len(text) + 1))
    inside = set(range(units[-1] + 1)) - set(units)
    assert all(place(unit) is None for unit in inside)
    assert place(units[-1] + 1) is place(-1) is None


def test_the_marks_that_compose_with_what_stands_before_them_are_known():
    base = "aeo中" + "\u1100\uac00\u0b47\u0f71"
    for code in [*range(0x300, 0x370), *range(0x900, 0x1200), 0x3099, 0x309A, *range(0x11000, 0x11800)]:
        sign = chr(code)
        if _is_free(sign):
            for before in base:
                joined = unicodedata.normalize("NFC", before + sign)
                assert joined == unicodedata.normalize("NFC", before) + unicodedata.normalize("NFC", sign)

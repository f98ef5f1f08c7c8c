"""Cleaning keeps what a text says, does the same twice, and keys are equal for texts that look the same."""

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.text.normal import JOINER, check_name, clean, normalised, text_key

# Hypothesis leaves lone surrogates out of text() by default; here they are wanted.
ANY_TEXT = st.text(st.characters(exclude_categories=()))
NASTY = st.text(
    st.sampled_from("a e\u0301\u0327\r\n\t\x00\x85\x0c\ufeff\ud800\u200b\u202e\u00bd，Ａ\u0344\u212b한\u1112\u1161")
)


def test_an_ordinary_text_comes_back_as_the_same_object_without_changes():
    for raw in ("Net sales rose 5 %.", "净利润同比增长８％，好于预期。", "Größe ½", ""):
        cleaned = clean(raw)
        assert cleaned.text is raw
        assert cleaned.changes == ()


@pytest.mark.parametrize(
    ("raw", "text", "change"),
    [
        ("a\r\nb\rc\n", "a\nb\nc", "line ends made LF"),
        ("page one\x0cpage two\x85three", "page one\npage two\nthree", "page breaks and other line ends made LF"),
        ("\ufeffhead\ufeff", "head", "byte order mark removed"),
        ("a\x00b\x07c\x7fd\x9fe", "abcde", "control characters removed"),
        ("a\ud83db", "a\ufffdb", "broken characters replaced by U+FFFD"),
        ("cafe\u0301", "café", "characters composed (Unicode NFC)"),
        ("\u3000 text \u00a0\n", "text", "outer white space removed"),
    ],
)
def test_each_change_is_made_and_said(raw, text, change):
    cleaned = clean(raw)
    assert cleaned.text == text
    assert change in cleaned.changes


def test_what_was_not_changed_is_not_said():
    assert clean("e\u0301").changes == ("characters composed (Unicode NFC)",)


def test_tabs_newlines_bidi_controls_and_compatibility_characters_stay():
    raw = "a\tb\n\u202eright\u202c ½ ，Ａ ① \u200b-"
    assert clean(raw) == (raw, ())


@pytest.mark.parametrize("name", ["Profit 3", "净利润", "Zoë O'Neill", "می\u200cخواهم", "👩\u200d💻", "שלום", ""])
def test_a_name_in_any_script_stays_as_it_is(name):
    assert check_name(name) == name


@pytest.mark.parametrize("sign", ["\x00", "\t", "\n", "\x1b", "\x7f", "\x85", "\u2028", "\u202e", "\u2066", "\ud800"])
def test_a_name_with_a_sign_that_nobody_sees_is_refused_and_the_sign_told(sign):
    with pytest.raises(ValueError, match=re.escape(f"here is U+{ord(sign):04X}")):
        check_name(f"a{sign}b")


@pytest.mark.parametrize("name", ["\u200b", " ", "\u2060\ufe0f", "\u00ad \u200d"])
def test_a_name_of_nothing_that_can_be_seen_is_refused(name):
    with pytest.raises(ValueError, match="can be seen"):
        check_name(name)


@given(ANY_TEXT | NASTY)
def test_a_cleaned_text_is_fit_to_store_and_cleaning_it_again_changes_nothing(raw):
    text, changes = clean(raw)
    assert unicodedata.is_normalized("NFC", text)
    assert text == text.strip()
    assert not [c for c in text if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cs")]
    assert "\ufeff" not in text
    assert (text != raw) == bool(changes)
    assert clean(text) == (text, ())
    text.encode("utf-8")


@given(ANY_TEXT)
def test_cleaning_loses_no_visible_character(raw):
    def visible(text):
        return [c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c)[0] in "LNPS"]

    # A lone surrogate is no character; it becomes the replacement character, which is one.
    whole = "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in raw)
    assert visible(clean(raw).text) == visible(whole)


def test_a_long_run_of_combining_marks_is_broken_so_that_it_cannot_hold_a_worker():
    raw = "a" + "\u0301" * 50_000 + "\u0327" * 50_000
    text, changes = clean(raw)
    assert "runs of more than 30 combining marks broken up" in changes
    run = longest = 0
    for letter in text:
        run = run + 1 if unicodedata.combining(letter) else 0
        longest = max(longest, run)
    assert longest <= 30
    assert text.replace("\u034f", "").count("\u0327") == 50_000
    assert clean(text) == (text, ())
    assert len(text_key(raw)) == 32


def test_thirty_marks_in_a_row_are_left_alone():
    raw = "x" + "\u0323" * 30
    assert clean(raw).text == unicodedata.normalize("NFC", raw)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Net  Sales\nrose", "net sales rose"),
        ("ＡＢＣ，１２３", "abc,123"),
        ("Straße", "STRASSE"),
        ("caf\u00e9", "cafe\u0301"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("\u202eright to left\u202c", "right to left"),
        ("❤\ufe0f", "❤"),
        ("soft\u00adhyphen", "softhyphen"),
        ("½", "1⁄2"),
        (" padded\u3000", "padded"),
    ],
)
def test_texts_that_look_the_same_have_one_key(one, other):
    assert text_key(one) == text_key(other)


@pytest.mark.parametrize(("one", "other"), [("up 5%", "up 6%"), ("上涨", "下跌"), ("a b", "ab"), ("", "a")])
def test_texts_that_differ_have_different_keys(one, other):
    assert text_key(one) != text_key(other)


def test_the_key_is_the_first_32_hex_digits_of_a_known_hash():
    # The digits are those of: printf 'net sales' | sha256sum
    assert text_key(" Net   Sales ") == "1ca268518934659419924f4ffec63812"


@given(ANY_TEXT)
def test_any_text_has_a_key_that_canonical_form_and_ascii_speed_do_not_change(text):
    assert (
        text_key(text) == text_key(unicodedata.normalize("NFC", text)) == text_key(unicodedata.normalize("NFD", text))
    )
    assert text_key(text + "\u200b") == text_key(text)


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_a_normal_form_is_that_of_unicode_but_for_runs_of_marks_which_are_broken_up(form):
    for text in ("Café №５ ﬁn", "e" + "\u0316\u0301" * 15, "각"):
        assert normalised(form, text) == unicodedata.normalize(form, text)
    broken = normalised(form, "e" + "\u0301\u0316" * 2000)
    assert max(map(len, broken.split(JOINER))) <= 32
    assert broken.replace(JOINER, "").count("\u0316") == 2000


def test_real_chinese_and_english_texts_come_through_unharmed(shared):
    for name in ("thucnews_titles", "financial_phrasebank", "bank_app_reviews", "edgar_filings_a_8k"):
        path = shared / "data" / "normalised" / "dev" / f"{name}.jsonl"
        if not path.exists():
            pytest.skip(f"{name} is not on this machine")
        for line in path.read_text("utf-8").split("\n")[:300]:
            raw = json.loads(line)["text"] if line else ""
            kept = [c for c in raw if c in "\n\t" or unicodedata.category(c) != "Cc"]
            assert clean(raw).text.split() == unicodedata.normalize("NFC", "".join(kept)).split()

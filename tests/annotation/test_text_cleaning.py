"""Steps of cleaning: what each does and leaves alone; places follow; a cleaned text stays as it is."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from annotation.text import furniture, markup, mojibake
from annotation.text.cleaning import STEPS, Cleaner
from annotation.text.normal import clean
from annotation.text.offsets import Step

PIECES = [
    "profit", " ", "\n", "\n\n", "<p>", "</p>", "<br/>", "<b>", "</b>", "<td>", "</td>", "<", ">", "&", "amp;", "&amp;",
    "&lt;", "&gt;", "&nbsp;", "&#8217;", "<!--", "-->", "<pre>", "</pre>", "<script>", "</script>", "<![CDATA[", "]]>",
    "â€™", "Ã©", "Ã ", "é", "’", "ä¸­", "中国", "。", "\x93", "a@b.com", "Read more", "\nShare | Tweet\n", "<UNK>", "'", '"', "\r\n",
    "e\u0301", "\ufeff", "\n1\n", "😀", "<ix:a b='>'>",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
CHOSEN = st.lists(st.sampled_from(sorted(STEPS)), unique=True)


@settings(deadline=None)
@given(TEXTS, CHOSEN)
def test_cleaning_twice_changes_nothing(raw, steps):
    cleaner = Cleaner(steps)
    once = cleaner.clean(raw).text
    assert cleaner.clean(once).text == once
    assert clean(once).text == once


@settings(deadline=None)
@given(TEXTS, CHOSEN, st.data())
def test_the_words_of_a_place_are_those_that_stand_at_its_new_place_or_it_is_lost(raw, steps, data):
    """Every character that is copied keeps its place: a mark over one that no edit touched has it still."""
    result = Cleaner(steps).clean(raw)
    about = result.places()
    assert about.text == result.text
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, len(raw)))
    low, high = about.span(start, end)
    assert low >= high or 0 <= low < high <= len(result.text)
    touched = touched_by(raw, about)
    for place in range(start, end):
        one, other = about.span(place, place + 1)
        if not touched[place]:
            assert about.text[one:other] == raw[place]
            assert low <= one < other <= high


def touched_by(raw, about):
    """Which characters of the raw text some step replaced; those of later steps are followed back."""
    touched, origin = [False] * len(raw), list(range(len(raw)))
    for step in about.steps:
        kept, done = [], 0
        for start, end, new in step.edits:
            kept += origin[done:start]
            for place in origin[start:end]:
                if place is not None:
                    touched[place] = True
            kept += [None] * len(new)
            done = end
        origin = kept + origin[done:]
    return touched


@given(TEXTS, st.sampled_from([mojibake.edits, markup.edits, furniture.edits]))
def test_edits_are_in_order_and_apart_and_each_changes_something(text, edits):
    done = 0
    for start, end, new in edits(text):
        assert done <= start <= end <= len(text)
        assert text[start:end] != new
        done = end


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Itâ€™s the companyâ€™s cafÃ©", "It’s the company’s café"),
        ("ä¸­å›½å¹³å®‰", "中国平安"),
        ("sound\nItâ€™s not", "sound\nIt’s not"),
        ("“Straight” ﬁne ＡＢＣ … naïve 中国", "“Straight” ﬁne ＡＢＣ … naïve 中国"),
        ("Ünïcödé Ã la carte", "Ünïcödé Ã la carte"),
        ("&amp; <b>", "&amp; <b>"),
    ],
)
def test_mojibake_is_set_right_and_nothing_else_is_touched(raw, text):
    assert Cleaner(["mojibake"]).clean(raw).text == text


def test_the_places_of_mojibake_follow_sign_by_sign():
    raw = "Nokiaâ€™s ä¸­å›½ unit"
    about = Cleaner(["mojibake"]).clean(raw).places()
    low, high = about.span(raw.index("å›½"), raw.index(" unit"))
    assert about.text[low:high] == "国"
    low, high = about.span(0, 5)
    assert about.text[low:high] == "Nokia"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("<p>Net <b>profit</b> &amp; loss</p><p>Next</p>", "Net profit & loss\n\nNext"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1\t2\n3"),
        ("<ul>\n <li>one</li>\n <li>two</li>\n</ul>", "one\ntwo"),
        ("<style>p {}</style><script>if (a < b) alert('<p>')</script>text", "text"),
        ("a <!-- no > --> b", "a  b"),
        ("<p>a <!-- no > --> b</p>", "a b"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("&lt;p&gt;escaped twice&lt;/p&gt; &amp;amp; more", "escaped twice\n\n& more"),
        ("<![CDATA[<p>news</p>]]>", "news"),
        ("&nbsp;5&nbsp;%&#8217;&#x2019;", "5 %’’"),
        ("<a href=\"x>y\" title='>'>link</a>", "link"),
        ("Line one\nLine <i>two</i>", "Line one\nLine two"),
        # No HTML: comparisons, placeholders, ampersands, what never ends.
        ("a < b, P<0.05, c > d", "a < b, P<0.05, c > d"),
        ("<UNK> sold <COMPANY> to R&D of AT&T", "<UNK> sold <COMPANY> to R&D of AT&T"),
        ("<p never ends", "<p never ends"),
        ("<script>never ends", "never ends"),
        ("<!-- never ends", "<!-- never ends"),
        ("mail <jane@example.com>", "mail <jane@example.com>"),
        ("<html><body><frobnicate>page</frobnicate></body></html>", "page"),
    ],
)
def test_html_becomes_text(raw, text):
    assert Cleaner(["html"]).clean(raw).text == text


def test_a_mark_in_html_stands_at_its_words():
    raw = "<p>The <b>Coca&#8209;Cola&nbsp;Co.</b>\n  rose</p>"
    result = Cleaner(["html"]).clean(raw)
    about = result.places()
    low, high = about.span(raw.index("Coca"), raw.index("</b>"))
    assert about.text[low:high] == "Coca‑Cola Co."
    low, high = about.span(raw.index("<b>"), raw.index("Coca"))
    assert low >= high


@pytest.mark.parametrize("hostile", ["<" * 200_000, "<p " * 100_000, "<!--" * 50_000, "&amp;" * 60_000, "<script>" * 30_000, "<a \"" * 50_001, "<![CDATA[" * 30_000, "<b>" * 100_000])  # fmt: skip
def test_hostile_html_takes_time_that_grows_with_it(hostile):
    assert len(Cleaner(["html"]).clean(hostile).text) <= len(hostile)


def test_the_words_of_real_pages_are_those_that_another_reader_finds(shared):
    seen = 0
    for path in sorted((shared / "data/files/feeds_dev").glob("*.json")):
        for entry in json.loads(path.read_text()):
            raw = str(entry.get("description") or "")
            if "<" not in raw or not re.search(r"<(?:p|br|a|img|div)\b", raw):
                continue
            tree = LexborHTMLParser(raw)
            for node in tree.css("script, style"):
                node.decompose()
            ours = Cleaner(["html"]).clean(raw).text
            wanted = (tree.body.text(separator=" ") if tree.body else "").split()
            assert "".join(ours.split()) == "".join(wanted)
            seen += 1
    if not seen:
        pytest.skip("no HTML among the feeds")


def test_furniture_is_cut_by_its_words_in_english_and_chinese():
    body = "Profit rose 5 %.\nThe board met."
    for line in (
        "Read more", "Continue reading at Reuters", "Share | Tweet | Email", "We use cookies to improve your experience.",
        "© 2021 Reuters. All rights reserved.", "Sent from my iPhone", "ADVERTISEMENT", "阅读全文 >>", "责任编辑：张三",
        "免责声明：本文仅供参考，不构成投资建议。", "投资有风险，入市需谨慎。", "分享到 微博 微信",
        "This e-mail is confidential and intended only for the addressee.",
    ):  # fmt: skip
        assert Cleaner(["boilerplate"]).clean(f"{body}\n{line}").text == body, line
    for line in ("Share price fell 3 %", "Read the report with care", "We use cash flow to value", "投资收益增长", "Copyright law changed in 2020 after a long fight over who owns what in the market of ideas and more words than fit in a mere copyright line of a page"):  # fmt: skip
        assert Cleaner(["boilerplate"]).clean(f"{body}\n{line}").text == f"{body}\n{line}", line


def test_heads_and_feet_of_pages_go_with_their_numbers_and_speakers_stay():
    page = "Q3 2021 Earnings Call\nWords of page {0} that say {1}.\nMore of it, and {1} again.\nStill {1}.\nOf {1}.\nOperator\nThat {1}.\nOn {1}.\nEven {1} more.\nThe end {1}.\nwww.example.com\n{0}\n"
    text = "".join(page.format(number, "x" * number) for number in range(1, 6))
    cleaned = Cleaner(["boilerplate"]).clean(text).text
    assert cleaned.count("Earnings Call") == 1
    assert cleaned.count("Operator") == 5
    assert "example.com" not in cleaned
    assert "Words of page 5" in cleaned
    assert not re.search(r"^\d$", cleaned, re.MULTILINE)


def test_lines_that_many_texts_of_an_import_begin_or_end_with_are_cut():
    texts = [f"ACME Newswire\nNews {n} of the day\nIt is {'x' * n} long\nFor media: call us" for n in range(30)]
    repeated = furniture.repeats(texts)
    cleaned = Cleaner(["boilerplate"], repeated=repeated).clean(texts[4]).text
    assert cleaned == "News 4 of the day\nIt is xxxx long"


def test_a_text_is_never_cut_to_nothing():
    assert Cleaner(["boilerplate"]).clean("Read more\nShare | Tweet").text == "Read more\nShare | Tweet"


def test_what_was_done_is_told():
    result = Cleaner(["html", "mojibake", "boilerplate"]).clean("<p>Itâ€™s</p>")
    assert (result.text, result.done) == ("It’s", {"mojibake": 1, "html": 2})
    assert Cleaner(["html"]).clean("plain").done == {}
    assert Step(markup.edits("<p>x</p>")).apply("<p>x</p>") == "x"

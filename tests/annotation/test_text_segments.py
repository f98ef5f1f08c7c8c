"""Segments tile the document; sentences end where they end, in English and Chinese."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.text.segments import HOWS, cut

PIECES = ["Profit rose", " ", "\n", "\n\n", ".", "!", "?", "。", "！", "”", "“", "Inc.", "3.5", "净利润", "…", "…", "\t", "\u3000", "and", ",", "A", "x" * 150]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


@given(TEXTS, st.sampled_from(HOWS), st.integers(100, 400))
def test_segments_tile_the_document(text, how, size):
    done = 0
    for start, end in cut(text, how, size):
        assert done <= start < end <= len(text)
        assert not text[done:start].strip()
        assert text[start:end] == text[start:end].strip()
        assert how != "passage" or end - start <= size
        done = end
    assert not text[done:].strip()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Apple Inc. said U.S. sales rose approx. 3.5 % to $1.2 bn. The company expects more.", ["Apple Inc. said U.S. sales rose approx. 3.5 % to $1.2 bn.", "The company expects more."]),
        ("It was bought by Acme Corp. The price is unknown.", ["It was bought by Acme Corp.", "The price is unknown."]),
        ("Acme Corp. Chairman J. P. Smith spoke. Mr. Li, e.g., did not.", ["Acme Corp. Chairman J. P. Smith spoke.", "Mr. Li, e.g., did not."]),
        ("He said: “Sell.” She did! Why? No one knows...", ["He said: “Sell.”", "She did!", "Why?", "No one knows..."]),
        ("See No. 5 of Sec. 3. It holds.", ["See No. 5 of Sec. 3.", "It holds."]),
        ("Yahoo! said so. 5 % is much. EPS was $.05 then.", ["Yahoo! said so.", "5 % is much.", "EPS was $.05 then."]),
        ("1. Risks\n2. Chances are good. They are.", ["1. Risks", "2. Chances are good.", "They are."]),
        ("净利润增长3.5%。公司表示：“前景良好。”股价上涨！真的？是", ["净利润增长3.5%。", "公司表示：“前景良好。”", "股价上涨！", "真的？", "是"]),
        ("（一）概述\n公司（000001.SZ）预计……增长2.0亿元；详见公告。", ["（一）概述", "公司（000001.SZ）预计……", "增长2.0亿元；详见公告。"]),
        ("The narrow column of this old filing wraps its lines\nbefore the sentence ends. New one.", ["The narrow column of this old filing wraps its lines\nbefore the sentence ends.", "New one."]),
        ("Heading\nSentence one.\nSentence two", ["Heading", "Sentence one.", "Sentence two"]),
        ("Sales fell 3 % vs. 2 % in Jan. 2020 and a.m. trading. OK.", ["Sales fell 3 % vs. 2 % in Jan. 2020 and a.m. trading.", "OK."]),
    ],
)  # fmt: skip
def test_sentences(text, wanted):
    assert [text[start:end] for start, end in cut(text, "sentence")] == wanted


def test_passages_keep_paragraphs_together_and_divide_long_ones_at_sentences():
    text = "One.\n\nTwo.\n\n" + "A sentence of some length. " * 20 + "\n\nLast."
    found = [text[start:end] for start, end in cut(text, "passage", 200)]
    assert found[0] == "One.\n\nTwo."
    assert all(part.endswith(".") for part in found)
    assert all(len(part) <= 200 for part in found)


@pytest.mark.parametrize("name", ["earnings_calls_a", "edgar_filings_a_10k"])
def test_real_documents_are_tiled(shared, name):
    path = shared / f"data/normalised/dev/{name}.jsonl"
    with path.open() as lines:
        for line, _ in zip(lines, range(10), strict=False):
            text = json.loads(line)["text"]
            for how in ("sentence", "passage"):
                found = cut(text, how, 1000)
                assert "".join("".join(text[start:end].split()) for start, end in found) == "".join(text.split())
                assert all(end - start <= 1000 for start, end in found) or how == "sentence"

"""Private data: what is found in both languages, what a finance text keeps, masking and its places."""

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.text.privacy import KINDS, Hit, find, mask


def found(text: str) -> list[tuple[str, str]]:
    return [(text[hit.start : hit.end], hit.kind) for hit in find(text)]


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("张三的身份证号是11010519491231002X，手机13812345678。", [("11010519491231002X", "resident_id"), ("13812345678", "mobile")]),
        ("身份证110105491231002（旧）", [("110105491231002", "resident_id")]),
        ("邮箱zhang.san@example.com或致电010-62345678", [("zhang.san@example.com", "email"), ("010-62345678", "phone")]),
        ("手机：+86 138-1234-5678", [("+86 138-1234-5678", "mobile")]),
        ("卡号6222 0212 3456 7890 128", [("6222 0212 3456 7890 128", "card")]),
        ("My card 4111 1111 1111 1111 was charged", [("4111 1111 1111 1111", "card")]),
        ("护照号E12345678，已过期", [("E12345678", "passport")]),
        ("Call (212) 555-0187 or +44 20 7946 0958.", [("(212) 555-0187", "phone"), ("+44 20 7946 0958", "phone")]),
        ("My SSN is 536904399, or 536-90-4399", [("536904399", "ssn"), ("536-90-4399", "ssn")]),
        ("IBAN DE89 3704 0044 0532 0130 00 please", [("DE89 3704 0044 0532 0130 00", "iban")]),
        ("from 192.168.1.254 and 2001:db8::8a2e:370:7334", [("192.168.1.254", "ip"), ("2001:db8::8a2e:370:7334", "ip")]),
        ("热线:[028-8675-6308]", [("028-8675-6308", "phone")]),
    ],
)  # fmt: skip
def test_what_is_found(text, hits):
    assert found(text) == hits


@pytest.mark.parametrize(
    "text",
    [
        "营业收入13812345678元，同比增长12.5%",
        "Revenue was USD 13812345678 in 2008-2009; net 1,234,567,890 shares.",
        "ISIN US0378331005, LEI 213800KUD8LAJWSQ9D15, CIK 0000320193, accession 0000320193-24-000010",
        "统一社会信用代码91110000600037341L，股票代码：600519，600519.SH、00700.HK",
        "See section 3.2.1.4 and version 2.10.3.1",
        "排放强度0.220.180.19千克",
        "11010519491231002Y 11010519491331002X 4111111111111112 DE89370400440532013001",
        "EBITDA 2010 2011 2012: 120.5 130.2 140.9 on 2024-05-31, 2024年5月31日",
        "Profit rose by 5 % to EUR 13.1 mn from EUR 8.7 mn.",
    ],
)
def test_what_a_finance_text_is_about_is_kept(text):
    assert found(text) == []


def test_the_same_value_has_the_same_number_and_places_move_along():
    text = "Mail a@b.com, c@d.org or A@B.com; fax (212) 555-0187."
    masked = mask(text, find(text))
    assert masked.text == "Mail [EMAIL_1], [EMAIL_2] or [EMAIL_1]; fax [PHONE_1]."
    for word in ("Mail", " or ", "; fax ", "."):
        start = text.rindex(word)
        end = start + len(word)
        assert masked.text[masked.place(start) : masked.place(end, is_end=True)] == word
    inside = text.index("b.com")
    assert masked.text[masked.place(inside) : masked.place(inside + 1, is_end=True)] == "[EMAIL_1]"


@pytest.mark.parametrize("hits", [[(0, 3), (2, 4)], [(3, 3)], [(0, 99)], [(-1, 2)]])
def test_hits_that_overlap_or_lie_outside_are_refused(hits):
    with pytest.raises(ValueError, match="overlaps another one or lies outside"):
        mask("0123456", [Hit(start, end, "email") for start, end in hits])


def test_only_the_kinds_that_are_wanted():
    text = "a@b.com 13812345678"
    assert [hit.kind for hit in find(text, kinds=["mobile"])] == ["mobile"]
    assert find(text, kinds=[]) == []


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(["a@b.com", "13812345678", "，", " ", "x", "11010519491231002X", "EUR 5", "\n", "𠀀", "+44 20 7946 0958", "4111111111111111", "."]), max_size=12).map("".join))  # fmt: skip
def test_hits_never_overlap_and_all_places_stay_in_order(text: str):
    hits = find(text)
    assert all(0 <= hit.start < hit.end <= len(text) and hit.kind in KINDS for hit in hits)
    assert all(one.end <= other.start for one, other in itertools.pairwise(hits))
    masked = mask(text, hits)
    places = [masked.place(at) for at in range(len(text) + 1)]
    assert places == sorted(places)
    assert places[-1] <= len(masked.text)
    # What lies outside of every hit is as it was.
    kept = [at for at in range(len(text)) if not any(hit.start <= at < hit.end for hit in hits)]
    assert [masked.text[masked.place(at)] for at in kept] == [text[at] for at in kept]


def test_hostile_texts_take_no_longer_than_others():
    for text in (
        "1" * 100_000,
        "a." * 50_000 + "@",
        "1-" * 50_000,
        "A1" * 50_000,
        "1:" * 50_000,
        "(0" * 50_000,
        "1 " * 50_000,
    ):
        assert isinstance(find(text), list)


def test_sets_of_amounts_hold_nothing_private(shared: Path):
    for name in (
        "fomc_stance",
        "numclaim_two_raters",
        "sentfin_entity_sentiment",
        "thucnews_titles",
        "stock_comments_zh",
    ):
        for line in (shared / f"data/normalised/dev/{name}.jsonl").open(encoding="utf-8"):
            assert found(json.loads(line)["text"]) == []

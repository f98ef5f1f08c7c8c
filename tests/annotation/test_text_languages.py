"""The language of a text, or honestly none."""

import json

import pytest

from annotation.text.languages import detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The company said that net profit rose by 5 % from a year earlier.", "en"),
        ("Net sales increased by 12 % in the third quarter.", "en"),
        ("Der Umsatz stieg im dritten Quartal um 5 Prozent.", "de"),
        ("Le chiffre d'affaires a augmenté de 3 % au premier trimestre.", "fr"),
        ("Liikevaihto kasvoi viime vuodesta viisi prosenttia.", "fi"),
        ("净利润同比增长 5%", "zh"),
        ("中国平安（Ping An）发布年度报告，净利润同比增长", "zh"),
        ("売上高は前年同期比で増加しました。", "ja"),
        ("매출액이 전년 동기 대비 증가했다", "ko"),
        ("Чистая прибыль компании выросла на пять процентов", "ru"),
        ("Apple", ""),
        ("Q3 EPS 1.20", ""),
        ("AAPL TSLA NVDA", ""),
        ("涨", ""),
        ("", ""),
        ("12345 67.8 %", ""),
        ("https://example.com/a/b", ""),
        ("公司公告 company announcement 年度报告 annual report results", ""),
    ],
)
def test_languages(text, language):
    assert detect(text) == language


@pytest.mark.parametrize(("name", "language"), [("financial_phrasebank", "en"), ("thucnews_titles", "zh"), ("esg_zh", "zh"), ("earnings_calls_a", "en")])  # fmt: skip
def test_real_texts_have_their_language_or_none(shared, name, language):
    with (shared / f"data/normalised/dev/{name}.jsonl").open() as lines:
        found = [detect(json.loads(line)["text"]) for line, _ in zip(lines, range(500), strict=False)]
    assert found.count(language) >= 0.9 * len(found)
    assert len(found) - found.count(language) - found.count("") <= 0.01 * len(found)

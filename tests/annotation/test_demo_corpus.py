"""The demo corpus is valid, balanced, varied and written by hand, and its guideline matches it."""

import itertools
import json
import re
import unicodedata
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "annotation" / "demo"
LABELS = {"positive", "neutral", "negative"}
TOPICS = {"earnings", "deals", "rates", "credit", "regulation", "operations", "governance", "service"}
REQUIRED = {"id", "text", "source_type", "language", "published_at", "label", "topic", "difficulty"}
OPTIONAL = {"title", "issuer", "rival", "why"}
LONG = {"en": 500, "zh": 180}
ZERO_WIDTH_JOINER = "\u200d"  # the one format character that belongs in the corpus: it glues emoji

Row = dict[str, str]


@pytest.fixture(scope="module")
def corpus() -> list[Row]:
    lines = (DEMO / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def share(rows: list[Row], field: str) -> dict[str, float]:
    return {value: count / len(rows) for value, count in Counter(row[field] for row in rows).items()}


def shingles(row: Row) -> set[tuple[str, ...]]:
    """Word trigrams in English, character 4-grams in Chinese; the whole text where it is shorter than one."""
    if row["language"] == "en":
        units, size = re.findall(r"\w+", row["text"].lower()), 3
    else:
        units, size = re.findall(r"\w", row["text"]), 4
    return {tuple(units[start : start + size]) for start in range(max(1, len(units) - size + 1))}


def alike(rows: list[Row], *, above: float) -> list[tuple[str, str]]:
    """Pairs of ids whose shingle sets have a Jaccard index above `above`, within each language."""
    found = []
    for language in sorted({row["language"] for row in rows}):
        sets = [(row["id"], shingles(row)) for row in rows if row["language"] == language]
        for (one, a), (other, b) in itertools.combinations(sets, 2):
            shared = len(a & b)
            if shared > above * (len(a) + len(b) - shared):
                found.append((one, other))
    return found


def bad_characters(text: str) -> list[str]:
    refused = {"Cc", "Cf", "Cs", "Co", "Cn"}
    return [c for c in text if unicodedata.category(c) in refused and c not in ("\n", ZERO_WIDTH_JOINER)]


def test_the_corpus_has_at_least_360_texts_with_unique_ids_and_texts(corpus: list[Row]) -> None:
    assert len(corpus) >= 360
    assert [row["id"] for row in corpus] == [f"demo-{number:03d}" for number in range(1, len(corpus) + 1)]
    assert len({row["text"] for row in corpus}) == len(corpus)


def test_each_row_has_the_required_fields_and_no_unknown_ones(corpus: list[Row]) -> None:
    for row in corpus:
        assert set(row) >= REQUIRED, row["id"]
        assert set(row) <= REQUIRED | OPTIONAL, row["id"]
        assert all(isinstance(value, str) and value == value.strip() and value for value in row.values()), row["id"]


def test_each_coded_field_holds_a_known_value(corpus: list[Row]) -> None:
    for row in corpus:
        assert row["source_type"] in {"news", "report", "feedback"}, row["id"]
        assert row["language"] in {"en", "zh"}, row["id"]
        assert row["label"] in LABELS, row["id"]
        assert row["topic"] in TOPICS, row["id"]
        assert row["difficulty"] in {"easy", "medium", "hard"}, row["id"]


def test_all_eight_topics_are_used_at_least_twenty_times(corpus: list[Row]) -> None:
    counts = Counter(row["topic"] for row in corpus)
    assert {topic for topic in TOPICS if counts[topic] >= 20} == TOPICS


def test_a_rival_label_stands_on_medium_and_hard_texts_and_a_reason_on_hard_ones(corpus: list[Row]) -> None:
    for row in corpus:
        assert ("rival" in row) == (row["difficulty"] != "easy"), row["id"]
        assert ("why" in row) == (row["difficulty"] == "hard"), row["id"]
        if "rival" in row:
            assert row["rival"] in LABELS - {row["label"]}, row["id"]


def test_the_text_is_in_normal_form_c_without_control_characters(corpus: list[Row]) -> None:
    for row in corpus:
        for field, value in row.items():
            assert unicodedata.is_normalized("NFC", value), (row["id"], field)
            assert bad_characters(value) == [], (row["id"], field)


def test_the_language_field_agrees_with_the_script(corpus: list[Row]) -> None:
    for row in corpus:
        assert bool(re.search(r"[\u4e00-\u9fff]", row["text"])) == (row["language"] == "zh"), row["id"]


def test_dates_lie_in_the_demo_year_in_order_and_touch_each_month(corpus: list[Row]) -> None:
    dates = [date.fromisoformat(row["published_at"]) for row in corpus]
    assert dates == sorted(dates)
    assert dates[0] >= date(2025, 11, 1)
    assert dates[-1] <= date(2026, 10, 31)
    per_month = Counter((day.year, day.month) for day in dates)
    assert len(per_month) == 12
    assert min(per_month.values()) >= 20


def test_about_three_texts_in_five_are_english(corpus: list[Row]) -> None:
    assert 0.55 <= share(corpus, "language")["en"] <= 0.65


def test_source_types_keep_their_shares(corpus: list[Row]) -> None:
    shares = share(corpus, "source_type")
    assert 0.40 <= shares["news"] <= 0.50
    assert 0.25 <= shares["report"] <= 0.35
    assert 0.20 <= shares["feedback"] <= 0.30


@pytest.mark.parametrize("value", ["en", "zh"])
def test_labels_are_balanced_in_each_language(corpus: list[Row], value: str) -> None:
    shares = share([row for row in corpus if row["language"] == value], "label")
    assert 0.32 <= shares["positive"] <= 0.40
    assert 0.30 <= shares["neutral"] <= 0.38
    assert 0.26 <= shares["negative"] <= 0.34


@pytest.mark.parametrize("value", ["news", "report", "feedback"])
def test_no_source_type_gives_its_label_away(corpus: list[Row], value: str) -> None:
    shares = share([row for row in corpus if row["source_type"] == value], "label")
    assert set(shares) == LABELS
    assert min(shares.values()) >= 0.25
    assert max(shares.values()) <= 0.42


def test_about_a_seventh_of_the_texts_is_hard(corpus: list[Row]) -> None:
    assert 0.12 <= share(corpus, "difficulty")["hard"] <= 0.18


def test_at_least_25_texts_are_long_and_each_label_has_some_of_them(corpus: list[Row]) -> None:
    long_rows = [row for row in corpus if len(row["text"]) > LONG[row["language"]]]
    assert len(long_rows) >= 25
    assert {label for label, count in Counter(row["label"] for row in long_rows).items() if count >= 6} == LABELS


def test_no_two_texts_are_built_from_one_template(corpus: list[Row]) -> None:
    assert alike(corpus, above=0.5) == []


def test_the_template_check_finds_a_text_with_one_word_changed(corpus: list[Row]) -> None:
    for language in ("en", "zh"):
        row = max((row for row in corpus if row["language"] == language), key=lambda row: len(row["text"]))
        copy = row | {"id": "copy", "text": row["text"][:-1] + "X"}
        assert (row["id"], "copy") in alike([*corpus, copy], above=0.5)


def test_the_corpus_exercises_what_offsets_and_fonts_find_hard(corpus: list[Row]) -> None:
    texts = "".join(row["text"] for row in corpus)
    assert any(ord(c) > 0x20000 for c in texts), "no character outside the basic plane"
    assert any(unicodedata.combining(c) for c in texts), "no combining mark that survives normalisation"
    assert {ZERO_WIDTH_JOINER, "\n", "亿", "%"} <= set(texts)


def test_every_named_issuer_of_news_is_in_its_text_or_title(corpus: list[Row]) -> None:
    for row in corpus:
        if row["source_type"] == "news" and "issuer" in row:
            head = row["issuer"].split()[0] if row["language"] == "en" else row["issuer"][:2]
            assert head.lower() in (row.get("title", "") + row["text"]).lower(), row["id"]


def test_the_guideline_numbers_its_rules_in_order_and_cites_only_rules_it_has() -> None:
    text = (DEMO / "guideline.en.md").read_text(encoding="utf-8")
    rules = re.findall(r"^\*\*Rule (\d+\.\d+)\.", text, flags=re.MULTILINE)
    assert len(rules) >= 20
    assert len(set(rules)) == len(rules)
    assert rules == sorted(rules, key=lambda rule: tuple(map(int, rule.split("."))))
    summary = text[text.index("## In short") :]
    cited = set(re.findall(r"Rule (\d+\.\d+)", text)) | set(re.findall(r"\b([1-8]\.[1-9])\b", summary))
    assert cited <= set(rules)


def test_the_guideline_names_each_label_and_gives_examples_in_both_languages() -> None:
    text = (DEMO / "guideline.en.md").read_text(encoding="utf-8")
    assert all(f"**{label}**" in text for label in LABELS)
    assert len(re.findall(r"“[^”]*[\u4e00-\u9fff][^”]*”", text)) >= 10


def test_the_chinese_guideline_has_the_same_rules_and_labels() -> None:
    english, chinese = ((DEMO / f"guideline.{language}.md").read_text(encoding="utf-8") for language in ("en", "zh"))
    number = r"^\*\*(?:Rule |规则 )(\d+\.\d+)"
    assert re.findall(number, chinese, flags=re.MULTILINE) == re.findall(number, english, flags=re.MULTILINE)
    assert chinese.startswith("# 中文\n")
    assert all(f"**{label}**" in chinese for label in LABELS)
    # White space that a line break would leave between two Chinese characters.
    assert not re.search(r"[\u4e00-\u9fff，。；]\n[\u4e00-\u9fff]", chinese)
    # CommonMark does not close emphasis between Chinese punctuation and a character.
    assert not re.search(r"[。？！”）]\*+[\u4e00-\u9fff]", chinese)

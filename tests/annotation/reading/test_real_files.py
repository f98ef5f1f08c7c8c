"""Files as others published them are read to the letter."""

import csv
import json
from pathlib import Path

import pytest

from annotation.reading import Unreadable, guess_mapping, sniff
from tests.annotation.reading.files import read, values


def real(shared, *parts) -> Path:
    path = shared.joinpath("data", *parts)
    if not path.exists():
        pytest.skip(f"{parts[-1]} is not on this machine")
    return path


def test_the_raw_phrasebank_is_read_as_it_was_published(shared):
    path = real(shared, "files", "financial_phrasebank", "Sentences_AllAgree.txt")
    sniffed = sniff(path)
    assert (sniffed.format, sniffed.encoding, sniffed.delimiter) == ("txt", "cp1252", "@")
    for encoding in (sniffed.encoding, "latin-1"):
        found = read(path, "txt", encoding=encoding, delimiter="@", columns=["text", "label"])
        assert len(found) == len(values(found)) == 2264
        counts = {
            label: sum(row["label"] == label for row in values(found)) for label in ("positive", "neutral", "negative")
        }
        assert counts == {"positive": 570, "neutral": 1391, "negative": 303}
    assert any("ä" in row["text"] for row in values(found))


def test_the_workbook_of_two_raters_is_read(shared):
    path = real(shared, "files", "numclaim_two_raters", "gold_arpts_non_author_annotation.xlsx")
    sniffed = sniff(path)
    assert guess_mapping(sniffed.columns, sniffed.preview) == {"text": "text", "label": "our_true_label"}
    found = read(path, "xlsx")
    assert len(values(found)) == len(found) == 1345
    assert sum(row["our_true_label"] == "1" for row in values(found)) == 257
    assert {row["label_non_author"] for row in values(found)} == {"0", "1", "DBT"}


def test_the_chinese_workbook_is_read(shared):
    path = real(shared, "files", "esg_zh", "esgdata.xlsx")
    assert sniff(path).sheets == ["Sheet1", "Sheet2", "Sheet3"]
    found = read(path, "xlsx")
    assert len(values(found)) == len(found) == 8471
    assert list(found[0].values) == ["sentences", "label", "quality"]


def test_an_old_workbook_under_a_new_name_is_refused_in_words(shared):
    with pytest.raises(Unreadable, match="old Excel"):
        sniff(real(shared, "files", "esg_zh", "esgtree.xlsx"))


def test_the_app_reviews_are_read_with_all_their_scripts(shared):
    path = real(shared, "files", "bank_app_reviews", "clean_bank_reviews.csv")
    sniffed = sniff(path)
    assert (sniffed.format, sniffed.encoding, sniffed.delimiter, sniffed.warnings) == ("csv", "utf-8", ",", [])
    found = read(path, "csv")
    with path.open(encoding="utf-8", newline="") as file:
        assert [list(row.values.values()) for row in found] == list(csv.reader(file))[1:]
    assert any("\u1200" <= letter <= "\u137f" for row in values(found) for letter in row["review"])


@pytest.mark.parametrize("name", ["climate_fever_votes", "edgar_filings_a_10k", "bank_app_reviews"])
def test_normalised_lines_are_read_to_the_letter(shared, name):
    path = real(shared, "normalised", "dev", f"{name}.jsonl")
    lines = path.read_text("utf-8").split("\n")
    assert values(read(path, "jsonl")) == [json.loads(line) for line in lines if line]


@pytest.mark.parametrize(
    ("parts", "format", "count"),
    [
        (("fiqa_sentiment", "test.json"), "json", 230),
        (("fincuge_finfe_train", "train_list.json.gz"), "json", 16_157),
        (("ocnli_dev", "dev.json.gz"), "jsonl", 3_000),
        (("thucnews_titles", "test.txt.gz"), "txt", 10_000),
        (("gold_commodity_headlines", "gold-dataset-sinha-khandait.csv.gz"), "csv", 10_570),
        (("cfpb_complaints_a", "complaints_sample.csv.gz"), "csv", 2_085),
    ],
)
def test_real_files_of_other_shapes_give_all_their_rows(shared, parts, format, count):
    path = real(shared, "files", *parts)
    sniffed = sniff(path)
    assert sniffed.format == format
    columns = sniffed.columns if format == "txt" else None
    found = read(path, format, encoding=sniffed.encoding, delimiter=sniffed.delimiter, columns=columns)
    assert len(values(found)) == len(found) == count

"""Columns are guessed by their names, the text by its length."""

import pytest

from annotation.reading import guess_mapping


@pytest.mark.parametrize(
    ("columns", "mapping"),
    [
        (["id", "text", "label"], {"id": "id", "text": "text", "label": "label"}),
        (["编号", "标题", "正文", "类别", "日期", "来源", "公司", "链接", "语言"],
         {"id": "编号", "title": "标题", "text": "正文", "label": "类别", "published_at": "日期",
          "source_type": "来源", "issuer": "公司", "url": "链接", "language": "语言"}),
        (["Headline", "Link", "Pub Date", "Ticker"],
         {"text": "Headline", "url": "Link", "published_at": "Pub Date", "issuer": "Ticker"}),
        (["our_true_label", "text", "split", "annotations"],
         {"label": "our_true_label", "text": "text", "split": "split", "annotations": "annotations"}),
        (["doc_id", "Sentiment", "Sentence", "type", "lang", "time", "company", "url"],
         {"id": "doc_id", "label": "Sentiment", "text": "Sentence", "source_type": "type", "language": "lang",
          "published_at": "time", "issuer": "company", "url": "url"}),
        ([], {}),
    ],
)  # fmt: skip
def test_columns_are_guessed_by_their_names(columns, mapping):
    assert guess_mapping(columns, [dict.fromkeys(columns, "x")]) == mapping


def test_the_longest_column_is_the_text_where_no_name_says_so():
    preview = [{"a": "1", "Q": "What is the dividend policy of the firm?", "title": "Dividends", "n": 5}]
    assert guess_mapping(["a", "Q", "title", "n"], preview) == {"text": "Q", "title": "title"}
    assert guess_mapping(["a", "title"], preview) == {"text": "title"}

"""Guesses which column of a table holds which field, by common English and Chinese names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

# The earlier name wins; a column is used once.
_FIELD_NAMES = {
    "text": "text sentence sentences content body document review comment message narrative post tweet"
    " 正文 文本 内容 句子 评论 原文",
    "id": "id doc_id document_id item_id text_id uid uuid guid 编号 序号 key index idx file",
    "title": "title headline subject 标题 题目",
    "label": "label labels sentiment class category gold gold_label target 标签 类别 情感 分类 rating stars",
    "annotations": "annotations annotation votes 标注",
    "split": "split subset fold partition 划分",
    "published_at": "published_at published publish_date pub_date pubdate date dates datetime time timestamp created_at"
    " filing_date 发布时间 发布日期 日期 时间",
    "source_type": "source_type type source 来源类型 类型 来源 渠道",
    "language": "language lang locale 语言 语种",
    "issuer": "issuer company company_name ticker symbol bank 发行人 公司 公司名称 股票代码",
    "url": "url link href uri 链接 网址",
}
_BY_WORD = ("text", "label", "published_at")  # fields also known by one word of a longer name, as in `our_true_label`


def guess_mapping(columns: Sequence[str], preview: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Guess which column holds which field, by common English and Chinese names; fields without a column are left out.

    Fields: id, text, title, source_type, language, published_at, issuer, url, label, annotations, split. Where no name
    tells the text, it is the column with the longest strings in `preview`, a title too if it is the longest.
    """
    plain = {column: re.sub(r"[\s\-.]+", "_", column.strip().casefold()) for column in columns}
    mapping: dict[str, str] = {}
    for by_word in (False, True):
        for name, known in _FIELD_NAMES.items():
            free = [column for column in columns if column not in mapping.values()]
            if name not in mapping and (not by_word or name in _BY_WORD):
                found = _named(free, plain, known.split(), by_word=by_word)
                mapping.update({name: found} if found else {})
    if "text" not in mapping:
        free = [column for column in columns if column not in mapping.values() or column == mapping.get("title")]
        longest = max(free, key=lambda column: _mean_length(column, preview), default=None)
        if longest is not None and longest == mapping.get("title"):
            del mapping["title"]
        mapping.update({"text": longest} if longest is not None else {})
    return mapping


def _named(columns: list[str], plain: dict[str, str], known: list[str], *, by_word: bool) -> str | None:
    for word in known:
        for column in columns:
            if plain[column] == word or (by_word and word in plain[column].split("_")):
                return column
    return None


def _mean_length(column: str, preview: Sequence[dict[str, Any]]) -> float:
    lengths = [len(value) for row in preview if isinstance(value := row.get(column), str)]
    return sum(lengths) / len(lengths) if lengths else 0.0

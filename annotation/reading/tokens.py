"""Reads files with a token and its tag on each line (CoNLL, BIO, BIOES, BMES), or such a table, as texts with marks."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from annotation.reading import delimited, limits
from annotation.reading.lines import lines_of
from annotation.reading.row import Options, Row, Unreadable, at
from annotation.text.words import _

# What the columns of a table of tokens are called; without a sentence or document it is no such table.
TOKEN = ("token", "word", "gold_token", "词", "字")
TAG = ("tag", "ner", "ner_tag", "label", "gold_label", "bio", "iob", "标签")
SENTENCE = ("sentence", "sentence_id", "sentence_idx", "sent_id", "sent_idx", "sentence #", "句子")
DOCUMENT = ("document", "document_id", "document_idx", "doc", "doc_id", "doc_idx", "文档")
OUT = ("O", "o", "0", "")
FIRST = re.compile(r"([BIESMLU])[-_](.+)", re.DOTALL)
LAST = re.compile(r"(.+)[-_]([BIESMLU])", re.DOTALL)
# B and I as CoNLL has them, E and S or L and U for last and single, M for middle.
BEGINS, ENDS = "BSU", "ESLU"
LINE = re.compile(r"\S+(?:[ \t]+\S+)*[ \t]+(O|[BIESMLU][-_]\S+|\S+[-_][BIESMLU])")
COMMENT = re.compile(r"#\s*(\S[^=]*?)\s*=\s*(.*)")
DOCUMENT_STARTS = "-DOCSTART-"
# Han, kana and wide punctuation: between two of them stands no blank.
DENSE = re.compile("[\u2e80-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]")  # fmt: skip
# Tokens of one sentence, which is held in memory.
MOST = 100_000
# Sentences and lines by which it is told whether a token is a character, or a file such a file.
PEEKED, LOOKED = 100, 400
SURE = 0.95


class Sentence(NamedTuple):
    """(token, tag) of a sentence, its first line, what else is known of it, and what is wrong with it."""

    number: int
    tokens: list[tuple[str, str]]
    facts: dict[str, str]
    problem: str | None = None


class Columns(NamedTuple):
    """Where a table of tokens has what; groups: the name of a fact and the place of its column."""

    delimiter: str
    token: int
    tag: int
    groups: tuple[tuple[str, int], ...]


def looks_like(text: str) -> bool:
    """Whether a text begins as a file of tokens: a header that names them, or lines that end with tags."""
    lines = [line for line in text[: limits.HEAD // 4].splitlines()[:LOOKED] if line.strip()]
    if lines and columns_of(lines[0]):
        return True
    told = [LINE.fullmatch(line.strip()) for line in lines[:-1] if not line.startswith("#")]
    tags = [found[1] for found in told if found]
    return len(tags) > 4 and len(tags) > SURE * len(told) and any(tag != "O" for tag in tags)


def columns_of(header: str) -> Columns | None:
    """The columns of a table of tokens, by its header; None for anything else."""
    for delimiter in "\t,;|":
        names = [name.strip().strip('"').strip().casefold() for name in header.lstrip("\ufeff").split(delimiter)]
        token, tag, sentence, document = (_first(names, known) for known in (TOKEN, TAG, SENTENCE, DOCUMENT))
        groups = [
            (name, place) for name, place in (("document", document), ("sentence", sentence)) if place is not None
        ]
        if token is not None and tag is not None and groups:
            return Columns(delimiter, token, tag, tuple(groups))
    return None


def _first(names: Sequence[str], known: Sequence[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)


def rows(path: Path, options: Options) -> Iterator[Row]:
    """A row {text, spans} for each sentence, with `document`, `sentence` and what its comments say beside it.

    Tokens stand with blanks between them, Chinese and Japanese ones without; where every token is one character,
    nothing is put between any. A sentence with a broken line is a problem of that line.
    """
    first = next((line.text for line in lines_of(path, options) if line.text.strip()), None)
    if first is None:
        raise Unreadable(_("The file is empty."))
    columns = columns_of(first)
    sentences = _of_table(path, options, columns) if columns else _of_lines(path, options)
    head = list(_beginning(sentences))
    dense = _is_by_character(head)
    for sentence in itertools.chain(head, sentences):
        if sentence.problem:
            yield Row(sentence.number, None, sentence.problem)
        else:
            yield Row(sentence.number, _values(sentence, options.tags, dense=dense), None)


def _beginning(sentences: Iterator[Sentence]) -> Iterator[Sentence]:
    """As many sentences as tell whether a token is a character."""
    seen = 0
    for sentence in itertools.islice(sentences, PEEKED):
        yield sentence
        seen += len(sentence.tokens)
        if seen > MOST:
            return


def _of_lines(path: Path, options: Options) -> Iterator[Sentence]:
    """The sentences of a file with blank lines between them."""
    now = Sentence(0, [], {})
    for line in lines_of(path, options):
        words = line.text.strip(" \t")
        if line.problem:
            now = now._replace(number=now.number or line.number, problem=now.problem or line.problem)
        elif not words:
            if now.tokens or now.problem:
                yield now
            now = Sentence(0, [], {})
        elif not now.tokens and (comment := COMMENT.fullmatch(words)):
            now.facts[comment[1]] = comment[2]
        elif not words.startswith(DOCUMENT_STARTS):
            now = _with_line(now, line.text, line.number)
    if now.tokens or now.problem:
        yield now


def _with_line(sentence: Sentence, text: str, number: int) -> Sentence:
    sentence = sentence if sentence.number else sentence._replace(number=number)
    cells = text.strip(" ").split("\t") if "\t" in text.strip() else text.strip(" \t").split()
    if len(cells) < 2 or not cells[0]:
        problem = at("Line", number, _("it needs a token and its tag, with a blank or a tab between them."))
        return sentence._replace(problem=sentence.problem or problem)
    return _with_token(sentence, cells[0], cells[-1].strip())


def _with_token(sentence: Sentence, token: str, tag: str) -> Sentence:
    """The sentence with one more token, or with the problem that it has far too many."""
    if sentence.problem:
        return sentence
    sentence.tokens.append((token, tag))
    if len(sentence.tokens) <= MOST:
        return sentence
    problem = _("more than {most} tokens without an end of the sentence. Put blank lines between sentences.")
    return sentence._replace(tokens=[], problem=at("Line", sentence.number, problem.format(most=f"{MOST:,}")))


def _of_table(path: Path, options: Options, columns: Columns) -> Iterator[Sentence]:
    """The sentences of a table: rows of one document and sentence; an empty cell goes on with the one above."""
    records = delimited.records(path, dataclasses.replace(options, delimiter=columns.delimiter))
    next(records, None)
    now = Sentence(0, [], {})
    for record in records:
        problem = record.problem
        width = max(columns.token, columns.tag, *(place for _name, place in columns.groups))
        if not problem and len(record.cells) <= width:
            problem = at("Line", record.number, _("it has fewer cells than the header names."))
        given = {} if problem else {name: record.cells[place].strip() for name, place in columns.groups}
        facts = {name: given.get(name) or now.facts.get(name, "") for name, _place in columns.groups}
        if now.number and facts != now.facts:
            yield now
            now = Sentence(0, [], {})
        if not now.number:
            now = Sentence(record.number, [], facts)
        if problem:
            now = now._replace(problem=now.problem or problem)
        elif record.cells[columns.token]:
            now = _with_token(now, record.cells[columns.token], record.cells[columns.tag].strip())
    if now.number:
        yield now


def _is_by_character(sentences: Iterable[Sentence]) -> bool:
    """Whether every token is a character, as Chinese files have it, numbers and foreign words too."""
    tokens = [token for sentence in sentences for token, _tag in sentence.tokens]
    single = sum(len(token) == 1 for token in tokens)
    return bool(tokens) and single >= SURE * len(tokens) and any(DENSE.match(token) for token in tokens)


def _values(sentence: Sentence, tags: Mapping[str, str], *, dense: bool) -> dict[str, Any]:
    """The text of a sentence and its marks."""
    text = ""
    marks: list[dict[str, Any]] = []
    is_open = False
    for token, tag in sentence.tokens:
        if text and not dense and not (DENSE.match(text[-1]) and DENSE.match(token[0])):
            text += " "
        start, text = len(text), text + token
        place, label = _taken_apart(tags.get(tag, tag))
        if not label:
            is_open = False
            continue
        goes_on = is_open and marks[-1]["label"] == label and place not in BEGINS
        if goes_on:
            marks[-1]["end"] = len(text)
        else:
            marks.append({"start": start, "end": len(text), "label": label})
        is_open = place not in ENDS
    for mark in marks:
        mark["text"] = text[mark["start"] : mark["end"]]
    facts = {name: value for name, value in sentence.facts.items() if value and name not in ("text", "spans")}
    return {"text": text, "spans": marks, **facts}


def is_tag(tag: str) -> bool:
    """Whether it is B-ORG, ORG_B or the like."""
    return FIRST.fullmatch(tag) is not None or LAST.fullmatch(tag) is not None


def marked(tokens: list[tuple[str, str]]) -> dict[str, Any]:
    """{text, spans} of one sentence's tokens and tags."""
    sentence = Sentence(0, [(token, tag) for token, tag in tokens if token], {})
    return _values(sentence, {}, dense=_is_by_character([sentence]))


def _taken_apart(tag: str) -> tuple[str, str]:
    """(place, label) of B-ORG, ORG_B or a bare ORG, which goes on as I does; an empty label for O."""
    if tag in OUT:
        return "", ""
    if found := FIRST.fullmatch(tag):
        return found[1], found[2]
    if found := LAST.fullmatch(tag):
        return found[2], found[1]
    return "I", tag

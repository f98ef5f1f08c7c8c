"""PURE. spaCy's DocBin, byte for byte as spaCy 3 writes it, without spaCy, which would bring torch into the worker."""

from __future__ import annotations

import functools
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import msgpack
import numpy as np

from annotation.reading.docbin import hash_of
from evaluation.formats.release import File, Question, Release, Row, Rows, answer, label_names
from evaluation.formats.words import Tagged, Token, covered, cut_at, flat, note_losses, tokens_of

# Documents in a file; spaCy reads a folder of them as one corpus.
DOCS = 5_000
# Numbers of spaCy's attributes (spacy.attrs): ORTH, ENT_IOB, ENT_TYPE, ENT_KB_ID.
ORTH, ENT_IOB, ENT_TYPE, ENT_KB_ID = 65, 77, 78, 452
ATTRS = (ORTH, ENT_IOB, ENT_TYPE, ENT_KB_ID)
MISSING, INSIDE, OUTSIDE, BEGINS = 0, 1, 2, 3
# Where spaCy's span categoriser looks for marks, which may overlap there.
GROUP = "sc"
# Labels and frequent words come again and again.
string_hash = functools.lru_cache(maxsize=50_000)(hash_of)


def write(release: Release, rows: Rows) -> Iterator[File]:
    """data/SPLIT/00000.spacy …: marks as entities and as the span group “sc”, labels as categories."""
    (question,) = release.asked
    for split, count in release.counts.items():
        found = rows(split)
        for part in range(max(1, -(-count // DOCS))):
            yield File(f"data/{split}/{part:05d}.spacy", _lazily(release, question, islice(found, DOCS)))


def _lazily(release: Release, question: Question, rows: Iterable[Row]) -> Iterator[bytes]:
    yield docbin(release, question, rows)


def docbin(release: Release, question: Question, rows: Iterable[Row]) -> bytes:
    """The bytes of one DocBin with a document for each row."""
    tokens: list[Any] = []
    spaces: list[bool] = []
    lengths, cats, flags, groups, facts = [], [], [], [], []
    strings = {""}
    for row in rows:
        value = answer(row, question)
        marks = (value or []) if question["kind"] == "spans" else []
        words, blanks = _words(release, row["text"], marks)
        if not words:
            release.lost("no_words")
            continue
        known = value is not None and question["kind"] == "spans"
        table, group = _tagged(release, words, marks, known=known)
        table[:, 0] = [string_hash(row["text"][start:end]) for start, end in words]
        tokens.append(table)
        spaces += blanks
        lengths.append(len(words))
        cats.append(_categories(question, value))
        flags.append({"has_unknown_spaces": False})
        groups.append(group)
        # What spaCy hands back as doc.user_data.
        facts.append(msgpack.packb({"id": row["id"], "split": row["split"]}))
        strings.update(row["text"][start:end] for start, end in words)
        strings.update(mark["label"] for mark in marks)
        strings.update(mark["link"] for mark in marks if "link" in mark)
    message = {
        "version": "0.1",
        "attrs": list(ATTRS),
        "tokens": np.vstack(tokens).tobytes() if tokens else b"",
        "spaces": np.array(spaces, dtype=bool).tobytes(),
        "lengths": np.array(lengths, dtype="<i4").tobytes(),
        "strings": sorted(strings),
        "cats": cats,
        "flags": flags,
        "span_groups": groups,
        "user_data": facts,
    }
    return zlib.compress(msgpack.packb(message))


def _words(release: Release, text: str, marks: Sequence[dict[str, Any]]) -> tuple[list[Token], list[bool]]:
    """Tokens that give the text again, character for character, and whether one blank follows each.

    A token may have one blank behind it; every other blank is a token of its own, as spaCy's tokenizer has it.
    """
    found, cuts = cut_at(tokens_of(text), marks)
    if not found:
        return [], []
    release.lost("cut_token", cuts)
    note_losses(release, marks, links=False)
    words: list[Token] = []
    blanks: list[bool] = []
    at = 0
    for token in [*found, Token(len(text), len(text))]:
        gap = text[at : token.start]
        if words and gap[:1] == " ":
            blanks[-1] = True
            at, gap = at + 1, gap[1:]
        if gap:
            words.append(Token(at, token.start))
            blanks.append(False)
        if token.start < token.end:
            words.append(token)
            blanks.append(False)
        at = token.end
    return words, blanks


def _tagged(release: Release, words: list[Token], marks: Sequence[dict[str, Any]], *, known: bool) -> tuple[Any, bytes]:
    """The table of tokens x attributes, but for the words themselves; and all marks as a span group."""
    table = np.zeros((len(words), len(ATTRS)), dtype="<u8")
    table[:, 1] = OUTSIDE if known else MISSING
    tagged = covered(words, marks)
    release.lost("without_words", len(marks) - len(tagged))
    kept = flat(tagged)
    for first, last, mark in kept:
        table[first : last + 1, 1] = INSIDE
        table[first, 1] = BEGINS
        table[first : last + 1, 2] = string_hash(mark["label"])
        table[first : last + 1, 3] = string_hash(mark.get("link", ""))
    return table, _group(words, tagged) if known else b""


def _group(words: list[Token], tagged: list[Tagged]) -> bytes:
    """SpanGroups.to_bytes: a list of (group, its keys)."""
    spans = [
        struct.pack(
            ">QQQllll",
            0,
            string_hash(mark.get("link", "")),
            string_hash(mark["label"]),
            first,
            last + 1,
            words[first].start,
            words[last].end,
        )
        for first, last, mark in tagged
    ]
    packed: bytes = msgpack.packb({msgpack.packb({"name": GROUP, "attrs": {}, "spans": spans}): [GROUP]})
    return packed


def _categories(question: Question, value: Any) -> dict[str, float]:
    """1.0 for each label that was given, 0.0 for the others; nothing where nothing is known."""
    if question["kind"] == "spans" or value is None:
        return {}
    given = {value} if isinstance(value, str) else set(value)
    return {name: float(name in given) for name in label_names(question)}

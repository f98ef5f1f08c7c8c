"""Reads spaCy's DocBin (.spacy): msgpack in zlib, with words as hashes; spaCy itself is not needed.

The form is that of spacy/tokens/_serialize.py and span_group.pyx (spaCy 3): `tokens` are rows of uint64 in the order of
`attrs`, `strings` all words, whose hash is MurmurHash64A with seed 1, but for the symbols that have a number of their own.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgpack
import numpy as np
from numpy.typing import NDArray

from annotation.reading import limits
from annotation.reading.opening import chunks_of
from annotation.reading.row import Options, Row, Unreadable, at
from annotation.text.words import _, gettext_noop

ORTH, ENT_IOB, ENT_TYPE = 65, 77, 78
INSIDE, BEGIN = 1, 3
SPAN = struct.Struct(">QQQllll")
LIKELY = 0.5
MAX_DOCBIN = 512 * 1024**2  # bytes that one may unpack to; it is held in memory
MAX_STRINGS = 5_000_000
_DAMAGED = gettext_noop("The file is no whole .spacy file (DocBin of spaCy 3); write it again with DocBin.to_disk.")

# Words that spaCy has numbers for (spacy/symbols.pxd): the first word of a line has the number before it.
_SYMBOLS = (
    (1, "IS_ALPHA IS_ASCII IS_DIGIT IS_LOWER IS_PUNCT IS_SPACE IS_TITLE IS_UPPER LIKE_URL LIKE_NUM LIKE_EMAIL IS_STOP"
        " IS_OOV_DEPRECATED IS_BRACKET IS_QUOTE IS_LEFT_PUNCT IS_RIGHT_PUNCT IS_CURRENCY"),
    (19, " ".join(f"FLAG{number}" for number in range(19, 64))),
    (104, " ".join(f"DEPRECATED{number:03}" for number in range(1, 277))),
    (64, "ID ORTH LOWER NORM SHAPE PREFIX SUFFIX LENGTH CLUSTER LEMMA POS TAG DEP ENT_IOB ENT_TYPE HEAD SENT_START SPACY"
         " PROB LANG ADJ ADP ADV AUX CONJ CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X EOL SPACE"),
    (380, "PERSON NORP FACILITY ORG GPE LOC PRODUCT EVENT WORK_OF_ART LANGUAGE LAW DATE TIME PERCENT MONEY QUANTITY"
          " ORDINAL CARDINAL acomp advcl advmod agent amod appos attr aux auxpass cc ccomp complm conj cop csubj"
          " csubjpass dep det dobj expl hmod hyph infmod intj iobj mark meta neg nmod nn npadvmod nsubj nsubjpass num"
          " number oprd obj obl parataxis partmod pcomp pobj poss possessive preconj prep prt punct quantmod relcl rcmod"
          " root xcomp acl ENT_KB_ID MORPH ENT_ID IDX _"),
)  # fmt: skip
SYMBOLS = {"": 0} | {word: first + place for first, words in _SYMBOLS for place, word in enumerate(words.split())}
_WHOLE = 2**64 - 1
_M, _R = 0xC6A4A7935BD1E995, 47


def hash_of(word: str) -> int:
    """The number that stands for a word in the tokens."""
    return SYMBOLS[word] if word in SYMBOLS else murmur(word.encode("utf-8", "surrogatepass"))


def murmur(data: bytes, seed: int = 1) -> int:
    """MurmurHash64A (Appleby)."""
    value = (seed ^ (len(data) * _M)) & _WHOLE
    whole = len(data) // 8 * 8
    for (part,) in struct.iter_unpack("<Q", data[:whole]):
        part = part * _M & _WHOLE
        value = ((value ^ ((part ^ part >> _R) * _M & _WHOLE)) * _M) & _WHOLE
    if tail := data[whole:]:
        value = ((value ^ int.from_bytes(tail, "little")) * _M) & _WHOLE
    value = ((value ^ value >> _R) * _M) & _WHOLE
    return value ^ value >> _R


class _Doc(NamedTuple):
    """One document as it is packed."""

    tokens: NDArray[np.uint64]
    spaces: NDArray[np.bool_]
    cats: Any
    flags: Any
    groups: Any
    facts: Any


def rows(path: Path, options: Options) -> Iterator[Row]:
    """A row {text, spans, label} for each document: entities and span groups as marks, categories as labels."""
    options.told.tool = "spaCy"
    packed = _unpacked(path, options)
    try:
        attrs = [int(one) for one in packed["attrs"]]
        words = {hash_of(word): word for word in packed["strings"] if isinstance(word, str)}
        docs = list(_docs(packed, len(attrs)))
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, AttributeError) as error:
        raise Unreadable(_(_DAMAGED)) from error
    if ORTH not in attrs:
        raise Unreadable(_(_DAMAGED))
    for number, doc in enumerate(docs, 1):
        options.work.spend(limits.STEP * (1 + len(doc.tokens)))
        try:
            yield _row(number, doc, attrs, words, options)
        except (KeyError, TypeError, ValueError, IndexError, struct.error, OverflowError, msgpack.UnpackException):
            yield Row(number, None, at("Record", number, _("the document is damaged. Write it again.")))
    if not docs:
        raise Unreadable(_("The file holds no rows."))


def _unpacked(path: Path, options: Options) -> dict[str, Any]:
    """The msgpack object; raises Unreadable for anything else, or for one that unpacks to too much."""
    unpacking = zlib.decompressobj()
    parts, size = [], 0
    try:
        for chunk in chunks_of(path):
            while chunk:
                part = unpacking.decompress(chunk, limits.CHUNK * 4)
                size += len(part)
                options.work.spend(len(part) // 8)
                if size > MAX_DOCBIN:
                    sentence = _("The file unpacks to more than {size}; write it as several .spacy files.")
                    raise Unreadable(sentence.format(size=limits.size(MAX_DOCBIN)))
                parts.append(part)
                chunk = unpacking.unconsumed_tail
        if not unpacking.eof:
            raise Unreadable(_(_DAMAGED))
        found = msgpack.unpackb(
            b"".join(parts), raw=False, strict_map_key=False, max_array_len=MAX_STRINGS, max_map_len=MAX_STRINGS,
            unicode_errors="surrogateescape",
        )  # fmt: skip
    except (zlib.error, ValueError, msgpack.exceptions.UnpackException, RecursionError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(_(_DAMAGED)) from error
    if not isinstance(found, dict) or not isinstance(found.get("strings"), list):
        raise Unreadable(_(_DAMAGED))
    return found


def _docs(packed: dict[str, Any], width: int) -> Iterator[_Doc]:
    lengths = np.frombuffer(packed["lengths"], "<i4")
    tokens = np.frombuffer(packed["tokens"], "<u8").reshape(-1, width)
    spaces = np.frombuffer(packed["spaces"], bool)
    if (lengths < 0).any() or int(lengths.sum(dtype=np.int64)) != len(tokens) or len(spaces) != len(tokens):
        raise ValueError
    count = len(lengths)
    lists = [_filled(packed.get(name), count) for name in ("cats", "flags", "span_groups", "user_data")]
    at_ = 0
    for place, length in enumerate(map(int, lengths)):
        told = (found[place] for found in lists)
        yield _Doc(tokens[at_ : at_ + length], spaces[at_ : at_ + length], *told)
        at_ += length


def _filled(given: Any, count: int) -> Sequence[Any]:
    return given if isinstance(given, list) and len(given) == count else [None] * count


def _row(number: int, doc: _Doc, attrs: list[int], words: dict[int, str], options: Options) -> Row:
    spoken = [words[int(one)] for one in doc.tokens[:, attrs.index(ORTH)]]
    unknown = isinstance(doc.flags, dict) and doc.flags.get("has_unknown_spaces")
    starts, text = [], ""
    parts: list[str] = []
    size = 0
    for word, space in zip(spoken, doc.spaces, strict=True):
        starts.append(size)
        parts.append(word + (" " if space or unknown else ""))
        size += len(parts[-1])
    text = "".join(parts)
    ends = [start + len(word) for start, word in zip(starts, spoken, strict=True)]
    marks = [*_entities(doc, attrs, words, starts, ends), *_groups(doc, words, starts, ends, options)]
    for mark in marks:
        mark["text"] = text[mark["start"] : mark["end"]]
    values: dict[str, Any] = {**_facts(doc.facts), "text": text}
    if marks or (ENT_IOB in attrs and doc.tokens[:, attrs.index(ENT_IOB)].any()):  # 0: nobody has looked for any
        values["spans"] = marks
    if isinstance(doc.cats, dict) and doc.cats:
        chosen = [str(label) for label, score in doc.cats.items() if isinstance(score, (int, float)) and score >= LIKELY]  # fmt: skip
        values["label"] = chosen[0] if len(chosen) == 1 else chosen
    if not text.strip():
        return Row(number, None, at("Record", number, _("the document is empty. Leave it out.")))
    return Row(number, values, None)


def _facts(packed: Any) -> dict[str, str]:
    """id and split, where the document's user data names them, as our own export does."""
    try:
        found = msgpack.unpackb(packed, raw=False, strict_map_key=False) if isinstance(packed, bytes) else None
    except (ValueError, msgpack.exceptions.UnpackException, RecursionError):
        return {}
    told = found if isinstance(found, dict) else {}
    return {name: told[name] for name in ("id", "split") if isinstance(told.get(name), str)}


def _entities(
    doc: _Doc, attrs: list[int], words: dict[int, str], starts: list[int], ends: list[int]
) -> list[dict[str, Any]]:
    if ENT_IOB not in attrs or ENT_TYPE not in attrs:
        return []
    places, names = doc.tokens[:, attrs.index(ENT_IOB)], doc.tokens[:, attrs.index(ENT_TYPE)]
    marks: list[dict[str, Any]] = []
    is_open = False
    for token, (place, name) in enumerate(zip(map(int, places), map(int, names), strict=True)):
        if place == INSIDE and is_open and marks[-1]["label"] == words.get(name):
            marks[-1]["end"] = ends[token]
        elif place in (INSIDE, BEGIN) and words.get(name):
            marks.append({"start": starts[token], "end": ends[token], "label": words[name]})
            is_open = True
        else:
            is_open = False
    return marks


def _groups(
    doc: _Doc, words: dict[int, str], starts: list[int], ends: list[int], options: Options
) -> list[dict[str, Any]]:
    """The spans of all groups; an entity that stands in a group too is one mark."""
    if not isinstance(doc.groups, bytes) or doc.groups in (b"", b"\x90"):
        return []
    marks: list[dict[str, Any]] = []
    # A list of groups, or since spaCy 3.5 a map of groups to their keys.
    groups = [
        msgpack.unpackb(one, raw=False, strict_map_key=False)
        for one in msgpack.unpackb(doc.groups, strict_map_key=False)
    ]
    if len(groups) > 1:
        options.told.lose(_("names of several span groups: their spans are marks of one question"))
    for group in groups:
        for packed in group["spans"]:
            _id, _kb, label, first, last, _start, _end = SPAN.unpack(packed)
            if not 0 <= first < last <= len(starts):
                raise ValueError
            marks.append({"start": starts[first], "end": ends[last - 1], "label": words[label]})
    return marks

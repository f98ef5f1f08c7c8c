"""PURE. CoNLL: a token and its tag on each line, tags as BIO or BIOES; one label for each token."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from evaluation.formats.release import File, Question, Release, Row, Rows, answer
from evaluation.formats.words import Tagged, covered, cut_at, flat, note_losses, tokens_of

# The tag where the gold is withheld, as CoNLL-U writes what is not known.
UNKNOWN = "_"
HELD = 250_000


def write(release: Release, rows: Rows) -> Iterator[File]:
    """A file for each split; a text with the comments `# id = …` and `# split = …`, a blank line behind it."""
    (question,) = release.asked
    for split in release.counts:
        yield File(f"data/{split}.conll", _joined(_text(release, question, row) for row in rows(split)))


def _joined(texts: Iterable[str]) -> Iterator[bytes]:
    held, size = [], 0
    for text in texts:
        held.append(text)
        size += len(text)
        if size > HELD:
            yield "".join(held).encode()
            held, size = [], 0
    yield "".join(held).encode()


def _text(release: Release, question: Question, row: Row) -> str:
    marks = answer(row, question)
    if marks is None and row["gold"] is not None:
        release.lost("unanswered")
        return ""
    marks = marks or []
    tokens, cuts = cut_at(tokens_of(row["text"]), marks)
    if not tokens:
        release.lost("no_words")
        return ""
    release.lost("cut_token", cuts)
    note_losses(release, marks)
    tagged = covered(tokens, marks)
    kept = flat(tagged)
    release.lost("without_words", len(marks) - len(tagged))
    release.lost("overlapping", len(tagged) - len(kept))
    tags = _tags(release, len(tokens), kept) if row["gold"] is not None else [UNKNOWN] * len(tokens)
    lines = [f"# id = {_one_line(row['id'])}", f"# split = {row['split']}"]
    lines += [f"{row['text'][start:end]}\t{tag}" for (start, end), tag in zip(tokens, tags, strict=True)]
    return "\n".join(lines) + "\n\n"


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _tags(release: Release, count: int, kept: list[Tagged]) -> list[str]:
    tags = ["O"] * count
    for first, last, mark in kept:
        label = plain(release, mark["label"])
        tags[first : last + 1] = [f"I-{label}"] * (last - first + 1)
        tags[first] = f"B-{label}"
        if release.scheme == "BIOES":
            tags[last] = f"S-{label}" if first == last else f"E-{label}"
    return tags


def plain(release: Release, label: str) -> str:
    """A label without blanks, which separate columns."""
    found = re.sub(r"\s+", "_", label)
    release.lost("renamed", found != label)
    return found

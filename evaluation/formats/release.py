"""PURE. What a writer is told of the version that it writes: questions, splits, columns; and what it could not carry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from annotation.text.words import gettext_noop

# {"id", "text", "split", "gold": question -> stored answer (None where it is withheld), "distribution", "candidates",
# "reference", the fields of the document, "meta": name -> text}
Row = dict[str, Any]
Question = dict[str, Any]
Rows = Callable[[str], Iterator[Row]]

SPLITS = ("train", "dev", "test")
FIELDS = ("title", "source_type", "language", "published_at", "issuer", "url")
# The names that other tools know the splits by.
ELSEWHERE = {"train": "train", "dev": "validation", "test": "test"}
SCHEMES = ("BIO", "BIOES")

# What a format may have to leave out; the manifest counts it, the card says it.
LOSSES = {
    "unanswered": gettext_noop("examples without an answer to the question, left out"),
    "overlapping": gettext_noop("marks that overlap a longer one, left out"),
    "discontinuous": gettext_noop("marks in several parts, written from their first to their last character"),
    "cut_token": gettext_noop("words that are cut in two where a mark ends inside them"),
    "relations": gettext_noop("relations between marks, left out"),
    "links": gettext_noop("links to companies, left out"),
    "values": gettext_noop("values of numbers, left out"),
    "renamed": gettext_noop("labels under other names, because the format takes no blanks or signs in them"),
    "untriggered": gettext_noop("events without a trigger, left out"),
    "dates": gettext_noop("dates of events that stand at no place in the text, written as notes"),
    "line_ends": gettext_noop("texts with line ends, which became blanks"),
    "label_words": gettext_noop("texts in which a word looked like a label, which was changed"),
    "no_words": gettext_noop("texts without any word, left out"),
    "without_words": gettext_noop("marks without any word, left out"),
}


class File(NamedTuple):
    """A file of the export; its bytes come in chunks, so that no version has to fit into memory."""

    name: str
    chunks: Iterable[bytes]


@dataclass
class Release:
    """A version as a writer sees it.

    questions: the frozen ones, as the schema has them; asked: those that the format is to carry. counts: split -> examples,
    of the splits that are written. columns: kind -> what its gold is called in files. meta: all names of metadata.
    """

    questions: list[Question]
    asked: list[Question]
    counts: dict[str, int]
    columns: Mapping[str, str]
    meta: list[str] = field(default_factory=list)
    compares: bool = False
    spreads: bool = False
    scheme: str = "BIO"
    losses: Counter[str] = field(default_factory=Counter)

    @property
    def single(self) -> str:
        """What the gold of the only question is called; '' where several were frozen."""
        return self.columns[self.questions[0]["kind"]] if len(self.questions) == 1 else ""

    def gold_columns(self) -> list[tuple[str, Question]]:
        """(column, question) of flat tables: label, or gold.<question> where several were frozen."""
        if self.single:
            return [(self.single, self.questions[0])]
        return [(f"gold.{question['name']}", question) for question in self.questions]

    def lost(self, what: str, count: int = 1) -> None:
        """Count something that the format cannot carry."""
        assert what in LOSSES, what
        if count:
            self.losses[what] += count


def answer(row: Row, question: Question) -> Any:
    """The gold of a question; None where it is withheld or was not asked of this example."""
    return (row["gold"] or {}).get(question["name"])


def label_names(question: Question) -> list[str]:
    """The names of the declared labels, in their order."""
    return [label["name"] for label in question.get("labels", [])]

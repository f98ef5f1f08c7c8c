"""PURE. What a kind may need to know of the item that is answered, and what it tells of an answer piece by piece."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True)
class About:
    """The item behind an answer.

    text: the words that offsets count in, code points; published_at: ISO date or '', which “next Tuesday” is relative
    to; candidates: the names of the responses to compare or to rate, in the order of the document; language: a code
    such as en or zh, or ''; missing(keys): those that are no keys of the project's companies; without it none is checked.
    """

    text: str = ""
    published_at: str = ""
    candidates: tuple[str, ...] = ()
    language: str = ""
    missing: Callable[[Collection[str]], set[str]] | None = field(default=None, compare=False)


def always(question: dict[str, Any]) -> bool:
    """For kinds that need the item, or show its candidate responses, whatever the question says."""
    return True


class Piece(NamedTuple):
    """One of the things that an answer says, as pages show it.

    words: those of the text; label, title: its label by name and title; more: what else is said of it; key: equal where
    two people say the same.
    """

    words: str
    label: str
    title: str
    more: str
    key: Any

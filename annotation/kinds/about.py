"""PURE. What a kind may need to know of the item that is answered: its words, its date, its candidate responses."""

from dataclasses import dataclass


@dataclass(frozen=True)
class About:
    """The item behind an answer.

    text: the words that offsets count in, code points; published_at: ISO date or '', which “next Tuesday” is relative
    to; candidates: the names of the responses to compare or to rate, in the order of the document.
    """

    text: str = ""
    published_at: str = ""
    candidates: tuple[str, ...] = ()

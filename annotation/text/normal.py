"""Puts a raw text into the form that is stored and labelled, and makes the key by which equal texts are found."""

from __future__ import annotations

import functools
import hashlib
import re
import unicodedata
from typing import Literal, NamedTuple

from annotation.text.words import _, gettext_noop

# Control characters but tab and newline, the byte order mark, lone surrogates: all that a stored text may not hold.
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")
_LINE_END = re.compile("\r\n?")
# Form feed, vertical tab and next line separate words in extracted pages; dropping them would glue the words together.
_OTHER_LINE_END = re.compile("[\x0b\x0c\x85]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
# Marks without width: soft hyphen, grapheme joiner, joiners, bidi controls, variation selectors, tags, BOM.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
# What a name on one line cannot hold: control characters, line ends, bidi controls (they turn round what stands after
# the name on a page, too), lone surrogates. Joiners may stay: scripts and emoji need them.
_NO_NAME = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_RUN = 30
JOINER = "\u034f"


class Cleaned(NamedTuple):
    """A text as it is stored, and in words what was changed to get there (empty when nothing was)."""

    text: str
    changes: tuple[str, ...]


def clean(raw: str) -> Cleaned:
    """Return `raw` in NFC, with LF line ends, without BOM, control characters, lone surrogates and outer white space.

    Never NFKC, which rewrites Chinese punctuation and fractions. Bidi controls and joiners stay: they belong to the
    text. Offsets into the result are Unicode code points. Cleaning a cleaned text changes nothing.
    """
    if _ODD.search(raw) is None and not _has_long_run(raw) and unicodedata.is_normalized("NFC", raw):
        text = raw.strip()
        return Cleaned(text, () if len(text) == len(raw) else (_("outer white space removed"),))
    changes: list[str] = []
    text = raw
    for pattern, replacement, words in _STEPS:
        text, count = pattern.subn(replacement, text)
        if count:
            changes.append(_(words))
    if _has_long_run(text):
        text = _break_runs(text)
        changes.append(_("runs of more than 30 combining marks broken up"))
    composed = _break_runs(unicodedata.normalize("NFC", text))
    if composed != text:
        changes.append(_("characters composed (Unicode NFC)"))
    text = composed.strip()
    if text != composed:
        changes.append(_("outer white space removed"))
    return Cleaned(text, tuple(changes))


_STEPS = (
    (_LINE_END, "\n", gettext_noop("line ends made LF")),
    (_OTHER_LINE_END, "\n", gettext_noop("page breaks and other line ends made LF")),
    (re.compile("\ufeff"), "", gettext_noop("byte order mark removed")),
    (_SURROGATE, "\ufffd", gettext_noop("broken characters replaced by U+FFFD")),
    (_CONTROL, "", gettext_noop("control characters removed")),
)


def normalised(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """A normal form of Unicode, in time that grows with the text: runs of more than 30 combining marks are broken up.

    `unicodedata.normalize` itself takes the square of a run, so nothing that people send goes there without this.
    """
    return unicodedata.normalize(form, _break_runs(text))


def rewritings() -> list[tuple[re.Pattern[str], str]]:
    """The first steps of `clean`, in their order: what is replaced by what."""
    return [(pattern, replacement) for pattern, replacement, _words in _STEPS]


def breaks(text: str) -> list[int]:
    """Where `clean` puts a JOINER into runs of combining marks."""
    return [run.end() for run in _mark_patterns()[1].finditer(text)] if _has_long_run(text) else []


def check_name(raw: str) -> str:
    """The name of a project, person, dataset or label as it is; raises ValueError for signs that nobody sees in it."""
    if found := _NO_NAME.search(raw):
        sentence = _("A name stands on one line and has no invisible control characters; here is {code}. Type it anew.")
        raise ValueError(sentence.format(code=f"U+{ord(found[0]):04X}"))
    if raw and not search_form(raw):
        raise ValueError(_("A name has at least one character that can be seen. Type it anew."))
    return raw


def text_key(text: str) -> str:
    """Return 32 hex digits that are equal for texts that differ only in width, case, white space or invisible marks.

    SHA-256, cut to 128 bits, of the text in NFKC, case folded, zero-width and bidi marks removed, white space
    collapsed. A key for search and duplicates only; it is never shown or stored as text.
    """
    key = search_form(text)
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def search_form(text: str) -> str:
    """The text in NFKC, case folded, without zero-width and bidi marks, white space collapsed: to compare, never to show."""
    if text.isascii():
        folded = text.lower()
    else:
        folded = _break_runs(_INVISIBLE.sub("", text))
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded).casefold())
    return " ".join(folded.split())


def _has_long_run(text: str) -> bool:
    if len(text) <= _RUN or text.isascii():
        return False
    mark, long_run = _mark_patterns()
    # A run of 31 marks covers a position that is a multiple of 31, so one look in 31 settles nearly every text.
    return mark.search(text[:: _RUN + 1]) is not None and long_run.search(text) is not None


def _break_runs(text: str) -> str:
    """Insert U+034F into runs of over 30 combining marks (UAX #15, Stream-Safe Text Format).

    Normalising a run takes time in the square of its length, so one hostile text could hold a worker for hours.
    """
    if not _has_long_run(text):
        return text
    return _mark_patterns()[1].sub(lambda run: run[0] + JOINER, text)


@functools.cache
def _mark_patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """One mark, and thirty marks that a further one follows; a mark is, or decomposes to, a combining character."""
    marks = "".join(
        chr(code)
        for code in range(0x300, 0x1F000)
        if not 0xD800 <= code <= 0xDFFF and unicodedata.combining(unicodedata.normalize("NFKD", chr(code))[0])
    )
    return re.compile(f"[{marks}]"), re.compile(f"[{marks}]{{{_RUN}}}(?=[{marks}])")

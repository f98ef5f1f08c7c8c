"""PURE. HTML becomes text, as edits, so that places follow: tags go, blocks become line ends, entities are resolved.

No library for HTML says where in the source its text stands, so this reads tags by the rules of the WHATWG's tokeniser
itself; the tests hold its words against those of one that does (selectolax). Time grows with the text.
"""

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from annotation.text.offsets import Edit, trimmed

# What a gap between two words becomes.
NOTHING, BLANK, CELL, LINE, PARAGRAPH = range(5)
BETWEEN = ("", " ", "\t", "\n", "\n\n")
LINES = [
    "br",
    "li",
    "div",
    "tr",
    "dt",
    "dd",
    "caption",
    "figcaption",
    "option",
    "legend",
    "summary",
    "optgroup",
    "center",
]
PARAGRAPHS = [
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "ul",
    "ol",
    "dl",
    "table",
    "pre",
    "hr",
    "section",
    "article",
    "header",
    "footer",
    "nav",
    "aside",
    "main",
    "figure",
    "form",
    "fieldset",
    "address",
    "details",
    "dialog",
    "html",
    "body",
    "head",
]
CELLS = ["td", "th"]
INLINE = [
    "a",
    "abbr",
    "acronym",
    "b",
    "base",
    "basefont",
    "bdi",
    "bdo",
    "big",
    "button",
    "cite",
    "code",
    "col",
    "colgroup",
    "data",
    "del",
    "dfn",
    "em",
    "embed",
    "font",
    "frame",
    "i",
    "iframe",
    "img",
    "input",
    "ins",
    "kbd",
    "label",
    "link",
    "map",
    "mark",
    "meta",
    "meter",
    "noscript",
    "object",
    "output",
    "param",
    "picture",
    "progress",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "script",
    "select",
    "small",
    "source",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "sup",
    "svg",
    "tbody",
    "template",
    "textarea",
    "tfoot",
    "thead",
    "time",
    "title",
    "tt",
    "u",
    "var",
    "wbr",
    "area",
    "audio",
    "video",
    "canvas",
]
LEVELS = dict.fromkeys(LINES, LINE) | dict.fromkeys(PARAGRAPHS, PARAGRAPH) | dict.fromkeys(CELLS, CELL)
KNOWN = {*LEVELS, *INLINE}
# Elements whose content is no text for readers.
DROPPED = {"script", "style", "template", "noscript", "title", "iframe", "object", "svg", "ix:header"}
# From so many things that never end on, the rest of a text is taken for no HTML, so that looking for ends stays cheap.
VAIN = 20

_NEXT = re.compile("[<&]|]]>")
_TAG = re.compile(
    r"<(/?)([A-Za-z][A-Za-z0-9:_-]{0,40})(?=[\s/>])(?>[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+>",
)
_ENTITY = re.compile(r"&(?:amp;)*((?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)")
_WHITE = re.compile(r"[ \t\n\r\f\v]+")
_PAGE = re.compile(r"<(?:html|body|!doctype html)\b", re.IGNORECASE)
_SPACES = {"nbsp;", "#160;", "#xa0;", "#xA0;"}


class _Token(NamedTuple):
    """text[start:end] is markup: a gap of some width between words, or (`new` is not None) an entity."""

    start: int
    end: int
    level: int
    new: str | None = None
    name: str = ""


def is_page(text: str) -> bool:
    """Whether the text is a whole HTML document."""
    return "<" in text and _PAGE.search(text, 0, 10_000) is not None


def edits(text: str) -> list[Edit]:
    """What is markup, and what stands in its place; [] for a text that has none.

    Where blocks stand, white space is laid out as a browser does it (but in <pre>); else it stays as it is. A word in
    angle brackets that is no element of HTML stays, unless the whole text is a page or it has a prefix, as ix:… has.
    """
    if "<" not in text and "&" not in text:
        return []
    tokens = list(_tokens(text))
    if not any(token.level >= CELL for token in tokens):
        return [
            (token.start, token.end, _inline(token)) for token in tokens if text[token.start : token.end] != token.new
        ]
    return list(_laid_out(text, tokens))


def _inline(token: _Token) -> str:
    return BETWEEN[token.level] if token.new is None else token.new


def _tokens(text: str) -> Iterator[_Token]:
    page, vain, lost, in_data = is_page(text), 0, set[str](), False
    place = 0
    while found := _NEXT.search(text, place):
        place = found.start()
        token: _Token | None = None
        if found[0] == "&":
            token = _entity(text, place)
        elif found[0] == "]]>":
            token = _Token(place, found.end(), NOTHING) if in_data else None
            in_data = False
        elif vain < VAIN:
            if text.startswith("<![CDATA[", place):
                token, in_data = _Token(place, place + 9, NOTHING), True
            elif text.startswith(("<!", "<?"), place):
                token = _declaration(text, place, lost)
            elif tag := _TAG.match(text, place):
                token = _element(text, tag, page, lost)
            elif text[place + 1 : place + 2].isalpha() or text.startswith("</", place):
                vain += 1
        if token:
            yield token
        place = max(token.end if token else 0, found.end() if found[0] == "]]>" else place + 1)


def _entity(text: str, place: int) -> _Token | None:
    found = _ENTITY.match(text, place)
    if not found:
        return None
    if found[1] in _SPACES:
        return _Token(place, found.end(), BLANK)
    new = html.unescape(f"&{found[1]}")
    return _Token(place, found.end(), NOTHING, new) if new != found[0] else None


def _declaration(text: str, place: int, lost: set[str]) -> _Token | None:
    """A comment, a doctype or a processing instruction; one without an end is text."""
    comment = text.startswith("<!--", place)
    if not comment and not text[place + 2 : place + 3].isalpha():
        return None
    last = "-->" if comment else ">"
    end = -1 if last in lost else text.find(last, place + (4 if comment else 2))
    if end < 0:
        lost.add(last)
        return None
    return _Token(place, end + len(last), NOTHING)


def _element(text: str, tag: re.Match[str], page: bool, lost: set[str]) -> _Token | None:
    name = tag[2].lower()
    if name not in KNOWN and not page and ":" not in name:
        return None
    level, end = LEVELS.get(name, NOTHING), tag.end()
    if name in DROPPED and not tag[1] and not tag[0].endswith("/>") and name not in lost:
        closed = re.compile(rf"</{re.escape(name)}\s*>", re.IGNORECASE).search(text, end)
        if closed is None:
            lost.add(name)
        else:
            end = closed.end()
    return _Token(tag.start(), end, level, name=f"{tag[1]}{name}")


def _laid_out(text: str, tokens: list[_Token]) -> Iterator[Edit]:
    """The edits where white space is laid out: gaps that touch are one, as wide as the widest of them."""
    start = end = level = 0
    for token in _with_white(text, tokens):
        if token.new is not None or token.start > end:
            yield from _gap(text, start, end, level)
            start, level = token.start, NOTHING
        if token.new is not None:
            yield token.start, token.end, token.new
            start = token.end
        level, end = max(level, token.level), token.end
    yield from _gap(text, start, end, level)


def _gap(text: str, start: int, end: int, level: int) -> Iterator[Edit]:
    new = BETWEEN[level] if start > 0 and end < len(text) else ""
    if start < end and text[start:end] != new:
        yield trimmed(start, text[start:end], new)


def _with_white(text: str, tokens: list[_Token]) -> Iterator[_Token]:
    """The tokens with the white space between them; in <pre> it is text."""
    done = pre = 0
    for token in [*tokens, _Token(len(text), len(text), NOTHING)]:
        if not pre:
            for white in _WHITE.finditer(text, done, token.start):
                yield _Token(white.start(), white.end(), BLANK)
        if token.start < len(text):
            yield token
        pre = max(0, pre + {"pre": 1, "/pre": -1}.get(token.name, 0))
        done = token.end

"""Guidelines: Markdown to safe HTML, whole with anchors on headings, or one passage with what differs in it marked."""

import re
from collections.abc import Iterable
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

TAGS = {
    "h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote", "hr", "br",
    "table", "thead", "tbody", "tr", "th", "td", "a", "del", "s",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, **{f"h{level}": {"id"} for level in range(1, 7)}, "ol": {"start"}}
INLINE = {"strong", "em", "code", "s", "a"}
# Signs that no text has: where a stretch that differs begins and ends.
ON, OFF = "\ue000", "\ue001"
_PASSAGE = MarkdownIt("commonmark", {"html": False}).enable("strikethrough")
HEADING = re.compile(r"<(h[1-6])>(.*?)</\1>", re.DOTALL)


@lru_cache(maxsize=64)
def to_html(text: str) -> SafeString:
    """Rendered and sanitised; raw HTML in the source is shown as text, links open only http(s) and mailto."""
    rendered = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).render(text)
    with_ids = HEADING.sub(_heading, rendered)
    clean = nh3.clean(
        with_ids,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )
    return mark_safe(clean)  # noqa: S308 - sanitised on the line above


def to_inline(text: str, *, links: bool = True) -> SafeString:
    """One passage, rendered and sanitised: emphasis, code and links, a heading as strong words; line ends stay."""
    return marked([(False, text)], "ins", links=links)


def marked(pieces: Iterable[tuple[bool, str]], tag: str, *, links: bool = True) -> SafeString:
    """A passage in pieces, as `to_inline`, with the pieces that differ in <ins> or <del> (`tag`)."""
    told = "".join(_between_signs(differs, words.replace(ON, "").replace(OFF, "")) for differs, words in pieces)
    # Before it is sanitised, so that no sign hides the scheme of an address.
    rendered = re.sub(r"<[^>]*>", _signs_first, _PASSAGE.renderInline(_without_hashes(told)))
    clean = nh3.clean(
        rendered,
        tags=INLINE if links else INLINE - {"a"},
        attributes={"a": ATTRIBUTES["a"]},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )
    return mark_safe(_tagged(clean, tag))  # noqa: S308 - sanitised above; only <ins> and <del> are added


def _between_signs(differs: bool, words: str) -> str:
    """What differs between its signs; where only the emphasis differs, the type shows it."""
    return f"{ON}{words}{OFF}" if differs and words.strip("*_`~ ") else words


def _without_hashes(told: str) -> str:
    """A heading's hashes become strong words: passages come one by one, without what is around them."""
    return re.sub(rf"^([{ON}{OFF}]*)#{{1,6}}[ \t]+(.+?)[ \t]*$", r"**\1\2**", told, count=1)


def _signs_first(tag: re.Match[str]) -> str:
    """The tag without signs in its attributes, where addresses have them encoded; they stand before it."""
    plain = tag[0].replace("%EE%80%80", ON).replace("%EE%80%81", OFF)
    return "".join(re.findall(f"[{ON}{OFF}]", plain)) + plain.replace(ON, "").replace(OFF, "")


def _tagged(html: str, tag: str) -> str:
    """Each stretch of text between the signs in its own tag, so that tags are nested well wherever the signs stand."""
    found, inside = [], False
    for part in re.split(rf"(<[^>]*>|{ON}|{OFF})", html):
        if part in (ON, OFF):
            inside = part == ON
        elif inside and part and not part.startswith("<"):
            found.append(f"<{tag}>{part}</{tag}>")
        else:
            found.append(part)
    return "".join(found)


def _heading(found: re.Match[str]) -> str:
    words = re.sub(r"<[^>]+>|&\w+;", "", found[2]).strip().lower()
    anchor = "rule-" + re.sub(r"[^\w一-鿿]+", "-", words).strip("-")[:80]
    level = min(6, int(found[1][1]) + 1)  # the page around it has the one h1
    return f'<h{level} id="{anchor}">{found[2]}</h{level}>'

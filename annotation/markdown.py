"""Guidelines: Markdown to safe HTML with anchors on headings."""

import re
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

TAGS = {
    "h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote", "hr", "br",
    "table", "thead", "tbody", "tr", "th", "td", "a", "del", "s",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, **{f"h{level}": {"id"} for level in range(1, 7)}, "ol": {"start"}}
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


def _heading(found: re.Match[str]) -> str:
    words = re.sub(r"<[^>]+>|&\w+;", "", found[2]).strip().lower()
    anchor = "rule-" + re.sub(r"[^\w一-鿿]+", "-", words).strip("-")[:80]
    level = min(6, int(found[1][1]) + 1)  # the page around it has the one h1
    return f'<h{level} id="{anchor}">{found[2]}</h{level}>'

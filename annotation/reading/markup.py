"""The words of HTML as a browser's text nodes have them, for offsets that count in those."""

from __future__ import annotations

from html.parser import HTMLParser

_HIDDEN = ("script", "style", "template")


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in _HIDDEN

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in _HIDDEN and self.hidden > 0

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def words_of(html: str) -> str:
    """All text, none of the tags; blanks stay as they are, so that offsets stay right."""
    reader = _Words()
    reader.feed(html)
    reader.close()
    return "".join(reader.parts)

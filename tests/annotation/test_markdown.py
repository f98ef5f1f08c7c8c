"""Guidelines as HTML: what Markdown can say, and nothing that runs."""

import re

import pytest

from annotation.markdown import to_html


def test_markdown_becomes_html_with_anchors_on_headings():
    html = to_html("# Profit & loss\n\n## 第三条 **重要**\n\n- one\n- ~~two~~\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    assert '<h2 id="rule-profit-loss">Profit &amp; loss</h2>' in html
    assert '<h3 id="rule-第三条-重要">' in html
    assert "<li>one</li>" in html
    assert "<td>1</td>" in html
    assert "<s>two</s>" in html or "<del>two</del>" in html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[click](javascript:alert(1))",
        "[click](data:text/html;base64,PHNjcmlwdD4=)",
        '[x](https://example.org "onmouseover=alert(1)")<style>*{}</style>',
        "![x](https://example.org/pixel.png)",
        '# "><script>alert(1)</script>',
        "<a href='JaVaScRiPt:alert(1)'>x</a>",
    ],
)
def test_nothing_of_a_hostile_text_runs(hostile):
    html = to_html(hostile).lower()
    for sign in ("<script", "<img", "<style", 'href="javascript', 'href="data'):
        assert sign not in html
    assert not re.search(r"<[^>]*\son\w+=", html)


def test_links_open_without_telling_where_from():
    html = to_html("[SEC](https://www.sec.gov) and <mail@example.org>")
    assert 'href="https://www.sec.gov"' in html
    assert 'rel="noopener noreferrer"' in html
    assert 'href="mailto:mail@example.org"' in html


def test_html_in_the_source_is_shown_as_text():
    assert "&lt;b&gt;bold&lt;/b&gt;" in to_html("<b>bold</b>")


def test_an_empty_text_is_empty():
    assert to_html("") == ""

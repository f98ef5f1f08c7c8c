"""Guidelines as HTML: what Markdown can say, and nothing that runs."""

import re

import pytest

from annotation.markdown import marked, to_html, to_inline


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


@pytest.mark.parametrize(
    ("pieces", "html"),
    [
        ([(False, "A **bold** rule")], "A <strong>bold</strong> rule"),
        ([(False, "**Rule "), (True, "4.2"), (False, ".** Next")], "<strong>Rule <ins>4.2</ins>.</strong> Next"),
        # The tags are nested well wherever the difference begins and ends.
        ([(False, "a **b "), (True, "c** d"), (False, " e")], "a <strong>b <ins>c</ins></strong><ins> d</ins> e"),
        ([(False, "a "), (True, "*b*"), (False, " c")], "a <em><ins>b</ins></em> c"),
        # Only the emphasis differs: the type shows it.
        ([(True, "*"), (False, "*now*"), (True, "*")], "<strong>now</strong>"),
        ([(False, "## The "), (True, "new"), (False, " rule")], "<strong>The <ins>new</ins> rule</strong>"),
        ([(True, "## New rule")], "<strong><ins>New rule</ins></strong>"),
        ([(False, "one\n\ntwo")], "one\n\ntwo"),
        ([(True, "<b>x</b> & y")], "<ins>&lt;b&gt;x&lt;/b&gt; &amp; y</ins>"),
        ([(False, "\ue000x\ue001")], "x"),
        ([(False, "[x](https://a.b/"), (True, "c"), (False, ")")], '<a href="https://a.b/c" rel="noopener noreferrer">x</a>'),
    ],
)  # fmt: skip
def test_what_differs_in_a_passage_is_marked_beside_its_emphasis(pieces, html):
    assert marked(pieces, "ins") == html


def test_a_passage_is_told_whole_and_nothing_in_it_runs():
    assert to_inline("[a](https://a.b) *c*", links=False) == "a <em>c</em>"
    assert to_inline("See *rule* `4.2`") == "See <em>rule</em> <code>4.2</code>"
    for hostile in (
        "<script>x</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "![x](https://a.b)",
    ):
        for told in (to_inline(hostile), marked([(True, hostile[:5]), (False, hostile[5:])], "del")):
            assert not re.search(r'<(script|img)|href="javascript', told)


def test_an_empty_text_is_empty():
    assert to_html("") == ""

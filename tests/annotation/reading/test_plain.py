"""Plain text: a document a line, with its label after the last separator, or one document."""

from tests.annotation.reading.files import problems, read, values


def test_a_text_file_is_a_document_a_line_or_one_document(make):
    path = make("a.txt", "first line\n\nsecond line\n")
    assert values(read(path, "txt")) == [{"text": "first line"}, {"text": "second line"}]
    assert values(read(path, "txt", document_per="file")) == [{"text": "first line\n\nsecond line\n"}]


def test_a_line_is_split_at_the_last_separator(make):
    path = make("a.txt", "write to ir@firm.com today@neutral\nno label here\n")
    found = read(path, "txt", delimiter="@", columns=["text", "label"])
    assert values(found) == [{"text": "write to ir@firm.com today", "label": "neutral"}]
    assert problems(found) == [(2, 'Line 2: no "@" before the label. Add it, or leave the line out.')]

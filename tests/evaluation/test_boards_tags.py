"""What the templates of boards make of figures and reports."""

from django.utils.translation import override

from evaluation.findings import finding, in_words
from evaluation.templatetags.boards import points, report_lines


def test_points_are_rounded_and_not_cut() -> None:
    assert points(0.09886) == "9.9"
    assert points(0.0999) == "10.0"
    assert points(None) == "–"


def test_a_report_is_told_in_words_and_only_what_occurred() -> None:
    report = {
        "rows": 1200,
        "examples": 56,
        "answered": 54,
        "statuses": {"ok": 54, "unparsed": 2},
        "empty_labels": 0,
        "ignored_columns": ["gold"],
        "unknown": {"count": 2, "first": [{"row": 3, "id": "x"}, {"row": 9, "id": "y"}]},
        "double": {"count": 0, "first": []},
        "missing": {"count": 2, "first": ["a", "b"]},
    }
    with override("en"):
        assert report_lines(report) == [
            ("rows read", "1,200", ""),
            ("examples answered", "54 / 56", ""),
            ("ids that the board does not have", "2", "3: x; 9: y"),
            ("examples without a prediction", "2", "a; b"),
            ("answers with the status “unparsed”", "2", ""),
            ("columns that were ignored", "1", "gold"),
        ]


def test_a_finding_is_read_in_the_language_of_the_reader() -> None:
    found = finding("no_test", "warning", "The test split is empty, so no board was opened.", {})
    with override("zh-hans"):
        assert in_words(found) == "测试划分为空，因此未开设榜单。"
    assert found["text"] == "The test split is empty, so no board was opened."
    assert in_words({"text": "frozen before messages were kept"}) == "frozen before messages were kept"

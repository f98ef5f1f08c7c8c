"""Ranks that are shared, empty scores last, and a cost that does not grow with the entries."""

import json
from typing import Any

import pytest

from annotation import models as a
from evaluation import leaderboard, scoring, submitting
from evaluation import models as e
from tests.conftest import LABELS
from tests.evaluation.worlds import board_of, freeze, gold_of, make_texts, predictions, submit


@pytest.fixture
def board(project: a.Project) -> e.Benchmark:
    """A board of 30 test examples."""
    make_texts(project, 150)
    return board_of(freeze(project))


def column(entries: list[dict[str, Any]], *names: str) -> list[Any]:
    return [tuple(entry[name] for name in names) if len(names) > 1 else entry[names[0]] for entry in entries]


def empty(board: e.Benchmark, submission: Any) -> None:
    """As a metric that is undefined."""
    e.Score.objects.filter(submission=submission, metric=board.primary_metric).update(value=None, low=None, high=None)


def test_the_best_comes_first_and_equal_values_share_a_rank(board: e.Benchmark) -> None:
    for name, wrong in (("c", 9), ("a", 3), ("best", 0), ("b", 3), ("worst", 20)):
        submit(board, name, predictions(board, wrong=wrong))
    entries = leaderboard.entries(board)
    assert column(entries, "rank", "system") == [(1, "best"), (2, "a"), (2, "b"), (4, "c"), (5, "worst")]
    upside_down = leaderboard.entries(board, descending=False)
    assert column(upside_down, "rank", "system") == [(5, "worst"), (4, "c"), (2, "a"), (2, "b"), (1, "best")]


def test_empty_scores_are_last_in_both_directions(board: e.Benchmark) -> None:
    submit(board, "good", predictions(board))
    submit(board, "poor", predictions(board, wrong=20))
    empty(board, submit(board, "none", predictions(board, wrong=1)))
    assert column(leaderboard.entries(board), "rank", "system") == [(1, "good"), (2, "poor"), (None, "none")]
    assert column(leaderboard.entries(board, descending=False), "system") == ["poor", "good", "none"]


def test_it_sorts_by_any_metric_and_ranks_by_the_primary_one(board: e.Benchmark) -> None:
    rows = predictions(board)
    submit(board, "half", rows[:15])
    submit(board, "wrong", [{**row, "label": LABELS[(LABELS.index(row["label"]) + 1) % 3]} for row in rows[:29]])
    by_coverage = leaderboard.entries(board, sort="coverage")
    assert column(by_coverage, "rank", "system", "coverage") == [(2, "wrong", 29 / 30), (1, "half", 0.5)]
    with pytest.raises(ValueError, match=r"cannot be sorted.*macro_f1"):
        leaderboard.entries(board, sort="f1")
    assert "macro_f1" in leaderboard.sortable(board)
    assert "support" not in leaderboard.sortable(board)


def test_of_each_system_the_newest_is_shown_or_all(board: e.Benchmark) -> None:
    for wrong in (5, 2, 7):
        submit(board, "tuned", predictions(board, wrong=wrong))
    submit(board, "other", predictions(board, wrong=3))
    entries = leaderboard.entries(board)
    # The best of three looks at the test split would have been first.
    assert column(entries, "rank", "system", "submissions") == [(1, "other", 1), (2, "tuned", 3)]
    every = leaderboard.entries(board, every=True)
    assert column(every, "rank", "system") == [(1, "tuned"), (2, "other"), (3, "tuned"), (4, "tuned")]


def test_what_waits_or_failed_stands_below_with_its_state(board: e.Benchmark) -> None:
    submit(board, "done", predictions(board, wrong=10))
    submitting.submit(benchmark=board, system_name="done", rows=predictions(board), user=None)
    submitting.submit(benchmark=board, system_name="waiting", rows=predictions(board), user=None)
    failed, _created = submitting.submit(benchmark=board, system_name="failed", rows=predictions(board), user=None)
    e.Submission.objects.filter(pk=failed.pk).update(state="failed", message="Out of memory.")
    entries = leaderboard.entries(board)
    assert column(entries, "rank", "system", "state") == [
        (1, "done", "done"), (None, "done", "waiting"), (None, "waiting", "waiting"), (None, "failed", "failed"),
    ]  # fmt: skip
    assert entries[-1]["message"] == "Out of memory."
    assert entries[-1]["primary"]["value"] is None


def test_a_withdrawn_submission_is_not_ranked(board: e.Benchmark) -> None:
    submit(board, "best", predictions(board, wrong=6))
    best = submit(board, "best", predictions(board))
    submit(board, "second", predictions(board, wrong=3))
    submitting.withdraw(submission=best, user=None)
    assert column(leaderboard.entries(board), "rank", "system") == [(1, "second"), (2, "best")]
    every = leaderboard.entries(board, every=True)
    assert column(every, "rank", "system", "state")[-1] == (None, "best", "withdrawn")


def test_an_entry_tells_scores_intervals_labels_and_where_it_came_from(
    board: e.Benchmark, cast: dict[str, a.User]
) -> None:
    origin = {"run": 5, "recipe": "probe", "seed": 13, "manifest": {"large": True}}
    submit(board, "probe", predictions(board, wrong=6), origin=origin, rerun={"recipe": "probe"}, user=cast["erin"])
    [entry] = leaderboard.entries(board)
    assert json.loads(json.dumps(entry)) == entry
    assert entry["primary"]["metric"] == "macro_f1"
    assert entry["primary"]["low"] < entry["primary"]["value"] < entry["primary"]["high"]
    assert entry["accuracy"]["value"] == pytest.approx(0.8)
    assert entry["macro_f1"] == {name: value for name, value in entry["primary"].items() if name != "metric"}
    assert list(entry["labels"]) == LABELS
    assert entry["labels"]["negative"]["support"] == 10
    assert set(entry["labels"]["negative"]) == {"precision", "recall", "f1", "support"}
    assert entry["origin"] == {"run": 5, "recipe": "probe", "seed": 13}
    assert (entry["by"], entry["coverage"]) == ("erin", 1.0)


def test_no_value_of_an_entry_changes_when_another_is_added(board: e.Benchmark) -> None:
    submit(board, "first", predictions(board, wrong=4))
    [before] = leaderboard.entries(board)
    submit(board, "second", predictions(board))
    [_best, after] = leaderboard.entries(board)
    assert {**after, "rank": 1} == before


def test_facts_tell_the_board_and_no_gold(board: e.Benchmark) -> None:
    facts = leaderboard.benchmark_facts(board)
    assert json.loads(json.dumps(facts)) == facts
    assert (facts["version"], facts["question"], facts["examples"], facts["labels"]) == (
        "1.0.0",
        "sentiment",
        30,
        LABELS,
    )
    assert facts["label_counts"] == dict.fromkeys(LABELS, 10)
    assert facts["independent_examples"] == 30
    assert facts["content_hash"] == board.version.content_hash
    assert not any(key in json.dumps(facts) for key in gold_of(board))


def test_the_pages_of_a_submission_have_rows_per_label_and_confusion(board: e.Benchmark) -> None:
    submission = submit(board, "theirs", predictions(board, wrong=30)[:29])
    rows = leaderboard.per_label(submission, submission.scores.all())
    assert [row["label"] for row in rows] == LABELS
    assert rows[0]["precision"].metric == "precision"
    table = leaderboard.confusion_rows(submission)
    assert [row["total"] for row in table] == [10, 10, 10]
    assert [cell["label"] for cell in table[0]["cells"]] == [*LABELS, None]
    assert sum(cell["count"] for row in table for cell in row["cells"] if cell["right"]) == 0
    assert sum(row["cells"][-1]["count"] for row in table) == 1


def test_two_queries_whatever_the_number_of_entries(board: e.Benchmark, django_assert_num_queries: Any) -> None:
    for n in range(12):
        submit(board, f"system {n}", predictions(board, wrong=n))
        if n in (0, 11):
            fresh = board_of(board.version)
            with django_assert_num_queries(2):
                assert len(leaderboard.entries(fresh)) == n + 1


def test_scoring_is_seeded_so_that_equal_predictions_have_equal_intervals(board: e.Benchmark) -> None:
    one = submit(board, "one", predictions(board, wrong=7))
    two = submit(board, "two", predictions(board, wrong=7))
    columns = ("metric", "label", "value", "low", "high")
    assert list(one.scores.order_by("pk").values(*columns)) == list(two.scores.order_by("pk").values(*columns))
    assert scoring.SEED

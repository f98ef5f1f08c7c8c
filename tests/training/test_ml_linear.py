"""TF-IDF and logistic regression: the script decides what is counted, coefficients survive a save, odd labels do not break it."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tests.training.jobs import lines, make_job, make_rows, run
from training.ml import linear
from training.ml.export import load, predict
from training.ml.linear import unspaced_share
from training.ml.logistic import fit

CHINESE = {
    "negative": ["公司利润大幅下降", "业绩亏损严重", "股价下跌明显", "收入下降亏损扩大"],
    "neutral": ["公司召开股东大会", "董事会会议通知", "公司发布公告", "召开年度会议"],
    "positive": ["公司利润大幅增长", "业绩创历史新高", "股价上涨明显", "收入增长利润创新高"],
}


def chinese_rows(times: int, prefix: str) -> list[dict[str, str]]:
    pairs = [(label, text) for label, texts in CHINESE.items() for text in texts] * times
    return [{"id": f"{prefix}{n}", "text": f"{text}{n}", "label": label} for n, (label, text) in enumerate(pairs)]


def test_the_script_of_the_texts_decides_what_is_counted(tmp_path: Path) -> None:
    assert unspaced_share(["净利润 增长"]) == 1.0
    assert unspaced_share(["net profit rose"]) == 0.0
    assert unspaced_share(["", " "]) == 0.0
    splits = {"train": chinese_rows(3, "a"), "dev": chinese_rows(1, "b"), "test": chinese_rows(1, "c")}
    result = run(make_job(tmp_path, "tfidf_logreg", splits=splits))
    assert result["dev"]["accuracy"] == 1.0
    model, _ = load(tmp_path / "checkpoint")
    assert model.mode == "characters"
    assert {len(term) for term in model.parts[0].get_feature_names_out()} == {1, 2, 3, 4}


@pytest.mark.parametrize(("features", "parts"), [("words", ["word", "char_wb"]), ("characters", ["char"])])
def test_features_can_be_said_against_the_script(tmp_path: Path, features: str, parts: list[str]) -> None:
    run(make_job(tmp_path, "tfidf_logreg", options={"features": features}))
    model, _ = load(tmp_path / "checkpoint")
    assert [part.analyzer for part in model.parts] == parts


def test_a_checkpoint_without_pickle_answers_as_the_run_did(tmp_path: Path) -> None:
    result = run(make_job(tmp_path, "tfidf_logreg"))
    assert {path.name for path in (tmp_path / "checkpoint").iterdir()} == {
        "assay.json",
        "terms.json",
        "linear.safetensors",
    }
    texts = [row["text"] for row in make_rows(12, start=60)]
    again = predict(tmp_path / "checkpoint", texts)
    for row, scores in zip(lines(tmp_path / "predictions.jsonl"), again, strict=True):
        assert row["scores"] == pytest.approx(scores, abs=1e-5)
        assert row["label"] == max(scores, key=scores.__getitem__)
    assert result["parameters"] == result["trained_parameters"] > 100


def test_the_regression_is_scikit_learns_and_its_probabilities_are_softmax() -> None:
    chance = np.random.default_rng(3)
    features = chance.normal(size=(90, 5))
    gold = (features[:, 0] > 0.5).astype(int) + (features[:, 1] > 0)
    model, notes = fit(features, gold.tolist(), 3, strength=1.0, balance=1.0)
    reference = LogisticRegression(C=1.0, class_weight="balanced", max_iter=1000).fit(features, gold)
    assert notes == []
    assert np.allclose(model.probabilities(features), reference.predict_proba(features), atol=1e-4)


@pytest.mark.parametrize("seen", [[0, 2], [1, 2], [0, 1]])
def test_two_labels_of_three_in_train_leave_the_third_without_probability(seen: list[int]) -> None:
    chance = np.random.default_rng(4)
    features = chance.normal(size=(60, 4))
    gold = [seen[int(value > 0)] for value in features[:, 0]]
    model, _ = fit(features, gold, 3, strength=1.0, balance=0.0)
    shares = np.array(model.probabilities(features))
    reference = LogisticRegression(C=1.0, max_iter=1000).fit(features, gold).predict_proba(features)
    assert np.allclose(shares[:, seen], reference, atol=1e-4)
    assert set(shares[:, ({0, 1, 2} - set(seen)).pop()]) == {0.0}


def test_a_regression_that_does_not_settle_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.ml.logistic.MOST_ITERATIONS", 2)
    chance = np.random.default_rng(5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, notes = fit(chance.normal(size=(60, 4)), [0, 1, 2] * 20, 3, strength=1e6, balance=0.0)
    assert notes == ["The regression did not settle within 2 iterations; lower its strength."]


def test_texts_of_signs_alone_are_learned_from_their_characters(tmp_path: Path) -> None:
    marks = {"negative": "-- !", "neutral": ".. ?", "positive": "++ *"}
    rows = [{"id": f"{n}{mark}", "text": mark, "label": label} for label, mark in marks.items() for n in range(4)]
    result = run(make_job(tmp_path, "tfidf_logreg", splits={"train": rows}, options={"features": "words"}))
    assert result["state"] == "done"
    model, _ = load(tmp_path / "checkpoint")
    assert [part.analyzer for part in model.parts] == ["char_wb"]
    assert predict(tmp_path / "checkpoint", ["++ *"])[0]["positive"] > 0.5


def test_the_number_of_terms_is_capped(tmp_path: Path) -> None:
    run(make_job(tmp_path, "tfidf_logreg", options={"max_features": 100}))
    model, _ = load(tmp_path / "checkpoint")
    assert [len(part.vocabulary_) for part in model.parts][1] == 100
    assert linear.PARTS["words"][1]["ngram_range"] == (2, 5)

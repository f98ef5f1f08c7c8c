"""TF-IDF: logistic regression over word and character n-grams, or characters alone where words are not spaced."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from .job import write_text
from .learned import Facts, Work
from .logistic import Logistic, fit
from .process import Stop

# Scripts written without spaces between words: kana, Chinese characters and their extensions.
UNSPACED = ((0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))
UNSPACED_SHARE = 0.3
# With this many texts an n-gram that only one of them has says more about that text than about a label.
TEXTS_FOR_TWICE = 100
PARTS: dict[str, list[dict[str, Any]]] = {
    "words": [
        {"analyzer": "word", "ngram_range": (1, 2)},
        {"analyzer": "char_wb", "ngram_range": (2, 5)},
    ],
    "characters": [{"analyzer": "char", "ngram_range": (1, 4)}],
}


def unspaced_share(texts: Sequence[str]) -> float:
    """The share of Chinese characters and kana among all characters that are not spaces."""
    codes = [ord(character) for text in texts for character in text if not character.isspace()]
    return sum(any(low <= code <= high for low, high in UNSPACED) for code in codes) / max(1, len(codes))


class Tfidf:
    """One or two TF-IDF tables beside each other, and a regression over both."""

    def __init__(self, parts: list[TfidfVectorizer], logistic: Logistic, mode: str) -> None:
        self.parts = parts
        self.logistic = logistic
        self.mode = mode
        size = int(np.isfinite(logistic.bias).sum()) * (logistic.weights.shape[1] + 1)
        self.facts = Facts(parameters=size, trained_parameters=size)

    def probabilities(self, texts: Sequence[str], stop: Stop) -> list[list[float]]:
        """The probability of each label for each text."""
        stop.check()
        return self.logistic.probabilities(_features(self.parts, texts)) if texts else []

    def save(self, folder: Path) -> dict[str, Any]:
        """Terms as JSON in column order; weights and inverse document frequencies as safetensors."""
        terms = [part.get_feature_names_out().tolist() for part in self.parts]
        write_text(folder / "terms.json", json.dumps(terms, ensure_ascii=False))
        arrays = {f"idf.{number}": part.idf_.astype(np.float32) for number, part in enumerate(self.parts)}
        save_file({**arrays, **self.logistic.arrays()}, folder / "linear.safetensors")
        return {"mode": self.mode, "analyzers": [part.analyzer for part in self.parts]}


def learn(work: Work) -> Tfidf:
    """Count the n-grams of the train texts and fit the regression."""
    options = work.job.options
    texts = [row.text for row in work.data.train]
    gold = [row.label for row in work.data.train]
    mode = options["features"]
    if mode == "auto":
        mode = "characters" if unspaced_share(texts) > UNSPACED_SHARE else "words"
    work.progress.write("prepare")
    with work.stop.at_once():
        parts = _fit_parts(texts, mode, most=options["max_features"])
        work.progress.write("train", step=0, steps=1)
        logistic, notes = fit(
            _features(parts, texts),
            gold,
            len(work.job.labels),
            strength=options["strength"],
            balance=options["balance"],
        )
    model = Tfidf(parts, logistic, mode)
    model.facts.warnings += notes
    return model


def load(folder: Path, facts: dict[str, Any]) -> Tfidf:
    """The model that `save` wrote."""
    arrays = load_file(folder / "linear.safetensors")
    terms = json.loads((folder / "terms.json").read_text(encoding="utf-8"))
    settings = {part["analyzer"]: part for part in PARTS[facts["mode"]]}
    parts = []
    for number, analyzer in enumerate(facts["analyzers"]):
        part = _vectorizer(settings[analyzer], vocabulary=terms[number])
        part.idf_ = arrays[f"idf.{number}"]
        parts.append(part)
    return Tfidf(parts, Logistic(arrays["weights"], arrays["bias"]), facts["mode"])


def _fit_parts(texts: Sequence[str], mode: str, *, most: int) -> list[TfidfVectorizer]:
    """A table per part; a part that finds no terms, as words in a text of signs alone, is left out."""
    twice = 2 if len(texts) >= TEXTS_FOR_TWICE else 1
    fitted = []
    for settings in PARTS[mode]:
        part = _vectorizer(settings, min_df=twice, max_features=most)
        try:
            fitted.append(part.fit(texts))
        except ValueError:
            continue
    return fitted or [_vectorizer(PARTS["characters"][0]).fit(texts)]


def _vectorizer(settings: dict[str, Any], **more: Any) -> TfidfVectorizer:
    return TfidfVectorizer(**settings, **more, sublinear_tf=True, dtype=np.float32)


def _features(parts: Sequence[TfidfVectorizer], texts: Sequence[str]) -> csr_matrix:
    return hstack([part.transform(texts) for part in parts], format="csr")

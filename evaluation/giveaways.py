"""PURE. What gives a label away without being understood: its own words in the text, a column, the id, the order."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from scipy.stats import binom, hypergeom

from annotation.text.normal import search_form

FEWEST = 5
LIFT = 3.0
# The chance of such a finding by luck, divided by the number of looks (Bonferroni).
CHANCE = 0.001
SURE = 0.95
# A column that is different in every row tells nothing that could be learned, so at least half of the rows must share
# their value with another one.
SHARED = 0.5
_WORDS = re.compile(r"[^\W_]+")
_DIGITS = re.compile(r"\d+")
_SPACELESS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class Word(NamedTuple):
    """A label's name or title that stands in texts of this label far more often than in others.

    inside: texts of the label that have it, of `labelled`; outside: others that have it, of `others`; lift: how many
    times its share inside is that outside (with half a text added to each count); p: Fisher's exact test, one side.
    """

    question: str
    label: str
    word: str
    inside: int
    labelled: int
    outside: int
    others: int
    lift: float
    p: float


class Teller(NamedTuple):
    """A column, or a part of the id, that tells the label. right: rows whose label the other rows of their value tell,
    of `n`; guess: the share that the most frequent label would get; p: the chance of so many by guessing (binomial)."""

    question: str
    what: str
    right: int
    n: int
    guess: float
    p: float


@dataclass
class Giveaways:
    """Looks at rows one by one, and then says what gave labels away. terms: question -> label -> its words."""

    terms: Mapping[str, Mapping[str, Sequence[str]]]
    _n: Counter[str] = field(default_factory=Counter)
    _of: Counter[tuple[str, str]] = field(default_factory=Counter)
    _with: Counter[tuple[str, str]] = field(default_factory=Counter)
    _both: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _columns: dict[tuple[str, str], dict[str, Counter[str]]] = field(default_factory=dict)
    _order: dict[str, list[tuple[list[tuple[int, int, str]], str]]] = field(default_factory=lambda: defaultdict(list))

    def look(self, key: str, text: str, labels: Mapping[str, Sequence[str]], columns: Mapping[str, str]) -> None:
        """One row: its labels by question, and columns by name; of an id its letters are a column too."""
        form = search_form(text)
        for question, given in labels.items():
            self._n[question] += 1
            self._of.update((question, label) for label in given)
            for label, words in self.terms.get(question, {}).items():
                for word in words:
                    if stands(word, form):
                        self._with[question, word] += 1
                        if label in given:
                            self._both[question, label, word] += 1
            if len(given) == 1:
                self._count(key, question, given[0], columns)

    def _count(self, key: str, question: str, label: str, columns: Mapping[str, str]) -> None:
        shape = _DIGITS.sub("0", key)
        for name, value in (*columns.items(), ("id", shape if shape != "0" else "")):
            if value:
                self._columns.setdefault((question, name), defaultdict(Counter))[value[:80]][label] += 1
        self._order[question].append((_natural(key), label))

    def words(self) -> list[Word]:
        """Label words that stand in their own texts far more often than in others, the surest first."""
        looks = sum(len(words) for labels in self.terms.values() for words in labels.values()) or 1
        found = []
        for question, labels in self.terms.items():
            total = self._n[question]
            for label, words in labels.items():
                labelled = self._of[question, label]
                for word in words:
                    have, inside = self._with[question, word], self._both[question, label, word]
                    others = total - labelled
                    if inside < FEWEST or not others:
                        continue
                    lift = ((inside + 0.5) / (labelled + 1)) / ((have - inside + 0.5) / (others + 1))
                    p = float(hypergeom.sf(inside - 1, total, labelled, have))
                    if lift >= LIFT and p < CHANCE / looks:
                        found.append(Word(question, label, word, inside, labelled, have - inside, others, lift, p))
        return sorted(found, key=lambda word: (word.p, word))

    def tellers(self) -> list[Teller]:
        """Columns, the letters of the id and the order of the ids, where they tell the label of at least 95 %."""
        looks = len(self._columns) + len(self._order) or 1
        found = []
        for (question, name), values in self._columns.items():
            labels: Counter[str] = Counter()
            for counts in values.values():
                labels.update(counts)
            right, n = _left_out(values.values())
            if n >= max(2 * FEWEST, SHARED * labels.total()):
                found.append(_teller(question, name, right, n, labels))
        for question, rows in self._order.items():
            labels = Counter(label for _key, label in rows)
            in_order = [label for _key, label in sorted(rows)]
            if len(in_order) >= 2 * FEWEST:
                right = sum(one == other for one, other in pairwise(in_order))
                found.append(_teller(question, "order", right, len(in_order) - 1, labels))
        sure = [each for each in found if each.right >= SURE * each.n and each.p < CHANCE / looks]
        return sorted(sure, key=lambda each: (-each.right / each.n, each.what))


def stands(word: str, form: str) -> bool:
    """Whether a word (as `search_form` writes it) stands in such a text as a whole; in Chinese, wherever it stands."""
    if word not in form:
        return False
    if _SPACELESS.search(word):
        return True
    return re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", form) is not None


def terms(labels: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """label -> its name and title as words to look for; what has fewer than three letters (two in Chinese) is left out."""
    found: dict[str, list[str]] = {}
    for name, title in labels:
        words = []
        for said in (name.replace("_", " "), title):
            word = search_form(said).strip()
            if word not in words and len("".join(_WORDS.findall(word))) >= (2 if _SPACELESS.search(word) else 3):
                words.append(word)
        found[name] = words
    return found


def _left_out(values: Iterable[Counter[str]]) -> tuple[int, int]:
    """(rows whose label is the most frequent one of the others with their value, rows that have others)."""
    right = n = 0
    for counts in values:
        size = counts.total()
        if size < 2:
            continue
        n += size
        (_first, most), *rest = counts.most_common(2)
        second = rest[0][1] if rest else 0
        # A row of the leading label is told where the label still leads without it; rows of others never are.
        right += most if most - 1 > second or (most - 1 >= 1 and not second) else 0
    return right, n


def _teller(question: str, what: str, right: int, n: int, labels: Counter[str]) -> Teller:
    guess = labels.most_common(1)[0][1] / labels.total()
    return Teller(question, what, right, n, guess, float(binom.sf(right - 1, n, guess)))


def _natural(key: str) -> list[tuple[int, int, str]]:
    """An id in the order in which a person counts."""
    parts = re.split(r"(\d+)", key)
    return [(0, int(part[:18]), "") if part.isdigit() else (1, 0, part) for part in parts if part]

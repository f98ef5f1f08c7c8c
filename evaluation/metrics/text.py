"""PURE. text: free words. Exact match, token F1, chrF, and their intervals.

No answer (missing, refused, unparsable) is an empty one: nothing of the gold is in it.
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from annotation.text.normal import normalised
from annotation.text.words import gettext_noop
from evaluation.metrics.sampled import Column, figures, ratio
from evaluation.metrics.values import Metric, MetricValue
from evaluation.significance import DRAWS, Floats

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("exact_words", gettext_noop("Exact match"), may_be_primary=True),
        Metric("token_f1", gettext_noop("Token F1"), may_be_primary=True),
        Metric("chrf", gettext_noop("chrF"), may_be_primary=True),
        Metric("coverage", "Answered"),
    )
}
PRIMARY = "token_f1"
BESIDE = ("exact_words", "chrf")
# chrF (Popovic 2015): character n-grams up to this order, recall weighing BETA times as much as precision.
ORDER, BETA = 6, 2
ARTICLES = re.compile(r"\b(a|an|the)\b")
# Scripts without blanks between words: a character is a token.
ALONE = re.compile(
    r"([\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)


def tokens(words: str) -> list[str]:
    """Words as the SQuAD script compares them (Rajpurkar et al. 2016), Chinese and Japanese by character.

    Small letters, full-width signs as plain ones, no punctuation, no English articles.
    """
    folded = normalised("NFKC", words).lower()
    plain = "".join(" " if _is_punctuation(sign) and sign not in string.punctuation else sign for sign in folded)
    plain = "".join(sign for sign in plain if sign not in string.punctuation)
    return ALONE.sub(r" \1 ", ARTICLES.sub(" ", plain)).split()


def _is_punctuation(sign: str) -> bool:
    return unicodedata.category(sign).startswith("P")


def token_f1(gold: str, said: str) -> float:
    """Harmonic mean of precision and recall over tokens, each as often as it occurs; both empty are equal."""
    wanted, given = tokens(gold), tokens(said)
    if not wanted or not given:
        return float(wanted == given and gold.strip() == said.strip())
    both = sum((Counter(wanted) & Counter(given)).values())
    return 2 * both / (len(wanted) + len(given))


def exact(gold: str, said: str) -> bool:
    """Whether nothing but case, punctuation, articles, width and blanks differs."""
    wanted, given = tokens(gold), tokens(said)
    return wanted == given if wanted else gold.strip() == said.strip()


def grams(words: str) -> list[Counter[str]]:
    """The character n-grams of each order, white space left out."""
    signs = "".join(words.split())
    return [Counter(signs[at : at + n] for at in range(len(signs) - n + 1)) for n in range(1, ORDER + 1)]


def chrf(gold: str, said: str) -> float:
    """chrF of one answer in [0, 1]: precision and recall averaged over the orders that both have, then combined.

    As sacrebleu does it for a sentence. A board shows the mean over items and not the chrF of all of them together: in
    that an answer left out would weigh less than a wrong one.
    """
    precision, recall, orders = 0.0, 0.0, 0
    for wanted, given in zip(grams(gold), grams(said), strict=True):
        if wanted and given:
            both = sum((wanted & given).values())
            precision, recall, orders = precision + both / given.total(), recall + both / wanted.total(), orders + 1
    if not precision or not recall:
        return 0.0
    precision, recall = precision / orders, recall / orders
    return (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)


def rows_of(gold: Sequence[str], predicted: Sequence[str | None]) -> Floats:
    """What each item adds, float64[n, 5]: 1, answered, exact, token F1, chrF."""
    if len(gold) != len(predicted):
        raise ValueError(
            f"Gold has {len(gold)} items and the predictions {len(predicted)}: they must be the same items."
        )
    rows = []
    for wanted, given in zip(gold, predicted, strict=True):
        said = given or ""
        answered = given is not None
        alike = [exact(wanted, said), token_f1(wanted, said), chrf(wanted, said)] if answered else [0, 0, 0]
        rows.append([1, answered, *alike])
    return np.array(rows, dtype=np.float64).reshape(len(rows), 5)


def every_metric(sums: Floats) -> Floats:
    """From column sums: exact_words, token_f1, chrf, coverage."""
    n, answered, equal, f1, alike = (sums[:, place] for place in range(5))
    return np.stack([ratio(equal, n), ratio(f1, n), ratio(alike, n), ratio(answered, n)], axis=1)


def measure(
    gold: Sequence[str],
    predicted: Sequence[str | None],
    *,
    question: dict[str, Any],
    groups: Sequence[int] | None = None,
    draws: int = DRAWS,
    seed: int,
    level: float = 0.95,
) -> list[MetricValue]:
    """Every metric of METRICS with its interval; see metrics.Kind."""
    rows = rows_of(gold, predicted)
    n = len(rows)
    columns = [
        Column("exact_words", None, n, int(rows[:, 2].sum())),
        Column("token_f1", None, n),
        Column("chrf", None, n),
        Column("coverage", None, n, int(rows[:, 1].sum())),
    ]
    return figures(rows, every_metric, columns, groups=groups, draws=draws, seed=seed, level=level)


def detail(gold: list[Any], predicted: list[Any], question: dict[str, Any]) -> list[Any]:
    """Nothing more."""
    return []

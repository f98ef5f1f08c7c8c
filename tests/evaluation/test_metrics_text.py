"""Metrics of words: the SQuAD script's examples, Chinese by character, chrF against a naive version."""

import re
import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.chrf_score import sentence_chrf

from evaluation.metrics import text


def squad(words):
    """normalize_answer of the script that SQuAD 1.1 is scored by."""
    words = "".join(sign for sign in words.lower() if sign not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", words).split())


def squad_f1(gold, said):
    wanted, given = squad(gold).split(), squad(said).split()
    same = sum((Counter(wanted) & Counter(given)).values())
    return 2 * same / (len(wanted) + len(given)) if same else 0.0


def values(gold, said):
    found = text.measure(gold, said, question={}, draws=50, seed=1)
    return {each.metric: each.value for each in found}


@pytest.mark.parametrize(
    ("gold", "said"),
    [
        ("The profit rose.", "profit rose"),
        ("profit rose by a third", "the profit fell by a third"),
        ("don't", "dont"),
        ("up up down", "up down down"),
        ("alpha", "beta"),
    ],
)
def test_token_f1_is_that_of_squad(gold, said):
    assert text.token_f1(gold, said) == pytest.approx(squad_f1(gold, said))
    assert text.exact(gold, said) == (squad(gold) == squad(said))


def test_chinese_is_compared_by_character():
    assert text.tokens("净利润增长8％，好于预期。") == [*"净利润增长", "8", *"好于预期"]
    assert text.token_f1("利润增长", "利润下降") == 0.5
    assert text.exact("利润，增长", "利润 增长。")


def test_marks_alone_are_compared_as_they_are():
    assert text.exact("！", "！")
    assert not text.exact("!", "?")
    assert text.token_f1("!", "!") == 1
    assert text.token_f1("!", "?") == 0


@pytest.mark.parametrize(
    ("gold", "said"),
    [
        ("It is a guide to action that ensures obedience", "It is to insure the troops forever"),
        ("the profit of the company rose", "the profits of a company rise"),
        ("净利润同比增长百分之八点五", "净利润同比下降百分之八点五"),
    ],
)
def test_chrf_of_texts_of_six_characters_and_more_is_nltks(gold, said):
    """nltk takes the mean of the F of each order, sacrebleu and this one the F of the means: they are close, not equal."""
    assert text.chrf(gold, said) == pytest.approx(sentence_chrf(gold, said, beta=2), abs=0.02)
    assert text.chrf(gold, said) == pytest.approx(naive(gold, said), abs=1e-12)


def naive(gold, said):
    """Equations of Popovic 2015 as sacrebleu applies them, n-gram by n-gram."""
    gold, said = re.sub(r"\s", "", gold), re.sub(r"\s", "", said)
    precisions, recalls = [], []
    for n in range(1, 7):
        wanted = [gold[place : place + n] for place in range(len(gold) - n + 1)]
        given = [said[place : place + n] for place in range(len(said) - n + 1)]
        if wanted and given:
            left, hits = list(wanted), 0
            for gram in given:
                if gram in left:
                    left.remove(gram)
                    hits += 1
            precisions.append(hits / len(given))
            recalls.append(hits / len(wanted))
    if not precisions:
        return 0.0
    p, r = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    return 5 * p * r / (4 * p + r) if p + r else 0.0


WORDS = st.text(alphabet="ab 好😀.", max_size=12)


@given(WORDS, WORDS)
def test_chrf_is_the_naive_one_and_all_lie_between_nothing_and_one(gold, said):
    assert text.chrf(gold, said) == pytest.approx(naive(gold, said), abs=1e-12)
    for metric in (text.chrf, text.token_f1, text.exact):
        assert 0 <= metric(gold, said) <= 1
        if gold.strip():
            assert metric(gold, gold) == pytest.approx(1)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=5), st.integers(0, 4))
def test_leaving_an_item_out_never_pays(pairs, place):
    gold, said = [one for one, _ in pairs], [other for _, other in pairs]
    without = [None if at == place % len(said) else words for at, words in enumerate(said)]
    full, less = (text.every_metric(text.rows_of(gold, each).sum(axis=0)[None, :])[0] for each in (said, without))
    assert (less <= full + 1e-12).all()
    assert less[-1] < full[-1]


def test_the_board_shows_means_with_intervals():
    gold = ["profit rose", "sales fell"] * 10
    said = ["profit rose", None, *(["profit fell"] * 18)]
    found = {each.metric: each for each in text.measure(gold, said, question={}, draws=200, seed=1)}
    assert found["exact_words"].value == 1 / 20
    assert found["coverage"].value == 19 / 20
    assert found["token_f1"].low < found["token_f1"].value < found["token_f1"].high
    assert list(found) == list(text.METRICS)
    assert values([], [])["chrf"] is None

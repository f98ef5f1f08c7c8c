"""Gamma: the best alignment is that of trying all of them, and chance alone brings nothing."""

from itertools import product

import numpy as np
import pytest

from annotation.agreement import gamma, spans
from annotation.agreement.kinds import AGREEMENTS
from tests.annotation.test_agreement_spans import QUESTION, made, mark


def partitions(units):
    """All partitions of (annotator, unit) into sets with at most one unit of an annotator."""
    if not units:
        yield []
        return
    first, rest = units[0], units[1:]
    for partition in partitions(rest):
        yield [[first], *partition]
        for place, block in enumerate(partition):
            if all(who != first[0] for who, _unit in block):
                yield [*partition[:place], [first, *block], *partition[place + 1 :]]


def brute(continuum):
    n = len(continuum)
    units = [(who, unit) for who, said in enumerate(continuum) for unit in said]
    pairs = n * (n - 1) / 2
    best = min(sum(cost(block, pairs) for block in partition) for partition in partitions(units))
    return best * n / len(units)


def cost(block, pairs):
    close = sum(gamma.dissimilarity(a, b) for i, (_, a) in enumerate(block) for _, b in block[i + 1 :])
    return (close + (pairs - len(block) * (len(block) - 1) / 2) * gamma.EMPTY) / pairs


def continuum(people, seed, most=3):
    rng = np.random.default_rng(seed)
    return [
        [
            (float(start), float(start + rng.integers(2, 8)), "AB"[rng.integers(2)])
            for start in sorted(rng.choice(40, size=rng.integers(0, most + 1), replace=False))
        ]
        for _ in range(people)
    ]


@pytest.mark.parametrize(("people", "seed"), list(product((2, 3), range(8))))
def test_the_best_alignment_is_that_of_trying_all(people, seed):
    made_up = continuum(people, seed)
    if any(made_up):
        assert gamma.disorder(made_up) == pytest.approx(brute(made_up))
    else:
        assert np.isnan(gamma.disorder(made_up))


def test_the_same_marks_have_gamma_one_and_marks_at_random_about_zero():
    same = continuum(1, 5, most=6) * 3
    assert gamma.gamma(same) == 1.0
    rng = np.random.default_rng(0)
    shuffled = [[(float(s), float(s + 5), "AB"[rng.integers(2)]) for s in rng.choice(200, 12, replace=False)] for _ in range(2)]  # fmt: skip
    assert abs(gamma.gamma(shuffled)) < 0.2


def test_it_depends_on_nothing_but_the_marks_and_the_seed():
    made_up = continuum(3, 4)
    assert gamma.gamma(made_up, seed=7) == gamma.gamma(made_up, seed=7)


def test_one_annotator_alone_is_refused():
    with pytest.raises(ValueError, match="two annotators"):
        gamma.disorder([[(0.0, 3.0, "A")]])


def gamma_of(rows, seed):
    found = AGREEMENTS["spans"].report(rows, question=QUESTION, groups=None, draws=50, seed=seed)
    [row] = next(table for table in found["tables"] if table["title"] == "Gamma")["rows"]
    return row[1:]


def test_of_many_items_some_are_drawn_with_the_seed_and_it_is_told_of_how_many(monkeypatch):
    rows = made(units=40, raters=2)
    whole = gamma_of(rows, 1)
    assert whole[0] == whole[1] > 20
    monkeypatch.setattr(spans, "MOST_GAMMA", 5)
    one, again, other = gamma_of(rows, 1), gamma_of(rows, 1), gamma_of(rows, 2)
    assert (one[:2], other[:2]) == ([5, whole[1]], [5, whole[1]])
    assert one == again
    assert one[2] != other[2]
    # Not the first ones by name.
    first = sorted({unit for unit, _rater, marks in rows if marks})[:8]
    assert gamma_of([row for row in rows if row[0] in first], 1)[2] != one[2]


def test_a_report_on_marks_tells_gamma_and_the_scores_of_parts_and_words():
    rows = made(units=15, raters=2)
    found = AGREEMENTS["spans"].report(rows, question=QUESTION, groups=None, draws=50, seed=1)
    table = next(table for table in found["tables"] if table["title"] == "Gamma")
    assert 5 < table["rows"][0][1] <= spans.MOST_GAMMA
    assert 0 < table["rows"][0][3] < 1
    assert found["exact_f1"]["value"] <= found["partial_f1"]["value"]
    assert 0 < found["token_f1"]["value"] < 1


def test_half_is_counted_where_marks_only_overlap_and_the_label_is_forgotten():
    one = [mark(0, 5, "ORG"), mark(10, 15, "PER")]
    other = [mark(0, 5, "PER"), mark(12, 20, "PER"), mark(40, 42, "ORG")]
    [unit] = spans.units_of([("u", "a", one), ("u", "b", other)], {})
    found = spans.main([unit], None, draws=10, seed=1)
    assert found["partial_f1"].value == pytest.approx(2 * (1 + 0.5) / 5)
    assert found["exact_f1"].value == 0.0


def test_words_are_compared_by_where_they_begin_and_characters_of_chinese_one_by_one():
    left = {"start": 10, "end": 26, "label": "ORG", "text": "Deutsche Bank AG"}
    right = {"start": 19, "end": 26, "label": "ORG", "text": "Bank AG"}
    assert spans.tokens_of([left]) == {(10, "ORG"), (19, "ORG"), (24, "ORG")}
    assert spans.tokens_of([right]) == {(19, "ORG"), (24, "ORG")}
    assert spans.tokens_of([{"start": 3, "end": 7, "label": "ORG", "text": "中国银行"}]) == {
        (n, "ORG") for n in range(3, 7)
    }
    [unit] = spans.units_of([("u", "a", [left]), ("u", "b", [right])], {})
    assert spans.main([unit], None, draws=10, seed=1)["token_f1"].value == pytest.approx(4 / 5)

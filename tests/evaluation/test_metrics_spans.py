"""Metrics of marks against plain loops and against the CoNLL counts of tagged words; missing answers, groups, confusion."""

import numpy as np
import pytest

from annotation.kinds.marks import key, place_of, shared
from evaluation.metrics import KINDS, spans

NAMES = ["ORG", "PER", "LOC"]
QUESTION = {"name": "marks", "kind": "spans", "labels": [{"name": name} for name in NAMES]}


def mark(start, end, label, **more):
    return {"start": start, "end": end, "label": label, **more}


def noisy(seed, n, *, missing=0):
    rng = np.random.default_rng(seed)
    gold, predicted = [], []
    for _item in range(n):
        truth = {(int(s), int(s + rng.integers(1, 6)), NAMES[rng.integers(3)]) for s in rng.integers(0, 40, 4)}
        said = set()
        for start, end, label in sorted(truth):
            if rng.random() < 0.2:
                continue
            label = NAMES[rng.integers(3)] if rng.random() < 0.2 else label
            said.add((start, end + int(rng.random() < 0.2), label))
        if rng.random() < 0.3:
            said.add((50, 53, NAMES[rng.integers(3)]))
        gold.append([mark(*one) for one in sorted(truth)])
        predicted.append([mark(*one) for one in sorted(said)])
    for place in range(missing):
        predicted[place] = None
    return gold, predicted


def measured(gold, predicted, **options):
    found = spans.measure(gold, predicted, question=QUESTION, **{"draws": 200, "seed": 1, **options})
    return {(value.metric, value.label): value for value in found}


def prf(hits, given, wanted):
    return hits / given, hits / wanted, 2 * hits / (given + wanted)


def test_the_values_are_those_of_plain_loops():
    gold, predicted = noisy(1, 120, missing=5)
    found = measured(gold, predicted)
    told = [answer or [] for answer in predicted]

    def counted(same, keep=lambda one: True):
        hits = sum(any(same(a, b) for b in filter(keep, want)) for want, said in zip(gold, told, strict=True) for a in filter(keep, said))  # fmt: skip
        back = sum(any(same(a, b) for b in filter(keep, said)) for want, said in zip(gold, told, strict=True) for a in filter(keep, want))  # fmt: skip
        return hits, back, sum(len([*filter(keep, said)]) for said in told), sum(len([*filter(keep, want)]) for want in gold)  # fmt: skip

    def exact(a, b):
        return key(a) == key(b)

    def meets(a, b):
        return a["label"] == b["label"] and a["start"] < b["end"] and b["start"] < a["end"]

    hits, _back, given, wanted = counted(exact)
    names = ("micro_precision", "micro_recall", "micro_f1")
    assert [found[name, None].value for name in names] == pytest.approx(prf(hits, given, wanted))
    hits, back, given, wanted = counted(meets)
    assert found["overlap_f1", None].value == pytest.approx((hits + back) / (given + wanted))
    ends = [[{(one["start"], one["end"]) for one in answer} for answer in side] for side in (gold, told)]
    shared = sum(len(a & b) for a, b in zip(*ends, strict=True))
    assert found["boundary_f1", None].value == pytest.approx(2 * shared / sum(len(a) for side in ends for a in side))
    f1s = []
    for name in NAMES:
        hits, _back, given, wanted = counted(exact, lambda one, name=name: one["label"] == name)
        values = [found[metric, name].value for metric in ("precision", "recall", "f1")]
        assert values == pytest.approx(prf(hits, given, wanted))
        assert found["support", name].value == wanted
        f1s.append(values[2])
    assert found["macro_f1", None].value == pytest.approx(np.mean(f1s))
    right = sum(said is not None and want == said for want, said in zip(gold, predicted, strict=True))
    assert found["without_error", None].value == pytest.approx(right / 120)
    assert found["coverage", None].value == pytest.approx(115 / 120)


def entities(tags):
    """The entities of one tagged sentence as conlleval and seqeval find them in BIO: (type, first, last) words."""
    found, start, now = [], 0, "O"
    for place, tag in enumerate([*tags, "O"]):
        goes_on = tag.startswith("I-") and now == tag[2:]
        if not goes_on:
            if now != "O":
                found.append((now, start, place - 1))
            start, now = place, tag[2:] or "O"
    return found


def test_flat_marks_score_as_tagged_words_do():
    rng = np.random.default_rng(7)
    words = 30

    def tagged():
        tags, place = ["O"] * words, 0
        while place < words - 4:
            if rng.random() < 0.3:
                length, name = int(rng.integers(1, 4)), NAMES[rng.integers(3)]
                tags[place : place + length] = [f"B-{name}", *[f"I-{name}"] * (length - 1)]
                place += length
            place += 1
        return tags

    gold = [tagged() for _sentence in range(60)]
    said = [[tag if rng.random() < 0.9 else "O" for tag in tags] for tags in gold]
    sets = [{(n, *one) for n, tags in enumerate(side) for one in entities(tags)} for side in (gold, said)]
    hits = len(sets[0] & sets[1])
    # A word is three characters and a blank.
    as_marks = [
        [sorted((mark(4 * first, 4 * last + 3, name) for name, first, last in entities(tags)), key=key) for tags in side]
        for side in (gold, said)
    ]  # fmt: skip
    found = measured(*as_marks)
    names = ("micro_precision", "micro_recall", "micro_f1")
    assert [found[name, None].value for name in names] == pytest.approx(prf(hits, len(sets[1]), len(sets[0])))


def test_every_metric_of_the_registry_is_there_with_its_interval():
    gold, predicted = noisy(2, 200)
    found = measured(gold, predicted)
    registered = KINDS["spans"]
    assert list(dict.fromkeys(metric for metric, _label in found)) == list(registered.metrics)
    assert registered.primary in registered.may_be_primary
    for (metric, _label), value in found.items():
        if metric not in ("support", "coverage"):
            assert value.low < value.value < value.high
            assert value.method == ("wilson" if metric == "without_error" else "bca")


def test_a_missing_answer_misses_all_and_is_an_error_even_where_there_is_nothing():
    gold = [[mark(0, 5, "ORG")], []]
    found = measured(gold, [None, None])
    assert (found["micro_recall", None].value, found["micro_f1", None].value) == (0.0, 0.0)
    assert found["micro_precision", None].value is None
    assert found["without_error", None].value == 0.0
    assert measured(gold, [[mark(0, 5, "ORG")], []])["without_error", None].value == 1.0


def test_all_parts_of_a_mark_must_be_right():
    whole, parted = mark(0, 9, "ORG"), mark(0, 9, "ORG", parts=[[0, 3], [6, 9]])
    found = measured([[parted]], [[whole]])
    assert (found["micro_f1", None].value, found["boundary_f1", None].value) == (0.0, 0.0)
    assert found["overlap_f1", None].value == 1.0
    between = measured([[parted]], [[mark(3, 6, "ORG")]])
    assert between["overlap_f1", None].value == 0.0


def test_items_that_belong_together_are_resampled_together():
    gold, predicted = noisy(3, 60)
    alone = measured(gold, predicted)["micro_f1", None]
    together = measured(gold, predicted, groups=[n // 5 for n in range(60)])["micro_f1", None]
    assert together.value == alone.value
    assert (together.low, together.high) != (alone.low, alone.high)
    with pytest.raises(ValueError, match="60 items but 3 groups"):
        measured(gold, predicted, groups=[1, 2, 3])
    with pytest.raises(ValueError, match="must be the same items"):
        measured(gold, predicted[:-1])


def test_without_items_or_marks_there_is_a_note_and_no_zero():
    assert measured([], [])["micro_f1", None].note == "There are no items."
    found = measured([[]] * 20, [[]] * 20)
    assert found["micro_f1", None].value is None
    assert found["without_error", None].value == 1.0


def test_the_confusion_tells_labels_and_what_is_missed_or_not_there():
    gold = [[mark(0, 5, "ORG"), mark(10, 15, "ORG"), mark(20, 25, "PER"), mark(30, 35, "LOC")], [mark(0, 5, "PER")]]
    said = [[mark(0, 5, "ORG"), mark(10, 15, "PER"), mark(21, 25, "PER"), mark(40, 45, "LOC")], None]
    org, per, loc, nothing = spans.detail(gold, said, QUESTION)
    assert org == [1, 1, 0, 0]
    assert per == [0, 1, 0, 1]
    assert loc == [0, 0, 0, 1]
    assert nothing == [0, 0, 1, 0]


def test_the_confusion_prefers_the_same_ends_and_takes_each_mark_once():
    gold = [[mark(0, 5, "ORG"), mark(0, 5, "PER"), mark(0, 9, "LOC")]]
    said = [[mark(0, 5, "PER"), mark(0, 5, "LOC"), mark(1, 8, "LOC")]]
    org, per, loc, nothing = spans.detail(gold, said, QUESTION)
    assert (org, per, loc, nothing) == ([0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0])


def test_the_confusion_of_many_marks_over_each_other_is_that_of_a_search_through_all():
    rng = np.random.default_rng(5)

    def some():
        found = {}
        for start, length, label in zip(*rng.integers(0, (30, 12, 3), (12, 3)).T, strict=True):
            start, end = int(start), int(start + length + 1)
            split = {"parts": [[start, start + 1], [end + 2, end + 3]]} if length > 9 else {}
            found[start, end, label] = mark(start, end + 3 if split else end, NAMES[label], **split)
        return list(found.values())

    ranks = (lambda one, other: place_of(one) == place_of(other) and one["label"] == other["label"], lambda one, other: place_of(one) == place_of(other), shared)  # fmt: skip
    for _item in range(60):
        gold, predicted = some(), some()
        wanted = np.zeros((4, 4), dtype=int)
        rest, left = list(gold), list(predicted)
        for rank in ranks:
            for one in list(rest):
                near = max(left, key=lambda other, one=one, rank=rank: int(rank(one, other)), default=None)
                if near is not None and rank(one, near):
                    wanted[NAMES.index(one["label"]), NAMES.index(near["label"])] += 1
                    rest.remove(one)
                    left.remove(near)
        for one in rest:
            wanted[NAMES.index(one["label"]), 3] += 1
        for other in left:
            wanted[3, NAMES.index(other["label"])] += 1
        assert spans.detail([gold], [predicted], QUESTION) == wanted.tolist()

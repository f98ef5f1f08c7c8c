"""Agreement on marks in the text against plain loops, alpha by character against the alpha of answers to each character."""

from itertools import combinations, pairwise, permutations

import numpy as np
import pytest

from annotation.agreement import krippendorff_alpha, spans
from annotation.agreement.intervals import bootstrap_many, bootstrap_units
from annotation.agreement.kinds import AGREEMENTS
from annotation.agreement.ratings import from_triples
from annotation.agreement.unitizing import alpha_u
from annotation.kinds import spans as kind
from annotation.kinds.marks import extent, place_of

LABELS = ["ORG", "PER", "MONEY"]
QUESTION = {"name": "marks", "labels": [{"name": name, "title": name} for name in LABELS]}
SIZE = 60


@pytest.fixture(autouse=True)
def little_gamma(monkeypatch):
    """Aligning many marks takes long and is not what these tests are about."""
    monkeypatch.setattr(spans, "MOST_GAMMA", 1)


def mark(start, end, label, **more):
    return {"start": start, "end": end, "label": label, "text": "x" * (end - start), **more}


def made(units=40, raters=4, seed=3, parts=True):
    rng = np.random.default_rng(seed)
    rows = []
    for unit in range(units):
        truth = [(int(start), int(start + rng.integers(2, 9)), LABELS[rng.integers(3)]) for start in rng.integers(0, 50, 4)]  # fmt: skip
        for rater in range(raters):
            if rng.random() < 0.15:
                continue
            said = {}
            for start, end, label in truth:
                if rng.random() < 0.2:
                    continue
                end += int(rng.random() < 0.2)
                label = LABELS[rng.integers(3)] if rng.random() < 0.2 else label
                more = {"parts": [[start, start + 1], [end - 1, end]]} if parts and end - start > 5 and rng.random() < 0.2 else {}  # fmt: skip
                said[start, end, label] = mark(start, end, label, **more)
            rows.append((f"u{unit:02}", f"r{rater}", [said[name] for name in sorted(said)]))
    return rows


def told(rows, **options):
    sizes = dict.fromkeys({row[0] for row in rows}, SIZE)
    return AGREEMENTS["spans"].report(
        rows, question=QUESTION, sizes=sizes, **{"groups": None, "draws": 100, "seed": 1, **options}
    )


def pairs_of(rows):
    by_unit = {}
    for unit, _rater, value in sorted(rows, key=lambda row: row[:2]):
        by_unit.setdefault(unit, []).append(value)
    return [pair for answers in by_unit.values() for pair in combinations(answers, 2)]


def chars(one):
    return {place for start, end in extent(one) for place in range(start, end)}


def naive_f1(rows, same):
    shared = total = 0
    for a, b in pairs_of(rows):
        shared += sum(any(same(one, other) for other in b) for one in a)
        shared += sum(any(same(one, other) for other in a) for one in b)
        total += len(a) + len(b)
    return shared / total


def place(one):
    return place_of(one)


def test_exact_and_overlapping_f1_are_those_of_plain_loops():
    rows = made()
    found = told(rows)
    exact = naive_f1(rows, lambda a, b: place(a) == place(b) and a["label"] == b["label"])
    meets = naive_f1(rows, lambda a, b: a["label"] == b["label"] and bool(chars(a) & chars(b)))
    assert found["exact_f1"]["value"] == pytest.approx(exact)
    assert found["overlap_f1"]["value"] == pytest.approx(meets)
    assert 0 < exact < meets < 1
    equal = [a == b for a, b in pairs_of(rows)]
    assert found["percent"]["value"] == pytest.approx(sum(equal) / len(equal))


def test_ends_apart_from_labels():
    rows = made()
    shared = total = 0
    for a, b in pairs_of(rows):
        one, other = ({place(each) for each in answer} for answer in (a, b))
        shared, total = shared + 2 * len(one & other), total + len(one) + len(other)
    assert told(rows)["boundary_f1"]["value"] == pytest.approx(shared / total)


def test_the_alpha_of_labels_is_over_what_was_marked_with_the_same_ends():
    rows = made(units=80)
    said = {}
    for unit, rater, answer in rows:
        for one in answer:
            said.setdefault((unit, place(one)), {}).setdefault(rater, []).append(one["label"])
    triples = [
        (str(where), rater, labels[0])
        for where, given in said.items()
        for rater, labels in given.items()
        if len(labels) == 1 and sum(len(other) == 1 for other in given.values()) > 1
    ]
    expected = krippendorff_alpha(from_triples(triples, categories=LABELS))
    assert told(rows)["label_alpha"]["value"] == pytest.approx(expected)


@pytest.mark.parametrize("label", LABELS)
def test_the_alpha_of_a_label_is_that_of_answers_to_each_character(label):
    rows = made()
    triples = []
    for unit, rater, answer in rows:
        inside = set().union(*(chars(one) for one in answer if one["label"] == label))
        triples += [(f"{unit}/{at:03}", rater, "in" if at in inside else "out") for at in range(SIZE)]
    expected = krippendorff_alpha(from_triples(triples, categories=["in", "out"]))
    [row] = [row for row in told(rows)["labels"] if row["label"] == label]
    assert row["alpha"]["value"] == pytest.approx(expected)
    exact = naive_f1(
        [(unit, rater, [one for one in answer if one["label"] == label]) for unit, rater, answer in rows],
        lambda a, b: place(a) == place(b),
    )
    assert row["specific_agreement"]["value"] == pytest.approx(exact)


def test_contested_items_are_those_of_the_distance():
    rows = made(units=60)
    found = told(rows)
    by_unit = {}
    for unit, _rater, value in rows:
        by_unit.setdefault(unit, []).append(value)
    apart = {
        unit: float(np.mean([kind.distance(a, b, QUESTION) for a, b in combinations(answers, 2)]))
        for unit, answers in by_unit.items()
        if len(answers) > 1
    }
    worst = sorted((value for value in apart.values() if value), reverse=True)
    assert [row["disagreement"] for row in found["contested"]] == pytest.approx(worst[:50])
    assert found["n_units_differing"] == len(worst)
    first = found["contested"][0]
    assert apart[first["unit"]] == pytest.approx(first["disagreement"])
    assert sum(answer["count"] for answer in first["answers"]) == len(by_unit[first["unit"]])


def test_how_marks_differ_and_every_two_people():
    one = [mark(0, 5, "ORG"), mark(10, 14, "PER"), mark(20, 25, "ORG"), mark(30, 33, "ORG"), mark(40, 44, "ORG")]
    other = [mark(0, 5, "ORG"), mark(10, 14, "ORG"), mark(20, 27, "ORG"), mark(31, 33, "PER")]
    found = told([("u", "a", one), ("u", "b", other), ("v", "a", one)])
    differ, _unitizing, _gamma, people = found["tables"]
    assert [row[1] for row in differ["rows"]] == [2, 2, 2, 2, 1]
    assert people["rows"] == [["a", "b", 1, pytest.approx(2 / 9), pytest.approx(4 / 9)]]
    assert people["people"] == [0, 1]
    assert (found["n_units"], found["n_units_2plus"], found["n_ratings"]) == (2, 1, 3)
    assert found["ratings_histogram"] == {"1": 1, "2": 1}
    assert found["prevalence"] == {"ORG": 1.0, "PER": 1.0, "MONEY": 0.0}
    assert found["exact_f1"]["reason"] == "few_units"


def test_intervals_surround_the_value_and_groups_are_drawn_together():
    rows = made(units=60)
    found = told(rows, draws=400)
    for name in ("exact_f1", "overlap_f1", "boundary_f1"):
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]
    groups = {f"u{n:02}": f"d{n % 5}" for n in range(60)}
    assert told(rows, groups=groups)["exact_f1"]["reason"] == "few_groups"
    assert told(rows, groups=groups)["exact_f1"]["value"] == found["exact_f1"]["value"]
    brief = AGREEMENTS["spans"].brief(rows, question=QUESTION, draws=400, seed=1)
    assert brief["exact_f1"] == found["exact_f1"]


def test_figures_of_one_draw_are_those_of_single_ones():
    rng = np.random.default_rng(4)
    columns = rng.integers(0, 9, (50, 4)).astype(float)
    columns[:, 1::2] += 9
    many = bootstrap_many(columns, None, spans.ratios, [50, 3], draws=200, seed=2)
    single = bootstrap_units(columns[:, :2], None, spans.ratios, draws=200, seed=2)
    assert (many[0].value, many[0].low, many[0].high) == pytest.approx((single.value, single.low, single.high))
    assert many[1].reason == "few_units"
    assert many[1].value == pytest.approx(columns[:, 2].sum() / columns[:, 3].sum())


def test_where_nobody_marks_anything_there_is_no_figure_but_that_answers_are_equal():
    found = told([(str(n), rater, []) for n in range(20) for rater in "ab"])
    assert found["percent"]["value"] == 1.0
    assert (found["exact_f1"]["value"], found["exact_f1"]["reason"]) == (None, "no_variation")
    assert found["label_alpha"]["value"] is None
    assert found["contested"] == []
    assert [table["rows"] for table in found["tables"]] == [[["a", "b", 20, None, None]]]


def test_without_any_answers_there_is_a_reason():
    found = told([])
    assert (found["exact_f1"]["reason"], found["n_units"]) == ("no_pairs", 0)


def test_a_person_answers_an_item_once():
    with pytest.raises(ValueError, match="Unit 'u': a rater answered it more than once"):
        told([("u", "a", []), ("u", "a", [])])


# Published values


def entities(tags, first):
    """Marks of tagged words, each a character long, from a place on."""
    found, now = [], ""
    for place, tag in enumerate(tags, first):
        if tag.startswith("I-") and tag[2:] == now:
            found[-1]["end"] = place + 1
        elif tag != "O":
            found.append(mark(place, place + 1, tag[2:]))
        now = tag[2:]
    return found


def test_f1_of_the_readme_of_nervaluate():
    a = [["O", "B-PER", "I-PER", "O", "O", "O", "B-ORG", "I-ORG"], ["O", "B-LOC", "B-PER", "I-PER", "O", "O", "B-DATE"]]
    b = [["O", "O", "B-PER", "I-PER", "O", "O", "B-ORG", "I-ORG"], ["O", "B-LOC", "I-LOC", "B-PER", "O", "O", "B-DATE"]]
    rows = [(str(n), who, entities(tags, 0)) for who, side in (("a", a), ("b", b)) for n, tags in enumerate(side)]
    found = told(rows)
    assert found["exact_f1"]["value"] == pytest.approx(0.4)  # “strict”
    assert found["overlap_f1"]["value"] == 1.0  # “ent_type”


def units(*given):
    """Units of the example, [start, length] on a continuum from 150 to 450, as stretches from 0."""
    return [[(start - 150, start - 150 + length) for start, length in one] for one in given]


def test_alpha_for_unitizing_of_krippendorff_2004():
    c = units([[225, 70], [370, 30]], [[220, 80], [355, 20], [400, 20]])
    k = units([[180, 60], [300, 50]], [[180, 60], [300, 50]])
    assert alpha_u([(300, c)]) == pytest.approx(0.7286, abs=1e-4)
    assert alpha_u([(300, k)]) == 1.0


def naive_alpha_u(continua):
    """The formulas section by section."""
    m, total = len(continua[0][1]), sum(length for length, _given in continua)
    observed, everything = 0, []
    for length, given in continua:
        sections = []
        for stretches in given:
            inside = {place for start, end in stretches for place in range(start, end)}
            edges = sorted({0, length, *(edge for stretch in stretches for edge in stretch)})
            sections.append([(b, e - b, int(b in inside)) for b, e in pairwise(edges)])
        everything += [section for one in sections for section in one]
        for i, j in permutations(range(m), 2):
            for b, size, unit in sections[i]:
                for c, other, also in sections[j]:
                    if unit and also and -size < b - c < other:
                        observed += (b - c) ** 2 + (b + size - c - other) ** 2
                    elif unit and not also and other - size >= b - c >= 0:
                        observed += size**2
                    elif also and not unit and size - other >= c - b >= 0:
                        observed += other**2
    n = sum(unit for _b, _size, unit in everything)
    expected = sum(
        (n - 1) / 3 * (2 * size**3 - 3 * size**2 + size)
        + size**2 * sum(other - size + 1 for _c, other, also in everything if not also and other >= size)
        for _b, size, unit in everything
        if unit
    )
    left = m * total * (m * total - 1) - sum(size * (size - 1) for _b, size, unit in everything if unit)
    return 1 - (observed / (m * (m - 1) * total**2)) / (2 / total * expected / left)


def test_alpha_for_unitizing_is_that_of_its_formulas():
    rng = np.random.default_rng(8)
    for _try in range(40):
        continua = []
        for _text in range(3):
            length = int(rng.integers(8, 30))
            given = []
            for _observer in range(3):
                cuts = sorted(rng.choice(length + 1, size=4, replace=False).tolist())
                pairs = [(cuts[0], cuts[1]), (cuts[2], cuts[3])]
                given.append(pairs[: int(rng.integers(0, 3))])
            continua.append((length, given))
        if any(given for _length, observers in continua for given in observers):
            assert alpha_u(continua) == pytest.approx(naive_alpha_u(continua))


def test_the_report_tells_alpha_for_unitizing_of_each_label():
    rows = made(parts=False)
    [table] = [table for table in told(rows)["tables"] if table["title"] == "Alpha for unitizing"]
    by_unit = {}
    for unit, _rater, value in sorted(rows, key=lambda row: row[:2]):
        by_unit.setdefault(unit, []).append(value)
    many = max({2, 3, 4}, key=lambda size: sum(len(answers) == size for answers in by_unit.values()))
    same = [answers for answers in by_unit.values() if len(answers) == many]
    for title, n, found in table["rows"]:
        marked = [[[one for one in said if one["label"] == title] for said in answers] for answers in same]
        stretches = [[joined(said) for said in answers] for answers in marked]
        assert n == sum(len(said) for answers in marked for said in answers)
        assert found == pytest.approx(naive_alpha_u([(SIZE, given) for given in stretches]))


def joined(said):
    """The stretches of marks, those that overlap as one; what only touches stays two."""
    found = []
    for start, end in sorted((one["start"], one["end"]) for one in said):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def test_unitizing_needs_as_many_observers_everywhere():
    with pytest.raises(ValueError, match="the same number of observers"):
        alpha_u([(10, [[], []]), (10, [[]])])
    assert np.isnan(alpha_u([(10, [[], []])]))


def test_thousands_of_marks_over_each_other_are_compared_without_a_look_at_each_pair():
    one, other = ([{"start": k, "end": 2000 + k + away, "label": "ORG"} for k in range(1500)] for away in (0, 1))
    found = spans.report([("u", "a", one), ("u", "b", other)], question=QUESTION, sizes={"u": 4000}, draws=10)
    assert found["overlap_f1"]["value"] == 1
    assert found["exact_f1"]["value"] == 0

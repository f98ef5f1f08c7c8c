"""choices: sets of labels in every form that files have, their distance and their majority."""

from itertools import combinations, product

import numpy as np
import pytest
from nltk.metrics import agreement as nltk_agreement
from nltk.metrics.distance import jaccard_distance, masi_distance

from annotation import schema as schemas
from annotation.agreement import sets
from annotation.agreement.distances import alpha, coded, matrix
from annotation.agreement.kinds import AGREEMENTS
from annotation.kinds import choices, labels

NAMES = ["rates", "credit", "fx, spot", "汇率", "other"]


def asked(**settings):
    schema = {"questions": [{"name": "topics", "kind": "choices", "labels": NAMES, **settings}]}
    return schemas.check(schema)["questions"][0]


QUESTION = asked()
SUBSETS = [list(some) for size in range(len(NAMES)) for some in combinations(NAMES, size)]


# The schema


def test_the_settings_have_defaults_and_checking_again_changes_nothing():
    assert (QUESTION["least"], QUESTION["most"]) == (1, None)
    again = schemas.check({"questions": [QUESTION]})["questions"][0]
    assert again == QUESTION
    assert asked(least="0", most="2")["most"] == 2


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"least": 6}, "asks for at least 6 labels and has 5"),
        ({"least": 2, "most": 1}, "At most 1 labels are fewer than at least 2"),
        ({"most": 0, "least": 0}, "At most 0"),
        ({"least": "-1"}, "a whole number; got “-1”"),
        ({"least": "two"}, "a whole number; got “two”"),
        ({"least": True}, "a whole number"),
        ({"labels": ["one"]}, "at least two labels"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_sentence(settings, sentence):
    with pytest.raises(ValueError, match=f"Question “topics”: .*{sentence}"):
        asked(**settings)


# Labels under labels


def under(*pairs):
    labels = [{"name": name, "parent": parent} for name, parent in pairs]
    schema = {"questions": [{"name": "topics", "kind": "choices", "labels": labels}]}
    return schemas.check(schema)["questions"][0]


def test_a_label_comes_behind_its_parent_and_what_stands_under_that():
    question = under(("rates", ""), ("credit", ""), ("cut", "rates"), ("default", "credit"), ("deep", "cut"), ("rise", "rates"))  # fmt: skip
    told = [(label["name"], [one["name"] for one in above]) for label, above in labels.tree(question)]
    assert told == [
        ("rates", []),
        ("cut", ["rates"]),
        ("deep", ["rates", "cut"]),
        ("rise", ["rates"]),
        ("credit", []),
        ("default", ["credit"]),
    ]
    assert schemas.check({"questions": [question]})["questions"][0] == question
    assert "parent" not in question["labels"][0]


@pytest.mark.parametrize("pairs", [[("a", "b"), ("b", "")], [("a", "a"), ("b", "")], [("a", ""), ("b", "nowhere")]])
def test_a_parent_must_be_an_earlier_label(pairs):
    with pytest.raises(ValueError, match="must be a label before it"):
        under(*pairs)


def test_a_child_is_chosen_without_its_parent():
    question = under(("rates", ""), ("cut", "rates"))
    assert choices.clean(["cut"], question) == ["cut"]
    assert choices.clean(["cut", "rates"], question) == ["rates", "cut"]


# Answers


def test_an_answer_is_stored_in_the_order_of_the_question_without_repeats():
    assert choices.clean(["汇率", "rates", "rates"], QUESTION) == ["rates", "汇率"]
    assert choices.clean([], asked(least=0)) == []


@pytest.mark.parametrize(
    ("value", "settings", "sentence"),
    [
        (["inflation"], {}, "“inflation” is no label of “topics”"),
        ([], {}, "asks for at least 1 labels; here are 0"),
        (["rates"], {"least": 2}, "asks for at least 2 labels; here are 1"),
        (["rates", "credit", "other"], {"most": 2}, "takes at most 2 labels; here are 3"),
        ("rates", {}, "takes a list of labels"),
        ({"rates": 1}, {}, "takes a list of labels"),
        ([["rates"]], {}, "is no label"),
        ([None], {}, "is no label"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_in_a_sentence(value, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        choices.clean(value, asked(**settings))


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        (["rates"], ["rates"]),
        ('["rates", "汇率"]', ["rates", "汇率"]),
        ("rates", ["rates"]),
        ("fx, spot", ["fx, spot"]),  # a label with a comma in it
        ("rates|fx, spot", ["rates", "fx, spot"]),
        ("rates; credit", ["rates", "credit"]),
        ("rates, credit", ["rates", "credit"]),
        ("汇率、rates", ["汇率", "rates"]),
        ("rates|inflation", ["rates", "inflation"]),  # strange ones are left to `clean` to refuse
        ("[broken", ["[broken"]),
        ("['rates', '汇率']", ["rates", "汇率"]),  # as Python writes it
        ("[open('x')]", ["[open('x')]"]),  # and nothing of it is run
        ("[" * 5000 + "]" * 5000, ["[" * 5000 + "]" * 5000]),
        ("inflation", ["inflation"]),
    ],
)
def test_a_cell_is_read_whatever_stands_between_its_labels(cell, read):
    assert choices.read(cell, QUESTION) == read


# Distance and majority


@pytest.mark.parametrize(("a", "b"), [(a, b) for a, b in product(SUBSETS[::3], SUBSETS[::2]) if a or b])
def test_the_distances_are_those_of_nltk(a, b):
    assert choices.distance(a, b, QUESTION) == pytest.approx(masi_distance(set(a), set(b)), abs=1e-2)
    assert choices.jaccard(a, b) == pytest.approx(jaccard_distance(set(a), set(b)))


def test_the_published_values_of_masi_hold():
    assert choices.distance(["1", "2"], ["1", "2", "3", "4"], QUESTION) == pytest.approx(2 / 3)
    assert choices.distance(["A"], ["B"], QUESTION) == 1.0
    assert choices.distance([], [], QUESTION) == choices.jaccard([], []) == 0.0
    assert choices.distance([], ["A"], QUESTION) == 1.0


@pytest.mark.parametrize(
    ("values", "merged"),
    [
        ([["rates"], ["rates"], ["credit"]], (["rates"], 2 / 3)),
        ([["rates", "credit"], ["rates"], ["rates", "credit"]], (["rates", "credit"], 2 / 3)),
        ([["rates"], ["credit"]], None),  # half and half
        ([["rates"], ["credit"], ["other"]], None),  # nothing is left, and one is asked for
        ([["rates"]], (["rates"], 1.0)),
        ([], None),
    ],
)
def test_a_label_stays_where_more_than_half_gave_it(values, merged):
    found = choices.merge(values, QUESTION)
    assert found == (merged and (merged[0], pytest.approx(merged[1])))


def test_where_none_may_be_given_a_majority_may_leave_none():
    assert choices.merge([["rates"], ["credit"], []], asked(least=0)) == ([], pytest.approx(2 / 3))


def test_answers_in_words_and_for_counts_and_splits():
    assert choices.summarise(["rates", "汇率"], QUESTION) == "rates, 汇率"
    assert choices.summarise([], QUESTION) == "none of them"
    assert choices.used(["rates"], QUESTION) == ["rates"]
    assert choices.stratum(["rates", "other"], QUESTION) != choices.stratum(["rates"], QUESTION)


# Agreement


def made(units=60, raters=3, seed=5):
    rng = np.random.default_rng(seed)
    rows = []
    for unit in range(units):
        truth = set(rng.choice(NAMES, size=rng.integers(1, 3), replace=False))
        for rater in range(raters):
            said = {name for name in NAMES if (name in truth) ^ bool(rng.random() < 0.12)}
            if rng.random() < 0.9:
                rows.append((f"u{unit:02}", f"r{rater}", [name for name in NAMES if name in said]))
    return rows


@pytest.mark.parametrize("distance", ["masi", "jaccard"])
def test_alpha_is_that_of_nltk(distance):
    rows = made()
    ours = (lambda a, b: choices.distance(a, b, QUESTION)) if distance == "masi" else choices.jaccard
    r, values = coded(rows)

    def theirs(a, b):  # nltk divides by the size of the union
        return ours(sorted(a), sorted(b))

    task = nltk_agreement.AnnotationTask(
        [(rater, unit, frozenset(value)) for unit, rater, value in rows], distance=theirs
    )
    assert alpha(r, matrix(values, ours)) == pytest.approx(task.alpha(), abs=1e-9)


def test_alpha_by_jaccard_of_a_published_case():
    table = [
        [["love", "gifts"], ["slime", "gaming"]],
        [["love", "gifts"], ["slime"]],
        [["love", "gifts"], ["slime", "gaming"]],
    ]
    rows = [(str(unit), str(rater), value) for rater, row in enumerate(table) for unit, value in enumerate(row)]
    r, values = coded(rows)
    assert alpha(r, matrix(values, choices.jaccard)) == pytest.approx(0.75, abs=1e-6)


def test_the_report_has_every_figure_and_each_label_for_itself():
    found = AGREEMENTS["choices"].report(made(), question=QUESTION, groups=None, draws=200, seed=3)
    assert found["headline"] == ["alpha_masi", "alpha_jaccard", "percent"]
    assert found["alpha_masi"]["low"] < found["alpha_masi"]["value"] < found["alpha_masi"]["high"]
    assert 0 < found["percent"]["value"] < 1
    assert [row["label"] for row in found["labels"]] == NAMES
    assert all(0 <= share <= 1 for share in found["prevalence"].values())
    first = found["contested"][0]
    assert first["disagreement"] >= found["contested"][-1]["disagreement"] > 0
    assert all(isinstance(answer["value"], list) for answer in first["answers"])
    brief = AGREEMENTS["choices"].brief(made(), question=QUESTION, draws=200, seed=3)
    assert brief["alpha_masi"] == found["alpha_masi"]


def test_a_label_for_itself_is_a_yes_or_no_question():
    rows = [
        (str(n), rater, ["rates"] if n % 2 or (rater == "b" and n == 4) else []) for n in range(40) for rater in "ab"
    ]
    [rates, credit, *_rest] = sets.report(
        rows, labels=NAMES, masi=lambda a, b: choices.distance(a, b, QUESTION), jaccard=choices.jaccard, draws=50
    )["labels"]
    assert rates["alpha"]["value"] == pytest.approx(0.95, abs=0.01)
    assert rates["specific_agreement"]["value"] == pytest.approx(40 / 41)
    assert credit["alpha"]["value"] is None
    assert credit["alpha"]["reason"] == "no_variation"


def test_empty_against_empty_agrees_and_without_variation_there_is_no_alpha():
    found = AGREEMENTS["choices"].report(
        [(str(n), rater, []) for n in range(20) for rater in "ab"],
        question=asked(least=0),
        groups=None,
        draws=50,
        seed=1,
    )
    assert found["percent"]["value"] == 1.0
    assert (found["alpha_masi"]["value"], found["alpha_masi"]["reason"]) == (None, "no_variation")

"""Agreement on events against plain loops; types on shared triggers against nominal alpha; what one person alone has."""

from itertools import combinations

import numpy as np
import pytest

from annotation.agreement import events as agreement
from annotation.agreement import krippendorff_alpha
from annotation.agreement.kinds import AGREEMENTS
from annotation.agreement.ratings import from_triples
from annotation.kinds import events

TYPES = ["merger", "default", "减持"]
ROLES = ["buyer", "target"]
QUESTION = {"name": "what", "kind": "events", "labels": [{"name": name, "title": name} for name in TYPES]}


def made(kind, start, *filled, status="actual"):
    arguments = [{"role": role, "start": at, "end": at + 2, "text": "xx"} for role, at in sorted(filled)]
    return {"type": kind, "trigger": {"start": start, "end": start + 2, "text": "xx"}, "arguments": arguments, "status": status}  # fmt: skip


def drawn(units=50, raters=4, seed=3):
    """(unit, rater, answer): truths that people miss, shift, call otherwise and fill otherwise."""
    rng = np.random.default_rng(seed)
    rows = []
    for unit in range(units):
        truth = [(TYPES[rng.integers(3)], 4 * k, [(ROLES[rng.integers(2)], int(at)) for at in rng.integers(40, 50, 2)]) for k in range(rng.integers(0, 4))]  # fmt: skip
        for rater in range(raters):
            if rng.random() < 0.15:
                continue
            said = []
            for kind, start, filled in truth:
                if rng.random() < 0.15:
                    continue
                kind = TYPES[rng.integers(3)] if rng.random() < 0.25 else kind
                start += int(rng.random() < 0.1)
                filled = {(role, at + int(rng.random() < 0.15)) for role, at in filled if rng.random() < 0.9}
                said.append(made(kind, start, *filled, status=("actual", "expected")[int(rng.random() < 0.1)]))
            rows.append((f"u{unit:02}", f"r{rater}", said))
    return rows


def told(rows, **options):
    return AGREEMENTS["events"].report(rows, question=QUESTION, **{"groups": None, "draws": 100, "seed": 1, **options})


def pairs_of(rows):
    by_unit = {}
    for unit, _rater, value in sorted(rows, key=lambda row: row[:2]):
        by_unit.setdefault(unit, []).append(value)
    return [pair for answers in by_unit.values() for pair in combinations(answers, 2)]


def naive_f1(rows, things):
    """Over all pairs of answers: what both say, twice, over what each says; things(event) -> list."""
    both = total = 0
    for a, b in pairs_of(rows):
        one, other = ({thing for event in answer for thing in things(event)} for answer in (a, b))
        both, total = both + 2 * sum(thing in other for thing in one), total + len(one) + len(other)
    return both / total


def at(event):
    return event["trigger"]["start"], event["trigger"]["end"]


def filled(event):
    return [(event["type"], at(event), part["role"], part["start"], part["end"]) for part in event["arguments"]]


def test_the_figures_are_those_of_plain_loops():
    rows = drawn()
    found = told(rows)
    assert found["trigger_f1"]["value"] == pytest.approx(naive_f1(rows, lambda event: [at(event)]))
    assert found["type_f1"]["value"] == pytest.approx(naive_f1(rows, lambda event: [(event["type"], at(event))]))
    assert found["argument_f1"]["value"] == pytest.approx(naive_f1(rows, filled))
    equal = [a == b for a, b in pairs_of(rows)]
    assert found["percent"]["value"] == pytest.approx(sum(equal) / len(equal))
    assert 0 < found["argument_f1"]["value"] < found["type_f1"]["value"] < found["trigger_f1"]["value"] < 1
    for name in agreement.FIGURES:
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]
    for row in found["labels"]:
        of_type = naive_f1(rows, lambda event, name=row["label"]: [at(event)] if event["type"] == name else [])
        assert row["specific_agreement"]["value"] == pytest.approx(of_type)


def test_the_alpha_of_types_is_over_triggers_that_two_or_more_share():
    rows = drawn(units=80)
    said = {}
    for unit, rater, answer in rows:
        for event in answer:
            said.setdefault((unit, at(event)), []).append((rater, event["type"]))
    triples = [(str(where), rater, kind) for where, given in said.items() if len(given) > 1 for rater, kind in given]
    found = told(rows)
    assert found["label_alpha"]["value"] == pytest.approx(krippendorff_alpha(from_triples(triples, categories=TYPES)))
    assert found["categories"] == TYPES


def test_roles_are_compared_in_events_that_both_have():
    rows = drawn()
    [table] = [table for table in told(rows)["tables"] if table["columns"][0] == "Role"]
    for role, total, f1 in table["rows"]:
        both = whole = 0
        for a, b in pairs_of(rows):
            for one in a:
                for other in b:
                    if (one["type"], at(one)) == (other["type"], at(other)):
                        mine, theirs = ({part for part in filled(event) if part[2] == role} for event in (one, other))
                        both, whole = both + 2 * len(mine & theirs), whole + len(mine) + len(theirs)
        assert (total, f1) == (whole, pytest.approx(both / whole))
    assert [row[0] for row in table["rows"]] == ROLES


def test_events_that_one_person_alone_has_are_listed():
    rows = [
        ("a", "alice", [made("merger", 0), made("default", 8)]), ("a", "bob", [made("default", 0)]), ("a", "carol", []),
        ("b", "alice", [made("merger", 0)]), ("b", "bob", [made("merger", 0)]),
        ("c", "alice", [made("merger", 0)]),
    ]  # fmt: skip
    found = told(rows)
    [table] = [table for table in found["tables"] if table["columns"][0] == "Item"]
    assert table["rows"] == [["a", [made("default", 8)]]]
    assert (found["n_units"], found["n_units_2plus"], found["n_units_differing"]) == (3, 2, 1)


def test_contested_items_are_those_of_the_distance():
    rows = drawn()
    by_unit = {}
    for unit, _rater, value in rows:
        by_unit.setdefault(unit, []).append(value)
    apart = {
        unit: float(np.mean([events.distance(a, b, QUESTION) for a, b in combinations(answers, 2)]))
        for unit, answers in by_unit.items()
        if len(answers) > 1
    }
    found = told(rows)
    assert found["n_units_differing"] == sum(value > 0 for value in apart.values())
    for row in found["contested"]:
        assert row["disagreement"] == pytest.approx(apart[row["unit"]])
    assert [row["disagreement"] for row in found["contested"]] == sorted((row["disagreement"] for row in found["contested"]), reverse=True)  # fmt: skip


def test_all_the_same_is_full_agreement_and_nobody_is_none():
    same = [(f"u{unit}", rater, [made(TYPES[unit % 3], 0, ("buyer", 40))]) for unit in range(9) for rater in ("alice", "bob")]  # fmt: skip
    found = told(same)
    assert {found[name]["value"] for name in (*agreement.FIGURES, "label_alpha")} == {1.0}
    nothing = told([(f"u{unit}", rater, []) for unit in range(9) for rater in ("alice", "bob")])
    assert nothing["percent"]["value"] == 1.0
    assert nothing["type_f1"]["value"] is None
    assert told([])["n_units"] == 0
    with pytest.raises(ValueError, match="more than once"):
        agreement.units_of([("a", "alice", []), ("a", "alice", [])])


def test_the_card_tells_what_the_report_tells():
    rows = drawn()
    brief = AGREEMENTS["events"].brief(rows, question=QUESTION, draws=100, seed=1)
    found = told(rows)
    assert brief == {name: found[name] for name in ("type_f1", "argument_f1")}


def test_items_of_one_document_are_drawn_together():
    rows = drawn(units=30)
    twice = rows + [(f"{unit}-again", rater, value) for unit, rater, value in rows]
    groups = {unit: unit[:3] for unit, _rater, _value in twice}
    alone, both = told(rows, draws=400), told(twice, groups=groups, draws=400)
    for name in ("trigger_f1", "argument_f1"):
        assert [both[name][end] for end in ("value", "low", "high")] == pytest.approx([alone[name][end] for end in ("value", "low", "high")])  # fmt: skip

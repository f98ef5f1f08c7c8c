"""Metrics of events against plain loops; events of one name, missing answers, groups, which type was taken for which."""

import numpy as np
import pytest

from evaluation.metrics import KINDS, events

NAMES = ["merger", "default", "减持"]
ROLES = ["buyer", "target", "money"]
QUESTION = {"name": "what", "kind": "events", "labels": [{"name": name} for name in NAMES]}


def made(kind, trigger, *filled, status="actual", date=None):
    arguments = [{"role": role, "start": start, "end": start + 2} for role, start in sorted(filled)]
    event = {"type": kind, "arguments": arguments, "status": status}
    return event | ({"trigger": {"start": trigger, "end": trigger + 2}} if trigger is not None else {}) | ({"date": {"value": date}} if date else {})  # fmt: skip


def noisy(seed, n, *, missing=0):
    """Gold and predictions; now and then an item has two events with one trigger and type."""
    rng = np.random.default_rng(seed)

    def drawn(trigger):
        filled = {(ROLES[rng.integers(3)], int(start)) for start in rng.integers(50, 60, rng.integers(0, 4))}
        return made(NAMES[rng.integers(3)], trigger, *filled, date=("2024", None)[rng.integers(2)])

    def off(event):
        kind = NAMES[rng.integers(3)] if rng.random() < 0.2 else event["type"]
        filled = {(part["role"], part["start"] + int(rng.random() < 0.2)) for part in event["arguments"] if rng.random() < 0.9}  # fmt: skip
        status = "expected" if rng.random() < 0.2 else "actual"
        date = "2023" if rng.random() < 0.2 else event.get("date", {}).get("value")
        return made(kind, event["trigger"]["start"] + int(rng.random() < 0.2), *filled, status=status, date=date)

    gold, predicted = [], []
    for _item in range(n):
        truth = [drawn(3 * k) for k in range(rng.integers(0, 4))]
        gold.append(truth)
        predicted.append([off(event) for event in truth if rng.random() < 0.85] + [drawn(30)] * (rng.random() < 0.2))
    for place in range(missing):
        predicted[place] = None
    return gold, predicted


def measured(gold, predicted, **options):
    found = events.measure(gold, predicted, question=QUESTION, **{"draws": 100, "seed": 1, **options})
    return {(value.metric, value.label): value for value in found}


def trigger(event):
    return event["trigger"]["start"], event["trigger"]["end"]


def counted(gold, predicted, kind):
    """(both, predicted, gold) over all items, where `kind` makes a list of tuples of one event."""
    both = said = wanted = 0
    for want, guess in zip(gold, predicted, strict=True):
        mine, theirs = [], []
        for event in want:
            mine += [one for one in kind(event) if one not in mine]
        for event in guess or []:
            theirs += [one for one in kind(event) if one not in theirs]
        both, said, wanted = both + sum(one in mine for one in theirs), said + len(theirs), wanted + len(mine)
    return both, said, wanted


def arguments(event):
    return [(event["type"], *trigger(event), part["role"], part["start"], part["end"]) for part in event["arguments"]]


def test_the_values_are_those_of_plain_loops():
    gold, predicted = noisy(1, 150, missing=5)
    found = measured(gold, predicted)
    both, said, wanted = counted(gold, predicted, arguments)
    names = ("argument_precision", "argument_recall", "argument_f1")
    assert [found[name, None].value for name in names] == pytest.approx([both / said, both / wanted, 2 * both / (said + wanted)])  # fmt: skip
    assert 0.3 < found["argument_f1", None].value < 0.9
    both, said, wanted = counted(gold, predicted, lambda event: [(event["type"], *trigger(event))])
    assert found["type_f1", None].value == pytest.approx(2 * both / (said + wanted))
    both, said, wanted = counted(gold, predicted, lambda event: [trigger(event)])
    assert found["trigger_f1", None].value == pytest.approx(2 * both / (said + wanted))
    for name in NAMES:
        both, said, wanted = counted(gold, predicted, lambda event, name=name: [trigger(event)] if event["type"] == name else [])  # fmt: skip
        values = [found[metric, name].value for metric in ("precision", "recall", "f1")]
        assert values == pytest.approx([both / said, both / wanted, 2 * both / (said + wanted)])
        assert found["support", name].value == wanted
    right = sum(guess is not None and want == guess for want, guess in zip(gold, predicted, strict=True))
    assert found["without_error", None].value == pytest.approx(right / 150)
    assert found["coverage", None].value == pytest.approx(145 / 150)


def test_status_and_date_are_counted_over_events_that_both_have():
    gold, predicted = noisy(2, 150, missing=3)
    found = measured(gold, predicted)
    statuses, dates = [], []
    for want, guess in zip(gold, predicted, strict=True):
        for event in want:
            same = [one for one in guess or [] if (one["type"], trigger(one)) == (event["type"], trigger(event))]
            if same:
                [other] = same
                statuses.append(event["status"] == other["status"])
                dates += [event["date"] == other.get("date")] if "date" in event else []
    assert found["status_accuracy", None].value == pytest.approx(np.mean(statuses))
    assert found["date_accuracy", None].value == pytest.approx(np.mean(dates))
    assert (found["status_accuracy", None].n, found["date_accuracy", None].n) == (len(statuses), len(dates))


def test_two_events_of_one_name_are_paired_with_those_most_like_them():
    """As in “planned a purchase in April, given up in October”: one trigger, one type, two dates."""
    april, october = made("merger", 3, ("buyer", 50), date="2017-04"), made("merger", 3, ("buyer", 50), date="2017-10")
    for said in ([april, october], [october, april]):
        found = measured([[april, october]] * 3, [said] * 3)
        assert {found[name, None].value for name in ("argument_f1", "date_accuracy", "status_accuracy", "without_error")} == {1.0}  # fmt: skip
    found = measured([[april, october]] * 3, [[october]] * 3)
    assert (found["date_accuracy", None].value, found["date_accuracy", None].n) == (1.0, 3)
    assert found["without_error", None].value == 0


def test_roles_filled_crosswise_are_no_item_without_error():
    gold = [made("merger", 3, ("buyer", 50), ("target", 52)), made("merger", 3, ("buyer", 54), ("target", 56))]
    said = [made("merger", 3, ("buyer", 50), ("target", 56)), made("merger", 3, ("buyer", 54), ("target", 52))]
    assert measured([gold], [said])["without_error", None].value == 0


def test_gold_itself_is_without_error_and_nothing_is_nothing():
    gold, _predicted = noisy(3, 60)
    found = measured(gold, gold)
    assert {value.value for (name, _label), value in found.items() if name not in ("support",)} == {1.0}
    empty = measured(gold, [None] * 60)
    assert {empty[name, None].value for name in ("argument_recall", "type_f1", "coverage", "without_error")} == {0.0}
    assert empty["argument_precision", None].value is None


def test_events_without_a_trigger_go_by_their_type():
    gold, said = [made("merger", None, ("buyer", 50))], [made("merger", None, ("buyer", 50)), made("default", None)]
    found = measured([gold], [said])
    assert found["argument_f1", None].value == 1
    assert found["trigger_f1", None].value == found["type_f1", None].value == pytest.approx(2 / 3)


def test_groups_are_drawn_whole():
    gold, predicted = noisy(4, 60)
    twice = measured(gold * 2, predicted * 2, groups=[*range(60), *range(60)], draws=400)
    once = measured(gold, predicted, groups=range(60), draws=400)
    for name in ("argument_f1", "type_f1"):
        a, b = twice[name, None], once[name, None]
        assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high))


def test_which_type_was_taken_for_which():
    gold = [[made("merger", 3), made("default", 6)], [made("减持", 3)], []]
    predicted = [[made("default", 3), made("default", 9)], None, [made("merger", 0)]]
    table = events.detail(gold, predicted, QUESTION)
    assert table == [[0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1], [1, 1, 0, 0]]
    gold, predicted = noisy(5, 80)
    table = np.array(events.detail(gold, predicted, QUESTION))
    assert table[:-1].sum() == sum(map(len, gold))
    assert table[:, :-1].sum() == sum(map(len, predicted))


def test_the_board_is_ranked_by_arguments():
    assert KINDS["events"].primary == "argument_f1"
    with pytest.raises(ValueError, match="the same items"):
        events.rows_of([[]], [], NAMES)


def naive_pairs(gold, predicted):
    """Every pair of one name by falling likeness, then place, each event once."""

    def likeness(one, other):
        a, b = (events.events.arguments_of(event) for event in (one, other))
        filled = 2 * len(a & b) / (len(a) + len(b)) if a or b else 1.0
        return filled + (events._date(one) == events._date(other)) + (one.get("status") == other.get("status"))

    name = events.events.name_of
    every = sorted((-likeness(one, other), i, j) for i, one in enumerate(gold) for j, other in enumerate(predicted) if name(one) == name(other))  # fmt: skip
    found, done = set(), (set(), set())
    for _away, i, j in every:
        if i not in done[0] and j not in done[1]:
            done[0].add(i)
            done[1].add(j)
            found.add((i, j))
    return found


def naive_detail(gold, predicted):
    names = events._names(predicted)
    left, found = list(predicted), []
    for event in sorted(gold, key=lambda one: events.events.name_of(one) not in names):
        same = [one for one in left if events.events.trigger_of(one) == events.events.trigger_of(event)]
        best = next((one for one in same if one["type"] == event["type"]), same[0] if same else None)
        if best is not None:
            left.remove(best)
        found.append((event["type"], best and best["type"]))
    return sorted([*found, *((None, event["type"]) for event in left)], key=str)


def crowded(rng, n, triggers, *, most=4):
    """Many events with few triggers or none, so that many have one name."""
    return [
        made(NAMES[rng.integers(2)], (None, 3, 9)[rng.integers(triggers)], *{(ROLES[rng.integers(3)], int(start)) for start in rng.integers(50, 54, rng.integers(0, most))}, status=("actual", "expected")[rng.integers(2)], date=("2024", "2023", None)[rng.integers(3)])
        for _ in range(n)
    ]  # fmt: skip


def test_events_of_one_name_are_paired_as_plain_loops_pair_them(monkeypatch):
    rng = np.random.default_rng(8)
    for turn in range(60):
        monkeypatch.setattr(events, "CHUNK", (1 << 16, 7)[turn % 2])
        gold, predicted = (crowded(rng, int(rng.integers(0, 14)), int(rng.integers(1, 4))) for _ in range(2))
        places = [{id(event): place for place, event in enumerate(answer)} for answer in (gold, predicted)]
        found = {(places[0][id(one)], places[1][id(other)]) for one, other in events._pairs(gold, predicted)}
        assert found == naive_pairs(gold, predicted)


def test_which_type_was_taken_for_which_is_that_of_plain_loops():
    rng = np.random.default_rng(9)
    for _turn in range(60):
        gold, predicted = (crowded(rng, int(rng.integers(0, 14)), 3) for _ in range(2))
        table = events.detail([gold], [predicted], QUESTION)
        labels = [*NAMES, None]
        told = [(labels[i], labels[j]) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
        assert sorted(told, key=str) == naive_detail(gold, predicted)


def test_a_thousand_events_of_one_name_look_at_each_event_once(monkeypatch):
    rng = np.random.default_rng(10)
    gold, predicted = (crowded(rng, 1000, 1, most=3) for _ in range(2))
    asked = []
    of = events.events.arguments_of
    monkeypatch.setattr(events.events, "arguments_of", lambda event: asked.append(1) or of(event))
    assert len(list(events._pairs(gold, predicted))) > 900
    assert len(asked) == 2000

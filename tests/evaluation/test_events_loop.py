"""Real events through the whole loop, character for character: imported, answered, settled, frozen, exported, read back."""

import json
import re
from io import BytesIO

import pytest

from annotation import adjudicating, measuring
from annotation import models as a
from annotation import schema as schemas
from annotation.kinds import events
from annotation.text import dates
from annotation.text.offsets import moved
from evaluation import exporting, leaderboard
from evaluation.models import Example
from tests.annotation.worlds import answer, bare, bring, lease, lines
from tests.conftest import make_project, set_schema
from tests.evaluation.worlds import board_of, freeze, gold_of, submit

pytestmark = pytest.mark.django_db

KEPT = 150
# What is cleaned: a mark that composes, line ends of Windows, signs outside the first plane.
ODD = "\ufeff😀 Socie\u0301te\u0301\r\n𠮷野家于２０１８年收购 👩\u200d👦公司\r\n"


def odd():
    trigger, target, when = (
        {"start": ODD.index(words), "end": ODD.index(words) + len(words), "text": words}
        for words in ("收购", "Socie\u0301te\u0301\r\n𠮷野家", "２０１８年")
    )
    event = {
        "type": "收购",
        "trigger": trigger,
        "arguments": [{"role": "obj-org", **target}, {"role": "date", **when}],
        "date": None,
    }
    return {"id": "odd", "text": ODD, "events": [event]}


@pytest.fixture
def rows(shared):
    content = (shared / "data" / "normalised" / "dev" / "fewfc_events_train.jsonl").read_text("utf-8")
    return [*(json.loads(line) for line in content.splitlines()[:KEPT]), odd()]


def places(event):
    """Everything that an event of the file says, without the order: type, trigger, arguments without dates."""
    parts = {(part["role"], part["start"], part["end"], part["text"]) for part in event["arguments"]}
    return event["type"], event["trigger"]["start"], event["trigger"]["text"], frozenset(parts)


def without_dates(event):
    return {**event, "arguments": [part for part in event["arguments"] if part["role"] != "date"]}


def texts_and_events(version, name):
    rows = Example.objects.filter(version=version).order_by("key").values_list("key", "text", "gold")
    return {key: (text, gold[name]) for key, text, gold in rows}


def test_events_go_round_and_come_back_equal_to_the_character(cast, rows):
    project = bare(cast)
    report = bring(project, lines(*rows), create_schema=True, labels="gold")
    assert (report["gold"], report["refused"]) == (len(rows), 0)
    [question] = project.version.schema["questions"]
    assert question["kind"] == "events"
    assert "date" not in [role["name"] for role in question["roles"]]
    version = freeze(project)
    assert version.state == "done", version.message
    frozen = texts_and_events(version, question["name"])
    for row in rows[:-1]:
        text, found = frozen[row["id"]]
        assert text == row["text"]
        assert {places(event) for event in found} == {places(without_dates(event)) for event in row["events"]}
        told = {(event["date"]["start"], event["date"]["text"]) for event in found if "date" in event}
        marked = [[part for part in event["arguments"] if part["role"] == "date"] for event in row["events"]]
        assert told == {(parts[0]["start"], parts[0]["text"]) for parts in marked if parts}
    said = [event["date"] for _text, found in frozen.values() for event in found if "date" in event]
    assert all(dates.check(when["value"]) for when in said if "value" in when)
    full = [when for when in said if re.fullmatch("20[0-9]{2}年[0-9]+月([0-9]+日)?", when["text"])]
    assert len(full) > 10
    assert all("value" in when for when in full)
    text, [event] = frozen["odd"]
    assert (event["arguments"][0]["text"], event["date"]["text"]) == ("Société\n𠮷野家", "２０１８年")
    assert event["date"]["value"] == "2018"
    for part in (event["trigger"], event["arguments"][0], event["date"]):
        assert text[part["start"] : part["end"]] == part["text"]
    for place, name in enumerate(("jsonl", "csv", "zip")):
        file = BytesIO()
        if name == "zip":
            file.write(exporting.archive(version, with_test_gold=True).read())
        else:
            exporting.single(version, format=name, with_test_gold=True, target=file)
        other = make_project(cast, slug=f"back-{place}")
        set_schema(other, project.version.schema)
        report = bring(other, file.getvalue(), f"back.{name}")
        assert (report["new"], report["refused"], report["gold"]) == (len(rows), 0, len(rows))
        again = freeze(other)
        assert texts_and_events(again, question["name"]) == frozen
        assert again.content_hash == version.content_hash


def test_a_file_alone_makes_the_question_again(cast, rows):
    project = bare(cast)
    bring(project, lines(*rows), create_schema=True, labels="gold")
    version = freeze(project)
    for place, name in enumerate(("jsonl", "csv")):
        file = BytesIO()
        exporting.single(version, format=name, with_test_gold=True, target=file)
        other = bare(cast, slug=f"alone-{place}")
        report = bring(other, file.getvalue(), f"back.{name}", create_schema=True, labels="gold")
        assert (report["gold"], report["refused"]) == (len(rows), 0)
        [asked], [before] = (one.version.schema["questions"] for one in (other, project))
        assert {name: asked[name] for name in ("kind", "roles", "trigger")} == {name: before[name] for name in ("kind", "roles", "trigger")}  # fmt: skip
        assert freeze(other).content_hash == version.content_hash


def test_people_annotate_agree_settle_and_systems_are_scored(cast, rows):
    project = make_project(cast, overlap=2)
    rows = rows[-31:]
    told = {"labels": sorted({event["type"] for row in rows for event in row["events"]}), "roles": sorted({part["role"] for row in rows for event in row["events"] for part in event["arguments"]} - {"date"})}  # fmt: skip
    set_schema(project, schemas.check({"questions": [{"name": "what", "kind": "events", **told}]}))
    [question] = project.version.schema["questions"]
    bring(project, lines(*({"id": row["id"], "text": row["text"]} for row in rows)))
    items = list(project.items.select_related("document").order_by("pk"))
    given = {row["id"]: events.move(row["events"], moved(row["text"])) for row in rows}
    truth = {item.pk: events.clean(given[item.document.external_id], question, item.about) for item in items}
    differing = [item.pk for item in items[::3] if truth[item.pk]]
    for item in items:
        for name in ("alice", "bob"):
            said = truth[item.pk][:-1] if name == "bob" and item.pk in differing else truth[item.pk]
            answer(project, cast[name], lease(item, cast[name]), answer={"what": said})
    assert sorted(a.Case.objects.values_list("item", flat=True)) == differing
    figures = measuring.measure(project=project, question="what", draws=50)
    assert (figures["n_units_2plus"], figures["n_units_differing"]) == (31, len(differing))
    names = {pk: {events.name_of(event) for event in found} for pk, found in truth.items()}
    lost = sum(len(names[pk]) - len({events.name_of(event) for event in truth[pk][:-1]}) for pk in differing)
    total = sum(map(len, names.values()))
    assert figures["type_f1"]["value"] == pytest.approx(2 * (total - lost) / (2 * total - lost))
    assert figures["label_alpha"]["value"] in (1.0, None)
    for case in a.Case.objects.all():
        adjudicating.decide(case=case, value=truth[case.item_id], user=cast["carol"], reason="oversight")
    board = board_of(freeze(project, shares={"train": 0.3, "test": 0.7}), "what")
    gold = gold_of(board)
    best = submit(board, "Right", [{"id": key, "events": found} for key, found in gold.items()])
    bare_ = submit(board, "Bare", [{"id": key, "events": [{**event, "arguments": []} for event in found]} for key, found in gold.items()])  # fmt: skip
    assert (best.state, bare_.state) == ("done", "done"), (best.message, bare_.message)
    first, second = leaderboard.entries(board)
    assert (first["system"], first["coverage"], second["system"]) == ("Right", 1.0, "Bare")
    overall = {score.metric: score.value for score in best.scores.filter(label="")}
    assert {overall[name] for name in ("argument_f1", "type_f1", "trigger_f1", "without_error", "status_accuracy")} == {1.0}  # fmt: skip
    overall = {score.metric: score.value for score in bare_.scores.filter(label="")}
    assert (overall["type_f1"], overall["argument_f1"]) == (1.0, 0.0)


def test_a_prediction_is_held_against_the_text_it_is_about(cast):
    project = make_project(cast)
    set_schema(project, schemas.check({"questions": [{"name": "what", "kind": "events", "labels": ["payment"], "roles": ["payer"]}]}))  # fmt: skip
    event = {"type": "payment", "trigger": {"start": 8, "end": 12, "text": "paid"}, "arguments": [{"role": "payer", "start": 2, "end": 7, "text": "Apple"}]}  # fmt: skip
    texts = [f"😀 Apple paid {n} times." for n in range(40)]
    bring(project, lines(*({"id": f"d{n}", "text": text, "events": [event]} for n, text in enumerate(texts))), labels="gold")  # fmt: skip
    board = board_of(freeze(project, shares={"train": 0.3, "test": 0.7}), "what")
    keys = list(gold_of(board))
    wide = json.loads(json.dumps(event))
    for part in (wide["trigger"], *wide["arguments"]):
        part["start"], part["end"] = part["start"] + 1, part["end"] + 1
    wrong = {**event, "trigger": {"start": 9, "end": 12, "text": "paid"}}
    answers = {keys[0]: [wrong], keys[1]: [{**event, "type": "sale"}]}
    found = submit(board, "Tool", [{"id": key, "events": answers.get(key, [wide])} for key in keys], partial=True)
    assert found.state == "done"
    assert found.report["bad_labels"]["count"] == 2
    problems = [row["problem"] for row in found.report["bad_labels"]["first"]]
    assert "Event 1, trigger: from 9 to 12 the text says “aid”, not “paid”" in problems[0]
    assert "sale" in problems[1]
    [recall] = found.scores.filter(metric="argument_recall")
    assert recall.value == pytest.approx((len(keys) - 2) / len(keys))

"""Every figure on every page is what a plain count of the rows in Python says, and opens as many rows as it says."""

import csv
import html
import io
import re
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from annotation import adjudicating, batches, batching, controlling, quality, setting_aside, surveying, withdrawing
from annotation import models as a
from annotation.agreement.accuracy import accuracy
from tests.annotation.test_surveying import figures
from tests.annotation.worlds import answer, bring, correct, label, lease, member
from tests.conftest import make_gold, make_items, make_project, make_user

pytestmark = pytest.mark.django_db


def earlier(monkeypatch, days):
    moment = timezone.now() - timedelta(days=days)
    monkeypatch.setattr(timezone, "now", lambda: moment)
    for model, name in ((a.Annotation, "created_at"), (a.Annotation, "updated_at"), (a.Revision, "at")):
        monkeypatch.setattr(model._meta.get_field(name), "_get_default", lambda: moment)


def given(item, person, value, **fields):
    """An answer to an item that has no slot for it, as to a control item."""
    slot = a.Assignment.every.create(project=item.project, item=item, slot=90 + person.pk, annotator=person, state="leased", token=uuid.uuid4(), lease_until=timezone.now() + timedelta(minutes=5), **fields)  # fmt: skip
    return answer(item.project, person, slot, value)


@pytest.fixture
def world(cast, monkeypatch):
    """A project with work, control and training items, skips, undecided ones, flags, corrections, answers of a file, an
    answer that came back, one that was asked again, a person's work set aside, a batch, cases and gold of all sorts."""
    project = make_project(cast, overlap=2, settle="unanimous", undecided=True)
    alice, bob, carol, dave = (cast[name] for name in ("alice", "bob", "carol", "dave"))
    fay = cast["fay"] = make_user("fay")
    a.Membership.objects.create(project=project, user=fay, role="annotator")
    items = make_items(project, 24)
    controls, training = make_items(project, [f"Control {n}" for n in range(25)], slots=0), make_items(project, ["Training"], slots=0)  # fmt: skip
    for item in [*controls, *training]:
        make_gold(item)
    with monkeypatch.context() as patch:
        earlier(patch, 8)
        for role, some in (("control", controls), ("training", training)):
            controlling.mark(project=project, items=a.Item.objects.filter(pk__in=[i.pk for i in some]), role=role)
    with monkeypatch.context() as patch:
        earlier(patch, 6)
        for item in items[:6]:
            answer(project, alice, lease(item, alice), "positive", seconds=10)
            answer(project, bob, lease(item, bob), "positive", seconds=20)
        for place, item in enumerate(controls):
            given(item, alice, "positive" if place % 5 else "negative")
        given(controls[0], bob, "positive")
        given(controls[1], bob, None)
    with monkeypatch.context() as patch:
        earlier(patch, 3)
        for item in items[6:10]:
            label(project, item, alice="positive", bob="negative")
        label(project, items[10], alice=None, bob="positive")
        answer(project, alice, lease(items[11], alice), None, status="undecided", skip_reason="context")
        for person in (alice, bob):
            answer(project, person, lease(items[12], person), "neutral", flagged=True)
        answer(project, bob, lease(items[13], bob), None, flagged=True)
        correct(project, alice, items[6], "neutral")
    adjudicating.decide(case=a.Case.objects.open().order_by("pk").first(), value="positive", user=carol, reason="other")
    for item in items[14:17]:
        label(project, item, fay="positive", bob="positive")
    setting_aside.set_aside(setting_aside.wanted(project=project, person=fay, since=timezone.now() - timedelta(days=1)), reason="guessing", user=dave)  # fmt: skip
    label(project, items[17], alice="positive", bob="positive")
    withdrawing.ask_again(
        project=project, answers=a.Annotation.objects.filter(item=items[17], annotator=alice), by=dave
    )
    came_back = a.Annotation.every.create(project=project, item=items[0], annotator=alice, guideline_version=project.version, again=1, status="submitted", answer={"sentiment": "negative"}, flagged=True)  # fmt: skip
    a.Revision.objects.create(annotation=came_back, project=project, person=alice, client_id=uuid.uuid4(), status="submitted", answer=came_back.answer)  # fmt: skip
    a.Assignment.every.create(project=project, item=items[0], slot=1, again=1, annotator=alice, state="done")
    items[19].assignments.first().delete()
    bring(project, '{"id": "n", "text": "New.", "label": "neutral"}', annotator="bank")
    bring(project, '{"id": "m", "text": "Newer.", "label": "neutral"}', labels="gold")
    a.Alarm.objects.create(project=project, person=bob, kind="fast", since=timezone.now(), until=timezone.now())
    a.Alarm.objects.create(project=project, person=bob, kind="drift", question="sentiment", since=timezone.now(), until=timezone.now(), dismissed_at=timezone.now())  # fmt: skip
    batch = batching.assign(project=project, items=[item.pk for item in items[20:]], people=[member(project, bob)], name="b", by=dave, divided=False, extra=False).batch  # fmt: skip
    project.refresh_from_db()
    figures(project)
    return project, batch


def plain(project):
    """The same figures from all rows, counted by hand."""
    items = {row.pk: row.role for row in a.Item.objects.filter(project=project)}
    work = {pk for pk, role in items.items() if role == "work"}
    slots = [row for row in a.Assignment.every.all() if row.item_id in work and row.again == 0 and row.state != "aside"]
    rows = [row for row in a.Annotation.every.all() if row.again == 0 and row.superseded_at is None and row.set_aside_id is None and row.status != "draft"]  # fmt: skip
    mine = [row for row in rows if row.item_id in work]
    answers = [row for row in mine if row.status == "submitted"]
    gold = [row for row in a.Gold.objects.all() if row.superseded_at is None]
    settled = {row.item_id for row in gold if row.item_id in work}
    costly = [row for row in answers if row.item_id in settled]
    timed = [row.seconds for row in costly if row.seconds is not None]
    mean = len(costly) / len({row.item_id for row in costly})
    first = [row for row in a.Revision.objects.all() if row.annotation.again == 0 and not row.corrects and not row.mapped and row.annotation.item_id in work]  # fmt: skip
    days = Counter(timezone.localtime(row.at).date() for row in first)
    days.pop(timezone.localdate(), None)
    per_item = Counter(row.item_id for row in slots)
    state = Counter(row.state for row in slots)
    closed = state["done"] + state["skipped"]
    people = {}
    for user in {row.annotator for row in rows}:
        theirs = [row for row in mine if row.annotator_id == user.pk]
        seconds = [row.seconds for row in theirs if row.seconds is not None]
        people[str(user)] = {
            "submitted": sum(row.status == "submitted" for row in theirs),
            "skipped": sum(row.status == "skipped" for row in theirs),
            "undecided": sum(row.status == "undecided" for row in theirs),
            "flagged": sum(row.flagged for row in theirs),
            "controls": sum(row.annotator_id == user.pk and items[row.item_id] == "control" and row.status == "submitted" for row in rows),
            "corrected": sum(row.corrects for row in a.Revision.objects.all() if row.person_id == user.pk),
            "seconds_each": sum(seconds) / len(seconds) if seconds else None,
            "a_day": sum(row.person_id == user.pk and timezone.localtime(row.at).date() in days for row in first) / len(days),
        }  # fmt: skip
    return {
        "slots": {
            "all": len(slots), "done": state["done"], "skipped": state["skipped"], "left": len(slots) - closed,
            "percent": 100 * closed // len(slots), "items": len(work),
            "controls": sum(role == "control" for role in items.values()), "training": sum(role == "training" for role in items.values()),
            "waiting": len({row.item_id for row in slots if row.state in ("open", "assigned", "leased")}),
            "answered": len({row.item_id for row in answers}),
            "fewest": min(per_item.values()), "most": max(per_item.values()), "mean": len(slots) / len(per_item),
        },
        "gold": {
            "items": len(settled), "apart": len({row.item_id for row in gold} - work),
            "by": {"sentiment": dict(Counter(row.method for row in gold if row.item_id in work))},
        },
        "cases": Counter("closed" if row.closed_at else "open" for row in a.Case.objects.all()),
        "open": {
            "questions": 0,
            "skips": len({row.item_id for row in mine if row.status == "skipped"}),
            "undecided": len({row.item_id for row in mine if row.status == "undecided"}),
            "flagged": len({row.item_id for row in mine if row.flagged}),
        },
        "cost_of_gold": {"items": len({row.item_id for row in costly}), "answers": mean, "seconds": mean * sum(timed) / len(timed)},
        "alarms": {"fast": 1},
        "pace": sum(days.values()) / len(days),
        "days": len(days),
        "people": people,
        "answers": len(answers),
    }  # fmt: skip


def test_the_figures_are_plain_counts(world):
    project, _batch = world
    told, counted = quality.told(project), plain(project)
    assert told["gold"] == counted["gold"]
    for name in ("slots", "open", "cost_of_gold", "alarms"):
        assert told[name] == pytest.approx(counted[name]), name
    assert {name: told["cases"][name] for name in ("open", "closed")} == counted["cases"]
    assert (told["pace"]["per_day"], told["pace"]["days"]) == (counted["pace"], counted["days"])
    assert (told["finish"]["left"], told["finish"]["of_days"]) == (counted["slots"]["left"], counted["days"])
    people = {row["name"]: {name: row[name] for name in counted["people"][row["name"]]} for row in told["people"]}
    assert people == counted["people"]
    # What is told twice is the same twice.
    assert sum(row["submitted"] for row in told["people"]) == told["slots"]["done"] == counted["answers"]
    assert sum(row["a_day"] for row in told["people"]) == pytest.approx(told["pace"]["per_day"])
    assert min(counted["slots"]["controls"], counted["slots"]["training"], counted["people"]["bob"]["skipped"]) > 0


def test_control_figures_are_those_of_the_answers_to_control_items(world, cast):
    project, _batch = world
    told = {(row["name"], row["question"]): row for row in quality.told(project)["controls"]}
    for name, right, n in (("alice", 20, 25), ("bob", 1, 1)):
        expected = accuracy([1.0] * right + [0.0] * (n - right))
        row = told[name, "sentiment"]
        assert (row["n"], row["right"]) == (n, right)
        assert (row["share"], row["low"], row["high"], row["judged"]) == (expected.share, expected.low, expected.high, n >= 20)  # fmt: skip


def test_overview_api_and_batch_tell_the_same(world, client_of, caller_of):
    project, batch = world
    counted = plain(project)
    told = caller_of("dave").get(f"/api/v1/projects/{project.slug}/progress/").json()
    slots = counted["slots"]
    assert (told["items"], told["controls"], told["training"]) == (slots["items"], slots["controls"], slots["training"])
    assert (told["slots"], told["done"], told["skipped"], told["left"]) == tuple(slots[name] for name in ("all", "done", "skipped", "left"))  # fmt: skip
    assert (told["gold"], told["gold_by"]) == (counted["gold"]["items"], counted["gold"]["by"]["sentiment"])
    assert (told["skips"], told["undecided"], told["flagged"]) == tuple(counted["open"][name] for name in ("skips", "undecided", "flagged"))  # fmt: skip
    assert (told["cases_open"], told["cases_closed"]) == (counted["cases"]["open"], counted["cases"]["closed"])
    assert (told["per_gold"], told["pace"]) == (counted["cost_of_gold"]["answers"], counted["pace"])
    people = caller_of("dave").get(f"/api/v1/projects/{project.slug}/progress/people/").json()
    assert {row["annotator"]: row["submitted"] for row in people} == {name: row["submitted"] for name, row in counted["people"].items()}  # fmt: skip
    [part] = batches.standings(project, [batch])[0].parts
    assert part.pace == counted["people"]["bob"]["a_day"]
    page = client_of("dave").get(f"/p/{project.slug}/").content.decode()
    assert f"days of work left, at {counted['pace']:.3g} answers a day" in page
    assert f"{slots['controls']} control items" in page


def test_the_file_and_the_report_tell_the_same(world, client_of):
    project, _batch = world
    counted, dave = plain(project), client_of("dave")
    text = b"".join(dave.get(f"/p/{project.slug}/quality.csv")).decode()
    lines = {(row["section"], row["about"], row["figure"]): row for row in csv.DictReader(io.StringIO(text))}
    for name, value in counted["slots"].items():
        assert float(lines["answers", "", name]["value"]) == pytest.approx(value), name
    for who, row in counted["people"].items():
        for name, value in row.items():
            told = lines["person", who, name]["value"]
            assert (float(told) if told else None) == pytest.approx(value), (who, name)
    assert lines["control", "alice", "sentiment"]["n"] == "25"
    assert float(lines["control", "alice", "sentiment"]["low"]) < 0.8 < float(lines["control", "alice", "sentiment"]["high"])  # fmt: skip
    assert lines["alarm", "", "too fast"]["value"] == "1"
    assert lines["gold", "", "items"]["value"] == str(counted["gold"]["items"])
    assert float(lines["pace", "", "answers a day"]["value"]) == counted["pace"]
    assert float(lines["cost of gold", "", "answers"]["value"]) == counted["cost_of_gold"]["answers"]
    report = " ".join(dave.get(f"/p/{project.slug}/quality/report/").content.decode().split())
    slots, people = counted["slots"], [row for row in counted["people"].values() if row["submitted"]]
    assert f"Of {slots['items']} items {slots['answered']} were answered by {len(people)} annotators" in report
    assert f"{counted['answers']} answers in all" in report
    assert f"by {slots['fewest']} to {slots['most']} people, {slots['mean']:.2f} on the mean" in report
    table = report[report.index(">A1<") :]
    assert sum(int(n) for n in re.findall(r'data-label="Answers">(\d+)<', table)) == counted["answers"]
    assert "n = 25" in table
    assert "1 alarm about somebody" in table


def rows_behind(client, address):
    """How many rows the page lists, on all of its pages, and how many it says that it leaves out."""
    page = client.get(address)
    assert page.status_code == 200, address
    if "/history/" in address:
        return len(page.context["found"].entries) + page.context["found"].left_out
    if "/inbox/" in address:
        return len(page.context["page_obj"].object_list)
    return page.context["page_obj"].paginator.count + (page.context.get("left_out") or 0)


def test_every_number_of_the_page_opens_as_many_rows(world, client_of):
    project, _batch = world
    dave = client_of("dave")
    page = dave.get(f"/p/{project.slug}/quality/").content.decode()
    main = page[page.index("<main") :]
    found = re.findall(r'<a href="([^"]+)">(\d+)(?: [^<]*)?</a>', main)
    assert len(found) > 36
    for address, number in found:
        assert rows_behind(dave, html.unescape(address)) == int(number), address


def test_figures_made_by_what_changed_are_those_of_everything(world, cast, monkeypatch):
    project, _batch = world
    monkeypatch.setattr(surveying, "MARGIN", timedelta(0))
    item = project.items.filter(assignments__state="open").exclude(annotations__annotator=cast["alice"]).order_by("pk").first()  # fmt: skip
    label(project, item, alice="positive")
    correct(project, cast["alice"], project.items.order_by("pk").first(), "neutral")
    changed = figures(project)
    anew = figures(project, full=True)
    assert (changed["counted"], anew["counted"]) == ("changes", "all")
    for told in (changed, anew):
        for name in ("cost", "counted", "days"):
            del told[name]
    assert changed == anew
    assert surveying.done(project).figures["people"]

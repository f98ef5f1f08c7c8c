"""Blind is blind: whoever labels, and whoever only researches, is told nothing of what others said, at any address.

Marks that nothing else contains are planted in everything that others said or that is known of an item; then every page,
endpoint and file is asked for, and no answer may hold one. A new address is walked by itself; a new secret is planted here.
"""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from annotation import models as a
from annotation import recording
from annotation.agreement.kinds import AGREEMENTS
from tests.annotation.worlds import take
from tests.conftest import make_annotation, make_gold, make_items
from tests.test_permissions import PROJECT, address, world

pytestmark = pytest.mark.slow
MARKS = {
    "answer": "QQ-ANSWER-QQ",
    "comment": "QQ-COMMENT-QQ",
    "gold": "QQ-GOLD-QQ",
    "note": "QQ-NOTE-QQ",
    "suggestion": "QQ-SUGGESTION-QQ",
    "source": "QQ-SOURCE-QQ",
    "asked": "QQ-ASKED-QQ",
    "said": "QQ-SAID-QQ",
    "metadata": "QQ-METADATA-QQ",
    "model": "QQ-MODEL-QQ",
    "agreed": "QQ-AGREED-QQ",
    "contested": "QQ-CONTESTED-QQ",
}


def plant(there: dict[str, Any], cast: dict[str, a.User], *, settled: bool, role: str) -> a.Item:
    """An item that bob has answered and that others wait for, with gold or with a case, and all that may be known of it."""
    project = there["project"]
    [item] = make_items(project, 1, slots=3, metadata={"label": MARKS["metadata"]})
    a.Document.objects.filter(pk=item.document_id).update(
        candidates=[{"name": "A", "text": "One.", "model": MARKS["model"]}, {"name": "B", "text": "Two.", "model": "m"}]
    )
    a.Item.objects.filter(pk=item.pk).update(role=role)
    said = {"answer": {"sentiment": "negative", "why": MARKS["answer"]}, "comment": MARKS["comment"], "seconds": 3.0}
    answer = make_annotation(item, cast["bob"], flagged=True, **said)
    a.Revision.objects.create(
        annotation=answer, project=project, person=cast["bob"], client_id=uuid.uuid4(), status="submitted", **said
    )
    case = a.Case.objects.create(
        project=project, item=item, question="sentiment", agreed=MARKS["agreed"], pairs=f"\n{MARKS['contested']}\tx\n",
        closed_at=timezone.now() if settled else None,
    )  # fmt: skip
    if settled:
        there["gold"] = make_gold(item, MARKS["gold"], note=MARKS["note"], settled_by=cast["dave"]).pk
    suggestion = a.Suggestion.objects.create(
        project=project, item=item, question="sentiment", value=MARKS["suggestion"], source=MARKS["source"]
    )
    a.Showing.objects.create(suggestion=suggestion, person=cast["bob"])
    thread = a.Thread.objects.create(project=project, item=item, asker=cast["bob"])
    now = project.version
    a.Remark.objects.create(thread=thread, author=cast["bob"], guideline_version=now, client_id=uuid.uuid4(), text=MARKS["asked"])  # fmt: skip
    a.CaseRemark.objects.create(case=case, author=cast["dave"], guideline_version=now, client_id=uuid.uuid4(), text=MARKS["said"])  # fmt: skip
    recording.record(project=project, kind="sent_back", by=cast["dave"], about=cast["bob"], item=item.pk, note=MARKS["note"])  # fmt: skip
    there |= {"item": item.pk, "case": case.pk, "thread": thread.pk}
    return item


def report(there: dict[str, Any], item: a.Item) -> None:
    """Figures of the worker that name the item and what was said of it."""
    project = there["project"]
    triples = [(str(item.pk), "1", "negative"), (str(item.pk), "2", "positive")]
    entry = project.version.schema["questions"][0]
    figures = AGREEMENTS["choice"].report(triples, question=entry, groups=None, draws=10, seed=1)
    figures["contested"] = [{"unit": str(item.pk), "disagreement": 1.0, "answers": [{"value": MARKS["contested"], "count": 1}]}]  # fmt: skip
    a.AgreementReport.objects.create(
        project=project, question="sentiment", guideline_version=project.version, state="done",
        figures={**figures, "guideline_version": 1, "raters": {}}, as_of=timezone.now(),
    )  # fmt: skip


def found(client: Client, there: dict[str, Any]) -> set[tuple[str, str]]:
    """(address, mark) wherever an answer to a GET holds a mark; streamed files are read to their end."""
    seen = set()
    for name, pattern in PROJECT:
        path = address(name, pattern, there, "first")
        for asked in (path, *QUERIES.get(name.rpartition(":")[2], ())):
            told = client.get(asked if asked == path else f"{path}?{asked}")
            body = b"".join(told) if told.streaming else told.content
            text = body.decode(errors="replace") + json.dumps(dict(told.items()))
            seen |= {(name, mark) for mark, words in MARKS.items() if words in text}
    return seen


# Filters that ask for what is hidden.
QUERIES = {
    "items": ("state=flagged", "state=contested", "state=gold"),
    "history": ("kind=answered", "kind=skipped", "question=why", "kind=gold"),
    "api-history": ("kind=answered", "question=why", "kind=gold", "page_size=1000"),
    "api-annotations": ("page_size=1000",),
    "api-gold": ("page_size=1000",),
    "api-suggestions": ("page_size=1000",),
    "api-threads": ("waiting=true",),
    "api-label": ("count=10",),
    "api-agreement": ("question=sentiment",),
    "agreement": ("question=sentiment",),
}


@pytest.fixture
def there(cast: dict[str, a.User]) -> dict[str, Any]:
    """A project with one of everything in which carol labels, too."""
    made = world(cast, "first")
    a.Membership.objects.filter(project=made["project"], user=cast["carol"]).update(labels=True)
    return made


@pytest.mark.parametrize("settled", [True, False], ids=["gold", "case"])
@pytest.mark.parametrize("who", ["alice", "erin", "carol"])
def test_no_address_tells_what_others_said_or_what_is_known(cast, there, who, settled):
    # Who adjudicates is never given a control item, and may read what measures the others.
    item = plant(there, cast, settled=settled, role="control" if settled and who != "carol" else "work")
    report(there, item)
    client = Client(raise_request_exception=False)
    client.force_login(cast[who])
    assert found(client, there) == set()


def test_the_manager_who_does_not_label_finds_the_marks_so_the_walk_can_fail(cast, there):
    item = plant(there, cast, settled=True, role="control")
    report(there, item)
    client = Client(raise_request_exception=False)
    client.force_login(cast["dave"])
    seen = found(client, there)
    assert {mark for _name, mark in seen} >= {"answer", "comment", "gold", "note", "suggestion", "asked", "metadata", "model", "contested"}  # fmt: skip
    pages = {name for name, _mark in seen}
    assert pages >= {"annotation:item", "annotation:history", "annotation:history_file", "api-history", "api-annotations", "api-gold", "api-items", "api-suggestions"}  # fmt: skip


def test_before_it_is_settled_not_even_the_manager_reads_names_with_answers(cast, there):
    plant(there, cast, settled=False, role="work")
    client = Client()
    client.force_login(cast["dave"])
    rows = client.get("/api/v1/projects/first/history/?page_size=1000").json()["results"]
    for row in rows:
        assert row["person"] is None or row["kind"] != "answered" or row["answer"] is None


@pytest.mark.parametrize("asked", [{"gold": MARKS["gold"]}, {"state": "flagged"}, {"state": "contested"}, {"question": "why", "pair": f"{MARKS['answer']}\t{MARKS['answer']}"}])  # fmt: skip
def test_no_filter_finds_an_item_by_what_is_hidden_of_it(cast, there, asked):
    there["project"].cases.all().delete()
    item = plant(there, cast, settled="gold" in asked, role="work")
    rows = {}
    for who in ("carol", "dave"):
        client = Client()
        client.force_login(cast[who])
        rows[who] = {row[0].pk for row in client.get("/p/first/items/", asked).context["rows"]}
    assert rows == {"carol": set(), "dave": {item.pk}}


def told_of(packet: Any) -> Any:
    """The shape of what is told: names of fields, all the way down, without values."""
    if isinstance(packet, dict):
        return {name: told_of(value) for name, value in packet.items()}
    if isinstance(packet, list):
        return [told_of(value) for value in packet]
    return type(packet).__name__


@pytest.mark.parametrize("role", ["control", "training"])
def test_a_control_item_looks_like_any_other_to_whoever_labels_it(cast, there, role):
    project = there["project"]
    a.Assignment.objects.filter(project=project).delete()
    [usual, special] = make_items(project, 2, slots=1)
    a.Item.objects.filter(pk=special.pk).update(role=role)
    make_gold(special, MARKS["gold"])
    take(project, cast["alice"], 2)
    client = Client()
    client.force_login(cast["alice"])
    packets = {row["item"]["text"]: row for row in client.get("/api/v1/projects/first/label/?count=2").json()["items"]}
    assert set(packets) == {usual.text, special.text}
    assert told_of(packets[usual.text]) == told_of(packets[special.text])
    page = client.get("/p/first/label/").content.decode().lower()
    assert "control item" not in page
    assert "training item" not in page
    for row in packets.values():
        assert role not in json.dumps(row).lower()


def test_ones_own_history_tells_a_control_item_as_any_other(cast, there):
    project = there["project"]
    [usual, special] = make_items(project, 2, slots=1)
    a.Item.objects.filter(pk=special.pk).update(role="control")
    make_gold(special, MARKS["gold"])
    for item in (usual, special):
        answer = make_annotation(item, cast["alice"])
        a.Revision.objects.create(annotation=answer, project=project, person=cast["alice"], client_id=uuid.uuid4(), status="submitted", answer=answer.answer, seconds=2.0)  # fmt: skip
    client = Client()
    client.force_login(cast["alice"])
    rows = client.get("/api/v1/projects/first/my-history/").json()["results"]
    slots = {item.assignments.get(annotator=cast["alice"]).pk for item in (usual, special)}
    first, second = (row for row in rows if row["assignment"] in slots)
    assert {name for name in first if first[name] != second[name]} <= {"at", "assignment"}
    assert (first["item"], first["external_id"]) == (None, None)


# No number of this site but these ends in them.
OLD, OLDER_NAME = 918273645, "QQ-EXTERNAL-QQ"


@pytest.mark.parametrize("who", ["alice", "erin"])
@pytest.mark.parametrize("came", ["control", "back"])
def test_no_address_tells_the_number_of_an_item_by_which_its_age_would_show(cast, there, who, came):
    """A control item, and one that came back, are older than what else a person gets."""
    project, person = there["project"], cast[who]
    a.Membership.objects.filter(project=project, user=person).update(labels=True)
    [held, answered] = _old_items(project, role="control" if came == "control" else "work")
    again = a.Assignment.RETURNED if came == "back" else a.Assignment.COUNTS
    until = timezone.now() + timedelta(minutes=30)
    slot = a.Assignment(project=project, item=held, slot=0, annotator=person, again=again, state="leased", token=uuid.uuid4(), lease_until=until)  # fmt: skip
    done = a.Assignment(project=project, item=answered, slot=0, annotator=person, state="skipped")
    a.Assignment.objects.bulk_create([slot, done])
    said = make_annotation(answered, person, status="skipped", answer={}, skip_reason="unclear")
    a.Revision.objects.create(annotation=said, project=project, person=person, client_id=uuid.uuid4(), status="skipped")
    client = Client(raise_request_exception=False)
    client.force_login(person)
    asked = {"assignment": done.pk, "text": "Why?", "client_id": str(uuid.uuid4())}
    assert client.post("/p/first/label/ask/", json.dumps(asked), content_type="application/json").status_code == 200
    bodies = {}
    for name, pattern in PROJECT:
        path = address(name, pattern, there, "first")
        for query in ("", *QUERIES.get(name.rpartition(":")[2], ())):
            told = client.get(f"{path}?{query}" if query else path)
            bodies[name, query] = (b"".join(told) if told.streaming else told.content).decode(errors="replace")
    bodies["one of mine", ""] = client.get(f"/p/first/label/mine/?assignment={done.pk}").content.decode()
    assert str(slot.pk) in bodies["annotation:label", ""]
    assert {name for name, text in bodies.items() if str(OLD)[:-1] in text or OLDER_NAME in text} == set()


def _old_items(project: a.Project, role: str) -> list[a.Item]:
    found = []
    for place in range(2):
        document = a.Document.objects.create(
            project=project, external_id=f"{OLDER_NAME}-{place}", text=f"Old text {place}.", text_key=uuid.uuid4().hex
        )
        found.append(a.Item.objects.create(pk=OLD + place, project=project, document=document, role=role))
    return found

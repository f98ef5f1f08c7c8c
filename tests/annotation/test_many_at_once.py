"""Sixteen annotators at once: nothing lost, nothing doubled, no exception, every slot filled exactly once."""

import json
import random
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from annotation import annotating, assigning, loading, publishing, telling
from annotation import models as a
from tests.annotation.worlds import bring, member, sent
from tests.conftest import make_items, make_project, make_user

PEOPLE, ITEMS, OVERLAP = 16, 200, 2
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def crowd(cast):
    """A project with sixteen annotators and 200 items, two answers wanted for each."""
    project = make_project(cast, overlap=OVERLAP)
    people = [make_user(f"annotator{n}") for n in range(PEOPLE)]
    for person in people:
        a.Membership.objects.create(project=project, user=person, role=a.Membership.Role.ANNOTATOR)
    make_items(project, ITEMS)
    return project, people


class Worker:
    """One annotator's browser: it labels until nothing is left, and sends some answers again, as after a lost response."""

    def __init__(self, project, person, seed):
        self.project, self.person, self.dice = project, person, random.Random(seed)
        self.given: dict[int, str] = {}
        self.ids: list[uuid.UUID] = []

    def __call__(self):
        try:
            self.work()
        finally:
            connection.close()

    def work(self):
        membership = member(self.project, self.person)
        waiting = assigning.take(membership=membership)
        while waiting:
            slot = waiting.pop(0)
            value = self.dice.choice(["negative", "neutral", "positive"])
            letter = sent(slot, value)
            annotation, following = annotating.submit(membership=membership, sent=letter)
            if self.dice.random() < 0.2:
                again, repeated = annotating.submit(membership=membership, sent=letter)
                assert again.pk == annotation.pk
                following = following or repeated
            assert slot.item_id not in self.given
            self.given[slot.item_id] = value
            self.ids.append(letter.client_id)
            if following and following.pk not in {entry.pk for entry in waiting}:
                waiting.append(following)
            if not waiting:
                waiting = assigning.take(membership=membership)


def test_sixteen_people_fill_every_slot_exactly_once(crowd):
    project, people = crowd
    workers = [Worker(project, person, seed) for seed, person in enumerate(people)]
    with ThreadPoolExecutor(PEOPLE) as pool:
        for future in [pool.submit(worker) for worker in workers]:
            future.result(timeout=300)

    slots = a.Assignment.objects.filter(project=project)
    assert Counter(slots.values_list("state", flat=True)) == {"done": ITEMS * OVERLAP}
    assert slots.count() == ITEMS * OVERLAP
    assert a.Annotation.objects.count() == ITEMS * OVERLAP
    assert a.Revision.objects.count() == ITEMS * OVERLAP
    per_item = Counter(a.Annotation.objects.values_list("item", flat=True))
    assert set(per_item.values()) == {OVERLAP}
    for worker in workers:
        mine = a.Annotation.objects.filter(annotator=worker.person)
        assert {row.item_id: row.answer["sentiment"] for row in mine} == worker.given
    assert set(a.Revision.objects.values_list("client_id", flat=True)) == {name for w in workers for name in w.ids}
    # Two last answers that came in at once have still settled their item: it is gold where they agree, else a case.
    for item in a.Item.objects.filter(project=project):
        said = set(a.Annotation.objects.filter(item=item).values_list("answer__sentiment", flat=True))
        assert item.gold.count() == (len(said) == 1)
        assert item.cases.count() == (len(said) == 2)


def test_one_person_in_many_tabs_never_gets_an_item_twice(crowd):
    project, people = crowd
    membership = member(project, people[0])

    def tab():
        try:
            return [slot.item_id for slot in assigning.take(membership=membership, count=20, held=[0])]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        found = [future.result(timeout=120) for future in [pool.submit(tab) for _tab in range(8)]]
    assert all(len(items) == 20 for items in found)
    mine = a.Assignment.objects.filter(annotator=people[0])
    assert mine.count() == mine.values("item").distinct().count()


def test_the_last_two_answers_of_an_item_at_the_same_moment_settle_it(cast):
    project = make_project(cast)
    for round_ in range(10):
        [item] = make_items(project, [f"Round {round_}: profit fell."])
        slots = {name: _lease(project, cast[name], item) for name in ("alice", "bob")}
        start = threading.Barrier(2)

        def submit(name, slots=slots, start=start):
            try:
                start.wait(timeout=30)
                annotating.submit(membership=member(project, cast[name]), sent=sent(slots[name], "negative"))
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            for future in [pool.submit(submit, name) for name in slots]:
                future.result(timeout=60)
        assert a.Gold.objects.filter(item=item, value="negative", method="unanimous").count() == 1


def _lease(project, user, item):
    found = assigning.take(membership=member(project, user), count=1)
    assert [slot.item_id for slot in found] == [item.pk]
    return found[0]


def test_publishing_in_the_middle_of_labelling_leaves_no_answer_between_two_versions(crowd, cast):
    project, people = crowd
    stop = threading.Event()
    conflicts: list[str] = []

    def browse(person):
        try:
            while not stop.is_set():
                membership = member(project, person)
                for slot in assigning.take(membership=membership):
                    try:
                        annotating.submit(
                            membership=membership,
                            sent=sent(slot, "neutral", version=membership.project.version_id),
                            more=False,
                        )
                    except annotating.Untold:
                        telling.tell(membership=membership, number=membership.project.version.number)
                    except annotating.Conflict as conflict:
                        conflicts.append(str(conflict))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(browse, person) for person in people[:4]]
        for number in range(2, 5):
            publishing.save_draft(project=project, text=f"# Rules {number}", schema=project.version.schema, user=None)
            publishing.publish(project=project, user=None, change_note="clearer", earlier="ask")
        deadline = time.monotonic() + 120
        while a.Annotation.objects.submitted().count() < 5 and not any(future.done() for future in futures):
            if time.monotonic() > deadline:
                stop.set()
            time.sleep(0.05)
        stop.set()
        for future in futures:
            future.result(timeout=120)

    project.refresh_from_db()
    assert project.version.number == 4
    current = a.Annotation.objects.submitted()
    assert current.count() >= 5
    assert not current.exclude(guideline_version=project.version).exists()
    done = a.Assignment.objects.filter(state="done")
    assert set(done.values_list("item", "annotator")) == set(current.values_list("item", "annotator"))
    assert not a.Item.objects.filter(assignments__slot__gte=OVERLAP).exists()


def test_answers_of_a_file_come_in_while_people_label_the_same_items(crowd, monkeypatch):
    project, people = crowd
    monkeypatch.setattr(loading, "BATCH", 20)
    names = list(a.Document.objects.order_by("pk").values_list("external_id", flat=True))
    rows = [{"id": name, "annotator": f"rater{n}", "label": "neutral"} for name in names for n in range(2)]
    content = "\n".join(json.dumps(row) for row in rows)
    workers = [Worker(project, person, seed) for seed, person in enumerate(people[:4])]
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(worker) for worker in workers]
        report = bring(project, content, "answers.jsonl", what="annotations")
        for future in futures:
            future.result(timeout=300)

    assert (report["annotations"], report["refused"]) == (2 * ITEMS, 0)
    slots = a.Assignment.objects.filter(project=project)
    assert set(slots.values_list("state", flat=True)) == {"done"}
    given = sum(len(worker.given) for worker in workers)
    assert slots.count() == a.Annotation.objects.count() == 2 * ITEMS + given
    for item in a.Item.objects.filter(project=project):
        said = set(a.Annotation.objects.filter(item=item).values_list("answer__sentiment", flat=True))
        assert item.gold.filter(superseded_at=None).count() == (len(said) == 1)
        assert item.cases.filter(closed_at=None).count() == (len(said) > 1)

"""Control items: which may be, how they come among the others unseen, and what their answers never do."""

import json
import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation import annotating, assigning, batching, competence, controlling, measuring, progress, returning
from annotation import models as a
from tests.annotation.worlds import answer, member, sent, take
from tests.conftest import make_annotation, make_gold, make_items, make_project


@pytest.fixture
def project(cast):
    return make_project(cast, overlap=1, control_share=50, settle="unanimous")


def controls(project, count=10, **fields):
    """So many control items with the gold 'positive'."""
    items = make_items(project, [f"Control text {n} {fields}" for n in range(count)], slots=0, **fields)
    for item in items:
        make_gold(item)
    controlling.mark(project=project, items=a.Item.objects.filter(pk__in=[item.pk for item in items]), role="control")
    return items


def work_through(project, user, count, value="positive"):
    """So many items of this person, each answered when it came; the annotations."""
    given = []
    for _turn in range(count):
        slots = take(project, user)
        if not slots:
            break
        given.append(answer(project, user, slots[0], value))
    return given


def test_only_settled_items_outside_dev_and_test_become_control_items(project):
    plain, settled, tested, held, twin = make_items(project, ["a", "b", "c", "d", "e"], slots=0)
    for item in (settled, tested, held, twin):
        make_gold(item)
    a.Document.objects.filter(pk=tested.document_id).update(given_split="test")
    a.Item.objects.filter(pk=held.pk).update(held_out=True)
    a.Document.objects.filter(pk=twin.document_id).update(text_key=tested.document.text_key)
    for item, why in ((plain, "no gold"), (tested, "dev or test"), (held, "dev or test"), (twin, "dev or test")):
        with pytest.raises(ValueError, match=why):
            controlling.mark(project=project, items=a.Item.objects.filter(pk=item.pk), role="control")
    found = controlling.mark(project=project, items=project.items.all(), role="control")
    assert found == {"marked": 1, "held_out": 3, "without_gold": 1}
    assert list(project.items.filter(role="control")) == [settled]
    with pytest.raises(ValueError, match="No settled item"):
        controlling.draw(project=project, count=3)


def test_each_person_gets_each_control_item_at_most_once_and_about_the_share_that_is_set(project, cast):
    controls(project, 40)
    make_items(project, 120)
    given = work_through(project, cast["alice"], 60)
    items = [row.item_id for row in given]
    assert len(set(items)) == len(items) == 60
    mixed = a.Item.objects.filter(pk__in=items, role="control").count()
    assert 18 <= mixed <= 42, mixed
    assert not a.Assignment.objects.filter(item__role="control", state="open").exists()


def test_the_walk_goes_on_behind_a_control_item_where_it_was(project, cast):
    controls(project, 20)
    make_items(project, 60)
    given = work_through(project, cast["alice"], 40)
    places = dict(a.Assignment.objects.filter(annotator=cast["alice"]).values_list("item", "key"))
    keys = [places[row.item_id] for row in given]
    assert keys == sorted(keys)


def test_control_answers_change_no_gold_open_no_case_and_count_in_no_agreement(project, cast):
    items = controls(project, 8)
    make_items(project, 20)
    work_through(project, cast["alice"], 20, "negative")
    answered = a.Annotation.objects.filter(item__in=items).values_list("item", flat=True)
    assert answered
    assert set(a.Gold.objects.current().filter(item__in=items).values_list("value", flat=True)) == {"positive"}
    assert not a.Case.objects.exists()
    measured = {int(item) for item, _who, _value in measuring.triples(project=project, question="sentiment")}
    assert measured
    assert not measured & {item.pk for item in items}


def test_an_answer_before_a_control_item_costs_what_every_answer_costs(project, cast):
    controls(project, 30)
    make_items(project, 100)
    alice = cast["alice"]
    [slot] = take(project, alice)
    seen = {"work": set(), "control": set()}
    for _turn in range(30):
        with CaptureQueriesContext(connection) as queries:
            given = annotating.submit(membership=member(project, alice), sent=sent(slot))
        _annotation, slot = given
        if slot is None:
            break
        role = a.Item.objects.values_list("role", flat=True).get(pk=slot.item_id)
        was = a.Item.objects.values_list("role", flat=True).get(pk=_annotation.item_id)
        # An answer to an item of work makes gold here (overlap 1), one to a control item does not.
        seen[role].add((was, len(queries)))
    assert seen["control"]
    assert {n for was, n in seen["control"] if was == "work"} == {n for was, n in seen["work"] if was == "work"}


def test_ids_of_control_slots_are_those_of_open_ones_before(project, cast):
    make_items(project, 100)
    before = set(a.Assignment.objects.values_list("pk", flat=True))
    controls(project, 20)
    assert controlling.prepare(member(project, cast["alice"])) == 20
    ready = set(a.Assignment.objects.filter(item__role="control").values_list("pk", flat=True))
    assert len(ready) == 20
    assert ready < before
    # Every item of work still has its slot.
    assert a.Assignment.objects.filter(item__role="work", state="open").count() == 100
    # A second look makes none.
    assert controlling.prepare(member(project, cast["alice"])) == 0


def test_nothing_that_an_annotator_reads_tells_a_control_item_from_another(project, cast, client_of, caller_of):
    controls(project, 20)
    make_items(project, 60)
    work_through(project, cast["alice"], 30)
    page = client_of("alice").get("/p/sentiment/label/").content.decode()
    desk = json.loads(re.search(r'<script id="desk" type="application/json">(.*?)</script>', page, re.DOTALL)[1])
    assert not re.search(r"control", json.dumps(desk["packets"]).replace("Control text", ""), re.IGNORECASE)
    roles = dict(a.Item.objects.values_list("document__text", "role"))
    for address in ("/p/sentiment/label/mine/", "/p/sentiment/label/next/", "/api/v1/projects/sentiment/label/mine/"):  # fmt: skip
        body = (caller_of("alice") if "api" in address else client_of("alice")).get(address).json()
        rows = body.get("items") or body.get("results") or body.get("packets")
        shapes = {"work": set(), "control": set()}
        for row in rows:
            said = row.get("excerpt") or row.get("text") or row.get("item", {}).get("text")
            shapes[roles[said]].add(json.dumps(sorted(row)))
            assert not {"role", "gold"} & set(row)
        assert len(shapes["work"] | shapes["control"]) == 1, address
    for address in ("items/", "gold/", "controls/"):
        assert caller_of("alice").get(f"/api/v1/projects/sentiment/{address}").status_code == 403
        assert caller_of("erin").get(f"/api/v1/projects/sentiment/{address}").status_code == 403


def test_who_reads_gold_gets_no_control_items_and_is_not_kept_from_reading_them(project, cast):
    items = controls(project, 10)
    make_items(project, 30)
    a.Membership.objects.filter(user=cast["carol"]).update(labels=True)
    given = work_through(project, cast["carol"], 20)
    assert not {row.item_id for row in given} & {item.pk for item in items}
    controlling.prepare(member(project, cast["alice"]))
    assert a.Gold.objects.visible_to(cast["carol"]).filter(item__in=items).count() == 10


def test_accuracy_is_of_answers_given_while_the_item_was_a_control_item(project, cast):
    [old] = make_items(project, ["seen before"])
    make_annotation(old, cast["alice"], "negative")
    make_gold(old, "positive")
    controls(project, 9)
    controlling.mark(project=project, items=a.Item.objects.filter(pk=old.pk), role="control")
    make_items(project, 40)
    work_through(project, cast["alice"], 40)
    figures = competence.by(competence.checks(project), "person", "question")
    told = figures[cast["alice"].pk, "sentiment"]
    assert (told.n, told.right) == (9, 9)
    assert not told.judged
    # The page counts the answers that its table is about.
    assert controlling.of_project(project)["answers"] == 9


def test_an_item_of_work_again_is_asked_of_nobody_as_control_item(project, cast):
    items = controls(project, 5)
    make_items(project, 30)
    controlling.prepare(member(project, cast["alice"]))
    controlling.mark(project=project, items=a.Item.objects.filter(pk__in=[item.pk for item in items]), role="work")
    project.refresh_from_db()
    assert not project.controlled
    assert not a.Assignment.objects.filter(item__in=items).exists()


def test_progress_counts_no_control_items(project, cast):
    controls(project, 5)
    make_items(project, 30)
    before = progress.overview(project)["slots"]
    share = progress.share(member(project, cast["alice"]))
    work_through(project, cast["alice"], 10)
    after = progress.overview(project)
    assert before == after["slots"] == 30
    # What the page tells the person adds up all the same.
    later = progress.share(member(project, cast["alice"]))
    assert later["done"] == 10
    assert share["left"] <= later["done"] + later["left"] <= 35


def test_a_changed_overlap_asks_no_more_of_control_items(project, cast):
    items = controls(project, 5)
    make_items(project, 10)
    controlling.prepare(member(project, cast["alice"]))
    assigning.set_overlap(project=project, overlap=3)
    assert a.Assignment.objects.filter(item__in=items).count() == 5


def test_who_labels_one_language_gets_control_items_of_that_language_alone(project, cast):
    chinese = controls(project, 4, language="zh")
    english = controls(project, 4, language="en")
    make_items(project, 30, language="en")
    a.Membership.objects.filter(user=cast["alice"]).update(languages=["en"])
    assert controlling.prepare(member(project, cast["alice"])) == 4
    ready = set(a.Assignment.objects.filter(annotator=cast["alice"], state="assigned").values_list("item", flat=True))
    assert ready == {item.pk for item in english}
    assert not ready & {item.pk for item in chinese}


def test_a_control_item_that_its_person_does_not_answer_goes_to_nobody_else(project, cast):
    items = {item.pk for item in controls(project, 10)}
    make_items(project, 40)
    alice, bob = cast["alice"], cast["bob"]
    held = None
    while held is None:
        [slot] = take(project, alice)
        if slot.item_id in items:
            held = slot
        else:
            answer(project, alice, slot)
    a.Assignment.objects.filter(pk=held.pk).update(lease_until=timezone.now() - timedelta(minutes=1))
    bobs = work_through(project, bob, 60)
    assert a.Assignment.objects.get(pk=held.pk).annotator_id == alice.pk
    # Bob is through: what is left is alice's alone, and nobody tells him to wait for it.
    assert len(bobs) > 30
    assert not assigning.waiting(member(project, bob))
    assert progress.share(member(project, bob))["left"] == 0
    # Her page gives it to her once more.
    take(project, alice)
    assert a.Assignment.objects.get(pk=held.pk).state in ("assigned", "leased")
    annotation, _next = annotating.submit(membership=member(project, alice), sent=sent(held, token=None), more=False)
    assert (annotation.item_id, annotation.status) == (held.item_id, "submitted")


def test_what_is_given_back_handed_on_or_released_is_work_alone(project, cast):
    items = {item.pk for item in controls(project, 10)}
    make_items(project, 40)
    alice, bob = cast["alice"], cast["bob"]
    [slot] = take(project, alice)
    while slot.item_id not in items:
        answer(project, alice, slot)
        [slot] = take(project, alice)
    ready = a.Assignment.objects.filter(annotator=alice, item__in=items)
    before = ready.count()
    # The control item in hand and those that are ready are no work of hers that a manager could count.
    assert batching.rest(project=project, person=alice).count() == 0
    assert batching.reassign(project=project, slots=ready, to=member(project, bob)) == (0, 0)
    assert batching.give_back(project=project, slots=ready) == 0
    assert assigning.release(project=project, annotator=alice) == 1
    assert ready.filter(state="assigned").count() == before
    assert not a.Assignment.objects.filter(item__in=items).exclude(annotator=alice).exists()
    # Who labels no more leaves none behind.
    assigning.release(project=project, annotator=alice, assigned=True)
    assert not a.Assignment.objects.filter(item__in=items, state__in=["open", "assigned", "leased"]).exists()


def test_what_is_raised_comes_with_control_items_as_what_is_not(project, cast):
    items = {item.pk for item in controls(project, 60)}
    make_items(project, 200)
    a.Project.objects.filter(pk=project.pk).update(control_share=5)
    # Somebody for whom a control item comes at the very beginning of the order.
    for number in range(400):
        alice = a.User.objects.create_user(f"labeller{number}")
        a.Membership.objects.create(project=project, user=alice, role="annotator")
        if controlling.is_due(member(project, alice), assigning.START):
            break
    work_through(project, alice, 3)
    raised = 0
    given = []
    for _turn in range(60):
        # Something is raised each time: the place to begin from is always the same.
        open_ = a.Assignment.objects.filter(item__role="work", state="open").order_by("-key").values("item")[:1]
        raised += assigning.prioritise(
            project=project,
            items=a.Item.objects.filter(pk__in=list(open_.values_list("item", flat=True))),
            priority="first",
        )
        project.refresh_from_db()
        given += work_through(project, alice, 1)
    assert raised == 60
    mixed = sum(row.item_id in items for row in given)
    assert mixed <= 15, mixed


@pytest.mark.parametrize("address", ["/p/sentiment/label/next/", "/api/v1/projects/sentiment/label/?count=1"])
def test_serving_a_control_item_and_answering_it_costs_what_an_item_with_answers_to_come_costs(
    project, cast, client_of, caller_of, address
):
    a.Project.objects.filter(pk=project.pk).update(overlap=2)
    _first, _second, other = make_items(project, 3, slots=2)
    special, usual = controls(project, 1)[0], make_items(project, ["An item of work."], slots=6)[0]
    # Both are what comes back to her after an answer: nothing is made ready for her in between.
    a.Annotation.objects.create(
        project=project, item=special, annotator=cast["alice"], guideline_version=project.version, status="draft"
    )
    until = timezone.now() + timedelta(minutes=5)
    caller = caller_of("alice") if "api" in address else client_of("alice")
    caller.get(address)
    costs = []
    for item in (special, usual):
        a.Assignment.objects.filter(annotator=cast["alice"]).delete()
        # Both places of her hand are full, so that nothing is claimed beside it.
        slot, _beside = [
            a.Assignment.objects.create(
                project=project, item=held, slot=7, annotator=cast["alice"], state="leased", token=uuid.uuid4(), lease_until=until
            )
            for held in (item, other)
        ]  # fmt: skip
        with CaptureQueriesContext(connection) as serving:
            assert item.text in json.dumps(caller.get(address).json(), ensure_ascii=False)
        with CaptureQueriesContext(connection) as answering:
            answer(project, cast["alice"], slot)
        costs.append((len(serving), len(answering)))
    assert costs[0] == costs[1]


def test_a_training_item_whose_gold_somebody_was_told_never_becomes_work_again(project, cast):
    told, fresh = make_items(project, 2, slots=0)
    for item in (told, fresh):
        make_gold(item)
    both = a.Item.objects.filter(pk__in=[told.pk, fresh.pk])
    controlling.mark(project=project, items=both, role="training")
    attempt = a.Attempt.objects.create(project=project, person=cast["alice"], guideline_version=project.version)
    a.TrainingAnswer.objects.create(attempt=attempt, item=told, client_id=uuid.uuid4(), right=False, score=0.0)
    assert controlling.mark(project=project, items=both, role="work") == {"marked": 1, "told": 1}
    assert set(project.items.filter(role="training")) == {told}
    with pytest.raises(ValueError, match="was told its gold"):
        controlling.mark(project=project, items=both.filter(pk=told.pk), role="work")


def test_a_control_item_that_has_lost_its_gold_is_given_to_nobody(project, cast):
    kept, lost = controls(project, 2)
    make_items(project, 10)
    a.Gold.objects.filter(item=lost).update(superseded_at=timezone.now())
    assert controlling.prepare(member(project, cast["alice"])) == 1
    assert not a.Assignment.objects.filter(item=lost).exists()
    assert a.Assignment.objects.filter(item=kept).exists()


@pytest.mark.parametrize("how", ["control", "back"])
def test_a_place_whose_number_is_taken_over_keeps_what_it_was_asked_for(project, cast, how):
    [work] = make_items(project, 1)
    act = a.SetAside.objects.create(project=project, person=cast["erin"], since=project.created_at, until=project.created_at, reason="x")  # fmt: skip
    [old] = a.Assignment.objects.filter(item=work)
    a.Assignment.objects.filter(pk=old.pk).update(instead=act, extra=True)
    alice = member(project, cast["alice"])
    if how == "control":
        [item] = controls(project, 1)
        alice = member(project, cast["alice"])
        assert controlling.prepare(alice) == 1
    else:
        [item] = make_items(project, ["answered before"], slots=0)
        make_annotation(item, cast["alice"])
        returning._assign(alice, [item.pk])
    taken = a.Assignment.every.get(pk=old.pk)
    assert (taken.item, taken.instead, taken.extra, taken.annotator) == (item, None, False, cast["alice"])
    [moved] = a.Assignment.objects.filter(item=work)
    assert (moved.slot, moved.state, moved.instead, moved.extra, moved.key) == (old.slot, "open", act, True, old.key)


def test_the_page_of_control_items_reads_the_answers_once_and_each_schema_once(project, cast, client_of):
    controls(project, 10)
    make_items(project, 40)
    for name in ("alice", "bob"):
        work_through(project, cast[name], 20)
    with CaptureQueriesContext(connection) as seen:
        page = client_of("dave").get("/p/sentiment/controls/").content.decode()
    assert "alice" in page
    said = [query["sql"] for query in seen if '"annotation_annotation"."answer"' in query["sql"]]
    assert len(said) == 1
    assert '"schema"' not in said[0]


def test_items_that_could_become_control_items_are_counted_up_to_a_bound(project, monkeypatch):
    for item in make_items(project, 5, slots=0):
        make_gold(item)
    assert controlling.drawable(project) == 5
    monkeypatch.setattr(controlling, "COUNTED", 3)
    assert controlling.drawable(project) == 3


def test_the_page_tells_how_many_each_person_can_still_get(project, cast, client_of, django_assert_num_queries):
    german = controls(project, 4, language="de")
    english = controls(project, 6, language="en")
    for item in (*german[:3], english[0]):
        make_annotation(item, cast["alice"])
    a.Membership.objects.filter(project=project, user=cast["bob"]).update(languages=["en"])
    a.Gold.objects.filter(item=english[5]).update(superseded_at=timezone.now())
    with django_assert_num_queries(3):
        left = controlling.left(project)
    # Nobody who may read gold gets any.
    assert left == {cast["alice"].pk: 9 - 4, cast["bob"].pk: 5}
    make_annotation(english[1], cast["bob"])
    page = client_of("dave").get(f"/p/{project.slug}/controls/").content.decode()
    assert "<b>4 – 5</b>" in page

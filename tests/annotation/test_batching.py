"""Work that is pushed: set aside for people, handed on, given back, closed; never more than asked, nobody twice."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from annotation import annotating, assigning, batches, batching, inviting
from annotation import models as a
from tests.annotation.worlds import answer, lease, member, sent, take
from tests.conftest import make_gold, make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


def push(project, items, *people, **options):
    chosen = [member(project, person) for person in people]
    return batching.assign(
        project=project, items=[item.pk for item in items], people=chosen, **{"name": "Monday", **options}
    )


def held(project, person):
    rows = a.Assignment.objects.filter(project=project, annotator=person, state="assigned")
    return sorted(rows.values_list("item", flat=True))


def test_each_item_goes_to_each_person_and_takes_the_places_that_are_there(project, cast):
    items = make_items(project, 4)
    outcome = push(project, items[:3], cast["alice"], cast["bob"], note="read twice", by=cast["dave"])
    assert outcome.places == 6
    assert (outcome.there, outcome.full, outcome.unable) == (0, 0, 0)
    assert held(project, cast["alice"]) == held(project, cast["bob"]) == [item.pk for item in items[:3]]
    assert a.Assignment.objects.filter(project=project).count() == 8  # not one more than asked


def test_items_are_divided_evenly(project, cast):
    items = make_items(project, 7)
    outcome = push(project, items, cast["alice"], cast["bob"], divided=True)
    assert sorted(outcome.given.values()) == [3, 4]
    assert not set(held(project, cast["alice"])) & set(held(project, cast["bob"]))


def test_nobody_gets_an_item_twice_and_what_is_asked_is_not_exceeded_unless_the_manager_says_so(project, cast):
    a.Membership.objects.filter(project=project, user=cast["carol"]).update(labels=True)
    [item] = make_items(project, 1)
    answer(project, cast["alice"], lease(item, cast["alice"]))
    outcome = push(project, [item], cast["alice"], cast["bob"], cast["carol"])
    assert (outcome.places, outcome.there, outcome.full) == (1, 1, 1)
    left = cast["carol"] if held(project, cast["bob"]) else cast["bob"]
    more = push(project, [item], left, extra=True)
    assert more.places == 1
    assert item.assignments.count() == 3
    with pytest.raises(ValueError, match="on the items already: 1"):
        push(project, [item], cast["alice"], extra=True)


def test_what_is_in_somebodys_hand_stays_there_and_what_ran_out_is_taken(project, cast):
    [one, other] = make_items(project, 2, slots=1)
    lease(one, cast["bob"])
    slot = lease(other, cast["bob"])
    a.Assignment.objects.filter(pk=slot.pk).update(lease_until=timezone.now() - timedelta(minutes=1))
    outcome = push(project, [one, other], cast["alice"])
    assert (outcome.places, outcome.full) == (1, 1)
    assert held(project, cast["alice"]) == [other.pk]


def test_items_and_people_of_another_project_are_refused(project, cast):
    other = make_project(cast, slug="other")
    foreign = make_items(other, 2)
    with pytest.raises(ValueError, match="Nothing could be assigned"):
        push(project, foreign, cast["alice"])
    with pytest.raises(ValueError, match="does not label"):
        batching.assign(project=project, items=[], people=[member(other, cast["alice"])], name="x")
    with pytest.raises(ValueError, match="Not in this project: nothing, d77"):
        batching.named(project=project, ids=["nothing", "d77", ""])
    with pytest.raises(ValueError, match="called eve"):
        batching.labellers(project=project, names=["alice", "eve"])
    assert not a.Batch.objects.exists()
    assert not a.Assignment.objects.exclude(state="open").exists()


def test_a_hundred_thousand_ids_are_refused_with_a_sentence(project):
    with pytest.raises(ValueError, match="More than 20000 items"):
        batching.named(project=project, ids=[f"d{n}" for n in range(100_000)])


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": "  "}, "needs a name"),
        ({"name": "x" * 121}, "at most 120"),
        ({"note": "x" * 2001}, "at most 2000"),
        ({"due_at": timezone.now() - timedelta(days=1)}, "in the past"),
    ],
)
def test_a_batch_that_cannot_be_is_refused(project, cast, wrong, sentence):
    items = make_items(project, 1)
    with pytest.raises(ValueError, match=sentence):
        push(project, items, cast["alice"], **wrong)
    assert not a.Batch.objects.exists()


def test_open_items_are_drawn_at_random(project, cast):
    items = make_items(project, 30, slots=1)
    for item in items[:5]:
        answer(project, cast["alice"], lease(item, cast["alice"]))
    rows = a.Item.objects.filter(project=project)
    draws = [tuple(batching.drawn(items=rows, count=6)) for _time in range(5)]
    assert all(len(set(draw)) == 6 for draw in draws)
    assert len(set(draws)) > 1
    assert not {item.pk for item in items[:5]} & {pk for draw in draws for pk in draw}
    assert len(batching.drawn(items=rows, count=100)) == 25
    assert batching.drawn(items=rows) == [item.pk for item in items]


def test_the_batch_comes_first_and_says_what_it_is(project, cast, client_of):
    items = make_items(project, 3, slots=1)
    last = a.Assignment.objects.order_by("-priority", "-key").first().item
    due = timezone.now() + timedelta(days=2)
    push(project, [last], cast["alice"], note="<b>hurry</b>", due_at=due)
    client = client_of("alice")
    packet = client.get(f"/p/{project.slug}/label/next/").json()["packets"][0]
    assert packet["item"]["text"] == last.text
    assert packet["batch"] == {"name": "Monday", "note": "<b>hurry</b>", "due": due.isoformat(), "left": 1}
    home = client.get(f"/p/{project.slug}/").content.decode()
    assert "Monday" in home
    assert "1 item left" in home
    assert "&lt;b&gt;hurry" in home
    assert "Monday" not in client_of("bob").get(f"/p/{project.slug}/").content.decode()
    packets = client_of("bob").get(f"/p/{project.slug}/label/next/").json()["packets"]
    assert {one["item"]["text"] for one in packets} <= {item.text for item in items} - {last.text}
    assert all("batch" not in one for one in packets)


def test_a_packet_without_a_batch_costs_no_query_for_it(project, cast, django_assert_num_queries):
    make_items(project, 2)
    slots, alice = take(project, cast["alice"], count=2), member(project, cast["alice"])
    with django_assert_num_queries(0):
        assert batches.of_slots(alice, slots) == {}


def test_a_daily_limit_holds_for_a_batch_too(project, cast):
    items = make_items(project, 5)
    push(project, items, cast["alice"])
    a.Membership.objects.filter(project=project, user=cast["alice"]).update(daily_limit=2)
    slots = take(project, cast["alice"], count=5)
    assert len(slots) == 2
    for slot in slots:
        answer(project, cast["alice"], slot)
    assert take(project, cast["alice"]) == []


def test_the_rest_is_handed_on_and_a_late_answer_becomes_a_draft(project, cast):
    items = make_items(project, 3)
    batch = push(project, items, cast["alice"]).batch
    done, begun = take(project, cast["alice"], count=2)
    answer(project, cast["alice"], done)
    a_slot = lease(a.Item.objects.get(pk=begun.item_id), cast["bob"])  # bob is on one of the items already
    slots = batching.rest(project=project, batch=batch)
    assert batching.reassign(project=project, slots=slots, to=member(project, cast["bob"])) == (1, 1)
    assert a_slot.item_id == begun.item_id
    [standing] = batches.standings(project, [batch])
    assert {part.user.username: (part.done, part.all) for part in standing.parts} == {"alice": (1, 2), "bob": (0, 1)}
    # What she still holds she may answer; what bob has now she may not.
    answer(project, cast["alice"], begun)


def test_an_answer_to_what_was_handed_on_is_kept_as_a_draft(project, cast):
    [item] = make_items(project, 1, slots=1)
    batch = push(project, [item], cast["alice"]).batch
    [slot] = take(project, cast["alice"])
    batching.reassign(
        project=project, slots=batching.rest(project=project, batch=batch), to=member(project, cast["bob"])
    )
    with pytest.raises(annotating.Conflict, match="given to someone else"):
        annotating.submit(membership=member(project, cast["alice"]), sent=sent(slot), more=False)
    assert a.Annotation.objects.get().status == "draft"
    [his] = take(project, cast["bob"])
    answer(project, cast["bob"], his)
    assert a.Annotation.objects.submitted().get().annotator == cast["bob"]


def test_a_lease_without_a_batch_is_handed_on_in_one_of_its_own(project, cast):
    make_items(project, 2, slots=1)
    take(project, cast["alice"], count=2)
    moved = batching.reassign(
        project=project, slots=batching.rest(project=project, person=cast["alice"]), to=member(project, cast["bob"])
    )
    assert moved == (2, 0)
    assert a.Batch.objects.get().title.startswith("handed to you")
    assert len(take(project, cast["bob"], count=2)) == 2
    assert take(project, cast["alice"]) == []


def test_given_back_to_everybody_it_is_open_again_and_what_was_extra_is_gone(project, cast):
    a.Membership.objects.filter(project=project, user=cast["carol"]).update(labels=True)
    plain, settled = make_items(project, 2, slots=1)
    answer(project, cast["bob"], lease(settled, cast["bob"]))
    batch = push(project, [plain, settled], cast["alice"], cast["carol"], extra=True).batch
    assert a.Assignment.objects.count() == 5
    assert batching.close(batch=batch) == 4
    assert sorted(a.Assignment.objects.values_list("item", "state")) == [(plain.pk, "open"), (settled.pk, "done")]
    assert a.Gold.objects.get().item == settled  # which has all its answers again
    batch.refresh_from_db()
    assert batch.closed_at
    assert batching.close(batch=batch) == 0


def test_gold_that_stands_is_not_touched_by_extra_answers(project, cast):
    [item] = make_items(project, 1, slots=0)
    gold = make_gold(item)
    push(project, [item], cast["alice"], extra=True)
    [slot] = take(project, cast["alice"])
    answer(project, cast["alice"], slot, "negative")
    assert a.Gold.objects.current().get() == gold


def test_who_is_removed_leaves_nothing_assigned(project, cast):
    items = make_items(project, 3)
    push(project, items, cast["alice"])
    take(project, cast["alice"])
    inviting.remove(membership=member(project, cast["alice"]))
    assert set(a.Assignment.objects.values_list("state", "annotator", "batch")) == {("open", None, None)}


def test_late_batches_and_those_that_will_be_are_told_apart(project, cast):
    items = make_items(project, 30)
    batch = push(project, items, cast["alice"], due_at=timezone.now() + timedelta(days=1)).batch
    [standing] = batches.standings(project, [batch])
    assert (standing.is_late, standing.ready_at, standing.will_be_late) == (False, None, False)
    for slot in take(project, cast["alice"], count=7):
        answer(project, cast["alice"], slot)
    [standing] = batches.standings(project, [batch])
    assert standing.parts[0].pace == 7.0
    assert standing.parts[0].days == pytest.approx(23 / 7)
    assert standing.will_be_late
    assert not standing.is_late
    a.Batch.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    batch.refresh_from_db()
    assert batches.standings(project, [batch])[0].is_late


def test_the_page_of_batches_asks_as_much_for_ten_as_for_one(project, cast, client_of, django_assert_max_num_queries):
    items = make_items(project, 10)
    for item in items:
        push(project, [item], cast["alice"], cast["bob"], name=f"Batch {item.pk}")
    dave = client_of("dave")
    with django_assert_max_num_queries(12):
        page = dave.get(f"/p/{project.slug}/batches/").content.decode()
    assert page.count("Batch ") >= 10


# Pages, the API and the command


def test_a_manager_sets_items_of_a_filter_aside_on_the_page(project, cast, client_of):
    make_items(project, 3, source_type="news")
    other = make_items(project, 1, source_type="report")
    dave = client_of("dave")
    page = dave.get(f"/p/{project.slug}/batches/new/?source_type=report").content.decode()
    assert "1 item:" in page
    given = {"name": "Reports", "people": ["alice"], "what": "all", "sharing": "each", "note": "", "due_at": ""}
    answer_ = dave.post(f"/p/{project.slug}/batches/new/?source_type=report", given)
    batch = a.Batch.objects.get()
    assert answer_.url == f"/p/{project.slug}/batches/{batch.pk}/"
    assert held(project, cast["alice"]) == [other[0].pk]
    drawn = {**given, "name": "Drawn", "what": "draw", "count": "2", "people": ["bob"]}
    assert dave.post(f"/p/{project.slug}/batches/new/", drawn).status_code == 302
    assert len(held(project, cast["bob"])) == 2
    wrong = dave.post(f"/p/{project.slug}/batches/new/", {**given, "what": "ids", "ids": "zzz"}).content.decode()
    assert "Not in this project: zzz" in wrong
    empty = dave.post(f"/p/{project.slug}/batches/new/", {**given, "what": "draw"}).content.decode()
    assert "Fill this in" in empty


def test_a_manager_hands_on_gives_back_and_closes_on_the_page(project, cast, client_of):
    items = make_items(project, 4)
    batch = push(project, items, cast["alice"]).batch
    dave, there = client_of("dave"), f"/p/{project.slug}/batches/{batch.pk}/"
    dave.post(f"{there}reassign/", {"person": cast["alice"].pk, "to": "bob"})
    assert len(held(project, cast["bob"])) == 4
    dave.post(f"{there}give-back/", {"person": cast["alice"].pk})
    assert len(held(project, cast["bob"])) == 4
    page = dave.post(f"{there}close/", follow=True).content.decode()
    assert "4 items went back to everybody." in page
    assert "closed" in page
    assert dave.post(there, {"name": "Tuesday", "note": "n", "due_at": "2030-01-01T10:00"}).status_code == 302
    batch.refresh_from_db()
    assert (batch.name, batch.note) == ("Tuesday", "n")


def test_the_api_sets_aside_and_tells_how_far_it_is(project, cast, caller_of):
    make_items(project, 4)
    dave = caller_of("dave")
    url = f"/api/v1/projects/{project.slug}/batches/"
    made = dave.post(url, {"name": "By API", "people": ["alice", "bob"], "ids": ["d0", "d1"], "divided": True})
    assert made.status_code == 201
    assert made.json()["places"] == 2
    batch = made.json()["batch"]
    assert {part["username"]: part["all"] for part in batch["people"]} == {"alice": 1, "bob": 1}
    one = f"{url}{batch['id']}/"
    assert dave.post(f"{one}reassign/", {"person": "alice", "to": "bob"}).json() == {"moved": 1, "left": 0}
    assert dave.patch(one, {"name": "Renamed"}).json()["name"] == "Renamed"
    assert dave.post(f"{one}give-back/", {"person": "alice"}).json() == {"given_back": 0}
    assert dave.post(f"{one}close/").json() == {"given_back": 2}
    assert dave.get(url).json()["results"][0]["closed_at"]
    assert dave.post(url, {"name": "x", "people": ["alice"]}).status_code == 400
    assert dave.post(url, {"name": "x", "people": ["alice"], "draw": 2}).json()["places"] == 2
    assert dave.post(url, {"name": "x", "people": ["eve"], "draw": 2}).status_code == 400
    assert caller_of("eve").post(url, {"name": "x", "people": ["alice"], "draw": 2}).status_code == 404
    assert caller_of("alice").get(url).status_code == 403
    other = make_project(cast, slug="other")
    assert dave.get(f"/api/v1/projects/{other.slug}/batches/{batch['id']}/").status_code == 404


def test_the_command_sets_aside(project, cast, tmp_path, capsys):
    make_items(project, 4)
    ids = tmp_path / "ids.txt"
    ids.write_text("d0\nd2\n", encoding="utf-8")
    words = ["alice", "bob", "--project", project.slug, "--name", "Cmd", "--due", "2031-05-01", "--user", "dave"]
    call_command("assign", *words, "--ids", str(ids))
    assert "4 answers are assigned" in capsys.readouterr().out
    assert a.Batch.objects.get().created_by == cast["dave"]
    with pytest.raises(CommandError, match="called eve"):
        call_command("assign", "eve", "--project", project.slug, "--name", "Cmd", "--draw", "2")


# Many at once


@pytest.mark.django_db(transaction=True)
def test_batches_and_claims_at_the_same_moment_never_exceed_the_overlap_nor_give_anybody_an_item_twice(cast):
    project = make_project(cast)
    a.Membership.objects.filter(project=project, user=cast["carol"]).update(labels=True)
    items = make_items(project, 60)
    start = threading.Barrier(7)

    def work(act):
        try:
            start.wait(timeout=60)
            return act()
        finally:
            connection.close()

    def pull(person):
        return len(assigning.take(membership=member(project, person), count=40))

    def push_all(*people):
        try:
            return push(project, items, *people).places
        except ValueError:
            return 0

    three = [cast[name] for name in ("alice", "bob", "carol")]
    acts = [lambda who=who: pull(who) for who in three]
    acts += [lambda: push_all(*three), lambda: push_all(three[0], three[1]), lambda: push_all(three[2])]
    acts += [lambda: push_all(three[1], three[2])]
    with ThreadPoolExecutor(7) as pool:
        for future in [pool.submit(work, act) for act in acts]:
            future.result(timeout=300)
    taken = a.Assignment.objects.exclude(state="open")
    assert a.Assignment.objects.count() == 120
    assert taken.count() == 120
    assert taken.values("item", "annotator").distinct().count() == taken.count()
    assert not a.Assignment.objects.filter(state="open").exclude(annotator=None).exists()


def test_control_and_training_items_are_in_no_batch(project, cast):
    work, control, training = make_items(project, 3)
    a.Item.objects.filter(pk=control.pk).update(role=a.Item.Role.CONTROL)
    a.Item.objects.filter(pk=training.pk).update(role=a.Item.Role.TRAINING)
    push(project, [work, control, training], cast["alice"], extra=True)
    assert held(project, cast["alice"]) == [work.pk]

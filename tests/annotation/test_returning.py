"""Own items come back as if new: nobody can tell, no count, gold or agreement changes, and what one says again is told."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from annotation import (
    annotating,
    assigning,
    batching,
    consistency,
    inviting,
    measuring,
    progress,
    publishing,
    quality,
    returning,
    surveying,
)
from annotation import models as a
from annotation.tasks import run_quality
from tests.annotation.worlds import answer, lease, member, sent, take
from tests.conftest import make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast, again_share=50, again_days=3)


@pytest.fixture
def always(monkeypatch):
    """Every item comes back, and each claim looks for one first."""
    monkeypatch.setattr(returning, "comes_back", lambda item, person, share: True)
    monkeypatch.setattr(returning, "is_turn", lambda: True)


def earlier(days=4):
    """All answers were given some days ago."""
    then = timezone.now() - timedelta(days=days)
    a.Annotation.every.update(updated_at=then, created_at=then)
    a.Membership.objects.update(returned_until=None)


def answered(project, person, items, value="positive"):
    return [answer(project, person, lease(item, person), value) for item in items]


def snapshot(project):
    """Every figure that a second answer must not change."""
    project.refresh_from_db()
    question = project.version.schema["questions"][0]["name"]
    seen = progress.overview(project)
    people = [{key: row[key] for key in ("id", "submitted", "skipped", "flagged")} for row in progress.people(project)]
    gold = list(a.Gold.objects.order_by("pk").values("pk", "item", "value", "method", "superseded_at"))
    cases = list(a.Case.objects.order_by("pk").values("pk", "item", "disagreement", "closed_at"))
    triples = sorted(measuring.triples(project=project, question=question))
    figures = measuring.measure(project=project, question=question, draws=50)
    answers = list(a.Annotation.objects.submitted().order_by("pk").values("pk", "answer", "independent"))
    return [seen, people, gold, cases, triples, figures, answers]


def test_an_item_comes_back_after_the_days_and_looks_new(project, cast, always, client_of):
    items = make_items(project, 3)
    answered(project, cast["alice"], items[:1])
    client = client_of("alice")
    first = client.get(f"/p/{project.slug}/label/next/").json()["packets"]
    assert items[0].text not in {packet["item"]["text"] for packet in first}  # not before the days are over
    assigning.release(project=project)
    earlier()
    packets = client.get(f"/p/{project.slug}/label/next/").json()["packets"]
    back = next(packet for packet in packets if packet["item"]["text"] == items[0].text)
    other = next(packet for packet in packets if packet["item"]["text"] != items[0].text)
    assert set(back) == set(other)
    plain = {key: value for key, value in back.items() if key not in ("assignment", "token", "item")}
    assert plain == {key: value for key, value in other.items() if key in plain}
    assert (back["answer"], back["status"], back["correction"]) == ({}, "", False)
    page = client.get(f"/p/{project.slug}/label/").content.decode()
    desk = json.loads(page.split('id="desk" type="application/json">')[1].split("</script>")[0])
    assert all("again" not in key for packet in desk["packets"] for key in packet)
    assert all(not packet["answer"] for packet in desk["packets"])


def test_the_program_cannot_tell_either(project, cast, always, caller_of):
    items = make_items(project, 3)
    answered(project, cast["alice"], items[:1])
    earlier()
    found = caller_of("alice").get(f"/api/v1/projects/{project.slug}/label/?count=3").json()["items"]
    assert items[0].text in {one["item"]["text"] for one in found}
    assert len({tuple(sorted(one)) for one in found}) == 1
    assert all(one["draft"] is None for one in found)


def test_the_number_of_its_assignment_is_one_that_was_there_from_the_start(project, cast, always):
    items = make_items(project, 5)
    newest = a.Assignment.objects.order_by("-pk").first().pk
    answered(project, cast["alice"], items[:2])
    earlier()
    take(project, cast["alice"], count=2)
    back = a.Assignment.every.filter(again=1)
    assert back.count() == 2
    assert all(slot.pk <= newest for slot in back)
    # The items whose places were taken for it have as many places as before.
    assert {item.pk: item.assignments.count() for item in items} == {item.pk: 2 for item in items}


def test_no_count_no_gold_no_case_and_no_agreement_changes(project, cast, always):
    items = make_items(project, 4)
    answered(project, cast["alice"], items[:3])
    answered(project, cast["bob"], items[:2])
    answered(project, cast["bob"], items[2:3], "negative")
    earlier()
    project.refresh_from_db()
    before = snapshot(project)
    assert before[2]
    assert before[3]
    for slot in take(project, cast["alice"], count=3):
        assert slot.again == 1
        answer(project, cast["alice"], slot, "negative", flagged=True)
    assert a.Annotation.every.filter(again=1).count() == 3
    assert snapshot(project) == before
    after = a.Assignment.objects.filter(project=project)
    assert after.count() == 8


def test_it_comes_back_once_and_never_to_somebody_else(project, cast, always):
    items = make_items(project, 2)
    answered(project, cast["alice"], items)
    earlier()
    held = take(project, cast["alice"], count=5)
    assert sorted(slot.item_id for slot in held) == sorted(item.pk for item in items)
    a.Assignment.every.filter(again=1).update(lease_until=timezone.now() - timedelta(minutes=1))
    taken = take(project, cast["bob"], count=9)
    assert len(taken) == 2
    assert all(slot.again == 0 for slot in taken)
    for slot in take(project, cast["alice"], count=5):
        answer(project, cast["alice"], slot)
    a.Membership.objects.update(returned_until=None)
    earlier()
    assert take(project, cast["alice"], count=5) == []


def test_a_lease_that_ran_out_a_draft_two_tabs_and_a_correction(project, cast, always):
    [item] = make_items(project, 1)
    [once] = answered(project, cast["alice"], [item])
    earlier()
    alice = member(project, cast["alice"])
    [slot] = take(project, cast["alice"])
    said = {"assignment": slot.pk, "answer": {"sentiment": "negative"}}
    assert annotating.draft(membership=alice, data=said)
    assert progress.given(alice, [slot])[item.pk].answer == {"sentiment": "negative"}
    once.refresh_from_db()
    assert once.answer == {"sentiment": "positive"}
    a.Assignment.every.filter(pk=slot.pk).update(lease_until=timezone.now() - timedelta(minutes=1))
    letter = sent(slot, "neutral")
    late, _next = annotating.submit(membership=alice, sent=letter, more=False)
    assert (late.again, late.answer) == (1, {"sentiment": "neutral"})
    assert annotating.submit(membership=alice, sent=letter, more=False)[0].pk == late.pk
    with pytest.raises(annotating.Conflict, match="in another window"):
        annotating.submit(membership=alice, sent=sent(slot, "negative"), more=False)
    corrected = answer(project, cast["alice"], slot, "negative", token=None)
    assert corrected.pk == late.pk
    once.refresh_from_db()
    assert once.answer == {"sentiment": "positive"}
    mine = list(progress.own(alice).values_list("assignment", "again"))
    first = a.Assignment.objects.get(item=item, annotator=cast["alice"]).pk
    assert sorted(mine) == sorted([(slot.pk, 1), (first, 0)])
    # Somebody else can do nothing with it.
    with pytest.raises(annotating.Conflict, match="not in your hands"):
        annotating.submit(membership=member(project, cast["bob"]), sent=sent(slot, "negative"), more=False)


def test_the_first_answer_is_still_corrected_as_before(project, cast, always):
    [item] = make_items(project, 1)
    answered(project, cast["alice"], [item])
    earlier()
    [slot] = take(project, cast["alice"])
    answer(project, cast["alice"], slot, "negative")
    own = a.Assignment.objects.get(item=item, annotator=cast["alice"])
    answer(project, cast["alice"], own, "neutral", token=None)
    assert a.Annotation.objects.get().answer == {"sentiment": "neutral"}
    # What counts for the self-agreement is what was said at the time.
    [(_item, once, then)] = consistency.pairs(project)[cast["alice"].pk]
    assert (once, then) == ({"sentiment": "positive"}, {"sentiment": "negative"})


def test_the_day_and_the_share_count_what_came_back_as_work(project, cast, always):
    items = make_items(project, 4)
    answered(project, cast["alice"], items[:2])
    earlier()
    alice = member(project, cast["alice"])
    a.Membership.objects.filter(pk=alice.pk).update(daily_limit=3)
    before = progress.share(member(project, cast["alice"]))
    slots = take(project, cast["alice"], count=9)
    assert len(slots) == 3
    assert sum(slot.again for slot in slots) == 2
    for slot in slots:
        answer(project, cast["alice"], slot)
    assert progress.done_today(alice) == 3
    assert take(project, cast["alice"]) == []
    assert progress.share(alice)["done"] == before["done"] + 3


def test_it_works_together_with_batches(project, cast, always):
    items = make_items(project, 4)
    answered(project, cast["alice"], items[:2])
    earlier()
    pushed = [items[2].pk, items[0].pk]
    outcome = batching.assign(project=project, items=pushed, people=[member(project, cast["alice"])], name="M")
    assert (outcome.places, outcome.there) == (1, 1)
    found = take(project, cast["alice"], count=9)
    assert sorted((slot.item_id, slot.again) for slot in found) == sorted(
        [(items[0].pk, 1), (items[1].pk, 1), (items[2].pk, 0), (items[3].pk, 0)]
    )
    assert batching.close(batch=outcome.batch) == 1
    assert a.Assignment.every.filter(again=1, state="leased").count() == 2


def test_who_reads_the_others_answers_gets_none_back(project, cast, always):
    a.Membership.objects.filter(project=project, user=cast["carol"]).update(labels=True)
    items = make_items(project, 2)
    answered(project, cast["carol"], items)
    earlier()
    assert take(project, cast["carol"], count=5) == []


@pytest.mark.parametrize("what", ["settings", "guideline", "removal"])
def test_a_new_guideline_new_settings_and_a_removal_forget_what_waits(project, cast, always, what):
    answered(project, cast["alice"], make_items(project, 3)[:2])
    earlier()
    take(project, cast["alice"])
    assert a.Assignment.every.filter(again=1).count() == 2
    if what == "settings":
        inviting.configure(project=project, again_days=2)
    elif what == "guideline":
        publish(project, cast)
    else:
        inviting.remove(membership=member(project, cast["alice"]))
    assert not a.Assignment.every.filter(again=1).exists()


def publish(project, cast):
    draft = a.Guideline.objects.get(project=project)
    publishing.save_draft(project=project, text="# Other rules", schema=draft.schema, user=cast["dave"])
    publishing.publish(project=project, user=cast["dave"], change_note="other")


def test_the_share_is_kept_and_is_the_same_whenever_it_is_asked():
    chosen = [item for item in range(10_000) if returning.comes_back(item, 7, 20)]
    assert 1800 < len(chosen) < 2200
    assert set(chosen) <= {item for item in range(10_000) if returning.comes_back(item, 7, 30)}
    assert chosen != [item for item in range(10_000) if returning.comes_back(item, 8, 20)]
    assert not any(returning.comes_back(item, 7, 0) for item in range(1000))


def test_an_answer_is_looked_at_once_on_its_day(project, cast, django_assert_num_queries):
    answered(project, cast["alice"], make_items(project, 1))
    alice = member(project, cast["alice"])
    now = timezone.now()
    returning.plan(alice, now=now)
    with django_assert_num_queries(0):
        returning.plan(alice, now=now + timedelta(minutes=30))
    off = make_project(cast, slug="off")
    nobody = member(off, cast["alice"])
    with django_assert_num_queries(0):
        returning.plan(nobody)


# The figure


def test_the_self_agreement_is_that_of_the_pairs(project, cast, always, client_of, caller_of):
    items = make_items(project, 10)
    for place, item in enumerate(items):
        answered(project, cast["alice"], [item], ["positive", "negative"][place % 2])
    earlier()
    for slot in take(project, cast["alice"], count=10):
        place = [item.pk for item in items].index(slot.item_id)
        answer(project, cast["alice"], slot, ["positive", "negative"][place % 2] if place < 8 else "neutral")
    [row] = consistency.of_people(project)
    [question] = row["questions"]
    assert (row["user"], row["n"], question["n"], question["same"]) == (cast["alice"], 10, 10, 0.8)
    # Krippendorff's nominal alpha by hand: two of ten pairs differ; values 9, 9 and 2 of 20.
    expected = 1 - 0.2 / ((20 * 20 - 81 - 81 - 4) / (20 * 19))
    assert question["figures"]["krippendorff_alpha"]["value"] == pytest.approx(expected)
    assert question["figures"]["percent"]["value"] == pytest.approx(0.8)
    page = client_of("carol").get(f"/p/{project.slug}/self-agreement/").content.decode()
    assert "80.0" in page
    assert "alice" in page
    assert "80.0" in client_of("alice").get(f"/p/{project.slug}/my-work/").content.decode()
    assert "say the same again" not in client_of("bob").get(f"/p/{project.slug}/my-work/").content.decode()
    url = f"/api/v1/projects/{project.slug}/self-agreement/"
    assert [one["user"] for one in caller_of("dave").get(url).json()] == ["alice"]
    assert [one["n"] for one in caller_of("alice").get(url).json()] == [10]
    assert caller_of("bob").get(url).json() == []
    assert caller_of("eve").get(url).status_code == 404


def test_pages_read_the_self_agreement_that_the_worker_has_stored(project, cast, always, client_of, monkeypatch):
    items = make_items(project, 4)
    for who in ("alice", "bob"):
        answered(project, cast[who], items)
    earlier()
    for slot in take(project, cast["alice"], count=4):
        answer(project, cast["alice"], slot, "neutral")
    now = quality.self_agreement(project)
    run_quality(surveying.refresh(project).pk)

    def refused(*_args):
        raise AssertionError("measured in a request")

    monkeypatch.setattr(consistency, "of_people", refused)
    [row] = quality.self_agreement(project)
    assert (row["user"], row["n"], row["questions"]) == (cast["alice"], now[0]["n"], now[0]["questions"])
    assert row["n"] > 0
    assert quality.self_agreement(project, cast["bob"].pk) == []
    assert "alice" in client_of("carol").get(f"/p/{project.slug}/self-agreement/").content.decode()
    assert "say the same again" in client_of("alice").get(f"/p/{project.slug}/my-work/").content.decode()
    assert "say the same again" not in client_of("bob").get(f"/p/{project.slug}/my-work/").content.decode()


def test_the_page_says_what_to_do_where_nothing_comes_back(cast, client_of):
    make_project(cast)
    page = client_of("dave").get("/p/sentiment/self-agreement/").content.decode()
    assert "No items come back in this project" in page

"""Who labels what: items go only to people of their language and kind, and a claim costs the same however many there are."""

import json

import pytest
from django.db import connection, transaction

from annotation import assigning, batching, pooling, progress
from annotation import models as a
from tests.annotation.worlds import answer, bring, member, take
from tests.conftest import make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast, overlap=1)


def restrict(project, person, languages="", skills=""):
    pooling.restrict(membership=member(project, person), languages=languages, skills=skills)


def kinds(slots):
    return {(slot.item.document.language, slot.item.document.source_type) for slot in slots}


def test_items_go_only_to_people_who_label_such(project, cast):
    make_items(project, 3, language="en", source_type="news")
    make_items(project, 3, language="zh-Hans", source_type="news")
    make_items(project, 2, language="zh_CN", source_type="report")
    make_items(project, 1)
    restrict(project, cast["alice"], "ZH")
    found = take(project, cast["alice"], count=20)
    assert kinds(found) == {("zh-Hans", "news"), ("zh_CN", "report"), ("", "")}
    assert len(found) == 6
    restrict(project, cast["bob"], "en，zh", "report, news")
    assert kinds(take(project, cast["bob"], count=20)) == {("en", "news")}
    restrict(project, cast["alice"], "zh", "report")
    assert progress.share(member(project, cast["alice"]))["left"] == 6  # what she holds stays


def test_who_names_nothing_gets_everything_and_the_order_is_kept(project, cast):
    make_items(project, 4, language="en")
    make_items(project, 4, language="zh")
    restrict(project, cast["alice"], "zh, en")
    order = list(a.Assignment.objects.order_by("priority", "key").values_list("pk", flat=True))
    assert [slot.pk for slot in take(project, cast["alice"], count=8)] == order
    restrict(project, cast["alice"])
    assigning.release(project=project)
    assert [slot.pk for slot in take(project, cast["bob"], count=8)] == order


def test_priorities_leases_that_end_and_the_second_pass_hold_in_pools_too(project, cast):
    items = make_items(project, 6, language="zh")
    make_items(project, 6, language="en")
    restrict(project, cast["alice"], "zh")
    assigning.prioritise(project=project, items=a.Item.objects.filter(pk=items[4].pk), priority="first")
    first, *_others = slots = take(project, cast["alice"], count=6)
    assert first.item_id == items[4].pk
    for slot in slots[2:]:
        answer(project, cast["alice"], slot)
    assigning.release(project=project, annotator=cast["alice"])
    assert {slot.item_id for slot in take(project, cast["alice"], count=9)} == {slot.item_id for slot in slots[:2]}
    assert not assigning.waiting(member(project, cast["alice"]))


def test_later_items_and_more_answers_are_sorted_too(project, cast):
    restrict(project, cast["alice"], "zh")
    rows = [{"id": f"z{n}", "text": f"文本 {n}", "language": "zh"} for n in range(3)]
    bring(project, "\n".join(json.dumps(row) for row in rows))
    assert a.Assignment.objects.filter(pool__language="zh").count() == 3
    project.refresh_from_db()
    assigning.set_overlap(project=project, overlap=2)
    assert a.Assignment.objects.filter(pool__language="zh").count() == 6
    # What came in by another way is sorted when somebody has nothing else.
    late = make_items(project, 1, language="zh")
    found = take(project, cast["alice"], count=9)
    assert late[0].pk in {slot.item_id for slot in found}
    assert len(found) == 4


def test_a_project_without_such_people_has_no_pools(project, cast):
    make_items(project, 3, language="zh")
    take(project, cast["alice"])
    assert pooling.sort(project) == 0
    assert not a.Pool.objects.exists()


def test_what_is_pushed_is_respected_too(project, cast):
    items = make_items(project, 2, language="en") + make_items(project, 2, language="zh")
    restrict(project, cast["alice"], "zh")
    people = [member(project, cast[name]) for name in ("alice", "bob")]
    pks = [item.pk for item in items]
    outcome = batching.assign(project=project, items=pks, people=people, name="M", divided=True)
    assert outcome.given == {cast["alice"].pk: 2, cast["bob"].pk: 2}
    bobs = batching.rest(project=project, person=cast["bob"])
    assert batching.reassign(project=project, slots=bobs, to=member(project, cast["alice"])) == (0, 2)
    with pytest.raises(ValueError, match="not a language or kind of text of theirs: 2"):
        batching.assign(project=project, items=pks[:2], people=people[:1], name="M", extra=True)


def test_a_manager_sees_what_nobody_can_label(project, cast, client_of, caller_of):
    make_items(project, 3, language="en", source_type="news")
    make_items(project, 2, language="fr")
    for name in ("alice", "bob"):
        restrict(project, cast[name], "en", "")
    found = pooling.reach(project)
    assert found["unreachable"] == 2
    assert [(row["language"], row["items"], row["people"]) for row in found["rows"]] == [("en", 3, 2), ("fr", 2, 0)]
    page = client_of("dave").get(f"/p/{project.slug}/members/reach/").content.decode()
    assert "2 items wait, and nobody labels such" in page
    assert caller_of("dave").get(f"/api/v1/projects/{project.slug}/reach/").json() == found


def test_the_page_and_the_api_set_what_a_member_labels(project, cast, client_of, caller_of):
    bob = member(project, cast["bob"])
    there = f"/p/{project.slug}/members/{bob.pk}/"
    client_of("dave").post(f"{there}what/", {"languages": "zh-Hans, EN", "skills": " news ,report"})
    bob.refresh_from_db()
    assert (bob.languages, bob.skills) == (["en", "zh"], ["news", "report"])
    assert "en, zh" in client_of("dave").get(there).content.decode()
    sent = caller_of("dave").patch(f"/api/v1/projects/{project.slug}/members/{bob.pk}/", {"languages": []})
    assert (sent.json()["languages"], sent.json()["skills"]) == ([], ["news", "report"])
    page = client_of("dave").post(f"{there}what/", {"languages": ",".join(map(str, range(99)))}, follow=True)
    assert "At most 30 languages" in page.content.decode()
    assert a.Act.objects.filter(kind="role_changed", about=cast["bob"]).count() == 2


def test_the_claim_from_pools_walks_an_index_and_sorts_nothing_but_one_slot_of_each(project, cast):
    make_items(project, 5, language="zh")
    restrict(project, cast["alice"], "zh")
    values = {"user": 1, "project": 1, "token": "0" * 32, "until": "2026-05-14", "now": "2026-05-14", "priority": 0, "key": 0, "behind": 1, "below": 2**31 - 1}  # fmt: skip
    postgres = connection.vendor == "postgresql"
    lock = "FOR UPDATE SKIP LOCKED" if postgres else ""
    control = assigning.CONTROL.format(lock=lock)
    statement = assigning.CLAIM_OF_POOLS.format(lock=lock, control=control, pools="1, 2, 3")
    explain = "EXPLAIN" if postgres else "EXPLAIN QUERY PLAN"
    with transaction.atomic(), connection.cursor() as cursor:
        if postgres:
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"{explain} {statement}", values)
        found = "\n".join(str(row[-1]) for row in cursor.fetchall())
    assert "slots_to_give_of_a_pool" in found, found

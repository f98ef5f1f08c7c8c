"""How many answers an item gets: rules for slices, a further answer where people differ or doubt, limits per person."""

import json
from typing import Any

import pytest

from annotation import assigning, inviting, overlaps
from annotation import models as a
from tests.annotation.worlds import answer, bring, lease, take
from tests.conftest import make_items, make_project

pytestmark = pytest.mark.django_db


def slots_of(project: a.Project) -> dict[str, int]:
    names = a.Assignment.objects.filter(project=project).values_list("item__document__external_id", flat=True)
    return {name: list(names).count(name) for name in names}


def rows(n: int, **fields: Any) -> str:
    return "\n".join(json.dumps({"id": f"{next(iter(fields.values()), 'r')}{k}", "text": f"text {k} {fields}", **fields}) for k in range(n))  # fmt: skip


def test_rules_are_read_and_wrong_ones_named_by_their_line() -> None:
    assert overlaps.parse("20%: 2\n\n split = test : 3\nsource_type=news：4") == [
        overlaps.Rule(2, share=0.2), overlaps.Rule(3, field="split", value="test"), overlaps.Rule(4, field="source_type", value="news"),
    ]  # fmt: skip
    for text in ("20%", "20%: 0", "20%: 21", "x: 2", "colour=red: 2", "0%: 2", "101%: 2", "split=: 2", "ok\n20%: two"):
        with pytest.raises(ValueError, match="Line 1"):
            overlaps.parse(text)
    with pytest.raises(ValueError, match="At most 50"):
        overlaps.parse("20%: 2\n" * 51)


def test_a_share_is_a_share_always_the_same_and_grows_with_itself() -> None:
    names = [f"item {n}" for n in range(20_000)]

    def among(share: int) -> set[str]:
        rules = overlaps.parse(f"{share}%: 2")
        return {name for name in names if overlaps.wanted(1, rules, name=name, fields={}) == 2}

    assert abs(len(among(20)) / len(names) - 0.2) < 0.01
    assert among(20) < among(30)
    assert among(100) == set(names)


def test_the_highest_rule_counts() -> None:
    rules = overlaps.parse("100%: 2\nsplit=test: 3\nlanguage=zh: 1")
    assert overlaps.wanted(1, rules, name="x", fields={"split": "test", "language": "zh"}) == 3
    assert overlaps.wanted(1, rules, name="x", fields={"split": "train"}) == 2
    assert overlaps.wanted(5, rules, name="x", fields={"split": "test"}) == 5


def test_an_import_makes_the_slots_that_the_rules_ask_for(cast: Any) -> None:
    project = make_project(cast, overlap=1, overlap_rules="split=test: 3\nsource_type=news: 2")
    bring(project, rows(2, split="test") + "\n" + rows(2, source_type="news") + "\n" + rows(2, issuer="Acme"))
    assert slots_of(project) == {"test0": 3, "test1": 3, "news0": 2, "news1": 2, "Acme0": 1, "Acme1": 1}


def test_new_rules_add_slots_and_take_back_what_nobody_has_begun(cast: Any) -> None:
    project = make_project(cast, overlap=1)
    bring(project, rows(3, split="test") + "\n" + rows(3, language="en"))
    project = inviting.configure(project=project, overlap_rules="split=test: 3\r\n")
    assert project.overlap_rules == "split=test: 3"
    assert set(slots_of(project).values()) == {1, 3}
    item = a.Item.objects.get(document__external_id="test0")
    for name in ("alice", "bob"):
        answer(project, cast[name], lease(item, cast[name]), "positive")
    project = inviting.configure(project=project, overlap_rules="")
    assert slots_of(project) == {"test0": 2, "test1": 1, "test2": 1, "en0": 1, "en1": 1, "en2": 1}
    assert a.Gold.objects.get().item == item  # complete by that
    with pytest.raises(ValueError, match="Line 1"):
        inviting.configure(project=project, overlap_rules="nonsense")


@pytest.fixture
def adaptive(cast: Any) -> a.Project:
    return make_project(cast, overlap=2, overlap_most=4, settle="majority", confidence="three")


def people(project: a.Project, cast: Any) -> None:
    """Everybody labels."""
    a.Membership.objects.filter(project=project).update(labels=True)


def test_who_differs_asks_a_third_and_a_majority_ends_it(adaptive: a.Project, cast: Any) -> None:
    same, other = make_items(adaptive, 2)
    for item, values in ((same, ("positive", "positive")), (other, ("positive", "negative"))):
        for name, value in zip(("alice", "bob"), values, strict=True):
            answer(adaptive, cast[name], lease(item, cast[name]), value)
    assert a.Gold.objects.get().item == same
    assert not a.Case.objects.exists()
    assert (same.assignments.count(), other.assignments.count()) == (2, 3)
    people(adaptive, cast)
    answer(adaptive, cast["carol"], lease(other, cast["carol"]), "negative")
    assert a.Gold.objects.get(item=other).value == "negative"
    assert other.assignments.count() == 3


def test_without_a_majority_it_goes_on_to_the_most_and_then_to_a_case(adaptive: a.Project, cast: Any) -> None:
    [item] = make_items(adaptive, 1)
    people(adaptive, cast)
    for name, value in (("alice", "positive"), ("bob", "negative"), ("carol", "neutral"), ("erin", "negative")):
        answer(adaptive, cast[name], lease(item, cast[name]), value)
    assert item.assignments.count() == 4
    assert a.Case.objects.get().item == item
    assert not a.Gold.objects.exists()


def test_a_doubt_asks_one_more(adaptive: a.Project, cast: Any) -> None:
    [item] = make_items(adaptive, 1)
    people(adaptive, cast)
    answer(adaptive, cast["alice"], lease(item, cast["alice"]), "positive", confidence=1)
    answer(adaptive, cast["bob"], lease(item, cast["bob"]), "positive")
    assert not a.Gold.objects.exists()
    answer(adaptive, cast["carol"], lease(item, cast["carol"]), "positive")
    assert a.Gold.objects.get().value == "positive"
    assert item.assignments.count() == 3


def test_without_it_nobody_more_is_asked(cast: Any) -> None:
    project = make_project(cast, overlap=2, settle="majority")
    [item] = make_items(project, 1)
    for name, value in (("alice", "positive"), ("bob", "negative")):
        answer(project, cast[name], lease(item, cast[name]), value)
    assert item.assignments.count() == 2
    assert a.Case.objects.get().item == item


def test_a_person_gets_no_more_than_their_limit(cast: Any, client_of: Any) -> None:
    project = make_project(cast, overlap=1)
    make_items(project, 4)
    alice = a.Membership.objects.get(project=project, user=cast["alice"])
    inviting.change_role(membership=alice, role="annotator", labels=False, daily_limit=1)
    [slot] = take(project, cast["alice"])
    answer(project, cast["alice"], slot, "positive")
    assert take(project, cast["alice"]) == []
    reply = client_of("alice").get(f"/p/{project.slug}/label/next/").json()
    assert (reply["packets"], reply["limited"]) == ([], True)
    assert len(take(project, cast["bob"], 2)) == 2
    with pytest.raises(ValueError, match="between 1"):
        inviting.change_role(membership=alice, role="annotator", labels=False, daily_limit=0)


def test_no_limit_asks_nothing(cast: Any, django_assert_num_queries: Any) -> None:
    project = make_project(cast)
    alice = a.Membership.objects.get(project=project, user=cast["alice"])
    with django_assert_num_queries(0):
        assert not assigning.limited(alice)


def test_what_is_in_the_hand_counts_toward_the_limit(cast: Any) -> None:
    project = make_project(cast, overlap=1)
    make_items(project, 6)
    alice = a.Membership.objects.get(project=project, user=cast["alice"])
    inviting.change_role(membership=alice, role="annotator", labels=False, daily_limit=3)
    for _round in range(3):
        slots = take(project, cast["alice"], 2)
        answer(project, cast["alice"], slots[0], "positive")
    assert a.Annotation.objects.filter(annotator=cast["alice"]).count() == 3
    assert take(project, cast["alice"], 2) == []


def test_another_overlap_leaves_the_further_answer_that_was_asked_for(adaptive: a.Project, cast: Any) -> None:
    [item] = make_items(adaptive, 1)
    for name, value in (("alice", "positive"), ("bob", "negative")):
        answer(adaptive, cast[name], lease(item, cast[name]), value)
    inviting.configure(project=adaptive, overlap_rules="split=test: 3")
    assert item.assignments.filter(state="open").count() == 1
    assert not a.Case.objects.exists()


def order(project: a.Project, user: a.User) -> list[str]:
    """The ids in which one person is given everything."""
    found = []
    while slots := take(project, user):
        found.append(slots[0].item.document.external_id)
        answer(project, user, slots[0], "positive")
    return found


def test_items_are_given_out_first_or_last_also_to_who_is_past_them(cast: Any, caller_of: Any, client_of: Any) -> None:
    project = make_project(cast, overlap=1)
    make_items(project, 12)
    for _round in range(3):
        [slot] = take(project, cast["alice"])
        answer(project, cast["alice"], slot, "positive")
    left = list(a.Assignment.objects.filter(state="open").order_by("key").values_list("item__document__external_id", flat=True))  # fmt: skip
    raised, lowered = [left[0], left[5]], left[2]
    api = f"/api/v1/projects/{project.slug}/items/priority/"
    assert caller_of("dave").post(api, {"ids": raised, "priority": "first"}).json() == {"slots": 2}
    assert caller_of("dave").post(api, {"ids": [lowered], "priority": "last"}).json() == {"slots": 1}
    project.refresh_from_db()
    assert project.raised
    found = order(project, cast["alice"])
    assert sorted(found[:2]) == sorted(raised)
    assert found[-1] == lowered
    assert sorted(found) == sorted(left)
    assert caller_of("alice").post(api, {"ids": raised, "priority": "first"}).status_code == 403
    assert caller_of("dave").post(api, {"ids": raised, "priority": "now"}).status_code == 400


def test_a_filter_of_the_items_page_sets_the_priority(cast: Any, client_of: Any) -> None:
    project = make_project(cast, overlap=2)
    bring(project, rows(2, source_type="news") + "\n" + rows(3, source_type="report"))
    page = f"/p/{project.slug}/items/priority/"
    reply = client_of("dave").post(page, {"source_type": "news", "priority": "first"}, follow=True)
    assert "4 open slots have that priority now" in reply.content.decode()
    assert "4 open slots" in reply.content.decode()
    found = dict(a.Assignment.objects.values_list("item__document__source_type", "priority"))
    assert found == {"news": -1, "report": 0}
    client_of("dave").post(page, {"priority": "usual"})
    project.refresh_from_db()
    assert not project.raised
    assert client_of("alice").post(page, {"priority": "first"}).status_code == 403
    assert client_of("eve").post(page, {"priority": "first"}).status_code == 404


def test_the_cost_of_gold_is_told(adaptive: a.Project, cast: Any, client_of: Any) -> None:
    items = make_items(adaptive, 2)
    for item in items:
        for name in ("alice", "bob"):
            answer(adaptive, cast[name], lease(item, cast[name]), "positive")
    assert "2.00 answers to each item that has gold" in client_of("dave").get(f"/p/{adaptive.slug}/").content.decode()


def test_the_pages_and_the_api_set_it(cast: Any, client_of: Any, caller_of: Any) -> None:
    project = make_project(cast)
    api = f"/api/v1/projects/{project.slug}/"
    assert caller_of("dave").patch(api, {"overlap_rules": "20%: 3", "overlap_most": 5}).json()["overlap_most"] == 5
    reply = caller_of("dave").patch(api, {"overlap_rules": "20%"})
    assert reply.status_code == 400
    assert "Line 1" in reply.content.decode()
    alice = a.Membership.objects.get(project=project, user=cast["alice"])
    assert caller_of("dave").patch(f"{api}members/{alice.pk}/", {"daily_limit": 7}).json()["daily_limit"] == 7
    page = f"/p/{project.slug}/members/{alice.pk}/role/"
    client_of("dave").post(page, {f"{alice.pk}-role": "annotator", f"{alice.pk}-daily_limit": "9"})
    alice.refresh_from_db()
    assert alice.daily_limit == 9
    client_of("dave").post(page, {f"{alice.pk}-role": "annotator", f"{alice.pk}-daily_limit": ""})
    alice.refresh_from_db()
    assert alice.daily_limit is None

"""The labelling page's requests: one per item, at most twelve queries however many items, and blind to other people."""

import json
import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotation import models as a
from tests.annotation.worlds import answer, lease, take
from tests.conftest import make_items, make_project

pytestmark = pytest.mark.django_db
TEXT = "净利润同比增长 8％ 📈\n<b>not bold</b>"


@pytest.fixture
def project(cast):
    return make_project(cast)


def url(name, project):
    return reverse(f"annotation:{name}", args=[project.slug])


def body(packet, value="positive", **changes):
    given = {"answer": {"sentiment": value}} if value else {"status": "skipped", "skip_reason": "unclear"}
    version = a.Project.objects.values_list("version", flat=True).get(slug="sentiment")
    return {
        "client_id": str(uuid.uuid4()),
        "assignment": packet["assignment"],
        "token": packet["token"],
        "version": version,
        **given,
        **changes,
    }


def post(client, project, data, name="label_submit"):
    return client.post(url(name, project), json.dumps(data), content_type="application/json")


def packets(client, project, held=()):
    return client.get(url("label_next", project), {"held": ",".join(map(str, held))}).json()["packets"]


# One request per item


def test_an_answer_goes_in_and_the_next_item_comes_out(project, cast, client_of):
    make_items(project, [TEXT, "Second.", "Third.", "Fourth."])
    client = client_of("alice")
    first, second = packets(client, project)
    reply = post(client, project, body(first, "negative", comment="好\r\n👍"))
    assert reply.status_code == 200
    assert reply.json()["saved"] is True
    following = reply.json()["next"]
    assert following["assignment"] not in (first["assignment"], second["assignment"])
    assert a.Annotation.objects.get().answer == {"sentiment": "negative"}
    texts = {packet["item"]["text"] for packet in (first, second, following)}
    assert texts < {TEXT, "Second.", "Third.", "Fourth."}


def test_a_packet_holds_what_the_reader_needs_and_no_metadata_or_gold(project, client_of):
    [item] = make_items(
        project, [TEXT], metadata={"label": "secret"}, given_split="test", source_type="news", issuer="招商银行"
    )
    a.Gold.objects.create(
        project=project,
        item=item,
        question="sentiment",
        value="negative",
        method="imported",
        guideline_version=project.version,
    )
    reply = client_of("alice").get(url("label_next", project))
    [packet] = reply.json()["packets"]
    assert packet["item"]["text"] == TEXT
    assert packet["item"]["issuer"] == "招商银行"
    assert b"secret" not in reply.content
    assert b"negative" not in reply.content
    assert b"test" not in reply.content


def test_a_repeat_of_a_request_gives_the_same_reply_and_changes_nothing(project, client_of):
    make_items(project, 5)
    client = client_of("alice")
    first, _second = packets(client, project)
    data = body(first)
    replies = [post(client, project, data).json() for _time in range(3)]
    assert replies[0] == replies[1] == replies[2]
    assert a.Revision.objects.count() == 1
    assert a.Assignment.objects.filter(state="leased").count() == 2


def test_the_last_item_has_no_next_and_next_says_whether_to_wait(project, cast, client_of):
    make_items(project, 1)
    client = client_of("alice")
    [packet] = packets(client, project)
    assert post(client, project, body(packet)).json()["next"] is None
    assert client.get(url("label_next", project)).json() == {"packets": [], "waiting": False, "limited": False}
    take(project, cast["bob"])
    # What bob holds alice has answered: nothing of it can come to her.
    assert client.get(url("label_next", project)).json()["waiting"] is False
    make_items(project, 1, slots=1)
    take(project, cast["bob"], 2)
    assert client.get(url("label_next", project)).json()["waiting"] is True


def test_a_signed_out_request_says_so_as_json_and_the_answer_goes_in_afterwards(project, cast, client_of):
    make_items(project, 1)
    client = client_of("alice")
    [packet] = packets(client, project)
    data = body(packet)
    client.logout()
    reply = post(client, project, data)
    assert reply.status_code == 401
    assert reply.json()["sign_in"] == reverse("annotation:sign_in")
    client.force_login(cast["alice"])
    assert post(client, project, data).status_code == 200


def test_a_second_tab_is_told_both_answers(project, client_of):
    make_items(project, 1)
    client = client_of("alice")
    [packet] = packets(client, project)
    post(client, project, body(packet, "negative", comment="first"))
    reply = post(client, project, body(packet, "positive"))
    assert reply.status_code == 409
    assert reply.json()["theirs"] == {
        "answer": {"sentiment": "negative"},
        "status": "submitted",
        "comment": "first",
        "flagged": False,
        "skip_reason": "",
        "confidence": None,
    }
    assert a.Annotation.objects.get().answer == {"sentiment": "negative"}


def test_a_stale_guideline_asks_for_a_reload(project, client_of):
    make_items(project, 1)
    client = client_of("alice")
    [packet] = packets(client, project)
    data = body(packet)
    project.version = a.GuidelineVersion.objects.create(project=project, number=2, schema=project.version.schema)
    project.save()
    reply = post(client, project, data)
    assert (reply.status_code, reply.json()["reload"]) == (409, True)
    assert packets(client, project)[0]["answer"] == {"sentiment": "positive"}


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"3", b"\xff", b"[" * 100_000, b'{"client_id": "' + b"x" * 300_000 + b'"}']
)
def test_a_request_that_is_no_answer_is_refused_with_a_sentence(project, client_of, raw):
    for name in ("label_submit", "label_draft"):
        reply = client_of("alice").post(url(name, project), raw, content_type="application/json")
        assert reply.status_code == 400
        assert reply.json()["error"].endswith(".")


def test_a_forged_request_from_elsewhere_is_refused(project, cast):
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast["alice"])
    assert post(client, project, {}).status_code == 403


def test_who_may_not_label_gets_nothing(project, client_of):
    make_items(project, 1)
    for name, status in (("erin", 403), ("dave", 403), ("carol", 403), ("eve", 404)):
        client = client_of(name)
        assert client.get(url("label_next", project)).status_code == status
        assert post(client, project, {}).status_code == status
        assert client.get(url("label_mine", project)).status_code == status
        assert client.get(url("label", project)).status_code == status
    assert not a.Assignment.objects.exclude(state="open").exists()


def test_a_draft_is_kept_and_comes_back_with_the_item(project, client_of):
    make_items(project, 1)
    client = client_of("alice")
    [packet] = packets(client, project)
    data = {"assignment": packet["assignment"], "answer": {"sentiment": "neutral"}, "comment": "想想", "flagged": True}
    assert post(client, project, data, "label_draft").status_code == 204
    [again] = packets(client, project)
    assert (again["answer"], again["comment"], again["flagged"], again["status"]) == (
        {"sentiment": "neutral"},
        "想想",
        True,
        "draft",
    )


# One's own last answers


def test_one_goes_back_to_ones_own_answer_and_corrects_it(project, cast, client_of):
    items = make_items(project, 3)
    client = client_of("alice")
    for item in items:
        answer(project, cast["alice"], lease(item, cast["alice"]), "negative")
    rows = client.get(url("label_mine", project)).json()["items"]
    assert [row["excerpt"] for row in rows] == [item.text for item in reversed(items)]
    packet = client.get(url("label_mine", project), {"assignment": rows[0]["assignment"]}).json()
    assert (packet["token"], packet["correction"], packet["answer"]) == (None, True, {"sentiment": "negative"})
    reply = post(client, project, body(packet, "positive"))
    assert reply.json() == {"saved": True, "next": None}
    assert a.Annotation.objects.get(item=items[2]).answer == {"sentiment": "positive"}


def test_the_list_of_ones_own_answers_goes_on_page_by_page(project, cast, client_of):
    for item in make_items(project, 55):
        answer(project, cast["alice"], lease(item, cast["alice"]))
    client = client_of("alice")
    first = client.get(url("label_mine", project)).json()["items"]
    rest = client.get(url("label_mine", project), {"before": first[-1]["at"]}).json()["items"]
    assert (len(first), len(rest)) == (50, 5)
    assert not {row["assignment"] for row in first} & {row["assignment"] for row in rest}


def test_answers_of_the_same_moment_are_neither_left_out_nor_given_twice(project, cast, client_of):
    for item in make_items(project, 120):
        answer(project, cast["alice"], lease(item, cast["alice"]))
    a.Annotation.objects.update(updated_at=timezone.now())
    client, address, found = client_of("alice"), url("label_mine", project), []
    for _page in range(3):
        reply = client.get(address).json()
        found += [row["assignment"] for row in reply["items"]]
        address = url("label_mine", project) + reply["older"]
    assert len(found) == len(set(found)) == 120
    assert reply["older"] == ""


def test_a_page_of_ones_own_answers_costs_the_same_however_far_back_it_is(project, cast, client_of):
    for item in make_items(project, 120):
        answer(project, cast["alice"], lease(item, cast["alice"]))
    client, address, costs = client_of("alice"), url("label_mine", project), []
    for _page in range(3):
        with CaptureQueriesContext(connection) as seen:
            reply = client.get(address).json()
        costs.append(len(seen))
        address = url("label_mine", project) + reply["older"]
    assert len(set(costs)) == 1
    assert not [query for query in seen if "OFFSET" in query["sql"].upper()]


@pytest.mark.parametrize("asked", ["before=x&row=1", "before=2026-01-01T00:00:00Z&row=x", "before=9&row=" + "9" * 30])
def test_a_page_that_nobody_can_mean_is_no_fault_of_the_server(project, client_of, asked):
    assert client_of("alice").get(f"{url('label_mine', project)}?{asked}").json() == {"items": [], "older": ""}


@pytest.mark.parametrize("asked", ["0", "x", "-1", "9" * 30])
def test_an_answer_that_is_not_ones_own_is_not_found(project, client_of, asked):
    reply = client_of("alice").get(url("label_mine", project), {"assignment": asked})
    assert reply.status_code in (200, 404)
    assert reply.json() == {"items": [], "older": ""} or "not one of your answers" in reply.json()["error"]


def test_the_answers_of_others_are_not_found_either(project, cast, client_of):
    [item] = make_items(project, 1)
    slot = lease(item, cast["bob"])
    answer(project, cast["bob"], slot)
    reply = client_of("alice").get(url("label_mine", project), {"assignment": slot.pk})
    assert reply.status_code == 404


# Blind


def test_alice_and_bob_never_see_each_others_answers(project, cast, client_of):
    """Whatever alice asks for, nothing in it differs by what bob has said; his words are nowhere."""
    items = make_items(project, 3)
    for item in items:
        answer(project, cast["bob"], lease(item, cast["bob"]), "negative", comment="BOBS-WORDS", flagged=True)
    client = client_of("alice")
    given = packets(client, project)
    replies = [
        client.get(url("label", project)),
        client.get(url("label_next", project)),
        client.get(url("label_mine", project)),
        client.get(url("project", project)),
        client.get(url("guideline", project)),
        *(post(client, project, body(packet, "neutral")) for packet in given),
        post(client, project, body(given[0], "positive")),
        client.get(url("label_mine", project)),
        client.get("/api/v1/projects/sentiment/annotations/"),
    ]
    for reply in replies:
        assert reply.status_code in (200, 409)
        assert b"BOBS-WORDS" not in reply.content
        assert b'"negative"}' not in reply.content.replace(b" ", b"")
    for page in ("items", "agreement", "adjudicate", "imports", "members"):
        assert client.get(url(page, project)).status_code == 403
    for packet in given:
        assert (packet["answer"], packet["status"], packet["comment"], packet["flagged"]) == ({}, "", "", False)
    assert client.get(reverse("annotation:item", args=[project.slug, items[0].pk])).status_code == 403
    mine = client.get("/api/v1/projects/sentiment/annotations/").json()["results"]
    assert {row["answer"]["sentiment"] for row in mine} == {"neutral"}


# What it costs


def cost_of_one_submit(client, project):
    """Queries of one answer through the real view; the words of the transaction itself do not count."""
    data = body(packets(client, project)[0])
    with CaptureQueriesContext(connection) as seen:
        reply = post(client, project, data)
    assert reply.json()["next"]
    frame = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    return [query["sql"] for query in seen if not query["sql"].startswith(frame)]


def test_one_answer_costs_at_most_twelve_queries_at_50_and_at_2000_items(project, client_of):
    client, costs = client_of("alice"), []
    for more in (50, 1950):
        make_items(project, more)
        costs.append(cost_of_one_submit(client, project))
    assert len(costs[0]) == len(costs[1]) <= 12, "\n".join(costs[0])
    assert not [sql for sql in costs[1] if "COUNT(" in sql.upper()]


@pytest.mark.parametrize("value", ["positive", "negative"])
def test_the_answer_that_completes_an_item_costs_at_most_twelve_queries_too(project, cast, client_of, value):
    for item in make_items(project, 4):
        answer(project, cast["bob"], lease(item, cast["bob"]), value)
    found = cost_of_one_submit(client_of("alice"), project)
    assert len(found) <= 12, "\n".join(found)
    assert a.Gold.objects.count() + a.Case.objects.count() == 1


# Jumping to an item, keys of one's own


def test_an_item_of_ones_own_is_found_by_its_number_and_no_other(project, cast, client_of):
    first, second = make_items(project, 2)
    mine, others = lease(first, cast["alice"]), lease(second, cast["bob"])
    answer(project, cast["alice"], mine)
    answer(project, cast["bob"], others)
    alice = client_of("alice")
    found = alice.get(url("label_mine", project), {"assignment": mine.pk})
    assert (found.json()["item"]["text"], found.json()["correction"]) == (first.text, True)
    for number in (others.pk, 10**17, "x", "-1"):
        assert alice.get(url("label_mine", project), {"assignment": number}).status_code == 404


def test_the_page_shows_ones_own_keys_and_only_what_the_project_asks(project, cast, client_of):
    cast["alice"].keys = {"skip": "k"}
    cast["alice"].save()
    page = client_of("alice").get(url("label", project))
    assert page.context["desk"]["keys"]["k"] == "skip"
    assert "undecided" not in page.context["desk"]["keys"].values()
    assert "sure" not in page.context["desk"]["modules"]
    assert b"undecided-dialog" not in page.content
    a.Project.objects.update(undecided=True, confidence="three")
    page = client_of("alice").get(url("label", project))
    assert page.context["desk"]["keys"]["d"] == "undecided"
    assert "sure" in page.context["desk"]["modules"]
    assert b"undecided-dialog" in page.content

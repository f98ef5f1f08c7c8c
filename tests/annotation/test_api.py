"""The API of annotation as a program calls it: the way from a file to gold, pages, and every way of being refused."""

import base64
import json
import re
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.throttling import UserRateThrottle

from annotation import adjudicating, assigning, inviting, publishing, tasks
from annotation import models as a
from annotation import schema as schemas
from tests.annotation.worlds import label, lease, upload
from tests.conftest import LABELS, Caller, make_annotation, make_gold, make_items, make_project

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/projects/"
HERE = f"{ROOT}sentiment/"
CSV = "id,text,source\nn1,Sales rose.,Reuters\nn2,Sales fell.,AP\nn3,净利润持平。,新华社\n"
TONE = {"questions": [{"name": "tone", "kind": "choice", "labels": ["negative", "neutral", "positive"]}]}


@pytest.fixture
def project(cast: dict[str, a.User]) -> a.Project:
    return make_project(cast)


def a_file(content: str | bytes = CSV, name: str = "news.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content if isinstance(content, bytes) else content.encode())


def next_of(caller: Caller, here: str = HERE, count: int = 1) -> dict[str, Any]:
    reply = caller.get(f"{here}label/?count={count}")
    assert reply.status_code == 200, reply.content
    return reply.json()


def body(desk: dict[str, Any], place: int = 0, **changes: Any) -> dict[str, Any]:
    """What a program sends for an item that it was given."""
    given = desk["items"][place]
    fields = {
        "client_id": str(uuid.uuid4()),
        "assignment": given["assignment"],
        "token": given["token"],
        "version": desk["version"],
        "answer": {"sentiment": "positive"},
    }
    return {**fields, **changes}


def refused(reply: Any, code: int, words: str = "") -> dict[str, Any]:
    """An error in the documented shape; returns it."""
    assert reply.status_code == code, (reply.status_code, reply.content[:300])
    assert reply["Content-Type"] == "application/json"
    told = reply.json()
    assert set(told) <= {"error", "fields", "report", "kept", "reload"}
    assert isinstance(told["error"], str)
    assert told["error"]
    assert words in told["error"], told
    return told


def media(settings: Any) -> set[Path]:
    return {path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()}


def differ(project: a.Project, item: a.Item) -> a.Case:
    """Alice and Bob differ on an item: a case."""
    label(project, item, alice="positive", bob="negative")
    return a.Case.objects.open().get(item=item)


# The whole way


def test_a_program_takes_a_project_from_a_file_to_gold(cast, caller_of):
    cast["dave"].is_superuser = True
    cast["dave"].save()
    dave = caller_of("dave")
    assert dave.get("/api/v1/me/").json()["username"] == "dave"
    made = dave.post(ROOT, {"slug": "news", "name": "News", "overlap": 2})
    assert (made.status_code, made.json()["guideline_version"]) == (201, None)
    here, project = f"{ROOT}news/", a.Project.objects.get(slug="news")
    assert (project.created_by, project.memberships.get().user) == (cast["dave"], cast["dave"])

    for name, role in (("alice", "annotator"), ("bob", "annotator"), ("carol", "adjudicator")):
        link = dave.post(f"{here}invitations/", {"role": role}).json()["link"]
        browser = Client()
        browser.force_login(cast[name])
        assert browser.post(re.sub(r"^http://[^/]+", "", link)).status_code == 302
    assert {row["username"]: row["role"] for row in dave.get(f"{here}members/").json()} == {
        "dave": "manager", "alice": "annotator", "bob": "annotator", "carol": "adjudicator",
    }  # fmt: skip

    assert dave.get(f"{here}guideline/").status_code == 404
    assert dave.put(f"{here}guideline/draft/", {"text": "# Tone", "schema": TONE}).status_code == 200
    assert dave.post(f"{here}guideline/", {"change_note": "The first."}).json()["number"] == 1
    assert caller_of("alice").get(f"{here}guideline/").json()["text"] == "# Tone"

    job = dave.send(
        f"{here}imports/", {"file": a_file(), "options": json.dumps({"mapping": {"id": "id", "text": "text"}})}
    )
    assert (job.status_code, job.json()["state"]) == (202, "queued")
    tasks.run_import(job.json()["id"])
    done = dave.get(f"{here}imports/{job.json()['id']}/").json()
    assert (done["state"], done["percent"], done["report"]["new"], done["report"]["refused"]) == ("done", 100, 3, 0)
    assert [row["external_id"] for row in dave.get(f"{here}items/").json()["results"]] == ["n3", "n2", "n1"]

    for name, values in (("alice", ["positive"] * 3), ("bob", ["positive", "positive", "negative"])):
        caller = caller_of(name)
        for value in values:
            desk = next_of(caller, here)
            assert caller.post(f"{here}label/", body(desk, answer={"tone": value})).json()["saved"] is True
        assert next_of(caller, here)["items"] == []
    assert a.Annotation.objects.submitted().filter(project=project).count() == 6
    how_far = dave.get(f"{here}progress/").json()
    assert (how_far["items"], how_far["done"], how_far["left"], how_far["gold"], how_far["cases_open"]) == (
        3,
        6,
        0,
        2,
        1,
    )

    asked = dave.get(f"{here}agreement/?question=tone")
    assert asked.status_code == 202
    tasks.run_agreement(asked.json()["id"])
    figures = dave.get(f"{here}agreement/?question=tone").json()
    assert (figures["refreshing"], figures["figures"]["n_units"], figures["figures"]["n_raters"]) == (False, 3, 2)
    assert figures["figures"]["percent"]["value"] == pytest.approx(2 / 3)

    carol = caller_of("carol")
    [case] = carol.get(f"{here}cases/").json()["results"]
    shown = carol.get(f"{here}cases/{case['id']}/").json()
    assert {answer["value"] for answer in shown["answers"]} == {"positive", "negative"}
    settled = carol.post(f"{here}cases/{case['id']}/", {"value": "neutral", "reason": "ambiguous", "note": "Both."})
    assert (settled.status_code, settled.json()["settled_by"]) == (201, "carol")
    gold = dave.get(f"{here}gold/").json()["results"]
    assert sorted(row["method"] for row in gold) == ["adjudicated", "unanimous", "unanimous"]
    assert a.Gold.objects.current().get(item=case["item"]).settled_by == cast["carol"]
    assert not a.Case.objects.open().exists()


# Labelling


def test_the_next_items_are_leased_and_asked_again_are_the_same(project, caller_of):
    make_items(project, 5)
    alice = caller_of("alice")
    desk = next_of(alice, count=3)
    assert desk["version"] == project.version.pk
    assert {slot["assignment"] for slot in desk["items"]} == set(
        a.Assignment.objects.filter(annotator__username="alice", state="leased").values_list("pk", flat=True)
    )
    assert [slot["assignment"] for slot in next_of(alice, count=3)["items"]] == [
        slot["assignment"] for slot in desk["items"]
    ]


@pytest.mark.parametrize("count", ["0", "-3", "99999999999", "ten", "", "٣"])
def test_a_wrong_count_gives_between_one_and_ten_items(count, project, caller_of):
    make_items(project, 12)
    assert 1 <= len(caller_of("alice").get(f"{HERE}label/", {"count": count}).json()["items"]) <= 10


def test_whoever_labels_sees_no_metadata_of_the_item(project, caller_of):
    make_items(project, 1, metadata={"label": "positive"})
    [slot] = next_of(caller_of("alice"))["items"]
    assert "metadata" not in slot["item"]
    assert slot["item"]["text"] == "Profit of company 0 rose by 0 %."


def test_the_same_answer_sent_twice_is_one_answer(project, caller_of):
    make_items(project, 1)
    alice = caller_of("alice")
    sent = body(next_of(alice), comment="Sure.", seconds=4.2)
    first, second = alice.post(f"{HERE}label/", sent), alice.post(f"{HERE}label/", sent)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    row = a.Annotation.objects.get()
    assert (row.answer, row.comment, row.seconds) == ({"sentiment": "positive"}, "Sure.", 4.2)
    assert row.revisions.count() == 1


def test_another_answer_from_a_second_program_is_a_conflict_and_the_first_stands(project, caller_of):
    make_items(project, 1)
    alice = caller_of("alice")
    desk = next_of(alice)
    alice.post(f"{HERE}label/", body(desk))
    told = refused(
        alice.post(f"{HERE}label/", body(desk, answer={"sentiment": "negative"})), 409, "The first answer stands"
    )
    assert (told["kept"]["answer"], told["kept"]["status"]) == ({"sentiment": "positive"}, "submitted")
    assert told["reload"] is False
    assert a.Annotation.objects.get().answer == {"sentiment": "positive"}


def test_an_id_that_another_person_has_used_is_a_conflict(project, caller_of):
    make_items(project, 1)
    alice, bob = caller_of("alice"), caller_of("bob")
    sent = body(next_of(alice))
    alice.post(f"{HERE}label/", sent)
    refused(bob.post(f"{HERE}label/", body(next_of(bob), client_id=sent["client_id"])), 409, "id is in use")
    assert a.Annotation.objects.count() == 1


def test_an_answer_under_an_older_guideline_is_a_conflict_and_kept_as_a_draft(project, cast, caller_of):
    make_items(project, 1)
    alice = caller_of("alice")
    sent = body(next_of(alice))
    publishing.save_draft(project=project, text="# New", schema=project.version.schema, user=cast["dave"])
    publishing.publish(project=project, user=cast["dave"], change_note="Clearer.")
    told = refused(alice.post(f"{HERE}label/", sent), 409, "new version (2)")
    assert told["reload"] is True
    assert (told["kept"]["answer"], told["kept"]["status"]) == ({"sentiment": "positive"}, "draft")
    assert a.Annotation.objects.get().status == "draft"


def test_an_answer_to_what_one_never_had_is_a_conflict_and_nothing_comes_in(project, caller_of):
    make_items(project, 1)
    alice, bob = caller_of("alice"), caller_of("bob")
    theirs = body(next_of(bob))
    refused(alice.post(f"{HERE}label/", theirs), 409)
    assert not a.Annotation.objects.exclude(status="draft").exists()
    told = refused(alice.post(f"{HERE}label/", {**theirs, "assignment": 10**15}), 409, "No answer is asked for here")
    assert (told["kept"], told["reload"]) == (None, False)


def test_a_skip_has_a_reason_and_a_flag_stays(project, caller_of):
    make_items(project, 2)
    alice = caller_of("alice")
    desk = next_of(alice, count=2)
    refused(alice.post(f"{HERE}label/", body(desk, status="skipped", answer={})), 400, "Choose a reason")
    fields = {"status": "skipped", "answer": {}, "skip_reason": "context", "comment": "Which company?"}
    assert alice.post(f"{HERE}label/", body(desk, **fields)).status_code == 200
    assert alice.post(f"{HERE}label/", body(desk, 1, flagged=True)).status_code == 200
    skip, flag = a.Annotation.objects.order_by("pk")
    assert (skip.status, skip.skip_reason, skip.answer, skip.comment) == ("skipped", "context", {}, "Which company?")
    assert (flag.status, flag.flagged) == ("submitted", True)
    mine = alice.get(f"{HERE}annotations/").json()["results"]
    assert [(row["status"], row["skip_reason"], row["flagged"]) for row in mine] == [
        ("submitted", "", True),
        ("skipped", "context", False),
    ]


def test_an_answer_is_corrected_without_the_token_and_the_history_stays(project, caller_of):
    make_items(project, 1)
    alice = caller_of("alice")
    desk = next_of(alice)
    alice.post(f"{HERE}label/", body(desk))
    assert alice.post(f"{HERE}label/", body(desk, token=None, answer={"sentiment": "neutral"})).status_code == 200
    row = a.Annotation.objects.get()
    assert row.answer == {"sentiment": "neutral"}
    assert [old.answer["sentiment"] for old in row.revisions.all()] == ["positive", "neutral"]


def test_one_reads_ones_last_answers_and_corrects_one_of_them(project, cast, caller_of):
    items = make_items(project, 3)
    label(project, items[0], alice="positive", bob="negative")
    label(project, items[1], alice=None)
    make_annotation(items[2], cast["alice"], status="draft")
    alice = caller_of("alice")
    skip, first = alice.get(f"{HERE}label/mine/").json()["results"]
    assert (skip["text"], skip["status"], skip["skip_reason"]) == (items[1].text, "skipped", "unclear")
    assert (first["answer"], first["text"]) == ({"sentiment": "positive"}, items[0].text)
    version = alice.get(f"{HERE}guideline/").json()["id"]
    sent = {"client_id": str(uuid.uuid4()), "version": version, "answer": {"sentiment": "negative"}}
    assert alice.post(f"{HERE}label/", {**sent, "assignment": first["assignment"]}).status_code == 200
    assert a.Annotation.objects.get(item=items[0], annotator=cast["alice"]).answer == {"sentiment": "negative"}
    # The answers agree now: what was a case is gold, and the corrected answer is the last one.
    assert a.Gold.objects.current().get(item=items[0]).value == "negative"
    assert [row["text"] for row in alice.get(f"{HERE}label/mine/").json()["results"]] == [items[0].text, items[1].text]
    [others] = caller_of("bob").get(f"{HERE}label/mine/").json()["results"]
    refused(alice.post(f"{HERE}label/", {**sent, "client_id": str(uuid.uuid4()), "assignment": others["assignment"] + 99}), 409)  # fmt: skip
    refused(caller_of("carol").get(f"{HERE}label/mine/"), 403)


def test_ones_answers_come_page_by_page_though_many_are_of_the_same_moment(project, cast, caller_of):
    for item in make_items(project, 7, slots=1):
        make_annotation(item, cast["alice"], updated_at=timezone.now().replace(microsecond=0, second=0))
    alice, at, met = caller_of("alice"), f"{HERE}label/mine/?page_size=3", []
    while at:
        page = alice.get(at).json()
        met, at = [*met, *(row["id"] for row in page["results"])], page["next"]
    assert met == sorted(a.Annotation.objects.values_list("pk", flat=True), reverse=True)
    for place in (
        "p=abc",
        "p=%00",
        "p=7",
        "p=2026-01-01",
        "p=9999-12-31T23:59:59-23:59",
        "p=0001-01-01T00:00:00%2B23:59",
    ):
        cursor = base64.b64encode(place.encode()).decode()
        refused(alice.get(f"{HERE}label/mine/", {"cursor": cursor}), 404)


def test_an_unfinished_answer_is_kept_and_comes_back_with_its_item(project, caller_of):
    make_items(project, 1)
    alice, bob = caller_of("alice"), caller_of("bob")
    [slot] = next_of(alice)["items"]
    assert slot["draft"] is None
    sent = {"assignment": slot["assignment"], "answer": {}, "comment": "Which quarter?", "flagged": True}
    assert alice.post(f"{HERE}label/draft/", sent).json() == {"saved": True}
    draft = next_of(alice)["items"][0]["draft"]
    assert (draft["status"], draft["comment"], draft["flagged"]) == ("draft", "Which quarter?", True)
    assert bob.post(f"{HERE}label/draft/", sent).json() == {"saved": False}
    for wrong in ([], {}, {"assignment": "x"}, {**sent, "answer": {"sentiment": "great"}}, {**sent, "answer": [1]}):
        refused(alice.post(f"{HERE}label/draft/", wrong), 400)
    refused(caller_of("carol").post(f"{HERE}label/draft/", sent), 403)
    assert a.Annotation.objects.get().status == "draft"
    assert alice.get(f"{HERE}label/mine/").json()["results"] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_id": "1"}, "client_id must be a UUID"),
        ({"assignment": "seven"}, "assignment must be a number"),
        ({"assignment": True}, "assignment must be a number"),
        ({"assignment": 2**80}, "assignment must be a number"),
        ({"version": None}, "version must be a number"),
        ({"token": "x"}, "token must be a UUID"),
        ({"status": "draft"}, "status must be"),
        ({"answer": []}, "no answer yet"),
        ({"answer": "positive"}, "answer must be an object"),
        ({"answer": {"sentiment": "great"}}, "great"),
        ({"answer": {"sentiment": {"a": 1}}}, ""),
        ({"answer": {"mood": "positive"}}, "There is no question “mood”"),
        ({"comment": "x" * 5001}, "at most 5000 characters"),
        ({"comment": ["x"]}, "A comment is a text"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_with_a_sentence_and_the_lease_stays(changes, words, project, caller_of):
    make_items(project, 1)
    alice = caller_of("alice")
    refused(alice.post(f"{HERE}label/", body(next_of(alice), **changes)), 400, words)
    assert not a.Annotation.objects.exists()
    assert a.Assignment.objects.filter(state="leased").count() == 1


def test_who_may_not_label_gets_no_item_and_gives_no_answer(project, caller_of):
    make_items(project, 1)
    for name in ("carol", "dave", "erin"):
        refused(caller_of(name).get(f"{HERE}label/"), 403)
        refused(caller_of(name).post(f"{HERE}label/", {}), 403)
    refused(caller_of("eve").get(f"{HERE}label/"), 404)
    assert not a.Assignment.objects.exclude(state="open").exists()


# Pages of lists


LISTS = ("items", "annotations", "gold", "cases")


@pytest.fixture
def many(project: a.Project, cast: dict[str, a.User]) -> a.Project:
    """Seven items with answers, gold and an open case each."""
    for item in make_items(project, 7, slots=0):
        make_annotation(item, cast["alice"])
        make_gold(item)
        a.Case.objects.create(project=project, item=item, question="sentiment", disagreement=1.0)
    return project


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_followed_page_by_page_newest_first_and_new_rows_shift_nothing(name, many, caller_of):
    dave = caller_of("dave")
    at, met, pages = f"{HERE}{name}/?page_size=3", [], 0
    while at:
        reply = dave.get(at).json()
        assert set(reply) == {"next", "previous", "results"}
        met += [row["id"] for row in reply["results"]]
        at, pages = reply["next"], pages + 1
        if pages == 1:
            make_gold(make_items(many, ["One more."], slots=0)[0])
    assert (len(met), pages) == (7, 3)
    assert met == sorted(set(met), reverse=True)


@pytest.mark.parametrize("name", LISTS)
def test_a_page_size_or_a_place_that_cannot_be_is_no_error_of_the_server(name, many, caller_of):
    dave = caller_of("dave")
    assert len(dave.get(f"{HERE}{name}/?page_size=1").json()["results"]) == 1
    for size in ("0", "-1", "x", "99999999999999999999", "1.5", "%00"):
        assert len(dave.get(f"{HERE}{name}/?page_size={size}").json()["results"]) == 7
    places = (
        "p=abc",
        "p=",
        "p=%00",
        "p=1%00",
        "p=None",
        "p=%F0%9F",
        "p=%D9%A1",
        "o=x",
        "o=-1",
        "p=9" + "9" * 40,
        "q=1",
    )
    for cursor in (
        *(base64.b64encode(place.encode()).decode() for place in places),
        *("zz", "%00", "\x00", "!!!!", "ü", "\ud800".encode("utf-8", "surrogatepass")),
    ):
        refused(dave.get(f"{HERE}{name}/", {"cursor": cursor}), 404, "Invalid cursor")
    assert len(dave.get(f"{HERE}{name}/?cursor=").json()["results"]) == 7
    far = base64.b64encode(b"p=1&r=1&o=99999").decode()
    assert dave.get(f"{HERE}{name}/", {"cursor": far}).json()["results"] == []


@pytest.mark.parametrize("name", LISTS)
def test_a_list_asks_the_database_the_same_at_7_and_at_40_rows(
    name, many, cast, caller_of, django_assert_max_num_queries
):
    dave = caller_of("dave")
    a.Membership.objects.filter(user=cast["dave"]).update(labels=True)
    for item in make_items(many, 33, slots=0):
        make_annotation(item, cast["bob"])
        make_gold(item)
        a.Case.objects.create(project=many, item=item, question="sentiment")
    with django_assert_max_num_queries(4):  # token, person, membership, rows
        assert len(dave.get(f"{HERE}{name}/").json()["results"]) == 40


def test_an_annotator_reads_their_own_answers_only_and_drafts_stay_with_nobody(project, cast, caller_of):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="negative")
    make_annotation(make_items(project, 1)[0], cast["alice"], status="draft")
    assert [row["annotator"] for row in caller_of("alice").get(f"{HERE}annotations/").json()["results"]] == ["alice"]
    assert caller_of("erin").get(f"{HERE}annotations/").json()["results"] == []
    assert len(caller_of("carol").get(f"{HERE}annotations/").json()["results"]) == 2


def test_a_guideline_is_read_as_it_was_in_an_earlier_version(project, cast, caller_of):
    publishing.save_draft(project=project, text="# Second", schema=project.version.schema, user=cast["dave"])
    publishing.publish(project=project, user=cast["dave"], change_note="Clearer.")
    erin = caller_of("erin")
    assert erin.get(f"{HERE}guideline/").json()["number"] == 2
    assert erin.get(f"{HERE}guideline/?version=1").json()["text"] == "# Rules"
    for number in ("3", "x", "-1", "99999999999999999999", "%00"):
        refused(erin.get(f"{HERE}guideline/?version={number}"), 404)


def test_the_draft_of_the_guideline_is_read_and_not_replaced_where_somebody_saved_since(project, cast, caller_of):
    dave, at = caller_of("dave"), f"{HERE}guideline/draft/"
    read = dave.get(at).json()
    assert (read["text"], read["schema"], read["edited_by"]) == ("# Rules", project.version.schema, None)
    saved = dave.put(at, {"text": "# Mine", "schema": TONE, "edited_at": read["edited_at"]}).json()
    assert (saved["text"], saved["edited_by"]) == ("# Mine", "dave")
    assert dave.get(at).json() == saved
    late = {"text": "# Late", "schema": TONE, "edited_at": read["edited_at"]}
    refused(dave.put(at, late), 400, "dave has saved this draft since you opened it")
    assert dave.get(at).json()["text"] == "# Mine"
    assert dave.put(at, {**late, "edited_at": saved["edited_at"]}).status_code == 200
    for name in ("alice", "carol", "erin"):
        refused(caller_of(name).get(at), 403)
    a.Guideline.objects.all().delete()
    refused(dave.get(at), 404)


# Errors


def test_no_token_a_wrong_one_and_one_that_has_run_out_are_told_as_401(project, cast, caller_of):
    for header in ("", "Token x", f"Token {'0' * 64}", "Bearer x", "Token", "Token a b"):
        reply = Client(headers={"Authorization": header}).get(HERE)
        refused(reply, 401)
        assert reply["WWW-Authenticate"].startswith("Token")
    dave = caller_of("dave")
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    refused(dave.get(HERE), 401)


def test_a_closed_account_is_refused_though_its_token_lives(project, cast, caller_of):
    alice = caller_of("alice")
    cast["alice"].is_active = False
    cast["alice"].save()
    refused(alice.get("/api/v1/me/"), 401)


def test_a_browser_that_is_signed_in_needs_no_token_but_the_forms_secret(project, cast):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast["dave"])
    assert browser.get(HERE).status_code == 200
    refused(browser.patch(HERE, {"name": "Taken over"}, content_type="application/json"), 403, "CSRF")
    project.refresh_from_db()
    assert project.name == "Sentiment"


def test_a_role_without_the_right_is_told_403_and_a_stranger_404(project, caller_of):
    told = refused(caller_of("alice").patch(HERE, {"name": "Mine"}), 403)
    assert "fields" not in told
    refused(caller_of("eve").get(HERE), 404)
    refused(caller_of("eve").get(f"{ROOT}nothing-of-that-name/"), 404)
    refused(caller_of("eve").post(ROOT, {"name": "New"}), 403)
    assert a.Project.objects.get().name == "Sentiment"


@pytest.mark.parametrize("path", ["/api/v1/nothing/", f"{HERE}nothing/", f"{HERE}imports/{10**19}/", f"{HERE}cases/7/"])
def test_what_is_not_there_is_told_as_json(path, project, caller_of):
    refused(caller_of("dave").get(path), 404)
    refused(caller_of("dave").delete("/api/v1/nothing/"), 404)


def test_a_wrong_verb_and_a_wrong_form_are_told(project, caller_of):
    dave = caller_of("dave")
    refused(dave.delete(HERE), 405, "DELETE")
    refused(dave.post(ROOT, b"<a/>", content_type="application/xml"), 415, "application/xml")
    refused(dave.post(f"{HERE}imports/", {"file": "x"}), 415)


def test_fields_that_are_wrong_are_named_each(project, caller_of):
    told = refused(caller_of("dave").patch(HERE, {"name": "", "overlap": 99, "settle": "sometimes"}), 400, "name: ")
    assert set(told["fields"]) == {"name", "overlap", "settle"}
    assert all(isinstance(words, list) and words for words in told["fields"].values())
    project.refresh_from_db()
    assert (project.overlap, project.settle) == (2, "unanimous")


def test_a_name_that_nobody_could_read_is_refused_here_as_on_the_page(project, caller_of, client_of):
    refused(caller_of("dave").patch(HERE, {"name": "Mood\u202e"}), 400, "here is U+202E")
    page = client_of("dave").post(
        "/p/sentiment/settings/", {"name": "Mood\u202e", "overlap": 2, "settle": "unanimous", "lease_minutes": 30}
    )
    assert "U+202E" in page.content.decode()
    assert a.Project.objects.get().name == "Sentiment"


def test_a_description_has_an_end(project, caller_of):
    dave = caller_of("dave")
    refused(dave.post(ROOT, {"name": "Long", "description": "x" * 5001}), 400, "at most 5000 characters")
    refused(dave.patch(HERE, {"description": "x" * 5001}), 400, "at most 5000 characters")
    assert dave.patch(HERE, {"description": "x" * 5000}).status_code == 200
    assert a.Project.objects.count() == 1


def test_the_address_of_a_project_stays_and_its_overlap_makes_slots(project, caller_of):
    make_items(project, 2)
    told = caller_of("dave").patch(HERE, {"slug": "other", "overlap": 3, "name": "Mood"}).json()
    assert (told["slug"], told["overlap"], told["name"]) == ("sentiment", 3, "Mood")
    assert a.Assignment.objects.count() == 6


def test_settings_are_changed_together_or_not_at_all(project, caller_of, monkeypatch):
    make_items(project, 2)
    before = a.Project.objects.values().get()

    def broken(**options: Any) -> None:
        raise ValueError("The slots could not be made.")

    monkeypatch.setattr(assigning, "set_overlap", broken)
    refused(caller_of("dave").patch(HERE, {"name": "Mood", "overlap": 3}), 400, "could not be made")
    assert a.Project.objects.values().get() == before


def test_sentences_come_in_the_language_that_is_asked_for(project, caller_of):
    make_items(project, 1)
    alice = caller_of("alice")
    sent = body(next_of(alice), status="skipped")
    english, chinese = (
        alice.post(f"{HERE}label/", sent, headers={"accept-language": language}).json()["error"]
        for language in ("en", "zh-hans")
    )
    assert english.startswith("Choose a reason")
    assert re.search(r"[\u4e00-\u9fff]", chinese)


def test_more_calls_than_are_allowed_are_told_when_to_go_on(project, caller_of, monkeypatch):
    cache.clear()
    monkeypatch.setattr(UserRateThrottle, "THROTTLE_RATES", {"user": "2/min"})
    alice, bob = caller_of("alice"), caller_of("bob")
    assert [alice.get("/api/v1/me/").status_code for _call in range(2)] == [200, 200]
    reply = alice.get("/api/v1/me/")
    refused(reply, 429)
    assert 0 < int(reply["Retry-After"]) <= 60
    assert bob.get("/api/v1/me/").status_code == 200


def test_agreement_on_an_unknown_question_is_told_with_the_names_there_are(project, cast, caller_of):
    carol = caller_of("carol")
    refused(
        carol.get(f"{HERE}agreement/?question=mood"), 400, "There is no question “mood”. The questions are: sentiment."
    )
    refused(carol.get(f"{HERE}agreement/"), 400, "sentiment")
    refused(carol.get(f"{HERE}agreement/?question=%00"), 400)
    a.Project.objects.update(version=None)
    refused(carol.get(f"{HERE}agreement/?question=mood"), 400)
    assert not a.AgreementReport.objects.exists()


def test_a_decision_that_cannot_be_is_refused_and_the_case_stays_open(project, caller_of):
    case = differ(project, make_items(project, 1)[0])
    carol, at = caller_of("carol"), f"{HERE}cases/{case.pk}/"
    refused(carol.post(at, {"value": "great", "reason": "other"}), 400, "great")
    assert "reason" in refused(carol.post(at, {"value": "neutral", "reason": "because"}), 400)["fields"]
    refused(carol.post(at, {"value": "neutral", "reason": "other", "note": "x" * 2001}), 400, "at most 2000")
    assert a.Case.objects.open().get() == case
    assert carol.post(at, {"value": "neutral", "reason": "other"}).status_code == 201
    refused(carol.post(at, {"value": "positive", "reason": "other"}), 404)
    assert a.Gold.objects.get().value == "neutral"


def test_a_settled_answer_is_read_with_names_and_settled_anew(project, cast, caller_of):
    item = make_items(project, 1)[0]
    case, carol = differ(project, item), caller_of("carol")
    first = carol.post(f"{HERE}cases/{case.pk}/", {"value": "neutral", "reason": "ambiguous"}).json()["id"]
    at = f"{HERE}gold/{first}/"
    told = carol.get(at).json()
    assert {(row["annotator"], row["value"]) for row in told["answers"]} == {("alice", "positive"), ("bob", "negative")}
    assert (told["value"], told["text"]) == ("neutral", item.text)
    refused(carol.post(at, {"value": "great", "reason": "other"}), 400, "great")
    refused(caller_of("alice").post(at, {"value": "positive", "reason": "other"}), 403)
    anew = carol.post(at, {"value": "positive", "reason": "oversight", "note": "Read again."})
    assert (anew.status_code, anew.json()["value"], anew.json()["settled_by"]) == (201, "positive", "carol")
    refused(carol.post(at, {"value": "negative", "reason": "other"}), 400, "replaced already")
    assert a.Gold.objects.get(pk=first).superseded_at is not None
    assert a.Gold.objects.current().get().value == "positive"


def test_settled_answers_have_no_names_while_another_question_is_open_and_are_closed_to_who_may_label(
    labelling, cast, caller_of
):
    [item] = make_items(labelling, 1)
    label(labelling, item, alice="positive", bob="negative")
    gold = make_gold(item)
    at = f"{HERE}gold/{gold.pk}/"
    refused(caller_of("dave").get(at), 403, "You may still be asked to label this item")
    refused(caller_of("dave").post(at, {"value": "positive", "reason": "other"}), 403)
    a.Membership.objects.filter(user=cast["carol"]).update(labels=False)
    assert "annotator" in caller_of("carol").get(at).json()["answers"][0]
    a.Case.objects.create(project=labelling, item=item, question="other")
    assert "annotator" not in caller_of("carol").get(at).json()["answers"][0]


def test_complete_items_are_settled_by_the_rule_that_is_asked_for(cast, caller_of):
    project = make_project(cast, settle="never", overlap=3)
    same, most, none = make_items(project, 3)
    people = [cast[name] for name in ("alice", "bob", "carol")]
    for item, values in ((same, ["positive"] * 3), (most, ["positive", "positive", "negative"]), (none, LABELS)):
        for user, value in zip(people, values, strict=True):
            make_annotation(item, user, value)
    dave, at = caller_of("dave"), f"{HERE}settle/"
    refused(dave.post(at, {"question": "mood"}), 400, "There is no question “mood”")
    assert "rule" in refused(dave.post(at, {"rule": "coin"}), 400)["fields"]
    refused(caller_of("carol").post(at, {}), 403)
    assert dave.post(at).json() == {"gold": 0, "cases": 3, "closed": 0}
    assert dave.post(at, {"rule": "unanimous"}).json() == {"gold": 1, "cases": 0, "closed": 1}
    assert dave.post(at, {"rule": "majority", "question": "sentiment"}).json() == {"gold": 1, "cases": 0, "closed": 1}
    assert dict(a.Gold.objects.current().values_list("item", "method")) == {same.pk: "unanimous", most.pk: "majority"}
    assert a.Case.objects.open().get().item == none


def test_a_guideline_that_cannot_be_is_refused_with_a_sentence(project, caller_of):
    dave = caller_of("dave")
    refused(dave.put(f"{HERE}guideline/draft/", {"text": "", "schema": {}}), 400, "at least one question")
    refused(dave.put(f"{HERE}guideline/draft/", {"text": ""}), 400, "schema: ")
    refused(dave.put(f"{HERE}guideline/draft/", {"text": "", "schema": [1]}), 400)
    refused(dave.put(f"{HERE}guideline/draft/", {"text": "x" * 200_001, "schema": TONE}), 400, "at most 200000")
    refused(dave.post(f"{HERE}guideline/", {"change_note": "Same."}), 400, "the same as version 1")
    dave.put(f"{HERE}guideline/draft/", {"text": "New", "schema": TONE})
    refused(dave.post(f"{HERE}guideline/", {"change_note": " "}), 400, "what changed")
    refused(dave.post(f"{HERE}guideline/", {"change_note": "a", "earlier": "burn"}), 400)
    assert a.GuidelineVersion.objects.count() == 1


# Imports that are refused, stopped and mended


def test_imports_come_page_by_page_and_none_is_cut_off(project, caller_of):
    a.Import.objects.bulk_create(a.Import(project=project, filename=f"{n}.csv", state="done") for n in range(120))
    dave = caller_of("dave")
    first = dave.get(f"{HERE}imports/").json()
    second = dave.get(first["next"]).json()
    assert (len(first["results"]), len(second["results"]), second["next"]) == (100, 20, None)
    assert [row["filename"] for row in first["results"] + second["results"]] == [f"{n}.csv" for n in range(119, -1, -1)]
    refused(caller_of("carol").get(f"{HERE}imports/"), 403)


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (CSV, {"colour": "red"}, "Unknown option: colour."),
        (CSV, {"project": 1, "user": 1, "what": "items", "file": "x", "filename": "y"}, "Unknown option: file, filename"),
        (CSV, {"mapping": {"text": "body"}}, "There is no column “body”"),
        (CSV, {"mapping": {"text": "text", "words": "id"}}, "“words” is no field"),
        (CSV, {"mapping": {"id": "id"}}, "No column is chosen for “text”"),
        (CSV, {"annotator_columns": ["ann"]}, "There is no column “ann”"),
        (CSV, {"annotator_columns": "ann"}, "must be a list of texts"),
        (CSV, {"labels": "gold"}, "no column is chosen for “label”"),
        (CSV, {"labels": "perhaps"}, "labels is one of"),
        (CSV, {"question": "mood", "labels": "ignore"}, "There is no question “mood”"),
        (CSV, {"question": "a\u0000"}, "characters that no text has"),
        (CSV, {"format": "exe"}, "not a format"),
        (CSV, {"encoding": "klingon"}, "not the name of an encoding"),
        (CSV, {"delimiter": "ab"}, "The separator of a table is one character"),
        (CSV, {"header": "yes"}, "must be true or false"),
        ("", {}, ""),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, {}, ""),
        (b"PK\x03\x04 no zip at all", {"format": "zip"}, ""),
        (b"PK\x03\x04 no workbook", {"format": "xlsx"}, ""),
        ("[" * 100_000, {"format": "json"}, ""),
    ],
    ids=range(20),
)  # fmt: skip
def test_an_import_that_is_refused_at_the_start_leaves_no_row_and_no_file(
    content, options, words, project, caller_of, settings
):
    before = media(settings)
    refused(
        caller_of("dave").send(f"{HERE}imports/", {"file": a_file(content), "options": json.dumps(options)}), 400, words
    )
    assert not a.Import.objects.exists()
    assert media(settings) == before


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("[" * 10_000, "nested too deeply"),
        ('{"mapping": {"text": ' + "[" * 200 + "]" * 200 + "}}", "nested too deeply"),
        ('{"mapping": {"text": "\\ud800"}}', "half of a character"),
        ('{"mapping": NaN}', "valid JSON"),
        ("[]", "must be a JSON object"),
        ("7", "must be a JSON object"),
        ("{", "valid JSON"),
    ],
    ids=range(7),
)
def test_options_that_are_no_object_are_refused_at_their_field(raw, words, project, caller_of, settings):
    before = media(settings)
    told = refused(caller_of("dave").send(f"{HERE}imports/", {"file": a_file(), "options": raw}), 400, words)
    assert set(told["fields"]) == {"options"}
    assert not a.Import.objects.exists()
    assert media(settings) == before


def test_answers_for_a_project_without_a_guideline_and_an_upload_without_a_file_are_refused(
    project, caller_of, settings
):
    a.Project.objects.update(version=None)
    before, dave = media(settings), caller_of("dave")
    sent = {"file": a_file("id,annotator,label\nn1,ann,good\n"), "what": "annotations"}
    refused(dave.send(f"{HERE}imports/", sent), 400, "Publish a guideline first")
    assert "file" in refused(dave.send(f"{HERE}imports/", {"what": "items"}), 400)["fields"]
    assert "what" in refused(dave.send(f"{HERE}imports/", {"file": a_file(), "what": "people"}), 400)["fields"]
    assert not a.Import.objects.exists()
    assert media(settings) == before


def test_a_file_larger_than_the_limit_is_refused_and_not_kept(project, caller_of, settings):
    settings.UPLOAD_LIMIT = 1000
    before = media(settings)
    refused(caller_of("dave").send(f"{HERE}imports/", {"file": a_file(CSV + "x" * 1000)}), 400, "at most")
    assert not a.Import.objects.exists()
    assert media(settings) == before


def test_a_queued_import_is_stopped_once_and_then_has_ended(project, caller_of):
    dave = caller_of("dave")
    pk = dave.send(f"{HERE}imports/", {"file": a_file()}).json()["id"]
    assert dave.delete(f"{HERE}imports/{pk}/").status_code == 204
    assert dave.get(f"{HERE}imports/{pk}/").json()["state"] == "cancelled"
    refused(dave.delete(f"{HERE}imports/{pk}/"), 409, "It had ended already.")
    assert not tasks.run_import(pk)
    assert not a.Item.objects.exists()


def test_an_import_that_was_not_started_is_thrown_away_with_its_file(project, caller_of, settings):
    before = media(settings)
    row = upload(project, CSV, "news.csv")
    assert media(settings) != before
    assert caller_of("dave").delete(f"{HERE}imports/{row.pk}/").status_code == 204
    assert not a.Import.objects.exists()
    assert media(settings) == before


def test_refused_rows_come_back_as_a_file_and_can_be_sent_again(project, caller_of):
    dave = caller_of("dave")
    pk = dave.send(f"{HERE}imports/", {"file": a_file("id,text\nn1,Sales rose.\nn2,\n")}).json()["id"]
    refused(dave.get(f"{HERE}imports/{pk}/refused/"), 404)
    tasks.run_import(pk)
    report = dave.get(f"{HERE}imports/{pk}/").json()["report"]
    assert (report["new"], report["refused"]) == (1, 1)
    reply = dave.get(f"{HERE}imports/{pk}/refused/")
    rows = b"".join(reply.streaming_content).decode()
    assert "n2" in rows
    assert "attachment" in reply["Content-Disposition"]
    again = dave.send(f"{HERE}imports/", {"file": a_file(rows.replace("n2,", "n2,Sales fell."), "mended.csv")}).json()[
        "id"
    ]
    tasks.run_import(again)
    assert sorted(a.Document.objects.values_list("external_id", "text")) == [
        ("n1", "Sales rose."),
        ("n2", "Sales fell."),
    ]


# People


def test_roles_change_and_people_go_by_api_but_the_last_manager_stays(project, cast, caller_of):
    dave = caller_of("dave")
    pk = {row["username"]: row["id"] for row in dave.get(f"{HERE}members/").json()}
    assert dave.patch(f"{HERE}members/{pk['erin']}/", {"labels": True}).json()["labels"] is True
    assert dave.patch(f"{HERE}members/{pk['bob']}/", {"role": "adjudicator"}).json()["role"] == "adjudicator"
    assert "role" in refused(dave.patch(f"{HERE}members/{pk['bob']}/", {"role": "king"}), 400)["fields"]
    refused(dave.delete(f"{HERE}members/{pk['dave']}/"), 400, "make someone else manager first")
    refused(dave.patch(f"{HERE}members/{pk['dave']}/", {"role": "annotator"}), 400, "make someone else manager first")
    alice = caller_of("alice")
    assert dave.delete(f"{HERE}members/{pk['alice']}/").status_code == 204
    refused(alice.get(HERE), 404)
    assert a.Membership.objects.get(user=cast["dave"]).role == "manager"


@pytest.mark.parametrize("way", ["removed", "demoted"])
def test_links_made_by_a_manager_who_is_none_any_more_are_closed(way, project, cast, caller_of):
    inviting.change_role(membership=a.Membership.objects.get(user=cast["carol"]), role="manager", labels=False)
    carol, dave = caller_of("carol"), caller_of("dave")
    theirs = carol.post(f"{HERE}invitations/", {"role": "manager"}).json()["link"]
    others = dave.post(f"{HERE}invitations/", {"role": "annotator"}).json()["link"]
    pk = a.Membership.objects.get(user=cast["carol"]).pk
    if way == "removed":
        assert dave.delete(f"{HERE}members/{pk}/").status_code == 204
    else:
        assert dave.patch(f"{HERE}members/{pk}/", {"role": "annotator"}).status_code == 200
    eve = Client()
    eve.force_login(cast["eve"])
    assert eve.post(re.sub(r"^http://[^/]+", "", theirs)).status_code == 404
    assert not a.Membership.objects.filter(user=cast["eve"]).exists()
    assert eve.post(re.sub(r"^http://[^/]+", "", others)).status_code == 302
    refused(carol.post(f"{HERE}invitations/", {"role": "manager"}), 404 if way == "removed" else 403)


def test_open_invitations_are_listed_without_their_links_and_withdrawn(project, cast, caller_of):
    dave, at = caller_of("dave"), f"{HERE}invitations/"
    made = dave.post(at, {"role": "annotator", "email": "zoe@example.org"}).json()
    used = dave.post(at, {"role": "researcher"}).json()
    [second, first] = dave.get(at).json()
    assert (first["id"], first["role"], first["email"], first["invited_by"]) == (
        made["id"], "annotator", "zoe@example.org", "dave",
    )  # fmt: skip
    assert second["id"] == used["id"]
    assert not {"link", "token", "digest"} & set(first)
    a.Invitation.objects.filter(pk=used["id"]).update(accepted_at=timezone.now(), accepted_by=cast["erin"])
    assert dave.delete(f"{at}{made['id']}/").status_code == 204
    assert dave.get(at).json() == []
    for pk in (made["id"], used["id"]):
        refused(dave.delete(f"{at}{pk}/"), 404)
    eve = Client()
    eve.force_login(cast["eve"])
    assert eve.post(re.sub(r"^http://[^/]+", "", made["link"])).status_code == 404
    refused(caller_of("carol").get(at), 403)


def test_what_a_member_holds_is_told_and_taken_back(project, cast, caller_of):
    make_items(project, 3)
    dave, alice = caller_of("dave"), caller_of("alice")
    next_of(alice, count=2)
    next_of(caller_of("bob"))
    rows = {row["username"]: row for row in dave.get(f"{HERE}members/").json()}
    assert {name: row["held"] for name, row in rows.items() if row["held"]} == {"alice": 2, "bob": 1}
    at = f"{HERE}members/{rows['alice']['id']}/release/"
    refused(caller_of("carol").post(at), 403)
    assert [dave.post(at).json() for _call in range(2)] == [{"released": 2}, {"released": 0}]
    assert not a.Assignment.objects.filter(annotator=cast["alice"]).exists()
    assert a.Assignment.objects.filter(annotator=cast["bob"], state="leased").count() == 1
    told = dave.patch(f"{HERE}members/{rows['bob']['id']}/", {"role": "researcher"}).json()
    assert (told["role"], told["held"]) == ("researcher", 0)


def test_how_far_each_person_is_is_told_to_who_adjudicates(project, cast, caller_of):
    items = make_items(project, 3)
    make_annotation(items[0], cast["alice"], seconds=4.0)
    make_annotation(items[1], cast["alice"], seconds=6.0, flagged=True)
    label(project, items[2], bob=None)
    [alice, bob] = caller_of("carol").get(f"{HERE}progress/people/").json()
    assert (alice["annotator"], alice["submitted"], alice["skipped"], alice["flagged"]) == ("alice", 2, 0, 1)
    assert (alice["seconds_each"], alice["imported"]) == (5.0, False)
    assert (bob["annotator"], bob["submitted"], bob["skipped"], bob["seconds_each"]) == ("bob", 0, 1, None)
    for name in ("alice", "erin"):
        refused(caller_of(name).get(f"{HERE}progress/people/"), 403)


# Names are hidden until the decision


def test_names_are_told_by_api_only_once_the_item_is_settled(project, cast, caller_of):
    case = differ(project, make_items(project, 1)[0])
    carol = caller_of("carol")
    assert [row["annotator"] for row in carol.get(f"{HERE}annotations/").json()["results"]] == [None, None]
    shown = carol.get(f"{HERE}cases/{case.pk}/").content.decode()
    assert not {"alice", "bob"} & set(re.findall(r"\w+", shown))
    assert "annotator" not in shown
    carol.post(f"{HERE}cases/{case.pk}/", {"value": "positive", "reason": "oversight"})
    assert [row["annotator"] for row in carol.get(f"{HERE}annotations/").json()["results"]] == ["bob", "alice"]


def test_names_stay_hidden_while_an_answer_is_missing_or_one_question_is_open(project, cast, caller_of):
    first, second = make_items(project, 2)
    make_annotation(first, cast["alice"])
    label(project, second, alice="positive", bob="positive")
    a.Case.objects.create(project=project, item=second, question="other")
    names = [row["annotator"] for row in caller_of("dave").get(f"{HERE}annotations/").json()["results"]]
    assert names == [None, None, None]


# Blind until one has answered


@pytest.fixture
def labelling(project: a.Project) -> a.Project:
    """Dave and Carol also label; three answers are wanted."""
    a.Membership.objects.filter(user__username__in=["dave", "carol"]).update(labels=True)
    assigning.set_overlap(project=project, overlap=3)
    return project


def seen(caller: Caller) -> dict[str, list[Any]]:
    """The items whose answers, gold and cases the API shows to this person."""
    return {
        name: sorted({row["item"] for row in caller.get(f"{HERE}{name}/").json()["results"]})
        for name in ("annotations", "gold", "cases")
    }


def test_who_labels_reads_nothing_of_the_others_before_they_have_answered(labelling, caller_of):
    [item] = make_items(labelling, 1, metadata={"label": "positive"})
    label(labelling, item, alice="positive", bob="negative")
    make_gold(item)
    a.Case.objects.create(project=labelling, item=item, question="sentiment", disagreement=1.0)
    dave = caller_of("dave")
    assert seen(dave) == {"annotations": [], "gold": [], "cases": []}
    assert dave.get(f"{HERE}items/").json()["results"][0]["metadata"] is None
    label(labelling, item, dave="neutral")
    assert seen(dave) == {"annotations": [item.pk], "gold": [item.pk], "cases": [item.pk]}
    assert len(dave.get(f"{HERE}annotations/").json()["results"]) == 3
    assert dave.get(f"{HERE}items/").json()["results"][0]["metadata"] == {"label": "positive"}


def test_a_lease_in_another_hand_may_run_out_so_it_hides_as_well(labelling, cast, caller_of):
    [item] = make_items(labelling, 1)
    label(labelling, item, alice="positive", bob="negative")
    slot = lease(item, cast["carol"])
    assert seen(caller_of("dave"))["annotations"] == []
    slot.state = "done"
    slot.save()
    assert seen(caller_of("dave"))["annotations"] == [item.pk]


def test_a_skip_opens_nothing_while_others_are_still_asked(labelling, caller_of):
    [item] = make_items(labelling, 1)
    label(labelling, item, alice="positive", dave=None)
    dave = caller_of("dave")
    assert [row["status"] for row in dave.get(f"{HERE}annotations/").json()["results"]] == ["skipped"]
    label(labelling, item, bob="positive")
    assert len(dave.get(f"{HERE}annotations/").json()["results"]) == 3


def test_who_does_not_label_reads_everything_as_before(labelling, caller_of):
    [item] = make_items(labelling, 1)
    label(labelling, item, alice="positive")
    a.Membership.objects.filter(user__username="carol").update(labels=False)
    assert seen(caller_of("carol"))["annotations"] == [item.pk]
    assert seen(caller_of("dave"))["annotations"] == []


def test_labelling_in_another_project_hides_nothing_here(project, cast, caller_of):
    other = make_project(cast, slug="other")
    a.Membership.objects.filter(project=other, user=cast["dave"]).update(labels=True)
    [item] = make_items(project, 1)
    label(project, item, alice="positive")
    assert seen(caller_of("dave"))["annotations"] == [item.pk]


def test_items_that_are_asked_again_are_blind_again(labelling, cast, caller_of):
    [item] = make_items(labelling, 1)
    label(labelling, item, alice="positive", bob="positive", dave="positive")
    dave = caller_of("dave")
    assert seen(dave)["annotations"] == seen(dave)["gold"] == [item.pk]
    publishing.save_draft(project=labelling, text="# New", schema=labelling.version.schema, user=cast["dave"])
    publishing.publish(project=labelling, user=cast["dave"], change_note="All anew.", earlier="ask")
    mine = dave.get(f"{HERE}annotations/").json()["results"]
    assert len(mine) == 1
    assert mine[0]["superseded_at"] is not None


def test_a_case_waits_for_somebody_else_while_one_may_be_asked_to_label_its_item(labelling, cast, caller_of):
    [item] = make_items(labelling, 1, slots=2)
    case = differ(labelling, item)
    dave, carol, at = caller_of("dave"), caller_of("carol"), f"{HERE}cases/{case.pk}/"
    # All answers are in: whoever adjudicates decides, whether they label or not.
    assert dave.get(at).status_code == carol.get(at).status_code == 200
    assigning.set_overlap(project=labelling, overlap=3)
    a.Membership.objects.filter(user=cast["carol"]).update(labels=False)
    refused(dave.get(at), 403, "You may still be asked to label this item")
    refused(dave.post(at, {"value": "positive", "reason": "oversight"}), 403, "Somebody else can decide")
    assert not a.Gold.objects.exists()
    assert dave.get(f"{HERE}cases/").json()["results"] == []
    assert carol.get(at).status_code == 200
    label(labelling, item, dave="negative")
    assert dave.post(at, {"value": "negative", "reason": "oversight"}).status_code == 201
    assert a.Gold.objects.get().settled_by == cast["dave"]


def test_a_sole_manager_who_labels_brings_every_item_to_gold(cast, caller_of):
    project = make_project(cast, settle="never")
    a.Membership.objects.exclude(user=cast["dave"]).delete()
    a.Membership.objects.update(labels=True)
    assigning.set_overlap(project=project, overlap=1)
    make_items(project, 3)
    dave = caller_of("dave")
    for _item in range(3):
        dave.post(f"{HERE}label/", body(next_of(dave)))
    cases = dave.get(f"{HERE}cases/").json()["results"]
    for case in cases:
        assert dave.post(f"{HERE}cases/{case['id']}/", {"value": "neutral", "reason": "other"}).status_code == 201
    assert a.Gold.objects.current().count() == 3


def test_contested_items_that_one_may_still_label_are_left_out_of_the_agreement(labelling, cast, caller_of):
    first, second = make_items(labelling, 2)
    for item in (first, second):
        label(labelling, item, alice="positive", bob="negative")
    label(labelling, second, dave="neutral")
    dave = caller_of("dave")
    tasks.run_agreement(dave.get(f"{HERE}agreement/?question=sentiment").json()["id"])
    a.Membership.objects.filter(user=cast["carol"]).update(labels=False)
    units = {
        name: {row["unit"] for row in caller_of(name).get(f"{HERE}agreement/?question=sentiment").json()["figures"]["contested"]}
        for name in ("dave", "carol")
    }  # fmt: skip
    assert units == {"dave": {str(second.pk)}, "carol": {str(first.pk), str(second.pk)}}


# Hostile JSON


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"[" * 10_000 + b"]" * 10_000, "nested too deeply"),
        (b'{"name":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001, "nested too deeply"),
        (b'{"name":' + b"[" * 100 + b"]" * 100 + b"}", "nested too deeply"),
        (b'{"name":"a\\ud800b"}', "half of a character"),
        (b'{"\\udfff":"a"}', "half of a character"),
        (b'{"name":"a","overlap":NaN}', "NaN"),
        (b'{"name":"a","overlap":-Infinity}', "Infinity"),
        (b'{"name":"a","overlap":1e999}', "overlap: "),
        (b'{"name":"a","overlap":' + b"9" * 5000 + b"}", ""),
        (b'{"name":"a\\u0000b"}', "Null characters"),
        (b'{"name":"a","description":"\\u0000"}', "Null characters"),
        (b'{"name":"\xff\xfe"}', "JSON"),
        ('{"name":"a"}'.encode("utf-16"), "JSON"),
        (b'{"name":', "JSON"),
        (b"[1,2]", "Invalid data"),
        (b'"name"', "Invalid data"),
        (b"", "name: "),
    ],
    ids=range(17),
)
def test_hostile_json_is_refused_with_a_sentence_and_makes_nothing(raw, words, project, caller_of):
    refused(caller_of("dave").post(ROOT, raw), 400, words)
    assert a.Project.objects.count() == 1


def test_of_a_name_that_occurs_twice_the_last_counts_and_no_field_gets_past_its_check(project, caller_of):
    made = caller_of("dave").post(ROOT, b'{"name":"first","name":"second","overlap":2,"overlap":99}')
    assert "overlap" in refused(made, 400)["fields"]
    assert caller_of("dave").post(ROOT, b'{"name":"first","name":"second"}').json()["name"] == "second"
    assert set(a.Project.objects.values_list("name", flat=True)) == {"Sentiment", "second"}


def test_answers_with_nul_and_halves_of_characters_never_reach_the_database_as_such(project, caller_of):
    make_items(project, 1)
    alice = caller_of("alice")
    sent = json.dumps(body(next_of(alice), comment="a\x00b"))
    assert alice.post(f"{HERE}label/", sent).status_code == 200
    assert "\x00" not in a.Annotation.objects.get().comment
    refused(alice.post(f"{HERE}label/", sent.replace("\\u0000", "\\ud83d")), 400, "half of a character")
    refused(alice.post(f"{HERE}label/", sent.replace('"positive"', '"\\u0000"')), 400)


def test_a_schema_with_nul_in_its_labels_is_cleaned_or_refused(project, caller_of):
    schema = {"questions": [{"name": "tone", "labels": ["a\x00", "b"], "help": "\x00"}]}
    reply = caller_of("dave").put(f"{HERE}guideline/draft/", {"text": "Rules", "schema": schema})
    assert reply.status_code in (200, 400)
    assert "\\u0000" not in json.dumps(a.Guideline.objects.get().schema)


MEGABYTES = b"a" * 90_000_000


@pytest.mark.parametrize(
    ("address", "raw", "content_type"),
    [
        (ROOT, b'{"name":"' + MEGABYTES + b'"}', "application/json"),
        (ROOT, b"name=" + MEGABYTES, "application/x-www-form-urlencoded"),
        (
            f"{HERE}imports/",
            b'--B\r\nContent-Disposition: form-data; name="options"\r\n\r\n' + MEGABYTES + b"\r\n--B--\r\n",
            "multipart/form-data; boundary=B",
        ),
    ],
    ids=["json", "form", "multipart"],
)
def test_a_body_of_ninety_megabytes_is_told_as_json_to_be_too_large(address, raw, content_type, project, caller_of):
    refused(caller_of("dave").post(address, raw, content_type=content_type), 413, "more than 5 MB")
    assert a.Project.objects.count() == 1


def test_a_form_of_twenty_thousand_fields_is_refused_as_json(project, caller_of):
    raw = b"&".join(b"a%d=1" % number for number in range(20_000))
    told = caller_of("dave").post(ROOT, raw, content_type="application/x-www-form-urlencoded")
    refused(told, 400, "too many fields")


def test_a_form_without_its_boundary_is_refused_as_json(project, caller_of):
    refused(caller_of("dave").post(f"{HERE}imports/", b"xx", content_type="multipart/form-data"), 400)


# The list of items on its page


@pytest.mark.parametrize("words", ["\x00", "a\x00b", "x" * 100_000, "9" * 400, "%", "_", "'; --", "\ud800".encode("utf-8", "surrogatepass")], ids=range(8))  # fmt: skip
def test_words_to_search_for_may_be_anything(words, project, client_of):
    make_items(project, ["100 % up"])
    assert client_of("dave").get("/p/sentiment/items/", {"q": words}).status_code == 200


@pytest.mark.parametrize("words", ["\x00", "a\x00b", "x" * 100_000, "%", "'; --", "e" + "\u0301\u0316" * 5000, "\ud800".encode("utf-8", "surrogatepass")], ids=range(7))  # fmt: skip
def test_words_to_find_a_company_by_may_be_anything(words, project, caller_of, client_of):
    for answer in (
        caller_of("alice").get(f"{HERE}companies/", {"q": words}),
        client_of("alice").get("/p/sentiment/label/companies/", {"q": words}),
        client_of("alice").get("/p/sentiment/companies/", {"q": words}),
    ):
        assert answer.status_code == 200


def test_the_schema_that_a_published_guideline_returns_is_the_one_in_force(project, caller_of):
    told = caller_of("alice").get(f"{HERE}guideline/").json()
    assert told["schema"] == schemas.from_labels("sentiment", LABELS) == project.version.schema


def test_a_case_is_decided_once_when_two_decide_at_once(project, cast, caller_of, monkeypatch):
    case = differ(project, make_items(project, 1)[0])
    carol = caller_of("carol")
    stale = a.Case.objects.select_related("item__document", "project__version").get(pk=case.pk)
    adjudicating.decide(case=case, value="negative", user=cast["dave"], reason="other")
    monkeypatch.setattr("annotation.api.cases.OneCase._row", lambda self, pk: stale)
    refused(carol.post(f"{HERE}cases/{case.pk}/", {"value": "positive", "reason": "other"}), 400, "settled already")
    assert a.Gold.objects.get().value == "negative"

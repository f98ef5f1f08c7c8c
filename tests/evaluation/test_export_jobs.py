"""Exports by the worker: who may, why, what is kept and for how long, a download that goes on, a worker that dies."""

import contextlib
import hashlib
import io
import json
import os
import signal
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation import jobs
from annotation import models as a
from annotation import schema as schemas
from evaluation import exporting, tasks
from evaluation import models as e
from evaluation.raw import pseudonyms
from tests.conftest import LABELS, make_annotation, make_gold, make_items, set_schema
from tests.evaluation.worlds import freeze, make_texts


@pytest.fixture
def version(project: a.Project, cast: dict[str, a.User], settings: Any, tmp_path: Any) -> Any:
    """30 examples with answers of two annotators, one with a comment."""
    settings.MEDIA_ROOT = tmp_path / "media"
    for place, item in enumerate(make_texts(project, 30)):
        make_annotation(item, cast["alice"], LABELS[place % 3], comment="Bob said so" if place == 0 else "")
        make_annotation(item, cast["bob"], LABELS[0])
    return freeze(project)


def made(version: Any, user: a.User, **asked: Any) -> e.Export:
    row = exporting.ask(version=version, user=user, **asked)
    assert tasks.run_export(row.pk)
    row.refresh_from_db()
    return row


def members(row: e.Export) -> dict[str, bytes]:
    with zipfile.ZipFile(row.file.open("rb")) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def signed_in(user: a.User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def at(name: str, row: e.Export) -> str:
    return reverse(f"evaluation:{name}", args=[row.version.project.slug, row.pk])


# -- Who and why --------------------------------------------------------------------------------------------------


def test_test_gold_and_answers_need_the_right_and_a_reason(version, cast):
    for name, asked in (
        ("erin", {"with_test_gold": True}), ("carol", {"annotations": True}), ("erin", {"annotations": True}),
        ("alice", {}), ("eve", {}),
    ):  # fmt: skip
        with pytest.raises(PermissionDenied):
            exporting.ask(version=version, user=cast[name], why="x", **asked)
    for asked in ({"with_test_gold": True}, {"annotations": True}):
        with pytest.raises(ValueError, match="a reason is needed"):
            exporting.ask(version=version, user=cast["dave"], why=" ", **asked)
    assert not e.Export.objects.exists()
    row = made(version, cast["carol"], with_test_gold=True, why="For the paper")
    assert (row.state, row.by, row.why) == ("done", cast["carol"], "For the paper")
    assert a.Act.objects.filter(kind="exported", by=cast["carol"]).count() == 1


def test_what_another_took_is_seen_by_managers_alone(version, cast):
    row = made(version, cast["carol"], with_test_gold=True, why="x")
    seen = {name for name, user in cast.items() if e.Export.objects.visible_to(user).exists()}
    assert seen == {"carol", "dave"}
    assert signed_in(cast["erin"]).get(at("export_file", row)).status_code == 404
    assert signed_in(cast["eve"]).get(at("export_file", row)).status_code == 404
    assert signed_in(cast["carol"]).get(at("export_file", row)).status_code == 200


def test_the_right_is_asked_for_again_at_the_download(version, cast):
    row = made(version, cast["carol"], with_test_gold=True, why="x")
    a.Membership.objects.filter(user=cast["carol"]).update(role="researcher")
    assert signed_in(cast["carol"]).get(at("export_file", row)).status_code == 403
    a.Membership.objects.filter(user=cast["carol"]).delete()
    assert signed_in(cast["carol"]).get(at("export_file", row)).status_code == 404


# -- The file -----------------------------------------------------------------------------------------------------


def test_the_worker_writes_what_is_written_at_once(version, cast):
    row = made(version, cast["erin"], format="csv", splits=["test"])
    with exporting.archive(version, format="csv", with_test_gold=False, splits=["test"]) as file:
        at_once = file.read()
    assert row.file.open("rb").read() == at_once
    assert (row.size, row.checksum) == (len(at_once), hashlib.sha256(at_once).hexdigest())
    assert set(members(row)) >= {"data/test.csv", "README.md", "SHA256SUMS"}
    assert "data/train.csv" not in members(row)
    again = exporting.again(row, user=cast["erin"])
    assert tasks.run_export(again.pk)
    again.refresh_from_db()
    assert again.checksum == row.checksum


def test_an_old_file_goes_and_its_record_stays(version, cast):
    row = made(version, cast["erin"])
    name = row.file.name
    assert exporting.remove_old() == 0
    e.Export.objects.update(kept_until=timezone.now() - timedelta(seconds=1))
    assert tasks.remove_exports() == 1
    row.refresh_from_db()
    assert (row.file.name, len(row.checksum), row.state) == ("", 64, "done")
    assert not row.file.storage.exists(name)
    answer = signed_in(cast["erin"]).get(at("export_file", row), follow=True)
    assert "not kept any more" in answer.content.decode()


def test_a_cancelled_export_leaves_nothing(version, cast, settings, monkeypatch):
    row = exporting.ask(version=version, user=cast["erin"])
    write = exporting.archives.into_zip

    def cancelled(*given: Any) -> None:
        write(*given)
        raise jobs.JobCancelled

    monkeypatch.setattr(exporting.archives, "into_zip", cancelled)
    assert tasks.run_export(row.pk)
    row.refresh_from_db()
    assert (row.state, row.file.name, row.size) == ("cancelled", "", None)
    assert not [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]


def test_an_attempt_that_lost_its_row_leaves_no_file(version, cast, settings, monkeypatch):
    row = exporting.ask(version=version, user=cast["erin"])
    monkeypatch.setattr(jobs.Grip, "hold", lambda self, **changes: (_ for _ in ()).throw(jobs.JobLost()))
    tasks.run_export(row.pk)
    assert not [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]
    row.refresh_from_db()
    assert row.file.name == ""


def test_a_sentence_tells_what_cannot_be_written(version, cast):
    with pytest.raises(ValueError, match=r"CoNLL cannot carry answers of the kind choice\. These can: jsonl"):
        exporting.ask(version=version, user=cast["erin"], format="conll")
    row = exporting.ask(version=version, user=cast["erin"])
    e.Export.objects.filter(pk=row.pk).update(format="conll")
    tasks.run_export(row.pk)
    row.refresh_from_db()
    assert (row.state, row.reason) == ("failed", "bad_input")
    assert "cannot carry" in row.message


# -- Downloads ----------------------------------------------------------------------------------------------------


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_a_download_goes_on_where_it_broke_off(version, cast):
    row = made(version, cast["erin"])
    whole = row.file.open("rb").read()
    client, url = signed_in(cast["erin"]), at("export_file", row)
    first = client.get(url)
    assert (first.status_code, body(first), first["ETag"]) == (200, whole, f'"{row.checksum}"')
    assert (first["Accept-Ranges"], int(first["Content-Length"])) == ("bytes", len(whole))
    assert first["Content-Disposition"] == f'attachment; filename="{row.filename}"'
    for given, (start, end) in {
        "bytes=10-": (10, len(whole)), "bytes=0-9": (0, 10), "bytes=-7": (len(whole) - 7, len(whole)),
        "bytes=5-9999999999": (5, len(whole)),
    }.items():  # fmt: skip
        part = client.get(url, headers={"Range": given, "If-Range": first["ETag"]})
        assert (part.status_code, body(part)) == (206, whole[start:end]), given
        assert part["Content-Range"] == f"bytes {start}-{end - 1}/{len(whole)}"
    # Another file by now, several parts, nonsense: the whole.
    for headers in ({"Range": "bytes=10-", "If-Range": '"other"'}, {"Range": "bytes=0-1,5-6"}, {"Range": "x"}, {"Range": "bytes=9-3"}):  # fmt: skip
        assert body(client.get(url, headers=headers)) == whole
    beyond = client.get(url, headers={"Range": f"bytes={len(whole)}-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{len(whole)}")
    assert client.get(url, headers={"If-None-Match": first["ETag"]}).status_code == 304
    head = client.head(url)
    assert (head.status_code, head["Content-Length"], b"".join(head)) == (200, str(len(whole)), b"")
    # That it was fetched is noted, and not every part.
    assert a.Act.objects.get(kind="export_fetched").details["export"] == row.pk


def test_the_api_asks_waits_and_fetches(version, cast):
    client = signed_in(cast["dave"])
    there = f"/api/v1/projects/{version.project.slug}/"
    asked = client.post(
        f"{there}versions/{version.pk}/exports/", {"format": "parquet"}, content_type="application/json"
    )
    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    assert tasks.run_export(asked.json()["id"])
    one = f"{there}exports/{asked.json()['id']}/"
    told = client.get(one).json()
    assert (told["state"], told["by"], told["losses"]) == ("done", "dave", {})
    part = client.get(f"{one}file/", headers={"Range": "bytes=0-3"})
    assert (part.status_code, body(part)) == (206, b"PK\x03\x04")
    head = client.head(f"{one}file/")
    assert (head.status_code, head["ETag"]) == (200, f'"{told["checksum"]}"')
    assert client.get(f"{there}exports/").json()["results"][0]["checksum"] == told["checksum"]
    assert client.delete(one).status_code == 204
    assert client.get(f"{one}file/").status_code == 410
    assert client.delete(one).status_code == 409
    wrong = client.post(f"{there}versions/{version.pk}/exports/", {"format": "brat"}, content_type="application/json")
    assert "These can" in wrong.content.decode()


# -- Answers ------------------------------------------------------------------------------------------------------


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


def test_answers_go_along_under_names_of_the_version(version, project, cast):
    row = made(version, cast["dave"], annotations=True, with_test_gold=True, why="A paper")
    files = members(row)
    answers = lines(files["annotations/annotations.jsonl"])
    assert len(answers) == 60
    assert {"alice", "bob", "dave"} & {
        word for name in files for word in files[name].decode("latin-1").split('"')
    } == set()
    assert b"Bob said so" not in b"".join(files.values())
    name = pseudonyms(version)
    assert {row["annotator"] for row in answers} == {name(cast["alice"].pk), name(cast["bob"].pk)}
    assert answers[0]["answer"] == {"sentiment": "positive"} or answers[0]["answer"] == {"sentiment": LABELS[0]}
    decided = lines(files["adjudications/adjudications.jsonl"])
    assert len(decided) == 30
    second = freeze(project, dataset_name="Second")
    assert pseudonyms(second)(cast["alice"].pk) != name(cast["alice"].pk)
    commented = made(version, cast["dave"], annotations=True, comments=True, with_test_gold=True, why="A paper")
    assert "Bob said so" in members(commented)["annotations/annotations.jsonl"].decode()


def test_answers_to_test_examples_stay_with_their_gold(version, cast):
    files = members(made(version, cast["dave"], annotations=True, why="A paper"))
    keys = set(e.Example.objects.filter(version=version, split="test").values_list("key", flat=True))
    for name in ("annotations", "adjudications"):
        rows = lines(files[f"{name}/{name}.jsonl"])
        assert rows
        assert not {row["id"] for row in rows} & keys


def test_answers_given_after_the_freeze_are_not_among_them(version, cast, project):
    before = made(version, cast["dave"], annotations=True, why="x")
    for item in project.items.all()[:5]:
        make_annotation(item, cast["carol"], LABELS[1])
    answer = a.Annotation.objects.filter(annotator=cast["alice"]).first()
    answer.answer, answer.updated_at = {"sentiment": LABELS[2]}, timezone.now()
    a.Revision.objects.create(
        annotation=answer, project=project, person=cast["alice"], client_id="0" * 32, status="submitted",
        answer={"sentiment": LABELS[0]}, at=version.gold_until - timedelta(seconds=5),
    )  # fmt: skip
    answer.save()
    after = made(version, cast["dave"], annotations=True, why="x")
    kept = lines(members(after)["annotations/annotations.jsonl"])
    earlier = lines(members(before)["annotations/annotations.jsonl"])
    assert [row["answer"] for row in kept] == [row["answer"] for row in earlier]


def test_answers_tell_nothing_of_what_is_masked(project, cast, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    questions = [{"name": "who", "kind": "spans", "labels": ["PER", "ORG"]}, {"name": "why", "kind": "text"}]
    set_schema(project, schemas.check({"questions": questions}))
    secret, texts = "jane@example.org", [f"Write to jane@example.org at Acme {n}." for n in range(12)]
    for item, text in zip(make_items(project, texts, slots=0), texts, strict=True):
        marks = [
            {"start": 9, "end": 25, "label": "PER", "text": secret},
            {"start": 29, "end": 33, "label": "ORG", "text": "Acme"},
        ]
        said = {"who": marks, "why": f"Because of {secret}."}
        make_annotation(item, cast["alice"], answer=said, comment=f"Who is {secret}?")
        for name, value in said.items():
            make_gold(item, value, question=name, settled_by=cast["carol"], note=f"{secret} it is")
        a.PrivateHit.objects.create(
            project=project, document=item.document, part="", start=9, end=25, kind="email", number=1, state="mask",
        )  # fmt: skip
        assert text[9:25] == secret
        assert text[29:33] == "Acme"
    version = freeze(project, splits="random", group_by=())
    assert version.state == "done", version.message
    assert secret not in version.examples.first().text
    row = made(version, cast["dave"], annotations=True, comments=True, with_test_gold=True, why="x")
    files = members(row)
    assert not [name for name, data in files.items() if secret.encode() in data]
    told = lines(files["annotations/annotations.jsonl"])[0]
    text = version.examples.get(key=told["id"]).text
    assert [text[mark["start"] : mark["end"]] for mark in told["answer"]["who"]] == [
        mark["text"] for mark in told["answer"]["who"]
    ]
    assert told["answer"]["who"][1]["text"] == "Acme"


# -- Pages --------------------------------------------------------------------------------------------------------


def test_the_page_asks_tells_who_took_what_and_shows_only_what_one_may(version, cast):
    url = reverse("evaluation:exports", args=[version.project.slug])
    erin = signed_in(cast["erin"])
    page = erin.get(url).content.decode()
    assert 'name="test_gold"' not in page
    assert 'name="annotations"' not in page
    assert 'value="parquet"' in page
    assert 'value="conll"' not in page
    sent = erin.post(
        url, {"format": "jsonl", "splits": ["train"], "test_gold": "on", "annotations": "on", "why": "Mine"}
    )
    row = e.Export.objects.get()
    assert (row.with_test_gold, row.with_annotations, row.why) == (False, False, "Mine")
    assert sent["Location"] == at("export", row)
    tasks.run_export(row.pk)
    assert "Download" in erin.get(sent["Location"]).content.decode()
    dave = signed_in(cast["dave"])
    assert "Mine" in dave.get(url).content.decode()
    refused = dave.post(url, {"format": "jsonl", "splits": ["train"], "test_gold": "on", "why": ""})
    assert refused.status_code == 400
    assert "a reason is needed" in refused.content.decode()
    assert dave.post(at("export_again", row)).status_code == 302
    assert e.Export.objects.count() == 2
    assert signed_in(cast["carol"]).get(at("export", row)).status_code == 404
    assert signed_in(cast["carol"]).post(at("remove_export", row)).status_code == 404


def test_queries_of_the_page_do_not_grow_with_the_exports(version, cast, django_assert_max_num_queries):
    for _place in range(12):
        exporting.record(version, format="csv", with_test_gold=False, user=cast["dave"])
    client = signed_in(cast["dave"])
    with django_assert_max_num_queries(25):
        assert client.get(reverse("evaluation:exports", args=[version.project.slug])).status_code == 200


def test_a_small_version_is_there_at_once_and_a_large_one_is_asked_for(version, cast, monkeypatch):
    client, url = signed_in(cast["erin"]), reverse("evaluation:export_now", args=[version.project.slug, version.pk])
    with zipfile.ZipFile(io.BytesIO(body(client.post(url)))) as archive:
        assert "data/train.jsonl" in archive.namelist()
    monkeypatch.setattr(exporting, "AT_ONCE", 3)
    assert client.post(url)["Location"] == at("export", e.Export.objects.first())
    assert e.Export.objects.first().state == "queued"
    answer = client.get(f"/api/v1/projects/{version.project.slug}/versions/{version.pk}/export/")
    assert (answer.status_code, "exports/" in answer.content.decode()) == (400, True)


# -- A worker that dies -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("frozen_world")
def test_a_killed_worker_leaves_a_part_that_the_next_attempt_clears_away(
    cast, project, settings, tmp_path, monkeypatch
):
    """kill -9 with half a file written; the lease runs out; the next attempt gives the bytes that one alone gives."""
    settings.MEDIA_ROOT, settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "media", tmp_path
    make_texts(project, 30)
    version = freeze(project)
    row = exporting.ask(version=version, user=cast["erin"])
    connection.close()
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            monkeypatch.setattr(exporting.archives, "into_zip", die)
            tasks.run_export(row.pk)
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    row.refresh_from_db()
    assert (row.state, row.file.name) == ("running", "")
    assert [path.read_bytes() for path in tmp_path.glob("*.part")] == [b"half a file"]
    assert e.Export.objects.all().reap(timezone.now() + timedelta(hours=1)) == (1, 0)
    assert tasks.run_export(row.pk)
    row.refresh_from_db()
    assert (row.state, row.attempt, list(tmp_path.glob("*.part"))) == ("done", 2, [])
    with exporting.archive(version, with_test_gold=False) as file:
        assert row.checksum == hashlib.file_digest(file, "sha256").hexdigest()


def die(target: Any, *_given: Any) -> None:
    target.write(b"half a file")
    target.flush()
    os.kill(os.getpid(), signal.SIGKILL)

"""The API of evaluation as a program calls it: freeze, export, submit, the board, the schedule; and no test gold gets out."""

import csv
import hashlib
import io
import json
import zipfile
from itertools import product
from typing import Any

import pytest
from celery import current_app
from django.core.files.uploadedfile import SimpleUploadedFile

from annotation import models as a
from evaluation import models as e
from evaluation import tasks
from evaluation.canonical import example_digest
from evaluation.proof import canonical_row
from tests.annotation.test_api import refused
from tests.conftest import LABELS, Caller, make_gold, make_project
from tests.evaluation.worlds import board_of, freeze, gold_of, make_texts, predictions, queue, submit

HERE = "/api/v1/projects/sentiment/"
EQUAL = {"train": 0.5, "dev": 0.25, "test": 0.25}


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Messages to the queue, which takes them all."""
    taken: list[Any] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: taken.append((name, args)))
    return taken


@pytest.fixture
def version(project: a.Project) -> e.DatasetVersion:
    """Version 1.0.0 of 60 examples whose metadata gives the label away."""
    for place, item in enumerate(make_texts(project, 60)):
        fields = {"metadata": {"LABEL-LEAK": LABELS[place % 3]}, "issuer": "Nokia"}
        a.Document.objects.filter(pk=item.document_id).update(**fields)
    return freeze(project)


def a_file(rows: list[dict[str, Any]], name: str = "outside.jsonl") -> SimpleUploadedFile:
    if name.endswith(".csv"):
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        return SimpleUploadedFile(name, text.getvalue().encode())
    return SimpleUploadedFile(name, "\n".join(json.dumps(row) for row in rows).encode())


def download(caller: Caller, version: e.DatasetVersion, query: str = "") -> dict[str, str]:
    """The files of an export by name."""
    reply = caller.get(f"{HERE}versions/{version.pk}/export/{query}")
    assert (reply.status_code, reply["Content-Type"]) == (200, "application/zip")
    assert "attachment" in reply["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(b"".join(reply.streaming_content))) as files:
        return {name: files.read(name).decode() for name in files.namelist()}


# Versions


def test_a_program_freezes_downloads_and_checks_a_version(project, cast, caller_of):
    make_texts(project, 60)
    dave = caller_of("dave")
    asked = dave.post(f"{HERE}versions/", {"dataset": "News", "shares": EQUAL, "change_note": "The first."})
    assert (asked.status_code, asked.json()["state"], asked.json()["frozen_at"]) == (202, "queued", None)
    at = f"{HERE}versions/{asked.json()['id']}/"
    refused(dave.get(f"{at}export/"), 400, "not frozen yet")
    assert tasks.run_freeze(asked.json()["id"])
    told = dave.get(at).json()
    assert (told["state"], told["percent"], told["number"], told["dataset"]) == ("done", 100, "1.0.0", "News")
    version = e.DatasetVersion.objects.get()
    assert told["content_hash"] == version.content_hash
    assert sum(split["n"] for split in told["counts"].values()) == 60
    assert [row["id"] for row in dave.get(f"{HERE}versions/").json()["results"]] == [version.pk]
    assert [row["name"] for row in dave.get(f"{HERE}datasets/").json()["results"]] == ["News"]
    checked = dave.get(f"{at}verify/").json()
    assert (checked["ok"], checked["changed"]) == (True, [])
    files = download(dave, version)
    assert {"README.md", "data/train.jsonl", "data/dev.jsonl", "data/test.jsonl", "guideline.md", "schema.json", "manifest.json", "SHA256SUMS", "croissant.json", "datasheet.md", "LICENSE", "CITATION.cff"} == set(files)  # fmt: skip
    for line in files["SHA256SUMS"].splitlines():
        digest, _blanks, name = line.partition("  ")
        assert hashlib.sha256(files[name].encode()).hexdigest() == digest
    taken = e.Export.objects.get()
    assert (taken.by, taken.format, taken.with_test_gold) == (cast["dave"], "jsonl", False)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dataset": ""}, "dataset: "),
        ({"dataset": "a\x00b"}, "dataset: "),
        ({"questions": ["mood"]}, "There is no question “mood”"),
        ({"questions": []}, "at least one question"),
        ({"shares": {"train": 2.0}}, ""),
        ({"shares": {"train": 0.5, "validation": 0.5}}, "“validation” is no split"),
        ({"shares": {"train": "half"}}, "shares: "),
        ({"seed": -1}, "seed: "),
        ({"splits": "mine"}, "splits: "),
        ({"group_by": ["colour"]}, "group by: “colour” is unknown"),
        ({"primary_metric": "vibes"}, "vibes"),
    ],
)
def test_a_freeze_that_cannot_be_is_refused_and_makes_nothing(changes, words, project, caller_of):
    make_texts(project, 60)
    refused(caller_of("dave").post(f"{HERE}versions/", {"dataset": "News", **changes}), 400, words)
    assert not e.DatasetVersion.objects.exists()


def test_a_freeze_is_stopped_once_and_a_frozen_version_never_goes(project, version, caller_of):
    dave = caller_of("dave")
    refused(dave.delete(f"{HERE}versions/{version.pk}/"), 400, "never deleted")
    waiting = queue(project)
    assert dave.delete(f"{HERE}versions/{waiting.pk}/").status_code == 204
    assert dave.get(f"{HERE}versions/{waiting.pk}/").json()["state"] == "cancelled"
    refused(dave.delete(f"{HERE}versions/{waiting.pk}/"), 409, "It had ended already.")
    assert e.Example.objects.filter(version=version).count() == 60


def test_only_managers_freeze_and_an_annotator_sees_no_version(version, caller_of):
    for name in ("carol", "erin"):
        refused(caller_of(name).post(f"{HERE}versions/", {"dataset": "Mine"}), 403)
        assert caller_of(name).get(f"{HERE}versions/{version.pk}/").status_code == 200
    for path in ("versions/", f"versions/{version.pk}/", f"versions/{version.pk}/examples/", "boards/", "datasets/"):
        refused(caller_of("alice").get(HERE + path), 403)
        refused(caller_of("eve").get(HERE + path), 404)
    assert e.DatasetVersion.objects.count() == 1


def test_what_belongs_to_another_project_is_not_found_under_ones_own(version, cast, caller_of):
    make_project(cast, slug="other")
    board, dave, there = board_of(version), caller_of("dave"), "/api/v1/projects/other/"
    submission = submit(board, "Outside", predictions(board))
    for path in (
        f"versions/{version.pk}/", f"versions/{version.pk}/examples/", f"versions/{version.pk}/export/",
        f"versions/{version.pk}/verify/", f"boards/{board.pk}/", f"boards/{board.pk}/submissions/",
        f"submissions/{submission.pk}/", f"datasets/{version.dataset_id}/schedule/",
        f"datasets/{version.dataset_id}/refreshes/",
    ):  # fmt: skip
        assert dave.get(HERE + path).status_code == 200, path
        refused(dave.get(there + path), 404)


# Examples: pages, filters, and what a researcher must not learn


def test_examples_come_page_by_page_and_by_split(version, caller_of):
    erin, met = caller_of("erin"), []
    at = f"{HERE}versions/{version.pk}/examples/?page_size=25"
    while at:
        page = erin.get(at).json()
        met += [row["key"] for row in page["results"]]
        at = page["next"]
    assert len(met) == len(set(met)) == 60
    for split in ("train", "dev", "test"):
        rows = erin.get(f"{HERE}versions/{version.pk}/examples/?split={split}&page_size=1000").json()["results"]
        assert {row["split"] for row in rows} == {split}
        assert len(rows) == version.counts[split]["n"]
    assert len(erin.get(f"{HERE}versions/{version.pk}/examples/?split=%00").json()["results"]) == 60


def test_lists_of_frozen_things_ask_the_database_the_same_at_any_length(
    version, caller_of, django_assert_max_num_queries
):
    board, erin = board_of(version), caller_of("erin")
    for number in range(6):
        submit(board, f"System {number}", predictions(board, wrong=number))
    for path, most in (
        (f"versions/{version.pk}/examples/", 6),
        ("versions/", 4),
        ("boards/", 4),
        (f"boards/{board.pk}/", 7),
        (f"boards/{board.pk}/submissions/", 6),
    ):
        with django_assert_max_num_queries(most):
            assert erin.get(HERE + path).status_code == 200, path


def rows_of(caller: Caller, version: e.DatasetVersion) -> list[dict[str, Any]]:
    return caller.get(f"{HERE}versions/{version.pk}/examples/?page_size=1000").json()["results"]


def test_test_gold_its_digest_and_its_metadata_are_for_managers_and_adjudicators_alone(version, caller_of):
    for name in ("dave", "carol"):
        assert all(
            row["gold"] and row["digest"] and row["fields"]["metadata"] for row in rows_of(caller_of(name), version)
        )
    for row in rows_of(caller_of("erin"), version):
        closed = row["split"] == "test"
        assert (row["gold"] is None, row["digest"] is None) == (closed, closed)
        assert ("metadata" in row["fields"]) == (not closed)
        assert row["fields"]["issuer"] == "Nokia"


def guesses(text: str, known: dict[str, Any]) -> list[str]:
    """The digests that a test example would have with each label, as somebody who knows the recipe computes them."""
    fields = known["fields"]
    tries = product(LABELS, ({}, *({"LABEL-LEAK": label} for label in LABELS)))
    return [
        example_digest(
            canonical_row(known["key"], "test", text, {"sentiment": label}, {**fields, "metadata": metadata})
        ).hex()
        for label, metadata in tries
    ]


def everything_a_researcher_reads(caller: Caller, version: e.DatasetVersion) -> str:
    board = board_of(version)
    paths = (
        f"versions/{version.pk}/", "versions/", f"versions/{version.pk}/verify/", f"boards/{board.pk}/", "boards/",
        f"boards/{board.pk}/submissions/", f"versions/{version.pk}/examples/?split=test&page_size=1000",
    )  # fmt: skip
    files = [text for form in ("jsonl", "csv") for text in download(caller, version, f"?format_={form}").values()]
    pages = [caller.get(HERE + path).content.decode() for path in paths]
    return "\n".join([*files, *pages])


def test_no_digest_of_a_test_example_gets_out_so_none_can_be_guessed(version, caller_of):
    read = everything_a_researcher_reads(caller_of("erin"), version)
    open_read = "".join(row["digest"] for row in rows_of(caller_of("dave"), version))
    tests = [row for row in rows_of(caller_of("erin"), version) if row["split"] == "test"]
    assert len(tests) == version.counts["test"]["n"] > 5
    for row in tests:
        found = guesses(row["text"], row)
        assert any(digest in open_read for digest in found), "the guess does not work; the test would not notice a leak"
        assert not any(digest in read for digest in found)
    assert read.count("LABEL-LEAK") == 0 or all(
        "LABEL-LEAK" not in line for line in read.splitlines() if any(f'"{row["key"]}"' in line for row in tests)
    )


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_without_the_right_has_no_gold_and_no_metadata_of_the_test_split(form, version, caller_of):
    files = download(caller_of("erin"), version, f"?format_={form}")
    assert "LABEL-LEAK" not in files[f"data/test.{form}"].replace("meta.LABEL-LEAK", "")
    gold = gold_of(board_of(version))
    if form == "jsonl":
        rows = [json.loads(line) for line in files["data/test.jsonl"].splitlines()]
        assert all("label" not in row and row["meta"] == {} for row in rows)
    else:
        rows = list(csv.DictReader(io.StringIO(files["data/test.csv"])))
        assert {row["label"] for row in rows} == {""}
        assert {row["meta.LABEL-LEAK"] for row in rows} == {""}
    assert {row["id"] for row in rows} == set(gold)
    assert not e.Export.objects.filter(with_test_gold=True).exists()


def test_the_gold_of_the_test_split_is_refused_to_a_researcher_and_its_taking_is_recorded(version, cast, caller_of):
    for asked in ("1", "true", "True"):
        refused(caller_of("erin").get(f"{HERE}versions/{version.pk}/export/?test_gold={asked}"), 403, "test split")
    assert not e.Export.objects.exists()
    rows = [
        json.loads(line)
        for line in download(caller_of("carol"), version, "?test_gold=1&why=A+look")["data/test.jsonl"].splitlines()
    ]
    assert {row["id"]: row["label"] for row in rows} == gold_of(board_of(version))
    taken = e.Export.objects.get(with_test_gold=True)
    assert (taken.by, taken.why, len(taken.checksum)) == (cast["carol"], "A look", 64)
    refused(caller_of("carol").get(f"{HERE}versions/{version.pk}/export/?test_gold=1"), 400, "Say why")
    refused(caller_of("erin").get(f"{HERE}versions/{version.pk}/export/?format_=exe"), 400, "no format")


# Submissions and boards


def test_predictions_are_submitted_scored_and_on_the_board(version, cast, caller_of):
    board, erin = board_of(version), caller_of("erin")
    rows = predictions(board, wrong=1)
    sent = erin.post(f"{HERE}boards/{board.pk}/submissions/", {"system": "Outside", "rows": rows, "description": "LLM"})
    assert (sent.status_code, sent.json()["state"]) == (202, "queued")
    assert tasks.run_score(sent.json()["id"])
    told = erin.get(f"{HERE}submissions/{sent.json()['id']}/").json()
    assert (told["state"], told["system"], told["report"]["answered"]) == ("done", "Outside", len(rows))
    accuracy = next(score for score in told["scores"] if score["metric"] == "accuracy" and not score["label"])
    assert accuracy["value"] == pytest.approx(1 - 1 / len(rows))
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]
    [entry] = erin.get(f"{HERE}boards/{board.pk}/").json()["entries"]
    assert (entry["rank"], entry["system"], entry["state"]) == (1, "Outside", "done")
    assert e.Submission.objects.get().created_by == cast["erin"]
    again = erin.send(f"{HERE}boards/{board.pk}/submissions/", {"system": "Outside", "file": a_file(rows)})
    assert (again.status_code, again.json()["id"]) == (200, sent.json()["id"])
    assert e.Submission.objects.count() == 1


@pytest.mark.parametrize("name", ["outside.jsonl", "outside.csv"])
def test_predictions_come_as_a_file_too(name, version, caller_of):
    board = board_of(version)
    fields = {"system": "Outside", "file": a_file(predictions(board), name)}
    sent = caller_of("erin").send(f"{HERE}boards/{board.pk}/submissions/", fields)
    assert sent.status_code == 202
    assert sent.json()["origin"] == {"file": name}
    tasks.run_score(sent.json()["id"])
    assert e.Score.objects.get(metric="accuracy", label="").value == 1.0


def test_wrong_predictions_are_refused_row_by_row_and_nothing_is_kept(version, caller_of):
    board, erin = board_of(version), caller_of("erin")
    first, second, *rest = predictions(board)
    rows = [
        {**first, "label": "great"},
        second,
        second,
        {"id": "nobody", "label": "neutral"},
        {"label": "neutral"},
        *rest,
    ]
    told = refused(erin.post(f"{HERE}boards/{board.pk}/submissions/", {"system": "Outside", "rows": rows}), 400)
    report = told["report"]
    assert {name: report[name]["count"] for name in ("unknown", "double", "bad_labels", "bad_rows")} == {
        "unknown": 1, "double": 1, "bad_labels": 1, "bad_rows": 1,
    }  # fmt: skip
    [bad] = report["bad_labels"]["first"]
    assert (bad["row"], bad["id"], bad["label"]) == (1, first["id"], "great")
    assert bad["problem"].startswith("“great” is no label of “sentiment”")
    assert "Correct the file" in told["error"]
    assert not e.Submission.objects.exists()
    assert not e.System.objects.exists()
    told = erin.post(f"{HERE}boards/{board.pk}/submissions/", {"system": "Outside", "rows": rows, "partial": True})
    assert told.status_code == 202
    assert told.json()["report"]["answered"] == len(rows) - 4


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"rows": [{"id": "x"}]}, "system: "),
        ({"system": "  ", "rows": []}, "system: "),
        ({"system": "a\x00b", "rows": []}, "system: "),
        ({"system": "Outside"}, "There are no predictions."),
        ({"system": "Outside", "rows": []}, "There are no predictions."),
        ({"system": "Outside", "rows": [1, 2]}, "rows: "),
        ({"system": "Outside", "rows": {"id": "x"}}, "rows: "),
        ({"system": "Outside", "rows": [{"id": ["x"], "label": {}}]}, ""),
        ({"system": "Outside", "rows": [{"id": "\x00", "label": "\x00"}]}, ""),
        ({"system": "x" * 121, "rows": []}, "system: "),
    ],
)
def test_a_submission_that_cannot_be_is_refused_with_a_sentence(fields, words, version, caller_of):
    board = board_of(version)
    refused(caller_of("erin").post(f"{HERE}boards/{board.pk}/submissions/", fields), 400, words)
    assert not e.Submission.objects.exists()


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 5000, b"[" * 100_000, b'{"id": ' + b"[" * 100_000, b"PK\x03\x04", b'{"id": "\\ud800"}']
)  # fmt: skip
def test_a_hostile_file_of_predictions_is_refused_with_a_sentence(content, version, caller_of):
    board, fields = board_of(version), {"system": "Outside", "file": SimpleUploadedFile("outside.jsonl", content)}
    refused(caller_of("erin").send(f"{HERE}boards/{board.pk}/submissions/", fields), 400)
    assert not e.Submission.objects.exists()


def test_ninety_megabytes_of_rows_are_told_as_json_to_be_too_large(version, caller_of):
    raw = b'{"system":"Outside","rows":[{"id":"' + b"a" * 90_000_000 + b'"}]}'
    refused(caller_of("erin").post(f"{HERE}boards/{board_of(version).pk}/submissions/", raw), 413, "or as a file")


def test_a_submission_is_withdrawn_by_its_sender_or_a_manager_and_never_deleted(version, cast, caller_of):
    board = board_of(version)
    mine = submit(board, "Mine", predictions(board), user=cast["erin"])
    theirs = submit(board, "Theirs", predictions(board, wrong=2), user=cast["dave"])
    erin = caller_of("erin")
    refused(erin.delete(f"{HERE}submissions/{theirs.pk}/"), 403, "who sent these predictions")
    refused(erin.patch(f"{HERE}submissions/{theirs.pk}/", {"withdrawn": True}), 403, "who sent these predictions")
    refused(caller_of("carol").delete(f"{HERE}submissions/{mine.pk}/"), 403)
    assert erin.delete(f"{HERE}submissions/{mine.pk}/").status_code == 204
    assert [entry["system"] for entry in erin.get(f"{HERE}boards/{board.pk}/").json()["entries"]] == ["Theirs"]
    every = erin.get(f"{HERE}boards/{board.pk}/?all=1").json()["entries"]
    assert {entry["system"]: entry["state"] for entry in every} == {"Mine": "withdrawn", "Theirs": "done"}
    assert erin.get(f"{HERE}submissions/{mine.pk}/").json()["withdrawn_at"] is not None
    assert caller_of("dave").delete(f"{HERE}submissions/{theirs.pk}/").status_code == 204
    assert e.Submission.objects.count() == 2


def test_a_withdrawn_submission_is_put_back_by_its_sender_or_a_manager_alone(version, cast, caller_of):
    board = board_of(version)
    mine = submit(board, "Mine", predictions(board), user=cast["erin"])
    at = f"{HERE}submissions/{mine.pk}/"
    a.Membership.objects.filter(user=cast["bob"]).update(role="researcher")
    erin, bob, dave = caller_of("erin"), caller_of("bob"), caller_of("dave")
    assert erin.delete(at).status_code == 204
    refused(bob.patch(at, {"withdrawn": False}), 403, "put them back")
    refused(caller_of("carol").patch(at, {"withdrawn": False}), 403)
    assert "withdrawn" in refused(erin.patch(at, {}), 400)["fields"]
    assert erin.get(at).json()["withdrawn_at"] is not None
    for caller in (erin, dave):
        told = caller.patch(at, {"withdrawn": False})
        assert (told.status_code, told.json()["withdrawn_at"]) == (200, None)
        assert [entry["rank"] for entry in erin.get(f"{HERE}boards/{board.pk}/").json()["entries"]] == [1]
        assert caller.patch(at, {"withdrawn": True}).json()["withdrawn_at"] is not None


def test_a_submission_whose_scoring_failed_is_scored_again_and_any_other_is_not(version, caller_of):
    board, erin = board_of(version), caller_of("erin")
    row = submit(board, "Outside", predictions(board))
    at = f"{HERE}submissions/{row.pk}/score/"
    refused(erin.post(at), 409, "It is scored, or about to be.")
    e.Submission.objects.filter(pk=row.pk).update(state="failed", message="Out of memory.", attempt=3)
    refused(caller_of("carol").post(at), 403)
    again = erin.post(at)
    assert (again.status_code, again.json()["state"], again.json()["message"]) == (202, "queued", "")
    refused(erin.post(at), 409)
    assert tasks.run_score(row.pk)
    assert erin.get(f"{HERE}submissions/{row.pk}/").json()["state"] == "done"


def test_submissions_and_versions_come_page_by_page_and_none_is_cut_off(project, version, caller_of):
    board, erin = board_of(version), caller_of("erin")
    sent = [submit(board, f"System {number}", predictions(board, wrong=number)).pk for number in range(5)]
    frozen = [version.pk, *(queue(project, dataset_name=f"Set {number}").pk for number in range(2))]
    for path, wanted in ((f"boards/{board.pk}/submissions/", sent), ("versions/", frozen)):
        at, met, pages = f"{HERE}{path}?page_size=2", [], 0
        while at:
            page = erin.get(at).json()
            met, at, pages = [*met, *(row["id"] for row in page["results"])], page["next"], pages + 1
        assert met == sorted(wanted, reverse=True), path
        assert pages == (len(wanted) + 1) // 2


def test_a_board_is_sorted_by_any_of_its_metrics_in_both_directions(version, caller_of):
    board, erin = board_of(version), caller_of("erin")
    for wrong in (3, 1, 2):
        submit(board, f"{wrong} wrong", predictions(board, wrong=wrong))

    def order(query: str) -> list[str]:
        return [entry["system"] for entry in erin.get(f"{HERE}boards/{board.pk}/{query}").json()["entries"]]

    assert order("?sort=accuracy") == ["1 wrong", "2 wrong", "3 wrong"]
    assert order("?sort=accuracy&dir=asc") == ["3 wrong", "2 wrong", "1 wrong"]
    assert order("") == order("?sort=macro_f1")
    refused(erin.get(f"{HERE}boards/{board.pk}/?sort=vibes"), 400, "cannot be sorted by “vibes”")
    refused(erin.get(f"{HERE}boards/{board.pk}/?sort=%00"), 400)


# Schedule and refresh


def test_a_schedule_is_read_replaced_and_refused(version, caller_of):
    dave, at = caller_of("dave"), f"{HERE}datasets/{version.dataset_id}/schedule/"
    assert dave.get(at).json()["enabled"] is False
    wanted = {"cron": "0 6 * * 1", "timezone": "Europe/Berlin", "enabled": True, "minimum": 200, "rerun": True}
    assert dave.put(at, wanted).json() == wanted == caller_of("erin").get(at).json()
    for changes, words in (
        ({"cron": "every day"}, "five fields"),
        ({"cron": "99 * * * *"}, "cannot be a schedule"),
        ({"timezone": "Mars/Olympus"}, "no time zone"),
        ({"minimum": 0}, "minimum: "),
        ({"enabled": "perhaps"}, "enabled: "),
        ({"cron": "0 6 * * \x00"}, "cron: "),
    ):
        refused(dave.put(at, {**wanted, **changes}), 400, words)
    refused(caller_of("erin").put(at, wanted), 403)
    row = e.Schedule.objects.get()
    assert (row.cron, row.timezone, row.minimum, row.enabled) == ("0 6 * * 1", "Europe/Berlin", 200, True)
    assert row.periodic.enabled


def test_a_refresh_freezes_the_next_version_when_enough_is_new_or_when_it_is_forced(project, version, caller_of):
    dave, at = caller_of("dave"), f"{HERE}datasets/{version.dataset_id}/refreshes/"
    assert dave.get(at).json()["results"] == []
    first = dave.post(at)
    assert (first.status_code, first.json()["state"]) == (202, "queued")
    assert dave.post(at).json()["id"] == first.json()["id"]
    tasks.run_refresh(first.json()["id"])
    assert [(row["outcome"], row["version"]) for row in dave.get(at).json()["results"]] == [("too_little", None)]
    for item in make_texts(project, ["One more text.", "And another."]):
        assert item.gold.exists()
    second = dave.post(f"{at}?forced=1").json()
    tasks.run_refresh(second["id"])
    told = dave.get(at).json()["results"][0]
    assert (told["state"], told["outcome"], told["new_gold"]) == ("done", "frozen", 2)
    newer = e.DatasetVersion.objects.get(pk=told["version"])
    assert (newer.previous, newer.examples.count()) == (version, 62)
    assert [row["number"] for row in dave.get(f"{HERE}versions/").json()["results"]] == [newer.number, "1.0.0"]
    refused(caller_of("erin").post(at), 403)


def test_a_refresh_that_waits_is_cancelled_by_a_manager_once(version, caller_of):
    dave, erin = caller_of("dave"), caller_of("erin")
    pk = dave.post(f"{HERE}datasets/{version.dataset_id}/refreshes/").json()["id"]
    at = f"{HERE}refreshes/{pk}/"
    refused(erin.delete(at), 403)
    assert erin.get(at).json()["state"] == "queued"
    assert dave.delete(at).status_code == 204
    assert erin.get(at).json()["state"] == "cancelled"
    refused(dave.delete(at), 409, "It had ended already.")
    assert not tasks.run_refresh(pk)
    assert e.DatasetVersion.objects.count() == 1


def test_a_dataset_without_a_version_cannot_be_refreshed(project, caller_of):
    row = e.Dataset.objects.create(project=project, name="Empty", slug="empty")
    refused(caller_of("dave").post(f"{HERE}datasets/{row.pk}/refreshes/"), 400, "no frozen version yet")
    assert not e.Refresh.objects.exists()


def test_gold_that_came_in_later_is_in_no_frozen_version(project, version, caller_of):
    before = rows_of(caller_of("dave"), version)
    document = a.Document.objects.order_by("pk").first()
    item = a.Item.objects.get(document=document)
    a.Gold.objects.filter(item=item).update(superseded_at=a.timezone.now())
    make_gold(item, "neutral")
    assert rows_of(caller_of("dave"), version) == before

"""The API of training as a program calls it: recipes and runs; and the whole loop, from a project to the next version."""

import json
import re
import uuid
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from annotation import models as a
from annotation import tasks as annotation_tasks
from annotation.jobs import Grip
from evaluation import models as e
from evaluation import tasks as evaluation_tasks
from tests.annotation.test_api import refused
from tests.conftest import LABELS, Caller, make_project
from tests.training.worlds import SIZES, make_version, trainer
from training import running, tasks
from training.models import Run
from training.recipes import RECIPES

HERE = "/api/v1/projects/sentiment/"


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    """Folders of this test alone, the fake trainer, a queue that takes all messages, and jobs that beat no heart."""
    settings.RUNS_ROOT, settings.TRAINER = tmp_path / "runs", trainer("done")
    monkeypatch.setattr(Grip, "beating", lambda self: nullcontext())
    monkeypatch.setattr(running, "close_old_connections", lambda: None)  # the test's transaction lives in this one
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: None)


@pytest.fixture
def version(cast: dict[str, a.User]) -> e.DatasetVersion:
    return make_version(make_project(cast))


def asked(on: e.DatasetVersion, **changes: Any) -> dict[str, Any]:
    return {"version": on.pk, "question": "sentiment", "recipe": "majority", **changes}


# Runs


def test_the_recipes_are_told_with_their_options(version, caller_of):
    told = caller_of("erin").get(f"{HERE}recipes/").json()
    assert set(told) == set(RECIPES)
    for name, recipe in RECIPES.items():
        assert told[name]["title"]
        assert {option: row["default"] for option, row in told[name]["options"].items()} == {
            field.name: field.default for field in recipe.fields
        }


def test_a_run_is_started_followed_and_on_the_board(version, cast, caller_of):
    erin = caller_of("erin")
    started = erin.post(
        f"{HERE}runs/", asked(version, recipe="tfidf_logreg", options={"strength": 3}, seed=7, name="Mine")
    )
    assert (started.status_code, started.json()["state"], started.json()["submission"]) == (202, "queued", None)
    at = f"{HERE}runs/{started.json()['id']}/"
    assert erin.get(f"{at}curve/").json() == {"points": []}
    assert tasks.execute(started.json()["id"])
    told = erin.get(at).json()
    assert (told["state"], told["message"], told["percent"], told["system"]) == ("done", "", 100, "Mine")
    assert (told["seed"], told["options"]["strength"], told["manifest"]["seed"]) == (7, 3, 7)
    assert told["result"]["dev"] == {"macro_f1": 0.25}
    assert len(erin.get(f"{at}curve/").json()["points"]) == 1
    run = Run.objects.get()
    assert run.created_by == cast["erin"]
    assert told["submission"] == run.submission_id
    assert erin.get(f"{HERE}submissions/{run.submission_id}/").json()["report"]["answered"] == SIZES["test"]
    board = version.benchmarks.get()
    [entry] = erin.get(f"{HERE}boards/{board.pk}/").json()["entries"]
    assert (entry["system"], entry["origin"]["run"], entry["state"]) == ("Mine", run.pk, "done")
    assert [row["id"] for row in erin.get(f"{HERE}runs/").json()["results"]] == [run.pk]


def test_the_end_of_a_runs_log_is_read_from_the_start_of_a_line_on(version, caller_of):
    erin = caller_of("erin")
    at = f"{HERE}runs/{erin.post(f'{HERE}runs/', asked(version)).json()['id']}/log/"
    assert erin.get(at).json() == {"log": ""}
    folder = Run.objects.get().folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log.txt").write_text("".join(f"line {number:04}\n" for number in range(20_000)))
    whole = erin.get(at).json()["log"]
    assert whole.startswith("line ")
    assert whole.endswith("line 19999\n")
    assert 60_000 < len(whole) <= 64_000
    assert erin.get(f"{at}?bytes=25").json()["log"] == "line 19998\nline 19999\n"
    assert len(erin.get(f"{at}?bytes=99999999").json()["log"]) == 210_000
    for size in ("0", "-1", "x", "9" * 30, "%00"):
        assert erin.get(f"{at}?bytes={size}").status_code == 200
    assert caller_of("carol").get(at).status_code == 200
    refused(caller_of("alice").get(at), 403)


def test_what_a_run_gets_and_tells_holds_no_test_gold(version, caller_of):
    erin = caller_of("erin")
    pk = erin.post(f"{HERE}runs/", asked(version)).json()["id"]
    tasks.execute(pk)
    folder = Run.objects.get().folder
    rows = [json.loads(line) for line in (folder / "test.jsonl").read_text().splitlines()]
    assert len(rows) == SIZES["test"]
    assert all(set(row) <= {"id", "text"} for row in rows)
    told = erin.get(f"{HERE}runs/{pk}/").content.decode()
    assert "secret-of" not in told
    assert all(example.digest not in told for example in e.Example.objects.filter(split="test"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": "newest"}, "version: "),
        ({"question": "mood"}, "mood"),
        ({"recipe": "magic"}, "magic"),
        ({"options": {"strengh": 1}, "recipe": "tfidf_logreg"}, "strengh"),
        ({"options": {"strength": "very"}, "recipe": "tfidf_logreg"}, "strength"),
        ({"options": {"strength": -1}, "recipe": "tfidf_logreg"}, "strength"),
        ({"options": [1]}, "options: "),
        ({"seed": -1}, "seed: "),
        ({"seed": 2**40}, "seed: "),
        ({"name": "x" * 121}, "name: "),
        ({"name": "a\x00b"}, "name: "),
    ],
)
def test_a_run_that_cannot_be_is_refused_with_a_sentence_and_queues_nothing(changes, words, version, caller_of):
    refused(caller_of("erin").post(f"{HERE}runs/", asked(version, **changes)), 400, words)
    assert not Run.objects.exists()
    assert not e.System.objects.exists()


def test_a_run_on_a_version_that_is_not_there_or_not_ones_own_is_not_found(version, cast, caller_of):
    make_project(cast, slug="other")
    erin = caller_of("erin")
    refused(erin.post(f"{HERE}runs/", asked(version, version=version.pk + 1)), 404)
    refused(erin.post("/api/v1/projects/other/runs/", asked(version)), 404)
    refused(erin.get(f"{HERE}runs/12345/curve/"), 404)
    assert not Run.objects.exists()


def test_researchers_and_managers_start_runs_adjudicators_read_and_annotators_see_none(version, caller_of):
    pk = caller_of("dave").post(f"{HERE}runs/", asked(version)).json()["id"]
    assert caller_of("carol").get(f"{HERE}runs/{pk}/").status_code == 200
    refused(caller_of("carol").post(f"{HERE}runs/", asked(version)), 403)
    refused(caller_of("carol").delete(f"{HERE}runs/{pk}/"), 403)
    refused(caller_of("carol").post(f"{HERE}runs/{pk}/again/"), 403)
    for path in ("runs/", f"runs/{pk}/", f"runs/{pk}/curve/", "recipes/"):
        refused(caller_of("alice").get(HERE + path), 403)
        refused(caller_of("eve").get(HERE + path), 404)
    assert Run.objects.get().state == "queued"


def test_a_run_is_cancelled_once_and_again_is_a_run_of_its_own(version, caller_of):
    erin = caller_of("erin")
    pk = erin.post(f"{HERE}runs/", asked(version, seed=5)).json()["id"]
    refused(erin.post(f"{HERE}runs/{pk}/again/"), 400, "has not ended yet")
    assert erin.delete(f"{HERE}runs/{pk}/").status_code == 204
    assert erin.get(f"{HERE}runs/{pk}/").json()["state"] == "cancelled"
    refused(erin.delete(f"{HERE}runs/{pk}/"), 409, "It had ended already.")
    assert not tasks.execute(pk)
    again = erin.post(f"{HERE}runs/{pk}/again/")
    assert (again.status_code, again.json()["parent"], again.json()["seed"]) == (202, pk, 5)
    assert Run.objects.get(pk=pk).state == "cancelled"


def test_a_run_that_fails_says_why_in_a_sentence(version, caller_of, settings):
    settings.TRAINER = trainer("failed")
    erin = caller_of("erin")
    pk = erin.post(f"{HERE}runs/", asked(version)).json()["id"]
    tasks.execute(pk)
    told = erin.get(f"{HERE}runs/{pk}/").json()
    assert (told["state"], told["reason"], told["submission"]) == ("failed", "out_of_memory", None)
    assert told["message"] == "Batches of 64 do not fit; halve batch_size."
    assert not e.Submission.objects.exists()


def test_the_list_of_runs_asks_the_database_the_same_at_any_length(version, caller_of, django_assert_max_num_queries):
    erin = caller_of("erin")
    for seed in range(6):
        erin.post(f"{HERE}runs/", asked(version, seed=seed))
    first = erin.get(f"{HERE}runs/?page_size=4").json()
    rest = erin.get(first["next"]).json()
    assert [row["seed"] for row in first["results"] + rest["results"]] == [5, 4, 3, 2, 1, 0]
    assert rest["next"] is None
    with django_assert_max_num_queries(4):
        assert len(erin.get(f"{HERE}runs/").json()["results"]) == 6


# The whole loop


def joined(dave: Caller, here: str, user: a.User, role: str) -> Caller:
    """A person who has opened a link and now calls with a token of their own."""
    link = dave.post(f"{here}invitations/", {"role": role}).json()["link"]
    browser = Client()
    browser.force_login(user)
    assert browser.post(re.sub(r"^http://[^/]+", "", link)).status_code == 302
    return Caller(user)


def answered(caller: Caller, here: str, *, wrong: str = "") -> int:
    """Answer everything that one is given, by the word in the text; `wrong` texts get another label. Returns how many."""
    count = 0
    while items := (desk := caller.get(f"{here}label/?count=10").json())["items"]:
        for slot in items:
            label = slot["item"]["text"].rpartition(" ")[2]
            if wrong and wrong in slot["item"]["text"]:
                label = "neutral" if label != "neutral" else "positive"
            sent = {"client_id": str(uuid.uuid4()), "version": desk["version"], "answer": {"tone": label}}
            sent |= {name: slot[name] for name in ("assignment", "token")}
            assert caller.post(f"{here}label/", sent).status_code == 200
            count += 1
    return count


def import_file(dave: Caller, here: str, first: int, count: int) -> None:
    rows = [{"id": f"n{n:03}", "text": f"Report number {n} reads {LABELS[n % 3]}"} for n in range(first, first + count)]
    content = "\n".join(json.dumps(row) for row in rows).encode()
    job = dave.send(f"{here}imports/", {"file": SimpleUploadedFile("news.jsonl", content)})
    assert job.status_code == 202
    annotation_tasks.run_import(job.json()["id"])
    assert dave.get(f"{here}imports/{job.json()['id']}/").json()["report"]["new"] == count


def test_the_whole_loop_by_api_from_a_new_project_to_the_refreshed_board(cast, caller_of):
    cast["dave"].is_superuser = True
    cast["dave"].save()
    dave = caller_of("dave")
    here = f"/api/v1/projects/{dave.post('/api/v1/projects/', {'name': 'News', 'overlap': 2, 'agreed_percent': 0, 'second_percent': 0}).json()['slug']}/"
    schema = {"questions": [{"name": "tone", "kind": "choice", "labels": LABELS}]}
    dave.put(f"{here}guideline/draft/", {"text": "# Tone", "schema": schema})
    assert dave.post(f"{here}guideline/", {"change_note": "The first."}).status_code == 201
    alice, bob = (joined(dave, here, cast[name], "annotator") for name in ("alice", "bob"))
    carol, erin = joined(dave, here, cast["carol"], "adjudicator"), joined(dave, here, cast["erin"], "researcher")

    import_file(dave, here, 0, 60)
    assert answered(alice, here) == answered(bob, here, wrong="number 1 ") == 60
    [case] = carol.get(f"{here}cases/").json()["results"]
    decision = {"value": "neutral", "reason": "oversight"}
    assert carol.post(f"{here}cases/{case['id']}/", decision).status_code == 201
    assert dave.get(f"{here}progress/").json()["gold"] == 60

    pk = dave.post(f"{here}versions/", {"dataset": "News", "shares": {"train": 0.5, "dev": 0.2, "test": 0.3}}).json()[
        "id"
    ]
    evaluation_tasks.run_freeze(pk)
    first = dave.get(f"{here}versions/{pk}/").json()
    assert (first["state"], first["number"], first["agreement"]["tone"]["n_units"]) == ("done", "1.0.0", 60)
    [board] = erin.get(f"{here}boards/").json()["results"]

    run = erin.post(f"{here}runs/", {"version": pk, "question": "tone", "recipe": "majority"}).json()["id"]
    tasks.execute(run)
    assert erin.get(f"{here}runs/{run}/").json()["state"] == "done"
    tests = erin.get(f"{here}versions/{pk}/examples/?split=test&page_size=1000").json()["results"]
    assert all(row["gold"] is None for row in tests)
    rows = [{"id": row["key"], "label": row["text"].rpartition(" ")[2]} for row in tests]
    sent = erin.post(f"{here}boards/{board['id']}/submissions/", {"system": "Word reader", "rows": rows})
    evaluation_tasks.run_score(sent.json()["id"])
    entries = erin.get(f"{here}boards/{board['id']}/").json()["entries"]
    assert [entry["system"] for entry in entries] == ["Word reader", RECIPES["majority"].title]
    assert entries[0]["primary"]["value"] > entries[1]["primary"]["value"]

    [dataset] = dave.get(f"{here}datasets/").json()["results"]
    schedule = {"cron": "0 6 * * 1", "timezone": "Asia/Shanghai", "enabled": True, "minimum": 12}
    assert dave.put(f"{here}datasets/{dataset['id']}/schedule/", schedule).status_code == 200
    import_file(dave, here, 60, 12)
    answered(alice, here)
    answered(bob, here)
    turn = dave.post(f"{here}datasets/{dataset['id']}/refreshes/").json()["id"]
    evaluation_tasks.run_refresh(turn)
    [told] = dave.get(f"{here}datasets/{dataset['id']}/refreshes/").json()["results"]
    assert (told["outcome"], told["new_gold"], told["needed"]) == ("frozen", 12, 12)
    second = dave.get(f"{here}versions/{told['version']}/").json()
    assert second["number"] != "1.0.0"
    # What the refresh asked for was lost by the queue; beat finds it.
    assert tasks.rerun_owed() == 1
    rerun = next(row for row in erin.get(f"{here}runs/").json()["results"] if row["version"] == told["version"])
    tasks.execute(rerun["id"])
    newest = erin.get(f"{here}boards/").json()["results"][0]
    assert newest["version"] == second["number"]
    [entry] = erin.get(f"{here}boards/{newest['id']}/").json()["entries"]
    assert (entry["system"], entry["state"]) == (RECIPES["majority"].title, "done")
    assert dave.get(f"{here}versions/{pk}/verify/").json()["ok"] is True
    assert dave.get(f"{here}versions/{told['version']}/verify/").json()["ok"] is True

"""The commands: the same domain functions, JSON out, a sentence and exit code 1 where it cannot be."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation import models as a
from evaluation import models as e
from evaluation.management.commands.freeze import shares
from tests.conftest import LABELS
from tests.evaluation.worlds import bare_project, board_of, bring, freeze, gold_of, make_texts, predictions


def said(name: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


def told(name: str, *arguments: str) -> Any:
    return json.loads(said(name, *arguments, "--json"))


@pytest.fixture
def version(project: a.Project) -> Any:
    make_texts(project, 150)
    return freeze(project)


@pytest.fixture
def file(version: Any, tmp_path: Path) -> Path:
    path = tmp_path / "predictions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in predictions(board_of(version), wrong=6)))
    return path


# -- freeze -----------------------------------------------------------------------------------------------------------


def test_freeze_prints_version_hash_counts_and_findings(project: a.Project, cast: dict[str, a.User]) -> None:
    make_texts(project, 150)
    found = told("freeze", "--project", "sentiment", "--dataset", "News", "--split", "60/20/20", "--user", "dave")
    version = e.DatasetVersion.objects.get()
    assert found["version"] == "1.0.0"
    assert found["content_hash"] == version.content_hash
    assert [found["counts"][split]["n"] for split in e.SPLITS] == [90, 30, 30]
    assert [finding["code"] for finding in found["findings"]] == ["few_test_examples", "detectable"]
    assert found["benchmarks"] == {"sentiment": version.benchmarks.get().pk}
    assert (version.created_by, version.dataset.name, version.options["seed"]) == (cast["dave"], "News", 13)
    lines = said("freeze", "--project", "sentiment", "--note", "Again.", "--seed", "5", "--group-by", "issuer")
    assert "News 1.0.1" in lines
    assert version.content_hash in lines
    second = e.DatasetVersion.objects.get(patch=1)
    assert (second.change_note, second.options["group_by"], second.options["seed"]) == ("Again.", ["issuer"], 5)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--project", "nowhere"], "no project “nowhere”"),
        (["--project", "sentiment", "--user", "nobody"], "no user “nobody”"),
        (["--project", "sentiment", "--split", "70/30"], "three numbers"),
        (["--project", "sentiment", "--split", "a/b/c"], "three numbers"),
        (["--project", "sentiment", "--split", "70/20/20"], "add up"),
        (["--project", "sentiment", "--question", "topic"], "no question"),
        (["--project", "sentiment", "--splits", "given"], "without a split"),
    ],
)
def test_freeze_fails_with_a_sentence(project: a.Project, arguments: list[str], word: str) -> None:
    make_texts(project, 30)
    with pytest.raises(CommandError, match=word):
        call_command("freeze", *arguments)
    assert not e.DatasetVersion.objects.frozen().exists()


@pytest.mark.parametrize("text", ["70/10/20", "0.7/0.1/0.2", "70 / 10 / 20"])
def test_shares_are_percent_or_parts_of_one(text: str) -> None:
    assert shares(text) == pytest.approx({"train": 0.7, "dev": 0.1, "test": 0.2})


# -- export -----------------------------------------------------------------------------------------------------------


def test_export_writes_a_folder_a_zip_or_one_file(version: Any, tmp_path: Path) -> None:
    folder, archive, single = tmp_path / "folder", tmp_path / "x.zip", tmp_path / "x.csv"
    found = told("export", "--project", "sentiment", "--version", "1.0.0", "--out", str(folder))
    assert (found["version"], found["content_hash"], found["with_test_gold"]) == ("1.0.0", version.content_hash, True)
    assert (folder / "data" / "test.jsonl").is_file()
    said("export", "--project", "sentiment", "--out", str(archive), "--format", "csv")
    with zipfile.ZipFile(archive) as z:
        assert "data/test.csv" in z.namelist()
    said("export", "--project", "sentiment", "--out", str(single), "--without-test-gold")
    assert single.read_text().startswith("id,text,split,label,")
    rows = e.Export.objects.order_by("pk").values_list("format", "with_test_gold", "by")
    assert list(rows) == [("jsonl", True, None), ("csv", True, None), ("csv", False, None)]
    with pytest.raises(CommandError, match="there already"):
        call_command("export", "--project", "sentiment", "--out", str(single))


def test_export_import_freeze_by_command_gives_the_same_hash(version: Any, tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    said("export", "--project", "sentiment", "--out", str(path))
    bring(bare_project("copy"), path.read_bytes(), "all.jsonl", labels="gold", create_schema=True, question="sentiment")
    found = told("freeze", "--project", "copy", "--dataset", "Other name")
    assert found["content_hash"] == version.content_hash
    assert found["split_hashes"] == version.split_hashes


def test_a_researcher_gets_no_test_gold_by_command(version: Any, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="without-test-gold"):
        call_command("export", "--project", "sentiment", "--out", str(tmp_path / "x"), "--user", "erin")
    assert not (tmp_path / "x").exists()
    said("export", "--project", "sentiment", "--out", str(tmp_path / "x"), "--user", "erin", "--without-test-gold")
    assert "label" not in (tmp_path / "x" / "data" / "test.jsonl").read_text()
    said("export", "--project", "sentiment", "--out", str(tmp_path / "y"), "--user", "carol", "--reason", "To see")
    assert e.Export.objects.get(with_test_gold=True).why == "To see"
    with pytest.raises(CommandError, match="Say why"):
        call_command("export", "--project", "sentiment", "--out", str(tmp_path / "z"), "--user", "carol")
    assert "label" in (tmp_path / "y" / "data" / "test.jsonl").read_text()


def test_versions_and_datasets_that_are_none_are_listed(version: Any, project: a.Project, tmp_path: Path) -> None:
    out = str(tmp_path / "x")
    with pytest.raises(CommandError, match=r"no frozen version 9\.9\.9. There are: 1\.0\.0"):
        call_command("export", "--project", "sentiment", "--version", "9.9.9", "--out", out)
    freeze(project, dataset_name="Second")
    with pytest.raises(CommandError, match="There are: “Main”, “Second”"):
        call_command("export", "--project", "sentiment", "--out", out)
    assert told("export", "--project", "sentiment", "--dataset", "Second", "--out", out)["dataset"] == "Second"


# -- submit and leaderboard -------------------------------------------------------------------------------------------


def test_submit_scores_here_and_the_leaderboard_shows_it(version: Any, file: Path, cast: dict[str, a.User]) -> None:
    found = told("submit", "--project", "sentiment", "--system", "theirs", "--file", str(file), "--user", "erin")
    assert found["created"]
    assert found["scores"]["accuracy"]["value"] == pytest.approx(0.8)
    assert found["report"]["coverage"] == 1.0
    assert not told("submit", "--project", "sentiment", "--system", "theirs", "--file", str(file))["created"]
    board = told("leaderboard", "--project", "sentiment")
    assert board["benchmark"]["version"] == "1.0.0"
    [entry] = board["entries"]
    assert (entry["rank"], entry["system"], entry["by"], entry["state"]) == (1, "theirs", "erin", "done")
    assert "theirs" in said("leaderboard", "--project", "sentiment", "--question", "sentiment", "--version", "1.0.0")


def test_submit_refuses_with_the_rows_and_takes_a_partial_file(version: Any, file: Path) -> None:
    with file.open("a") as end:
        end.write('{"id": "nowhere", "label": "neutral"}\n')
    arguments = ["--project", "sentiment", "--system", "theirs", "--file", str(file)]
    with pytest.raises(CommandError, match="row 31: “nowhere”"):
        call_command("submit", *arguments)
    assert told("submit", *arguments, "--partial")["report"]["unknown"]["count"] == 1
    with pytest.raises(CommandError, match="no file"):
        call_command("submit", "--project", "sentiment", "--system", "x", "--file", str(file) + "x")


def test_an_empty_board_says_so(version: Any) -> None:
    assert "No submission yet." in said("leaderboard", "--project", "sentiment")
    assert told("leaderboard", "--project", "sentiment", "--sort", "accuracy")["entries"] == []
    with pytest.raises(CommandError, match="cannot be sorted"):
        call_command("leaderboard", "--project", "sentiment", "--sort", "beauty")
    with pytest.raises(CommandError, match="There are: sentiment"):
        call_command("leaderboard", "--project", "sentiment", "--question", "topic")


def test_the_leaderboard_has_no_test_gold(version: Any, file: Path) -> None:
    said("submit", "--project", "sentiment", "--system", "theirs", "--file", str(file))
    printed = said("leaderboard", "--project", "sentiment", "--json", "--all")
    assert not any(f'"{key}"' in printed for key in gold_of(board_of(version)))
    assert LABELS[0] in printed


# -- refresh ----------------------------------------------------------------------------------------------------------


def test_refresh_now_turns_the_cycle_and_prints_what_happened(version: Any, project: a.Project) -> None:
    found = told("refresh", "--project", "sentiment", "--now")
    assert (found["state"], found["outcome"], found["needed"]) == ("done", "too_little", 50)
    make_texts(project, ["Something new."])
    found = told("refresh", "--project", "sentiment", "--now", "--force", "--user", "dave")
    assert (found["outcome"], found["version"]) == ("frozen", "1.1.0")
    assert "No system of the earlier boards" in found["events"][-1]["text"]
    assert e.Refresh.objects.get(pk=found["refresh"]).asked_by.username == "dave"


def test_refresh_without_now_waits_in_the_queue(version: Any) -> None:
    found = told("refresh", "--project", "sentiment")
    assert (found["state"], found["events"]) == ("queued", [])
    assert "is queued" in said("refresh", "--project", "sentiment")


def test_refresh_before_the_first_version_is_refused(project: a.Project) -> None:
    e.Dataset.objects.create(project=project, name="Empty", slug="empty")
    with pytest.raises(CommandError, match="Freeze the first one"):
        call_command("refresh", "--project", "sentiment", "--now")

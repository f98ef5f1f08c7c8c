"""The loop in a browser: import, adjudicate, freeze, run, compare; long work is seen to end without a reload."""

import json
from pathlib import Path
from typing import Any

import pytest

from annotation import models as a
from annotation import settling
from annotation import tasks as annotation_tasks
from evaluation import models as e
from evaluation import tasks as evaluation_tasks
from tests.browser.pages import Keys, Window
from tests.conftest import make_annotation, make_items, make_project
from tests.evaluation.worlds import board_of, freeze, make_texts, predictions, submit
from tests.training.worlds import trainer
from training import tasks as training_tasks
from training.models import Run

pytestmark = pytest.mark.browser
CLAIMS = [
    ("We expect revenue of $5 billion in 2024.", "in_claim", "in_claim"),
    ("Revenue was $4 billion in 2022.", "out_of_claim", "out_of_claim"),
    ("Margins should reach 40% by the end of the year.", "in_claim", "out_of_claim"),
    ("The buyback was raised to $10 billion.", "out_of_claim", "in_claim"),
    ("Management sees growth of 8% to 10%.", "doubt", "in_claim"),
]


def published_claims(shared: Path) -> list[tuple[str, str, str]]:
    """Two sentences on which the two raters of the published set agree, and its first three on which they differ."""
    rows = [json.loads(line) for line in (shared / "data/normalised/dev/numclaim_two_raters.jsonl").open()]
    pairs = [(row["text"], *(one["label"] for one in row["annotations"])) for row in rows]
    return [pair for pair in pairs if pair[1] == pair[2]][:2] + [pair for pair in pairs if pair[1] != pair[2]][:3]


@pytest.mark.parametrize("source", ["invented", "published"])
def test_two_raters_are_adjudicated_by_keys_and_their_names_stay_hidden(window: Window, cast, source, request):
    claims = CLAIMS if source == "invented" else published_claims(request.getfixturevalue("shared"))
    project = make_project(cast, overlap=2, labels=["in_claim", "out_of_claim", "doubt"])
    for item, (_text, one, two) in zip(make_items(project, [text for text, *_ in claims]), claims, strict=True):
        make_annotation(item, cast["alice"], one)
        make_annotation(item, cast["bob"], two)
    settling.settle_all(project=project)
    assert a.Case.objects.open().count() == 3
    window.sign_in(cast["carol"])
    window.open(f"/p/{project.slug}/adjudicate/")
    window.follow("section[aria-labelledby=open-title] .primary")
    decided = {}
    for left in (3, 2, 1):
        assert f"{left} case" in window.text(".page-head")
        text = window.text("article.hero")
        assert [element.text for element in window.all(".answers .letter")] == ["A", "B"]
        assert not any(name in window.driver.page_source for name in ("alice", "bob"))
        window.press("2", "a", "n", "hard to tell", Keys.ESCAPE)
        window.js("window.left = true")
        window.press(Keys.ENTER)
        window.loaded()
        decided[text] = "out_of_claim"
    assert "All cases are settled." in window.words()
    rows = a.Gold.objects.current().filter(method="adjudicated").select_related("item__document", "settled_by")
    assert {row.item.text: row.value for row in rows} == decided
    assert {(row.settled_by, row.reason, row.note) for row in rows} == {(cast["carol"], "ambiguous", "hard to tell")}
    assert decided.keys() == {text for text, one, two in claims if one != two}
    window.follow(f"a[href$='/items/{rows[0].item_id}/']")
    assert "alice" in window.words()


def test_a_decision_without_a_reason_is_not_sent(window, cast):
    project = make_project(cast, overlap=2)
    [item] = make_items(project, 1)
    make_annotation(item, cast["alice"], "positive")
    make_annotation(item, cast["bob"], "negative")
    settling.settle_all(project=project)
    case = a.Case.objects.get()
    window.sign_in(cast["carol"])
    window.open(f"/p/{project.slug}/adjudicate/{case.pk}/")
    window.press("1")
    window.until(lambda: window.js("return document.querySelector('input[name=value]:checked')?.value") == "negative")
    window.press(Keys.ENTER)
    assert window.js("return document.getElementById('decision').checkValidity()") is False
    assert window.path.endswith(f"/adjudicate/{case.pk}/")
    assert a.Gold.objects.count() == 0


def test_a_file_is_uploaded_looked_at_mapped_and_brought_in(window, project, cast, tmp_path):
    path = tmp_path / "news.csv"
    path.write_text(
        'key,body,desk,lang\nn1,"Profit, again, rose.",markets,en\nn2,利润下降。,markets,zh\nn3,,markets,en\nn4,Costs fell.,bonds,en\n'
    )
    window.sign_in(cast["dave"])
    window.open(f"/p/{project.slug}/imports/")
    window.find("input[type=file]").send_keys(str(path))
    window.follow("main form .primary")
    assert [cell.text for cell in window.all("table.preview th")] == ["key", "body", "desk", "lang"]
    assert [cell.text for cell in window.all("table.preview tbody tr:nth-child(2) td")] == [
        "n2",
        "利润下降。",
        "markets",
        "zh",
    ]
    assert window.faults() == []
    window.choose("#map-id", "key")
    window.choose("#map-text", "body")
    window.choose("#map-language", "lang")
    window.follow(".actions.sticky .primary")
    row = a.Import.objects.get()
    assert (row.state, row.options["mapping"]["text"]) == ("queued", "body")
    assert "waits for a free worker" in window.text(".job")
    assert annotation_tasks.run_import(row.pk)
    window.until(lambda: "What came in" in window.words(), "the report does not come by itself")
    facts = dict(
        zip((one.text for one in window.all(".facts span")), (one.text for one in window.all(".facts b")), strict=True)
    )
    assert (facts["rows read"], facts["new items"], facts["refused"]) == ("4", "3", "1")
    # The row as an editor or a spreadsheet counts it, with the header.
    assert window.text("section[aria-labelledby=refused-title] tbody td") == "4"
    assert window.faults() == []
    assert {row.text for row in a.Document.objects.filter(project=project)} == {
        "Profit, again, rose.",
        "利润下降。",
        "Costs fell.",
    }
    assert set(a.Document.objects.values_list("language", flat=True)) == {"en", "zh"}


def test_gold_is_frozen_by_page_and_the_version_appears_by_itself(window, project, cast):
    make_texts(project, 40)
    window.sign_in(cast["dave"])
    window.open(f"/p/{project.slug}/datasets/")
    window.follow("main .actions .primary")
    window.type("#id_dataset", "Headlines")
    window.click("main form [value=freeze]")
    window.until(lambda: window.shown("dialog"), "it does not ask")
    window.follow("dialog button[value=yes]")
    version = e.DatasetVersion.objects.get()
    assert "This version is being frozen." in window.words()
    # One look at the queued work must not be the last one.
    window.requests()
    window.until(lambda: any("/progress/" in one for one in window.requests()), "the page does not ask how far it is")
    assert evaluation_tasks.run_freeze(version.pk)
    window.until(lambda: "sha256:" in window.words(), "the version does not appear by itself")
    version.refresh_from_db()
    assert "Headlines 1.0.0" in window.text("h1")
    assert window.text("#hash") == version.content_hash
    assert [int(fact.text) for fact in window.all(".facts b")[:3]] == [version.counts[split]["n"] for split in ("train", "dev", "test")]  # fmt: skip
    assert window.faults() == []


@pytest.fixture
def board(project: a.Project) -> e.Benchmark:
    """The board of a frozen version with 60 examples."""
    make_texts(project, 60)
    return board_of(freeze(project))


def test_a_run_is_started_by_page_watched_and_found_on_the_leaderboard(
    window, project, cast, board, settings, tmp_path
):
    settings.TRAINER, settings.RUNS_ROOT = trainer("good"), tmp_path
    window.sign_in(cast["erin"])
    window.open(f"/p/{project.slug}/versions/{board.version_id}/run/")
    window.click("input[name=recipe][value=majority]")
    window.type("#id_name", "the most frequent")
    window.follow("main form .primary")
    run = Run.objects.get()
    assert (run.recipe, run.state, run.created_by) == ("majority", "queued", cast["erin"])
    assert training_tasks.execute(run.pk)
    submission = e.Submission.objects.get()
    if submission.state == "queued":
        assert evaluation_tasks.run_score(submission.pk)
    window.until(lambda: window.text("#live .badge") == "done", "the end of the run is not seen")
    assert window.faults() == []
    window.open(f"/p/{project.slug}/boards/{board.pk}/")
    assert "the most frequent" in window.text("table.board tbody")
    window.follow(f"table.board a[href$='/runs/{run.pk}/']")
    assert f"Run {run.pk}" in window.text("h1")


def shown_systems(window: Window) -> list[str]:
    """The systems of the board from the top."""
    return [cell.text for cell in window.all("table.board tbody td:nth-child(2) b")]


def test_the_board_is_sorted_by_its_headings(window, project, cast, board):
    for wrong, name in ((4, "middling"), (0, "perfect"), (8, "poor")):
        submit(board, name, predictions(board, wrong=wrong))
    window.sign_in(cast["erin"])
    window.open(f"/p/{project.slug}/boards/{board.pk}/")
    assert shown_systems(window) == ["perfect", "middling", "poor"]
    window.follow("table.board th[aria-sort] a")
    assert shown_systems(window) == ["poor", "middling", "perfect"]
    assert window.find("table.board th[aria-sort=ascending]")
    window.follow("table.board th a[href*='sort=accuracy']")
    assert shown_systems(window) == ["perfect", "middling", "poor"]
    assert "accuracy" in window.text("table.board th[aria-sort=descending]")
    assert window.faults() == []


def test_predictions_are_uploaded_checked_and_scored(window, project, cast, board, tmp_path):
    path = tmp_path / "outside.jsonl"
    rows = predictions(board, wrong=2)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows[1:]))
    window.sign_in(cast["erin"])
    window.open(f"/p/{project.slug}/boards/{board.pk}/submit/")
    send(window, "outside 1.0", path)
    path.write_text(f"{json.dumps({'id': 'nobody', 'label': 'positive'})}\n")
    submission = e.Submission.objects.get()
    assert window.path == f"/p/{project.slug}/submissions/{submission.pk}/"
    assert evaluation_tasks.run_score(submission.pk)
    window.until(lambda: window.shown("section[aria-labelledby=confusion-title]"), "the scores do not appear")
    submission.refresh_from_db()
    scores = {score.metric: score.value for score in submission.scores.filter(label="")}
    assert f"{scores['accuracy']:.3f}" in window.text(".facts")
    assert scores["accuracy"] == pytest.approx((len(rows) - 2) / len(rows))
    assert window.faults() == []
    window.expected.append("400 (Bad Request)")
    window.open(f"/p/{project.slug}/boards/{board.pk}/submit/")
    send(window, "wrong", path)
    assert "nobody" in window.text(".errorlist")
    assert e.Submission.objects.count() == 1


def send(window: Window, name: str, path: Path) -> None:
    """Fill in the form for predictions and send it."""
    window.type("#id_system", name)
    window.find("#id_file").send_keys(str(path))
    window.follow("main form .primary")


def test_the_guidelines_preview_follows_the_writing(window, project, cast: dict[str, Any]):
    window.sign_in(cast["dave"])
    window.open(f"/p/{project.slug}/guideline/edit/")
    window.type("textarea[name=text]", "## Guidance counts\n\n<script>window.hurt = 1</script> and **bold**")
    window.until(lambda: window.text("#preview strong") == "bold", "the preview does not follow")
    assert window.text("#preview h3") == "Guidance counts"
    assert window.js("return window.hurt ?? null") is None
    assert "<script>" in window.text("#preview")

"""The commands quality, history, causes and competence: what the pages tell, as text, JSON and files."""

import csv
import io
import json

import pytest

from annotation import adjudicating, causes, competence, controlling, history, quality
from annotation import models as a
from annotation.streams import Asked
from tests.annotation.test_commands import failed, result, run
from tests.annotation.test_figures import given
from tests.annotation.worlds import correct, label
from tests.conftest import make_gold, make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    project = make_project(cast, settle="unanimous")
    items = make_items(project, 5)
    for item in items[:2]:
        label(project, item, alice="positive", bob="positive")
    label(project, items[2], alice="positive", bob="negative")
    label(project, items[3], alice="neutral", bob=None)
    correct(project, cast["alice"], items[2], "neutral")
    control = make_items(project, ["A control text"], slots=0)
    make_gold(control[0], method="imported")
    controlling.mark(project=project, items=a.Item.objects.filter(pk=control[0].pk), role="control")
    given(control[0], cast["alice"], "negative")
    case = a.Case.objects.open().order_by("pk").first()
    adjudicating.decide(case=case, value="neutral", user=cast["carol"], reason="guideline", rule="label:neutral")
    return project


def test_quality_makes_the_figures_and_prints_what_the_page_tells(project):
    told = result("quality", "--project", project.slug)
    assert a.QualityReport.objects.get().state == "done"
    expected = json.loads(json.dumps(quality.told(project), default=str))
    for name in ("slots", "gold", "cases", "people", "controls", "alarms", "cost_of_gold", "pace"):
        assert told[name] == expected[name], name
    assert told["questions"][0]["items"] == 3
    text = run("quality", "--project", project.slug)
    assert "5 items of work, beside 1 control and 0 training items" in text
    assert "answers: 7 of 10, 1 closed without one, 2 missing" in text
    assert "control items: alice, sentiment: 0 of 1 right" in text
    assert "sentiment: krippendorff_alpha" in text


def test_quality_as_csv_is_the_file_of_the_page(project, client_of):
    printed = run("quality", "--project", project.slug, "--csv")
    page = b"".join(client_of("dave").get(f"/p/{project.slug}/quality.csv")).decode()
    assert printed == page
    assert run("quality", "--project", project.slug, "--full", "--csv") == page


def test_quality_of_a_project_without_guideline_is_told_too(project, cast):
    bare = a.Project.objects.create(slug="bare", name="Bare", created_by=cast["dave"])
    assert result("quality", "--project", bare.slug)["questions"] == []


def test_history_prints_everything_the_newest_first(project):
    entries = result("history", "--project", project.slug, "--lines", "0")["entries"]
    every = list(history.everything(asked=Asked(project), user=None))
    assert len(entries) == len(every) > 10
    assert [row["at"] for row in entries] == sorted((row["at"] for row in entries), reverse=True)
    assert not any(row["hidden"] for row in entries)
    assert len(result("history", "--project", project.slug, "--lines", "3")["entries"]) == 3
    assert run("history", "--project", project.slug, "--kind", "gold", "--lines", "1").count("\n") == 1


@pytest.mark.parametrize(
    ("options", "count"),
    [(["--person", "bob", "--kind", "skipped"], 1), (["--kind", "corrected"], 1), (["--item", "d2", "--kind", "answered"], 2),
     (["--since", "2999-01-01"], 0), (["--kind", "published", "--guideline-version", "1"], 1)],
)  # fmt: skip
def test_history_by_filters(project, options, count):
    assert len(result("history", "--project", project.slug, *options)["entries"]) == count


def test_history_as_files_and_as_somebody_may_read_it(project, cast):
    text = run("history", "--project", project.slug, "--format", "csv", "--lines", "0")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(list(history.everything(asked=Asked(project), user=None)))
    lines = run("history", "--project", project.slug, "--format", "jsonl", "--lines", "0").splitlines()
    assert [json.loads(line)["kind"] for line in lines] == [row["kind"] for row in rows]
    entries = result("history", "--project", project.slug, "--kind", "answered", "--lines", "0", "--user", "carol")["entries"]  # fmt: skip
    # What was said of an item that is not settled stays hidden from who adjudicates.
    assert {row["hidden"] for row in entries} == {True, False}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [(["--person", "zoe"], "Nobody here is called “zoe”"), (["--item", "zz"], "no item with the id “zz”"),
     (["--since", "soon"], "since must be a day"), (["--guideline-version", "9"], "no guideline version 9")],
)  # fmt: skip
def test_history_says_what_it_does_not_know(project, options, sentence):
    assert sentence in failed("history", "--project", project.slug, *options)[1]


def test_causes_counts_decisions_as_the_page_does(project, cast):
    told = result("causes", "--project", project.slug)
    expected = causes.report(project=project, asked=causes.Asked(), user=cast["dave"])
    assert {name: told[name] for name in expected} == json.loads(json.dumps(expected))
    assert (told["total"], told["by_reason"]) == (1, {"guideline": 1})
    assert "rule label:neutral: 1 (guideline 1)" in run("causes", "--project", project.slug)
    assert result("causes", "--project", project.slug, "--reason", "oversight")["total"] == 0
    one, other = a.Case.objects.get(closed_at__isnull=False).pairs.strip("\n").split("\t")
    assert result("causes", "--project", project.slug, "--pair", f"{other},{one}")["total"] == 1
    printed = run("causes", "--project", project.slug, "--csv")
    assert printed == causes.as_csv(project=project, asked=causes.Asked(), user=cast["dave"])


def test_competence_tells_control_items_qualification_and_alarms(project, cast):
    told = result("competence", "--project", project.slug)
    [row] = told["control_items"]
    [expected] = competence.of_people(competence.checks(project))
    assert (row["person"], row["right"], row["n"], row["judged"]) == ("alice", 0, 1, False)
    assert (row["low"], row["high"]) == (expected["accuracy"].low, expected["accuracy"].high)
    assert [row["guideline_version"] for row in told["by_version"]] == [1]
    assert {row["person"] for row in told["qualification"]["people"]} == {"alice", "bob"}
    assert "too few to judge (20 are needed)" in run("competence", "--project", project.slug)
    assert result("competence", "--project", project.slug, "--person", "bob")["control_items"] == []
    assert "Nobody here is called" in failed("competence", "--project", project.slug, "--person", "zoe")[1]

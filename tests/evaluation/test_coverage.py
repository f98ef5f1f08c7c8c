"""The coverage table: cells, targets by hand and by share, what is short, what a version covers; page, API and command."""

import json

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from annotation import coverage, covering
from annotation import models as a
from evaluation import covered
from evaluation import models as e
from tests.annotation.test_sampling import pool
from tests.conftest import make_gold, make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    """Twelve items in the pool, one labelled item of 2024 and one without fields."""
    project = make_project(cast)
    pool(project)
    labelled = make_items(project, 1, source_type="news", language="en", published_at="2024-02-01")
    make_gold(labelled[0])
    make_items(project, 1)
    return project


@pytest.fixture
def frozen(project, cast):
    item = a.Item.objects.get(document__external_id="d12")
    dataset = e.Dataset.objects.create(project=project, name="Set", slug="set")
    version = e.DatasetVersion.objects.create(dataset=dataset, guideline_version=project.version, options={"questions": ["sentiment"]}, state="queued")  # fmt: skip
    fields = {"source_type": "news", "language": "en", "published_at": "2024-02-01"}
    e.Example.objects.create(version=version, item=item, key="d12", split="test", text="x", gold={"sentiment": "positive"}, fields=fields, digest="0" * 64)  # fmt: skip
    e.DatasetVersion.objects.filter(pk=version.pk).update(state="done", major=1, minor=0, patch=0, frozen_at=timezone.now(), content_hash="sha256:0")  # fmt: skip
    return e.DatasetVersion.objects.get(pk=version.pk)


def cell(found, *names):
    return next(row for row in found["rows"] if (row["source_type"], row["language"], row["period"]) == names)


def test_each_cell_is_counted_in_the_pool_asked_labelled_and_frozen(project, frozen):
    found = covered.of_project(project)
    row = cell(found, "news", "en", "2024")
    assert (row["pool"], row["asked"], row["labelled"], row["frozen"], row["wanted"]) == (2, 1, 1, 1, None)
    assert cell(found, "", "", "")["asked"] == 1
    assert (found["sums"]["pool"], found["sums"]["asked"], found["version"]["name"]) == (12, 2, str(frozen))
    assert {row["period"] for row in coverage.table(project, by="quarter")["rows"]} >= {"2024-Q1", ""}


def test_targets_by_hand_tell_what_is_short_and_what_has_to_be_drawn(project, cast):
    cells = [
        {"source_type": "news", "language": "en", "period": "2024", "wanted": 3},
        {"source_type": "report", "language": "en", "period": "2023", "wanted": "9"},
        {"source_type": "post", "language": "zh", "period": "2023", "wanted": 2},
    ]
    assert covering.aim(project=project, by="year", targets=cells, user=cast["dave"]) == 3
    found = coverage.table(project)
    assert (cell(found, "news", "en", "2024")["lacking"], cell(found, "news", "en", "2024")["to_draw"]) == (2, 2)
    assert (cell(found, "report", "en", "2023")["lacking"], cell(found, "report", "en", "2023")["to_draw"]) == (9, 2)
    assert (cell(found, "post", "zh", "2023")["lacking"], cell(found, "post", "zh", "2023")["to_draw"]) == (2, 0)
    assert coverage.to_draw(found) == [
        {"stratum": ["news", "en", "2024"], "size": 2},
        {"stratum": ["report", "en", "2023"], "size": 2},
    ]
    assert a.Act.objects.filter(kind="coverage_aimed", by=cast["dave"]).count() == 1


def test_targets_by_share_add_up(project):
    covering.aim_by_share(project=project, by="quarter", total=50)
    project.refresh_from_db()
    assert project.coverage_by == "quarter"
    found = coverage.table(project)
    assert found["sums"]["wanted"] == 50
    assert all(abs(row["wanted"] - 50 * (row["pool"] + row["asked"]) / 14) < 1 for row in found["rows"])


@pytest.mark.parametrize(
    ("by", "targets", "words"),
    [
        ("week", [], "Periods are one of"),
        ("year", [3], "no object"),
        ("year", [{"wanted": -1}], "whole number"),
        ("year", [{"source_type": "x" * 41, "wanted": 1}], "cannot be"),
    ],
)
def test_targets_that_cannot_be_are_refused_and_the_old_ones_stand(project, by, targets, words):
    covering.aim_by_share(project=project, by="year", total=10)
    with pytest.raises(ValueError, match=words):
        covering.aim(project=project, by=by, targets=targets)
    assert coverage.table(project)["sums"]["wanted"] == 10


def test_the_table_takes_as_many_queries_for_many_cells_as_for_few(project, frozen, django_assert_num_queries):
    with django_assert_num_queries(3):
        covered.of_project(project)
    make_items(project, 30, source_type="x", published_at="1999-01-01")
    covering.aim_by_share(project=project, by="month", total=99)
    with django_assert_num_queries(3):
        covered.of_project(project)


def test_a_version_tells_its_own_cells(project, frozen):
    found = covered.of_version(frozen, by="month")
    assert found["rows"] == [{"source_type": "news", "language": "en", "period": "2024-02", "train": 0, "dev": 0, "test": 1, "all": 1}]  # fmt: skip


def test_the_page_sets_targets_marks_what_is_short_and_leads_to_items_and_a_sample(project, frozen, cast):
    dave = Client()
    dave.force_login(cast["dave"])
    page = "/p/sentiment/coverage/"
    assert dave.post(page, {"by": "year", 't:["news", "en", "2024"]': "3", "do": "cells"}).status_code == 302
    shown = dave.get(page).content.decode()
    assert "2 short" in shown
    assert "Look at a sample of 2 items for what is short" in shown
    assert "source_type=news&amp;language=en&amp;period=2024" in shown
    for query, count in (("source_type=news&language=en&period=2024&role=work&state=pool", 2), ("source_type=none&language=none&period=none&role=work&state=asked", 1)):  # fmt: skip
        assert dave.get(f"/p/sentiment/items/?{query}").context["page_obj"].paginator.count == count
    look = {"name": "Coverage", "method": "counts", "by1": "source_type", "by2": "language", "by3": "year", "size": "2", 'n:["news", "en", "2024"]': "2"}  # fmt: skip
    assert "Would draw 2 of 12 items" in dave.post("/p/sentiment/samples/", look).content.decode()
    assert dave.post(page, {"by": "year", "total": "0", "do": "share"}).status_code == 400
    assert "2024" in dave.get(f"/p/sentiment/versions/{frozen.pk}/coverage/").content.decode()
    carol = Client()
    carol.force_login(cast["carol"])
    assert carol.get(page).status_code == 200
    assert carol.post(page, {"by": "year", "total": "5", "do": "share"}).status_code == 403


def test_the_api_reads_and_sets(project, frozen, cast):
    dave = Client()
    dave.force_login(cast["dave"])
    address = "/api/v1/projects/sentiment/coverage/"
    put = dave.put(address, json.dumps({"by": "year", "total": 28}), content_type="application/json")
    assert (put.status_code, put.json()["sums"]["wanted"]) == (200, 28)
    assert dave.get(address, {"by": "month"}).json()["by"] == "month"
    assert dave.put(address, json.dumps({"by": "year"}), content_type="application/json").status_code == 400
    assert dave.get(f"/api/v1/projects/sentiment/versions/{frozen.pk}/coverage/").json()["sums"]["test"] == 1


def test_the_command_tells_the_cells_and_sets_targets(project, capsys):
    call_command("coverage", "--project", "sentiment", "--by", "year", "--total", "28", "--json")
    assert json.loads(capsys.readouterr().out)["sums"]["wanted"] == 28
    call_command("coverage", "--project", "sentiment")
    assert (
        "news · en · 2024: 6 wanted, 2 in the pool, 1 asked, 1 labelled, 0 frozen, 5 short" in capsys.readouterr().out
    )

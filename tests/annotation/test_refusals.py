"""Refused rows can be downloaded, mended and sent again."""

import csv
import io
import json

import pytest

from annotation import importing, refusals
from annotation import models as a
from tests.annotation.worlds import bring, documents, lines, three, upload
from tests.conftest import make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


def refused_file(row):
    with row.refused.open("rb") as file:
        return file.read().decode()


def test_refused_rows_can_be_downloaded_mended_and_sent_again(project):
    row = upload(
        project,
        'id,text,label\n=1+1,Formula id.,neutral\n2,,neutral\n3,"Bad, label",bullish\n4,Good.,neutral\n',
        "t.csv",
    )
    importing.bring_in(row)
    assert [problem["row"] for problem in row.report["problems"]] == [3, 4]
    refused = refused_file(row)
    rows = list(csv.DictReader(io.StringIO(refused)))
    assert [entry["id"] for entry in rows] == ["2", "3"]
    assert "is empty" in rows[0]["_problem"]
    mended = refused.replace("2,,neutral", "2,Mended.,neutral").replace("bullish", "positive", 1)
    report = bring(project, mended, "mended.csv")
    assert (report["new"], report["refused"]) == (2, 0)
    assert documents(project) == {"=1+1": "Formula id.", "4": "Good.", "2": "Mended.", "3": "Bad, label"}
    assert a.Document.objects.get(external_id="3").metadata == {}


def test_cells_made_safe_for_spreadsheets_come_back_as_they_were(project):
    row = upload(project, 'id,text,label\n=SUM(A1),"@home, +5 %",bullish\n', "t.csv")
    importing.bring_in(row)
    refused = refused_file(row)
    assert "'=SUM(A1)" in refused
    bring(project, refused.replace("bullish", "positive", 1), "mended.csv")
    assert documents(project) == {"=SUM(A1)": "@home, +5 %"}


def test_column_names_made_safe_for_spreadsheets_come_back_as_they_were(project):
    row = upload(project, 'id,text,label,=HYPERLINK(A1),@who\n1,Fine.,bullish,"x",me\n', "t.csv")
    importing.bring_in(row)
    refused = refused_file(row)
    assert refused.splitlines()[0].startswith("id,text,label,'=HYPERLINK(A1),'@who,")
    bring(project, refused.replace("bullish", "positive", 1), "mended.csv")
    assert a.Document.objects.get().metadata == {"=HYPERLINK(A1)": "x", "@who": "me"}


def test_refused_rows_of_json_keep_their_form(project):
    row = upload(project, lines({"id": "a", "text": "", "meta": {"k": [1, "二"]}}, {"id": "b", "text": "ok"}))
    importing.bring_in(row)
    [line] = refused_file(row).splitlines()
    assert json.loads(line) == {
        "id": "a", "text": "", "meta": {"k": [1, "二"]}, "_row": 1, "_problem": "Row 1: the text (column “text”) is empty.",
    }  # fmt: skip


def test_a_broken_line_before_others_does_not_cost_their_cells(project):
    row = upload(project, "id,text,label\n1,too,many,cells\n2,,neutral\n3,x,neutral\n", "t.csv")
    importing.bring_in(row)
    rows = list(csv.DictReader(io.StringIO(refused_file(row))))
    assert [(entry["id"], entry["label"]) for entry in rows] == [("", ""), ("2", "neutral")]


def test_without_refused_rows_there_is_no_file(project):
    row = importing.bring_in(upload(project, three()))
    assert not row.refused


def test_only_the_first_problems_are_shown_but_all_are_counted_and_in_the_file(project):
    row = upload(project, lines({"id": "ok", "text": "ok"}, *({"id": str(n), "text": ""} for n in range(300))))
    importing.bring_in(row)
    assert row.report["refused"] == 300
    assert len(row.report["problems"]) == refusals.SHOWN
    assert len(refused_file(row).splitlines()) == 300

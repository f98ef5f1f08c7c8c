"""Cells become the text that a person sees, and what a workbook hides is said."""

import datetime

import openpyxl
import pytest

from annotation.reading import Unreadable, limits, sniff
from tests.annotation.reading.files import edit_member, make_sheet, read, values


def test_cells_become_the_text_that_a_person_sees(tmp_path):
    day, moment = datetime.date(2024, 3, 5), datetime.datetime(2024, 3, 5, 14, 30)
    table = [
        ["text", "whole", "part", "sum", "flag", "day", "moment", "time", "none"],
        ["a", 3.0, 2.5, 0.1 + 0.2, True, day, moment, datetime.time(9, 30), None],
        ["b", 7, 1e20, -0.0, False, None, None, None, None],
    ]
    found = values(read(make_sheet(tmp_path / "a.xlsx", table), "xlsx"))
    assert list(found[0].values()) == [
        "a",
        "3",
        "2.5",
        "0.3",
        "TRUE",
        "2024-03-05",
        "2024-03-05T14:30:00",
        "09:30:00",
        "",
    ]
    assert list(found[1].values())[:5] == ["b", "7", "1e+20", "0", "FALSE"]


def test_rows_of_a_sheet_keep_their_numbers_and_empty_ones_are_left_out(tmp_path):
    path = make_sheet(tmp_path / "a.xlsx", [[], ["text", "label"], ["a", "up"], [], ["b"], ["c", "down", "extra"]])
    found = read(path, "xlsx")
    assert [(row.number, row.values) for row in found[:2]] == [
        (3, {"text": "a", "label": "up"}),
        (5, {"text": "b", "label": ""}),
    ]
    assert found[2].problem.startswith("Row 6: 3 cells, but there are 2 columns.")


def test_the_first_filled_sheet_is_read_and_another_can_be_named(tmp_path):
    path = make_sheet(
        tmp_path / "a.xlsx", [], [["text"], ["one"]], [["text"], ["two"]], titles=("Empty", "First", "其他")
    )
    sniffed = sniff(path)
    assert (sniffed.sheets, sniffed.preview) == (["Empty", "First", "其他"], [{"text": "one"}])
    assert sniffed.warnings == ['The workbook has 3 sheets; "First" is read.']
    assert sniff(path, sheet="其他").preview == [{"text": "two"}]
    with pytest.raises(Unreadable, match='no sheet "Gone" in the workbook; it has "Empty", "First", "其他"'):
        read(path, "xlsx", sheet="Gone")
    with pytest.raises(Unreadable, match="empty"):
        read(path, "xlsx", sheet="Empty")


def test_formulas_give_their_stored_value_and_merged_cells_are_said(tmp_path):
    book = openpyxl.Workbook()
    for record in (["text", "n"], ["a", "=1+1"], ["b", 2], ["", 3]):
        book.active.append(record)
    book.active.merge_cells("A3:A4")
    book.save(tmp_path / "a.xlsx")
    sniffed = sniff(tmp_path / "a.xlsx")
    assert sniffed.preview == [{"text": "a", "n": ""}, {"text": "b", "n": "2"}, {"text": "", "n": "3"}]
    assert any("merged cells" in warning for warning in sniffed.warnings)
    assert any("no stored result" in warning for warning in sniffed.warnings)
    edit_member(
        tmp_path / "a.xlsx",
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace(b"<v />", b"<v>2</v>").replace(b"<v></v>", b"<v>2</v>"),
    )
    assert sniff(tmp_path / "a.xlsx").preview[0] == {"text": "a", "n": "2"}


def test_a_wrong_statement_of_the_size_of_a_sheet_hides_no_rows(tmp_path):
    path = make_sheet(tmp_path / "a.xlsx", [["text", "n"], ["a", 1], ["b", 2]])
    edit_member(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b'ref="A1:B3"', b'ref="A1"'))
    assert values(read(path, "xlsx")) == [{"text": "a", "n": "1"}, {"text": "b", "n": "2"}]


def test_entities_in_a_workbook_are_refused(tmp_path):
    path = make_sheet(tmp_path / "a.xlsx", [["text"], ["a"]])
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    edit_member(path, "xl/worksheets/sheet1.xml", lambda xml: bomb + xml.replace(b"<v>0</v>", b"<v>&b;</v>"))
    with pytest.raises(Unreadable, match="damaged"):
        read(path, "xlsx")


def test_a_row_number_beyond_any_sheet_ends_the_reading(tmp_path):
    path = make_sheet(tmp_path / "a.xlsx", [["text"], ["a"], ["b"]])
    edit_member(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b'<row r="3"', b'<row r="99999999999"'))
    found = read(path, "xlsx")
    assert values(found) == [{"text": "a"}]
    assert "more than 1,048,576 rows" in found[-1].problem


def test_a_workbook_with_too_much_text_is_refused(tmp_path, monkeypatch):
    path = make_sheet(tmp_path / "a.xlsx", [["text"], ["a"]])
    monkeypatch.setattr(limits, "MAX_STRINGS", 10_000)  # the theme that every workbook carries is a little longer
    with pytest.raises(Unreadable, match="which is too much; save it as"):
        read(path, "xlsx")

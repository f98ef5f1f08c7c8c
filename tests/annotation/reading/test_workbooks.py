"""Cells become the text that a person sees, and what a workbook hides is said."""

import datetime
import io
import zipfile

import openpyxl
import pytest
from openpyxl.reader.strings import read_string_table

from annotation.reading import Unreadable, limits, sniff, workbooks
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


# --- the table of texts -----------------------------------------------------------------------------------------------

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"


def table_of(items):
    return f'<sst xmlns="{MAIN}">{"".join(items)}</sst>'.encode()


def plain(text):
    return f"<si><t>{text}</t></si>"


def make_shared(path, items, places):
    """A workbook of one column whose cells point into a table of texts, as Excel writes it."""
    make_sheet(path, [[""]])
    cells = "".join(f'<row r="{row}"><c r="A{row}" t="s"><v>{at}</v></c></row>' for row, at in enumerate(places, 1))
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData></worksheet>'
    edit_member(path, "xl/worksheets/sheet1.xml", lambda _xml: sheet.encode())
    named = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{TYPE}"/></Types>'
    edit_member(path, "[Content_Types].xml", lambda xml: xml.replace(b"</Types>", named.encode()))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", table_of(items))
    return path


@pytest.fixture
def met(monkeypatch):
    """The texts that were read from tables of texts."""
    texts, whole = [], workbooks._texts

    def noted(source, work):
        for text in whole(source, work):
            texts.append(text)
            yield text

    monkeypatch.setattr(workbooks, "_texts", noted)
    return texts


def test_the_table_of_texts_says_what_openpyxl_reads_in_it():
    items = [
        plain("净利润 &amp; 8 %"),
        '<si><t xml:space="preserve">  blanks  </t></si>',
        "<si><r><t>rich </t></r><r><rPr><b/></rPr><t>text</t></r></si>",
        "<si><t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh><phoneticPr fontId='1'/></si>",
        plain("_x005F_x000D_"),
        "<si><t/></si>",
        "<si/>",
        plain("a\nb"),
    ]
    ours = list(workbooks._texts(io.BytesIO(table_of(items)), limits.Work()))
    assert ours == read_string_table(io.BytesIO(table_of(items)))
    assert ours[2:4] == ["rich text", "東京"]


def test_texts_that_cells_share_are_read_wherever_they_stand(tmp_path):
    path = make_shared(tmp_path / "a.xlsx", [plain(word) for word in ("pos", "b", "text", "a")], [2, 3, 1, 3])
    assert values(read(path, "xlsx")) == [{"text": "a"}, {"text": "b"}, {"text": "a"}]


def test_a_preview_reads_the_table_of_texts_as_far_as_its_rows_ask_for_it(tmp_path, met):
    path = make_shared(tmp_path / "a.xlsx", [plain(f"text {n}") for n in range(20_000)], range(5000))
    assert len(sniff(path).preview) == limits.PREVIEW
    assert len(met) < 2 * 2 * limits.PREVIEW_ROWS
    met.clear()
    assert len(values(read(path, "xlsx"))) == 4999
    assert len(met) == 5000


def test_a_preview_ends_where_a_cell_points_too_far_into_the_table_of_texts_and_the_import_does_not(
    tmp_path, monkeypatch, met
):
    monkeypatch.setattr(limits, "PREVIEW_WORK", 1000 * 2 * limits.TAG)
    path = make_shared(tmp_path / "a.xlsx", [plain(f"text {n}") for n in range(5000)], [0, 4999])
    sniffed = sniff(path)
    assert sniffed.preview == []
    assert sniffed.warnings == ["The preview looks at a part of the file only and found this many rows there: 0."]
    assert len(met) < 2 * 1000 + 10
    assert values(read(path, "xlsx")) == [{"text 0": "text 4999"}]


def test_a_cell_that_points_beyond_the_table_of_texts_is_a_damage(tmp_path):
    found = read(make_shared(tmp_path / "a.xlsx", [plain("text"), plain("a")], [0, 1, 2]), "xlsx")
    assert values(found) == [{"text": "a"}]
    assert "damaged" in found[-1].problem


def test_a_workbook_with_too_many_cell_styles_is_refused(tmp_path, monkeypatch):
    path = make_sheet(tmp_path / "a.xlsx", [["text"], ["a"]])
    monkeypatch.setattr(limits, "MAX_STYLES", 1000)
    with pytest.raises(Unreadable, match="of cell styles, which is too much; save it as"):
        read(path, "xlsx")

"""What the tests of reading share: texts in several languages, files made on the spot, and the rows read from them."""

import csv
import io
import itertools
import json
import zipfile

import openpyxl

from annotation.reading import rows

ENGLISH = ["Net sales rose 5 %.", "The outlook is unchanged.", "Orders fell sharply in March."]
CHINESE = ["公司净利润同比增长百分之八。", "市场预期下调，股价大幅下跌。", "管理层维持全年业绩指引不变。"]
TAIWAN = ["台灣積體電路製造公司今日公布財報。", "市場預期聯準會將升息一碼。", "投資人對未來景氣感到樂觀，買盤湧入。"]
JAPANESE = ["売上高は前年同期比で増加しました。", "株価が大きく上昇した。", "業績予想を下方修正すると発表した。"]
FRENCH = ["Le bénéfice net a progressé de 3 %.", "La société prévoit une année stable.", "Le marché a reculé à Paris."]
RECORDS = [
    {"id": "1", "text": 'She said "up", twice', "label": "positive"},
    {"id": "2", "text": "平\n静", "label": "neutral"},
]


def read(path, format, **options):
    return list(rows(path, format=format, **options))


def values(found):
    return [row.values for row in found if row.values is not None]


def problems(found):
    return [(row.number, row.problem) for row in found if row.problem is not None]


def as_csv(texts):
    return "id,text,label\n" + "".join(f"{i},{text},neutral\n" for i, text in enumerate(texts, 1))


def in_format(format, path):
    if format in ("csv", "tsv"):
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, ["id", "text", "label"], delimiter="\t" if format == "tsv" else ",")
        writer.writeheader()
        writer.writerows(RECORDS)
        path.write_text(buffer.getvalue(), "utf-8", newline="")
    elif format == "json":
        path.write_text(json.dumps(RECORDS, ensure_ascii=False, indent=1), "utf-8")
    elif format == "jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in RECORDS), "utf-8")
    else:
        make_sheet(path, [list(RECORDS[0]), *(list(record.values()) for record in RECORDS)])
    return path


def make_sheet(path, *tables, titles=()):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, table in itertools.zip_longest(titles, tables):
        sheet = book.create_sheet(title)
        for record in table:
            sheet.append(record)
    book.save(path)
    return path


def make_zip(path, members, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def edit_member(path, name, change):
    with zipfile.ZipFile(path) as old:
        members = {member: old.read(member) for member in old.namelist()}
    assert change(members[name]) != members[name]
    members[name] = change(members[name])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for member, content in members.items():
            new.writestr(member, content)

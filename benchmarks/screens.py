"""Pictures of the labelling page for every kind of question: on a desk in English, on a telephone in Chinese in the dark.

    .venv/bin/python benchmarks/screens.py [--out docs/screens] [--only spans events]

A real server process with invented texts, half-answered as somebody leaves them, photographed by headless Chromium
(Debian: apt-get install chromium chromium-driver fonts-noto-cjk). `kind-X.png` and `kind-X-phone.png` for each kind X;
a picture's colours are reduced to a palette, so that it stays small.
"""

import argparse
import json
import shutil
import struct
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from browser import chromium, sign_in, until
from loop import PASSWORD, ROOT, Server, World
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

MARKS_EN = "Brightmoor plc agreed on 14 May 2024 to buy Hallam Foods from Norvik Group for £1.25bn in cash. Chief executive Ines Duarte said the deal would lift earnings by 4% from 2025. Norvik had cut its dividend in March."
MARKS_ZH = "远岭股份5月14日公告，拟以12.5亿元现金收购海川食品100%股权，交易对方为北陆集团。董事长杜若琳表示，本次交易预计2025年起增厚每股收益4%。北陆集团3月曾下调股息。"
PROMPT_EN, PROMPT_ZH = "What does a rise in the policy rate mean for a bank's net interest margin?", "政策利率上调对银行净息差有什么影响？"  # fmt: skip
REFERENCE_EN, REFERENCE_ZH = "Usually a wider margin at first: loans reprice faster than deposits. It narrows later as deposits catch up.", "通常先扩大：贷款重定价快于存款；随后存款成本跟上，息差收窄。"  # fmt: skip
RESPONSES_EN = [
    "At first the margin tends to widen, because floating-rate loans reprice within weeks while deposit rates follow slowly. After some quarters savers move to term deposits and the gain shrinks.",
    "A higher rate is always good for banks. Margins rise for as long as rates stay high, so the shares should be bought.",
]
RESPONSES_ZH = [
    "息差一般先扩大：浮动利率贷款很快重定价，存款利率跟得慢。几个季度后，储户转向定期存款，收益逐步缩小。",
    "加息对银行总是利好，只要利率维持高位，息差就会一直上升，因此应当买入银行股。",
]
TOPICS_EN = ["rates | Interest rates", "credit | Credit and default", "fx | Currencies", "deals | Mergers and takeovers", "results | Results", "dividend | Dividends and buybacks", "rules | Regulation", "people | Management"]  # fmt: skip
TOPICS_ZH = ["rates | 利率", "credit | 信用与违约", "fx | 汇率", "deals | 并购", "results | 业绩", "dividend | 分红与回购", "rules | 监管", "people | 管理层"]  # fmt: skip


def labels(lines: list[str], **more: Any) -> list[dict[str, Any]]:
    """Labels with names, titles and colours from “name | title” lines."""
    pairs = [line.split(" | ") for line in lines]
    return [{"name": name, "title": title, **more.get(name, {})} for name, title in pairs]


def marks(text: str, *wanted: tuple[str, str], **more: dict[str, Any]) -> list[dict[str, Any]]:
    """A mark with that label over the first place of these words; `more` by label."""
    found = []
    for words, label in wanted:
        start = text.index(words)
        found.append({"start": start, "end": start + len(words), "label": label, "text": words, **more.get(label, {})})
    return sorted(found, key=lambda one: (one["start"], one["end"]))


def place(text: str, words: str, **more: Any) -> dict[str, Any]:
    return {**more, "start": text.index(words), "end": text.index(words) + len(words), "text": words}


def related(found: list[dict[str, Any]], one: int, kind: str, other: int) -> list[dict[str, Any]]:
    """The same marks, with a relation from one to another, by their places in the list."""
    found[one]["relations"] = [{"type": kind, "to": other}]
    return found


# kind -> for each language: the question, the row of the item, what was answered so far.
KINDS: dict[str, dict[str, tuple[dict[str, Any], dict[str, Any], Any]]] = {
    "choice": {
        "en": (
            {"title": "Sentiment for the holder", "labels": labels(["positive | Positive", "neutral | Neutral", "negative | Negative"], positive={"definition": "The holder is better off: results above what was expected, cash returned, a risk removed."}, neutral={"definition": "Nothing changes, or good and bad cancel out."}, negative={"definition": "The holder is worse off: losses, warnings, default, dilution."})},
            {"text": "Brightmoor raises its full-year outlook for the second time and will return £150m to shareholders; the finance chief leaves in June.", "title": "Trading update", "issuer": "Brightmoor plc", "source_type": "announcement", "published_at": "2024-05-14"},
            None,
        ),
        "zh": (
            {"title": "对持有人的情绪", "labels": labels(["positive | 正面", "neutral | 中性", "negative | 负面"])},
            {"text": "远岭股份年内第二次上调全年业绩指引，拟回购1.5亿元股份；财务总监将于6月离任。", "title": "经营情况公告", "issuer": "远岭股份", "source_type": "announcement", "published_at": "2024-05-14"},
            None,
        ),
    },
    "choices": {
        "en": ({"title": "Topics", "labels": labels(TOPICS_EN), "least": 1}, {"text": "The central bank held rates, the krona fell to a two-year low, and Norvik cut its dividend after weaker lending.", "source_type": "news", "published_at": "2024-03-21"}, ["rates", "fx", "dividend"]),
        "zh": ({"title": "主题", "labels": labels(TOPICS_ZH), "least": 1}, {"text": "央行维持利率不变，克朗跌至两年低点；北陆集团因放贷走弱下调股息。", "source_type": "news", "published_at": "2024-03-21"}, ["rates", "fx", "dividend"]),
    },
    "spans": {
        "en": ({"title": "Names and figures", "labels": labels(["ORG | Company", "PER | Person", "DATE | Date", "NUM | Amount"]), "numbers": ["NUM"], "relations": ["buys"]}, {"text": MARKS_EN, "source_type": "news", "published_at": "2024-05-14"}, related(marks(MARKS_EN, ("Brightmoor plc", "ORG"), ("14 May 2024", "DATE"), ("Hallam Foods", "ORG"), ("Norvik Group", "ORG"), ("£1.25bn", "NUM"), ("Ines Duarte", "PER"), ("4%", "NUM")), 0, "buys", 2)),
        "zh": ({"title": "名称与数字", "labels": labels(["ORG | 公司", "PER | 人物", "DATE | 日期", "NUM | 金额"]), "numbers": ["NUM"], "relations": ["收购"]}, {"text": MARKS_ZH, "source_type": "announcement", "published_at": "2024-05-14"}, related(marks(MARKS_ZH, ("远岭股份", "ORG"), ("5月14日", "DATE"), ("12.5亿元", "NUM"), ("海川食品", "ORG"), ("北陆集团", "ORG"), ("杜若琳", "PER"), ("4%", "NUM")), 0, "收购", 3)),
    },
    "events": {
        "en": ({"title": "What happened", "labels": labels(["takeover | Takeover", "dividend | Dividend", "results | Results"]), "roles": ["buyer", "target", "seller", "price"]}, {"text": MARKS_EN, "source_type": "news", "published_at": "2024-05-14"}, [
            {"type": "takeover", "trigger": place(MARKS_EN, "buy"), "arguments": [place(MARKS_EN, "Brightmoor plc", role="buyer"), place(MARKS_EN, "Hallam Foods", role="target"), place(MARKS_EN, "Norvik Group", role="seller"), place(MARKS_EN, "£1.25bn", role="price")], "status": "expected", "date": {"value": "2024-05-14", **place(MARKS_EN, "14 May 2024")}},
            {"type": "dividend", "trigger": place(MARKS_EN, "cut its dividend"), "arguments": [], "status": "actual", "date": {"value": "2024-03", **place(MARKS_EN, "March")}},
        ]),
        "zh": ({"title": "发生了什么", "labels": labels(["takeover | 收购", "dividend | 分红", "results | 业绩"]), "roles": ["收购方", "标的", "出售方", "价格"]}, {"text": MARKS_ZH, "source_type": "announcement", "published_at": "2024-05-14"}, [
            {"type": "takeover", "trigger": place(MARKS_ZH, "收购"), "arguments": [place(MARKS_ZH, "远岭股份", role="收购方"), place(MARKS_ZH, "海川食品", role="标的"), place(MARKS_ZH, "北陆集团", role="出售方"), place(MARKS_ZH, "12.5亿元", role="价格")], "status": "expected", "date": {"value": "2024-05-14", **place(MARKS_ZH, "5月14日")}},
        ]),
    },
    "score": {
        "en": ({"title": "Severity for a creditor", "min": 0, "max": 100, "step": 5, "low": "no concern", "high": "default is near"}, {"text": "Hallam Foods breached a covenant at the end of April. Its banks have granted a waiver until September in exchange for a higher margin.", "source_type": "report", "published_at": "2024-05-02"}, 65),
        "zh": ({"title": "对债权人的严重程度", "min": 0, "max": 100, "step": 5, "low": "无虞", "high": "濒临违约"}, {"text": "海川食品4月末触发一项财务契约。银行同意豁免至9月，条件是提高利差。", "source_type": "report", "published_at": "2024-05-02"}, 65),
    },
    "preference": {
        "en": ({"title": "Which answer is better?", "strength": ["slightly", "clearly", "much"]}, {"text": PROMPT_EN, "reference": REFERENCE_EN, "candidates": RESPONSES_EN, "source_type": "qa"}, None),
        "zh": ({"title": "哪个回答更好？", "strength": ["略好", "明显更好", "好得多"]}, {"text": PROMPT_ZH, "reference": REFERENCE_ZH, "candidates": RESPONSES_ZH, "source_type": "qa"}, None),
    },
    "rubric": {
        "en": ({"title": "Quality of each answer", "each": True, "criteria": ["accuracy | Accuracy | facts and figures hold", "compliance | Compliance | no advice to buy or sell"], "scale": ["1 | poor", "2", "3", "4", "5 | perfect"]}, {"text": PROMPT_EN, "reference": REFERENCE_EN, "candidates": RESPONSES_EN, "source_type": "qa"}, {"a": {"accuracy": 5, "compliance": 5}, "b": {"accuracy": 2}}),
        "zh": ({"title": "每个回答的质量", "each": True, "criteria": ["accuracy | 准确 | 事实与数字成立", "compliance | 合规 | 不荐股"], "scale": ["1 | 差", "2", "3", "4", "5 | 优"]}, {"text": PROMPT_ZH, "reference": REFERENCE_ZH, "candidates": RESPONSES_ZH, "source_type": "qa"}, {"a": {"accuracy": 5, "compliance": 5}, "b": {"accuracy": 2}}),
    },
    "text": {
        "en": ({"title": "A summary in one sentence", "multiline": True, "longest": 300}, {"text": MARKS_EN, "source_type": "news", "published_at": "2024-05-14"}, "Brightmoor buys Hallam Foods for £1.25bn in cash and expects it to add 4% to earnings from 2025."),
        "zh": ({"title": "一句话摘要", "multiline": True, "longest": 300}, {"text": MARKS_ZH, "source_type": "announcement", "published_at": "2024-05-14"}, "远岭股份拟以12.5亿元现金收购海川食品，预计2025年起增厚每股收益4%。"),
    },
}  # fmt: skip
# What is pressed before the picture, where a question shows more in use.
PRESSED: dict[str, list[str]] = {"spans": ["."], "events": ["."], "preference": ["1"]}
PREPARE = """
import json
from io import BytesIO
from annotation import importing, inviting, schema
from annotation.models import Annotation, Guideline, GuidelineVersion, Item, Membership, User
user = User.objects.create_user('bench0', password={password!r})
for slug, name, question, row, answer in json.load(open({path!r})):
    project = inviting.create_project(name=name, slug=slug, user=None, overlap=1)
    checked = schema.check(dict(questions=[dict(question, name='asked')]))
    Guideline.objects.update_or_create(project=project, defaults=dict(text='#', schema=checked))
    project.version = GuidelineVersion.objects.create(project=project, number=1, text='#', schema=checked)
    project.save()
    Membership.objects.create(project=project, user=user, role='annotator')
    file = BytesIO(json.dumps(row).encode())
    brought = importing.bring_in(importing.prepare(project=project, file=file, filename='item.jsonl', user=None))
    assert brought.report['new'] == 1, brought.report
    item = Item.objects.select_related('document').get(project=project)
    if answer is not None:
        kept = schema.clean(dict(asked=answer), checked, about=item.about, partial=True, draft=True)
        Annotation.objects.create(project=project, item=item, annotator=user, guideline_version=project.version,
            status='draft', answer=kept)
"""


def prepare(world: World, names: list[str]) -> None:
    """For each kind and language a project with one item, answered so far as KINDS says."""
    wanted = []
    for kind in names:
        for language, (question, row, answer) in KINDS[kind].items():
            name = "Assay" if language == "en" else "标注"
            whole = {"id": "1", "language": language, **row}
            wanted.append([f"{kind}-{language}", name, {"kind": kind, **question}, whole, answer])
    path = Path(world.folder) / "projects.json"
    path.write_text(json.dumps(wanted))
    world.manage("shell", "-c", PREPARE.format(path=str(path), password=PASSWORD))


def dress(driver: Any, base: str, kind: str, *, phone: bool) -> None:
    """A desk, bright and English; or a telephone, dark and Chinese."""
    size = {"width": 390, "height": 844} if phone else {"width": 1240, "height": 820 if kind in PRESSED else 640}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**size, "deviceScaleFactor": 1, "mobile": phone})
    driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": phone})
    scheme = {"name": "prefers-color-scheme", "value": "dark" if phone else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    language = "zh-hans" if phone else "en"
    driver.execute_cdp_cmd("Network.setCookie", {"name": "django_language", "value": language, "url": base})


def picture(driver: Any, base: str, kind: str, *, phone: bool) -> bytes:
    """The labelling page of that kind as a small PNG."""
    dress(driver, base, kind, phone=phone)
    driver.get(f"{base}/p/{kind}-{'zh' if phone else 'en'}/label/")
    until(lambda: driver.execute_script("return document.documentElement.dataset.ready") == "1")
    time.sleep(0.4)
    for key in PRESSED.get(kind, []):
        ActionChains(driver, duration=0).send_keys(key).perform()
        time.sleep(0.2)
    if kind == "text":
        driver.execute_script("document.querySelector('[data-kind=text] textarea').focus()")
        ActionChains(driver, duration=0).send_keys(Keys.END).perform()
    time.sleep(0.6)
    return small(driver.get_screenshot_as_png())


def pixels(png: bytes) -> np.ndarray:
    """The colours of a PNG with 8 bits a channel: uint8[height, width, channels]."""
    width, height, depth, colour = struct.unpack(">IIBB", png[16:26])
    if depth != 8 or colour not in (2, 6):
        raise ValueError("This reads PNG with three or four channels of 8 bits.")
    channels, place, data = (3 if colour == 2 else 4), 8, b""
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        if png[place + 4 : place + 8] == b"IDAT":
            data += png[place + 8 : place + 8 + length]
        place += length + 12
    rows = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, 1 + width * channels)
    found = np.zeros((height, width, channels), np.uint8)
    above = np.zeros((width, channels), np.uint8)
    for y in range(height):
        above = found[y] = unfiltered(int(rows[y, 0]), rows[y, 1:].reshape(width, channels), above)
    return found


def unfiltered(kind: int, line: np.ndarray, above: np.ndarray) -> np.ndarray:
    """One row of a PNG without its filter (PNG specification, 9.2)."""
    if kind == 0:
        return line
    if kind == 1:
        return np.cumsum(line, axis=0, dtype=np.uint64).astype(np.uint8)
    if kind == 2:
        return line + above
    up, out = above.astype(int), np.zeros(line.shape, np.uint8)
    left = corner = np.zeros(line.shape[1], int)
    for x, given in enumerate(line.astype(int)):
        if kind == 3:
            guess = (left + up[x]) // 2
        else:
            p = left + up[x] - corner
            a, b, c = abs(p - left), abs(p - up[x]), abs(p - corner)
            guess = np.where((a <= b) & (a <= c), left, np.where(b <= c, up[x], corner))
        left, corner = (given + guess) % 256, up[x]
        out[x] = left
    return out


def small(png: bytes) -> bytes:
    """The same picture with a palette of its 256 most frequent colours, each other one as the nearest of them."""
    rgb = pixels(png)[..., :3]
    height, width, _three = rgb.shape
    codes = rgb.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    colours, which, counts = np.unique(codes, return_inverse=True, return_counts=True)
    parts = np.stack([colours >> 16, (colours >> 8) & 255, colours & 255], axis=1).astype(np.int32)
    palette = parts[np.argsort(-counts)[:256]]
    nearest = np.concatenate([((chunk[:, None] - palette[None]) ** 2).sum(axis=2).argmin(axis=1) for chunk in np.array_split(parts, max(1, len(parts) // 500))])  # fmt: skip
    lines = nearest.astype(np.uint8)[which.reshape(height, width)]
    body = np.concatenate([np.zeros((height, 1), np.uint8), lines], axis=1).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"PLTE", palette.astype(np.uint8).tobytes()), (b"IDAT", zlib.compress(body, 9)), (b"IEND", b"")]  # fmt: skip
    told = (struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks)  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/screens")
    parser.add_argument("--only", nargs="*", choices=sorted(KINDS))
    asked = parser.parse_args()
    names = asked.only or list(KINDS)
    profile = tempfile.mkdtemp(prefix="assay-bench-screens-")
    driver = chromium(profile)
    world = World("sqlite", "")
    try:
        prepare(world, names)
        server = Server(world)
        try:
            base = f"http://127.0.0.1:{server.port}"
            sign_in(driver, base)
            for phone in (False, True):
                for kind in names:
                    path = asked.out / f"kind-{kind}{'-phone' if phone else ''}.png"
                    path.write_bytes(picture(driver, base, kind, phone=phone))
                    print(f"{path.stat().st_size:>8,}  {path.name}")
        finally:
            server.stop()
    finally:
        driver.quit()
        world.close()
        shutil.rmtree(profile, ignore_errors=True)


if __name__ == "__main__":
    main()

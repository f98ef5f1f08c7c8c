"""The leaks of a frozen version, read from its examples."""

import json
from collections.abc import Callable, Iterator
from typing import IO, Any

from django.utils.translation import gettext_noop

from annotation.kinds import KINDS
from annotation.models import Item
from annotation.text.normal import text_key
from evaluation import findings
from evaluation.findings import Finding
from evaluation.giveaways import terms
from evaluation.gold import BATCH, Texts
from evaluation.leak_report import Report, Row, columns_of, report
from evaluation.leaks import Placed
from evaluation.models import DatasetVersion, Example
from evaluation.windows import day_of

WITH_LABELS = ("choice", "choices")


def of_version(
    version: DatasetVersion, spool: IO[bytes], tick: Callable[[int, int], None]
) -> tuple[Report, Callable[[str], dict[str, Any]]]:
    """The report of a frozen version, and what gives an example's content by its key."""
    offsets: dict[str, int] = {}
    questions = version.questions
    columns = ("key", "split", "text", "gold", "fields")
    rows = Example.objects.filter(version=version).order_by("pk").values_list(*columns)

    def read() -> Iterator[Row]:
        for key, split, text, gold, fields in rows.iterator(chunk_size=BATCH):
            offsets[key] = spool.seek(0, 2)
            spool.write(
                json.dumps({"key": key, "split": split, "text": text, "gold": gold, "fields": fields}).encode() + b"\n"
            )
            yield row_of(key, split, text, gold, fields, questions, version.options.get("group_by") or ())

    seen = list(read())
    found = report(
        seen,
        Texts(spool, list(offsets.values())),
        terms=words_of(questions),
        by_time=version.options.get("splits") == "time",
        tick=tick,
    )
    items = Example.objects.filter(version=version).exclude(split="train").values("item")
    measuring = Item.objects.filter(pk__in=items).exclude(role=Item.Role.WORK).count()
    found.findings[:0] = of_control(measuring)

    def content(key: str) -> dict[str, Any]:
        spool.seek(offsets[key])
        return dict(json.loads(spool.readline()))

    return found, content


def of_control(count: int) -> list[Finding]:
    """Control and training items in dev or test; how many, not which."""
    if not count:
        return []
    text = gettext_noop("Control or training items stand in dev or test: %(count)d. People know their gold.")
    entry = findings.finding("control", "error", text, {"count": count})
    return [{**entry, "count": count, "share": None, "pairs": False}]


def words_of(questions: list[dict[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """question -> label -> the words that would give it away."""
    return {
        entry["name"]: terms((label["name"], label.get("title") or "") for label in entry["labels"])
        for entry in questions
        if entry["kind"] in WITH_LABELS
    }


def row_of(
    key: str,
    split: str,
    text: str,
    gold: dict[str, Any],
    fields: dict[str, Any],
    questions: list[dict[str, Any]],
    group_by: Any,
) -> Row:
    """An example as the report sees it."""
    by_name = {entry["name"]: entry for entry in questions}
    labels = {
        name: KINDS[by_name[name]["kind"]].used(value, by_name[name])
        for name, value in gold.items()
        if by_name[name]["kind"] in WITH_LABELS
    }
    metadata = fields.get("metadata") or {}
    groups = [f"issuer:{fields['issuer'].strip().casefold()}"] if fields.get("issuer") and "issuer" in group_by else []
    groups += [
        f"{name}:{value.strip().casefold()[:200]}"
        for name in group_by
        if name.startswith("meta.") and (value := str(metadata.get(name.removeprefix("meta."), "")))
    ]
    # The same gold is the same text; a set of labels has one order.
    told = json.dumps(gold, ensure_ascii=False, sort_keys=True)
    placed = Placed(key, split, text_key(text), tuple(groups), told, day_of(fields.get("published_at", "")))
    return Row(placed, labels, columns_of(fields))

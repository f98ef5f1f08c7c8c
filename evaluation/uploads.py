"""Uploaded data whose leaks are looked for: files of any format as rows with a split, their texts in a temporary file."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from django.utils.translation import gettext as _

from annotation import reading
from annotation.reading import EXTENSIONS
from annotation.reading.opening import ARCHIVE_ERRORS, open_archive
from annotation.records import SPLITS as SPLIT_NAMES
from annotation.text.normal import clean, text_key
from evaluation.gold import Texts
from evaluation.leak_report import Row
from evaluation.leaks import Placed
from evaluation.windows import day_of

MOST = 500_000
MOST_FILES = 50
# Formats of which each file holds many rows.
ROWS = ("csv", "tsv", "json", "jsonl", "xlsx", "parquet", "arrow")
NAMED = ("id", "text", "label", "split", "published_at", "issuer")
# Columns of a file are looked at one by one, so that one with thousands is none to look at.
COLUMNS = 50


class Source(NamedTuple):
    """A file, the name it came with, and the split of all its rows ('' where a column says it)."""

    path: Path
    name: str
    split: str = ""


def split_of_name(name: str) -> str:
    """The split that a file's name tells, such as data/validation-00000.jsonl; '' where it tells none."""
    words = Path(name).name.casefold().replace(".", "-").replace("_", "-").split("-")
    found = {SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES}
    return found.pop() if len(found) == 1 else ""


class Uploaded:
    """Rows of uploaded files. texts: read from the spool when looked at; problems: rows that could not be read."""

    def __init__(self, spool: IO[bytes]) -> None:
        self.spool = spool
        self.offsets: list[int] = []
        self.rows: list[Row] = []
        self.places: dict[str, int] = {}
        self.problems: list[str] = []
        self.without_split = 0
        self.labels: Counter[str] = Counter()

    def read(
        self,
        sources: Sequence[Source],
        *,
        split_column: str = "",
        group_by: Sequence[str] = (),
        mapping: Mapping[str, str] | None = None,
        tick: Callable[[int], None] = lambda done: None,
    ) -> None:
        """All rows of the files. Raises ValueError where no split can be told, or nothing can be read."""
        for source in sources:
            self._read(source, split_column, group_by, mapping or {}, tick)
        if not self.rows:
            raise ValueError(
                _("No row has a text and a split. Name the column of the split, or give one file for each split.")
            )
        if len({row.placed.split for row in self.rows}) < 2:
            raise ValueError(
                _("All rows are in one split. Name the column that says the split, or give one file for each split.")
            )

    def _read(
        self,
        source: Source,
        split_column: str,
        group_by: Sequence[str],
        mapping: Mapping[str, str],
        tick: Callable[[int], None],
    ) -> None:
        sniffed = reading.sniff(source.path, filename=source.name)
        guessed = {**reading.guess_mapping(sniffed.columns, sniffed.preview), **mapping}
        if split_column:
            guessed["split"] = split_column
        fixed = source.split or ("" if "split" in guessed else split_of_name(source.name))
        rows = reading.rows(source.path, format=sniffed.format, encoding=sniffed.encoding, delimiter=sniffed.delimiter)
        for row in rows:
            if row.values is None:
                if len(self.problems) < 100:
                    self.problems.append(f"{source.name}: {row.problem}")
                continue
            self._take(row.values, row.number, source, guessed, fixed, group_by)
            if len(self.rows) > MOST:
                raise ValueError(_("The files have more than %(most)d rows; check them in parts.") % {"most": MOST})
            if len(self.rows) % 1000 == 0:
                tick(len(self.rows))

    def _take(
        self,
        values: dict[str, Any],
        number: int,
        source: Source,
        mapping: Mapping[str, str],
        fixed: str,
        group_by: Sequence[str],
    ) -> None:
        told = {name: _cell(values, mapping[name]) for name in NAMED if name in mapping}
        text = clean(told.get("text", "")).text
        split = fixed or SPLIT_NAMES.get(told.get("split", "").strip().casefold(), "")
        if not text or not split:
            self.without_split += bool(text)
            return
        key = told.get("id") or f"{source.name}:{number}"
        if key in self.places:
            key = f"{key} ({split}, {number})"
        if key in self.places:
            key = f"{source.name}:{number}"
        labels = _labels(values.get(mapping["label"])) if "label" in mapping else []
        self.labels.update(labels)
        issuer = told.get("issuer", "").strip().casefold()
        groups = [f"issuer:{issuer}"] if issuer else []
        groups += [f"{name}:{value[:200]}" for name in group_by if (value := _cell(values, name).strip().casefold())]
        used = {mapping[name] for name in NAMED if name in mapping}
        columns = {
            name: value for name in list(values)[:COLUMNS] if name not in used and (value := _cell(values, name))
        }
        columns |= {
            f"{name}.{inner}": str(value)
            for name in ("meta", "metadata")
            if isinstance(values.get(name), dict)
            for inner, value in list(values[name].items())[:COLUMNS]
            if f"{name}.{inner}" not in used
        }
        self.places[key] = len(self.rows)
        self.offsets.append(self.spool.tell())
        content = {"text": text, "gold": labels, "fields": {name: value[:500] for name, value in columns.items()}}
        self.spool.write(json.dumps(content).encode() + b"\n")
        gold = "\x1f".join(sorted(labels)) if labels else None
        placed = Placed(key, split, text_key(text), tuple(groups), gold, day_of(told.get("published_at", "")))
        columns = {
            name: value for name, value in columns.items() if len(value) <= 80 and name not in ("meta", "metadata")
        }
        self.rows.append(Row(placed, {"label": labels} if labels else {}, columns))

    def texts(self) -> Sequence[str]:
        """In the order of the rows."""
        return Texts(self.spool, self.offsets)

    def terms(self) -> list[tuple[str, str]]:
        """(label, its name) of the labels that occur; of very many only the most frequent."""
        return [(label, label) for label, _n in self.labels.most_common(200)]

    def content(self, key: str) -> dict[str, Any]:
        """What a page shows of a row."""
        row = self.rows[self.places[key]]
        self.spool.seek(self.offsets[self.places[key]])
        return {"key": key, "split": row.placed.split, **json.loads(self.spool.readline())}


def _cell(values: Mapping[str, Any], name: str) -> str:
    """The value of a column, of one inside another by a dotted name, as text."""
    value: Any = values.get(name)
    if value is None and "." in name:
        outer, _dot, inner = name.partition(".")
        value = values[outer].get(inner) if isinstance(values.get(outer), dict) else None
    if value is None or value in ("", [], {}):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _labels(value: Any) -> list[str]:
    """The labels of a cell: a word, a number, or a list of them."""
    parts = value if isinstance(value, list) else [value]
    return sorted({str(part)[:200] for part in parts if isinstance(part, (str, int, float)) and str(part)})


def unpacked(source: Source, folder: Path) -> Iterator[Source]:
    """The files of an archive, written into a folder; a file that is none is what it was. Raises ValueError.

    Sizes are bounded by the archive's own directory, which the reader holds it to.
    """
    if not source.name.casefold().endswith(".zip"):
        yield source
        return
    with open_archive(source.path) as (archive, _file):
        members = [member for member in archive.infolist() if _is_data(member.filename)]
        if not members:
            raise ValueError(_("%(name)s holds no file of rows (CSV, JSONL, JSON, XLSX …).") % {"name": source.name})
        for number, member in enumerate(members[:MOST_FILES]):
            path = folder / f"{number}-{Path(member.filename).suffix[1:8]}"
            try:
                with archive.open(member) as inside, path.open("wb") as out:
                    shutil.copyfileobj(inside, out, 2**20)
            except ARCHIVE_ERRORS as error:
                raise ValueError(
                    _("%(name)s is damaged in the archive. Pack it again.") % {"name": member.filename}
                ) from error
            yield Source(path, Path(member.filename).name, source.split)


def _is_data(name: str) -> bool:
    ends = name.casefold().removesuffix(".gz").rpartition(".")[2]
    inside = Path(name).name
    return not name.endswith("/") and inside[:1] != "." and "__MACOSX/" not in name and EXTENSIONS.get(ends) in ROWS
